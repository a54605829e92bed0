// Fuzz target: names and titles of others in our texts: within their length, on one line, never markup.

/// libFuzzer calls this with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzNames(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let name = String(decoding: UnsafeBufferPointer(start: data, count: count), as: UTF8.self)
    let escaped = HTML.escape(name)
    precondition(!escaped.unicodeScalars.contains("<") && !escaped.unicodeScalars.contains(">"))
    precondition(HTML.plain(escaped) == name, "reads otherwise than it was written")
    precondition(HTML.visibleLength(escaped) == name.utf16.count)
    for maximum in [8, 48, 64, 255] {
        let shown = Naming.shown(name, maximum: maximum)
        precondition(shown.utf16.count <= maximum, "too long")
        precondition(!shown.unicodeScalars.contains("\n") && !shown.unicodeScalars.contains("\r"), "two lines")
        // What turns text around begins and ends within the name.
        var open = 0
        for scalar in shown.unicodeScalars {
            precondition(!(0x202A...0x202E).contains(scalar.value))
            if (0x2066...0x2068).contains(scalar.value) { open += 1 }
            if scalar.value == 0x2069 { open -= 1 }
        }
        precondition(open == 0, "an isolate is left open")
        precondition(Naming.clipped(name, maximum: maximum).utf16.count <= maximum)
    }
    let mention = HTML.mention(UserID(7), name: name).html
    // By bytes: a mark that joins the letter before it would join the markup's last sign.
    precondition(mention.utf8.starts(with: #"<a href="tg://user?id=7">"#.utf8))
    precondition(mention.utf8.reversed().starts(with: "</a>".utf8.reversed()))
    precondition(!HTML.plain(mention).isEmpty, "nobody could press it")
    return 0
}
