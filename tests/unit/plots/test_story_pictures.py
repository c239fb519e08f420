"""Pictures of stories: every passage where it belongs, in time, and told in words as well."""

import time
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.plots.story_context import describe as describe_context
from bot.plots.story_context import draw_context
from bot.plots.story_layout import COLUMNS, MAX_LANES, lay_out
from bot.plots.story_map import author_looks, draw_map
from bot.stories.story import ContextUse
from tests.unit.stories.trees import passage, random_tree, story

PNG = b"\x89PNG\r\n"


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=150), st.integers(0, 10**6))
@settings(deadline=None)
def test_no_two_passages_share_a_spot(parents: list[int], head: int):
    """Whatever the tree is like, each is shown once or counted as left out."""
    tree = [passage(n, parent % n) for n, parent in enumerate(parents, 1)]
    layout = lay_out(tree, 1 + head % len(tree))

    assert len(set(layout.spots.values())) == len(layout.spots)
    assert len(layout.spots) + sum(layout.left_out.values()) == len(tree)
    assert layout.main <= set(layout.spots)
    for one in tree:
        if spot := layout.spots.get(one.number):
            assert 0 <= spot.column < layout.columns <= COLUMNS
            assert spot.lane < min(MAX_LANES, layout.lanes[spot.row])
            assert (spot.lane == 0) == (one.number in layout.main)
            assert one.parent in {0, *layout.spots}


def test_main_line_is_on_top_and_wraps_like_text():
    """Row after row."""
    layout = lay_out(random_tree(45, branching=0), 45)
    assert [layout.spots[n].row for n in (1, 20, 21, 41)] == [0, 0, 1, 2]
    assert layout.lanes == [1, 1, 1]


def test_hundreds_of_siblings_are_counted_not_drawn():
    """Nobody could read them."""
    tree = [passage(1, 0), *(passage(n, 1) for n in range(2, 502))]
    layout = lay_out(tree, 501)
    assert layout.lanes == [MAX_LANES]
    assert layout.left_out == {1: 500 - MAX_LANES}


def test_map_of_500_passages_is_made_in_two_seconds():
    """The bound has room for a busy machine: a second is usual."""
    tree = random_tree(500)
    draw_map(story(10, 10), tree[:10])  # matplotlib is imported now
    began_s = time.process_time()
    picture = draw_map(story(500, 500), tree)
    assert time.process_time() - began_s < 4
    assert picture.png.startswith(PNG)
    assert len(picture.png) < 2_000_000


def test_map_is_told_in_words():
    """Who wrote how much, and where the story stands."""
    tree = random_tree(30)
    words = draw_map(story(30, 30), tree).description
    assert "30 passages" in words
    assert "ends at passage 30" in words
    for name in author_looks(tree):
        assert f"{name} wrote" in words


def test_authors_differ_without_color():
    """By their shapes."""
    tree = [passage(n, n - 1, author=f"P{n}") for n in range(1, 9)]
    looks = author_looks(tree).values()
    assert all(one[1] != other[1] for one, other in combinations(looks, 2))


@pytest.mark.parametrize("title", ["$x^", "日本語の話", "a" * 80, "\U0001f98a fox"])
def test_any_title_can_be_drawn(title: str):
    """Formulas are none."""
    assert draw_map(story(1, 1, title=title), random_tree(1)).png.startswith(PNG)


def test_context_is_drawn_and_told():
    """With what did not fit."""
    use = ContextUse(
        window=1024, memory=40, lore=22, note=10, story=700, reply=120, dropped_characters=1500,
        lore_keys=("lantern",),
    )  # fmt: skip
    picture = draw_context(replace(story(1, 1), context=use))
    assert picture.png.startswith(PNG)
    assert picture.description == describe_context(use)
    for part in ("1,024", "memory: 40", "story: 700", "lantern", "first 1,500 characters"):
        assert part in picture.description
