// Environment → the exact lines that are printed.

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
