"""Knows in which chats it is, greets who comes and says goodbye to who goes."""

from telegram import Chat, ChatMember, ChatMemberUpdated, Update
from telegram.ext import ChatMemberHandler, CommandHandler, ContextTypes

import running

PRESENT = (ChatMember.MEMBER, ChatMember.OWNER, ChatMember.ADMINISTRATOR)


def was_and_is(change: ChatMemberUpdated) -> tuple[bool, bool]:
    """Whether the person was there before, and is there now."""
    def is_there(member: ChatMember) -> bool:
        return member.status in PRESENT or getattr(member, "is_member", False)

    return is_there(change.old_chat_member), is_there(change.new_chat_member)


async def track(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """The bot itself was added, removed, promoted or blocked."""
    was, now = was_and_is(update.my_chat_member)
    chat = update.effective_chat
    known = context.bot_data.setdefault("group_ids", set())
    if chat.type in (Chat.GROUP, Chat.SUPERGROUP):
        if now and not was:
            known.add(chat.id)
            await chat.send_message(f"Thank you for having me, {update.my_chat_member.from_user.first_name}.")
        if was and not now:
            known.discard(chat.id)


async def greet(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    was, now = was_and_is(update.chat_member)
    if was == now:
        return
    who = update.chat_member.new_chat_member.user.mention_html()
    cause = update.chat_member.from_user.mention_html()
    if now:
        await update.effective_chat.send_message(f"{who} was added by {cause}. Welcome!", parse_mode="HTML")
    else:
        await update.effective_chat.send_message(f"{who} is no longer with us. Thanks, {cause}!", parse_mode="HTML")


async def show(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Tells which groups it knows, and how many people are in each."""
    counts = [await context.bot.get_chat_member_count(chat) for chat in context.bot_data.get("group_ids", set())]
    await update.effective_message.reply_text(f"Groups with {counts} members.")


def main() -> None:
    application = running.builder().build()
    application.add_handler(ChatMemberHandler(track, ChatMemberHandler.MY_CHAT_MEMBER))
    application.add_handler(ChatMemberHandler(greet, ChatMemberHandler.CHAT_MEMBER))
    application.add_handler(CommandHandler("show", show))
    running.run(application)


if __name__ == "__main__":
    main()
