"""The ladder: its recipes, results of other data or another model, and two rungs beside one that fails."""

import subprocess
import time

import pytest
import yaml
from conftest import COURSE
from test_chain import corpus  # noqa: F401

from korqg import TrainConfig
from korqg.errors import KorqgError
from korqg.files import read_json
from korqg.pipeline import own_parameters
from korqg.research.ladder import RECIPES, Job, climb, read_recipes, read_sweep, run_ladder, table_of

OURS = own_parameters("runs")


def _difference(one: str, other: str) -> set[str]:
    recipes = read_recipes(RECIPES)
    return {name for name in recipes[one] if recipes[one][name] != recipes[other][name]}


@pytest.mark.parametrize("name", read_recipes(RECIPES))
def test_recipe_of_the_ladder_is_complete_and_accepted(name):
    recipe = read_recipes(RECIPES)[name]
    config = TrainConfig(**{**OURS, **recipe})
    assert {key: getattr(config, key) for key in recipe} == recipe
    assert set(OURS) - set(recipe) == {
        *(
            "run_name",
            "data_name",
            "seed",
            "outputs_dir",
            "resume",
            "export",
            "wandb_project",
            "asked_articles",
        )
    }


@pytest.mark.parametrize(
    ("one", "other", "changed"),
    [
        ("1_first_attempt", "2_loss_on_answer", {"loss_on"}),
        ("2_loss_on_answer", "3_gemmas_turns", {"prompt_format"}),
        ("3_gemmas_turns", "4_all_linear", {"target_modules", "lora_rank", "lora_alpha"}),
        ("4_all_linear", "5_learning_rate", {"learning_rate", "keep"}),
        ("5_learning_rate", "6_rows_1000", {"max_train_rows"}),
        ("6_rows_1000", "7_rows_all", {"max_train_rows", "num_epochs"}),
        ("5_learning_rate", "beside_attention_only", {"target_modules", "lora_rank", "lora_alpha"}),
        ("1_first_attempt", "beside_first_attempt_all_rows", {"max_train_rows", "num_epochs"}),
    ],
)
def test_each_rung_changes_one_thing(one, other, changed):
    assert _difference(one, other) == changed


@pytest.mark.parametrize("path", sorted((RECIPES.parent / "sweeps").glob("*.yaml")), ids=lambda path: path.stem)
def test_sweep_varies_its_recipe_on_validation_articles(path):
    variants = read_sweep(path)
    base = yaml.safe_load((path.parent / yaml.safe_load(path.read_text(encoding="utf-8"))["recipe"]).read_text("utf-8"))
    assert len(variants) == len(yaml.safe_load(path.read_text(encoding="utf-8"))["change"]) > 1
    for name, recipe in variants.items():
        config = TrainConfig(**{**OURS, **recipe, "run_name": f"ladder-{name}-seed42"})
        assert config.asked_articles == "validation"
        changed = {key for key in base if base[key] != recipe[key]}
        assert all(key in name for key in changed)


def test_sweep_of_another_shape_is_refused(tmp_path):
    path = tmp_path / "few.yaml"
    for text in ("", "recipe: one.yaml", "recipe: one.yaml\nchange: [3]", "recipe: none.yaml\nchange: [{}]"):
        path.write_text(text)
        (tmp_path / "one.yaml").write_text("seed: 1")
        with pytest.raises(KorqgError, match=r"few\.yaml is not a sweep"):
            read_sweep(path)
    path.write_text("recipe: one.yaml\nchange: [{}]")
    with pytest.raises(KorqgError, match="No variant begins with 'more'; there are: few"):
        read_sweep(path, ["more"])


def test_attention_only_rank_makes_as_many_parameters_as_all_linear():
    """Gemma 3 270M: width 640, 4 heads of 256 and 1 for keys and values, 2,048 in the MLP, 18 layers."""
    attention = (640 + 1024) + 2 * (640 + 256) + (1024 + 640)
    mlp = 3 * (640 + 2048)
    recipes = read_recipes(RECIPES)
    few = 18 * attention * recipes["beside_attention_only"]["lora_rank"]
    many = 18 * (attention + mlp) * recipes["5_learning_rate"]["lora_rank"]
    assert (few, many) == (3_778_560, 3_796_992)


def test_recipes_that_cannot_be_a_ladder_are_refused(tmp_path):
    with pytest.raises(KorqgError, match="holds no recipe"):
        read_recipes(tmp_path)
    (tmp_path / "one.yaml").write_text("model_name: gemma-3-270m\n")
    with pytest.raises(KorqgError, match="No rung begins with 'two'; there are: one"):
        read_recipes(tmp_path, ["two"])
    (tmp_path / "two.yaml").write_text("model_name: google/gemma-3-1b-it\n")
    with pytest.raises(KorqgError, match="must share one model_name"):
        read_recipes(tmp_path)


def test_runs_are_spread_over_the_devices_and_each_failure_is_noted(tmp_path, monkeypatch):
    used = []

    def broken(command, env, **options):
        used.append(env["CUDA_VISIBLE_DEVICES"])
        time.sleep(0.2)  # while it runs its device is taken
        return subprocess.CompletedProcess(command, 1, stdout="", stderr="no such card\n")

    monkeypatch.setattr("korqg.research.ladder.subprocess.run", broken)
    monkeypatch.setattr("korqg.research.ladder.SECONDS_BETWEEN_STARTS", 0)
    failed = climb([Job("1_first", seed, {}) for seed in range(6)], tmp_path, {}, 2, ["4", "7"])
    assert sorted(used) == ["4"] * 3 + ["7"] * 3
    assert [(row["seed"], row["error"]) for row in failed] == [(seed, "no such card") for seed in range(6)]


@pytest.mark.chain
def test_ladder_goes_on_after_a_failure_and_does_not_repeat_what_is_finished(
    corpus,  # noqa: F811
    tiny_model_folder,
    tmp_path,
    capsys,
    monkeypatch,
):
    small = dict(
        model_name=str(tiny_model_folder),
        max_train_rows=4,
        max_steps=2,
        batch_size=2,
        gradient_accumulation_steps=1,
        max_new_tokens=8,
        wandb_mode="disabled",
    )
    rungs = {
        "1_first": dict(
            prompt_format="hashes", loss_on="everything", keep="last", max_length=256, target_modules="q_proj"
        ),
        "2_broken": {"target_modules": "no_such_layer"},
        "3_other": {"learning_rate": 1.0e-3},
    }
    recipes = tmp_path / "recipes"
    recipes.mkdir()
    for name, changed in rungs.items():
        (recipes / f"{name}.yaml").write_text(yaml.safe_dump({**small, **changed}))
    outputs = tmp_path / "outputs"
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert run_ladder(["--outputs", str(outputs)]) == 1 and not (outputs / "data").exists()
    assert "needs a GPU, of which PyTorch sees none here" in capsys.readouterr().err
    command = ["--outputs", str(outputs), "--recipes", str(recipes), "--source-path", str(corpus), "--seeds", "7"]
    command.append("--cpu")
    assert run_ladder([*command, "--parallel", "2"]) == 1
    said = capsys.readouterr().out
    assert "2_broken, seed 7: FAILED. 02_train_lora.ipynb stopped. KorqgError: target_modules" in said

    path = outputs / "ladder" / "ladder.json"
    ladder = read_json(path)
    assert [row["rung"] for row in ladder["results"]] == ["1_first", "3_other"]
    assert [row["rung"] for row in ladder["failed"]] == ["2_broken"]
    first, other = ladder["results"]
    assert first["parameters"]["model_name"] == tiny_model_folder.name
    assert first["train_rows"] == other["train_rows"] == 4
    assert first["trainable_parameters"] < 10_000 < other["trainable_parameters"]
    for row in ladder["results"]:
        assert row["after"]["n"] == len(row["questions"]) > 0
        assert set(row["questions"][0]) == {
            *("id", "model_output", "stopped"),
            *("single_question", "rouge_l", "copy_rate"),
        }
    text = path.read_text(encoding="utf-8")
    for private in (str(tmp_path), str(COURSE), "안내판에는", "어느 철에"):
        assert private not in text
    assert not (outputs / "runs" / "ladder-3_other-seed7" / "checkpoints").exists()

    # Once more, the broken one mended by its absence: nothing runs.
    (recipes / "2_broken.yaml").unlink()
    manifest = outputs / "runs" / "ladder-1_first-seed7" / "manifest.json"
    kept = [manifest, outputs / "data" / "ladder" / "manifest.json"]
    before = [one.read_bytes() for one in kept]
    path.unlink()
    assert run_ladder(command) == 0
    assert [one.read_bytes() for one in kept] == before
    assert read_json(path)["results"] == ladder["results"]
    assert "2 of 2 finished before" in capsys.readouterr().out
    assert "1_first" in table_of(read_json(path))
