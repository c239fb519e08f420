"""How stories look after a move, in their own language and through their server's filter.

Used by `stories`.
"""

from bot.language import speaking
from bot.services.servers import ServersService
from bot.services.story_hands import Faded, Played
from bot.services.story_saves import Taken
from bot.state.stories_api import Loaded
from bot.stories.show import living, standing


class StoryLooks:
    """Renders living messages.

    Args:
        servers: have the words that a server does not want to read.
    """

    def __init__(self, servers: ServersService) -> None:
        self._servers = servers

    async def played(self, taken: Taken) -> Played:
        """How it looks now, in the story's own language."""
        story, step = taken.step.story, taken.step
        message = None
        if story.pending is None:
            numbers = step.shown
            if numbers in {(), (story.head,)}:  # with the words that brought it about
                numbers = standing(story, taken.near)
            shown = [taken.near.passages[one] for one in numbers if one in taken.near.passages]
            mask = await self._servers.mask(story.guild_id)
            with speaking(story.language):
                message = living(story, shown, mask=mask)
        faded = await self.faded(taken.before, story.message_id)
        return Played(story=story, message=message, notice=step.notice, faded=faded)

    async def faded(self, before: Loaded, message_id: int) -> Faded | None:
        """The living message of before, if it is not the same as now."""
        story = before.story
        if not story.message_id or story.message_id == message_id or story.pending is not None:
            return None
        numbers = standing(story, before.near)
        if story.vote is not None:  # what was offered is to be seen on the map
            numbers = (story.head,)
        shown = [before.near.passages[one] for one in numbers if one in before.near.passages]
        mask = await self._servers.mask(story.guild_id)
        with speaking(story.language):
            message = living(story, shown, mask=mask, with_status=False)
        return Faded(story.channel_id, story.message_id, message)
