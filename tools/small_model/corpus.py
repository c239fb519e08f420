"""Reads folders of stories into cleaned documents, each with the name of its source folder.

Called by ``tools/train_small.py``. Decides by a file's content how to read it; needs no torch.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tools.small_model import cleaning, recase
from tools.small_model.cleaning import Attribution
from tools.small_model.dedupe import without_near_duplicates
from tools.small_model.documents import DEFAULT_WEIGHTS, Document, family_of, weight_of

_TEXT_KEYS = ("text", "story", "body", "fable")
_SUFFIXES = frozenset({".txt", ".md", ".json"})
MIN_CHARACTERS = 120


@dataclass(slots=True, kw_only=True)
class Corpus:
    """Everything read from the folders given."""

    documents: list[Document] = field(default_factory=list)
    attributions: list[Attribution] = field(default_factory=list)


def find_files(folders: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Text files below the folders, each with the name of its source (its first folder)."""
    for root in folders:
        for path in sorted(root.rglob("*")):
            if path.suffix in _SUFFIXES and path.is_file():
                inner = path.relative_to(root).parts
                yield (inner[0] if len(inner) > 1 else root.name), path


def stories_in_json(raw: str) -> list[str]:
    """Stories of a JSON file: a list of strings or objects, or one object."""
    loaded = json.loads(raw)
    stories: list[str] = []
    for entry in loaded if isinstance(loaded, list) else [loaded]:
        if isinstance(entry, str):
            stories.append(cleaning.tidy_story(entry))
        elif isinstance(entry, dict):
            found = next((entry[key] for key in _TEXT_KEYS if key in entry), "")
            stories.append(cleaning.prose(cleaning.plain_characters(str(found))))
    return stories


def read_corpus(folders: Iterable[Path]) -> Corpus:
    """All stories below the folders: cleaned, recased, and without near-duplicates.

    Returns:
        Properly cased texts come first, so that of two copies the better one is kept.
    """
    corpus = Corpus()
    lower_cased: list[tuple[str, str]] = []
    credited: dict[str, Attribution] = {}
    for source, path in find_files(folders):
        raw = path.read_text("utf-8", errors="replace")
        if recase.is_lower_cased(raw):
            lower_cased.append((source, raw))
            continue
        for text in _stories(raw, path.suffix, source, credited):
            if len(text) >= MIN_CHARACTERS:
                corpus.documents.append(Document(source=source, text=text))
    corpus.documents += _recased(lower_cased, corpus.documents)
    # The most wanted sources first: of two copies of a tale, the one in a book of tales stays.
    # The sort is stable, so a recased story comes after a story that was cased from the start.
    corpus.documents.sort(key=lambda document: -weight_of(document.source, DEFAULT_WEIGHTS))
    corpus.documents = without_near_duplicates(corpus.documents)
    kept = {document.text for document in corpus.documents}
    corpus.attributions = [credit for text, credit in credited.items() if text in kept]
    return corpus


def _stories(raw: str, suffix: str, source: str, credited: dict[str, Attribution]) -> list[str]:
    if suffix == ".json":
        return stories_in_json(raw)
    if cleaning.END_OF_TEXT in raw:
        return cleaning.split_marked(raw)
    if suffix == ".txt":
        return cleaning.split_plain_book(raw)
    if "\n* License:" not in raw:
        return cleaning.split_markdown_book(raw)
    text, credit = cleaning.read_storybook(raw, source=source)
    if credit:
        credited[text] = credit
    return [text]


def _recased(lower_cased: list[tuple[str, str]], cased: list[Document]) -> list[Document]:
    simple = [document.text for document in cased if family_of(document.source) == "simple"]
    names = recase.learn_names(simple)
    common = recase.learn_common_words(simple)
    return [
        Document(source=source, text=recase.recase(story, names=names, common=common))
        for source, raw in lower_cased
        for story in cleaning.split_lower_cased(raw, names)
        if len(story) >= MIN_CHARACTERS
    ]
