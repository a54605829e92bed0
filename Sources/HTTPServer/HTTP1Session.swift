// HTTP/1 on one connection: requests in order, one at a time, with the time limits of each part.

import EventLoop

/// Feeds the parser, asks the handler and writes answers.
@IO
final class HTTP1Session: ConnectionSession {
    /// Which deadline is set on the connection.
    private enum Wait { case opening, idle, head, body, answer }

    private let connection: Connection
    private let server: HTTPServer
    private var parser: HTTP1Parser
    private var wait = Wait.opening
    private var bodyDeadline = Instant(nanoseconds: 0)
    private var head: HTTPRequestHead?
    /// The request being handled; answers of others come too late.
    private var current: Int32 = 0
    private var isAnswering = false
    private var requestBytes = 0
    private var isFeeding = false
    private var isEnding = false
    private var inputHasEnded = false
    /// Input that came before its turn.
    private var pending: [UInt8] = []

    init(connection: Connection) {
        self.connection = connection
        server = connection.server
        parser = HTTP1Parser(limits: connection.server.limits)
    }

    var isIdle: Bool { !isAnswering && wait != .body && connection.unsentBytes == 0 }

    func isWaiting(id: Int32) -> Bool { isAnswering && id == current && !connection.isClosed }

    // MARK: - Input

    func received(_ bytes: UnsafeRawBufferPointer) {
        guard !isEnding else { return }
        guard pending.isEmpty, !mustWait else {
            pending.append(contentsOf: bytes)
            if pending.count >= 64 << 10 { connection.setReading(false) }
            accountBytes()
            return
        }
        feed(bytes)
    }

    /// Whether the next request has to wait for this one's answer, or for the peer to read answers.
    private var mustWait: Bool { isAnswering || isFeeding || connection.unsentBytes > 256 << 10 }

    private func feed(_ bytes: UnsafeRawBufferPointer) {
        isFeeding = true
        var position = 0
        feeding: while !isEnding, !isAnswering, connection.unsentBytes <= 256 << 10 {
            switch parser.feed(bytes, at: &position) {
            case .needsMore: break feeding
            case .head(let head): decide(head, hasMore: position < bytes.count)
            case .body(_, isDiscarded: true): wait = .idle
            case .body(let body, isDiscarded: false): dispatch(body)
            case .failed(let failure): fail(failure)
            }
        }
        isFeeding = false
        if position < bytes.count, !isEnding {
            pending.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[position...]))
        }
        accountBytes()
        setDeadline()
    }

    private func feedPending() {
        guard !isEnding, !mustWait else { return }
        connection.setReading(true)
        let bytes = pending
        pending = []
        bytes.withUnsafeBytes { feed($0) }
        if inputHasEnded, !isAnswering { connection.finish() }
    }

    private func accountBytes() {
        let bytes = parser.bufferedBytes + pending.count + requestBytes
        guard !connection.account(bytes), !isAnswering, !isEnding else { return }
        fail(HTTP1Failure(status: 503, reason: .buffers))
    }

    // MARK: - Requests

    private func decide(_ head: HTTPRequestHead, hasMore: Bool) {
        self.head = head
        if let refusal = server.refusal(of: head) {
            refuse(refusal)
            return
        }
        switch server.handler.decide(head) {
        case .refuse(let response): refuse(response)
        case .accept(let limit):
            if let refusal = server.bodyRefusal(of: head) {
                refuse(refusal)
                return
            }
            do throws(HTTP1Failure) {
                try parser.acceptBody(limit: min(limit, server.limits.maximumBody))
            } catch {
                fail(error)
                return
            }
            if parser.expectsBody {
                bodyDeadline = Loop.shared.now.adding(milliseconds: server.limits.bodyMilliseconds)
                if head.expectation == .proceed, !hasMore {
                    connection.output.append(contentsOf: "HTTP/1.1 100 Continue\r\n\r\n".utf8)
                }
            }
        }
    }

    /// Answers at once. A small body that comes anyway is read over; else the connection ends.
    private func refuse(_ response: HTTPResponse) {
        let canGoOn =
            head?.isChunked == false && (head?.contentLength ?? 0) <= 64 << 10
            && (head?.expectation == HTTPRequestHead.Expectation.none || !parser.expectsBody)
        write(response, isLast: !canGoOn)
        if canGoOn, !isEnding { parser.discardBody() }
    }

    private func dispatch(_ body: [UInt8]) {
        guard let head else { return }
        if server.isDraining {
            write(.text(503, "shutting down"), isLast: true)
            return
        }
        current &+= 1
        isAnswering = true
        requestBytes = body.count
        server.handler.respond(
            to: HTTPRequest(head: head, body: body), HTTPResponder(session: self, id: current))
    }

    func respond(_ response: HTTPResponse, id: Int32) {
        guard isWaiting(id: id) else { return }
        isAnswering = false
        requestBytes = 0
        wait = .idle
        write(response, isLast: false)
        guard !isFeeding else { return }
        connection.flush()
        guard !connection.isClosed, !isEnding else { return }
        if pending.isEmpty {
            accountBytes()
            setDeadline()
            if inputHasEnded { connection.finish() }
        } else {
            feedPending()
            connection.flush()
        }
    }

    private func write(_ response: HTTPResponse, isLast: Bool) {
        let keepsAlive =
            head?.keepsAlive == true && !isLast && !response.closesConnection && !server.isDraining
            && !(inputHasEnded && pending.isEmpty)
        HTTP1Writer.write(
            response, to: &connection.output, keepsAlive: keepsAlive, isHead: head?.method == .head)
        head = nil
        if !keepsAlive { end() }
    }

    /// Answers what is no request; nothing more is read as one.
    private func fail(_ failure: HTTP1Failure) {
        server.reject(failure.reason)
        HTTP1Writer.write(
            .text(failure.status, HTTPStatus.text(failure.status)), to: &connection.output, keepsAlive: false,
            isHead: head?.method == .head)
        end()
    }

    private func end() {
        isEnding = true
        pending = []
        connection.finish()
    }

    // MARK: - Time and end

    private func setDeadline() {
        guard !isEnding, !connection.isClosed else { return }
        if isAnswering {
            if wait != .answer {
                wait = .answer
                connection.clearDeadline()
            }
        } else if parser.isBetweenRequests {
            guard wait != .opening else { return }
            wait = .idle
            connection.becameQuiet()
            connection.setDeadline(milliseconds: server.limits.idleMilliseconds)
        } else if parser.isInHead {
            // The first head counts from the connection's start, later ones from their first byte.
            guard wait != .opening, wait != .head else { return }
            wait = .head
            connection.becameQuiet()
            connection.setDeadline(milliseconds: server.limits.headMilliseconds)
        } else {
            wait = .body
            let left = bodyDeadline.milliseconds(since: Loop.shared.now)
            connection.setDeadline(milliseconds: min(left, server.limits.bodyStallMilliseconds))
        }
    }

    func deadlinePassed() {
        guard !isEnding else { return }
        if parser.isBetweenRequests, wait == .idle || wait == .opening {
            if wait == .opening { server.reject(.timeout) }
            isEnding = true
            connection.finish()
        } else {
            fail(HTTP1Failure(status: 408, reason: .timeout))
        }
    }

    func inputEnded() {
        inputHasEnded = true
        // A request cut short is forgotten; one being handled is still answered.
        if !isAnswering, pending.isEmpty {
            isEnding = true
            connection.finish()
        }
    }

    func outputDrained() {
        if !pending.isEmpty { feedPending() }
    }

    func beginDrain() {
        if parser.isBetweenRequests, !isAnswering, pending.isEmpty, connection.unsentBytes == 0 {
            isEnding = true
            connection.finish()
        }
    }

    func connectionClosed() {
        isEnding = true
        isAnswering = false
        pending = []
    }
}
