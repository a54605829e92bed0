"""Asks four things one after the other: a choice, a picture, a place, a text."""

from aiogram import Dispatcher, F
from aiogram.filters import Command, CommandStart
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import KeyboardButton, Message, ReplyKeyboardMarkup, ReplyKeyboardRemove

import running

dispatcher = Dispatcher()


class Form(StatesGroup):
    drink = State()
    picture = State()
    place = State()
    story = State()


@dispatcher.message(CommandStart())
async def start(message: Message, state: FSMContext) -> None:
    """Opens the conversation with a keyboard."""
    await state.set_state(Form.drink)
    buttons = [[KeyboardButton(text="Tea"), KeyboardButton(text="Coffee")]]
    await message.answer(
        "Tea or coffee? /cancel ends this.",
        reply_markup=ReplyKeyboardMarkup(keyboard=buttons, one_time_keyboard=True, resize_keyboard=True),
    )


@dispatcher.message(Command("cancel"))
async def cancel(message: Message, state: FSMContext) -> None:
    if await state.get_state() is None:
        return
    await state.clear()
    await message.answer("Until next time.", reply_markup=ReplyKeyboardRemove())


@dispatcher.message(Form.drink, F.text.in_({"Tea", "Coffee"}))
async def drink(message: Message, state: FSMContext) -> None:
    await state.update_data(drink=message.text)
    await state.set_state(Form.picture)
    await message.answer("Send me a picture of your cup, or /skip.", reply_markup=ReplyKeyboardRemove())


@dispatcher.message(Form.picture, Command("skip"))
async def skip_picture(message: Message, state: FSMContext) -> None:
    await state.set_state(Form.place)
    await message.answer("No picture then. Where are you? Or /skip.")


@dispatcher.message(Form.picture, F.photo)
async def picture(message: Message, state: FSMContext) -> None:
    """Fetches the picture's bytes."""
    content = (await message.bot.download(message.photo[-1])).read()
    await state.set_state(Form.place)
    await message.answer(f"{len(content)} bytes of a {content[1:4].decode()}. Where are you? Or /skip.")


@dispatcher.message(Form.place, Command("skip"))
async def skip_place(message: Message, state: FSMContext) -> None:
    await state.set_state(Form.story)
    await message.answer("As you like. Now tell me a story.")


@dispatcher.message(Form.place, F.location)
async def place(message: Message, state: FSMContext) -> None:
    at = message.location
    await state.set_state(Form.story)
    await message.answer(f"So near {at.latitude:.2f}, {at.longitude:.2f}! Now tell me a story.")


@dispatcher.message(Form.story, F.text)
async def story(message: Message, state: FSMContext) -> None:
    data = await state.get_data()
    await state.clear()
    await message.answer(f"Thank you, friend of {data['drink'].lower()}.")


if __name__ == "__main__":
    running.run(dispatcher)
