// The rules as a table: occasion × status × error class × setting, each with its expected outcome.

import Domain
import Gate
import Testing

private let first = ChatID(-1001)
private let second = ChatID(-1002)

struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let facts: Facts
    let decision: Decision

    init(
        _ name: String, _ occasion: Occasion = .message, _ memberships: [MembershipFact?] = [], admin: AdminFact? = .no,
        failMode: FailMode = .open, change: (inout Facts) -> Void = { _ in }, gives decision: Decision
    ) {
        testDescription = name
        let channels = Array([first, second].prefix(max(memberships.count, 1)))
        var facts = Facts(occasion, group: GroupFacts(isProtected: true, channels: channels, failMode: failMode))
        facts.admin = admin
        facts.isInGroup = true
        for (channel, fact) in zip(channels, memberships) { facts.memberships[channel] = fact }
        change(&facts)
        self.facts = facts
        self.decision = decision
    }
}

private let gone = MembershipFact.notMember(ageMilliseconds: 0)
private let failed = MembershipFact.failed("ServerError")
private let broken = MembershipFact.unreachable("ChatNotFound")

@Suite("Values by channel")
struct ByChannelTests {
    @Test func `a channel has the value it was given last, and order does not matter`() {
        var (left, right) = (ByChannel<Int>(), ByChannel<Int>())
        let (first, second) = (ChatID(-1), ChatID(-2))
        (left[first], left[second], left[first]) = (1, 2, 3)
        (right[second], right[first]) = (2, 3)
        #expect(left == right && left.count == 2 && left.values == [3, 2])
        left[first] = nil
        #expect(left[first] == nil && left[second] == 2 && left != right)
        (left[first], left[second]) = (nil, nil)
        #expect(left.isEmpty)
    }
}

@Suite("Gate")
struct GateTests {
    static let ordered: [Case] = [
        Case("rule 1: private chat", change: { $0.isGroupChat = false }, gives: .ignore(.notAGroup)),
        Case("rule 2: service message", change: { $0.isServiceMessage = true }, gives: .ignore(.serviceMessage)),
        Case("rule 3: not protected", change: { $0.group.isProtected = false }, gives: .ignore(.notProtected)),
        Case("rule 4: linked post", change: { $0.sender = .linkedPost }, gives: .ignore(.linkedPost)),
        Case("rule 5: anonymous", change: { $0.sender = .anonymousAdmin }, gives: .ignore(.anonymousAdmin)),
        Case("rule 6: other channel", change: { $0.sender = .channel(ChatID(-9)) }, gives: .delete(.senderChat)),
        Case("rule 6: required", change: { $0.sender = .channel(first) }, gives: .allow(.senderChatAllowed)),
        Case(
            "rule 6: channels allowed",
            change: {
                $0.sender = .channel(ChatID(-9)); $0.group.allowsSenderChats = true
            },
            gives: .allow(.senderChatAllowed)),
        Case("rule 7: bot", change: { $0.sender = .bot }, gives: .ignore(.bot)),
        Case("rule 8: exempt", .message, [gone], change: { $0.isExempt = true }, gives: .allow(.exempt)),
        Case("rule 9: no admin list needed", .message, [.member, .member], admin: nil, gives: .allow(.subscribed)),
        Case("rule 10: admin not subscribed", .message, [gone], admin: .yes, gives: .ignore(.admin)),
    ]

    static let messages: [Case] = [
        Case(
            "nothing known", .message, [nil, nil], admin: nil, gives: .need([.admins, .memberships([first, second])])),
        Case("admin list known", .message, [.member, nil], gives: .need([.memberships([second])])),
        Case("only the admin list unknown", .message, [gone], admin: nil, gives: .need([.admins])),
        Case("subscribed", .message, [.member], gives: .allow(.subscribed)),
        Case("left the second", .message, [.member, gone], gives: .hold(missing: [second])),
        Case("in neither", .message, [gone, gone], gives: .hold(missing: [first, second])),
        Case("unknown comes before missing", .message, [gone, nil], gives: .need([.memberships([second])])),
        Case("unknown to Telegram", .message, [.inferredNotMember], gives: .hold(missing: [first])),
        Case("failure does not hide a missing one", .message, [failed, gone], gives: .hold(missing: [second])),
        Case("failure, open", .message, [.member, failed], gives: .allow(.checkFailed)),
        Case("failure, closed", .message, [.member, failed], failMode: .closed, gives: .delete(.checkFailed)),
        Case("429 alone, open", .message, [.failed("RetryAfter")], gives: .allow(.checkFailed)),
        Case("one link broken, other fine", .message, [broken, .member], gives: .allow(.channelsUnreachable)),
        Case("one link broken, other missing", .message, [broken, gone], gives: .hold(missing: [second])),
        Case("all links broken", .message, [broken, broken], failMode: .closed, gives: .allow(.channelsUnreachable)),
        Case("broken and failed", .message, [broken, failed], failMode: .closed, gives: .delete(.checkFailed)),
        Case("missing, admins unreadable", .message, [gone], admin: .failed, gives: .allow(.checkFailed)),
        Case(
            "missing, admins unreadable, closed", .message, [gone], admin: .failed, failMode: .closed,
            gives: .delete(.checkFailed)),
        Case("subscribed, admins unreadable", .message, [.member], admin: .failed, gives: .allow(.subscribed)),
        Case("answer of 3 s", .message, [.notMember(ageMilliseconds: 3000)], gives: .hold(missing: [first])),
        Case("older answer", .message, [.notMember(ageMilliseconds: 3001)], gives: .need([.memberships([first])])),
        Case("before the mute", .message, [.member], change: { $0.hasOpenHold = true }, gives: .release(.verified)),
        Case("edit into spam", .edit, [gone], gives: .hold(missing: [first])),
        Case("edit of a subscriber", .edit, [.member], admin: nil, gives: .allow(.subscribed)),
    ]

    static let others: [Case] = [
        Case("joins subscribed", .join, [.member], admin: nil, gives: .allow(.subscribed)),
        Case("joins unsubscribed", .join, [gone], gives: .hold(missing: [first])),
        Case("joins, administrators not looked up", .join, [gone], admin: nil, gives: .need([.admins])),
        Case("bot joins", .join, [gone], change: { $0.sender = .bot }, gives: .ignore(.bot)),
        Case("admin joins", .join, [gone], admin: .yes, gives: .ignore(.admin)),
        Case("exempt joins", .join, [gone], change: { $0.isExempt = true }, gives: .allow(.exempt)),
        Case("join, failed check, closed", .join, [failed], failMode: .closed, gives: .allow(.checkFailed)),
        Case(
            "join to a disabled group", .join, [gone], change: { $0.group.isProtected = false },
            gives: .ignore(.notProtected)),
        Case("request of a subscriber", .joinRequest, [.member, .member], admin: nil, gives: .approve),
        Case("request without", .joinRequest, [gone], gives: .wait(missing: [first])),
        Case("request, failed check", .joinRequest, [failed], gives: .wait(missing: [])),
        Case("request of an exempt person", .joinRequest, [gone], change: { $0.isExempt = true }, gives: .approve),
        Case("left the channel", .recheck, [gone], gives: .hold(missing: [first])),
        Case("left, presence unknown", .recheck, [gone], change: { $0.isInGroup = nil }, gives: .need([.presence])),
        Case("left, not in the group", .recheck, [gone], change: { $0.isInGroup = false }, gives: .ignore(.notInGroup)),
        Case(
            "held and gone from the group", .recheck, [gone],
            change: {
                $0.isInGroup = false; $0.hasOpenHold = true
            },
            gives: .release(.left)),
        Case("left, admin", .recheck, [gone], admin: .yes, gives: .ignore(.admin)),
        Case("came back", .recheck, [.member], admin: nil, change: { $0.hasOpenHold = true }, gives: .release(.event)),
        Case(
            "exempt and held all the same", .recheck, [gone],
            change: {
                $0.isExempt = true; $0.hasOpenHold = true
            }, gives: .release(.admin)),
        Case("exempt and free", .recheck, [gone], change: { $0.isExempt = true }, gives: .allow(.exempt)),
        Case("no channel to be in", .join, change: { $0.group.channels = [] }, gives: .allow(.channelsUnreachable)),
        Case("came back, was free", .recheck, [.member], admin: nil, gives: .allow(.subscribed)),
        Case(
            "60 s where the recheck waited", .recheck, [.notMember(ageMilliseconds: 59_000)],
            change: { $0.freshForMilliseconds = 60_000 }, gives: .hold(missing: [first])),
        Case(
            "recheck of a group given up", .recheck, [gone],
            change: {
                $0.group.isProtected = false; $0.hasOpenHold = true
            }, gives: .release(.unprotected)),
        byHand(.freed, gives: .release(.admin)), byHand(.restricted, gives: .release(.adminRestricted)),
        byHand(.left, gives: .release(.left)), byHand(.freed, isHeld: false, gives: .ignore(.notHeld)),
        byHand(nil, gives: .ignore(.notHeld)),
        Case("button, joined", .button, [.member], admin: nil, gives: .release(.verified)),
        Case("button, not looked up", .button, [nil], admin: nil, gives: .need([.memberships([first])])),
        Case("button, still missing", .button, [.member, gone], gives: .wait(missing: [second])),
        Case("button, no answer", .button, [failed], gives: .wait(missing: [])),
        Case("button, joined, one broken", .button, [.member, broken], admin: nil, gives: .release(.verified)),
        Case("button, exempt", .button, [gone], change: { $0.isExempt = true }, gives: .release(.admin)),
        Case("request of a subscriber, one broken", .joinRequest, [broken, .member], gives: .approve),
        Case(
            "came back, one broken", .recheck, [broken, .member], change: { $0.hasOpenHold = true },
            gives: .release(.event)),
        Case("button, all broken", .button, [broken], gives: .release(.unprotected)),
        Case(
            "button, disabled", .button, [gone], change: { $0.group.isProtected = false }, gives: .release(.unprotected)
        ),
    ]

    private static func byHand(_ change: HandChange?, isHeld: Bool = true, gives decision: Decision) -> Case {
        Case(
            "by hand: \(change?.rawValue ?? "nothing"), \(isHeld ? "held" : "free")", .byHand, [gone],
            change: {
                $0.handChange = change
                $0.hasOpenHold = isHeld
            }, gives: decision)
    }

    @Test(arguments: ordered + messages + others)
    func decides(_ row: Case) {
        #expect(decide(row.facts) == row.decision)
    }

    @Test(arguments: ordered + messages + others)
    func `stored facts give the same decision`(_ row: Case) throws {
        let stored = row.facts.encoded(reason: row.decision.reason)
        let facts = try Facts(stored: stored)
        #expect(decide(facts) == row.decision)
        #expect(stored.utf8.count < 1024)
    }

    @Test
    func `facts of the first version are read, and the same facts are stored shorter now`() throws {
        let former = """
            {"v": 1, "admin": "no", "group": {"channels": [-1001], "fail_mode": "open", "protected": true, \
            "allow_channels": false}, "reason": "not_subscribed", "sender": "person", "asked_ms": [7], \
            "fresh_ms": 3000, "occasion": "message", "group_chat": true, "memberships": [0]}
            """
        let facts = try Facts(stored: former)
        #expect(facts.group.isProtected && facts.isGroupChat && facts.admin == .no)
        #expect(decide(facts) == .hold(missing: [ChatID(-1001)]))
        let channel = ChatID(-1001)
        var asked = ByChannel<Int64>()
        asked[channel] = 7
        let stored = facts.encoded(reason: "not_subscribed", askedMilliseconds: asked)
        #expect(stored == #"{"v":2,"reason":"not_subscribed","channels":[-1001],"memberships":[0],"asked_ms":[7]}"#)
        #expect(try Facts(stored: stored) == facts)
        let unknown = try Facts(stored: former.replacing(#""admin": "no", "#, with: ""))
        #expect(unknown.admin == nil)
        #expect(try Facts(stored: unknown.encoded(reason: "admin")) == unknown)
    }

    @Test
    func `every combination of facts is decided, and nobody is held without a fresh answer`() {
        let memberships: [MembershipFact?] = [
            nil, .member, gone, .notMember(ageMilliseconds: 4000), .inferredNotMember, failed, broken,
        ]
        let admins: [AdminFact?] = [nil, .yes, .no, .failed]
        for occasion in Occasion.allCases {
            for one in memberships {
                for two in memberships {
                    for admin in admins {
                        for failMode in [FailMode.open, .closed] {
                            let row = Case("", occasion, [one, two], admin: admin, failMode: failMode, gives: .approve)
                            guard case .hold(let missing) = decide(row.facts) else { continue }
                            #expect(admin == .no && !missing.isEmpty)
                            #expect(
                                missing.allSatisfy { [gone, .inferredNotMember].contains(row.facts.memberships[$0]) })
                        }
                    }
                }
            }
        }
    }
}
