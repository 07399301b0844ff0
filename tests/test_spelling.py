"""Spelling of the corpus and the documents, by Debian's hunspell-ko (spellcheck-ko's dictionary), which works offline.

    python tests/test_spelling.py

writes known_words.txt anew: read what is new in it (git diff) before you keep it.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from korqg.config import SAMPLE_CORPUS, SAMPLE_DOCUMENTS, SAMPLE_EDITS
from korqg.data.documents.chunks import read_document
from korqg.files import read_json
from korqg.sentences import kiwi

KNOWN = Path(__file__).with_name("known_words.txt")
"""Words that the dictionary does not know, without particles and endings, read one by one: names, terms, compounds."""


def texts() -> Iterable[str]:
    """Paragraphs, questions, and the documents' lines."""
    for file in (SAMPLE_CORPUS, SAMPLE_EDITS):
        for article in read_json(file)["data"]:
            for paragraph in article["paragraphs"]:
                yield paragraph["context"]
                yield from (qa["question"] for qa in paragraph["qas"])
    for document in sorted(SAMPLE_DOCUMENTS.iterdir()):
        for section in read_document(document)[1]:
            yield from (line for line in (section.heading, *section.paragraphs) if line)


def unknown(words: Iterable[str]) -> set[str]:
    """The stems of the words that the dictionary does not know."""
    command = ["hunspell", "-i", "utf-8", "-d", "ko_KR", "-l"]
    text = "\n".join(words)
    found = subprocess.run(command, input=text, capture_output=True, check=True, encoding="utf-8")
    return {stem(word) for word in found.stdout.split()}


def stem(word: str) -> str:
    """A word without the particles and endings behind it."""
    end = len(word)
    for token in reversed(kiwi().tokenize(word)):
        if token.tag[0] not in "JE" and token.tag not in ("VCP", "XSV", "XSA"):
            break
        end = token.start
    return word[:end] or word


has_dictionary = shutil.which("hunspell") is not None and Path("/usr/share/hunspell/ko_KR.dic").exists()


@pytest.mark.skipif(not has_dictionary, reason="hunspell-ko is not installed (Debian: apt-get install hunspell-ko)")
def test_words_are_in_the_dictionary_or_were_read():
    assert unknown(["넥카라는 벼과에 듭니다."]) - set(KNOWN.read_text(encoding="utf-8").split())
    assert sorted(unknown(texts()) - set(KNOWN.read_text(encoding="utf-8").split())) == []


if __name__ == "__main__":
    KNOWN.write_text("".join(f"{word}\n" for word in sorted(unknown(texts()))), encoding="utf-8")
    sys.exit(0)
