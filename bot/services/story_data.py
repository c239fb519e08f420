"""What stories keep of a member, for `/privacy`: a `PersonalStore` (see `privacy`)."""

from typing import Any

from bot.core.privacy import Holding
from bot.language import tr
from bot.state.stories_api import StoriesStore


class KeptStories:
    """Stories that a user plays or has written in.

    What they wrote is part of others' story and stays in it; their name and id go.

    Args:
        store: where stories are.
    """

    name = "stories"

    def __init__(self, store: StoriesStore) -> None:
        self._store = store

    async def count_of(self, user_id: int) -> Holding:
        """In how many."""
        count = await self._store.n_of_author(user_id)
        return Holding(what=tr("Stories that you play or have written in"), count=count)

    async def export_of(self, user_id: int) -> list[dict[str, Any]]:
        """The stories begun in direct messages, with all that was written in them.

        Those of servers are to be had there with `/story export`: others wrote in them, too.
        """
        exported: list[dict[str, Any]] = []
        for one in reversed(await self._store.of_owner(user_id)):
            passages = [
                {"number": passage.number, "kind": passage.kind.value, "text": passage.text}
                async for batch in self._store.passages(one.story_id)
                for passage in batch
            ]
            exported.append({"id": one.story_id, "title": one.title, "passages": passages})
        return exported

    async def forget_user(self, user_id: int) -> int:
        """Takes their id and name out of all stories."""
        return await self._store.forget_author(user_id)
