// Where PostgreSQL is: the URL's parameters, and host names resolved off the loop.

import CPQ
import EventLoop
import Glibc

/// Texts as C strings for the length of one call.
enum CStrings {
    /// Calls `body` with an array of C strings, NULL where the text is `nil`, and NULL at its end.
    static func with<Value>(_ texts: [String?], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Value) -> Value {
        var copies: [UnsafePointer<CChar>?] = texts.map { text in text.flatMap { UnsafePointer(strdup($0)) } }
        copies.append(nil)
        defer { for copy in copies { free(UnsafeMutableRawPointer(mutating: copy)) } }
        return copies.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { preconditionFailure("The array ends with NULL") }
            return body(base)
        }
    }
}

/// Parameters of a connection, ready for libpq.
struct PostgreSQLParameters: Sendable {
    var values: [(name: String, value: String)]

    /// Begins a connection; `nil` when libpq has no memory.
    func start() -> OpaquePointer? {
        CStrings.with(values.map { $0.name }) { names in
            CStrings.with(values.map { $0.value }) { texts in
                let connection = PQconnectStartParams(names, texts, 0)
                // libpq would print the server's notices itself, past the log and its redaction.
                if let connection { PQsetNoticeReceiver(connection, { _, _ in }, nil) }
                return connection
            }
        }
    }
}

/// A server, as the URL names it. Prints nothing of it: there may be a password inside.
struct PostgreSQLTarget: Sendable {
    private var values: [String: String]

    /// Reads a `postgresql://` URL with libpq's own parser; `nil` when it is malformed.
    init?(url: String) {
        guard let options = PQconninfoParse(url, nil) else { return nil }
        defer { PQconninfoFree(options) }
        values = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { values[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        let defaults = [
            "connect_timeout": "5", "tcp_user_timeout": "5000", "client_encoding": "UTF8", "gssencmode": "disable",
            "fallback_application_name": "nezuko",
        ]
        values.merge(defaults) { given, _ in given }
    }

    /// How long one attempt to connect may take.
    var connectMilliseconds: Int64 {
        let seconds = values["connect_timeout"].flatMap { Int64($0) } ?? 5
        return min(max(seconds, 1), 60) * 1000
    }

    /// The parameters with `hostaddr`, since libpq's own resolver blocks; `nil` when no name is known.
    ///
    /// Of several addresses each attempt takes the next.
    func resolved(attempt: Int) async -> PostgreSQLParameters? {
        var values = values
        let host = values["host"] ?? ""
        if !host.isEmpty, !host.hasPrefix("/"), !host.hasPrefix("@"), values["hostaddr"] == nil {
            let names = host.split(separator: ",", omittingEmptySubsequences: false).map { String($0) }
            let addresses = await offload { names.map { Self.address(of: $0, attempt: attempt) } }
            guard addresses.contains(where: { $0 != nil }) else { return nil }
            // An unknown name among several gets an address on which nobody answers.
            values["hostaddr"] = addresses.map { $0 ?? "0.0.0.0" }.joined(separator: ",")
        }
        return PostgreSQLParameters(values: values.map { (name: $0.key, value: $0.value) })
    }

    /// Blocking.
    private static func address(of name: String, attempt: Int) -> String? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &list) == 0 else { return nil }
        defer { freeaddrinfo(list) }
        var found: [String] = []
        var entry = list
        while let current = entry {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let result = getnameinfo(
                current.pointee.ai_addr, current.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0,
                NI_NUMERICHOST)
            if result == 0 {
                found.append(String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
            }
            entry = current.pointee.ai_next
        }
        return found.isEmpty ? nil : found[attempt % found.count]
    }
}
