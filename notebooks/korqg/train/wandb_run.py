"""wandb as a mirror of the run's own log: no prompt, no hang, nothing private."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformers import TrainerCallback
from transformers.integrations import rewrite_logs

from korqg.devices import is_main, peak_device_memory_gb, show_errors_once
from korqg.markup import table
from korqg.output_folders import shown_folder
from korqg.question import is_single_question

INIT_TIMEOUT_S = 20
# What the losses are drawn over: wandb's own count of entries differs between runs that log at other intervals.
STEP = "train/global_step"


def private_settings(folder: Path):
    """wandb.Settings for a run in this folder, which is made: no host name, path, git state or code is recorded."""
    import wandb

    folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("WANDB_SILENT", "true")
    for cut_off in folder.glob("wandb/*run-*"):
        _leave_no_logs(cut_off)
    return wandb.Settings(
        init_timeout=INIT_TIMEOUT_S,
        reinit="finish_previous",
        console="off",
        disable_code=True,
        disable_git=True,
        host="",
        program="",
        program_relpath="",
        root_dir=str(folder),
        x_disable_machine_info=True,
        x_disable_meta=True,
        x_disable_stats=True,
        x_save_requirements=False,
    )


def start_wandb(init: Callable[[str], Any] | str, *given):
    """The run of `init(mode)`, which calls wandb.init; None for "disabled", and on all but the first of processes.

    `start_wandb(init, mode)` is notebook 2's; `start_wandb(mode, project, name, config, folder)` calls wandb.init with
    private_settings itself. "online" needs a key (WANDB_API_KEY, or `wandb login` beforehand); without one, or when the
    server does not answer within 20 seconds, the run is kept offline and a line says so. The run is closed when a later
    cell fails, too.
    """
    if callable(init):
        (mode,) = given
    else:
        mode, (project, name, config, folder) = init, given

        def init(mode: str):
            import wandb

            seen, settings = for_others(config), private_settings(folder)
            return wandb.init(project=project, name=name, config=seen, mode=mode, dir=str(folder), settings=settings)

    if mode == "disabled" or not is_main():
        return None
    import wandb

    if mode == "online" and not _has_key():
        print("wandb: no API key found (WANDB_API_KEY, or `wandb login` in a terminal), so this run is kept offline.")
        mode = "offline"
    try:
        run = init(mode)
    except (wandb.errors.Error, OSError, TimeoutError) as error:
        if mode == "offline":
            raise
        print(f"wandb: the server did not accept the run ({str(error).splitlines()[0]}); it is kept offline.")
        run = init("offline")
    run.define_metric(STEP)
    for shown in ("train/*", "eval/*"):
        run.define_metric(shown, step_metric=STEP)
    _finish_on_error()
    show_errors_once()
    return run


def finish_wandb(run, figures: dict[str, Any], before: list[dict] = (), after: list[dict] = ()) -> None:
    """Add the figures and a table of the outputs to the run, and close it; does nothing for None.

    The table is a file of the run itself. It has the test articles' titles and questions of before and after: no
    paragraph, and nothing of the user's own document. A run that was closed because a cell failed stays closed; a
    line says so.
    """
    if run is None:
        return
    if not _is_open(run):
        print("wandb: its run was closed when a cell failed; train_log.jsonl has every loss, for notebook 3.")
        return
    import wandb

    pairs = [(one, other) for one, other in zip(before, after, strict=True) if one["split"] != "own"]
    if pairs:
        lines = [
            [one["title"], one["model_output"], other["model_output"], str(is_single_question(other["model_output"]))]
            for one, other in pairs
        ]
        named = [dict(zip(("title", "before", "after", "single question"), line, strict=True)) for line in lines]
        # A wandb.Table would be an artifact as well, which is staged in the home folder and names it in the run's file.
        run.log({"outputs": wandb.Html(table(named), inject=False)})
    run.summary.update(figures)
    offline, folder = run.settings.mode == "offline" or run.offline, Path(run.dir).parent
    run.finish()
    if offline:
        _leave_no_logs(folder)
        print(f'wandb: kept offline; to upload it later: wandb sync "{shown_folder(folder)}"')


class WandbLog(TrainerCallback):
    """Sends the Trainer's log entries to a wandb run as train/loss, eval/loss and so on.

    The Trainer's own callback would also record every training argument, folders among them. Beside the
    losses and the learning rate it gets the tokens of training rows a second (from their mean number a row,
    evaluation left out) and the device's peak memory in GB (1e9 bytes).
    """

    def __init__(self, run, tokens_per_row: float = 0.0):
        self.run, self.tokens_per_row = run, tokens_per_row
        self._step, self._time = 0, time.monotonic()

    def on_train_begin(self, args, state, control, **kwargs):
        """A run that goes on from a checkpoint is a new one for wandb: it gets the history first."""
        for entry in state.log_history if _is_open(self.run) else ():
            values = {name: value for name, value in entry.items() if name not in ("step", "epoch")}
            self.run.log({**rewrite_logs(values), "train/epoch": entry["epoch"], "train/global_step": entry["step"]})
        self._step, self._time = state.global_step, time.monotonic()

    def on_log(self, args, state, control, logs=None, **kwargs):
        if not logs or not _is_open(self.run):
            return
        values = {**rewrite_logs(logs), "train/global_step": state.global_step}
        if "loss" in logs:
            now, steps = time.monotonic(), state.global_step - self._step
            rows = steps * args.per_device_train_batch_size * args.gradient_accumulation_steps * args.world_size
            values["train/tokens_per_second"] = self.tokens_per_row * rows / (now - self._time)
            values["train/peak_memory_gb"] = peak_device_memory_gb()
            self._step, self._time = state.global_step, now
        elif "eval_loss" in logs:
            self._time += logs.get("eval_runtime", 0.0)
        self.run.log(values)


def _is_open(run) -> bool:
    """Whether there is a run and it takes entries; one that a failed cell has closed would raise an error at each."""
    if run is None:
        return False
    import wandb

    return wandb.run is run


def for_others(parameters: dict[str, Any]) -> dict[str, Any]:
    """Parameters as others may see them: of a path of this machine, such as a model's, the name alone."""

    def name_of(value: Any) -> Any:
        is_path = isinstance(value, str) and (value.startswith("~") or Path(value).is_absolute())
        return Path(value).name if is_path else value

    return {key: name_of(value) for key, value in parameters.items()}


def _leave_no_logs(folder: Path) -> None:
    """Take wandb's debugging logs out of a closed run: they name folders, and one is a link into the home folder."""
    shutil.rmtree(folder / "logs", ignore_errors=True)
    for link in folder.parent.glob("debug*.log"):
        link.unlink(missing_ok=True)


def _has_key() -> bool:
    from requests.utils import get_netrc_auth  # requests comes with wandb

    address = os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")
    return bool(os.environ.get("WANDB_API_KEY") or get_netrc_auth(address))


def _finish_on_error() -> None:
    """In a notebook: close the open wandb run as failed when a cell raises."""
    try:
        events = get_ipython().events  # IPython puts this name into builtins
    except NameError:
        return

    def finish(result):
        import wandb

        if result.error_in_exec is not None and wandb.run is not None:
            folder = Path(wandb.run.dir).parent
            wandb.finish(exit_code=1)
            _leave_no_logs(folder)

    events.register("post_run_cell", finish)
