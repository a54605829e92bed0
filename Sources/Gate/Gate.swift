// Gate: the rules. Facts in, decision out: pure, synchronous, total. Reads no clock, no store, no log.
//
// The order of the rules for a message decides; their numbers are named beside them.

import Domain

/// Raised when a case's outcome changes, so that stored decisions say which rules they were made by.
public let ruleVersion = 3

/// Decides what happens for one occasion.
///
/// Never asks (`.need`) for a fact that is known; after all needs are met or failed it decides.
public func decide(_ facts: Facts) -> Decision {
    switch facts.occasion {
    case .message, .edit: decideMessage(facts)
    case .join: decideJoin(facts)
    case .joinRequest: decideJoinRequest(facts)
    case .recheck: decideRecheck(facts)
    case .button: decideButton(facts)
    case .byHand: decideByHand(facts)
    }
}

private func decideMessage(_ facts: Facts) -> Decision {
    guard facts.isGroupChat else { return .ignore(.notAGroup) }  // rule 1
    guard !facts.isServiceMessage else { return .ignore(.serviceMessage) }  // rule 2
    guard facts.group.isProtected else { return .ignore(.notProtected) }  // rule 3
    switch facts.sender {  // rules 4 to 7
    case .linkedPost: return .ignore(.linkedPost)
    case .anonymousAdmin: return .ignore(.anonymousAdmin)
    case .channel(let channel):
        let isAllowed = facts.group.allowsSenderChats || facts.group.channels.contains(channel)
        return isAllowed ? .allow(.senderChatAllowed) : .delete(.senderChat)
    case .bot: return .ignore(.bot)
    case .person: break
    }
    if facts.isExempt { return .allow(.exempt) }  // rule 8

    let verdict = Verdict(facts)
    if verdict.isSubscribedEverywhere {  // rule 9, and the first row below 11
        return facts.hasOpenHold ? .release(.verified) : .allow(.subscribed)
    }
    switch facts.admin {  // rule 10
    case .yes: return .ignore(.admin)
    case nil: return .need(verdict.needs(admins: true))
    case .no, .failed: break
    }
    if !verdict.unknown.isEmpty { return .need(verdict.needs(admins: false)) }
    if !verdict.missing.isEmpty, facts.admin == .no { return .hold(missing: verdict.missing) }
    // An admin list that cannot be read counts as a failed check: who is missing may be an administrator.
    if !verdict.failed.isEmpty || !verdict.missing.isEmpty {
        return facts.group.failMode == .open ? .allow(.checkFailed) : .delete(.checkFailed)
    }
    return .allow(.channelsUnreachable)
}

private func decideJoin(_ facts: Facts) -> Decision {
    guard facts.group.isProtected else { return .ignore(.notProtected) }
    guard case .person = facts.sender else { return .ignore(.bot) }
    if facts.isExempt { return .allow(.exempt) }
    return holdOrAllow(facts)
}

private func decideJoinRequest(_ facts: Facts) -> Decision {
    guard facts.group.isProtected else { return .ignore(.notProtected) }
    guard case .person = facts.sender else { return .ignore(.bot) }
    if facts.isExempt { return .approve }
    let verdict = Verdict(facts)
    if verdict.isSubscribedWhereSeen { return .approve }
    if !verdict.unknown.isEmpty { return .need(verdict.needs(admins: false)) }
    // Without a sure answer nobody is let in by us; administrators still can.
    return .wait(missing: verdict.missing)
}

private func decideRecheck(_ facts: Facts) -> Decision {
    guard facts.group.isProtected else {
        return facts.hasOpenHold ? .release(.unprotected) : .ignore(.notProtected)
    }
    guard let isInGroup = facts.isInGroup else { return .need([.presence]) }
    guard isInGroup else { return facts.hasOpenHold ? .release(.left) : .ignore(.notInGroup) }
    if facts.isExempt { return facts.hasOpenHold ? .release(.admin) : .allow(.exempt) }
    let verdict = Verdict(facts)
    if facts.hasOpenHold, verdict.isSubscribedWhereSeen { return .release(.event) }
    return holdOrAllow(facts)
}

private func decideButton(_ facts: Facts) -> Decision {
    guard facts.group.isProtected else { return .release(.unprotected) }
    if facts.isExempt { return .release(.admin) }
    let verdict = Verdict(facts)
    if verdict.isSubscribedWhereSeen { return .release(.verified) }
    if !verdict.unknown.isEmpty { return .need(verdict.needs(admins: false)) }
    if !verdict.missing.isEmpty { return .wait(missing: verdict.missing) }
    return verdict.failed.isEmpty ? .release(.unprotected) : .wait(missing: [])
}

/// The word of administrators stands; who leaves is to find no exception when they come back.
private func decideByHand(_ facts: Facts) -> Decision {
    guard facts.hasOpenHold, let change = facts.handChange else { return .ignore(.notHeld) }
    return switch change {
    case .freed: .release(.admin)
    case .restricted: .release(.adminRestricted)
    case .left: .release(.left)
    }
}

/// The common end of joins and rechecks: there is no message that could be deleted.
private func holdOrAllow(_ facts: Facts) -> Decision {
    let verdict = Verdict(facts)
    if verdict.isSubscribedEverywhere { return .allow(.subscribed) }
    switch facts.admin {
    case .yes: return .ignore(.admin)
    case nil: return .need(verdict.needs(admins: true))
    case .no, .failed: break
    }
    if !verdict.unknown.isEmpty { return .need(verdict.needs(admins: false)) }
    if !verdict.missing.isEmpty, facts.admin == .no { return .hold(missing: verdict.missing) }
    return verdict.failed.isEmpty && verdict.missing.isEmpty ? .allow(.channelsUnreachable) : .allow(.checkFailed)
}

/// The required channels sorted by what is known of them.
private struct Verdict {
    var unknown: [ChatID] = []
    var missing: [ChatID] = []
    var failed: [ChatID] = []
    private var members = 0
    private var unreachable = 0
    private var required = 0

    init(_ facts: Facts) {
        required = facts.group.channels.count
        for channel in facts.group.channels {
            switch facts.memberships[channel] {
            case .member: members += 1
            case .notMember(let age) where age > facts.freshForMilliseconds:
                unknown.append(channel)  // nobody is held on an old answer
            case .notMember, .inferredNotMember: missing.append(channel)
            case .failed: failed.append(channel)
            case .unreachable: unreachable += 1  // a broken link does not count
            case nil: unknown.append(channel)
            }
        }
    }

    var isSubscribedEverywhere: Bool { required > 0 && members == required }

    /// Subscribed to every channel that can be looked into, of which there is one at least.
    var isSubscribedWhereSeen: Bool { members > 0 && members + unreachable == required }

    func needs(admins: Bool) -> [Need] {
        (admins ? [.admins] : []) + (unknown.isEmpty ? [] : [.memberships(unknown)])
    }
}
