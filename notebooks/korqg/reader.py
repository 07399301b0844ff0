"""What a reader (a run of notebook 2 on `task="answer"`) says about the questions of another run.

Notebook 2 lets the reader answer and writes `reader_answers.json` into the folder of the run whose questions
were read; this module reads that file and counts. One JSON object, UTF-8:

    {
      "reader": {"run_name": "reader", "model": "gemma-3-270m", "data_name": "answers"},
      "threshold": 0.62,
      "threshold_rule": {"split": "validation", "mismatched": 500, "passed": 0.09},
      "before": [{"id": "...", "answer": "...", "confidence": 0.71}, ...],
      "after": [{"id": "...", "answer": "...", "confidence": 0.83}, ...],
      "human": [{"id": "...", "passage": "...", "question": "...", "references": ["..."],
                 "answer": "...", "confidence": 0.9}, ...],
      "mismatched": [{"id": "...", "passage": "...", "question": "...", "answer": "...", "confidence": 0.4}, ...]
    }

"before" and "after" hold one entry for each entry of init_outputs.json and after_outputs.json, test and own, by its
`id`. "human" and
"mismatched" are the reader's own ceiling and floor, on articles that it was not trained on: human questions with their
paragraph and gold answers, and human questions put to a paragraph of another article. `answer` is the text as the
reader wrote it ("" for none); `confidence` the geometric mean of its tokens' probabilities, stop token included, 0 to
1. `threshold` was set on validation rows as `threshold_rule` says: `passed` is the share of the `mismatched` questions
there that reach it. Run names, not folders.
"""

import re
import string
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from korqg.errors import KorqgError
from korqg.files import read_json
from korqg.metrics import Counts, Scored, characters, is_single_question, unified
from korqg.prompts import given_and_passage

READER_FILE = "reader_answers.json"
READER_FIGURES = ("answerable_rate", "gives_answer_away_rate", "round_trip_f1")
QUALITY_FIGURES = ("answerable_rate", "answer_found_rate", "gives_answer_away_rate", "exact_match", "character_f1")
STAGES = ("before", "after")
BINS = 5


@dataclass(frozen=True)
class ReaderAnswers:
    """A reader's answers: those to a run's own questions by output id, and to human and to mismatched questions."""

    name: str
    model: str
    threshold: float
    threshold_rule: dict
    before: dict[str, dict]
    after: dict[str, dict]
    human: list[dict]
    mismatched: list[dict]


def read_reader_answers(path: Path) -> ReaderAnswers:
    """The answers of reader_answers.json. Raises KorqgError that names what is absent or of the wrong shape."""
    found = read_json(path)
    remedy = "run 02_train_lora.ipynb with reader_run again."
    if not isinstance(found, dict):
        raise KorqgError(f"{path.name} must hold one JSON object: {remedy}")
    threshold = found.get("threshold")
    if not _is_share(threshold):
        raise KorqgError(f"{path.name}: threshold must be a number from 0 to 1, but is {threshold!r}: {remedy}")
    more = {"before": (), "after": (), "human": ("passage", "question", "references"), "mismatched": ()}
    more["mismatched"] = more["human"][:2]
    for part, keys in more.items():
        entries = found.get(part)
        if not isinstance(entries, list):
            raise KorqgError(f"{path.name} lacks the list {part!r}: {remedy}")
        for number, entry in enumerate(entries):
            wanted = ("id", "answer", "confidence", *keys)
            missing = [key for key in wanted if not isinstance(entry, dict) or key not in entry]
            if missing or not isinstance(entry["answer"], str) or not _is_share(entry["confidence"]):
                wrong = f"lacks {', '.join(missing)}" if missing else "has an answer or a confidence of the wrong kind"
                raise KorqgError(f"{path.name}: entry {number} of {part!r} {wrong}: {remedy}")
    reader = found.get("reader", {})
    return ReaderAnswers(
        name=str(reader.get("run_name", "reader")),
        model=str(reader.get("model", "")),
        threshold=float(threshold),
        threshold_rule=dict(found.get("threshold_rule", {})),
        **{stage: {entry["id"]: entry for entry in found[stage]} for stage in STAGES},
        human=found["human"],
        mismatched=found["mismatched"],
    )


def _is_share(value) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 1


def normalize_answer(text: str) -> str:
    """An answer as KorQuAD 1.0's evaluation compares it: signs out, lower case, single blanks.

    After `normalize_answer` of the official evaluate-v1.0.py (korquad.github.io).
    """
    text = re.sub("['\"《》<>〈〉()‘’]", " ", unified(text)).lower()
    return " ".join(text.translate(str.maketrans("", "", string.punctuation)).split())


def character_f1(answer: str, references: list[str]) -> float:
    """KorQuAD 1.0's F1: characters in common, however placed, against the best of the references; 0 to 1."""

    def score(reference: str) -> float:
        ours, theirs = (Counter(normalize_answer(text).replace(" ", "")) for text in (answer, reference))
        common = (ours & theirs).total()
        return 2 * common / (ours.total() + theirs.total()) if common else 0.0

    return max((score(reference) for reference in references), default=0.0)


def exact_match(answer: str, references: list[str]) -> float:
    """KorQuAD 1.0's exact match, 0 or 1: equal after `normalize_answer` to one of the references."""
    return float(any(normalize_answer(answer) == normalize_answer(reference) for reference in references))


def stands_in(answer: str, passage: str) -> bool:
    """Whether an answer's characters stand in the passage, white space aside."""
    wanted = "".join(characters(answer))
    return bool(wanted) and wanted in "".join(characters(passage))


def gives_answer_away(question: str, answer: str) -> bool:
    """Whether the answer, signs and white space aside and of two characters or more, stands in the question."""
    said = normalize_answer(answer).replace(" ", "")
    return len(said) > 1 and said in normalize_answer(question).replace(" ", "")


def is_answerable(question: str, passage: str, given: dict, threshold: float) -> bool:
    """Whether it is a single question whose answer stands in the passage, said with at least that confidence."""
    return is_single_question(question) and stands_in(given["answer"], passage) and given["confidence"] >= threshold


def reader_counts(question: str, text: str, given: dict, threshold: float) -> Counts:
    """The counts (see korqg.metrics.Counts) of READER_FIGURES for one question about an input's text.

    `answerable_rate` is over all outputs, `gives_answer_away_rate` over the single questions that got an answer,
    `round_trip_f1` (KorQuAD's character F1 with the answer that the question was to be asked for) over all
    outputs whose input names one.
    """
    kind, wanted, passage = given_and_passage(text)
    answered = is_single_question(question) and bool(given["answer"].strip())
    f1 = character_f1(given["answer"], [wanted]) if is_single_question(question) else 0.0
    return {
        "answerable_rate": (float(is_answerable(question, passage, given, threshold)), 1),
        "gives_answer_away_rate": (float(gives_answer_away(question, given["answer"])), 1) if answered else (0, 0),
        "round_trip_f1": (f1, 1) if kind == "answer" else (0, 0),
    }


def with_reader(scored: list[Scored], outputs: list[dict], answers: dict[str, dict], threshold: float) -> list[Scored]:
    """The scores with the reader's figures added; an output that the reader was not asked counts in none of them."""
    none = dict.fromkeys(READER_FIGURES, (0, 0))
    return [
        Scored(
            one.passage,
            one.counts
            | (
                reader_counts(output["model_output"], output["input"], answers[output["id"]], threshold)
                if output["id"] in answers
                else none
            ),
        )
        for one, output in zip(scored, outputs, strict=True)
    ]


def reader_quality(reader: ReaderAnswers) -> dict[str, list[Scored]]:
    """The reader's own figures (QUALITY_FIGURES) as scores: on human questions, and on questions of other paragraphs.

    On the latter there is no right answer, so exact match and F1 count nothing.
    """
    return {
        kind: [Scored(unified(entry["passage"]), _quality(entry, reader.threshold)) for entry in getattr(reader, kind)]
        for kind in ("human", "mismatched")
    }


def _quality(entry: dict, threshold: float) -> Counts:
    counts = reader_counts(entry["question"], entry["passage"], entry, threshold)
    gold = entry.get("references", [])
    return {
        "answerable_rate": counts["answerable_rate"],
        "answer_found_rate": (float(stands_in(entry["answer"], entry["passage"])), 1),
        "gives_answer_away_rate": counts["gives_answer_away_rate"],
        "exact_match": (exact_match(entry["answer"], gold), 1) if gold else (0, 0),
        "character_f1": (character_f1(entry["answer"], gold), 1) if gold else (0, 0),
    }


def reliability(entries: list[dict]) -> list[dict]:
    """How often the reader is right at each confidence, in five bins of equal width; empty bins are left out.

    `entries` are ReaderAnswers.human. Each bin has `low`, `high` (0 to 1, `high` excluded but in the last), `n`, the
    mean `confidence` and the share of exact matches (`exact_match`): where a reader is well calibrated the two agree
    (a reliability diagram in figures, DeGroot and Fienberg 1983).
    """
    bins = []
    for number in range(BINS):
        low, high = number / BINS, (number + 1) / BINS
        inside = [entry for entry in entries if min(int(entry["confidence"] * BINS), BINS - 1) == number]
        if inside:
            right = [exact_match(entry["answer"], entry["references"]) for entry in inside]
            sure = [entry["confidence"] for entry in inside]
            means = {"confidence": sum(sure) / len(sure), "exact_match": sum(right) / len(right)}
            bins.append({"low": low, "high": high, "n": len(inside), **means})
    return bins


def calibration_error(bins: list[dict]) -> float | None:
    """The mean distance of confidence and exact match over `reliability`'s bins, by their n; None without an answer.

    The expected calibration error (Guo et al. 2017).
    """
    n = sum(one["n"] for one in bins)
    return sum(one["n"] * abs(one["confidence"] - one["exact_match"]) for one in bins) / n if n else None


def confidence_auc(reader: ReaderAnswers) -> float | None:
    """How often a human question gets more confidence than a mismatched one; 0.5 is chance, None: there is no pair.

    Ties count half. The area under the ROC curve (Mann and Whitney 1947).
    """
    human, mismatched = ([entry["confidence"] for entry in part] for part in (reader.human, reader.mismatched))
    if not human or not mismatched:
        return None
    wins = sum((one > other) + 0.5 * (one == other) for one in human for other in mismatched)
    return wins / (len(human) * len(mismatched))
