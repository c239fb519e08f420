"""Who may do what with a finished text, and which of its versions is meant. Used by services."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.outputs import Output
from bot.errors import OutputError
from bot.language import mark, tr

_GONE = mark("Nothing is kept of this text any more, so its buttons don't work; ask for a new one.")
_NOT_YOURS = mark("Only the one who asked for this text, or a moderator, can do this.")
_CHOOSE = mark("Please keep one of these texts first.")


@dataclass(frozen=True, slots=True)
class Version:
    """One text of a reply, among all that the reply has.

    Attributes:
        all: the reply's texts, the oldest first; at least one.
        index: of the one that is meant, from 0.
    """

    all: tuple[Output, ...]
    index: int

    @property
    def output(self) -> Output:
        """The one that is meant."""
        return self.all[self.index]

    @property
    def is_choice(self) -> bool:
        """Whether it is one of several candidates, of which none was kept yet."""
        return sum(one.job_id == self.output.job_id for one in self.all) > 1


def version_at(outputs: Sequence[Output], index: int) -> Version:
    """The version of an index, or the last one where there are not so many any more.

    Raises:
        OutputError: there is none at all.
    """
    if not outputs:
        raise OutputError(tr(_GONE))
    return Version(tuple(outputs), min(index, len(outputs) - 1))


def version_of(outputs: Sequence[Output], code: str) -> Version:
    """The version with this code.

    Raises:
        OutputError: there is none.
    """
    for index, output in enumerate(outputs):
        if output.code == code:
            return Version(tuple(outputs), index)
    raise OutputError(tr(_GONE))


def check_may_use(version: Version, user_id: int, *, is_moderator: bool) -> None:
    """Refuses who has not asked for any version of the reply and is no moderator.

    Raises:
        OutputError: they may not.
    """
    if not is_moderator and all(one.user_id != user_id for one in version.all):
        raise OutputError(tr(_NOT_YOURS))


def check_is_chosen(version: Version) -> None:
    """Refuses to go on while there is still a choice between candidates.

    Raises:
        OutputError: there is.
    """
    if version.is_choice:
        raise OutputError(tr(_CHOOSE))
