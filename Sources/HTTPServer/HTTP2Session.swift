// HTTP/2 on one connection: nghttp2 does framing and flow control; limits, budgets and time are kept here.
// Requests and replies of its streams are in HTTP2Session+Streams.

import CNghttp2
import EventLoop

/// Owns one nghttp2 server session: made in `init`, freed in `deinit`.
@IO
final class HTTP2Session: ConnectionSession {
    let connection: Connection
    let server: HTTPServer
    var streams: [Int32: HTTP2Stream] = [:]
    /// Requests whose handler has not answered, also when their stream is gone: they still cost.
    var working: Set<Int32> = []
    var bufferedBytes = 0
    /// Bytes of answers that nghttp2 has not taken yet.
    var replyBytes = 0
    var budget: HTTP2Budget
    private(set) var handle: OpaquePointer?
    private var isFeeding = false
    private var isPumping = false
    private var isEnding = false
    private var inputHasEnded = false
    private var hasSettings = false
    private var blockBegan: Instant?
    private var quietSince: Instant
    private var isTicking = false

    init(connection: Connection) {
        self.connection = connection
        server = connection.server
        quietSince = Loop.shared.now
        budget = HTTP2Budget(now: Loop.shared.now)
        // Unretained: `deinit` frees the session, and with it the last way back to self.
        let user = Unmanaged.passUnretained(self).toOpaque()
        let library = HTTP2Library.shared
        nghttp2_session_server_new2(&handle, library.callbacks, user, library.options)
        var settings = [
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue),
                value: UInt32(server.limits.maximumStreams)),
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue), value: 64 << 10),
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue),
                value: UInt32(server.limits.headerBytes)),
        ]
        nghttp2_submit_settings(handle, 0, &settings, settings.count)
        nghttp2_session_set_local_window_size(handle, 0, 0, 256 << 10)
    }

    isolated deinit { nghttp2_session_del(handle) }

    var isIdle: Bool { streams.isEmpty && connection.unsentBytes == 0 }

    // MARK: - Bytes

    func received(_ bytes: UnsafeRawBufferPointer) {
        guard !isEnding else { return }
        isFeeding = true
        let taken = nghttp2_session_mem_recv(handle, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
        isFeeding = false
        if taken < 0 {
            server.reject(.framing)
            // A session error has its GOAWAY queued already; a wrong preface has none.
            nghttp2_session_terminate_session(handle, UInt32(NGHTTP2_PROTOCOL_ERROR.rawValue))
        }
        pump()
        setDeadline()
    }

    /// Moves what nghttp2 wants to send into the output, as long as the peer takes it.
    func pump() {
        guard !isFeeding, !isPumping, !connection.isClosed else { return }
        isPumping = true
        while connection.unsentBytes < 256 << 10 {
            var data: UnsafePointer<UInt8>?
            let count = nghttp2_session_mem_send(handle, &data)
            guard count > 0, let data else { break }
            connection.output.append(contentsOf: UnsafeBufferPointer(start: data, count: count))
        }
        isPumping = false
        connection.flush()
        let isOver = nghttp2_session_want_read(handle) == 0 && nghttp2_session_want_write(handle) == 0
        if isOver || (inputHasEnded && streams.isEmpty), !isEnding {
            isEnding = true
            connection.finish()
        }
    }

    /// Ends the connection for a peer that uses too much of it.
    func calm() {
        server.reject(.http2Budget)
        nghttp2_session_terminate_session(handle, UInt32(NGHTTP2_ENHANCE_YOUR_CALM.rawValue))
    }

    func inputEnded() {
        inputHasEnded = true
        for stream in streams.values where stream.phase == .receiving { forget(stream) }
        pump()
    }

    func outputDrained() { if !isEnding { pump() } }

    func beginDrain() {
        let last = nghttp2_session_get_last_proc_stream_id(handle)
        nghttp2_submit_goaway(handle, 0, last, UInt32(NGHTTP2_NO_ERROR.rawValue), nil, 0)
        pump()
    }

    func connectionClosed() {
        isEnding = true
        streams = [:]
        replyBytes = 0
    }

    // MARK: - Frames

    func frameBegan(type: UInt8, flags: UInt8, id: Int32) {
        let now = Loop.shared.now
        let isWithin: Bool =
            switch type {
            case 3: budget.resetCame(now: now)
            case 4, 6: budget.controlCame(now: now)
            case 9: budget.continuationCame()
            case 0, 1, 5, 7, 8: true
            default: budget.oddityCame(now: now)
            }
        if !isWithin { calm() }
    }

    func headersBegan(id: Int32, isRequest: Bool) {
        budget.blockBegan()
        blockBegan = Loop.shared.now
        guard isRequest else { return }
        streams[id] = HTTP2Stream(id: id, now: Loop.shared.now)
    }

    func frameCame(type: UInt8, flags: UInt8, id: Int32, isEmptyData: Bool) {
        let isLast = flags & 0x1 != 0
        switch type {
        case 0:
            if isEmptyData, !isLast, !budget.oddityCame(now: Loop.shared.now) { calm() }
            if isLast, let stream = streams[id] { bodyEnded(stream) }
        case 1:
            blockBegan = nil
            guard let stream = streams[id] else { return }
            if isLast { stream.hasEnded = true }
            if stream.head == nil, stream.phase == .receiving { headCame(stream) }
            if isLast { bodyEnded(stream) }
        case 4: hasSettings = true
        default: return
        }
    }

    /// A frame was malformed, as a header block may be: it is over, and its stream will be reset.
    func frameRefused() { blockBegan = nil }

    func frameSent(type: UInt8, flags: UInt8, id: Int32, code: UInt32) {
        if type == 3, code != UInt32(NGHTTP2_NO_ERROR.rawValue), !budget.errorMade(now: Loop.shared.now) { calm() }
        guard type <= 1, flags & 0x1 != 0, let stream = streams[id] else { return }
        stream.isReplySent = true
        stream.progressed = Loop.shared.now
    }

    /// The answer is complete while the request is not: the rest is not wanted (RFC 9113 §8.1).
    ///
    /// Not said at once, for some clients then lose the answer; what comes meanwhile is thrown away.
    func dismiss(_ stream: HTTP2Stream) {
        nghttp2_submit_rst_stream(handle, 0, stream.id, UInt32(NGHTTP2_NO_ERROR.rawValue))
    }

    // MARK: - Time

    func setDeadline() {
        guard !isEnding, !connection.isClosed else { return }
        if streams.isEmpty, hasSettings, blockBegan == nil {
            isTicking = false
            let left = server.limits.idleMilliseconds - Loop.shared.now.milliseconds(since: quietSince)
            connection.setDeadline(milliseconds: max(0, left))
        } else if !isTicking {
            isTicking = true
            connection.setDeadline(milliseconds: tick)
        }
    }

    /// Streams have many deadlines and there is one timer: while any is open it looks at all.
    private var tick: Int64 {
        let limits = server.limits
        let shortest = min(limits.bodyStallMilliseconds, limits.writeStallMilliseconds, limits.headMilliseconds)
        return min(1000, max(5, shortest / 4))
    }

    func deadlinePassed() {
        isTicking = false
        let now = Loop.shared.now
        let limits = server.limits
        if !hasSettings || blockBegan != nil {
            if now.milliseconds(since: blockBegan ?? quietSince) >= limits.headMilliseconds {
                server.reject(.timeout)
                nghttp2_session_terminate_session(handle, UInt32(NGHTTP2_NO_ERROR.rawValue))
            }
        } else if streams.isEmpty, now.milliseconds(since: quietSince) >= limits.idleMilliseconds {
            nghttp2_session_terminate_session(handle, UInt32(NGHTTP2_NO_ERROR.rawValue))
        }
        for stream in streams.values { checkTime(of: stream, now: now) }
        pump()
        setDeadline()
    }

    func becameQuiet() {
        quietSince = Loop.shared.now
        connection.becameQuiet()
    }
}
