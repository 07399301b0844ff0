"""Pages of PDF files: order, columns, notes, running heads, what stands raised, form fields."""

import pytest
from test_readers import make_pdf

from korqg.data.documents.chunks import read_document
from korqg.data.documents.pdf import _by_place, _Run, read_pdf

FLOWING = "마을의 물은 골짜기에서 내려와 방아를 돌리고 들로 나", "가서 벼를 기르며 끝내는 강에 이른다."
LEFT = "물은 골짜기에서 내려와 온 마을을 지나", "며 여름에는 온 마을 사람이 물가에 모", "여 더위를 잊는다."
RIGHT = "방아는 낮에 돌고 밤에는 쉬며 겨울에", "물이 얼면 봄까지 돌지 않으므로 가을", "에 미리 찧는다."


def _texts(tmp_path, *pages, data: bytes | None = None) -> list[str]:
    (tmp_path / "memo.pdf").write_bytes(data or make_pdf(list(pages)))
    return [block.text for block in read_pdf(tmp_path / "memo.pdf")]


def _lines(*lines: str, left=70, top=740, step=16, size=10) -> list[tuple]:
    return [(left, top - step * number, size, line) for number, line in enumerate(lines)]


def test_figures_drawn_after_the_line_go_where_they_stand(tmp_path):
    hangul = [(70, 740, 10, "찾은 사람은     명이며 그중    가 어린이이다")]
    figures = [(140, 740, 10, "1200"), (250, 740, 10, "30%"), (350, 740, 10, ".")]
    assert _texts(tmp_path, hangul + figures) == ["찾은 사람은 1200명이며 그중 30%가 어린이이다."]


def test_figures_of_all_lines_drawn_last_go_where_they_stand(tmp_path):
    hangul = [(70, 740, 10, "집은"), (150, 740, 10, "채이다"), (70, 724, 10, "길은"), (150, 724, 10, "갈래이다")]
    figures = [(110, 740, 10, "1931"), (110, 724, 10, "4096")]
    assert " ".join(_texts(tmp_path, hangul + figures)).replace(" ", "") == "집은1931채이다길은4096갈래이다"


def test_title_drawn_last_comes_first(tmp_path):
    assert _texts(tmp_path, [*_lines("물레방아는 1931년에 섰다."), (100, 790, 18, "물레방아")]) == [
        "물레방아", "물레방아는 1931년에 섰다.",
    ]  # fmt: skip


@pytest.mark.parametrize("names", [("가을 물길", "가을 방아", "가을 사람"), ("Ⅰ. 물길", "Ⅱ. 방아", "Ⅲ. 사람")])
def test_running_heads_that_change_by_chapter_go(tmp_path, names):
    pages = []
    for number in range(12):
        head = (70 if number % 2 else 350, 800, 8, names[number // 4])
        text = _lines(
            "마을의 물은 골짜기에서 내려와 방아를 돌리고 들로 나",
            "가서 벼를 기르며 끝내는 강에 이른다.",
            f"글 {number}이다.",
        )
        pages.append([head, *text, (290, 40, 8, f"- {number + 1} -")])
    texts = " ".join(_texts(tmp_path, *pages))
    assert not any(name in texts for name in names)
    assert texts.count("끝내는 강에 이른다.") == 12


def test_text_that_begins_alike_on_every_page_stays(tmp_path):
    homes = ((f"{number}번 집에는 사람이 산다.", f"지붕은 {number}해 전에 이었다.") for number in range(8))
    pages = [_lines(*home, top=760) for home in homes]
    assert len([text for text in _texts(tmp_path, *pages) if "산다." in text]) == 8


def test_notes_do_not_cut_the_sentence(tmp_path):
    left = _lines(*LEFT[:2], "여 더위를 잊고 아이들은 해가 질 때까", "지 물에서 놀다가 저녁이면 어른들이")
    note = [(70, 90, 7, "1) 골짜기는 마을의 북쪽에 있다."), (70, 78, 7, "옛 지도에도 나온다.")]
    right = _lines("불러서 집으로 돌아간다.", left=320)
    texts = _texts(tmp_path, left + note + right)
    assert any("어른들이 불러서 집으로" in text for text in texts)
    assert any(text.startswith("1) 골짜기는") for text in texts)


def test_raised_and_lowered_signs_stay_in_their_line(tmp_path):
    line = [(70, 740, 10, "마을은 물빛상"), (140, 744, 6, "2)"), (154, 740, 10, "을 받았다.")]
    assert _texts(tmp_path, line) == ["마을은 물빛상을 받았다."]
    line = [(70, 740, 10, "식은 CO"), (120, 737, 6, "2"), (126, 740, 10, "이고 무겁다.")]
    assert len(_texts(tmp_path, line)) == 1


def _drawn(*pieces: tuple[float, str], top=740) -> list[tuple]:
    """A line's pieces with the gap before each in points; a sign is 10 points wide."""
    found, left = [], 70
    for gap, text in pieces:
        left += gap
        found.append((left, top, 10, text))
        left += 10 * len(text)
    return found


def test_gaps_between_hangul_and_figures_are_no_blanks(tmp_path):
    # Programs leave a quarter of a sign there; the words stand 3.4 points apart.
    first = _drawn((0, "마을은"), (3.4, "가장"), (3.4, "오래된"), (3.4, "18"), (2.4, "세기의"), (3.4, "집이다"))
    other = _drawn((0, "글은"), (3.4, "《물길"), (1.9, "》이며"), (3.4, "LED"), (3.4, "등이다"), top=700)
    read = " ".join(_texts(tmp_path, first + other))
    assert read == "마을은 가장 오래된 18세기의 집이다 글은 《물길》이며 LED 등이다"


def test_line_that_is_spread_to_both_edges_is_no_row_of_a_table(tmp_path):
    line = _drawn((0, "물은"), (25, "골짜기에서"), (25, "내려와"), (25, "들을"), (25, "지난다."))
    assert _texts(tmp_path, line) == ["물은 골짜기에서 내려와 들을 지난다."]


def test_signs_that_are_reported_as_a_line_each_make_lines_again():
    # So PDFium does with a page whose lines fill more of its height than of its width, if the file has its font.
    boxes, runs = [], []
    for left, bottom, text in [(70, 740, "물은"), (94, 740, "맑다."), (300, 741, "겨울"), (70, 727, "들은")]:
        for number, sign in enumerate(text):
            run = _Run(boxes.__getitem__)
            run.signs.append((sign, len(boxes)))
            boxes.append((left + 10 * number, left + 10 * number + 10, bottom, bottom + 10))
            runs.append(run)
    assert [run.text for run in _by_place(runs, boxes.__getitem__)] == ["물은 맑다. 겨울", "들은"]


PROSE = (
    "마을의 물은 골짜기에서 내려와 방아를 돌리고 들로 나가서 벼를",
    "기르며 끝내는 강에 이른다. 강가에는 오래된 나루가 있어 배를",
    "타려는 사람이 모인다.",
)
ALONE = {
    "poem": ["강가에 앉아 물을 본다", "흘러가는 것은 물이 아니라", "앉아 있는 나의 하루이고", "물새는 저녁에 온다"],
    "address": ["우편번호 12345", "푸른도 맑은군 강변면 물빛길 27", "물빛마을 회관 2층 독서 모임", "전화 02-123-4567"],
    "labels": [
        "일시: 2026년 3월 2일 오후 두 시",
        "장소: 마을 회관 2층 큰방에서",
        "대상: 마을에 사는 어린이와 어르신",
    ],
    "titles": [
        "마을 도서관, 내년부터 밤 열 시까지 문 연다",
        "물빛천 다리 공사 다음 달에 시작해 가을 마무리",
        "어르신 무료 버스 타는 나이 예순다섯으로 낮춰",
        "빈집 열두 채 고쳐 젊은 농부에게 빌려주기로",
    ],
    "notes": ["감자 심기는 삼월 첫째 주에 끝냄", "고구마 줄기는 오월에 옮겨 심음", "배추 모종은 팔월 말에 나누어 줌"],
}


@pytest.mark.parametrize("kind", ALONE)
def test_lines_that_stand_alone_are_never_joined(tmp_path, kind):
    assert _texts(tmp_path, _lines(*ALONE[kind])) == ALONE[kind]
    among = _lines(*PROSE) + _lines(*ALONE[kind], top=660) + _lines(*PROSE, top=560)
    assert _texts(tmp_path, among) == [" ".join(PROSE), *ALONE[kind], " ".join(PROSE)]


def test_indent_begins_a_paragraph_and_an_item_has_lines_below_its_text(tmp_path):
    last = "타려는 사람이 모여들어 하루 내내 나루가 온통 시끄럽다고 한다."
    first, *rest = _lines(*PROSE[:2], last)
    lines = [(80, *first[1:]), *rest]
    again = [(left, top - 48, size, text) for left, top, size, text in lines]
    paragraph = " ".join([*PROSE[:2], last])
    assert _texts(tmp_path, lines + again) == [paragraph, paragraph]
    item = _lines(f"- {PROSE[0]}") + _lines(PROSE[1], last, left=90, top=724) + _lines(f"- {PROSE[0]}", top=692)
    assert [text[:4] for text in _texts(tmp_path, item)] == ["- 마을", "- 마을"]


def test_blanks_that_only_some_lines_end_in_say_nothing(tmp_path):
    lines = [
        "마을 사람은 해마다 봄에 모여", "물길을 치우고 도랑을 고치며 ", "그날에는 온 마을이 밥을 같이",
        "먹고 옛날 이야기를 나누면서 ", "아이들은 물가에서 종이 배를", "띄우고 어른들은 노래를 부른다.",
    ]  # fmt: skip
    text = " ".join(_texts(tmp_path, _lines(*lines)))
    assert "모여 물길을" in text and "같이 먹고" in text and "배를 띄우고" in text


def test_text_drawn_twice_for_bold_is_read_once(tmp_path):
    for shift in (0, 0.4, 1.2):
        line = [(70, 740, 10, "물빛 마을의 봄"), (70 + shift, 740 - shift / 2, 10, "물빛 마을의 봄")]
        assert _texts(tmp_path, line) == ["물빛 마을의 봄"]


def test_items_without_full_stops_stand_alone(tmp_path):
    lines = [
        "□ 찾은 사람은 지난해보다 열에 둘이 늘어 모두 오천 명임",
        "ㅇ 배편을 늘리고 밤에도 문을 열어 저녁에 오는 이가 늘었음",
        "*** 밤에는 금요일과 토요일에만 열어 두는 것으로 정하였음임",
        "⇨ 내년에는 밤에 여는 날을 하루 더 늘려 사흘로 하기로 정함",
        "▶ 안내하는 사람을 두 명 더 두고 안내소를 새로 짓기로 하였음",
        "Ⅲ. 앞으로 할 일과 그 일을 맡을 사람에 대한 계획과 차례임",
        "㉠ 새 안내소는 봄에 짓기 시작하여 가을에 문을 열 것으로 봄",
    ]
    assert _texts(tmp_path, _lines(*lines)) == lines


def test_rows_of_a_table_stand_alone_and_a_page_number_gets_its_dots(tmp_path):
    rows = [("구역", "계절", "온도"), ("난초", "여름", "27도"), ("고사리", "겨울", "22도")]
    page = [
        (70 + 100 * at, 740 - 16 * row, 10, cell) for row, cells in enumerate(rows) for at, cell in enumerate(cells)
    ]
    assert _texts(tmp_path, [*page, (70, 680, 10, "온실은 여름에 덥다.")]) == [
        "구역 | 계절 | 온도", "난초 | 여름 | 27도", "고사리 | 겨울 | 22도", "온실은 여름에 덥다.",
    ]  # fmt: skip
    page = [(70, 740, 10, "차 례")]
    for row, (name, number) in enumerate((("제1장 물길", "3"), ("제2장 방아", "9"), ("제3장 들", "14"))):
        page += [(70, 720 - 16 * row, 10, name), (400, 720 - 16 * row, 10, number)]
    (tmp_path / "memo.pdf").write_bytes(make_pdf([[*page, (70, 600, 10, "온실은 여름에 덥다.")]]))
    assert [section.paragraphs for section in read_document(tmp_path / "memo.pdf")[1]] == [("온실은 여름에 덥다.",)]


def test_narrow_gaps_below_one_another_part_the_cells_of_a_table(tmp_path):
    rows = [("구역", "여름", "겨울"), ("난초", "27도", "22도"), ("이끼", "30도", "10도")]
    page = [(70 + 38 * at, 740 - 16 * row, 10, cell) for row, cells in enumerate(rows) for at, cell in enumerate(cells)]
    assert _texts(tmp_path, [*page, (70, 680, 10, "온실은 여름에 덥다.")]) == [
        "구역 | 여름 | 겨울", "난초 | 27도 | 22도", "이끼 | 30도 | 10도", "온실은 여름에 덥다.",
    ]  # fmt: skip


def test_gaps_behind_the_signs_of_items_part_no_cells(tmp_path):
    lines = ["관람객은 한 해에 사만 명", "요금은 어른 삼천 원", "배편은 하루 여덟 번"]
    page = [
        (left, 740 - 16 * row, 10, text) for row, line in enumerate(lines) for left, text in ((70, "-"), (95, line))
    ]
    assert _texts(tmp_path, page) == [f"- {line}" for line in lines]


def test_words_that_stand_elsewhere_are_joined_over_a_line_end(tmp_path):
    lines = ["이곳에는 등명기를 두었고 여름이 오기 전에 등", "명기를 떼어 닦는다."]
    assert _texts(tmp_path, _lines(*lines)) == ["이곳에는 등명기를 두었고 여름이 오기 전에 등명기를 떼어 닦는다."]


def test_columns_drawn_line_by_line_are_read_one_after_the_other(tmp_path):
    lines = [
        *zip(LEFT[:2], RIGHT[:2], strict=True),
        ("여 더위를 잊고 아이들은 밤까지 논다.", "에 미리 찧는다고 마을 사람은 말한다."),
    ]
    page = [(60 + 260 * at, 740 - 16 * row, 10, text) for row, pair in enumerate(lines) for at, text in enumerate(pair)]
    texts = _texts(tmp_path, [*page, (60, 692, 10, "밤에는 달이 뜬다.")])
    assert [text[:6] for text in texts] == ["물은 골짜기", "방아는 낮에"]
    assert texts[0].endswith("논다. 밤에는 달이 뜬다.")


def test_table_of_long_cells_is_no_pair_of_columns(tmp_path):
    rows = [
        ("물길을 고치는 일과 도랑", "봄에 한다"),
        ("방아를 고치는 일을 배우는 모임과 잔치", "가을 첫 토요일 낮에 연다고 한다"),
    ]
    rows += [("길을 넓히는 일과 나무 심기", "겨울이 오기 앞서 끝낸다고 적혀 있다")]
    page = [(60 + 400 * at, 740 - 16 * row, 10, text) for row, pair in enumerate(rows) for at, text in enumerate(pair)]
    assert _texts(tmp_path, page)[1:] == [" | ".join(row) for row in rows][1:]


def test_columns_have_widths_of_their_own(tmp_path):
    wide = _lines("이 소식지는 마을의 물길과 방아와 사람의 이야기를 해마다 봄과 가을에 싣는다.", top=790)
    left = _lines(*LEFT, left=60)
    right = _lines(*RIGHT, left=320)
    texts = _texts(tmp_path, wide + left + right)
    assert texts[1] == "물은 골짜기에서 내려와 온 마을을 지나며 여름에는 온 마을 사람이 물가에 모여 더위를 잊는다."
    assert texts[2].startswith("방아는 낮에 돌고") and texts[2].endswith("미리 찧는다.")


def test_blanks_at_line_ends_behind_full_stops_say_nothing_of_words(tmp_path):
    lines = [
        "마을 사람은 해마다 봄에 모여", "물길을 치우고 도랑을 고친다. ", "그날에는 온 마을이 밥을 같이",
        "먹고 옛날 이야기를 나누며 쉰다. ",
        "아이들은 물가에서 종이 배를", "띄우고 어른들은 노래를 부른다. ",
    ]  # fmt: skip
    text = " ".join(_texts(tmp_path, _lines(*lines)))
    assert "모여 물길을" in text and "같이 먹고" in text and "배를 띄우고" in text


def test_contents_go_over_pages(tmp_path):
    entries = [
        f"제{number}장 {name} ········ {3 * number}"
        for number, name in enumerate(("물길", "방아", "사람", "들"), start=1)
    ]
    pages = _lines("차  례", *entries[:2]), _lines(*entries[2:]), _lines("물레방아는 1931년에 섰다.")
    (tmp_path / "memo.pdf").write_bytes(make_pdf(list(pages)))
    assert [section.paragraphs for section in read_document(tmp_path / "memo.pdf")[1]] == [
        ("물레방아는 1931년에 섰다.",)
    ]


def test_values_of_form_fields_stand_behind_their_labels(tmp_path):
    path = tmp_path / "form.pdf"
    path.write_bytes(_with_field(make_pdf([_lines("신청 기한:", "글은 길지 않다.")]), "3월 2일", (130, 735, 300, 752)))
    assert "신청 기한: 3월 2일" in [paragraph for section in read_document(path)[1] for paragraph in section.paragraphs]


def _with_field(data: bytes, value: str, box: tuple) -> bytes:
    """The PDF with a filled text field on its first page, by an update at its end."""
    import re

    sizes = [int(match) for match in re.findall(rb"/Size (\d+)", data)]
    page = int(re.search(rb"/Kids \[(\d+) 0 R", data)[1])
    body = re.search(rb"%d 0 obj\n(<< /Type /Page .*?)>>\nendobj" % page, data, re.DOTALL)[1]
    field = sizes[-1]
    text = ("\ufeff" + value).encode("utf-16-be").hex().encode()
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [%d 0 R] >> >>" % field,
        page: body + b" /Annots [%d 0 R] >>" % field,
        field: b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (term) /V <%s> /Rect [%d %d %d %d] /F 4 >>" % (text, *box),
    }
    places, out = {}, data
    for number, content in objects.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%d 1\n%010d 00000 n \n" % (number, places[number]) for number in sorted(places))
    start, before = len(out), int(re.findall(rb"startxref\n(\d+)", data)[-1])
    trailer = b"trailer\n<< /Size %d /Root 1 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n" % (field + 1, before, start)
    return out + b"xref\n" + table + trailer


def test_rows_of_a_table_know_its_head_and_stay_behind_it(tmp_path):
    rows = [("무지개떡", "쌀가루", "2시간"), ("송편", "쌀가루와 솔잎", "3시간"), ("약과", "밀가루와 꿀", "5시간")]
    cells = [
        (70 + 150 * place, 700 - 20 * number, 10, text)
        for number, row in enumerate([("이름", "재료", "시간"), *rows])
        for place, text in enumerate(row)
    ]
    (tmp_path / "memo.pdf").write_bytes(make_pdf([_lines("떡마다 걸리는 시간은 다음과 같다.") + cells]))
    text, head, *others = read_pdf(tmp_path / "memo.pdf")
    assert not text.is_row and head.is_head and not head.head
    assert [block.text for block in others] == [" | ".join(row) for row in rows]
    assert {(block.is_row, block.head, block.page) for block in others} == {(True, "이름 | 재료 | 시간", 1)}


def test_rows_that_differ_in_their_cells_are_rows_without_a_head(tmp_path):
    cells = [(70, 700, 10, "신청"), (220, 700, 10, "이름"), (370, 700, 10, "주소")]
    cells += [(70, 680, 10, "확인"), (220, 680, 10, "도장")]
    (tmp_path / "memo.pdf").write_bytes(make_pdf([_lines("다음 칸을 채운다.") + cells]))
    rows = read_pdf(tmp_path / "memo.pdf")[1:]
    assert [(row.text, row.is_row, row.head) for row in rows] == [
        ("신청 | 이름 | 주소", True, ""), ("확인 | 도장", True, ""),
    ]  # fmt: skip


def test_values_beside_empty_cells_stay_in_their_columns(tmp_path):
    rows = [
        ("이름", "구월", "시월", "섣달"),
        ("송편", "41", "", "35"),
        ("약과", "60", "75", "21"),
        ("절편", "80", "", ""),
    ]
    cells = [
        (70 + 100 * place + (20 - 10 * len(text)) / 2, 700 - 20 * number, 10, text)
        for number, row in enumerate([*rows, ("", "", "12", "15")])
        for place, text in enumerate(row)
        if text
    ]
    assert _texts(tmp_path, _lines("다음과 같다.") + cells)[1:] == [
        "이름 | 구월 | 시월 | 섣달", "이름: 송편 | 구월: 41 | 섣달: 35", "약과 | 60 | 75 | 21", "이름: 절편 | 구월: 80",
        "시월: 12 | 섣달: 15",
    ]  # fmt: skip


def test_lines_of_bars_alone_stay(tmp_path):
    assert _texts(tmp_path, _lines("물은 맑다.", "| | |", "| | |"))[1:] == ["| | |"] * 2


def test_running_heads_of_two_pages_and_of_left_pages_go(tmp_path):
    def page(number: int, head: str) -> list[tuple]:
        return [(70, 810, 8, head), *_lines(f"{number}번 집에는 사람이 산다."), (70, 40, 8, f"고장 안내 {number}")]

    assert _texts(tmp_path, page(1, "물길"), page(2, "물길")) == ["1번 집에는 사람이 산다.", "2번 집에는 사람이 산다."]
    heads = _texts(tmp_path, *(page(at, "물길" if at % 2 else "방아") for at in range(1, 5)))
    assert not {"물길", "방아"} & set(heads)
    assert "물음 1" in _texts(tmp_path, page(1, "물음 1"), page(2, "물음 2"))


def test_centred_title_of_the_text_s_own_size_stands_alone(tmp_path):
    text = ["이 규약은 마을의 물길과 방아를 함께 쓰는 사람들의", "일을 정하고 서로 돕게 하는 데에 뜻을 둔다."]
    title = [(180, 740, 10, "물길 규약")]
    assert _texts(tmp_path, title + _lines(*text, top=724))[0] == "물길 규약"
