"""Korean particles that follow the final consonant of the word in front of them."""

import re
import unicodedata

# Each particle behind a final consonant, and behind a vowel; the longer ones first.
PAIRS = [
    tuple(pair.split("/"))
    for pair in (
        "이라고는/라고는 이라는/라는 이라고/라고 이라도/라도 이라/라 이란/란 이나마/나마 이나/나 이며/며 이든/든 "
        "이야/야 으로부터/로부터 으로서/로서 으로써/로써 으로는/로는 으로도/로도 으로/로 은/는 이/가 을/를 "
        "과는/와는 과의/와의 과/와"
    ).split()
]
_FORMS = {form: pair for pair in PAIRS for form in pair}
_DIGITS_WITH_FINAL = {"0": 21, "1": 8, "3": 16, "6": 1, "7": 8, "8": 8}
_UNITS_WITH_FINAL = {"%": 0, "℃": 0, "m": 0, "g": 16, "L": 0, "l": 0}
_LETTERS_WITH_FINAL = {"L": 8, "M": 16, "N": 4, "R": 8}
_RIEUL = 8


def final_consonant(word: str) -> int | None:
    """The number of the last syllable's final consonant as Unicode counts it (0: none, 8: ㄹ); None: not known.

    Closing brackets and quotation marks are passed over; digits and capital letters count as they are read (일, 삼, 육
    ...; 엘, 엠, 엔, 알).
    """
    word = re.sub(r"\([^()]*\)$", "", unicodedata.normalize("NFC", word)).rstrip("」』》〉>’”'\")]} ")
    if not word:
        return None
    last = word[-1]
    if "가" <= last <= "힣":
        return (ord(last) - 0xAC00) % 28
    if last.isdigit():
        return _DIGITS_WITH_FINAL.get(last, 0)
    if last in _UNITS_WITH_FINAL and not re.search(r"[A-Z]{2}$", word):
        return _UNITS_WITH_FINAL[last]
    return _LETTERS_WITH_FINAL.get(last, 0) if re.search(r"(?<![a-z])[A-Z]$|pH$", word) else None


def fitted(word: str, particle: str) -> str:
    """The particle in the form that fits the word; as it is where it has one form alone or the word cannot be read."""
    pair, final = _FORMS.get(particle), final_consonant(word)
    if pair is None or final is None:
        return particle
    with_final, without = pair
    if with_final.startswith("으로") and final == _RIEUL:
        return without
    return with_final if final else without


def fit_behind(word: str, rest: str) -> str:
    """`rest`, the text that follows a word's place, with its first particle made to fit another `word`."""
    match = re.match(r"[가-힣]+", rest)
    if not match:
        return rest
    letters = match[0]
    for form in sorted(_FORMS, key=len, reverse=True):
        if letters == form or (letters.startswith(form) and len(form) > 1 and form != "이며"):
            return fitted(word, form) + rest[len(form) :]
    return rest
