"""`make address`: where the course is published, in the setup cells and in the badges of notebooks and READMEs.

python -m korqg.research.address account/name
"""

import re
import sys
from pathlib import Path

from korqg.config import COURSE_FOLDER
from korqg.files import write_text

FILES = ("notebooks/*.ipynb", "outputs/example/*/*/*.ipynb", "README.md", "README.ko.md")
ADDRESS = re.compile(r'(?<=REPOSITORY = \\")[^\\"]+|(?<=research\.google\.com/github/)[\w.-]+/[\w.-]+(?=/blob/)')
"""The constant of a setup cell, as it stands in the file, and the part of a badge's link that is the same."""


def write_address(repository: str, folder: Path = COURSE_FOLDER) -> None:
    """Put GitHub's account/name for every address in FILES. Raises SystemExit for one of another shape."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+", repository):
        raise SystemExit(f"{repository!r} is no GitHub address: make address REPOSITORY=account/name")
    for path in sorted(path for pattern in FILES for path in folder.glob(pattern)):
        text, count = ADDRESS.subn(repository, path.read_text(encoding="utf-8"))
        write_text(path, text)
        print(f"{count} in {path.relative_to(folder)}")


if __name__ == "__main__":
    write_address(*sys.argv[1:2] or [""])
