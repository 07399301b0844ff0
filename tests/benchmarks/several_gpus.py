"""An epoch's seconds on several GPUs, computed from the rate of one: no GPU is needed.

    python tests/benchmarks/several_gpus.py LENGTHS [--rate ROWS_PER_SECOND] [--gigabytes-per-second N ...]

LENGTHS is the file of training_speed.py. The rows of a step are those that the sampler of notebook 02 gives each
process, cut into pieces as in training; a step takes as long as the process with the most tokens, padding counted, and
then a ring all-reduce of the adapter's gradients, nothing overlapped. `--rate` is measured on one GPU with the same
rows.
"""

import json
import random
from pathlib import Path

from record import arguments, write_record

ROWS_A_GPU = 128
MAX_BATCH_TOKENS = 38_000
LONGEST_ROW = 1024
GRADIENT_BYTES = 4 * 13_045_760  # rank 16 on all linear layers of gemma-3-1b, float32
DRAWN = 100_000
"""Larger sets are computed from so many rows."""


def tokens_with_padding(lengths: list[int]) -> int:
    """Of a batch as it goes through the model."""
    from korqg.train.collate import AnswerOnlyCollator, split_batch

    ids = [[1] * length for length in lengths]
    batch = AnswerOnlyCollator()([{"input_ids": row, "labels": row} for row in ids])
    return sum(piece["input_ids"].numel() for piece in split_batch(batch, MAX_BATCH_TOKENS))


def epoch(lengths: list[int], gpus: int) -> tuple[int, int]:
    """Tokens, padding counted, that the slowest process of each step has in all; and the number of steps."""
    from korqg.train.trainer import EpochLengthSampler

    step = ROWS_A_GPU * gpus
    filled = -(-len(lengths) // step) * step
    sampler = EpochLengthSampler(lengths, step, 42, filled, ROWS_A_GPU, gpus)
    ordered = [(lengths + [2] * (filled - len(lengths)))[row] for row in sampler]
    batches = [tokens_with_padding(ordered[at : at + ROWS_A_GPU]) for at in range(0, filled, ROWS_A_GPU)]
    return sum(max(batches[at : at + gpus]) for at in range(0, len(batches), gpus)), filled // step


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("lengths", type=Path)
    parser.add_argument("--rate", type=float, default=192.0, help="rows a second of one GPU")
    said = "of the all-reduce, in one direction (NVLink, PCIe, a network of 25 Gbit/s); epochs with the first"
    parser.add_argument("--gigabytes-per-second", type=float, nargs="+", default=[150.0, 12.0, 2.5], help=said)
    parser.add_argument("--rows", type=int, nargs="+", default=[5_774, 60_407, 83_486, 1_000_000])
    options = parser.parse_args()
    pairs = json.loads(options.lengths.read_text(encoding="utf-8"))
    lengths = [min(LONGEST_ROW, prompt + answer) for prompt, answer in pairs]
    rate = options.rate * epoch(lengths, 1)[0] / len(lengths)
    settings = {"tokens a second of one GPU, padding counted": round(rate), "rows a GPU and step": ROWS_A_GPU}
    sent, epochs = [], []
    for gpus in (2, 4, 8):
        traffic = 2 * (gpus - 1) / gpus * GRADIENT_BYTES
        tokens, steps = epoch(lengths, gpus)
        row = {"GPUs": gpus, "MB a step and GPU": round(traffic / 1e6, 1)}
        for speed in options.gigabytes_per_second:
            seconds = traffic / (speed * 1e9)
            share = 100 * seconds / (tokens / rate / steps + seconds)
            row[f"at {speed:g} GB/s (assumed)"] = f"{1000 * seconds:.1f} ms, {share:.2f} % of a step"
        sent.append(row)
    draw = random.Random(0)
    for rows in options.rows:
        drawn = [draw.choice(lengths) for _ in range(min(rows, DRAWN))]
        row = {"rows": rows}
        for gpus in (1, 2, 4, 8):
            tokens, steps = epoch(drawn, gpus)
            traffic = 2 * (gpus - 1) / gpus * GRADIENT_BYTES / (options.gigabytes_per_second[0] * 1e9)
            seconds = (tokens / rate + steps * traffic) * rows / len(drawn)
            row[f"{gpus} GPU{'s' * (gpus > 1)}"] = f"{seconds:,.0f} s ({-(-rows // (ROWS_A_GPU * gpus)):,} steps)"
        epochs.append(row)
        print(row, flush=True)
    write_record(__file__, options, sent, n=1, settings=settings, title="What is sent")
    title = f"One epoch at {options.gigabytes_per_second[0]:g} GB/s"
    write_record(__file__, options, epochs, n=1, settings=settings, title=title)


if __name__ == "__main__":
    main()
