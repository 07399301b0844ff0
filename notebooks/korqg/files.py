"""JSON and JSON Lines files that are either whole or absent."""

import contextlib
import errno
import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from korqg.devices import is_main
from korqg.errors import KorqgError, full_disk, is_full_disk


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text under a temporary name, then rename: a reader never sees half a file.

    Of several processes (torchrun) the first one writes, and the others do nothing.
    Raises KorqgError when the disk is full or the folder cannot be written.
    """
    if not is_main():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                with _where_it_exists():
                    os.fsync(file.fileno())
            with _where_it_exists():
                os.chmod(temporary, 0o666 & ~umask())
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise cannot_write(path, error) from None


def umask() -> int:
    """The permissions that this process withholds from new files: the system tells them only when they are set."""
    withheld = os.umask(0o077)
    os.umask(withheld)
    return withheld


def follow_umask(folder: Path) -> None:
    """Give a folder's files the mode of any new file: temporary ones, and safetensors', are for their owner alone.

    Without it nobody else reads weights in a folder that a class shares. Files of another owner are left as they are.
    """
    wanted = 0o666 & ~umask()
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            mode = stat.S_IMODE(path.stat().st_mode)
            if path.is_file() and not path.is_symlink() and mode | wanted != mode:
                os.chmod(path, mode | wanted)


@contextlib.contextmanager
def _where_it_exists() -> Iterator[None]:
    """Let an operation be absent that a folder in a cloud (Drive, say) may not have; other errors pass."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EPERM):
            raise


def cannot_write(path: Path | str, error: OSError, elsewhere: str = "outputs_dir") -> KorqgError:
    """A failed write in words, with the remedy; `elsewhere` is what names another folder."""
    if is_full_disk(error):
        return KorqgError(full_disk(path, elsewhere))
    return KorqgError(
        f"Cannot write {path}: {error.strerror or error}. Choose another folder with {elsewhere}; nothing that was "
        "finished before has been changed."
    )


@contextlib.contextmanager
def whole_folder(folder: Path, elsewhere: str = "outputs_dir") -> Iterator[Path]:
    """A folder to fill under a temporary name; when the block ends without an error it replaces `folder`.

    Raises KorqgError when the disk is full or the folder cannot be written.
    """
    temporary = folder.with_name(f"{folder.name}.tmp-{os.getpid()}")
    try:
        yield temporary
        follow_umask(temporary)
        shutil.rmtree(folder, ignore_errors=True)
        temporary.rename(folder)
    except OSError as error:
        raise cannot_write(folder, error, elsewhere) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_json(path: Path, value: Any) -> None:
    """Write one JSON value, UTF-8, readable as it stands."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def write_jsonl(path: Path, rows: Iterable[dict]) -> None:
    """Write one JSON object a line, UTF-8."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows))


def mended(value: Any) -> Any:
    """A JSON value with U+FFFD in place of each half of a surrogate pair, so that it can be written and shown.

    JavaScript cuts an emoji in two where it counts characters, and UTF-8 cannot hold a half.
    """
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [mended(one) for one in value]
    if isinstance(value, dict):
        return {mended(name): mended(one) for name, one in value.items()}
    return value


def read_json(path: Path) -> Any:
    """Read one JSON value. Raises KorqgError with file and position when it is absent or broken."""
    text = _read_text(path)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise KorqgError(f"{path} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from None


def read_jsonl(path: Path) -> list[dict]:
    """Read JSON Lines. Raises KorqgError with file and line when a line is not a JSON object."""
    rows = []
    for number, line in enumerate(_read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise KorqgError(f"{path}, line {number} is not JSON: {error.msg}.") from None
        if not isinstance(row, dict):
            raise KorqgError(f"{path}, line {number} is not a JSON object.")
        rows.append(row)
    return rows


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise KorqgError(f"{path} does not exist.") from None
    except UnicodeDecodeError as error:
        raise KorqgError(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8.") from None
    except OSError as error:
        raise KorqgError(f"Cannot read {path}: {error.strerror}.") from None


def cache_folder() -> Path:
    """Where the converted built-in model lives: $KORQG_CACHE, else korqg/ in the user's cache folder."""
    if os.environ.get("KORQG_CACHE"):
        return Path(os.environ["KORQG_CACHE"]).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "korqg"
