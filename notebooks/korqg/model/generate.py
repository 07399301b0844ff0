"""Answers in batches, greedy, the same way before and after training, with the probability that the model gives."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from korqg.devices import gather_all, process_count, process_rank
from korqg.errors import KorqgError
from korqg.prompts import END_OF_TURN_ID, PAD_ID, STOP_IDS, encode_prompt


@dataclass(frozen=True)
class Continuation:
    """The token ids that follow a prompt, the stop token included where there is one.

    `log_probability` is the mean of what the model gives its tokens (nats): exp of it is the geometric mean of their
    probabilities.
    """

    ids: list[int]
    log_probability: float


def in_time(seconds: float) -> str:
    """A time as people say it: seconds, and minutes from two of them on."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


@dataclass(frozen=True)
class Generator:
    """A model as it is asked: its tokenizer, the longest prompt and answer (tokens), prompts at a time, their format.

    Several processes share the prompts, each taking its share of them, and all get all answers. Prompts of like length
    share a batch, the longest first; when the device's memory runs out, batches are halved. The methods raise
    KorqgError when a single prompt does not fit.
    """

    model: Any
    tokenizer: Any
    max_length: int
    max_new_tokens: int = 64
    batch_size: int = 16
    prompt_format: str = "turns"
    progress: Callable[[str], None] | None = None

    def generate(self, rows: list[dict]) -> list[dict]:
        """One greedy answer for each row's prompt, in the rows' order.

        Returns for each row `{"model_output", "stopped", "likelihood"}`: the text before the stop token, special tokens
        shown as they are, whether there was one, and the geometric mean of the tokens' probabilities (0 to 1). A row
        whose input was too long for `max_length` also has `cut_tokens`, the tokens of its end that were not read.
        """
        encoded = [self._prompt(row) for row in rows]
        made = self.continuations([prompt for prompt, _ in encoded])
        return [
            read_answer(self.tokenizer, one.ids)
            | {"likelihood": round(math.exp(one.log_probability), 4)}
            | ({"cut_tokens": cut} if cut else {})
            for one, (_, cut) in zip(made, encoded, strict=True)
        ]

    def continuations(self, prompts: list[list[int]]) -> list[Continuation]:
        """What follows each prompt's token ids, greedy; a row that has produced a stop token leaves its batch."""

        def generate(some: list[list[int]]) -> list[Continuation]:
            return _greedy_batch(self.model, some, self.max_new_tokens)

        self.model.config.use_cache = True
        return self.in_batches(prompts, generate, 'max_length, or quantization="int8"')

    def likelihoods(self, rows: list[dict], texts: list[str]) -> list[float]:
        """How likely the model finds each given text after its row's prompt: 0 to 1, in the rows' order.

        The geometric mean of the probabilities of the text's tokens and of the stop token, as `generate` gives it for
        what the model says itself.
        """
        import torch

        def plain(text: str) -> list[int]:
            return self.tokenizer.encode(text.strip(), add_special_tokens=False, split_special_tokens=True)

        def score(some: list[tuple[list[int], int]]) -> list[float]:
            ids, mask = left_padded([whole for whole, _ in some])
            longest = max(length for _, length in some)
            with torch.inference_mode():
                read = self.model(
                    input_ids=ids.to(self.model.device),
                    attention_mask=mask.to(self.model.device),
                    position_ids=(mask.cumsum(1) - 1).clamp(min=0).to(self.model.device),
                    use_cache=False,
                    logits_to_keep=longest + 1,
                )
            found = []
            for line, logits, (_, length) in zip(ids, read.logits, some, strict=True):  # one: a vocabulary is large
                said = logits[-length - 1 : -1].float().log_softmax(-1)  # position t speaks of token t + 1
                found.append(math.exp(said.gather(1, line[-length:, None].to(said.device)).mean().item()))
            return found

        targets = [[*plain(text), END_OF_TURN_ID] for text in texts]
        whole = [(self._prompt(row)[0] + target, len(target)) for row, target in zip(rows, targets, strict=True)]
        return self.in_batches(whole, score, "max_length", lambda one: len(one[0]))

    def in_batches(self, prompts: list, of_batch: Callable[[list], list], use: str, length: Callable = len) -> list:
        """What `of_batch` gives for each prompt, in the prompts' order, with the model in evaluation mode.

        `length` is a prompt's; `use` says what to make smaller where a single one does not fit.
        """
        import torch

        waiting = sorted(range(len(prompts)), key=lambda index: length(prompts[index]), reverse=True)
        waiting = waiting[process_rank() :: process_count()]
        mine, found, batch_size, say = len(waiting), [], self.batch_size, self.progress or (lambda _: None)
        was_training = self.model.training
        self.model.eval()
        started = time.monotonic()
        while waiting:
            chosen = waiting[:batch_size]
            try:
                made = of_batch([prompts[index] for index in chosen])
            except torch.OutOfMemoryError:
                if len(chosen) == 1:
                    too_large = f"The device's memory does not hold a single prompt: use a smaller {use}."
                    raise KorqgError(too_large) from None
                made = None
            if made is None:  # outside of the except block, where the traceback would keep the tensors alive
                batch_size = len(chosen) // 2
                torch.cuda.empty_cache()
                say(f"Out of memory: going on with {batch_size} prompts at a time.")
                continue
            found += zip(chosen, made, strict=True)
            waiting = waiting[len(chosen) :]
            if mine > 1:
                seconds, done = time.monotonic() - started, mine - len(waiting)
                left = f", about {in_time(seconds / done * len(waiting))} left" if waiting else ""
                say(f"{done} of {mine} asked, {in_time(seconds)}{left}")
        self.model.train(was_training)
        all_found = dict(gather_all(found))
        return [all_found[index] for index in range(len(prompts))]

    def _prompt(self, row: dict) -> tuple[list[int], int]:
        return encode_prompt(self.tokenizer, row["instruction"], row["input"], self.max_length, self.prompt_format)


def left_padded(prompts: list[list[int]]):
    """Token ids and attention mask of prompts (both: prompts x width), padded on the left, where a model reads on.

    As wide as the longest, or by one more: on a GPU torch's memory-efficient attention (2.11, an H200) is wrong for all
    prompts of a batch whose width is 1 more than a multiple of 32, where it has a mask, heads of 256 and one key for
    several queries, as Gemma 3 has.
    """
    import torch
    from torch.nn.functional import pad
    from torch.nn.utils.rnn import pad_sequence

    ids, ones = [torch.tensor(prompt) for prompt in prompts], [torch.ones(len(one), dtype=int) for one in prompts]
    on_the_left = {"batch_first": True, "padding_side": "left"}
    ids, mask = pad_sequence(ids, padding_value=PAD_ID, **on_the_left), pad_sequence(ones, **on_the_left)
    if ids.shape[1] % 32 == 1:
        ids, mask = pad(ids, (1, 0), value=PAD_ID), pad(mask, (1, 0))
    return ids, mask


def _greedy_batch(model, prompts: list[list[int]], max_new_tokens: int) -> list[Continuation]:
    """The continuations of one batch: all prompts are read at once, then token by token until each has ended."""
    import torch

    device = model.device
    input_ids, mask = left_padded(prompts)
    mask = mask.to(device)
    stops = torch.tensor(STOP_IDS, device=device)
    ids: list[list[int]] = [[] for _ in prompts]
    sums = [0.0] * len(prompts)
    alive = torch.arange(len(prompts), device=device)  # which prompt each line of the cache belongs to
    with torch.inference_mode():
        read = model(
            input_ids=input_ids.to(device),
            attention_mask=mask,
            position_ids=(mask.cumsum(1) - 1).clamp(min=0),
            use_cache=True,
            logits_to_keep=1,
        )
        cache, logits = read.past_key_values, read.logits[:, -1]  # logits: lines x vocabulary
        positions = mask.sum(1, keepdim=True)
        for step in range(max_new_tokens):
            best, tokens = logits.max(-1)
            # The sum over the vocabulary in float32: bf16 would round it by up to 0.06 nats.
            log_probabilities = best.float() - logits.float().logsumexp(-1)
            for number, token, log_probability in zip(
                alive.tolist(), tokens.tolist(), log_probabilities.tolist(), strict=True
            ):
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
    return [Continuation(some, total / len(some)) for some, total in zip(ids, sums, strict=True)]


def read_answer(tokenizer, ids: list[int]) -> dict:
    """The text of generated ids before the first stop token, and whether there was one."""
    stop = next((place for place, token in enumerate(ids) if token in STOP_IDS), None)
    kept = ids if stop is None else ids[:stop]
    text = tokenizer.decode(kept, skip_special_tokens=False)
    return {"model_output": text.strip(), "stopped": stop is not None}
