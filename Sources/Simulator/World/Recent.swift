// Values by id of which only the latest are kept: a world that runs for days must not grow for ever.

/// A dictionary that forgets its oldest values.
struct Recent<Value: Sendable>: Sendable {
    private let limit: Int
    private var values: [String: Value] = [:]
    /// Ids in the order in which they came; those before `first` are forgotten.
    private var order: [String] = []
    private var first = 0

    init(limit: Int = 10_000) { self.limit = limit }

    /// The values that are kept, in no order.
    var all: Dictionary<String, Value>.Values { values.values }

    /// Setting a value of a new id may forget the oldest.
    subscript(_ id: String) -> Value? {
        get { values[id] }
        set {
            let isNew = values[id] == nil && newValue != nil
            values[id] = newValue
            guard isNew else { return }
            order.append(id)
            while order.count - first > limit {
                values[order[first]] = nil
                first += 1
            }
            if first > limit {
                order.removeFirst(first)
                first = 0
            }
        }
    }
}
