// Where certificate and key are: configured, or the self-signed pair in the state directory.

import Configuration
import HTTPServer

struct CertificatePair {
    let certificateFile: String
    let keyFile: String
    private let isConfigured: Bool

    init(_ configuration: Configuration) {
        if let certificate = configuration.tlsCertificateFile, let key = configuration.tlsKeyFile {
            certificateFile = certificate
            keyFile = key
            isConfigured = true
        } else {
            certificateFile = "\(configuration.stateDirectory)/tls.crt"
            keyFile = "\(configuration.stateDirectory)/tls.key"
            isConfigured = false
        }
    }

    /// Whether Telegram has to be given the certificate: it is the self-signed one, and TLS ends here.
    static func isUploaded(_ configuration: Configuration) -> Bool {
        configuration.tlsCertificateFile == nil && configuration.listen.contains(where: \.isTLS)
    }

    /// Makes the self-signed pair if it is ours to make and not there. False after saying why not.
    func ensure(host: String) -> Bool {
        guard !isConfigured else { return true }
        do throws(HTTPServerError) {
            try SelfSignedCertificate.ensure(certificateFile: certificateFile, keyFile: keyFile, host: host)
            return true
        } catch {
            Terminal.error("nezuko: \(error)")
            return false
        }
    }
}
