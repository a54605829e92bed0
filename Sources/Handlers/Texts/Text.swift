// Everything that the bot says, as values: what is said is decided by code, how it reads by a language's file.

import Domain

/// A right that the bot needs.
public enum BotRight: String, CaseIterable, Sendable {
    /// Muting people.
    case restrictMembers
    /// Deleting messages.
    case deleteMessages
    /// Making invite links.
    case inviteUsers
}

/// How far a group's protection is in force.
public enum ProtectionState: Equatable, Sendable {
    /// Enforced.
    case active
    /// Switched off.
    case disabled
    /// Decisions are made, and nothing is done.
    case observing
    /// Nothing is done until then.
    case paused(until: String)
    /// Switched on, and the bot lacks these rights.
    case degraded([BotRight])
    /// Switched on, and no channel can be checked.
    case allBroken
}

/// Whom notices about a group reach in private.
public enum NoticeReach: Equatable, Sendable {
    /// The owner.
    case owner
    /// So many administrators; the owner not.
    case administrators(Int)
    /// Nobody: there is only a line in the group.
    case nobody
}

/// A message of the bot. Strings are plain; a catalogue's interpolation escapes them.
public enum Text: Equatable, Sendable {
    // Prompts
    case promptHello(mention: Markup, channels: Markup)
    case promptWelcome(mention: Markup, channels: Markup)
    case promptLeft(mention: Markup, left: String, channels: Markup)
    case promptMany(mentions: Markup, more: Int, channels: Markup)
    case promptRefused(mention: Markup, channels: Markup)
    case standingNotice(waiting: Int, channels: Markup)
    // Notes in the group
    case channelSpeaker(channel: String)
    case checkFailed(mentions: Markup, more: Int)
    case checksFail
    case greeting
    // Notices to administrators
    case noticeBrokenLink(channel: String, group: String)
    case noticeRightLost([BotRight], group: String)
    case noticeInGroup(owner: Markup, notice: Markup)
    // Private chat
    case welcome
    case noticesOn
    case heldIn(group: String, channels: [CheckedChannel])
    case heldNowhere
    case groupNotProtected
    case joinRequest(group: String, channels: Markup)
    case menuSetup
    case menuHowItWorks
    case menuCommands
    case menuHelp
    case menuAddToGroup
    // Commands in general
    case groupHint
    case onlyInGroups
    case onlyInPrivate
    case groupAdminsOnly
    case restrictRightNeeded
    case permissionsUnknown
    case botAdminsOnly
    case basicGroup
    case tooFast
    case unknownCommand
    case somethingWrong(reference: String)
    case telegramSilent
    // /protect
    case protectUsage
    case chooseChannel(group: String)
    case tooManyChannels
    case channelNotFound(String)
    case notAChannel(String)
    case botNotInChannel(String)
    case callerNotInChannel(String)
    case anonymousCaller(String)
    case ownRequiredChannel
    case missingRights([BotRight])
    case inviteRightNeeded(String)
    case protected(group: String, channels: [String], isObserving: Bool)
    case otherRestrictingBot(String)
    // /unprotect
    case notProtected
    case alreadyDisabled
    case disabled(releasing: Int)
    case channelNotLinked(String)
    case channelRemoved(String, left: Int)
    case lastChannelRemoved(String)
    case purgeAsked
    case purgeBegun(releasing: Int)
    // /status
    case statusState(ProtectionState)
    case statusGroup(title: String, members: Int64, ageMinutes: Int64?)
    case statusChannel(name: String, subscribers: Int64, ageMinutes: Int64?, isBroken: Bool)
    case statusHeld(Int)
    case statusDay(verified: Int, restricted: Int)
    case statusObserved(Int)
    case statusRights(missing: [BotRight]?)
    case statusNotices(NoticeReach)
    case statusNotProtected
    // /settings
    case settingsTitle
    case settingsSaved(key: String, value: String)
    case settingsReset
    case settingsUnknownKey(String, keys: String)
    case settingsBadValue(key: String, valid: Markup)
    case settingValid(SettingKey)
    case settingBuiltIn
    // /exempt
    case exemptUsage
    case exempted(Markup)
    case exemptionEnded(Markup)
    case exemptionsFull
    // /why, /release
    case personUnknown(String, command: CommandName)
    case personSeveral(Markup, command: CommandName)
    case whyUsage
    case whyNothing(Markup, PersonState)
    case whyPerson(Markup, PersonState)
    case decision(DecisionTrace)
    case decisionUnreadable(Int64)
    case releaseUsage
    case released(Markup, since: String, missing: [String])
    case releaseUnderWay(Markup, since: String, missing: [BotRight])
    case releaseNotHeld(Markup, isRestricted: Bool)
    // /pause, observing
    case pauseUsage(isPrivate: Bool)
    case badDuration
    case paused(until: String, isAll: Bool)
    case pauseEnded(isAll: Bool)
    case modeObserve(releasing: Int)
    case modeEnforce
    // /stats, /id
    case statistics(days: Int, verifications: Int, restrictions: Int, rate: String?, errors: Int, topHour: Int?)
    case statisticsUsage
    case ids(chat: ChatID, user: UserID?)
    // /privacy, /forget
    case privacy(logDays: Int)
    case forgetAsked
    case forgotten(days: Int, decisions: Int, verifications: Int)
}

/// A required channel and whether the person is subscribed; `nil`: Telegram did not say.
public struct CheckedChannel: Equatable, Sendable {
    /// As it is named in the list.
    public var name: String
    /// Whether the person is subscribed.
    public var isMember: Bool?

    /// A channel with its tick.
    public init(name: String, isMember: Bool?) {
        self.name = name
        self.isMember = isMember
    }
}

/// The answer to a press: plain text, at most 200 characters.
public enum Toast: Equatable, Sendable {
    case notForYou
    /// `names` fit; `more` others are missing too.
    case stillMissing(names: String, more: Int)
    case telegramSilent
    case canWriteNow
    case opensInAMoment
    case canWriteHere
    case restrictedByAdmin
    case noLongerProtected
    case checking
    case outOfDate
    case noPayments
    case somethingWrong
}

/// The text on a button: plain, at most 64 characters.
public enum Label: Equatable, Sendable {
    case join(String)
    case verify
    case verifyInPrivate
    case setup
    case howItWorks
    case commands
    case help
    case addToGroup
    case back
    case release
    case exempt
    case endPause
    case watchFirst
    case enforce
    case notices
    case chooseChannel
    case forget
    case purge
}

/// One language: a file that answers for every case.
public protocol Catalogue: Sendable {
    /// IETF code as in `language_code`.
    var code: String { get }
    /// A message.
    func text(_ text: Text) -> Markup
    /// The answer to a press.
    func toast(_ toast: Toast) -> String
    /// The text on a button.
    func label(_ label: Label) -> String
    /// A word of a traced decision.
    func word(_ word: TraceWord) -> String
    /// A command's line in the menu of commands.
    func menuLine(_ command: CommandName) -> String
}

/// The languages that there are.
public enum Languages {
    /// All; the first is the default. A language is one file and its name here.
    public static let all: [any Catalogue] = [English(), Russian()]

    /// The default language.
    public static let standard: any Catalogue = English()

    /// The language of a group's settings.
    public static func named(_ code: String) -> any Catalogue {
        all.first { $0.code == code } ?? standard
    }

    /// The language of a person: `pt-br`, else `pt`, else the default.
    public static func of(languageCode: String?) -> any Catalogue {
        guard let code = languageCode?.lowercased() else { return standard }
        if let exact = all.first(where: { $0.code == code }) { return exact }
        return named(code.split(separator: "-").first.map(String.init) ?? code)
    }
}

extension Catalogue {
    /// Which channels are missing still, within the 200 characters of a toast.
    public func stillMissing(_ channels: [RequiredChannel]) -> String {
        let names = channels.map { Naming.shown($0.title.isEmpty ? Naming.channel($0) : $0.title, maximum: 48) }
        for count in stride(from: names.count, through: 2, by: -1) {
            let shown = names.prefix(count).joined(separator: ", ")
            let line = toast(.stillMissing(names: shown, more: names.count - count))
            if line.utf16.count <= 200 { return line }
        }
        return toast(.stillMissing(names: names.first ?? "", more: max(0, names.count - 1)))
    }
}
