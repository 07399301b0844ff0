"""Finished runs of notebook 02, ready to be compared."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from korqg.errors import KorqgError
from korqg.files import read_json, read_jsonl
from korqg.stages import finished_folders, require_finished

OUTPUT_KEYS = ("id", "title", "input", "expected_output", "references", "model_output", "stopped", "split")
RUN_FILES = ("init_outputs.json", "after_outputs.json", "train_log.jsonl")


@dataclass(frozen=True)
class Run:
    """A finished run: its outputs before and after by split ("test", "own") in the same order, and its log."""

    TRAIN_FIGURES: ClassVar = ("eval_loss_before", "eval_loss_after", "train_rows", "validation_rows", "steps")

    name: str
    before: dict[str, list[dict]]
    after: dict[str, list[dict]]
    log: list[dict]
    parameters: dict
    figures: dict
    device: str
    files: list[Path]


def read_runs(runs_folder: Path, names: list[str]) -> list[Run]:
    """The named runs, or every finished one, in the order given or by name.

    Raises KorqgError when there is none, when one is unfinished or broken, and when they were not asked
    about the same test paragraphs.
    """
    if not names:
        names = [folder.name for folder in finished_folders(runs_folder)]
        if not names:
            raise KorqgError(f"{runs_folder} holds no finished run: run 02_train_lora.ipynb first.")
    runs = [_read_run(runs_folder / name) for name in dict.fromkeys(names)]
    first = runs[0]
    for run in runs[1:]:
        if _asked(run) != _asked(first):
            raise KorqgError(
                f"The runs {first.name} and {run.name} were asked about different paragraphs (their data are "
                f"{first.parameters['data_name']} and {run.parameters['data_name']}), so their figures cannot stand in "
                "one table: name runs on the same data in run_names."
            )
    return runs


def _asked(run: Run) -> dict[str, list[tuple[str, str]]]:
    return {split: [(output["id"], output["input"]) for output in outputs] for split, outputs in run.before.items()}


def _read_run(folder: Path) -> Run:
    manifest = require_finished(folder)
    files = [folder / name for name in RUN_FILES]
    before, after = (_read_outputs(path) for path in files[:2])
    if [o["id"] for split in before.values() for o in split] != [o["id"] for split in after.values() for o in split]:
        raise KorqgError(f"{folder.name}: init_outputs.json and after_outputs.json are not about the same rows.")
    if not before["test"]:
        raise KorqgError(f"{folder.name}: init_outputs.json holds no test row, so there is nothing to compare.")
    log = [entry for entry in read_jsonl(files[2]) if math.isfinite(entry.get("loss", entry.get("eval_loss", 0)))]
    return Run(folder.name, before, after, log, manifest["parameters"], manifest["figures"], manifest["device"], files)


def _read_outputs(path: Path) -> dict[str, list[dict]]:
    outputs = read_json(path)
    if not isinstance(outputs, list):
        raise KorqgError(f"{path} must hold a list of outputs.")
    for number, output in enumerate(outputs):
        missing = [key for key in OUTPUT_KEYS if not isinstance(output, dict) or key not in output]
        if missing:
            raise KorqgError(f"{path}, entry {number} lacks {', '.join(missing)}: run 02_train_lora.ipynb again.")
    return {split: [output for output in outputs if output["split"] == split] for split in ("test", "own")}
