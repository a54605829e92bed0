// sendMessage: the only way in which the bot speaks. Not repeatable: a second one would be read twice.

import Domain
import JSON

extension BotAPI {
    /// Sends a text (HTML, 1 to 4096 characters after its entities) and gives the message's number.
    ///
    /// Link previews are off. A reply whose message is gone is sent without being a reply.
    public func sendMessage(
        to chat: ChatID, text: String, keyboard: InlineKeyboard? = nil, threadID: Int64? = nil,
        replyTo: MessageID? = nil, _ context: CallContext = CallContext()
    ) async throws(BotAPIError) -> MessageID {
        var method = BotMethod("sendMessage", chat: chat) { writer in
            writer.htmlText(text)
            if let keyboard {
                writer.key("reply_markup")
                keyboard.write(to: &writer)
            }
            writer.place(threadID: threadID, replyTo: replyTo)
        } decode: { (reader) throws(JSONError) in
            try reader.readMessageID()
        }
        method.isRepeatable = false
        return try await call(method, context)
    }

    /// Sends a text with one button that lets a person choose a channel in which they and the bot are, or may
    /// become, administrators. The choice comes back as `Message.sharedChat`.
    public func sendChannelPicker(
        to chat: ChatID, text: String, button: String, requestID: Int64, _ context: CallContext = CallContext()
    ) async throws(BotAPIError) -> MessageID {
        var method = BotMethod("sendMessage", chat: chat) { writer in
            writer.htmlText(text)
            writer.key("reply_markup")
            writer.channelRequest(button: button, requestID: requestID)
        } decode: { (reader) throws(JSONError) in
            try reader.readMessageID()
        }
        method.isRepeatable = false
        return try await call(method, context)
    }
}

extension JSONWriter {
    /// `text`, read as HTML, without a link preview.
    mutating func htmlText(_ text: String) {
        key("text")
        string(text)
        key("parse_mode")
        string("HTML")
        key("link_preview_options")
        raw(#"{"is_disabled":true}"# as StaticString)
    }

    fileprivate mutating func place(threadID: Int64?, replyTo: MessageID?) {
        if let threadID {
            key("message_thread_id")
            int(threadID)
        }
        guard let replyTo else { return }
        key("reply_parameters")
        object { writer in
            writer.key("message_id")
            writer.int(replyTo.value)
            writer.key("allow_sending_without_reply")
            writer.bool(true)
        }
    }

    fileprivate mutating func channelRequest(button: String, requestID: Int64) {
        let rights =
            #"{"is_anonymous":false,"can_manage_chat":true,"can_delete_messages":false,"#
            + #""can_manage_video_chats":false,"can_restrict_members":false,"can_promote_members":false,"#
            + #""can_change_info":false,"can_invite_users":true,"can_post_stories":false,"#
            + #""can_edit_stories":false,"can_delete_stories":false}"#
        object { writer in
            writer.key("one_time_keyboard")
            writer.bool(true)
            writer.key("resize_keyboard")
            writer.bool(true)
            writer.key("keyboard")
            writer.array { writer in
                writer.array { writer in
                    writer.object { writer in
                        writer.key("text")
                        writer.string(button)
                        writer.key("request_chat")
                        writer.object { writer in
                            writer.key("request_id")
                            writer.int(requestID)
                            writer.key("chat_is_channel")
                            writer.bool(true)
                            writer.key("user_administrator_rights")
                            writer.raw(Array(rights.utf8))
                            writer.key("bot_administrator_rights")
                            writer.raw(Array(rights.utf8))
                        }
                    }
                }
            }
        }
    }
}

extension JSONReader {
    /// The number of a sent message.
    mutating func readMessageID() throws(JSONError) -> MessageID {
        var id: Int64?
        try readObject { (reader, key) throws(JSONError) in
            if key == "message_id" { id = try reader.readInt64() } else { try reader.skip() }
        }
        return MessageID(try need(id))
    }
}
