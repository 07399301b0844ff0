"""Contents that were made by hand go; rows go with their heads; a heading goes with its text."""

import pytest
from made_files import hangul, hangul_table, t, word, word_table, write_docx, write_hwpx

from korqg.data.documents.chunks import chunk_documents, read_document
from korqg.data.documents.contents import without_contents
from korqg.data.documents.table_text import Cell, table_blocks
from korqg.data.text_blocks import Block
from korqg.question import why_nothing_to_ask

BODY = "물레방아는 1931년에 섰다."


def _count(text: str) -> int:
    return len(text) // 2


def _paragraphs(path) -> list[str]:
    return [paragraph for section in read_document(path)[1] for paragraph in section.paragraphs]


def _rows(*rows: list[str]) -> list[Block]:
    return list(table_blocks([[Cell((Block(cell),) if cell else ()) for cell in row] for row in rows]))


@pytest.mark.parametrize(
    "lines",
    [
        ["차 례", "1. 물길 ..... 1", "2. 방아 ..... 7", "3. 사람 ..... 12"],
        ["<목차>", "Ⅰ. 물길 3", "Ⅱ. 방아 9", "Ⅲ. 사람 14"],
        ["제1장 물길 ······ 1", "제2장 방아 ······ 7", "제3장 사람 ······ 12"],
        ["그림 차례", "[그림 1] 물길의 단면 ····· 4", "[그림 2] 방아의 얼개 ····· 8", "[그림 3] 옛 사진 ····· 9"],
        ["표 목차", "<표 1> 해마다 찧은 쌀 ‥‥‥‥ 4", "<표 2> 쌀의 값 ‥‥‥‥ 8", "<표 3> 사람 수 ‥‥‥‥ 9"],
        ["찾아보기", "물길 3, 15", "방아 7, 9-12", "공이 11", "확 4"],
        [
            "목 차",
            "제1장 물길 · · · · · 1",
            "제1절 샘과 도랑이 만나는 곳에서",
            "물을 끌어 오는 법 · · · · · 2",
            "제2장 방아 · · · · 7",
        ],
    ],
)
def test_contents_go_with_their_title(lines):
    blocks = [Block("방앗간 이야기"), *map(Block, lines), Block(BODY)]
    assert [block.text for block in without_contents(blocks)] == ["방앗간 이야기", BODY]


@pytest.mark.parametrize(
    "lines",
    [
        ["순서대로 한다. 먼저 3", "쌀은 30", "물은 20"],
        ["난초 22", "선인장 27", "고사리 25"],
        ["방문객 4만 명", "배편 4", "안내 6"],
        ["목차를 먼저 본다.", "찾는 글은 12", "쪽에 있다."],
    ],
)
def test_lines_that_only_end_in_numbers_stay(lines):
    blocks = [*map(Block, lines), Block(BODY)]
    assert [block.text for block in without_contents(blocks)] == [*lines, BODY]


def test_contents_without_numbers_are_known_by_what_returns():
    lines = ["목차", "물길", "방아", "사람", "물길", BODY, "방아", BODY, "사람", BODY]
    assert [block.text for block in without_contents(list(map(Block, lines)))] == lines[4:]


def test_contents_of_office_documents_go(tmp_path):
    names = (("물길", 1), ("방아", 7), ("사람", 12))
    body = "".join(f"<w:p><w:r><w:t>{name}</w:t><w:tab/><w:t>{page}</w:t></w:r></w:p>" for name, page in names)
    path = write_docx(tmp_path / "a.docx", word("차례") + body + word(BODY))
    assert _paragraphs(path) == [BODY]


def test_rows_know_their_head_where_they_stand_alone():
    head, row, gap = _rows(["구역", "계절", "온도"], ["난초", "여름", "27도"], ["고사리", "", "25도"])
    assert (head.text, head.is_head) == ("구역 | 계절 | 온도", True)
    assert (row.text, row.alone) == ("난초 | 여름 | 27도", "구역: 난초 | 계절: 여름 | 온도: 27도")
    assert gap.text == "구역: 고사리 | 온도: 25도"


def test_head_of_two_lines_names_each_column():
    head, row, gap = _rows(
        ["방아", "봄", "", "가을", ""],
        ["", "쌀", "콩", "쌀", "콩"],
        ["윗방아", "2섬", "", "3섬", "1섬"],
        ["아랫방아", "", "4섬", "", "5섬"],
    )
    assert (head.text, head.is_head) == ("방아 | 봄 쌀 | 봄 콩 | 가을 쌀 | 가을 콩", True)
    assert row.text == "방아: 윗방아 | 봄 쌀: 2섬 | 가을 쌀: 3섬 | 가을 콩: 1섬"
    assert gap.text == "방아: 아랫방아 | 봄 콩: 4섬 | 가을 콩: 5섬"


def test_form_has_no_head_and_empty_cells_leave_no_bars():
    form = _rows(["성명", "김하늘", "소속", "안내소"], ["주소", "언덕길 1", "전화", ""])
    assert [block.text for block in form] == ["성명 | 김하늘 | 소속 | 안내소", "주소 | 언덕길 1 | 전화"]
    assert not any(block.head for block in form)


def test_chunk_that_begins_inside_a_table_names_the_columns(tmp_path):
    rows = [["구역", "계절", "온도"], *([f"{number}구역", "여름", f"{number}도"] for number in range(10, 40))]
    cells = [[word(cell) for cell in row] for row in rows]
    path = write_docx(tmp_path / "a.docx", word("온실의 온도는 다음 표와 같다.") + word_table(*cells))
    chunks = chunk_documents(path, 60, _count, 0).chunks
    assert len(chunks) > 3
    for chunk in chunks:
        assert "구역 | 계절 | 온도" in chunk.text or "구역: " in chunk.text
        assert not chunk.text.endswith("계절 | 온도")
    whole = "".join(chunk.text for chunk in chunks)
    assert all(whole.count(f"{number}구역") == 1 for number in range(10, 40))


def test_heading_in_a_box_keeps_its_number_and_goes_with_its_text(tmp_path):
    assert [block.text for block in _rows(["Ⅱ", "", "추진 배경"])] == ["Ⅱ 추진 배경"]
    text = "방앗간은 아침 여섯 시에 열고 저녁 여덟 시에 닫으며 설에는 쉰다."
    box = hangul(hangul_table([hangul(t("2")), hangul(t("추진 배경"))]))
    path = write_hwpx(tmp_path / "a.hwpx", "".join((hangul(t(text)), box)) * 5 + hangul(t(text)))
    for size in (25, 30, 40, 50, 70):
        assert not any(chunk.text.endswith("배경") for chunk in chunk_documents(path, size, _count, 0).chunks)


def test_contents_in_a_table_go(tmp_path):
    rows = [
        [hangul(t(name)), hangul(t(page))] for name, page in (("제목", "쪽"), ("물길", "1"), ("방아", "7"), ("들", "9"))
    ]
    path = write_hwpx(tmp_path / "a.hwpx", hangul(t("목 차")) + hangul(hangul_table(*rows)) + hangul(t(BODY)))
    assert _paragraphs(path) == [BODY]


def test_layout_boxes_give_their_paragraphs(tmp_path):
    lines = ("□ 물길은 마을 위에서 온다.", "ㅇ 길이는 2킬로미터임", "- 샘은 셋임")
    boxed = hangul_table([hangul(t("추진 내용")), "".join(hangul(t(line)) for line in lines)])
    assert _paragraphs(write_hwpx(tmp_path / "a.hwpx", hangul(boxed))) == ["추진 내용", *lines]
    inner = word_table([word("쌀"), word("삼천 원")], [word("보리"), word("이천 원")])
    outer = word_table([word("값")], [word("값은 다음과 같다.") + inner])
    assert _paragraphs(write_docx(tmp_path / "a.docx", outer)) == [
        "값", "값은 다음과 같다.", "쌀 | 삼천 원", "보리 | 이천 원",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "heading",
    [
        "제3조(요금)",
        "2. 요금",
        "제2장 요금과 할인",
        "[별표 1]",
        "요금 안내",
        "Ⅱ. 요금",
        "준비물:",
        "가. 요금",
        "<참고>",
    ],
)
def test_heading_never_ends_a_chunk(tmp_path, heading):
    text = "방앗간은 아침 여섯 시에 열고 저녁 여덟 시에 닫으며 설에는 쉰다."
    (tmp_path / "a.txt").write_text(
        "\n\n".join(["방앗간 안내", *[text, heading, "어른은 이천 원을 내고 어린이는 내지 않는다."] * 6]),
        encoding="utf-8",
    )
    for size in (45, 50, 55, 60, 70, 90):
        chunks = chunk_documents(tmp_path, size, _count, 0).chunks
        assert not any(chunk.text.endswith(heading) for chunk in chunks)
        assert "".join(chunk.text for chunk in chunks).count(heading) == 6
        assert all(_count(chunk.text) <= size for chunk in chunks)


@pytest.mark.parametrize(
    "text",
    ["□ 방문객은 지난해 4만 명으로 18% 증가", "신청 기한: 3월 2일", "방문객 18% 증가", "ㅇ 공사비는 24억 원으로 확정"],
)
def test_facts_in_noun_endings_are_worth_asking_about(text):
    assert why_nothing_to_ask(text) == ""
