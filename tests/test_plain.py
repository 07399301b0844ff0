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
