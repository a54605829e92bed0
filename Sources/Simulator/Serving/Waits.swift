// Who waits for calls of the bot: the control `await` answers when so many were made, so that no test has to sleep.

import EventLoop
import HTTPServer
import JSON

/// Waits for calls, oldest first.
@IO
struct CallWaits {
    private struct Wait {
        let id: Int
        let method: String?
        let count: Int
        let answer: @IO (_ isReached: Bool) -> Void
    }

    private var waits: [Wait] = []
    private var nextID = 1

    /// Whether nobody waits.
    var isEmpty: Bool { waits.isEmpty }

    /// Answers when there were so many calls of that method (`nil`: of any). Gives the wait's number.
    mutating func add(_ method: String?, count: Int, answer: @escaping @IO (_ isReached: Bool) -> Void) -> Int {
        defer { nextID += 1 }
        waits.append(Wait(id: nextID, method: method, count: count, answer: answer))
        return nextID
    }

    /// Takes out those that have what they wait for.
    mutating func reached(_ count: (String?) -> Int) -> [@IO (Bool) -> Void] {
        let done = waits.filter { count($0.method) >= $0.count }
        guard !done.isEmpty else { return [] }
        waits.removeAll { wait in done.contains { $0.id == wait.id } }
        return done.map(\.answer)
    }

    /// Takes out one whose time is over.
    mutating func expired(_ id: Int) -> (@IO (Bool) -> Void)? {
        guard let index = waits.firstIndex(where: { $0.id == id }) else { return nil }
        return waits.remove(at: index).answer
    }
}

extension Simulator {
    /// The longest wait, in seconds.
    private static let longestWait: Int64 = 300

    /// `await`: answers as `calls` does when `count` calls of `method` were made, with 400 after `seconds` (10). Of
    /// `getUpdates` one that still waits for updates counts too: the bot is ready then.
    func awaitCalls(_ input: ControlInput, answer: @escaping @IO (HTTPResponse) -> Void) {
        let method = input.text("method")
        let count = Int(input.number("count") ?? 1)
        if reached(method) >= count { return answer(control("calls", input)) }
        let seconds = min(max(input.number("seconds") ?? 10, 0), Self.longestWait)
        let id = waits.add(method, count: count) { [weak self] isReached in
            guard let self else { return }
            guard isReached else {
                let (seen, name) = (reached(method), method ?? "any method")
                return answer(Self.refused("\(seen) of \(count) calls of \(name) came in \(seconds) s"))
            }
            answer(control("calls", input))
        }
        Loop.shared.schedule(afterMilliseconds: seconds * 1000) { [weak self] in self?.waits.expired(id)?(false) }
    }

    /// A call was noted: answers whoever waited for it.
    func answerWaits() {
        guard !waits.isEmpty else { return }
        for answer in waits.reached({ reached($0) }) { answer(true) }
    }

    private func reached(_ method: String?) -> Int {
        callCount(of: method) + (method == "getUpdates" && webhookMethods.isPolled ? 1 : 0)
    }
}
