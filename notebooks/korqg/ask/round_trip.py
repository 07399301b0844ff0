"""The round trip: the model asks about a marked answer, then answers its own question from the whole paragraph."""

from collections.abc import Callable

from korqg.ask.candidates import candidate_at
from korqg.ask.drafts import draft_of
from korqg.ask.recommend import could_be_shown, rule_could_be_shown
from korqg.ask.subject import with_name
from korqg.model.generate import Generator
from korqg.prompts import answer_row, passage_of
from korqg.question import character_f1

RIGHT = 0.8
"""Character F1 from which an answer counts as right, when the threshold is set."""

WANTED_RIGHT = 0.9
"""Share of human questions answered right, of those answered with at least the threshold's confidence."""

LEAST_RIGHT = 0.6
"""That share, at least, of a model that may vouch for its own questions; with less their likelihood alone counts."""

FEWEST = 20
"""Human questions, at least, that a threshold is set on; with fewer it is USUAL_THRESHOLD."""

USUAL_THRESHOLD, SURE_THRESHOLD, NEVER = 0.8, 0.95, 1.01
"""Confidence that counts where nothing says otherwise, the highest that is asked for, and one that none reaches."""


def rule_question(row: dict) -> str:
    """The rule's question about a row's marked answer, "" where it has none (see korqg.ask.rule)."""
    if "rule_question" in row:
        return row["rule_question"]
    candidate = candidate_at(passage_of(row), *row["answer_place"])
    return draft_of(candidate, row.get("title", "")) if candidate else ""


class RoundTrip:
    """What a trained model makes of its own questions and of the rule's.

    `over` applies the checks to many questions: `map`, or that of several processes.
    """

    def __init__(self, generator: Generator, over: Callable = map):
        self.generator, self.over = generator, over

    def read(self, asked: list[tuple[str, str]]) -> list[dict]:
        """The model's answers to (question, passage) pairs, in their order: {"read_answer", "confidence"}.

        `confidence` is the geometric mean of the answer's token probabilities, 0 to 1. An empty question is not put:
        its answer is "" with confidence 0. Equal pairs are read once.
        """
        spoken = list(dict.fromkeys(pair for pair in asked if pair[0].strip()))
        rows = [answer_row(question, passage) for question, passage in spoken]
        read = dict(zip(spoken, self.generator.generate(rows), strict=True))
        silent = {"model_output": "", "likelihood": 0.0}
        return [
            {"read_answer": one["model_output"], "confidence": one["likelihood"]}
            for one in (read.get(pair, silent) for pair in asked)
        ]

    def __call__(
        self, rows: list[dict], outputs: list[dict], for_readers: bool = False, reads: bool = True
    ) -> list[dict]:
        """The outputs of task answer_aware with the answers that come back and the rule's questions beside them.

        Each output gets `read_answer` and `confidence` (see `read`), and `rule_question` where the rule has one
        about the same answer. Both are None for a model that cannot read (`reads` False, see `trusted_threshold`): what
        it answered would say nothing. No model reads the rule's back: it keeps the sentence's own words. Where one's
        own document is asked about (`for_readers`), a question that no reader would be shown anyway (see
        `could_be_shown`) is left unread, as if nothing came back, and the rule's, if it could be, gets
        `rule_likelihood`: how likely the model finds it in the place of its own question.
        """
        spoken = [output["model_output"] for output in outputs]
        if for_readers:
            good = self.over(could_be_shown, [{**row, **output} for row, output in zip(rows, outputs, strict=True)])
            spoken = [question if shown else "" for question, shown in zip(spoken, good, strict=True)]
        found = [{"read_answer": None, "confidence": None}] * len(rows)
        if reads:
            found = self.read([(question, passage_of(row)) for row, question in zip(rows, spoken, strict=True)])
        completed = [{**output, **own} for output, own in zip(outputs, found, strict=True)]
        ruled = [(number, rule) for number, rule in enumerate(map(rule_question, rows)) if rule]
        for number, rule in ruled:
            completed[number]["rule_question"] = rule
        if for_readers:
            good = self.over(rule_could_be_shown, [{**rows[number], **completed[number]} for number, _ in ruled])
            scored = [one for one, shown in zip(ruled, good, strict=True) if shown]
            asked = [rows[number] for number, _ in scored]
            rules = [with_name(rule, rows[number]["title"]) for number, rule in scored]
            scores = self.generator.likelihoods(asked, rules) if scored else []
            for (number, _), likelihood in zip(scored, scores, strict=True):
                completed[number]["rule_likelihood"] = round(likelihood, 4)
        return completed


def choose_threshold(read: list[dict], answers: list[str]) -> dict:
    """The confidence from which an answer may be believed, set on human questions whose answers are known.

    The lowest that leaves WANTED_RIGHT of the answers right (character F1 of RIGHT or more), and never below one half;
    USUAL_THRESHOLD where there are fewer than FEWEST questions or none such. Returns `threshold`, `questions`,
    `right_above` (share of right answers at or above it, None: none there) and `above` (share of the questions).
    """
    judged = sorted(
        (
            (one["confidence"], character_f1(one["read_answer"], [answer]) >= RIGHT)
            for one, answer in zip(read, answers, strict=True)
        ),
        reverse=True,
    )
    threshold = USUAL_THRESHOLD
    if len(judged) >= FEWEST:
        right = 0
        for number, (confidence, good) in enumerate(judged, start=1):
            right += good
            if number >= FEWEST // 2 and right / number >= WANTED_RIGHT:
                threshold = confidence
        threshold = min(SURE_THRESHOLD, max(0.5, threshold))
    above = [good for confidence, good in judged if confidence >= threshold]
    return {
        "threshold": round(threshold, 3),
        "questions": len(judged),
        "right_above": sum(above) / len(above) if above else None,
        "above": len(above) / len(judged) if judged else None,
    }


def trusted_threshold(round_trip: dict) -> float:
    """The confidence from which a run's answers may be believed, by what `choose_threshold` found for it.

    NEVER where people's questions were answered right too seldom even above the threshold (LEAST_RIGHT), or none with
    such confidence: such a model cannot vouch for its own questions, and is held to their likelihood alone.
    USUAL_THRESHOLD at most: of the likely questions of the kept adapter's kind, which is right in 81 % of the cases
    where it is sure, the text answers 83 % of 242 whose answer came back with 0.8 to 0.95, 87 % of 481 above, and 67 %
    of 45 below. USUAL_THRESHOLD for a run that noted nothing.
    """
    if round_trip.get("questions", 0) >= FEWEST and (round_trip.get("right_above") or 0.0) < LEAST_RIGHT:
        return NEVER  # None: it was never sure
    return min(USUAL_THRESHOLD, round_trip.get("threshold", USUAL_THRESHOLD))
