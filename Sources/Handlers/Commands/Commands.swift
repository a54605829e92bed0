// The one way from a command to its answer: budget, right, run, reply, clean up, account.

import Domain
import EventLoop
import Observability
import Storage
import TelegramBotAPI

/// The commands that exist, and how they are answered.
@IO
public final class Commands {
    private static let usage = CounterFamily(
        "nezuko_command_usage_total", help: "Commands handled.", labels: ["command"],
        values: combinations([CommandName.allCases.map(\.rawValue) + ["other"]]))
    /// How long a reply and its command stand in a group.
    static let replyMilliseconds: Int64 = 60_000

    private let tools: CommandTools
    private let list: [CommandName: any Command]
    private let buttons: CommandButtons
    private let budget = CommandBudget()

    /// The commands, with the parts that they use.
    public init(tools: CommandTools) {
        self.tools = tools
        let privateChat = PrivateVerification(tools: tools)
        let all: [any Command] = [
            Start(tools: tools, privateChat: privateChat), Help(), Protect(tools: tools), Unprotect(tools: tools),
            Status(tools: tools), Settings(tools: tools), Verify(tools: tools, privateChat: privateChat),
            Exempt(tools: tools), Release(tools: tools), Why(tools: tools), Pause(tools: tools),
            Stats(tools: tools), ID(), Privacy(tools: tools), Forget(),
        ]
        list = Dictionary(uniqueKeysWithValues: all.map { (type(of: $0).name, $0) })
        buttons = CommandButtons(tools: tools)
    }

    /// Makes the counters of commands present at the first scrape.
    public static func registerMetrics() { _ = usage }

    /// Answers a command. Never fails: what goes wrong is said with a reference that is also in the log.
    public func handle(_ call: CommandCall) async {
        guard call.user?.isBot != true else { return }
        // A channel that speaks is nobody to answer; the group itself is an administrator.
        guard call.user != nil || call.isAnonymousAdmin else { return }
        let spender = call.user?.id.value ?? call.chat.id.value
        switch budget.spend(spender, isPrivate: call.isPrivate) {
        case .allowed: break
        case .firstRefusal:
            await send([Reply(.tooFast)], to: call)
            return
        case .refused: return
        }
        account(call)
        guard let name = call.name, let command = list[name] else {
            if call.isPrivate { await send([Reply(.unknownCommand)], to: call) }
            return
        }
        await send(await replies(of: command, to: call), to: call)
    }

    /// Answers a press of a button that does what a command does; false: it is for others.
    func pressed(_ query: CallbackQuery) async -> Bool { await buttons.handle(query) }

    /// Takes a channel that was chosen in private; false: nobody had asked for one.
    func chosen(_ message: Message) async -> Bool { await ChannelPicker(tools: tools).chosen(message) }

    // MARK: - Parts

    private func replies(of command: any Command, to call: CommandCall) async -> [Reply] {
        if let refusal = await CommandRights(tools: tools).refusal(of: type(of: command).audience, call) {
            return [Reply(refusal)]
        }
        do throws(CommandError) {
            return try await command.run(call)
        } catch {
            let reference = CommandFailure.report(error, call)
            if case .telegram(let failure) = error, failure.isTransient { return [Reply(.telegramSilent)] }
            return [Reply(.somethingWrong(reference: reference))]
        }
    }

    private func send(_ replies: [Reply], to call: CommandCall) async {
        let language = await language(of: call)
        var sent: [MessageID] = []
        for reply in replies {
            let pages = reply.pages(in: language)
            for (index, page) in pages.enumerated() {
                do throws(BotAPIError) {
                    sent.append(
                        try await tools.telegram.send(
                            page.html, to: call.chat.id, thread: call.message.threadID,
                            keyboard: index == pages.count - 1 ? reply.keyboard : nil))
                } catch {
                    Log.warning("command_reply_failed", .chatID(call.chat.id.value), .error(error.errorClass.rawValue))
                }
            }
        }
        if !call.isPrivate && !replies.isEmpty { await cleanUp(sent + [call.message.id], in: call.chat.id) }
    }

    /// Through the outbox, so that a restart forgets none.
    private func cleanUp(_ messages: [MessageID], in chat: ChatID) async {
        var record = Record(update: nil)
        record.effects = messages.map { .delete($0, in: chat, delayMilliseconds: Self.replyMilliseconds) }
        do throws(StoreError) {
            if case .recorded(let recorded) = try await tools.store.record(record) { tools.start(recorded.effects) }
        } catch {
            Log.warning("command_cleanup_failed", .chatID(chat.value), .error("\(error)"))
        }
    }

    /// The group's language; in private the person's.
    private func language(of call: CommandCall) async -> any Catalogue {
        if call.isPrivate { return Languages.of(languageCode: call.user?.languageCode) }
        switch tools.caches.groups.lookup(call.chat.id) {
        case .fresh(let group), .stale(let group):
            return group.map { Languages.named($0.params.language) } ?? Languages.standard
        case .missing: break
        }
        do throws(StoreError) {
            return try await tools.store.group(call.chat.id).map { Languages.named($0.params.language) }
                ?? Languages.standard
        } catch {
            return Languages.standard  // The reply matters more than its language.
        }
    }

    private func account(_ call: CommandCall) {
        Self.usage.add(call.name?.rawValue ?? "other")
        guard let user = call.user else { return }
        tools.services.log.offer(.activity(user.id, atMicroseconds: WallClock.now.microseconds))
    }
}

/// Failures of commands, by a short reference that the reply and the log share.
@IO
enum CommandFailure {
    /// Writes the failure down and gives its reference.
    static func report(_ error: CommandError, _ call: CommandCall) -> String {
        report(error, name: call.name?.rawValue ?? "other", chat: call.chat.id)
    }

    /// The same for a button's press.
    static func report(_ error: CommandError, name: String, chat: ChatID) -> String {
        let reference = String(UInt32.random(in: .min ... .max), radix: 36)
        let cause =
            switch error {
            case .store(let error): "store \(error)"
            case .telegram(let error): error.errorClass.rawValue
            }
        Log.error(
            "command_failed", .name(name), .chatID(chat.value), .traceID(reference), .error(cause))
        return reference
    }
}
