"""What a reader says about questions: the file that holds its answers, and the figures made from it."""

import pytest

from korqg.errors import KorqgError
from korqg.files import write_json
from korqg.metrics import score_outputs, summarize
from korqg.reader import (
    calibration_error,
    character_f1,
    confidence_auc,
    exact_match,
    gives_answer_away,
    is_answerable,
    normalize_answer,
    read_reader_answers,
    reader_quality,
    reliability,
    stands_in,
    with_reader,
)


def test_reliability_counts_exact_matches_by_confidence():
    made = [(0.05, True), (0.15, False), (0.5, True), (0.9, True), (1.0, False)]
    entries = [
        {"answer": "봄" if right else "겨울", "references": ["봄", "봄철"], "confidence": confidence}
        for confidence, right in made
    ]
    bins = reliability(entries)
    assert [(one["low"], one["high"], one["n"]) for one in bins] == [(0.0, 0.2, 2), (0.4, 0.6, 1), (0.8, 1.0, 2)]
    assert [one["exact_match"] for one in bins] == [0.5, 1.0, 0.5]
    assert [one["confidence"] for one in bins] == pytest.approx([0.1, 0.5, 0.95])
    assert calibration_error(bins) == pytest.approx((2 * 0.4 + 0.5 + 2 * 0.45) / 5)
    assert reliability([]) == [] and calibration_error([]) is None


PASSAGE = "훈민정음은 세종이 1443년에 만들었다. 집현전 학자들이 해례본을 썼다."
OUTPUTS = [
    {"id": "1", "input": PASSAGE, "references": [], "stopped": True, "model_output": "훈민정음은 누가 만들었는가?"},
    {"id": "2", "input": PASSAGE, "references": [], "stopped": True, "model_output": "세종은 언제 만들었는가?"},
    {"id": "3", "input": PASSAGE, "references": [], "stopped": True, "model_output": "질문이 아니다."},
    {"id": "4", "input": PASSAGE, "references": [], "stopped": True, "model_output": "해례본은 누가 썼는가?"},
]
ANSWERS = {
    "reader": {"run_name": "reader", "model": "gemma-3-270m", "data_name": "answers"},
    "threshold": 0.6,
    "threshold_rule": {"split": "validation", "mismatched": 200, "passed": 0.09},
    "before": [],
    "after": [
        {"id": "1", "answer": "세종", "confidence": 0.9},
        {"id": "2", "answer": "세종", "confidence": 0.8},
        {"id": "3", "answer": "세종", "confidence": 0.9},
        {"id": "4", "answer": "집현전 학자들", "confidence": 0.3},
    ],
    "human": [
        {
            "id": "1",
            "passage": PASSAGE,
            "question": "해례본은 누가 썼는가?",
            "references": ["집현전 학자들"],
            "answer": "집현전 학자",
            "confidence": 0.8,
        },
    ],
    "mismatched": [
        {"id": "1", "passage": PASSAGE, "question": "측우기는 누가 만들었는가?", "answer": "세종", "confidence": 0.7},
        {"id": "2", "passage": PASSAGE, "question": "가야금은 몇 줄인가?", "answer": "열두 줄", "confidence": 0.8},
    ],
}


@pytest.fixture
def reader(tmp_path):
    write_json(tmp_path / "reader_answers.json", ANSWERS)
    return read_reader_answers(tmp_path / "reader_answers.json")


def test_character_f1_is_korquads_worked_by_hand():
    # "집현전 학자" and "집현전 학자들": 5 characters in common of 5 and 6.
    assert character_f1("집현전 학자", ["집현전 학자들"]) == pytest.approx(10 / 11)
    # Characters count wherever they stand, as in the official script.
    assert character_f1("종세", ["세종"]) == 1.0
    assert character_f1("세종", ["태종", "세종 대왕"]) == pytest.approx(4 / 6)
    assert character_f1("", ["세종"]) == character_f1("세종", []) == 0.0


def test_exact_match_looks_past_signs_and_case():
    assert normalize_answer("《훈민정음》 (해례본), 'A'") == "훈민정음 해례본 a"
    assert exact_match("《훈민정음》", ["훈민정음"]) == 1.0
    assert exact_match("훈민정음은", ["훈민정음"]) == 0.0


def test_answer_stands_in_the_passage_whatever_its_spacing():
    assert stands_in("집현전학자들", PASSAGE)
    assert not stands_in("열두 줄", PASSAGE)
    assert not stands_in("", PASSAGE)


def test_question_gives_its_answer_away_when_it_names_it():
    assert gives_answer_away("'훈민 정음'은 무엇인가?", "훈민정음")
    assert not gives_answer_away("훈민정음은 누가 만들었는가?", "세종")
    assert not gives_answer_away("이 글은 무엇인가?", "이")  # one character says nothing


def test_answerable_needs_a_question_an_answer_and_confidence():
    given = {"answer": "세종", "confidence": 0.6}
    assert is_answerable("누가 만들었는가?", PASSAGE, given, 0.6)
    assert not is_answerable("누가 만들었는가?", PASSAGE, given, 0.61)
    assert not is_answerable("누가 만들었다.", PASSAGE, given, 0.6)
    assert not is_answerable("누가 만들었는가?", "다른 글이다.", given, 0.6)


def test_figures_of_a_run_come_with_the_others(reader):
    summary = summarize(with_reader(score_outputs(OUTPUTS), OUTPUTS, reader.after, reader.threshold), 100, 0)
    assert summary["answerable_rate"] == 2 / 4  # the third is no question, the fourth not sure
    assert summary["gives_answer_away_rate"] == pytest.approx(1 / 3)
    assert summary["round_trip_f1"] is None  # nobody gave an answer to ask for
    unread = summarize(with_reader(score_outputs(OUTPUTS), OUTPUTS, reader.before, reader.threshold), 100, 0)
    assert unread["answerable_rate"] is None


def test_round_trip_is_the_f1_with_the_answer_that_was_given(reader):
    given = [{**output, "input": f"정답: 세종\n\n{PASSAGE}"} for output in OUTPUTS]
    summary = summarize(with_reader(score_outputs(given), given, reader.after, reader.threshold), 100, 0)
    assert summary["round_trip_f1"] == pytest.approx((1 + 1 + 0 + 0) / 4)
    assert summary["answerable_rate"] == 2 / 4


def test_reader_has_its_own_ceiling_and_floor(reader):
    human, mismatched = (summarize(scored, 100, 0) for scored in reader_quality(reader).values())
    assert (human["answerable_rate"], human["exact_match"]) == (1.0, 0.0)
    assert human["character_f1"] == pytest.approx(10 / 11)
    assert (mismatched["answerable_rate"], mismatched["answer_found_rate"]) == (0.5, 0.5)
    assert mismatched["exact_match"] is None


def test_auc_is_how_often_a_human_question_wins(reader):
    assert confidence_auc(reader) == 0.75  # 0.8 against 0.7, and against 0.8, a tie


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"threshold": "high"}, "threshold must be a number from 0 to 1, but is 'high'"),
        ({"human": None}, "lacks the list 'human'"),
        ({"after": [{"id": "1", "answer": "세종"}]}, "entry 0 of 'after' lacks confidence"),
        ({"after": [{"id": "1", "answer": "세종", "confidence": 7}]}, "an answer or a confidence of the wrong kind"),
        (
            {"after": [{"id": "1", "answer": "세종", "confidence": "0.5"}]},
            "an answer or a confidence of the wrong kind",
        ),
        ({"mismatched": [{"id": "1", "answer": "", "confidence": 0.1}]}, "'mismatched' lacks passage, question"),
    ],
)
def test_file_of_the_wrong_shape_is_named(tmp_path, changed, said):
    write_json(tmp_path / "reader_answers.json", ANSWERS | changed)
    with pytest.raises(KorqgError, match=said) as caught:
        read_reader_answers(tmp_path / "reader_answers.json")
    assert "run 02_train_lora.ipynb with reader_run" in str(caught.value)
