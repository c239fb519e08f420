"""Where two texts depart."""

from hypothesis import given
from hypothesis import strategies as st

from bot.core.departures import Departure, departure


@given(st.text())
def test_same_texts_do_not_depart(text: str):
    """Whatever is in them."""
    assert departure(text, text) is None


@given(st.text(), st.text())
def test_all_before_the_departure_is_the_same(here: str, there: str):
    """And what follows is not."""
    found = departure(here, there)

    assert (found is None) == (here == there)
    if found is not None:
        assert found.here[:1] != found.there[:1]
        assert here.find(found.before + found.here) >= 0
        assert there.find(found.before + found.there) >= 0


def test_what_does_not_count_is_shown_but_not_compared():
    """Blanks, say."""
    assert departure("a b c", "ab c", counts=str.isalpha) is None
    found = departure("the  quick fox", "the quick ox", counts=str.isalpha)
    assert Departure("the  quick ", "fox", "ox") == found


def test_text_that_ends_early_departs_there():
    """It is said so."""
    found = departure("one two", "one")

    assert found == Departure("one", " two", "")
    assert "one(it ends here)" == found.quoted(found.there)


def test_quote_is_harmless_and_on_one_line():
    """Nothing in it opens a fence or pings."""
    found = departure("a\n```@everyone", "a\nb")

    assert found is not None
    assert "a ⏎ **\\`\\`\\`@everyone**" == found.quoted(found.here)
