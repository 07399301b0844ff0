"""Trainer callbacks: a line of progress, a log file of one's own, and a stop when the loss is not finite."""

import json
import math
import time
from pathlib import Path

from transformers import TrainerCallback

from korqg.errors import KorqgError


class PrintProgress(TrainerCallback):
    """Prints one line for each log entry and what is left; a saved notebook keeps it, unlike a bar."""

    def __init__(self):
        self._started = None

    def on_step_begin(self, args, state, control, **kwargs):
        self._started = self._started or time.monotonic()  # not before: the first evaluation is no step

    def on_log(self, args, state, control, logs=None, **kwargs):
        if "loss" in logs:
            seconds = time.monotonic() - self._started
            left = seconds / state.global_step * (state.max_steps - state.global_step)
            print(
                f"step {state.global_step:>5} of {state.max_steps}   epoch {state.epoch:5.2f}   "
                f"loss {logs['loss']:.3f}   {seconds:4.0f} s, about {left:.0f} s left",
                flush=True,
            )
        elif "eval_loss" in logs:
            print(
                f"step {state.global_step:>5} of {state.max_steps}   validation loss {logs['eval_loss']:.3f}",
                flush=True,
            )


class LogFile(TrainerCallback):
    """Appends each entry of the Trainer's history to a JSON Lines file as it comes.

    Entries have `step` and `epoch` and either `loss`, `learning_rate`, `grad_norm` or `eval_loss`
    (natural logarithm, mean over the target tokens of a batch).
    """

    def __init__(self, path: Path):
        self.path = path
        path.unlink(missing_ok=True)

    def on_log(self, args, state, control, **kwargs):
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(state.log_history[-1]) + "\n")


class StopOnNonFiniteLoss(TrainerCallback):
    """Raises KorqgError when a loss or gradient is not finite, instead of training on with NaN weights."""

    def on_log(self, args, state, control, logs=None, **kwargs):
        for name in ("loss", "eval_loss", "grad_norm"):
            value = (logs or {}).get(name)
            # With fp16 the first gradients may overflow: the scaler skips those steps and lowers its scale.
            if name == "grad_norm" and args.fp16:
                continue
            if value is not None and not math.isfinite(value):
                raise KorqgError(
                    f"{name} is {value} at step {state.global_step}: the weights from here on are worthless. Use "
                    'precision="auto" (Gemma 3 overflows in pure fp16), or halve the learning rate.'
                )
