"""Versions as messages, their buttons, and who may use them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.buttons import (
    OUTPUT_TEMPLATE,
    Action,
    finished_rows,
    output_custom_id,
    shown_version,
    stop_row,
    waiting_row,
    without_stop,
)
from bot.core.markdown import MAX_MESSAGE, length, unescape
from bot.core.output_rules import (
    Version,
    check_is_chosen,
    check_may_use,
    version_at,
    version_of,
)
from bot.core.outputs import MAX_VERSIONS
from bot.core.replies import MAX_PARTS, Label, final, page
from bot.core.report_words import log_notice, reports_shown
from bot.core.reports import Report, kept_prompt, kept_reason, kept_text
from bot.errors import OutputError
from tests.unit.core.test_forms import output

MAX_FOLLOWUPS = 5  # Discord's, where only a user installed the bot
TEXTS = st.text() | st.text("a |*🦊\n.", max_size=30).map(lambda text: text * 200)
LABEL = Label(model="small", quantization="q8", seed=5, receipt="0123456789")


@given(TEXTS, TEXTS, st.booleans())
def test_page_loses_nothing_and_fits(prompt: str, text: str, is_hidden: bool):
    """What is not in the message is in its file; the line is below."""
    shown = page(prompt, text, LABEL, is_hidden=is_hidden)

    assert length(shown.content) <= MAX_MESSAGE
    assert "receipt 0123456789" in shown.content.rpartition("\n-# ")[2]
    rest = shown.file_text or ""
    assert text.endswith(rest)
    beginning = text.removesuffix(rest)
    assert beginning in unescape(shown.content) or not beginning.strip()


@given(TEXTS, TEXTS)
def test_hidden_page_shows_nothing_without_a_click(prompt: str, text: str):
    """All but the line is between two pairs of bars, and no other bar ends it."""
    content, _, line = page(prompt, text, LABEL, is_hidden=True).content.rpartition("\n-# ")

    assert re.fullmatch(r"\|\|(?:\\.|[^\\|])*\|\|", content, re.DOTALL)
    assert "hidden after a report" in line


@given(TEXTS)
def test_text_without_a_prompt_has_no_empty_bold(text: str):
    """Four asterisks would be shown as such."""
    for content in final("", text, LABEL).parts:
        assert "****" not in content.replace(r"\*", "")
        assert content.rpartition("\n-# ")[0].strip() or not text.strip() or len(content) > 9


def test_reply_leaves_room_for_errors_everywhere():
    """Further messages are follow-ups, and so is a sentence for the asker."""
    assert MAX_PARTS - 1 + 1 <= MAX_FOLLOWUPS


@given(st.integers(0, MAX_VERSIONS - 1), st.sampled_from(Action))
def test_ids_fit_and_are_found(index: int, action: Action):
    """With the longest root."""
    custom_id = output_custom_id(action, "9" * 20, index)

    assert len(custom_id) <= 100
    match = re.fullmatch(OUTPUT_TEMPLATE, custom_id)
    assert match
    assert (action, index) == (match["action"], int(match["index"]))


def test_buttons_say_which_version_is_shown():
    """Those of pages name others."""
    assert ("7", 2) == shown_version(finished_rows("7", 2, 5))
    assert ("7", 1) == shown_version(finished_rows("7", 1, 3, is_choice=True))
    assert shown_version(stop_row("7")) is None
    assert shown_version([]) is None


@given(st.text())
def test_waiting_row_fits_and_goes(notice: str):
    """A label has room for 80 characters."""
    rows = finished_rows("7", 0, 2)
    [row] = waiting_row("8", notice)

    assert len(row["components"][1].get("label", "")) <= 80
    assert rows == without_stop([*rows, row])


def test_version_is_found_by_place_and_by_code():
    """Where there are not so many any more, the last one."""
    outputs = [output(code="A"), output(code="B")]

    assert "B" == version_at(outputs, 7).output.code
    assert 1 == version_of(outputs, "B").index
    with pytest.raises(OutputError, match="Nothing is kept"):
        version_of(outputs, "C")
    with pytest.raises(OutputError, match="Nothing is kept"):
        version_at([], 0)


def test_only_askers_and_moderators_may():
    """Of any version."""
    version = Version((output(user_id=1), output(user_id=2)), 0)

    check_may_use(version, 2, is_moderator=False)
    check_may_use(version, 3, is_moderator=True)
    with pytest.raises(OutputError, match="Only the one who asked"):
        check_may_use(version, 3, is_moderator=False)


def test_candidates_wait_for_a_choice():
    """Versions of other jobs do not."""
    check_is_chosen(Version((output(job_id="1"), output(job_id="2")), 0))
    with pytest.raises(OutputError, match="keep one"):
        check_is_chosen(Version((output(), output()), 1))


def report(**changes: str) -> Report:
    """One with the largest ids."""
    values = {"reason": "rude", "prompt": "Once", "text": " upon"} | changes
    return Report(
        id="9" * 20, code="A" * 10, guild_id=2**63, place_id=2**63, channel_id=2**63,
        message_id=2**63, reporter_id=2**63, user_id=2**63, at_s=1e10,
        reason=kept_reason(values["reason"]), prompt=kept_prompt(values["prompt"]),
        text=kept_text(values["text"]),
    )  # fmt: skip


@given(TEXTS, TEXTS, TEXTS, st.text(max_size=32))
def test_notice_of_a_report_fits_and_hides(reason: str, prompt: str, text: str, name: str):
    """Text and prompt behind a click; nothing is lost, nothing pings."""
    made = report(reason=reason, prompt=prompt, text=text)

    content, rest = log_notice(made, name)

    assert length(content) <= MAX_MESSAGE
    assert made.text.endswith(rest)
    _, bars, spoiler = content.partition("||")
    assert bars
    assert re.fullmatch(r"(?:\\.|[^\\|])*\|\|", spoiler, re.DOTALL)


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=20))
def test_list_for_the_host_fits(texts: list[tuple[str, str]]):
    """However many there are."""
    made = [report(reason=reason, text=text) for reason, text in texts]

    assert 0 < length(reports_shown(made)) <= MAX_MESSAGE


@given(TEXTS, TEXTS, TEXTS)
def test_report_is_read_as_it_was_written(reason: str, prompt: str, text: str):
    """Every field; an unknown version is refused."""
    made = report(reason=reason, prompt=prompt, text=text)

    assert made == Report.from_json(made.to_json())
    with pytest.raises(ValueError, match="version 2"):
        Report.from_json(made.to_json().replace('"v":1', '"v":2', 1))
    with pytest.raises(ValueError, match="damaged"):
        Report.from_json("{}")
