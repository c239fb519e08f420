"""More of the small bot: files, menus, components, forms, languages, and use as one's own app.

Each command tells what reached the bot, so that the tests can look at it. Not a test module.
"""

import base64
import io

import discord
from discord import app_commands

from tests.e2e.small_bot_values import PIXEL

SELECT_OPTIONS = [
    discord.SelectOption(label="First", value="1", description="The oldest"),
    discord.SelectOption(label="Second", value="2"),
]


GERMAN = {
    "words": "worte",
    "Says who you are": "Sagt, wer du bist",
    "mood": "laune",
    "Sad": "Traurig",
    "Write about it": "Darüber schreiben",
}


def picture(name: str, description: str | None = None) -> discord.File:
    """One pixel as a PNG."""
    return discord.File(io.BytesIO(base64.b64decode(PIXEL)), name, description=description)


def text(name: str, content: str) -> discord.File:
    return discord.File(io.BytesIO(content.encode()), name)


class German(app_commands.Translator):
    """A few words of German."""

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        return GERMAN.get(string.message) if locale is discord.Locale.german else None


class Survey(discord.ui.Modal, title="A survey"):
    """The newer components: labels with a text, a select, a box, boxes and dots."""

    line = discord.ui.Label(
        text="Your line", description="As you like it", component=discord.ui.TextInput(default="Hm")
    )
    place = discord.ui.Label(text="Which one", component=discord.ui.Select(options=SELECT_OPTIONS))
    seed = discord.ui.Label(text="Keep the seed", component=discord.ui.Checkbox(default=True))
    extras = discord.ui.Label(
        text="Extras",
        component=discord.ui.CheckboxGroup(
            options=[
                discord.CheckboxGroupOption(label="Milk", value="milk"),
                discord.CheckboxGroupOption(label="Honey", value="honey"),
            ],
            required=False,
        ),
    )

    async def on_submit(self, interaction: discord.Interaction) -> None:
        line, place, seed, extras = (
            part.component for part in (self.line, self.place, self.seed, self.extras)
        )
        told = f"{line.value} {place.values} {seed.value} {sorted(extras.values)}"
        if interaction.message is None:
            await interaction.response.send_message(told)
        else:
            await interaction.response.edit_message(content=told)


class Parts(discord.ui.View):
    """A persistent view: each component answers in another of Discord's ways."""

    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(emoji="◀", custom_id="parts:back")
    async def back(self, interaction: discord.Interaction, _button: discord.ui.Button) -> None:
        """Type 6, then an edit of the message it sits on, then a follow-up."""
        await interaction.response.defer()
        await interaction.edit_original_response(content="Edited later.")
        await interaction.followup.send("And one more.", ephemeral=True)

    @discord.ui.button(emoji="▶", custom_id="parts:forward", disabled=True)
    async def forward(self, interaction: discord.Interaction, _button: discord.ui.Button) -> None:
        """Never pressed."""

    @discord.ui.button(label="Ask", custom_id="parts:ask")
    async def ask(self, interaction: discord.Interaction, _button: discord.ui.Button) -> None:
        """Type 9; the form's answer is of type 7."""
        await interaction.response.send_modal(Survey())

    @discord.ui.button(label="Redraw", custom_id="parts:redraw")
    async def redraw(self, interaction: discord.Interaction, _button: discord.ui.Button) -> None:
        """Type 6, then a multipart edit that keeps one file, drops one and adds one."""
        await interaction.response.defer()
        kept = [f for f in interaction.message.attachments if f.filename == "story.txt"]
        await interaction.edit_original_response(
            attachments=[*kept, picture("new.png", "A newer pixel")]
        )

    @discord.ui.select(placeholder="Which one", custom_id="parts:pick", options=SELECT_OPTIONS)
    async def pick(self, interaction: discord.Interaction, select: discord.ui.Select) -> None:
        """Type 7."""
        await interaction.response.edit_message(content=f"Picked {select.values}.")


def add_parts(tree: app_commands.CommandTree) -> None:
    """Commands beside those of `small_bot`."""
    add_files(tree)
    add_places(tree)

    @tree.context_menu(name="Write about it")
    async def ask(interaction: discord.Interaction, message: discord.Message) -> None:
        form = Survey(title=f"{message.content} {[f.filename for f in message.attachments]}"[:45])
        await interaction.response.send_modal(form)

    @tree.command(description="Shows many parts")
    async def parts(interaction: discord.Interaction) -> None:
        files = [
            picture("pixel.png", "A pixel"),
            picture("SPOILER_secret.png", "A hidden pixel"),
            text("story.txt", "Once upon a time\n" * 100),
        ]
        await interaction.response.send_message("Many parts.", files=files, view=Parts())


def add_files(tree: app_commands.CommandTree) -> None:
    @tree.command(description="Reads a file")
    async def read(
        interaction: discord.Interaction, file: discord.Attachment, note: str | None = None
    ) -> None:
        data = await file.read()
        told = f"{file.filename} {file.size} {file.content_type} {data.decode()!r} {note}"
        await interaction.response.send_message(told)


def add_places(tree: app_commands.CommandTree) -> None:
    @tree.command(description="Says who you are")
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.choices(mood=[app_commands.Choice(name="Sad", value="sad")])
    async def words(
        interaction: discord.Interaction, mood: app_commands.Choice[str] | None = None
    ) -> None:
        channel = interaction.channel
        restricted = isinstance(channel, discord.TextChannel) and channel.nsfw
        await interaction.response.send_message(
            f"locale {interaction.locale}, server's {interaction.guild_locale}, "
            f"by server {interaction.is_guild_integration()}, "
            f"by user {interaction.is_user_integration()}, "
            f"restricted {restricted}, mood {mood and mood.value}"
        )

    @tree.command(description="Sends many messages")
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    async def many(interaction: discord.Interaction, n: int) -> None:
        await interaction.response.defer(thinking=True)
        await interaction.edit_original_response(content="The reply.")
        try:
            for number in range(1, n + 1):
                await interaction.followup.send(f"Number {number}.")
        except discord.HTTPException as error:
            await interaction.edit_original_response(content=f"{error.status} {error.code}")
