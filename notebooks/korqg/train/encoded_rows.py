"""Encoded rows as an Arrow table: in memory for some thousands, on disk and memory-mapped for more than memory holds.

Rows of a large file are encoded by several processes at once, and what comes out is kept in the cache folder: the
next run with the same rows and settings begins with it. The table holds token ids and lengths; a row's labels follow
from its ids, because a loss on the answer ignores the front of a row and nothing else.
"""

import contextlib
import functools
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from korqg.config import TrainConfig
from korqg.errors import KorqgError
from korqg.files import cache_folder, cannot_write, read_jsonl
from korqg.prompts import IGNORED, STOP_OF, EncodedRow, encode_row

# Bytes of a JSON Lines file from which it is read as Arrow: some 100,000 rows of KorQuAD's lengths.
LARGE_FILE = 200_000_000
ENCODING = 1  # Raised when rows are encoded otherwise than before, so that older tables are not taken for new ones


class EncodedRows(Sequence):
    """Rows ready for the collator: {"input_ids", "labels"} by index, two lists of ints of the same length.

    `table` is a datasets.Dataset with the columns input_ids, ignored (how many labels at the front the loss leaves
    out) and cut_tokens. `lengths` are the rows' tokens, an int32 array.
    """

    def __init__(self, table):
        import pyarrow.compute

        self.table = table
        columns = table.data
        self.lengths = pyarrow.compute.list_value_length(columns["input_ids"]).to_numpy().astype("int32")

    @property
    def cut_rows(self) -> int:
        """How many paragraphs were cut to fit."""
        import pyarrow.compute

        return pyarrow.compute.sum(pyarrow.compute.greater(self.table.data["cut_tokens"], 0)).as_py() or 0

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> dict[str, list[int]]:
        row = self.table[int(index)]
        front = row["ignored"]
        return {"input_ids": row["input_ids"], "labels": [IGNORED] * front + row["input_ids"][front:]}


def read_training_rows(path: Path, limit: int = 0) -> Sequence[dict]:
    """The rows of a JSON Lines file, the first `limit` of them (0: all): a list, or for a large file a table on disk.

    Both give a row by its index and can be iterated. The table is made once and kept in the cache folder. Raises
    KorqgError for a file that is absent or broken, and when the disk is full.
    """
    if not path.is_file() or path.stat().st_size < LARGE_FILE:
        return read_jsonl(path)[: limit or None]
    from datasets import Dataset

    with _table_cache() as folder:
        table = Dataset.from_json(str(path), cache_dir=str(folder))
    return table.select(range(min(limit or len(table), len(table))))


def encode_rows(
    rows: Sequence[dict], encode: Callable[[dict], EncodedRow], settings: Sequence, workers: int | None = None
) -> EncodedRows:
    """Every row through `encode`, in order; the rows of a large file in `workers` processes (default: one a core).

    `settings` are what the result depends on beside the rows; with the rows' own fingerprint they name what is kept
    in the cache folder. Raises what `encode` raises for a row, and KorqgError when the disk is full.
    """
    from datasets import Dataset, Features, List, Value

    shape = Features({"input_ids": List(Value("int32")), "ignored": Value("int32"), "cut_tokens": Value("int32")})
    if isinstance(rows, list):
        return EncodedRows(Dataset.from_list([_columns(encode(row)) for row in rows], features=shape))
    key = json.dumps([ENCODING, rows._fingerprint, list(settings)])
    with _table_cache():
        table = rows.map(
            lambda row: _columns(encode(row)),
            num_proc=workers or os.cpu_count(),
            remove_columns=rows.column_names,
            features=shape,
            new_fingerprint=hashlib.sha256(key.encode()).hexdigest()[:16],
        )
    return EncodedRows(table)


@contextlib.contextmanager
def _table_cache() -> Iterator[Path]:
    """The folder in which datasets keeps tables and finds them again; others who want one wait for it."""
    from datasets import disable_progress_bars
    from filelock import FileLock

    disable_progress_bars()
    started, folder = time.monotonic(), cache_folder() / "tables"
    print("Rows as a table on disk, made once for these settings ...", flush=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            yield folder
    except OSError as error:
        raise cannot_write(folder, error) from None
    print(f"  {time.monotonic() - started:.0f} s, in {folder.name} of the cache folder", flush=True)


def encode_and_check(rows: Sequence[dict], tokenizer, config: TrainConfig, loss_on: str, model: str) -> EncodedRows:
    """Every row encoded as notebook 2's `config` says, its labels looked at; `model` is whose tokenizer it is.

    Raises KorqgError when a row is longer than max_length, or when a loss on the answer (`loss_on`) would see anything
    but the answer and its stop token.
    """
    encode = functools.partial(_encode_checked, tokenizer, config.max_length, config.prompt_format, loss_on)
    return encode_rows(rows, encode, (model, config.max_length, config.prompt_format, loss_on))


def _encode_checked(tokenizer, max_length: int, prompt_format: str, loss_on: str, row: dict) -> EncodedRow:
    encoded = encode_row(tokenizer, row, max_length, prompt_format, loss_on)
    right = len(encoded.input_ids) <= max_length
    if loss_on == "answer":
        *learnt, stop = [label for label in encoded.labels if label != IGNORED]
        right &= tokenizer.decode(learnt).strip() == row["output"].strip()
        right &= stop == encoded.labels[-1] == STOP_OF[prompt_format]
    if not right:
        raise KorqgError(f"Row {row['id']} is not encoded as it should be: is its output empty, or of special tokens?")
    return encoded


def _columns(encoded: EncodedRow) -> dict:
    front = next((place for place, label in enumerate(encoded.labels) if label != IGNORED), len(encoded.labels))
    if encoded.labels[front:] != encoded.input_ids[front:]:
        raise ValueError("labels that are not a row's own tokens behind an ignored front cannot be stored")
    return {"input_ids": encoded.input_ids, "ignored": front, "cut_tokens": encoded.cut_tokens}
