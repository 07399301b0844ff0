"""Tables as people have them: formats, columns by other names, and what is refused with a remedy."""

import csv
import datetime
import gzip
import io
import json
import unicodedata
import zipfile

import pytest

from korqg.column_names import find_fields, parse_columns
from korqg.data.own_rows import read_rows
from korqg.errors import KorqgError

ROWS = [
    {
        "passage": "염전에서는 바닷물을 얕은 못에 가두고 햇볕과 바람으로 물을 말린다. "
        "마지막 못에서 소금꽃이 피면 대파로 긁어 모은다.",
        "question": "염전에서 소금을 긁어 모으는 연장은 무엇인가?",
        "answer": "대파",
    },
    {
        "passage": "소금 창고의 바닥에는 틈이 있어 간수가 빠져나간다. 세 해를 묵힌 소금은 쓴맛이 적다.",
        "question": "소금 창고의 바닥 틈으로 빠져나가는 것은 무엇인가?",
        "answer": "간수",
    },
    {
        "passage": "수차는 사람이 발로 밟아 돌리며, 낮은 못의 물을 높은 못으로 올린다.",
        "question": "낮은 못의 물을 높은 못으로 올리는 것은 무엇인가?",
        "answer": "수차",
    },
]
LISTED = [
    {
        "id": f"소금-{number}",
        "context": row["passage"],
        "question": row["question"],
        "answers": {"text": [row["answer"]], "answer_start": [row["passage"].index(row["answer"])]},
    }
    for number, row in enumerate(ROWS)
]


def _lines(rows: list[dict]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _csv(rows: list[dict], header: list[str] | None = None, delimiter: str = ",") -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(header or list(rows[0]))
    writer.writerows(row.values() for row in rows)
    return text.getvalue()


def _zip(files: dict[str, str]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return data.getvalue()


def _articles(**names: str) -> dict:
    """ROWS in SQuAD's schema, with some of its keys called otherwise."""
    called = {"title": "title", "id": "id"} | names
    return {
        "data": [
            {
                called["title"]: "염전",
                "paragraphs": [
                    {
                        "context": row["passage"],
                        "qas": [
                            {
                                called["id"]: f"소금-{number}",
                                "question": row["question"],
                                "is_impossible": False,
                                "answers": [
                                    {"text": row["answer"], "answer_start": row["passage"].index(row["answer"])}
                                ],
                            }
                        ],
                    }
                    for number, row in enumerate(ROWS)
                ],
            }
        ]
    }


def _merged() -> bytes:
    """A workbook in which the passage of two questions is one cell over two rows."""
    import openpyxl

    book, data = openpyxl.Workbook(), io.BytesIO()
    for row in (["지문", "질문"], [ROWS[0]["passage"], ROWS[0]["question"]], [None, "바닷물을 말리는 것은 무엇인가?"]):
        book.active.append(row)
    book.active.merge_cells("A2:A3")
    book.save(data)
    return data.getvalue()


def _arrow(rows: list[dict]) -> bytes:
    import pyarrow

    table, data = pyarrow.Table.from_pylist(rows), io.BytesIO()
    with pyarrow.ipc.new_stream(data, table.schema) as stream:
        stream.write_table(table)
    return data.getvalue()


def _workbook(*rows_above: list) -> bytes:
    import openpyxl

    book, data = openpyxl.Workbook(), io.BytesIO()
    for row in rows_above:
        book.active.append(row)
    book.active.append(["번호", "지문", "질문", "정답"])
    for number, row in enumerate(ROWS, start=1):
        book.active.append([number, *row.values()])
    book.create_sheet("빈 쪽")
    book.save(data)
    return data.getvalue()


def _parquet(rows: list[dict]) -> bytes:
    import pyarrow
    import pyarrow.parquet

    data = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), data)
    return data.getvalue()


@pytest.fixture
def read(tmp_path):
    """Reads a file of this name and content with `read_rows`."""

    def read_file(name: str, content: str | bytes, **options):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_rows(path, **options)

    return read_file


def _asked(corpus) -> list[tuple[str, str]]:
    return [(question.text, question.answer) for passage in corpus.passages for question in passage.questions]


WANTED = [(row["question"], row["answer"]) for row in ROWS]

FORMATS = {
    "lines called .json": ("rows.json", _lines(ROWS)),
    "one object under .jsonl": ("rows.jsonl", json.dumps(ROWS, ensure_ascii=False, indent=1)),
    "gzip": ("rows.jsonl.gz", gzip.compress(_lines(ROWS).encode())),
    "gzip of CSV": ("rows.csv.gz", gzip.compress(_csv(ROWS).encode("cp949"))),
    "zip": ("rows.zip", _zip({"자료/rows.csv": _csv(ROWS), "__MACOSX/._rows.csv": "\0"})),
    "rows under data": ("rows.json", json.dumps({"version": 1, "data": ROWS})),
    "column by column": (
        "rows.json",
        json.dumps({key: {str(n): r[key] for n, r in enumerate(ROWS)} for key in ROWS[0]}),
    ),
    "by number": ("rows.json", json.dumps({str(number): row for number, row in enumerate(ROWS)})),
    "names and cells": (
        "rows.json",
        json.dumps({"columns": list(ROWS[0]), "index": [0, 1, 2], "data": [list(row.values()) for row in ROWS]}),
    ),
    "the hub's viewer": (
        "rows.json",
        json.dumps(
            {"features": [{"name": "passage"}], "rows": [{"row_idx": n, "row": row} for n, row in enumerate(ROWS)]}
        ),
    ),
    "splits under data": ("rows.json", json.dumps({"data": {"train": ROWS[:1], "dev": ROWS[1:]}})),
    "columns with answers as objects": (
        "rows.json",
        json.dumps({key: [row[key] for row in LISTED] for key in ("context", "question", "answers")}),
    ),
    "one object a file": (
        "rows.zip",
        _zip({f"{n}.json": json.dumps(row, ensure_ascii=False) for n, row in enumerate(ROWS)}),
    ),
    "articles in lines": ("rows.jsonl", _lines(_articles()["data"])),
    "paragraphs in lines": ("rows.jsonl", _lines(_articles()["data"][0]["paragraphs"])),
    "Arrow": ("rows.arrow", _arrow(LISTED)),
    "Parquet": ("rows.parquet", _parquet(ROWS)),
    "Excel": ("rows.xlsx", _workbook()),
    "Excel with a title": ("rows.xlsx", _workbook(["염전 질문 모음"], [])),
    "Hugging Face": ("rows.jsonl", _lines(LISTED)),
    "Hugging Face in Parquet": ("rows.parquet", _parquet(LISTED)),
    "Hugging Face in CSV": ("rows.csv", _csv([{**row, "answers": str(row["answers"])} for row in LISTED])),
    "numpy in CSV": (
        "rows.csv",
        _csv(
            [
                {
                    **row,
                    "answers": f"{{'text': array(['{row['answers']['text'][0]}'], dtype=object), 'answer_start': "
                    f"array([{row['answers']['answer_start'][0]}], dtype=int32)}}",
                }
                for row in LISTED
            ]
        ),
    ),
    "SQuAD": ("rows.json", json.dumps(_articles())),
    "AI-Hub": (
        "rows.json",
        json.dumps({"Dataset": {"name": "염전"}, **_articles(title="doc_title", id="question_id")}),
    ),
    "Korean names": ("rows.csv", _csv(ROWS, ["본문", "질문(필수)", "정답"]).encode("cp949")),
    "decomposed names": ("rows.csv", unicodedata.normalize("NFD", _csv(ROWS, ["지문", "질문", "답"]))),
    "two byte order marks": ("rows.csv", "\ufeff\ufeff" + _csv(ROWS)),
    "invisible signs in names": ("rows.jsonl", _lines([{f"{k}\u200b": v for k, v in row.items()} for row in ROWS])),
    "a title above": ("rows.csv", "염전 질문 모음,,\r\n,,\r\n" + _csv(ROWS)),
    "Excel's delimiter line": ("rows.csv", "sep=;\r\n" + _csv(ROWS, delimiter=";")),
    "nameless columns": (
        "rows.csv",
        _csv([{**row, "a": "", "b": ""} for row in ROWS], ["passage", "question", "answer", "", ""]),
    ),
    "empty rows": ("rows.csv", _csv(ROWS) + ",,\r\n" * 30),
    "cells left out": ("rows.csv", _csv(ROWS).replace("answer", "answer,memo", 1)),
}


@pytest.mark.parametrize("name", FORMATS)
def test_format_is_read_as_it_is(read, name):
    corpus = read(*FORMATS[name])
    assert _asked(corpus) == WANTED
    assert corpus.dropped == []
    for passage in corpus.passages:
        for question in passage.questions:
            assert passage.text.startswith(question.answer, question.answer_start)


ORDER = "글을 읽고 질문을 하나 쓰세요."
TALKS = {
    "messages": [
        {
            "messages": [
                {"role": "system", "content": ORDER},
                {"role": "user", "content": row["passage"]},
                {"role": "assistant", "content": row["question"]},
            ]
        }
        for row in ROWS
    ],
    "ShareGPT": [
        {
            "conversations": [
                {"from": "human", "value": f"{ORDER}\n\n{row['passage']}"},
                {"from": "gpt", "value": row["question"]},
            ]
        }
        for row in ROWS
    ],
}


@pytest.mark.parametrize("name", TALKS)
def test_talk_of_one_question_is_a_row_with_an_instruction(read, name):
    corpus = read("talks.jsonl", _lines(TALKS[name]))
    assert [passage.text for passage in corpus.passages] == [row["passage"] for row in ROWS]
    assert {question.instruction for passage in corpus.passages for question in passage.questions} == {ORDER}
    longer = {"messages": TALKS["messages"][0]["messages"] + TALKS["messages"][1]["messages"][1:]}
    key = next(iter(TALKS[name][0]))
    in_cells = read("talks.csv", _csv([{key: json.dumps(talk[key], ensure_ascii=False)} for talk in TALKS[name]]))
    assert in_cells.passages == corpus.passages
    mixed = read("talks.jsonl", _lines([*TALKS[name], longer]), max_dropped_fraction=0.5)
    assert "2 turns of the user" in mixed.dropped[0]["reason"]


def test_columns_of_other_names_are_said_by_the_parameter(read):
    text = _csv(ROWS, ["bodytext", "ask", "reply"])
    with pytest.raises(KorqgError, match=r'has the columns ask, bodytext, reply; .*columns="passage=ask,question=..."'):
        read("rows.csv", text)
    columns = parse_columns("passage=bodytext, question=ask, answer=Reply")
    assert _asked(read("rows.csv", text, columns=columns)) == WANTED


@pytest.mark.parametrize("given", ["passage", "passage=", "text=body", "passage=a,passage=b"])
def test_columns_that_cannot_be_read_say_how_to_write_them(given):
    with pytest.raises(KorqgError, match="name each field once with its column"):
        parse_columns(given)
    assert parse_columns("") == {}


def test_field_takes_the_column_that_fits_best_and_no_column_twice():
    assert find_fields(["content", "context", "q", "답"], {}) == {"passage": "context", "question": "q", "answer": "답"}
    assert find_fields(["a", "q"], {"passage": "a"}) == {"passage": "a", "question": "q"}


def test_list_of_questions_and_answers_has_the_answers_as_passages(read, capsys):
    text = _csv([{"분류": "염전", "질문": row["question"], "답변": row["passage"]} for row in ROWS])
    corpus = read("faq.csv", text)
    assert [passage.text for passage in corpus.passages] == [row["passage"] for row in ROWS]
    assert {answer for _, answer in _asked(corpus)} == {""}
    assert "each answer (답변) is taken as the passage" in capsys.readouterr().out
    short = _csv([{"질문": row["question"], "답변": row["answer"]} for row in ROWS])
    with pytest.raises(KorqgError, match=r'no passage .*columns="passage=답변"'):
        read("faq.csv", short)
    assert len(read("faq.csv", short, columns=parse_columns("passage=답변")).passages) == 3


def test_question_that_the_passage_does_not_answer_is_left_out_and_not_broken(read):
    rows = [*LISTED, {**LISTED[0], "id": "x", "answers": {"text": [], "answer_start": []}}]
    rows += [{**LISTED[1], "id": "y", "question": "염전의 주인은 누구인가?", "is_impossible": True}]
    corpus = read("rows.jsonl", _lines(rows), max_dropped_fraction=0)
    assert _asked(corpus) == WANTED
    assert ["unanswerable" in record["reason"] for record in corpus.dropped] == [True, True]


def test_stated_place_says_which_of_several_is_meant(read):
    text = "간수는 쓰다. 두부를 굳힐 때에도 간수를 쓴다."
    row = {"passage": text, "question": "쓴 것은 무엇인가?", "answer": "간수", "answer_start": text.rindex("간수")}
    (question,) = read("rows.jsonl", _lines([row])).passages[0].questions
    assert question.answer_start == text.rindex("간수")
    corpus = read("rows.csv", _csv([{**row, "answer_start": 3}]))
    assert (corpus.passages[0].questions[0].answer_start >= 0, corpus.mended) == (True, 1)


def test_missing_cells_are_empty_and_never_the_word_for_them(read):
    rows = [dict(row) for row in ROWS]
    rows[0]["answer"], rows[1]["question"] = float("nan"), float("nan")
    corpus = read("rows.jsonl", _lines(rows), max_dropped_fraction=0.5)
    assert _asked(corpus) == [(ROWS[0]["question"], ""), WANTED[2]]
    assert [record["reason"] for record in corpus.dropped] == ["its question is empty"]


@pytest.mark.parametrize("field", ["passage", "question", "answer", "title"])
def test_half_of_a_sign_costs_its_row(read, field):
    rows = [*ROWS[:2], {**ROWS[2], field: "수차\ud83d"}]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    corpus = read("rows.jsonl", text, max_dropped_fraction=0.5)
    assert _asked(corpus) == WANTED[:2]
    assert f"its {field} is broken" in corpus.dropped[0]["reason"]


@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
def test_byte_that_cannot_be_read_costs_its_row(read, encoding):
    data = _csv(ROWS).encode(encoding).replace("간수가".encode(encoding), "간수가".encode(encoding)[:-1], 1)
    corpus = read("rows.csv", data, max_dropped_fraction=0.5)
    assert _asked(corpus) == [WANTED[0], WANTED[2]]
    assert (corpus.dropped[0]["id"], "U+FFFD" in corpus.dropped[0]["reason"]) == ("line 3", True)


def test_file_of_another_encoding_says_where_it_stops_to_be_text(read):
    with pytest.raises(
        KorqgError, match=r"neither UTF-8 nor CP949.*first byte that is not UTF-8 is in line 2, byte 1 "
    ):
        read("rows.csv", "passage,question\n塩田の水車は人が足で踏んで回す。,何か\n".encode("euc_jp"))


def test_text_whose_letters_are_lost_stops_with_where(read):
    rows = [{**row, "passage": row["passage"].replace("못", "\ufffd")} for row in ROWS]
    with pytest.raises(KorqgError, match=r"max_dropped_fraction.*U\+FFFD, the replacement sign, stands at character"):
        read("rows.jsonl", _lines(rows))


def test_rows_of_another_task_stop_and_say_so(read):
    rows = [
        {"instruction": "다음 글을 한 줄로 줄이시오.", "input": row["passage"], "output": "소금 이야기."}
        for row in ROWS
    ]
    with pytest.raises(KorqgError, match="its output is no question"):
        read("rows.json", json.dumps(rows))
    with pytest.raises(KorqgError, match="3 rows the output is no question: they are of another task"):
        read("rows.json", json.dumps([*rows, {**rows[0], "output": ROWS[0]["question"]}]))


def test_questions_that_are_none_are_noticed(read, capsys):
    read("rows.csv", _csv([{**row, "question": "이 글을 한 줄로 줄이시오."} for row in ROWS]))
    assert "3 of 3 questions are none in form" in capsys.readouterr().out
    read("rows.csv", _csv(ROWS))
    assert "none in form" not in capsys.readouterr().out


def test_folder_that_datasets_saved_is_read(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "data-00000-of-00001.arrow").write_bytes(_arrow(LISTED))
    text = {"dtype": "string", "_type": "Value"}
    info = {"citation": "", "features": {"context": text, "question": text}, "splits": {"train": {"name": "train"}}}
    (tmp_path / "train" / "dataset_info.json").write_text(json.dumps(info))
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train"]}')
    corpus = read_rows(tmp_path, max_dropped_fraction=0)
    assert _asked(corpus) == WANTED
    assert [record["file"] for record in corpus.dropped] == ["dataset_dict.json", "train/dataset_info.json"]


def test_merged_cell_of_excel_stands_in_each_of_its_rows(read):
    (passage,) = read("rows.xlsx", _merged()).passages
    assert (passage.text, len(passage.questions)) == (ROWS[0]["passage"], 2)


@pytest.mark.parametrize(
    ("value", "form", "shown"),
    [
        (0.18, "0%", "18%"),
        (0.125, "0%", "13%"),
        (18, '0"%"', "18%"),
        (3000, '#,##0"원"', "3,000원"),
        (3000, r'"약 "#,###\ "원";[Red]-#,###', "약 3,000 원"),
        (-1234.5, "[$₩-412]#,##0.00", "-₩1,234.50"),
        (1234, r'_-* #,##0_-;\-* #,##0_-;_-* "-"_-;_-@_-', "1,234"),
        (7, "0000", "0007"),
        (30, 'General"명"', "30명"),
        (0.5, "General", "0.5"),
        (0.5, "# ?/?", "0.5"),
        (datetime.datetime(1987, 3, 2), 'yyyy"년" m"월" d"일"', "1987년 3월 2일"),
        (datetime.datetime(1987, 3, 2), "mm-dd-yy", "1987-03-02"),
        (31838, 31, "1987년 03월 02일"),  # typed in Korean Excel
        (datetime.time(0), 'yyyy"년" m"월" d"일"', "00:00:00"),
    ],
)
def test_cell_of_excel_is_read_as_it_is_shown(read, value, form, shown):
    import openpyxl

    book, data = openpyxl.Workbook(), io.BytesIO()
    for row in (["지문", "질문", "정답"], [ROWS[0]["passage"], ROWS[0]["question"], value]):
        book.active.append(row)
    book.active["C2"].number_format = form if isinstance(form, str) else "0"
    if isinstance(form, int):
        book.active["C2"]._style.numFmtId = form
    book.save(data)
    assert read("rows.xlsx", data.getvalue()).passages[0].questions[0].answer == shown


@pytest.mark.parametrize("hollow", ["paragraphs", "context"])
def test_article_that_cannot_be_read_counts_with_all_of_its_questions(read, hollow):
    good, bad = _articles()["data"][0], _articles()["data"][0]
    asked = [one["qas"][0] for one in bad["paragraphs"]] * 5
    bad["paragraphs"] = {"0": asked} if hollow == "paragraphs" else [{"context": " ", "qas": asked}]
    with pytest.raises(KorqgError, match="15 of 18 rows are broken"):
        read("rows.json", json.dumps({"data": [good, bad]}))


def test_same_row_with_other_blanks_is_there_once(read):
    spaced = [{**row, "passage": row["passage"].replace(" ", "  ")} for row in ROWS]
    assert _asked(read("rows.jsonl", _lines(ROWS + spaced))) == WANTED


def test_file_of_an_archive_that_is_not_read_is_named(read):
    corpus = read("rows.zip", _zip({"rows.csv": _csv(ROWS), "readme.txt": "안내", "list.json": "[1, 2, 3]"}))
    assert _asked(corpus) == WANTED
    assert [(record["file"], record["id"]) for record in corpus.dropped] == [
        ("rows.zip/list.json", "whole file"),
        ("rows.zip/readme.txt", "whole file"),
    ]


def test_files_of_a_folder_that_are_not_read_are_named(tmp_path):
    (tmp_path / "rows.csv").write_text(_csv(ROWS), encoding="utf-8")
    (tmp_path / "._rows.csv").write_bytes(b"\0\5\x16\7")
    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf")
    corpus = read_rows(tmp_path, max_dropped_fraction=0)
    assert _asked(corpus) == WANTED
    assert {record["file"]: record["reason"][:22] for record in corpus.dropped} == {
        "._rows.csv": "a hidden file",
        "old.xls": "a .xls file is of an o",
    }


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("rows.zip", _zip({"readme": "안내"}), "rows.zip holds no .jsonl, .csv"),
        ("rows.xlsx", b"\xd0\xcf\x11\xe0", "no Excel workbook .* without a password"),
        ("rows.json", '{"a": 1}', "is not a list of objects"),
        ("rows.json", '[["글", "질문"]]', "row 1: it is not a JSON object. Wanted are objects with passage"),
        ("rows.json", '{"data": [{"context": "", "raw_html": "<p>", "qas": []}]}', 'set source="korquad2"'),
        ("rows.arrow", b"ARROW1", "rows.arrow is no Arrow file"),
        ("rows.jsonl", '{"\\ud83d": 1}', r"has the columns \?; wanted are"),
    ],
)
def test_what_is_refused_says_how_to_turn_it_into_what_is_read(read, name, content, said):
    with pytest.raises(KorqgError, match=said):
        read(name, content)
