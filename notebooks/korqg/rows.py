"""Instruction rows, split by article."""

import random
from collections.abc import Callable, Iterable

from korqg.corpus import Passage, Question, make_passage_id, normalized
from korqg.documents import Chunk, split_sentences
from korqg.errors import KorqgError
from korqg.prompts import INSTRUCTIONS

SPLITS = ("train", "validation", "test")


def make_row(passage: Passage, question: Question) -> dict:
    """One row: the instruction, the paragraph and the reference question (Alpaca's three keys, and more)."""
    return {
        "id": question.id,
        "title": passage.title,
        "passage_id": passage.id,
        "instruction": INSTRUCTIONS["question"],
        "input": passage.text,
        "output": question.text,
        "answer": question.answer,
    }


def make_own_row(chunk: Chunk) -> dict:
    """A row for a chunk of the user's own document: there is no reference question and no answer."""
    return {
        "id": chunk.id,
        "title": chunk.title,
        "passage_id": make_passage_id(chunk.text),
        "instruction": INSTRUCTIONS["question"],
        "input": chunk.text,
        "output": "",
        "answer": "",
    }


def shorten_passages(
    passages: list[Passage], max_tokens: int, count_tokens: Callable[[str], int]
) -> tuple[list[Passage], list[dict]]:
    """Cut passages of more than `max_tokens` tokens after their last whole sentence that fits.

    Questions whose answer stands behind the cut are left out and returned as {"file", "id", "reason"}.
    """
    kept, dropped = [], []
    for passage in passages:
        if count_tokens(passage.text) <= max_tokens:
            kept.append(passage)
            continue
        text, end = "", 0
        for sentence in split_sentences(passage.text):
            place = passage.text.index(sentence, end) + len(sentence)
            if count_tokens(passage.text[:place]) > max_tokens:
                break
            text, end = passage.text[:place], place
        inside = tuple(q for q in passage.questions if q.answer_start + len(q.answer) <= end)
        reason = f"the answer stands behind the first {max_tokens} tokens of its paragraph"
        dropped += [{"file": passage.title, "id": q.id, "reason": reason} for q in passage.questions if q not in inside]
        if inside:
            kept.append(Passage(make_passage_id(text), passage.title, text, inside))
    return kept, dropped


def split_by_article(
    passages: list[Passage], validation_fraction: float, test_fraction: float, seed: int
) -> dict[str, list[Passage]]:
    """Passages of whole articles as {"train", "validation", "test"}, in the corpus's order.

    Articles that share a paragraph (letters and digits compared) stay on the same side, so no article and
    no paragraph is on two. The fractions count articles. Raises KorqgError when there are too few.
    """
    groups = _articles_together(passages)
    names = sorted({group for group in groups.values()})
    sizes = {
        "validation": max(1, round(len(names) * validation_fraction)),
        "test": max(1, round(len(names) * test_fraction)),
    }
    if len(names) - sum(sizes.values()) < 1:
        raise KorqgError(
            f"{len(names)} articles are too few to split into train, validation and test: at least three are needed, "
            "and validation_fraction and test_fraction must leave some for training."
        )
    random.Random(seed).shuffle(names)
    side = dict.fromkeys(names, "train")
    side.update(dict.fromkeys(names[: sizes["test"]], "test"))
    side.update(dict.fromkeys(names[sizes["test"] : sizes["test"] + sizes["validation"]], "validation"))
    split = {name: [] for name in SPLITS}
    for passage in passages:
        split[side[groups[passage.title]]].append(passage)
    return split


def shared_between_splits(rows: dict[str, list[dict]]) -> dict[str, set[str]]:
    """Titles and paragraphs that stand on more than one side: both sets must be empty."""
    found = {"titles": set(), "passages": set()}
    for kind, key in (("titles", lambda row: row["title"]), ("passages", lambda row: normalized(row["input"]))):
        sides: dict[str, str] = {}
        for name in SPLITS:
            for row in rows[name]:
                if sides.setdefault(key(row), name) != name:
                    found[kind].add(key(row))
    return found


def make_rows(
    split: dict[str, list[Passage]], questions_per_passage: str, max_train_rows: int, seed: int
) -> dict[str, list[dict]]:
    """The rows of each side. Only the training side is made smaller, so validation and test stay comparable.

    `questions_per_passage` "first" takes one question a training paragraph; `max_train_rows` (0: all) takes
    the first of a seeded order, so that of two sizes the smaller is a part of the larger.
    """
    rows = {name: [make_row(p, q) for p in passages for q in p.questions] for name, passages in split.items()}
    train = rows["train"]
    if questions_per_passage == "first":
        train = [make_row(passage, passage.questions[0]) for passage in split["train"]]
    random.Random(seed).shuffle(train)
    rows["train"] = train[:max_train_rows] if max_train_rows else train
    return rows


def rows_by_passage(rows: Iterable[dict]) -> list[dict]:
    """One entry a paragraph: its first row, with all of its reference questions under "references"."""
    passages: dict[str, dict] = {}
    for row in rows:
        entry = passages.setdefault(row["passage_id"], {**row, "references": []})
        if row["output"] and row["output"] not in entry["references"]:
            entry["references"].append(row["output"])
    return list(passages.values())


def _articles_together(passages: list[Passage]) -> dict[str, str]:
    """For each title the name of its group: articles that share a paragraph have the same."""
    group = {passage.title: passage.title for passage in passages}

    def leader(title: str) -> str:
        while group[title] != title:
            title = group[title]
        return title

    first_with: dict[str, str] = {}
    for passage in passages:
        other = first_with.setdefault(normalized(passage.text), passage.title)
        one, two = sorted((leader(passage.title), leader(other)))
        group[two] = one
    return {title: leader(title) for title in group}
