"""The ladder told: a table, three pictures and a page from its results alone, without a model and without the corpus.

    python -m korqg.research.ladder_page [FOLDER]

run with notebooks/ on PYTHONPATH. FOLDER holds `ladder.json` and, where they were run, `few_rows.json` and
`all_rows.json` (see korqg.research.ladder); it gets `README.md` and the pictures. The default is the folder of the
results that are kept in git, outputs/example/ladder.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from korqg.config import COURSE_FOLDER
from korqg.errors import KorqgError
from korqg.files import read_json, write_text

EXAMPLE = COURSE_FOLDER / "outputs" / "example" / "ladder"
BOOTSTRAP_SAMPLES = 2000

RUNGS = {
    "1_first_attempt": (
        "1. the first attempt · 첫 시도",
        "Headings of its own (###), every row padded to 512 tokens with the stop token, loss on all of it, no stop "
        "token behind the answer, adapters on the attention layers, 98 rows.",
    ),
    "2_loss_on_answer": (
        "2. + loss on the answer · 답에만 손실",
        "The loss looks at the question and a stop token behind it. Before, some 490 of the 512 tokens of a row that "
        "counted were headings, paragraph and padding, and the padding alone showed where an answer ends.",
    ),
    "3_gemmas_turns": (
        "3. + Gemma's turns · Gemma의 대화 차례",
        "Gemma's marks take the place of the headings. The base model has hardly seen them: behind a sentence or a "
        "question it writes unused tokens where the mark should be that ends a turn, and goes on. (An "
        "instruction-tuned Gemma knows the mark.)",
    ),
    "4_all_linear": (
        "4. + all linear layers · 모든 선형 층",
        "The MLP layers get adapters too, and the rank is 16: five times as many parameters learn. Now the mark is "
        "learnt. Which layers they are matters less: as many on the attention layers alone do about as well (below).",
    ),
    "5_learning_rate": (
        "5. + validation chooses · 검증으로 고르기",
        "The learning rate, and which weights are kept, are chosen on validation articles.",
    ),
    "6_rows_1000": ("6. + 1,000 rows · 1,000행", "Ten times the rows, the same recipe."),
    "7_rows_all": (
        "7. + all rows · 모든 행",
        "All rows, each seen once, in place of 1,000 seen three times; nothing is learnt by heart, and the weights "
        "that are kept are the last ones.",
    ),
    "8_swept": (
        "8. swept · 조정한 마지막 레시피",
        "Learning rate, rank, batch, passes and dropout as a sweep over all rows chose them on validation articles: in "
        "the end those of rung 7 once more, here with paragraphs uncut (1,024 tokens for 512).",
    ),
    "beside_first_attempt_all_rows": (
        "the first attempt with all rows · 첫 시도에 모든 행",
        "Was the data set too small, as the first attempt concluded?",
    ),
    "beside_rate_alone": (
        "rung 8, by the rate alone · 8단계, 비율로만 고름",
        "What the sweep over all rows chose first, when the single-question rate of the validation paragraphs alone "
        "decided: rank 64, learning rate 5e-4, two passes. The rule was changed after this had come out.",
    ),
    "beside_attention_only": (
        "rung 5, attention only · 5단계, 어텐션만",
        "As many parameters as rung 5, all of them beside the attention layers.",
    ),
    "beside_rows_300": ("rung 5 with 300 rows · 5단계, 300행", "A point of the curve over rows."),
    "beside_rows_2000": (
        "rung 5 with 2,000 rows · 5단계, 2,000행",
        "A point of the curve over rows, each seen 1.8 times.",
    ),
}
"""The rungs in the order of the story: a name, and what was changed. Rungs of other names are shown behind them."""

CURVE = ("5_learning_rate", "beside_rows_300", "6_rows_1000", "beside_rows_2000", "7_rows_all")
"""The rungs that differ in the number of rows."""

FIGURES = {
    "single_question_rate": "single question (%)",
    "stop_rate": "stopped (%)",
    "rouge_l": "ROUGE-L",
    "copy_rate": "copied (%)",
}
SAME_RATE = 5.0
SAME_LOSS = 0.01
RULE = (
    f"of the variants within {SAME_RATE:.0f} points of the best single-question rate, which so few paragraphs cannot "
    f"tell apart, those within {SAME_LOSS} nats of the lowest validation loss, and of these the highest rate."
)
"""How a sweep is decided, see in_order_of_choice."""

SWEPT = ("learning_rate", "lora_rank", "lora_alpha", "batch_size", "num_epochs", "lora_dropout")


@dataclass(frozen=True)
class Estimate:
    """A figure of one rung, in points of 100: the mean over seeds and paragraphs, its 95 % interval, each seed's."""

    mean: float
    low: float
    high: float
    seeds: list[float]

    def __str__(self) -> str:
        return f"{self.mean:.1f} ({self.low:.1f} to {self.high:.1f})"


def read_ladder(path: Path) -> dict:
    """The results of a ladder or a sweep. Raises KorqgError when the file is absent or of another shape."""
    if not path.is_file():
        raise KorqgError(f"{path.name} is not in {path.parent.name}/: run `make ladder` first (a GPU, and KorQuAD).")
    ladder = read_json(path)
    results = ladder.get("results") if isinstance(ladder, dict) else None
    if not isinstance(results, list) or not all(isinstance(row, dict) and "questions" in row for row in results):
        raise KorqgError(f"{path.name} does not hold results of the ladder.")
    if not results:
        raise KorqgError(f"{path.name} holds no finished run yet.")
    return ladder


def by_rung(ladder: dict) -> dict[str, list[dict]]:
    """The results of each rung, by seed, in the order of the story."""
    names = dict.fromkeys(row["rung"] for row in ladder["results"])
    ordered = [name for name in RUNGS if name in names] + [name for name in names if name not in RUNGS]
    return {name: [row for row in ladder["results"] if row["rung"] == name] for name in ordered}


def title_of(rung: str) -> str:
    return RUNGS[rung][0] if rung in RUNGS else rung


def estimate(rows: list[dict], name: str, samples: int = BOOTSTRAP_SAMPLES) -> Estimate:
    """A figure of FIGURES with its interval, for the results of one rung.

    Seeds and paragraphs are both drawn with replacement, `samples` times (a bootstrap on two levels): the interval
    covers the choice of the test paragraphs and that of the seed, so far as three seeds can tell.
    """
    import numpy

    ids = [question["id"] for question in rows[0]["questions"]]
    table = numpy.zeros((len(rows), len(ids)))
    for line, row in enumerate(rows):
        values = {question["id"]: _value(question, name) for question in row["questions"]}
        table[line] = [values[one] for one in ids]
    generator = numpy.random.default_rng(0)
    seeds = generator.multinomial(len(rows), [1 / len(rows)] * len(rows), samples) / len(rows)
    paragraphs = generator.multinomial(len(ids), [1 / len(ids)] * len(ids), samples) / len(ids)
    drawn = ((seeds @ table) * paragraphs).sum(1)
    low, high = numpy.percentile(drawn, (2.5, 97.5))
    return Estimate(100 * table.mean(), 100 * float(low), 100 * float(high), [100 * x for x in table.mean(1).tolist()])


def _value(question: dict, name: str) -> float:
    return float(question[{"single_question_rate": "single_question", "stop_rate": "stopped"}.get(name, name)])


def mean_loss(rows: list[dict]) -> float:
    """The validation loss in nats per token of the question, mean over the seeds."""
    return sum(row["eval_loss_after"] for row in rows) / len(rows)


def table_rows(ladder: dict) -> list[dict[str, str]]:
    """One row for each rung, and for what people and two floors reach, ready to be shown."""
    shown = []
    for rung, rows in by_rung(ladder).items():
        shown.append(
            {
                "rung": title_of(rung),
                "rows": f"{rows[0]['train_rows']:,}",
                "seeds": str(len(rows)),
                "validation loss": f"{mean_loss(rows):.2f}",
                **{heading: str(estimate(rows, name)) for name, heading in FIGURES.items()},
            }
        )
    words = {
        "human": "a human question against the others · 사람",
        "first_sentence": "the first sentence copied · 첫 문장 복사",
        "random_question": "a question from elsewhere · 다른 글의 질문",
    }
    for name, figures in (ladder.get("reference") or {}).items():
        row = {"rung": words[name], "rows": "", "seeds": "", "validation loss": ""}
        for figure, heading in FIGURES.items():
            mean, low, high = (figures.get(f"{figure}{end}") for end in ("", "_low", "_high"))
            row[heading] = "" if mean is None else f"{100 * mean:.1f}"
            if None not in (mean, low, high):
                row[heading] += f" ({100 * low:.1f} to {100 * high:.1f})"
        shown.append(row)
    for row in ladder.get("failed") or []:
        shown.append(dict.fromkeys(shown[0], "") | {"rung": f"{title_of(row['rung'])}, seed {row['seed']}: failed"})
    return shown


def in_order_of_choice(sweep: dict) -> list[list[dict]]:
    """The results of each variant of a sweep, the chosen one first.

    The rule, of RULE: on some 80 validation paragraphs single-question rates within SAME_RATE points cannot be told
    from the best one, and validation losses within SAME_LOSS nats of the lowest differ no more than those of two
    seeds. Of the variants that pass both, the highest rate wins, and among equals the lowest loss.
    """
    groups = list(by_rung(sweep).values())
    rates = {rows[0]["rung"]: estimate(rows, "single_question_rate", 1).mean for rows in groups}
    proper = [rows for rows in groups if rates[rows[0]["rung"]] >= max(rates.values()) - SAME_RATE]
    lowest = min(map(mean_loss, proper))

    def place(rows: list[dict]) -> tuple:
        passes = rows in proper and mean_loss(rows) <= lowest + SAME_LOSS
        return (not passes, -round(rates[rows[0]["rung"]]), mean_loss(rows))

    return sorted(groups, key=place)


def sweep_rows(sweep: dict) -> list[dict[str, str]]:
    """One row for each variant of a sweep, the chosen one first; figures of validation articles."""
    shown = []
    groups = in_order_of_choice(sweep)
    varied = [name for name in SWEPT if len({str(rows[0]["parameters"][name]) for rows in groups}) > 1]
    for rows in groups:
        shown.append(
            {
                **{name: f"{rows[0]['parameters'][name]}" for name in varied},
                "validation loss": f"{mean_loss(rows):.3f}",
                **{heading: str(estimate(rows, name)) for name, heading in FIGURES.items()},
            }
        )
    return shown


def markdown_table(rows: list[dict[str, str]]) -> str:
    """Rows with the same keys as a table in Markdown; a bar within a cell is escaped."""
    heads = list(rows[0])
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    lines += ["| " + " | ".join(row[head].replace("|", "\\|") for head in heads) + " |" for row in rows]
    return "\n".join(lines)


def same_paragraph(ladder: dict) -> tuple[str, dict[str, dict]]:
    """A test paragraph's id and what each rung asked about it (an entry of `questions`), of the first seed.

    It is the first one, in the order of the data, where the first rung's output fails the check and the last one's
    passes; where there is none, the first of all.
    """
    outputs = {rung: {one["id"]: one for one in rows[0]["questions"]} for rung, rows in _rungs(ladder)}
    first, last = next(iter(outputs.values())), list(outputs.values())[-1]
    chosen = [one for one in first if last[one]["single_question"] and not first[one]["single_question"]]
    place = (chosen or list(first))[0]
    return place, {rung: some[place] for rung, some in outputs.items()}


def _rungs(ladder: dict) -> list[tuple[str, list[dict]]]:
    """The rungs proper, without what stands beside them."""
    found = by_rung(ladder)
    return [(rung, rows) for rung, rows in found.items() if not rung.startswith("beside_")] or list(found.items())


def draw_rungs(ladder: dict):
    """A matplotlib figure: each rung's single-question rate and ROUGE-L, intervals as lines, seeds as dots."""
    import matplotlib.pyplot as plt

    from korqg.compare.plots import PALETTE

    found = list(by_rung(ladder).items())
    figure, panels = plt.subplots(1, 2, figsize=(11, 0.45 * len(found) + 1.6), sharey=True, layout="constrained")
    for axes, name in zip(panels, ("single_question_rate", "rouge_l"), strict=True):
        for place, (rung, rows) in enumerate(found):
            known = estimate(rows, name)
            color = PALETTE[5] if rung.startswith("beside_") else PALETTE[0]
            ends = [[max(0.0, known.mean - known.low)], [max(0.0, known.high - known.mean)]]
            axes.barh(place, known.mean, 0.6, xerr=ends, color=color, capsize=3)
            axes.plot(known.seeds, [place] * len(known.seeds), "o", color="black", markersize=3, zorder=3)
        human = (ladder.get("reference") or {}).get("human")
        if human:
            axes.axvline(100 * human[name], linestyle="--", color="black", linewidth=1, label="human · 사람")
        axes.set(xlim=(0, 100 if name == "single_question_rate" else None))
        axes.set_xlabel("single question (%) · 질문 하나" if name == "single_question_rate" else "ROUGE-L · 글자")
    panels[0].set_yticks(range(len(found)), [title_of(rung) for rung, _ in found])
    panels[0].invert_yaxis()
    if panels[1].get_legend_handles_labels()[0]:
        panels[1].legend(fontsize="small")
    figure.suptitle("One change at a time · 한 번에 하나씩")
    return figure


def draw_losses(ladder: dict):
    """A matplotlib figure: training and validation loss of the first and the last rung, first seed, by epoch."""
    import matplotlib.pyplot as plt

    from korqg.compare.plots import PALETTE

    rungs = _rungs(ladder)
    figure, axes = plt.subplots(figsize=(8, 4.2), layout="constrained")
    for color, (rung, rows) in zip((PALETTE[1], PALETTE[0]), (rungs[0], rungs[-1]), strict=False):
        steps = rows[0]["steps"]
        for key, style, words in (
            ("loss", dict(linewidth=1, alpha=0.6), "training · 학습"),
            ("eval_loss", dict(marker="o"), "validation · 검증"),
        ):
            points = [(100 * entry["step"] / steps, entry[key]) for entry in rows[0]["losses"] if key in entry]
            if points:
                axes.plot(*zip(*points, strict=True), color=color, label=f"{title_of(rung)}, {words}", **style)
    axes.set(title="Loss · 손실", xlabel="share of the run (%) · 진행", ylabel="loss per token (nats) · 토큰당 손실")
    axes.set_ylim(0, None)
    axes.legend(fontsize="small")
    return figure


def draw_rows(ladder: dict):
    """A matplotlib figure: validation loss and single-question rate against the training rows (logarithmic)."""
    import matplotlib.pyplot as plt

    from korqg.compare.plots import PALETTE

    found = by_rung(ladder)
    points = sorted((found[rung] for rung in CURVE if rung in found), key=lambda rows: rows[0]["train_rows"])
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    counts = [rows[0]["train_rows"] for rows in points]
    losses = [[row["eval_loss_after"] for row in rows] for rows in points]
    means = [mean_loss(rows) for rows in points]
    ends = [[mean - min(some) for mean, some in zip(means, losses, strict=True)]]
    ends.append([max(some) - mean for mean, some in zip(means, losses, strict=True)])
    left.errorbar(counts, means, yerr=ends, marker="o", capsize=3, color=PALETTE[0])
    for count, some in zip(counts, losses, strict=True):
        left.plot([count] * len(some), some, "o", color="black", markersize=3, zorder=3)
    known = [estimate(rows, "single_question_rate") for rows in points]
    ends = [[max(0.0, one.mean - one.low) for one in known], [max(0.0, one.high - one.mean) for one in known]]
    right.errorbar(counts, [one.mean for one in known], yerr=ends, marker="o", capsize=3, color=PALETTE[0])
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


def draw_all(ladder: dict, folder: Path) -> list[Path]:
    """Save the three pictures in the folder as PNG and SVG; their paths."""
    import matplotlib.pyplot as plt

    from korqg.compare.plots import save_figure, use_korean_font

    use_korean_font()
    written = []
    for name, draw in PICTURES.items():
        figure = draw(ladder)
        written += save_figure(figure, folder, name)
        plt.close(figure)
    return written


def page(ladder: dict, sweeps: dict[str, dict]) -> str:
    """The page in Markdown. Every figure in it comes from the results."""
    rungs = _rungs(ladder)
    first, last = rungs[0][1], rungs[-1][1]
    place, asked = same_paragraph(ladder)
    devices = ", ".join(sorted({row["device"] for row in ladder["results"]}))
    seeds = sorted({row["seed"] for row in ladder["results"]})
    changes = [{"rung": title_of(rung), "what changed": RUNGS[rung][1]} for rung in by_rung(ladder) if rung in RUNGS]
    examples = [
        {
            "rung": title_of(rung),
            "output": "`" + one["model_output"].replace("\n", "⏎").replace("`", "'")[:200] + "`",
            "a single question": "yes" if one["single_question"] else "no",
        }
        for rung, one in asked.items()
    ]
    parts = [
        "# Why the first attempt failed · 첫 시도는 왜 실패했나",
        f"One change of the training at a time, {ladder['model']}, KorQuAD 1.0's development set split by article; "
        f"{len(first[0]['questions'])} test paragraphs, one greedy question each; seeds "
        f"{', '.join(map(str, seeds))}; {devices}. Means over the seeds, in brackets 95 % intervals (bootstrap over "
        "seeds and paragraphs). Every figure here comes from `ladder.json`; "
        "`PYTHONPATH=notebooks python -m korqg.research.ladder_page` writes this page and its pictures anew.",
        f"From {estimate(first, 'single_question_rate')} % single questions on the first rung to "
        f"{estimate(last, 'single_question_rate')} % on the last, and ROUGE-L from {estimate(first, 'rouge_l')} to "
        f"{estimate(last, 'rouge_l')}.",
        markdown_table(table_rows(ladder)),
        "![Single-question rate and ROUGE-L of each rung](rates.png)",
        "## What each change is · 무엇을 바꾸었나",
        markdown_table(changes) if changes else "",
        "## The same paragraph on each rung · 같은 문단에 대한 질문",
        f"The test paragraph of question {place}: the first, in the order of the data, where the first rung's output "
        "fails the check of form and the last one's passes (first seed). ⏎ is a line break; long outputs are cut, and "
        "what one quotes of the paragraph beyond 24 letters is left out: the corpus may not be passed on.",
        markdown_table(examples),
        "## The losses · 손실",
        "![Training and validation loss of the first and the last rung](losses.png)",
        "The first rung's training loss counts headings, paragraphs and padding too, so it does not compare with "
        "another's. The validation loss counts the question alone, on every rung, and does.",
        "## More rows · 데이터의 크기",
        "![Validation loss and single-question rate against the number of rows](rows.png)",
        "The lines of the loss end at its lowest and highest seed (dots), those of the rate are 95 % intervals.",
        curve_in_words(ladder),
    ]
    for name, sweep in sweeps.items():
        title = {"few_rows": "98 rows", "all_rows": "all rows"}.get(name, name)
        count = len(sweep["results"][0]["questions"])
        seed = ", ".join(sorted({str(row["seed"]) for row in sweep["results"]}))
        parts += [
            f"## The sweep over {title} · 검증 데이터로 고르기",
            f"On the {count} paragraphs of the validation articles, seed {seed}; the test articles have no part in it. "
            f"The first line is the choice: {RULE}",
            markdown_table(sweep_rows(sweep)),
        ]
    failed = [f"- {row['rung']}, seed {row['seed']}: {row['error']}" for row in ladder["failed"]]
    if failed:
        parts += ["## Failed · 실패한 실행", "\n".join(failed)]
    return "\n\n".join(part for part in parts if part) + "\n"


def curve_in_words(ladder: dict) -> str:
    """What ten times the rows were worth, and what the same step again would give for 60,000, or nothing."""
    import math

    found = by_rung(ladder)
    points = sorted((found[rung] for rung in CURVE if rung in found), key=lambda rows: rows[0]["train_rows"])
    if len(points) < 2:
        return ""
    import numpy

    counts = [math.log10(rows[0]["train_rows"]) for rows in points]
    slope, start = numpy.polyfit(counts, [mean_loss(rows) for rows in points], 1)
    known = f"{points[0][0]['train_rows']:,} to {points[-1][0]['train_rows']:,}"
    rates = {rows[0]["train_rows"]: estimate(rows, "single_question_rate", 1).seeds for rows in points}
    widest = max(rates, key=lambda count: max(rates[count]) - min(rates[count]))
    kept = [f"{_kept_at(rows):.0f} % ({rows[0]['train_rows']:,} rows)" for rows in points]
    return (
        f"Ten times the rows lower the validation loss by {-slope:.2f} nats (a straight line through {len(points)} "
        f"points, {known} rows). The same line would reach {start + slope * math.log10(60_000):.2f} at 60,000 rows, "
        "the size of KorQuAD 1.0's training set: a guess beyond what was measured, not a measurement. The "
        f"single-question rate rises less evenly: with {widest:,} rows it lies between {min(rates[widest]):.1f} and "
        f'{max(rates[widest]):.1f} %, from seed to seed. A likely reason is `keep="best"`: the weights of the lowest '
        f"validation loss are those at {', '.join(kept)} of the run, on average; where rows are seen several times, it "
        "is in the midst of the learning rate's way down, before the form has settled, and most failures are sentences "
        "copied without an end."
    )


def _kept_at(rows: list[dict]) -> float:
    """At which percentage of the run the validation loss was lowest, mean over the seeds."""
    shares = []
    for row in rows:
        known = [(one["eval_loss"], one["step"]) for one in row["losses"] if one.get("eval_loss") and one["step"]]
        shares.append(100 * min(known)[1] / row["steps"])
    return sum(shares) / len(shares)


def write_page(folder: Path) -> list[Path]:
    """Write README.md and the pictures from the results in the folder; their paths. Raises KorqgError without any."""
    ladder = read_ladder(folder / "ladder.json")
    sweeps: dict[str, Any] = {path.stem: read_ladder(path) for path in sorted(folder.glob("*_rows.json"), reverse=True)}
    written = draw_all(ladder, folder)
    write_text(folder / "README.md", page(ladder, sweeps))
    return [folder / "README.md", *written]


def make_page(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=EXAMPLE)
    options = parser.parse_args(arguments)
    try:
        for path in write_page(options.folder):
            print(path.name)
    except KorqgError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(make_page())
