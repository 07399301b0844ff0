"""Answers compared as KorQuAD 1.0's evaluation compares them."""

import re
import string
from collections import Counter

from korqg.compare.scores import characters, unified


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


def exact_match(answer: str, references: list[str]) -> float:
    """KorQuAD 1.0's exact match, 0 or 1: equal after `normalize_answer` to one of the references."""
    return float(any(normalize_answer(answer) == normalize_answer(reference) for reference in references))


def stands_in(answer: str, passage: str) -> bool:
    """Whether an answer's characters stand in the passage, white space aside."""
    wanted = "".join(characters(answer))
    return bool(wanted) and wanted in "".join(characters(passage))


def gives_answer_away(question: str, answer: str) -> bool:
    """Whether the answer, signs and white space aside and of two characters or more, stands in the question."""
    said = normalize_answer(answer).replace(" ", "")
    return len(said) > 1 and said in normalize_answer(question).replace(" ", "")
