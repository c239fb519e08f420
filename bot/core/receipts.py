"""Receipts: the short code in a text's footer, and the signature that shows it is unaltered.

The worker makes them, `/verify` and `/replay` read them. A receipt is the text's code, and behind
a hyphen, where the host has a key, a signature (HMAC-SHA-256, RFC 2104, cut to 40 bits: it can be
tried only by asking the bot).
"""

import base64
import hashlib
import hmac
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

_CODE_LENGTH = 10  # base32 letters of 5 bits: a million texts collide with a chance of 0.0004
_TAG_LENGTH = 8
# Crockford's alphabet (https://www.crockford.com/base32.html): no letter looks like a digit.
_STANDARD = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TO_CROCKFORD = str.maketrans(_STANDARD, _CROCKFORD)
_LOOK_ALIKES = str.maketrans("OIL", "011")
_RECEIPT = re.compile(
    rf"(?<![0-9A-Z])(?P<code>[0-9A-Z]{{{_CODE_LENGTH}}})(?:-(?P<tag>[0-9A-Z]{{{_TAG_LENGTH}}}))?"
    r"(?![0-9A-Z])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as somebody typed it.

    Attributes:
        code: names the text.
        tag: the signature, or "" where there is none.
    """

    code: str
    tag: str

    def __str__(self) -> str:
        """As it stands in a footer."""
        return f"{self.code}-{self.tag}" if self.tag else self.code


def code_of(job_id: str, index: int = 0) -> str:
    """The code of a job's text: the same for each attempt of the job.

    Args:
        job_id: unique, Discord's snowflake.
        index: of the candidate, from 0.
    """
    return _base32(hashlib.sha256(f"bardling receipt {job_id} {index}".encode()).digest())[
        :_CODE_LENGTH
    ]


def read_receipt(text: str) -> Receipt | None:
    """The receipt that a person typed, or that stands last in a text; None where there is none.

    Case does not matter, and letters that look like digits are those.
    """
    found = list(_RECEIPT.finditer(text))
    if not found:
        return None
    match = found[-1]
    tag = match["tag"] or ""
    return Receipt(_normal(match["code"]), _normal(tag))


def sign(shown: str, code: str, keys: Sequence[bytes]) -> Receipt:
    """The receipt of a text.

    Args:
        shown: prompt and text as a member can copy them.
        code: of the text.
        keys: the newest first, which signs; none leaves the receipt unsigned.
    """
    return Receipt(code, _tag(shown, code, keys[0]) if keys else "")


def is_signed(shown: str, receipt: Receipt, keys: Sequence[bytes]) -> bool:
    """Whether any of the keys made the receipt for this text."""
    return any(hmac.compare_digest(_tag(shown, receipt.code, key), receipt.tag) for key in keys)


def canonical(text: str) -> str:
    """What is signed of a text: what survives being copied out of Discord.

    Asterisks, backslashes, and the kind and number of blanks don't count: Discord takes them away
    or adds them, by the way in which a member copies.
    """
    text = unicodedata.normalize("NFC", text)
    return " ".join(re.sub(r"[\\*]", "", text).split())


def _tag(shown: str, code: str, key: bytes) -> str:
    message = f"{code}\n{canonical(shown)}".encode("utf-8", "surrogatepass")
    return _base32(hmac.new(key, message, hashlib.sha256).digest())[:_TAG_LENGTH]


def _base32(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=").translate(_TO_CROCKFORD)


def _normal(code: str) -> str:
    return code.upper().translate(_LOOK_ALIKES)
