"""What the cogs may ask for, on the memory queue."""

import pytest

from bot.core.asker import Asker
from bot.core.jobs import JobState, ReplyTarget
from bot.core.sampling import SamplingParams
from bot.core.text_request import CompletionRequest
from bot.errors import OptionError, PromptError
from bot.jobqueue.memory_queue import MemoryQueue
from bot.services.texts import StopResult, TextService
from tests.memory_services import memory_services

NOW_S = 5_000.0


def make_request(interaction_id: int = 1, **changes: object) -> CompletionRequest:
    """A request as `/complete` makes it."""
    values: dict[str, object] = {
        "interaction_id": interaction_id,
        "asker": Asker(user_id=100, guild_id=10, channel_id=2),
        "reply": ReplyTarget(application_id=1, interaction_token="t", channel_id=2, guild_id=10),
        "prompt": "Once upon a time",
        "max_new_tokens": 50,
    }
    return CompletionRequest(**(values | changes))  # pyright: ignore[reportArgumentType]


def make_services() -> tuple[TextService, MemoryQueue]:
    """Services over a memory queue with a clock that stands still."""
    queue = MemoryQueue(clock=lambda: NOW_S)
    return memory_services(queue, lambda: NOW_S).texts, queue


def test_given_options_reach_the_job_and_others_get_defaults():
    """A seed of one's own is kept, a missing one is drawn; zero counts as given."""
    services, _ = make_services()

    drawn = services.prepare(make_request())
    given = services.prepare(make_request(seed=0, temperature=0.0, top_k=0, top_p=0.5))

    assert 42 == drawn.sampling.seed
    assert (0, 0.0, 0, 0.5) == (
        given.sampling.seed,
        given.sampling.temperature,
        given.sampling.top_k,
        given.sampling.top_p,
    )


def test_without_preset_a_text_ends_well():
    """The usual way of drawing, without loops and half sentences."""
    sampling = make_services()[0].prepare(make_request()).sampling

    assert SamplingParams(seed=42, guard_loops=True, end_at_sentence=True) == sampling


def test_job_ends_before_its_interaction_does():
    """The last edit must arrive while the interaction token still works (15 minutes)."""
    job = make_services()[0].prepare(make_request())

    assert NOW_S == job.created_at_s
    assert 0 < job.deadline_at_s - NOW_S < 15 * 60


def test_empty_prompt_is_refused_before_anything_is_stored():
    """The asker gets a sentence at once."""
    with pytest.raises(PromptError):
        make_services()[0].prepare(make_request(prompt=" \n\t "))


async def test_only_the_asker_or_a_moderator_stops():
    """Others are told so, and nothing happens to the job."""
    services, queue = make_services()
    await services.ask(make_request(1))

    assert StopResult.NOT_YOURS is await services.stop("1", user_id=5, is_moderator=False)
    assert JobState.QUEUED is await queue.state("1")
    assert StopResult.BEFORE_START is await services.stop("1", user_id=5, is_moderator=True)
    assert StopResult.NOTHING is await services.stop("1", user_id=100, is_moderator=False)
    assert StopResult.NOTHING is await services.stop("9", user_id=100, is_moderator=False)


async def test_running_job_is_stopped_by_its_worker():
    """The bot process tells the queue; the text that exists is the worker's to show."""
    services, queue = make_services()
    await services.ask(make_request(1))
    await queue.claim("w", 1, 0)

    assert StopResult.TOLD_WORKER is await services.stop("1", user_id=100, is_moderator=False)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"temperature": 2.5}, "temperature must be from 0 to 2"),
        ({"top_k": -1}, "top_k must be from 0 to 1,000"),
        ({"preset": "boring"}, "preset must be one of paper, story"),
        ({"max_new_tokens": 501}, "length must be from 1 to 500"),
        ({"max_new_tokens": 0}, "length must be from 1 to 500"),
    ],
)
def test_option_out_of_bounds_is_a_sentence(changes: dict[str, object], named: str):
    """Discord checks bounds of the command as it was last registered, which may be an older one."""
    services, _ = make_services()
    with pytest.raises(OptionError, match=named):
        services.prepare(make_request(**changes))
