// sendLocation, sendVenue, sendContact, sendDice, sendChatAction: small things without files.

import EventLoop
import JSON

extension World {
    mutating func sendLocation(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        try post(parameters, needs: .sendMessages, "text messages", now: now) { (_, message) throws(MethodError) in
            message.media = ("location", try Self.location(parameters))
            message.isFixed = true
        }
    }

    mutating func sendVenue(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        try post(parameters, needs: .sendMessages, "text messages", now: now) { (_, message) throws(MethodError) in
            guard let title = parameters.string("title"), !title.isEmpty,
                let address = parameters.string("address"), !address.isEmpty
            else { throw .badRequest("venue title and address must be non-empty") }
            message.media = (
                "venue",
                .object([
                    ("location", try Self.location(parameters)), ("title", .string(title)),
                    ("address", .string(address)),
                ])
            )
            message.isFixed = true
        }
    }

    private static func location(_ parameters: Parameters) throws(MethodError) -> JSONValue {
        guard let latitude = parameters.double("latitude"), (-90...90).contains(latitude) else {
            throw .badRequest("wrong latitude specified")
        }
        guard let longitude = parameters.double("longitude"), (-180...180).contains(longitude) else {
            throw .badRequest("wrong longitude specified")
        }
        return .object([("latitude", .double(latitude)), ("longitude", .double(longitude))])
    }

    mutating func sendContact(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        try post(parameters, needs: .sendMessages, "text messages", now: now) { (_, message) throws(MethodError) in
            guard let phone = parameters.string("phone_number"), !phone.isEmpty else {
                throw .badRequest("contact phone number must be non-empty")
            }
            guard let name = parameters.string("first_name"), !name.isEmpty else {
                throw .badRequest("contact first name must be non-empty")
            }
            var fields = Fields()
            fields.add("phone_number", phone)
            fields.add("first_name", name)
            fields.add("last_name", parameters.string("last_name"))
            message.media = ("contact", fields.object)
            message.isFixed = true
        }
    }

    /// How many faces a dice of that kind has.
    private static let faces = ["🎲": 6, "🎯": 6, "🎳": 6, "🏀": 5, "⚽": 5, "🎰": 64]

    mutating func sendDice(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        try post(parameters, needs: .other, "stickers", now: now) { (world, message) throws(MethodError) in
            let emoji = parameters.string("emoji") ?? "🎲"
            guard let faces = Self.faces[emoji] else { throw .badRequest("emoji is invalid for dice") }
            let value = Int64(1 + world.random.below(faces))
            message.media = ("dice", .object([("emoji", .string(emoji)), ("value", .int(value))]))
            message.isFixed = true
        }
    }

    private static let actions: Set<String> = [
        "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document",
        "choose_sticker", "find_location", "record_video_note", "upload_video_note", "cancel",
    ]

    func sendChatAction(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let chat = try enterChat(parameters, now: now)
        guard let action = parameters.string("action"), Self.actions.contains(action.lowercased()) else {
            throw .badRequest("wrong parameter action in request")
        }
        try checkMayWrite(in: chat, needs: .sendMessages, "text messages", now: now)
        return .bool(true)
    }
}
