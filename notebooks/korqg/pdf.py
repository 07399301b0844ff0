"""PDF files to blocks of text: lines as they stand on the page, joined to paragraphs again.

Text and places come from PDFium (pypdfium2), which knows the Korean character maps. A PDF knows no
paragraphs: a line ends one when it stops early enough for the next word to have fitted behind it, or when
the next line stands further below, is of another size, or begins a list item.
"""

import ctypes
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from korqg.errors import KorqgError
from korqg.readers import Block, clean, read_bytes, tidy
from korqg.sentences import kiwi

MOST_PAGES = 10_000

MARGIN = 0.12
"""The share of a page's height at its top and bottom in which running heads and page numbers stand."""

REPEATED = 0.4
"""A line in the margin that returns on this share of the pages, digits aside, is a running head; less than
one half, because left and right pages may have different ones."""

MOST_UNKNOWN = 0.3
"""A page's share of signs without a known character; above it the file's fonts lack their character map."""

LEAST_BLANKS = 0.2
"""A file of whose broken lines more than this share end in a blank is taken to keep all such blanks."""

LEAST_INSIDE = 0.25
"""A program that breaks lines inside Korean words does so at most breaks: words have three signs or so."""

_HYPHEN = 2
"""PDFium's sign for a hyphen that only the end of the line has put there."""

_PAGE_NUMBER = re.compile(r"[\s\-–—~·|\[\]()<>]*(?:\d{1,4}|[ivxlc]{1,6})(?:\s*/\s*\d{1,4})?[\s\-–—~·|\[\]()<>]*(?:쪽)?")
_BULLET = re.compile(r"[•‣●○◦■□▪▶►◆◇※∙·\-–*]\s|[①-⑳]")
_NUMBERED = re.compile(r"\(?\d{1,2}[.)]\s|\(?[가나다라마바사아자차카타파하][.)]\s|제\s?\d+\s?[조장절]")


@dataclass(frozen=True)
class Line:
    """A line of a page: its text and its box in points, counted from the lower left corner of the page.

    `blank` and `hyphen` tell what stood at its end.
    """

    text: str
    page: int
    left: float
    right: float
    bottom: float
    top: float
    blank: bool
    hyphen: bool


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
        for number in range(1, len(document) + 1):
            page = document[number - 1]
            heights[number] = page.get_height()
            lines += _page_lines(page, number)
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
    if sum(_is_unknown(sign) for sign in letters) > MOST_UNKNOWN * len(letters):
        raise KorqgError(
            f"{path.name}: its fonts do not say which characters they show, so the text cannot be read. "
            "Save the document anew from its own program, as .docx or .hwpx if you can."
        )
    return _paragraphs(_without_running_heads(lines, heights))


def _page_lines(page, number: int) -> list[Line]:
    """A page's lines in the order of its content."""
    import pypdfium2.raw as pdfium

    text_page = page.get_textpage()
    handle, box = text_page.raw, pdfium.FS_RECTF()

    def place(index: int) -> tuple[float, float, float, float]:
        # The loose box has the height of the font, not of the sign: it is the same along a line.
        pdfium.FPDFText_GetLooseCharBox(handle, index, ctypes.byref(box))
        return box.left, box.right, box.bottom, box.top

    lines, signs, first, last = [], [], -1, -1

    def finish(hyphen: bool) -> None:
        nonlocal signs, first, last
        if first >= 0:
            left, _, bottom, top = place(first)
            _, right, last_bottom, last_top = place(last)
            text = "".join(signs)
            blank = text[-1].isspace()
            edges = min(bottom, last_bottom), max(top, last_top)
            lines.append(Line(tidy(text), number, left, right, *edges, blank, hyphen))
        signs, first, last = [], -1, -1

    for index in range(pdfium.FPDFText_CountChars(handle)):
        code = pdfium.FPDFText_GetUnicode(handle, index)
        if code in (_HYPHEN, 10, 13):
            finish(hyphen=code == _HYPHEN)
            continue
        sign = chr(code) if 0 < code <= 0x10FFFF and not 0xD800 <= code < 0xE000 else "\ufffd"
        signs.append(sign)
        if not sign.isspace():
            first, last = (index if first < 0 else first), index
    finish(hyphen=False)
    text_page.close()
    return [line for line in lines if line.text]


def _is_unknown(sign: str) -> bool:
    return sign == "\ufffd" or "\ue000" <= sign <= "\uf8ff"


def _without_running_heads(lines: list[Line], heights: dict[int, float]) -> list[Line]:
    """The lines but for page numbers, and for what returns in the margins of many pages."""

    def place_in_margin(line: Line) -> tuple[str, str] | None:
        middle = (line.bottom + line.top) / 2 / heights[line.page]
        if MARGIN < middle < 1 - MARGIN:
            return None
        return ("top" if middle > 0.5 else "bottom", re.sub(r"\d+", "#", line.text))

    pages = Counter(key for key, _ in {(place_in_margin(line), line.page) for line in lines} if key)
    enough = max(3, REPEATED * len(heights))
    kept = []
    for line in lines:
        key = place_in_margin(line)
        if key and (pages[key] >= enough or _PAGE_NUMBER.fullmatch(line.text)):
            continue
        kept.append(line)
    return kept


def _paragraphs(lines: list[Line]) -> list[Block]:
    if not lines:
        return []
    groups: list[list[Line]] = [[lines[0]]]
    right_edges = _right_edges(lines)
    steps = sorted(step for one, two in itertools.pairwise(lines) if (step := _step(one, two)))
    usual_step = steps[len(steps) // 2] if steps else 0.0
    for one, two in itertools.pairwise(lines):
        if _starts_paragraph(one, two, right_edges[_column(one)], usual_step):
            groups.append([two])
        else:
            groups[-1].append(two)
    return [Block(text, page=group[0].page) for group, text in zip(groups, _join(groups), strict=True)]


def _column(line: Line) -> int:
    """Lines that begin near one another, in steps of a quarter of an A4 page, share their right edge."""
    return int(line.left // 150)


def _right_edges(lines: list[Line]) -> dict[int, float]:
    """How far the lines of each column reach: the ninth decile, which a few longer ones do not move."""
    columns: dict[int, list[float]] = {}
    for line in lines:
        columns.setdefault(_column(line), []).append(line.right)
    return {column: sorted(rights)[int(0.9 * (len(rights) - 1))] for column, rights in columns.items()}


def _step(one: Line, two: Line) -> float:
    """How far below a line the next one stands; 0 where it stands elsewhere (another column, another page)."""
    step = one.bottom - two.bottom
    return step if one.page == two.page and 0 < step < 5 * (one.top - one.bottom) else 0.0


def _starts_paragraph(one: Line, two: Line, right_edge: float, usual_step: float) -> bool:
    if one.hyphen:
        return False
    # A number or letter begins an item only behind a full stop: "…것이" may be broken before "다. ".
    if _BULLET.match(two.text) or (_NUMBERED.match(two.text) and re.search(r"[.!?:;]$", one.text)):
        return True
    if one.page != two.page and re.search(r"[.!?…]$", one.text):
        return True  # whether the paragraph goes on cannot be seen, and chunks are made of sentences anyway
    one_height, two_height = one.top - one.bottom, two.top - two.bottom
    if max(one_height, two_height) > 1.15 * min(one_height, two_height):
        return True
    step = _step(one, two)
    if step > 1.4 * usual_step > 0:
        return True
    if one.page == two.page and step == 0 and abs(one.bottom - two.bottom) < one_height:
        return True  # beside it: a cell of a table, not its continuation
    sign_width = (one.right - one.left) / len(one.text)
    next_word = two.text.split(" ", 1)[0]
    return one.right + (len(next_word) + 1) * sign_width < right_edge - sign_width


def _join(groups: list[list[Line]]) -> Iterator[str]:
    """Each group's lines as one text."""
    breaks = [(one, two) for group in groups for one, two in itertools.pairwise(group)]
    glues = iter(_glues(breaks))
    for group in groups:
        yield clean(group[0].text + "".join(next(glues) + line.text for line in group[1:]))


def _glues(breaks: list[tuple[Line, Line]]) -> list[str]:
    """What stood between each two lines before the line was broken: a blank or nothing.

    Most programs leave the blank at the end of the line. In the files of the others nothing tells a line that
    was broken inside a Korean word from one that was broken behind it: there Kiwi says which is the likelier.
    Where it hardly ever says "inside", the program breaks between words only, and Kiwi is overruled.
    """
    glues = ["" if _needs_no_blank(one, two) else " " for one, two in breaks]
    unclear = [
        place
        for place, (one, two) in enumerate(breaks)
        if not one.blank and _is_hangul(one.text[-1]) and _is_hangul(two.text[0])
    ]
    if not unclear:
        return glues
    if sum(one.blank for one, _ in breaks) > LEAST_BLANKS * len(breaks):
        inside = unclear
    else:
        # Two words on either side are enough to decide, and Kiwi's time grows with what it is given.
        pieces = []
        for place in unclear:
            one, two = breaks[place]
            pieces += [" ".join(one.text.split()[-2:])[-20:], " ".join(two.text.split()[:2])[:20]]
        _, blanks = kiwi().glue(pieces, return_space_insertions=True)
        inside = [place for place, blank in zip(unclear, blanks[::2], strict=True) if not blank]
        if len(inside) < LEAST_INSIDE * len(unclear):
            inside = []
    for place in inside:
        glues[place] = ""
    if inside:  # and then numbers are parted from their units as well: "1996" and "년"
        for place, (one, two) in enumerate(breaks):
            if not one.blank and one.text[-1].isdecimal() and _is_hangul(two.text[0]):
                glues[place] = ""
    return glues


def _needs_no_blank(one: Line, two: Line) -> bool:
    """Whether a break is inside a word by its signs alone: a hyphen, a number, a mark that follows its word."""
    if one.hyphen:
        return True
    inside_number = one.text[-1].isdecimal() and two.text[0].isdecimal()
    return not one.blank and (inside_number or two.text[0] in ".,!?)]}’”」』》…" or one.text[-1] in "([{‘“「『《")


def _is_hangul(sign: str) -> bool:
    return "가" <= sign <= "힣"
