"""A question out of a sentence without any model: the floor that a trained model is held against, and its draft.

Korean asks in place: the answer gives way to a question word, the last predicate takes an interrogative ending, nothing
moves. What is more here than that: which question word, which clause, and which sentences to leave alone.
"""

import re

from korqg.asking.candidates import NUMBER, REASON, TIME, CandidateAnswer
from korqg.asking.endings import LIKE_VERBS, PAST, VERBS, asking, find_predicate
from korqg.asking.particles import fit_behind
from korqg.sentences import kiwi

LONGEST_QUESTION = 90
POINTING = re.compile(
    r"\s*(이|그|저|이런|그런|이러한|그러한|이때|그때|이는|이것|그것|이를|그를|여기|이곳|그곳|이후|그는|그녀|이들|그들"
    r"|이처럼|이 경우|이와|그 결과|전자|후자)(?=[\s은는이가을를의에도로와과,]|$)"
)
"""A sentence that begins with one of these cannot stand alone."""

CONNECTIVES = re.compile(
    r"^\s*(또한|또|그리고|따라서|그래서|그러나|하지만|다만|특히|즉|곧|예를 들어|예를 들면|반면에?|한편|결국|물론|실제로"
    r"|그런데|단|더불어|이어|이어서|그러므로|그렇지만|게다가|먼저|우선|마지막으로|끝으로|네|예|아니요|아니오)\s*,?\s+"
)
MARKS = re.compile(r"^\s*([①-⑳㉠-㉻]|[-•▪○●◦※*]|\(?\d{1,2}[.)]|[가-하][.)]|제\d+조(의\d+)?(\([^)]*\))?|[QA][.:)])\s*")
"""What stands in front of an item or an article and is not part of its sentence."""

PEOPLE = re.compile(
    r"(사람|관리자|담당자|책임자|신청자|이용자|참가자|참석자|소유자|연구자|기자|학자|저자|환자|사용자|운전자|설립자|창립자|제작자|진행자|지도자|직원|회원|의원|위원|"
    r"사원|요원|승무원|연구원|학생|선생|교사|강사|의사|간호사|변호사|판사|주인|시인|군인|노인|외국인|본인|상인|장인|장군|대왕|[가-힣]왕|황제|대통령|교수|박사|작가|"
    r"화가|감독|선수|회장|사장|원장|관장|소장|부장|팀장|과장|반장|위원장|총장|교장|단장|어린이|보호자|주민|입주민|가족|부모|손님|고객|청소년|승려|선사|대사|신하|왕비|왕자)$"
)
PLACES = re.compile(
    r"(건물|시|도|군|구|읍|면|동|리|역|관|실|과|센터|공원|도서관|학교|병원|섬|산|강|바다|나라|층|곳|지역|지방|마을|광장|시장|공장|연구소|사무소|사무실|창구|로비|강당|복도|교실|운동장|주차장|극장|매장|회의실|누리집|홈페이지|박물관|미술관|체육관|회관|대학|대학교|은행|우체국|해변|호수|앞|옆|안|밖|위|아래|속|입구|쪽)$"
)
HUMAN_VERBS = frozenset(
    (
        "짓 쓰 만들 세우 말하 밝히 발견하 발명하 주장하 태어나 죽 맡 신청하 제출하 그리 이끌 가르치 배우 고안하 "
        "설립하 설계하 지휘하 작곡하 발표하 제안하 임명하 승인하 정하 부담하 "
    ).split()
)
NUMBER_FORM = re.compile(
    r"(?P<front>(약|총|최대|최소|모두|영하|오전|오후|매월|매년|하루|한 달에)\s?)?"
    r"(?P<digits>[\d,.]+(\s?[~∼–-]\s?[\d,.]+)?\s?(천|만|백|억|조)*"
    r"|(한|두|세|네|다섯|여섯|일곱|여덟|아홉|열|스무|서|너|석|넉|한두|두세|서너|대여섯)(?= ))\s?"
    r"(?P<unit>[가-힣A-Za-z%℃㎡㎝㎏]+?)??"
    r"(?P<tail>(\s?(이상|이하|이내|미만|초과|안팎|정도|가량|쯤|전|후|뒤|간|동안))*)"
)
"""A number as an answer: what stands in front of it, the digits, the unit, and what limits it."""


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
    if re.search(
        r"(봄|여름|가을|겨울|아침|저녁|새벽|밤|당일|다음 날|전날|하순|상순|중순|무렵|시대|초|말|때|주말|평일|공휴일)$",
        answer,
    ) and re.match(r"(에|부터|까지|이|은|는|,|\s)", rest):
        return "언제"
    if re.match(r"(에서|에|으로|로)(?![가-힣])", rest) and PLACES.search(last):
        return "어디"
    if PEOPLE.search(last) and re.match(r"(이|가|은|는|에게|께|의|을|를|과|와|만|이다|이며|입니다)", rest):
        return "누구"
    if re.match(r"(에게|께서|께|한테)", rest):
        return "누구"
    if (
        verb in HUMAN_VERBS
        and re.match(r"(이|가)(?![가-힣])", rest)
        and re.fullmatch(r"[가-힣]{2,4}|[가-힣]+ [가-힣]+", answer)
    ):
        tags = [token.tag for token in kiwi().tokenize(answer)]
        if tags and all(tag == "NNP" for tag in tags):
            return "누구"
    if re.match(r"(와|과) 같은|\s(같은|등)", rest):
        return "무엇"
    return "무엇"


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
            return "몇 년"
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
    answer = sentence[start:end]
    mark = MARKS.match(sentence)
    cut = mark.end() if mark and mark.end() <= start else 0
    connective = CONNECTIVES.match(sentence[cut:])
    if connective and cut + connective.end() <= start:
        cut += connective.end()
    body = sentence[cut:].rstrip(" .!…")
    start, end = start - cut, end - cut
    body, (start, end) = _without_brackets(body, start, end)
    if POINTING.match(body) or end > len(body):
        return ""
    whole = find_predicate(body)
    if whole is None:
        return _ask_heading(body, start, end, answer, candidate.kind)
    body, start, end, past = _clause(body, start, end, whole)
    if end <= whole.start and (asked := _what_must_be_done(body, whole, past)):
        body = asked
    predicate = find_predicate(body, ("EF", "EC"))
    if candidate.kind != REASON and (predicate is None or end > predicate.start + 1):
        return ""
    if candidate.kind == REASON:
        return _ask_why(body, start, end, style)
    word = question_word(answer, candidate.kind, body, start, predicate.stem[0])
    if not word:
        return ""
    rest = body[end:]
    opening = body[:start]
    if kiwi_ends_in_modifier(opening) and word in ("무엇", "누구", "왜"):
        word = {"무엇": "것", "누구": "사람"}.get(word, "")
        return ""
    if word.startswith("언제") and re.match(r"에(?![가-힣])|에는|에(?=는)", rest):
        rest = re.sub(r"^에(는)?", r"", rest)
    if opening and opening[-1] in "「『《〈<‘“'\"" and rest[:1] in "」』》〉>’”'\"":
        opening, rest = opening[:-1], rest[1:]
    follows = fit_behind(word, rest)
    if re.match(r"(은|는|이|가)(?![가-힣])", follows) and word in CLEFT and not opening.strip():
        return _cleft(follows.lstrip("은는이가").strip(), word, style, past)
    if re.match(r"(은|는)(?![가-힣])", follows):
        return ""
    if word == "누구" and re.match(r"가(?![가-힣])", follows):
        word, follows = "누", follows
    if re.match(r"(이|가|은|는)?\s?(있|없)", follows) and word == "무엇":
        pass
    shift = len(opening) + len(word) + len(follows) - len(body)
    text = opening + word + follows
    moved = find_predicate(text, ("EF", "EC"))
    if moved is None:
        return ""
    question = asking(text, moved, style, past)
    question = re.sub(r"\s+", " ", question).strip(" ,")
    question = re.sub(r"무엇(이|가)? 등(이|을|은|의)", r"무엇\2", question)
    return question if 6 <= len(question) <= LONGEST_QUESTION and shift < 60 else ""


CLEFT = {"무엇": ("것", "무엇"), "누구": ("사람", "누구"), "어디": ("곳", "어디")}
"""What stands for the answer where it was the topic: 장마철에 번지는 것은 무엇인가."""


def _cleft(rest: str, word: str, style: str, past: bool | None) -> str:
    """The question whose topic is what is asked for: its predicate modifies 것, 사람 or 곳."""
    predicate = find_predicate(rest, ("EF", "EC"))
    if predicate is None or not rest[: predicate.start].strip():
        return ""
    if predicate.stem[1].startswith(("VCP", "VCN")):
        return ""
    before = past or predicate.past
    between = [(form, tag) for form, tag in predicate.between if form not in (*PAST, "시") or form == "겠"]
    like_verb = predicate.stem[0] in LIKE_VERBS or (
        predicate.stem[1].split("-")[0] in VERBS and predicate.asks_like == "verb"
    )
    ending = (
        "ᆫ"
        if before and predicate.stem[1].split("-")[0] in VERBS and predicate.stem[0] not in LIKE_VERBS
        else "던"
        if before
        else "는"
        if like_verb
        else "ᆫ"
    )
    noun, asks = CLEFT[word]
    clause = rest[: predicate.start] + kiwi().join([predicate.stem, *between, (ending, "ETM")])
    return re.sub(r"\s+", " ", f"{clause} {noun}은 {asks}{'인가요' if style == 'polite' else '인가'}?")


def kiwi_ends_in_modifier(text: str) -> bool:
    """Whether a text ends in a predicate that modifies what follows (병든, 늦서리가 끝나는)."""
    tokens = kiwi().tokenize(text)
    return bool(tokens) and tokens[-1].tag == "ETM"


def _what_must_be_done(body: str, predicate, past: bool | None) -> str:
    """A request (신청해 주세요, 누르십시오) as what must be done (신청해야 한다); "" for any other sentence."""
    polite = ("시", "EP") in predicate.between
    if past is not None or (not (polite and predicate.ending in ("어요", "ᆸ시오")) and predicate.ending not in REQUESTS):
        return ""
    if predicate.stem == ("주", "VX"):
        return body[: predicate.start].rstrip() + "야 한다"
    return body[: predicate.start] + kiwi().join([predicate.stem, ("어야", "EC")]) + " 한다"


REQUESTS = ("세요", "으세요", "십시오", "으십시오", "시오")


def _ask_heading(body: str, start: int, end: int, answer: str, kind: str) -> str:
    """A question for a line "name: value": "신청 기한: 3월 2일" asks "신청 기한은 언제인가?"."""
    match = re.match(r"([가-힣A-Za-z0-9 ·()]{2,30}?)\s?[:：]\s?", body)
    if not match or start < match.end() or body[match.end() :].strip() != answer.strip():
        return ""
    word = question_word(answer, kind, body, start) or "무엇"
    name = match[1].strip()
    return f"{name}{fit_behind(name, '은')} {word}{'인가' if True else ''}?"


def _without_brackets(body: str, start: int, end: int) -> tuple[str, tuple[int, int]]:
    """The body without what stands in round brackets outside of the answer."""
    for match in reversed(list(re.finditer(r"\s?\([^()]*\)", body))):
        if match.end() <= start:
            body = body[: match.start()] + body[match.end() :]
            start, end = start - len(match[0]), end - len(match[0])
        elif match.start() >= end:
            body = body[: match.start()] + body[match.end() :]
    return body, (start, end)


def _clause(body: str, start: int, end: int, whole) -> tuple[str, int, int, bool | None]:
    """The clause of the answer with the topic of the first, where the sentence joins clauses by 고, 며, 지만, 는데.

    And whether the past tense of the last predicate must be carried into it (None: it is the last clause).
    """
    tokens = kiwi().tokenize(body)
    cuts = []
    for place, token in enumerate(tokens):
        if (
            token.tag == "EC"
            and token.form in ("고", "며", "으며", "지만", "으나", "나", "는데", "ᆫ데", "은데")
            and place + 1 < len(tokens)
        ):
            comma = tokens[place + 1].form == ","
            if comma or (token.form in ("며", "으며", "지만") and tokens[place + 1].start > token.end):
                cuts.append((token.end, token.end + 1 if comma else token.end))
        elif (
            token.tag == "EC" and token.form in ("므로", "으므로", "기에", "니", "으니", "ᆯ뿐더러") and token.end < start
        ):
            after = token.end + 1 if body[token.end : token.end + 1] == "," else token.end
            cuts.append((token.end, after))
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
        topic = _topic(body[: ends[0]])
        if topic:
            clause, start, end = f"{topic} {clause}", start + len(topic) + 1, end + len(topic) + 1
        else:
            return body, start + begins[mine] + lead, end + begins[mine] + lead, None
    past = whole.past if mine < len(ends) - 1 else None
    return clause, start, end, past


def _topic(clause: str) -> str:
    """The words up to the first topic or subject particle of a clause; "" where there is none near its beginning."""
    for token in kiwi().tokenize(clause):
        if (token.tag == "JX" and token.form in ("은", "는")) or token.tag == "JKS":
            return clause[: token.end] if token.end <= 30 else ""
        if token.tag in ("EC", "ETM"):
            return ""
    return ""


def _ask_why(body: str, start: int, end: int, style: str) -> str:
    """For "X는 Y기 때문이다": nothing is left to ask but X itself, which must be a clause (…는 것은)."""
    topic = body[:start].strip()
    match = re.fullmatch(r"(.+(?:는|은|ᆫ|던|[가-힣])) 것은", topic)
    if not match:
        return ""
    return f"{match[1]} 이유는 무엇{'인가요' if style == 'polite' else '인가'}?"
