// Who may: asked for each command, and again at each press of a button that changes something.

import Domain
import EventLoop
import Storage
import TelegramBotAPI

/// Looks at a person's right to use what is for an audience.
@IO
struct CommandRights {
    let tools: CommandTools

    /// Why the sender may not; `nil`: they may.
    func refusal(of audience: Audience, _ call: CommandCall) async -> Text? {
        await refusal(of: audience, in: call.chat.id, call.chat.type, user: call.user?.id, call.isAnonymousAdmin)
    }

    /// The same for somebody who presses a button about a group; `type` is that of the group, `nil` if not told.
    func refusal(
        of audience: Audience, in group: ChatID, _ type: ChatType?, user: UserID?, _ isAnonymousAdmin: Bool = false
    ) async -> Text? {
        if case .groupRestrictorsOrBotAdmins = audience, type == .private {
            return user.map { tools.services.settings.adminIDs.contains($0) } == true ? nil : .botAdminsOnly
        }
        let isGroup = type == nil || type == .group || type == .supergroup
        switch audience {
        case .everybody: return nil
        case .group: return isGroup ? nil : .onlyInGroups
        case .privateChat: return type == .private ? nil : .onlyInPrivate
        case .groupAdmins, .groupRestrictors, .supergroupRestrictors, .groupRestrictorsOrBotAdmins: break
        }
        guard isGroup else { return .onlyInGroups }
        if case .supergroupRestrictors = audience, type == .group { return .basicGroup }
        if isAnonymousAdmin { return nil }
        guard let admins = await tools.administrators(of: group), let user else { return .permissionsUnknown }
        guard admins.ids.contains(user) else { return .groupAdminsOnly }
        if case .groupAdmins = audience { return nil }
        return admins.restrictors.contains(user) || admins.creator == user ? nil : .restrictRightNeeded
    }
}
