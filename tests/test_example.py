"""The example that is kept in git: how it is made, and that it is not older than the notebooks."""

import base64
import io
import json
import re

import nbformat
import pytest
from conftest import COURSE

from korqg.errors import KorqgError
from korqg.output_folders import NOTEBOOKS
from korqg.research.kept_example import NAME, WIDGET, make_example, shrink_pictures

EXAMPLE = COURSE / "outputs" / "example"


@pytest.fixture
def outputs(tmp_path):
    for stage, notebook in NOTEBOOKS.items():
        folder = tmp_path / stage / NAME
        folder.mkdir(parents=True)
        (folder / notebook).write_text('{"cells": []}')
        (folder / "weights.safetensors").write_text("large")
        (folder / "manifest.json").write_text(json.dumps({"parameters": {"source": "sample"}, "written": []}))
    (tmp_path / "example").mkdir()
    (tmp_path / "example" / "side_by_side.png").write_text("kept")
    return tmp_path


def test_example_has_the_notebooks_and_no_weights(outputs):
    written = make_example(outputs)
    expected = {f"example/{stage}/{NAME}/{file}" for stage in NOTEBOOKS for file in (NOTEBOOKS[stage], "manifest.json")}
    assert {str(path.relative_to(outputs)) for path in written} == expected
    assert (outputs / "example" / "side_by_side.png").is_file()
    (outputs / "compare" / NAME / "metrics.json").write_text("{}")
    assert len(make_example(outputs)) == len(expected) + 1


def test_pictures_of_a_kept_notebook_are_smaller_and_look_the_same(tmp_path):
    import matplotlib.pyplot as plt
    import numpy
    from PIL import Image

    figure, axes = plt.subplots()
    for number in range(7):
        axes.plot([0, 1], [0, number], label=f"{number}")
    axes.legend()
    before = io.BytesIO()
    figure.savefig(before)
    plt.close(figure)
    shown = {"image/png": base64.b64encode(before.getvalue()).decode().splitlines(keepends=True), "text/plain": ""}
    cells = [{"outputs": [{"data": shown}, {"text": "a line"}]}, {"source": "no output"}]
    (tmp_path / "x.ipynb").write_text(json.dumps({"cells": cells}))
    shrink_pictures(tmp_path / "x.ipynb")
    first, second = json.loads((tmp_path / "x.ipynb").read_text())["cells"][0]["outputs"]
    after = base64.b64decode(first["data"]["image/png"])
    picture = Image.open(io.BytesIO(after))
    assert second == {"text": "a line"} and picture.mode == "P" and 2 * len(after) < len(before.getvalue())
    old, new = (numpy.asarray(one.convert("RGB")).astype(int) for one in (Image.open(before), picture))
    assert abs(old - new).mean() < 0.1  # of 255


def test_executed_notebooks_lead_to_one_another():
    for stage, file in NOTEBOOKS.items():
        text = (EXAMPLE / stage / NAME / file).read_text(encoding="utf-8")
        found = [link for link in re.findall(r"\]\(([^)]*\.ipynb)\)", text) if not link.startswith("https://")]
        assert found and all((EXAMPLE / stage / NAME / link).is_file() for link in found)


@pytest.mark.parametrize(
    ("text", "said"),
    [(f'"{COURSE}/outputs"', "should not be passed on"), (f'{{"{WIDGET}": {{}}}}', "a widget")],
)
def test_private_words_and_widgets_are_refused_and_the_old_example_stays(outputs, text, said):
    make_example(outputs)
    (outputs / "runs" / NAME / "x.json").write_text(text)
    with pytest.raises(KorqgError, match=rf"runs/{NAME}/x\.json holds .*{said}"):
        make_example(outputs)
    assert (outputs / "example" / "runs" / NAME / NOTEBOOKS["runs"]).is_file()


def test_other_data_and_unfinished_folders_are_refused(outputs):
    manifest = outputs / "data" / NAME / "manifest.json"
    manifest.write_text(json.dumps({"parameters": {"source": "korquad1"}, "written": []}))
    with pytest.raises(KorqgError, match="only the built-in sample may be passed on"):
        make_example(outputs)
    manifest.unlink()
    with pytest.raises(KorqgError, match="is not finished"):
        make_example(outputs)


@pytest.mark.parametrize("stage", NOTEBOOKS)
def test_kept_example_has_the_cells_of_the_notebooks_of_today(stage):
    path = EXAMPLE / stage / NAME / NOTEBOOKS[stage]
    if not path.is_file():
        pytest.skip("no example is kept yet: make example")
    today = nbformat.read(COURSE / "notebooks" / NOTEBOOKS[stage], as_version=4)
    kept = nbformat.read(path, as_version=4)
    cells = [cell for cell in kept.cells if "injected-parameters" not in cell.metadata.get("tags", [])]
    assert [(cell.id, cell.cell_type) for cell in cells] == [(cell.id, cell.cell_type) for cell in today.cells]
    code = [cell for cell in kept.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(code[0].execution_count, code[-1].execution_count + 1))
    assert not any(output.output_type == "error" for cell in code for output in cell.outputs)
    for file in path.parent.iterdir():
        if file.suffix != ".png":
            text = file.read_text(encoding="utf-8")
            assert not re.search(r"/(home|root|tmp|Users)/\w", text), file.name
            assert WIDGET not in text, file.name
