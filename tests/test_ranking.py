"""The best of several questions: what is thrown out and why, who ranks, and that no two ask the same."""

import math
from dataclasses import replace

import pytest

from korqg.metrics import rouge_l
from korqg.prompts import INSTRUCTIONS, task_texts
from korqg.ranking import AGREEMENT_WEIGHT, FAILURES, Candidate, best_of_output, check_candidates, choose

PASSAGE = "훈민정음은 세종이 1443년에 만들었다. 해례본은 1446년에 집현전 학자들이 썼다."


def _candidate(question: str, answer: str = "", log_probability: float = -1.0, **known) -> Candidate:
    return Candidate(question, answer, known.pop("stopped", True), log_probability, **known)


@pytest.mark.parametrize(
    ("candidate", "failed"),
    [
        (_candidate("훈민정음은 누가 만들었는가?", "세종"), ""),
        (_candidate("훈민정음은 누가 만들었는가?"), ""),
        (_candidate("질문이 아니다."), "single_question"),
        (_candidate("누가 만들었는가? 언제 만들었는가?"), "single_question"),
        (_candidate("훈민정음은 누가 만들었는가?", stopped=False), "stopped"),
        (_candidate("훈민정음은 세종이 1443년에 만들었다?"), "own_words"),
        (_candidate("훈민정음은 누가 만들었는가?", "태종"), "answer_found"),
        (_candidate("훈민정음은 누가 만들었는가?", read_answer="문종", confidence=0.9), "answer_found"),
        (_candidate("세종이 훈민정음을 만든 해는?", "세종"), "keeps_its_answer"),
        (_candidate("1443년에 만들어진 때는?", read_answer="1443년", confidence=0.9), "keeps_its_answer"),
    ],
)
def test_first_check_that_fails_is_named(candidate, failed):
    (checked,) = check_candidates([candidate], PASSAGE)
    assert checked.failed == failed
    assert failed in ("", *FAILURES)


def test_given_answer_may_not_stand_in_the_question():
    _, text, _ = task_texts("answer_aware", PASSAGE, "", "세종")
    away, kept = check_candidates([_candidate("세종은 누구인가요?"), _candidate("훈민정음을 만든 임금은?")], text)
    assert (away.failed, kept.failed) == ("keeps_its_answer", "")


def test_reader_ranks_by_confidence_and_by_agreement_with_the_named_answer():
    sure = _candidate("해례본은 누가 썼는가?", "집현전 학자들", read_answer="집현전 학자들", confidence=0.8)
    elsewhere = _candidate("해례본은 언제 쓰였는가?", "1446년", read_answer="세종", confidence=0.95)
    unsure = _candidate("훈민정음은 언제 만들어졌는가?", "1443년", read_answer="1443년", confidence=0.3)
    assert (sure.score, elsewhere.score, unsure.score) == (0.8, 0.0, 0.3)
    chosen, _ = choose([elsewhere, unsure, sure], 2)
    assert [one.answer for one in chosen] == [sure.answer, unsure.answer]


def test_without_a_reader_the_likeliest_is_the_best():
    rare, likely = (_candidate("해례본은 누가 썼는가?", "", p) for p in (math.log(0.2), math.log(0.6)))
    assert choose([rare, likely], 1)[0][0].log_probability == likely.log_probability
    assert likely.score == pytest.approx(0.6)


def test_what_most_candidates_ask_comes_before_what_a_reader_is_a_little_surer_of():
    def read(question: str, confidence: float, **known) -> Candidate:
        return _candidate(question, read_answer="세종", confidence=confidence, **known)

    odd = read("글자를 낸 이의 이름은?", 0.96)
    common = [read("훈민정음은 누가 만들었는가?", 0.94), read("훈민정음을 누가 만들었는가?", 0.9)]
    endless = read("훈민정음은 누가 만들었는가? " * 3, 0.9, stopped=False, failed="stopped")
    (best, *_), others = choose([odd, *common, endless], 3)
    assert best.question == common[0].question
    assert best.agreement == pytest.approx((rouge_l(best.question, [common[1].question]) + _like(best, odd)) / 2)
    assert best.rank == pytest.approx(0.94 * best.agreement**AGREEMENT_WEIGHT)
    assert choose([replace(odd, confidence=0.99), replace(common[0], confidence=0.3)], 1)[0][0].question == odd.question
    assert choose([odd], 1)[0][0].rank == odd.score  # nobody to agree with
    assert [one.failed for one in others] == ["different"] * 2 + ["stopped"]


def _like(one: Candidate, other: Candidate) -> float:
    return rouge_l(one.question, [other.question])


def test_no_two_that_are_chosen_ask_the_same_and_a_failed_one_is_never_chosen():
    made = [
        _candidate("훈민정음은 누가 만들었는가?", "세종", -0.1),
        _candidate("훈민정음을 누가 만들었는가?", "세종", -0.2),  # the same words
        _candidate("1443년에 글자를 만든 임금은?", "세종", -0.3),  # the same answer
        _candidate("해례본은 언제 쓰였는가?", "1446년", -0.4),
        _candidate("해례본은 누가 썼는가?", "집현전 학자들", -0.5),
        _candidate("질문이 아니다.", "", -0.01),
    ]
    chosen, others = choose(check_candidates(made, PASSAGE), 2)
    assert [one.answer for one in chosen] == ["세종", "1446년"]
    assert {one.question: one.failed for one in others} == {
        "훈민정음을 누가 만들었는가?": "different",
        "1443년에 글자를 만든 임금은?": "different",
        "해례본은 누가 썼는가?": "",
        "질문이 아니다.": "single_question",
    }


def test_where_nothing_passes_nothing_is_asked_and_the_reason_given():
    output = {"id": "1", "input": PASSAGE, "split": "own", "model_output": "greedy?", "stopped": True}
    bad = [_candidate("질문이 아니다."), _candidate("누구? 언제?"), _candidate("훈민정음은?", stopped=False)]
    made = best_of_output(output, check_candidates(bad, PASSAGE), 3)
    assert (made["model_output"], made["questions"], len(made["rejected"])) == ("", [], 3)
    assert made["reason"] == FAILURES["single_question"]
    good = best_of_output(output, [*bad, _candidate("훈민정음은 누가 만들었는가?", "세종")][-1:], 3)
    assert (good["model_output"], good["model_answer"]) == ("훈민정음은 누가 만들었는가?", "세종")
    assert "reason" not in good
    assert output["model_output"] == "greedy?"


@pytest.mark.torch
def test_reader_is_asked_each_different_question_once_and_those_alone_that_may_be_good(
    tiny_model, tokenizer, monkeypatch
):
    import korqg.ranking as ranking
    from korqg.sampling import Sample

    asked = []

    def sample_tokens(model, prompts, samples, *options, temperature, **more):
        assert (samples, temperature) == (1, 0)
        asked.extend(tokenizer.decode(prompt) for prompt in prompts)
        answers = ["세종", ""][: len(prompts)]
        ids = [(*tokenizer.encode(answer, add_special_tokens=False), 106) for answer in answers]
        return [[Sample(one, math.log(0.7))] for one in ids]

    monkeypatch.setattr(ranking, "sample_tokens", sample_tokens)
    questions = ("훈민정음은 누가 만들었는가?", "질문이 아니다.", "훈민정음은 누가  만들었는가?", "해례본은 왜 썼는가?")
    some = check_candidates([_candidate(question) for question in questions], PASSAGE)
    row = {"instruction": INSTRUCTIONS["question"], "input": PASSAGE}
    (read,) = ranking.ask_reader(tiny_model, tokenizer, [row], [some], 256, 4)
    assert len(asked) == 2
    assert all("질문: " in prompt and PASSAGE in prompt for prompt in asked)
    assert [one.confidence for one in read] == [pytest.approx(0.7), None, pytest.approx(0.7), pytest.approx(0.7)]
    assert [one.failed for one in read] == ["", "single_question", "", "answer_found"]


@pytest.mark.torch
def test_candidates_are_drawn_with_the_seed_and_need_their_answer_after_answer_first(tiny_model, tokenizer):
    from korqg.ranking import draw_candidates, draw_greedy

    rows = [{"instruction": INSTRUCTIONS["answer_first"], "input": PASSAGE}] * 2
    drawn = draw_candidates(tiny_model, tokenizer, rows, 3, 256, 6, 2, seed=1)
    assert [len(some) for some in drawn] == [3, 3]
    assert drawn == draw_candidates(tiny_model, tokenizer, rows, 3, 256, 6, 2, seed=1)
    assert {one.failed for some in drawn for one in some} == {"single_question"}  # random weights keep no form
    assert len(draw_greedy(tiny_model, tokenizer, rows, 256, 6, 2)) == 2
