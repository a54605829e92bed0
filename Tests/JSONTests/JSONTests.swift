// What the reader accepts and refuses, as a table, and what it hands out.

import JSON
import Testing

struct Document: CustomTestStringConvertible, Sendable {
    let name: String
    let bytes: [UInt8]
    let isValid: Bool
    var testDescription: String { name }

    init(_ text: String, _ isValid: Bool) {
        name = text
        bytes = Array(text.utf8)
        self.isValid = isValid
    }
    init(_ name: String, _ bytes: [UInt8], _ isValid: Bool) {
        self.name = name
        self.bytes = bytes
        self.isValid = isValid
    }
}

func nested(_ depth: Int) -> [UInt8] {
    Array(String(repeating: "[", count: depth).utf8) + Array(String(repeating: "]", count: depth).utf8)
}

func quoted(_ bytes: UInt8...) -> [UInt8] { [0x22] + bytes + [0x22] }

@Suite("JSON: documents")
struct DocumentTests {
    static let numbers = [
        Document("0", true), Document("-0", true), Document("1", true), Document("10", true), Document("1.5", true),
        Document("1e5", true), Document("1E+5", true), Document("1e-05", true), Document("0.0", true),
        Document("-0.1e1", true), Document("9223372036854775808", true), Document("1e400", true),
        Document("01", false), Document("-01", false), Document("00", false), Document("1.", false),
        Document(".5", false), Document("+1", false), Document("1e", false), Document("1e+", false),
        Document("-", false), Document("--1", false), Document("NaN", false), Document("Infinity", false),
        Document("-Infinity", false), Document("0x10", false), Document("1_000", false), Document("1 2", false),
        Document("1.e5", false), Document("1e1.5", false), Document("1,", false),
    ]

    static let literals = [
        Document("true", true), Document("false", true), Document("null", true), Document("True", false),
        Document("tru", false), Document("truee", false), Document("nul", false), Document("nulll", false),
        Document("undefined", false), Document("falsey", false), Document("", false), Document(" ", false),
        Document(" \t\r\n true \t\r\n ", true), Document("\u{0C}true", false), Document("\u{A0}true", false),
        Document("\u{FEFF}true", false), Document("// x\ntrue", false), Document("/* */1", false),
    ]

    static let strings = [
        Document(#""""#, true), Document(#""abc""#, true), Document(#""\"\\\/\b\f\n\r\t""#, true),
        Document(#""\u0041\u0000""#, true), Document(#""\ud83d\ude00""#, true), Document(#""\uD83D\uDE00""#, true),
        Document(#""é漢😀""#, true), Document(#""\x41""#, false), Document(#""\u004""#, false),
        Document(#""\u004g""#, false), Document(#""\U0041""#, false), Document(#""\ud83d""#, false),
        Document(#""\ude00""#, false), Document(#""\ud83dx""#, false), Document(#""\ud83d\u0041""#, false),
        Document(#""\ud83d\ud83d""#, false), Document(#""\ude00\ud83d""#, false), Document(#""a"#, false),
        Document(#""\"#, false), Document("'a'", false), Document("a", false), Document("\"a\nb\"", false),
        Document("\"a\tb\"", false), Document("U+0000 raw", quoted(0x00), false),
        Document("U+001F raw", quoted(0x1F), false), Document("U+007F raw", quoted(0x7F), true),
        Document("continuation alone", quoted(0x80), false), Document("overlong C0", quoted(0xC0, 0x80), false),
        Document("overlong C1", quoted(0xC1, 0xBF), false), Document("smallest of two", quoted(0xC2, 0x80), true),
        Document("overlong E0", quoted(0xE0, 0x9F, 0xBF), false),
        Document("smallest E0", quoted(0xE0, 0xA0, 0x80), true),
        Document("surrogate ED A0", quoted(0xED, 0xA0, 0x80), false),
        Document("last ED", quoted(0xED, 0x9F, 0xBF), true),
        Document("overlong F0", quoted(0xF0, 0x8F, 0xBF, 0xBF), false),
        Document("last F4", quoted(0xF4, 0x8F, 0xBF, 0xBF), true),
        Document("above U+10FFFF", quoted(0xF4, 0x90, 0x80, 0x80), false),
        Document("F5", quoted(0xF5, 0x80, 0x80, 0x80), false),
        Document("FF", quoted(0xFF), false), Document("cut in two", quoted(0xC3), false),
        Document("cut in three", quoted(0xE2, 0x82), false), Document("cut in four", quoted(0xF0, 0x9F, 0x98), false),
        Document("cut at the end", [0x22, 0xC3], false),
        Document("seven plain, one broken", quoted(1 + 0x60, 0x61, 0x61, 0x61, 0x61, 0x61, 0x61, 0xFF), false),
        Document("control as ninth", quoted(0x61, 0x61, 0x61, 0x61, 0x61, 0x61, 0x61, 0x61, 0x01), false),
    ]

    static let containers = [
        Document("[]", true), Document("{}", true), Document("[ ]", true), Document("{ }", true),
        Document("[1,2]", true), Document(#"{"a":1,"b":[{}]}"#, true), Document(#"{"a":1,"a":2}"#, true),
        Document(#"{"":0}"#, true), Document(" [ 1 , 2 ] ", true), Document(#" { "a" : 1 , "b" : 2 } "#, true),
        Document("[1,]", false), Document("[,1]", false), Document("[1 2]", false), Document("[,]", false),
        Document("[", false), Document("]", false), Document("[1}", false), Document("[[]", false),
        Document("{", false), Document("}", false), Document("{]", false), Document(#"{"a"}"#, false),
        Document(#"{"a":}"#, false), Document(#"{"a":1,}"#, false), Document(#"{,"a":1}"#, false),
        Document("{a:1}", false), Document("{1:1}", false), Document(#"{"a" 1}"#, false),
        Document(#"{"a":1 "b":2}"#, false), Document(#"{"a":1}}"#, false), Document("[] x", false),
        Document("{}{}", false), Document("1 true", false), Document(#"{"a\ud800":1}"#, false),
        Document("64 deep", nested(64), true), Document("65 deep", nested(65), false),
        Document("many open", Array(repeating: UInt8(ascii: "["), count: 100_000), false),
    ]

    @Test(arguments: numbers + literals + strings + containers)
    func `accepts what RFC 8259 allows, skipped or read`(_ document: Document) {
        #expect(skips(document.bytes) == document.isValid)
        #expect(parses(document.bytes) == document.isValid || document.name == "1e400")
    }

    @Test(arguments: [
        #"{"a":[1,-2.5e3,true,null,"x\u0041\ud83d\ude00é"],"b":{"c":false}}"#, #"  ["long enough for words",{}] "#,
    ])
    func `a document cut anywhere is malformed`(_ text: String) {
        let bytes = Array(text.utf8)
        #expect(parses(bytes))
        let end = bytes.lastIndex { $0 != 0x20 } ?? 0
        for length in 0...end where length <= end {
            let cut = Array(bytes[..<length])
            #expect(!skips(cut), "\(length)")
            #expect(!parses(cut), "\(length)")
        }
    }

    @Test func `depth is counted along the path, whoever opens the level`() throws(JSONError) {
        func descend(_ reader: inout JSONReader, _ levels: Int) throws(JSONError) {
            guard levels > 0 else { return try reader.skip() }
            try reader.readArray { (reader) throws(JSONError) in try descend(&reader, levels - 1) }
        }
        for levels in [0, 1, 63, 64] {
            var good = JSONReader(nested(64))
            try descend(&good, levels)
            try good.finish()
            #expect(throws: JSONError.tooDeep) {
                var bad = JSONReader(nested(65))
                try descend(&bad, levels)
            }
        }
        var siblings = JSONReader(Array("[[[]],[[]],[[]]]".utf8), maximumDepth: 3)
        try descend(&siblings, 2)
    }
}

func skips(_ bytes: [UInt8]) -> Bool {
    var reader = JSONReader(bytes)
    do throws(JSONError) {
        try reader.skip()
        try reader.finish()
        return true
    } catch { return false }
}

func parses(_ bytes: [UInt8]) -> Bool {
    do throws(JSONError) {
        _ = try JSONValue(parsing: bytes)
        return true
    } catch { return false }
}
