"""A small discord.py bot for the tests of the local Discord, run as a process of its own.

Reads the addresses from the environment as Bardling does. Not a test module.
"""

import asyncio
import base64
import io
import os
import re

import discord
import discord.gateway
import discord.http
import yarl
from discord import app_commands
from discord.ext import commands

from tests.e2e.small_bot_parts import German, Parts, add_parts
from tests.e2e.small_bot_values import PIXEL

SENTENCE = "Hwaet! We have heard of the glory of the Spear-Danes in the days of old"


class StopButton(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=r"small:stop:(?P<n>\d+)"
):
    """A button that is found again by its id, also after a restart."""

    def __init__(self, n: int) -> None:
        super().__init__(discord.ui.Button(label="Stop", custom_id=f"small:stop:{n}"))
        self.n = n

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction,
        item: discord.ui.Item,
        match: re.Match[str],
        /,
    ) -> "StopButton":
        return cls(int(match["n"]))

    async def callback(self, interaction: discord.Interaction) -> None:
        await interaction.response.edit_message(content=f"Stopped {self.n}.", view=None)


class Form(discord.ui.Modal, title="A form"):
    """One short and one long field."""

    name = discord.ui.TextInput(label="Your name", max_length=20)
    story = discord.ui.TextInput(
        label="Your story", style=discord.TextStyle.paragraph, required=False, default="Once"
    )

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"{self.name.value} says: {self.story.value}")


class FormButton(discord.ui.View):
    """A persistent view whose button opens the form."""

    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(label="Write", custom_id="small:form", style=discord.ButtonStyle.primary)
    async def write(self, interaction: discord.Interaction, _button: discord.ui.Button) -> None:
        await interaction.response.send_modal(Form())


class SmallBot(commands.AutoShardedBot):
    """No privileged intents, like Bardling."""

    def __init__(self) -> None:
        super().__init__(
            command_prefix=commands.when_mentioned,
            intents=discord.Intents(guilds=True),
            allowed_mentions=discord.AllowedMentions.none(),
        )

    async def setup_hook(self) -> None:
        add_commands(self.tree)
        add_odd_commands(self.tree)
        add_parts(self.tree)
        await self.tree.set_translator(German())
        self.add_view(FormButton())
        self.add_view(Parts())
        self.add_dynamic_items(StopButton)
        await self.tree.sync()


def add_commands(tree: app_commands.CommandTree) -> None:
    """What the tests and the page's tests use."""

    @tree.command(description="Says it again")
    async def echo(interaction: discord.Interaction, text: str) -> None:
        await interaction.response.send_message(text)

    @tree.command(description="Writes a text that grows")
    @app_commands.describe(
        prompt="What to go on with",
        length="How many words",
        pace="Seconds between edits",
        style="How it sounds",
        loud="Whether to shout",
    )
    @app_commands.choices(
        style=[
            app_commands.Choice(name="Old", value="old"),
            app_commands.Choice(name="New", value="new"),
        ]
    )
    async def grow(
        interaction: discord.Interaction,
        prompt: str,
        length: app_commands.Range[int, 1, 15] = 5,
        pace: app_commands.Range[float, 0.0, 5.0] = 0.1,
        style: app_commands.Choice[str] | None = None,
        loud: bool = False,
    ) -> None:
        await interaction.response.defer(thinking=True)
        view = discord.ui.View(timeout=None).add_item(StopButton(length))
        words = SENTENCE.split()[:length]
        for n in range(1, len(words) + 1):
            await asyncio.sleep(pace)
            text = " ".join(words[:n])
            text = text.upper() if loud else text
            last = n == len(words)
            end = f"\n-# {style.name if style else 'Plain'} style" if last else ""
            await interaction.edit_original_response(
                content=f"**{prompt}** {text}{end}", view=None if last else view
            )


def add_odd_commands(tree: app_commands.CommandTree) -> None:
    """Answers of other kinds: for one alone, none at all, a form, a picture, choices, a menu."""

    @tree.command(description="Tells you alone")
    async def secret(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("Only for you.", ephemeral=True)

    @tree.command(description="Never answers")
    async def silent(interaction: discord.Interaction) -> None:
        await asyncio.sleep(30)

    @tree.command(description="Offers a form")
    async def form(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("Press to write.", view=FormButton())

    @tree.command(description="Sends a picture")
    async def picture(interaction: discord.Interaction) -> None:
        file = discord.File(io.BytesIO(base64.b64decode(PIXEL)), "pixel.png")
        embed = discord.Embed(title="A picture", description="One *pixel*", color=0x5865F2)
        embed.add_field(name="Width", value="1")
        await interaction.response.send_message(embed=embed, file=file)

    @tree.command(description="Finds a name")
    async def find(interaction: discord.Interaction, name: str) -> None:
        await interaction.response.send_message(f"Found {name}.")

    @find.autocomplete("name")
    async def find_name(
        interaction: discord.Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        names = ("Grendel", "Grendel's mother", "Beowulf")
        return [
            app_commands.Choice(name=name, value=name)
            for name in names
            if name.lower().startswith(current.lower())
        ]

    @tree.command(description="Says where it is, and where a channel is")
    async def where(
        interaction: discord.Interaction, channel: discord.TextChannel | None = None
    ) -> None:
        installed = interaction.is_guild_integration()
        named = channel and f"#{channel.name}, {channel.id}"
        await interaction.response.send_message(f"installed: {installed}, channel: {named}")

    @tree.context_menu(name="Count letters")
    async def count(interaction: discord.Interaction, message: discord.Message) -> None:
        await interaction.response.send_message(f"{len(message.content)} letters.")


def main() -> None:
    """Points discord.py at the local Discord and runs until it is killed."""
    discord.http.Route.BASE = os.environ["DISCORD_API_URL"]
    gateway = yarl.URL(os.environ["DISCORD_GATEWAY_URL"])
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = gateway
    SmallBot().run(os.environ["DISCORD_TOKEN"])


if __name__ == "__main__":
    main()
