// The dates of heads, both ways.

import EventLoop
import Foundation
import HTTPClient
import Testing

@Suite("HTTP dates")
struct HTTPDateTests {
    static let dates: [(text: String, seconds: Int64)] = [
        // RFC 9110 §5.6.7
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799),
        ("Thu, 31 Dec 2026 12:00:00 GMT", 1_798_718_400),
        ("Mon, 01 Mar 2100 00:00:00 GMT", 4_107_542_400),
    ]

    @Test(arguments: dates)
    func `a date is read and written`(_ row: (text: String, seconds: Int64)) {
        #expect(Timestamp(httpDate: row.text)?.seconds == row.seconds)
        #expect(Timestamp(seconds: row.seconds).httpDate == row.text)
    }

    @Test func `as Foundation writes it, over a century`() {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "UTC")
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        for seconds in stride(from: Int64(1), to: 3_200_000_000, by: 7_654_321) {
            let text = formatter.string(from: Date(timeIntervalSince1970: Double(seconds)))
            #expect(Timestamp(seconds: seconds).httpDate == text)
            #expect(Timestamp(httpDate: text)?.seconds == seconds)
        }
    }

    @Test(arguments: [
        "", "now", "1732200000", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 32 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
    ])
    func `anything else is no date`(text: String) {
        #expect(Timestamp(httpDate: text) == nil)
    }
}
