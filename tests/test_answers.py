"""How near an answer is to the right ones, and whether a question says it already."""

import pytest

from korqg.question import character_f1, gives_answer_away, normalize_answer


def test_character_f1_is_korquads_worked_by_hand():
    # "집현전 학자" and "집현전 학자들": 5 characters in common of 5 and 6.
    assert character_f1("집현전 학자", ["집현전 학자들"]) == pytest.approx(10 / 11)
    # Characters count wherever they stand, as in the official script.
    assert character_f1("종세", ["세종"]) == 1.0
    assert character_f1("세종", ["태종", "세종 대왕"]) == pytest.approx(4 / 6)
    assert character_f1("", ["세종"]) == character_f1("세종", []) == 0.0


def test_answers_compare_without_signs_and_case():
    assert normalize_answer("《훈민정음》 (해례본), 'A'") == "훈민정음 해례본 a"


def test_question_gives_its_answer_away_when_it_names_it():
    assert gives_answer_away("'훈민 정음'은 무엇인가?", "훈민정음")
    assert not gives_answer_away("훈민정음은 누가 만들었는가?", "세종")
    assert not gives_answer_away("이 글은 무엇인가?", "이")  # one character says nothing
