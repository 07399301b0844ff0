"""The side-by-side page in a real browser, opened from a file: filters, search, hostile texts, no request."""

import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from conftest import COURSE

from korqg.compare.page import TITLE, side_by_side_page
from korqg.compare.scores import kind_shares, score_outputs, summarize

pytestmark = pytest.mark.browser

HOSTILE = (
    "<script>document.title = 'owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "<img src='https://example.org/spy.png'>",
    "<svg onload=\"document.title='owned'\"><script>document.title='owned'</script></svg>",
    "</td></tr></table></article><script>document.title='owned'</script>",
    '" onmouseover="document.title=\'owned\'" data-x="',
    "'><iframe src=\"javascript:parent.document.title='owned'\"></iframe>",
    "</script><script>document.title='owned'</script>",
    "</style><style>@import 'https://example.org/spy.css';</style>",
    "<!-- --!><script>document.title='owned'</script>",
    "<a href=\"javascript:document.title='owned'\" autofocus>눌러 보세요</a>",
    "<meta http-equiv='refresh' content='0; url=https://example.org/'>",
    "<base href='https://example.org/'><link rel='stylesheet' href='spy.css'>",
    "&lt;script&gt;document.title='owned'&lt;/script&gt; $\\href{javascript:alert(1)}{x}$ \u202e\u0000 ]]>",
)


def _output(number: int, text: str, split: str = "test", **more) -> dict:
    output = {
        "id": f"{split}-{number}",
        "title": f"{number}번 글",
        "input": f"{number}번 마을에는 다리가 {number}개 있다. 해마다 봄에 잔치가 열린다.",
        "references": [f"{number}번 마을에는 다리가 몇 개 있는가?"] if split == "test" else [],
        "model_output": text,
        "stopped": True,
        "answers": [f"{number}개"],
    }
    return output | more


QUESTION, STATEMENT = "이 마을에는 무엇이 있는가?", "이 마을에는 다리가 있다."
CARDS = [
    {"하나": (_output(1, STATEMENT), _output(1, QUESTION)), "둘": (_output(1, STATEMENT), _output(1, STATEMENT))},
    {"하나": (_output(2, QUESTION), _output(2, STATEMENT)), "둘": (_output(2, QUESTION), _output(2, QUESTION))},
    {"하나": (_output(3, QUESTION), _output(3, QUESTION)), "둘": (_output(3, QUESTION), _output(3, QUESTION))},
]
OWN_CARDS = [{"하나": (_output(4, STATEMENT, "own"), _output(4, QUESTION, "own"))}]


def _page(cards: list[dict], own: list[dict] = OWN_CARDS, remark: str = "n = 3", recommended: list = ()) -> str:
    pairs = [card["하나"] for card in cards]
    before, after = (score_outputs([pair[stage] for pair in pairs]) for stage in (0, 1))
    stages = {"before": summarize(before, 100, 0), "after": summarize(after, 100, 0)}
    for stage in stages.values():
        stage["kinds"] = kind_shares([])
    run = {**stages, "change": summarize(after, 100, 0, minus=before)}
    metrics = {"runs": {remark: run}, "between": {}, "reference": {}, "reference_kinds": kind_shares([])}
    sections = {"평가용 글": cards, "내 문서": own}
    picture = '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="20"><rect width="300" height="20"/></svg>'
    return side_by_side_page(
        metrics, sections, remark, [remark], {remark: picture}, {"best": [0], remark: [len(cards) - 1]}, recommended
    )


@contextmanager
def _opened(browser, path, text: str, **context):
    """The page of a file, with every request and everything that went wrong in it noted."""
    path.write_text(text, encoding="utf-8")
    opened = browser.new_context(**context)
    page = opened.new_page()
    page.requested, page.errors, page.dialogs = [], [], []
    page.on("request", lambda request: page.requested.append(request.url))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("dialog", lambda dialog: (page.dialogs.append(dialog.message), dialog.dismiss()))
    page.goto(path.as_uri())
    yield page
    opened.close()


def _shown(page) -> list[str]:
    return page.eval_on_selector_all("article:not([hidden])", "cards => cards.map(card => card.id)")


def test_page_opens_from_a_file_with_its_figures_and_asks_for_nothing(browser, tmp_path):
    with _opened(browser, tmp_path / "나란히 보기.html", _page(CARDS)) as page:
        assert _shown(page) == ["p0", "p1", "p2", "p3"]
        assert page.inner_text("#count") == "4 of 4 questions · 질문 4개"
        assert page.eval_on_selector("img", "image => image.complete && image.naturalWidth") == 300
        outside = [url for url in page.requested if not url.startswith(("file:", "data:"))]
        assert outside == []
        assert len([url for url in page.requested if url.startswith("file:")]) == 1
        assert page.errors == page.dialogs == []


def test_hangul_has_a_font_on_a_machine_without_one(browser, tmp_path):
    with _opened(browser, tmp_path / "page.html", _page(CARDS)) as page:
        page.evaluate("document.fonts.ready")
        assert page.evaluate("document.fonts.check('16px Course', '다리')")
        assert page.evaluate("[...document.fonts].map(font => font.family + ' ' + font.status)") in (
            ["Course loaded"],
            ["Course unloaded"],  # where the machine has a Korean font of its own
        )


@pytest.mark.parametrize(
    ("show", "run", "expected"),
    [
        ("better", "any", ["p0", "p3"]),
        ("better", "1", []),
        ("worse", "any", ["p1"]),
        ("worse", "0", ["p1"]),
        ("failed", "any", ["p0", "p1"]),
        ("failed", "1", ["p0"]),
    ],
)
def test_filter_shows_the_paragraphs_that_it_names(browser, tmp_path, show, run, expected):
    with _opened(browser, tmp_path / "page.html", _page(CARDS)) as page:
        page.select_option("#show", show)
        page.select_option("#run", run)
        assert _shown(page) == expected
        assert page.inner_text("#count").startswith(f"{len(expected)} of 4")
        page.click("button[type=reset]")
        page.locator("#count", has_text="4 of 4").wait_for(timeout=5000)


def test_search_finds_words_anywhere_in_a_paragraphs_card(browser, tmp_path):
    with _opened(browser, tmp_path / "page.html", _page(CARDS)) as page:
        page.fill("#search", "2번  마을에는")
        assert _shown(page) == ["p1"]
        page.fill("#search", "잔치가 없는말")
        assert _shown(page) == []
        page.fill("#search", "다리가 몇")  # stands in the references of test paragraphs
        assert _shown(page) == ["p0", "p1", "p2"]
        page.select_option("#show", "worse")
        assert _shown(page) == ["p1"]


def test_link_to_an_example_that_is_filtered_away_brings_it_back(browser, tmp_path):
    with _opened(browser, tmp_path / "page.html", _page(CARDS)) as page:
        page.select_option("#show", "worse")
        page.click('a[href="#p0"]')
        assert "p0" in _shown(page)


def test_page_is_used_by_keyboard_alone(browser, tmp_path):
    with _opened(browser, tmp_path / "page.html", _page(CARDS)) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.hash") == "#tests"  # past what comes first
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.id") == "search"
        page.keyboard.type("2번/")
        assert page.input_value("#search") == "2번/"
        page.fill("#search", "")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "show"
        page.keyboard.press("ArrowDown")
        assert _shown(page) == ["p0", "p3"]
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # reset
        page.locator("#count", has_text="4 of 4").wait_for(timeout=5000)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_in_a_text_runs_or_asks_for_anything(browser, tmp_path, text):
    texts = {"title": text, "input": f"{text}\n{text}", "references": [text], "model_output": text, "answers": [text]}
    hostile = {text: (_output(1, text) | texts, _output(1, text) | texts)}
    card = {"하나": hostile[text], **hostile}
    with _opened(browser, tmp_path / "page.html", _page([card], [hostile], text)) as page:
        page.hover("article td")
        page.wait_for_timeout(50)
        assert page.title() == TITLE
        assert page.locator("article script, article img, article iframe, article a, article svg").count() == 0
        assert [url for url in page.requested if not url.startswith(("file:", "data:"))] == []
        assert page.url.startswith("file:")
        assert page.dialogs == page.errors == []
        shown = page.text_content("article .output")
        assert shown == text.replace("\u0000", "")


def test_policy_stops_a_script_even_where_escaping_would_fail(browser, tmp_path):
    page_text = _page(CARDS).replace("<article", f"{''.join(HOSTILE[:4])}<article", 1)
    with _opened(browser, tmp_path / "page.html", page_text) as page:
        assert page.locator("img[src='https://example.org/spy.png']").count() == 1  # it is in the page
        page.wait_for_timeout(100)
        assert page.title() == TITLE
        assert page.inner_text("#count") == "4 of 4 questions · 질문 4개"


def test_page_reads_without_script_and_without_style(browser, tmp_path):
    bare = _page(CARDS)
    start, end = bare.index("<style>"), bare.index("</style>")
    with _opened(browser, tmp_path / "page.html", bare[:start] + bare[end:], java_script_enabled=False) as page:
        text = page.inner_text("body")
        for number in range(1, 5):
            assert f"{number}번 마을에는 다리가 {number}개 있다." in text
        assert not page.is_visible("#controls")
        assert page.is_visible("article#p3")


RECOMMENDED = [
    {
        "chunk": "도서관 안내\n도서관은 월요일에 쉰다.",
        "title": "도서관 안내",
        "place": {},
        "question": "도서관은 언제 쉬는가?",
        "answer": "월요일",
        "answer_place": [13, 16],
        "written_by": "rule",
    }
]


def test_page_fits_a_phone(browser, tmp_path):
    with _opened(browser, tmp_path / "page.html", _page(CARDS), viewport={"width": 360, "height": 740}) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        widths = page.eval_on_selector_all("article td", "cells => cells.map(cell => cell.offsetWidth)")
        assert min(widths) > 300  # blocks under one another
        page.click("summary")
        assert page.evaluate("document.documentElement.scrollWidth") == 360  # tables scroll within the page, and say so
        said = page.evaluate("getComputedStyle(document.querySelector('.wide'), '::before').content")
        assert "scroll sideways · 옆으로 밀어 보세요" in said
        widths = page.eval_on_selector_all(".figures td:first-child", "cells => cells.map(cell => cell.offsetWidth)")
        assert widths and min(widths) >= 120  # a name is read in words, not letter by letter


def test_questions_come_first_and_stand_beside_each_other_on_a_wide_screen(browser, tmp_path):
    text = _page(CARDS, recommended=RECOMMENDED)
    with _opened(browser, tmp_path / "page.html", text, viewport={"width": 1440, "height": 900}) as page:
        assert page.locator(".question").first.bounding_box()["y"] < 300
        question, chunk = (page.locator(f".chunk {one}").first.bounding_box() for one in ("ul", "p"))
        assert question["x"] + question["width"] <= chunk["x"] and abs(question["y"] - chunk["y"]) < 30
        cells = [cell.bounding_box() for cell in page.locator("article#p0 td").all()]
        assert len({cell["y"] for cell in cells}) == 1 and len({cell["x"] for cell in cells}) == len(cells) > 3
        assert not page.is_visible(".figures")
        page.click('nav a[href="#figures"]')
        page.locator(".figures").first.wait_for(state="visible", timeout=5000)
        assert page.evaluate("[...document.querySelectorAll('.wide')].every(one => one.scrollWidth <= one.clientWidth)")


@pytest.mark.parametrize("width", [360, 800, 960, 1100, 1440])
def test_what_a_link_leads_to_is_clear_of_the_bar(browser, tmp_path, width):
    with _opened(browser, tmp_path / "page.html", _page(CARDS), viewport={"width": width, "height": 300}) as page:
        page.click('a[href="#p2"]')
        place, bar = (page.locator(one).bounding_box() for one in ("#p2", "#controls"))
        assert place["y"] >= max(0, bar["y"] + bar["height"])
        assert place["y"] < 300


def test_whole_page_picture_and_print_show_everything(browser, tmp_path):
    import io

    from PIL import Image

    cards = [{"하나": (_output(number, STATEMENT), _output(number, QUESTION))} for number in range(60)]
    with _opened(browser, tmp_path / "page.html", _page(cards, recommended=RECOMMENDED)) as page:
        picture = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("L")
        for start in range(0, picture.height - 400, 400):
            assert picture.crop((0, start, picture.width, start + 400)).getextrema()[0] < 128, f"blank from {start}"
        page.emulate_media(media="print")
        assert page.locator("details img").bounding_box()["height"] > 0  # unfolded
        assert not page.is_visible("#controls")
        page.set_viewport_size({"width": 718, "height": 1000})  # A4 without its margins
        assert page.evaluate("[...document.querySelectorAll('table')].every(one => one.offsetWidth <= 718)")
        columns = page.evaluate("getComputedStyle(document.querySelector('article tr')).gridTemplateColumns")
        assert len(columns.split()) >= 4  # the answer, before, after and the rule, beside each other


def test_picture_for_the_readme_is_the_best_and_the_worst_question(browser, tmp_path):
    (tmp_path / "page.html").write_text(
        _page(CARDS).replace('data-rule="n = 3"', 'data-rule="worst"'), encoding="utf-8"
    )
    (tmp_path / "none.html").write_text("<article>References ✓ a single question</article>", encoding="utf-8")
    code = "import sys; from pathlib import Path; from korqg.research.kept_example import take_picture as take; "
    for name, expected in (("page", "True"), ("none", "False")):
        files = [str(tmp_path / f"{name}.{kind}") for kind in ("html", "png")]
        taken = subprocess.run(  # playwright drives one browser in a process
            [sys.executable, "-c", f"{code}print(take(*map(Path, sys.argv[1:])))", *files],
            cwd=COURSE / "notebooks",
            capture_output=True,
            text=True,
            check=True,
        )
        assert taken.stdout.strip() == expected
    picture = tmp_path / "page.png"
    width, height = (int.from_bytes(picture.read_bytes()[start : start + 4], "big") for start in (16, 20))
    assert 800 < width <= 1240 and 150 < height <= 420


def test_thousand_paragraphs_load_in_two_seconds(browser, tmp_path):
    text = "훈민정음은 세종이 만든 글자이다. " * 25
    cards = [
        {
            run: (
                _output(number, STATEMENT, input=f"{number} {text}"),
                _output(number, QUESTION, input=f"{number} {text}"),
            )
            for run in ("하나", "둘", "셋")
        }
        for number in range(1000)
    ]
    started = time.monotonic()
    with _opened(browser, tmp_path / "page.html", _page(cards)) as page:
        milliseconds = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
        assert page.inner_text("#count").startswith("1001 of 1001")
        assert milliseconds < 2000
        started = time.monotonic()
        page.fill("#search", "777번")
        assert _shown(page) == ["p777"]
        assert time.monotonic() - started < 2
