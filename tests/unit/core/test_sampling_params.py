"""Sampling parameters: their JSON form and their bounds."""

import json
import re

import pytest

from bot.core.sampling import SamplingParams

EVERYTHING = SamplingParams(
    temperature=1.5,
    top_k=3,
    top_p=0.5,
    min_p=0.1,
    typical_p=0.9,
    repetition_penalty=1.3,
    repetition_window=9,
    no_repeat_ngram=4,
    logit_bias=((5, -100.0), (6, 2.5)),
    banned_words=("cat", "dog"),
    banned_tokens=((1, 2), (3,)),
    seed=8,
    stop=("END",),
    openai_semantics=True,
    end_at_sentence=True,
    guard_loops=True,
    logprobs=True,
)


@pytest.mark.parametrize("params", [SamplingParams(), EVERYTHING], ids=["defaults", "everything"])
def test_json_form_comes_back_as_it_was(params: SamplingParams):
    """Tuples travel as lists; keys of a later version are ignored."""
    data = params.to_dict()

    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert params == SamplingParams.from_dict(data | {"of_the_future": 1})


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"min_p": 1.1}, "min_p must be from 0 to 1"),
        ({"typical_p": -0.1}, "typical_p must be from 0 to 1"),
        ({"temperature": float("nan")}, "temperature must be from 0 to 2"),
        ({"no_repeat_ngram": 1}, "no_repeat_ngram must be 0 or from 2 to 10"),
        ({"no_repeat_ngram": 11}, "no_repeat_ngram must be 0 or from 2 to 10"),
        ({"logit_bias": ((1, 101.0),)}, "a logit_bias must be from -100 to 100"),
        ({"logit_bias": ((1, float("nan")),)}, "a logit_bias must be from -100 to 100"),
        ({"logit_bias": ((1, 1.0), (1, 2.0))}, "logit_bias must name each token once"),
        ({"logit_bias": ((-1, 1.0),)}, "a token's id must be from 0"),
        ({"banned_tokens": ((1, -2),)}, "a token's id must be from 0"),
        ({"banned_tokens": ((),)}, "a sequence of banned_tokens must not be empty"),
        ({"banned_words": ("",)}, "a stop string or a banned word must not be empty"),
        ({"banned_words": ("a",) * 4097}, "banned_words must not have more than 4,096 entries"),
    ],
)
def test_out_of_bounds_is_a_sentence(wrong: dict[str, object], sentence: str):
    """Naming the parameter."""
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        SamplingParams(**wrong)  # pyright: ignore[reportArgumentType]
