"""NanumGothic, for pictures and pages on a machine without a Korean font."""

import base64
import importlib.util
import io
import logging
from pathlib import Path


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
