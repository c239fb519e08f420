"""The buttons under a reply, as Discord's component JSON, and what their ids mean.

The worker attaches them by REST; the bot process catches the clicks. A button's whole state is
in its `custom_id`, so that it works after a restart of either.
Component JSON: https://discord.com/developers/docs/components/reference
"""

from typing import Any

from bot.language import tr

STOP_TEMPLATE = r"bardling:stop:(?P<job_id>[0-9]{1,20})"

_ACTION_ROW = 1
_BUTTON = 2
_SECONDARY = 2


def stop_custom_id(job_id: str) -> str:
    """The id of the Stop button of a job; matches `STOP_TEMPLATE`."""
    return f"bardling:stop:{job_id}"


def stop_row(job_id: str) -> list[dict[str, Any]]:
    """A message's components while its job can be stopped: one row with the Stop button."""
    button = {
        "type": _BUTTON,
        "style": _SECONDARY,
        "label": tr("Stop"),
        "emoji": {"name": "⏹️"},
        "custom_id": stop_custom_id(job_id),
    }
    return [{"type": _ACTION_ROW, "components": [button]}]
