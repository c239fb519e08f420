"""X-rays: how predictable a text is to a model. Asked for here; a worker scores and draws.

Called by cogs. Knows nothing of Discord's client, Redis or the model.
"""

from collections.abc import Callable
from dataclasses import dataclass

from bot.core.asker import Asker
from bot.core.jobs import JOB_LIFETIME_S, Job, JobKind, ReplyTarget
from bot.core.prompts import MAX_FILE_CHARACTERS, clean_prompt
from bot.core.sampling import SamplingParams
from bot.core.xray import MAX_XRAY_TOKENS, Colors
from bot.errors import OutputError, PromptError
from bot.language import tr
from bot.services.texts import TextService
from bot.state.xray_texts_api import XrayTextsStore

_BYTES_PER_TOKEN = 4  # in English; queue and limits settle the difference when the job ends


@dataclass(frozen=True, slots=True, kw_only=True)
class XrayRequest:
    """What a member asked for.

    Attributes:
        text: what to look at.
        colors: what the colors stand for.
        origin: code of the output that it is, or "".
        model: to which model it is to be predictable; None = the server's choice.
        is_private: whether the asker alone sees it, so that it is in their language.
    """

    interaction_id: int
    asker: Asker
    reply: ReplyTarget
    text: str
    colors: Colors = Colors.RANK
    origin: str = ""
    model: str | None = None
    is_private: bool = False


class XrayService:
    """X-rays of texts.

    Args:
        texts: puts the jobs.
        kept: finished X-rays as text.
        clock: gives Unix time in seconds.
    """

    def __init__(
        self, texts: TextService, kept: XrayTextsStore, *, clock: Callable[[], float]
    ) -> None:
        self._texts = texts
        self._kept = kept
        self._clock = clock

    def prepare(self, request: XrayRequest) -> Job:
        """Turns a request into a job; nothing is stored yet.

        Raises:
            PromptError: there is no text, or too much of it.
        """
        if not request.text.strip():
            raise PromptError(tr("There is no text here that I could look at."))
        text = clean_prompt(request.text, MAX_FILE_CHARACTERS)
        now_s = self._clock()
        n_tokens = len(text.encode()) // _BYTES_PER_TOKEN + 1
        return Job(
            id=str(request.interaction_id),
            tenant=request.asker.tenant,
            user_id=request.asker.user_id,
            prompt=text,
            max_new_tokens=1,
            sampling=SamplingParams(),
            reply=request.reply,
            created_at_s=now_s,
            deadline_at_s=now_s + JOB_LIFETIME_S,
            cost=min(n_tokens, MAX_XRAY_TOKENS),
            kind=JobKind.XRAY,
            origin=request.origin,
            colors=request.colors.value,
        )

    async def ask(self, request: XrayRequest) -> str:
        """Puts an X-ray's job; asking again with the same interaction changes nothing.

        Returns:
            The model that will look at the text.

        Raises:
            RequestError: the request is refused, for one of many reasons; nothing is left of it.
            QueueDownError: Redis can't be reached.
        """
        return await self._texts.submit(
            self.prepare(request), request.asker, request.model, is_private=request.is_private
        )

    async def as_text(self, xray_id: str) -> tuple[str, ...]:
        """A finished X-ray as messages of at most 2,000 characters of Discord's markdown.

        Raises:
            OutputError: it is not kept any more.
            QueueDownError: the store can't be reached.
        """
        found = await self._kept.find(xray_id)
        if found is None:
            raise OutputError(tr("This X-ray is not kept any more; please make a new one."))
        return found.parts
