// A restriction of others that ours replaces, as the ledger keeps it. Pure.

import Domain
import JSON
import TelegramBotAPI

/// What a person was allowed before we muted them, and until when.
struct PriorPermissions: Equatable {
    var permissions: ChatPermissions
    /// Seconds since 1970; `nil` for ever.
    var untilSeconds: Int64?

    init(permissions: ChatPermissions, untilSeconds: Int64?) {
        self.permissions = permissions
        self.untilSeconds = untilSeconds == 0 ? nil : untilSeconds
    }

    /// The restriction in somebody's state, if it is one.
    init?(_ member: ChatMember) {
        guard member.status == .restricted, let permissions = member.permissions else { return nil }
        self.init(permissions: permissions, untilSeconds: member.untilDate)
    }

    /// Reads what `json` wrote; `nil` for anything else.
    init?(parsing json: String) {
        do throws(JSONError) {
            let value = try JSONValue(parsing: Array(json.utf8))
            guard let stored = value["permissions"] else { return nil }
            let permissions = try ChatPermissions(parsing: String(decoding: stored.encoded(), as: UTF8.self))
            self.init(permissions: permissions, untilSeconds: value["until_date"]?.int)
        } catch {
            return nil
        }
    }

    /// As in `Hold.priorPermissions`.
    var json: String { #"{"permissions":\#(permissions.json),"until_date":\#(untilSeconds ?? 0)}"# }

    /// What a lift sets at `now`. Telegram takes less than 30 s for ever, so such a rest counts as over.
    func restored(atSeconds now: Int64) -> (permissions: ChatPermissions, untilSeconds: Int64?) {
        guard let untilSeconds else { return (permissions, nil) }
        return untilSeconds < now + 35 ? (.all, nil) : (permissions, untilSeconds)
    }
}
