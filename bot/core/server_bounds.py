"""What a server's settings may be: checked before they are stored, told in a sentence where not.

Called by `services/servers`, and by the `/server` commands for their options' bounds.
"""

from dataclasses import replace

from bot.core.presets import PRESETS
from bot.core.server_settings import ServerSettings
from bot.core.word_filter import MAX_PATTERNS, MAX_WORDS, check_pattern, clean_word, filter_of
from bot.errors import OptionError
from bot.language import LANGUAGES, listed, tr, tr_n

MAX_CHANNELS = 100  # in each list
MAX_PAUSE_MESSAGE = 200  # characters
_MAX_MODEL_NAME = 100


def checked(settings: ServerSettings) -> ServerSettings:
    """The settings in their stored form: lists sorted, words cleaned.

    Raises:
        OptionError: something is out of its bounds; the sentence gives them.
    """
    message = " ".join((settings.pause_message or "").split()) or None
    if wrong := _out_of_bounds(settings, message or ""):
        raise OptionError(wrong)
    try:
        words = tuple(sorted(set(map(clean_word, settings.filter_words))))
        patterns = tuple(sorted(set(settings.filter_patterns)))
        for pattern in patterns:
            check_pattern(pattern)
        filter_of(words, patterns)
    except ValueError as error:
        raise OptionError(tr("The filter can't take this: {reason}.", reason=error)) from error
    return replace(settings, filter_words=words, filter_patterns=patterns, pause_message=message)


def _out_of_bounds(settings: ServerSettings, message: str) -> str | None:
    """What can't be stored, as a sentence for an admin; None where all can."""
    most_channels = max(len(settings.allowed_channels), len(settings.denied_channels))
    if settings.preset not in {None, *PRESETS}:
        return tr("This can't be done: the presets are {names}.", names=listed(PRESETS))
    if settings.language not in {None, *LANGUAGES}:
        return tr("This can't be done: the languages are {names}.", names=listed(LANGUAGES))
    if len(settings.model or "") > _MAX_MODEL_NAME:
        return tr("This can't be done: there is no such model.")
    return (
        _too_many_channels(most_channels)
        or _too_long_message(message)
        or _too_large_filter(len(settings.filter_words), len(settings.filter_patterns))
    )


def _too_many_channels(count: int) -> str | None:
    if count <= MAX_CHANNELS:
        return None
    return tr_n(
        "This can't be done: a list has room for {n} channel.",
        "This can't be done: a list has room for {n} channels.",
        MAX_CHANNELS,
    )


def _too_long_message(message: str) -> str | None:
    if len(message) <= MAX_PAUSE_MESSAGE:
        return None
    return tr_n(
        "This can't be done: the message has room for {n} character.",
        "This can't be done: the message has room for {n} characters.",
        MAX_PAUSE_MESSAGE,
    )


def _too_large_filter(n_words: int, n_patterns: int) -> str | None:
    if n_words > MAX_WORDS:
        return tr_n(
            "This can't be done: the filter has room for {n} word.",
            "This can't be done: the filter has room for {n} words.",
            MAX_WORDS,
        )
    if n_patterns > MAX_PATTERNS:
        return tr_n(
            "This can't be done: the filter has room for {n} pattern.",
            "This can't be done: the filter has room for {n} patterns.",
            MAX_PATTERNS,
        )
    return None
