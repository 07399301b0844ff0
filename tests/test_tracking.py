"""wandb: losses under their usual names, nothing private, never a hang, closed at the end."""

import getpass
import os
import platform
import subprocess
import sys
import time

import pytest
from conftest import COURSE

pytestmark = pytest.mark.torch


def _recorded(folder, last: bytes = b"eval/loss") -> bytes:
    """What wandb has written; its own process ends the file, on a busy machine only seconds after `finish`."""
    (file,) = folder.glob("wandb/offline-run-*/run-*.wandb")
    until = time.monotonic() + 30
    while last not in file.read_bytes() and time.monotonic() < until:
        time.sleep(0.1)
    return file.read_bytes()


def _log_two_losses(run) -> None:
    from types import SimpleNamespace

    from korqg.train.wandb_run import WandbLog

    log = WandbLog(run)
    args = SimpleNamespace(per_device_train_batch_size=1, gradient_accumulation_steps=1, world_size=1)
    log.on_log(args, SimpleNamespace(global_step=1), None, logs={"loss": 3.0, "learning_rate": 1e-4})
    log.on_log(None, SimpleNamespace(global_step=2), None, logs={"eval_loss": 2.0})


def test_offline_run_holds_both_losses_and_nothing_private(tmp_path):
    from korqg.train.wandb_run import finish_wandb, start_wandb

    run = start_wandb("offline", "project", "name", {"lora_rank": 16}, tmp_path)
    _log_two_losses(run)
    finish_wandb(run, {"train_rows": 3})
    recorded = _recorded(tmp_path, last=b"train_rows")
    for name in (b"train/loss", b"eval/loss", b"train/learning_rate", b"lora_rank", b"train_rows"):
        assert name in recorded, name
    for text in (str(tmp_path), str(COURSE), sys.executable, f"/home/{getpass.getuser()}"):
        assert text.encode() not in recorded, text
    # A host name may be two letters, which the random names in the file hold by chance: whole strings are looked for.
    host = platform.node().encode()
    assert bytes([len(host)]) + host not in recorded
    assert b'"' + host + b'"' not in recorded


def test_finished_run_is_closed(tmp_path):
    import wandb

    from korqg.train.wandb_run import finish_wandb, start_wandb

    run = start_wandb("offline", "project", "name", {}, tmp_path)
    assert wandb.run is run
    finish_wandb(run, {})
    assert wandb.run is None


def test_run_that_a_failed_cell_has_closed_takes_no_entries_and_stops_nothing(tmp_path, capsys):
    import wandb

    from korqg.train.wandb_run import finish_wandb, start_wandb

    run = start_wandb("offline", "project", "name", {}, tmp_path)
    wandb.finish(exit_code=1)
    _log_two_losses(run)
    finish_wandb(run, {"train_rows": 3})
    assert "closed when a cell failed" in capsys.readouterr().out
    finish_wandb(start_wandb("offline", "project", "next", {}, tmp_path), {})
    assert "kept offline" in capsys.readouterr().out


def test_folder_of_an_offline_run_is_whole_and_names_no_folder(tmp_path, monkeypatch):
    from korqg.train.wandb_run import finish_wandb, start_wandb

    home = tmp_path / "hong-gildong"
    for name in ("HOME", "WANDB_DATA_DIR", "WANDB_CACHE_DIR"):
        monkeypatch.setenv(name, str(home))
    killed = home / "runs" / "mine" / "wandb" / "offline-run-20260101_000000-abc" / "logs" / "debug.log"
    killed.parent.mkdir(parents=True)
    killed.write_text(f"writes to {home}")
    parameters = {"model_name": str(home / "models" / "mine"), "other": "google/gemma-3-1b-it"}
    run = start_wandb("offline", "project", "name", parameters, home / "runs" / "mine")
    _log_two_losses(run)
    said = [{"split": "test", "title": "글 <b>", "model_output": "무엇인가?"}]
    finish_wandb(run, {"train_rows": 3}, said, said)
    recorded = _recorded(home / "runs" / "mine", last=b"train_rows")
    assert b"train/global_step" in recorded and b'"google/gemma-3-1b-it"' in recorded
    kept = [path for path in home.rglob("*") if path.is_file()]
    assert not [path for path in kept if "staging" in path.parts]
    for path in (home / "runs").rglob("*"):
        assert not path.is_symlink() or not os.path.isabs(os.readlink(path)), path
        assert not path.is_file() or b"hong-gildong" not in path.read_bytes(), path
    (table,) = (home / "runs").glob("mine/wandb/offline-run-*/files/media/html/*.html")
    assert "글 &lt;b&gt;" in table.read_text(encoding="utf-8")


def test_disabled_makes_no_run_and_no_folder(tmp_path):
    from korqg.train.wandb_run import finish_wandb, start_wandb

    run = start_wandb("disabled", "project", "name", {}, tmp_path)
    assert run is None
    _log_two_losses(run)
    finish_wandb(run, {"train_rows": 3})
    assert list(tmp_path.iterdir()) == []


def test_online_without_a_key_stays_offline_asks_nothing_and_says_so(tmp_path, monkeypatch, capsys):
    from korqg.train.wandb_run import finish_wandb, start_wandb

    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    run = start_wandb("online", "project", "name", {}, tmp_path)
    assert run.settings.mode == "offline"
    finish_wandb(run, {})
    assert "no API key found" in capsys.readouterr().out


def test_online_with_a_server_out_of_reach_falls_back_within_a_minute(tmp_path, monkeypatch, capsys):
    from korqg.train.wandb_run import finish_wandb, start_wandb

    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.delenv("WANDB_MODE", raising=False)
    started = time.monotonic()
    run = start_wandb("online", "project", "name", {}, tmp_path)
    assert time.monotonic() - started < 60
    _log_two_losses(run)
    finish_wandb(run, {})
    assert "kept offline" in capsys.readouterr().out
    assert b"train/loss" in _recorded(tmp_path)


def test_run_is_closed_after_a_cell_that_failed(tmp_path):
    code = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "from pathlib import Path\n"
        "import wandb\n"
        "shell = InteractiveShell.instance()\n"
        "shell.run_cell('from korqg.train.wandb_run import private_settings, start_wandb; from pathlib import Path')\n"
        "shell.run_cell('import wandb')\n"
        f"shell.run_cell('settings = private_settings(Path(r\"{tmp_path}\"))')\n"
        "shell.run_cell('run = start_wandb(lambda mode: wandb.init(mode=mode, settings=settings), \"offline\")')\n"
        "print('open', wandb.run is not None)\n"
        "shell.run_cell('1 / 0')\n"
        "print('closed', wandb.run is None)\n"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=COURSE / "notebooks", capture_output=True, text=True, timeout=120, check=True
    ).stdout
    assert "open True" in shown
    assert "closed True" in shown
