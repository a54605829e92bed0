// What the server itself refuses about a well-formed head, the same for both protocols.

import EventLoop

extension HTTPServer {
    /// The refusal that comes before the handler is asked.
    func refusal(of head: HTTPRequestHead) -> HTTPResponse? {
        guard head.method != .connect, head.method != .trace else {
            reject(.method)
            return .text(501, HTTPStatus.text(501))
        }
        guard !isDraining else { return .text(503, "shutting down") }
        guard head.expectation != .unknown else {
            reject(.framing)
            return .text(417, HTTPStatus.text(417))
        }
        return nil
    }

    /// The refusal of a body that the handler would accept.
    func bodyRefusal(of head: HTTPRequestHead) -> HTTPResponse? {
        guard head.isChunked || (head.contentLength ?? 1) > 0 else { return nil }
        for coding in head.headers.all("content-encoding") where coding.lowercased() != "identity" {
            reject(.body)
            return .text(415, HTTPStatus.text(415))
        }
        return nil
    }

    /// Counts something refused.
    func reject(_ reason: Rejection) {
        rejections[reason, default: 0] += 1
        HTTPServerMetrics.count(reason)
    }
}
