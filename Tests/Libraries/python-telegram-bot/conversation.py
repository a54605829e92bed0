"""Asks four things one after the other: a choice, a picture, a place, a text."""

from telegram import ReplyKeyboardMarkup, ReplyKeyboardRemove, Update
from telegram.ext import CommandHandler, ContextTypes, ConversationHandler, MessageHandler, filters

import running

DRINK, PICTURE, PLACE, STORY = range(4)


async def start(update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
    """Opens the conversation with a keyboard."""
    await update.message.reply_text(
        "Tea or coffee? /cancel ends this.",
        reply_markup=ReplyKeyboardMarkup(
            [["Tea", "Coffee"]], one_time_keyboard=True, input_field_placeholder="Tea or coffee?"
        ),
    )
    return DRINK


async def drink(update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
    context.user_data["drink"] = update.message.text
    await update.message.reply_text(
        "Send me a picture of your cup, or /skip.", reply_markup=ReplyKeyboardRemove()
    )
    return PICTURE


async def picture(update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
    """Fetches the picture's bytes."""
    file = await update.message.photo[-1].get_file()
    content = await file.download_as_bytearray()
    await update.message.reply_text(f"{len(content)} bytes of a {content[1:4].decode()}. Where are you? Or /skip.")
    return PLACE


async def skip_picture(update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
    await update.message.reply_text("No picture then. Where are you? Or /skip.")
    return PLACE


async def place(update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
    at = update.message.location
    await update.message.reply_text(f"So near {at.latitude:.2f}, {at.longitude:.2f}! Now tell me a story.")
    return STORY


async def skip_place(update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
    await update.message.reply_text("As you like. Now tell me a story.")
    return STORY


async def story(update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
    await update.message.reply_text(f"Thank you, friend of {context.user_data['drink'].lower()}.")
    return ConversationHandler.END


async def cancel(update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
    await update.message.reply_text("Until next time.", reply_markup=ReplyKeyboardRemove())
    return ConversationHandler.END


def main() -> None:
    application = running.builder().build()
    application.add_handler(
        ConversationHandler(
            entry_points=[CommandHandler("start", start)],
            states={
                DRINK: [MessageHandler(filters.Regex("^(Tea|Coffee)$"), drink)],
                PICTURE: [MessageHandler(filters.PHOTO, picture), CommandHandler("skip", skip_picture)],
                PLACE: [MessageHandler(filters.LOCATION, place), CommandHandler("skip", skip_place)],
                STORY: [MessageHandler(filters.TEXT & ~filters.COMMAND, story)],
            },
            fallbacks=[CommandHandler("cancel", cancel)],
        )
    )
    running.run(application)


if __name__ == "__main__":
    main()
