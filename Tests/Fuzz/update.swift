// Fuzz target: any bytes into the update decoder. Nothing may trap; what is no JSON must be told from odd shapes.

/// libFuzzer calls this with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzUpdate(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    var reader = JSONReader(bytes)
    var isJSON = true
    do throws(JSONError) {
        try reader.skip()
        try reader.finish()
    } catch { isJSON = false }
    do throws(UpdateError) {
        let update = try Update(parsing: bytes)
        precondition(isJSON, "read, but is no JSON")
        precondition(update.typeName != "" && decodesAgain(update, bytes), "reads otherwise a second time")
    } catch {
        switch error {
        case .oddShape: precondition(isJSON, "no JSON, but called odd")
        case .notJSON: precondition(!isJSON, "JSON, but called none")
        }
    }
    return 0
}

/// Whether the same bytes give the same id and kind with blanks around them.
private func decodesAgain(_ update: Update, _ bytes: [UInt8]) -> Bool {
    do throws(UpdateError) {
        let again = try Update(parsing: [0x20] + bytes + [0x0A])
        return again.id == update.id && again.typeName == update.typeName
    } catch {
        return false
    }
}
