// How channels are named in arguments: @name, an address of t.me, an id.

import Domain

/// How a chat is named in a question.
public enum ChatReference: Hashable, Sendable {
    /// By its id.
    case id(ChatID)
    /// By its public name, without `@`.
    case name(String)
}

/// Reads channel names as people write them.
enum ChannelArgument {
    /// The words of an argument list; commas separate too.
    static func words(_ arguments: [String]) -> [String] {
        arguments.flatMap { $0.split(separator: ",").map(String.init) }
    }

    /// The channel that a word names, or `nil` when it is no such name.
    static func parse(_ word: String) -> ChatReference? {
        if word.hasPrefix("@") { return name(word.dropFirst()) }
        if let id = Int64(word) { return id < 0 && id > -(1 << 52) ? .id(ChatID(id)) : nil }
        var rest = word[...]
        for scheme in ["https://", "http://"] where rest.lowercased().hasPrefix(scheme) {
            rest = rest.dropFirst(scheme.count)
        }
        for host in ["t.me/", "telegram.me/", "www.t.me/"] where rest.lowercased().hasPrefix(host) {
            return address(rest.dropFirst(host.count))
        }
        return nil
    }

    /// As a person would write it.
    static func written(_ reference: ChatReference) -> String {
        switch reference {
        case .id(let id): String(id.value)
        case .name(let name): "@\(name)"
        }
    }

    /// Which of `channels` a reference names.
    static func find(_ reference: ChatReference, in channels: [RequiredChannel]) -> RequiredChannel? {
        channels.first {
            switch reference {
            case .id(let id): $0.id == id
            case .name(let name): $0.username?.lowercased() == name.lowercased()
            }
        }
    }

    private static func address(_ path: Substring) -> ChatReference? {
        var parts = path.prefix { $0 != "?" && $0 != "#" }.split(separator: "/")
        if parts.first == "s" { parts.removeFirst() }
        guard let first = parts.first else { return nil }
        // Posts of private channels: t.me/c/1234567890/5.
        if first == "c", parts.count > 1 {
            return Int64("-100\(parts[1])").flatMap { $0 < 0 && $0 > -(1 << 52) ? .id(ChatID($0)) : nil }
        }
        return name(first)
    }

    private static func name(_ text: Substring) -> ChatReference? {
        let isName =
            (4...32).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
        return isName ? .name(String(text)) : nil
    }
}
