// Room among the effects in flight: who gets it, in which order, and what looks find.

import Domain
import EventLoop
import Testing

@testable import Handlers

@Suite("Room for effects", .serialized)
struct EffectRoomTests {
    private static func effect(_ id: Int64, _ kind: EffectKind) -> Effect {
        Effect(
            id: id, key: "\(kind.rawValue):\(id)", kind: kind, chat: ChatID(-1), user: nil, ledger: nil, decision: nil,
            payload: "{}", attempts: 0, revision: 0, sends: 0, ageMilliseconds: 0, isTakenOver: false)
    }

    @IO
    private final class Callers {
        private(set) var gone: [Int] = []
        private let room: EffectRoom

        init(_ room: EffectRoom) { self.room = room }

        /// A caller who waits for room, in the background.
        func wait(_ number: Int, for count: Int) -> Task<Void, Never> {
            let room = room
            return Task { @IO in
                await room.wait(for: count)
                self.gone.append(number)
            }
        }
    }

    @Test @IO
    func `who came first goes first, also when another would fit`() async {
        let room = EffectRoom()
        let callers = Callers(room)
        let first = callers.wait(1, for: 3)
        let second = callers.wait(2, for: 1)
        while !room.hasWaiters { await Task.yield() }
        await Task.yield()
        room.grant { $0 + room.promised <= 2 }
        #expect(room.promised == 0)
        // Promised room counts until its caller has gone on.
        room.grant { $0 + room.promised <= 3 }
        #expect(room.promised == 3)
        await first.value
        #expect(room.promised == 0)
        #expect(callers.gone == [1])
        room.grant { $0 + room.promised <= 3 }
        await second.value
        #expect(callers.gone == [1, 2])
        #expect(!room.hasWaiters)
        #expect(room.promised == 0)
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `nobody waits longer than a moment`() async {
        let room = EffectRoom()
        let callers = Callers(room)
        let waiting = callers.wait(1, for: 3)
        while !room.hasWaiters { await Task.yield() }
        Loop.shared.advance(milliseconds: 100)
        await waiting.value
        #expect(!room.hasWaiters)
        #expect(room.promised == 0)
    }

    @Test
    func `a look asks for some of each lane, however much records have started`() {
        var window = EffectWindow()
        #expect(window.limits() == [1: 28, 2: 16, 3: 12, 4: 8])
        for id in 1...Int64(EffectWindow.startedByRecords) {
            window.insert(Self.effect(id, .restrict), leaseEnd: Instant(nanoseconds: 0))
        }
        #expect(window.limits() == [1: 2, 2: 2, 3: 2, 4: 2])
        #expect(!window.isBehind)
    }

    @Test
    func `an end that waits for the store takes no room, up to a bound`() {
        var window = EffectWindow()
        for id in 1...Int64(EffectWindow.size) {
            window.insert(Self.effect(id, .restrict), leaseEnd: Instant(nanoseconds: 0))
            window.end(Self.effect(id, .restrict))
        }
        // Ended twice is ended once.
        window.end(Self.effect(1, .restrict))
        #expect(window.count == 0 && !window.isEmpty)
        #expect(window.limits() == [1: 28, 2: 16, 3: 12, 4: 8])
        // Still ours: not to be taken again, nor given back.
        #expect(window.contains(Self.effect(1, .restrict)) && window.ids.count == EffectWindow.size)

        for id in Int64(EffectWindow.size) + 1...300 {
            window.insert(Self.effect(id, .restrict), leaseEnd: Instant(nanoseconds: 0))
            window.end(Self.effect(id, .restrict))
        }
        #expect(window.count == 300 - EffectWindow.storing)
        for id in Int64(1)...300 { window.remove(Self.effect(id, .restrict)) }
        #expect(window.isEmpty && window.count == 0)
        #expect(window.limits() == [1: 28, 2: 16, 3: 12, 4: 8])
    }

    @Test
    func `a lane where more wait is looked at when a quarter of it is free`() {
        var window = EffectWindow()
        let limits = window.limits()
        let found = (1...28).map { Self.effect($0, .restrict) }
        for effect in found { window.insert(effect, leaseEnd: Instant(nanoseconds: 0)) }
        window.looked(limits, found: found)
        #expect(window.isBehind)
        #expect(window.limits().keys.sorted() == [2, 3, 4])
        for effect in found.prefix(7) { window.remove(effect) }
        #expect(window.limits()[1] == 7)
        window.looked(window.limits(), found: [Self.effect(99, .restrict)])
        #expect(!window.isBehind)
    }
}
