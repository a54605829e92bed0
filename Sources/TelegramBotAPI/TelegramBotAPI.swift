// TelegramBotAPI: the Bot API as typed calls, and the updates that Telegram sends.
//
// Invariants of the room:
// - Every call passes through `BotAPI.call`; every attempt is told to the observer exactly once.
// - Decoders are pure and skip what they do not know: the API grows each month.
// - The token is in URLs only, and no error or log line carries a URL.
