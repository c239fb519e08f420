"""`/play`: the scored games, their buttons and forms.

What a game is and how it looks is decided by its rules (`bot.play`); this only carries clicks
there and messages back. A button's state is in its id, so that it works after a restart.
"""

import re
from collections.abc import Mapping

import discord
import structlog
from discord import app_commands
from discord.ext import commands

from bot.core.markdown import escape
from bot.errors import RequestError, StoryError
from bot.language import number, slash, tr, tr_n
from bot.play.api import Act, Button, Game, Standing
from bot.play.games import PLAY_FORM_TEMPLATE, PLAY_TEMPLATE, custom_id
from bot.play.passages import passages
from bot.services import Services
from bot.services.play import PlayedGame
from cogs._access import NO_MENTIONS, answer_error, services_of
from cogs._first_answer import defer
from cogs._forms import Field, FormAnswer, form_answer, show_form
from cogs._pages import view_of
from cogs._texts import click_of

_Interaction = discord.Interaction[discord.Client]
_MOST_LOOKS = 3  # at a game that others change while it is shown

_CHOICES = [app_commands.Choice(name=game.value, value=game.value) for game in Game]


class PlayButton(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=PLAY_TEMPLATE
):
    """A button of a scored game, rebuilt from its `custom_id` whenever it is clicked."""

    def __init__(self, item: discord.ui.Button[discord.ui.View], match: re.Match[str]) -> None:
        super().__init__(item)
        self._action = match["action"]
        self._session_id = match["session"]
        self._value = match["value"] or ""

    @classmethod
    async def from_custom_id(
        cls, interaction: _Interaction, item: discord.ui.Item[discord.ui.View],
        match: re.Match[str], /,
    ) -> "PlayButton":  # fmt: skip
        """Called by discord.py for a click on any button whose id matches the template."""
        assert isinstance(item, discord.ui.Button)
        return cls(item, match)

    async def callback(self, interaction: _Interaction) -> None:
        """Does what the button says, or tells the one who clicked why not."""
        structlog.contextvars.bind_contextvars(session_id=self._session_id)
        try:
            await self._act(interaction, services_of(interaction.client))
        except Exception as error:  # discord.py would only log it, and the click stay unanswered
            await answer_error(interaction, error)

    async def _act(self, interaction: _Interaction, services: Services) -> None:
        button = await services.play.button(self._session_id, self._action, self._value)
        if button.form:
            await _show_button_form(interaction, self._session_id, button)
            return
        await interaction.response.defer()
        act = Act(self._action, self._value)
        await _play(interaction, services, self._session_id, act)


async def _show_button_form(interaction: _Interaction, session_id: str, button: Button) -> None:
    fields = [
        Field(
            id=f"field{place}",
            label=field.label,
            description=field.placeholder,
            is_long=field.is_long,
            is_required=True,
            max_length=field.max_length,
        )
        for place, field in enumerate(button.form)
    ]
    form_id = custom_id(session_id, button, is_form=True)
    await show_form(interaction, button.form_title, form_id, fields)


async def _play(interaction: _Interaction, services: Services, session_id: str, act: Act) -> None:
    """Makes the move of a click that was deferred, and shows what comes of it."""
    click = click_of(interaction)
    played = await services.play.act(session_id, act, click, interaction.user.display_name)
    await _show(interaction, services, played)
    if played.notice:
        await interaction.followup.send(played.notice, ephemeral=True, allowed_mentions=NO_MENTIONS)


async def _show(interaction: _Interaction, services: Services, played: PlayedGame) -> None:
    """Shows a game, then asks the model for what it needs: its worker edits the same message."""
    ask = played.ask
    for _ in range(_MOST_LOOKS):
        await interaction.edit_original_response(
            content=played.message.content,
            view=view_of(played.message.components),
            allowed_mentions=NO_MENTIONS,
        )
        if ask is not None:
            break
        newest = await services.play.look(played.session.id)
        if newest.revision == played.revision:
            return  # else another click, or a worker, has changed it in the same moment
        played = newest
    if ask is None:
        return
    click = click_of(interaction)
    try:
        await services.play.put(played, click.asker, click.reply)
    except RequestError as error:  # the game stays, and says how it can be tried again
        newest = await services.play.look(played.session.id)
        await interaction.edit_original_response(
            content=newest.message.content,
            view=view_of(newest.message.components),
            allowed_mentions=NO_MENTIONS,
        )
        await interaction.followup.send(str(error), ephemeral=True, allowed_mentions=NO_MENTIONS)


@app_commands.allowed_installs(guilds=True, users=True)
@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
class Play(commands.GroupCog, group_name="play", group_description="Games with points"):
    """The commands, and the forms' answers."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @app_commands.command()
    @app_commands.describe(
        opening="The sentence to go on with; left out: one of mine",
        write_seconds="How long people may write (30 to 900, usually 180)",
        guess_seconds="How long people may guess (30 to 900, usually 120)",
        rated="Counts for this server's table",
        model="Which model hides among the people",
    )
    async def imposter(
        self,
        interaction: _Interaction,
        opening: app_commands.Range[str, 1, 200] | None = None,
        write_seconds: app_commands.Range[int, 30, 900] | None = None,
        guess_seconds: app_commands.Range[int, 30, 900] | None = None,
        rated: bool = False,
        model: str | None = None,
    ) -> None:
        """People and the model go on with the same sentence; who is the machine?"""
        options = {
            "opening": opening, "write_seconds": write_seconds, "guess_seconds": guess_seconds,
            "rated": rated, "model": model,
        }  # fmt: skip
        await self._begin(interaction, Game.IMPOSTER, options)

    @app_commands.command()
    @app_commands.describe(
        text="The hidden text; left out: one by chance",
        rounds="How many words (1 to 10, usually 5)",
        seconds="How long bets are taken (15 to 300, usually 45)",
        rated="Counts for this server's table",
        model="Which model bets along",
    )
    async def nextword(
        self,
        interaction: _Interaction,
        text: str | None = None,
        rounds: app_commands.Range[int, 1, 10] | None = None,
        seconds: app_commands.Range[int, 15, 300] | None = None,
        rated: bool = False,
        model: str | None = None,
    ) -> None:
        """Bet on the next word of a hidden text, against the model's own odds."""
        options = {
            "text": text, "rounds": rounds, "seconds": seconds, "rated": rated, "model": model,
        }  # fmt: skip
        await self._begin(interaction, Game.NEXTWORD, options)

    @nextword.autocomplete("text")
    async def _texts(
        self, interaction: _Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        del interaction
        found = [title for title in passages("nextword") if current.casefold() in title.casefold()]
        return [app_commands.Choice(name=title, value=title) for title in found[:25]]

    @app_commands.command()
    @app_commands.describe(
        rounds="How many texts (1 to 10, usually 5)",
        seconds="How long words are taken (15 to 300, usually 60)",
        rated="Counts for this server's table",
        model="Which model you play against",
    )
    async def lastword(
        self,
        interaction: _Interaction,
        rounds: app_commands.Range[int, 1, 10] | None = None,
        seconds: app_commands.Range[int, 15, 300] | None = None,
        rated: bool = False,
        model: str | None = None,
    ) -> None:
        """A duel with the model: who knows the last word of a text?"""
        options = {"rounds": rounds, "seconds": seconds, "rated": rated, "model": model}
        await self._begin(interaction, Game.LASTWORD, options)

    @app_commands.command()
    @app_commands.choices(game=_CHOICES)
    @app_commands.describe(game="Of which game")
    async def table(self, interaction: _Interaction, game: app_commands.Choice[str]) -> None:
        """This server's table of rated games."""
        click = click_of(interaction)
        if click.asker.guild_id is None:
            raise StoryError(tr("There are tables in servers only."))
        await defer(interaction)
        standings = await self._services.play.table(click.asker.guild_id, Game(game.value))
        await interaction.edit_original_response(
            content=table_text(game.value, standings), allowed_mentions=NO_MENTIONS
        )

    @app_commands.command()
    async def end(self, interaction: _Interaction) -> None:
        """Ends the game of this channel."""
        await defer(interaction, ephemeral=True)
        play, click = self._services.play, click_of(interaction)
        session_id = await play.here(click.reply.channel_id)
        played = await play.act(session_id, Act("end"), click, interaction.user.display_name)
        await self._edit_message(interaction, played)
        await interaction.edit_original_response(content=tr("The game is over."))

    @commands.Cog.listener()
    async def on_interaction(self, interaction: _Interaction) -> None:
        """Called by discord.py for everything; takes the answers to the games' forms."""
        if answer := form_answer(interaction, PLAY_FORM_TEMPLATE):
            try:
                await self._take_form(interaction, answer)
            except Exception as error:  # discord.py would only log it
                await answer_error(interaction, error)

    async def _take_form(self, interaction: _Interaction, answer: FormAnswer) -> None:
        await interaction.response.defer()
        typed = [answer.values.get(f"field{place}", "") for place in (0, 1)]
        value = answer.id["value"] or ""
        first, second = (value, typed[0]) if value else (typed[0], typed[1])
        act = Act(answer.id["action"], first, second)
        await _play(interaction, self._services, answer.id["session"], act)

    async def _begin(
        self, interaction: _Interaction, game: Game, options: Mapping[str, object]
    ) -> None:
        await defer(interaction)
        play = self._services.play
        name = interaction.user.display_name
        played = await play.begin(game, options, click_of(interaction), name)
        message = await interaction.original_response()
        await play.noted_message(played.session.id, message.id)
        await _show(interaction, self._services, played)

    async def _edit_message(self, interaction: _Interaction, played: PlayedGame) -> None:
        """The game's message, which is not the answer of this interaction."""
        channel = interaction.channel
        if not played.session.message_id or not isinstance(channel, discord.abc.Messageable):
            return
        message = discord.PartialMessage(channel=channel, id=played.session.message_id)  # pyright: ignore[reportArgumentType]  # any channel that a command can be used in
        try:
            await message.edit(
                content=played.message.content, view=None, allowed_mentions=NO_MENTIONS
            )
        except (discord.HTTPException, TypeError):
            structlog.get_logger(__name__).info("game not shown", session_id=played.session.id)


def table_text(game: str, standings: list[Standing]) -> str:
    """A server's table as a message."""
    if not standings:
        how = slash(f"play {game}")
        return tr("No rated game was played here yet; begin one with {command}.", command=how)
    lines = [tr("**The table of {game}** · rated games only", game=escape(game))]
    for place, one in enumerate(standings, 1):
        parts = [
            tr_n("{n} game", "{n} games", one.games),
            tr("{points} points", points=number(round(one.points))),
        ]
        if one.brier is not None:
            parts.append(tr("Brier {score}", score=number(round(one.brier, 3))))
        if one.bits is not None:
            parts.append(tr("{bits} bits per word", bits=number(round(one.bits, 2))))
        lines.append(f"{place}. **{escape(one.name)}** · " + " · ".join(parts))
    return "\n".join(lines)


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    bot.add_dynamic_items(PlayButton)
    await bot.add_cog(Play(services_of(bot)))
