"""Plain text to blocks: paragraphs, broken lines joined again, rows with tabs."""

import itertools
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from korqg.data.documents.contents import is_entry, marked_leaders
from korqg.data.documents.table_text import Cell, table_blocks
from korqg.data.text_blocks import Block, begins_item, clean, decode_text, read_bytes

NARROWEST, WIDEST = 40, 130
"""Columns (a Hangul sign takes two) between which the longest line tells where a program has broken lines."""

_ENDED = re.compile(r"[.!?…:;][\"'”’)\]」』]*$")


def read_text(path: Path) -> list[Block]:
    """Paragraphs between empty lines, or line by line; a short first one without a full stop is the heading."""
    text = decode_text(read_bytes(path), path.name)
    wide = _line_width(text)
    blocks = [block for part in re.split(r"\n\s*\n", text) for block in _part_blocks(part, wide)]
    first = blocks[0] if blocks else None
    if len(blocks) > 1 and not first.is_row and len(first.text) <= 60 and not re.search(r"[.!?…]$", first.text):
        blocks[0] = Block(first.text, level=1)
    return blocks


def _part_blocks(part: str, wide: int) -> Iterator[Block]:
    """The blocks of what stands between two empty lines."""
    lines = [line for line in part.split("\n") if line.strip()]
    for is_table, run in itertools.groupby(_in_tables(lines), key=lambda pair: pair[0]):
        if is_table:
            rows = [[clean(cell) for cell in line.split("\t")] for _, line in run]
            yield from table_blocks([[Cell((Block(cell),) if cell else ()) for cell in row] for row in rows])
        else:
            for paragraph in _paragraphs([line for _, line in run], wide):
                if paragraph := clean(paragraph):
                    yield Block(paragraph)


def _in_tables(lines: list[str]) -> list[tuple[bool, str]]:
    """Each line with whether it is a table's row: it and one beside it have the same number of tabs inside."""
    marked = [marked_leaders(line) for line in lines]
    tabs = [0, *(line.strip().count("\t") for line in marked), 0]
    return [
        (bool(here) and here in (before, after), line.strip("\n"))
        for before, here, after, line in zip(tabs, tabs[1:], tabs[2:], marked, strict=False)
    ]


def _paragraphs(lines: list[str], wide: int) -> Iterator[str]:
    paragraph: list[str] = []
    for line in lines:
        if paragraph and _starts_paragraph(paragraph, line, wide):
            yield " ".join(paragraph)
            paragraph = []
        paragraph.append(line)
    if paragraph:
        yield " ".join(paragraph)


def _starts_paragraph(paragraph: list[str], line: str, wide: int) -> bool:
    """Whether a line begins a new paragraph: an item, an indent, or the line before had room for its first word."""
    before, text = paragraph[-1].rstrip(), line.strip()
    if begins_item(text) or is_entry(before) or is_entry(text) or not NARROWEST <= wide <= WIDEST:
        return True
    indented = len(line) - len(line.lstrip()) > len(before) - len(before.lstrip())
    if indented and not begins_item(paragraph[0].strip()):
        return True
    return _has_room(before, text, wide)


def _line_width(text: str) -> int:
    """The width of the longest line but for the longest twentieth; 0 where lines are not broken by width.

    Where a program breaks lines, most of the full ones stop inside a sentence.
    """
    lines = [line.rstrip() for line in text.split("\n")]
    widths = sorted(_width(line) for line in lines if line.strip())
    wide = widths[int(0.95 * (len(widths) - 1))] if widths else 0
    full = [
        line
        for line, behind in itertools.pairwise(lines)
        if line.strip() and behind.strip() and not _has_room(line, behind, wide)
    ]
    inside = sum(not _ENDED.search(line) for line in full)
    return wide if 2 * inside > len(full) else 0


def _has_room(line: str, behind: str, wide: int) -> bool:
    """Whether the first word of the line behind would have fitted."""
    return _width(line) + 1 + _width(behind.split()[0]) <= wide - 2


def _width(text: str) -> int:
    """Columns on a screen of fixed width."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
