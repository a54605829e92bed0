// doctor: looks for what is wrong with this deployment, and says what to do. Changes nothing.

import Configuration
import Domain
import Handlers

enum DoctorCommand: Subcommand {
    static let name = "doctor"
    static let summary = "looks for what is wrong with the set-up, and says what to do"
    static let usage = """
        Usage: nezuko doctor [--json]

        Looks at settings, database, Telegram, webhook, certificate, groups, channels
        and jobs, all at once and within 5 s: twenty checks, each with what was seen
        and what to do. It changes nothing, here or at Telegram; run it beside a
        service that runs. With PUBLIC_URL it brings the service one update that leads
        to nothing.
          --json   an array of {"number","check","outcome","why","fix"}
        Outcomes: ok, warning, failure, n/a (not in this set-up), unknown (could not
        be found out). Exit 0: no failure, 1: at least one.
        """

    static func run(_ arguments: [String]) async -> ExitCode {
        guard arguments.isEmpty || arguments == ["--json"] else {
            Terminal.error("nezuko doctor: takes --json only.")
            return .usage
        }
        let results = await Doctor(settings: settings(Environment.inspection())).examine()
        Terminal.print(
            arguments.isEmpty
                ? DoctorReport.text(results, isColored: Terminal.hasColors) : DoctorReport.json(results))
        return results.contains { $0.finding.outcome == .failure } ? .failed : .ok
    }

    /// What the doctor is told of the settings. Makes no file, not even a secret.
    static func settings(_ inspection: ConfigurationInspection) -> DoctorSettings {
        let configuration = inspection.configuration
        let databaseURL =
            switch configuration.database {
            case .sqlite(let path): "sqlite:\(path)"
            case .postgres(let url): url
            }
        var settings = DoctorSettings(
            databaseURL: databaseURL, stateDirectory: configuration.stateDirectory,
            telegramBaseURL: configuration.telegramBaseURL, token: configuration.botToken,
            delivery: delivery(configuration))
        settings.problems = inspection.problems
        settings.isUsable = inspection.isUsable
        settings.givenCount = inspection.givenCount
        settings.migratesAutomatically = configuration.migratesAutomatically
        settings.adminIDs = configuration.adminIDs.map { UserID($0) }
        let interval = configuration.memberSyncIntervalSeconds
        let canBeStarted = interval > 0 || configuration.jobsToken != nil
        settings.jobs = JobName.allCases.map { job in
            let usual = job == .memberSync && interval > 0 ? Int64(interval) : job.usualIntervalSeconds
            return DoctorJob(name: job.rawValue, intervalSeconds: usual, canBeStarted: canBeStarted)
        }
        settings.secrets = configuration.secrets
        if case .webhook(let webhook) = settings.delivery { settings.secrets.append(webhook.secret) }
        return settings
    }

    private static func delivery(_ configuration: Configuration) -> DoctorDelivery {
        guard configuration.botToken != nil else { return .simulated }
        guard let publicURL = configuration.publicURL, let secret = Secrets.webhook(configuration)?.first else {
            return .polling
        }
        var webhook = DoctorWebhook(
            host: publicURL.host, port: publicURL.port, url: publicURL.text + configuration.webhookPath,
            secret: secret)
        if CertificatePair.isUploaded(configuration) {
            webhook.ownCertificate = Environment.read(CertificatePair(configuration).certificateFile)
        }
        return .webhook(webhook)
    }
}
