"""Files and blocks of text: finding files, their encodings, what a line begins with."""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from korqg.errors import KorqgError

LARGEST_FILE_BYTES = 200_000_000  # A larger file is refused: it is hardly text, and would not fit into memory
# Bytes that decode as CP949 are taken for it when Hangul makes up this share of their letters beyond ASCII, and
# `LEAST_COMMON` of it are the syllables of endings and particles: Chinese and Japanese encodings often decode too, to
# rare syllables mixed with rare Hanja.
LEAST_HANGUL = 0.15
LEAST_COMMON = 0.25
# Binary formats of older programs, and what the same program can save instead.
OLD_SUFFIXES = {".hwp": ".hwpx", ".doc": ".docx", ".xls": ".xlsx"}
WHOLE_FILE = "whole file"  # What a record of a file that is passed over has in place of a record's name
_INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff\0-\b\x0e-\x1f\x7f]")
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")
# Small figures behind Hangul point to notes; behind Latin letters, as in m², they belong to their word.
_RAISED = re.compile(r"(?<=[가-힣.!?”’\"')\]」』])[⁰¹²³⁴-⁹]+[)⁾]?")
_COMMON = frozenset("이다는을의에가고하은로를한기사지어서리인자도대해나시스부일과아정으라전보수그장했있것들")

_BULLET = re.compile(
    r"[•‣●○◦■□▪▫▶►▷▸◆◇◈◎⊙⦁※∙❍❏❖☞☐☑✓✔➢➤→⇒⇨·ㆍㅇo]\s|[□■○●◇◆▷▶※☞◎❍❏❖•]\S|[-–—]\s|\*{1,3}\s|[①-⑳㉠-㉻➀-➓⓵-⓾ⓐ-ⓩ]"
)
_NUMBERED = re.compile(
    r"\(?\d{1,2}[.)]\s|\d{1,2}(?:\.\d{1,2}){1,3}\.?\s|\(?[가나다라마바사아자차카타파하][.)]\s|제\s?\d+\s?[편장절관조](?:의\s?\d+)?"
    r"(?=[\s(.:]|$)|[ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩⅪⅫ]\s?[.)]?\s|[IVX]{1,4}\.\s"
)


@dataclass(frozen=True)
class Block:
    """A heading, paragraph, list item or table row.

    `level` is 0 for text and 1, 2, ... for a heading; `page` counts from 1 and is 0 where a file has no pages.
    A table's row has the line of its head, and `alone`: its cells with their columns' names.
    """

    text: str
    level: int = 0
    page: int = 0
    is_row: bool = False
    is_head: bool = False
    head: str = ""
    alone: str = ""


def find_files(folder: Path, suffixes: tuple[str, ...]) -> tuple[list[Path], list[dict]]:
    """The files of a folder and its subfolders that end in one of `suffixes`, in order of their names.

    What is passed over comes second, as {"file", "id", "reason"}: hidden files and folders, other suffixes,
    and what is no regular file. Links to folders are not followed.
    """
    files, skipped = [], []

    def skip(path: Path, reason: str) -> None:
        skipped.append(describe_skipped(path, folder, reason))

    for place, folders, names in os.walk(folder):
        for name in sorted(folders):
            if name.startswith("."):
                skip(Path(place, name), "a hidden folder")
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(place, name)
            suffix = path.suffix.lower()
            if name.startswith((".", "~$")):
                skip(path, "a hidden file" if name.startswith(".") else "the lock file of an office program")
            elif not path.is_file():
                skip(path, "not a file that can be read (a broken link, for example)")
            elif suffix in suffixes:
                files.append(path)
            else:
                skip(path, unknown_suffix(path, suffixes))
    return files, skipped


def describe_skipped(path: Path, folder: Path, reason: str) -> dict:
    """A file that was left out, in the form of a dropped record."""
    return {"file": relative_name(path, folder), "id": WHOLE_FILE, "reason": reason.rstrip(".")}


def relative_name(path: Path, folder: Path) -> str:
    """A file's place inside a folder, with "/" on every system and Hangul in composed form."""
    return unicodedata.normalize("NFC", path.relative_to(folder).as_posix())


def short_names(files: Iterable[Path], folder: Path) -> dict[Path, str]:
    """A name for each file that no other one has: without folder and suffix where that is enough."""
    files = list(files)
    stems = {file: unicodedata.normalize("NFC", file.stem) for file in files}
    wholes = {file: relative_name(file, folder) for file in files}
    taken = Counter(name for file in files for name in {stems[file], wholes[file]})
    return {file: stems[file] if taken[stems[file]] == 1 else wholes[file] for file in files}


def unknown_suffix(path: Path, suffixes: tuple[str, ...]) -> str:
    """Why a file of this suffix is not read, and what to do."""
    suffix = path.suffix.lower()
    if OLD_SUFFIXES.get(suffix) in suffixes:
        return f"a {suffix} file is of an old binary format; save it as {OLD_SUFFIXES[suffix]}"
    return f"a {path.suffix or 'nameless'} file cannot be read; use {in_list(suffixes)}"


def in_list(suffixes: tuple[str, ...]) -> str:
    """ ".txt, .md or .docx"."""
    return " or ".join([", ".join(suffixes[:-1]), suffixes[-1]]) if len(suffixes) > 1 else suffixes[0]


def read_bytes(path: Path) -> bytes:
    """The whole file. Raises KorqgError when it is empty, too large or cannot be read."""
    try:
        if (size := path.stat().st_size) > LARGEST_FILE_BYTES:
            raise KorqgError(
                f"{path.name} has {size / 1e6:.0f} MB, more than the {LARGEST_FILE_BYTES / 1e6:.0f} MB that are read: "
                "split it into smaller files."
            )
        data = path.read_bytes()
    except OSError as error:
        raise KorqgError(f"Cannot read {path}: {error.strerror}.") from None
    if not data:
        raise KorqgError(f"{path.name} is empty and holds no text: save it again or remove it.")
    return data


NO_TEXT = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"%PDF": "a PDF",
    b"PK\x03\x04": "an archive or an office document",
    b"\xd0\xcf\x11\xe0": "an old office document",
    b"\x7fELF": "a program",
}
"""How files begin that somebody may have given a text's ending, and what they are."""


def decode_text(data: bytes, name: str) -> str:
    r"""Text of UTF-8 (with or without a byte order mark), UTF-16 with its mark, or CP949; lines end in "\n".

    Raises KorqgError for another encoding, with a guess at which one it is.
    """
    encodings = ["utf-16"] if data.startswith((b"\xff\xfe", b"\xfe\xff")) else ["utf-8-sig", "cp949"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text or (encoding == "cp949" and not _mostly_hangul(text)):
            break
        return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    if kind := next((kind for sign, kind in NO_TEXT.items() if data.startswith(sign)), ""):
        raise KorqgError(f"{name} is {kind}, not text: give it the ending of what it is, or save what it says as text.")
    raise KorqgError(
        f"{name} is neither UTF-8 nor CP949 text, nor UTF-16 with a byte order mark{_guess(data)}: save it as UTF-8."
    )


def clean(text: str) -> str:
    """One line: white space as single blanks, invisible and private signs left out, Hangul composed."""
    return without_unseen(_RAISED.sub("", _PRIVATE.sub("", text)))


def without_unseen(text: str) -> str:
    """What clean does, but for the private signs, whose shapes only the file's own fonts know."""
    return " ".join(_INVISIBLE.sub("", unicodedata.normalize("NFC", text)).split())


def begins_item(text: str) -> bool:
    """Whether a line begins a list's item or a numbered part."""
    return begins_bullet(text) or begins_number(text)


def begins_bullet(text: str) -> bool:
    return _BULLET.match(text) is not None


def begins_number(text: str) -> bool:
    return _NUMBERED.match(text) is not None


def is_hangul(sign: str) -> bool:
    return "가" <= sign <= "힣"


def _mostly_hangul(text: str) -> bool:
    """Whether letters beyond ASCII are Korean, be they mixed with Hanja: by the syllables of its endings."""
    letters = [sign for sign in text[:100_000] if sign.isalpha() and not sign.isascii()]
    hangul = list(filter(is_hangul, letters))
    common = sum(sign in _COMMON for sign in hangul)
    return len(hangul) >= LEAST_HANGUL * len(letters) and common >= LEAST_COMMON * len(hangul)


def _guess(data: bytes) -> str:
    """What charset-normalizer takes the bytes for, in words; "" where it has no idea."""
    from charset_normalizer import from_bytes

    best = from_bytes(data[:50_000]).best()
    return f" (it may be {best.encoding})" if best and best.encoding not in ("utf_8", "cp949", "ascii") else ""
