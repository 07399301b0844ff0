"""The best of several sampled questions: checks first, then a reader's confidence and the candidates' agreement.

One function for each step, so that notebook 2 can show and time them: draw, let a reader answer, choose. Confidence
alone finds easy questions that nobody would ask; what most candidates are about is what the model takes to be worth
asking (minimum Bayes risk decoding, Kumar and Byrne 2004, https://aclanthology.org/N04-1022/).
"""

import math
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, replace

from korqg.checks import ask_the_same, is_copied
from korqg.generation import read_answer, read_output
from korqg.metrics import is_single_question, rouge_l, unified
from korqg.prompts import INSTRUCTIONS, encode_prompt, given_and_passage, task_texts
from korqg.reader import character_f1, gives_answer_away, stands_in
from korqg.sampling import sample_tokens

TEMPERATURE, TOP_P = 0.8, 0.95
"""How freely candidates are drawn: at 0 all would be the greedy one, at 1 many would miss the form."""

LONGEST_ANSWER = 32
"""Tokens of a reader's answer at most."""

AGREEMENT_WEIGHT = 0.25
"""The power of the agreement beside the score: 0 ranks by the score alone, 1 lets both weigh the same.

Of 0, 0.25, 0.5, 1 and 2 the least that kept ROUGE-L within a point of the greedy questions', on candidates about the
243 test paragraphs of KorQuAD 1.0 dev, ranked by a reader; it was not tried on others, nor without a reader.
"""

FAILURES = {
    "single_question": "not a single question",
    "stopped": "did not stop by itself",
    "own_words": "copied from the paragraph",
    "answer_found": "its answer does not stand in the paragraph",
    "keeps_its_answer": "gives its own answer away",
    "different": "asks the same as a better one",
}
"""The checks of a candidate in their order, each with what is said of one that fails it."""


@dataclass(frozen=True)
class Candidate:
    """A sampled question about a passage, and what is known of it.

    `answer` is the one that the model named for it (after task answer_first), `read_answer` the reader's, "" where
    there is none; `log_probability` the mean over its tokens (nats), `confidence` the reader's (0 to 1, None: not
    asked), `agreement` the mean ROUGE-L with the passage's other candidates (0 to 1, None: there is no other). `failed`
    names the first check of FAILURES that it does not pass, "" while there is none.
    """

    question: str
    answer: str
    stopped: bool
    log_probability: float
    _: KW_ONLY
    read_answer: str = ""
    confidence: float | None = None
    agreement: float | None = None
    failed: str = ""

    @property
    def score(self) -> float:
        """0 to 1: the reader's confidence, times how well its answer agrees with the one that the model named.

        Without a reader the geometric mean of the probabilities of the candidate's tokens.
        """
        if self.confidence is None:
            return math.exp(self.log_probability)
        return self.confidence * (character_f1(self.read_answer, [self.answer]) if self.answer else 1.0)

    @property
    def rank(self) -> float:
        """0 to 1, what the candidates of a passage are ordered by: the score, and how near it is to what others ask."""
        return self.score * (1.0 if self.agreement is None else self.agreement**AGREEMENT_WEIGHT)

    def as_dict(self) -> dict:
        """Ready for JSON; the answer is the model's where it named one, else the reader's."""
        return {
            "question": self.question,
            "answer": self.answer or self.read_answer,
            "read_answer": self.read_answer,
            "confidence": self.confidence,
            "score": self.score,
            "log_probability": self.log_probability,
            "agreement": self.agreement,
            "stopped": self.stopped,
            "failed": self.failed,
        }


def draw_candidates(
    model,
    tokenizer,
    rows: list[dict],
    candidates: int,
    max_length: int,
    max_new_tokens: int,
    batch_size: int,
    seed: int,
    prompt_format: str = "turns",
    progress: Callable[[str], None] | None = None,
) -> list[list[Candidate]]:
    """`candidates` sampled questions for each row, checked as far as that goes without a reader."""
    prompts = [encode_prompt(tokenizer, row["instruction"], row["input"], max_length, prompt_format)[0] for row in rows]
    drawn = sample_tokens(
        model, prompts, candidates, max_new_tokens, batch_size, seed, TEMPERATURE, TOP_P, progress=progress
    )
    return [
        check_candidates([_candidate(tokenizer, row, sample) for sample in samples], row["input"])
        for row, samples in zip(rows, drawn, strict=True)
    ]


def draw_greedy(
    model,
    tokenizer,
    rows: list[dict],
    max_length: int,
    max_new_tokens: int,
    batch_size: int,
    prompt_format: str = "turns",
) -> list[Candidate]:
    """The greedy question of each row by the same loop that draws candidates: what their time is compared with."""
    prompts = [encode_prompt(tokenizer, row["instruction"], row["input"], max_length, prompt_format)[0] for row in rows]
    drawn = sample_tokens(model, prompts, 1, max_new_tokens, batch_size, seed=0, temperature=0)
    return [_candidate(tokenizer, row, sample) for row, (sample,) in zip(rows, drawn, strict=True)]


def _candidate(tokenizer, row: dict, sample) -> Candidate:
    said = read_output(tokenizer, row["instruction"], list(sample.ids))
    answer = said.get("model_answer", "")
    # A row of answer_first without its answer has not the form that was asked for, question or not.
    failed = "" if answer or row["instruction"] != INSTRUCTIONS["answer_first"] else "single_question"
    return Candidate(said["model_output"], answer, said["stopped"], sample.log_probability, failed=failed)


def check_candidates(candidates: list[Candidate], text: str) -> list[Candidate]:
    """The candidates for one input, each with the first check that it fails; `text` is the row's input."""
    kind, given, passage = given_and_passage(text)
    return [
        replace(one, failed=one.failed or _failed(one, passage, given if kind == "answer" else ""))
        for one in candidates
    ]


def _failed(one: Candidate, passage: str, given: str) -> str:
    answers = [answer for answer in (one.answer or given, one.read_answer) if answer]
    passed = {
        "single_question": is_single_question(one.question),
        "stopped": one.stopped,
        "own_words": not is_copied(one.question, passage),
        "answer_found": all(stands_in(answer, passage) for answer in answers),
        "keeps_its_answer": not any(gives_answer_away(one.question, answer) for answer in answers),
    }
    return next((name for name, good in passed.items() if not good), "")


def ask_reader(
    model, tokenizer, rows: list[dict], candidates: list[list[Candidate]], max_length: int, batch_size: int
) -> list[list[Candidate]]:
    """The candidates with the reader's answers and confidences, checked again; `model` has the reader's adapter active.

    Each different question of a passage is read once, and only those that no check has failed so far.
    """
    asked = {
        (unified(one.question), unified(row["input"])): (one.question, given_and_passage(row["input"])[2])
        for row, some in zip(rows, candidates, strict=True)
        for one in some
        if not one.failed
    }
    texts = [task_texts("answer", passage, question, "") for question, passage in asked.values()]
    prompts = [encode_prompt(tokenizer, instruction, text, max_length)[0] for instruction, text, _ in texts]
    read = sample_tokens(model, prompts, 1, LONGEST_ANSWER, 4 * batch_size, seed=0, temperature=0)
    said = {
        key: (read_answer(tokenizer, list(one.ids))["model_output"], min(1.0, math.exp(one.log_probability)))
        for key, (one,) in zip(asked, read, strict=True)
    }
    found = []
    for row, some in zip(rows, candidates, strict=True):
        keys = [(unified(one.question), unified(row["input"])) for one in some]
        known = [
            one if one.failed else replace(one, read_answer=said[key][0], confidence=said[key][1])
            for one, key in zip(some, keys, strict=True)
        ]
        # A reader without an answer speaks against the question, which an empty text would not.
        silent = [one.confidence is not None and not one.read_answer for one in known]
        known = [replace(one, failed="answer_found") if no else one for one, no in zip(known, silent, strict=True)]
        found.append(check_candidates(known, row["input"]))
    return found


def with_agreement(candidates: list[Candidate]) -> list[Candidate]:
    """The candidates of a passage, each with its mean ROUGE-L with the other ones that stopped and are not empty."""
    texts = [one.question if one.stopped else "" for one in candidates]
    found = []
    for place, one in enumerate(candidates):
        others = [text for text in texts[:place] + texts[place + 1 :] if text.strip()]
        likeness = [rouge_l(one.question, [text]) for text in others]
        found.append(replace(one, agreement=sum(likeness) / len(likeness) if likeness else None))
    return found


def choose(candidates: list[Candidate], count: int) -> tuple[list[Candidate], list[Candidate]]:
    """At most `count` questions that passed the checks and ask different things, the best first; and the others.

    The best has the highest `rank`. The others come in that order too, with `failed` telling why; one that was good
    enough but not needed has "".
    """
    chosen, others = [], []
    for one in sorted(with_agreement(candidates), key=lambda candidate: (bool(candidate.failed), -candidate.rank)):
        if one.failed:
            others.append(one)
        elif any(ask_the_same(one.question, c.question, _answer(one), _answer(c)) for c in chosen):
            others.append(replace(one, failed="different"))
        elif len(chosen) < count:
            chosen.append(one)
        else:
            others.append(one)
    return chosen, others


def _answer(candidate: Candidate) -> str:
    return candidate.answer or candidate.read_answer


def best_of_output(output: dict, candidates: list[Candidate], count: int) -> dict:
    """An output of notebook 2 (see its files) with the best candidate in place of its greedy question.

    `questions` holds up to `count` that were chosen, the best first, `rejected` the others. Where no candidate passed
    the checks `model_output` is "" and `reason` says what became of most of them: no question is better than a bad one.
    """
    chosen, others = choose(candidates, count)
    best = {"model_output": chosen[0].question if chosen else "", "stopped": True}
    if chosen and _answer(chosen[0]):
        best["model_answer"] = _answer(chosen[0])
    if not chosen:
        failures = [one.failed for one in others]
        best["reason"] = FAILURES[max(FAILURES, key=failures.count)]
    kept = {name: value for name, value in output.items() if name not in ("model_output", "stopped", "model_answer")}
    questions, rejected = ([one.as_dict() for one in some] for some in (chosen, others))
    return {**kept, **best, "questions": questions, "rejected": rejected}
