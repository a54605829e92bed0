// The doctor: looks for what goes wrong in set-ups, all of it at once, and changes nothing.
//
// A check is one value in the file of its subject, and one line in the list below. What several checks need (Telegram's
// answer, the webhook's state, the groups) is asked once, by `DoctorVisit`.

import EventLoop

/// One thing that is looked at.
public struct DoctorCheck: Sendable {
    /// Its number, by which people speak of it: 1 to 20.
    public let number: Int
    /// What is looked at, in a few words.
    public let name: String
    let look: @IO @Sendable (DoctorVisit) async throws(DoctorFinding) -> DoctorFinding

    /// - Parameter look: gives its finding, or throws one when there is nothing to look at.
    init(
        _ number: Int, _ name: String,
        look: @escaping @IO @Sendable (DoctorVisit) async throws(DoctorFinding) -> DoctorFinding
    ) {
        self.number = number
        self.name = name
        self.look = look
    }

    /// All of them, in the order in which they are shown. The one place where one is added.
    public static let all: [DoctorCheck] = [
        .settings, .database, .sessions, .schema, .stateDirectory, .clock, .redis, .telegram, .token, .joining,
        .webhook, .updateKinds, .publicURL, .deliveries, .certificate, .ownDelivery, .groups, .channels, .notices,
        .jobs,
    ]
}

/// What became of one check.
public struct DoctorResult: Sendable, Equatable {
    /// The check's number.
    public let number: Int
    /// What was looked at.
    public let check: String
    /// What was found.
    public let finding: DoctorFinding
}

/// Examines one deployment.
@IO
public final class Doctor {
    /// Each check ends by then, with what it could not find out.
    static let limitMilliseconds: Int64 = 4500

    private let settings: DoctorSettings

    /// A doctor for the deployment with those settings.
    public init(settings: DoctorSettings) { self.settings = settings }

    /// Runs all checks at once; in the order of the list, within five seconds.
    public func examine() async -> [DoctorResult] {
        let visit = DoctorVisit(settings)
        let tasks = DoctorCheck.all.map { check in Task { @IO in await examine(check, visit) } }
        var results: [DoctorResult] = []
        for task in tasks { results.append(await task.value) }
        await visit.end()
        return results
    }

    private func examine(_ check: DoctorCheck, _ visit: DoctorVisit) async -> DoctorResult {
        let done = Completion<DoctorFinding, Never>()
        let timer = Loop.shared.schedule(afterMilliseconds: Self.limitMilliseconds) {
            done.finish(.success(.unknown("There was no answer within \(Self.limitMilliseconds / 1000) s.")))
        }
        // Owned by the result: what comes after the time limit is not waited for.
        Task { @IO in
            do throws(DoctorFinding) {
                done.finish(.success(try await check.look(visit)))
            } catch {
                done.finish(.success(error))
            }
        }
        let finding = await done.wait()
        timer.cancel()
        return DoctorResult(number: check.number, check: check.name, finding: finding.without(settings.secrets))
    }
}
