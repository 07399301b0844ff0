"""Files that are whole or absent; folders that are finished or not."""

import errno
import json
import os

import pytest

from korqg.errors import KorqgError
from korqg.files import read_json, read_jsonl, whole_folder, write_json, write_jsonl
from korqg.stages import finish_stage, require_finished, start_stage

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
    with pytest.raises(KorqgError, match=r"No space left on device. Free some space or choose another folder"):
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


def test_folder_counts_as_unfinished_from_the_start_of_a_new_run(tmp_path):
    folder = tmp_path / "data" / "mine"
    _finish(folder)
    start_stage(folder)
    with pytest.raises(
        KorqgError, match=r'data/mine is not finished: run 01_make_data.ipynb with data_name="mine" first'
    ):
        require_finished(folder)


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
    with pytest.raises(KorqgError, match="No space left"), whole_folder(tmp_path / "adapter") as temporary:
        temporary.mkdir()
        (temporary / "weights").write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert [path.name for path in tmp_path.iterdir()] == ["adapter"]
    assert (tmp_path / "adapter" / "weights").read_text() == "second"
