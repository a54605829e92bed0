// All connections of a server: their number, their buffered bytes, and whom to close to make room.

import EventLoop

/// Knows the open connections of one server and lends them the buffer they read into.
@IO
final class ConnectionRegistry {
    /// Where every connection reads; its content is used up before the next one reads.
    let readBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
    /// Called when the last connection is gone.
    var onEmpty: () -> Void = {}
    private(set) var bufferedBytes = 0
    var http2Count: Int { connections.count { $0.isHTTP2 } }
    private var connections: [Connection] = []

    isolated deinit { readBuffer.deallocate() }

    var count: Int { connections.count }

    func all() -> [Connection] { connections }

    func add(_ connection: Connection) {
        connection.registryIndex = connections.count
        connections.append(connection)
        HTTPServerMetrics.addConnections(1, isHTTP2: false)
    }

    func remove(_ connection: Connection) {
        let index = connection.registryIndex
        guard index >= 0 else { return }
        connection.registryIndex = -1
        HTTPServerMetrics.addConnections(-1, isHTTP2: connection.isHTTP2)
        let last = connections.removeLast()
        if last !== connection {
            connections[index] = last
            last.registryIndex = index
        }
        if connections.isEmpty { onEmpty() }
    }

    func addBuffered(_ delta: Int) { bufferedBytes += delta }

    /// A connection turned out to speak HTTP/2.
    func becameHTTP2() {
        HTTPServerMetrics.addConnections(-1, isHTTP2: false)
        HTTPServerMetrics.addConnections(1, isHTTP2: true)
    }

    /// Closes the connection idle for longest, or else the one that has gone longest without a whole request.
    ///
    /// False when all are at work.
    func makeRoom() -> Bool {
        var chosen: Connection?
        for connection in connections where connection.isIdle {
            if chosen.map({ connection.quietSince < $0.quietSince }) ?? true { chosen = connection }
        }
        if chosen == nil {
            for connection in connections where !connection.isWorking {
                if chosen.map({ connection.quietSince < $0.quietSince }) ?? true { chosen = connection }
            }
        }
        guard let chosen else { return false }
        chosen.close()
        return true
    }
}
