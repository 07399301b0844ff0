"""Korean sentences, by Kiwi (github.com/bab2min/kiwipiepy)."""

import bisect
import functools
import itertools
import re
from collections.abc import Iterable, Iterator

LONGEST_SLICE = 5_000  # Characters that Kiwi is given at once: its time for one text grows faster than the text


_CLOSERS = "\"'”’)\\]」』》〉"
_ENDED = re.compile(rf"[.!?…。][{_CLOSERS}]*\s*$")
# What stands between two marks that belong together, the marks included.
_PAIRS = re.compile(
    r"\([^()]{0,200}\)|\[[^\[\]]{0,200}\]|「[^「」]{0,200}」|『[^『』]{0,200}』|《[^《》]{0,200}》|〈[^〈〉]{0,200}〉"
    r"|“[^“”]{0,300}”|‘[^‘’]{0,300}’|(?<![^\s(\[,.])\"(?!\s)[^\"]{0,200}(?<!\s)\"|(?<![^\s(\[,.])'(?!\s)[^']{0,200}(?<!\s)'"
)
# Kiwi may place a boundary before the full stop of "(20쪽). 그러나".
_AT_STOP = re.compile(rf"(?:[.!?…。]+[{_CLOSERS}]*\s)?")
# A full stop behind an ending, then a blank and a word: a boundary that needs no Kiwi.
_PLAIN_STOP = re.compile(r"(?<=[가-힣][다요까]\.)\s+(?=\S)")
# Where a second sentence may begin inside a piece; a piece without such a place is one sentence.
_PERHAPS_MORE = re.compile(rf"[.!?…。:;~][{_CLOSERS}]*\s|[다요까죠음함임됨오]\s|[.!?…。][^\s\d.!?…。{_CLOSERS}]")


def split_sentences(text: str) -> list[str]:
    """The sentences of a paragraph, without the white space between them."""
    return next(split_all([text]))


def split_all(texts: Iterable[str]) -> Iterator[list[str]]:
    """The sentences of each text; many at once take half the time of one by one.

    Kiwi is asked only where it may find more than the plain full stops tell: it takes nearly all of the time.
    """
    pieces = [_plain_pieces(text) for text in texts]
    unclear = [part for parts in pieces for piece in parts if _is_unclear(piece) for part in _slices(piece)]
    found = kiwi().split_into_sents(unclear, return_sub_sents=False) if unclear else iter(())
    for parts in pieces:
        yield [sentence for piece in parts for sentence in _piece_sentences(piece, found)]


def _plain_pieces(text: str) -> list[str]:
    """A text cut behind its plain full stops, but for those inside brackets or quotation marks."""
    pairs = _pair_spans(text)
    cuts = [match.end() for match in _PLAIN_STOP.finditer(text) if not _holding(pairs, match.start())]
    return [text[start:end] for start, end in itertools.pairwise([0, *cuts, len(text)]) if text[start:end].strip()]


def _is_unclear(piece: str) -> bool:
    return len(piece) > LONGEST_SLICE or _PERHAPS_MORE.search(piece.strip()) is not None


def _piece_sentences(piece: str, found: Iterator) -> list[str]:
    """The sentences of a piece, by Kiwi's next answers in `found` where it was asked about the piece."""
    if not _is_unclear(piece):
        return [piece.strip()]
    sentences = []
    for part in _slices(piece):
        # A sentence reaches to where the next one starts: between them Kiwi may pass over signs it cannot place.
        starts = _mended(part, [sentence.start for sentence in next(found)][1:])
        sentences += [part[start:end].strip() for start, end in itertools.pairwise([0, *starts, len(part)])]
    return [sentence for sentence in sentences if sentence]


def _pair_spans(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in _PAIRS.finditer(text)]


def _holding(spans: list[tuple[int, int]], place: int) -> tuple[int, int] | None:
    """The pair of marks that a place is inside of."""
    at = bisect.bisect_left(spans, (place, 0)) - 1
    return spans[at] if at >= 0 and spans[at][0] < place < spans[at][1] else None


def _mended(text: str, starts: list[int]) -> list[int]:
    """Kiwi's boundaries, those that tear a word or a pair of marks moved back to the sentence before, or dropped.

    Kiwi takes the closing mark of `"야간 개방"이라 함은` for the end of a sentence, and so does it with `[그림 4]를`.
    """
    pairs, mended = _pair_spans(text), []
    for start in starts:
        start = _AT_STOP.match(text, start).end()
        if start == len(text):
            continue
        pair = _holding(pairs, start)
        if pair is None and (text[start - 1].isspace() or _ends_without_blank(text, start)):
            place = start
        else:
            place = _word_start(text, pairs, start)
            if not _ENDED.search(text[:place]):
                continue
        if place > (mended[-1] if mended else 0):
            mended.append(place)
    return mended


def _ends_without_blank(text: str, start: int) -> bool:
    """Whether a full stop without a blank behind it ends a sentence here: "갔다.그리고", not "3.5배"."""
    return text[start - 1] in ".!?…。" and not text[start].isdecimal() and text[start] not in _CLOSERS


def _word_start(text: str, pairs: list[tuple[int, int]], place: int) -> int:
    """Where the word at a place begins; a pair of marks is a part of its word."""
    while place > 0:
        pair = _holding(pairs, place) or next((pair for pair in pairs if pair[1] == place), None)
        if pair:
            place = pair[0]
        elif text[place - 1].isspace():
            break
        else:
            place -= 1
    return place


REMEMBERED_TEXTS, REMEMBERED_PASSAGES = 2048, 64


@functools.cache
def kiwi():
    """Kiwi, loaded once (about a second); of the texts it met last it knows the tokens still.

    The rule looks at one sentence again and again: five of six calls for a chunk's candidates are repeated ones.
    """
    from kiwipiepy import Kiwi

    class RememberingKiwi(Kiwi):
        remembered = functools.lru_cache(REMEMBERED_TEXTS)(Kiwi.tokenize)

        def tokenize(self, text, *arguments, **options):
            if isinstance(text, str) and not arguments and not options:
                return list(self.remembered(text))
            return super().tokenize(text, *arguments, **options)

    return RememberingKiwi()


def is_unknown(token) -> bool:
    """Whether Kiwi's dictionary lacks a noun that it has found, as it lacks names that are made up (고드레굴)."""
    return token.tag in ("NNG", "NNP") and not kiwi().morpheme(token.id).form


def _slices(text: str) -> list[str]:
    """The text in pieces of at most LONGEST_SLICE characters, cut behind a full stop, else between words."""
    slices, start = [], 0
    while len(text) - start > LONGEST_SLICE:
        head = text[start : start + LONGEST_SLICE]
        stops = [match.end() for match in re.finditer(r"[.!?…][\"'”’)\]]*\s", head)]
        end = start + (stops[-1] if stops else head.rfind(" ") + 1 or LONGEST_SLICE)
        slices.append(text[start:end])
        start = end
    return [*slices, text[start:]]


# Characters of an opening: enough for no sentence more, what another sentence may fill it up to, and never more than
OPENING_ENOUGH, OPENING_FULL, OPENING_MOST = 60, 200, 210


def opening_of(text: str) -> str:
    """The first sentences of a document's text, of which one learns what it is about; without any, its first words.

    Sentences end in . ! ? or …; lines that do not, headings and rows of tables, are passed over.
    """
    opening = ""
    for begin, end in sentence_spans(text):
        sentence = text[begin:end].strip()
        if not re.search(r"[.!?…][\"”’]?$", sentence):
            continue
        if len(opening) > OPENING_ENOUGH or (opening and len(opening) + len(sentence) > OPENING_FULL):
            break
        opening = f"{opening} {sentence}".strip()
    return (opening or " ".join(text.split()))[:OPENING_MOST].rstrip()


@functools.lru_cache(REMEMBERED_PASSAGES)
def sentence_spans(text: str) -> tuple[tuple[int, int], ...]:
    """Begin and end (characters, end excluded) of each sentence in the text; line breaks end a sentence too."""
    spans, place = [], 0
    for line in text.split("\n"):
        at = place
        for sentence in split_sentences(line):
            begin = text.index(sentence, at)
            at = begin + len(sentence)
            if spans and spans[-1][1] == begin and begin > place:  # no blank between: '봄'|이라는 is one sentence
                spans[-1] = (spans[-1][0], at)
            else:
                spans.append((begin, at))
        place += len(line) + 1
    return tuple(spans)
