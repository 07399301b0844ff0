"""Hangul in matplotlib, and the same colour for the same run everywhere."""

import importlib.util
from pathlib import Path

# Okabe and Ito's palette: told apart by readers with any kind of colour vision.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
BEFORE_COLOR = "#9E9E9E"


def use_korean_font() -> None:
    """Set up matplotlib with NanumGothic for Hangul and DejaVu Sans for what that lacks.

    The font files come with the package koreanize-matplotlib; the package itself is not imported, because
    that fails from Python 3.12 on.
    """
    import matplotlib
    from matplotlib import font_manager

    package = importlib.util.find_spec("koreanize_matplotlib")
    if package is not None:
        known = {entry.fname for entry in font_manager.fontManager.ttflist}
        for font in Path(package.origin).parent.glob("fonts/*.ttf"):
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
        }
    )


def run_colors(run_names: list[str]) -> dict[str, str]:
    """A colour for each run, by its place in the sorted names."""
    return {name: PALETTE[place % len(PALETTE)] for place, name in enumerate(sorted(run_names))}
