"""Recipes: each a parameter file that notebook 02 accepts as it stands."""

import pytest
import yaml
from conftest import COURSE
from test_config import TRAIN

from korqg import CompareConfig, DataConfig, KorqgError, TrainConfig
from korqg.output_folders import NOTEBOOKS
from korqg.pipeline import RECIPES as ALL_THREE
from korqg.pipeline import _by_stage, _Told, own_parameters, read_recipe, run_notebook, usual_parameters

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


@pytest.mark.parametrize("stage", NOTEBOOKS)
def test_make_run_does_what_the_notebooks_as_they_came_do(stage):
    """Fails, too, where a changed parameter was saved into a notebook: `git checkout notebooks` brings it back."""
    assert usual_parameters(stage) == own_parameters(stage)


def test_a_parameter_that_was_changed_in_a_cell_does_not_leak_into_a_run(monkeypatch, tmp_path):
    import papermill

    passed = {}

    def execute(source, executed, parameters, **options):
        passed.update(parameters)
        raise papermill.exceptions.PapermillExecutionError(1, 1, "", "Stop", "here", [])

    edited = own_parameters("runs") | {"learning_rate": 0.5, "seed": 7}
    monkeypatch.setattr("korqg.pipeline.own_parameters", lambda stage: edited)
    monkeypatch.setattr(papermill, "execute_notebook", execute)
    with pytest.raises(KorqgError, match="Stop: here"):
        run_notebook("runs", "one", tmp_path, {"seed": 43})
    assert (passed["learning_rate"], passed["seed"]) == (2.0e-4, 43)


def test_quick_try_is_a_recipe_of_the_three_and_says_what_it_is():
    recipe = read_recipe(ALL_THREE / "quick_try.yaml")
    assert "nothing is learnt in so little" in recipe["says"]
    given = _by_stage(recipe, [("seed", "43"), ("run_names", "x")])
    assert given["runs"]["max_train_rows"] == 12 and [given[stage]["seed"] for stage in NOTEBOOKS] == [43] * 3
    configs = dict(zip(NOTEBOOKS, (DataConfig, TrainConfig, CompareConfig), strict=True))
    for stage, some in _by_stage(recipe, []).items():
        configs[stage](**usual_parameters(stage) | some)


def test_what_is_no_recipe_or_no_parameter_is_named(tmp_path):
    with pytest.raises(KorqgError, match=r"has '02_trane'; its sections are: 01_make_data, 02_train_lora"):
        _by_stage({"02_trane": {}}, [])
    with pytest.raises(KorqgError, match="No notebook has a parameter 'sed'"):
        _by_stage({}, [("sed", "1")])
    (tmp_path / "list.yaml").write_text("- 1\n", encoding="utf-8")
    with pytest.raises(KorqgError, match="is no recipe"):
        read_recipe(tmp_path / "list.yaml")


def test_a_terminal_gets_the_lines_of_progress_as_they_come_and_no_others(capsys):
    told = _Told()
    for text in ("Model: x\n16 of 120 as", "ked, 9 s\nstep     1 of 4        2 rows   loss 1.0\n", "문단\n"):
        told.write(text)
    assert capsys.readouterr().out.splitlines() == [
        "    16 of 120 asked, 9 s",
        "    step     1 of 4        2 rows   loss 1.0",
    ]
