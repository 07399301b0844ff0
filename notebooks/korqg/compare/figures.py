"""What notebook 3 makes of finished runs: their figures, their faults, the questions they recommend, as table rows."""

from collections import Counter
from textwrap import shorten

from korqg.ask.checks import CHECKS
from korqg.ask.recommend import faults_of, recommend
from korqg.ask.round_trip import USUAL_THRESHOLD, trusted_threshold
from korqg.compare.finished_runs import Group, Run
from korqg.compare.scores import kind_shares, reference_outputs, score_outputs, summarize


def compare_groups(groups: list[Group], samples: int, seed: int) -> dict:
    """The figures of the first group, and those of the others under "apart", by their names (see compare_group)."""
    first, *others = (compare_group(group, samples, seed) for group in groups)
    return {**first, "apart": {one["data"]: one for one in others}} if others else first


def compare_group(group: Group, samples: int, seed: int) -> dict:
    """Of one group {"data", "runs", "between", "reference", "reference_kinds"}; intervals by `samples` draws.

    "runs" has for each run "before", "after", their paired "change", and what is known of its "train"; "between" the
    paired differences of the later runs from the first; "reference" texts that no model wrote (see reference_outputs).
    """
    scores = {run.name: {"before": score_outputs(run.before), "after": score_outputs(run.after)} for run in group.runs}
    runs = {}
    for run in group.runs:
        of = scores[run.name]
        runs[run.name] = {stage: summarize(of[stage], samples, seed) for stage in of}
        for stage, outputs in (("before", run.before), ("after", run.after)):
            runs[run.name][stage]["kinds"] = kind_shares([output["model_output"] for output in outputs])
        runs[run.name]["change"] = summarize(of["after"], samples, seed, of["before"])
        runs[run.name]["train"] = run.train
    first, *others = group.runs
    references = reference_outputs(first.after, seed)
    return {
        "data": group.name,
        "runs": runs,
        "between": {
            f"{run.name} minus {first.name}": summarize(
                scores[run.name]["after"], samples, seed, scores[first.name]["after"]
            )
            for run in others
        },
        "reference": {
            name: summarize(score_outputs(outputs), samples, seed) if outputs else {}
            for name, outputs in references.items()
        },
        "reference_kinds": kind_shares([question for output in first.after for question in output["references"]]),
    }


def every_group(metrics: dict) -> list[dict]:
    """compare_groups' figures, a dict a group, in the groups' order."""
    return [metrics, *metrics.get("apart", {}).values()]


def csv_lines(metrics: dict) -> list[dict]:
    """The figures a line for each group, run (or "reference") and stage, without what is no figure."""
    return [
        {"data": group["data"], "run": run, "stage": stage, **{k: v for k, v in summary.items() if k != "kinds"}}
        for group in every_group(metrics)
        for run, stages in [*group["runs"].items(), ("reference", group["reference"])]
        for stage, summary in stages.items()
        if stage != "train"
    ]


def fault_rows(run: Run, examples: int) -> list[dict[str, str]]:
    """For each check how many of the run's single questions about test articles fail it, and the first of them."""
    threshold = run.figures.get("round_trip", {}).get("threshold", USUAL_THRESHOLD)
    headings = ("what is wrong · 잘못된 점", "questions · 질문 수", "for example · 예", "marked · 표시한 말")
    rows = []
    for name, failed in faults_of(run.after, threshold).items():
        rows.append((CHECKS[name], str(len(failed)), "", ""))
        rows += [("", "", f"{one['model_output']} ({one['title']})", one["answer"]) for one in failed[:examples]]
    return [dict(zip(headings, row, strict=True)) for row in rows]


def recommend_of(run: Run | None, questions_per_chunk: int, style: str) -> tuple[list[dict], list[dict]]:
    """What `recommend` gives for a run's own document, the run's name with each question; prints how many and whose.

    Two empty lists, and a line that says why, without a run that was asked about a document and has read back.
    """
    if run is None or not run.own or any("read_answer" not in one for one in run.own):
        print("No run was asked about a document of yours: give notebook 1 its path as own_path.")
        return [], []
    threshold = trusted_threshold(run.figures.get("round_trip", {}))
    found, left_out = recommend(run.own, run.chunks, questions_per_chunk, threshold, style)
    recommended = [{**one, "run": run.name} for one in found]
    writers = Counter(one["written_by"] for one in recommended)
    print(f"{len(recommended)} questions for {len({one['chunk'] for one in recommended})} chunks: {dict(writers)}")
    if 2 * (writers["rule"] + writers["heading"]) > len(recommended):
        print("Most of them need no model (headings, the rule): here the training alone has not earned its place.")
    return recommended, left_out


def recommended_rows(recommended: list[dict]) -> list[dict[str, str]]:
    """Recommended questions as table rows, with where they stand and who wrote them."""
    return [
        {
            "place · 자리": one["place"].get("section") or one["title"],
            "sentence · 문장": shorten(one["sentence"], 120, placeholder=" …"),
            "question · 질문": one["question"],
            "answer · 정답": shorten(one["answer"], 80, placeholder=" …"),
            "written by · 쓴 쪽": one["written_by"] + (f" ({', '.join(one['edits'])})" if one["edits"] else ""),
        }
        for one in recommended
    ]


def left_out_rows(left_out: list[dict]) -> list[dict[str, str]]:
    """Chunks without a question as table rows, with the reason."""
    shown = [(shorten(one["chunk"], 120, placeholder=" …"), one["reason"]) for one in left_out]
    return [{"left out · 질문이 없는 조각": chunk, "because · 이유": reason} for chunk, reason in shown]
