"""`make train`, notebook 02 on two processes of the CPU: the same result as on one, and errors that are said once."""

import math
import os
import shlex
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest
from conftest import COURSE

from korqg import devices
from korqg.devices import check_gpus, share_of_step
from korqg.errors import KorqgError
from korqg.files import read_json, read_jsonl, sha256_of, write_jsonl
from korqg.output_folders import finish_stage, require_finished
from korqg.pipeline import read_value, run_notebook
from korqg.prompts import INSTRUCTIONS
from korqg.train.checkpoints import newest_complete

HANGS = 600
"""Seconds after which a run is taken to hang: two processes beside other programs may take minutes."""


@pytest.fixture(scope="module")
def villages(tmp_path_factory):
    """An outputs folder with finished data: 22 rows to learn from and 11 to validate with, which no 4 divides."""
    outputs = tmp_path_factory.mktemp("여러 장치") / "outputs"
    folder = outputs / "data" / "villages"
    rows = [
        {
            "id": f"{number}",
            "title": f"{number}번 마을",
            "passage_id": f"{number}",
            "instruction": INSTRUCTIONS["question"],
            "input": f"{number}번 마을에는 다리가 {number + 2}개 있고, 봄에 잔치가 열린다."
            + " 길이 좁다." * (number % 7),
            "output": f"{number}번 마을의 잔치는 언제인가?" if number % 2 else f"{number}번 마을에 있는 것은 무엇인가?",
            "answer": "봄" if number % 2 else "다리",
        }
        for number in range(38)
    ]
    chunks = [{**row, "id": f"chunk-{row['id']}", "output": "", "answer": ""} for row in rows[5:8]]
    parts = {"train": rows[:22], "validation": rows[22:33], "test": rows[33:], "own": chunks}
    for name, part in parts.items():
        write_jsonl(folder / f"{name}.jsonl", part)
    write_jsonl(folder / "chunks.jsonl", [])
    finish_stage(folder, {}, [], [folder / f"{name}.jsonl" for name in parts], {})
    return outputs


@pytest.fixture(scope="module")
def small(villages, tiny_model_folder) -> dict:
    """Two epochs of steps of four rows, accumulated and in pieces."""
    return {
        "data_name": "villages",
        "model_name": str(tiny_model_folder),
        "outputs_dir": str(villages),
        "num_epochs": 2,
        "batch_size": 2,
        "gradient_accumulation_steps": 2,
        "max_batch_tokens": 100,
        "learning_rate": 0.01,
        "lora_rank": 4,
        "max_new_tokens": 12,
        "wandb_mode": "offline",
    }


def _command(parameters: dict, processes: int, torchrun: str = "--standalone") -> list[str]:
    """`make train` without its setup, in this Python."""
    given = " ".join(f"-p {name} {shlex.quote(str(value))}" for name, value in parameters.items())
    make = [
        "make",
        "--no-print-directory",
        "-o",
        ".venv/installed",
        "train",
        f"VENV_PYTHON={os.path.relpath(sys.executable, COURSE)}",
    ]
    return [*make, f"GPUS={processes}", f"TORCHRUN={torchrun}", f"ARGS={given}"]


def _start(command: list[str], **options) -> psutil.Popen:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8"}
    return psutil.Popen(command, cwd=COURSE, **pipes, **options)


def _run(command: list[str]) -> tuple[str, str, int]:
    """What a command said on stdout and stderr, and its exit code."""
    return _end(_start(command))


def _end(process: psutil.Popen) -> tuple[str, str, int]:
    """What a process said until it ended, and its exit code; ended with its children when it hangs."""
    try:
        return *process.communicate(timeout=HANGS), process.returncode
    except subprocess.TimeoutExpired:
        for one in [*process.children(recursive=True), process]:
            one.kill()
        raise


def _workers(process: psutil.Popen) -> list[psutil.Process]:
    """The processes that torchrun, itself one of make's, has started."""
    commands = {one: " ".join(one.cmdline()) for one in process.children(recursive=True)}
    return [one for one, said in commands.items() if "02_train_lora.py" in said and "torch.distributed.run" not in said]


def _losses(run) -> list[tuple[int, str, float]]:
    log = read_jsonl(run / "train_log.jsonl")
    return [(entry["step"], name, entry[name]) for entry in log for name in ("loss", "eval_loss") if name in entry]


@pytest.fixture(scope="module")
def two(villages, small):
    """A run on two processes, and what it said."""
    said, errors, code = _run(_command({**small, "run_name": "two"}, 2))
    assert code == 0, errors
    return villages / "runs" / "two", said


@pytest.mark.chain
def test_two_processes_end_where_one_ends(villages, small, two):
    two, said = two
    assert said.count("Model: ") == 1, "one process speaks for all"
    run_notebook("runs", "one", villages, {name: value for name, value in small.items() if name != "outputs_dir"})
    one = villages / "runs" / "one"
    assert require_finished(two)["device"].startswith("2 processes, each with CPU")
    alone, shared = _losses(one), _losses(two)
    assert len({step for step, *_ in alone}) == 2 * math.ceil(22 / 4) + 1
    assert [entry[:2] for entry in alone] == [entry[:2] for entry in shared]
    for mine, other in zip(alone, shared, strict=True):
        assert mine[2] == pytest.approx(other[2], rel=1e-5), mine
    assert alone[-1][2] < alone[0][2] - 0.01, "nothing was learnt, so nothing was compared"
    for name, count in (("init_outputs.json", 5), ("after_outputs.json", 5 + 3)):
        mine, other = read_json(one / name), read_json(two / name)
        assert len(mine) == len(other) == count
        for ours, theirs in zip(mine, other, strict=True):
            assert ours.pop("likelihood") == pytest.approx(theirs.pop("likelihood"), abs=1e-3)
        assert mine == other
    assert read_json(two / "init_outputs.json") != read_json(two / "after_outputs.json")
    assert len(list(two.glob("wandb/offline-run-*"))) == 1
    assert not list(two.glob("*.tmp-*"))


def _two_hosts(first: dict, second: dict) -> list[tuple[str, str, int]]:
    """What two launches of one process each said, as on two hosts that share the outputs folder; host 0 comes first."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        port = str(probe.getsockname()[1])
    hosts = f"--nnodes=2 --master-addr=127.0.0.1 --master-port={port} --node-rank="
    started = [_start(_command(given, 1, f"{hosts}{rank}")) for rank, given in enumerate((first, second))]
    return [_end(process) for process in started]


@pytest.mark.chain
def test_two_hosts_end_where_two_processes_of_one_end(villages, small, two):
    (said, errors, code), (other_said, other_errors, other_code) = _two_hosts(*[{**small, "run_name": "hosts"}] * 2)
    assert (code, other_code) == (0, 0), errors + other_errors
    assert said.count("Model: ") == 1 and "Model: " not in other_said
    folder = villages / "runs" / "hosts"
    for mine, other in zip(_losses(two[0]), _losses(folder), strict=True):
        assert mine[:2] == other[:2] and mine[2] == pytest.approx(other[2], rel=1e-5)
    for name in ("init_outputs.json", "after_outputs.json"):
        assert read_json(folder / name) == read_json(two[0] / name)


@pytest.mark.chain
def test_hosts_with_other_parameters_are_told_which(villages, small):
    given = {**small, "run_name": "unlike"}
    ended = _two_hosts(given, {**given, "learning_rate": 0.02})
    assert all(code for *_, code in ended)
    for _, errors, _ in ended:
        assert errors.count("learning_rate is 0.01 on process 0 and 0.02 on process 1") == 1
    assert not (villages / "runs" / "unlike" / "manifest.json").exists()


@pytest.mark.chain
def test_killed_process_ends_the_others_and_the_run_goes_on_to_the_same_result(villages, small, two):
    command = _command({**small, "run_name": "cut"}, 2)
    folder = villages / "runs" / "cut"
    process = _start(command)
    while process.poll() is None and not any(folder.glob("checkpoints/*/complete.json")):
        time.sleep(0.02)
    workers = _workers(process)
    assert len(workers) == 2, "the run ended before it could be killed"
    workers[1].kill()
    killed = time.monotonic()
    _, errors, code = _end(process)
    assert time.monotonic() - killed < HANGS / 4
    assert code == 2  # make's own
    assert errors.count("Signal 9 (SIGKILL)") == 1
    assert not any(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in workers)
    assert not (folder / "manifest.json").exists()
    assert newest_complete(folder / "checkpoints") is not None
    said, errors, code = _run(command)
    assert code == 0, errors
    assert "Going on from checkpoint-" in said
    for name in ("adapter/adapter_model.safetensors", "after_outputs.json"):
        assert sha256_of(folder / name) == sha256_of(two[0] / name), name


@pytest.mark.chain
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "a scheduler"])
def test_a_signal_ends_all_processes(villages, small, sent):
    name = f"ended-{sent.name}"
    process = _start(_command({**small, "run_name": name}, 2), start_new_session=True)
    folder = villages / "runs" / name
    while process.poll() is None and not any(folder.glob("checkpoints/*/complete.json")):
        time.sleep(0.02)
    workers = _workers(process)
    os.killpg(process.pid, sent) if sent == signal.SIGINT else process.send_signal(sent)
    _, errors, code = _end(process)
    assert code and f"got signal: {sent.value}" in errors
    assert not any(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in workers)
    assert not (folder / "manifest.json").exists()


@pytest.mark.chain
@pytest.mark.parametrize(
    ("parameters", "processes", "said"),
    [
        ({"target_modules": "query_proj"}, 2, "the model has no linear layer query_proj"),
        ({}, 3, "A step of 4 rows (batch_size=2 times gradient_accumulation_steps=2) cannot be shared by 3 processes"),
    ],
    ids=["layer", "step"],
)
def test_what_is_wrong_is_said_once_above_torchruns_report(small, villages, parameters, processes, said):
    told, errors, code = _run(_command({**small, "run_name": "never", **parameters}, processes))
    assert code and "the reason stands above torchrun's own report" in told
    assert errors.count(said) == 1
    assert errors.index(said) < errors.index("ChildFailedError")
    assert "Traceback" not in errors[: errors.index(said)]
    assert not (villages / "runs" / "never" / "manifest.json").exists()


def test_parameters_are_read_as_papermill_reads_them():
    from papermill.cli import _resolve_type

    for text in ("off", "on", "yes", "true", "True", "None", "1e-4", "1.0e-4", "3", "1.5", "google/gemma-3-1b-it", ""):
        assert read_value(text) == _resolve_type(text) and type(read_value(text)) is type(_resolve_type(text)), text
    assert read_value("2024", "mine") == "2024" and read_value("1e5", "mine") == "1e5"  # the parameter is a text


@pytest.mark.parametrize(("count", "gpus"), [(1, 0), (8, 0), (2, 2), (1, 4)])
def test_processes_share_a_cpu_or_have_a_gpu_each(count, gpus):
    check_gpus(count, gpus)


def test_more_processes_than_gpus_are_refused():
    with pytest.raises(KorqgError, match=r"8 processes were asked for on a host with 4 GPUs.*GPUS=4"):
        check_gpus(8, 4)


@pytest.mark.parametrize(
    ("batch", "accumulation", "count", "expected"),
    [
        (4, 2, 1, (4, 2)),
        (4, 2, 2, (4, 1)),
        (32, 1, 8, (4, 1)),
        (4, 6, 4, (3, 2)),
        (40, 1, 8, (5, 1)),
        (5, 6, 5, (3, 2)),
    ],
)
def test_step_is_shared_out_without_changing_its_rows(batch, accumulation, count, expected):
    assert share_of_step(batch, accumulation, count) == expected
    assert expected[0] * expected[1] * count == batch * accumulation


def test_other_parameters_on_another_process_are_named(monkeypatch):
    settings = [{"learning_rate": 0.1, "seed": 1}, {"learning_rate": 0.2, "seed": 1}]
    monkeypatch.setattr(devices, "process_count", lambda: 2)
    monkeypatch.setattr(devices, "gather_all", lambda values: settings)
    with pytest.raises(KorqgError, match=r"learning_rate is 0\.1 on process 0 and 0\.2 on process 1") as caught:
        devices.require_same("the settings", settings[0])
    assert "seed" not in str(caught.value)
    monkeypatch.setattr(devices, "gather_all", lambda values: [settings[0]] * 2)
    devices.require_same("the settings", settings[0])
