// What the pull calls hand out: values, errors with their place, keys, positions.

import JSON
import Testing

@Suite("JSON: reading")
struct JSONReaderTests {
    @Test func `reads the members it wants and skips the rest`() throws(JSONError) {
        let text =
            #" {"id": 7, "skip": [1,{"a":null}], "n\u0061me": "A\tb", "on": true, "x": -2.5, "none": null, "id": 8} "#
        var reader = JSONReader(Array(text.utf8))
        var id: Int64 = 0
        var name = ""
        var isOn = false
        var number = 0.0
        var others: [String] = []
        try reader.readObject { (reader, key) throws(JSONError) in
            switch key {
            case "id": id = try reader.readInt64()
            case "name": name = try reader.readString()
            case "on": isOn = try reader.readBool()
            case "x": number = try reader.readDouble()
            case "none": try reader.readNull()
            default: others.append(key.string())
            }
        }
        try reader.finish()
        #expect(id == 8)
        #expect(name == "A\tb")
        #expect(isOn)
        #expect(number == -2.5)
        #expect(others == ["skip"])
        #expect(reader.position == text.utf8.count)
    }

    @Test func `keys compare by bytes`() throws(JSONError) {
        var reader = JSONReader(Array(#"{"":0,"a":0,"é":0,"ab":0}"#.utf8))
        var seen: [Bool] = []
        try reader.readObject { (_, key) throws(JSONError) in
            seen += [key == "", key == "a", key == "é", key == "b"]
        }
        let yes = true
        let no = false
        #expect(seen == [yes, no, no, no, no, yes, no, no, no, no, yes, no, no, no, no, no])
    }

    @Test func `a skipped value's bytes are known`() throws(JSONError) {
        let bytes = Array(#"[ {"a": [1]} ,"x" ]"#.utf8)
        var reader = JSONReader(bytes)
        var raw: [String] = []
        try reader.readArray { (reader) throws(JSONError) in
            raw.append(String(decoding: bytes[try reader.skipRaw()], as: UTF8.self))
        }
        #expect(raw == [#"{"a": [1]}"#, #""x""#])
    }

    static let integers: [(String, Result<Int64, JSONError>)] = [
        ("0", .success(0)), ("-0", .success(0)), ("42", .success(42)), (" -7 ", .success(-7)),
        ("9223372036854775807", .success(.max)), ("-9223372036854775808", .success(.min)),
        ("9223372036854775808", .failure(.outOfRange(at: 0))), (" -9223372036854775809", .failure(.outOfRange(at: 1))),
        ("99999999999999999999", .failure(.outOfRange(at: 0))), ("1.0", .failure(.typeMismatch(at: 0))),
        ("1e2", .failure(.typeMismatch(at: 0))), (" \"1\"", .failure(.typeMismatch(at: 1))),
        ("true", .failure(.typeMismatch(at: 0))), ("01", .failure(.malformed(at: 1))),
        ("-", .failure(.malformed(at: 1))),
        ("", .failure(.malformed(at: 0))), ("x", .failure(.malformed(at: 0))),
    ]

    @Test(arguments: integers)
    func `whole numbers`(_ text: String, _ expected: Result<Int64, JSONError>) {
        let result = Result<Int64, JSONError> { () throws(JSONError) in
            var reader = JSONReader(Array(text.utf8))
            return try reader.readInt64()
        }
        #expect(result == expected)
    }

    static let doubles: [(String, Result<Double, JSONError>)] = [
        ("0", .success(0)), ("1.5", .success(1.5)), ("-2e3", .success(-2000)), ("1e-400", .success(0)),
        ("1.7976931348623157e308", .success(.greatestFiniteMagnitude)), ("5e-324", .success(.leastNonzeroMagnitude)),
        ("1e400", .failure(.outOfRange(at: 0))), ("-1e400", .failure(.outOfRange(at: 0))),
        ("null", .failure(.typeMismatch(at: 0))),
    ]

    @Test(arguments: doubles)
    func `other numbers`(_ text: String, _ expected: Result<Double, JSONError>) {
        let result = Result<Double, JSONError> { () throws(JSONError) in
            var reader = JSONReader(Array(text.utf8))
            return try reader.readDouble()
        }
        #expect(result == expected)
    }

    static let strings = [
        (#""\u0000\u001f\u00e9\u6f22\uffff""#, "\u{0}\u{1F}é漢\u{FFFF}"),
        (#""\ud83d\ude00\udbff\udfff""#, "😀\u{10FFFF}"),
        (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""""#, ""), (#""é\n漢""#, "é\n漢"),
    ]

    @Test(arguments: strings)
    func `strings are decoded`(_ text: String, _ expected: String) throws(JSONError) {
        var reader = JSONReader(Array(text.utf8))
        #expect(try reader.readString() == expected)
        try reader.finish()
    }

    @Test func `a tree of 1048576 values is read, of one more refused`() throws {
        func list(_ zeros: Int) -> [UInt8] {
            Array("[".utf8) + Array(String(repeating: "0,", count: zeros - 1).utf8) + Array("0]".utf8)
        }
        // The list itself is a value too.
        #expect(try JSONValue(parsing: list(1_048_575)).array?.count == 1_048_575)
        #expect(throws: JSONError.tooLarge) { _ = try JSONValue(parsing: list(1_048_576)) }
    }
}

@Suite("JSON: writing")
struct JSONWriterTests {
    @Test func `grows by pieces of any length, and writes every length of number`() throws {
        let numbers = [
            0, 9, 10, 99, 100, -1, -10, Int64.max, Int64.min, 1_000_000_000_000_000_000, 999_999_999_999_999_999,
        ]
        for capacity in [0, 1, 7, 4096] {
            var writer = JSONWriter(capacity: capacity)
            writer.array { writer in
                for number in numbers { writer.int(number) }
                for length in [0, 1, 500, 5000] { writer.string(String(repeating: "é", count: length)) }
            }
            let expected: [JSONValue] =
                numbers.map(JSONValue.int) + [0, 1, 500, 5000].map { .string(String(repeating: "é", count: $0)) }
            #expect(try JSONValue(parsing: writer.bytes) == .array(expected))
            #expect(Array(writer.text.utf8) == writer.bytes)
        }
    }

    @Test func `places commas and escapes`() {
        var writer = JSONWriter()
        writer.object { writer in
            writer.key("a")
            writer.array { writer in
                writer.int(1)
                writer.int(Int64.min)
                writer.object { _ in }
                writer.array { _ in }
                writer.null()
            }
            writer.key("b")
            writer.string("\"\\\n\r\t\u{8}\u{C}\u{1}\u{1F}/é😀\u{7F}")
            writer.key(dynamic: "c\"")
            writer.double(1.5)
            writer.key("d")
            writer.double(.nan)
            writer.key("e")
            writer.bool(true)
            writer.key("f")
            writer.raw([0x5B, 0x5D])
            writer.key("g")
            writer.string(bytes: [0x61, 0xFF, 0x62, 0xED, 0xA0, 0x80])
        }
        let expected =
            #"{"a":[1,-9223372036854775808,{},[],null],"b":"\"\\\n\r\t\b\f\u0001\u001f/é😀"# + "\u{7F}"
            + #"","c\"":1.5,"d":null,"e":true,"f":[],"g":"a�b���"}"#
        #expect(String(decoding: writer.bytes, as: UTF8.self) == expected)
        #expect(parses(writer.bytes))
    }

    @Test func `a tree reads back as it was written`() throws(JSONError) {
        let tree = JSONValue.object([
            ("z", .array([.int(1), .double(0.1), .double(1e300), .bool(false), .null])), ("a", .string("x\u{0}y")),
            ("", .object([])),
        ])
        #expect(try JSONValue(parsing: tree.encoded()) == tree)
        #expect(tree["a"]?.string == "x\u{0}y")
        #expect(tree["z"]?.array?.first?.int == 1)
        #expect(tree["q"] == nil)
        #expect(try JSONValue(parsing: Array(#"{"a":1,"a":2}"#.utf8))["a"] == .int(2))
    }
}
