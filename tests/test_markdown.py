"""Markdown as other programs extend it, and the HTML in it."""

import pytest

from korqg.data.documents.markdown import html_blocks, read_markdown


def _texts(tmp_path, text: str) -> list[str]:
    (tmp_path / "memo.md").write_text(text, encoding="utf-8")
    return [block.text for block in read_markdown(tmp_path / "memo.md")]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("**물레방아(2호)**가 돈다.", "물레방아(2호)가 돈다."),
        ("이름은 **‘새벽길’**이고 *언덕(북쪽)*에 있다.", "이름은 ‘새벽길’이고 언덕(북쪽)에 있다."),
        ("***가장 큰 돌***은 __마당__에 있다.", "가장 큰 돌은 마당에 있다."),
        ("값은 3 * 4 * 5로 센다.", "값은 3 * 4 * 5로 센다."),
        ("`**kwargs`는 **값(들)**을 받는다.", "**kwargs는 값(들)을 받는다."),
        ("입장료는 ~~천 원~~ 이천 원이다.", "입장료는 이천 원이다."),
        ("입장료는 <del>천 원</del>이천 원이고<br>어린이는 무료다.", "입장료는 이천 원이고 어린이는 무료다."),
        ("물빛상<sup>3)</sup>을 받은 m<sup>2</sup>이다.", "물빛상을 받은 m2이다."),
        ("4.2×10<sup>6</sup>톤이고 10<sup>-3</sup>m이다.", "4.2×10⁶톤이고 10⁻³m이다."),
        ("값은 ~~천 원(옛 값)~~이 아니라 `a~~(b)~~가`이다.", "값은 이 아니라 a~~(b)~~가이다."),
        ("좋다~~! 참 좋다!~~ 그래.", "좋다~~! 참 좋다!~~ 그래."),
        ("==눈에 띄는== 글이다.", "눈에 띄는 글이다."),
    ],
)
def test_emphasis_beside_particles_and_struck_text(tmp_path, text, read):
    assert _texts(tmp_path, text) == [read]


@pytest.mark.parametrize("label", ["{#way}", "{ #way .wide }", "{.unnumbered}", "{: #way}", "{/* way */}", "{/*way*/}"])
def test_labels_of_headings_go(tmp_path, label):
    assert _texts(tmp_path, f"## 오는 길 {label}\n\n배를 탄다.\n") == ["오는 길", "배를 탄다."]


def test_html_gives_its_text_and_tables(tmp_path):
    text = (
        "# 방앗간\n\n<div align='center'>\n  <h2>소개</h2>\n"
        "  <p>방앗간은 1931년에 섰다.<br/>지금도 돈다.</p>\n</div>\n\n"
        "<table>\n<tr><th>이름</th><th>값</th></tr>\n<tr><td>쌀</td><td>삼천 원</td></tr></table>\n\n"
        "<!-- 숨은 글 -->\n\n<style>p { color: red }</style>\n\n<ul><li>첫째</li><li>둘째</li></ul>\n"
    )
    assert _texts(tmp_path, text) == [
        "방앗간", "소개", "방앗간은 1931년에 섰다.", "지금도 돈다.", "이름 | 값", "쌀 | 삼천 원", "첫째", "둘째",
    ]  # fmt: skip


def test_joined_cells_of_html_are_repeated():
    rows = "<tr><td rowspan=2>쌀</td><td>봄</td></tr><tr><td>가을</td></tr>"
    assert [block.text for block in html_blocks(f"<table>{rows}</table>")] == ["쌀 | 봄", "쌀 | 가을"]


@pytest.mark.parametrize(
    ("html", "texts"),
    [
        ("<p>논<ruby>畓<rp>(</rp><rt>답</rt></ruby>은 <del>밭</del>넓다.</p>", ["논畓은 넓다."]),
        ("<table><tr><td>쌀<td>봄<tr><td>콩<td>가을</table>", ["쌀 | 봄", "콩 | 가을"]),
        ("<div>" * 300 + "쌀이다." + "</div>" * 300, ["쌀이다."]),
        ("<div>" * 1500 + "쌀이다." + "</div>" * 1500, ["쌀이다."]),
    ],
)
def test_what_is_left_out_or_not_closed_tears_nothing(html, texts):
    assert [block.text for block in html_blocks(html)] == texts


@pytest.mark.parametrize("rule", ["---", "***", "- - -"])
def test_rule_at_the_start_is_no_front_matter(tmp_path, rule):
    text = f"{rule}\n\n# 소식\n\n다리는 1972년에 놓였다.\n\n{rule}\n\n길은 넓다.\n"
    assert _texts(tmp_path, text) == ["소식", "다리는 1972년에 놓였다.", "길은 넓다."]


@pytest.mark.parametrize(
    "matter",
    ["---\ntitle: 소식\ntags:\n  - 다리\n- 길\n# 덧말\n---\n", '+++\ntitle = "소식"\n+++\n', "---\n제목: 소식\n---\n"],
)
def test_front_matter_goes(tmp_path, matter):
    assert _texts(tmp_path, f"{matter}\n다리는 1972년에 놓였다.\n") == ["다리는 1972년에 놓였다."]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("::: warning\n파도가 높다.\n:::\n", ["파도가 높다."]),
        (":::tip[물때]\n물은 하루 두 번 든다.\n:::\n", ["물때", "물은 하루 두 번 든다."]),
        ("/// warning\n파도가 높다.\n///\n", ["파도가 높다."]),
        (
            '!!! note "물때"\n    물은 하루 두 번 든다.\n\n    배는 뜬다.\n\n끝.\n',
            ["물때", "물은 하루 두 번 든다.", "배는 뜬다.", "끝."],
        ),
        ("!!! 주의\n    파도가 높다.\n", ["파도가 높다."]),
        ("!!! 내일은 배가 뜨지 않는다\n\n모레 뜬다.\n", ["!!! 내일은 배가 뜨지 않는다", "모레 뜬다."]),
        ("> [!NOTE]\n> 배는 네 번 뜬다.\n", ["배는 네 번 뜬다."]),
        ("{% include nav.html %}\n\n{{< figure src=a.png >}}\n\n[[toc]]\n\n배가 뜬다.\n", ["배가 뜬다."]),
        ("```\n::: 글\n```\n\n배가 뜬다.\n", ["배가 뜬다."]),
    ],
)
def test_fences_of_notes_go_and_their_text_stays(tmp_path, text, read):
    assert _texts(tmp_path, text) == read


@pytest.mark.parametrize("mark", ["  \n", "\\\n", "<br>"])
def test_breaks_that_the_writer_set_part_facts_and_no_sentences(tmp_path, mark):
    text = mark.join(["일시: 3월 2일", "장소: 회관 2층", "물은 골짜기에서 내려와", "들로 간다."])
    assert _texts(tmp_path, f"{text}\n") == ["일시: 3월 2일", "장소: 회관 2층", "물은 골짜기에서 내려와 들로 간다."]


def test_heading_that_is_a_sentence_stays_a_heading(tmp_path):
    (tmp_path / "memo.md").write_text(
        "## 그만두고 싶어요.\n\n<h3>쉬고 싶어요.</h3>\n\n먼저 알려 주세요.\n", encoding="utf-8"
    )
    assert [block.level for block in read_markdown(tmp_path / "memo.md")] == [2, 3, 0]


def test_boxes_of_tasks_go(tmp_path):
    path = tmp_path / "memo.md"
    path.write_text("- [ ] 문을 연다.\n- [x] 표를 판다.\n", encoding="utf-8")
    assert [block.text for block in read_markdown(path)] == ["문을 연다.", "표를 판다."]
