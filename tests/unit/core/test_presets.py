"""Named ways of drawing."""

import pytest

from bot.core.presets import PRESETS, sampling_of
from bot.core.sampling import SamplingParams


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_makes_parameters(name: str):
    """Under its own name, with bounds kept."""
    assert name == PRESETS[name].name
    assert 7 == sampling_of(name, {"seed": 7}).seed


def test_openai_is_the_scripts_defaults():
    """`interactive_conditional_samples.py` of openai/gpt-2: T 1, top_k 0, top_p 1."""
    found = sampling_of("openai", {})
    assert found.openai_semantics
    assert (1.0, 0, 1.0, 1.0) == (
        found.temperature,
        found.top_k,
        found.top_p,
        found.repetition_penalty,
    )


def test_what_is_given_overrides_the_preset():
    """Zero counts as given."""
    assert SamplingParams(temperature=0.0, top_k=40, repetition_penalty=1.0, seed=3) == sampling_of(
        "paper", {"temperature": 0.0, "seed": 3}
    )


def test_unknown_preset_is_refused():
    """The sentence names those there are."""
    with pytest.raises(ValueError, match="preset must be one of paper, story"):
        sampling_of("boring", {})
