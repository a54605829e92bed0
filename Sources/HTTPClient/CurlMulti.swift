// libcurl's multi handle: owns it, carries its wishes to the loop, knows nothing of requests.

import CCurl
import CShims
import EventLoop

/// One multi handle with its sockets and its timer on the loop.
///
/// Ownership: made in `init`, freed in `deinit`, nowhere else. libcurl calls back only from inside our
/// own calls to it, and what it asks for is only noted there: no call into libcurl from a callback.
@IO
final class CurlMulti {
    /// Told about each finished easy handle (as bits), outside of any callback.
    var onFinished: ((UInt, CURLcode) -> Void)?

    private let handle: UnsafeMutableRawPointer
    private var watches: [Int32: Watch] = [:]
    private var timer: LoopTimer?

    init?(options: HTTPClientOptions) {
        // Once for the process; Swift runs a static's initialiser once.
        guard Self.isLibraryReady, let handle = curl_multi_init() else { return nil }
        self.handle = handle
        // Unretained: valid because deinit clears both callbacks before self is gone.
        let me = Unmanaged.passUnretained(self).toOpaque()
        nezuko_curl_multi_socket_callback(handle, onSocket, me)
        nezuko_curl_multi_timer_callback(handle, onTimer, me)
        nezuko_curl_multi_long(handle, CURLMOPT_PIPELINING, Int(CURLPIPE_MULTIPLEX))
        nezuko_curl_multi_long(handle, CURLMOPT_MAX_HOST_CONNECTIONS, options.maximumConnectionsPerHost)
        nezuko_curl_multi_long(handle, CURLMOPT_MAXCONNECTS, options.maximumConnectionsPerHost * 2)
    }

    isolated deinit {
        nezuko_curl_multi_socket_callback(handle, nil, nil)
        nezuko_curl_multi_timer_callback(handle, nil, nil)
        // Before cleanup, which closes the sockets: a closed descriptor cannot be taken off the loop.
        for watch in watches.values { watch.cancel() }
        timer?.cancel()
        curl_multi_cleanup(handle)
    }

    private static let isLibraryReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    func add(_ easy: UnsafeMutableRawPointer) -> Bool { curl_multi_add_handle(handle, easy) == CURLM_OK }

    func remove(_ easy: UnsafeMutableRawPointer) { curl_multi_remove_handle(handle, easy) }

    // MARK: - libcurl's wishes

    fileprivate func socketChanged(_ descriptor: Int32, _ action: Int32) {
        if action == CURL_POLL_REMOVE {
            watches.removeValue(forKey: descriptor)?.cancel()
            return
        }
        var interest: Interest = []
        if action & CURL_POLL_IN != 0 { interest.insert(.read) }
        if action & CURL_POLL_OUT != 0 { interest.insert(.write) }
        if let watch = watches[descriptor] {
            watch.update(interest)
            return
        }
        watches[descriptor] = Loop.shared.watch(descriptor, interest) { [weak self] ready in
            var mask: Int32 = 0
            if ready.contains(.read) { mask |= CURL_CSELECT_IN }
            if ready.contains(.write) { mask |= CURL_CSELECT_OUT }
            self?.act(descriptor, mask)
        }
    }

    fileprivate func timerChanged(milliseconds: Int) {
        timer?.cancel()
        timer = nil
        guard milliseconds >= 0 else { return }
        timer = Loop.shared.schedule(afterMilliseconds: Int64(milliseconds)) { [weak self] in
            self?.act(curl_socket_t(CURL_SOCKET_BAD), 0)
        }
    }

    private func act(_ descriptor: curl_socket_t, _ mask: Int32) {
        var running: Int32 = 0
        curl_multi_socket_action(handle, descriptor, mask, &running)
        var left: Int32 = 0
        while let message = curl_multi_info_read(handle, &left) {
            // Copied out first: the message is gone once its handle is removed.
            let easy = UInt(bitPattern: nezuko_curl_message_handle(message))
            let code = nezuko_curl_message_result(message)
            if message.pointee.msg == CURLMSG_DONE { onFinished?(easy, code) }
        }
    }
}

private func onSocket(
    _: UnsafeMutableRawPointer?, descriptor: curl_socket_t, action: Int32, user: UnsafeMutableRawPointer?,
    _: UnsafeMutableRawPointer?
) -> Int32 {
    let address = UInt(bitPattern: user)
    return IO.assume {
        guard let pointer = UnsafeRawPointer(bitPattern: address) else { return -1 }
        Unmanaged<CurlMulti>.fromOpaque(pointer).takeUnretainedValue().socketChanged(descriptor, action)
        return 0
    }
}

private func onTimer(_: UnsafeMutableRawPointer?, milliseconds: Int, user: UnsafeMutableRawPointer?) -> Int32 {
    let address = UInt(bitPattern: user)
    return IO.assume {
        guard let pointer = UnsafeRawPointer(bitPattern: address) else { return -1 }
        Unmanaged<CurlMulti>.fromOpaque(pointer).takeUnretainedValue().timerChanged(milliseconds: milliseconds)
        return 0
    }
}
