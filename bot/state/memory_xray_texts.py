"""X-rays as text in memory: for tests, and wherever one process is all there is."""

from collections.abc import Callable

from bot.core.xray_texts import XrayText


class MemoryXrayTexts:
    """An XrayTextsStore without Redis, for one process.

    Args:
        clock: gives Unix time in seconds.
        keep_days: how long a text is kept.
    """

    def __init__(self, *, clock: Callable[[], float], keep_days: float) -> None:
        self._clock = clock
        self._keep_s = keep_days * 86_400
        self._kept: dict[str, tuple[float, XrayText]] = {}  # until when (Unix time), by id

    async def save(self, text: XrayText) -> None:
        """Keeps a text; see `XrayTextsStore.save`."""
        self._kept.pop(text.id, None)
        self._kept[text.id] = (self._clock() + self._keep_s, text)

    async def find(self, xray_id: str) -> XrayText | None:
        """A text by its id; None where there is none (any more)."""
        return next((text for text in self._alive() if text.id == xray_id), None)

    async def of_user(self, user_id: int) -> list[XrayText]:
        """All texts that a user asked for, those first that go first."""
        return [text for text in self._alive() if text.user_id == user_id]

    async def forget_user(self, user_id: int) -> int:
        """Removes all texts that a user asked for; how many."""
        return self._forget(lambda text: text.user_id == user_id)

    async def forget_guild(self, guild_id: int) -> int:
        """Removes all texts of a server; how many."""
        return self._forget(lambda text: text.guild_id == guild_id)

    def _alive(self) -> list[XrayText]:
        now_s = self._clock()
        self._kept = {one: kept for one, kept in self._kept.items() if kept[0] > now_s}
        return [text for _, text in self._kept.values()]

    def _forget(self, is_theirs: Callable[[XrayText], bool]) -> int:
        theirs = [text.id for text in self._alive() if is_theirs(text)]
        for one in theirs:
            del self._kept[one]
        return len(theirs)
