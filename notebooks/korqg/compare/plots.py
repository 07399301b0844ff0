"""Hangul in matplotlib, and the same colour for the same run everywhere."""

from pathlib import Path

from korqg.compare.fonts import font_files
from korqg.files import cannot_write

# Okabe and Ito's palette: told apart by readers with any kind of colour vision.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
BEFORE_COLOR = "#9E9E9E"


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
        except OSError as error:
            raise cannot_write(path, error) from None
    return paths


def error_bars(summaries: list[dict], name: str) -> tuple[list[float], list[list[float]]]:
    """A figure's means in points of 100, and the lengths of its intervals to both sides (0 where there is none)."""
    means = [summary[name] or 0.0 for summary in summaries]
    ends = [(summary[f"{name}_low"], summary[f"{name}_high"]) for summary in summaries]
    below = [0.0 if low is None else 100 * (mean - low) for mean, (low, _) in zip(means, ends, strict=True)]
    above = [0.0 if high is None else 100 * (high - mean) for mean, (_, high) in zip(means, ends, strict=True)]
    # A percentile interval need not hold the mean of few paragraphs: a bar of negative length cannot be drawn.
    return [100 * mean for mean in means], [[max(0.0, x) for x in below], [max(0.0, x) for x in above]]


def run_colors(run_names: list[str]) -> dict[str, str]:
    """A colour for each run, by its place in the sorted names."""
    return {name: PALETTE[place % len(PALETTE)] for place, name in enumerate(sorted(run_names))}
