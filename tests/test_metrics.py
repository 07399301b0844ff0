"""The figures: what counts as a question, overlap with references, intervals."""

import json
import unicodedata

import pytest

from korqg.compare.scores import (
    FORM,
    LIKENESS,
    Scored,
    bleu_4,
    bleu_counts,
    bootstrap,
    chrf,
    copied_stretches,
    kind_shares,
    morphemes,
    reference_outputs,
    score_outputs,
    summarize,
)
from korqg.data.corpus import read_korquad
from korqg.question import characters, copied_share, is_single_question, rouge_l


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
        ("나룻배로 내를 건\ufffd\ufffd쳤는가?", False),
        ("Who made the Korean alphabet?", False),
        ("세종은 세종은 세종은 누가 만들었는가?", False),
        ("1. 훈민정음은 누가 만들었는가?\n2. 언제인가?", False),
        ("가" * 150 + "?", False),  # one phrase over and over
        ("", False),
        ("?", False),
        ("두부 만들 때 간수 역할", True),  # a search query
        ("공공자전거 30일권 요금", True),
        ("공공자전거 30일권", False),  # asks for nothing
        ("기간", False),
        ("자전거 요금은 한 달에 만 원이다", False),
        ("자전거를 빌리는 방법.", False),
        ("1: 신청 방법", False),
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
    assert (sum(map(is_single_question, asked)), len(asked)) == (5762, 5774)


def test_rouge_l_is_the_f1_of_the_longest_common_subsequence():
    # "가나다라" and "가다마" share "가다": 2 * 2 / (4 + 3).
    assert rouge_l("가나다라", ["가다마"]) == pytest.approx(4 / 7)
    assert rouge_l("가 나 다 라", ["가다마", "가나다라"]) == 1.0
    assert rouge_l("", ["가"]) == rouge_l("가", []) == 0.0


def test_rouge_l_over_morphemes_does_not_care_for_spacing_or_composed_letters():
    assert morphemes("먹었다") == ["먹", "었", "다"]
    assert rouge_l("누가 만들었나", ["누가만들었나"], morphemes) == 1.0
    decomposed = unicodedata.normalize("NFD", "누가 만들었는가?")
    assert decomposed != "누가 만들었는가?"
    for units in (characters, morphemes):
        assert rouge_l(decomposed, ["누가 만들었는가?"], units) == 1.0
    assert chrf(decomposed, ["누가 만들었는가?"]) == pytest.approx(1.0)


OUTPUT_TEXTS = ["훈민정음은 누가 만들었는가?", "측우기는 어느 왕 때 만들어졌나?", "은행나무", ""]
REFERENCE_TEXTS = [
    ["훈민정음을 만든 사람은 누구인가?", "훈민정음은 언제 만들어졌는가?"],
    ["측우기는 언제 만들어졌는가?"],
    ["은행나무의 잎은 왜 노랗게 물드는가?", "은행나무는 어디에 심는가?", "은행의 냄새는 어디에서 나는가?"],
    ["가야금은 줄이 몇 개인가?"],
]


@pytest.mark.parametrize("units", [characters, morphemes])
def test_bleu_of_a_set_is_sacrebleus(units):
    from sacrebleu.metrics import BLEU

    counts = [
        bleu_counts(text, references, units) for text, references in zip(OUTPUT_TEXTS, REFERENCE_TEXTS, strict=True)
    ]
    streams = [
        [" ".join(units(references[place])) if place < len(references) else None for references in REFERENCE_TEXTS]
        for place in range(3)
    ]
    expected = BLEU(tokenize="none").corpus_score([" ".join(units(text)) for text in OUTPUT_TEXTS], streams).score
    assert 5 < expected < 95
    assert 100 * bleu_4([sum(column) for column in zip(*counts, strict=True)]) == pytest.approx(expected, abs=1e-6)


def test_bleu_4_is_the_mean_of_precisions_times_the_penalty_worked_by_hand():
    # "가나다라마" against "가나다라마바": all n-grams are common; the penalty is exp(1 - 6 / 5).
    assert bleu_4(bleu_counts("가나다라마", ["가나다라마바"])) == pytest.approx(0.818730753)
    # "가나다라바" against "가나다라마": 4 of 5, 3 of 4, 2 of 3, 1 of 2; (4/5 * 3/4 * 2/3 * 1/2) ** 0.25.
    assert bleu_4(bleu_counts("가나다라바", ["가나다라마"])) == pytest.approx(0.2**0.25)


def test_chrf_is_sacrebleus():
    from sacrebleu import sentence_chrf

    for text, references in zip(OUTPUT_TEXTS, REFERENCE_TEXTS, strict=True):
        assert 100 * chrf(text, references) == pytest.approx(sentence_chrf(text, references).score, abs=1e-6)


def test_ceiling_and_floors_of_korquad_are_those_that_were_measured_first(shared_data):
    """Over characters, for all 5,774 questions, those that stand twice in a paragraph included."""
    corpus = read_korquad(shared_data / "KorQuAD_v1.0_dev.json")
    scores, counts = [], []
    for passage in corpus.passages:
        asked = [question.text for question in passage.questions]
        for place, question in enumerate(asked if len(asked) > 1 else []):
            others = asked[:place] + asked[place + 1 :]
            scores.append(rouge_l(question, others))
            counts.append(bleu_counts(question, others))
    assert len(scores) == 5774
    assert round(100 * sum(scores) / len(scores), 2) == 49.25
    assert round(100 * bleu_4([sum(column) for column in zip(*counts, strict=True)]), 2) == 41.91


def test_chrf_tells_equal_from_different_korean():
    assert chrf("누가 만들었는가?", ["누가 만들었는가?"]) == pytest.approx(1.0)
    assert chrf("누가 만들었는가?", ["전혀 다른 글"]) < 0.1
    assert 0.2 < chrf("누가 만들었는가?", ["누가 지었는가?"]) < 0.9


def test_copied_stretches_are_what_stands_in_the_passage_as_it_is():
    passage = "집현전에서 세종이 훈민정음을 만들었다고 한다."
    text = "누가 훈민정음을 만들었다고 말하는가, 집현전인가?"
    assert [text[start:end] for start, end in copied_stretches(text, passage)] == [" 훈민정음을 만들었다고 "]
    assert list(copied_stretches("", passage)) == list(copied_stretches("전혀 다른 말", "")) == []


def test_copied_share_is_the_longest_stretch_of_the_output():
    assert copied_share("세종이 만들었다", "집현전에서 세종이 만들었다고 한다") == 1.0
    assert copied_share("가나다라", "가나 마바 다라") == 0.5
    assert copied_share("", "글") == 0.0


def _rates(values: list[float], passages: list[str] | None = None) -> list[Scored]:
    passages = passages or [str(place) for place in range(len(values))]
    return [Scored(passage, {"rate": (value, 1)}) for passage, value in zip(passages, values, strict=True)]


def test_bootstrap_interval_holds_the_mean_and_narrows_with_n():
    few, many = (bootstrap(_rates([0, 1] * pairs), 1000, seed=1)["rate"] for pairs in (5, 500))
    assert few.mean == many.mean == 0.5
    assert few.low < many.low < 0.5 < many.high < few.high
    # Of 1,000 draws of a fair coin the standard error is 0.0158: the 95 % interval is 1.96 of it to each side.
    assert many.high - many.low == pytest.approx(2 * 1.96 * 0.0158, rel=0.15)
    assert bootstrap(_rates([0, 1] * 5), 1000, seed=1)["rate"] == few


def test_outputs_of_one_paragraph_are_drawn_together():
    alone = bootstrap(_rates([0, 1] * 50), 1000, seed=0)["rate"]
    together = bootstrap(_rates([0] * 50 + [1] * 50, [str(place // 10) for place in range(100)]), 1000, seed=0)["rate"]
    assert together.mean == alone.mean == 0.5
    # Ten paragraphs of ten equal outputs say as much as ten outputs: the interval is wider by the root of ten.
    assert together.high - together.low == pytest.approx((alone.high - alone.low) * 10**0.5, rel=0.2)


def test_paired_difference_is_sharper_than_the_two_intervals():
    before = [place / 100 for place in range(100)]
    after = [value + 0.01 for value in before]
    difference = bootstrap(_rates(after), 500, seed=0, minus=_rates(before))["rate"]
    assert (difference.mean, difference.low, difference.high) == pytest.approx((0.01, 0.01, 0.01))
    apart = [bootstrap(_rates(values), 500, seed=0)["rate"] for values in (before, after)]
    assert apart[0].high > apart[1].low  # side by side they would look like chance
    with pytest.raises(ValueError, match="the same paragraphs"):
        bootstrap(_rates(after), 500, seed=0, minus=_rates(before[:-1]))


def test_interval_of_equal_values_is_a_point_and_one_paragraph_has_none():
    interval = bootstrap(_rates([1.0] * 7), 200, seed=0)["rate"]
    assert (interval.mean, interval.low, interval.high) == (1.0, 1.0, 1.0)
    alone = bootstrap(_rates([1.0]), 200, seed=0)["rate"]
    assert (alone.mean, alone.low, alone.high) == (1.0, None, None)


OUTPUTS = [
    {
        "title": f"{n // 2}번 책",
        "input": f"{n}번 글의 첫 문장이다. 둘째 문장도 있다.",
        "references": [f"{n}번 글은 무엇인가?", f"{n}번 글의 문장은 몇 개인가?"],
        "model_output": f"{n}번 글은 무엇인가?",
        "stopped": n % 2 == 0,
    }
    for n in range(10)
]


def test_summary_has_every_figure_with_its_interval():
    summary = summarize(score_outputs(OUTPUTS), samples=200, seed=0)
    assert summary["n"] == summary["passages"] == 10
    assert summary["single_question_rate"] == summary["distinct_rate"] == 1.0
    assert summary["stop_rate"] == 0.5
    assert summary["length"] == 11
    for name in FORM + LIKENESS:
        if name != "comes_back_rate":  # nobody answered these
            assert summary[f"{name}_low"] <= summary[name] <= summary[f"{name}_high"]
    assert summary["comes_back_rate"] is None
    json.dumps(summary, allow_nan=False)


def test_references_against_themselves_reach_the_full_score_by_every_figure():
    summary = summarize(score_outputs(OUTPUTS), samples=200, seed=0)
    assert {name: summary[name] for name in LIKENESS} == pytest.approx(dict.fromkeys(LIKENESS, 1.0))


def test_equal_outputs_are_counted_once_by_the_share_of_distinct_ones():
    same = [{**output, "model_output": "이 글은 무엇인가?"} for output in OUTPUTS[:5]] + OUTPUTS[5:]
    assert summarize(score_outputs(same), 100, 0)["distinct_rate"] == pytest.approx(6 / 10)


def test_what_is_not_known_counts_in_no_figure_of_it():
    unknown = [{**output, "stopped": None, "references": []} for output in OUTPUTS]
    summary = summarize(score_outputs(unknown), 100, 0)
    assert summary["stop_rate"] is summary["bleu_4"] is summary["rouge_l_low"] is None
    assert summary["single_question_rate"] == 1.0


def test_empty_and_endless_outputs_are_scored():
    outputs = [{**OUTPUTS[0], "model_output": ""}, {**OUTPUTS[1], "model_output": "질문 " * 400_000}]
    summary = summarize(score_outputs(outputs), 100, 0)
    assert summary["single_question_rate"] == 0.0
    assert 0 <= summary["rouge_l"] < 0.01
    assert summary["length"] == pytest.approx(1_199_999 / 2)


def test_kinds_are_shares_of_the_single_questions():
    shares = kind_shares(["왜 은행나무는 노랗게 물드는가?", "측우기는 누가 만들었는가?", "질문이 아니다."])
    assert shares["왜"] == shares["누구"] == 0.5
    assert sum(shares.values()) == pytest.approx(1)
    assert sum(kind_shares([]).values()) == 0


def test_reference_outputs_are_a_ceiling_and_two_floors():
    found = reference_outputs(OUTPUTS, seed=0)
    assert [len(found[name]) for name in ("human", "first_sentence", "random_question")] == [20, 10, 10]
    for output in found["human"]:
        assert output["model_output"] not in output["references"]
        assert len(output["references"]) == 1
    assert [o["model_output"] for o in found["first_sentence"]] == [f"{n}번 글의 첫 문장이다." for n in range(10)]
    for n, (output, other) in enumerate(zip(OUTPUTS, found["random_question"], strict=True)):
        assert other["model_output"] not in output["references"]
        assert int(other["model_output"].split("번")[0]) // 2 != n // 2  # of another article
    assert summarize(score_outputs(found["human"]), 100, 0)["passages"] == 10


def test_questions_for_given_answers_share_their_paragraphs_references():
    given = [
        {**OUTPUTS[0], "input": f"문장: 【{answer}】", "passage": "글의 첫 문장이다."} for answer in ("하나", "둘")
    ]
    given[1] = {**given[1], "references": ["글의 끝은 어디인가?"]}
    found = reference_outputs(given, seed=0)
    assert len(found["human"]) == 3
    assert [output["model_output"] for output in found["first_sentence"]] == ["글의 첫 문장이다."]


def test_answer_comes_back_where_the_model_gives_the_marked_words():
    outputs = [
        {**OUTPUTS[0], "answer": "세종 대왕", "read_answer": "세종대왕"},
        {**OUTPUTS[1], "answer": "세종 대왕", "read_answer": "1443년"},
        {**OUTPUTS[2], "answer": "세종", "read_answer": "세종", "model_output": "세종이다."},  # no question
    ]
    assert summarize(score_outputs(outputs), 100, 0)["comes_back_rate"] == pytest.approx(1 / 3)


def test_rule_is_a_reference_of_its_own():
    asked = [{**OUTPUTS[0], "rule_question": "글은 무엇인가?", "answer": "첫 문장", "read_answer": "첫 문장"}]
    (found,) = reference_outputs(asked, seed=0)["rule"]
    assert found["model_output"] == "글은 무엇인가?"
    assert "read_answer" not in found  # that was of the model's question
