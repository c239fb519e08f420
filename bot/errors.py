"""Every error Bardling raises on purpose, as one tree.

Anyone may raise these; only the two edges (the cogs' error handler and the worker's runner) and
the command line turn them into words for a person. Must not import anything of the project.

    BardlingError
    ├── StartupError            the process cannot start or go on; carries an exit code
    │   ├── SettingError        a setting is wrong                              (78)
    │   ├── ModelFileError      a model file is missing, broken or not a GPT-2  (78)
    │   ├── EngineError         no engine can run the model here                (78)
    │   ├── BrokenEngineError   the engine failed too often; a new process may do better  (70)
    │   ├── DataFileError       a data set's file is not what it should be      (65)
    │   ├── DownloadError       what was downloaded is not what it should be    (69)
    │   └── UnreachableError    a service cannot be reached                     (69)
    └── RequestError            what one person asked for cannot be done; the message is for them
        ├── PromptError         the prompt cannot be used
        ├── OptionError         an option is out of its bounds
        ├── StopError           a text can't be stopped, or not by this person
        ├── ModelNotServedError no worker has the model that was asked for
        ├── NotHereError        the host or the server's admins do not want it, or not here
        ├── SettingsError       a server's settings can't be read or changed
        ├── QueueFullError      too many jobs wait already
        ├── LimitReachedError   a limit leaves no room for it; says which, and until when
        ├── NotAllowedError     this person may not do it
        ├── StoryError          a move that a story game does not take now, or not of this person
        ├── ConflictError       somebody else changed the same thing at the same moment
        └── QueueDownError      the queue cannot be reached right now
"""

from collections.abc import Sequence

from bot.language import listed, tr

EX_DATAERR = 65
EX_UNAVAILABLE = 69
EX_SOFTWARE = 70
EX_CONFIG = 78


class BardlingError(Exception):
    """Something went wrong in a way Bardling knows; the message is one sentence for a person."""


class StartupError(BardlingError):
    """The process cannot start, or not go on; the message says why and what to do."""

    exit_code = EX_CONFIG


class SettingError(StartupError):
    """A setting is wrong.

    Attributes:
        name: the setting's name as the person wrote it.
        value: what was found there (never a secret's).
        origin: where it came from, such as "the environment" or a file's path.
    """

    def __init__(self, name: str, value: str, origin: str, reason: str) -> None:
        super().__init__(f"{name} = {value!r} (from {origin}): {reason}.")
        self.name = name
        self.value = value
        self.origin = origin


class ModelFileError(StartupError):
    """A model file is missing, broken or not a GPT-2.

    Attributes:
        path: the file in question.
        reason: a clause that says why it was refused.
    """

    def __init__(self, path: object, reason: str) -> None:
        super().__init__(f"The model file {path} can't be used: {reason}.")
        self.path = str(path)
        self.reason = reason


class EngineError(StartupError):
    """No engine can run this model on this machine."""


class BrokenEngineError(StartupError):
    """The engine failed in many steps in a row; the worker ends, so that it is started anew.

    Attributes:
        engine: its name.
        failures: how many steps.
        reason: what the last one said.
    """

    exit_code = EX_SOFTWARE

    def __init__(self, engine: str, failures: int, reason: str) -> None:
        super().__init__(
            f"The engine {engine} failed {failures} times in a row ({reason}); the worker ends, "
            "and a new one may do better."
        )
        self.engine = engine
        self.failures = failures
        self.reason = reason


class DataFileError(StartupError):
    """A data set's file is not what its task reads.

    Attributes:
        name: the file's.
        line: of what is wrong, from 1; None where it is the whole file.
        reason: a clause that says what is wrong.
    """

    exit_code = EX_DATAERR

    def __init__(self, name: str, line: int | None, reason: str) -> None:
        where = name if line is None else f"{name}, line {line}"
        super().__init__(f"The data can't be used: {where}: {reason}.")
        self.name = name
        self.line = line
        self.reason = reason


class DownloadError(StartupError):
    """A model cannot be downloaded; what is there already is kept where it can be used again.

    Attributes:
        name: the file or model in question.
        reason: a clause that says why.
    """

    exit_code = EX_UNAVAILABLE

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} can't be downloaded: {reason}.")
        self.name = name
        self.reason = reason


class UnreachableError(StartupError):
    """A service that is needed cannot be reached."""

    exit_code = EX_UNAVAILABLE


class RequestError(BardlingError):
    """What one person asked for cannot be done; the message is shown to them alone."""


class PromptError(RequestError):
    """The prompt cannot be used; the message says what would work."""


class OptionError(RequestError):
    """An option is out of its bounds; the message gives them."""


class OutputError(RequestError):
    """A finished text is not kept any more, or its buttons are not for this person."""


class ReportError(RequestError):
    """A text can't be reported, or not once more."""


class StopError(RequestError):
    """A text can't be stopped, or not by this person."""


class NotHereError(RequestError):
    """The host or the server's admins do not want it, or not in this place."""


class SettingsError(RequestError):
    """A server's settings can't be read, or not be changed, or not by this person."""


class QueueFullError(RequestError):
    """Too many jobs wait already, so this one was not taken."""


class LimitReachedError(RequestError):
    """A limit leaves no room for it; the message says which, what is left and until when."""


class NotAllowedError(RequestError):
    """This person may not do it here; the message says who may."""


class ConflictError(RequestError):
    """Somebody else changed the same thing at the same moment, so nothing was changed."""


class QueueDownError(RequestError):
    """The queue cannot be reached right now, so nothing was taken."""


class ModelNotServedError(RequestError):
    """No worker has the model that was asked for."""

    def __init__(self, wanted: str, served: Sequence[str]) -> None:
        if served:
            sentence = tr(
                "No worker serves the model {model} right now; choose one of {names}.",
                model=wanted,
                names=listed(served),
            )
        else:
            sentence = tr(
                "No worker serves the model {model} right now; please try again later.",
                model=wanted,
            )
        super().__init__(sentence)


class StoryError(RequestError):
    """A move that a story game or a scored game does not take now, or not of this person."""
