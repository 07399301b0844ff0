"""Whole checkpoints, and runs that go on where they were cut off."""

import pytest

from korqg.errors import KorqgError
from korqg.files import read_json, write_json
from korqg.output_folders import place_for_new
from korqg.train.checkpoints import NEEDED, begin_run, mark_complete, newest_complete

SETTINGS = {"learning_rate": 3e-4, "data/sample/train.jsonl": "abc"}


def _checkpoint(folder, step: int):
    path = folder / "checkpoints" / f"checkpoint-{step}"
    path.mkdir(parents=True)
    for name in NEEDED:
        (path / name).write_text(f"{name} of step {step}")
    mark_complete(path)
    return path


def test_newest_whole_checkpoint_is_taken_and_broken_ones_are_passed_over(tmp_path, capsys):
    whole = _checkpoint(tmp_path, 9)
    (_checkpoint(tmp_path, 10) / "complete.json").unlink()
    (_checkpoint(tmp_path, 11) / "optimizer.pt").write_text("half")
    (_checkpoint(tmp_path, 12) / "rng_state.pth").unlink()
    lacking = _checkpoint(tmp_path, 13)
    (lacking / "scheduler.pt").unlink()
    mark_complete(lacking)
    assert newest_complete(tmp_path / "checkpoints") == whole
    shown = capsys.readouterr().out
    assert "checkpoint-10: it was cut off while it was written" in shown
    assert "checkpoint-11: optimizer.pt is not what was written" in shown
    assert "checkpoint-12: rng_state.pth is not what was written" in shown
    assert "checkpoint-13: it lacks scheduler.pt" in shown


def test_unfinished_run_goes_on_with_the_same_settings(tmp_path):
    assert begin_run(tmp_path, SETTINGS, "auto") is None
    checkpoint = _checkpoint(tmp_path, 5)
    assert begin_run(tmp_path, SETTINGS, "auto") == checkpoint


def test_changed_setting_is_named_and_nothing_is_lost(tmp_path):
    begin_run(tmp_path, SETTINGS, "auto")
    checkpoint = _checkpoint(tmp_path, 5)
    with pytest.raises(KorqgError, match=r"learning_rate was 0.0003 and is 0.001.*resume=\"never\""):
        begin_run(tmp_path, {**SETTINGS, "learning_rate": 1e-3}, "auto")
    assert newest_complete(tmp_path / "checkpoints") == checkpoint


@pytest.mark.parametrize("resume", ["auto", "never"])
def test_finished_run_starts_anew(tmp_path, resume):
    begin_run(tmp_path, SETTINGS, "auto")
    _checkpoint(tmp_path, 5)
    write_json(tmp_path / "init_outputs.json", [])
    write_json(tmp_path / "manifest.json", {})
    assert begin_run(tmp_path, {**SETTINGS, "learning_rate": 1e-3}, resume) is None
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
    assert read_json(tmp_path / "run.json")["learning_rate"] == 1e-3


def test_checkpoint_whose_best_is_gone_or_damaged_is_passed_over(tmp_path, capsys):
    for step, best in ((4, 4), (6, 4), (8, 6), (9, 7)):
        path = _checkpoint(tmp_path, step)
        write_json(path / "trainer_state.json", {"best_global_step": best})
        mark_complete(path)
    assert newest_complete(tmp_path / "checkpoints").name == "checkpoint-8"
    (tmp_path / "checkpoints" / "checkpoint-6" / "adapter_model.safetensors").write_text("other weights")
    assert newest_complete(tmp_path / "checkpoints").name == "checkpoint-4"
    shown = capsys.readouterr().out
    assert "Passing over checkpoint-9: of the best until then, checkpoint-7, it is gone" in shown
    assert "checkpoint-8: of the best until then, checkpoint-6, adapter_model.safetensors is not what" in shown
    assert newest_complete(tmp_path / "checkpoints", keep_best=False).name == "checkpoint-9"


def test_run_made_anew_leaves_the_finished_one_alone(tmp_path):
    folder = tmp_path / "mine"
    begin_run(place_for_new(folder), SETTINGS, "auto")
    _checkpoint(folder, 5)
    write_json(folder / "manifest.json", {})
    new = place_for_new(folder)
    assert begin_run(new, {**SETTINGS, "learning_rate": 1e-3}, "auto") is None
    assert newest_complete(folder / "checkpoints") is not None and (folder / "manifest.json").is_file()
    checkpoint = _checkpoint(new, 3)
    assert begin_run(place_for_new(folder), {**SETTINGS, "learning_rate": 1e-3}, "auto") == checkpoint


def test_never_starts_anew_whatever_was_there(tmp_path):
    begin_run(tmp_path, SETTINGS, "auto")
    _checkpoint(tmp_path, 5)
    assert begin_run(tmp_path, SETTINGS, "never") is None
    assert newest_complete(tmp_path / "checkpoints") is None
