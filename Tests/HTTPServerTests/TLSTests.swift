// TLS over real sockets: what the handshake refuses, tickets by day and replica, new certificates, and ends.

import EventLoop
import Foundation
import Glibc
import TestSupport
import Testing

@testable import HTTPServer

@Suite("TLS", .serialized)
struct TLSTests {
    private static let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

    // MARK: - Policy

    /// Arguments of `openssl s_client`, what it is told to send, and what its output must have and not have.
    private static let handshakes: [(arguments: [String], input: String, has: String, hasNot: String)] = [
        (["-tls1_2", "-cipher", "AES256-GCM-SHA384:@SECLEVEL=0"], "", "alert handshake failure", ""),
        (["-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"], "", "alert handshake failure", ""),
        (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-SHA384:@SECLEVEL=0"], "", "alert handshake failure", ""),
        (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"], "", "alert handshake failure", ""),
        (["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0"], "", "alert handshake failure", ""),
        (["-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"], "", "alert handshake failure", ""),
        (["-tls1_2", "-cipher", "PSK:@SECLEVEL=0", "-psk", "aa"], "", "alert handshake failure", ""),
        (["-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"], "", "ECDHE-ECDSA-CHACHA20-POLY1305", ""),
        (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"], "", "ECDHE-ECDSA-AES256-GCM-SHA384", ""),
        (["-tls1", "-cipher", "ALL:@SECLEVEL=0"], "", "alert protocol version", ""),
        (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], "", "alert protocol version", ""),
        (["-tls1_2", "-fallback_scsv"], "", "alert inappropriate fallback", ""),
        (["-tls1_3", "-fallback_scsv"], "", "TLSv1.3, Cipher is", ""),
        (["-tls1_2"], "R\n", "no renegotiation", ""),
        (["-tls1_2"], "", "Extended master secret: yes", ""),
        (["-tls1_2", "-comp"], "", "Compression: NONE", ""),
        (["-tls1_3", "-comp"], "", "Compression: NONE", ""),
        (["-tls1_2", "-sigalgs", "ECDSA+SHA1", "-cipher", "ALL:@SECLEVEL=0"], "", "alert handshake failure", ""),
        (["-tls1_3", "-sigalgs", "RSA+SHA256:RSA-PSS+SHA256"], "", "alert handshake failure", ""),
        (["-groups", "X25519"], "", "Server Temp Key: X25519", ""),
        (["-groups", "P-256"], "", "Server Temp Key: ECDH, prime256v1", ""),
        (["-groups", "P-521"], "", "alert handshake failure", ""),
        (["-groups", "ffdhe2048", "-tls1_3"], "", "alert handshake failure", ""),
        // Offers of unknown groups beside known ones do no harm.
        (["-groups", "ffdhe2048:P-521:P-256", "-tls1_3"], "", "Server Temp Key: ECDH, prime256v1", ""),
        (["-tls1_3"], "", "Max Early Data: 0|TLSv1.3", "Early data was accepted"),
        (["-alpn", "http/1.0,spdy/3,http/1.1"], "", "ALPN protocol: http/1.1", ""),
        (["-alpn", "http/1.1,h2"], "", "ALPN protocol: h2", ""),
        ([], "", "No ALPN negotiated", ""),
    ]

    @Test(arguments: handshakes.indices) @IO
    func `the handshake refuses what is weak`(index: Int) async throws {
        let (arguments, input, has, hasNot) = Self.handshakes[index]
        let secure = try SecureServer()
        let text = await run(
            "openssl", ["s_client", "-connect", "127.0.0.1:\(secure.port)"] + arguments, input: input)
        #expect(has.split(separator: "|").contains { text.contains($0) }, "\(arguments): \(text)")
        #expect(hasNot.isEmpty || !text.contains(hasNot), "\(arguments): \(text)")
        await secure.end()
    }

    // MARK: - What is not TLS, and ends

    private static let garbage: [(name: String, bytes: [UInt8])] = [
        ("HTTP", Array(request.utf8)), ("preface", Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)),
        ("zeros", [UInt8](repeating: 0, count: 100)), ("SSLv2", [0x80, 0x2E, 1, 0, 2]),
        ("a record of SSLv3", [22, 3, 0, 0, 5, 1, 0, 0, 1, 0]), ("a record without content", [22, 3, 1, 0, 0]),
        ("a record that is too long", [22, 3, 1, 0xFF, 0xFF] + [UInt8](repeating: 1, count: 20_000)),
        ("random after the type", [22] + (0..<200).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }),
        ("data before the handshake", [23, 3, 3, 0, 3, 1, 2, 3]), ("an alert", [21, 3, 3, 0, 2, 2, 40]),
    ]

    @Test(arguments: garbage.indices) @IO
    func `what is not TLS is ended quickly and never handled`(index: Int) async throws {
        let (name, bytes) = Self.garbage[index]
        let secure = try SecureServer()
        let port = secure.port
        let reply = await offload {
            let client = BlockingClient(port: port)
            client.send(bytes)
            client.finishSending()
            return client.receiveBytes()
        }
        // An HTTP error in clear, or an alert record.
        #expect(reply.isEmpty || reply.first == 21 || reply.starts(with: "HTTP/1.1 400".utf8), "\(name)")
        #expect(secure.handler.seen.isEmpty && secure.server.rejections[.tls] ?? 0 <= 1, "\(name)")
        await secure.end()
    }

    @Test @IO
    func `a handshake that does not go on is ended in its time`() async throws {
        var limits = HTTPLimits()
        limits.handshakeMilliseconds = 100
        let secure = try SecureServer(limits: limits)
        let port = secure.port
        await offload {
            let silent = BlockingClient(port: port)
            let half = BlockingClient(port: port)
            half.send([22, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3])
            _ = (silent.receiveBytes(), half.receiveBytes())
        }
        #expect(secure.server.rejections[.timeout] == 2 && secure.server.connectionCount == 0)
        await secure.end()
    }

    @Test @IO
    func `close_notify ends every connection, and a body cut by the end is never handled`() async throws {
        let secure = try SecureServer()
        let port = secure.port
        let inOrder = await offload {
            let client = SecureClient(port: port)
            client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            _ = client.receive()
            return client.wasClosedInOrder
        }
        #expect(inOrder && secure.handler.seen.count == 1)
        for isOrderly in [true, false] {
            let text = await offload {
                let client = SecureClient(port: port)
                client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc")
                if isOrderly { client.shutdown() } else { client.cut() }
                return client.receive()
            }
            #expect(text.isEmpty)
        }
        #expect(secure.handler.seen.count == 1)
        await secure.end()
    }

    // MARK: - Tickets

    @Test(arguments: ["-tls1_2", "-tls1_3"]) @IO
    func `tickets of yesterday are taken, older ones and those of other secrets are not`(version: String) async throws {
        let today = WallClock.now.seconds / 86_400
        let maker = try SecureServer()
        let file = "\(maker.directory)/session"
        let request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        maker.server.ticketKeys?.today = { today }
        let made = await maker.openssl(version, "-ign_eof", "-sess_out", file, input: request)
        #expect(made.contains("New, TLSv1"))
        for (later, secret, isTaken) in [
            (0, "secret", true), (1, "secret", true), (2, "secret", false), (30, "secret", false), (0, "other", false),
        ] {
            // Another replica, that many days later.
            let other = try SecureServer(secrets: [secret])
            other.server.ticketKeys?.today = { today + Int64(later) }
            let text = await other.openssl(version, "-ign_eof", "-sess_in", file, input: request)
            #expect(text.contains(isTaken ? "Reused, TLSv1" : "New, TLSv1"), "\(later) days, \(secret)")
            await other.end()
        }
        await maker.end()
    }

    // MARK: - Certificates

    @Test @IO
    func `a changed file is noticed, and open connections go on`() async throws {
        var limits = HTTPLimits()
        limits.certificateCheckMilliseconds = 20
        let secure = try SecureServer(limits: limits)
        let port = secure.port
        let kept = KeptClient()
        let before = await offload {
            kept.open(port: port)
            #expect(kept.ask(Self.request).hasPrefix("HTTP/1.1 200"))
            return SecureClient(port: port).peerCertificate
        }
        let (certificate, key) = ("\(secure.directory)/c.pem", "\(secure.directory)/k.pem")
        // First a pair that does not fit together: the former one stays.
        try SelfSignedCertificate.ensure(
            certificateFile: "\(secure.directory)/c2.pem", keyFile: "\(secure.directory)/k2.pem", host: "127.0.0.1")
        try FileManager.default.removeItem(atPath: key)
        try FileManager.default.copyItem(atPath: "\(secure.directory)/k2.pem", toPath: key)
        await Loop.shared.sleep(milliseconds: 100)
        let between = await offload { SecureClient(port: port).peerCertificate }
        #expect(!before.isEmpty && between == before)
        // Then its other half.
        try FileManager.default.removeItem(atPath: certificate)
        try FileManager.default.copyItem(atPath: "\(secure.directory)/c2.pem", toPath: certificate)
        var after = before
        while after == before {
            await Loop.shared.sleep(milliseconds: 10)
            after = await offload { SecureClient(port: port).peerCertificate }
        }
        let answer = await offload { kept.ask(Self.request) }
        #expect(answer.hasPrefix("HTTP/1.1 200"))
        await secure.end()
    }

    @Test @IO
    func `the self-signed pair is kept for its host and made anew for another`() throws {
        let directory = try TestFolder.make()
        let (certificate, key) = ("\(directory)/c", "\(directory)/k")
        var contents: [Data] = []
        // This machine is named by all, so trying things out does not replace the pair that Telegram was told.
        for host in ["127.0.0.1", "127.0.0.1", "bot.example.org", "bot.example.org", "127.0.0.1", "192.0.2.1"] {
            try SelfSignedCertificate.ensure(certificateFile: certificate, keyFile: key, host: host)
            contents.append(try Data(contentsOf: URL(filePath: certificate)))
        }
        #expect(contents[0] == contents[1] && contents[1] != contents[2])
        #expect(contents[2] == contents[3] && contents[3] == contents[4] && contents[4] != contents[5])
        let mode = try FileManager.default.attributesOfItem(atPath: key)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }
}

/// A TLS connection that a test keeps between two questions; one thread at a time has it.
final class KeptClient: @unchecked Sendable {
    private final class Box {
        let client: SecureClient
        init(_ client: consuming SecureClient) { self.client = client }
    }
    private var box: Box?

    func open(port: Int) { box = Box(SecureClient(port: port)) }

    func ask(_ text: String) -> String {
        box?.client.send(text)
        return box?.client.receive(until: "\r\n\r\n") ?? ""
    }
}
