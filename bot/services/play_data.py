"""What scored games keep of a member, for `/privacy`: a `PersonalStore` (see `privacy`)."""

from typing import Any

from bot.core.privacy import Holding
from bot.language import tr
from bot.state.sessions_api import SessionsStore


class KeptResults:
    """Servers' tables of rated games that a user stands in. The games go by themselves.

    Args:
        store: where the tables are.
    """

    name = "game tables"

    def __init__(self, store: SessionsStore) -> None:
        self._store = store

    async def count_of(self, user_id: int) -> Holding:
        """In how many."""
        count = await self._store.n_of_user(user_id)
        return Holding(what=tr("Tables of rated games that you stand in"), count=count)

    async def export_of(self, user_id: int) -> list[dict[str, Any]]:
        """Nothing beyond the count: the tables are shown by `/play table`."""
        return [{"tables": await self._store.n_of_user(user_id)}]

    async def forget_user(self, user_id: int) -> int:
        """Takes them out of all tables."""
        return await self._store.forget_user(user_id)
