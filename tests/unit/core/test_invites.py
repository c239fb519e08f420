"""Invitations to servers are found and hidden."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.invites import has_invite, without_invites
from bot.core.server_settings import FilterAction, ServerSettings
from bot.core.word_filter import MASK

PIECES = st.sampled_from(
    ["discord", "Discord", ".gg", ".com", "/", "invite/", "abc", " ", "https://", "\u200b", "ｇｇ",
     "\uff0e", "dsc", "discordapp", ".io", "\n", "é", "\u0301", "\ud800"]
)  # fmt: skip
TEXT = st.lists(PIECES | st.characters(), max_size=40).map("".join)


@pytest.mark.parametrize(
    "invite",
    [
        "discord.gg/abc", "DISCORD.GG/aBc-1", "https://discord.com/invite/abc", "dsc.gg/cats",
        "discordapp.com/invite/x", "www.discord.gg/abc", "discord .gg / abc", "discord.gg//abc",
        "dis\u200bcord.gg/abc", "ｄｉｓｃｏｒｄ．ｇｇ/abc", "discord。gg/abc", "discord.gg\\abc",
        "discord.com/invite/abc?event=1", "discord.gg/invite/abc", "discord.me/cats",
    ],
)  # fmt: skip
def test_invites_are_hidden(invite: str):
    """However they are written; what stands around them stays."""
    hidden = without_invites(f"Come to {invite} now")

    assert has_invite(invite)
    assert hidden.startswith("Come to ")
    assert hidden.endswith(" now")
    assert MASK in hidden
    assert "abc" not in hidden
    assert len(f"Come to {invite} now") == len(hidden)


@pytest.mark.parametrize(
    "text",
    ["we met on Discord.", "discord.com/channels/1/2", "discord.gg", "gg/abc", "a discord. Gigi/b",
     "https://example.com/invite/abc", ""],
)  # fmt: skip
def test_what_is_no_invite_stays(text: str):
    """To the letter."""
    assert text == without_invites(text)
    assert not has_invite(text)


@given(TEXT)
def test_nothing_is_left_to_hide(text: str):
    """Once is enough, and nothing moves."""
    hidden = without_invites(text)

    assert len(text) == len(hidden)
    assert hidden == without_invites(hidden)
    assert not has_invite(hidden)


def test_servers_choose():
    """Beside their word filter, and without it."""
    text = "ugly: discord.gg/abc"
    assert text == ServerSettings(filter_words=("x2",)).masked(text)
    hiding = ServerSettings(
        hides_invites=True, filter_words=("ugly",), filter_action=FilterAction.REFUSE
    )
    assert "ugly: " + MASK * 14 == hiding.masked(text)
    both = ServerSettings(hides_invites=True, filter_words=("ugly",))
    assert f"{MASK * 4}: {MASK * 14}" == both.masked(text)
