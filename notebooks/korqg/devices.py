"""One notebook on several processes, one a device: who writes, who waits, and what all of them must agree on.

torchrun starts the processes and says to each, in its environment, which one it is (RANK, LOCAL_RANK) and how many
there are (WORLD_SIZE, LOCAL_WORLD_SIZE); accelerate connects them. In a notebook of its own nothing of this is set:
then every function here does what one process would do, and neither torch nor accelerate is imported.
"""

import atexit
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from korqg.errors import KorqgError, in_words

_failed = False


def process_count() -> int:
    """How many processes share this run, on all hosts together; 1 in a plain notebook."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def process_rank() -> int:
    """Which of them this is, from 0."""
    return int(os.environ.get("RANK", "0")) if process_count() > 1 else 0


def is_main() -> bool:
    """Whether this is the process that prints, and writes the files."""
    return process_rank() == 0


def join_processes() -> None:
    """Connect this process with the others, and give it its device; does nothing in a plain notebook.

    One process a GPU, connected by NCCL; without a GPU they share the CPU and are connected by gloo.
    Raises KorqgError when a host has fewer GPUs than processes.
    """
    if process_count() == 1:
        return
    import torch

    here, gpus = int(os.environ.get("LOCAL_WORLD_SIZE", "1")), torch.cuda.device_count()
    if gpus == 0:
        os.environ["ACCELERATE_USE_CPU"] = "true"  # read by the Trainer's accelerate too
    check_gpus(here, gpus)
    _state()
    atexit.register(_leave)


def check_gpus(processes: int, gpus: int) -> None:
    """Raise KorqgError for more processes on a host than it has GPUs; with no GPU at all they share the CPU."""
    if 0 < gpus < processes:
        raise KorqgError(
            f"{processes} processes were asked for on a host with {gpus} GPU{'s' * (gpus > 1)}: one process needs one "
            f"GPU. Use GPUS={gpus} (torchrun --nproc-per-node={gpus}), or look at CUDA_VISIBLE_DEVICES."
        )


def wait_for_all() -> None:
    """Come back when every process has come here."""
    if process_count() > 1:
        _state().wait_for_everyone()


def gather_all(values: list) -> list:
    """The lists of all processes behind one another, in the processes' order, on each of them."""
    if process_count() == 1:
        return values
    from accelerate.utils import gather_object

    _state()
    return gather_object(values)


def from_main(function: Callable[[], Any]) -> Any:
    """What `function` returns on the first process, which alone calls it; the others wait for it.

    The value must pickle. An error on the first process is raised there, and ends the others.
    """
    if process_count() == 1:
        return function()
    from accelerate.utils import broadcast_object_list

    _state()
    box = [function() if is_main() else None]
    broadcast_object_list(box)
    return box[0]


def require_same(name: str, values: dict[str, Any]) -> None:
    """Raise KorqgError, on every process, when `values` differ between them: hosts with other parameters or files."""
    if process_count() == 1:
        return
    everyone = gather_all([values])
    names = list(dict.fromkeys(name for some in everyone for name in some))
    differing = []
    for key in names:
        found = [some.get(key) for some in everyone]
        other = next((rank for rank, value in enumerate(found) if value != found[0]), None)
        if other is not None:
            differing.append(f"{key} is {found[0]!r} on process 0 and {found[other]!r} on process {other}")
    if differing:
        raise KorqgError(
            f"The processes do not agree on {name}: {'; '.join(differing)}. Start all hosts with the same parameters "
            "and the same data."
        )


def share_of_step(batch_size: int, gradient_accumulation_steps: int, count: int | None = None) -> tuple[int, int]:
    """The batch and the accumulation of one process, so that a step sees the rows that it would see on one.

    `count` is the number of processes, by default that of this run. The accumulation is shared out where that comes
    out even; otherwise the batch shrinks as little as it must.
    Raises KorqgError when the rows of a step cannot be shared out evenly.
    """
    count, rows = count or process_count(), batch_size * gradient_accumulation_steps
    if rows % count:
        raise KorqgError(
            f"A step of {rows} rows (batch_size={batch_size} times gradient_accumulation_steps="
            f"{gradient_accumulation_steps}) cannot be shared by {count} processes: make it a multiple of {count}.",
            "한 스텝의 행 수가 프로세스 수로 나누어떨어져야 합니다.",
        )
    mine = rows // count
    batch = max(size for size in range(1, min(batch_size, mine) + 1) if mine % size == 0)
    return batch, mine // batch


def quiet_others() -> None:
    """Under torchrun: let the first process speak for all, and an error be shown once.

    Of the processes of a host the one that fails first shows its error, a KorqgError as its message alone; what the
    others raise because of it is not shown. torchrun then ends them.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return
    if not is_main():
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 (to the end of the process)
        import logging
        import warnings

        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
    show_errors_once()


def show_errors_once() -> None:
    """Under torchrun: show an uncaught error as described above. Called again after wandb, which shows them itself."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        sys.excepthook = _show_first


def _show_first(kind, error, traceback) -> None:
    global _failed
    _failed = True
    # torchrun gives each process a file for its error, in a folder that the processes of a host share.
    mark = Path(os.environ["TORCHELASTIC_ERROR_FILE"]).parents[1] / "error_was_shown"
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return
    words = _of_another(error) or in_words(error)
    if words is None:
        sys.__excepthook__(kind, error, traceback)
    else:
        print(f"\n{words}", file=sys.stderr)
    if process_count() > 1:
        print(f"(process {process_rank()} of {process_count()}; the others are ended)", file=sys.stderr, flush=True)
    if "wandb" in sys.modules and sys.modules["wandb"].run is not None:
        sys.modules["wandb"].finish(exit_code=1)


def _of_another(error: BaseException) -> str | None:
    """A sentence for an error that only says that another process is gone."""
    said = str(error)
    if isinstance(error, RuntimeError) and any(mark in said for mark in ("gloo", "NCCL", "Connection reset by peer")):
        return f"Process {process_rank()} has lost the connection to another one, which ended before it was done."
    return None


def _leave() -> None:
    import torch

    if not _failed and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _state():
    from accelerate import PartialState

    return PartialState(cpu=os.environ.get("ACCELERATE_USE_CPU") == "true")


def peak_device_memory_gb() -> float:
    """Most memory that torch has held on the CUDA device so far, in GB (1e9 bytes); 0 without one."""
    import torch

    return round(torch.cuda.max_memory_allocated() / 1e9, 2) if torch.cuda.is_available() else 0.0
