// One examination: what several checks need is asked once, whoever needs it first.

import Domain
import EventLoop
import HTTPClient
import JSON
import Storage
import TelegramBotAPI

/// A value that is made when it is first asked for; who asks meanwhile waits for the same.
@IO
private final class Once<Value: Sendable> {
    private var made: Completion<Value, Never>?

    func value(_ make: @IO () async -> Value) async -> Value {
        if let made { return await made.wait() }
        let mine = Completion<Value, Never>()
        made = mine
        let value = await make()
        mine.finish(.success(value))
        return value
    }
}

/// Nobody writes down the doctor's calls.
@IO
private final class Unobserved: AttemptObserver {
    func attempted(_ attempt: Attempt) {}
}

/// What the checks of one examination share.
@IO
final class DoctorVisit {
    /// For each answer from outside.
    nonisolated static let answerMilliseconds: Int64 = 3000
    /// The survey of groups begins no call after this, so that it ends before the checks do.
    private nonisolated static let surveyMilliseconds: Int64 = 3000
    /// More groups than can be asked about in that time.
    private nonisolated static let surveyLimit = 5000

    let settings: DoctorSettings
    private let client = HTTPClient()
    private let surveyEnd = Loop.shared.current().adding(milliseconds: surveyMilliseconds)
    private let isUnusable: DoctorFinding?
    private var opened: (any Database)?

    private let databaseContact = Once<Result<DatabaseContact, DatabaseTrouble>>()
    private let shownCertificate = Once<ShownCertificate>()
    private let telegramAnswer = Once<TelegramAnswer>()
    private let webhookInfo = Once<Result<WebhookInfo, DoctorFinding>>()
    private let openedStore = Once<DatabaseStore?>()
    private let surveyed = Once<Result<GroupSurvey, DoctorFinding>>()
    private lazy var api = BotAPI(
        baseURL: settings.telegramBaseURL, token: settings.token ?? "", client: client, observer: Unobserved(),
        timeoutMilliseconds: Self.answerMilliseconds)

    init(_ settings: DoctorSettings) {
        self.settings = settings
        isUnusable = settings.isUsable ? nil : .unknown("The settings have to be right first: see 1.")
    }

    /// Closes what was opened. What still waits for an answer fails; a database that is away is not waited for.
    func end() async {
        client.close()
        guard let opened else { return }
        let done = Completion<Void, Never>()
        let timer = Loop.shared.schedule(afterMilliseconds: 200) { done.finish(.success(())) }
        Task { @IO in
            await opened.close()
            done.finish(.success(()))
        }
        await done.wait()
        timer.cancel()
    }

    // MARK: - What a check needs, or why it has nothing to look at

    /// - Throws: when the settings are not usable.
    func needSettings() throws(DoctorFinding) {
        if let isUnusable { throw isUnusable }
    }

    /// How Telegram answered to the token.
    func telegram() async throws(DoctorFinding) -> TelegramAnswer {
        try needSettings()
        guard settings.token != nil else { throw .notApplicable("Without BOT_TOKEN the simulator runs.") }
        return await telegramAnswer.value {
            await TelegramAnswer.ask(settings, client, milliseconds: Self.answerMilliseconds)
        }
    }

    /// The bot that the token belongs to.
    func bot() async throws(DoctorFinding) -> TelegramAnswer.Bot {
        switch try await telegram() {
        case .bot(let bot, _): return bot
        case .refused: throw .unknown("Telegram does not take the token: see 9.")
        case .trouble(let words, _): throw .unknown("Telegram is not well: \(words).")
        case .unreachable: throw .unknown("The Bot API was not reached: see 8.")
        }
    }

    /// The webhook as it is meant to be.
    func webhook() throws(DoctorFinding) -> DoctorWebhook {
        try needSettings()
        switch settings.delivery {
        case .simulated: throw .notApplicable("Without BOT_TOKEN the simulator runs.")
        case .polling: throw .notApplicable("Without PUBLIC_URL the bot polls.")
        case .webhook(let webhook): return webhook
        }
    }

    /// The webhook as Telegram has it.
    func knownWebhook() async throws(DoctorFinding) -> WebhookInfo {
        _ = try await bot()
        return try await webhookInfo.value { await askWebhook() }.get()
    }

    /// Whether the database answers, and how.
    func contact() async -> Result<DatabaseContact, DatabaseTrouble> {
        await databaseContact.value { await DatabaseProbe.outcome(settings.databaseURL, settings.clock) }
    }

    /// The certificate that is shown at the webhook's address.
    func certificate() async -> ShownCertificate {
        await shownCertificate.value { await ShownCertificate.look(settings.delivery) }
    }

    /// The store, once the database has answered.
    func store() async throws(DoctorFinding) -> DatabaseStore {
        try needSettings()
        if case .failure(.noFile) = await contact() { throw .notApplicable("There is no database yet.") }
        guard let store = await openedStore.value({ await openStore() }) else {
            guard case .success = await contact() else { throw .unknown("The database does not answer: see 2.") }
            throw .unknown("The database answers, but could not be opened to be read.")
        }
        return store
    }

    /// The database, once it has answered; it refuses to be written to.
    func database() async throws(DoctorFinding) -> any Database {
        _ = try await store()
        guard let opened else { throw .unknown("The database was not looked into: see 2.") }
        return opened
    }

    /// What Telegram says of all groups and channels.
    func groups() async throws(DoctorFinding) -> GroupSurvey {
        _ = try await bot()
        _ = try await store()
        return try await surveyed.value { await survey() }.get()
    }

    // MARK: - Asking

    private func askWebhook() async -> Result<WebhookInfo, DoctorFinding> {
        do throws(BotAPIError) {
            return .success(try await api.getWebhookInfo())
        } catch {
            return .failure(.unknown("Telegram did not tell of the webhook: \(error.text)."))
        }
    }

    private func openStore() async -> DatabaseStore? {
        guard case .success = await contact() else { return nil }
        do throws(StorageError) {
            let database = try await Storage.inspect(url: settings.databaseURL)
            opened = database
            return DatabaseStore(database: database, botID: Int64((settings.token ?? "").prefix { $0 != ":" }) ?? 0)
        } catch {
            return nil
        }
    }

    private func survey() async -> Result<GroupSurvey, DoctorFinding> {
        guard let store = await openedStore.value({ await openStore() }) else { return .failure(.unknown("See 2.")) }
        do throws(StoreError) {
            let (groups, channels) = try await store.inspection(limit: Self.surveyLimit)
            return .success(await GroupSurvey.make(of: groups, channels, api, until: surveyEnd, self.settings.botID))
        } catch {
            return .failure(.unknown("The groups were not read from the database: see 2 and 4."))
        }
    }
}

extension DoctorSettings {
    /// The digits of the token.
    var botID: UserID { UserID(Int64((token ?? "").prefix { $0 != ":" }) ?? 0) }
}

extension DatabaseProbe {
    /// `contact` as a value.
    @IO
    fileprivate static func outcome(
        _ url: String, _ clock: @escaping @Sendable () -> Timestamp
    ) async -> Result<DatabaseContact, DatabaseTrouble> {
        do throws(DatabaseTrouble) { return .success(try await contact(url: url, clock: clock)) } catch {
            return .failure(error)
        }
    }
}
