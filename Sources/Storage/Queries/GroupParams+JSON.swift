// `protected_groups.params`: a group's settings as JSON, each key only where it differs from the default.

import Domain
import EventLoop
import JSON

extension GroupParams {
    /// The settings of a stored object; what it does not name, or names wrongly, has its default.
    init(json text: String?) {
        self.init()
        guard let text else { return }
        let object: JSONValue
        do {
            object = try JSONValue(parsing: Array(text.utf8))
        } catch {
            // The database keeps valid JSON only; an odd value must not stop the group's protection.
            return
        }
        mode = object["mode"]?.string.flatMap(GroupMode.init(rawValue:)) ?? mode
        warningText = object["warning_text"]?.string
        joinButton = object["button_join_text"]?.string
        verifyButton = object["button_verify_text"]?.string
        warningSeconds = object["warning_ttl_s"]?.int ?? warningSeconds
        failMode = object["fail_mode"]?.string.flatMap(FailMode.init(rawValue:)) ?? failMode
        offersPrivateVerify = object["private_verify"]?.bool ?? offersPrivateVerify
        deletesJoins = object["delete_joins"]?.bool ?? deletesJoins
        allowsSenderChats = object["allow_sender_chats"]?.bool ?? allowsSenderChats
        noticeTopic = object["notice_topic"]?.int
        language = object["language"]?.string ?? language
        pausedUntilSeconds = object["paused_until"]?.string.flatMap { SQLTime.parse($0) }?.seconds
    }

    /// What leads from the stored `old` to these settings: the members that differ, `null` for those that are to go (a
    /// merge patch, RFC 7396).
    func changes(from old: GroupParams) -> [(key: String, value: JSONValue)] {
        let (before, after) = (old.members, members)
        let changed = after.filter { member in !before.contains { $0 == member } }
        let gone = before.filter { member in !after.contains { $0.key == member.key } }
        return changed + gone.map { (key: $0.key, value: .null) }
    }

    /// The members of the stored object.
    private var members: [(key: String, value: JSONValue)] {
        let usual = GroupParams()
        var members: [(key: String, value: JSONValue)] = []
        func add(_ key: String, _ value: JSONValue?, unless isUsual: Bool = false) {
            if let value, !isUsual { members.append((key, value)) }
        }
        add("mode", .string(mode.rawValue), unless: mode == usual.mode)
        add("warning_text", warningText.map { .string($0) })
        add("button_join_text", joinButton.map { .string($0) })
        add("button_verify_text", verifyButton.map { .string($0) })
        add("warning_ttl_s", .int(warningSeconds), unless: warningSeconds == usual.warningSeconds)
        add("fail_mode", .string(failMode.rawValue), unless: failMode == usual.failMode)
        add("private_verify", .bool(offersPrivateVerify), unless: !offersPrivateVerify)
        add("delete_joins", .bool(deletesJoins), unless: !deletesJoins)
        add("allow_sender_chats", .bool(allowsSenderChats), unless: !allowsSenderChats)
        add("notice_topic", noticeTopic.map { .int($0) })
        add("paused_until", pausedUntilSeconds.map { .string(SQLTime.text(Timestamp(seconds: $0))) })
        add("language", .string(language), unless: language == usual.language)
        return members
    }
}
