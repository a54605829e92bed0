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
    func start() -> OpaquePointer? { silenced { PQconnectStartParams($0, $1, 0) } }

    /// Makes a connection, well or not: `PQstatus` says. Blocking; `nil` when libpq has no memory.
    func connect() -> OpaquePointer? { silenced { PQconnectdbParams($0, $1, 0) } }

    private func silenced(
        _ connect: (UnsafePointer<UnsafePointer<CChar>?>, UnsafePointer<UnsafePointer<CChar>?>) -> OpaquePointer?
    ) -> OpaquePointer? {
        CStrings.with(values.map { $0.name }) { names in
            CStrings.with(values.map { $0.value }) { texts in
                let connection = connect(names, texts)
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

    /// The parameters as they are, for a connection made off the loop, where names may be looked up by libpq.
    ///
    /// - Parameter seconds: how long one attempt may take at most.
    func unresolved(connectingWithin seconds: Int64) -> PostgreSQLParameters {
        var values = values
        values["connect_timeout"] = String(min(seconds, connectMilliseconds / 1000))
        return PostgreSQLParameters(values: values.map { (name: $0.key, value: $0.value) })
    }

    /// `sslmode` of the URL; libpq's own default without one.
    var sslMode: String { values["sslmode"] ?? "prefer" }

    /// The parameters with `hostaddr`, since libpq's own resolver blocks; `nil` when no name is known.
    ///
    /// Of several addresses each attempt takes the next.
    func resolved(attempt: Int) async -> PostgreSQLParameters? {
        var values = values
        let host = values["host"] ?? ""
        if !host.isEmpty, !host.hasPrefix("/"), !host.hasPrefix("@"), values["hostaddr"] == nil {
            let names = host.split(separator: ",", omittingEmptySubsequences: false).map { String($0) }
            var addresses: [String?] = []
            for name in names {
                let found = await HostAddresses.of(name)
                addresses.append(found.isEmpty ? nil : found[attempt % found.count])
            }
            guard addresses.contains(where: { $0 != nil }) else { return nil }
            // An unknown name among several gets an address on which nobody answers.
            values["hostaddr"] = addresses.map { $0 ?? "0.0.0.0" }.joined(separator: ",")
        }
        return PostgreSQLParameters(values: values.map { (name: $0.key, value: $0.value) })
    }
}
