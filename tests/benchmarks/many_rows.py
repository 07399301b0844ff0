"""A million rows: seconds until training begins, and this process's memory.

    python tests/benchmarks/many_rows.py FOLDER [--rows N] [--workers N]

In FOLDER (some 6 GB for a million rows) it makes train.jsonl of random words from the course's own sample, with lengths
that are log-normal and on average like KorQuAD 1.0's; encodes them (with what is there already that is no figure); and
then begins to train a Gemma 3 of two layers with random weights, in a process of its own: the seconds from its start to
its first step, and its peak memory after ten.
"""

import argparse
import json
import os
import random
import resource
import sys
import time
from pathlib import Path

from record import arguments, print_result, result_of, write_record

STARTED = time.monotonic()


def make_rows(file: Path, count: int, seed: int = 0) -> None:
    """JSON Lines of notebook 1's form: paragraphs of 40 to 450 words, 130 on average."""
    from korqg.config import SAMPLE_CORPUS
    from korqg.prompts import INSTRUCTIONS

    draw = random.Random(seed)
    articles = json.loads(SAMPLE_CORPUS.read_text(encoding="utf-8"))["data"]
    paragraphs = [paragraph for article in articles for paragraph in article["paragraphs"]]
    words = [word for paragraph in paragraphs for word in paragraph["context"].split()]
    questions = [qa["question"] for paragraph in paragraphs for qa in paragraph["qas"]]
    with open(file.with_suffix(".making"), "w", encoding="utf-8") as opened:
        for number in range(count):
            length = min(450, max(40, int(draw.lognormvariate(4.78, 0.42))))
            row = {
                "id": str(number),
                "title": f"{number // 20}번 글",
                "passage_id": str(number // 5),
                "instruction": INSTRUCTIONS["question"],
                "input": " ".join(draw.choices(words, k=length)),
                "output": draw.choice(questions),
                "answer": "",
            }
            opened.write(json.dumps(row, ensure_ascii=False) + "\n")
    file.with_suffix(".making").rename(file)


def encoded_rows(file: Path, workers: int):
    """What notebook 2 does with a large file, its checks left out; and the seconds that it took."""
    import functools

    from korqg.model.choose import choose_model, load_tokenizer
    from korqg.prompts import encode_row
    from korqg.train import encoded_rows

    encoded_rows.LARGE_FILE = 0  # with few rows, too, the way of many is measured
    tokenizer = load_tokenizer(choose_model("gemma-3-270m"))
    os.environ["KORQG_CACHE"] = str(file.parent / "cache")  # for the tables alone
    encode = functools.partial(encode_row, tokenizer, max_length=640)
    started = time.monotonic()
    rows = encoded_rows.encode_rows(encoded_rows.read_training_rows(file), encode, ("gemma-3-270m", 640), workers)
    return rows, time.monotonic() - started


def begin_training(file: Path, workers: int) -> dict:
    """Ten steps of eight rows; seconds since this process began."""
    from conftest import tiny_shape
    from transformers import Gemma3ForCausalLM, TrainerCallback, TrainingArguments

    from korqg.train.collate import AnswerOnlyCollator
    from korqg.train.trainer import CourseTrainer

    rows, _ = encoded_rows(file, workers)
    seen = {"rows": len(rows), "tokens_per_row": round(float(rows.lengths.mean()), 1)}
    seen["rows_ready_s"] = time.monotonic() - STARTED

    class Watch(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            seen.setdefault("first_step_s", time.monotonic() - STARTED)

    options = dict(max_steps=10, per_device_train_batch_size=8, report_to="none", save_strategy="no", disable_tqdm=True)
    arguments = TrainingArguments(str(file.parent / "out"), remove_unused_columns=False, use_cpu=True, **options)
    CourseTrainer(
        model=Gemma3ForCausalLM(tiny_shape()),
        args=arguments,
        data_collator=AnswerOnlyCollator(),
        train_dataset=rows,
        callbacks=[Watch()],
    ).train()
    seen["peak_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    return {name: round(value, 2) for name, value in seen.items()}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--repeats", type=int, default=3, help="of the training's begin")
    parser.add_argument("--part", choices=("encode", "train"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    file = options.folder / f"train_{options.rows}.jsonl"
    if options.part == "encode":
        print_result({"seconds": round(encoded_rows(file, options.workers)[1], 1)})
    if options.part == "train":
        print_result(begin_training(file, options.workers))
    if options.part:
        return
    figures = []
    command = [sys.executable, __file__, str(options.folder), "--rows", str(options.rows)]
    command += ["--workers", str(options.workers), "--part"]
    if not file.is_file():
        make_rows(file, options.rows)
        figures.append({"what": "to a table on disk and encoded, once"} | result_of([*command, "encode"]))
    begun = [result_of([*command, "train"]) for _ in range(options.repeats)]
    for what, name in (("the table", "rows_ready_s"), ("the end of the first step", "first_step_s")):
        seconds = [one[name] for one in begun]
        figures.append({"what": f"from Python's start to {what}", "seconds": seconds})
    figures.append({"what": "peak memory of that process, ten steps", "gb": [one["peak_gb"] for one in begun]})
    settings = {"rows": f"{options.rows:,}", "processes": options.workers}
    settings |= {"GB of JSON Lines": round(file.stat().st_size / 1e9, 2), "tokens a row": begun[0]["tokens_per_row"]}
    write_record(__file__, options, figures, n=options.repeats, settings=settings)


if __name__ == "__main__":
    main()
