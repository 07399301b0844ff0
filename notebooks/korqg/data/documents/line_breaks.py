"""Lines that a program broke: whether they are such lines, and what stood where one was broken."""

import itertools
import re
from typing import NamedTuple

from korqg.data.documents.contents import is_entry
from korqg.data.text_blocks import begins_item, is_hangul
from korqg.sentences import kiwi

# Of lines of 72 columns broken inside the sentences of KorQuAD 1.0 dev 0.61 end in a particle, a connective ending or a
# comma; of its titles 0.04.
LEAST_OPEN = 1 / 3
# A file of whose lines that break between two Hangul signs more than this share end in a blank keeps all such blanks,
# if Kiwi takes most of the others for words that go on.
LEAST_BLANKS = 0.2
# A program that breaks lines inside Korean words does so at most breaks: words have three signs or so.
LEAST_INSIDE = 0.25
FEWEST_BREAKS = 3  # Breaks from which Kiwi's answers are counted against the blanks at the lines' ends
# Characters of a line that goes on: shorter ones are headings and words of a list, longer ones are hardly headings.
SHORTEST_PART, LONG_PART = 8, 30
_NOTED = re.compile(r"(?:[다요함임됨까%]|(?<![처다마])음)$")
_ENDED = re.compile(r"[.!?…:;][\"'”’)\]」』]*$")
_OPEN = re.compile(
    r"(?:[은는을를의에와과며고로도만여]|[가-힣](?:이|가|서|면|게|한|할|된|될|던|인|해|지만)|\s(?:및|또는)|,)$"
)
_SENTENCE = re.compile(r"[다요]\.\s")
_LABEL = re.compile(r"[가-힣A-Za-z][가-힣A-Za-z ]{0,11}\s?[:：]\s")
# A particle at a line's start: the line before broke inside its word.
_PARTICLE = re.compile(r"(?:은|는|이|가|을|를|에|에서|의|와|과|로|으로|도|만|까지|부터|이다|이며|이고)(?=[\s.,]|$)")
_VERB = re.compile(r"했|하였|됐|되었|시켰|시키|지게\s|져\s")  # How the second part of "비판했다" or "알려지게" begins


class BrokenLine(NamedTuple):
    """A line of a paragraph; whether a blank, or a hyphen that its end alone has put there, stood behind it."""

    text: str
    blank: bool
    hyphen: bool = False


Break = tuple[BrokenLine, BrokenLine]


def begins_label(line: str, behind: str) -> bool:
    """Whether the second line is one more label with its value: "장소: 회관"."""
    return _LABEL.match(behind) is not None and (_LABEL.match(line) is not None or not goes_on(line))


def ends_sentence(line: str) -> bool:
    return _ENDED.search(line) is not None


def goes_on(line: str) -> bool:
    """Whether a line ends as hardly anything but a part of a sentence does."""
    return _OPEN.search(line) is not None


def goes_on_in(line: str, behind: str) -> bool:
    """Whether a break that a writer set is only for looks: the line ends as a part of a sentence, or stops in one."""
    if begins_item(behind) or begins_label(line, behind) or is_entry(line) or ends_sentence(line):
        return False
    if len(line) >= SHORTEST_PART and goes_on(line):
        return True
    if len(line) < 2 * SHORTEST_PART or _NOTED.search(line) or not re.search(r"[.!?]$", behind):
        return False
    last, first = kiwi().tokenize(line)[-1].tag, kiwi().tokenize(behind)[0].tag  # no heading's end, no sentence's start
    return len(line) >= LONG_PART or last.startswith(("M", "E", "J", "V")) or first.startswith("V")


def holds_sentences(lines: list[str]) -> bool:
    """Whether a sentence ends inside one of the lines: they are prose."""
    return any(_SENTENCE.search(line) for line in lines)


def are_broken(full: list[tuple[str, bool]]) -> bool:
    """Whether full lines were broken by a program: most stop inside a sentence, as only a part of one can stop.

    With each line comes whether it stands in prose: there any end inside a sentence counts.
    """
    inside = [(line, is_prose) for line, is_prose in full if not ends_sentence(line)]
    if 2 * len(inside) <= len(full):
        return False
    is_open = sum(goes_on(line) for line, _ in inside) > LEAST_OPEN * len(inside)
    return is_open or 2 * sum(is_prose for _, is_prose in inside) > len(full)


def are_torn(full: list[tuple[str, str]]) -> bool:
    """Whether full lines, each with the one behind it, stop inside words: Kiwi judges the first few."""
    inside = [pair for pair in full if not ends_sentence(pair[0])]
    few = inside[:20]
    return 2 * len(inside) > len(full) and sum(_is_one_word(*pair) for pair in few) >= LEAST_INSIDE * len(few)


def join_lines(paragraphs: list[list[BrokenLine]]) -> list[str]:
    """Each paragraph's lines as one text."""
    found = iter(_glues([pair for lines in paragraphs for pair in itertools.pairwise(lines)]))
    return [lines[0].text + "".join(next(found) + line.text for line in lines[1:]) for lines in paragraphs]


def _glues(breaks: list[Break]) -> list[str]:
    """What stood between each two lines before the line was broken: a blank or nothing.

    Most programs leave the blank at the end of the line. In the files of the others nothing tells a line that
    was broken inside a Korean word from one that was broken behind it: there Kiwi says which is the likelier.
    Where it hardly ever says "inside", the program breaks between words only, and Kiwi is overruled.
    """
    found = ["" if _needs_no_blank(*pair) else " " for pair in breaks]
    between = [place for place, (one, two) in enumerate(breaks) if is_hangul(one.text[-1]) and is_hangul(two.text[0])]
    unclear = [place for place in between if not breaks[place][0].blank]
    known = _known_starts(breaks) if unclear else set()
    inside = []
    for place in unclear:
        one, two = (line.text for line in breaks[place])
        # Two signs of the second line are enough to know a word that stands elsewhere.
        if one.split()[-1] + two.split()[0][:2] in known or _is_one_word(one, two):
            inside.append(place)
    agrees = len(unclear) < FEWEST_BREAKS or len(inside) > len(unclear) / 2
    if len(between) - len(unclear) > LEAST_BLANKS * len(between) and agrees:
        whole = [not one.blank and not (one.text[-1] + two.text[0]).isascii() for one, two in breaks]
        return ["" if nothing else glue for glue, nothing in zip(found, whole, strict=True)]
    if len(inside) < LEAST_INSIDE * len(unclear):
        inside = [place for place in inside if begins_with_particle(breaks[place][1].text)]
    elif inside:
        inside += [place for place, pair in enumerate(breaks) if _goes_on_inside(*pair)]
    for place in inside:
        found[place] = ""
    return found


def _is_one_word(before: str, after: str) -> bool:
    """Whether Kiwi puts no blank between two lines; a few words are enough, and its time grows with their number."""
    pieces = [" ".join(before.split()[-2:])[-20:], after.split()[0][:20]]
    return not kiwi().glue(pieces, return_space_insertions=True)[1][0]


def _goes_on_inside(one: BrokenLine, two: BrokenLine) -> bool:
    """Whether a word goes on by its signs where a program breaks inside words.

    Numbers are parted from their units then, "1996" and "년", marks from their particles, nouns from "하다".
    """
    last, first = one.text[-1], two.text[0]
    if one.blank:
        return False
    if (last.isdecimal() and is_hangul(first)) or ("一" <= last <= "鿿" and "一" <= first <= "鿿"):
        return True
    if re.search(r"\d[.,]$", one.text) and first.isdecimal():
        return True
    if is_hangul(last):
        return _VERB.match(two.text) is not None and not _OPEN.search(one.text)
    return last not in ".!?…,;:" and begins_with_particle(two.text)


def begins_with_particle(text: str) -> bool:
    return _PARTICLE.match(text) is not None


def _known_starts(breaks: list[Break]) -> set[str]:
    """How the words begin that stand whole inside lines: three signs and more."""
    words = {word for pair in breaks for line in pair for word in line.text.split()[1:-1]}
    return {word[:end] for word in words for end in range(3, len(word) + 1)}


def _needs_no_blank(one: BrokenLine, two: BrokenLine) -> bool:
    """Whether a break is inside a word by its signs alone: a hyphen, a number, a mark that follows its word."""
    if one.hyphen:
        return True
    last, first = one.text[-1], two.text[0]
    inside_number = last.isdecimal() and first.isdecimal()
    return not one.blank and (inside_number or first in ".,!?)]}’”」』》…" or last in "([{‘“「『《")
