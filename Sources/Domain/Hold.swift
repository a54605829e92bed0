// A hold: one row of the ledger, as read back.

/// One row of `user_restrictions`.
public struct Hold: Equatable, Sendable {
    /// The row.
    public var id: LedgerID
    /// Where the person is held.
    public var group: ChatID
    /// Who is held.
    public var user: UserID
    /// How far it has come.
    public var state: HoldState
    /// The channels that were missing.
    public var channels: [ChatID]
    /// What led to it.
    public var source: VerificationSource
    /// A restriction of others that ours replaced: JSON of `{"permissions":{…},"until_date":n}`.
    public var priorPermissions: String?
    /// The prompt or standing notice that names the person.
    public var warning: MessageID?
    /// When it was recorded, in seconds since 1970.
    public var heldAtSeconds: Int64
    /// Whether the person was told why.
    public var isTold: Bool
    /// How often the person pressed the button.
    public var presses: Int

    /// A row with the given columns.
    public init(
        id: LedgerID, group: ChatID, user: UserID, state: HoldState, channels: [ChatID], source: VerificationSource,
        priorPermissions: String? = nil, warning: MessageID? = nil, heldAtSeconds: Int64 = 0, isTold: Bool = false,
        presses: Int = 0
    ) {
        self.id = id
        self.group = group
        self.user = user
        self.state = state
        self.channels = channels
        self.source = source
        self.priorPermissions = priorPermissions
        self.warning = warning
        self.heldAtSeconds = heldAtSeconds
        self.isTold = isTold
        self.presses = presses
    }
}
