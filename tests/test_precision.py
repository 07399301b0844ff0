"""The probe: the largest activations, where they stand, and what float16 can hold of them."""

import pytest

from korqg.model.precision import FLOAT16_LIMIT, Activations, largest_activations

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(
    ("residual", "linear", "said"),
    [
        (100.0, 50.0, "all of it would fit"),
        (103_795.0, 50.0, "float16 autocast, which keeps the stream in float32, is safe"),
        (103_795.0, 70_000.0, "too much even for float16 autocast"),
        (float("inf"), float("inf"), "too much even"),
        (float("nan"), 1.0, "too much for float16 weights"),
    ],
)
def test_verdict_follows_the_limit_of_float16(residual, linear, said):
    assert said in Activations(residual, "a layer", linear, "a layer").verdict


def test_probe_finds_the_layer_with_the_largest_stream(tiny_model):
    import torch

    batch = {"input_ids": torch.tensor([[2, 105, 2364, 107, 5000, 6000]])}
    usual = largest_activations(tiny_model, batch)
    assert 0 < usual.residual < FLOAT16_LIMIT
    norm = tiny_model.model.layers[1].post_feedforward_layernorm.weight
    with torch.no_grad():
        kept = norm.clone()
        norm.fill_(1e6)
        found = largest_activations(tiny_model, batch)
        norm.copy_(kept)
    assert found.residual > FLOAT16_LIMIT
    assert found.residual_place == "layers.1"
    assert found.linear == pytest.approx(usual.linear)
    assert found.linear_place.startswith("layers.")
    assert largest_activations(tiny_model, batch) == usual
    assert not any(module._forward_hooks for module in tiny_model.modules())
