// /protect: links channels to a group and switches its protection on.

import Domain
import EventLoop
import Storage
import TelegramBotAPI

struct Protect: Command {
    static let name = CommandName.protect
    static let audience = Audience.supergroupRestrictors

    let tools: CommandTools

    func run(_ call: CommandCall) async throws(CommandError) -> [Reply] {
        var references: [ChatReference] = []
        let isObserving = call.arguments.last?.lowercased() == "observe"
        for word in ChannelArgument.words(isObserving ? call.arguments.dropLast() : call.arguments) {
            guard let reference = ChannelArgument.parse(word) else { return [Reply(.channelNotFound(word))] }
            if !references.contains(reference) { references.append(reference) }
        }
        if references.isEmpty, let origin = call.message.replyTo?.forwardOrigin { references = [.id(origin.id)] }
        guard !references.isEmpty else { return [usage(call)] }
        guard references.count <= 5 else { return [Reply(.tooManyChannels)] }
        return [
            try await Protecting(
                tools: tools, group: call.chat, caller: call.user, isObserving: isObserving
            ).require(references)
        ]
    }

    private func usage(_ call: CommandCall) -> Reply {
        let language = Languages.of(languageCode: call.user?.languageCode)
        return Reply(.protectUsage, keyboard: ChannelPicker.button(tools, call.chat.id, language).map { [[$0]] })
    }
}
