"""Output folders: a folder is finished when, and only when, it has its manifest.json."""

import builtins
import contextlib
import datetime
import errno
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import korqg
from korqg.config import COURSE_FOLDER, require_unchanged
from korqg.devices import from_main, peak_device_memory_gb, process_count
from korqg.errors import KorqgError
from korqg.files import cannot_write, read_json, sha256_of, write_json
from korqg.packages import version_of

NOTEBOOKS = {"data": "01_make_data.ipynb", "runs": "02_train_lora.ipynb", "compare": "03_compare_outputs.ipynb"}
PARAMETERS = {"data": "data_name", "runs": "run_name", "compare": "compare_name"}
PACKAGES = (
    "torch transformers peft datasets accelerate bitsandbytes tokenizers wandb pandas matplotlib papermill sacrebleu"
)
NEW = ".new"  # Where what will replace a finished folder is made, inside of it; no run or data can have this name
MADE_BY_A_RUN = (
    *("checkpoints", "adapter", "merged", "merged.gguf"),
    *("train_log.jsonl", "init_outputs.json", "after_outputs.json"),
)
CLEARED = ".cleared"
_held: dict[Path, Any] = {}


def start_stage(folder: Path) -> Path:
    """An empty place for what the stage writes: the folder, or, where that is finished, NEW inside of it.

    What is finished stays until finish_stage puts the new one in its place.
    Raises KorqgError when the folder cannot be made or written.
    """
    place = place_for_new(folder)
    try:
        if place != folder:
            shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from None
    return place


def place_for_new(folder: Path) -> Path:
    """Where a stage's next results are made, so that finished ones are not touched before (see start_stage)."""
    return from_main(lambda: _place_for_new(folder))


def _place_for_new(folder: Path) -> Path:
    _put_in_place(folder)
    return folder / NEW if (folder / "manifest.json").is_file() else folder


def final_place(folder: Path) -> Path:
    """The folder that place_for_new's one will become."""
    return folder.parent if folder.name == NEW else folder


def hold(folder: Path) -> None:
    """Keep other notebooks, tabs and terminals out of a run's folder until it is let go or this process ends.

    A folder in a cloud may know no locks: then nobody is kept out. Raises KorqgError when another one holds it.
    """
    from filelock import FileLock, Timeout

    lock = folder.parent / f".{folder.name}.lock"
    for other in [path for path in _held if path != lock]:
        _held.pop(other).release()
    if lock in _held:
        return
    holder = FileLock(lock, timeout=0)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        holder.acquire()
    except Timeout:
        raise KorqgError(
            f"{shown_folder(folder)} is being written by another notebook (another tab, a kernel that was left "
            "running, or a terminal): wait for it or shut its kernel down, or give this one another name."
        ) from None
    except NotImplementedError:
        return
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EROFS, errno.ENOSPC):
            raise cannot_write(folder, error) from None
        return
    _held[lock] = holder


def let_go(folder: Path) -> None:
    """Let others at a folder that this process holds."""
    holder = _held.pop(folder.parent / f".{folder.name}.lock", None)
    if holder is not None:
        holder.release()


def _put_in_place(folder: Path) -> None:
    """Replace a finished folder's results by those in NEW, if these are finished; what was cut off goes on here.

    The old ones go first, then come the new ones, their manifest last: until then NEW holds it, and says that this
    is still to be done.
    """
    new = folder / NEW
    if not (new / "manifest.json").is_file():
        return
    try:
        if not (new / CLEARED).is_file():
            for name in _names_made(folder):
                _remove(folder / name)
            (new / CLEARED).touch()
        for path in sorted(new.iterdir()):
            if path.name not in ("manifest.json", CLEARED):
                _remove(folder / path.name)
                path.rename(folder / path.name)
        os.replace(new / "manifest.json", folder / "manifest.json")
        shutil.rmtree(new, ignore_errors=True)
    except OSError as error:
        raise cannot_write(folder, error) from None


def _names_made(folder: Path) -> set[str]:
    """What a stage has written into its folder, as names directly below it."""
    manifest = read_json(folder / "manifest.json") if (folder / "manifest.json").is_file() else {}
    written = (_below(entry["path"]) for entry in manifest.get("written", []))
    return {path.parts[0] for path in written if path.parts} | set(MADE_BY_A_RUN)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _below(path: str) -> Path:
    """A written file's place in its own folder, whatever that is called now: without stage and name."""
    return Path(*Path(path).parts[2:])


def shown_folder(folder: Path) -> str:
    """A folder of outputs for the reader: below the course's own outputs, or else where it really is."""
    folder = folder.resolve()
    return str(folder.relative_to(COURSE_FOLDER)) if folder.is_relative_to(COURSE_FOLDER) else str(folder)


def require_finished(folder: Path, needed: Iterable[str] | None = None) -> dict:
    """The manifest of a finished folder, which may have been renamed or copied since.

    `needed` are the files, told from the folder, without which the caller can do nothing; all by default.
    Raises KorqgError that names the notebook and the parameter to run when there is no manifest, when a needed file
    is gone, and when any file is no longer the one that the manifest describes.
    """
    _put_in_place(folder)
    stage, name = folder.parent.name, folder.name
    remedy = f'run {NOTEBOOKS[stage]} with {PARAMETERS[stage]}="{name}" first.'
    shown = shown_folder(folder)
    if not (folder / "manifest.json").is_file():
        state = "is not finished" if folder.is_dir() else "does not exist"
        others = finished_folders(folder.parent)
        hint = f" Finished there: {', '.join(path.name for path in others)}." if others else ""
        raise KorqgError(f"{shown} {state}: {remedy}{hint}", f"먼저 실행할 노트북: {NOTEBOOKS[stage]}")
    manifest = read_json(folder / "manifest.json")
    for written in manifest.get("written", []):
        path = folder / _below(written["path"])
        if not path.is_file():
            if needed is not None and _below(written["path"]).as_posix() not in needed:
                continue
            raise KorqgError(f"{shown} lacks {path.name}: {remedy}", "파일이 없습니다. 그 노트북을 다시 실행하세요.")
        if sha256_of(path) != written["sha256"]:
            raise KorqgError(
                f"{shown}/{path.name} was changed after it was written: {remedy}",
                "저장된 뒤에 바뀐 파일입니다. 그 노트북을 다시 실행하세요.",
            )
    return manifest


def finished_folders(parent: Path) -> list[Path]:
    """The finished folders below outputs/data, outputs/runs or outputs/compare, by name."""
    return sorted(path.parent for path in parent.glob("*/manifest.json"))


def finish_stage(
    folder: Path,
    parameters: dict[str, Any],
    read: list[Path],
    written: list[Path],
    figures: dict[str, Any],
    device: str = "cpu",
) -> dict:
    """Write the folder's manifest.json, last and atomically, and return it; of several processes one does it.

    `folder` is start_stage's, or place_for_new's: what was made in NEW is put in its place, and the folder let go.
    Files are listed with path relative to outputs/ (for files elsewhere: the name alone), sha256 and, for
    JSON Lines, their rows. `figures` are the stage's own results. Seconds are wall-clock since the setup cell was
    run; the peak is this process's resident memory in GB (1e9 bytes), and where a CUDA
    device was used there is `peak_device_memory_gb`, what torch held on it, tries that ran out of memory included.
    Raises KorqgError when a notebook's variable of a parameter's name has another value by now.
    """
    require_unchanged(parameters, getattr(getattr(builtins, "get_ipython", lambda: None)(), "user_ns", {}))
    return from_main(lambda: _finish_stage(folder, parameters, read, written, figures, device))


def _finish_stage(folder: Path, parameters: dict, read: list, written: list, figures: dict, device: str) -> dict:
    final = final_place(folder)
    outputs = final.parent.parent
    if not folder.is_dir():  # put in its place already: the cell is run again
        written = [final / path.relative_to(folder) for path in written]
        folder = final
    on_device = peak_device_memory_gb() if "torch" in sys.modules else 0.0
    shown = {**parameters}
    for name in ("outputs_dir", "source_path", "own_path"):
        if shown.get(name) and shown[name] != "none":  # own_path's word for no documents, not a folder
            shown[name] = _without_machine_path(Path(shown[name]), outputs)
    if shown.get("output_pairs"):
        shown["output_pairs"] = [
            [name, *(_without_machine_path(Path(path), outputs) for path in files)]
            for name, *files in shown["output_pairs"]
        ]
    manifest = {
        "stage": final.parent.name,
        "name": final.name,
        "notebook": NOTEBOOKS[final.parent.name],
        "parameters": shown,
        "read": [_describe(path, outputs) for path in read],
        "written": [{**_describe(path, outputs), "path": _place_of(path, folder, outputs)} for path in written],
        "packages": package_versions(),
        "python": platform.python_version(),
        "device": device if process_count() == 1 else f"{process_count()} processes, each with {device}",
        "git_commit": git_commit(),
        "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - korqg.STARTED, 1),
        "peak_memory_gb": peak_memory_gb(),
        **({"peak_device_memory_gb": on_device} if on_device else {}),
        "figures": figures,
    }
    write_json(folder / "manifest.json", manifest)
    _put_in_place(final)
    let_go(final)
    return manifest


def _place_of(path: Path, folder: Path, outputs: Path) -> str:
    """A written file's place below outputs/, once it is put in its place."""
    if path.is_relative_to(folder):
        path = final_place(folder) / path.relative_to(folder)
    return _without_machine_path(path, outputs)


def peak_memory_gb() -> float:
    """Largest resident memory of this process so far, in GB (1e9 bytes); with its peak on Windows too."""
    if sys.platform == "win32":
        import psutil

        return round(psutil.Process().memory_info().peak_wset / 1e9, 2)
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9, 2)


def package_versions() -> dict[str, str]:
    """Installed versions of the packages that the results depend on."""
    return {name: version for name in PACKAGES.split() if (version := version_of(name)) is not None}


def git_commit() -> str | None:
    """The course's commit, with "+changes" where files differ from it; None outside git."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(COURSE_FOLDER), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")).resolve() != COURSE_FOLDER:
            return None
        commit = git("rev-parse", "HEAD")
        return commit + ("+changes" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _describe(path: Path, outputs: Path) -> dict[str, Any]:
    described = {"path": _without_machine_path(path, outputs), "sha256": sha256_of(path)}
    if path.suffix == ".jsonl":
        with open(path, "rb") as file:
            described["rows"] = sum(1 for _ in file)
    elif path.suffix == ".json":
        with contextlib.suppress(ValueError, RecursionError):  # a file of the user's may be of another kind inside
            value = json.loads(path.read_text(encoding="utf-8-sig"))
            described |= {"rows": len(value)} if isinstance(value, list) else {}
    return described


def _without_machine_path(path: Path, outputs: Path) -> str:
    for base in (outputs, COURSE_FOLDER):
        if path.resolve().is_relative_to(base.resolve()):
            return path.resolve().relative_to(base.resolve()).as_posix()
    return path.name
