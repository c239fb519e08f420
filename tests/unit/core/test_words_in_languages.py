"""What people read is translated whole: nothing of the English sentences is left in it."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Message

from bot.core import privacy
from bot.core.departures import departure
from bot.core.late_replies import late_lead
from bot.core.privacy import Holding
from bot.core.replay import Remade, replay_words
from bot.core.replies import Label, failure, stopped_in_line
from bot.core.report_words import log_notice, reports_shown
from bot.core.reports import Report
from bot.core.verdicts import Finding, verdict_words
from bot.core.xray import Colors, Expected, TokenScore, XrayReport, make_report
from bot.core.xray_words import alt_text, content, numbers, text_parts
from bot.language import speaking
from tests.catalogues import only_catalogues
from tests.contract.outputs_backends import make_output
from tools.messages import as_text, template

OUTPUT = make_output("0", text="1 2 3 4", model="", quantization="", engine="1")
REMADE = Remade(
    text="1 2 3 4",
    n_tokens=4,
    end="length",
    quantization="",
    weights="",
    engine="1",
    is_repeatable=True,
)
REPORT = Report(
    id="1",
    code="2",
    guild_id=3,
    place_id=4,
    channel_id=5,
    message_id=6,
    reporter_id=7,
    user_id=8,
    reason="9",
    prompt="10",
    text="11",
    at_s=12.0,
)
HOLDINGS = [Holding(what="", count=3, until_s=5.0), Holding(what="", count=2, stays=True)]
LABEL = Label(model="", quantization="", seed=7, receipt="0")


def _without_words(message: Message) -> str:
    """A translation that has nothing but the message's values in it."""
    form = message.id[1] if message.pluralizable else str(message.id)
    names = [name for _, name, _, _ in Formatter().parse(form) if name]
    return " ".join(f"{{{name}}}" for name in names) or "◆"


@pytest.fixture(autouse=True, scope="module")
def wordless(tmp_path_factory: pytest.TempPathFactory):
    """A language without words is spoken."""
    catalog = template()
    for message in catalog:
        if message.id:
            said = _without_words(message)
            message.string = (said, said) if message.pluralizable else said
    folder: Path = tmp_path_factory.mktemp("wordless")
    with only_catalogues(folder, de=as_text(catalog, "de")), speaking("de"):
        yield


def _xray() -> XrayReport:
    expected = (Expected(text="1", probability=0.001), Expected(text="2", probability=0.9))
    scores = [TokenScore(piece=b"1 ", bits=9, rank=rank, expected=expected) for rank in (5, 50)]
    return make_report([*scores, TokenScore(piece=b"2", bits=99, rank=5000)], n_left_out=9)


def _replay(text: str, **changes: str) -> str:
    return replay_words(OUTPUT, replace(REMADE, text=text, **changes))


def _verdict(finding: Finding, *, is_kept: bool) -> str:
    return verdict_words(finding, OUTPUT if is_kept else None, departure("1 2", "1"))


@pytest.mark.parametrize(
    "say",
    [
        lambda: content(_xray(), "", ["1"]),
        lambda: alt_text(_xray(), "", Colors.RANK),
        lambda: alt_text(_xray(), "", Colors.BITS),
        lambda: "".join(text_parts(_xray(), "", Colors.BITS)),
        lambda: numbers(_xray()),
        lambda: _replay("1 2 3 4"),
        lambda: _replay("1 2", end="stopped"),
        lambda: _replay("1 2"),
        lambda: _replay("1 2", quantization="8", engine="2"),
        *(
            lambda finding=finding, is_kept=is_kept: _verdict(finding, is_kept=is_kept)
            for finding in Finding
            for is_kept in (True, False)
        ),
        lambda: privacy.shown(HOLDINGS, 30, "//"),
        lambda: privacy.question(HOLDINGS),
        lambda: privacy.deleted(HOLDINGS, [3, 0]),
        lambda: late_lead(1).content,
        lambda: log_notice(REPORT, "3")[0],
        lambda: log_notice(replace(REPORT, reason=""), "3")[0],
        lambda: reports_shown([REPORT]),
        lambda: reports_shown([replace(REPORT, reason="", guild_id=None)]),
        lambda: reports_shown([]),
        LABEL.line,
        replace(LABEL, is_repeatable=False).line,
        lambda: stopped_in_line("1▌"),
        lambda: failure("", "1"),
    ],
)
def test_nothing_is_said_in_english_to_others(say: Callable[[], str]):
    """Links, and Discord's letters for times, are in no language."""
    said = re.sub(r"https://\S+|<t:\d+:[a-zA-Z]>", "", say())

    assert said
    assert not re.search(r"[A-Za-z]", said), said
