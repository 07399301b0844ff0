"""`make example`: the finished run that is kept in git, outputs/example, copied from what `make run` has just made.

    python -m korqg.research.kept_example

run with notebooks/ on PYTHONPATH, after the three notebooks. It takes the executed notebooks (not their HTML: a
notebook is read as it is where git is), the pictures, the page and the small files, and no weights; and it refuses what
would tell where or by whom they were run.
"""

import base64
import getpass
import os
import shutil
import socket
import sys
from pathlib import Path

from korqg.compare.plots import with_palette
from korqg.config import COURSE_FOLDER
from korqg.errors import KorqgError, command
from korqg.files import read_json, write_json, write_text
from korqg.output_folders import NOTEBOOKS, require_finished

OUTPUTS = COURSE_FOLDER / "outputs"
NAME = "sample"
KEPT = ("*.ipynb", "side_by_side.html", "*.png", "*.json", "*.csv", "train_log.jsonl", "chunks.jsonl")
NOT_KEPT = ("corpus.json", "run.json")  # All rows once more, and the state of a run that may go on
PICTURE_WIDTH = 1240
WIDGET = "application/vnd.jupyter.widget-view+json"


def make_example(outputs: Path = OUTPUTS, name: str = NAME) -> list[Path]:
    """Copy the finished folders of this name to outputs/example; the copies' paths.

    The example of before is replaced only when everything is in order. Raises KorqgError when a folder is not
    finished, when the data is not the built-in sample (only its texts may be passed on), and when a file names a
    folder, the computer or the account, or holds a widget that would stand still.
    """
    folders = {stage: outputs / stage / name for stage in NOTEBOOKS}
    for folder in folders.values():
        require_finished(folder)
    if (source := read_json(folders["data"] / "manifest.json")["parameters"]["source"]) != "sample":
        raise KorqgError(f"outputs/data/{name} was made from {source}: only the built-in sample may be passed on.")
    files = [
        file
        for folder in folders.values()
        for pattern in KEPT
        for file in sorted(folder.glob(pattern))
        if file.name not in NOT_KEPT
    ]
    for file in files:
        if file.suffix != ".png":
            _require_shareable(file, outputs)
    example = outputs / "example"
    written = []
    for stage in NOTEBOOKS:
        shutil.rmtree(example / stage / name, ignore_errors=True)
    for file in files:
        copy = example / file.relative_to(outputs)
        copy.parent.mkdir(parents=True, exist_ok=True)
        written.append(Path(shutil.copyfile(file, copy)))
        if file.suffix == ".ipynb":
            shrink_pictures(copy)
            link_copies(copy, name)
    if not take_picture(outputs / "compare" / name / "side_by_side.html", example / "side_by_side.png"):
        print("side_by_side.png is the old one: no browser took a new one (make test installs one).")
    return written


def find_browser() -> str | None:
    """The path of Chromium or Chrome: the one that KORQG_CHROMIUM names, or one that is on the PATH."""
    names = (os.environ.get("KORQG_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, filter(None, names))), None)


def take_picture(page: Path, picture: Path) -> bool:
    """Keep two questions of a side-by-side page as a picture, for the README; False where there is no browser.

    The best and the worst, see picture.js. Wants playwright and Chromium, which `make test` installs.
    """
    found, here = find_browser(), Path(__file__).parent
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return False
    if found is None or not page.is_file():
        return False
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        view = browser.new_page(viewport={"width": PICTURE_WIDTH, "height": 900})
        view.goto(page.resolve().as_uri())
        view.add_style_tag(path=here / "picture.css")
        if chosen := view.evaluate((here / "picture.js").read_text(encoding="utf-8")):
            picture.write_bytes(with_palette(view.locator("section.cards:not([hidden])").first.screenshot()))
        browser.close()
    return chosen


def shrink_pictures(notebook: Path) -> None:
    """Give an executed notebook's pictures a palette (see with_palette)."""
    value = read_json(notebook)
    for output in (output for cell in value["cells"] for output in cell.get("outputs", [])):
        if picture := "".join(output.get("data", {}).get("image/png", "")):
            output["data"]["image/png"] = base64.b64encode(with_palette(base64.b64decode(picture))).decode()
    write_json(notebook, value)


def link_copies(notebook: Path, name: str) -> None:
    """Point an executed notebook's links to the other notebooks at their executed copies, in their stages' folders."""
    text = notebook.read_text(encoding="utf-8")
    for stage, file in NOTEBOOKS.items():
        text = text.replace(f"]({file})", f"](../../{stage}/{name}/{file})")
    write_text(notebook, text)


def _require_shareable(file: Path, outputs: Path) -> None:
    text = file.read_text(encoding="utf-8")
    private = {str(COURSE_FOLDER), str(outputs.resolve()), str(Path.home()), socket.gethostname()}
    private |= {f"/{getpass.getuser()}/"}
    found = [words for words in sorted(private) if len(words) > 3 and words in text]
    if found:
        raise KorqgError(f"{file.relative_to(outputs)} holds {found[0]!r}, which should not be passed on.")
    if WIDGET in text:
        raise KorqgError(f"{file.relative_to(outputs)} holds a widget, which would stand still in a copy.")


@command
def main_example() -> None:
    """What `python -m korqg.research.kept_example` does; the exit code."""
    written = make_example()
    print(f"{len(written)} files, {sum(path.stat().st_size for path in written) / 1e6:.1f} MB in outputs/example")


if __name__ == "__main__":
    sys.exit(main_example())
