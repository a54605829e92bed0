// The way in for a test world's updates: what waits for the bot is handled as if a webhook had brought it.

import EventLoop
import Handlers
import TelegramBotAPI
import Testing

@testable import Simulator

/// Hands a world's waiting updates to an intake over its services.
@IO
final class Door {
    let world: TestWorld
    let intake: UpdateIntake

    init(_ world: TestWorld) {
        self.world = world
        // As the service asks for; membership changes are not told by themselves.
        world.simulator.delivery.queues.allow(Update.allowedKinds)
        intake = UpdateIntake(
            services: world.services, commands: Commands(tools: world.tools), menu: MenuButtons(tools: world.tools),
            buttons: ButtonHandler(services: world.services))
        world.services.workers.start()
    }

    /// Handles all that waits.
    func deliver() async {
        for entry in world.simulator.delivery.queues.list(limit: 1000, now: WallClock.now.seconds) {
            #expect(await intake.handle(entry.body) == .ok)
            world.simulator.delivery.queues.confirm(offset: entry.id + 1)
        }
    }

    /// Somebody writes, and the bot has decided. Gives the message.
    func write(_ person: Int64, _ text: String = "hello") async throws -> Int64 {
        let message = try world.simulator.personWrites(person, in: world.group, text)
        await deliver()
        return message
    }

    /// Waits until something is so, at most for a while that is far longer than it takes.
    func until(
        _ condition: @IO () async throws -> Bool, sourceLocation: SourceLocation = #_sourceLocation
    ) async rethrows {
        for _ in 0..<4000 {
            if try await condition() { return }
            await Loop.shared.sleep(milliseconds: 5)
        }
        Issue.record("what was waited for did not happen", sourceLocation: sourceLocation)
    }

    func end() async {
        await world.services.workers.drain(graceMilliseconds: 1000)
        await world.end()
    }
}
