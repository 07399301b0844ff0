"""Questions in batches, greedy, the same way before and after training."""

import time
from collections.abc import Callable

from korqg.errors import KorqgError
from korqg.processes import gather_all, process_count, process_rank
from korqg.prompts import PAD_ID, STOP_IDS, encode_prompt


def generate_questions(
    model,
    tokenizer,
    rows: list[dict],
    max_length: int,
    max_new_tokens: int = 64,
    batch_size: int = 16,
    progress: Callable[[str], None] | None = None,
    prompt_format: str = "turns",
) -> list[dict]:
    """One greedy answer for each row's prompt, in the rows' order.

    Returns for each row `{"model_output", "stopped"}`: the text before the stop token, special tokens shown as
    they are, and whether there was one. A row whose input was too long for `max_length` also has `cut_tokens`, the
    tokens of its end that the model did not read.
    See `generate_tokens` for how, and what it raises.
    """
    encoded = [encode_prompt(tokenizer, row["instruction"], row["input"], max_length, prompt_format) for row in rows]
    continuations = generate_tokens(model, [prompt for prompt, _ in encoded], max_new_tokens, batch_size, progress)
    return [
        read_answer(tokenizer, ids) | ({"cut_tokens": cut} if cut else {})
        for ids, (_, cut) in zip(continuations, encoded, strict=True)
    ]


def generate_tokens(
    model,
    prompts: list[list[int]],
    max_new_tokens: int,
    batch_size: int,
    progress: Callable[[str], None] | None = None,
) -> list[list[int]]:
    """The token ids that follow each prompt, greedy, in the prompts' order; padding at the end may be among them.

    Prompts of like length share a batch, padded on the left; a batch uses the KV cache and ends when every
    row has produced a stop token or `max_new_tokens`; when the device's memory runs out, batches are halved.
    Raises KorqgError when a single prompt does not fit.
    """

    def generate(some: list[list[int]]) -> list[list[int]]:
        return _generate_batch(model, some, max_new_tokens)

    model.config.use_cache = True
    too_large = 'The device\'s memory does not hold a single prompt: use a smaller max_length, or quantization="nf4".'
    return in_batches(model, prompts, batch_size, generate, too_large, progress)


def in_batches(
    model,
    prompts: list[list[int]],
    batch_size: int,
    of_batch: Callable[[list[list[int]]], list],
    too_large: str,
    progress: Callable[[str], None] | None = None,
) -> list:
    """What `of_batch` gives for each prompt, in the prompts' order, with the model in evaluation mode.

    Prompts of like length share a batch, the longest first; when the device's memory runs out, batches are halved.
    Several processes share the prompts, each taking every so-manieth of them, and all get all answers.
    Raises KorqgError with the words `too_large` when a single prompt does not fit.
    """
    import torch

    waiting = sorted(range(len(prompts)), key=lambda index: len(prompts[index]), reverse=True)
    waiting = waiting[process_rank() :: process_count()]
    mine, found = len(waiting), []
    was_training = model.training
    model.eval()
    started = time.monotonic()
    while waiting:
        chosen = waiting[:batch_size]
        try:
            made = of_batch([prompts[index] for index in chosen])
        except torch.OutOfMemoryError:
            if len(chosen) == 1:
                raise KorqgError(too_large) from None
            made = None
        if made is None:  # outside of the except block, where the traceback would keep the tensors alive
            batch_size = len(chosen) // 2
            torch.cuda.empty_cache()
            if progress:
                progress(f"Out of memory: going on with {batch_size} prompts at a time.")
            continue
        found += zip(chosen, made, strict=True)
        waiting = waiting[len(chosen) :]
        if progress:
            progress(f"{mine - len(waiting)} of {mine} prompts, {time.monotonic() - started:.0f} s")
    model.train(was_training)
    all_found = dict(gather_all(found))
    return [all_found[index] for index in range(len(prompts))]


def left_padded(prompts: list[list[int]]):
    """Token ids and attention mask of prompts (both: prompts x longest), padded on the left, where a model reads on."""
    import torch

    width = max(map(len, prompts))
    input_ids = torch.full((len(prompts), width), PAD_ID)
    attention_mask = torch.zeros((len(prompts), width), dtype=torch.long)
    for line, prompt in enumerate(prompts):
        input_ids[line, width - len(prompt) :] = torch.tensor(prompt)
        attention_mask[line, width - len(prompt) :] = 1
    return input_ids, attention_mask


def _generate_batch(model, prompts: list[list[int]], max_new_tokens: int) -> list[list[int]]:
    """The token ids that follow each prompt, padding at the end included."""
    import torch

    input_ids, attention_mask = left_padded(prompts)
    with torch.inference_mode():
        generated = model.generate(
            input_ids=input_ids.to(model.device),
            attention_mask=attention_mask.to(model.device),
            max_new_tokens=max_new_tokens,
            do_sample=False,
            eos_token_id=list(STOP_IDS),
            pad_token_id=PAD_ID,
        )
    return generated[:, input_ids.shape[1] :].tolist()


def read_answer(tokenizer, ids: list[int]) -> dict:
    """The text of generated ids before the first stop token, and whether there was one."""
    stop = next((place for place, token in enumerate(ids) if token in STOP_IDS), None)
    kept = ids if stop is None else ids[:stop]
    text = tokenizer.decode(kept, skip_special_tokens=False)
    return {"model_output": text.strip(), "stopped": stop is not None}
