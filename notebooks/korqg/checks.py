"""Beyond the form: is a question worth asking, do two ask the same, is there anything to ask about."""

import re
import unicodedata

from korqg.answers import normalize_answer
from korqg.metrics import characters, copied_share, rouge_l

MOSTLY_COPIED = 0.9
"""Share of a question in one stretch of the chunk from which it counts as a copied sentence.

Of KorQuAD 1.0 dev's 5,774 human questions 0.2 % are above it.
"""

MUCH_ALIKE = 0.7
"""ROUGE-L (of 1, over characters) from which two questions about one paragraph count as the same.

In KorQuAD 1.0 dev 1.3 % of the 14,924 pairs of human questions about one paragraph with different answers reach it.
"""

FEWEST_CHARACTERS, FEWEST_THINGS, LEAST_HANGUL = 12, 3, 0.4
THINGS_OF_A_FACT = 2
"""Different nouns and numbers of one sentence, at least: a fact says something of one thing by another."""

ROW_OF_A_TABLE = re.compile(r"\||\S *\t\s*\S")


def is_copied(question: str, passage: str) -> bool:
    """Whether nearly all of the question is one stretch of the passage: a sentence with a question mark."""
    return copied_share(question, passage) >= MOSTLY_COPIED


def ask_the_same(question: str, other: str, answer: str = "", other_answer: str = "") -> bool:
    """Whether two questions about one paragraph ask for the same thing: the same answer, or nearly the same words."""
    if answer and normalize_answer(answer) == normalize_answer(other_answer):
        return True
    return rouge_l(question, [other]) >= MUCH_ALIKE


def why_nothing_to_ask(chunk: str) -> str:
    """Why no question should be asked about a chunk, in a few words; "" where there is something to ask.

    Too short, not in Korean, without a sentence (a table, a list of names, a heading alone), or without a thing to
    ask for: fewer than FEWEST_THINGS different nouns and numbers, or no sentence with THINGS_OF_A_FACT of them.
    Sentences, their endings and nouns are Kiwi's. What a sentence means is not looked at: wishes and opinions pass.
    """
    chunk = unicodedata.normalize("NFC", chunk)
    letters = [sign for sign in chunk if sign.isalpha()]
    if len([sign for sign in chunk if sign.isalnum()]) < FEWEST_CHARACTERS:
        return "too short to ask about"
    if sum("가" <= sign <= "힣" for sign in letters) < LEAST_HANGUL * len(letters) or not letters:
        return "not in Korean"
    from korqg.sentences import kiwi

    things: dict[tuple[int, int], set[str]] = {}  # by line and sentence
    ended = set()
    for number, line in enumerate(chunk.split("\n")):
        for token in kiwi().tokenize(line) if not ROW_OF_A_TABLE.search(line) else ():
            place = number, token.sent_position
            things.setdefault(place, set())
            if token.tag in ("NNG", "NNP", "SN", "SL", "SH"):
                things[place].add(token.form)
            if token.tag in ("EF", "ETN"):
                ended.add(place)
    if not ended:
        return "holds no sentence, only names or rows of a table"
    fact = any(len(things[place]) >= THINGS_OF_A_FACT for place in ended)
    return "" if fact and len(set().union(*things.values())) >= FEWEST_THINGS else "states no fact to ask for"


def place_of(answer: str, chunk: str, question: str = "") -> list[int] | None:
    """Begin and end (characters, end excluded) of an answer in a chunk, white space aside; None: it is not there.

    Of several places the one whose surroundings share the most pairs of characters with the question.
    """
    wanted = characters(answer)
    if not wanted:
        return None
    spots = [match.span() for match in re.finditer(r"\s*".join(map(re.escape, wanted)), chunk)]
    asked = _pairs(question)
    best = max(spots, key=lambda spot: len(asked & _pairs(chunk[max(0, spot[0] - 60) : spot[1] + 60])), default=None)
    return list(best) if best else None


def _pairs(text: str) -> set[str]:
    text = "".join(characters(text))
    return {text[place : place + 2] for place in range(len(text) - 1)}
