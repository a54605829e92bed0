// When rows of one log table are written, again, or dropped: a pure state machine.

/// Rows that go to the database together, under an id that stays the same over all attempts.
struct Batch<Row: Sendable & Equatable>: Sendable, Equatable {
    var id: [UInt8]
    var rows: [Row]
}

/// What the writer has to do after an event.
enum BatchAction<Row: Sendable & Equatable>: Equatable {
    case none
    /// Call `timerFired` after the flush interval.
    case startTimer
    case write(Batch<Row>)
    /// Call `pauseEnded` after that time.
    case pause(milliseconds: Int64)
    case countDropped
}

/// The rows of one table between offer and database.
struct LogBatch<Row: Sendable & Equatable> {
    struct Limits: Sendable {
        /// Rows that are written together.
        var batch = 500
        /// Rows that wait at most.
        var waiting = 50_000
    }

    private enum State {
        /// Nothing is under way; the timer runs when rows wait.
        case filling
        /// Keeps its id until the database has answered: a retry cannot store rows twice.
        case writing(Batch<Row>, failures: Int)
        case pausing(Batch<Row>, failures: Int)
    }

    private var state = State.filling
    private var waiting = RowQueue<Row>()
    /// Parts of a refused batch, still to be tried; they go before what waits.
    private var parts: [Batch<Row>] = []
    private let limits: Limits
    private let makeID: @Sendable () -> [UInt8]

    init(limits: Limits = Limits(), makeID: @escaping @Sendable () -> [UInt8]) {
        self.limits = limits
        self.makeID = makeID
    }

    /// Rows that are not known to be stored.
    var count: Int {
        let inFlight =
            switch state {
            case .filling: 0
            case .writing(let batch, _), .pausing(let batch, _): batch.rows.count
            }
        return inFlight + waiting.count + parts.reduce(0) { $0 + $1.rows.count }
    }

    /// A row was produced. When too many wait the oldest makes room, since fresh rows explain an outage better.
    mutating func offered(_ row: Row) -> BatchAction<Row> {
        let isFull = waiting.count >= limits.waiting
        if isFull { waiting.removeFirst() }
        waiting.append(row)
        guard case .filling = state else { return isFull ? .countDropped : .none }
        if waiting.count >= limits.batch { return writeNext() }
        return waiting.count == 1 ? .startTimer : .none
    }

    /// The flush interval is over, or somebody awaits the rows.
    mutating func timerFired() -> BatchAction<Row> {
        guard case .filling = state, waiting.count > 0 else { return .none }
        return writeNext()
    }

    /// The batch is stored. A backlog goes on in full batches.
    mutating func written() -> BatchAction<Row> {
        state = .filling
        if !parts.isEmpty || waiting.count >= limits.batch { return writeNext() }
        return waiting.count > 0 ? .startTimer : .none
    }

    /// The outcome is unknown or the database away: the same batch again, after 0.5, 1, 2 … 30 s.
    mutating func failed() -> BatchAction<Row> {
        guard case .writing(let batch, let failures) = state else { return .none }
        state = .pausing(batch, failures: failures + 1)
        return .pause(milliseconds: min(30_000, Int64(500) << Int64(min(failures, 6))))
    }

    /// The pause is over, or the process ends and tries once more.
    mutating func pauseEnded() -> BatchAction<Row> {
        guard case .pausing(let batch, let failures) = state else { return .none }
        state = .writing(batch, failures: failures)
        return .write(batch)
    }

    /// The database refused a row, and so stored none: halves until the row is alone, and then drops it.
    ///
    /// - Returns: what to do, and whether a row was dropped.
    mutating func refused() -> (action: BatchAction<Row>, isDropped: Bool) {
        guard case .writing(let batch, _) = state else { return (.none, false) }
        let half = batch.rows.count / 2
        if half > 0 {
            parts.append(Batch(id: makeID(), rows: Array(batch.rows[half...])))
            parts.append(Batch(id: makeID(), rows: Array(batch.rows[..<half])))
        }
        return (written(), half == 0)
    }

    private mutating func writeNext() -> BatchAction<Row> {
        let batch = parts.popLast() ?? Batch(id: makeID(), rows: waiting.take(limits.batch))
        state = .writing(batch, failures: 0)
        return .write(batch)
    }
}

/// A queue whose head moves, so that taking from the front copies nothing.
struct RowQueue<Row: Sendable>: Sendable {
    private var rows: [Row] = []
    private var head = 0

    var count: Int { rows.count - head }

    mutating func append(_ row: Row) { rows.append(row) }

    mutating func removeFirst() { _ = take(1) }

    mutating func take(_ limit: Int) -> [Row] {
        let end = min(rows.count, head + limit)
        let taken = Array(rows[head..<end])
        head = end
        if head == rows.count {
            rows.removeAll(keepingCapacity: true)
            head = 0
        } else if head > 1024, head > rows.count / 2 {
            rows.removeFirst(head)
            head = 0
        }
        return taken
    }
}
