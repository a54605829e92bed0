// Finds misspelt names among our own prefixes. Other programs' variables are none of our business.

/// The names that we know, and the nearest of them to one that we do not.
struct NameSuggestion {
    private let names: [String]
    private let prefixes: Set<String>

    init() {
        names = Setting.all.flatMap { $0.isSecret ? [$0.name, $0.name + "_FILE"] : [$0.name] }
        prefixes = Set(names.compactMap(Self.prefix))
    }

    /// The known name within two edits of an unknown one, if it begins as ours do.
    func suggestion(for name: String) -> String? {
        guard !names.contains(name), let prefix = Self.prefix(name), prefixes.contains(prefix) else { return nil }
        let near = names.map { (distance: Self.distance(name, $0), name: $0) }.filter { $0.distance <= 2 }
        return near.min { ($0.distance, $0.name) < ($1.distance, $1.name) }?.name
    }

    /// `BOT_` of `BOT_TOKEN`; names of one word have none.
    private static func prefix(_ name: String) -> String? {
        name.firstIndex(of: "_").map { String(name[...$0]) }
    }

    /// Levenshtein's distance over bytes.
    private static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left.utf8)
        let right = Array(right.utf8)
        guard abs(left.count - right.count) <= 2 else { return 3 }
        var row = Array(0...right.count)
        for (index, byte) in left.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in right.indices {
                let substituted = diagonal + (byte == right[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(substituted, row[column] + 1, diagonal + 1)
            }
        }
        return row[right.count]
    }
}
