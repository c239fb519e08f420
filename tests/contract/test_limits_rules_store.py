"""What every store of limits must do with servers' rules."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.core.limit_rules import ServerRules
from bot.state.limits_api import MAX_LOG, LimitsStore
from tests.contract.limits_backends import (
    ADMIN,
    GUILD,
    OTHER_ADMIN,
    left,
    open_limits,
    rules_of,
    tokens,
)
from tests.queue_backends import Backend


@pytest.fixture
async def store(backend: Backend) -> AsyncIterator[LimitsStore]:
    """A store on the backend's clock."""
    async with open_limits(backend) as store:
        yield store


async def test_server_without_rules_has_revision_0(store: LimitsStore):
    """And an empty log."""
    assert ServerRules() == await store.rules(GUILD)
    assert [] == await store.log(GUILD)
    assert await store.undo(GUILD, ADMIN) is None


async def test_rules_come_back_as_they_were_set(store: LimitsStore):
    """Ids to the last digit; each change counts."""
    assert await store.change_rules(GUILD, 0, rules_of(5), ADMIN)

    stored = await store.rules(GUILD)

    assert 1 == stored.revision
    assert stored.says_the_same_as(rules_of(5))
    assert ServerRules() == await store.rules(GUILD + 1)


async def test_of_two_admins_at_once_the_second_changes_nothing(store: LimitsStore):
    """Both made their rules from the same revision."""
    answers = await asyncio.gather(
        store.change_rules(GUILD, 0, rules_of(5), ADMIN),
        store.change_rules(GUILD, 0, rules_of(6), OTHER_ADMIN),
    )

    assert [False, True] == sorted(answers)
    winner = ADMIN if answers[0] else OTHER_ADMIN
    assert [winner] == [change.by_user for change in await store.log(GUILD)]
    assert 1 == (await store.rules(GUILD)).revision


async def test_log_says_who_when_before_and_after(store: LimitsStore, backend: Backend):
    """Newest first."""
    await store.change_rules(GUILD, 0, rules_of(5), ADMIN)
    await store.change_rules(GUILD, 1, rules_of(6), OTHER_ADMIN)

    newest, oldest = await store.log(GUILD)

    assert (2, OTHER_ADMIN, None) == (newest.revision, newest.by_user, newest.undoes)
    assert newest.before.says_the_same_as(rules_of(5))
    assert newest.after.says_the_same_as(rules_of(6))
    assert ServerRules() == oldest.before
    assert abs(oldest.at_s - backend.now()) < 5
    assert [newest] == await store.log(GUILD, 1)


async def test_log_keeps_the_last_changes(store: LimitsStore):
    """More than 200 are not kept."""
    for n in range(MAX_LOG + 3):
        await store.change_rules(GUILD, n, rules_of(n + 1), ADMIN)

    log = await store.log(GUILD)

    assert (MAX_LOG, MAX_LOG + 3, 4) == (len(log), log[0].revision, log[-1].revision)


async def test_undo_goes_back_step_by_step_and_is_logged(store: LimitsStore):
    """Two undos take two changes back; a change after them is the next to be undone."""
    for n in range(3):
        await store.change_rules(GUILD, n, rules_of(n + 1), ADMIN)

    first = await store.undo(GUILD, OTHER_ADMIN)
    assert first is not None
    assert 3 == first.revision
    assert (await store.rules(GUILD)).says_the_same_as(rules_of(2))
    newest = (await store.log(GUILD))[0]
    assert (4, OTHER_ADMIN, 3) == (newest.revision, newest.by_user, newest.undoes)

    await store.undo(GUILD, ADMIN)
    assert (await store.rules(GUILD)).says_the_same_as(rules_of(1))

    await store.change_rules(GUILD, 5, rules_of(9), ADMIN)
    await store.undo(GUILD, ADMIN)
    assert (await store.rules(GUILD)).says_the_same_as(rules_of(1))

    await store.undo(GUILD, ADMIN)
    assert (await store.rules(GUILD)).says_the_same_as(ServerRules())
    assert await store.undo(GUILD, ADMIN) is None


async def test_forgotten_server_has_no_rules_but_its_use_stays(store: LimitsStore):
    """Throwing the bot out and taking it back is no way around a ceiling."""
    await store.change_rules(GUILD, 0, rules_of(5), ADMIN)
    await store.charge("1", [tokens()], 300)

    await store.forget_guild(GUILD)

    assert ServerRules() == await store.rules(GUILD)
    assert [] == await store.log(GUILD)
    assert [700] == await left(store, tokens())
