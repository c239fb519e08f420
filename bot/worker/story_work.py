"""The work on a story's passage: write it, judge it, add it to the tree, and only then post it.

Made by `job_run` for each job of kind STORY. The bot process may be down: what was written is in
the story before anybody sees it. Another attempt finds that it is there, and only posts.
"""

from dataclasses import dataclass, replace

import structlog

from bot.core.buttons import Rows
from bot.core.jobs import Job, JobState
from bot.core.outputs import Output
from bot.core.receipts import sign
from bot.core.replies import ReplyMessage, shown_text
from bot.language import tr
from bot.state.stories_api import Loaded, Saved
from bot.stories.buttons import story_rows
from bot.stories.moves import Actor, Continuation, Move, WritingFailed, Written
from bot.stories.passages import THE_MODEL, Passage
from bot.stories.prompt import cut_to_fit
from bot.stories.rules import play
from bot.stories.show import living
from bot.stories.story import ContextUse, Story
from bot.stories.task import StoryTask
from bot.stories.weaknesses import MAX_TRIES, Weakness, trimmed, try_again, weakness
from bot.worker.generation import End
from bot.worker.text_work import TextWork
from bot.worker.tools import Tools
from bot.worker.work import Assignment, Persist
from bot.worker.writing import Writing

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_SAVES = 20  # while players chat with the table, each of their moves is a conflict
_BY_REQUEST = frozenset({End.STOPPED, End.DEADLINE})


@dataclass(frozen=True, slots=True)
class Added:
    """What a story is like after the model's move.

    Attributes:
        story: afterwards.
        passages: what the model wrote, as it stands in the tree.
    """

    story: Story
    passages: tuple[Passage, ...]


class StoryWork(TextWork):
    """Writes the next passage, or several to vote on.

    Args:
        assignment: the job, and what its run lends.
    """

    def __init__(self, assignment: Assignment) -> None:
        self._task = StoryTask.from_json(assignment.job.task)
        self._whole_prompt = assignment.job.prompt
        super().__init__(_with_cut_prompt(assignment, self._task))
        self._n_wasted = 0  # tokens of texts that were of no use

    @property
    def n_tokens(self) -> int:
        """Tokens that it has written, those of no use included."""
        return super().n_tokens + self._n_wasted

    async def run(self) -> JobState:
        """From the prompt to the posted message; see `Work.run`."""
        self._mask = await self._at.mask()
        self._begin()
        try:
            for n_tried in range(1, MAX_TRIES + 1):
                await self._show_growing()
                for writing in self._writings:
                    writing.raise_error()
                if n_tried == MAX_TRIES or not self._write_again(n_tried):
                    break
        finally:
            self.leave_engine()
        await self._post()
        ends = {writing.generation.end for writing in self._writings}
        return JobState.STOPPED if ends & _BY_REQUEST else JobState.DONE

    def _leave_one(self) -> None:
        """A text's place is kept until all are judged: it may be written again."""

    def _shown_prompt(self) -> str:
        return self._task.lead

    def _write_again(self, n_tried: int) -> bool:
        """Begins anew what is of no use; False where nothing has to."""
        found = [(place, self._weakness(one)) for place, one in enumerate(self._writings)]
        weak = [(place, why) for place, why in found if why is not None]
        if self._stop is not None or not weak:
            return False
        for place, why in weak:
            old = self._writings[place]
            self._n_wasted += old.generation.n_tokens
            first = replace(self._at.job.sampling, seed=self._at.job.sampling.seed + place)
            self._writings[place] = self._new_writing(try_again(first, n_tried, why))
            self._writings[place].start()
            _log.info("passage written again", weakness=why.value, tries=n_tried)
        return True

    def _trimmed(self, writing: Writing) -> str:
        return trimmed(writing.generation.text, self._task.mode, self._task.names)

    def _weakness(self, writing: Writing) -> Weakness | None:
        is_loop = writing.generation.end is End.LOOP
        text = self._trimmed(writing)
        return weakness(text, self._task.mode, self._task.names, is_loop=is_loop)

    async def _post(self) -> None:
        """The text is kept, added to the story, and shown with the story's buttons."""
        outputs = [self._output(index) for index in range(len(self._writings))]
        is_kept, _ = await self._keep(outputs)
        added = await self._add(outputs)
        await self._at.writer.replace(self._message(added, outputs))
        store = self._at.tools.outputs
        if not is_kept:
            await self._at.persist(lambda: store.save(outputs))

    async def _add(self, outputs: list[Output]) -> Added | None:
        texts: dict[str, Continuation] = {}
        for writing, output in zip(self._writings, outputs, strict=True):
            text = self._trimmed(writing)
            if self._weakness(writing) is None or (self._stop is not None and text.strip()):
                texts.setdefault(
                    text.strip(),
                    Continuation(
                        text=text,
                        receipt=output.code,
                        settings=output.sampling.to_dict(),
                        label=self._label(output, text),
                    ),
                )
        move = Written(job_id=self._at.job.id, texts=tuple(texts.values()), context=self._context())
        return await add(self._at.tools, self._at.persist, self._at.job, move)

    def _context(self) -> ContextUse:
        """What the model has read, in tokens; they are counted apart, so their sum may be off."""
        job, tools, task = self._at.job, self._at.tools, self._task
        fitted = self._writings[0].fitted
        count = tools.tokenizer.encode
        memory = len(count(job.pinned[: task.memory]))
        lore = len(count(job.pinned[task.memory : task.memory + task.lore]))
        note = len(count(task.note)) if task.note in job.prompt else 0
        return ContextUse(
            window=tools.engine.info.n_ctx,
            memory=memory,
            lore=lore,
            note=note,
            story=max(0, len(fitted.tokens) - memory - lore - note),
            reply=fitted.max_new_tokens,
            dropped_characters=task.offset + len(self._whole_prompt) - len(job.prompt),
            lore_keys=task.lore_keys,
        )

    def _message(self, added: Added | None, outputs: list[Output]) -> ReplyMessage:
        texts = [self._trimmed(writing) for writing in self._writings]
        if added is None:  # the story is gone, or went on without this text
            line = self._label(outputs[0], texts[0])
            note = "\n-# " + tr("not part of the story: it went on without this text")
            return ReplyMessage(content=self._mask(texts[0]).strip()[:1500] + line + note)
        nothing = None if added.passages else "\n-# " + tr("the model had nothing to add")
        return living(
            added.story, added.passages, mask=self._mask, lead=self._task.lead, label=nothing
        )

    def _label(self, output: Output, text: str) -> str:
        lead, text = self._mask(self._task.lead), self._mask(text)
        receipt = sign(shown_text(lead, text), output.code, self._at.tools.receipt_keys)
        return output.label(str(receipt)).line()


async def add(tools: Tools, persist: Persist, job: Job, move: Move) -> Added | None:
    """Makes the model's move in its story, against whatever others do to it meanwhile.

    Returns:
        The story and what was added, also where an earlier attempt did it; None where the story
        is gone, or did not wait for this job.

    Raises:
        QueueDownError: the store was away until the job no longer mattered.
    """
    task, stories = StoryTask.from_json(job.task), tools.stories
    actor = Actor(user_id=THE_MODEL, name="", source=f"w{job.id}", at_s=tools.clock())
    for _ in range(_SAVES):
        loaded = await persist(lambda: stories.load(task.story_id))
        if loaded is None:
            return None
        step = play(loaded.story, move, actor, loaded.near)
        if step.story is loaded.story:
            return _earlier(loaded, actor.source)
        saved = await persist(
            lambda step=step, loaded=loaded: stories.save(
                step.story, step.passages, revision=loaded.revision
            )
        )
        if saved is Saved.DONE:
            return Added(step.story, step.passages)
        if saved is not Saved.CONFLICT:
            return None
    _log.warning("passage not added", story_id=task.story_id)
    return None


async def give_up(tools: Tools, persist: Persist, job: Job) -> Rows:
    """The story goes on without a text that nobody could write; the buttons to go on with."""
    added = await add(tools, persist, job, WritingFailed(job_id=job.id))
    return [] if added is None else story_rows(added.story)


def _earlier(loaded: Loaded, source: str) -> Added | None:
    """What an earlier attempt has added; where the story has gone on since, it is not shown."""
    if source not in loaded.story.recent:
        return None
    made = source.removeprefix("w")
    found = [
        one for one in loaded.near.passages.values() if one.source == made and one.is_the_models
    ]
    return Added(loaded.story, tuple(sorted(found, key=lambda one: one.number)))


def _with_cut_prompt(assignment: Assignment, task: StoryTask) -> Assignment:
    """The same work on a prompt that fits, cut where the engine can go on from what it knows."""
    job, tools = assignment.job, assignment.tools
    window = tools.engine.info.n_ctx
    n_pinned = len(tools.tokenizer.encode(job.pinned))
    room = window - min(job.max_new_tokens, window // 2) - min(n_pinned, window // 4)

    def fits(text: str) -> bool:
        return len(tools.tokenizer.encode(text)) <= room

    # A quarter of the window: its tokens have about four characters each.
    prompt = cut_to_fit(job.prompt, task.offset, window, fits)
    return replace(assignment, claim=replace(assignment.claim, job=replace(job, prompt=prompt)))
