"""Training loss of Gemma 3 270M in bfloat16, with fp16 autocast, and with NF4, on one CUDA device.

    python tests/benchmarks/precision.py DATA_FOLDER [--steps N] [--only NAME]

DATA_FOLDER is a finished folder of notebook 01. All see the same rows in the same order with the same first
adapter (LoftQ apart); the figure is the mean training loss of the last 50 steps, and the validation loss at the end.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "notebooks"))

SETTINGS = {
    "bf16": ("bf16", "none"),
    "fp16": ("fp16", "none"),
    "fp16 and nf4": ("fp16", "nf4"),
    "fp16, nf4 and LoftQ": ("fp16", "nf4"),
}
"""LoftQ: the adapter begins as the best correction of its rank of what rounding to 4 bits has cost, not as nothing."""


def train(name: str, data_folder: Path, steps: int) -> dict:
    import torch
    from peft import LoraConfig, get_peft_model
    from peft.helpers import disable_input_dtype_casting
    from transformers import TrainingArguments

    from korqg.acceleration import fused_kernels
    from korqg.batches import AnswerOnlyCollator
    from korqg.files import read_jsonl
    from korqg.models import choose_model, load_model, load_tokenizer
    from korqg.precision import choose_precision, largest_activations
    from korqg.prompts import encode_row
    from korqg.training import CourseTrainer

    precision, quantization = SETTINGS[name]
    choice = choose_model("gemma-3-270m")
    tokenizer = load_tokenizer(choice)
    model = load_model(choice, choose_precision(precision, quantization), quantization)
    rows = {}
    for split in ("train", "validation"):
        encoded = [encode_row(tokenizer, row, 640) for row in read_jsonl(data_folder / f"{split}.jsonl")]
        rows[split] = [{"input_ids": row.input_ids, "labels": row.labels} for row in encoded]
    torch.manual_seed(42)
    model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"))
    if "LoftQ" in name:
        from peft import replace_lora_weights_loftq

        replace_lora_weights_loftq(model, str(Path(choice.source) / "model.safetensors"))
    batch = AnswerOnlyCollator()(rows["train"][:4])
    largest = largest_activations(model, {key: value.to(model.device) for key, value in batch.items()})
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            max_steps=steps,
            per_device_train_batch_size=8,
            per_device_eval_batch_size=16,
            learning_rate=3e-4,
            lr_scheduler_type="cosine",
            warmup_steps=0.05,
            bf16=precision == "bf16",
            fp16=precision == "fp16",
            train_sampling_strategy="group_by_length",
            prediction_loss_only=True,
            remove_unused_columns=False,
            logging_steps=1,
            logging_nan_inf_filter=False,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            seed=42,
            **fused_kernels(),
        )
        trainer = CourseTrainer(
            model=model,
            args=arguments,
            data_collator=AnswerOnlyCollator(),
            train_dataset=rows["train"],
            eval_dataset=rows["validation"],
        )
        started = time.perf_counter()
        with disable_input_dtype_casting(model):
            trainer.train()
            seconds = time.perf_counter() - started
            eval_loss = trainer.evaluate()["eval_loss"]
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return {
        "train_loss": round(statistics.mean(losses[-50:]), 4),
        "eval_loss": round(eval_loss, 4),
        "not_finite": sum(loss != loss or abs(loss) == float("inf") for loss in losses),
        "steps": len(losses),
        "seconds": round(seconds, 1),
        "peak_gb": round(torch.cuda.max_memory_allocated() / 1e9, 2),
        "largest_residual": largest.residual,
        "largest_linear": largest.linear,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_folder", type=Path)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--only", choices=SETTINGS, nargs="*", default=list(SETTINGS))
    options = parser.parse_args()
    for name in options.only:
        print(name, json.dumps(train(name, options.data_folder, options.steps)), flush=True)


if __name__ == "__main__":
    main()
