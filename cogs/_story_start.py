"""`/story start`: a story in a thread of its own, or here; and the form for one's own scenario.

A part of the `/story` cog. Not an extension.
"""

import contextlib
from dataclasses import replace

import discord
import structlog
from discord import app_commands
from discord.ext import commands

from bot.core.markdown import MAX_MESSAGE, shortened
from bot.errors import PromptError, StoryError
from bot.language import option, tr
from bot.services.story_hands import Played
from bot.services.story_tools import Plan
from bot.stories.buttons import invite_rows, story_start_id
from bot.stories.lore_lines import read_lore
from bot.stories.passages import MAX_PASSAGE_CHARACTERS
from bot.stories.show import mode_name, one_line
from bot.stories.story import (
    MAX_MEMORY_CHARACTERS,
    MAX_NOTE_CHARACTERS,
    MAX_TITLE_CHARACTERS,
    Mode,
)
from cogs._access import NO_MENTIONS
from cogs._first_answer import defer
from cogs._forms import Field, FormAnswer, show_form
from cogs._pages import view_of
from cogs._story import answer_id, hand_of, show_turn
from cogs._story_answers import Interaction, files_of, stories_of

_MAX_IMPORT_BYTES = 2_000_000
_MAX_THREAD_NAME = 100
_MAX_CHOICES, _MAX_CHOICE = 25, 100
_MODES = [
    app_commands.Choice(name="adventure: you act, the model tells what happens", value="adventure"),
    app_commands.Choice(name="relay: players write in turn, the model now and then", value="relay"),
    app_commands.Choice(name="branches: the model offers, everybody votes", value="branches"),
    app_commands.Choice(name="free: anybody writes, the model when asked", value="free"),
]

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class StoryStart(commands.Cog):
    """A command of the group."""

    @app_commands.command(description="Begins a story, in a thread of its own")
    @app_commands.describe(
        mode="Which game",
        title="Its title",
        scenario="How it begins: one of the shipped ones",
        opening="How it begins: the first words",
        own="Whether a form opens for a scenario of your own",
        here="Whether it is played in this very channel",
        file="A story that was exported as JSON, to go on with",
    )
    @app_commands.choices(mode=_MODES)
    async def start(  # as many options as the command has
        self,
        interaction: Interaction,
        mode: str,
        title: app_commands.Range[str, 1, MAX_TITLE_CHARACTERS] | None = None,
        scenario: app_commands.Range[str, 1, 100] | None = None,
        opening: app_commands.Range[str, 1, MAX_PASSAGE_CHARACTERS] | None = None,
        own: bool = False,
        here: bool = False,
        file: discord.Attachment | None = None,
    ) -> None:
        """From a scenario, an opening, a form or a file; or from nothing."""
        plan = Plan(mode=Mode(mode), title=title or "", opening=opening or "")
        if scenario is not None:
            plan = _from_scenario(interaction, plan, scenario)
        if own:
            form_id = story_start_id(plan.mode, is_here=here)
            await show_form(interaction, tr("Your own scenario"), form_id, _fields(plan))
            return
        await defer(interaction)
        if file is not None:
            plan = replace(plan, file_text=await _text_of(file))
        await start_story(interaction, plan, is_here=here)

    @start.autocomplete("scenario")
    async def _scenarios(
        self, interaction: Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        """Titles, each with what it is about."""
        typed = current.casefold()
        found = {
            name: f"{tr(one.title)}: {tr(one.description)}"
            for name, one in stories_of(interaction.client).tools.scenarios.items()
        }
        return [
            app_commands.Choice(name=line[:_MAX_CHOICE], value=name)
            for name, line in found.items()
            if typed in f"{name} {line}".casefold()
        ][:_MAX_CHOICES]


async def start_from_form(interaction: Interaction, answer: FormAnswer) -> None:
    """The form for one's own scenario was sent."""
    values = answer.values
    plan = Plan(
        mode=Mode(answer.id["mode"]),
        title=values.get("title", "").strip(),
        opening=values.get("opening", "").strip(),
        memory=values.get("memory", "").strip(),
        note=values.get("note", "").strip(),
        lore=read_lore(values.get("lore", "")),
    )
    await defer(interaction)
    await start_story(interaction, plan, is_here=answer.id["is_here"] == "1")


async def start_story(interaction: Interaction, plan: Plan, *, is_here: bool) -> None:
    """Begins a story in answer to a public defer.

    Raises:
        RequestError: it is refused; no thread is left.
    """
    stories = stories_of(interaction.client)
    channel = interaction.channel
    if is_here or not isinstance(channel, discord.TextChannel) or not _is_member(interaction):
        hand = hand_of(interaction, await answer_id(interaction))
        await show_turn(interaction, await stories.start(plan, hand))
        return
    hand = hand_of(interaction)
    await stories.check_start(plan, hand)
    mask = await stories.mask(hand.asker.guild_id)
    thread = await _thread(channel, mask(plan.title) or tr("A story"))
    try:
        played = await stories.start(plan, hand, thread.id)
    except BaseException:
        with contextlib.suppress(discord.HTTPException, OSError):
            await thread.delete()
        raise
    await _open(interaction, thread, played)


async def _open(interaction: Interaction, thread: discord.Thread, played: Played) -> None:
    """The first message in the thread, and the way there."""
    stories, message = stories_of(interaction.client), played.message
    if message is not None:
        try:
            posted = await thread.send(
                message.content,
                view=view_of(message.components),
                files=files_of(message),
                allowed_mentions=NO_MENTIONS,
            )
            await stories.noted_message(played.story.id, posted.id)
        except (discord.DiscordException, OSError) as error:
            # The first move's answer is the living message then.
            _log.info("thread not opened", reason=type(error).__name__)
    await interaction.edit_original_response(
        content=await invitation(interaction, played),
        view=view_of(invite_rows(played.story)),
        allowed_mentions=NO_MENTIONS,
    )


async def invitation(interaction: Interaction, played: Played) -> str:
    """What stands above a Join button."""
    story = played.story
    mask = await stories_of(interaction.client).mask(story.guild_id)
    told = tr(
        "📖 **{title}** ({mode}) is played in {place}; come along, or just read.",
        title=one_line(mask(story.title)),
        mode=mode_name(story.mode),
        place=f"<#{story.channel_id}>",
    )
    return shortened(told, MAX_MESSAGE)


async def _thread(channel: discord.TextChannel, title: str) -> discord.Thread:
    kind = (
        discord.ChannelType.news_thread if channel.is_news() else discord.ChannelType.public_thread
    )
    name = " ".join(title.split())[:_MAX_THREAD_NAME] or "…"
    try:
        return await channel.create_thread(name=name, type=kind)
    except discord.Forbidden as error:
        raise StoryError(
            tr(
                "I may not make threads here; say `{here}: True` to play in this channel, or have "
                "an admin let me create public threads and write in them.",
                here=option("here"),
            )
        ) from error
    except discord.HTTPException as error:
        raise StoryError(
            tr(
                "Discord does not make a thread here now; say `{here}: True` to play in this "
                "channel, or try again later.",
                here=option("here"),
            )
        ) from error


def _is_member(interaction: Interaction) -> bool:
    """Whether the bot itself is in this server."""
    return interaction.guild_id is not None and interaction.is_guild_integration()


def _from_scenario(interaction: Interaction, plan: Plan, name: str) -> Plan:
    scenarios = stories_of(interaction.client).tools.scenarios
    found = scenarios.get(name)
    if found is None:  # typed, not chosen
        wanted = name.casefold()
        found = next(
            (one for one in scenarios.values() if tr(one.title).casefold() == wanted), None
        )
    if found is None:
        raise StoryError(tr("There is no such scenario; choose one from the list."))
    return replace(
        plan,
        title=plan.title or tr(found.title),
        opening=plan.opening or found.opening,
        memory=found.memory,
        note=found.note,
        lore=tuple(found.lore),
    )


def _fields(plan: Plan) -> list[Field]:
    lore = "\n".join(f"{', '.join(one.keys)}: {one.text}" for one in plan.lore)
    return [
        Field(id="title", label=tr("Title"), value=plan.title, max_length=MAX_TITLE_CHARACTERS),
        Field(
            id="opening",
            label=tr("The first words"),
            value=plan.opening[:MAX_PASSAGE_CHARACTERS],
            is_long=True,
            max_length=MAX_PASSAGE_CHARACTERS,
        ),
        Field(
            id="memory",
            label=tr("Always remembered"),
            value=plan.memory,
            description=tr("Who is who, where we are, what must not be forgotten"),
            is_long=True,
            max_length=MAX_MEMORY_CHARACTERS,
        ),
        Field(
            id="note",
            label=tr("The author's note"),
            value=plan.note,
            description=tr("Such as: dark, slow, with many smells"),
            max_length=MAX_NOTE_CHARACTERS,
        ),
        Field(
            id="lore",
            label=tr("Lore, an entry a line"),
            value=lore[:4000],
            description=tr("Such as: dragon, wyrm: It sleeps under the hill"),
            is_long=True,
        ),
    ]


async def _text_of(file: discord.Attachment) -> str:
    if file.size > _MAX_IMPORT_BYTES:
        raise PromptError(tr("The file is too long: 2 MB is the most I can take."))
    try:
        return (await file.read()).decode()
    except UnicodeDecodeError as error:
        raise PromptError(tr("This file is no story that was exported as JSON.")) from error
    except (discord.HTTPException, OSError) as error:
        raise PromptError(
            tr("Discord does not give me that file; please attach it again.")
        ) from error
