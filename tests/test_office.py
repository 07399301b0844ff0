"""What Word and Hangul documents show, hide and number."""

import pytest
from made_files import hangul, hangul_table, t, word, word_table, write_docx, write_hwpx

from korqg.data.documents.chunks import read_document
from korqg.data.documents.numbering import number_text


def _word(tmp_path, body: str, **parts) -> tuple[str, ...]:
    sections = read_document(write_docx(tmp_path / "a.docx", body, **parts))[1]
    return tuple(paragraph for section in sections for paragraph in section.paragraphs)


def _hangul(tmp_path, body: str, header: str = "") -> tuple[str, ...]:
    sections = read_document(write_hwpx(tmp_path / "a.hwpx", body, header))[1]
    return tuple(paragraph for section in sections for paragraph in section.paragraphs)


def _run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


# Struck, hidden, empty


@pytest.mark.parametrize("mark", ["<w:strike/>", "<w:dstrike/>", "<w:vanish/>", '<w:rStyle w:val="gone"/>'])
def test_word_struck_and_hidden_runs_go(tmp_path, mark):
    styles = '<w:style w:styleId="gone"><w:rPr><w:vanish/></w:rPr></w:style>'
    body = f"<w:p>{_run('값은 ')}{_run('천 원', mark)}{_run('이천 원이다.')}</w:p>"
    assert _word(tmp_path, body, styles=styles) == ("값은 이천 원이다.",)


def test_word_mark_that_is_turned_off_hides_nothing(tmp_path):
    styles = '<w:style w:styleId="gone"><w:rPr><w:vanish/></w:rPr></w:style>'
    marks = ('<w:strike w:val="0"/>', '<w:vanish w:val="false"/>', '<w:rStyle w:val="gone"/><w:vanish w:val="0"/>')
    for mark in marks:
        assert _word(tmp_path, word("값은 이천 원이다.", run=mark), styles=styles) == ("값은 이천 원이다.",)


def test_word_guides_of_empty_fields_and_deleted_rows_go(tmp_path):
    guide = "<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>{}</w:sdtContent></w:sdt>"
    body = (
        guide.format(word("여기에 목적을 쓰십시오."))
        + f"<w:p>{_run('기간: ')}{guide.format(_run('날짜를 고르십시오.'))}</w:p>"
    )
    rows = word_table([word("쌀"), word("삼천 원")], [word("보리"), word("이천 원")])
    rows = rows.replace("<w:tr>", "<w:tr><w:trPr><w:del/></w:trPr>", 1)
    assert _word(tmp_path, body + rows) == ("기간:", "보리 | 이천 원")


def test_word_form_fields_show_their_values(tmp_path):
    entries = '<w:listEntry w:val="봄"/><w:listEntry w:val="가을"/>'
    body = (
        f'<w:p>{_run("때: ")}<w:r><w:fldChar><w:ffData><w:ddList><w:result w:val="1"/>{entries}</w:ddList></w:ffData>'
        f"</w:fldChar></w:r>{_run(' 동의 ')}<w:r><w:fldChar><w:ffData><w:checkBox><w:checked/></w:checkBox></w:ffData>"
        "</w:fldChar></w:r></w:p>"
    )
    assert _word(tmp_path, body) == ("때: 가을 동의 ☑",)


def test_hangul_struck_text_and_guides_go(tmp_path):
    header = '<hh:charPr id="0"/><hh:charPr id="5"><hh:strikeout shape="SOLID"/></hh:charPr>'
    header += '<hh:charPr id="6"><hh:strikeout shape="NONE"/></hh:charPr>'
    struck = (
        '<hp:run charPrIDRef="5"><hp:t>천 원</hp:t></hp:run><hp:run charPrIDRef="6"><hp:t>이천 원이다.</hp:t></hp:run>'
    )
    field = (
        '<hp:ctrl><hp:fieldBegin type="CLICK_HERE"><hp:parameters>'
        '<hp:stringParam name="Direction">여기를 누르세요</hp:stringParam>'
        "</hp:parameters></hp:fieldBegin></hp:ctrl><hp:t>{}</hp:t><hp:ctrl><hp:fieldEnd/></hp:ctrl>"
    )
    body = hangul(t("값은 ")).replace("</hp:p>", f"{struck}</hp:p>")
    body += hangul(t("이름: ") + field.format("여기를 누르세요")) + hangul(t("때: ") + field.format("봄"))
    assert _hangul(tmp_path, body, header) == ("값은 이천 원이다.", "이름:", "때: 봄")


# In the line


def test_hangul_readings_joined_signs_equations_and_forms_stay_in_the_line(tmp_path):
    body = hangul(
        t("방아의 "), "<hp:dutmal><hp:mainText>공이</hp:mainText><hp:subText>杵</hp:subText></hp:dutmal>", t("와 "),
        '<hp:compose composeText="①"/>', t(" 확의 넓이는 "),
        "<hp:equation><hp:script>a over b</hp:script></hp:equation>",
        t("이다."),
    )  # fmt: skip
    form = hangul(
        t("동의"), '<hp:checkBtn caption="예" value="CHECKED"/>', '<hp:checkBtn caption="아니오" value="UNCHECKED"/>'
    )
    assert _hangul(tmp_path, body + form) == ("방아의 공이와 ① 확의 넓이는 a over b 이다.", "동의 ☑ 예 ☐ 아니오")


@pytest.mark.parametrize(
    ("lines", "read"),
    [
        (["물은 골짜기에서 내려와 마을의", "방아를 돌린다."], ("물은 골짜기에서 내려와 마을의 방아를 돌린다.",)),
        (["물은 골짜기에서 내려온다.", "방아를 돌린다."], ("물은 골짜기에서 내려온다.", "방아를 돌린다.")),
        (["준비물", "물통"], ("준비물", "물통")),
        (["등대는 바다를 건너온 배가 처음", "만나는 불빛이다."], ("등대는 바다를 건너온 배가 처음 만나는 불빛이다.",)),
        (["일시: 3월 2일", "장소: 회관 2층"], ("일시: 3월 2일", "장소: 회관 2층")),
        (["준비물은 다음과 같으며", "- 물통", "- 수건"], ("준비물은 다음과 같으며", "- 물통", "- 수건")),
    ],
)
def test_soft_line_breaks_do_not_cut_sentences(tmp_path, lines, read):
    assert _hangul(tmp_path, hangul(t("<hp:lineBreak/>".join(lines)))) == read
    breaks = "<w:br/>".join(f"<w:t>{line}</w:t>" for line in lines)
    assert _word(tmp_path, f"<w:p><w:r>{breaks}</w:r></w:p>") == read


@pytest.mark.parametrize("raised", ["3)", "12", "*", "주1)", "[2]"])
def test_raised_signs_of_notes_go(tmp_path, raised):
    read = "상을 받았다."
    mark = _run(raised, '<w:vertAlign w:val="superscript"/>')
    assert _word(tmp_path, f"<w:p>{_run('상')}{mark}{_run('을 받았다.')}</w:p>") == (read,)
    header = '<hh:charPr id="9"><hh:supscript/></hh:charPr>'
    note = f'<hp:run charPrIDRef="9"><hp:t>{raised}</hp:t></hp:run>'
    body = hangul(t("상"), t("을 받았다.")).replace("</hp:run>", f"</hp:run>{note}", 1)
    assert _hangul(tmp_path, body, header) == (read,)


def test_word_equations_keep_their_powers_and_fractions(tmp_path):
    math = "http://schemas.openxmlformats.org/officeDocument/2006/math"
    power = "<m:sSup><m:e><m:r><m:t>πr</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup>"
    half = "<m:f><m:num><m:r><m:t>a</m:t></m:r></m:num><m:den><m:r><m:t>2</m:t></m:r></m:den></m:f>"
    body = f'<w:p xmlns:m="{math}">{_run("넓이는 ")}<m:oMath>{power}{half}</m:oMath>{_run("이다.")}</w:p>'
    assert _word(tmp_path, body) == ("넓이는 πr^2(a)/(2)이다.",)


def test_raised_numbers_of_units_stay(tmp_path):
    mark = _run("2", '<w:vertAlign w:val="superscript"/>')
    assert _word(tmp_path, f"<w:p>{_run('넓이는 640m')}{mark}{_run('이다.')}</w:p>") == ("넓이는 640m2이다.",)


@pytest.mark.parametrize(
    ("before", "pieces", "mark", "read"),
    [
        ("10", ["6"], "super", "10⁶"),
        ("10", ["−", "12"], "super", "10⁻¹²"),
        ("10", ["0.5 "], "super", "10⁰·⁵"),
        ("2026", ["1,2"], "super", "2026¹,²"),
        ("1011", ["2"], "sub", "1011₂"),
        ("CO", ["2"], "sub", "CO2"),
        ("2", ["nd"], "super", "2nd"),
        ("2026", ["3)"], "super", "2026"),
    ],
)
def test_raised_and_lowered_figures_make_no_other_number(tmp_path, before, pieces, mark, read):
    small = "".join(_run(piece, f'<w:vertAlign w:val="{mark}script"/>') for piece in pieces)
    assert _word(tmp_path, f"<w:p>{_run('값은 ' + before)}{small}{_run('이다.')}</w:p>") == (
        f"값은 {read}{' ' * pieces[-1].endswith(' ')}이다.",
    )
    header = f'<hh:charPr id="9"><hh:{mark.replace("super", "sup")}script/></hh:charPr>'
    small = "".join(f'<hp:run charPrIDRef="9"><hp:t>{piece}</hp:t></hp:run>' for piece in pieces)
    body = hangul(t(f"값은 {before}"), t("이다.")).replace("</hp:run>", f"</hp:run>{small}", 1)
    assert _hangul(tmp_path, body, header) == (f"값은 {read}{' ' * pieces[-1].endswith(' ')}이다.",)


@pytest.mark.parametrize(
    ("font", "code", "sign"),
    [("Symbol", "F0B1", "±"), ("Symbol", "00b3", "≥"), ("Wingdings", "F0FE", "☑"), ("Webdings", "F0B1", "")],
)
def test_word_signs_of_symbol_fonts(tmp_path, font, code, sign):
    inside = f'<w:r><w:sym w:font="{font}" w:char="{code}"/></w:r>'
    assert _word(tmp_path, f"<w:p>{_run('물')}{inside}{_run('불')}</w:p>") == (f"물{sign}불",)


def test_private_signs_go(tmp_path):
    body = hangul(t("\uf0a7 물은 맑다.")) + hangul(t("\U000f02b2 샘은 깊다.")) + hangul(t("\U000f0853" * 30))
    assert _hangul(tmp_path, body) == ("물은 맑다.", "샘은 깊다.")


# Numbers


def test_word_numbers_stand_before_their_paragraphs(tmp_path):
    numbering = (
        '<w:abstractNum w:abstractNumId="3"><w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/>'
        '<w:lvlText w:val="제%1장"/></w:lvl><w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="ganada"/>'
        '<w:lvlText w:val="%2."/></w:lvl><w:lvl w:ilvl="2"><w:start w:val="1"/><w:numFmt w:val="decimal"/>'
        '<w:lvlText w:val="%1.%3"/></w:lvl></w:abstractNum>'
        '<w:abstractNum w:abstractNumId="4"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/>'
        '<w:lvlText w:val="\uf0b7"/></w:lvl>'
        '</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="3"/></w:num>'
        '<w:num w:numId="2"><w:abstractNumId w:val="4"/></w:num>'
    )
    styles = '<w:style w:styleId="a"><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>'

    def listed(text, level, number=1):
        return word(text, f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>')

    body = (
        word("물길", '<w:pStyle w:val="a"/>') + listed("샘", 1) + listed("도랑", 1) + listed("깊이", 2)
        + word("방아", '<w:pStyle w:val="a"/>') + listed("공이", 1) + listed("점이 있는 글", 0, 2) + listed("글", 0, 0)
    )  # fmt: skip
    assert _word(tmp_path, body, styles=styles, numbering=numbering) == (
        "제1장 물길", "가. 샘", "나. 도랑", "1.1 깊이", "제2장 방아", "가. 공이", "점이 있는 글", "글",
    )  # fmt: skip


def _list(*levels: str, more: str = "") -> str:
    """A list 1 of Word, from the XML that its levels add."""
    inside = "".join(
        f'<w:lvl w:ilvl="{depth}"><w:start w:val="1"/>{level}</w:lvl>' for depth, level in enumerate(levels)
    )
    return (
        f'<w:abstractNum w:abstractNumId="0">{more}{inside}</w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
    )


def _item(text: str, level: int = 0, number: int = 1, mark: str = "") -> str:
    return word(text, f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr><w:rPr>{mark}</w:rPr>')


@pytest.mark.parametrize(("restart", "last"), [("", "제1조 요금"), ('<w:lvlRestart w:val="0"/>', "제2조 요금")])
def test_word_numbers_that_go_on_through_chapters(tmp_path, restart, last):
    numbering = _list('<w:lvlText w:val="제%1장"/>', f'{restart}<w:lvlText w:val="제%2조"/>')
    body = _item("총칙") + _item("목적", 1) + _item("돈") + _item("요금", 1)
    assert _word(tmp_path, body, numbering=numbering) == ("제1장 총칙", "제1조 목적", "제2장 돈", last)


def test_word_list_takes_its_levels_from_a_list_style(tmp_path):
    numbering = _list('<w:lvlText w:val="제%1조"/>', more='<w:styleLink w:val="rules"/>')
    numbering += '<w:abstractNum w:abstractNumId="1"><w:numStyleLink w:val="rules"/></w:abstractNum>'
    numbering += '<w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>'
    body = _item("물", number=2) + _item("거름", number=2)
    assert _word(tmp_path, body, numbering=numbering) == ("제1조 물", "제2조 거름")


def test_word_deleted_paragraphs_take_no_number(tmp_path):
    deleted = _item("지운 글", mark="<w:del/>").replace("<w:r>", "<w:del><w:r>").replace("</w:r>", "</w:r></w:del>")
    deleted = deleted.replace("w:t>", "w:delText>")
    body = _item("물레") + deleted + _item("가마") + deleted + word_table([word("봄"), word("천 원")]) + _item("흙")
    read = ("제1조 물레", "제2조 가마", "봄 | 천 원", "제3조 흙")
    assert _word(tmp_path, body, numbering=_list('<w:lvlText w:val="제%1조"/>')) == read


def test_word_deleted_mark_joins_paragraphs(tmp_path):
    body = _item("베틀은 ", mark="<w:del/>") + _item("참나무로 ", mark="<w:del/>") + word("짠다.") + _item("잉아")
    body = body.replace("<w:t>", '<w:t xml:space="preserve">')
    numbering = _list('<w:lvlText w:val="제%1조"/>')
    assert _word(tmp_path, body, numbering=numbering) == ("제1조 베틀은 참나무로 짠다.", "제2조 잉아")


def test_hangul_numbers_stand_before_their_paragraphs(tmp_path):
    header = (
        '<hh:numbering id="1"><hh:paraHead level="1" start="1" numFormat="DIGIT">제^1조</hh:paraHead>'
        '<hh:paraHead level="2" start="1" numFormat="CIRCLED_DIGIT">^2</hh:paraHead></hh:numbering>'
        '<hh:paraPr id="3"><hh:heading type="NUMBER" idRef="1" level="0"/></hh:paraPr>'
        '<hh:paraPr id="4"><hh:heading type="NUMBER" idRef="1" level="1"/></hh:paraPr>'
        '<hh:paraPr id="5"><hh:heading type="BULLET" idRef="1" level="0"/></hh:paraPr>'
    )
    texts = (("목적", 3), ("물을 아낀다.", 4), ("길을 고친다.", 4), ("요금", 3), ("없다.", 4), ("점", 5))
    body = "".join(hangul(t(text), shape=str(shape)) for text, shape in texts)
    assert _hangul(tmp_path, body, header) == (
        "제1조 목적", "① 물을 아낀다.", "② 길을 고친다.", "제2조 요금", "① 없다.", "점",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("ganada", "가나"),
        ("chosung", "ㄱㄴ"),
        ("upperRoman", "I II"),
        ("LATIN_SMALL", "ab"),
        ("decimalEnclosedCircle", "①②"),
    ],
)
def test_formats_of_numbers(name, numbers):
    assert [number_text(number, name) for number in (1, 2)] == (numbers.split() if " " in numbers else list(numbers))


# Tables and archives


def test_rows_under_a_joined_cell_repeat_it(tmp_path):
    def cell(text, merge=""):
        return f"<w:tc><w:tcPr>{merge}</w:tcPr>{word(text)}</w:tc>"

    first = cell("쌀", '<w:vMerge w:val="restart"/>') + cell("봄") + cell("삼천 원")
    second = cell("", "<w:vMerge/>") + cell("가을") + cell("이천 원")
    third = cell("합쳐서 오천 원이다", '<w:gridSpan w:val="3"/>')
    table = f"<w:tbl><w:tr>{first}</w:tr><w:tr>{second}</w:tr><w:tr>{third}</w:tr></w:tbl>"
    assert _word(tmp_path, table) == ("쌀 | 봄 | 삼천 원", "쌀 | 가을 | 이천 원", "합쳐서 오천 원이다")
    rows = [["쌀", "봄", "삼천 원"], ["가을", "이천 원"], ["보리", "봄", "천 원"]]
    table = hangul_table(*([hangul(t(cell)) for cell in row] for row in rows), spans={(0, 0): (2, 1)})
    assert _hangul(tmp_path, hangul(table)) == ("쌀 | 봄 | 삼천 원", "쌀 | 가을 | 이천 원", "보리 | 봄 | 천 원")


def test_head_of_two_lines_with_joined_cells_loses_no_column(tmp_path):
    def cell(text, merge=""):
        return f"<w:tc><w:tcPr>{merge}</w:tcPr>{word(text)}</w:tc>"

    wide, read = '<w:gridSpan w:val="2"/>', ("방아 | 봄 쌀 | 봄 콩", "방아: 윗방아 | 봄 콩: 4섬")
    first = cell("방아", '<w:vMerge w:val="restart"/>') + cell("봄", wide)
    second = cell("", "<w:vMerge/>") + cell("쌀") + cell("콩")
    third = cell("윗방아") + cell("") + cell("4섬")
    assert _word(tmp_path, f"<w:tbl><w:tr>{first}</w:tr><w:tr>{second}</w:tr><w:tr>{third}</w:tr></w:tbl>") == read
    rows = [["방아", "봄"], ["쌀", "콩"], ["윗방아", "", "4섬"]]
    spans = {(0, 0): (2, 1), (0, 1): (1, 2)}
    table = hangul_table(*([hangul(t(cell)) for cell in row] for row in rows), spans=spans)
    assert _hangul(tmp_path, hangul(table)) == read


def test_word_archive_with_back_slashes_and_alternatives_of_blocks(tmp_path):
    other = "http://schemas.openxmlformats.org/markup-compatibility/2006"
    body = (
        f'<mc:AlternateContent xmlns:mc="{other}"><mc:Choice>{word("물이 흐른다.")}</mc:Choice>'
        f"<mc:Fallback>{word('물이 흐른다.')}</mc:Fallback></mc:AlternateContent>"
    )
    assert _word(tmp_path, body, separator="\\") == ("물이 흐른다.",)


def test_drop_caps_go_back_to_their_word(tmp_path):
    body = word("물", '<w:framePr w:dropCap="drop" w:lines="2"/>') + word("레방아는 1931년에 섰다.")
    assert _word(tmp_path, body) == ("물레방아는 1931년에 섰다.",)
    inside = f"<hp:drawText><hp:subList>{hangul(t('물'))}</hp:subList></hp:drawText>"
    box = f'<hp:rect dropcapstyle="DoubleLine">{inside}</hp:rect>'
    assert _hangul(tmp_path, hangul(box + t("레방아는 1931년에 섰다."))) == ("물레방아는 1931년에 섰다.",)


def test_box_whose_first_row_is_marked_as_a_head_has_none(tmp_path):
    rows = [["기업명", "", "대표자의 이름과 도장, 또는 자필 서명을 여기에 적습니다"], ["전화", "02-123", "주소"]]
    table = hangul_table(*[[hangul(t(cell)) for cell in row] for row in rows]).replace("<hp:tc", '<hp:tc header="1"', 3)
    assert _hangul(tmp_path, hangul(table))[-1] == "전화 | 02-123 | 주소"
