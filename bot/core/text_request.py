"""What a member asks for, and the job that it becomes. Made by the cogs, put by services.

Pure: the time and a random seed come in as arguments.
"""

from dataclasses import dataclass, replace

from bot.core.asker import Asker
from bot.core.jobs import JOB_LIFETIME_S, MAX_CANDIDATES, MAX_NEW_TOKENS, Job, ReplyTarget
from bot.core.presets import needs_age_restriction, sampling_of
from bot.core.prompts import (
    KEPT_CHARACTERS,
    MAX_PROMPT_CHARACTERS,
    clean_prompt,
    newest_characters,
)
from bot.core.sampling import MAX_SEED, SamplingParams
from bot.errors import NotHereError, OptionError
from bot.language import mark, number, option, speaking, tr

# A UTF-8 byte per quarter token: GPT-2 averages about four bytes a token in English. Queue and
# limits settle the difference with the real cost when the job ends.
_BYTES_PER_TOKEN = 4
_WINDOW_TOKENS = 1024  # no more of a prompt is read

_AGE_RESTRICTED = mark(
    "This way of drawing leaves nothing out, so it works in age-restricted channels only; choose "
    "another preset, or ask there."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionRequest:
    """What a member asked for, as the command's options say it; None = not given.

    Attributes:
        base: how an earlier text was drawn, which the other options override; then no preset is
            used, the server's neither.
        origin: code of that text, or "".
        root: of the reply that gets a new version, or "" for a new reply.
        prompt_limit: the most characters that the prompt may have.
        is_dream: whether there is no prompt: the model begins by itself.
        is_typed: whether the prompt was written for this request, so that it is filtered.
        is_age_restricted: whether the place is.
        language: of the line under the text.
    """

    interaction_id: int
    asker: Asker
    reply: ReplyTarget
    prompt: str
    max_new_tokens: int
    preset: str | None = None
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    seed: int | None = None
    model: str | None = None
    candidates: int = 1
    base: SamplingParams | None = None
    origin: str = ""
    root: str = ""
    language: str = "en"
    prompt_limit: int = MAX_PROMPT_CHARACTERS
    is_dream: bool = False
    is_typed: bool = True
    is_age_restricted: bool = False


def estimated_cost(read: str, max_new_tokens: int) -> int:
    """What a job is charged before it runs, in tokens.

    Args:
        read: all that the model reads first.
        max_new_tokens: how much it may write, all candidates together.
    """
    n_read = len(read.encode(errors="replace")) // _BYTES_PER_TOKEN + 1
    return min(n_read, _WINDOW_TOKENS) + max_new_tokens


def job_of(request: CompletionRequest, *, now_s: float, new_seed: int) -> Job:
    """Turns a request into a job.

    Args:
        request: what is asked for.
        now_s: Unix time.
        new_seed: at random, for a request that names none.

    Raises:
        PromptError: the prompt cannot be used.
        OptionError: an option is out of its bounds, which Discord checks only as long as it has
            the newest form of the command.
        NotHereError: what is asked for belongs into an age-restricted channel.
    """
    whole = "" if request.is_dream else clean_prompt(request.prompt, request.prompt_limit)
    prompt = newest_characters(whole)
    if not 1 <= request.max_new_tokens <= MAX_NEW_TOKENS:
        raise OptionError(_out_of_bounds("length", MAX_NEW_TOKENS))
    if not 1 <= request.candidates <= MAX_CANDIDATES:
        raise OptionError(_out_of_bounds("candidates", MAX_CANDIDATES))
    sampling = _sampling(request, new_seed)
    if needs_age_restriction(sampling) and not request.is_age_restricted:
        raise NotHereError(tr(_AGE_RESTRICTED))
    return Job(
        id=str(request.interaction_id),
        tenant=request.asker.tenant,
        user_id=request.asker.user_id,
        prompt=prompt,
        max_new_tokens=request.max_new_tokens,
        sampling=sampling,
        reply=request.reply,
        created_at_s=now_s,
        deadline_at_s=now_s + JOB_LIFETIME_S,
        cost=estimated_cost(prompt, request.max_new_tokens * request.candidates),
        notes=(_cut_note(request.language),) if len(prompt) < len(whole) else (),
        candidates=request.candidates,
        language=request.language,
        root=request.root,
        origin=request.origin,
    )


def _out_of_bounds(name: str, most: int) -> str:
    return tr(
        "This can't be done: {name} must be from 1 to {most}.",
        name=option(name),
        most=number(most),
    )


def _cut_note(language: str) -> str:
    """Everybody reads it: not in the asker's language, but in that of the whole reply."""
    with speaking(language):
        return tr(
            "only the last {kept} letters of the prompt were taken", kept=number(KEPT_CHARACTERS)
        )


def _sampling(request: CompletionRequest, new_seed: int) -> SamplingParams:
    given = {
        name: value
        for name in ("temperature", "top_k", "top_p")
        if (value := getattr(request, name)) is not None
    }
    last = request.candidates - 1  # each candidate's seed is one more than the one before
    seed = new_seed % (MAX_SEED + 1 - last) if request.seed is None else request.seed
    if seed + last > MAX_SEED:
        raise OptionError(tr("This can't be done: the seeds of the candidates would be too large."))
    try:
        if request.base is not None:
            return replace(request.base, **given, seed=seed)
        return sampling_of(request.preset, {**given, "seed": seed})
    except ValueError as error:
        raise OptionError(tr("This can't be done: {reason}.", reason=error)) from error
