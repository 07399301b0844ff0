"""The questions to put in front of a search over one's own document: checked, none twice, or none with the reason."""

from korqg.checks import ask_the_same, is_copied, why_nothing_to_ask
from korqg.errors import KorqgError
from korqg.metrics import is_single_question, rouge_l
from korqg.prompts import given_and_passage
from korqg.runs import Run

ALIKE = 0.9
"""ROUGE-L (of 1) from which questions about two chunks count as the same (within a chunk: see korqg.checks)."""

CHECKS = {
    "single_question": "not a single question",
    "stopped": "did not stop by itself",
    "own_words": "copied from the chunk",
    "not_asked_before": "asked of an earlier chunk already",
    "different": "asks the same as another question of this chunk",
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

    A chunk gets its greedy question, if that passes the checks; a chunk with nothing to ask about (see
    `why_nothing_to_ask`), or longer than the model reads, gets none. A recommended question has `id`, `chunk` (the
    text), `title`, `place` (file, section, paragraphs, pages, as far as they are known), `question`, `checks` (the
    names of CHECKS that it passed) and `run`. One that is left out has `reason` in place of `checks`.
    """
    recommended: list[dict] = []
    left_out: list[dict] = []
    for output in run.after["own"]:
        entry = {key: output[key] for key in ("id", "title", "place")} | {"chunk": output["input"]}
        entry["question"] = output["model_output"].strip()
        here = [other["question"] for other in recommended if other["chunk"] == output["input"]]
        earlier = [other["question"] for other in recommended if other["chunk"] != output["input"]]
        passed = _checked(output, earlier, here)
        failed = next((name for name, good in passed.items() if not good), None)
        reason = why_nothing_to_ask(output["input"]) or (CHECKS[failed] if failed else "")
        if not reason and output["cut_tokens"]:
            reason = "the chunk is longer than the model reads"
        if reason:
            left_out.append({**entry, "reason": reason, "run": run.name})
        else:
            recommended.append({**entry, "checks": list(passed), "run": run.name})
    return recommended, left_out


def faults_of(run: Run) -> dict[str, list[dict]]:
    """By check of CHECKS the run's single questions about the test paragraphs (greedy, after training) that fail it.

    In the paragraphs' order, each as {"title", "passage", "question"}; a question may fail several. Checks that no
    question failed are there with an empty list, those that could not be made are not.
    """
    found: dict[str, list[dict]] = {}
    earlier: list[str] = []
    for output in run.after["test"]:
        passage, question = given_and_passage(output["input"])[2], output["model_output"].strip()
        passed = _checked(output | {"input": passage}, earlier, [])
        if passed["single_question"]:
            for name, good in passed.items():
                failed = found.setdefault(name, [])
                if not good:
                    failed.append({"title": output["title"], "passage": passage, "question": question})
            earlier.append(question)
    return {name: failed for name, failed in found.items() if name not in ("single_question", "stopped")}


def _checked(output: dict, earlier: list[str], here: list[str]) -> dict[str, bool]:
    """Each check that could be made, in the order of CHECKS, and whether the output's question passed it.

    `earlier` are questions about other chunks, `here` those about the same one.
    """
    question = output["model_output"].strip()
    passed = {"single_question": is_single_question(question)}
    if not passed["single_question"]:
        return passed  # the other checks are about questions
    if output["stopped"] is not None:
        passed["stopped"] = output["stopped"]
    passed["own_words"] = not is_copied(question, output["input"])
    passed["not_asked_before"] = rouge_l(question, earlier) < ALIKE
    if here:
        passed["different"] = not any(ask_the_same(question, other) for other in here)
    return passed
