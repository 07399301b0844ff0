"""README.md and README.ko.md say the same, and what they name is there."""

import re

from conftest import COURSE

ENGLISH = (COURSE / "README.md").read_text(encoding="utf-8")
KOREAN = (COURSE / "README.ko.md").read_text(encoding="utf-8")


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
    """The lines of the code blocks, their remarks left out; the tree of the layout by its names."""
    blocks = re.findall(r"(?ms)^ *```\n(.*?)^ *```", text)
    lines = [re.sub(r"\s+#.*", "", line).strip() for block in blocks for line in block.splitlines()]
    return [re.split(r"\s{2,}(?=\S*[^\x00-\x7f]|[a-z])", line)[0] if "/" in line else line for line in lines]


def _numbers(text: str) -> list[str]:
    """The figures of two digits or more outside the code blocks, in any order; 2억 7천만 is 270 million."""
    text = re.sub(r"(?ms)^ *```\n.*?^ *```", "", text).replace("2억 7천만", "270")
    return sorted(re.findall(r"(?<![\w.-])\d[\d,]*\d(?:\.\d+)?|(?<![\w.-])\d\.\d+", text))


def test_both_have_the_same_sections_lists_and_tables():
    assert _shape(ENGLISH) == _shape(KOREAN)


def test_both_have_the_same_commands():
    theirs, ours = (
        [line for line in _commands(text) if line.startswith((".venv", "make ", "mkdir", "-p", "cd ", "python"))]
        for text in (ENGLISH, KOREAN)
    )
    assert theirs == ours and len(ours) > 10


def test_both_give_the_same_figures():
    assert _numbers(ENGLISH) == _numbers(KOREAN)
    assert len(_numbers(ENGLISH)) > 60


def test_links_lead_to_what_is_there():
    for text in (ENGLISH, KOREAN):
        for target in re.findall(r"\]\(([^)#]+)\)", text):
            if not target.startswith("http"):
                assert (COURSE / target).exists(), target
        for path in re.findall(r"notebooks/[\w./]+\.(?:ipynb|yaml|md|csv)", text):
            assert (COURSE / path).is_file(), path


def test_the_two_commands_are_within_the_first_screen():
    from matplotlib.image import imread

    for text in (ENGLISH, KOREAN):
        lines = text.splitlines()
        assert "make run" in "\n".join(lines[:20])
        (picture,) = re.findall(r"!\[[^\]]+\]\((outputs/[^)]+)\)", "\n".join(lines[:20]))
        assert imread(COURSE / picture).shape[0] <= 420  # pixels


def test_workflow_runs_the_two_commands_on_the_versions_that_the_readme_names():
    import yaml

    workflow = yaml.safe_load((COURSE / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    (job,) = workflow["jobs"].values()
    versions = job["strategy"]["matrix"]["python-version"]
    assert f"with Python {', '.join(versions[:-1])} and {versions[-1]}" in ENGLISH
    commands = [step["run"].split()[:2] for step in job["steps"] if "run" in step]
    assert commands == [["make", "test"], ["make", "run"]]
    assert re.search(r"^make test$", (COURSE / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)


def test_repository_without_git_is_small():
    """20 MB at most, of what git tracks or would track: 8 of them are the adapter that is kept."""
    import subprocess

    import pytest

    listed = subprocess.run(
        ["git", "-C", str(COURSE), "ls-files", "-co", "--exclude-standard", "-z"], capture_output=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git repository")
    files = [COURSE / name for name in listed.stdout.decode().split("\0") if name]
    assert sum(file.stat().st_size for file in files if file.is_file()) < 20e6
