"""Tables for the notebook and the side-by-side page. All text is escaped where it enters HTML."""

import base64
import hashlib
import html
from collections.abc import Iterable
from pathlib import Path

from korqg.ask.checks import AGREED, agreement
from korqg.compare.examples import Card, is_good, verdict
from korqg.compare.fonts import embedded_font
from korqg.compare.scores import FORM, LIKENESS, copied_stretches
from korqg.markup import _LEFT, escape, table
from korqg.prompts import passage_of
from korqg.question import is_single_question

LABELS = {
    "single_question_rate": "Single question · 질문 하나 (%)",
    "stop_rate": "Stopped · 제때 끝남 (%)",
    "comes_back_rate": "Answer comes back · 정답이 되돌아옴 (%)",
    "copy_rate": "Copied · 베낌 (%)",
    "distinct_rate": "Distinct · 서로 다름 (%)",
    "length": "Length · 글자 수",
    "rouge_l": "ROUGE-L",
    "bleu_4": "BLEU-4",
    "chrf": "chrF",
    "rouge_l_morphemes": "ROUGE-L, morphemes · 형태소",
    "bleu_4_morphemes": "BLEU-4, morphemes · 형태소",
}
REFERENCES = {
    "human": "a human question against the others · 사람의 질문",
    "rule": "a rule without any model · 모델 없는 규칙",
    "first_sentence": "the first sentence copied · 베낀 첫 문장",
    "random_question": "a question from elsewhere · 다른 글의 질문",
}
STAGES = {"before": "before · 학습 전", "after": "after · 학습 후"}
LONGEST_SHOWN = 2_000
"""Characters of an output that a card shows."""

# What is copied is told from an answer's <mark> by its colour, and where styles are dropped by its line.
_COPIED = ('<u style="background: #0072b240">', "</u>")
_HERE = Path(__file__).parent


def percent(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """A fraction of 1 as a figure of 100, with its interval behind it where there is one; "-" for None."""
    return _figure_text(value, low, high, 100)


def _figure_text(value: float | None, low: float | None, high: float | None, scale: int, sign: str = "") -> str:
    if value is None:
        return "-"
    shown = f"{scale * value:{sign}.1f}"
    return shown if low is None else f"{shown} ({scale * low:{sign}.1f} to {scale * high:{sign}.1f})"


def figure_rows(metrics: dict, names: Iterable[str] = FORM) -> list[dict[str, str]]:
    """The named figures of metrics.json as table rows: reference texts first, then each run before and after.

    What was set apart, because it is about other paragraphs, follows under its group's name.
    """
    names = list(names)
    rows = []
    for prefix, group in _groups(metrics):
        rows += [
            _figures(prefix + REFERENCES[name], group["reference"][name], names)
            for name in REFERENCES
            if group["reference"].get(name)
        ]
        for run, stages in group["runs"].items():
            rows += [_figures(f"{prefix}{run}, {words}", stages[stage], names) for stage, words in STAGES.items()]
    return rows


def change_rows(metrics: dict, names: Iterable[str] = (*FORM[:5], *LIKENESS)) -> list[dict[str, str]]:
    """The paired differences as table rows, in points of 100: after minus before, and run minus first run."""
    names = list(names)
    rows = []
    for prefix, group in _groups(metrics):
        for run, stages in group["runs"].items():
            name = f"{prefix}{run}: after minus before · 학습 후 - 전"
            rows.append(_figures(name, stages["change"], names, sign="+"))
        for pair, difference in group["between"].items():
            rows.append(_figures(f"{prefix}{pair}, {STAGES['after']}", difference, names, sign="+"))
    return rows


def kind_rows(metrics: dict) -> list[dict[str, str]]:
    """The share of each kind of question, in %, of the references and of each run's single questions."""
    rows = []
    for prefix, group in _groups(metrics):
        kinds = {prefix + "the references · 기준 질문": group["reference_kinds"]}
        kinds |= {f"{prefix}{run}, {STAGES['after']}": of["after"]["kinds"] for run, of in group["runs"].items()}
        rows += [{"": name, **{kind: percent(share) for kind, share in of.items()}} for name, of in kinds.items()]
    return rows


def _groups(metrics: dict) -> list[tuple[str, dict]]:
    """The main group without a name, then each that was set apart with its own in front."""
    return [("", metrics), *((f"[{name}] ", group) for name, group in metrics.get("apart", {}).items())]


def _figures(name: str, summary: dict, names: Iterable[str], sign: str = "") -> dict[str, str]:
    row = {"": name, "n": str(summary["n"])}
    for metric in names:
        scale = 1 if metric == "length" else 100
        bounds = (summary[metric], summary[f"{metric}_low"], summary[f"{metric}_high"])
        row[LABELS[metric]] = _figure_text(*bounds, scale, sign)
    return row


def passage_card(pairs: Card) -> str:
    """One paragraph, and what was asked about it: a person's question and each run's outputs, beside each other.

    `pairs` maps a run's name to its two outputs (see korqg.compare.finished_runs.Run). Answers are marked in
    the paragraph; what an output copies from it is underlined. Readable without any style.
    """
    cells = _cells(pairs)
    passage = f'<tr><td colspan="{len(cells)}"{_LEFT}>{_passage([pairs])}</td></tr>'
    return f'<h3>{escape(_first(pairs)["title"])}</h3>\n<table border="1">{passage}{_row(cells)}</table>'


def _first(pairs: Card) -> dict:
    return next(iter(pairs.values()))[0]


def _row(cells: list[str]) -> str:
    return f"<tr>{''.join(f'<td{_LEFT}>{cell}</td>' for cell in cells)}</tr>"


def _passage(cards: list[Card]) -> str:
    """The paragraph of these cards, with every answer marked that is asked for or that a reference is about."""
    passage, spans = passage_of(_first(cards[0])), []
    for one in map(_first, cards):
        spans += [tuple(one["answer_place"])] if one.get("answer_place") else []
        spans += [(passage.find(answer), passage.find(answer) + len(answer)) for answer in one["answers"]]
    return f'<span class="passage">{_marked(passage, (span for span in spans if span[0] >= 0))}</span>'


def _cells(pairs: Card) -> list[str]:
    """What was asked for with a person's question, each run's outputs, and the rule's question."""
    first = _first(pairs)
    asked = [_labelled("Answer asked for · 물어볼 정답", escape(first["answer"]))] if first.get("answer") else []
    if first["references"]:
        asked.append(_labelled("A person asks · 사람의 질문", "<br>".join(map(escape, first["references"]))))
    cells = ["<br>".join(asked)] if asked else []
    for place, (run, (before, after)) in enumerate(pairs.items()):
        named = "" if len(pairs) == 1 else f" ({run})"
        if place == 0 or before["model_output"] != first["model_output"]:
            cells.append(_output(f"Before · 학습 전{named}", before))
        cells.append(_output(f"After · 학습 후{named}", after))
    rule = next((after["rule_question"] for _, after in pairs.values() if after.get("rule_question")), "")
    return [*cells, _labelled("The rule · 규칙", escape(rule))] if rule else cells


def _labelled(label: str, content: str) -> str:
    return f"<strong>{escape(label)}</strong><br>{content}"


def _output(label: str, output: dict) -> str:
    text, came = output["model_output"], output.get("read_answer")
    passed = is_single_question(text)
    back = came is not None and agreement(came, output.get("answer") or "") >= AGREED
    kind, sign = ("yes", "✓") if is_good(output) else ("no", "✗")
    form = "a single question · 질문 하나" if passed else "not a single question · 질문 하나가 아님"
    remarks = [] if passed and kind == "no" else [form]
    if output["stopped"] is False:
        remarks.append("did not stop · 끝나지 않음")
    if came is not None:
        words = "the marked answer came back · 정답이 되돌아옴" if back else "another answer came back · 다른 답이 나옴"
        remarks.append(f"{words}: {came or '(nothing · 없음)'} ({output.get('confidence', 0):.2f})")
    head = text[:LONGEST_SHOWN]
    shown = _marked(head, copied_stretches(head, passage_of(output)), _COPIED) or "(empty · 비어 있음)"
    if len(text) > LONGEST_SHOWN:
        shown += f" <small>… and {len(text) - LONGEST_SHOWN:,} characters more · 글자 더</small>"
    said = f'<small class="{kind}">{sign} {escape("; ".join(remarks))}</small>'
    return _labelled(label, f'<span class="output">{shown}</span><br>{said}')


def _marked(text: str, spans: Iterable[tuple[int, int]], tags: tuple[str, str] = ("<mark>", "</mark>")) -> str:
    """The escaped text with the spans between tags; of two that overlap, the one that begins first."""
    parts, end = [], 0
    for start, stop in sorted(spans):
        if start >= end:
            parts += [escape(text[end:start]), tags[0], escape(text[start:stop]), tags[1]]
            end = stop
    return "".join([*parts, escape(text[end:])]).replace("\n", "<br>")


def side_by_side_page(
    metrics: dict,
    sections: dict[str, list[Card]],
    about: str,
    remarks: list[str],
    pictures: dict[str, str],
    examples: dict[str, list[int]],
    recommended: list[dict] = (),
    judged: list[dict] = (),
) -> str:
    """The whole page as one HTML file: the recommended questions, the test paragraphs, and folded the figures.

    `sections` maps a heading to cards, the main group's test questions first; `pictures` a description to SVG text,
    `examples` a rule's name to places among the first section's cards; `recommended` are those of
    korqg.ask.recommend, `judged` the items of korqg.compare.judging_page; `about` and `remarks` stand above the
    figures.
    """
    from korqg.compare import judging_page

    runs = list(dict.fromkeys(run for cards in sections.values() for card in cards for run in card))
    parts, number = [], 0
    for heading, cards in sections.items():
        together: dict[tuple, list[tuple[int, Card]]] = {}
        for card in cards:
            together.setdefault((_first(card)["title"], passage_of(_first(card))), []).append((number, card))
            number += 1
        parts += [f'<section class="cards"><h2>{escape(heading)}</h2>'] if cards else []
        for (title, _), some in together.items():
            articles = [
                f'<article id="p{place}"{_card_data(card, runs)}><table>{_row(_cells(card))}</table></article>'
                for place, card in some
            ]
            parts.append(f'<div class="paragraph"><h3>{escape(title)}</h3>{_passage([card for _, card in some])}')
            parts += [*articles, "</div>"]
        parts += ["</section>"] if cards else []
    said = f"<ul>{''.join(f'<li>{escape(remark)}</li>' for remark in remarks)}</ul>" if remarks else ""
    links = {
        "recommended": "Recommended questions · 추천 질문" if recommended else "",
        "tests": "Before and after training · 학습 전과 후",
        "judge": "Judge yourself · 직접 판정하기" if judged else "",
        "figures": "Figures and plots · 지표와 그림",
    }
    body = [
        f"<h1>{TITLE}</h1>",
        "<nav>",
        *(f'<a href="#{place}">{escape(words)}</a>' for place, words in links.items() if words),
        "</nav>",
        recommended_section(recommended),
        f'<div id="tests">{_controls(runs)}',
        _example_links(examples, next(iter(sections.values()), [])),
        *parts,
        "</div>",
        judging_page.judge_section(list(judged), 0),
        "<details><summary>Figures and plots · 지표와 그림</summary>",
        f'<div id="figures"><p>{escape(about)}</p>{said}',
        *_figure_parts(metrics),
        *(_picture(alt, svg) for alt, svg in pictures.items()),
        "</div></details>",
    ]
    script = (_HERE / "page.js").read_text(encoding="utf-8")
    return _document(TITLE, "\n".join(body), [script, *([judging_page.script()] if judged else [])])


TITLE = "Questions before and after training · 학습 전과 후의 질문"


def _document(title: str, body: str, scripts: Iterable[str] = ()) -> str:
    """One HTML file with its style, its scripts and a Korean font, cut to its letters.

    It loads nothing: its policy lets no other script run and no request out, whatever a text says.
    """
    css = (_HERE / "page.css").read_text(encoding="utf-8")
    hashes = (base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in scripts)
    allowed = " ".join(f"'sha256-{one}'" for one in hashes) or "'none'"
    policy = (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; font-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    font = embedded_font("".join([title, body, css, *scripts]))
    face = f"@font-face {{ font-family: Course; src: url(data:font/woff;base64,{font}) format('woff'); }}\n"
    return (
        '<!doctype html>\n<html lang="ko"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{face if font else ''}{css}</style></head><body>\n{body}\n"
        f"{''.join(f'<script>{one}</script>' for one in scripts)}</body></html>\n"
    )


WRITERS = {
    "model": "the model · 모델",
    "edited": "the model, then the copy editor · 모델, 교열",
    "rule": "the rule · 규칙",
}


def recommended_section(recommended: list[dict]) -> str:
    """The recommended questions under their chunks, the answer of each marked in its place; "" where there are none."""
    if not recommended:
        return ""
    chunks: dict[str, list[dict]] = {}
    for one in recommended:
        chunks.setdefault(one["chunk"], []).append(one)
    parts = ['<section id="recommended"><h2>Recommended questions · 내 문서의 추천 질문</h2>']
    for chunk, some in chunks.items():
        lines = [
            f'<li><span class="question">{escape(one["question"])}</span><br><small>Answer · 정답: '
            f"{escape(one['answer'])} ({escape(WRITERS.get(one['written_by'], one['written_by']))})</small></li>"
            for one in some
        ]
        title = some[0]["place"].get("section") or some[0]["title"]
        marked = _marked(chunk, (tuple(one["answer_place"]) for one in some if one["answer_place"]))
        parts.append(
            f'<div class="chunk"><h3>{escape(title)}</h3><ul>{"".join(lines)}</ul><p class="passage">{marked}</p></div>'
        )
    return "\n".join([*parts, "</section>"])


def questions_page(recommended: list[dict], left_out: list[dict], name: str) -> str:
    """The recommended questions of a document as one HTML file, and the chunks without any."""
    rows = [{"chunk · 조각": one["chunk"][:200], "because · 이유": one["reason"]} for one in left_out]
    rest = f"<h2>Chunks without a question · 질문이 없는 조각</h2>{table(rows)}" if rows else ""
    title = f"Questions for {name} · 추천 질문"
    return _document(title, f"<h1>{escape(title)}</h1>\n{recommended_section(recommended)}\n{rest}")


def _figure_parts(metrics: dict) -> list[str]:
    tables = {
        "Form · 형식": figure_rows(metrics, FORM),
        "Likeness to the references · 기준 질문과 비슷한 정도": figure_rows(metrics, LIKENESS),
        "Differences, paired, in points · 짝지은 차이 (점)": change_rows(metrics),
        "Kinds of question (%) · 질문의 종류": kind_rows(metrics),
    }
    return [
        f'<h2>{escape(heading)}</h2><div class="wide figures" role="region" tabindex="0" '
        f'aria-label="{escape(heading)}">{table(rows)}</div>'
        for heading, rows in tables.items()
        if rows
    ]


def _picture(alt: str, svg: str) -> str:
    data = base64.b64encode(svg.encode()).decode()
    return f'<p><img alt="{html.escape(alt)}" src="data:image/svg+xml;base64,{data}"></p>'


def _example_links(examples: dict[str, list[int]], cards: list[Card]) -> str:
    def link(rule: str, place: int) -> str:
        one = _first(cards[place])
        shown = escape(": ".join(filter(None, (one["title"], one.get("answer")))))
        return f'<a href="#p{place}" data-rule="{html.escape(rule)}">{shown}</a>'

    words = {"best": "best · 가장 나은 것", "worst": "worst · 가장 못한 것", "random": "random · 무작위"}
    lines = [
        f"{escape(words.get(rule, rule))}: {', '.join(link(rule, place) for place in some)}"
        for rule, some in examples.items()
    ]
    return f"<p>Examples, chosen by rule · 규칙으로 고른 예<br>{'<br>'.join(lines)}</p>" if lines else ""


def _controls(runs: list[str]) -> str:
    choices = {
        "all": "all · 모두",
        "better": "better after training · 나아짐",
        "worse": "worse after training · 나빠짐",
        "failed": "not a question after training · 질문 아님",
    }
    shown = "".join(f'<option value="{value}">{escape(words)}</option>' for value, words in choices.items())
    named = "".join(f'<option value="{place}">{escape(run)}</option>' for place, run in enumerate(runs))
    of_run = f' <label>of run · 실행 <select id="run"><option value="any">any · 모두</option>{named}</select></label>'
    return (
        '<form id="controls" hidden aria-label="Filters · 거르기"><label>Search · 찾기 <input type="search" '
        f'id="search" autocomplete="off"></label> <label>Show · 보기 <select id="show">{shown}</select></label>'
        f'{of_run} <button type="reset">Reset · 처음으로</button> <output id="count" role="status"></output></form>'
        f"<p><small>In a paragraph <mark>marked</mark>: the answer to a question. In an output {_COPIED[0]}underlined"
        f"{_COPIED[1]}: six characters or more, copied. Better or worse: a single question where there was none, or "
        "the other way round; of two questions the one with five points more of ROUGE-L. Press / to search.<br>"
        f"문단에 <mark>칠한 곳</mark>은 질문의 정답, 출력에 {_COPIED[0]}밑줄 친 곳{_COPIED[1]}은 문단에서 여섯 글자 "
        "이상 그대로 옮긴 부분입니다. 질문 하나가 아니던 것이 질문 하나가 되면 나아진 것, 그 반대는 나빠진 것이고, "
        "둘 다 질문이면 ROUGE-L이 5점 이상 높은 쪽이 낫습니다. / 키를 누르면 찾기로 갑니다.</small></p>"
    )


def _card_data(card: Card, runs: list[str]) -> str:
    """The card's data attributes: the numbers of the runs for which it is better, worse or failed."""
    found: dict[str, list[str]] = {"better": [], "worse": [], "failed": []}
    for run, (before, after) in card.items():
        judged = verdict(before, after)
        if judged in found:
            found[judged].append(str(runs.index(run)))
        if not is_single_question(after["model_output"]):
            found["failed"].append(str(runs.index(run)))
    return "".join(f' data-{name}="{" ".join(of)}"' for name, of in found.items())
