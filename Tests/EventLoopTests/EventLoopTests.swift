// The loop's promises: isolation, timers, descriptors, results.

import EventLoop
import Glibc
import Testing

@Suite("Loop", .serialized)
struct LoopTests {
    @Test @IO
    func `jobs of IO run on the loop thread`() async {
        let before = pthread_self()
        await offload { #expect(pthread_equal(pthread_self(), before) == 0) }
        #expect(pthread_equal(pthread_self(), before) != 0)
        #expect(IO.assume { true })
    }

    @Test @IO
    func `timers fire in order of their deadlines, cancelled ones never`() async {
        let done = Completion<[Int], Never>()
        var fired: [Int] = []
        let loop = Loop.shared
        loop.schedule(afterMilliseconds: 30) {
            fired.append(3); done.finish(.success(fired))
        }
        loop.schedule(afterMilliseconds: 10) {
            fired.append(1); loop.schedule(afterMilliseconds: 5) { fired.append(2) }
        }
        loop.schedule(afterMilliseconds: 1) { fired.append(0) }.cancel()
        let late = loop.schedule(afterMilliseconds: 2) { fired.append(9) }
        late.postpone(toMilliseconds: 3_600_000)
        #expect(await done.wait() == [1, 2, 3])
        #expect(late.isPending)
        late.cancel()
    }

    @Test @IO
    func `a readable descriptor calls its watch until it is cancelled`() async {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        let seen = Completion<Readiness, Never>()
        let watch = Loop.shared.watch(ends[0], .read) { seen.finish(.success($0)) }
        _ = write(ends[1], "x", 1)
        #expect(await seen.wait() == .read)
        watch.cancel()
        close(ends[0])
        close(ends[1])
    }

    @Test @IO
    func `what comes after the events comes before the tasks that waited for them`() async {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        var order: [String] = []
        let seen = Completion<Void, Never>()
        let watch = Loop.shared.watch(ends[0], .read) { _ in
            guard order.isEmpty else { return }
            order.append("event")
            Loop.shared.afterEvents { order.append("after events") }
            seen.finish(.success(()))
        }
        _ = write(ends[1], "x", 1)
        await seen.wait()
        order.append("task")
        #expect(order == ["event", "after events", "task"])
        watch.cancel()
        close(ends[0])
        close(ends[1])
    }

    @Test @IO
    func `advancing the clock makes a far timer due`() async {
        let done = Completion<Void, Never>()
        Loop.shared.schedule(afterMilliseconds: 10_000_000) { done.finish(.success(())) }
        Loop.shared.advance(milliseconds: 10_000_001)
        await done.wait()
    }

    @Test @IO
    func `the first result of a completion counts, for all waiters`() async {
        let completion = Completion<Int, Never>()
        let first = Task { @IO in await completion.wait() }
        let second = Task { @IO in await completion.wait() }
        completion.finish(.success(1))
        completion.finish(.success(2))
        #expect(await first.value + second.value == 2)
    }
}
