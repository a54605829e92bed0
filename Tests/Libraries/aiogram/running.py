"""Starts a dispatcher against the server that the environment names, by polling or by a webhook."""

import asyncio
import logging
import os

from aiohttp import web

from aiogram import Bot, Dispatcher
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.webhook.aiohttp_server import SimpleRequestHandler, setup_application

SECRET = "the-secret-of-the-example"


def make_bot() -> Bot:
    """The bot: only the server is not Telegram's."""
    session = AiohttpSession(api=TelegramAPIServer.from_base(os.environ["BOT_API"]))
    return Bot(os.environ["BOT_TOKEN"], session=session, default=DefaultBotProperties(parse_mode="HTML"))


async def poll(dispatcher: Dispatcher) -> None:
    bot = make_bot()
    await bot.delete_webhook()
    await dispatcher.start_polling(bot, allowed_updates=dispatcher.resolve_used_update_types())


def run(dispatcher: Dispatcher) -> None:
    """Runs until it is told to end."""
    logging.basicConfig(level=logging.WARNING)
    port = os.environ.get("WEBHOOK_PORT")
    if port is None:
        asyncio.run(poll(dispatcher))
        return

    async def subscribe(bot: Bot) -> None:
        await bot.set_webhook(
            f"http://127.0.0.1:{port}/updates",
            secret_token=SECRET,
            allowed_updates=dispatcher.resolve_used_update_types(),
        )

    dispatcher.startup.register(subscribe)
    bot = make_bot()
    application = web.Application()
    SimpleRequestHandler(dispatcher=dispatcher, bot=bot, secret_token=SECRET).register(application, path="/updates")
    setup_application(application, dispatcher, bot=bot)
    web.run_app(application, host="127.0.0.1", port=int(port))
