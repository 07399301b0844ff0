"""Judging without knowing who wrote a question: what the section holds, and how it works in a real browser."""

import base64
import hashlib
import json
import re
from contextlib import contextmanager

import pytest
from conftest import COURSE
from test_browser import HOSTILE

from korqg.compare.page import judge_section, side_by_side_page
from korqg.compare.plots import embedded_font

PASSAGE = "세종은  1443년에\n\n  훈민정음을 만들었다.\n반포는 1446년이다."
SCRIPT = (COURSE / "notebooks" / "korqg" / "compare" / "judge.js").read_text(encoding="utf-8")
MAKERS = ("Gemma 다듬은 것", "사람 <b>")
ITEMS = [
    {"number": "0", "passage": PASSAGE, "question": "누가 만들었는가?", "answer": "세종", "makers": [*MAKERS]},
    {"number": "1", "passage": PASSAGE, "question": "언제 만들었는가?", "answer": "1443년", "makers": [MAKERS[0]]},
    {"number": "2", "passage": PASSAGE, "question": "무엇을 만들었는가?", "answer": "", "makers": [MAKERS[1]]},
    {"number": "3", "passage": PASSAGE, "question": "언제 반포했는가?", "answer": "1446년", "makers": [MAKERS[1]]},
]
EMPTY = {"runs": {}, "between": {}, "reference": {}, "reference_kinds": {}}


def judge_page(items: list[dict], seed: int = 7) -> str:
    """A side-by-side page without paragraphs, with the section and its script; the policy allows the two scripts."""
    section, allowed = judge_section(items, seed), base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    page = side_by_side_page(EMPTY, {}, "", [], {}, {})
    page = page.replace("script-src '", f"script-src 'sha256-{allowed}' '", 1)
    face = f"@font-face {{ font-family: Course; src: url(data:font/woff;base64,{embedded_font(section + page)}); }}"
    page = page.replace("<style>", f"<style>{face}", 1)
    return page.replace("</body>", f"{section}\n<script>{SCRIPT}</script></body>")


def _data(section: str) -> tuple[list[dict], str]:
    made, text = re.search(r'data-made="([^"]*)">(.*?)</script>', section, re.DOTALL).groups()
    return json.loads(text), base64.b64decode(made).decode()


def test_order_follows_the_seed():
    orders = [[question["number"] for question in _data(judge_section(ITEMS, seed))[0]] for seed in (1, 1, 2, 3)]
    assert orders[0] == orders[1]
    assert orders[0] != orders[2] or orders[0] != orders[3]


def test_makers_are_not_in_the_source_in_plain_words():
    section = judge_section(ITEMS, 7)
    assert not any(word in section for word in ("Gemma", "다듬은", "사람"))


def test_texts_cannot_leave_their_place():
    items = [{**ITEMS[0], "number": str(at), "question": text, "passage": text} for at, text in enumerate(HOSTILE)]
    section = judge_section(items, 7)
    assert section.count("<script") == section.count("</script>") == 1
    assert "<img" not in section and "$" not in section
    assert {question["question"] for question in _data(section)[0]} == set(HOSTILE)


def test_no_items_make_no_section():
    assert judge_section([], 7) == ""


@contextmanager
def _opened(browser, path, items=ITEMS, before: str = "", **context):
    """The page of a file; nothing may go wrong in it, and it may ask for nothing."""
    path.write_text(judge_page(items), encoding="utf-8")
    opened = browser.new_context(**context)
    opened.set_default_timeout(5000)
    page, wrong = opened.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: wrong.append(request.url) if request.url.startswith("http") else None)
    page.add_init_script(before)
    page.goto(path.as_uri())
    yield page
    opened.close()
    assert wrong == []


def _part(page, name: str):
    return page.locator(f'#judge [data-part="{name}"]')


def _rows(page, name: str) -> list[list[str]]:
    rows = "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
    return page.eval_on_selector_all(f'#judge [data-part="{name}"] tr', rows)


def _start(page) -> None:
    _part(page, "start").focus()
    page.keyboard.press("Enter")


def _judge(page, verdicts: dict[str, str]) -> None:
    """Press the key that the question shown has in `verdicts`, until all are judged."""
    while _part(page, "card").is_visible():
        page.keyboard.press(verdicts[_part(page, "asked").text_content()])


def _finish(page, key: str = "Enter") -> None:
    page.keyboard.press(key)
    _part(page, "results").wait_for()


VERDICTS = {
    "누가 만들었는가?": "1",
    "언제 만들었는가?": "3",
    "무엇을 만들었는가?": "2",
    "언제 반포했는가?": "3",
}


@pytest.mark.browser
def test_questions_are_judged_by_keyboard_alone(browser, tmp_path):
    with _opened(browser, tmp_path / "page.html", accept_downloads=True) as page:
        assert not _part(page, "needed").is_visible()
        _start(page)
        assert _part(page, "progress").text_content() == "1 / 4"
        assert _part(page, "passage").text_content() == PASSAGE
        assert page.locator("dialog mark").count() == 0
        first = _part(page, "asked").text_content()
        page.keyboard.press("3" if VERDICTS[first] == "1" else "1")  # wrong, and mended
        assert _part(page, "progress").text_content() == "2 / 4"
        page.keyboard.press("Backspace")
        assert _part(page, "asked").text_content() == first
        assert page.locator("dialog [aria-pressed=true]").count() == 1
        page.keyboard.press("Control+1")  # the browser's own
        assert _part(page, "progress").text_content() == "1 / 4"
        answers = {}
        for place in range(4):
            assert _part(page, "progress").text_content() == f"{place + 1} / 4"
            assert not any(word in page.inner_text("body") for word in ("Gemma", "다듬은", "사람"))
            question = _part(page, "asked").text_content()
            answers[question] = page.inner_text("dialog p:has([data-part=answer])")
            page.keyboard.press(VERDICTS[question])
        assert answers["무엇을 만들었는가?"].endswith("정답: -")
        assert answers["언제 만들었는가?"].endswith("정답: 1443년")
        assert _part(page, "last").is_visible()
        page.keyboard.press("1")  # judges nothing any more
        page.keyboard.press("ArrowLeft")
        assert _part(page, "progress").text_content() == "4 / 4"
        _judge(page, VERDICTS)
        _finish(page)  # the results' button has the focus
        assert _rows(page, "shares") == [[MAKERS[0], "2", "50.0", "50.0"], [MAKERS[1], "3", "33.3", "66.7"]]
        listed = {row[1]: (row[0], row[2], row[3][:6]) for row in _rows(page, "list")}
        assert listed["누가 만들었는가?"] == ("0", "\n".join(MAKERS), "Show a")
        assert listed["언제 반포했는가?"] == ("3", MAKERS[1], "Do not")
        assert len(listed) == 4
        page.wait_for_function("document.activeElement.dataset.part === 'results-title'")
        with page.expect_download() as download:
            _part(page, "save").focus()
            page.keyboard.press("Enter")
        assert download.value.suggested_filename == "ratings.json"
        download.value.save_as(tmp_path / "ratings.json")
        bad, edited, good = ([None, None, None, *marks] for marks in ((0, 0), (0, 1), (1, 1)))
        saved = json.loads((tmp_path / "ratings.json").read_text(encoding="utf-8"))
        assert saved == {"reader": "", "ratings": {"0": good, "1": bad, "2": edited, "3": bad}}


@pytest.mark.browser
def test_buttons_do_what_the_keys_do_and_are_told_to_a_screen_reader(browser, tmp_path):
    with _opened(browser, tmp_path / "page.html") as page:
        _part(page, "start").click()
        assert page.evaluate("document.activeElement.dataset.part") == "question"
        assert _part(page, "question").get_attribute("aria-live") == "polite"
        assert _part(page, "back").is_disabled()
        page.get_by_role("button", name="조금 고치면 보여 준다").click()
        assert _part(page, "progress").text_content() == "2 / 4"
        page.keyboard.down("Enter")  # held down, it judges one question
        page.keyboard.down("Enter")
        page.keyboard.up("Enter")
        assert _part(page, "progress").text_content() == "3 / 4"
        _part(page, "back").click()
        _part(page, "back").click()
        assert page.evaluate("document.activeElement.dataset.part") == "question"  # the button is of no use here


@pytest.mark.browser
def test_stopping_early_shows_what_was_judged_and_a_reload_keeps_it(browser, tmp_path):
    with _opened(browser, tmp_path / "page.html") as page:
        _start(page)
        judged = _part(page, "asked").text_content()
        page.keyboard.press("1")
        _finish(page, "Escape")
        assert _part(page, "judged").text_content() == "1 / 4"
        assert [row[1] for row in _rows(page, "list")] == [judged]  # the others' makers stay unknown
        assert {tuple(row[1:]) for row in _rows(page, "shares")} <= {("1", "100.0", "100.0"), ("0", "-", "-")}
        page.reload()
        assert "1 / 4" in _part(page, "start").inner_text()
        assert not _part(page, "results").is_visible()
        _start(page)
        assert _part(page, "progress").text_content() == "2 / 4"
        _judge(page, VERDICTS)
        page.reload()
        assert _part(page, "judged").text_content() == "4 / 4"
        page.once("dialog", lambda dialog: dialog.accept())
        _part(page, "erase").click()
        assert _part(page, "start").inner_text() == "Start · 시작하기"
        assert not _part(page, "unkept").is_visible()


@pytest.mark.browser
def test_page_works_where_storage_is_not_allowed(browser, tmp_path):
    forbid = "Object.defineProperty(window, 'localStorage', { get() { throw new Error('forbidden'); } });"
    with _opened(browser, tmp_path / "page.html", before=forbid) as page:
        _start(page)
        _judge(page, VERDICTS)
        _finish(page)
        assert len(_rows(page, "list")) == 4
        assert _part(page, "unkept").is_visible()


@pytest.mark.browser
def test_nothing_in_a_text_runs(browser, tmp_path):
    items = [
        {"number": str(at), "passage": text, "question": text, "answer": text, "makers": [text]}
        for at, text in enumerate(HOSTILE)
    ]
    with _opened(browser, tmp_path / "page.html", items) as page:
        title = page.title()
        _start(page)
        shown = set()
        for _ in items:
            shown.add(_part(page, "asked").text_content())
            page.keyboard.press("2")
        _finish(page)
        assert shown == set(HOSTILE)
        assert len(_rows(page, "list")) == len(items)
        assert page.locator("#judge :is(img, iframe, svg, a, meta, base)").count() == 0
        page.wait_for_timeout(50)
        assert page.title() == title


@pytest.mark.browser
def test_page_says_that_it_needs_javascript(browser, tmp_path):
    with _opened(browser, tmp_path / "page.html", java_script_enabled=False) as page:
        assert _part(page, "needed").is_visible()
        assert not any(_part(page, name).is_visible() for name in ("start", "dialog", "results"))


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_section_fits_a_phone(browser, tmp_path, scheme):
    items = [{**item, "passage": PASSAGE * 20} for item in ITEMS]
    phone = {"viewport": {"width": 360, "height": 740}, "color_scheme": scheme}
    with _opened(browser, tmp_path / "page.html", items, **phone) as page:
        _start(page)
        assert page.evaluate("document.querySelector('dialog').scrollWidth") <= 360
        bottom = page.eval_on_selector_all(
            "dialog [data-verdict]", "all => all.map(e => e.getBoundingClientRect().bottom)"
        )
        assert max(bottom) <= 740  # the buttons stay in sight below a long paragraph
        background = page.evaluate("getComputedStyle(document.querySelector('dialog')).backgroundColor")
        assert (background == "rgb(255, 255, 255)") == (scheme == "light")
        _judge(page, VERDICTS)
        _finish(page)
        assert page.evaluate("document.documentElement.scrollWidth") == 360
