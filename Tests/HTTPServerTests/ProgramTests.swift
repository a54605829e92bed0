// The server as other people's programs see it: curl and openssl over TLS and HTTP/2.

import EventLoop
import Foundation
import Glibc
import HTTPServer
import TestSupport
import Testing

/// Runs a program to its end and returns what it wrote.
func run(_ program: String, _ arguments: [String], input: String = "") async -> String {
    await offload {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/\(program)")
        process.arguments = arguments
        let (output, source) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = output
        process.standardInput = source
        guard (try? process.run()) != nil else { return "not started" }
        source.fileHandleForWriting.write(Data(input.utf8))
        try? source.fileHandleForWriting.close()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }
}

/// A server over TLS with a certificate of its own, in a directory of its own.
@IO
struct SecureServer {
    let handler = EchoHandler()
    let server: HTTPServer
    let port: Int
    let directory: String

    init(limits: HTTPLimits = .init(), secrets: [String] = ["secret"]) throws {
        directory = try TestFolder.make()
        let pair = (certificate: "\(directory)/c.pem", key: "\(directory)/k.pem")
        try SelfSignedCertificate.ensure(certificateFile: pair.certificate, keyFile: pair.key, host: "127.0.0.1")
        server = HTTPServer(
            limits: limits, handler: handler,
            tls: TLSConfiguration(
                certificateFile: pair.certificate, keyFile: pair.key, ticketSecrets: secrets.map { Array($0.utf8) }))
        port = try server.listen(ListenAddress(host: "127.0.0.1", port: 0, isTLS: true))
    }

    func end() async {
        await server.drain(graceMilliseconds: 2000)
    }

    func curl(_ arguments: String...) async -> String {
        await run(
            "curl",
            ["-sS", "-m", "10", "--cacert", "\(directory)/c.pem"]
                + arguments.map { $0.replacingOccurrences(of: "URL", with: "https://127.0.0.1:\(port)") })
    }

    func openssl(_ arguments: String..., input: String = "") async -> String {
        await run("openssl", ["s_client", "-connect", "127.0.0.1:\(port)"] + arguments, input: input)
    }
}

@Suite("TLS and HTTP/2 seen by other programs", .serialized)
struct ProgramTests {
    @Test @IO
    func `curl posts over HTTP/1 and HTTP/2 and verifies the certificate`() async throws {
        let secure = try SecureServer()
        #expect(
            await secure.curl("--http1.1", "-d", "abc", "-w", " %{http_version} %{http_code}", "URL/a") == "abc 1.1 200"
        )
        #expect(
            await secure.curl("--http2", "-d", "abc", "-w", " %{http_version} %{http_code}", "URL/a") == "abc 2 200")
        #expect(await secure.curl("--http2", "-I", "-w", " %{http_code}", "URL/a").contains("content-length: 0"))
        #expect(await secure.curl("--http2", "-d", "abc", "-w", " %{http_code}", "URL/secret") == "no\n 401")
        #expect(await secure.curl("--http2", "-w", "%{http_code}", "URL/dropped") == "internal error\n500")
        await secure.end()
        #expect(secure.server.connectionCount == 0)
    }

    @Test @IO
    func `bodies over the limit get 413 in both protocols`() async throws {
        let secure = try SecureServer()
        let file = "\(secure.directory)/big"
        try Data(count: (1 << 20) + 1).write(to: URL(fileURLWithPath: file))
        for version in ["--http1.1", "--http2"] {
            let text = await secure.curl(
                version, "--data-binary", "@\(file)", "-w", "%{http_code}", "-o", "/dev/null", "URL/")
            #expect(text.hasPrefix("413"), "\(version): \(text)")
        }
        try Data(count: 1 << 20).write(to: URL(fileURLWithPath: file))
        for version in ["--http1.1", "--http2"] {
            let text = await secure.curl(
                version, "--data-binary", "@\(file)", "-w", "%{http_code} %{size_download}", "-o", "/dev/null", "URL/")
            #expect(text == "200 1048576", "\(version)")
        }
        await secure.end()
    }

    @Test @IO
    func `a hundred streams are served on one connection`() async throws {
        let secure = try SecureServer()
        let text = await run("h2load", ["-n", "1000", "-c", "1", "-m", "100", "https://127.0.0.1:\(secure.port)/"])
        #expect(text.contains("1000 succeeded, 0 failed"), "\(text)")
        await secure.end()
    }

    @Test @IO
    func `prior knowledge HTTP/2 works in clear`() async throws {
        let server = HTTPServer(handler: EchoHandler(), tls: nil)
        let port = try server.listen(ListenAddress(host: "127.0.0.1", port: 0, isTLS: false))
        let text = await run(
            "curl",
            ["-sS", "--http2-prior-knowledge", "-d", "abc", "-w", " %{http_version}", "http://127.0.0.1:\(port)/"])
        #expect(text == "abc 2")
        await server.drain(graceMilliseconds: 2000)
    }

    private static let handshakes: [(arguments: [String], expected: String)] = [
        (["-tls1_3"], "Protocol  : TLSv1.3|TLSv1.3, Cipher is TLS_"),
        (["-tls1_2"], "Cipher is ECDHE-ECDSA-"),
        (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], "Cipher is (NONE)"),
        (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"], "alert handshake failure"),
        (["-tls1_2", "-cipher", "AES128-GCM-SHA256"], "alert handshake failure"),
        (["-alpn", "h2"], "ALPN protocol: h2"),
        (["-alpn", "http/1.1"], "ALPN protocol: http/1.1"),
        (["-alpn", "spdy/1,h2"], "ALPN protocol: h2"),
        (["-alpn", "spdy/1"], "alert no application protocol"),
        (["-groups", "P-384"], "Server Temp Key: ECDH, secp384r1"),
        (["-groups", "X448"], "alert handshake failure"),
        (["-tls1_2"], "Extended master secret: yes"),
        (["-tls1_2"], "Secure Renegotiation IS supported"),
    ]

    @Test(arguments: handshakes.indices) @IO
    func `the handshake follows the policy`(index: Int) async throws {
        let (arguments, expected) = Self.handshakes[index]
        let secure = try SecureServer()
        let text = await run("openssl", ["s_client", "-connect", "127.0.0.1:\(secure.port)"] + arguments)
        #expect(expected.split(separator: "|").contains { text.contains($0) }, "\(arguments): \(text)")
        await secure.end()
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"]) @IO
    func `a session is resumed by another server with the same secret`(version: String)
        async throws
    {
        let first = try SecureServer()
        let second = try SecureServer()
        let file = "\(first.directory)/session"
        let request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        let made = await first.openssl(version, "-ign_eof", "-sess_out", file, input: request)
        #expect(made.contains("New, TLSv1"))
        let resumed = await second.openssl(version, "-ign_eof", "-sess_in", file, input: request)
        #expect(resumed.contains("Reused, TLSv1"), "\(resumed)")
        await first.end()
        await second.end()
    }

    @Test @IO
    func `a new certificate serves new connections without a restart`() async throws {
        let secure = try SecureServer()
        let before = await secure.openssl("-showcerts")
        for name in ["c", "k"] { try FileManager.default.removeItem(atPath: "\(secure.directory)/\(name).pem") }
        try SelfSignedCertificate.ensure(
            certificateFile: "\(secure.directory)/c.pem", keyFile: "\(secure.directory)/k.pem", host: "127.0.0.1")
        try secure.server.reloadCertificate()
        let after = await secure.openssl("-showcerts")
        let parts = [before, after].map { $0.split(separator: "BEGIN CERTIFICATE").dropFirst().first.map(String.init) }
        #expect(parts[0] != nil && parts[0]?.prefix(400) != parts[1]?.prefix(400))
        let days = (secure.server.certificateExpiry?.seconds ?? 0) - WallClock.now.seconds
        // The date that OpenSSL reads is not moved by tests of other rooms, so a day of difference is none.
        #expect(abs(days - 825 * 86_400) < 86_400)
        await secure.end()
    }
}
