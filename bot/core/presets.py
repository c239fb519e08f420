"""Named ways of drawing, for people who don't want to know about temperatures.

The `/complete` command offers them; `services` makes sampling parameters of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.core.sampling import SamplingParams
from bot.language import listed, tr


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One way of drawing.

    Attributes:
        name: what a person chooses.
        line: what it is good for, in a few words (a Discord choice has room for 100 characters).
        fields: of `SamplingParams`; the others keep their defaults.
    """

    name: str
    line: str
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def is_age_restricted(self) -> bool:
        """Whether it may be used in age-restricted channels only: see `needs_age_restriction`."""
        return bool(self.fields.get("openai_semantics"))


def needs_age_restriction(sampling: SamplingParams) -> bool:
    """Whether a text may be drawn so in age-restricted channels only.

    What draws as OpenAI's script leaves nothing out, however unlikely, and runs on into texts that
    nobody asked for.
    """
    return sampling.openai_semantics


_ALL = (
    Preset(
        name="paper",
        line="as in the GPT-2 paper: the 40 likeliest tokens, no penalties",
        fields={"temperature": 1.0, "top_k": 40, "repetition_penalty": 1.0},
    ),
    Preset(
        name="story",
        line="for tales: many words to choose from, no loops, whole sentences",
        fields={
            "temperature": 0.9,
            "top_k": 0,
            "top_p": 0.95,
            "repetition_penalty": 1.1,
            "repetition_window": 128,
            "guard_loops": True,
            "end_at_sentence": True,
        },
    ),
    Preset(
        name="focused",
        line="for lists and plain prose: keeps to likely words",
        fields={
            "temperature": 0.4,
            "top_k": 40,
            "repetition_penalty": 1.15,
            "repetition_window": 128,
            "guard_loops": True,
            "end_at_sentence": True,
        },
    ),
    Preset(
        name="wild",
        line="for surprises: hot, but without the most unlikely words",
        fields={"temperature": 1.3, "top_k": 0, "min_p": 0.05, "guard_loops": True},
    ),
    Preset(
        name="openai",
        line="exactly as OpenAI's own script: anything goes, also past the end of a text",
        fields={
            "temperature": 1.0,
            "top_k": 0,
            "top_p": 1.0,
            "repetition_penalty": 1.0,
            "openai_semantics": True,
        },
    ),
)
PRESETS: Mapping[str, Preset] = {preset.name: preset for preset in _ALL}

# Without a preset: the defaults of `SamplingParams`, made presentable.
_NO_PRESET = Preset(name="", line="", fields={"guard_loops": True, "end_at_sentence": True})


def sampling_of(preset: str | None, given: Mapping[str, Any]) -> SamplingParams:
    """The parameters of a preset, or the usual ones for None; what is given overrides them.

    Raises:
        ValueError: there is no such preset, or a value is out of its bounds.
    """
    chosen = _NO_PRESET if preset is None else PRESETS.get(preset)
    if chosen is None:
        raise ValueError(tr("preset must be one of {names}", names=listed(PRESETS)))
    return SamplingParams(**{**chosen.fields, **given})
