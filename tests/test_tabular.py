"""Rows of one's own: three kinds of files, two shapes, and what is left out."""

import csv
import json

import pytest

from korqg.cleaned_text import tidy, tidy_line
from korqg.data.corpus import describe_dropped
from korqg.data.instruction_rows import SPLITS, make_row, make_rows, shared_between_splits, split_by_article
from korqg.data.near_copies import join_articles
from korqg.data.own_rows import read_rows
from korqg.errors import KorqgError

ROWS = [
    {"passage": "한강은 서울을 지나 서해로 흐른다.", "question": "한강은 어디로 흐르는가?", "answer": "서해"},
    {"passage": "한강은 서울을 지나 서해로 흐른다.", "question": "한강이 지나는 도시는?", "answer": "서울"},
    {"passage": "설악산은 강원도에 있다.", "question": "설악산은 어디에 있는가?", "answer": "강원도"},
]


@pytest.fixture
def write(tmp_path):
    """Writes rows in the form that the file's suffix stands for."""

    def write_rows(rows, name="rows.jsonl", encoding="utf-8", delimiter=","):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(rows, str):
            path.write_text(rows, encoding=encoding, newline="")
        elif path.suffix == ".json":
            path.write_text(json.dumps(rows, ensure_ascii=False), encoding=encoding)
        elif path.suffix == ".jsonl":
            path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding=encoding)
        else:
            with open(path, "w", encoding=encoding, newline="") as file:
                writer = csv.DictWriter(file, rows[0], delimiter=delimiter)
                writer.writeheader()
                writer.writerows(rows)
        return path

    return write_rows


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json", "rows.csv"])
def test_rows_become_passages_with_their_questions(write, name):
    corpus = read_rows(write(ROWS, name))
    assert [len(passage.questions) for passage in corpus.passages] == [2, 1]
    assert corpus.dropped == []
    for passage in corpus.passages:
        for question in passage.questions:
            assert passage.text[question.answer_start :].startswith(question.answer)
    assert [question.id for passage in corpus.passages for question in passage.questions] == [
        "rows-000001",
        "rows-000002",
        "rows-000003",
    ]


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp949", "utf-16"])
def test_csv_of_any_delimiter_and_korean_encoding_is_read(write, delimiter, encoding):
    rows = [{**row, "passage": row["passage"] + " 첫째, 둘째; 셋째\t넷째."} for row in ROWS]
    corpus = read_rows(write(rows, "rows.csv", encoding, delimiter))
    assert [len(passage.questions) for passage in corpus.passages] == [2, 1]
    assert corpus.passages[0].text.endswith("첫째, 둘째; 셋째\t넷째.")


def test_csv_cell_may_hold_lines_quotes_and_a_whole_book(write):
    csv.field_size_limit(1000)
    passage = '첫 줄이다.\n"둘째" 줄이다.\n' + "길게 이어진다. " * 20_000
    (found,) = read_rows(write([{"passage": passage, "question": "몇 줄인가?"}], "rows.csv")).passages
    assert found.text == passage.strip()
    assert csv.field_size_limit(131_072) == 1000


def test_column_names_may_be_in_upper_case_and_between_blanks(write):
    corpus = read_rows(write(" Question ,PASSAGE\n무엇인가?,글이다.\n", "rows.csv"))
    assert (corpus.passages[0].text, corpus.passages[0].questions[0].text) == ("글이다.", "무엇인가?")


def test_instruction_rows_keep_their_own_instruction(write):
    row = {
        "instruction": "글을 읽고 물어보세요.",
        "input": "한강은 서해로 흐른다.",
        "output": "한강은 어디로 흐르는가?",
    }
    (passage,) = read_rows(write([row])).passages
    made = make_row(passage, passage.questions[0])
    assert {key: made[key] for key in row} == row
    assert (made["answer"], passage.questions[0].answer_start) == ("", -1)


def test_rows_without_an_instruction_take_the_courses(write):
    from korqg.prompts import INSTRUCTIONS

    passage = read_rows(write(ROWS)).passages[0]
    assert make_row(passage, passage.questions[0])["instruction"] == INSTRUCTIONS["question"]


def test_answer_that_is_not_in_the_passage_is_kept_without_a_place(write):
    (passage,) = read_rows(write([{**ROWS[0], "answer": "황해"}])).passages
    assert (passage.questions[0].answer, passage.questions[0].answer_start) == ("황해", -1)


def test_numbers_are_taken_as_answers(write):
    row = {"passage": "이 탑은 1962년에 국보가 되었다.", "question": "언제인가?", "answer": 1962, "id": 7}
    (question,) = read_rows(write([row])).passages[0].questions
    assert (question.answer, question.answer_start, question.id) == ("1962", 5, "7")


def test_ids_are_kept_and_never_twice_the_same(write):
    rows = [{**row, "id": "하나"} for row in ROWS]
    ids = [question.id for passage in read_rows(write(rows)).passages for question in passage.questions]
    assert ids == ["하나", "rows-000002", "rows-000003"]


def test_given_id_that_looks_like_a_made_one_does_not_clash(write):
    rows = [{**ROWS[0], "id": "rows-000002"}, ROWS[1], ROWS[2]]
    ids = [question.id for passage in read_rows(write(rows)).passages for question in passage.questions]
    assert len(set(ids)) == 3


def test_passage_is_never_on_two_sides_of_the_split(write):
    # Every passage three times: under its own name, untitled, and with other white space and signs.
    rows = []
    for number in range(20):
        text = f"{number}번 마을에는 우물이 있다. 물이 맑다."
        rows.append({"passage": text, "question": "우물은 어디에 있는가?", "title": f"마을 {number}"})
        rows.append({"passage": text, "question": "물은 어떠한가?"})
        rows.append({"passage": text.replace(" ", "  ").replace(".", "!"), "question": "무엇이 맑은가?"})
    passages = read_rows(write(rows)).passages
    split, copies = split_by_article(passages, join_articles(passages), 0.2, 0.2, seed=0)
    made, _ = make_rows(split, "all", 0, seed=0)
    assert all(made[name] for name in SPLITS)
    assert not any(shared_between_splits(made).values())
    assert copies == []
    assert sum(map(len, made.values())) == 60


def test_untitled_passages_that_begin_alike_are_articles_of_their_own(write):
    rows = [
        {
            "passage": f"다음 글을 천천히 읽고 나서 아래의 물음에 알맞은 답을 쓰시오. 이 글은 {number}번이다.",
            "question": "몇 번인가?",
        }
        for number in range(4)
    ]
    titles = [passage.title for passage in read_rows(write(rows)).passages]
    assert len(set(titles)) == 4
    assert titles[0].startswith("다음 글을 천천히 읽고")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"passage": " ", "question": "무엇인가?"}, "its passage is empty"),
        ({"passage": "글이다.", "question": None}, "its question is empty"),
        ({"passage": ["글"], "question": "무엇인가?"}, "its passage is not text but list"),
        ({"passage": "글이다."}, "its columns are passage; wanted are passage and question"),
        ({"instruction": "물어보세요.", "input": "", "output": "무엇인가?"}, "its input is empty"),
        (["글"], "it is not a JSON object"),
    ],
)
def test_broken_row_is_left_out_and_named(write, row, reason):
    for name, place in (("rows.jsonl", "line 2"), ("rows.json", "row 2")):
        corpus = read_rows(write([ROWS[0], row, *ROWS[1:]], name), max_dropped_fraction=0.5)
        (record,) = corpus.dropped
        assert (record["file"], record["id"]) == (name, place)
        assert reason in record["reason"]
        assert sum(len(passage.questions) for passage in corpus.passages) == 3


def test_line_that_is_no_json_is_left_out(write):
    corpus = read_rows(write(json.dumps(ROWS[0]) + "\n\n{'passage'\n" + "[" * 100_000), max_dropped_fraction=0.9)
    assert [record["id"] for record in corpus.dropped] == ["line 3", "line 4"]
    assert "it is not JSON" in describe_dropped(corpus.dropped[0])


def test_csv_row_of_another_length_is_left_out_with_its_line(write):
    text = (
        'passage,question\n"두\n줄이다.",몇 줄인가?\n글이다.,하나,둘\n\n글이다.\n좋은 글이다.,무엇인가?\n'
        '"글"이다.,무엇인가?\n'
    )
    corpus = read_rows(write(text, "rows.csv"), max_dropped_fraction=0.9)
    assert [(record["id"], record["reason"][:14]) for record in corpus.dropped] == [
        ("line 4", "it has 3 cells"),
        ("line 6", "it has 1 cells"),
        ("line 8", "it is not a CS"),
    ]
    assert len(corpus.passages) == 2


def test_quotation_mark_that_is_never_closed_stops_with_its_line(write):
    text = 'passage,question\n글이다.,무엇인가?\n"열린 글이다.,무엇인가?\n' + "글이다.,또 무엇인가?\n" * 50
    with pytest.raises(KorqgError, match=r"rows.csv, line 3: a quotation mark is opened here and never closed"):
        read_rows(write(text, "rows.csv"))


def test_same_row_twice_is_left_out_but_not_counted_as_broken(write):
    corpus = read_rows(write([*ROWS, *ROWS]), max_dropped_fraction=0)
    assert sum(len(passage.questions) for passage in corpus.passages) == 3
    assert {record["reason"] for record in corpus.dropped} == {"the same row as an earlier one"}


def test_too_many_broken_rows_stop_with_the_first_of_them(write):
    path = write([*ROWS, {"passage": "", "question": "무엇인가?"}])
    with pytest.raises(KorqgError, match=r"1 of 4 rows are broken.*rows.jsonl, line 4: its passage is empty"):
        read_rows(path, max_dropped_fraction=0.2)


@pytest.mark.parametrize("name", ["rows.csv", "rows.json", "rows.jsonl"])
def test_wrong_columns_are_told_with_those_that_are_wanted(write, name):
    rows = [{"review": "글이다.", "label": "좋음"}]
    with pytest.raises(
        KorqgError, match=rf"{name} has the columns label, review; wanted are passage and question.*Rename.*columns="
    ):
        read_rows(write(rows, name))


def test_two_columns_of_one_name_are_refused(write):
    with pytest.raises(KorqgError, match=r"rows.csv has two columns named 'question'"):
        read_rows(write("passage,question,question\n글이다.,무엇인가?,왜인가?\n", "rows.csv"))


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("", "rows.csv", "rows.csv is empty"),
        ("\n", "rows.jsonl", "holds no row that can be used"),
        ("passage,question\n", "rows.csv", "holds no row that can be used"),
        ("[]", "rows.json", "holds no row that can be used"),
        ('{"data": []}', "rows.json", "holds no row that can be used"),
        ('{"passage": "글"}', "rows.json", "is not a list of objects"),
        ("{}\n{}", "rows.json", "rows.json, line 1: its columns are none"),
        ("[1, ", "rows.json", "rows.json is not JSON: .* at line 1, column"),
        ("[" * 100_000, "rows.json", "cannot be read as JSON"),
        ("글", "rows.xls", "rows.xls holds no rows that can be read: save it as .jsonl.*save it as .xlsx"),
        ("글", "rows.parquet", "rows.parquet is no Parquet file"),
        ("글", "rows.zip", "rows.zip cannot be unpacked"),
        ("글", "rows.jsonl.gz", "rows.jsonl.gz cannot be unpacked"),
        ("글", "rows.xlsx", "rows.xlsx is no Excel workbook that can be read"),
    ],
)
def test_file_without_rows_says_what_is_wrong(write, text, name, said):
    with pytest.raises(KorqgError, match=said):
        read_rows(write(text, name))


def test_folder_is_read_as_one_corpus(write, tmp_path):
    write(ROWS[:1], "rows.jsonl")
    write(ROWS[1:2], "rows.csv")
    write(ROWS[2:], "deep/more.json")
    write("읽지 않는 글이다.", "README.md")
    corpus = read_rows(tmp_path)
    ids = {question.id for passage in corpus.passages for question in passage.questions}
    assert ids == {"rows.jsonl-000001", "rows.csv-000001", "more-000001"}


def test_nothing_to_read_says_what_to_set(tmp_path):
    with pytest.raises(KorqgError, match=r"does not exist: set source_path to a file of rows"):
        read_rows(tmp_path / "nowhere.csv")
    with pytest.raises(
        KorqgError, match=r"holds no .jsonl, .csv, .tsv, .json, .xlsx, .parquet, .*file: set source_path"
    ):
        read_rows(tmp_path)


def test_first_attempts_corpus_is_read_whole(shared_data):
    path = shared_data / "first_attempt" / "corpus.json"
    corpus = read_rows(path, max_dropped_fraction=0)
    rows = [make_row(passage, question) for passage in corpus.passages for question in passage.questions]
    keys = ("instruction", "input", "output")
    given = json.loads(path.read_text(encoding="utf-8"))
    assert len(rows) == 140
    assert [{key: row[key] for key in keys} for row in rows] == [
        {**{key: tidy(row[key]).strip() for key in keys}, "output": tidy_line(row["output"])} for row in given
    ]
    assert corpus.dropped == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("b.csv", b"day,weather\n1,rain\n"),
        ("b.xlsx", b"PK\x03\x04"),
        ("b.zip", b"PK\x05"),
        ("b.json", b"{"),
        ("b.jsonl", b"\n"),
        ("b.csv", b'passage,question\n"never closed,'),
        ("b.csv", "질문,답변\n누구인가?,나\n".encode()),
    ],
)
def test_file_of_a_folder_that_cannot_be_read_is_passed_over_and_named(write, tmp_path, name, content):
    write(ROWS, "rows.csv")
    (tmp_path / name).write_bytes(content)
    corpus = read_rows(tmp_path)
    assert sum(len(passage.questions) for passage in corpus.passages) == 3
    (record,) = corpus.dropped
    assert (record["file"], record["id"]) == (name, "whole file") and name in record["reason"]


def test_row_with_and_without_a_title_is_one_question(write, tmp_path):
    write(ROWS, "a.csv")
    write([{**row, "title": "다른 제목"} for row in ROWS], "b.csv")
    corpus = read_rows(tmp_path)
    assert sum(len(passage.questions) for passage in corpus.passages) == 3
    assert len(corpus.dropped) == 3


def test_columns_beside_lists_and_turns_of_parts_are_read(write):
    columns = {name: [row[name] for row in ROWS] for name in ("passage", "question")}
    assert sum(len(p.questions) for p in read_rows(write(json.dumps(columns), "columns.json")).passages) == 3
    roles = (("user", "passage"), ("assistant", "question"))
    talks = [
        {"messages": [{"role": role, "content": [{"type": "text", "text": row[key]}]} for role, key in roles]}
        for row in ROWS
    ]
    assert sum(len(p.questions) for p in read_rows(write(talks, "talks.jsonl")).passages) == 3


def test_column_named_as_the_text_of_a_field_is_that_field(write):
    names = {"passage": "지문 내용", "question": "질문내용", "answer": "answer_text"}
    rows = [{names[name]: row[name] for name in names} for row in ROWS]
    assert read_rows(write(rows, "rows.csv")).passages[0].questions[0].answer == ROWS[0]["answer"]


@pytest.mark.parametrize(
    "name", ["모범답안", "해답", "답안", "정답1", "정답 문구", "정답/답안", "expected_answer", "gold_answer"]
)
def test_answers_are_found_under_their_many_names(write, name):
    rows = [{"지문": row["passage"], "질문": row["question"], name: row["answer"]} for row in ROWS]
    assert read_rows(write(rows, "rows.csv")).passages[0].questions[0].answer == ROWS[0]["answer"]


@pytest.mark.parametrize("none", ["-", "—", ".", "...", "(null)", "Null", "None", "N/A", "해당 없음"])
def test_signs_and_words_for_no_answer_are_none(write, none):
    corpus = read_rows(write([{**ROWS[0], "answer": none}, {**ROWS[2], "answer": [none]}]))
    ((question,),) = [passage.questions for passage in corpus.passages]
    assert (question.answer, question.answer_start) == ("", -1)
    assert ["does not answer it" in record["reason"] for record in corpus.dropped] == [True]


@pytest.mark.parametrize("mark", ["Y", "y", "예", "O", "TRUE", "1.0"])
def test_row_marked_as_impossible_is_left_out(write, mark):
    rows = [{**ROWS[0], "is_impossible": mark}, {**ROWS[2], "is_impossible": "N"}]
    (passage,) = read_rows(write(rows, "rows.csv")).passages
    assert passage.text == ROWS[2]["passage"]


def test_header_that_stands_among_the_rows_again_is_left_out(write):
    rows = [*ROWS[:2], {name: f"\ufeff{name.title()}" for name in ROWS[0]}, ROWS[2]]
    corpus = read_rows(write(rows, "rows.csv"), max_dropped_fraction=0)
    assert sum(len(passage.questions) for passage in corpus.passages) == 3
    (record,) = corpus.dropped
    assert (record["id"], record["reason"]) == ("line 4", "it has the names of the columns again")


@pytest.mark.parametrize("empty", ["null", "NULL", "#N/A"])
def test_words_for_an_empty_cell_are_no_text(write, empty):
    rows = [{**ROWS[0], "answer": empty}, {**ROWS[1], "question": empty}, ROWS[2]]
    corpus = read_rows(write(rows), max_dropped_fraction=0.5)
    assert corpus.passages[0].questions[0].answer == ""
    assert [record["reason"] for record in corpus.dropped] == ["its question is empty"]


def test_rows_that_were_cleaned_are_counted(write):
    rows = [{**ROWS[0], "question": ROWS[0]["question"].replace(" ", "\u00a0")}, ROWS[1], ROWS[2]]
    assert read_rows(write(rows)).cleaned == 1
    assert read_rows(write(ROWS)).cleaned == 0
