"""Blind reading: a sheet without a hint of the makers, and ratings read back."""

import json
import unicodedata

import pytest

from korqg.compare.blind import (
    check_ratings,
    kappa,
    main_blind,
    make_sheet,
    read_ratings,
    shares,
    sheet_text,
    write_sheet,
)
from korqg.errors import KorqgError

QUESTIONS = [
    {"maker": maker, "passage": f"글 {place}", "question": f"{maker[0]}는 무엇을 {place}번 묻는가?", "answer": "봄"}
    for maker in ("가 모델", "나 규칙", "다 사람")
    for place in range(5)
]


def test_sheet_is_shuffled_and_tells_no_maker():
    questions = [{**one, "question": f"질문 {number}은 무엇인가?"} for number, one in enumerate(QUESTIONS)]
    items, key = make_sheet(questions, 1)
    assert (items, key) == make_sheet(questions[::-1], 1)
    assert [item["number"] for item in items] == [str(number) for number in range(15)]
    text = sheet_text(items) + json.dumps(items, ensure_ascii=False)
    assert not any(maker in text for maker in ("모델", "규칙", "사람"))
    assert [item["question"] for item in items] != [one["question"] for one in questions]
    passages = [item["passage"] for item in items]
    assert all(passages.index(one) + passages.count(one) > place for place, one in enumerate(passages))  # together


def test_equal_questions_stand_once_with_all_their_makers():
    written = {"나": "왜  그런가?", "가": unicodedata.normalize("NFD", "왜 그런가?")}
    same = [{"maker": maker, "passage": "글", "question": text, "answer": ""} for maker, text in written.items()]
    items, key = make_sheet(same, 0)
    assert len(items) == 1
    assert key == {"0": ["가", "나"]}


def test_shares_and_kappa_follow_from_the_marks():
    items, key = make_sheet(QUESTIONS, 1)
    ratings = {item["number"]: [1, 1, 1, int("모델" in key[item["number"]][0]), 1] for item in items}
    found = shares(items, key, ratings, 200, 0)
    assert found["가 모델"]["shown"] == 1.0
    assert found["나 규칙"]["shown"] == 0.0
    assert found["나 규칙"]["shown_edited"] == 1.0
    assert (found["가 모델"]["passages_with_shown"], found["다 사람"]["passages_with_shown"]) == (5, 0)
    assert found["가 모델"]["n"] == 5
    assert kappa(ratings, ratings, "shown") == 1.0
    other = {number: [1, 1, 1, 1 - marks[3], 1] for number, marks in ratings.items()}
    assert kappa(ratings, other, "shown") < 0
    assert kappa(ratings, ratings, "shown_edited") is None  # always the same: nothing to agree on


@pytest.mark.parametrize(
    ("ratings", "said"),
    [
        ([], "must hold one JSON object"),
        ({}, "holds no ratings"),
        ({"99": [1, 1, 1, 1, 1]}, "number 99 is not on the sheet"),
        ({"0": [1, 1, 1, 1]}, "number 0 must have five marks"),
        ({"0": [1, 1, 1, 2, 1]}, "number 0 must have five marks"),
    ],
)
def test_wrong_ratings_are_named(ratings, said):
    items, _ = make_sheet(QUESTIONS, 1)
    with pytest.raises(KorqgError, match=said):
        check_ratings(ratings, items)


def test_program_makes_a_sheet_and_reads_two_readers_back(tmp_path, capsys):
    asked = tmp_path / "asked"
    asked.mkdir()
    recommended = [
        {"chunk": "봄이 온다.", "question": "무엇이 오는가?", "answer": "봄", "written_by": by}
        for by in ("model", "rule")
    ]
    (asked / "recommended_questions.json").write_text(json.dumps(recommended, ensure_ascii=False), encoding="utf-8")
    sheet = tmp_path / "sheet"
    assert main_blind(["sheet", str(sheet), "--asked", str(asked)]) == 0
    for name in ("one", "two"):
        (tmp_path / f"{name}.json").write_text(json.dumps({"ratings": {"0": [1, 1, 1, 0, 1]}}), encoding="utf-8")
    assert main_blind(["read", str(sheet), str(tmp_path / "one.json"), str(tmp_path / "two.json")]) == 0
    said = capsys.readouterr().out
    assert "asked, model" in said
    assert "kappa" in said
    assert set(read_ratings(sheet, [tmp_path / "one.json"])["readers"]["one"]) == {"asked, model", "rule"}
    assert main_blind(["sheet", str(sheet), "--asked", str(tmp_path)]) == 1
    with pytest.raises(KorqgError, match="no question to judge"):
        write_sheet(tmp_path / "empty", [], 0)
