"""GPT-2's tokenizer as OpenAI published it, written plainly and slowly, to compare with.

Sources: the paper's §2.2, Sennrich et al. (2016), and the pattern of openai/gpt-2's
src/encoder.py. Shares no code with Bardling's tokenizer nor with the library that it uses.
"""

import json
from functools import cache
from itertools import pairwise
from pathlib import Path

_PATTERN = (
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+"
    r"|\s+(?!\S)"  # of several spaces, all but the last, which goes with the word behind
    r"|\s+"
)


class ReferenceBpe:
    """Args: folder: holds encoder.json and vocab.bpe."""

    def __init__(self, folder: Path) -> None:
        import regex  # comes with transformers

        self._words = regex.compile(_PATTERN)
        self._vocabulary = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
        lines = (folder / "vocab.bpe").read_text(encoding="utf-8").split("\n")[1:]
        pairs = (tuple(line.split(" ")) for line in lines if line)
        self._rank = {pair: index for index, pair in enumerate(pairs)}
        self._shown = _visible_characters()
        self.encode_word = cache(self.encode_word)

    def split(self, text: str) -> list[str]:
        """The words of a text; nothing is merged across their borders."""
        return self._words.findall(text)

    def encode(self, text: str) -> list[int]:
        """The ids of a text."""
        return [one for word in self.split(text) for one in self.encode_word(word)]

    def encode_word(self, word: str) -> tuple[int, ...]:
        """The ids of one word: the pair learned first is merged, until none is left to merge."""
        parts = [self._shown[byte] for byte in word.encode()]
        while ranked := [pair for pair in pairwise(parts) if pair in self._rank]:
            parts = _merged(parts, min(ranked, key=self._rank.__getitem__))
        return tuple(self._vocabulary[part] for part in parts)


def _merged(parts: list[str], pair: tuple[str, str]) -> list[str]:
    """The parts with each occurrence of the pair, from the left, as one."""
    merged: list[str] = []
    index = 0
    while index < len(parts):
        found = tuple(parts[index : index + 2]) == pair
        merged.append("".join(pair) if found else parts[index])
        index += 2 if found else 1
    return merged


def _visible_characters() -> dict[int, str]:
    """Each byte as a character: 188 as themselves, the other 68 as those from U+0100 on."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    shifted = iter(range(256, 512))
    return {byte: chr(byte if byte in visible else next(shifted)) for byte in range(256)}
