// Which ends are stored together.

import Domain
import Testing

@testable import Storage

@Suite("Order of ends")
struct EndsQueueTests {
    @Test
    func `an end lets others pass while its decision has more under way, once`() {
        var queue = EndsQueue<String>()
        queue.expect(effects(3, of: 1))
        queue.noteEnd(of: 1)
        queue.append("first of 1", decision: 1)
        queue.append("without a decision", decision: nil)
        queue.append("of another", decision: 2)
        #expect(queue.next(9) == ["without a decision", "of another"])
        // The others of 1 came while those were stored.
        for name in ["second of 1", "third of 1"] {
            queue.noteEnd(of: 1)
            queue.append(name, decision: 1)
        }
        #expect(queue.next(9) == ["first of 1", "second of 1", "third of 1"])
        #expect(queue.isEmpty)
    }

    @Test
    func `nobody waits for long, and who is alone not at all`() {
        var queue = EndsQueue<String>()
        queue.expect(effects(2, of: 1))
        queue.noteEnd(of: 1)
        queue.append("alone", decision: 1)
        #expect(queue.next(9) == ["alone"])

        queue.expect(effects(2, of: 2))
        queue.noteEnd(of: 2)
        queue.append("passed over", decision: 2)
        for name in ["a", "b"] { queue.append(name, decision: nil) }
        #expect(queue.next(1) == ["a"])
        #expect(queue.next(1) == ["passed over"])
        #expect(queue.next(1) == ["b"])
        #expect(queue.isEmpty)
    }

    @Test
    func `later attempts at an effect are waited for no more`() {
        var queue = EndsQueue<String>()
        queue.expect(effects(2, of: 1))
        // The first of one, three of the other.
        for _ in 0..<4 { queue.noteEnd(of: 1) }
        queue.append("last", decision: 1)
        queue.append("other", decision: nil)
        #expect(queue.next(9) == ["last", "other"])
    }

    @Test
    func `no more than asked for are taken, also of those that wait`() {
        var queue = EndsQueue<Int>()
        queue.expect(effects(9, of: 1))
        for number in 0..<5 { queue.append(number, decision: 1) }
        #expect(queue.next(3) == [0, 1, 2])
        #expect(queue.next(3) == [3, 4])
        #expect(queue.isEmpty)
    }

    private func effects(_ count: Int64, of decision: Int64) -> [Effect] {
        (0..<count).map { number in
            Effect(
                id: number, key: "delete:-1:\(number)", kind: .delete, chat: ChatID(-1), user: nil, ledger: nil,
                decision: decision, payload: "{}", attempts: 0, revision: 0, sends: 0, ageMilliseconds: 0,
                isTakenOver: false, freshHold: nil)
        }
    }
}
