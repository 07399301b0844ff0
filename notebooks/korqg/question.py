"""Beyond the form: is a question copied, do two ask the same, is there anything to ask about."""

import re
import unicodedata

from korqg.answers import normalize_answer
from korqg.compare.scores import copied_share, rouge_l

MOSTLY_COPIED = 0.9
"""Share of a question in one stretch of the chunk from which it counts as a copied sentence.

Of KorQuAD 1.0 dev's 5,774 human questions 0.2 % are above it.
"""

MUCH_ALIKE = 0.7
"""ROUGE-L (of 1, over characters) from which two questions about one paragraph count as the same.

In KorQuAD 1.0 dev 1.3 % of the 14,924 pairs of human questions about one paragraph with different answers reach it.
"""

FEWEST_CHARACTERS, LEAST_HANGUL = 12, 0.4

FEWEST_OF_A_FACT = 7
"""Letters and digits from which a label with a value, or a change in figures, is a fact: 신청 기한: 3월 2일."""

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
        return "it is too short to ask about"
    if not letters or sum("가" <= sign <= "힣" for sign in letters) < LEAST_HANGUL * len(letters):
        return "it is not in Korean"
    return ""
