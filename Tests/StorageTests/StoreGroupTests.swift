// Groups, their settings, links and exemptions over both engines.

import Domain
import EventLoop
import Testing

@testable import Storage

@Suite("Store of groups")
struct StoreGroupTests {
    @Test(arguments: Engine.allCases) @IO
    func `a group comes back as it was protected and set`(_ engine: Engine) async throws {
        let fixture = try await StoreFixture.protected(engine, channels: [-1002, -1003])
        var params = GroupParams()
        params.failMode = .closed
        params.warningSeconds = 30
        _ = try await fixture.store.changeParams(
            from: GroupParams(), to: params, of: fixture.group, releasing: nil, audit: nil)
        #expect(
            try await fixture.store.exempt(
                UserID(8), in: fixture.group, untilSeconds: nil, reason: "exempt", audit: nil))
        try await fixture.store.setNotice(MessageID(4), thread: nil, of: fixture.group)
        let group = try #require(try await fixture.store.group(fixture.group))
        #expect(group.params == params && group.isProtected && group.notice == MessageID(4))
        #expect(group.channels.map(\.id.value) == [-1002, -1003])
        #expect(group.isExempt(UserID(8), atSeconds: 0))
        #expect(try await fixture.store.noticeSentAtSeconds(of: fixture.group) ?? 0 > 0)
        #expect(try await fixture.store.setHealth(.broken, of: fixture.channel, in: fixture.group))
        #expect(try await !fixture.store.setHealth(.broken, of: fixture.channel, in: fixture.group))
        #expect(try await fixture.store.brokenLinks(limit: 5).isEmpty)
        #expect(try await fixture.store.groups(requiring: fixture.channel) == [fixture.group])
        try await fixture.store.setTitle("New", username: "other", of: fixture.channel)
        try await fixture.store.removeExemption(of: UserID(8), in: fixture.group, audit: nil)
        let later = try #require(try await fixture.store.group(fixture.group))
        #expect(later.exemptions.isEmpty && later.channels.first?.title == "New")
        #expect(try await fixture.store.botRemoved(fromChannel: ChatID(-1003)) == [fixture.group])
        #expect(try await fixture.store.group(ChatID(-5)) == nil)
    }

    @Test(arguments: Engine.allCases) @IO
    func `of two changes of the settings at the same time both stand`(_ engine: Engine) async throws {
        let fixture = try await StoreFixture.protected(engine)
        var (one, other) = (GroupParams(), GroupParams())
        one.warningText = "Hi"
        other.pausedUntilSeconds = 1_900_000_000
        for params in [one, other] {
            let audit = AuditRow(.settings, by: UserID(1), .group(fixture.group))
            _ = try await fixture.store.changeParams(
                from: GroupParams(), to: params, of: fixture.group, releasing: nil, audit: audit)
        }
        let both = try #require(try await fixture.store.group(fixture.group)).params
        #expect(both.warningText == "Hi" && both.pausedUntilSeconds == 1_900_000_000)
        _ = try await fixture.store.changeParams(
            from: one, to: GroupParams(), of: fixture.group, releasing: nil, audit: nil)
        #expect(try await fixture.store.group(fixture.group)?.params == other)
        let details = try await fixture.store.rows(
            Query("SELECT details FROM admin_audit_log ORDER BY id"), [], .read
        ).map { $0.text(0) }
        #expect(
            details == [
                #"{"group_id":\#(fixture.group.value),"warning_text":"Hi"}"#,
                #"{"group_id":\#(fixture.group.value),"paused_until":"2030-03-17T17:46:40.000Z"}"#,
            ])
    }

    @Test(arguments: Engine.allCases) @IO
    func `what changes nothing is not noted`(_ engine: Engine) async throws {
        let fixture = try await StoreFixture.protected(engine)
        func noted() async throws -> [String] {
            try await fixture.store.rows(
                Query("SELECT action, target_type, target_id FROM admin_audit_log ORDER BY id"), [], .read
            ).map { "\($0.text(0)) \($0.text(1)) \($0.text(2))" }
        }
        func unlink(_ channel: ChatID) async throws -> Int? {
            try await fixture.store.unlink(
                channel, as: fixture.unprotected,
                audit: AuditRow(.unprotect, by: nil, .channel(channel, in: fixture.group)))
        }
        func exempt(_ user: Int64) async throws -> Bool {
            try await fixture.store.exempt(
                UserID(user), in: fixture.group, untilSeconds: nil, reason: "admin",
                audit: AuditRow(.exempt, by: nil, .user(UserID(user), in: fixture.group)))
        }
        _ = try await fixture.store.changeParams(
            from: GroupParams(), to: GroupParams(), of: fixture.group, releasing: nil,
            audit: AuditRow(.settings, by: nil, .group(fixture.group)))
        #expect(try await unlink(ChatID(-7)) == nil)
        #expect(try await noted().isEmpty)
        #expect(try await unlink(fixture.channel) == 0)
        for user in Int64(1)...200 { #expect(try await exempt(user)) }
        #expect(try await !exempt(201))
        let rows = try await noted()
        #expect(rows.count == 201 && rows.first == "unprotect channel \(fixture.channel.value)")
        #expect(rows.last == "exempt user 200")
    }

    @Test(arguments: Engine.allCases) @IO
    func `a link is broken and its notice recorded together, once`(_ engine: Engine) async throws {
        let fixture = try await StoreFixture.protected(engine)
        let notice = EffectWish(.notify, key: "notify:1", chat: fixture.group, payload: #"{"say":"broken"}"#)
        for isFirst in [true, false] {
            let hasChanged = try await fixture.store.setHealth(
                .broken, of: fixture.channel, in: fixture.group, telling: notice)
            #expect(hasChanged == isFirst)
            let limits = [notice.kind.lane: 10]
            let due = try await fixture.store.leaseDue(limits: limits)
            #expect(due.map(\.key) == (isFirst ? ["notify:1"] : []))
            #expect(due.allSatisfy { $0.kind == .notify && $0.chat == fixture.group })
            for effect in due {
                _ = try await fixture.store.finish(effect, .done([], follow: []), note: nil)
            }
        }
    }

    @Test(arguments: Engine.allCases) @IO
    func `200 people are exempt for good, and any number for a time`(_ engine: Engine) async throws {
        let fixture = try await StoreFixture.protected(engine)
        func exempt(_ user: Int64, until seconds: Int64? = nil) async throws -> Bool {
            try await fixture.store.exempt(
                UserID(user), in: fixture.group, untilSeconds: seconds, reason: "exempt", audit: nil)
        }
        for user in Int64(1)...200 { #expect(try await exempt(user)) }
        #expect(try await !exempt(201))
        #expect(try await exempt(201, until: 4_000_000_000))
        // Who is exempt already may be named again, and one who was for a time is still one too many.
        #expect(try await exempt(200))
        #expect(try await !exempt(201))
        try await fixture.store.removeExemption(of: UserID(7), in: fixture.group, audit: nil)
        #expect(try await exempt(201))
        #expect(try await !exempt(202))
        #expect(try await fixture.text("SELECT count(*) FROM exemptions WHERE until IS NULL") == "200")
    }
}
