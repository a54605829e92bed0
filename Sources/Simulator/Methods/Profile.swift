// What a bot says of itself: its name, descriptions, menu button and wished rights; logOut and close.

import EventLoop
import JSON

extension World {
    /// The texts by method: the field, its limit in characters.
    private static let profileTexts: [String: (field: String, limit: Int)] = [
        "name": ("name", 64), "description": ("description", 512), "shortdescription": ("short_description", 120),
    ]

    /// `setMyName`, `setMyDescription`, `setMyShortDescription`: `kind` is what stands after `setmy`.
    mutating func setProfileText(_ kind: String, _ parameters: Parameters) throws(MethodError) -> JSONValue {
        guard let (field, limit) = Self.profileTexts[kind] else { throw .methodNotFound }
        let text = parameters.string(field) ?? ""
        guard text.utf16.count <= limit else { throw .badRequest("text is too long") }
        let key = kind + "/" + (try language(parameters))
        profile[key] = text.isEmpty ? nil : text
        return .bool(true)
    }

    /// The text in that language, else the one for everybody.
    func getProfileText(_ kind: String, _ parameters: Parameters) throws(MethodError) -> JSONValue {
        guard let (field, _) = Self.profileTexts[kind] else { throw .methodNotFound }
        let text = profile[kind + "/" + (try language(parameters))] ?? profile[kind + "/"]
        return .object([(field, .string(text ?? (kind == "name" ? name(of: botID) : "")))])
    }

    private func language(_ parameters: Parameters) throws(MethodError) -> String {
        let language = parameters.string("language_code") ?? ""
        guard language.isEmpty || language.utf8.count == 2 else {
            throw .badRequest("invalid language code specified")
        }
        return language
    }

    mutating func setChatMenuButton(_ parameters: Parameters) throws(MethodError) -> JSONValue {
        let button = try parameters.document("menu_button") ?? .object([("type", .string("default"))])
        switch button["type"]?.string {
        case "default", "commands": break
        case "web_app":
            guard button["text"]?.string?.isEmpty == false else { throw .badRequest("MenuButton text is empty") }
            guard button["web_app"]?["url"]?.string?.hasPrefix("https://") == true else {
                throw .badRequest("menu button Web App URL is invalid: Only HTTPS links are allowed")
            }
        default: throw .badRequest("MenuButton has unsupported type")
        }
        menuButtons[try menuButtonChat(parameters)] = button
        return .bool(true)
    }

    func getChatMenuButton(_ parameters: Parameters) throws(MethodError) -> JSONValue {
        let chat = try menuButtonChat(parameters)
        return menuButtons[chat] ?? menuButtons[0] ?? .object([("type", .string("commands"))])
    }

    /// 0 stands for everybody.
    private func menuButtonChat(_ parameters: Parameters) throws(MethodError) -> Int64 {
        guard let person = parameters.int("chat_id") else { return 0 }
        guard persons[person]?.isBot == false else { throw .badRequest("chat not found") }
        return person
    }

    mutating func setDefaultRights(_ parameters: Parameters) throws(MethodError) -> JSONValue {
        let wished = try parameters.document("rights")
        let names = AdminRights.names.filter { wished?[$0]?.bool == true }
        defaultRights[parameters.bool("for_channels")] = AdminRights(names: names)
        return .bool(true)
    }

    func getDefaultRights(_ parameters: Parameters) -> JSONValue {
        let isForChannels = parameters.bool("for_channels")
        return .object(rightFields(defaultRights[isForChannels] ?? [], isChannel: isForChannels))
    }
}
