"""Forms (Discord's modals) that work after a restart: their whole state is in their id.

Not an extension. discord.py forgets its forms when it ends, so the cogs hear of answers as plain
interactions and read them here.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import discord

from bot.core.markdown import length

_Interaction = discord.Interaction[discord.Client]
_MAX_LABEL, _MAX_DESCRIPTION = 45, 100  # Discord's; a title is as long as a label


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of a form.

    Attributes:
        id: names its value in the answer.
        label: above it; what is beyond 45 characters is cut.
        value: what it shows at first.
        description: below the label, cut after 100 characters; or "".
        is_long: whether it has several lines.
        is_required: whether it must not be empty.
        max_length: of its value, at most 4,000.
    """

    id: str
    label: str
    value: str = ""
    description: str = ""
    is_long: bool = False
    is_required: bool = False
    max_length: int = 4000


@dataclass(frozen=True, slots=True)
class FormAnswer:
    """What somebody sent.

    Attributes:
        id: the form's id, matched.
        values: by the fields' ids.
    """

    id: re.Match[str]
    values: Mapping[str, str]


async def show_form(
    interaction: _Interaction, title: str, custom_id: str, fields: Sequence[Field]
) -> None:
    """Answers with a form.

    Args:
        interaction: a command or a click that nothing has answered yet.
        title: what is beyond 45 characters is cut.
        custom_id: at most 100 characters; `form_answer` gets it back.
        fields: one to five.
    """
    form = discord.ui.Modal(title=_short(title, _MAX_LABEL), custom_id=custom_id)
    for field in fields:
        style = discord.TextStyle.paragraph if field.is_long else discord.TextStyle.short
        entry = discord.ui.TextInput[discord.ui.Modal](
            custom_id=field.id,
            style=style,
            default=field.value or None,
            required=field.is_required,
            max_length=field.max_length,
        )
        form.add_item(
            discord.ui.Label(
                text=_short(field.label, _MAX_LABEL),
                description=_short(field.description, _MAX_DESCRIPTION) or None,
                component=entry,
            )
        )
    form.stop()  # else discord.py would keep it until its end
    await interaction.response.send_modal(form)


def _short(text: str, most: int) -> str:
    """A translation may be longer than there is room for."""
    if length(text) <= most:
        return text
    while length(text) >= most:
        text = text[:-1]
    return text.rstrip() + "…"


def form_answer(interaction: _Interaction, template: str) -> FormAnswer | None:
    """The answer to a form whose id matches a template; None where it is something else."""
    if interaction.type is not discord.InteractionType.modal_submit:
        return None
    data = cast("dict[str, Any]", interaction.data or {})
    match = re.fullmatch(template, str(data.get("custom_id", "")))
    if match is None:
        return None
    return FormAnswer(match, dict(_values(data.get("components", []))))


def _values(components: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Ids and values, however the components are nested."""
    for component in components:
        if "value" in component and "custom_id" in component:
            yield component["custom_id"], str(component["value"] or "")
        inner = component.get("component")
        yield from _values([*component.get("components", []), *([inner] if inner else [])])
