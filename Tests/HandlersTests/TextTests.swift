// Texts: all languages say the same things, within Telegram's limits.

import Domain
import TelegramBotAPI
import Testing

@testable import Handlers

private let rights = BotRight.allCases
private let samples: [Text] = [
    .promptHello(mention: "M1", channels: "C1"), .promptWelcome(mention: "M1", channels: "C1"),
    .promptLeft(mention: "M1", left: "L1", channels: "C1"), .promptMany(mentions: "M1", more: 77, channels: "C1"),
    .promptRefused(mention: "M1", channels: "C1"), .standingNotice(waiting: 77, channels: "C1"),
    .channelSpeaker(channel: "C1"), .checkFailed(mentions: "M1", more: 77),
    .noticeBrokenLink(channel: "C1", group: "G1"),
    .noticeRightLost(rights, group: "G1"), .noticeInGroup(owner: "M1", notice: "N1"),
    .heldIn(group: "G1", channels: [CheckedChannel(name: "C1", isMember: true)]),
    .joinRequest(group: "G1", channels: "C1"), .somethingWrong(reference: "R1"), .channelNotFound("C1"),
    .notAChannel("C1"), .botNotInChannel("C1"), .callerNotInChannel("C1"), .anonymousCaller("C1"),
    .inviteRightNeeded("C1"), .protected(group: "G1", channels: ["C1", "L1"], isObserving: true),
    .otherRestrictingBot("B1"),
    .disabled(releasing: 77),
    .channelNotLinked("C1"), .channelRemoved("C1", left: 77), .lastChannelRemoved("C1"),
    .statusGroup(title: "G1", members: 77, ageMinutes: 88),
    .statusChannel(name: "C1", subscribers: 77, ageMinutes: 88, isBroken: false), .statusHeld(77),
    .statusDay(verified: 77, restricted: 88), .settingsSaved(key: "K1", value: "V1"),
    .settingsUnknownKey("K1", keys: "V1"), .settingsBadValue(key: "K1", valid: "V1"), .exempted("M1"),
    .exemptionEnded("M1"), .personUnknown("M1", command: .why), .personSeveral("M1", command: .why),
    .whyNothing("M1", .notHeld),
    .whyPerson("M1", .held(since: "77", isTold: true, presses: 88)), .decisionUnreadable(77),
    .released("M1", since: "77", missing: ["C1"]), .releaseUnderWay("M1", since: "77", missing: []),
    .releaseNotHeld("M1", isRestricted: true), .statusObserved(77), .paused(until: "77", isAll: true),
    .modeObserve(releasing: 77),
    .statistics(days: 77, verifications: 88, restrictions: 99, rate: "R1", errors: 66, topHour: 5),
    .ids(chat: ChatID(-77), user: UserID(88)), .heldNowhere, .welcome, .noticesOn, .purgeAsked,
    .purgeBegun(releasing: 77), .chooseChannel(group: "G1"),
    .greeting,
    .statusNotices(.administrators(77)), .menuHelp, .protectUsage,
    .privacy(logDays: 77), .forgetAsked, .forgotten(days: 77, decisions: 88, verifications: 99), .onlyInPrivate,
]
private let marks = ["M1", "C1", "L1", "G1", "N1", "R1", "K1", "V1", "77", "88", "99", "66"]

@Test func `every language fills in the same values`() {
    for text in samples {
        let expected = marks.filter { English().text(text).html.contains($0) }
        for language in Languages.all {
            #expect(marks.filter { language.text(text).html.contains($0) } == expected, "\(language.code) \(text)")
        }
    }
}

@Test func `toasts and buttons fit`() {
    let toasts: [Toast] = [
        .notForYou, .telegramSilent, .canWriteNow, .opensInAMoment, .canWriteHere, .restrictedByAdmin,
        .noLongerProtected, .checking, .outOfDate, .noPayments, .somethingWrong,
    ]
    let labels: [Label] = [
        .join(worst), .verify, .verifyInPrivate, .setup, .howItWorks, .commands, .help, .addToGroup, .back,
        .release, .exempt, .endPause, .watchFirst, .enforce, .notices, .chooseChannel, .forget, .purge,
    ]
    let channels = (1...20).map { RequiredChannel(id: ChatID(Int64(-$0)), title: worst) }
    for language in Languages.all {
        for toast in toasts { #expect(language.toast(toast).utf16.count <= 200) }
        for label in labels { #expect((1...64).contains(language.label(label).utf16.count)) }
        for command in CommandName.allCases { #expect((1...256).contains(language.menuLine(command).utf16.count)) }
        for count in 1...20 { #expect(language.stillMissing(Array(channels.prefix(count))).utf16.count <= 200) }
    }
}

@Test(arguments: [
    (0, "много"), (1, "один"), (2, "два"), (4, "два"), (5, "много"), (11, "много"), (14, "много"), (21, "один"),
    (22, "два"), (111, "много"), (121, "один"),
])
func `Russian has three forms`(number: Int, form: String) {
    #expect(Plural.russian(number, "один", "два", "много") == form)
}

@Test(arguments: [
    ("plain", "plain"), ("a<b>&\"c\"", "a&lt;b&gt;&amp;&quot;c&quot;"), ("_*`[", "_*`["), ("&amp;", "&amp;amp;"),
])
func `names are escaped`(plain: String, html: String) {
    #expect(HTML.escape(plain) == html)
    #expect(Markup("<b>\(plain)</b>").html == "<b>\(html)</b>")
    #expect(HTML.plain(html) == plain)
    #expect(HTML.visibleLength("<i>\(html)</i>") == plain.utf16.count)
}

@Test(arguments: [("ru", "ru"), ("RU", "ru"), ("ru-ru", "ru"), ("pt-br", "en"), ("", "en")])
func `the language of a person`(code: String, expected: String) {
    #expect(Languages.of(languageCode: code).code == expected)
}

// MARK: - Prompts

private let worst = String(repeating: "𝕏<&", count: 85)
private let place = PromptPlace(group: ChatID(-100), title: "G & H", params: GroupParams(), botUsername: "bot")
private let channel = RequiredChannel(id: ChatID(-1), title: "News", username: "news")

@Test func `one person gets their own text and button`() {
    let one = Prompt.compose(people: [PromptPerson(id: UserID(7), name: "<A>")], channels: [channel], in: place)
    #expect(one.html.contains(#"Hello <a href="tg://user?id=7">&lt;A&gt;</a>, please join"#))
    #expect(one.html.contains("News (@news)"))
    #expect(
        one.keyboard == [
            [InlineButton("Join News", .url("https://t.me/news"))],
            [InlineButton("I have joined", .callback("verify:7"))],
        ])
    let left = Prompt.compose(
        people: [PromptPerson(id: UserID(7), name: "A", opening: .left(channel: "News"))], channels: [channel],
        in: place)
    #expect(left.html.contains("because you left News"))
    let new = Prompt.compose(
        people: [PromptPerson(id: UserID(7), name: "A", opening: .welcome)], channels: [channel], in: place)
    #expect(new.html.hasPrefix("Welcome <a"))
}

@Test func `several people share one prompt`() {
    let people = (1...12).map { PromptPerson(id: UserID(Int64($0)), name: "P\($0)") }
    let prompt = Prompt.compose(people: people, total: 30, channels: [channel], in: place)
    #expect(prompt.html.split(separator: "tg://user").count - 1 == 10)
    #expect(prompt.html.contains("and 20 more"))
    #expect(prompt.keyboard.rows.last == [InlineButton("I have joined", .callback("verify_membership"))])
}

@Test func `own texts are escaped before their fields are filled`() {
    var own = place
    own.params.warningText = "<b> {mention} {channels} {group} {other}"
    own.params.offersPrivateVerify = true
    let prompt = Prompt.compose(people: [PromptPerson(id: UserID(7), name: "{group}")], channels: [channel], in: own)
    #expect(
        prompt.html == "&lt;b&gt; <a href=\"tg://user?id=7\">{group}</a> • News (@news) G &amp; H {other}")
    #expect(prompt.keyboard.rows.last == [InlineButton("Verify in private", .url("https://t.me/bot?start=v_-100"))])
}

@Test(arguments: ["en", "ru"])
func `prompts fit with the longest names`(code: String) {
    let channels = (1...12).map {
        RequiredChannel(id: ChatID(Int64(-$0)), title: worst, username: String(repeating: "n", count: 32))
    }
    let people = (1...20).map { PromptPerson(id: UserID(Int64($0)), name: worst) }
    for text in [nil, String(repeating: "{mention}{channels}", count: 25)] {
        var long = place
        long.params.language = code
        long.params.warningText = text
        for prompt in [
            Prompt.compose(people: people, channels: channels, in: long),
            Prompt.standing(waiting: 5, channels: channels, in: long),
        ] {
            #expect(Markup(html: prompt.html).visibleLength <= 4096)
            #expect(prompt.keyboard.rows.count <= 10)
            for button in prompt.keyboard.rows.joined() { #expect((1...64).contains(button.text.utf16.count)) }
        }
    }
}

@Test func `names written right to left are isolated`() {
    #expect(Naming.shown("שלום", maximum: 64) == "\u{2068}שלום\u{2069}")
    #expect(Naming.shown("a\u{202E}b", maximum: 64) == "ab")
    #expect(Naming.clipped("a" + String(repeating: "\u{301}", count: 300), maximum: 20).utf16.count == 20)
}
