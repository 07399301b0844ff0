"""Hangul's binary documents: the same blocks as from .hwpx, and what is refused."""

import random
import struct
import time

import pytest
from made_files import (
    control_sign,
    hangul,
    hangul_table,
    hwp_control,
    hwp_paragraph,
    hwp_settings,
    hwp_table,
    record,
    t,
    text_with_length,
    write_hwp,
    write_hwpx,
)

from korqg.data.documents import hwp
from korqg.data.documents.chunks import chunk_documents, read_document
from korqg.errors import KorqgError

HEADER = (
    '<hh:charPr id="0"/><hh:charPr id="1"><hh:strikeout shape="SOLID"/></hh:charPr>'
    '<hh:numbering id="1"><hh:paraHead level="1" start="1" numFormat="DIGIT">제^1조</hh:paraHead></hh:numbering>'
    '<hh:paraPr id="0"><hh:heading type="NONE"/></hh:paraPr>'
    '<hh:paraPr id="1"><hh:heading type="NUMBER" idRef="1" level="0"/></hh:paraPr>'
    '<hh:style id="0" name="바탕글"/><hh:style id="1" name="개요 1"/>'
)


def _texts(path) -> list[tuple]:
    return [(" > ".join(section.path), section.paragraphs) for section in read_document(path)[1]]


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le")


def test_hwp_gives_the_chunks_of_the_same_hwpx(tmp_path):
    rows = [["구역", "계절", "온도"], ["난초", "여름", "27도"], [None, "겨울", "22도"]]
    signs = _utf16("표를 보면 알 수 있다.") + control_sign(11, "tbl ")
    table = hwp_table(rows, 1, spans={(1, 0): (2, 1)}, caption="온실의 온도")
    old = write_hwp(
        tmp_path / "온실.hwp",
        hwp_paragraph("온실 안내", style=1)
        + hwp_paragraph("목적", shape=1)
        + hwp_paragraph("온실은 2009년에 지어졌고 넓이는 640제곱미터이다.")
        + hwp_paragraph("요금", shape=1)
        + hwp_paragraph("어른은 이천 원삼천 원을 낸다.", shapes=((0, 0), (4, 1), (8, 0)))
        + hwp_paragraph(signs, controls=table),
    )
    cells = [[hangul(t(cell)) for cell in row if cell] for row in rows]
    caption = f"<hp:caption><hp:subList>{hangul(t('온실의 온도'))}</hp:subList></hp:caption>"
    table = hangul_table(*cells, spans={(1, 0): (2, 1)}).replace("<hp:tbl>", f"<hp:tbl>{caption}")
    struck = '<hp:run charPrIDRef="1"><hp:t>이천 원</hp:t></hp:run>'
    new = write_hwpx(
        tmp_path / "온실.hwpx",
        hangul(t("온실 안내"), style="1")
        + hangul(t("목적"), shape="1")
        + hangul(t("온실은 2009년에 지어졌고 넓이는 640제곱미터이다."))
        + hangul(t("요금"), shape="1")
        + hangul(t("어른은 "), t("삼천 원을 낸다.")).replace("</hp:run>", f"</hp:run>{struck}", 1)
        + hangul(t("표를 보면 알 수 있다.") + table),
        HEADER,
    )
    assert _texts(old) == _texts(new)
    assert _texts(old)[0] == (
        "온실 안내",
        (
            "제1조 목적",
            "온실은 2009년에 지어졌고 넓이는 640제곱미터이다.",
            "제2조 요금",
            "어른은 삼천 원을 낸다.",
            "표를 보면 알 수 있다.",
            "온실의 온도",
            "구역 | 계절 | 온도",
            "난초 | 여름 | 27도",
            "난초 | 겨울 | 22도",
        ),
    )
    found = [chunk_documents(path, 40, lambda text: len(text) // 2, 0).chunks for path in (old, new)]
    assert [chunk.text for chunk in found[0]] == [chunk.text for chunk in found[1]]


def test_hwp_leaves_out_headers_and_notes_and_keeps_what_stands_in_the_line(tmp_path):
    def note(name):
        return hwp_control(name, 1, b"\0" * 8) + record(72, 2, b"\0" * 16) + hwp_paragraph("빠지는 글이다.", 2)

    script = record(88, 2, struct.pack("<I", 0) + text_with_length("pi r ^{2}"))
    reading = text_with_length("등명기") + text_with_length("燈明機")
    signs = (
        control_sign(16, "head") + _utf16("원의 넓이는 ") + control_sign(11, "eqed") + _utf16(" 이고 ")
        + control_sign(23, "tdut") + _utf16("의 둘레는") + control_sign(17, "fn  ") + control_sign(9)
        + _utf16("길다.") + struct.pack("<H", 10) + _utf16("다음 줄이다.")
    )  # fmt: skip
    controls = (
        note("head") + hwp_control("eqed", 1) + script + hwp_control("tdut", 1, reading) + note("fn  ")
    )  # fmt: skip
    path = write_hwp(tmp_path / "memo.hwp", hwp_paragraph(signs, controls=controls))
    assert _texts(path) == [("", ("원의 넓이는 pi r ^{2} 이고 등명기의 둘레는 길다.", "다음 줄이다."))]


def test_hwp_empty_field_loses_its_guide_and_a_filled_one_stays(tmp_path):
    def field(text):
        return control_sign(3, "%clk") + _utf16(text) + control_sign(4)

    guide = "이곳을 눌러 목적을 쓰세요."
    command = hwp_control("%clk", 1, b"\0" * 5 + text_with_length(f"Clickhere:set:40:Direction:wstring:16:{guide} "))
    signs = _utf16("목적: ") + field(guide) + _utf16("기간: ") + field("2026년 3월까지")
    path = write_hwp(tmp_path / "memo.hwp", hwp_paragraph(signs, controls=command * 2))
    assert _texts(path) == [("", ("목적: 기간: 2026년 3월까지",))]


def test_hwp_text_box_is_read(tmp_path):
    box = (
        hwp_control("gso ", 1, b"\0" * 42) + record(76, 2, b"\0" * 8) + record(72, 3, b"\0" * 16)
        + hwp_paragraph("상자 안의 글이다.", 3)
    )  # fmt: skip
    path = write_hwp(tmp_path / "memo.hwp", hwp_paragraph(_utf16("앞글이다.") + control_sign(11, "gso "), controls=box))
    assert _texts(path) == [("", ("앞글이다.", "상자 안의 글이다."))]


def test_distribution_hwp_is_read_and_fast(tmp_path):
    pytest.importorskip("cryptography", reason="comes with requirements.txt: pip install -r requirements.txt")
    seeds = random.Random(1)
    long = "".join(chr(seeds.randrange(0xAC00, 0xD7A3)) for _ in range(200_000))  # does not pack well
    path = write_hwp(tmp_path / "memo.hwp", hwp_paragraph("배포용 글이다.") + hwp_paragraph(long), flags=5)
    start = time.process_time()
    assert _texts(path) == [("", ("배포용 글이다.", long))]
    assert time.process_time() - start < 10  # without cryptography it is a minute


def test_hwp_style_of_the_name_of_text_is_no_table_of_contents(tmp_path):
    styles = b"".join(
        record(26, 0, text_with_length(name) + text_with_length(english) + b"\0" * 8)
        for name, english in (("바탕글", "Normal"), ("내용", "Contents"), ("차례 1", "TOC 1"))
    )
    section = hwp_paragraph("글이다.", style=1) + hwp_paragraph("제1절 3", style=2)
    path = write_hwp(tmp_path / "memo.hwp", section, settings=styles)
    assert _texts(path) == [("", ("글이다.",))]


def test_items_in_outline_styles_are_text_under_the_heading_above_them(tmp_path):
    styles = b"".join(
        record(26, 0, text_with_length(name) + text_with_length("") + b"\0" * 8)
        for name in ("바탕글", "개요 1", "개요 2", "개요 3")
    )
    lines = (
        ("온실 안내", 1),
        ("요금", 2),
        ("어른은 삼천 원", 3),
        ("단체는 절반", 3),
        ("군민은 이천 원", 3),
        ("신분증이 있을 때만", 0),
    )
    lines += (("어린이는 무료", 3), ("문의", 1))
    section = b"".join(hwp_paragraph(text, style=style) for text, style in lines)
    path = write_hwp(tmp_path / "memo.hwp", section, settings=styles)
    assert _texts(path) == [
        ("온실 안내", ()),
        ("온실 안내 > 요금", ("어른은 삼천 원", "단체는 절반")),
        ("온실 안내 > 요금 > 군민은 이천 원", ("신분증이 있을 때만",)),
        ("온실 안내 > 요금", ("어린이는 무료",)),
        ("", ("문의",)),
    ]


def test_levels_below_the_seventh_have_no_number_of_the_seventh(tmp_path):
    lists = b"".join(struct.pack("<IHHI", 0, 0, 0, 0) + text_with_length(f"^{level}.") for level in range(1, 8))
    shape = struct.pack("<I", 2 << 23 | 6 << 25) + b"\0" * 26 + struct.pack("<H", 1) + b"\0" * 22
    settings = record(23, 0, lists + struct.pack("<H", 0) + struct.pack("<I", 1) * 7) + b"".join(
        record(25, 0, shape + struct.pack("<I", level)) for level in (6, 8)
    )
    section = hwp_paragraph("일곱째 단계이다.", shape=0) + hwp_paragraph("아홉째 단계이다.", shape=1)
    path = write_hwp(tmp_path / "memo.hwp", section, settings=settings)
    assert _texts(path) == [("", ("1. 일곱째 단계이다.", "아홉째 단계이다."))]


def test_line_through_the_text_of_older_files_strikes_it(tmp_path):
    shapes = b"".join(
        record(21, 0, b"\0" * 46 + struct.pack("<I", marks) + b"\0" * 22) for marks in (0, 1 << 2, 2 << 2)
    )
    section = hwp_paragraph("어른은 이천 원삼천 원을 낸다.", shapes=((0, 1), (4, 2), (8, 0)))
    path = write_hwp(tmp_path / "memo.hwp", section, settings=shapes)
    assert _texts(path) == [("", ("어른은 삼천 원을 낸다.",))]


def test_caption_stands_before_its_box_in_both_formats(tmp_path):
    box = (
        hwp_control("gso ", 1, b"\0" * 42) + record(72, 2, b"\0" * 16) + hwp_paragraph("그림의 이름", 2)
        + record(76, 2, b"\0" * 8) + record(72, 3, b"\0" * 16) + hwp_paragraph("상자 안의 글이다.", 3)
    )  # fmt: skip
    old = write_hwp(tmp_path / "old.hwp", hwp_paragraph(_utf16("앞글이다.") + control_sign(11, "gso "), controls=box))
    inside = f"<hp:drawText><hp:subList>{hangul(t('상자 안의 글이다.'))}</hp:subList></hp:drawText>"
    caption = f"<hp:caption><hp:subList>{hangul(t('그림의 이름'))}</hp:subList></hp:caption>"
    new = write_hwpx(tmp_path / "new.hwpx", hangul(t("앞글이다.") + f"<hp:rect>{inside}{caption}</hp:rect>"))
    assert _texts(old) == _texts(new) == [("", ("앞글이다.", "그림의 이름", "상자 안의 글이다."))]


def test_hwp_whose_text_is_all_struck_is_read_all_the_same(tmp_path):
    path = write_hwp(tmp_path / "memo.hwp", hwp_paragraph("모두 그어진 글이다.", shapes=((0, 1),)))
    assert _texts(path) == [("", ("모두 그어진 글이다.",))]


def test_hwpx_under_the_name_of_a_hwp_is_read(tmp_path):
    path = write_hwpx(tmp_path / "memo.hwp", hangul(t("글이다.")))
    assert _texts(path) == [("", ("글이다.",))]


@pytest.mark.parametrize("flag", [0x2, 0x10, 0x100])
def test_protected_hwp_asks_for_a_copy_without_password(tmp_path, flag):
    path = write_hwp(tmp_path / "memo.hwp", hwp_paragraph("글이다."), flags=1 | flag)
    with pytest.raises(KorqgError, match=r"memo.hwp is protected by a password: open it and save it without one"):
        read_document(path)


def test_damaged_old_and_foreign_hwp_are_named(tmp_path):
    path = tmp_path / "memo.hwp"
    path.write_bytes(b"HWP Document File V3.00 \x1a" + b"\0" * 200)
    with pytest.raises(KorqgError, match=r"memo.hwp is of Hangul 97 or older: open it and save it as .hwpx"):
        read_document(path)
    whole = write_hwp(path, hwp_paragraph("글이다. " * 3000)).read_bytes()
    for share in (0.05, 0.4, 0.9):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(KorqgError, match=r"memo.hwp is damaged, incomplete or no .hwp file"):
            read_document(path)
    path.write_text("글이다.", encoding="utf-8")
    with pytest.raises(KorqgError, match=r"memo.hwp is damaged, incomplete or no .hwp file"):
        read_document(path)


def test_hwp_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(hwp, "LARGEST_XML_BYTES", 100_000)
    path = write_hwp(tmp_path / "memo.hwp", hwp_paragraph("가" * 200_000), settings=hwp_settings())
    with pytest.raises(KorqgError, match=r"memo.hwp: its text unpacks to more than .* allowed"):
        read_document(path)
