"""Pages out of large JSON files and zip archives, one at a time, in bounded memory."""

import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from korqg.errors import KorqgError

LARGEST_ARCHIVE = 16 * 1024**3  # Bytes that an archive may unpack to; KorQuAD 2.1's unpack to about 0.5 GB each
LARGEST_RATIO = 200  # How many bytes a compressed byte may become; HTML in JSON reaches about 10, a zip bomb 1,000
RATIO_MATTERS_FROM = 64 * 1024**2  # A member smaller than this does no harm, whatever its ratio
MOST_MEMBERS = 10_000  # Files that an archive may hold
# Characters of JSON that one page may take; the largest Wikipedia pages take about 6 million.
LARGEST_PAGE = 32 * 1024**2
CHUNK = 2 * 1024**2  # Characters that are read at a time
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
# What stands before the pages: the beginning of an object, perhaps with other values that hold no list.
_DATA = re.compile(r'\s*\{[^\[]*?"data"\s*:\s*\[')
_SPACE = re.compile(r"[ \t\r\n]*")
# Where the next page of "data" begins: inside a JSON string every quotation mark has a backslash before it, and
# the questions of a page have other keys.
_NEXT_PAGE = re.compile(r',\s*(?=\{\s*"(?:title|url|context|raw_html|qas)"\s*:)')


@dataclass(frozen=True)
class PageRecord:
    """One entry of "data": where it stands, and its value, or None and the reason why it cannot be read."""

    file: str
    place: str
    value: Any
    reason: str = ""


def read_pages(source: Path) -> Iterator[PageRecord]:
    """The entries of "data" of a .json file, or of every .json member of a .zip archive, in the order of their names.

    Nothing is unpacked to the disk, and no more than a page and a chunk is held in memory. A page with broken JSON
    comes with its reason and the reading goes on at the next page.

    Raises KorqgError, with the file's name, for a damaged, encrypted or dangerous archive, for a file that is not
    of this schema, and for one that ends too early.
    """
    try:
        if source.suffix.lower() == ".zip":
            yield from _read_archive(source)
        else:
            with open(source, "rb") as file:
                yield from _read_file(file, source.name)
    except _DAMAGED as error:
        raise KorqgError(
            f"{source} is not a whole zip archive ({str(error) or type(error).__name__}): download it again, and "
            "compare its size with the one on the site."
        ) from None
    except OSError as error:
        raise KorqgError(f"Cannot read {source}: {error.strerror or error}.") from None


def _read_archive(source: Path) -> Iterator[PageRecord]:
    with zipfile.ZipFile(source) as archive:
        members = sorted(_checked_members(source, archive), key=lambda member: member.filename)
        if not members:
            raise KorqgError(f"{source} holds no .json file: it is no archive of KorQuAD 2; remove it from the folder.")
        for member in members:
            with archive.open(member) as file:
                yield from _read_file(file, f"{source.name}/{member.filename}")
                while file.read(CHUNK):
                    pass  # zipfile compares the checksum when it comes to the member's end


def _checked_members(source: Path, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The archive's JSON members. Raises KorqgError for what no archive of a data set should hold."""
    members = archive.infolist()
    remedy = "This is not an archive as KorQuAD's site has it: delete it and download it from there."
    if len(members) > MOST_MEMBERS:
        raise KorqgError(f"{source} holds {len(members):,} files, more than {MOST_MEMBERS:,}. {remedy}")
    total = sum(member.file_size for member in members)
    if total > LARGEST_ARCHIVE:
        raise KorqgError(f"{source} would unpack to {total:,} bytes, more than {LARGEST_ARCHIVE:,}. {remedy}")
    wanted = []
    for member in members:
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
            raise KorqgError(f"{source} holds {member.filename!r}, which points outside of its folder. {remedy}")
        if member.file_size > max(RATIO_MATTERS_FROM, LARGEST_RATIO * member.compress_size):
            raise KorqgError(
                f"{source}: {member.filename} would unpack to {member.file_size:,} bytes out of "
                f"{member.compress_size:,}, more than {LARGEST_RATIO} times its size. {remedy}"
            )
        hidden = path.name.startswith(".") or "__MACOSX" in path.parts
        if member.is_dir() or hidden or path.suffix.lower() != ".json":
            continue
        if member.flag_bits & 1:
            raise KorqgError(
                f"{source}: {member.filename} is encrypted. Unpack the archive yourself with its password and set "
                "source_path to the folder with the .json files."
            )
        wanted.append(member)
    return wanted


def _read_file(file: Any, name: str) -> Iterator[PageRecord]:
    # A byte that is not UTF-8 becomes a lone surrogate, so that it costs its record and not the file.
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape")
    try:
        yield from _Pages(text, name).read()
    finally:
        text.detach()  # otherwise it closes the file that is not its own


class _Pages:
    """A window that moves over the text of one JSON file."""

    def __init__(self, file: io.TextIOBase, name: str):
        self.file, self.name = file, name
        self.text, self.place, self.ended = "", 0, False
        self.decoder = json.JSONDecoder(strict=False)  # lets a line break stand inside a string

    def read(self) -> Iterator[PageRecord]:
        while not (start := _DATA.match(self.text)):
            if self.ended or len(self.text) > CHUNK:
                raise KorqgError(
                    f'{self.name} is not in KorQuAD 2\'s schema, {{"data": [{{"title", "context", "qas"}}]}}. '
                    "Set source_path to files of KorQuAD 2.0 or 2.1 (korquad.github.io)."
                )
            self.more(CHUNK)
        self.place = start.end()
        yield from self.entries()

    def entries(self) -> Iterator[PageRecord]:
        number = 0
        while self.next_sign() != "]":
            place = f"data[{number}]"
            value, reason = self.entry(place)
            yield PageRecord(self.name, place, value, reason)
            number += 1
            if not reason and self.next_sign() == ",":
                self.place += 1
            elif not reason and self.next_sign() != "]":
                self.skip_to_next_page(place)
                yield PageRecord(self.name, f"data[{number}]", None, "broken JSON: a comma or a bracket is missing")
                number += 1
        self.place += 1

    def entry(self, place: str) -> tuple[Any, str]:
        """The value that begins here, or None and what is wrong with it; then the window stands behind it."""
        while True:
            try:
                value, self.place = self.decoder.raw_decode(self.text, self.place)
                return value, ""
            except json.JSONDecodeError as error:
                # An error far from the window's end is in the file; one close to it may come from the cut.
                certain = error.pos < len(self.text) - CHUNK // 2 and not error.msg.startswith("Unterminated")
                size = len(self.text) - self.place
                if certain or self.ended or size > LARGEST_PAGE:
                    reason = f"broken JSON: {error.msg} {error.pos - self.place:,} characters into the page"
                    if size > LARGEST_PAGE and not certain:
                        reason = f"a page of more than {LARGEST_PAGE:,} characters"
                    self.skip_to_next_page(place)
                    return None, reason
            except RecursionError:
                self.skip_to_next_page(place)
                return None, "broken JSON: nested too deeply"
            # As much again as is there, so that a large page is not parsed anew for every chunk.
            size = len(self.text) - self.place
            self.more(min(max(CHUNK, size), LARGEST_PAGE + CHUNK - size))

    def skip_to_next_page(self, place: str) -> None:
        """Move behind the comma before the next page, or to the end of "data" when there is none."""
        self.place += 1
        while True:
            match = _NEXT_PAGE.search(self.text, self.place)
            if match:
                self.place = match.end()
                return
            if self.ended:
                break
            self.place = max(self.place, len(self.text) - 200)
            self.more(CHUNK)
        end = re.search(r'\](?=\s*(?:,\s*"version"\s*:\s*"[^"]*"\s*)?\}\s*$)', self.text[-200:])
        if not end:
            raise self.too_short(place)
        self.place = max(0, len(self.text) - 200) + end.start()

    def next_sign(self) -> str:
        """The next character that is no white space, with the window moved to it."""
        while True:
            self.place = _SPACE.match(self.text, self.place).end()
            if self.place < len(self.text):
                return self.text[self.place]
            if self.ended:
                raise self.too_short("the last page")
            self.more(CHUNK)

    def more(self, characters: int) -> None:
        new = self.file.read(characters)
        self.ended = not new
        if new:
            self.text, self.place = self.text[self.place :] + new, 0

    def too_short(self, place: str) -> KorqgError:
        return KorqgError(
            f"{self.name} ends too early, after {place}: the file is not whole. Download or unpack it again."
        )
