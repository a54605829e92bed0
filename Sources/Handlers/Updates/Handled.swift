// What handling an update comes to, and how it fails.

import Domain
import EventLoop
import Storage

/// What became of an update.
enum Handled {
    /// Nothing to do; no store was touched.
    case nothing
    /// Recorded, or done with direct calls; these effects are ours to perform.
    case recorded([Effect], group: ChatID?)
    /// Somebody recorded it before.
    case repeated
}

/// Why an update could not be handled.
enum UpdateFailure: Error {
    /// The store did not answer: Telegram is to send it again.
    case storeAway
    /// The outbox is too long: Telegram keeps the update, in order.
    case overloaded
    /// Our own fault: counted, given up at the fifth time.
    case ownFault(String)

    init(_ error: StoreError) {
        switch error {
        case .unavailable, .timedOut: self = .storeAway
        case .refused(let code): self = .ownFault(code)
        }
    }
}

extension Services {
    /// Records, with the store's errors as an update's.
    func record(_ record: Record) async throws(UpdateFailure) -> Handled {
        do throws(StoreError) {
            switch try await store.record(record) {
            case .repeated: return .repeated
            case .recorded(let recorded): return .recorded(recorded.effects, group: record.decision?.group)
            }
        } catch {
            throw UpdateFailure(error)
        }
    }

    /// A store function inside a handler.
    func reading<Value: Sendable>(
        _ work: @IO () async throws(StoreError) -> Value
    ) async throws(UpdateFailure) -> Value {
        do throws(StoreError) { return try await work() } catch { throw UpdateFailure(error) }
    }

    /// A group's configuration inside a handler.
    func configuration(_ id: ChatID) async throws(UpdateFailure) -> ProtectedGroup? {
        do throws(FetchFailed) { return try await group(id) } catch { throw .storeAway }
    }
}
