"""Drafts for the model to rewrite, and the name of a document where the rule's question stands as it is."""

import functools
import re

from korqg.ask.candidates import CandidateAnswer
from korqg.ask.editor import edit_question
from korqg.ask.endings import has_topic
from korqg.ask.rule import PEOPLE, ask_by_rule
from korqg.sentences import is_unknown, kiwi

KINDS = frozenset(
    "안내 안내문 안내서 이용 사용 설명서 취급 규정 규칙 규약 내규 회칙 수칙 지침 요령 요강 약관 공고 공지 알림 모집 "
    "신청 접수 소개 운영 관리 회의록 정기 임시 자주 묻는 하는 질문 보고 보고서 결과 소식 매뉴얼 가이드 안전 참가 "
    "참가자 수강생 대상자 회원 작업 관람 탑승 요약 종합".split()
)
"""Words at the end of a title that say what kind of paper it is, not what it is about."""

LONGEST_NAME = 26
"""Characters of a name at most: a longer one is a sentence's worth by itself."""

HELD = {"일시": "언제", "일자": "언제", "날짜": "언제", "장소": "어디에서"}
"""Lines at the head of minutes, by what they say of the meeting."""


def draft_of(candidate: CandidateAnswer, title: str) -> str:
    """The rule's question about a candidate, mended; "" where the rule has none.

    It does not say whose document it is: that is for the model, which sees title and opening beside it, to add. (Of
    models that were given drafts with a name made of the title the loss of a held-back question is no lower, and where
    the name was cut wrongly they kept it.)
    """
    if meeting := _about_meeting(candidate, title):
        return meeting
    asked = ask_by_rule(candidate, title)
    return edit_question(asked).text if asked else ""


def _about_meeting(candidate: CandidateAnswer, title: str) -> str:
    """When or where a meeting was held, of whose minutes the line is: no date is the cooperative's (조합의 일시)."""
    minutes = title.split(" > ")[0].strip()
    line = re.match(r"\W*([가-힣]+) ?[:：]", candidate.sentence)
    if not line or line[1] not in HELD or not minutes.endswith("회의록"):
        return ""
    return f"{minutes.removesuffix('록')}는 {HELD[line[1]]} 열렸는가?"


@functools.cache
def name_in(title: str) -> str:
    """The name in a title: 구르미 of "공공 자전거 '구르미' 안내", 한빛도서관 of "한빛도서관 이용 안내".

    What stands in quotation marks, else what stands before the words of KINDS at the end, or all of a product's name
    with its number. "" where that holds no proper name, is long, or is no name but a headline; and of an article about
    a thing (겨우살이), in which nothing takes place.
    """
    first = re.sub(r"\[[^\]]*\] ?|\([^()]*\)|^\d{4}년(도)? ", "", title.split(" > ")[0]).strip()
    if quoted := re.search(r"[‘'“\"「『]([^\s’'”\"」』]{2,12})[’'”\"」』]", first):
        return quoted[1]
    words = first.split()
    while words and words[-1] in KINDS:
        words.pop()
    name = " ".join(words)
    if not 2 <= len(name) <= LONGEST_NAME or re.search(r"[….,!?:]|[가-힣]다$|^[^가-힣]*$", name):
        return ""
    is_thing = name == first and not re.search(r"\d", name)
    return name if _is_proper(name) and not is_thing else ""


def is_name(title: str) -> bool:
    """Whether a title is a name as it stands (두루목 홍예교), without a kind of paper behind it."""
    words = title.split()
    return bool(words) and words[-1] not in KINDS and _is_proper(title)


@functools.cache
def _is_proper(text: str) -> bool:
    """Whether it holds a proper name: one that Kiwi knows, Latin letters, or a noun that Kiwi does not know."""
    tokens = (token for token in kiwi().tokenize(text) if len(token.form) > 1)
    return any(token.tag in ("NNP", "SL") or is_unknown(token) for token in tokens)


def with_name(question: str, title: str) -> str:
    """The question with its document's name in front, unless it says one of the name's words already.

    Before a topic that does nothing by itself it is "…의" (한빛도서관의 자리는), before another "…에서".
    """
    name = name_in(title)
    if not name or any(word in question for word in name.split() if len(word) > 1):
        return question
    topic = re.match(r"(\S+?)[은는] ", question)
    if topic and not PEOPLE.search(topic[1]) and has_topic(topic[0]):
        return f"{name}의 {question}"
    return f"{name}에서{'' if has_topic(question) else '는'} {question}"
