"""Makes tokens of a text, and a picture of their scores. Called by `xray_work`, in threads.

Computes only: no engine, no queue, no Discord.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.xray import (
    MAX_XRAY_TOKENS,
    Colors,
    Expected,
    TokenScore,
    make_report,
    masked,
)
from bot.core.xray_words import alt_text, content, text_parts
from bot.engine.api import Scores
from bot.model.tokenizers.api import Tokenizer
from bot.plots.xray import draw_xray
from bot.worker.tools import Mask

_BITS_PER_NAT = 1.4426950408889634


@dataclass(slots=True, kw_only=True)
class Reading:
    """A text as the model reads it.

    Attributes:
        tokens: ids, at most `MAX_XRAY_TOKENS`.
        pieces: the bytes of each.
        n_left_out: characters after them.
        scores: of the tokens, of all or all but the first; None as long as there are none.
    """

    tokens: list[int]
    pieces: list[bytes]
    n_left_out: int = 0
    scores: Scores | None = None

    def can_be_scored(self, bos: int | None) -> bool:
        """Whether at least one token has something before it."""
        return len(self.tokens) > (1 if bos is None else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A finished X-ray.

    Attributes:
        png: the picture.
        alt_text: what it shows.
        content: of the message with it.
        parts: the picture as text, in messages.
    """

    png: bytes
    alt_text: str
    content: str
    parts: tuple[str, ...]


def read(text: str, tokenizer: Tokenizer) -> Reading:
    """The tokens of a text, of a long one the first, up to the end of a character."""
    tokens = tokenizer.encode(text)
    is_cut = len(tokens) > MAX_XRAY_TOKENS
    tokens = tokens[:MAX_XRAY_TOKENS]
    pieces = _pieces(tokens, tokenizer, text)
    shown = b"".join(pieces).decode(errors="ignore")
    while is_cut and len(tokens) > 1 and b"".join(pieces) != shown.encode():
        tokens, pieces = tokens[:-1], pieces[:-1]
        shown = b"".join(pieces).decode(errors="ignore")
    # Of some tokenizers the tokens are not quite the text, so that its length is not exact.
    n_left_out = max(1, len(text) - len(shown)) if is_cut else 0
    return Reading(tokens=tokens, pieces=pieces, n_left_out=n_left_out)


def show(
    reading: Reading,
    *,
    tokenizer: Tokenizer,
    model: str,
    colors: Colors,
    mask: Mask,
    notes: Sequence[str] = (),
) -> Shown:
    """Draws and says what the scores tell.

    Args:
        reading: with its scores.
        tokenizer: of the model.
        model: its name and quantization.
        colors: what the colors stand for.
        mask: hides words, and leaves the length of a text as it is.
        notes: for the asker, in Discord's markdown.
    """
    report = make_report(_scored(reading, tokenizer), n_left_out=reading.n_left_out)
    report = masked(report, mask)
    return Shown(
        png=draw_xray(report, model=model, colors=colors),
        alt_text=alt_text(report, model, colors),
        content=content(report, model, notes),
        parts=text_parts(report, model, colors),
    )


def _pieces(tokens: Sequence[int], tokenizer: Tokenizer, text: str) -> list[bytes]:
    """The bytes that each token stands for: the text's own, or as the tokenizer spells them."""
    pieces = [tokenizer.token_bytes(token) for token in tokens]
    if text.encode().startswith(b"".join(pieces)):
        return pieces
    decoder = tokenizer.stream_decoder()
    return [decoder.feed(token).encode() for token in tokens]


def _scored(reading: Reading, tokenizer: Tokenizer) -> list[TokenScore]:
    scores = reading.scores
    assert scores is not None, "scored before it is shown"
    n_before = len(reading.tokens) - len(scores.logprobs)  # 1 where nothing stood before the text
    found = [TokenScore(piece=piece) for piece in reading.pieces[:n_before]]
    texts: dict[int, str] = {}

    def text_of(token: int) -> str:
        if token not in texts:
            texts[token] = tokenizer.decode([token])
        return texts[token]

    rows = zip(
        reading.pieces[n_before:],
        scores.logprobs.tolist(),
        scores.ranks.tolist(),
        scores.alternatives.tolist(),
        scores.alternative_logprobs.tolist(),
        strict=True,
    )
    for piece, logprob, rank, alternatives, logprobs in rows:
        expected = tuple(
            Expected(text=text_of(token), probability=2 ** (one * _BITS_PER_NAT))
            for token, one in zip(alternatives, logprobs, strict=True)
        )
        bits = max(0.0, -logprob * _BITS_PER_NAT)
        found.append(TokenScore(piece=piece, bits=bits, rank=rank, expected=expected))
    return found
