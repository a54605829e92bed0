"""A message with buttons that changes when they are pressed, and results in inline mode."""

from aiogram import Dispatcher, F
from aiogram.exceptions import TelegramBadRequest
from aiogram.filters import CommandStart
from aiogram.types import (
    CallbackQuery,
    ChosenInlineResult,
    InlineQuery,
    InlineQueryResultArticle,
    InputTextMessageContent,
    Message,
)
from aiogram.utils.keyboard import InlineKeyboardBuilder

import running

dispatcher = Dispatcher()


def keyboard():
    builder = InlineKeyboardBuilder()
    builder.button(text="One", callback_data="1")
    builder.button(text="Two", callback_data="2")
    builder.button(text="Website", url="https://example.org")
    return builder.adjust(2, 1).as_markup()


@dispatcher.message(CommandStart())
async def start(message: Message) -> None:
    await message.answer("Choose:", reply_markup=keyboard())


@dispatcher.callback_query(F.data.in_({"1", "2"}))
async def button(query: CallbackQuery) -> None:
    try:
        await query.message.edit_text(f"You chose {query.data}", reply_markup=keyboard())
        await query.answer()
    except TelegramBadRequest as error:
        await query.answer(error.message.removeprefix("Bad Request: ").split(":")[0], show_alert=True)


@dispatcher.inline_query()
async def question(query: InlineQuery) -> None:
    def article(key: str, title: str, text: str) -> InlineQueryResultArticle:
        return InlineQueryResultArticle(
            id=key, title=title, input_message_content=InputTextMessageContent(message_text=text)
        )

    await query.answer([article("caps", "Caps", query.query.upper()), article("same", "Same", query.query)])


@dispatcher.chosen_inline_result()
async def chosen(result: ChosenInlineResult) -> None:
    await result.bot.send_message(result.from_user.id, f"You took {result.result_id} of {result.query}.")


if __name__ == "__main__":
    running.run(dispatcher)
