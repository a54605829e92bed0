// The commands that exist. Names are labels of metrics, so the list is closed.

/// A command of the bot.
public enum CommandName: String, CaseIterable, Sendable {
    /// The private menu, and the way into private verification.
    case start
    /// Requirements and common problems.
    case help
    /// Links channels and switches protection on.
    case protect
    /// Switches protection off, or removes a channel.
    case unprotect
    /// State, channels, counts.
    case status
    /// Shows and changes a group's settings.
    case settings
    /// As pressing the button.
    case verify
    /// Exempts a person for good.
    case exempt
    /// Frees a person whom the bot holds.
    case release
    /// Why the bot did what it did to a person.
    case why
    /// Stops enforcement for a while.
    case pause
    /// Figures of a group.
    case stats
    /// Ids of chat and person.
    case id
    /// What is stored about people.
    case privacy
    /// Deletes what is stored about the sender.
    case forget
}
