// The table of settings as documentation: docs/config.md is this text.

extension Configuration {
    /// docs/config.md.
    public static func markdown() -> String {
        var text = """
            # Configuration

            This file is generated: `nezuko config --markdown > docs/config.md`.

            All settings are environment variables; for local runs a `.env` in the working directory works too, and
            the real environment wins. An empty value counts as unset. Settings marked *secret* can also be given as
            `NAME_FILE=/path`, and are masked wherever the configuration is printed.

            | Name | Default | Meaning |
            | --- | --- | --- |

            """
        for setting in Setting.all {
            let value = setting.defaultText.isEmpty ? "–" : "`\(setting.defaultText)`"
            text += "| `\(setting.name)` | \(value) | \(setting.isSecret ? "*secret*; " : "")\(setting.meaning) |\n"
        }
        return text
    }
}
