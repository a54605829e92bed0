"""Starts an application against the server that the environment names, by polling or by a webhook."""

import os

from telegram import Update
from telegram.ext import Application, ApplicationBuilder


def builder() -> ApplicationBuilder:
    """A builder for the bot: only the addresses are not Telegram's."""
    server = os.environ["BOT_API"]
    return (
        Application.builder()
        .token(os.environ["BOT_TOKEN"])
        .base_url(f"{server}/bot")
        .base_file_url(f"{server}/file/bot")
    )


def run(application: Application, allowed_updates=Update.ALL_TYPES) -> None:
    """Runs until it is told to end."""
    port = os.environ.get("WEBHOOK_PORT")
    if port is None:
        application.run_polling(allowed_updates=allowed_updates, poll_interval=0)
        return
    application.run_webhook(
        listen="127.0.0.1",
        port=int(port),
        url_path="updates",
        webhook_url=f"http://127.0.0.1:{port}/updates",
        secret_token="the-secret-of-the-example",
        allowed_updates=allowed_updates,
    )
