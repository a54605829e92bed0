// A TLS connection of the load generator: keep-alive, one request at a time.

import CLinux
import CSSL
import CShims
import EventLoop
import Glibc

/// Connects to 127.0.0.1 and exchanges requests for answers. Certificates are not checked: it knows its server.
@IO
final class TLSClient {
    private static let context: OpaquePointer? = {
        let context = SSL_CTX_new(TLS_client_method())
        SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nil)
        _ = nezuko_ssl_ctx_min_version(context, TLS1_3_VERSION)
        return context
    }()

    /// Called when the handshake is done.
    var onReady: () -> Void = {}
    /// Called with the status of each answer.
    var onAnswer: (Int) -> Void = { _ in }
    /// Called once when the other side is gone.
    var onEnd: () -> Void = {}

    private let descriptor: Int32
    private let ssl: OpaquePointer
    private var watch: Watch?
    private var isReady = false
    private var output: [UInt8] = []
    private var input: [UInt8] = []

    init(port: Int) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = loopback(port: port)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0, let ssl = SSL_new(Self.context) else {
            throw BenchmarkError("cannot connect to 127.0.0.1:\(port)")
        }
        self.descriptor = descriptor
        self.ssl = ssl
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        SSL_set_fd(ssl, descriptor)
        SSL_set_connect_state(ssl)
        watch = Loop.shared.watch(descriptor, [.read]) { [weak self] _ in self?.proceed() }
        Loop.shared.schedule(afterMilliseconds: 0) { [weak self] in self?.proceed() }
    }

    isolated deinit {
        watch?.cancel()
        SSL_free(ssl)
        Glibc.close(descriptor)
    }

    func send(_ bytes: [UInt8]) {
        let written = bytes.withUnsafeBytes { SSL_write(ssl, $0.baseAddress, Int32($0.count)) }
        // 1 KB fits into the socket's buffer: one request waits at a time.
        if written != Int32(bytes.count) { end() }
    }

    func close() {
        watch?.cancel()
        watch = nil
        _ = SSL_shutdown(ssl)
    }

    private func end() {
        guard watch != nil else { return }
        close()
        onEnd()
    }

    private func proceed() {
        guard watch != nil else { return }
        ERR_clear_error()
        if !isReady {
            let result = SSL_do_handshake(ssl)
            guard result == 1 else {
                if SSL_get_error(ssl, result) != SSL_ERROR_WANT_READ { end() }
                return
            }
            isReady = true
            onReady()
        }
        withUnsafeTemporaryAllocation(byteCount: 16384, alignment: 16) { buffer in
            let count = SSL_read(ssl, buffer.baseAddress, 16384)
            guard count > 0 else {
                if SSL_get_error(ssl, count) != SSL_ERROR_WANT_READ { end() }
                return
            }
            input.append(contentsOf: buffer[..<Int(count)])
        }
        takeAnswer()
    }

    /// All answers here have an empty or a short body with a length.
    private func takeAnswer() {
        guard input.count >= 12, let headEnd = endOfHead() else { return }
        let status = Int(String(decoding: input[9..<12], as: UTF8.self)) ?? 0
        let length = contentLength(input[..<headEnd])
        guard input.count >= headEnd + length else { return }
        input.removeAll(keepingCapacity: true)
        onAnswer(status)
    }

    private func endOfHead() -> Int? {
        var index = 3
        while index < input.count {
            if input[index] == 10, input[index - 1] == 13, input[index - 2] == 10 { return index + 1 }
            index += 1
        }
        return nil
    }

    private func contentLength(_ head: ArraySlice<UInt8>) -> Int {
        let name = Array("content-length:".utf8)
        var start = head.startIndex
        while let lineEnd = head[start...].firstIndex(of: 10) {
            let line = head[start..<lineEnd]
            if line.count > name.count, zip(line, name).allSatisfy({ $0 | 0x20 == $1 || $0 == $1 }) {
                return line.dropFirst(name.count).reduce(0) { (48...57).contains($1) ? $0 * 10 + Int($1) - 48 : $0 }
            }
            start = lineEnd + 1
        }
        return 0
    }
}
