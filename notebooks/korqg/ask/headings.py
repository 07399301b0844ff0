"""Questions from headings: what a section answers as a whole (수강료와 준비물: 수강료는 얼마인가?), without any model.

A heading says what its section is about, so the section answers the question that is made of it: nothing has to be
found in a sentence. What a document asks itself (요금은 어떻게 계산하나요?) is asked as it stands there.
"""

import itertools
import re

from korqg.ask.editor import QUESTION_WORDS, edit_question, without_honorifics
from korqg.ask.endings import asking, find_predicate, has_topic
from korqg.ask.particles import fitted
from korqg.ask.rule import PEOPLE, is_person
from korqg.ask.subject import (
    ACT,
    LONGEST_OF_A_HEADING,
    PAPER_NUMBER,
    QUOTED,
    Subject,
    first_of,
    subject_of,
    without_pictures,
)
from korqg.question import is_single_question
from korqg.sentences import kiwi, split_sentences

NUMBER = re.compile(
    r"^((제 ?\d+ ?[장절관조항](의\d+)?|(제 ?\d+ ?호 ?)?안건 ?\d*[.:)]?|(의결|논의|심의) ?\d*[.:]|\d+(\.\d+)*[.)]"
    r"|[가-하][.)]|[IVXⅠ-Ⅻ]+[.)]|[①-⑳■□○●◦▪※•*-])\s*)+"
)
"""What stands in front of a heading's words: 제2장, 3., 안건 1:."""

LINES = {
    "article": re.compile(r"(?m)^제\d+조(의\d+)? ?\((?P<heading>[^()\n]{2,25})\)[ \n]?(?=\S)"),
    "in brackets": re.compile(r"(?m)^\[(?P<heading>[^\[\]\n]{2,25})\]\n"),
    "point": re.compile(r"(?m)^([가-하]|\d{1,2})\. ?(?P<heading>(제 ?\d+ ?호 ?)?안건[^\n]{2,45})\n"),
    "numbered": re.compile(r"(?m)^(\d{1,2}\.|[가-하]\.|[□■◆◇▣▶]) ?(?P<heading>[^\n.?!:|]{2,25})\n(?!\d{1,2}\. )"),
    "asked": re.compile(r"(?m)^(Q|문|질문) ?\d*[.:)]? ?(?P<heading>[^\n?]{6,60}\?)\s*((A|답변?) ?\d*[.:)] ?)?"),
    "in a FAQ": re.compile(r"(?m)^(?P<heading>[^\n?]{6,60}\?)\s*((A|답변?) ?\d*[.:)] ?)?"),
}
"""Headings within a text: 제3조(휴가), [사용 방법], 4. 사용 방법, Q. …?, and in a FAQ a question that opens a line."""

FAQ = re.compile(r"질문|묻는|FAQ|Q&A")
ASKS = re.compile(r"^(Q|문|질문) ?\d*[.:)] ?")
ENDS = {
    "얼마인가": "요금 비용 수강료 회비 임대료 이용료 보관료 참가비 가격 관람료 입장료 수수료 재료비 체험비 대여료"
    " 사용료 금액 활동비 지원금 보증금 과태료 부담금 값",
    "어떻게 되는가": "일정 시간 시간표 기간 기한 순서 절차 규모 한도 정원 인원 임기 구성 배점 범위 사양 크기 무게"
    " 용량 혜택 보상 주기 온도 예산 간격 노선 유형 제원 규격 복장",
    "무엇인가": "이유 원인 원리 목적 사항 요인 특징 쓰임 용도 준비물 재료 서류 종류 역할 임무 의무 방법 효과 장점 차이"
    " 차이점 구성품 부속품 영향 먹이 천적 기준 원칙 자격 조건 내용 대상 까닭 뜻 점 일 것 배경 과제 어원 유래 줄거리",
    "어디인가": "장소 위치 곳",
    "누구인가": "사람 강사",
    "언제인가": "시행일 마감일 발표일 개강일 날짜 일시 때 날",
    "어떠한가": "생김새 성질 모양 구조 전망 역사 방식 형식 분포 기후 생애 한살이 습성 생태",
    "어떻게 하는가": "신청 접수 예약 청소 보관 손질 충전 정산 반납 취소 환불 교환 반품 해지 가입 점검 세탁 신고 결제"
    " 설치 배선 교체 등록 조립 마무리 관리 대여 검사 기록 정비 폐기 제출 측정 허가 환기 조치 교육 보고 배상",
    "어떻게 이루어지는가": "생성 형성 번식 축조 과정 생산 운영 발급 처리 선정 지급 평가 승인 채점 진료 상담 수업 답사",
}
"""What the last noun of a heading is asked with."""

UNASKED = re.compile(
    "한눈에|(미리 |들여다|알아|둘러)보기|따라 걷기|^(걸리는|쓰는) 시간|^들어 있는|^하지 못하는|^경과 ?조치|[()]"
)
"""Headings that say too little to be asked."""

SAID_PLAINLY = (
    ("^(내|내실|낼|제출할) 서류", "제출 서류"),
    ("^뽑는 (방법|기준|절차)", r"선정 \1"),
    ("^(묻는|물어볼|문의할) 곳", "문의처"),
    ("지켜 주[실셔]", "지킬"),
    ("살펴 주[실셔]", "살필"),
    ("^우리가 (?=하는 일)", ""),
    ("^(구성품|준비물|제출 서류) 확인$", r"\1"),
)
"""What offices say in plain words, as it is usually said: 뽑는 방법, how they choose."""

HAPPENED = {
    "되었는가": "발명 발견 개발 도입 보급 전파 확산 복원 폐지 재건".split(),
    "했는가": "쇠퇴 등장 탄생 발전 몰락 부활 진화 분화".split(),
}
"""How one asks about what happened to a thing."""

CLUB = re.compile("(이|본) (회|모임|조합|협회|단체)[는은]")
"""The first words of a club's own rules: their purpose is the club's."""

END_OF = {noun: end for end, nouns in ENDS.items() for noun in nouns.split()}
WHOM = re.compile("((지원|모집|신청|참가|교육|수강|이용|적용|초대|검진|접종|가입) |^)대상$")
PRICE, DATE = re.compile(r"\d ?(만 |천 )?원|무료"), re.compile(r"\d ?(월|일|시(?!간)|년)|\d:\d\d")
WHEN = re.compile("(?<!는) 때$|(려면|다면|[으르되]면|전에|뒤에|후에)$")
DECIDED = re.compile("기로|선출|선임|의결|합의|결정|정함|정했|승인|가결|부결|보류")
UNSAID = re.compile(
    "토의|토론|배경|현황|실적|결산|개요|보고|결정|결과|논의|기타|확인|점검|개회|폐회|까닭|이유|사항|담당|기한|보류"
)
"""Headings of minutes that are no point of the agenda."""

USUAL = (
    ("place", r"^(찾아|오시|가|오)[가-힣]* ?길$|^교통(편)?( 안내)?$|^오시는 방법$", "{name}에는 어떻게 가는가?"),
    ("place", r"^(문 )?여는 (때|시간|날)|^시간(과| |$)", "{topic} 언제 문을 여는가?"),
    ("place", r"^[^과와·]*(닫는|쉬는) 날$|^휴[관무원장]일$", "{topic} 언제 쉬는가?"),
    ("place", r"^(챙길|가져올|가져갈|준비할) 것", "{name}에 갈 때 챙길 것은 무엇인가?"),
    (
        "device",
        r"안전.*(지켜|주의|수칙|사항)|^(안전|주의) ?(사항|수칙)$|^안전하게 쓰기",
        "{object} 안전하게 쓰려면 무엇을 지켜야 하는가?",
    ),
    (
        "device",
        r"^고장.*(생각|의심|보|싶)|고장 신고(하기)? 전",
        "{agent} 고장 난 것 같으면 무엇을 확인해야 하는가?",
    ),
    ("any", r"^(문의|문의처|연락처)(와 |과 |$)", "{name}에 대해서는 어디에 문의하는가?"),
    ("any", r"^(배우고|마치고|듣고) 나면$", "{object} 마치고 나면 무엇을 할 수 있는가?"),
    (
        "any",
        r"^(?P<seen>.+는지)(부터)? (보기|찾기|확인하기|살피기|살펴보기|알아보기)$",
        "{name}에서 {seen}는 어떻게 확인하는가?",
    ),
)
"""What is asked of headings that many documents have: whose (a place's, a device's), the heading, the question."""

TO_A_DEVICE = re.compile(
    "설치|배선|작동|충전|손질|청소|조립|보관|사용|쓰|연결|켜|끄|씻|닦|세우|운전|관리|분해|교체|점검|시작|다루"
)
BY_A_DEVICE = re.compile("(만들|내리|빻|짜|자르|깎|뽑|굽|찍|재|썰|갈|박|뚫|말리|볶|찌|데우|끓이|거르)$")
"""Verbs of what is done to a device itself, and of what it does to something else."""

OF_ALL = re.compile("예약|신청|취소|환불|결제|가입|해지|문의|돌려받|주차|면 어떻게|마음에 들")
"""What one does with any service: it needs no object."""

FIRST_PERSON = re.compile(r"(^| )(제가|저는|저도|제 |저희|내가|나도|내 |우리 )")
TAKES_PLACE = ("열리", "시작하", "시작되", "끝나")
NUMBERS = {"온도": r"\d ?(℃|도)", "무게": r"\d ?k?g", "용량": r"\d ?m?L", "정원": r"\d ?명", "인원": r"\d ?명"}
USED = re.compile("(처음 )?(사용|쓰|쓸|다루|고르|고를|보관|관리|처음|만드|만들|심|담그|굽|끓이|씻|고치|닦)")
LONGEST_THING = 12  # Characters of what an article is about: a longer one is a headline
LEAST_BODY, LEAST_REPLY = 40, 10
"""Characters, at least, of what stands under a heading, and of what answers a question of the document."""


def ask_by_headings(chunk: dict) -> list[dict]:
    """The questions that a chunk's headings ask, in the text's order: `question`, `answer`, `answer_place`, `heading`.

    `chunk` holds `title` (the document's, then the headings down to the chunk, joined by " > "), `text` and `place`.
    The answer is what stands under the heading, with its [begin, end] in the text. A section's own heading is asked in
    its first chunk. A heading that says nothing by itself (개요) or is told like a headline asks nothing, and none does
    where the document's title says nothing that one could name.
    """
    title, found = first_of(chunk["title"]), []
    for heading, begin, end in _headed(chunk):
        answer = chunk["text"][begin:end]
        if question := question_of(heading, title, answer):
            found.append({"question": question, "answer": answer, "answer_place": [begin, end], "heading": heading})
    return found


def _headed(chunk: dict) -> list[tuple[str, int, int]]:
    """The headings in a chunk with the place of what stands under each: its first line, and those of LINES."""
    text, parts = chunk["text"], chunk["title"].split(" > ")
    first = text.partition("\n")[0]
    begins = first.strip() == parts[-1] and "part" not in (chunk.get("place") or {})
    marks = {0: (len(first) + 1, first.strip())} if begins else {}
    for kind, line in LINES.items():
        if kind != "in a FAQ" or FAQ.search(chunk["title"]):
            for one in line.finditer(text):
                if kind != "numbered" or not _goes_on(text[: one.start()], one[0]):
                    marks.setdefault(one.start(), (one.end(), one["heading"]))
    headed = []
    for (_, (begin, heading)), (stop, _) in itertools.pairwise([*sorted(marks.items()), (len(text), None)]):
        end = begin + len(text[begin:stop].rstrip())
        if end - begin >= (LEAST_REPLY if heading.endswith("?") else LEAST_BODY):
            headed.append((heading, begin, end))
    return headed


def _goes_on(before: str, line: str) -> bool:
    """Whether a numbered line goes on with the list of the line above: 4. behind 3."""
    above = before.rstrip("\n").rpartition("\n")[2]
    number, earlier = (re.match(r"(\d{1,2})\. ?", one) for one in (line, above))
    return bool(number and earlier) and int(number[1]) == int(earlier[1]) + 1


def question_of(heading: str, title: str, body: str) -> str:
    """The question that a heading asks about its document; "" where a stranger would not know what it asks."""
    subject = subject_of(title)
    words = ASKS.sub("", NUMBER.sub("", without_pictures(heading)).strip())
    words = re.sub(r"^\((.*)\)$", r"\1", words)
    words = re.sub(r" ?\([^()]*\)$|^제품의 ", "", words).strip()
    if len(words) < 2 or not subject:
        return ""
    said = _defined(words, heading == title, title, subject, body)
    if not said and heading != title:
        said = _asked_itself(words, subject) or _told(words, title, subject)
        said = said or (_of_minutes if subject.meeting else _of)(words, subject, body)
        if not said and subject.meeting and "안건" in heading and not UNSAID.search(words):
            said = f"{subject.meeting}에서는 {words}에 대해 무엇을 논의했는가?"
    question = without_honorifics(said)
    return question if is_single_question(question) and len(question) <= LONGEST_OF_A_HEADING else ""


def _defined(words: str, is_title: bool, title: str, subject: Subject, body: str) -> str:
    """What a thing is, where the text says what it is: of an article its own, of a section the heading's."""
    of_all = is_title or words in ("뜻", "정의")
    thing = subject.name if of_all else words
    if not thing or subject.paper or subject.meeting or subject.is_place or (of_all and thing != title):
        return ""
    said = re.escape(thing)
    if of_all:
        first = next(iter(split_sentences(body)), "")
        predicate = find_predicate(first.rstrip("."))
        says = bool(re.search("(가리킨다|가리킵니다|말한다|말합니다|뜻한다|뜻합니다)\\.$|[가-힣]로, ", first))
        is_told = says or (predicate is not None and predicate.stem == ("이", "VCP"))
        defined = is_told and re.match(rf"{said}([은는]|이란|란) ", first)
    else:
        defined = re.search(rf"{said}이?라고? (하며|하고|한다|부른다|부르며)", body)
    if not defined:
        return ""
    return (
        f"{thing}{fitted(thing, '은')} 누구인가?" if is_person(thing) else f"{thing}{fitted(thing, '이란')} 무엇인가?"
    )


def _asked_itself(heading: str, subject: Subject) -> str:
    """A question of the document itself, with what it is about in front."""
    body = heading.removesuffix("?").strip()
    predicate = find_predicate(body)
    body = re.sub("언제,? 어디서", "언제 어디에서", body)
    one_thing = len(QUESTION_WORDS.findall(body.replace("언제 어디", "어디"))) < 2
    if not predicate or not (subject.name or subject.paper) or re.search(r"[.!?,] ", body) or not one_thing:
        return ""
    if FIRST_PERSON.search(body) or re.search("[가-힣]데 ", body):  # 다른 시에 사는데: whose case?
        return ""
    if subject.paper and re.fullmatch(r"왜 \S+", body):  # what is?
        return ""
    asks = predicate.ending.endswith(
        ("나요", "나", "가요", "까요", "는가", "ᆫ가", "까", "죠")
    ) and QUESTION_WORDS.search(body)
    if (not heading.endswith("?") and not asks) or predicate.ending.endswith(("데", "데요")):
        return ""
    if body in ("얼마인가요", "얼마입니까", "얼마예요", "얼마인가") and subject.is_place:
        return f"{subject.name}의 요금은 얼마인가?"
    if re.match("(ᆯ|을)까요?$", predicate.ending):  # nobody wonders: 찍을까 to 찍는가
        question = asking(body, predicate)
    else:
        question = edit_question(f"{body}?", "plain").text.replace("어떡하는가", "어떻게 하는가")
    if not subject.is_course and _wants_object(body, subject):
        return ""
    question = re.sub(r"^(시간|비용)[은는] (?=얼마나)", r"\1이 ", question)
    begins = re.match(r"(?:\S+ ){0,2}?\S+?[은는] ", question)
    if begins and any(one.tag[0] not in "NSXM" for one in kiwi().tokenize(begins[0].rstrip("은는 "))):
        begins = None  # no noun that the subject could own
    if predicate.stem == ("이", "VCP") and not begins and has_topic(question):  # 받지 않는 솜은 무엇입니까?
        return subject.does(question)
    bare = not any(one.tag == "JKS" for one in kiwi().tokenize(body)) and predicate.stem[0] in TAKES_PLACE
    if (bare or predicate.stem == ("이", "VCP")) and not begins and not subject.paper:
        return f"{subject.name}{fitted(subject.name, '은')} {question}"
    owned = (
        begins and has_topic(begins[0]) and not (PEOPLE.search(begins[0].rstrip("은는 ")) or "야 하는가" in question)
    )
    if ACT.search(subject.name) and predicate.stem != ("이", "VCP"):  # 활털 교체에서 카본 활은 되는가
        owned = False
    if not owned and subject.is_place and re.search("지는? ?않[가-힣]*$", body):  # 벽지가 젖지 않나요?
        return f"{subject.name}{fitted(subject.name, '을')} 이용하면 {question}"
    return subject.owns(question) if owned else subject.does(question)


def _told(heading: str, title: str, subject: Subject) -> str:
    """What a reader tells in a FAQ or a list of troubles, as what is then to be done: 빠진 물건이 있어요."""
    body = heading.rstrip("?.!")
    if not (FAQ.search(title) or subject.is_device) or FIRST_PERSON.search(body) or re.search("[,.]|[가-힣]데 ", body):
        return ""
    if body.endswith("면요"):
        how = "해야 하는" if body.endswith("려면요") else "되는"
        return subject.does(f"{body.removesuffix('요')} 어떻게 {how}가?")
    predicate = find_predicate(body)
    tokens = kiwi().tokenize(body)
    told = predicate and re.search("다$|[^가까나]요$", predicate.ending) and not predicate.past
    if not told or not {"JKS", "JKO"} & {one.tag for one in tokens} or QUESTION_WORDS.search(body):
        return ""
    if predicate.stem[0] == "싶":  # 날짜를 바꾸고 싶어요
        want = re.match(r"(.*[가-힣])고 $", body[: predicate.start])
        verb = kiwi().tokenize(want[1] + "다")[-2] if want else None
        if not verb:
            return ""
        said = body[: verb.start] + kiwi().join([(verb.form, verb.tag), ("려면", "EC")])
        return subject.does(f"{said} 어떻게 해야 하는가?")
    if "JKO" in {one.tag for one in tokens}:  # 개인정보를 지킵니다
        return ""
    said = body[: predicate.start] + kiwi().join([predicate.stem, *predicate.between, ("면", "EC")])
    return subject.does(f"{said} 어떻게 해야 하는가?")


def _wants_object(body: str, subject: Subject) -> bool:
    """Whether a question says nothing of what it asks about (언제 도착하나요?), nor does what it is about say it."""
    tokens = kiwi().tokenize(body)
    named = any(
        one.tag in ("JKO", "JKS", "JX")
        for one, before in zip(tokens[1:], tokens, strict=False)
        if before.tag[:2] == "NN"
    )
    return not named and subject.is_place and bool(QUOTED.match(subject.name)) and not OF_ALL.search(body)


def _of_minutes(heading: str, subject: Subject, body: str) -> str:
    """What a meeting decided of a point, and when the next one is."""
    if re.search("다음 (회의|모임)", heading):
        return f"{subject.meeting}에서는 다음 회의를 언제 열기로 했는가?" if DATE.search(body) else ""
    if re.fullmatch("(주요 )?(결정|의결|합의|협의) ?(사항|내용)", heading):
        return f"{subject.meeting}에서는 무엇을 결정했는가?"
    last = kiwi().tokenize(heading)[-1]
    if not DECIDED.search(body) or last.tag not in ("NNG", "ETN", "XSN") or UNSAID.search(heading):
        return ""
    return f"{subject.meeting}에서는 {heading}에 대해 무엇을 정했는가?"


def _of(heading: str, subject: Subject, body: str) -> str:
    """What a section of a guide, a rule or an article says, by the form of its heading."""
    if re.search("무엇|언제|어디|누구|누가|얼마|어떻게", heading):
        return ""
    heading = heading.rpartition(": ")[2]  # 오기 전에: 예약
    if UNASKED.search(heading):
        return ""
    for plain, usual in SAID_PLAINLY:
        heading = re.sub(plain, usual, heading)
    if said := _usual(heading, subject, body):
        return said
    if checked := re.match(r"(.+ 전에) (꼭 )?(확인|점검)(하십시오|해 주십시오|하세요|해 주세요|해요|하기)$", heading):
        heading = checked[1]
    if re.search("(뒤|후)에$", heading) and not (subject.is_device or subject.paper):
        return ""
    if two := re.fullmatch(r"(.+ (것|시간|곳|점|일)), (.+ \2)", heading):  # 챙길 것, 두고 올 것
        heading = f"{two[1]}{fitted(two[1], '과')} {two[3]}"
    heading = re.sub(r"(때|면)[와과] .*", r"\1", heading)
    if heading.endswith("세요"):
        return ""
    if said := _to_be_done(heading, subject):
        return said
    if WHEN.search(heading):
        if subject.name.endswith("때"):
            return ""
        how = "어떻게 되는" if re.search("어겼|위반|어긴", heading) else "어떻게 해야 하는"
        if heading.endswith("에"):
            how = "무엇을 확인해야 하는" if checked or "고장" in heading else "무엇을 해야 하는"
        if subject.is_device and heading.endswith("려면") and not TO_A_DEVICE.search(heading):
            return ""  # 더 부드럽게 드시려면: what?
        if subject.is_device and USED.match(heading):
            return f"{subject.name}{fitted(subject.name, '을')} {heading} {how}가?"
        return subject.does(f"{heading} {how}가?")
    if said := _of_article(heading, subject, body):
        return said
    for whole in [heading] if two else _parts(heading):
        part = whole.removeprefix("오늘날의 ")
        if re.match("(걸리는|쓰는) 시간|(자주 )?(틀리는|실수하는|하는 실수)", part) or part.startswith("자주 "):
            continue
        tokens = kiwi().tokenize(part)
        forms = [(one.form, one.tag) for one in tokens]
        if len(tokens) > 1 and forms[-1] == ("기", "ETN") and part not in END_OF:
            alone = tokens[0].tag[:2] in ("VV", "VA") or tokens[1].tag == "XSV"
            of_itself = subject.is_device and TO_A_DEVICE.match(part)
            said = "" if alone and part != heading and not of_itself else _how(part, tokens, subject)
        elif len(tokens) > 2 and tokens[-1].form in ("방법", "법", "요령") and forms[-2] == ("는", "ETM"):
            said = _how(part, tokens[:-1], subject)
        else:
            said = _of_noun(part, tokens, subject, body)
        if said:
            return said if part == whole else f"오늘날 {said}"
    return ""


def _to_be_done(heading: str, subject: Subject) -> str:
    """A step of a how-to that is told: 소를 볶아요, as how it is done."""
    predicate = find_predicate(heading) if heading.endswith(("요", "다")) else None
    tokens = kiwi().tokenize(heading)
    objects = [one for one in tokens if one.tag == "JKO"]
    plain = {one.tag for one in tokens} <= {
        "NNG",
        "NNP",
        "JKO",
        "EF",
        "JX",
        "VV",
        "VV-I",
        "VV-R",
        "XSV",
        "XSN",
        "NNB",
        "ETM",
    }
    if not predicate or not plain or len(objects) != 1 or subject.paper or subject.is_place or not subject.name:
        return ""
    handled, acts = heading[: objects[0].start], heading[objects[0].end : predicate.start].strip()
    if acts or predicate.between:
        return ""
    verb = kiwi().join([predicate.stem, ("는가", "EF")])
    return subject.owns(f"{handled}{fitted(handled, '은')} 어떻게 {verb}?")


def _of_article(heading: str, subject: Subject, body: str) -> str:
    """What a section of an article about a thing tells of it: how it came up, its history in a country, its kinds."""
    thing = subject.name
    if (
        not thing
        or subject.paper
        or subject.is_place
        or subject.is_device
        or subject.when
        or len(thing) > LONGEST_THING
    ):
        return ""
    for asked, nouns in HAPPENED.items():
        if heading in nouns:
            return f"{thing}{fitted(thing, '은')} 어떻게 {heading}{asked}?"
    if kinds := re.fullmatch("(.+)에 따른 (구분|분류|종류)", heading):
        return f"{thing}{fitted(thing, '은')} {kinds[1]}에 따라 어떻게 나누는가?"
    years = len(set(re.findall(r"\d{3,4}년", body)))
    if years > 1 and re.fullmatch(rf"[가-힣]{{2,5}}의 {re.escape(thing)}", heading):  # 한국의 성냥
        return f"{heading}{fitted(heading, '은')} 어떤 역사를 거쳤는가?"
    if heading.endswith(thing) and heading != thing and " " not in heading and heading in body:  # 안전성냥, of 성냥
        return f"{heading}{fitted(heading, '은')} 어떤 {thing}인가?"
    return ""


def _usual(heading: str, subject: Subject, body: str) -> str:
    """What is asked of a heading that many documents have (USUAL), and of what a warranty and a sanction say."""
    name = subject.name
    if subject.paper:
        broken = re.search("^(제재|벌칙|징계|위반)|어긴|어기면|위반 ?시", heading)
        return f"{subject.paper}{fitted(subject.paper, '을')} 어기면 어떻게 되는가?" if broken else ""
    if not name or subject.when or name.endswith("때") or PAPER_NUMBER.search(name):
        return ""
    if "보증" in heading and re.search("(보증|무상 (수리|보증)) 기간", body):
        return f"{name}의 보증 기간은 얼마인가?"
    holds = {"place": subject.is_place, "device": subject.is_device, "any": True}
    forms = {
        form: name + fitted(name, particle) for form, particle in (("topic", "은"), ("object", "을"), ("agent", "이"))
    }
    for what, pattern, question in USUAL:
        if holds[what] and (found := re.search(pattern, heading)):
            return question.format(name=name, **forms, **found.groupdict())
    return ""


def _parts(heading: str) -> list[str]:
    """A heading of two things as both of them (수강료와 준비물): one asks about one thing at a time."""
    for one, behind in itertools.pairwise(kiwi().tokenize(heading)):
        like = one.form in (",", "·", "및") or (one.tag == "JKB" and one.form in ("과", "와"))
        joins = one.tag == "JC" or (like and behind.tag in ("NNG", "NNP", "SL"))
        if joins and heading[one.start - 1 : one.start] != " ":
            return [heading[: one.start].strip(), heading[one.end :].strip()]
    return [heading]


def _how(text: str, tokens: list, subject: Subject) -> str:
    """바늘 끼우기 to 바늘은 어떻게 끼우는가: what is handled in front, then how, then the verbs."""
    if subject.paper and re.search("(규정|규칙|규약|내규|회칙|약관)$", subject.paper):  # 풀베기: who is to, and when
        said = text if tokens[-1].tag == "ETN" else f"{text} 방법"
        return (
            ""
            if "MAG" in {one.tag for one in tokens}
            else f"{subject.paper}{fitted(subject.paper, '은')} {said}{fitted(said, '을')} 어떻게 정하고 있는가?"
        )
    if tokens[0].tag == "MAG" and tokens[-1].form == "는":  # 오래 쓰는 방법
        particle = "이" if "는지 " in text else "을"  # 다 됐는지 확인하는 방법
        return "" if subject.paper else f"{subject.name}{fitted(subject.name, particle)} {text}은 무엇인가?"
    adverb = re.match("(처음|다시|새로|미리|먼저) ", text)
    if adverb:
        text = text[adverb.end() :]
        tokens = kiwi().tokenize(text)
    if len(tokens) < 2 or "는지 " in text:
        return ""
    inner = max((place for place, one in enumerate(tokens[:-1]) if one.tag == "ETM"), default=-1)
    verbs = [
        place - (one.tag == "XSV")
        for place, one in enumerate(tokens)
        if one.tag[:2] in ("VV", "VA") or one.tag == "XSV" or (one.tag == "VX" and not place)
    ]
    first, stem = next((place for place in verbs if place > inner), 0), tokens[-2]
    nouns_behind = [
        one for one, two in itertools.pairwise(tokens[first + 1 :]) if one.tag[:2] == "NN" and two.tag != "XSV"
    ]
    nested = any(one.tag == "ETN" for one in tokens[:-1])
    if not any(place > inner for place in verbs) or stem.tag[:2] not in ("VV", "VX", "XS") or nouns_behind or nested:
        return ""
    start = tokens[first].start
    handled, acts = text[:start].strip(), text[start : stem.start]
    if re.search("(뒤|전|때|가운데|째|따라|[가-힣]+기)$| 뒤 ", handled):
        return ""
    again = "" if not adverb else "처음에 " if adverb[1] == "처음" else adverb[0]
    asks = f"{again}어떻게 {acts}{kiwi().join([(stem.form, stem.tag), ('는가', 'EF')])}?"
    if not handled and subject.name.endswith("때") and "EC" in {one.tag for one in tokens}:
        return ""  # 당기지 말고 되돌리기: what?
    if not handled:
        strange = subject.is_device and not TO_A_DEVICE.match(acts + stem.form)
        return "" if subject.paper or strange else f"{subject.name}{fitted(subject.name, '은')} {asks}"
    before = tokens[first - 1]
    if before.tag in ("JKS", "JC") or before.form in ("과", "와"):  # 길이 고르기: the length, not a way that chooses
        return ""
    if before.tag == "JKO":
        handled = handled[: before.start].strip()
    elif before.tag[:2] not in ("NN", "XS", "SL", "SN"):
        return "" if before.tag == "MAG" else subject.does(f"{handled} {asks}")
    if subject.is_device and BY_A_DEVICE.match(acts + stem.form):
        return f"{subject.name}{fitted(subject.name, '으로')} {handled}{fitted(handled, '을')} {asks}"
    if handled in subject.name and not (subject.is_device or subject.paper):  # …의견 수렴: 의견을 내는 방법
        return f"{subject.name}에서 {handled}{fitted(handled, '은')} {asks}"
    return subject.owns(f"{handled}{fitted(handled, '은')} {asks}")


def _of_noun(noun: str, tokens: list, subject: Subject, body: str) -> str:
    """What is asked of a heading that is a noun (수강료) or a clause with one (보호자가 지킬 일)."""
    tags, word = {one.tag for one in tokens}, noun.split()[-1]
    clause = "ETM" in tags and not re.search("[을를] 위한 ", noun)
    if not clause and noun not in END_OF and tags & {"JKS", "JX", "MAG", "JKO", "EF", "EC"}:
        return ""  # a headline
    end = END_OF.get(word) or next((END_OF[key] for key in END_OF if len(key) > 1 and word.endswith(key)), "")
    if not end:
        rule = re.search("(규정|규칙|규약|내규|회칙|약관)$", subject.paper) and not clause
        if not rule or " " not in noun or tokens[-1].tag not in ("NNG", "XSN"):
            return ""
        return f"{subject.paper}{fitted(subject.paper, '은')} {noun}{fitted(noun, '을')} 어떻게 정하고 있는가?"
    bare = " " not in noun and end in ("어떻게 하는가", "어떻게 이루어지는가")
    vague = noun in ("자격", "유형", "기록", "보관", "관리", "점검") or (
        bare and re.search("수칙$|지침$|[과와] ", subject.paper)
    )
    if bare and not (subject.is_device or subject.paper) and noun in subject.name:  # …설치비 지원 사업의 설치
        return ""
    of_a_part = "JKG" in tags and subject.is_place and not subject.paper
    if of_a_part or (subject.paper and vague) or re.search("에 (따른|대한|관한) ", noun):
        return ""
    if word == "조치" and subject.is_place:
        return ""
    of_a_thing = not (subject.is_place or subject.is_device or subject.paper or subject.when)
    if of_a_thing and " " in noun and end == "어떻게 하는가":  # 의약품 검사, of an animal
        return ""
    if end == "어떠한가" and re.match("(두|세|네|다섯|여러) 가지", noun):
        end = "무엇인가"
    if WHOM.search(noun):
        end = "누구인가"
    if end == "얼마인가" and not PRICE.search(body):
        end = "어떻게 되는가"
    if end == "어떻게 되는가" and (number := NUMBERS.get(word)) and re.search(number, body):
        end = "몇 명인가" if number.endswith("명") else "얼마인가"
    if end == "어떻게 하는가" and bare and subject.is_device:
        done = f"{subject.name}{fitted(subject.name, '은')} 어떻게 {noun}하는가?"
        return done if TO_A_DEVICE.match(noun) else ""
    if end == "언제인가" and word != "때" and not DATE.search(body):
        return ""
    about_a_thing = not (subject.is_place or subject.is_device or subject.paper)
    if (clause and word == "과정") or (about_a_thing and word == "평가"):
        end = "어떠한가"
    said = f"{noun}{fitted(noun, '은')} {end}?"
    if noun == "목적" and subject.name and CLUB.match(body):
        return f"{subject.name}의 {said}"
    if subject.paper and noun in ("목적", "적용 대상", "적용 범위", "시행일"):
        return f"{subject.paper}의 {said}"
    return _of_clause(said, tokens, subject) if clause and not subject.paper else subject.owns(said)


def _of_clause(said: str, tokens: list, subject: Subject) -> str:
    """A clause with its noun, and who or what it is about: 무지개가 생기는 원리는."""
    name, acts = subject.name, tokens[0].tag[:2] == "VV" or (len(tokens) > 1 and tokens[1].tag == "XSV")
    if not subject.is_place and re.search(rf"{re.escape(name)}[을를] ", said):  # 서로 다른 궤간을 잇는 방법
        return said
    last = name.split()[-1]
    if said.startswith(f"{last}하는 "):  # …공사 시행: 시행하는 까닭
        name = name.removesuffix(f" {last}")
        return f"{name}{fitted(name, '을')} {said}"
    if tokens[0].tag[:2] in ("VA", "XR") or tokens[1].tag == "XSA" or re.search("이라는 |없이", said):
        return ""
    if said.startswith("하는 일") and name.endswith(" 모집"):
        name = name.removesuffix(" 모집")
        return f"{name}{fitted(name, '이')} {said}"
    if subject.is_place and re.search("까닭|이유", said):
        return ""
    lacks = acts and not {"JKO", "JKS", "JX", "JKB"} & {one.tag for one in tokens} and not USED.match(said)
    if lacks and not subject.is_device and re.search(" 수 (있|없)는 |[는을ᆯ] (순서|절차)[은는]", said):
        return ""  # 두드릴 수 있는 까닭, 올리는 순서: who does it, or what is done?
    if subject.when:
        if re.search("에 따라 |[을를] .*때 ", said):
            return ""
        handled = re.match(r"\S+ 때 |만드는 ", said)
        return f"{name}{fitted(name, '을')} {said}" if handled else subject.owns(said)
    if subject.is_device and re.match("(주의|조심|지킬|지켜|확인할|알아)", said):
        return f"{name}{fitted(name, '을')} 쓸 때 {said}"
    if acts and "않는 " in said and not subject.is_device:
        return f"{name}에서 {said}"  # 다루지 않는 것
    if (subject.is_device and not acts) or re.match(r"\S+에서 ", said):
        return f"{name}의 {said}"
    if QUOTED.match(name) and not subject.is_device and re.search("[가-힣] (일|것|점)[은는] ", said):
        last = next(one for one in reversed(tokens[:-1]) if one.tag == "ETM")
        if last.form == "ᆯ":  # the user's, who is not named
            return f"{name}{fitted(name, '을')} 이용할 때 {said}"
    if subject.is_place or "JKS" in {one.tag for one in tokens}:
        return f"{name}에서 {said}"
    return f"{name}{fitted(name, '을' if subject.is_device or USED.match(said) else '이')} {said}"
