"""Markdown to blocks: its marks go, its headings and tables stay, and so does the text of HTML in it."""

import re
from collections.abc import Iterator
from pathlib import Path

from korqg.data.documents.office import LOWERED, RAISED, as_blocks, without_note_marks
from korqg.data.documents.plain_text import document_text
from korqg.data.documents.table_text import Cell, reach, table_blocks
from korqg.data.text_blocks import Block, clean

_FRONT_MATTER = re.compile(
    r"\A(?:---|\+\+\+)[ \t]*\n(?=[\w\"'])(?:[ \t]*#.*\n|[ \t]+.*\n|[-\]}][ \t]?.*\n|[\w\"'.\- ]+[:=](?:[ \t].*)?\n|\n)+"
    r"(?:---|\+\+\+|\.\.\.)[ \t]*(?:\n|\Z)"
)
_LABEL = re.compile(r"\s*\{\s*(?:[#.:%]|/\*)[^{}]*\}\s*$")
_FENCE = re.compile(r"[ ]{0,3}(`{3,}|~{3,})")
_CONTAINER = re.compile(r"\s*(?:>\s*)?(?::{3,}|/{3,})\s*(?:\{[^}]*\}|[\w-]*)\s*(?:\|\s*)?(?:\[([^\]]*)\]|(.*))$")
_ALERT = re.compile(r"(\s*>\s*)\[![\w-]+\][-+]?")
_ADMONITION = re.compile(r"(?:!!!|\?\?\?\+?)\s+[\w-]+(?:\s+[\w-]+)*\s*(?:\"(.*)\")?\s*$")
_MACRO = re.compile(
    r"\s*(?:\{%.*%\}|\{\{[<%].*[>%]\}\}|\[\[?_?toc_?\]?\]|\{:.*\}|import\s.+\sfrom\s.+|\{/\*.*\*/\})\s*$", re.I
)
_STARS = (
    (re.compile(r"(?<![\w~])~~(?=[^\s~])[^~]*[^\w\s~]~~(?=[가-힣])"), ""),
    (re.compile(r"(\*{2,3}|_{2,3})(?=\S)(.+?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=\S)\*(?!\*)"), r"\1"),
    (re.compile(r"==(?=\S)(.+?)(?<=\S)=="), r"\1"),
)
_KEPT_STAR = "\x01"  # Stands for a star of code while the stars of emphasis are taken away
_STRUCK = ("del", "s", "strike")
_LEFT_OUT = ("script", "style", "template", "svg", "head", "rt", "rp", *_STRUCK)
_INSIDE = frozenset(
    "a abbr b big code em font i img kbd mark q small span strong sub u var input wbr cite time ruby rb".split()
)


def read_markdown(path: Path) -> list[Block]:
    """Headings, paragraphs, list items and table rows; code, scripts, footnotes and front matter are left out."""
    from markdown_it import MarkdownIt

    text = _FRONT_MATTER.sub("", document_text(path))
    text = re.sub(r"^\[\^[^\]\n]+\]:.*\n?(?:[ \t]+\S.*\n?)*", "", text, flags=re.MULTILINE)
    text = re.sub(r"\[\^[^\]\n]+\]", "", "\n".join(_without_extensions(text.split("\n"))))
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    blocks: list[Block] = []
    rows: list[list[Cell]] = []
    for place, token in enumerate(tokens):
        if token.type == "table_close":
            blocks += table_blocks(rows)
            rows = []
        elif token.type == "tr_open":
            rows.append([])
        elif token.type == "html_block":
            blocks += html_blocks(token.content)
        elif token.type == "inline":
            opening = tokens[place - 1]
            content = _inline_text(token)
            if opening.type in ("th_open", "td_open"):
                cell = (Block(clean(content)),) if content else ()
                rows[-1].append(Cell(cell, head=opening.type == "th_open"))
            elif content:
                level = int(opening.tag[1]) if opening.type == "heading_open" else 0
                blocks += [Block(clean(content), level)] if level else as_blocks(content, 0)
    return blocks


def _without_extensions(lines: list[str]) -> Iterator[str]:
    """The lines without the fences of notes, labels and macros that other programs add to Markdown.

    A note's own title stays as a paragraph, and its indented text loses the indent.
    """
    fence, indented = "", False
    for number, line in enumerate(lines):
        if match := _FENCE.match(line):
            fence = "" if fence and match[1].startswith(fence) else fence or match[1]
        if fence or _FENCE.match(line):
            yield line
            continue
        if indented and (not line.strip() or line.startswith(("    ", "\t"))):
            yield re.sub(r"^(?:    |\t)", "", line)
            continue
        indented = False
        match = _ADMONITION.match(line)
        behind = lines[number + 1 : number + 3] if match else []
        if match and (match[0].isascii() or match[1] or any(one.startswith(("    ", "\t")) for one in behind)):
            indented = True
            yield from ("", match[1] or "", "")
        elif match := _CONTAINER.match(line):
            yield from ("", match[1] or match[2] or "", "")
        elif _MACRO.match(line):
            yield ""
        else:
            yield _LABEL.sub("", _ALERT.sub(r"\1", line))


def _inline_text(token) -> str:
    """An inline token's words, a line for each that the writer broke; images, HTML tags and struck text left out."""
    parts, struck = [], 0
    for child in token.children or []:
        tag = re.match(r"<(/?)(\w+)", child.content) if child.type == "html_inline" else None
        if child.type == "s_open" or (tag and tag[2].lower() in _STRUCK and not tag[1]):
            struck += 1
        elif child.type == "s_close" or (tag and tag[2].lower() in _STRUCK):
            struck = max(0, struck - 1)
        elif struck:
            continue
        elif tag and tag[2].lower() == "sup":
            parts.append(LOWERED if tag[1] else RAISED)
        elif child.type == "code_inline":
            parts.append(re.sub(r"[*_=~]", lambda match: _KEPT_STAR + chr(ord(match[0]) + 0xE000), child.content))
        elif child.type == "text":
            parts.append(child.content)
        elif child.type == "softbreak":
            parts.append(" ")
        elif child.type == "hardbreak" or (tag and tag[2].lower() == "br"):
            parts.append("\n")
    text = re.sub(r"^\[[ xX]\]\s", "", _LABEL.sub("", without_note_marks("".join(parts))))
    for pattern, kept in _STARS:
        text = pattern.sub(kept, text)
    text = re.sub(f"{_KEPT_STAR}(.)", lambda match: chr(ord(match[1]) - 0xE000), text)
    return "\n".join(map(clean, text.split("\n"))).strip()


def html_blocks(text: str) -> list[Block]:
    """The text of a piece of HTML: headings, paragraphs, list items, table rows; no scripts, styles and struck text."""
    from lxml import html

    root = html.fragment_fromstring(text, create_parent="div", parser=html.HTMLParser(huge_tree=True))
    try:
        return _blocks_of(root)
    except RecursionError:  # a thousand elements within one another: their text alone
        return list(as_blocks(root.text_content(), 0))


def _blocks_of(element) -> list[Block]:
    blocks: list[Block] = []
    words: list[str] = []

    def flush(level: int) -> None:
        text = without_note_marks("".join(words))
        blocks.extend([Block(clean(text), level)] if level and clean(text) else as_blocks(text, 0))
        words.clear()

    def read(parent, level: int = 0) -> None:
        words.append((parent.text or "").replace("\n", " "))
        for one in parent:
            if one.tag == "br":
                words.append("\n")
            elif one.tag == "sup":
                words.append(RAISED)
                read(one)
                words.append(LOWERED)
            elif one.tag in _INSIDE:
                read(one, level)
            elif isinstance(one.tag, str) and one.tag not in _LEFT_OUT:
                flush(level)
                level, own = 0, int(one.tag[1]) if re.fullmatch("h[1-6]", one.tag) else 0
                if one.tag == "table":
                    rows = [_cells(row) for row in one.xpath("./tr | ./*/tr")]
                    blocks.extend(block for caption in one.iterchildren("caption") for block in _blocks_of(caption))
                    blocks.extend(table_blocks([row for row in rows if row]))
                else:
                    read(one, own)
                    flush(own)
            words.append((one.tail or "").replace("\n", " "))

    read(element)
    flush(0)
    return blocks


def _cells(row) -> list[Cell]:
    return [
        Cell(tuple(_blocks_of(one)), reach(one.get("rowspan")), reach(one.get("colspan")), one.tag == "th")
        for one in row.iterchildren("td", "th")
    ]
