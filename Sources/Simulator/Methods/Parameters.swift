// Parameters of a call, from JSON, a form, multipart or the query: Telegram takes them all alike.

import JSON

/// A file as it was uploaded.
struct Upload: Sendable {
    let bytes: [UInt8]
    let name: String
    let type: String?
}

/// Named values of one call. Numbers and objects may come as text, as forms send them.
public struct Parameters: Sendable {
    var values: [String: JSONValue] = [:]
    /// Uploaded files by the name of their field.
    var files: [String: Upload] = [:]

    /// No parameters.
    public init() {}

    /// Parameters as given.
    public init(_ members: [(key: String, value: JSONValue)]) {
        for (key, value) in members { values[key] = value }
    }

    /// Reads query and body. Fails on a body that is not what its type says.
    init(query: String?, contentType: String?, body: [UInt8]) throws(MethodError) {
        if let query { readForm(Array(query.utf8)) }
        guard !body.isEmpty else { return }
        let type = contentType?.lowercased() ?? ""
        if type.hasPrefix("application/json") {
            do throws(JSONError) {
                guard case .object(let members) = try JSONValue(parsing: body) else {
                    throw JSONError.malformed(at: 0)
                }
                for (key, value) in members { values[key] = value }
            } catch {
                throw .badRequest("can't parse JSON object")
            }
        } else if type.hasPrefix("multipart/form-data"), let contentType {
            guard let parts = Multipart.parts(of: body, contentType: contentType) else {
                throw .badRequest("can't parse multipart form data")
            }
            for part in parts {
                guard let fileName = part.fileName else {
                    values[part.name] = .string(String(decoding: part.bytes, as: UTF8.self))
                    continue
                }
                files[part.name] = Upload(bytes: part.bytes, name: fileName, type: part.type)
            }
        } else {
            readForm(body)
        }
    }

    /// The value as it came.
    public subscript(_ name: String) -> JSONValue? {
        if case .null = values[name] { return nil }
        return values[name]
    }

    func string(_ name: String) -> String? {
        switch self[name] {
        case .string(let text): text
        case .int(let number): String(number)
        case .bool(let truth): truth ? "true" : "false"
        case .null, .double, .array, .object, nil: nil
        }
    }

    func int(_ name: String) -> Int64? { self[name]?.int ?? self[name]?.string.flatMap { Int64($0) } }

    func double(_ name: String) -> Double? { self[name]?.double ?? self[name]?.string.flatMap { Double($0) } }

    func bool(_ name: String) -> Bool {
        switch self[name] {
        case .bool(let truth): truth
        case .int(let number): number != 0
        case .string(let text): ["true", "1", "yes", "t", "y"].contains(text.lowercased())
        case .null, .double, .array, .object, nil: false
        }
    }

    /// An object or array, also when it comes as the text of one.
    func document(_ name: String) throws(MethodError) -> JSONValue? {
        guard case .string(let text) = self[name] else { return self[name] }
        guard !text.isEmpty else { return nil }
        do throws(JSONError) {
            return try JSONValue(parsing: Array(text.utf8))
        } catch {
            throw .badRequest("can't parse \(name): Can't parse JSON")
        }
    }

    private mutating func readForm(_ bytes: [UInt8]) {
        for pair in bytes.split(separator: UInt8(ascii: "&")) {
            let halves = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let value = halves.count > 1 ? Self.decoded(halves[1]) : ""
            values[Self.decoded(halves[0])] = .string(value)
        }
    }

    private static func decoded(_ bytes: ArraySlice<UInt8>) -> String {
        var result: [UInt8] = []
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            if byte == UInt8(ascii: "%"), index + 2 < bytes.endIndex,
                let value = UInt8(String(decoding: bytes[(index + 1)...(index + 2)], as: UTF8.self), radix: 16)
            {
                result.append(value)
                index += 3
                continue
            }
            result.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            index += 1
        }
        return String(decoding: result, as: UTF8.self)
    }
}
