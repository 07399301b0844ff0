"""What holding the frozen weights in 8 or 4 bits costs: loss and memory of the same short training, side by side.

    python tests/benchmarks/quantization.py DATA_FOLDER [--model NAME_OR_FOLDER] [--only none int8 nf4]
        [--seeds 42 43 44] [--rows N] [--precision auto|bf16|fp16|float32] [--shape gemma-3-1b] [--parallel N]

DATA_FOLDER is a finished folder of notebook 01; no network is needed for a model in a folder, or the built-in one. All
runs of a seed see the same rows in the same order with the same first adapter, as notebook 2 trains it. `untrained` is
nats a token over all tokens of 40 validation rows, of the model as loaded; `training loss` the mean of the last 50
steps. Peak GB are of the GPU (on a CPU of the process, which only shows that it runs), while it trained and while it
then answered 32 of the longest prompts. `--shape gemma-3-1b` takes random weights of that shape in place of the model's
own, for the memory: its losses mean nothing.
"""

import argparse
import json
import multiprocessing
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import gpu
import torch
from record import arguments, write_record

BATCH_ROWS = 8
LONGEST_ROW = 640


def run(quantization: str, seed: int, options: argparse.Namespace) -> dict:
    """Train once; the figures named above."""
    from peft import LoraConfig, get_peft_model
    from peft.helpers import disable_input_dtype_casting
    from transformers import PrinterCallback, TrainingArguments

    from korqg.files import read_jsonl
    from korqg.model.choose import choose_model, load_tokenizer
    from korqg.model.generate import Generator
    from korqg.model.load import load_model
    from korqg.model.precision import choose_precision, largest_activations
    from korqg.notebook import prepare_notebook
    from korqg.prompts import IGNORED, encode_row
    from korqg.train.collate import AnswerOnlyCollator
    from korqg.train.speed import fused_kernels
    from korqg.train.trainer import CourseTrainer

    prepare_notebook()
    precision = choose_precision(options.precision, quantization)
    choice = choose_model(options.model)
    tokenizer = load_tokenizer(choice)
    encoded = {}
    for split in ("train", "validation"):
        some = [encode_row(tokenizer, row, LONGEST_ROW) for row in read_jsonl(options.data_folder / f"{split}.jsonl")]
        encoded[split] = [{"input_ids": row.input_ids, "labels": row.labels} for row in some]
    model = load_model(choice, precision, quantization)
    untrained = text_loss(model, encoded)
    torch.manual_seed(seed)
    model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"))
    batch = AnswerOnlyCollator()(encoded["train"][:4])
    largest = largest_activations(model, {key: value.to(model.device) for key, value in batch.items()})
    gpu.reset_peak()
    with tempfile.TemporaryDirectory() as folder:
        training = TrainingArguments(
            output_dir=folder,
            max_steps=-(-options.rows // BATCH_ROWS),
            per_device_train_batch_size=BATCH_ROWS,
            per_device_eval_batch_size=16,
            learning_rate=3e-4,
            lr_scheduler_type="cosine",
            warmup_steps=0.05,
            bf16=precision.autocast == "bf16",
            fp16=precision.autocast == "fp16",
            activation_checkpointing=bool(options.shape),  # as the recipes for a small GPU have it
            train_sampling_strategy="group_by_length",
            prediction_loss_only=True,
            dataloader_pin_memory=gpu.available(),
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
            args=training,
            data_collator=AnswerOnlyCollator(),
            train_dataset=encoded["train"],
            eval_dataset=encoded["validation"],
        )
        trainer.remove_callback(PrinterCallback)
        started = time.perf_counter()
        with disable_input_dtype_casting(model, active=precision.autocast != "no"):
            trainer.train()
            seconds = time.perf_counter() - started
            held_out = trainer.evaluate()["eval_loss"]
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    figures = {
        "quantization": quantization,
        "seed": seed,
        "training loss, last 50 steps": round(statistics.mean(losses[-50:]), 4),
        "validation loss": round(held_out, 4),
        "losses not finite": sum(loss != loss or abs(loss) == float("inf") for loss in losses),
        "untrained": untrained,
        "seconds": round(seconds, 1),
        "peak_gb": gpu.peak_gb(),
    }
    del trainer
    torch.cuda.empty_cache()
    gpu.reset_peak()
    prompts = [row["input_ids"][: row["labels"].count(IGNORED)] for row in encoded["validation"]]
    longest = sorted(prompts, key=len, reverse=True)[:32]
    model.eval()
    Generator(model, tokenizer, 0, options.new_tokens, len(longest)).continuations(longest)
    return figures | {
        "peak GB, answering": gpu.peak_gb(),
        "largest activation between layers": round(largest.residual),
        "in and out of linear layers": round(largest.linear),
    }


def text_loss(model, encoded: dict[str, list[dict]]) -> float:
    """Mean loss over all tokens of 40 validation rows, evenly chosen."""
    rows, total, tokens = encoded["validation"], 0.0, 0
    for row in rows[:: max(1, len(rows) // 40)][:40]:
        ids = torch.tensor([row["input_ids"]], device=model.device)
        with torch.no_grad():
            total += model(input_ids=ids, labels=ids, use_cache=False).loss.item() * (ids.shape[1] - 1)
        tokens += ids.shape[1] - 1
    return round(total / tokens, 4)


def save_random(shape: str, model_name: str, folder: Path) -> None:
    """A model of that shape with random weights in bfloat16, and `model_name`'s tokenizer, as a folder."""
    from training_speed import SHAPES
    from transformers import Gemma3ForCausalLM

    from korqg.model.choose import choose_model, load_tokenizer

    torch.manual_seed(0)
    Gemma3ForCausalLM(SHAPES[shape]()).to(torch.bfloat16).save_pretrained(folder)
    load_tokenizer(choose_model(model_name)).save_pretrained(folder)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("data_folder", type=Path)
    parser.add_argument("--model", default="gemma-3-270m", help="as model_name of notebook 2: a folder, or built in")
    parser.add_argument("--only", choices=("none", "int8", "nf4"), nargs="+", default=["none", "int8", "nf4"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 43, 44])
    parser.add_argument("--rows", type=int, default=1600, help=f"that the training sees, {BATCH_ROWS} a step")
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--precision", default="auto", help="as in notebook 2")
    parser.add_argument("--shape", choices=["gemma-3-1b", "tiny"], help="random weights of this shape, for the memory")
    parser.add_argument("--parallel", type=int, default=1, help="runs at a time on the one device")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.shape:
            save_random(options.shape, options.model, Path(folder) / "model")
            options.model = str(Path(folder) / "model")
        kinds = [(kind, seed) for seed in options.seeds for kind in options.only]
        new = multiprocessing.get_context("spawn")  # a process a run: nothing of the one before is in its memory
        with ProcessPoolExecutor(options.parallel, mp_context=new, max_tasks_per_child=1) as pool:
            waiting = [pool.submit(run, kind, seed, options) for kind, seed in kinds]
            figures = []
            for result in waiting:
                figures.append(result.result())
                print(json.dumps(figures[-1]), flush=True)
    for name in ("training loss, last 50 steps", "validation loss"):
        plain = {row["seed"]: row[name] for row in figures if row["quantization"] == "none"}
        for row in figures:
            if row["seed"] in plain and row["quantization"] != "none":
                row[f"{name}, above none (%)"] = round(100 * (row[name] / plain[row["seed"]] - 1), 2)
    settings = {
        "model": f"{options.shape}'s shape" if options.shape else options.model,
        "rows": f"{options.rows:,}, {BATCH_ROWS} a step, of at most {LONGEST_ROW} tokens",
        "precision": options.precision,
        "runs at a time": options.parallel,
    }
    shared = {"n": 1, "settings": settings, "title": "8 and 4 bits", "packages": ("bitsandbytes",)}
    write_record(__file__, options, figures, gpu=gpu.name(), **shared)


if __name__ == "__main__":
    main()
