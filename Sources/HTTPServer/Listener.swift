// A listening socket: accepts within the bound of connections, and survives a lack of descriptors.

import CLinux
import EventLoop
import Glibc

/// Accepts connections of one address for a server.
@IO
final class Listener {
    let port: Int
    private let descriptor: Int32
    private let isTLS: Bool
    /// Gone already when the server was let go without a drain, and this with it.
    private weak var server: HTTPServer?
    private var watch: Watch?
    private var pause: LoopTimer?

    init(address: ListenAddress, server: HTTPServer) throws(HTTPServerError) {
        self.server = server
        isTLS = address.isTLS
        descriptor = try Self.open(address)
        port = Self.port(of: descriptor)
        watch = Loop.shared.watch(descriptor, .read) { [weak self] _ in self?.accept() }
    }

    isolated deinit { close() }

    /// Takes what the system has already accepted, then stops. May be called twice.
    func close() {
        guard let watch else { return }
        accept()
        pause?.cancel()
        watch.cancel()
        self.watch = nil
        Glibc.close(descriptor)
    }

    private func accept() {
        // Bounded, so that a flood of connections does not keep the present ones waiting.
        for _ in 0..<64 {
            let socket = nezuko_accept4(descriptor, nil, nil)
            if socket >= 0 {
                admit(socket)
                continue
            }
            switch errno {
            case EINTR, ECONNABORTED, EPROTO, ENETDOWN, EHOSTUNREACH, ENETUNREACH: continue
            case EAGAIN: return
            default:
                rest()
                return
            }
        }
    }

    private func admit(_ socket: Int32) {
        guard let server else {
            Glibc.close(socket)
            return
        }
        if server.registry.count >= server.limits.maximumConnections {
            server.reject(.connections)
            guard server.registry.makeRoom() else {
                Glibc.close(socket)
                return
            }
        }
        let connection = Connection(socket: socket, server: server, tls: isTLS ? server.tls : nil)
        server.registry.add(connection)
        connection.start()
    }

    /// No descriptors or no memory: closes an idle connection and looks again shortly, so that it neither
    /// spins on the waiting connection nor stops for good.
    private func rest() {
        server?.reject(.connections)
        _ = server?.registry.makeRoom()
        watch?.update([])
        pause = Loop.shared.schedule(afterMilliseconds: 100) { [weak self] in self?.watch?.update(.read) }
    }

    private static func open(_ address: ListenAddress) throws(HTTPServerError) -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        defer { if let list { freeaddrinfo(list) } }
        guard 0...65535 ~= address.port, getaddrinfo(address.host, String(address.port), &hints, &list) == 0,
            let found = list?.pointee
        else { throw .address(host: address.host, port: address.port) }
        let type = found.ai_socktype | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(found.ai_family, type, found.ai_protocol)
        guard descriptor >= 0 else { throw .bind(host: address.host, port: address.port, code: errno) }
        var one: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, size)
        if address.isIPv6Only, found.ai_family == AF_INET6 {
            setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &one, size)
        }
        // Accepted sockets inherit it: answers are written whole and must not wait for each other.
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, size)
        guard bind(descriptor, found.ai_addr, found.ai_addrlen) == 0, Glibc.listen(descriptor, 1024) == 0 else {
            let code = errno
            Glibc.close(descriptor)
            throw .bind(host: address.host, port: address.port, code: code)
        }
        return descriptor
    }

    private static func port(of descriptor: Int32) -> Int {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutableBytes(of: &storage) { bytes in
            guard let base = bytes.baseAddress else { return 0 }
            guard getsockname(descriptor, base.assumingMemoryBound(to: sockaddr.self), &length) == 0 else { return 0 }
            // Both families keep the port in bytes 2 and 3, in network order.
            return Int(bytes[2]) << 8 | Int(bytes[3])
        }
    }
}
