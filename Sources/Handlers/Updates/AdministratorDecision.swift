// The administrator's word stands: what people do by hand to a held person.

import Domain
import EventLoop
import Gate
import Storage
import TelegramBotAPI

/// Reads changes made by others to people whom we hold.
@IO
struct AdministratorDecision {
    let services: Services

    func changed(_ change: ChatMemberUpdated, update: UpdateID) async throws(UpdateFailure) -> Handled {
        let (user, group) = (change.new.user.id, change.chat.id)
        let isOurs = change.from.id == services.settings.botID
        let hold = try await services.reading { () async throws(StoreError) in
            try await services.store.openHold(of: user, in: group)
        }
        var record = Record(update: update)
        guard let hold else {
            // Our own echo without an open row: a replica that was stopped may have muted after a release.
            let isMute = change.new.status == .restricted && change.new.permissions?.isEmpty == true
            guard isOurs, isMute, !services.notes.restricted.isRecent(PairOrder.Pair(chat: group, user: user)) else {
                return .nothing
            }
            record.effects = [.recheck(user, in: group, audits: true, source: .message)]
            return try await services.record(record)
        }
        guard !isOurs else { return .nothing }
        guard let (what, lifts) = meaning(of: change) else { return .nothing }
        let configuration = try await services.configuration(group)
        let (decision, row) = Self.decide(what, about: hold, configuration, update: update)
        guard case .release(let reason) = decision else { return .nothing }
        // First, so that a failure between leaves the row open and the update comes again.
        if reason == .admin {
            try await services.reading { () async throws(StoreError) in
                try await services.exemptForADay(user, in: group)
            }
            // Our own mute may land after this word: its echo is then to be looked at, not taken for ours.
            services.notes.restricted.release(PairOrder.Pair(chat: group, user: user))
        }
        record.decision = row
        record.releases = [ReleaseWish(group: group, user: user, reason: reason, lifts: lifts)]
        if !lifts { record.effects = Self.promptEdits(hold) }
        return try await services.record(record)
    }

    /// What the rules say of something done by hand to a held person, and its row.
    static func decide(
        _ change: HandChange, about hold: Hold, _ group: ProtectedGroup?, update: UpdateID?
    ) -> (Decision, DecisionRow) {
        var facts = Facts(.byHand, group: GroupFacts(group))
        facts.hasOpenHold = true
        facts.handChange = change
        let decision = Gate.decide(facts)
        let row = DecisionRow(
            update: update, group: hold.group, user: hold.user, ruleVersion: ruleVersion, outcome: decision.outcome,
            facts: facts.encoded(reason: decision.reason))
        return (decision, row)
    }

    /// What is stored when a look finds what was done by hand: the row closes, and nothing is lifted.
    static func closing(
        _ hold: Hold, for change: HandChange, _ reason: ReleaseReason, _ group: ProtectedGroup?
    ) -> Record {
        var record = Record(update: nil)
        (_, record.decision) = decide(change, about: hold, group, update: nil)
        record.releases = [ReleaseWish(group: hold.group, user: hold.user, reason: reason, lifts: false)]
        record.effects = promptEdits(hold)
        return record
    }

    /// The prompt stops naming a person whose row is closed without a lift.
    private static func promptEdits(_ hold: Hold) -> [EffectWish] {
        hold.warning.map { [.edit($0, in: hold.group)] } ?? []
    }

    /// A held person wrote more than 5 s after they were muted: Telegram lets them write, so somebody freed them.
    func heldPersonWrote(_ user: UserID, in group: ChatID, atSeconds date: Int64) async {
        do throws(StoreError) {
            guard let hold = try await services.store.openHold(of: user, in: group), hold.state == .held,
                date > hold.heldAtSeconds + 5
            else { return }
            let context = CallContext(
                userID: user, groupID: group, deadline: Loop.shared.current().adding(milliseconds: 3000))
            do throws(BotAPIError) {
                let member = try await services.api.getChatMember(user, in: group, context)
                // Who comments without being a member is `left`, and may write all the same.
                guard member.status != .restricted, member.status != .kicked else { return }
            } catch {
                return  // the next message asks again
            }
            try await services.exemptForADay(user, in: group)
            _ = try await services.store.record(Self.closing(hold, for: .freed, .admin, await configuration(group)))
            services.workers.wake()
        } catch {
            return  // the message is deleted anyway; the next one asks again
        }
    }

    /// The facts of a decision; without the configuration they are those of a group that was never protected.
    private func configuration(_ group: ChatID) async -> ProtectedGroup? {
        do throws(FetchFailed) { return try await services.group(group) } catch { return nil }
    }

    /// What a change by others means, and whether our restriction is to be lifted for it.
    private func meaning(of change: ChatMemberUpdated) -> (HandChange, lifts: Bool)? {
        if change.from.id == change.new.user.id {
            return change.old.isMember && !change.new.isMember ? (.left, true) : nil
        }
        switch change.new.status {
        case .member, .administrator, .creator: return (.freed, false)
        case .restricted:
            // Free to write counts as freed; anything else is the administrator's own restriction.
            let mayWrite = change.new.permissions?.contains(.sendMessages) == true
            return (mayWrite ? .freed : .restricted, false)
        case .kicked: return (.restricted, false)
        case .left: return (.left, true)
        case .unknown: return nil
        }
    }
}
