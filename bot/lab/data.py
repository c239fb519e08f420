"""A data set's file as tasks read it: text with a name, and how one says where it is broken."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.errors import DataFileError


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of a data set; who made it has seen to it that it is text, and not empty.

    Attributes:
        name: without its folder, for sentences and to tell sets apart.
        text: all of it.
    """

    name: str
    text: str = field(repr=False)

    def lines(self) -> Iterator[tuple[int, str]]:
        """Lines with their numbers, from 1; of those with nothing but blanks, none.

        By line feeds alone: other characters that Python takes for line ends stand in texts.
        """
        for number, line in enumerate(self.text.split("\n"), 1):
            if line.strip():
                yield number, line.removesuffix("\r")

    def broken(self, line: int | None, reason: str) -> DataFileError:
        """The error to raise; see `DataFileError`."""
        return DataFileError(self.name, line, reason)


def only(files: tuple[DataFile, ...], n: int, what: str) -> tuple[DataFile, ...]:
    """The files, if there are as many as a task reads.

    Raises:
        DataFileError: there are more or fewer.
    """
    if len(files) != n:
        raise DataFileError(
            ", ".join(file.name for file in files[:3]), None, f"{what}; {len(files)} were given"
        )
    return files
