"""The ladder told: a table, three pictures and a page from its results alone, without a model and without the corpus.

    python -m korqg.research.ladder_page [FOLDER] [--keep]

run with notebooks/ on PYTHONPATH. FOLDER holds `ladder.json` and, where they were run, `few_rows.json` and
`all_rows.json` (see korqg.research.ladder); it gets `README.md` and the pictures. The default is what
git keeps, outputs/example/ladder: its files hold figures alone (see condense), and `--keep` puts FOLDER's there.
"""

import argparse
import functools
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy

from korqg.compare.page import percent
from korqg.compare.plots import PALETTE, save_figure, to_both_sides, use_korean_font
from korqg.config import COURSE_FOLDER
from korqg.errors import KorqgError, command
from korqg.files import read_json, write_json, write_text
from korqg.markup import fill_plain

EXAMPLE = COURSE_FOLDER / "outputs" / "example" / "ladder"
BOOTSTRAP_SAMPLES = 2000
# The rungs that differ in the number of rows.
CURVE = ("5_learning_rate", "beside_rows_300", "6_rows_1000", "beside_rows_2000", "7_rows_all")
FIGURES = {
    "single_question_rate": "single question (%)",
    "stop_rate": "stopped (%)",
    "rouge_l": "ROUGE-L",
    "copy_rate": "copied (%)",
}
REFERENCES = {
    "human": "a human question against the others · 사람",
    "first_sentence": "the first sentence copied · 첫 문장 복사",
    "random_question": "a question from elsewhere · 다른 글의 질문",
}
SAME_RATE = 5.0
SAME_LOSS = 0.01  # How a sweep is decided, see in_order_of_choice: in points of the single-question rate, and nats
SWEPT = ("learning_rate", "lora_rank", "lora_alpha", "batch_size", "num_epochs", "lora_dropout")


MARKED = "marked_answers.json"
"""Trainings on marked answers, by their number of rows: kept beside the ladder's results."""

READ = {
    "answered": "text answers it (%) · 글에 답이 있음",
    "shown": "shown as it is (%) · 그대로 보여 줌",
    "shown_edited": "after a small edit (%) · 조금 고치면 보여 줌",
}
"""What two readers said of a training's questions, and how the table calls it."""


@functools.cache
def told_rungs() -> dict[str, dict[str, str]]:
    """`name`, `change` and `korean` (the change again) of each rung that the story knows, in its order."""
    import yaml

    return yaml.safe_load(Path(__file__).with_name("rungs.yaml").read_text(encoding="utf-8"))


def title_of(rung: str) -> str:
    return told_rungs().get(rung, {"name": rung})["name"]


def read_ladder(path: Path) -> dict:
    """The figures of a ladder or a sweep (see condense). Raises KorqgError for no file, or one of another shape."""
    if not path.is_file():
        raise KorqgError(f"{path.name} is not in {path.parent.name}/: run `make ladder` first (a GPU, and KorQuAD).")
    ladder = read_json(path)
    if isinstance(ladder, dict) and isinstance(ladder.get("rungs"), dict):
        return ladder
    results = ladder.get("results") if isinstance(ladder, dict) else None
    if not isinstance(results, list) or not all(isinstance(row, dict) and "questions" in row for row in results):
        raise KorqgError(f"{path.name} does not hold results of the ladder.")
    if not results:
        raise KorqgError(f"{path.name} holds no finished run yet.")
    return condense(ladder)


def condense(results: dict) -> dict:
    """What is shown of a ladder's or a sweep's results: of each rung the figures over seeds and paragraphs.

    Under "rungs", in the order of the story: parameters, the validation loss of each seed, the figures of FIGURES (see
    estimate), and, for a picture, the first seed's losses on the first and the last rung. Of what the rungs asked only
    one paragraph's questions remain (see same_paragraph).
    """
    names = dict.fromkeys(row["rung"] for row in results["results"])
    ordered = sorted(names, key=lambda name: [*told_rungs(), name].index(name))
    found = {name: [row for row in results["results"] if row["rung"] == name] for name in ordered}
    proper = [rung for rung in found if not rung.startswith("beside_")] or list(found)
    rungs = {}
    for rung, rows in found.items():
        rungs[rung] = {
            "train_rows": rows[0]["train_rows"],
            "parameters": {name: value for name, value in rows[0]["parameters"].items() if name != "seed"},
            "eval_loss_after": [row["eval_loss_after"] for row in rows],
            **{name: estimate(rows, name) for name in FIGURES},
        }
        if rung in CURVE:
            rungs[rung]["kept_at"] = _kept_at(rows)
        if rung in (proper[0], proper[-1]):
            rungs[rung]["losses"] = [
                {key: entry[key] for key in ("loss", "eval_loss") if key in entry}
                | {"percent": 100 * entry["step"] / rows[0]["steps"]}
                for entry in rows[0]["losses"]
            ]
    place, asked = same_paragraph({rung: found[rung] for rung in proper})
    return {
        **{name: results.get(name) for name in ("model_name", "model", "data", "reference", "failed")},
        "devices": sorted({row["device"] for row in results["results"]}),
        "seeds": sorted({row["seed"] for row in results["results"]}),
        "paragraphs": len(results["results"][0]["questions"]),
        "same_paragraph": {"id": place, "questions": asked},
        "rungs": rungs,
    }


def estimate(rows: list[dict], name: str) -> dict:
    """A figure of FIGURES for the results of one rung, in points of 100.

    `mean` over seeds and paragraphs, `low` and `high` of its 95 % interval, and the means of the single `seeds`.
    Seeds and paragraphs are both drawn with replacement, BOOTSTRAP_SAMPLES times (a bootstrap on two levels): the
    interval covers the choice of the test paragraphs and that of the seed, so far as three seeds can tell.
    """
    ids = [question["id"] for question in rows[0]["questions"]]
    key = {"single_question_rate": "single_question", "stop_rate": "stopped"}.get(name, name)
    table = numpy.zeros((len(rows), len(ids)))
    for line, row in enumerate(rows):
        values = {question["id"]: float(question[key]) for question in row["questions"]}
        table[line] = [values[one] for one in ids]
    # Drawing n of n with replacement gives each a count: as weights (draws x seeds, draws x paragraphs) they make all
    # draws two products of matrices.
    generator = numpy.random.default_rng(0)
    seeds = generator.multinomial(len(rows), [1 / len(rows)] * len(rows), BOOTSTRAP_SAMPLES) / len(rows)
    paragraphs = generator.multinomial(len(ids), [1 / len(ids)] * len(ids), BOOTSTRAP_SAMPLES) / len(ids)
    low, high = numpy.percentile(((seeds @ table) * paragraphs).sum(1), (2.5, 97.5))
    known = {"mean": 100 * table.mean(), "low": 100 * float(low), "high": 100 * float(high)}
    return {**known, "seeds": [100 * mean for mean in table.mean(1).tolist()]}


def in_points(figure: dict) -> str:
    """A figure of `estimate` with its interval."""
    return percent(figure["mean"], figure["low"], figure["high"], scale=1)


def same_paragraph(rungs: dict[str, list[dict]]) -> tuple[str, dict[str, dict]]:
    """A test paragraph's id and what each rung asked about it, with the first seed.

    It is the first one, in the order of the data, where the first rung's output fails the check and the last one's
    passes; where there is none, the first of all.
    """
    outputs = {rung: {one["id"]: one for one in rows[0]["questions"]} for rung, rows in rungs.items()}
    first, last = next(iter(outputs.values())), list(outputs.values())[-1]
    chosen = [one for one in first if last[one]["single_question"] and not first[one]["single_question"]]
    place = (chosen or list(first))[0]
    return place, {
        rung: {key: some[place][key] for key in ("model_output", "single_question")} for rung, some in outputs.items()
    }


def _kept_at(rows: list[dict]) -> float:
    """At which percentage of the run the validation loss was lowest, mean over the seeds."""
    shares = []
    for row in rows:
        known = [(one["eval_loss"], one["step"]) for one in row["losses"] if one.get("eval_loss") and one["step"]]
        shares.append(100 * min(known)[1] / row["steps"])
    return sum(shares) / len(shares)


def mean_loss(rung: dict) -> float:
    """The validation loss in nats per token of the question, mean over the seeds."""
    return sum(rung["eval_loss_after"]) / len(rung["eval_loss_after"])


def table_rows(ladder: dict) -> list[dict[str, str]]:
    """One row for each rung, and for what people and two floors reach, ready to be shown."""
    shown = [
        {
            "rung": title_of(name),
            "rows": f"{rung['train_rows']:,}",
            "seeds": str(len(rung["eval_loss_after"])),
            "validation loss": f"{mean_loss(rung):.2f}",
            **{heading: in_points(rung[figure]) for figure, heading in FIGURES.items()},
        }
        for name, rung in ladder["rungs"].items()
    ]
    empty = dict.fromkeys(shown[0], "")
    for name, figures in (ladder.get("reference") or {}).items():
        known = {
            heading: percent(*(figures.get(f"{figure}{end}") for end in ("", "_low", "_high")))
            for figure, heading in FIGURES.items()
            if figures.get(figure) is not None
        }
        shown.append({**empty, "rung": REFERENCES[name], **known})
    for row in ladder.get("failed") or []:
        shown.append({**empty, "rung": f"{title_of(row['rung'])}, seed {row['seed']}: failed"})
    return shown


def in_order_of_choice(sweep: dict) -> list[dict]:
    """The variants of a sweep, the chosen one first.

    On some 80 validation paragraphs single-question rates within SAME_RATE points cannot be told
    from the best one, and validation losses within SAME_LOSS nats of the lowest differ no more than those of two
    seeds. Of the variants that pass both, the highest rate wins, and among equals the lowest loss.
    """

    def rate(variant: dict) -> float:
        return variant["single_question_rate"]["mean"]

    variants = list(sweep["rungs"].values())
    proper = [one for one in variants if rate(one) >= max(map(rate, variants)) - SAME_RATE]
    lowest = min(map(mean_loss, proper))

    def place(one: dict) -> tuple:
        passes = one in proper and mean_loss(one) <= lowest + SAME_LOSS
        return (not passes, -round(rate(one)), mean_loss(one))

    return sorted(variants, key=place)


def sweep_rows(sweep: dict) -> list[dict[str, str]]:
    """One row for each variant of a sweep, the chosen one first; figures of validation articles."""
    ordered = in_order_of_choice(sweep)
    varied = [name for name in SWEPT if len({str(one["parameters"][name]) for one in ordered}) > 1]
    return [
        {
            **{name: f"{one['parameters'][name]}" for name in varied},
            "validation loss": f"{mean_loss(one):.3f}",
            **{heading: in_points(one[figure]) for figure, heading in FIGURES.items()},
        }
        for one in ordered
    ]


def markdown_table(rows: list[dict[str, str]]) -> str:
    """Rows with the same keys as a table in Markdown; a bar within a cell is escaped. "" without rows."""
    if not rows:
        return ""
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + " --- |" * len(rows[0])]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row.values()) + " |" for row in rows]
    return "\n".join(lines)


def _ends(ladder: dict) -> list[tuple[str, dict]]:
    """The first and the last rung, without what stands beside them."""
    found = [(name, rung) for name, rung in ladder["rungs"].items() if "losses" in rung]
    return [found[0], found[-1]]


def _curve(ladder: dict) -> list[dict]:
    """The rungs of CURVE, by their number of rows."""
    found = [rung for name, rung in ladder["rungs"].items() if name in CURVE]
    return sorted(found, key=lambda rung: rung["train_rows"])


def draw_rungs(ladder: dict):
    """A matplotlib figure: each rung's single-question rate and ROUGE-L, intervals as lines, seeds as dots."""
    found = list(ladder["rungs"].items())
    figure, panels = plt.subplots(1, 2, figsize=(11, 0.45 * len(found) + 1.6), sharey=True, layout="constrained")
    human = (ladder.get("reference") or {}).get("human")
    for axes, name in zip(panels, ("single_question_rate", "rouge_l"), strict=True):
        for place, (rung, figures) in enumerate(found):
            known = figures[name]
            color = PALETTE[5] if rung.startswith("beside_") else PALETTE[0]
            ends = to_both_sides([known["mean"]], [known["low"]], [known["high"]])
            axes.barh(place, known["mean"], 0.6, xerr=ends, color=color, capsize=3)
            axes.plot(known["seeds"], [place] * len(known["seeds"]), "o", color="black", markersize=3, zorder=3)
        if human:
            axes.axvline(100 * human[name], linestyle="--", color="black", linewidth=1, label="human · 사람")
    panels[0].set(xlim=(0, 100), xlabel="single question (%) · 질문 하나")
    panels[1].set(xlim=(0, None), xlabel="ROUGE-L · 글자")
    panels[0].set_yticks(range(len(found)), [title_of(rung) for rung, _ in found])
    panels[0].invert_yaxis()
    if human:
        panels[1].legend(fontsize="small")
    figure.suptitle("One change at a time · 한 번에 하나씩")
    return figure


def draw_losses(ladder: dict):
    """A matplotlib figure: training and validation loss of the first and the last rung, first seed, by epoch."""
    figure, axes = plt.subplots(figsize=(8, 4.2), layout="constrained")
    for color, (name, rung) in zip((PALETTE[1], PALETTE[0]), _ends(ladder), strict=True):
        for key, style, words in (
            ("loss", dict(linewidth=1, alpha=0.6), "training · 학습"),
            ("eval_loss", dict(marker="o"), "validation · 검증"),
        ):
            points = [(entry["percent"], entry[key]) for entry in rung["losses"] if key in entry]
            if points:
                axes.plot(*zip(*points, strict=True), color=color, label=f"{title_of(name)}, {words}", **style)
    axes.set(title="Loss · 손실", xlabel="share of the run (%) · 진행", ylabel="loss per token (nats) · 토큰당 손실")
    axes.set_ylim(0, None)
    axes.legend(fontsize="small")
    return figure


def draw_rows(ladder: dict):
    """A matplotlib figure: validation loss and single-question rate against the training rows (logarithmic)."""
    points = _curve(ladder)
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    counts = [rung["train_rows"] for rung in points]
    losses = [rung["eval_loss_after"] for rung in points]
    rates = [rung["single_question_rate"] for rung in points]
    style = {"marker": "o", "capsize": 3, "color": PALETTE[0]}
    means = [mean_loss(rung) for rung in points]
    left.errorbar(counts, means, yerr=to_both_sides(means, map(min, losses), map(max, losses)), **style)
    for count, some in zip(counts, losses, strict=True):
        left.plot([count] * len(some), some, "o", color="black", markersize=3, zorder=3)
    means, lows, highs = ([rate[end] for rate in rates] for end in ("mean", "low", "high"))
    right.errorbar(counts, means, yerr=to_both_sides(means, lows, highs), **style)
    left.set(ylabel="validation loss (nats) · 검증 손실")
    right.set(ylabel="single question (%) · 질문 하나")
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_xlabel("training rows · 학습 행")
        if counts:
            axes.set_xticks(counts, [f"{count:,}" for count in counts])
            axes.minorticks_off()
    figure.suptitle("What more rows are worth · 데이터가 늘면")
    return figure


PICTURES = {"rates": draw_rungs, "losses": draw_losses, "rows": draw_rows}


def marked_rows(marked: dict) -> list[dict[str, str]]:
    """The table of trainings on marked answers by their number of rows: means over the seeds, readers' two values."""

    def mean(values: list[float], form: str) -> str:
        return format(sum(values) / len(values), form)

    def readers(shares: list[float]) -> str:
        return " to ".join(dict.fromkeys(f"{share:.0f}" for share in sorted(shares)))

    return [
        {
            "rows · 행": f"{one['rows']:,}",
            "loss, asking · 묻기의 손실": mean(one["loss_asking"], ".2f"),
            "loss, answering · 답하기의 손실": mean(one["loss_answering"], ".2f"),
            "answer comes back (%) · 정답이 되돌아옴": mean(one["agreement"], ".1f"),
            **{name: readers(one["read"][key]) if one.get("read") else "-" for key, name in READ.items()},
        }
        for one in marked["sizes"]
    ]


def page(ladder: dict, sweeps: dict[str, dict], marked: dict | None = None) -> str:
    """The page in Markdown, ladder_page.md.jinja filled in. Every figure in it comes from the results."""
    (_, first), (_, last) = _ends(ladder)
    examples = [
        {
            "rung": title_of(rung),
            "output": "`" + one["model_output"].replace("\n", "⏎").replace("`", "'")[:200] + "`",
            "a single question": "yes" if one["single_question"] else "no",
        }
        for rung, one in ladder["same_paragraph"]["questions"].items()
    ]
    told = [told_rungs()[name] for name in ladder["rungs"] if name in told_rungs()]
    text = fill_plain(
        Path(__file__).with_name("ladder_page.md.jinja"),
        ladder=ladder,
        first=first,
        last=last,
        in_points=in_points,
        table=markdown_table,
        rungs=table_rows(ladder),
        changes=[{"rung": one["name"], "what changed": one["change"], "바꾼 것": one["korean"]} for one in told],
        examples=examples,
        curve=curve_of_rows(ladder),
        sweeps=sweeps,
        marked=marked,
        marked_rows=marked_rows(marked) if marked else [],
        sweep_rows=sweep_rows,
        same_rate=f"{SAME_RATE:.0f}",
        same_loss=SAME_LOSS,
    )
    return text.rstrip() + "\n"


def curve_of_rows(ladder: dict) -> dict | None:
    """What ten times the rows are worth, by a straight line through the rungs of CURVE; None with fewer than two."""
    points = _curve(ladder)
    if len(points) < 2:
        return None
    counts = numpy.log10([rung["train_rows"] for rung in points])
    slope, start = numpy.polyfit(counts, [mean_loss(rung) for rung in points], 1)
    rates = {rung["train_rows"]: rung["single_question_rate"]["seeds"] for rung in points}
    widest = max(rates, key=lambda count: max(rates[count]) - min(rates[count]))
    return {
        "slope": slope,  # nats for each factor of ten
        "at_60000": start + slope * numpy.log10(60_000),
        "points": len(points),
        "fewest": f"{points[0]['train_rows']:,}",
        "most": f"{points[-1]['train_rows']:,}",
        "widest": f"{widest:,}",
        "lowest": min(rates[widest]),
        "highest": max(rates[widest]),
        "kept": [f"{rung['kept_at']:.0f} % ({rung['train_rows']:,} rows)" for rung in points],
    }


def write_page(folder: Path, to: Path) -> list[Path]:
    """Write README.md and the pictures of the results in `folder`, into the folder `to`, and return their paths.

    Into another folder the figures go too (see condense). Raises KorqgError where there are no results.
    """
    files = [folder / "ladder.json", *sorted(folder.glob("*_rows.json"), reverse=True)]
    found = {file.stem: read_ladder(file) for file in files}
    if to != folder:
        for name, figures in found.items():
            write_json(to / f"{name}.json", figures)
    ladder = found.pop("ladder")
    marked = read_json(to / MARKED) if (to / MARKED).is_file() else None
    write_text(to / "README.md", page(ladder, found, marked))
    written = [to / "README.md"]
    use_korean_font()
    for name, draw in PICTURES.items():
        figure = draw(ladder)
        written += save_figure(figure, to, name, ("png",))
        plt.close(figure)
    return written


@command
def make_page(arguments: list[str] | None = None) -> None:
    """What `python -m korqg.research.ladder_page` does; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=EXAMPLE)
    parser.add_argument("--keep", action="store_true", help="write into outputs/example/ladder, figures included")
    options = parser.parse_args(arguments)
    for path in write_page(options.folder, EXAMPLE if options.keep else options.folder):
        print(path.name)


if __name__ == "__main__":
    sys.exit(make_page())
