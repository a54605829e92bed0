// Forgets a person on all replicas: rows that wait in a log are written first, so that none comes after.

import Domain
import EventLoop
import Observability
import Storage

/// A person's wish to be forgotten, carried out.
@IO
public struct Forgetting {
    private static let message = "forget:"

    private let store: any Store
    private let log: any LogSink

    /// Over the store, and the log of this replica.
    public init(store: any Store, log: any LogSink) {
        self.store = store
        self.log = log
    }

    /// Forgets a person here, then tells the other replicas, whose logs may have rows of them.
    ///
    /// - Throws: `unavailable` when waiting rows could not be written; nothing is deleted then. Asking again is
    ///   harmless after any error.
    func forget(_ user: UserID) async throws(StoreError) -> ForgottenRows {
        guard await log.flush() else { throw .unavailable }
        let rows = try await store.forget(user)
        try await store.tellCaches(Self.message + "\(user.value)")
        return rows
    }

    /// Takes a message of another replica; those about other things are left to others.
    public func told(_ message: String?) {
        guard let message, message.hasPrefix(Self.message), let user = Int64(message.dropFirst(Self.message.count))
        else { return }
        // Ends by itself: writes and deletions have deadlines.
        Task { @IO in await forgetHere(UserID(user)) }
    }

    private func forgetHere(_ user: UserID) async {
        do throws(StoreError) {
            guard await log.flush() else { throw .unavailable }
            _ = try await store.forget(user)
        } catch {
            Log.warning("forgetting_incomplete", .userID(user.value), .error("\(error)"))
        }
    }
}
