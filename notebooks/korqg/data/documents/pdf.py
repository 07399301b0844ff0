"""PDF files to blocks of text: lines as they stand on the page, joined to paragraphs again.

Text and places come from PDFium (pypdfium2), which knows the Korean character maps. A PDF knows no
paragraphs: a line ends one when it stops early enough for the next word to have fitted behind it, or when
the next line stands further below, is of another size, or begins a list item.
"""

import ctypes
import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from korqg.data.documents.contents import is_entry
from korqg.data.documents.line_breaks import (
    BrokenLine,
    are_broken,
    are_torn,
    begins_label,
    begins_with_particle,
    ends_sentence,
    holds_sentences,
    join_lines,
)
from korqg.data.documents.table_text import Cell, table_blocks
from korqg.data.text_blocks import (
    Block,
    begins_bullet,
    begins_item,
    begins_number,
    clean,
    is_hangul,
    read_bytes,
    without_unseen,
)
from korqg.errors import KorqgError

MOST_PAGES = 10_000
MARGIN = 0.12  # The share of a page's height at its top and bottom in which running heads and page numbers stand
# A line in the margin that returns on this share of the pages, digits aside, is a running head; less than one half,
# because left and right pages may have different ones.
REPEATED = 0.4
# Where a place in the margin has a line on so many pages, but its text changes from chapter to chapter: the share of
# those pages whose text stands on another one too.
CHANGING = 0.6
WIDE_GAP = 2.0  # A gap inside a line, as a share of its height, from which it parts the cells of a table
NARROW_GAP = 0.5  # The same where the gaps of several lines stand below one another
GUESSED_BLANK = 0.18  # A gap between two signs, as a share of their height, that may be a blank
# How wide a gap between Hangul and other signs is at least if it is a blank, as a share of the usual blank.
SURE_BLANK = 0.8
EVEN = 1.1  # How much wider than the narrowest the widest blank of a line is that is spread to both edges
BAR = " | "  # What is written for such a gap
_BAR = re.compile(r"\s?(?<!\S)\|(?!\S)\s?")
MOSTLY_FILLED = 0.6  # The share of a column's lines that reach its right edge
APART = 1.6  # How many times the usual step a running head stands off from the text
SMALLER = 0.88  # A note's size, and that of a raised sign, as a share of the text's
# A page's share of signs without a known character; above it the file's fonts lack their character map.
MOST_UNKNOWN = 0.3
# Lines, and their width in signs, from which lines below one another show how wide their column is.
FEWEST_LINES, NARROWEST_COLUMN = 3, 12
# A column's width in signs, less than which poems have, and the share of full lines that end at the right edge where a
# program broke inside words.
WIDE_COLUMN, MOSTLY_EVEN = 16, 0.8
_HYPHEN = 2  # PDFium's sign for a hyphen that only the end of the line has put there
_PAGE_NUMBER = re.compile(r"[\s\-–—~·|\[\]()<>]*(?:\d{1,4}|[ivxlc]{1,6})(?:\s*/\s*\d{1,4})?[\s\-–—~·|\[\]()<>]*(?:쪽)?")
# Particles that no other word begins like: the line goes on even if the one before stopped early, beside a picture.
_STUCK = re.compile(r"(?:은|는|을|를|의|에서|으로|까지|부터|이다|이며|이고)(?=[\s.,])")
_HEADING = re.compile(r"제\s?\d+\s?[편장절관조](?:의\s?\d+)?(?:\([^)]*\)|\s[^.]{1,30}$)")
_NOTE = re.compile(r"(?:주\s?)?\d{1,3}\)|\*{1,3}\)?\s|[†‡]|\[\d{1,3}\]|주\s?\d{0,2}[:)]")
_NOTE_MARK = re.compile(r"(?<=[가-힣”’\"')\]」』.])(?:\d{1,3}\)|\*{1,3}|\d{1,2}(?![\d.,%]))")


@dataclass(frozen=True)
class Line:
    """A line of a page: its text and its box in points, counted from the lower left corner of the page.

    `blank` and `hyphen` tell what stood at its end; `alone` marks a table's row and a form's filled field.
    """

    text: str
    page: int
    left: float
    right: float
    bottom: float
    top: float
    blank: bool
    hyphen: bool
    alone: bool = False


def read_pdf(path: Path) -> list[Block]:
    """Paragraphs with the page each begins on; no headings, because a PDF does not name them.

    Running heads, footers and page numbers are left out. Raises KorqgError for a file that is damaged,
    protected by a password, too long, or that holds pictures of text instead of text.
    """
    import pypdfium2

    data = read_bytes(path)
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise KorqgError(f"{path.name} is protected by a password: save it without one.") from None
        raise KorqgError(f"{path.name} is damaged, incomplete or no .pdf file: copy or save it again.") from None
    try:
        if len(document) > MOST_PAGES:
            raise KorqgError(f"{path.name} has {len(document):,} pages, more than {MOST_PAGES:,}: split it.")
        lines, heights = [], {}
        document.init_forms()
        forms = document.formenv.raw if document.formenv else None
        for number in range(1, len(document) + 1):
            page = document[number - 1]
            heights[number] = page.get_height()
            lines += _in_order(_with_values(_page_lines(page, number), _form_values(page, forms)))
            page.close()
    except pypdfium2.PdfiumError as error:
        raise KorqgError(f"{path.name} is damaged ({error}): copy or save it again.") from None
    finally:
        document.close()
    letters = [sign for line in lines for sign in line.text if not sign.isspace()]
    if not any(sign.isalnum() for sign in letters):
        raise KorqgError(
            f"{path.name} holds no text that can be read, perhaps because its pages are scanned pictures: "
            "run character recognition (OCR) over it and save the result."
        )
    if sum(sign == "\ufffd" or "\ue000" <= sign <= "\uf8ff" for sign in letters) > MOST_UNKNOWN * len(letters):
        raise KorqgError(
            f"{path.name}: its fonts do not say which characters they show, so the text cannot be read. "
            "Save the document anew from its own program, as .docx or .hwpx if you can."
        )
    body, notes = map(_paragraphs, _notes_apart(_without_running_heads(lines, heights)))
    return sorted([*body, *notes], key=lambda block: block.page) if notes else body  # notes behind their page's text


class _Run:
    """Signs that PDFium reports as one line, each with its number on the page; a blank that it guessed has none."""

    def __init__(self, place: Callable[[int], tuple[float, float, float, float]]):
        self.place = place
        self.signs: list[tuple[str, int | None]] = []
        self.hyphen = False
        self.is_row = False
        self.bars: dict[int, str] = {}

    @property
    def text(self) -> str:
        return "".join(sign for sign, _ in self.signs)

    def finish(self) -> None:
        """Find the words, their edges, and the run's box, which is that of the signs that most words begin with."""
        self.words = list(re.finditer(r"\S+", self.text))
        boxes = [self.place(self.signs[word.start()][1]) for word in self.words]
        self.lefts = [box[0] for box in boxes]
        self.rights = [self.place(self.signs[word.end() - 1][1])[1] for word in self.words]
        self.left, self.right = min(self.lefts), max(*self.rights, boxes[-1][1])
        size = Counter(round(box[3] - box[2], 1) for box in boxes).most_common(1)[0][0]
        self.bottom, self.top = next(box[2:] for box in boxes if round(box[3] - box[2], 1) == size)
        self.height = self.top - self.bottom
        if any(two < one - 1 for one, two in itertools.pairwise(self.lefts)):
            self.sort()

    def blanks(self) -> Iterator[tuple[int, str, float]]:
        """Each blank by the word behind it: the signs on its sides and how wide it is, as a share of the height."""
        for number, (one, two) in enumerate(itertools.pairwise(self.words), start=1):
            width = (self.lefts[number] - self.rights[number - 1]) / self.height
            yield number, one[0][-1] + two[0][0], width

    def drop_gaps(self, usual: float) -> None:
        """Take out what PDFium took for blanks: gaps that programs leave where Hangul and figures or marks meet.

        `usual` is how wide the page's blanks between Hangul words are.
        """
        blanks = list(self.blanks())
        own = sorted(width for _, signs, width in blanks if all(map(is_hangul, signs)))
        least = min(NARROW_GAP, SURE_BLANK * (own[len(own) // 2] if len(own) > 1 else usual))
        for number, signs, width in reversed(blanks):
            start, end = self.words[number - 1].end(), self.words[number].start()
            if any(self.is_in_place(number, index) for _, index in self.signs[start:end]):
                continue
            if width < (GUESSED_BLANK if all(map(is_hangul, signs)) or signs.isascii() else least):
                del self.signs[start:end]
        self.finish()

    def is_in_place(self, number: int, index: int | None) -> bool:
        """Whether a blank of the file stands before that word: programs may draw all of a line's blanks at its end."""
        return index is not None and self.lefts[number - 1] < self.place(index)[0] < self.lefts[number] + 1

    def gaps(self, least: float = WIDE_GAP, even: bool = False) -> dict[int, tuple[float, float]]:
        """The gaps of at least that share of the run's height, by the words behind them.

        Unless even ones count, a title whose letters stand far apart has none, nor a line that is spread to both
        edges; and none is behind an item's sign.
        """
        if not even and all(len(word[0]) == 1 for word in self.words):
            return {}
        widths = [width for _, _, width in self.blanks()]
        if not even and len(widths) >= FEWEST_LINES and max(widths) < EVEN * min(widths):
            return {}
        found = {
            number: (self.rights[number - 1], self.lefts[number])
            for number, width in enumerate(widths, start=1)
            if width > least
        }
        if begins_bullet(f"{self.words[0][0]} "):
            found.pop(1, None)
        return found

    def cells(self) -> list[tuple[float, float]]:
        """The edges of what wide gaps part."""
        edges = [self.lefts[0], *itertools.chain(*self.gaps(even=True).values()), self.rights[-1]]
        return list(zip(edges[::2], edges[1::2], strict=True))

    def part(self, of_table: bool) -> None:
        """Write wide gaps as what they stand for: dots before a page number, else the bars between a table's cells."""
        words, wide = self.words, dict.fromkeys(self.gaps(NARROW_GAP if of_table else WIDE_GAP), BAR.lstrip())
        if self.bars and (not of_table or len(wide) == len(self.gaps())):
            wide = self.bars
        is_entry = list(wide) == [len(words) - 1] and re.fullmatch(r"\d{1,4}", words[-1][0]) is not None
        self.is_row = bool(wide) and not is_entry
        for number in reversed(wide):
            start = words[number].start() if number < len(words) else words[-1].end()
            index = self.signs[min(start, len(self.signs) - 1)][1]
            self.signs[start:start] = [(sign, index) for sign in ("······ " if is_entry else wide[number])]

    def halves(self) -> "tuple[_Run, _Run] | None":
        """What stands on either side of the only wide gap, where both may be lines of a column."""
        wide = self.gaps()
        if len(wide) != 1:
            return None
        cut = self.words[next(iter(wide))].start()
        halves = _Run(self.place), _Run(self.place)
        left = max(place for place, (sign, _) in enumerate(self.signs[:cut]) if not sign.isspace())
        halves[0].signs, halves[1].signs = self.signs[: left + 1], self.signs[cut:]
        for half in halves:
            half.finish()
        return halves if all(len(half.signs) >= NARROWEST_COLUMN for half in halves) else None

    def sort(self) -> None:
        """Put the signs in their order from left to right: a font's signs may be drawn before another font's."""
        boxes = [(self.place(index), sign, index) for sign, index in self.signs if not sign.isspace()]
        boxes.sort(key=lambda one: one[0][0])
        self.signs, before = [], None
        for box, sign, index in boxes:
            if before is not None and box[0] - before > GUESSED_BLANK * self.height:
                self.signs.append((" ", None))
            self.signs.append((sign, index))
            before = box[1]
        self.finish()

    def holds(self, other: "_Run") -> bool:
        """Whether another run stands in a gap of this one, or touches its end."""
        height = min(self.top - self.bottom, other.top - other.bottom)
        if min(self.top, other.top) - max(self.bottom, other.bottom) < 0.5 * height:
            return False
        if -0.3 * height < other.left - self.right < 0.3 * height:
            return True
        if not self.left < other.left < other.right < self.right:
            return False
        spots = [self.place(index)[:2] for sign, index in self.signs if not sign.isspace()]
        return all(right <= other.left + 1 or left >= other.right - 1 for left, right in spots)

    def repeats(self, other: "_Run") -> bool:
        """Whether another run has the same signs at nearly the same place: so some programs make bold text."""
        off = max(abs(self.left - other.left), abs(self.bottom - other.bottom))
        return off < 0.25 * self.height and self.text == other.text

    def take(self, other: "_Run") -> None:
        """Add another run's signs where they stand."""
        touches = other.left >= self.right - 0.3 * self.height
        if touches and other.left - self.right > GUESSED_BLANK * self.height:
            self.signs.append((" ", None))
        self.signs += other.signs
        self.hyphen, self.is_row = self.hyphen or other.hyphen, self.is_row or other.is_row
        self.finish() if touches else self.sort()

    def line(self, number: int) -> Line:
        """The run as a line, without the raised signs that point to notes."""
        text = self.text
        for match in reversed(list(_NOTE_MARK.finditer(text))):
            _, _, bottom, top = self.place(self.signs[match.start()][1])
            if top - bottom < SMALLER * (self.top - self.bottom) and bottom > self.bottom:
                behind = text[match.end() :]
                text = text[: match.start()] + (behind.lstrip() if begins_with_particle(behind.lstrip()) else behind)
        edges = self.left, self.right, self.bottom, self.top
        return Line(without_unseen(text), number, *edges, text[-1:].isspace(), self.hyphen, self.is_row)


def _page_lines(page, number: int) -> list[Line]:
    """A page's lines in the order of its content."""
    import pypdfium2.raw as pdfium

    text_page = page.get_textpage()
    handle, box = text_page.raw, pdfium.FS_RECTF()

    def place(index: int) -> tuple[float, float, float, float]:
        # The loose box has the height of the font, not of the sign: it is the same along a line.
        pdfium.FPDFText_GetLooseCharBox(handle, index, ctypes.byref(box))
        return box.left, box.right, box.bottom, box.top

    runs = [_Run(place)]
    for index in range(pdfium.FPDFText_CountChars(handle)):
        code = pdfium.FPDFText_GetUnicode(handle, index)
        if code in (_HYPHEN, 10, 13):
            runs[-1].hyphen = code == _HYPHEN
            runs.append(_Run(place))
            continue
        sign = chr(code) if 0 < code <= 0x10FFFF and not 0xD800 <= code < 0xE000 else "\ufffd"
        guessed = sign == " " and pdfium.FPDFText_IsGenerated(handle, index) == 1
        runs[-1].signs.append((sign, None if guessed else index))
    runs = [run for run in runs if any(not sign.isspace() for sign, _ in run.signs)]
    if 2 * sum(len(run.text.strip()) == 1 for run in runs) > len(runs):
        runs = _by_place(runs, place)
    for run in runs:
        run.finish()
    runs = _joined_runs(runs)
    _drop_gaps(runs)
    joined = _columns_apart(runs)
    _set_bars(joined)
    tables = _in_tables(joined)
    for run in joined:
        run.part(id(run) in tables)
    lines = [run.line(number) for run in joined]
    text_page.close()
    return [line for line in lines if line.text]


def _by_place(runs: list[_Run], place: Callable) -> list[_Run]:
    """The runs anew: PDFium takes a page of a few short lines for vertical writing, and each sign for a line."""
    found, before = [], (math.inf, 0.0, 0.0)
    for sign, index in [pair for run in runs for pair in run.signs if not pair[0].isspace()]:
        left, right, bottom, top = place(index)
        if left < before[0] - 1 or min(top, before[2]) - max(bottom, before[1]) < 0.5 * (top - bottom):
            found.append(_Run(place))
        elif left - before[0] > GUESSED_BLANK * (top - bottom):
            found[-1].signs.append((" ", None))
        found[-1].signs.append((sign, index))
        before = right, bottom, top
    return found


def _drop_gaps(runs: list[_Run]) -> None:
    """Take the gaps that are no blanks out of a page's lines where PDFium guessed any."""
    widths = sorted(width for run in runs for _, signs, width in run.blanks() if all(map(is_hangul, signs)))
    for run in runs if widths else ():
        if any(sign.isspace() for sign, _ in run.signs[:-1]):
            run.drop_gaps(widths[len(widths) // 2])


def _in_tables(runs: list[_Run]) -> set[int]:
    """The ids of the runs that are a table's rows: as many gaps as in those above and below, at the same places."""
    found, rows, gaps = set(), [], []
    for run in [*runs, None]:
        is_sentence = run is None or run.text.rstrip().endswith(("다.", "요."))
        own = [] if is_sentence else list(run.gaps(NARROW_GAP).values())
        shared = [(max(one[0], two[0]), min(one[1], two[1])) for one, two in zip(gaps, own, strict=False)]
        if rows and len(gaps) == len(own) > 0 and all(right - left > 1 for left, right in shared):
            rows, gaps = [*rows, id(run)], shared
            continue
        if len(rows) >= FEWEST_LINES:
            found.update(rows)
        rows, gaps = ([id(run)], own) if own else ([], [])
    return found


def _set_bars(runs: list[_Run]) -> None:
    """Give rows of tables their bars, also beside empty cells and even gaps: the fullest rows show the columns."""
    for is_table, group in itertools.groupby(runs, lambda run: len(run.cells()) > 1):
        rows = [(run, run.cells()) for run in group]
        most = max(len(cells) for _, cells in rows)
        full = zip(*(cells for _, cells in rows if len(cells) == most), strict=True)
        spans = [(min(left for left, _ in column), max(right for _, right in column)) for column in full]
        found = [(run, columns) for run, cells in rows if (columns := _columns(cells, spans))]
        for run, columns in found if is_table and most > 2 and len(found) >= FEWEST_LINES else ():
            before = ["| " * (two - one) for one, two in itertools.pairwise([0, *columns])]
            run.bars = dict(zip([0, *run.gaps(even=True)], before, strict=True))
            run.bars[len(run.words)] = " |" * (most - 1 - columns[-1])


def _columns(cells: list[tuple[float, float]], spans: list[tuple[float, float]]) -> list[int]:
    """The column of each cell; nothing if one stands in none or in several."""
    places = [[at for at, (one, two) in enumerate(spans) if one < right and left < two] for left, right in cells]
    clear = all(len(place) == 1 for place in places) and len({at for (at,) in places}) == len(cells)
    return [at for (at,) in places] if clear else []


def _joined_runs(runs: list[_Run]) -> list[_Run]:
    """The runs, with those taken in that stand in another one's gaps or touch its end on the same line."""
    joined: list[_Run] = []
    for run in runs:
        if any(other.repeats(run) for other in joined):
            continue
        owner = next((other for other in joined if other.holds(run)), None)
        if owner is not None:
            owner.take(run)
            continue
        inside = [other for other in joined if run.left < other.left and run.holds(other) and other.right < run.right]
        for other in inside:
            joined.remove(other)
            run.take(other)
        joined.append(run)
    return joined


def _columns_apart(runs: list[_Run]) -> list[_Run]:
    """The runs, with two columns that are drawn line by line put one behind the other."""
    apart, place = [], 0
    while place < len(runs):
        pairs = []
        while place + len(pairs) < len(runs) and (halves := runs[place + len(pairs)].halves()):
            if pairs and not all(_aligned(one, two) for one, two in zip(pairs[-1], halves, strict=True)):
                break
            pairs.append(halves)
        if len(pairs) < FEWEST_LINES or not all(map(_is_filled, zip(*pairs, strict=True))):
            apart.append(runs[place])
            place += 1
            continue
        place += len(pairs)
        columns = [list(column) for column in zip(*pairs, strict=True)]
        while place < len(runs) and (column := next((one for one in columns if _aligned(one[-1], runs[place])), None)):
            column.append(runs[place])  # one column is longer
            place += 1
        apart += [run for column in columns for run in column]
    return apart


def _is_filled(column: tuple[_Run, ...]) -> bool:
    """Whether most lines reach the column's right edge, as text does and a table's cells do not."""
    far = max(run.right for run in column)
    near = [run for run in column if far - run.right < 3 * (run.top - run.bottom)]
    return len(near) >= MOSTLY_FILLED * len(column)


def _aligned(one: _Run, two: _Run) -> bool:
    """Whether a run stands right below another one, at the same left edge and not much wider."""
    height = one.top - one.bottom
    below = 0 < one.bottom - two.bottom < 2.5 * height
    return below and abs(one.left - two.left) < height and two.right < one.right + 5 * height


def _form_values(page, forms) -> list[tuple[str, tuple[float, float, float, float]]]:
    """What is filled into a page's text fields and lists, with the boxes of the fields."""
    import pypdfium2.raw as pdfium

    if forms is None:
        return []
    values = []
    for index in range(pdfium.FPDFPage_GetAnnotCount(page)):
        note = pdfium.FPDFPage_GetAnnot(page, index)
        kinds = (pdfium.FPDF_FORMFIELD_TEXTFIELD, pdfium.FPDF_FORMFIELD_COMBOBOX, pdfium.FPDF_FORMFIELD_LISTBOX)
        if pdfium.FPDFAnnot_GetFormFieldType(forms, note) in kinds:
            length = pdfium.FPDFAnnot_GetFormFieldValue(forms, note, None, 0)
            buffer = ctypes.create_string_buffer(length)
            words = ctypes.cast(buffer, ctypes.POINTER(pdfium.FPDF_WCHAR))
            pdfium.FPDFAnnot_GetFormFieldValue(forms, note, words, length)
            box = pdfium.FS_RECTF()
            pdfium.FPDFAnnot_GetRect(note, ctypes.byref(box))
            if value := without_unseen(buffer.raw.decode("utf-16-le", "replace").rstrip("\0")):
                values.append((value, (box.left, box.right, box.bottom, box.top)))
        pdfium.FPDFPage_CloseAnnot(note)
    return values


def _with_values(lines: list[Line], values: list[tuple]) -> list[Line]:
    """The lines with each field's value behind the label to its left, or as a line of its own."""
    lines = list(lines)
    for value, (left, right, bottom, top) in values:
        middle = (bottom + top) / 2
        beside = [line for line in lines if line.bottom - 3 <= middle <= line.top + 3 and line.left < left]
        if beside:
            label = max(beside, key=lambda line: line.left)
            text = f"{label.text} {value}"
            lines[lines.index(label)] = replace(label, text=text, alone=True)
        else:
            page = lines[0].page if lines else 1
            above = [place for place, line in enumerate(lines) if line.bottom > middle]
            line = Line(value, page, left, right, bottom, top, False, False, alone=True)
            lines.insert(above[-1] + 1 if above else 0, line)
    return lines


def _in_order(lines: list[Line]) -> list[Line]:
    """A page's lines from top to bottom where none stand side by side; else as the page draws them.

    Then only what is drawn last and stands above all others goes first: a title is often drawn so.
    """
    by_top = sorted(lines, key=lambda line: -line.top)
    if not any(_beside(one, two) for place, one in enumerate(by_top) for two in by_top[place + 1 : place + 6]):
        return by_top
    place = len(lines)
    while place > 1 and all(lines[place - 1].bottom > other.top - 1 for other in lines[: place - 1]):
        place -= 1
    return [*lines[place:], *lines[:place]]


def _beside(one: Line, two: Line) -> bool:
    height = min(one.top - one.bottom, two.top - two.bottom)
    return min(one.top, two.top) - max(one.bottom, two.bottom) > 0.5 * height


def _without_running_heads(lines: list[Line], heights: dict[int, float]) -> list[Line]:
    """The lines but for page numbers, and for what returns in the margins of many pages."""
    margins = _margins(lines, heights)
    enough = max(3, REPEATED * len(heights))
    found = list(margins.values())
    exact = Counter(key for key, _ in {((edge, _without_page(one.text)), one.page) for edge, _, one in found})
    loose = {((edge, _without_figures(one.text)), one.page) for edge, apart, one in found if apart}
    texts, places = Counter(key for key, _ in loose), {}
    few = Counter((edge, _place(one), _head_text(edge, one)) for edge, apart, one in found if apart)
    for edge, apart, line in found:
        if apart:
            places.setdefault((edge, *_place(line)), []).append(line)
    changing = [lines for lines in places.values() if len(lines) >= enough and _is_changing(lines)]
    heads = {_without_figures(line.text) for found in changing for line in found}
    kept = []
    for line in lines:
        edge, apart, _ = margins.get(id(line), ("", False, None))
        if edge and (
            _PAGE_NUMBER.fullmatch(line.text)
            or exact[edge, _without_page(line.text)] >= enough
            or (apart and texts[edge, _without_figures(line.text)] >= enough)
            or (apart and few[edge, _place(line), _head_text(edge, line)] >= max(2, REPEATED * len(heights)))
            or (apart and _without_figures(line.text) in heads and not re.search(r"[.!?]$", line.text))
        ):
            continue
        kept.append(line)
    return kept


def _margins(lines: list[Line], heights: dict[int, float]) -> dict[int, tuple[str, bool, Line]]:
    """The lines in the margins by their ids: at which edge, and whether they stand apart from the text."""
    usual, pages, found = _usual_step(lines), {}, {}
    for line in lines:
        pages.setdefault(line.page, []).append(line)
    for page, of_page in pages.items():
        for edge, sign in (("top", -1), ("bottom", 1)):
            ordered = sorted(of_page, key=lambda line: sign * line.bottom)
            inside = [line for line in ordered if _in_margin(line, heights[page], edge)]
            for number, line in enumerate(ordered[: len(inside)]):
                rest = ordered[number + 1 :]
                step = abs(rest[0].bottom - line.bottom) if rest else 0.0
                if step > APART * max(usual, line.top - line.bottom):
                    found.update({id(one): (edge, True, one) for one in ordered[: number + 1]})
            found = {id(line): (edge, False, line) for line in inside} | found
    return found


def _in_margin(line: Line, height: float, edge: str) -> bool:
    middle = (line.bottom + line.top) / 2 / height
    return middle >= 1 - MARGIN if edge == "top" else middle <= MARGIN


def _place(line: Line) -> tuple[int, int]:
    """Where a line stands and how large it is, so that the same place on another page is known."""
    return round(line.bottom / 3), round(line.top - line.bottom)


def _head_text(edge: str, line: Line) -> str:
    """What a head that only two pages have must share: all, but for a page number at the foot ("물음 1" is a title)."""
    return _without_page(line.text) if edge == "bottom" else line.text


def _is_changing(lines: list[Line]) -> bool:
    """Whether the lines at one place of the margin are heads that change by chapter: most stand there twice."""
    texts = Counter(_without_figures(line.text) for line in lines)
    short = all(len(text) <= 60 for text in texts)
    return short and sum(count for count in texts.values() if count > 1) >= CHANGING * len(lines)


def _without_figures(text: str) -> str:
    return re.sub(r"\d+", "#", text)


def _without_page(text: str) -> str:
    """A line without the page number at its start or end."""
    return re.sub(r"^\d{1,4}\s+|\s+\d{1,4}$", "", text)


def _notes_apart(lines: list[Line]) -> tuple[list[Line], list[Line]]:
    """The lines of the text, and those of the notes at the feet of the pages: a note would cut a sentence in two."""
    sizes = Counter()
    for line in lines:
        sizes[round(line.top - line.bottom, 1)] += len(line.text)
    usual = sizes.most_common(1)[0][0] if sizes else 0.0
    lowest, body, notes = {}, [], []
    for line in lines:
        if line.top - line.bottom >= SMALLER * usual:
            lowest.setdefault(line.page, []).append(line.bottom)
    in_note = None
    for line in lines:
        small = line.top - line.bottom < SMALLER * usual
        follows = in_note is not None and in_note.page == line.page and 0 < in_note.bottom - line.bottom < 3 * usual
        low = small and line.bottom < min(lowest.get(line.page, [math.inf]))
        if low and (_NOTE.match(line.text) or follows):
            notes.append(line)
            in_note = line
        else:
            body.append(line)
            in_note = None
    return body, notes


def _paragraphs(lines: list[Line]) -> list[Block]:
    if not lines:
        return []
    groups: list[list[Line]] = [[lines[0]]]
    right_edges = _right_edges(lines)
    usual_step = _usual_step(lines)
    behind = [*lines[2:], None]
    for one, two, three, right_edge in zip(lines, lines[1:], behind, right_edges, strict=False):
        if _is_indented(one, two, three) or _starts_paragraph(one, two, right_edge, usual_step):
            groups.append([two])
        else:
            groups[-1].append(two)
    texts = join_lines([[BrokenLine(line.text, line.blank, line.hyphen) for line in group] for group in groups])
    return _as_tables([Block(clean(text), page=group[0].page) for group, text in zip(groups, texts, strict=True)])


def _as_tables(blocks: list[Block]) -> list[Block]:
    """The blocks; lines with bars, one below the other, are a table's rows, and know its head if they have one."""
    found = []
    for is_row, run in itertools.groupby(blocks, key=lambda block: BAR in block.text):
        lines = list(run)
        if is_row and len(lines) > 1:
            rows = [[Cell((Block(text),) if text else ()) for text in _BAR.split(line.text)] for line in lines]
            even = len(set(map(len, rows))) == 1 and all(any(cell.blocks for cell in row) for row in rows)
            made = list(table_blocks(rows)) if even else [Block(line.text, is_row=True) for line in lines]
            lines = [
                replace(row, page=line.page, text=row.text if row.head or row.is_head else line.text)
                for row, line in zip(made, lines[-len(made) :], strict=True)  # a head of two lines is one row
            ]
            lines[0] = replace(lines[0], is_head=True)  # head or not, it does not stand without the next one
        found += lines
    return found


def _usual_step(lines: list[Line]) -> float:
    """How far a line mostly stands below the one before it."""
    steps = sorted(step for one, two in itertools.pairwise(lines) if (step := _step(one, two)))
    return steps[len(steps) // 2] if steps else 0.0


def _column(line: Line) -> int:
    """Lines that begin near one another, in steps of a quarter of an A4 page, share their right edge."""
    return int(line.left // 150)


def _right_edges(lines: list[Line]) -> list[float]:
    """How far each line might have reached: as far as the lines above and below it, where they are a column.

    Short ones next to a wider text are no column of their own, and lines that no program broke might reach any far.
    """
    runs = [[lines[0]]]
    for one, two in itertools.pairwise(lines):
        if _same_column(one, two):
            runs[-1].append(two)
        else:
            runs.append([two])
    columns: dict[int, list[list[Line]]] = {}
    for run in runs:
        columns.setdefault(_column(run[0]), []).append(run)
    far = {column: _edge(found) for column, found in columns.items()}
    edges = []
    for run in runs:
        (text, is_text), (own, is_own) = far[_column(run[0])], _edge([run])
        is_column = len(run) > 2 * FEWEST_LINES or text - own < 3 * (run[0].top - run[0].bottom)
        is_own = is_own and own < math.inf and (is_column or text == math.inf or not is_text)
        edges += [own if is_own else text] * len(run)
    return edges


def _edge(runs: list[list[Line]]) -> tuple[float, bool]:
    """The right edge of lines that a program broke, infinite where each line stands for itself; whether full lines
    show it."""
    rights, size = sorted(line.right for run in runs for line in run), runs[0][0].top - runs[0][0].bottom
    edge = rights[round(0.9 * (len(rights) - 1))]  # which a few longer lines do not move
    full, prose = [], False
    for run in runs:
        has_sentences = holds_sentences([line.text for line in run])
        prose = prose or has_sentences
        for one, two in itertools.pairwise(run):
            if not _begins_part(one.text, two.text) and not _has_room(one, two, edge):
                full.append((one, two, has_sentences or ends_sentence(run[-1].text)))
    if not full:
        return edge, False
    even = sum(one.hyphen or edge - one.right < EVEN * size for one, *_ in full) >= MOSTLY_EVEN * len(full)
    broken = are_broken([(one.text, is_prose) for one, _, is_prose in full])
    wide = edge - min(line.left for run in runs for line in run) >= WIDE_COLUMN * size
    is_edge = (broken and (even or prose or wide)) or (
        even and are_torn([(one.text, two.text) for one, two, _ in full])
    )
    return edge if is_edge else math.inf, True


def _same_column(one: Line, two: Line) -> bool:
    """Whether a line stands right below another, at the same left edge."""
    height = one.top - one.bottom
    return 0 < _step(one, two) < 2.2 * height and abs(one.left - two.left) < 3 * height


def _step(one: Line, two: Line) -> float:
    """How far below a line the next one stands; 0 where it stands elsewhere (another column, another page)."""
    step = one.bottom - two.bottom
    return step if one.page == two.page and 0 < step < 5 * (one.top - one.bottom) else 0.0


def _is_indented(one: Line, two: Line, three: Line | None) -> bool:
    """Whether the second of three lines is a paragraph's first by its indent; not so the second of a list's item.

    The line above is of another paragraph if it stands at the left edge, or ends a sentence.
    """
    height = one.top - one.bottom
    ended = ends_sentence(one.text)
    if not _step(one, two) or begins_item(one.text) or not -0.3 * height < two.left - one.left < 4 * height:
        return False
    above = two.left - one.left > 0.5 * height
    if three is None or not _same_column(two, three) or begins_item(three.text):
        return above and ended
    below = 0.5 * height < two.left - three.left
    return below and ((above and abs(three.left - one.left) < 0.3 * height) or (not above and ended))


def _begins_part(one: str, two: str) -> bool:
    """Whether the second line begins an item, a label or a numbered part; "…것이" may be broken before "다. "."""
    if begins_bullet(two) or begins_label(one, two):
        return True
    is_clear = re.search(r"[.!?:;]$", one) or _HEADING.match(two) or not re.match(r"[\d가-힣(]", two)
    return begins_number(two) and bool(is_clear)


def _starts_paragraph(one: Line, two: Line, right_edge: float, usual_step: float) -> bool:
    if one.hyphen:
        return False
    if one.alone or two.alone or _begins_part(one.text, two.text) or is_entry(one.text) or is_entry(two.text):
        return True
    if (one.page != two.page or not _step(one, two)) and ends_sentence(one.text):
        return True  # whether the paragraph goes on cannot be seen, and chunks are made of sentences anyway
    one_height, two_height = one.top - one.bottom, two.top - two.bottom
    if max(one_height, two_height) > 1.15 * min(one_height, two_height):
        return True
    if _STUCK.match(two.text) and not ends_sentence(one.text):
        return False
    step = _step(one, two)
    if step and _is_centred(one, two):
        return True
    if step > 1.4 * usual_step > 0:
        return True
    is_beside = one.page == two.page and step == 0 and abs(one.bottom - two.bottom) < one_height  # a table's cell
    return is_beside or _has_room(one, two, right_edge)


def _is_centred(one: Line, two: Line) -> bool:
    """Whether a short line stands above the middle of the one below it, as a title does."""
    height, left, right = one.top - one.bottom, one.left - two.left, two.right - one.right
    return min(left, right) > 3 * height and abs(left - right) < 2 * height


def _has_room(one: Line, two: Line, right_edge: float) -> bool:
    """Whether the first word of the line behind would have fitted."""
    sign_width = (one.right - one.left) / len(one.text)
    return one.right + (len(two.text.split(" ", 1)[0]) + 1) * sign_width < right_edge - sign_width
