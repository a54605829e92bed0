// /unprotect purge: asked for, meant, and done once nobody is held any more.

import Domain
import EventLoop
import Storage
import Testing

@testable import Handlers
@testable import Simulator

@Suite("Purging a group", .serialized) struct PurgeCommandTests {
    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `everything about a group goes after its people are free`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let other = scene.simulator.addGroup("Other", owner: scene.world.owner)
        try await scene.protect(other, by: [scene.news])
        let person = try await scene.held("Boris")
        let purges = Purges(services: scene.services)
        #expect(try await scene.command("/unprotect purge").first?.hasSuffix("It cannot be undone.") == true)
        await purges.work()
        #expect(try await scene.world.stored() != nil, "it was only asked")
        let data = "purge:ok:\(scene.group)"
        #expect(try await scene.press(person, data).hasPrefix("! Only administrators"))
        // As long as somebody is held, the rows that free them are needed.
        scene.simulator.failNext(.serverError(500), of: "restrictChatMember")
        #expect(try await scene.press(scene.world.owner, data) == "")
        await purges.work()
        #expect(try await scene.world.stored()?.isEnabled == false)
        try await scene.pass(seconds: 70)
        #expect(!scene.isMuted(person))
        await purges.work()
        #expect(try await scene.world.stored() == nil)
        for table in ["user_restrictions", "decisions", "effects", "group_channel_links", "settings"] {
            let column = table == "effects" ? "chat_id" : "group_id"
            let rows =
                table == "settings"
                ? "key LIKE '%\(scene.group)%'" : "\(column) = \(scene.group)"
            #expect(try await scene.world.ask("SELECT count(*) FROM \(table) WHERE \(rows)") == "0", "\(table)")
        }
        #expect(try await scene.store.group(ChatID(other))?.isProtected == true)
        #expect(try await scene.command("/status").first?.hasPrefix("Protection: Not protected") == true)
        #expect(try await scene.world.ask("SELECT action FROM admin_audit_log") == "purge")
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `protecting it again takes the wish back`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        _ = try await scene.command("/unprotect purge")
        _ = try await scene.press(scene.world.owner, "purge:ok:\(scene.group)")
        _ = try await scene.command("/protect @the_news")
        await Purges(services: scene.services).work()
        #expect(try await scene.world.stored()?.isProtected == true)
        _ = try await scene.command("/unprotect")
        await Purges(services: scene.services).work()
        #expect(try await scene.world.stored() != nil)
        await scene.end()
    }
}
