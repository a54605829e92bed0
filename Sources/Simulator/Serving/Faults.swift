// Faults on purpose: the next calls of a method, or a share of all calls, fail in one of Telegram's ways.

/// One way in which a call fails.
public enum Fault: Sendable, Equatable {
    /// 429 with that many seconds to wait; nothing is done.
    case tooManyRequests(retryAfter: Int64)
    /// A 5xx; nothing is done.
    case serverError(Int)
    /// The connection ends without an answer; nothing is done.
    case cut
    /// The answer comes late; the call is done.
    case slow(milliseconds: Int64)
    /// The answer is not JSON, as behind a broken proxy; nothing is done.
    case malformed
    /// The call is done, and the connection ends without an answer.
    case answerLost
    /// This error of Telegram's: code and description.
    case refused(Int, String)
}

/// Shares of all calls that fail, each from 0 to 1.
public struct FaultRates: Sendable, Equatable {
    /// 429 with 1 to 5 s.
    public var tooManyRequests = 0.0
    /// 500 or 502.
    public var serverError = 0.0
    /// No answer.
    public var cut = 0.0
    /// 200 to 2000 ms late.
    public var slow = 0.0
    /// Not JSON.
    public var malformed = 0.0
    /// Done, but not answered.
    public var answerLost = 0.0

    /// No faults.
    public init() {}

    /// Reads percents as in `429=1,5xx=0.5,slow=2`; nothing if a name or number is not one.
    public init?(percents list: String) {
        for part in list.split(separator: ",", omittingEmptySubsequences: false) {
            let halves = part.split(separator: "=", maxSplits: 1)
            guard halves.count == 2, let percent = Double(halves[1]), (0...100).contains(percent) else { return nil }
            switch halves[0] {
            case "429": tooManyRequests = percent / 100
            case "5xx": serverError = percent / 100
            case "cut": cut = percent / 100
            case "slow": slow = percent / 100
            case "malformed": malformed = percent / 100
            case "lost": answerLost = percent / 100
            default: return nil
            }
        }
    }

    /// What the simulator of the first run does: seldom, but often enough to be seen.
    public static var low: FaultRates {
        var rates = FaultRates()
        rates.tooManyRequests = 0.005
        rates.serverError = 0.005
        rates.slow = 0.02
        return rates
    }
}

/// Decides which calls fail.
struct Faults {
    var rates = FaultRates()
    private var planned: [(method: String?, fault: Fault)] = []

    /// The next call of that method (`nil`: of any) fails so.
    mutating func plan(_ fault: Fault, method: String?) { planned.append((method?.lowercased(), fault)) }

    /// Nothing is planned any more.
    mutating func clear() {
        planned = []
        rates = FaultRates()
    }

    /// The fault of this call, if it has one.
    mutating func take(method: String, _ random: inout SplitMix64) -> Fault? {
        if let index = planned.firstIndex(where: { $0.method == nil || $0.method == method }) {
            return planned.remove(at: index).fault
        }
        guard rates != FaultRates() else { return nil }
        if random.happens(rates.tooManyRequests) { return .tooManyRequests(retryAfter: Int64(1 + random.below(5))) }
        if random.happens(rates.serverError) { return .serverError(random.below(2) == 0 ? 500 : 502) }
        if random.happens(rates.cut) { return .cut }
        if random.happens(rates.slow) { return .slow(milliseconds: Int64(200 + random.below(1800))) }
        if random.happens(rates.malformed) { return .malformed }
        return random.happens(rates.answerLost) ? .answerLost : nil
    }
}
