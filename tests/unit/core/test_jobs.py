"""The job record: what is stored can be read, and what can't be read is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.jobs import Job, tenant_of
from bot.core.sampling import MAX_SEED, SamplingParams
from tests.factories import make_job


@given(prompt=st.text(), seed=st.integers(0, MAX_SEED), stop=st.lists(st.text(min_size=1)))
def test_record_survives_storage(prompt: str, seed: int, stop: list[str]):
    """Any prompt comes back as it was, seed and stop strings too."""
    job = make_job(prompt=prompt, sampling=SamplingParams(seed=seed, stop=tuple(stop)))

    assert job == Job.from_json(job.to_json())


def test_record_of_a_later_version_is_refused():
    """During a rolling upgrade an old worker must not misread a new record."""
    record = json.loads(make_job().to_json()) | {"v": 2}

    with pytest.raises(ValueError, match="version 2"):
        Job.from_json(json.dumps(record))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"v":1}', "null", '{"v":1,"sampling":3}'])
def test_damaged_record_is_a_value_error(text: str):
    """The queue turns this into a dead letter; nothing else may escape."""
    with pytest.raises(ValueError):  # json's and ours: both are ValueErrors
        Job.from_json(text)


@pytest.mark.parametrize(
    "wrong",
    [{"temperature": -0.1}, {"top_p": 1.01}, {"top_k": -1}, {"seed": 2**53}, {"stop": ("",)}],
)
def test_sampling_out_of_bounds_is_refused(wrong: dict[str, object]):
    """An engine never sees a parameter it can't obey."""
    with pytest.raises(ValueError, match="must"):
        SamplingParams(**wrong)  # pyright: ignore[reportArgumentType]


def test_cost_is_charged_to_the_server_or_the_user():
    """Servers share fairly; in direct messages each user is one of their own."""
    assert ("g5", "u7") == (tenant_of(5, 7), tenant_of(None, 7))
