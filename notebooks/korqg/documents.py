"""One's own documents to chunks of whole sentences."""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from korqg.errors import KorqgError

SUFFIXES = (".md", ".txt")


@dataclass(frozen=True)
class Section:
    """Text under one heading; `heading` is "" where the document has none."""

    heading: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Chunk:
    """A piece of a document, as RAG would store it: whole sentences, the heading as its first line."""

    id: str
    title: str
    text: str


def read_chunks(path: Path, max_tokens: int, count_tokens: Callable[[str], int]) -> list[Chunk]:
    """Cut a document, or every .md and .txt file of a folder, into chunks of at most `max_tokens` tokens.

    A chunk never crosses a heading and never breaks a sentence, but for a single sentence that is longer
    than `max_tokens`, which is cut between words. Raises KorqgError when there is nothing to read.
    """
    if not path.exists():
        raise KorqgError(
            f'{path} does not exist: set own_path to a .md or .txt file or a folder of them, or to "none".'
        )
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
    if not files:
        raise KorqgError(f"{path} holds no {' or '.join(SUFFIXES)} file: put your documents there.")
    chunks = []
    for file in files:
        chunks += _chunk_file(file, max_tokens, count_tokens)
    if not chunks:
        raise KorqgError(f"{path} holds no text: nothing can be asked about it.")
    return chunks


def read_document(path: Path) -> tuple[str, list[Section]]:
    """A document's title (its first heading or line, else the file's name) and its sections.

    UTF-8 with or without a byte order mark, else CP949. Raises KorqgError for another encoding or suffix.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise KorqgError(
            f"{path.name}: a {path.suffix or 'nameless'} file cannot be read; use {' or '.join(SUFFIXES)}."
        )
    text = _decode(path)
    sections = _markdown_sections(text) if path.suffix.lower() == ".md" else _plain_sections(text)
    title = next((section.heading for section in sections if section.heading), path.stem)
    return title, sections


def split_sentences(text: str) -> list[str]:
    """Sentences of a Korean paragraph, by Kiwi (github.com/bab2min/kiwipiepy)."""
    return [sentence.text.strip() for sentence in _kiwi().split_into_sents(text) if sentence.text.strip()]


@functools.cache
def _kiwi():
    from kiwipiepy import Kiwi

    return Kiwi()


def _chunk_file(file: Path, max_tokens: int, count_tokens: Callable[[str], int]) -> list[Chunk]:
    title, sections = read_document(file)
    texts = []
    for section in sections:
        head = f"{section.heading}\n" if section.heading else ""
        pieces: list[str] = []
        for paragraph in section.paragraphs:
            for number, sentence in enumerate(split_sentences(paragraph)):
                glue = "\n" if number == 0 else " "
                for part in _fit(sentence, max_tokens - count_tokens(head), count_tokens):
                    if pieces and count_tokens(head + "".join(pieces) + glue + part) > max_tokens:
                        texts.append((section.heading, head + "".join(pieces).strip()))
                        pieces = []
                    pieces.append(glue + part)
        if pieces:
            texts.append((section.heading, head + "".join(pieces).strip()))
    return [
        Chunk(f"{file.stem}-{number:04d}", title if heading in ("", title) else f"{title} > {heading}", text)
        for number, (heading, text) in enumerate(texts, start=1)
    ]


def _fit(sentence: str, max_tokens: int, count_tokens: Callable[[str], int]) -> list[str]:
    """The sentence, or, when it alone is too long, its words in runs that fit."""
    if count_tokens(sentence) <= max_tokens:
        return [sentence]
    # A "word" of more than 40 characters is no word: a run without spaces is cut so that it can fit at all.
    words = [piece for word in sentence.split() for piece in re.findall(r".{1,40}", word)]
    parts, run = [], ""
    for word in words:
        longer = f"{run} {word}".strip()
        if run and count_tokens(longer) > max_tokens:
            parts.append(run)
            longer = word
        run = longer
    return [*parts, run]


def _decode(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise KorqgError(f"Cannot read {path}: {error.strerror}.") from None
    for encoding in ("utf-8-sig", "cp949"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text.replace("\r\n", "\n").replace("\r", "\n")
    raise KorqgError(f"{path.name} is neither UTF-8 nor CP949 text: save it as UTF-8.")


def _plain_sections(text: str) -> list[Section]:
    """Paragraphs between empty lines; a short first line without a full stop is the heading."""
    paragraphs = [" ".join(block.split()) for block in re.split(r"\n\s*\n", text) if block.strip()]
    heading = ""
    if len(paragraphs) > 1 and len(paragraphs[0]) <= 60 and not re.search(r"[.!?…]$", paragraphs[0]):
        heading = paragraphs.pop(0)
    return [Section(heading, tuple(paragraphs))] if paragraphs else []


def _markdown_sections(text: str) -> list[Section]:
    """Sections by heading; list items and table rows become lines, code and HTML are left out."""
    from markdown_it import MarkdownIt

    sections, heading, lines, cells = [], "", [], None
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    for place, token in enumerate(tokens):
        if token.type == "tr_open":
            cells = []
        elif token.type == "tr_close":
            lines.append(" | ".join(cells))
            cells = None
        elif token.type == "inline":
            content = _inline_text(token)
            if tokens[place - 1].type == "heading_open":
                sections.append(Section(heading, tuple(lines)))
                heading, lines = content, []
            elif cells is not None:
                cells.append(content)
            elif content:
                lines.append(content)
    sections.append(Section(heading, tuple(lines)))
    return [section for section in sections if section.heading or section.paragraphs]


def _inline_text(token) -> str:
    """An inline token's words: links by their text, images and HTML tags left out."""
    parts = []
    for child in token.children or []:
        if child.type in ("text", "code_inline"):
            parts.append(child.content)
        elif child.type in ("softbreak", "hardbreak"):
            parts.append(" ")
    return " ".join("".join(parts).split())
