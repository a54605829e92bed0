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

    @Test func `a group gets twenty a minute`() {
        var budget = MessageBudget()
        for _ in 0..<20 { #expect(budget.take(ChatID(-1), at: Self.at(0)) == .granted) }
        #expect(budget.take(ChatID(-1), at: Self.at(0)) == .wait(milliseconds: 3000, .group))
        #expect(budget.take(ChatID(-1), at: Self.at(3000)) == .granted)
        #expect(budget.take(ChatID(-1), at: Self.at(3000)) == .wait(milliseconds: 3000, .group))
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
