// The table of methods: names in lower case, as they are looked up. What a method does is in the file of its subject.
//
// Webhook methods and `getUpdates` belong to the delivery.

import EventLoop
import JSON

extension World {
    /// Performs one method: what it gives, or nothing if no method has that name.
    mutating func perform(
        _ method: String, _ parameters: Parameters, now: Timestamp
    ) throws(MethodError) -> JSONValue? {
        if let value = try performOnMessages(method, parameters, now: now) { return value }
        if let value = try performOnChats(method, parameters, now: now) { return value }
        return try performOnBot(method, parameters)
    }

    private mutating func performOnMessages(
        _ method: String, _ parameters: Parameters, now: Timestamp
    ) throws(MethodError) -> JSONValue? {
        switch method {
        case "sendmessage": try sendMessage(parameters, now: now)
        case "sendphoto": try send(.photo, parameters, now: now)
        case "senddocument": try send(.document, parameters, now: now)
        case "sendvideo": try send(.video, parameters, now: now)
        case "sendanimation": try send(.animation, parameters, now: now)
        case "sendaudio": try send(.audio, parameters, now: now)
        case "sendvoice": try send(.voice, parameters, now: now)
        case "sendvideonote": try send(.videoNote, parameters, now: now)
        case "sendsticker": try send(.sticker, parameters, now: now)
        case "sendmediagroup": try sendMediaGroup(parameters, now: now)
        case "sendlocation": try sendLocation(parameters, now: now)
        case "sendvenue": try sendVenue(parameters, now: now)
        case "sendcontact": try sendContact(parameters, now: now)
        case "senddice": try sendDice(parameters, now: now)
        case "sendpoll": try sendPoll(parameters, now: now)
        case "stoppoll": try stopPoll(parameters, now: now)
        case "sendchataction": try sendChatAction(parameters, now: now)
        case "forwardmessage": try forwardMessage(parameters, now: now)
        case "copymessage": try copyMessage(parameters, now: now)
        case "forwardmessages": try repeatMessages(parameters, isForward: true, now: now)
        case "copymessages": try repeatMessages(parameters, isForward: false, now: now)
        case "editmessagetext": try editMessageText(parameters, now: now)
        case "editmessagecaption": try editMessageCaption(parameters, now: now)
        case "editmessagemedia": try editMessageMedia(parameters, now: now)
        case "editmessagereplymarkup": try editMessageReplyMarkup(parameters, now: now)
        case "deletemessage": try deleteMessage(parameters, now: now)
        case "deletemessages": try deleteMessages(parameters, now: now)
        case "pinchatmessage": try pinChatMessage(parameters, now: now)
        case "unpinchatmessage": try unpinChatMessage(parameters, now: now)
        case "unpinallchatmessages": try unpinAllChatMessages(parameters, now: now)
        case "setmessagereaction": try setMessageReaction(parameters, now: now)
        case "getfile": try getFile(parameters)
        case "getuserprofilephotos": try getUserProfilePhotos(parameters)
        case "answercallbackquery": try answerCallbackQuery(parameters, now: now)
        case "answerinlinequery": try answerInlineQuery(parameters, now: now)
        case "answerprecheckoutquery": try answerPreCheckoutQuery(parameters, now: now)
        default: nil
        }
    }

    private mutating func performOnChats(
        _ method: String, _ parameters: Parameters, now: Timestamp
    ) throws(MethodError) -> JSONValue? {
        switch method {
        case "getchat": try getChat(parameters, now: now)
        case "getchatmember": try getChatMember(parameters, now: now)
        case "getchatadministrators": try getChatAdministrators(parameters, now: now)
        case "getchatmembercount": try getChatMemberCount(parameters, now: now)
        case "getchatmemberscount": try getChatMemberCount(parameters, now: now)
        case "restrictchatmember": try restrictChatMember(parameters, now: now)
        case "banchatmember": try banChatMember(parameters, now: now)
        case "unbanchatmember": try unbanChatMember(parameters, now: now)
        case "promotechatmember": try promoteChatMember(parameters, now: now)
        case "kickchatmember": try banChatMember(parameters, now: now)
        case "setchatadministratorcustomtitle": try setCustomTitle(parameters, now: now)
        case "banchatsenderchat": try banSenderChat(parameters, isBanned: true, now: now)
        case "unbanchatsenderchat": try banSenderChat(parameters, isBanned: false, now: now)
        case "leavechat": try leaveChat(parameters, now: now)
        case "setchatpermissions": try setChatPermissions(parameters, now: now)
        case "setchattitle": try setChatTitle(parameters, now: now)
        case "setchatdescription": try setChatDescription(parameters, now: now)
        case "createchatinvitelink": try createChatInviteLink(parameters, now: now)
        case "editchatinvitelink": try editChatInviteLink(parameters, now: now)
        case "revokechatinvitelink": try revokeChatInviteLink(parameters, now: now)
        case "exportchatinvitelink": try exportChatInviteLink(parameters, now: now)
        case "approvechatjoinrequest": try answerJoinRequest(parameters, isApproved: true, now: now)
        case "declinechatjoinrequest": try answerJoinRequest(parameters, isApproved: false, now: now)
        case "answerchatjoinrequestquery": try answerJoinQuery(parameters, now: now)
        case "createforumtopic": try createForumTopic(parameters, now: now)
        case "editforumtopic": try editForumTopic(parameters, now: now)
        case "closeforumtopic": try setTopic(isClosed: true, parameters, now: now)
        case "reopenforumtopic": try setTopic(isClosed: false, parameters, now: now)
        case "deleteforumtopic": try deleteForumTopic(parameters, now: now)
        default: nil
        }
    }

    private mutating func performOnBot(
        _ method: String, _ parameters: Parameters
    ) throws(MethodError) -> JSONValue? {
        switch method {
        case "getme": getMe()
        case "logout", "close": .bool(true)
        case "setmycommands": try setMyCommands(parameters)
        case "getmycommands": try getMyCommands(parameters)
        case "deletemycommands": try deleteMyCommands(parameters)
        case "setmyname": try setProfileText("name", parameters)
        case "getmyname": try getProfileText("name", parameters)
        case "setmydescription": try setProfileText("description", parameters)
        case "getmydescription": try getProfileText("description", parameters)
        case "setmyshortdescription": try setProfileText("shortdescription", parameters)
        case "getmyshortdescription": try getProfileText("shortdescription", parameters)
        case "setchatmenubutton": try setChatMenuButton(parameters)
        case "getchatmenubutton": try getChatMenuButton(parameters)
        case "setmydefaultadministratorrights": try setDefaultRights(parameters)
        case "getmydefaultadministratorrights": getDefaultRights(parameters)
        default: nil
        }
    }
}
