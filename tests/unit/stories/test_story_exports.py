"""Stories as files: nothing lost, nothing that could become markup, nobody's id."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import StoryError
from bot.stories.export import html, markdown, plain, tree_json
from bot.stories.passages import Kind
from bot.stories.recap import MAX_CHARACTERS, extract
from bot.stories.story import Mode
from tests.unit.stories.trees import passage, random_tree, story

TREE = [
    passage(1, 0, kind=Kind.OPENING, text="Once upon a time."),
    passage(2, 1, kind=Kind.SAY, author="Ben", text="Hello"),
    passage(3, 2, kind=Kind.MODEL, text=" It rains."),
    passage(4, 2, kind=Kind.MODEL, text=" It snows.", voters=(1, 2)),
]
STORY = story(4, 4)


def test_plain_text_is_the_main_line_with_who_wrote_it():
    """Players' lines as such."""
    text = plain.export(STORY, TREE)
    assert text.startswith("The fox\n=======\n\nOnce upon a time.\n\n> Ben: “Hello”\n\nIt snows.")
    assert "It rains" not in text
    assert text.endswith("--\nWritten by Anna, Ben; 1 passage is machine-written\n")


def test_markdown_quotes_players_and_counts_branches():
    """And names what is a machine's."""
    text = markdown.export(STORY, TREE)
    assert text.startswith(
        "# The fox\n\nOnce upon a time.\n\n> **Ben:** “Hello”\n\nIt snows.\n\n---"
    )
    assert "1 more passage is in other branches" in text


@given(st.text(min_size=1, max_size=60))
def test_markdown_keeps_every_mark_a_letter(words: str):
    """Nothing that players write becomes a link, a heading or emphasis."""
    text = markdown.export(story(1, 1), [passage(1, 0, text=f"x{words}")])
    body = text.split("\n\n", 1)[1]
    assert not re.search(r"(?<!\\)(?:\\\\)*[<*_`\[](?!\*|\d| \d|Written)", body.rsplit("---", 1)[0])


@given(st.text(min_size=1, max_size=80))
def test_page_holds_any_words_as_data(words: str):
    """They can't end the script, and come back whole."""
    clean = words.encode(errors="replace").decode()
    page = html.export(story(1, 1, title=f"t{words}"), [passage(1, 0, text=f"x{words}x")])
    script = page.split("<script>", 1)[1]
    data = script.split("const data = ", 1)[1].split(";\nconst byNumber", 1)[0]
    assert "<" not in data
    assert json.loads(data)["passages"][0]["t"] == f"x{clean}x".strip()
    assert page.count("<script>") == 1


def test_page_needs_nothing_else():
    """No address, and a policy that allows none."""
    page = html.export(STORY, TREE)
    assert "default-src 'none'" in page
    assert not re.search(r"https?://|src=|href=", page)


@pytest.mark.parametrize("seed", range(5))
def test_tree_comes_back_from_its_file(seed: int):
    """All passages with their places and words; nobody's id."""
    tree = random_tree(60, seed)
    text = tree_json.export(story(60, 60), tree)
    read, passages = tree_json.read(text)

    assert (read.title, read.mode, read.head, read.n_passages) == ("The fox", Mode.FREE, 60, 60)
    keep = [(one.number, one.parent, one.kind, one.text, one.author) for one in tree]
    assert [(one.number, one.parent, one.kind, one.text, one.author) for one in passages] == keep
    assert not re.search(r'author_id|"user|guild|channel', text)


def data(**changes: Any) -> dict[str, Any]:
    return json.loads(tree_json.export(STORY, TREE)) | changes


def first(**changes: Any) -> list[dict[str, Any]]:
    whole = data()["passages"]
    return [whole[0] | changes, *whole[1:]]


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", '{"format": "other"}', json.dumps(data(version=2)),
        json.dumps(data(title="")), json.dumps(data(title=5)), json.dumps(data(mode="chess")),
        json.dumps(data(mode=[])), json.dumps(data(head=5)), json.dumps(data(head=0)),
        json.dumps(data(head="4")), json.dumps(data(head=True)), json.dumps(data(note=[])),
        json.dumps(data(note={"text": "x", "depth": -1})), json.dumps(data(lore=[{}])),
        json.dumps(data(lore=[{"keys": [1], "text": "x"}])), json.dumps(data(lore={})),
        json.dumps(data(lore=[{"keys": ["a"], "text": ""}])), json.dumps(data(memory="x" * 2000)),
        json.dumps(data(passages={})), json.dumps(data(passages=[])),
        json.dumps(data(passages=first(number=2))), json.dumps(data(passages=first(parent=1))),
        json.dumps(data(passages=first(kind="x"))), json.dumps(data(passages=first(kind=[]))),
        json.dumps(data(passages=first(text=""))),
        json.dumps(data(passages=first(text="x" * 4001))),
        json.dumps(data(passages=first(author=5))), json.dumps(data(passages=first(at_s="now"))),
        json.dumps(data(passages=[1])), "[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_story_is_refused_by_a_sentence(text: str):
    """And says which part is wrong."""
    with pytest.raises(StoryError):
        tree_json.read(text)


def test_too_many_passages_are_refused():
    """Before they are looked at."""
    many = [None] * (tree_json.MAX_PASSAGES + 1)
    with pytest.raises(StoryError, match="too many"):
        tree_json.read(json.dumps(data(passages=many)))


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keys = st.sampled_from(sorted(data()))
    return st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=6)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=9), _nested))
def test_no_file_breaks_the_reader(found: Any):
    """Whatever is in it, it is a story or a sentence."""
    whole = data() | found if isinstance(found, dict) else data(passages=found)
    try:
        read, passages = tree_json.read(json.dumps(whole))
    except StoryError:
        return
    assert read.n_passages == len(passages)


def test_recap_has_beginning_and_end_and_is_the_storys_own():
    """In order, and within a message."""
    tree = random_tree(300, branching=0)
    text = extract(tree)
    assert text.startswith("Passage 1 of the tale.")
    assert text.endswith("Passage 300 of the tale.")
    assert len(text) <= MAX_CHARACTERS
    numbers = [int(one) for one in re.findall(r"\d+", text)]
    assert numbers == sorted(numbers)


@given(st.lists(st.text(min_size=1, max_size=500), min_size=1, max_size=10))
def test_recap_of_any_words_is_made_of_them(texts: list[str]):
    """Never longer than there is room."""
    path = [passage(n, n - 1, text=text) for n, text in enumerate(texts, 1)]
    found = extract(path)
    assert len(found) <= MAX_CHARACTERS
    if len(path) == 1 and len(texts[0]) < 200:
        assert set(found) <= {*texts[0], " ", "…"}
