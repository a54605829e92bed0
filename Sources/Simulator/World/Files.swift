// Files that were uploaded or sent: what `getFile` finds, and what `/file/bot<token>/<path>` serves.

import JSON

/// What a file was sent as. The raw value is the field of the message, and of the call that uploads it.
enum MediaKind: String, Sendable, CaseIterable {
    case photo, document, video, animation, audio, voice, sticker
    case videoNote = "video_note"

    /// The permission that a member needs to send it.
    var permission: Permissions {
        switch self {
        case .photo: .photos
        case .document: Permissions(rawValue: 1 << 2)
        case .audio: Permissions(rawValue: 1 << 1)
        case .video: Permissions(rawValue: 1 << 4)
        case .videoNote: Permissions(rawValue: 1 << 5)
        case .voice: Permissions(rawValue: 1 << 6)
        case .animation, .sticker: .other
        }
    }

    /// Telegram's word for it in refusals.
    var word: String {
        switch self {
        case .videoNote: "video notes"
        case .voice: "voice notes"
        case .audio: "audios"
        case .photo, .document, .video, .animation, .sticker: rawValue + "s"
        }
    }

    /// Whether a caption may stand under it.
    var hasCaption: Bool { self != .sticker && self != .videoNote }

    /// The folder of its files, and the name and type of one that came without.
    var usual: (folder: String, suffix: String, type: String?) {
        switch self {
        case .photo: ("photos", "jpg", nil)
        case .document: ("documents", "", nil)
        case .video: ("videos", "mp4", "video/mp4")
        case .animation: ("animations", "mp4", "video/mp4")
        case .audio: ("music", "mp3", "audio/mpeg")
        case .voice: ("voice", "oga", "audio/ogg")
        case .sticker: ("stickers", "webp", nil)
        case .videoNote: ("video_notes", "mp4", nil)
        }
    }
}

/// A file with its names.
struct StoredFile: Sendable {
    let id: String
    let uniqueID: String
    let kind: MediaKind
    /// Where it is served, relative to `/file/bot<token>/`.
    let path: String
    let name: String?
    let type: String?
    let size: PictureSize
    let bytes: [UInt8]
}

/// The latest files of a world.
struct FileShelf: Sendable {
    /// The oldest make room: a world that runs for days must not grow for ever.
    static let bytesKept = 64 << 20
    /// The Bot API hands out nothing larger.
    static let downloadLimit = 20 << 20

    /// Telegram goes by the name, not by what the uploader says of the type.
    private static let types = [
        "csv": "text/csv", "gif": "image/gif", "html": "text/html", "jpeg": "image/jpeg", "jpg": "image/jpeg",
        "json": "application/json", "md": "text/markdown", "mp3": "audio/mpeg", "mp4": "video/mp4",
        "pdf": "application/pdf", "png": "image/png", "svg": "image/svg+xml", "txt": "text/plain",
        "xml": "text/xml", "zip": "application/zip",
    ]

    private var files: [String: StoredFile] = [:]
    private var order: [String] = []
    private var byteCount = 0
    private var number = 0

    /// Takes a file in under new names.
    mutating func add(
        _ kind: MediaKind, _ bytes: [UInt8], name: String?, type: String?, size: PictureSize,
        _ random: inout SplitMix64
    ) -> StoredFile {
        let (folder, usualSuffix, usualType) = kind.usual
        let given = name.flatMap { $0.split(separator: ".").count > 1 ? $0.split(separator: ".").last : nil }
        let suffix = given.map(String.init) ?? usualSuffix
        let file = StoredFile(
            id: "Sim" + random.token(45), uniqueID: "Sim" + random.token(11), kind: kind,
            path: "\(folder)/file_\(number)" + (suffix.isEmpty ? "" : ".\(suffix)"), name: name,
            type: Self.types[suffix.lowercased()] ?? type ?? usualType, size: size, bytes: bytes)
        number += 1
        files[file.id] = file
        order.append(file.id)
        byteCount += bytes.count
        while byteCount > Self.bytesKept, order.count > 1 {
            byteCount -= files.removeValue(forKey: order.removeFirst())?.bytes.count ?? 0
        }
        return file
    }

    subscript(_ id: String) -> StoredFile? { files[id] }

    /// The file that is served there.
    func file(at path: String) -> StoredFile? { files.values.first { $0.path == path } }
}

/// Width and height of a picture.
struct PictureSize: Sendable, Equatable {
    var width: Int64
    var height: Int64

    /// What is assumed where nothing is known (docs/simulator.md).
    static let assumed = PictureSize(width: 640, height: 480)

    init(width: Int64, height: Int64) {
        self.width = width
        self.height = height
    }

    /// Reads the head of a PNG (RFC 2083 §4.1.1), GIF, JPEG (ITU T.81 B.2.2) or WebP; nothing if it is none.
    init?(of bytes: [UInt8]) {
        func number(_ index: Int, _ count: Int) -> Int64 {
            bytes[index..<(index + count)].reduce(0) { $0 << 8 | Int64($1) }
        }
        if bytes.count >= 24, bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) {
            self.init(width: number(16, 4), height: number(20, 4))
        } else if bytes.count >= 10, bytes.starts(with: Array("GIF8".utf8)) {
            self.init(
                width: Int64(bytes[6]) | Int64(bytes[7]) << 8, height: Int64(bytes[8]) | Int64(bytes[9]) << 8)
        } else if bytes.count >= 16, bytes.starts(with: Array("RIFF".utf8)),
            bytes[8...].starts(with: Array("WEBP".utf8))
        {
            self = .assumed
        } else if bytes.starts(with: [0xFF, 0xD8]) {
            var index = 2
            while index + 9 < bytes.count, bytes[index] == 0xFF {
                let marker = bytes[index + 1]
                // The frame headers; C4, C8 and CC are other segments of that range.
                if (0xC0...0xCF).contains(marker), ![0xC4, 0xC8, 0xCC].contains(marker) {
                    self.init(width: number(index + 7, 2), height: number(index + 5, 2))
                    return
                }
                index += 2 + Int(number(index + 2, 2))
            }
            return nil
        } else {
            return nil
        }
    }
}
