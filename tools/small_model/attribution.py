"""Writes the list of stories whose licence asks to name their authors.

Called by ``tools/train_small.py``. Pure but for one file written.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tools.small_model.cleaning import Attribution

# What the folders of the story collection are; a folder of your own goes by its name.
COLLECTIONS = {
    "storybooks-asp-ccby": "African Storybook (global-asp/asp-source)",
    "storybooks-pb-ccby": "Pratham Books StoryWeaver (global-asp/pb-source)",
}
_HEADER = """\
# Attribution

The small model was trained on the text, not the pictures, of the storybooks below. CC BY is the
Creative Commons Attribution licence, https://creativecommons.org/licenses/by/4.0/ (some stories:
https://creativecommons.org/licenses/by/3.0/; their files say "CC-BY" without a version).
Changes made: page breaks, titles and credits were left out, lines joined, and punctuation made
plain. The authors neither made nor endorse this model.

"""


def attribution_line(credit: Attribution) -> str:
    """Title, authors, collection and licence of one story."""
    title = " ".join(credit.title.split())
    authors = " ".join(credit.authors.split())
    collection = COLLECTIONS.get(credit.source, credit.source)
    return f"- {title} — {authors} — {collection} — {credit.license.replace('CC-BY', 'CC BY')}"


def write_attributions(path: Path, credits_given: Sequence[Attribution]) -> None:
    """Writes the list, by collection and title; no file when there is nobody to name."""
    if not credits_given:
        return
    ordered = sorted(credits_given, key=lambda one: (one.source, one.title.casefold()))
    lines = "\n".join(attribution_line(credit) for credit in ordered)
    path.write_text(f"{_HEADER}{lines}\n", encoding="utf-8")
