// ObjectDescription: Tests/Fixtures/bot-api-objects.txt read, and values held against it.

import Foundation
import JSON

/// What the objects of the Bot API look like.
struct ObjectDescription {
    struct Field {
        let type: String
        let isRequired: Bool
        /// The texts that it may have; empty: any.
        let texts: [String]
    }

    private(set) var objects: [String: [String: Field]] = [:]
    private(set) var unions: [String: [String]] = [:]
    /// What methods give, by name.
    private(set) var methods: [String: String] = [:]

    static func read() throws -> ObjectDescription {
        let here = URL(filePath: #filePath).deletingLastPathComponent()
        let file = here.appending(path: "../Fixtures/bot-api-objects.txt")
        return try ObjectDescription(String(contentsOf: file, encoding: .utf8))
    }

    init(_ text: String) throws {
        var lines: [String] = []
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            if line.hasPrefix("    "), let last = lines.popLast() {
                lines.append(last + " " + line.drop { $0 == " " })
            } else {
                lines.append(String(line))
            }
        }
        for line in lines {
            if let arrow = line.range(of: " -> ") {
                methods[String(line[..<arrow.lowerBound])] = String(line[arrow.upperBound...])
            } else if let colon = line.firstIndex(of: ":") {
                let list = line[line.index(after: colon)...].split(separator: ",")
                var fields: [String: Field] = [:]
                for entry in list {
                    let halves = entry.components(separatedBy: " = ")
                    let words = halves[0].split(separator: " ")
                    let isRequired = !words[0].hasSuffix("?")
                    fields[String(isRequired ? words[0] : words[0].dropLast())] = Field(
                        type: String(words[1]), isRequired: isRequired,
                        texts: halves.count > 1 ? halves[1].split(separator: "|").map(String.init) : [])
                }
                objects[String(line[..<colon])] = fields
            } else if let equals = line.range(of: " = ") {
                unions[String(line[..<equals.lowerBound])] = line[equals.upperBound...].components(separatedBy: " | ")
            }
        }
    }

    /// What is wrong with the value, as `path: what`; empty if nothing is.
    func problems(of value: JSONValue, as type: String, at path: String) -> [String] {
        if type.hasPrefix("[]") {
            guard let list = value.array else { return ["\(path): no array of \(type.dropFirst(2))"] }
            return list.enumerated().flatMap { index, item in
                problems(of: item, as: String(type.dropFirst(2)), at: "\(path)[\(index)]")
            }
        }
        let choices = unions[type] ?? type.split(separator: "/").map(String.init)
        if choices.count > 1 {
            let tried = choices.map { problems(of: value, as: $0, at: path) }
            if tried.contains(where: \.isEmpty) { return [] }
            // The variant that fits best tells most.
            return tried.min { $0.count < $1.count } ?? []
        }
        switch (type, value) {
        case ("Integer", .int), ("Float", .int), ("Float", .double), ("String", .string), ("Boolean", .bool),
            ("True", .bool(true)):
            return []
        case ("Integer", _), ("Float", _), ("String", _), ("Boolean", _), ("True", _):
            return ["\(path): no \(type)"]
        default:
            return problems(ofObject: value, as: type, at: path)
        }
    }

    private func problems(ofObject value: JSONValue, as type: String, at path: String) -> [String] {
        guard let fields = objects[type] else { return ["\(path): \(type) is not described"] }
        guard case .object(let members) = value else { return ["\(path): no object"] }
        var found: [String] = []
        for (name, field) in fields where field.isRequired && value[name] == nil {
            found.append("\(path).\(name): missing")
        }
        for (name, member) in members {
            guard let field = fields[name] else {
                found.append("\(path).\(name): unknown")
                continue
            }
            if !field.texts.isEmpty, !field.texts.contains(member.string ?? "") {
                found.append("\(path).\(name): none of \(field.texts)")
            }
            found += problems(of: member, as: field.type, at: "\(path).\(name)")
        }
        if Set(members.map(\.key)).count != members.count { found.append("\(path): a field stands twice") }
        return found
    }
}
