// The arguments of `nezuko simulate`, read one after the other.

import Configuration
import EventLoop
import Simulator

/// What the simulator is to be.
struct SimulateWish {
    /// An argument that was not understood.
    struct Problem: Error {
        let text: String
    }

    private(set) var options = SimulatorOptions()
    private(set) var listen: [ListenEntry] = []
    private(set) var isEmpty = false

    init(_ arguments: [String]) throws(Problem) {
        options.rate = 60
        options.firstUpdateID = SimulatorOptions.freshUpdateID()
        var addresses = "http://127.0.0.1:8081"
        var rest = arguments[...]
        while let flag = rest.popFirst() {
            switch flag {
            case "--fast": options.isFast = true
            case "--empty": isEmpty = true
            case "--no-limits": options.hasFloodLimits = false
            case "--faults":
                options.faults = try Self.faults(rest.first?.hasPrefix("--") == false ? rest.popFirst() : nil)
            case "--listen", "--seed", "--rate", "--latency", "--token", "--username":
                guard let value = rest.popFirst() else { throw Problem(text: "\(flag) wants a value.") }
                switch flag {
                case "--listen": addresses = value
                case "--token": options.token = try Self.token(value)
                case "--username": options.botUsername = value.hasPrefix("@") ? String(value.dropFirst()) : value
                case "--latency": options.latencyMilliseconds = try Self.milliseconds(value)
                case "--seed":
                    options.seed = try Self.number(value, of: flag)
                    // Same seed, same ids.
                    options.firstUpdateID = nil
                default: options.rate = Double(try Self.number(value, of: flag))
                }
            default: throw Problem(text: "\(flag) is not known.")
            }
        }
        guard let entries = ListenEntry.list(addresses) else {
            throw Problem(text: "--listen wants http://HOST:PORT or https://HOST:PORT, with commas between.")
        }
        listen = entries
    }

    private static func number(_ text: String, of flag: String) throws(Problem) -> UInt64 {
        guard let number = UInt64(text) else { throw Problem(text: "\(flag) wants a whole number, not \(text).") }
        return number
    }

    /// A number, a colon, and what Telegram's tokens are made of. It stands in a path.
    private static func token(_ text: String) throws(Problem) -> String {
        let halves = text.split(separator: ":", omittingEmptySubsequences: false)
        let isWord = { (word: Substring) in
            !word.isEmpty && word.utf8.allSatisfy { $0 == 0x2D || $0 == 0x5F || Self.isLetterOrDigit($0) }
        }
        guard halves.count == 2, Int64(halves[0]).map({ $0 > 0 }) == true, isWord(halves[1]) else {
            throw Problem(text: "--token wants a number, a colon and a word of A-Z a-z 0-9 _ -.")
        }
        return text
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }

    /// `30ms`, `2s`, or a bare number of milliseconds.
    private static func milliseconds(_ text: String) throws(Problem) -> Int64 {
        let isSeconds = text.hasSuffix("s") && !text.hasSuffix("ms")
        let digits = text.hasSuffix("ms") ? text.dropLast(2) : isSeconds ? text.dropLast() : text[...]
        guard let number = Int64(digits), (0...60_000).contains(number) else {
            throw Problem(text: "--latency wants a time such as 30ms or 2s, not \(text).")
        }
        return isSeconds ? number * 1000 : number
    }

    private static func faults(_ list: String?) throws(Problem) -> FaultRates {
        guard let list else { return .low }
        guard let rates = FaultRates(percents: list) else {
            throw Problem(text: "--faults wants percents of 429, 5xx, cut, slow, malformed and lost, as 429=1,slow=2.")
        }
        return rates
    }
}
