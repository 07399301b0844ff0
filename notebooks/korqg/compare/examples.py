"""Better or worse, and which examples to show: by rule, never by hand."""

import random

from korqg.ask.checks import failed_checks
from korqg.compare.finished_runs import Group, Run
from korqg.compare.scores import LONGEST_SCORED, comes_back
from korqg.prompts import passage_of
from korqg.question import is_single_question, rouge_l, unified

# ROUGE-L points (of 1) from which a change from one single question to another counts as better or worse.
NOTICEABLE = 0.05
Card = dict[str, tuple[dict, dict]]  # One paragraph: each run's name to its outputs before and after


def cards_of(group: Group) -> list[Card]:
    """A card for each test question, in the data's order."""
    cards: dict[str, Card] = {}
    for run in group.runs:
        for before, after in zip(run.before, run.after, strict=True):
            cards.setdefault(unified(before["input"]), {})[run.name] = (before, after)
    return list(cards.values())


def verdict(before: dict, after: dict) -> str:
    """ "better", "worse" or "same": a single question where there was none, or the other way round, decides.

    Of two single questions ROUGE-L does, from NOTICEABLE points on; two other outputs are the same, however like the
    references they are.
    """
    form = [is_single_question(output["model_output"]) for output in (before, after)]
    if form[0] != form[1]:
        return "better" if form[1] else "worse"
    if not form[0]:
        return "same"
    gain = likeness(after) - likeness(before)
    if abs(gain) < NOTICEABLE:
        return "same"
    return "better" if gain > 0 else "worse"


def is_good(output: dict) -> bool:
    """Whether it is a single question and, where it was read back, the marked answer came back."""
    return comes_back(output) is not False and is_single_question(output["model_output"])


def faults(output: dict) -> list[str]:
    """The checks of a recommended question that an output about a marked answer fails, that of its certainty aside."""
    asked = {**output, "question": output["model_output"], "chunk": passage_of(output)}
    return failed_checks(asked, 0) if output.get("answer") else []


def likeness(output: dict) -> float:
    """ROUGE-L over characters with the nearest reference, 0 to 1; 0 where there is no reference."""
    return rouge_l(output["model_output"][:LONGEST_SCORED], output["references"])


def chosen_examples(run: Run, count: int, seed: int) -> dict[str, list[int]]:
    """Places of test paragraphs under "best", "worst" and "random", `count` of each.

    In order of quality after training: single questions before other outputs, those to which the marked answer came
    back before the rest (is_good), those that pass the checks of a recommended question (korqg.ask.checks) before
    those that do not, then by ROUGE-L times likelihood (readers agree with neither alone), then by place. The best are
    the first of that order, the worst the last (from the end), and the random ones a seeded draw.
    """
    outputs = run.after
    count = min(count, len(outputs))
    order = sorted(
        range(len(outputs)),
        key=lambda place: (
            not is_single_question(outputs[place]["model_output"]),
            not is_good(outputs[place]),
            bool(faults(outputs[place])),
            -likeness(outputs[place]) * outputs[place].get("likelihood", 1.0),
            place,
        ),
    )
    drawn = random.Random(seed).sample(range(len(outputs)), count)
    return {"best": order[:count], "worst": order[::-1][:count], "random": sorted(drawn)}
