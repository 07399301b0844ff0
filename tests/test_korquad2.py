"""KorQuAD 2 pages: where answers are found, what passages look like, and what bad files cost."""

import itertools
import json
import struct
import zipfile
from collections import Counter

import pytest

from korqg.data.korquad2 import archives
from korqg.data.korquad2.passages import find_answer, read_korquad2
from korqg.errors import KorqgError

pytestmark = pytest.mark.files

EDIT = '<span class="mw-editsection">[<a>편집</a>]</span>'


def count(text: str) -> int:
    """A word is a token."""
    return len(text.split())


def make_page(body: str, *answers: str, title: str = "두물 다리", **more) -> dict:
    """A page out of HTML in which {1} ... {/1} stand around the first answer, and so on."""
    html = f"<html><head><title>x</title></head><body>{body}</body></html>"
    qas = []
    for number in range(1, 20):
        if f"{{{number}}}" not in html:
            break
        qas.append({"id": f"q{number}", "question": f"{number}번째 물음은 무엇인가?"})
    places = {}
    for number in range(1, len(qas) + 1):
        for sign in (f"{{{number}}}", f"{{/{number}}}"):
            places[sign] = None
    while True:
        found = sorted((html.index(sign), sign) for sign in places if sign in html)
        if not found:
            break
        place, sign = found[0]
        html = html[:place] + html[place + len(sign) :]
        places[sign] = place
    for number, qa in enumerate(qas, start=1):
        start, end = places[f"{{{number}}}"], places[f"{{/{number}}}"]
        text = answers[number - 1] if number <= len(answers) else html[start:end]
        qa["answer"] = {"text": text, "answer_start": start, "html_answer_start": start, "html_answer_text": text}
    return {"title": title, "url": "", "context": html, "raw_html": "", "qas": qas, **more}


@pytest.fixture
def read(tmp_path):
    def read_page(*pages, tokens=60, **more):
        path = tmp_path / "pages.json"
        path.write_text(json.dumps({"version": "test", "data": list(pages)}), encoding="utf-8")
        return read_korquad2(path, tokens, count, **more)

    return read_page


@pytest.fixture
def pack(tmp_path):
    def write_archive(members: dict, name="KorQuAD_2.1_test_00.zip"):
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in members.items():
                text = content if isinstance(content, str) else json.dumps({"version": "t", "data": content})
                archive.writestr(member, text)
        return path

    return write_archive


def only(corpus):
    """The corpus's one passage and its one question, checked against each other."""
    (passage,) = corpus.passages
    (question,) = passage.questions
    assert passage.text.startswith(question.answer, question.answer_start)
    return passage, question


def some_page(number: int = 0) -> dict:
    body = f"<p>두물 다리는 <b>{{1}}19{number:02}년{{/1}}</b>에 놓였다.</p>"
    return make_page(body, title=f"다리 {number}")


# Where the answer is


def test_answer_is_found_at_its_place_and_not_where_its_words_come_first(read):
    body = f"""<p>다리는 1931년에 알려졌다.</p><h2>역사{EDIT}</h2>
        <p>나루터가 있던 자리이다.<sup class="reference">[1]</sup>
        다리는 <a>{{1}}19<b>31</b>년{{/1}}</a>에 놓였다.</p>"""
    passage, question = only(read(make_page(body)))
    assert passage.text == "역사\n나루터가 있던 자리이다. 다리는 1931년에 놓였다."
    assert (question.answer, question.answer_start) == ("1931년", passage.text.index("1931년"))


@pytest.mark.parametrize(
    ("source", "given"),
    [
        ("풀 &amp; 꽃", "풀 & 꽃"),
        ("높이&#160;7&nbsp;미터", "높이 7 미터"),
        ("&lt;새길&gt;", "<새길>"),
        ("가<!-- 모름 -->람", "가람"),
        ("가람<sup><a>[1]</a></sup>골", "가람골"),
        ("가람<sup><a>[1]</a></sup>골", "가람[1]골"),
        ("\n 가람\n 골 ", "가람 골"),
    ],
)
def test_answer_may_be_given_as_it_is_read(read, source, given):
    passage, question = only(read(make_page(f"<p>가람골 앞에 {{1}}{source}{{/1}} 뒤에</p>", given)))
    assert passage.text.startswith("가람골 앞에 ") and passage.text.endswith(" 뒤에")
    assert question.answer.replace(" ", "") == given.replace(" ", "").replace("[1]", "")


@pytest.mark.parametrize("move", [-2, -1, 1, 2])
def test_answer_up_to_two_characters_off_is_mended(read, move):
    page = make_page("<p>이 물가에는 {1}두물나루{/1} 하나가 있었다.</p>")
    page["qas"][0]["answer"]["answer_start"] += move
    corpus = read(page)
    assert (only(corpus)[1].answer, corpus.mended) == ("두물나루", 1)


def test_answer_further_off_is_left_out_with_its_place(read):
    page = make_page("<p>이 물가에는 {1}두물나루{/1} 하나가 있었다.</p>")
    start = page["qas"][0]["answer"]["answer_start"] = page["qas"][0]["answer"]["answer_start"] + 3
    corpus = read(some_page(), page, max_dropped_fraction=0.5)
    (record,) = corpus.dropped
    assert record["file"] == "pages.json"
    assert record["id"] == "data[1] (두물 다리), qas[0], id q1"
    assert record["reason"] == f"the answer '두물나루' does not stand at character {start} of its page"


def test_place_inside_a_tag_a_comment_or_an_entity_is_moved_to_its_edge():
    page = '앞 <a href="/wiki/x">다리</a> <!-- 옛날 이름 -->나루 &lt;성문&gt;'
    for inside, answer, found in (
        ("href", "다리", "다리"),
        ("이름 -", "나루", "나루"),
        ("lt;성", "<성문>", "&lt;성문&gt;"),
    ):
        begin, end, mended = find_answer(page, page.index(inside), answer)
        assert (page[begin:end], mended) == (found, True)
    assert find_answer(page, page.index("다리"), "다리")[2] is False
    assert find_answer(page, page.index("href"), "나루") is None


def test_words_inside_a_tag_are_no_answer():
    page = '<p title="나루">나무</p>'
    assert find_answer(page, page.index("나루"), "나루") is None


def test_private_use_characters_of_the_page_are_no_marks_and_are_left_out(read):
    signs = "\U000f0000 \U000f0001 &#xF0002;"
    passage, question = only(read(make_page(f"<p>표지 {signs} 옆의 {{1}}돌기둥{{/1}}</p>")))
    assert passage.text.split() == ["표지", "옆의", "돌기둥"]
    assert passage.text[question.answer_start :] == question.answer == "돌기둥"


def test_answers_that_touch_or_lie_in_each_other_are_told_apart(read):
    corpus = read(make_page("<p>{1}가람골 {2}나루터{/2}{/1}{3}에서{/3} 만난다.</p>"))
    (passage,) = corpus.passages
    assert [(q.id, q.answer, q.answer_start) for q in passage.questions] == [
        ("q1", "가람골 나루터", 0),
        ("q2", "나루터", 4),
        ("q3", "에서", 7),
    ]


def test_answer_in_a_heading_is_found_in_the_first_line(read):
    passage, question = only(read(make_page(f"<h2>{{1}}새 다리{{/1}} 공사{EDIT}</h2><p>공사는 봄에 끝났다.</p>")))
    assert passage.text == "새 다리 공사\n공사는 봄에 끝났다."
    assert (question.answer, question.answer_start) == ("새 다리", 0)


# What a passage is


def test_table_becomes_a_line_a_row_with_its_headers(read):
    table = """<table class="wikitable"><caption>다리의 크기</caption>
        <tr><th rowspan="2">이름</th><th colspan="2">크기</th></tr><tr><th>길이</th><th>너비</th></tr>
        <tr><td rowspan='2"'>두물 다리</td><td>120미터</td><td>7미터</td></tr>
        <tr><td>{1}95미터{/1}</td><td><ul><li>6미터</li><li>5미터</li></ul></td></tr>
        <tr><td colspan="3">모두 돌로 지었다.</td></tr></table>"""
    passage, question = only(read(make_page(table)))
    assert passage.text.split("\n") == [
        "다리의 크기",
        "이름: 두물 다리; 크기 길이: 120미터; 크기 너비: 7미터",
        "이름: 두물 다리; 크기 길이: 95미터; 크기 너비: 6미터, 5미터",
        "모두 돌로 지었다.",
    ]
    assert question.answer == "95미터"


def test_infobox_has_its_headers_beside_the_values(read):
    table = """<table class="infobox"><tr><th colspan="2">두물 다리</th></tr><tr><td colspan="2"><img></td></tr>
        <tr><th>위치</th><td>가람골<br>나루터</td></tr>
        <tr><th>길이</th><td><table><tr><td>{1}120미터{/1}</td><td>옛 95미터</td></tr></table></td></tr></table>"""
    passage, question = only(read(make_page(table)))
    assert passage.text == "두물 다리\n위치: 가람골 나루터\n길이: 120미터 옛 95미터"
    assert question.answer == "120미터"


def test_table_that_only_lays_out_gives_what_is_in_its_cells(read):
    inner = "<table><tr><th>달</th><th>비</th></tr><tr><td>유월</td><td>{1}120mm{/1}</td></tr></table>"
    passage, _ = only(read(make_page(f"<table><tr><td><p>왼쪽 글이다.</p></td><td>{inner}</td></tr></table>")))
    assert passage.text == "왼쪽 글이다.\n달: 유월; 비: 120mm"


def test_list_items_become_lines_nested_ones_too(read):
    body = """<ul><li>봄 나물<ul><li>{1}냉이{/1}</li><li>달래</li></ul></li><li>가을 열매</li></ul>
        <dl><dt>겨울</dt><dd>무</dd></dl>"""
    passage, question = only(read(make_page(body)))
    assert passage.text == "봄 나물\n냉이\n달래\n가을 열매\n겨울\n무"
    assert question.answer == "냉이"


def test_answer_in_a_heading_is_short_however_much_stands_under_it(read):
    body = f"<h2>{{1}}두물 다리{{/1}}의 유래</h2><p>{'다리는 두 물이 만나는 곳에 섰다. ' * 9}</p><p>길이는 90m이다.</p>"
    (passage,) = read(make_page(body), tokens=99).passages
    assert passage.questions[0].answer == "두물 다리" and passage.text.startswith("두물 다리의 유래\n")


def test_neighbours_fill_a_passage_in_turns_and_stay_under_their_heading(read):
    body = """<p>머리글 하나 둘</p><h2>역사</h2><p>가 가 가</p><p>나 나 나</p><p>다 {1}답{/1} 다</p><p>라 라 라</p>
        <p>마 마 마</p><h2>지금</h2><p>바</p>"""
    assert only(read(make_page(body), tokens=9))[0].text == "역사\n나 나 나\n다 답 다"
    assert only(read(make_page(body), tokens=12))[0].text == "역사\n나 나 나\n다 답 다\n라 라 라"
    whole = "역사\n가 가 가\n나 나 나\n다 답 다\n라 라 라\n마 마 마"
    assert only(read(make_page(body), tokens=99))[0].text == whole


def test_questions_share_a_passage_when_it_fits_and_passages_never_overlap(read):
    paragraphs = "".join(
        f"<p>{name} 첫째 둘째 {{{number}}}셋째{{/{number}}}</p>" for number, name in enumerate("가나다라마", 1)
    )
    for tokens in (5, 9, 14, 40):
        corpus = read(make_page(f"<h2>차례</h2>{paragraphs}"), tokens=tokens)
        lines = [line for passage in corpus.passages for line in passage.text.split("\n")[1:]]
        assert sorted(lines) == sorted(f"{name} 첫째 둘째 셋째" for name in "가나다라마")
        assert sum(len(passage.questions) for passage in corpus.passages) == 5
        assert all(count(passage.text) <= tokens for passage in corpus.passages)
        for passage, question in ((p, q) for p in corpus.passages for q in p.questions):
            name = "가나다라마"[int(question.id[1:]) - 1]
            assert passage.text[: question.answer_start].endswith(f"{name} 첫째 둘째 ")
    assert len(corpus.passages) == 1


def test_long_paragraph_is_cut_after_whole_sentences_around_the_answer(read):
    sentences = [f"{number}번째 다리는 가람골에서 나루터까지 이어진다." for number in range(1, 30)]
    body = " ".join(sentences).replace("17번째", "{1}17번째{/1}")
    passage, question = only(read(make_page(f"<p>{body}</p>"), tokens=17))
    assert passage.text == " ".join(sentences[15:18])
    assert question.answer == "17번째"


def test_long_table_is_cut_by_rows_and_keeps_title_and_headers(read):
    rows = "".join(f"<tr><td>{number}</td><td>다리{number}</td></tr>" for number in range(300))
    rows = rows.replace("<td>다리150<", "<td>{1}다리150{/1}<")
    table = f"<table><caption>다리 목록</caption><tr><th>번호</th><th>이름</th></tr>{rows}</table>"
    passage, _ = only(read(make_page(table), tokens=15))
    assert passage.text.split("\n") == ["다리 목록", *(f"번호: {n}; 이름: 다리{n}" for n in (149, 150, 151))]


def test_giant_paragraph_is_cut_without_being_read_whole(read):
    body = "이 문장은 두물 다리를 말한다. " * 40_000 + "{1}열쇠돌{/1}은 맨 위에 있다. " + "다른 말도 있다. " * 40_000
    passage, question = only(read(make_page(f"<p>{body}</p>"), tokens=40))
    assert question.answer == "열쇠돌" and count(passage.text) <= 40
    assert passage.text.endswith("다른 말도 있다.")


NAVIGATION = f"""<script>var a = "잡음";</script><style>.잡음 {{}}</style><!-- 잡음 -->
    <div class="hatnote">잡음</div><div id="toc"><h2>목차</h2><ul><li>잡음</li></ul></div>
    <p>두물 다리<span style="display: none">잡음</span>는 <b>{{1}}가람골{{/1}}</b>에<sup
    class="reference"><a>[잡음]</a></sup> 있다. <span hidden>잡음</span></p>
    <table class="metadata"><tr><td>잡음</td></tr></table>
    <div class="sistersitebox">잡음</div>
    <h2>각주{EDIT}</h2><h3>잡음</h3><p>잡음</p><div class="reflist"><ol><li>↑ 잡음</li></ol></div>
    <table class="navbox"><tr><td>잡음</td></tr></table><div id="catlinks">잡음</div>"""


def test_navigation_references_and_hidden_elements_never_reach_a_passage(read):
    assert only(read(make_page(NAVIGATION)))[0].text == "두물 다리는 가람골에 있다."


PLAIN_PAGE = """<h1>두물 다리</h1><div><div>잡음</div><a>둘러보기로 가기</a><a>검색하러 가기</a>
    <div><div><table><tr><td>이 문서의 내용은 출처가 분명하지 않습니다. 잡음</td></tr></table>
    <p>두물 다리는 {1}가람골{/1}에<sup><a>[1]</a></sup> 있다.</p>
    <div><input><div><h2>목차</h2><span></span></div><ul><li><a>잡음</a></li></ul></div>
    <ul><li><span>↑ <a>가</a></span> 잡음</li></ul>
    <table><tr><th><ul><li>v</li><li>d</li><li>e</li></ul>잡음</th></tr><tr><td>잡음</td></tr></table>
    <h2>지금<span><span>[</span><a>편집</a><span>]</span></span></h2><p>지금도 {2}있다{/2}.</p>
    <h2>각주<span><span>[</span><a>편집</a><span>]</span></span></h2><ul><li>잡음</li></ul></div></div>
    <div>원본 주소 "<a>잡음</a>"</div><div>잡음</div></div><div><h2>둘러보기 메뉴</h2>잡음</div>"""


def test_page_without_attributes_is_cleaned_by_its_shape(read):
    texts = [passage.text for passage in read(make_page(PLAIN_PAGE)).passages]
    assert texts == ["두물 다리는 가람골에 있다.", "지금\n지금도 있다."]


def test_page_without_attributes_borrows_those_of_raw_html(read):
    body = "<div>{0}<p>두물 다리<span{1}>속말</span>는 {{1}}가람골{{/1}}에 있다.</p><div{2}>잡음</div></div>"
    page = make_page(body.format("", "", ""))
    assert "속말" in only(read(page))[0].text
    hidden = ' style="display:none"'
    page["raw_html"] = make_page(body.format("<script>'<div>'</script>", hidden, ' class="navbox"'))["context"]
    assert only(read(page))[0].text == "두물 다리는 가람골에 있다."


def test_raw_html_with_its_own_place_stands_in_for_a_missing_context(read):
    page = make_page("<p>두물 다리는 {1}가람골{/1}에 있다.</p>")
    page["raw_html"] = page.pop("context")
    page["qas"][0]["answer"].update(answer_start=0, text="다른 글")
    assert only(read(page))[1].answer == "가람골"


@pytest.mark.parametrize(
    "body", ['<p>글</p><div class="navbox">{1}가람골{/1}</div>', "<p>글<sup>[{1}주 3{/1}]</sup> 글</p>"]
)
def test_answer_in_navigation_or_a_reference_is_left_out_but_is_not_broken(read, body):
    corpus = read(some_page(), make_page(body), max_dropped_fraction=0)
    assert [record["reason"] for record in corpus.dropped] == [
        "the answer stands in navigation, references or something hidden, or goes on there"
    ]


@pytest.mark.parametrize(
    "whole",
    [
        "<p>" + "두물 다리는 여러 번 고쳐 지었다. " * 8 + "</p>",
        "<ul><li>봄</li><li>여름</li><li>가을</li></ul>",
        "<table><tbody><tr><th>달</th><th>비</th></tr><tr><td>유월</td><td>9</td></tr><tr><td>칠월</td><td>8</td></tr></tbody></table>",
    ],
)
def test_whole_paragraph_list_or_table_is_kept_or_left_out_as_asked(read, whole):
    page = make_page(f"<h2>이야기</h2>{{1}}{whole}{{/1}}<p>끝</p>")
    corpus = read(some_page(), page, max_dropped_fraction=0)
    assert [record["reason"][:13] for record in corpus.dropped] == ["a long answer"]
    kept = read(some_page(), page, long_answers="keep").passages[1]
    (question,) = kept.questions
    assert kept.text == f"이야기\n{question.answer}\n끝"


def test_unknown_rule_for_long_answers_is_an_error(read):
    with pytest.raises(KorqgError, match="long_answers='maybe' is not known; use one of: drop, keep"):
        read(some_page(), long_answers="maybe")


def test_answer_that_does_not_fit_is_left_out(read):
    corpus = read(some_page(), make_page("<p>" + "{1}" + "말 " * 30 + "{/1}끝</p>"), tokens=10)
    assert "the answer does not fit into max_passage_tokens" in corpus.dropped[0]["reason"]


def test_token_that_every_text_gets_counts_once_for_a_passage(tmp_path):
    path = tmp_path / "pages.json"
    path.write_text(json.dumps({"data": [make_page("<p>가 {1}나{/1}</p><p>다 라</p><p>마 바</p>")]}))
    passages = [read_korquad2(path, limit, lambda text: count(text) + 1).passages for limit in (3, 4, 5, 7)]
    assert [passage.text for (passage,) in passages] == ["가 나", "가 나", "가 나\n다 라", "가 나\n다 라\n마 바"]


def test_control_characters_do_no_harm(read):
    page = make_page("<p>가\x01람골 \x00 &#1;<sup>[1]</sup>앞 {1}나루터{/1}</p>")
    assert only(read(page))[0].text == "가람골 앞 나루터"


@pytest.mark.parametrize("sign", ["\ud800", "\ufffe", "\ufffd"])
def test_passage_with_a_lost_letter_costs_its_questions(read, sign):
    corpus = read(some_page(), make_page(f"<p>가람골 앞{sign} {{1}}나루터{{/1}}</p>"), max_dropped_fraction=0.5)
    assert [passage.title for passage in corpus.passages] == ["다리 0"]
    assert [record["reason"][:28] for record in corpus.dropped] == ["its passage has lost letters"]


@pytest.mark.parametrize("change", [{"title": ""}, {"qas": {}}, {"context": "", "raw_html": ""}])
def test_page_that_cannot_be_read_counts_with_all_of_its_questions(read, change):
    page = some_page(1)
    page["qas"] *= 5
    page.update({key: {"0": page["qas"]} if key == "qas" else value for key, value in change.items()})
    with pytest.raises(KorqgError, match="5 of 6 questions are broken"):
        read(some_page(), page)


def test_file_of_a_folder_that_cannot_be_read_is_passed_over_and_named(pack, tmp_path):
    pack({"a.json": [some_page()]})
    (tmp_path / "torn.json").write_text("{")
    (tmp_path / "rows.csv").write_text("a,b")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x.json").write_text("{")
    corpus = read_korquad2(tmp_path, 60, count)
    assert [passage.title for passage in corpus.passages] == ["다리 0"]
    assert {record["file"]: record["id"] for record in corpus.dropped} == dict.fromkeys(
        (".git", "rows.csv", "torn.json"), "whole file"
    )
    (tmp_path / "torn.json").write_text(json.dumps({"data": [some_page(1)]})[:-2])
    with pytest.raises(KorqgError, match=r"torn.json ends too early"):
        read_korquad2(tmp_path, 60, count)


def test_articles_of_korquad_1_say_which_source_they_are(read):
    with pytest.raises(KorqgError, match='source="korquad1"'):
        read({"title": "다리", "paragraphs": []})


# Bad records and bad files


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda page: page.pop("title"), "a page without a title"),
        (lambda page: page.pop("qas"), 'a page without a list under "qas"'),
        (lambda page: page.update(context="", raw_html=None), 'a page without HTML under "context" and "raw_html"'),
        (lambda page: page["qas"][0].pop("answer"), "the key 'answer' is missing"),
        (lambda page: page["qas"][0].pop("id"), "the key 'id' is missing"),
        (lambda page: page["qas"][0].update(question=" "), "an empty question"),
        (lambda page: page["qas"][0].update(question="왜 \ud800 그런가?"), "its question is broken"),
        (lambda page: page["qas"][0].update(answer=[3]), "a question or answer of the wrong shape"),
        (lambda page: page["qas"][0]["answer"].update(answer_start=-5), "the answer's place -5 is outside"),
        (lambda page: page["qas"][0]["answer"].update(answer_start=10**9), "is outside of the page's"),
        (lambda page: page["qas"][0]["answer"].update(answer_start="9"), "an answer without text or place"),
        (lambda page: page["qas"][0]["answer"].update(text=""), "an answer without text or place"),
    ],
)
def test_bad_record_costs_itself_and_is_named(pack, change, reason):
    pages = [some_page(number) for number in range(3)]
    change(pages[1])
    corpus = read_korquad2(pack({"a.json": pages}), 60, count, max_dropped_fraction=0.4)
    assert [passage.title for passage in corpus.passages] == ["다리 0", "다리 2"]
    (record,) = corpus.dropped
    assert record["file"] == "KorQuAD_2.1_test_00.zip/a.json"
    assert record["id"].startswith("data[1]")
    assert reason in record["reason"]


def test_html_that_is_nested_too_deeply_costs_its_page(read):
    corpus = read(some_page(), make_page("<div>" * 3000 + "<p>{1}가람골{/1}</p>"), max_dropped_fraction=0.5)
    assert [record["reason"] for record in corpus.dropped] == ["a page whose HTML is nested too deeply"]


def test_too_many_bad_records_stop_with_the_first_of_them(read):
    pages = [some_page(number) for number in range(10)]
    pages[4]["qas"][0]["answer"]["answer_start"] = 0
    with pytest.raises(
        KorqgError, match=r"1 of 10 questions are broken.*pages.json, data\[4\] \(다리 4\).*raise max_drop"
    ):
        read(*pages)
    assert len(read(*pages, max_dropped_fraction=0.1).passages) == 9


@pytest.mark.parametrize("chunk", [64, 1000, archives.CHUNK])
@pytest.mark.parametrize("escaped", [True, False])
def test_broken_json_costs_its_page_and_the_next_is_read(tmp_path, monkeypatch, chunk, escaped):
    monkeypatch.setattr(archives, "CHUNK", chunk)
    pages = [json.dumps(some_page(number), ensure_ascii=escaped) for number in range(8)]
    pages[2] = pages[2].replace('"url": ""', '"url": oops')
    pages[5] = pages[5].replace('"qas": [', '"qas": [[')
    pages[7] = pages[7][:-1]
    path = tmp_path / "broken.json"
    path.write_text('\ufeff{"data": [\n' + ",\n".join(pages) + '\n], "version": "2.1"}\n', encoding="utf-8")
    corpus = read_korquad2(path, 60, count, max_dropped_fraction=0.5)
    assert [passage.title for passage in corpus.passages] == [f"다리 {number}" for number in (0, 1, 3, 4, 6)]
    assert [record["id"] for record in corpus.dropped] == ["data[2]", "data[5]", "data[7]"]
    assert all(record["reason"].startswith("broken JSON") for record in corpus.dropped)


def test_missing_comma_costs_the_page_behind_it(tmp_path):
    pages = [json.dumps(some_page(number)) for number in range(4)]
    path = tmp_path / "broken.json"
    path.write_text(f'{{"data": [{pages[0]}, {pages[1]} {pages[2]}, {pages[3]}]}}')
    corpus = read_korquad2(path, 60, count, max_dropped_fraction=0.5)
    assert [passage.title for passage in corpus.passages] == ["다리 0", "다리 1", "다리 3"]
    assert "a comma or a bracket is missing" in corpus.dropped[0]["reason"]


def test_page_of_more_than_the_limit_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "CHUNK", 1000)
    monkeypatch.setattr(archives, "LARGEST_PAGE", 20_000)
    pages = [some_page(number) for number in range(3)]
    pages[1]["context"] += "가" * 100_000
    path = tmp_path / "large.json"
    path.write_text(json.dumps({"data": pages}))
    corpus = read_korquad2(path, 60, count, max_dropped_fraction=0.5)
    assert len(corpus.passages) == 2
    assert corpus.dropped[0]["reason"] == "a page of more than 20,000 characters"


@pytest.mark.parametrize("place", [0.3, 0.6, 0.99])
def test_file_that_ends_too_early_is_an_error(tmp_path, place):
    text = json.dumps({"version": "t", "data": [some_page(number) for number in range(5)]})
    path = tmp_path / "half.json"
    path.write_text(text[: int(len(text) * place)])
    with pytest.raises(KorqgError, match=r"half.json ends too early, after .*Download or unpack it again"):
        read_korquad2(path, 60, count, max_dropped_fraction=1)


@pytest.mark.parametrize("content", ["", "[]", '{"data": {}}', '{"version": 1}', "\x00\x01", '{"data" 3}', "{3: 4}"])
def test_file_of_another_schema_is_an_error_that_names_it(tmp_path, content):
    path = tmp_path / "other.json"
    path.write_text(content)
    with pytest.raises(KorqgError, match=r"other.json"):
        read_korquad2(path, 60, count)


def test_bytes_that_are_not_utf8_cost_their_record(tmp_path):
    pages = [some_page(number) for number in range(3)]
    data = json.dumps({"data": pages}, ensure_ascii=False).encode().replace("다리 1".encode(), "다리 1".encode("cp949"))
    (tmp_path / "a.json").write_bytes(data)
    corpus = read_korquad2(tmp_path / "a.json", 60, count, max_dropped_fraction=0.5)
    assert [record["reason"] for record in corpus.dropped] == ["a page without a title that can be read"]
    json.dumps(corpus.dropped, ensure_ascii=False).encode()


def test_archive_that_is_none_or_cut_off_is_an_error(tmp_path, pack):
    (tmp_path / "text.zip").write_text("<html>404</html>")
    with pytest.raises(KorqgError, match=r"text.zip is not a whole zip archive.*download it again"):
        read_korquad2(tmp_path / "text.zip", 60, count)
    whole = pack({"a.json": [some_page(number) for number in range(50)]})
    (tmp_path / "half.zip").write_bytes(whole.read_bytes()[:-200])
    with pytest.raises(KorqgError, match=r"half.zip is not a whole zip archive"):
        read_korquad2(tmp_path / "half.zip", 60, count)


def test_archive_with_a_wrong_checksum_is_an_error(pack):
    path = pack({"a.json": [some_page()]})
    data = bytearray(path.read_bytes())
    central = data.index(b"PK\x01\x02")
    struct.pack_into("<I", data, central + 16, 12345)
    path.write_bytes(data)
    with pytest.raises(KorqgError, match=r"KorQuAD_2.1_test_00.zip is not a whole zip archive \(Bad CRC"):
        read_korquad2(path, 60, count)


@pytest.mark.parametrize("name", ["../out.json", "/etc/out.json", "a/../../out.json", "..\\out.json", "C:\\out.json"])
def test_member_that_points_outside_is_an_error(pack, name):
    with pytest.raises(KorqgError, match="points outside of its folder"):
        read_korquad2(pack({name: [some_page()]}), 60, count)


def test_zip_bombs_are_errors(pack, monkeypatch):
    path = pack({"a.json": '{"data": [' + " " * 5_000_000 + "]}"})
    monkeypatch.setattr(archives, "RATIO_MATTERS_FROM", 1_000_000)
    with pytest.raises(KorqgError, match="more than 200 times its size"):
        read_korquad2(path, 60, count)
    monkeypatch.setattr(archives, "LARGEST_ARCHIVE", 4_000_000)
    with pytest.raises(KorqgError, match=r"would unpack to 5,\d+,\d+ bytes, more than 4,000,000"):
        read_korquad2(path, 60, count)
    monkeypatch.setattr(archives, "MOST_MEMBERS", 2)
    with pytest.raises(KorqgError, match="holds 3 files, more than 2"):
        read_korquad2(pack({f"{number}.json": "{}" for number in range(3)}), 60, count)


def test_encrypted_member_is_an_error_with_the_remedy(pack):
    path = pack({"a.json": [some_page()]})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(KorqgError, match=r"is encrypted. Unpack the archive yourself"):
        read_korquad2(path, 60, count)


def test_archive_without_json_and_missing_paths_say_what_to_do(pack, tmp_path):
    with pytest.raises(KorqgError, match=r"holds no .json file"):
        read_korquad2(pack({"readme.txt": "글", "__MACOSX/._a.json": "x"}), 60, count)
    with pytest.raises(KorqgError, match="does not exist: set source_path"):
        read_korquad2(tmp_path / "nowhere", 60, count)
    (tmp_path / "empty").mkdir()
    with pytest.raises(KorqgError, match=r"holds no .zip or .json file"):
        read_korquad2(tmp_path / "empty", 60, count)


def test_folder_of_archives_and_files_is_read_by_name(pack, tmp_path):
    pack({"b.json": [some_page(1)], "a.json": [some_page(0)]}, "00.zip")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "c.json").write_text(json.dumps({"data": [some_page(3), some_page(0)]}))
    pack({"a.json": [some_page(2)]}, "01.zip")
    lines = []
    corpus = read_korquad2(tmp_path, 60, count, report=lines.append)
    assert [passage.title for passage in corpus.passages] == ["다리 0", "다리 1", "다리 2", "다리 3"]
    assert [len(passage.questions) for passage in corpus.passages] == [1, 1, 1, 1]
    assert [line.split(":")[0] for line in lines] == ["00.zip", "01.zip", "c.json"]
    again = read_korquad2([tmp_path / "01.zip", str(tmp_path / "00.zip")], 60, count)
    assert [passage.title for passage in again.passages] == ["다리 2", "다리 0", "다리 1"]


# Everything together, on pages as large and as varied as the real ones


@pytest.mark.parametrize(("form", "escaped"), [("published", True), ("attributes", False), ("bare", False)])
def test_made_up_pages_give_every_answer_at_its_place(tmp_path, form, escaped):
    from korquad2_reader import NOISE, count_characters, is_right, write_archive

    archive, truth, _ = write_archive(tmp_path, 2, form, escaped, 88_000)
    corpus = read_korquad2(archive, 512, count_characters, max_dropped_fraction=0, long_answers="keep")
    right, asked = Counter(), Counter(known["kind"] for known in truth.values())
    for passage in corpus.passages:
        assert count_characters(passage.text) <= 512
        assert "편집" not in passage.text and "[" not in passage.text
        assert NOISE not in passage.text or form == "bare"  # hidden elements show without attributes
        for question in passage.questions:
            assert passage.text.startswith(question.answer, question.answer_start)
            known = truth[question.id]
            right[known["kind"]] += is_right(known, passage.text, question.answer_start, question.answer)
    assert right == asked
    assert corpus.mended == 0


def test_made_up_pages_have_no_line_in_two_passages(tmp_path):
    from korquad2_reader import CODE, count_characters, write_archive

    archive, _, _ = write_archive(tmp_path, 1, "published", False, 88_000)
    corpus = read_korquad2(archive, 512, count_characters)
    for _, passages in itertools.groupby(corpus.passages, key=lambda passage: passage.title):
        codes = Counter(code for passage in passages for code in CODE.findall(passage.text))
        assert set(codes.values()) == {1}
