// What people read: results on stdout, complaints on stderr.

import Glibc

enum Terminal {
    /// Writes a result and a line end.
    static func print(_ text: String) { write(text + "\n", to: 1) }

    /// Writes a complaint and a line end.
    static func error(_ text: String) { write(text + "\n", to: 2) }

    /// Whether a person reads stdout, and colours are welcome (https://no-color.org).
    static var isInteractive: Bool { isatty(1) == 1 }
    static var hasColors: Bool { isInteractive && getenv("NO_COLOR") == nil }

    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            // A closed pipe or full disk: there is nobody left to tell.
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
