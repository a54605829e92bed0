// What happened in the simulated world, with names, for a live view.

/// One thing that happened. Chats and persons are named as people know them.
public enum SimulatorEvent: Sendable, Equatable {
    /// Somebody wrote in a group, and the message stood at first.
    case wrote(person: String, chat: String, text: String)
    /// Somebody tried to write, and Telegram did not let them.
    case writeRefused(person: String, chat: String)
    /// Somebody joined a group or channel.
    case joined(person: String, chat: String)
    /// Somebody left a group or channel.
    case left(person: String, chat: String)
    /// Somebody asks to be let in.
    case asked(person: String, chat: String)
    /// Somebody pressed a button.
    case pressed(person: String, button: String)
    /// Somebody started the bot.
    case started(person: String)
    /// An administrator changed somebody's standing.
    case changedByAdmin(person: String, chat: String, by: String)
    /// The bot deleted a message of that person.
    case deleted(person: String, chat: String)
    /// The bot restricted somebody.
    case restricted(person: String, chat: String)
    /// The bot lifted somebody's restriction.
    case lifted(person: String, chat: String)
    /// The bot wrote.
    case botWrote(chat: String, text: String)
    /// The bot edited a message of its own.
    case botEdited(chat: String, text: String)
    /// The bot answered a button press.
    case answered(person: String, text: String)
    /// The bot let somebody in, or turned them away.
    case requestAnswered(person: String, chat: String, isApproved: Bool)
    /// A method call was refused or failed on purpose.
    case callFailed(method: String, code: Int)
    /// A group became a supergroup.
    case migrated(chat: String)
}
