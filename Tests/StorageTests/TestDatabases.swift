// Databases of both engines for the suites of this target.

import EventLoop
import Foundation
import TestSupport
import Testing

@testable import Storage

/// The engines over which a test runs.
enum Engine: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case sqlite
    case postgreSQL

    var testDescription: String { rawValue }
}

@IO
enum TestDatabases {
    private static var template: Task<String, any Error>?

    /// A URL of a new, empty database.
    static func emptyURL(_ engine: Engine) async throws -> String {
        switch engine {
        case .sqlite: try "sqlite:" + temporaryFile()
        case .postgreSQL: try await offload { try PostgreSQLCluster.shared.get().makeDatabase() }
        }
    }

    /// A new database at head.
    static func migrated(_ engine: Engine) async throws -> any Database {
        switch engine {
        case .sqlite:
            let database = try await Storage.open(url: emptyURL(.sqlite))
            _ = try await Migrator.up(database)
            return database
        case .postgreSQL:
            let name = try await templateName()
            let url = try await offload { try PostgreSQLCluster.shared.get().makeDatabase(template: name) }
            return try await Storage.open(url: url, poolMax: 4)
        }
    }

    /// Path of a file that is not there yet, in a folder of its own.
    nonisolated static func temporaryFile() throws -> String { try TestFolder.make() + "/nezuko.db" }

    private static func templateName() async throws -> String {
        let task =
            template
            ?? Task { @IO in
                let url = try await emptyURL(.postgreSQL)
                let database = try await Storage.open(url: url, poolMax: 4)
                _ = try await Migrator.up(database)
                await database.close()
                return PostgreSQLCluster.name(in: url)
            }
        template = task
        return try await task.value
    }
}
