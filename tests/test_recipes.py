"""Recipes: each a parameter file that notebook 02 accepts as it stands."""

import pytest
import yaml
from conftest import COURSE
from test_config import TRAIN

from korqg import TrainConfig

RECIPES = sorted((COURSE / "notebooks" / "recipes").glob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipe_is_accepted_by_notebook_02(path):
    given = yaml.safe_load(path.read_text(encoding="utf-8"))
    config = TrainConfig(**TRAIN | given)
    assert {name: getattr(config, name) for name in given} == given


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipe_states_what_was_measured(path):
    comment = "".join(line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#"))
    assert "easured" in comment


def test_the_cpu_recipe_is_what_the_notebook_does_by_itself():
    import ast

    import nbformat

    notebook = nbformat.read(COURSE / "notebooks" / "02_train_lora.ipynb", as_version=4)
    (cell,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    own = {node.target.id: ast.literal_eval(node.value) for node in ast.parse(cell.source).body}
    recipe = yaml.safe_load((COURSE / "notebooks" / "recipes" / "sample_cpu.yaml").read_text(encoding="utf-8"))
    given = {name: value for name, value in recipe.items() if name not in ("model_name", "precision")}
    assert {name: own[name] for name in given} == given
