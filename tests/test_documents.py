"""One's own documents: encodings, headings, chunks of whole sentences."""

import pytest

from korqg.config import SAMPLE_DOCUMENTS
from korqg.documents import read_chunks, read_document, split_sentences
from korqg.errors import KorqgError

TEXT = "첫 문장은 여기에서 끝난다. 둘째 문장은 조금 더 길게 이어진다. 셋째 문장이 마지막이다."


def _count(text: str) -> int:
    """A stand-in for a tokenizer: one token a character that is not a space."""
    return len(text.replace(" ", "").replace("\n", ""))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_text_is_read_in_the_encodings_that_korean_files_have(tmp_path, encoding):
    path = tmp_path / "memo.txt"
    path.write_bytes(("제목\r\n\r\n" + TEXT).encode(encoding))
    title, (section,) = read_document(path)
    assert (title, section.paragraphs) == ("제목", (TEXT,))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00\x01\x02", b"GIF89a\0\0"])
def test_file_that_is_no_text_is_refused(tmp_path, content):
    (tmp_path / "memo.txt").write_bytes(content)
    with pytest.raises(KorqgError, match=r"memo.txt is neither UTF-8 nor CP949 text"):
        read_document(tmp_path / "memo.txt")


def test_markdown_loses_its_marks_and_keeps_its_headings(tmp_path):
    path = tmp_path / "guide.md"
    path.write_text(
        "# 안내\n\n앞말이다.\n\n## 준비\n\n- **첫째** 준비물\n- [둘째](https://example.org) 준비물\n\n"
        "| 이름 | 값 |\n|---|---|\n| 물 | 1L |\n\n```\ncode()\n```\n\n<script>alert(1)</script>\n",
        encoding="utf-8",
    )
    title, sections = read_document(path)
    assert title == "안내"
    assert [(section.heading, section.paragraphs) for section in sections] == [
        ("안내", ("앞말이다.",)),
        ("준비", ("첫째 준비물", "둘째 준비물", "이름 | 값", "물 | 1L")),
    ]


def test_chunks_hold_whole_sentences_and_lose_none(tmp_path):
    (tmp_path / "memo.txt").write_text(TEXT + "\n\n" + TEXT, encoding="utf-8")
    chunks = read_chunks(tmp_path / "memo.txt", 40, _count)
    assert len(chunks) > 1
    assert all(_count(chunk.text) <= 40 for chunk in chunks)
    sentences = [sentence for chunk in chunks for sentence in split_sentences(chunk.text.replace("\n", " "))]
    assert sentences == split_sentences(TEXT) * 2


def test_chunk_never_crosses_a_heading_and_carries_it(tmp_path):
    (tmp_path / "guide.md").write_text(f"# 큰 제목\n\n## 하나\n\n{TEXT}\n\n## 둘\n\n{TEXT}\n", encoding="utf-8")
    chunks = read_chunks(tmp_path / "guide.md", 200, _count)
    assert [chunk.text.splitlines()[0] for chunk in chunks] == ["하나", "둘"]
    assert [chunk.title for chunk in chunks] == ["큰 제목 > 하나", "큰 제목 > 둘"]


def test_sentence_longer_than_a_chunk_is_cut_between_words(tmp_path):
    words = [f"낱말{number}" for number in range(100)]
    (tmp_path / "long.txt").write_text(" ".join(words), encoding="utf-8")
    chunks = read_chunks(tmp_path / "long.txt", 60, _count)
    assert all(_count(chunk.text) <= 60 for chunk in chunks)
    assert " ".join(chunk.text for chunk in chunks).split() == words


def test_nothing_to_read_is_an_error_that_says_what_to_set(tmp_path):
    with pytest.raises(KorqgError, match=r"does not exist: set own_path"):
        read_chunks(tmp_path / "nowhere.md", 100, _count)
    with pytest.raises(KorqgError, match=r"holds no .md or .txt file"):
        read_chunks(tmp_path, 100, _count)
    (tmp_path / "empty.md").write_text(" \n", encoding="utf-8")
    with pytest.raises(KorqgError, match="holds no text"):
        read_chunks(tmp_path, 100, _count)
    (tmp_path / "sheet.xlsx").write_bytes(b"PK")
    with pytest.raises(KorqgError, match=r"a .xlsx file cannot be read; use .md or .txt"):
        read_chunks(tmp_path / "sheet.xlsx", 100, _count)


def test_sample_documents_give_chunks_with_text_of_their_own():
    chunks = read_chunks(SAMPLE_DOCUMENTS, 300, _count)
    assert len(chunks) >= 10
    assert len({chunk.id for chunk in chunks}) == len({chunk.text for chunk in chunks}) == len(chunks)
