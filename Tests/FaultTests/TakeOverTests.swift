// A process ends within effects, and another one takes them over: on SQLite at its start, on PostgreSQL when leases end.

import EventLoop
import Testing

extension Faults {
    @Test(.timeLimit(.minutes(1))) @IO
    func `a fresh process ends what a killed one began`() async throws { try await Self.killed(.sqlite) }

    @Test(.timeLimit(.minutes(1))) @IO
    func `SIGTERM under load loses no row and no effect`() async throws { try await Self.terminated(.sqlite) }

    /// Leases end after 12 s: three scenes, each in a world of its own, wait for that together.
    ///
    /// - What a killed process began is ended once.
    /// - Neither rows nor effects are lost by SIGTERM under load.
    /// - A replica that was stopped mutes nobody whom another one released.
    @Test(.timeLimit(.minutes(2))) @IO
    func `another replica takes over when leases have ended`() async throws {
        async let killed: Void = Self.killed(.postgreSQL)
        async let terminated: Void = Self.terminated(.postgreSQL)
        async let stopped: Void = Self.stopped()
        _ = try await (killed, terminated, stopped)
    }
}
