"""Where an answer stands in its passage: by the place that is stated, else by its words and the question's."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from korqg.cleaned_text import tidy, tidy_place

# An answer that stands at most this many characters off its stated place is mended, not dropped.
LARGEST_OFFSET_ERROR = 2
# Where an answer may begin and end: not within a number, as 8 does in 18% and 3 in 3,000.
_BEGIN, _END = r"(?:(?!\d)|(?<!\d)(?<!\d[.,]))", r"(?:(?<!\d)|(?![.,]?\d))"


def as_place(value: Any) -> int | None:
    """A stated place as a number; None where there is none that could be meant."""
    try:
        return int(float(str(value).replace(",", ""))) if not isinstance(value, bool) else None
    except (TypeError, ValueError, OverflowError):
        return None


def stated_place(raw: str, answer: str, start: int) -> tuple[int, bool] | None:
    """Where the tidied answer begins in the tidied text, and whether its place was mended; None where it does not.

    `start` counts characters of `raw`, the text as the file has it. It is mended where it is up to
    LARGEST_OFFSET_ERROR characters off, and where it counts something else (see `_other_counts`).
    """
    text = tidy(raw)
    stated = tidy_place(raw, start)
    if start >= 0 and answer and text.startswith(answer, stated):
        return stated, False
    moves = sorted(range(-LARGEST_OFFSET_ERROR, LARGEST_OFFSET_ERROR + 1), key=abs)
    near = [stated + move for move in moves] if start >= 0 else []
    for place in [*near, *_other_counts(raw, start)]:
        if place >= 0 and answer and re.compile(_BEGIN + re.escape(answer) + _END).match(text, place):
            return place, True
    return None


def _other_counts(raw: str, start: int) -> Iterator[int]:
    """Places in the tidied text if `start` counts UTF-16 units, bytes of UTF-8, decomposed or tidied characters.

    Or, at the end, if the text that it counts had lines of "\\r\\n", or no white space in front.
    """
    if start < 0:
        return
    yield len(tidy(raw.encode("utf-16-le", "replace")[: 2 * start].decode("utf-16-le", "ignore")))
    yield len(tidy(raw.encode("utf-8", "replace")[:start].decode("utf-8", "ignore")))
    yield len(tidy(unicodedata.normalize("NFD", raw)[:start]))
    yield start
    yield len(tidy(raw.replace("\n", "\r\n")[:start]))
    yield len(tidy(raw[: start + len(raw) - len(raw.lstrip())]))


def likeliest_place(text: str, answer: str, question: str) -> tuple[int, str]:
    """Where an answer of unknown place begins, and how the text writes it; (-1, answer) where it does not stand there.

    Of several places, none inside a number, that is taken whose sentence is nearest to the question. Blanks may differ.
    """
    words = answer.split()
    if not words:
        return -1, answer
    found = [match.span() for match in re.finditer(_BEGIN + r"\s+".join(map(re.escape, words)) + _END, text)]
    if not found:
        return -1, answer
    begin, end = found[0]
    if len(found) > 1:
        begin, end = found[nearest(question, [_sentence_around(text, *span) for span in found])]
    return begin, text[begin:end]


def nearest(question: str, stretches: Sequence[str]) -> int:
    """The number of the stretch that shares most with the question, the first of equals.

    Pairs of letters are compared, since Korean words change their endings; one that several stretches have counts less.
    """
    wanted = _pairs(question)
    held = [wanted & _pairs(stretch) for stretch in stretches]
    holders = Counter(pair for pairs in held for pair in pairs)
    weights = [sum(1 / holders[pair] for pair in sorted(pairs)) for pairs in held]
    return max(range(len(stretches)), key=lambda number: (round(weights[number], 9), -number))


def _pairs(text: str) -> set[str]:
    letters = re.sub(r"[\W_]+", "", text).lower()
    return {letters[place : place + 2] for place in range(len(letters) - 1)}


def _sentence_around(text: str, begin: int, end: int) -> str:
    """The sentence that holds the span, and the one before, which often has the subject."""
    before = [match.end() for match in re.finditer(r"[.!?…]\s|\n", text[:begin])]
    behind = re.search(r"[.!?…](\s|$)|\n", text[end:])
    return text[before[-2] if len(before) > 1 else 0 : end + behind.end() if behind else len(text)]
