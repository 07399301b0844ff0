"""Output folders: a folder is finished when, and only when, it has its manifest.json."""

import contextlib
import datetime
import json
import platform
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from korqg import STARTED
from korqg.config import COURSE_FOLDER
from korqg.errors import KorqgError
from korqg.files import cannot_write, read_json, sha256_of, write_json
from korqg.processes import from_main, process_count

NOTEBOOKS = {"data": "01_make_data.ipynb", "runs": "02_train_lora.ipynb", "compare": "03_compare_outputs.ipynb"}
PARAMETERS = {"data": "data_name", "runs": "run_name", "compare": "compare_name"}
PACKAGES = (
    "torch transformers peft datasets accelerate bitsandbytes tokenizers wandb pandas matplotlib papermill sacrebleu"
)


def start_stage(folder: Path) -> None:
    """Make the folder and take its manifest away: from now on it counts as unfinished.

    Raises KorqgError when the folder cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "manifest.json").unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from None


def require_finished(folder: Path) -> dict:
    """The manifest of a finished folder.

    Raises KorqgError that names the notebook and the parameter to run when there is none, and when a file
    is gone or no longer the one that the manifest describes.
    """
    stage, name = folder.parent.name, folder.name
    remedy = f'run {NOTEBOOKS[stage]} with {PARAMETERS[stage]}="{name}" first.'
    shown = f"{folder.parent.parent.name}/{stage}/{name}"
    if not (folder / "manifest.json").is_file():
        state = "is not finished" if folder.is_dir() else "does not exist"
        others = finished_folders(folder.parent)
        hint = f" Finished there: {', '.join(path.name for path in others)}." if others else ""
        raise KorqgError(f"{shown} {state}: {remedy}{hint}")
    manifest = read_json(folder / "manifest.json")
    for written in manifest.get("written", []):
        path = folder.parent.parent / written["path"]
        if not path.is_file():
            raise KorqgError(f"{shown} lacks {path.name}: {remedy}")
        if sha256_of(path) != written["sha256"]:
            raise KorqgError(f"{shown}/{path.name} was changed after it was written: {remedy}")
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

    Files are listed with path relative to outputs/ (for files elsewhere: the name alone), sha256 and, for
    JSON Lines, their rows. `figures` are the stage's own results. Seconds are wall-clock since korqg was
    first imported, in the setup cell; the peak is this process's resident memory in GB (1e9 bytes), and where a CUDA
    device was used there is `peak_device_memory_gb`, what torch held on it, tries that ran out of memory included.
    """
    return from_main(lambda: _finish_stage(folder, parameters, read, written, figures, device))


def _finish_stage(folder: Path, parameters: dict, read: list, written: list, figures: dict, device: str) -> dict:
    outputs = folder.parent.parent
    on_device = 0.0
    if "torch" in sys.modules:
        from korqg.models import peak_device_memory_gb

        on_device = peak_device_memory_gb()
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
        "stage": folder.parent.name,
        "name": folder.name,
        "notebook": NOTEBOOKS[folder.parent.name],
        "parameters": shown,
        "read": [_describe(path, outputs) for path in read],
        "written": [_describe(path, outputs) for path in written],
        "packages": package_versions(),
        "python": platform.python_version(),
        "device": device if process_count() == 1 else f"{process_count()} processes, each with {device}",
        "git_commit": git_commit(),
        "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - STARTED, 1),
        "peak_memory_gb": peak_memory_gb(),
        **({"peak_device_memory_gb": on_device} if on_device else {}),
        "figures": figures,
    }
    write_json(folder / "manifest.json", manifest)
    return manifest


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
    versions = {}
    for name in PACKAGES.split():
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


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
