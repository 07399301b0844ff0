"""Data files that lie packed: .gz, .zip and .tar.gz, each file in them by its name, in memory."""

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from korqg.data.text_blocks import LARGEST_FILE_BYTES, read_bytes
from korqg.errors import KorqgError

SUFFIXES = (".gz", ".zip", ".tgz")

_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, gzip.BadGzipFile)


def inner_suffix(name: str) -> str:
    """The suffix that says what a file holds, ".jsonl" of "rows.jsonl.gz", in lower case."""
    path = PurePosixPath(name.lower())
    return PurePosixPath(path.stem).suffix if path.suffix == ".gz" else path.suffix


def unpack(path: Path) -> Iterator[tuple[str, bytes]]:
    """The name and the bytes of a file, or of every file in it that is not hidden when it is packed.

    Raises KorqgError, with the file's name, when it cannot be read, is damaged or encrypted, or unpacks to more than
    LARGEST_FILE_BYTES.
    """
    data = read_bytes(path)
    try:
        if path.suffix.lower() == ".zip":
            yield from _of_zip(path.name, data)
        elif path.name.lower().endswith((".tar.gz", ".tgz")):
            yield from _of_tar(path.name, data)
        elif path.suffix.lower() == ".gz":
            yield path.name, _bounded(path.name, gzip.GzipFile(fileobj=io.BytesIO(data)))
        else:
            yield path.name, data
    except _DAMAGED as error:
        raise KorqgError(
            f"{path.name} cannot be unpacked ({str(error) or type(error).__name__}): fetch or pack it anew, or unpack "
            "it yourself and set source_path to what was in it."
        ) from None


def _of_zip(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in sorted(archive.infolist(), key=lambda member: member.filename):
            if member.is_dir() or _is_hidden(member.filename):
                continue
            if member.flag_bits & 1:
                raise KorqgError(f"{name}: {member.filename} is encrypted. Unpack it yourself with its password.")
            with archive.open(member) as file:
                yield member.filename, _bounded(f"{name}/{member.filename}", file)


def _of_tar(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in sorted(archive.getmembers(), key=lambda member: member.name):
            if member.isfile() and not _is_hidden(member.name):
                yield member.name, _bounded(f"{name}/{member.name}", archive.extractfile(member))


def _is_hidden(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return "__MACOSX" in parts or any(part.startswith(".") and part != "." for part in parts)


def _bounded(name: str, file) -> bytes:
    """The file's bytes. Raises KorqgError when there are too many, before they fill the memory."""
    data = file.read(LARGEST_FILE_BYTES + 1)
    if len(data) > LARGEST_FILE_BYTES:
        raise KorqgError(f"{name} unpacks to more than the {LARGEST_FILE_BYTES / 1e6:.0f} MB that are read: split it.")
    return data
