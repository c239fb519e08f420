"""Tells discord.py the translations of commands, which it registers in all languages at once.

Set on the command tree by `client`; `tools/messages` records with it what there is to translate.
Bounds: https://discord.com/developers/docs/interactions/application-commands#localization
"""

import discord
from discord import app_commands
from discord.app_commands import TranslationContextLocation as Place

from bot.language import CHOICE, COMMAND_NAME, ENGLISH, OPTION_NAME, language_of, translation

MENU_NAME = "menu name"
MAX_NAME, MAX_TEXT = 32, 100  # characters, in every language
_NAMES = {
    Place.command_name: COMMAND_NAME,
    Place.group_name: COMMAND_NAME,
    Place.parameter_name: OPTION_NAME,
}


class CatalogueTranslator(app_commands.Translator):
    """Looks into the catalogues; what has no translation there, or none that Discord would take,
    stays in English."""

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """Called by discord.py for each text of each command and each of Discord's locales."""
        language = language_of(locale.value)
        if language == ENGLISH:
            return None
        kind = context_of(context)
        found = translation(language, string.message, kind)
        return found if found is not None and is_fit(found, kind) else None


def context_of(context: app_commands.TranslationContextTypes) -> str | None:
    """The catalogues' context for a text of a command; None for descriptions, which need none."""
    if isinstance(context.data, app_commands.ContextMenu):
        return MENU_NAME
    return CHOICE if context.location is Place.choice_name else _NAMES.get(context.location)


def is_fit(text: str, context: str | None) -> bool:
    """Whether Discord takes it; one text that it does not take costs all commands."""
    if context in (COMMAND_NAME, OPTION_NAME):
        is_plain = all(one.isalnum() or one in "-_" for one in text)
        return is_plain and text == text.lower() and 1 <= len(text) <= MAX_NAME
    return bool(text.strip()) and len(text) <= (MAX_NAME if context == MENU_NAME else MAX_TEXT)
