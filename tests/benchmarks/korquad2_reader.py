"""Measure read_korquad2 on made-up archives beside a plain way to read them.

    python tests/benchmarks/korquad2_reader.py --megabytes 160
    python tests/benchmarks/korquad2_reader.py --megabytes 40 --form attributes --escaped

The archive has KorQuAD 2.1's schema and page size: Wikipedia's frame, about 90,000 characters of HTML in "context",
tables with headers and cells that span, nested lists, entities, comments, references, edit links, navigation, hidden
elements, tags inside answers. Every answer's words stand elsewhere on the page, too. `--form published` strips all
attributes but colspan and rowspan from "context", as KorQuAD 2.1 does; "attributes" leaves them in; "bare" is as
"published" with an empty "raw_html".

Each line of text begins with a code of its own (코드123호), so that it can be told where an answer was found: right is
an answer whose last code before it is the true one, or, when it has codes in it, whose first and last are. The plain
way is json.load, BeautifulSoup's text of the page, and the first place where the answer's text stands in it.
"""

import argparse
import html
import json
import random
import re
import resource
import sys
import tempfile
import time
import zipfile
from collections import Counter
from pathlib import Path

from record import arguments, print_result, result_of, write_record

NOISE = "잡음어"
MAX_TOKENS = 512
CODE = re.compile(r"코드\d+호")
_MARK = re.compile("\x02(\\d+)\x03|\x04(\\d+)\x05")

NOUNS = (
    *("다리", "시장", "학교", "창고", "나루", "언덕", "우물", "정자", "논길", "성문", "극장", "빨래터", "공원", "온실"),
    *("등대", "제방", "책방", "찻집", "마을회관", "대장간"),
)
PLACES = ("가람골", "누리터", "다온재", "라온말", "마루뜰", "바른내", "새빛들", "아람고개", "자람숲", "한결못")
VERBS = "고쳐 지었다|처음 문을 열었다|크게 넓혔다|다른 곳으로 옮겼다|기와를 새로 얹었다|주민에게 돌려주었다".split("|")


class Page:
    """One page in the making: its HTML with marks at the answers, and what is known about them."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.codes = 0
        self.answers: list[dict] = []

    def code(self) -> str:
        self.codes += 1
        return f"코드{self.codes}호"

    def value(self) -> str:
        kind = self.random.randrange(5)
        if kind == 0:
            return f"{self.random.randint(1850, 2020)}년"
        if kind == 1:
            return f"{self.random.choice(PLACES)} {self.random.choice(NOUNS)}"
        if kind == 2:
            return f'<b>{self.random.choice(PLACES)}</b> <a href="/wiki/%EA%B0%80">{self.random.choice(NOUNS)}</a>'
        if kind == 3:
            return f"{self.random.choice(NOUNS)} &amp; {self.random.choice(NOUNS)}"
        return f"{self.random.randint(2, 99)}&#160;미터 &lt;{self.random.choice(PLACES)}&gt;"

    def answer(self, kind: str, content: str) -> str:
        number = len(self.answers)
        self.answers.append({"kind": kind})
        return f"\x02{number}\x03{content}\x04{number}\x05"

    def reference(self) -> str:
        number = self.random.randint(1, 40)
        return (
            f'<sup id="cite_ref-{number}" class="reference"><a href="#cite_note-{number}">[{NOISE} {number}]</a></sup>'
            if self.random.random() < 0.5
            else f'<sup class="reference"><a href="#cite_note-{number}">[{number}]</a></sup>'
        )

    def sentence(self, value: str) -> str:
        extra = self.random.random()
        middle = f"<!-- {NOISE} -->" if extra < 0.1 else self.reference() if extra < 0.3 else ""
        return (
            f'{self.random.choice(PLACES)}의 <a href="/wiki/x" title="{NOISE}">{self.random.choice(NOUNS)}</a> '
            f"이야기에는 {value}{middle} 기록이 남아 있고, 그 뒤에 사람들이 {self.random.choice(VERBS)}."
        )

    def paragraph(self, asked: str = "") -> str:
        sentences = [self.sentence(self.value()) for _ in range(self.random.randint(2, 6))]
        if asked == "text":
            sentences.append(self.sentence(self.answer("text", self.value())))
            sentences.append(self.sentence(self.value()))
        body = f"{self.code()} {' '.join(sentences)}"
        if asked == "paragraph":
            return self.answer("paragraph", f"<p>{body}\n</p>")
        return f"<p>{body}\n</p>"

    def items(self, asked: str = "") -> str:
        parts = []
        chosen = self.random.randrange(1, 5)
        for number in range(self.random.randint(5, 9)):
            value = self.value()
            if asked == "item" and number == chosen:
                value = self.answer("list", value)
            inner = ""
            if self.random.random() < 0.3:
                inner = (
                    "\n<ul>" + "".join(f"<li>{self.code()} 속에 든 {self.value()}</li>\n" for _ in range(2)) + "</ul>"
                )
            parts.append(f"<li>{self.code()} {self.random.choice(NOUNS)}에서 나온 {value}{inner}</li>\n")
        body = f"<ul>{''.join(parts)}</ul>"
        return self.answer("list", body) if asked == "list" else body

    def table(self, asked: str = "") -> str:
        rows = [
            '<tr><th rowspan="2">번호</th><th colspan="2">자리</th><th rowspan="2">때</th></tr>\n'
            "<tr><th>마을</th><th>건물</th></tr>\n"
        ]
        chosen = self.random.randrange(2, 6)
        spanned = 0
        for number in range(self.random.randint(6, 12)):
            cells = [self.code(), self.random.choice(PLACES), self.value(), f"{self.random.randint(1900, 2020)}년"]
            if asked == "cell" and number == chosen:
                cells[2] = self.answer("table", cells[2])
            tags = ["<td>"] * 4
            if spanned:
                spanned -= 1
                cells.pop(1)
                tags.pop(1)
            elif self.random.random() < 0.2:
                tags[1] = '<td rowspan="2" style="background:#eee">'
                spanned = 1
            rows.append(
                "<tr>" + "".join(f"{tag}{cell}</td>" for tag, cell in zip(tags, cells, strict=True)) + "</tr>\n"
            )
        title = f"<caption>{self.random.choice(NOUNS)} 목록</caption>\n" if self.random.random() < 0.5 else ""
        body = f'<table class="wikitable sortable">{title}<tbody>{"".join(rows)}</tbody></table>'
        return self.answer("table", body) if asked == "table" else body

    def infobox(self) -> str:
        rows = "".join(
            f"<tr><th>{self.code()} {name}</th><td>{self.value()}<br/>{self.value()}</td></tr>\n"
            for name in ("위치", "높이", "세운 때", "쓰임")
        )
        hidden = f'<span style="display:none">({NOISE})</span>'
        return f'<table class="infobox"><tbody><tr><th colspan="2">{hidden}살펴보기</th></tr>\n{rows}</tbody></table>'

    def frame(self, body: str, title: str) -> str:
        names = "".join(f"<li><a>{NOISE} {number}</a></li>" for number in range(40))
        letters = "<ul><li><abbr>v</abbr></li><li><abbr>d</abbr></li><li><abbr>e</abbr></li></ul>"
        contents = "".join(f"<li><a><span>{number}</span> <span>{NOISE}</span></a></li>" for number in range(12))
        notes = "".join(f'<li><span class="mw-cite-backlink">↑</span> {NOISE} {number}</li>' for number in range(30))
        return (
            f'<!DOCTYPE html>\n<html class="client-nojs" lang="ko">\n<head>\n<meta charset="utf-8"/>\n'
            f'<title>{title}</title>\n<script>var a = "{NOISE} <div>";</script>\n<style>.a {{}}</style>\n\n<body>\n'
            f'<h1 id="firstHeading">{title}</h1>\n<div id="bodyContent"><div id="siteSub">{NOISE}</div>\n'
            f'<a class="mw-jump-link">둘러보기로 가기</a>\n<a class="mw-jump-link">검색하러 가기</a>\n'
            f'<div id="mw-content-text"><div class="mw-parser-output">{self.infobox()}{self.paragraph()}'
            f'<div id="toc" class="toc"><input/><div class="toctitle"><h2>목차</h2></div>\n<ul>{contents}'
            f"</ul>\n</div>\n{body}\n<h2><span></span><span>각주</span>{edit_link()}</h2>\n"
            f'<div class="reflist"><ol class="references">{notes}</ol></div>\n'
            f'<table class="navbox"><tbody><tr><th colspan="2"><div>{letters}{NOISE}</div></th></tr>'
            f"<tr><th>{NOISE}</th><td><ul>{names}</ul></td></tr></tbody></table>\n</div></div>"
            f'<div class="printfooter">원본 주소 "<a>{NOISE}</a>"</div><div id="catlinks">{NOISE}</div></div>\n'
            f'<div id="mw-navigation"><h2>둘러보기 메뉴</h2><ul>{names}</ul></div>\n'
            f'<script>x("{NOISE}")</script></body>\n</html>'
        )

    def make(self, title: str, characters: int) -> str:
        """HTML of about so many characters, with six questions in it."""
        wanted = ["text", "text", "text", "item", "cell", self.random.choice(("paragraph", "list", "table"))]
        places = sorted(self.random.sample(range(3, 60), len(wanted)))
        self.random.shuffle(wanted)
        parts, length, number = [], 0, 0
        while length < characters or wanted:
            asked = wanted.pop() if wanted and number >= places[-len(wanted)] else ""
            kind = {"text": "p", "paragraph": "p", "item": "l", "list": "l", "cell": "t", "table": "t"}.get(asked)
            kind = kind or self.random.choice("pppplt")
            if self.random.random() < 0.25:
                level = self.random.choice("223")
                parts.append(
                    f'<h{level}><span></span><span class="mw-headline">{self.random.choice(NOUNS)} 이야기</span>'
                    f"{edit_link()}</h{level}>\n"
                )
            make = {"p": self.paragraph, "l": self.items, "t": self.table}[kind]
            parts.append(make(asked) + "\n")
            length += len(parts[-1])
            number += 1
        return self.frame("".join(parts), title)


def edit_link() -> str:
    return (
        '<span class="mw-editsection"><span class="mw-editsection-bracket">[</span><a href="/w/?action=edit">'
        '편집</a><span class="mw-editsection-bracket">]</span></span>'
    )


def without_attributes(page: str) -> str:
    """HTML as KorQuAD 2.1 has it under "context": no attributes but spans, no scripts, no comments."""
    page = re.sub(r"<(script|style)\b.*?</\1>|<!--.*?-->", "", page, flags=re.DOTALL)
    return re.sub(
        r"<(\w+)\s([^<>]*)>",
        lambda tag: "<" + " ".join([tag[1], *re.findall(r'(?:colspan|rowspan)="\d+"', tag[2])]) + ">",
        page,
    )


def take_marks(page: str) -> tuple[str, dict[int, tuple[int, str]]]:
    """The HTML without marks, and each answer's place and source text."""
    parts, places, length, done = [], {}, 0, 0
    for mark in _MARK.finditer(page):
        parts.append(page[done : mark.start()])
        length += mark.start() - done
        done = mark.end()
        number = int(mark[1] or mark[2])
        places.setdefault(number, []).append(length)
    whole = "".join([*parts, page[done:]])
    return whole, {number: (begin, whole[begin:end]) for number, (begin, end) in places.items()}


def make_record(number: int, form: str, characters: int) -> tuple[dict, dict]:
    """A page in KorQuAD 2's schema, and for each question its kind, the answer as read and the codes that say where."""
    maker = Page(number)
    title = f"{maker.random.choice(PLACES)} {number}"
    marked = maker.make(title, characters)
    raw, raw_places = take_marks(marked)
    context, places = take_marks(marked if form == "attributes" else without_attributes(marked))
    qas, truth = [], {}
    for order, (place, text) in places.items():
        name = f"{number}-{order}"
        read = " ".join(html.unescape(re.sub(r"<sup\b.*?</sup>|<!--.*?-->|<[^<>]*>", "", text)).split())
        inside = CODE.findall(read)
        before = CODE.findall(context[:place])
        kind = maker.answers[order]["kind"]
        truth[name] = {"kind": kind, "text": read, "codes": inside or before[-1:], "whole": bool(inside)}
        if not inside and maker.random.random() < 0.3:
            text = read  # now and then the text is given as it is read
        qas.append(
            {
                "id": name,
                "question": f"{title}의 {order + 1}번째 기록은 무엇인가?",
                "answer": {
                    "text": text,
                    "answer_start": place,
                    "html_answer_start": raw_places[order][0],
                    "html_answer_text": raw_places[order][1],
                },
            }
        )
    raw = "" if form == "bare" else raw
    return {"title": title, "url": "", "context": context, "raw_html": raw, "qas": qas}, truth


def write_archive(folder: Path, megabytes: float, form: str, escaped: bool, characters: int) -> tuple[Path, dict, int]:
    """A zip archive with a JSON member of so many megabytes, the truth about its questions, and the member's bytes."""
    truth, size, number = {}, 0, 0
    path = folder / "korquad2.1_made_up_00.json"
    with open(path, "w", encoding="utf-8") as file:
        file.write('{"version": "made up", "data": [')
        while size < megabytes * 1e6:
            record, known = make_record(number, form, characters)
            truth.update(known)
            text = (", " if number else "") + json.dumps(record, ensure_ascii=escaped)
            size += len(text.encode())
            file.write(text)
            number += 1
        file.write("]}")
    archive = folder / "KorQuAD_2.1_made_up_00.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        target.write(path, path.name)
    size = path.stat().st_size
    path.unlink()
    return archive, truth, size


def is_right(known: dict, text: str, start: int, answer: str) -> bool:
    """Whether the answer at `start` of `text` is the one that the generator meant."""
    inside = CODE.findall(answer)
    if known["whole"]:
        return bool(inside) and (inside[0], inside[-1]) == (known["codes"][0], known["codes"][-1])
    said = "".join(answer.split()) == "".join(known["text"].split())
    return said and CODE.findall(text[:start])[-1:] == known["codes"]


def run_reader(archive: Path, truth: dict) -> dict:
    """What read_korquad2 finds, and in how much memory; ValueError for a passage that is too large."""
    from korqg.data.korquad2.passages import read_korquad2

    corpus = read_korquad2(archive, MAX_TOKENS, count_characters, max_dropped_fraction=1, long_answers="keep")
    right: Counter = Counter()
    for passage in corpus.passages:
        if count_characters(passage.text) > MAX_TOKENS:
            raise ValueError(f"{passage.title}: a passage is larger than {MAX_TOKENS} tokens")
        for question in passage.questions:
            exact = passage.text.startswith(question.answer, question.answer_start)
            known = truth[question.id]
            right[known["kind"]] += exact and is_right(known, passage.text, question.answer_start, question.answer)
    return found(right, truth)


def run_plain(archive: Path, truth: dict, backend: str) -> dict:
    """The same for json.load, BeautifulSoup and str.find."""
    from bs4 import BeautifulSoup

    with zipfile.ZipFile(archive) as opened, opened.open(opened.namelist()[0]) as file:
        pages = json.load(file)["data"]
    right: Counter = Counter()
    for page in pages:
        text = " ".join(BeautifulSoup(page["context"], backend).get_text().split())
        for qa in page["qas"]:
            answer = " ".join(BeautifulSoup(qa["answer"]["text"], backend).get_text().split())
            start = text.find(answer)
            known = truth[qa["id"]]
            right[known["kind"]] += start >= 0 and is_right(known, text, start, answer)
    return found(right, truth)


def found(right: Counter, truth: dict) -> dict:
    """Peak memory of this process, and how many answers of each kind were found where they are."""
    kinds = Counter(known["kind"] for known in truth.values())
    located = ", ".join(f"{kind} {right[kind]:,} of {n:,}" for kind, n in sorted(kinds.items()))
    peak = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return {"peak_mb": peak, "located": located}


def count_characters(text: str) -> int:
    """A cheap stand-in for a tokenizer: Gemma makes about a token of 1.7 Korean characters."""
    return round(len(text) / 1.7)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--megabytes", type=float, default=40, help="size of the JSON member (KorQuAD 2.1: 160)")
    parser.add_argument("--form", choices=("published", "attributes", "bare"), default="published")
    parser.add_argument("--escaped", action="store_true", help="write Hangul as \\uXXXX")
    parser.add_argument(
        "--plain", nargs="*", default=["lxml", "html.parser"], help="BeautifulSoup's backends to compare with"
    )
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        archive = next(Path(options.folder).glob("*.zip"))
        truth = json.loads((Path(options.folder) / "truth.json").read_text(encoding="utf-8"))
        plain = options.part != "read_korquad2"
        print_result(run_plain(archive, truth, options.part) if plain else run_reader(archive, truth))
        return
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        _, truth, size = write_archive(Path(folder), options.megabytes, options.form, options.escaped, 88_000)
        (Path(folder) / "truth.json").write_text(json.dumps(truth, ensure_ascii=False), encoding="utf-8")
        # Each in a process of its own, so that each has its own peak memory.
        for part in ("read_korquad2", *options.plain):
            started = time.perf_counter()
            result = result_of([sys.executable, __file__, "--part", part, "--folder", folder])
            rate = round(size / 1e6 / (time.perf_counter() - started), 1)  # Python's start counted
            figures.append({"what": f"{options.megabytes:g} MB, {part}", "mb_per_s": rate} | result)
    settings = {"form": options.form, "escaped": options.escaped, "tokens of a passage, at most (stand-in)": MAX_TOKENS}
    write_record(__file__, options, figures, n=1, settings=settings)


if __name__ == "__main__":
    main()
