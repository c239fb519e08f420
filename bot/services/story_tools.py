"""What the services of stories are made of beside stores: rules, prompts, pictures, exports.

All of it is pure, and comes in as one object, so that a test can put its own in place of any.
Built by `app` with `story_tools`; used by `stories` and `story_shelf`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.stories.moves import Actor, Move, Near, Step
from bot.stories.passages import Passage
from bot.stories.story import LoreEntry, Mode, Story
from bot.stories.task import StoryTask


class Drawn(Protocol):
    """A picture."""

    @property
    def png(self) -> bytes:
        """Its bytes."""
        ...

    @property
    def description(self) -> str:
        """What it shows, for those who don't see it."""
        ...


class Prompted(Protocol):
    """What the model reads."""

    @property
    def prompt(self) -> str:
        """The story's newest text, the author's note in it."""
        ...

    @property
    def pinned(self) -> str:
        """Memory and lore."""
        ...

    @property
    def task(self) -> StoryTask:
        """For the worker."""
        ...


class ScenarioLike(Protocol):
    """How a story may begin."""

    @property
    def title(self) -> str:
        """Marked for translation."""
        ...

    @property
    def description(self) -> str:
        """Marked for translation."""
        ...

    @property
    def opening(self) -> str:
        """The story's first text, in English."""
        ...

    @property
    def memory(self) -> str:
        """What the model is always told."""
        ...

    @property
    def note(self) -> str:
        """The author's note."""
        ...

    @property
    def lore(self) -> Sequence[LoreEntry]:
        """Entries that are pulled in by their words."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """A story as it is to begin.

    Attributes:
        story_id: the interaction that begins it.
        mode: which game.
        guild_id: the server, or None in direct messages.
        channel_id: the thread or channel it is played in.
        owner: who begins it.
        title: as typed or as the scenario's; cleaned by the rules.
        language: of the words around the text.
        opening: the first text, or "".
        memory: what the model is always told.
        note: the author's note.
        lore: entries pulled in by their words.
    """

    story_id: str
    mode: Mode
    guild_id: int | None
    channel_id: int
    owner: Actor
    title: str
    language: str
    opening: str = ""
    memory: str = ""
    note: str = ""
    lore: tuple[LoreEntry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What somebody wants to begin.

    Attributes:
        mode: which game.
        title: as typed, or "".
        opening: the first text, or "".
        memory: what the model is always told.
        note: the author's note.
        lore: entries pulled in by their words.
        file_text: an exported story to go on with instead, or "".
    """

    mode: Mode
    title: str = ""
    opening: str = ""
    memory: str = ""
    note: str = ""
    lore: tuple[LoreEntry, ...] = ()
    file_text: str = ""


Export = Callable[[Story, Sequence[Passage]], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryTools:
    """Rules, prompts, pictures and exports.

    Attributes:
        play: the rules of all modes.
        begin: makes a new story with its first passages.
        build: the prompt of a turn, of story, path and the player's words above the model's.
        draw_map: the tree as a picture.
        draw_context: what the model read last as a picture.
        exports: by the file's ending: md, txt, html, json.
        read: an exported story and its passages; raises RequestError for anything else.
        recap: the story so far in short, of its path.
        scenarios: the shipped ones by their names.
    """

    play: Callable[[Story, Move, Actor, Near], Step]
    begin: Callable[[Beginning], tuple[Story, tuple[Passage, ...]]]
    build: Callable[[Story, Sequence[Passage], Sequence[Passage]], Prompted]
    draw_map: Callable[[Story, Sequence[Passage]], Drawn]
    draw_context: Callable[[Story], Drawn]
    exports: Mapping[str, Export]
    read: Callable[[str], tuple[Story, Sequence[Passage]]]
    recap: Callable[[Sequence[Passage]], str]
    scenarios: Mapping[str, ScenarioLike]
