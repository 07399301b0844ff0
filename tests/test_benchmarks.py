"""The benchmarks' records and the page that is made of them; each script is run, on few rows and tiny models."""

import copy
import importlib
import json
import re
import sys

import pytest
from many_rows import make_rows
from page import PAGE, million_chunks, page, table
from record import ASKING, FIELDS, check_record, read_records

RECORDS = read_records()


def test_page_is_made_of_the_records():
    assert PAGE.read_text(encoding="utf-8") == page(RECORDS), "run python tests/benchmarks/page.py"


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: f"{record['script']}: {record['title']}")
def test_table_changes_no_figure(record):
    names = list(dict.fromkeys(name for row in record["figures"] for name in row))
    for row, line in zip(record["figures"], table(record["figures"]).splitlines()[2:], strict=True):
        for name, cell in zip(names, line[2:-2].split(" | "), strict=True):
            value = row.get(name)
            if isinstance(value, list):
                assert [float(end) for end in cell.split(" to ")] == sorted({min(value), max(value)})
            elif isinstance(value, str):
                assert cell == value
            else:
                assert (float(cell.replace(",", "")) if cell.strip() else None) == value


def test_links_of_the_page_lead_to_what_is_there():
    for target in re.findall(r"\]\(([^)#]+)", PAGE.read_text(encoding="utf-8")):
        assert (PAGE.parent / target).exists(), target


def test_page_refuses_a_script_that_it_has_no_section_for():
    record = RECORDS[0] | {"script": "unknown.py"}
    with pytest.raises(ValueError, match=r"no place for records of unknown\.py"):
        page([record])


@pytest.mark.parametrize("field", FIELDS)
def test_record_without_a_field_is_refused(field):
    if field in ("title", "settings"):
        broken = [{name: value for name, value in RECORDS[0].items() if name != field}]
    else:
        broken = [RECORDS[0] | {field: value} for value in (None, FIELDS[field]())]
    for record in broken:
        with pytest.raises(ValueError, match=field):
            check_record(record)


def test_unknown_versions_are_for_transcribed_records_alone():
    record = copy.deepcopy(next(one for one in RECORDS if not one["versions"]["peft"]))
    check_record(record)
    with pytest.raises(ValueError, match="versions lacks"):
        check_record({name: value for name, value in record.items() if name != "transcribed"})


def test_records_name_the_file_that_is_none(tmp_path):
    (tmp_path / "broken.json").write_text(json.dumps(RECORDS[0] | {"date": "yesterday"}), encoding="utf-8")
    with pytest.raises(ValueError, match=r"broken\.json.*yesterday"):
        read_records(tmp_path)


def test_asking_record_gives_hours_and_dollars_of_a_million_chunks():
    row = dict.fromkeys(ASKING, 1) | {"model": "a", "questions_per_s": 400}
    slower, other = row | {"questions_per_s": 40}, row | {"engine": "another", "questions_per_s": 900}
    record = RECORDS[0] | {"script": "korqg.ask", "figures": [slower, row, other]}
    record["settings"] = {"candidates_per_chunk": 8, "usd_per_hour": 3}
    check_record(record)
    cells = [cell.strip() for cell in million_chunks([record]).splitlines()[2].split("|")]
    assert cells[3:-1] == ["a", "400", "8", "5.6", "2.8", "3", "17"]  # 8,000,000 / 400 = 20,000 s
    for broken in ({"settings": {}}, {"figures": [{"model": "a"}]}):
        with pytest.raises(ValueError, match="lack"):
            check_record(record | broken)


def test_records_of_one_title_share_a_table_and_keep_what_is_their_own():
    one = next(record for record in RECORDS if record["script"] == "kills.py")
    other = one | {"card": "4 CPU cores", "settings": {"kills": "few"}, "figures": [{"kills": 3}]}
    text = page([*RECORDS, other])
    assert "- 2 CPU cores; model: a Gemma 3 of two layers" in text
    assert "- 4 CPU cores; kills: few\n" in text
    assert re.search(r"\| 4 CPU cores \|[ |]* 3 \|", text)


def test_table_keeps_decimals_and_ranges():
    lines = table(
        [{"x": 1.171, "y": [2, 1]}, {"x": 1.1808, "y": None, "z": 1200}, {"x": 82.7, "z": "a|b"}]
    ).splitlines()
    assert lines[2:] == ["| 1.1710 | 1 to 2 |  |", "| 1.1808 |  | 1,200 |", r"| 82.7 |  | a\|b |"]


@pytest.fixture(scope="module")
def lengths(tmp_path_factory):
    file = tmp_path_factory.mktemp("lengths") / "lengths.json"
    file.write_text(json.dumps([[20 + number % 50, 5 + number % 7] for number in range(40)]), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for name in ("train", "validation"):
        make_rows(folder / f"{name}.jsonl", 8)
    return folder


TINY = ['shape="tiny"', "compile=false", "batch_size=4", "timed_rows=8", "warm_steps=1", "cap_gb=0", 'precision=""']


@pytest.mark.torch
@pytest.mark.parametrize(
    ("script", "given"),
    [
        ("own_text", ["--characters", "3000", "--rows", "40", "--repeats", "2"]),
        ("korquad2_reader", ["--megabytes", "0.3", "--plain", "lxml"]),
        ("many_rows", ["FOLDER", "--rows", "90", "--workers", "1", "--repeats", "1"]),
        ("several_gpus", ["LENGTHS", "--rows", "300"]),
        ("generation_speed", ["LENGTHS", "--shape", "tiny", "--questions", "6", "--batch", "4", "--new-tokens", "5"]),
        ("training_speed", ["LENGTHS", "--only", "this course, 14 GB", "--set", *TINY]),
        (
            "quantization",
            ["DATA", "--shape", "tiny", "--only", "none", "--seeds", "1", "--rows", "8", "--new-tokens", "2"],
        ),
    ],
)
def test_script_writes_a_record_that_the_page_takes(script, given, lengths, data_folder, tmp_path, monkeypatch):
    places = {"FOLDER": tmp_path / "many", "LENGTHS": lengths, "DATA": data_folder}
    arguments = [str(places.get(one, one)) for one in given]
    monkeypatch.setattr(sys, "argv", [script, *arguments, "--results", str(tmp_path / "results")])
    importlib.import_module(script).main()
    records = read_records(tmp_path / "results")
    assert records and all(record["script"] == f"{script}.py" for record in records)
    assert not any("error" in row for record in records for row in record["figures"])
    text = page([*RECORDS, *records])
    for record in records:
        assert "transcribed" not in record
        assert record["card"] in text and record["versions"]["torch"] in text
