// /stats: figures of one group over 7 or 30 days.

import Domain
import EventLoop
import Storage
import TelegramBotAPI

struct Stats: Command {
    static let name = CommandName.stats
    static let audience = Audience.groupAdmins

    let tools: CommandTools

    func run(_ call: CommandCall) async throws(CommandError) -> [Reply] {
        let days: Int
        switch call.arguments.first?.lowercased() {
        case nil, "7d": days = 7
        case "30d": days = 30
        default: return [Reply(.statisticsUsage)]
        }
        let known = try await stored { () async throws(StoreError) in try await tools.store.group(call.chat.id) }
        guard known != nil else { return [Reply(.notProtected)] }
        let figures = try await stored { () async throws(StoreError) in
            try await tools.store.statistics(of: call.chat.id, days: days)
        }
        let verified = figures.verifications - figures.restrictions - figures.errors
        return [
            Reply(
                .statistics(
                    days: days, verifications: figures.verifications, restrictions: figures.restrictions,
                    rate: Self.percent(verified, of: figures.verifications), errors: figures.errors,
                    topHour: figures.topHour))
        ]
    }

    /// One decimal, half away from zero; `nil` without a basis.
    static func percent(_ part: Int, of whole: Int) -> String? {
        guard whole > 0 else { return nil }
        let tenths = (2000 * max(0, part) + whole) / (2 * whole)
        return "\(tenths / 10).\(tenths % 10)"
    }
}
