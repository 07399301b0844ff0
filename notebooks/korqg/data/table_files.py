"""Tables (.jsonl, .csv, .tsv, .json, .xlsx, .parquet; also packed) to rows with the names of their columns."""

import codecs
import csv
import datetime
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from korqg.cleaned_text import LOST
from korqg.column_names import SHAPES, WANTED, find_fields, has_shape, plain_name, wrong_columns
from korqg.data import packed_files
from korqg.data.text_blocks import decode_text, in_list
from korqg.errors import KorqgError

SUFFIXES = (".jsonl", ".csv", ".tsv", ".json", ".xlsx", ".parquet")
READABLE = (*SUFFIXES, ".ndjson", *packed_files.SUFFIXES)

DELIMITERS = ",\t;|"

LARGEST_FIELD = 2**31 - 1
"""Characters of a CSV field: as many as every system's csv module can be told."""

HEADER_ROWS = 10
"""The names of the columns are looked for in so many rows: above them a sheet may have a title or empty rows."""

MOST_LOST = 0.01
"""Share of the letters beyond ASCII that may be unreadable before a file is taken for one of another encoding."""


@dataclass(frozen=True)
class Row:
    """A row: where it stands, its values by plain names, and why it is broken ("": it is not)."""

    place: str
    values: dict[str, Any]
    reason: str = ""


def read_tables(file: Path, columns: Mapping[str, str]) -> Iterator[tuple[str, list[Row] | KorqgError]]:
    """The name and the rows of a file, or of each file in it that is read when it is packed.

    `columns` says which column holds which field where the names do not. In place of the rows stands the error, with
    the file's name, for what cannot be read, for a table without the columns that are wanted, and for an empty one.
    """
    found = False
    try:
        for name, data in packed_files.unpack(file):
            inside = file.suffix.lower() in (".zip", ".tgz") or file.name.lower().endswith(".tar.gz")
            suffix = packed_files.inner_suffix(name)
            if suffix not in (*SUFFIXES, ".ndjson") and inside:
                continue
            found = True
            shown = f"{file.name}/{name}" if inside else name
            try:
                rows = _rows(shown, suffix, data, columns)
                yield shown, rows or KorqgError(f"{shown} holds no row that can be used.")
            except KorqgError as error:
                yield shown, error
        if not found:
            raise KorqgError(f"{file.name} holds no {in_list(SUFFIXES)} file: put your rows there.")
    except KorqgError as error:
        yield file.name, error


def _rows(name: str, suffix: str, data: bytes, columns: Mapping[str, str]) -> list[Row]:
    if suffix not in (*SUFFIXES, ".ndjson"):
        raise KorqgError(_no_rows(name))
    if not data:
        raise KorqgError(f"{name} is empty and holds no text: save it again or remove it.")
    if suffix == ".xlsx":
        return _excel_rows(name, data, columns)
    if suffix == ".parquet":
        return _parquet_rows(name, data, columns)
    text = decode_rows(data, name)
    if suffix in (".csv", ".tsv"):
        return _csv_rows(name, text, columns)
    rows = _jsonl_rows(text) if suffix in (".jsonl", ".ndjson") and not _is_list(text) else _json_rows(name, text)
    return _with_columns(name, rows, columns)


def _no_rows(name: str) -> str:
    hint = " An .xls workbook is of an old binary format: save it as .xlsx." if name.lower().endswith(".xls") else ""
    return f"{name} holds no rows that can be read: save it as {in_list(SUFFIXES)}.{hint}"


def decode_rows(data: bytes, name: str) -> str:
    """The text of a file of rows; where single bytes of it cannot be read, U+FFFD stands for them.

    So a bad byte costs its row, which `as_text` refuses. Raises KorqgError for a file of another encoding, with the
    line and the byte where it stops to be UTF-8.
    """
    try:
        return decode_text(data, name)
    except KorqgError as error:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise
        for encoding in ("utf-8-sig", "cp949"):
            text = data.decode(encoding, "replace")
            if _mostly_read(text):
                return re.sub("\r\n?", "\n", text)
        raise KorqgError(f"{error} {_first_bad_byte(data)}") from None


def _mostly_read(text: str) -> bool:
    """Whether a text was read in the right encoding but for a few bytes: Hangul, and hardly a lost letter."""
    beyond = [sign for sign in text if sign > "\x7f"]
    lost, hangul = beyond.count(LOST), sum("가" <= sign <= "힣" for sign in beyond)
    return "\0" not in text and lost <= max(2, MOST_LOST * len(beyond)) and hangul >= 0.7 * max(1, len(beyond) - lost)


def _first_bad_byte(data: bytes) -> str:
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        place = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        return f"The first byte that is not UTF-8 is in line {line}, byte {place} of it."
    return "It holds zero bytes."


def _is_list(text: str) -> bool:
    """Whether a file of lines is one list over several lines after all."""
    return text.lstrip("\ufeff \n\t").startswith("[") and not text.lstrip("\ufeff \n\t").startswith("[[")


def _jsonl_rows(text: str) -> list[Row]:
    rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip("\ufeff \t\r"):
            continue
        try:
            rows.append(_json_row(f"line {number}", json.loads(line.strip("\ufeff"))))
        except (ValueError, RecursionError) as error:
            rows.append(Row(f"line {number}", {}, f"it is not JSON ({getattr(error, 'msg', error)})"))
    return rows


def _json_rows(name: str, text: str) -> list[Row]:
    try:
        value = json.loads(text.lstrip("\ufeff"))
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":  # one object a line, under the name of a list
            return _jsonl_rows(text)
        raise KorqgError(f"{name} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from None
    except (ValueError, RecursionError) as error:
        raise KorqgError(f"{name} cannot be read as JSON: {error}. Write it anew.") from None
    if isinstance(value, dict):
        value = _rows_of_object(value)
    if not isinstance(value, list):
        raise KorqgError(f"{name} is not a list of objects: wanted are rows with {WANTED}.")
    if any(isinstance(row, dict) and isinstance(row.get("paragraphs"), list) for row in value):
        return list(_article_rows(value))
    return [_json_row(f"row {number}", row) for number, row in enumerate(value, start=1)]


def _rows_of_object(value: dict) -> list | None:
    """The rows of an object that holds them in lists, or column by column (pandas, datasets); else None."""
    lists = [part for part in value.values() if isinstance(part, list) and all(isinstance(row, dict) for row in part)]
    if lists:
        rows = [row for part in lists for row in part]
        return [row["row"] if isinstance(row.get("row"), dict) else row for row in rows]
    if value and all(isinstance(column, list) for column in value.values()):
        return [dict(zip(value, cells, strict=True)) for cells in zip(*value.values(), strict=False)]
    if value and all(isinstance(column, dict) for column in value.values()):
        keys = list(dict.fromkeys(key for column in value.values() for key in column))
        return [{name: column.get(key) for name, column in value.items()} for key in keys]
    return None


def _article_rows(articles: list) -> Iterator[Row]:
    """The questions of articles in SQuAD's schema, and in AI-Hub's, which is much like it, as rows."""
    for number, article in enumerate(articles):
        if not isinstance(article, dict) or not isinstance(article.get("paragraphs"), list):
            yield Row(f"data[{number}]", {}, 'an article without a list under "paragraphs"')
            continue
        named = {key: article[key] for key in ("title", "doc_title") if key in article}
        for index, paragraph in enumerate(article["paragraphs"]):
            place = f"data[{number}], paragraphs[{index}]"
            if not isinstance(paragraph, dict) or not isinstance(paragraph.get("qas"), list):
                yield Row(place, {}, 'a paragraph without a list under "qas"')
                continue
            for order, asked in enumerate(paragraph["qas"]):
                row = {**named, "context": paragraph.get("context"), **asked} if isinstance(asked, dict) else asked
                yield _json_row(f"{place}, qas[{order}]", row)


def _json_row(place: str, row: Any) -> Row:
    if not isinstance(row, dict):
        return Row(place, {}, "it is not a JSON object")
    return Row(place, {plain_name(name): value for name, value in row.items()})


def _with_columns(name: str, rows: list[Row], columns: Mapping[str, str]) -> list[Row]:
    """The rows as they are. Raises KorqgError when no row has the columns that are wanted."""
    names = {column: None for row in rows for column in row.values}
    if names and not any(has_shape(row.values, columns) for row in rows):
        together = find_fields(names, columns)
        if not any(set(shape) <= set(together) for shape in SHAPES):
            raise KorqgError(wrong_columns(name, names))
    return rows


def _csv_rows(name: str, text: str, columns: Mapping[str, str]) -> list[Row]:
    usual_limit = csv.field_size_limit(LARGEST_FIELD)
    try:
        delimiter = _delimiter(name, text, columns)
        return _grid_rows(name, _csv_lines(name, text, delimiter), columns)
    finally:
        csv.field_size_limit(usual_limit)


def _csv_lines(name: str, text: str, delimiter: str) -> Iterator[tuple[str, list[str] | str]]:
    """Each row's place and cells, or why it is broken. Raises KorqgError for a quotation mark that is never closed."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        place = f"line {reader.line_num + 1}"
        try:
            yield place, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "unexpected end" in str(error):
                raise KorqgError(
                    f"{name}, {place}: a quotation mark is opened here and never closed, so that the rest of the file "
                    "is one cell. Close it, or double it where it belongs to the text."
                ) from None
            yield place, f"it is not a CSV row ({error})"


def _delimiter(name: str, text: str, columns: Mapping[str, str]) -> str:
    """The delimiter that gives the columns that are wanted. Raises KorqgError when none does."""
    widest: list[str] = []
    for delimiter in DELIMITERS:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        for _ in range(HEADER_ROWS):
            try:
                names = [plain_name(cell) for cell in next(reader, [])]
            except csv.Error:
                break
            if has_shape(names, columns):
                return delimiter
            widest = names if len(names) > len(widest) else widest
    raise KorqgError(wrong_columns(name, widest))


def _grid_rows(name: str, lines: Iterable[tuple[str, list | str]], columns: Mapping[str, str]) -> list[Row]:
    """Rows of cells by the names in the header, the first row that has those that are wanted.

    A row of empty cells is an empty line; a column without a name is none, nor are empty cells beyond the header.
    """
    header: list[str] = []
    above: list[str] = []
    rows = []
    for number, (place, cells) in enumerate(lines):
        if isinstance(cells, str):
            rows.append(Row(place, {}, cells))
        elif not header:
            names = [plain_name(cell) for cell in cells]
            if has_shape(names, columns):
                header = _checked_header(name, names, columns)
            elif number >= HEADER_ROWS:
                break
            above = above or [one for one in names if one]
        elif any(plain_name(cell) for cell in cells):
            rows.append(_grid_row(place, cells, header, columns))
    if not header:
        raise KorqgError(wrong_columns(name, above))
    return rows


def _checked_header(name: str, names: list[str], columns: Mapping[str, str]) -> list[str]:
    """The header without nameless columns at its end. Raises KorqgError when a name that is read stands there twice."""
    for column in find_fields(names, columns).values():
        if names.count(column) > 1:
            raise KorqgError(f"{name} has two columns named {column!r}: rename one of them.")
    while names and not names[-1]:
        names = names[:-1]
    return names


def _grid_row(place: str, cells: list, header: list[str], columns: Mapping[str, str]) -> Row:
    """A row's cells by their columns. Some programs leave the last ones out where they are empty."""
    while len(cells) > len(header) and not plain_name(cells[-1]):
        cells = cells[:-1]
    named = sum(map(bool, header))
    if (len(cells) < len(header) and not has_shape(header[: len(cells)], columns)) or (
        len(cells) > len(header) and named == len(header)
    ):
        return Row(place, {}, f"it has {len(cells)} cells, but the header has {len(header)}")
    return Row(place, {column: cell for column, cell in zip(header, cells, strict=False) if column})


def _excel_rows(name: str, data: bytes, columns: Mapping[str, str]) -> list[Row]:
    """The rows of all sheets that have the columns that are wanted."""
    import zipfile

    import openpyxl

    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheets = [(sheet.title, list(sheet.iter_rows(values_only=True))) for sheet in book.worksheets]
    except (
        zipfile.BadZipFile,
        KeyError,
        ValueError,
        OSError,
        EOFError,
        TypeError,
        AttributeError,
        SyntaxError,
    ) as error:
        raise KorqgError(
            f"{name} is no Excel workbook that can be read ({error}): open it in Excel, without a password, and save "
            "it as .xlsx or .csv."
        ) from None
    rows, refused = [], None
    for title, cells in sheets:
        lines = [(f"{title}, row {number}", [_cell(cell) for cell in row]) for number, row in enumerate(cells, start=1)]
        if not any(any(cell) for _, cell in lines):
            continue
        try:
            rows += _grid_rows(name, lines, columns)
        except KorqgError as error:
            refused = refused or error
    if refused and not rows:
        raise refused
    return rows


def _cell(value: Any) -> Any:
    """A cell's value as a person reads it: a whole number without a point, a date without a time of midnight."""
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        value = value.date()
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return "" if value is None else value


def _parquet_rows(name: str, data: bytes, columns: Mapping[str, str]) -> list[Row]:
    import pyarrow
    import pyarrow.parquet

    try:
        values = pyarrow.parquet.read_table(io.BytesIO(data)).to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise KorqgError(f"{name} is no Parquet file that can be read ({error}): fetch or write it anew.") from None
    rows = [_json_row(f"row {number}", row) for number, row in enumerate(values, start=1)]
    return _with_columns(name, rows, columns)
