// One blocking connection for looking into a server before it is trusted: says why it could not be made.

import CPQ
import EventLoop

/// A session of its own, used by one thread that may wait.
struct PostgreSQLSession: ~Copyable {
    /// Why a session could not be had, in libpq's words, which never hold the password.
    struct Failure: Error {
        let cause: String
    }

    private let handle: OpaquePointer

    /// Connects. Blocking, about `seconds` at most for each address of the host.
    init(_ target: PostgreSQLTarget, connectingWithin seconds: Int64) throws(Failure) {
        guard let handle = target.unresolved(connectingWithin: seconds).connect() else {
            throw Failure(cause: "out of memory")
        }
        guard PQstatus(handle) == CONNECTION_OK else {
            let cause = Self.cause(String(cString: PQerrorMessage(handle)))
            PQfinish(handle)
            throw Failure(cause: cause)
        }
        self.handle = handle
    }

    deinit { PQfinish(handle) }

    /// `TLSv1.3`; `nil` in clear.
    var tlsVersion: String? {
        PQsslInUse(handle) == 0 ? nil : PQsslAttribute(handle, "protocol").map { String(cString: $0) } ?? "TLS"
    }

    /// As the server calls itself: `15.8`.
    var serverVersion: String {
        // "15.8 (Debian 15.8-0+deb12u1)"
        PQparameterStatus(handle, "server_version").map { String(String(cString: $0).prefix { $0 != " " }) } ?? "?"
    }

    /// The first row as texts; `nil` when the statement failed. Blocking.
    func row(_ text: String) -> [String]? { first(of: PQexec(handle, text)) }

    /// Prepares a statement under a name. Blocking.
    func prepare(_ name: String, _ text: String) -> Bool {
        let result = PQprepare(handle, name, text, 0, nil)
        defer { PQclear(result) }
        return PQresultStatus(result) == PGRES_COMMAND_OK
    }

    /// The first row of a prepared statement; `nil` when it failed or is not known. Blocking.
    func row(prepared name: String) -> [String]? { first(of: PQexecPrepared(handle, name, 0, nil, nil, nil, 0)) }

    /// Runs a statement without rows. Blocking.
    func execute(_ text: String) -> Bool {
        let result = PQexec(handle, text)
        defer { PQclear(result) }
        return PQresultStatus(result) == PGRES_COMMAND_OK
    }

    private func first(of result: OpaquePointer?) -> [String]? {
        defer { PQclear(result) }
        guard PQresultStatus(result) == PGRES_TUPLES_OK, PQntuples(result) > 0 else { return nil }
        return (0..<PQnfields(result)).map { String(cString: PQgetvalue(result, 0, $0)) }
    }

    /// `connection to server at "db" (192.0.2.7), port 5432 failed: FATAL:  …` → what follows, in one line.
    private static func cause(_ message: String) -> String {
        let line = message.split(separator: "\n").first.map(String.init) ?? "no words"
        let words = line.firstRange(of: "failed: ").map { line[$0.upperBound...] } ?? line[...]
        let plain = words.hasPrefix("FATAL:") ? words.dropFirst(6).drop { $0 == " " } : words
        return String(plain.prefix(160))
    }
}
