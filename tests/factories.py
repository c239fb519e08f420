"""Ready-made objects for tests; each argument that matters to a test is named there."""

from dataclasses import replace
from typing import Any

from bot.core.jobs import JOB_LIFETIME_S, Job, ReplyTarget
from bot.core.sampling import SamplingParams


def make_job(job_id: str = "1", **changes: Any) -> Job:
    """A valid job; `changes` replace its fields."""
    job = Job(
        id=job_id,
        tenant="g10",
        user_id=100,
        prompt="Once upon a time",
        max_new_tokens=20,
        sampling=SamplingParams(seed=7),
        reply=ReplyTarget(application_id=1, interaction_token="token", channel_id=2, guild_id=10),
        created_at_s=1_000.0,
        deadline_at_s=1_000.0 + JOB_LIFETIME_S,
        cost=24,
    )
    return replace(job, **changes)
