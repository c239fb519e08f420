"""The real tools of stories: rules, prompts, pictures and exports as one object. Used by `app`.

Apart from `story_tools`, so that what is built around the tools can be tested without them.
"""

from bot.plots.story_context import draw_context
from bot.plots.story_map import draw_map
from bot.services.story_tools import Beginning, StoryTools
from bot.stories.export import html, markdown, plain, tree_json
from bot.stories.passages import Passage
from bot.stories.prompt import build
from bot.stories.recap import extract
from bot.stories.rules import play
from bot.stories.rules.start import Outset, Place, begin
from bot.stories.scenarios import SCENARIOS
from bot.stories.story import Story


def story_tools() -> StoryTools:
    """All of them."""
    return StoryTools(
        play=play,
        begin=_begin,
        build=build,
        draw_map=draw_map,
        draw_context=draw_context,
        exports={
            "md": markdown.export,
            "txt": plain.export,
            "html": html.export,
            "json": tree_json.export,
        },
        read=tree_json.read,
        recap=extract,
        scenarios=SCENARIOS,
    )


def _begin(beginning: Beginning) -> tuple[Story, tuple[Passage, ...]]:
    """As the rules want it."""
    place = Place(
        guild_id=beginning.guild_id,
        channel_id=beginning.channel_id,
        language=beginning.language,
    )
    outset = Outset(
        title=beginning.title,
        opening=beginning.opening,
        memory=beginning.memory,
        note=beginning.note,
        lore=beginning.lore,
    )
    return begin(beginning.story_id, beginning.mode, place, beginning.owner, outset)
