"""Which place a sequence gets: the rules alone, without an engine."""

from collections.abc import Sequence
from itertools import takewhile

from hypothesis import given
from hypothesis import strategies as st

from bot.engine.prefixes import WORTH_A_COPY, Choice, Record, common_prefix

TEXT = list(range(100, 200))
TOKENS = st.lists(st.integers(0, 2), max_size=40)


def record(*held: Sequence[int], taken: Sequence[int] = ()) -> Record:
    """Places that were used in this order and hold these tokens."""
    made = Record(len(held), 300)
    for place, tokens in enumerate(held):
        if tokens:
            made.take(place)
            made.write(place, 0, tokens)
            made.release(place)
    for place in taken:
        made.take(place)
    return made


@given(TOKENS, TOKENS)
def test_common_prefix_is_counted(first: list[int], second: list[int]):
    """As one would by hand, whatever comes after."""
    pairs = zip(first, second, strict=False)
    assert common_prefix(first, second) == len(list(takewhile(lambda one: one[0] == one[1], pairs)))


@given(TOKENS, st.integers(0, 40))
def test_common_prefix_of_long_texts(first: list[int], n_equal: int):
    """Where they differ at one token only, and are of one length or not."""
    changed = [*first[:n_equal], 9, *first[n_equal + 1 :]]
    assert common_prefix(first, changed) == min(n_equal, len(first))
    assert common_prefix(first, [*first, 1]) == len(first)


def test_the_free_place_with_most_in_common_is_taken():
    """Not the first, and not the one used last."""
    found = record(TEXT[:30], TEXT[:60], [1] * 90).choose(TEXT[:80])
    assert found == Choice(place=1, n_reused=60)


def test_of_equal_places_the_one_that_loses_least_is_taken():
    """What lies behind the common part goes."""
    assert record(TEXT[:40] + [1] * 50, TEXT[:40] + [2] * 10).choose(TEXT).place == 1


def test_a_taken_place_is_copied_where_it_holds_more():
    """To an empty place first, and its own place stays as it is."""
    found = record(TEXT[:80], TEXT[:30], [], taken=[0]).choose(TEXT)
    assert found == Choice(place=2, n_reused=80, source=0)


def test_a_copy_that_saves_little_is_not_made():
    """A free place that shares nearly as much does."""
    n_free = 80 - WORTH_A_COPY + 1
    assert record(TEXT[:80], TEXT[:n_free], taken=[0]).choose(TEXT) == Choice(
        place=1, n_reused=n_free
    )


def test_an_engine_without_copies_gets_none():
    """The best free place, or the one that is missed least."""
    places = record(TEXT[:80], TEXT[:30], [], taken=[0])
    assert places.choose(TEXT, may_copy=False) == Choice(place=1, n_reused=30)
    places.take(1)
    assert places.choose(TEXT, may_copy=False) == Choice(place=2, n_reused=0)


def test_without_a_match_an_empty_place_is_taken():
    """Nothing is lost so."""
    assert record([1] * 50, [], [2] * 50).choose(TEXT) == Choice(place=1, n_reused=0)


def test_without_an_empty_place_the_one_not_used_for_longest_is_taken():
    """Used means taken and given back."""
    places = record([1] * 50, [2] * 50, [3] * 50)
    places.take(0)
    places.release(0)
    assert places.choose(TEXT).place == 1


def test_a_few_tokens_in_common_cost_no_long_text():
    """Most texts begin with one of a few words; but what is lost anyway is reused."""
    places = record(TEXT[:5] + [1] * 90, [2] * 50, [])
    assert places.choose(TEXT) == Choice(place=2, n_reused=0)
    places.take(1)
    places.take(2)
    assert places.choose(TEXT) == Choice(place=0, n_reused=5)


def test_a_short_text_is_gone_on_with_where_it_is():
    """Few tokens are worth something where nothing is lost for them."""
    assert record([], TEXT[:3]).choose(TEXT) == Choice(place=1, n_reused=3)


def test_no_tokens_to_reuse_take_the_place_missed_least():
    """As whoever needs the logits of all of its tokens."""
    assert record(TEXT, []).choose([]) == Choice(place=1, n_reused=0)
    assert record(TEXT).choose([]) == Choice(place=0, n_reused=0)


def test_what_was_computed_since_is_found():
    """By a margin, and never in the place itself."""
    places = record(TEXT[:20], TEXT[:80], taken=[0, 1])
    assert places.longer(0, TEXT) == Choice(place=0, n_reused=80, source=1)
    assert places.longer(1, TEXT) is None
    assert places.longer(0, TEXT[: 20 + WORTH_A_COPY - 1]) is None


def test_truncated_and_copied_places_hold_what_they_say():
    """And nothing of what was behind."""
    places = record(TEXT[:80], [1] * 90)
    places.copy(0, 1, 50)
    assert (places.length(0), places.length(1)) == (80, 50)
    places.truncate(0, 10)
    places.take(1)
    assert places.choose(TEXT, may_copy=False) == Choice(place=0, n_reused=10)
    assert places.longer(0, TEXT) == Choice(place=0, n_reused=50, source=1)


@given(
    held=st.lists(TOKENS, min_size=1, max_size=5),
    taken=st.sets(st.integers(0, 4), max_size=4),
    tokens=TOKENS,
    may_copy=st.booleans(),
)
def test_any_choice_is_a_free_place_and_true(
    held: list[list[int]], taken: set[int], tokens: list[int], may_copy: bool
):
    """What is to be reused is there, and no free place shares more by a margin."""
    taken = {place for place in taken if place < len(held) - 1}
    found = record(*held, taken=sorted(taken)).choose(tokens, may_copy=may_copy)
    shared = [common_prefix(one, tokens) for one in held]
    holder = found.place if found.source is None else found.source
    assert found.place not in taken
    assert found.source != found.place
    assert found.n_reused == shared[holder]
    assert may_copy or found.source is None
    usable = shared if may_copy else [shared[one] for one in range(len(held)) if one not in taken]
    assert found.n_reused > max(usable) - WORTH_A_COPY
