"""Of one question: is it one, is it copied, do two ask the same; of one answer: is it the right one."""

import difflib
import re
import string
import unicodedata
from collections import Counter

SHORTEST_QUESTION, LONGEST_QUESTION = 6, 150
ASKED_FOR = re.compile(
    "(시간|시각|시기|기간|기한|날짜|연도|요일|일시|주기|간격|횟수|회수|이유|원인|목적|까닭|방법|순서|절차|차이|기준|조건|요건|자격|제한|한도|범위"
    "|위치|장소|방향|지점|크기|길이|높이|깊이|너비|넓이|면적|무게|용량|온도|수온|기온|습도|농도|속도|비율|인원|정원|개수|건수|대수|일수|면수|액수"
    "|가격|금액|비용|요금|예산|임기|역할|효과|영향|유래|뜻|이름|종류|재료|서류|준비물|색|양|수|것|곳|[가-힣](료|비|액|금|량|률|일|법))$"
)
"""Words at the end of a search query that say what it asks for."""


def is_single_question(text: str) -> bool:
    """Whether an output is exactly one Korean question.

    One line with Hangul in it, 6 to 150 characters before the "?" that ends it, no other "?", no "###"
    (the mark of a prompt that runs on), no sign that is half of one (U+FFFD, where a model broke off within its bytes),
    and no phrase said three times in a row. A search query counts too (see is_search_query).
    """
    text = text.strip()
    return is_search_query(text) or (
        "\n" not in text
        and text.endswith("?")
        and text.count("?") == 1
        and SHORTEST_QUESTION <= len(text) - 1 <= LONGEST_QUESTION
        and "###" not in text
        and "\ufffd" not in text
        and re.search(r"[가-힣]", text) is not None
        and re.search(r"(\S.{0,30}?\S)\s*\1\s*\1", text) is None
    )


def is_search_query(text: str) -> bool:
    """Whether it is what a Korean types into a search box, and asks: 두부 만들 때 간수 역할, 공공자전거 30일권 요금.

    Two to nine words on one line without a stop, the last of which says what is asked for (ASKED_FOR).
    """
    words = text.split()
    return (
        2 <= len(words) <= 9
        and SHORTEST_QUESTION <= len(text) <= 50
        and re.search(r"[\n.?!:;#【】|]", text) is None
        and ASKED_FOR.search(words[-1]) is not None
    )


# Kinds of question by their words; the first that is found counts.
KINDS = {
    "왜": r"왜|까닭|이유|때문",
    "어떻게": r"어떻게|어떤 방법|어떤 방식",
    "누구": r"누구|누가|누굴",
    "언제": r"언제|(몇|어느) ?(년|해|월|달|일|날|세기|시기|때)|무슨 요일",
    "어디": r"어디|어느 (곳|나라|지역|도시|장소)|어떤 (곳|나라|지역|도시|장소)",
    "몇": r"몇|얼마",
    "무엇": r"무엇|무슨|뭐|어떤|어느",
}


def question_kind(text: str) -> str:
    """The kind of a Korean question, one of KINDS, or "그 밖" (other)."""
    return next((kind for kind, words in KINDS.items() if re.search(words, text)), "그 밖")


def unified(text: str) -> str:
    """The text with each Hangul syllable as one character (NFC) and single blanks: both sides of a comparison."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def characters(text: str) -> list[str]:
    """The characters of a text, white space left out."""
    return list(unified(text).replace(" ", ""))


def rouge_l(output: str, references: list[str], units=characters) -> float:
    """ROUGE-L F1 over characters (or other units) against the best of the references; 0 to 1.

    2PR / (P + R) with the longest common subsequence's share of the output (P) and of the reference (R)
    (Lin 2004). Not by the usual package, whose tokenizer drops Hangul and gives 0 for equal texts.
    """
    from rapidfuzz.distance import LCSseq

    pieces = units(output)

    def score(other: list[str]) -> float:
        if not pieces or not other:
            return 0.0
        return 2 * LCSseq.similarity(pieces, other) / (len(pieces) + len(other))

    return max((score(units(reference)) for reference in references), default=0.0)


def copied_share(output: str, passage: str) -> float:
    """The longest stretch of the output that stands in the passage as it is, as a share of the output."""
    output, passage = "".join(characters(output)), "".join(characters(passage))
    if not output:
        return 0.0
    match = difflib.SequenceMatcher(None, output, passage, autojunk=False).find_longest_match()
    return match.size / len(output)


def normalize_answer(text: str) -> str:
    """An answer as KorQuAD 1.0's evaluation compares it: signs out, lower case, single blanks.

    After `normalize_answer` of the official evaluate-v1.0.py (korquad.github.io).
    """
    text = re.sub("['\"《》<>〈〉()‘’]", " ", unified(text)).lower()
    return " ".join(text.translate(str.maketrans("", "", string.punctuation)).split())


def character_f1(answer: str, references: list[str]) -> float:
    """KorQuAD 1.0's F1: characters in common, however placed, against the best of the references; 0 to 1."""

    def score(reference: str) -> float:
        ours, theirs = (Counter(normalize_answer(text).replace(" ", "")) for text in (answer, reference))
        common = (ours & theirs).total()
        return 2 * common / (ours.total() + theirs.total()) if common else 0.0

    return max((score(reference) for reference in references), default=0.0)


def gives_answer_away(question: str, answer: str) -> bool:
    """Whether the answer, signs and white space aside and of two characters or more, stands in the question."""
    said = normalize_answer(answer).replace(" ", "")
    return len(said) > 1 and said in normalize_answer(question).replace(" ", "")


# Share of a question in one stretch of the chunk from which it counts as a copied sentence. Of KorQuAD 1.0 dev's 5,774
# human questions 0.2 % are above it.
MOSTLY_COPIED = 0.9
# ROUGE-L (of 1, over characters) from which two questions about one paragraph count as the same. In KorQuAD 1.0 dev 1.3
# % of the 14,924 pairs of human questions about one paragraph with different answers reach it.
MUCH_ALIKE = 0.7
FEWEST_CHARACTERS, LEAST_HANGUL = 12, 0.4
# Letters and digits from which a label with a value, or a change in figures, is a fact: 신청 기한: 3월 2일.
FEWEST_OF_A_FACT = 7
_FACT = re.compile(
    r"[가-힣)]\s*[:：]\s*.*\d|\d.*(?:증가|감소|상승|하락|완료|예정|실시|확정|개최|추진|[가-힣][음함임됨])$",
    re.MULTILINE,
)


def is_copied(question: str, passage: str) -> bool:
    """Whether nearly all of the question is one stretch of the passage: a sentence with a question mark."""
    return copied_share(question, passage) >= MOSTLY_COPIED


def ask_the_same(question: str, other: str, answer: str = "", other_answer: str = "") -> bool:
    """Whether two questions about one paragraph ask for the same thing: the same answer, or nearly the same words."""
    if answer and normalize_answer(answer) == normalize_answer(other_answer):
        return True
    return rouge_l(question, [other]) >= MUCH_ALIKE


def why_nothing_to_ask(chunk: str) -> str:
    """Why no question should be asked about a chunk, in a few words; "" where nothing speaks against it."""
    letters = [sign for sign in unicodedata.normalize("NFC", chunk) if sign.isalpha()]
    fewest = FEWEST_OF_A_FACT if _FACT.search(chunk) else FEWEST_CHARACTERS
    if len([sign for sign in chunk if sign.isalnum()]) < fewest:
        return "it is too short to ask about · 묻기에는 너무 짧음"
    if not letters or sum("가" <= sign <= "힣" for sign in letters) < LEAST_HANGUL * len(letters):
        return "it is not in Korean · 한국어가 아님"
    return ""
