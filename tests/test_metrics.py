"""The figures: what counts as a question, overlap with references, intervals."""

import json

import pytest

from korqg.corpus import read_korquad
from korqg.metrics import (
    bootstrap,
    chrf,
    copied_share,
    is_single_question,
    reference_outputs,
    rouge_l,
    score_output,
    summarize,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("훈민정음은 누가 만들었는가?", True),
        ("  훈민정음은 누가 만들었는가?\n", True),
        ("CPU는 무엇의 줄임말인가?", True),
        ("누가 만들었나?", True),
        ("왜 그런가?", False),  # five characters before the mark
        ("훈민정음은 누가 만들었는가", False),
        ("누가 만들었는가? 언제 만들었는가?", False),
        ("질문은 다음과 같다.\n누가 만들었는가?", False),
        ("### 훈민정음은 누가 만들었는가?", False),
        ("Who made the Korean alphabet?", False),
        ("세종은 세종은 세종은 누가 만들었는가?", False),
        ("1. 훈민정음은 누가 만들었는가?\n2. 언제인가?", False),
        ("가" * 150 + "?", False),  # one phrase over and over
        ("", False),
        ("?", False),
    ],
)
def test_single_question_is_one_line_one_mark_and_no_loop(text, expected):
    assert is_single_question(text) is expected


def test_single_question_has_the_length_that_its_constants_say():
    words = " ".join(f"낱말{number}" for number in range(40))
    assert is_single_question(words[:149].rstrip() + "?")
    assert not is_single_question(words[:152].rstrip() + "?")


@pytest.mark.parametrize("name", ["init_outputs.json", "after_outputs.json"])
def test_no_published_output_of_the_first_attempt_is_a_single_question(shared_data, name):
    outputs = json.loads((shared_data / "first_attempt" / name).read_text(encoding="utf-8"))
    assert len(outputs) == 14
    assert sum(is_single_question(output["model_output"]) for output in outputs) == 0


def test_nearly_every_human_question_of_korquad_is_a_single_question(shared_data):
    corpus = read_korquad(shared_data / "KorQuAD_v1.0_dev.json")
    asked = [question.text for passage in corpus.passages for question in passage.questions]
    assert (sum(map(is_single_question, asked)), len(asked)) == (5759, 5774)


def test_rouge_l_is_the_f1_of_the_longest_common_subsequence():
    # "가나다라" and "가다마" share "가다": 2 * 2 / (4 + 3).
    assert rouge_l("가나다라", ["가다마"]) == pytest.approx(4 / 7)
    assert rouge_l("가 나 다 라", ["가다마", "가나다라"]) == 1.0
    assert rouge_l("", ["가"]) == rouge_l("가", []) == 0.0


def test_chrf_tells_equal_from_different_korean():
    assert chrf("누가 만들었는가?", ["누가 만들었는가?"]) == pytest.approx(1.0)
    assert chrf("누가 만들었는가?", ["전혀 다른 글"]) < 0.1
    assert 0.2 < chrf("누가 만들었는가?", ["누가 지었는가?"]) < 0.9


def test_copied_share_is_the_longest_stretch_of_the_output():
    assert copied_share("세종이 만들었다", "집현전에서 세종이 만들었다고 한다") == 1.0
    assert copied_share("가나다라", "가나 마바 다라") == 0.5
    assert copied_share("", "글") == 0.0


def test_bootstrap_interval_holds_the_mean_and_narrows_with_n():
    few, many = bootstrap([0, 1] * 5, 1000, seed=1), bootstrap([0, 1] * 500, 1000, seed=1)
    assert few.mean == many.mean == 0.5
    assert few.low < many.low < 0.5 < many.high < few.high
    # Of 1,000 draws of a fair coin the standard error is 0.0158: the 95 % interval is 1.96 of it to each side.
    assert many.high - many.low == pytest.approx(2 * 1.96 * 0.0158, rel=0.15)
    assert bootstrap([0, 1] * 5, 1000, seed=1) == few


def test_interval_of_equal_values_is_a_point():
    interval = bootstrap([1.0] * 7, 200, seed=0)
    assert (interval.mean, interval.low, interval.high) == (1.0, 1.0, 1.0)


OUTPUTS = [
    {
        "input": f"{n}번 글의 첫 문장이다. 둘째 문장도 있다.",
        "references": [f"{n}번 글은 무엇인가?", f"{n}번 글의 문장은 몇 개인가?"],
        "model_output": f"{n}번 글은 무엇인가?",
        "stopped": n % 2 == 0,
    }
    for n in range(10)
]


def test_summary_has_every_rate_with_its_interval():
    summary = summarize([score_output(output) for output in OUTPUTS], samples=200, seed=0)
    assert summary["n"] == 10
    assert summary["single_question_rate"] == summary["rouge_l"] == 1.0
    assert summary["stop_rate"] == 0.5
    for name in ("single_question_rate", "stop_rate", "copy_rate", "rouge_l", "chrf"):
        assert summary[f"{name}_low"] <= summary[name] <= summary[f"{name}_high"]


def test_reference_outputs_are_a_ceiling_and_two_floors():
    found = reference_outputs(OUTPUTS, seed=0)
    assert [len(found[name]) for name in ("human", "first_sentence", "random_question")] == [10, 10, 10]
    for output in found["human"]:
        assert output["model_output"] not in output["references"]
        assert len(output["references"]) == 1
    assert [o["model_output"] for o in found["first_sentence"]] == [f"{n}번 글의 첫 문장이다." for n in range(10)]
    for output, other in zip(OUTPUTS, found["random_question"], strict=True):
        assert other["model_output"] not in output["references"]
