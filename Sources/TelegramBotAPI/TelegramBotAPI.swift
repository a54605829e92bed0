// TelegramBotAPI: see docs/house.md.
