"""The questions to put beside a chunk: checked, about different things, with their answers, or none with the reason."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial

from korqg.ask.checks import (
    CHECKS,
    OF_THE_MODEL,
    READ_BACK,
    failed_checks,
    same_thing,
)
from korqg.ask.editor import QUESTION_WORDS, edit_question
from korqg.ask.headings import ask_by_headings
from korqg.ask.rule import plainness
from korqg.ask.subject import says_whose, source_of, with_name, with_whole_name
from korqg.errors import KorqgError
from korqg.prompts import passage_of
from korqg.question import is_single_question, why_nothing_to_ask

QUESTIONS_PER_CHUNK = 3
THRESHOLD = 0.8
"""Confidence from which an answer that came back counts, where no validation articles say otherwise."""

LIKELY, SURE = 0.4, 0.5
"""Chance that readers would show a question as it is, at least, of one of the model's own (see `chance_shown`), and of
one that is shown beside others: less sure is what stands alone where there is nothing better."""

UNHELD = ("no_heading", "says_enough")
"""Checks that do not count against a reading model's own question: of 90 that failed one of them alone readers would
show 52 %, of others as likely 60."""

LIKELY_UNREAD, SURE_UNREAD = 0.82, 0.88
"""Likelihood, at least, of a question of a model that cannot vouch for it, which is shown where it `asks_how_much` of
something that it names, and of one that is sure: of 188 such readers would show 53 % as they are, of 94 less likely
ones 27."""

OF_A_HEADING, OF_YES_OR_NO = 0.8, 0.55
"""The share of questions from headings that readers would show as they are, and of those among them that ask yes or no
(n 291 and 27: 84 to 86 and 52 to 59 %): they stand between the others."""

HELD_HEADINGS = ("one_sentence", "in_its_place", "stands_alone")
"""Checks that a question from a heading is held to: the others are of one answer in one sentence."""

OF_THE_RULE, OF_A_NON_READER = (0.04, 0.25, 0.46), (0.27, 0.53)
"""The same of the rule's that says nothing of its document, says what it is about, and quotes it (n 191, 191, 129), and
of a model's that cannot read, below SURE_UNREAD and above."""

LEAST_PLAIN = 0.6
"""Plainness (0 to 1) of a question of the rule, at least."""

NOTHING_MARKED = "it holds no words that a question could be drafted about · 질문의 초안을 쓸 만한 말이 없음"


def recommend(
    asked: list[dict],
    chunks: list[dict],
    questions_per_chunk: int = QUESTIONS_PER_CHUNK,
    threshold: float = THRESHOLD,
    style: str = "plain",
    over: Callable = map,
) -> tuple[list[dict], list[dict]]:
    """The recommended questions in the order of the chunks, and the chunks left out with the reason.

    `asked` holds one entry for each candidate answer that was asked about: `chunk_id`, `title`, `place`, `passage` (the
    chunk), `sentence`, `answer`, `answer_place` ([begin, end] in the chunk), `kind`, and what RoundTrip gives.
    `chunks` holds `id`, `title`, `text` and `place` of every chunk.

    Of a chunk's questions that pass every check `questions_per_chunk` are taken at most, the model's and those of its
    headings: the likeliest to be shown first, from different sentences while there are any, never two that ask the
    same. A model that cannot vouch for its questions by reading has a `threshold` above 1 (see `trusted_threshold`).
    Where there is none that is SURE stands the best of all, or one of the rule's, the clearest. `over` applies a
    function to many chunks: `map`, or that of several processes.
    """
    by_chunk: dict[str, list[dict]] = {}
    for one in asked:
        by_chunk.setdefault(one["chunk_id"], []).append(one)
    of_chunk = partial(_recommend_for, questions_per_chunk=questions_per_chunk, threshold=threshold, style=style)
    found = list(over(of_chunk, [(chunk, by_chunk.get(chunk["id"], [])) for chunk in chunks]))
    recommended = [one for chosen, _ in found for one in chosen]
    left_out = [
        {**_of(chunk), "reason": reason} for chunk, (chosen, reason) in zip(chunks, found, strict=True) if not chosen
    ]
    return recommended, left_out


def _recommend_for(
    chunk_and_asked: tuple[dict, list[dict]], questions_per_chunk: int, threshold: float, style: str
) -> tuple[list[dict], str]:
    """A chunk's recommended questions, and where there are none the reason."""
    chunk, some = chunk_and_asked
    headings = headings_of(chunk)
    model = [judged(one, threshold, style, headings) for one in some]
    passed = [one for one in model if not one["failed"]]
    sure = [one for one in passed if one["chance"] >= SURE]
    chosen = _choose(sure + _from_headings(chunk, style), questions_per_chunk)
    if not chosen:
        rule = [judged(ruled, threshold, style, headings) for one in some if (ruled := _by_rule(one))]
        clearest = sorted((one for one in rule if not one["failed"]), key=_clearness, reverse=True)[:1]
        chosen = _choose(passed + clearest, 1)
    return [_shown(one, chunk) for one in chosen], "" if chosen else _reason(chunk, model)


def faults_of(outputs: list[dict], threshold: float) -> dict[str, list[dict]]:
    """By check of CHECKS the single questions among test outputs that fail it, unedited; one may fail several."""
    found: dict[str, list[dict]] = {
        name: [] for name in CHECKS if name not in ("single_question", "stopped", "different", *OF_THE_MODEL)
    }
    for output in outputs:
        if not is_single_question(output["model_output"]) or not output.get("answer"):
            continue
        asked = {**output, "question": output["model_output"].strip(), "chunk": passage_of(output)}
        for name in failed_checks(asked, threshold):
            if name in found:
                found[name].append(output)
    return found


def choose_run(runs: list, summaries: dict[str, dict], name: str):
    """The run of that name; without a name, of those asked about one's own document the one with the best figures.

    The highest share of answers that came back on the test articles, then the highest ROUGE-L, then the first. None
    when no run was asked about a document. Raises KorqgError for a name that is not compared.
    """
    if name:
        found = next((run for run in runs if run.name == name), None)
        if found is None:
            names = ", ".join(run.name for run in runs)
            raise KorqgError(f"recommend_run={name!r} is not among the runs that are compared: {names}.")
        return found

    def quality(run) -> tuple[float, float]:
        after = summaries[run.name]["after"]
        return after["comes_back_rate"] or 0.0, after["rouge_l"] or 0.0

    return max((run for run in runs if run.chunks), key=quality, default=None)


def headings_of(chunk: dict) -> list[str]:
    """The headings that a chunk stands under, and its first line where that is one of them."""
    section = (chunk.get("place") or {}).get("section", "")
    return [part for part in section.split(" > ") if part]


def judged(one: dict, threshold: float, style: str, headings: Iterable[str]) -> dict:
    """An asked question after the copy editor, with the checks that it `failed` and who wrote it.

    `unpassed` are the checks that it failed and those that do not count against it (see UNHELD).

    A `threshold` above 1 is of a model that cannot read: what it has answered does not count.
    """
    reads = threshold <= 1
    if not reads:
        one = {**one, "read_answer": None, "confidence": None}
    edited = edit_question(one["model_output"], style)
    question, edits, written_by = edited.text, list(edited.edits), one.get("written_by", "model")
    if (whole := with_whole_name(question, one["title"])) != question:
        question, edits = whole, [*edits, "name"]
    if written_by == "model" and edits:
        written_by = "edited"
    entry = {**one, "question": question, "edits": edits, "written_by": written_by}
    failed = failed_checks({**entry, "chunk": one["passage"]}, threshold, headings)
    chance = _chance(entry, reads)
    unheld = UNHELD if reads and written_by != "rule" else ()
    unpassed, failed = failed, [name for name in failed if name not in unheld]
    if written_by != "rule":
        unread = asks_how_much(question) and says_whose(question, one["title"])
        likely = chance >= LIKELY if reads else unread and entry["likelihood"] >= LIKELY_UNREAD
        failed += [] if likely else ["likely"]
    return {**entry, "failed": failed, "unpassed": unpassed, "chance": chance}


def _chance(entry: dict, reads: bool) -> float:
    """The share of such questions that readers would show as they are, 0 to 1: as it was measured, by who asks."""
    if entry["written_by"] == "rule":
        quotes, whose, *_ = _clearness(entry)
        return OF_THE_RULE[quotes + whose]
    return chance_shown(entry["likelihood"]) if reads else OF_A_NON_READER[entry["likelihood"] >= SURE_UNREAD]


def chance_shown(likelihood: float) -> float:
    """The share of questions of such a likelihood (0 to 1) that readers would show as they are, 0 to 1.

    A logistic regression on 1,328 questions of likelihood 0.84 or more that three adapters asked about 174 documents
    which each had not learnt, marked by one reader each (outputs/example/README.md).
    """
    return 1 / (1 + math.exp(4.61 + 2.07 * math.log(1 - min(likelihood, 0.995))))


def could_be_shown(one: dict) -> bool:
    """Whether an asked question passes every check that needs no reading back: only then is it worth reading."""
    unread = {**one, "read_answer": None, "confidence": None}
    entry = judged(unread, THRESHOLD, "", headings_of(one))
    return not entry["failed"]


def rule_could_be_shown(one: dict) -> bool:
    """Whether the rule's question about the same answer is plain and passes every check."""
    ruled = _by_rule(one)
    return bool(ruled) and not judged(ruled, THRESHOLD, "", headings_of(one))["failed"]


def _by_rule(one: dict) -> dict | None:
    """The rule's question about the same answer, its document named; None where there is none, or it is not plain.

    Its likelihood is what the model gives it, its plainness where the model was not asked. It is not held to the round
    trip: it keeps the sentence's own words, and readers find that the text answers 93 % of 218.
    """
    draft = one.get("rule_question")
    plain = plainness(draft) if draft else 0.0
    if plain < LEAST_PLAIN:
        return None
    question = with_name(draft, one["title"])
    said = {"model_output": question, "read_answer": None, "confidence": None, "stopped": True}
    return {**one, **said, "likelihood": one.get("rule_likelihood", plain), "written_by": "rule"}


def _from_headings(chunk: dict, style: str) -> list[dict]:
    """The questions that a chunk's headings ask, as entries like those of `judged`."""
    entries = []
    for asked in ask_by_headings(chunk):
        edited = edit_question(asked["question"], style) if style == "polite" else None
        question = edited.text if edited else asked["question"]
        entry = {**asked, "question": question, "sentence": asked["heading"], "title": chunk["title"], "edits": []}
        failed = failed_checks({**entry, "chunk": chunk["text"]}, THRESHOLD)
        if not any(name in HELD_HEADINGS for name in failed):
            chance = OF_A_HEADING if QUESTION_WORDS.search(question) else OF_YES_OR_NO
            said = {"read_answer": None, "confidence": None, "likelihood": None, "chance": chance}
            entries.append({**entry, **said, "written_by": "heading"})
    return entries


def asks_how_much(question: str) -> bool:
    """Whether it asks for a number, a time or a price of one thing: what a rule, or a model of few rows, asks best.

    Of 225 such questions of models that could not read readers would show 41 % as they are, of 269 others 18; of 163 of
    the rule's 16 %, of 338 others 7 (after a small edit 92 and 68 %).
    """
    return bool(re.search("몇|며칠|언제|얼마", question)) and len(re.findall(r"[은는] ", question)) < 2


def _choose(entries: list[dict], count: int) -> list[dict]:
    """At most `count` of the entries: the likeliest to be shown first, other sentences before the same."""
    waiting = sorted(entries, key=lambda one: (-one["chance"], -(one["confidence"] or 0.0)))
    chosen: list[dict] = []
    for fresh_sentence in (True, False):
        for one in waiting:
            if len(chosen) == count:
                return chosen
            used = {other["sentence"] for other in chosen}
            if one in chosen or (fresh_sentence and one["sentence"] in used):
                continue
            if not any(same_thing(one, other) for other in chosen):
                chosen.append(one)
    return chosen


def _clearness(one: dict) -> tuple:
    """How soon a question of the rule is shown: what quotes its paper, says whose it is, and asks how much goes first.

    A small number that is written out counts things that nobody asks about (종이 한 장).

    Of equals the shortest, or the likeliest where none quotes.
    """
    question, source = one["question"], source_of(one["title"])
    quotes = bool(source) and question.startswith(source)
    return (
        quotes,
        says_whose(question, one["title"]),
        asks_how_much(question) and not re.match("(한|두|세|네|다섯) ", one["answer"]),
        -len(question) if quotes else one["likelihood"],
    )


def _of(chunk: dict) -> dict:
    return {"chunk": chunk["text"], "title": chunk["title"], "place": chunk.get("place") or {}}


def _shown(one: dict, chunk: dict) -> dict:
    """A recommended question as it goes to the file, with the checks that were made of it and that it passed.

    `likelihood` is the model's of its own words (of the rule's; None where it was not asked about them), undiscounted,
    and `chance` that readers would show such a question of its own as it is (see `chance_shown`; None of the rule's,
    and of a model that cannot read, for which it does not hold).
    """
    kept = ("sentence", "question", "written_by", "edits", "confidence")
    if one["written_by"] == "heading":
        whole = {name: one[name] for name in (*kept, "answer", "answer_place", "likelihood")}
        return {**_of(chunk), **whole, "chance": None, "checks": ["single_question", *HELD_HEADINGS]}
    answer, place = _whole_answer(one)
    ruled = one["written_by"] == "rule"
    said = {"likelihood": one.get("rule_likelihood") if ruled else one["likelihood"]}
    said["chance"] = None if ruled or one["read_answer"] is None else round(one["chance"], 2)
    left_out = set() if one["read_answer"] is not None else set(READ_BACK)
    left_out |= set(OF_THE_MODEL) if one["written_by"] == "rule" else set()
    made = [name for name in CHECKS if name not in left_out and name not in one["unpassed"]]
    answered = {"answer": answer, "answer_place": place}
    return {**_of(chunk), **{name: one[name] for name in kept}, **answered, **said, "checks": made}


def _whole_answer(one: dict) -> tuple[str, list[int]]:
    """The marked answer and its place, or what came back where that names more at the place (2층 회의실 for 회의실)."""
    read, answer, (begin, end) = one["read_answer"] or "", one["answer"], one["answer_place"]
    before, found, behind = read.partition(answer)
    begin, end = begin - len(before), end + len(behind)
    if not found or re.match(r"\w", behind) or one["passage"][max(0, begin) : end] != read:
        return answer, one["answer_place"]
    return read, [begin, end]


def _reason(chunk: dict, judged_questions: list[dict]) -> str:
    """Why a chunk has no question: nothing was marked, or what most of its questions failed at first."""
    if not judged_questions:
        return why_nothing_to_ask(chunk["text"]) or NOTHING_MARKED
    first = Counter(one["failed"][0] for one in judged_questions if one["failed"])
    name = first.most_common(1)[0][0]
    count, (english, korean) = len(judged_questions), CHECKS[name].split(" · ")
    return (
        f"of {count} questions none passed; most often, {english} · "
        f"질문 {count}개가 모두 검사에 걸림. 가장 흔한 까닭: {korean}"
    )
