// Environment, `.env` and secret files → `Configuration`, or every problem at once.

/// What the configuration is for: only a server must be reachable and real in production.
public enum ConfigurationPurpose: Equatable, Sendable {
    /// `nezuko serve`
    case serve
    /// `nezuko serve --simulate`, which wants the simulator by name.
    case simulate
    /// A command that does not serve.
    case tool
}

extension Configuration {
    /// Reads the settings. Pure: `files` reads a file's bytes, nil if it cannot.
    ///
    /// - Parameter dotEnv: contents of `.env`, if there is one; the real environment wins over it.
    /// - Throws: every problem there is, in the order of the table.
    public static func load(
        environment: [String: String], dotEnv: [UInt8]? = nil, for purpose: ConfigurationPurpose = .serve,
        files: (String) -> [UInt8]?
    ) throws(ConfigurationProblems) -> Configuration {
        let found = inspect(environment: environment, dotEnv: dotEnv, for: purpose, files: files)
        guard found.problems.isEmpty else { throw ConfigurationProblems(problems: found.problems) }
        return found.configuration
    }

    /// The same for who wants to see how far the settings go: what was refused is as if it were not given.
    public static func inspect(
        environment: [String: String], dotEnv: [UInt8]? = nil, for purpose: ConfigurationPurpose,
        files: (String) -> [UInt8]?
    ) -> ConfigurationInspection {
        var loader = Loader(environment: environment, dotEnv: dotEnv)
        loader.readSettings(files)
        loader.resolve()
        loader.checkTogether(purpose, onCloudRun: loader.given["K_SERVICE"] != nil)
        if purpose != .tool { loader.checkCertificateFiles(files) }
        loader.checkUnknownNames()
        let given = Setting.all.count { loader.given[$0.name] != nil || loader.given[$0.name + "_FILE"] != nil }
        return ConfigurationInspection(
            configuration: loader.configuration, problems: loader.problems, isUsable: loader.refused.isEmpty,
            givenCount: given)
    }
}

/// Settings together with what is wrong with them.
public struct ConfigurationInspection: Equatable, Sendable {
    /// The settings; what was refused has its default.
    public let configuration: Configuration
    /// One line each, without `config: `.
    public let problems: [String]
    /// Whether no setting was refused, so that the settings are what was meant.
    public let isUsable: Bool
    /// How many settings are given.
    public let givenCount: Int
}

extension Configuration {
    /// `LOG_LEVEL` alone, as `load` would read it: what SIGHUP takes from `.env` while the service runs.
    ///
    /// - Throws: why it is none; the rest of `.env` is not judged.
    public static func logLevel(
        environment: [String: String], dotEnv: [UInt8]
    ) throws(ConfigurationProblems) -> LogVerbosity {
        let name = "LOG_LEVEL"
        var loader = Loader(environment: environment.filter { $0.key == name }, dotEnv: dotEnv)
        loader.given = loader.given.filter { $0.key == name }
        loader.problems = []
        loader.readSettings { _ in nil }
        guard loader.problems.isEmpty else { throw ConfigurationProblems(problems: loader.problems) }
        return loader.configuration.logLevel
    }
}

/// The steps of `load` and what they share.
private struct Loader {
    var given: [String: String]
    var configuration = Configuration()
    var problems: [String] = []
    /// Settings whose text was refused: rules over several settings do not speak of them again.
    private(set) var refused: Set<String> = []

    init(environment: [String: String], dotEnv: [UInt8]?) {
        given = [:]
        if let dotEnv {
            let file = DotEnv(dotEnv)
            given = file.values
            problems += file.problems
        }
        given.merge(environment) { _, real in real }
        // Compose files and shells pass what is unset as empty.
        given = given.filter { !$0.value.isEmpty }
    }

    mutating func readSettings(_ files: (String) -> [UInt8]?) {
        for setting in Setting.all {
            let text = text(of: setting, files)
            if let effective = text ?? (setting.defaultText.isEmpty ? nil : setting.defaultText) {
                // Whether a bare address is https depends on a setting read before it.
                let isBareTLS = setting.name == "LISTEN" && configuration.tlsCertificateFile != nil
                do throws(Malformed) {
                    if isBareTLS {
                        configuration.listen = try Parser.listen(bareIsTLS: true).parse(effective, "\"\(effective)\"")
                    } else {
                        try setting.apply(effective, &configuration)
                    }
                } catch {
                    refused.insert(setting.name)
                    problems.append("\(setting.name): \(error.text)")
                }
            }
            let shown = text.map { setting.isSecret ? masked($0, of: setting) : $0 } ?? setting.defaultText
            configuration.printedValues.append(PrintedSetting(name: setting.name, text: shown))
        }
    }

    private func masked(_ text: String, of setting: Setting) -> String {
        setting.name == "DATABASE_URL" ? DatabaseURL.masked(text) : "***"
    }

    private mutating func text(of setting: Setting, _ files: (String) -> [UInt8]?) -> String? {
        guard setting.isSecret, let path = given[setting.name + "_FILE"] else { return given[setting.name] }
        guard given[setting.name] == nil else {
            refuse(setting.name, "is set twice, here and by \(setting.name)_FILE. Set one of them.")
            return nil
        }
        guard let bytes = files(path) else {
            refuse(setting.name, file: true, "\"\(path)\" cannot be read. Check the path and who may read it.")
            return nil
        }
        let text = trimmed(String(decoding: bytes, as: UTF8.self))
        guard !text.isEmpty else {
            refuse(setting.name, file: true, "\"\(path)\" is empty. Write the secret into it.")
            return nil
        }
        return text
    }

    private mutating func refuse(_ name: String, file: Bool = false, _ text: String) {
        refused.insert(name)
        problems.append("\(name)\(file ? "_FILE" : ""): \(text)")
    }

    /// Fills in what depends on other settings.
    mutating func resolve() {
        if let port = configuration.port, !configuration.listen.isEmpty { configuration.listen[0].port = port }
        configuration.database =
            configuration.databaseGiven ?? .sqlite(path: configuration.stateDirectory + "/nezuko.db")
        configuration.migratesAutomatically = configuration.autoMigrateGiven ?? configuration.database.isSQLite
        show("DATABASE_URL", "sqlite:\(configuration.stateDirectory)/nezuko.db")
        show("AUTO_MIGRATE", "\(configuration.migratesAutomatically)")
    }

    private mutating func show(_ name: String, _ text: String) {
        for index in configuration.printedValues.indices
        where configuration.printedValues[index].name == name && configuration.printedValues[index].text.isEmpty {
            configuration.printedValues[index] = PrintedSetting(name: name, text: text)
        }
    }

    /// Rules over several settings.
    mutating func checkTogether(_ purpose: ConfigurationPurpose, onCloudRun: Bool) {
        if configuration.tlsCertificateFile != nil, configuration.tlsKeyFile == nil {
            refuse("TLS_KEY_FILE", "is not set, but TLS_CERT_FILE is. Set both or neither.")
        }
        if configuration.tlsKeyFile != nil, configuration.tlsCertificateFile == nil {
            refuse("TLS_CERT_FILE", "is not set, but TLS_KEY_FILE is. Set both or neither.")
        }
        if configuration.apiLogBatch > configuration.apiLogQueue, !refused.contains("API_LOG_BATCH"),
            !refused.contains("API_LOG_QUEUE")
        {
            refuse("API_LOG_BATCH", "is more than API_LOG_QUEUE. Set it to at most \(configuration.apiLogQueue).")
        }
        checkBotAPIOrigin()
        if onCloudRun, configuration.database.isSQLite, purpose == .serve, !refused.contains("DATABASE_URL") {
            refuse("DATABASE_URL", "SQLite would be lost here (K_SERVICE is set). Use postgres://USER:PASS@HOST/DB.")
        }
        if configuration.environment == .production { checkProduction(purpose) }
    }

    /// Whether they fit together only OpenSSL can tell; whether they are there shows with the other problems.
    mutating func checkCertificateFiles(_ files: (String) -> [UInt8]?) {
        let paths = [("TLS_CERT_FILE", configuration.tlsCertificateFile), ("TLS_KEY_FILE", configuration.tlsKeyFile)]
        for (name, path) in paths where !refused.contains(name) {
            guard let path, files(path) == nil else { continue }
            refuse(name, "\"\(path)\" cannot be read. Check the path and who may read it.")
        }
    }

    private mutating func checkBotAPIOrigin() {
        guard let base = URLParts(configuration.telegramBaseURL), base.scheme == "http", !base.isLoopback,
            !configuration.telegramAllowsHTTP
        else { return }
        refuse(
            "TELEGRAM_API_BASE_URL",
            "\"\(configuration.telegramBaseURL)\" would send the token in clear. "
                + "Use https, or set TELEGRAM_API_ALLOW_HTTP=true.")
    }

    private mutating func checkProduction(_ purpose: ConfigurationPurpose) {
        switch purpose {
        case .tool: return
        case .simulate: refuse("ENVIRONMENT", "production refuses the simulator. Set BOT_TOKEN, or use development.")
        case .serve:
            if configuration.botToken == nil, !refused.contains("BOT_TOKEN") {
                refuse(
                    "BOT_TOKEN",
                    "is not set, and production refuses the simulator. Get it from BotFather: /mybots, API Token.")
            }
            if configuration.publicURL == nil, !refused.contains("PUBLIC_URL") {
                refuse("PUBLIC_URL", "is not set, and production refuses long polling. Use https://HOST.")
            }
            if configuration.tlsCertificateFile == nil, configuration.listen.contains(where: \.isTLS) {
                refuse(
                    "TLS_CERT_FILE",
                    "is not set, and production refuses the self-signed pair. Set it, or LISTEN to http only.")
            }
        }
    }

    mutating func checkUnknownNames() {
        let known = NameSuggestion()
        for name in given.keys.sorted() {
            if let meant = known.suggestion(for: name) {
                problems.append("\(name): unknown name, did you mean \(meant)?")
            }
        }
    }
}
