"""The form behind the Edit button: what it shows of a text, and what comes back.

Used by services and cogs. What nobody changes in the form stays exactly as it was.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.core.jobs import MAX_NEW_TOKENS
from bot.core.markdown import length
from bot.core.outputs import Output
from bot.core.presets import PRESETS, sampling_of
from bot.core.sampling import MAX_SEED, SamplingParams
from bot.errors import OptionError
from bot.language import listed, number, option, tr

EDIT_TEMPLATE = r"bardling:edit:(?P<root>[0-9]{1,20}):(?P<code>[0-9A-Z]{1,20})"
MAX_FIELD = 4000  # what a field of a form takes, in UTF-16 units

PROMPT, LENGTH, PRESET, SETTINGS, SEED = "prompt", "length", "preset", "settings", "seed"
_SHOWN = ("temperature", "top_k", "top_p")
_PAIR = re.compile(r"\s*(?P<name>[a-z_]+)\s*[=: ]\s*(?P<value>[^\s,;]+)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """What a text is to be made of.

    Attributes:
        prompt: all of it, not cleaned.
        max_new_tokens: 1 to `MAX_NEW_TOKENS`.
        sampling: with the old seed where `is_new_seed`.
        is_new_seed: whether a seed is to be drawn.
    """

    prompt: str
    max_new_tokens: int
    sampling: SamplingParams
    is_new_seed: bool


def edit_id(output: Output) -> str:
    """The form's id; matches `EDIT_TEMPLATE`."""
    return f"bardling:edit:{output.root}:{output.code}"


def shown_prompt(prompt: str) -> str:
    """The end of the prompt, as much as a field takes; what is before it stays as it is."""
    start = max(0, len(prompt) - MAX_FIELD)
    while length(prompt[start:]) > MAX_FIELD:
        start += 1
    return prompt[start:]


def prefilled(output: Output) -> dict[str, str]:
    """What each field shows at first."""
    sampling = output.sampling
    return {
        PROMPT: shown_prompt(output.prompt),
        LENGTH: str(output.max_new_tokens),
        PRESET: "",
        SETTINGS: ", ".join(f"{name} {_number(getattr(sampling, name))}" for name in _SHOWN),
        SEED: str(sampling.seed),
    }


def read(output: Output, values: Mapping[str, str]) -> Edited:
    """What somebody made of the form.

    A preset takes the place of all settings but those that were changed in the same form.

    Raises:
        OptionError: something can't be understood or is out of its bounds.
    """
    hidden = output.prompt.removesuffix(shown_prompt(output.prompt)) if output.prompt else ""
    given = _settings(values.get(SETTINGS, ""))
    preset = values.get(PRESET, "").strip().casefold() or None
    seed_text = values.get(SEED, "").strip()
    seed = _whole(seed_text, option("seed"), MAX_SEED) if seed_text else output.sampling.seed
    changed = {name: value for name, value in given.items() if _differs(output, name, value)}
    try:
        if preset is None:
            sampling = replace(output.sampling, **changed, seed=seed)
        else:
            sampling = sampling_of(preset, {**changed, "seed": seed})
    except ValueError as error:
        raise OptionError(tr("This can't be done: {reason}.", reason=error)) from error
    return Edited(
        prompt=hidden + values.get(PROMPT, ""),
        max_new_tokens=_length(values.get(LENGTH, ""), output.max_new_tokens),
        sampling=sampling,
        is_new_seed=not seed_text,
    )


def preset_names() -> str:
    """For the form's description."""
    return listed(PRESETS)


def _differs(output: Output, name: str, value: float) -> bool:
    return getattr(output.sampling, name) != value


def _settings(text: str) -> dict[str, float]:
    """Pairs such as "temperature 0.9", between commas or line breaks."""
    found: dict[str, float] = {}
    for part in re.split(r"[,;\n]", text):
        if not part.strip():
            continue
        match = _PAIR.fullmatch(part)
        name = match["name"].casefold() if match else ""
        if match is None or name not in _SHOWN:
            raise OptionError(
                tr(
                    "I can't read these settings; write them like this: {example}.",
                    example="temperature 0.9, top_k 40, top_p 1",
                )
            )
        found[name] = _setting(name, match["value"])
    return found


def _setting(name: str, text: str) -> float:
    if name == "top_k":
        return _whole(text, name, None)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise OptionError(
            tr(
                "This can't be done: {name} must be a number, such as {example}.",
                name=name,
                example="0.9",
            )
        )
    return value


def _length(text: str, usual: int) -> int:
    if not text.strip():
        return usual
    found = _whole(text.strip(), option("length"), MAX_NEW_TOKENS)
    if found < 1:
        raise OptionError(
            tr(
                "This can't be done: {name} must be from 1 to {most}.",
                name=option("length"),
                most=number(MAX_NEW_TOKENS),
            )
        )
    return found


def _whole(text: str, name: str, most: int | None) -> int:
    is_number = re.fullmatch(r"[0-9]{1,16}", text) is not None
    if not is_number and most is None:
        raise OptionError(tr("This can't be done: {name} must be a whole number.", name=name))
    if most is not None and (not is_number or int(text) > most):
        raise OptionError(
            tr(
                "This can't be done: {name} must be a whole number up to {most}.",
                name=name,
                most=number(most),
            )
        )
    return int(text)


def _number(value: float) -> str:
    return repr(value).removesuffix(".0")
