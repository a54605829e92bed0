// Fuzz target: what strangers write into commands, presses and deep links. What is read reads the same once written.

/// libFuzzer calls this with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzArguments(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let text = String(decoding: UnsafeBufferPointer(start: data, count: count), as: UTF8.self)
    switch CallbackData(text) {
    case .verify(let user, let group)?:
        let words = ["verify", user.map { String($0.value) }, group.map { String($0.value) }].compactMap { $0 }
        if let user {
            precondition(user.value > 0 && user.value < 1 << 52)
            precondition(CallbackData(words.joined(separator: ":")) == .verify(user, group: group))
        } else {
            precondition(text == "verify_membership")
        }
        if let group { precondition(group.value < 0 && group.value > -(1 << 52)) }
    case .command(let name, let arguments, let group)?:
        precondition(group.value < 0 && group.value > -(1 << 52))
        let written = ([name] + arguments + [String(group.value)]).joined(separator: ":")
        precondition(CallbackData(written) == .command(name, arguments: arguments, group: group))
    case .menu(let screen)?: precondition(screen == text)
    case .forget?, nil: break
    }
    switch DeepLink(text) {
    case .verify(let group)?, .picker(let group)?: precondition(group.value < 0 && group.value > -(1 << 52))
    case .notices?, nil: break
    }
    if let channel = ChannelArgument.parse(text) {
        precondition(ChannelArgument.parse(ChannelArgument.written(channel)) == channel, "named otherwise once written")
    }
    if let seconds = DurationArgument.seconds(text, units: "smhd", maximum: 604_800) {
        precondition((1...604_800).contains(seconds))
    }
    return 0
}
