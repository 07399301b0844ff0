"""Word documents (.docx) to blocks of text."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from korqg.data.documents.numbering import Level, Numbers
from korqg.data.documents.office import (
    CONTENTS,
    INDEX,
    LOWERED,
    RAISED,
    as_blocks,
    attribute,
    child,
    errors_in_words,
    local,
    parse,
    read_members,
    style_level,
    without_note_marks,
)
from korqg.data.documents.table_text import Cell, reach, table_blocks
from korqg.data.text_blocks import Block
from korqg.errors import KorqgError

_OFF = ("0", "false", "off", "none")
_WRAPPERS = ("body", "sdtContent", "customXml", "ins", "moveTo", "txbxContent", "smartTag")
# Deleted, moved away, small text above the line, settings.
_LEFT_OUT = ("del", "moveFrom", "rt", "pPr", "rPr", "sdtPr", "instrText", "delText")


# What stands before, between and behind the parts of an equation (OMML).
_MATH = {
    "f": ("(", ")/(", ")"),
    "sSup": ("", "^", ""),
    "sSub": ("", "_", ""),
    "rad": ("√(", ", ", ")"),
    "d": ("(", ", ", ")"),
}
_SMALL = {"superscript": (RAISED, LOWERED), "subscript": INDEX}
# Signs of symbol fonts by the last two places of their codes, which are written as F0B1 or 00B1.
_SIGNS = {
    "Symbol": {"A3": "≤", "AE": "→", "B0": "°", "B1": "±", "B3": "≥", "B4": "×", "B7": "•", "B8": "÷"},
    "Wingdings": {"6F": "☐", "9F": "•", "A8": "☐", "E0": "→", "FC": "✓", "FD": "☒", "FE": "☑"},
    "Wingdings 2": {"50": "✓", "52": "☑", "A3": "☐"},
}


@dataclass(frozen=True)
class _Style:
    """What a style says about its paragraphs or runs; None where it leaves that to the style it is based on."""

    level: int = 0
    number: tuple[str, int] | None = None
    hidden: bool | None = None
    parent: str = ""


def read_docx(path: Path) -> list[Block]:
    """Headings, paragraphs, list items with their numbers, table rows and text boxes, in reading order.

    Left out: headers, footers, notes, comments, deleted, struck and hidden text, guides of empty fields and the
    table of contents. Raises KorqgError for a file that is damaged, protected by a password, of the old format,
    or that breaks a limit of korqg.data.documents.office.
    """
    with errors_in_words(path):
        members = read_members(path, r"word/(?:document|styles|numbering)\d*\.xml")
        body, styles, numbers = (
            next((members[name] for name in sorted(members) if f"/{part}" in name), None)
            for part in ("document", "styles", "numbering")
        )
        if body is None:
            raise KorqgError(f"{path.name} holds no word/document.xml: it is not a Word document; save it as .docx.")
        reader = _Reader(_styles(parse(styles)) if styles else {}, _numbers(parse(numbers)) if numbers else None)
        return list(reader.blocks(parse(body)))


def _styles(root) -> dict[str, _Style]:
    """The styles by id, with what they take over from the styles they are based on.

    Word in Korean has ids such as "1", so names and outline levels decide what is a heading.
    """
    own = {}
    for element in root:
        if local(element) != "style":
            continue
        properties, hidden = child(element, "pPr"), _hidden(child(element, "rPr"))
        level = style_level(_value(element, "name")) or _outline_level(properties)
        own[attribute(element, "styleId")] = _Style(level, _number(properties), hidden, _value(element, "basedOn"))
    return {key: _inherited(own, key) for key in own}


def _inherited(own: dict[str, _Style], key: str) -> _Style:
    found, seen, place = own[key], {key}, own[key].parent
    while place in own and place not in seen:
        seen.add(place)
        above = own[place]
        found = replace(
            found,
            level=found.level or above.level,
            number=above.number if found.number is None else found.number,
            hidden=above.hidden if found.hidden is None else found.hidden,
        )
        place = above.parent
    return found


def _value(element, *names: str, default: str | None = "") -> str | None:
    """The value of an element below (see child); the default where there is no such element."""
    element = child(element, *names)
    return default if element is None else attribute(element, "val")


def _is_on(element) -> bool:
    return _value(element).lower() not in _OFF


def _hidden(properties) -> bool | None:
    """Whether run properties hide or strike the text; None where they do not say."""
    if properties is None:
        return None
    marks = [mark for mark in properties if local(mark) in ("vanish", "strike", "dstrike")]
    return any(map(_is_on, marks)) if marks else None


def _outline_level(properties) -> int:
    """w:outlineLvl counts from 0; 9 is body text."""
    value = _value(properties, "outlineLvl")
    return int(value) + 1 if re.fullmatch("[0-8]", value) else 0


def _number(properties) -> tuple[str, int] | None:
    """The list and its level that paragraph properties name; the list "0" stands for none."""
    numbers = child(properties, "numPr")
    if numbers is None:
        return None
    depth = _value(numbers, "ilvl")
    return _value(numbers, "numId", default="0"), int(depth) if depth.isdecimal() else 0


def _numbers(root) -> Numbers:
    """The lists by the ids that paragraphs use; lists of one definition go on counting one another."""
    abstract, named, links, lists, shared = {}, {}, {}, {}, {}
    for element in root:
        if local(element) == "abstractNum":
            levels = (_level(level) for level in element if local(level) == "lvl")
            key = attribute(element, "abstractNumId")
            abstract[key] = named[_value(element, "styleLink")] = dict(levels)
            links[key] = _value(element, "numStyleLink", default=None)
    for element in root:
        if local(element) != "num":
            continue
        key, name = _value(element, "abstractNumId"), attribute(element, "numId")
        levels = dict(abstract.get(key) or named.get(links.get(key), {}))
        overrides = [override for override in element if local(override) == "lvlOverride"]
        for override in overrides:
            depth, start = int(attribute(override, "ilvl") or 0), _value(override, "startOverride")
            if (own := child(override, "lvl")) is not None:
                levels.update([_level(own)])
            if depth in levels and start.isdecimal():
                levels[depth] = replace(levels[depth], start=int(start))
        lists[name] = levels
        if not overrides:
            shared.setdefault(key, []).append(name)
    counts = {name: counts for names in shared.values() for counts in [{}] for name in names}
    return Numbers(lists, "%", counts)


def _level(element) -> tuple[int, Level]:
    first, form = _value(element, "start"), _value(element, "numFmt", default="decimal")
    restart = _value(element, "lvlRestart")
    after = int(restart) if restart.isdecimal() else Level.restart
    level = Level(int(first) if first.isdecimal() else 1, form, _value(element, "lvlText"), after)
    return int(attribute(element, "ilvl") or 0), level


class _Reader:
    """Reads a body with its styles; the numbers of its lists go on from paragraph to paragraph."""

    def __init__(self, styles: dict[str, _Style], numbers: Numbers | None):
        self.styles, self.numbers = styles, numbers
        self.initial = ""

    def blocks(self, parent) -> Iterator[Block]:
        """The blocks of a body, a cell, a text box."""
        self.join(parent)
        for element in parent:
            name = local(element)
            if name == "p":
                yield from self.paragraph(element)
            elif name == "tbl":
                yield from table_blocks(list(self.rows(element)))
            elif name == "sdt":
                if not _is_guide(element):
                    yield from self.blocks(element)
            elif name == "AlternateContent":
                yield from self.blocks(_chosen(element))
            elif name in _WRAPPERS:
                yield from self.blocks(element)

    def join(self, parent) -> None:
        """Put paragraphs whose mark is deleted into the next one; the first with text gives style and number."""
        parts = [part for part in parent if local(part) in ("p", "tbl", "sdt")]
        pairs = [pair for pair in itertools.pairwise(parts) if {*map(local, pair)} == {"p"} and _is_open(pair[0])]
        for first, second in pairs:
            other = second if "".join(self.text(first, [], False)).strip() else first
            if (properties := child(other, "pPr")) is not None:
                other.remove(properties)
            second[:0] = list(first)
            parent.remove(first)

    def rows(self, table) -> Iterator[list[Cell]]:
        """The table's rows; a cell that goes on from the row above is counted to that one."""
        rows: list[list[list]] = []
        owners: dict[int, list] = {}
        for row in _inside(table, "tr"):
            properties = child(row, "trPr")
            if child(properties, "del") is not None:
                continue
            head = (mark := child(properties, "tblHeader")) is not None and _is_on(mark)
            column, line = 0, []
            if (before := child(properties, "gridBefore")) is not None:
                column = reach(_value(before))
                line.append([(), 1, column, head])
            for cell in _inside(row, "tc"):
                width, merge = reach(_value(cell, "tcPr", "gridSpan")), child(cell, "tcPr", "vMerge")
                if merge is not None and _value(merge) != "restart" and column in owners:
                    owners[column][1] += 1
                else:
                    line.append([tuple(self.blocks(cell)), 1, width, head])
                    owners.pop(column, None)
                    if merge is not None:
                        owners[column] = line[-1]
                column += width
            rows.append(line)
        for line in rows:
            yield [Cell(*parts) for parts in line]

    def paragraph(self, paragraph) -> Iterator[Block]:
        """A paragraph's blocks, then those of the text boxes that hang on it."""
        properties = child(paragraph, "pPr")
        style = self.styles.get(_value(properties, "pStyle", default=None), _Style())
        level, frame = _outline_level(properties) or style.level, child(properties, "framePr")
        boxes: list = []
        text = without_note_marks("".join(self.text(paragraph, boxes, bool(style.hidden))))
        if level == CONTENTS:
            text = ""
        if frame is not None and attribute(frame, "dropCap") in ("drop", "margin"):
            self.initial += text.strip()
            return
        text, self.initial = self.initial + text, ""
        deleted = _is_open(paragraph) and not text.strip()
        label = "" if deleted else self.label(_number(properties) or style.number)
        yield from as_blocks(f"{label} {text}" if label and text.strip() else text, level)
        for box in boxes:
            yield from self.blocks(box)

    def label(self, number: tuple[str, int] | None) -> str:
        """The next number of a list that a paragraph or its style names."""
        if number is None or number[0] == "0" or self.numbers is None:
            return ""
        return self.numbers.next(*number)

    def text(self, parent, boxes: list, hidden: bool) -> Iterator[str]:
        """A paragraph's text; text boxes that hang on it are collected in `boxes`."""
        for element in parent:
            name = local(element)
            if name == "r":
                yield from self.run(element, boxes, hidden)
            elif name == "t":
                yield element.text or ""
            elif name in ("tab", "ptab"):
                yield "\t"
            elif name in ("br", "cr"):
                yield "\n"
            elif name == "noBreakHyphen":
                yield "-"
            elif name == "sym":
                yield _SIGNS.get(attribute(element, "font"), {}).get(attribute(element, "char")[-2:].upper(), "")
            elif name in _MATH:
                yield from self.formula(element, boxes, hidden)
            elif name == "txbxContent":
                boxes.append(element)
            elif name == "AlternateContent":
                yield from self.text(_chosen(element), boxes, hidden)
            elif name == "ffData":
                yield _field_value(element)
            elif name == "sdt" and _is_guide(element):
                continue
            elif name not in _LEFT_OUT:
                yield from self.text(element, boxes, hidden)

    def formula(self, element, boxes: list, hidden: bool) -> Iterator[str]:
        """A part of an equation whose places tell what it means: a fraction, a power, an index, a root."""
        before, between, behind = _MATH[local(element)]
        parts = (part for part in element if not local(part).endswith("Pr"))
        texts = ["".join(self.text(part, boxes, hidden)) for part in parts]
        yield before + between.join(text for text in texts if text) + behind

    def run(self, run, boxes: list, hidden: bool) -> Iterator[str]:
        """A run's text, unless it or its style hides or strikes it; raised and lowered text between its signs."""
        properties = child(run, "rPr")
        own, signs = _hidden(properties), _SMALL.get(_value(properties, "vertAlign"))
        if own is None:
            own = self.styles.get(_value(properties, "rStyle", default=None), _Style()).hidden
        hidden = hidden if own is None else own
        text = self.text(run, boxes, hidden)
        if hidden:
            for _ in text:  # its text boxes are shown all the same
                pass
            return
        yield from itertools.chain(signs[0], text, signs[1]) if signs else text


def _is_open(paragraph) -> bool:
    """Whether a paragraph's mark is deleted or moved away, so that the paragraph goes on in the next one."""
    return any(child(paragraph, "pPr", "rPr", name) is not None for name in ("del", "moveFrom"))


def _inside(parent, name: str) -> Iterator:
    """Rows of a table or cells of a row, those in content controls and insertions included."""
    for element in parent:
        if local(element) == name:
            yield element
        elif local(element) in ("sdt", "sdtContent", "customXml", "ins"):
            yield from _inside(element, name)


def _is_guide(control) -> bool:
    """Whether a content control shows the guide of an empty field, or a table of contents."""
    properties = child(control, "sdtPr")
    if properties is None:
        return False
    gallery = next((_value(element) for element in properties.iter() if local(element) == "docPartGallery"), "")
    guide = child(properties, "showingPlcHdr")
    return (guide is not None and _is_on(guide)) or gallery == "Table of Contents"


def _chosen(alternatives):
    """The first of several forms of the same content that holds text: for new programs, then for old ones."""
    forms = list(alternatives)
    return next((form for form in forms if any(local(element) == "t" for element in form.iter())), forms[:1])


def _field_value(data) -> str:
    """What a form's list or box shows: neither stands in the text."""
    if (entries := child(data, "ddList")) is not None:
        names = [_value(entry) for entry in entries if local(entry) == "listEntry"]
        picked = _value(entries, "result", default=_value(entries, "default", default="0"))
        return names[int(picked)] if picked.isdecimal() and int(picked) < len(names) else ""
    if (box := child(data, "checkBox")) is not None:
        mark = next((mark for name in ("checked", "default") if (mark := child(box, name)) is not None), None)
        return "☑" if mark is not None and _is_on(mark) else "☐"
    return ""
