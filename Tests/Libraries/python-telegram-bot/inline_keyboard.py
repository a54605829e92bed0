"""A message with buttons that changes when they are pressed, and results in inline mode."""

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, InlineQueryResultArticle, InputTextMessageContent, Update
from telegram.error import BadRequest
from telegram.ext import CallbackQueryHandler, CommandHandler, ContextTypes, InlineQueryHandler

import running

KEYBOARD = InlineKeyboardMarkup(
    [
        [InlineKeyboardButton("One", callback_data="1"), InlineKeyboardButton("Two", callback_data="2")],
        [InlineKeyboardButton("Website", url="https://example.org")],
    ]
)


async def start(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    await update.message.reply_text("Choose:", reply_markup=KEYBOARD)


async def button(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    query = update.callback_query
    try:
        await query.edit_message_text(text=f"You chose {query.data}", reply_markup=KEYBOARD)
        await query.answer()
    except BadRequest as error:
        await query.answer(text=error.message.split(":")[0], show_alert=True)


async def question(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    text = update.inline_query.query
    await update.inline_query.answer(
        [
            InlineQueryResultArticle("caps", "Caps", InputTextMessageContent(text.upper())),
            InlineQueryResultArticle("same", "Same", InputTextMessageContent(text)),
        ]
    )


def main() -> None:
    application = running.builder().build()
    application.add_handler(CommandHandler("start", start))
    application.add_handler(CallbackQueryHandler(button))
    application.add_handler(InlineQueryHandler(question))
    running.run(application)


if __name__ == "__main__":
    main()
