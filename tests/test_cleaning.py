"""Text of data: what is composed, left out and refused, and the answers' places, which move with it."""

import unicodedata

import pytest

from korqg.cleaned_text import as_text, tidy, tidy_line, tidy_place, visible
from korqg.data.answer_places import likeliest_place, nearest, stated_place

FERRY = "나루터의 뱃사공은 새벽마다 강물의 높이를 기둥에 새겼다."


def _decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def test_signs_that_nobody_sees_are_left_out_and_hangul_is_composed():
    assert tidy("\ufeff나\u200b루\u00ad터\ue0b3의\u00a0배\u2060") == "나루터의 배"
    assert tidy("나\u115f루\u1160터\uffa0의\u034f 배\ufe0e다\U000e0020\U000e0101") == "나루터의 배다"
    assert tidy(_decomposed(FERRY)) == FERRY
    assert tidy("첫 줄\r\n둘째 줄\u2028셋째 줄") == "첫 줄\n둘째 줄\n셋째 줄"
    assert tidy_line("언제  어디서\n만나는가?\u3000") == "언제 어디서 만나는가?"


def test_signs_that_nobody_sees_alone_are_left_out():
    assert visible("\u200e나루터\u202c\u3164\u3000배\r\n") == "나루터\u3000배\r\n"


def test_joiner_stays_between_pictures_and_nowhere_else():
    family = "👨\u200d👩\u200d👧"
    assert tidy(f"{family} 한\u200d옥") == f"{family} 한옥"


@pytest.mark.parametrize("raw", [_decomposed(FERRY), FERRY.replace(" ", "\u200b\u00a0"), "\ufeff" + FERRY])
def test_place_moves_with_the_text(raw):
    word = _decomposed("강물") if raw.startswith(_decomposed("나")) else "강물"
    assert tidy(raw)[tidy_place(raw, raw.index(word)) :].startswith("강물의 높이")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (float("nan"), ""),
        (float("inf"), ""),
        ("NaN", ""),
        ("None", ""),
        ("N/A", ""),
        ("#REF!", ""),
        (1962, "1962"),
        (3.0, "3"),
        (2.5, "2.5"),
    ],
)
def test_value_of_a_record_becomes_text(value, text):
    assert as_text(value, "answer") == text


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (["글"], "its passage is not text but list"),
        (True, "its passage is not text but bool"),
        ("끝이 잘린 글\ud83d", r"half of a sign \(U\+D83D\)"),
        (
            "뱃사공이 \ufffd\ufffd에 새겼다.",
            r"U\+FFFD, the replacement sign, stands at character 5, behind '뱃사공이 '",
        ),
        ("????? ???? ??? 2019? ???.", "question marks, an encoding's replacement"),
        (FERRY.encode().decode("latin-1"), "wrong encoding"),
        (FERRY.encode("euc-kr").decode("latin-1"), "latin-1 for EUC-KR: it says"),
    ],
)
def test_text_that_is_broken_is_refused_with_what_is_wrong(value, said):
    with pytest.raises(ValueError, match=said):
        as_text(value, "passage")


def test_question_of_many_marks_and_western_letters_are_text():
    for text in ("정말인가??", "Café Müller의 무대는 어디인가?", "?"):
        assert as_text(text, "question") == text


PICTURES = "🌾🌾🌾 " + FERRY


@pytest.mark.parametrize(
    ("raw", "start"),
    [
        (PICTURES, len(PICTURES[: PICTURES.index("기둥")].encode("utf-16-le")) // 2),
        (FERRY, len(FERRY[: FERRY.index("기둥")].encode())),
        (FERRY, len(_decomposed(FERRY[: FERRY.index("기둥")]))),
        (FERRY, FERRY.index("기둥") - 2),
        (" \n \n" + FERRY, FERRY.index("기둥")),
    ],
    ids=["UTF-16 units", "bytes", "decomposed characters", "two characters off", "stripped text"],
)
def test_place_that_counts_something_else_is_mended(raw, start):
    assert stated_place(raw, "기둥", start) == (raw.index("기둥"), True)


def test_right_place_is_taken_as_it_is_and_a_wrong_one_is_none():
    assert stated_place(FERRY, "기둥", FERRY.index("기둥")) == (FERRY.index("기둥"), False)
    assert stated_place(FERRY, "기둥", 3) is None
    assert stated_place(FERRY, "기둥", -1) is None
    assert stated_place(FERRY, "", 0) is None


def test_place_among_several_is_that_of_the_sentence_the_question_is_about():
    text = (
        "호미는 뒤의 목록에도 나온다. 쟁기는 소가 끈다. 텃밭의 김을 맬 때에는 날이 세모난 호미를 쓴다. "
        "대장간에서는 호미를 벼린다."
    )
    place, words = likeliest_place(text, "호미", "텃밭의 김을 맬 때 쓰는 연장은 무엇인가?")
    assert (place, words) == (text.index("세모난 호미") + 4, "호미")


def test_words_are_found_over_a_line_break_and_absent_ones_nowhere():
    assert likeliest_place("흰 곰팡이는\n골마지 이다.", "곰팡이는 골마지", "무엇인가?") == (2, "곰팡이는\n골마지")
    assert likeliest_place(FERRY, "돛대", "무엇인가?") == (-1, "돛대")
    assert likeliest_place(FERRY, "", "무엇인가?") == (-1, "")


@pytest.mark.parametrize(
    ("text", "answer", "place"),
    [
        ("장승은 1987년에 섰고 물기는 18%이다.", "1", -1),
        ("장승은 1987년에 섰고 물기는 18%이다.", "8%", -1),
        ("한 모는 3,000원, 키는 2.40미터이다.", "3", -1),
        ("한 모는 3,000원, 키는 2.40미터이다.", "40미터", -1),
        ("13개 가운데 3개가 깨졌다.", "3", 8),
        ("값은 3,000원, 모두 18.", "18", 14),
    ],
)
def test_answer_is_not_placed_within_a_longer_number(text, answer, place):
    assert likeliest_place(text, answer, "몇인가?") == (place, answer)
    assert stated_place("1987년", "9", 0) is None


def test_nearest_stretch_is_the_first_of_equals():
    assert nearest("굴뚝은 무엇으로 쌓는가?", ["담은 돌로 쌓는다.", "굴뚝은 기와로 쌓는다.", "문은 나무이다."]) == 1
    assert nearest("무엇인가?", ["가", "나"]) == 0
