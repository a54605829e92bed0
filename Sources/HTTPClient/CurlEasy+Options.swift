// What a client's options mean for each of its handles: whom to trust, and which protocol to offer.

import CCurl
import CShims

extension CurlEasy {
    /// Sets on a new handle what is the same for all requests of its client.
    func apply(_ options: HTTPClientOptions) throws(HTTPClientError) {
        if !options.offersHTTP2 { nezuko_curl_long(handle, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1)) }
        guard var certificate = options.trustedCertificate else { return }
        let code = certificate.withUnsafeMutableBytes { bytes in
            // libcurl keeps a copy of its own, so the bytes need not outlive the call.
            var blob = curl_blob(data: bytes.baseAddress, len: bytes.count, flags: UInt32(CURL_BLOB_COPY))
            return withUnsafeMutablePointer(to: &blob) { nezuko_curl_pointer(handle, CURLOPT_CAINFO_BLOB, $0) }
        }
        guard code == CURLE_OK else { throw .outOfMemory }
    }
}
