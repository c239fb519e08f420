"""`bardling bench story`: our own time of a turn in stories of 10, 500 and 5,000 passages.

Called by `__main__`. The store, the rules and the prompt over a real Redis: load, play, save and
build, as a service does it for each move; the model's time is not in it. A map of each is timed
as well. Uses a pool of its own and deletes what it made.
"""

import asyncio
import json
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from bot.bench.machine import machine_facts
from bot.plots.story_map import draw_map
from bot.state.redis_stories import RedisStories
from bot.state.stories_api import Saved
from bot.storage.connect import ANSWER_TIMEOUT_S, open_client
from bot.storage.embedded_server import open_redis_server
from bot.stories.moves import Actor, Continuation, Move, Write, Written
from bot.stories.passages import Kind, Passage
from bot.stories.prompt import build
from bot.stories.rules import play
from bot.stories.rules.start import Outset, Place, begin
from bot.stories.story import Mode, Story

SIZES = (10, 500, 5000)
_TURNS = 200  # of each story, in rounds, so that what disturbs one disturbs all
_ROUNDS = 10
_MAPPED = 500  # passages that a map is promised for
_GUILD, _OWNER = 10, 100
_TEXT = " The fox went over the hill and found an old door in the grass, where nobody had been."


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryFigures:
    """What a turn costs in a story of one size.

    Attributes:
        passages: at the beginning of the measurement.
        turn_p50_ms: a player's move and the model's, each loaded, played and saved; median.
        turn_p99_ms: the same, 99th percentile.
        load_p50_ms: of that, one load.
        map_s: a picture of the tree, or None where it is larger than one is promised for.
    """

    passages: int
    turn_p50_ms: float
    turn_p99_ms: float
    load_p50_ms: float
    map_s: float | None


class _Game:
    """One story, and the times of its turns."""

    def __init__(self, store: RedisStories, size: int) -> None:
        self.size = size
        self.turns_ms: list[float] = []
        self.loads_ms: list[float] = []
        self._store = store
        self._n_moves = 0
        self._id = str(size)

    async def create(self) -> None:
        """A line of passages, players' and the model's in turns."""
        story, passages = _grown(self._id, self.size)
        await self._store.create(story, passages, most=len(SIZES))

    async def turn(self) -> None:
        """A player acts, and the model answers."""
        began_s = time.perf_counter()
        story = await self._move(lambda _story: Write(Kind.DO, "open the door and look inside"))
        assert story.pending is not None
        job_id = story.pending.job_id
        text = Continuation(text=_TEXT, receipt="R", settings={"seed": 1})
        await self._move(lambda _story: Written(job_id=job_id, texts=(text,)))
        self.turns_ms.append((time.perf_counter() - began_s) * 1000)

    async def _move(self, move: Callable[[Story], Move]) -> Story:
        self._n_moves += 1
        began_s = time.perf_counter()
        loaded = await self._store.load(self._id)
        self.loads_ms.append((time.perf_counter() - began_s) * 1000)
        assert loaded is not None
        actor = Actor(
            user_id=_OWNER, name="Ada", source=f"m{self._n_moves}", at_s=float(self._n_moves)
        )
        step = play(loaded.story, move(loaded.story), actor, loaded.near)
        saved = await self._store.save(step.story, step.passages, revision=loaded.revision)
        assert saved is Saved.DONE
        if step.wanted is not None:
            path = [*loaded.near.path(loaded.story.head), *step.passages]
            build(step.story, path, step.passages)
        return step.story

    async def map_s(self) -> float | None:
        """How long a picture of the tree takes."""
        if self.size > _MAPPED:
            return None
        passages = [one async for batch in self._store.passages(self._id) for one in batch]
        loaded = await self._store.load(self._id)
        assert loaded is not None
        draw_map(loaded.story, passages[:2])  # the library is imported now
        began_s = time.perf_counter()
        draw_map(loaded.story, passages)
        return time.perf_counter() - began_s


def main(redis_url: str | None, out: Path | None) -> int:
    """Measures, prints a table, and writes the figures.

    Args:
        redis_url: which Redis; None starts one.
        out: where the figures go as JSON, or None.

    Returns:
        The exit code.

    Raises:
        UnreachableError: there is no Redis.
    """
    figures = asyncio.run(_measured_on(redis_url))
    _report(figures)
    if out is not None:
        data = {"machine": machine_facts(), "stories": [asdict(one) for one in figures]}
        out.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    return 0


async def _measured_on(redis_url: str | None) -> list[StoryFigures]:
    async with AsyncExitStack() as stack:
        if redis_url is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            redis_url = await stack.enter_async_context(open_redis_server(folder))
        client = await stack.enter_async_context(open_client(redis_url, ANSWER_TIMEOUT_S))
        store = RedisStories(client, pool=f"bench-{secrets.token_hex(4)}", keep_days=1)
        try:
            return await _measured(store)
        finally:
            await store.forget_guild(_GUILD)


async def _measured(store: RedisStories) -> list[StoryFigures]:
    games = [_Game(store, size) for size in SIZES]
    for game in games:
        await game.create()
    maps = [await game.map_s() for game in games]
    for _ in range(_ROUNDS):
        for game in games:
            for _ in range(_TURNS // _ROUNDS):
                await game.turn()
    return [
        StoryFigures(
            passages=game.size,
            turn_p50_ms=statistics.median(game.turns_ms),
            turn_p99_ms=statistics.quantiles(game.turns_ms, n=100)[98],
            load_p50_ms=statistics.median(game.loads_ms),
            map_s=map_s,
        )
        for game, map_s in zip(games, maps, strict=True)
    ]


def _grown(story_id: str, size: int) -> tuple[Story, list[Passage]]:
    owner = Actor(user_id=_OWNER, name="Ada", source="start", at_s=0.0)
    place = Place(guild_id=_GUILD, channel_id=int(story_id))
    story, made = begin(story_id, Mode.ADVENTURE, place, owner, Outset(title="t", opening=_TEXT))
    passages = list(made)
    for number in range(2, size + 1):
        is_model = number % 2 == 1
        passages.append(
            Passage(
                number=number,
                parent=number - 1,
                kind=Kind.MODEL if is_model else Kind.DO,
                author_id=0 if is_model else _OWNER,
                author="" if is_model else "Ada",
                text=_TEXT if is_model else "go on",
                at_s=float(number),
                offset=len(_TEXT) * (number - 1),
                source=f"g{number}",
            )
        )
    grown = json.loads(story.to_json()) | {"head": size, "n_passages": size}
    return Story.from_json(json.dumps(grown)), passages


def _report(figures: list[StoryFigures]) -> None:
    print(f"{_TURNS} turns of each story: a player's move and the model's, without its time")
    print(f"{'passages':>9} {'turn p50':>9} {'turn p99':>9} {'load p50':>9} {'map':>8}")
    for one in figures:
        drawn = "" if one.map_s is None else f"{one.map_s:6.2f} s"
        print(
            f"{one.passages:9} {one.turn_p50_ms:6.2f} ms {one.turn_p99_ms:6.2f} ms"
            f" {one.load_p50_ms:6.2f} ms {drawn:>8}"
        )
