// Environment → value, or the exact lines that are printed.

import Foundation
import Testing

@testable import Configuration

struct ProblemCase: CustomTestStringConvertible, Sendable {
    let environment: [String: String]
    let lines: [String]
    var testDescription: String { lines.first ?? "\(environment)" }

    init(_ environment: [String: String], _ lines: String...) {
        self.environment = environment
        self.lines = lines
    }
}

private let token = "123456:TEST-secret_part"

private func load(
    _ environment: [String: String], dotEnv: String? = nil, for purpose: ConfigurationPurpose = .serve,
    files: [String: String] = [:]
) throws(ConfigurationProblems) -> Configuration {
    // A certificate and its key, where a case is not about them being there.
    let files = files.merging(["/c": "", "/k": ""]) { given, _ in given }
    return try Configuration.load(environment: environment, dotEnv: dotEnv.map { Array($0.utf8) }, for: purpose) {
        files[$0].map { Array($0.utf8) }
    }
}

private func lines(
    _ environment: [String: String], dotEnv: String? = nil, for purpose: ConfigurationPurpose = .serve,
    files: [String: String] = [:]
) -> [String] {
    do throws(ConfigurationProblems) {
        _ = try load(environment, dotEnv: dotEnv, for: purpose, files: files)
        return []
    } catch { return error.lines }
}

@Suite("Configuration: problems")
struct ProblemTests {
    private static let secretRule =
        "Telegram wants 1-256 of A-Z a-z 0-9 _ -, we want at least 16. Try: openssl rand -hex 24"
    private static let production = [
        "ENVIRONMENT": "production", "BOT_TOKEN": token, "PUBLIC_URL": "https://bot.example",
    ]

    static let cases: [ProblemCase] = [
        ProblemCase(
            ["DATABASE_URL": "postgres:/db"],
            "config: DATABASE_URL: \"postgres:***\" is not a URL of a supported kind. Use sqlite:PATH or postgres://USER:PASS@HOST/DB."
        ),
        ProblemCase(
            ["DATABASE_URL": "mysql://u:hunter2@h/d"],
            "config: DATABASE_URL: \"mysql:***\" is not a URL of a supported kind. Use sqlite:PATH or postgres://USER:PASS@HOST/DB."
        ),
        ProblemCase(["WEBHOOK_SECRET": "abc"], "config: WEBHOOK_SECRET: 3 characters; \(secretRule)"),
        ProblemCase(
            ["WEBHOOK_SECRET": "0123456789abcdef,abc"], "config: WEBHOOK_SECRET: 3 characters; \(secretRule)"),
        ProblemCase(
            ["WEBHOOK_SECRET": "0123456789abcde!"],
            "config: WEBHOOK_SECRET: a character that Telegram refuses; \(secretRule)"),
        ProblemCase(
            ["WEBHOOK_SECRET": "a,b,c"], "config: WEBHOOK_SECRET: 3 values; one is wanted, or two as NEW,OLD."),
        ProblemCase(["BOT_TOKN": "x"], "config: BOT_TOKN: unknown name, did you mean BOT_TOKEN?"),
        ProblemCase(["BOT_TOKEN_FILES": "x"], "config: BOT_TOKEN_FILES: unknown name, did you mean BOT_TOKEN_FILE?"),
        ProblemCase(["BOT_NAME_OF_OURS": "x", "PATHS": "x", "LISTN": "x", "HTTP_PROXY": "x"]),
        ProblemCase(
            ["BOT_TOKEN": "hunter2hunter2"],
            "config: BOT_TOKEN: 14 characters that are not DIGITS:SECRET. Get it from BotFather: /mybots, API Token."),
        ProblemCase(
            ["BOT_TOKEN_FILE": "/none"],
            "config: BOT_TOKEN_FILE: \"/none\" cannot be read. Check the path and who may read it."),
        ProblemCase(
            ["BOT_TOKEN_FILE": "/empty"], "config: BOT_TOKEN_FILE: \"/empty\" is empty. Write the secret into it."),
        ProblemCase(
            ["BOT_TOKEN": token, "BOT_TOKEN_FILE": "/token"],
            "config: BOT_TOKEN: is set twice, here and by BOT_TOKEN_FILE. Set one of them."),
        ProblemCase(["PORT": "0x50"], "config: PORT: \"0x50\" is not a whole number from 0 to 65535."),
        ProblemCase(["PORT": "65536"], "config: PORT: \"65536\" is not a whole number from 0 to 65535."),
        ProblemCase(
            ["PUBLIC_URL": "http://a.example"],
            "config: PUBLIC_URL: \"http://a.example\" is not an https origin. Use https://HOST or https://HOST:8443."),
        ProblemCase(
            ["PUBLIC_URL": "https://a.example/x"],
            "config: PUBLIC_URL: \"https://a.example/x\" is not an https origin. Use https://HOST or https://HOST:8443."
        ),
        ProblemCase(
            ["PUBLIC_URL": "https://a.example:444"],
            "config: PUBLIC_URL: port 444 is not one that Telegram calls. Use 443, 80, 88 or 8443."),
        ProblemCase(
            ["LISTEN": "ftp://a:1"],
            "config: LISTEN: \"ftp://a:1\" is not a list of addresses. Use http://HOST:PORT or https://HOST:PORT, with commas between."
        ),
        ProblemCase(
            ["TLS_CERT_FILE": "/c"], "config: TLS_KEY_FILE: is not set, but TLS_CERT_FILE is. Set both or neither."),
        ProblemCase(
            ["HTTP_MAX_BODY": "1 MB"],
            "config: HTTP_MAX_BODY: \"1 MB\" is not a size from 1 KiB to 1 GiB. Use bytes, or a number with KiB, MiB or GiB."
        ),
        ProblemCase(["METRICS_ENABLED": "on"], "config: METRICS_ENABLED: \"on\" is neither true nor false."),
        ProblemCase(
            ["BOT_RATE_GROUP": "20/hour"],
            "config: BOT_RATE_GROUP: \"20/hour\" is not a rate. Use one as 25/s or 20/min, or 0 for none."),
        ProblemCase(
            ["ADMIN_IDS": "1,x"],
            "config: ADMIN_IDS: \"1,x\" is not a list of user ids. Use numbers with commas between: 123,456."),
        ProblemCase(["LOG_LEVEL": "loud"], "config: LOG_LEVEL: \"loud\" is not one of debug, info, warning, error."),
        ProblemCase(
            ["WEBHOOK_PATH": "webhook"],
            "config: WEBHOOK_PATH: \"webhook\" is not a path of a URL. Use one as /webhook."),
        ProblemCase(
            ["TELEGRAM_API_BASE_URL": "http://10.0.0.1:8081"],
            "config: TELEGRAM_API_BASE_URL: \"http://10.0.0.1:8081\" would send the token in clear. Use https, or set TELEGRAM_API_ALLOW_HTTP=true."
        ),
        ProblemCase(["TELEGRAM_API_BASE_URL": "http://10.0.0.1:8081", "TELEGRAM_API_ALLOW_HTTP": "true"]),
        ProblemCase(["TELEGRAM_API_BASE_URL": "http://[::1]:8081"]),
        ProblemCase(
            ["K_SERVICE": "bot"],
            "config: DATABASE_URL: SQLite would be lost here (K_SERVICE is set). Use postgres://USER:PASS@HOST/DB."),
        ProblemCase(production),
        ProblemCase(
            ["ENVIRONMENT": "production"],
            "config: BOT_TOKEN: is not set, and production refuses the simulator. Get it from BotFather: /mybots, API Token.",
            "config: PUBLIC_URL: is not set, and production refuses long polling. Use https://HOST."),
        ProblemCase(
            production.merging(["LISTEN": "https://0.0.0.0:8443"]) { _, new in new },
            "config: TLS_CERT_FILE: is not set, and production refuses the self-signed pair. Set it, or LISTEN to http only."
        ),
        ProblemCase(
            ["JOBS_TOKEN": "short", "PORT": "x", "LOG_LEVL": "info"],
            "config: PORT: \"x\" is not a whole number from 0 to 65535.",
            "config: JOBS_TOKEN: 5 characters; we want at least 16. Try: openssl rand -hex 24",
            "config: LOG_LEVL: unknown name, did you mean LOG_LEVEL?"),
    ]

    @Test(arguments: cases)
    func `every problem has its line`(_ row: ProblemCase) {
        #expect(lines(row.environment, files: ["/token": token, "/empty": "\n"]) == row.lines)
    }

    @Test func `secrets never stand in a problem`() {
        for secret in ["hunter2", "hunter2 hunter2 hunter2", "a:hunter2@", "x,hunter2"] {
            for setting in Setting.all where setting.isSecret {
                let text = setting.name == "DATABASE_URL" ? "postgres:/u:\(secret)@h/d" : secret
                let problems = lines([setting.name: text])
                #expect(!problems.isEmpty)
                #expect(!problems.joined().contains("hunter2"), "\(problems)")
            }
        }
    }

    /// Found by fuzzing: a mistyped URL has its password anywhere, so nothing but its kind is quoted.
    @Test(arguments: [
        ("mysql://u:hunter2/d", "\"mysql:***\""), ("u:hunter2", "a text of 9 characters"),
        ("mysql:u:hunter2", "\"mysql:***\""), ("mysql+hunter2://h:3306/d", "\"mysql:***\""),
        ("hunter2", "a text of 7 characters"), ("hunter2@h:3306", "a text of 14 characters"),
        ("pg://u:hunter2@h:5/u:hunter2@h", "a text of 30 characters"), ("postgres", "a text of 8 characters"),
    ])
    func `a database's URL that is none is named by its kind alone`(url: String, named: String) {
        #expect(
            lines(["DATABASE_URL": url]) == [
                "config: DATABASE_URL: \(named) is not a URL of a supported kind. "
                    + "Use sqlite:PATH or postgres://USER:PASS@HOST/DB."
            ])
    }

    @Test func `an unknown sslmode is refused with those there are`() {
        #expect(
            lines(["DATABASE_URL": "postgres://u:hunter2@h/d?sslmode=no"]) == [
                "config: DATABASE_URL: its sslmode is not one of "
                    + "disable, allow, prefer, require, verify-ca, verify-full."
            ])
    }

    @Test func `tools need neither token nor address in production`() {
        #expect(lines(["ENVIRONMENT": "production"], for: .tool).isEmpty)
        #expect(
            lines(["ENVIRONMENT": "production"], for: .simulate) == [
                "config: ENVIRONMENT: production refuses the simulator. Set BOT_TOKEN, or use development."
            ])
    }
}

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
