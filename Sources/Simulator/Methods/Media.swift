// sendPhoto, sendDocument and the other files, sendMediaGroup, getFile, getUserProfilePhotos.

import EventLoop
import JSON

extension World {
    /// What the Bot API takes as the picture or file of a message.
    struct MediaItem {
        let kind: MediaKind
        let media: (key: String, value: JSONValue)
        let text: FormattedText
    }

    mutating func send(_ kind: MediaKind, _ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        _ = try enterChat(parameters, now: now)
        let text = try formatted(parameters, "caption", limit: 1024)
        return try post(parameters, needs: kind.permission, kind.word, now: now) {
            (world, message) throws(MethodError) in
            let file = try world.file(kind, parameters.string(kind.rawValue), field: kind.rawValue, parameters)
            message.media = (kind.rawValue, Self.mediaObject(file, parameters))
            guard kind.hasCaption else { return }
            message.text = text.plain
            message.entities = text.entities
        }
    }

    mutating func sendMediaGroup(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let chat = try enterChat(parameters, now: now)
        guard let items = try parameters.document("media")?.array, !items.isEmpty else {
            throw .badRequest("there are no messages to send")
        }
        var ready: [MediaItem] = []
        for item in items {
            if item["type"]?.string == "animation" {
                throw .badRequest("can't parse InputMedia: type \"animation\" can't be used in sendMediaGroup")
            }
            ready.append(try mediaItem(item, parameters))
        }
        guard items.count <= 10 else { throw .badRequest("too many messages to send as an album") }
        for kind in [MediaKind.document, .audio] {
            let count = ready.count { $0.kind == kind }
            guard count == 0 || count == ready.count else {
                throw .badRequest("\(kind.rawValue) can't be mixed with other media types")
            }
        }
        try checkFlood(of: ready.count, in: chat, now: now)
        let group = String(random.next() >> 1)
        var sent: [JSONValue] = []
        for item in ready {
            sent.append(
                try post(parameters, needs: item.kind.permission, item.kind.word, now: now) { _, message in
                    message.media = item.media
                    message.text = item.text.plain
                    message.entities = item.text.entities
                    // One alone is no album.
                    if ready.count > 1 { message.extra = [("media_group_id", .string(group))] }
                })
        }
        return .array(sent)
    }

    /// One `InputMedia`.
    mutating func mediaItem(_ item: JSONValue, _ parameters: Parameters) throws(MethodError) -> MediaItem {
        guard case .object(let members) = item, let type = item["type"]?.string else {
            throw .badRequest("can't parse InputMedia: type isn't specified")
        }
        guard item["media"]?.string?.isEmpty == false else {
            throw .badRequest("can't parse InputMedia: media not found")
        }
        guard let kind = MediaKind(rawValue: type), [.photo, .video, .animation, .audio, .document].contains(kind)
        else { throw .badRequest("type \(type) is not supported") }
        let fields = Parameters(members)
        let text = try formatted(fields, "caption", limit: 1024)
        let file = try file(kind, item["media"]?.string, field: "media", parameters)
        return MediaItem(kind: kind, media: (kind.rawValue, Self.mediaObject(file, fields)), text: text)
    }

    /// The file that a call means: uploaded with it, known by its id, or an address on the web.
    private mutating func file(
        _ kind: MediaKind, _ reference: String?, field: String, _ parameters: Parameters
    ) throws(MethodError) -> StoredFile {
        let attached = reference.flatMap { $0.hasPrefix("attach://") ? String($0.dropFirst(9)) : nil }
        if let upload = parameters.files[attached ?? field] {
            guard !upload.bytes.isEmpty else { throw .badRequest("file must be non-empty") }
            let size = PictureSize(of: upload.bytes)
            if kind == .photo { try checkPhoto(upload.bytes.count, size) }
            return files.add(
                kind, upload.bytes, name: kind == .photo ? nil : upload.name, type: upload.type, size: size ?? .assumed,
                &random)
        }
        guard let reference, !reference.isEmpty, attached == nil else {
            throw .badRequest("there is no \(kind.spoken) in the request")
        }
        if let known = files[reference] {
            guard known.kind == kind else {
                throw .badRequest("can't use file of type \(known.kind.typeName) as \(kind.typeName)")
            }
            return known
        }
        // Nothing is fetched (docs/simulator.md): the address stands for some file.
        guard ["http://", "https://"].contains(where: { reference.lowercased().hasPrefix($0) }) else {
            throw .badRequest("wrong file identifier/HTTP URL specified")
        }
        let name = reference.split(separator: "/").last.map(String.init)
        return addSample(kind, name: kind == .photo ? nil : name)
    }

    /// Telegram's limits of pictures: bytes, sum and ratio of the sides.
    private func checkPhoto(_ byteCount: Int, _ size: PictureSize?) throws(MethodError) {
        let limit = 10 << 20
        guard byteCount <= limit else {
            throw .badRequest(
                "file of size \(byteCount) bytes is too big for a photo; the maximum size is \(limit) bytes")
        }
        guard let size else { throw .badRequest("IMAGE_PROCESS_FAILED") }
        let (short, long) = (min(size.width, size.height), max(size.width, size.height))
        guard short > 0, short + long <= 10_000, long <= 20 * short else {
            throw .badRequest("PHOTO_INVALID_DIMENSIONS")
        }
    }

    /// A file whose bytes nobody chose: one that a person sends, or one from the web.
    mutating func addSample(_ kind: MediaKind, name: String? = nil) -> StoredFile {
        let isPicture = kind == .photo || kind == .sticker
        let bytes = isPicture ? SampleFile.picture : Array("a file of the simulator\n".utf8)
        let size = isPicture ? PictureSize(of: bytes) ?? .assumed : .assumed
        return files.add(kind, bytes, name: name, type: nil, size: size, &random)
    }

    /// The object of the message: `photo` is a list of sizes, everything else one object.
    static func mediaObject(_ file: StoredFile, _ parameters: Parameters = Parameters()) -> JSONValue {
        var fields = Fields()
        fields.add("file_id", file.id)
        fields.add("file_unique_id", file.uniqueID)
        fields.add("file_size", Int64(file.bytes.count))
        switch file.kind {
        case .photo, .sticker, .video, .animation:
            fields.add("width", parameters.int("width") ?? file.size.width)
            fields.add("height", parameters.int("height") ?? file.size.height)
        case .videoNote:
            fields.add("length", parameters.int("length") ?? file.size.height)
        case .document, .audio, .voice: break
        }
        switch file.kind {
        case .video, .animation, .audio, .voice, .videoNote: fields.add("duration", parameters.int("duration") ?? 0)
        case .photo, .document, .sticker: break
        }
        switch file.kind {
        case .document, .video, .animation, .audio: fields.add("file_name", file.name)
        case .photo, .voice, .sticker, .videoNote: break
        }
        switch file.kind {
        case .document, .video, .animation, .audio, .voice: fields.add("mime_type", file.type)
        case .photo, .sticker, .videoNote: break
        }
        if file.kind == .audio {
            fields.add("performer", parameters.string("performer"))
            fields.add("title", parameters.string("title"))
        }
        if file.kind == .sticker {
            fields.add("type", "regular")
            fields.add("is_animated", .bool(false))
            fields.add("is_video", .bool(false))
            fields.add("emoji", parameters.string("emoji"))
        }
        return file.kind == .photo ? .array([fields.object]) : fields.object
    }

    // MARK: - Reading files

    func getFile(_ parameters: Parameters) throws(MethodError) -> JSONValue {
        guard let id = parameters.string("file_id"), !id.isEmpty else { throw .badRequest("file_id is empty") }
        guard let file = files[id] else { throw .badRequest("invalid file_id") }
        guard file.bytes.count <= FileShelf.downloadLimit else { throw .badRequest("file is too big") }
        var fields = Fields()
        fields.add("file_id", file.id)
        fields.add("file_unique_id", file.uniqueID)
        fields.add("file_size", Int64(file.bytes.count))
        fields.add("file_path", file.path)
        return fields.object
    }

    /// People here have no pictures of themselves.
    func getUserProfilePhotos(_ parameters: Parameters) throws(MethodError) -> JSONValue {
        _ = try requirePerson(parameters)
        return .object([("total_count", .int(0)), ("photos", .array([]))])
    }
}

extension MediaKind {
    /// As refusals write it.
    fileprivate var spoken: String { self == .videoNote ? "video note" : rawValue }

    /// Telegram's name of the type in refusals.
    fileprivate var typeName: String {
        switch self {
        case .videoNote: "VideoNote"
        case .voice: "VoiceNote"
        case .photo, .document, .video, .animation, .audio, .sticker:
            rawValue.prefix(1).uppercased() + rawValue.dropFirst()
        }
    }
}

/// Bytes for files whose content is of no matter.
enum SampleFile {
    /// A PNG of one grey pixel (RFC 2083).
    static let picture: [UInt8] = [
        0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0x00, 0x00, 0x00, 0x0D, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00,
        0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x3A, 0x7E, 0x9B, 0x55, 0x00, 0x00, 0x00,
        0x0A, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9C, 0x63, 0x68, 0x00, 0x00, 0x00, 0x82, 0x00, 0x81, 0x77, 0xCD, 0x72,
        0xB6, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82,
    ]
}
