"""What learns: a LoRA adapter beside frozen weights, or all weights of the model."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from korqg.errors import KorqgError
from korqg.files import whole_folder
from korqg.models import ModelChoice, choose_model, load_model, save_adapter
from korqg.precision import Precision
from korqg.processes import is_main, wait_for_all

AGAIN = "restart the kernel and run from the first cell."


def start_learning(base_model, lora, training_method: str):
    """The model that will be trained: with the adapter that `lora` describes, or as it is, all weights learning."""
    require_untouched(base_model)
    if training_method == "lora":
        from peft import get_peft_model

        return get_peft_model(base_model, lora)
    base_model.requires_grad_(True)
    return base_model


def require_untouched(base_model) -> None:
    """Raise KorqgError when the model in memory is no longer the one that was loaded."""
    if hasattr(base_model, "peft_config"):
        raise KorqgError(f"The model carries an adapter already: {AGAIN}")
    if getattr(base_model, "was_trained", False):
        raise KorqgError(f"The model has been trained already: {AGAIN}")


def begin_training(model, checkpoint: Path | None) -> None:
    """Call before training: raises KorqgError when what should begin anew has been trained in this kernel already."""
    trained = any(weights.any() for name, weights in model.named_parameters() if "lora_B" in name)
    if checkpoint is None and (trained or getattr(model, "was_trained", False)):
        raise KorqgError(f"The model has been trained already: {AGAIN}")
    if not hasattr(model, "peft_config"):
        model.was_trained = True


def count_parameters(model) -> tuple[int, int]:
    """How many parameters learn, and how many there are, the adapter's included."""
    if hasattr(model, "get_nb_trainable_parameters"):  # peft's, which knows how 4-bit weights are packed
        return model.get_nb_trainable_parameters()
    counts = [(weights.numel(), weights.requires_grad) for weights in model.parameters()]
    return sum(number for number, learns in counts if learns), sum(number for number, _ in counts)


@contextlib.contextmanager
def untrained(model, choice: ModelChoice, precision: Precision) -> Iterator:
    """The model as it was before training: its adapter switched off, or, after full training, loaded a second time."""
    if hasattr(model, "disable_adapter"):
        with model.disable_adapter():
            yield model
    else:
        yield load_model(choice, precision)


def save_trained(model, tokenizer, folder: Path, base_name: str) -> Path:
    """Save what was trained below the run's folder, `adapter/` or `model/` (with its tokenizer), and return where.

    A temporary name first; of several processes one saves. Raises KorqgError when the disk is full.
    """
    if hasattr(model, "peft_config"):
        save_adapter(model, folder / "adapter", base_name)
        return folder / "adapter"
    saved = folder / "model"
    if is_main():
        with whole_folder(saved) as temporary:
            model.save_pretrained(temporary)
            tokenizer.save_pretrained(temporary)
    wait_for_all()
    return saved


def load_trained(model, saved: Path, precision: Precision):
    """What `save_trained` saved, ready to generate: on `model` as the adapter "saved", or as a model of its own."""
    if hasattr(model, "peft_config"):
        model.load_adapter(str(saved), adapter_name="saved")
        model.set_adapter("saved")
        return model
    return load_model(choose_model(str(saved)), precision)
