// The order in which ends of attempts are stored: those of one decision together, where that costs nobody time.

import Domain

/// Ends that wait to be stored, oldest first.
///
/// Effects of one decision end within milliseconds of each other, and each end changes the decision's row and mostly
/// the ledger's. An end whose decision has others under way lets ends pass that wait for nobody, once; who is alone
/// is not kept.
struct EndsQueue<End> {
    private struct Entry {
        let end: End
        let decision: Int64?
        var mayWait = true
    }

    private var entries: [Entry] = []
    /// How many effects of a decision are being performed here.
    private var underWay: [Int64: Int] = [:]

    var isEmpty: Bool { entries.isEmpty }

    /// Effects that are about to be performed: the end of each will come, and is noted.
    mutating func expect(_ effects: [Effect]) {
        guard effects.count > 1 else { return }
        for effect in effects {
            if let decision = effect.decision { underWay[decision, default: 0] += 1 }
        }
    }

    /// An attempt at an effect of the decision is over.
    mutating func noteEnd(of decision: Int64?) {
        guard let decision, let count = underWay[decision] else { return }
        underWay[decision] = count > 1 ? count - 1 : nil
    }

    mutating func append(_ end: End, decision: Int64?) {
        entries.append(Entry(end: end, decision: decision))
    }

    /// Takes those that are next, at most `limit`: who waits for nobody, or else whoever is there.
    mutating func next(_ limit: Int) -> [End] {
        var group: [Entry] = []
        var others: [Entry] = []
        for var entry in entries {
            let waits = entry.mayWait && entry.decision.map { underWay[$0] != nil } ?? false
            if waits || group.count == limit {
                if waits { entry.mayWait = false }
                others.append(entry)
            } else {
                group.append(entry)
            }
        }
        if group.isEmpty {
            group = Array(others.prefix(limit))
            others.removeFirst(group.count)
        }
        entries = others
        return group.map(\.end)
    }
}
