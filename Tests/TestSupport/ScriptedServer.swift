// A tiny HTTP/1.1 server on the loop that says exactly what a test wants, right or wrong.

import CLinux
import EventLoop
import Glibc

/// Listens on a free local port; each complete request is answered as `react` says.
@IO
public final class ScriptedServer {
    /// What is done about a request.
    public enum Reaction: Sendable {
        /// These bytes, the connection stays.
        case bytes(String)
        /// These bytes, then the connection ends.
        case bytesThenClose(String)
        /// The connection ends without a word.
        case close
        /// Nothing, for ever.
        case silence

        /// A well-formed reply with a JSON body.
        public static func json(_ status: Int, _ body: String, headers: String = "") -> Reaction {
            .bytes(
                "HTTP/1.1 \(status) Words\r\nContent-Type: application/json\r\n\(headers)"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
        }
    }

    /// One request as it came.
    public struct Request: Sendable {
        /// Request line and headers.
        public let head: String
        /// What followed.
        public let body: String
        /// The target of the request line.
        public var target: String { head.split(separator: " ").dropFirst().first.map(String.init) ?? "" }
    }

    /// The port that was free.
    public private(set) var port: UInt16 = 0
    /// Connections taken so far.
    public private(set) var connectionCount = 0
    /// Requests in the order in which they were complete.
    public private(set) var requests: [Request] = []
    /// What to do about the n-th request (from 0).
    public var react: @IO (Request, Int) -> Reaction

    private let listener: Int32
    private var watch: Watch?
    private var unsent: [Int32: [UInt8]] = [:]
    private var clients: [Int32: (watch: Watch, bytes: [UInt8])] = [:]

    /// Starts to listen.
    public init(_ react: @escaping @IO (Request, Int) -> Reaction) {
        self.react = react
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        precondition(listener >= 0, "no socket for the test server")
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                precondition(bind(descriptor, raw, length) == 0, "the test server cannot bind")
                getsockname(descriptor, raw, &length)
            }
        }
        listen(listener, 64)
        port = UInt16(bigEndian: address.sin_port)
        watch = Loop.shared.watch(listener, .read) { [weak self] _ in self?.accept() }
    }

    /// Where it is, without a slash at the end.
    public var url: String { "http://127.0.0.1:\(port)" }

    /// Ends everything; the port refuses connections afterwards.
    public func stop() {
        for descriptor in Array(clients.keys) { drop(descriptor) }
        guard let watch else { return }
        watch.cancel()
        self.watch = nil
        Glibc.close(listener)
    }

    private func accept() {
        let descriptor = nezuko_accept4(listener, nil, nil)
        guard descriptor >= 0 else { return }
        connectionCount += 1
        let watch = Loop.shared.watch(descriptor, .read) { [weak self] ready in
            if ready.contains(.write) { self?.flush(descriptor) }
            if ready.contains(.read) { self?.readable(descriptor) }
        }
        clients[descriptor] = (watch, [])
    }

    private func readable(_ descriptor: Int32) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else {
            if count == 0 || errno != EAGAIN { drop(descriptor) }
            return
        }
        clients[descriptor]?.bytes += buffer[..<count]
        while let request = takeRequest(descriptor) {
            let number = requests.count
            requests.append(request)
            perform(react(request, number), descriptor)
        }
    }

    private func takeRequest(_ descriptor: Int32) -> Request? {
        guard let bytes = clients[descriptor]?.bytes else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n") else { return nil }
        let head = String(text[..<end.lowerBound])
        var length = 0
        for line in head.split(separator: "\r\n") where line.lowercased().hasPrefix("content-length:") {
            length = Int(line.dropFirst(15).trimmed) ?? 0
        }
        let start = head.utf8.count + 4
        guard bytes.count >= start + length else { return nil }
        clients[descriptor]?.bytes = Array(bytes[(start + length)...])
        return Request(head: head, body: String(decoding: bytes[start..<(start + length)], as: UTF8.self))
    }

    private func perform(_ reaction: Reaction, _ descriptor: Int32) {
        switch reaction {
        case .bytes(let text): write(text, descriptor)
        case .bytesThenClose(let text):
            write(text, descriptor)
            drop(descriptor)
        case .close: drop(descriptor)
        case .silence: break
        }
    }

    private func write(_ text: String, _ descriptor: Int32) {
        unsent[descriptor, default: []] += Array(text.utf8)
        flush(descriptor)
    }

    private func flush(_ descriptor: Int32) {
        guard let bytes = unsent[descriptor], let watch = clients[descriptor]?.watch else { return }
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { break }
            sent += count
        }
        unsent[descriptor] = sent == bytes.count ? nil : Array(bytes[sent...])
        watch.update(sent == bytes.count ? .read : [.read, .write])
    }

    private func drop(_ descriptor: Int32) {
        guard let client = clients.removeValue(forKey: descriptor) else { return }
        unsent[descriptor] = nil
        client.watch.cancel()
        Glibc.close(descriptor)
    }
}

extension StringProtocol {
    fileprivate func range(of needle: String) -> Range<String.UTF8View.Index>? {
        let (hay, wanted) = (Array(utf8), Array(needle.utf8))
        guard hay.count >= wanted.count else { return nil }
        for start in 0...(hay.count - wanted.count) where hay[start..<(start + wanted.count)].elementsEqual(wanted) {
            let from = utf8.index(utf8.startIndex, offsetBy: start)
            return from..<utf8.index(from, offsetBy: wanted.count)
        }
        return nil
    }

    fileprivate var trimmed: String { String(self.drop { $0 == " " }) }
}
