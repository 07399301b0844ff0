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

LONGEST_SHOWN, LONGEST_WITH_SOURCE = 50, 70
"""Characters at most of a question of the rule, and of a model that cannot read yet (of longer ones readers show a
third as many), and of one with the paper that it is from in front (휴가 규정에 따르면)."""

PAPERS = re.compile(
    "(안내|안내문|안내서|설명서|규정|규칙|규약|내규|회칙|수칙|지침|요령|요강|약관|공고|공지|회의록|매뉴얼|가이드|길잡이|도움말|소식지|보고서)$"
)
"""Titles that say what kind of paper they stand on: one can quote it."""

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
    while words and (words[-1] in KINDS or re.fullmatch(r"제?\d+[차회]", words[-1])):
        words.pop()
    name = " ".join(words)
    if not 2 <= len(name) <= LONGEST_NAME or re.search(r"[….,!?:]|[가-힣]다$|^[^가-힣]*$", name):
        return ""
    # Whom it is for (신입 단원), a headline (문 열어), the first of two things (예약과)
    if PEOPLE.search(name) or kiwi().tokenize(name)[-1].tag in ("EC", "EF", "JC"):
        return ""
    is_thing = name == first and not re.search(r"\d", name)
    answers = first.endswith("자주 묻는 질문")  # whatever it is about (도자기 체험), one can say "there"
    return name if answers or (_is_proper(name) and not is_thing) else ""


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
    """The question with what its document is about in front, unless it says so already or would get too long.

    The paper that the title names (휴가 규정에 따르면), else the name that it holds: before a topic that does nothing
    by itself "…의" (한빛도서관의 자리는), before another "…에서". Readers would show 46 % of 129 questions with such a
    paper as they are, of 59 with "…에서" 26, of 26 with "…의" 38, and of 191 that do not say whose they are 4 %.
    """
    source, name, words = source_of(title), name_in(title), _words(title)
    says_most = 2 * sum(word in question for word in words) > len(words)
    if source and not says_most and len(source + question) <= LONGEST_WITH_SOURCE:
        return source + question
    if not name or any(word in question for word in name.split() if len(word) > 1):
        return question
    topic = re.match(r"(\S+?)[은는] ", question)
    if topic and not PEOPLE.search(topic[1]) and has_topic(topic[0]):
        named = f"{name}의 {question}"
    else:
        named = f"{name}에서{'' if has_topic(question) else '는'} {question}"
    return named if len(named) <= LONGEST_SHOWN else question


def source_of(title: str) -> str:
    """The words, with a blank behind them, that quote the paper that a title names: "휴가 규정에 따르면 ", or ""."""
    first = re.sub(r"\[[^\]]*\] ?", "", title.split(" > ")[0]).replace("_", " ").strip()
    return f"{first}에 따르면 " if PAPERS.search(first) and _words(title) else ""


def says_whose(question: str, title: str) -> bool:
    """Whether a question says what its document is about: with a word of its title, or with the paper in front."""
    return any(word in question for word in _words(title))


def _words(title: str) -> list[str]:
    """The words of a document's title that say what it is about, not what kind of paper it is."""
    words = re.split(r"[\s_'‘’\"]+", title.split(" > ")[0])
    return [word for word in words if len(word) > 1 and word not in KINDS]
