// Environment → values.

import Foundation
import Testing

@testable import Configuration

@Suite("Configuration: values")
struct ValueTests {
    @Test func `nothing set gives the defaults of the table`() throws {
        let configuration = try load([:])
        #expect(configuration.botToken == nil)
        #expect(configuration.listen == [ListenEntry(host: "127.0.0.1", port: 8080, isTLS: false)])
        #expect(configuration.database == .sqlite(path: ".nezuko/nezuko.db"))
        #expect(configuration.migratesAutomatically)
        #expect(configuration.rateGlobal == Rate(count: 25, perSeconds: 1))
        #expect(configuration.rateGroup == Rate(count: 20, perSeconds: 60))
        #expect(configuration.httpMaximumBodyBytes == 1 << 20)
        #expect(configuration.httpBufferTotalBytes == 32 << 20)
        #expect(configuration.telegramBaseURL == "https://api.telegram.org")
        #expect(configuration.metricsEnabled && configuration.metricsPort == 9090)
        #expect(configuration.shutdownGraceSeconds == 8)
    }

    @Test func `the first address gets PORT, bare ones follow the certificate`() throws {
        let plain = try load(["LISTEN": "0.0.0.0:1, https://[::1]:2", "PORT": "3"])
        #expect(
            plain.listen == [
                ListenEntry(host: "0.0.0.0", port: 3, isTLS: false), ListenEntry(host: "::1", port: 2, isTLS: true),
            ])
        let secure = try load(["LISTEN": "a.example:1", "TLS_CERT_FILE": "/c", "TLS_KEY_FILE": "/k"])
        #expect(secure.listen == [ListenEntry(host: "a.example", port: 1, isTLS: true)])
    }

    @Test func `certificate files are looked for with all else`() throws {
        let settings = ["TLS_CERT_FILE": "/none.pem", "TLS_KEY_FILE": "/k", "METRICS_PORT": "x"]
        do throws(ConfigurationProblems) {
            _ = try load(settings)
            Issue.record("accepted")
        } catch {
            #expect(error.problems.count == 2)
            #expect(
                error.problems.last
                    == "TLS_CERT_FILE: \"/none.pem\" cannot be read. Check the path and who may read it.")
        }
        // A command that does not serve, as in a job's container, needs no certificate.
        #expect(try load(["TLS_CERT_FILE": "/none.pem", "TLS_KEY_FILE": "/k"], for: .tool).tlsCertificateFile != nil)
    }

    /// Environment, `.env`, and the level that SIGHUP takes; nil where it is refused.
    static let levels: [(environment: [String: String], dotEnv: String, level: LogVerbosity?)] = [
        ([:], "LOG_LEVEL=debug", .debug), ([:], "# nothing", .info), ([:], "LOG_LEVEL=", .info),
        (["LOG_LEVEL": "error"], "LOG_LEVEL=debug", .error), ([:], "LOG_LEVEL=loud", nil),
        // What else is wrong there is said at the next start.
        ([:], "LOG_LEVEL=warning\nnonsense\nMETRICS_PORT=x\nLOG_LEVLE=x", .warning),
    ]

    @Test(arguments: levels.indices)
    func `the level alone`(index: Int) {
        let (environment, dotEnv, level) = Self.levels[index]
        #expect((try? Configuration.logLevel(environment: environment, dotEnv: Array(dotEnv.utf8))) == level)
    }

    static let databases: [(String, DatabaseURL)] = [
        ("sqlite:x.db", .sqlite(path: "x.db")), ("sqlite:/a/x.db", .sqlite(path: "/a/x.db")),
        ("sqlite:///a/x.db", .sqlite(path: "/a/x.db")), ("sqlite:////a/x.db", .sqlite(path: "/a/x.db")),
        ("sqlite::memory:", .sqlite(path: ":memory:")), ("sqlite+aiosqlite:///x.db", .sqlite(path: "/x.db")),
        ("postgres://u:p@h/d", .postgres(url: "postgresql://u:p@h/d")),
        (
            "postgresql+asyncpg://u:p@h:5432/d?sslmode=require",
            .postgres(url: "postgresql://u:p@h:5432/d?sslmode=require")
        ),
    ]

    @Test(arguments: databases)
    func `kinds of databases`(_ text: String, _ expected: DatabaseURL) throws {
        let configuration = try load(["DATABASE_URL": text])
        #expect(configuration.database == expected)
        #expect(configuration.migratesAutomatically == expected.isSQLite)
    }

    @Test func `files, lists and secrets`() throws {
        let configuration = try load(
            [
                "BOT_TOKEN_FILE": "/t", "WEBHOOK_SECRET": "new-secret-000001,old-secret-000002", "ADMIN_IDS": "1, 22",
                "DATABASE_URL": "postgres://u:hunter2@h/d", "BOT_RATE_PRIVATE": "0",
                "PUBLIC_URL": "https://a.example:8443/",
            ], files: ["/t": token + "\n"])
        #expect(configuration.botToken == token)
        #expect(configuration.webhookSecrets == ["new-secret-000001", "old-secret-000002"])
        #expect(configuration.adminIDs == [1, 22])
        #expect(configuration.ratePrivate.isUnlimited)
        #expect(configuration.publicURL?.text == "https://a.example:8443")
        #expect(Set(configuration.secrets) == ["hunter2", token, "new-secret-000001", "old-secret-000002"])
        let printed = configuration.printed()
        for secret in configuration.secrets { #expect(!printed.contains(secret)) }
        #expect(printed.contains("DATABASE_URL=postgres://***@h/d\n"))
        #expect(printed.contains("BOT_TOKEN=***\n"))
        #expect(printed.contains("AUTO_MIGRATE=false\n"))
    }

    @Test(arguments: [
        ("postgres://u:hunter2@h:5432/d?sslmode=require", "postgres://***@h:5432/d?sslmode=require"),
        ("postgresql+asyncpg://u:hunter2@[::1]:5432/d", "postgres://***@[::1]:5432/d"),
        ("postgres://h/d?user=u&password=hunter2&sslmode=prefer", "postgres://h/d?***&***&sslmode=prefer"),
        ("postgres://u:12/hunter2@h/d", "postgres:***"), ("postgres://u:hunter2/d", "postgres:***"),
        ("postgres://u:a?hunter2@h/d", "postgres:***"), ("postgres://u@h/d", "postgres://***@h/d"),
        ("postgres://h/d:hunter2@", "postgres:***"), ("postgres://h", "postgres://h"),
        ("sqlite:a/b.db", "sqlite:a/b.db"), ("sqlite::memory:", "sqlite::memory:"),
        ("sqlite:u:hunter2@h", "sqlite:***"), ("sqlite:a?key=hunter2", "sqlite:***"),
    ])
    func `a database's URL is printed as far as it holds no password`(url: String, shown: String) throws {
        let configuration = try load(["DATABASE_URL": url])
        #expect(configuration.printed().contains("DATABASE_URL=\(shown)\n"))
    }

    @Test func `passwords among a URL's parameters are secrets too`() throws {
        let configuration = try load(["DATABASE_URL": "postgres://h/d?password=hunter2&sslmode=prefer"])
        #expect(configuration.secrets.contains("hunter2"))
    }

    @Test func `the real environment wins over the file`() throws {
        let file = """
            # comment
            export PORT=1   # inline
            METRICS_PORT = "2" # quoted
            STATE_DIR='a # b'
            LOG_LEVEL=debug
            """
        let configuration = try load(["PORT": "9", "LOG_LEVEL": ""], dotEnv: file)
        #expect(configuration.listen[0].port == 9)
        #expect(configuration.metricsPort == 2)
        #expect(configuration.stateDirectory == "a # b")
        #expect(
            lines([:], dotEnv: "PORT\n\nSTATE_DIR=\"x") == [
                "config: .env: line 1 is not NAME=value.",
                "config: .env: line 3: STATE_DIR has a quote that is not closed.",
            ])
    }

    @Test func `docs name every setting`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = root.appending(path: "docs/config.md")
        if ProcessInfo.processInfo.environment["UPDATE_DOCS"] != nil {
            try Configuration.markdown().write(to: file, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: file, encoding: .utf8) == Configuration.markdown(), "run with UPDATE_DOCS=1")
    }

    @Test func `HKDF as in RFC 5869, test cases 1 and 3`() throws {
        func hex(_ bytes: [UInt8]) -> String { bytes.map { String(format: "%02x", $0) }.joined() }
        let secret = [UInt8](repeating: 0x0B, count: 22)
        let first = try KeyDerivation.hkdf(
            secret: secret, salt: Array(0x00...0x0C), info: Array(0xF0...0xF9), length: 42)
        #expect(
            hex(first) == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")
        let third = try KeyDerivation.hkdf(secret: secret, info: [], length: 42)
        #expect(
            hex(third) == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")
    }

    @Test func `a derived secret fits Telegram and tells tokens apart`() throws {
        let secret = try WebhookSecret.derive(token: token)
        #expect(secret.count == 48)
        #expect(try WebhookSecret.derive(token: token) == secret)
        #expect(try WebhookSecret.derive(token: token + "x") != secret)
        #expect(try load(["WEBHOOK_SECRET": secret]).webhookSecrets == [secret])
    }
}
