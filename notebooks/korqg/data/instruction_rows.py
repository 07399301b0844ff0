"""Instruction rows, split by article."""

import itertools
import random
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from rapidfuzz import fuzz

from korqg.ask.candidates import NOUN, CandidateAnswer, candidate_at, choose_candidates, find_candidates
from korqg.ask.checks import support
from korqg.ask.drafts import draft_of
from korqg.ask.editor import edit_question
from korqg.ask.rule import ask_roughly
from korqg.data.answer_places import nearest
from korqg.data.corpus import NO_ANSWER, Passage, Question, make_passage_id, normalized
from korqg.data.documents.chunks import Chunk
from korqg.data.near_copies import ArticleGroups, near_duplicates
from korqg.errors import KorqgError
from korqg.prompts import INSTRUCTIONS, marked_sentence, passage_of, question_and_passage
from korqg.question import is_single_question, why_nothing_to_ask
from korqg.sentences import opening_of, split_sentences

SPLITS = ("train", "validation", "test")
# Share of the questions that may be lost where long passages are divided: what is left would be another corpus.
MOST_HOMELESS = 0.5
DEALS = 20  # So often are the articles dealt out anew where copies that must go leave a side without any


def make_row(
    passage: Passage, question: Question, task: str = "question", style: str = "", opening: str = ""
) -> dict | None:
    """One row for a task: instruction, input and output (Alpaca's three keys), and where they come from.

    Where the input is not the paragraph itself the row holds it as `passage`. Of task answer_aware it also has
    `answer_place` (begin and end of the answer in the passage) and `rule_question` (the rule's question, which is the
    draft; "" where it has none, and the draft is a rough one), its input has the `opening` of the passage's article
    (see korqg.sentences.opening_of), and its output is the question in the copy editor's
    `style` (see korqg.ask.editor; "": as it was written); None where no one sentence holds the answer.
    """
    row = {
        "id": question.id,
        "title": passage.title,
        "passage_id": passage.id,
        "instruction": INSTRUCTIONS[task],
        "input": passage.text,
        "output": question.text,
        "answer": question.answer,
    }
    if task == "question":
        return {**row, "instruction": question.instruction or INSTRUCTIONS[task]}
    if task == "answer":
        given = {"input": question_and_passage(question.text, passage.text), "output": question.answer}
        return {**row, **given, "id": f"{question.id}-answer", "passage": passage.text}
    candidate = candidate_at(passage.text, question.answer_start, question.answer_start + len(question.answer))
    if candidate is None:
        return None
    ruled = draft_of(candidate, passage.title)
    return {
        **row,
        "input": asking_input(passage.title, candidate, ruled or ask_roughly(candidate), opening),
        "rule_question": ruled,
        "output": edit_question(question.text, style).text if style else question.text,
        "passage": passage.text,
        "answer_place": [candidate.start, candidate.end],
    }


def asking_input(title: str, candidate: CandidateAnswer, draft: str, opening: str) -> str:
    """The input of task answer_aware for a candidate (see marked_sentence); of the title no part stands there twice."""
    title = " > ".join(dict.fromkeys(title.split(" > ")))
    return marked_sentence(title, candidate.before, candidate.sentence, candidate.place_in_sentence, draft, opening)


def make_own_rows(chunk: Chunk, count: int, rough: bool = False) -> list[dict]:
    """A row for each of at most `count` candidate answers of a chunk of one's own document, its output empty.

    Beside the keys of `make_row` it has `chunk_id`, `kind` (of the candidate), `sentence`, `rule_question`, and
    `place`, which says where the chunk stands in the document (see Chunk; what the document does not have is left out).
    Words that the rule has a question about come first: its question is the draft. With `rough` the rest of the `count`
    are words with a rough draft, no bare nouns, and their `rule_question` is "": for a model that has learnt to rewrite
    such (one trained on few rows copies them; of 13 such questions readers would show one). [] for a chunk without any.
    """
    heading = chunk.section.split(" > ")[-1] if chunk.section else ""
    title = _title_to_ask_with(chunk)
    if why_nothing_to_ask(chunk.text):
        return []
    found = find_candidates(chunk.text, heading)
    ruled = {one: draft for one in found if (draft := draft_of(one, title))}
    chosen, roughly = choose_candidates(list(ruled), count), {}
    if rough and len(chosen) < count:
        others = [one for one in found if one not in ruled and one.kind != NOUN]
        roughly = {one: draft for one in others if (draft := ask_roughly(one))}
        chosen += choose_candidates(list(roughly), count - len(chosen))
    return [
        make_own_row(
            chunk,
            INSTRUCTIONS["answer_aware"],
            id=f"{chunk.id}-{number}",
            input=asking_input(title, one, ruled.get(one) or roughly[one], chunk.opening),
            answer=one.text,
            answer_place=[one.start, one.end],
            kind=one.kind,
            sentence=one.sentence,
            passage=chunk.text,
            rule_question=ruled.get(one, ""),
            opening=chunk.opening,
        )
        for number, one in enumerate(chosen, start=1)
    ]


def named_by_file(title: str, file: str) -> bool:
    """Whether a document has no title but its file's name, without Hangul, which says nothing to ask with."""
    first = title.split(" > ")[0]
    return bool(file) and first == Path(file).stem and not re.search("[가-힣]", first)


def _title_to_ask_with(chunk: Chunk) -> str:
    """A chunk's title, without the name of a file where the document has no other."""
    first, *rest = chunk.title.split(" > ")
    return " > ".join(rest) if named_by_file(first, chunk.file) else chunk.title


def make_own_row(chunk: Chunk, instruction: str, **asked: Any) -> dict:
    """A row that asks about a whole chunk, for models of task question: no reference question, no answer.

    What is `asked` for within the chunk takes the place of those values, or stands beside them.
    """
    row = {
        "id": chunk.id,
        "title": chunk.title,
        "passage_id": make_passage_id(chunk.text),
        "instruction": instruction,
        "input": chunk.text,
        "output": "",
        "answer": "",
    }
    return {**row, **asked, "chunk_id": chunk.id, "place": place_of_chunk(chunk)}


def own_rows_of(chunks: Iterable[Chunk], train: Iterable[dict], tasks: Iterable[str], count: int) -> list[dict]:
    """The rows of one's own document for a model that learns `tasks`: see make_own_rows, or else make_own_row."""
    if "answer_aware" in tasks:
        return [row for chunk in chunks for row in make_own_rows(chunk, count)]
    instruction = instruction_for_documents(train)
    return [make_own_row(chunk, instruction) for chunk in chunks]


def place_of_chunk(chunk: Chunk) -> dict:
    """Where a chunk stands in its document: file, section, paragraphs, pages, as far as they are known.

    `part` is there from a section's second chunk on.
    """
    place = {
        "file": chunk.file,
        "section": chunk.section,
        "paragraphs": [chunk.first_paragraph, chunk.last_paragraph] if chunk.first_paragraph else None,
        "pages": [chunk.first_page, chunk.last_page] if chunk.first_page else None,
        "part": chunk.part if chunk.part > 1 else None,
    }
    return {name: value for name, value in place.items() if value}


def divide_passages(
    passages: list[Passage], max_tokens: int, count_tokens: Callable[[str], int]
) -> tuple[list[Passage], list[dict]]:
    """Divide passages of more than `max_tokens` tokens into parts of whole sentences.

    Each question goes with the part that holds its answer, or, where the place of the answer is not known, with the
    part that has most in common with the question (and the answer's words), or, where no sentence is short enough,
    with words of it; a part that nobody asks about is left out. A question whose answer lies across two parts, or in a
    sentence that alone is too long, is left out and returned as {"file", "id", "reason"}. Raises KorqgError when more
    than MOST_HOMELESS of the questions would be lost.
    """
    kept, dropped = [], []
    for passage in passages:
        if count_tokens(passage.text) <= max_tokens:
            kept.append(passage)
            continue
        parts = _parts(passage.text, _sentence_spans(passage.text), max_tokens, count_tokens)
        if not parts and all(question.answer_start < 0 for question in passage.questions):
            words = (word.span() for word in re.finditer(r"\S+", passage.text))
            parts = _parts(passage.text, words, max_tokens, count_tokens)
        asked: list[list[Question]] = [[] for _ in parts]
        for question in passage.questions:
            number = _part_of(question, passage.text, parts)
            if number is not None:
                place = question.answer_start - parts[number][0] if question.answer_start >= 0 else -1
                asked[number].append(replace(question, answer_start=place))
                continue
            reason = f"no part of its paragraph with at most max_passage_tokens={max_tokens} tokens " + (
                "holds the whole answer" if parts and question.answer_start >= 0 else "is made of whole sentences"
            )
            dropped.append({"file": passage.title, "id": question.id, "reason": reason})
        for (begin, end), inside in zip(parts, asked, strict=True):
            if inside:
                text = passage.text[begin:end]
                kept.append(Passage(make_passage_id(text), passage.title, text, tuple(inside)))
    asked_in_all = sum(len(passage.questions) for passage in passages)
    if len(dropped) > MOST_HOMELESS * asked_in_all:
        raise KorqgError(
            f"{len(dropped)} of {asked_in_all} questions would be lost: {dropped[0]['reason']}. Raise "
            "max_passage_tokens, or put full stops where sentences end."
        )
    return kept, dropped


def instruction_for_documents(rows: Iterable[dict]) -> str:
    """What a model that learnt these rows is told to do with a document: their instruction, where they have one alone.

    Rows of one's own may each bring an order of their own, which is about their text and no other: one row alone, too.
    """
    instructions = [row["instruction"] for row in rows]
    return instructions[0] if len(instructions) > 1 and len(set(instructions)) == 1 else INSTRUCTIONS["question"]


def _part_of(question: Question, text: str, parts: list[tuple[int, int]]) -> int | None:
    """The number of the part that a question is about; None where none holds the whole answer, or there is none."""
    start = question.answer_start
    if start >= 0:
        held = (begin <= start and start + len(question.answer) <= end for begin, end in parts)
        return next((number for number, holds in enumerate(held) if holds), None)
    return nearest(f"{question.text} {question.answer}", [text[begin:end] for begin, end in parts]) if parts else None


def _sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """Begin and end of each sentence, one without a blank before it too."""
    end = 0
    for sentence in split_sentences(text):
        start = text.index(sentence, end)
        end = start + len(sentence)
        yield start, end


def _parts(
    text: str, pieces: Iterable[tuple[int, int]], max_tokens: int, count_tokens: Callable[[str], int]
) -> list[tuple[int, int]]:
    """Begin and end of runs of whole pieces with at most `max_tokens` tokens; longer pieces are left out."""
    parts, begin, end = [], 0, 0
    for start, stop in pieces:
        if count_tokens(text[begin:stop]) > max_tokens:
            parts.append((begin, end))
            begin = start
        end = stop
    parts.append((begin, end))
    return [part for part in parts if part[0] < part[1] and count_tokens(text[slice(*part)]) <= max_tokens]


def split_by_article(
    passages: list[Passage], groups: ArticleGroups, validation_fraction: float, test_fraction: float, seed: int
) -> tuple[dict[str, list[Passage]], list[dict]]:
    """Passages of whole articles as {"train", "validation", "test"}, in the corpus's order, and what was dropped.

    `groups` comes from `join_articles(passages)`: articles that share a paragraph, word for word or nearly, are
    on the same side, so no article and no paragraph is on two. The fractions count groups; articles with edited drafts
    alone are for training, and do not count. A paragraph that stands in too many articles for that stays on one side,
    test before validation before train; its copies elsewhere are dropped and returned as {"file", "id", "reason"}.
    Raises KorqgError when there are too few.
    """
    to_test_by = {passage.title for passage in passages if not all(one.edited_draft for one in passage.questions)}
    names = sorted({group for title, group in groups.group_of.items() if title in to_test_by})
    sizes = {
        "validation": max(1, round(len(names) * validation_fraction)),
        "test": max(1, round(len(names) * test_fraction)),
    }
    if len(names) - sum(sizes.values()) < 1:
        raise KorqgError(
            f"{len(names)} articles are too few to split into train, validation and test (articles that share a "
            "paragraph count as one): at least three are needed, and validation_fraction and test_fraction must "
            "leave some for training."
        )
    shuffled, left = random.Random(seed), []
    for _ in range(DEALS):
        shuffled.shuffle(names)
        side = dict.fromkeys(groups.group_of.values(), "train")
        side.update(dict.fromkeys(names[: sizes["test"]], "test"))
        side.update(dict.fromkeys(names[sizes["test"] : sizes["test"] + sizes["validation"]], "validation"))
        sides = [side[groups.group_of[passage.title]] for passage in passages]
        split, dropped = _without_common(passages, sides, groups.common)
        left = [name for name in SPLITS if not split[name]]
        if not left:
            return split, dropped
    raise KorqgError(
        f"Nothing is left for {left[0]}: its paragraphs all have copies in other articles. "
        "Take the repeated paragraphs out of the corpus, or add articles."
    )


def _without_common(
    passages: list[Passage], sides: list[str], common: Iterable[frozenset[str]]
) -> tuple[dict[str, list[Passage]], list[dict]]:
    """The passages on their sides without those that share a common text with another side, and these as records."""
    texts_of: dict[str, list[int]] = {}
    for number, ids in enumerate(common):
        for name in ids:
            texts_of.setdefault(name, []).append(number)
    stays: dict[int, str] = {}  # the side on which a common text stays
    for passage, name in zip(passages, sides, strict=True):
        for number in texts_of.get(passage.id, ()):
            stays[number] = max(name, stays.get(number, name), key=SPLITS.index)
    split, dropped = {name: [] for name in SPLITS}, []
    for passage, name in zip(passages, sides, strict=True):
        others = [stays[number] for number in texts_of.get(passage.id, ()) if stays[number] != name]
        if others:
            reason = f"a copy of this paragraph, or of a sentence of it, stands on the {others[0]} side"
            dropped.append({"file": passage.title, "id": passage.id, "reason": reason})
        else:
            split[name].append(passage)
    return split, dropped


def shared_between_splits(rows: dict[str, list[dict]]) -> dict[str, set]:
    """What stands on more than one side, from the rows alone: all three sets must be empty.

    "titles" holds titles, "passages" paragraphs (letters and digits), and "copies" pairs of `passage_id` of
    paragraphs that are near copies of each other.
    """
    found = {"titles": set(), "passages": set(), "copies": set()}
    for kind, key in (("titles", lambda row: row["title"]), ("passages", lambda row: normalized(passage_of(row)))):
        sides: dict[str, str] = {}
        for name in SPLITS:
            for row in rows[name]:
                if sides.setdefault(key(row), name) != name:
                    found[kind].add(key(row))
    paragraphs = sorted({(name, row["passage_id"], passage_of(row)) for name in SPLITS for row in rows[name]})
    for one, two in near_duplicates([text for _, _, text in paragraphs]):
        if paragraphs[one][0] != paragraphs[two][0]:
            found["copies"].add((paragraphs[one][1], paragraphs[two][1]))
    return found


def make_rows(
    split: dict[str, list[Passage]],
    questions_per_passage: str,
    max_train_rows: int,
    seed: int,
    tasks: Iterable[str] = ("question",),
    style: str = "",
) -> tuple[dict[str, list[dict]], list[dict]]:
    """The rows of each side for one task or several, and the questions left out as {"file", "id", "reason"}.

    Only the training side is ever made smaller, so validation and test stay comparable. `questions_per_passage`
    "first" takes one question a training paragraph; `max_train_rows` (0: all) takes the first of a seeded order, so
    that of two sizes the smaller is a part of the larger; where a corpus has edited drafts, they come first (see
    `drafts_first`), and before them the user's own questions. A task that needs the answer leaves out questions without
    one. Of task answer_aware training and validation questions are written in one `style`, and those that speak of what
    the asker cannot see (see `grounded`) are left out; test questions stay as people wrote them. Edited drafts (see
    Question) are for training, and not for task question. Raises KorqgError when a side is left without a row.
    """
    rows: dict[str, list[dict]] = {name: [] for name in split}
    left_out: list[dict] = []
    unanswered: dict[str, str] = {}
    articles = {p.title for some in split.values() for p in some if not all(q.edited_draft for q in p.questions)}
    drafts: dict[str, bool] = {}  # rows of edited drafts, and whether they are about a document's chunk
    own: set[str] = set()  # rows of the user's own questions
    openings: dict[str, str] = {}  # of each article
    for passage in itertools.chain(*split.values()):
        if (article := passage.title.split(" > ")[0]) not in openings:
            openings[article] = opening_of(passage.text)
    for name, passages in split.items():
        learnt = name != "test"
        for task in tasks:
            for passage, question in ((p, q) for p in passages for q in p.questions):
                if question.edited_draft and (name != "train" or task == "question"):
                    continue
                if task != "question" and not question.answer:
                    unanswered.setdefault(question.id, passage.title)
                    continue
                opening = openings[passage.title.split(" > ")[0]]
                row = make_row(passage, question, task, style if learnt else "", opening)
                reason = "its answer does not stand in one sentence" if row is None else ""
                if row and task == "answer_aware" and learnt:
                    if not is_single_question(row["output"]):
                        reason = "it is no question in form, but keywords"
                    elif not grounded(row):
                        reason = "it speaks of things that stand neither in its sentence nor before it"
                if reason:
                    left_out.append({"file": passage.title, "id": question.id, "reason": reason})
                else:
                    rows[name].append(row)
                    own |= {row["id"]} if question.own else set()
                    if question.edited_draft and row.get("rule_question"):
                        drafts[row["id"]] = passage.title not in articles
        if passages and not rows[name]:
            raise KorqgError(f"No row is left for {name} with task={'+'.join(tasks)}: its questions have no answer.")
    left_out += [{"file": title, "id": name, "reason": NO_ANSWER} for name, title in unanswered.items()]
    train = rows["train"]
    if questions_per_passage == "first":
        seen: set[tuple] = set()
        pairs = [(row["passage_id"], row["instruction"]) for row in train]
        train = [row for row, pair in zip(train, pairs, strict=True) if not (pair in seen or seen.add(pair))]
    random.Random(seed).shuffle(train)
    train = sorted(drafts_first(train, drafts), key=lambda row: row["id"] not in own)
    rows["train"] = train[:max_train_rows] if max_train_rows else train
    return rows, left_out


DRAFTS_TO_AN_ANSWER = 9  # Edited drafts in front of each answering row, while there are any
SMALL_EDIT = 0.75  # Similarity (rapidfuzz's partial ratio, 0 to 1) from which a question holds its draft


def drafts_first(train: list[dict], drafts: dict[str, bool]) -> list[dict]:
    """Training rows with the edited drafts in front, and an answering row behind every ninth of them.

    `drafts` says by id whether a draft is of a document that nobody but an editor has asked about.

    Those of the others, the articles, take turns with them: a model of 400 rows with the documents' first asked 88.6 %
    single questions, where one of 360 rows by turns asks 98.7, and was less sure of all that it asked. Questions that
    hold their draft come first (see SMALL_EDIT): after 320 of these a held-back edit has a loss of 0.829 nats a token,
    after 320 of any kind 0.836, and of 131 chunks the model has a likely question for 55 in place of 24.

    What few rows teach a small model is how to edit a draft: after 450 of them, seen once, a held-back edit has a loss
    of 0.77 nats a token (after 900 0.71), after 450 rows of every kind 0.83.
    """
    kinds: dict[tuple[bool, bool], list[dict]] = {(large, of): [] for large in (False, True) for of in (False, True)}
    for row in train:
        if row["id"] in drafts:
            large = fuzz.partial_ratio(row["rule_question"], row["output"]) < 100 * SMALL_EDIT
            kinds[large, drafts[row["id"]]].append(row)
    turns = [itertools.zip_longest(kinds[large, False], kinds[large, True]) for large in (False, True)]
    edited = [row for turn in itertools.chain(*turns) for row in turn if row]
    others = [row for row in train if row["id"] not in drafts]
    answers = iter([row for row in others if row["instruction"] == INSTRUCTIONS["answer"]])
    front: list[dict] = []
    for number, row in enumerate(edited, start=1):
        front.append(row)
        if number % DRAFTS_TO_AN_ANSWER == 0 and (answer := next(answers, None)):
            front.append(answer)
    used = {row["id"] for row in front}
    return front + [row for row in others if row["id"] not in used]


GROUNDED = 0.6  # Share of a question's content words, at least, that a row of task answer_aware must show to the asker


def grounded(row: dict) -> bool:
    """Whether the question of a row of task answer_aware can be asked from its input alone."""
    return support(row["output"], row["input"]) >= GROUNDED


def rows_to_ask(rows: Iterable[dict], split: str) -> list[dict]:
    """One entry a prompt (see rows_by_prompt) to put to a model that asks, with its `split`.

    Rows of task answer are left out, unless there are no others: then the model only answers.
    """
    asking = [row for row in rows if row["instruction"] != INSTRUCTIONS["answer"]]
    return [{**row, "split": split} for row in rows_by_prompt(asking or rows)]


def rows_by_prompt(rows: Iterable[dict]) -> list[dict]:
    """One entry a prompt: its first row, with all of its outputs under "references".

    Where a question is asked about a paragraph, that is one entry a paragraph; where the answer or the question
    is given with it, one a row.
    """
    prompts: dict[tuple, dict] = {}
    for row in rows:
        entry = prompts.setdefault((row["instruction"], row["input"]), {**row, "references": []})
        reference = row["output"]
        if reference and reference not in entry["references"]:
            entry["references"].append(reference)
    return list(prompts.values())
