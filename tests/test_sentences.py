"""Sentences: marks that belong together are never torn, and plain full stops need no Kiwi."""

import pytest

from korqg import sentences
from korqg.sentences import split_all, split_sentences


@pytest.mark.parametrize(
    "whole",
    [
        ['이 조례에서 "빈집"이란 한 해 넘게 사람이 살지 않은 집을 말한다.', "군수는 빈집을 해마다 살핀다."],
        ["공사는 봄에 끝난다.", "[표 2]와 같이 예산은 두 번에 나누어 쓴다.", "남은 돈은 돌려준다."],
        ["다리는 낡았다.", "‘무지개다리’라는 이름은 그 뒤에 붙었다."],
        ["나무를 심는다.", "(사진 1)은 심기 전의 언덕이다."],
        ['이장은 "물이 줄었다. 아껴 써야 한다."라고 말했다.', "우물은 셋이다."],
        [
            "길이는 2.5킬로미터이다.",
            "걸어서 사십 분이 걸린다(쉬는 시간은 뺐다. 더 걸릴 수도 있다).",
            "표지판을 따른다.",
        ],
        ["제비는 봄에 온다.", "「새의 길」에 따르면 먼 바다를 건넌다."],
        ["비가 온 뒤에 갠다(기상청, 2021쪽).", "바람도 잔다."],
    ],
)
def test_sentence_that_opens_with_a_mark_is_whole(whole):
    assert split_sentences(" ".join(whole)) == whole


def test_plain_full_stops_are_told_without_kiwi(monkeypatch):
    monkeypatch.setattr(sentences, "kiwi", lambda: pytest.fail("Kiwi was asked"))
    text = ["마을에는 우물이 셋 있다.", "물은 사람이 긷는다.", "길이는 2.5킬로미터이다."]
    assert list(split_all([" ".join(text), "제목", ""])) == [text, ["제목"], []]


def test_kiwi_still_parts_what_no_full_stop_parts():
    assert split_sentences("방문객이 크게 늘었음 배편을 늘림") == ["방문객이 크게 늘었음", "배편을 늘림"]


def test_nothing_is_lost_whatever_the_signs():
    text = '그는 (말했다. "왜?" 하고! … [1], 3.14 그리고. 끝)"나다.가자." 했다 ) ] ” 다. . 요! 네?? 음 “열림'
    assert "".join("".join(split_sentences(text)).split()) == "".join(text.split())
