"""Goes through the methods that bots use besides texts, and through the errors they meet."""

import io
import struct
import zlib

from telegram import BotCommand, ChatPermissions, InputMediaPhoto, Update
from telegram.error import BadRequest, Forbidden, RetryAfter
from telegram.ext import CommandHandler, ContextTypes

import running


def picture(width: int, height: int) -> bytes:
    """A grey PNG."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + b"\x80" * width for _ in range(height)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


async def media(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    chat = update.effective_chat
    photo = await chat.send_photo(picture(30, 20), caption="<b>A picture</b>", parse_mode="HTML")
    size = photo.photo[-1]
    again = await chat.send_photo(size.file_id)
    document = await chat.send_document(io.BytesIO(b"one,two\n"), filename="table.csv", caption="A table")
    content = await (await document.document.get_file()).download_as_bytearray()
    await photo.edit_caption("Another caption")
    album = await chat.send_media_group(
        [InputMediaPhoto(picture(10, 10), caption="Left"), InputMediaPhoto(picture(12, 10))]
    )
    dice = await chat.send_dice()
    poll = await chat.send_poll("Which?", ["This", "That"], is_anonymous=False)
    place = await chat.send_location(52.5, 13.4)
    contact = await chat.send_contact("+10000000000", "Somebody")
    copy = await photo.copy(chat.id)
    forward = await document.forward(chat.id)
    await context.bot.stop_poll(chat.id, poll.message_id)
    await chat.send_message(
        f"{size.width}x{size.height}, same file {again.photo[-1].file_unique_id == size.file_unique_id}, "
        f"{document.document.file_name} of {document.document.mime_type} with {len(content)} bytes, "
        f"album of {len(album)} with one id {len({item.media_group_id for item in album}) == 1}, "
        f"dice {1 <= dice.dice.value <= 6}, poll of {len(poll.poll.options)}, {place.location.latitude}, "
        f"{contact.contact.first_name}, copy {copy.message_id}, forward from {forward.forward_origin.sender_user.first_name}"
    )


async def moderate(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    bot, chat, target = context.bot, update.effective_chat, int(context.args[0])
    await bot.set_my_commands([BotCommand("media", "sends things"), BotCommand("moderate", "rules")])
    await bot.set_my_description("A tour")
    commands = await bot.get_my_commands()
    full = await bot.get_chat(chat.id)
    admins = await chat.get_administrators()
    link = await chat.create_invite_link(name="tour", member_limit=3)
    edited = await chat.edit_invite_link(link, name="longer tour")
    revoked = await chat.revoke_invite_link(edited)
    await chat.restrict_member(target, ChatPermissions.no_permissions())
    muted = await chat.get_member(target)
    await chat.ban_member(target)
    banned = await chat.get_member(target)
    await chat.unban_member(target)
    free = await chat.get_member(target)
    await update.message.pin()
    await update.message.set_reaction("👍")
    await chat.send_message(
        f"{len(commands)} commands, {full.title}, {full.max_reaction_count} reactions, {len(admins)} admins, "
        f"{edited.name}, revoked {revoked.is_revoked}, {muted.status}, {banned.status}, {free.status}"
    )


async def errors(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    bot, chat, blocker = context.bot, update.effective_chat, int(context.args[0])
    seen = []
    attempts = [
        lambda: bot.send_message(chat.id, "a" * 4097),
        lambda: bot.send_message(-100, "Nobody reads this"),
        lambda: bot.send_message(blocker, "Blocked"),
        lambda: bot.send_message(chat.id, "<b>open", parse_mode="HTML"),
        lambda: bot.send_message(chat.id, "Full stop.", parse_mode="MarkdownV2"),
        lambda: bot.send_photo(chat.id, b"no picture"),
        lambda: bot.send_document(chat.id, "not-a-file-id"),
        lambda: bot.edit_message_text("New", chat.id, 999),
        lambda: bot.delete_message(chat.id, 999),
        lambda: bot.send_poll(chat.id, "Which?", ["Only one"]),
        lambda: bot.ban_chat_member(chat.id, bot.id),
    ]
    for attempt in attempts:
        try:
            await attempt()
            seen.append("none")
        except (BadRequest, Forbidden) as error:
            seen.append(f"{type(error).__name__}: {error.message}")
    try:
        await bot.get_chat(chat.id)
    except RetryAfter as error:
        seen.append(f"RetryAfter {error._retry_after.total_seconds():.0f} s")
    await chat.send_message("\n".join(seen))


def main() -> None:
    application = running.builder().build()
    application.add_handler(CommandHandler("media", media))
    application.add_handler(CommandHandler("moderate", moderate))
    application.add_handler(CommandHandler("errors", errors))
    running.run(application)


if __name__ == "__main__":
    main()
