"""Trains a byte-level BPE in GPT-2's format and writes its files.

Called by ``tools/train_small.py``. Needs the ``tokenizers`` package; knows nothing of models.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from tools.small_model.cleaning import END_OF_TEXT


def train_tokenizer(texts: Iterable[str], *, vocabulary_size: int) -> Tokenizer:
    """A byte-level BPE whose last id, as in GPT-2, is ``<|endoftext|>``."""
    tokenizer = _pipeline(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size - 1,
        min_frequency=2,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return _with_end_mark(tokenizer)


def byte_level(vocabulary: Mapping[str, int], merges: Iterable[tuple[str, str]]) -> Tokenizer:
    """The tokenizer of a vocabulary without its end mark, which gets the next id."""
    return _with_end_mark(_pipeline(models.BPE(vocab=dict(vocabulary), merges=list(merges))))


def _with_end_mark(tokenizer: Tokenizer) -> Tokenizer:
    tokenizer.add_special_tokens([AddedToken(END_OF_TEXT, special=True, normalized=False)])
    return tokenizer


def _pipeline(model: models.BPE) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Writes ``tokenizer.json``, and ``vocab.json`` with ``merges.txt`` as GPT-2 has them."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    tokenizer.model.save(str(folder))
    # The model's own file lacks the added token; GPT-2's encoder.json has it.
    vocabulary = sorted(tokenizer.get_vocab(with_added_tokens=True).items(), key=lambda kv: kv[1])
    text = json.dumps(dict(vocabulary), ensure_ascii=False)
    (folder / "vocab.json").write_text(text, encoding="utf-8")
