// HTTPClient: outgoing HTTP calls on the loop, carried by libcurl. Knows nothing of what is called.
//
// Invariants of the room:
// - One `send` is at most one request on the wire: nothing is retried or redirected in here, so that
//   whoever counts attempts counts right.
// - Every transfer has an end, which a timer of the loop looks after: no caller waits for ever.
// - URLs hold secrets: no error and no log line of this room carries one.

import CCurl
import EventLoop

/// How many connections and handles a client keeps.
public struct HTTPClientOptions: Sendable {
    /// Connections to one host at a time; HTTP/2 carries many requests on each. Above what is usually in flight:
    /// libcurl tries all transfers that wait for a connection again each time one ends.
    public var maximumConnectionsPerHost: Int = 128
    /// Handles kept for reuse while nothing is in flight.
    public var maximumIdleHandles: Int = 128
    /// Transfers in flight; beyond it `send` fails at once.
    public var maximumTransfers: Int = 2000

    /// Certificates in PEM trusted in place of the system's; nil for the system's.
    public var trustedCertificate: [UInt8]?
    /// Whether HTTP/2 is offered over TLS.
    public var offersHTTP2 = true

    /// The figures that fit one bot.
    public init() {}
}

/// Sends requests over kept connections. One for the whole process is enough.
@IO
public final class HTTPClient {
    private let options: HTTPClientOptions
    private var multi: CurlMulti?
    private var idle: [CurlEasy] = []
    /// Each knows its place in here.
    private var active: [CurlEasy] = []
    private var isClosed = false
    private var endTimer: LoopTimer?
    private var endTimerMoment = Instant(nanoseconds: 0)

    /// A client without connections; they are made when needed.
    public init(options: HTTPClientOptions = .init()) {
        self.options = options
        multi = CurlMulti(options: options)
        multi?.onFinished = { [weak self] handle, code in self?.finished(handle, code) }
    }

    /// How many transfers are in flight.
    public var transferCount: Int { active.count }

    /// Sends one request and waits for its reply. Cancelling the task aborts the transfer.
    ///
    /// Any HTTP status is a reply, not an error.
    public func send(_ request: HTTPClientRequest) async throws(HTTPClientError) -> HTTPClientResponse {
        if Task.isCancelled { throw .cancelled }
        let transfer = try start(request)
        return try await withTaskCancellationHandler {
            await transfer.completion.outcome()
        } onCancel: {
            Task { @IO in self.abort(transfer, .cancelled) }
        }.get()
    }

    /// Aborts what is in flight and closes all connections; later sends fail.
    public func close() {
        guard !isClosed else { return }
        isClosed = true
        endTimer?.cancel()
        for easy in active {
            if let transfer = easy.transfer { abort(transfer, .cancelled) }
        }
        idle.removeAll()
        // Its kept connections go with it; not under a call of libcurl that may have led here.
        let last = multi
        multi = nil
        Loop.shared.atTurnEnd { withExtendedLifetime(last) {} }
    }

    // MARK: - One transfer

    private func start(_ request: HTTPClientRequest) throws(HTTPClientError) -> Transfer {
        guard !isClosed else { throw .refused("the client is closed") }
        guard active.count < options.maximumTransfers else { throw .refused("too many requests are in flight") }
        guard let multi else { throw .outOfMemory }
        let easy = try takeEasy(multi)
        let started = Loop.shared.current()
        let transfer = Transfer(
            easy: easy, started: started, end: started.adding(milliseconds: request.timeoutMilliseconds))
        try easy.prepare(request, for: transfer)
        guard multi.add(easy.handle) else { throw .outOfMemory }
        easy.place = active.count
        active.append(easy)
        watchEnd(transfer.end)
        return transfer
    }

    /// One timer for all transfers, at the earliest of their ends when it was set: most end long before, and a timer
    /// of its own for each would be made and cancelled for nothing.
    private func watchEnd(_ moment: Instant) {
        if let endTimer, endTimer.isPending {
            guard moment < endTimerMoment else { return }
            endTimer.cancel()
        }
        endTimerMoment = moment
        endTimer = Loop.shared.schedule(at: moment) { [weak self] in self?.endLateOnes() }
    }

    private func endLateOnes() {
        var next: Instant?
        for easy in active {
            guard let transfer = easy.transfer else { continue }
            if transfer.end <= Loop.shared.now {
                // libcurl may have been asked to connect for all this time and never have sent a byte.
                abort(transfer, easy.hasSentNothing ? .connect : .timedOut)
            } else {
                next = min(next ?? transfer.end, transfer.end)
            }
        }
        if let next { watchEnd(next) }
    }

    private func takeEasy(_ multi: CurlMulti) throws(HTTPClientError) -> CurlEasy {
        if let easy = idle.popLast() { return easy }
        let easy = try CurlEasy(sockets: multi.sockets)
        try easy.apply(options)
        return easy
    }

    private func abort(_ transfer: Transfer, _ error: HTTPClientError) {
        guard let easy = transfer.easy else { return }
        conclude(easy, .failure(error))
    }

    private func finished(_ handle: UnsafeMutableRawPointer, _ code: CURLcode) {
        guard let easy = CurlEasy.owner(of: handle), let transfer = easy.transfer else { return }
        conclude(easy, easy.result(code, latencyMilliseconds: transfer.milliseconds))
    }

    private func conclude(_ easy: CurlEasy, _ result: Result<HTTPClientResponse, HTTPClientError>) {
        guard let transfer = easy.transfer else { return }
        if let last = active.popLast(), last !== easy {
            last.place = easy.place
            active[easy.place] = last
        }
        multi?.remove(easy.handle)
        transfer.easy = nil
        easy.forget()
        if idle.count < options.maximumIdleHandles, !isClosed { idle.append(easy) }
        transfer.completion.finish(result)
    }
}

/// One request from `send` to its result. The handle beneath it goes on to serve others.
@IO
final class Transfer {
    let completion = Completion<HTTPClientResponse, HTTPClientError>()
    let started: Instant
    /// When it fails if it is not done.
    let end: Instant
    var easy: CurlEasy?

    init(easy: CurlEasy, started: Instant, end: Instant) {
        self.easy = easy
        self.started = started
        self.end = end
    }

    /// The turn began when the answer was there. One that begins and fails in the same turn took no time.
    var milliseconds: Int64 { max(Loop.shared.now.milliseconds(since: started), 0) }
}
