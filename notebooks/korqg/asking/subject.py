"""Whom or what a question is about: a sentence of a document may leave it out, a question on its own may not."""

import functools
import re

from korqg.sentences import kiwi

NOT_A_NAME = frozenset(
    (
        "안내 이용 사용 설명서 규정 규칙 지침 공고 공지 회의록 회의 정기 임시 입주자 "
        "자주 질문 모집 신청 보고 보고서 소식 운영 관리 계획 제도 약관 계약서 발견 "
        "개최 소개 요령 방법 휴가 취업 이야기 답변 문의 일정 결과 현황 개요 사업 "
        "지원 시행 자료 기록 조례 세칙 요강 알림 초대 소개서 제품 매뉴얼 가이드 상세 "
        "처음 "
    ).split()
)
"""Words of a title that say what kind of paper it is, not whom or what it is about."""

LONGEST_NAME, LONGEST_TITLE = 24, 7
"""Characters of a name, and words of a title that is more than a headline, at most."""

NAMED = re.compile(r"(도서관|아파트|마을|단지|회관|센터|학교|공원|병원|의원|회사|전자|조합|클럽|동호회|시|군|구)$")
"""Endings of words that name somebody, though Kiwi does not know the name."""


@functools.cache
def subject_of(title: str) -> str:
    """The name in a title: 구르미 of "공공 자전거 '구르미' 안내", 한빛도서관 of "한빛도서관 이용 안내".

    What stands in quotation marks, else Kiwi's nouns and numbers from the beginning up to the first other word or word
    of NOT_A_NAME; "" where that is no name, or where the title is a headline of many words.
    """
    title = title.split(" > ")[0].strip()
    quoted = re.search(r"[‘'“\"「『]([^’'”\"」』]{2,12})[’'”\"」』]", title)
    if quoted and " " not in quoted[1]:
        return quoted[1]
    if len(title.split()) > LONGEST_TITLE:
        return ""
    end, named = 0, False
    for token in kiwi().tokenize(title):
        if token.form in NOT_A_NAME or token.tag[:2] not in ("NN", "NR", "SN", "SL", "XS", "XP"):
            break
        named = named or token.tag in ("NNP", "SL", "SN") or bool(NAMED.search(title[: token.end]))
        end = token.end
    name = title[:end].strip(" ()-·")
    return name if named and 2 <= len(name) <= LONGEST_NAME else ""


def with_subject(question: str, subject: str) -> str:
    """The question with its subject named: of a topic in front (안건은) "…의", before anything else "…에서는".

    As it is where the subject, or its last word of two syllables or more, stands in it already.
    """
    words = [word for word in re.split(r"\s+|['‘’\"]", subject) if len(word) > 1]
    if not subject or any(word in question for word in words):
        return question
    topic = re.match(r"([가-힣A-Za-z0-9]+ ){0,2}[가-힣A-Za-z0-9]+[은는](?= )", question)
    first = question.split(" ")[0].rstrip("은는이가을를")
    if len(first) > 1 and first in subject:
        return question
    return f"{subject}의 {question}" if topic else f"{subject}에서는 {question}"
