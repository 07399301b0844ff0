"""Is it one question, did it stop, how near is it to the references; with intervals."""

import difflib
import random
import re
from dataclasses import dataclass

SHORTEST_QUESTION, LONGEST_QUESTION = 6, 150
METRICS = ("single_question_rate", "stop_rate", "copy_rate", "rouge_l", "chrf")


def is_single_question(text: str) -> bool:
    """Whether an output is exactly one Korean question.

    One line with Hangul in it, 6 to 150 characters before the "?" that ends it, no other "?", no "###"
    (the mark of a prompt that runs on), and no phrase said three times in a row.
    """
    text = text.strip()
    return (
        "\n" not in text
        and text.endswith("?")
        and text.count("?") == 1
        and SHORTEST_QUESTION <= len(text) - 1 <= LONGEST_QUESTION
        and "###" not in text
        and re.search(r"[가-힣]", text) is not None
        and re.search(r"(\S.{0,30}?\S)\s*\1\s*\1", text) is None
    )


KINDS = {
    "왜": r"왜|까닭|이유|때문",
    "어떻게": r"어떻게|어떤 방법|어떤 방식",
    "누구": r"누구|누가|누굴",
    "언제": r"언제|(몇|어느) ?(년|해|월|달|일|날|세기|시기|때)|무슨 요일",
    "어디": r"어디|어느 (곳|나라|지역|도시|장소)|어떤 (곳|나라|지역|도시|장소)",
    "몇": r"몇|얼마",
    "무엇": r"무엇|무슨|뭐|어떤|어느",
}
"""Kinds of question by their words; the first that is found counts."""


def question_kind(text: str) -> str:
    """The kind of a Korean question, one of KINDS, or "그 밖" (other)."""
    return next((kind for kind, words in KINDS.items() if re.search(words, text)), "그 밖")


def rouge_l(output: str, references: list[str]) -> float:
    """ROUGE-L F1 over characters, white space left out, against the best of the references; 0 to 1.

    2PR / (P + R) with the longest common subsequence's share of the output (P) and of the reference (R)
    (Lin 2004). Characters, because the usual package's tokenizer drops Hangul and gives 0 for equal texts.
    """
    from rapidfuzz.distance import LCSseq

    def score(reference: str) -> float:
        shorter, longer = _without_space(output), _without_space(reference)
        if not shorter or not longer:
            return 0.0
        return 2 * LCSseq.similarity(shorter, longer) / (len(shorter) + len(longer))

    return max((score(reference) for reference in references), default=0.0)


def chrf(output: str, references: list[str]) -> float:
    """chrF2 of one output against all of its references, by sacrebleu, 0 to 1 (Popović 2015)."""
    from sacrebleu.metrics import CHRF

    if not references:
        return 0.0
    return CHRF().sentence_score(output, references).score / 100


def copied_share(output: str, passage: str) -> float:
    """The longest stretch of the output that stands in the passage as it is, as a share of the output."""
    output, passage = _without_space(output), _without_space(passage)
    if not output:
        return 0.0
    match = difflib.SequenceMatcher(None, output, passage, autojunk=False).find_longest_match()
    return match.size / len(output)


def score_output(output: dict) -> dict[str, float]:
    """The five scores of one entry of init_outputs.json or after_outputs.json; each 0 to 1."""
    text, references = output["model_output"], output["references"]
    return {
        "single_question_rate": float(is_single_question(text)),
        "stop_rate": float(output["stopped"]),
        "copy_rate": copied_share(text, output["input"]),
        "rouge_l": rouge_l(text, references),
        "chrf": chrf(text, references),
    }


@dataclass(frozen=True)
class Interval:
    """A mean with the 2.5 and 97.5 percent points of its bootstrap distribution."""

    mean: float
    low: float
    high: float


def bootstrap(values: list[float], samples: int, seed: int) -> Interval:
    """Mean of the values and its 95 % interval: `samples` draws with replacement (Efron 1979)."""
    if not values:
        raise ValueError("no values to take the mean of")
    draw = random.Random(seed).choices
    means = sorted(sum(draw(values, k=len(values))) / len(values) for _ in range(samples))
    last = len(means) - 1
    return Interval(sum(values) / len(values), means[round(0.025 * last)], means[round(0.975 * last)])


def summarize(scores: list[dict[str, float]], samples: int, seed: int) -> dict[str, float]:
    """n, and for each metric its mean under its own name and its interval under `_low` and `_high`."""
    summary: dict[str, float] = {"n": len(scores)}
    for name in scores[0]:
        interval = bootstrap([score[name] for score in scores], samples, seed)
        summary |= {name: interval.mean, f"{name}_low": interval.low, f"{name}_high": interval.high}
    return summary


def reference_outputs(outputs: list[dict], seed: int) -> dict[str, list[dict]]:
    """What the scores give to texts that no model wrote, on the same paragraphs: a ceiling and two floors.

    "human": a reference question against the paragraph's others (paragraphs with one reference are left
    out); "first_sentence": the paragraph's first sentence copied; "random_question": a reference question
    of another paragraph.
    """
    from korqg.sentences import split_sentences

    choose = random.Random(seed)
    found: dict[str, list[dict]] = {"human": [], "first_sentence": [], "random_question": []}
    for place, output in enumerate(outputs):
        fixed = {"input": output["input"], "references": output["references"], "stopped": True}
        if len(output["references"]) > 1:
            held_out = choose.choice(output["references"])
            others = [question for question in output["references"] if question != held_out]
            found["human"].append({**fixed, "model_output": held_out, "references": others})
        found["first_sentence"].append({**fixed, "model_output": (split_sentences(output["input"]) or [""])[0]})
        elsewhere = [other for index, other in enumerate(outputs) if index != place and other["references"]]
        if elsewhere:
            question = choose.choice(choose.choice(elsewhere)["references"])
            found["random_question"].append({**fixed, "model_output": question})
    return found


def _without_space(text: str) -> str:
    return re.sub(r"\s+", "", text)
