"""The READMEs and their Korean versions say the same, and what they name is there."""

import ast
import json
import re
from pathlib import Path

import pytest
from conftest import COURSE

PAGES = ("README.md", "tests/README.md", "outputs/README.md", "outputs/example/README.md")
PAGES += ("notebooks/recipes/README.md", "notebooks/sample_data/README.md")
"""Those with a Korean version beside them, README.ko.md."""

NOTEBOOKS = sorted((COURSE / "notebooks").glob("*.ipynb"))


def _read(page: str) -> str:
    return (COURSE / page).read_text(encoding="utf-8")


def _both(page: str) -> tuple[str, str]:
    """The page in English and in Korean."""
    return _read(page), _read(page.replace(".md", ".ko.md"))


def _shape(text: str) -> list[str]:
    """The headings' levels, the list items' kinds, and the tables' widths, in order."""
    found = []
    fenced = False
    for line in text.splitlines():
        fenced ^= line.strip().startswith("```")
        if fenced or not line:
            continue
        if match := re.match(r"#+ |- |\d\. ", line):
            found.append(match[0])
        elif line.startswith("|"):
            found.append(f"{line.count('|')} cells")
    return found


def _commands(text: str) -> list[str]:
    """The lines of the code blocks, continued lines as one, their remarks left out."""
    blocks = re.findall(r"(?ms)^ *```\n(.*?)^ *```", text)
    lines = [line for block in blocks for line in re.sub(r"\\\n\s*", "", block).splitlines()]
    return [line for line in (re.sub(r"(^|\s+)#.*", "", line).strip() for line in lines) if line]


def _numbers(text: str) -> list[str]:
    """The figures of two digits or more outside the code blocks, in any order; 2억 7천만 is 270 million."""
    text = re.sub(r"(?ms)^ *```\n.*?^ *```", "", text).replace("2억 7천만", "270")
    text = re.sub(r"\]\([^)]+\)", "]", text)
    return sorted(re.findall(r"(?<![\w.-])\d[\d,]*\d(?:\.\d+)?|(?<![\w.-])\d\.\d+", text))


def _anchors(text: str) -> set[str]:
    """The headings' addresses, as GitHub makes them."""
    headings = re.findall(r"(?m)^#+ (.*)$", text)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _parameters(notebook: Path) -> set[str]:
    """The names that the notebook's cell of parameters sets."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    (source,) = ["".join(cell["source"]) for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    return {node.target.id for node in ast.parse(source).body if isinstance(node, ast.AnnAssign)}


@pytest.mark.parametrize("page", PAGES)
def test_both_have_the_same_sections_lists_and_tables(page):
    english, korean = _both(page)
    assert _shape(english) == _shape(korean)


@pytest.mark.parametrize("page", PAGES)
def test_both_have_the_same_commands(page):
    english, korean = _both(page)
    assert _commands(english) == _commands(korean)


@pytest.mark.parametrize("page", PAGES)
def test_both_give_the_same_figures(page):
    english, korean = _both(page)
    assert _numbers(english) == _numbers(korean) != []


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_what_is_there(page):
    folder = (COURSE / page).parent
    for text in _both(page):
        for target, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]+))?\)", text):
            if not target.startswith("http"):
                assert (folder / target).exists(), target
                assert not anchor or anchor in _anchors((folder / target).read_text(encoding="utf-8")), anchor
        for path in re.findall(r"notebooks/[\w./]+\.(?:ipynb|yaml|md|csv)", re.sub(r"\]\([^)]+\)", "]", text)):
            assert (COURSE / path).is_file(), path


@pytest.mark.parametrize("page", PAGES)
def test_commands_name_targets_modules_and_parameters_that_are_there(page):
    targets = set(re.findall(r"(?m)^(\w+):", _read("Makefile")))
    known = set().union(*map(_parameters, NOTEBOOKS))
    commands = _commands(_read(page))
    for line in [*commands, *re.findall(r"`(make [^`]+)`", _read(page))]:
        for target in re.findall(r"^make (\w+)", line):
            assert target in targets, line
        for module in re.findall(r"-m (korqg[\w.]*)", line):
            path = COURSE / "notebooks" / module.replace(".", "/")
            assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), line
        for named in re.findall(r"-m papermill .*?(notebooks/\w+\.ipynb)", line):
            used = set(re.findall(r"-p (\w+)|-y '(\w+)", line))
            assert {name for pair in used for name in pair if name} <= _parameters(COURSE / named), line
        if line.startswith("make train"):
            assert set(re.findall(r"-p (\w+)", line)) <= known, line


def test_readme_is_short():
    for text in _both("README.md"):
        assert len(text.splitlines()) <= 120
        assert len(text.split()) <= 1000


def test_first_screen_has_the_picture_the_two_commands_and_the_finished_notebooks():
    from matplotlib.image import imread

    for text in _both("README.md"):
        lines = text.splitlines()
        assert {"make run", "make test"} <= set(_commands("\n".join(lines[:20])))
        (picture,) = re.findall(r"!\[[^\]]+\]\((outputs/[^)]+)\)", "\n".join(lines[:20]))
        assert imread(COURSE / picture).shape[0] <= 420  # pixels
        finished = re.findall(r"\]\((outputs/example/[^)]+\.ipynb)\)", "\n".join(lines[:30]))
        assert [Path(path).name for path in finished] == [path.name for path in NOTEBOOKS]


def test_workflow_runs_the_two_commands_on_the_versions_that_the_readme_names():
    import yaml

    workflow = yaml.safe_load((COURSE / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    (job,) = workflow["jobs"].values()
    versions = job["strategy"]["matrix"]["python-version"]
    for text in _both("tests/README.md"):
        (about,) = [line for line in text.splitlines() if "ci.yml" in line]
        assert re.findall(r"3\.\d+", about) == versions
    commands = [step["run"].split()[:2] for step in job["steps"] if "run" in step]
    assert commands == [["make", "test"], ["make", "run"]]
    assert re.search(r"^make test$", (COURSE / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)


def test_repository_without_git_is_small():
    """20 MB at most, of what git tracks or would track: 8 of them are the adapter that is kept."""
    import subprocess

    listed = subprocess.run(
        ["git", "-C", str(COURSE), "ls-files", "-co", "--exclude-standard", "-z"], capture_output=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git repository")
    files = [COURSE / name for name in listed.stdout.decode().split("\0") if name]
    assert sum(file.stat().st_size for file in files if file.is_file()) < 20e6
