// answerInlineQuery, and people who ask the bot from the text field of another chat.

import EventLoop
import JSON

/// A question that waits for results.
struct InlineQuestion: Sendable {
    let userID: Int64
    let text: String
    let at: Timestamp
    var results: [JSONValue] = []
}

extension World {
    /// How long the bot may take to answer, in seconds.
    private static let inlineLife: Int64 = 15

    /// Somebody types the bot's name and a text. Gives the query's id.
    public mutating func askInline(_ person: Int64, _ text: String, now: Timestamp) throws(Refusal) -> String {
        guard persons[person]?.isBot == false else { throw .unknown }
        let id = String(random.next() >> 1)
        inlineQuestions[id] = InlineQuestion(userID: person, text: text, at: now)
        var fields = Fields()
        fields.add("id", id)
        fields.add("from", userObject(person))
        fields.add("chat_type", "sender")
        fields.add("query", text)
        fields.add("offset", "")
        tell("inline_query", .inline(person), fields.object, lives: 30, now: now)
        return id
    }

    /// Somebody takes one of the results.
    public mutating func chooseInline(_ query: String, result: String, now: Timestamp) throws(Refusal) {
        guard let question = inlineQuestions[query], question.results.contains(where: { $0["id"]?.string == result })
        else { throw .unknown }
        var fields = Fields()
        fields.add("result_id", result)
        fields.add("from", userObject(question.userID))
        fields.add("query", question.text)
        tell("chosen_inline_result", .inline(question.userID), fields.object, lives: 600, now: now)
    }

    mutating func answerInlineQuery(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        guard let id = parameters.string("inline_query_id"), let question = inlineQuestions[id],
            now.microseconds - question.at.microseconds <= Self.inlineLife * 1_000_000
        else {
            throw .badRequest("query is too old and response timeout expired or query id is invalid")
        }
        guard let results = try parameters.document("results")?.array else {
            throw .badRequest("can't parse inline query results: Expected an Array")
        }
        guard results.count <= 50 else { throw .badRequest("RESULTS_TOO_MUCH") }
        var ids: Set<String> = []
        for result in results {
            guard result["type"]?.string?.isEmpty == false else {
                throw .badRequest("can't parse inline query result: type must be non-empty")
            }
            guard let id = result["id"]?.string, (1...64).contains(id.utf8.count) else {
                throw .badRequest("RESULT_ID_INVALID")
            }
            guard ids.insert(id).inserted else { throw .badRequest("RESULT_ID_DUPLICATE") }
        }
        inlineQuestions[id]?.results = results
        return .bool(true)
    }
}
