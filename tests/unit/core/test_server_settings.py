"""Settings of a server: their bounds, their record, how channels come and go, what is told."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.markdown import MAX_MESSAGE, length
from bot.core.server_bounds import MAX_CHANNELS, MAX_PAUSE_MESSAGE, checked
from bot.core.server_log import LogEntry, entry_json, entry_of, to_undo
from bot.core.server_settings import (
    Change,
    FilterAction,
    ServerSettings,
    StoredSettings,
    allow,
    changed,
    clear_channel,
    deny,
    differences,
    without_channel,
)
from bot.core.server_texts import (
    changes_text,
    channel_refusal,
    filter_text,
    log_text,
    settings_text,
)
from bot.core.word_filter import MAX_PATTERNS, MAX_WORDS
from bot.errors import OptionError, SettingsError
from bot.language import LANGUAGES

CHANNELS = st.frozensets(st.integers(0, 6), max_size=5)
TEXTS = st.text(max_size=8).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text))
LISTS = st.lists(TEXTS, max_size=4, unique=True).map(lambda items: tuple(sorted(items)))
SETTINGS = st.builds(
    ServerSettings,
    allowed_channels=CHANNELS,
    allowed_ran_out=st.booleans(),
    denied_channels=CHANNELS,
    model=st.none() | TEXTS,
    preset=st.none() | TEXTS,
    language=st.none() | st.sampled_from(LANGUAGES),
    filter_words=LISTS,
    filter_patterns=LISTS,
    filter_action=st.sampled_from(FilterAction),
    hides_invites=st.booleans(),
    log_channel=st.none() | st.integers(1, 2**63),
    paused=st.booleans(),
    pause_message=st.none() | TEXTS,
)
FULL = ServerSettings(
    allowed_channels=frozenset({1, 2}),
    denied_channels=frozenset({3}),
    model="gpt2-xl",
    preset="story",
    language="de",
    filter_words=("bad", "ugly"),
    filter_patterns=(r"x\d",),
    filter_action=FilterAction.MASK,
    hides_invites=True,
    log_channel=9,
    paused=True,
    pause_message="Back at *noon*.",
    hides_reported=True,
)


@given(SETTINGS)
def test_record_is_read_as_it_was_written(settings: ServerSettings):
    """Every field."""
    assert settings == ServerSettings.from_json(settings.to_json())


def test_fields_of_a_newer_program_are_kept():
    """An older process that changes a field must not lose what it does not know."""
    record = json.loads(FULL.to_json()) | {"mood": ["merry"]}

    settings = ServerSettings.from_json(json.dumps(record))
    settings = changed(settings, [Change(name="paused", before=True, after=False)])

    assert ["merry"] == json.loads(settings.to_json())["mood"]
    assert not settings.paused


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"v": "1"}', '{"v": 99}', '{"v": 1, "filter_action": "sing"}',
     '{"v": 1, "allowed_channels": 3}'],
)  # fmt: skip
def test_record_that_can_not_be_read_says_so(text: str):
    """In a sentence, not as settings that somebody never made."""
    with pytest.raises(SettingsError, match=r"can't be read|newer version"):
        ServerSettings.from_json(text)


@given(SETTINGS, SETTINGS)
def test_changes_lead_from_one_to_the_other_and_back(before: ServerSettings, after: ServerSettings):
    """What the log keeps is enough to undo."""
    changes = differences(before, after)

    assert after == changed(before, changes)
    assert before == changed(after, [change.reversed() for change in changes])
    assert bool(changes) == (before != after)


def test_unknown_change_is_passed_over():
    """A newer program's entry in the log does not break undo."""
    assert FULL == changed(FULL, [Change(name="mood", before=1, after=2)])


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"preset": "loud"}, "the presets are paper, "),
        ({"language": "xx"}, "the languages are en, "),
        ({"model": "m" * 101}, "no such model"),
        ({"allowed_channels": frozenset(range(MAX_CHANNELS + 1))}, "room for 100 channels"),
        ({"denied_channels": frozenset(range(MAX_CHANNELS + 1))}, "room for 100 channels"),
        ({"pause_message": "x" * (MAX_PAUSE_MESSAGE + 1)}, "room for 200 characters"),
        ({"filter_words": tuple(f"w{i}" for i in range(MAX_WORDS + 1))}, "room for 200 words"),
        ({"filter_patterns": tuple(f"w{i}" for i in range(MAX_PATTERNS + 1))}, "20 patterns"),
        ({"filter_words": ("x",)}, "2 to 50 characters"),
        ({"filter_patterns": ("(",)}, r"missing \)"),
        ({"filter_patterns": ("a*",)}, "matches the empty text"),
    ],
)
def test_value_out_of_bounds_is_refused(wrong: dict[str, object], says: str):
    """The sentence gives the bounds."""
    with pytest.raises(OptionError, match=says):
        checked(replace(ServerSettings(), **wrong))


def test_checked_settings_are_in_one_form():
    """Words cleaned and sorted, each once; a message in one line, an empty one none."""
    settings = checked(
        ServerSettings(filter_words=("Ugly", " bad", "bad"), pause_message=" Back\n soon ")
    )

    assert ("bad", "ugly") == settings.filter_words
    assert "Back soon" == settings.pause_message
    assert checked(ServerSettings(pause_message="  ")).pause_message is None


def test_all_channels_are_allowed_until_one_is():
    """Then only that one."""
    settings = ServerSettings()
    assert settings.allows(1)

    settings = allow(settings, 2)

    assert (False, True) == (settings.allows(1), settings.allows(2))


def test_denied_channel_is_denied_allowed_or_not():
    """Deny wins; to allow a channel takes its denial back."""
    settings = deny(allow(ServerSettings(), 2), 2)
    assert not settings.allows(2)

    assert allow(settings, 2).allows(2)


def test_deleting_the_last_allowed_channel_allows_no_other():
    """Else a deleted channel would let the bot loose everywhere."""
    settings = without_channel(allow(ServerSettings(log_channel=2), 2), 2)

    assert not settings.allows(1)
    assert frozenset() == settings.allowed_channels
    assert settings.log_channel is None
    assert "none, for the last allowed one was deleted" in settings_text(
        StoredSettings(settings=settings)
    )
    assert "no channel left where it works" in channel_refusal(settings)
    assert not without_channel(settings, 3).allows(1)
    assert allow(settings, 3).allows(3)
    assert clear_channel(settings, None).allows(1)


def test_deleting_any_other_channel_changes_no_more():
    """Only the lists it stood in."""
    settings = ServerSettings(allowed_channels=frozenset({1, 2}), denied_channels=frozenset({3}))

    assert ServerSettings(allowed_channels=frozenset({1})) == without_channel(
        without_channel(settings, 2), 3
    )
    assert settings == without_channel(settings, 4)
    assert without_channel(ServerSettings(), 4).allows(1)


def test_last_allowed_channel_can_not_be_cleared_alone():
    """It would allow all without saying so."""
    settings = allow(allow(ServerSettings(), 1), 2)
    settings = clear_channel(settings, 1)

    with pytest.raises(OptionError, match="last channel"):
        clear_channel(settings, 2)


@pytest.mark.parametrize(
    ("action", "refuses", "masks"),
    [("both", True, True), ("refuse", True, False), ("mask", False, True), ("off", False, False)],
)
def test_filter_does_what_its_action_says(action: str, refuses: bool, masks: bool):
    """Prompts and output, apart from each other."""
    settings = ServerSettings(filter_action=FilterAction(action))

    assert (refuses, masks) == (settings.refuses_prompts, settings.masks_output)


def test_refusal_names_channels_that_are_open():
    """Never one that is denied as well."""
    settings = ServerSettings(allowed_channels=frozenset({1, 2}), denied_channels=frozenset({2}))

    assert channel_refusal(settings).endswith("in this channel; it works in <#1>.")
    assert channel_refusal(deny(ServerSettings(), 1)).endswith("; try another one.")


# In words


def test_settings_in_words():
    """What an admin sees, a line each."""
    assert settings_text(StoredSettings(settings=FULL, revision=7)).splitlines() == [
        "Channels: only <#1>, <#2>, but never <#3>",
        "Model: gpt2-xl",
        "Preset: story",
        "Language: Deutsch",
        "Log channel: <#9>",
        r"Message while paused: Back at \*noon\*.",
        "Filter: 2 words, 1 pattern; masks what I write",
        "Invites hidden: yes",
        "Paused: yes",
        "Reported texts are hidden: yes",
        "-# Revision 7",
    ]


def test_changes_in_words():
    """Before and after; lists say what came and went."""
    changes = differences(FULL, replace(FULL, model=None, filter_words=("bad", "mean")))

    assert "- Model: gpt2-xl → the host's choice\n- Filter words: + mean − ugly" == changes_text(
        changes
    )
    assert "||mean||" in changes_text(changes, is_public=True)


@given(SETTINGS, SETTINGS)
def test_whatever_changes_fits_a_message(before: ServerSettings, after: ServerSettings):
    """Discord would refuse a longer one."""
    assert length(changes_text(differences(before, after), is_public=True)) < MAX_MESSAGE
    assert length(settings_text(StoredSettings(settings=after))) < MAX_MESSAGE
    assert filter_text(after).startswith("Filter: ")


def test_longest_settings_fit_a_message():
    """All lists full of the longest things."""
    longest = replace(
        FULL,
        allowed_channels=frozenset(range(10**18, 10**18 + MAX_CHANNELS)),
        denied_channels=frozenset(range(10**19, 10**19 + MAX_CHANNELS)),
        filter_words=tuple(f"{i:050}" for i in range(MAX_WORDS)),
        filter_patterns=tuple(f"{'*' * 198}{i:02}" for i in range(MAX_PATTERNS)),
        pause_message="*" * MAX_PAUSE_MESSAGE,
    )

    assert length(settings_text(StoredSettings(settings=longest))) <= MAX_MESSAGE
    for before, after in ((ServerSettings(), longest), (longest, ServerSettings())):
        words = changes_text(differences(before, after), is_public=True)
        assert length(words) + 100 <= MAX_MESSAGE


# The log


def entry(revision: int, *, by_user: int | None = 5, undoes: int | None = None) -> LogEntry:
    """An entry that pauses or not."""
    change = Change(name="paused", before=False, after=True)
    return LogEntry(revision=revision, at_s=60.0, by_user=by_user, changes=(change,), undoes=undoes)


def test_entry_is_read_as_it_was_written():
    """With its lists."""
    changes = differences(ServerSettings(), FULL)

    text = entry_json(5, changes, 3)

    assert LogEntry(revision=4, at_s=1.5, by_user=5, changes=changes, undoes=3) == entry_of(
        text, revision=4, at_s=1.5
    )


def test_undo_goes_further_back_each_time():
    """Over what was undone, and over what the bot did itself."""
    first, second, by_bot = entry(1), entry(2), entry(3, by_user=None)
    log = [by_bot, second, first]
    assert second == to_undo(log)

    log = [entry(4, undoes=2), *log]
    assert first == to_undo(log)

    log = [entry(5, undoes=1), *log]
    assert to_undo(log) is None

    log = [entry(6), *log]
    assert log[0] == to_undo(log)


def test_log_in_words_is_as_long_as_a_message():
    """The newest entries, and how many are left out."""
    assert "Nothing was changed yet." == log_text([])
    text = log_text([entry(revision) for revision in range(200, 0, -1)])

    assert text.startswith("**200** <t:60:f> by <@5>\n- Paused: no → yes\n")
    assert text.splitlines()[-1].endswith(" older")
    assert 1500 < length(text) <= MAX_MESSAGE
    assert "takes back change 2" in log_text([entry(3, undoes=2)])
    assert "by the bot" in log_text([entry(3, by_user=None)])
