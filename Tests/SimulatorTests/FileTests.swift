// Files: uploaded in a form, found by their id, served byte by byte, and refused when they are none.

import EventLoop
import HTTPClient
import JSON
import Testing

@testable import Simulator

@Suite(.timeLimit(.minutes(1)))
@IO
struct FileTests {
    private func form(_ fields: [(String, String)], file: (name: String, fileName: String, bytes: String)) -> String {
        var parts = fields.map { "--B\r\nContent-Disposition: form-data; name=\"\($0.0)\"\r\n\r\n\($0.1)\r\n" }
        parts.append(
            "--B\r\nContent-Disposition: form-data; name=\"\(file.name)\"; filename=\"\(file.fileName)\"\r\n"
                + "Content-Type: application/octet-stream\r\n\r\n\(file.bytes)\r\n")
        return parts.joined() + "--B--\r\n"
    }

    @Test(arguments: [("document", nil), ("part7", "attach://part7")] as [(String, String?)]) @IO
    func `an uploaded file comes back as it was`(part: String, reference: String?) async throws {
        let served = try Served()
        defer { served.simulator.stop() }
        let group = served.simulator.addGroup("Group")
        let content = "one,two\r\n--not the end\r\n"
        var fields = [("chat_id", "\(group)"), ("caption", "A table")]
        if let reference { fields.append(("document", reference)) }
        let sent = try await served.call(
            "sendDocument", form(fields, file: (part, "table.csv", content)), type: "multipart/form-data; boundary=B")
        let document = sent.body["result"]?["document"]
        #expect(document?["file_name"]?.string == "table.csv" && document?["mime_type"]?.string == "text/csv")
        #expect(document?["file_size"]?.int == Int64(content.utf8.count))
        #expect(sent.body["result"]?["caption"]?.string == "A table")
        let id = try #require(document?["file_id"]?.string)
        let file = try await served.call("getFile", "{\"file_id\":\"\(id)\"}")
        let path = try #require(file.body["result"]?["file_path"]?.string)
        let answer = try await HTTPClient().send(
            HTTPClientRequest(
                method: "GET", url: "http://127.0.0.1:\(served.port)/file\(served.token)/\(path)",
                timeoutMilliseconds: 5000))
        #expect(answer.status == 200 && String(decoding: answer.body, as: UTF8.self) == content)
        #expect(try await served.post("/file\(served.token)/documents/none.csv", "").status == 404)
    }

    @Test func `a file is known again by its id, as the kind that it is`() throws {
        var scene = Scene()
        let group = ("chat_id", JSONValue.int(scene.group))
        let sent = scene.call("sendPhoto", group, ("photo", .string("https://example.org/a.png"))).result
        let size = try #require(sent?["photo"]?.array?.first)
        let id = try #require(size["file_id"])
        let again = scene.call("sendPhoto", group, ("photo", id)).result
        #expect(again?["photo"]?.array?.first?["file_unique_id"]?.string == size["file_unique_id"]?.string)
        let words = "Bad Request: can't use file of type Photo as Document"
        #expect(scene.call("sendDocument", group, ("document", id)).error?.description == words)
    }

    @Test(
        arguments: [
            ("sendPhoto", [], nil, "there is no photo in the request"),
            ("sendVideoNote", [], nil, "there is no video note in the request"),
            ("sendPhoto", [("photo", "attach://gone")], nil, "there is no photo in the request"),
            ("sendPhoto", [("photo", "xyz")], nil, "wrong file identifier/HTTP URL specified"),
            ("sendPhoto", [], "no picture", "IMAGE_PROCESS_FAILED"),
            ("sendPhoto", [], "", "file must be non-empty"),
            ("getFile", [("file_id", "xyz")], nil, "invalid file_id"),
            ("getFile", [], nil, "file_id is empty"),
            ("sendMediaGroup", [("media", "[]")], nil, "there are no messages to send"),
            (
                "sendMediaGroup", [("media", "[{\"type\":\"photo\"}]")], nil,
                "can't parse InputMedia: media not found"
            ),
            (
                "sendMediaGroup",
                [
                    (
                        "media",
                        "[{\"type\":\"photo\",\"media\":\"http://a.b\"},{\"type\":\"audio\",\"media\":\"http://a.b\"}]"
                    )
                ],
                nil, "audio can't be mixed with other media types"
            ),
            ("sendPhoto", [], "GIF89a\u{1}\u{0}d\u{0}", "PHOTO_INVALID_DIMENSIONS"),
        ] as [(String, [(String, String)], String?, String)])
    func `what is no file is refused`(method: String, fields: [(String, String)], upload: String?, words: String) {
        var scene = Scene()
        var parameters = Parameters(
            [("chat_id", JSONValue.int(scene.group))] + fields.map { (key: $0.0, value: JSONValue.string($0.1)) })
        if let upload { parameters.files["photo"] = Upload(bytes: Array(upload.utf8), name: "a.png", type: nil) }
        let reply = scene.world.apply(method, parameters, now: scene.now)
        #expect(reply.error?.description == "Bad Request: " + words)
    }

    @Test(
        arguments: [
            (SampleFile.picture, PictureSize(width: 1, height: 1)),
            (Array("GIF89a".utf8) + [0x2C, 0x01, 0x0A, 0x00], PictureSize(width: 300, height: 10)),
            // A JPEG: an application segment of four bytes, then the frame header.
            (
                [0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0xC0, 0, 11, 8, 0x01, 0x2C, 0x02, 0x58, 1, 1],
                PictureSize(width: 600, height: 300)
            ),
            ([0xFF, 0xD8, 0xFF, 0xE0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], nil),
            ([0xFF, 0xD8], nil),
            ([], nil),
        ] as [([UInt8], PictureSize?)])
    func `the size of a picture is read from its head`(bytes: [UInt8], size: PictureSize?) {
        #expect(PictureSize(of: bytes) == size)
    }

    @Test func `one item alone is no album, and eleven are too many`() {
        var scene = Scene()
        let group = ("chat_id", JSONValue.int(scene.group))
        let item = JSONValue.object([("type", .string("photo")), ("media", .string("https://example.org/a.png"))])
        let sent = scene.call("sendMediaGroup", group, ("media", .array([item]))).result?.array
        #expect(sent?.count == 1 && sent?.first?["media_group_id"] == nil)
        let many = scene.call("sendMediaGroup", group, ("media", .array(Array(repeating: item, count: 11))))
        #expect(many.error?.description == "Bad Request: too many messages to send as an album")
    }

    @Test func `an album beyond the flood limit is not sent in part`() {
        var scene = Scene()
        let group = ("chat_id", JSONValue.int(scene.group))
        let item = JSONValue.object([("type", .string("photo")), ("media", .string("https://example.org/a.png"))])
        let album = ("media", JSONValue.array(Array(repeating: item, count: 7)))
        #expect([1, 2, 3].map { _ in scene.call("sendMediaGroup", group, album).error?.code } == [nil, nil, 429])
        #expect(scene.world.chats[scene.group]?.messages.count == 14)
        let rest = ("media", JSONValue.array(Array(repeating: item, count: 6)))
        #expect(scene.call("sendMediaGroup", group, rest).error == nil)
    }

    @Test func `the oldest files make room`() {
        var (shelf, random) = (FileShelf(), SplitMix64(seed: 1))
        let bytes = [UInt8](repeating: 1, count: FileShelf.bytesKept / 2)
        let ids = (0..<3).map { _ in
            shelf.add(.document, bytes, name: nil, type: nil, size: .assumed, &random).id
        }
        #expect(ids.map { shelf[$0] != nil } == [false, true, true])
    }
}
