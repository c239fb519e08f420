"""The shipped scenarios: complete, in bounds, and of use to the model."""

import pytest

from bot.stories.moves import Actor
from bot.stories.prompt import lore_hits
from bot.stories.rules.start import Outset, Place, begin
from bot.stories.scenarios import SCENARIOS, Scenario
from bot.stories.story import Mode

ACTOR = Actor(user_id=1, name="Anna", source="s", at_s=1.0)
ALL = [pytest.param(one, id=one.name) for one in SCENARIOS.values()]


def test_there_are_at_least_a_dozen():
    """And all can be offered as choices."""
    assert 12 <= len(SCENARIOS) <= 25


@pytest.mark.parametrize("scenario", ALL)
@pytest.mark.parametrize("mode", list(Mode))
def test_each_begins_a_story_in_every_mode(scenario: Scenario, mode: Mode):
    """Within all bounds."""
    outset = Outset(
        title=scenario.title,
        opening=scenario.opening,
        is_typed=False,
        memory=scenario.memory,
        note=scenario.note,
        lore=scenario.lore,
    )
    story, (opening,) = begin("1", mode, Place(guild_id=1, channel_id=2), ACTOR, outset)
    assert story.lore == scenario.lore
    assert opening.text == scenario.opening
    assert opening.author_id == 0


@pytest.mark.parametrize("scenario", ALL)
def test_texts_fit_where_they_are_shown(scenario: Scenario):
    """In a list, and in a small model's window with room for play."""
    assert len(scenario.title) <= 80
    assert len(scenario.description) <= 100
    assert 200 <= len(scenario.opening) <= 1200
    assert len(scenario.memory) <= 400


@pytest.mark.parametrize("scenario", ALL)
def test_something_of_the_lore_comes_up_early(scenario: Scenario):
    """Its words stand in the opening or in the memory."""
    assert lore_hits(scenario.lore, f"{scenario.opening}\n{scenario.memory}")


def test_no_two_scenarios_share_a_text():
    """Each is its own."""
    for field in ("title", "description", "opening", "memory"):
        assert len({getattr(one, field) for one in SCENARIOS.values()}) == len(SCENARIOS)
