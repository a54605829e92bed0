// Responses as HTTP/1.1 bytes, appended to the connection's output.

/// Writes status line, headers and body.
enum HTTP1Writer {
    static func write(_ response: HTTPResponse, to output: inout [UInt8], keepsAlive: Bool, isHead: Bool) {
        append("HTTP/1.1 ", to: &output)
        appendDecimal(response.status, to: &output)
        output.append(UInt8(ascii: " "))
        append(HTTPStatus.phrase(response.status), to: &output)
        append("\r\n", to: &output)
        let hasBody = HTTPStatus.mayHaveBody(response.status)
        if hasBody {
            append("Content-Length: ", to: &output)
            appendDecimal(response.body.count, to: &output)
            append("\r\n", to: &output)
        }
        for (name, value) in response.headers where HTTPStatus.isSafe(value) {
            output.append(contentsOf: name.utf8)
            append(": ", to: &output)
            output.append(contentsOf: value.utf8)
            append("\r\n", to: &output)
        }
        append(keepsAlive ? "\r\n" : "Connection: close\r\n\r\n", to: &output)
        if hasBody, !isHead { output.append(contentsOf: response.body) }
    }

    private static func append(_ text: StaticString, to output: inout [UInt8]) {
        output.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private static func appendDecimal(_ number: Int, to output: inout [UInt8]) {
        if number >= 10 { appendDecimal(number / 10, to: &output) }
        output.append(UInt8(48 + number % 10))
    }
}

/// Names and rules of status codes.
enum HTTPStatus {
    /// Whether an answer of this status has a body and its length.
    static func mayHaveBody(_ status: Int) -> Bool { status >= 200 && status != 204 && status != 304 }

    /// Whether a header's value cannot end its line early.
    static func isSafe(_ value: String) -> Bool { value.utf8.allSatisfy(HTTPByte.isValue) }

    /// The body of an answer that the room itself gives.
    static func text(_ status: Int) -> String {
        phrase(status).withUTF8Buffer { String(decoding: $0, as: UTF8.self).lowercased() }
    }

    static func phrase(_ status: Int) -> StaticString {
        switch status {
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 303: "See Other"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 411: "Length Required"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 417: "Expectation Failed"
        case 421: "Misdirected Request"
        case 422: "Unprocessable Content"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: "Status"
        }
    }
}
