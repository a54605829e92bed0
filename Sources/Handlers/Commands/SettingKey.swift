// The keys of /settings: how a value is read, checked and shown.

import Domain

/// A key of `/settings`.
public enum SettingKey: String, CaseIterable, Sendable {
    /// Whether decisions are carried out.
    case mode
    /// The topic for prompts when the message's own is closed.
    case noticeTopic = "notice_topic"
    /// The prompt's text.
    case warning
    /// The text on the join buttons.
    case joinButton = "join_button"
    /// The text on the verify button.
    case verifyButton = "verify_button"
    /// Seconds until a prompt goes.
    case warningTTL = "warning_ttl"
    /// What happens when Telegram does not answer.
    case failMode = "fail_mode"
    /// Whether join messages are removed.
    case deleteJoins = "delete_joins"
    /// Whether people may speak as a channel.
    case allowChannels = "allow_channels"
    /// Whether the prompt offers the private chat.
    case privateVerify = "private_verify"
    /// The language of the group's texts.
    case language

    /// All keys in one line.
    static var list: String { allCases.map(\.rawValue).joined(separator: ", ") }

    /// Writes `value` into `params`; false when it is not one of the key's values.
    func set(_ value: String, in params: inout GroupParams, thread: Int64?) -> Bool {
        switch self {
        case .mode:
            guard let mode = GroupMode(rawValue: value.lowercased()) else { return false }
            params.mode = mode
        case .noticeTopic:
            return setTopic(value, in: &params, thread: thread)
        case .warning:
            guard (1...500).contains(value.utf16.count), Self.hasKnownFields(value) else { return false }
            params.warningText = value
        case .joinButton:
            guard Self.fitsButton(value) else { return false }
            params.joinButton = value
        case .verifyButton:
            guard Self.fitsButton(value) else { return false }
            params.verifyButton = value
        case .warningTTL:
            guard let seconds = Int64(value), seconds == 0 || (30...3600).contains(seconds) else { return false }
            params.warningSeconds = seconds
        case .failMode:
            guard let mode = FailMode(rawValue: value.lowercased()) else { return false }
            params.failMode = mode
        case .deleteJoins: return Self.setSwitch(value, in: &params.deletesJoins)
        case .allowChannels: return Self.setSwitch(value, in: &params.allowsSenderChats)
        case .privateVerify: return Self.setSwitch(value, in: &params.offersPrivateVerify)
        case .language:
            guard Languages.all.contains(where: { $0.code == value.lowercased() }) else { return false }
            params.language = value.lowercased()
        }
        return true
    }

    /// The value in force, or `nil` where the built-in text is used.
    func value(in params: GroupParams) -> String? {
        switch self {
        case .mode: params.mode.rawValue
        case .noticeTopic: params.noticeTopic.map { String($0) } ?? "off"
        case .warning: params.warningText
        case .joinButton: params.joinButton
        case .verifyButton: params.verifyButton
        case .warningTTL: String(params.warningSeconds)
        case .failMode: params.failMode.rawValue
        case .deleteJoins: params.deletesJoins ? "on" : "off"
        case .allowChannels: params.allowsSenderChats ? "on" : "off"
        case .privateVerify: params.offersPrivateVerify ? "on" : "off"
        case .language: params.language
        }
    }

    private func setTopic(_ value: String, in params: inout GroupParams, thread: Int64?) -> Bool {
        switch value.lowercased() {
        case "off": params.noticeTopic = nil
        case "here":
            guard let thread else { return false }
            params.noticeTopic = thread
        default:
            guard let topic = Int64(value), (1...Int64(Int32.max)).contains(topic) else { return false }
            params.noticeTopic = topic
        }
        return true
    }

    private static func setSwitch(_ value: String, in flag: inout Bool) -> Bool {
        switch value.lowercased() {
        case "on": flag = true
        case "off": flag = false
        default: return false
        }
        return true
    }

    private static func fitsButton(_ value: String) -> Bool {
        (1...32).contains(value.utf16.count) && !value.contains("\n")
    }

    /// Whether each `{word}` of a warning is one that is replaced.
    private static func hasKnownFields(_ text: String) -> Bool {
        for piece in text.split(separator: "{", omittingEmptySubsequences: false).dropFirst() {
            guard let end = piece.firstIndex(of: "}") else { continue }
            let name = piece[..<end]
            let isName = !name.isEmpty && name.allSatisfy { $0.isLetter || $0 == "_" || $0.isNumber }
            if isName && !["mention", "channels", "group"].contains(name) { return false }
        }
        return true
    }
}
