"""Questions in batches, greedy, the same way before and after training."""

import time
from collections.abc import Callable

from korqg.prompts import PAD_ID, STOP_IDS, encode_prompt


def generate_questions(
    model,
    tokenizer,
    rows: list[dict],
    max_length: int,
    max_new_tokens: int = 64,
    batch_size: int = 16,
    progress: Callable[[str], None] | None = None,
) -> list[dict]:
    """One greedy answer for each row's prompt, in the rows' order.

    Rows of like length share a batch, padded on the left; a batch uses the KV cache and ends when every
    row has produced a stop token or `max_new_tokens`. Returns for each row `{"model_output", "stopped"}`:
    the text before the stop token, special tokens shown as they are, and whether there was one.
    """
    import torch

    prompts = [encode_prompt(tokenizer, row["instruction"], row["input"], max_length)[0] for row in rows]
    order = sorted(range(len(rows)), key=lambda index: len(prompts[index]), reverse=True)
    answers: list[dict | None] = [None] * len(rows)
    was_training, model.config.use_cache = model.training, True
    model.eval()
    started = time.monotonic()
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        width = max(len(prompts[index]) for index in chosen)
        input_ids = torch.full((len(chosen), width), PAD_ID)
        attention_mask = torch.zeros((len(chosen), width), dtype=torch.long)
        for line, index in enumerate(chosen):
            input_ids[line, width - len(prompts[index]) :] = torch.tensor(prompts[index])
            attention_mask[line, width - len(prompts[index]) :] = 1
        with torch.inference_mode():
            generated = model.generate(
                input_ids=input_ids.to(model.device),
                attention_mask=attention_mask.to(model.device),
                max_new_tokens=max_new_tokens,
                do_sample=False,
                eos_token_id=list(STOP_IDS),
                pad_token_id=PAD_ID,
            )
        for line, index in enumerate(chosen):
            answers[index] = _read_answer(tokenizer, generated[line, width:].tolist())
        if progress:
            done = start + len(chosen)
            progress(f"{done} of {len(rows)} questions, {time.monotonic() - started:.0f} s")
    model.train(was_training)
    return answers


def _read_answer(tokenizer, ids: list[int]) -> dict:
    stop = next((place for place, token in enumerate(ids) if token in STOP_IDS), None)
    kept = ids if stop is None else ids[:stop]
    text = tokenizer.decode(kept, skip_special_tokens=False)
    return {"model_output": text.strip(), "stopped": stop is not None}
