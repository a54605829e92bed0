// The sockets of libcurl's connections on the loop: watched from the first wish to the close.

import CCurl
import CShims
import EventLoop
import Glibc

/// Watches of one multi handle's sockets.
///
/// libcurl takes a socket off and puts it on again for each transfer, two system calls a time. So a socket
/// whose connection rests stays watched, and is let go when it is closed, or when something arrives on it: then
/// the other side has closed it, and libcurl finds out at its next use.
@IO
final class CurlSockets {
    /// Told about readiness, in libcurl's bits.
    var onReady: (curl_socket_t, Int32) -> Void = { _, _ in }

    private struct Entry {
        var watch: Watch
        var isResting: Bool
    }

    private var entries: [curl_socket_t: Entry] = [:]

    /// Has sockets of connections that `easy` opens closed through here.
    ///
    /// The pointer stays valid: connections live in the multi handle, whose owner keeps this object longer.
    func attach(_ easy: UnsafeMutableRawPointer) {
        nezuko_curl_close_callback(easy, onClose, Unmanaged.passUnretained(self).toOpaque())
    }

    func wants(_ descriptor: curl_socket_t, _ action: Int32) {
        var interest: Interest = []
        if action & CURL_POLL_IN != 0 { interest.insert(.read) }
        if action & CURL_POLL_OUT != 0 { interest.insert(.write) }
        guard let known = entries[descriptor] else {
            let watch = Loop.shared.watch(descriptor, interest) { [weak self] in self?.ready(descriptor, $0) }
            entries[descriptor] = Entry(watch: watch, isResting: false)
            return
        }
        known.watch.update(interest)
        entries[descriptor]?.isResting = false
    }

    func rests(_ descriptor: curl_socket_t) {
        entries[descriptor]?.watch.update(.read)
        entries[descriptor]?.isResting = true
    }

    fileprivate func close(_ descriptor: curl_socket_t) {
        forget(descriptor)
        Glibc.close(descriptor)
    }

    private func ready(_ descriptor: curl_socket_t, _ readiness: Readiness) {
        guard let entry = entries[descriptor] else { return }
        guard !entry.isResting else { return forget(descriptor) }
        var mask: Int32 = 0
        if readiness.contains(.read) { mask |= CURL_CSELECT_IN }
        if readiness.contains(.write) { mask |= CURL_CSELECT_OUT }
        onReady(descriptor, mask)
    }

    private func forget(_ descriptor: curl_socket_t) { entries.removeValue(forKey: descriptor)?.watch.cancel() }
}

private func onClose(user: UnsafeMutableRawPointer?, descriptor: curl_socket_t) -> Int32 {
    let address = UInt(bitPattern: user)
    return IO.assume {
        guard let pointer = UnsafeRawPointer(bitPattern: address) else { return 1 }
        Unmanaged<CurlSockets>.fromOpaque(pointer).takeUnretainedValue().close(descriptor)
        return 0
    }
}
