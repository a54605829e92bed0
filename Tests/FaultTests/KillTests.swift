// SIGKILL between the record and each effect: a fresh process ends what was begun, once, and nobody is forgotten.

import EventLoop
import Foundation
import JSON
import Testing

/// Where the process is killed: the named call stands still, before it was done or with its answer on the way.
private enum KillPoint: String, CaseIterable {
    case deleteBefore, deleteAfter
    case restrictFirst, restrictBefore, restrictAfter
    /// An administrator had taken the right to send photos before.
    case priorBefore, priorAfter
    case promptBefore, promptAfter
    case liftBefore, liftAfter
    case approveBefore, approveAfter
    case editBefore, editAfter
    case expireBefore, expireAfter
    case sendBefore, sendAfter
    case notifyBefore, notifyAfter
    case recheckBefore, recheckAfter

    /// The effect, as `effects.kind` has it.
    var kind: String {
        rawValue.replacing("Before", with: "").replacing("After", with: "").replacing("First", with: "")
    }

    var moment: String { rawValue.hasSuffix("After") ? "after" : "before" }

    var method: String {
        switch self {
        case .deleteBefore, .deleteAfter: "deleteMessage"
        case .restrictFirst, .recheckBefore, .recheckAfter: "getChatMember"
        case .restrictBefore, .restrictAfter, .priorBefore, .priorAfter, .liftBefore, .liftAfter: "restrictChatMember"
        case .promptBefore, .promptAfter, .sendBefore, .sendAfter, .notifyBefore, .notifyAfter: "sendMessage"
        case .approveBefore, .approveAfter: "approveChatJoinRequest"
        case .editBefore, .editAfter, .expireBefore, .expireAfter: "editMessageText"
        }
    }

    /// Whether the person is held already when the hold is set.
    var isPrepared: Bool { ["lift", "edit"].contains(kind) }
}

/// One point in a group of its own.
@IO
private final class Scene {
    let point: KillPoint
    let world: FaultWorld
    let group: TestGroup
    let person: Int64
    /// A second person, who stays held.
    let other: Int64
    var message: Int64 = 0
    var prompt: Int64 = 0

    init(_ point: KillPoint, in world: FaultWorld) async throws {
        self.point = point
        self.world = world
        group = try await world.group(warningSeconds: point.kind == "expire" ? 1 : nil)
        let isOutside = point.kind == "approve"
        person = try await world.person(
            "P \(point)", in: isOutside ? nil : group, isSubscribed: isOutside || point.kind == "recheck")
        other = try await world.person("Q \(point)", in: group)
    }

    /// Until the world is as it must be before the effect.
    func prepare() async throws {
        if point.kind == "notify" { try await world.control("start", ["user": .int(group.owner)]) }
        if point.kind == "prior" {
            try await world.control(
                "restrict",
                [
                    "user": .int(person), "chat": .int(group.id),
                    "permissions": .array([.string("can_send_messages"), .string("can_send_polls")]),
                ])
        }
        guard point.isPrepared else { return }
        try await world.write(person, in: group)
        if point.kind == "edit" { try await world.write(other, in: group) }
    }

    /// People addressed by one prompt: as if both had been held before it was sent.
    func joinPrompts() async throws {
        guard point.kind == "edit" else { return }
        prompt =
            Int64(
                try await world.ask(
                    "SELECT min(warning_message_id) FROM user_restrictions WHERE group_id = \(group.id)")) ?? 0
        try await world.change(
            "UPDATE user_restrictions SET warning_message_id = \(prompt) WHERE group_id = \(group.id)")
    }

    /// What leads to the effect.
    func act() async throws {
        let chat = point.kind == "notify" ? group.owner : group.id
        try await world.hold(point.method, in: chat, point.moment)
        switch point.kind {
        case "delete", "restrict", "prior", "prompt", "expire": message = try await world.write(person, in: group)
        case "lift", "edit": try await world.control("join", ["user": .int(person), "chat": .int(world.channel)])
        case "recheck": try await world.control("leave", ["user": .int(person), "chat": .int(world.channel)])
        case "approve": try await world.control("askToJoin", ["user": .int(person), "chat": .int(group.id)])
        case "notify":
            try await world.control(
                "botRights", ["chat": .int(group.id), "rights": .array([.string("can_delete_messages")])])
        case "send":
            let other = try await world.control("addChannel", ["title": .string("Mine"), "owner": .int(person)])
            let answer = try await world.control(
                "speakAsChannel",
                [
                    "user": .int(person), "channel": other["id"] ?? .null, "chat": .int(group.id),
                    "text": .string("as a channel"),
                ])
            message = answer["message_id"]?.int ?? 0
        default: break
        }
    }

    /// How it must be when a fresh process has done the rest.
    func check() async throws {
        let messages = try await world.botMessages(in: point.kind == "notify" ? group.owner : group.id)
        let notes: Comment = "\(point): \(messages)"
        let holds = try await world.ask(
            "SELECT user_id, state, release_reason FROM user_restrictions WHERE group_id = \(group.id) ORDER BY user_id"
        )
        let isMuted = try await world.member(person, in: group.id).isMuted
        if message != 0 { #expect(try await !world.stands(message, in: group), "\(point): the message") }
        switch point.kind {
        case "delete", "restrict", "recheck":
            #expect(isMuted, notes)
            #expect(holds == "\(person) held -", notes)
            #expect(messages.count == 1, notes)
        case "prior":
            #expect(isMuted, notes)
            // What the administrator had left is kept, not our own mute.
            let prior = try await world.ask(
                "SELECT prior_permissions FROM user_restrictions WHERE group_id = \(group.id) AND state = 'held'")
            #expect(prior.contains("can_send_polls"), "\(point): \(prior)")
        case "prompt":
            #expect(isMuted, notes)
            #expect(holds == "\(person) held -", notes)
            #expect(messages.count == (point == .promptAfter ? 2 : 1), notes)
        case "expire":
            #expect(isMuted, notes)
            #expect(holds == "\(person) held -", notes)
            #expect(messages.count == 1, notes)
            let notice = try await world.ask(
                "SELECT notice_message_id FROM protected_groups WHERE group_id = \(group.id)")
            #expect(notice == messages.first.map { String($0.id) }, notes)
        case "lift":
            #expect(!isMuted, notes)
            #expect(holds.hasPrefix("\(person) closed "), "\(point): \(holds)")
            #expect(messages.isEmpty, notes)
        case "edit":
            #expect(!isMuted, notes)
            #expect(holds.contains("\(person) closed ") && holds.contains("\(other) held -"), "\(point): \(holds)")
            let text = messages.first { $0.id == prompt }?.text ?? ""
            #expect(text.contains("Q \(point)") && !text.contains("P \(point)"), notes)
        case "approve": #expect(try await world.member(person, in: group.id).status == "member", notes)
        case "send": #expect(messages.count == (point.moment == "after" ? 2 : 1), notes)
        case "notify":
            // The first message is the answer to /start.
            #expect(messages.count == (point.moment == "after" ? 3 : 2), notes)
        default: Issue.record("\(point) is not checked")
        }
    }
}

extension Faults {
    /// Kills a process at all points at once, and starts a fresh one.
    @IO
    static func killed(_ engine: Engine) async throws {
        let world = try await FaultWorld(engine)
        var scenes: [Scene] = []
        for point in KillPoint.allCases { scenes.append(try await Scene(point, in: world)) }
        // Calls stand still for longer than Telegram would take.
        let killed = try await world.serve(["TELEGRAM_TIMEOUT": "100"])
        for scene in scenes { try await scene.prepare() }
        let prepared = 6
        try await until("\(prepared) people are held and told") {
            try await world.count("user_restrictions WHERE state = 'held' AND told_at IS NOT NULL") == prepared
        }
        try await world.allDelivered()
        try await world.effectsDone()
        for scene in scenes { try await scene.joinPrompts() }

        for scene in scenes { try await scene.act() }
        // What does not stand still is done: each point then tells of its own effect alone.
        var left = ""
        try await until("only stopped effects are left: \(left)") {
            left = try await world.ask("SELECT dedup_key FROM effects WHERE \(world.dueSoon) ORDER BY dedup_key")
            let held = try await world.heldCount()
            left += " and \(held) calls stand"
            return try await world.count("effects WHERE \(world.dueSoon)") == scenes.count && held == scenes.count
        }
        try await world.kill(killed)

        let fresh = try await world.serve()
        try await world.effectsDone()
        try await world.allDelivered()
        try await world.effectsDone()
        for scene in scenes { try await scene.check() }
        try await world.expectHeldAndTold()
        // Rows that were not flushed are lost with the process; none is ever doubled.
        #expect(try await world.count("api_call_log") <= world.callCount())
        #expect(try await world.metric("nezuko_effects_total", "taken_over", of: fresh) >= Double(scenes.count))
        await world.end()
    }
}
