// The private chat's way out of a hold: a group's channels with ticks, join buttons, a verify button.

import Domain
import EventLoop
import Storage
import TelegramBotAPI

/// Builds the screens of groups in which a person is held.
@IO
struct PrivateVerification {
    let tools: CommandTools

    /// One screen for each group where the person is held. With `verifies` each is checked first, and a group
    /// that opens by it is answered with the outcome.
    func heldGroups(of user: User, verifies: Bool) async throws(CommandError) -> [Reply] {
        let holds = try await stored { () async throws(StoreError) in try await tools.store.openHolds(of: user.id) }
        var replies: [Reply] = []
        for hold in holds.prefix(10) {
            if verifies {
                let outcome = await tools.verifying.verify(user.id, in: hold.group)
                switch outcome {
                case .stillMissing, .telegramSilent: replies.append(try await screen(of: hold.group, for: user))
                case .canWriteNow, .opensInAMoment, .canWriteHere, .restrictedByAdmin, .noLongerProtected,
                    .unavailable:
                    replies.append(Reply(parts: [.outcome(outcome)]))
                }
            } else {
                replies.append(try await screen(of: hold.group, for: user))
            }
        }
        return replies
    }

    /// The screen of one group, also for somebody who is not held there.
    func screen(of id: ChatID, for user: User) async throws(CommandError) -> Reply {
        let known = try await stored { () async throws(StoreError) in try await tools.store.group(id) }
        guard let group = known else { return Reply(.groupNotProtected) }
        let language = Languages.of(languageCode: user.languageCode)
        let verify = InlineButton(language.label(.verify), .callback("verify:\(user.id.value):\(id.value)"))
        guard group.isProtected else { return Reply(.groupNotProtected, keyboard: [[verify]]) }
        let channels = group.requiredChannels
        let checked = await tools.check(user.id, in: channels, for: id)
        let missing = zip(channels, checked).filter { $0.1.isMember != true }.map(\.0)
        var rows = Prompt.joinRows(missing, params: group.params, language: language)
        rows.append([verify])
        return Reply(
            .heldIn(group: Naming.shown(group.title, maximum: 128), channels: checked), keyboard: InlineKeyboard(rows))
    }
}
