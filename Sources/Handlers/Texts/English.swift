// English: the default language, and the one whose placeholders the others are compared with.

import Domain
import Gate

/// The texts in English.
struct English: Catalogue {
    let code = "en"

    func text(_ text: Text) -> Markup {
        switch text {
        case .promptHello(let mention, let channels):
            """
            Hello \(mention), please join the channel(s) below to write in this group. Then press the button.

            \(channels)
            """
        case .promptWelcome(let mention, let channels):
            """
            Welcome \(mention)! Please join the channel(s) below to write in this group. Then press the button.

            \(channels)
            """
        case .promptLeft(let mention, let left, let channels):
            """
            \(mention), you can no longer write in this group because you left \(left). \
            Please join the channel(s) below, then press the button.

            \(channels)
            """
        case .promptMany(let mentions, let more, let channels):
            """
            \(mentions)\(more > 0 ? " and \(more) more" : ""), please join the channel(s) below to write in this \
            group. Then press the button.

            \(channels)
            """
        case .promptRefused(let mention, let channels):
            """
            \(mention), your message was removed: only subscribers of the channel(s) below may write here. \
            Please join, then write again.

            \(channels)
            """
        case .standingNotice(let waiting, let channels):
            """
            To write here, join \(channels), then press the button.
            \(Plural.english(waiting, "\(waiting) person waits.", "\(waiting) people wait."))
            """
        case .channelSpeaker(let channel):
            "Messages as a channel (\(channel)) are not allowed here. Please write as yourself."
        case .checkFailed(let mentions, let more):
            """
            \(mentions)\(more > 0 ? " and \(more) more" : ""), your subscription cannot be checked right now, so the \
            message was removed. Please write again in a few minutes.
            """
        case .checksFail:
            """
            Subscriptions cannot be checked right now. Until they can, messages are removed. Nobody is muted; \
            please try again later.
            """
        case .greeting:
            """
            Thanks for adding me. Three steps, and only subscribers of your channels write here:
            1. Make me administrator here: delete messages, restrict members.
            2. Make me administrator of your channel.
            3. Send <code>/protect @yourchannel</code>.
            """
        case .noticeBrokenLink(let channel, let group):
            """
            The channel \(channel) of the group <b>\(group)</b> cannot be checked any more, so it is not required \
            now. Make me administrator of the channel again; I look every hour.
            """
        case .noticeRightLost(let rights, let group):
            "I can no longer protect the group <b>\(group)</b>. Please give me the right to: \(names(rights))."
        case .noticeInGroup(let owner, let notice):
            "\(owner): \(notice)"
        case .welcome:
            """
            <b>Nezuko</b> lets only subscribers of your channels write in your group.

            Whoever is not subscribed is muted, told which channels to join, and freed by one button.
            """
        case .noticesOn:
            "I will write to you here when a group of yours needs you: a missing right, a channel that I cannot check."
        case .heldIn(let group, let channels):
            """
            To write in <b>\(group)</b>, join these channels:

            \(ticks(channels))

            Then press the button.
            """
        case .heldNowhere:
            "You are not muted by me in any group."
        case .groupNotProtected:
            "This group is not protected."
        case .joinRequest(let group, let channels):
            """
            You asked to join <b>\(group)</b>. It is open to subscribers of \(channels). Join, then press the button.
            """
        case .menuSetup:
            """
            <b>Set up in three steps</b>
            1. Add me to your supergroup as administrator with the rights to delete messages and restrict members.
            2. Add me to your channel as administrator.
            3. In the group, send <code>/protect @yourchannel</code>.
            """
        case .menuHowItWorks:
            """
            <b>How it works</b>
            When somebody writes in the group I look whether they are subscribed to the required channels. If not, \
            the message is removed, they are muted and told what to join. They join, press the button and can write. \
            Who leaves a channel is muted again; who comes back is freed.
            """
        case .menuCommands:
            """
            <b>In the group</b>
            /protect – require channels
            /unprotect – stop, or drop a channel
            /status – state and counts
            /settings – texts and behaviour
            /why – why a person was muted, or not
            /release – free a person for a day
            /pause – stop everything for a while
            /exempt – let a person write in any case
            /stats – figures of this group
            /verify – check me now
            /id – ids

            <b>Here</b>
            /privacy – what I store
            /forget – delete what is yours
            """
        case .menuHelp:
            """
            <b>Requirements</b>
            • The group is a supergroup, and I am administrator there: delete messages, restrict members.
            • I am administrator of each required channel.

            <b>Common problems</b>
            • <i>Nobody is checked:</i> /status names a missing right or a broken channel.
            • <i>Somebody stays muted:</i> they press the button, or send /verify. I never unmute whom an \
            administrator has muted.
            • <i>Why was somebody muted?</i> /why in reply to the prompt or to them.
            • <i>A person is to write in any case:</i> /exempt in reply to them.
            """
        case .menuAddToGroup:
            "Press the button and choose your group. Then send <code>/protect @yourchannel</code> there."
        case .groupHint:
            """
            I let only subscribers of your channels write here.
            An administrator starts with <code>/protect @yourchannel</code>.
            """
        case .onlyInGroups: "This command only works in groups."
        case .onlyInPrivate: "Please send me this command in private."
        case .groupAdminsOnly: "Only administrators of this group can use this command."
        case .restrictRightNeeded:
            "Only the owner and administrators who can restrict members can use this command."
        case .botAdminsOnly: "This command is available to administrators only."
        case .permissionsUnknown: "Error checking permissions. Please try again."
        case .basicGroup:
            """
            People can only be muted in a supergroup. Turn this group into one: group settings, chat history for new \
            members, visible. Then send the command again.
            """
        case .tooFast: "Too many commands. Please wait a minute."
        case .unknownCommand: "I do not know this command. See /help."
        case .somethingWrong(let reference):
            "Something went wrong, please try again. Reference: <code>\(reference)</code>"
        case .telegramSilent: "Telegram did not answer, try again in a minute."
        case .protectUsage:
            """
            Which channels are to be required? 1 to 5 of them:
            <code>/protect @channel</code>
            <code>/protect https://t.me/channel</code>
            <code>/protect -1001234567890</code>
            Or reply with /protect to a post forwarded from the channel. With <code>observe</code> at the end I only watch.
            """
        case .chooseChannel(let group):
            "Which channel is to be required in <b>\(group)</b>? Press the button below, or forward a post of it to me."
        case .tooManyChannels: "At most 5 channels at once, please."
        case .channelNotFound(let name):
            """
            Channel not found: \(name)
            Usually the name is misspelt, or the channel is private and I am not its administrator yet.
            """
        case .notAChannel(let name): "\(name) is not a channel."
        case .botNotInChannel(let title):
            """
            I am not administrator of \(title). Open the channel, Administrators, Add administrator, and choose me. \
            Then send the command again.
            """
        case .callerNotInChannel(let title):
            "\(title) is private. Only an administrator of that channel can require it."
        case .anonymousCaller(let title):
            "\(title) is private, and you are anonymous here. Please send the command as yourself."
        case .ownRequiredChannel: "A group cannot be its own required channel."
        case .missingRights(let rights): "Please give me these administrator rights first: \(names(rights))."
        case .inviteRightNeeded(let title):
            "\(title) has no invite link that I may use. Please give me the right to invite users there."
        case .protected(let group, let channels, let isObserving):
            """
            <b>\(group)</b> is protected.

            Required channels:
            \(list(channels))

            \(isObserving ? "Only watching: nothing is done." : "Active: messages, joins, leaves." as Markup)
            """
        case .otherRestrictingBot(let name):
            "\nAnother bot here, \(name), may restrict members too. Two such bots un-mute each other's people."
        case .notProtected: "This group is not protected."
        case .alreadyDisabled: "Protection is off already. /protect switches it on again."
        case .disabled(let releasing):
            """
            Protection is off. The configuration is kept; /protect switches it on again.
            \(Plural.english(
                releasing, "\(releasing) muted member is being released.",
                "\(releasing) muted members are being released."))
            """
        case .channelNotLinked(let name): "\(name) is not required here."
        case .channelRemoved(let name, let left):
            "\(name) is no longer required. \(Plural.english(left, "\(left) channel is", "\(left) channels are")) left."
        case .lastChannelRemoved(let name):
            """
            \(name) is no longer required. It was the last channel, so protection is off and muted members are being \
            released.
            """
        case .purgeAsked:
            """
            This ends protection, releases whom I muted, and then deletes everything that I have stored about this \
            group: settings, holds, decisions, figures. It cannot be undone.
            """
        case .purgeBegun(let releasing):
            """
            Protection is off. \(Plural.english(
                releasing, "\(releasing) muted member is being released.",
                "\(releasing) muted members are being released.")) \
            When nobody is muted any more, everything about this group is deleted.
            """
        case .statusState(let state): "Protection: \(stateName(state))"
        case .statusGroup(let title, let members, let age): "Group: <b>\(title)</b>, \(count(members, "members", age))"
        case .statusChannel(let name, let subscribers, let age, let isBroken):
            "• \(name), \(count(subscribers, "subscribers", age))\(isBroken ? " – broken: I cannot check it" : "")"
        case .statusHeld(let held): "Muted by me now: \(held)"
        case .statusDay(let verified, let restricted): "Last 24 h: \(verified) verified, \(restricted) restricted"
        case .statusObserved(let people):
            "Last 24 h: \(Plural.english(people, "\(people) person", "\(people) people")) would have been muted"
        case .statusRights(let missing):
            switch missing {
            case nil: "My rights: n/a"
            case .some(let rights): rights.isEmpty ? "My rights: complete" : "My rights: missing \(names(rights))"
            }
        case .statusNotices(let reach):
            switch reach {
            case .owner: "Notices: reach the owner in private"
            case .administrators(let count):
                "Notices: reach \(Plural.english(count, "\(count) administrator", "\(count) administrators")) in private"
            case .nobody: "Notices: only as a line in this group"
            }
        case .statusNotProtected:
            """
            Protection: Not protected
            1. Make me administrator here: delete messages, restrict members.
            2. Make me administrator of your channel.
            3. Send <code>/protect @yourchannel</code>.
            """
        case .settingsTitle: "<b>Settings</b> (change: <code>/settings key value</code>)"
        case .settingsSaved(let key, let value): "Saved: <code>\(key)</code> = \(value)"
        case .settingsReset: "All settings are back to their defaults."
        case .settingsUnknownKey(let key, let keys): "There is no setting <code>\(key)</code>. Settings: \(keys)"
        case .settingsBadValue(let key, let valid): "<code>\(key)</code> takes: \(valid)"
        case .settingValid(let key): valid(key)
        case .settingBuiltIn: "<i>built-in</i>"
        case .exemptUsage:
            "Reply to the person with /exempt, or <code>/exempt @name</code>, <code>/exempt id</code>; end: add <code>off</code>."
        case .exempted(let person): "\(person) may write here in any case."
        case .exemptionEnded(let person): "\(person) is checked like everybody again."
        case .exemptionsFull: "200 people are exempt already. Remove one first."
        case .personUnknown(let name, let command):
            "I do not know \(name). Reply to a message of theirs with /\(command.rawValue)."
        case .personSeveral(let people, let command):
            """
            That message is about several people. Choose one: <code>/\(command.rawValue) id</code>
            \(people)
            """
        case .whyUsage:
            "Reply with /why to a prompt or to the person, or <code>/why @name</code>, <code>/why id</code>."
        case .whyNothing(let person, let state):
            """
            Nothing is recorded about \(person) in the last 30 days.
            Now: \(word(.state(state)))
            """
        case .whyPerson(let person, let state): "\(person), now: \(word(.state(state)))"
        case .decision(let decision): decision.markup(in: self)
        case .decisionUnreadable(let id): "\nDecision \(id) was written by another version. Ask whoever runs me."
        case .releaseUsage:
            "Reply with /release to a prompt or to the person, or <code>/release @name</code>, <code>/release id</code>."
        case .released(let person, let since, let missing):
            """
            \(person) can write again, and is not checked for 24 hours. \
            Was muted since \(since) for not joining \(missing.joined(separator: ", ")).
            """
        case .releaseUnderWay(let person, let since, let missing):
            """
            \(person), muted since \(since), is being released, and is not checked for 24 hours.
            \(missing.isEmpty
                ? "Telegram has not done it yet; I keep trying." as Markup
                : "Telegram refuses it: please give me the right to \(names(missing)). I keep trying.")
            """
        case .releaseNotHeld(let person, let isRestricted):
            isRestricted
                ? "\(person) is not muted by me: an administrator restricted them, and only they can lift it."
                : "\(person) is not muted by me."
        case .pauseUsage(let isPrivate):
            isPrivate
                ? "Say what to pause: <code>/pause all 1h</code>, <code>/pause -100… 1h</code>; end: <code>off</code>."
                : "<code>/pause</code> stops everything for an hour, <code>/pause 2h</code> for two; end: <code>/pause off</code>."
        case .badDuration:
            "A duration is <code>30m</code>, <code>2h</code> or <code>1d</code>, at most <code>7d</code>."
        case .paused(let until, let isAll):
            """
            Paused\(isAll ? " in all groups" : "") until \(until): nobody is muted, no message is removed. Who is muted \
            can still be released. It goes on by itself; earlier by <code>/pause \(isAll ? "all " : "")off</code>.
            """
        case .pauseEnded(let isAll): "The pause is over\(isAll ? " in all groups" : "")."
        case .modeObserve(let releasing):
            """
            Only watching: I decide and write down what I would do, and do nothing. /status says how many would have \
            been muted.\(releasing == 0 ? "" : "\n" + Plural.english(
                releasing, "\(releasing) muted member is being released.",
                "\(releasing) muted members are being released."))
            """
        case .modeEnforce: "Enforcing: who is not subscribed is muted and told."
        case .statistics(let days, let verifications, let restrictions, let rate, let errors, let topHour):
            """
            <b>Last \(days) days</b>
            Verifications: \(verifications)
            Restrictions: \(restrictions)
            Success rate: \(rate.map { "\($0)%" } ?? "n/a")
            Failed checks: \(errors)
            Top hour: \(topHour.map { "\(Hour.name($0)) UTC" } ?? "n/a")
            """
        case .statisticsUsage: "Choose a period: <code>/stats 7d</code> or <code>/stats 30d</code>."
        case .ids(let chat, let user):
            """
            Chat: <code>\(chat.value)</code>\(user.map { Markup("\nYou: <code>\($0.value)</code>") } ?? "")
            """
        case .privacy(let logDays):
            """
            <b>What I keep about people</b>
            • Decisions in protected groups, by your id: what was checked, what I did; 30 days.
            • Verdicts on subscriptions, and my calls to Telegram without their content; \(logDays) days.
            • Restrictions that I set: until 400 days after they ended.
            • Exemptions that administrators gave you: until a day after their end.
            • How many commands you sent on a day: 400 days.
            • If you started me or blocked me here, or own a protected group: id, public name, language.

            I keep no messages. /forget deletes what is yours.
            """
        case .forgetAsked:
            """
            <b>Forget you?</b>
            I delete how many commands you sent and the decisions about you, take your id off verdicts, and drop your \
            public name and language. A restriction that I set stays until it is lifted, and what you do from now on is \
            stored again. This cannot be undone.
            """
        case .forgotten(let days, let decisions, let verifications):
            "Done. Deleted: days of activity \(days), decisions \(decisions). Verdicts without your id now: \(verifications)."
        }
    }

    func toast(_ toast: Toast) -> String {
        switch toast {
        case .notForYou: "This button is not for you."
        case .stillMissing(let names, let more):
            "You still need to join: \(names)\(more > 0 ? " and \(more) more" : "")"
        case .telegramSilent: "Telegram did not answer, try again in a minute."
        case .canWriteNow: "You can write now."
        case .opensInAMoment: "You are verified, writing opens in a moment"
        case .canWriteHere: "You can write here."
        case .restrictedByAdmin: "An administrator has restricted you here. Only they can lift it."
        case .noLongerProtected: "This group is no longer protected."
        case .checking: "Checking, one moment…"
        case .outOfDate: "This button is out of date."
        case .noPayments: "Payments are not available at the moment."
        case .somethingWrong: "Something went wrong, please try again."
        }
    }

    func label(_ label: Label) -> String {
        switch label {
        case .join(let title): Naming.clipped("Join \(title)", maximum: 64)
        case .verify: "I have joined"
        case .verifyInPrivate: "Verify in private"
        case .setup: "Set up"
        case .howItWorks: "How it works"
        case .commands: "Commands"
        case .help: "Help"
        case .addToGroup: "Add to group"
        case .back: "Back"
        case .release: "Release"
        case .exempt: "Exempt"
        case .endPause: "End the pause"
        case .watchFirst: "Watch first"
        case .enforce: "Enforce"
        case .notices: "Get notices in private"
        case .chooseChannel: "Choose a channel"
        case .forget: "Yes, forget me"
        case .purge: "Delete everything"
        }
    }

    func menuLine(_ command: CommandName) -> String {
        switch command {
        case .start: "Menu, and the groups where you are muted"
        case .help: "Requirements and common problems"
        case .protect: "Require channels in this group"
        case .unprotect: "Stop protection, or drop a channel"
        case .status: "State, channels and counts"
        case .settings: "Show and change settings"
        case .verify: "Check my subscriptions now"
        case .exempt: "Let a person write in any case"
        case .release: "Free a person whom I muted"
        case .why: "Why I did what I did to a person"
        case .pause: "Stop everything for a while"
        case .stats: "Figures of this group"
        case .id: "Ids of this chat and of you"
        case .privacy: "What I store about people"
        case .forget: "Delete what I store about you"
        }
    }

    func word(_ word: TraceWord) -> String {
        switch word {
        case .occasion(let occasion):
            switch occasion {
            case .message: "Message"
            case .edit: "Edited message"
            case .join: "Joined the group"
            case .joinRequest: "Asked to join the group"
            case .recheck: "Looked at again"
            case .button: "Pressed the button"
            case .byHand: "Changed by hand"
            }
        case .outcome(let outcome, let isDone):
            switch outcome {
            case "hold": isDone ? "muted" : "would have been muted"
            case "delete": isDone ? "message removed" : "message would have been removed"
            case "release": "released"
            case "allow": "let through"
            case "ignore": "left alone"
            case "approve": "let in"
            case "refused": "refused by Telegram"
            default: "left as it was"
            }
        case .reason(let reason): self.reason(reason)
        case .standing(let fact):
            switch fact {
            case .member: "subscribed"
            case .notMember: "not subscribed"
            case .inferredNotMember: "not subscribed: Telegram does not know them there"
            case .failed(let failure): "could not be checked: \(failure)"
            case .unreachable(let failure): "cannot be seen by me: \(failure)"
            case nil: "not looked up"
            }
        case .fromMemory(let seconds): "from memory, \(seconds) s old"
        case .asked(let milliseconds): "asked, \(milliseconds) ms"
        case .effect(let kind):
            switch kind {
            case .delete: "remove the message"
            case .restrict: "mute"
            case .lift: "unmute"
            case .approve: "let in"
            case .prompt: "prompt"
            case .edit, .expire: "update the prompt"
            case .send: "note"
            case .notify: "notice to administrators"
            case .recheck: "look again"
            case nil: "something of another version"
            }
        case .result(let result, let failure, let milliseconds, let attempts):
            switch result {
            case .done: "done in \(milliseconds) ms"
            case .failed: "failed: \(failure ?? "unknown")"
            case .waiting: "tried again after \(failure ?? "a pause"), attempt \(attempts)"
            }
        case .state(let state):
            switch state {
            case .held(let since, let isTold, let presses):
                "muted by me since \(since), \(isTold ? "told" : "not told yet"), pressed \(presses) times"
            case .releasing: "being released"
            case .orphaned: "muted by me; I cannot lift it until I am back in the group"
            case .notHeld: "not muted by me"
            case .restrictedByAdmin: "not muted by me; restricted by an administrator"
            }
        }
    }

    // MARK: - Parts

    private func reason(_ reason: DecisionReason) -> String {
        switch reason {
        case .notSubscribed: "not subscribed"
        case .alreadyHeld: "muted already"
        case .other(let word): word
        case .rule(let rule):
            switch rule {
            case .notAGroup: "not a group"
            case .serviceMessage: "a message of Telegram's own"
            case .notProtected: "the group was not protected"
            case .linkedPost: "a post of the linked channel"
            case .anonymousAdmin: "an anonymous administrator"
            case .senderChatAllowed: "speaks as a channel that may"
            case .senderChat: "speaks as a channel, which is not allowed here"
            case .bot: "a bot"
            case .exempt: "exempt"
            case .subscribed: "subscribed to everything"
            case .admin: "an administrator"
            case .checkFailed: "Telegram did not say"
            case .channelsUnreachable: "no channel can be checked"
            case .notInGroup: "not in the group"
            case .notHeld: "not muted"
            }
        case .release(let release):
            switch release {
            case .verified: "subscribed to everything"
            case .event: "joined the channels"
            case .admin: "an administrator's word"
            case .adminRestricted: "an administrator restricted them"
            case .unprotected: "the group or channel is no longer protected"
            case .undo: "taken back by an administrator"
            case .reconcile: "put in order"
            case .left: "left the group"
            case .refused: "Telegram refused the restriction"
            case .failed: "the restriction failed for too long"
            }
        }
    }

    private func names(_ rights: [BotRight]) -> String {
        rights.map {
            switch $0 {
            case .restrictMembers: "restrict members"
            case .deleteMessages: "delete messages"
            case .inviteUsers: "invite users"
            }
        }.joined(separator: ", ")
    }

    private func stateName(_ state: ProtectionState) -> String {
        switch state {
        case .active: "Active"
        case .observing: "Observing (nothing is done)"
        case .paused(let until): "Paused until \(until)"
        case .disabled: "Disabled"
        case .degraded(let rights): "Degraded (missing right: \(names(rights)))"
        case .allBroken: "Degraded (no channel can be checked)"
        }
    }

    private func count(_ number: Int64, _ what: String, _ ageMinutes: Int64?) -> String {
        ageMinutes.map { "\(number) \(what) (\($0) min ago)" } ?? "\(what): n/a"
    }

    private func list(_ names: [String]) -> Markup { .joined(names.map { "• \($0)" }, separator: "\n") }

    private func ticks(_ channels: [CheckedChannel]) -> Markup {
        .joined(channels.map { "\(Tick.mark($0.isMember)) \($0.name)" }, separator: "\n")
    }

    private func valid(_ key: SettingKey) -> Markup {
        switch key {
        case .mode: "<code>enforce</code>, <code>observe</code> (nothing is done)"
        case .noticeTopic: "a topic id, <code>here</code> (sent inside the topic), <code>off</code>"
        case .warning:
            "a text of up to 500 characters; {mention}, {channels} and {group} are replaced, no other {…}"
        case .joinButton, .verifyButton: "1 to 32 characters"
        case .warningTTL: "30 to 3600 seconds, or <code>0</code> to keep it"
        case .failMode: "<code>open</code>, <code>closed</code>"
        case .deleteJoins, .allowChannels, .privateVerify: "<code>on</code>, <code>off</code>"
        case .language: .joined(Languages.all.map { "<code>\($0.code)</code>" })
        }
    }
}
