// Which addresses Telegram delivers to: public ones of IPv4. Pure.

import Glibc

/// An address in numbers, as a resolver gives it.
enum PublicAddress {
    /// What Telegram would say to it.
    enum Kind: Equatable {
        case publicIPv4
        case reservedIPv4
        case ipv6
        /// No address at all.
        case name
    }

    /// Networks that the internet does not route (RFC 6890 and its registry), by first address and length.
    private static let reserved: [(network: String, bits: UInt32)] = [
        ("0.0.0.0", 8), ("10.0.0.0", 8), ("100.64.0.0", 10), ("127.0.0.0", 8), ("169.254.0.0", 16),
        ("172.16.0.0", 12), ("192.0.0.0", 24), ("192.0.2.0", 24), ("192.88.99.0", 24), ("192.168.0.0", 16),
        ("198.18.0.0", 15), ("198.51.100.0", 24), ("203.0.113.0", 24), ("224.0.0.0", 3),
    ]

    static func kind(of text: String) -> Kind {
        guard let address = number(text) else {
            var six = in6_addr()
            let plain = String(text.prefix { $0 != "%" })
            return inet_pton(AF_INET6, plain, &six) == 1 ? .ipv6 : .name
        }
        let isReserved = reserved.contains { network, bits in
            number(network).map { ($0 ^ address) >> (32 - bits) == 0 } ?? false
        }
        return isReserved ? .reservedIPv4 : .publicIPv4
    }

    private static func number(_ text: String) -> UInt32? {
        var four = in_addr()
        return inet_pton(AF_INET, text, &four) == 1 ? UInt32(bigEndian: four.s_addr) : nil
    }
}
