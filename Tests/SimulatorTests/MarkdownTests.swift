// MarkdownV2 and the older Markdown: what is left of a text, what is marked, and what is refused.

import JSON
import Testing

@testable import Simulator

struct MarkdownTests {
    /// The plain text and the marks as `kind offset length`.
    private func read(_ text: String, _ mode: String) throws(MethodError) -> (plain: String, marks: [String]) {
        let read = try FormattedText(text, mode: mode)
        return (
            read.plain,
            read.entities.map { "\($0["type"]?.string ?? "") \($0["offset"]?.int ?? -1) \($0["length"]?.int ?? -1)" }
        )
    }

    @Test(arguments: [
        (
            "*b* _i_ __u__ ~s~ ||p||", "b i u s p",
            ["bold 0 1", "italic 2 1", "underline 4 1", "strikethrough 6 1", "spoiler 8 1"]
        ),
        ("a\\.b\\!", "a.b!", []),
        ("👋 *é*", "👋 é", ["bold 3 1"]),
        ("*a _b_ c*", "a b c", ["bold 0 5", "italic 2 1"]),
        ("`/x *y*`", "/x *y*", ["code 0 6"]),
        ("```swift\nlet a\n```", "let a\n", ["pre 0 6"]),
        ("[L](https://a.b/\\)c)", "L", ["text_link 0 1"]),
        ("[M](tg://user?id=5)", "M", ["text_mention 0 1"]),
        (">one\n>two\nthree", "one\ntwo\nthree", ["blockquote 0 7"]),
        ("/go @x", "/go @x", ["bot_command 0 3", "mention 4 2"]),
        ("**", "", []),
    ])
    func `MarkdownV2 is read`(text: String, plain: String, marks: [String]) throws {
        let came = try read(text, "MarkdownV2")
        #expect(came.plain == plain && came.marks == marks, "\(came)")
    }

    @Test(arguments: [
        ("Full stop.", "Character '.' is reserved and must be escaped with the preceding '\\'"),
        ("a-b", "Character '-' is reserved and must be escaped with the preceding '\\'"),
        ("é *open", "Can't find end of Bold entity at byte offset 3"),
        ("`x", "Can't find end of Code entity at byte offset 0"),
        ("[a](b", "Can't find end of a URL at byte offset 0"),
    ])
    func `MarkdownV2 is refused in Telegram's words`(text: String, words: String) {
        #expect(throws: MethodError.badRequest("can't parse entities: " + words)) { try read(text, "MarkdownV2") }
    }

    @Test(arguments: [
        ("*b* _i_ `c` a.b-c!", "b i c a.b-c!", ["bold 0 1", "italic 2 1", "code 4 1"]),
        ("\\*no\\*", "*no*", []),
        ("[L](http://a.b)", "L", ["text_link 0 1"]),
        ("~s~ ||p||", "~s~ ||p||", []),
    ])
    func `the older Markdown is read`(text: String, plain: String, marks: [String]) throws {
        let came = try read(text, "Markdown")
        #expect(came.plain == plain && came.marks == marks, "\(came)")
    }

    @Test func `an end that is missing and an unknown mode are refused`() {
        let words = "can't parse entities: Can't find end of the entity starting at byte offset 2"
        #expect(throws: MethodError.badRequest(words)) { try read("a *b", "Markdown") }
        #expect(throws: MethodError.badRequest("unsupported parse_mode")) { try read("a", "BBCode") }
    }
}
