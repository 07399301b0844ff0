"""One's own documents to chunks of whole sentences."""

import itertools
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from korqg.ask.subject import PAPER_NUMBER, name_in
from korqg.cleaned_text import is_untidy, tidy_line
from korqg.config import DOCUMENT_SUFFIXES
from korqg.data.documents.contents import without_contents
from korqg.data.documents.hwp import read_hwp
from korqg.data.documents.hwpx import read_hwpx
from korqg.data.documents.markdown import read_markdown
from korqg.data.documents.pdf import read_pdf
from korqg.data.documents.plain_text import read_text
from korqg.data.documents.word import read_docx
from korqg.data.text_blocks import (
    Block,
    begins_bullet,
    begins_number,
    clean,
    describe_skipped,
    find_files,
    in_list,
    relative_name,
    short_names,
    unknown_suffix,
)
from korqg.errors import KorqgError
from korqg.question import why_nothing_to_ask
from korqg.sentences import opening_of, split_all

READERS = dict(
    zip(DOCUMENT_SUFFIXES, (read_text, read_markdown, read_docx, read_pdf, read_hwpx, read_hwp), strict=True)
)
BLOCKS_OF_AN_OPENING = 8  # Paragraphs at a document's beginning in which its first sentences are looked for
LONGEST_ABOUT = 60  # Characters of a line that says what a notice is about
LONGEST_LEAD = 40  # Characters of a line that may be a heading without being marked as one
PAPER = re.compile(
    r"(설명서|규[정칙약]|내규|회칙|지침|공[고지]|회의록|보고서|[수세]칙|약관|계약서|안내[문서]?|통신문|요강|매뉴얼|가이드|알림)$"
)  # Kinds of papers, at the end of a first line that is the title (또바기 건조기 FD-8 사용 설명서)
MOST_LEADS = 4  # Lines at a chunk's end that may go over to the next one: a part's heading, a chapter's, a section's
_FINISHED = re.compile(r"[.!?…;,][\"'”’)\]」』》〉]*$|[다요]$")
_FACT = re.compile(r"[:：]\s*\S|\d.*(?:[음함임됨%]|증가|감소|완료|예정|실시|추진|개최|운영|확정)$")


@dataclass(frozen=True)
class Section:
    """Text under one heading; `heading` is "" where the document has none.

    `path` holds the headings from the highest level down to this one, `first_paragraph` the first paragraph's
    number in the document, counted from 1, and `pages` each paragraph's page (0: the file has none). `blocks` are
    the paragraphs as they were read: those of tables know their heads.
    """

    heading: str
    paragraphs: tuple[str, ...]
    path: tuple[str, ...] = ()
    first_paragraph: int = 1
    pages: tuple[int, ...] = ()
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True)
class Chunk:
    """A piece of a document, as RAG would store it: whole sentences, the heading as its first line.

    `opening` holds the first sentences of its document, which say what it is about where the title does not.

    Its place: `file` in the folder that was read, `section` (the headings above it, joined by " > "), its
    paragraphs counted from 1 over the document's text, headings aside, and its pages, 0 where there are none; `part`
    counts the chunks of a section from 1.
    """

    id: str
    title: str
    text: str
    opening: str = ""
    file: str = ""
    section: str = ""
    first_paragraph: int = 0
    last_paragraph: int = 0
    first_page: int = 0
    last_page: int = 0
    part: int = 1


@dataclass(frozen=True)
class Documents:
    """Chunks in the order of the files, and the files that were passed over as {"file", "id", "reason"}."""

    chunks: list[Chunk]
    skipped: list[dict]


@dataclass(frozen=True)
class _Part:
    """A sentence, or some words of one that is too long, with its tokens and where it stands.

    `leads` marks a heading in the text, or a table's head: a chunk does not end with it. `head` is the head of the
    table that a row is of, and `alone` what the row says where no other row of the table stands behind it.
    """

    text: str
    glue: str
    tokens: int
    whole: bool
    paragraph: int
    page: int
    leads: bool = False
    head: str = ""
    alone: str = ""


def refused_chunks(chunks: Iterable[Chunk]) -> list[dict]:
    """The chunks that no question should be asked about, as {"file", "id", "reason"} (see korqg.question)."""
    return [
        {"file": chunk.file, "id": chunk.id, "reason": reason}
        for chunk in chunks
        if (reason := why_nothing_to_ask(chunk.text))
    ]


def fair_share(chunks: list[Chunk], most: int) -> list[Chunk]:
    """At most `most` chunks (0: all), as many of each file as of the others, spread over the file, in their order.

    Where not all are taken, those that no question should be asked about take nobody's place.
    """
    if not 0 < most < len(chunks):
        return chunks
    files: dict[str, list[Chunk]] = {}
    for chunk in chunks:
        if not why_nothing_to_ask(chunk.text):
            files.setdefault(chunk.file, []).append(chunk)
    in_turn = (file for turn in itertools.count() for file, found in files.items() if turn < len(found))
    counts = Counter(itertools.islice(in_turn, min(most, sum(map(len, files.values())))))
    return [found[place * len(found) // counts[file]] for file, found in files.items() for place in range(counts[file])]


def reading_report(chunks: list[Chunk], refused: list[dict]) -> list[dict[str, str]]:
    """What was read of each file, a row a file: pages, characters and chunks, and the refused by reason."""
    rows = []
    for file, group in itertools.groupby(chunks, key=lambda chunk: chunk.file):
        found = list(group)
        reasons = Counter(one["reason"] for one in refused if one["file"] == file)
        rows.append(
            {
                "file": file,
                "pages": str(max(chunk.last_page for chunk in found) or "-"),
                "characters": f"{sum(len(chunk.text) for chunk in found):,}",
                "chunks": str(len(found)),
                "not asked about": ", ".join(f"{count} ({reason})" for reason, count in reasons.items()) or "-",
            }
        )
    return rows


def chunk_documents(
    path: Path, max_tokens: int, count_tokens: Callable[[str], int], overlap_tokens: int = 0
) -> Documents:
    """Chunks of at most `max_tokens` tokens of a document, or of all that a folder and its subfolders hold.

    A chunk never crosses a heading and never breaks a sentence, but for a single sentence that is longer
    than `max_tokens`, which is cut between words. A chunk repeats whole sentences from the end of the one
    before it in the same section, as many as have `overlap_tokens` tokens or less and leave room for something
    new. A heading of more than half of `max_tokens` is left out of the text.

    In a folder a file that cannot be read costs that file alone. Raises KorqgError for a single file that
    cannot be read, and when a folder holds nothing to read.
    """
    if not 0 <= overlap_tokens < max_tokens:
        raise KorqgError(f"overlap_tokens={overlap_tokens} is out of range; use 0 to {max_tokens - 1}.")
    if not path.exists():
        raise KorqgError(
            f"{path} does not exist: set own_path to a {in_list(DOCUMENT_SUFFIXES)} file or a folder of them, or to "
            '"none".'
        )
    if not path.is_dir():
        return Documents(_chunk_file(path, path.parent, path.stem, max_tokens, count_tokens, overlap_tokens), [])
    files, skipped = find_files(path, DOCUMENT_SUFFIXES)
    if not files:
        raise KorqgError(
            f"{path} holds no {in_list(DOCUMENT_SUFFIXES)} file: put your documents there.{_seen(skipped)}"
        )
    chunks = []
    for file, name in short_names(files, path).items():
        try:
            chunks += _chunk_file(file, path, name, max_tokens, count_tokens, overlap_tokens)
        except KorqgError as error:
            skipped.append(describe_skipped(file, path, str(error)))
    if not chunks:
        raise KorqgError(f"{path} holds no text that can be read: nothing can be asked about it.{_seen(skipped)}")
    return Documents(chunks, skipped)


def read_document(path: Path) -> tuple[str, list[Section]]:
    """A document's title and its sections.

    The title is the first heading; without one a first line that says what it heads, or else the file's name. A first
    heading that is an article or a point of something (제1조, 1.) gives way to a file's name in Hangul.
    Raises KorqgError for a suffix that is not read, and for a file that its reader refuses.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise KorqgError(f"{path.name}: {unknown_suffix(path, DOCUMENT_SUFFIXES)}.")
    blocks = _under_a_number(without_contents([block for block in map(_tidied, reader(path)) if block.text]))
    sections = _sections(_items_as_text(blocks, code_left_out=reader is read_markdown))
    title, name = next((section.heading for section in sections if section.heading), ""), clean(path.stem)
    if re.match(r"제 ?\d+ ?[편장절조]|\d{1,2}[.)] ", title) and re.search("[가-힣]{2}", name):
        title = name.replace("_", " ")
    return title or ("" if name_in(name) else _title_line(sections)) or name, sections


def _under_a_number(blocks: list[Block]) -> list[Block]:
    """The blocks of a notice, all of them under the line that stands below its number: what the notice is about."""
    if len(blocks) < 3 or not (blocks[0].level == 1 and PAPER_NUMBER.search(blocks[0].text)):
        return blocks
    number, about, *rest = blocks
    headed = about.level == 2 and not (begins_bullet(about.text) or begins_number(about.text))
    if not headed and (
        about.level or about.is_row or len(about.text) > LONGEST_ABOUT or re.search(r"[.!?…]$", about.text)
    ):
        return blocks
    lower = [replace(block, level=block.level + 1) if block.level > 1 else block for block in rest]
    return [number, replace(about, level=2), *lower]


def _tidied(block: Block) -> Block:
    """The block without the signs that rows lose."""
    texts = {"text": block.text, "head": block.head, "alone": block.alone}
    return replace(block, **{name: tidy_line(text) for name, text in texts.items() if is_untidy(text)})


def _title_line(sections: list[Section]) -> str:
    """The first line of a document without headings, where it says what it heads; "" where it is anything else."""
    first = next(iter(sections[0].blocks), None) if sections else None
    line = first.text.split("\n")[0].strip() if first and not first.is_row else ""
    marked = begins_bullet(line) or begins_number(line) or re.search(r"[|:：,.]", line)
    headed = len(line.split()) > 1 and PAPER.search(line)
    return line if headed and not marked and len(line) <= LONGEST_LEAD else ""


def _seen(skipped: list[dict]) -> str:
    """The first few files that were passed over, in a sentence."""
    if not skipped:
        return ""
    some = "; ".join(f"{record['file']} ({record['reason']})" for record in skipped[:5])
    more = f"; and {len(skipped) - 5} more" if len(skipped) > 5 else ""
    return f" Seen there: {some}{more}."


def _items_as_text(blocks: list[Block], code_left_out: bool) -> list[Block]:
    """The blocks, with headings that nothing stands under as text: nothing of them would be in a chunk otherwise.

    Offices write lists in the styles of outlines, so that each item looks like a heading. Such text goes under the
    heading above its level, which is repeated where another one stands between. The title stays one, and in Markdown,
    where the code under a heading is left out, what states no fact.
    """
    only_headings = all(block.level for block in blocks)
    found, path, last = [], [], None
    for place, (block, behind) in enumerate(itertools.zip_longest(blocks, blocks[1:])):
        is_bare = block.level > 0 and (behind is None or 0 < behind.level <= block.level)
        if block.level:
            path = [above for above in path if above.level < block.level]
        if place and is_bare and (not code_left_out or only_headings or _states(block.text)):
            above = path[-1] if path else None
            if above is not last:
                last = above
                found.append(above or Block("", block.level))
            block = replace(block, level=0)
        elif block.level:
            last = block
            path.append(block)
        found.append(block)
    return found


def _states(text: str) -> bool:
    """Whether a line says something: it is long, it has a sentence's end, or a fact."""
    return len(text) > LONGEST_LEAD or _FINISHED.search(text) is not None or _FACT.search(text) is not None


def _sections(blocks: list[Block]) -> list[Section]:
    """Blocks under their headings; a heading of a level ends those of the same and of lower levels."""
    sections, path, number = [], [], 1
    for is_heading, run in itertools.groupby(blocks, key=lambda block: block.level > 0):
        if is_heading:
            for block in run:
                path = [(level, text) for level, text in path if level < block.level] + [(block.level, block.text)]
                sections.append(Section(block.text, (), tuple(text for _, text in path if text), number))
            continue
        run = list(run)
        open_section = sections.pop() if sections else Section("", ())
        paragraphs, pages = zip(*((block.text, block.page) for block in run), strict=True)
        place = open_section.heading, paragraphs, open_section.path, number, pages, tuple(run)
        sections.append(Section(*place))
        number += len(run)
    return sections


def _chunk_file(
    file: Path, folder: Path, name: str, max_tokens: int, count_tokens: Callable[[str], int], overlap_tokens: int
) -> list[Chunk]:
    heading, sections = read_document(file)
    blocks = [block for section in sections for block in section.blocks]
    opening = opening_of("\n".join(block.text for block in blocks[:BLOCKS_OF_AN_OPENING]))
    sentences = _sentences(blocks)
    chunks = []
    for section in sections:
        head = f"{section.heading}\n" if section.heading else ""
        if count_tokens(head) > max_tokens // 2:
            head = ""
        room = max_tokens - count_tokens(head)
        parts = []
        for number, block in enumerate(section.blocks):
            behind = section.blocks[number + 1 : number + 2]
            frame = _Part("", "", 0, True, section.first_paragraph + number, block.page, leads=_leads(block, behind))
            frame = replace(frame, head=block.head, alone=block.alone)
            parts += _parts(next(sentences), room, count_tokens, frame)
        above = section.path[1:] if section.path[:1] == (heading,) else section.path
        for part, group in enumerate(_fill(head, parts, max_tokens, overlap_tokens, count_tokens), start=1):
            chunks.append(
                Chunk(
                    id=f"{name}-{len(chunks) + 1:04d}",
                    title=" > ".join((heading, *above)),
                    text=_text(head, group),
                    opening=opening,
                    file=relative_name(file, folder),
                    section=" > ".join(section.path),
                    part=part,
                    first_paragraph=group[0].paragraph,
                    last_paragraph=group[-1].paragraph,
                    first_page=group[0].page,
                    last_page=group[-1].page,
                )
            )
    if not chunks:
        raise KorqgError(f"{file.name} holds no text: nothing can be asked about it.")
    return chunks


def _sentences(blocks: list[Block]) -> Iterable[list[str]]:
    """Each block's sentences; a table's row is one, whatever its cells hold."""
    split = split_all(block.text for block in blocks if not block.is_row)
    return ([block.text] if block.is_row else next(split) for block in blocks)


def _leads(block: Block, behind: tuple[Block, ...]) -> bool:
    """Whether a paragraph only announces the one behind it: a table's head, a heading that is not marked as one."""
    text = block.text
    if block.is_row or not behind:
        return block.is_head
    if behind[0].is_row and behind[0].is_head:
        return len(text) <= LONGEST_LEAD
    if _states(text):
        return False
    if begins_number(text) or re.match(r"[\[<【〈《].*[\]>】〉》]$", text) or text.endswith((":", "：")):
        return True
    if begins_bullet(text):
        heads = begins_bullet(behind[0].text) or len(text) < len(behind[0].text)
        return len(text) <= LONGEST_LEAD // 2 and not re.match(r"[-–—*·•o]\s", text) and heads
    return len(text) < len(behind[0].text)


def _parts(sentences: list[str], room: int, count_tokens: Callable[[str], int], frame: _Part) -> Iterable[_Part]:
    """A paragraph's sentences with their tokens, each counted once, together with the glue before it."""
    own = count_tokens("")  # a tokenizer may add its own marks to each text
    for number, sentence in enumerate(sentences):
        glue = "\n" if number == 0 else " "
        tokens = count_tokens(glue + sentence) - own
        if tokens <= room:
            yield replace(frame, text=sentence, glue=glue, tokens=tokens)
            continue
        for words in _cut(sentence, room, count_tokens):
            tokens = count_tokens(glue + words) - own
            yield replace(frame, text=words, glue=glue, tokens=tokens, whole=False, head="", alone="")
            glue = " "


def _cut(sentence: str, room: int, count_tokens: Callable[[str], int]) -> Iterable[str]:
    """The words of a sentence that is too long, in runs of at most `room` tokens.

    A run without a blank is cut anywhere, so that it can fit at all. The size of a run is guessed from the one
    before it: each stretch of text is counted once or twice, however long the sentence is.
    """
    start, size = 0, 2 * room
    while start < len(sentence):
        end = start + size
        if end < len(sentence):
            blank = sentence.rfind(" ", start + 1, end + 1)
            end = blank if blank > 0 else end
        words = sentence[start:end].strip()
        tokens = count_tokens(f"\n{words}")
        if tokens > room and len(words) > 1:
            size = max(1, min(len(words) - 1, int(0.95 * len(words) * room / tokens)))
            continue
        if words:
            yield words
            size = max(1, int(0.95 * len(words) * room / max(1, tokens)))
        start = end


def _fill(
    head: str, parts: Iterable[_Part], max_tokens: int, overlap_tokens: int, count_tokens: Callable[[str], int]
) -> Iterable[list[_Part]]:
    """Parts in groups that make up a chunk each.

    The sum of the parts' tokens stands for the tokens of their text; that is checked once a chunk is full,
    and what is too much after all goes to the next one.
    """
    room = max_tokens - count_tokens(head)
    waiting, group, repeated = deque(parts), [], 0
    while waiting or len(group) > repeated:
        used = sum(part.tokens for part in group)
        while waiting and (not group or used + waiting[0].tokens <= room):
            used += waiting[0].tokens
            group.append(waiting.popleft())
        if len(group) > repeated:
            while count_tokens(_text(head, group)) > max_tokens:
                if repeated:
                    group.pop(0)
                    repeated -= 1
                    continue
                last = group.pop()
                if group:
                    waiting.appendleft(last)
                    continue
                pieces = [replace(last, text=text, whole=False, head="", alone="") for text in _halves(last.text)]
                group.append(pieces[0])
                waiting.extendleft(reversed(pieces[1:]))
                if len(pieces) == 1:
                    break
            for _ in range(_trailing_leads(group, repeated) if waiting else 0):
                waiting.appendleft(group.pop())
            yield group
            group = _overlap(group, overlap_tokens)
            repeated = len(group)
        else:  # the overlap leaves no room for anything new
            group.pop(0)
            repeated -= 1


def _trailing_leads(group: list[_Part], repeated: int) -> int:
    """How many parts at a group's end only announce what comes: they go with it, unless nothing would be left."""
    count = 0
    while count < len(group) and group[-1 - count].leads:
        count += 1
    return count if count <= MOST_LEADS and len(group) - count > repeated else 0


def _halves(text: str) -> list[str]:
    """A text cut in its middle, between words if it can be; a single sign as it is."""
    middle = len(text) // 2
    cut = text.find(" ", middle) if " " in text[middle:] else middle
    return [piece for piece in (text[:cut].strip(), text[cut:].strip()) if piece]


def _overlap(group: list[_Part], overlap_tokens: int) -> list[_Part]:
    """The whole sentences at a group's end that have at most `overlap_tokens` tokens; never the whole group."""
    overlap, tokens = [], 0
    for part in reversed(group[1:]):
        tokens += part.tokens
        if not part.whole or tokens > overlap_tokens:
            break
        overlap.insert(0, part)
    return overlap


def _text(head: str, group: list[_Part]) -> str:
    """A group's text; where it begins inside a table, the columns' names come first."""
    lines, first = list(group), group[0]
    if first.head and len(group) > 1 and group[1].head == first.head:
        head += f"{first.head}\n"
    elif first.head:
        lines[0] = replace(first, text=first.alone)
    return head + "".join(part.glue + part.text for part in lines).strip()
