// The token buckets, with the time made by hand.

import Domain
import EventLoop
import TelegramBotAPI
import Testing

@Suite("Message budget")
struct MessageBudgetTests {
    private static func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    @Test func `a private chat gets one message a second`() {
        var budget = MessageBudget()
        #expect(budget.take(ChatID(1), at: Self.at(0)) == .granted)
        #expect(budget.take(ChatID(1), at: Self.at(400)) == .wait(milliseconds: 600, .private))
        #expect(budget.take(ChatID(2), at: Self.at(400)) == .granted)
        #expect(budget.take(ChatID(1), at: Self.at(1000)) == .granted)
    }

    @Test func `a group gets ten at once, then one each six seconds`() {
        var budget = MessageBudget()
        for _ in 0..<10 { #expect(budget.take(ChatID(-1), at: Self.at(0)) == .granted) }
        #expect(budget.take(ChatID(-1), at: Self.at(0)) == .wait(milliseconds: 6000, .group))
        #expect(budget.take(ChatID(-1), at: Self.at(6000)) == .granted)
        #expect(budget.take(ChatID(-1), at: Self.at(6000)) == .wait(milliseconds: 6000, .group))
    }

    @Test(arguments: [1, 2, 3])
    func `no minute has more than twenty messages of a group, however many replicas ask`(replicas: Int) {
        var budgets = Array(repeating: MessageBudget(), count: replicas)
        var sent: [Int64] = []
        // A raid of five minutes after a silence: every replica asks every 100 ms.
        for moment in stride(from: Int64(0), to: 300_000, by: 100) {
            for index in budgets.indices
            where budgets[index].take(ChatID(-1), at: Self.at(moment), replicas: replicas) == .granted {
                sent.append(moment)
            }
        }
        #expect(sent.count > 30)
        for start in sent { #expect(sent.count { $0 >= start && $0 < start + 60_000 } <= 20) }
    }

    @Test func `replicas share one message a second by waiting longer`() {
        var budget = MessageBudget()
        #expect(budget.take(ChatID(1), at: Self.at(0), replicas: 3) == .granted)
        #expect(budget.take(ChatID(1), at: Self.at(1000), replicas: 3) == .wait(milliseconds: 2000, .private))
        #expect(budget.take(ChatID(1), at: Self.at(3000), replicas: 3) == .granted)
    }

    @Test func `all together get twenty-five a second, and waiting takes nothing from the chat`() {
        var budget = MessageBudget()
        for chat in 1...25 { #expect(budget.take(ChatID(Int64(chat)), at: Self.at(0)) == .granted) }
        #expect(budget.take(ChatID(26), at: Self.at(0)) == .wait(milliseconds: 40, .global))
        #expect(budget.take(ChatID(26), at: Self.at(40)) == .granted)
    }

    @Test func `zero is no limit`() {
        var budget = MessageBudget(global: .unlimited, group: .unlimited, privateChat: .unlimited)
        for _ in 0..<1000 { #expect(budget.take(ChatID(1), at: Self.at(0)) == .granted) }
    }

    @Test func `a clock that stands still or goes back gives nothing away`() {
        var budget = MessageBudget()
        #expect(budget.take(ChatID(1), at: Self.at(5000)) == .granted)
        #expect(budget.take(ChatID(1), at: Self.at(1000)) == .wait(milliseconds: 1000, .private))
    }
}
