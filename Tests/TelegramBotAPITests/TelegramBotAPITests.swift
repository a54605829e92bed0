// TelegramBotAPITests
