// multipart/form-data (RFC 7578), as far as a Bot API server has to read it.

enum Multipart {
    struct Part {
        let name: String
        /// Named: the part is a file.
        let fileName: String?
        let type: String?
        let bytes: [UInt8]
    }

    /// The parts of a body, or nothing if it is not well formed.
    static func parts(of body: [UInt8], contentType: String) -> [Part]? {
        guard let boundary = parameter("boundary", of: contentType), !boundary.isEmpty else { return nil }
        let delimiter = Array("--\(boundary)".utf8)
        guard var position = find(delimiter, in: body, from: 0) else { return nil }
        var parts: [Part] = []
        while true {
            position += delimiter.count
            if body[position...].starts(with: Array("--".utf8)) { return parts }
            guard body[position...].starts(with: Array("\r\n".utf8)) else { return nil }
            let start = position + 2
            guard let headEnd = find(Array("\r\n\r\n".utf8), in: body, from: start),
                let end = find(Array("\r\n".utf8) + delimiter, in: body, from: headEnd + 2)
            else { return nil }
            let head = String(decoding: body[start..<headEnd], as: UTF8.self)
            let lines = head.split(whereSeparator: \.isNewline)
            guard let line = value(of: "content-disposition", in: lines), let name = parameter("name", of: line) else {
                return nil
            }
            let bytes = headEnd + 4 <= end ? Array(body[(headEnd + 4)..<end]) : []
            parts.append(
                Part(
                    name: name, fileName: parameter("filename", of: line), type: value(of: "content-type", in: lines),
                    bytes: bytes))
            position = end + 2
        }
    }

    private static func value(of header: String, in lines: [Substring]) -> String? {
        lines.first { $0.lowercased().hasPrefix(header + ":") }.map { trimmed($0.dropFirst(header.count + 1)) }
    }

    private static func parameter(_ name: String, of header: String) -> String? {
        for piece in header.split(separator: ";").dropFirst() {
            let halves = piece.split(separator: "=", maxSplits: 1).map { trimmed($0) }
            if halves.count == 2, halves[0].lowercased() == name { return halves[1] }
        }
        return nil
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while let first = text.first, first == " " || first == "\"" { text = text.dropFirst() }
        while let last = text.last, last == " " || last == "\"" { text = text.dropLast() }
        return String(text)
    }

    private static func find(_ needle: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        guard bytes.count >= needle.count, start <= bytes.count - needle.count else { return nil }
        return (start...(bytes.count - needle.count)).first { index in
            bytes[index] == needle[0] && bytes[index..<(index + needle.count)].elementsEqual(needle)
        }
    }
}
