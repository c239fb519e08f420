"""Finished texts in this process's memory: what `RedisOutputs` does, on a clock that tests turn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bot.core.outputs import MAX_VERSIONS, Output
from bot.state.outputs_api import WRITING_S, KeptTexts

_DAY_S = 86_400.0


@dataclass(slots=True)
class _Kept:
    """A text, its further messages, and when it goes (Unix time)."""

    output: Output
    until_s: float
    messages: list[int] = field(default_factory=list[int])


@dataclass(frozen=True, slots=True)
class _Writing:
    job_id: str
    until_s: float


class MemoryOutputs:
    """An OutputsStore that ends with its process.

    Args:
        clock: gives Unix time in seconds.
        keep_days: how long texts are kept.
    """

    def __init__(self, clock: Callable[[], float], *, keep_days: float = 30) -> None:
        self._clock = clock
        self._keep_s = keep_days * _DAY_S
        self._kept: dict[str, _Kept] = {}  # by code, each reply's in the order of its versions
        self._writing: dict[str, _Writing] = {}  # by root

    async def save(self, outputs: Sequence[Output]) -> None:
        """Keeps texts that one job wrote, and adds them to their reply's versions."""
        until_s = self._clock() + self._keep_s
        await self.sweep()
        for output in outputs:
            known = self._kept.get(output.code)
            messages = known.messages if known else []
            self._kept[output.code] = _Kept(output, until_s, messages)
        root = outputs[0].root
        versions = self._codes(lambda output: output.root == root)
        for code in versions[:-MAX_VERSIONS]:
            del self._kept[code]
        for code in versions[-MAX_VERSIONS:]:
            self._kept[code].until_s = until_s
        await self.end(root, outputs[0].job_id)

    async def find(self, code: str) -> Output | None:
        """A text by its code."""
        await self.sweep()
        kept = self._kept.get(code)
        return kept.output if kept else None

    async def versions(self, root: str) -> list[Output]:
        """All texts of a reply, the oldest first."""
        await self.sweep()
        return [self._kept[code].output for code in self._codes(lambda one: one.root == root)]

    async def keep(self, root: str, code: str) -> bool:
        """Picks one of several candidates."""
        chosen = await self.find(code)
        if chosen is None or chosen.root != root:
            return False
        for other in self._codes(lambda one: (one.root, one.job_id) == (root, chosen.job_id)):
            if other != code:
                del self._kept[other]
        return True

    async def begin(self, root: str, job_id: str) -> str | None:
        """Says that a job is about to write a new version."""
        now_s = self._clock()
        at_it = self._writing.get(root)
        if at_it is not None and at_it.until_s > now_s and at_it.job_id != job_id:
            return at_it.job_id
        self._writing[root] = _Writing(job_id, now_s + WRITING_S)
        return None

    async def end(self, root: str, job_id: str) -> None:
        """That job won't write a version."""
        at_it = self._writing.get(root)
        if at_it is not None and at_it.job_id == job_id:
            del self._writing[root]

    async def note_messages(self, code: str, message_ids: Sequence[int]) -> None:
        """Remembers the further messages that a long text took."""
        if await self.find(code) is not None:
            noted = self._kept[code].messages
            noted.extend(dict.fromkeys(one for one in message_ids if one not in noted))

    async def messages(self, code: str) -> list[int]:
        """Those messages."""
        return list(self._kept[code].messages) if await self.find(code) else []

    async def of_user(self, user_id: int) -> list[Output]:
        """All texts that a user asked for, the oldest first."""
        await self.sweep()
        codes = self._codes(lambda output: output.user_id == user_id)
        found = [self._kept[code].output for code in codes]
        return sorted(found, key=lambda output: output.created_at_s)

    async def kept_of_user(self, user_id: int) -> KeptTexts:
        """How many texts a user asked for, and until when they are kept."""
        await self.sweep()
        codes = self._codes(lambda output: output.user_id == user_id)
        return KeptTexts(
            len(codes), max((self._kept[code].until_s for code in codes), default=None)
        )

    async def forget_user(self, user_id: int) -> int:
        """Removes all texts that a user asked for; how many."""
        return await self._forget(lambda output: output.user_id == user_id)

    async def forget_guild(self, guild_id: int) -> int:
        """Removes all texts of a server; how many."""
        return await self._forget(lambda output: output.guild_id == guild_id)

    async def sweep(self) -> int:
        """Removes what is over; here that is texts, not entries of indexes."""
        now_s = self._clock()
        over = [code for code, kept in self._kept.items() if kept.until_s <= now_s]
        for code in over:
            del self._kept[code]
        self._writing = {k: one for k, one in self._writing.items() if one.until_s > now_s}
        return len(over)

    async def _forget(self, is_theirs: Callable[[Output], bool]) -> int:
        await self.sweep()
        codes = self._codes(is_theirs)
        for code in codes:
            del self._kept[code]
        return len(codes)

    def _codes(self, wanted: Callable[[Output], bool]) -> list[str]:
        return [code for code, kept in self._kept.items() if wanted(kept.output)]
