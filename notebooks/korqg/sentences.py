"""Korean sentences, by Kiwi (github.com/bab2min/kiwipiepy)."""

import functools
import itertools
import re
from collections.abc import Iterable, Iterator

LONGEST_SLICE = 5_000
"""Characters that Kiwi is given at once: its time for one text grows faster than the text."""


def split_sentences(text: str) -> list[str]:
    """The sentences of a paragraph, without the white space between them."""
    return next(split_all([text]))


def split_all(texts: Iterable[str]) -> Iterator[list[str]]:
    """The sentences of each text; many at once take half the time of one by one."""
    sliced = [_slices(text) for text in texts]
    found = kiwi().split_into_sents([part for parts in sliced for part in parts], return_sub_sents=False)
    for parts in sliced:
        sentences = []
        for part in parts:
            # A sentence reaches to where the next one starts: between them Kiwi may pass over signs it cannot place.
            starts = [sentence.start for sentence in next(found)][1:]
            sentences += [part[start:end].strip() for start, end in itertools.pairwise([0, *starts, len(part)])]
        yield [sentence for sentence in sentences if sentence]


@functools.cache
def kiwi():
    """Kiwi, loaded once (about a second)."""
    from kiwipiepy import Kiwi

    return Kiwi()


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


def sentence_spans(text: str) -> list[tuple[int, int]]:
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
    return spans
