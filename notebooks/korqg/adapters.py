"""The LoRA adapter beside the frozen weights: put there once, trained once, checked again from disk."""

from pathlib import Path

from korqg.errors import KorqgError

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


def begin_training(model, checkpoint: Path | None) -> None:
    """Call before training: raises KorqgError when what should begin anew has been trained in this kernel already."""
    trained = any(weights.any() for name, weights in model.named_parameters() if "lora_B" in name)
    if checkpoint is None and trained:
        raise KorqgError(f"The model has been trained already: {AGAIN}")


def load_saved(model, saved: Path):
    """The model with the adapter that was saved at `saved`, under the name "saved", in place of the one in memory."""
    model.load_adapter(str(saved), adapter_name="saved")
    model.set_adapter("saved")
    return model
