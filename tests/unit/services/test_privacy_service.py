"""What is kept of a member: shown, handed out, deleted."""

import json
from typing import Any

import pytest

from bot.core.asker import Asker
from bot.core.limit_buckets import Unit
from bot.core.privacy import Holding, policy
from bot.core.xray_texts import XrayText
from bot.errors import LimitReachedError
from bot.services.privacy import (
    KeptOutputs,
    KeptReports,
    KeptXrays,
    LimitCounters,
    NotedRequests,
    PrivacyService,
)
from bot.state.memory_outputs import MemoryOutputs
from bot.state.memory_reports import MemoryReports
from bot.state.memory_xray_texts import MemoryXrayTexts
from tests.contract.outputs_backends import make_output
from tests.contract.test_reports_store import report
from tests.unit.services.asking import ASKER, CHANNEL, GUILD, MEMBER, Desk

BIG_ID = 2**62 + 1
OTHER = Asker(user_id=101, guild_id=GUILD, channel_id=CHANNEL)


class Drawer:
    """A member who asked for a text in a server with limits, and got two."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.outputs = MemoryOutputs(self.desk.clock)
        self.xrays = MemoryXrayTexts(clock=self.desk.clock, keep_days=30)
        self.reports = MemoryReports(self.desk.clock)
        self.service = PrivacyService(
            [
                KeptOutputs(self.outputs),
                KeptXrays(self.xrays, 30),
                KeptReports(self.reports),
                NotedRequests(self.desk.stores.usage),
                LimitCounters(self.desk.stores.limits),
            ],
            clock=self.desk.clock,
            keep_days=30,
            privacy_url="https://example.org/privacy",
        )

    async def fill(self) -> None:
        await self.desk.limit(2, unit=Unit.REQUESTS)
        await self.desk.ask(1)
        await self.desk.ask(2, OTHER)
        for number, user_id in (("1", MEMBER), ("2", MEMBER), ("3", OTHER.user_id)):
            await self.outputs.save(
                [make_output(f"T{number}", root=number, job_id=number, user_id=user_id,
                             guild_id=BIG_ID, channel_id=BIG_ID)]
            )  # fmt: skip

    async def exported(self, user_id: int = MEMBER, **options: Any) -> dict[str, Any]:
        return json.loads((await self.service.export(user_id, **options)).data)


@pytest.fixture
async def drawer() -> Drawer:
    drawer = Drawer()
    await drawer.fill()
    return drawer


async def test_all_that_is_kept_is_counted_and_explained(drawer: Drawer):
    """With the time at which it goes, and the host's own words."""
    shown = await drawer.service.show(MEMBER)

    until_s = int(drawer.desk.now_s) + 30 * 86_400
    assert f"- Texts, with prompts and settings: 2, the last until <t:{until_s}:f>" in shown
    assert "- Requests noted in servers, without their words: 1, the last until <t:" in shown
    assert "- Counters of limits: 1, the last until <t:" in shown
    assert "<https://example.org/privacy>" in shown
    assert len(shown) < 2_000


async def test_nothing_kept_is_said_so():
    """Without a date."""
    shown = await Drawer().service.show(MEMBER)

    assert "settings: 0\n" in shown
    assert "<t:" not in shown


async def test_export_has_all_of_one_member(drawer: Drawer):
    """And nothing of others; ids are texts, which no program rounds."""
    data = await drawer.exported()

    assert (1, str(MEMBER)) == (data["v"], data["user_id"])
    assert ["T1", "T2"] == [text["code"] for text in data["texts"]]
    assert {str(BIG_ID)} == {text["guild_id"] for text in data["texts"]}
    assert "Once upon a time" == data["texts"][0]["prompt"]
    [request] = data["requests"]
    assert ("1", str(GUILD), str(MEMBER), "accepted") == (
        request["job_id"], request["guild_id"], request["user_id"], request["outcome"],
    )  # fmt: skip
    [counter] = data["limit_counters"]
    assert f"m{MEMBER}" in counter["counter"]
    assert "101" not in json.dumps(data)


async def test_export_that_is_too_large_leaves_the_oldest_out(drawer: Drawer):
    """And says how many."""
    for number in range(10, 60):
        await drawer.outputs.save(
            [
                make_output(
                    f"T{number}", root=str(number), job_id=str(number), user_id=MEMBER,
                    created_at_s=2_000.0 + number, text="é" * 500,
                )
            ]
        )  # fmt: skip

    export = await drawer.service.export(MEMBER, max_bytes=60_000)
    data = json.loads(export.data)

    assert len(export.data) <= 60_000
    assert 0 < export.n_left_out == data["n_left_out"]
    assert "T59" == data["texts"][-1]["code"]
    assert 52 == len(data["texts"]) + export.n_left_out
    assert 1 == len(data["requests"])


async def test_export_of_nobody_is_a_file_too():
    """With empty lists."""
    data = await Drawer().exported()

    assert [[], [], []] == [data[name] for name in ("texts", "requests", "limit_counters")]


async def test_deletion_leaves_counters_and_others_alone(drawer: Drawer):
    """Nobody gets a fresh allowance by it."""
    await drawer.desk.ask(3)
    asked = await drawer.service.question(MEMBER)
    assert "can't be taken back" in asked
    assert "fresh allowance" in asked

    done = await drawer.service.delete(MEMBER)

    assert "- Texts, with prompts and settings: 2" in done
    assert "- Requests noted in servers, without their words: 2" in done
    assert "fresh allowance:\n- Counters of limits: 1, the last until" in done
    data = await drawer.exported()
    assert ([], [], 1) == (data["texts"], data["requests"], len(data["limit_counters"]))
    others = await drawer.exported(OTHER.user_id)
    assert (1, 1) == (len(others["texts"]), len(others["requests"]))
    with pytest.raises(LimitReachedError):
        await drawer.desk.ask(4, ASKER)


async def test_deletion_can_be_done_again(drawer: Drawer):
    """It finds nothing more."""
    await drawer.service.delete(MEMBER)

    assert "settings: 0" in await drawer.service.delete(MEMBER)


async def test_new_store_joins_by_itself(drawer: Drawer):
    """It is shown, handed out and emptied with the others."""

    class Stories:
        name = "stories"
        kept = 3

        async def count_of(self, user_id: int) -> Holding:
            return Holding(what="Stories", count=self.kept)

        async def export_of(self, user_id: int) -> list[dict[str, Any]]:
            return [{"title": "A fox"}]

        async def forget_user(self, user_id: int) -> int:
            self.kept, gone = 0, self.kept
            return gone

    service = PrivacyService([Stories()], clock=drawer.desk.clock, keep_days=30)

    assert "- Stories: 3\n" in await service.show(MEMBER)
    assert [{"title": "A fox"}] == json.loads((await service.export(MEMBER)).data)["stories"]
    assert "- Stories: 3" in await service.delete(MEMBER)
    assert "- Stories: 0\n" in await service.show(MEMBER)


def test_policy_names_the_hosts_own_where_there_is_one():
    """And nothing in its place."""
    assert "http" not in policy(30, "")
    assert "kept for 7 days" in policy(7, "")


async def test_xrays_and_reports_are_a_members_too(drawer: Drawer):
    """Counted, handed out, deleted; who reported a member's text, and why, is not handed out."""
    await drawer.xrays.save(XrayText(id=str(2**60), user_id=MEMBER, guild_id=GUILD, parts=("a",)))
    await drawer.reports.file(report(1, reporter_id=MEMBER, user_id=7, reason="mine"))
    await drawer.reports.file(report(2, reporter_id=7, user_id=MEMBER, reason="theirs"))

    exported = await drawer.exported()
    assert [{"parts": ["a"]}] == [{"parts": one["parts"]} for one in exported["xrays"]]
    assert ["mine", None] == [one.get("reason") for one in exported["reports"]]
    assert [str(MEMBER), None] == [one.get("reporter_id") for one in exported["reports"]]

    await drawer.service.delete(MEMBER)
    assert [] == await drawer.xrays.of_user(MEMBER)
    assert [] == await drawer.reports.of_user(MEMBER)
