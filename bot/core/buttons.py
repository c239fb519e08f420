"""The buttons under a reply, as Discord's component JSON, and what their ids mean.

The worker attaches them by REST; the bot process catches the clicks. A button's whole state is
in its `custom_id`, so that it works after a restart of either.
Component JSON: https://discord.com/developers/docs/components/reference
"""

import json
import re
from enum import StrEnum
from typing import Any

from bot.language import mark, tr

Rows = list[dict[str, Any]]

STOP_TEMPLATE = r"bardling:stop:(?P<job_id>[0-9]{1,20})"
XRAY_TEXT_TEMPLATE = r"bardling:xraytext:(?P<xray_id>[0-9]{1,20})"

_PREFIX = "bardling:"
_LAST = 99  # beyond any version
_MAX_LABEL = 80  # of a button
_ACTION_ROW = 1
_BUTTON = 2
_PRIMARY = 1
_SECONDARY = 2


class Action(StrEnum):
    """What a button under a finished text does; each name is part of a `custom_id`."""

    CONTINUE = "continue"  # a new reply goes on with the text
    RETRY = "retry"  # a new version, with another seed
    EDIT = "edit"  # a new version, after a modal with prompt and settings
    XRAY = "xray"  # how likely the model found it
    REPORT = "report"  # tells the server's moderators, and the host
    PAGE = "page"  # shows the version of this index
    KEEP = "keep"  # picks this candidate; the others go


# `index` is the version that the message shows, or for PAGE the one to show; from 0.
# What may follow keeps two buttons apart that lead to the same version.
OUTPUT_TEMPLATE = (
    rf"bardling:(?P<action>{'|'.join(Action)})"
    r":(?P<root>[0-9]{1,20}):(?P<index>[0-9]{1,2})(:[bf])?"
)


def output_custom_id(action: Action, root: str, index: int) -> str:
    """The id of a button under a finished text; matches `OUTPUT_TEMPLATE`."""
    return f"bardling:{action}:{root}:{index}"


def stop_custom_id(job_id: str) -> str:
    """The id of the Stop button of a job; matches `STOP_TEMPLATE`."""
    return f"bardling:stop:{job_id}"


def has_stop(components: object) -> bool:
    """Whether a message, by its components as Discord's JSON, waits or grows: it can be stopped."""
    return f"{_PREFIX}stop:" in json.dumps(components)


def stop_row(job_id: str) -> Rows:
    """A message's components while its job can be stopped: one row with the Stop button."""
    return [_row(_button(stop_custom_id(job_id), tr("Stop"), "⏹️"))]


def waiting_row(job_id: str, notice: str) -> Rows:
    """Goes under a text of which a new version waits in line: the Stop button, and the place.

    Args:
        job_id: of the version that waits.
        notice: what there is to say; its first line has room for 80 characters.
    """
    line = notice.partition("\n")[0]
    short = line if len(line) <= _MAX_LABEL else line[: _MAX_LABEL - 1] + "…"
    place = _button(f"bardling:waiting:{job_id}", short, None) | {"disabled": True}
    return [_row(_button(stop_custom_id(job_id), tr("Stop"), "⏹️"), place)]


def back_row(root: str) -> Rows:
    """Under a sentence that stands in place of a new version: back to the newest there is."""
    return [_row(_button(output_custom_id(Action.PAGE, root, _LAST), tr("Back to the text"), "↩️"))]


def without_stop(rows: Rows) -> Rows:
    """The rows without those that have a Stop button."""
    return _without(rows, f"{_PREFIX}stop:")


def without_pager(rows: Rows) -> Rows:
    """The rows without the one that turns pages: not while a new version is on its way."""
    return _without(rows, f"{_PREFIX}{Action.PAGE}:")


def _without(rows: Rows, prefix: str) -> Rows:
    return [
        row
        for row in rows
        if not any(one.get("custom_id", "").startswith(prefix) for one in row["components"])
    ]


def shown_version(rows: Rows) -> tuple[str, int] | None:
    """Which version of which reply a message shows, by its buttons: root and index; or None."""
    for row in rows:
        for one in row.get("components", ()):
            match = re.fullmatch(OUTPUT_TEMPLATE, one.get("custom_id", ""))
            if match and match["action"] != Action.PAGE:
                return match["root"], int(match["index"])
    return None


def xray_rows(xray_id: str) -> Rows:
    """A message's components once its X-ray is finished; the id matches `XRAY_TEXT_TEMPLATE`."""
    return [_row(_button(f"bardling:xraytext:{xray_id}", tr("As text"), "📝"))]


def finished_rows(root: str, index: int, count: int, *, is_choice: bool = False) -> Rows:
    """A message's components once its text is finished.

    Args:
        root: of the reply.
        index: of the version that is shown, from 0.
        count: how many versions there are.
        is_choice: whether it is one of several candidates, none of which is picked yet.
    """
    rows: Rows = []
    if count > 1:
        rows.append(_pager(root, index, count, is_choice=is_choice))
    if not is_choice:
        rows.append(
            _row(
                *(
                    _button(output_custom_id(action, root, index), tr(label), emoji)
                    for action, label, emoji in _ACTIONS
                )
            )
        )
    return rows


_ACTIONS = (
    (Action.CONTINUE, mark("Continue"), "▶️"),
    (Action.RETRY, mark("Retry"), "🔁"),
    (Action.EDIT, mark("Edit"), "✏️"),
    (Action.XRAY, mark("X-ray"), "🔬"),
    (Action.REPORT, mark("Report"), "🚩"),
)


def _pager(root: str, index: int, count: int, *, is_choice: bool) -> dict[str, Any]:
    """◀ 2/3 ▶: at both ends the button that leads nowhere can't be pressed."""
    before = _button(output_custom_id(Action.PAGE, root, max(index - 1, 0)), "", "◀️")
    after = _button(output_custom_id(Action.PAGE, root, min(index + 1, count - 1)), "", "▶️")
    # Discord wants ids that differ, also of buttons that can't be pressed.
    before |= {"disabled": index == 0, "custom_id": before["custom_id"] + ":b"}
    after |= {"disabled": index == count - 1, "custom_id": after["custom_id"] + ":f"}
    here = _button(f"bardling:here:{root}", f"{index + 1}/{count}", None) | {"disabled": True}
    buttons = [before, here, after]
    if is_choice:
        keep = output_custom_id(Action.KEEP, root, index)
        buttons.append(_button(keep, tr("Keep this one"), "✅") | {"style": _PRIMARY})
    return _row(*buttons)


def _button(custom_id: str, label: str, emoji: str | None) -> dict[str, Any]:
    button: dict[str, Any] = {"type": _BUTTON, "style": _SECONDARY, "custom_id": custom_id}
    if label:
        button["label"] = label
    if emoji:
        button["emoji"] = {"name": emoji}
    return button


def _row(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"type": _ACTION_ROW, "components": list(buttons)}
