// The streams of an HTTP/2 connection: heads, bodies, answers, and their time limits.

import CNghttp2
import EventLoop

extension HTTP2Session {
    func isWaiting(id: Int32) -> Bool { streams[id]?.phase == .handling && !connection.isClosed }

    // MARK: - Requests

    func headerCame(
        id: Int32, isRequest: Bool, name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>
    ) {
        guard isRequest, let stream = streams[id] else { return }
        stream.add(name: name, value: value, limits: server.limits)
    }

    func headCame(_ stream: HTTP2Stream) {
        stream.progressed = Loop.shared.now
        let limits = server.limits
        guard stream.headerListBytes <= limits.headerBytes, stream.headerLines <= limits.headerLines else {
            fail(stream, .headers)
            return
        }
        guard !stream.isMethodUnknown else {
            fail(stream, .method)
            return
        }
        guard let head = stream.makeHead() else {
            fail(stream, .framing)
            return
        }
        stream.head = head
        if let refusal = server.refusal(of: head) {
            send(refusal, on: stream)
            return
        }
        switch server.handler.decide(head) {
        case .refuse(let response): send(response, on: stream)
        case .accept(let limit):
            if !stream.hasEnded, let refusal = server.bodyRefusal(of: head) {
                send(refusal, on: stream)
                return
            }
            stream.bodyLimit = min(limit, limits.maximumBody)
            if (head.contentLength ?? 0) > stream.bodyLimit { fail(stream, .body) }
        }
    }

    func dataCame(id: Int32, _ bytes: UnsafeBufferPointer<UInt8>) {
        guard let stream = streams[id] else { return }
        guard stream.phase == .receiving else {
            stream.discarded += bytes.count
            if stream.isReplySent, stream.discarded > 2 * server.limits.maximumBody { dismiss(stream) }
            return
        }
        guard stream.body.count + bytes.count <= stream.bodyLimit else {
            fail(stream, .body)
            return
        }
        stream.body.append(contentsOf: bytes)
        stream.progressed = Loop.shared.now
        bufferedBytes += bytes.count
        if !connection.account(bufferedBytes) { fail(stream, HTTP1Failure(status: 503, reason: .buffers)) }
    }

    func bodyEnded(_ stream: HTTP2Stream) {
        stream.hasEnded = true
        guard stream.phase == .receiving, let head = stream.head else { return }
        guard working.count < server.limits.maximumStreams else {
            fail(stream, HTTP1Failure(status: 503, reason: .http2Budget))
            return
        }
        stream.phase = .handling
        working.insert(stream.id)
        let request = HTTPRequest(head: head, body: stream.body)
        server.handler.respond(to: request, HTTPResponder(session: self, id: stream.id))
    }

    // MARK: - Answers

    func respond(_ response: HTTPResponse, id: Int32) {
        working.remove(id)
        guard isWaiting(id: id), let stream = streams[id] else { return }
        send(response, on: stream)
        pump()
        setDeadline()
    }

    /// Answers a request that the room itself refuses.
    private func fail(_ stream: HTTP2Stream, _ failure: HTTP1Failure) {
        server.reject(failure.reason)
        send(.text(failure.status, HTTPStatus.text(failure.status)), on: stream)
        if failure.status < 500, !budget.errorMade(now: Loop.shared.now) { calm() }
    }

    private func send(_ response: HTTPResponse, on stream: HTTP2Stream) {
        guard connection.unsentBytes + replyBytes <= server.limits.maximumQueuedReply else {
            calm()
            return
        }
        release(stream)
        stream.phase = .replying
        stream.progressed = Loop.shared.now
        let hasBody = HTTPStatus.mayHaveBody(response.status)
        var fields: [(name: String, value: String)] = [(":status", String(response.status))]
        if hasBody { fields.append(("content-length", String(response.body.count))) }
        for (name, value) in response.headers where HTTPStatus.isSafe(value) {
            fields.append((name.lowercased(), value))
        }
        if hasBody, stream.head?.method != .head {
            stream.reply = response.body
            replyBytes += stream.reply.count
        }
        submit(fields, on: stream)
    }

    /// nghttp2 copies names and values during the call.
    private func submit(_ fields: [(name: String, value: String)], on stream: HTTP2Stream) {
        var bytes: [UInt8] = []
        for (name, value) in fields {
            bytes += name.utf8
            bytes += value.utf8
        }
        let id = stream.id
        bytes.withUnsafeMutableBufferPointer { buffer in
            guard var next = buffer.baseAddress else { return }
            let entries = fields.map { name, value in
                let (first, second) = (name.utf8.count, value.utf8.count)
                defer { next += first + second }
                return nghttp2_nv(name: next, value: next + first, namelen: first, valuelen: second, flags: 0)
            }
            guard !stream.reply.isEmpty else {
                nghttp2_submit_response(handle, id, entries, entries.count, nil)
                return
            }
            var provider = nghttp2_data_provider()
            provider.read_callback = Self.readReply
            nghttp2_submit_response(handle, id, entries, entries.count, &provider)
        }
    }

    private nonisolated static let readReply: nghttp2_data_source_read_callback = {
        _, id, buffer, capacity, flags, _, user in
        var count = 0
        var isEnd = false
        let address = UInt(bitPattern: buffer)
        let result = HTTP2Session.with(user) { session in
            let target = UnsafeMutableRawBufferPointer(
                start: UnsafeMutableRawPointer(bitPattern: address), count: capacity)
            (count, isEnd) = session.copyReply(id: id, to: target)
        }
        if isEnd { flags?.pointee |= UInt32(NGHTTP2_DATA_FLAG_EOF.rawValue) }
        return result == 0 ? count : Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)
    }

    private func copyReply(id: Int32, to target: UnsafeMutableRawBufferPointer) -> (Int, Bool) {
        guard let stream = streams[id] else { return (0, true) }
        let count = min(target.count, stream.reply.count - stream.replied)
        stream.reply.withUnsafeBytes { reply in
            target.copyMemory(from: UnsafeRawBufferPointer(rebasing: reply[stream.replied..<stream.replied + count]))
        }
        stream.replied += count
        replyBytes -= count
        stream.progressed = Loop.shared.now
        return (count, stream.replied == stream.reply.count)
    }

    // MARK: - Time and end

    func checkTime(of stream: HTTP2Stream, now: Instant) {
        let limits = server.limits
        switch stream.phase {
        case .receiving:
            guard
                now.milliseconds(since: stream.progressed) >= limits.bodyStallMilliseconds
                    || now.milliseconds(since: stream.began) >= limits.bodyMilliseconds
            else { return }
            fail(stream, HTTP1Failure(status: 408, reason: .timeout))
        case .handling: return
        case .replying where stream.isReplySent:
            if now.milliseconds(since: stream.progressed) >= limits.lingerMilliseconds { dismiss(stream) }
        case .replying:
            guard now.milliseconds(since: stream.progressed) >= limits.writeStallMilliseconds else { return }
            server.reject(.timeout)
            nghttp2_submit_rst_stream(handle, 0, stream.id, UInt32(NGHTTP2_CANCEL.rawValue))
        }
    }

    /// The rest of a request will not come.
    func forget(_ stream: HTTP2Stream) {
        nghttp2_submit_rst_stream(handle, 0, stream.id, UInt32(NGHTTP2_CANCEL.rawValue))
    }

    func streamClosed(id: Int32) {
        guard let stream = streams.removeValue(forKey: id) else { return }
        replyBytes -= stream.reply.count - stream.replied
        release(stream)
        if streams.isEmpty { becameQuiet() }
    }

    /// Gives the body's bytes back to the server's bound.
    private func release(_ stream: HTTP2Stream) {
        guard !stream.body.isEmpty else { return }
        bufferedBytes -= stream.body.count
        stream.body = []
        _ = connection.account(bufferedBytes)
    }
}
