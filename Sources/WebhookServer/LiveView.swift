// Live lines on a terminal: who is held and released, in which group, why, and in how many milliseconds.

import Domain
import EventLoop
import Handlers
import Observability
import Simulator

/// Prints one line for each thing that a person at the terminal wants to see.
@IO
final class LiveView: ServiceEvents {
    private static let nameWidth = 18
    private static let groupWidth = 22
    private var names: [UserID: String] = [:]
    /// A group's title as this replica has it.
    var title: @IO (ChatID) -> String? = { _ in nil }

    func held(_ user: UserID, name: String?, in group: ChatID, reason: String, milliseconds: Int64) {
        if names.count > 10_000 { names.removeAll() }
        if let name { names[user] = name }
        line("held", color: 31, user, group, "\(reason)  \(milliseconds) ms")
    }

    func released(_ user: UserID, in group: ChatID, reason: String) {
        line("released", color: 32, user, group, reason)
    }

    /// What the simulated people do, dimmed.
    func happened(_ event: SimulatorEvent) {
        switch event {
        case .wrote(let person, let chat, let text): dim("\(person) writes in \(chat): \(text)")
        case .joined(let person, let chat): dim("\(person) joins \(chat)")
        case .left(let person, let chat): dim("\(person) leaves \(chat)")
        case .pressed(let person, let button): dim("\(person) presses \"\(button)\"")
        case .answered(let person, let text): dim("\(person) reads: \(text)")
        case .callFailed(let method, let code): dim("Telegram answers \(code) to \(method)")
        case .writeRefused, .asked, .started, .changedByAdmin, .deleted, .restricted, .lifted, .botWrote,
            .botEdited, .requestAnswered, .migrated:
            break
        }
    }

    private func line(_ word: String, color: Int, _ user: UserID, _ group: ChatID, _ rest: String) {
        let name = padded(Self.plain(names[user] ?? user.description), Self.nameWidth)
        let painted = Terminal.hasColors ? "\u{1B}[\(color)m\(padded(word, 9))\u{1B}[0m" : padded(word, 9)
        Terminal.print(
            "\(time)  \(painted) \(name) \(padded(Self.plain(title(group) ?? group.description), Self.groupWidth)) \(rest)"
        )
    }

    private func dim(_ text: String) {
        let text = Self.plain(text)
        Terminal.print(Terminal.hasColors ? "\(time)  \u{1B}[2m\(text)\u{1B}[0m" : "\(time)  \(text)")
    }

    private var time: String { String(WallClock.now.rfc3339.dropFirst(11).prefix(8)) }

    private func padded(_ text: String, _ width: Int) -> String {
        text.count >= width ? String(text.prefix(width)) : text + String(repeating: " ", count: width - text.count)
    }

    /// Names come from outside: a control character must not reach the terminal.
    private static func plain(_ text: String) -> String {
        String(text.map { $0.unicodeScalars.contains { $0.value < 32 || $0.value == 127 } ? " " : $0 })
    }
}
