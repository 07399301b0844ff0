"""What a document is about, as far as its title says it, and how a question begins with it."""

import functools
import itertools
import re
import unicodedata

from korqg.ask.endings import has_topic
from korqg.ask.particles import fitted
from korqg.ask.rule import PEOPLE
from korqg.sentences import is_unknown, kiwi

KINDS = frozenset(
    "안내 안내문 안내서 이용 사용 설명서 취급 규정 규칙 규약 내규 회칙 수칙 지침 요령 요강 약관 공고 공지 알림 모집 "
    "신청 접수 소개 운영 관리 회의록 정기 임시 자주 묻는 하는 질문 보고 보고서 결과 소식 매뉴얼 가이드 안전 참가 "
    "참가자 수강생 대상자 회원 작업 관람 탑승 요약 종합".split()
)
"""Words at the end of a title that say what kind of paper it is, not what it is about."""

LONGEST_NAME = 26
"""Characters of a name at most: a longer one is a sentence's worth by itself."""

LONGEST_SHOWN, LONGEST_OF_A_HEADING, LONGEST_QUOTED, LONGEST_WITH_SOURCE = 50, 70, 46, 90
"""Characters at most of a question of the rule, and of a model that cannot read yet (of longer ones readers show a
third as many), of one that a heading asks, of a title that is quoted, and of a question with its source in front."""

PAPERS = re.compile(
    "(안내|안내문|안내서|설명서|규정|규칙|규약|내규|회칙|수칙|지침|요령|요강|약관|공고|공지|회의록|매뉴얼|가이드|길잡이|도움말|소식지|보고서|"
    "(준수|유의) ?사항|자주 묻는 질문|FAQ|Q&A)$"
)
"""Titles that say what kind of paper they stand on: one quotes it without quotation marks."""

MORE_KINDS = KINDS | frozenset(
    "메모 자료 FAQ Q&A 고시 예고 행정예고 통지 길잡이 참여자 입주자 지원자 신청자 교육생 신입".split()
)
RULES = re.compile("(규정|규칙|규약|내규|회칙|수칙|지침|요령|요강|약관|표준서|지침서|(준수|유의) ?사항)$")
"""Titles of papers that say what is to be done: one asks what it is "according to" them."""

QUOTED = re.compile(r".*(?P<name>[‘'“\"「『][^’'”\"」』]{2,12}[’'”\"」』])")
PAPER_NUMBER = re.compile(r"(공고|고시) 제 ?[\d-]+ ?호$")
"""The number of a notice, below which stands what it is about."""

HEADLINE = re.compile(r"[….,!?:]| 만에 ")
NAMED = re.compile("(안내|안내서|설명서|회의록|길잡이|강좌|교실|과정|입문|첫걸음|이야기|공방)$")
"""The end of the part of a title in which a slogan stands before or behind the name (귀로 찾는 새 — 새소리 첫걸음)."""

COURSE = re.compile(r"(입문|첫걸음|\d+주|\d+회)$")
TERM = re.compile(r"\d{4}년 ([봄가을여름겨울상하반기 ]+|\d+분기) ?(학기|강좌|과정)|수강생|강좌")
SCHOOL = re.compile("(강좌|교실|공방|과정|수업|학교|강의|반|캠프|특강|모임|모집|아카데미|연수)$")
"""The ends of a course's name, its term, and names that say that they are one (10구멍 하모니카 첫걸음 is a 강좌)."""

HANDLED = re.compile(r"(설치|조립|사용|취급|정비|점검|유지 ?보수|보수|관리)( 및 |·|와 |과 | )(?=\S+ 설명서$|설명서$)")
"""What a manual says is done with the device, of which the device's name is none (벽시계 설치 및 유지보수 설명서)."""

HOW_TO = re.compile("(?P<thing>.+) (?P<act>수선|수리|교체|손질|세척|조립|분해|설치|보수|청소) (순서|방법)$")

ACT = re.compile("(수선|수리|교체|손질|세척|조립|분해|설치|보수|청소)$")
"""The end of a name that is an act (활털 교체): nothing takes place in it, it is what is asked about."""

ADDRESSED = re.compile("(?P<place>[가-힣A-Za-z0-9]{2,}?)(에|을|를) .*(분들?|여러분)께$")
"""A title that greets those who come (노루여에 들어오시는 분들께)."""

LONGEST_CAUSE = 24
"""Characters of a name that keeps what it is due to (… 공사에 따른 물빼기); of a longer one that alone is left."""

OUTCOME = re.compile(
    "(?P<meeting>.*(협의회|회의|간담회|총회|위원회|이사회|반상회|좌담회)) (결과|결과 (보고|안내|공지|알림))$"
)
"""Titles of what came out of a meeting (해충 대응 협의회 결과)."""

LONGEST_MEETING = 32
"""Characters of a meeting's name; of a longer one the year, the number and what stands before a quoted name go."""


class Subject:
    """The subject of a document: a paper (휴가 규정), a meeting, something to handle, a place or a thing.

    `name` holds the title's words for it, `paper` and `meeting` those of a rule and of minutes, `when` those of a
    how-to (무쇠 팬을 길들일 때); what the title does not say is "". `is_device` is true of a manual's, `is_place` of
    what has visitors, members or users, `is_course` of a course.
    """

    def __init__(self, title: str):
        first = re.sub(r"\[[^\]]*\] ?|\([^()]*\)", "", without_pictures(title.split("|")[0]).replace("_", " ")).strip()
        first = re.sub(r"^(19|20)\d\d년(도)? ", "", part) if (part := _named_part(first)) != first else first
        if first and first.split()[-1] in MORE_KINDS:  # a notice's year, which an event's name would need
            first = re.sub(r"^(19|20)\d\d년(도)? (([상하]반기|[1-4]분기) )?", "", first)
        meeting = ""
        if first.endswith("회의록"):
            meeting = re.sub(r"(모임|회|회의) 회의록$", r"\1", first).removesuffix("록")
        elif of_a_meeting := OUTCOME.match(first):
            meeting = of_a_meeting["meeting"]
        self.meeting = _short(meeting) if len(meeting) > LONGEST_MEETING else meeting
        self.paper = first if RULES.search(first) else ""
        self.is_device = first.endswith("설명서")
        if self.is_device:
            first = re.sub(r"(유지 ?보수|정비|설치|조립|점검|보수) (?=설명서$)", "", HANDLED.sub("", first))
        words = first.split()
        while words and words[-1] in MORE_KINDS:
            by_post = words.pop() in ("접수", "신청") and words[-1:] and words[-1] in ("우편", "온라인", "방문", "택배")
            words = words[:-1] if by_post else words
        words = [*words[:-1], words[-1].rstrip(",")] if words else words
        behind = first.split()[len(words) :]
        if behind[:1] == ["모집"]:  # whom it looks for is not what it is about: 전시 해설사 모집
            words.append(behind.pop(0))
        self.is_place = not self.is_device and (words[-1:] == ["모집"] or (bool(behind) and behind[0] != "관리"))
        self.when = ""
        self.name = self._name(first, " ".join(words))
        if len(self.name) > LONGEST_CAUSE:
            self.name = re.sub("에 (따른|의한) .*", "", self.name)
        self.is_place = self.is_place and not ACT.search(self.name)
        if to_all := ADDRESSED.match(first):
            self.name, self.is_place = to_all["place"], True
        if project := re.match(".*(사업|지원|행사|공모전)(?= .*모집$)", self.name):  # …지원 사업 참여 업체 모집
            self.name = project[0]
        self.is_course = bool(
            COURSE.search(self.name)
            or (TERM.search(title) and self.name and not re.search("(준비|조정|변경|개편)$", self.name))
        )
        if self.is_course and not self.paper and not SCHOOL.search(self.name):
            self.name, self.is_place = f"{self.name} 강좌", True

    def __bool__(self) -> bool:
        return bool(self.paper or self.name or self.meeting)

    def _name(self, first: str, words: str) -> str:
        """The words of a title that name what it is about; "" of a headline."""
        words = re.sub("^(처음|쉽게|누구나) [가-힣]+는 ", "", words)  # 처음 가꾸는 텃밭
        if made := re.match("(집에서|손으로|직접) (만드는|담그는|굽는|끓이는) (.+)$", words):
            self.when = f"{made[1]} {made[3]}{fitted(made[3], '을')} {kiwi().join(_to_do(made[2]))} 때"
            return made[3]
        if found := HOW_TO.match(words):  # 천 양장본 수선 순서
            self.when = f"{found['thing']}{fitted(found['thing'], '을')} {found['act']}할 때"
            return found["thing"]
        if quoted := QUOTED.match(first):  # 왕골 방석 ‘앉은결’ of 손으로 짠 왕골 방석 ‘앉은결’
            ends = [one.end for one in kiwi().tokenize(quoted[0]) if one.tag in ("ETM", "SP")]
            before = quoted[0][max((end for end in ends if end <= quoted.start("name")), default=0) :].strip()
            behind = first[quoted.end() :]  # ‘결따라’ 작업 앞치마 본
            return before if before != quoted["name"] or words != first else before + behind
        begin, _, last = words.rpartition(", ")
        if (
            begin
            and not HEADLINE.search(begin)
            and (last.endswith("기") or begin.endswith("때") or _praised(begin, last))
        ):
            # 한여름 점심상의 애호박 만두, …; 삐뚤어진 문, 드라이버 하나로 맞추기; 문이 삐걱거릴 때, …
            return re.sub("^.+의 ", "", begin)
        if last != words and len(last) > 1 and (words != first or (" " not in last and is_name(last))):
            return last  # 길을 잃으러 오는 공원, 두레숲 이용 안내; 목이 편한 베개, 뭉근달
        if not words or HEADLINE.search(words):
            return ""
        tokens = kiwi().tokenize(words)
        if (tokens[-1].form, tokens[-1].tag) == ("기", "ETN") or re.search(r"는 (법|방법)$|관리법$", words):
            return self._handled(words, tokens)
        if tokens[-1].tag == "NNP" and tokens[-1].form.endswith("기") and " " in words:  # 오이소박이 담그기
            return words.rpartition(" ")[0]
        is_noun = (
            tokens[-1].form == "ᆷ"
            or (tokens[-1].form == "음" and " " not in words)
            or tokens[-1].tag[:2] in ("NN", "SL", "SN", "SW", "XS", "SS", "NR")
        )
        return words if is_noun else ""

    def _handled(self, words: str, tokens: list) -> str:
        """What a how-to handles, the noun before its verbs: 찢어진 방충망 of 찢어진 방충망 집에서 고치는 법."""
        inner = max((place for place, one in enumerate(tokens[:-2]) if one.tag == "ETM"), default=-1)
        verbs = (place for place in range(inner + 1, len(tokens)) if tokens[place].tag[:2] in BEHIND_A_NOUN)
        place = next(verbs, 0)
        tag = tokens[place].tag
        end = place if tag[:2] in ("VV", "VA", "MA") or tag == "JKO" else place - 1
        thing = words[: tokens[end].start].strip() if end > inner + 1 else ""
        if tag == "JC":
            return ""
        if thing.endswith("때"):  # 변기 물이 흐를 때 고치는 법
            self.when = thing
            return thing
        stem = tokens[-2 if tokens[-1].tag == "ETN" else -3]
        acts = words[tokens[end + (tag == "JKO")].start : stem.start]
        if thing and stem.tag[:2] in ("VV", "VX", "XS"):
            self.when = f"{thing}{fitted(thing, '을')} {acts}{kiwi().join([(stem.form, stem.tag), ('ᆯ', 'ETM')])} 때"
        return thing

    def owns(self, said: str) -> str:
        """The subject in front of something that is its own: 한빛도서관의 이용 시간은."""
        last = self.name.split()[-1] if self.name else "\n"
        if (of := re.match("([가-힣]{2,})의 ", said)) and self.name.endswith(of[1]):  # 방짜유기: 유기의 종류
            return self.name + said.removeprefix(of[1])
        if not self.paper and re.match(rf"{re.escape(last)}([은는]? )", said):  # …지원: 지원 대상은, not 차: 차이점은
            return self.name + said.removeprefix(last)
        if begun := self._begins(said):
            return begun
        if self.when and said.startswith("보관"):
            return f"{self.name}의 {said}"
        if self.when:
            return f"{self.when} {_needed(said)}"
        if any(token.tag == "JKG" for token in kiwi().tokenize(said)):  # 무지개: 연구의 역사는
            return f"{self.name}에서 {said}" if self.is_place else f"{self.name} {said}"
        return f"{self.name}의 {said}"

    def does(self, said: str) -> str:
        """The subject in front of something that it does, or that is done with it or there."""
        if begun := self._begins(said):
            return begun
        if (self.is_place or (ACT.search(self.name) and has_topic(said))) and not (
            self.is_course and said.startswith("누가")
        ):
            return f"{self.name}에서{'' if has_topic(said) else '는'} {said}"
        return f"{self.name}{fitted(self.name, '은')} {said}"

    def _begins(self, said: str) -> str:
        """With the subject in front where it is a paper or a clause, or as it is where it names the subject."""
        words = [word for word in self.name.split() if len(word) > 1]
        if self.paper:
            return f"{self.paper}에 따르면 {said}"
        if self.name.endswith("때") and not self.when:  # 안경 맞출 때
            return f"{self.name} {_needed(said)}"
        return said if 2 * sum(word in said for word in words) > len(words) else ""


def _named_part(title: str) -> str:
    """The part of a title that names what it is about, where a slogan or a paper's number stands beside it."""
    slogan, _, last = re.split(r"([!?]) (?!.*[!?] )", title) if re.search("[!?] ", title) else ("", "", "")
    if slogan and last.split()[-1] in MORE_KINDS:  # 문 앞에만 두세요! 서슬이음 자주 묻는 질문
        return last
    parts = [part for part in re.split(r"\s[—–]\s|: ", title) if part.strip() and not PAPER_NUMBER.search(part)]
    if len(parts) < 2:
        return parts[0] if parts else title
    for part in parts:
        if NAMED.search(part) or RULES.search(part) or part.split()[-1] in MORE_KINDS:
            return part
    told = ("VV", "VA", "VC", "ET", "EC", "EF")  # a slogan
    bare = [part for part in parts if not any(one.tag[:2] in told for one in kiwi().tokenize(part))]
    nouns = [part for part in parts if kiwi().tokenize(part)[-1].tag[:2] in ("NN", "SS")]
    return (bare[-1:] or nouns[-1:] or [title])[0]


def _needed(said: str) -> str:
    """필요한 준비물은, where one asks for what something takes."""
    return re.sub("^(준비물|재료|도구)(?=[은는] )", r"필요한 \1", said)


def _praised(thing: str, said: str) -> bool:
    """Whether a title is a thing and what is said in its praise (애호박 만두, 물만두보다 시원하게)."""
    tags = {one.tag[:2] for one in kiwi().tokenize(thing)} - {
        "NN",
        "XP",
        "XS",
        "ET",
        "VV",
        "VA",
        "SN",
        "SL",
        "MM",
        "MA",
    }
    bare = tags <= {"JK", "JC"} and not re.search(r"(에서|에|로|부터|까지|[을를이가]) ", thing)
    return bare and kiwi().tokenize(thing)[-1].tag[:2] == "NN" and said.endswith(("게", "요"))


def _to_do(form: str) -> list[tuple[str, str]]:
    """만드는 as a verb's stem and the ending of what is to be done: 만들 (때)."""
    stem = kiwi().tokenize(form)[0]
    return [(stem.form, stem.tag), ("ᆯ", "ETM")]


def _short(meeting: str) -> str:
    """A meeting's name without year and number, from the quoted name on: ‘자판소리’ 이사회."""
    short = re.sub(r"(19|20)\d\d년(도)? |제 ?\d+[차회] |정기 |임시 ", "", meeting)
    return short[quoted.start() :] if (quoted := re.search("[‘'“\"]", short)) else short


BEHIND_A_NOUN = ("VV", "VA", "XS", "MA", "JK", "JX", "JC")


def without_pictures(text: str) -> str:
    """The text without emoji and other signs that are no words; ℃ and ㈜, which stand for letters, stay."""
    signs = {one for one in text if unicodedata.category(one) in ("So", "Cf", "Mn")}
    pictures = {one for one in signs if one != "°" and not unicodedata.decomposition(one)}
    return "".join(one for one in text if one not in pictures).strip()


def first_of(title: str) -> str:
    """The document's own title, of a chunk's (headings behind " > "); of a notice the line below its number."""
    first, *below = re.sub(r"^제목: ?", "", title).split(" > ")
    named = below and PAPER_NUMBER.search(first) and not re.match(r"\d+[.)]|제 ?\d", below[0])
    return below[0] if named else first


@functools.cache
def subject_of(title: str) -> Subject:
    """The subject of a document by its title."""
    return Subject(first_of(title))


@functools.cache
def name_in(title: str) -> str:
    """The name in a title: 구르미 of "공공 자전거 '구르미' 안내", 한빛도서관 of "한빛도서관 이용 안내".

    What stands in quotation marks, else what stands before the words of KINDS at the end, or all of a product's name
    with its number. "" where that holds no proper name, is long, or is no name but a headline; and of an article about
    a thing (겨우살이), in which nothing takes place.
    """
    first = re.sub(r"\[[^\]]*\] ?|\([^()]*\)|^\d{4}년(도)? ", "", first_of(title)).strip()
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
    """The question with its source in front, unless it says already what its document is about, or gets too long.

    That is the paper or the title, as one quotes it (휴가 규정에 따르면, ‘겨우살이’에 따르면), and of a how-to what is
    done (무쇠 팬을 길들일 때). Readers would show 57 % of 53 as they are with the paper or the title quoted, of 73 with
    the name in its place (한빛도서관의 자리는, 한빛도서관에서는) 34 %, and none of 8 without either.
    """
    title = first_of(title)
    words, subject, source = _words(title), subject_of(title), source_of(title)
    if 2 * sum(word in question for word in words) > len(words):
        return question
    if subject.when and len(subject.when + question) < LONGEST_SHOWN:
        return f"{subject.when} {question}"
    if not source and subject.name not in ("", title) and subject.name not in question:  # 머리등 ‘밤이랑 58’
        source = f"{subject.name}에서{'' if has_topic(question) else '는'} "
    return source + question if len(source + question) <= LONGEST_WITH_SOURCE else question


def source_of(title: str) -> str:
    """The words, with a blank behind them, that quote the paper that a title names, or the title itself, or "".

    휴가 규정에 따르면, ‘다시 문을 연 빵집’에 따르면; "" of a title that is long or says nothing.
    """
    whole = re.sub(r"\[[^\]]*\] ?", "", first_of(title)).replace("_", " ").strip()
    if not _words(title) or not re.search("[가-힣]", whole):
        return ""
    paper = _named_part(whole)
    paper = paper if paper.endswith("자주 묻는 질문") else paper.rpartition(", ")[2]
    if PAPERS.search(paper):
        return f"{paper}에 따르면 "
    quoted = re.sub(r" ?\([^()]*\)$|^[“\"'‘][^”\"'’]*[”\"'’] ", "", whole).strip()
    can_be = 2 <= len(quoted) <= LONGEST_QUOTED and not re.search("[‘’“”'\"]", quoted)
    return f"‘{quoted}’에 따르면 " if can_be and _words(quoted) else ""


def with_whole_name(question: str, title: str) -> str:
    """The question with a name whole where it was cut within: a device's (…GT-33 벨트의 of …GT-33 벨트 구동 턴테이블).

    And any name that 의 was put into (들메군농업기술센터의 농기계임대사업소의).

    A name that ends with its number (GT-33의) is whole. Of 10 questions with such a cut name the text answered none,
    and readers would show all 10 after an edit.
    """
    subject = subject_of(first_of(title))
    words = subject.name.split()
    for count in range(1, len(words)):
        question = question.replace(f"{' '.join(words[:count])}의 {' '.join(words[count:])}", subject.name)
    for before, word in itertools.pairwise(words):  # 공동이용회
        cut = (
            rf"{re.escape(before)} {re.escape(word[:2])}(?!{re.escape(word[2:])})\w*?(?=(의|은|는|에서|을|를|이|가)\s)"
        )
        if len(word) > 3 and (found := re.search(cut, question)) and word.startswith(found[0].split()[-1]):
            question = question[: found.start()] + f"{before} {word}" + question[found.end() :]
    words = words if subject.is_device else []
    for count in range(len(words) - 1, 1, -1):
        cut = " ".join(words[:count])
        found = re.search(rf"{re.escape(cut)}(의|은|는|에서|을|를|이|가|과|와|으로|로) ", question)
        if found and not re.search(r"[\d’'”]$", cut):
            return question[: found.start()] + subject.name + fitted(subject.name, found[1]) + question[found.end(1) :]
    return question


def says_whose(question: str, title: str) -> bool:
    """Whether a question says what its document is about: with a word of its title, or with the paper in front."""
    return any(word in question for word in _words(title))


def _words(title: str) -> list[str]:
    """The words of a document's title that say what it is about, not what kind of paper it is."""
    words = re.split(r"[\s_'‘’\"]+", first_of(title))
    return [word for word in words if len(word) > 1 and word not in KINDS]
