"""Training speed and memory of several setups on one GPU: gemma-3-1b's shape, random weights, given lengths.

    python tests/benchmarks/training_speed.py LENGTHS [--only NAME ...] [--set NAME=VALUE ...]

LENGTHS is a JSON file with a list of [prompt tokens, answer tokens], one pair a row; `--write-lengths DATA_FOLDER`
makes it from the train.jsonl of a folder of notebook 01. Each contender runs in a process of its own, on the same
rows (random tokens of these lengths, cut to 1,024), through the Trainer of its library; rates count the tokens of
real rows, no padding, over the steps after the first ones, but for those that had to compile; the device's own clock
ends each step. A contender whose library is not installed is named and left out.
"""

import contextlib
import importlib
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import gpu
import record
import torch

LONGEST_ROW = 1024
OPERATIONS_PER_TOKEN = 4 * 0.698e9  # forward and backward through frozen weights, the embedding left out
LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

_OURS = {"kind": "ours", "compile": True, "profile": True}
_TRL = {"kind": "trl", "cap_gb": 14, "batch_size": 32, "best": True}
_UNSLOTH = {"kind": "unsloth", "cap_gb": 14, "warm_steps": 10}
CONTENDERS = {
    "this course, 14 GB": _OURS | {"cap_gb": 14, "batch_size": 64, "max_batch_tokens": 22_000, "timed_rows": 1280},
    "this course, no limit": _OURS | {"batch_size": 256, "tokens_per_gb": 450, "recompute": False, "timed_rows": 2560},
    "TRL, batch 32": _TRL,
    "TRL, batch 32, Liger": _TRL | {"liger": True},
    "TRL, defaults": {"kind": "trl", "batch_size": 8, "timed_rows": 160},
    "Unsloth, batch 32": _UNSLOTH | {"batch_size": 32},
    "Unsloth, batch 64": _UNSLOTH | {"batch_size": 64, "timed_rows": 1280},
    "Unsloth, batch 128": _UNSLOTH | {"batch_size": 128, "timed_rows": 1280},
    "first attempt": {"kind": "first_attempt", "cap_gb": 14, "batch_size": 2, "warm_steps": 3, "timed_rows": 60},
}
LIBRARIES = {"ours": ["peft"], "first_attempt": ["peft"], "trl": ["trl", "liger_kernel"]}
LIBRARIES["unsloth"] = ["unsloth", "trl", "transformers"]
DEFAULTS = {
    "shape": "gemma-3-1b",
    "cap_gb": 0,  # none
    "warm_steps": 4,
    "timed_rows": 640,
    "max_batch_tokens": 0,
    "tokens_per_gb": 0,  # of the device's memory, in place of max_batch_tokens
    "recompute": True,
    "compile": False,
    "best": False,
    "liger": False,
    "profile": False,
    "precision": "bf16",
}


def gemma_1b_shape():
    """The configuration of gemma-3-1b's text model, as its hub page gives it."""
    from transformers import Gemma3TextConfig

    return Gemma3TextConfig(
        vocab_size=262_144,
        hidden_size=1152,
        intermediate_size=6912,
        num_hidden_layers=26,
        num_attention_heads=4,
        num_key_value_heads=1,
        head_dim=256,
        sliding_window=512,
        max_position_embeddings=32_768,
        layer_types=["full_attention" if (place + 1) % 6 == 0 else "sliding_attention" for place in range(26)],
    )


SHAPES = {"gemma-3-1b": gemma_1b_shape, "tiny": lambda: importlib.import_module("conftest").tiny_shape()}


def make_rows(lengths: list[list[int]], count: int) -> list[dict]:
    """`count` rows of random tokens with lengths drawn from `lengths`; the prompt is cut to fit LONGEST_ROW."""
    draw = random.Random(0)
    rows = []
    for _ in range(count):
        prompt, answer = draw.choice(lengths)
        prompt = min(prompt, LONGEST_ROW - answer)
        ids = [2, *(draw.randrange(1000, 250_000) for _ in range(prompt + answer - 1))]
        rows.append({"input_ids": ids, "labels": [-100] * prompt + ids[prompt:]})
    return rows


class CountTokens:
    """A collator that notes how many rows and tokens of real rows each batch had."""

    def __init__(self, collator, longest: int = LONGEST_ROW):
        self.collator, self.longest, self.tokens, self.rows = collator, longest, [], []

    def __call__(self, rows):
        self.tokens.append(sum(min(len(row["input_ids"]), self.longest) for row in rows))
        self.rows.append(len(rows))
        return self.collator(rows)


def stopwatch(first_step: int, last_step: int, times: dict):
    """A callback that notes when the device ended each step, and which steps had to compile."""
    from transformers import TrainerCallback

    ends, graphs = [], []

    class Stopwatch(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            if state.global_step == first_step:
                gpu.synchronize()
                gpu.reset_peak()
            if first_step <= state.global_step <= last_step:
                ends.append(gpu.mark())
                graphs.append(torch._dynamo.utils.counters["stats"]["unique_graphs"])
            if state.global_step == last_step:
                gpu.synchronize()
                times["step_ms"] = [gpu.milliseconds(start, end) for start, end in itertools.pairwise(ends)]
                times["compiled"] = [after > before for before, after in itertools.pairwise(graphs)]

    return Stopwatch()


def new_model(dtype, attention: str, shape: str = "gemma-3-1b"):
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    with torch.device("cuda" if gpu.available() else "cpu"):
        return AutoModelForCausalLM.from_config(SHAPES[shape](), attn_implementation=attention, dtype=dtype)


def common_arguments(settings: dict, folder: str, steps: int) -> dict:
    return dict(
        output_dir=folder,
        max_steps=steps,
        per_device_train_batch_size=settings["batch_size"],
        learning_rate=1e-5,  # random weights have nothing to learn
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=not gpu.available(),
    )


def first_attempt(settings: dict, rows: list[dict], steps: int, callback, folder: str):
    """Eager attention, fp16, LoRA r 8 on the attention layers, rows padded to 512, loss on every position."""
    from peft import LoraConfig, get_peft_model
    from transformers import Trainer, TrainingArguments

    def collate(batch):
        ids = torch.zeros((len(batch), 512), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for line, row in enumerate(batch):
            tokens = row["input_ids"][:512]
            ids[line, : len(tokens)] = torch.tensor(tokens)
            mask[line, : len(tokens)] = 1
        return {"input_ids": ids, "attention_mask": mask, "labels": ids.clone()}

    model = new_model(torch.float16, "eager", settings["shape"])
    model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=LINEAR[:4], task_type="CAUSAL_LM"))
    options = dict(fp16=True, activation_checkpointing=True, remove_unused_columns=False)
    arguments = TrainingArguments(**common_arguments(settings, folder, steps), **options)
    collator = CountTokens(collate, 512)
    trainer = Trainer(model=model, args=arguments, data_collator=collator, train_dataset=rows, callbacks=[callback])
    return trainer, collator


def minimal_tokenizer():
    """A tokenizer that is never asked: SFTTrainer wants one, though the rows are tokens already."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    names = {"pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>", "unk_token": "<unk>"}
    numbers = {name: number for number, name in enumerate(names.values())}
    words = Tokenizer(models.WordLevel(numbers, unk_token="<unk>"))
    return PreTrainedTokenizerFast(tokenizer_object=words, **names)


def sft_rows(rows: list[dict]):
    from datasets import Dataset

    masks = [[int(label != -100) for label in row["labels"]] for row in rows]
    return Dataset.from_dict({"input_ids": [row["input_ids"] for row in rows], "completion_mask": masks})


def trl(settings: dict, rows: list[dict], steps: int, callback, folder: str):
    """SFTTrainer with its defaults, or with the settings that its documentation names for speed."""
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    options = dict(bf16=True, max_length=LONGEST_ROW, completion_only_loss=True)
    if settings["best"]:
        options |= dict(train_sampling_strategy="group_by_length", use_liger_kernel=settings["liger"])
        options |= dict(activation_checkpointing=True, pad_to_multiple_of=8)
    arguments = SFTConfig(**common_arguments(settings, folder, steps), **options)
    trainer = SFTTrainer(
        model=new_model(torch.bfloat16, "sdpa", settings["shape"]),
        args=arguments,
        train_dataset=sft_rows(rows),
        processing_class=minimal_tokenizer(),
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules=LINEAR, task_type="CAUSAL_LM"),
        callbacks=[callback],
    )
    trainer.data_collator = CountTokens(trainer.data_collator)
    return trainer, trainer.data_collator


def unsloth(settings: dict, rows: list[dict], steps: int, callback, folder: str):
    """Unsloth's model, adapters, kernels and checkpointing, with TRL's SFTTrainer as Unsloth changes it."""
    from unsloth import FastModel  # before TRL is imported anywhere
    from trl import SFTConfig, SFTTrainer  # isort: skip

    # In another process: transformers keeps the first Gemma 3 class that an Auto class asks for, and a model made here
    # would make FastModel load the plain one, without the fused loss.
    saved = Path(folder).resolve() / "model"
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import torch, training_speed as speed; "
        "speed.new_model(torch.bfloat16, 'sdpa').save_pretrained(sys.argv[2]); "
        "speed.minimal_tokenizer().save_pretrained(sys.argv[2])"
    )
    subprocess.run([sys.executable, "-c", code, str(Path(__file__).resolve().parent), str(saved)], check=True)
    options = dict(max_seq_length=LONGEST_ROW, dtype=torch.bfloat16, load_in_4bit=False, full_finetuning=False)
    options |= dict(use_exact_model_name=True, use_gradient_checkpointing="unsloth")
    model, tokenizer = FastModel.from_pretrained(str(saved), **options)
    options = dict(lora_dropout=0.0, bias="none", use_gradient_checkpointing="unsloth")
    model = FastModel.get_peft_model(model, r=16, lora_alpha=32, target_modules=LINEAR, **options)
    arguments = SFTConfig(
        **common_arguments(settings, folder, steps),
        gradient_accumulation_steps=1,
        bf16=True,
        max_length=None,  # TRL refuses it without padding; no row is longer
        completion_only_loss=True,
        padding_free=True,
        train_sampling_strategy="group_by_length",
    )
    options = dict(train_dataset=sft_rows(rows), processing_class=tokenizer, callbacks=[callback])
    trainer = SFTTrainer(model=model, args=arguments, **options)
    trainer.data_collator = CountTokens(trainer.data_collator)
    return trainer, trainer.data_collator


def ours(settings: dict, rows: list[dict], steps: int, callback, folder: str):
    """What notebook 02 does: the same collator, sampler, adapters and kernels."""
    from peft import LoraConfig, get_peft_model
    from transformers import TrainingArguments

    from korqg.model.load import attention_without_plans
    from korqg.train.collate import AnswerOnlyCollator
    from korqg.train.speed import fused_kernels
    from korqg.train.trainer import CourseTrainer

    attention_without_plans()
    piece = settings["max_batch_tokens"]
    if settings["tokens_per_gb"]:
        piece = int(settings["tokens_per_gb"] * torch.cuda.get_device_properties(0).total_memory / 1e9)
    weights = torch.bfloat16 if settings["precision"] == "bf16" else torch.float32
    model = new_model(weights, "sdpa", settings["shape"])
    model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"))
    arguments = TrainingArguments(
        **common_arguments(settings, folder, steps),
        bf16=settings["precision"] == "bf16",
        fp16=settings["precision"] == "fp16",
        activation_checkpointing=settings["recompute"],
        train_sampling_strategy="group_by_length",
        prediction_loss_only=True,
        remove_unused_columns=False,
        **({} if settings["compile"] else fused_kernels()),
    )
    collator = CountTokens(AnswerOnlyCollator())
    options = {"data_collator": collator, "train_dataset": rows, "callbacks": [callback], "max_batch_tokens": piece}
    return CourseTrainer(model=model, args=arguments, **options), collator


def run_contender(settings: dict, lengths: list[list[int]]) -> dict:
    """Train for some steps; rates of real rows and tokens a second, and peak memory."""
    if settings["kind"] == "unsloth":
        importlib.import_module("unsloth")  # before transformers, parts of which it replaces
    if settings["cap_gb"]:
        total = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(settings["cap_gb"] * 1e9 / total)
    warm = settings["warm_steps"]
    steps = warm + -(-settings["timed_rows"] // settings["batch_size"])
    rows = make_rows(lengths, max(steps * settings["batch_size"], 512))
    times, profile = {}, {}
    make = {"first_attempt": first_attempt, "trl": trl, "unsloth": unsloth, "ours": ours}[settings["kind"]]
    profiled = settings["profile"] and gpu.available()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        # A profiled step comes after the timed ones.
        trainer, collator = make(settings, rows, steps + 2 * profiled, stopwatch(warm, steps, times), folder)
        if profiled:
            trainer.add_callback(profiler(steps + 1, profile))
        if settings["kind"] == "ours":  # as in notebook 02
            from peft.helpers import disable_input_dtype_casting

            from korqg.train.speed import compiled_layers

            stack.enter_context(compiled_layers(trainer.model, active=settings["compile"]))
            stack.enter_context(disable_input_dtype_casting(trainer.model))
        trainer.train()
    steady = [place for place, compiled in enumerate(times["compiled"]) if not compiled]
    if not steady:
        return {"error": f"each of the {steps - warm} timed steps had to compile"}
    seconds = sum(times["step_ms"][place] for place in steady) / 1000
    return {
        "rows_per_s": round(sum(collator.rows[warm + place] for place in steady) / seconds, 1),
        "tokens_per_s": round(sum(collator.tokens[warm + place] for place in steady) / seconds),
        "peak_gb": round(gpu.peak_gb(), 1),
        "reserved_gb": round(torch.cuda.max_memory_reserved() / 1e9, 1) if gpu.available() else None,
        "steps": len(steady),
        "by": ", ".join(" ".join(one) for one in record.installed(*LIBRARIES[settings["kind"]]).items()),
        "profile": profile,
    }


KERNELS = {
    "attention": ("flash", "fmha", "attention", "sdpa"),
    "matrices": ("gemm", "cutlass", "nvjet", "cublas", "splitk"),
    "fused elementwise": ("triton",),
}
"""Kinds of kernel by what their names hold; the first that fits counts, so a fused kernel named after attention
counts as attention."""


def profiler(step: int, found: dict):
    """A callback that profiles one step: its milliseconds, the device's busy ones, and their shares by kind."""
    from transformers import TrainerCallback

    class Profile(TrainerCallback):
        def on_step_begin(self, args, state, control, **kwargs):
            if state.global_step == step - 1:
                torch.cuda.synchronize()
                self.profile = torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA])
                self.profile.__enter__()
                self.started = time.perf_counter()

        def on_step_end(self, args, state, control, **kwargs):
            if state.global_step == step:
                torch.cuda.synchronize()
                whole = 1000 * (time.perf_counter() - self.started)
                self.profile.__exit__(None, None, None)
                kernels = [event for event in self.profile.key_averages() if event.self_device_time_total > 0]
                taken = dict.fromkeys([*KERNELS, "other"], 0.0)
                for event in kernels:
                    name = event.key.lower()
                    fits = (kind for kind, words in KERNELS.items() if any(word in name for word in words))
                    taken[next(fits, "other")] += event.self_device_time_total / 1000
                busy = sum(taken.values())
                found.update(kernels=sum(event.count for event in kernels), step_ms=round(whole), busy_ms=round(busy))
                found.update({f"{kind} (%)": round(100 * ms / busy) for kind, ms in taken.items()})

    return Profile()


def write_lengths(data_folder: Path, file: Path) -> None:
    """Prompt and answer tokens of each training row of a folder of notebook 01, nothing else."""
    from korqg.files import read_jsonl
    from korqg.model.choose import choose_model, load_tokenizer
    from korqg.prompts import IGNORED, encode_row

    tokenizer = load_tokenizer(choose_model("gemma-3-270m"))
    encoded = [encode_row(tokenizer, row, 4096).labels for row in read_jsonl(data_folder / "train.jsonl")]
    pairs = [[labels.count(IGNORED), len(labels) - labels.count(IGNORED)] for labels in encoded]
    file.write_text(json.dumps(pairs), encoding="utf-8")


def main() -> None:
    parser = record.arguments(__doc__)
    parser.add_argument("lengths", type=Path)
    parser.add_argument("--write-lengths", type=Path, metavar="DATA_FOLDER")
    parser.add_argument("--only", nargs="*", help="names of contenders")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="change settings of those named")
    parser.add_argument("--limit", type=int, default=300, help="seconds that one contender may take")
    parser.add_argument("--unsloth-path", help="PYTHONPATH for Unsloth, which wants packages of other versions")
    parser.add_argument("--settings", help="run this one contender in this process (JSON)")
    options = parser.parse_args()
    if options.write_lengths:
        write_lengths(options.write_lengths, options.lengths)
        return
    lengths = json.loads(options.lengths.read_text(encoding="utf-8"))
    if options.settings:
        record.print_result(run_contender(DEFAULTS | json.loads(options.settings), lengths))
        return
    rate = gpu.matrix_tflops()
    torch.cuda.empty_cache()
    changes = {name: json.loads(value) for name, _, value in (change.partition("=") for change in options.set)}
    figures, profiles = [], []
    tokens = sum(min(LONGEST_ROW, sum(pair)) for pair in lengths) / len(lengths)
    settings = {"rows": f"{len(lengths):,} of {tokens:.0f} tokens on average", **changes}
    for name in options.only or CONTENDERS:
        try:
            result = run_in_a_process(CONTENDERS[name] | changes, options)
        except RuntimeError as error:
            result = {"error": str(error)}
        if profile := result.pop("profile", {}):
            profiles.append({"setup": name} | profile)
        if rate and "tokens_per_s" in result:
            result["matrix_percent"] = round(result["tokens_per_s"] * OPERATIONS_PER_TOKEN / rate / 1e10, 1)
        figures.append({"setup": name} | result)
        print(figures[-1], flush=True)
        shared = {"n": 1, "settings": settings, "gpu": gpu.name(), "matrix_tflops": rate}
        record.write_record(__file__, options, figures, **shared, title="Rates")
    if profiles:
        record.write_record(__file__, options, profiles, **shared, title="Where the time goes")


def run_in_a_process(settings: dict, options) -> dict:
    command = [sys.executable, __file__, str(options.lengths), "--settings", json.dumps(settings)]
    environment = {"PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True"}  # as notebook 02 does
    environment |= {"CUDA_VISIBLE_DEVICES": "0"} | dict(os.environ)  # with two in sight the Trainer takes both
    if settings["kind"] == "unsloth" and options.unsloth_path:
        environment |= {"PYTHONPATH": options.unsloth_path, "UNSLOTH_DISABLE_STATISTICS": "1"}
    return record.result_of(command, options.limit, environment)


if __name__ == "__main__":
    main()
