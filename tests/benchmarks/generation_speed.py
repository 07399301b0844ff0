"""Speed of generation on one GPU, and whether batches say what one prompt at a time says.

    python tests/benchmarks/generation_speed.py LENGTHS [--questions N] [--shape gemma-3-1b]

Random weights, which never stop by themselves: every answer has 64 tokens. LENGTHS as for training_speed.py. The first
attempt's way is one prompt at a time, eager attention, without a KV cache.
"""

import json
import time
from functools import partial
from pathlib import Path

import gpu
import torch
from record import arguments, write_record
from training_speed import SHAPES, make_rows, new_model


def rate(generate, count: int) -> tuple[float, list]:
    """Questions a second, and what `generate()` returned, after the device is done."""
    gpu.synchronize()
    started = time.perf_counter()
    answers = generate()
    gpu.synchronize()
    return count / (time.perf_counter() - started), answers


def first_attempts_way(prompts: list[list[int]], shape: str, new_tokens: int) -> float:
    model = new_model(torch.bfloat16, "eager", shape).eval()

    def generate(some):
        for prompt in some:
            ids = torch.tensor([prompt], device=model.device)
            with torch.inference_mode():
                model.generate(ids, max_new_tokens=new_tokens, do_sample=False, use_cache=False, pad_token_id=0)

    generate(prompts[:1])  # warm up
    return rate(partial(generate, prompts[1:]), len(prompts) - 1)[0]


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("lengths", type=Path)
    parser.add_argument("--questions", type=int, default=512)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--shape", choices=SHAPES, default="gemma-3-1b")
    options = parser.parse_args()
    from korqg.model.generate import Generator
    from korqg.model.load import attention_without_plans

    attention_without_plans()
    rows = make_rows(json.loads(options.lengths.read_text(encoding="utf-8")), options.questions)
    prompts = [row["input_ids"][: row["labels"].count(-100)] for row in rows]
    tokens, few = options.new_tokens, min(8, len(prompts))
    figures = []
    for dtype in (torch.bfloat16, torch.float32):
        name = str(dtype).removeprefix("torch.")
        model = new_model(dtype, "sdpa", options.shape).eval()
        of_size = partial(Generator, model, None, 0, tokens)  # the prompts are encoded already
        of_size(64).continuations(prompts[:64])  # warm up
        per_second, alone = rate(partial(of_size(1).continuations, prompts[:few]), few)
        together = of_size(few).continuations(prompts[:few])
        same = sum(a == b for a, b in zip(alone, together, strict=True))
        figures.append({"what": f"this course, one prompt at a time, {name}", "prompts": few})
        figures[-1] |= {"questions_per_s": round(per_second, 2), "the same in one batch": f"{same} of {few}"}
        if dtype == torch.bfloat16:
            gpu.reset_peak()
            per_second, _ = rate(partial(of_size(options.batch).continuations, prompts), len(prompts))
            figures.append({"what": f"this course, batches of {options.batch}, {name}", "prompts": len(prompts)})
            figures[-1] |= {"questions_per_s": round(per_second, 1), "peak_gb": gpu.peak_gb()}
        model = of_size = None  # frees its memory for the next
    per_second = round(first_attempts_way(prompts[:3], options.shape, tokens), 3)
    first = "the first attempt's way: one prompt at a time, eager attention, no KV cache, bfloat16"
    figures.append({"what": first, "prompts": len(prompts[1:3]), "questions_per_s": per_second})
    settings = {"shape": options.shape, "new tokens": tokens}
    write_record(__file__, options, figures, n=1, settings=settings, gpu=gpu.name())


if __name__ == "__main__":
    main()
