"""What a document is about, as far as its title says it, and how a question begins with it."""

import functools
import re
import unicodedata

from korqg.ask.drafts import KINDS, is_name
from korqg.ask.endings import has_topic
from korqg.ask.particles import fitted
from korqg.sentences import kiwi

MORE_KINDS = KINDS | frozenset(
    "메모 자료 FAQ Q&A 고시 예고 행정예고 통지 길잡이 참여자 입주자 지원자 신청자 교육생".split()
)
RULES = re.compile("(규정|규칙|규약|내규|회칙|수칙|지침|요령|요강|약관)$")
"""Titles of papers that say what is to be done: one asks what it is "according to" them."""

QUOTED = re.compile(r".*[‘'“\"「『][^\s’'”\"」』]{2,12}[’'”\"」』]")
HEADLINE = re.compile(r"[….,!?:]| 만에 ")


class Subject:
    """The subject of a document: a paper (휴가 규정), a meeting, something to handle, a place or a thing.

    `name` holds the title's words for it, `paper` and `meeting` those of a rule and of minutes, `when` those of a
    how-to (무쇠 팬을 길들일 때); what the title does not say is "". `is_device` is true of a manual's, `is_place` of
    what has visitors, members or users.
    """

    def __init__(self, title: str):
        first = re.sub(r"\[[^\]]*\] ?|\([^()]*\)", "", without_pictures(title.split("|")[0]).replace("_", " ")).strip()
        if first and first.split()[-1] in MORE_KINDS:  # a notice's year, which an event's name would need
            first = re.sub(r"^(19|20)\d\d년(도)? (([상하]반기|[1-4]분기) )?", "", first)
        is_minutes = first.endswith("회의록")
        self.meeting = re.sub(r"(모임|회|회의) 회의록$", r"\1", first).removesuffix("록") if is_minutes else ""
        self.paper = first if RULES.search(first) else ""
        self.is_device = first.endswith("설명서")
        words = first.split()
        while words and words[-1] in MORE_KINDS:
            words.pop()
        behind = first.split()[len(words) :]
        if behind[:1] == ["모집"]:  # whom it looks for is not what it is about: 전시 해설사 모집
            words.append(behind.pop(0))
        self.is_place = not self.is_device and (words[-1:] == ["모집"] or (bool(behind) and behind[0] != "관리"))
        self.when = ""
        self.name = self._name(first, " ".join(words))

    def __bool__(self) -> bool:
        return bool(self.paper or self.name or self.meeting)

    def _name(self, first: str, words: str) -> str:
        """The words of a title that name what it is about; "" of a headline."""
        words = re.sub("^(처음|쉽게|누구나) [가-힣]+는 ", "", words)  # 처음 가꾸는 텃밭
        if quoted := QUOTED.match(first):  # 왕골 방석 ‘앉은결’ of 손으로 짠 왕골 방석 ‘앉은결’
            clauses = [one for one in kiwi().tokenize(quoted[0]) if one.tag == "ETM" and one.end < len(quoted[0]) - 3]
            return quoted[0][clauses[-1].end if clauses else 0 :].strip()
        last = words.rpartition(", ")[2]
        if last != words and " " not in last and len(last) > 1 and is_name(last):
            return last
        if not words or HEADLINE.search(words):
            return ""
        tokens = kiwi().tokenize(words)
        if (tokens[-1].form, tokens[-1].tag) == ("기", "ETN") or re.search(r"는 (법|방법)$|관리법$", words):
            return self._handled(words, tokens)
        if tokens[-1].tag == "NNP" and tokens[-1].form.endswith("기") and " " in words:  # 오이소박이 담그기
            return words.rpartition(" ")[0]
        is_noun = tokens[-1].form == "ᆷ" or tokens[-1].tag[:2] in ("NN", "SL", "SN", "SW", "XS", "SS", "NR")
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
        if not self.paper and re.match(rf"{re.escape(last)}([은는]? )", said):  # …지원: 지원 대상은, not 차: 차이점은
            return self.name + said.removeprefix(last)
        if begun := self._begins(said):
            return begun
        if self.when:
            needed = re.sub("^(준비물|재료)(?=[은는] )", r"필요한 \1", said)
            return f"{self.when} {needed}"
        if any(token.tag == "JKG" for token in kiwi().tokenize(said)):  # 무지개: 연구의 역사는
            return f"{self.name}에서 {said}" if self.is_place else f"{self.name} {said}"
        return f"{self.name}의 {said}"

    def does(self, said: str) -> str:
        """The subject in front of something that it does, or that is done with it or there."""
        if begun := self._begins(said):
            return begun
        if self.is_place:
            return f"{self.name}에서{'' if has_topic(said) else '는'} {said}"
        return f"{self.name}{fitted(self.name, '은')} {said}"

    def _begins(self, said: str) -> str:
        """With the subject in front where it is a paper or a clause, or as it is where it names the subject."""
        words = [word for word in self.name.split() if len(word) > 1]
        if self.paper:
            return f"{self.paper}에 따르면 {said}"
        if self.name.endswith("때") and not self.when:  # 안경 맞출 때
            return f"{self.name} {said}"
        return said if 2 * sum(word in said for word in words) > len(words) else ""


BEHIND_A_NOUN = ("VV", "VA", "XS", "MA", "JK", "JX", "JC")


def without_pictures(text: str) -> str:
    """The text without emoji and other signs that are no words; ℃ and ㈜, which stand for letters, stay."""
    signs = {one for one in text if unicodedata.category(one) in ("So", "Cf", "Mn")}
    pictures = {one for one in signs if one != "°" and not unicodedata.decomposition(one)}
    return "".join(one for one in text if one not in pictures).strip()


@functools.cache
def subject_of(title: str) -> Subject:
    """The subject of a document by its title."""
    return Subject(title)
