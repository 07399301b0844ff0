"""KorQuAD 2.0 and 2.1: whole Wikipedia pages to passages of a readable size with their questions."""

import functools
import html
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from korqg.cleaned_text import LOST, as_text, is_untidy
from korqg.config import LONG_ANSWERS
from korqg.data.answer_places import LARGEST_OFFSET_ERROR
from korqg.data.corpus import (
    Corpus,
    Passage,
    Question,
    Tally,
    describe_dropped,
    find_corpus_files,
    make_passage_id,
    tidied,
)
from korqg.data.korquad2.archives import PageRecord, read_pages
from korqg.data.korquad2.page_lines import PageLine, PageSection, read_sections, unused_marks
from korqg.data.table_files import count_questions
from korqg.errors import KorqgError
from korqg.sentences import sentence_spans

LONGEST_SHORT_ANSWER = 100  # An answer of more characters than this, or of more than one line, is a long one
TOO_LONG = "the answer does not fit into max_passage_tokens, with its heading"
STOP_EARLY_FROM = 1000  # From so many questions on, a file's end is a place to stop when too many of them are broken
# What stands in HTML: comments, scripts and tags, which nobody sees; reference signs, which are left out;
# entities; white space; and single characters.
_SIGN = re.compile(
    r"(?P<unseen><!--.*?-->|<(script|style)\b.*?</\2\s*>|</?[a-zA-Z!?][^<>]*>)"
    r"|(?P<entity>&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});?)"
    r"|(?P<space>\s+)|(?P<character>.)",
    re.DOTALL,
)
# Bounded, so that a page of nothing but open tags is read in its length and not in its square.
_REFERENCE_SIGN = re.compile(
    r"<sup\b[^<>]*>(?:\s|<[^<>]*>){0,20}\[(?:[^\[\]<]|<[^<>]*>){1,200}\](?:\s|<[^<>]*>){0,20}?</sup>"
)
_TAG = re.compile(r"<!--.*?-->|<(script|style)\b.*?</\1\s*>|</?[a-zA-Z!][^<>]*>", re.DOTALL)
_BRACKETS = re.compile(r"\[[^\[\]]{1,30}\]")


@dataclass(frozen=True)
class _Asked:
    """A question whose answer was found in the page's HTML: from `begin` to `end`, `mended` if not where stated."""

    record: str
    id: str
    text: str
    answer: str
    begin: int
    end: int
    mended: bool


@dataclass(frozen=True)
class _Unit:
    """The smallest piece that a passage takes or leaves: a line, or a sentence of one that is too long."""

    text: str
    glue: str
    block: int
    caption: bool
    marks: dict[str, int]


@dataclass(frozen=True)
class _Span:
    """An answer in a section: from a place in one unit to a place in another (the first one is the heading)."""

    asked: _Asked
    first: int
    start: int
    last: int
    stop: int


def read_korquad2(
    paths: Path | str | Iterable[Path | str],
    max_passage_tokens: int,
    count_tokens: Callable[[str], int],
    max_dropped_fraction: float = 0.05,
    long_answers: str = "drop",
    report: Callable[[str], None] | None = None,
) -> Corpus:
    """Passages of at most `max_passage_tokens` tokens around the answers of KorQuAD 2.0 or 2.1.

    Reads .zip archives as they are, .json files, and folders of both, page by page. Schema:
    data[].{title, context, raw_html, qas[].{id, question, answer.{text, answer_start, html_answer_start,
    html_answer_text}}}, where `answer_start` counts the characters of the HTML in "context" (Kim et al. 2020,
    Journal of KIISE 47(6); korquad.github.io). "raw_html" with its own offset stands in where "context" is missing.

    An answer is found by its offset, never by its words: an offset up to LARGEST_OFFSET_ERROR characters off, or
    inside of a tag, is mended. The passage begins with its section's heading, if it has one, then come the
    answer's own paragraph, list or table and, in turns, the blocks before and behind it under that heading, whole,
    as long as they fit. A block that is too long gives the sentences, items or rows around the answer. Passages
    of a page do not overlap; questions whose answers fit into one passage share it.

    `long_answers` says what becomes of answers of several lines or more than LONGEST_SHORT_ANSWER characters (whole
    paragraphs, lists and tables): "drop" leaves them out, since their questions ask for everything that a passage
    says ("describe ..."), which is a poor example for one that learns to ask about a point; "keep" takes them.

    Every question that is left out is in the corpus's `dropped`, and so is a file of a folder of which nothing can be
    read; a page that cannot be read counts with all of its questions. Raises KorqgError for other archives and files
    that cannot be read (see `read_pages`), when nothing is left, and when more than `max_dropped_fraction` of the
    questions are broken; those that are sound but left out by a rule (a long answer, one that stands in navigation or
    references, or does not fit) do not count there. `report` is given a line of progress for each file.
    """
    if long_answers not in LONG_ANSWERS:
        raise KorqgError(f"long_answers={long_answers!r} is not known; use one of: {', '.join(LONG_ANSWERS)}.")
    always = count_tokens("")  # what every text gets (the beginning's token, say), and a passage once

    @functools.lru_cache(maxsize=1000)
    def count(text: str) -> int:
        return count_tokens(text) - always

    given = [Path(path) for path in ([paths] if isinstance(paths, Path | str) else paths)]
    sources, skipped = find_corpus_files(given, (".zip", ".json"), "KorQuAD 2")
    passages: dict[str, Passage] = {}
    tally = Tally(skipped)

    def read(source: Path) -> None:
        for page in read_pages(source):
            found, bad, left, mended = _read_page(page, max_passage_tokens - always, count, long_answers == "keep")
            for record, reason in bad:
                tally.drop(page.file, record, reason)
            for record, reason in left:
                tally.leave(page.file, record, reason)
            sound = sum(len(passage.questions) for passage in found) + len(left)
            tally.read += sound
            tally.lost += max(0, count_questions(page.value) - sound - len(bad))  # of a bad page all of them
            tally.mended += mended
            for passage in found:
                _add(passages, passage)

    for source in sources:
        before = tally.read, len(tally.dropped)
        try:
            read(source)
        except KorqgError as error:
            if source in given or (tally.read, len(tally.dropped)) != before:
                raise
            tally.pass_over(source.name, error)
            continue
        if report:
            report(f"{source.name}: {tally.read:,} questions read so far, {len(passages):,} passages")
        if tally.read + tally.lost >= STOP_EARLY_FROM:
            tally.require_questions(source.name, max_dropped_fraction)
    names = ", ".join(source.name for source in sources)
    tally.require_questions(names, max_dropped_fraction)
    if not passages:
        raise KorqgError(f"{names}: no question is left. The first record: {describe_dropped(tally.left[0])}")
    cleaned = sum(is_untidy(text) for p in passages.values() for text in (p.text, *(q.text for q in p.questions)))
    return Corpus([tidied(passage) for passage in passages.values()], tally.dropped, tally.mended, cleaned)


def find_answer(page: str, start: int, answer: str) -> tuple[int, int, bool] | None:
    """Where in the HTML the answer's first character begins and its last one ends, and whether it was mended.

    The answer may be given as it stands in the HTML or as it is read (without tags, white space aside, entities
    as characters, reference signs such as [1] with or without). None when it is not at `start`, at most
    LARGEST_OFFSET_ERROR characters off, nor at the end of the tag, comment or entity that `start` points into.
    """
    for move in sorted(range(-LARGEST_OFFSET_ERROR, LARGEST_OFFSET_ERROR + 1), key=abs):
        place = start + move
        if not 0 <= place < len(page):
            continue
        for outside in _outside_of_markup(page, place):
            found = _match(page, outside, answer)
            if found:
                beside = page[outside].isspace() and not answer[0].isspace()
                return *found, bool(move) or outside != place or beside
    return None


def _outside_of_markup(page: str, place: int) -> list[int]:
    """The place itself, or, inside of a tag, a comment or an entity, those where reading can begin."""
    comment = page.rfind("<!--", 0, place)
    if comment >= 0 and page.rfind("-->", comment, place) < 0:
        end = page.find("-->", place)
        return [end + 3] if end >= 0 else []
    tag = page.rfind("<", 0, place)
    if tag >= 0 and page.rfind(">", tag, place) < 0 and re.match(r"</?[a-zA-Z!]", page[tag : tag + 3]):
        end = page.find(">", place)
        return [end + 1] if end >= 0 else []
    entity = page.rfind("&", max(0, place - 33), place)
    if entity >= 0:
        match = _SIGN.match(page, entity)
        if match["entity"] and match.end() > place:
            # An ampersand that happens to be followed by a word is text, and the place may be right after all.
            return [entity, match.end()] if match[0].endswith(";") else [place, entity]
    return [place]


def _match(page: str, place: int, answer: str) -> tuple[int, int] | None:
    if page.startswith(answer, place):
        return _visible(page, place, place + len(answer))
    if not answer:
        return None
    versions = [_compact(answer)]
    if "<" in answer or "&" in answer:
        versions.append(_compact(html.unescape(_TAG.sub("", answer))))
    for version in versions:
        found = _follow(page, place, version) if version else None
        if found:
            return found
    return None


def _follow(page: str, place: int, wanted: str) -> tuple[int, int] | None:
    """Read on from the place as long as the HTML says what is wanted, white space and tags aside."""
    done, begin, end = 0, -1, -1
    position = place
    while done < len(wanted):
        sign = _SIGN.match(page, position)
        if sign is None:
            return None
        if sign["unseen"] or sign["space"]:
            if sign[0][:4] == "<sup":
                reference = _REFERENCE_SIGN.match(page, position)
                if reference and not wanted.startswith("[", done):
                    position = reference.end()
                    continue
            position = sign.end()
            continue
        said = _compact(html.unescape(sign[0])) if sign["entity"] else sign[0]
        if not wanted.startswith(said, done):
            return None
        if said and begin < 0:
            begin = position
        done += len(said)
        position = sign.end()
        end = position if said else end
    return begin, end


def _visible(page: str, begin: int, end: int) -> tuple[int, int] | None:
    """The part of a stretch of HTML from its first character that is read to its last, or None without any."""
    signs = _SIGN.scanner(page, begin, end).match
    spans = [sign.span() for sign in iter(signs, None) if not (sign["unseen"] or sign["space"])]
    return (spans[0][0], spans[-1][1]) if spans else None


def _compact(text: str) -> str:
    return "".join(text.split())


def _add(passages: dict[str, Passage], passage: Passage) -> None:
    """Put a passage with the others. The same page may come twice, with other questions or with the same."""
    key = f"{passage.title}\n{passage.text}"
    before = passages.get(key)
    if before is None:
        passages[key] = passage
        return
    new = tuple(question for question in passage.questions if question not in before.questions)
    passages[key] = Passage(before.id, before.title, before.text, before.questions + new)


def _read_page(
    page: PageRecord, max_tokens: int, count: Callable[[str], int], keep_long: bool
) -> tuple[list[Passage], list[tuple[str, str]], list[tuple[str, str]], int]:
    """A page's passages, its broken questions, those left out by a rule (record and reason), how many were mended."""
    if page.value is None and page.reason:
        return [], [(page.place, page.reason)], [], 0
    if not isinstance(page.value, dict):
        return [], [(page.place, "a page that is not a JSON object")], [], 0
    qas = page.value.get("qas")
    try:
        title = as_text(page.value.get("title"), "title").strip()
    except ValueError:
        title = ""
    if not title:
        return [], [(page.place, "a page without a title that can be read")], [], 0
    place = f"{page.place} ({title})"
    if not isinstance(qas, list):
        hint = ' (KorQuAD 1.0 has articles: set source="korquad1")' if "paragraphs" in page.value else ""
        return [], [(place, f'a page without a list under "qas"{hint}')], [], 0
    source, prefix = _html_of(page.value)
    bad: list[tuple[str, str]] = []
    asked: list[_Asked] = []
    for number, qa in enumerate(qas):
        name = qa.get("id") if isinstance(qa, dict) else None
        record = f"{place}, qas[{number}]" + (f", id {name}" if isinstance(name, str | int) else "")
        try:
            asked.append(_find_question(record, qa, source, prefix))
        except KeyError as error:
            bad.append((record, f"the key {error} is missing"))
        except ValueError as error:
            bad.append((record, str(error)))
        except (TypeError, AttributeError):
            bad.append((record, "a question or answer of the wrong shape"))
    if not asked:
        return [], bad, [], 0
    marks = unused_marks(source, 2 * len(asked))
    twin = page.value.get("raw_html") if prefix == "" else None
    try:
        sections = read_sections(_with_marks(source, asked, marks), marks, twin if isinstance(twin, str) else "")
    except RecursionError:
        return [], [*bad, *((one.record, "a page whose HTML is nested too deeply") for one in asked)], [], 0
    passages, left, unread = [], [], []
    seen: set[int] = set()
    for section in sections:
        units = _units(section, max_tokens, count)
        spans = []
        for number, one in enumerate(asked):
            span = _span(units, one, marks[2 * number], marks[2 * number + 1])
            if span is None:
                continue
            seen.add(number)
            problem = _check(section, units, span)
            if problem:
                unread.append((one.record, problem))
            elif not keep_long and _is_long(units, span):
                left.append((one.record, "a long answer: a whole paragraph, list or table, or most of one"))
            else:
                spans.append(span)
        made, too_long = _passages(title, units, spans, max_tokens, count)
        whole = [passage for passage in made if LOST not in passage.text]
        lost = [question.id for passage in made if passage not in whole for question in passage.questions]
        bad += [(f"{place}, id {name}", f"its passage has lost letters ({LOST}, U+FFFD)") for name in lost]
        passages += whole
        left += too_long
    for number, one in enumerate(asked):
        if number not in seen:
            left.append(
                (one.record, "the answer stands in navigation, references or something hidden, or goes on there")
            )
    mended = {one.id for one in asked if one.mended}
    return passages, bad + unread, left, sum(q.id in mended for p in passages for q in p.questions)


def _html_of(page: dict) -> tuple[str, str]:
    """The page's HTML and the prefix of the keys that its answers are found with."""
    for key, prefix in (("context", ""), ("raw_html", "html_")):
        text = page.get(key)
        if isinstance(text, str) and text.strip():
            return text, prefix
    return "", ""


def _find_question(record: str, qa: dict, page: str, prefix: str) -> _Asked:
    question, answer, name = as_text(qa["question"], "question").strip(), qa["answer"], as_text(qa["id"], "id")
    if not question:
        raise ValueError("an empty question")
    if not page:
        raise ValueError('a page without HTML under "context" and "raw_html"')
    start = answer[f"{prefix}answer_start"]
    text = answer.get("html_answer_text", answer["text"]) if prefix else answer["text"]
    if not isinstance(start, int) or isinstance(start, bool) or not isinstance(text, str) or not text.strip():
        raise ValueError("an answer without text or place")
    if not 0 <= start < len(page):
        raise ValueError(f"the answer's place {start} is outside of the page's {len(page)} characters")
    found = find_answer(page, start, text)
    if found is None:
        said = text if len(text) <= 60 else text[:60] + " ..."
        raise ValueError(f"the answer {said!r} does not stand at character {start} of its page")
    return _Asked(record, name, question, text, *found)


def _with_marks(page: str, asked: list[_Asked], marks: list[str]) -> str:
    """The HTML with the mark 2n before the nth answer and the mark 2n + 1 behind it."""
    places = []
    for number, one in enumerate(asked):
        places += [(one.begin, 1, marks[2 * number]), (one.end, 0, marks[2 * number + 1])]
    parts, done = [], 0
    for place, _, mark in sorted(places):
        parts += [page[done:place], mark]
        done = place
    return "".join([*parts, page[done:]])


def _units(section: PageSection, max_tokens: int, count: Callable[[str], int]) -> list[_Unit]:
    """The section's heading and lines; of one with an answer that does not fit into a passage, its sentences."""
    units = [_Unit(section.heading.text, "", -1, False, section.heading.marks)]
    for number, block in enumerate(section.blocks):
        for place, line in enumerate(block.lines):
            caption = block.caption and place == 0
            if line.marks and count(line.text) > max_tokens:
                units += [
                    _Unit(text, " " if order else "\n", number, False, marks)
                    for order, (text, marks) in enumerate(_sentences(line))
                ]
            else:
                units.append(_Unit(line.text, "\n", number, caption, line.marks))
    return units


def _sentences(line: PageLine) -> Iterator[tuple[str, dict[str, int]]]:
    """The line's sentences, each with the marks in it."""
    before = 0
    for begin, end in sentence_spans(line.text):
        # A mark between two sentences ends the one before when it closes an answer and begins the next when it
        # opens one; both have it, and `_span` takes the right one.
        marks = {mark: max(at - begin, 0) for mark, at in line.marks.items() if before <= at <= end}
        yield line.text[begin:end], marks
        before = end


def _span(units: list[_Unit], asked: _Asked, opening: str, closing: str) -> _Span | None:
    """Where in the section the answer begins and ends, or None when it does not do both here."""
    lines = list(enumerate(units))
    starts, stops = (
        [(number, line.marks[mark]) for number, line in lines if mark in line.marks] for mark in (opening, closing)
    )
    if not starts or not stops or len(units) == 1:
        return None
    (first, start), (last, stop) = starts[-1], stops[0]
    while units[first].text.startswith(" ", start):
        start += 1
    if first == last and start >= stop:
        return None  # all of it was left out: its marks now stand together
    return _Span(asked, first, start, last, stop)


def _check(section: PageSection, units: list[_Unit], span: _Span) -> str:
    """What is wrong with the answer that was found, or "".

    Within a line it must read as the answer's text does, white space, tags and reference signs aside. A row of a
    table has its headers between the cells, and a list its items in lines, so there only the ends are compared.
    """
    parts = [unit.glue + unit.text for unit in units[span.first : span.last + 1]]
    behind = sum(map(len, parts[:-1])) + len(units[span.last].glue) + span.stop
    found = "".join(parts)[len(units[span.first].glue) + span.start : behind]
    if (span.first, span.start) >= (span.last, span.stop) or not found.strip():
        return "the answer's end stands before its beginning once the page is read"
    wanted = _compact(_BRACKETS.sub("", html.unescape(_TAG.sub("", span.asked.answer))))
    literal = _compact(_BRACKETS.sub("", span.asked.answer))
    said = _compact(_BRACKETS.sub("", found))
    if said in (wanted, literal):
        return ""
    table = span.first > 0 and section.blocks[units[span.first].block].kind == "table"
    if not table and span.first == span.last and "<" not in span.asked.answer:
        return f"the answer {span.asked.answer[:60]!r} reads {found[:60]!r} once the page is read"
    return ""


def _is_long(units: list[_Unit], span: _Span) -> bool:
    lines = sum(units[number].glue == "\n" for number in range(max(span.first, 1) + 1, span.last + 1))
    characters = sum(len(unit.text) for unit in units[max(span.first, 1) : span.last]) - span.start + span.stop
    return lines > 0 or characters > LONGEST_SHORT_ANSWER


def _passages(
    title: str, units: list[_Unit], spans: list[_Span], max_tokens: int, count: Callable[[str], int]
) -> tuple[list[Passage], list[tuple[str, str]]]:
    """A section's passages, and the answers that fit into none (record and reason)."""
    if not spans:
        return [], []
    sizes: dict[int, int] = {}
    line_break = count("\n")
    head = count(units[0].text) + line_break if units[0].text else 0

    def fits(first: int, behind: int) -> bool:
        """Whether heading, caption, units and the line breaks between them keep within the limit."""
        caption = _caption_before(units, first)
        total = head + (count(caption) + line_break if caption else 0)
        for number in range(first, behind):
            if number not in sizes:
                sizes[number] = count(units[number].text)
            total += sizes[number] + (line_break if number > first and units[number].glue == "\n" else 0)
            if total > max_tokens:  # so that of a table of a thousand rows only the first are counted
                return False
        return True

    # First every answer gets its place, so that no passage grows over another answer; answers that fit together
    # with all that lies between them share one.
    groups: list[list] = []
    too_long = []
    for span in sorted(spans, key=lambda span: (max(span.first, 1), span.last)):
        first, behind = max(span.first, 1), max(span.last, 1) + 1
        if groups and fits(groups[-1][0], max(behind, groups[-1][1])):
            groups[-1][1] = max(behind, groups[-1][1])
            groups[-1][2].append(span)
        elif groups and first < groups[-1][1]:
            too_long.append(
                (span.asked.record, "the answer overlaps another one and does not fit in one passage with it")
            )
        elif fits(first, behind):
            groups.append([first, behind, [span]])
        else:
            too_long.append((span.asked.record, TOO_LONG))
    passages = []
    low = 1
    for place, (first, behind, inside) in enumerate(groups):
        high = groups[place + 1][0] if place + 1 < len(groups) else len(units)
        steps = _grow(units, first, behind, low, high, fits)
        # The sum of the lines' tokens is close to the passage's, but the passage's is what counts.
        while True:
            begin, end = steps[-1]
            text = _passage_text(units, begin, end)
            if len(steps) == 1 or count(text) <= max_tokens:
                break
            steps.pop()
        if count(text) > max_tokens:
            too_long += [(span.asked.record, TOO_LONG) for span in inside]
            continue
        low = end
        questions = tuple(_question(text, units, begin, span) for span in inside)
        passages.append(Passage(make_passage_id(text), title, text, questions))
    return passages, too_long


def _grow(
    units: list[_Unit], first: int, behind: int, low: int, high: int, fits: Callable[[int, int], bool]
) -> list[tuple[int, int]]:
    """The stretches of units, each larger than the one before, that fit between `low` and `high`.

    First the rest of the answer's own block, whole, then whole blocks before and behind it in turns; where
    the own block is too long (or another answer's passage has begun in it), its units in turns, and none beside.
    """

    cuts = [0, *(n for n in range(1, len(units)) if units[n].block != units[n - 1].block), len(units)]
    begin, end = max(cut for cut in cuts if cut <= first), min(cut for cut in cuts if cut >= behind)
    steps = [(first, behind)]
    if low <= begin and end <= high and fits(begin, end):
        steps += [(begin, end)] if (begin, end) != steps[0] else []
    else:
        cuts = list(range(begin, end + 1))
        begin, end = first, behind
    before = [cut for cut in reversed(cuts) if low <= cut < begin]
    after = [cut for cut in cuts if end < cut <= high]
    while before or after:
        for side in filter(None, (before, after)):
            step = (side[0], end) if side is before else (begin, side[0])
            if fits(*step):
                begin, end = step
                steps.append(step)
                side.pop(0)
            else:
                side.clear()
    return steps


def _caption_before(units: list[_Unit], first: int) -> str:
    """The title of the table that a passage begins in the middle of."""
    block = units[first].block
    for number in range(first - 1, -1, -1):
        if units[number].block != block:
            break
        if units[number].caption:
            return units[number].text
    return ""


def _passage_text(units: list[_Unit], begin: int, end: int) -> str:
    """The heading, the title of a table whose beginning is not in it, and the passage's units."""
    lead = "".join(f"{line}\n" for line in (units[0].text, _caption_before(units, begin)) if line)
    body = "".join((unit.glue if number else "") + unit.text for number, unit in enumerate(units[begin:end]))
    return lead + body


def _question(text: str, units: list[_Unit], begin: int, span: _Span) -> Question:
    """The question with its answer as the passage's text has it."""

    def place(number: int) -> int:
        return len(_passage_text(units, begin, number + 1)) - len(units[number].text) if number else 0

    start = place(span.first) + span.start
    return Question(span.asked.id, span.asked.text, text[start : place(span.last) + span.stop].rstrip(), start)
