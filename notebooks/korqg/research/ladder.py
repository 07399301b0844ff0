"""`make ladder`: one change of the training at a time, each with several seeds, from the first attempt to the end.

    python -m korqg.research.ladder [--parallel 4] [--seeds 42 43 44] [--only 1 5] [--source-path FILE]
    python -m korqg.research.ladder --sweep notebooks/recipes/sweeps/all_rows.yaml [...]

run with notebooks/ on PYTHONPATH. Each rung is a parameter file of notebooks/recipes/ladder/ for notebook 2, run by
papermill on one data set that notebook 1 makes first. Run it again and it goes on where it stopped: a run that is
finished, with these parameters and this data, is not run again. The results of all that are finished are then in
outputs/ladder/ladder.json: parameters, figures and generated questions, no text of the corpus.

A sweep varies one recipe and asks about the validation articles alone, so that the test articles have no part in the
choice; its results are in outputs/ladder/<name of the sweep's file>.json.
"""

import argparse
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from korqg.compare.scores import copied_stretches, reference_outputs, score_outputs, summarize
from korqg.config import COURSE_FOLDER, outputs_folder
from korqg.data.instruction_rows import SPLITS
from korqg.errors import KorqgError, command
from korqg.files import read_json, read_jsonl, sha256_of, write_json
from korqg.output_folders import require_finished
from korqg.pipeline import NOTEBOOKS_FOLDER, read_recipe, run_notebook, shown, usual_parameters
from korqg.prompts import passage_of
from korqg.research.ladder_page import condense, markdown_table, table_rows, write_page

RECIPES = NOTEBOOKS_FOLDER / "recipes" / "ladder"
# How the ladder's data is made, beside notebook 1's own values: of KorQuAD 1.0 dev's 140 articles about 98 teach.
DATA = {
    "source": "korquad1",
    "task": "question",  # the first attempt's
    "own_path": "none",
    "max_passage_tokens": 2048,  # whole paragraphs
    "validation_fraction": 0.1,
    "test_fraction": 0.2,
}
# Parameters that name a place, which the result does not depend on.
PLACES = ("run_name", "outputs_dir", "source_path", "own_path")
BOOTSTRAP_SAMPLES = 2000
# Letters, blanks not counted: the corpus may not be passed on, and an output that copies it is a part of it.
LONGEST_QUOTE = 24
SECONDS_BETWEEN_STARTS = 2  # Two kernels that start at the same moment may choose the same port
RUN_ONE = "import sys; from korqg.research.ladder import run_job; sys.exit(run_job(sys.argv[1]))"


@dataclass(frozen=True)
class Job:
    """One rung with one seed: `parameters` are the recipe's, the data's name and the seed."""

    rung: str
    seed: int
    parameters: dict[str, Any]

    @property
    def run_name(self) -> str:
        return f"ladder-{self.rung}-seed{self.seed}"


def read_recipes(folder: Path, only: list[str] | None = None) -> dict[str, dict]:
    """The recipes of a folder by name, in order; `only` keeps those whose names begin so.

    Raises KorqgError when there is none, when a name of `only` fits none, and when they name different models.
    """
    found = {path.stem: read_recipe(path) for path in sorted(folder.glob("*.yaml"))}
    if not found:
        raise KorqgError(f"{shown(folder)} holds no recipe (*.yaml).")
    models = {recipe.get("model_name", "auto") for recipe in found.values()}
    if len(models) > 1:
        raise KorqgError(f"The rungs must share one model_name, but {shown(folder)} has {', '.join(sorted(models))}.")
    return _chosen(found, only, "rung")


def read_sweep(path: Path, only: list[str] | None = None) -> dict[str, dict]:
    """The recipes of a sweep by name, in order; `only` keeps those whose names begin so.

    The file names a recipe beside its own folder (`recipe`: a path relative to the file) and lists under `change`
    the parameters of each variant, {} for the recipe as it is. Each is asked about the validation articles.
    Raises KorqgError when the file is not of this shape.
    """
    try:
        sweep = read_recipe(path)
        base = read_recipe(path.parent / sweep["recipe"])
        variants = [{**change} for change in sweep["change"]]
    except (KorqgError, KeyError, TypeError) as error:
        raise KorqgError(
            f"{shown(path)} is not a sweep ({type(error).__name__}: {error}). It must hold `recipe:`, the path of a "
            "recipe, and `change:`, a list of parameters with their values."
        ) from None
    recipes = {}
    for change in variants:
        name = "-".join([path.stem, *(f"{key}_{value}" for key, value in change.items())]) if change else path.stem
        recipes[name] = {**base, **change, "asked_articles": "validation"}
    return _chosen(recipes, only, "variant")


def _chosen(recipes: dict[str, dict], only: list[str] | None, kind: str) -> dict[str, dict]:
    for start in only or []:
        if not any(name.startswith(start) for name in recipes):
            raise KorqgError(f"No {kind} begins with {start!r}; there are: {', '.join(recipes)}.")
    return {name: recipe for name, recipe in recipes.items() if not only or name.startswith(tuple(only))}


def make_data(outputs: Path, data_name: str, source_path: str) -> dict[str, str]:
    """Make the ladder's data with notebook 1, unless it is there already, and return the splits' SHA-256."""
    folder = outputs / "data" / data_name
    parameters = {**DATA, "source_path": source_path}
    wanted = {name: value for name, value in usual_parameters("data").items() if name != "data_name"} | parameters
    if finished_manifest(folder, wanted) is None:
        run_notebook("data", data_name, outputs, parameters)
    return {name: sha256_of(folder / f"{name}.jsonl") for name in SPLITS}


def finished_manifest(folder: Path, parameters: dict, data: dict[str, str] | None = None) -> dict | None:
    """The manifest of a folder that is finished with these parameters and from what its sources hold now, or None.

    `data` is the SHA-256 of each split that a run must have read. A source counts by what is in it, not by its path.
    """
    try:
        manifest = require_finished(folder)
    except KorqgError:
        return None
    read = {Path(entry["path"]).stem: entry["sha256"] for entry in manifest["read"]}
    source = Path(parameters.get("source_path") or ".").expanduser()
    used = comparable(manifest["parameters"])
    same = all(used.get(name) == value for name, value in comparable(parameters).items())
    same = same and all(read.get(name) == sha for name, sha in (data or {}).items())
    same = same and (not source.is_file() or sha256_of(source) in read.values())
    return manifest if same else None


def result_of(job: Job, folder: Path, manifest: dict, data: dict[str, str]) -> dict:
    """The scored result of a job whose run is finished in `folder`."""
    outputs_of = {stage: _tested(folder, name) for stage, name in (("before", "init"), ("after", "after"))}
    figures = manifest["figures"]
    log = [entry for entry in read_jsonl(folder / "train_log.jsonl") if "loss" in entry or "eval_loss" in entry]
    scores = {stage: score_outputs(tested) for stage, tested in outputs_of.items()}
    return {
        "rung": job.rung,
        "seed": job.seed,
        "parameters": comparable(manifest["parameters"]),
        "data": data,
        "model": read_json(folder / "run.json")["model"],
        "train_rows": figures["train_rows"],
        "validation_rows": figures["validation_rows"],
        "trainable_parameters": figures["trainable_parameters"],
        "steps": figures["steps"],
        "eval_loss_before": figures["eval_loss_before"],
        "eval_loss_after": figures["eval_loss_after"],
        **{stage: summarize(scored, BOOTSTRAP_SAMPLES, job.seed) for stage, scored in scores.items()},
        "losses": [
            {key: entry[key] for key in ("step", "epoch", "loss", "eval_loss") if key in entry} for entry in log
        ],
        "questions": [
            {
                "id": output["id"],
                "model_output": without_quotes(output["model_output"], passage_of(output)),
                "stopped": output["stopped"],
                "single_question": bool(scored.counts["single_question_rate"][0]),
                **{name: round(scored.counts[name][0], 4) for name in ("rouge_l", "copy_rate")},
            }
            for output, scored in zip(outputs_of["after"], scores["after"], strict=True)
        ],
        **{key: manifest[key] for key in ("device", "seconds", "git_commit", "packages")},
    }


def without_quotes(output: str, passage: str) -> str:
    """The output with each stretch of the passage that is longer than LONGEST_QUOTE letters taken out.

    Blanks do not count, neither as characters nor as a difference.
    """
    places = [place for place, letter in enumerate(output) if not letter.isspace()]
    letters, wanted = "".join(output[place] for place in places), "".join(passage.split())
    parts, done = [], 0
    for start, end in copied_stretches(letters, wanted, LONGEST_QUOTE + 1):
        parts += [output[done : places[start]], f"[{end - start} characters of the paragraph]"]
        done = places[end - 1] + 1
    return "".join([*parts, output[done:]])


def _tested(folder: Path, stage: str) -> list[dict]:
    return [output for output in read_json(folder / f"{stage}_outputs.json") if output["split"] != "own"]


def comparable(parameters: dict) -> dict:
    """The parameters that a result depends on, without folders of this machine: a model's is its last part."""
    kept = {name: value for name, value in parameters.items() if name not in PLACES}
    model = kept.get("model_name", "auto")
    return {**kept, "model_name": Path(model).name if Path(model).is_absolute() else model}


def climb(
    jobs: list[Job], outputs: Path, data: dict[str, str], parallel: int = 1, devices: list[str] | None = None
) -> list[dict]:
    """Run the jobs that are not finished, `parallel` at a time, spread over the CUDA `devices`; what failed, and why.

    One that fails is noted, and the others go on.
    """
    waiting = [job for job in jobs if finished_manifest(outputs / "runs" / job.run_name, job.parameters, data) is None]
    print(f"{len(jobs) - len(waiting)} of {len(jobs)} finished before")
    starts = threading.Lock()  # threads only wait here: each job is a process of its own
    places: queue.SimpleQueue = queue.SimpleQueue()  # each running job holds one and gives it back
    for number in range(parallel):
        places.put(devices[number % len(devices)] if devices else None)
    failed = []
    executor = ThreadPoolExecutor(parallel)
    try:
        running = {executor.submit(_run, job, outputs, data, places, starts): job for job in waiting}
        for future in as_completed(running):
            job, failure = running[future], future.result()
            if failure:
                failed.append({"rung": job.rung, "seed": job.seed, "error": failure})
            else:  # a finished run needs none
                shutil.rmtree(outputs / "runs" / job.run_name / "checkpoints", ignore_errors=True)
            print(f"{job.run_name}: {f'failed: {failure}' if failure else 'finished'}", flush=True)
    finally:
        executor.shutdown(cancel_futures=True)
    return sorted(failed, key=lambda row: (row["rung"], row["seed"]))


def _run(job: Job, outputs: Path, data: dict, places, starts) -> str:
    """Run a job in a process of its own, on a device out of `places` (None: no choice); the message of a failure."""
    with starts:
        time.sleep(SECONDS_BETWEEN_STARTS)
    print(f"{job.run_name} ...", flush=True)
    device = places.get()
    environment = dict(os.environ) if device is None else {**os.environ, "CUDA_VISIBLE_DEVICES": device}
    command = [sys.executable, "-c", RUN_ONE, json.dumps([job.run_name, job.parameters, str(outputs)])]
    try:
        ended = subprocess.run(
            command, cwd=NOTEBOOKS_FOLDER, env=environment, capture_output=True, text=True, check=False
        )
    finally:
        places.put(device)
    if ended.returncode == 0:
        made = finished_manifest(outputs / "runs" / job.run_name, job.parameters, data)
        return "" if made else "the run ended, but not with this recipe's parameters and data"
    lines = [line for line in ended.stderr.strip().splitlines() if line and not line.startswith("See ")]
    stopped = [line for line in lines if line.startswith("02_train_lora.ipynb stopped")]
    said = (stopped or lines or [f"it ended with exit code {ended.returncode}"])[-1]
    return said.replace(str(outputs), "outputs")


def run_job(given: str) -> str | None:
    """What a job's own process does: run notebook 2; an error's message comes back."""
    run_name, parameters, outputs = json.loads(given)
    try:
        run_notebook("runs", run_name, Path(outputs), parameters)
    except KorqgError as error:
        return str(error)
    return None


def collect(jobs: list[Job], outputs: Path, data: dict[str, str], failed: list[dict]) -> dict:
    """The results of the jobs that are finished, with what failed, and what people and two floors reach.

    Raises KorqgError for results of different models.
    """
    results, reference = [], None
    for job in sorted(jobs, key=lambda job: (job.rung, job.seed)):
        folder = outputs / "runs" / job.run_name
        if (manifest := finished_manifest(folder, job.parameters, data)) is None:
            continue
        results.append(result_of(job, folder, manifest, data))
        if reference is None:
            texts = reference_outputs(_tested(folder, "after"), 0)
            scores = {name: score_outputs(some) for name, some in texts.items() if some}
            reference = {name: summarize(scored, BOOTSTRAP_SAMPLES, 0) for name, scored in scores.items()}
    models = sorted({row["model"] for row in results})
    if len(models) > 1:
        raise KorqgError(f"The runs are of different models, which do not compare: {', '.join(models)}.")
    return {
        "model_name": results[0]["parameters"]["model_name"] if results else None,
        "model": models[0] if models else None,
        "data": data,
        "reference": reference,
        "results": results,
        "failed": failed,
    }


def table_of(ladder: dict) -> str:
    """The results as lines of text: a table (see korqg.research.ladder_page), and what failed."""
    lines = [markdown_table(table_rows(condense(ladder)))] if ladder["results"] else []
    lines += [f"{row['rung']}, seed {row['seed']}: FAILED. {row['error']}" for row in ladder["failed"]]
    return "\n".join(lines)


def _require_gpu(cpu: bool) -> None:
    """Raise KorqgError where there is no GPU, before KorQuAD is downloaded and a rung is begun."""
    import torch

    if not cpu and not torch.cuda.is_available():
        raise KorqgError(
            "The ladder trains every recipe of notebooks/recipes/ladder with several seeds and needs a GPU, of which "
            "PyTorch sees none here. What came out on one is kept: outputs/example/ladder/README.md. (--cpu goes on "
            "without one, many times slower.)",
            "GPU가 필요합니다. 결과는 outputs/example/ladder/README.md에 있습니다.",
        )


@command
def run_ladder(arguments: list[str] | None = None) -> int:
    """Make the data, run what is missing, print the table; the exit code is 0 only when nothing failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--outputs", default=str(COURSE_FOLDER / "outputs"), help="where results go")
    parser.add_argument("--recipes", type=Path, default=RECIPES, help="the folder with a parameter file for each rung")
    parser.add_argument("--data-name", default="ladder", help="names the data, outputs/data/<data-name>")
    parser.add_argument(
        "--source-path", default="", help="a KorQuAD 1.0 file; without it KorQuAD 1.0 dev is downloaded"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 43, 44], help="one run of each rung for each")
    parser.add_argument("--only", nargs="+", help="rungs whose names begin so, for example: 1 5 beside_rows")
    parser.add_argument("--sweep", type=Path, help="run the variants of this file in place of the rungs")
    parser.add_argument("--parallel", type=int, default=1, help="runs at a time")
    parser.add_argument("--devices", nargs="+", default=[], help="CUDA devices to spread them over, for example: 0 1")
    parser.add_argument("--cpu", action="store_true", help="go on without a GPU, many times slower")
    options = parser.parse_args(arguments)
    source = str(Path(options.source_path).expanduser().resolve()) if options.source_path else ""
    started = time.monotonic()
    try:
        outputs = outputs_folder(options.outputs)
        path = outputs / "ladder" / f"{options.sweep.stem if options.sweep else 'ladder'}.json"
        _require_gpu(options.cpu)
        read, where = (read_sweep, options.sweep) if options.sweep else (read_recipes, options.recipes)
        chosen = read(where, options.only)
        data = make_data(outputs, options.data_name, source)
        jobs = [
            Job(rung, seed, {**recipe, "data_name": options.data_name, "seed": seed})
            for seed in options.seeds
            for rung, recipe in read(where).items()
        ]
        parallel = max(1, options.parallel, len(options.devices))
        failed = climb([job for job in jobs if job.rung in chosen], outputs, data, parallel, options.devices)
        ladder = collect(jobs, outputs, data, failed)
        write_json(path, ladder)
    except KeyboardInterrupt:
        print("\nInterrupted. Run the same command again: it goes on where it stopped.", file=sys.stderr)
        return 130
    if ladder["results"] and not options.sweep:
        write_page(path.parent, path.parent)
    print(f"\n{table_of(ladder)}\n\n{(time.monotonic() - started) / 60:.1f} minutes. Results: {shown(path)}")
    return 1 if ladder["failed"] else 0


if __name__ == "__main__":
    sys.exit(run_ladder())
