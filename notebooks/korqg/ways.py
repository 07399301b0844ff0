"""Ways of asking beside each other: greedy, the best of several, and after preference tuning; with their seconds."""

from korqg.metrics import Scored, score_outputs, summarize
from korqg.pages import LABELS, percent
from korqg.reader import with_reader
from korqg.runs import Run

SHOWN = ("single_question_rate", "rouge_l", "answerable_rate", "gives_answer_away_rate")


def scored_ways(run: Run) -> dict[str, list[Scored]]:
    """The scores of a run's ways about the same test paragraphs: "greedy" and, as far as made, "best_of", "preferred".

    A paragraph for which no candidate passed the checks has an empty question in "best_of", and scores 0. The reader's
    figures are among them where a reader has answered.
    """
    greedy = run.after["test"]
    answers = {}
    if run.reader:
        answers = {"greedy": run.reader.after, "best_of": run.reader.best_of, "preferred": run.reader.preferred}
    best = run.best_of.outputs if run.best_of else {}
    outputs = {"greedy": greedy}
    if any(output["id"] in best for output in greedy):
        outputs["greedy"] = [output for output in greedy if output["id"] in best]
        outputs["best_of"] = [
            {**output, "model_output": best[output["id"]]["model_output"], "stopped": True}
            for output in outputs["greedy"]
        ]
    if all(output["id"] in run.preferred for output in outputs["greedy"]) and run.preferred:
        outputs["preferred"] = [
            {**output, **{name: run.preferred[output["id"]][name] for name in ("model_output", "stopped")}}
            for output in outputs["greedy"]
        ]
    scored = {way: score_outputs(some) for way, some in outputs.items()}
    if run.reader:
        scored = {way: with_reader(scored[way], outputs[way], answers[way], run.reader.threshold) for way in scored}
    return scored


def way_figures(run: Run, samples: int, seed: int) -> dict:
    """By way its figures with intervals (see `summarize`), `seconds_per_question` and where the run was made.

    All but "greedy" have `minus_greedy`, the paired difference. "best_of" also has `abstained`, the share of paragraphs
    without a question; `questions_kept`, the mean number of different questions that passed the checks; and
    `ranked_by`. Seconds are None where the run did not note them.
    """
    scored = scored_ways(run)
    noted = run.figures.get("ways", {})
    figures = {}
    for way, some in scored.items():
        timed = noted.get("greedy_again" if way == "greedy" and "greedy_again" in noted else way)
        seconds = timed["seconds"] / timed["questions"] if timed else None
        figures[way] = {**summarize(some, samples, seed), "seconds_per_question": seconds, "device": run.device}
        if way != "greedy":
            figures[way]["minus_greedy"] = summarize(some, samples, seed, minus=scored["greedy"])
    if "best_of" in scored:
        kept = [
            run.best_of.outputs[output["id"]] for output in run.after["test"] if output["id"] in run.best_of.outputs
        ]
        figures["best_of"] |= {
            "abstained": sum(not output["questions"] for output in kept) / len(kept),
            "questions_kept": sum(len(output["questions"]) for output in kept) / len(kept),
            "ranked_by": run.best_of.ranked_by,
        }
    return figures


def way_rows(ways: dict[str, dict]) -> list[dict[str, str]]:
    """The figures of `way_figures`, by run's name, as rows of a table."""
    rows = []
    for name, figures in ways.items():
        for way, of in figures.items():
            seconds = of["seconds_per_question"]
            row = {"": f"{name}, {way}", "n": str(of["n"])}
            row |= {LABELS[key]: percent(of[key], of[f"{key}_low"], of[f"{key}_high"]) for key in SHOWN if key in of}
            row["no question (%)"] = percent(of.get("abstained"))
            row["seconds a question"] = "-" if seconds is None else f"{seconds:.3f}"
            rows.append({**row, "device": of["device"]})
    shown = list(dict.fromkeys(key for row in rows for key in row))
    return [{key: row.get(key, "-") for key in shown} for row in rows]
