"""An epoch's seconds on several GPUs, computed from the rate of one: no GPU is needed.

    python tests/benchmarks/several_gpus.py LENGTHS [--rate ROWS_PER_SECOND] [--gigabytes-per-second N]

LENGTHS is the file of training_speed.py. The rows of a step are those that the sampler of notebook 02 gives each
process, cut into pieces as in training; a step takes as long as the process with the most tokens, padding counted, and
then a ring all-reduce of the adapter's gradients, nothing overlapped. `--rate` is measured on one GPU with the same
rows.
"""

import argparse
import json
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "notebooks"))

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


def epoch(lengths: list[int], gpus: int, dealt: bool = True) -> tuple[int, int]:
    """Tokens, padding counted, that the slowest process of each step has in all; and the number of steps.

    `dealt` False is the order before the rows of a step were dealt out in turn.
    """
    from korqg.train.trainer import EpochLengthSampler

    step = ROWS_A_GPU * gpus
    filled = -(-len(lengths) // step) * step
    sampler = EpochLengthSampler(lengths, step, 42, filled, *((ROWS_A_GPU, gpus) if dealt else ()))
    ordered = [(lengths + [2] * (filled - len(lengths)))[row] for row in sampler]
    batches = [tokens_with_padding(ordered[at : at + ROWS_A_GPU]) for at in range(0, filled, ROWS_A_GPU)]
    return sum(max(batches[at : at + gpus]) for at in range(0, len(batches), gpus)), filled // step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lengths", type=Path)
    parser.add_argument("--rate", type=float, default=192.0, help="rows a second of one GPU")
    parser.add_argument("--gigabytes-per-second", type=float, default=150.0, help="of the all-reduce, in one direction")
    options = parser.parse_args()
    pairs = json.loads(options.lengths.read_text(encoding="utf-8"))
    lengths = [min(LONGEST_ROW, prompt + answer) for prompt, answer in pairs]
    rate = options.rate * epoch(lengths, 1)[0] / len(lengths)
    print(f"one GPU: {rate:,.0f} tokens/s, padding counted")
    for gpus in (2, 4, 8):
        found = [len(lengths) / (epoch(lengths, gpus, dealt)[0] / rate) for dealt in (False, True)]
        print(f"these {len(lengths):,} rows on {gpus} GPUs: {found[0]:.0f} rows/s, {found[1]:.0f} dealt out")
    draw = random.Random(0)
    for rows in (5_774, 60_407, 83_486, 1_000_000):
        drawn = [draw.choice(lengths) for _ in range(min(rows, DRAWN))]
        cells = []
        for gpus in (1, 2, 4, 8):
            tokens, steps = epoch(drawn, gpus)
            sent = 2 * (gpus - 1) / gpus * GRADIENT_BYTES / (options.gigabytes_per_second * 1e9)
            seconds = (tokens / rate + steps * sent) * rows / len(drawn)
            cells.append(f"{seconds:,.0f} s ({-(-rows // (ROWS_A_GPU * gpus)):,} steps)")
        print(f"{rows:,} rows on 1, 2, 4, 8 GPUs: {', '.join(cells)}", flush=True)


if __name__ == "__main__":
    main()
