// Fuzz target: any bytes into the HTTP/1 parser, whole and byte by byte. Both ways must tell the same.

private func run(_ bytes: [UInt8], step: Int) -> [String] {
    var parser = HTTP1Parser(limits: HTTPLimits())
    var told: [String] = []
    var start = 0
    while start < bytes.count {
        let piece = Array(bytes[start..<min(start + step, bytes.count)])
        start += piece.count
        let isOver = piece.withUnsafeBytes { buffer in
            var position = 0
            while true {
                switch parser.feed(buffer, at: &position) {
                case .needsMore: return false
                case .head(let head):
                    told.append("head \(head.method) \(head.path) \(head.headers.count)")
                    do throws(HTTP1Failure) { try parser.acceptBody(limit: 4096) } catch {
                        told.append("too large")
                        return true
                    }
                case .body(let body, let isDiscarded): told.append("body \(body) \(isDiscarded)")
                case .failed(let failure):
                    told.append("failed \(failure)")
                    return true
                }
            }
        }
        if isOver { break }
    }
    return told
}

/// libFuzzer calls this with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHTTP1(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    precondition(run(bytes, step: max(count, 1)) == run(bytes, step: 1), "pieces change the meaning")
    return 0
}
