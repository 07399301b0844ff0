"""Finished runs of notebook 02, and other pairs of output files, ready to be compared.

What is wrong with one of them is named in a remark, and the rest is still compared.
"""

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from korqg.compare.scores import LONGEST_SCORED
from korqg.errors import KorqgError
from korqg.files import mended, read_json, read_jsonl, sha256_of
from korqg.output_folders import finished_folders, require_finished, shown_folder
from korqg.prompts import passage_of
from korqg.question import unified

CHUNKS_FILE = "chunks.jsonl"
OUTPUT_KEYS = ("input", "expected_output", "model_output")
RUN_FILES = ("init_outputs.json", "after_outputs.json", "train_log.jsonl")
SPLITS = ("test", "own")  # own: about one's own document, asked after training alone
STAGES = ("before", "after")
MORE_KEYS = (
    *("passage", "answer", "answer_place", "chunk_id", "place", "kind", "sentence", "likelihood"),
    *("read_answer", "confidence", "rule_question", "rule_likelihood"),
)


@dataclass(frozen=True)
class Run:
    """Outputs before and after by split, in the same order, and what is known of the training.

    An output has `id`, `title`, `input`, `references`, `model_output`, `stopped` (None: not known), `answers` (to the
    references, where the data are at hand), `cut_tokens` (of the input's end, which the model did not read), and, of
    task answer_aware, `passage`, `answer`, `answer_place` and what the round trip gave (see korqg.ask.round_trip).
    `own` holds the outputs about one's own document, after training alone, `chunks` its chunks. `train` holds the
    figures of TRAIN_FIGURES, and is empty for a pair of files that no run of this course wrote.
    """

    TRAIN_FIGURES: ClassVar = ("eval_loss_before", "eval_loss_after", "train_rows", "validation_rows", "steps")

    name: str
    data_name: str
    before: list[dict]
    after: list[dict]
    log: list[dict]
    train: dict
    figures: dict
    device: str
    files: list[Path]
    own: list[dict] = field(default_factory=list)
    chunks: list[dict] = field(default_factory=list)

    def tokens_at(self, entry: dict) -> float | None:
        """Training tokens seen by a log entry, prompts included; None when the run did not note a row's tokens.

        Notebook 2 notes them as `tokens_per_row` among its figures: the mean over its training rows.
        """
        per_row = self.figures.get("tokens_per_row")
        return entry.get("epoch", 0) * self.figures["train_rows"] * per_row if per_row else None


@dataclass(frozen=True)
class Group:
    """Runs that were asked about the same test paragraphs, so that their figures may stand in one table."""

    name: str
    runs: list[Run]


@dataclass(frozen=True)
class Comparison:
    """The groups, the one to look at first in front, and a remark on everything that was left out."""

    groups: list[Group]
    remarks: list[str]

    @property
    def runs(self) -> list[Run]:
        return [run for group in self.groups for run in group.runs]


def read_comparison(runs_folder: Path, names: list[str], output_pairs: list[list[str]]) -> Comparison:
    """The named runs (none named: every finished one) and pairs of files, in groups on the same test paragraphs.

    A pair is [name, file before, file after]; its files hold a list of objects with OUTPUT_KEYS, as the first
    attempt's do. The group of the first named run stands in front, else the largest. Raises KorqgError, with all
    that is wrong, when nothing is left to compare.
    """
    remarks: list[str] = []
    runs: list[Run] = []
    if names:
        folders = [runs_folder / name for name in dict.fromkeys(names)]
    else:
        folders = finished_folders(runs_folder)
        for file in sorted(runs_folder.glob("*/run.json")):
            if file.parent not in folders:
                remarks.append(
                    f"{file.parent.name}: not finished, so left out: run 02_train_lora.ipynb with "
                    f'run_name="{file.parent.name}" to go on with it.'
                )
    for folder in folders:
        with _noted(remarks, folder.name, [folder / "manifest.json"]):
            runs.append(_read_run(folder, remarks))
    for name, before, after in output_pairs:
        if name in [run.name for run in runs]:
            remarks.append(f"{name}: two runs of this name, so the second is left out: give the pair another name.")
            continue
        paths = [Path(path).expanduser() for path in (before, after)]
        with _noted(remarks, name, paths):
            runs.append(_read_pair(name, paths, remarks))
    if not runs:
        if not remarks:
            raise KorqgError(f"{runs_folder} holds no finished run: run 02_train_lora.ipynb first.")
        raise KorqgError("\n".join([f"Nothing to compare in {shown_folder(runs_folder)}:", *remarks]))
    groups = _group(runs, remarks)
    if not names:
        groups.sort(key=lambda group: -len(group.runs))
    return Comparison(groups, remarks)


@contextlib.contextmanager
def _noted(remarks: list[str], name: str, paths: list[Path]) -> Iterator[None]:
    """Turn a KorqgError about a run into a remark."""
    try:
        yield
    except KorqgError as error:
        said = _without_folders(error, paths)
        remarks.append(said if name in said else f"{name}: {said}")


def _without_folders(error: KorqgError, paths: list[Path]) -> str:
    """The error's words, with the files' names alone: remarks go into pages that are passed on."""
    said = str(error)
    for path in paths:
        said = said.replace(f"{path.parent}/", "").replace(f"{path.resolve().parents[:4][-1]}/", "")
    return said


def _read_run(folder: Path, remarks: list[str]) -> Run:
    manifest = require_finished(folder, needed=RUN_FILES[:2])
    files = [folder / name for name in RUN_FILES]
    known = _known_answers(folder.parent.parent, manifest)
    before, after, own_outputs = _pair_up(folder.name, files[0], files[1], known, remarks)
    if manifest["parameters"].get("asked_articles") == "validation":
        remarks.append(
            f"{folder.name}: asked about the validation articles, by which its settings may have been chosen."
        )
    return Run(
        name=folder.name,
        data_name=manifest["parameters"]["data_name"],
        before=before,
        after=after,
        log=_read_log(folder.name, files[2], remarks),
        train={name: manifest["figures"][name] for name in Run.TRAIN_FIGURES},
        figures=manifest["figures"],
        device=manifest["device"],
        files=[path for path in files if path.is_file()],
        own=own_outputs,
        chunks=read_jsonl(folder / CHUNKS_FILE) if (folder / CHUNKS_FILE).is_file() else [],
    )


def _read_pair(name: str, files: list[Path], remarks: list[str]) -> Run:
    before, after, own_outputs = _pair_up(name, *files, {}, remarks)
    return Run(
        name, name, before, after, own=own_outputs, log=[], train={}, figures={}, device="not known", files=files
    )


def _known_answers(outputs_folder: Path, manifest: dict) -> dict[str, list[str]]:
    """Answers by passage, from the rows that the run was asked about, if they are still the same."""
    answers: dict[str, list[str]] = {}
    for read in manifest.get("read", []):
        path = outputs_folder / read["path"]
        if path.stem != "test" or not path.is_file() or sha256_of(path) != read["sha256"]:
            continue
        for row in read_jsonl(path):
            if row.get("answer"):
                known = answers.setdefault(unified(passage_of(row)), [])
                known += [row["answer"]] if row["answer"] not in known else []
    return answers


def _read_log(name: str, path: Path, remarks: list[str]) -> list[dict]:
    """The entries with a finite loss; what is left out is named."""
    try:
        log = read_jsonl(path)
    except KorqgError as error:
        remarks.append(f"{name}: {_without_folders(error, [path])} Its losses are left out.")
        return []
    losses = [
        entry for entry in log if isinstance(entry.get("step"), int) and ("loss" in entry or "eval_loss" in entry)
    ]
    finite = [entry for entry in losses if _is_finite(entry.get("loss", entry.get("eval_loss")))]
    if len(finite) < len(losses):
        first = next(entry for entry in losses if entry not in finite)
        remarks.append(
            f"{name}: {len(losses) - len(finite)} of {len(losses)} losses in train_log.jsonl are not finite "
            f"(the first at step {first['step']}) and are left out: what was trained from there on is worthless."
        )
    return finite


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _pair_up(
    name: str, before: Path, after: Path, known: dict, remarks: list[str]
) -> tuple[list[dict], list[dict], list[dict]]:
    """Both files' test outputs in the order of the first, and those about one's own document, from the second alone.

    Test rows that stand in one file alone are left out and named.
    """
    stages = [_read_outputs(name, path, known, remarks) for path in (before, after)]
    shared = [key for key in stages[0] if key in stages[1]]
    for path, one, other in ((before, *stages), (after, *reversed(stages))):
        alone = [key for key in one if key not in other and key[0] == "test"]
        if alone:
            shown = ", ".join(one[key]["id"] for key in alone[:3]) + (" ..." if len(alone) > 3 else "")
            remarks.append(f"{name}: {len(alone)} rows stand in {path.name} alone and are left out ({shown}).")
    found = [[stage[key] for key in shared if key[0] == "test"] for stage in stages]
    if not found[0]:
        raise KorqgError(f"{name}: {before.name} and {after.name} share no test row, so there is nothing to compare.")
    return found[0], found[1], [output for key, output in stages[1].items() if key[0] == "own"]


def _read_outputs(name: str, path: Path, known: dict, remarks: list[str]) -> dict[tuple[str, str], dict]:
    """A file's outputs by split and input; entries that cannot be used, and copies, are left out and named."""
    entries = mended(read_json(path))
    if not isinstance(entries, list):
        raise KorqgError(f"{name}: {path.name} must hold a list of outputs: {{input, expected_output, model_output}}.")
    found: dict[tuple[str, str], dict] = {}
    wrong, copies, long, empty = [], [], [], []
    for number, entry in enumerate(entries):
        missing = [key for key in OUTPUT_KEYS if not isinstance(entry, dict) or not isinstance(entry.get(key), str)]
        if missing:
            wrong.append(f"entry {number} has no text {', '.join(missing)}")
            continue
        output = _complete(entry, number, known)
        key = (output["split"], unified(output["input"]))
        if key in found:
            first = found[key]
            first["references"] += [one for one in output["references"] if one not in first["references"]]
            if output["model_output"] != first["model_output"] or output["references"] == first["references"]:
                copies.append(output["id"])
            continue
        found[key] = output
        if len(output["model_output"]) > LONGEST_SCORED:
            long.append(f"{output['id']} with {len(output['model_output']):,} characters")
        if not output["model_output"].strip():
            empty.append(output["id"])
    for what, where in (
        ("entries of the wrong shape are left out", wrong),
        ("entries repeat a paragraph, of which the first output counts", copies),
        (f"outputs are very long, of which the first {LONGEST_SCORED:,} characters are scored", long),
        ("outputs are empty and score 0", empty),
    ):
        if where:
            shown = ", ".join(where[:3]) + (" ..." if len(where) > 3 else "")
            remarks.append(f"{name}, {path.name}: {len(where)} of {len(entries)} {what} ({shown}).")
    return found


def _complete(entry: dict, number: int, known: dict) -> dict:
    """An entry with every key of an output (see Run): the first attempt's files have three."""
    references = entry.get("references", [entry["expected_output"]])
    references = [one for one in references if isinstance(one, str) and one.strip()]
    passage = unified(passage_of(entry))
    output = {
        "id": str(entry.get("id", number + 1)),
        "title": str(entry.get("title", f"{number + 1}")),
        "input": entry["input"],
        "references": list(dict.fromkeys(references)),
        "model_output": entry["model_output"],
        "stopped": entry["stopped"] if isinstance(entry.get("stopped"), bool) else None,
        "cut_tokens": entry["cut_tokens"] if isinstance(entry.get("cut_tokens"), int) else 0,
        "split": entry["split"] if entry.get("split") in SPLITS else "test",
        "answers": known.get(passage, []),
    }
    return {**{name: entry[name] for name in MORE_KEYS if name in entry}, **output}


def _group(runs: list[Run], remarks: list[str]) -> list[Group]:
    """Runs that share half of their test paragraphs or more, cut down to those that all of the group share."""
    kept: list[list[Run]] = []
    for run in runs:
        mine = set(_asked(run))
        for together in kept:
            theirs = set.intersection(*(set(_asked(other)) for other in together))
            if 2 * len(mine & theirs) >= max(len(mine), len(theirs)):
                together.append(run)
                break
        else:
            kept.append([run])
    groups = []
    for together in kept:
        shared = set.intersection(*(set(_asked(run)) for run in together))
        for run in together:
            if len(_asked(run)) > len(shared):
                remarks.append(
                    f"{run.name}: {len(_asked(run)) - len(shared)} of its {len(_asked(run))} test paragraphs were not "
                    "put to the other runs, and are left out."
                )
        order = [text for text in _asked(together[0]) if text in shared]
        groups.append(Group(together[0].data_name, [_only(run, order) for run in together]))
    names = [group.name for group in groups]
    for place, group in enumerate(groups):
        if names.count(group.name) > 1:  # data of one name, made twice: the first run's name tells them apart
            groups[place] = replace(group, name=f"{group.name} ({group.runs[0].name})")
    if len(groups) > 1:
        remarks.append(
            "Set apart, because they were asked about other paragraphs: "
            + "; ".join(f"{', '.join(run.name for run in group.runs)} (data {group.name})" for group in groups)
            + ". Figures of different data do not compare."
        )
    return groups


def _asked(run: Run) -> list[str]:
    return [unified(output["input"]) for output in run.before]


def _only(run: Run, order: list[str]) -> Run:
    """The run with the test paragraphs of `order`, in that order."""

    def chosen(outputs: list[dict]) -> list[dict]:
        by_input = {unified(output["input"]): output for output in outputs}
        return [by_input[text] for text in order]

    return replace(run, before=chosen(run.before), after=chosen(run.after))
