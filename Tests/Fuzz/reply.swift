// Fuzz target: any bytes into the reader of Bot API answers, and every kind of result that the bot looks into.

/// libFuzzer calls this with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzReply(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    do throws(JSONError) {
        let reply = try BotAPIReply(parsing: bytes)
        if let pause = reply.retryAfterSeconds { precondition((1...86_400).contains(pause), "a pause out of bounds") }
        precondition(!reply.isOK || isJSON(reply.result), "a success without a result")
        _ = BotAPIErrorClass(
            code: reply.code, text: reply.text, retryAfter: reply.retryAfterSeconds, migratesTo: reply.migrateToChatID)
        look(into: reply.result)
    } catch {
        // Not an answer of the Bot API: the caller takes it for a server error.
    }
    return 0
}

private func isJSON(_ bytes: [UInt8]) -> Bool {
    var reader = JSONReader(bytes)
    do throws(JSONError) {
        try reader.skip()
        try reader.finish()
        return true
    } catch {
        return false
    }
}

/// What can be read is read; what cannot is refused without a trap.
private func look(into result: [UInt8]) {
    attempt(result) { (reader) throws(JSONError) in _ = try Chat(reading: &reader) }
    attempt(result) { (reader) throws(JSONError) in _ = try ChatMember(reading: &reader) }
    attempt(result) { (reader) throws(JSONError) in _ = try Message(reading: &reader, result) }
    attempt(result) { (reader) throws(JSONError) in _ = try User(reading: &reader) }
    attempt(result) { (reader) throws(JSONError) in
        try reader.readArray { (reader) throws(JSONError) in _ = try ChatMember(reading: &reader) }
    }
}

private func attempt(_ bytes: [UInt8], _ read: (inout JSONReader) throws(JSONError) -> Void) {
    var reader = JSONReader(bytes)
    do throws(JSONError) { try read(&reader) } catch {}
}
