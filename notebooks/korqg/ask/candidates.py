"""Candidate answers: the words of a chunk that a question could ask for, by Kiwi's tags.

In each sentence numbers with their unit, dates and times (ranges whole), names, quoted titles, and noun phrases without
their particle. A question is asked about one of them at a time; see `CandidateAnswer`.
"""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from korqg.sentences import kiwi, sentence_spans

NUMBER, TIME, QUOTED, NAME, REASON, PHRASE, NOUN = "number", "time", "quoted", "name", "reason", "phrase", "noun"
# How promising each kind is; within a kind, the longer phrase first.
WORTH = {NUMBER: 6, TIME: 6, QUOTED: 5, NAME: 4, REASON: 4, PHRASE: 3, NOUN: 1}
WEAK_NUMBERS = re.compile(r"(한|두|세|네|서너|두세|대여섯) ")
# One or two of what nobody counts (두 손), and one as a measure (한 달에)
NOT_COUNTED = re.compile(
    r"(한|두) (?!번|달|해|주|시간|개|명|분|대|장|마리|그루|켤레|곳|사람|가지|차례|줄|칸|층|단계|종류|집|벌|잔|병|살|쪽"
    r"|편|권|포기|쌍|팀|점|배|통|글자|상자|봉지|컵|큰술|숟|자리|학기|세트|회|갈래)"
)
ONE_OF_EACH = re.compile(r"한 \S+에(?![게서])")
NOUNS = ("NNG", "NNP", "NR", "SL", "SH", "XPN", "XSN", "XR")
TIME_UNITS = frozenset("년 월 일 시 분 초 세기 년대 요일 주 주일 개월 시간 달".split())
AFTER_NUMBER = frozenset(
    "상순 중순 하순 초 말 무렵 경 이상 이하 이내 미만 초과 안팎 정도 가량 쯤 여 전 후 뒤 간 동안 사이".split()
)
BEFORE_NUMBER = frozenset(
    "약 오전 오후 밤 새벽 아침 저녁 낮 매월 매년 매주 기원전 서기 최대 최소 총 제 만 영하 영상".split()
)
EMPTY_NOUNS = frozenset(
    (
        "것 수 때 등 중 점 경우 때문 이 그 저 위 아래 다음 이상 이하 이후 이전 가운데 속 안 밖 앞 뒤 곳 "
        "데 바 줄 뿐 정도 대부분 모두 각각 자신 자체 여기 거기 저기 오늘 지금 내용 사항 관련 해당 필요 가능 "
        "이번 당시 결과 과정 사이 동안 이것 그것 저것 하나 일부 나머지 사람 우리 처음 마지막 함께 그중 이때 "
        "그때 이곳 그곳 전체 자기 서로 스스로 번 씩 "
    ).split()
)
OPENING, CLOSING = "「『《〈<‘“'\"", "」』》〉>’”'\""
ROW_OF_A_TABLE = re.compile(r"\S\s*\|\s*\S|\t")
LONGEST_ANSWER, LONGEST_QUOTED = 60, 30
# What stands in front of an item or an article and is not part of its sentence.
MARKS = re.compile(
    r"^(\s*([①-⑳㉠-㉻]|[-•▪○●◦※*]|\(?\d{1,2}[.)](?=\s)|[가-하][.)](?=\s)|제\d+조(의\d+)?(\([^)]*\))?|[QA][.:)]"
    r"|\d{1,2}(\.\d{1,2}){1,2}(?=\s(?!킬로|밀리|센티|미터|리터|그램|퍼센트|배|톤|도|만|억)[가-힣]))\s*)+"
)
LABEL = re.compile(r"^\W*[가-힣][가-힣 ]{0,7} ?[:：](?=\s)")  # 장소: says what follows, and is no answer itself
# Sentences that ask themselves, or tell in another one.
NOT_TOLD = re.compile(
    r"^\s*(Q[.:)]|문[.:)]|질문[.:)])|\?\s*$|(다음|아래|위)(과|와) 같|(다음|아래) (순서|표|내용|각 호)"
)
ARTICLE = re.compile(r"제\s?\d+(조|항|호|장|절|관|편|권|회|차|판)")
WEAK_TIMES = re.compile(r"\s?(내내|마다|째|의 ?\d)")  # 3분의 2 is a fraction
ALL_DAY = "24시간"
ATTRIBUTE = re.compile(
    r"(기한|기간|장소|시간|시각|일시|날짜|금액|요금|인원|대상|비용|정원|가격|크기|무게|용량|길이|높이|너비|속도|온도|전력|주기|횟수|번호"
    r"|담당|담당자|강사|주최|방법|자격|마감|수량|면적|규모|권|료|비|율|률|수)$"
)
"""Names of lines whose value is an attribute of the thing that the document is about."""
LINE = re.compile(r"([가-힣A-Za-z0-9 ·()]{2,30}?)\s?[:：]\s?(?=\S)")
LONGEST_VALUE, LONGEST_BEFORE = 40, 220  # Characters


@dataclass(frozen=True)
class CandidateAnswer:
    """Words of a chunk that a question could ask for.

    `start` and `end` are characters of the chunk (end excluded), `sentence_start` that of its sentence, `before` the
    sentences in front of it in the same chunk, as many as LONGEST_BEFORE characters hold and one at least ("" for the
    first). `kind` is one of WORTH.
    """

    text: str
    start: int
    end: int
    sentence: str
    sentence_start: int
    before: str
    kind: str

    @property
    def place_in_sentence(self) -> tuple[int, int]:
        """Begin and end of the answer in its sentence."""
        return self.start - self.sentence_start, self.end - self.sentence_start


def find_candidates(chunk: str, heading: str = "") -> list[CandidateAnswer]:
    """Every candidate answer of a chunk, in the order of the text; none of a first line that is the `heading`.

    Candidates may overlap ("환경부의 허가" and "환경부"); no two of a sentence have the same words.
    """
    found, sentences = [], sentence_spans(chunk)
    for number, (begin, end) in enumerate(sentences):
        sentence = chunk[begin:end]
        if ROW_OF_A_TABLE.search(sentence):
            continue  # without its head a row says nothing
        if heading and begin == 0 and sentence.strip() == heading.strip():
            continue
        seen = set()
        mark, label = MARKS.match(sentence), LABEL.match(sentence)
        first = max(one.end() if one else 0 for one in (mark, label))
        spans = [] if NOT_TOLD.search(sentence) else sorted(_spans(sentence))
        before = _before(chunk, sentences, number)
        for start, stop, kind in spans:
            text = sentence[start:stop]
            if text not in seen and start >= first:
                seen.add(text)
                found.append(CandidateAnswer(text, begin + start, begin + stop, sentence, begin, before, kind))
    return found


def _before(chunk: str, sentences: Sequence[tuple[int, int]], number: int) -> str:
    """The sentences in front of one of a chunk's, as many as LONGEST_BEFORE characters hold, and one at least.

    Headings and rows of tables are among them.
    """
    begin, first = sentences[number][0], max(0, number - 1)
    while first > 0 and begin - sentences[first - 1][0] <= LONGEST_BEFORE:
        first -= 1
    return " ".join(chunk[sentences[first][0] : begin].split())


def choose_candidates(candidates: list[CandidateAnswer], count: int) -> list[CandidateAnswer]:
    """At most `count` of a chunk's candidates, the most promising first, taken from its sentences in turn."""
    by_sentence: dict[int, list[CandidateAnswer]] = {}
    for one in candidates:
        by_sentence.setdefault(one.sentence_start, []).append(one)
    worth = {one: _worth(one) for one in candidates}
    for some in by_sentence.values():
        some.sort(key=lambda one: (-worth[one], one.start))
    turns = [(place, one) for some in by_sentence.values() for place, one in enumerate(some)]
    turns.sort(key=lambda turn: (turn[0], -worth[turn[1]], turn[1].start))
    return [one for _, one in turns[:count]]


def _worth(one: CandidateAnswer) -> float:
    worth = WORTH[one.kind] + min(len(one.text), 12) / 12
    return worth - 4 if WEAK_NUMBERS.match(one.text) else worth


def _spans(sentence: str) -> list[tuple[int, int, str]]:
    """Begin, end and kind of the candidates of a sentence."""
    tokens = kiwi().tokenize(sentence)
    value = _value(sentence)
    spans = _numbers(sentence, tokens) + _quoted(sentence) + _noun_phrases(tokens) + _reasons(sentence, tokens) + value
    kept, words_at = {}, {token.start: token.tag for token in tokens}
    for start, end, kind in spans:
        while start < end and (sentence[start].isspace() or sentence[start] in ",·:-"):
            start += 1
        while end > start and (sentence[end - 1].isspace() or sentence[end - 1] in ",·:."):
            end -= 1
        text = sentence[start:end]
        torn = start and (sentence[start - 1] in CLOSING or sentence[start - 1].isalnum())
        if (torn or words_at.get(end) in ("MM", "MAG")) and kind in (NAME, PHRASE, NOUN):
            continue  # the rest of a word (이용 시 of 이용 시각), or a quotation's particle
        if kind in (NUMBER, TIME) and words_at.get(end) in ("NNB", "NNG"):
            continue  # 6월 말 of 6월 말일
        if re.match(r"[-–][A-Za-z0-9]", sentence[end:]) or re.search(r"[A-Za-z가-힣][-–]$", sentence[:start]):
            continue  # half of a model's number: BG of BG-160, or 160
        if text.count("(") != text.count(")"):
            end = start + text.index("(") if "(" in text[1:] else start
            text = sentence[start:end]
        if (
            not text
            or len(text) > LONGEST_ANSWER
            or text in EMPTY_NOUNS
            or text in AFTER_NUMBER
            or re.match(r"(안|내|앞|뒤|전|후|이하|이상|미만|초과|이내|동안|가량|정도)의 ", text)
            or re.match(r"(동안|뒤|후|전|이후|이상|이내|초|말) ", text)
            or " 때 " in text
            or re.match(r"(아래|위|다음)의? |(이|그|해당|본) |(일주일|하루|이틀|사흘|보름|며칠)\S* ", text)
            or not re.search(r"[0-9A-Za-z가-힣一-鿿]", text)
        ):
            continue
        if kind in (NOUN, PHRASE) and (
            text.endswith(("때문", "덕분")) or re.match(r"(받|하|되|시키|당하)[가-힣]", sentence[end:])
        ):
            continue  # the stem of a verb, or of a reason
        if len(text) == 1 and kind in (NOUN, PHRASE) and not text.isdigit():
            continue
        if kind not in (NUMBER, TIME) and re.fullmatch(r"[\d.,\s]+", text):
            continue
        if kind in (NUMBER, TIME) and (ARTICLE.fullmatch(text) or text == ALL_DAY or WEAK_TIMES.match(sentence[end:])):
            continue
        if kind in (NUMBER, TIME) and re.search(r"\d ?분의 ?$", sentence[:start]):
            continue  # the upper half of a fraction
        if re.search(r"\d일\(? ?$", sentence[:start]) and text.endswith("요일"):
            continue  # the day of the week of a date
        if re.match(r"\s?(첫째|둘째|셋째|넷째|마지막)", sentence[end:]) or re.match(r"(첫|둘|셋|넷)째 주$", text):
            continue  # 5월 첫째 주 is one time
        if re.match(r"(1|한 )\D", text) and re.match(r"에 \d", sentence[end:]):
            continue  # 1년에 3만 원 is one amount
        if text in ("한 번", "한 차례", "한번"):
            continue  # nobody would ask how often
        if text.endswith("씩") or (text.startswith("한 달") and re.search(r"\d월 $", sentence[:start])):
            continue  # 조금씩 is how, not what; 5월 한 달 is one time
        if kind == NUMBER and (NOT_COUNTED.match(text) or ONE_OF_EACH.match(sentence[start:])):
            continue
        if text.startswith("한 ") and re.match(r"의 [가-힣]", sentence[end:]):
            continue  # 한 해의 흐름 counts nothing
        if kind in (NAME, PHRASE, NOUN) and re.search(r"(^|\s)한 $", sentence[:start]):
            continue  # and 해의 흐름 is torn from it
        if kind != REASON and _one_of_several(sentence, start, end):
            continue
        if (start, end) not in kept or WORTH[kind] > WORTH[kept[start, end]]:
            kept[start, end] = kind
    return [(start, end, kind) for (start, end), kind in kept.items()]


def _value(sentence: str) -> list[tuple[int, int, str]]:
    """The value of a line that names an attribute (신청 기간: 3월 2일 ~ 3월 19일), whole."""
    mark = MARKS.match(sentence)
    line = LINE.match(sentence, mark.end() if mark else 0)
    if not line or not ATTRIBUTE.search(line[1].strip()):
        return []
    end = len(sentence.rstrip(" ."))
    value = sentence[line.end() : end]
    value = re.sub(r"(?<=원)\([^()]*\)$", "", value)  # 7,520만 원(시비 100%)
    end = line.end() + len(value)
    if len(value) > LONGEST_VALUE or re.search(r"(?<!\d)[:：]|[:：](?!\d)|[가-힣]다$", value):
        return []
    kind = TIME if re.search(r"\d ?[년월일시]", value) else NUMBER if re.match(r"[\d약]", value) else PHRASE
    return [(line.end(), end, kind)]


def _one_of_several(sentence: str, start: int, end: int) -> bool:
    """Whether the words are one of a list (배추와 무, 봄·가을): asked for alone, they would be half an answer."""
    before, after = sentence[:start], sentence[end:]
    joined = re.match(ONE_OF_LIST, after)
    if joined and not re.match(r"(와|과) (같|함께|달리|다르|마찬|비슷|관련|관계|맞)|(나|과|와)(?=[가-힣])", after):
        return True
    nouns = ("NNG", "NNP", "SL", "NNB", "XSN")
    if re.search(r"[’”」』], ?[‘“「『]$", before) or re.match(r"[’”」』], ?[‘“「『]", after):
        return True
    if re.search(r"[가-힣A-Za-z)], $", before) and kiwi().tokenize(before)[-2].tag in nouns:
        return True
    listed = re.search(r"[가-힣A-Za-z0-9)」』》〉](와|과|이나|나| 및|·) ?[「『《〈<‘“'\"]?$", before)
    return bool(listed) and not re.search(r"(결과|효과|사과|(?<![가-힣])나)(와|과)? $", before)


# What follows a word that another one like it stands behind.
ONE_OF_LIST = re.compile(
    r"[」』》〉>’”'\"]?(와|과|이나|나|및|·"
    r"|, ?(?=[가-힣A-Za-z0-9「『《〈 ]{1,20}(,|와|과|이나|나| 등| 및|[은는이가을를의에로])))(?=[\s가-힣A-Za-z0-9]|$)"
)


def _numbers(sentence: str, tokens) -> list[tuple[int, int, str]]:
    """Numbers with their unit, and dates, times and ranges of them as one."""
    pieces, place = [], 0
    while place < len(tokens):
        if not _counts(tokens, place):
            place += 1
            continue
        first = place
        if first and tokens[first - 1].tag == "NR" and _touch(tokens[first - 1], tokens[first]):
            first -= 1  # 열두 곳
        while first > 0 and tokens[first - 1].form in BEFORE_NUMBER and _near(tokens[first - 1], tokens[first]):
            first -= 1
        last, unit = place, ""
        while last + 1 < len(tokens) and _near(tokens[last], tokens[last + 1]):
            after, behind = tokens[last + 1], tokens[last + 2] if last + 2 < len(tokens) else None
            touching = _touch(tokens[last], after)
            goes_on = after.tag == "SN" and tokens[last].form in ("만", "억", "조")
            if not unit and (goes_on or (after.form == "여" and touching)):
                last += 1
            elif after.tag in ("SN", "NR", "SW") and touching and tokens[last].tag in ("SN", "NR", "SO", "SY", "SP"):
                last += 1
                if after.tag == "SW":
                    unit = after.form
            elif (
                touching
                and after.form in JOINING
                and behind
                and behind.tag == "SN"
                and (behind.start - after.end <= (after.form != ","))
            ):
                last += 1
            elif not unit and (after.tag in ("NNB", "NNG") or (touching and after.tag in ("SL", "NR", "XSN", "NNP"))):
                unit = after.form if after.tag != "NR" else ""
                last += 1
            elif unit and after.form in AFTER_NUMBER and after.tag in ("NNG", "NNB", "XSN", "NNP", "XPN"):
                last += 1
            elif unit in TIME_UNITS and after.tag == "SN":
                unit = ""
                last += 1
            else:
                break
        behind = tokens[last + 1] if last + 1 < len(tokens) else None  # 30일권: not a time, part of a name
        glued = behind and _touch(tokens[last], behind) and behind.tag in ("NNG", "NNP", "XSN", "SL")
        if (unit or tokens[place].tag == "SN") and not glued:
            kind = TIME if unit in ("년", "월", "일", "시", "분", "세기", "년대", "요일") else NUMBER
            if unit or len(sentence[tokens[first].start : tokens[last].end]) > 1:
                pieces.append((tokens[first].start, tokens[last].end, kind, unit))
        place = last + 1
    spans = [(start, end, kind) for start, end, kind, unit in pieces if unit or end - start >= 2]
    for one, other in itertools.pairwise(pieces):  # from … to …
        between = sentence[one[1] : other[0]]
        tail = UNTIL.match(sentence[other[1] :])
        if (
            re.fullmatch(r"(\([월화수목금토일]\))?\s?(부터|에서)\s?((이듬해|다음 [날달해]|당일|같은 날) )?", between)
            and tail
        ):
            begin, end = one[0], other[1] + tail.end()
            spans = [span for span in spans if not (begin <= span[0] and span[1] <= end)]
            spans.append((begin, end, one[2]))
    return spans


UNTIL = re.compile(r"(\([월화수목금토일]\))?(\s?(오전|오후|낮|밤)?\s?\d{1,2}시(\s?\d{1,2}분)?)?\s?까지")
"""What stands behind the later date of a range: the day of the week, a time."""


def _counts(tokens, place: int) -> bool:
    """Whether a number stands there: in digits, or as a word of its own in front of what is counted (두 개)."""
    token = tokens[place]
    if token.tag == "SN":
        return True
    alone = place + 1 < len(tokens) and (tokens[place + 1].start > token.end or tokens[place + 1].tag in ("NNB", "NR"))
    begins = place == 0 or tokens[place - 1].end < token.start or tokens[place - 1].tag == "NR"
    return token.tag in ("MM", "NR") and token.form in COUNTING and alone and begins


COUNTING = frozenset("한 두 세 네 다섯 여섯 일곱 여덟 아홉 열 열두 스무 서 너 석 넉 서너 두세 대여섯".split())
JOINING = ("~", "∼", "-", "–", ",", ".", ":")  # What two numbers are one with


def _near(one, other) -> bool:
    return 0 <= other.start - one.end <= 1


def _touch(one, other) -> bool:
    return one.end == other.start


def _quoted(sentence: str) -> list[tuple[int, int, str]]:
    """What stands between quotation marks or title brackets, without them."""
    spans = []
    for opening, closing in zip(OPENING, CLOSING, strict=True):
        inside = f"{re.escape(opening)}([^{re.escape(opening + closing)}]+){re.escape(closing)}"
        for match in re.finditer(inside, sentence):
            if len(match[1]) <= LONGEST_QUOTED:
                spans.append((match.start(1), match.end(1), QUOTED))
    return spans


def _noun_phrases(tokens) -> list[tuple[int, int, str]]:
    """Runs of nouns, alone and joined by 의, 와/과 or a middle dot; a name in front of or behind a noun alone too."""
    runs, place = [], 0
    while place < len(tokens):
        unit = place and tokens[place - 1].tag == "SN" and _touch(tokens[place - 1], tokens[place])
        if tokens[place].tag not in NOUNS or unit:
            place += 1
            continue
        last = place
        while last + 1 < len(tokens) and _goes_on(tokens[last], tokens[last + 1]):
            last += 1
        while (last > place and tokens[last].tag in ("SP", "SO", "SW", "SSO")) or (
            tokens[last].tag == "SSC" and not any(token.tag == "SSO" for token in tokens[place:last])
        ):
            last -= 1
        behind = tokens[last + 1] if last + 1 < len(tokens) else None
        verb = bool(behind) and behind.tag in ("XSV", "XSA") and _touch(tokens[last], behind)
        if verb:  # 출근하다: the noun is the verb's stem
            last -= 1
        if last >= place and any(tokens[at].tag in NOUNS for at in range(place, last + 1)):
            runs.append((place, last))
        place = max(last, place) + 1 + verb
    spans = []
    for first, last in runs:
        spans.append((tokens[first].start, tokens[last].end, _kind_of_run(tokens[first : last + 1])))
        if last - first in (1, 2, 3):  # 해양 생물학자 폰 프리슈, 주최 측 한빛시: the name without what it is called by
            cuts = [cut for cut in range(first + 1, last + 1) if tokens[cut].start > tokens[cut - 1].end]
            parts = [part for cut in cuts for part in (tokens[first:cut], tokens[cut : last + 1])]
            spans += [(part[0].start, part[-1].end, NAME) for part in parts if _kind_of_run(part) == NAME]
    for (first, last), (start, stop) in itertools.pairwise(runs):  # X의 Y, X와 Y
        between = tokens[last + 1 : start]
        if len(between) == 1 and between[0].tag in ("JKG", "JC"):
            spans.append((tokens[first].start, tokens[stop].end, PHRASE))
    return spans


def _goes_on(one, other) -> bool:
    """Whether a run of nouns goes on with the other token."""
    if _touch(one, other) and (
        other.form in ("·", "-", "&", "(", ")") or (other.tag == "SN" and one.tag in ("NNP", "SL", "NNG"))
    ):
        return True
    return other.tag in (*NOUNS, "NNB") and _near(one, other)


def _kind_of_run(tokens) -> str:
    if any(token.tag in ("NNP", "SL") for token in tokens):
        return NAME
    return PHRASE if len(tokens) > 1 else NOUN


def _reasons(sentence: str, tokens) -> list[tuple[int, int, str]]:
    """The clause in front of 때문, for a question that asks why."""
    spans = []
    for place, token in enumerate(tokens):
        if token.form == "때문" and place and tokens[place - 1].tag == "ETN":
            clause = sentence[: token.start]
            topics = (one.end for one in tokens[:place] if one.tag == "JX" and one.form in ("은", "는"))
            begin = max(clause.rfind(", ") + 2 if ", " in clause else 0, next(topics, 0))  # behind the first topic
            if 6 <= token.end - begin <= LONGEST_ANSWER:
                spans.append((begin, token.end, REASON))
    return spans


def candidate_at(passage: str, start: int, end: int) -> CandidateAnswer | None:
    """The candidate that stands at that place of a passage; None where no one sentence holds it whole."""
    sentences = sentence_spans(passage)
    for number, (begin, stop) in enumerate(sentences):
        if begin <= start < end <= stop:
            sentence = passage[begin:stop]
            place = (start - begin, end - begin)
            kinds = [kind for one, other, kind in _spans(sentence) if (one, other) == place]
            kind = kinds[0] if kinds else NUMBER if re.match(r"(약 ?)?\d", passage[start:end]) else PHRASE
            before = _before(passage, sentences, number)
            return CandidateAnswer(passage[start:end], start, end, sentence, begin, before, kind)
    return None
