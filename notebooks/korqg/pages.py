"""Tables for the notebook and the side-by-side page. All text is escaped where it enters HTML."""

import html

from korqg.metrics import METRICS, is_single_question

LABELS = {
    "single_question_rate": "Single question (%)",
    "stop_rate": "Stopped (%)",
    "copy_rate": "Copied (%)",
    "rouge_l": "ROUGE-L",
    "chrf": "chrF",
}

# Notebooks set table cells flush right, which Korean sentences cannot be read in; GitHub drops this, and sets left.
_LEFT = ' style="text-align: left"'

_STYLE = """
:root { color-scheme: light dark; }
body { font-family: "Noto Sans KR", "Apple SD Gothic Neo", "Malgun Gothic", NanumGothic, sans-serif;
       line-height: 1.6; max-width: 62rem; margin: 0 auto; padding: 1rem;
       word-break: keep-all; overflow-wrap: break-word; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; width: 100%; } th, td { border: 1px solid #8886; padding: .4rem .6rem;
       text-align: left; vertical-align: top; } th { white-space: nowrap; }
.passage { white-space: pre-line; overflow-wrap: anywhere; }
.output { white-space: pre-wrap; overflow-wrap: anywhere; } .yes { color: #00795c; } .no { color: #c2410c; }
.wide { overflow-x: auto; }
"""


def escape(text: str) -> str:
    """Text for HTML: markup shows as written, and a $ cannot open a formula in a notebook or its export."""
    return html.escape(text).replace("$", "<span>$</span>")


def percent(value: float, low: float | None = None, high: float | None = None) -> str:
    """A fraction of 1 as a figure of 100, with its interval behind it where there is one."""
    shown = f"{100 * value:.1f}"
    return shown if low is None else f"{shown} ({100 * low:.1f} to {100 * high:.1f})"


def figure_rows(metrics: dict) -> list[dict[str, str]]:
    """The figures of metrics.json as table rows: reference texts first, then each run before and after."""
    names = {
        "human": "reference: a human question against the others",
        "first_sentence": "reference: the first sentence copied",
        "random_question": "reference: a question from another paragraph",
    }
    rows = [_figures(names[name], summary) for name, summary in metrics["reference"].items() if summary]
    for run, stages in metrics["runs"].items():
        rows += [_figures(f"{run}, {stage}", stages[stage]) for stage in ("before", "after")]
    return rows


def _figures(name: str, summary: dict) -> dict[str, str]:
    row = {"": name, "n": str(summary["n"])}
    for metric in METRICS:
        row[LABELS[metric]] = percent(summary[metric], summary[f"{metric}_low"], summary[f"{metric}_high"])
    if name.startswith("reference: "):
        row[LABELS["stop_rate"]] = "-"  # nobody generated these texts
    return row


def table(rows: list[dict[str, str]]) -> str:
    """An HTML table with a header row, readable without any style."""
    head = "".join(f'<th scope="col"{_LEFT}>{escape(name)}</th>' for name in rows[0])
    cells = ["".join(f"<td{_LEFT}>{escape(str(value))}</td>" for value in row.values()) for row in rows]
    lines = [f"<tr>{row}</tr>" for row in cells]
    return f'<table border="1"><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table>'


def passage_card(pairs: dict[str, tuple[dict, dict]]) -> str:
    """One paragraph with its reference questions and, for each run, the outputs before and after.

    `pairs` maps a run's name to its two entries (of init_outputs.json and after_outputs.json).
    """
    first = next(iter(pairs.values()))[0]
    lines = [f'<tr><th scope="row"{_LEFT}>Paragraph</th><td class="passage"{_LEFT}>{escape(first["input"])}</td></tr>']
    if first["references"]:
        questions = "<br>".join(escape(question) for question in first["references"])
        lines.append(f'<tr><th scope="row"{_LEFT}>References</th><td{_LEFT}>{questions}</td></tr>')
    for place, (run, (before, after)) in enumerate(pairs.items()):
        if place == 0 or before["model_output"] != first["model_output"]:
            lines.append(_output_line("Before" if len(pairs) == 1 else f"Before ({run})", before))
        lines.append(_output_line("After" if len(pairs) == 1 else f"After ({run})", after))
    return f'<h2>{escape(first["title"])}</h2>\n<table border="1">{"".join(lines)}</table>'


def _output_line(label: str, output: dict) -> str:
    passed = is_single_question(output["model_output"])
    remarks = ["a single question" if passed else "not a single question"]
    if not output["stopped"]:
        remarks.append("did not stop")
    kind, sign = ("yes", "✓") if passed else ("no", "✗")
    shown = escape(output["model_output"]) or "(empty)"
    return (
        f'<tr><th scope="row"{_LEFT}>{escape(label)}</th><td{_LEFT}><span class="output">{shown}</span><br>'
        f'<small class="{kind}">{sign} {", ".join(remarks)}</small></td></tr>'
    )


def side_by_side_page(metrics: dict, sections: dict[str, list[dict[str, tuple[dict, dict]]]], remark: str) -> str:
    """The whole page as one HTML file: figures on top, then a card for each paragraph.

    `sections` maps a heading (test paragraphs, own document) to the cards' pairs. No script and no file or
    address outside the page.
    """
    parts = [
        "<!doctype html>",
        '<html lang="ko"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<title>Questions before and after training</title>",
        f"<style>{_STYLE}</style></head><body>",
        "<h1>Questions before and after training · 학습 전과 후의 질문</h1>",
        f"<p>{escape(remark)}</p>",
        f'<div class="wide">{table(figure_rows(metrics))}</div>',
    ]
    for heading, cards in sections.items():
        if cards:
            parts.append(f"<h1>{escape(heading)}</h1>")
            parts += [passage_card(pairs) for pairs in cards]
    return "\n".join([*parts, "</body></html>", ""])
