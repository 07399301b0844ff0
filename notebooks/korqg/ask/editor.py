"""A copy editor without a model: what a Korean question must look like, mended where the mending is certain.

What it changes is named, so that nobody takes an edited question for what the model wrote.
"""

import itertools
import re
from dataclasses import dataclass

from korqg.ask.endings import STYLES, asking, find_predicate, has_topic
from korqg.ask.particles import final_consonant, fitted
from korqg.sentences import kiwi, split_sentences

# Syllables that end in ㄴ or ㄹ: 받은, 보낸, 쓸
MODIFYING = "".join(chr(code) for final in (4, 8) for code in range(0xAC00 + final, 0xD7A4, 28))
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
    (r"계셔야", "있어야", "no honorific"),
    (r"드실 수", "먹을 수", "no honorific"),
    (r"드셔야", "먹어야", "no honorific"),
    (r"드시려면", "먹으려면", "no honorific"),
    (rf"(?<=[{MODIFYING}]) 분께(?=[는만]?(?![가-힣]))", " 사람에게", "no honorific"),
    (rf"(?<=[{MODIFYING}]) 분(?=(은|이|을|의|에게)는?(?![가-힣]))", " 사람", "no honorific"),
    (r"무엇로(?=만?(?![가-힣]))", "무엇으로", "particles"),
    (r"말씀(?=[하한할해])", "말", "no honorific"),
    (r"(?<!넘기)(?<![넘나되있])지 않아야(?= [하한합될])", "지 말아야", "않아야 to 말아야"),
    (r"(누구에게|어디에서?|무엇으로)만(?![가-힣])", r"\1", "no 만"),
    (r"(?<=[시기]간에)서(?=는? )|(?<=에)서(?= 들어[오가]기)", "", "에서 to 에"),
    (r"(빌려|돌려|들려) 주", r"\1주", "spacing"),
    (r"지 마는가", "지 말아야 하는가", "ending"),
    (r"(넘|넘기|벗어나)지 (않는|아니하는)가", r"\1지 않아야 하는가", "ending"),
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
    note(without_honorifics(text), "no honorific")
    note(_without_too(text), "도 to 는")
    note(_past_modifier(text), "ending")
    note(_without_tail(text), "clause that asks")
    note(_place_as_owner(text), "에서 to 의")
    note(_owner_as_place(text), "의 to 에서")
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


JOINS_CLAUSES = ("고", "며", "으며", "지만", "으나", "나", "는데")
LEAST_TAIL = 6  # Characters of a clause behind the one that asks


def _without_tail(text: str) -> str:
    """The question up to the clause that asks, where another follows (몇 시에 열고 5시에 닫는가 to 몇 시에 여는가)."""
    body = text.removesuffix("?")
    last, tokens = find_predicate(body), kiwi().tokenize(body)
    asked = [match.start() for match in QUESTION_WORDS.finditer(body)]
    if not text.endswith("?") or not last or not asked or last.stem[1].startswith("VC"):
        return text
    for place, token in enumerate(tokens[:-1]):
        behind = tokens[place + 1]
        joins = token.tag == "EC" and token.form in JOINS_CLAUSES and behind.tag[:2] not in ("VX", "JX")
        if not joins or token.start <= asked[-1] or len(body) - token.end < LEAST_TAIL:
            continue
        if last.stem[0] in ("있", "없") and not re.search(r"수는? [있없]", body[token.end :]):
            return text
        nouns = [one for one in tokens[place + 1 :] if one.tag in ("NNG", "NNP", "SN", "SL")]
        own_subject = has_topic(body[token.end :]) or any(one.tag == "JKS" for one in tokens[place + 1 :])
        subject = re.match(r"(누가|\S+( \S+)?[이가])(?= )", body[asked[-1] :])
        if not nouns or (subject and not own_subject):
            return text
        clause = find_predicate(body[: token.end].rstrip(), ("EC",))
        if clause is None or clause.stem[1].startswith(("VC", "VA")):
            return text
        style = "polite" if body.endswith("요") else "plain"
        if re.search(r"야 [하한합]", body[max(0, last.start - 4) :]):
            must = body[: clause.start] + kiwi().join([clause.stem, ("어야", "EC")])
            return f"{must} {'하나요' if style == 'polite' else '하는가'}?"
        return asking(body, clause, style, last.past)
    return text


def _place_as_owner(text: str) -> str:
    """보관소의 요금은 얼마인가, where it asked 보관소에서 요금은 얼마인가."""
    match = re.fullmatch(r"(.+[가-힣])에서(?:는)? (\S+(?: \S+)?)(은|는) (\S+(?: \S+)?인가요?\?)", text)
    if not match or not QUESTION_WORDS.match(match[4]):
        return text
    nouns = all(token.tag.startswith(("N", "XSN", "SN")) for token in kiwi().tokenize(match[2]))
    clause = any(token.tag in ("EC", "ETM") for token in kiwi().tokenize(match[1]))
    return f"{match[1]}의 {match[2]}{match[3]} {match[4]}" if nouns and not clause else text


def _without_too(text: str) -> str:
    """A thing as the topic, where the text had said "too" of it (의견도 몇 건 들어왔는가: 의견은): too as what?"""
    tokens = kiwi().tokenize(text)
    if has_topic(text):
        return text
    for before, token in itertools.pairwise(tokens):
        noun = before.tag in ("NNG", "NNP", "XSN") and before.form not in ("하나", "조금", "아무", "전혀")
        if noun and token.tag == "JX" and token.form == "도" and token.start == before.end:
            return text[: token.start] + fitted(text[before.start : before.end], "는") + text[token.end :]
    return text


def _past_modifier(text: str) -> str:
    """미룬 것은, where it said 미뤘는 것은: a modifier has no past tense of its own in front of 는."""
    tokens = kiwi().tokenize(text)
    for stem, past, ending in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if (past.tag, ending.tag, ending.form) == ("EP", "ETM", "는") and past.form in ("었", "았"):
            return text[: stem.start] + kiwi().join([(stem.form, stem.tag), ("ᆫ", "ETM")]) + text[ending.end :]
    return text


def _owner_as_place(text: str) -> str:
    """보관소에서 맡기는 물건은, where it said 보관소의 맡기는 물건은: 의 stands in front of nouns alone."""
    tokens = kiwi().tokenize(text)
    wrong = [one for one, behind in itertools.pairwise(tokens) if one.tag == "JKG" and behind.tag.startswith("VV")]
    return f"{text[: wrong[0].start]}에서{text[wrong[0].end :]}" if wrong else text


def without_honorifics(question: str) -> str:
    """The question as a reader asks it, nobody's guest: 가시면 to 가면, 확인해 드리는가 to 확인해 주는가."""
    tokens = kiwi().tokenize(question)
    words: dict[int, list] = {}
    for token in tokens:
        words.setdefault(token.word_position, []).append(token)
    for word in reversed(list(words.values())):
        morphs = [(token.form, token.tag) for token in word]
        kept = [
            ("주", tag) if form == "드리" and tag.startswith("V") else (form, tag)
            for form, tag in morphs
            if not (tag == "EP" and form in ("시", "으시"))
        ]
        if kept != morphs and not any(tag.startswith("S") and tag != "SF" for _, tag in kept):
            begin, stop = word[0].start, word[-1].end
            joined = re.sub(r"하[았었]", "했", kiwi().join(kept))
            question = question[:begin] + joined + question[stop:]
    return question


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
