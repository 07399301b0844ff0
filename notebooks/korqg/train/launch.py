"""`make train`: notebook 2 as a program on several processes, one a GPU (or sharing the CPU), on one or several hosts.

    python -m korqg.train.launch [--gpus N] [--recipe FILE] [-p NAME VALUE ...]
                           [--hosts N --host-rank I --main-address ADDRESS [--port PORT]]

run with notebooks/ on PYTHONPATH. The notebook is the program: papermill puts its parameters in, nbconvert writes it
as a script beside the run's other files, torchrun starts the script in N processes. What is known to be wrong (a
parameter, the data, too many processes, a port in use) is said before anything is started.
"""

import argparse
import logging
import os
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from korqg.config import TrainConfig
from korqg.devices import check_gpus
from korqg.errors import KorqgError, tell
from korqg.files import write_text
from korqg.output_folders import NOTEBOOKS, require_finished
from korqg.packages import require_packages
from korqg.pipeline import (
    NOTEBOOKS_FOLDER,
    own_parameters,
    read_recipe,
    read_value,
    shown,
    usual_parameters,
)

PORT = 29500


def train_parameters(recipe: Path | None, given: dict[str, Any]) -> dict[str, Any]:
    """The parameters of notebook 2 that differ from its own: the usual ones, a recipe's, and over them those given.

    Raises KorqgError for a recipe that is not one, for an unknown name, and for a wrong type or value.
    """
    own = own_parameters("runs")
    chosen = {**usual_parameters("runs"), **(read_recipe(recipe) if recipe else {}), **given}
    unknown = [name for name in chosen if name not in own]
    if unknown:
        raise KorqgError(f"{NOTEBOOKS['runs']} has no parameter {', '.join(unknown)}; it has: {', '.join(own)}.")
    TrainConfig(**chosen)
    # The script runs in another folder than this one.
    if chosen.get("outputs_dir"):
        chosen["outputs_dir"] = str(Path(chosen["outputs_dir"]).expanduser().resolve())
    if chosen.get("model_name") and Path(chosen["model_name"]).expanduser().is_dir():
        chosen["model_name"] = str(Path(chosen["model_name"]).expanduser().resolve())
    return {name: value for name, value in chosen.items() if value != own[name]}


def write_script(parameters: dict[str, Any], host: str = "") -> Path:
    """Notebook 2 with these parameters, as a script in the run's folder; the script's path.

    Hosts share that folder: of several, each gives its `host` and gets a script of its own, or the parameters of the
    last one would be run on all, and no difference be seen. Raises KorqgError when the folder cannot be written.
    """
    import nbconvert
    import papermill

    folder = TrainConfig(**{**own_parameters("runs"), **parameters}).folder
    logging.getLogger("papermill").setLevel(logging.ERROR)  # it warns of parameters that the notebook's cell leaves out
    with tempfile.TemporaryDirectory() as temporary:
        prepared = Path(temporary) / NOTEBOOKS["runs"]
        papermill.execute_notebook(
            NOTEBOOKS_FOLDER / NOTEBOOKS["runs"],
            prepared,
            parameters=parameters,
            prepare_only=True,
            progress_bar=False,
            log_output=False,
        )
        script, _ = nbconvert.PythonExporter().from_filename(str(prepared))
    path = folder / f"{Path(NOTEBOOKS['runs']).stem}{host}.py"
    write_text(path, script)
    return path


def require_enough_rows(config: TrainConfig, processes: int) -> None:
    """Raise KorqgError for data that is not finished, fewer rows than processes, and what they cannot do together."""
    manifest = require_finished(config.data_folder)
    written = {Path(file["path"]).stem: file.get("rows", 0) for file in manifest["written"]}
    rows = min(written.get("train", 0), config.max_train_rows or 10**9)
    if rows < processes:
        raise KorqgError(
            f"{processes} processes, but {config.shown(config.data_folder)} has {rows} training rows to share: use "
            "fewer processes, or more data."
        )
    config.require_processes(processes)


def require_free_port(address: str, port: int) -> None:
    """Raise KorqgError when the port on this host, where the processes are to meet, is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError as error:
            raise KorqgError(
                f"Port {port} of {address} cannot be used ({error.strerror}): another run may be going on. Give all "
                "hosts another one with --port."
            ) from None


def require_process_count(processes: int) -> None:
    """Raise KorqgError for a number of processes below 0."""
    if processes < 0:
        raise KorqgError(f"--gpus={processes} is no number of processes: use 1 or more.")


def wait_for_host(address: str, port: int, seconds: float = 600) -> None:
    """Come back when host 0 takes connections at its port.

    Raises KorqgError for a name that no host has, and when nobody has answered for so many seconds. (torchrun would
    wait by itself, for half an hour and with nothing to read but its own stack.)
    """
    try:
        socket.getaddrinfo(address, port)
    except (OSError, UnicodeError):
        raise KorqgError(f"--main-address {address} is not known here: is it host 0's name or address?") from None
    print(f"Waiting for host 0 at {address}:{port}, for up to {seconds / 60:.0f} minutes.", flush=True)
    until = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection((address, port), timeout=5).close()
            return
        except OSError as error:
            if time.monotonic() > until:
                reason = error.strerror or error
                raise KorqgError(
                    f"Host 0 did not answer at {address}:{port} ({reason}): start it (--host-rank 0), give all hosts "
                    "the same --main-address and --port, and see that no firewall is between them."
                ) from None
            time.sleep(1)


def launch(arguments: list[str] | None = None) -> int:
    """Prepare the script and run it; the exit code is 0 only when every process finished."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gpus", type=int, default=0, help="processes on this host (default: one a GPU, or one)")
    parser.add_argument("--recipe", type=Path, help="a parameter file, such as notebooks/recipes/t4_gemma_3_1b_it.yaml")
    parser.add_argument("-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help="a parameter")
    parser.add_argument("--hosts", type=int, default=1, help="how many hosts; they share the outputs folder")
    parser.add_argument("--host-rank", type=int, default=0, help="which of them this is, from 0")
    parser.add_argument("--main-address", default="", help="the address of host 0")
    parser.add_argument("--port", type=int, default=PORT, help="a free port of host 0")
    options = parser.parse_args(arguments)
    try:
        return _launch(options)
    except Exception as error:
        return tell(error)
    except KeyboardInterrupt:
        print("\nInterrupted. The same command goes on from what is whole.", file=sys.stderr)
        return 130


def _launch(options: argparse.Namespace) -> int:
    require_packages()
    import torch

    gpus = torch.cuda.device_count()
    require_process_count(options.gpus)
    here = options.gpus or gpus or 1
    check_gpus(here, gpus)
    if options.hosts > 1 and not options.main_address:
        raise KorqgError("--hosts needs --main-address, the address at which the others reach host 0.")
    if not 0 <= options.host_rank < options.hosts:
        raise KorqgError(f"--host-rank={options.host_rank} is not one of {options.hosts} hosts: they count from 0.")
    own = own_parameters("runs")
    parameters = train_parameters(options.recipe, {name: read_value(text, own.get(name)) for name, text in options.p})
    config = TrainConfig(**{**own, **parameters})
    require_enough_rows(config, here * options.hosts)
    meeting = ["--standalone"]
    if options.hosts > 1:
        if not 0 < options.port < 65_536:
            raise KorqgError(f"--port={options.port} is no port: they go from 1 to 65535.")
        if options.host_rank == 0:
            require_free_port(options.main_address, options.port)
        else:
            wait_for_host(options.main_address, options.port)
        meeting = [f"--node-rank={options.host_rank}", f"--master-addr={options.main_address}"]
        meeting += [f"--master-port={options.port}"]
    script = write_script(parameters, f"_host{options.host_rank}" if options.hosts > 1 else "")
    print(f"{shown(script)} on {here} process{'es' * (here > 1)}, {options.hosts} host(s)", flush=True)
    return run_processes([f"--nnodes={options.hosts}", f"--nproc-per-node={here}", *meeting, str(script)], here)


def run_processes(arguments: list[str], here: int) -> int:
    """torchrun with these arguments, `here` processes on this host; its exit code. An error is shown once."""
    from torch.distributed import DistError
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import parse_args, run

    logging.getLogger("torch.distributed").setLevel(logging.CRITICAL)  # its reports repeat what a process has said
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // here)))
    os.chdir(NOTEBOOKS_FOLDER)  # from where the script finds the course
    try:
        run(parse_args(arguments))
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        if failure.exitcode < 0:  # it could not say why itself
            name = signal.Signals(-failure.exitcode).name
            memory = ", most likely because the host's memory ran out" if name == "SIGKILL" else ""
            print(f"\nProcess {rank} was killed ({name}){memory}; the others were ended.", file=sys.stderr)
        print("Once that is put right, the same command goes on from what is whole.", file=sys.stderr)
        return 1
    except DistError as error:
        print(f"\nThe hosts did not find one another: {str(error).splitlines()[0]}", file=sys.stderr)
        print("Start host 0 too, and look at --main-address and --port (a firewall may be between).", file=sys.stderr)
        return 1
    except SignalException as error:  # what a scheduler sends before its time limit; Ctrl-C is one too
        name = signal.Signals(error.sigval).name
        print(f"\nEnded by {name}. The same command goes on from what is whole.", file=sys.stderr)
        return 128 + error.sigval
    return 0


if __name__ == "__main__":
    sys.exit(launch())
