"""What members do with finished texts: the cogs' front with clicks, forms, menus and files."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp

from bot.core.buttons import Action, Rows, finished_rows, output_custom_id
from bot.core.outputs import Output
from bot.core.receipts import code_of
from bot.core.replies import page
from bot.core.sampling import SamplingParams
from tests.unit.cogs.front import (
    APPLICATION,
    ASKER,
    CHANNEL,
    GUILD,
    Call,
    Front,
    Wire,
    _Answer,
    _interaction,
    _message,
    _option_type,
)

ROOT, TEXT, PROMPT = "7000", " there was a fox. It said: **no**.", "Once upon a time"
SEED = 11


class FileWire(Wire):
    """Also gives files, and reads forms of several parts.

    Attributes:
        contents: of each file, by its address.
        posted: names and contents of the files that Discord got.
    """

    contents: dict[str, bytes]
    posted: list[tuple[str, bytes]]

    @asynccontextmanager
    async def request(
        self, method: str, url: str, *, data: Any = None, **options: object
    ) -> AsyncIterator[_Answer]:
        if isinstance(data, aiohttp.FormData):
            parts = {kind["name"]: (kind, value) for kind, _, value in data._fields}
            for kind, value in parts.values():
                if "filename" in kind:
                    self.posted.append((kind["filename"], value.read()))
            data = parts["payload_json"][1]
        async with super().request(method, url, data=data, **options) as answer:
            yield answer

    @asynccontextmanager
    async def get(self, url: str, **_options: object) -> AsyncIterator["_File"]:
        content = self.contents.get(url)
        yield _File(404 if content is None else 200, content or b"")


class _File(_Answer):
    def __init__(self, status: int, content: bytes) -> None:
        super().__init__(status, {})
        self._content = content

    async def read(self) -> bytes:
        return self._content


class OutputFront(Front):
    """A bot whose members have finished texts.

    Attributes:
        nsfw: whether the channel is age-restricted.
        permissions: of whoever acts.
        owners: who installed the bot, as Discord says it; None: the server.
        locale: what whoever acts speaks, as Discord says it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.wire = FileWire(self.queue)
        self.wire.contents, self.wire.posted = {}, []
        self.nsfw = False
        self.permissions = 0
        self.owners: dict[str, str] | None = None
        self.locale = "en-US"
        self._next_id = 100

    @asynccontextmanager
    async def running(self) -> AsyncIterator["OutputFront"]:
        async with super().running():
            http = self.bot._connection.http
            http._global_over = asyncio.Event()
            http._global_over.set()
            yield self

    async def save(self, *outputs: Output) -> list[Output]:
        """Texts that a worker has finished; without any, the usual one."""
        saved = list(outputs) or [make_output()]
        await self.stores.outputs.save(saved)
        return saved

    def wait(self, seconds: float) -> None:
        """The next click comes so much later, by its id."""
        self._next_id += int(seconds * 1000) << 22

    async def press(
        self, action: Action, index: int = 0, *, root: str = ROOT, user_id: int = ASKER,
        guild_id: int | None = GUILD, message: dict[str, Any] | None = None,
    ) -> list[Call]:  # fmt: skip
        """Somebody clicks a button under the reply."""
        custom_id = output_custom_id(action, root, index)
        if action is Action.PAGE:
            custom_id += ":f"
        return await self.press_id(custom_id, user_id, guild_id, message)

    async def press_id(
        self, custom_id: str, user_id: int = ASKER, guild_id: int | None = GUILD,
        message: dict[str, Any] | None = None,
    ) -> list[Call]:  # fmt: skip
        """Somebody clicks a button with this id."""
        data = {"custom_id": custom_id, "component_type": 2}
        button = {"type": 2, "style": 2, "label": "x", "custom_id": custom_id}
        usual = _message(components=[{"type": 1, "components": [button]}])
        return await self._act(3, data, user_id, guild_id, message=message or usual)

    async def submit(
        self, custom_id: str, values: dict[str, str], *, user_id: int = ASKER,
        guild_id: int | None = GUILD, is_click: bool = True,
    ) -> list[Call]:  # fmt: skip
        """Somebody sends a form."""
        components = [
            {"type": 18, "id": n, "component": {"type": 4, "custom_id": key, "value": value}}
            for n, (key, value) in enumerate(values.items())
        ]
        data = {"custom_id": custom_id, "components": components}
        message = _message(components=rows()) if is_click else None
        return await self._act(5, data, user_id, guild_id, message=message)

    async def menu(
        self, name: str, message: dict[str, Any], *, user_id: int = ASKER,
        guild_id: int | None = GUILD,
    ) -> list[Call]:  # fmt: skip
        """Somebody uses a menu on a message."""
        data = {
            "id": "6", "name": name, "type": 3, "target_id": message["id"],
            "resolved": {"messages": {message["id"]: message}},
        }  # fmt: skip
        return await self._act(2, data, user_id, guild_id)

    async def ask(
        self, name: str = "complete", *, guild_id: int | None = GUILD,
        file: dict[str, Any] | None = None, **options: Any,
    ) -> list[Call]:  # fmt: skip
        """Somebody types a command with just these options."""
        given = [{"name": key, "type": _option_type(v), "value": v} for key, v in options.items()]
        data: dict[str, Any] = {"id": "5", "name": name, "type": 1, "options": given}
        if file is not None:
            given.append({"name": "file", "type": 11, "value": file["id"]})
            data["resolved"] = {"attachments": {file["id"]: file}}
        return await self._act(2, data, ASKER, guild_id)

    async def offered(self, option: str, text: str = "") -> dict[str, str]:
        """What Discord would offer for an option of `/complete`: values and names."""
        focused = {"name": option, "type": 3, "value": text, "focused": True}
        data = {"id": "5", "name": "complete", "type": 1, "options": [focused]}
        (call,) = await self._act(4, data, ASKER, GUILD)
        return {choice["value"]: choice["name"] for choice in call.body["data"]["choices"]}

    async def _act(
        self, kind: int, data: dict[str, Any], user_id: int, guild_id: int | None,
        *, message: dict[str, Any] | None = None,
    ) -> list[Call]:  # fmt: skip
        self._next_id += 1
        payload = _interaction(
            kind, data, interaction_id=self._next_id, user_id=user_id, guild_id=guild_id,
            permissions=self.permissions,
        )  # fmt: skip
        payload["locale"] = self.locale
        if guild_id is not None:
            payload["channel"]["nsfw"] = self.nsfw
        if self.owners is not None:
            payload["authorizing_integration_owners"] = self.owners
        if message is not None:
            payload["message"] = message
        return await self._tell(payload)


def make_output(index: int = 0, **changes: Any) -> Output:
    """A finished text; `index` is its place among the versions of its reply."""
    job_id = str(int(ROOT) + index)
    values: dict[str, Any] = {
        "code": code_of(job_id), "root": ROOT, "job_id": job_id, "prompt": PROMPT, "text": TEXT,
        "n_prompt_tokens": 4, "n_tokens": 9, "end": "length", "max_new_tokens": 33,
        "sampling": SamplingParams(temperature=0.7, seed=SEED + index, guard_loops=True),
        "model": "small", "quantization": "q8", "engine": "wide", "is_repeatable": True,
        "user_id": ASKER, "guild_id": GUILD, "channel_id": CHANNEL, "created_at_s": 5.0,
    }  # fmt: skip
    return Output(**(values | changes))


def rows(count: int = 1) -> Rows:
    """The buttons under a reply as Discord gives them back."""
    return cast(Rows, json.loads(json.dumps(finished_rows(ROOT, 0, count))))


def reply_of(output: Output, **changes: Any) -> dict[str, Any]:
    """The bot's message that shows a text."""
    message = page(output.prompt, output.text, output.label(output.code))
    return _message(content=message.content, application_id=str(APPLICATION)) | changes


def others_message(content: str, **changes: Any) -> dict[str, Any]:
    """A message that somebody else wrote."""
    author = {"id": "555", "username": "ben", "discriminator": "0", "avatar": None}
    return _message(id="901", content=content, author=author) | changes


def text_file(content: bytes, front: OutputFront, **changes: Any) -> dict[str, Any]:
    """An attachment that Discord holds."""
    url = f"https://cdn.example/{len(front.wire.contents)}/text.txt"
    front.wire.contents[url] = content
    return {
        "id": "77", "filename": "text.txt", "size": len(content), "url": url, "proxy_url": url,
        "content_type": "text/plain; charset=utf-8",
    } | changes  # fmt: skip
