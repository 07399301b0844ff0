"""One's own documents: encodings, headings, chunks of whole sentences."""

import itertools
from collections import Counter

import pytest

from korqg import sentences
from korqg.config import SAMPLE_CHUNKS, SAMPLE_DOCUMENTS
from korqg.data.documents.chunks import (
    Chunk,
    chunk_documents,
    fair_share,
    read_document,
    reading_report,
    refused_chunks,
)
from korqg.data.instruction_rows import make_own_rows
from korqg.errors import KorqgError
from korqg.sentences import split_sentences

TEXT = "첫 문장은 여기에서 끝난다. 둘째 문장은 조금 더 길게 이어진다. 셋째 문장이 마지막이다."


def read_chunks(*given, **more) -> list[Chunk]:
    return chunk_documents(*given, **more).chunks


def _count(text: str) -> int:
    """A stand-in for a tokenizer: one token a character that is not a space."""
    return len(text.replace(" ", "").replace("\n", ""))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_text_is_read_in_the_encodings_that_korean_files_have(tmp_path, encoding):
    path = tmp_path / "memo.txt"
    path.write_bytes(("제목\r\n\r\n" + TEXT).encode(encoding))
    title, (section,) = read_document(path)
    assert (title, section.paragraphs) == ("제목", (TEXT,))


@pytest.mark.parametrize(
    ("first", "title"), [("제1조 목적", "연차 휴가 규정"), ("1. 목적", "연차 휴가 규정"), ("목적", "목적")]
)
def test_title_is_the_files_name_where_the_first_heading_is_a_point_of_it(tmp_path, first, title):
    path = tmp_path / "연차_휴가_규정.md"
    path.write_text(f"## {first}\n\n휴가는 1년에 15일이다.\n\n## 제2조 신청\n\n사흘 전에 신청한다.\n", encoding="utf-8")
    assert read_document(path)[0] == title
    assert read_document(path.rename(tmp_path / "memo.md"))[0] == first


@pytest.mark.parametrize("content", [b"\xff\xfe\x00\x01\x02", b"GIF89a\0\0"])
def test_file_that_is_no_text_is_refused(tmp_path, content):
    (tmp_path / "memo.txt").write_bytes(content)
    with pytest.raises(KorqgError, match=r"memo.txt is (neither UTF-8 nor CP949 text|a GIF picture, not text)"):
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


@pytest.mark.parametrize("name", ["memo.txt", "memo.md"])
def test_documents_lose_the_signs_that_rows_lose(tmp_path, name):
    unseen, inside = "\u200e\u200f\u202a\u202e\u3164\ufeff", "&#x200f;" if name == "memo.md" else "\u200f"
    path = tmp_path / name
    path.write_text(f"{unseen}# 나루{inside}터\n{unseen}\n배는 열 시에{inside} 뜬다.\n", encoding="utf-8")
    title, (section,) = read_document(path)
    assert (title.removeprefix("# "), section.paragraphs) == ("나루터", ("배는 열 시에 뜬다.",))


@pytest.mark.parametrize("line", ["※ 조심할 것", "■ 값"])
def test_marked_line_that_heads_what_follows_goes_with_it(tmp_path, line):
    (tmp_path / "memo.txt").write_text(
        f"뗏목 안내\n\n아침 아홉 시에 모인다.\n\n{line}\n비가 오면 뜨지 않는다.\n", encoding="utf-8"
    )
    first, second = read_chunks(tmp_path, 20, _count)
    assert first.text.endswith("모인다.") and second.text.startswith(f"뗏목 안내\n{line}")


def test_chunks_hold_whole_sentences_and_lose_none(tmp_path):
    (tmp_path / "memo.txt").write_text(TEXT + "\n\n" + TEXT, encoding="utf-8")
    chunks = read_chunks(tmp_path / "memo.txt", 40, _count)
    assert len(chunks) > 1
    assert all(_count(chunk.text) <= 40 for chunk in chunks)
    found = [sentence for chunk in chunks for sentence in split_sentences(chunk.text.replace("\n", " "))]
    assert found == split_sentences(TEXT) * 2


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
    with pytest.raises(KorqgError, match=r"holds no .*\.docx.* file: put your documents there"):
        read_chunks(tmp_path, 100, _count)
    (tmp_path / "empty.md").write_text(" \n", encoding="utf-8")
    with pytest.raises(KorqgError, match="holds no text"):
        read_chunks(tmp_path, 100, _count)
    (tmp_path / "sheet.xlsx").write_bytes(b"PK")
    with pytest.raises(KorqgError, match=r"a .xlsx file cannot be read; use .*\.docx"):
        read_chunks(tmp_path / "sheet.xlsx", 100, _count)


def test_sample_documents_give_chunks_with_text_of_their_own():
    chunks = read_chunks(SAMPLE_DOCUMENTS, 300, _count)
    assert len(chunks) >= 10
    assert len({chunk.id for chunk in chunks}) == len({chunk.text for chunk in chunks}) == len(chunks)


def _named(file: str, *texts: str) -> list[Chunk]:
    return [Chunk(f"{file}-{number}", file, text, file=file) for number, text in enumerate(texts, start=1)]


def test_fair_share_takes_as_many_of_each_file_spread_over_it():
    chunks = _named("long", *[f"{number}번 집에는 식구 {number}명이 모여 산다." for number in range(1, 11)])
    chunks += _named("short", "물은 골짜기에서 흘러 들로 간다.", "방아는 낮에 돌고 밤에는 쉰다.")
    assert [chunk.id for chunk in fair_share(chunks, 6)] == [
        "long-1",
        "long-3",
        "long-6",
        "long-8",
        "short-1",
        "short-2",
    ]
    assert [chunk.id for chunk in fair_share(chunks, 3)] == ["long-1", "long-6", "short-1"]
    assert fair_share(chunks, 0) == fair_share(chunks, 12) == fair_share(chunks, 99) == chunks


def test_fair_share_leaves_no_place_to_what_nothing_is_asked_about():
    chunks = _named("memo", "1 | 2 | 3 | 4", "물은 골짜기에서 흘러 들로 간다.", "방아는 낮에 돌고 밤에는 쉰다.")
    assert [chunk.id for chunk in fair_share(chunks, 2)] == ["memo-2", "memo-3"]
    assert fair_share(chunks[:1] * 3, 2) == []


def test_sample_documents_all_have_their_share():
    chunks = chunk_documents(SAMPLE_DOCUMENTS, 300, _count).chunks
    assert sorted(Counter(chunk.file for chunk in fair_share(chunks, SAMPLE_CHUNKS)).values()) == [2, 2, 3, 3, 3, 3]


def test_chunk_carries_its_place(tmp_path):
    (tmp_path / "guide.md").write_text(
        f"# 안내\n\n앞말이다.\n\n## 준비\n\n{TEXT}\n\n### 물\n\n물을 긷는다.\n\n## 끝\n\n마친다.\n", encoding="utf-8"
    )
    chunks = read_chunks(tmp_path, 30, _count)
    assert [(chunk.file, chunk.section, chunk.first_paragraph, chunk.last_paragraph) for chunk in chunks] == [
        ("guide.md", "안내", 1, 1),
        ("guide.md", "안내 > 준비", 2, 2),
        ("guide.md", "안내 > 준비", 2, 2),
        ("guide.md", "안내 > 준비 > 물", 3, 3),
        ("guide.md", "안내 > 끝", 4, 4),
    ]
    assert chunks[3].title == "안내 > 준비 > 물"
    assert {(chunk.first_page, chunk.last_page) for chunk in chunks} == {(0, 0)}


def test_file_without_headings_is_called_by_a_first_line_that_says_what_it_heads(tmp_path):
    for name, first, title in (
        ("note", "또바기 건조기 FD-8 사용 설명서", "또바기 건조기 FD-8 사용 설명서"),
        ("note", "말린 과일은 오래 둘 수 있습니다.", "note"),
        ("note", "- 전화로 문의", "note"),
        ("note", "담당자: 김 과장, 전화 문의", "note"),
        ("한빛도서관 이용 안내", "책 빌리는 방법", "한빛도서관 이용 안내"),
    ):
        file = tmp_path / f"{name}.md"
        file.write_text(f"{first}\n\n과일은 얇게 썰어 선반에 놓습니다.", encoding="utf-8")
        assert {chunk.title for chunk in chunk_documents(file, 200, len).chunks} == {title}, first


def test_every_chunk_has_the_opening_that_says_whose_document_it_is(tmp_path):
    first = (
        "이 규정은 새솔문화재단에서 일하는 사람이 휴가를 쓸 때 지켜야 할 것과 알아야 할 것을 차례로 하나씩 모두 정한다."
    )
    second = "휴가는 쓰기 사흘 전까지 전자결재로 신청하고, 팀장은 신청을 받은 날에 승인 여부를 알린다."
    rules = f"# 휴가 규정\n\n## 목적\n\n{first}\n\n## 신청\n\n{second}"
    (tmp_path / "rules.md").write_text(rules, encoding="utf-8")
    chunks = chunk_documents(tmp_path, 90, len).chunks
    assert [chunk.title for chunk in chunks] == ["휴가 규정 > 목적", "휴가 규정 > 신청"]
    for chunk in chunks:
        assert chunk.opening == first
    asked = make_own_rows(chunks[-1], 8)
    assert asked and all(f"첫머리: {first}" in row["input"] for row in asked)


def test_overlap_repeats_whole_sentences_of_the_section(tmp_path):
    numbered = [f"{number}번째 문장은 여기에서 끝난다." for number in range(1, 10)]
    half = " ".join(numbered)
    (tmp_path / "memo.md").write_text(f"# 하나\n\n{half}\n\n# 둘\n\n{half}\n", encoding="utf-8")
    chunks = read_chunks(tmp_path / "memo.md", 60, _count, overlap_tokens=20)
    for heading in ("하나", "둘"):
        bodies = [chunk.text.partition("\n")[2] for chunk in chunks if chunk.section == heading]
        bodies = [split_sentences(body) for body in bodies]
        assert bodies[0][0] == numbered[0]
        for one, two in itertools.pairwise(bodies):
            assert two[0] == one[-1]
            assert two[1] == numbered[numbered.index(one[-1]) + 1]
        assert bodies[-1][-1] == numbered[-1]
    assert all(_count(chunk.text) <= 60 for chunk in chunks)


def test_overlap_gives_way_to_what_is_new(tmp_path):
    long = "가나다라마바사아자차 " * 5 + "끝이다."
    (tmp_path / "memo.txt").write_text(f"짧은 문장이다. {long} 짧은 문장이다. {long}", encoding="utf-8")
    chunks = read_chunks(tmp_path / "memo.txt", 55, _count, overlap_tokens=54)
    assert all(_count(chunk.text) <= 55 for chunk in chunks)
    assert sum("끝이다" in chunk.text for chunk in chunks) == 2


@pytest.mark.parametrize("overlap_tokens", [-1, 40, 50])
def test_overlap_as_large_as_a_chunk_is_refused(tmp_path, overlap_tokens):
    (tmp_path / "memo.txt").write_text(TEXT, encoding="utf-8")
    with pytest.raises(KorqgError, match=r"overlap_tokens=.* is out of range; use 0 to 39"):
        read_chunks(tmp_path / "memo.txt", 40, _count, overlap_tokens)


def test_no_chunk_is_too_long_when_tokens_do_not_add_up(tmp_path):
    # A text of several lines or sentences costs more than its parts, and every text has a mark of its own.
    def count(text: str) -> int:
        return 1 + _count(text) + 3 * text.strip().count("\n") + 2 * text.count(". ")

    (tmp_path / "memo.md").write_text(f"# 제목\n\n{TEXT}\n\n{TEXT}\n\n{'긴낱말' * 50}\n", encoding="utf-8")
    for limit in (8, 15, 40):
        chunks = read_chunks(tmp_path / "memo.md", limit, count)
        assert max(count(chunk.text) for chunk in chunks) <= limit
        body = "".join(chunk.text.removeprefix("제목\n") for chunk in chunks)
        assert _letters(body) == _letters(TEXT + TEXT + "긴낱말" * 50)


def _letters(text: str) -> str:
    return "".join(text.split())


def test_heading_too_long_for_a_chunk_stays_out_of_the_text(tmp_path):
    heading = "아주 긴 제목이 " * 10
    (tmp_path / "memo.md").write_text(f"# {heading}\n\n{TEXT}\n", encoding="utf-8")
    chunks = read_chunks(tmp_path / "memo.md", 40, _count)
    assert all("긴 제목" in chunk.section and "긴 제목" not in chunk.text for chunk in chunks)


def test_giant_paragraph_is_cut_into_chunks_without_loss(tmp_path):
    numbered = [f"{number}번째 문장은 여기에서 끝난다." for number in range(5_000)]
    (tmp_path / "giant.txt").write_text(" ".join(numbered), encoding="utf-8")
    chunks = read_chunks(tmp_path / "giant.txt", 400, _count)
    assert all(_count(chunk.text) <= 400 for chunk in chunks)
    assert _letters("".join(chunk.text for chunk in chunks)) == _letters("".join(numbered))
    assert all(chunk.text.endswith("끝난다.") for chunk in chunks)


def test_giant_paragraph_is_sliced_behind_full_stops(monkeypatch):
    monkeypatch.setattr(sentences, "LONGEST_SLICE", 50)
    text = " ".join([TEXT] * 20)
    slices = sentences._slices(text)
    assert "".join(slices) == text
    assert all(len(part) <= 50 and part.rstrip().endswith(".") for part in slices)
    assert sentences._slices("낱말 " * 20 + "긴낱말" * 30)[:2] == ["낱말 " * 16, "낱말 " * 4]


def test_run_without_blanks_or_full_stops_is_cut_without_loss(tmp_path):
    run = "".join(chr(ord("가") + 7 * number % 11_172) for number in range(30_000))
    (tmp_path / "run.txt").write_text(run, encoding="utf-8")
    chunks = read_chunks(tmp_path / "run.txt", 100, _count)
    assert all(_count(chunk.text) <= 100 for chunk in chunks)
    assert _letters("".join(chunk.text for chunk in chunks)) == run


def test_folder_is_read_with_its_subfolders_and_says_what_it_passed_over(tmp_path):
    for name in ("b.txt", "deep/er/a.md", ".hidden.md", ".git/config.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(TEXT, encoding="utf-8")
    (tmp_path / "table.xlsx").write_bytes(b"PK")
    (tmp_path / "old.hwp").write_bytes(b"\xd0\xcf")
    (tmp_path / "broken.docx").write_bytes(b"PK\3\4 and no more")
    (tmp_path / "blank.txt").write_text(" \n", encoding="utf-8")
    documents = chunk_documents(tmp_path, 200, _count)
    assert [chunk.file for chunk in documents.chunks] == ["b.txt", "deep/er/a.md"]
    reasons = {record["file"]: record["reason"] for record in documents.skipped}
    assert sorted(reasons) == [".git", ".hidden.md", "blank.txt", "broken.docx", "old.hwp", "table.xlsx"]
    assert "old.hwp is damaged" in reasons["old.hwp"]
    assert "broken.docx is damaged" in reasons["broken.docx"]
    assert all(list(record) == ["file", "id", "reason"] for record in documents.skipped)


def test_files_of_one_name_have_chunks_of_different_ids(tmp_path):
    for name in ("memo.md", "memo.txt", "part/memo.txt", "note.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(TEXT, encoding="utf-8")
    ids = [chunk.id for chunk in read_chunks(tmp_path, 200, _count)]
    assert sorted(ids) == ["memo.md-0001", "memo.txt-0001", "note-0001", "part/memo.txt-0001"]


def test_folder_without_anything_usable_says_what_was_seen(tmp_path):
    (tmp_path / "table.xlsx").write_bytes(b"PK")
    with pytest.raises(KorqgError, match=r"holds no .* file: .*Seen there: table.xlsx \(a .xlsx file cannot be read"):
        read_chunks(tmp_path, 200, _count)
    (tmp_path / "broken.docx").write_bytes(b"PK")
    with pytest.raises(KorqgError, match=r"holds no text that can be read.*broken.docx \(broken.docx is damaged"):
        read_chunks(tmp_path, 200, _count)


def test_what_was_read_is_told_by_file_with_the_reasons_of_what_is_not_asked_about(tmp_path):
    (tmp_path / "가.txt").write_text(
        "여는 시간\n\n한빛도서관은 오전 9시에 문을 열고 오후 6시에 닫는다.", encoding="utf-8"
    )
    (tmp_path / "나.txt").write_text("This page is left in English and says nothing in Korean.", encoding="utf-8")
    chunks = read_chunks(tmp_path, 384, len)
    refused = refused_chunks(chunks)
    assert [(one["file"], one["reason"]) for one in refused] == [("나.txt", "it is not in Korean · 한국어가 아님")]
    rows = reading_report(chunks, refused)
    assert [(row["file"], row["pages"], row["chunks"], row["not asked about"]) for row in rows] == [
        ("가.txt", "-", "1", "-"),
        ("나.txt", "-", "1", "1 (it is not in Korean · 한국어가 아님)"),
    ]
    assert rows[0]["characters"] == f"{len(chunks[0].text):,}"


def test_line_below_the_number_of_a_notice_says_what_it_is_about(tmp_path):
    text = "솔내시 공고 제2026-12호\n\n빗물통 지원 사업 공고\n\n빗물통을 놓는 집에 비용을 줍니다.\n\n시장이 알립니다.\n"
    marked = f"# {text}".replace("빗물통 지원", "## 빗물통 지원").replace("시장이", "## 1. 문의\n\n시장이")
    (tmp_path / "공고.txt").write_text(text, encoding="utf-8")
    (tmp_path / "공고.md").write_text(marked, encoding="utf-8")
    (tmp_path / "안내.md").write_text(marked.replace("공고 제2026-12호", "안내"), encoding="utf-8")
    about = "솔내시 공고 제2026-12호 > 빗물통 지원 사업 공고"
    assert {chunk.title for chunk in chunk_documents(tmp_path / "공고.txt", 200, len).chunks} == {about}
    assert [chunk.title for chunk in chunk_documents(tmp_path / "공고.md", 200, len).chunks] == [
        about,
        f"{about} > 1. 문의",
    ]
    assert chunk_documents(tmp_path / "안내.md", 200, len).chunks[-1].title == "솔내시 안내 > 1. 문의"
