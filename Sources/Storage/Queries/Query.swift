// One statement in the texts of both engines. Most are written once, in PostgreSQL's form with a few marks.

import EventLoop

/// The texts of a statement, made once.
///
/// A common text is PostgreSQL's with marks: `{now}`, `{after:MS}`, `{epoch:COLUMN}`, `{since:COLUMN}` (milliseconds),
/// `{hour:COLUMN}`, `{today}`, `{in:$1}` (an array of ids), `{locked…}` (row locks, which SQLite does not need), `{ours}`
/// (see `FinishText`).
/// For SQLite casts are dropped, and the moment is a parameter after the others, so that tests can move the clock.
struct Query: Sendable {
    private let postgreSQL: String
    private let sqlite: String
    private let needsMoment: Bool
    private let id = SQLTextID.next()

    init(_ common: String) { self.init(postgreSQL: common, sqlite: common) }

    /// A statement that is PostgreSQL's alone.
    init(postgreSQL: String) { self.init(postgreSQL: postgreSQL, sqlite: "") }

    /// A statement whose texts differ by more than marks.
    init(postgreSQL: String, sqlite: String) {
        var server = QueryText(postgreSQL, dialect: .postgreSQL)
        self.postgreSQL = server.translated()
        var file = QueryText(sqlite, dialect: .sqlite)
        self.sqlite = file.translated()
        needsMoment = file.usesMoment
    }

    /// The server's text, to be part of a longer one.
    var postgreSQLText: String { postgreSQL }

    func statement(
        _ dialect: SQLDialect, _ parameters: [SQLValue], stopsWhenEmpty: Bool = false
    ) -> SQLStatement {
        guard dialect == .sqlite else {
            return SQLStatement(postgreSQL, id: id, parameters, stopsWhenEmpty: stopsWhenEmpty)
        }
        precondition(!sqlite.isEmpty, "SQLite has no such statement")
        let moment: [SQLValue] = needsMoment ? [.time(WallClock.now)] : []
        return SQLStatement(sqlite, id: id, parameters + moment, stopsWhenEmpty: stopsWhenEmpty)
    }
}

/// Translates the marks of one text.
private struct QueryText {
    private let source: [Character]
    private let dialect: SQLDialect
    private let moment: String
    private(set) var usesMoment = false

    init(_ text: String, dialect: SQLDialect) {
        source = Array(text)
        self.dialect = dialect
        moment = "$\(Self.highestParameter(source) + 1)"
    }

    mutating func translated() -> String {
        var result = ""
        var index = 0
        while index < source.count {
            if source[index] == "{", let end = source[index...].firstIndex(of: "}") {
                result += mark(String(source[(index + 1)..<end]))
                index = end + 1
            } else if dialect == .sqlite, source[index...].starts(with: "::") {
                index = endOfCast(from: index + 2)
            } else {
                result.append(source[index])
                index += 1
            }
        }
        return result
    }

    private mutating func mark(_ mark: String) -> String {
        let parts = mark.split(separator: ":", maxSplits: 1)
        let name = parts.first.map(String.init) ?? ""
        let inner = parts.count == 2 ? String(parts[1]) : ""
        return dialect == .sqlite ? sqlite(name, inner) ?? "{\(mark)}" : server(name, inner) ?? "{\(mark)}"
    }

    private func server(_ name: String, _ inner: String) -> String? {
        switch name {
        case "now": "clock_timestamp()"
        case "after": "(clock_timestamp() + (\(inner))::bigint * interval '1 millisecond')"
        case "epoch": "floor(extract(epoch FROM \(inner)))::bigint"
        case "since": "floor(extract(epoch FROM clock_timestamp() - \(inner)) * 1000)::bigint"
        case "hour": "extract(hour FROM \(inner) AT TIME ZONE 'UTC')::int"
        case "today": "(clock_timestamp() AT TIME ZONE 'UTC')::date"
        case "yesterday": "((clock_timestamp() AT TIME ZONE 'UTC')::date - 1)"
        case "daybefore": "((clock_timestamp() AT TIME ZONE 'UTC')::date - 2)"
        case "in": "= ANY(\(inner)::bigint[])"
        case "locked": inner.isEmpty ? "FOR UPDATE" : "FOR UPDATE \(inner)"
        case "least": "LEAST"
        case "greatest": "GREATEST"
        case "ours": FinishText.isOurs
        default: nil
        }
    }

    private mutating func sqlite(_ name: String, _ inner: String) -> String? {
        let format = "'%Y-%m-%dT%H:%M:%fZ'"
        switch name {
        case "now":
            usesMoment = true
            return moment
        case "after":
            usesMoment = true
            return "strftime(\(format), \(moment), ((\(inner)) / 1000.0) || ' seconds')"
        case "epoch": return "CAST(strftime('%s', \(inner)) AS INTEGER)"
        case "since":
            usesMoment = true
            return "CAST(round((julianday(\(moment)) - julianday(\(inner))) * 86400000) AS INTEGER)"
        case "hour": return "CAST(strftime('%H', \(inner)) AS INTEGER)"
        case "today":
            usesMoment = true
            return "date(\(moment))"
        case "yesterday":
            usesMoment = true
            return "date(\(moment), '-1 day')"
        case "daybefore":
            usesMoment = true
            return "date(\(moment), '-2 days')"
        case "in": return "IN (SELECT value FROM json_each(\(inner)))"
        case "locked": return ""
        case "least": return "min"
        case "greatest": return "max"
        case "ours": return "TRUE"
        default: return nil
        }
    }

    private func endOfCast(from start: Int) -> Int {
        var index = start
        while index < source.count, source[index].isLetter || source[index].isNumber { index += 1 }
        if source[min(index, source.count)...].starts(with: "[]") { index += 2 }
        return index
    }

    private static func highestParameter(_ text: [Character]) -> Int {
        var highest = 0
        for index in text.indices where text[index] == "$" {
            let digits = text[(index + 1)...].prefix { $0.isNumber }
            if let number = Int(String(digits)) { highest = max(highest, number) }
        }
        return highest
    }
}
