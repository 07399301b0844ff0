"""Word (.docx) and Hangul (.hwpx) documents to blocks of text.

Both are ZIP archives of XML. Nothing is ever unpacked to disk: the few members that hold text are read into
memory, up to a limit, and their XML is parsed by defusedxml, which refuses entities and document types.
Sources of the formats: ECMA-376 (WordprocessingML) and KS X 6101 (OWPML, Hancom's HWPX). Elements are known
by their local names, because both formats exist with several name spaces (transitional and strict; 2011,
2016 and 2024).
"""

import contextlib
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from korqg.errors import KorqgError
from korqg.readers import OLD_SUFFIXES, Block, clean, read_bytes

LARGEST_XML_BYTES = 50_000_000
"""All XML that is read out of one document; a book of a million characters has about 20 MB."""

LARGEST_ARCHIVE_BYTES = 2_000_000_000
"""All members together, unpacked, as the archive states it: pictures included."""

MOST_MEMBERS = 20_000

LONGEST_HEADING = 100
"""Characters. Hangul's outline levels are often given to whole paragraphs, which are text, not headings."""

_HEADING_NAME = re.compile(r"(?:heading|제목|개요|outline)\s*([1-9]|10)", re.IGNORECASE)
_TITLE_NAME = re.compile(r"title|제목|표제|문서 ?제목", re.IGNORECASE)
_CONTENTS_NAME = re.compile(r"(?:toc|contents|목차|차례)(?:\s*heading|\s*\d+)?", re.IGNORECASE)
_CONTENTS = -1
"""The level of a style that a table of contents is set in: left out."""


def read_docx(path: Path) -> list[Block]:
    """Headings, paragraphs, list items, table rows and text boxes of a Word document, in reading order.

    Left out: headers, footers, notes, comments, deleted text and the table of contents. Raises KorqgError for
    a file that is damaged, protected by a password, of the old format, or that breaks a limit of this module.
    """
    with _errors_in_words(path):
        members = _read_members(path, r"word/(?:document|styles)\d*\.xml")
        body = next((name for name in sorted(members) if "/document" in name), None)
        if body is None:
            raise KorqgError(f"{path.name} holds no word/document.xml: it is not a Word document; save it as .docx.")
        styles = next((name for name in sorted(members) if "/styles" in name), None)
        levels = _docx_levels(_parse(members[styles])) if styles else {}
        return list(_docx_blocks(_parse(members[body]), levels))


def read_hwpx(path: Path) -> list[Block]:
    """Headings, paragraphs, table rows, captions and text boxes of a Hangul document, in reading order.

    A heading is a paragraph in one of Hangul's outline styles (개요 1 to 10), in one named 제목, or with an
    outline level of its own. Left out: headers, footers, notes, comments and deleted text. Raises KorqgError
    as read_docx does.
    """
    with _errors_in_words(path):
        members = _read_members(path, r"meta-inf/manifest\.xml|contents/(?:header|section\d+)\.xml")
        manifest = members.get("meta-inf/manifest.xml")
        if manifest and any(_local(element) == "encryption-data" for element in _parse(manifest).iter()):
            raise _locked(path)
        numbers = sorted(int(match[1]) for name in members if (match := re.search(r"section(\d+)", name)))
        if not numbers:
            raise KorqgError(f"{path.name} holds no Contents/section0.xml: it is not a Hangul document; save it again.")
        header = members.get("contents/header.xml")
        levels = _hwpx_levels(_parse(header)) if header else ({}, {})
        sections = (_parse(members[f"contents/section{number}.xml"]) for number in numbers)
        return [block for section in sections for block in _hwpx_blocks(section, levels)]


def _read_members(path: Path, wanted: str) -> dict[str, bytes]:
    """The members whose names match `wanted`, by their names in lower case; nothing is written to disk."""
    data = read_bytes(path)
    if data.startswith(b"\xd0\xcf\x11\xe0"):  # an OLE container: either encrypted, or the old format misnamed
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise _locked(path)
        new = path.suffix.lower()
        old = next(old for old, suffix in OLD_SUFFIXES.items() if suffix == new)
        raise KorqgError(f"{path.name} is of the old {old} format: open it and save it as {new}.")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        _check_members(path, members)
        found, left = {}, LARGEST_XML_BYTES
        for member in members:
            if not re.fullmatch(wanted, member.filename, re.IGNORECASE):
                continue
            with archive.open(member) as file:
                # One byte more than is allowed: the size that the archive states may be a lie.
                content = file.read(left + 1)
            left -= len(content)
            if left < 0:
                raise KorqgError(
                    f"{path.name}: its text unpacks to more than the {LARGEST_XML_BYTES / 1e6:.0f} MB that are "
                    "allowed. It may be a ZIP bomb; otherwise split the document."
                )
            found[member.filename.lower()] = content
    return found


def _check_members(path: Path, members: list[zipfile.ZipInfo]) -> None:
    total = sum(member.file_size for member in members)
    if len(members) > MOST_MEMBERS or total > LARGEST_ARCHIVE_BYTES:
        raise KorqgError(
            f"{path.name} unpacks to {len(members):,} files and {total / 1e6:,.0f} MB, more than the "
            f"{MOST_MEMBERS:,} files and {LARGEST_ARCHIVE_BYTES / 1e6:,.0f} MB that are allowed: "
            "it may be a ZIP bomb. Save the text alone as a new document."
        )
    for member in members:
        parts = re.split(r"[/\\]", member.filename)
        if ".." in parts or parts[0] == "" or ":" in parts[0]:
            raise KorqgError(
                f"{path.name} has a member {member.filename!r} that points out of the archive: "
                "do not trust this file, or save it again with its own program."
            )


def _parse(data: bytes):
    """The root element of an XML member; a document type, and with it every entity, is refused."""
    from defusedxml import ElementTree

    return ElementTree.fromstring(data, forbid_dtd=True)


@contextlib.contextmanager
def _errors_in_words(path: Path) -> Iterator[None]:
    """Turns what can go wrong in a damaged or hostile archive into a KorqgError."""
    from defusedxml import DefusedXmlException

    try:
        yield
    except DefusedXmlException:
        raise KorqgError(
            f"{path.name} declares a document type or entities, which no office program writes and which can harm "
            "the reader: do not trust this file, or save it again with its own program."
        ) from None
    except RecursionError:
        raise KorqgError(f"{path.name} is nested too deeply to be read: save its text as .txt.") from None
    except (
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        EOFError,
        OSError,
        ValueError,
        LookupError,
        SyntaxError,
    ) as error:
        raise KorqgError(
            f"{path.name} is damaged, incomplete or no {path.suffix.lower()} file ({error}): copy or save it again."
        ) from None
    except RuntimeError as error:  # how zipfile says that a member is encrypted
        if "password" in str(error):
            raise _locked(path) from None
        raise


def _locked(path: Path) -> KorqgError:
    return KorqgError(f"{path.name} is protected by a password: open it and save it without one.")


def _local(element) -> str:
    """An element's name without its name space."""
    return element.tag.rpartition("}")[2]


def _child(element, name: str):
    return next((child for child in element if _local(child) == name), None)


def _attribute(element, name: str) -> str:
    """An attribute's value, whatever its name space, or ""."""
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def _style_level(*names: str) -> int:
    """The heading level that a style's names stand for: 0 for none, _CONTENTS for a table of contents."""
    for name in (clean(name) for name in names):
        if match := _HEADING_NAME.fullmatch(name):
            return int(match[1])
        if _TITLE_NAME.fullmatch(name):
            return 1
        if _CONTENTS_NAME.fullmatch(name):
            return _CONTENTS
    return 0


def _as_blocks(text: str, level: int) -> Iterator[Block]:
    """A paragraph's blocks: one a line. A "heading" that is long or a full sentence is text."""
    whole = clean(text)
    if level > 0 and whole and len(whole) <= LONGEST_HEADING and not re.search(r"[다요까]\.$", whole):
        yield Block(whole, level)
        return
    for line in text.split("\n"):
        if line := clean(line):
            yield Block(line)


def _table_blocks(rows: list[list[list[Block]]]) -> Iterator[Block]:
    """One block a row, its cells joined by " | ". A table of one cell is a frame: its blocks as they are."""
    if len(rows) == 1 and len(rows[0]) == 1:
        yield from rows[0][0]
        return
    for row in rows:
        cells = [" ".join(block.text for block in cell) for cell in row]
        if any(cells):
            yield Block(" | ".join(cells))


def _docx_levels(styles) -> dict[str, int]:
    """Style id to heading level. Word in Korean has ids such as "1", so names and outline levels decide."""
    own, parent = {}, {}
    for style in styles:
        if _local(style) != "style":
            continue
        key = _attribute(style, "styleId")
        name, base, properties = _child(style, "name"), _child(style, "basedOn"), _child(style, "pPr")
        level = _style_level(_attribute(name, "val")) if name is not None else 0
        if level == 0 and properties is not None:
            level = _outline_level(properties)
        own[key] = level
        parent[key] = _attribute(base, "val") if base is not None else ""
    levels = {}
    for key in own:
        seen, place = set(), key
        while own.get(place) == 0 and parent[place] and place not in seen:
            seen.add(place)
            place = parent[place]
        levels[key] = own.get(place, 0)
    return levels


def _outline_level(properties) -> int:
    """w:outlineLvl counts from 0; 9 is body text."""
    outline = _child(properties, "outlineLvl")
    value = _attribute(outline, "val") if outline is not None else ""
    return int(value) + 1 if re.fullmatch("[0-8]", value) else 0


def _docx_blocks(parent, levels: dict[str, int]) -> Iterator[Block]:
    for element in parent:
        name = _local(element)
        if name == "p":
            yield from _docx_paragraph(element, levels)
        elif name == "tbl":
            rows = (row for row in _docx_inside(element, "tr"))
            yield from _table_blocks(
                [[list(_docx_blocks(cell, levels)) for cell in _docx_inside(row, "tc")] for row in rows]
            )
        elif name in ("body", "sdt", "sdtContent", "customXml", "ins", "moveTo", "txbxContent"):
            yield from _docx_blocks(element, levels)


def _docx_inside(parent, name: str) -> Iterator:
    """Rows of a table or cells of a row, those in content controls and insertions included."""
    for element in parent:
        if _local(element) == name:
            yield element
        elif _local(element) in ("sdt", "sdtContent", "customXml", "ins"):
            yield from _docx_inside(element, name)


def _docx_paragraph(paragraph, levels: dict[str, int]) -> Iterator[Block]:
    level = 0
    properties = _child(paragraph, "pPr")
    if properties is not None:
        style = _child(properties, "pStyle")
        level = _outline_level(properties) or levels.get(_attribute(style, "val") if style is not None else "", 0)
    if level == _CONTENTS:
        return
    boxes = []
    yield from _as_blocks("".join(_docx_text(paragraph, boxes)), level)
    for box in boxes:
        yield from _docx_blocks(box, levels)


def _docx_text(parent, boxes: list) -> Iterator[str]:
    """A paragraph's text; text boxes that hang on it are collected in `boxes`."""
    for element in parent:
        name = _local(element)
        if name == "t":
            yield element.text or ""
        elif name in ("tab", "ptab"):
            yield " "
        elif name in ("br", "cr"):
            yield "\n"
        elif name == "noBreakHyphen":
            yield "-"
        elif name == "txbxContent":
            boxes.append(element)
        elif name == "AlternateContent":  # the same content twice: for new programs, then for old ones
            yield from _docx_text(element[:1], boxes)
        elif name not in ("del", "moveFrom", "rt"):  # deleted, moved away, small text above the line
            yield from _docx_text(element, boxes)


def _hwpx_levels(header) -> tuple[dict[str, int], dict[str, int]]:
    """Heading levels by style id, and by the id of a paragraph's shape."""
    styles, shapes = {}, {}
    for element in header.iter():
        if _local(element) == "style":
            styles[element.get("id", "")] = _style_level(element.get("name", ""), element.get("engName", ""))
        elif _local(element) == "paraPr":
            heading = _child(element, "heading")
            if heading is not None and heading.get("type") == "OUTLINE":
                level = heading.get("level", "0")
                shapes[element.get("id", "")] = int(level) + 1 if level.isdecimal() else 1
    return styles, shapes


def _hwpx_blocks(parent, levels) -> Iterator[Block]:
    for element in parent:
        if _local(element) == "p":
            yield from _hwpx_paragraph(element, levels)


def _hwpx_paragraph(paragraph, levels) -> Iterator[Block]:
    styles, shapes = levels
    level = styles.get(paragraph.get("styleIDRef", ""), 0) or shapes.get(paragraph.get("paraPrIDRef", ""), 0)
    if level == _CONTENTS:
        return
    text, objects, deleted = [], [], False
    for run in paragraph:
        if _local(run) != "run":
            continue
        for element in run:
            name = _local(element)
            if name == "t":
                deleted = _hwpx_text(element, text, deleted)
            elif name not in ("secPr", "ctrl"):  # page settings; headers, footers, notes, comments, fields
                objects.append(element)
    yield from _as_blocks("".join(text), level)
    for element in objects:
        yield from _hwpx_object(element, levels)


def _hwpx_text(element, text: list[str], deleted: bool) -> bool:
    """Append the text of an hp:t and return whether a tracked deletion is still open behind it."""
    if not deleted:
        text.append(element.text or "")
    for child in element:
        name = _local(child)
        if name == "deleteBegin":
            deleted = True
        elif name == "deleteEnd":
            deleted = False
        elif not deleted:
            text.append({"lineBreak": "\n", "hyphen": "-"}.get(name, " " if name in _HWPX_BLANKS else ""))
        if not deleted:
            text.append(child.tail or "")
    return deleted


_HWPX_BLANKS = ("tab", "nbSpace", "fwSpace")


def _hwpx_object(element, levels) -> Iterator[Block]:
    """Tables, and whatever else holds paragraphs: captions, text boxes, grouped shapes."""
    if _local(element) != "tbl":
        for child in element:
            if _local(child) == "subList":
                yield from _hwpx_blocks(child, levels)
            elif _local(child) not in ("footNote", "endNote", "header", "footer", "hiddenComment"):
                yield from _hwpx_object(child, levels)
        return
    caption = _child(element, "caption")
    if caption is not None:
        yield from _hwpx_object(caption, levels)
    rows = []
    for row in element:
        if _local(row) == "tr":
            cells = (_child(cell, "subList") for cell in row if _local(cell) == "tc")
            rows.append([list(_hwpx_blocks(cell, levels)) if cell is not None else [] for cell in cells])
    yield from _table_blocks(rows)
