"""The questions to put in front of a search over one's own document: one a chunk, checked, none twice."""

from korqg.errors import KorqgError
from korqg.metrics import copied_share, is_single_question, rouge_l
from korqg.reader import gives_answer_away, is_answerable
from korqg.runs import Run

ALIKE = 0.9
"""ROUGE-L (of 1) from which two questions count as the same."""

MOSTLY_COPIED = 0.9
"""Share of the question in one stretch of the chunk from which it counts as a copied sentence."""

CHECKS = {
    "single_question": "not a single question",
    "stopped": "did not stop by itself",
    "own_words": "copied from the chunk",
    "not_asked_before": "asked of an earlier chunk already",
    "answerable": "the reader finds no answer that it is sure of",
    "keeps_its_answer": "gives its own answer away",
}
"""The checks in their order, each with what is said of a question that fails it."""


def choose_run(runs: list[Run], summaries: dict[str, dict], name: str) -> Run | None:
    """The run of that name; without a name, of those asked about one's own document the one with the best figures.

    The highest rate of single questions after training on the test paragraphs, then the highest ROUGE-L, then the
    first. None when no run was asked about a document. Raises KorqgError for a name that is not compared.
    """
    if name:
        found = next((run for run in runs if run.name == name), None)
        if found is None:
            raise KorqgError(
                f"recommend_run={name!r} is not among the runs that are compared: {', '.join(r.name for r in runs)}."
            )
        return found
    asked = [run for run in runs if run.after["own"]]

    def quality(run: Run) -> tuple[float, float]:
        after = summaries[run.name]["after"]
        return after["single_question_rate"], after["rouge_l"] or 0.0

    return max(asked, key=quality, default=None)


def recommend(run: Run) -> tuple[list[dict], list[dict]]:
    """The recommended questions of a run for one's own document, in its order, and those left out.

    A recommended one has `id`, `chunk` (the text), `title`, `place` (file, section, paragraphs, pages, as far as they
    are known), `question`, `checks` (the names of CHECKS that it passed) and `run`. `answerable` and
    `keeps_its_answer` are checked where a reader has answered. One that is left out has `reason` in place of `checks`.
    """
    recommended, left_out = [], []
    for output in run.after["own"]:
        question = output["model_output"].strip()
        entry = {
            "id": output["id"],
            "chunk": output["input"],
            "title": output["title"],
            "place": output["place"],
            "question": question,
        }
        passed = _checked(run, output, question, [other["question"] for other in recommended])
        failed = next((name for name, good in passed.items() if not good), None)
        if failed is None:
            recommended.append(entry | {"checks": list(passed), "run": run.name})
        else:
            left_out.append(entry | {"reason": CHECKS[failed], "run": run.name})
    return recommended, left_out


def _checked(run: Run, output: dict, question: str, earlier: list[str]) -> dict[str, bool]:
    """Each check that could be made, in the order of CHECKS, and whether the question passed it."""
    passed = {"single_question": is_single_question(question)}
    if not passed["single_question"]:
        return passed  # the other checks are about questions
    if output["stopped"] is not None:
        passed["stopped"] = output["stopped"]
    passed["own_words"] = copied_share(question, output["input"]) < MOSTLY_COPIED
    passed["not_asked_before"] = rouge_l(question, earlier) < ALIKE
    given = run.reader.after.get(output["id"]) if run.reader else None
    if given:
        passed["answerable"] = is_answerable(question, output["input"], given, run.reader.threshold)
        passed["keeps_its_answer"] = not gives_answer_away(question, given["answer"])
    return passed
