"""Runs the example bots of two libraries against `nezuko simulate` and compares what they did with what is kept.

People act by the simulator's controls, and every step waits by the control `await` for the calls that it leads to.
"""

import argparse
import concurrent.futures
import difflib
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
LIBRARIES = ("python-telegram-bot", "aiogram")
MODES = ("polling", "webhook")
# Calls whose number depends on time, and those that are a library's own way to begin and end.
UNWRITTEN = {"getUpdates", "getMe", "setWebhook", "deleteWebhook", "close", "logOut"}


class Simulator:
    """`nezuko simulate` on a free port, and its controls."""

    def __init__(self, program: str):
        self.process = subprocess.Popen(
            [program, "simulate", "--empty", "--seed", "7", "--rate", "0", "--listen", "http://127.0.0.1:0"],
            stdout=subprocess.PIPE,
            text=True,
        )
        printed = [self.process.stdout.readline() for _ in range(2)]
        self.base = re.search(r"http://\S+", printed[0]).group()
        self.token = printed[1].split()[1]

    def act(self, control: str, **members):
        address = self.base.removeprefix("http://")
        connection = http.client.HTTPConnection(address, timeout=60)
        connection.request("POST", f"/control/{control}", json.dumps(members))
        answer = json.loads(connection.getresponse().read())
        connection.close()
        if not answer.pop("ok"):
            raise RuntimeError(f"{control}: {answer['error']}")
        return answer

    def wait(self, method: str, count: int):
        return self.act("await", method=method, count=count, seconds=30)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        self.process.stdout.close()


class Bot:
    """One example bot as a process of its own."""

    def __init__(self, library: str, name: str, mode: str, simulator: Simulator):
        environment = {**os.environ, "BOT_API": simulator.base, "BOT_TOKEN": simulator.token, "PYTHONUNBUFFERED": "1"}
        environment.pop("WEBHOOK_PORT", None)
        if mode == "webhook":
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                environment["WEBHOOK_PORT"] = str(free.getsockname()[1])
        self.process = subprocess.Popen(
            [sys.executable, f"{name}.py"],
            cwd=HERE / library,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines = []
        self.listens = threading.Event()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.library, self.mode, self.simulator = library, mode, simulator

    def wait_until_ready(self):
        self.simulator.wait("getUpdates" if self.mode == "polling" else "setWebhook", 1)
        # This one says when it listens; the other library listens before it sets its webhook.
        if self.mode == "webhook" and self.library == "aiogram" and not self.listens.wait(30):
            raise RuntimeError("the bot does not listen")

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line)
            if "Running on" in line:
                self.listens.set()

    def end(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        self.reader.join(20)
        self.process.stdout.close()


class Scene:
    """The steps of one bot: what people do, and in answer to it the bot."""

    def __init__(self, library: str, simulator: Simulator):
        self.library = library
        self.simulator = simulator
        self.lines = []
        self.written = 0
        self.act = simulator.act

    def step(self, said: str, control: str, until: str, calls=1, **members):
        """Somebody acts, and the bot makes so many more calls of the method `until`."""
        before = self.act("calls", method=until)["count"]
        answer = self.act(control, **members)
        self.lines.append(said)
        self.simulator.wait(until, before + calls)
        self.note()
        return answer

    def note(self):
        """Writes down the calls since the last time."""
        calls = [call for call in self.act("calls")["calls"] if call["method"] not in UNWRITTEN]
        for call in calls[self.written :]:
            words = [call["method"]]
            words += [f"{key}={call[key]}" for key in ("chat_id", "user_id", "message_id") if key in call]
            if "text" in call:
                text = call["text"] if len(call["text"]) < 2000 else f"{len(call['text'])} characters"
                words.append(json.dumps(text, ensure_ascii=False))
            words.append("->")
            words.append(str(call["status"]) + (f" {call['description']}" if "description" in call else ""))
            self.lines.append("    " + " ".join(words))
        self.written = len(calls)

    def messages(self, chat: int):
        """Writes down what stands in the chat of the bot's own."""
        self.lines.append(f"  The bot's messages in {chat}:")
        for message in self.act("botMessages", chat=chat)["messages"]:
            for key in ("edit_date", "chat", "from", "message_id"):
                message.pop(key, None)
            answered = message.pop("reply_to_message", None)
            if answered:
                message["reply_to"] = answered["message_id"]
            self.lines.append("    " + json.dumps(without_dates(message), ensure_ascii=False, sort_keys=True))

    def button(self, chat: int):
        return self.act("botMessages", chat=chat)["messages"][-1]["message_id"]


def without_dates(value):
    """Everything else follows from the seed, ids of files and polls too."""
    if isinstance(value, dict):
        return {key: without_dates(item) for key, item in value.items() if key != "date"}
    return [without_dates(item) for item in value] if isinstance(value, list) else value


def echo(scene: Scene):
    anna = scene.act("addPerson", name="Anna & Co")["id"]
    scene.step("Anna: /start", "start", "sendMessage", user=anna)
    scene.step("Anna: /help", "writeToBot", "sendMessage", user=anna, text="/help")
    scene.step("Anna: Good morning, émile 👋", "writeToBot", "sendMessage", user=anna, text="Good morning, émile 👋")
    scene.messages(anna)


def conversation(scene: Scene):
    anna = scene.act("addPerson", name="Anna")["id"]
    scene.step("Anna: /start", "start", "sendMessage", user=anna)
    scene.step("Anna: Tea", "writeToBot", "sendMessage", user=anna, text="Tea")
    scene.step("Anna sends a picture", "send", "sendMessage", user=anna, kind="photo")
    scene.step("Anna sends a place", "send", "sendMessage", user=anna, kind="location")
    scene.step("Anna: Once upon a time", "writeToBot", "sendMessage", user=anna, text="Once upon a time")
    boris = scene.act("addPerson", name="Boris")["id"]
    scene.step("Boris: /start", "start", "sendMessage", user=boris)
    scene.step("Boris: Coffee", "writeToBot", "sendMessage", user=boris, text="Coffee")
    scene.step("Boris: /skip", "writeToBot", "sendMessage", user=boris, text="/skip")
    scene.step("Boris: /cancel", "writeToBot", "sendMessage", user=boris, text="/cancel")
    scene.messages(anna)
    scene.messages(boris)


def chat_member(scene: Scene):
    anna = scene.act("addPerson", name="Anna")["id"]
    boris = scene.act("addPerson", name="Boris")["id"]
    group = scene.act("addGroup", title="Bamboo Talk", owner=anna, bot=[])["id"]
    scene.act("botPresence", chat=group, status="left")
    scene.step("Anna adds the bot", "botPresence", "sendMessage", chat=group, status="member")
    scene.act("botRights", chat=group, rights=["can_restrict_members"])
    scene.lines.append("Anna makes it an administrator")
    scene.step("Boris joins", "join", "sendMessage", user=boris, chat=group)
    scene.step("Anna: /show", "write", "sendMessage", user=anna, chat=group, text="/show")
    scene.step("Boris leaves", "leave", "sendMessage", user=boris, chat=group)
    scene.step("Boris joins again", "join", "sendMessage", user=boris, chat=group)
    scene.step("Anna bans Boris", "ban", "sendMessage", user=boris, chat=group)
    scene.messages(group)


def inline_keyboard(scene: Scene):
    anna = scene.act("addPerson", name="Anna")["id"]
    scene.step("Anna: /start", "start", "sendMessage", user=anna)
    shown = scene.button(anna)
    scene.step("Anna presses Two", "press", "answerCallbackQuery", user=anna, chat=anna, message=shown, button=1)
    scene.step("Anna presses Two", "press", "answerCallbackQuery", user=anna, chat=anna, message=shown, button=1)
    scene.step("Anna presses One", "press", "answerCallbackQuery", user=anna, chat=anna, message=shown, data="1")
    query = scene.step("Anna asks inline: tea", "askInline", "answerInlineQuery", user=anna, text="tea")["query_id"]
    if scene.library == "aiogram":
        scene.step("Anna takes Caps", "chooseInline", "sendMessage", query_id=query, result="caps")
    scene.messages(anna)
    for answer in scene.act("answers")["answers"]:
        scene.lines.append(f"  Toast: {answer.get('text', '')} alert={answer['alert']}")


def tour(scene: Scene):
    anna = scene.act("addPerson", name="Anna")["id"]
    boris = scene.act("addPerson", name="Boris")["id"]
    rights = ["can_restrict_members", "can_invite_users", "can_pin_messages", "can_delete_messages"]
    group = scene.act("addGroup", title="Bamboo Talk", owner=anna, bot=rights)["id"]
    scene.act("place", user=boris, chat=group)
    scene.act("block", user=boris)
    scene.act("floods", limited=False)
    scene.step("Anna: /media", "writeToBot", "sendMessage", user=anna, text="/media")
    if scene.library == "aiogram":
        poll = next(m["message_id"] for m in scene.act("botMessages", chat=anna)["messages"] if "poll" in m)
        scene.step("Anna votes", "vote", "sendMessage", user=anna, chat=anna, message=poll, options=[1])
        scene.step("Anna reacts", "react", "sendMessage", user=anna, chat=anna, message=poll, emoji="🎉")
    scene.step("Anna: /moderate", "write", "sendMessage", user=anna, chat=group, text=f"/moderate {boris}")
    scene.act("fault", kind="429", method="getChat", retry_after=3)
    # Five of the attempts are texts; the sixth text is the report.
    scene.step("Anna: /errors", "write", "sendMessage", calls=6, user=anna, chat=group, text=f"/errors {boris}")
    scene.messages(anna)
    scene.messages(group)


SCENES = {
    "echo": echo,
    "conversation": conversation,
    "chat_member": chat_member,
    "inline_keyboard": inline_keyboard,
    "tour": tour,
}


def transcript(program: str, library: str, name: str, mode: str) -> str:
    """Runs one bot in a world of its own."""
    simulator = Simulator(program)
    bot = None
    try:
        bot = Bot(library, name, mode, simulator)
        bot.wait_until_ready()
        scene = Scene(library, simulator)
        SCENES[name](scene)
        bot.end()
        if bot.process.returncode not in (0, -signal.SIGINT):
            raise RuntimeError(f"the bot ended with {bot.process.returncode}")
        return "\n".join(scene.lines) + "\n"
    except Exception:
        print(f"{library} {name} {mode}: what the bot printed:", file=sys.stderr)
        if bot is not None:
            if bot.process.poll() is None:
                bot.process.kill()
                bot.reader.join(20)
            print("".join(bot.lines[-40:]), file=sys.stderr)
        raise
    finally:
        simulator.end()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program", help="path of nezuko")
    parser.add_argument("--library", choices=LIBRARIES)
    parser.add_argument("--bot", choices=list(SCENES))
    parser.add_argument("--mode", choices=MODES)
    parser.add_argument("--update", action="store_true", help="keep what comes out")
    wish = parser.parse_args()
    runs = [
        (library, name, mode)
        for library in LIBRARIES
        for name in SCENES
        for mode in MODES
        if wish.library in (None, library) and wish.bot in (None, name) and wish.mode in (None, mode)
    ]
    differing = 0
    # A bot mostly imports its library: two at a time.
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        transcripts = pool.map(lambda run: transcript(wish.program, *run), runs)
        for (library, name, mode), came in zip(runs, transcripts):
            kept = HERE / "transcripts" / library / f"{name}.txt"
            if wish.update and mode == MODES[0]:
                kept.parent.mkdir(exist_ok=True)
                kept.write_text(came)
            expected = kept.read_text() if kept.exists() else ""
            differing += came != expected
            print(f"{library} {name} {mode}: {'as kept' if came == expected else 'DIFFERS'}", flush=True)
            if came != expected:
                names = str(kept.relative_to(HERE)), mode
                print("\n".join(difflib.unified_diff(expected.splitlines(), came.splitlines(), *names, lineterm="")))
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
