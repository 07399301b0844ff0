"""What Word (.docx) and Hangul (.hwpx) documents have in common: archives of XML, styles, paragraphs.

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

from korqg.data.documents.contents import marked_leaders
from korqg.data.documents.line_breaks import goes_on_in
from korqg.data.text_blocks import OLD_SUFFIXES, Block, clean, read_bytes
from korqg.errors import KorqgError

# All XML that is read out of one document; a book of a million characters has about 20 MB.
LARGEST_XML_BYTES = 50_000_000
LARGEST_ARCHIVE_BYTES = 2_000_000_000  # All members together, unpacked, as the archive states it: pictures included
MOST_MEMBERS = 20_000
# Characters. Hangul's outline levels are often given to whole paragraphs, which are text, not headings.
LONGEST_HEADING = 100
_HEADING_NAME = re.compile(r"(?:heading|제목|개요|outline)\s*([1-9]|10)", re.IGNORECASE)
_TITLE_NAME = re.compile(r"title|제목|표제|문서 ?제목", re.IGNORECASE)
# Not "contents" alone: that is what Hangul's users call the style of the text itself (내용).
_CONTENTS_NAME = re.compile(
    r"(?:toc|목차|차례)(?:\s*(?:heading|제목)|\s*\d+)?|contents\s*(?:heading|\d+)|table of contents", re.IGNORECASE
)
CONTENTS = -1  # The level of a style that a table of contents is set in: left out


_BAD = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, ValueError, LookupError, SyntaxError)
RAISED, LOWERED = "\x02", "\x03"  # Signs around raised text, until it is known whether it points to a note
INDEX = "\x1e\x1f"  # Signs around lowered text
_FIGURES, _POWERS, _INDICES = "0123456789+-−–.", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻·", "₀₁₂₃₄₅₆₇₈₉₊₋₋₋·"


def read_members(path: Path, wanted: str) -> dict[str, bytes]:
    """The members whose names match `wanted`, by their names in lower case; nothing is written to disk."""
    data = read_bytes(path)
    if data.startswith(b"\xd0\xcf\x11\xe0"):  # an OLE container: either encrypted, or the old format misnamed
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise locked(path)
        new = path.suffix.lower()
        old = next(old for old, suffix in OLD_SUFFIXES.items() if suffix == new)
        raise KorqgError(f"{path.name} is of the old {old} format: open it and save it as {new}.")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        _check_members(path, members)
        found, left = {}, LARGEST_XML_BYTES
        for member in members:
            name = member.filename.replace("\\", "/").lower()  # some programs write the separator of Windows
            if not re.fullmatch(wanted, name):
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
            found[name] = content
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


def parse(data: bytes):
    """The root element of an XML member; a document type, and with it every entity, is refused."""
    from defusedxml import ElementTree

    return ElementTree.fromstring(data, forbid_dtd=True)


@contextlib.contextmanager
def errors_in_words(path: Path, *others: type[Exception]) -> Iterator[None]:
    """Turns what can go wrong in a damaged or hostile archive, and others, into a KorqgError."""
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
    except (*_BAD, *others) as error:
        raise KorqgError(
            f"{path.name} is damaged, incomplete or no {path.suffix.lower()} file ({error}): copy or save it again."
        ) from None
    except RuntimeError as error:  # how zipfile says that a member is encrypted
        if "password" in str(error):
            raise locked(path) from None
        raise


def locked(path: Path) -> KorqgError:
    return KorqgError(f"{path.name} is protected by a password: open it and save it without one.")


def local(element) -> str:
    """An element's name without its name space."""
    return element.tag.rpartition("}")[2]


def child(element, *names: str):
    """The first element below, by the names on the way to it; None where there is none, nor an element."""
    return element.find("/".join(f"{{*}}{name}" for name in names)) if names and element is not None else element


def attribute(element, name: str) -> str:
    """An attribute's value, whatever its name space, or ""."""
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def style_level(*names: str) -> int:
    """The heading level that a style's names stand for: 0 for none, CONTENTS for a table of contents."""
    for name in (clean(name) for name in names):
        if match := _HEADING_NAME.fullmatch(name):
            return int(match[1])
        if _TITLE_NAME.fullmatch(name):
            return 1
        if _CONTENTS_NAME.fullmatch(name):
            return CONTENTS
    return 0


def as_blocks(text: str, level: int) -> Iterator[Block]:
    """A paragraph's blocks: one a line, but for lines that break a sentence; a "heading" that is one is text."""
    whole = clean(text)
    if level > 0 and whole and len(whole) <= LONGEST_HEADING and not re.search(r"[다요까]\.$", whole):
        yield Block(whole, level)
        return
    line = ""
    for piece in text.split("\n"):
        piece = clean(marked_leaders(piece))
        if line and piece and not goes_on_in(line, piece):
            yield Block(line)
            line = ""
        line = f"{line} {piece}".strip()
    if line:
        yield Block(line)


def without_note_marks(text: str) -> str:
    """A paragraph's text in which raised signs stand between RAISED and LOWERED: those that point to notes go.

    "3)" and "*" do, and a number behind Hangul or a full stop; the 2 of "m2" stays. What is raised or lowered (between
    the signs of INDEX) behind a figure becomes small figures: 10⁶, not 106.
    """

    def keep(match: re.Match) -> str:
        before, raised = match[1], match[2].strip()
        if re.fullmatch(r"(?:주\s?)?[(\[]?\d{1,3}[)\]]|[*†‡§]{1,3}\)?", raised):
            return before
        if re.fullmatch(r"\d{1,3}(?:[,·]\s?\d{1,3})*", raised) and re.fullmatch(r"[가-힣.,!?”’\"')\]」』]", before):
            return before
        return before + match[2]

    return re.sub(f"(.?){RAISED}(.*?){LOWERED}", keep, _small_figures(text), flags=re.DOTALL)


def _small_figures(text: str) -> str:
    for (start, end), small in ((RAISED + LOWERED, _POWERS), (INDEX, _INDICES)):
        more = f"{end}{start}"  # where a number is written in several pieces
        number = rf"(?<=\d){start}([-+−–]?(?:{more})?[0-9](?:{more}|[0-9., ])*){end}"
        signs = str.maketrans(_FIGURES, small, more)
        text = re.sub(number, lambda match, signs=signs: match[1].translate(signs), text)
    return text
