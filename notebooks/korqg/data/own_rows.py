"""Rows of one's own to passages with their questions."""

import ast
import json
import re
import statistics
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from korqg.cleaned_text import as_text, is_untidy, tidy, tidy_line
from korqg.column_names import CHAT, QUESTION_AND_ANSWER, SHAPES, WANTED, find_fields, plain_name
from korqg.config import DOCUMENT_SUFFIXES
from korqg.data.answer_places import as_place, likeliest_place, stated_place
from korqg.data.corpus import Corpus, Passage, Question, Tally, answers_of, find_corpus_files, make_passage_id, untitled
from korqg.data.table_files import READABLE, Row, read_tables
from korqg.data.text_blocks import relative_name, short_names
from korqg.errors import KorqgError
from korqg.question import is_single_question

# Characters that the answers of a list of questions and answers have at least, half of them: shorter ones are no
# passages, and their passages are missing.
SHORTEST_ANSWER_AS_PASSAGE = 20
UNANSWERABLE = "the passage does not answer it (it is marked as impossible, unanswerable, or its answers are empty)"

# What people write for an answer that there is none of, in small letters and without signs.
NO_ANSWER = ("", "null", "none", "n/a", "해당없음", "답없음", "정답없음")
NO_QUESTION = "its output is no question (one sentence with ? at its end)"


class _LeftOut(ValueError):
    """A row that is sound, but not one to learn a question from."""


def read_rows(path: Path, max_dropped_fraction: float = 0.05, columns: Mapping[str, str] | None = None) -> Corpus:
    """Read rows of a file, or of every file of a folder that can be read (see korqg.data.table_files), as a Corpus.

    Two shapes are known, row by row: `passage`, `question` and perhaps `answer`, or `instruction`, `input`
    (the passage) and `output` (the question), which are Alpaca's names; talks with one turn of the user are read as
    the second. The names that people use for them stand in korqg.column_names, and `columns` gives others as
    {field: column}. A list of long answers to questions without passages is read with the answers as the passages.

    Rows with the same passage and title become one Passage with several questions. A row without a `title`
    gets one that its passage alone has, so that a split by article keeps each passage on one side. An answer stands
    where `answer_start` says; otherwise, or when it does not stand there, where its words do: of several places that
    whose sentence is nearest to the question. `answer_start` is -1 where the passage does not have these
    words (the question can be learnt from all the same) or where there is no answer. A row's own instruction
    is kept in Question.instruction. An `id` that is absent or taken is replaced by the file's name and a number.

    A row that is broken, the same as an earlier one, or not answered by its passage is left out and listed in
    `dropped` as {"file", "id", "reason"}, and so is a file of the folder or archive that is not read, or cannot be;
    `id` is "line N", "row N", or "whole file". Raises KorqgError, with file and row, when there is nothing to read,
    when no file can be read, and when more than `max_dropped_fraction` of the rows are broken (repeated and
    unanswerable ones are not counted as broken).
    """
    columns = columns or {}
    files, skipped = find_corpus_files(path, READABLE, "rows")
    for record in skipped:
        if Path(record["file"]).suffix.lower() in DOCUMENT_SUFFIXES:
            record["reason"] = "a document, not rows: nothing is learnt from it, but own_path can name it"
    folder = path if path.is_dir() else path.parent
    names = short_names(files, folder)
    found = _Found(skipped)
    for file in files:
        for name, rows in read_tables(file, columns):
            label = relative_name(file, folder) + name.removeprefix(file.name)
            try:
                if isinstance(rows, KorqgError):
                    raise rows
                as_passages = _answers_as_passages(name, rows, columns)
            except KorqgError as error:
                found.pass_over(label, error)
                continue
            for number, row in enumerate(rows, start=1):
                found.take(row, label, f"{names[file]}-{number:06d}", columns, as_passages)
    found.require_questions(str(path), max_dropped_fraction, "row", _if_no_questions(found.broken))
    asked = [question.text for some in found.questions.values() for question in some]
    orders = [text for text in asked if not is_single_question(text)]
    if len(orders) > len(asked) / 2:
        print(
            f"{path.name}: {len(orders)} of {len(asked)} questions are none in form (one sentence with ? at its end), "
            f"such as {orders[0][:60]!r}: a model learns to write what stands there."
        )
    passages = [
        Passage(make_passage_id(text), title, text, tuple(asked)) for (title, text), asked in found.questions.items()
    ]
    return Corpus(passages, found.dropped, found.mended, found.cleaned)


class _Found(Tally):
    """What has been read of rows so far: questions by title and passage."""

    def __init__(self, skipped: list[dict]):
        super().__init__(skipped)
        self.questions: dict[tuple[str, str], list[Question]] = {}
        self.ids: set[str] = set()
        self.seen: set[tuple] = set()

    def take(self, row: Row, label: str, new_id: str, columns: Mapping[str, str], as_passages: bool) -> None:
        """Take up a row, or note why it is left out."""
        try:
            if row.reason:
                raise ValueError(row.reason)
            title, passage, question, moved = _read_row(row.values, columns, new_id, self.ids, as_passages)
            key = (make_passage_id(passage), question.text, question.answer)
            if key in self.seen:
                raise _LeftOut("the same row as an earlier one")
        except _LeftOut as error:
            return self.leave(label, row.place, str(error))
        except ValueError as error:
            return self.drop(label, row.place, str(error), row.questions)
        self.read += 1
        self.seen.add(key)
        self.ids.add(question.id)
        self.mended += moved
        self.cleaned += any(map(is_untidy, row.values.values()))
        self.questions.setdefault((title, passage), []).append(question)


def _if_no_questions(broken: list[dict]) -> str:
    """A sentence on rows of another task, where most of those that cannot be used are such."""
    count = sum(record["reason"] == NO_QUESTION for record in broken)
    if count <= len(broken) / 2:
        return ""
    return (
        f" Of {count} rows the output is no question: they are of another task (a summary, a translation, an answer). "
        "Wanted are rows whose outputs are questions about their inputs."
    )


def _answers_as_passages(name: str, rows: list[Row], columns: Mapping[str, str]) -> bool:
    """Whether a table is a list of questions and answers whose answers can stand as the passages.

    Raises KorqgError for one whose answers are too short for that: their passages are missing.
    """
    if not any(set(QUESTION_AND_ANSWER) <= set(find_fields(row.values, columns)) for row in rows[:1] if row.values):
        return False
    fields = find_fields(rows[0].values, columns)
    if any(set(shape) <= set(fields) for shape in SHAPES):
        return False
    lengths = [len(str(row.values.get(fields["answer"]) or "")) for row in rows if row.values]
    if statistics.median(lengths) < SHORTEST_ANSWER_AS_PASSAGE:
        raise KorqgError(
            f"{name} has questions ({fields['question']}) and answers ({fields['answer']}), but no passage that they "
            f"are about, and the answers are too short to be passages. Add a column with the passages; or, to have "
            f'the answers taken as the passages all the same, set columns="passage={fields["answer"]}".'
        )
    print(f"{name}: there is no passage column, so each answer ({fields['answer']}) is taken as the passage.")
    return True


def _read_row(
    values: dict, columns: Mapping[str, str], new_id: str, taken: set[str], as_passages: bool
) -> tuple[str, str, Question, bool]:
    """A row's title, passage and question, and whether the answer's place was mended.

    Raises ValueError with the reason why it cannot be used, _LeftOut where the row itself is sound.
    """
    talk = next((_parsed(values[name]) for name in CHAT if name in values), None)
    values = _chat_as_row(values, talk) if isinstance(talk, list) else values
    fields = find_fields(values, columns)
    if as_passages and "answer" in fields:
        fields = {**fields, "passage": fields["answer"]}
    shape = next((shape for shape in SHAPES if all(name in fields for name in shape)), None)
    if shape is None:
        raise ValueError(f"its columns are {', '.join(values) or 'none'}; wanted are {WANTED}")

    def text_of(field: str) -> str:
        return as_text(values.get(fields.get(field, "")), field)

    if _is_true(values.get(fields.get("is_impossible", ""))):
        raise _LeftOut(UNANSWERABLE)
    raw, question = text_of(shape[-2]), tidy_line(text_of(shape[-1]))
    passage = tidy(raw).strip()
    for name, text in ((shape[-2], passage), (shape[-1], question)):
        if not text:
            raise ValueError(f"its {name} is empty")
    if question.lower() == fields[shape[-1]] and plain_name(passage) == fields[shape[-2]]:
        raise _LeftOut("it has the names of the columns again")
    if shape == SHAPES[1] and not is_single_question(question):
        raise ValueError(NO_QUESTION)
    answer, start = "", None
    if "answer" in fields and fields["answer"] != fields["passage" if shape == SHAPES[0] else "input"]:
        answer, start = _answer_of(values[fields["answer"]], values.get(fields.get("answer_start", "")))
    place, answer, mended = _place(raw, tidy(answer).strip(), start, question)
    name = tidy_line(text_of("id"))
    return (
        tidy_line(text_of("title")) or untitled(passage),
        passage,
        Question(
            id=name if name and name not in taken else _free_id(new_id, taken),
            text=question,
            answer=answer,
            answer_start=place,
            instruction=tidy(text_of("instruction")).strip() if shape == SHAPES[1] else "",
            own=True,
        ),
        mended,
    )


def _place(raw: str, answer: str, start: int | None, question: str) -> tuple[int, str, bool]:
    """Where the answer stands in the tidied and stripped passage, its words there, and whether that was mended."""
    text = tidy(raw)
    lost = len(text) - len(text.lstrip())
    found = stated_place(raw, answer, start) if start is not None and answer else None
    if found:
        return found[0] - lost, answer, found[1]
    place, words = likeliest_place(text.strip(), answer, question)
    return place, words, start is not None and start >= 0 and place >= 0


def _free_id(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "-again"
    return name


def _is_true(value: Any) -> bool:
    return str(value).strip().lower() in ("true", "1", "1.0", "yes", "y", "o", "예", "네")


def _answer_of(value: Any, start: Any) -> tuple[str, int | None]:
    """The first answer that is not empty, and its stated place, if there is one.

    Known are a text; a list of answers; and {text, answer_start}, with single values (AI-Hub) or lists of them (Hugging
    Face), also as the text that a CSV file makes of it. Raises _LeftOut for a list without any.
    """
    value = _parsed(value)
    if isinstance(value, dict) and "text" in value:
        value = answers_of(value)
    if not isinstance(value, list):
        return _answer_text(value), as_place(start)
    for one in value:
        text, at = (one.get("text"), one.get("answer_start")) if isinstance(one, dict) else (one, start)
        if words := _answer_text(text):
            return words, as_place(at)
    raise _LeftOut(UNANSWERABLE)


def _answer_text(value: Any) -> str:
    """An answer as text, untidied; "" for what stands for none, such as "-" and "(null)"."""
    text = as_text(value, "answer")
    return "" if re.sub(r"[-–—_.…·?()\[\]<>\s]", "", tidy(text)).lower() in NO_ANSWER else text


def _parsed(text: Any) -> Any:
    """The value of a text that Python or JSON wrote, numpy's arrays as lists; the text itself where it is none."""
    if not isinstance(text, str) or text.lstrip()[:1] not in ("{", "["):
        return text
    plain = re.sub(r"\barray\((\[.*?\])(?:, dtype=[\w.']+)?\)", r"\1", text, flags=re.DOTALL)
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(plain)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        is_answer = isinstance(value, dict) and "text" in value
        return (
            value if is_answer or (isinstance(value, list) and all(isinstance(v, str | dict) for v in value)) else text
        )
    return text


def _words_of(content: Any) -> Any:
    """A turn's content; of a list of parts ({"type": "text", "text": ...}), as models of pictures have it, its text."""
    if isinstance(content, list) and all(
        isinstance(part, dict) and isinstance(part.get("text"), str) for part in content
    ):
        return "\n".join(part["text"] for part in content)
    return content


def _chat_as_row(values: dict, turns: list) -> dict:
    """A talk of one question and one answer as instruction, input and output.

    The system's turn is the instruction, or, without one, what stands before the first empty line of the user's.
    Raises ValueError for a talk of several turns.
    """
    said: dict[str, list[str]] = {"system": [], "user": [], "assistant": []}
    kinds = {"human": "user", "gpt": "assistant", "model": "assistant", "bot": "assistant"}
    for turn in turns:
        if not isinstance(turn, dict):
            raise ValueError("its talk holds a turn that is not a JSON object")
        kind = plain if (plain := str(turn.get("role", turn.get("from", ""))).lower()) in said else kinds.get(plain)
        if kind:
            said[kind].append(as_text(_words_of(turn.get("content", turn.get("value"))), "turn"))
    counts = Counter({kind: len(texts) for kind, texts in said.items()})
    if counts["user"] != 1 or counts["assistant"] != 1:
        raise ValueError(
            f"its talk has {counts['user']} turns of the user and {counts['assistant']} of the assistant; one of each "
            "is read, the passage and the question"
        )
    instruction, text = "\n".join(said["system"]), said["user"][0]
    head, _, rest = text.strip().partition("\n\n")
    if not instruction and rest.strip():
        instruction, text = head, rest
    others = {name: value for name, value in values.items() if name not in CHAT}
    return {**others, "instruction": instruction, "input": text, "output": said["assistant"][0]}
