"""`/complete` and `/dream`: texts from a prompt, from a file, or from nothing.

They defer and ask; a worker writes the reply. Without a prompt, `/complete` shows a form for long
ones; the other options wait in the form's id, and the answer may come after a restart.
"""

from dataclasses import asdict, replace
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.core.complete_form import FORM_TEMPLATE, FormOptions, form_id, form_options
from bot.core.jobs import MAX_CANDIDATES, MAX_NEW_TOKENS
from bot.core.presets import PRESETS
from bot.core.prompts import MAX_FILE_CHARACTERS
from bot.core.sampling import MAX_SEED
from bot.core.text_request import CompletionRequest
from bot.errors import OptionError, QueueDownError
from bot.language import CHOICE, listed, slash, tr, tr_in
from bot.services import Services
from cogs._access import answer_error, services_of
from cogs._asker import asker_of, is_age_restricted
from cogs._first_answer import defer
from cogs._forms import Field, FormAnswer, form_answer, show_form
from cogs._texts import DEFAULT_LENGTH, reply_target, start_text, text_of_file

_MOST_CHOICES = 25
_MAX_CHOICE = 100  # characters of a choice
_DREAM_LENGTH = 200
_Interaction = discord.Interaction[discord.Client]


class Complete(commands.Cog):
    """The commands that ask for a text."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @app_commands.command(description="Goes on with your text")
    @app_commands.describe(
        prompt="The text to go on with; without it, a form opens that has room for a long one",
        length="How much to write at most, in tokens (about three quarters of a word each)",
        preset="A way of choosing words; the options below override it",
        temperature="How daring: 0 always takes the likeliest word, 1 follows the model, 2 is wild",
        top_k="Choose among this many likeliest tokens only; 0 = among all",
        top_p="Choose among the likeliest tokens that make up this share of probability",
        seed="A number that makes the same text again",
        candidates="How many texts to write, for you to keep one",
        model="The model that writes, where several are served",
        file="A .txt file to go on with, instead of a prompt",
    )
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    async def complete(  # noqa: PLR0913, PLR0917  # as many options as the command has
        self,
        interaction: _Interaction,
        prompt: app_commands.Range[str, 1, 6000] | None = None,
        length: app_commands.Range[int, 1, MAX_NEW_TOKENS] | None = None,
        preset: str | None = None,
        temperature: app_commands.Range[float, 0.0, 2.0] | None = None,
        top_k: app_commands.Range[int, 0, 1000] | None = None,
        top_p: app_commands.Range[float, 0.0, 1.0] | None = None,
        seed: app_commands.Range[int, 0, MAX_SEED] | None = None,
        candidates: app_commands.Range[int, 1, MAX_CANDIDATES] | None = None,
        model: app_commands.Range[str, 1, 100] | None = None,
        file: discord.Attachment | None = None,
    ) -> None:
        """Checks, defers, asks; the text arrives later, from a worker."""
        options = FormOptions(
            length=length,
            preset=preset,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=seed,
            candidates=candidates,
        )
        request = _request(interaction, prompt or "", options, model)
        if prompt is not None and file is not None:
            raise OptionError(tr("Please give a prompt or a file, not both."))
        if prompt is not None:
            await start_text(interaction, self._services, request)
        elif file is not None:
            await self._from_file(interaction, request, file)
        else:
            self._services.texts.prepare(replace(request, prompt="x"))  # the other options
            await show_form(interaction, tr("A long text"), form_id(options), _fields(model))

    async def _from_file(
        self, interaction: _Interaction, request: CompletionRequest, file: discord.Attachment
    ) -> None:
        self._services.texts.prepare(replace(request, prompt="x"))
        await defer(interaction)  # Discord may take its time with the file
        prompt = await text_of_file(file)
        request = replace(request, prompt=prompt, prompt_limit=MAX_FILE_CHARACTERS)
        await start_text(interaction, self._services, request)

    @app_commands.command(description="Lets the model begin a text by itself")
    @app_commands.describe(
        length="How much to write at most, in tokens (about three quarters of a word each)",
        seed="A number that makes the same text again",
    )
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    async def dream(
        self,
        interaction: _Interaction,
        length: app_commands.Range[int, 1, MAX_NEW_TOKENS] = _DREAM_LENGTH,
        seed: app_commands.Range[int, 0, MAX_SEED] | None = None,
    ) -> None:
        """As OpenAI's script for unconditional samples.

        Of its samples OpenAI published two kinds: drawn from all tokens, which is for
        age-restricted channels, and from the 40 likeliest.
        """
        preset = "openai" if is_age_restricted(interaction) else "paper"
        options = FormOptions(length=length, seed=seed, preset=preset)
        request = replace(_request(interaction, "", options, None), is_dream=True)
        await start_text(interaction, self._services, request)

    @complete.autocomplete("preset")
    async def _presets(
        self, interaction: _Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        """Those that may be used in this place, each with what it is for."""
        is_open = is_age_restricted(interaction)
        # Translated as the choices of `/server preset` are, which are the same.
        lines = {
            preset.name: tr_in(CHOICE, f"{preset.name}: {preset.line}")
            for preset in PRESETS.values()
            if is_open or not preset.is_age_restricted
        }
        typed = current.casefold()
        found = {name: line for name, line in lines.items() if typed in f"{name} {line}".casefold()}
        return [
            app_commands.Choice(name=line[:_MAX_CHOICE], value=name)
            for name, line in list(found.items())[:_MOST_CHOICES]
        ]

    @complete.autocomplete("model")
    async def _models(
        self, interaction: _Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        """Models that are served now."""
        del interaction
        try:
            served = await self._services.servers.models()
        except QueueDownError:
            return []
        found = [name for name in served if current.casefold() in name.casefold()]
        return [app_commands.Choice(name=name, value=name) for name in found[:_MOST_CHOICES]]

    @commands.Cog.listener()
    async def on_interaction(self, interaction: _Interaction) -> None:
        """Called by discord.py for everything; takes the answers to this cog's form."""
        if answer := form_answer(interaction, FORM_TEMPLATE):
            try:
                await self._from_form(interaction, answer)
            except Exception as error:  # discord.py would only log it
                await answer_error(interaction, error)

    async def _from_form(self, interaction: _Interaction, answer: FormAnswer) -> None:
        try:
            options = form_options(answer.id["packed"])
        except ValueError as error:
            raise OptionError(
                tr("This form is too old; please type {command} again.", command=slash("complete"))
            ) from error
        model = answer.values.get("model", "").strip() or None
        request = _request(interaction, answer.values.get("prompt", ""), options, model)
        await start_text(interaction, self._services, request)


def _request(
    interaction: _Interaction, prompt: str, options: FormOptions, model: str | None
) -> CompletionRequest:
    if options.preset is not None and options.preset not in PRESETS:
        raise OptionError(
            tr("There is no such preset; choose one of {names}.", names=listed(PRESETS))
        )
    given: dict[str, Any] = asdict(options)
    length, candidates = given.pop("length"), given.pop("candidates")
    return CompletionRequest(
        interaction_id=interaction.id,
        asker=asker_of(interaction),
        reply=reply_target(interaction),
        prompt=prompt,
        max_new_tokens=DEFAULT_LENGTH if length is None else length,
        candidates=1 if candidates is None else candidates,
        model=model,
        is_age_restricted=is_age_restricted(interaction),
        **given,
    )


def _fields(model: str | None) -> list[Field]:
    """Of the form; the model's name is too long for the form's id."""
    fields = [
        Field(id="prompt", label=tr("The text to go on with"), is_long=True, is_required=True)
    ]
    if model is not None:
        fields.append(Field(id="model", label=tr("Model"), value=model, max_length=100))
    return fields


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(Complete(services_of(bot)))
