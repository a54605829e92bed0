// A basic group has become a supergroup: everything stored under the old id moves.

import Domain
import EventLoop
import Observability
import Storage

/// Moves a group's rows.
@IO
struct Migration {
    let services: Services

    /// Moves all rows in one transaction; what is remembered of both ids is forgotten. False: the store is away.
    @discardableResult
    func move(_ old: ChatID, to new: ChatID) async -> Bool {
        var hasMoved = true
        do throws(StoreError) { try await services.store.migrate(old, to: new) } catch {
            Log.warning("migration_postponed", .chatID(old.value))
            hasMoved = false
        }
        for id in [old, new] {
            services.caches.groups.forget(id)
            services.caches.admins.forget(id)
            await services.tell("group:\(id.value)")
        }
        return hasMoved
    }
}
