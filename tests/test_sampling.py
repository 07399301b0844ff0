"""Samples from a prompt that is read once: the same as generate's greedy text, seeded, and cheaper than eight reads."""

import math

import pytest

from korqg.generation import generate_tokens
from korqg.prompts import INSTRUCTIONS, STOP_IDS, encode_prompt
from korqg.sampling import TOP_K, Sample, sample_tokens

pytestmark = pytest.mark.torch

TEXTS = ("짧은 글이다.", "봄에는 다리 밑에서 잔치가 열린다.", "나루터의 사공은 강물의 높이를 벽에 적었다. " * 12)


@pytest.fixture
def prompts(tokenizer):
    return [encode_prompt(tokenizer, INSTRUCTIONS["question"], text, 512)[0] for text in TEXTS]


def _up_to_stop(ids: list[int]) -> tuple[int, ...]:
    end = next((place for place, token in enumerate(ids) if token in STOP_IDS), len(ids) - 1)
    return tuple(ids[: end + 1])


def test_greedy_is_what_generate_gives_beyond_the_sliding_window_too(tiny_model, prompts):
    assert len(prompts[2]) > tiny_model.config.sliding_window > len(prompts[0])
    wanted = [_up_to_stop(ids) for ids in generate_tokens(tiny_model, prompts, 12, 3)]
    for batch_size in (1, 3):
        found = sample_tokens(tiny_model, prompts, 1, 12, batch_size, seed=0, temperature=0)
        assert [one.ids for (one,) in found] == wanted


def test_log_probability_is_the_mean_of_what_the_model_gives_the_tokens(tiny_model, prompts):
    import torch

    for prompt, some in zip(prompts, sample_tokens(tiny_model, prompts, 3, 6, 2, seed=1), strict=True):
        assert len(some) == 3
        for one in some:
            with torch.no_grad():
                odds = tiny_model(torch.tensor([[*prompt, *one.ids]])).logits[0].double().log_softmax(-1)
            logs = [odds[len(prompt) + place - 1, token].item() for place, token in enumerate(one.ids)]
            assert one.log_probability == pytest.approx(sum(logs) / len(logs), rel=1e-4)


def test_same_seed_gives_the_same_samples_and_another_seed_others(tiny_model, prompts):
    first = sample_tokens(tiny_model, prompts, 4, 8, 3, seed=5)
    assert sample_tokens(tiny_model, prompts, 4, 8, 3, seed=5) == first
    assert sample_tokens(tiny_model, prompts, 4, 8, 3, seed=6) != first
    assert len({one.ids for one in first[0]}) > 1


def test_narrow_nucleus_leaves_the_likeliest_token_alone(tiny_model, prompts):
    greedy = sample_tokens(tiny_model, prompts, 1, 6, 3, seed=0, temperature=0)
    for some, (one,) in zip(sample_tokens(tiny_model, prompts, 3, 6, 3, seed=3, top_p=1e-6), greedy, strict=True):
        assert {other.ids for other in some} == {one.ids}


def test_prompt_is_read_once_and_ended_samples_leave_the_batch(tiny_model, prompts, monkeypatch):
    """Of four samples of each prompt the first two are made to stop at once: their lines are not computed further."""
    import torch

    import korqg.sampling as sampling

    shapes, draw = [], sampling._draw

    def note(module, args, kwargs):
        shapes.append(tuple(kwargs["input_ids"].shape))

    def stop_some(logits, *options):
        tokens, log_probabilities = draw(logits, *options)
        if len(shapes) == 1:
            tokens = torch.where(torch.arange(len(tokens)) % 4 < 2, STOP_IDS[1], 5000)
        return tokens, log_probabilities

    monkeypatch.setattr(sampling, "_draw", stop_some)
    hook = tiny_model.register_forward_pre_hook(note, with_kwargs=True)
    found = sample_tokens(tiny_model, prompts, 4, 3, 3, seed=0)
    hook.remove()
    assert shapes[0] == (3, max(map(len, prompts)))
    assert shapes[1][0] == 6 and shapes[1][1] == 1
    assert [[one.stopped for one in some][:2] for some in found] == [[True, True]] * 3
    assert all(len(one.ids) == 1 for some in found for one in some[:2])
    # A sample that went on has seen its own prompt, not its neighbour's: it is what the model says after it.
    for prompt, some in zip(prompts, found, strict=True):
        with torch.no_grad():
            odds = tiny_model(torch.tensor([[*prompt, *some[3].ids]])).logits[0].double().log_softmax(-1)
        for place, token in enumerate(some[3].ids[1:], start=1):
            assert token in odds[len(prompt) + place - 1].topk(TOP_K).indices


def test_greedy_with_several_samples_is_refused(tiny_model, prompts):
    with pytest.raises(ValueError, match="greedy decoding gives one continuation"):
        sample_tokens(tiny_model, prompts, 2, 4, 3, seed=0, temperature=0)


def test_stop_is_the_last_token():
    assert Sample((5, 106), -0.5).stopped
    assert not Sample((5, 6), math.log(0.5)).stopped
