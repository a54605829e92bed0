// Secrets that nobody configured: derived from the token, or random and kept in the state directory.

import CSSL
import Configuration
import Glibc

enum Secrets {
    /// The webhook secrets: the first is told to Telegram, all are accepted. `nil` when none could be made.
    static func webhook(_ configuration: Configuration) -> [String]? {
        if !configuration.webhookSecrets.isEmpty { return configuration.webhookSecrets }
        if let token = configuration.botToken {
            do {
                return [try WebhookSecret.derive(token: token)]
            } catch {
                return nil
            }
        }
        return kept("secret", in: configuration.stateDirectory).map { [$0] }
    }

    /// A random text of 48 characters in a file of mode 600, made at the first start.
    private static func kept(_ name: String, in directory: String) -> String? {
        let path = "\(directory)/\(name)"
        if let bytes = Environment.read(path), bytes.count >= 16 { return String(decoding: bytes, as: UTF8.self) }
        var random = [UInt8](repeating: 0, count: 24)
        guard RAND_bytes(&random, 24) == 1 else { return nil }
        let digits = Array("0123456789abcdef".utf8)
        let text = random.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard write(descriptor, text, text.count) == text.count else { return nil }
        return String(decoding: text, as: UTF8.self)
    }
}
