// Certificates for tests, sound ones and bad ones: a root, an intermediate, and what they sign for `localhost`.

import EventLoop
import Foundation
import HTTPServer
import TestSupport

/// A folder of pairs, made once a run with the `openssl` program.
enum TestCertificates {
    /// Which pair a server shows.
    enum Kind: String {
        /// Leaf and intermediate, a year.
        case whole
        /// The leaf alone.
        case leafOnly
        /// Whole, and ends in five days.
        case ending
        /// Whole, for another name.
        case otherName
        /// Signed by itself.
        case selfSigned
        /// Another one signed by itself.
        case otherSelfSigned
    }

    private static let folder: Result<String, any Error> = Result {
        let folder = try TestFolder.make()
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.currentDirectoryURL = URL(filePath: folder)
        process.arguments = ["-ec", script]
        process.standardInput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CocoaError(.executableLoad) }
        return folder
    }

    private static let script = """
        key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }
        own() {
            key "$1"
            openssl req -x509 -new -key "$1.key" -subj "/CN=$2" -days 365 -addext "$3" -out "$1.crt"
        }
        signed() {
            key "$1"
            openssl req -new -key "$1.key" -subj "/CN=$2" -out "$1.csr"
            openssl x509 -req -in "$1.csr" -CA "$3.crt" -CAkey "$3.key" -days "$4" -extfile <(echo "$5") -out "$1.crt"
        }
        own root "Test root" basicConstraints=critical,CA:TRUE
        own selfSigned localhost subjectAltName=DNS:localhost
        own otherSelfSigned localhost subjectAltName=DNS:localhost
        signed middle "Test intermediate" root 365 basicConstraints=critical,CA:TRUE
        signed leafOnly localhost middle 365 subjectAltName=DNS:localhost
        signed ending localhost middle 5 subjectAltName=DNS:localhost
        signed otherName elsewhere.example middle 365 subjectAltName=DNS:elsewhere.example
        cat leafOnly.crt middle.crt > whole.crt
        cp leafOnly.key whole.key
        for name in ending otherName; do cat middle.crt >> $name.crt; done
        """

    /// The pair for a server.
    static func pair(_ kind: Kind) throws -> TLSConfiguration {
        let folder = try folder.get()
        return TLSConfiguration(
            certificateFile: "\(folder)/\(kind.rawValue).crt", keyFile: "\(folder)/\(kind.rawValue).key")
    }

    /// The root in PEM, for whoever is to trust it.
    static func root() throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: "\(try folder.get())/root.crt")))
    }

    /// The certificate of a pair in PEM.
    static func pem(_ kind: Kind) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: try pair(kind).certificateFile)))
    }
}
