// Where a handle's requests go: the server, which libcurl parses once, and the target, which changes.

import CCurl
import CShims
import EventLoop
import Glibc

/// The address set on one easy handle.
///
/// Given a whole URL, libcurl takes it apart, prints it anew byte by byte and takes it apart again, for each transfer.
/// So it is given the server's part as a parsed URL that stays, and the rest as the request's target. URLs that it
/// would change on the way (dots, escapes, fragments) are left to it as they are.
///
/// Ownership: the parsed URL is made in `set`; the handle's owner calls `free` once libcurl does not use it any more.
@IO
final class CurlAddress {
    /// `https://host:port`, without the slash.
    private var server: UnsafeMutablePointer<CChar>?
    private var serverLength = 0
    /// The last address up to the last slash of its path, known to be plain: addresses of one server differ behind it.
    private var folder: UnsafeMutablePointer<CChar>?
    private var folderLength = 0
    private var parsed: OpaquePointer?
    /// Whether the handle has a whole URL.
    private var isWhole = false
    /// Whether the address is one for TLS.
    private(set) var isSecure = false

    func free() {
        curl_url_cleanup(parsed)
        Glibc.free(server)
        Glibc.free(folder)
        parsed = nil
        server = nil
        folder = nil
    }

    /// Sets the URL on the handle. `false`: libcurl had no memory.
    func set(_ url: String, on handle: UnsafeMutableRawPointer) -> Bool {
        url.withCString { text in
            guard isKnown(text, on: handle) else { return setWhole(text, on: handle) }
            if isWhole {
                isWhole = false
                nezuko_curl_string(handle, CURLOPT_URL, server)
                nezuko_curl_pointer(handle, CURLOPT_CURLU, parsed.map(UnsafeMutableRawPointer.init))
            }
            return nezuko_curl_string(handle, CURLOPT_REQUEST_TARGET, text + serverLength) == CURLE_OK
        }
    }

    /// Whether the server is one that libcurl understands, and it would send the rest just so.
    private func isKnown(_ url: UnsafePointer<CChar>, on handle: UnsafeMutableRawPointer) -> Bool {
        if let folder, strncmp(folder, url, folderLength) == 0 { return Self.isPlain(url + folderLength - 1) }
        let isSameServer = server.map { strncmp($0, url, serverLength) == 0 && url[serverLength] == 0x2F } ?? false
        guard isSameServer || use(serverOf: url, on: handle), Self.isPlain(url + serverLength) else { return false }
        Glibc.free(folder)
        var length = serverLength + strcspn(url + serverLength, "?")
        while url[length - 1] != 0x2F { length -= 1 }
        folder = strndup(url, length)
        folderLength = length
        return true
    }

    private func setWhole(_ url: UnsafePointer<CChar>, on handle: UnsafeMutableRawPointer) -> Bool {
        isWhole = true
        nezuko_curl_pointer(handle, CURLOPT_CURLU, nil)
        nezuko_curl_string(handle, CURLOPT_REQUEST_TARGET, nil)
        isSecure = strncmp(url, "https:", 6) == 0
        return nezuko_curl_string(handle, CURLOPT_URL, url) == CURLE_OK
    }

    /// Parses the URL's part before its path, and keeps it. `false`: it has none that libcurl understands.
    private func use(serverOf url: UnsafePointer<CChar>, on handle: UnsafeMutableRawPointer) -> Bool {
        nezuko_curl_pointer(handle, CURLOPT_CURLU, nil)
        free()
        guard let colon = strstr(url, "://") else { return false }
        let host = UnsafePointer(colon) + 3
        let length = host - url + strcspn(host, "/?#")
        guard url[length] == 0x2F, let text = strndup(url, length) else { return false }
        server = text
        serverLength = length
        parsed = curl_url()
        guard parsed != nil, curl_url_set(parsed, CURLUPART_URL, text, UInt32(CURLU_NON_SUPPORT_SCHEME)) == CURLUE_OK
        else {
            free()
            return false
        }
        isWhole = true
        isSecure = strncmp(text, "https:", 6) == 0
        return true
    }

    /// Whether libcurl would send a path and query just so.
    private static func isPlain(_ target: UnsafePointer<CChar>) -> Bool {
        var before: CChar = 0
        var next = target
        while next[0] != 0 {
            switch next[0] {
            case 0x2E where before == 0x2F: return false  // a segment of dots
            case 0x23, 0x25, 0x5C: return false  // # % \
            case 0x21...0x7E: break
            default: return false
            }
            before = next[0]
            next += 1
        }
        return true
    }
}
