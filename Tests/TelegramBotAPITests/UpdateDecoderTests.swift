// Updates as Telegram writes them, and as it does not.

import Domain
import TelegramBotAPI
import Testing

@Suite("Update decoder")
struct UpdateDecoderTests {
    private static let group =
        #""chat":{"id":-1001234567890,"title":"Group","username":"grp","type":"supergroup","is_forum":true}"#
    private static let person =
        #""from":{"id":5000000001,"is_bot":false,"first_name":"Ann","last_name":"X","username":"ann_x","language_code":"pt-br"}"#

    private static func update(_ member: String) -> [UInt8] { Array(#"{"update_id":7,\#(member)}"#.utf8) }

    private static func message(_ rest: String) throws -> Message {
        let parsed = try Update(parsing: update(#""message":{"message_id":9,"date":1700000000,\#(group),\#(rest)}"#))
        guard case .message(let message) = parsed.kind else { throw UpdateError.oddShape }
        return message
    }

    @Test func `a group message`() throws {
        let message = try Self.message(
            #"\#(Self.person),"message_thread_id":3,"is_topic_message":true,"media_group_id":"m1","photo":[{"file_id":"x"}],"caption":"/protect@bot \u263a @name","caption_entities":[{"type":"bot_command","offset":0,"length":12},{"type":"bold","offset":1,"length":1},{"type":"mention","offset":15,"length":5},{"type":"text_mention","offset":1,"length":2,"user":{"id":6,"is_bot":false,"first_name":"B"}}],"new_member_of_api":{"a":[1,{}]}"#
        )
        #expect(message.id == MessageID(9))
        #expect(message.date == 1_700_000_000)
        #expect(
            message.chat
                == Chat(
                    id: ChatID(-1_001_234_567_890), type: .supergroup, title: "Group", username: "grp", isForum: true))
        #expect(
            message.from
                == User(
                    id: UserID(5_000_000_001), firstName: "Ann", lastName: "X", username: "ann_x", languageCode: "pt-br"
                ))
        #expect(message.threadID == 3 && message.isTopicMessage && !message.isService)
        #expect(message.mediaGroupID == "m1")
        #expect(message.text == "/protect@bot ☺ @name" && message.mayBeCommand)
        #expect(
            message.entities == [
                MessageEntity(kind: .botCommand, offset: 0, length: 12),
                MessageEntity(kind: .mention, offset: 15, length: 5),
                MessageEntity(kind: .textMention(User(id: UserID(6), firstName: "B")), offset: 1, length: 2),
            ])
    }

    @Test func `who speaks as a chat, and forwards`() throws {
        let message = try Self.message(
            #""sender_chat":{"id":-100777,"title":"C","type":"channel"},"is_automatic_forward":true,"forward_origin":{"type":"channel","chat":{"id":-100777,"type":"channel"},"message_id":4,"date":1},"reply_to_message":{"message_id":2,"date":1,"chat":{"id":1,"type":"private"},"forward_origin":{"type":"user","sender_user":{"id":1}}},"via_bot":{"id":8}"#
        )
        #expect(message.senderChat?.id == ChatID(-100_777))
        #expect(message.isAutomaticForward && message.isViaBot)
        #expect(message.forwardOrigin?.id == ChatID(-100_777))
        #expect(message.replyTo == RepliedMessage(id: MessageID(2)))
        #expect(message.from == nil && message.text == nil)
    }

    @Test func `service messages`() throws {
        let joined = try Self.message(
            #""new_chat_members":[{"id":1,"is_bot":false,"first_name":"A"},{"id":2,"is_bot":true,"first_name":"B"}]"#)
        #expect(joined.newChatMembers.map(\.id.value) == [1, 2] && joined.isService)
        let left = try Self.message(#""left_chat_member":{"id":1,"is_bot":false,"first_name":"A"}"#)
        #expect(left.leftChatMember?.id == UserID(1) && left.isService)
        #expect(try Self.message(#""migrate_to_chat_id":-100999"#).migrateToChatID == ChatID(-100_999))
        #expect(try Self.message(#""pinned_message":{"message_id":1}"#).isService)
        #expect(
            try Self.message(#""chat_shared":{"request_id":3,"chat_id":-1005}"#).sharedChat
                == SharedChat(requestID: 3, chat: ChatID(-1005)))
        #expect(try !Self.message(#""some_new_content":{}"#).isService)
    }

    @Test func `a changed member`() throws {
        let bytes = Self.update(
            #""chat_member":{\#(Self.group),\#(Self.person),"date":5,"old_chat_member":{"user":{"id":4,"is_bot":false,"first_name":"D"},"status":"left"},"new_chat_member":{"user":{"id":4,"is_bot":false,"first_name":"D"},"status":"restricted","is_member":true,"until_date":0,"can_send_messages":true,"can_pin_messages":false,"can_invite_users":true},"invite_link":{"invite_link":"https://t.me/+x","creator":{"id":1}},"via_join_request":true}"#
        )
        guard case .chatMember(let change) = try Update(parsing: bytes).kind else {
            Issue.record("not a chat_member")
            return
        }
        #expect(change.old.membership == .notMember && change.new.membership == .member)
        #expect(change.new.permissions == [.sendMessages, .inviteUsers] && change.new.untilDate == nil)
        #expect(!change.new.canInviteUsers)
        #expect(change.inviteLink == "https://t.me/+x" && change.viaJoinRequest)
    }

    @Test func `the bot as administrator`() throws {
        let bytes = Self.update(
            #""my_chat_member":{\#(Self.group),\#(Self.person),"date":5,"old_chat_member":{"user":{"id":4,"is_bot":true,"first_name":"D"},"status":"something_new"},"new_chat_member":{"user":{"id":4,"is_bot":true,"first_name":"D"},"status":"administrator","can_restrict_members":true,"can_delete_messages":true,"can_invite_users":true,"is_anonymous":true}}"#
        )
        guard case .myChatMember(let change) = try Update(parsing: bytes).kind else {
            Issue.record("not a my_chat_member")
            return
        }
        #expect(change.old.status == .unknown && change.old.membership == nil)
        let new = change.new
        #expect(
            new.canRestrictMembers && new.canDeleteMessages && new.canInviteUsers && new.isAnonymous
                && new.isAdministrator)
        #expect(new.permissions == nil)
    }

    static let kinds: [(String, String)] = [
        (
            #""callback_query":{"id":"77","from":{"id":1},"data":"verify:1","message":{"message_id":3,"date":0,"chat":{"id":-1,"type":"group"}}}"#,
            "callback_query"
        ),
        (#""callback_query":{"id":"77","from":{"id":1},"inline_message_id":"x"}"#, "callback_query"),
        (
            #""edited_message":{"message_id":3,"date":1,"edit_date":2,"chat":{"id":-1,"type":"group"}}"#,
            "edited_message"
        ),
        (
            #""chat_join_request":{"chat":{"id":-1,"type":"supergroup"},"from":{"id":1},"user_chat_id":1,"date":3,"query_id":"q"}"#,
            "chat_join_request"
        ),
        (
            #""pre_checkout_query":{"id":"1","from":{"id":1},"currency":"XTR","total_amount":5,"invoice_payload":"p"}"#,
            "pre_checkout_query"
        ),
        (#""subscription":{"user":{"id":1},"invoice_payload":"p","state":"canceled"}"#, "subscription"),
        (#""poll":{"id":"1"}"#, "other"),
        (#""brand_new":null"#, "other"),
    ]

    @Test(arguments: kinds)
    func `each kind is known by its name`(_ row: (String, String)) throws {
        let update = try Update(parsing: Self.update(row.0))
        #expect(update.typeName == row.1)
        #expect(update.id == UpdateID(7))
    }

    static let bad: [(String, UpdateError)] = [
        ("", .notJSON), ("{", .notJSON), (#"{"update_id":1}x"#, .notJSON), ("\u{1}", .notJSON),
        (#"{"update_id":1,"message":{"message_id":1,"date":1,"chat":{"id":1,"type":"private"}"#, .notJSON),
        (#"{"update_id":1,"message":{"message_id":"1"},"x":}"#, .notJSON),
        ("[]", .oddShape), ("{}", .oddShape), ("7", .oddShape), (#"{"update_id":"1"}"#, .oddShape),
        (#"{"update_id":1.5}"#, .oddShape), (#"{"update_id":1,"message":{}}"#, .oddShape),
        (#"{"update_id":1,"message":7}"#, .oddShape),
        (#"{"update_id":1,"message":{"message_id":1,"date":1,"chat":{"type":"private"}}}"#, .oddShape),
        (#"{"update_id":1,"message":{"message_id":1,"date":1,"chat":{"id":4503599627370496,"type":"x"}}}"#, .oddShape),
        (
            #"{"update_id":1,"message":{"message_id":1,"date":1,"chat":{"id":-9223372036854775808,"type":"x"}}}"#,
            .oddShape
        ),
        (#"{"update_id":99999999999999999999}"#, .oddShape),
        (#"{"update_id":1,"message":{"message_id":1,"date":1,"chat":{"id":1,"type":"private"},"text":5}}"#, .oddShape),
    ]

    @Test(arguments: bad)
    func `what is no update is told apart`(_ row: (String, UpdateError)) {
        #expect(throws: row.1) { try Update(parsing: Array(row.0.utf8)) }
    }

    @Test func `permissions survive their own text`() throws {
        #expect(try ChatPermissions(parsing: ChatPermissions.all.json) == .all)
        #expect(try ChatPermissions(parsing: ChatPermissions.none.json) == .none)
        let some: ChatPermissions = [.sendMessages, .inviteUsers]
        #expect(try ChatPermissions(parsing: some.json) == some)
        #expect(ChatPermissions.all.json.components == 16)
    }
}

extension String {
    fileprivate var components: Int { split(separator: ",").count }
}
