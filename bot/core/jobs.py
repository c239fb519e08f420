"""What a job is: the message from the bot process to a worker, and the states it goes through.

Cogs (through `services`) build jobs, the queue stores them as versioned JSON, workers run them.
Knows nothing of Redis, Discord's client or the model.
"""

import json
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from typing import Any

from bot.core.sampling import SamplingParams

# A record is written as the oldest version that can say it, so that in a rolling upgrade programs
# of before go on reading what they can. A field they may ignore needs no new version: all but the
# first program read over fields that they don't know. One that changes the text does.
_FIRST_VERSION = 1
_PINNED_VERSION = 2  # the first with `pinned`
_KINDS_VERSION = 3  # the first with `kind` and `candidates`
JOB_VERSION = _KINDS_VERSION
MAX_CANDIDATES = 4
INTERACTION_LIFETIME_S = 15 * 60  # Discord: an interaction token is valid for 15 minutes
MAX_NEW_TOKENS = 500  # of one request
JOB_LIFETIME_S = 14 * 60  # so that the last edit still arrives


class UnknownVersionError(ValueError):
    """A job record was written by a newer program; one of its kind can read it."""


class JobState(StrEnum):
    """Where a job stands; each name is stored in Redis."""

    QUEUED = "queued"  # waits for a worker
    RUNNING = "running"  # a worker holds its lease
    DONE = "done"  # the whole text was posted
    STOPPED = "stopped"  # somebody stopped it; what existed was posted
    FAILED = "failed"  # a sentence was posted instead of a text
    EXPIRED = "expired"  # nobody could answer it before its deadline
    DEAD = "dead"  # every attempt ended without a result; kept as a dead letter


class JobKind(StrEnum):
    """What a worker does for a job; each name is stored in Redis."""

    TEXT = "text"  # goes on with the prompt
    XRAY = "xray"  # scores the prompt, and shows how likely the model found it
    REPLAY = "replay"  # writes an earlier text again, and compares
    STORY = "story"  # goes on with a story, and adds what it wrote to its tree
    GAME = "game"  # writes or scores what a scored game needs


END_STATES = frozenset(JobState) - {JobState.QUEUED, JobState.RUNNING}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyTarget:
    """The one reply a job writes to: the deferred answer of an interaction.

    Attributes:
        application_id: the bot's application.
        interaction_token: lets any process edit the reply, for 15 minutes and without a login.
        channel_id: where the reply stands.
        guild_id: the server, or None in direct messages.
    """

    application_id: int
    interaction_token: str
    channel_id: int
    guild_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One text to write, or to look at.

    Attributes:
        id: the interaction's id, so that putting it twice is noticed.
        tenant: who shares the queue's time (`Asker.tenant`).
        user_id: who asked; only they (and moderators) may stop it.
        prompt: the text to go on with, already cleaned (`prompts.clean_prompt`).
        max_new_tokens: at most this many tokens are written.
        sampling: how they are drawn, seed included: another attempt writes the same text.
        reply: where the text goes.
        created_at_s: when it was asked (Unix time).
        deadline_at_s: after this the reply can't be edited any more (Unix time).
        cost: what it takes from its tenant's share, in tokens.
        pinned: goes before the prompt as it stands, its line break included, and is always read
            with it, such as a story's memory.
        notes: for the asker, shown in the small print under the text.
        is_background: whether others, who wait for their texts, go before it most of the time.
        kind: what is done with the prompt.
        candidates: how many texts to write, 1 to `MAX_CANDIDATES`; the i-th (from 0) has the
            seed `sampling.seed + i`, and may be stopped with the others only.
        language: of the words around the text.
        root: id of the job that first wrote to this reply; "" = this one.
        origin: code of the output that this job is about, or "".
        colors: what the colors of an X-ray stand for (`xray.Colors`).
        task: more about a STORY or a GAME, as JSON (`stories.task`, `play.task`), or "".
    """

    id: str
    tenant: str
    user_id: int
    prompt: str
    max_new_tokens: int
    sampling: SamplingParams
    reply: ReplyTarget
    created_at_s: float
    deadline_at_s: float
    cost: int
    pinned: str = ""
    is_background: bool = False
    notes: tuple[str, ...] = ()
    kind: JobKind = JobKind.TEXT
    candidates: int = 1
    language: str = "en"
    root: str = ""
    origin: str = ""
    colors: str = "rank"
    task: str = ""

    @property
    def reply_root(self) -> str:
        """What names the reply, whichever of its versions this job writes."""
        return self.root or self.id

    def to_json(self) -> str:
        """The stored form: JSON with a version, never pickle."""
        version = _PINNED_VERSION if self.pinned else _FIRST_VERSION
        if self.kind is not JobKind.TEXT or self.candidates > 1:
            version = _KINDS_VERSION
        data: dict[str, Any] = {name: getattr(self, name) for name in self.__dataclass_fields__}
        reply = {name: getattr(self.reply, name) for name in self.reply.__dataclass_fields__}
        data |= {"v": version, "sampling": self.sampling.to_dict(), "reply": reply}
        # The first program chokes on fields that it does not know.
        for name, usual in _LEFT_OUT.items():
            if data[name] == usual:
                del data[name]
        return json.dumps(data, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> "Job":
        """Reads the stored form.

        Raises:
            UnknownVersionError: the record is of a version this program does not know.
            ValueError: it is damaged.
        """
        try:
            data: dict[str, Any] = json.loads(text)
            version = data.pop("v")
            if version not in range(_FIRST_VERSION, JOB_VERSION + 1):
                raise UnknownVersionError(
                    f"job record of version {version}, this program knows up to {JOB_VERSION}"
                )
            known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
            known["sampling"] = SamplingParams.from_dict(data["sampling"])
            known["notes"] = tuple(data.get("notes", ()))
            known["kind"] = JobKind(data.get("kind", JobKind.TEXT))
            known["reply"] = ReplyTarget(**data["reply"])
            return cls(**known)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"damaged job record: {error!r}") from error


_LEFT_OUT = {field.name: field.default for field in fields(Job) if field.default is not MISSING}
