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

    private final class Entry {
        let watch: Watch
        var isResting = false

        init(watch: Watch) { self.watch = watch }
    }

    /// By descriptor: those are small numbers.
    private var entries: [Entry?] = []

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
        guard let known = entry(descriptor) else {
            let watch = Loop.shared.watch(descriptor, interest) { [weak self] in self?.ready(descriptor, $0) }
            while entries.count <= Int(descriptor) { entries.append(nil) }
            entries[Int(descriptor)] = Entry(watch: watch)
            return
        }
        known.watch.update(interest)
        known.isResting = false
    }

    func rests(_ descriptor: curl_socket_t) {
        guard let entry = entry(descriptor) else { return }
        entry.watch.update(.read)
        entry.isResting = true
    }

    private func entry(_ descriptor: curl_socket_t) -> Entry? {
        let entries = entries
        return entries.indices.contains(Int(descriptor)) ? entries[Int(descriptor)] : nil
    }

    fileprivate func close(_ descriptor: curl_socket_t) {
        forget(descriptor)
        Glibc.close(descriptor)
    }

    private func ready(_ descriptor: curl_socket_t, _ readiness: Readiness) {
        guard let entry = entry(descriptor) else { return }
        guard !entry.isResting else { return forget(descriptor) }
        var mask: Int32 = 0
        if readiness.contains(.read) { mask |= CURL_CSELECT_IN }
        if readiness.contains(.write) { mask |= CURL_CSELECT_OUT }
        onReady(descriptor, mask)
    }

    private func forget(_ descriptor: curl_socket_t) {
        guard let entry = entry(descriptor) else { return }
        entries[Int(descriptor)] = nil
        entry.watch.cancel()
    }
}

private func onClose(user: UnsafeMutableRawPointer?, descriptor: curl_socket_t) -> Int32 {
    IO.assume((UInt(bitPattern: user), descriptor)) { address, descriptor in
        guard let pointer = UnsafeRawPointer(bitPattern: address) else { return 1 }
        Unmanaged<CurlSockets>.fromOpaque(pointer).takeUnretainedValue().close(descriptor)
        return 0
    }
}
