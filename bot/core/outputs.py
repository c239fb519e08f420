"""What is kept of a finished text: enough to go on with it, make it again, and say whose it is.

Written by the worker before it posts the text, read by the bot process when somebody clicks a
button under it. Knows nothing of Redis or of Discord's client.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

from bot.core.jobs import UnknownVersionError
from bot.core.replies import Label
from bot.core.sampling import SamplingParams

OUTPUT_VERSION = 1
MAX_VERSIONS = 20  # of one reply; each takes a page of its pager


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One finished text.

    A reply may have several: candidates that were asked for together, and versions by Retry and
    Edit. They share `root`, the id of the job that first wrote to the reply.

    Attributes:
        code: its receipt's code (`receipts.code_of`); unique.
        root: of the reply, digits.
        job_id: which job wrote it; candidates share it.
        prompt: what it goes on from.
        pinned: what the model read before the prompt.
        text: the continuation, whole and unmasked.
        n_prompt_tokens: what the model read.
        n_tokens: what it wrote.
        end: why it ended (`worker.generation.End`).
        max_new_tokens: as asked for.
        sampling: how it was drawn, this very text's seed included.
        model: its name.
        quantization: of its weights.
        weights: SHA-256 of the model file in hex, or "" where nobody computed it.
        engine: the engine's name and what else decides over its numbers.
        is_repeatable: whether the same seed makes it again, to the letter.
        user_id: who asked.
        guild_id: the server whose rules apply, or None.
        channel_id: where it stands.
        created_at_s: when it was finished (Unix time).
        language: of the line under it.
        notes: in the small print under it.
    """

    code: str
    root: str
    job_id: str
    prompt: str
    text: str
    n_prompt_tokens: int
    n_tokens: int
    end: str
    max_new_tokens: int
    sampling: SamplingParams
    model: str
    quantization: str
    engine: str
    is_repeatable: bool
    user_id: int
    guild_id: int | None
    channel_id: int
    created_at_s: float
    pinned: str = ""
    weights: str = ""
    language: str = "en"
    notes: tuple[str, ...] = ()

    @property
    def whole(self) -> str:
        """Prompt and continuation: what Continue goes on from."""
        return self.prompt + self.text

    def label(self, receipt: str = "") -> Label:
        """The line under it.

        Args:
            receipt: the code as it is shown, signed where the host has a key.
        """
        return Label(
            model=self.model,
            quantization=self.quantization,
            seed=self.sampling.seed,
            is_repeatable=self.is_repeatable,
            notes=self.notes,
            receipt=receipt,
        )

    def to_json(self) -> str:
        """The stored form: JSON with a version, never pickle."""
        data: dict[str, Any] = {"v": OUTPUT_VERSION, **asdict(self)}
        data["sampling"] = self.sampling.to_dict()
        return json.dumps(data, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> "Output":
        """Reads the stored form.

        Raises:
            UnknownVersionError: the record is of a version this program does not know.
            ValueError: it is damaged.
        """
        try:
            data: dict[str, Any] = json.loads(text)
            if data["v"] != OUTPUT_VERSION:
                raise UnknownVersionError(
                    f"output of version {data['v']}, this program knows {OUTPUT_VERSION}"
                )
            known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
            known["sampling"] = SamplingParams.from_dict(data["sampling"])
            known["notes"] = tuple(data.get("notes", ()))
            return cls(**known)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"damaged output: {error!r}") from error
