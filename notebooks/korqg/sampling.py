"""Several continuations of a prompt that is read once.

`generate(num_return_sequences=8)` repeats the prompt eight times before it reads it, so it pays for reading eight
times. Here a batch of prompts goes through the model once; its KV cache is then repeated, and from there on the
samples go their own ways.
"""

from collections.abc import Callable
from dataclasses import dataclass

from korqg.generation import in_batches, left_padded
from korqg.prompts import STOP_IDS

TOP_K = 50
"""Tokens that a sample may choose from at each step: sorting all 262,144 for top-p alone would take longest."""

ROWS_ON_A_CPU = 32
"""Samples at a time on a CPU, which gains nothing from more and whose memory has no error to catch."""


@dataclass(frozen=True)
class Sample:
    """One continuation: its token ids, up to and with the stop token where there is one.

    `log_probability` is the mean over the tokens of what the model itself gives them (nats, at temperature 1, before
    TOP_K and top_p), so exp of it is the geometric mean of their probabilities.
    """

    ids: tuple[int, ...]
    log_probability: float

    @property
    def stopped(self) -> bool:
        return bool(self.ids) and self.ids[-1] in STOP_IDS


def sample_tokens(
    model,
    prompts: list[list[int]],
    samples: int,
    max_new_tokens: int,
    batch_size: int,
    seed: int,
    temperature: float = 1.0,
    top_p: float = 1.0,
    progress: Callable[[str], None] | None = None,
) -> list[list[Sample]]:
    """`samples` continuations of each prompt, in the prompts' order; with `temperature` 0 the greedy one (samples=1).

    At each step a token is drawn from the TOP_K likeliest, or from the fewest of these that hold `top_p` of their
    probability (nucleus sampling, Holtzman et al. 2020), at `temperature`. Prompts of like length share a batch of
    `batch_size` prompts (on a CPU fewer, see ROWS_ON_A_CPU); a sample that has ended is taken out of it. The draws
    follow from `seed` and from the batches. When a GPU's memory runs out, batches are halved.
    Raises KorqgError when a single prompt with its samples does not fit.
    """
    import torch

    if temperature == 0 and samples > 1:
        raise ValueError("greedy decoding gives one continuation: use a temperature above 0 for several")
    if model.device.type == "cpu":
        batch_size = max(1, min(batch_size, ROWS_ON_A_CPU // samples))
    generator = torch.Generator(model.device).manual_seed(seed)

    def sample(some: list[list[int]]) -> list[list[Sample]]:
        return _sample_batch(model, some, samples, max_new_tokens, generator, temperature, top_p)

    too_large = (
        f"The device's memory does not hold {samples} samples of one prompt: use fewer candidates, a smaller "
        'max_length, or quantization="nf4".'
    )
    return in_batches(model, prompts, batch_size, sample, too_large, progress)


def _sample_batch(
    model, prompts: list[list[int]], samples: int, max_new_tokens: int, generator, temperature: float, top_p: float
) -> list[list[Sample]]:
    """The samples of one batch: read the prompts, repeat their cache, draw token by token until all have ended."""
    import torch

    device = model.device
    input_ids, mask = left_padded(prompts)
    mask = mask.to(device)
    stops = torch.tensor(STOP_IDS, device=device)
    rows = len(prompts) * samples
    ids: list[list[int]] = [[] for _ in range(rows)]
    sums = [0.0] * rows
    alive = torch.arange(rows, device=device)  # the number of the sample that each line of the cache belongs to
    with torch.inference_mode():
        read = model(
            input_ids=input_ids.to(device),
            attention_mask=mask,
            position_ids=(mask.cumsum(1) - 1).clamp(min=0),
            use_cache=True,
            logits_to_keep=1,
        )
        cache, logits = read.past_key_values, read.logits[:, -1].repeat_interleave(samples, dim=0)
        cache.batch_repeat_interleave(samples)
        mask = mask.repeat_interleave(samples, dim=0)
        positions = mask.sum(1, keepdim=True)
        for step in range(max_new_tokens):
            tokens, log_probabilities = _draw(logits, generator, temperature, top_p)
            lines = zip(alive.tolist(), tokens.tolist(), log_probabilities.tolist(), strict=True)
            for number, token, log_probability in lines:
                ids[number].append(token)
                sums[number] += log_probability
            going = ~torch.isin(tokens, stops)
            if step == max_new_tokens - 1 or not going.any():
                break
            if not going.all():
                cache.batch_select_indices(going.nonzero()[:, 0])
                alive, tokens, mask, positions = (part[going] for part in (alive, tokens, mask, positions))
            mask = torch.cat([mask, mask.new_ones((len(mask), 1))], dim=1)
            read = model(
                input_ids=tokens[:, None],
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
            )
            logits, positions = read.logits[:, -1], positions + 1
    made = [Sample(tuple(some), total / len(some)) for some, total in zip(ids, sums, strict=True)]
    return [made[start : start + samples] for start in range(0, rows, samples)]


def _draw(logits, generator, temperature: float, top_p: float):
    """A token for each row of logits (rows x vocabulary), and the log-probability that the model gives it."""
    import torch

    values, places = logits.topk(TOP_K, dim=-1)  # the likeliest first
    values = values.float()
    if temperature == 0:
        chosen = torch.zeros((len(values), 1), dtype=torch.long, device=values.device)
    else:
        odds = (values / temperature).softmax(-1)
        before = odds.cumsum(-1) - odds  # what the likelier ones hold together
        chosen = torch.multinomial(odds.masked_fill(before >= top_p, 0.0), 1, generator=generator)
    # The sum over the vocabulary in float32: bf16 would round it by up to 0.06 nats.
    log_probabilities = values.gather(1, chosen)[:, 0] - logits.float().logsumexp(-1)
    return places.gather(1, chosen)[:, 0], log_probabilities
