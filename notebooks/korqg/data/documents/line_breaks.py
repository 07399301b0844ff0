"""Lines that a program broke: whether they are such lines, and what stood where one was broken."""

import re
from typing import NamedTuple

from korqg.sentences import kiwi

LEAST_OPEN = 1 / 3
"""Of lines of 72 columns broken inside the sentences of KorQuAD 1.0 dev 0.61 end in a particle, a connective ending or
a comma; of its titles 0.04."""

LEAST_BLANKS = 0.2
"""A file of whose lines that break between two Hangul signs more than this share end in a blank keeps all such
blanks, if Kiwi takes most of the others for words that go on."""

LEAST_INSIDE = 0.25
"""A program that breaks lines inside Korean words does so at most breaks: words have three signs or so."""

FEWEST_BREAKS = 3
"""Breaks from which Kiwi's answers are counted against the blanks at the lines' ends."""

_ENDED = re.compile(r"[.!?…:;][\"'”’)\]」』]*$")
_OPEN = re.compile(r"(?:[은는을를의에와과며고로도만여]|[가-힣](?:이|가|서|면|게|한|할|된|될|던|인|지만)|,)$")
_LABEL = re.compile(r"[가-힣A-Za-z][가-힣A-Za-z ]{0,11}\s?[:：]\s")
_PARTICLE = re.compile(r"(?:은|는|이|가|을|를|에|에서|의|와|과|로|으로|도|만|까지|부터|이다|이며|이고)(?=[\s.,]|$)")
"""A particle at a line's start: the line before broke inside its word."""


class Break(NamedTuple):
    """A line and the next one of its paragraph; whether a blank, or a hyphen of the line's end alone, stood there."""

    before: str
    after: str
    blank: bool
    hyphen: bool = False


def begins_label(line: str, behind: str) -> bool:
    """Whether the second line is one more label with its value: "장소: 회관"."""
    return _LABEL.match(behind) is not None and (_LABEL.match(line) is not None or not goes_on(line))


def ends_sentence(line: str) -> bool:
    return _ENDED.search(line) is not None


def goes_on(line: str) -> bool:
    """Whether a line ends as hardly anything but a part of a sentence does."""
    return _OPEN.search(line) is not None


def are_broken(lines: list[str]) -> bool:
    """Whether full lines were broken by a program: most stop inside a sentence, as only a part of one can stop."""
    inside = [line for line in lines if not ends_sentence(line)]
    return 2 * len(inside) > len(lines) and sum(map(goes_on, inside)) > LEAST_OPEN * len(inside)


def glues(breaks: list[Break]) -> list[str]:
    """What stood between each two lines before the line was broken: a blank or nothing.

    Most programs leave the blank at the end of the line. In the files of the others nothing tells a line that
    was broken inside a Korean word from one that was broken behind it: there Kiwi says which is the likelier.
    Where it hardly ever says "inside", the program breaks between words only, and Kiwi is overruled.
    """
    found = ["" if _needs_no_blank(one) else " " for one in breaks]
    between = [place for place, one in enumerate(breaks) if _is_hangul(one.before[-1]) and _is_hangul(one.after[0])]
    unclear = [place for place in between if not breaks[place].blank]
    if not unclear:
        return found
    # Two words on either side are enough to decide, and Kiwi's time grows with what it is given.
    pieces = []
    for place in unclear:
        pieces.append(" ".join(breaks[place].before.split()[-2:])[-20:])
        pieces.append(" ".join(breaks[place].after.split()[:2])[:20])
    _, blanks = kiwi().glue(pieces, return_space_insertions=True)
    known = _known_starts(breaks)
    inside = [
        place
        for place, blank in zip(unclear, blanks[::2], strict=True)
        if not blank or _joined_start(breaks[place]) in known
    ]
    agrees = len(unclear) < FEWEST_BREAKS or len(inside) > len(unclear) / 2
    if len(between) - len(unclear) > LEAST_BLANKS * len(between) and agrees:
        inside = unclear
    elif len(inside) < LEAST_INSIDE * len(unclear):
        for place in inside:
            found[place] = "" if _PARTICLE.match(breaks[place].after) else " "
        inside = []
    for place in inside:
        found[place] = ""
    if inside:  # and then numbers are parted from their units as well: "1996" and "년"
        for place, one in enumerate(breaks):
            if not one.blank and one.before[-1].isdecimal() and _is_hangul(one.after[0]):
                found[place] = ""
    return found


def begins_with_particle(text: str) -> bool:
    return _PARTICLE.match(text) is not None


def _known_starts(breaks: list[Break]) -> set[str]:
    """How the words begin that stand whole inside lines: three signs and more."""
    words = {word for one in breaks for line in one[:2] for word in line.split()[1:-1]}
    return {word[:end] for word in words for end in range(3, len(word) + 1)}


def _joined_start(one: Break) -> str:
    """How the word would begin that two lines' ends make: two signs of the second line are enough to know it."""
    return one.before.split()[-1] + one.after.split()[0][:2]


def _needs_no_blank(one: Break) -> bool:
    """Whether a break is inside a word by its signs alone: a hyphen, a number, a mark that follows its word."""
    if one.hyphen:
        return True
    inside_number = one.before[-1].isdecimal() and one.after[0].isdecimal()
    return not one.blank and (inside_number or one.after[0] in ".,!?)]}’”」』》…" or one.before[-1] in "([{‘“「『《")


def _is_hangul(sign: str) -> bool:
    return "가" <= sign <= "힣"
