"""The LoRA adapter beside the frozen weights: put there once, trained once, checked again from disk."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from korqg.errors import KorqgError
from korqg.files import read_json, write_json

# What notebook 2 calls the result of a training, and what is made with it.
TRAINED = ("trainer", "model", "losses", "after", "after_own", "round_trip", "figures")
AGAIN = "restart the kernel and run from the first cell."


def add_adapter(base_model, lora):
    """The model with the adapter that `lora` (peft's LoraConfig) describes. Raises KorqgError when it has one."""
    from peft import get_peft_model

    require_untouched(base_model)
    return get_peft_model(base_model, lora)


def require_untouched(base_model) -> None:
    """Raise KorqgError when the model in memory is no longer the one that was loaded."""
    if hasattr(base_model, "peft_config"):
        raise KorqgError(f"The model carries an adapter already: {AGAIN}")


def outputs_before(
    ask: Callable[[Any, list[dict]], list[dict]], base_model, rows: list[dict], file: Path
) -> list[dict]:
    """What the untrained model says to the rows, asked and written to `file`; a run that was cut off has it there.

    Raises KorqgError when the model carries an adapter already.
    """
    if file.is_file():
        return read_json(file)
    require_untouched(base_model)
    before = ask(base_model, rows)
    write_json(file, before)  # by the first of several processes
    return before


def begin_training(model, checkpoint: Path | None, variables: dict[str, Any]) -> None:
    """Call before training: takes what an earlier one has left (TRAINED) out of a notebook's `variables`.

    When the training is stopped, the cells below find nothing that they could take for its result.
    Raises KorqgError when what should begin anew has been trained in this kernel already.
    """
    trained = any(weights.any() for name, weights in model.named_parameters() if "lora_B" in name)
    if (checkpoint is None and trained) or "saved" in model.peft_config:
        raise KorqgError(f"The model has been trained already: {AGAIN}")
    for name in TRAINED:
        variables.pop(name, None)


def load_saved(model, saved: Path):
    """The model with the adapter that was saved at `saved`, under the name "saved", in place of the one in memory."""
    model.load_adapter(str(saved), adapter_name="saved")
    model.set_adapter("saved")
    return model
