// What a job is, and the run that it is given: jobs repeat harmlessly and end by themselves.

import EventLoop
import JSON
import Observability

/// Work of the service that a schedule starts.
@IO
public protocol Job: AnyObject {
    /// Its name in addresses, leases and metrics.
    var name: String { get }
    /// Does the work while `run.mayContinue`.
    func perform(_ run: JobRun) async -> JobResult
}

/// What a run came to.
public struct JobResult: Equatable, Sendable {
    /// Whether the work could be done; single failures within it are figures.
    public var isSuccess: Bool
    /// The figures, in order.
    public var figures: [(name: String, value: Int64)]

    /// A result with the given figures.
    public init(isSuccess: Bool, figures: [(name: String, value: Int64)]) {
        self.isSuccess = isSuccess
        self.figures = figures
    }

    /// Whether both are alike.
    public static func == (left: JobResult, right: JobResult) -> Bool {
        left.isSuccess == right.isSuccess && left.figures.map(\.name) == right.figures.map(\.name)
            && left.figures.map(\.value) == right.figures.map(\.value)
    }

    /// `{"status":…,"data":{…}}`.
    var json: [UInt8] { json(traceID: nil) }

    /// The same with a reference to the log.
    func json(traceID: String?) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.key("status")
            writer.string(isSuccess ? "success" : "failure")
            writer.key("data")
            writer.object { writer in
                for figure in figures {
                    writer.key(dynamic: figure.name)
                    writer.int(figure.value)
                }
            }
            if let traceID {
                writer.key("trace_id")
                writer.string(traceID)
            }
        }
        return writer.bytes
    }
}

/// One run of a job: how long it may go on.
@IO
public final class JobRun {
    /// A run ends by itself after nine minutes; the next one goes on.
    static let maximumMilliseconds: Int64 = 9 * 60_000

    private let started = Loop.shared.current()
    private var isStopped = false

    init() {}

    /// Whether there is time left, and the lease is ours.
    public var mayContinue: Bool { !isStopped && milliseconds < Self.maximumMilliseconds }
    /// How long it has gone on.
    public var milliseconds: Int64 { Loop.shared.current().milliseconds(since: started) }

    /// How long it may still go on.
    var remainingMilliseconds: Int64 { isStopped ? 0 : max(0, Self.maximumMilliseconds - milliseconds) }

    /// The lease is lost, or the service ends.
    func stop() { isStopped = true }
}
