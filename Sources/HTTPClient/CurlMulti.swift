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
    /// Told about each finished easy handle, outside of any callback.
    var onFinished: ((UnsafeMutableRawPointer, CURLcode) -> Void)?

    let sockets = CurlSockets()
    private let handle: UnsafeMutableRawPointer
    private var timer: LoopTimer?
    /// When libcurl wants to be called; nil: not at all. The timer may be earlier, never later.
    private var wanted: Instant?
    private var actsAtTurnEnd = false
    private var readsAfterEvents = false

    init?(options: HTTPClientOptions) {
        // Once for the process; Swift runs a static's initialiser once.
        guard Self.isLibraryReady, let handle = curl_multi_init() else { return nil }
        self.handle = handle
        sockets.onReady = { [weak self] descriptor, mask in self?.ready(descriptor, mask) }
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
        timer?.cancel()
        // Closes the connections, each through `sockets`.
        curl_multi_cleanup(handle)
    }

    private static let isLibraryReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    func add(_ easy: UnsafeMutableRawPointer) -> Bool { curl_multi_add_handle(handle, easy) == CURLM_OK }

    func remove(_ easy: UnsafeMutableRawPointer) { curl_multi_remove_handle(handle, easy) }

    // MARK: - libcurl's wishes

    fileprivate func timerChanged(milliseconds: Int) {
        guard milliseconds >= 0 else {
            wanted = nil
            return
        }
        guard milliseconds > 0 else {
            // "Soon", but not from inside this callback.
            guard !actsAtTurnEnd else { return }
            actsAtTurnEnd = true
            return Loop.shared.atTurnEnd { [weak self] in
                self?.actsAtTurnEnd = false
                self?.act(curl_socket_t(CURL_SOCKET_BAD), 0)
            }
        }
        let moment = Loop.shared.now.adding(milliseconds: Int64(milliseconds))
        var isEarlier = true
        if let wanted { isEarlier = moment < wanted }
        wanted = moment
        if let timer, timer.isPending {
            // An early call is no harm; one timer for all saves one a transfer.
            guard isEarlier else { return }
            timer.cancel()
        }
        armTimer(moment)
    }

    private func armTimer(_ moment: Instant) {
        let milliseconds = max(moment.milliseconds(since: Loop.shared.now), 1)
        timer = Loop.shared.schedule(afterMilliseconds: milliseconds) { [weak self] in self?.timerFired() }
    }

    private func timerFired() {
        guard let wanted else { return }
        guard wanted <= Loop.shared.now else { return armTimer(wanted) }
        self.wanted = nil
        act(curl_socket_t(CURL_SOCKET_BAD), 0)
    }

    /// What has ended is looked at once all sockets of the turn were read: the same code for many, then the next.
    private func ready(_ descriptor: curl_socket_t, _ mask: Int32) {
        var running: Int32 = 0
        curl_multi_socket_action(handle, descriptor, mask, &running)
        guard !readsAfterEvents else { return }
        readsAfterEvents = true
        Loop.shared.afterEvents { [weak self] in
            self?.readsAfterEvents = false
            self?.readMessages()
        }
    }

    private func act(_ descriptor: curl_socket_t, _ mask: Int32) {
        var running: Int32 = 0
        curl_multi_socket_action(handle, descriptor, mask, &running)
        readMessages()
    }

    private func readMessages() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(handle, &left) {
            // Copied out first: the message is gone once its handle is removed.
            guard message.pointee.msg == CURLMSG_DONE, let easy = nezuko_curl_message_handle(message) else { continue }
            onFinished?(easy, nezuko_curl_message_result(message))
        }
    }
}

private func onSocket(
    _: UnsafeMutableRawPointer?, descriptor: curl_socket_t, action: Int32, user: UnsafeMutableRawPointer?,
    _: UnsafeMutableRawPointer?
) -> Int32 {
    IO.assume((UInt(bitPattern: user), descriptor, action)) { address, descriptor, action in
        guard let pointer = UnsafeRawPointer(bitPattern: address) else { return -1 }
        let sockets = Unmanaged<CurlMulti>.fromOpaque(pointer).takeUnretainedValue().sockets
        if action == CURL_POLL_REMOVE {
            sockets.rests(descriptor)
        } else {
            sockets.wants(descriptor, action)
        }
        return 0
    }
}

private func onTimer(_: UnsafeMutableRawPointer?, milliseconds: Int, user: UnsafeMutableRawPointer?) -> Int32 {
    IO.assume((UInt(bitPattern: user), milliseconds)) { address, milliseconds in
        guard let pointer = UnsafeRawPointer(bitPattern: address) else { return -1 }
        Unmanaged<CurlMulti>.fromOpaque(pointer).takeUnretainedValue().timerChanged(milliseconds: milliseconds)
        return 0
    }
}
