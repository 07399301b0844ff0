"""A question out of a sentence without any model: the floor that a trained model is held against, and its draft.

Korean asks in place: the answer gives way to a question word, the last predicate takes an interrogative ending, nothing
moves. What is more here than that: which question word, which clause, and which sentences to leave alone.
"""

import itertools
import re

from korqg.ask.candidates import ATTRIBUTE, MARKS, NAME, NOUN, NUMBER, REASON, TIME, CandidateAnswer
from korqg.ask.editor import without_honorifics
from korqg.ask.endings import LIKE_VERBS, PAST, VERBS, asking, find_predicate, has_topic
from korqg.ask.particles import fit_behind
from korqg.sentences import kiwi

SHORTEST_QUESTION, LONGEST_QUESTION, SHORTEST_DESCRIPTION = 8, 55, 16
LONGEST_ROUGH = 110
LONGEST_IN_PLACE, LONGEST_BEHIND, SHORT_CHAIN = 24, 26, 12
"""Characters: of a sentence that asks for 무엇 in its place, behind a question word, of verbs behind an amount."""

POINTING = re.compile(
    r"\s*(여기에서|여기서|이|그|저|이런|그런|이러한|그러한|이때|그때|이는|이것|그것|이를|그를|여기|이곳|그곳|이후|그는|그녀|이들|그들"
    r"|이처럼|이 경우|이와|그 결과|전자|후자)(?=[\s은는이가을를의에도로와과,]|$)"
)
"""A sentence that begins with one of these cannot stand alone."""

BECAUSE = re.compile(r"기 때문(이다|입니다|이에요|이었다|임)$")
"""A sentence that gives a reason: what it explains stands in another one."""

WISHED = re.compile(r"(\S*[가-힣]) ?주시기 ?바랍니다$")
"""A request in official wording (신청하여 주시기 바랍니다): what must be done."""

CONNECTIVES = re.compile(
    r"^\s*(또한|또|그리고|따라서|그래서|그러나|하지만|다만|특히|즉|곧|예를 들어|예를 들면|반면에?|한편|결국|물론|실제로"
    r"|그런데|단|더불어|이어|이어서|그러므로|그렇지만|게다가|먼저|우선|마지막으로|끝으로|대신|(네|예|아니요|아니오)(?=,))\s*,?\s+"
)
PEOPLE = re.compile(
    r"(사람|어른|관리자|담당자|책임자|신청자|이용자|참가자|참석자|소유자|연구자|기자|학자|저자|환자|사용자|운전자|설립자|창립자|제작자|진행자|지도자|직원|회원|(국회|시|군|구|도)의원|위원|"
    r"사원|요원|승무원|연구원|학생|선생|교사|강사|의사|간호사|변호사|판사|주인|시인|군인|노인|외국인|본인|상인|장인|장군|대왕|[가-힣]왕|황제|대통령|교수|박사|작가|"
    r"화가|감독|선수|회장|(?<![공래])사장|원장|관장|소장|부장|팀장|과장|반장|위원장|총장|교장|단장|어린이|보호자|주민|입주민|가족|식구들?|부모|손님|고객|청소년|승려|선사|대표|님|부원|조합원|대원|단원|임원|공무원|졸업생|재학생|신입생|수강생|대사|신하|왕비|왕자|조리원|정비원|경비원|상담원|안내원|미화원|집배원|국장|부서장|기관장|지점장|학교장|조장|총무|간사|이장|(?<![감탐])지기|담당|연구사|주무관|활동가|수료생|훈련생|회원들|(?<!그림|유전|양성|중성|오미|구기|복분|단백)[가-힣]{2}자)$"
)
PLACES = re.compile(
    r"(건물|센터|공원|도서관|학교|병원|바다|나라|지역|지방|마을|광장|시장|공장|연구소|사무소|사무실|창구|로비|강당|복도|운동장|주차장|극장|매장"
    r"|누리집|홈페이지|박물관|미술관|체육관|회관|대학|은행|우체국|해변|호수|입구|[가-힣]{2}실|[가-힣]{2}관|\d층|[가-힣]{2}역"
    r"|(^|\s)(섬|산|강|곳|앞|옆|안|밖|위|아래|속|[동서남북안위앞뒤]쪽|[가-힣]+쪽))$"
)
PLACE_NAMES = re.compile(r"(시|도|군|구|읍|면|동|리|섬|산|강|항|궁|사)$")
"""Endings of names of places, where Kiwi takes the word for a name."""

SURNAMES = (
    "김이박최정강조윤장임한오서신권황안송류홍전고문양손배백허남심노하곽성차주우구민유"
    "진지엄채원천방공현함변염추도소석선설마길연위표명기반왕금옥인맹제모은탁"
)
HUMAN_VERBS = frozenset(
    (
        "짓 쓰 만들 세우 말하 밝히 발견하 발명하 주장하 태어나 죽 맡 신청하 제출하 그리 이끌 가르치 배우 고안하 "
        "설립하 설계하 지휘하 작곡하 발표하 제안하 임명하 승인하 정하 부담하 "
    ).split()
)
NUMBER_FORM = re.compile(
    r"(?P<front>(약|총|최대|최소|모두|영하|오전|오후|매월|매년|하루|한 달에)\s?)?"
    r"(?P<digits>[\d,.]+(\s?[~∼–-]\s?[\d,.]+)?\s?(천|만|백|억|조)*(\s[\d,.]+[천만백억조]*)*"
    r"|(열|스물|서른|마흔|쉰)?(한|두|세|네|다섯|여섯|일곱|여덟|아홉|열|스무|서|너|석|넉|한두|두세|서너|대여섯)(?= ))\s?"
    r"(?P<unit>[가-힣A-Za-z%℃㎡㎝㎏]+?)??"
    r"(?P<tail>(\s?(이상|이하|이내|미만|초과|안팎|정도|가량|쯤|전|후|뒤|간|동안))*)"
)
"""A number as an answer: what stands in front of it, the digits, the unit, and what limits it."""


WITHIN = re.compile(r"(하루|이틀|사흘|나흘|닷새|보름|한 달|일주일|\d(일|시간|분|주|개월|달|년)) ?(안|이내|뒤|후|전)$")
"""A length of time as a limit."""


def question_word(answer: str, kind: str, sentence: str, start: int, verb: str = "") -> str:
    """The word that asks for an answer at that place of its sentence, with what of its unit belongs to the question."""
    rest = sentence[start + len(answer) :]
    number = NUMBER_FORM.fullmatch(answer)
    if kind in (NUMBER, TIME) or number:
        return _number_word(answer, number, rest)
    if kind == REASON:
        return "왜"
    last = answer.split()[-1] if answer.split() else answer
    if re.search(r"(요일)$", answer):
        return "무슨 요일"
    if re.search(r"[가-힣]{2}(과|목|강|문)$", answer) and re.match(r"에 (속|딸린)", rest):
        return f"어느 {answer[-1]}"
    if re.search(
        r"(봄|여름|가을|겨울|아침|저녁|새벽|밤|당일|다음 날|전날|하순|상순|중순|무렵|시대|[월년기주] ?[초말]|연[초말]"
        r"|때|순간| 날|평일|공휴일)$",
        answer,
    ) and re.match(r"(에|부터|까지|이|은|는|,|\s)", rest):
        return "언제"
    if answer.endswith("사이") and re.match(r"에(서)?(?![가-힣])", rest):
        in_time = re.search(r"([년월일시분]|[봄름울녁밤침심]|새벽) 사이$", answer) and not rest.startswith("에서")
        return "언제" if in_time else "어디"
    if re.match(r"에서[는도만]?(?![가-힣])", rest) or (OFFICE.search(last) and re.match(r"에(?![가-힣])", rest)):
        return "어디"
    if verb in DUTIES and OFFICE.search(last) and re.match(r"(이|가)(?![가-힣])", rest):
        return "어디에서"
    if WITHIN.search(answer):
        return "언제까지" if re.search(r"(안|이내)$", answer) else "언제"
    if re.match(r"(에서|에|으로|로)(?![가-힣])", rest) and _is_place(answer):
        return "어디"
    if PEOPLE.search(last) and re.match(r"(이|가|은|는|에게|께|의|을|를|과|와|만|이다|이며|입니다)", rest):
        return "누구"
    if re.match(r"(에게|께서|께|한테)", rest) or is_person(answer):
        return "누구"
    if re.search(r"[가-힣][사자원인수] (\d+|[한두세네]|다섯|여섯|일곱|여덟|아홉|열|[가-힣]+) ?명$", answer):
        return "누구"
    acts = " " in answer and verb in HUMAN_VERBS and re.match(r"(이|가|은|는)(?![가-힣])", rest)
    if acts and kind == NAME and not (PLACES.search(answer) or PLACE_NAMES.search(answer) or OFFICE.search(last)):
        return "누구"
    if (
        verb in HUMAN_VERBS
        and re.match(r"(이|가)(?![가-힣])", rest)
        and re.fullmatch(r"[가-힣]{2,4}|[가-힣]+ [가-힣]+", answer)
    ):
        tags = [token.tag for token in kiwi().tokenize(answer)]
        if tags and all(tag == "NNP" for tag in tags):
            return "누구"
    stays = re.search(r"[어여아] 있(다|습니다|어요|는)$", rest) or (verb in STAYING and "수 있" not in rest)
    if re.match(r"에(?![가-힣])", rest) and stays:
        return "어디"
    if verb in LEAVING and re.match(r"을|를", rest) and re.search("(앞|옆|역|문|곳|정류장|터미널)$", answer):
        return "어디"
    kind_of = re.search(r"의 ([가-힣]+)$", answer)
    if kind_of and kind_of[1] in KINDS_OF:
        return f"{KINDS_OF[kind_of[1]]} {kind_of[1]}"
    return "무엇"


STAYING = frozenset("있 두 넣 걸 놓 꽂 보관하 앉 가라앉 붙이 적 남 서".split())
"""Verbs of what is or is put somewhere: 어디에."""

LEAVING = frozenset("떠나 지나 거치 들르 나서".split())
"""Verbs whose object is a place: 어디를."""

OFFICE = re.compile(
    r"(센터|위원회|협의회|회사|재단|조합|은행|연구소|관리소|사무소|보건소|[군시구]청|공단|[가-힣]{2}(과|팀|부|국|실|단))$"
)
DUTIES = frozenset(
    "맡 처리하 운영하 관리하 주관하 담당하 보관하 지원하 열 접수하 심사하 발급하 내 부담하 지급하 제공하 빌려주".split()
)
"""Endings of offices, and what they do: asked for by 어디에서."""

KINDS_OF = {
    **dict.fromkeys("위험 문제 우려 영향 효과 혜택 자격 서류 방법 제한 책임 허가 승인".split(), "어떤"),
    **dict.fromkeys("계좌 부서 기관 업체 나라 도시 지역".split(), "어느"),
    **dict.fromkeys("동의 허락 동의서 추천 추천서 서명".split(), "누구의"),
}
"""What is asked for by its kind (감전의 위험: 어떤 위험), with the word that asks."""


OFFICES = (
    r"(담당|[회부위반팀과실교원관소]장|위원|감사|총무|간사|대표|교감|교사|교수|박사|감독|선수|기자|작가|의원"
    r"|시장|군수)$"
)


def _is_place(answer: str) -> bool:
    tokens = kiwi().tokenize(answer)
    if re.search(r"(기간|시간|기한|날|중) (안|내)$", answer):
        return False
    named = tokens[-1].tag == "NNP" and PLACE_NAMES.search(answer)
    return bool(PLACES.search(answer) or named or re.search(r"[가-힣]{2}(시|군|구|읍|면)$", answer))


def is_person(answer: str) -> bool:
    """Whether the words are a Korean name of three syllables: alone as Kiwi's name, or beside an office (회장 …)."""
    office, _, name = answer.rpartition(" ")
    if name == "씨" and re.fullmatch(f"[{SURNAMES}][가-힣]{{2}}", office):
        return True
    if re.fullmatch(f"(.+ )?[{SURNAMES}][가-힣]{{2}} (이사|감사|위원|사무국장|[회부과팀소원관]장)", answer):
        return True  # 편종수 이사
    if not re.fullmatch(f"[{SURNAMES}][가-힣]{{2}}", name) or PLACE_NAMES.search(name):
        return False
    tokens = kiwi().tokenize(name)
    return bool(re.search(OFFICES, office)) or (not office and len(tokens) == 1 and tokens[0].tag == "NNP")


def _number_word(answer: str, number, rest: str) -> str:
    if re.search(r"부터.*까지$", answer):
        return "언제부터 언제까지" if re.search(r"[년월일시분요]", answer) else "어디부터 어디까지"
    if re.search(r"요일$", answer):
        return "무슨 요일"
    if re.search(r"\d월(\s?\d+일)?$|\d월 ?(상순|중순|하순|초|말)|\d년 \d+월|세기|년대|(오전|오후) ?\d", answer):
        if re.fullmatch(r"(오전|오후)?\s?\d+시(\s?\d+분)?", answer):
            return "몇 시"
        return "언제" if not re.search(r"세기$", answer) else "몇 세기"
    if number and number["unit"]:
        unit, tail = number["unit"], (number["tail"] or "")
        match = re.match(r"(.*?)(이상|이하|이내|미만|초과|안팎|정도|가량|쯤|간|동안)$", unit)
        if match and match[1]:
            unit, tail = match[1], match[2]
        if unit == "시" and tail.strip().startswith("간"):
            unit, tail = "시간", tail.strip().removeprefix("간")
        tail = (
            " " + tail.strip()
            if tail.strip() not in ("", "쯤", "안팎", "정도", "가량", "간")
            else "간"
            if tail.strip() == "간"
            else ""
        )
        front = (number["front"] or "").strip()
        front = front + " " if front in ("최대", "최소", "하루", "한 달에", "매월") else ""
        if unit == "년" and len(re.sub(r"\D", "", number["digits"])) == 4:
            return "언제" if rest.startswith(" ") else "몇 년"
        if unit == "일":
            return f"{front}며칠{tail}"
        if unit == "원":
            return f"{front}얼마{tail}"
        if unit == "시":
            return "몇 시"
        if unit in ("위", "등", "호", "번지"):
            return f"몇 {unit}"
        return f"{front}몇 {unit}{tail}"
    if re.search(r"^\d{4}년", answer):
        return "언제"
    return ""


def ask_by_rule(candidate: CandidateAnswer, title: str = "", style: str = "plain") -> str:
    """A question for a candidate answer, or "" where the rule has none to offer (a pointing word, no predicate)."""
    sentence, (start, end) = candidate.sentence, candidate.place_in_sentence
    answer, kind = sentence[start:end], candidate.kind
    cut = _opening(sentence, start)
    body, (start, end) = _without_brackets(sentence[cut:].rstrip(" .!…"), start - cut, end - cut)
    body = _wished(WISHED.sub(r"\1야 합니다", body))
    body, start, end = _with_title(body, start, end, title)
    if (
        POINTING.match(body)
        or (kind != REASON and BECAUSE.search(body))
        or end > len(body)
        or _part_of_more(body, start, end)
    ):
        return ""
    whole = find_predicate(body)
    if whole is None:
        return _ask_heading(body, start, end, answer, kind, style)
    if asked := _ask_item(body, start, end, answer, kind, style):
        return asked
    body, start, end, whole = _without_frame(body, start, end, whole)
    if whole is None:
        return ""
    body, start, end, past = _clause(body, start, end, whole)
    if past is NO_CLAUSE or ("겠", "EP") in whole.between:
        return ""
    last = find_predicate(body)
    if last and end <= last.start and (asked := _what_must_be_done(body, last, past)):
        body = asked
    if last and past is None and not last.past and last.stem[0] in ("않", "아니하") and NORMS.search(title):
        body = body[: last.start].rstrip() + " 말아야 한다"
    if past is None and whole.ending in NOUN_ENDINGS and RECORD.search(title):
        past = _verb(body, whole) in TOLD or body[: whole.start].rstrip().endswith("기로")
    predicate = find_predicate(body, ("EF", "EC"))
    if kind == REASON:
        return _ask_why(body, start, end, style)
    if predicate is None or end > predicate.start + 1:
        return ""
    word = question_word(answer, kind, body, start, _verb(body, predicate))
    if word == "무엇" and kind == NOUN:
        return ""  # one common noun of many
    opening, rest = body[:start], body[end:]
    if not word or kiwi_ends_in_modifier(opening) or re.search(r"\d[가-힣%]*, ", opening) or _before_noun(word, rest):
        return ""
    if word in CLEFT and re.match(r",? ", rest):
        return ""  # what has no particle is one of a list, or says how (한 장씩)
    first, _, second = opening.rpartition(", ")
    if has_topic(first) and has_topic(second):
        return ""  # one of two things that are told side by side (앞줄에는 세 개, 뒷줄에는 두 개)
    if word in CLEFT and (
        _ends_in_noun(opening) or ": " in opening or (not opening and re.match(r"(의|과|와|으로|로)(?![가-힣])", rest))
    ):
        return ""
    if opening and opening[-1] in "「『《〈<‘“'\"" and rest[:1] in "」』》〉>’”'\"":
        opening, rest = opening[:-1], rest[1:]
        if word == "무엇" and re.match(r" [가-힣]{2,}", rest):
            word = "어떤"  # the '고장 신고' button
    if predicate.stem[0] == "되" and word == "무엇" and re.match(r"(이|가)(?![가-힣])", rest):
        return ""  # what something becomes is a remark, not a fact to look up
    if (
        re.match(r"이?(라도|조차|마저|뿐|어서|여서|라서)|도(?![가-힣])| (첫|둘|셋|넷|마지막)째? 주", rest)
        or _same_unit_elsewhere(answer, opening + "…" + rest)
        or (word == "무엇" and rest[:1] in ("이", "가") and _modifies_next(rest))
    ):
        return ""
    asked = (
        _ask_topic(opening, rest, word, style, past)
        or _ask_amount(opening, rest, word, style, past)
        or _ask_in_place(opening, rest, word, style, past)
    )
    asked = re.sub(r"\s+", " ", asked).strip(" ,")
    asked = re.sub(r"무엇(이|가)? 등(이|을|은|의)", r"무엇\2", asked)
    if whole.ending in POLITE_ENDINGS:
        asked = without_honorifics(asked)
    if ": " in asked or any(asked.count(sign) % 2 for sign in "\"'") or asked.count("“") != asked.count("”"):
        return ""
    return asked if SHORTEST_QUESTION <= len(asked) <= LONGEST_QUESTION else ""


def ask_roughly(candidate: CandidateAnswer) -> str:
    """The whole sentence as a question, for a candidate that `ask_by_rule` has none for: a draft, not shown as such.

    The question word stands in the answer's place whatever that makes of the sentence; a line without a predicate has a
    question mark behind it, and a line that is the answer alone is left with the word (왜?), so that a row whose answer
    is given never lacks a draft. "" where it would be longer than LONGEST_ROUGH characters.
    """
    sentence, (start, end) = candidate.sentence, candidate.place_in_sentence
    cut = _opening(sentence, start)
    body, (start, end) = _without_brackets(sentence[cut:].rstrip(" .!…"), start - cut, end - cut)
    if end > len(body):
        return ""
    predicate = find_predicate(body, ("EF", "EC"))
    verb = _verb(body, predicate) if predicate else ""
    word = question_word(body[start:end], candidate.kind, body, start, verb) or "무엇"
    rest = body[end:]
    if word == "왜":
        rest = re.sub(r"^(이다|입니다|에)\S*", "", rest)
    elif word.startswith("언제"):
        rest = re.sub(r"^에(는)?(?![가-힣])", "", rest)
    follows = fit_behind(word, rest)
    if word == "누구" and re.match(r"가(?![가-힣])", follows):
        word = "누"
    text = body[:start] + word + follows
    moved = find_predicate(text, ("EF", "EC"))
    asked = re.sub(r"\s+", " ", asking(text, moved) if moved else text + "?").strip(" ,")
    if predicate and predicate.ending in POLITE_ENDINGS:
        asked = without_honorifics(asked)
    return asked if len(asked) <= LONGEST_ROUGH else ""


def _opening(sentence: str, start: int) -> int:
    """Where a sentence begins behind its mark (②) and a connective (다만), both in front of `start`; in characters."""
    mark = MARKS.match(sentence)
    cut = mark.end() if mark and mark.end() <= start else 0
    connective = CONNECTIVES.match(sentence[cut:])
    return cut + connective.end() if connective and cut + connective.end() <= start else cut


def plainness(question: str) -> float:
    """How simply a question of the rule is built, 0 to 1: short, one clause, the thing it is about in front."""
    in_place = bool(re.search(r"무엇(?!인가)", question))
    tokens = kiwi().tokenize(question)
    subject = any(token.tag == "JKS" or (token.tag == "JX" and token.form in ("은", "는")) for token in tokens)
    score = 0.95 - 0.01 * max(0, len(question) - 34) - 0.08 * clauses_of(question[:-1]) - 0.08 * in_place
    score -= 0 if subject else 0.15
    return max(0.1, min(0.95, score))


def _wished(body: str) -> str:
    """A wish (신청하시기 바랍니다) as what must be done (신청해야 한다); any other sentence as it is."""
    tokens = kiwi().tokenize(body) if re.search(r"기를? ?바랍니다$", body) else []
    for place in range(len(tokens) - 1, 0, -1):
        if tokens[place].tag == "ETN":
            stem = tokens[place - 1 - (tokens[place - 1].tag == "EP")]
            return body[: stem.start] + kiwi().join([(stem.form, stem.tag), ("어야", "EC")]) + " 한다"
    return body


def _with_title(body: str, start: int, end: int, title: str) -> tuple[str, int, int]:
    """The body with its document's title in place of "this rule", "this product", where the title is called so."""
    this = re.match(r"이 ([가-힣]{2,4})(?=[은는이가을를의에])", body)
    name = title.split(" > ")[0].strip()
    if not this or this.end() > start or not name.endswith(this[1]):
        return body, start, end
    shift = len(name) - this.end()
    return name + body[this.end() :], start + shift, end + shift


NORMS = re.compile(r"규정|규칙|규약|내규|회칙|수칙|지침|요령|작업 안내|안전")
"""Titles of papers that say what must not be done by saying that it is not (당기지 않는다)."""

NOUN_ENDINGS, RECORD = ("음", "ᆷ", "ᆷ음"), re.compile(r"회의|의사록|기록|경과|보고")
"""Endings of minutes and reports in note form (보고함), and titles of papers where they tell what was."""


def _verb(body: str, predicate) -> str:
    """The stem of a predicate, with its noun where it is made of one (보고하)."""
    form, tag = predicate.stem
    before = kiwi().tokenize(body[: predicate.start])[-1:] if tag.startswith("XSV") else []
    return (before[0].form if before else "") + form


TOLD = frozenset(
    "보고하 참석하 확인하 결정하 승인하 의결하 가결하 부결하 선출하 논의하 검토하 제안하 요청하 지적하 설명하 밝히 "
    "말하 발표하 합의하 나오 들어오 열리 열 마치 끝나 늘 줄 걸리 들 쓰이".split()
)
"""What minutes tell as done; what else stands in note form there (5월 14일까지 받음) may be yet to come."""

POLITE_ENDINGS = (
    "습니다",
    "ᆸ니다",
    "어요",
    "아요",
    "에요",
    "예요",
    "ᆯ게요",
    "세요",
    "으세요",
    "십시오",
    "으십시오",
    "시오",
)


def _part_of_more(body: str, start: int, end: int) -> bool:
    """Whether the words are torn out of something whole: a Latin name, a quoted sentence."""
    return bool(re.match(r"\s?[A-Za-z]", body[end:])) or bool(
        re.search(r"[다요까]\.?$", body[start:end]) and " " in body[start:end]
    )


def _same_unit_elsewhere(answer: str, others: str) -> bool:
    """Whether the sentence holds another amount of the answer's unit, so that the question would compare two."""
    number = NUMBER_FORM.fullmatch(answer)
    unit = number["unit"] if number and number["digits"][0].isdigit() else ""
    return bool(unit) and bool(re.search(rf"\d[\d,.]*\s?[천만억]*\s?{re.escape(unit)}(?!월)", others))


def _before_noun(word: str, rest: str) -> bool:
    """Whether the words stand in front of what they belong to (고려 시대 가마터, 옹기 가마 두 곳)."""
    if re.match(r"\s(\d|[한두세네] )|[’'”\"]? ?(이상|이하|미만|초과)", rest):
        return True
    asks_for_more = word in CLEFT or word.startswith(("언제", "몇 시", "몇 층"))
    return (
        asks_for_more and rest.startswith(" ") and kiwi().tokenize(rest)[0].tag in ("NNG", "NNP") and not _adverb(rest)
    )


def _adverb(rest: str) -> bool:
    return kiwi().tokenize(rest)[0].form in TIMES


def _modifies_next(rest: str) -> bool:
    """Whether the words are subject or object of a clause that modifies a noun (마디 사이가 짧은 것을 …)."""
    if not re.match(r"(이|가|을|를)(?![가-힣])", rest):
        return False
    return _ending_behind(kiwi().tokenize(rest[1:])) == "ETM"


def _ask_in_place(opening: str, rest: str, word: str, style: str, past: bool | None) -> str:
    """The sentence with the question word in the answer's place; "" where the sentence goes on too long behind it."""
    if word == "언제까지":
        rest = re.sub(r"^(에|까지)(?![가-힣])(는)?", "", rest)
    elif word.startswith("언제"):
        rest = re.sub(r"^에(는)?(?![가-힣])", "", rest)
    elif word == "어디에서":
        rest = re.sub(r"^(이|가)(?![가-힣])", "", rest)
    follows = fit_behind(word, rest)
    if re.match(r"(은|는)(?![가-힣])", follows) or (re.match(r"\S*, ", follows) and has_topic(follows)):
        return ""
    behind = re.sub(r"^(이|가|을|를)(?![가-힣])", "", follows)
    long = len(opening + follows) > LONGEST_IN_PLACE
    object_of_last = behind != follows and _one_predicate(behind) and not opening.endswith("의 ")
    if re.match(r"(이|가)(?![가-힣])", rest):  # 배는 수산팀이 처리한다: what 배 is to 처리하다, a cleft would not say
        has_object = any(token.tag == "JKO" for token in kiwi().tokenize(opening + behind))
        object_of_last = object_of_last and has_object and not has_topic(opening)
    asked = _cleft(opening, behind.strip(), word, style, past) if word == "무엇" and long and object_of_last else ""
    if asked:
        return asked
    if len(follows) > LONGEST_BEHIND or clauses_of(follows) > 1:
        return ""
    if word == "누구" and re.match(r"가(?![가-힣])", follows):
        word = "누"
    text = opening + word + follows
    moved = find_predicate(text, ("EF", "EC"))
    return asking(text, moved, style, past) if moved else ""


def _ends_in_noun(opening: str) -> bool:
    """Whether a noun without a particle stands in front, so that both are one name (추사 김정희)."""
    tokens = kiwi().tokenize(opening)
    quoted = opening.rstrip()[-1:] in ("’", "”", "」", "』") and opening[-1:] == " "
    noun = bool(tokens) and tokens[-1].tag in ("NNG", "NNP", "SL", "XSN") and tokens[-1].form not in TIMES
    return noun or quoted


TIMES = frozenset(
    "오늘 내일 어제 지난해 올해 내년 매년 매월 매일 매주 현재 당시 평소 대부분 모두 처음 다시 직접 서로 각각 "
    "주로".split()
)


def _one_predicate(text: str) -> bool:
    """Whether nothing but the last predicate can govern what stands in front of the text."""
    tokens = kiwi().tokenize(text)
    modifying = any(
        one.tag == "ETM" and (other.tag != "NNB" or other.form == "것") and other.form not in ("예정", "계획")
        for one, other in itertools.pairwise(tokens)
    )
    return not modifying and not clauses_of(text)


def clauses_of(text: str) -> int:
    """How many clauses end in a connective there (…고, …면, …므로), auxiliaries (…고 있다, …지 않다) not counted."""
    tokens = [token for token in kiwi().tokenize(text) if token.tag != "SP"]
    return sum(
        one.tag == "EC"
        and other.tag not in ("VX", "VX-R", "VX-I")
        and other.form not in ("있", "하", "되", "않", "못하")
        for one, other in itertools.pairwise(tokens)
    )


def _ask_topic(opening: str, rest: str, word: str, style: str, past: bool | None) -> str:
    """For an answer that is the sentence's topic or first subject: what is said of it, and what it is."""
    follows = re.match(r"(은|는|이|가)(?![가-힣])", fit_behind(word, rest))
    subject_again = follows and follows[1] in "이가" and any(token.tag == "JKS" for token in kiwi().tokenize(rest[1:]))
    if (
        opening.strip()
        or not follows
        or subject_again
        or word not in CLEFT
        or (", " in rest and has_topic(rest.split(", ", 1)[1]))
        or len(rest) < SHORTEST_DESCRIPTION
    ):
        return ""
    return _cleft("", rest[follows.end() :].strip(), word, style, past)


def _ask_amount(opening: str, rest: str, word: str, style: str, past: bool | None) -> str:
    """For an amount behind its name (회수 비용 5,000원이 청구된다): 청구되는 회수 비용은 얼마인가."""
    follows = re.match(r"(이|가|을|를)(?![가-힣])", rest)
    if not follows or not re.match(r"(몇|얼마)", word) or not opening.endswith(" "):
        return ""
    behind = rest[follows.end() :].strip()
    if has_topic(behind):
        return ""
    tokens = kiwi().tokenize(opening.rstrip())
    place = len(tokens)
    while place and tokens[place - 1].tag in ("NNG", "NNP", "XSN", "XPN", "NNB", "SL"):
        place -= 1
    if place == len(tokens) or (clauses_of(behind) and len(behind) > SHORT_CHAIN):
        return ""
    begin = opening.rfind(" ", 0, tokens[place].start) + 1  # where the whole word begins
    name, front = opening[begin:].strip(), opening[:begin]
    if len(name) < 2 or name in NO_AMOUNT or re.search(r"\d", name) or kiwi_ends_in_modifier(front):
        return ""
    if re.search(r"([과와,]|및) $", front) or _modifies_next(rest):
        return ""  # one thing of two (승객 24명과 경운기 한 대를), or what only a clause says of another
    return _cleft(front, behind, word, style, past, name)


NO_AMOUNT = (
    frozenset("하루 매일 매월 매년 매주 연간 월간 평균 최대 최소 모두 현재 전체 각각 가운데 지난해 올해 내년".split())
    | TIMES
)


def _ask_item(body: str, start: int, end: int, answer: str, kind: str, style: str) -> str:
    """For one of several "X는 Y, …" or "X는 Y이다" items: X는 얼마인가."""
    begin = max(body.rfind(", ", 0, start) + 2, 0) if ", " in body[:start] else 0
    head = body[begin:start]
    closed = re.match(CLOSES_ITEM, body[end:]) or (
        kind == NUMBER and re.match(r"(으로|로)(,| )", body[end:]) and _compares(body)
    )
    topic = re.fullmatch(r"(.{2,24}[가-힣A-Za-z0-9)’'」』])(은|는) ", head)
    if (
        not closed
        or not topic
        or kiwi().tokenize(head.rstrip())[-1].tag != "JX"
        or clauses_of(head)
        or not find_predicate(body)
    ):
        return ""
    word = question_word(answer, kind, body, start)
    if word == "왜" and re.search(r"(까닭|이유)$", topic[1]):
        word = "무엇"
    elif word in ("", "무엇", "왜"):
        return ""
    return f"{topic[1]}{topic[2]} {word}{ASKED_NOUN[style]}?"


CLOSES_ITEM = re.compile(r"(,|이고|고|이며|며|이지만|지만|입니다|이다|다$|예요|이에요|이고요)")


def _compares(body: str) -> bool:
    """Whether a sentence says how an amount compares (…보다 비싸다, …를 웃돌았다)."""
    predicate = find_predicate(body)
    return predicate is not None and (predicate.stem[1].startswith("VA") or predicate.stem[0] in COMPARING)


COMPARING = frozenset("웃돌 밑돌 넘 달하 그치 앞서".split())


ASKED_NOUN = {"plain": "인가", "polite": "인가요"}


def _without_frame(body: str, start: int, end: int, whole):
    """What was said, without who said it (…를 7월 5일 마쳤다고 보고했다): the inner sentence and its predicate."""
    tokens = kiwi().tokenize(body)
    for place in range(len(tokens) - 1, 0, -1):
        token = tokens[place]
        if token.tag == "EC" and token.form in ("다고", "ᆫ다고", "는다고"):
            behind = kiwi().tokenize(body[token.end :])
            said = any(one.form in SAYING for one in behind) and len(behind) <= 6
            if not said:
                return body, start, end, whole
            if end > token.start:
                return body, start, end, None
            if re.match(r"(은|는|이|가)(?![가-힣])", body[end:]):
                return body, start, end, whole  # who said it may be what is asked for
            inner = body[: token.end - 1]
            return inner, start, end, find_predicate(inner)
    return body, start, end, whole


SAYING = frozenset("밝히 말하 말 전하 설명 보고 덧붙이 강조 주장 알리 발표 답하 답 제안 요청 지적".split())


CLEFT = {"무엇": ("것", "무엇"), "누구": ("사람", "누구"), "어디": ("곳", "어디")}
"""What stands for the answer where it was the topic: 장마철에 번지는 것은 무엇인가."""


def _cleft(front: str, rest: str, word: str, style: str, past: bool | None, name: str = "") -> str:
    """The question whose topic is what is asked for: the predicate modifies 것, 사람, 곳, or the amount's name."""
    predicate = find_predicate(rest, ("EF", "EC"))
    half = re.search(r"[가-힣](고|며|거나),? $", front)  # 앞당기고 … 늦추는 것: half of two things
    if half or predicate is None or not (front + rest[: predicate.start]).strip():
        return ""
    if (clauses_of(front) and has_topic(front)) or has_topic(rest[: predicate.start]):
        return ""
    if predicate.stem[1].startswith(("VCP", "VCN")):
        return ""
    before = past or predicate.past
    between = [(form, tag) for form, tag in predicate.between if form not in (*PAST, "시") or form == "겠"]
    verb = predicate.stem[1].split("-")[0] in VERBS and predicate.stem[0] not in LIKE_VERBS
    like_verb = predicate.stem[0] in LIKE_VERBS or (verb and predicate.asks_like == "verb")
    ending = "던" if before and not verb else "ᆫ" if before or not like_verb else "는"
    noun, asks = (name, word) if name else CLEFT[word]
    clause = (
        _topic_as_subject(front) + rest[: predicate.start] + kiwi().join([predicate.stem, *between, (ending, "ETM")])
    )
    return f"{clause} {noun}{fit_behind(noun, '은')} {asks}{ASKED_NOUN[style]}?"


def _topic_as_subject(front: str) -> str:
    """The words in front of a modifying clause, which has no topic: 가입자는 to 가입자가, 흙에는 to 흙에."""
    for token in kiwi().tokenize(front):
        if token.tag == "JX" and token.form in ("은", "는") and front[token.start : token.end] in ("은", "는"):
            bare = front[: token.start]
            if re.search(r"(에|에서|로|까지|부터|에게|께)$", bare) and not re.search(
                r"[가-힣]+(도로|수로|통로)$", bare
            ):
                return bare + front[token.end :]
            return bare + fit_behind(bare, "이") + front[token.end :]
        if token.tag == "EC":
            return front
    return front


def kiwi_ends_in_modifier(text: str) -> bool:
    """Whether a text ends in a predicate that modifies what follows (병든, 늦서리가 끝나는)."""
    tokens = kiwi().tokenize(text)
    return bool(tokens) and tokens[-1].tag in ("ETM", "MM")


def _what_must_be_done(body: str, predicate, past: bool | None) -> str:
    """A request (신청해 주세요, 누르십시오) as what must be done (신청해야 한다); "" for any other sentence."""
    polite = any(form in ("시", "으시") for form, _ in predicate.between)
    if past is not None or (not (polite and predicate.ending in ("어요", "ᆸ시오")) and predicate.ending not in REQUESTS):
        return ""
    if predicate.stem == ("주", "VX"):
        return body[: predicate.start].rstrip() + "야 한다"
    return body[: predicate.start] + kiwi().join([predicate.stem, ("어야", "EC")]) + " 한다"


REQUESTS = ("세요", "으세요", "십시오", "으십시오", "시오")


def _ask_heading(body: str, start: int, end: int, answer: str, kind: str, style: str) -> str:
    """A question for a line "name: value": "신청 기한: 3월 2일" asks "신청 기한은 언제인가?"."""
    match = re.match(r"([가-힣A-Za-z0-9 ·()]{2,30}?)\s?[:：]\s?", body)
    if (
        not match
        or start < match.end()
        or body[match.end() :].strip() != answer.strip()
        or not ATTRIBUTE.search(match[1])
    ):
        return ""
    name = match[1].strip()
    word = next((word for ending, word in ASKED_BY_NAME.items() if re.search(ending, name)), "")
    word = word or question_word(answer, kind, body, start) or "무엇"
    return f"{name}{fit_behind(name, '은')} {word}{ASKED_NOUN[style]}?"


ASKED_BY_NAME = {
    r"(기간|기한|일시|날짜|마감)$": "언제",
    r"(장소|위치|주소|접수처|문의처)$": "어디",
    r"(담당자|강사|책임자|진행자)$": "누구",
}
"""What the value of a line is asked for by, where its name says so."""


def _without_brackets(body: str, start: int, end: int) -> tuple[str, tuple[int, int]]:
    """The body without what stands in round brackets outside of the answer."""
    for match in reversed(list(re.finditer(r"\s?\([^()]*\)", body))):
        if match.end() <= start:
            body = body[: match.start()] + body[match.end() :]
            start, end = start - len(match[0]), end - len(match[0])
        elif match.start() >= end:
            body = body[: match.start()] + body[match.end() :]
    return body, (start, end)


NO_CLAUSE = "no clause of its own"


def _clause(body: str, start: int, end: int, whole) -> tuple[str, int, int, bool | None]:
    """The clause of the answer with the topic of the first, where the sentence joins clauses by 고, 며, 지만, 는데.

    And whether the past tense of the last predicate must be carried into it (None: it is the last clause).
    """
    tokens = kiwi().tokenize(body)
    cuts = []
    for place, token in enumerate(tokens):
        if (
            token.tag == "EC"
            and token.form in ("고", "며", "으며", "지만", "으나", "나", "는데", "ᆫ데", "은데", "되")
            and place + 1 < len(tokens)
        ):
            comma = tokens[place + 1].form == ","
            if comma or (token.form in ("며", "으며", "지만") and tokens[place + 1].start > token.end):
                cuts.append((token.end, token.end + 1 if comma else token.end))
        elif token.tag == "EC" and token.form in ("므로", "으므로", "기에", "니", "으니", "ᆯ뿐더러"):
            after = token.end + 1 if body[token.end : token.end + 1] == "," else token.end
            cuts.append((token.end, after))
        elif (
            token.tag == "EC"
            and token.form == "고"
            and end <= token.start
            and tokens[place + 1].tag[:2] not in ("VX", "JX")
            and tokens[place + 1].form not in ("있", "나", "말", "싶")
            and len(body) - token.end > SHORT_CHAIN // 2
        ):
            cuts.append((token.end, token.end))
    if not cuts:
        return body, start, end, None
    begins = [0, *(after for _, after in cuts)]
    ends = [*(before for before, _ in cuts), len(body)]
    mine = next((i for i, (b, e) in enumerate(zip(begins, ends, strict=True)) if b <= start and end <= e), None)
    if mine is None:
        return body, start, end, None
    clause = body[begins[mine] : ends[mine]]
    lead = len(clause) - len(clause.lstrip())
    clause = clause.strip()
    start, end = start - begins[mine] - lead, end - begins[mine] - lead
    inside = kiwi().tokenize(clause)
    has_subject = any(t.tag == "JKS" or (t.tag == "JX" and t.form in ("은", "는")) for t in inside)
    if mine and not has_subject:
        if any(t.tag == "VCP" for t in kiwi().tokenize(body[: ends[0]])[-3:]):
            return body, start, end, NO_CLAUSE  # what X is says nothing of what else X does
        topic = _topic(body[: ends[0]])
        if topic:
            clause, start, end = f"{topic} {clause}", start + len(topic) + 1, end + len(topic) + 1
        else:
            return body, start + begins[mine] + lead, end + begins[mine] + lead, None
    past = whole.past if mine < len(ends) - 1 else None
    return clause, start, end, past


def _topic(clause: str) -> str:
    """The words up to the first topic or subject particle of a clause; "" where there is none near its beginning.

    The subject of a clause that modifies a noun is none: 두께가 8mm보다 얇은 숫돌은.
    """
    tokens = kiwi().tokenize(clause)
    for place, token in enumerate(tokens):
        topic = token.tag == "JX" and token.form in ("은", "는")
        ends = _ending_behind(tokens[place:])
        if topic or (token.tag == "JKS" and ends not in ("ETM", "ETN")):
            return clause[: token.end] if token.end <= 30 else ""
        if token.tag == "JKS":
            return _topic_behind(clause, tokens[place:])
        if token.tag in ("EC", "ETM"):
            return ""
    return ""


def _ending_behind(tokens) -> str:
    """The tag of the ending of the first predicate there, auxiliaries (떠 있을, 얇아진) counted with it."""
    for token, behind in itertools.pairwise(tokens):
        if token.tag in ("EF", "ETM", "ETN") or (token.tag == "EC" and not behind.tag.startswith("VX")):
            return token.tag
    return ""


def _topic_behind(clause: str, tokens) -> str:
    """The words up to the topic of a clause that begins with a modifying one; "" where it has none."""
    for token in tokens:
        if token.tag == "EC":
            return ""
        if token.tag == "JX" and token.form in ("은", "는"):
            return clause[: token.end] if token.end <= 30 else ""
    return ""


def _ask_why(body: str, start: int, end: int, style: str) -> str:
    """For "X는 Y기 때문이다": nothing is left to ask but X itself, which must be a clause (…는 것은)."""
    topic = body[:start].strip()
    match = re.fullmatch(r"(.+(?:는|은|ᆫ|던|[가-힣])) 것은", topic)
    if not match:
        return ""
    return f"{match[1]} 이유는 무엇{'인가요' if style == 'polite' else '인가'}?"
