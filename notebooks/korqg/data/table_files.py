"""Tables (.jsonl, .csv, .tsv, .json, .xlsx, .parquet, .arrow; also packed) to rows with the names of their columns."""

import codecs
import csv
import datetime
import decimal
import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from korqg.cleaned_text import LOST
from korqg.column_names import SHAPES, WANTED, find_fields, has_shape, plain_name, wrong_columns
from korqg.data import packed_files
from korqg.data.text_blocks import decode_text, in_list, is_hangul
from korqg.errors import KorqgError

SUFFIXES = (".jsonl", ".csv", ".tsv", ".json", ".xlsx", ".parquet")
_TABLES = (*SUFFIXES, ".ndjson", ".arrow")
READABLE = (*_TABLES, *packed_files.SUFFIXES)

DELIMITERS = ",\t;|"
LARGEST_FIELD = 2**31 - 1  # Characters of a CSV field: as many as every system's csv module can be told
# The names of the columns are looked for in so many rows: above them a sheet may have a title or empty rows.
HEADER_ROWS = 10
IF_KORQUAD2 = 'it is a whole page as KorQuAD 2 has them: set source="korquad2"'
_LEVELS = ("paragraphs", "qas")  # Where an article has its paragraphs, and a paragraph its questions
# Share of the letters beyond ASCII that may be unreadable before a file is taken for one of another encoding.
MOST_LOST = 0.01
# How Excel shows a number: words, digits, decimals, a percent sign, words, as in "약 "#,##0.0"원".
_WORDS = r'(?:"[^"]*"|\\.|[^"\\\w#?%.,@/]|[가-힣])*'
_NUMBER_FORMAT = re.compile(rf"({_WORDS})(General|[#0,]*[#0])(?:\.(0+))?( ?%)?({_WORDS})")


_NO_WORKBOOK = (zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError, TypeError, AttributeError, SyntaxError)


@dataclass(frozen=True)
class Row:
    """A row: where it stands, its values by plain names, why it is broken ("": it is not), the questions in it."""

    place: str
    values: dict[str, Any]
    reason: str = ""
    questions: int = 1


def read_tables(file: Path, columns: Mapping[str, str]) -> Iterator[tuple[str, list[Row] | KorqgError]]:
    """The name and the rows of a file, or of each file in it when it is packed, those that are not read at the end.

    `columns` says which column holds which field where the names do not. In place of the rows stands the error, with
    the file's name, for what cannot be read, for a table without the columns that are wanted, and for an empty one.
    """
    inside = file.suffix.lower() in (".zip", ".tgz") or file.name.lower().endswith(".tar.gz")
    found, others = False, []
    try:
        for name, data in packed_files.unpack(file):
            shown = f"{file.name}/{name}" if inside else name
            if inside and packed_files.inner_suffix(name) not in _TABLES:
                others.append((shown, KorqgError(_no_rows(shown))))
                continue
            found = True
            try:
                rows = _rows(shown, packed_files.inner_suffix(name), data, columns)
                yield shown, rows or KorqgError(f"{shown} holds no row that can be used.")
            except KorqgError as error:
                yield shown, error
        if not found:
            raise KorqgError(f"{file.name} holds no {in_list(SUFFIXES)} file: put your rows there.")
    except KorqgError as error:
        yield file.name, error
    yield from others


def _rows(name: str, suffix: str, data: bytes, columns: Mapping[str, str]) -> list[Row]:
    if suffix not in _TABLES:
        raise KorqgError(_no_rows(name))
    if not data:
        raise KorqgError(f"{name} is empty and holds no text: save it again or remove it.")
    if suffix == ".xlsx":
        return _excel_rows(name, data, columns)
    if suffix in (".parquet", ".arrow"):
        return _with_columns(name, list(_arrow_rows(name, suffix, data)), columns)
    text = decode_rows(data, name)
    if suffix in (".csv", ".tsv"):
        return _csv_rows(name, text, columns)
    start = text.lstrip("\ufeff \n\t")[:2]
    in_lines = suffix in (".jsonl", ".ndjson") and (start[:1] != "[" or start == "[[")  # else a list over several lines
    return _with_columns(name, _jsonl_rows(text) if in_lines else _json_rows(name, text, columns), columns)


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
    lost, hangul = beyond.count(LOST), sum(map(is_hangul, beyond))
    return "\0" not in text and lost <= max(2, MOST_LOST * len(beyond)) and hangul >= 0.7 * max(1, len(beyond) - lost)


def _first_bad_byte(data: bytes) -> str:
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        place = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        return f"The first byte that is not UTF-8 is in line {line}, byte {place} of it."
    return "It holds zero bytes."


def _jsonl_rows(text: str) -> list[Row]:
    rows: list[Row] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip("\ufeff \t\r"):
            continue
        try:
            rows += _rows_of_record(f"line {number}", json.loads(line.strip("\ufeff")))
        except (ValueError, RecursionError) as error:
            rows.append(Row(f"line {number}", {}, f"it is not JSON ({getattr(error, 'msg', error)})"))
    return rows


def _json_rows(name: str, text: str, columns: Mapping[str, str]) -> list[Row]:
    try:
        value = json.loads(text.lstrip("\ufeff"))
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":  # one object a line, under the name of a list
            return _jsonl_rows(text)
        raise KorqgError(f"{name} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from None
    except (ValueError, RecursionError) as error:
        raise KorqgError(f"{name} cannot be read as JSON: {error}. Write it anew.") from None
    records = _records_of(value, columns) if isinstance(value, dict) else value
    if not isinstance(records, list):
        raise KorqgError(f"{name} is not a list of objects: wanted are rows with {WANTED}.")
    return [row for number, one in enumerate(records, start=1) for row in _rows_of_record(f"row {number}", one)]


def _records_of(value: dict, columns: Mapping[str, str]) -> list | None:
    """The records of an object: itself, or what it holds in lists, column by column, or by number; else None.

    pandas writes such objects (orient="columns", "index", "split" and "table"), datasets, and the viewer of its hub.
    """
    parts = list(value.values())
    if not value.keys().isdisjoint(_LEVELS):
        return [value]
    if _is_record(value, columns):
        if all(isinstance(part, list) for part in parts):
            return [dict(zip(value, cells, strict=True)) for cells in zip(*parts, strict=False)]
        if all(isinstance(part, dict) for part in parts):
            keys = list(dict.fromkeys(key for part in parts for key in part))
            rows = [{name: part.get(key) for name, part in value.items()} for key in keys]
            return rows if all(key.isdigit() for key in keys) else None  # not what a schema says of columns
        return [value]
    if parts and all(_is_record(part, columns) for part in parts):
        return parts
    names, cells = value.get("columns"), value.get("data")
    if isinstance(names, list) and isinstance(cells, list) and all(isinstance(row, list) for row in cells):
        return [dict(zip(names, row, strict=False)) for row in cells]
    inner = [_records_of(part, columns) if isinstance(part, dict) else part for part in parts]
    lists = [part for part in inner if isinstance(part, list) and all(isinstance(row, dict) for row in part)]
    lists = [[row["row"] if isinstance(row.get("row"), dict) else row for row in part] for part in lists]
    lists = [part for part in lists if any(_is_record(row, columns) for row in part)] or lists
    return [row for part in lists for row in part] if lists else None


def _is_record(value: Any, columns: Mapping[str, str]) -> bool:
    return isinstance(value, dict) and (
        not value.keys().isdisjoint(_LEVELS) or has_shape([plain_name(name) for name in value], columns)
    )


def _rows_of_record(place: str, record: Any, above: Mapping[str, Any] | None = None) -> Iterator[Row]:
    """A record as a row; of an article or a paragraph in SQuAD's schema, or AI-Hub's, a row for each question."""
    if not isinstance(record, dict):
        yield Row(place, {}, "it is not a JSON object")
        return
    below = next((key for key in _LEVELS if key in record), None)
    named = {plain_name(name): value for name, value in record.items()}
    if below is None:
        yield Row(place, {**(above or {}), **named})
    elif "raw_html" in record or not isinstance(record[below], list):
        reason = f'it has no list under "{below}"' if "raw_html" not in record else IF_KORQUAD2
        yield Row(place, {}, reason, max(1, count_questions(record)))
    else:
        shared = {name: value for name, value in named.items() if name != "id" and not isinstance(value, dict | list)}
        for number, part in enumerate(record[below]):
            yield from _rows_of_record(f"{place}, {below}[{number}]", part, {**(above or {}), **shared})


def count_questions(value: Any) -> int:
    """How many questions an article or a paragraph has, whatever else is wrong with it."""
    if isinstance(value, list):
        return sum(map(count_questions, value))
    if not isinstance(value, dict):
        return 0
    return 1 if "question" in value else sum(map(count_questions, value.values()))


def _with_columns(name: str, rows: list[Row], columns: Mapping[str, str]) -> list[Row]:
    """The rows as they are. Raises KorqgError when none can be read or has the columns that are wanted."""
    names = {column: None for row in rows for column in row.values}
    if rows and all(row.reason for row in rows):
        first = f"The first row: {rows[0].place}: {rows[0].reason}."
        raise KorqgError(f"{name} holds no row that can be used. {first} Wanted are objects with {WANTED}.")
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
    import openpyxl

    # What Korean Excel makes of a typed date: openpyxl does not know it, and reads a number of days.
    openpyxl.styles.numbers.BUILTIN_FORMATS[31] = 'yyyy"년" mm"월" dd"일"'
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), data_only=True)
        sheets = [(sheet.title, _cells(sheet)) for sheet in book.worksheets]
    except _NO_WORKBOOK as error:
        raise KorqgError(
            f"{name} is no Excel workbook that can be read ({error}): open it in Excel, without a password, and save "
            "it as .xlsx or .csv."
        ) from None
    rows, refused = [], None
    for title, cells in sheets:
        lines = [(f"{title}, row {number}", row) for number, row in enumerate(cells, start=1)]
        if not any(any(cell) for _, cell in lines):
            continue
        try:
            rows += _grid_rows(name, lines, columns)
        except KorqgError as error:
            refused = refused or error
    if refused and not rows:
        raise refused
    return rows


def _cells(sheet) -> list[list]:
    """A sheet's cells, row by row; merged ones all have the value that Excel keeps in the first of them."""
    cells = [[_cell(cell.value, cell.number_format) for cell in row] for row in sheet.iter_rows()]
    for merged in sheet.merged_cells.ranges:
        for row, column in merged.cells:
            cells[row - 1][column - 1] = cells[merged.min_row - 1][merged.min_col - 1]
    return cells


def _cell(value: Any, form: str) -> Any:
    """A cell's value as a person reads it: a number as its format shows it, a date without a time of midnight."""
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        value = value.date()
    if isinstance(value, datetime.date | datetime.time):
        return _shown_date(value, form)
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int | float):
        return _shown_number(value, form)
    return "" if value is None else value


def _shown_number(number: float, form: str) -> Any:
    """A number as its cell shows it (18%, 3,000원); itself without a format, or with one that is not known here."""
    form = re.sub(r"\[\$([^]-]*)[^]]*\]", r'"\1"', form.partition(";")[0])  # [$₩-412], a currency
    parts = _NUMBER_FORMAT.fullmatch(re.sub(r"\[[^]]*\]|[_*].", "", form))
    if form == "General" or not parts:
        return number
    before, digits, decimals, percent, after = parts.groups("")
    exact = decimal.Decimal(str(abs(number))) * (100 if percent else 1)
    with decimal.localcontext() as context:
        context.rounding = decimal.ROUND_HALF_UP
        text = f"{exact:{',' * (',' in digits)}.{len(decimals)}f}" if digits != "General" else str(exact)
    shown = before + text.zfill(digits.count("0") + len(decimals) + bool(decimals)) + percent + after
    return "-" * (number < 0) + re.sub(r'"([^"]*)"|\\(.)', r"\1\2", shown).strip()


def _shown_date(date: datetime.date | datetime.time, form: str) -> str:
    """A date as a Korean format shows it (1987년 3월 2일), otherwise as 1987-03-02; a time as 09:30:00."""
    form = re.sub(r'\[[^]]*\]|["\\]', "", form.partition(";")[0])
    if isinstance(date, datetime.time) or not re.fullmatch("(yyyy년)? ?(mm?월)? ?(dd?일)?", form):
        return date.isoformat()
    parts = {"yyyy": date.year, "mm": f"{date:%m}", "m": date.month, "dd": f"{date:%d}", "d": date.day}
    return re.sub("yyyy|mm?|dd?", lambda part: str(parts[part[0]]), form)


def _arrow_rows(name: str, suffix: str, data: bytes) -> Iterator[Row]:
    import pyarrow.parquet

    kind = "Parquet" if suffix == ".parquet" else "Arrow"
    try:
        source = io.BytesIO(data)
        table = pyarrow.parquet.read_table(source) if kind == "Parquet" else pyarrow.ipc.open_stream(source).read_all()
        values = table.to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise KorqgError(f"{name} is no {kind} file that can be read ({error}): fetch or write it anew.") from None
    for number, row in enumerate(values, start=1):
        yield from _rows_of_record(f"row {number}", row)
