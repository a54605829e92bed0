"""Greets, helps, and says again what it is told."""

from aiogram import Dispatcher, html
from aiogram.filters import Command, CommandStart
from aiogram.types import ForceReply, Message

import running

dispatcher = Dispatcher()


@dispatcher.message(CommandStart())
async def start(message: Message) -> None:
    """Answers /start with a mention and opens the reply field."""
    user = message.from_user
    await message.answer(f"Hi {html.link(user.full_name, user.url)}!", reply_markup=ForceReply(selective=True))


@dispatcher.message(Command("help"))
async def help_command(message: Message) -> None:
    """Answers /help."""
    await message.answer(r"*Write* something\. I say it again\.", parse_mode="MarkdownV2")


@dispatcher.message()
async def echo(message: Message) -> None:
    """Sends whatever came back as it is."""
    await message.bot.send_chat_action(message.chat.id, "typing")
    try:
        await message.send_copy(chat_id=message.chat.id, reply_to_message_id=message.message_id)
    except TypeError:
        await message.answer("I cannot copy that.")


if __name__ == "__main__":
    running.run(dispatcher)
