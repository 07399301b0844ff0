"""Rows as Arrow tables: the same whether they fit into memory or not, and made once."""

import functools

import pytest

from korqg.files import write_jsonl
from korqg.prompts import INSTRUCTIONS, encode_row
from korqg.train import encoded_rows
from korqg.train.encoded_rows import encode_rows, read_training_rows

pytestmark = pytest.mark.torch

ROWS = [
    {
        "id": f"{number}",
        "instruction": INSTRUCTIONS["question"],
        "input": f"{number}번 마을에는 다리가 {number + 2}개 있다." + " 길이 좁다." * (number * 5 % 13),
        "output": f"{number}번 마을에는 다리가 몇 개 있는가?",
    }
    for number in range(40)
]


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("KORQG_CACHE", str(tmp_path / "cache"))
    write_jsonl(tmp_path / "train.jsonl", ROWS)
    return tmp_path / "train.jsonl"


def test_rows_on_disk_are_those_in_memory(file, tokenizer, monkeypatch):
    encode = functools.partial(encode_row, tokenizer, max_length=90)
    small = read_training_rows(file, 30)
    in_memory = encode_rows(small, encode, ("tiny",))
    monkeypatch.setattr(encoded_rows, "LARGE_FILE", 100)
    large = read_training_rows(file, 30)
    assert not isinstance(large, list) and list(large) == small == ROWS[:30]
    on_disk = encode_rows(large, encode, ("tiny",), workers=2)
    assert on_disk.table.cache_files and not in_memory.table.cache_files
    assert len(on_disk) == len(in_memory) == 30
    for place, row in enumerate(ROWS[:30]):
        expected = encode(row)
        for rows in (in_memory, on_disk):
            assert rows[place] == {"input_ids": expected.input_ids, "labels": expected.labels}
            assert rows.lengths[place] == len(expected.input_ids)
    cut = sum(encode(row).cut_tokens > 0 for row in ROWS[:30])
    assert 0 < cut == in_memory.cut_rows == on_disk.cut_rows < 30


def _times(file) -> dict:
    return {path.name: path.stat().st_mtime_ns for path in (file.parent / "cache" / "tables").rglob("*.arrow")}


def test_table_is_made_once_for_the_same_rows_and_settings(file, tokenizer, monkeypatch):
    monkeypatch.setattr(encoded_rows, "LARGE_FILE", 100)
    encode = functools.partial(encode_row, tokenizer, max_length=200)
    first = encode_rows(read_training_rows(file), encode, ("tiny", 200), workers=1)
    made = _times(file)
    assert len(made) == 2
    again = encode_rows(read_training_rows(file), None, ("tiny", 200), workers=2)  # nothing is left to encode
    assert again[7] == first[7] and len(again) == 40
    assert _times(file) == made
    encode_rows(read_training_rows(file), encode, ("tiny", 300), workers=1)
    encode_rows(read_training_rows(file, 20), encode, ("tiny", 200), workers=1)
    assert len(_times(file)) == 4
    write_jsonl(file, ROWS[:30])
    assert len(read_training_rows(file)) == 30  # another file by now


def test_row_that_cannot_be_encoded_leaves_no_table(file, monkeypatch):
    def refuse(row):
        raise ValueError(row["id"])

    monkeypatch.setattr(encoded_rows, "LARGE_FILE", 100)
    rows = read_training_rows(file)
    made = _times(file)
    with pytest.raises(ValueError, match="0"):
        encode_rows(rows, refuse, (), workers=1)
    assert _times(file) == made and len(made) == 1
