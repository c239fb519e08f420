"""A model's turn in a story as a job for the queue. Used by `stories`; pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bot.core.jobs import JOB_LIFETIME_S, Job, JobKind
from bot.core.presets import PRESETS, needs_age_restriction, sampling_of
from bot.core.sampling import MAX_SEED, SamplingParams
from bot.core.text_request import estimated_cost
from bot.errors import NotHereError, OptionError, StoryError
from bot.language import listed, slash, tr
from bot.services.outputs import Click
from bot.services.story_tools import Prompted
from bot.stories.moves import Near, Wanted
from bot.stories.passages import Passage
from bot.stories.show import lead_text
from bot.stories.story import Story
from bot.stories.weaknesses import stop_strings

STORY_PRESET = "story"
_SEEDS = 64  # options and further tries have the seeds after the first one


@dataclass(frozen=True, slots=True)
class Turn:
    """A story whose model is to write.

    Attributes:
        story: it is `pending`.
        near: its newest passages.
        lead: players' words that the same message shows.
    """

    story: Story
    near: Near
    lead: tuple[Passage, ...] = ()


def story_job(
    turn: Turn,
    wanted: Wanted,
    click: Click,
    build: Callable[[Story, Sequence[Passage], Sequence[Passage]], Prompted],
    *,
    preset: str | None,
    now_s: float,
    seed: int,
) -> Job:
    """The job that writes a turn.

    Args:
        turn: the story.
        wanted: what it is to write.
        click: who asked, and which reply is written to.
        build: makes the prompt.
        preset: the server's choice, for a story that has none of its own.
        now_s: Unix time.
        seed: at random.

    Raises:
        StoryError: there is nothing to go on from.
        NotHereError: the story's way of drawing belongs into an age-restricted channel.
    """
    story = turn.story
    path = turn.near.path(wanted.parent)
    if not path:
        raise StoryError(tr("The story has no words yet; somebody has to write the first ones."))
    built = build(story, path, turn.lead)
    assert story.pending is not None
    task = replace(built.task, lead=lead_text(story, turn.lead))
    return Job(
        id=story.pending.job_id,
        tenant=click.asker.tenant,
        user_id=click.asker.user_id,
        prompt=built.prompt,
        pinned=built.pinned,
        max_new_tokens=story.length,
        sampling=_sampling(story, preset, seed, is_age_restricted=click.is_age_restricted),
        reply=click.reply,
        created_at_s=now_s,
        deadline_at_s=now_s + JOB_LIFETIME_S,
        cost=estimated_cost(built.pinned + built.prompt, story.length * wanted.n_options),
        kind=JobKind.STORY,
        candidates=wanted.n_options,
        task=task.to_json(),
    )


def check_preset(preset: str, *, is_age_restricted: bool) -> None:
    """Whether a story may be drawn so here.

    Raises:
        OptionError: there is no such preset.
        NotHereError: it belongs into age-restricted channels.
    """
    if preset not in PRESETS:
        raise OptionError(
            tr("There is no such preset; choose one of {names}.", names=listed(PRESETS))
        )
    if PRESETS[preset].is_age_restricted and not is_age_restricted:
        raise NotHereError(_age_restricted())


def _sampling(
    story: Story, preset: str | None, seed: int, *, is_age_restricted: bool
) -> SamplingParams:
    """Sentences are ended, loops too, and neither a turn's mark nor a player's name is written."""
    chosen = story.preset or preset or STORY_PRESET
    if chosen not in PRESETS:  # of a program of another version
        chosen = STORY_PRESET
    if not story.preset and PRESETS[chosen].is_age_restricted and not is_age_restricted:
        chosen = STORY_PRESET
    sampling = sampling_of(
        chosen,
        {
            "seed": seed % (MAX_SEED + 1 - _SEEDS),
            "stop": stop_strings(story.mode, [one.name for one in story.players]),
            "end_at_sentence": True,
            "guard_loops": True,
        },
    )
    if needs_age_restriction(sampling) and not is_age_restricted:
        raise NotHereError(_age_restricted())
    return sampling


def _age_restricted() -> str:
    return tr(
        "This way of drawing leaves nothing out, so it works in age-restricted channels only; "
        "choose another preset with {command}.",
        command=slash("story settings"),
    )
