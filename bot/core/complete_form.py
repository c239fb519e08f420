"""`/complete` without a prompt opens a form; what the other options said goes along in its id.

Used by the cogs. A form's id has room for 100 characters and comes back with what was typed, so
that nothing has to be kept meanwhile, and a restart loses nothing.
"""

import re
from dataclasses import dataclass, fields
from typing import Any

FORM_TEMPLATE = r"bardling:form:(?P<packed>[^:]{0,80})"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_NUMBER = re.compile(r"[0-9a-z]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class FormOptions:
    """The options of `/complete` that fit into an id; None = not given.

    The model's name may be as long as the id itself, so it is a field of the form.
    """

    length: int | None = None
    preset: str | None = None
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    seed: int | None = None
    candidates: int | None = None


def form_id(options: FormOptions) -> str:
    """The id of a form; matches `FORM_TEMPLATE`, at most 100 characters."""
    values = (getattr(options, one.name) for one in fields(FormOptions))
    return "bardling:form:" + ",".join(map(_packed, values))


def form_options(packed: str) -> FormOptions:
    """Reads the group `packed` of an id.

    Raises:
        ValueError: this program has written no such id.
    """
    parts = packed.split(",")
    names = [one.name for one in fields(FormOptions)]
    if len(parts) != len(names):
        raise ValueError("a form of another version")
    given: dict[str, Any] = {
        name: _unpacked(name, part) for name, part in zip(names, parts, strict=True) if part
    }
    return FormOptions(**given)


def _packed(value: float | str | None) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return _base36(value)
    return value if isinstance(value, str) else repr(value)


def _unpacked(name: str, part: str) -> float | str:
    if name == "preset":
        return part
    if name in {"temperature", "top_p"}:
        return float(part)
    if not _NUMBER.fullmatch(part):
        raise ValueError("no number")
    return int(part, 36)


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"
