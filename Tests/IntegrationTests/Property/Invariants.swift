// What must be true of every run when faults have stopped and a minute has passed.

import Domain
import EventLoop
import JSON
import Storage

@testable import Simulator

/// Compares the simulated world with the rows.
@IO
struct Invariants {
    let property: PropertyWorld

    /// What is not as it must be, one line each.
    func violations() async throws -> [String] {
        guard let stored = try await property.world.store.group(ChatID(property.group)) else {
            return ["the group is gone"]
        }
        return try await messages() + holds(stored) + mutes() + decisions() + calls()
    }

    /// No message of somebody who was not subscribed when writing stands.
    private func messages() -> [String] {
        property.written.filter { $0.mustGo && property.simulator.stands($0.id, in: property.group) }.map {
            "message \($0.id) of \($0.person) stands (step \($0.step))"
        }
    }

    /// Nobody is held who need not be, and whoever is held was told.
    private func holds(_ stored: ProtectedGroup) async throws -> [String] {
        var found: [String] = []
        let now = WallClock.now.seconds
        for person in property.people {
            guard let hold = try await property.world.store.openHold(of: UserID(person), in: stored.id) else {
                continue
            }
            let member = property.simulator.member(person, in: property.group)
            if hold.state == .lifting || hold.state == .intended { found.append("\(person) is \(hold.state) for ever") }
            if !hold.isTold { found.append("\(person) is held and was not told") }
            if property.isSubscribed(person, to: stored), !property.unseen.contains(person) {
                found.append("\(person) is subscribed and held")
            }
            if stored.isExempt(UserID(person), atSeconds: now), !property.unsureWords.contains(person) {
                found.append("\(person) is exempt and held")
            }
            if !stored.isEnabled { found.append("\(person) is held in a group that is not protected") }
            if member.status == .administrator { found.append("\(person) is administrator and held") }
        }
        return found
    }

    /// Whom the bot muted is in the ledger, and the administrators' word stands.
    private func mutes() async throws -> [String] {
        var found: [String] = []
        for person in property.people {
            let member = property.simulator.member(person, in: property.group)
            let isMuted = !property.simulator.permissions(of: person, in: property.group).contains(.sendMessages)
            let isHeld = try await property.world.store.openHold(of: UserID(person), in: ChatID(property.group)) != nil
            let isByAdmin = property.mutedByAdmin.contains(person)
            let isRestricted = member.status == .restricted && isMuted
            if isRestricted, !isHeld, !isByAdmin { found.append("\(person) is muted and nobody knows why") }
            if isByAdmin, member.status != .kicked, member.isMember, !isMuted {
                found.append("\(person) was muted by an administrator and may write")
            }
        }
        return found
    }

    /// Each hold has its decision, and so has each release that rules or administrators made.
    private func decisions() async throws -> [String] {
        var found = try Replay.differences(of: try await Replay.stored(in: property.world.database))
        let undecided = try await property.world.ask(
            """
            SELECT u.id FROM user_restrictions u WHERE NOT EXISTS (SELECT 1 FROM decisions d
                WHERE d.id = u.decision_id AND d.outcome = 'hold' AND d.user_id = u.user_id)
            """)
        if !undecided.isEmpty { found.append("holds without a decision: \(undecided)") }
        for person in property.people {
            // A hold that turns out to be of somebody banned or promoted ends by its own attempt, not by a decision.
            let released = try await property.world.ask(
                """
                SELECT count(*) FROM user_restrictions WHERE user_id = \(person)
                    AND release_reason IN ('verified', 'event', 'left')
                """)
            let decided = try await property.world.ask(
                "SELECT count(*) FROM decisions WHERE user_id = \(person) AND outcome = 'release'")
            // An administrator's word about somebody who was being released already is a decision of its own, and so
            // is the end of protection by the bot's removal.
            let closed = try await property.world.ask(
                """
                SELECT count(*) + sum(CASE WHEN release_reason IN ('admin', 'admin_restricted', 'left') THEN 1 ELSE 0 END)
                FROM user_restrictions WHERE user_id = \(person) AND release_reason IS NOT NULL
                """)
            if let released = Int(released), let decided = Int(decided), let closed = Int(closed),
                decided < released || decided > closed && !property.wasThrownOut
            {
                found.append("\(person): \(decided) decisions for \(released) to \(closed) releases")
            }
        }
        return found
    }

    /// Each attempt is a row; those that were answered are as many as the other side answered.
    private func calls() async throws -> [String] {
        for replica in property.replicas {
            guard await replica.log.flush() else { return ["the log cannot be written"] }
        }
        let rows = try await property.world.ask("SELECT count(*) FROM api_call_log")
        let answered = try await property.world.ask(
            "SELECT count(*) FROM api_call_log WHERE error_class IS NULL OR error_class <> 'NetworkError'")
        let calls = property.simulator.calls
        var found: [String] = []
        if rows != String(calls.count) { found.append("\(rows) rows for \(calls.count) calls") }
        // What was answered may have been lost on its way, on purpose.
        let given = calls.count { $0.status != 0 }
        let sure = calls.count { $0.status != 0 && !$0.isFault }
        if let answered = Int(answered), answered < sure || answered > given {
            found.append("\(answered) answered rows for \(sure) to \(given) answers")
        }
        return found
    }
}
