// PostgreSQL over TLS: what each `sslmode` accepts, seen by a server that takes nothing in clear.

import EventLoop
import Foundation
import Glibc
import TestSupport
import Testing

extension Faults {
    /// Host, the rest of the URL, and whether the server may be used so. OWN is the server's certificate.
    private static let modes: [(host: String, query: String, isAccepted: Bool)] = [
        ("localhost", "sslmode=disable", false),
        ("localhost", "sslmode=allow", true),
        ("localhost", "sslmode=prefer", true),
        ("localhost", "", true),
        ("localhost", "sslmode=require", true),
        ("localhost", "sslmode=verify-ca&sslrootcert=OWN", true),
        ("127.0.0.1", "sslmode=verify-ca&sslrootcert=OWN", true),
        ("localhost", "sslmode=verify-full&sslrootcert=OWN", true),
        // The certificate is for the name, not for the address.
        ("127.0.0.1", "sslmode=verify-full&sslrootcert=OWN", false),
        ("localhost", "sslmode=verify-ca&sslrootcert=OTHER", false),
        ("localhost", "sslmode=verify-full&sslrootcert=OTHER", false),
        ("localhost", "sslmode=verify-full", false),
    ]

    @Test(.timeLimit(.minutes(2))) @IO
    func `each sslmode keeps its promise`() async throws {
        let cluster = try await offload { try PostgreSQLCluster() }
        let local = try await offload { try cluster.makeDatabase() }
        let name = PostgreSQLCluster.name(in: local)
        let folder = String(local.split(separator: "host=")[1])
        let port = Self.freePort()
        _ = await shell(
            """
            cd \(folder)
            for pair in own other; do
                openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \\
                    -addext subjectAltName=DNS:localhost -keyout $pair.key -out $pair.crt 2>/dev/null
            done
            chmod 600 own.key; chmod 644 *.crt; chmod o+rx .; chown --reference=data own.key own.crt
            printf 'local all all trust\\nhostssl all all all trust\\n' > data/pg_hba.conf
            cat >> data/postgresql.conf <<'TEXT'
            listen_addresses = '127.0.0.1'
            port = \(port)
            ssl = on
            ssl_cert_file = '\(folder)/own.crt'
            ssl_key_file = '\(folder)/own.key'
            TEXT
            """)
        try await offload {
            try cluster.stop()
            try cluster.start()
        }
        let place = try TestFolder.make()
        for (host, query, isAccepted) in Self.modes {
            let files = query.replacing("OWN", with: "\(folder)/own.crt").replacing(
                "OTHER", with: "\(folder)/other.crt")
            let url = "postgresql://nezuko:hunter2@\(host):\(port)/\(name)?\(files)"
            let child = try Child(
                ["migrate", "up"], environment: ["DATABASE_URL": url, "HOME": place], folder: place)
            #expect(try await child.end(within: 60) == (isAccepted ? 0 : 4), "\(host) \(query): \(child.output)")
            #expect(!child.output.contains("hunter2"))
            let doctor = try Child(["doctor"], environment: ["DATABASE_URL": url, "HOME": place], folder: place)
            #expect(try await doctor.end(within: 60) == (isAccepted ? 0 : 1), "\(host) \(query): \(doctor.output)")
            #expect(doctor.output.contains(" 2  \(isAccepted ? "ok" : "FAILURE")"), "\(doctor.output)")
            #expect(!doctor.output.contains("hunter2"))
        }
        try await offload { try cluster.stop() }
    }

    private static func freePort() -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(descriptor, $0, length)
                _ = getsockname(descriptor, $0, &length)
            }
        }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
