"""Files that are whole or absent; folders that are finished or not."""

import errno
import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import COURSE

from korqg.errors import KorqgError
from korqg.files import mended, read_json, read_jsonl, whole_folder, write_json, write_jsonl
from korqg.output_folders import finish_stage, hold, let_go, require_finished, start_stage

ROWS = [{"id": "1", "input": "한 줄\n두 줄 \u2028 😀", "output": "무엇인가?"}, {"id": "2", "input": "", "output": ""}]


def test_jsonl_comes_back_as_it_was_written(tmp_path):
    write_jsonl(tmp_path / "rows.jsonl", ROWS)
    assert read_jsonl(tmp_path / "rows.jsonl") == ROWS
    assert "한 줄" in (tmp_path / "rows.jsonl").read_text(encoding="utf-8")


def test_full_disk_leaves_the_earlier_file_and_says_what_to_do(tmp_path, monkeypatch):
    write_json(tmp_path / "metrics.json", {"good": 1})

    def no_space(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(KorqgError, match=r"The disk is full: .* cannot be written. Free some space, or choose another"):
        write_json(tmp_path / "metrics.json", {"half": 2})
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.json"]
    assert read_json(tmp_path / "metrics.json") == {"good": 1}


def test_folder_that_may_not_be_written_is_told_without_speaking_of_space(tmp_path, monkeypatch, capsys):
    from korqg.pipeline import main

    def read_only(self, *_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("pathlib.Path.mkdir", read_only)
    assert main(["--outputs", str(tmp_path / "outputs")]) == 1
    said = capsys.readouterr().err
    assert "Read-only file system. Choose another folder with `python -m korqg.pipeline --outputs FOLDER`" in said


@pytest.mark.parametrize(("name", "code"), [("fsync", errno.ENOTSUP), ("fsync", errno.EINVAL), ("chmod", errno.EPERM)])
def test_folder_in_a_cloud_that_lacks_an_operation_is_written_all_the_same(tmp_path, monkeypatch, name, code):
    def lacking(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, name, lacking)
    write_json(tmp_path / "metrics.json", {"good": 1})
    assert read_json(tmp_path / "metrics.json") == {"good": 1}


def test_interruption_while_writing_leaves_the_earlier_file(tmp_path, monkeypatch):
    write_json(tmp_path / "metrics.json", {"good": 1})

    def interrupted(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_json(tmp_path / "metrics.json", {"half": 2})
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.json"]
    assert read_json(tmp_path / "metrics.json") == {"good": 1}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"a": 1}\n{"a": \n', "line 2 is not JSON"),
        (b"[1, 2]\n", "line 1 is not a JSON object"),
        ("{}\n한글".encode("cp949"), "is not UTF-8"),
    ],
)
def test_broken_jsonl_is_named_with_its_line(tmp_path, content, said):
    (tmp_path / "train.jsonl").write_bytes(content)
    with pytest.raises(KorqgError, match=said) as caught:
        read_jsonl(tmp_path / "train.jsonl")
    assert "train.jsonl" in str(caught.value)


def _finish(folder):
    start_stage(folder)
    write_jsonl(folder / "train.jsonl", ROWS)
    return finish_stage(folder, {"seed": 1}, read=[], written=[folder / "train.jsonl"], figures={"rows": 2})


def test_manifest_holds_what_was_written_and_no_machine_path(tmp_path):
    manifest = _finish(tmp_path / "outputs" / "data" / "mine")
    assert manifest["written"][0]["path"] == "data/mine/train.jsonl"
    assert manifest["written"][0]["rows"] == 2
    assert len(manifest["written"][0]["sha256"]) == 64
    assert manifest["stage"] == "data"
    assert manifest["figures"] == {"rows": 2}
    assert manifest["seconds"] > 0
    assert str(tmp_path) not in json.dumps(manifest)
    assert require_finished(tmp_path / "outputs" / "data" / "mine") == manifest


def test_places_in_a_manifest_are_names_and_no_documents_is_none(tmp_path):
    folder = tmp_path / "outputs" / "data" / "mine"
    start_stage(folder)
    places = {"own_path": "none", "source_path": str(tmp_path / "rows.jsonl"), "outputs_dir": str(tmp_path / "outputs")}
    shown = finish_stage(folder, places, read=[], written=[], figures={})["parameters"]
    assert shown == {"own_path": "none", "source_path": "rows.jsonl", "outputs_dir": "."}


def _write_anew(folder) -> Path:
    """Half of the rows, made anew beside a finished folder; where they are."""
    new = start_stage(folder)
    write_jsonl(new / "train.jsonl", ROWS[:1])
    return new


def test_finished_folder_stays_until_the_new_one_is_finished(tmp_path):
    folder = tmp_path / "data" / "mine"
    first = _finish(folder)
    assert _write_anew(folder) != folder
    assert require_finished(folder) == first
    new = _write_anew(folder)
    finished = finish_stage(new, {"seed": 2}, read=[], written=[new / "train.jsonl"], figures={})
    assert require_finished(folder) == finished
    assert finished["name"] == "mine" and finished["written"][0]["path"] == "data/mine/train.jsonl"
    assert read_jsonl(folder / "train.jsonl") == ROWS[:1]
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "train.jsonl"]
    again = finish_stage(new, {"seed": 2}, read=[], written=[new / "train.jsonl"], figures={})
    assert again["written"] == finished["written"]  # the last cell run once more


@pytest.mark.parametrize("broken_at", ["train.jsonl", "chunks.jsonl", "manifest.json"])
def test_replacing_that_was_cut_off_goes_on_when_the_folder_is_read(tmp_path, monkeypatch, broken_at):
    folder = tmp_path / "data" / "mine"
    _finish(folder)
    new = _write_anew(folder)
    write_jsonl(new / "chunks.jsonl", [])
    rename, replace = Path.rename, os.replace

    def cut_off(move):
        def moved(source, target):
            if Path(target) == folder / broken_at:
                raise KeyboardInterrupt
            return move(source, target)

        return moved

    monkeypatch.setattr(Path, "rename", cut_off(rename))
    monkeypatch.setattr(os, "replace", cut_off(replace))
    with pytest.raises(KeyboardInterrupt):
        finish_stage(new, {"seed": 2}, [], [new / "train.jsonl", new / "chunks.jsonl"], {})
    monkeypatch.undo()
    assert require_finished(folder)["parameters"] == {"seed": 2}
    assert read_jsonl(folder / "train.jsonl") == ROWS[:1] and not new.exists()


def test_parameter_changed_since_it_was_checked_is_refused_at_the_end(tmp_path, monkeypatch):
    from types import SimpleNamespace

    folder = tmp_path / "compare" / "mine"
    shell = SimpleNamespace(user_ns={"examples": 5, "another": 1})
    monkeypatch.setattr("builtins.get_ipython", lambda: shell, raising=False)
    with pytest.raises(KorqgError, match=r"examples was 3 .* and is 5 now: run the notebook from its parameters"):
        finish_stage(start_stage(folder), {"examples": 3, "seed": 1}, [], [], {})
    assert not (folder / "manifest.json").exists()
    shell.user_ns["examples"] = 3
    finish_stage(folder, {"examples": 3, "seed": 1}, [], [], {})
    require_finished(folder)


def test_folder_without_a_manifest_is_not_finished(tmp_path):
    start_stage(tmp_path / "data" / "mine")
    with pytest.raises(
        KorqgError, match=r'data/mine is not finished: run 01_make_data.ipynb with data_name="mine" first'
    ):
        require_finished(tmp_path / "data" / "mine")


def test_renamed_or_copied_folder_is_read_and_a_changed_copy_is_refused(tmp_path):
    folder = tmp_path / "outputs" / "data" / "mine"
    _finish(folder)
    copy = tmp_path / "elsewhere" / "data" / "copied"
    shutil.copytree(folder, copy)
    write_jsonl(copy / "train.jsonl", ROWS[:1])
    with pytest.raises(KorqgError, match=r"data/copied/train.jsonl was changed"):
        require_finished(copy)
    require_finished(folder.rename(folder.with_name("renamed")))


def test_file_that_the_caller_does_not_need_may_be_absent_but_not_changed(tmp_path):
    folder = tmp_path / "data" / "mine"
    _finish(folder)
    (folder / "train.jsonl").unlink()
    require_finished(folder, needed=["after_outputs.json"])
    write_jsonl(folder / "train.jsonl", ROWS[:1])
    with pytest.raises(KorqgError, match="was changed"):
        require_finished(folder, needed=["after_outputs.json"])


@pytest.mark.skipif(os.name == "nt", reason="it has no modes")
@pytest.mark.parametrize(("withheld", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_modes_of_files_follow_the_umask(tmp_path, withheld, mode):
    before = os.umask(withheld)
    try:
        write_json(tmp_path / "metrics.json", {})
        with whole_folder(tmp_path / "adapter") as temporary:
            temporary.mkdir()
            (temporary / "weights").touch(mode=0o600)
    finally:
        os.umask(before)
    for path in (tmp_path / "metrics.json", tmp_path / "adapter" / "weights"):
        assert stat.S_IMODE(path.stat().st_mode) == mode


def test_run_that_another_process_writes_is_refused_until_that_ends(tmp_path):
    code = (
        "import sys, pathlib; from korqg.output_folders import hold; hold(pathlib.Path(sys.argv[1])); print(1); input()"
    )
    folder = tmp_path / "runs" / "mine"
    command = [sys.executable, "-c", code, str(folder)]
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with subprocess.Popen(command, cwd=COURSE / "notebooks", **pipes) as other:
        assert other.stdout.readline() == "1\n"
        with pytest.raises(KorqgError, match=r"runs/mine is being written by another notebook"):
            hold(folder)
        hold(folder.with_name("another"))
        other.kill()
    hold(folder)
    hold(folder)
    let_go(folder)


def test_half_a_surrogate_pair_in_outputs_is_mended():
    assert mended({"a": ["x\ud83dy", "\ude00", "😀"], "n": 1}) == {"a": ["x\ufffdy", "\ufffd", "😀"], "n": 1}


def test_missing_folder_says_which_notebook_to_run_and_what_is_there(tmp_path):
    _finish(tmp_path / "data" / "other")
    with pytest.raises(KorqgError, match=r"data/mine does not exist: run 01_make_data.ipynb.*Finished there: other"):
        require_finished(tmp_path / "data" / "mine")


def test_changed_and_missing_files_are_found(tmp_path):
    folder = tmp_path / "data" / "mine"
    _finish(folder)
    write_jsonl(folder / "train.jsonl", ROWS[:1])
    with pytest.raises(KorqgError, match=r"train.jsonl was changed after it was written"):
        require_finished(folder)
    (folder / "train.jsonl").unlink()
    with pytest.raises(KorqgError, match=r"lacks train.jsonl"):
        require_finished(folder)


def test_folder_is_replaced_when_it_is_whole_and_kept_when_it_is_not(tmp_path):
    for text in ("first", "second"):
        with whole_folder(tmp_path / "adapter") as temporary:
            temporary.mkdir()
            (temporary / "weights").write_text(text)
    with pytest.raises(KorqgError, match="The disk is full"), whole_folder(tmp_path / "adapter") as temporary:
        temporary.mkdir()
        (temporary / "weights").write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert [path.name for path in tmp_path.iterdir()] == ["adapter"]
    assert (tmp_path / "adapter" / "weights").read_text() == "second"
