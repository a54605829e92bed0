"""Greets, helps, and says again what it is told."""

from telegram import ForceReply, Update
from telegram.ext import CommandHandler, ContextTypes, MessageHandler, filters

import running


async def start(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Answers /start with a mention and opens the reply field."""
    user = update.effective_user
    await update.message.reply_html(
        rf"Hi {user.mention_html()}!", reply_markup=ForceReply(selective=True)
    )


async def help_command(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Answers /help."""
    await update.message.reply_markdown_v2(r"*Write* something\. I say it again\.")


async def echo(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Repeats a text as an answer to it."""
    await context.bot.send_chat_action(update.effective_chat.id, "typing")
    await update.message.reply_text(update.message.text, do_quote=True)


def main() -> None:
    application = running.builder().build()
    application.add_handler(CommandHandler("start", start))
    application.add_handler(CommandHandler("help", help_command))
    application.add_handler(MessageHandler(filters.TEXT & ~filters.COMMAND, echo))
    running.run(application)


if __name__ == "__main__":
    main()
