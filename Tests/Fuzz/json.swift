// Fuzz target: any bytes into the JSON reader. What it accepts must read the same after being written.

/// libFuzzer calls this with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzJSON(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    var reader = JSONReader(bytes)
    var isSkippable = true
    do throws(JSONError) {
        try reader.skip()
        try reader.finish()
    } catch { isSkippable = false }
    do throws(JSONError) {
        let value = try JSONValue(parsing: bytes)
        precondition(isSkippable, "read, but could not be skipped")
        let again = try JSONValue(parsing: value.encoded())
        precondition(again == value, "reads otherwise after being written")
    } catch {
        switch error {
        // Only the range of a number depends on whether it is read.
        case .outOfRange, .tooLarge: break
        case .malformed, .tooDeep, .typeMismatch: precondition(!isSkippable, "skipped, but could not be read")
        }
    }
    return 0
}
