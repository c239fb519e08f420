"""Scored games: every move goes through here, one after the other. Called by cogs and the clock.

A move is loaded, played by the game's rules, and saved under its revision; where somebody else
saved meanwhile, it is decided anew. Knows nothing of Discord's client or Redis.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog

from bot.core.asker import Asker
from bot.core.jobs import END_STATES, JOB_LIFETIME_S, Job, JobKind, ReplyTarget
from bot.core.replies import ReplyMessage
from bot.core.sampling import MAX_SEED, SamplingParams
from bot.core.text_request import estimated_cost
from bot.errors import ConflictError, RequestError, StoryError
from bot.language import public_language, spoken, tr
from bot.play.api import (
    Act,
    Ask,
    AskFailed,
    Button,
    Game,
    Player,
    PlayMove,
    Session,
    Standing,
    Texts,
    Tick,
)
from bot.play.games import RULES, Moved, button_of, message_of, move_on
from bot.play.task import GameTask, prompt_of
from bot.services.outputs import Click
from bot.services.pools import Pools
from bot.services.servers import ServersService
from bot.services.texts import TextService
from bot.state.sessions_api import LoadedSession, SessionSaved, SessionsStore
from bot.stories.frame import player_name

TRIES = 5
_UNPUT_S = 60.0  # a job is put within seconds after its move was saved
_DISCORD_EPOCH_MS = 1_420_070_400_000
_DISCORD_BITS = 22  # of a snowflake; above them are milliseconds
_CANDIDATE_SEEDS = 64

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayParts:
    """What the service works with."""

    store: SessionsStore
    texts: TextService
    servers: ServersService
    pools: Pools


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayedGame:
    """What comes of a move.

    Attributes:
        session: afterwards.
        revision: under which it was saved.
        message: how the game looks now.
        notice: for the one who made the move, or "".
        ask: what the model is to do; to be put by `put` once the message is shown.
    """

    session: Session
    revision: int
    message: ReplyMessage
    notice: str = ""
    ask: Ask | None = None


class PlayService:
    """What members do in scored games.

    Args:
        parts: store and other services.
        clock: gives Unix time in seconds.
        new_seed: gives a random seed.
    """

    def __init__(
        self, parts: PlayParts, *, clock: Callable[[], float], new_seed: Callable[[], int]
    ) -> None:
        self._parts = parts
        self._clock = clock
        self._new_seed = new_seed

    async def begin(
        self, game: Game, options: Mapping[str, Any], click: Click, name: str
    ) -> PlayedGame:
        """A new game where the click is.

        Args:
            game: which one.
            options: of the command; `model` and `rated` are every game's.
            click: who begins it, and where.
            name: how Discord shows them.

        Raises:
            RequestError: it is refused; there is no game then.
            QueueDownError: the store can't be reached.
        """
        settings = await self._parts.servers.check(click.asker, str(options.get("opening") or ""))
        player = self._player(click.asker.user_id, name, is_host=True)
        job_id = str(click.interaction_id)
        turn = RULES[game].begin(options, player, self._new_seed())
        session = Session(
            id=job_id,
            game=game,
            guild_id=click.asker.guild_id,
            channel_id=click.reply.channel_id,
            owner_id=click.asker.user_id,
            language=public_language(spoken(), settings.language),
            created_at_s=player.at_s,
            changed_at_s=player.at_s,
            model=str(options.get("model") or ""),
            is_rated=bool(options.get("rated")),
        ).after(turn, job_id, player.at_s, job_id=job_id)
        if await self._parts.store.create(session) is SessionSaved.OCCUPIED:
            raise StoryError(
                tr("Another game is played in this channel; end it first, or play elsewhere.")
            )
        _log.info("game begun", session_id=session.id, game=game.value)
        return await self._played(Moved(session, turn), 1)

    async def act(self, session_id: str, act: Act, click: Click, name: str) -> PlayedGame:
        """A click, or a form that was sent; saved when this returns.

        Raises:
            RequestError: it is refused, and nothing is left of it.
            ConflictError: others were faster, again and again.
            QueueDownError: the store can't be reached.
        """
        await self._parts.servers.check(click.asker, f"{act.value} {act.second}".strip())
        source = str(click.interaction_id)

        def who(session: Session) -> Player:
            is_host = click.is_moderator or session.owner_id == click.asker.user_id
            return self._player(click.asker.user_id, name, is_host=is_host)

        return await self._take(session_id, act, who, source=source, job_id=source)

    async def button(self, session_id: str, action: str, value: str) -> Button:
        """A button as it is now, with its form.

        Raises:
            StoryError: the game is gone, or shows no such button now.
            QueueDownError: the store can't be reached.
        """
        return button_of((await self._loaded(session_id)).session, action, value)

    async def look(self, session_id: str) -> PlayedGame:
        """How a game looks now; else as `button`."""
        loaded = await self._loaded(session_id)
        return await self._shown(loaded.session, loaded.revision)

    async def here(self, channel_id: int) -> str:
        """The game that is played in a channel.

        Raises:
            StoryError: none is.
            QueueDownError: the store can't be reached.
        """
        found = await self._parts.store.in_channel(channel_id)
        if found is None:
            raise StoryError(tr("No game is played in this channel."))
        return found

    async def noted_message(self, session_id: str, message_id: int) -> None:
        """Remembers the game's message, so that it can be edited when no click is open."""
        for _ in range(TRIES):
            loaded = await self._loaded(session_id)
            if loaded.session.message_id == message_id:
                return
            session = replace(loaded.session, message_id=message_id)
            saved = await self._parts.store.save(session, revision=loaded.revision)
            if saved is not SessionSaved.CONFLICT:
                return

    async def put(self, played: PlayedGame, asker: Asker, reply: ReplyTarget) -> None:
        """Puts the job of what a game asks.

        Args:
            played: with an ask.
            asker: who pays for it.
            reply: lets a worker edit the game's message; with an empty token it does so by the
                bot's own.

        Raises:
            RequestError: it is refused; the game shows how it can be tried again.
        """
        assert played.ask is not None
        session, job = played.session, self._job(played, played.ask, asker, reply)
        try:
            await self._parts.texts.submit(job, asker, session.model or None)
        except RequestError:
            await self.failed(session.id, job.id)
            raise

    async def failed(self, session_id: str, job_id: str) -> PlayedGame:
        """The model won't answer: the game shows how it can be tried again."""
        return await self._take(
            session_id, AskFailed(), self._nobody, source=f"f{job_id}", job_id=job_id
        )

    async def due(self, *, limit: int) -> list[str]:
        """Games where something is due by now.

        Raises:
            QueueDownError: the store can't be reached.
        """
        return await self._parts.store.claim_due(limit=limit)

    async def tick(self, session_id: str) -> PlayedGame:
        """What time brings about; else as `act`."""
        job_id = self._new_id()
        return await self._take(
            session_id, Tick(), self._nobody, source=f"t{job_id}", job_id=job_id
        )

    async def table(self, guild_id: int, game: Game) -> list[Standing]:
        """A server's table of rated games.

        Raises:
            QueueDownError: the store can't be reached.
        """
        return await self._parts.store.table(guild_id, game)

    async def _take(
        self,
        session_id: str,
        move: PlayMove,
        who: Callable[[Session], Player],
        *,
        source: str,
        job_id: str,
    ) -> PlayedGame:
        """Load, play, save; anew where somebody else saved meanwhile."""
        for _ in range(TRIES):
            loaded = await self._loaded(session_id)
            session = await self._without_dead_job(loaded.session, move)
            moved = move_on(session, move, who(session), source=source, job_id=job_id)
            if moved.session is loaded.session:
                return await self._shown(loaded.session, loaded.revision)
            saved = await self._parts.store.save(
                moved.session, revision=loaded.revision, results=moved.turn.results
            )
            if saved is SessionSaved.DONE:
                return await self._played(moved, loaded.revision + 1)
            if saved is not SessionSaved.CONFLICT:
                raise _gone()
        raise ConflictError(tr("Others were faster than you just now; please try again."))

    async def _without_dead_job(self, session: Session, move: PlayMove) -> Session:
        """The game told that the model won't answer, where the job ended without an answer."""
        if not session.pending or isinstance(move, AskFailed):
            return session
        queue = await self._parts.pools.find(session.pending)
        if queue is None:
            is_over = self._clock() - session.changed_at_s > _UNPUT_S
        else:
            is_over = await queue.state(session.pending) in END_STATES
        if not is_over:
            return session
        job_id = session.pending
        nobody = self._nobody(session)
        return move_on(session, AskFailed(), nobody, source=f"f{job_id}", job_id=job_id).session

    async def _loaded(self, session_id: str) -> LoadedSession:
        loaded = await self._parts.store.load(session_id)
        if loaded is None:
            raise _gone()
        return loaded

    async def _played(self, moved: Moved, revision: int) -> PlayedGame:
        shown = await self._shown(moved.session, revision)
        return replace(shown, notice=moved.turn.notice, ask=moved.turn.ask)

    async def _shown(self, session: Session, revision: int) -> PlayedGame:
        mask = await self._parts.servers.mask(session.guild_id)
        message = message_of(session, mask)
        return PlayedGame(session=session, revision=revision, message=message)

    def _job(self, played: PlayedGame, ask: Ask, asker: Asker, reply: ReplyTarget) -> Job:
        now_s, session, prompt = self._clock(), played.session, prompt_of(ask)
        n_new = ask.length * ask.count if isinstance(ask, Texts) else 1
        return Job(
            id=session.pending,
            tenant=asker.tenant,
            user_id=asker.user_id,
            prompt=prompt,
            max_new_tokens=ask.length if isinstance(ask, Texts) else 1,
            sampling=_sampling(ask, self._new_seed()),
            reply=reply,
            created_at_s=now_s,
            deadline_at_s=now_s + JOB_LIFETIME_S,
            cost=estimated_cost(prompt, n_new),
            kind=JobKind.GAME,
            candidates=ask.count if isinstance(ask, Texts) else 1,
            task=GameTask.of(session.id, ask).to_json(),
        )

    def _player(self, user_id: int, name: str, *, is_host: bool) -> Player:
        return Player(
            user_id=user_id,
            name=player_name(name, (), user_id),
            at_s=self._clock(),
            is_host=is_host,
        )

    def _nobody(self, session: Session) -> Player:
        del session
        return Player(user_id=0, name="", at_s=self._clock(), is_host=True)

    def _new_id(self) -> str:
        """An id as Discord's: of now, and by chance."""
        ms = round(self._clock() * 1000) - _DISCORD_EPOCH_MS
        return str((max(ms, 0) << _DISCORD_BITS) | (self._new_seed() % (1 << _DISCORD_BITS)))


def asker_of_session(session: Session) -> Asker:
    """Who pays where nobody has clicked: the one who began the game."""
    return Asker(user_id=session.owner_id, guild_id=session.guild_id, channel_id=session.channel_id)


def _sampling(ask: Ask, seed: int) -> SamplingParams:
    """Texts are drawn as stories are; what is greedy is what the model finds likeliest."""
    seed %= MAX_SEED + 1 - _CANDIDATE_SEEDS
    if isinstance(ask, Texts) and ask.is_greedy:
        return SamplingParams(temperature=0.0, top_k=0, repetition_penalty=1.0, seed=seed)
    return SamplingParams(
        temperature=0.9, top_k=0, top_p=0.95, seed=seed, guard_loops=True, end_at_sentence=True
    )


def _gone() -> StoryError:
    return StoryError(tr("This game is not kept any more; begin a new one."))
