// HTTP/1 framing, one line a case: what is taken, what is refused, in whatever pieces it comes.

import Testing

@testable import HTTPServer

@Suite("HTTP/1 parser")
struct HTTP1ParserTests {
    /// Input and outcome: requests as `METHOD path body`, then a status for a refusal, or nothing for "more".
    private static let cases: [(input: String, outcome: String)] = [
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / ;"),
        ("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / ;"),
        ("GET / HTTP/1.0\r\n\r\n", "GET / ;"),
        ("GET http://a.example:80/p?q=1 HTTP/1.1\r\nHost: x\r\n\r\n", "GET /p ;"),
        ("GET http://a.example HTTP/1.1\r\nHost: x\r\n\r\n", "GET / ;"),
        ("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "OPTIONS * ;"),
        ("GET /%41%20b HTTP/1.1\r\nHost: x\r\n\r\n", "GET /A b ;"),
        ("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "POST /a abc;"),
        (
            "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\nHost: x\r\n\r\n",
            "POST /a abc;GET /b ;"
        ),
        ("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "POST /a abc;"),
        ("POST /a HTTP/1.1\r\nHost: x\r\ntransfer-encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "POST /a abc;"),
        (
            "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nT: v\r\n\r\n",
            "POST /a abcde;"
        ),
        ("POST /a HTTP/1.1\r\nHost: [::1]:8080\r\nContent-Length: 0\r\n\r\n", "POST /a ;"),
        ("GET / HTTP/1.1\r\nHost:x\r\nX-Empty:\r\n\r\n", "GET / ;"),
        ("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc", ""),
        ("GET / HTTP/1.1\r\nHost: x\r\n", ""),
        ("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", "400"),
        ("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", "400"),
        ("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", "400"),
        ("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 4\r\n\r\n", "400"),
        ("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\n", "400"),
        ("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: -3\r\n\r\n", "400"),
        ("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0x3\r\n\r\n", "400"),
        ("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: \r\n\r\n", "400"),
        ("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1 2\r\n\r\n", "400"),
        ("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", "413"),
        ("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n", "413"),
        ("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", "501"),
        ("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "501"),
        ("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", "501"),
        ("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "501"),
        ("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n", "501"),
        ("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n\r\n", "501"),
        ("POST /a HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "400"),
        ("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost : x\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: x\r\n X: y\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\n Host: x\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n 0\r\n\r\n", "400"),
        ("GET / HTTP/1.1\nHost: x\n\n", "400"),
        ("GET / HTTP/1.1\r\nHost: x\nX: y\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: x\r\nX: a\u{0}b\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: x\r\nX\u{0}: b\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: x\r\nnocolon\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: x\r\n: v\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: u@x\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: x:99999\r\n\r\n", "400"),
        ("GET /\u{0} HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("GET /\r HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("GET /é HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("GET /#f HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("GET  / HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("GET /  HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("GET /\tHTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("GET /\r\n\r\n", "400"),
        ("GET path HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("GET * HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        (" GET / HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("G@T / HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("GET / http/1.1\r\nHost: x\r\n\r\n", "400"),
        ("GET / HTTP/1.10\r\nHost: x\r\n\r\n", "400"),
        ("GET / HTTP/1.2\r\nHost: x\r\n\r\n", "505"),
        ("GET / HTTP/2.0\r\nHost: x\r\n\r\n", "505"),
        ("GET / HTTP/0.9\r\nHost: x\r\n\r\n", "505"),
        ("BREW / HTTP/1.1\r\nHost: x\r\n\r\n", "501"),
        ("get / HTTP/1.1\r\nHost: x\r\n\r\n", "501"),
        ("CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", "501"),
        ("TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", "501"),
        ("\u{16}\u{3}\u{1}\u{2}", "400"),
        ("\r\n\r\n\r\n", "400"),
        ("\rGET / HTTP/1.1\r\n\r\n", "400"),
        (chunked("3 \r\nabc\r\n0\r\n\r\n"), "400"),
        (chunked(" 3\r\nabc\r\n0\r\n\r\n"), "400"),
        (chunked("0x3\r\nabc\r\n0\r\n\r\n"), "400"),
        (chunked("-1\r\nabc\r\n0\r\n\r\n"), "400"),
        (chunked("\r\nabc\r\n0\r\n\r\n"), "400"),
        (chunked("g\r\n"), "400"),
        (chunked("3\nabc\r\n0\r\n\r\n"), "400"),
        (chunked("3\r\nabcd\r\n0\r\n\r\n"), "400"),
        (chunked("3\r\nabc0\r\n\r\n"), "400"),
        (chunked("3\r\nabc\n0\r\n\r\n"), "400"),
        (chunked("3;a\nb\r\nabc\r\n0\r\n\r\n"), "400"),
        (chunked("3;a\rb\r\nabc\r\n0\r\n\r\n"), "400"),
        (chunked("fffffffffffffffff\r\n"), "400"),
        (chunked("3e9\r\n"), "413"),
        (chunked("1\r\na\r\n3e8\r\n"), "413"),
        (chunked("0\r\nbad trailer\r\n\r\n"), "400"),
        (chunked("0\r\n\r\n"), "POST / ;"),
        (
            "GET /\(String(repeating: "a", count: 8192 - 14)) HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET /\(String(repeating: "a", count: 8192 - 14)) ;"
        ),
        ("GET /\(String(repeating: "a", count: 8192 - 13)) HTTP/1.1\r\nHost: x\r\n\r\n", "414"),
        ("GET / HTTP/1.1\r\nHost: x\r\nX: \(String(repeating: "a", count: 8190))\r\n\r\n", "431"),
        ("GET / HTTP/1.1\r\nHost: x\r\n\(String(repeating: "X: y\r\n", count: 99))\r\n", "GET / ;"),
        ("GET / HTTP/1.1\r\nHost: x\r\n\(String(repeating: "X: y\r\n", count: 100))\r\n", "431"),
        (
            "GET / HTTP/1.1\r\nHost: x\r\n\(String(repeating: "X: \(String(repeating: "a", count: 5000))\r\n", count: 7))\r\n",
            "431"
        ),
        (chunked(extended + "0\r\n\r\n"), "POST / bbbbbbbbbbbbbbbb;"), (chunked(extended + "0;\r\n\r\n"), "400"),
    ]

    /// Chunks whose extensions are as long as those of a request may be.
    private static let extended = String(
        repeating: "1;\(String(repeating: "a", count: 1023))\r\nb\r\n", count: 16)

    private static func chunked(_ body: String) -> String {
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + body
    }

    @Test(arguments: cases.indices)
    func `each input has one outcome, whole and split at every byte`(index: Int) {
        let (input, outcome) = Self.cases[index]
        let bytes = Array(input.utf8)
        #expect(Self.outcome(of: [bytes]) == outcome, "\(input.prefix(60).debugDescription)")
        for split in 1..<max(2, min(bytes.count, 700)) where split < bytes.count {
            #expect(Self.outcome(of: [Array(bytes[..<split]), Array(bytes[split...])]) == outcome)
        }
        #expect(Self.outcome(of: bytes.map { [$0] }) == outcome)
    }

    private static func outcome(of pieces: [[UInt8]]) -> String {
        var parser = HTTP1Parser(limits: HTTPLimits())
        var result = ""
        for piece in pieces {
            var position = 0
            while true {
                let event = piece.withUnsafeBytes { parser.feed($0, at: &position) }
                switch event {
                case .needsMore: break
                case .head(let head):
                    result += "\(head.method.rawValue) \(head.path) "
                    do throws(HTTP1Failure) { try parser.acceptBody(limit: 1000) } catch { return "\(error.status)" }
                    continue
                case .body(let body, _):
                    result += String(decoding: body, as: UTF8.self) + ";"
                    continue
                case .failed(let failure): return "\(failure.status)"
                }
                break
            }
        }
        return result.hasSuffix(";") ? result : ""
    }
}
