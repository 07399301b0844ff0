"""A copy editor without a model: what a Korean question must look like, mended where the mending is certain.

What it changes is named, so that nobody takes an edited question for what the model wrote.
"""

import itertools
import re
from dataclasses import dataclass

from korqg.ask.endings import STYLES, asking, find_predicate
from korqg.ask.particles import final_consonant, fitted
from korqg.sentences import kiwi, split_sentences

# Pattern, what stands in its place, and the name of the edit.
WORDS = [
    (r"^\s*(\(?\d{1,2}[.)]|[①-⑳•▪○●◦※*-])\s+(?=\S)", "", "list mark"),
    (r"누구가(?![가-힣])", "누가", "누구가 to 누가"),
    (r"몇\s?일(?=[\s?]|이|간|동안|까지|부터|만|안|전|후|을|에|마다|인)", "며칠", "몇일 to 며칠"),
    (r"어느\s?곳(?=에서|에|으로|을|은|이)", "어느 곳", "spacing"),
    (r"(?<=[가-힣])  +(?=[가-힣])", " ", "spacing"),
    (r"\s+\?", "?", "spacing"),
    (r"\?{2,}", "?", "one question mark"),
    (r"드시는가", "먹는가", "no honorific"),
    (r"드실 수", "먹을 수", "no honorific"),
    (r"드셔야", "먹어야", "no honorific"),
    (r"(?<=[하오])시는가|(?<=[가-힣])으시는가", "는가", "no honorific"),
    (r"까닭은 무엇", "이유는 무엇", "까닭 to 이유"),
    (r"까닭이 무엇", "이유가 무엇", "까닭 to 이유"),
]
# Interrogative endings that must go with what they follow: 만드는가, not 만든가.
CAN_BE_MENDED = ("는가", "ᆫ가", "은가", "나요", "는가요", "ᆫ가요", "은가요")
# Those that another style may stand for; others (-을까, -ㄹ까요) say something else, and stay.
CAN_BE_REPLACED = (*CAN_BE_MENDED, *"나 니 느냐 냐 ᆸ니까 습니까 는지 ᆫ지 은지 는지요 ᆫ지요 어요 아요 죠 지 어".split())
STATING = ("다", "ᆫ다", "는다", "습니다", "ᆸ니다")
QUESTION_WORDS = re.compile(r"누구|누가|누굴|언제|어디|무엇|무슨|뭐|어떤|어느|어떻게|어떠|왜|몇|며칠|얼마|이유|까닭")


@dataclass(frozen=True)
class Edited:
    """A question after the copy editor, and the names of what was changed, in order."""

    text: str
    edits: tuple[str, ...]


def edit_question(question: str, style: str = "") -> Edited:
    """The question mended: one sentence, a question's ending, 누가 and 며칠, particles that fit what they follow.

    With `style` "plain" its ending is -는가 or -ㄴ가, with "polite" -나요 or -ㄴ가요; "" keeps the kind it has.
    Questions that end in a noun ("…은?") and endings that stand for something else (-을까) stay. Raises ValueError
    for an unknown style.
    """
    if style and style not in STYLES:
        raise ValueError(f"style={style!r} is not known; use one of: {', '.join(STYLES)}.")
    text, edits = " ".join(question.split()), []

    def note(new: str, name: str) -> None:
        nonlocal text
        if new != text:
            text = new
            edits.append(name)

    note(_one_sentence(text), "one sentence kept")
    for pattern, replacement, name in WORDS:
        note(re.sub(pattern, replacement, text), name)
    note(_fit_particles(text), "particles")
    note(_mend_ending(text, style), "ending")
    return Edited(text, tuple(edits))


def _one_sentence(text: str) -> str:
    """The sentence that asks, where others stand in front of or behind it."""
    if "?" not in text:
        return text
    head = text[: text.index("?") + 1]
    sentences = split_sentences(head)
    if len(sentences) > 1 and QUESTION_WORDS.search(sentences[-1]) and re.search(r"[.!…]$", sentences[-2]):
        return sentences[-1]
    return head


def _fit_particles(text: str) -> str:
    """Particles in the form that their noun wants: 연어은 to 연어는."""
    tokens = kiwi().tokenize(text)
    for before, token in reversed(list(itertools.pairwise(tokens))):
        if not (
            token.tag.startswith("J")
            and before.tag in ("NNG", "NNP", "NNB", "NP", "NR", "XSN")
            and before.end == token.start
        ):
            continue
        written = text[token.start : token.end]
        if len(written) != len(token.form) or written != token.form:
            continue  # contracted: 무얼, 그게
        if final_consonant(text[before.start : before.end]) is None or text[before.end - 1 : before.end].isdigit():
            continue
        wanted = fitted(text[before.start : before.end], written)
        if written in ("이", "가") and before.tag == "NP":
            continue
        if wanted != written and (written, wanted) in CERTAIN:
            text = text[: token.start] + wanted + text[token.end :]
    return text


CERTAIN = {
    (one, other)
    for pair in (("은", "는"), ("을", "를"), ("과", "와"), ("이", "가"), ("으로", "로"))
    for one, other in (pair, pair[::-1])
}


def _mend_ending(text: str, style: str) -> str:
    if not text.endswith("?"):
        return text
    body = text[:-1].rstrip(" .!")
    predicate = find_predicate(body)
    if predicate is None:
        return text
    wanted = style or ("polite" if re.search(r"(요|죠)$", body) else "plain")
    if predicate.ending in STATING:
        return asking(body, predicate, wanted) if QUESTION_WORDS.search(body) else text
    if predicate.ending in (CAN_BE_MENDED if not style else CAN_BE_REPLACED):
        return asking(body, predicate, wanted)
    return text
