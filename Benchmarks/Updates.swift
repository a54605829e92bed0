// Distinct updates of about 1 KB: a repeated id would be answered from memory and measure nothing.

import Glibc

/// What the updates of a round lead to.
enum UpdateCase: String {
    /// A group that is not protected.
    case unprotected
    /// People whose membership was asked for before.
    case known
    /// Each from somebody new who is subscribed.
    case cold
    /// Each from somebody new who is not subscribed.
    case held
}

/// Who and where; the small Bot API answers by the same numbers.
enum Numbers {
    static let groups = 1000
    static let channel: Int64 = -1_001_000_000_001
    static let bot: Int64 = 123_456
    static let owner: Int64 = 4_000_000_001
    /// People from here on are subscribed to nothing.
    static let firstStranger: Int64 = 5_000_000_000
    static let token = "123456:BENCHMARK-TOKEN-FOR-THIS-MACHINE-ONLY"
    static let secret = "benchmark-secret-0123456789"
    static let knownPeople = 1000

    static func group(_ index: Int) -> Int64 { -1_002_000_000_000 - Int64(index) }
}

/// A single update, for what compares protocols and not what updates lead to.
enum Updates {
    static func one() -> String {
        var bodies = UpdateBodies(.unprotected, first: 1)
        return bodies.nextBody()
    }
}

/// Makes the bodies of one round.
struct UpdateBodies {
    private let which: UpdateCase
    private var updateID: Int64
    private var person: Int64
    private var sent = 0
    private let text = String(repeating: "What a fine evening for a long talk about it all. ", count: 11)

    /// - Parameter first: above all ids of earlier rounds.
    init(_ which: UpdateCase, first: Int64) {
        self.which = which
        updateID = first
        person = which == .held ? Numbers.firstStranger + first : first
    }

    /// A whole HTTP request with the next update.
    mutating func next() -> [UInt8] {
        let body = nextBody()
        return Array(
            """
            POST /webhook HTTP/1.1\r
            Host: localhost\r
            Content-Type: application/json\r
            X-Telegram-Bot-Api-Secret-Token: \(Numbers.secret)\r
            Content-Length: \(body.utf8.count)\r
            Connection: keep-alive\r
            Accept-Encoding: gzip, deflate\r
            \r
            \(body)
            """.utf8)
    }

    mutating func nextBody() -> String {
        updateID += 1
        sent += 1
        let index = sent % Numbers.groups
        let group: Int64
        let user: Int64
        switch which {
        case .unprotected:
            group = -1_009_000_000_000 - Int64(index)
            user = 1_000_000 + Int64(sent % 50_000)
        case .known:
            // The same thousand people, each in a group of their own.
            group = Numbers.group(index)
            user = 2_000_000 + Int64(index % Numbers.knownPeople)
        case .cold, .held:
            person += 1
            group = Numbers.group(index)
            user = person
        }
        return """
            {"update_id":\(updateID),"message":{"message_id":\(updateID),"from":{"id":\(user),"is_bot":false,\
            "first_name":"Person","last_name":"Number \(user)","username":"person_\(user)","language_code":"en",\
            "is_premium":true},"chat":{"id":\(group),"title":"Group \(index)","username":"group_\(index)",\
            "type":"supergroup"},"date":\(time(nil)),"text":"\(text)\(sent)",\
            "entities":[{"offset":0,"length":4,"type":"bold"}],"link_preview_options":{"is_disabled":true}}}
            """
    }
}
