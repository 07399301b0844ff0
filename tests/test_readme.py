"""README.md and README.ko.md say the same, and what they name is there."""

import re

from conftest import COURSE

from korqg.files import read_json
from korqg.measure_ways import ways_table

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
        assert imread(COURSE / picture).shape[0] <= 400  # pixels


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
    """15 MB at most, of what git tracks or would track."""
    import subprocess

    import pytest

    listed = subprocess.run(
        ["git", "-C", str(COURSE), "ls-files", "-co", "--exclude-standard", "-z"], capture_output=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git repository")
    files = [COURSE / name for name in listed.stdout.decode().split("\0") if name]
    assert sum(file.stat().st_size for file in files if file.is_file()) < 15e6


def _ways(name: str) -> tuple[list[dict], list[list[str]]]:
    """The kept results of that name, and the lines of their table as cells, the heads first, people last."""
    results = read_json(COURSE / "outputs" / "example" / "ways" / name)["results"]
    lines = [re.split(r" {2,}", line.strip()) for line in ways_table(results).splitlines()]
    lines[-1].insert(1, "")  # of the human questions: no seeds
    return results, lines


def test_ways_of_asking_have_the_figures_of_the_kept_results():
    results, lines = _ways("ways.json")
    earlier, of_before = _ways("by_confidence.json")
    names = ("single question %", "answerable %", "of the human rate %", "gives its answer away %", "ROUGE-L")
    wanted = [lines[0].index(name) for name in names]
    assert (len(lines), len(of_before)) == (10, 8)
    for line in [*lines[1:], *(line for line in of_before[1:] if not line[0].endswith("greedy"))]:
        row = next(row for row in ENGLISH.splitlines() if row.startswith("|") and line[wanted[1]] in row)
        assert all(line[place] in row for place in wanted), (line, row)
    pairs = [row["preferences"]["pairs"] for row in earlier]
    rows = {row["kind"]: row["train_rows"] for row in results}
    means = {line[0]: [line[place].split(" ")[0] for place in wanted] for line in lines[1:]}
    before = {line[0]: [line[place].split(" ")[0] for place in wanted] for line in of_before[1:]}
    losses = [
        float(before[f"{kind}, greedy"][-1]) - float(before[f"{kind}, best_of"][-1])
        for kind in ("question", "answer_first")
    ]
    loss = float(means["answer_first, greedy"][-1]) - float(means["answer_first, best_of"][-1])
    kept = sorted(float(line[lines[0].index("kept")].split(" ")[0]) for line in lines[1:-1] if "best_of" in line[0])
    for sentence in (
        f"({loss:.1f} points of ROUGE-L less)",
        f"Of three questions for a paragraph {kept[0]:.1f} to {kept[-1]:.1f} pass the checks of the ranking",
        f"({rows['half_filtered']:,} of the {rows['half']:,} of half of the articles",
        f"{min(losses):.1f} to {max(losses):.1f} points of ROUGE-L below",
        f"preference tuning on {min(pairs)} to {max(pairs)} pairs".capitalize(),
        f"from {before['question, greedy'][2]} to {before['question, preferred'][2]} % of the human rate",
        f"from {before['answer_first, greedy'][2]} to {before['answer_first, preferred'][2]} % where",
    ):
        assert sentence in ENGLISH, sentence
    people = means["human, by the judge"]
    for figures in (means["answer_first, best_of"],):  # what the README calls reached
        assert float(figures[2]) >= 95 and float(figures[0]) >= 99
        assert float(figures[3]) <= float(people[3]) and loss <= 1


def test_readers_have_the_figures_of_the_kept_results():
    of_now, of_before = ([row["judge"] for row in _ways(name)[0]] for name in ("ways.json", "by_confidence.json"))
    texts = []
    for judges in (of_now, of_before):
        exact = [round(100 * judge["human"]["exact_match"]) for judge in judges]
        others = [100 * judge["mismatched"]["answerable_rate"] for judge in judges]
        texts.append((f"{min(exact)} to {max(exact)} %", f"{min(others):.1f} to {max(others):.1f} %"))
    aucs = [round(100 * judge["auc"]) for judge in of_now]
    reader = read_json(COURSE / "outputs" / "example" / "ways" / "reader.json")
    for sentence in (
        f"it answers {texts[0][0]} of {of_now[0]['human']['n']} human questions exactly",
        f"{texts[0][1]} of questions about other paragraphs",
        f"surer of a human question than of one about another paragraph in {min(aucs)} to {max(aucs)} % of pairs",
        f"the judge answered {texts[1][0]} exactly and found {texts[1][1]} of the questions about other paragraphs",
        f"answers {100 * reader['human']['exact_match']:.1f} % of {reader['human']['n']} human questions",
        f"(character F1 {100 * reader['human']['character_f1']:.1f})",
        f"finds {100 * reader['human']['answerable_rate']:.1f} % of them answerable and "
        f"{100 * reader['mismatched']['answerable_rate']:.1f} % of questions about other paragraphs",
        f"human one in {100 * reader['auc']:.1f} % of pairs",
    ):
        assert sentence in ENGLISH, sentence
