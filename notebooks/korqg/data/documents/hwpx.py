"""Hangul documents (.hwpx) to blocks of text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from korqg.data.documents.numbering import Level, Numbers
from korqg.data.documents.office import (
    CONTENTS,
    INDEX,
    LOWERED,
    RAISED,
    as_blocks,
    child,
    errors_in_words,
    local,
    locked,
    parse,
    read_members,
    style_level,
    without_note_marks,
)
from korqg.data.documents.table_text import Cell, reach, table_blocks
from korqg.data.text_blocks import Block
from korqg.errors import KorqgError

_BLANKS = {"lineBreak": "\n", "tab": "\t", "hyphen": "-", "nbSpace": " ", "fwSpace": " "}
_NOTES = ("footNote", "endNote", "header", "footer", "hiddenComment")
# Line shapes of characters that show no line; Hangul writes "3D" for text that was never struck.
_NOT_STRUCK = ("NONE", "3D", "")


# What automatic numbers stand for in captions; those of pages and notes are left out.
_COUNTED = ("PICTURE", "FIGURE", "TABLE", "EQUATION")


@dataclass
class Header:
    """What header.xml says of styles, paragraph shapes and character shapes, by their ids."""

    styles: dict[str, int] = field(default_factory=dict)
    shapes: dict[str, int] = field(default_factory=dict)
    lists: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    struck: set[str] = field(default_factory=set)
    raised: set[str] = field(default_factory=set)
    lowered: set[str] = field(default_factory=set)
    numbers: Numbers = field(default_factory=lambda: Numbers({}, "^"))


def read_hwpx(path: Path) -> list[Block]:
    """Headings, paragraphs with their numbers, table rows, captions and text boxes, in reading order.

    A heading is a paragraph in one of Hangul's outline styles (개요 1 to 10), in one named 제목, or with an
    outline level of its own. Left out: headers, footers, notes, comments, deleted and struck text, and guides of
    empty fields. Raises KorqgError as read_docx does.
    """
    with errors_in_words(path):
        members = read_members(path, r"meta-inf/manifest\.xml|contents/(?:header|section\d+)\.xml")
        manifest = members.get("meta-inf/manifest.xml")
        if manifest and any(local(element) == "encryption-data" for element in parse(manifest).iter()):
            raise locked(path)
        numbers = sorted(int(match[1]) for name in members if (match := re.search(r"section(\d+)", name)))
        if not numbers:
            raise KorqgError(f"{path.name} holds no Contents/section0.xml: it is not a Hangul document; save it again.")
        header = members.get("contents/header.xml")
        known = _read_header(parse(header)) if header else Header()
        return read_blocks(known, [parse(members[f"contents/section{number}.xml"]) for number in numbers])


def read_blocks(header: Header, sections: list) -> list[Block]:
    """The blocks of a document's sections.

    Where most of the text would be struck, the shapes do not mean it: nothing is.
    """
    blocks = _section_blocks(header, sections)
    if header.struck:
        struck, header.struck = header.struck, set()
        header.numbers.counts.clear()
        whole = _section_blocks(header, sections)
        if sum(len(block.text) for block in blocks) < 0.5 * sum(len(block.text) for block in whole):
            return whole
        header.struck = struck
    return blocks


def _section_blocks(header: Header, sections: list) -> list[Block]:
    return [block for section in sections for block in _Reader(header, section).blocks(section)]


def _read_header(root) -> Header:
    header, lists = Header(), {}
    for element in root.iter():
        name, key = local(element), element.get("id", "")
        if name == "style":
            header.styles[key] = style_level(element.get("name", ""), element.get("engName", ""))
        elif name == "paraPr":
            _read_shape(element, header)
        elif name == "charPr":
            strike = child(element, "strikeout")
            if strike is not None and strike.get("shape", "").upper() not in _NOT_STRUCK:
                header.struck.add(key)
            if child(element, "supscript") is not None:
                header.raised.add(key)
            if child(element, "subscript") is not None:
                header.lowered.add(key)
        elif name == "numbering":
            lists[key] = dict(_level(level) for level in element if local(level) == "paraHead")
    header.numbers = Numbers(lists, "^")
    return header


def _read_shape(shape, header: Header) -> None:
    """A paragraph shape's outline level and list; files of newer programs wrap them in a switch."""
    heading = next((element for element in shape.iter() if local(element) == "heading"), None)
    if heading is None:
        return
    kind, level = heading.get("type", ""), heading.get("level", "0")
    depth = int(level) if level.isdecimal() else 0
    if kind == "OUTLINE":
        header.shapes[shape.get("id", "")] = depth + 1
    if kind in ("OUTLINE", "NUMBER"):
        header.lists[shape.get("id", "")] = kind, heading.get("idRef", "0"), depth


def _level(head) -> tuple[int, Level]:
    """A list's level from hp:paraHead, which counts levels from 1."""
    level, start = head.get("level", "1"), head.get("start", "1")
    first = int(start) if start.isdecimal() else 1
    return int(level) - 1 if level.isdecimal() else 0, Level(first, head.get("numFormat", "DIGIT"), head.text or "")


class _Text:
    """A paragraph's text as it grows, with the fields that are open."""

    def __init__(self):
        self.parts: list[str] = []
        self.deleted = False
        self.fields: list[tuple[int, str]] = []

    def begin_field(self, element) -> None:
        """Remember where a field begins, and the guide that it shows while it is empty."""
        names = ("Direction", "Command")
        params = [param for param in element.iter() if local(param) == "stringParam" and param.get("name") in names]
        guide = " ".join(param.text or "" for param in params) if element.get("type") == "CLICK_HERE" else ""
        self.fields.append((len(self.parts), "".join(guide.split())))

    def end_field(self) -> None:
        """Take a field's text away where it is only its guide."""
        if not self.fields:
            return
        start, guide = self.fields.pop()
        if (shown := "".join("".join(self.parts[start:]).split())) and shown in guide:
            del self.parts[start:]


class _Reader:
    """Reads a section with what its document's header says."""

    def __init__(self, header: Header, section):
        self.header = header
        settings = next((element for element in section.iter() if local(element) == "secPr"), None)
        self.outline = settings.get("outlineShapeIDRef", "") if settings is not None else ""
        self.initial = ""

    def blocks(self, parent) -> Iterator[Block]:
        """The blocks of a section, a cell, a text box."""
        for element in parent:
            if local(element) == "p":
                yield from self.paragraph(element)

    def paragraph(self, paragraph) -> Iterator[Block]:
        """A paragraph's blocks, then those of its tables and boxes."""
        shape = paragraph.get("paraPrIDRef", "")
        level = self.header.styles.get(paragraph.get("styleIDRef", ""), 0) or self.header.shapes.get(shape, 0)
        text, objects = _Text(), []
        for run in paragraph:
            if local(run) == "run":
                self.run(run, text, objects)
        while text.fields:
            text.end_field()
        words = without_note_marks("".join(text.parts)) if level != CONTENTS else ""
        label = self.label(shape)
        yield from as_blocks(f"{label} {words}" if label and words.strip() else words, level)
        for element in objects:
            yield from self.object(element)

    def label(self, shape: str) -> str:
        """The next number of the list that a paragraph's shape names."""
        kind, name, depth = self.header.lists.get(shape, ("", "", 0))
        if not kind:
            return ""
        return self.header.numbers.next(self.outline if kind == "OUTLINE" and name == "0" else name, depth)

    def run(self, run, text: _Text, objects: list) -> None:
        """Append what a run shows to the paragraph's text, and its tables and boxes to its objects."""
        key = run.get("charPrIDRef", "")
        shown = _Text() if key in self.header.struck else text
        signs = RAISED + LOWERED if key in self.header.raised else INDEX if key in self.header.lowered else ""
        signs = signs if any(local(element) == "t" for element in run) else ""
        shown.parts.append(signs[:1])
        for element in run:
            name = local(element)
            if name == "t":
                shown.deleted = text.deleted
                _append(element, shown)
                text.deleted = shown.deleted
            elif name == "ctrl":
                for control in element:
                    if local(control) == "fieldBegin":
                        text.begin_field(control)
                    elif local(control) == "fieldEnd":
                        text.end_field()
                    elif local(control) == "autoNum" and control.get("numType", "") in _COUNTED:
                        shown.parts.append(control.get("num", ""))
            elif (words := _words(element)) is not None:
                shown.parts.append(words)
            elif name != "secPr":
                if element.get("dropcapstyle", "None") not in ("None", ""):
                    shown.parts.append("".join(block.text for block in self.object(element)))
                else:
                    objects.append(element)
        shown.parts.append(signs[1:])

    def object(self, element) -> Iterator[Block]:
        """The caption, then the table or whatever else holds paragraphs: text boxes, grouped shapes."""
        caption = child(element, "caption")
        if caption is not None:
            yield from self.object(caption)
        if local(element) != "tbl":
            for inner in element:
                if local(inner) == "subList":
                    yield from self.blocks(inner)
                elif local(inner) not in (*_NOTES, "caption"):
                    yield from self.object(inner)
            return
        rows = ([self.cell(cell) for cell in row if local(cell) == "tc"] for row in element if local(row) == "tr")
        yield from table_blocks(list(rows))

    def cell(self, cell) -> Cell:
        """A table's cell with its blocks and how far it reaches."""
        inside, span = child(cell, "subList"), child(cell, "cellSpan")
        sizes = (reach(span.get(name)) if span is not None else 1 for name in ("rowSpan", "colSpan"))
        return Cell(tuple(self.blocks(inside)) if inside is not None else (), *sizes, head=cell.get("header") == "1")


def _append(element, text: _Text) -> None:
    """Append the text of an hp:t, without what a tracked deletion holds."""
    if not text.deleted:
        text.parts.append(element.text or "")
    for inner in element:
        name = local(inner)
        if name == "deleteBegin":
            text.deleted = True
        elif name == "deleteEnd":
            text.deleted = False
        elif not text.deleted:
            text.parts.append(_BLANKS.get(name, ""))
        if not text.deleted:
            text.parts.append(inner.tail or "")


def _words(element) -> str | None:
    """What stands in the line without being text: words with a reading, joined signs, equations, form fields."""
    name = local(element)
    if name == "dutmal":
        return _inner_text(element, "mainText")
    if name == "compose":
        return element.get("composeText", "")
    if name == "equation":
        return f" {_inner_text(element, 'script').strip()} "
    if name == "edit":
        return _inner_text(element, "text")
    if name == "comboBox":
        return element.get("selectedValue", "")
    if name in ("checkBtn", "radioBtn"):
        return f" {'☑' if element.get('value') == 'CHECKED' else '☐'} {element.get('caption', '')}"
    return None


def _inner_text(element, name: str) -> str:
    inner = child(element, name)
    return "".join(inner.itertext()) if inner is not None else ""
