// Prometheus' text format 0.0.4. Pure.

/// Text being written for one scrape.
struct MetricText {
    private(set) var bytes: [UInt8] = []

    init() { bytes.reserveCapacity(64 * 1024) }

    mutating func head(_ name: StaticString, help: StaticString, kind: MetricKind) {
        append("# HELP ")
        append(name)
        append(" ")
        for byte in help.description.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): append("\\\\")
            case UInt8(ascii: "\n"): append("\\n")
            default: bytes.append(byte)
            }
        }
        append("\n# TYPE ")
        append(name)
        append(" ")
        bytes.append(contentsOf: kind.rawValue.utf8)
        append("\n")
    }

    /// One line. `labels` is what stands between the braces, already escaped.
    mutating func sample(_ name: StaticString, suffix: StaticString = "", labels: String, _ value: String) {
        append(name)
        append(suffix)
        if !labels.isEmpty {
            append("{")
            bytes.append(contentsOf: labels.utf8)
            append("}")
        }
        append(" ")
        bytes.append(contentsOf: value.utf8)
        append("\n")
    }

    private mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    /// `name="value",…` with the values escaped.
    static func labels(_ names: [StaticString], _ values: [String]) -> String {
        zip(names, values).map { name, value in
            var escaped = ""
            for scalar in value.unicodeScalars {
                switch scalar {
                case "\\": escaped += "\\\\"
                case "\"": escaped += "\\\""
                case "\n": escaped += "\\n"
                default: escaped.unicodeScalars.append(scalar)
                }
            }
            return "\(name)=\"\(escaped)\""
        }.joined(separator: ",")
    }

    /// The shortest text that reads back the same; whole numbers without a point.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
        return value.description
    }
}
