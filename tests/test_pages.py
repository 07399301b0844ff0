"""Tables and the side-by-side page: whatever a paragraph or a model says shows as text."""

import re
from html.parser import HTMLParser

import pytest

from korqg.metrics import score_output, summarize
from korqg.pages import escape, figure_rows, passage_card, side_by_side_page, table

NASTY = "<script>alert(1)</script> & \"quotes\" 'single' 😀 <end_of_turn> $x^2$ and $$y$$ <b>굵게</b> \\(z\\)"


class _Text(HTMLParser):
    """What a browser would show: the text, and the names of the tags around it."""

    def __init__(self):
        super().__init__()
        self.text, self.tags = "", set()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        for name, value in attributes:
            assert not name.startswith("on"), (name, value)

    def handle_data(self, data):
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
        "expected_output": "무엇을 묻는가?",
        "references": [NASTY, "무엇을 묻는가?"],
        "model_output": NASTY,
        "stopped": False,
        "split": "test",
    }
    return before, {**before, "model_output": "무엇을 묻고 있는가?", "stopped": True}


def _metrics(pair) -> dict:
    summaries = [summarize([score_output(output)], 100, 0) for output in pair]
    return {"runs": {NASTY: {"before": summaries[0], "after": summaries[1], "train": {}}}, "reference": {"human": {}}}


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
    assert "✗ not a single question, did not stop" in shown
    assert "✓ a single question" in shown


def test_page_is_complete_and_loads_nothing(pair):
    page = side_by_side_page(_metrics(pair), {"Test": [{"sample": pair}], "Own": []}, NASTY)
    shown = _shown(page)
    assert not shown.tags & {"script", "link", "img", "iframe"}
    assert "http" not in page
    assert shown.text.count(NASTY) == 7  # remark, two table rows, and the card's four
    assert "Own" not in shown.text


def test_table_reads_without_css(pair):
    rows = figure_rows(_metrics(pair))
    assert [row["n"] for row in rows] == ["1", "1"]
    assert rows[1]["Single question (%)"] == "100.0 (100.0 to 100.0)"
    page = table(rows)
    assert page.count("<tr>") == 3
    assert 'border="1"' in page
    assert "class=" not in page
