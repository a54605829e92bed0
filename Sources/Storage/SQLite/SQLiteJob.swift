// One caller's wish to SQLite's thread.

import EventLoop
import Synchronization

/// What one caller wants of the thread.
final class SQLiteJob: Sendable {
    enum Work: Sendable {
        /// Statements of one transaction.
        case statements([SQLStatement])
        /// A text that must stand outside of a transaction.
        case bare(String)
    }

    let work: Work
    let priority: SQLPriority
    let completion: Completion<[[SQLRow]], StoreError>
    /// Set when the caller has its answer already (its time was up): what has not begun is left out.
    let isAbandoned = Atomic<Bool>(false)
    /// Rows of the statements that are committed already: those of a log batch that made room for somebody urgent.
    let committed = Mutex<[[SQLRow]]>([])

    init(_ work: Work, _ priority: SQLPriority, _ completion: Completion<[[SQLRow]], StoreError>) {
        self.work = work
        self.priority = priority
        self.completion = completion
    }
}
