// The house's rules: imports are those that Package.swift declares, arrows point down, no Foundation in the server.

import Foundation
import Testing

/// The rooms as Package.swift declares them and as their sources import.
private struct House {
    /// What Package.swift lets a room import.
    private(set) var declared: [String: Set<String>] = [:]
    /// Imports of each room with the files in which they stand.
    private(set) var imports: [String: [(module: String, file: String)]] = [:]

    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    init() throws {
        let manifest = try String(contentsOf: Self.root.appending(path: "Package.swift"), encoding: .utf8)
        let room = /room\(\s*"(\w+)",\s*\[([^\]]*)\]/
        let executable = /\.executableTarget\(\s*name: "(\w+)",\s*dependencies: \[([^\]]*)\]/
        for match in manifest.matches(of: room) { declared[String(match.1)] = Self.names(match.2) }
        for match in manifest.matches(of: executable) { declared[String(match.1)] = Self.names(match.2) }

        let line =
            /^\s*(?:@\w+\s+)*(?:public |package |internal |private |fileprivate )?import (?:struct |class |enum |func |protocol |typealias |var |let )?(\w+)/
        for room in declared.keys {
            let folder = Self.root.appending(path: "Sources/\(room)")
            let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
            while let file = files?.nextObject() as? URL {
                guard file.pathExtension == "swift" else { continue }
                for text in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
                    guard let match = try line.prefixMatch(in: text) else { continue }
                    imports[room, default: []].append((String(match.1), "Sources/\(room)/\(file.lastPathComponent)"))
                }
            }
        }
    }

    private static func names(_ list: Substring) -> Set<String> {
        Set(list.matches(of: /"(\w+)"/).map { String($0.1) })
    }
}

@Suite("House")
struct HouseTests {
    /// Modules of the toolchain that a server room may use.
    private static let toolchain: Set = ["Glibc", "Synchronization"]

    @Test func `rooms are found`() throws {
        let house = try House()
        #expect(house.declared.count >= 12)
        #expect(house.declared["JSON"] == [])
        #expect(house.declared["Observability"] == ["EventLoop", "JSON"])
        #expect(house.imports["Observability"]?.contains { $0.module == "EventLoop" } == true)
    }

    @Test func `a room imports only what Package.swift gives it`() throws {
        let house = try House()
        for (room, imports) in house.imports.sorted(by: { $0.key < $1.key }) {
            let allowed = Self.toolchain.union(house.declared[room] ?? [])
            for (module, file) in imports where !allowed.contains(module) {
                Issue.record("\(file) imports \(module), which Package.swift does not give to \(room)")
            }
        }
    }

    @Test func `no Foundation in the server`() throws {
        for (_, imports) in try House().imports {
            for (module, file) in imports where module.hasPrefix("Foundation") {
                Issue.record("\(file) imports \(module)")
            }
        }
    }

    @Test func `no room stands above itself`() throws {
        let declared = try House().declared
        func reaches(_ room: String, _ goal: String, _ seen: inout Set<String>) -> Bool {
            guard seen.insert(room).inserted else { return false }
            let lower = declared[room] ?? []
            return lower.contains(goal) || lower.sorted().contains { reaches($0, goal, &seen) }
        }
        for room in declared.keys {
            var seen: Set<String> = []
            #expect(!reaches(room, room, &seen), "\(room) imports itself in a circle")
        }
    }
}
