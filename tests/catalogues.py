"""Small catalogues in place of the real ones, for tests of what is said in which language."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from bot import language

HEAD = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"""


@contextmanager
def only_catalogues(folder: Path, **files: str) -> Generator[None]:
    """Makes these the only ones, for a while.

    Args:
        folder: an empty one.
        files: the content of each language's file, by its code ("pt_BR" for "pt-BR").
    """
    for code, content in files.items():
        (folder / f"{code.replace('_', '-')}.po").write_text(content, encoding="utf-8")
    with mock.patch.object(language, "_catalogues", lambda: folder):
        language._catalogue.cache_clear()
        yield
    language._catalogue.cache_clear()


def po(messages: dict[str | tuple[str, str], str]) -> str:
    """A catalogue's file.

    Args:
        messages: translations by message, or by (context, message).
    """
    parts = [HEAD]
    for key, translated in messages.items():
        context, message = key if isinstance(key, tuple) else (None, key)
        if context is not None:
            parts.append(f'msgctxt "{context}"')
        parts += [f'msgid "{message}"', f'msgstr "{translated}"', ""]
    return "\n".join(parts)
