"""Rows of one's own (.jsonl, .csv, .tsv, .json) to passages with their questions."""

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path

from korqg.corpus import Corpus, Passage, Question, describe_dropped, make_passage_id
from korqg.errors import KorqgError
from korqg.files import half_characters, mended
from korqg.readers import clean, decode_text, find_files, in_list, read_bytes, relative_name, short_names

SUFFIXES = (".jsonl", ".csv", ".tsv", ".json")

SHAPES = (("passage", "question"), ("instruction", "input", "output"))
"""The columns that a row needs, one set or the other; `answer`, `title` and `id` may stand beside them."""

DELIMITERS = ",\t;"

LARGEST_FIELD = 2**31 - 1
"""Characters of a CSV field: as many as every system's csv module can be told."""

WANTED = "passage and question (also answer, title and id, if there are any), or instruction, input and output"


def read_rows(path: Path, max_dropped_fraction: float = 0.05) -> Corpus:
    """Read rows of a .jsonl, .csv, .tsv or .json file, or of every such file of a folder, as a Corpus.

    Two shapes are known, row by row: `passage`, `question` and perhaps `answer`, or `instruction`, `input`
    (the passage) and `output` (the question), which are Alpaca's names. Names may be in upper or lower case.
    A .json file is a list of objects.

    Rows with the same passage and title become one Passage with several questions. A row without a `title`
    gets one that its passage alone has, so that a split by article keeps each passage on one side. An answer is
    looked for in its passage: `answer_start` is its first place, or -1 where the passage does not have these
    words (the question can be learnt from all the same) or where there is no answer. A row's own instruction
    is kept in Question.instruction. An `id` that is absent or taken is replaced by the file's name and a number.

    A row that is broken, or the same as an earlier one, is left out and listed in `dropped` as
    {"file", "id", "reason"}; `id` is "line N", or "row N" for a .json file. Raises KorqgError, with file and
    row, when there is nothing to read, when a file's columns or form are wrong, and when more than
    `max_dropped_fraction` of the rows are broken (repeated ones are not counted as broken).
    """
    files, folder = _files(path)
    names = short_names(files, folder)
    questions: dict[tuple[str, str], list[Question]] = {}
    ids, seen, broken, repeated, total = set(), set(), [], [], 0
    for file in files:
        label = relative_name(file, folder)
        rows = _rows(file)
        columns = {name for _, row, _ in rows for name in row}
        if columns and not any(set(shape) <= columns for shape in SHAPES):
            raise KorqgError(_wrong_columns(file, columns))
        total += len(rows)
        for number, (place, row, reason) in enumerate(rows, start=1):
            record = {"file": label, "id": place}
            try:
                if reason:
                    raise ValueError(reason)
                title, passage, question = _read_row(row, f"{names[file]}-{number:06d}", ids)
            except ValueError as error:
                broken.append({**record, "reason": str(error)})
                continue
            key = (title, passage, question.text, question.answer)
            if key in seen:
                repeated.append({**record, "reason": "the same row as an earlier one"})
                continue
            seen.add(key)
            ids.add(question.id)
            questions.setdefault((title, passage), []).append(question)
    if not questions:
        reason = f" The first row: {describe_dropped(broken[0])}" if broken else ""
        raise KorqgError(f"{path} holds no row that can be used.{reason}")
    if len(broken) > max_dropped_fraction * total:
        raise KorqgError(
            f"{path}: {len(broken)} of {total} rows are broken, more than max_dropped_fraction="
            f"{max_dropped_fraction:g} allows. The first: {describe_dropped(broken[0])} "
            "Mend the file, or raise max_dropped_fraction."
        )
    passages = [Passage(make_passage_id(text), title, text, tuple(asked)) for (title, text), asked in questions.items()]
    return Corpus(passages, broken + repeated, 0)


def _files(path: Path) -> tuple[list[Path], Path]:
    """The files to read, and the folder that their names are told from."""
    if not path.exists():
        raise KorqgError(f"{path} does not exist: set source_path to a {in_list(SUFFIXES)} file or a folder of them.")
    if path.is_dir():
        files, _ = find_files(path, SUFFIXES)
        if not files:
            raise KorqgError(f"{path} holds no {in_list(SUFFIXES)} file: put your rows there.")
        return files, path
    if path.suffix.lower() not in SUFFIXES:
        raise KorqgError(f"{path.name} holds no rows that can be read: save it as {in_list(SUFFIXES)}.")
    return [path], path.parent


def _read_row(row: dict, new_id: str, taken: set[str]) -> tuple[str, str, Question]:
    """A row's title, passage and question. Raises ValueError with the reason why it cannot be used."""
    shape = next((shape for shape in SHAPES if all(name in row for name in shape)), None)
    if shape is None:
        raise ValueError(f"its columns are {', '.join(row) or 'none'}; wanted are {WANTED}")
    instruction = "" if shape == SHAPES[0] else _text(row, "instruction")
    passage, question = _text(row, shape[-2]), _text(row, shape[-1])
    for name, text in ((shape[-2], passage), (shape[-1], question)):
        if not text:
            raise ValueError(f"its {name} is empty")
    answer = _text(row, "answer")
    # A title of the passage's own: its first words for the reader, and a part of its id to tell it from others.
    title = _text(row, "title") or f"{clean(passage[:60])[:30]} ({make_passage_id(passage)[:6]})"
    name = _text(row, "id")
    if not name or name in taken:
        name = new_id
        while name in taken:
            name += "-again"
    return (
        title,
        passage,
        Question(
            id=name,
            text=question,
            answer=answer,
            answer_start=passage.find(answer) if answer else -1,
            instruction=instruction,
        ),
    )


def _text(row: dict, name: str) -> str:
    value = row.get(name)
    halves = half_characters(value) if isinstance(value, str) else []
    if halves:
        raise ValueError(f"its {name} holds half a character ({halves[0]}), as a text that was cut in an emoji does")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"its {name} is not text but {type(value).__name__}")
    return (value or "").strip()


def _wrong_columns(file: Path, columns: Iterable[str]) -> str:
    found = ", ".join(sorted(columns)[:20])
    return f"{file.name} has the columns {found}; wanted are {WANTED}. Rename them in the file."


def _rows(file: Path) -> list[tuple[str, dict, str]]:
    """A file's rows as (place, columns by their names in lower case, why the row is broken or "")."""
    text = decode_text(read_bytes(file), file.name)
    suffix = file.suffix.lower()
    if suffix in (".csv", ".tsv"):
        return _csv_rows(file, text)
    return _jsonl_rows(text) if suffix == ".jsonl" else _json_rows(file, text)


def _jsonl_rows(text: str) -> list[tuple[str, dict, str]]:
    rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            rows.append(_json_row(f"line {number}", json.loads(line)))
        except (ValueError, RecursionError) as error:
            rows.append((f"line {number}", {}, f"it is not JSON ({getattr(error, 'msg', error)})"))
    return rows


def _json_rows(file: Path, text: str) -> list[tuple[str, dict, str]]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        hint = " It looks like one object a line: rename it to .jsonl." if error.msg == "Extra data" else ""
        raise KorqgError(
            f"{file.name} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.{hint}"
        ) from None
    except (ValueError, RecursionError) as error:
        raise KorqgError(f"{file.name} cannot be read as JSON: {error}. Write it anew.") from None
    if isinstance(value, dict) and isinstance(value.get("data"), list):
        raise KorqgError(f'{file.name} has a list under "data": if it is a KorQuAD 1.0 file, set source="korquad1".')
    if not isinstance(value, list):
        raise KorqgError(f"{file.name} is not a list of objects: wanted are rows with {WANTED}.")
    return [_json_row(f"row {number}", row) for number, row in enumerate(value, start=1)]


def _json_row(place: str, row) -> tuple[str, dict, str]:
    if not isinstance(row, dict):
        return place, {}, "it is not a JSON object"
    return place, {mended(name).strip().lower(): value for name, value in row.items()}, ""


def _csv_rows(file: Path, text: str) -> list[tuple[str, dict, str]]:
    usual_limit = csv.field_size_limit(LARGEST_FIELD)
    try:
        delimiter, header = _header(file, text)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        next(reader)
        rows = []
        while True:
            place = f"line {reader.line_num + 1}"
            try:
                cells = next(reader)
            except StopIteration:
                return rows
            except csv.Error as error:
                if "unexpected end" in str(error):
                    raise KorqgError(
                        f"{file.name}, {place}: a quotation mark is opened here and never closed, so that the rest "
                        "of the file is one cell. Close it, or double it where it belongs to the text."
                    ) from None
                rows.append((place, {}, f"it is not a CSV row ({error})"))
                continue
            if len(cells) == len(header):
                rows.append((place, dict(zip(header, cells, strict=True)), ""))
            elif cells:
                rows.append((place, {}, f"it has {len(cells)} cells, but the header has {len(header)}"))
    finally:
        csv.field_size_limit(usual_limit)


def _header(file: Path, text: str) -> tuple[str, list[str]]:
    """The delimiter and the columns of the first row: the delimiter that gives the columns that are wanted."""
    headers = {}
    for delimiter in DELIMITERS:
        try:
            cells = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), [])
        except csv.Error:
            continue
        headers[delimiter] = [cell.strip().lower() for cell in cells]
    for delimiter, header in headers.items():
        if any(set(shape) <= set(header) for shape in SHAPES):
            if len(set(header)) < len(header):
                twice = next(name for name in header if header.count(name) > 1)
                raise KorqgError(f"{file.name} has two columns named {twice!r}: rename one of them.")
            return delimiter, header
    raise KorqgError(_wrong_columns(file, max(headers.values(), key=len, default=[])))
