"""What the Trainer does beside training: progress, a log of one's own, whole checkpoints, less memory when it must."""

import contextlib
import gc
import itertools
import json
import logging
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from transformers import PrinterCallback, Trainer, TrainerCallback
from transformers.trainer_pt_utils import get_length_grouped_indices

from korqg.devices import from_main, is_main, peak_device_memory_gb, process_count, process_rank, wait_for_all
from korqg.errors import KorqgError
from korqg.files import read_jsonl, write_jsonl
from korqg.model.generate import in_time
from korqg.prompts import BOS_ID, IGNORED
from korqg.train.checkpoints import mark_complete, newest_complete
from korqg.train.collate import split_batch
from korqg.train.speed import short_walks, windowed_attention


class EpochLengthSampler:
    """Indices of rows in groups of like length, in an order that seed and epoch alone decide.

    `lengths` are tokens a row, `group` is the number of rows that make one step. transformers' grouping is kept
    with its longest group in front (memory that will not do shows at once); the other whole groups are shuffled,
    where its own sampler would go from long rows to short ones over and over. That sampler also draws from torch's
    global generator, so a run that goes on in its second epoch would see its rows in another order than one that
    was never stopped. `filled` is the number of rows with those that only fill up the last step (see FilledRows),
    where they come last.

    Of `processes` that take batches of `batch` rows in turn, each gets every so-manyth row of those that they compute
    at the same time: dealt one after another the first would always get the longest, and the others wait for it.
    """

    def __init__(self, lengths: list[int], group: int, seed: int, filled: int = 0, batch: int = 1, processes: int = 1):
        self.lengths, self.group, self.seed, self.epoch = lengths, group, seed, 0
        self.batch, self.processes = batch, processes
        self.filling = range(len(lengths), max(filled, len(lengths)))

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths) + len(self.filling)

    def __iter__(self):
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        ordered = get_length_grouped_indices(self.lengths, self.group, generator=generator)
        whole = len(ordered) // self.group
        shuffled = (1 + torch.randperm(max(whole - 1, 0), generator=generator)).tolist()
        places = [0, *shuffled, *range(max(whole, 1), -(-len(ordered) // self.group))]
        chosen = [row for place in places for row in ordered[place * self.group : (place + 1) * self.group]]
        chosen += self.filling
        at_once = self.batch * self.processes
        together = [chosen[start : start + at_once] for start in range(0, len(chosen), at_once)]
        dealt = (rows[process :: self.processes] for rows in together for process in range(self.processes))
        return itertools.chain.from_iterable(dealt)


class FilledRows:
    """Rows, and behind them rows with nothing to learn, until their number is a multiple of `multiple`.

    Several processes take batches in turn and must all take equally many. accelerate would repeat the first rows for
    that, which then count twice; a row whose labels are all ignored counts for nothing.
    """

    def __init__(self, rows, multiple: int):
        self.rows, self.real = rows, len(rows)
        self.filled = -(-self.real // multiple) * multiple

    def __len__(self) -> int:
        return self.filled

    def __getitem__(self, index: int) -> dict:
        if index < self.real:
            return self.rows[index]
        if index >= self.filled:
            raise IndexError(index)
        return {"input_ids": [BOS_ID, BOS_ID], "labels": [IGNORED, IGNORED]}


# The Trainer compares shares of a run (0.25) with the steps that it made of them, and looks for the best checkpoint
# where it was before the folder was moved, which WholeCheckpoints puts right.
FALSE_ALARMS = ("do not match the ones in the `trainer_state.json`", "recorded in the resumed state does not exist")


@contextlib.contextmanager
def without_false_alarms() -> Iterator[None]:
    """Keep back the Trainer's warnings on a resume that say something untrue (FALSE_ALARMS)."""

    def is_true(record: logging.LogRecord) -> bool:
        return not any(words in record.getMessage() for words in FALSE_ALARMS)

    loggers = [logging.getLogger(f"transformers.{name}") for name in ("trainer", "trainer_utils")]
    for logger in loggers:
        logger.addFilter(is_true)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(is_true)


def require_trained(trainer: Trainer, log: Path) -> None:
    """Raise KorqgError unless the training reached its last step and its log says so."""
    state = trainer.state
    logged = max((entry.get("step", 0) for entry in read_jsonl(log)), default=0) if is_main() else state.global_step
    if not 0 < state.max_steps == state.global_step == logged:
        raise KorqgError(
            f"The training stands at step {state.global_step} of {state.max_steps} ({log.name}: step {logged}): it is "
            "not finished, and nothing is saved of it. Run the notebook from its first cell to go on with it."
        )


def require_kept(state, loss: float, keep: str) -> None:
    """Raise KorqgError when `loss` is not the one that the weights to keep had in training: others were loaded."""
    noted = state.best_metric if keep == "best" else None
    if noted is not None and abs(loss - noted) > SAME_LOSS[torch.cuda.is_available()] * abs(noted):
        raise KorqgError(
            f"The best weights had a validation loss of {noted:.4f}, those that were loaded have {loss:.4f}: the "
            'checkpoint was changed. Run the notebook again with resume="never".'
        )


def losses_of(trainer: "CourseTrainer", log: Path, keep: str) -> dict[str, float]:
    """Steps, seconds, and the validation loss before and after, of a training that is finished and kept what it should.

    The loss after is that of the weights in memory, whatever the log says of others. Raises KorqgError as
    require_trained and require_kept do.
    """
    require_trained(trainer, log)
    history = trainer.state.log_history
    after = trainer.loss_of_weights()
    require_kept(trainer.state, after, keep)
    return {
        "steps": trainer.state.global_step,
        "train_seconds": round(next(entry["train_runtime"] for entry in history if "train_runtime" in entry), 1),
        "eval_loss_before": next(entry["eval_loss"] for entry in history if "eval_loss" in entry),
        "eval_loss_after": after,
    }


def course_arguments() -> dict:
    """Training arguments that teach nothing: what CourseTrainer's own parts and this machine need."""
    on_gpu = torch.cuda.is_available()
    return dict(
        per_device_eval_batch_size=32 if on_gpu else 8,  # no gradients, so many fit; evaluated rows go in one piece
        metric_for_best_model="eval_loss",
        dataloader_pin_memory=on_gpu,
        logging_first_step=True,
        logging_nan_inf_filter=False,  # a NaN must be seen
        prediction_loss_only=True,  # the logits of 262,144 tokens are not collected
        remove_unused_columns=False,  # the collator's own keys must reach the model
        disable_tqdm=True,  # a saved notebook would freeze the bar
        report_to="none",  # wandb gets its entries from WandbLog
    )


# Part of a loss by which it may differ when the same weights are evaluated again: on a CPU, and on a GPU.
SAME_LOSS = {False: 1e-3, True: 2e-2}


class CourseTrainer(Trainer):
    """The stock Trainer, but for the order of its rows (see EpochLengthSampler) and for batches in pieces.

    `max_batch_tokens` bounds what is in memory at a time: a batch of more tokens, padding included, goes through
    the model in pieces whose gradients add up to the whole batch's, each as wide as its own longest row. Rows differ
    in length by a factor of ten, so without a bound the longest batch decides how many rows a step may have, and all
    the others leave the device idle. 0 means no bound.

    What the Trainer does at every step beside the model is cut short (see short_walks), and sliding windows are
    computed by a kernel that knows them, where there is one (see windowed_attention).

    `eval_data_collator` makes the batches of the evaluation where they differ from those of the training.

    On several processes (torchrun) a step and an evaluation see the rows, and give the loss, that they would on one:
    the rows are filled up to whole rounds of batches, and the gradients are exchanged once a step.
    """

    def __init__(self, args, max_batch_tokens: int = 0, eval_data_collator: Callable | None = None, **kwargs):
        args.ddp_find_unused_parameters = False  # every weight that learns has a part in every batch
        args.ddp_broadcast_buffers = False  # Gemma's are constants
        # Of several GPUs in sight it would make nn.DataParallel, which splits the flat labels of AnswerOnlyCollator;
        # use_one_gpu cannot help where torch had looked at them before.
        args._n_gpu = min(args.n_gpu, 1)
        super().__init__(args=args, **kwargs)
        self.remove_callback(PrinterCallback)  # PrintProgress prints
        self.max_batch_tokens = max_batch_tokens
        if (processes := args.world_size) > 1:
            self.train_dataset = FilledRows(self.train_dataset, args.per_device_train_batch_size * processes)
            if self.eval_dataset is not None:
                self.eval_dataset = FilledRows(self.eval_dataset, args.per_device_eval_batch_size * processes)
        self.eval_data_collator = eval_data_collator or self.data_collator

    def get_eval_dataloader(self, eval_dataset=None):
        of_training, self.data_collator = self.data_collator, self.eval_data_collator
        try:
            return super().get_eval_dataloader(eval_dataset)
        finally:
            self.data_collator = of_training

    def train(self, *args, **kwargs):
        with short_walks(self.model), windowed_attention(self.model), without_false_alarms():
            return super().train(*args, **kwargs)

    def _run_epoch(self, **kwargs):
        """No step beyond the last: the Trainer would take one more from a checkpoint that has taken them all."""
        if self.state.global_step >= self.state.max_steps:
            self.control.should_training_stop = True
        else:
            super()._run_epoch(**kwargs)

    def loss_of_weights(self) -> float:
        """The validation loss of the weights as they are now, beside the log: it is no point of the curve."""
        with windowed_attention(self.model):
            loader = self.get_eval_dataloader()
            found = self.evaluation_loop(loader, description="Evaluation", prediction_loss_only=True)
        return found.metrics["eval_loss"]

    def floating_point_ops(self, inputs) -> int:
        return 0  # the Trainer's estimate counts all parameters anew at every step

    def training_step(self, model, inputs, num_items_in_batch=None):
        pieces = split_batch(inputs, self.max_batch_tokens)
        if len(pieces) > 1 and num_items_in_batch is None:
            raise ValueError("pieces can only be added up when the loss is divided by the step's target tokens")
        loss = 0.0
        for place, piece in enumerate(pieces, start=1):
            # The processes may have unequal numbers of pieces: they exchange gradients after the last one only.
            alone = place < len(pieces) and self.args.world_size > 1
            with self.accelerator.no_sync(model) if alone else contextlib.nullcontext():
                loss = loss + super().training_step(model, piece, num_items_in_batch)
        return loss

    def prediction_step(self, model, inputs, *args, **kwargs):
        if not isinstance(self.eval_dataset, FilledRows):
            return super().prediction_step(model, inputs, *args, **kwargs)
        # The Trainer takes the mean over all batches, rows that fill up included: each batch counts by its real rows.
        real = (inputs["labels"] != IGNORED).any(dim=1).sum().item()
        weight = real / len(inputs["labels"]) * self.eval_dataset.filled / self.eval_dataset.real
        with torch.no_grad(), self.compute_loss_context_manager():
            loss = self.compute_loss(model, self._prepare_inputs(inputs)).detach()
        return (loss * weight if real else torch.zeros_like(loss)), None, None

    def _get_train_sampler(self, train_dataset=None):
        rows = self.train_dataset.rows if isinstance(self.train_dataset, FilledRows) else self.train_dataset
        known = getattr(rows, "lengths", None)  # EncodedRows': the ids are not read for this
        lengths = [len(row["input_ids"]) for row in rows] if known is None else known.tolist()
        batch, processes = self.args.per_device_train_batch_size, self.args.world_size
        group = batch * self.args.gradient_accumulation_steps * processes
        return EpochLengthSampler(lengths, group, self.args.seed, len(self.train_dataset), batch, processes)


class PrintProgress(TrainerCallback):
    """Prints one line for each log entry and what is left; a saved notebook keeps it, unlike a bar.

    What is left are the steps, the evaluations among them and behind them, and `seconds_after`: what follows training.
    """

    def __init__(self, seconds_after: float = 0.0):
        self.seconds_after = seconds_after
        self._started, self._first, self._evaluation, self._evaluated = None, 0, 0.0, 0.0

    def on_step_begin(self, args, state, control, **kwargs):
        if self._started is None:  # not before: the first evaluation is no step
            self._started, self._first, self._evaluated = time.monotonic(), state.global_step, 0.0

    def on_log(self, args, state, control, logs=None, **kwargs):
        step = f"step {state.global_step:>5} of {state.max_steps}"
        if "loss" in logs:
            rows = args.per_device_train_batch_size * args.gradient_accumulation_steps * args.world_size
            seconds = time.monotonic() - self._started
            left = f"{in_time(seconds)}, about {in_time(self._left(state, seconds))} left"
            print(f"{step}   {state.global_step * rows:>6,} rows   loss {logs['loss']:.3f}   {left}", flush=True)
        elif "eval_loss" in logs:
            self._evaluation = logs.get("eval_runtime", 0.0)
            self._evaluated += self._evaluation
            print(f"{step}   validation loss {logs['eval_loss']:.3f}", flush=True)

    def _left(self, state, seconds: float) -> float:
        last, every = state.max_steps, state.eval_steps or state.max_steps
        a_step = (seconds - self._evaluated) / max(1, state.global_step - self._first)
        evaluations = (last - 1) // every - min(state.global_step, last - 1) // every + 1  # the last one is at the end
        return (last - state.global_step) * a_step + evaluations * self._evaluation + self.seconds_after

    def on_train_end(self, args, state, control, **kwargs):
        if most := peak_device_memory_gb():
            print(f"GPU memory: torch held {most:.1f} GB at most until here, in all that was tried", flush=True)


class LogFile(TrainerCallback):
    """Appends each entry of the Trainer's history to a JSON Lines file as it comes.

    Entries have `step` and `epoch` and either `loss`, `learning_rate`, `grad_norm` or `eval_loss`
    (natural logarithm, mean over the target tokens of a batch). A run that goes on from a checkpoint begins
    with that checkpoint's history: what was logged after it will be logged again.
    """

    def __init__(self, path: Path):
        self.path = path

    def on_train_begin(self, args, state, control, **kwargs):
        write_jsonl(self.path, state.log_history)

    def on_log(self, args, state, control, **kwargs):
        if not is_main():
            return
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


class WholeCheckpoints(TrainerCallback):
    """Saves every `minutes`, beside the Trainer's own steps, and marks each checkpoint once it is whole.

    On resuming it puts the place of the best checkpoint right, which the Trainer notes as an absolute path: a
    folder that was moved (Drive, say) would silently end with the last weights in place of the best.

    Several processes go by the first one's clock, and ask it every `ASK_CLOCK` steps.
    """

    ASK_CLOCK = 20

    def __init__(self, minutes: float = 10.0):
        self.minutes = minutes
        self._saved = time.monotonic()

    def on_train_begin(self, args, state, control, **kwargs):
        self._saved = time.monotonic()
        if state.best_global_step:
            state.best_model_checkpoint = str(Path(args.output_dir) / f"checkpoint-{state.best_global_step}")

    def on_step_end(self, args, state, control, **kwargs):
        if process_count() > 1 and state.global_step % self.ASK_CLOCK:
            return
        if from_main(lambda: time.monotonic() - self._saved > 60 * self.minutes):
            control.should_save = True

    def on_save(self, args, state, control, **kwargs):
        wait_for_all()  # each process adds its random state
        if is_main():
            mark_complete(Path(args.output_dir) / f"checkpoint-{state.global_step}")
        self._saved = time.monotonic()


def halve_batch(batch_size: int, gradient_accumulation_steps: int) -> tuple[int, int]:
    """At most half the batch, and as much more accumulation: a step sees as many rows as before."""
    rows = batch_size * gradient_accumulation_steps
    smaller = max(size for size in range(1, batch_size // 2 + 1) if rows % size == 0)
    return smaller, rows // smaller


def train_within_memory(
    make_trainer: Callable, batch_size: int, gradient_accumulation_steps: int, checkpoint: Path | None
):
    """Train, and return the trainer; when the device's memory runs out, halve the batch and double the accumulation.

    A step then still sees the same rows, so the result stays what it would have been, but for rounding.
    `make_trainer(batch_size, gradient_accumulation_steps, checkpoint)` makes a fresh Trainer on the same model;
    after running out of memory it goes on from the newest whole checkpoint, or else from the first weights.
    Raises KorqgError when a single row does not fit, and on several processes, which cannot halve one by one.
    """
    trainer = make_trainer(batch_size, gradient_accumulation_steps, checkpoint)
    first = {
        name: weights.detach().cpu().clone()
        for name, weights in trainer.model.named_parameters()
        if weights.requires_grad
    }
    while True:
        try:
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
            return trainer
        except torch.OutOfMemoryError:
            ran_out = trainer.state.global_step
        if process_count() > 1 and batch_size > 1:  # the others wait for this one's gradients: all must begin again
            raise KorqgError(
                f"Process {process_rank()} ran out of its device's memory at step {ran_out}. Halve batch_size and "
                "double gradient_accumulation_steps (a step then sees the same rows), or set max_batch_tokens, and run "
                "the same command again: it goes on from the newest checkpoint."
            )
        if batch_size == 1:
            raise KorqgError(
                "A single row does not fit into the device's memory: use a smaller max_length, or "
                'quantization="int8", or activation_checkpointing="on".'
            )
        # Outside of the except block, where the traceback would keep the tensors alive.
        checkpoint = newest_complete(Path(trainer.args.output_dir), trainer.args.load_best_model_at_end)
        with torch.no_grad():
            for name, weights in trainer.model.named_parameters():
                if weights.requires_grad:
                    weights.grad = None
                    weights.copy_(first[name])
        del trainer
        gc.collect()
        torch.cuda.empty_cache()
        batch_size, gradient_accumulation_steps = halve_batch(batch_size, gradient_accumulation_steps)
        print(
            f"Out of memory at step {ran_out}: going on with batches of {batch_size}, {gradient_accumulation_steps} of "
            f"them a step, from {checkpoint.name if checkpoint else 'the beginning'}."
        )
        trainer = make_trainer(batch_size, gradient_accumulation_steps, checkpoint)
