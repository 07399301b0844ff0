"""The published files of KorQuAD and KLUE-MRC (published.yaml), fetched once into the user's cache and checked."""

import contextlib
import http.client
import os
import shutil
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from korqg.errors import KorqgError, full_disk
from korqg.files import cache_folder, cannot_write, sha256_of

ATTEMPTS = 5  # So often is a file asked for in a row without getting on; the pauses double, from one second to eight
BLOCK = 1 << 18  # Bytes that are read and written at a time
SECONDS_BETWEEN_BARS = 2  # How often the progress bar is drawn anew, at most
LONGEST_WAIT = 3600  # Seconds after which a process no longer waits for another one that fetches the same file
PASSING = (408, 425, 429, 500, 502, 503, 504)  # HTTP answers that may be others a moment later


@dataclass(frozen=True)
class PublishedFile:
    """A file as it was published: its name, address, length in bytes and SHA-256 in hexadecimal."""

    name: str
    address: str
    bytes: int
    sha256: str


_TABLE = yaml.safe_load(Path(__file__).with_name("published.yaml").read_text(encoding="utf-8"))
KORQUAD1, KORQUAD2, _KLUE = (
    {part: PublishedFile(address.rpartition("/")[2], address, *known) for part, (address, *known) in files.items()}
    for files in _TABLE.values()
)
KLUE_MRC = _KLUE["all"]
KLUE_MRC_PARTS = {"train": "klue-mrc-v1_train.json", "dev": "klue-mrc-v1_dev.json"}  # The files in its archive, by part
PUBLISHED = {
    "korquad1": ("KorQuAD 1.0", KORQUAD1),
    "korquad2": ("KorQuAD 2.1", KORQUAD2),
    "klue_mrc": ("KLUE-MRC", KLUE_MRC_PARTS),
}


def published_parts(source: str, which: str = "all") -> list:
    """What there is of a source of PUBLISHED for "train", "dev", "all", or several parts such as "train_00,dev_01".

    Files to fetch; of KLUE-MRC the names of those in its archive. Raises KorqgError for a part that there is not.
    """
    corpus, published = PUBLISHED[source]
    wanted = [name.strip() for name in which.split(",") if name.strip()]
    chosen = [part for part in published for name in wanted if name in ("all", part, part.partition("_")[0])]
    known = list(dict.fromkeys([*(part.partition("_")[0] for part in published), "all", *published]))
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        wrong = ", ".join(map(repr, unknown)) or repr(which)
        raise KorqgError(f"{corpus} has no part {wrong}; use one of these, or several with commas: {', '.join(known)}.")
    return [published[part] for part in dict.fromkeys(chosen)]


def korquad_folder() -> Path:
    """Where the files are kept: korquad/ in the cache folder of korqg (see `cache_folder`)."""
    return cache_folder() / "korquad"


def fetch(file: PublishedFile, folder: Path, first_pause_seconds: float = 1.0, timeout_seconds: float = 30.0) -> Path:
    """The path of a published file in `folder`, downloaded unless it is there already.

    A file in the folder, fetched or put there by hand, is taken when its size and SHA-256 are the published
    ones. That it was hashed is noted in <name>.sha256, which `sha256sum -c` reads too; a file that has not
    been written to since is not hashed again. The download goes to <name>.part, is resumed after a break,
    by this process or a later one, and gets its name after the check; a process that comes meanwhile waits.
    `timeout_seconds` bounds each wait for the server, not the download.

    Raises KorqgError when the file in the folder is another one, when the server cannot be reached or sends
    something else, and when the folder cannot be written; the message says where to get the file and where
    to put it.
    """
    path = folder / file.name
    try:
        if not _is_there(file, path):
            folder.mkdir(parents=True, exist_ok=True)
            with _alone(path):
                if not _is_there(file, path):
                    _download(file, path, first_pause_seconds, timeout_seconds)
    except OSError as error:
        raise cannot_write(error.filename or path, error, "KORQG_CACHE in the environment") from None
    return path


def _is_there(file: PublishedFile, path: Path) -> bool:
    """Whether the published file lies at `path`. Raises KorqgError when another one does."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    mark = path.with_name(f"{path.name}.sha256")
    noted = f"{file.sha256}  {path.name}\n"
    if found.st_size == file.bytes:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if mark.read_text(encoding="utf-8") == noted and mark.stat().st_mtime_ns >= found.st_mtime_ns:
                return True
        if sha256_of(path) == file.sha256:
            with contextlib.suppress(OSError):  # a folder that cannot be written: it is hashed each time
                mark.write_text(noted, encoding="utf-8", newline="\n")
            return True
    raise KorqgError(
        f"{path} is not {file.name} as published ({found.st_size:,} bytes; published were {file.bytes:,} with "
        f"SHA-256 {file.sha256}). Delete it, and it is fetched anew; or set source_path to use a file of your own."
    )


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the file's lock, and say so when another process has it. Raises KorqgError after LONGEST_WAIT."""
    from filelock import FileLock, Timeout

    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire(timeout=0.2)
    except Timeout:
        print(f"Waiting for another process that is fetching {path.name} ...", flush=True)
        try:
            lock.acquire(timeout=LONGEST_WAIT)
        except Timeout:
            raise KorqgError(
                f"Another process has been fetching {path.name} for an hour: end it, then run this again."
            ) from None
    try:
        yield
    finally:
        lock.release()


def _download(file: PublishedFile, path: Path, first_pause: float, timeout: float) -> None:
    """Fetch into <name>.part, check, rename."""
    part = path.with_name(f"{path.name}.part")
    host = urllib.parse.urlsplit(file.address).hostname
    resumed = _size(part) > 0
    missing, free = file.bytes - _size(part), shutil.disk_usage(path.parent).free
    if missing > free:
        room = f"{path} ({missing / 1e6:.0f} MB are missing, {free / 1e6:.0f} MB free)"
        raise KorqgError(full_disk(room, "KORQG_CACHE in the environment"))
    print(f"Fetching {file.name} ({file.bytes / 1e6:.1f} MB) from {host} ...", flush=True)
    while True:
        with _progress(file) as bar:
            _receive_all(file, path, part, lambda done: bar.update(done - bar.n), first_pause, timeout)
        size, checksum = part.stat().st_size, sha256_of(part)
        if (size, checksum) == (file.bytes, file.sha256):
            break
        part.unlink()
        if not resumed:
            raise _other_file(file, path, f"its {size:,} bytes have the SHA-256 {checksum}")
        resumed = False  # what an earlier run left may be of another file: once more from the beginning
    with open(part, "r+b") as whole:
        os.fsync(whole.fileno())
    os.replace(part, path)
    _is_there(file, path)  # notes the checksum


def _receive_all(
    file: PublishedFile, path: Path, part: Path, report: Callable[[int], None], first_pause: float, timeout: float
) -> None:
    """Ask until the part is as long as the file. Raises KorqgError when the server gives no more."""
    failed = 0
    while True:
        before = _size(part)
        if before >= file.bytes:
            return
        try:
            _receive(file, path, part, report, timeout)
            reason = "the connection broke off"
        except urllib.error.HTTPError as error:
            reason = f"the server answers {error.code} {error.reason}".rstrip()
            error.close()
            if error.code not in PASSING:
                raise _out_of_reach(file, path, reason) from None
        except urllib.error.URLError as error:
            reason = str(error.reason)
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                raise _out_of_reach(file, path, reason) from None
        except (http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError) as error:
            reason = str(error) or type(error).__name__
        got = _size(part)
        if got >= file.bytes:
            return
        failed = 1 if got - before >= 1 << 20 else failed + 1
        if failed == ATTEMPTS:
            raise _out_of_reach(file, path, reason)
        time.sleep(first_pause * 2 ** (failed - 1))


def _receive(file: PublishedFile, path: Path, part: Path, report: Callable[[int], None], timeout: float) -> None:
    """One request: append what comes to the part, or write it anew where the server ignores the range."""
    start = _size(part)
    headers = {"User-Agent": "korqg"} | ({"Range": f"bytes={start}-"} if start else {})
    request = urllib.request.Request(file.address, headers=headers)
    with _of_network(urllib.request.urlopen, request, timeout=timeout) as answer:
        if answer.status == 206 and not answer.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            part.unlink(missing_ok=True)  # another range than was asked for
            return
        if answer.status != 206:
            start = 0
        length = answer.headers.get("Content-Length", "")
        if length.isdigit() and start + int(length) != file.bytes:
            raise _other_file(file, path, f"it has {start + int(length):,} bytes instead of {file.bytes:,}")
        with open(part, "ab" if start else "wb") as received:
            report(start)
            while start <= file.bytes and (block := _of_network(answer.read1, BLOCK)):
                received.write(block)
                start += len(block)
                report(start)


def _of_network(call: Callable, *arguments, **options):
    """What the call returns; its OSErrors become ConnectionErrors, to be told from those of the disk."""
    try:
        return call(*arguments, **options)
    except (urllib.error.URLError, ConnectionError, TimeoutError, ssl.SSLError):
        raise
    except OSError as error:
        raise ConnectionError(str(error)) from None


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _by_hand(file: PublishedFile, path: Path) -> str:
    return (
        f"Open {file.address} in a browser, save it as {file.name} in the folder {path.parent} and run this again: "
        "it is then taken from there. Or set source_path to where you have it."
    )


def _out_of_reach(file: PublishedFile, path: Path, reason: str) -> KorqgError:
    return KorqgError(f"{file.name} cannot be fetched ({reason}). {_by_hand(file, path)}")


def _other_file(file: PublishedFile, path: Path, difference: str) -> KorqgError:
    return KorqgError(
        f"What {file.address} sends is not {file.name} as published: {difference}. Nothing of it was kept. "
        + _by_hand(file, path)
    )


class _NotebookLine:
    """What a progress bar writes to in a notebook: one output of text that is replaced in place.

    So a saved notebook keeps the bar's last state alone.
    """

    def __init__(self, name: str):
        from IPython.display import display

        text = {"text/plain": f"{name}: waiting for the server"}
        self.handle = display(text, raw=True, display_id=True)

    def write(self, text: str) -> None:
        if text.strip():
            self.handle.update({"text/plain": text.strip()}, raw=True)

    def flush(self) -> None:
        """Nothing waits."""


def _progress(file: PublishedFile):
    """A bar for the bytes of a file, drawn every two seconds: in a log there is none, in a terminal it vanishes."""
    from tqdm import tqdm

    kept = _in_notebook()
    return tqdm(
        desc=file.name,
        total=file.bytes,
        unit="B",
        unit_scale=True,
        ncols=78,
        file=_NotebookLine(file.name) if kept else sys.stdout,
        mininterval=SECONDS_BETWEEN_BARS,
        leave=kept,
        disable=False if kept else None,  # None: where the output is no terminal
    )


def _in_notebook() -> bool:
    """Whether a Jupyter kernel shows what this process prints."""
    ipython = sys.modules.get("IPython")
    return getattr(ipython and ipython.get_ipython(), "kernel", None) is not None
