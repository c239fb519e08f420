"""What can go wrong with a reply. Raised by `calls`, decided upon by the worker."""

from bot.errors import BardlingError


class ReplyError(BardlingError):
    """A reply could not be written."""


class ReplyGoneError(ReplyError):
    """The reply was deleted, or may not be written any more; nothing can be done about it."""


class InteractionOverError(ReplyGoneError):
    """Discord has closed the interaction; the channel may still be open."""


class ReplyRefusedError(ReplyError):
    """Discord refuses this very message; sending it again would not help."""


class ReplyUnavailableError(ReplyError):
    """Discord gave no good answer.

    Attributes:
        maybe_done: whether Discord may have done what was asked all the same.
    """

    def __init__(self, message: str, *, maybe_done: bool) -> None:
        super().__init__(message)
        self.maybe_done = maybe_done


class ReplyHeldError(ReplyUnavailableError):
    """Discord wants a pause; surely nothing was done.

    Attributes:
        wait_s: how long.
        is_refusal: whether a request was refused now; else an earlier answer had said so.
    """

    def __init__(self, message: str, wait_s: float, *, is_refusal: bool) -> None:
        super().__init__(message, maybe_done=False)
        self.wait_s = wait_s
        self.is_refusal = is_refusal
