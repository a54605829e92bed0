// The same updates again, at a replica that knows nothing of them: nothing is done twice.

import Domain
import EventLoop
import Handlers
import Storage
import Testing

@testable import Simulator

@Suite("Repeated updates", .serialized) struct RepeatedUpdateTests {
    /// Calls that people or chats notice.
    private static let visible = [
        "restrictChatMember", "sendMessage", "editMessageText", "deleteMessage", "approveChatJoinRequest",
    ]

    /// One story with many kinds of updates.
    enum Story: String, CaseIterable, CustomTestStringConvertible {
        case joins, asks, leaves, returns, presses, freed, banned, thrownOut
        var testDescription: String { rawValue }

        @IO func happen(_ scene: MemberScene) async throws {
            let simulator = scene.simulator
            switch self {
            case .joins:
                try simulator.personJoins(scene.person("Boris", isInGroup: false), scene.group)
            case .asks:
                try simulator.personAsksToJoin(scene.person("Boris", isInGroup: false), scene.group)
                try simulator.personAsksToJoin(
                    scene.person("Carl", knows: [scene.news], isInGroup: false), scene.group)
            case .leaves:
                try simulator.personLeaves(scene.person("Boris", knows: [scene.news]), scene.news)
            case .returns:
                let person = try await scene.held("Boris")
                try simulator.personJoins(person, scene.news)
            case .presses:
                let person = try await scene.held("Boris")
                scene.lost = ["chat_member"]
                try simulator.personJoins(person, scene.news)
                _ = try await scene.press(person, "verify:\(person)")
            case .freed: simulator.adminFrees(try await scene.held("Boris"), in: scene.group)
            case .banned: simulator.adminBans(try await scene.held("Boris"), in: scene.group)
            case .thrownOut:
                _ = try await scene.held("Boris")
                simulator.setBotPresence(in: scene.news, .kicked)
            }
            try await scene.settle()
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases, Story.allCases)
    @IO func `a story that is told twice happens once`(engine: Engine, story: Story) async throws {
        let scene = try await MemberScene(engine)
        try await story.happen(scene)
        #expect(!scene.updates.isEmpty)
        let calls = Self.visible.map { scene.calls($0) }
        let rows = "SELECT user_id, state, release_reason, told_at FROM user_restrictions ORDER BY id"
        let decisions = "SELECT id, outcome FROM decisions ORDER BY id"
        let before = try await [scene.world.ask(rows), scene.world.ask(decisions)]
        try await scene.repeatElsewhere()
        #expect(Self.visible.map { scene.calls($0) } == calls)
        #expect(try await [scene.world.ask(rows), scene.world.ask(decisions)] == before)
        await scene.end()
    }
}
