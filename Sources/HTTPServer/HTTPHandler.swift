// The seam: what a user of the room writes, and the object by which an answer comes back.

import EventLoop

/// Decides about heads and answers requests. All calls come on the loop.
@IO
public protocol HTTPHandler: AnyObject {
    /// Decides from the head, before the body is read (secret first, 404, 405…).
    func decide(_ head: HTTPRequestHead) -> HTTPHeadVerdict

    /// Called once per accepted request; answer at once (fast path) or later from a task.
    func respond(to request: HTTPRequest, _ responder: HTTPResponder)
}

/// The way back to the peer for one request. Let go without an answer, it answers 500.
@IO
public final class HTTPResponder {
    private let session: any ConnectionSession
    private let id: Int32
    private var isAnswered = false

    init(session: any ConnectionSession, id: Int32) {
        self.session = session
        self.id = id
    }

    isolated deinit {
        if !isAnswered { session.respond(.text(500, "internal error"), id: id) }
    }

    /// Sends the answer. The first one counts, later ones are ignored.
    public func send(_ response: HTTPResponse) {
        guard !isAnswered else { return }
        isAnswered = true
        session.respond(response, id: id)
    }

    /// Whether nobody waits for the answer any more.
    public var isCancelled: Bool { isAnswered || !session.isWaiting(id: id) }
}

/// One protocol on one connection: takes bytes, writes answers, and is told of time and end.
@IO
protocol ConnectionSession: AnyObject {
    /// Whether no request is being received or handled: such a connection may be closed to make room.
    var isIdle: Bool { get }

    /// Takes bytes; the buffer is valid during the call only.
    func received(_ bytes: UnsafeRawBufferPointer)

    /// Sends the answer of request `id`, unless its peer is gone.
    func respond(_ response: HTTPResponse, id: Int32)

    /// Whether the answer of request `id` is still awaited.
    func isWaiting(id: Int32) -> Bool

    /// The peer will send nothing more.
    func inputEnded()

    /// The deadline set by this session passed.
    func deadlinePassed()

    /// All output was handed to the system.
    func outputDrained()

    /// Ends as soon as accepted requests are answered.
    func beginDrain()

    /// The connection was closed; nothing can be sent any more.
    func connectionClosed()
}
