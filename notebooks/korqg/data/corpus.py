"""KorQuAD 1.0 files (and any other in that schema) to passages with their questions."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from korqg.cleaned_text import as_text, is_untidy, tidy, tidy_line, tidy_place
from korqg.data.answer_places import as_place, stated_place
from korqg.data.packed_files import SUFFIXES as PACKED
from korqg.data.packed_files import inner_suffix, unpack
from korqg.data.table_files import IF_KORQUAD2, count_questions, decode_rows
from korqg.data.text_blocks import WHOLE_FILE, find_files, in_list
from korqg.errors import KorqgError

IMPOSSIBLE = "the paragraph does not answer it: it is marked as unanswerable (is_impossible), or its answers are empty"

IF_ROWS = 'If it holds rows (a table, or one object a line), set source="own".'

NO_ANSWER = "it has no answer, which the task needs"

REPEATED = "the same question as an earlier one"


@dataclass(frozen=True)
class Question:
    """A question and the span of the passage that answers it; `answer_start` counts characters.

    It is -1 where the answer does not stand in the passage or is not known (`answer` is then ""). `instruction`
    is the row's own wording of the order, "" where the course's stands for it. `edited_draft` marks an editor's version
    of what the rule asks about that answer (see korqg.ask.rule): to learn from, not to be tested by; `own` a question
    of the user's own, which is learnt first.
    """

    id: str
    text: str
    answer: str
    answer_start: int
    instruction: str = ""
    edited_draft: bool = False
    own: bool = False


@dataclass(frozen=True)
class Passage:
    """A paragraph of an article with its questions; `id` is made from the text, white space aside."""

    id: str
    title: str
    text: str
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class Corpus:
    """Passages in the file's order, the records that were left out and why, and counts of what was put right.

    `mended` counts places of answers, `cleaned` texts with signs that nobody sees or with decomposed Hangul.
    """

    passages: list[Passage]
    dropped: list[dict]
    mended: int
    cleaned: int = 0


class Tally:
    """What reading a corpus came to: the records that are left out and why, and counts of questions.

    `files` lists those that are passed over, `broken` what cannot be read, with the number of questions `lost` with it,
    and `left` what is sound, but no question to learn from.
    """

    def __init__(self, skipped: list[dict]):
        self.files, self.broken, self.left = skipped, [], []
        self.refused: KorqgError | None = None
        self.read = self.lost = self.mended = self.cleaned = 0

    @property
    def dropped(self) -> list[dict]:
        """All of the records."""
        return self.files + self.broken + self.left

    def pass_over(self, file: str, error: KorqgError) -> None:
        """Note a file that cannot be read."""
        self.refused = self.refused or error
        self.files.append(_record(file, WHOLE_FILE, str(error).rstrip(".")))

    def drop(self, file: str, record: str, reason: str, questions: int = 1) -> None:
        """Note a broken record, with the number of questions that go with it."""
        lost = max(1, questions)
        self.lost += lost
        self.broken.append(_record(file, record, reason + (f": {lost} questions" if lost > 1 else "")))

    def leave(self, file: str, record: str, reason: str) -> None:
        """Note a record that is sound, but left out."""
        self.left.append(_record(file, record, reason))

    def require_questions(
        self, place: str, max_dropped_fraction: float, kind: str = "question", hint: str = ""
    ) -> None:
        """Raise KorqgError, with the first record, if there is no question, or more than the fraction are broken."""
        if not self.read:
            records = self.broken + self.left
            reason = f" The first record: {describe_dropped(records[0])}" if records else ""
            raise self.refused or KorqgError(f"{place} holds no {kind} that can be used.{reason}{hint}")
        if self.lost > max_dropped_fraction * (self.read + self.lost):
            raise KorqgError(
                f"{place}: {self.lost} of {self.read + self.lost} {kind}s are broken, more than max_dropped_fraction="
                f"{max_dropped_fraction:g} allows. The first: {describe_dropped(self.broken[0])}{hint} "
                "Mend the file or fetch it again, or raise max_dropped_fraction."
            )


def _record(*words: str) -> dict:
    """A dropped record of file, id and reason, with ? for what no file takes: half of a surrogate pair."""
    return dict(zip(("file", "id", "reason"), map(_writable, words), strict=True))


def read_korquad(paths: Path | list[Path], max_dropped_fraction: float = 0.05, parts: tuple[str, ...] = ()) -> Corpus:
    """Read files in KorQuAD 1.0's schema; of a folder every .json file, of a packed file those in it.

    `parts` names the files of an archive that are read, where not all of them are.

    Schema: data[].{title, paragraphs[].{context, qas[].{id, question, answers[].{text, answer_start}}}},
    of which the first answer is taken that stands where it is said to (KorQuAD 1.0 has one; Lim et al. 2019,
    arXiv:1909.07005). KLUE-MRC's and AI-Hub's names for the same are read too: `guid` and `question_id`, `doc_title`,
    and one answer without a list. An article without a title gets one from its first paragraph.
    Text is composed and cleaned (see korqg.cleaned_text), and the answers' places move with it. An `id` that is taken
    gets a number behind it, so that none is there twice.
    A record that is broken is left out and listed in `dropped` as {"file", "id", "reason"}, and so are questions that
    are marked `is_impossible` or have an empty list of answers, repeated ones, and files of a folder or an archive
    that are not read, or cannot be.

    Raises KorqgError, with file and record, when there is nothing to read, when the file is not JSON or of
    another schema, and when more than `max_dropped_fraction` of the questions are broken: an article that cannot be
    read counts with all of its questions.
    """
    files, skipped = find_corpus_files(paths, (".json",), "KorQuAD 1.0")
    shown = ", ".join(str(file) for file in files[:3]) + (" and more" if len(files) > 3 else "")
    reader = _Reader(skipped)
    for file in files:
        for name, value in _values(file, parts):
            if isinstance(value, KorqgError):
                reader.pass_over(Path(name).name, value)
                continue
            for number, article in enumerate(value):
                reader.read_article(Path(name).name, number, article)
    reader.require_questions(shown, max_dropped_fraction, hint=f" {IF_ROWS}")
    passages, repeated = each_question_once(reader.passages)
    return Corpus(passages, reader.dropped + repeated, reader.mended, reader.cleaned)


def find_corpus_files(
    paths: Path | Iterable[Path], suffixes: tuple[str, ...], corpus: str
) -> tuple[list[Path], list[dict]]:
    """The files that the paths name, those of folders by their suffix; and the records of those that are passed over.

    Raises KorqgError, with the corpus's name, when a path does not exist or holds none.
    """
    files, skipped = [], []
    for path in [paths] if isinstance(paths, Path) else paths:
        if not path.exists():
            raise KorqgError(f"{path} does not exist: set source_path to a file of {corpus} or a folder of them.")
        found, others = find_files(path, suffixes) if path.is_dir() else ([path], [])
        if not found:
            raise KorqgError(
                f"{path} holds no {in_list(suffixes)} file: set source_path to where {corpus}'s files are."
            )
        files += [file for file in found if file not in files]
        skipped += others
    return files, skipped


def _values(file: Path, parts: tuple[str, ...] = ()) -> Iterator[tuple[str, list | KorqgError]]:
    """The name and the articles of a file, or of each .json file in it (those of `parts`) when it is packed.

    In place of the articles stands the error, with the file's name, where they cannot be read.
    """
    try:
        if file.suffix.lower() not in PACKED:
            found: Iterable[tuple[str, bytes]] = [(str(file), file.read_bytes())]
        else:
            found = ((f"{file.name}/{name}", data) for name, data in unpack(file))
        others = []
        for name, data in found:
            if parts and PurePosixPath(name).name not in parts:
                continue
            if file.suffix.lower() in PACKED and inner_suffix(name) != ".json":
                others.append((name, KorqgError(f"{name} is no .json file.")))
                continue
            try:
                yield name, _articles_of(name, data)
            except KorqgError as error:
                yield name, error
        yield from others
    except KorqgError as error:
        yield str(file), error
    except OSError as error:
        yield str(file), KorqgError(f"Cannot read {file}: {error.strerror}.")


def _articles_of(name: str, data: bytes) -> list:
    """The articles of a JSON file's bytes. A byte that cannot be read costs its record: U+FFFD stands for it.

    Raises KorqgError, with name and position, when it is no JSON or of another schema.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = decode_rows(data, name)
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise KorqgError(
            f"{name} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}. {IF_ROWS}"
        ) from None
    except (ValueError, RecursionError) as error:
        raise KorqgError(f"{name} cannot be read as JSON: {error}. Write it anew.") from None
    if not isinstance(value, dict) or not isinstance(value.get("data"), list):
        raise KorqgError(f'{name} is not in KorQuAD 1.0\'s schema: a JSON object with a list under "data". {IF_ROWS}')
    return value["data"]


def each_question_once(passages: Iterable[Passage]) -> tuple[list[Passage], list[dict]]:
    """The passages without questions that came before, and with ids that no other question has; what was left out.

    A question that stands twice at one paragraph stays, as it does in KorQuAD 1.0: it was asked by two people. An id
    also names the rows that are made of its question (`<id>-answer`), so these are not free either.
    """
    kept, dropped, seen, taken = [], [], set(), set()
    for passage in passages:
        asked, keys = [], set()
        for question in passage.questions:
            key = (passage.id, question.text, question.answer)
            if key in seen:
                dropped.append({"file": passage.title, "id": question.id, "reason": REPEATED})
                continue
            keys.add(key)
            name = _free_id(question.id, taken)
            taken |= {name, f"{name}-answer"}
            asked.append(question if name == question.id else replace(question, id=name))
        seen |= keys
        if asked:
            kept.append(passage if tuple(asked) == passage.questions else replace(passage, questions=tuple(asked)))
    return kept, dropped


def _free_id(name: str, taken: set[str]) -> str:
    """The name, with a number behind it where it is taken."""
    free, number = name, 1
    while free in taken or f"{free}-answer" in taken:
        number += 1
        free = f"{name}-{number}"
    return free


def describe_dropped(record: dict) -> str:
    """A dropped record in a sentence."""
    return f"{record['file']}, {record['id']}: {record['reason']}."


def normalized(text: str) -> str:
    """The letters and digits of a text, composed and in lower case: what makes two paragraphs the same."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFC", text)).lower()


def make_passage_id(text: str) -> str:
    """Twelve hexadecimal digits of the SHA-256 of the text without white space."""
    return hashlib.sha256(re.sub(r"\s+", "", text).encode()).hexdigest()[:12]


def tidied(passage: Passage) -> Passage:
    """A passage with its questions composed and cleaned (see korqg.cleaned_text), the answers' places moved with it."""
    text = tidy(passage.text)
    questions = tuple(
        replace(
            question,
            text=tidy_line(question.text),
            answer=tidy(question.answer),
            answer_start=tidy_place(passage.text, question.answer_start) if question.answer_start >= 0 else -1,
        )
        for question in passage.questions
    )
    return Passage(make_passage_id(text), tidy_line(passage.title), text, questions)


def untitled(text: str) -> str:
    """A title of a passage's own: its first words for the reader, and a part of its id to tell it from others."""
    return f"{tidy_line(text[:60])[:30]} ({make_passage_id(text)[:6]})"


class _Reader(Tally):
    """What has been read of articles so far."""

    def __init__(self, skipped: list[dict]):
        super().__init__(skipped)
        self.passages: list[Passage] = []

    def read_article(self, file: str, number: int, article: Any) -> None:
        """Take up an article's passages."""
        place = f"data[{number}]"
        if not isinstance(article, dict) or not isinstance(article.get("paragraphs"), list):
            reason = 'an article without a list under "paragraphs"'
            if isinstance(article, dict) and "raw_html" in article:
                reason = IF_KORQUAD2
            return self.drop(file, place, reason, count_questions(article))
        paragraphs = article["paragraphs"]
        try:
            given = article["title"] if "title" in article else article.get("doc_title")
            title = tidy_line(as_text(given, "title"))
        except ValueError as error:
            reason = f"an article without a title that can be read ({error})"
            return self.drop(file, place, reason, count_questions(paragraphs))
        texts = [p.get("context") for p in paragraphs if isinstance(p, dict)]
        first = next((tidy(text).strip() for text in texts if isinstance(text, str) and text.strip()), "")
        shown = f"{place} ({title})" if title else place
        for index, paragraph in enumerate(paragraphs):
            self.read_paragraph(file, f"{shown}, paragraphs[{index}]", title or untitled(_writable(first)), paragraph)

    def read_paragraph(self, file: str, spot: str, title: str, paragraph: Any) -> None:
        """Take up a paragraph with its questions."""
        raw = paragraph.get("context") if isinstance(paragraph, dict) else None
        try:
            text = tidy(as_text(raw, "context")).strip()
        except ValueError as error:
            return self.drop(file, spot, str(error), count_questions(paragraph))
        if not text:
            return self.drop(file, spot, "a paragraph without text", count_questions(paragraph))
        if not isinstance(paragraph.get("qas"), list):
            return self.drop(file, spot, 'a paragraph without a list under "qas"', count_questions(paragraph))
        self.cleaned += is_untidy(raw)
        questions = []
        for order, qa in enumerate(paragraph["qas"]):
            name = _name_of(qa)
            record = f"{spot}, qas[{order}]" + (f", id {name}" if name not in (None, "") else "")
            if isinstance(qa, dict) and (qa.get("is_impossible") is True or qa.get("answers") == []):
                self.leave(file, record, IMPOSSIBLE)
                continue
            try:
                question, moved = _read_question(str(raw), qa)
            except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
                self.drop(file, record, _reason(error))
                continue
            self.mended += moved
            self.cleaned += is_untidy(qa["question"])
            questions.append(question)
        self.read += len(questions)
        if questions:
            self.passages.append(Passage(make_passage_id(text), title, text, tuple(questions)))


def _writable(text: str) -> str:
    """The text with ? for what no file takes: half of a surrogate pair."""
    return text.encode("utf-8", "replace").decode()


def _name_of(qa: Any) -> Any:
    """A question's id, under the names that KorQuAD, KLUE-MRC and AI-Hub have for it; None without one."""
    return next((qa[key] for key in ("id", "guid", "question_id") if key in qa), None) if isinstance(qa, dict) else None


def answers_of(value: Any) -> list:
    """A question's answers one by one: from a list, from one alone (AI-Hub), or from lists of parts (Hugging Face)."""
    if not isinstance(value, dict):
        return value
    texts, starts = (
        [part] if not isinstance(part, list) else part for part in (value["text"], value.get("answer_start"))
    )
    starts = starts + [None] * (len(texts) - len(starts))
    return [{"text": text, "answer_start": start} for text, start in zip(texts, starts, strict=False)]


def _read_question(raw: str, qa: dict) -> tuple[Question, bool]:
    """A question with the first answer that stands where it is said to, and whether its place was mended."""
    question, name = tidy_line(as_text(qa["question"], "question")), tidy_line(as_text(_name_of(qa), "id"))
    if not question:
        raise ValueError("an empty question")
    text = tidy(raw)
    name = name or make_passage_id(text)
    lost = len(text) - len(text.lstrip())
    problem: ValueError | None = None
    for answer in answers_of(qa["answers"]):
        span, start = tidy(as_text(answer["text"], "answer")), as_place(answer["answer_start"])
        if not span.strip() or start is None:
            problem = problem or ValueError("an answer without text or place")
            continue
        if found := stated_place(raw, span, start):
            edited = qa.get("edited_draft") is True
            return Question(name, question, span, found[0] - lost, edited_draft=edited), found[1]
        problem = problem or ValueError(f"the answer {span!r} does not stand at character {start} of its paragraph")
    raise problem or IndexError("no answer")


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"the key {error} is missing"
    if isinstance(error, ValueError):
        return str(error)
    return "a question or answer of the wrong shape"
