"""The job record: what is stored can be read, and what can't be read is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.jobs import Job, JobKind, UnknownVersionError
from bot.core.sampling import MAX_SEED, SamplingParams
from tests.factories import make_job

# What the first program wrote and read; it refuses a record with any other field.
FIRST_FIELDS = {
    "v", "id", "tenant", "user_id", "prompt", "max_new_tokens", "sampling", "reply",
    "created_at_s", "deadline_at_s", "cost",
}  # fmt: skip


@given(
    prompt=st.text(),
    pinned=st.text(),
    seed=st.integers(0, MAX_SEED),
    stop=st.lists(st.text(min_size=1)),
)
def test_record_survives_storage(prompt: str, pinned: str, seed: int, stop: list[str]):
    """Any prompt comes back as it was, pinned text, seed and stop strings too."""
    sampling = SamplingParams(seed=seed, stop=tuple(stop))
    job = make_job(prompt=prompt, pinned=pinned, sampling=sampling)

    assert job == Job.from_json(job.to_json())


def test_record_of_a_later_version_is_refused():
    """During a rolling upgrade an old worker must not misread a new record."""
    record = json.loads(make_job().to_json()) | {"v": 4}

    with pytest.raises(UnknownVersionError, match="version 4"):
        Job.from_json(json.dumps(record))


def test_record_that_the_first_program_can_obey_is_one_that_it_reads():
    """While old workers are still there, texts without anything pinned go to them, too."""
    record = json.loads(make_job().to_json())

    assert 1 == record["v"]
    assert FIRST_FIELDS == set(record)


def test_record_that_the_first_program_would_misread_is_not_its_own():
    """It would write without the pinned text; so it leaves the job to a newer worker."""
    record = json.loads(make_job(pinned="A fox called Reynard.").to_json())

    assert 2 == record["v"]
    assert "A fox called Reynard." == record["pinned"]


@pytest.mark.parametrize("new", [{"kind": JobKind.XRAY}, {"candidates": 2}])
def test_record_of_a_new_kind_of_work_is_left_to_newer_programs(new: dict[str, Any]):
    """An older one would write one text where something else was asked for."""
    job = make_job(**new)

    assert 3 == json.loads(job.to_json())["v"]
    assert job == Job.from_json(job.to_json())


def test_background_job_is_one_that_older_programs_read():
    """They may ignore in which class it waited; only the queue goes by that."""
    job = make_job(is_background=True)
    record = json.loads(job.to_json())

    assert (1, True) == (record["v"], record["is_background"])
    assert job == Job.from_json(job.to_json())


def test_record_of_the_first_program_pins_nothing():
    """What was put before an upgrade is read after it."""
    record = json.loads(make_job().to_json())

    assert make_job(pinned="") == Job.from_json(json.dumps(record))


def test_unknown_field_of_a_known_version_is_read_over():
    """The next program may add what this one may ignore, without a new version."""
    record = json.loads(make_job().to_json()) | {"mood": "merry"}

    assert make_job() == Job.from_json(json.dumps(record))


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
