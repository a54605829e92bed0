// Commands: how they are read, what settings take, how replies are split.

import Domain
import EventLoop
import Storage
import TelegramBotAPI
import Testing

@testable import Handlers

private func parsed(_ text: String) -> CommandCall? {
    let chat = Chat(id: ChatID(-100), type: .supergroup)
    let message = Message(id: MessageID(1), date: 0, chat: chat, from: User(id: UserID(7)), text: text)
    return CommandCall(message, botUsername: "NezukoBot")
}

@Test(arguments: [
    ("/protect @a", CommandName.protect, ["@a"]), ("/STATUS@nezukobot", .status, []),
    ("/settings warning a\nb", .settings, ["warning", "a", "b"]), ("/nothing", nil, []),
])
func `commands are read`(text: String, name: CommandName?, arguments: [String]) throws {
    let call = try #require(parsed(text))
    #expect(call.name == name)
    #expect(call.arguments == arguments)
}

@Test(arguments: ["protect", "/", "/ start", "/start@other", "/a.b", ""])
func `what is no command of ours`(text: String) {
    #expect(parsed(text) == nil)
}

@Test(arguments: [
    ("@news", ChatReference.name("news")), ("https://t.me/news", .name("news")), ("t.me/s/news/5", .name("news")),
    ("-1001234", .id(ChatID(-1_001_234))), ("https://t.me/c/1234/5", .id(ChatID(-1_001_234))), ("news", nil),
    ("https://t.me/+abcdef", nil), ("@a", nil), ("5", nil), ("observe", nil), ("https://t.me/c/--1/5", nil),
])
func `how channels are named`(word: String, expected: ChatReference?) {
    #expect(ChannelArgument.parse(word) == expected)
}

@Test(arguments: [
    (SettingKey.warning, "Hi {mention}", true), (.warning, "Hi {nobody}", false), (.warning, "a { b }", true),
    (.warning, String(repeating: "x", count: 501), false), (.joinButton, "", false), (.joinButton, "Go", true),
    (.verifyButton, String(repeating: "x", count: 33), false), (.warningTTL, "29", false), (.warningTTL, "0", true),
    (.warningTTL, "3600", true), (.failMode, "closed", true), (.failMode, "no", false), (.deleteJoins, "on", true),
    (.allowChannels, "maybe", false), (.privateVerify, "off", true), (.language, "ru", true), (.language, "xx", false),
    (.noticeTopic, "here", true), (.noticeTopic, "off", true), (.noticeTopic, "-3", false),
])
func `what settings take`(key: SettingKey, value: String, isTaken: Bool) {
    var params = GroupParams()
    #expect(key.set(value, in: &params, thread: 5) == isTaken)
    #expect((params == GroupParams()) || isTaken)
}

@Test func `keys of later issues do not exist`() {
    for key in ["warning_mode", "recap", "recap_topics"] { #expect(SettingKey(rawValue: key) == nil) }
}

@Test func `long replies are split at line ends`() {
    let lines = (1...500).map { "line \($0) &amp; more" }
    let pages = Reply.split(Markup(html: lines.joined(separator: "\n")), maximum: 4096)
    #expect(pages.count > 1)
    #expect(pages.allSatisfy { $0.visibleLength <= 4096 })
    #expect(pages.map(\.html).joined(separator: "\n") == lines.joined(separator: "\n"))
    let endless = Reply.split(Markup(html: "<b>" + String(repeating: "x", count: 5000) + "</b>"), maximum: 4096)
    #expect(endless.map(\.visibleLength) == [4096])
}

@Test(arguments: [(1, 3, "33.3"), (2, 3, "66.7"), (1, 1, "100.0"), (0, 5, "0.0"), (0, 0, nil)])
@IO func `percentages have one decimal`(part: Int, whole: Int, expected: String?) {
    #expect(Stats.percent(part, of: whole) == expected)
}

@Test(arguments: [
    ("v_-100123", DeepLink.verify(ChatID(-100_123))), ("p_-100", .picker(ChatID(-100))), ("notify", .notices),
    ("v_5", nil), ("v_", nil), ("", nil), ("x", nil), ("V_-5", nil), ("p_-4503599627370496", nil),
])
func `the payload of start`(payload: String, link: DeepLink?) {
    #expect(DeepLink(payload) == link)
}

@Test(arguments: [
    ("verify:5", CallbackData.verify(UserID(5), group: nil)),
    ("verify:5:-100", .verify(UserID(5), group: ChatID(-100))), ("verify_membership", .verify(nil, group: nil)),
    ("menu_help", .menu("menu_help")), ("forget:ok", .forget),
    ("release:5:-100", .command("release", arguments: ["5"], group: ChatID(-100))),
    ("pause:off:-1", .command("pause", arguments: ["off"], group: ChatID(-1))), ("verify:5:5", nil), ("verify:-5", nil),
    ("verify", nil), ("release:5:100", nil), ("release", nil), ("", nil), (":", nil),
    ("verify:4503599627370496", nil), ("a:-4503599627370496", nil), ("forget:no", nil),
])
func `the data of presses`(data: String, expected: CallbackData?) {
    #expect(CallbackData(data) == expected)
}

@Test @IO func `commands have a budget`() {
    let budget = CommandBudget()
    let inGroup = (1...5).map { _ in budget.spend(1, isPrivate: false) }
    #expect(inGroup == [.allowed, .allowed, .allowed, .refused, .refused])
    let inPrivate = (1...22).map { _ in budget.spend(1, isPrivate: true) }
    #expect(inPrivate.prefix(20).allSatisfy { $0 == .allowed })
    #expect(inPrivate.suffix(2) == [.firstRefusal, .refused])
}
