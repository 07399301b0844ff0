"""The notebooks as files: what must hold before anyone runs them."""

import ast
import dataclasses
import json
import re
import shutil
import subprocess
from collections import Counter

import nbformat
import pytest
from click.testing import CliRunner
from conftest import COURSE
from papermill.cli import papermill

from korqg import CompareConfig, DataConfig, TrainConfig
from korqg.config import KOREAN

NOTEBOOKS = {
    "01_make_data.ipynb": DataConfig,
    "02_train_lora.ipynb": TrainConfig,
    "03_compare_outputs.ipynb": CompareConfig,
}
READ = {name: nbformat.read(COURSE / "notebooks" / name, as_version=4) for name in NOTEBOOKS}
PARAMETER = re.compile(r"(?P<name>\w+): (?P<type>str|int|float|bool|list) = (?P<default>\S.*?)  # (?P<help>\S.*)")


def _parameters(name: str) -> list[re.Match]:
    (cell,) = [cell for cell in READ[name].cells if "parameters" in cell.metadata.get("tags", [])]
    lines = [PARAMETER.fullmatch(line) for line in cell.source.splitlines()]
    assert None not in lines, f"{name}: a parameters line that is not `name: type = value  # help`"
    return lines


def _code(name: str) -> list[ast.Module]:
    cells = [cell.source for cell in READ[name].cells if cell.cell_type == "code"]
    return [ast.parse(re.sub(r"(?m)^(\s*)%.*$", r"\1pass", source)) for source in cells]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_parameters_cell_declares_the_fields_without_a_default_and_the_others_are_listed(name):
    declared = [(line["name"], line["type"]) for line in _parameters(name)]
    hidden = NOTEBOOKS[name].defaults()
    fields = [(field.name, field.type.__name__) for field in dataclasses.fields(NOTEBOOKS[name])]
    assert declared == [field for field in fields if field[0] not in hidden]
    assert len(declared) <= 20
    for line in _parameters(name):  # told in both languages, and still one line on a screen
        assert re.search(" · .*[가-힣]", line["help"]) and len(line[0]) <= 110, line[0]
    listed = NOTEBOOKS[name].listing().splitlines()
    assert [line.split(":")[0] for line in listed] == list(hidden)
    for line in listed:
        assert re.search(r"  # [^[]+ · [^[]*[가-힣]", line), line
    assert set(KOREAN) == {name for config in NOTEBOOKS.values() for name in config.defaults()}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_cell_gives_another_value_to_a_parameter(name):
    """A loop variable of that name would change it unseen, and stop whoever runs an earlier cell again."""
    shown = {line["name"] for line in _parameters(name)}
    parameters = {field.name for field in dataclasses.fields(NOTEBOOKS[name])}
    (declared,) = [place for place, cell in enumerate(_code(name)) if _stored(cell) >= shown]
    others = [_stored(cell) & parameters for place, cell in enumerate(_code(name)) if place != declared]
    assert not any(others), others


def _stored(cell: ast.Module) -> set[str]:
    """The names that a cell gives something: by assignment, import or definition, inside of its functions apart."""
    kept, waiting = set(), list(cell.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            kept.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            kept.add(node.name)
        elif isinstance(node, ast.alias):
            kept.add(node.asname or node.name.split(".")[0])
        scopes = (ast.FunctionDef, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
        if not isinstance(node, scopes):
            waiting += ast.iter_child_nodes(node)
    return kept


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_default_parameters_are_accepted(name):
    values = {line["name"]: ast.literal_eval(line["default"]) for line in _parameters(name)}
    config = NOTEBOOKS[name](**values)
    assert config.as_dict() == {**values, **NOTEBOOKS[name].defaults()}
    assert config.folder.name == "sample"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_papermill_lists_every_parameter_with_its_type_and_help(name):
    shown = CliRunner().invoke(papermill, ["--help-notebook", str(COURSE / "notebooks" / name)]).output
    squeezed = re.sub(r"\s+", "", shown)
    for line in _parameters(name):
        expected = f"{line['name']}:{line['type']}(default{line['default']}){line['help']}"
        assert re.sub(r"\s+", "", expected) in squeezed, line["name"]


def test_setup_cell_is_the_same_in_all_notebooks():
    setups = {cell.source for notebook in READ.values() for cell in notebook.cells if cell.source.startswith("# Setup")}
    assert len(setups) == 1
    assert all(sum(cell.source in setups for cell in notebook.cells) == 1 for notebook in READ.values())


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_source_has_no_outputs_and_no_leftovers_of_a_run(name):
    for cell in READ[name].cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
        assert set(cell.metadata) <= {"tags"}
    assert set(READ[name].metadata) - {"accelerator"} == {"kernelspec", "language_info"}
    assert READ[name].metadata.get("accelerator") == ("GPU" if name.startswith("02") else None)  # Colab's word


def test_no_function_or_class_is_defined_twice():
    defined = Counter()
    for name in NOTEBOOKS:
        for tree in _code(name):
            defined.update(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef))
    for path in (COURSE / "notebooks" / "korqg").glob("**/*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        defined.update(name for name in names if not name.startswith("_"))
    assert [name for name, count in defined.items() if count > 1] == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_cells_are_short_and_well_behaved(name):
    for cell in READ[name].cells:
        if cell.cell_type == "code":
            assert len(cell.source.splitlines()) <= 25, cell.source[:60]
            assert not re.search(r"import \*|except\s*:|os\.chdir|%cd|^\s*!", cell.source, re.MULTILINE)
        elif cell.source.startswith("#"):
            assert re.match(r"#{1,3} .+ · .*[가-힣]", cell.source), cell.source.splitlines()[0]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_each_cell_that_takes_long_has_its_time_in_the_text_above(name):
    long = {"01-05", "01-08", "02-05", "02-08", "02-21", "02-35", "02-38", "02-43", "03-05", "03-14"}
    assert long <= {cell.id for notebook in READ.values() for cell in notebook.cells}
    text, seen = "", set()
    for cell in READ[name].cells:
        if cell.cell_type == "markdown":
            text = cell.source
        elif cell.id in long:
            assert re.search(r"seconds|minutes?\b|same time", text), cell.id
            seen.add(cell.id)
    assert seen == {number for number in long if number[:2] == name[:2]}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_code_cell_folds_away_under_a_heading_of_its_own_notebook(name):
    levels = [
        len(match[0])
        for cell in READ[name].cells
        if (match := re.match(r"#+", cell.source)) and cell.cell_type == "markdown"
    ]
    assert levels[0] == 1 and set(levels[1:]) <= {2, 3}  # one title; everything else folds below it
    headings = [cell.source.splitlines()[0] for cell in READ[name].cells if cell.source.startswith("## ")]
    numbered = [int(match[1]) for heading in headings if (match := re.match(r"## (\d+)\. ", heading))]
    assert numbered == list(range(1, len(numbered) + 1))
    others = [heading.split(" · ")[0] for heading in headings if not re.match(r"## \d+\. ", heading)]
    assert others == ["## Parameters", "## Setup", "## Exercises", "## What you have now"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_notebook_opens_and_ends_alike(name):
    first, last = READ[name].cells[0].source, READ[name].cells[-1].source
    for row in ("**Reads**", "**Writes**", "**Needs**", "**Takes**"):
        assert row in first
    assert re.search(r"\d+ (seconds|minutes)", first.split("**Takes**")[1])
    assert last.startswith("## What you have now")
    assert re.search(r"\(0\d_\w+\.ipynb\)", last)
    assert "**Limits.**" in last


LIMITS = {"01_make_data.ipynb": (28, 190), "02_train_lora.ipynb": (36, 250), "03_compare_outputs.ipynb": (34, 200)}
"""Cells, and lines of code, at most."""


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_is_no_longer_than_it_should_be(name):
    lines = [line for cell in READ[name].cells if cell.cell_type == "code" for line in cell.source.splitlines()]
    cells_at_most, lines_at_most = LIMITS[name]
    assert len(READ[name].cells) <= cells_at_most and len(lines) <= lines_at_most


def test_all_three_are_read_aloud_code_included_in_45_minutes():
    """Every word of text and code but the exercises; the setup cell, which is the same in all three, once."""
    read = {
        cell.source if cell.source.startswith("# Setup") else (name, cell.id): cell.source
        for name, notebook in READ.items()
        for cell in notebook.cells
        if not cell.source.startswith("## Exercises")
    }
    text = re.sub(r"\]\([^)]*\)", "]", "\n".join(read.values()))
    words = re.findall(r"\w[\w'.,/<>=-]*", text)
    assert 5000 < len(words) <= 45 * 160  # words a minute, of a calm reader


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_under_each_heading_stands_a_korean_sentence(name):
    for cell in READ[name].cells:
        if cell.cell_type == "markdown":
            heading, *paragraphs = [part for part in cell.source.split("\n\n") if not part.startswith("[![")]
            assert heading.startswith("#"), cell.id
            assert re.fullmatch(r"[^\n]*[가-힣]다\.", paragraphs[0]) and "다. " not in paragraphs[0], (
                cell.id,
                paragraphs[0],
            )
            assert len(re.findall("[가-힣]", paragraphs[0])) > len(re.findall("[A-Za-z]", paragraphs[0])), cell.id


def test_badges_and_setup_cells_name_one_repository():
    """What `make address` writes. Until it is known where the course is published, the README says so."""
    (setup,) = {cell.source for notebook in READ.values() for cell in notebook.cells if cell.id.endswith("-05")}
    (repository,) = re.findall(r'REPOSITORY = "([^"]+)"', setup)
    links = [f"https://colab.research.google.com/github/{repository}/blob/main/notebooks/{name}" for name in NOTEBOOKS]
    badge = r"https://colab\.research\.google\.com/github/[^)]+"
    assert [re.findall(badge, notebook.cells[0].source) for notebook in READ.values()] == [[link] for link in links]
    for page in ("README.md", "README.ko.md"):
        text = (COURSE / page).read_text(encoding="utf-8")
        assert re.findall(badge, text) == links
        assert "make address" in text or "YOUR_ACCOUNT" not in repository


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
def test_address_is_written_everywhere(tmp_path):
    files = (*(f"notebooks/{name}" for name in NOTEBOOKS), "README.md", "README.ko.md", "Makefile")
    (tmp_path / "notebooks").mkdir()
    for file in files:
        shutil.copy(COURSE / file, tmp_path / file)

    def address(repository: str) -> subprocess.CompletedProcess:
        command = ["make", "address", f"REPOSITORY={repository}"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    for repository in ("someone/course", "another-one/the.course"):  # it can be changed again
        assert address(repository).returncode == 0
        texts = [(tmp_path / file).read_text(encoding="utf-8") for file in files[:-1]]
        assert [text.count(repository) for text in texts] == [2, 2, 2, 3, 3]
        notebook = nbformat.read(tmp_path / "notebooks" / "02_train_lora.ipynb", as_version=4)
        assert f'REPOSITORY = "{repository}"' in notebook.cells[4].source
    assert "make address REPOSITORY=account/name" in address("https://github.com/someone/course").stdout


def test_links_between_notebooks_lead_somewhere():
    for name, notebook in READ.items():
        text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
        for link in re.findall(r"\]\(([^)#]+)\)", text):
            if not link.startswith("http"):
                assert (COURSE / "notebooks" / link).exists(), f"{name}: {link}"


def test_prompt_wording_stands_in_one_place():
    from korqg.prompts import INSTRUCTIONS

    holding = [path for path in COURSE.glob("notebooks/**/*") if path.suffix in (".py", ".ipynb")]
    for instruction in INSTRUCTIONS.values():
        assert [path.name for path in holding if instruction in path.read_text(encoding="utf-8")] == ["prompts.py"]


def test_notebook_files_are_plain_utf8_json():
    for name in NOTEBOOKS:
        text = (COURSE / "notebooks" / name).read_text(encoding="utf-8")
        assert json.loads(text)["nbformat"] == 4
        assert "\\uc" not in text  # Hangul as itself, so that a diff can be read
