"""Knows in which chats it is, greets who comes and says goodbye to who goes."""

from aiogram import Bot, Dispatcher
from aiogram.filters import IS_MEMBER, IS_NOT_MEMBER, ChatMemberUpdatedFilter, Command
from aiogram.types import ChatMemberUpdated, Message

import running

dispatcher = Dispatcher()
known: set[int] = set()


@dispatcher.my_chat_member(ChatMemberUpdatedFilter(IS_NOT_MEMBER >> IS_MEMBER))
async def added(change: ChatMemberUpdated) -> None:
    if change.chat.type in ("group", "supergroup"):
        known.add(change.chat.id)
        await change.answer(f"Thank you for having me, {change.from_user.first_name}.")


@dispatcher.my_chat_member(ChatMemberUpdatedFilter(IS_MEMBER >> IS_NOT_MEMBER))
async def removed(change: ChatMemberUpdated) -> None:
    known.discard(change.chat.id)


@dispatcher.chat_member(ChatMemberUpdatedFilter(IS_NOT_MEMBER >> IS_MEMBER))
async def came(change: ChatMemberUpdated) -> None:
    who, cause = change.new_chat_member.user.mention_html(), change.from_user.mention_html()
    await change.answer(f"{who} was added by {cause}. Welcome!")


@dispatcher.chat_member(ChatMemberUpdatedFilter(IS_MEMBER >> IS_NOT_MEMBER))
async def went(change: ChatMemberUpdated) -> None:
    who, cause = change.new_chat_member.user.mention_html(), change.from_user.mention_html()
    await change.answer(f"{who} is no longer with us. Thanks, {cause}!")


@dispatcher.message(Command("show"))
async def show(message: Message, bot: Bot) -> None:
    """Tells which groups it knows, and how many people are in each."""
    counts = [await bot.get_chat_member_count(chat) for chat in known]
    await message.answer(f"Groups with {counts} members.")


if __name__ == "__main__":
    running.run(dispatcher)
