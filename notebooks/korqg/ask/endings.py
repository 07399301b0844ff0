"""The endings of Korean questions: what a predicate becomes when it asks, by Kiwi's tags and its `join`."""

from dataclasses import dataclass

from korqg.ask.particles import final_consonant
from korqg.sentences import kiwi

STYLES = ("plain", "polite")
VERBS = ("VV", "VX", "XSV")
ADJECTIVES = ("VA", "XSA", "VCP", "VCN")
PAST = ("었", "았", "였", "겠")
LIKE_VERBS = ("있", "없", "계시")  # Adjectives that ask as verbs do: 있는가, 없나요
ASKING = {
    ("plain", "verb"): "는가",
    ("plain", "adjective"): "ᆫ가",
    ("polite", "verb"): "나요",
    ("polite", "adjective"): "ᆫ가요",
}


@dataclass(frozen=True)
class Predicate:
    """The end of a sentence: where its last stem starts (characters), the stem, what stands behind it, the ending."""

    start: int
    stem: tuple[str, str]
    between: tuple[tuple[str, str], ...]
    ending: str

    @property
    def past(self) -> bool:
        return any(form in PAST for form, _ in self.between)

    @property
    def asks_like(self) -> str:
        """Whether it takes a verb's interrogative ending or an adjective's."""
        form, tag = self.stem
        tag = tag.split("-")[0]
        if self.past or form.endswith(LIKE_VERBS) or (tag in VERBS and form not in ("싶", "듯하", "만하")):
            return "verb"
        if tag == "VX" or tag in ADJECTIVES:
            return "adjective"
        return "verb"


def find_predicate(text: str, endings: tuple[str, ...] = ("EF",)) -> Predicate | None:
    """The last predicate of a sentence without its closing sign; None where it does not end in one."""
    if text.endswith(" 안내"):  # a heading's noun, which Kiwi may take for 안 내(어)
        return None
    tokens = [token for token in kiwi().tokenize(text) if not token.tag.startswith("SF")]
    if tokens and tokens[-1].form == "요" and tokens[-1].tag == "JX":
        tokens = tokens[:-1]
    forms = [token.form for token in tokens]
    torn = len(tokens) > 2 and forms[-2:] == ["는", "가"] and tokens[-3].tag.startswith("VA")
    if torn:  # 높는가, a wrong ending, is taken for 높는 + 가
        tokens, forms = tokens[:-1], [*forms[:-2], "는가"]
    elif not tokens or tokens[-1].tag not in endings:
        return None
    place = len(tokens) - 2
    while place >= 0 and tokens[place].tag == "EP":
        place -= 1
    if place < 0 or tokens[place].tag.split("-")[0] not in (*VERBS, *ADJECTIVES):
        return None
    between = tuple((token.form, token.tag) for token in tokens[place + 1 : -1])
    stem = (tokens[place].form, tokens[place].tag)
    if stem == ("지", "VX") and tokens[place - 1].tag != "EC":  # 이름을 …처럼 지어요: no verb that it could help
        stem = ("짓", "VV-I")
    return Predicate(tokens[place].start, stem, between, forms[-1])


def has_topic(text: str) -> bool:
    """Whether a noun or a place in the text has 은 or 는 behind it."""
    return any(token.tag == "JX" and token.form in ("은", "는") for token in kiwi().tokenize(text))


def asking(text: str, predicate: Predicate, style: str = "plain", past: bool | None = None) -> str:
    """The text with its predicate as a question of the style, "?" behind it; `past` adds or keeps the past tense."""
    between = [(form, tag) for form, tag in predicate.between if form != "시"]
    if past and not predicate.past:
        between.append(("었", "EP"))
    kind = "verb" if past else predicate.asks_like
    pieces = [predicate.stem, *between, (ASKING[style, kind], "EF")]
    front, asked = text[: predicate.start], kiwi().join(pieces)
    if predicate.stem == ("이", "VCP") and asked.startswith("이었") and final_consonant(front) == 0:
        asked = "였" + asked.removeprefix("이었")
    return front + asked + "?"
