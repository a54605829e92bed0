"""Goes through the methods that bots use besides texts, and through the errors they meet."""

import struct
import zlib

from aiogram import Bot, Dispatcher
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError, TelegramRetryAfter
from aiogram.filters import Command, CommandObject
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
    ChatPermissions,
    InputMediaPhoto,
    Message,
    MessageReactionUpdated,
    PollAnswer,
    ReactionTypeEmoji,
)

import running

dispatcher = Dispatcher()


def picture(width: int, height: int) -> BufferedInputFile:
    """A grey PNG."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + b"\x80" * width for _ in range(height)))
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return BufferedInputFile(png, "picture.png")


@dispatcher.message(Command("media"))
async def media(message: Message, bot: Bot) -> None:
    photo = await message.answer_photo(picture(30, 20), caption="<b>A picture</b>")
    size = photo.photo[-1]
    again = await message.answer_photo(size.file_id)
    table = BufferedInputFile(b"one,two\n", "table.csv")
    document = await message.answer_document(table, caption="A table")
    content = (await bot.download(document.document)).read()
    await photo.edit_caption(caption="Another caption")
    album = await message.answer_media_group(
        [InputMediaPhoto(media=picture(10, 10), caption="Left"), InputMediaPhoto(media=picture(12, 10))]
    )
    dice = await message.answer_dice()
    poll = await message.answer_poll("Which?", ["This", "That"], is_anonymous=False)
    place = await message.answer_location(52.5, 13.4)
    contact = await message.answer_contact("+10000000000", "Somebody")
    copy = await photo.copy_to(message.chat.id)
    forward = await document.forward(message.chat.id)
    await message.answer(
        f"{size.width}x{size.height}, same file {again.photo[-1].file_unique_id == size.file_unique_id}, "
        f"{document.document.file_name} of {document.document.mime_type} with {len(content)} bytes, "
        f"album of {len(album)} with one id {len({item.media_group_id for item in album}) == 1}, "
        f"dice {1 <= dice.dice.value <= 6}, poll of {len(poll.poll.options)}, {place.location.latitude}, "
        f"{contact.contact.first_name}, copy {copy.message_id}, forward from {forward.forward_origin.sender_user.first_name}"
    )


@dispatcher.poll_answer()
async def voted(answer: PollAnswer, bot: Bot) -> None:
    await bot.send_message(answer.user.id, f"You voted for {answer.option_ids}.")


@dispatcher.message_reaction()
async def reacted(change: MessageReactionUpdated, bot: Bot) -> None:
    await bot.send_message(change.chat.id, f"You reacted with {change.new_reaction[0].emoji}.")


@dispatcher.message(Command("moderate"))
async def moderate(message: Message, bot: Bot, command: CommandObject) -> None:
    chat, target = message.chat, int(command.args)
    await bot.set_my_commands([BotCommand(command="media", description="sends things")])
    await bot.set_my_description("A tour")
    commands = await bot.get_my_commands()
    full = await bot.get_chat(chat.id)
    admins = await chat.get_administrators()
    link = await chat.create_invite_link(name="tour", member_limit=3)
    edited = await chat.edit_invite_link(link.invite_link, name="longer tour")
    revoked = await chat.revoke_invite_link(edited.invite_link)
    await chat.restrict(target, ChatPermissions(can_send_messages=False))
    muted = await chat.get_member(target)
    await chat.ban(target)
    banned = await chat.get_member(target)
    await chat.unban(target)
    free = await chat.get_member(target)
    await message.pin()
    await message.react([ReactionTypeEmoji(emoji="👍")])
    await message.answer(
        f"{len(commands)} commands, {full.title}, {full.max_reaction_count} reactions, {len(admins)} admins, "
        f"{edited.name}, revoked {revoked.is_revoked}, {muted.status}, {banned.status}, {free.status}"
    )


@dispatcher.message(Command("errors"))
async def errors(message: Message, bot: Bot, command: CommandObject) -> None:
    chat, blocker = message.chat.id, int(command.args)
    seen = []
    attempts = [
        lambda: bot.send_message(chat, "a" * 4097),
        lambda: bot.send_message(-100, "Nobody reads this"),
        lambda: bot.send_message(blocker, "Blocked"),
        lambda: bot.send_message(chat, "<b>open"),
        lambda: bot.send_message(chat, "Full stop.", parse_mode="MarkdownV2"),
        lambda: bot.send_photo(chat, BufferedInputFile(b"no picture", "picture.png")),
        lambda: bot.send_document(chat, "not-a-file-id"),
        lambda: bot.edit_message_text("New", chat_id=chat, message_id=999),
        lambda: bot.delete_message(chat, 999),
        lambda: bot.send_poll(chat, "Which?", ["Only one"]),
        lambda: bot.ban_chat_member(chat, bot.id),
    ]
    for attempt in attempts:
        try:
            await attempt()
            seen.append("none")
        except (TelegramBadRequest, TelegramForbiddenError) as error:
            seen.append(f"{type(error).__name__}: {error.message}")
    try:
        await bot.get_chat(chat)
    except TelegramRetryAfter as error:
        seen.append(f"TelegramRetryAfter {error.retry_after} s")
    await message.answer("\n".join(seen), parse_mode=None)


if __name__ == "__main__":
    running.run(dispatcher)
