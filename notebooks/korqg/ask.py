"""Questions for many documents: the chunks of a data folder's own.jsonl, asked by a finished run's adapter.

    python -m korqg.ask --run-name RUN --data-name DATA [--gpus N] [--batch-size N] [--engine vllm] [--outputs FOLDER]

run with notebooks/ on PYTHONPATH; notebook 1 makes own.jsonl of a folder of documents (own_path). Each answer is
written as it comes, so that a job that was cut off goes on with the chunks that are left; several processes share the
chunks. The whole goes to outputs/asked/<run>_<data>/after_outputs.json, in the form of notebook 2's. With --engine
vllm (pip install vllm, one GPU with bfloat16) vLLM generates, with the adapter as its LoRA.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from korqg.config import COURSE_FOLDER, require_folder_name
from korqg.errors import KorqgError, prepare_notebook
from korqg.files import cannot_write, read_json, read_jsonl, sha256_of, write_json
from korqg.processes import from_main, is_main, join_processes, process_count, wait_for_all
from korqg.stages import require_finished

BATCHES_AT_A_TIME = 8
"""Batches of each process between two writes: what a job that is cut off may have to do again."""

ENGINES = ("transformers", "vllm")
VLLM_AT_A_TIME = 2048
"""Prompts given to vLLM between two writes; it makes batches of them itself."""

VLLM_RANKS = (8, 16, 32, 64, 128, 256, 512)
"""The values that vLLM takes as the largest rank of an adapter (`MaxLoRARanks`)."""

Ask = Callable[[list[dict]], list[dict]]
"""One {"model_output", "stopped"} for each row, in their order (see generate_questions)."""


def ask_all(
    ask: Ask,
    rows: list[dict],
    file: Path,
    at_a_time: int,
    progress: Callable[[str], None] | None = None,
) -> list[dict]:
    """An answer for each row, in the rows' order; those that `file` has already are not asked again.

    `ask` is called on every process. Rows go to it in parts of `at_a_time`, the longest first; each part's answers
    are appended to `file`, JSON Lines with the row's id, before the next part begins. A line that was cut off while it
    was written is dropped, and its row asked again.
    Raises KorqgError for two rows with one id, for an answer to a row that is not there, and when the disk is full.
    """
    ids = [row["id"] for row in rows]
    if len(set(ids)) < len(ids):
        twice = next(one for place, one in enumerate(ids) if one in ids[:place])
        raise KorqgError(f"Two rows have the id {twice!r}: answers are kept by id, so each needs one of its own.")
    answers = from_main(lambda: _answers_in(file))
    strangers = answers.keys() - set(ids)
    if strangers:
        raise KorqgError(
            f"{file} has answers to other rows ({min(strangers)!r} and more): move it away, or give back the rows."
        )
    waiting = sorted((row for row in rows if row["id"] not in answers), key=lambda row: -len(row["input"]))
    if progress and answers:
        progress(f"{len(answers)} of {len(rows)} questions are there already")
    started, before = time.monotonic(), len(answers)
    for place in range(0, len(waiting), at_a_time):
        part = waiting[place : place + at_a_time]
        new = {row["id"]: answer for row, answer in zip(part, ask(part), strict=True)}
        _append(file, new)
        answers |= new
        seconds = time.monotonic() - started
        left = seconds / (len(answers) - before) * (len(rows) - len(answers))
        if progress:
            progress(f"{len(answers)} of {len(rows)} questions, {seconds:.0f} s, about {left:.0f} s left")
    return [answers[one] for one in ids]


def _answers_in(file: Path) -> dict[str, dict]:
    """The answers by id, after a line that was cut off has been taken out of the file."""
    if not file.is_file():
        return {}
    with open(file, "r+b") as opened:
        data = opened.read()
        opened.truncate(data.rfind(b"\n") + 1)
    answers: dict[str, dict] = {}
    for entry in read_jsonl(file):
        answers[entry.pop("id")] = entry
    return answers


def _append(file: Path, answers: dict[str, dict]) -> None:
    if not is_main():
        return
    lines = [json.dumps({"id": one, **answer}, ensure_ascii=False) + "\n" for one, answer in answers.items()]
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(file, "a", encoding="utf-8", newline="\n") as opened:
            opened.write("".join(lines))
            opened.flush()
            os.fsync(opened.fileno())
    except OSError as error:
        raise cannot_write(file, error) from None


def transformers_asker(adapter: Path, parameters: dict, batch_size: int) -> Ask:
    """Questions by the run's model with its adapter, `batch_size` at a time on each process."""
    from peft import PeftModel

    from korqg.generation import generate_questions
    from korqg.models import choose_model, load_model, load_tokenizer
    from korqg.precision import choose_precision

    choice = choose_model(parameters["model_name"])
    tokenizer = load_tokenizer(choice)
    precision = choose_precision(parameters["precision"], parameters["quantization"])
    model = load_model(choice, precision, parameters["quantization"])
    model = PeftModel.from_pretrained(model, str(adapter)).eval()
    sizes = (parameters["max_length"], parameters["max_new_tokens"], batch_size)
    return lambda rows: generate_questions(model, tokenizer, rows, *sizes, None, parameters["prompt_format"])


def vllm_asker(adapter: Path, parameters: dict) -> Ask:
    """The same by vLLM, greedily and in bfloat16, with the adapter as its LoRA; prompts go to it as token ids.

    Raises KorqgError where vLLM is not installed or does not start, for a run on 4-bit weights and for an adapter
    of a rank that vLLM does not take.
    """
    rank = next((one for one in VLLM_RANKS if one >= parameters["lora_rank"]), None)
    if rank is None or parameters["quantization"] != "none":
        raise KorqgError(
            f'--engine vllm takes a run with quantization="none" and a lora_rank of at most {VLLM_RANKS[-1]}: use '
            "--engine transformers."
        )
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    try:
        from vllm import LLM, SamplingParams
        from vllm.lora.request import LoRARequest
    except ImportError as error:
        raise KorqgError(
            f"--engine vllm needs vLLM ({error}): pip install vllm, in an environment of its own (a GPU is needed)."
        ) from None
    from korqg.generation import read_answer
    from korqg.models import choose_model, load_tokenizer
    from korqg.prompts import STOP_IDS, encode_prompt

    choice = choose_model(parameters["model_name"])
    tokenizer = load_tokenizer(choice)
    longest = parameters["max_length"] + parameters["max_new_tokens"]
    try:
        # vLLM's LoRA kernels take no float32, and Gemma 3's activations pass float16's largest number.
        model = LLM(model=choice.source, dtype="bfloat16", max_model_len=longest, enable_lora=True, max_lora_rank=rank)
    except (OSError, RuntimeError, ValueError) as error:
        first_line = str(error).strip().splitlines()[0]
        raise KorqgError(
            f"vLLM does not start ({first_line}): it needs a free GPU with bfloat16; or use --engine transformers."
        ) from None
    greedy = SamplingParams(temperature=0, max_tokens=parameters["max_new_tokens"], stop_token_ids=list(STOP_IDS))
    lora = LoRARequest("run", 1, str(adapter))

    def ask(rows: list[dict]) -> list[dict]:
        sizes = (parameters["max_length"], parameters["prompt_format"])
        encoded = [encode_prompt(tokenizer, row["instruction"], row["input"], *sizes) for row in rows]
        prompts = [{"prompt_token_ids": ids} for ids, _ in encoded]
        made = model.generate(prompts, greedy, use_tqdm=False, lora_request=lora)  # in the prompts' order
        return [
            read_answer(tokenizer, list(one.outputs[0].token_ids)) | ({"cut_tokens": cut} if cut else {})
            for one, (_, cut) in zip(made, encoded, strict=True)
        ]

    return ask


def ask_run(outputs: Path, run_name: str, data_name: str, batch_size: int, engine: str = "transformers") -> Path:
    """Ask the run's adapter about every chunk of the data's own.jsonl, and return the file with all outputs.

    Raises KorqgError for a run or data that is not finished, for a run whose adapter is gone, for data without
    documents, for a job that was begun with another adapter, other chunks or another engine, and where vLLM cannot be
    used.
    """
    require_folder_name("run_name", run_name)
    require_folder_name("data_name", data_name)
    run, data = outputs / "runs" / run_name, outputs / "data" / data_name
    parameters = require_finished(run)["parameters"]
    require_finished(data)
    if not (run / "adapter").is_dir():
        raise KorqgError(f"runs/{run_name} has no adapter any more: train it again (notebook 2), or name another run.")
    rows = [{**row, "references": [row["output"]] if row["output"] else []} for row in read_jsonl(data / "own.jsonl")]
    if not rows:
        raise KorqgError(f"data/{data_name} has no documents to ask about: make it with own_path (notebook 1).")
    folder = outputs / "asked" / f"{run_name}_{data_name}"
    made_of = {
        "adapter": sha256_of(run / "adapter" / "adapter_model.safetensors"),
        "chunks": sha256_of(data / "own.jsonl"),
    } | ({"engine": engine} if engine != "transformers" else {})

    def begin() -> None:
        if not (folder / "answers.jsonl").is_file():
            write_json(folder / "job.json", made_of)
        elif read_json(folder / "job.json") != made_of:
            raise KorqgError(
                f"{folder} was begun with another adapter or other chunks, or by another engine, so its answers cannot "
                "be used: move it away."
            )

    from_main(begin)
    if engine == "vllm":
        ask, at_a_time = vllm_asker(run / "adapter", parameters), VLLM_AT_A_TIME
    else:
        ask = transformers_asker(run / "adapter", parameters, batch_size)
        at_a_time = batch_size * BATCHES_AT_A_TIME * process_count()
    answers = ask_all(ask, rows, folder / "answers.jsonl", at_a_time, print)
    outputs_of = [
        {
            "id": row["id"],
            "title": row["title"],
            "input": row["input"],
            "expected_output": row["output"],
            "references": row["references"],
            "split": "own",
            **answer,
        }
        for row, answer in zip(rows, answers, strict=True)
    ]
    write_json(folder / "after_outputs.json", outputs_of)
    wait_for_all()
    return folder / "after_outputs.json"


def ask_from_terminal(arguments: list[str] | None = None) -> int:
    """Ask, on as many processes as --gpus says; the exit code is 0 only when every chunk has its question."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run-name", required=True, help="a finished run, outputs/runs/<run>")
    parser.add_argument("--data-name", required=True, help="finished data with documents, outputs/data/<data>")
    parser.add_argument("--gpus", type=int, default=1, help="processes that share the chunks, one a GPU")
    parser.add_argument(
        "--batch-size", type=int, default=16, help="questions generated at a time by each (vllm: as many as fit)"
    )
    parser.add_argument("--engine", choices=ENGINES, default=ENGINES[0], help="vllm: pip install vllm, on one GPU")
    parser.add_argument("--outputs", type=Path, default=COURSE_FOLDER / "outputs", help="the outputs folder")
    options = parser.parse_args(arguments)
    if options.engine == "vllm" and options.gpus > 1:
        parser.error("--engine vllm asks on one GPU: leave --gpus out, or use --engine transformers.")
    for name in ("gpus", "batch_size"):
        if getattr(options, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be 1 or more.")
    outputs = options.outputs.expanduser().resolve()
    if options.gpus > 1 and "WORLD_SIZE" not in os.environ:
        from korqg.launch import run_processes

        given = [
            "--run-name",
            options.run_name,
            "--data-name",
            options.data_name,
            "--batch-size",
            str(options.batch_size),
        ]
        given += ["--engine", options.engine, "--outputs", str(outputs)]
        return run_processes(
            ["--standalone", f"--nproc-per-node={options.gpus}", "-m", "korqg.ask", *given], options.gpus
        )
    prepare_notebook()
    try:
        join_processes()
        file = ask_run(outputs, options.run_name, options.data_name, options.batch_size, options.engine)
        print(f"All questions are in {file}")
    except KorqgError as error:
        if process_count() > 1:
            raise
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        if process_count() > 1:
            raise
        print("\nInterrupted. The same command goes on with the chunks that have no answer yet.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(ask_from_terminal())
