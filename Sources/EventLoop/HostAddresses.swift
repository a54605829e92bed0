// Names of hosts to addresses, off the loop: the system's resolver blocks.

import Glibc

/// The addresses that a host's name has.
public enum HostAddresses {
    /// Addresses in numbers (`192.0.2.1`, `2001:db8::1`), in the resolver's order; an address is its own.
    /// Empty when the name is not known, or the resolver has no answer.
    @IO
    public static func of(_ name: String) async -> [String] {
        await offload { lookUp(name) }
    }

    /// Blocking, as long as the resolver's own limits allow.
    private static func lookUp(_ name: String) -> [String] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var found: [String] = []
        var entry = list
        while let current = entry {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let result = getnameinfo(
                current.pointee.ai_addr, current.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0,
                NI_NUMERICHOST)
            if result == 0 {
                found.append(String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
            }
            entry = current.pointee.ai_next
        }
        return found
    }
}
