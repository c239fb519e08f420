"""Scenarios for story games, written for this project: how a story may begin.

What the model reads is English, as it knows nothing else well; titles and descriptions are
translated where they are shown.
"""

from collections.abc import Mapping

from bot.stories.scenarios.everyday import EVERYDAY
from bot.stories.scenarios.far_away import FAR_AWAY
from bot.stories.scenarios.once import ONCE
from bot.stories.scenarios.scenario import Scenario

SCENARIOS: Mapping[str, Scenario] = {one.name: one for one in (*ONCE, *EVERYDAY, *FAR_AWAY)}

__all__ = ["SCENARIOS", "Scenario"]
