// Facts as stored in `decisions.facts`: ids, enums and ages; no names, no text. `v` is the form's version.
//
// What is usual is left out, because the database's price of a decision grows with each key: a person who writes in a
// protected group that fails open, is no administrator and of whom an answer may be 3 s old. Version 1 had all of it.
//
// `memberships` has one place for each of `channels`, in their order, so that a row with many channels stays small:
// `"member"`, the age of a negative answer in milliseconds, an object for what went wrong, `null` for unknown.
// `cached_ms` has the ages of what came from memory in the same places, `asked_ms` how long the answers of Telegram took.
// `mode` is there where nothing was done: `observe` or `paused`.

import Domain
import JSON

extension Facts {
    /// The stored form, with the decision's reason beside the facts. `cachedMilliseconds` has the ages of what came from
    /// memory, `askedMilliseconds` how long it took to ask for the others; `enforcement`: whether anything was done.
    public func encoded(
        reason: String, cachedMilliseconds: ByChannel<Int64> = ByChannel(),
        askedMilliseconds: ByChannel<Int64> = ByChannel(), enforcement: Enforcement = .enforced
    ) -> String {
        var writer = JSONWriter()
        writer.object { json in
            json.key("v")
            json.int(2)
            json.key("reason")
            json.string(reason)
            if occasion != .message {
                json.key("occasion")
                json.string(occasion.rawValue)
            }
            group.write(to: &json)
            if sender != .person {
                json.key("sender")
                json.string(sender.stored)
            }
            if case .channel(let channel) = sender {
                json.key("sender_chat")
                json.int(channel.value)
            }
            if admin != .no {
                json.key("admin")
                if let admin { json.string(admin.rawValue) } else { json.null() }
            }
            if let isInGroup {
                json.key("in_group")
                json.bool(isInGroup)
            }
            if let handChange {
                json.key("by_hand")
                json.string(handChange.rawValue)
            }
            if !isGroupChat {
                json.key("group_chat")
                json.bool(false)
            }
            let flags: [(StaticString, Bool)] = [
                ("service", isServiceMessage), ("exempt", isExempt), ("open_hold", hasOpenHold),
            ]
            for (name, isSet) in flags where isSet {
                json.key(name)
                json.bool(true)
            }
            if freshForMilliseconds != Self.usualFreshness {
                json.key("fresh_ms")
                json.int(freshForMilliseconds)
            }
            json.key("memberships")
            json.array { list in
                for channel in group.channels {
                    if let fact = memberships[channel] { fact.write(to: &list) } else { list.null() }
                }
            }
            write("cached_ms", cachedMilliseconds, to: &json)
            write("asked_ms", askedMilliseconds, to: &json)
            guard enforcement != .enforced else { return }
            json.key("mode")
            json.string(enforcement.rawValue)
        }
        return writer.text
    }

    private func write(_ key: StaticString, _ values: ByChannel<Int64>, to json: inout JSONWriter) {
        guard !values.isEmpty else { return }
        json.key(key)
        json.array { list in
            for channel in group.channels {
                if let value = values[channel] { list.int(value) } else { list.null() }
            }
        }
    }

    /// Reads the stored form back.
    ///
    /// - Throws: `JSONError` for what this version did not write.
    public init(stored: String) throws(JSONError) { try self.init(stored: try JSONValue(parsing: Array(stored.utf8))) }

    init(stored value: JSONValue) throws(JSONError) {
        let version = value["v"]?.int
        guard version == 1 || version == 2,
            let occasion = value["occasion"] == nil
                ? Occasion.message : value["occasion"]?.string.flatMap(Occasion.init(rawValue:)),
            // The group was an object of its own in version 1.
            let group = GroupFacts(stored: value["group"] ?? value),
            let sender = Sender(stored: value["sender"]?.string ?? "person", channel: value["sender_chat"]?.int)
        else { throw JSONError.typeMismatch(at: 0) }
        self.init(occasion, group: group)
        self.sender = sender
        admin = value["admin"]?.string.flatMap(AdminFact.init(rawValue:))
        if version == 2, value["admin"] == nil { admin = .no }
        isInGroup = value["in_group"]?.bool
        handChange = value["by_hand"]?.string.flatMap(HandChange.init(rawValue:))
        isGroupChat = value["group_chat"]?.bool ?? (version == 2)
        isServiceMessage = value["service"]?.bool ?? false
        isExempt = value["exempt"]?.bool ?? false
        hasOpenHold = value["open_hold"]?.bool ?? false
        freshForMilliseconds = value["fresh_ms"]?.int ?? Self.usualFreshness
        for (channel, item) in zip(group.channels, value["memberships"]?.array ?? []) where item != .null {
            guard let fact = MembershipFact(stored: item) else { throw JSONError.typeMismatch(at: 0) }
            memberships[channel] = fact
        }
    }
}

extension GroupFacts {
    fileprivate func write(to json: inout JSONWriter) {
        if !isProtected {
            json.key("protected")
            json.bool(false)
        }
        json.key("channels")
        json.array { list in for channel in channels { list.int(channel.value) } }
        if failMode != .open {
            json.key("fail_mode")
            json.string(failMode.rawValue)
        }
        if allowsSenderChats {
            json.key("allow_channels")
            json.bool(true)
        }
    }

    fileprivate init?(stored: JSONValue) {
        guard let channels = stored["channels"]?.array,
            let failMode = stored["fail_mode"] == nil
                ? FailMode.open : stored["fail_mode"]?.string.flatMap(FailMode.init(rawValue:))
        else { return nil }
        self.init(
            isProtected: stored["protected"]?.bool ?? true, channels: channels.compactMap { $0.int.map { ChatID($0) } },
            failMode: failMode, allowsSenderChats: stored["allow_channels"]?.bool ?? false)
    }
}

extension Sender {
    fileprivate var stored: String {
        switch self {
        case .person: "person"
        case .bot: "bot"
        case .anonymousAdmin: "anonymous_admin"
        case .linkedPost: "linked_post"
        case .channel: "channel"
        }
    }

    fileprivate init?(stored: String?, channel: Int64?) {
        switch (stored, channel) {
        case ("person", _): self = .person
        case ("bot", _): self = .bot
        case ("anonymous_admin", _): self = .anonymousAdmin
        case ("linked_post", _): self = .linkedPost
        case ("channel", let channel?): self = .channel(ChatID(channel))
        default: return nil
        }
    }
}

extension MembershipFact {
    fileprivate func write(to json: inout JSONWriter) {
        switch self {
        case .member: json.string("member")
        case .notMember(let age): json.int(age)
        case .inferredNotMember: json.string("inferred_not_member")
        case .failed(let errorClass): write("failed", errorClass, to: &json)
        case .unreachable(let errorClass): write("unreachable", errorClass, to: &json)
        }
    }

    private func write(_ status: String, _ errorClass: String, to json: inout JSONWriter) {
        json.object { json in
            json.key("status")
            json.string(status)
            json.key("class")
            json.string(errorClass)
        }
    }

    fileprivate init?(stored: JSONValue) {
        if let age = stored.int {
            self = .notMember(ageMilliseconds: age)
            return
        }
        let errorClass = stored["class"]?.string ?? ""
        switch stored.string ?? stored["status"]?.string {
        case "member": self = .member
        case "inferred_not_member": self = .inferredNotMember
        case "failed": self = .failed(errorClass)
        case "unreachable": self = .unreachable(errorClass)
        default: return nil
        }
    }
}
