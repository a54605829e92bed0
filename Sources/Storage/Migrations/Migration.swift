// What a migration is: the same change in both engines' words, side by side, and its checksum.

import CSSL

/// The same statements for both engines.
struct MigrationText: Sendable {
    var postgreSQL: [String]
    var sqlite: [String]

    func statements(_ dialect: SQLDialect) -> [String] {
        switch dialect {
        case .postgreSQL: postgreSQL
        case .sqlite: sqlite
        }
    }
}

/// One numbered change of the schema and its way back.
struct Migration: Sendable {
    /// 1, 2, 3 …
    let version: Int
    let name: String
    /// Builds whose newest migration is older than this cannot run on the changed schema.
    let minimumCodeVersion: Int
    let up: MigrationText
    let down: MigrationText

    /// In the order in which they are applied.
    static let all: [Migration] = [
        earlierShape, addChartsAnalytics, outboxAndLedger, holdIndexes, effectOrder, adminAudit, decisionRoom,
        decisionUpkeep,
    ]
    /// The version that this code is written for.
    static let head = 8

    /// SHA-256 over both engines' texts, in hexadecimal digits.
    var checksum: String {
        var bytes: [UInt8] = []
        for text in [up.postgreSQL, up.sqlite, down.postgreSQL, down.sqlite] {
            for statement in text { bytes += statement.utf8 + [UInt8(ascii: ";"), UInt8(ascii: "\n")] }
            bytes.append(0)
        }
        var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        SHA256(bytes, bytes.count, &digest)
        return digest.reduce(into: "") { text, byte in
            for nibble in [byte >> 4, byte & 15] { text.append("0123456789abcdef".character(at: Int(nibble))) }
        }
    }
}

extension String {
    fileprivate func character(at offset: Int) -> Character { self[index(startIndex, offsetBy: offset)] }
}
