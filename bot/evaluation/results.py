"""What a comparison found, as data. Made by `compare`, shown by `report` and `plot`."""

from dataclasses import dataclass

from bot.evaluation.candidates import Candidate
from bot.evaluation.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Guesses:
    """How a model did alone.

    Attributes:
        perplexity: of each token that was guessed; compares within one vocabulary only.
        bits_per_byte: compares between vocabularies, too.
        n_guessed: tokens that were guessed: all but the first of each window.
        read_tokens_per_s: reading a prompt, one text alone.
        write_tokens_per_s: writing after it.
        memory_bytes: the most its process had resident while it read and wrote: Python, the
            engine, and what it used of the model file.
    """

    perplexity: float
    bits_per_byte: float
    n_guessed: int
    read_tokens_per_s: float
    write_tokens_per_s: float
    memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How near a model's guesses are to those of the best of its vocabulary.

    Attributes:
        kl_nats: mean of KL(best ‖ this one) over the guesses.
        agreement: share of the guesses at which both find the same token the likeliest.
    """

    kl_nats: float
    agreement: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One model and what was found.

    Attributes:
        label: short, and no other model's.
        vocabulary: number of its vocabulary among those compared, from 0.
        is_best: the others of its vocabulary were compared with it.
        likeness: to the best of its vocabulary; None for that one itself.
    """

    label: str
    candidate: Candidate
    vocabulary: int
    guesses: Guesses
    is_best: bool
    likeness: Likeness | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All models, in the order they were named, and what they were compared on.

    Attributes:
        text: as much of it as was used.
        window: tokens that were read at once; the first of each window is not guessed.
        engine: what ran all of them.
    """

    text: Text
    window: int
    engine: str
    models: tuple[Compared, ...]

    @property
    def n_vocabularies(self) -> int:
        """How many vocabularies the models have between them."""
        return len({one.vocabulary for one in self.models})
