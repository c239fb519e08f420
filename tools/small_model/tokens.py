"""From documents to token streams: the byte-level BPE, the split, and the mixture of sources.

Used by tools/train_small.py. Must not import torch.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from tools.small_model.corpus import SEPARATOR, Document

# Shares of the training windows. A tiny model writes best what it reads most: short, simple,
# modern stories. Families that are not named here share REST_SHARE.
FAMILY_SHARES: Mapping[str, float] = {
    "tinystories": 0.36,
    "storybooks-asp-ccby": 0.05,
    "storybooks-pb-ccby": 0.08,
    "aesop": 0.01,
    "gitenberg": 0.15,
    "lcats-fairy": 0.05,
}
REST_SHARE = 0.35


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """The documents of one family, end to end, each ended by the separator's id.

    Attributes:
        tokens: ids, shape [n_tokens].
        n_bytes: UTF-8 bytes of the documents.
        n_documents: how many there are.
    """

    tokens: npt.NDArray[np.uint16]
    n_bytes: int
    n_documents: int


def train_tokenizer(documents: Sequence[Document], vocab_size: int, folder: Path) -> Tokenizer:
    """Trains a byte-level BPE as GPT-2's; saves vocab.json, merges.txt and tokenizer.json.

    The separator gets the last id, as in GPT-2.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - 1,
        min_frequency=2,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = (document.text for document in documents for _ in range(_repeats(document.family)))
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([SEPARATOR])
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    tokenizer.model.save(str(folder))
    return tokenizer


def _repeats(family: str) -> int:
    """Simple stories count several times, so that their words become whole tokens."""
    return 3 if family.startswith(("tiny", "story")) else 1


def is_held_out(document: Document) -> bool:
    """About one document in 50, by a hash of its text, so that every run splits alike."""
    digest = hashlib.blake2b(document.text.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") % 50 == 0


def encode_families(documents: Sequence[Document], tokenizer: Tokenizer) -> dict[str, Stream]:
    """One stream of ids for each family."""
    separator = tokenizer.token_to_id(SEPARATOR)
    streams: dict[str, Stream] = {}
    for family in sorted({document.family for document in documents}):
        texts = [document.text for document in documents if document.family == family]
        ids: list[int] = []
        for encoding in tokenizer.encode_batch(texts):
            ids += [*encoding.ids, separator]
        n_bytes = sum(len(text.encode()) for text in texts)
        streams[family] = Stream(
            tokens=np.array(ids, dtype=np.uint16), n_bytes=n_bytes, n_documents=len(texts)
        )
    return streams


class Mixture:
    """Draws training windows from the families by their shares."""

    def __init__(self, streams: Mapping[str, Stream], context: int, seed: int) -> None:
        usable = {name: s.tokens for name, s in streams.items() if len(s.tokens) > context + 1}
        self._names = sorted(usable)
        self._tokens = usable
        self._context = context
        self._random = np.random.default_rng(seed)
        named = [name for name in self._names if name in FAMILY_SHARES]
        rest = sum(len(usable[name]) for name in self._names if name not in named)
        shares = [
            FAMILY_SHARES[name] if name in named else REST_SHARE * len(usable[name]) / rest
            for name in self._names
        ]
        self._shares = np.array(shares) / sum(shares)

    def batch(self, size: int) -> npt.NDArray[np.int64]:
        """Windows of context + 1 ids, shape [size, context + 1]."""
        windows = []
        for name in self._random.choice(self._names, size=size, p=self._shares):
            tokens = self._tokens[name]
            start = self._random.integers(0, len(tokens) - self._context)
            windows.append(tokens[start : start + self._context + 1].astype(np.int64))
        return np.stack(windows)
