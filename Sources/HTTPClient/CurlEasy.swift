// libcurl's easy handle: owns it, sets one request on it, gathers the reply. Reused for many requests.

import CCurl
import CShims
import EventLoop
import Glibc

/// One easy handle with its header list and the buffers of the request it carries.
///
/// Ownership: made in `init`, freed in `deinit`. libcurl keeps pointers to `self`, valid because the handle
/// lives in here and is taken off its multi handle before it is given back.
@IO
final class CurlEasy {
    let handle: UnsafeMutableRawPointer
    private(set) var transfer: Transfer?

    /// Where the client's list of active handles has it.
    var place = 0

    private let address = CurlAddress()
    private var headerLines: [(String, String)]?
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private var hasLongBody = false
    private var method = ""
    private var connectTimeout = -1
    private var waitsForPipe = false
    private var requestsBegun = 0
    private let replyHead = CurlBytes()
    private let reply = CurlBytes()
    private var maximumReplyBytes = 0
    private var isTooLarge = false

    private static let maximumHeadBytes = 32 << 10
    /// libcurl asks before it sends more than 1 MiB.
    private static let longBodyBytes = 1 << 19

    init(sockets: CurlSockets) throws(HTTPClientError) {
        guard let handle = curl_easy_init() else { throw .outOfMemory }
        self.handle = handle
        let me = Unmanaged.passUnretained(self).toOpaque()
        nezuko_curl_pointer(handle, CURLOPT_PRIVATE, me)
        nezuko_curl_write_callback(handle, onBody)
        nezuko_curl_pointer(handle, CURLOPT_WRITEDATA, me)
        nezuko_curl_header_callback(handle, onHeader)
        nezuko_curl_pointer(handle, CURLOPT_HEADERDATA, me)
        // libcurl would send a POST once more, unasked, when a kept connection ends without a reply, and nobody
        // would count it.
        nezuko_curl_before_request_callback(handle, onRequest, me)
        sockets.attach(handle)
        setFixedOptions()
    }

    isolated deinit {
        curl_easy_cleanup(handle)
        curl_slist_free_all(headerList)
        address.free()
    }

    /// The object that owns a handle. Valid for handles that are in flight: the client keeps their owners.
    static func owner(of handle: UnsafeMutableRawPointer) -> CurlEasy? {
        var pointer: UnsafeMutableRawPointer?
        nezuko_curl_info_pointer(handle, CURLINFO_PRIVATE, &pointer)
        guard let pointer else { return nil }
        return Unmanaged<CurlEasy>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// Whether not a byte of the request has left yet.
    var hasSentNothing: Bool {
        var bytes = 0
        nezuko_curl_info_long(handle, CURLINFO_REQUEST_SIZE, &bytes)
        return bytes == 0
    }

    private func setFixedOptions() {
        nezuko_curl_long(handle, CURLOPT_NOSIGNAL, 1)
        nezuko_curl_long(handle, CURLOPT_NOPROGRESS, 1)
        nezuko_curl_long(handle, CURLOPT_FOLLOWLOCATION, 0)
        nezuko_curl_long(handle, CURLOPT_SSL_VERIFYPEER, 1)
        nezuko_curl_long(handle, CURLOPT_SSL_VERIFYHOST, 2)
        nezuko_curl_long(handle, CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        nezuko_curl_long(handle, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
        nezuko_curl_long(handle, CURLOPT_TCP_NODELAY, 1)
        nezuko_curl_long(handle, CURLOPT_TCP_KEEPALIVE, 1)
        // A name still being looked up is left to its thread: waiting for it would stop the loop.
        nezuko_curl_long(handle, CURLOPT_QUICK_EXIT, 1)
        nezuko_curl_string(handle, CURLOPT_PROTOCOLS_STR, "http,https")
        // Where calls go is the configuration's word alone, not that of a proxy variable.
        nezuko_curl_string(handle, CURLOPT_PROXY, "")
        nezuko_curl_string(handle, CURLOPT_NOPROXY, "*")
    }

    /// Sets one request. Options that are as in the handle's last one are left alone.
    func prepare(_ request: HTTPClientRequest, for transfer: Transfer) throws(HTTPClientError) {
        guard address.set(request.url, on: handle) else { throw .outOfMemory }
        try keepHeaders(request.headers, hasLongBody: request.body.count >= Self.longBodyBytes)
        if request.method != method { use(method: request.method) }
        if request.method != "GET" {
            nezuko_curl_offset(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(request.body.count))
            // Copied; head and body then leave in one write.
            let code = request.body.withUnsafeBytes { bytes in
                nezuko_curl_pointer(
                    handle, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: bytes.baseAddress))
            }
            guard code == CURLE_OK else { throw .outOfMemory }
        }
        // Waiting for a connection that may carry HTTP/2 is worth it with TLS only.
        if waitsForPipe != address.isSecure {
            waitsForPipe = address.isSecure
            nezuko_curl_long(handle, CURLOPT_PIPEWAIT, waitsForPipe ? 1 : 0)
        }
        let timeout = Int(max(request.connectTimeoutMilliseconds, 1))
        if timeout != connectTimeout {
            connectTimeout = timeout
            nezuko_curl_long(handle, CURLOPT_CONNECTTIMEOUT_MS, timeout)
        }
        requestsBegun = 0
        maximumReplyBytes = request.maximumReplyBytes
        self.transfer = transfer
    }

    private func use(method: String) {
        self.method = method
        if method == "GET" {
            nezuko_curl_long(handle, CURLOPT_HTTPGET, 1)
            nezuko_curl_string(handle, CURLOPT_CUSTOMREQUEST, nil)
        } else {
            nezuko_curl_long(handle, CURLOPT_POST, 1)
            nezuko_curl_string(handle, CURLOPT_CUSTOMREQUEST, method == "POST" ? nil : method)
        }
    }

    private func keepHeaders(_ headers: [(String, String)], hasLongBody: Bool) throws(HTTPClientError) {
        if let headerLines, hasLongBody == self.hasLongBody, headerLines.elementsEqual(headers, by: ==) { return }
        headerLines = nil
        // Each line is looked through some twenty times by libcurl, so there are no others than needed.
        var list: UnsafeMutablePointer<curl_slist>?
        // Without the empty Expect, a long body waits a second for a "100 Continue" that seldom comes.
        if hasLongBody { list = curl_slist_append(list, "Expect:") }
        for (name, value) in headers {
            let isClean = !(name + value).utf8.contains { $0 == 0x0A || $0 == 0x0D || $0 == 0 }
            guard isClean, let longer = curl_slist_append(list, "\(name): \(value)") else {
                curl_slist_free_all(list)
                throw .refused("a header line holds a line break")
            }
            list = longer
        }
        nezuko_curl_pointer(handle, CURLOPT_HTTPHEADER, list)
        curl_slist_free_all(headerList)
        headerList = list
        headerLines = headers
        self.hasLongBody = hasLongBody
    }

    /// What the transfer came to, read before `forget`.
    func result(_ code: CURLcode, latencyMilliseconds: Int64) -> Result<HTTPClientResponse, HTTPClientError> {
        guard code == CURLE_OK else { return .failure(failure(code)) }
        var status = 0
        nezuko_curl_info_long(handle, CURLINFO_RESPONSE_CODE, &status)
        return .success(
            HTTPClientResponse(
                status: status, body: reply.array, latencyMilliseconds: latencyMilliseconds, head: replyHead.array))
    }

    /// Drops everything of the request carried; connections and headers stay.
    func forget() {
        transfer = nil
        reply.clear()
        replyHead.clear()
        isTooLarge = false
    }

    private func failure(_ code: CURLcode) -> HTTPClientError {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .resolve
        case CURLE_COULDNT_CONNECT: .connect
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS,
            CURLE_USE_SSL_FAILED:
            .tls
        case CURLE_OPERATION_TIMEDOUT: hasSentNothing ? .connect : .timedOut
        case CURLE_WRITE_ERROR where isTooLarge: .tooLarge
        case CURLE_OUT_OF_MEMORY: .outOfMemory
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: .refused("the URL is not one for http or https")
        default: .cut
        }
    }

    // MARK: - Bytes

    fileprivate func takeBody(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard reply.count + bytes.count <= maximumReplyBytes else {
            isTooLarge = true
            return 0
        }
        reply.append(bytes)
        return bytes.count
    }

    fileprivate func takeHeader(_ line: UnsafeRawBufferPointer) -> Int {
        // A new status line: what came before was an interim reply.
        if line.count > 5, let start = line.baseAddress, memcmp(start, "HTTP/", 5) == 0 { replyHead.clear() }
        guard replyHead.count + line.count <= Self.maximumHeadBytes else {
            isTooLarge = true
            return 0
        }
        replyHead.append(line)
        return line.count
    }

    fileprivate func requestBegins() -> Bool {
        requestsBegun += 1
        // Not a byte left before: the connection was not to be had after all, and this is still the first request.
        return requestsBegun == 1 || hasSentNothing
    }
}

// C to Swift in three steps: carry the pointers as bits, state the thread, call one method.

private func onBody(
    data: UnsafeMutablePointer<CChar>?, size: Int, count: Int, user: UnsafeMutableRawPointer?
) -> Int {
    IO.assume((UInt(bitPattern: data), UInt(bitPattern: user), size * count)) { bytes, address, count in
        guard let pointer = UnsafeRawPointer(bitPattern: address) else { return 0 }
        let easy = Unmanaged<CurlEasy>.fromOpaque(pointer).takeUnretainedValue()
        return easy.takeBody(UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: bytes), count: count))
    }
}

private func onHeader(
    data: UnsafeMutablePointer<CChar>?, size: Int, count: Int, user: UnsafeMutableRawPointer?
) -> Int {
    IO.assume((UInt(bitPattern: data), UInt(bitPattern: user), size * count)) { bytes, address, count in
        guard let pointer = UnsafeRawPointer(bitPattern: address) else { return 0 }
        let easy = Unmanaged<CurlEasy>.fromOpaque(pointer).takeUnretainedValue()
        return easy.takeHeader(UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: bytes), count: count))
    }
}

private func onRequest(
    user: UnsafeMutableRawPointer?, _: UnsafeMutablePointer<CChar>?, _: UnsafeMutablePointer<CChar>?, _: Int32,
    _: Int32
) -> Int32 {
    IO.assume(UInt(bitPattern: user)) { address in
        guard let pointer = UnsafeRawPointer(bitPattern: address) else { return CURL_PREREQFUNC_ABORT }
        let easy = Unmanaged<CurlEasy>.fromOpaque(pointer).takeUnretainedValue()
        return easy.requestBegins() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
    }
}
