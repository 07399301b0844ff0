"""What is beyond form: copied, asked twice, nothing to ask about."""

import itertools
import json

import pytest

from korqg.question import ask_the_same, gives_answer_away, is_copied, why_nothing_to_ask

PASSAGE = "훈민정음은 세종이 1443년에 만들었다. 해례본은 1446년에 집현전 학자들이 썼다."


def test_sentence_with_a_question_mark_is_copied_and_a_question_is_not():
    assert is_copied("훈민정음은 세종이 1443년에 만들었다?", PASSAGE)
    assert not is_copied("훈민정음은 누가 만들었는가?", PASSAGE)


def test_same_answer_or_nearly_the_same_words_ask_the_same():
    assert ask_the_same("훈민정음은 누가 만들었는가?", "1443년에 글자를 만든 임금은?", "세종", "'세종'")
    assert ask_the_same("훈민정음은 누가 만들었는가?", "훈민정음을 누가 만들었는가?")
    assert not ask_the_same("훈민정음은 누가 만들었는가?", "해례본은 언제 쓰였는가?", "세종", "1446년")
    assert not ask_the_same("훈민정음은 누가 만들었는가?", "해례본은 언제 쓰였는가?")


@pytest.mark.parametrize(
    ("chunk", "reason"),
    [
        ("도서관", "it is too short"),
        ("", "it is too short"),
        ("- 사과\n- 배\n- 감", "it is too short"),
        (
            "The library opens at nine. Books may be borrowed for two weeks by anyone in town.",
            "it is not in Korean · 한국어가 아님",
        ),
        ("1443 1446 1450 1455 1457 1468", "it is not in Korean · 한국어가 아님"),
    ],
)
def test_chunk_with_nothing_to_ask_about_is_named_with_its_reason(chunk, reason):
    assert why_nothing_to_ask(chunk).startswith(reason)


@pytest.mark.parametrize(
    "chunk",
    [
        "세종은 1443년에 훈민정음을 만들었다.",
        "잔치 안내\n잔치는 봄에 열린다. Spring Fair 라고 적힌 판을 찾으면 된다.",
        "접수는 3월 2일부터 시청에서 시작함. 서류는 두 부를 냄.",
        "구분 | 평일\n닫는 시각 | 22:00\n도서관은 평일에는 밤 열 시까지 문을 연다.",
    ],
)
def test_chunk_with_a_fact_is_asked_about(chunk):
    assert why_nothing_to_ask(chunk) == ""


def test_limits_are_where_human_questions_say(shared_data):
    """The figures that the docstrings give, over KorQuAD 1.0 dev; and how often people give an answer away."""
    data = json.loads((shared_data / "KorQuAD_v1.0_dev.json").read_text(encoding="utf-8"))["data"]
    paragraphs = [paragraph for article in data for paragraph in article["paragraphs"]]
    asked = [(p["context"], q["question"], q["answers"][0]["text"]) for p in paragraphs for q in p["qas"]]
    assert len(asked) == 5774
    assert sum(gives_answer_away(question, answer) for _, question, answer in asked) == 22
    assert sum(is_copied(question, context) for context, question, _ in asked[:1000]) <= 5
    different = same = 0
    for paragraph in paragraphs:
        for one, other in itertools.combinations(paragraph["qas"], 2):
            if one["answers"][0]["text"] != other["answers"][0]["text"]:
                different += 1
                same += ask_the_same(one["question"], other["question"])
    assert 0.01 < same / different < 0.02
    assert [why_nothing_to_ask(paragraph["context"]) for paragraph in paragraphs[::10]].count("") >= 96
