"""Is it one question, did it stop, how near is it to the references; with intervals."""

import functools
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy

from korqg.ask.checks import AGREED, agreement
from korqg.prompts import passage_of
from korqg.question import KINDS, characters, copied_share, is_single_question, question_kind, rouge_l, unified
from korqg.sentences import kiwi, split_all

LONGEST_SCORED = 10_000  # Characters of an output that are scored; what runs on beyond them is no question anyway
FORM = ("single_question_rate", "stop_rate", "comes_back_rate", "copy_rate", "distinct_rate", "length")
LIKENESS = ("rouge_l", "bleu_4", "chrf", "rouge_l_morphemes", "bleu_4_morphemes")
BLEU = ("bleu_4", "bleu_4_morphemes")


@functools.lru_cache(maxsize=100_000)
def _morphemes(text: str) -> tuple[str, ...]:
    return tuple(token.form for token in kiwi().tokenize(text))


def morphemes(text: str) -> list[str]:
    """The morphemes of a text as Kiwi writes them, white space left out."""
    return list(_morphemes(unified(text)))


UNITS = {"": characters, "_morphemes": morphemes}  # What ROUGE-L and BLEU-4 count, by the ending of the figure's name


def bleu_counts(output: str, references: list[str], units=characters) -> tuple[int, ...]:
    """What BLEU-4 adds up over a set: 4 common n-grams, 4 n-grams, the output's and the nearest reference's length.

    By sacrebleu (Post 2018), with the units as its tokens.
    """
    text, *others = (" ".join(units(one)) for one in (output, *references))
    score = _bleu().sentence_score(text, others)
    return (*score.counts, *score.totals, score.sys_len, score.ref_len)


def bleu_4(counts) -> float:
    """BLEU-4 of a set, 0 to 1, from the sum of its `bleu_counts` (Papineni 2002; sacrebleu's smoothing)."""
    from sacrebleu.metrics import BLEU as SacreBLEU

    whole = [int(count) for count in counts]
    return SacreBLEU.compute_bleu(whole[:4], whole[4:8], whole[8], whole[9], smooth_method="exp").score / 100


@functools.cache
def _bleu():
    from sacrebleu.metrics import BLEU as SacreBLEU

    return SacreBLEU(tokenize="none", effective_order=True)  # effective order: no warning; the counts are the same


@functools.cache
def _chrf():
    from sacrebleu.metrics import CHRF

    return CHRF()


def chrf(output: str, references: list[str]) -> float:
    """chrF2 of one output against all of its references, by sacrebleu, 0 to 1 (Popović 2015)."""
    if not references:
        return 0.0
    return _chrf().sentence_score(unified(output), [unified(one) for one in references]).score / 100


def copied_stretches(output: str, passage: str, shortest: int = 6) -> Iterator[tuple[int, int]]:
    """Begin and end of each stretch of at least `shortest` characters that stands in the passage as it is."""
    start = 0
    while start < len(output):
        end = start
        while end < len(output) and output[start : end + 1] in passage:
            end += 1
        if len(output[start:end].strip()) >= shortest:
            yield start, end
            start = end
        else:
            start += 1


# Of one output: for each figure what is added up over a set, (value, 1) for a mean or the counts of BLEU.
Counts = dict[str, tuple[float, ...]]


@dataclass(frozen=True)
class Scored:
    """One output's counts, and the paragraph that it belongs to: paragraphs are what the bootstrap draws."""

    passage: str
    counts: Counts


def score_outputs(outputs: list[dict]) -> list[Scored]:
    """The scores of outputs with `input`, `references`, `model_output` and `stopped` (None: not known).

    An output without references counts in the figures of form alone. `distinct_rate` gives each of m equal
    outputs 1 / m, so that the mean is the number of different outputs by their number. `length` is in characters.
    """
    texts = [output["model_output"][:LONGEST_SCORED] for output in outputs]
    times = Counter(map(unified, texts))
    return [_score(output, text, times[unified(text)]) for output, text in zip(outputs, texts, strict=True)]


def _score(output: dict, text: str, times: int) -> Scored:
    passage, single, back = passage_of(output), is_single_question(text), comes_back(output)
    counts: Counts = {
        "single_question_rate": (float(single), 1),
        "stop_rate": (0, 0) if output["stopped"] is None else (float(output["stopped"]), 1),
        "comes_back_rate": (0, 0) if back is None or not output.get("answer") else (float(single and back), 1),
        "copy_rate": (copied_share(text, passage), 1),
        "distinct_rate": (1 / times, 1),
        "length": (len(output["model_output"].strip()), 1),
    }
    references = [reference for reference in output["references"] if reference.strip()]
    counts["chrf"] = (chrf(text, references), 1) if references else (0, 0)
    for ending, units in UNITS.items():
        counts[f"rouge_l{ending}"] = (rouge_l(text, references, units), 1) if references else (0, 0)
        counts[f"bleu_4{ending}"] = bleu_counts(text, references, units) if references else (0,) * 10
    return Scored(unified(passage), counts)


def comes_back(output: dict) -> bool | None:
    """Whether the model's answer to its own question is the marked one; None where it was not asked."""
    came = output.get("read_answer")
    return None if came is None else agreement(came, output.get("answer") or "") >= AGREED


class Interval(NamedTuple):
    """A figure with the 2.5 and 97.5 percent points of its bootstrap distribution; None where there is none."""

    mean: float | None
    low: float | None = None
    high: float | None = None


def bootstrap(scored: list[Scored], samples: int, seed: int, minus: list[Scored] | None = None) -> dict[str, Interval]:
    """Each figure of a set of outputs with its 95 % interval, over draws of whole paragraphs (Efron 1979).

    `samples` times as many paragraphs are drawn with replacement as there are; outputs of one paragraph come
    together, since they are not independent. With `minus`, outputs about the same paragraphs, it is the
    difference of the two sets in the figures that both have, both of the same draw each time: a paired interval. One
    paragraph gives no interval; a figure that nothing counts in has no mean. Raises ValueError when the paragraphs
    differ.
    """
    if not scored:
        raise ValueError("no outputs to take the mean of")
    passages = sorted({one.passage for one in scored})
    if minus is not None and passages != sorted({one.passage for one in minus}):
        raise ValueError("a paired difference needs outputs about the same paragraphs")
    generator = numpy.random.default_rng(seed)
    shares = numpy.full(len(passages), 1 / len(passages))
    draws = [
        generator.multinomial(len(passages), shares, min(1000, samples - done)) for done in range(0, samples, 1000)
    ]
    found = {}
    names = [name for name in scored[0].counts if minus is None or name in minus[0].counts]
    for name in names:
        sets = [_sums(one, name, passages) for one in (scored, minus) if one is not None]
        mean = _difference([_figure(name, sums.sum(0, keepdims=True)) for sums in sets])[0]
        if numpy.isnan(mean):
            found[name] = Interval(None)
        elif len(passages) == 1:
            found[name] = Interval(float(mean))
        else:
            drawn = numpy.concatenate([_difference([_figure(name, draw @ sums) for sums in sets]) for draw in draws])
            found[name] = Interval(float(mean), *numpy.nanpercentile(drawn, (2.5, 97.5)).tolist())
    return found


def _sums(scored: list[Scored], name: str, passages: list[str]):
    """The counts of a figure, summed for each paragraph: paragraphs x counts."""
    places = {passage: place for place, passage in enumerate(passages)}
    sums = numpy.zeros((len(passages), len(scored[0].counts[name])))
    for one in scored:
        sums[places[one.passage]] += one.counts[name]
    return sums


def _figure(name: str, sums):
    """The figure of each row of summed counts; NaN where nothing counts."""
    if name in BLEU:
        return numpy.array([bleu_4(row) if row[9] else numpy.nan for row in sums])
    with numpy.errstate(invalid="ignore", divide="ignore"):
        return sums[:, 0] / sums[:, 1]


def _difference(figures: list):
    return figures[0] if len(figures) == 1 else figures[0] - figures[1]


def summarize(scored: list[Scored], samples: int, seed: int, minus: list[Scored] | None = None) -> dict[str, float]:
    """n and passages, and each figure under its own name, its 95 % interval under `_low` and `_high` (see bootstrap).

    None (null in JSON) stands where there is no figure, or no interval.
    """
    summary: dict = {"n": len(scored), "passages": len({one.passage for one in scored})}
    for name, interval in bootstrap(scored, samples, seed, minus).items():
        summary |= {name: interval.mean, f"{name}_low": interval.low, f"{name}_high": interval.high}
    return summary


def kind_shares(texts: list[str]) -> dict[str, float]:
    """The share of each kind of KINDS and of "그 밖" among the texts that are single questions; 0 to 1."""
    counted = Counter(question_kind(text) for text in texts if is_single_question(text))
    return {kind: counted[kind] / max(1, counted.total()) for kind in [*KINDS, "그 밖"]}


def reference_outputs(outputs: list[dict], seed: int) -> dict[str, list[dict]]:
    """What the scores give to texts that no model wrote, on the same paragraphs: a ceiling and two floors.

    "human": each reference question of a paragraph against the paragraph's others (paragraphs with one reference
    are left out); "rule": what the rule asks for the marked answer (see korqg.ask.rule), where it asks at all;
    "first_sentence": the paragraph's first sentence copied; "random_question": a reference question of another
    article, or of another paragraph where there is one article alone.
    """
    passages: dict[str, dict] = {}
    for output in outputs:
        text = passage_of(output)
        entry = passages.setdefault(unified(text), {"input": text, "title": output["title"], "references": []})
        entry["references"] += [one for one in output["references"] if one not in entry["references"]]
    choose = random.Random(seed)
    asked = [entry for entry in passages.values() if entry["references"]]
    found: dict[str, list[dict]] = {"human": [], "rule": [], "first_sentence": [], "random_question": []}
    for output in outputs:
        if output.get("rule_question"):
            known = {name: value for name, value in output.items() if name != "read_answer"}
            found["rule"].append({**known, "model_output": output["rule_question"], "stopped": None})
    for entry, sentences in zip(asked, split_all([entry["input"] for entry in asked]), strict=True):
        fixed = {**entry, "stopped": None}
        for question in entry["references"] if len(entry["references"]) > 1 else []:
            others = [one for one in entry["references"] if one != question]
            found["human"].append({**fixed, "model_output": question, "references": others})
        found["first_sentence"].append({**fixed, "model_output": (sentences or [""])[0]})
        elsewhere = [other for other in asked if other["title"] != entry["title"]]
        elsewhere = elsewhere or [other for other in asked if other is not entry]
        if elsewhere:
            question = choose.choice(choose.choice(elsewhere)["references"])
            found["random_question"].append({**fixed, "model_output": question})
    return found
