"""Text out of .txt, .md, .docx, .hwpx and .pdf files, and what is refused."""

import io
import zipfile

import pytest

from korqg.data import text_blocks
from korqg.data.documents import office, pdf
from korqg.data.documents.chunks import READERS, read_document
from korqg.data.documents.markdown import read_markdown
from korqg.data.documents.plain_text import read_text
from korqg.errors import KorqgError

pytestmark = pytest.mark.files

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
HANGUL = "http://www.hancom.co.kr/hwpml/2011"


def _zip(path, members: dict, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def docx(tmp_path):
    """Writes a Word document from the XML of its body; style "1" is "heading 1", as Word in Korean has it."""

    def write(body: str, name="memo.docx", before="", **others):
        styles = (
            f'<w:styles xmlns:w="{WORD}">'
            '<w:style w:styleId="1"><w:name w:val="heading 1"/></w:style>'
            '<w:style w:styleId="2"><w:name w:val="제목 2"/></w:style>'
            '<w:style w:styleId="own"><w:name w:val="우리 소제목"/><w:basedOn w:val="2"/></w:style>'
            '<w:style w:styleId="law"><w:name w:val="조문"/><w:pPr><w:outlineLvl w:val="2"/></w:pPr></w:style>'
            '<w:style w:styleId="toc"><w:name w:val="toc 1"/></w:style></w:styles>'
        )
        document = f'{before}<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'
        members = {"word/document.xml": document, "word/styles.xml": styles, "word/header1.xml": "머리글", **others}
        return _zip(tmp_path / name, members)

    return write


def _word(text: str, style="") -> str:
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}<w:r><w:t>{text}</w:t></w:r></w:p>"


@pytest.fixture
def hwpx(tmp_path):
    """Writes a Hangul document from the XML of its sections; style 2 is "개요 1", shape 7 an outline's."""

    def write(*sections: str, name="memo.hwpx", year="2011", manifest=""):
        base = HANGUL.replace("2011", year)
        header = (
            f'<hh:head xmlns:hh="{base}/head"><hh:refList>'
            '<hh:paraProperties><hh:paraPr id="0"><hh:heading type="NONE" level="0"/></hh:paraPr>'
            '<hh:paraPr id="7"><hh:heading type="OUTLINE" level="1"/></hh:paraPr></hh:paraProperties>'
            '<hh:styles><hh:style id="0" name="바탕글" engName="Normal"/>'
            '<hh:style id="2" name="개요 1" engName="Outline 1"/></hh:styles></hh:refList></hh:head>'
        )
        members = {"mimetype": "application/hwp+zip", "Contents/header.xml": header}
        if manifest:
            members["META-INF/manifest.xml"] = manifest
        for number, section in enumerate(sections):
            members[f"Contents/section{number}.xml"] = (
                f'<hs:sec xmlns:hs="{base}/section" xmlns:hp="{base}/paragraph">{section}</hs:sec>'
            )
        return _zip(tmp_path / name, members)

    return write


def _hangul(text: str, style="0", shape="0") -> str:
    return f'<hp:p styleIDRef="{style}" paraPrIDRef="{shape}"><hp:run><hp:t>{text}</hp:t></hp:run></hp:p>'


def _sections(path) -> list[tuple]:
    return [(" > ".join(section.path), section.paragraphs) for section in read_document(path)[1]]


# Plain text and Markdown


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp949"])
def test_text_is_read_in_the_encodings_that_korean_files_have(tmp_path, encoding):
    (tmp_path / "memo.txt").write_bytes("제목\r\n\r\n첫 문장이다.".encode(encoding))
    assert [(block.text, block.level) for block in read_text(tmp_path / "memo.txt")] == [
        ("제목", 1),
        ("첫 문장이다.", 0),
    ]


def test_decomposed_hangul_is_composed(tmp_path):
    (tmp_path / "memo.txt").write_text("\u1112\u1161\u11ab\u1100\u1173\u11af이다.", encoding="utf-8")
    assert read_text(tmp_path / "memo.txt")[0].text == "한글이다."


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("我家门前有一条小河，河水很清。", "gbk"),
        ("今天天气很好，我们一起去公园散步吧。", "gb18030"),
        ("今日は天気がいいので公園を散歩しましょう。", "shift_jis"),
    ],
)
def test_other_encodings_are_refused_with_the_remedy(tmp_path, text, encoding):
    (tmp_path / "memo.txt").write_bytes(text.encode(encoding) * 20)
    with pytest.raises(KorqgError, match=r"memo.txt is neither UTF-8 nor CP949 text.*save it as UTF-8"):
        read_text(tmp_path / "memo.txt")


def test_cp949_text_with_hanja_is_still_korean(tmp_path):
    text = "이 책은 朝鮮 時代에 쓰였고 여러 번 다시 나왔다."
    (tmp_path / "memo.txt").write_bytes(text.encode("cp949"))
    assert read_text(tmp_path / "memo.txt")[0].text == text


def test_markdown_leaves_out_front_matter_and_footnotes(tmp_path):
    (tmp_path / "memo.md").write_text(
        "---\ntitle: 숨은 제목\n---\n\n# 보이는 제목\n\n본문이다.[^1] 이어진다.\n\n"
        "[^1]: 각주이다.\n    각주가 이어진다.\n",
        encoding="utf-8",
    )
    assert [block.text for block in read_markdown(tmp_path / "memo.md")] == ["보이는 제목", "본문이다. 이어진다."]


# Word


def test_word_headings_are_known_by_name_parent_and_outline_level(docx):
    body = (
        _word("앞말이다.") + _word("첫 장", "1") + _word("첫 절", "2") + _word("본문이다.")
        + _word("다음 절", "own") + _word("더 있다.") + _word("제3조", "law") + _word("조문이다.")
    )  # fmt: skip
    assert _sections(docx(body)) == [
        ("", ("앞말이다.",)),
        ("첫 장", ()),
        ("첫 장 > 첫 절", ("본문이다.",)),
        ("첫 장 > 다음 절", ("더 있다.",)),
        ("첫 장 > 다음 절 > 제3조", ("조문이다.",)),
    ]


def test_word_keeps_what_is_shown_and_leaves_out_what_is_not(docx):
    body = (
        _word("차례 1", "toc")
        + "<w:p><w:r><w:t>보이는 </w:t></w:r><w:del><w:r><w:delText>지운 </w:delText></w:r></w:del>"
        "<w:moveFrom><w:r><w:t>옮긴 </w:t></w:r></w:moveFrom><w:ins><w:r><w:t>넣은 </w:t></w:r></w:ins>"
        "<w:hyperlink><w:r><w:t>이음</w:t><w:tab/><w:t>글이다.</w:t></w:r>"
        "</w:hyperlink><w:r><w:instrText>PAGE</w:instrText><w:footnoteReference/></w:r></w:p>"
        "<w:p><w:r><w:t>첫 줄</w:t><w:br/><w:t>둘째 줄</w:t></w:r></w:p>"
        "<w:sdt><w:sdtContent>" + _word("상자 안의 글이다.") + "</w:sdtContent></w:sdt>"
    )
    ((_, paragraphs),) = _sections(docx(body))
    assert paragraphs == ("보이는 넣은 이음 글이다.", "첫 줄", "둘째 줄", "상자 안의 글이다.")


def test_word_text_box_is_read_once(docx):
    box = f"<w:txbxContent>{_word('글상자이다.')}</w:txbxContent>"
    body = (
        '<w:p xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><w:r><w:t>앞글이다.</w:t>'
        f"<mc:AlternateContent><mc:Choice>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback></mc:AlternateContent>"
        "</w:r></w:p>"
    )
    assert _sections(docx(body)) == [("", ("앞글이다.", "글상자이다."))]


def test_word_table_becomes_lines_and_a_frame_its_own_paragraphs(docx):
    def row(*cells):
        return "<w:tr>" + "".join(f"<w:tc>{cell}</w:tc>" for cell in cells) + "</w:tr>"

    table = "<w:tbl>" + row(_word("이름"), _word("값")) + row(_word("물") + _word("찬 것"), _word("1L")) + "</w:tbl>"
    frame = "<w:tbl>" + row(_word("첫째 글이다.") + _word("둘째 글이다.")) + "</w:tbl>"
    assert _sections(docx(table + frame)) == [("", ("이름 | 값", "물 찬 것 | 1L", "첫째 글이다.", "둘째 글이다."))]


# Hangul


@pytest.mark.parametrize("year", ["2011", "2016", "2024"])
def test_hangul_outline_styles_are_headings_in_every_name_space(hwpx, year):
    first = _hangul("첫 장", style="2") + _hangul("본문이다.")
    second = _hangul("작은 절", shape="7") + _hangul("둘째 구역이다.")
    assert _sections(hwpx(first, second, year=year)) == [
        ("첫 장", ("본문이다.",)),
        ("첫 장 > 작은 절", ("둘째 구역이다.",)),
    ]


def test_hangul_sections_are_read_by_number_not_by_name(hwpx):
    path = hwpx(*(_hangul(f"{number}번 구역이다.") for number in range(11)))
    ((_, paragraphs),) = _sections(path)
    assert paragraphs[-2:] == ("9번 구역이다.", "10번 구역이다.")


def test_hangul_sentence_in_an_outline_style_is_text(hwpx):
    assert _sections(hwpx(_hangul("이 조항은 내일부터 효력이 있다.", style="2")))[0][0] == ""


def test_hangul_leaves_out_headers_notes_and_deleted_text(hwpx):
    def note(name):
        return f"<hp:ctrl><hp:{name}><hp:subList>{_hangul('빠지는 글이다.')}</hp:subList></hp:{name}></hp:ctrl>"

    body = (
        f"<hp:p><hp:run><hp:secPr/>{note('header')}{note('footer')}<hp:t>본문<hp:tab/>글이<hp:deleteBegin/>지운</hp:t>"
        f"{note('footNote')}<hp:t>글<hp:deleteEnd/>다.<hp:lineBreak/>다음 줄</hp:t></hp:run></hp:p>"
    )
    assert _sections(hwpx(body)) == [("", ("본문 글이다.", "다음 줄"))]


def test_hangul_tables_captions_and_text_boxes_become_lines(hwpx):
    def cell(text):
        return f"<hp:tc><hp:subList>{_hangul(text)}</hp:subList></hp:tc>"

    caption = f"<hp:caption><hp:subList>{_hangul('표 제목')}</hp:subList></hp:caption>"
    table = (
        f"<hp:tbl>{caption}<hp:tr>{cell('이름')}{cell('값')}</hp:tr><hp:tr>{cell('물')}{cell('1L')}</hp:tr></hp:tbl>"
    )
    box = f"<hp:rect><hp:drawText><hp:subList>{_hangul('글상자이다.')}</hp:subList></hp:drawText></hp:rect>"
    body = f"<hp:p><hp:run><hp:t>앞글이다.</hp:t>{table}{box}</hp:run></hp:p>"
    assert _sections(hwpx(body)) == [("", ("앞글이다.", "표 제목", "이름 | 값", "물 | 1L", "글상자이다."))]


# Files that are refused


def test_entities_are_refused(docx, tmp_path):
    (tmp_path / "secret.txt").write_text("비밀이다.", encoding="utf-8")
    laughs = '<!DOCTYPE d [<!ENTITY a "하하"><!ENTITY b "&a;&a;&a;">]>'
    plain = '<!DOCTYPE d SYSTEM "https://example.org/d.dtd">'
    outside = f'<!DOCTYPE d [<!ENTITY a SYSTEM "{(tmp_path / "secret.txt").as_uri()}">]>'
    for before in (laughs, plain, outside):
        with pytest.raises(KorqgError, match=r"memo.docx declares a document type or entities"):
            read_document(docx(_word("글이다." if before == plain else "&a;"), before=before))


def test_entities_are_refused_in_hangul_documents(hwpx):
    with pytest.raises(KorqgError, match=r"memo.hwpx declares a document type"):
        read_document(hwpx(_hangul("글이다."), manifest='<!DOCTYPE d [<!ENTITY a "하">]><d>&a;</d>'))


def test_zip_bomb_is_refused_before_it_is_unpacked(docx, monkeypatch):
    monkeypatch.setattr(office, "LARGEST_XML_BYTES", 100_000)
    with pytest.raises(KorqgError, match=r"memo.docx: its text unpacks to more than .* allowed"):
        read_document(docx(_word("가" * 200_000)))


def test_archive_limits_on_members_hold(docx, monkeypatch):
    path = docx(_word("글이다."), **{"word/media/big.bin": b"\0" * 1_000_000})
    monkeypatch.setattr(office, "LARGEST_ARCHIVE_BYTES", 500_000)
    with pytest.raises(KorqgError, match=r"memo.docx unpacks to 4 files and 1 MB, more than"):
        read_document(path)
    monkeypatch.undo()
    monkeypatch.setattr(office, "MOST_MEMBERS", 3)
    with pytest.raises(KorqgError, match=r"more than the 3 files"):
        read_document(path)


@pytest.mark.parametrize("name", ["../outside.xml", "/etc/outside.xml", "C:/outside.xml", "word\\..\\outside.xml"])
def test_member_that_points_out_of_the_archive_is_refused(docx, name):
    with pytest.raises(KorqgError, match=r"memo.docx has a member .* that points out of the archive"):
        read_document(docx(_word("글이다."), **{name: "밖"}))


def test_deep_nesting_is_refused(docx):
    with pytest.raises(KorqgError, match=r"memo.docx is nested too deeply"):
        read_document(docx("<w:sdt>" * 20_000 + "</w:sdt>" * 20_000))


def test_protected_office_files_ask_for_a_copy_without_password(tmp_path, hwpx):
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512
    (tmp_path / "locked.docx").write_bytes(ole + "EncryptedPackage".encode("utf-16-le"))
    with pytest.raises(KorqgError, match=r"locked.docx is protected by a password: open it and save it without one"):
        read_document(tmp_path / "locked.docx")
    manifest = (
        '<odf:manifest xmlns:odf="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        '<odf:file-entry odf:full-path="Contents/section0.xml"><odf:encryption-data/></odf:file-entry></odf:manifest>'
    )
    with pytest.raises(KorqgError, match=r"memo.hwpx is protected by a password"):
        read_document(hwpx(_hangul("글이다."), manifest=manifest))


def test_encrypted_zip_member_is_a_password_too(docx):
    path = docx(_word("글이다."))
    data = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):  # the bit "encrypted" in both of each member's headers
        place = data.find(signature)
        while place >= 0:
            data[place + flags] |= 1
            place = data.find(signature, place + 4)
    path.write_bytes(data)
    with pytest.raises(KorqgError, match=r"memo.docx is protected by a password"):
        read_document(path)


@pytest.mark.parametrize(("suffix", "old"), [(".docx", ".doc"), (".hwpx", ".hwp")])
def test_old_binary_file_under_a_new_name_is_told(tmp_path, suffix, old):
    path = tmp_path / f"memo{suffix}"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512)
    with pytest.raises(KorqgError, match=rf"is of the old {old} format: open it and save it as {suffix}"):
        read_document(path)


def test_old_binary_format_names_the_new_one(tmp_path):
    (tmp_path / "memo.doc").write_bytes(b"\xd0\xcf\x11\xe0")
    with pytest.raises(KorqgError, match=r"a .doc file is of an old binary format; save it as .docx"):
        read_document(tmp_path / "memo.doc")


@pytest.mark.parametrize("suffix", READERS)
def test_empty_file_is_named(tmp_path, suffix):
    (tmp_path / f"memo{suffix}").touch()
    with pytest.raises(KorqgError, match=rf"memo{suffix} is empty"):
        read_document(tmp_path / f"memo{suffix}")


def test_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(text_blocks, "LARGEST_FILE_BYTES", 10)
    (tmp_path / "memo.txt").write_text("열 바이트보다 길다.", encoding="utf-8")
    with pytest.raises(KorqgError, match=r"memo.txt has .* split it into smaller files"):
        read_document(tmp_path / "memo.txt")


def test_damaged_archives_are_named(docx, hwpx):
    for path in (docx(_word("글이다. " * 500)), hwpx(_hangul("글이다. " * 500))):
        whole = path.read_bytes()
        for share in (0.1, 0.5, 0.9):
            path.write_bytes(whole[: int(share * len(whole))])
            with pytest.raises(KorqgError, match=rf"{path.name} is damaged, incomplete or no {path.suffix} file"):
                read_document(path)


def test_damaged_member_is_named(docx):
    path = docx(_word("글이다. " * 500))
    data = bytearray(path.read_bytes())
    data[80:120] = b"\xff" * 40
    path.write_bytes(data)
    with pytest.raises(KorqgError, match=r"memo.docx is damaged"):
        read_document(path)


def test_unknown_compression_is_named(docx):
    path = docx(_word("글이다."))
    data = bytearray(path.read_bytes())
    data[data.find(b"PK\1\2") + 10] = 77
    path.write_bytes(data)
    with pytest.raises(KorqgError, match=r"memo.docx is damaged, incomplete or no .docx file"):
        read_document(path)


def test_broken_xml_and_missing_parts_are_named(docx, tmp_path):
    with pytest.raises(KorqgError, match=r"memo.docx is damaged"):
        read_document(docx("<w:p>"))
    for suffix, part in ((".docx", "word/document.xml"), (".hwpx", "Contents/section0.xml")):
        with pytest.raises(KorqgError, match=rf"other{suffix} holds no {part}"):
            read_document(_zip(tmp_path / f"other{suffix}", {"readme.txt": "글"}))


# PDF


def make_pdf(pages: list[list[tuple]], trailer: bytes = b"") -> bytes:
    """A PDF of pages of (x, y, size, text), in a font whose signs are all as wide as they are high."""
    signs = sorted({sign for page in pages for *_, text in page for sign in text})
    map_lines = "".join(f"1 beginbfchar <{ord(sign):04x}> <{ord(sign):04x}> endbfchar\n" for sign in signs)
    character_map = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Own def /CMapType 2 def\n"
        f"1 begincodespacerange <0000> <ffff> endcodespacerange\n{map_lines}endcmap end end"
    ).encode()

    def stream(content: bytes) -> bytes:
        return b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content)

    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"",
        b"<< /Type /Font /Subtype /Type0 /BaseFont /Own /Encoding /Identity-H /DescendantFonts [4 0 R] "
        + (b"/ToUnicode 6 0 R >>" if signs else b">>"),
        b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Own /FontDescriptor 5 0 R /DW 1000 "
        b"/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> >>",
        b"<< /Type /FontDescriptor /FontName /Own /Flags 4 /FontBBox [0 -200 1000 800] /ItalicAngle 0 /Ascent 800 "
        b"/Descent -200 /CapHeight 700 /StemV 80 >>",
        stream(character_map),
    ]
    kids = []
    for page in pages:
        content = "".join(
            f"BT /F1 {size} Tf {x} {y} Td <{text.encode('utf-16-be').hex()}> Tj ET\n" for x, y, size, text in page
        )
        kids.append(b"%d 0 R" % (len(objects) + 1))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> "
            b"/Contents %d 0 R >>" % (len(objects) + 2)
        )
        objects.append(stream(content.encode()))
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(kids), b" ".join(kids))
    file, places = io.BytesIO(b"%PDF-1.7\n"), []
    file.seek(0, io.SEEK_END)
    for number, content in enumerate(objects, start=1):
        places.append(file.tell())
        file.write(b"%d 0 obj\n%s\nendobj\n" % (number, content))
    start = file.tell()
    file.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    file.write(b"".join(b"%010d 00000 n \n" % place for place in places))
    file.write(b"trailer\n<< /Size %d /Root 1 0 R %s >>\n" % (len(objects) + 1, trailer))
    file.write(b"startxref\n%d\n%%%%EOF\n" % start)
    return file.getvalue()


def _page(*lines: str, top=740, step=16) -> list[tuple]:
    return [(70, top - step * number, 10, line) for number, line in enumerate(lines) if line]


def _pdf_texts(tmp_path, *pages) -> list[str]:
    (tmp_path / "memo.pdf").write_bytes(make_pdf(list(pages)))
    return [block.text for block in pdf.read_pdf(tmp_path / "memo.pdf")]


def test_pdf_lines_become_paragraphs_again(tmp_path):
    # 24 signs fill a line: the third stops early, so the fourth begins a paragraph.
    texts = _pdf_texts(
        tmp_path,
        _page(
            "강가의 작은 도서관은 아침마다 문을 여는데, 아이",
            "들이 가장 먼저 찾아와서 창가에 앉아 책을 읽는다.",
            "저녁에는 어른들이 온다.",
            "여름이 되면 마당에서 책을 읽는 모임이 열린다. 모",
            "임은 밤까지 이어진다.",
        ),
    )
    assert texts == [
        "강가의 작은 도서관은 아침마다 문을 여는데, 아이들이 가장 먼저 찾아와서 창가에 앉아 책을 읽는다. "
        "저녁에는 어른들이 온다.",
        "여름이 되면 마당에서 책을 읽는 모임이 열린다. 모임은 밤까지 이어진다.",
    ]


def test_pdf_with_blanks_at_line_ends_needs_no_guess(tmp_path):
    # "큰집" and "큰 집" are both words: the blank at the end of other lines says that none stood here.
    texts = _pdf_texts(
        tmp_path, _page("마을 어귀에 서 있는 큰", "집은 오래되었지만 아직 ", "튼튼해서 사람이 산다. ", "그곳에 간다.")
    )
    assert texts[0].startswith("마을 어귀에 서 있는 큰집은 오래되었지만 아직 튼튼해서")


def test_pdf_hyphens_and_numbers_are_joined(tmp_path):
    texts = _pdf_texts(tmp_path, _page("이 글에는 inter-", "national 회의가 19", "96년에 열렸다고 한다."))
    assert texts == ["이 글에는 international 회의가 1996년에 열렸다고 한다."]


def test_pdf_size_gap_and_list_items_begin_a_paragraph(tmp_path):
    # Every line ends at the same place, so that none stops early.
    page = [
        (70, 760, 20, "아주큰글씨의줄"),
        (70, 740, 10, "첫 문단은 글이 한 줄뿐임"),
        (70, 716, 10, "아래로 벌어진 곳의 문단"),
        (70, 700, 10, "• 점이 있는 줄의 글이다"),
        (70, 684, 10, "• 점이 또 있는 줄의 글이"),
        (70, 668, 10, "2. 3일에 적은 글이라 하"),
        (70, 652, 10, "다. 앞말의 꼬리도 여기."),
        (70, 636, 10, "2. 둘째 번호의 글 하나."),
    ]
    page = [(220 - size * len(line), y, size, line) for _, y, size, line in page]
    assert _pdf_texts(tmp_path, page) == [
        "아주큰글씨의줄",
        "첫 문단은 글이 한 줄뿐임",
        "아래로 벌어진 곳의 문단",
        "• 점이 있는 줄의 글이다",
        "• 점이 또 있는 줄의 글이 2. 3일에 적은 글이라 하다. 앞말의 꼬리도 여기.",
        "2. 둘째 번호의 글 하나.",
    ]


def test_pdf_running_heads_and_page_numbers_are_left_out(tmp_path):
    pages = [
        [(70, 810, 8, "우리 고장 안내서"), *_page(f"{word} 쪽의 글은 여기에 있다."), (290, 30, 8, f"- {number} -")]
        for number, word in enumerate(("첫째", "둘째", "셋째"), start=1)
    ]
    (tmp_path / "memo.pdf").write_bytes(make_pdf(pages))
    blocks = pdf.read_pdf(tmp_path / "memo.pdf")
    assert [(block.text, block.page) for block in blocks] == [
        ("첫째 쪽의 글은 여기에 있다.", 1),
        ("둘째 쪽의 글은 여기에 있다.", 2),
        ("셋째 쪽의 글은 여기에 있다.", 3),
    ]


def test_pdf_sentence_goes_on_over_a_page(tmp_path):
    texts = _pdf_texts(tmp_path, _page("이 문장은 앞 쪽에서 시작하여 다음"), _page("쪽에서 끝난다."))
    assert texts == ["이 문장은 앞 쪽에서 시작하여 다음 쪽에서 끝난다."]


def test_scanned_pdf_asks_for_character_recognition(tmp_path):
    (tmp_path / "scan.pdf").write_bytes(make_pdf([[], []]))
    with pytest.raises(KorqgError, match=r"scan.pdf holds no text that can be read.*OCR"):
        read_document(tmp_path / "scan.pdf")


def test_pdf_without_a_character_map_is_refused(tmp_path):
    (tmp_path / "memo.pdf").write_bytes(make_pdf([_page("\ue123\ue124\ue125 글 \ue126")]))
    with pytest.raises(KorqgError, match=r"memo.pdf: its fonts do not say which characters they show"):
        read_document(tmp_path / "memo.pdf")


def test_protected_and_damaged_pdf_are_told_apart(tmp_path):
    # Owner and user entries that no password fits.
    trailer = b"/Encrypt << /Filter /Standard /V 1 /R 2 /O <%s> /U <%s> /P -4 >> /ID [<00> <00>]" % (
        b"11" * 32,
        b"22" * 32,
    )
    (tmp_path / "locked.pdf").write_bytes(make_pdf([_page("글이다.")], trailer))
    with pytest.raises(KorqgError, match=r"locked.pdf is protected by a password"):
        read_document(tmp_path / "locked.pdf")
    whole = make_pdf([_page("글이다.")])
    for share in (0.2, 0.6, 0.9):
        (tmp_path / "half.pdf").write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(KorqgError, match=r"half.pdf is damaged, incomplete or no .pdf file"):
            read_document(tmp_path / "half.pdf")


def test_pdf_of_too_many_pages_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(pdf, "MOST_PAGES", 1)
    (tmp_path / "memo.pdf").write_bytes(make_pdf([_page("글이다."), _page("글이다.")]))
    with pytest.raises(KorqgError, match=r"memo.pdf has 2 pages, more than 1"):
        read_document(tmp_path / "memo.pdf")
