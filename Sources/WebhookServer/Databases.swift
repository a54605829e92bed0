// Opens the database that the configuration names.

import Configuration
import EventLoop
import Simulator
import Storage

extension Configuration {
    /// The bot's id; the simulated one's without a token.
    var botID: Int64 { Int64((botToken ?? SimulatorOptions().token).prefix { $0 != ":" }) ?? 0 }
}

@IO
enum Databases {
    /// The file of a simulated world, which begins anew at each start: what a real bot left in the default database
    /// is not touched. `nil`: a bot, or a database of somebody's own.
    static func simulatorFile(_ configuration: Configuration, isSimulated: Bool? = nil) -> String? {
        guard isSimulated ?? (configuration.botToken == nil),
            configuration.database == .sqlite(path: "\(configuration.stateDirectory)/nezuko.db")
        else { return nil }
        return "\(configuration.stateDirectory)/simulator.db"
    }

    /// Runs a command's work on the database that the configuration names, and says what went wrong with it.
    static func use(
        _ configuration: Configuration, for command: String,
        _ work: @IO (any Database) async throws(StoreError) -> ExitCode
    ) async -> ExitCode {
        do throws(StoreError) {
            let database = try await open(configuration, scratch: simulatorFile(configuration))
            do throws(StoreError) {
                let code = try await work(database)
                await database.close()
                return code
            } catch {
                await database.close()
                throw error
            }
        } catch {
            Terminal.error("nezuko \(command): \(error.advice)")
            return .database
        }
    }

    /// - Throws: `StoreError` when a SQLite file cannot be opened; a PostgreSQL server that is away is no error.
    ///
    /// - Parameter scratch: a SQLite file to open instead.
    static func open(
        _ configuration: Configuration, scratch: String? = nil
    ) async throws(StoreError) -> any Database {
        let url =
            if let scratch { "sqlite:\(scratch)" } else {
                switch configuration.database {
                case .sqlite(let path): "sqlite:\(path)"
                case .postgres(let url): url
                }
            }
        do {
            return try await Storage.open(url: url, poolMax: configuration.databasePoolMaximum)
        } catch {
            switch error {
            case .store(let error): throw error
            case .url: throw .refused(code: "url")  // the configuration has checked the kind already
            }
        }
    }
}
