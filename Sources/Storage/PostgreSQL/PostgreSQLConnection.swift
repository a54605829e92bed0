// One connection in pipeline mode: sends transactions, matches results with callers, comes back after a loss.

import CPQ
import EventLoop

/// A connection that heals itself. Requests given to it while it is away wait for at most a second.
@IO
final class PostgreSQLConnection {
    private enum State {
        case away
        case connecting(OpaquePointer)
        case open(OpaquePointer)
        case closed
    }

    /// A message whose results are to come, in the order of sending.
    private enum Step {
        case prepare(PostgreSQLRequest, text: String)
        case statement(PostgreSQLRequest, index: Int)
        case sync(PostgreSQLRequest)
    }

    private let target: PostgreSQLTarget
    /// Texts run after each connect: settings of the session, LISTEN.
    private let setup: [String]
    private var state = State.away
    private var watch: Watch?
    private var steps: [Step] = []
    private var firstStep = 0
    private var waiting: [PostgreSQLRequest] = []
    private var prepared: [String: String] = [:]
    /// The same by `textID`, for those that have one.
    private var known: [Int: String] = [:]
    private var preparedCount = 0
    private var sentCount = 0
    private static let firstReplan = 256
    private var replanAt = firstReplan
    private var failures = 0
    private var timer: LoopTimer?
    private var isReady = false
    private var wasReady = false
    private var firstAttempt = Completion<Void, Never>()

    /// Called with channel and payload of each notification, and without a channel after each return from a loss.
    var onNotification: ((_ channel: String?, _ payload: String) -> Void)?

    init(target: PostgreSQLTarget, setup: [String]) {
        self.target = target
        self.setup = setup
    }

    /// Whether transactions can be sent now.
    var isOpen: Bool { isReady }
    /// Messages without an answer and transactions that wait to be sent.
    var load: Int { steps.count - firstStep + waiting.count }

    /// Begins to connect; returns when the first attempt has succeeded or failed.
    func start() async {
        connect()
        await firstAttempt.wait()
    }

    /// Sends a transaction; while away it waits for the connection for at most a second.
    func submit(_ request: PostgreSQLRequest) {
        if case .open(let handle) = state, isReady {
            send(request, handle)
            replanIfGrown(handle)
            flush()
            return
        }
        guard case .closed = state else {
            waiting.append(request)
            Loop.shared.schedule(afterMilliseconds: 1000) { [self] in
                guard let index = waiting.firstIndex(where: { $0 === request }) else { return }
                waiting.remove(at: index)
                request.completion.finish(.failure(.unavailable))
            }
            return
        }
        request.completion.finish(.failure(.unavailable))
    }

    /// Cuts a connection that does not answer; the next one is made at once.
    func cut(_ request: PostgreSQLRequest) {
        let isInFlight = steps[firstStep...].contains { step in
            if case .sync(let sent) = step { sent === request } else { false }
        }
        if isInFlight { lose() }
    }

    /// Ends the connection; what has no answer fails.
    func close() {
        drop()
        state = .closed
        timer?.cancel()
        for request in waiting { request.completion.finish(.failure(.unavailable)) }
        waiting = []
        firstAttempt.finish(.success(()))
    }

    // MARK: - Connecting

    private func connect() {
        guard case .away = state else { return }
        Task { @IO in
            let parameters = await target.resolved(attempt: failures)
            guard case .away = state else { return }
            guard let parameters, let handle = parameters.start() else { return retryLater() }
            state = .connecting(handle)
            timer = Loop.shared.schedule(afterMilliseconds: target.connectMilliseconds) { [self] in lose() }
            poll(handle, asked: PGRES_POLLING_WRITING)
        }
    }

    /// libpq may change the socket between two calls, so the watch lives for one call only.
    private func poll(_ handle: OpaquePointer, asked: PostgresPollingStatusType) {
        guard PQstatus(handle) != CONNECTION_BAD, PQsocket(handle) >= 0 else { return lose() }
        watch = Loop.shared.watch(PQsocket(handle), asked == PGRES_POLLING_READING ? .read : .write) { [self] _ in
            watch?.cancel()
            watch = nil
            let next = PQconnectPoll(handle)
            switch next {
            case PGRES_POLLING_OK: opened(handle)
            case PGRES_POLLING_READING, PGRES_POLLING_WRITING: poll(handle, asked: next)
            default: lose()
            }
        }
    }

    private func opened(_ handle: OpaquePointer) {
        timer?.cancel()
        guard PQsetnonblocking(handle, 1) == 0, PQenterPipelineMode(handle) == 1 else { return lose() }
        state = .open(handle)
        watch = Loop.shared.watch(PQsocket(handle), .read) { [self] ready in isReadable(ready) }
        let request = PostgreSQLRequest(setup.map { SQLStatement($0) })
        send(request, handle)
        flush()
        Task { @IO in
            do { _ = try await request.completion.wait() } catch {
                // A loss has been dealt with; a refusal of the settings is treated as one.
                if case .open(let current) = state, current == handle { lose() }
                return
            }
            guard case .open(let current) = state, current == handle else { return }
            settled(handle)
        }
    }

    private func settled(_ handle: OpaquePointer) {
        failures = 0
        isReady = true
        if wasReady { onNotification?(nil, "") }
        wasReady = true
        firstAttempt.finish(.success(()))
        let requests = waiting
        waiting = []
        for request in requests { send(request, handle) }
        flush()
    }

    /// The connection is gone: those in flight have an unknown outcome.
    private func lose() {
        if case .closed = state { return }
        drop()
        state = .away
        retryLater()
    }

    private func drop() {
        isReady = false
        timer?.cancel()
        watch?.cancel()
        watch = nil
        switch state {
        case .connecting(let handle), .open(let handle): PQfinish(handle)
        case .away, .closed: break
        }
        prepared = [:]
        known = [:]
        // The next session plans anew.
        sentCount = 0
        replanAt = Self.firstReplan
        let lost = steps[firstStep...]
        steps = []
        firstStep = 0
        for case .sync(let request) in lost { request.completion.finish(.failure(.unavailable)) }
    }

    private func retryLater() {
        firstAttempt.finish(.success(()))
        failures += 1
        let pause = min(2000, Int64(50) << Int64(min(failures, 8)))
        timer = Loop.shared.schedule(afterMilliseconds: Int64.random(in: pause / 2...pause)) { [self] in connect() }
    }

    // MARK: - Sending

    private func send(_ request: PostgreSQLRequest, _ handle: OpaquePointer) {
        request.beginAttempt()
        for (index, statement) in request.statements.enumerated() {
            guard send(statement, index, request, handle) else { return lose() }
        }
        steps.append(.sync(request))
        guard PQpipelineSync(handle) == 1 else { return lose() }
    }

    /// The server keeps a plan that it made for a small table. Twice as many transactions later it looks again.
    private func replanIfGrown(_ handle: OpaquePointer) {
        sentCount += 1
        guard sentCount >= replanAt else { return }
        replanAt *= 2
        send(PostgreSQLRequest([SQLStatement("DISCARD PLANS")]), handle)
    }

    /// False: libpq could not take the message.
    private func send(
        _ statement: SQLStatement, _ index: Int, _ request: PostgreSQLRequest, _ handle: OpaquePointer
    ) -> Bool {
        let arguments = PostgreSQLArguments(statement.parameters)
        // Definitions run once; everything else is prepared once a connection.
        if arguments.count == 0, Self.isDefinition(statement.text) {
            steps.append(.statement(request, index: index))
            return PQsendQueryParams(handle, statement.text, 0, nil, nil, nil, nil, 0) == 1
        }
        let name: String
        if let found = known[statement.textID] {
            name = found
        } else if let found = prepared[statement.text] {
            name = found
        } else {
            preparedCount += 1
            name = "s\(preparedCount)"
            prepared[statement.text] = name
            if statement.textID != 0 { known[statement.textID] = name }
            steps.append(.prepare(request, text: statement.text))
            guard PQsendPrepare(handle, name, statement.text, 0, nil) == 1 else { return false }
        }
        steps.append(.statement(request, index: index))
        return arguments.with { PQsendQueryPrepared(handle, name, arguments.count, $0, nil, nil, 0) == 1 }
    }

    /// Rare, so all numbers are looked up anew.
    private func forget(_ text: String) {
        prepared[text] = nil
        known = [:]
    }

    private static func isDefinition(_ text: String) -> Bool {
        ["CREATE ", "ALTER ", "DROP ", "LISTEN ", "DISCARD "].contains { text.hasPrefix($0) }
    }

    private func flush() {
        guard case .open(let handle) = state else { return }
        switch PQflush(handle) {
        case 0: watch?.update(.read)
        case 1: watch?.update([.read, .write])
        default: lose()
        }
    }

    // MARK: - Receiving

    private func isReadable(_ ready: Readiness) {
        guard case .open(let handle) = state else { return }
        if ready.contains(.read) {
            guard PQconsumeInput(handle) == 1 else { return lose() }
            takeResults(handle)
            takeNotifications(handle)
        }
        if ready.contains(.write) { flush() }
    }

    private func takeResults(_ handle: OpaquePointer) {
        var separators = 0
        while firstStep < steps.count, PQisBusy(handle) == 0 {
            guard let result = PQgetResult(handle) else {
                // Separates the results of two messages; more in a row say that nothing is there.
                separators += 1
                if separators > 2 { break }
                continue
            }
            separators = 0
            let step = steps[firstStep]
            firstStep += 1
            take(result, of: step, handle)
            PQclear(result)
            guard case .open(let current) = state, current == handle else { return }
        }
        if firstStep == steps.count {
            steps.removeAll(keepingCapacity: true)
            firstStep = 0
        } else if firstStep > 1000 {
            steps.removeFirst(firstStep)
            firstStep = 0
        }
    }

    private func take(_ result: OpaquePointer, of step: Step, _ handle: OpaquePointer) {
        let status = PQresultStatus(result)
        switch step {
        case .prepare(let request, let text):
            guard status != PGRES_COMMAND_OK else { return }
            forget(text)
            note(result, status, request)
        case .statement(let request, let index):
            switch status {
            case PGRES_TUPLES_OK: request.results[index] = PostgreSQLValues.rows(result)
            case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: break
            default:
                note(result, status, request)
                if ["26000", "0A000"].contains(request.failure) { forget(request.statements[index].text) }
            }
        case .sync(let request):
            // Only now is it stored (or rolled back) for certain.
            guard status == PGRES_PIPELINE_SYNC else { return lose() }
            if request.mayRetry, !request.completion.isFinished {
                send(request, handle)
                flush()
            } else {
                request.finish()
            }
        }
    }

    /// Keeps the first refusal; what was not run because of it has none of its own.
    private func note(_ result: OpaquePointer, _ status: ExecStatusType, _ request: PostgreSQLRequest) {
        guard status != PGRES_PIPELINE_ABORTED, request.failure == nil else { return }
        let sqlState: Int32 = 67  // PG_DIAG_SQLSTATE is 'C', which Swift does not import.
        request.failure = PQresultErrorField(result, sqlState).map { String(cString: $0) } ?? ""
    }

    private func takeNotifications(_ handle: OpaquePointer) {
        guard isReady || onNotification != nil, case .open(let current) = state, current == handle else { return }
        while let notification = PQnotifies(handle) {
            let payload = notification.pointee.extra.map { String(cString: $0) } ?? ""
            let channel = notification.pointee.relname.map { String(cString: $0) }
            PQfreemem(notification)
            if let channel { onNotification?(channel, payload) }
        }
    }
}
