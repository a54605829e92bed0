// nghttp2's callbacks and options, made once: each recovers the session and calls one method.

import CNghttp2
import EventLoop

/// What all server sessions share.
@IO
final class HTTP2Library {
    static let shared = HTTP2Library()

    let callbacks: OpaquePointer?
    let options: OpaquePointer?

    private init() {
        var callbacks: OpaquePointer?
        nghttp2_session_callbacks_new(&callbacks)
        self.callbacks = callbacks
        var options: OpaquePointer?
        nghttp2_option_new(&options)
        self.options = options
        setOptions()
        setCallbacks()
    }

    private func setOptions() {
        nghttp2_option_set_stream_reset_rate_limit(options, 1000, 33)
        nghttp2_option_set_max_continuations(options, 9)
        nghttp2_option_set_max_outbound_ack(options, 1000)
        nghttp2_option_set_no_closed_streams(options, 1)
        // Unknown frames come to us to be counted; the library would skip them silently.
        for type in UInt8(0x0A)...UInt8.max { nghttp2_option_set_user_recv_extension_type(options, type) }
    }

    private func setCallbacks() {
        nghttp2_session_callbacks_set_unpack_extension_callback(callbacks) { _, _, _, _ in
            Int32(NGHTTP2_ERR_CANCEL.rawValue)
        }
        nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks) { _, header, user in
            guard let header else { return 0 }
            let (type, flags, id) = (header.pointee.type, header.pointee.flags, header.pointee.stream_id)
            return HTTP2Session.with(user) { $0.frameBegan(type: type, flags: flags, id: id) }
        }
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, user in
            guard let frame else { return 0 }
            let isRequest = frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST
            let id = frame.pointee.hd.stream_id
            return HTTP2Session.with(user) { $0.headersBegan(id: id, isRequest: isRequest) }
        }
        nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            _, frame, name, nameLength, value, valueLength, _, user in
            guard let frame else { return 0 }
            let isRequest = frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST
            let id = frame.pointee.hd.stream_id
            let addresses = (UInt(bitPattern: name), UInt(bitPattern: value))
            return HTTP2Session.with(user) {
                $0.headerCame(
                    id: id, isRequest: isRequest,
                    name: UnsafeBufferPointer(start: UnsafePointer(bitPattern: addresses.0), count: nameLength),
                    value: UnsafeBufferPointer(start: UnsafePointer(bitPattern: addresses.1), count: valueLength))
            }
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { _, _, id, data, count, user in
            let address = UInt(bitPattern: data)
            return HTTP2Session.with(user) {
                $0.dataCame(id: id, UnsafeBufferPointer(start: UnsafePointer(bitPattern: address), count: count))
            }
        }
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, user in
            guard let frame else { return 0 }
            let header = frame.pointee.hd
            let (type, flags, id) = (header.type, header.flags, header.stream_id)
            let isEmptyData = type == 0 && header.length == frame.pointee.data.padlen
            return HTTP2Session.with(user) { $0.frameCame(type: type, flags: flags, id: id, isEmptyData: isEmptyData) }
        }
        nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks) { _, _, _, user in
            HTTP2Session.with(user) { $0.frameRefused() }
        }
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, user in
            guard let frame else { return 0 }
            let header = frame.pointee.hd
            let (type, flags, id) = (header.type, header.flags, header.stream_id)
            let code = type == 3 ? frame.pointee.rst_stream.error_code : 0
            return HTTP2Session.with(user) { $0.frameSent(type: type, flags: flags, id: id, code: code) }
        }
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, id, _, user in
            HTTP2Session.with(user) { $0.streamClosed(id: id) }
        }
    }
}

extension HTTP2Session {
    /// C → Swift: recovers the session, which outlives its callbacks since it owns nghttp2's.
    nonisolated static func with(_ user: UnsafeMutableRawPointer?, _ body: @IO (HTTP2Session) -> Void) -> Int32 {
        let address = UInt(bitPattern: user)
        return IO.assume {
            guard let pointer = UnsafeRawPointer(bitPattern: address) else { return -1 }
            body(Unmanaged<HTTP2Session>.fromOpaque(pointer).takeUnretainedValue())
            return 0
        }
    }
}
