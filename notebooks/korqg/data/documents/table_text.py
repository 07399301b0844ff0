"""Rows and cells of a table, from whatever format, to blocks of text.

A row becomes one line, its cells joined by " | ". A box that only lays out text, and a cell of several paragraphs,
give their paragraphs as they are.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from korqg.data.text_blocks import Block, begins_item

LONGEST_NAME = 30  # Characters of a column's name, and of a joined cell that is repeated in each of its rows
_NUMBERED_NAME = re.compile(r"\D*\d{0,2}\D*|(?:19|20)\d\d\s*년?\D*")
_SENTENCE = re.compile(r"[.!?]$|[다음함임됨]$")


@dataclass(frozen=True)
class Cell:
    """A cell's blocks, over how many rows and columns it reaches, and whether it is said to be a head."""

    blocks: tuple[Block, ...]
    rows: int = 1
    columns: int = 1
    head: bool = False

    @property
    def text(self) -> str:
        return " ".join(block.text for block in self.blocks)

    @property
    def is_layout(self) -> bool:
        """Whether its paragraphs are worth a line each: a table inside, items, sentences."""
        texts = [block.text for block in self.blocks] if len(self.blocks) > 1 else []
        alone = (len(text) > LONGEST_NAME or begins_item(text) or _SENTENCE.search(text) for text in texts)
        return any(block.is_row for block in self.blocks) or any(alone)


def reach(stated: str | None) -> int:
    """Over how many rows or columns a cell reaches, within reason; 1 where it is not stated."""
    return max(1, min(100, int(stated))) if stated and stated.isdecimal() else 1


def table_blocks(rows: list[list[Cell]]) -> Iterator[Block]:
    """The blocks of a table; each row knows its head, and what it says without the rows around it."""
    grid = _grid(rows)
    width = max(map(len, grid), default=0)
    if width == 1:
        for (cell,) in grid:
            yield from cell.blocks
        return
    if len(grid) == 1 and not any(cell.is_layout for cell in grid[0]):
        yield from _title_box([cell.text for cell in grid[0] if cell.blocks])
        return
    grid = _one_head(grid, width)
    names = _names(grid, width)
    for number, row in enumerate(grid):
        filled = [cell for cell in row if cell.blocks]
        if any(cell.is_layout for cell in filled) or (len(filled) == 1 and (not names or filled[0].columns >= width)):
            yield from _laid_out(filled)
        elif filled:
            yield _row_block(row, names if number else (), is_head=bool(names) and number == 0)


def _title_box(texts: list[str]) -> Iterator[Block]:
    """A table of one row: often a heading whose number has a cell of its own."""
    if len(texts) == 2 and re.fullmatch(r"(?:\d{1,2}|[Ⅰ-Ⅻ]|[IVX]{1,4}|[가나다라마바사아자차카타파하])[.)]?", texts[0]):
        yield Block(" ".join(texts))
    elif texts:
        yield Block(" | ".join(texts))


def _grid(rows: list[list[Cell]]) -> list[list[Cell]]:
    """The rows with joined cells in every place they cover: repeated below where short, else empty."""
    grid, open_cells = [], {}
    for row in rows:
        line, waiting = [], list(row)
        while waiting or len(line) in open_cells:
            column = len(line)
            if column in open_cells:
                cell, left = open_cells.pop(column)
                if left > 1:
                    open_cells[column] = cell, left - 1
                line.append(cell)
                continue
            cell = waiting.pop(0)
            below = cell if len(cell.text) <= LONGEST_NAME and not cell.is_layout else replace(cell, blocks=())
            covered = replace(cell, blocks=())
            for offset in range(min(cell.columns, 100)):
                if cell.rows > 1:
                    open_cells[column + offset] = (below if offset == 0 else covered), cell.rows - 1
                line.append(cell if offset == 0 else covered)
        grid.append(line)
    return grid


def _one_head(grid: list[list[Cell]], width: int) -> list[list[Cell]]:
    """The grid with a head of two lines made one: "봄 잉어" for "잉어" below "봄", which reaches over several columns.

    Empty cells count as joined ones, but not above figures, which are values.
    """
    if any(len(row) != width for row in grid[:2]) or all(any(cell.columns > 1 for cell in row) for row in grid[2:]):
        return grid
    upper = grid[0]
    above = list(itertools.accumulate((cell.text for cell in upper), lambda before, text: text or before))
    below = ["" if one.rows > 1 else two.text for one, two in zip(*grid[:2], strict=True)]
    empty = [not cell.blocks for cell in upper] + [False]
    parted = [cell.rows == 1 and any(empty[at : at + 2]) for at, cell in enumerate(upper)]
    plain = _NUMBERED_NAME if any(cell.rows > 1 or cell.columns > 1 for cell in upper) else re.compile(r"\D*")
    fits = all(not name or bool(own) == wide for name, own, wide in zip(above, below, parted, strict=True))
    if not any(parted[1:]) or not fits or not all(map(plain.fullmatch, above + below)):
        return grid
    names = (f"{name} {own}".strip() for name, own in zip(above, below, strict=True))
    return [[Cell((Block(name),) if name else (), head=True) for name in names], *grid[2:]]


def _names(grid: list[list[Cell]], width: int) -> tuple[str, ...]:
    """The names of the columns, from a first row that is marked as the head or looks like one."""
    if len(grid) < 2 or any(cell.is_layout for cell in grid[0]):
        return ()
    names = tuple(cell.text for cell in grid[0])
    if len(names) != width or not any(names):
        return ()
    looks = all(len(name) <= LONGEST_NAME and not _SENTENCE.search(name) for name in names)
    if grid[0][0].head:  # some programs mark the first row of every table, those of a form or a box too
        return names if looks and sum(map(bool, names)) > 1 else ()
    looks = looks and all(names[1:])
    plain = all(_NUMBERED_NAME.fullmatch(name) for name in names)
    joined = any(cell.rows > 1 for cell in grid[0])
    return names if width > 2 and looks and plain and not joined and not _is_form(grid) else ()


def _is_form(grid: list[list[Cell]]) -> bool:
    """Whether every second cell is a label for the one behind it, in all rows."""
    labels = [cell.text for row in grid for cell in row[::2]]
    return all(len(row) % 2 == 0 for row in grid) and all(
        label and len(label) <= 12 and not re.search(r"\d", label) for label in labels
    )


def _laid_out(cells: list[Cell]) -> Iterator[Block]:
    """A row of a layout: short cells side by side as one line, the paragraphs of the others one by one."""
    short: list[str] = []
    for cell in cells:
        if len(cells) > 1 and not cell.is_layout:
            short.append(cell.text)
            continue
        if short:
            yield Block(" | ".join(short))
            short = []
        yield from cell.blocks
    if short:
        yield Block(" | ".join(short))


def _row_block(row: list[Cell], names: tuple[str, ...], is_head: bool) -> Block:
    texts = [cell.text for cell in row]
    joined = " | ".join(text for text in texts if text)
    if not names or len(names) != len(row):
        return Block(joined, is_row=True, is_head=is_head)
    alone = " | ".join(
        f"{name}: {text}" if name and name != text else text for name, text in zip(names, texts, strict=True) if text
    )
    head = " | ".join(name for name in names if name)
    return Block(joined if all(texts) else alone, is_row=True, head=head, alone=alone)
