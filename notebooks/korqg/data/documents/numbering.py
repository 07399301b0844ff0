"""Automatic numbers of paragraphs, which stand in the list's definition and not in the text: "제1조", "가.", "①"."""

from collections.abc import Mapping
from dataclasses import dataclass, field

_SYLLABLES = "가나다라마바사아자차카타파하"
_CONSONANTS = "ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ"
# Names of formats in WordprocessingML and OWPML, in lower case without underscores.
_FORMATS = {
    "decimal": "digit", "digit": "digit", "decimalfullwidth": "digit", "decimalzero": "digit",
    "ganada": "syllable", "hangulsyllable": "syllable", "chosung": "consonant", "hanguljamo": "consonant",
    "upperroman": "ROMAN", "romancapital": "ROMAN", "lowerroman": "roman", "romansmall": "roman",
    "upperletter": "LETTER", "latincapital": "LETTER", "lowerletter": "letter", "latinsmall": "letter",
    "decimalenclosedcircle": "circled", "circleddigit": "circled", "decimalenclosedcirclechinese": "circled",
    "circledhangulsyllable": "circled syllable", "circledhanguljamo": "circled consonant",
    "circledlatinsmall": "circled letter", "bullet": "none", "none": "none",
}  # fmt: skip


@dataclass(frozen=True)
class Level:
    """One level of a list: its first number, its format, and its text with places for the numbers ("제%1조").

    It begins anew behind the first `restart` levels of those above it.
    """

    start: int
    format: str
    text: str
    restart: int = 9


@dataclass
class Numbers:
    """Counts the paragraphs of lists; `lists` holds each list's levels, counted from 0, by its name.

    `mark` stands before the level's number, from 1, in a level's text.
    """

    lists: Mapping[str, Mapping[int, Level]]
    mark: str
    counts: dict[str, dict[int, int]] = field(default_factory=dict)

    def next(self, name: str, level: int) -> str:
        """The number of the list's next paragraph, "" for a bullet or a list that is not known."""
        levels = self.lists.get(name, {})
        if level not in levels:
            return ""
        counts = self.counts.setdefault(name, {})
        counts[level] = counts.get(level, levels[level].start - 1) + 1
        for deeper in [other for other in counts if level < min(other, levels[other].restart)]:
            del counts[deeper]
        if _format(levels[level].format) == "none":
            return ""
        text = levels[level].text
        for other in sorted(levels, reverse=True):
            if (place := f"{self.mark}{other + 1}") in text:
                count = counts.get(other, levels[other].start)
                text = text.replace(place, number_text(count, levels[other].format))
        return text.strip()


def number_text(number: int, name: str) -> str:
    """A number as a list's format of this name shows it; digits where the format is not known."""
    kind = _format(name)
    if number < 1:
        return str(number)
    if kind.startswith("circled"):
        first, most = {"circled": ("①", 20), "circled syllable": ("㉮", 14), "circled consonant": ("㉠", 14)}.get(
            kind, ("ⓐ", 26)
        )
        return chr(ord(first) + number - 1) if number <= most else f"({number})"
    if kind in ("syllable", "consonant"):
        signs = _SYLLABLES if kind == "syllable" else _CONSONANTS
        return signs[(number - 1) % len(signs)] * ((number - 1) // len(signs) + 1)
    if kind in ("letter", "LETTER"):
        letter = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)
        return letter.upper() if kind == "LETTER" else letter
    if kind in ("roman", "ROMAN"):
        return _roman(number) if kind == "ROMAN" else _roman(number).lower()
    return str(number)


def _format(name: str) -> str:
    return _FORMATS.get(name.lower().replace("_", ""), "digit")


def _roman(number: int) -> str:
    values = ((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"))
    values += ((10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"))
    text, number = "", min(number, 3999)
    for value, sign in values:
        text += sign * (number // value)
        number %= value
    return text
