// Pure parts of effects and intake: stored restrictions, kept traces, pauses.

import Domain
import EventLoop
import TelegramBotAPI
import Testing

@testable import Handlers

@Suite("Parts of effects")
struct EffectPartsTests {
    static let rests: [(name: String, until: Int64?, isRestored: Bool)] = [
        ("for ever", nil, true), ("an hour left", 4600, true), ("past", 500, false),
        ("too short for Telegram", 1020, false),
    ]

    @Test(arguments: rests)
    func `a restriction of others comes back with its end`(_ row: (name: String, until: Int64?, isRestored: Bool)) {
        let prior = PriorPermissions(permissions: .sendMessages, untilSeconds: row.until)
        let (permissions, until) = prior.restored(atSeconds: 1000)
        #expect(permissions == (row.isRestored ? .sendMessages : .all))
        #expect(until == (row.isRestored ? row.until : nil))
        #expect(PriorPermissions(parsing: prior.json) == prior)
    }

    @Test
    func `what is kept of a failed update has no text and no name`() {
        let body = #"{"update_id":1,"message":{"text":"secret","from":{"id":5,"first_name":"A"},"chat":{"id":-2}}}"#
        #expect(
            UpdateTrace.stripped(Array(body.utf8))
                == #"{"update_id":1,"message":{"from":{"id":5},"chat":{"id":-2}}}"#)
        #expect(UpdateTrace.stripped(Array("{".utf8)) == "{}")
    }

    @Test @IO
    func `after a pause one call goes first`() {
        let pauses = ChatPauses()
        let chat = ChatID(-1)
        #expect(pauses.claim(chat) == nil)
        pauses.pause(chat, milliseconds: 0)
        #expect(pauses.claim(chat) == nil)
        #expect(pauses.claim(chat) == 300)
        pauses.succeeded(chat)
        #expect(pauses.claim(chat) == nil)
    }
}
