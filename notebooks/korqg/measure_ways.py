"""The ways of asking on KorQuAD 1.0 dev, several seeds, ranked by one reader and judged by another.

    python -m korqg.measure_ways [--source-path FILE] [--seeds 42 43 44] [--candidates 8] [--only question answer_first]

run with notebooks/ on PYTHONPATH, on a GPU. Notebook 1 makes four data sets with one split by article: questions,
answers with their questions, and two sets for readers, each on half of the training articles. Notebook 2 trains the
two readers, with different seeds, then for each seed the runs of KINDS: one that asks, one that names the answer
first, and two on half of the articles, all of their rows and those that the ranking reader can answer. Each asks about
the test paragraphs greedily, by the best of several candidates, and greedily after preference tuning on articles that
the ranking reader has not learnt from. Run it again and it goes on where it stopped; once the readers are there,
several of it, each with its own --only or --seeds, may go on beside each other, and one more run collects the results.
The results are in outputs/ways/ways.json: figures with their intervals, no text of the corpus.
"""

import argparse
import sys
import time
from pathlib import Path

from korqg.config import COURSE_FOLDER
from korqg.errors import KorqgError
from korqg.files import read_json, sha256_of, write_json
from korqg.ladder import DATA, finished_manifest, shareable
from korqg.metrics import summarize
from korqg.pipeline import NOTEBOOKS_FOLDER, run_notebook, shown
from korqg.reader import confidence_auc, reader_quality, reliability
from korqg.rows import SPLITS
from korqg.runs import read_comparison
from korqg.ways import way_figures

RECIPE = NOTEBOOKS_FOLDER / "recipes" / "ladder" / "8_swept.yaml"
READER_RECIPE = NOTEBOOKS_FOLDER / "recipes" / "reader.yaml"
KINDS = {
    "question": {"task": "question"},
    "answer_first": {"task": "answer_first"},
    "half": {"task": "question", "train_articles": "second_half"},
    "half_filtered": {"task": "question", "train_articles": "second_half"},
}
"""What is compared, each with notebook 1's parameters; the ranking reader learns from the first half."""

FILTERED = ("half_filtered",)
"""Of them those whose rows the ranking reader chooses from: to be compared with "half"."""

READERS = {"ranker": ("first_half", 1), "judge": ("second_half", 2)}
"""By name the half of the training articles that a reader learns from, and its seed."""

BOOTSTRAP_SAMPLES = 2000
COMPARED = ("single_question_rate", "answerable_rate", "gives_answer_away_rate", "rouge_l")


def make(stage: str, name: str, outputs: Path, parameters: dict, data: Path | None = None, anew: bool = False) -> bool:
    """Run the stage's notebook unless it is finished, and say whether it was run. Raises what run_notebook raises."""
    read = {split: sha256_of(data / f"{split}.jsonl") for split in SPLITS} if data else None
    if not anew and finished_manifest(outputs / stage / name, parameters, read) is not None:
        print(f"{name}: finished before", flush=True)
        return False
    run_notebook(stage, name, outputs, parameters)
    return True


def make_readers(outputs: Path, source: dict, recipe: dict, max_length: int) -> bool:
    """Make the data of both readers and train them, as far as they are missing; whether one was trained now."""
    trained = []
    for role, (half, seed) in READERS.items():
        data = outputs / "data" / f"ways-{role}"
        make("data", data.name, outputs, {**DATA, **source, "task": "answer", "train_articles": half})
        parameters = {**recipe, "data_name": data.name, "seed": seed, "max_length": max_length}
        trained.append(make("runs", f"ways-{role}", outputs, {**parameters, "wandb_mode": "disabled"}, data))
    return any(trained)


def result_of(kind: str, seed: int, name: str, outputs: Path) -> dict:
    """The figures of a finished run, without a text of the corpus."""
    (run,) = read_comparison(outputs / "runs", [name], []).runs
    manifest = read_json(outputs / "runs" / name / "manifest.json")
    people = {
        kind: summarize(scored, BOOTSTRAP_SAMPLES, seed)
        for kind, scored in reader_quality(run.reader).items()
        if scored
    }
    parameters = {key: value for key, value in manifest["parameters"].items() if key not in ("run_name", "outputs_dir")}
    return {
        "kind": kind,
        "seed": seed,
        "ways": way_figures(run, BOOTSTRAP_SAMPLES, seed),
        "seconds": run.figures["ways"],
        "preferences": run.figures.get("preferences", {}),
        "judge": {
            **people,
            "name": run.reader.name,
            "threshold": run.reader.threshold,
            "auc": confidence_auc(run.reader),
            "reliability": reliability(run.reader.human),
        },
        "parameters": shareable(parameters),
        **{key: run.figures[key] for key in ("train_rows", "eval_loss_before", "eval_loss_after", "model")},
        **{key: manifest[key] for key in ("device", "git_commit", "packages")},
    }


def ways_table(results: list[dict]) -> str:
    """The results as lines of text: means over the seeds, and in brackets the lowest and the highest."""

    def spread(values: list[float | None], scale: float = 100, digits: int = 1) -> str:
        known = [scale * value for value in values if value is not None]
        if not known:
            return "-"
        mean, low, high = (f"{value:.{digits}f}" for value in (sum(known) / len(known), min(known), max(known)))
        return f"{mean} ({low} to {high})"

    heads = ["kind, way", "seeds", "n", "single question %", "answerable %", "of the human rate %"]
    lines = [[*heads, "gives its answer away %", "ROUGE-L", "no question %", "kept", "seconds a question"]]
    for kind in dict.fromkeys(row["kind"] for row in results):
        rows = [row for row in results if row["kind"] == kind]
        for way in rows[0]["ways"]:
            of = [row["ways"][way] for row in rows]
            human = [row["judge"]["human"]["answerable_rate"] for row in rows]
            ratio = [one["answerable_rate"] / rate if rate else None for one, rate in zip(of, human, strict=True)]
            lines.append(
                [f"{kind}, {way}", str(len(rows)), str(of[0]["n"])]
                + [spread([one[name] for one in of]) for name in COMPARED[:2]]
                + [spread(ratio)]
                + [spread([one[name] for one in of]) for name in COMPARED[2:]]
                + [spread([one.get("abstained") for one in of])]
                + [spread([one.get("questions_kept") for one in of], 1, 2)]
                + [spread([one["seconds_per_question"] for one in of], 1, 3)]
            )
    if results:
        human = [row["judge"]["human"] for row in results]
        rates = [spread([one[name] for one in human]) for name in ("answerable_rate", "gives_answer_away_rate")]
        lines.append(
            ["human, by the judge", "", str(human[0]["n"]), "-", rates[0], "100", rates[1], "-", "-", "-", "-"]
        )
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def measure_ways(arguments: list[str] | None = None) -> int:
    """Make what is missing, write the results, print the table; the exit code is 0 only when nothing failed."""
    import yaml

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--outputs", type=Path, default=COURSE_FOLDER / "outputs", help="where results go")
    parser.add_argument("--source-path", default="", help="a KorQuAD 1.0 file; without it dev is downloaded")
    parser.add_argument("--recipe", type=Path, default=RECIPE, help="the parameter file of the runs that ask")
    parser.add_argument("--reader-recipe", type=Path, default=READER_RECIPE, help="the parameter file of the readers")
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 43, 44], help="one run of each kind for each")
    parser.add_argument("--only", nargs="+", choices=list(KINDS), default=list(KINDS), help="which kinds")
    parser.add_argument("--candidates", type=int, default=8, help="candidates for each paragraph")
    parser.add_argument("--preference-rows", type=int, default=600, help="paragraphs for preference tuning, 0 for none")
    options = parser.parse_args(arguments)
    outputs = options.outputs.expanduser().resolve()
    path = outputs / "ways" / "ways.json"
    source = {"source_path": str(Path(options.source_path).expanduser().resolve()) if options.source_path else ""}
    started = time.monotonic()
    results, failed = [], []
    try:
        recipe, reader_recipe = (
            yaml.safe_load(file.read_text(encoding="utf-8")) for file in (options.recipe, options.reader_recipe)
        )
        anew = make_readers(outputs, source, reader_recipe, recipe.get("max_length", 640))
        for kind in options.only:
            make("data", f"ways-{kind}", outputs, {**DATA, **source, **KINDS[kind]})
        for seed in options.seeds:
            for kind in options.only:
                name, data = f"ways-{kind}-seed{seed}", outputs / "data" / f"ways-{kind}"
                parameters = {**recipe, "data_name": data.name, "seed": seed, "generation": "best_of"}
                parameters |= {"candidates": options.candidates, "questions_per_chunk": min(3, options.candidates)}
                parameters |= {"reader_run": "ways-ranker", "judge_run": "ways-judge"}
                parameters |= {"preference_rows": options.preference_rows}
                parameters |= {"filter_run": "ways-ranker"} if kind in FILTERED else {}
                try:
                    make("runs", name, outputs, parameters, data, anew)
                    results.append(result_of(kind, seed, name, outputs))
                except KorqgError as error:
                    said = str(error).splitlines()[0].replace(str(outputs), "outputs")
                    failed.append({"kind": kind, "seed": seed, "error": said})
                    print(f"{name}: failed: {said}", flush=True)
                write_json(path, {"results": results, "failed": failed})
    except (KorqgError, OSError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Run the same command again: it goes on where it stopped.", file=sys.stderr)
        return 130
    print(f"\n{ways_table(results)}\n\n{(time.monotonic() - started) / 60:.1f} minutes. Results: {shown(path)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(measure_ways())
