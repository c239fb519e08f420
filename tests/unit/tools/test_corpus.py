"""How the training tool reads, cleans and divides texts; none of it needs torch."""

import json
from pathlib import Path

import pytest

from tools.small_model import attribution, cleaning, corpus, dedupe, recase
from tools.small_model.documents import Document, family_of, weight_of

LONG = "Once upon a time a small bear went down to the river to look for his lost red boat. "


def documents(*texts: str, source: str = "tales") -> list[Document]:
    return [Document(source=source, text=text) for text in texts]


def test_gutenberg_frame_is_stripped() -> None:
    """Only what stands between the start and end marks is left."""
    raw = "Legal.\n*** START OF THIS PROJECT GUTENBERG EBOOK X ***\nTale.\n*** END OF THIS PROJECT"
    assert cleaning.strip_gutenberg(raw).strip() == "Tale."


def test_text_without_gutenberg_marks_is_left_whole() -> None:
    """A user's own file has no marks."""
    assert cleaning.strip_gutenberg("A plain tale.") == "A plain tale."


def test_plain_book_is_split_at_headings_and_unwrapped() -> None:
    """Headings go; each story's wrapped lines become one line a paragraph."""
    raw = "THE FOX\n\nA fox sat\nin the sun.\n\nHe slept.\n\nTHE HEN\n\nA hen ran."
    assert cleaning.split_plain_book(raw)[1:] == [
        "A fox sat in the sun.\n\nHe slept.",
        "A hen ran.",
    ]


def test_headings_named_in_the_contents_split_a_book() -> None:
    """A heading in small letters counts when the indented contents list it."""
    raw = "CONTENTS\n\n     The Old Cat\n\nThe Old Cat\n\nA cat sat down."
    assert cleaning.split_plain_book(raw)[-1] == "A cat sat down."


@pytest.mark.parametrize(
    "paragraph",
    ["THE END.", "Lily and the Boat", "See http://example.org for more.", "12 .. 13 .. 14 ..",
     "A Project Gutenberg text."],
)  # fmt: skip
def test_what_is_not_prose_is_left_out(paragraph: str) -> None:
    """Headings, addresses, tables and legal lines are not learned."""
    assert not cleaning.is_prose(paragraph)


def test_punctuation_misread_as_windows_1252_is_mended() -> None:
    """Both with the last, unprintable character of a closing quote and without it."""
    raw = "â€œI donâ€™t know,â€ he said â€“ and left. â€œBye!â€\x9d She saw itâ€”thereâ€¦"
    assert cleaning.plain_characters(raw) == (
        '"I don\'t know," he said - and left. "Bye!" She saw it—there...'
    )


def test_quotes_dashes_and_emphasis_become_plain() -> None:
    """One spelling each, so that a small vocabulary is not wasted."""
    assert cleaning.prose(cleaning.plain_characters("“I -- _never_ --” he’d said.")) == (
        '"I—never—" he\'d said.'
    )


def test_storybook_gives_story_and_attribution() -> None:
    """The credits leave the text and come back as an attribution."""
    raw = (
        "# Two Cats\n\n##\nOne cat\nsat.\n\n##\nOne ran.\n\n##\n* License: [CC-BY]\n"
        "* Text: A. Writer\n* Illustration: B. Painter\n* Translation: C. Reader\n"
    )
    story, credit = cleaning.read_storybook(raw, source="books")
    assert story == "One cat sat.\n\nOne ran."
    assert credit == cleaning.Attribution(
        title="Two Cats", authors="A. Writer; translation: C. Reader", source="books",
        license="CC-BY",
    )  # fmt: skip


def test_marked_stories_are_split_and_the_cut_off_last_one_dropped() -> None:
    """An excerpt's last story may end in the middle."""
    raw = "One.\nTwo.\n<|endoftext|>\nThree.\n<|endoftext|>\nFour and"
    assert cleaning.split_marked(raw) == ["One.\n\nTwo.", "Three."]


def test_lower_cased_file_is_split_at_openings_and_at_new_names() -> None:
    """A single line break starts a story only where the line looks like a first line."""
    raw = "once there was a fox.\nthe fox ran.\n\nit slept.\none day it rained.\nben sat.\nx"
    names = frozenset({"ben"})
    assert cleaning.split_lower_cased(raw, names) == [
        "once there was a fox.\n\nthe fox ran.\n\nit slept.",
        "one day it rained.",
    ]


def test_recase_gives_back_sentence_starts_names_and_i() -> None:
    """The story's own "named x" makes a name; parents are capitals only when addressed."""
    text = (
        'once there was a dog named spot. "hi, mom," i said. his mom ran. '
        '"where is spot?" asked ben. "here!" she said. "good!" they all laughed at mr. fox.'
    )
    got = recase.recase(text, names=frozenset({"ben"}), common=frozenset({"they"}))
    assert got == (
        'Once there was a dog named Spot. "Hi, Mom," I said. His mom ran. '
        '"Where is Spot?" asked Ben. "Here!" she said. "Good!" They all laughed at Mr. Fox.'
    )


def test_everyday_word_after_named_is_no_name() -> None:
    """A common word stays small all through the story."""
    got = recase.recase("a toy named one. one fell.", names=frozenset(), common=frozenset({"one"}))
    assert got == "A toy named one. One fell."


def test_names_are_learned_from_inside_sentences_only() -> None:
    """A capital at a sentence start says nothing."""
    texts = ["The boy saw Lily. Then he and Lily ran. Boys play. The boy ran."]
    assert recase.learn_names(texts) == frozenset({"lily"})


def test_near_duplicates_are_dropped_and_the_first_kept() -> None:
    """Case, punctuation and a small change don't hide a copy."""
    other = "Far away in the north lived an old king who had seven sons and not one horse."
    kept = dedupe.without_near_duplicates(
        documents(LONG * 3, (LONG * 3).lower().replace("boat", "hat", 1), other)
    )
    assert [entry.text for entry in kept] == [LONG * 3, other]


def test_validation_split_holds_out_whole_documents_of_each_source() -> None:
    """Both parts together are the whole, and no document is in both."""
    given = documents(*(f"a {i}" for i in range(50)))
    given += documents(*(f"b {i}" for i in range(100)), source="other")
    train, held_out = dedupe.split_off_validation(given, share=0.02, seed=3)
    assert sorted(entry.source for entry in held_out) == ["other", "other", "tales"]
    assert sorted(entry.text for entry in train + held_out) == sorted(e.text for e in given)


def test_validation_split_repeats_with_its_seed() -> None:
    """The same seed holds out the same documents."""
    given = documents(*(f"a {i}" for i in range(100)))
    first = dedupe.split_off_validation(given, share=0.1, seed=1)
    assert first == dedupe.split_off_validation(given, share=0.1, seed=1)
    assert first != dedupe.split_off_validation(given, share=0.1, seed=2)


def test_families_and_weights_go_by_folder_name() -> None:
    """The first pattern that fits decides; a source nobody named weighs 1."""
    assert [family_of("storybooks-x"), family_of("gitenberg")] == ["simple", "classic"]
    assert weight_of("tales", {"t*": 2.0, "tales": 5.0}) == 2.0
    assert weight_of("mine", {"t*": 2.0}) == 1.0


def test_folders_of_several_formats_are_read(tmp_path: Path) -> None:
    """Each file's content decides how it is read; its first folder is its source."""
    stories = [f"Story {word}. {LONG}" + f"The {word} sang. " * 9 for word in ("owl", "ape")]
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "list.json").write_text(json.dumps(stories[:1]))
    (tmp_path / "b").mkdir()
    book = "The king of the hill had a green hat and he wore it every single day of the year. "
    (tmp_path / "b" / "book.md").write_text(f"# Book\n\n## One\n\n{book * 3}\n")
    read = corpus.read_corpus([tmp_path]).documents
    assert [entry.source for entry in read] == ["a", "b"]
    assert read[0].text == stories[0].strip()
    assert read[1].text == (book * 3).strip()


def test_attributions_are_written_one_a_line_in_order(tmp_path: Path) -> None:
    """Each line names title, authors, collection and licence."""
    given = [
        cleaning.Attribution(title=title, authors="A. W.", source="mine", license="CC-BY")
        for title in ("Two\nCats", "a bird")
    ]
    attribution.write_attributions(tmp_path / "list.md", given)
    assert (tmp_path / "list.md").read_text().splitlines()[-2:] == [
        "- a bird — A. W. — mine — CC BY",
        "- Two Cats — A. W. — mine — CC BY",
    ]


def test_no_attribution_file_without_anyone_to_name(tmp_path: Path) -> None:
    """Someone's own texts need no empty list."""
    attribution.write_attributions(tmp_path / "list.md", [])
    assert not (tmp_path / "list.md").exists()
