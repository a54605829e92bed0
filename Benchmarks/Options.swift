// What the commands are told, and the little of the system that they share.

import CLinux
import Glibc

/// Why a benchmark cannot go on, in words.
struct BenchmarkError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// `KEY=VALUE` words.
struct Options {
    private var values: [String: String] = [:]

    init(_ words: ArraySlice<String>) throws {
        for word in words {
            guard let equals = word.firstIndex(of: "=") else { throw BenchmarkError("\(word): write KEY=VALUE") }
            values[String(word[..<equals])] = String(word[word.index(after: equals)...])
        }
    }

    func string(_ key: String) throws -> String {
        guard let value = values[key] else { throw BenchmarkError("\(key)= is missing") }
        return value
    }

    func int(_ key: String, default fallback: Int? = nil) throws -> Int {
        guard let text = values[key] else {
            guard let fallback else { throw BenchmarkError("\(key)= is missing") }
            return fallback
        }
        guard let number = Int(text) else { throw BenchmarkError("\(key)=\(text): a number is wanted") }
        return number
    }
}

/// A port that was free a moment ago.
enum FreePort {
    static func find() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutableBytes(of: &address) { bytes -> Int32 in
            guard let generic = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return -1 }
            guard bind(descriptor, generic, length) == 0 else { return -1 }
            return getsockname(descriptor, generic, &length)
        }
        guard result == 0 else { throw BenchmarkError("no free port on 127.0.0.1") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

func loopback(port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(truncatingIfNeeded: port)).bigEndian
    address.sin_addr = in_addr(s_addr: UInt32(0x7F00_0001).bigEndian)
    return address
}

func stderrFile() -> UnsafeMutablePointer<FILE>? { fdopen(2, "w") }

/// One line of JSON on standard output: strings quoted, numbers as they are.
func printLine(_ fields: [(String, Any)]) {
    let members = fields.map { key, value in
        switch value {
        case let text as String: "\"\(key)\":\"\(text)\""
        case let number as Double: "\"\(key)\":\((number * 1000).rounded() / 1000)"
        default: "\"\(key)\":\(value)"
        }
    }
    print("{\(members.joined(separator: ","))}")
}
