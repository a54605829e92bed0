// The envelope of an answer: `ok`, the result's place, or what went wrong. Pure.

import Domain
import JSON

/// One answer of the Bot API, its result not decoded yet.
public struct BotAPIReply: Sendable {
    /// Whether the call succeeded.
    public var isOK: Bool
    /// The result's JSON; empty for a failure.
    public var result: [UInt8] { place.map { Array(bytes[$0]) } ?? [] }
    private let bytes: [UInt8]
    private let place: Range<Int>?
    /// `error_code`.
    public var code: Int
    /// `description`.
    public var text: String
    /// `parameters.retry_after`, at least 1.
    public var retryAfterSeconds: Int64?
    /// `parameters.migrate_to_chat_id`.
    public var migrateToChatID: ChatID?

    /// A reader at the result, which was checked with the answer.
    var resultReader: JSONReader { JSONReader(bytes, from: place?.lowerBound ?? bytes.count) }

    /// Reads one answer; members that are not needed are skipped.
    public init(parsing bytes: [UInt8]) throws(JSONError) {
        var isOK: Bool?
        var result: Range<Int>?
        var code: Int64 = 0
        var text = ""
        var retryAfter: Int64?
        var migrateTo: Int64?
        var reader = JSONReader(bytes)
        try reader.readObject { (reader, key) throws(JSONError) in
            switch key {
            case "ok": isOK = try reader.readBool()
            case "result": result = try reader.skipRaw()
            case "error_code": code = try reader.readInt64()
            case "description": text = try reader.readString()
            case "parameters":
                if try reader.skipNull() { return }
                try reader.readObject { (reader, key) throws(JSONError) in
                    switch key {
                    case "retry_after": retryAfter = try reader.readInt64()
                    case "migrate_to_chat_id": migrateTo = try reader.readID()
                    default: try reader.skip()
                    }
                }
            default: try reader.skip()
            }
        }
        try reader.finish()
        self.isOK = try reader.need(isOK)
        if self.isOK, result == nil { throw .typeMismatch(at: reader.position) }
        self.bytes = bytes
        place = result
        self.code = Int(clamping: code)
        self.text = text
        // A day is longer than any real pause; the bound keeps sums of times from overflowing.
        retryAfterSeconds = retryAfter.map { min(max($0, 1), 86_400) }
        migrateToChatID = migrateTo.map { ChatID($0) }
    }
}
