"""Speed of generation on one CUDA device, and whether batches say what one prompt at a time says.

    python tests/benchmarks/generation_speed.py LENGTHS [--questions N]

gemma-3-1b's shape with random weights, which never stop by themselves: every answer has 64 tokens. LENGTHS as for
training_speed.py. The first attempt's way is one prompt at a time, eager attention, without a KV cache.
"""

import argparse
import json
import time
from functools import partial
from pathlib import Path

from training_speed import make_rows, new_model

NEW_TOKENS = 64


def rate(generate, count: int) -> tuple[float, list]:
    """Questions a second, and what `generate()` returned, after the device is done."""
    import torch

    torch.cuda.synchronize()
    started = time.perf_counter()
    answers = generate()
    torch.cuda.synchronize()
    return count / (time.perf_counter() - started), answers


def first_attempts_way(prompts: list[list[int]]) -> float:
    import torch

    model = new_model(torch.bfloat16, "eager").eval()

    def generate(some):
        for prompt in some:
            ids = torch.tensor([prompt], device="cuda")
            with torch.inference_mode():
                model.generate(ids, max_new_tokens=NEW_TOKENS, do_sample=False, use_cache=False, pad_token_id=0)

    generate(prompts[:1])  # warm up
    return rate(partial(generate, prompts[1:]), len(prompts) - 1)[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lengths", type=Path)
    parser.add_argument("--questions", type=int, default=512)
    options = parser.parse_args()
    import torch

    from korqg.model.generate import Generator
    from korqg.model.load import attention_without_plans

    attention_without_plans()
    rows = make_rows(json.loads(options.lengths.read_text(encoding="utf-8")), options.questions)
    prompts = [row["input_ids"][: row["labels"].count(-100)] for row in rows]
    results: dict = {"device": torch.cuda.get_device_name()}
    for dtype, few in ((torch.bfloat16, 8), (torch.float32, 8)):
        name = str(dtype).removeprefix("torch.")
        model = new_model(dtype, "sdpa").eval()
        of_size = partial(Generator, model, None, 0, NEW_TOKENS)  # the prompts are encoded already
        of_size(64).continuations(prompts[:64])  # warm up
        alone_rate, alone = rate(partial(of_size(1).continuations, prompts[:few]), few)
        together = of_size(few).continuations(prompts[:few])
        results[f"{name}, one by one"] = round(alone_rate, 2)
        results[f"{name}, equal in one batch"] = f"{sum(a == b for a, b in zip(alone, together, strict=True))} of {few}"
        if dtype == torch.bfloat16:
            for size in (256,):
                torch.cuda.reset_peak_memory_stats()
                per_second, _ = rate(partial(of_size(size).continuations, prompts), len(prompts))
                results[f"{name}, batches of {size}"] = round(per_second, 1)
                results[f"{name}, batches of {size}, peak GB"] = round(torch.cuda.max_memory_allocated() / 1e9, 1)
        model = of_size = None  # frees its memory for the next
    results["first attempt's way"] = round(first_attempts_way(prompts[:3]), 3)
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
