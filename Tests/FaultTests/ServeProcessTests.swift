// The process itself: how a start fails, what SIGHUP does, and how it lives without descriptors and with slow peers.

import EventLoop
import Foundation
import Glibc
import HTTPServer
import TestSupport
import Testing

extension Faults {
    @Suite("One process") struct OneProcess {}
}

extension Faults.OneProcess {
    /// A directory of its own and the least that `serve` needs in it: the simulator, free ports.
    @IO
    private final class Place {
        let folder: String

        init() throws { folder = try TestFolder.make() }

        func serve(_ settings: [String: String] = [:], arguments: [String] = ["--no-watch"]) throws -> Child {
            let base = ["LISTEN": "http://127.0.0.1:0", "METRICS_PORT": "0", "LOG_FORMAT": "json"]
            return try Child(["serve"] + arguments, environment: base.merging(settings) { $1 }, folder: folder)
        }

        func write(_ text: String, to file: String) throws {
            try text.write(toFile: "\(folder)/\(file)", atomically: true, encoding: .utf8)
        }
    }

    private static func port(_ child: Child, _ event: String, _ scheme: String = "http") async throws -> Int {
        Int(try await child.word(after: "\"\(event)\",\"text\":\"\(scheme)://127.0.0.1:")) ?? 0
    }

    // MARK: - Help

    @Test(.timeLimit(.minutes(1))) @IO
    func `each command has help that fits into 80 columns`() async throws {
        let place = try Place()
        func printed(_ words: [String]) async throws -> [Substring] {
            let child = try Child(words, environment: [:], folder: place.folder)
            #expect(try await child.end(within: 20) == 0, "\(words)")
            let lines = child.output.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.allSatisfy { $0.count <= 80 }, "\(words): \(lines.filter { $0.count > 80 })")
            return lines
        }
        let commands = try await printed(["--help"]).filter { $0.hasPrefix("  ") }
            .compactMap { $0.split(separator: " ").first.map(String.init) }
        #expect(commands.count > 10)
        for command in commands {
            #expect(try await printed([command, "--help"]).first?.hasPrefix("Usage: nezuko \(command)") == true)
        }
    }

    // MARK: - Starts that fail

    @Test(.timeLimit(.minutes(1))) @IO
    func `a taken port is named with the setting to change, and ends with 2`() async throws {
        let place = try Place()
        let first = try place.serve(["STATE_DIR": "first"])
        let main = try await Self.port(first, "listening")
        let metrics = try await Self.port(first, "metrics_listening")
        let second = try place.serve(["STATE_DIR": "second", "LISTEN": "http://127.0.0.1:\(main)"])
        #expect(try await second.end(within: 20) == 2)
        #expect(second.output.contains("listens on 127.0.0.1:\(main) already. Set LISTEN to a free address."))
        let third = try place.serve(["STATE_DIR": "third", "METRICS_PORT": "\(metrics)"])
        #expect(try await third.end(within: 20) == 2)
        #expect(third.output.contains("listens on 127.0.0.1:\(metrics) already. Set METRICS_PORT to a free one."))
        #expect(try await first.terminate().code == 0)
    }

    /// Settings that cannot work, and what is said about each.
    private static let failures: [(settings: [String: String], code: Int32, texts: [String])] = [
        (
            ["BOT_TOKEN": "x", "METRICS_PORT": "y", "LOG_LEVLE": "info", "DATABASE_URL": "mysql://u:hunter2@h/d"], 2,
            ["config: BOT_TOKEN: ", "config: METRICS_PORT: ", "did you mean LOG_LEVEL?", "config: DATABASE_URL: "]
        ),
        (
            [
                "LISTEN": "https://127.0.0.1:0", "TLS_CERT_FILE": "/nonexistent/c.pem",
                "TLS_KEY_FILE": "/nonexistent/k.pem",
            ], 2, ["config: TLS_CERT_FILE: \"/nonexistent/c.pem\" cannot be read.", "config: TLS_KEY_FILE: "]
        ),
        (["LISTEN": "http://256.1.1.1:1"], 2, ["256.1.1.1:1 is not an address to listen on.", "Set LISTEN"]),
        (["DATABASE_URL": "sqlite:/nonexistent/x.db"], 4, ["/nonexistent/x.db cannot be made. Check DATABASE_URL"]),
        (["ENVIRONMENT": "production"], 2, ["config: BOT_TOKEN: ", "config: PUBLIC_URL: "]),
    ]

    @Test(.timeLimit(.minutes(1)), arguments: failures.indices) @IO
    func `a start that cannot succeed says all that is wrong, and no secret`(index: Int) async throws {
        let (settings, code, texts) = Self.failures[index]
        let place = try Place()
        let child = try place.serve(settings)
        #expect(try await child.end(within: 20) == code, "\(child.output)")
        for text in texts { #expect(child.output.contains(text), "\(child.output)") }
        #expect(!child.output.contains("hunter2"))
    }

    // MARK: - Routes

    /// Arguments of curl after the origin, and the status that comes.
    private static let requests: [(path: String, arguments: String, status: String)] = [
        ("/", "", "404"), ("/metrics", "", "404"), ("/health", "", "404"), ("/jobs/member-sync", "-X POST", "404"),
        ("/webhook/", "-X POST", "404"), ("/WEBHOOK", "-X POST", "404"), ("//webhook", "-X POST", "404"),
        ("/healthz", "", "200"), ("/healthz", "-I", "200"), ("/healthz?x=y", "", "200"), ("/readyz", "", "200"),
        ("/healthz", "-X POST -d a", "405 GET, HEAD"), ("/healthz", "-X DELETE", "405 GET, HEAD"),
        ("/webhook", "", "405 POST"), ("/webhook", "-X PUT -d a", "405 POST"), ("/webhook", "-X OPTIONS", "405 POST"),
        ("/webhook", "-X TRACE", "501"), ("/webhook", "-X CONNECT", "501"), ("/webhook", "-X BREW", "501"),
        ("/webhook", "-d '{}'", "401"), ("/webhook", "-d '{}' -H 'SECRET: wrong-secret-000001'", "401"),
        ("/webhook", "-d '{}' -H 'SECRET: right-secret-00000'", "401"),
        ("/webhook", "-d '{}' -H 'SECRET: right-secret-0000011'", "401"),
        ("/webhook", "-d '{}' -H 'SECRET: right-secret-000001' -H 'SECRET: right-secret-000001'", "401"),
        ("/webhook?secret_token=right-secret-000001", "-d '{}'", "401"),
        ("/webhook", "-d '{}' -H 'Authorization: Bearer right-secret-000001'", "401"),
        ("/webhook", "-d '{}' -H 'SECRET: right-secret-000001'", "200"),
        ("/webhook", "-d '{}' -H 'SECRET: former-secret-00001'", "200"),
        ("/%77ebhook", "-d '{}' -H 'SECRET: right-secret-000001'", "200"),
        ("/webhook", "-d '{' -H 'SECRET: right-secret-000001'", "400"),
        ("/webhook", "-d '{}' -H 'SECRET: right-secret-000001' -H 'Content-Encoding: gzip'", "415"),
    ]

    @Test(.timeLimit(.minutes(1))) @IO
    func `only known paths and methods, and the secret before all`() async throws {
        let place = try Place()
        let child = try place.serve(["WEBHOOK_SECRET": "right-secret-000001,former-secret-00001"])
        let port = try await Self.port(child, "listening")
        _ = try await child.word(after: "\"serving")
        for version in ["--http1.1", "--http2-prior-knowledge"] {
            for (path, arguments, status) in Self.requests {
                // curl's own CONNECT over HTTP/2 would wait for a tunnel.
                if version != "--http1.1", arguments.contains("CONNECT") { continue }
                let given = arguments.replacing("SECRET", with: "X-Telegram-Bot-Api-Secret-Token")
                let answer = await shell(
                    "curl -s -m 5 \(version) --path-as-is -o /dev/null -w '%{http_code} %header{allow}' \(given) "
                        + "'http://127.0.0.1:\(port)\(path)'")
                #expect(answer.trimmingCharacters(in: .whitespaces) == status, "\(version) \(path) \(arguments)")
            }
        }
        #expect(try await child.terminate().code == 0)
        #expect(!child.output.contains("right-secret") && !child.output.contains("former-secret"))
    }

    // MARK: - SIGHUP

    @Test(.timeLimit(.minutes(1))) @IO
    func `SIGHUP takes LOG_LEVEL from the file, and a wrong one changes nothing`() async throws {
        let place = try Place()
        try place.write("LOG_LEVEL=warning\n", to: ".env")
        let child = try place.serve()
        let running = "\"log_level_changed\""
        // No line tells that it runs, since none is loud enough; the settings are read before the database is made.
        try await until("a database") { FileManager.default.fileExists(atPath: "\(place.folder)/.nezuko/simulator.db") }
        for (text, said) in [
            ("LOG_LEVEL=debug\n", "\(running),\"name\":\"debug\""),
            ("LOG_LEVEL=loud\n", "\"log_level_not_changed\",\"error\":\"config: LOG_LEVEL: \\\"loud\\\" is not one of"),
            ("# nothing\n", "\(running),\"name\":\"info\""),
        ] {
            try place.write(text, to: ".env")
            child.send(SIGHUP)
            try await until("\(said) in \(child.output)") { child.output.contains(said) }
        }
        #expect(try await child.terminate().code == 0)
        // At `info` again, the end is told.
        #expect(child.output.contains("\"stopped\""))
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `the environment's LOG_LEVEL is not overruled by the file`() async throws {
        let place = try Place()
        let child = try place.serve(["LOG_LEVEL": "info"])
        _ = try await child.word(after: "\"serving")
        try place.write("LOG_LEVEL=debug\nnot a line\n", to: ".env")
        child.send(SIGHUP)
        #expect(try await child.terminate().code == 0)
        #expect(!child.output.contains("log_level"))
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `SIGHUP brings the new certificate and drops no connection`() async throws {
        let place = try Place()
        let pair = (certificate: "\(place.folder)/c.pem", key: "\(place.folder)/k.pem")
        func make(_ host: String) throws {
            try SelfSignedCertificate.ensure(certificateFile: pair.certificate, keyFile: pair.key, host: host)
        }
        try make("first.example")
        let child = try place.serve([
            "LISTEN": "https://127.0.0.1:0", "TLS_CERT_FILE": pair.certificate, "TLS_KEY_FILE": pair.key,
        ])
        let port = try await Self.port(child, "listening", "https")
        // One connection over the whole test: two questions on it, and between them a pause in which SIGHUP comes.
        let script = """
            exec 3<>\(place.folder)/pause
            (printf 'GET /healthz HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'; read -r _ <&3
             printf 'GET /readyz HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n') |
                timeout 40 openssl s_client -quiet -ign_eof -connect 127.0.0.1:\(port) >\(place.folder)/answers 2>/dev/null
            """
        mkfifo("\(place.folder)/pause", 0o600)
        let kept = Task { @IO in await shell(script) }
        func answers() -> String { (try? String(contentsOfFile: "\(place.folder)/answers", encoding: .utf8)) ?? "" }
        try await until("the first answer") { answers().contains("HTTP/1.1 200") }
        try make("second.example")
        child.send(SIGHUP)
        let subject = "openssl s_client -connect 127.0.0.1:\(port) </dev/null 2>/dev/null | grep '^subject'"
        try await until("the new certificate") { await shell(subject).contains("second.example") }
        _ = await shell("echo go > \(place.folder)/pause")
        _ = await kept.value
        #expect(answers().ranges(of: "HTTP/1.1 200").count == 2, "\(answers())")
        #expect(try await child.terminate().code == 0)
    }

    // MARK: - Faults of its surroundings

    @Test(.timeLimit(.minutes(1))) @IO
    func `without descriptors it neither spins nor stops, and comes back`() async throws {
        let place = try Place()
        let child = try place.serve(arguments: ["--no-watch"])
        let port = try await Self.port(child, "listening")
        _ = try await child.word(after: "\"serving")
        // As many as it has now and a few: the limit of a running process can be lowered from outside.
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(child.pid)/fd").count
        _ = await shell("prlimit --pid \(child.pid) --nofile=\(open + 20):\(open + 20)")
        let clients = await offload { (0..<60).map { _ in Peer(port: port) } }
        let before = try Self.ticks(child.pid)
        try await Task.sleep(for: .seconds(1))
        // Of a second, spinning would use all: 100 ticks.
        let used = try Self.ticks(child.pid) - before
        #expect(used < 50, "\(used) of 100 ticks")
        #expect(child.exitCode == nil)
        await offload { for client in clients { client.end() } }
        try await until("service returns") {
            await shell("curl -s -m 2 -o /dev/null -w '%{http_code}' http://127.0.0.1:\(port)/healthz") == "200"
        }
        #expect(try await child.terminate().code == 0)
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `idle, silent and slow peers do not hold up the end`() async throws {
        let place = try Place()
        let child = try place.serve(["LISTEN": "http://127.0.0.1:0", "SHUTDOWN_GRACE": "4"])
        let port = try await Self.port(child, "listening")
        let metrics = try await Self.port(child, "metrics_listening")
        _ = try await child.word(after: "\"serving")
        let peers = await offload {
            [
                Peer(port: port), Peer(port: port, sending: "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
                Peer(port: port, sending: "POST /webhook HTTP/1.1\r\nHo"), Peer(port: metrics),
                Peer(port: port, sending: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
                Peer(port: metrics, sending: "GET /metrics HTTP/1.1\r\nHost: x\r\n"),
            ]
        }
        child.send(SIGTERM)
        // A second signal changes nothing: neither the end's order nor its code.
        child.send(SIGINT)
        let end = try await child.terminate()
        #expect(end.code == 0 && end.seconds < 7, "it took \(end.seconds) s")
        #expect(child.output.contains("\"stopped\""))
        await offload { for peer in peers { peer.end() } }
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `a stalled database does not hold up the end`() async throws {
        let world = try await FaultWorld(.postgreSQL)
        let replica = try await world.serve(["SHUTDOWN_GRACE": "3"])
        let cluster = try FaultWorld.cluster.get()
        try await offload { try cluster.freeze(true) }
        let end = try await replica.child.terminate()
        try await offload { try cluster.freeze(false) }
        #expect(end.code == 0 && end.seconds < 7, "it took \(end.seconds) s")
        await world.end()
    }

    /// Processor time of a process, in hundredths of a second.
    private static func ticks(_ pid: pid_t) throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
        return (Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0)
    }
}

/// A connection that does nothing more once it is made.
private final class Peer: Sendable {
    private let descriptor: Int32

    init(port: Int, sending text: String = "") {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        _ = send(descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL))
    }

    func end() { close(descriptor) }
}

/// What a shell's script prints.
@IO
func shell(_ script: String) async -> String {
    await offload {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = ["-c", script]
        let output = Pipe()
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return "" }
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }
}
