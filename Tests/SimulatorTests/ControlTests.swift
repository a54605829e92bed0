// The controls over HTTP: another process furnishes a world, lets people act, plans faults and asks.

import EventLoop
import HTTPServer
import JSON
import Testing

@testable import Simulator

@Suite(.timeLimit(.minutes(1)))
@IO
struct ControlTests {
    @Test @IO func `every control does what it says`() async throws {
        let served = try Served()
        defer { served.simulator.stop() }
        func control(_ name: String, _ body: String = "{}") async throws -> JSONValue {
            let reply = try await served.post("/control/\(name)", body)
            #expect(reply.status == 200, "\(name) \(body): \(reply.body)")
            return reply.body
        }
        func id(_ name: String, _ body: String) async throws -> Int64 {
            try #require(try await control(name, body)["id"]?.int)
        }
        let ann = try await id("addPerson", "{\"name\":\"Ann\",\"username\":\"ann\",\"language_code\":\"ru\"}")
        let bob = try await id("addPerson", "{\"name\":\"Bob\"}")
        let group = try await id("addGroup", "{\"title\":\"G\",\"owner\":\(ann),\"forum\":true}")
        let basic = try await id("addGroup", "{\"title\":\"B\",\"kind\":\"group\",\"owner\":\(ann)}")
        let channel = try await id("addChannel", "{\"title\":\"C\",\"username\":\"c\",\"owner\":\(ann)}")
        let topic = try await id("addTopic", "{\"chat\":\(group),\"name\":\"T\"}")
        let link = try #require(try await control("addLink", "{\"chat\":\(group)}")["link"]?.string)
        let both = "\"user\":\(bob),\"chat\":\(group)"
        let message = try #require(
            served.simulator.world.apply(
                "sendMessage",
                Parameters([
                    (key: "chat_id", value: .int(group)), (key: "text", value: .string("x")),
                    (
                        key: "reply_markup",
                        value: .string("{\"inline_keyboard\":[[{\"text\":\"Go\",\"callback_data\":\"go\"}]]}")
                    ),
                ]), now: WallClock.now
            ).result?["message_id"]?.int)
        let bobs = { served.simulator.member(bob, in: group) }
        let steps: [(name: String, body: String, isSo: () -> Bool)] = [
            ("link", "{\"channel\":\(channel),\"group\":\(group)}", { true }),
            ("join", "{\(both),\"link\":\"\(link)\"}", { bobs().status == .member }),
            ("write", "{\(both),\"text\":\"hello\",\"thread\":\(topic)}", { true }),
            ("album", "{\(both),\"count\":3}", { true }),
            ("speakAsChannel", "{\(both),\"channel\":\(channel),\"text\":\"hello\"}", { true }),
            ("press", "{\(both),\"message\":\(message),\"data\":\"go\"}", { true }),
            ("press", "{\(both),\"message\":\(message),\"button\":0}", { true }),
            ("restrict", "{\(both),\"permissions\":[\"can_send_photos\"]}", { bobs().permissions == .photos }),
            ("free", "{\(both)}", { bobs().status == .member }),
            ("promote", "{\(both),\"rights\":[\"can_invite_users\"]}", { bobs().may(.inviteUsers) }),
            ("promote", "{\(both),\"rights\":null}", { bobs().status == .member }),
            ("leave", "{\(both)}", { !bobs().isPresent }),
            ("askToJoin", "{\(both)}", { served.simulator.world.chats[group]?.joinRequests[bob] != nil }),
            ("ban", "{\(both)}", { bobs().status == .kicked }),
            ("ban", "{\(both),\"banned\":false}", { bobs().status == .left }),
            ("place", "{\(both),\"status\":\"administrator\"}", { bobs().isAdmin }),
            ("start", "{\"user\":\(bob),\"argument\":\"g\"}", { true }),
            ("writeToBot", "{\"user\":\(bob),\"text\":\"hello\"}", { true }),
            ("block", "{\"user\":\(bob)}", { served.simulator.world.persons[bob]?.hasBlocked == true }),
            (
                "botRights", "{\"chat\":\(channel),\"rights\":null}",
                { !served.simulator.member(123_456, in: channel).isAdmin }
            ),
            (
                "botPresence", "{\"chat\":\(channel),\"status\":\"kicked\"}",
                { served.simulator.member(123_456, in: channel).status == .kicked }
            ),
            ("migrate", "{\"chat\":\(basic)}", { served.simulator.world.chats[basic]?.migratedTo != nil }),
            ("raid", "{\"chat\":\(group),\"people\":3,\"seconds\":9}", { true }),
            ("faultRates", "{\"percents\":\"429=100\"}", { served.simulator.faults.rates.tooManyRequests == 1 }),
            ("faultRates", "{}", { served.simulator.faults.rates == FaultRates() }),
            ("clearFaults", "{}", { true }), ("clearCalls", "{}", { served.simulator.callCount() == 0 }),
            ("advance", "{\"milliseconds\":1000}", { true }),
        ]
        for step in steps {
            _ = try await control(step.name, step.body)
            #expect(step.isSo(), "\(step.name) \(step.body)")
        }
        #expect(try await control("message", "{\"chat\":\(group),\"message\":\(message)}")["stands"]?.bool == true)
        #expect(try await control("member", "{\(both)}")["status"]?.string == "administrator")
        #expect(try await control("botMessages", "{\"chat\":\(group)}")["messages"]?.array?.count == 1)
        #expect(try await control("answers")["answers"]?.array?.isEmpty == true)
        #expect(try await control("calls")["count"]?.int == 0)
        #expect(try await control("state")["people"]?.array?.count == 5)
    }

    @Test(arguments: [
        ("429", 429), ("500", 500), ("error", 400), ("slow", 200),
    ]) @IO
    func `a fault is planned for the next call of a method`(kind: String, status: Int) async throws {
        let served = try Served()
        defer { served.simulator.stop() }
        let fault = "{\"kind\":\"\(kind)\",\"method\":\"getMe\",\"milliseconds\":1,\"retry_after\":3}"
        let planned = try await served.post("/control/fault", fault)
        #expect(planned.status == 200)
        #expect(try await served.call("getWebhookInfo").status == 200)
        #expect(try await served.call("getMe").status == status)
        #expect(try await served.call("getMe").status == 200)
    }

    @Test(arguments: [
        ("fly", "{}", "no control has the name fly"), ("write", "{", "the body is not JSON"),
        ("write", "{}", "unknown"), ("write", "{\"user\":1,\"chat\":2}", "unknown"),
        ("fault", "{\"kind\":\"flood\"}", "unknown"), ("faultRates", "{\"percents\":\"x\"}", "unknown"),
    ]) @IO
    func `what cannot be done is 400 with a word why`(name: String, body: String, error: String) async throws {
        let served = try Served()
        defer { served.simulator.stop() }
        let reply = try await served.post("/control/\(name)", body)
        #expect(reply.status == 400 && reply.body["error"]?.string == error)
        #expect((reply.body["meaning"] != nil) == (error == "unknown"))
    }

    @Test @IO func `controls are served to this machine only`() async throws {
        let simulator = Simulator()
        let handler = SimulatorHandler(simulator: simulator, hasControls: false)
        guard case .refuse(let response) = handler.decide(HTTPRequestHead(method: .post, path: "/control/state"))
        else {
            Issue.record("the control was let in")
            return
        }
        #expect(response.status == 404)
    }
}
