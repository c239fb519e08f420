"""What goes along in a form's id, and what comes back from the Edit form."""

import contextlib
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.complete_form import FORM_TEMPLATE, FormOptions, form_id, form_options
from bot.core.edit_form import (
    EDIT_TEMPLATE,
    LENGTH,
    MAX_FIELD,
    PRESET,
    PROMPT,
    SEED,
    SETTINGS,
    edit_id,
    prefilled,
    read,
)
from bot.core.jobs import MAX_CANDIDATES, MAX_NEW_TOKENS
from bot.core.markdown import length
from bot.core.outputs import Output
from bot.core.presets import PRESETS
from bot.core.receipts import code_of
from bot.core.sampling import MAX_SEED, MAX_TOP_K, SamplingParams
from bot.errors import OptionError

MAX_ID = 100  # Discord's
TEMPERATURES = st.floats(0, 2)
SHARES = st.floats(0, 1)
TOP_KS = st.integers(0, MAX_TOP_K)
SEEDS = st.integers(0, MAX_SEED)
LENGTHS = st.integers(1, MAX_NEW_TOKENS)
OPTIONS = st.builds(
    FormOptions,
    length=st.none() | LENGTHS,
    preset=st.none() | st.sampled_from([*PRESETS]),
    temperature=st.none() | TEMPERATURES,
    top_k=st.none() | TOP_KS,
    top_p=st.none() | SHARES,
    seed=st.none() | SEEDS,
    candidates=st.none() | st.integers(1, MAX_CANDIDATES),
)
SAMPLINGS = st.builds(
    SamplingParams,
    temperature=TEMPERATURES,
    top_k=TOP_KS,
    top_p=SHARES,
    min_p=SHARES,
    seed=SEEDS,
    guard_loops=st.booleans(),
    openai_semantics=st.booleans(),
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.text("a🦊\n", max_size=20).map(
    lambda text: text * 500
)


def output(**changes: Any) -> Output:
    """A finished text."""
    values: dict[str, Any] = {
        "code": code_of("1"), "root": "1" * 20, "job_id": "1", "prompt": "Once", "text": " upon",
        "n_prompt_tokens": 1, "n_tokens": 1, "end": "length", "max_new_tokens": 33,
        "sampling": SamplingParams(temperature=0.7, seed=5, guard_loops=True), "model": "small",
        "quantization": "q8", "engine": "wide", "is_repeatable": True, "user_id": 1,
        "guild_id": None, "channel_id": 2, "created_at_s": 5.0,
    }  # fmt: skip
    return Output(**(values | changes))


@given(OPTIONS)
def test_options_come_back_from_the_id(options: FormOptions):
    """Exactly, and Discord takes the id."""
    custom_id = form_id(options)

    assert len(custom_id) <= MAX_ID
    match = re.fullmatch(FORM_TEMPLATE, custom_id)
    assert match
    assert options == form_options(match["packed"])


@given(st.text(max_size=80))
def test_any_other_id_is_refused_or_read(packed: str):
    """Only ValueError is raised."""
    with contextlib.suppress(ValueError):
        form_options(packed)


@given(TEXTS, LENGTHS, SAMPLINGS)
def test_form_that_nobody_changes_changes_nothing(
    prompt: str, max_new_tokens: int, sampling: SamplingParams
):
    """Not even the last digit of a temperature, or what is before the end of a long prompt."""
    before = output(prompt=prompt, max_new_tokens=max_new_tokens, sampling=sampling)
    shown = prefilled(before)

    edited = read(before, shown)

    assert (prompt, max_new_tokens, sampling) == (
        edited.prompt,
        edited.max_new_tokens,
        edited.sampling,
    )
    assert not edited.is_new_seed
    assert length(shown[PROMPT]) <= MAX_FIELD
    assert len(shown[SETTINGS]) <= 200
    assert len(shown[SEED]) <= 16


@given(st.dictionaries(st.sampled_from([PROMPT, LENGTH, PRESET, SETTINGS, SEED]), st.text()))
def test_anything_typed_is_taken_or_a_sentence(values: dict[str, str]):
    """Nothing else is raised."""
    try:
        edited = read(output(), values)
    except OptionError as error:
        assert str(error).endswith(".")
    else:
        assert 1 <= edited.max_new_tokens <= MAX_NEW_TOKENS


def test_edited_end_of_a_long_prompt_keeps_its_beginning():
    """The form has no room for it."""
    before = output(prompt="a" * 10 + "b" * MAX_FIELD)

    assert "a" * 10 + "c" == read(before, prefilled(before) | {PROMPT: "c"}).prompt


def test_cleared_seed_is_a_new_one():
    """The rest stays."""
    edited = read(output(), prefilled(output()) | {SEED: " "})

    assert edited.is_new_seed
    assert output().sampling == edited.sampling


def test_settings_override_what_was_there():
    """Written in several ways; what is hidden stays."""
    edited = read(output(), {SETTINGS: "Temperature=1.5\n top_k: 7; top_p 0.25", SEED: "9"})

    assert replace(output().sampling, temperature=1.5, top_k=7, top_p=0.25, seed=9) == (
        edited.sampling
    )


def test_preset_takes_the_place_of_unchanged_settings():
    """What was changed in the same form overrides it."""
    shown = prefilled(output())
    plain = read(output(), shown | {PRESET: "Focused "}).sampling
    both = read(output(), shown | {PRESET: "focused", SETTINGS: "temperature 1.5"}).sampling

    assert (0.4, 40, 5, 1.15) == (
        plain.temperature, plain.top_k, plain.seed, plain.repetition_penalty,
    )  # fmt: skip
    assert (1.5, 40) == (both.temperature, both.top_k)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({LENGTH: "0"}, "length must be from 1 to 500"),
        ({LENGTH: "501"}, "whole number up to 500"),
        ({LENGTH: "ten"}, "whole number up to 500"),
        ({SEED: "9" * 17}, "seed must be a whole number"),
        ({SEED: "-1"}, "seed must be a whole number"),
        ({SETTINGS: "temperature 3"}, "temperature must be from 0 to 2"),
        ({SETTINGS: "temperature nan"}, "temperature must be a number"),
        ({SETTINGS: "warmth 3"}, "I can't read these settings"),
        ({SETTINGS: "top_k 1.5"}, "top_k must be a whole number"),
        ({PRESET: "loud"}, "preset must be one of"),
    ],
)
def test_what_is_wrong_is_named(values: dict[str, str], words: str):
    """With its bounds."""
    with pytest.raises(OptionError, match=words):
        read(output(), prefilled(output()) | values)


def test_edit_id_fits():
    """And is found again."""
    custom_id = edit_id(output())

    assert len(custom_id) <= MAX_ID
    match = re.fullmatch(EDIT_TEMPLATE, custom_id)
    assert match
    assert (output().root, output().code) == (match["root"], match["code"])
