"""Plain text: lines that a program broke, lines that stand alone, tables, contents, encodings."""

import pytest

from korqg.data.documents.plain_text import read_text
from korqg.errors import KorqgError


def _texts(tmp_path, text: str | bytes) -> list[str]:
    (tmp_path / "memo.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    return [block.text for block in read_text(tmp_path / "memo.txt")]


def test_lines_without_empty_lines_stand_alone(tmp_path):
    text = (
        "물놀이장 안내\n\n가. 여는 때\n물놀이장은 칠월 첫 토요일에 열고 팔월 마지막 일요일에 닫는다.\n나. 요금\n"
        "○ 어른은 이천 원을 낸다.\n○ 어린이는 천 원을 낸다.\n비가 오면 쉰다.\n"
    )
    assert _texts(tmp_path, text) == [
        "물놀이장 안내", "가. 여는 때", "물놀이장은 칠월 첫 토요일에 열고 팔월 마지막 일요일에 닫는다.", "나. 요금",
        "○ 어른은 이천 원을 낸다.", "○ 어린이는 천 원을 낸다.", "비가 오면 쉰다.",
    ]  # fmt: skip


def test_lines_that_a_program_broke_are_joined(tmp_path):
    text = (
        "마을 한가운데에 서 있는 느티나무는 나이가 사백 살을 넘었고 여름이면\n"
        "온 마을 사람이 그 그늘에 모여 앉는다. 가지 하나가 1959년의 큰 바람에\n"
        "부러졌지만 나무는 다시 자랐다.\n"
        "  다음 문단은 들여 쓴 줄에서 시작하며 이 줄 또한 끝까지 차도록 길게\n"
        "이어진다.\n"
    )
    assert [text[:8] for text in _texts(tmp_path, text)] == ["마을 한가운데에", "다음 문단은 들"]


def test_long_lines_of_a_sentence_each_stand_alone(tmp_path):
    lines = [
        "물놀이장은 칠월 첫 토요일에 열고 팔월 마지막 일요일에 닫는다.",
        "어른은 이천 원을 내고 어린이와 어르신은 내지 않아도 된다.",
        "비가 많이 오거나 바람이 세게 부는 날에는 하루를 쉰다.",
    ]
    assert _texts(tmp_path, "\n".join(["물놀이장", "", *lines])) == ["물놀이장", *lines]


TREE = (
    "마을 한가운데에 서 있는 느티나무는 나이가 사백 살을 넘었고 여름이면 온 마을 사람이 그 그늘에 모여 앉는다. "
    "가지 하나가 1959년의 큰 바람에 부러졌지만 나무는 다시 자랐고, 지금은 높이가 24미터에 이르며 군에서 보호수로 "
    "지정하여 해마다 봄에 살피고 있다."
)


def _columns(text: str) -> int:
    return sum(1 if sign.isascii() else 2 for sign in text)


def _wrapped(text: str, most: int, width=_columns) -> str:
    """Broken between words, as programs for mail do."""
    lines = [""]
    for word in text.split():
        if lines[-1] and width(lines[-1]) + 1 + width(word) > most:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)


def _cut(text: str, most: int) -> str:
    """Broken at any sign, as older word processors do; the blank at a break stays at the line's end."""
    lines = [""]
    for sign in text:
        if _columns(lines[-1] + sign) > most and sign not in " .,":
            lines.append("")
        lines[-1] += sign
    return "\n".join(lines)


@pytest.mark.parametrize("most", [60, 72, 80])
def test_lines_of_any_usual_width_are_joined(tmp_path, most):
    assert _texts(tmp_path, f"{_wrapped(TREE, most)}\n\n{_wrapped(TREE, most)}\n") == [TREE, TREE]


def test_lines_that_an_editor_broke_by_counting_signs_are_joined(tmp_path):
    assert _texts(tmp_path, f"알림\n\n{_wrapped(TREE, 34, len)}\n") == ["알림", TREE]


def test_each_block_may_have_a_width_of_its_own(tmp_path):
    long = TREE + " " + TREE
    text = f"알림\n\n{long}\n\n{_wrapped(TREE, 76)}\n\n{_wrapped(TREE, 52)}\n"
    assert _texts(tmp_path, text) == ["알림", long, TREE, TREE]


def test_words_go_on_in_the_next_line_where_a_program_broke_them(tmp_path):
    assert _texts(tmp_path, f"알림\n\n{_cut(TREE, 60)}\n") == ["알림", TREE]
    stripped = "\n".join(line.rstrip() for line in _cut(TREE, 60).split("\n"))
    assert _texts(tmp_path, f"알림\n\n{stripped}\n") == ["알림", TREE]
    text = "알림\n\n신청서는 면사무소에 내거나 우편으로 보내야 하며, 신청 기\n한은 3월 2일이다.\n"
    assert _texts(tmp_path, text)[1].endswith("신청 기한은 3월 2일이다.")


def test_quoted_mail_loses_its_marks(tmp_path):
    quoted = "\n".join(f"> {line}" for line in _wrapped(TREE, 66).split("\n"))
    text = f"네, 그날 뵙겠습니다.\n{quoted}\n> > 언제 오시나요?\n"
    assert _texts(tmp_path, text) == ["네, 그날 뵙겠습니다.", TREE, "언제 오시나요?"]


def test_lines_that_a_writer_broke_by_hand_are_joined(tmp_path):
    text = (
        "제목: 독서 모임\n보낸 사람: 물빛마을 도서관\n\n안녕하세요, 물빛마을 도서관입니다.\n"
        "이번 달 독서 모임은 넷째 주 토요일에\n열리며, 참가하실 분은 20일까지 전화로 신청해 주시기\n바랍니다.\n"
    )
    assert _texts(tmp_path, text)[2:] == [
        "안녕하세요, 물빛마을 도서관입니다.",
        "이번 달 독서 모임은 넷째 주 토요일에 열리며, 참가하실 분은 20일까지 전화로 신청해 주시기 바랍니다.",
    ]


ALONE = {
    "poem": "강가에 앉아 물을 본다\n흘러가는 것은 물이 아니라\n앉아 있는 나의 하루\n해가 지면 물새가 돌아오고\n"
    "갈대는 제 그림자를 눕히는데\n나는 아직 돌아갈 곳을 모른다.",
    "address": "우편번호 12345\n푸른도 맑은군 강변면 물빛길 27\n물빛마을 회관 2층 독서 모임\n전화 02-123-4567",
    "labels": "일시: 2026년 3월 2일 오후 두 시\n장소: 물빛마을 회관 2층 큰방에서\n대상: 마을에 사는 어린이와 어르신\n"
    "준비물: 물통과 모자와 편한 신발",
    "titles": "마을 도서관, 내년부터 밤 열 시까지 문 연다\n물빛천 다리 공사 다음 달에 시작해 가을에 마무리\n"
    "어르신 무료 버스 타는 나이 예순다섯으로 낮춰\n빈집 열두 채 고쳐 젊은 농부에게 빌려주기로",
    "notes": "감자 심기는 삼월 첫째 주에 끝냄\n고구마 줄기는 오월에 옮겨 심음\n배추 모종은 팔월 말에 나누어 줌",
    "heading": "2026년 물빛마을 도서관 여름 독서 모임 안내\n모임은 칠월 첫 토요일에 연다.",
}


@pytest.mark.parametrize("kind", ALONE)
def test_lines_that_stand_alone_are_never_joined(tmp_path, kind):
    lines = ALONE[kind].split("\n")
    assert _texts(tmp_path, f"알림\n\n{ALONE[kind]}\n") == ["알림", *lines]
    broken = _wrapped(TREE, 72)
    assert _texts(tmp_path, f"알림\n\n{broken}\n\n{ALONE[kind]}\n\n{broken}\n") == ["알림", TREE, *lines, TREE]


def test_small_figures_of_notes_go_and_those_of_units_stay(tmp_path):
    assert _texts(tmp_path, "마을은 물빛상¹을 받았다.² 넓이는 640m²이다.") == [
        "마을은 물빛상을 받았다. 넓이는 640m²이다."
    ]


def test_lines_with_tabs_are_a_table(tmp_path):
    text = "품목\t단위\t값\n감자\t상자\t삼만 원\n양파\t망\t이만 원\n\n값은 바뀔 수 있다.\n"
    assert _texts(tmp_path, text) == [
        "품목 | 단위 | 값",
        "감자 | 상자 | 삼만 원",
        "양파 | 망 | 이만 원",
        "값은 바뀔 수 있다.",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "民法의 첫 編은 總則이다. 私權의 公共福利 適合을 말하며 信義誠實의 原則을 세운다. 權利는 濫用하지 못한다.",
        "① 신청서를 낸다. ② 도장을 찍는다. ③ 돈을 낸다. ㉠ 통장을 쓴다. ㉡ 카드는 쓰지 못한다.",
        "①②③④⑤⑥⑦⑧⑨⑩ 차례로 간다.",
    ],
)
def test_cp949_with_hanja_or_circled_numbers_is_korean(tmp_path, text):
    assert " ".join(_texts(tmp_path, text.encode("cp949"))) == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("他们在山上种了很多树，每年春天都会开花。这里的人喜欢喝茶，也喜欢唱歌。", "gbk"),
        ("山の上に木がたくさんあります。毎年春になると花が咲き、人が集まります。", "euc_jp"),
        ("山上種了很多樹，每年春天都會開花，這裡的人喜歡喝茶。", "big5"),
    ],
)
def test_chinese_and_japanese_are_still_refused(tmp_path, text, encoding):
    with pytest.raises(KorqgError, match=r"memo.txt is neither UTF-8 nor CP949 text"):
        _texts(tmp_path, text.encode(encoding) * 10)


def test_picture_with_a_texts_ending_is_called_a_picture(tmp_path):
    for begin, kind in ((b"\x89PNG\r\n\x1a\n", "a PNG picture"), (b"PK\x03\x04", "an archive or an office document")):
        with pytest.raises(KorqgError, match=f"memo.txt is {kind}, not text: give it the ending of what it is"):
            _texts(tmp_path, begin + bytes(range(256)))


@pytest.mark.parametrize("line", ["=====", "-----", "* * *", "┌───┐", "│     │", "ㅡㅡㅡㅡ", "\u3000☆☆☆☆"])
def test_lines_of_signs_alone_go(tmp_path, line):
    text = f"{line}\n민박 안내\n{line}\n방은 셋이다.\n{line}\n"
    assert _texts(tmp_path, text) == ["민박 안내", "방은 셋이다."]
    assert read_text(tmp_path / "memo.txt")[0].level == 1


def test_row_of_a_drawn_table_is_no_title(tmp_path):
    text = "┌────┬────┐\n│ 구분 │ 요금 │\n├────┼────┤\n│ 어른 │ 천 원 │\n└────┴────┘\n"
    assert _texts(tmp_path, text) == ["구분 │ 요금", "어른 │ 천 원"]
    assert not any(block.level for block in read_text(tmp_path / "memo.txt"))


@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
def test_byte_that_is_no_text_is_refused_with_its_place(tmp_path, encoding):
    data = "방앗간은 고추를 빻는다.\n값은 한 근에 ".encode(encoding) + b"\xff" + "이천 원이다.".encode(encoding)
    with pytest.raises(KorqgError, match=r"in line 2, behind '.*한 근에 ': mend that place"):
        _texts(tmp_path, data)
