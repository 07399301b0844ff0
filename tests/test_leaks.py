"""Near copies of paragraphs: what is found, what is left apart, and which articles are joined by it."""

import random
import unicodedata

import pytest

from korqg.data.corpus import Passage, Question, make_passage_id, normalized, read_korquad
from korqg.data.near_copies import LARGEST_GROUP, MOST_HOLDERS, SHORTEST, containment, join_articles, near_duplicates

pytestmark = pytest.mark.files

LIGHTHOUSE = (
    "섬의 북쪽 끝에는 돌로 쌓은 등대가 서 있다. 이 등대는 백 년 전에 어부들이 힘을 모아 세웠고, "
    "처음에는 고래기름으로 불을 밝혔다. 전기가 들어온 뒤에도 등대지기는 삼십 년 동안 밤마다 계단 이백 개를 "
    "걸어 올라갔다. 지금은 아무도 살지 않지만, 여름이면 등대의 창에서 바다를 보려는 사람들이 배를 타고 온다."
)
MARKET = (
    "읍내의 장은 닷새마다 열린다. 새벽에 가장 먼저 자리를 잡는 사람은 두부를 파는 할머니이고, 그 옆에는 "
    "낫과 호미를 벼리는 대장간이 있다. 점심때가 되면 국밥집 앞에 줄이 길게 늘어서며, 해가 기울면 상인들은 "
    "남은 나물을 헐값에 넘기고 짐을 싼다."
)
VILLAGES = [
    "은빛마을은 강의 동쪽 언덕에 자리한 마을이다. 주민은 모두 삼백이십 명이며, 대부분 사과를 길러 살아간다. "
    "마을 어귀에는 오래된 느티나무가 한 그루 있고, 해마다 가을에는 사과 잔치가 열린다.",
    "솔내마을은 바다에 가까운 들판에 자리한 마을이다. 주민은 모두 오백 명이 넘으며, 절반은 굴을 길러 살아간다. "
    "마을 한가운데에는 새로 지은 도서관이 하나 있고, 이 년마다 봄에는 뱃놀이 대회가 열린다.",
]


def _passage(title: str, text: str) -> Passage:
    return Passage(make_passage_id(text), title, text, (Question(f"{title}-1", "무엇인가?", text[0], 0),))


def _edited(text: str, every: int) -> str:
    """The text with each `every`-th character another one."""
    return "".join("꽃" if place % every == 0 else letter for place, letter in enumerate(text, start=1))


@pytest.mark.parametrize(
    "copy",
    [
        LIGHTHOUSE.replace(" ", "  ").replace(".", "!"),
        LIGHTHOUSE.replace("백 년", "100년").replace("삼십", "서른"),
        LIGHTHOUSE + " 등대 곁의 우물은 오래전에 말랐다고 한다.",
        LIGHTHOUSE[LIGHTHOUSE.index("전기가") :],
        MARKET + " " + LIGHTHOUSE,
        _edited(LIGHTHOUSE, 25),
    ],
    ids=["other signs", "edited words", "a sentence more", "the second half", "inside a longer one", "a letter in 25"],
)
def test_near_copy_is_found_from_both_sides(copy):
    others = [*VILLAGES, "가나다라" * 30]
    assert near_duplicates([LIGHTHOUSE, *others, copy]) == [(0, 4)]
    assert near_duplicates([copy, *others, LIGHTHOUSE]) == [(0, 4)]


def test_different_paragraphs_of_like_wording_are_left_apart():
    assert near_duplicates([*VILLAGES, LIGHTHOUSE, MARKET]) == []
    assert 0 < containment(*VILLAGES) < 0.3
    assert near_duplicates([LIGHTHOUSE, _edited(LIGHTHOUSE, 5)]) == []


def test_short_texts_are_copies_only_when_equal():
    text = LIGHTHOUSE[:75]
    assert SHORTEST - 10 < len(normalized(text)) < SHORTEST - 1
    assert near_duplicates([text, text + "!", text + " 또", MARKET]) == [(0, 1)]


def test_nothing_and_one_text_have_no_copies():
    assert near_duplicates([]) == near_duplicates([LIGHTHOUSE]) == near_duplicates(["", "가", LIGHTHOUSE]) == []


def test_family_of_copies_is_connected_by_as_few_pairs_as_can_be():
    copies = [_edited(LIGHTHOUSE, every) for every in range(40, 60)]
    pairs = near_duplicates([MARKET, *copies, *VILLAGES])
    assert len(pairs) == len(copies) - 1
    assert {index for pair in pairs for index in pair} == set(range(1, len(copies) + 1))


def test_every_pair_that_counting_by_hand_finds_is_connected():
    random_letters = random.Random(7)
    words = ["".join(random_letters.choices("가나다라마바사아자차카타파하", k=3)) for _ in range(400)]
    texts = [" ".join(random_letters.choices(words, k=40)) for _ in range(150)]
    for place in range(0, 60, 2):  # copies, from nearly all of the text to a small part of it
        cut = 2 + place // 2
        texts[place + 1] = " ".join(texts[place].split()[:cut] + texts[place + 1].split()[cut:])
    near = {(a, b) for a in range(150) for b in range(a + 1, 150) if containment(texts[a], texts[b]) >= 0.5}
    assert 5 < len(near) < 30
    assert set(near_duplicates(texts)) == near  # no family here has three members, so the pairs are all of them


def test_result_is_the_same_for_the_same_texts():
    texts = [_edited(text, every) for every in (30, 31, 32) for text in (LIGHTHOUSE, MARKET, *VILLAGES)]
    assert near_duplicates(texts) == near_duplicates(texts)
    assert len(near_duplicates(texts)) == 8


def test_articles_that_share_a_near_copy_are_one_group():
    passages = [
        _passage("등대", LIGHTHOUSE),
        _passage("섬", _edited(LIGHTHOUSE, 30)),
        _passage("섬", MARKET),
        _passage("장", MARKET.replace("닷새", "5일")),
        _passage("마을", VILLAGES[0]),
        _passage("들", VILLAGES[1]),
    ]
    groups = join_articles(passages)
    assert groups.group_of == {"등대": "등대", "섬": "등대", "장": "등대", "마을": "마을", "들": "들"}
    assert (groups.copies, groups.joined, groups.common) == (4, 3, ())


def test_copies_inside_one_article_join_nothing():
    groups = join_articles([_passage("등대", LIGHTHOUSE), _passage("등대", _edited(LIGHTHOUSE, 30))])
    assert (groups.group_of, groups.copies, groups.joined) == ({"등대": "등대"}, 0, 0)


def test_text_in_too_many_articles_joins_none_of_them():
    common = [_passage(f"기사{number:02}", LIGHTHOUSE + "가" * number) for number in range(LARGEST_GROUP + 1)]
    pair = [_passage("기사00", MARKET), _passage("기사01", MARKET)]
    groups = join_articles([*common, *pair])
    assert groups.common == (frozenset(passage.id for passage in common),)
    assert groups.joined == 2
    assert groups.group_of["기사01"] == "기사00"
    assert groups.group_of["기사02"] == "기사02"
    assert join_articles(common[1:]).joined == LARGEST_GROUP


def test_text_that_fewer_articles_share_joins_first():
    wide = [_passage(f"기사{number:02}", LIGHTHOUSE) for number in range(LARGEST_GROUP)]
    pair = [_passage("기사00", MARKET), _passage("다른 기사", MARKET)]
    groups = join_articles([*wide, *pair])
    assert groups.common == (frozenset({wide[0].id}),)
    assert groups.group_of["다른 기사"] == "기사00"


def test_chain_of_shared_texts_makes_no_group_beyond_the_limit():
    letters = random.Random(3)
    texts = ["".join(letters.choices("가나다라마바사아자차카타파하", k=100)) for _ in range(40)]
    passages = [_passage(f"기사{n:02}", text) for n in range(40) for text in (texts[n - 1], texts[n])]
    groups = join_articles(passages)
    sizes = [list(groups.group_of.values()).count(name) for name in set(groups.group_of.values())]
    assert max(sizes) == LARGEST_GROUP
    assert len(groups.common) >= 40 / LARGEST_GROUP


def test_korquad_dev_has_two_articles_with_near_copies(shared_data):
    passages = read_korquad(shared_data / "KorQuAD_v1.0_dev.json").passages
    groups = join_articles(passages)
    assert (groups.copies, groups.joined, groups.common) == (7, 7, ())  # three of them phones of one maker
    assert len(near_duplicates([passage.text for passage in passages])) == 12


def test_title_in_two_spellings_is_one_article():
    names = ["빗물_저금통", "빗물 저금통", "빗물 저금통의 역사", unicodedata.normalize("NFD", "빗물 저금통")]
    texts = [LIGHTHOUSE, MARKET, *VILLAGES]
    group_of = join_articles([_passage(name, text) for name, text in zip(names, texts, strict=True)]).group_of
    assert group_of[names[0]] == group_of[names[1]] == group_of[names[3]] != group_of[names[2]]


def test_decomposed_copy_is_a_copy():
    assert near_duplicates([LIGHTHOUSE, MARKET, unicodedata.normalize("NFD", LIGHTHOUSE)]) == [(0, 2)]


def test_short_texts_that_are_nearly_the_same_stay_together():
    said = [
        "마을 회관의 난방은 저녁 여섯 시에 켠다.",
        "마을 회관의 난방은 저녁 여섯 시에 켭니다.",
        "마을 회관의 난방은 저녁 일곱 시에 켠다고 한다.",
    ]
    others = ["버스는 장터 앞에서 삼십 분마다 떠난다.", *VILLAGES, LIGHTHOUSE, MARKET]
    passages = [_passage(f"알림 {number}", text) for number, text in enumerate([*said, *others])]
    group_of = join_articles(passages).group_of
    assert {group_of[f"알림 {number}"] for number in range(3)} == {"알림 0"}
    assert len(set(group_of.values())) == len(others) + 1


def test_many_short_texts_of_one_form_join_nothing():
    passages = [
        _passage(f"호실 {number}", f"{number}호실의 열쇠는 관리실의 서랍에 있다.") for number in range(100, 140)
    ]
    groups = join_articles(passages)
    assert (groups.joined, groups.common) == (0, ())


def test_set_phrase_of_many_articles_joins_nothing():
    letters = random.Random(5)
    passages = [
        _passage(
            f"안내 {number}",
            "".join(letters.choices("가나다라마바사아자차카타파하", k=60))
            + ". 자세한 것은 군청의 누리집에서 볼 수 있다.",
        )
        for number in range(MOST_HOLDERS + 1)
    ]
    groups = join_articles(passages)
    assert (groups.joined, groups.common) == (0, ())


@pytest.mark.parametrize("overlap", [60, 150])
def test_chunks_that_were_cut_anywhere_are_found_to_overlap(overlap):
    text = " ".join(LIGHTHOUSE.split() + MARKET.split() + VILLAGES[0].split() + VILLAGES[1].split()).replace(".", "")
    width = 200
    chunks = [text[start : start + width] for start in range(0, len(text) - overlap, width - overlap)]
    groups = join_articles([_passage(f"조각 {number}", chunk) for number, chunk in enumerate(chunks)])
    assert len(groups.common) + groups.joined >= len(chunks) - 1


def test_short_text_inside_a_longer_one_stays_with_it():
    short = "회의실은 평일 아침 아홉 시부터 저녁 여섯 시까지 누구나 빌릴 수 있다."
    longer = short[:-1] + " 하고, 음식은 가지고 들어갈 수 없으며 나올 때에는 창을 닫고 불을 끄고 열쇠를 돌려준다."
    texts = [short, longer, LIGHTHOUSE, MARKET, *VILLAGES]
    passages = [_passage(f"안내 {number}", text) for number, text in enumerate(texts)]
    passages += [
        _passage(f"다른 안내 {n}", "".join(random.Random(n).choices("가나다라마바사아자차", k=80))) for n in range(20)
    ]
    group_of = join_articles(passages).group_of
    assert group_of["안내 0"] == group_of["안내 1"] != group_of["안내 2"]
