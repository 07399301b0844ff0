"""Tables for the notebook and the side-by-side page. All text is escaped where it enters HTML."""

import base64
import hashlib
import html
from collections.abc import Iterable
from pathlib import Path

from korqg.asking.checks import AGREED, agreement
from korqg.examples import Card, verdict
from korqg.fonts import embedded_font
from korqg.metrics import FORM, LIKENESS, copied_stretches, is_single_question
from korqg.prompts import passage_of

LABELS = {
    "single_question_rate": "Single question (%)",
    "stop_rate": "Stopped (%)",
    "comes_back_rate": "Answer comes back (%)",
    "copy_rate": "Copied (%)",
    "distinct_rate": "Distinct (%)",
    "length": "Length (characters)",
    "rouge_l": "ROUGE-L",
    "bleu_4": "BLEU-4",
    "chrf": "chrF",
    "rouge_l_morphemes": "ROUGE-L, morphemes",
    "bleu_4_morphemes": "BLEU-4, morphemes",
}
REFERENCES = {
    "human": "reference: a human question against the others",
    "rule": "reference: a rule without any model",
    "first_sentence": "reference: the first sentence copied",
    "random_question": "reference: a question from elsewhere",
}
LONGEST_SHOWN = 2_000
"""Characters of an output that a card shows."""

# Notebooks set table cells flush right, which Korean sentences cannot be read in; GitHub drops this, and sets left.
_LEFT = ' style="text-align: left"'
_HERE = Path(__file__).parent


def escape(text: str) -> str:
    """Text for HTML: markup shows as written, and a $ cannot open a formula in a notebook or its export."""
    return html.escape(text).replace("$", "<span>$</span>")


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
            rows += [_figures(f"{prefix}{run}, {stage}", stages[stage], names) for stage in ("before", "after")]
    return rows


def change_rows(metrics: dict, names: Iterable[str] = (*FORM[:5], *LIKENESS)) -> list[dict[str, str]]:
    """The paired differences as table rows, in points of 100: after minus before, and run minus first run."""
    names = list(names)
    rows = []
    for prefix, group in _groups(metrics):
        for run, stages in group["runs"].items():
            rows.append(_figures(f"{prefix}{run}: after minus before", stages["change"], names, sign="+"))
        for pair, difference in group["between"].items():
            rows.append(_figures(f"{prefix}{pair}, after", difference, names, sign="+"))
    return rows


def kind_rows(metrics: dict) -> list[dict[str, str]]:
    """The share of each kind of question, in %, of the references and of each run's single questions."""
    rows = []
    for prefix, group in _groups(metrics):
        kinds = {prefix + "the references": group["reference_kinds"]}
        kinds |= {f"{prefix}{run}, after": stages["after"]["kinds"] for run, stages in group["runs"].items()}
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


def table(rows: list[dict[str, str]]) -> str:
    """An HTML table with a header row, readable without any style."""
    head = "".join(f'<th scope="col"{_LEFT}>{escape(name)}</th>' for name in rows[0])
    cells = ["".join(f"<td{_LEFT}>{escape(str(value))}</td>" for value in row.values()) for row in rows]
    lines = [f"<tr>{row}</tr>" for row in cells]
    return f'<table border="1"><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table>'


def passage_card(pairs: Card, heading: str = "h3") -> str:
    """One paragraph with its reference questions and, for each run, the outputs before and after.

    `pairs` maps a run's name to its two outputs (see korqg.runs.Run). The references' answers are marked in the
    paragraph, and what an output copies from the paragraph in the output.
    """
    first = next(iter(pairs.values()))[0]
    passage = passage_of(first)
    lines = [_line("Answer asked for · 정답", escape(first["answer"]))] if first.get("answer") else []
    shown = _marked(passage, _answer_places(passage, first["answers"]))
    lines.append(_line("Paragraph", f'<span class="passage">{shown}</span>'))
    if first["references"]:
        lines.append(_line("References", "<br>".join(escape(question) for question in first["references"])))
    for place, (run, (before, after)) in enumerate(pairs.items()):
        named = "" if len(pairs) == 1 else f" ({run})"
        if place == 0 or before["model_output"] != first["model_output"]:
            lines.append(_output_line(f"Before{named}", before, passage))
        lines.append(_output_line(f"After{named}", after, passage))
    rule = next((after["rule_question"] for _, after in pairs.values() if after.get("rule_question")), "")
    if rule:
        lines.append(_line("The rule · 규칙", escape(rule)))
    return f'<{heading}>{escape(first["title"])}</{heading}>\n<table border="1">{"".join(lines)}</table>'


def _line(label: str, content: str) -> str:
    return f'<tr><th scope="row"{_LEFT}>{escape(label)}</th><td{_LEFT}>{content}</td></tr>'


def _output_line(label: str, output: dict, passage: str) -> str:
    text = output["model_output"]
    passed = is_single_question(text)
    remarks = ["a single question" if passed else "not a single question"]
    if output["stopped"] is False:
        remarks.append("did not stop")
    came = output.get("read_answer")
    back = came is not None and agreement(came, output.get("answer") or "") >= AGREED
    kind, sign = ("yes", "✓") if passed and (came is None or back) else ("no", "✗")
    head = text[:LONGEST_SHOWN]
    shown = _marked(head, copied_stretches(head, passage)) or "(empty)"
    if len(text) > LONGEST_SHOWN:
        shown += f" <small>… and {len(text) - LONGEST_SHOWN:,} characters more</small>"
    if came is not None:
        words = "the marked answer came back · 정답이 되돌아옴" if back else "another answer came back · 다른 답"
        remarks.append(f"{words}: {came or '(nothing)'} ({output.get('confidence', 0):.2f})")
    said = f'<small class="{kind}">{sign} {escape(", ".join(remarks))}</small>'
    return _line(label, f'<span class="output">{shown}</span><br>{said}')


def _answer_places(passage: str, answers: list[str]) -> list[tuple[int, int]]:
    """Begin and end of each answer's first place in the passage; of two that overlap, the one that begins first."""
    spans, end = [], 0
    found = {(passage.find(answer), passage.find(answer) + len(answer)) for answer in answers if answer in passage}
    for start, stop in sorted(found):
        if start >= end:
            spans.append((start, stop))
            end = stop
    return spans


def _marked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The escaped text with the spans, in order and apart, marked."""
    parts, end = [], 0
    for start, stop in spans:
        parts += [escape(text[end:start]), f"<mark>{escape(text[start:stop])}</mark>"]
        end = stop
    return "".join([*parts, escape(text[end:])])


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
    """The whole page as one HTML file: the recommended questions, the figures and pictures, a card for each question.

    `sections` maps a heading to cards, the main group's test questions first; `pictures` a description to SVG text,
    `examples` a rule's name to places among the first section's cards; `recommended` are those of
    korqg.asking.recommend, `judged` the items of
    korqg.judging; `about` and `remarks` stand above the figures. The page holds its scripts and a Korean
    font, and loads nothing: its policy lets no other script run and no request out, whatever a text says.
    """
    from korqg import judging  # which escapes as this module does

    css, script = ((_HERE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    scripts = [script, *([judging.script()] if judged else [])]
    hashes = (base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in scripts)
    allowed = " ".join(f"'sha256-{one}'" for one in hashes)
    policy = (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; font-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    runs = list(dict.fromkeys(run for cards in sections.values() for card in cards for run in card))
    head = (
        '<!doctype html>\n<html lang="ko"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<title>Questions before and after training</title>\n"
    )
    parts = [
        '<a class="skip" href="#controls">To the paragraphs · 문단으로</a>',
        "<h1>Questions before and after training · 학습 전과 후의 질문</h1>",
        f"<p>{escape(about)}</p>",
        f"<ul>{''.join(f'<li>{escape(remark)}</li>' for remark in remarks)}</ul>" if remarks else "",
        recommended_section(recommended),
        judging.judge_section(list(judged), 0),
        *_figure_parts(metrics),
        *(_picture(alt, svg) for alt, svg in pictures.items()),
        _example_links(examples, next(iter(sections.values()), [])),
        _controls(runs),
    ]
    number = 0
    for heading, cards in sections.items():
        if cards:
            parts.append(f'<section class="cards"><h2>{escape(heading)}</h2>')
            for card in cards:
                parts.append(f'<article id="p{number}"{_card_data(card, runs)}>{passage_card(card)}</article>')
                number += 1
            parts.append("</section>")
    body = "\n".join(parts)
    font = embedded_font("".join([head, body, css, *scripts]))
    face = (
        f"@font-face {{ font-family: Course; src: url(data:font/woff;base64,{font}) format('woff'); }}\n"
        if font
        else ""
    )
    run = "".join(f"<script>{one}</script>" for one in scripts)
    return f"{head}<style>{face}{css}</style></head><body>\n{body}\n{run}</body></html>\n"


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
        places = sorted(tuple(one["answer_place"]) for one in some if one["answer_place"])
        apart = [place for number, place in enumerate(places) if number == 0 or place[0] >= places[number - 1][1]]
        lines = [
            f'<li><span class="question">{escape(one["question"])}</span> <small>{escape(one["answer"])} · '
            f"{escape(WRITERS.get(one['written_by'], one['written_by']))}</small></li>"
            for one in some
        ]
        title = some[0]["place"].get("section") or some[0]["title"]
        parts.append(
            f'<div class="chunk"><h3>{escape(title)}</h3><ul>{"".join(lines)}</ul>'
            f'<p class="passage">{_marked(chunk, apart)}</p></div>'
        )
    return "\n".join([*parts, "</section>"])


def questions_page(recommended: list[dict], left_out: list[dict], name: str) -> str:
    """The recommended questions of a document as one HTML file that loads nothing, and the chunks without any."""
    css = (_HERE / "page.css").read_text(encoding="utf-8")
    policy = "default-src 'none'; style-src 'unsafe-inline'; font-src data:; base-uri 'none'; form-action 'none'"
    rows = [{"chunk · 조각": one["chunk"][:200], "because · 이유": one["reason"]} for one in left_out]
    rest = f"<h2>Chunks without a question · 질문이 없는 조각</h2>{table(rows)}" if rows else ""
    title = f"Questions for {name} · 추천 질문"
    body = f"<h1>{escape(title)}</h1>\n{recommended_section(recommended)}\n{rest}"
    font = embedded_font(body + css)
    face = (
        f"@font-face {{ font-family: Course; src: url(data:font/woff;base64,{font}) format('woff'); }}" if font else ""
    )
    return (
        '<!doctype html>\n<html lang="ko"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{face}\n{css}</style></head><body>\n{body}\n</body></html>\n"
    )


def _figure_parts(metrics: dict) -> list[str]:
    tables = {
        "Form · 형식": figure_rows(metrics, FORM),
        "Likeness to the references · 기준 질문과 비슷한 정도": figure_rows(metrics, LIKENESS),
        "Differences, paired, in points · 차이": change_rows(metrics),
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
    def link(place: int) -> str:
        title = next(iter(cards[place].values()))[0]["title"]
        return f'<a href="#p{place}">{escape(title)}</a>'

    lines = [f"<li>{escape(rule)}: {', '.join(map(link, places))}</li>" for rule, places in examples.items()]
    return f"<h2>Examples, chosen by rule · 규칙으로 고른 예</h2><ul>{''.join(lines)}</ul>" if lines else ""


def _controls(runs: list[str]) -> str:
    choices = {
        "all": "all paragraphs · 모두",
        "better": "better after training · 나아짐",
        "worse": "worse after training · 나빠짐",
        "failed": "not a question after training · 질문 아님",
    }
    shown = "".join(f'<option value="{value}">{escape(words)}</option>' for value, words in choices.items())
    named = "".join(f'<option value="{place}">{escape(run)}</option>' for place, run in enumerate(runs))
    return (
        '<form id="controls" hidden aria-label="Filters"><label>Search · 찾기 <input type="search" id="search" '
        'autocomplete="off"></label> '
        f'<label>Show · 보기 <select id="show">{shown}</select></label> '
        f'<label>of run · 실행 <select id="run"><option value="any">any · 아무거나</option>{named}</select></label> '
        '<button type="reset">Reset · 처음으로</button> <output id="count" role="status"></output></form>'
        "<p><small><mark>marked</mark> in a paragraph: the answer to a reference · 기준 정답. "
        '<span class="output"><mark>marked</mark></span> in an output: six characters or more, copied from the '
        "paragraph · 글에서 그대로 옮긴 부분. Better or worse: a single question where there was none, or the other "
        "way round; of two questions the one with five points more of ROUGE-L. Press / to search.</small></p>"
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
