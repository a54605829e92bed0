// Names and titles of others as they are shown: cut to length, kept from turning our text around.

import Domain

/// How names of people and chats appear in what the bot says.
enum Naming {
    /// Whole characters of `text` within `maximum` UTF-16 units, as Telegram counts; what is cut ends in "…".
    static func clipped(_ text: String, maximum: Int) -> String {
        // Never more units than bytes.
        guard text.utf8.count > maximum, text.utf16.count > maximum else { return text }
        var kept = ""
        var left = maximum - 1
        for character in text {
            let size = character.utf16.count
            if size <= left {
                kept.append(character)
                left -= size
                continue
            }
            // One endless character (combining marks without number) would leave nothing.
            if kept.isEmpty {
                for scalar in character.unicodeScalars where scalar.utf16.count <= left {
                    kept.unicodeScalars.append(scalar)
                    left -= scalar.utf16.count
                }
            }
            break
        }
        return kept + "…"
    }

    /// A name for the middle of a sentence: one line, cut, and isolated when it is written right to left.
    static func shown(_ name: String, maximum: Int) -> String {
        // Line ends lie below a space; all other characters that matter begin with 0xD6 or more.
        if name.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0xD6 }) { return clipped(name, maximum: maximum) }
        var clean = ""
        var isRightToLeft = false
        for scalar in name.unicodeScalars {
            switch scalar.value {
            case 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069, 0: continue
            case 0x0A, 0x0D, 0x09: clean.unicodeScalars.append(" ")
            case 0x0590...0x08FF, 0xFB1D...0xFDFF, 0xFE70...0xFEFF, 0x10800...0x10FFF, 0x1E800...0x1EFFF:
                isRightToLeft = true
                clean.unicodeScalars.append(scalar)
            default: clean.unicodeScalars.append(scalar)
            }
        }
        guard isRightToLeft else { return clipped(clean, maximum: maximum) }
        return "\u{2068}\(clipped(clean, maximum: maximum - 2))\u{2069}"
    }

    /// A channel by its title, and by its public name if it has one.
    static func channel(_ channel: RequiredChannel) -> String {
        let title = shown(channel.title, maximum: 64)
        guard let username = channel.username, !username.isEmpty else { return title.isEmpty ? "\(channel.id)" : title }
        return title.isEmpty ? "@\(username)" : "\(title) (@\(username))"
    }
}
