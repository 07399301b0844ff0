"""Tables for the notebook and the side-by-side page. All text is escaped where it enters HTML."""

import base64
import hashlib
import itertools
import json
import random
from collections.abc import Iterable
from pathlib import Path
from textwrap import shorten

from markupsafe import Markup

from korqg.compare.examples import Card, is_good, verdict
from korqg.compare.plots import embedded_font
from korqg.compare.scores import FORM, LIKENESS, comes_back, copied_stretches
from korqg.markup import escape, templates
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
LONGEST_SHOWN = 2_000  # Characters of an output that a card shows
# What is copied is told from an answer's <mark> by its colour, and where styles are dropped by its line.
_COPIED = ('<u style="background: #0072b240">', "</u>")
_HERE = Path(__file__).parent


def percent(
    value: float | None,
    low: float | None = None,
    high: float | None = None,
    scale: int = 100,
    sign: str = "",
    digits: int = 1,
) -> str:
    """A fraction of 1 as a figure of `scale`, with its interval behind it where there is one; "-" for None."""
    if value is None:
        return "-"
    shown, *bounds = (f"{scale * one:{sign}.{digits}f}" for one in (value, low, high) if one is not None)
    return f"{shown} ({' to '.join(bounds)})" if bounds else shown


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


def change_rows(metrics: dict) -> list[dict[str, str]]:
    """The paired differences as table rows, in points of 100: after minus before, and run minus first run."""
    names = (*FORM[:5], *LIKENESS)
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
        row[LABELS[metric]] = percent(*bounds, scale, sign)
    return row


def passage_card(pairs: Card) -> str:
    """One paragraph, and what was asked about it: a person's question and each run's outputs, beside each other.

    `pairs` maps a run's name to its two outputs (see korqg.compare.finished_runs.Run). Answers are marked in
    the paragraph; what an output copies from it is underlined. Readable without any style.
    """
    cards = templates(_HERE).get_template("cards.html.jinja").module
    return str(cards.passage_card(_paragraph([(0, pairs)], list(pairs))))


def _first(pairs: Card) -> dict:
    return next(iter(pairs.values()))[0]


def _paragraph(cards: list[tuple[int, Card]], runs: list[str]) -> dict:
    """For the template: a paragraph, with every answer marked that is asked for or that a reference is about.

    `cards` are those about it, each with its number on the page.
    """
    first = _first(cards[0][1])
    passage, spans = passage_of(first), []
    for one in (_first(card) for _, card in cards):
        spans += [tuple(one["answer_place"])] if one.get("answer_place") else []
        spans += [(passage.find(answer), passage.find(answer) + len(answer)) for answer in one["answers"]]
    return {
        "title": first["title"],
        "passage": _marked(passage, (span for span in spans if span[0] >= 0)),
        "cards": [{"number": number, "cells": _cells(card), "judged": _judged(card, runs)} for number, card in cards],
    }


def _cells(pairs: Card) -> list[list[dict]]:
    """What was asked for with a person's question, each run's outputs, and the rule's question, each in parts."""
    first = _first(pairs)
    asked = [{"label": "Answer asked for · 물어볼 정답", "lines": [first["answer"]]}] if first.get("answer") else []
    if first["references"]:
        asked.append({"label": "A person asks · 사람의 질문", "lines": first["references"]})
    cells = [asked] if asked else []
    for place, (run, (before, after)) in enumerate(pairs.items()):
        named = "" if len(pairs) == 1 else f" ({run})"
        if place == 0 or before["model_output"] != first["model_output"]:
            cells.append([{"label": f"Before · 학습 전{named}", "output": _output(before)}])
        cells.append([{"label": f"After · 학습 후{named}", "output": _output(after)}])
    rule = next((after["rule_question"] for _, after in pairs.values() if after.get("rule_question")), "")
    return [*cells, [{"label": "The rule · 규칙", "lines": [rule]}]] if rule else cells


LONGEST_ANSWER = 40  # Characters of an answer that came back, shown


def _output(output: dict) -> dict:
    """For the template: an output's beginning with what it copies underlined, whether it is good, and why not."""
    text, came = output["model_output"], output.get("read_answer")
    passed, good = is_single_question(text), is_good(output)
    form = "a single question · 질문 하나" if passed else "not a single question · 질문 하나가 아님"
    remarks = [] if passed and not good else [form]
    if output["stopped"] is False:
        remarks.append("did not stop · 끝나지 않음")
    if (back := comes_back(output)) is not None:
        words = "the marked answer came back · 정답이 되돌아옴" if back else "another answer came back · 다른 답이 나옴"
        told = came if len(came) <= LONGEST_ANSWER else f"{came[:LONGEST_ANSWER]}…"
        remarks.append(f"{words}: {told or '(nothing · 없음)'} ({output.get('confidence', 0):.2f})")
    head = text[:LONGEST_SHOWN]
    return {
        "text": _marked(head, copied_stretches(head, passage_of(output)), _COPIED),
        "left_out": len(text) - len(head),
        "good": good,
        "remarks": remarks,
    }


def _marked(text: str, spans: Iterable[tuple[int, int]], tags: tuple[str, str] = ("<mark>", "</mark>")):
    """The text as HTML with the spans between tags; of two that overlap, the one that begins first."""
    parts, end = [], 0
    for start, stop in sorted(spans):
        if start >= end:
            parts += [escape(text[end:start]), tags[0], escape(text[start:stop]), tags[1]]
            end = stop
    return Markup("".join([*parts, escape(text[end:])]).replace("\n", "<br>"))


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
    korqg.ask.recommend, `judged` the items of judge_section; `about` and `remarks` stand above the
    figures.
    """
    runs = list(dict.fromkeys(run for cards in sections.values() for card in cards for run in card))
    # Cards are numbered through all sections (#p3 leads to one), and those about one paragraph stand under it together.
    numbered, shown = itertools.count(), {}
    for heading, cards in sections.items():
        together: dict[tuple, list[tuple[int, Card]]] = {}
        for card in cards:
            together.setdefault((_first(card)["title"], passage_of(_first(card))), []).append((next(numbered), card))
        shown[heading] = [_paragraph(some, runs) for some in together.values()]
    tests = map(_first, next(iter(sections.values()), []))
    named = [": ".join(filter(None, (one["title"], one.get("answer")))) for one in tests]
    scripts = ["page.js", "judge.js"] if judged else ["page.js"]
    return _document(
        TITLE,
        "page.html.jinja",
        [(_HERE / name).read_text(encoding="utf-8") for name in scripts],
        runs=runs,
        sections=shown,
        examples={rule: [(place, named[place]) for place in some] for rule, some in examples.items()},
        chunks=_chunks(recommended),
        judge_section=Markup(judge_section(list(judged), 0)),
        about=about,
        remarks=remarks,
        tables={
            "Form · 형식": figure_rows(metrics, FORM),
            "Likeness to the references · 기준 질문과 비슷한 정도": figure_rows(metrics, LIKENESS),
            "Differences, paired, in points · 짝지은 차이 (점)": change_rows(metrics),
            "Kinds of question (%) · 질문의 종류": kind_rows(metrics),
        },
        pictures={alt: base64.b64encode(svg.encode()).decode() for alt, svg in pictures.items()},
    )


TITLE = "Questions before and after training · 학습 전과 후의 질문"


def _document(title: str, template: str, scripts: Iterable[str] = (), **values) -> str:
    """One HTML file: the template filled in, with its style, its scripts and a Korean font, cut to its letters.

    It loads nothing: its policy lets no other script run and no request out, whatever a text says.
    """
    body = templates(_HERE).get_template(template).render(title=title, **values)
    css = (_HERE / "page.css").read_text(encoding="utf-8")
    # A browser runs a script in the page only if the policy names its hash: nothing that a text smuggles in has one.
    hashes = (base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in scripts)
    return (
        templates(_HERE)
        .get_template("document.html.jinja")
        .render(
            title=title,
            body=Markup(body),
            css=Markup(css),
            scripts=[Markup(one) for one in scripts],
            font=embedded_font("".join([title, body, css, *scripts])),
            allowed=Markup(" ".join(f"'sha256-{one}'" for one in hashes) or "'none'"),
        )
    )


WRITERS = {
    "model": "the model · 모델",
    "edited": "the model, then the copy editor · 모델, 교열",
    "rule": "the rule · 규칙",
    "heading": "a heading of the text · 글의 소제목",
}


def _chunks(recommended: list[dict]) -> list[dict]:
    """For the template: the chunks of recommended questions, with the answer of each marked in its place."""
    chunks: dict[str, list[dict]] = {}
    for one in recommended:
        chunks.setdefault(one["chunk"], []).append(one)
    return [
        {
            "title": some[0]["place"].get("section") or some[0]["title"],
            "text": _marked(chunk, (tuple(one["answer_place"]) for one in some if _is_marked(one))),
            "questions": [{**one, "answer": _answer(one), "written_by": _writer(one)} for one in some],
        }
        for chunk, some in chunks.items()
    ]


def _writer(one: dict) -> str:
    """Who wrote a question, and what the copy editor changed."""
    edits = f": {', '.join(one['edits'])}" if one.get("edits") else ""
    return WRITERS.get(one["written_by"], one["written_by"]) + edits


def _is_marked(one: dict) -> bool:
    """Whether the answer is marked in the text: not that of a heading, which is all that stands under it."""
    return bool(one["answer_place"]) and one["written_by"] != "heading"


def _answer(one: dict) -> str:
    """The answer, or of a question from a heading how it begins."""
    return shorten(one["answer"], 80, placeholder=" …") if one["written_by"] == "heading" else one["answer"]


def questions_page(recommended: list[dict], left_out: list[dict], name: str) -> str:
    """The recommended questions of a document as one HTML file, and the chunks without any."""
    rows = [{"chunk · 조각": _beginning(one["chunk"]), "because · 이유": one["reason"]} for one in left_out]
    title = f"Questions for {name} · 추천 질문"
    return _document(title, "questions.html.jinja", chunks=_chunks(recommended), left_out=rows)


def _beginning(chunk: str) -> str:
    """The beginning of a chunk in one line, its lines told apart."""
    text = " / ".join(chunk.split("\n"))
    return text if len(text) <= 200 else text[:200] + "…"


def _judged(card: Card, runs: list[str]) -> dict[str, list[int]]:
    """The numbers of the runs for which a card is better, worse or failed, for the page's filters."""
    found: dict[str, list[int]] = {"better": [], "worse": [], "failed": []}
    for run, (before, after) in card.items():
        if (change := verdict(before, after)) in found:
            found[change].append(runs.index(run))
        if not is_single_question(after["model_output"]):
            found["failed"].append(runs.index(run))
    return found


VERDICTS = {
    1: "Show as it is · 그대로 보여 준다",
    2: "Show after an edit of three words at most · 조금 고치면 보여 준다 (낱말 세 개까지)",
    3: "Do not show · 보여 주지 않는다",
}
JUDGE_TITLE = "Judge without knowing · 누가 썼는지 모르고 판정하기"


def judge_section(items: list[dict], seed: int) -> str:
    """The section's HTML, with its style; "" without items.

    Items are those of blind.make_sheet, each with its `makers`: a list of names.
    """
    if not items:
        return ""
    makers = list(dict.fromkeys(maker for item in items for maker in item["makers"]))
    items = random.Random(seed).sample(items, len(items))
    questions = [{name: item[name] for name in ("number", "passage", "question", "answer")} for item in items]
    made = [makers, [[makers.index(maker) for maker in item["makers"]] for item in items]]
    # The makers stand in base64 so that nobody reads them by accident in the page's source while judging. This is no
    # secret: whoever wants to know decodes it.
    hidden = base64.b64encode(json.dumps(made).encode()).decode()
    text = json.dumps(questions, ensure_ascii=False).replace("<", "\\u003c").replace("$", "\\u0024")
    key = "korqg-judge-" + hashlib.sha256(json.dumps([questions, made]).encode()).hexdigest()[:16]
    template = templates(_HERE).get_template("judge.html.jinja")
    return template.render(
        css=Markup((_HERE / "judge.css").read_text(encoding="utf-8")),
        title=JUDGE_TITLE,
        verdicts=VERDICTS,
        key=key,
        hidden=hidden,
        questions=Markup(text),
    )
