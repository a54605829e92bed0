// The ledger of holds, as it is read and kept up to date beside the outbox.

import Domain
import EventLoop
import JSON

extension DatabaseStore {
    private static let columns = "SELECT \(HoldRows.columns()) FROM user_restrictions"
    private static let one = Query("\(columns) WHERE id = $1::bigint")
    private static let openOne = Query(
        "\(columns) WHERE group_id = $1::bigint AND user_id = $2::bigint AND lifted_at IS NULL")
    private static let openOfUser = Query("\(columns) WHERE user_id = $1::bigint AND lifted_at IS NULL ORDER BY id")
    private static let untold = Query(
        """
        \(columns) WHERE group_id = $1::bigint AND lifted_at IS NULL AND told_at IS NULL
            AND state IN ('intended', 'held') ORDER BY id LIMIT $2::int
        """)
    private static let addressed = Query(
        "\(columns) WHERE group_id = $1::bigint AND warning_message_id = $2::bigint AND lifted_at IS NULL ORDER BY id")
    private static let openCount = Query(
        "SELECT count(*) FROM user_restrictions WHERE group_id = $1::bigint AND lifted_at IS NULL")
    private static let openPairs = Query(
        "SELECT group_id, user_id FROM user_restrictions WHERE lifted_at IS NULL LIMIT \(HeldPeople.capacity + 1)")
    private static let recent = Query(
        """
        \(columns) WHERE group_id = $1::bigint AND user_id = $2::bigint AND held_at >= {after:$3} ORDER BY id
        """)
    private static let prior = Query("UPDATE user_restrictions SET prior_permissions = $2::jsonb WHERE id = $1::bigint")
    private static let press = Query(
        """
        UPDATE user_restrictions SET presses = presses + 1, first_pressed_at = COALESCE(first_pressed_at, {now})
        WHERE id = $1::bigint
        """)
    private static let channels = Query(
        "UPDATE user_restrictions SET channel_ids = $2::jsonb WHERE id = $1::bigint AND lifted_at IS NULL")

    private func holds(_ query: Query, _ parameters: [SQLValue]) async throws(StoreError) -> [Hold] {
        try await rows(query, parameters, .read).compactMap { HoldRows.hold($0) }
    }

    /// One row.
    public func hold(_ id: LedgerID) async throws(StoreError) -> Hold? {
        try await holds(Self.one, [.int(id.value)]).first
    }

    /// The open row of a person in a group.
    public func openHold(of user: UserID, in group: ChatID) async throws(StoreError) -> Hold? {
        try await holds(Self.openOne, [.int(group.value), .int(user.value)]).first
    }

    /// Reads all open holds into `held`.
    public func refreshHeld() async throws(StoreError) {
        held.readingBegins()
        let rows = try await rows(Self.openPairs, [], .read)
        let pairs = rows.map { PairOrder.Pair(chat: ChatID($0.int(0)), user: UserID($0.int(1))) }
        held.readingEnded(pairs.count > HeldPeople.capacity ? nil : pairs)
    }

    /// All open rows of a person, for the private chat and for returns to a channel.
    public func openHolds(of user: UserID) async throws(StoreError) -> [Hold] {
        try await holds(Self.openOfUser, [.int(user.value)])
    }

    /// Open rows of a group whose people were not told yet, oldest first, at most `limit`.
    public func untold(in group: ChatID, limit: Int) async throws(StoreError) -> [Hold] {
        try await holds(Self.untold, [.int(group.value), .int(Int64(limit))])
    }

    /// Open rows that a prompt addressed.
    public func addressed(by message: MessageID, in group: ChatID) async throws(StoreError) -> [Hold] {
        try await holds(Self.addressed, [.int(group.value), .int(message.value)])
    }

    /// How many are held in a group.
    public func openHoldCount(in group: ChatID) async throws(StoreError) -> Int {
        Int(try await rows(Self.openCount, [.int(group.value)], .read).first?.int(0) ?? 0)
    }

    /// Rows of a person in a group that were opened in the last `seconds`, open or closed (held a second time).
    public func recentHolds(of user: UserID, in group: ChatID, seconds: Int64) async throws(StoreError) -> [Hold] {
        try await holds(Self.recent, [.int(group.value), .int(user.value), .int(-seconds * 1000)])
    }

    /// Stores what others had restricted, before ours is set. Awaited.
    public func setPrior(_ permissions: String, of ledger: LedgerID) async throws(StoreError) {
        try await execute(Self.prior, [.int(ledger.value), .text(permissions)], .record)
    }

    /// Counts a press of the button.
    public func pressed(_ ledger: LedgerID) async throws(StoreError) {
        try await execute(Self.press, [.int(ledger.value)])
    }

    /// Brings the missing channels of an open row up to date.
    public func setChannels(_ channels: [ChatID], of ledger: LedgerID) async throws(StoreError) {
        let json = "[" + channels.map(\.description).joined(separator: ",") + "]"
        try await execute(Self.channels, [.int(ledger.value), .text(json)])
    }
}
