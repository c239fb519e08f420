"""`/privacy`, from what the gateway says to what Discord gets."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from typing import Any

import pytest

from bot.services import Services
from bot.services.privacy import KeptOutputs, PrivacyService
from bot.state.memory_outputs import MemoryOutputs
from cogs.privacy import DeleteButton, Privacy
from tests.contract.outputs_backends import make_output
from tests.unit.cogs.front import ASKER, NOW_S, STRANGER, Call, Front, Wire, _Answer, _message


@dataclass(frozen=True, slots=True, kw_only=True)
class _WithPrivacy(Services):
    """The services of a bot that has the commands."""

    privacy: PrivacyService


@dataclass
class _FileWire(Wire):
    """A wire that takes files, too."""

    files: list[bytes] = field(default_factory=list[bytes])

    @asynccontextmanager
    async def request(
        self, method: str, url: str, *, data: Any = None, **options: object
    ) -> AsyncIterator[_Answer]:
        if data is not None and not isinstance(data, str):
            values = {one["name"]: value for one, _, value in data._fields}
            data = values["payload_json"]
            self.files.append(values["files[0]"].read())
        async with super().request(method, url, data=data, **options) as answer:
            yield answer


class PrivacyFront(Front):
    """A front with the commands; a text is kept of the asker, and one of another member."""

    def __init__(self) -> None:
        super().__init__()
        self.outputs = MemoryOutputs(lambda: NOW_S)
        privacy = PrivacyService([KeptOutputs(self.outputs)], clock=lambda: NOW_S, keep_days=30)
        known = {one.name: getattr(self.services, one.name) for one in fields(Services)}
        self.services = _WithPrivacy(**(known | {"privacy": privacy}))
        self.bot.services = self.services
        self.wire = self.file_wire = _FileWire(self.queue)

    async def press(self, custom_id: str, user_id: int = ASKER) -> list[Call]:
        """Somebody clicks the button."""
        data = {"custom_id": custom_id, "component_type": 2}
        button = {"type": 2, "style": 4, "label": "x", "custom_id": custom_id}
        rows = [{"type": 1, "components": [button]}]
        payload = {"type": 3, "data": data, "message": _message(components=rows)}
        return await self.command(user_id=user_id, payload=payload)


@pytest.fixture
async def privacy() -> AsyncIterator[PrivacyFront]:
    """A bot that keeps two texts."""
    front = PrivacyFront()
    async with front.running():
        if front.bot.get_cog("Privacy") is None:
            front.bot.add_dynamic_items(DeleteButton)
            await front.bot.add_cog(Privacy(front.services))
        for number, user_id in (("1", ASKER), ("2", STRANGER)):
            output = make_output(f"T{number}", root=number, job_id=number, user_id=user_id)
            await front.outputs.save([output])
        yield front


async def test_list_is_for_the_asker_alone(privacy: PrivacyFront):
    """And pings nobody."""
    first, last = await privacy.type("privacy show")

    assert first.is_private
    assert "settings: 1" in last.message["content"]
    assert last.pings_nobody


async def test_copy_comes_as_a_file(privacy: PrivacyFront):
    """For the asker alone."""
    first, last = await privacy.type("privacy export")

    assert first.is_private
    assert "bardling-data.json" == last.message["attachments"][0]["filename"]
    [data] = privacy.file_wire.files
    assert ["T1"] == [text["code"] for text in json.loads(data)["texts"]]


async def test_nothing_is_deleted_before_the_button_is_pressed(privacy: PrivacyFront):
    """Then it is, and the question is gone."""
    first, last = await privacy.type("privacy delete")
    assert first.is_private
    [button] = last.message["components"][0]["components"]
    assert await privacy.outputs.find("T1") is not None

    *_, edit = await privacy.press(button["custom_id"])

    assert "**Deleted**" in edit.message["content"]
    assert [] == edit.message["components"]
    assert await privacy.outputs.find("T1") is None
    assert await privacy.outputs.find("T2") is not None


async def test_button_is_for_its_member_alone(privacy: PrivacyFront):
    """Though nobody else can see it."""
    calls = await privacy.press(f"bardling:privacy-delete:{ASKER}", STRANGER)

    assert "for somebody else" in calls[-1].message["content"]
    assert await privacy.outputs.find("T1") is not None


async def test_commands_work_everywhere(privacy: PrivacyFront):
    """In direct messages too: a member may have left all servers."""
    [group] = [one for one in privacy.bot.tree.get_commands() if one.name == "privacy"]
    shown = group.to_dict(privacy.bot.tree)

    assert ([0, 1], [0, 1, 2]) == (sorted(shown["integration_types"]), sorted(shown["contexts"]))
    _, last = await privacy.type("privacy show", guild_id=None)
    assert "settings: 1" in last.message["content"]
