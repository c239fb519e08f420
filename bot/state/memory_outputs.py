"""Outputs in this process's memory: what `RedisOutputs` does, on a clock that tests can turn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bot.core.jobs import INTERACTION_LIFETIME_S
from bot.core.outputs import MAX_VERSIONS, Output

_DAY_S = 86_400


@dataclass(slots=True)
class _Reply:
    """One reply: its versions by code, the oldest first, and until when they are kept."""

    outputs: dict[str, Output] = field(default_factory=dict[str, Output])
    until_s: float = 0.0


class MemoryOutputs:
    """An OutputsStore without Redis, for one process.

    Args:
        clock: gives Unix time in seconds.
        keep_days: how long texts are kept.
    """

    def __init__(self, clock: Callable[[], float], *, keep_days: int = 30) -> None:
        self._clock = clock
        self._keep_s = keep_days * _DAY_S
        self._replies: dict[str, _Reply] = {}
        self._writing: dict[str, tuple[str, float]] = {}  # root -> (job id, until)
        self._messages: dict[str, list[int]] = {}

    async def save(self, outputs: Sequence[Output]) -> None:
        """See `OutputsStore.save`."""
        root = outputs[0].root
        self._sweep()
        reply = self._replies.setdefault(root, _Reply())
        reply.outputs |= {output.code: output for output in outputs}
        reply.until_s = self._clock() + self._keep_s
        for code in list(reply.outputs)[:-MAX_VERSIONS]:
            self._remove(root, code)
        await self.end(root, outputs[0].job_id)

    async def find(self, code: str) -> Output | None:
        """See `OutputsStore.find`."""
        self._sweep()
        return next((o for o in self._all() if o.code == code), None)

    async def versions(self, root: str) -> list[Output]:
        """See `OutputsStore.versions`."""
        self._sweep()
        return list(self._replies.get(root, _Reply()).outputs.values())

    async def keep(self, root: str, code: str) -> bool:
        """See `OutputsStore.keep`."""
        outputs = await self.versions(root)
        kept = next((output for output in outputs if output.code == code), None)
        if kept is None:
            return False
        for output in outputs:
            if output.job_id == kept.job_id and output.code != code:
                self._remove(root, output.code)
        return True

    async def begin(self, root: str, job_id: str) -> str | None:
        """See `OutputsStore.begin`."""
        now_s = self._clock()
        holder, until_s = self._writing.get(root, ("", 0.0))
        if holder not in ("", job_id) and now_s < until_s:
            return holder
        self._writing[root] = job_id, now_s + INTERACTION_LIFETIME_S
        return None

    async def end(self, root: str, job_id: str) -> None:
        """See `OutputsStore.end`."""
        if self._writing.get(root, ("",))[0] == job_id:
            del self._writing[root]

    async def note_messages(self, code: str, message_ids: Sequence[int]) -> None:
        """See `OutputsStore.note_messages`."""
        if await self.find(code) is not None:
            self._messages[code] = list(message_ids)

    async def messages(self, code: str) -> list[int]:
        """See `OutputsStore.messages`."""
        self._sweep()
        return list(self._messages.get(code, []))

    async def of_user(self, user_id: int) -> list[Output]:
        """See `OutputsStore.of_user`."""
        self._sweep()
        found = [output for output in self._all() if output.user_id == user_id]
        return sorted(found, key=lambda output: output.created_at_s)

    async def forget_user(self, user_id: int) -> int:
        """See `OutputsStore.forget_user`."""
        return self._forget(lambda output: output.user_id == user_id)

    async def forget_guild(self, guild_id: int) -> int:
        """See `OutputsStore.forget_guild`."""
        return self._forget(lambda output: output.guild_id == guild_id)

    def _forget(self, is_meant: Callable[[Output], bool]) -> int:
        self._sweep()
        meant = [output for output in self._all() if is_meant(output)]
        for output in meant:
            self._remove(output.root, output.code)
        return len(meant)

    def _all(self) -> list[Output]:
        return [o for reply in self._replies.values() for o in reply.outputs.values()]

    def _remove(self, root: str, code: str) -> None:
        del self._replies[root].outputs[code]
        self._messages.pop(code, None)
        if not self._replies[root].outputs:
            del self._replies[root]

    def _sweep(self) -> None:
        now_s = self._clock()
        for root in [root for root, reply in self._replies.items() if reply.until_s <= now_s]:
            for code in list(self._replies[root].outputs):
                self._remove(root, code)
