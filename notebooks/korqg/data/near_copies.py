"""Paragraphs that stand, word for word or nearly, in more than one article.

A model that was trained on a paragraph remembers it, and a test on its near copy would measure that memory.
Two texts are near copies when half of the shorter one's shingles (runs of SHINGLE letters and digits) stand in
the other: containment after Broder 1997, "On the resemblance and containment of documents". So an edited
copy is found, one with a sentence more or fewer, and one that is a part of the other, where the Jaccard
index, which MinHash estimates, would be small. All shingles are compared, so nothing is left to chance.

What a pair of paragraphs does not show is looked for beside: one title in two spellings, short texts that are nearly
the same, and stretches that chunks share because they overlap, wherever they were cut.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from korqg.data.corpus import Passage, normalized

# Letters and digits in a shingle: about three Korean words. Shorter ones are shared by texts of like wording.
SHINGLE = 8
# Share of the shorter text's shingles that makes two texts near copies. It stands in a gap: in KorQuAD 1.0 dev copies
# share 0.8 or more, and all other pairs of paragraphs (but one, of two articles on the same matter) less than 0.4. A
# copy with one letter in twenty changed, at random, is found.
NEAR = 0.5
# Texts of fewer letters and digits are copies only when they are equal: short ones are alike by their form.
SHORTEST = 60
# The same for texts of fewer than SHORTEST letters, but not of fewer than 8: shingles of 3, six in ten of them.
SHORT_SHINGLE, SHORT_NEAR, SHORTEST_NEAR = 3, 0.6, 8
# Paragraphs overlap when they share 4 % of the shorter one's shingles of 15, 6 at least: a run of 20 letters. In
# KorQuAD 1.0 dev that finds, beside the copies, one account told in two articles and three phones of one maker that are
# described in the same words; in the built-in sample nothing.
OVERLAP_SHINGLE, OVERLAP, LEAST_OVERLAP = 15, 0.04, 6
MOST_HOLDERS = 40  # A stretch that more paragraphs have is a set phrase, and shows nothing of an overlap
SAMPLED = 20  # Members of a family, about, that are compared with its first one to tell copies from a chain
# Overlapping paragraphs make a chain; it is cut into groups of at most one in so many of all groups of articles.
LARGEST_CHAIN = 10
# Articles that are kept together at most. What more of them share is a set phrase, no reason to join them.
LARGEST_GROUP = 10


@dataclass(frozen=True)
class ArticleGroups:
    """Which articles belong on the same side, and what was too common to join them.

    `group_of` gives for each title the name of its group (its first title in sorted order); `copies` counts
    the paragraphs that stand, word for word or nearly, in another article too, and `joined` the articles in
    groups of two or more. `common` holds, for each text that stands in too many articles to keep them all
    together, the passage ids of its copies, and for each place where a chain of overlapping paragraphs was cut, those
    on both sides of the cut.
    """

    group_of: dict[str, str]
    copies: int
    joined: int
    common: tuple[frozenset[str], ...]


def near_duplicates(texts: list[str]) -> list[tuple[int, int]]:
    """Index pairs (smaller first, in order) of texts that are equal or near copies, letters and digits compared.

    Of a family of copies as many pairs are given as connect it, not all: n copies give n - 1 pairs. So a text
    has a near copy exactly when it stands in a pair, and copies lie apart exactly when some pair does.
    100,000 paragraphs of 350 characters take about ten seconds and 0.8 GB.
    """
    letters = [normalized(text) for text in texts]
    first = _first_with(letters)
    equal = [(first[text], index) for index, text in enumerate(letters) if first[text] != index]
    return sorted([*equal, *_near_pairs(_first_with(letters, SHORTEST).items())])


def containment(one: str, two: str, size: int = SHINGLE) -> float:
    """Share of the shorter text's shingles of `size` letters that stand in the other, 0 to 1 (0 when it has none)."""
    letters = [normalized(text) for text in (one, two)]
    shingles = [{text[start : start + size] for start in range(len(text) - size + 1)} for text in letters]
    return len(shingles[0] & shingles[1]) / max(1, min(map(len, shingles)))


def join_articles(passages: list[Passage]) -> ArticleGroups:
    """The groups of articles that share a paragraph, word for word or nearly, or whose paragraphs overlap.

    Texts that the fewest articles share join them first. A text that would make a group of more than
    LARGEST_GROUP articles joins nothing and is listed in `common`: a split must drop it where it would leak. So is a
    pair of overlapping paragraphs that would make a chain too long. Titles that differ in signs and blanks alone are
    one article. Short texts of one form, of which there are many, join nothing: what they share is the form.
    """
    group = {passage.title: [passage.title] for passage in passages}  # articles of one group have one list

    def together_with(titles: Iterable[str]) -> list[str]:
        return sorted({other for title in titles for other in group[title]})

    for titles in _one_title(group):
        together = together_with(titles)
        group.update(dict.fromkeys(together, together))
    shared = []
    families = _families(len(passages), near_duplicates([passage.text for passage in passages]))
    chains = [family for family in families if len(family) > LARGEST_GROUP and _is_chain(passages, family)]
    families = [family for family in families if family not in chains]
    for family in families:
        titles = {passages[index].title for index in family}
        if len(titles) > 1:
            shared.append((len(titles), sorted(family), sorted(titles)))
    common = []
    for _, family, titles in sorted(shared):
        together = together_with(titles)
        if len(together) > LARGEST_GROUP:
            common.append(frozenset(passages[index].id for index in family))
        else:
            group.update(dict.fromkeys(together, together))
    for family in _families(len(passages), _short_copies([passage.text for passage in passages])):
        together = together_with(passages[index].title for index in family)
        if len(together) <= min(LARGEST_GROUP, len(group) / 2):
            group.update(dict.fromkeys(together, together))
    longest = min(LARGEST_GROUP, len({id(titles) for titles in group.values()}) // LARGEST_CHAIN)
    near = {pair for family in chains for pair in _pairs_of_chain(passages, family)}
    for one, two in sorted(near | set(_overlaps(passages, families))):
        together = together_with((passages[one].title, passages[two].title))
        if len(together) <= longest:
            group.update(dict.fromkeys(together, together))
        elif group[passages[one].title] is not group[passages[two].title]:
            common.append(frozenset((passages[one].id, passages[two].id)))
    return ArticleGroups(
        group_of={title: together[0] for title, together in group.items()},
        copies=sum(len(family) for _, family, _ in shared),
        joined=sum(len(together) > 1 for together in group.values()),
        common=tuple(common),
    )


def _one_title(titles: Iterable[str]) -> list[list[str]]:
    """The titles that are one in two spellings or more: with _ for a blank, say, or other signs."""
    spelt: dict[str, list[str]] = defaultdict(list)
    for title in titles:
        spelt[normalized(title) or title].append(title)
    return [same for same in spelt.values() if len(same) > 1]


def _short_copies(texts: list[str]) -> list[tuple[int, int]]:
    """Index pairs of near copies among the texts that are too short for `near_duplicates` to compare."""

    def alike(one: str, two: str) -> bool:
        near = containment(one, two, SHORT_SHINGLE) >= SHORT_NEAR
        return near and min(len(one), len(two)) >= SHORT_NEAR * max(len(one), len(two))

    short = _first_with(map(normalized, texts), SHORTEST_NEAR, SHORTEST)
    return list(_near_pairs(short.items(), SHORT_SHINGLE, SHORT_NEAR, alike))


def _first_with(letters: Iterable[str], shortest: int = 0, longest: float = math.inf) -> dict[str, int]:
    """Each text of at least `shortest`, fewer than `longest` letters, with its first index."""
    first: dict[str, int] = {}
    for index, text in enumerate(letters):
        if shortest <= len(text) < longest:
            first.setdefault(text, index)
    return first


def _is_chain(passages: list[Passage], family: list[int]) -> bool:
    """Whether a family's members are like their neighbours and not all like one: chunks that overlap, not copies."""
    first, others = family[0], family[1 :: max(1, len(family) // SAMPLED)]
    near = sum(_are_near(passages[first].text, passages[other].text) for other in others)
    return near < len(others) / 2


def _pairs_of_chain(passages: list[Passage], family: list[int]) -> list[tuple[int, int]]:
    """All index pairs of near copies in a chain, of different articles."""
    texts = [(normalized(passages[index].text), index) for index in sorted(family)]
    pairs = _near_pairs(texts, every_pair=True)
    return [(one, two) for one, two in pairs if passages[one].title != passages[two].title]


def _overlaps(passages: list[Passage], families: list[list[int]]) -> list[tuple[int, int]]:
    """Index pairs of paragraphs of different articles that share a stretch; copies are not among them."""
    family_of = {index: number for number, family in enumerate(families) for index in family}
    texts = _first_with((normalized(passage.text) for passage in passages), OVERLAP_SHINGLE).items()
    shared = _near_pairs(texts, OVERLAP_SHINGLE, OVERLAP, None, True, LEAST_OVERLAP, MOST_HOLDERS)
    return [
        (one, two)
        for one, two in shared
        if passages[one].title != passages[two].title
        and not (one in family_of and family_of[one] == family_of.get(two))
    ]


def _families(count: int, pairs: list[tuple[int, int]]) -> list[list[int]]:
    """The indices 0 to count - 1 in families that the pairs connect, without those that stand alone."""
    family = [[index] for index in range(count)]  # members of one family have one list
    for one, two in pairs:
        small, large = sorted((family[one], family[two]), key=len)
        if small is not large:
            large += small
            for index in small:
                family[index] = large
    return [members for members in {id(members): members for members in family}.values() if len(members) > 1]


def _are_near(one: str, two: str) -> bool:
    return containment(one, two) >= NEAR


def _near_pairs(
    named: Iterable[tuple[str, int]],
    size: int = SHINGLE,
    near: float = NEAR,
    alike: Callable[[str, str], bool] | None = _are_near,
    every_pair: bool = False,
    least: int = 1,
    most_holders: int = 0,
) -> Iterator[tuple[int, int]]:
    """Pairs of near copies that connect each family, by the numbers that stand with them, smaller first.

    The texts are normalized, distinct and long enough, and their numbers grow. `size` letters make a shingle, `near`
    of a text's shingles must stand in another one, and `least` at least, and `alike` decides (None: the count does).
    With `every_pair` all pairs are given, not only as many as connect a family. Shingles of more than `most_holders`
    texts (0: none) are not counted.

    An inverted index over 32-bit hashes of the shingles: a text half of whose shingles stand nowhere else,
    as is the rule, has no copy that holds it and is passed over; for the others the shingles shared with
    each text are counted, and what looks near is compared as text, so that no hash collision joins two.
    """
    texts, names = zip(*named, strict=True) if (named := list(named)) else ((), ())
    if len(texts) < 2:
        return
    shingle, text = _index(texts, size)
    sizes = np.bincount(text, minlength=len(texts))
    starts = np.flatnonzero(np.insert(shingle[1:] != shingle[:-1], 0, True))
    holders = np.diff(np.append(starts, len(shingle)))
    counts = (holders > 1) & (holders <= (most_holders or len(texts)))
    text, holders = text[np.repeat(counts, holders)].astype(np.int64), holders[counts]
    ends = np.cumsum(holders)
    starts, run = ends - holders, np.repeat(np.arange(len(holders)), holders)
    enough = np.maximum(near * sizes, least)
    by_text = np.argsort(text, kind="stable")
    shared = np.bincount(text, minlength=len(texts))
    first_of = np.insert(np.cumsum(shared), 0, 0)

    family = np.arange(len(texts))
    members = {index: [index] for index in range(len(texts))}
    for one in np.flatnonzero(shared >= enough):
        runs = run[by_text[first_of[one] : first_of[one + 1]]]
        others, shares = np.unique(np.concatenate([text[starts[r] : ends[r]] for r in runs]), return_counts=True)
        for two in others[shares >= enough[one]]:
            if two == one or (family[two] == family[one] and not every_pair):
                continue
            if alike and not alike(texts[one], texts[two]):
                continue
            if not every_pair:
                small, large = sorted((family[one], family[two]), key=lambda name: len(members[name]))
                family[members[small]] = large
                members[large] += members.pop(small)
            yield names[min(one, two)], names[max(one, two)]


def _index(texts: Sequence[str], size: int):
    """The hash of each shingle of `size` letters and its text's number, sorted by both, each shingle of a text once.

    Two arrays of uint32, equally long. The hash is a polynomial in the code points modulo 2 ** 64, of which
    the upper half is kept; it depends on nothing but the text.
    """
    lengths = np.array([len(text) for text in texts])
    keys = np.empty(int((lengths - size + 1).sum()), np.uint64)
    filled = 0
    for low in range(0, len(texts), 4096):
        part = slice(low, low + 4096)
        letters = np.frombuffer("".join(texts[part]).encode("utf-32-le"), np.dtype("<u4")).astype(np.uint64)
        number = np.repeat(np.arange(low, low + len(lengths[part])), lengths[part]).astype(np.uint64)
        count = len(letters) - size + 1
        hashes = np.zeros(count, np.uint64)
        for place in range(size):
            hashes *= np.uint64(0x9E3779B97F4A7C15)
            hashes += letters[place : place + count]
        hashes *= np.uint64(0xD6E8FEB86659FD93)
        within = number[:count] == number[size - 1 :]  # not from one text into the next
        found = (hashes[within] >> np.uint64(32) << np.uint64(32)) | number[:count][within]
        keys[filled : filled + len(found)] = found
        filled += len(found)
    keys.sort()
    keys = keys[np.insert(keys[1:] != keys[:-1], 0, True)]
    text = keys.astype(np.uint32)  # the lower half
    keys >>= np.uint64(32)
    return keys.astype(np.uint32), text
