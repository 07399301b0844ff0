"""Training loss of Gemma 3 270M in bfloat16, with fp16 autocast, and with NF4, on one CUDA device.

    python tests/benchmarks/precision.py DATA_FOLDER [--steps N] [--only NAME] [--seed N] [--rank N] [--model NAME]

DATA_FOLDER is a finished folder of notebook 01. All see the same rows in the same order with the same first
adapter (LoftQ apart); the figure is the mean training loss of the last 50 steps, and the validation loss at the end.
`text_loss` is that of the model as loaded: nats a token over all tokens of 40 validation rows.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "notebooks"))

from korqg.config import CORRECTION_RANK

SETTINGS = {
    "bf16": ("bf16", "none"),
    "fp16": ("fp16", "none"),
    "nf4": ("fp16", "nf4"),
    "nf4, bf16": ("bf16", "nf4"),
    "nf4, not corrected": ("fp16", "nf4"),
    "nf4 and LoftQ": ("fp16", "nf4"),
}
"""nf4 is that of notebook 02, with the correction of the rounding (see korqg.model.nf4_correction), on a card without
bfloat16 and on one with it; the last two are without the correction.
LoftQ: the adapter begins as the correction of its rank that is nearest to the lost weights, not as nothing."""


def train(name: str, data_folder: Path, steps: int, seed: int, rank: int, model_name: str) -> dict:
    import torch
    from peft import LoraConfig, get_peft_model
    from peft.helpers import disable_input_dtype_casting
    from transformers import TrainingArguments

    from korqg.files import read_jsonl
    from korqg.model.choose import choose_model, load_tokenizer
    from korqg.model.load import load_model
    from korqg.model.precision import choose_precision, largest_activations
    from korqg.prompts import encode_row
    from korqg.train.collate import AnswerOnlyCollator
    from korqg.train.speed import fused_kernels
    from korqg.train.trainer import CourseTrainer

    precision, quantization = SETTINGS[name]
    choice = choose_model(model_name)
    tokenizer = load_tokenizer(choice)
    started = time.perf_counter()
    rank = rank if name in ("nf4", "nf4, bf16") else 0
    model = load_model(choice, choose_precision(precision, quantization), quantization, rank)
    loading = time.perf_counter() - started
    rows = {}
    for split in ("train", "validation"):
        encoded = [encode_row(tokenizer, row, 640) for row in read_jsonl(data_folder / f"{split}.jsonl")]
        rows[split] = [{"input_ids": row.input_ids, "labels": row.labels} for row in encoded]
    text = text_loss(model, rows["validation"])
    torch.manual_seed(seed)
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
            seed=seed,
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
        "text_loss": round(text, 4),
        "loading_s": round(loading, 1),
        "train_loss": round(statistics.mean(losses[-50:]), 4),
        "eval_loss": round(eval_loss, 4),
        "not_finite": sum(loss != loss or abs(loss) == float("inf") for loss in losses),
        "steps": len(losses),
        "seconds": round(seconds, 1),
        "peak_gb": round(torch.cuda.max_memory_allocated() / 1e9, 2),
        "largest_residual": largest.residual,
        "largest_linear": largest.linear,
    }


def text_loss(model, rows: list[dict]) -> float:
    """Mean loss over all tokens of 40 rows, evenly chosen."""
    import torch

    total, tokens = 0.0, 0
    for row in rows[:: max(1, len(rows) // 40)][:40]:
        ids = torch.tensor([row["input_ids"]], device=model.device)
        with torch.no_grad():
            total += model(input_ids=ids, labels=ids, use_cache=False).loss.item() * (ids.shape[1] - 1)
        tokens += ids.shape[1] - 1
    return total / tokens


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_folder", type=Path)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--rank", type=int, default=CORRECTION_RANK, help="of the correction of nf4")
    parser.add_argument("--model", default="gemma-3-270m", help="as model_name of notebook 02")
    parser.add_argument("--only", choices=SETTINGS, nargs="*", default=list(SETTINGS))
    options = parser.parse_args()
    for name in options.only:
        result = train(name, options.data_folder, options.steps, options.seed, options.rank, options.model)
        print(name, json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
