"""Each scored game played through by two members, in real processes at the local Discord."""

from bot.local.handles import Member
from bot.local.states import JsonObject
from tests.e2e.stack import Stack
from tests.e2e.story_play import click, ids, living, told, typed

PLAY = "bardling:play:"


async def fill(stack: Stack, member: Member, message: JsonObject, button: str, text: str) -> None:
    """Somebody clicks a button that opens a form, and sends it."""
    form = await click(stack, member, message, f"{PLAY}{button}")
    assert form.state.kind == "modal", form.state
    sent = await stack.local.submit_modal(member, form, {"field0": text})
    await sent.first_answer()


async def test_imposter_of_two(stack: Stack):
    """They write, they guess, and the card at the end says who was who."""
    await stack.start_bot()
    await stack.start_worker()
    local, channel = stack.local, stack.local.general
    await typed(stack, local.ada, channel, "play imposter", opening="The door opened.", rated=True)
    game = await living(stack, channel, "writing ends", prefix=PLAY)
    await fill(stack, local.ada, game, "write", "Nobody was there but the wind.")
    await fill(stack, local.ben, game, "write", "A goat walked in and sat down.")
    game = await living(stack, channel, "2 texts by people", prefix=PLAY)
    assert "goat" not in game["content"]
    await click(stack, local.ada, game, f"{PLAY}close")
    game = await living(stack, channel, "goat", "guessing ends", prefix=PLAY)
    letters = ids(game, f"{PLAY}guess")
    assert 3 <= len(letters) <= 5
    mine = next(
        line[2] for line in game["content"].split("\n") if "goat" in line and line[:2] == "**"
    )
    refused = await click(stack, local.ben, game, f"{PLAY}guess")
    del refused
    for letter in "ABCDE"[: len(letters)]:
        if letter != mine:
            share = "5" if "wind" in _line(game, letter) else "90"
            await fill(stack, local.ben, game, f"guess:{_session(game)}:{letter}", share)
    game = await living(stack, channel, "1 guesses along", prefix=PLAY)
    await click(stack, local.ada, game, f"{PLAY}close")
    await stack.wait_for(
        lambda: any("Brier" in one["content"] for one in local.messages(channel, local.ada)), 20,
        "the end card",
    )  # fmt: skip
    (card,) = [one for one in local.messages(channel, local.ada) if "Brier" in one["content"]]
    assert "🤖" in card["content"]
    assert "the house" in card["content"]
    table = await typed(stack, local.ben, channel, "play table", game="imposter")
    shown = await stack.wait_for(
        lambda: table.reply and "Ben" in table.reply["content"] and table.reply, 20, "the table"
    )
    assert shown


async def test_nextword_of_two(stack: Stack):
    """Bets, a reveal, and bits per word beside the model's."""
    await stack.start_bot()
    await stack.start_worker()
    local, channel = stack.local, stack.local.general
    await typed(stack, local.ada, channel, "play nextword", rounds=2)
    for number in (1, 2):
        game = await living(stack, channel, f"word {number} of 2", "bets close", prefix=PLAY)
        await click(stack, local.ada, game, f"{PLAY}sure")
        await fill(stack, local.ben, game, "spread", "25 25 25 25")
        game = await living(stack, channel, "2 bets so far", prefix=PLAY)
        await click(stack, local.ada, game, f"{PLAY}close")
        if number == 1:
            game = await living(stack, channel, "The model gave it", prefix=PLAY)
            await click(stack, local.ben, game, f"{PLAY}next")
    card = await stack.wait_for(
        lambda: [m for m in local.messages(channel, local.ada) if "Bits per word" in m["content"]],
        20, "the end card",
    )  # fmt: skip
    assert "**Ben**: 0 points" in card[0]["content"]


async def test_lastword_closes_by_itself(stack: Stack):
    """A round's time ends without anybody's click; the bot edits the message by its own token."""
    await stack.start_bot()
    await stack.start_worker()
    local, channel = stack.local, stack.local.general
    await typed(stack, local.ada, channel, "play lastword", rounds=1, seconds=15)
    game = await living(stack, channel, "closes", prefix=PLAY)
    await fill(stack, local.ben, game, "guess", "piano")
    await living(stack, channel, "1 word so far", prefix=PLAY)
    again = await typed(stack, local.ben, channel, "play nextword")
    assert "Another game" in await told(stack, again)
    card = await stack.wait_for(
        lambda: [m for m in local.messages(channel, local.ada) if "it is over" in m["content"]],
        40, "the end",
    )  # fmt: skip
    assert "**Ben**" in card[0]["content"]


def _session(message: JsonObject) -> str:
    return ids(message, PLAY)[0].split(":")[3]


def _line(message: JsonObject, letter: str) -> str:
    return next(line for line in message["content"].split("\n") if line.startswith(f"**{letter}**"))
