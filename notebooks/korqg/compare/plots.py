"""Hangul in pictures and pages without a font of the machine's, and the same colour for the same run everywhere."""

import base64
import importlib.util
import io
import logging
from collections.abc import Iterable
from pathlib import Path

from korqg.files import cannot_write

# Okabe and Ito's palette: told apart by readers with any kind of colour vision.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
BEFORE_COLOR = "#9E9E9E"


def font_files() -> list[Path]:
    """NanumGothic's files, [] where they are not installed.

    They come with the package koreanize-matplotlib (SIL Open Font License 1.1); the package itself is not imported,
    because that fails from Python 3.12 on.
    """
    package = importlib.util.find_spec("koreanize_matplotlib")
    return sorted(Path(package.origin).parent.glob("fonts/*.ttf")) if package is not None else []


def embedded_font(text: str) -> str:
    """NanumGothic with the characters of the text alone, as WOFF in base64; "" where it is not installed."""
    regular = [path for path in font_files() if path.name == "NanumGothic.ttf"]
    if not regular:
        return ""
    from fontTools import subset

    logging.getLogger("fontTools").setLevel(logging.ERROR)  # on tables of hints, which are left out anyway
    options = subset.Options(flavor="woff", hinting=False, layout_features=[], notdef_outline=True)
    font = subset.load_font(str(regular[0]), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=text)
    subsetter.subset(font)
    file = io.BytesIO()
    font.flavor = "woff"
    font.save(file)
    return base64.b64encode(file.getvalue()).decode()


def use_korean_font() -> None:
    """Set up matplotlib with NanumGothic for Hangul and DejaVu Sans for what that lacks.

    The font comes with a package, so a machine needs none of its own (see font_files).
    """
    import matplotlib
    from matplotlib import font_manager

    known = {entry.fname for entry in font_manager.fontManager.ttflist}
    for font in font_files():
        if str(font) not in known:
            font_manager.fontManager.addfont(font)
    families = {entry.name for entry in font_manager.fontManager.ttflist}
    matplotlib.rcParams.update(
        {
            "font.family": [name for name in ("NanumGothic", "DejaVu Sans") if name in families],
            "axes.unicode_minus": False,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.alpha": 0.3,
            "figure.figsize": (8, 4.2),
            "figure.dpi": 110,
            "font.size": 11,
            "savefig.bbox": "tight",
            "svg.fonttype": "path",  # letters as shapes: Hangul shows on a machine without Korean fonts
            "svg.hashsalt": "korqg",  # the same picture gives the same file
        }
    )


def save_figure(figure, folder: Path, name: str, kinds: tuple[str, ...] = ("png", "svg")) -> list[Path]:
    """Save a figure as PNG and as SVG in the folder; their paths. Raises KorqgError when they cannot be written."""
    paths = [folder / f"{name}.{kind}" for kind in kinds]
    for path in paths:
        try:
            figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
            if path.suffix == ".png":
                path.write_bytes(with_palette(path.read_bytes()))
        except OSError as error:
            raise cannot_write(path, error) from None
    return paths


def with_palette(picture: bytes) -> bytes:
    """A PNG with a palette of the 256 colours that stand for its own best: a third of its size, and looks the same."""
    from PIL import Image

    smaller = io.BytesIO()
    whole = Image.open(io.BytesIO(picture)).convert("RGB")
    whole.quantize(256, dither=Image.Dither.NONE).save(smaller, "PNG", optimize=True)
    return smaller.getvalue()


def to_both_sides(means: Iterable[float], lows: Iterable, highs: Iterable) -> list[list[float]]:
    """How far intervals reach below and above their means, as matplotlib's `yerr` wants it; 0 where there is none.

    A percentile interval need not hold the mean of few paragraphs, and a bar of negative length cannot be drawn: 0.
    """
    bounds = list(zip(means, lows, highs, strict=True))
    below = [0.0 if low is None else max(0.0, mean - low) for mean, low, _ in bounds]
    above = [0.0 if high is None else max(0.0, high - mean) for mean, _, high in bounds]
    return [below, above]


def run_colors(run_names: list[str]) -> dict[str, str]:
    """A colour for each run, by its place in the sorted names."""
    return {name: PALETTE[place % len(PALETTE)] for place, name in enumerate(sorted(run_names))}


RATES = {
    "single_question_rate": "single question\n질문 하나",
    "rouge_l": "ROUGE-L\ncharacters · 글자",
    "bleu_4": "BLEU-4\ncharacters · 글자",
    "chrf": "chrF",
    "rouge_l_morphemes": "ROUGE-L\nmorphemes · 형태소",
}
REFERENCES = {
    "human": ("--", "black", "human · 사람"),
    "rule": ("-", "#882255", "rule · 규칙"),
    "first_sentence": (":", "black", "copied · 베낀 글"),
    "random_question": ("-.", "black", "elsewhere · 다른 글"),
}


def draw_rates(groups: list[dict], colors: dict[str, str]):
    """A figure with a panel for each group of compare_groups: RATES before and after, REFERENCES as lines across."""
    import matplotlib.pyplot as plt

    size = {"figsize": (10, 4.2 * len(groups)), "squeeze": False, "layout": "constrained"}
    figure, panels = plt.subplots(len(groups), 1, **size)
    for axes, group in zip(panels[:, 0], groups, strict=True):
        first = next(iter(group["runs"]))
        bars = [(f"{first}, before · 학습 전", group["runs"][first]["before"], BEFORE_COLOR)]
        bars += [(f"{name}, after · 학습 후", stages["after"], colors[name]) for name, stages in group["runs"].items()]
        width = 0.8 / len(bars)
        for place, (label, summary, color) in enumerate(bars):
            means = [100 * (summary[name] or 0.0) for name in RATES]
            lows, highs = (
                [None if summary[f"{name}_{end}"] is None else 100 * summary[f"{name}_{end}"] for name in RATES]
                for end in ("low", "high")
            )
            ends = to_both_sides(means, lows, highs)
            spots = [number + (place + 0.5) * width - 0.4 for number in range(len(RATES))]
            axes.bar(spots, means, width, yerr=ends, capsize=3, color=color, label=label)
        for reference, (style, color, words) in REFERENCES.items():
            summary = group["reference"].get(reference)
            for number, name in enumerate(RATES if summary else ()):
                level = 100 * (summary[name] or 0.0)
                label = words if number == 0 else None
                axes.plot((number - 0.45, number + 0.45), (level, level), linestyle=style, color=color, label=label)
        axes.set_xticks(range(len(RATES)), RATES.values())
        n = group["runs"][first]["before"]["n"]
        axes.set(ylabel="of 100", ylim=(0, 108), title=f"{group['data']}, n = {n}")
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize="small")
    figure.suptitle("Before and after, with 95 % intervals · 학습 전과 후")
    return figure
