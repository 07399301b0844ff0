"""Batches whose logits are computed where the loss looks, and nowhere else."""

from dataclasses import dataclass

import torch

from korqg.prompts import EOS_ID, IGNORED, PAD_ID

WIDTH_STEP = 8  # Widths are multiples of it, as matrix units like them


@dataclass(frozen=True)
class AnswerOnlyCollator:
    """Pads rows on the right and tells the model at which positions the loss needs logits.

    Gemma's vocabulary has 262,144 words: logits at every position of a batch of 8 rows of 260 tokens are
    2 GB in float32, nine tenths of them for tokens that the loss leaves out. `Gemma3ForCausalLM.forward`
    takes a boolean mask, `logits_to_keep`, and its loss takes `shift_labels` that are already moved by one;
    with both, the stock Trainer gives the same loss at a tenth of the cost.

    There is no attention mask: a token looks to its left only, and the padding stands on the right. Without a mask
    PyTorch can use its fastest attention kernels.

    Called with a list of {"input_ids", "labels"} it returns tensors: `input_ids`, `labels` (batch x longest
    row, rounded up), `logits_to_keep` (the same shape, bool) and `shift_labels` (one entry a kept position, in
    the mask's order). Not for `nn.DataParallel`, which would split the flat labels.
    """

    def __call__(self, rows: list[dict]) -> dict:
        longest = max(len(row["input_ids"]) for row in rows)
        width = -(-longest // WIDTH_STEP) * WIDTH_STEP
        ids, labels = ([row[name] for row in rows] for name in ("input_ids", "labels"))
        return _with_answer_positions(_padded(ids, width, PAD_ID), _padded(labels, width, IGNORED))


@dataclass(frozen=True)
class PaddedCollator:
    """The first attempt's batches: every row padded to `width` with the stop token, the loss on the padding too.

    Called with a list of {"input_ids", "labels"} it returns `input_ids`, `attention_mask` (0 on the padding) and
    `labels`, each of rows x width; logits are computed at every position. A row of 200 tokens has 312 stop tokens
    to predict one after another, so most of the loss is about them.
    """

    width: int

    def __call__(self, rows: list[dict]) -> dict:
        ids, labels = ([row[name] for row in rows] for name in ("input_ids", "labels"))
        return {
            "input_ids": _padded(ids, self.width, EOS_ID),
            "attention_mask": _padded([[1] * len(one) for one in ids], self.width, 0),
            "labels": _padded(labels, self.width, EOS_ID),
        }


def _padded(lists: list[list[int]], width: int, value: int):
    """The lists as lines of a tensor (lists x width), filled up on the right."""
    return torch.tensor([[*some, *[value] * (width - len(some))] for some in lists])


def collator_for(loss_on: str, max_length: int) -> AnswerOnlyCollator | PaddedCollator:
    """The collator that goes with rows encoded with `loss_on`."""
    return AnswerOnlyCollator() if loss_on == "answer" else PaddedCollator(max_length)


def split_batch(batch: dict, max_tokens: int) -> list[dict]:
    """A batch of either collator in pieces of at most `max_tokens` tokens, padding included, one row at least.

    AnswerOnlyCollator's rows are sorted, the longest first, and cut into as few pieces as will do, where the least
    padding is left: a piece is as wide as its longest row, rounded up. The other collator's rows are all of one width,
    which is part of what they teach: they stay in their order. `max_tokens` 0 means no limit.
    """
    rows, width = batch["input_ids"].shape
    if not max_tokens or rows * width <= max_tokens:
        return [batch]
    if "attention_mask" in batch:
        rows_a_piece = max(1, max_tokens // width)
        rows_a_piece = -(-rows // -(-rows // rows_a_piece))  # of like size: two of 20 rather than one of 32 and of 8
        parts = [slice(place, place + rows_a_piece) for place in range(0, rows, rows_a_piece)]
        return [{name: values[part] for name, values in batch.items()} for part in parts]
    places = torch.arange(1, width + 1, device=batch["input_ids"].device)
    lengths = (places * (batch["input_ids"] != PAD_ID)).amax(dim=1)  # up to the last token that is no padding
    order = lengths.argsort(descending=True, stable=True)
    widths = [-(-length // WIDTH_STEP) * WIDTH_STEP for length in lengths[order].tolist()]
    pieces = []
    for start, end in _fewest_pieces(widths, max_tokens):
        part, columns = order[start:end], slice(0, widths[start])
        pieces.append(_with_answer_positions(batch["input_ids"][part, columns], batch["labels"][part, columns]))
    return pieces


def _fewest_pieces(widths: list[int], max_tokens: int) -> list[tuple[int, int]]:
    """Where to cut rows of falling width, (start, end) a piece: as few pieces as will do, then as few tokens.

    The cheapest way to cut the first rows, for one row more at a time. A piece of one row may be over the limit.
    """
    import numpy as np

    rows, wide = len(widths), np.array(widths)
    each_piece = rows * widths[0] + 1  # more than all the tokens: no padding outweighs a piece less
    cost, starts = np.zeros(rows + 1, dtype=np.int64), [0] * (rows + 1)
    first = 0  # where a piece that ends here may start
    for end in range(1, rows + 1):
        while first < end - 1 and widths[first] * (end - first) > max_tokens:
            first += 1
        costs = cost[first:end] + wide[first:end] * np.arange(end - first, 0, -1) + each_piece
        best = int(costs.argmin())
        cost[end], starts[end] = costs[best], first + best
    cuts, end = [], rows
    while end:
        cuts.append((starts[end], end))
        end = starts[end]
    return cuts[::-1]


def _with_answer_positions(input_ids, labels) -> dict:
    # The logits at position t predict the token at t + 1.
    next_labels = torch.nn.functional.pad(labels[:, 1:], (0, 1), value=IGNORED)
    logits_to_keep = next_labels != IGNORED
    return {
        "input_ids": input_ids,
        "labels": labels,
        "logits_to_keep": logits_to_keep,
        "shift_labels": next_labels[logits_to_keep],
    }
