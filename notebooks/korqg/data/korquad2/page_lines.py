"""HTML of a Wikipedia page to the lines that a reader sees, with marks kept in their places."""

import html
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from korqg.cleaned_text import LOST

_NAMES = yaml.safe_load(Path(__file__).with_name("page_names.yaml").read_text(encoding="utf-8"))
REFERENCE_HEADINGS, NOISE_TAGS, NOISE_CLASSES, NOISE_IDS = (
    frozenset(_NAMES[name]) for name in ("reference_headings", "noise_tags", "noise_classes", "noise_ids")
)
MOST_COLUMNS, MOST_ROWS = 100, 5000  # A table's grid is not made larger, whatever its colspan and rowspan say
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_LISTS = ("ul", "ol", "dl")
_BLOCKS, _CLASSED = (*_HEADINGS, *_LISTS, *_NAMES["blocks"]), tuple(_NAMES["classed"])
# Tags that can be noise by their attributes; scripts and comments are passed over.
_OPENING = re.compile(
    r"<!--.*?-->|<(script|style)\b.*?</\1\s*>|<(div|table|tr|ul|ol|li|dl|span|sup|p|small|section|aside)\b([^<>]*)>",
    re.DOTALL,
)
_REFERENCE = re.compile(r"\s*(?:\[[^\[\]]{1,30}\]\s*)+")
_EDIT_LINK = re.compile(r"\[\s*(?:원본\s*)?편집(?:\s*\|\s*원본\s*편집)?\s*\]\s*$")
_NAVBAR_LETTERS = frozenset("vdteh")
_NOTICE = re.compile(
    r"(?:이|본) ?(?:문서|문단|글|항목|부분)[은는이가의에].*(?:문서|위키백과|편집|출처|도와|토론|완성|번역|다른 뜻|본문)"
    r"|다른 뜻에 대해서는"
)

# What lxml does not take: control characters, which nobody sees, and what is no character.
_CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f]")
_NO_CHARACTER = re.compile("[\ud800-\udfff\ufffe\uffff]")
# Private-use characters of the last plane but one: 65,534 marks, none of which a page should hold.
_MARKS = re.compile("[\U000f0000-\U000ffffd]")


@dataclass(frozen=True)
class PageLine:
    """A line of text, its white space made single, and for each mark the place where it stood."""

    text: str
    marks: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class PageBlock:
    """A paragraph (one line), a list (a line an item) or a table (a line a row, its headers in each).

    `caption` says that the first line is a table's title, which belongs before any part of it.
    """

    kind: str
    lines: tuple[PageLine, ...]
    caption: bool = False


@dataclass(frozen=True)
class PageSection:
    """The blocks under one heading; the heading of a page's first section is empty."""

    heading: PageLine
    blocks: list[PageBlock]


@dataclass(frozen=True)
class _Cell:
    """A table cell: its text with marks in it; `header` for a th."""

    text: str
    header: bool


def unused_marks(page: str, number: int) -> list[str]:
    """So many characters that stand nowhere in the page, neither as they are nor as numeric entities."""
    used = set(_MARKS.findall(page))
    if "&#" in page:
        used.update(_MARKS.findall("".join(map(html.unescape, set(re.findall(r"&#[0-9a-fA-FxX]{5,9};?", page))))))
    free = (chr(code) for code in range(0xF0000, 0xFFFFE) if chr(code) not in used)
    return [mark for mark, _ in zip(free, range(number), strict=False)]


def read_sections(page: str, marks: list[str], with_attributes: str = "") -> list[PageSection]:
    """What the page says under each heading, without navigation, references, edit links and hidden elements.

    Sections without a mark are left out: putting them into words would take most of the time.

    `page` is the HTML with `marks` (see `unused_marks`) written into it: each is taken out of the text, and
    its place noted in the line where it stood. A mark in something that is left out moves to what follows;
    one with nothing behind it is lost. `with_attributes` may be the same page with the attributes that
    `page` lacks (KorQuAD's "context" has none but colspan and rowspan; "raw_html" has them): classes then
    tell what is navigation, as long as both have the same elements in the same order. Without classes the
    shape tells: a table with "v · d · e" links in its title, a "[1]" set high, a list under 목차.
    """
    if with_attributes and "class=" not in page:
        page = _with_attributes_of(with_attributes, page)
    root = _parse(page)
    if root is None:
        return []
    chosen = re.compile("[" + "".join(marks) + "]") if marks else re.compile(r"(?!)")
    noise, article = _by_attributes(root)
    if article is None:
        article = _article_by_shape(root)
    for element in [*noise, *_by_shape(article, page)]:
        _take_out(element, article, chosen)
    for element in article.iter("br"):
        element.tail = _safe("\n" + (element.tail or ""))
    return _Walk(chosen).sections(article)


def _safe(text: str) -> str:
    """The text as lxml takes it; U+FFFD stands for what is no character."""
    return _NO_CHARACTER.sub(LOST, _CONTROL.sub("", text))


def _parse(page: str):
    from lxml import etree

    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        return etree.fromstring(_safe(page).encode("utf-8"), parser)
    except etree.XMLSyntaxError:  # nothing in it at all
        return None


def _with_attributes_of(model: str, page: str) -> str:
    """The page with the model's attributes in its tags, or as it is when the two have other tags."""
    given = [(tag, attributes) for _, tag, attributes in _OPENING.findall(model) if tag]
    wanted = [match for match in _OPENING.finditer(page) if match[2]]
    if [tag for tag, _ in given] != [match[2] for match in wanted]:
        return page
    parts, done = [], 0
    for (_, attributes), match in zip(given, wanted, strict=True):
        if attributes and not match[3]:
            parts += [page[done : match.end(2)], attributes]
            done = match.end(2)
    return "".join([*parts, page[done:]])


def _by_attributes(root) -> tuple[list, object]:
    """Elements that their attributes call noise, and the one that holds the article, or None."""
    noise, article, output = [], None, None
    for element in root.iter(*_CLASSED):
        if not element.keys():
            continue
        name, classes = element.get("id"), element.get("class", "").split()
        if name == "mw-content-text":
            article = element
        elif "mw-parser-output" in classes:
            output = element if output is None else output
        elif (
            not NOISE_CLASSES.isdisjoint(classes)
            or name in NOISE_IDS
            or element.get("hidden") is not None
            or element.get("aria-hidden") == "true"
            or element.get("role") == "navigation"
            or _HIDDEN.search(element.get("style", ""))
        ):
            noise.append(element)
    return noise, output if article is None else article


def _article_by_shape(root):
    """The article's element in a page without attributes: what follows the link "검색하러 가기", else the body."""
    for link in root.iter("a"):
        if link.text and link.text.strip() == "검색하러 가기":
            following = next(link.itersiblings("div"), None)
            if following is not None:
                return following
    body = root.find("body")
    return root if body is None else body


def _by_shape(article, page: str) -> list:
    """Elements that are noise whatever their attributes."""
    noise = list(article.iter(*NOISE_TAGS))
    for element in article.iter("sup"):
        if _REFERENCE.fullmatch(_MARKS.sub("", "".join(element.itertext()))):
            noise.append(element)
    for element in article.iter("h2"):
        if "".join(element.itertext()).strip() == "목차":
            box = element.getparent()
            if box is not article and box.tag == "div" and box.find("ul") is None:
                box = box.getparent()
            if box is not article and box.tag in ("div", "table"):
                noise.append(box)
    for element in article.iter("ul"):
        if 1 < len(element) < 7:
            items = ["".join(item.itertext()).strip().lower() for item in element.iterchildren("li")]
            if items and _NAVBAR_LETTERS.issuperset(items):
                noise.append(_navigation_box(element))
    for element in article.iter("table"):
        if next(element.iter("th"), None) is None and len(list(element.iter("tr"))) == 1:
            opening = " ".join("".join(element.itertext())[:300].split())
            if _NOTICE.match(opening):
                noise.append(element)
    if "↑" in page:
        noise += (item for item in article.iter("li") if _first_text(item).startswith("↑"))
    if "원본 주소" in page:
        for element in article.iter("div"):
            if element.find("div") is None and _first_text(element).startswith("원본 주소"):
                noise += [element, *element.itersiblings()]
    return noise


def _first_text(element) -> str:
    return next((text for text in map(str.strip, element.itertext()) if text), "")


def _navigation_box(links):
    """The table around a list of "v · d · e" links when they stand in its first row, else the list alone."""
    row = next(links.iterancestors("tr"), None)
    table = next(links.iterancestors("table"), None)
    if table is None or next(table.iter("tr")) is not row:
        return links
    return [table, *table.iterancestors("table")][-1]


def _take_out(element, content, marks: re.Pattern) -> None:
    """Remove an element, but neither the text behind it nor the marks in it."""
    parent = element.getparent()
    if parent is None or element is content:
        return
    rest = "".join(marks.findall("".join(element.itertext()))) + (element.tail or "")
    before = element.getprevious()
    # An entity such as &#1; gives a character that lxml hands out but does not take back.
    if before is None:
        parent.text = _safe((parent.text or "") + rest)
    else:
        before.tail = _safe((before.tail or "") + rest)
    parent.remove(element)


class _Walk:
    """Goes through the article's element and gathers the lines of those sections that have a mark in them."""

    def __init__(self, marks: re.Pattern):
        self.marks = marks
        self.waiting = ""  # marks that had no text of their own: they stand before the next one
        self.found: list[PageSection] = []
        self.title = ""  # the open section's heading and content, not yet put into words
        self.content: list[tuple[str, object]] = []
        self.skipped_level = 9  # the heading's level below which everything is left out; 9: nothing is

    def sections(self, article) -> list[PageSection]:
        for tag, part in _flow(article, (*_HEADINGS, *_LISTS, "table")):
            if tag in _HEADINGS:
                self.heading(part)
            elif tag or not part.isspace():
                kind = "paragraph" if not tag else "table" if tag == "table" else "list"
                self.content.append((kind, part))
        self.close()
        return self.found

    def heading(self, element) -> None:
        self.close()
        level = int(element.tag[1])
        raw = _EDIT_LINK.sub("", "".join(element.itertext()).strip())
        if level <= self.skipped_level:
            self.skipped_level = level if self.marks.sub("", raw).strip() in REFERENCE_HEADINGS else 9
        self.title = raw

    def close(self) -> None:
        """Put the open section into words, if it has a mark."""
        title, content = self.title, self.content
        self.title, self.content = "", []
        texts = (part if isinstance(part, str) else _text(part) for _, part in content)
        if self.skipped_level < 9 or not any(map(self.marks.search, (self.waiting, title, *texts))):
            return
        heading = self.line(title) or PageLine("")
        blocks: list[PageBlock] = []
        for kind, part in content:
            if kind == "table":
                self.table(part, None, blocks)
                continue
            lines: list[PageLine] = []
            if kind == "list":
                self.container(part, lines)
            else:
                lines += filter(None, [self.line(part)])
            if lines:
                blocks.append(PageBlock(kind, tuple(lines)))
        if blocks:
            self.found.append(PageSection(heading, blocks))

    def line(self, raw: str) -> PageLine | None:
        line = make_line(self.waiting + raw, self.marks)
        if line.text:
            self.waiting = ""
            return line
        self.waiting += "".join(self.marks.findall(raw))
        return None

    def container(self, element, lines: list[PageLine]) -> None:
        """Add every line in the element: a list, or a cell that holds more than a value."""
        for tag, part in _flow(element, ("table",)):
            if tag:
                self.table(part, lines, [])
            elif line := self.line(part):
                lines.append(line)

    def table(self, element, lines: list[PageLine] | None, blocks: list[PageBlock]) -> None:
        """Add the table's lines to `lines`, or, when that is None, as a block (layout: several) to `blocks`."""
        rows = [row for row in _rows(element) if row]
        if _is_layout(rows):
            for cell in itertools.chain.from_iterable(rows):
                inside: list[PageLine] = []
                self.container(cell, inside if lines is None else lines)
                if inside:
                    blocks.append(PageBlock("list", tuple(inside)))
            return
        title = element.find("caption")
        caption = self.line(_cell_text(title)) if title is not None else None
        found = [caption] if caption is not None else []
        found += filter(None, map(self.line, table_lines(_grid(rows), self.marks)))
        if lines is not None:
            lines.extend(found)
        elif found:
            blocks.append(PageBlock("table", tuple(found), caption is not None and len(found) > 1))


def _flow(element, whole: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """What is in the element, in order: runs of text, with "", and the elements of the tags that are taken whole."""
    raw = [element.text or ""]
    for child in element:
        taken = child.tag in whole
        if taken or child.tag in _BLOCKS or (len(child) and next(child.iter(*_BLOCKS), None) is not None):
            if text := "".join(raw):
                yield "", text
            raw.clear()
            yield from [(child.tag, child)] if taken else _flow(child, whole)
        else:
            raw.extend(child.itertext())
        raw.append(child.tail or "")
    if text := "".join(raw):
        yield "", text


def _text(element) -> str:
    from lxml import etree

    return etree.tostring(element, method="text", encoding="unicode", with_tail=False)


def make_line(raw: str, marks: re.Pattern) -> PageLine:
    """The text with its white space made single, and where in it the marks stood.

    A mark before white space counts as standing before the word that follows it, unless it is the text's end.
    """
    if not marks.search(raw):
        return PageLine(" ".join(raw.split()))
    text, spaced, places = "", False, {}
    for piece in re.split(f"({marks.pattern})", raw):
        if marks.fullmatch(piece):
            places[piece] = len(text)
            continue
        words = piece.split()
        if not words:
            spaced = spaced or bool(piece)
            continue
        if text and (spaced or piece[0].isspace()):
            text += " "
        text += " ".join(words)
        spaced = piece[-1].isspace()
    return PageLine(text, places)


def _rows(table) -> list:
    rows = []
    for child in table:
        if child.tag == "tr":
            rows.append([cell for cell in child if cell.tag in ("td", "th")])
        elif child.tag in ("thead", "tbody", "tfoot"):
            rows += [[cell for cell in row if cell.tag in ("td", "th")] for row in child.iterchildren("tr")]
    return rows[:MOST_ROWS]


def _is_layout(rows: list) -> bool:
    """Whether a table only sets things side by side: no header, and in its cells tables, or paragraphs and lists."""
    cells = [cell for row in rows for cell in row]
    if any(cell.tag == "th" for cell in cells):
        return False
    if any(next(cell.iter("table"), None) is not None for cell in cells):
        return True
    return len(rows) == 1 and any(len(cell) and next(cell.iter("p", *_LISTS), None) is not None for cell in cells)


def _cell_text(cell) -> str:
    """A cell's text: list items with commas between them, other blocks with blanks."""
    if not len(cell):
        return cell.text or ""
    if next(cell.iterdescendants(*_BLOCKS), None) is None:
        return "".join(cell.itertext())
    return re.sub(r"(?:\s*,)+(?=\s*(?:,|$))|^[\s,]+", "", "".join(_pieces(cell)))


def _pieces(element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if child.tag in ("li", "dd", "tr"):
            yield from _pieces(child)
            yield ", "
        elif child.tag in _BLOCKS:
            yield " "
            yield from _pieces(child)
            yield " "
        else:
            yield from _pieces(child)
        yield child.tail or ""


def _span(cell, name: str) -> int:
    """A colspan or rowspan; KorQuAD has them empty, zero and with quotation marks in them, too."""
    number = re.match(r"\s*(\d{1,4})", cell.get(name, ""))
    return max(1, int(number[1])) if number else 1


def _grid(rows: list) -> list[list[_Cell | None]]:
    """The table as a grid in which a cell stands at every place that it spans."""
    grid: list[dict[int, _Cell]] = [{} for _ in rows]
    for number, row in enumerate(rows):
        column = 0
        for cell in row:
            while column in grid[number]:
                column += 1
            wide, high = _span(cell, "colspan"), _span(cell, "rowspan")
            content = _Cell(_cell_text(cell), cell.tag == "th")
            wide = min(wide, MOST_COLUMNS - column) if column < MOST_COLUMNS else 1
            for below in range(number, min(len(rows), number + high)):
                for right in range(column, column + wide):
                    grid[below].setdefault(right, content)
            column += wide
    return [[places.get(column) for column in range(max(places, default=-1) + 1)] for places in grid]


def table_lines(grid: list[list[_Cell | None]], marks: re.Pattern) -> Iterator[str]:
    """A line for each row: "header: value; header: value", headers above, or else beside, each value.

    Several rows of headers are joined ("2019년 매출: 3"); a cell that spans rows is repeated in each, with its
    marks in the first alone, and so is a header. A row of one cell is a line of its own.
    """
    headers: list[list[_Cell | None]] = []
    seen: set[int] = set()
    shown: set[int] = set()
    open_headers = False

    def text_of(cell: _Cell) -> str:
        if id(cell) in seen:
            return marks.sub("", cell.text)
        seen.add(id(cell))
        return cell.text

    def header_of(columns: list[int]) -> str:
        above: list[_Cell] = []
        for row in headers:
            for column in columns:
                cell = row[column] if column < len(row) else None
                if cell is not None and cell.text.strip() and all(cell is not other for other in above):
                    above.append(cell)
        shown.update(id(cell) for cell in above)
        return " ".join(text_of(cell).strip() for cell in above)

    def unused_headers() -> Iterator[str]:
        left = _distinct(cell for row in headers for cell in row)
        if left and not any(id(cell) in shown for cell in left):
            yield "; ".join(text_of(cell).strip() for cell in left if cell.text.strip())

    for row in grid:
        cells = _distinct(row)
        if len(cells) > 1 and all(cell.header for cell in cells):
            if not open_headers:
                yield from unused_headers()
                headers = []
            headers = [*headers, row]
            open_headers = True
            continue
        open_headers = False
        if len(cells) == 1:
            yield text_of(cells[0])
            continue
        parts, values, label = [], [], ""
        for cell in cells:
            if headers:
                # A header is asked for only where there is a value, so that its marks are not spent on nothing.
                if cell.text.strip():
                    header = header_of([place for place, other in enumerate(row) if other is cell])
                    value = text_of(cell).strip()
                    parts.append(f"{header}: {value}" if header else value)
            elif cell.header:
                if label or values:
                    parts.append(_labelled(label, values))
                label, values = text_of(cell).strip(), []
            else:
                values.append(text_of(cell).strip())
        if label or any(values):
            parts.append(_labelled(label, values))
        yield "; ".join(part for part in parts if part)
    yield from unused_headers()


def _labelled(label: str, values: list[str]) -> str:
    if not label:
        return "; ".join(value for value in values if value)
    said = ", ".join(value for value in values if value)
    return f"{label}: {said}" if said else label


def _distinct(row) -> list[_Cell]:
    """The row's cells, each once."""
    cells: list[_Cell] = []
    for cell in row:
        if cell is not None and all(cell is not other for other in cells[-MOST_COLUMNS:]):
            cells.append(cell)
    return cells
