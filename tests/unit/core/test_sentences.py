"""Where sentences end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.sentences import last_sentence_end


@pytest.mark.parametrize(
    "text",
    [
        "The fox ran.| And then",
        "The fox ran!| And",
        "Did it run?| I",
        "It ran and ran…| But",
        '"It ran."| She',
        "“It ran!”| She",
        "(It ran.)| She",
        "It ran...| She",
        "狐狸跑了。|然后",
        "「跑了！」|然后她",
        "跑了吗？|她",
        "A line without a mark|\nthen",
        "Then Mr. Fox came to the river.| Then Dr. J. R. R. Bear",
        "Then the last of the foxes came.| Of the U.S. bears",
        "So did I.| And so",
        "It cost 3.50 then.| And 4.50",
        "It ended.|",
    ],
)
def test_text_is_cut_after_its_last_whole_sentence(text: str):
    """With the marks that close after it; the bar shows where."""
    whole, _, rest = text.partition("|")
    assert whole == (whole + rest)[: last_sentence_end(whole + rest)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no end here",
        "Then Mr. Fox",
        "of 3.50 or",
        "J. R. R. Bear",
        "\n\n then",
        "Yes. " + "a" * 9,
    ],
)
def test_text_without_a_sentence_in_its_second_half_is_kept(text: str):
    """Half of a text is worth more than a whole sentence."""
    assert last_sentence_end(text) is None


@given(st.text(alphabet="ab .!?\n”)。Mr"))
def test_cut_leaves_at_least_half_and_ends_on_something(text: str):
    """Whatever the text: never nothing, never white space at the cut."""
    end = last_sentence_end(text)
    if end is not None:
        assert 0 < len(text) <= 2 * end
        assert text[:end].strip()
