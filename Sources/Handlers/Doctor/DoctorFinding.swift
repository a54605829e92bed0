// What a check found: how bad it is, why, and what to do.

import Observability

/// How bad a finding is.
public enum DoctorOutcome: String, Sendable, CaseIterable {
    /// As it should be.
    case ok
    /// It works, and somebody should look at it.
    case warning
    /// It does not work, or will not.
    case failure
    /// There is nothing of this kind in this set-up.
    case notApplicable = "n/a"
    /// It could not be found out.
    case unknown
}

/// What a check found. Thrown by what cannot go on without a fact.
public struct DoctorFinding: Error, Sendable, Equatable {
    /// How bad it is.
    public let outcome: DoctorOutcome
    /// What was seen, in sentences.
    public let why: String
    /// What to do; `nil` when there is nothing to be done.
    public let fix: String?

    static func ok(_ why: String) -> DoctorFinding { DoctorFinding(outcome: .ok, why: why, fix: nil) }
    static func notApplicable(_ why: String) -> DoctorFinding {
        DoctorFinding(outcome: .notApplicable, why: why, fix: nil)
    }
    static func unknown(_ why: String) -> DoctorFinding { DoctorFinding(outcome: .unknown, why: why, fix: nil) }
    static func warning(_ why: String, fix: String) -> DoctorFinding {
        DoctorFinding(outcome: .warning, why: why, fix: fix)
    }
    static func failure(_ why: String, fix: String) -> DoctorFinding {
        DoctorFinding(outcome: .failure, why: why, fix: fix)
    }

    /// Several findings of one check as one: the worst outcome, and the words of the worst first, some of them.
    static func all(_ findings: [DoctorFinding], ifNone ok: DoctorFinding) -> DoctorFinding {
        let sorted =
            findings.filter { $0.outcome == .failure } + findings.filter { $0.outcome == .warning }
        guard let worst = sorted.first else { return ok }
        let shown = 3
        var why = sorted.prefix(shown).map(\.why).joined(separator: " ")
        if sorted.count > shown { why += " And \(sorted.count - shown) more." }
        var fixes: [String] = []
        for fix in sorted.prefix(shown).compactMap(\.fix) where !fixes.contains(fix) { fixes.append(fix) }
        return DoctorFinding(outcome: worst.outcome, why: why, fix: fixes.joined(separator: " "))
    }

    /// The same without secrets, since some words come from libraries and from Telegram. A short one is left: it would
    /// blank out words of ours (`nezuko` is a popular password of databases), and libpq shows none.
    func without(_ secrets: [String]) -> DoctorFinding {
        let redactor = Redactor(secrets: secrets.filter { $0.utf8.count >= 8 })
        return DoctorFinding(outcome: outcome, why: redactor.redact(why), fix: fix.map { redactor.redact($0) })
    }
}
