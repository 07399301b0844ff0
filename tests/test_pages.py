"""Tables and the side-by-side page: whatever a paragraph or a model says shows as text."""

import re
from html.parser import HTMLParser

import pytest

from korqg.compare.page import (
    change_rows,
    figure_rows,
    kind_rows,
    passage_card,
    percent,
    questions_page,
    side_by_side_page,
)
from korqg.compare.scores import FORM, kind_shares, score_outputs, summarize
from korqg.markup import escape, table

NASTY = "<script>alert(1)</script> & \"quotes\" 'single' 😀 <end_of_turn> $x^2$ and $$y$$ <b>굵게</b> \\(z\\)"


class _Text(HTMLParser):
    """What a browser would show: the text, and the names of the tags around it."""

    def __init__(self):
        super().__init__()
        self.text, self.tags, self.inside = "", set(), set()

    def handle_endtag(self, tag):
        self.inside.discard(tag)

    def handle_starttag(self, tag, attributes):
        self.inside.add(tag)
        self.tags.add(tag)
        for name, value in attributes:
            assert not name.startswith("on"), (name, value)

    def handle_data(self, data):
        if not self.inside & {"script", "style"}:
            self.text += data


def _shown(page: str) -> _Text:
    parser = _Text()
    parser.feed(page)
    return parser


@pytest.fixture
def pair() -> tuple[dict, dict]:
    before = {
        "id": "1",
        "title": NASTY,
        "input": NASTY + "\n둘째 줄",
        "references": [NASTY, "무엇을 묻는가?"],
        "model_output": NASTY,
        "stopped": False,
        "split": "test",
        "answers": ["둘째 줄", "굵게"],
        "place": {},
    }
    return before, {**before, "model_output": "무엇을 묻고 있는가?", "stopped": True}


def _metrics(pair) -> dict:
    before, after = (score_outputs([output]) for output in pair)
    stages = {"before": summarize(before, 100, 0), "after": summarize(after, 100, 0)}
    for stage in stages.values():
        stage["kinds"] = kind_shares([pair[1]["model_output"]])
    run = {**stages, "change": summarize(after, 100, 0, minus=before), "train": {}}
    reference = {"human": {}, "first_sentence": summarize(before, 100, 0), "random_question": {}}
    return {"runs": {NASTY: run}, "between": {}, "reference": reference, "reference_kinds": kind_shares([])}


def _page(pair) -> str:
    sections = {"Test": [{"sample": pair}], "Own": []}
    return side_by_side_page(_metrics(pair), sections, NASTY, [NASTY], {"a picture": "<svg/>"}, {"best": [0]})


def test_markup_in_a_text_shows_as_text(pair):
    shown = _shown(passage_card({"sample": pair}))
    assert shown.text.count(NASTY) == 4  # title, paragraph, reference, output
    assert not shown.tags & {"script", "b", "end_of_turn"}


def test_dollar_opens_no_formula():
    # MathJax pairs dollars within the text of one element: alone in an element, one has no partner.
    assert re.sub(r"<span>\$</span>", "", escape("$x$ costs $5")).count("$") == 0
    assert _shown(escape("$x$ costs $5")).text == "$x$ costs $5"


def test_card_says_which_output_is_a_single_question(pair):
    shown = _shown(passage_card({"sample": pair})).text
    assert "✗ not a single question · 질문 하나가 아님; did not stop · 끝나지 않음" in shown
    assert "✓ a single question · 질문 하나" in shown


def test_card_marks_answers_in_the_paragraph_and_what_an_output_copies(pair):
    card = passage_card({"sample": pair})
    paragraph, outputs = card.split("A person asks")
    assert re.findall(r"<mark>(.*?)</mark>", paragraph) == ["굵게", "둘째 줄"]
    # the output before is the paragraph's own text: marked in another colour, and where styles are dropped by a line
    assert len(re.findall(r'<u style="background: #\w+">', outputs)) == 1 and "<mark>" not in outputs
    assert "<mark>" not in passage_card({"sample": ({**pair[1], "answers": []}, pair[1])})


def test_card_shows_the_given_answer_apart_and_long_outputs_in_part(pair):
    long = {
        **pair[1],
        "input": "문장: 훈민정음은 【세종】이 만들었다.",
        "passage": "훈민정음은 세종이 만들었다.",
        "answer": "세종",
        "model_output": "질문" * 500_000,
        "answers": [],
    }
    card = passage_card({"sample": (long, long)})
    assert len(card) < 20_000
    shown = _shown(card).text
    assert "Answer asked for · 물어볼 정답세종" in shown
    assert "… and 998,000 characters more" in shown


def test_page_is_complete_and_loads_nothing(pair):
    page = _page(pair)
    shown = _shown(page)
    assert not shown.tags & {"link", "iframe", "object", "b"}
    assert page.count("<script>") == 1
    assert "http" not in page.replace("http-equiv", "")
    assert "default-src 'none'" in page
    assert set(re.findall(r"""(?:src="|url\()(\w+):""", page)) == {"data"}
    # what it is about, a remark; two tables of two rows and one row of differences, kinds; a link; the card's four
    assert shown.text.count(NASTY) == 2 + 2 * 2 + 1 + 1 + 1 + 4
    assert "Own" not in shown.text.replace("Own document", "")


def test_page_says_for_the_filters_what_got_better_and_what_is_no_question(pair):
    assert '<article id="p0" data-better="0" data-worse="" data-failed="">' in _page(pair)
    assert 'data-better="" data-worse="0" data-failed="0"' in _page(pair[::-1])


def test_table_reads_without_css(pair):
    rows = figure_rows(_metrics(pair), FORM)
    assert [row["n"] for row in rows] == ["1", "1", "1"]
    assert rows[2]["Single question · 질문 하나 (%)"] == "100.0"  # one paragraph has no interval
    assert rows[0]["Length · 글자 수"] == f"{len(NASTY)}.0"
    page = table(rows)
    assert page.count("<tr>") == 4
    assert 'border="1"' in page
    assert "class=" not in page


def test_differences_carry_their_sign_and_what_is_not_known_a_dash(pair):
    assert change_rows(_metrics(pair))[0]["Single question · 질문 하나 (%)"] == "+100.0"
    assert percent(None) == "-"
    assert percent(0.5, 0.25, 0.75) == "50.0 (25.0 to 75.0)"
    assert kind_rows(_metrics(pair))[1]["무엇"] == "100.0"


def test_figures_of_other_data_stand_under_their_name(pair):
    metrics = _metrics(pair) | {"apart": {"첫 시도": _metrics(pair)}}
    assert [row[""].startswith("[첫 시도] ") for row in figure_rows(metrics)] == [False] * 3 + [True] * 3


def test_an_answer_that_came_back_is_told_from_the_marked_one():
    asked = {"id": "1", "title": "도서관", "input": "한빛도서관은 월요일에 쉰다.", "references": [], "answers": []}
    asked |= {"model_output": "한빛도서관은 언제 쉬는가?", "stopped": True, "answer": "월요일", "confidence": 0.9}
    right = passage_card({"sample": (asked, {**asked, "read_answer": "월요일"})}).split("After")[1]
    wrong = passage_card({"sample": (asked, {**asked, "read_answer": "한빛도서관"})}).split("After")[1]
    assert "✓" in right and "the marked answer came back" in right
    assert "✗" in wrong and "another answer came back" in wrong


def test_chunk_without_a_question_is_told_by_its_beginning():
    left_out = [{"chunk": "물 주기\n" + "가" * 300, "reason": "none · 없음"}]
    page = questions_page([], left_out, "garden")
    assert "물 주기 / 가" in page and "가…" in page and "가" * 250 not in page
