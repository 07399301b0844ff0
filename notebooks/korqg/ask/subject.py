"""Whom or what a question is about: a sentence of a document may leave it out, a question on its own may not."""

import functools
import itertools
import re

from korqg.ask.candidates import ATTRIBUTE, CandidateAnswer
from korqg.ask.editor import edit_question
from korqg.ask.endings import has_topic
from korqg.ask.particles import fit_behind
from korqg.ask.rule import PEOPLE, ask_by_rule, ask_roughly
from korqg.sentences import is_unknown, kiwi

NOT_A_NAME = frozenset(
    (
        "안내 이용 사용 설명서 규정 규칙 규약 내규 회칙 지침 공고 공지 회의록 회의 정기 임시 입주자 "
        "자주 질문 모집 신청 보고 보고서 소식 운영 관리 약관 계약서 발견 "
        "개최 소개 요령 방법 휴가 취업 이야기 답변 문의 일정 결과 현황 개요 "
        "시행 자료 기록 조례 세칙 요강 알림 초대 소개서 제품 매뉴얼 가이드 상세 "
        "처음 안내문 안내서 통신문 소장 학기 학년도 입소 입학 등록 "
        "수칙 안전 출입 예약 취소 수강 수강생 참가자 참여자 신청자 대상자 회원 자원봉사자 생활 관련 "
    ).split()
)
"""Words of a title that say what kind of paper it is, not whom or what it is about."""

LABELS = frozenset("사내 긴급 필독 재공고 전자우편 모음 전 직원 임직원 전체".split())
"""Words of a label in brackets in front of a title, beside those of NOT_A_NAME."""

LONGEST_NAME, LONG_NAME, SHORT_NAME, LONGEST_TITLE = 26, 20, 16, 10
"""Characters of a name, of one that nobody's name could shorten, of one that takes 의 before anything, and words of a
title that is no headline, at most."""

SHORTEST_PLACE = 4
"""Characters, fewer than those of a title that is the name of a place (한빛도서관) and not of a thing (기송관)."""

WHERE_THINGS_HAPPEN = re.compile(
    r"(실|관|장|탑|소|집|방|원|터|창고|앱|단|회|반|팀|행사|봉사|교육|분양|캠프|서비스|체험|탐방|사업|공사|작업|과정|강좌|수업|실습|시간|[가-힣]기)$"
)
"""Endings of common nouns that a question can be asked about with 에서 (곡물 저장탑에서는), unlike 귀 건강."""

PAPER = re.compile(
    r"(설명서|규[정칙약]|내규|회칙|지침|공[고지]|회의록|보고서|[수세]칙|약관|계약서|안내[문서]?|통신문|요강|매뉴얼|가이드|알림)$"
)
"""Kinds of papers, at the end of their titles."""

LESSON = re.compile(r"(실습|과정|강좌|교육|캠프|체험)$")

SAYS_ITS_KIND = re.compile(r"([,:]? ?(자주 (묻는|하는) 질문|묻고 답하기|FAQ|Q&A).*|\s*\([^()]*\))$")
"""What stands behind the name in a title of questions and answers, or in brackets at its end."""

NAMED = re.compile(
    r"(도서관|아파트|마을|단지|회관|센터|학교|공원|병원|의원|회사|전자|조합|클럽|동호회|상가|빌라|캠핑장|시장|봉사단|연구소|약국|마트|수영장|[치한]과|협의회|위원회|어촌계|분과|주택|빌딩|축제|대회|공모전|극장|유치원|어린이집|학원|가전|산업|살림|천문대|재단|[가-힣]{2}(기계|정밀|엔지니어링|물류|물산|건설|제지|제약|화학|서점|책방|공방|농원|목장|신문)|[가-힣]{2}(?<!수도|하수|송수|급수|온수|가스)관|시|군|구|[가-힣]{3}읍|[가-힣]{3}면)$"
)
"""Endings of words that name somebody, though Kiwi does not know the name."""


PUBLICATION = re.compile(r"^(주간|월간|계간|격월간) |((?<!통)신문|일보|소식지|회보|잡지|뉴스레터|웹진)( |$)")


OFFERED = re.compile(r"[을를]? (모집|안내|소개|접수)(해요|합니다|해 ?드립니다|받아요|받습니다)[.!]?$")
MARKED_OFF = re.compile(r"[…!]|\.\.")  # What headlines have, and names have not


def plain_title(title: str) -> str:
    """A title without what names nothing: a notice's number, which course it is, what follows a colon, a slogan."""
    first, *rest = title.split(" > ")
    numbered = r"^((\S+ )?)(공고|고시|훈령|예규) ?제[^\s():：]+호 ?"
    if label := re.match(r"\[([^\]]*)\] ?(?=\S)", first.strip()):  # [사내 공지], but the words of [한빛도서관]
        kept = "" if set(label[1].split()) <= NOT_A_NAME | LABELS else f"{label[1]} "
        first = kept + first.strip()[label.end() :]
    first = re.sub(numbered + r"([:：] ?|\((?=.*\)$))", r"\1", first.strip())
    first = first.removesuffix(")") if "(" not in first else first
    year = r"\d{4}(년도?|학년도)?( [상하]반기)?( (봄|여름|가을|겨울)철?)?"
    if first.split(" ")[-1] in NOT_A_NAME:  # a notice's, and not that of 제2차 세계 대전 or 2008년 하계 올림픽
        first = re.sub(rf"^(제\d+[차기회]|{year}) (?=\S+ \S)", "", first)
    name, _, said = first.partition(": ")
    first = said if said and set(name.split()) <= NOT_A_NAME else name
    first = OFFERED.sub(r" \1", first)
    if re.search(r"(모집|안내|소개|접수)$", first):
        slogan, comma, offer = first.rpartition(", ")
        first = offer if comma and _is_sentence(slogan) else first
    return " > ".join([first, *rest])


def is_headline(title: str) -> bool:
    """Whether a title tells what happened, as an article's does: no name can be taken from it."""
    first = plain_title(title).split(" > ")[0]
    return bool(MARKED_OFF.search(first) or _is_sentence(first) or re.match(r"[“\"]", first))


def is_torn_name(question: str, title: str, chunk: str) -> bool:
    """Whether the question begins with words of its title that are no name, and that the chunk never says together.

    They are words from both sides of a mark (꿀벌, 자주 묻는 질문: 꿀벌 질문), or from a headline.
    """
    first = plain_title(title).split(" > ")[0]
    words, place = [], 0
    for word in re.sub(r"[‘’'“”\"]", "", question).split():
        bare = re.sub(r"(에서는|에서|에는|으로|의|은|는|이|가|을|를|에|로)$", "", word)
        said = word if word in first[place:] else bare
        if not said or said not in first[place:]:
            break
        words.append((first.index(said, place), said))
        place = words[-1][0] + len(said)
        if said != word:
            break
    if len(words) < 2 or " ".join(word for _, word in words) in chunk:
        return False
    half_a_word = re.match(r"[가-힣]", first[place:])
    headline = MARKED_OFF.search(first) or _is_sentence(first)
    return bool(half_a_word or headline or re.search(r"[,;·-] ", first[words[0][0] : place]))


@functools.cache
def names_in(opening: str) -> frozenset[str]:
    """The proper names in a document's first sentences: those that Kiwi knows and those it does not (볕솔)."""
    tokens = kiwi().tokenize(opening)
    return frozenset(
        token.form for token in tokens if len(token.form) > 1 and (token.tag in ("NNP", "SL") or is_unknown(token))
    )


def says_its_kind(line: str) -> bool:
    """Whether a line is more than one word and ends in a kind of paper (또바기 건조기 FD-8 사용 설명서)."""
    return len(line.split()) > 1 and bool(PAPER.search(line))


def _is_sentence(text: str) -> bool:
    """Whether it ends as a sentence does (다시 열다), and not in a noun (동해 바다, 망둥어)."""
    if " " not in text or text.split()[-1] in NOT_A_NAME:  # 안내 is 안 내어 to Kiwi now and then
        return False
    tags = [token.tag for token in kiwi().tokenize(text) if not token.tag.startswith("S")]
    return tags[-1:] in (["EF"], ["EC"])


@functools.cache
def subject_of(title: str) -> str:
    """The name in a title: 구르미 of "공공 자전거 '구르미' 안내", 곡물 저장탑 of "곡물 저장탑 안전 수칙".

    What stands in quotation marks, else Kiwi's nouns and numbers from the beginning up to the first other word or word
    of NOT_A_NAME; words that Kiwi does not know (가림시) count as they stand. A long name is shortened (see
    `_shortened`); of two things that are joined it is what both belong to, or a course's whole title. "" where that is
    no name (a title of common nouns that does not say what kind of paper it is: 겨우살이), or where the title is a
    headline of many words.
    """
    title = plain_title(title).split(" > ")[0].strip()
    quoted = re.search(r"[‘'“\"「『]([^’'”\"」』]{2,12})[’'”\"」』]", title)
    if quoted and (" " not in quoted[1] or re.search(r" [A-Z]*-?\d+$", quoted[1])):
        return quoted[1]
    plain = re.sub(r"\([^()]*\) ?", " ", SAYS_ITS_KIND.sub("", title)).strip()
    typed, title = plain != title, re.sub(" +", " ", plain)
    typed = typed or title.split(" ")[-1] in NOT_A_NAME
    if len(title.split()) > LONGEST_TITLE or re.search(r"[….,!?]|[가-힣]다$", title) or not re.search("[가-힣]", title):
        return ""  # a headline, or the name of a file
    if PUBLICATION.search(title):
        return ""  # its articles are about something else
    end, named, torn, stops, used = 0, False, False, [0], False
    by_word = itertools.groupby(kiwi().tokenize(title), key=lambda token: token.word_position)
    words = [list(group) for _, group in by_word]
    for place, word in enumerate(words):
        nouns = [token.form in NOT_A_NAME or not token.tag.startswith(("N", "XSN")) for token in word]
        kinds = [token.form in NOT_A_NAME and all(nouns[number:]) for number, token in enumerate(word)]  # but 기록단
        typed = typed or (True in kinds and end > 0)
        used = used or (end > 0 and word[0].form in ("이용", "사용", "운영", "출입"))
        broken = any(token.tag.startswith("SS") or (end and token.form == "·") for token in word)
        torn = not broken and word[-1].tag.startswith(ENDS_A_NAME) and not _misread(word, words[place + 1 :])
        torn = torn and not (typed and word[-1].tag == "ETM")  # 찾아가는 파쇄 작업 안내
        follows = words[place + 1][-1].tag if place + 1 < len(words) else ""
        torn = torn and not (end and word[-1].tag == "EC" and follows == "ETN")  # 고쳐 쓰기
        joined = torn and " " in title[: word[-1].start] and word[-1].tag == "JC"
        if joined and len(title) <= LONG_NAME and LESSON.search(title):  # 유물 포장과 운송 실습
            end, typed, torn = len(title), True, False
            break
        event = title[: word[-1].start] if torn and word[-1].tag.startswith("J") else ""
        happens = WHERE_THINGS_HAPPEN.search(event) or re.match(" (따른|따라|인한|앞두고) ", title[word[-1].end :])
        if " " in event and happens and not (joined and stops[-1]):  # 승강기 교체 공사를 앞두고, 선착장 보수에 따른
            end, typed, torn = len(event), True, False
            break
        if joined and WHERE_THINGS_HAPPEN.search(title[:end]):  # 소형 기상 관측기 of … 설치와 사용
            typed, used, torn = True, True, False
            break
        if joined:  # two things have no one name: 가림시 of 가림시 보호수 외과 치료와 통행 제한
            end = stops[-1]
            break
        if broken or torn or (True in kinds and (end or kinds[0])):
            break
        stop = word[kinds.index(True)].start if True in kinds else word[-1].end
        somebody = bool(NAMED.search(title[:stop]))
        made_up = typed and place == 0 and any(map(is_unknown, word))  # 고드레굴
        year = re.match(r"\d{4}년", title[word[0].start : word[-1].end])
        named = named or somebody or made_up or any(token.tag in ("NNP", "SL", "SN") for token in word if not year)
        whole = title[word[0].start : stop] not in ("마을", "단지", "시장", "주식회사")
        stops += [stop] if somebody and whole and stop <= LONGEST_NAME else []
        end = stop
        if True in kinds:
            break
    name = title[:end].strip(" ()-·")
    name = re.sub(r"^(\d{4}(년도?|학년도)|제\d+회) (?=\S)", "", name)
    name = re.sub(
        r"( (제\d+[차회기호]|\d+월|\d{4}년도?))+$|(?<= )\d{4}년도? |(?<=\S) 제\d+[차기회] .*| 공동$", "", name
    )
    if len(name) > SHORT_NAME:
        name = _shortened(name, title[: stops[-1]])
    if title.endswith("회의록") and not GROUP.search(name):  # what they met about is not who met: 제비집 대책
        name = title[: stops[-1]] or name
    year_alone = re.fullmatch(r"\d+년도?", name)
    typed = typed and not torn and (used or bool(WHERE_THINGS_HAPPEN.search(name)))
    return name if (named or typed) and not year_alone and 2 <= len(name) <= LONGEST_NAME else ""


PAIRED = ("사용", "이용", "취소", "운영", "관리")
"""Words of NOT_A_NAME that stand behind 와 in a title (설치와 사용), as numbers and 회의록 do not (잠수분과 회의록)."""


def _misread(word, behind) -> bool:
    """Whether Kiwi takes the end of an unknown name for a particle (가람만, 잠수분과, 반딧불이)."""
    last, follows = word[-1], behind[0][0] if behind else None
    numbered = follows is not None and (follows.tag in ("SN", "XPN") or follows.form in NOT_A_NAME)
    verbs = any(one.tag.startswith(("V", "XSV", "XSA")) for some in behind for one in some)
    return (
        word[0].tag.startswith("J")
        or (last.tag == "JX" and last.form in ("만", "도"))
        or (last.tag == "JC" and numbered and follows.form not in PAIRED)
        or (last.tag == "JKS" and bool(behind) and not verbs)
        or (last.tag == "MAG" and len(word) > 1)
    )


def _shortened(name: str, somebody: str) -> str:
    """Of a long name the part that names somebody, a firm or a product, else as many of its last words as fit.

    Korean names have their head at the end: 환기 설비 개선 지원 사업. In front of it stands the first word where that
    is a name (마루내시).
    """
    town = re.search(r"[시군구읍면동]$", somebody)  # or 원상복구
    if 2 <= len(somebody) <= LONGEST_NAME and name.startswith(somebody) and not town:
        return somebody
    firm = re.match(r"주식회사 \S+|\S+ (?=\S*[A-Z])[A-Z0-9-]*\d\S*", name)  # a product's number belongs to its name
    if firm or len(name) <= LONG_NAME:
        return firm[0] if firm else name
    first, *words = name.split()
    owner = NAMED.search(first) or any(token.tag == "NNP" or is_unknown(token) for token in kiwi().tokenize(first))
    front = [first] if owner else []
    while len(words) > 1 and len(" ".join([*front, *words])) > LONG_NAME:
        words = words[1:]
    return " ".join([*front, *words])


ENDS_A_NAME = ("J", "EC", "EF", "ETM", "MA")
"""Tags of particles and endings: a word that ends in one is not part of the name, nor what stands behind it."""


def with_subject(question: str, subject: str) -> str:
    """The question with its subject named: of a topic in front (안건은) "…의", before anything else "…에서는".

    Before a question that has a topic of its own it is "…에서", before a place of its own "…의", and 회사 gives way to
    the company's name. Half of a name is made whole (야영장에서: 새벽나루골 야영장에서).
    As it is where the subject's last word stands in it already, two of its words, its first, where that is a name, or
    where the question begins with it.
    """
    words = [word for word in re.split(r"\s+|['‘’\"]", subject) if len(word) > 1]
    if not words:
        return question
    parts = subject.split()
    for number in range(1, len(parts)):  # 야영장에서 of 새벽나루골 야영장
        tail = re.escape(" ".join(parts[number:]))
        if parts[0] not in question and re.match(rf"{tail}(에서|에|의|은|는|이|가|을|를)(는|도)?(?![가-힣])", question):
            return f"{' '.join(parts[:number])} {question}"
    there = sum(word in question for word in words)
    first_stands = question.startswith(words[0]) or (NAMED.search(words[0]) and words[0] in question)
    last_stands = words[-1] in question and (len(words[-1]) > 2 or len(words) == 1)  # but 사업 of 사업 기간
    if first_stands or last_stands or there > 1:
        return question
    company = re.match(r"(본 |당 )?회사(는|가|에서)(?= )", question)
    if company and "회사" in subject:
        return subject + fit_behind(subject, company[2]) + question[company.end() :]
    first = question.split(" ")[0].rstrip("은는이가을를")
    if len(first) > 1 and first in subject and (first != words[-1] or len(words) == 1):
        return question
    question = re.sub(r"^(본 )?(제품|기기|서비스)의 ", "", question)
    topic = _topic_of(question)
    if topic in ABOUT_THE_PAPER:
        return f"{subject}에 관한 {question}" if topic == "문의" else question
    acts = PEOPLE.search(topic) or GROUP.search(topic) or "의 " in topic
    if topic and not acts and (len(subject) <= SHORT_NAME or ATTRIBUTE.search(topic)):
        return f"{subject}의 {question}"
    if re.match(r"[^\s\d]+( [^\s\d]+)?에서는? ", question):  # a place already: 먹거리 부스에서는
        return f"{subject}의 {question}"
    more = has_topic(question)
    place = "에" if subject.endswith(("시간", "기간")) else "에서"
    return f"{subject}{place}{'' if more else '는'} {question}"


def with_name(question: str, title: str) -> str:
    """The question with its document named, as far as the title gives a name (see `with_subject`).

    Of an article about a thing (윤초, 개미귀신) no "…에서는" may be said: it is named before its parts alone
    (머리는: 개미귀신의 머리는).
    """
    thing = plain_title(title).split(" > ")[0].strip()
    name = subject_of(title)
    if name and (thing != name or (NAMED.search(thing) and len(thing) > SHORTEST_PLACE)):
        return with_subject(question, name)
    part = re.match(r"([가-힣]+)(?:[은는이가을를]|에는|에서는|에)(?= )", question)
    if part and part[1] in PARTS and len(thing) <= SHORT_NAME and re.fullmatch(r"[가-힣 ]+", thing):
        return f"{thing}의 {question}"
    return question


GROUP = re.compile(r"([가-힣]{2}회|[가-힣]{2}단|팀|학교|단체|기관|업체|농가|가구|세대|아이)$")
"""Endings of topics that do something themselves, as people do: 지원 사업에서 학교는, not 지원 사업의 학교는."""

ABOUT_THE_PAPER = frozenset("시행일 시행 개정일 제정일 공고일 문의".split())
"""Topics that are about the paper itself, or what it offers, and not about what its name stands for."""


PARTS = frozenset(
    "머리 몸 몸통 몸길이 꼬리 다리 앞다리 뒷다리 잎 줄기 뿌리 꽃 꽃잎 꽃대 열매 씨 씨앗 알 애벌레 새끼 암컷 수컷 "
    "어른벌레 성충 유충 껍질 날개 더듬이 눈 입 이빨 턱 큰턱 털 깃 부리 비늘 지느러미 아가미 둥지 굴 수명 크기 무게 "
    "길이 높이 너비 지름 두께 폭 이름 종류 구조 원리 몸체 손잡이 눈금 뚜껑 바닥 벽 지붕 기둥 뼈대 재료 쓰임 기원 "
    "역사 성질 특징".split()
)
"""What belongs to the thing that an article is about."""


HELD = {"일시": "언제", "일자": "언제", "날짜": "언제", "장소": "어디에서"}
"""Lines at the head of minutes, by what they say of the meeting."""


def _about_meeting(candidate: CandidateAnswer, title: str) -> str:
    """When or where a meeting was held, of whose minutes the line is: no date is the cooperative's (조합의 일시)."""
    minutes = plain_title(title).split(" > ")[0].strip()
    line = re.match(r"\W*([가-힣]+) ?[:：]", candidate.sentence)
    if not line or line[1] not in HELD or not minutes.endswith("회의록"):
        return ""
    return f"{minutes.removesuffix('록')}는 {HELD[line[1]]} 열렸는가?"


def draft_of(candidate: CandidateAnswer, title: str) -> str:
    """The rule's question about a candidate, mended and with the name in the title; "" where the rule has none."""
    if meeting := _about_meeting(candidate, title):
        return meeting
    asked = ask_by_rule(candidate, title)
    return with_name(edit_question(asked).text, title) if asked else ""


def rough_draft_of(candidate: CandidateAnswer, title: str) -> str:
    """What a model may rewrite where `draft_of` has nothing: the whole sentence as a question (see ask_roughly)."""
    asked = ask_roughly(candidate)
    return with_name(asked, title) if asked else ""


def _topic_of(question: str) -> str:
    """The noun with 은 or 는 that the question begins with, before any verb; "" where it begins otherwise."""
    for token in kiwi().tokenize(question):
        if token.tag in ("EC", "ETM", "EF") or token.start > LONGEST_NAME:
            return ""
        if token.tag == "JX" and token.form in ("은", "는"):
            topic = question[: token.start]
            return "" if re.search(r"(에|에서|로|까지|부터|에게)$", topic) else topic
    return ""
