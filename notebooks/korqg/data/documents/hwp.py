"""Hangul's binary documents (.hwp 5.x) to blocks of text.

syhwp knows the records of the format and the key of a distribution file. The records are turned into the elements
that the same document has as .hwpx (OWPML), so that both give the same blocks. Source: Hancom's "한글 문서 파일 형식
5.0"; offsets below are those of its tables.
"""

import io
import struct
import zlib
from pathlib import Path
from xml.etree import ElementTree

from korqg.data.documents.hwpx import Header, read_blocks, read_hwpx
from korqg.data.documents.numbering import Level, Numbers
from korqg.data.documents.office import LARGEST_XML_BYTES, errors_in_words, locked, style_level
from korqg.data.text_blocks import Block, read_bytes
from korqg.errors import KorqgError

CHAR_SHAPE, NUMBERING, PARA_SHAPE, STYLE = 21, 23, 25, 26
# Tags of records.
PARA_HEADER, PARA_TEXT, PARA_CHAR_SHAPE, CONTROL, LIST_HEADER, TABLE, EQUATION = 66, 67, 68, 71, 72, 77, 88
COMPRESSED, PASSWORD, DISTRIBUTED, CERTIFICATE, RIGHTS = 0x1, 0x2, 0x4, 0x100, 0x10  # Bits of the file header
DEEPEST = 60  # How deep boxes and tables may hold one another
# Signs that take eight places.
_LONG = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23})
_CONTROLS = frozenset({1, 2, 3, 11, 12, 14, 15, 16, 17, 18, 21, 22, 23})  # Those that a control record belongs to
_SIGNS = {10: "lineBreak", 24: "hyphen", 30: "nbSpace", 31: "fwSpace"}
_FORMATS = (
    "DIGIT", "CIRCLED_DIGIT", "ROMAN_CAPITAL", "ROMAN_SMALL", "LATIN_CAPITAL", "LATIN_SMALL", "DIGIT",
    "CIRCLED_LATIN_SMALL", "HANGUL_SYLLABLE", "CIRCLED_HANGUL_SYLLABLE", "HANGUL_JAMO", "CIRCLED_HANGUL_JAMO",
)  # fmt: skip
_AUTO_NUMBERS = {3: "PICTURE", 4: "TABLE", 5: "EQUATION"}
_NOTES = ("head", "foot", "fn  ", "en  ", "tcmt")


def read_hwp(path: Path) -> list[Block]:
    """Headings, paragraphs, table rows, captions and text boxes, as read_hwpx has them.

    Distribution files are read too: their key is in the file. Raises KorqgError for a file that is damaged,
    protected by a password or a certificate, or of Hangul 97 or older.
    """
    data = read_bytes(path)
    if data.startswith(b"PK\3\4"):
        return read_hwpx(path)
    if data.startswith(b"HWP Document File V"):
        raise KorqgError(f"{path.name} is of Hangul 97 or older: open it and save it as .hwpx.")
    from syhwp import SyhwpError

    with errors_in_words(path, SyhwpError, TypeError, AttributeError, struct.error):
        info, sections = _streams(path, data)
        header = _read_header(info)
        return read_blocks(header, [_section(records) for records in sections])


def _streams(path: Path, data: bytes) -> tuple[list, list[list]]:
    """The records of the document's settings, and those of each section."""
    import olefile
    from syhwp._hwp5 import _open_distributed
    from syhwp._records import iter_records

    with olefile.OleFileIO(io.BytesIO(data)) as archive:
        if not archive.exists("FileHeader"):
            raise ValueError("it has no FileHeader")
        head = archive.openstream("FileHeader").read()
        if not head.startswith(b"HWP Document File"):
            raise ValueError("its FileHeader is not Hangul's")
        flags = struct.unpack_from("<I", head, 36)[0]
        if flags & (PASSWORD | CERTIFICATE | RIGHTS):
            raise locked(path)
        folder = "ViewText" if flags & DISTRIBUTED else "BodyText"
        names = [name for name in archive.listdir() if len(name) == 2 and name[0] == folder]
        names.sort(key=lambda name: int("".join(filter(str.isdecimal, name[1])) or 0))
        left, found = LARGEST_XML_BYTES, []
        for name in ["DocInfo", *names]:
            raw = archive.openstream(name).read()
            if name != "DocInfo" and flags & DISTRIBUTED:
                raw = _open_distributed(raw)
            plain = zlib.decompressobj(-15).decompress(raw, left + 1) if flags & COMPRESSED else raw
            left -= len(plain)
            if left < 0:
                raise KorqgError(
                    f"{path.name}: its text unpacks to more than the {LARGEST_XML_BYTES / 1e6:.0f} MB that are "
                    "allowed: split the document."
                )
            found.append(list(iter_records(plain)))
    if len(found) < 2:
        raise ValueError(f"it has no {folder}")
    return found[0], found[1:]


def _read_header(records: list) -> Header:
    """Styles, shapes and lists out of DocInfo, by their places, as header.xml has them by ids."""
    header, lists, counts = Header(), {}, {}
    for tag, _, payload in records:
        key = counts[tag] = counts.get(tag, -1) + 1
        if tag == STYLE:
            name, place = _text_at(payload, 0)
            english, _ = _text_at(payload, place)
            header.styles[str(key)] = style_level(name, english)
        elif tag == CHAR_SHAPE and len(payload) >= 50:
            marks = struct.unpack_from("<I", payload, 46)[0]
            if marks >> 18 & 7 or marks >> 2 & 3 == 2:  # older files: a line below, through or above the text
                header.struck.add(str(key))
            if marks >> 15 & 1:
                header.raised.add(str(key))
        elif tag == PARA_SHAPE and len(payload) >= 32:
            marks, name = struct.unpack_from("<I", payload, 0)[0], struct.unpack_from("<H", payload, 30)[0]
            kind, depth = marks >> 23 & 3, marks >> 25 & 7
            if depth == 6 and len(payload) >= 58:  # the eighth level and those below it have a place of their own
                depth = max(depth, min(9, struct.unpack_from("<I", payload, 54)[0]))
            if kind == 1:
                header.shapes[str(key)] = depth + 1
            if kind in (1, 2):
                header.lists[str(key)] = ("OUTLINE" if kind == 1 else "NUMBER"), str(name), depth
        elif tag == NUMBERING:
            lists[str(key + 1)] = _levels(payload)
    header.numbers = Numbers(lists, "^")
    return header


def _levels(payload: bytes) -> dict[int, Level]:
    """The seven levels of a list; their first numbers stand behind them in newer files."""
    place, levels = 0, {}
    for depth in range(7):
        if place + 14 > len(payload):
            return levels
        kind = struct.unpack_from("<I", payload, place)[0] >> 5 & 15
        text, place = _text_at(payload, place + 12)
        levels[depth] = Level(1, _FORMATS[kind] if kind < len(_FORMATS) else "DIGIT", text)
    place += 2
    for depth in range(7):
        if place + 4 <= len(payload):
            start = struct.unpack_from("<I", payload, place)[0]
            levels[depth] = Level(start if 0 < start < 10_000 else 1, levels[depth].format, levels[depth].text)
        place += 4
    return levels


def _text_at(payload: bytes, place: int) -> tuple[str, int]:
    """A text that its length stands before, and the place behind it."""
    if place + 2 > len(payload):
        return "", place
    end = place + 2 + 2 * struct.unpack_from("<H", payload, place)[0]
    return payload[place + 2 : end].decode("utf-16-le", "replace"), end


def _section(records: list):
    """A section's records as the element that .hwpx has for it."""
    from syhwp._hwp5 import _build_tree

    section = ElementTree.Element("sec")
    _add_paragraphs(section, _build_tree(records).children, 0)
    return section


def _add_paragraphs(parent, nodes, depth: int) -> None:
    for node in nodes:
        if node.tag == PARA_HEADER and depth < DEEPEST:
            _add_paragraph(parent, node, depth)


def _add_paragraph(parent, node, depth: int) -> None:
    """A paragraph with a run for each change of its signs' shape; controls stand where their signs do."""
    shape, style = struct.unpack_from("<HB", node.payload, 8)
    paragraph = ElementTree.SubElement(parent, "p", paraPrIDRef=str(shape), styleIDRef=str(style))
    text = b"".join(child.payload for child in node.children if child.tag == PARA_TEXT)
    units = struct.unpack(f"<{len(text) // 2}H", text[: len(text) // 2 * 2])
    shapes = b"".join(child.payload for child in node.children if child.tag == PARA_CHAR_SHAPE)
    changes = dict(struct.iter_unpack("<II", shapes[: len(shapes) // 8 * 8]))
    controls = iter([child for child in node.children if child.tag == CONTROL])
    run, words, place = None, bytearray(), 0

    def end_words() -> None:
        if words:
            ElementTree.SubElement(run, "t").text = words.decode("utf-16-le", "replace")
            words.clear()

    while place < len(units):
        unit = units[place]
        passed = [at for at in changes if at <= place]
        if run is None or passed:
            end_words()
            current = changes[max(passed)] if passed else 0
            for at in passed:
                del changes[at]
            run = ElementTree.SubElement(paragraph, "run", charPrIDRef=str(current))
        if unit in _LONG:
            end_words()
            if unit == 9:
                _add_mark(run, "tab")
            elif unit == 4:
                ElementTree.SubElement(ElementTree.SubElement(run, "ctrl"), "fieldEnd")
            elif unit in _CONTROLS and (control := next(controls, None)) is not None:
                _add_control(run, control, depth + 1)
            place += 8
            continue
        if unit in _SIGNS:
            end_words()
            _add_mark(run, _SIGNS[unit])
        elif unit >= 32:
            words += struct.pack("<H", unit)
        place += 1
    end_words()
    for control in controls:
        _add_control(run if run is not None else ElementTree.SubElement(paragraph, "run"), control, depth + 1)


def _add_mark(run, name: str) -> None:
    ElementTree.SubElement(ElementTree.SubElement(run, "t"), name)


def _add_control(run, control, depth: int) -> None:
    """What a control record holds, as .hwpx has it; headers, footers, notes and comments are left out."""
    payload, name = control.payload, control.payload[:4][::-1].decode("latin-1")
    if name == "secd" and len(payload) >= 20:
        outline = str(struct.unpack_from("<H", payload, 18)[0])
        ElementTree.SubElement(run, "secPr", outlineShapeIDRef=outline)
    elif name.startswith("%"):
        command, _ = _text_at(payload, 9)
        kind = "CLICK_HERE" if name == "%clk" else name
        begin = ElementTree.SubElement(ElementTree.SubElement(run, "ctrl"), "fieldBegin", type=kind)
        ElementTree.SubElement(begin, "stringParam", name="Command").text = command
    elif name == "tdut":
        ElementTree.SubElement(ElementTree.SubElement(run, "dutmal"), "mainText").text = _text_at(payload, 4)[0]
    elif name == "tcps":
        ElementTree.SubElement(run, "compose", composeText=_text_at(payload, 4)[0])
    elif name == "atno" and len(payload) >= 10:
        kind, number = struct.unpack_from("<IH", payload, 4)
        kind = _AUTO_NUMBERS.get(kind & 15, "")
        ElementTree.SubElement(ElementTree.SubElement(run, "ctrl"), "autoNum", num=str(number), numType=kind)
    elif name == "eqed":
        record = next((child for child in control.children if child.tag == EQUATION), None)
        script = _text_at(record.payload, 4)[0] if record is not None else ""
        ElementTree.SubElement(ElementTree.SubElement(run, "equation"), "script").text = script
    elif name == "tbl ":
        _add_table(run, control, depth)
    elif name not in _NOTES:
        _add_box(ElementTree.SubElement(run, "rect"), control.children, depth)


def _add_box(box, nodes, depth: int) -> None:
    """The paragraphs of a text box, a caption, a group of shapes, however deep they stand."""
    _add_paragraphs(ElementTree.SubElement(box, "subList"), nodes, depth)
    for node in nodes:
        if node.tag != PARA_HEADER and depth < DEEPEST:
            _add_box(box, node.children, depth + 1)


def _add_table(run, control, depth: int) -> None:
    """A table with its caption, which stands before the table's own record, and its cells row by row."""
    nodes = control.children
    start = next((place for place, node in enumerate(nodes) if node.tag == TABLE), len(nodes))
    table = ElementTree.SubElement(run, "tbl")
    if any(node.tag == PARA_HEADER for node in nodes[:start]):
        _add_paragraphs(
            ElementTree.SubElement(ElementTree.SubElement(table, "caption"), "subList"), nodes[:start], depth
        )
    rows, inside = {}, None
    for node in nodes[start + 1 :]:
        if node.tag == LIST_HEADER and len(node.payload) >= 16:
            marks = struct.unpack_from("<I", node.payload, 4)[0]
            column, row, columns, reach = struct.unpack_from("<4H", node.payload, 8)
            cell = ElementTree.Element("tc", header=str(marks >> 18 & 1))
            inside = ElementTree.SubElement(cell, "subList")
            ElementTree.SubElement(cell, "cellSpan", colSpan=str(columns), rowSpan=str(reach))
            rows.setdefault(row, {})[column] = cell
        elif inside is not None:
            _add_paragraphs(inside, [node], depth)
    for row in sorted(rows):
        ElementTree.SubElement(table, "tr").extend(rows[row][column] for column in sorted(rows[row]))
