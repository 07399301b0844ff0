"""Plain text to blocks: paragraphs, broken lines joined again, rows with tabs."""

import itertools
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from korqg.cleaned_text import LOST, visible
from korqg.data.documents.contents import is_entry, marked_leaders
from korqg.data.documents.line_breaks import (
    BrokenLine,
    are_broken,
    are_torn,
    begins_label,
    ends_sentence,
    goes_on_in,
    holds_sentences,
    join_lines,
)
from korqg.data.documents.table_text import Cell, table_blocks
from korqg.data.table_files import decode_rows
from korqg.data.text_blocks import Block, begins_item, clean, decode_text, read_bytes
from korqg.errors import KorqgError

# Columns (a Hangul sign takes two) between which lines tell where a program has broken them; an editor that counts
# signs has half as many.
NARROWEST, WIDEST = 40, 130
# Columns that lines have at the least which a writer broke by hand between words; those of poems have fewer.
BY_HAND = 30
MOSTLY_EVEN = 0.8  # The share of full lines that end together where a program broke lines inside words
_QUOTE = re.compile(r"(?:> ?)+")
# Lines of three signs or more and no word (ㅡ is a letter that is drawn as one), and the sides of boxes.
_DRAWN = re.compile(r"^[^\S\n]*(?:(?:[^\w\s]|[_ㅡ])[^\S\n\t]*){3,}$|^[^\S\n]*[│┃║]|[│┃║][^\S\n]*$", re.MULTILINE)


def read_text(path: Path) -> list[Block]:
    """Paragraphs between empty lines, or line by line; a short first one without a full stop is the heading."""
    text = _DRAWN.sub("", _without_quotes(document_text(path)))
    parts = [[line for line in part.split("\n") if line.strip()] for part in re.split(r"\n\s*\n", text)]
    usual = _Width.of(parts)
    found = [one for part in parts for one in _part_blocks(part, usual)]
    texts = iter(join_lines([one for one in found if isinstance(one, list)]))
    blocks = [Block(clean(next(texts))) if isinstance(one, list) else one for one in found]
    blocks = [block for block in blocks if block.text]
    first = blocks[0] if blocks else None
    is_row = first is not None and (first.is_row or all("│" in block.text for block in blocks[:2]))
    if len(blocks) > 1 and not is_row and len(first.text) <= 60 and not re.search(r"[.!?…]$", first.text):
        blocks[0] = Block(first.text, level=1)
    return blocks


def document_text(path: Path) -> str:
    """A text file's text without signs that nobody sees.

    Raises KorqgError for a file that cannot be read, with the place where only a few of its bytes cannot.
    """
    data = read_bytes(path)
    try:
        return visible(decode_text(data, path.name))
    except KorqgError:
        before, lost, _ = decode_rows(data, path.name).partition(LOST)
        if not lost:
            raise
    line = before.count("\n") + 1
    raise KorqgError(
        f"{path.name} has a byte that is no text in line {line}, behind {before[-20:]!r}: mend that place, or save the "
        "file anew, as UTF-8, from where it is whole."
    )


def _without_quotes(text: str) -> str:
    """The text without the marks of quoted mail; where a quotation begins or ends, a paragraph does."""
    lines, before = [], None
    for line in text.split("\n"):
        marks = _QUOTE.match(line)
        depth = marks[0].count(">") if marks else 0
        lines += [""] if before not in (None, depth) else []
        lines.append(line[marks.end() :] if marks else line)
        before = depth
    return "\n".join(lines)


def _part_blocks(lines: list[str], usual: "_Width") -> Iterator[Block | list[BrokenLine]]:
    """The rows and the paragraphs' lines of what stands between two empty lines."""
    for is_table, run in itertools.groupby(_in_tables(lines), key=lambda pair: pair[0]):
        if is_table:
            rows = [[clean(cell) for cell in line.split("\t")] for _, line in run]
            yield from table_blocks([[Cell((Block(cell),) if cell else ()) for cell in row] for row in rows])
        else:
            yield from _paragraphs([line for _, line in run], usual)


def _in_tables(lines: list[str]) -> list[tuple[bool, str]]:
    """Each line with whether it is a table's row: it and one beside it have the same number of tabs inside."""
    marked = [marked_leaders(line) for line in lines]
    tabs = [0, *(line.strip().count("\t") for line in marked), 0]
    return [
        (bool(here) and here in (before, after), line.strip("\n"))
        for before, here, after, line in zip(tabs, tabs[1:], tabs[2:], marked, strict=False)
    ]


def _paragraphs(lines: list[str], usual: "_Width") -> Iterator[list[BrokenLine]]:
    """The lines, those together that a program or a writer broke; by the lines' own width if all of them were."""
    own = _Width.of([lines])
    width = own if len(lines) > 2 and own.is_full(lines) else usual
    wide = sum(map(columns, lines[:-1])) >= BY_HAND * (len(lines) - 1)
    by_hand = not width.most and wide and ends_sentence(lines[-1].rstrip())
    groups: list[list[str]] = []
    for line in lines:
        if groups and not _starts_paragraph(groups[-1], line, width, by_hand):
            groups[-1].append(line)
        else:
            groups.append([line])
    is_even = usual.is_even or (not usual.most and width.is_even)
    for group in groups:
        yield [BrokenLine(line.strip(), not is_even or line[-1].isspace()) for line in group]


def _starts_paragraph(group: list[str], line: str, width: "_Width", by_hand: bool) -> bool:
    """Whether a line begins a new paragraph: an item, an indent, or the line before had room for its first word."""
    before, text = group[-1].rstrip(), line.strip()
    is_tail = width.is_even and text.startswith("다. ") and not ends_sentence(before)
    if (begins_item(text) and not is_tail) or begins_label(before.strip(), text) or is_entry(before) or is_entry(text):
        return True
    indented = len(line) - len(line.lstrip()) > len(before) - len(before.lstrip())
    if indented and not begins_item(group[0].strip()):
        return True
    return width.has_room(before, text) and not (by_hand and goes_on_in(before, text))


@dataclass(frozen=True)
class _Width:
    """How wide lines may be before a program breaks them, in columns or in signs; 0 where none did.

    `is_even` says that nearly all full lines end together: then it breaks them inside words.
    """

    most: int
    measure: Callable[[str], int]
    is_even: bool = False

    @classmethod
    def of(cls, parts: list[list[str]]) -> "_Width":
        """That of the lines which others follow, but for the widest twentieth."""
        pairs = []
        for part in parts:
            is_prose = holds_sentences(part)
            for one, two in itertools.pairwise(map(str.strip, part)):
                if columns(one) <= WIDEST and not begins_item(two) and not begins_label(one, two):
                    pairs.append((one, two, is_prose))
        found, most_full = cls(0, columns), 0
        for measure, least in ((columns, NARROWEST), (len, NARROWEST // 2)) if pairs else ():
            widths = sorted(measure(one) for one, *_ in pairs)
            width = cls(widths[int(0.95 * len(widths))], measure)
            full = [pair for pair in pairs if not width.has_room(*pair[:2])]
            even = sum(abs(width.most - measure(one)) <= 2 for one, *_ in full) >= MOSTLY_EVEN * len(full)
            broken = are_broken([(one, is_prose) for one, _, is_prose in full]) or (
                even and are_torn([pair[:2] for pair in full])
            )
            if width.most >= least and broken and len(full) > most_full:
                found, most_full = cls(width.most, measure, even), len(full)
        return found

    def has_room(self, line: str, behind: str) -> bool:
        """Whether the first word of the line behind would have fitted, or might have."""
        return not self.most or self.measure(line) + 1 + self.measure(behind.split()[0]) <= self.most - 2

    def is_full(self, lines: list[str]) -> bool:
        """Whether none of the lines but the last has room."""
        return self.most > 0 and not any(self.has_room(one.rstrip(), two) for one, two in itertools.pairwise(lines))


def columns(text: str) -> int:
    """The text's width on a screen of fixed width."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
