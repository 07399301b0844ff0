"""Tables of contents, lists of figures and indexes that were made by hand: known by their lines, and left out."""

import re
from collections import Counter

from korqg.data.text_blocks import Block

LEAST_ENTRIES = 3

LONGEST_ENTRY = 120

_TITLE = re.compile(
    r"[<\[【〈《「]?(?:목차|차례|순서|(?:그림|표|사진|도표|부록)?(?:목차|차례|목록)|(?:table of )?contents|"
    r"list ?of ?(?:figures|tables)|찾아보기|색인|index)[>\]】〉》」]?",
    re.IGNORECASE,
)
_INDEX = re.compile(r"찾아보기|색인|index", re.IGNORECASE)
_LEADER = re.compile(r"\s*[.·․‥…∙⋯ㆍ・‧_]{3,}\s*|\s*(?:[.·․∙ㆍ・‧…]\s){3,}\s*")
_ENTRY = re.compile(r"(.*[^\W\d_].*?)[\s.·․‥…∙⋯ㆍ・‧_\-(]*[\s.·…_(](\d{1,4}|[ivxlc]{1,6})(?:\s*(?:쪽|면|p\.?))?\)?")
_INDEX_ENTRY = re.compile(r"(.*[^\W\d_].*?)[\s,.·…]+(\d{1,4})(?:\s*[,~–-]\s*\d{1,4})*")


def marked_leaders(text: str) -> str:
    """A text whose last tab, or run of blanks, before a page number is drawn as dots: the white space goes soon."""
    return re.sub(r"(?<=\S)(?:\t[\t ]*| {4,})(?=(?:\d{1,4}|[ivxlc]{1,6})\s*$)", " ······ ", text)


def is_entry(text: str) -> bool:
    """Whether a line leads to a page number by dots."""
    return _LEADER.search(text) is not None and _page(text) is not None


def without_contents(blocks: list[Block]) -> list[Block]:
    """The blocks but for tables of contents, with their titles; what dots are left elsewhere become a blank."""
    spots = Counter(_squeezed(block.text) for block in blocks)
    kept, place = [], 0
    while place < len(blocks):
        end = _contents_end(blocks, place, spots)
        if end == place:
            kept.append(blocks[place])
            end += 1
        elif kept and _is_title(kept[-1].text):
            kept.pop()
        place = end
    return [block for block in map(_without_leaders, kept) if block.text]


def _contents_end(blocks: list[Block], start: int, spots: Counter) -> int:
    """Where the contents that begin at `start` end; `start` itself where none begin there.

    Behind a title three lines with growing page numbers are enough, or lines that return as headings; without
    one half of the lines must have dots.
    """
    titled = start > 0 and _is_title(blocks[start - 1].text)
    index = titled and _INDEX.search(blocks[start - 1].text) is not None
    end, last, dots, entries, seen = start, 0, 0, 0, set()
    for place in range(start, len(blocks)):
        text = blocks[place].text
        page = _page(text, index)
        if page is not None and (index or page >= last):
            last, end, entries = page, place + 1, entries + 1
            dots += _LEADER.search(text) is not None
        elif page is not None:
            if not _LEADER.search(text):
                break
            last, end, entries, dots = page, place + 1, entries + 1, dots + 1
        elif titled and _squeezed(text) not in seen and _returns(text, spots):
            end, entries = place + 1, entries + 1
            seen.add(_squeezed(text))
        elif not ((entries or titled) and place == end and _may_be_broken(blocks, place, index)):
            break
    enough = entries >= LEAST_ENTRIES and (titled or 2 * dots >= entries)
    return end if enough else start


def _returns(text: str, spots: Counter) -> bool:
    """Whether a line without a number stands in the document again, as a heading."""
    return len(text) <= LONGEST_ENTRY and spots[_squeezed(text)] > 1 and not _is_sentence(text)


def _may_be_broken(blocks: list[Block], place: int, index: bool) -> bool:
    """Whether a line without a page number stands between two entries: the start of a long one, a part's name."""
    follows = place + 1 < len(blocks) and _page(blocks[place + 1].text, index) is not None
    return follows and len(blocks[place].text) <= LONGEST_ENTRY // 2 and not _is_sentence(blocks[place].text)


def _page(text: str, index: bool = False) -> int | None:
    """The page that an entry leads to; Roman numbers stand before all others."""
    if len(text) > 2 * LONGEST_ENTRY or len(_LEADER.sub(" ", text)) > LONGEST_ENTRY:
        return None
    match = (_INDEX_ENTRY if index else _ENTRY).fullmatch(text)
    if match is None or _is_sentence(_LEADER.sub(" ", match[1])):
        return None
    return int(match[2]) if match[2].isdecimal() else 0


def _is_title(text: str) -> bool:
    return _TITLE.fullmatch(re.sub(r"\s+", " " if text.isascii() else "", text).strip()) is not None


def _is_sentence(text: str) -> bool:
    return re.search(r"[다요]\.", text) is not None


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def _without_leaders(block: Block) -> Block:
    if not _LEADER.search(block.text) or not re.search(
        r"[.·․∙ㆍ・‧…]\s?[.·․∙ㆍ・‧…]\s?[.·․∙ㆍ・‧…]\s?[.·․∙ㆍ・‧…]", block.text
    ):
        return block
    return Block(" ".join(_LEADER.sub(" ", block.text).split()), block.level, block.page)
