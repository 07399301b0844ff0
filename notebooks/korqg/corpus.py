"""KorQuAD 1.0 files (and any other in that schema) to passages with their questions."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from korqg.errors import KorqgError
from korqg.files import read_json

LARGEST_OFFSET_ERROR = 2
"""An answer that stands at most this many characters off its stated place is mended, not dropped."""


@dataclass(frozen=True)
class Question:
    """A question and the span of the passage that answers it; `answer_start` counts characters.

    It is -1 where the answer does not stand in the passage or is not known (`answer` is then ""). `instruction`
    is the row's own wording of the order, "" where the course's stands for it.
    """

    id: str
    text: str
    answer: str
    answer_start: int
    instruction: str = ""


@dataclass(frozen=True)
class Passage:
    """A paragraph of an article with its questions; `id` is made from the text, white space aside."""

    id: str
    title: str
    text: str
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class Corpus:
    """Passages in the file's order, the records that were left out and why, and how many were mended."""

    passages: list[Passage]
    dropped: list[dict]
    mended: int


def read_korquad(paths: Path | list[Path], max_dropped_fraction: float = 0.05) -> Corpus:
    """Read files in KorQuAD 1.0's schema; of a folder every .json file.

    Schema: data[].{title, paragraphs[].{context, qas[].{id, question, answers[].{text, answer_start}}}},
    of which the first answer is taken (KorQuAD 1.0 has one; Lim et al. 2019, arXiv:1909.07005). Questions that
    SQuAD 2.0 marks `is_impossible` are passed over.
    A record that is broken is left out and listed in `dropped` as {"file", "id", "reason"}.

    Raises KorqgError, with file and record, when there is nothing to read, when the file is not JSON or of
    another schema, and when more than `max_dropped_fraction` of the questions are broken.
    """
    files = []
    for path in [paths] if isinstance(paths, Path) else paths:
        if not path.exists():
            raise KorqgError(f"{path} does not exist: set source_path to a KorQuAD 1.0 JSON file or a folder of them.")
        found = sorted(path.glob("*.json")) if path.is_dir() else [path]
        if not found:
            raise KorqgError(f"{path} holds no .json file: set source_path to a folder with KorQuAD 1.0 JSON files.")
        files += found
    shown = ", ".join(str(file) for file in files[:3]) + (" and more" if len(files) > 3 else "")
    passages, dropped, mended = [], [], 0
    for file in files:
        value = read_json(file)
        if not isinstance(value, dict) or not isinstance(value.get("data"), list):
            raise KorqgError(f'{file} is not in KorQuAD 1.0\'s schema: a JSON object with a list under "data".')
        for number, article in enumerate(value["data"]):
            mended += _read_article(file.name, number, article, passages, dropped)
    read = sum(len(passage.questions) for passage in passages)
    if read == 0:
        reason = f" The first record: {describe_dropped(dropped[0])}" if dropped else ""
        raise KorqgError(f"{shown}: there is no question that can be used.{reason}")
    if len(dropped) > max_dropped_fraction * (read + len(dropped)):
        raise KorqgError(
            f"{shown}: {len(dropped)} of {read + len(dropped)} records are broken, more than "
            f"max_dropped_fraction={max_dropped_fraction:g} allows. The first: {describe_dropped(dropped[0])} "
            "Mend the file, or raise max_dropped_fraction."
        )
    return Corpus(passages, dropped, mended)


def describe_dropped(record: dict) -> str:
    """A dropped record in a sentence."""
    return f"{record['file']}, {record['id']}: {record['reason']}."


def normalized(text: str) -> str:
    """The letters and digits of a text, in lower case: what makes two paragraphs the same."""
    return re.sub(r"[\W_]+", "", text).lower()


def make_passage_id(text: str) -> str:
    """Twelve hexadecimal digits of the SHA-256 of the text without white space."""
    return hashlib.sha256(re.sub(r"\s+", "", text).encode()).hexdigest()[:12]


def _read_article(file: str, number: int, article, passages: list[Passage], dropped: list[dict]) -> int:
    """Append the article's passages and return how many answers were mended."""

    def drop(record: str, reason: str) -> None:
        dropped.append({"file": file, "id": record, "reason": reason})

    place = f"data[{number}]"
    if not isinstance(article, dict) or not isinstance(article.get("paragraphs"), list):
        drop(place, 'an article without a list under "paragraphs"')
        return 0
    title = article.get("title")
    if not isinstance(title, str) or not title.strip():
        drop(place, "an article without a title")
        return 0
    mended = 0
    for index, paragraph in enumerate(article["paragraphs"]):
        spot = f"{place} ({title}), paragraphs[{index}]"
        text = paragraph.get("context") if isinstance(paragraph, dict) else None
        if not isinstance(text, str) or not text.strip():
            drop(spot, "a paragraph without text")
            continue
        if not isinstance(paragraph.get("qas"), list):
            drop(spot, 'a paragraph without a list under "qas"')
            continue
        questions = []
        for order, qa in enumerate(paragraph["qas"]):
            if isinstance(qa, dict) and qa.get("is_impossible") is True:
                continue  # SQuAD 2.0's: the paragraph does not answer it
            try:
                question, moved = _read_question(text, qa)
            except (KeyError, TypeError, ValueError, IndexError) as error:
                name = qa.get("id") if isinstance(qa, dict) else None
                drop(f"{spot}, qas[{order}]" + (f", id {name}" if name else ""), _reason(error))
                continue
            mended += moved
            questions.append(question)
        if questions:
            passages.append(Passage(make_passage_id(text), title.strip(), text.strip(), tuple(questions)))
    return mended


def _read_question(text: str, qa: dict) -> tuple[Question, bool]:
    question, answer = qa["question"].strip(), qa["answers"][0]
    if not question:
        raise ValueError("an empty question")
    span, start = answer["text"], answer["answer_start"]
    if not isinstance(start, int) or not span:
        raise ValueError("an answer without text or place")
    moves = sorted(range(-LARGEST_OFFSET_ERROR, LARGEST_OFFSET_ERROR + 1), key=abs)
    found = next((m for m in moves if start + m >= 0 and text.startswith(span, start + m)), None)
    if found is None:
        raise ValueError(f"the answer {span!r} does not stand at character {start} of its paragraph")
    lost = len(text) - len(text.lstrip())
    return Question(str(qa["id"]), question, span, start + found - lost), found != 0


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"the key {error} is missing"
    if isinstance(error, ValueError):
        return str(error)
    return "a question or answer of the wrong shape"
