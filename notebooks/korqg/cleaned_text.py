"""Text of data as a reader sees it: Hangul composed, signs that nobody sees left out, and places moved with it."""

import itertools
import math
import re
import unicodedata
from typing import Any

LOST = "\ufffd"  # U+FFFD, the replacement sign: what a program writes for letters that it could not read
# What a table program writes into an empty cell, or one whose formula fails, when it makes text of it.
MISSING = frozenset(
    "nan NaN None null NULL <NA> N/A n/a NaT #N/A #REF! #VALUE! #DIV/0! #NAME? #NUM! #NULL! #SPILL! #CALC!".split()
)
LONGEST_QUOTE = 20  # Characters that an error quotes to show a place
# So many signs are needed to tell what an encoding did, and this share of question marks is no text.
LEAST_SIGNS, MOST_MARKS = 6, 0.4
_HANGUL, _WESTERN = re.compile("[가-힣]"), re.compile("[\u0080-\u00ff]")
# Zero-width signs, byte order marks, soft hyphens, marks of direction, fillers of Hangul, choices of a sign's shape,
# tags, control characters and private use. The joiner U+200D stays between pictures, which it makes one of.
_UNSEEN = re.compile(
    "[\0-\b\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200c\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff9-\ufffb\ue000-\uf8ff\U000e0000-\U000e01ef"
    "\U000f0000-\U0010fffd]|(?<![\u2600-\u27bf\ufe0f\U0001f000-\U0001faff])\u200d"
)
_BLANKS = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_LINE_ENDS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_HALF_SIGN = re.compile("[\ud800-\udfff]")


def visible(text: str) -> str:
    """The text without invisible signs."""
    return _UNSEEN.sub("", text)


def tidy(text: str) -> str:
    """The text composed (NFC), without invisible signs, with one kind of blank and one of line end."""
    text = visible(text)
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    return _LINE_ENDS.sub("\n", _BLANKS.sub(" ", text))


def is_untidy(text: Any) -> bool:
    """Whether a value is text that `tidy` takes signs out of, or composes."""
    if not isinstance(text, str) or text.isascii():
        return False
    return bool(_UNSEEN.search(text) or _BLANKS.search(text)) or not unicodedata.is_normalized("NFC", text)


def tidy_line(text: str) -> str:
    """The text tidied, on one line and with single blanks."""
    return " ".join(tidy(text).split())


def tidy_place(text: str, place: int) -> int:
    """Where the character that stands at `place` of the text stands when it is tidied."""
    return len(tidy(text[:place]))


def as_text(value: Any, name: str) -> str:
    """A value of a record as text, untidied; "" for None, NaN and what stands for them in tables.

    Raises ValueError with the reason for another type, for half of a surrogate pair (which no file takes) and for a
    text whose letters are lost.
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(int(value)) if value == int(value) else str(value)
    if not isinstance(value, str):
        raise ValueError(f"its {name} is not text but {type(value).__name__}")
    if value.strip() in MISSING:
        return ""
    if half := _HALF_SIGN.search(value):
        raise ValueError(f"its {name} is broken: half of a sign (U+{ord(half[0]):04X}) stands in it")
    if (place := value.find(LOST)) >= 0:
        before = value[max(0, place - LONGEST_QUOTE) : place]
        raise ValueError(
            f"its {name} has lost letters: U+FFFD, the replacement sign, stands at character {place}, behind "
            f"{before!r}; save the text anew from where it is whole"
        )
    if problem := _garbled(value):
        raise ValueError(f"its {name} {problem}; save the text anew, as UTF-8, from where it is whole")
    return value


def _garbled(text: str) -> str:
    """What an encoding has done to the letters of a text, in words; "" where nothing shows."""
    signs = len(text) - text.count(" ")
    if signs >= LEAST_SIGNS and text.count("?") >= MOST_MARKS * signs:
        return f"has lost letters: of its {signs} signs {text.count('?')} are question marks, an encoding's replacement"
    if len(_WESTERN.findall(text)) >= LEAST_SIGNS and not _HANGUL.search(text):
        for wrong, right in itertools.product(("latin-1", "cp1252"), ("UTF-8", "EUC-KR")):
            try:
                meant = text.encode(wrong).decode(right)
            except UnicodeError:
                continue
            if _HANGUL.search(meant):
                return f"was read in the wrong encoding ({wrong} for {right}: it says {meant[:LONGEST_QUOTE]!r})"
    return ""
