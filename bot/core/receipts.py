"""Receipts: the short code in a text's footer, and the signature that shows it is unaltered.

The worker makes them, `/verify` and `/replay` read them. A receipt is the text's code, and behind
a hyphen, where the host has a key, a signature (HMAC-SHA-256, RFC 2104, cut to 40 bits: it can be
tried only by asking the bot).

What is signed is `replies.shown_text`: the prompt as shown and the whole continuation as shown,
without the line under it, as far as it survives being copied (`canonical`).
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
# A label's beginning: "-# model quantization · machine-written · seed 7". Its words are of many
# languages; the quantization is what no other text has.
_LABEL = re.compile(
    r"(?:^|(?<=\s))(?:-#\s*)?[^\s·]+ [a-z]{1,4}[0-9][\w\\]* · [^·\n]{1,60}"
    r" · [^·\n]{0,40}?[0-9]{1,16}(?: ?[(（][^·\n]{1,60})?(?= · )",
    re.IGNORECASE,
)
# The receipt ends its entry; nothing may follow behind the last one but "(edited)" and the like.
_LABEL_END = re.compile(
    rf" · [^·\n]{{0,40}}?(?P<receipt>{_RECEIPT.pattern})(?= · |\s*[^·\n]{{0,24}}$)", re.IGNORECASE
)
_SMALL_PRINT = re.compile(r"(?:-#)+$")
_UNSIGNED = re.compile(r"[\\*|…\s\ufe0f]")


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
        shown: `replies.shown_text`, or what a member copied of it.
        code: of the text.
        keys: the newest first, which signs; none leaves the receipt unsigned.
    """
    return Receipt(code, _tag(shown, code, keys[0]) if keys else "")


def is_signed(shown: str, receipt: Receipt, keys: Sequence[bytes]) -> bool:
    """Whether any of the keys made the receipt for this text."""
    return any(hmac.compare_digest(_tag(shown, receipt.code, key), receipt.tag) for key in keys)


def split_label(copied: str) -> tuple[str, Receipt | None]:
    """Takes the line under a copied text off.

    It is known by its shape and not by its words, which are of many languages. Its line break may
    have become a blank, as the options of commands make it one.

    Returns:
        The text and the receipt that was in the line; the text as it is and None where there is
        no such line. A receipt with a signature is found also without one.
    """
    starts = list(_LABEL.finditer(copied))
    ends = list(_LABEL_END.finditer(copied, starts[-1].end())) if starts else []
    if ends:
        receipt = read_receipt(max((end["receipt"] for end in ends), key=_how_likely))
        return copied[: starts[-1].start()].rstrip(), receipt
    signed = [match[0] for match in _RECEIPT.finditer(copied) if match["tag"]]
    return copied, read_receipt(signed[-1]) if signed else None


def _how_likely(receipt: str) -> tuple[bool, bool]:
    """Greater for what is no word of ten letters."""
    return "-" in receipt, any(map(str.isdigit, receipt))


def canonical(text: str) -> str:
    """What is signed of a text: what survives being copied out of Discord.

    Asterisks, bars, backslashes, ellipses and blanks don't count, since Discord, this bot where it
    cuts or hides a text, and the way in which a member copies add them or take them away; nor does
    the mark of small print at the end, which may be the text's or its label's.
    """
    text = _SMALL_PRINT.sub("", _UNSIGNED.sub("", text))
    # Composed last: what stood between a letter and its accent may be gone only now.
    return unicodedata.normalize("NFC", text)


def is_signed_character(character: str) -> bool:
    """Whether a character counts in a signed text, wherever it stands."""
    return not _UNSIGNED.match(character)


def _tag(shown: str, code: str, key: bytes) -> str:
    message = f"{code}\n{canonical(shown)}".encode("utf-8", "surrogatepass")
    return _base32(hmac.new(key, message, hashlib.sha256).digest())[:_TAG_LENGTH]


def _base32(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=").translate(_TO_CROCKFORD)


def _normal(code: str) -> str:
    return code.upper().translate(_LOOK_ALIKES)
