"""Instruction rows, split by article."""

import random
from collections.abc import Callable, Iterable
from dataclasses import replace

from korqg.corpus import Passage, Question, make_passage_id, normalized
from korqg.documents import Chunk
from korqg.errors import KorqgError
from korqg.leaks import ArticleGroups, near_duplicates
from korqg.prompts import passage_of, task_texts
from korqg.sentences import split_sentences

SPLITS = ("train", "validation", "test")


def make_row(passage: Passage, question: Question, task: str = "question") -> dict:
    """One row for a task: instruction, input and output (Alpaca's three keys), and where they come from."""
    instruction, given, output = task_texts(task, passage.text, question.text, question.answer)
    return {
        "id": question.id,
        "title": passage.title,
        "passage_id": passage.id,
        "instruction": (question.instruction if task == "question" else "") or instruction,
        "input": given,
        "output": output,
        "answer": question.answer,
    }


def make_own_row(chunk: Chunk, instruction: str) -> dict:
    """A row for a chunk of the user's own document: there is no reference question and no answer.

    `instruction` is that of the training rows, so that the chunk is asked about as the model was taught. `place`
    says where it stands in the document (see Chunk; what the document does not have is left out).
    """
    place = {
        "file": chunk.file,
        "section": chunk.section,
        "paragraphs": [chunk.first_paragraph, chunk.last_paragraph] if chunk.first_paragraph else None,
        "pages": [chunk.first_page, chunk.last_page] if chunk.first_page else None,
    }
    return {
        "id": chunk.id,
        "title": chunk.title,
        "passage_id": make_passage_id(chunk.text),
        "instruction": instruction,
        "input": chunk.text,
        "output": "",
        "answer": "",
        "place": {name: value for name, value in place.items() if value},
    }


def divide_passages(
    passages: list[Passage], max_tokens: int, count_tokens: Callable[[str], int]
) -> tuple[list[Passage], list[dict]]:
    """Divide passages of more than `max_tokens` tokens into parts of whole sentences.

    Each question goes with the part that holds its answer; a part that nobody asks about is left out. A
    question whose answer lies across two parts, or in a sentence that alone is too long, is left out and
    returned as {"file", "id", "reason"}.
    """
    kept, dropped = [], []
    for passage in passages:
        if count_tokens(passage.text) <= max_tokens:
            kept.append(passage)
            continue
        homeless = {question.id for question in passage.questions}
        for begin, end in _parts(passage.text, max_tokens, count_tokens):
            text = passage.text[begin:end]
            inside = tuple(
                replace(question, answer_start=question.answer_start - begin)
                for question in passage.questions
                if begin <= question.answer_start and question.answer_start + len(question.answer) <= end
            )
            if inside:
                kept.append(Passage(make_passage_id(text), passage.title, text, inside))
                homeless -= {question.id for question in inside}
        reason = f"no part of its paragraph with at most {max_tokens} tokens holds the whole answer"
        dropped += [
            {"file": passage.title, "id": q.id, "reason": reason} for q in passage.questions if q.id in homeless
        ]
    return kept, dropped


def _parts(text: str, max_tokens: int, count_tokens: Callable[[str], int]) -> list[tuple[int, int]]:
    """Begin and end of runs of whole sentences with at most `max_tokens` tokens; longer sentences are left out."""
    parts, begin, end = [], 0, 0
    for sentence in split_sentences(text):
        start = text.index(sentence, end)
        stop = start + len(sentence)
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
    on the same side, so no article and no paragraph is on two. The fractions count groups. A paragraph that
    stands in too many articles for that stays on one side, test before validation before train; its copies
    elsewhere are dropped and returned as {"file", "id", "reason"}. Raises KorqgError when there are too few.
    """
    names = sorted(set(groups.group_of.values()))
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
    random.Random(seed).shuffle(names)
    side = dict.fromkeys(names, "train")
    side.update(dict.fromkeys(names[: sizes["test"]], "test"))
    side.update(dict.fromkeys(names[sizes["test"] : sizes["test"] + sizes["validation"]], "validation"))
    sides = [side[groups.group_of[passage.title]] for passage in passages]
    common = {id: number for number, ids in enumerate(groups.common) for id in ids}
    stays: dict[int, str] = {}  # the side on which a common text stays
    for passage, name in zip(passages, sides, strict=True):
        if passage.id in common:
            stays[common[passage.id]] = max(name, stays.get(common[passage.id], name), key=SPLITS.index)
    split, dropped = {name: [] for name in SPLITS}, []
    for passage, name in zip(passages, sides, strict=True):
        if passage.id in common and stays[common[passage.id]] != name:
            reason = f"a copy of this paragraph stands on the {stays[common[passage.id]]} side"
            dropped.append({"file": passage.title, "id": passage.id, "reason": reason})
        else:
            split[name].append(passage)
    for name in SPLITS:
        if not split[name]:
            raise KorqgError(
                f"Nothing is left for {name}: its paragraphs all have copies in other articles. "
                "Take the repeated paragraphs out of the corpus, or add articles."
            )
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
    split: dict[str, list[Passage]], questions_per_passage: str, max_train_rows: int, seed: int, task: str = "question"
) -> dict[str, list[dict]]:
    """The rows of each side. Only the training side is made smaller, so validation and test stay comparable.

    `questions_per_passage` "first" takes one question a training paragraph; `max_train_rows` (0: all) takes
    the first of a seeded order, so that of two sizes the smaller is a part of the larger. A task that needs the
    answer leaves out questions without one. Raises KorqgError when that leaves a side without a row.
    """
    wanted = {
        name: [(p, q) for p in passages for q in p.questions if task == "question" or q.answer]
        for name, passages in split.items()
    }
    for name, pairs in wanted.items():
        if split[name] and not pairs:
            raise KorqgError(
                f"No row is left for {name} with task={task!r}: its questions have no answer. Use another."
            )
    rows = {name: [make_row(passage, question, task) for passage, question in pairs] for name, pairs in wanted.items()}
    train = rows["train"]
    if questions_per_passage == "first":
        seen: set[str] = set()
        train = [row for row in train if not (row["passage_id"] in seen or seen.add(row["passage_id"]))]
    random.Random(seed).shuffle(train)
    rows["train"] = train[:max_train_rows] if max_train_rows else train
    return rows


def rows_by_prompt(rows: Iterable[dict]) -> list[dict]:
    """One entry a prompt: its first row, with all of its outputs under "references".

    Where a question is asked about a paragraph, that is one entry a paragraph; where the answer or the question
    is given with it, one a row.
    """
    prompts: dict[tuple, dict] = {}
    for row in rows:
        entry = prompts.setdefault((row["instruction"], row["input"]), {**row, "references": []})
        if row["output"] and row["output"] not in entry["references"]:
            entry["references"].append(row["output"])
    return list(prompts.values())
