// Calls that stop on purpose: a test lets the bot wait at a known point, ends it there, and lets the world go on.
//
// A hold is for the next calls of one method. It stops them before they are done, or after, with the answer kept.

import EventLoop
import JSON

/// Which calls are to stop, and which have.
@IO
struct Holds {
    /// Where a call stops.
    enum Point: String {
        /// Nothing is done yet.
        case before
        /// The call is done, its answer kept.
        case after
    }

    /// What is to stop.
    private struct Wish {
        let id: Int64
        /// In lower case.
        let method: String
        let chat: Int64?
        let user: Int64?
        let point: Point
        var count: Int64
    }

    /// A call that stands still.
    private struct Held {
        let wish: Int64
        let method: String
        let chat: Int64?
        let user: Int64?
        let point: Point
        /// Lets it go on (`true`), or ends it without an answer.
        let end: @IO (Bool) -> Void
    }

    private var wishes: [Wish] = []
    private var held: [Held] = []
    private var nextID: Int64 = 1

    /// The next `count` calls of that method stop; with a chat or user only theirs. Gives the hold's number.
    mutating func add(_ method: String, chat: Int64?, user: Int64?, at point: Point, count: Int64) -> Int64 {
        defer { nextID += 1 }
        wishes.append(
            Wish(id: nextID, method: method.lowercased(), chat: chat, user: user, point: point, count: count))
        return nextID
    }

    /// The hold that a call meets at that point, if there is one; it is used up by it.
    mutating func take(_ method: String, _ parameters: Parameters, at point: Point) -> Int64? {
        guard !wishes.isEmpty else { return nil }
        let (chat, user) = (parameters.int("chat_id"), parameters.int("user_id"))
        guard
            let index = wishes.firstIndex(where: { wish in
                wish.method == method && wish.point == point && (wish.chat == nil || wish.chat == chat)
                    && (wish.user == nil || wish.user == user)
            })
        else { return nil }
        let id = wishes[index].id
        wishes[index].count -= 1
        if wishes[index].count <= 0 { wishes.remove(at: index) }
        return id
    }

    /// A call stands still from now on.
    mutating func keep(
        _ wish: Int64, _ method: String, _ parameters: Parameters, at point: Point, end: @escaping @IO (Bool) -> Void
    ) {
        held.append(
            Held(
                wish: wish, method: method, chat: parameters.int("chat_id"), user: parameters.int("user_id"),
                point: point, end: end))
    }

    /// Takes out what stands still, all or of one hold; its wishes are forgotten.
    mutating func release(_ id: Int64?) -> [@IO (Bool) -> Void] {
        wishes.removeAll { id == nil || $0.id == id }
        let freed = held.filter { id == nil || $0.wish == id }
        held.removeAll { id == nil || $0.wish == id }
        return freed.map(\.end)
    }

    /// What stands still, as the control `held` tells it.
    var list: JSONValue {
        .array(
            held.map { call in
                var fields = Fields()
                fields.add("hold", call.wish)
                fields.add("method", call.method)
                fields.add("chat_id", call.chat)
                fields.add("user_id", call.user)
                fields.add("when", call.point.rawValue)
                return fields.object
            })
    }
}

extension Simulator {
    /// The controls `hold`, `held`, `release` and `floods`; nothing if the name is another.
    func hold(_ name: String, _ input: ControlInput) throws(Refusal) -> Given? {
        switch name {
        case "hold":
            guard let method = input.text("method"), let point = Holds.Point(rawValue: input.text("when") ?? "before")
            else { throw .unknown }
            let id = holds.add(
                method, chat: input.number("chat"), user: input.number("user"), at: point,
                count: input.number("count") ?? 1)
            return [("hold", .int(id))]
        case "held": return [("calls", holds.list)]
        case "release":
            let ends = holds.release(input.number("hold"))
            for end in ends { end(input.flag("perform") ?? true) }
            return [("count", .int(Int64(ends.count)))]
        case "floods":
            world.floods.isOff = !(input.flag("limited") ?? true)
            return []
        default: return nil
        }
    }

    /// Performs a call, unless a hold stops it before; its answer may be stopped after.
    func call(_ method: String, _ parameters: Parameters, answer: @escaping @IO (Answer) -> Void) {
        let name = method.lowercased()
        guard let hold = holds.take(name, parameters, at: .before) else {
            return callStopping(method, parameters, answer)
        }
        holds.keep(hold, method, parameters, at: .before) { [weak self] goesOn in
            guard let self else { return }
            if goesOn { return callStopping(method, parameters, answer) }
            noteCut(method, parameters)
            answer(.cut)
        }
    }

    private func callStopping(_ method: String, _ parameters: Parameters, _ answer: @escaping @IO (Answer) -> Void) {
        guard let hold = holds.take(method.lowercased(), parameters, at: .after) else {
            return callAtOnce(method, parameters, answer: answer)
        }
        callAtOnce(method, parameters) { [weak self] result in
            self?.holds.keep(hold, method, parameters, at: .after) { goesOn in answer(goesOn ? result : .cut) }
        }
    }
}
