"""Checkpoints that are whole, and runs that go on where they were cut off."""

import shutil
from pathlib import Path
from typing import Any

from korqg.config import TrainConfig
from korqg.devices import from_main, require_same
from korqg.errors import KorqgError
from korqg.files import cannot_write, follow_umask, read_json, sha256_of, write_json
from korqg.output_folders import MADE_BY_A_RUN, final_place, finish_stage, hold

# Without any of these the Trainer resumes in silence, with other numbers than the run would have had.
NEEDED = ("adapter_model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json")
OF_SEVERAL = {"rng_state.pth": "rng_state_0.pth"}  # What the first of several processes calls its own


def begin_run(folder: Path, settings: dict[str, Any], resume: str) -> Path | None:
    """Make the run's folder ready, and return the checkpoint to go on from, or None to start anew.

    `folder` is place_for_new's, and is held from here on: a finished run of that name stays beside it until this one
    is finished. With `resume` "never" the run starts anew: what an unfinished one left is removed. With "auto" an
    unfinished run goes on, provided that it had the same `settings` (whatever the result depends on: parameters,
    data, model), which are kept in run.json. Of several processes the first one does this for all.
    Raises KorqgError that names the settings which differ, from the earlier run's or between processes, when another
    notebook holds the folder, and when it cannot be written.
    """
    require_same("what the run is made of", {"run_name": final_place(folder).name, "resume": resume, **settings})
    name = from_main(lambda: _begin_run(folder, settings, resume))
    print(f"Going on from {name}" if name else "Starting from the beginning", flush=True)
    return folder / "checkpoints" / name if name else None


def _begin_run(folder: Path, settings: dict[str, Any], resume: str) -> str | None:
    hold(final_place(folder))
    earlier = folder / "run.json"
    if resume == "never" or (folder / "manifest.json").is_file() or not earlier.is_file():
        _clear(folder)
        write_json(earlier, settings)
        return None
    kept = read_json(earlier)
    differing = [name for name in {**kept, **settings} if kept.get(name) != settings.get(name)]
    if differing:
        changes = "; ".join(f"{name} was {kept.get(name)!r} and is {settings.get(name)!r}" for name in differing)
        raise KorqgError(
            f"The run {final_place(folder).name} was cut off and can go on only as it began, but {changes}. Set that "
            'back, or start over with resume="never", or give the new run another run_name.'
        )
    newest = newest_complete(folder / "checkpoints", keep_best=settings.get("keep", "best") == "best")
    return newest.name if newest else None


def finish_run(folder: Path, config: TrainConfig, figures: dict[str, Any], device: str) -> dict:
    """Add the data's chunks (notebook 3 names those without a question) and the manifest; returns that.

    `folder` is place_for_new's, with all that the run has written; it becomes the run's own.
    """
    shutil.copyfile(config.data_folder / "chunks.jsonl", folder / "chunks.jsonl")
    names = ("train_log.jsonl", "init_outputs.json", "after_outputs.json", "chunks.jsonl")
    adapter = sorted(path for path in (folder / "adapter").iterdir() if path.is_file())
    read = [config.data_folder / f"{name}.jsonl" for name in ("test", "own", "validation", "train")]
    return finish_stage(folder, config.as_dict(), read, [folder / name for name in names] + adapter, figures, device)


def newest_complete(checkpoints: Path, keep_best: bool = True) -> Path | None:
    """The checkpoint with the highest step that is whole; those that are not are passed over with a line.

    Where the best weights are to be kept (`keep_best`), the checkpoint that it names as the best must be whole too:
    without it the run would end with other weights than it says.
    """
    folders = [path for path in checkpoints.glob("checkpoint-*") if path.name.rpartition("-")[2].isdigit()]
    for folder in sorted(folders, key=lambda path: int(path.name.rpartition("-")[2]), reverse=True):
        flaw = _flaw_of(folder) or (_flaw_of_best(folder) if keep_best else None)
        if flaw is None:
            return folder
        print(f"Passing over {folder.name}: {flaw}.")
    return None


def _flaw_of_best(folder: Path) -> str | None:
    """What is wrong with the best checkpoint that this one goes back to at the end, if that is another one."""
    try:
        step = read_json(folder / "trainer_state.json").get("best_global_step")
    except KorqgError:
        return None  # it is what was written, as its sum says: the Trainer will say what it makes of it
    best = folder.with_name(f"checkpoint-{step}")
    if not step or best == folder:
        return None
    flaw = _flaw_of(best) if best.is_dir() else "it is gone"
    return f"of the best until then, {best.name}, {flaw}" if flaw else None


def mark_complete(folder: Path) -> None:
    """Write complete.json into a checkpoint: each file's bytes and SHA-256. Written last, it says that all is there."""
    follow_umask(folder)
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != "complete.json")
    listed = {path.name: {"bytes": path.stat().st_size, "sha256": sha256_of(path)} for path in files}
    write_json(folder / "complete.json", listed)


def _flaw_of(folder: Path) -> str | None:
    try:
        listed = read_json(folder / "complete.json")
    except KorqgError:
        return "it was cut off while it was written"
    for name in NEEDED:
        if name not in listed and OF_SEVERAL.get(name) not in listed:
            return f"it lacks {name}"
    for name, expected in listed.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != expected["bytes"] or sha256_of(path) != expected["sha256"]:
            return f"{name} is not what was written"
    return None


def _clear(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in (*MADE_BY_A_RUN, "manifest.json"):
            path = folder / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from None
