"""Frozen weights in 8 and 4 bits: near the true ones, gradients pass, an adapter learns beside them and goes again."""

import sys

import pytest
from conftest import tiny_shape

from korqg.model.choose import choose_model
from korqg.model.load import load_model
from korqg.model.precision import choose_precision

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(sys.platform == "darwin", reason="bitsandbytes is not installed on macOS"),
]

WEIGHTS_OFF = {"int8": 0.01, "nf4": 0.12}
"""How far rounded weights may be from the true ones, of their norm."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tokenizer):
    """A Gemma 3 whose layers are wide enough for blocks of 64 weights, as a folder."""
    import torch
    from transformers import Gemma3ForCausalLM

    shape = tiny_shape()
    shape.hidden_size, shape.intermediate_size, shape.head_dim = 64, 192, 32
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("model")
    Gemma3ForCausalLM(shape).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def load(folder, quantization: str = "none"):
    return load_model(choose_model(str(folder)), choose_precision("float32", quantization), quantization)


def logits(model):
    import torch

    with torch.no_grad():
        return model(input_ids=torch.arange(1000, 1200).reshape(4, 50)).logits


def held(linear):
    """A quantized layer's weights as it computes with them, float32."""
    from bitsandbytes.functional import dequantize_4bit, int8_vectorwise_dequant

    if hasattr(linear.weight, "quant_state"):
        return dequantize_4bit(linear.weight.data, linear.weight.quant_state).float()
    scales = linear.state.SCB if linear.weight.SCB is None else linear.weight.SCB
    return int8_vectorwise_dequant(linear.weight.data, scales).float()


def quantized_layers(model) -> dict:
    return {name: one for name, one in model.named_modules() if type(one).__name__ in ("Linear8bitLt", "Linear4bit")}


@pytest.mark.parametrize("quantization", ["int8", "nf4"])
def test_all_linear_layers_are_rounded_and_no_more_than_their_bits_ask(folder, quantization):
    import torch

    exact, rounded = load(folder), load(folder, quantization)
    layers = quantized_layers(rounded)
    assert len(layers) == 14
    for name, linear in layers.items():
        true = exact.get_submodule(name).weight
        assert linear.weight.dtype == (torch.int8 if quantization == "int8" else torch.uint8)
        assert 0 < (held(linear) - true).norm() < WEIGHTS_OFF[quantization] * true.norm()
    others = {name: one for name, one in rounded.named_parameters() if one.is_floating_point()}
    assert all(torch.equal(one, exact.get_parameter(name)) for name, one in others.items())
    assert (logits(rounded) - logits(exact)).norm() < 3 * WEIGHTS_OFF[quantization] * logits(exact).norm()


@pytest.mark.parametrize("quantization", ["int8", "nf4"])
def test_gradients_are_right_after_the_layers_were_used_without(folder, quantization):
    import torch

    rounded, plain = load(folder, quantization), load(folder)
    logits(rounded)  # as outputs are made before training
    for name, linear in quantized_layers(rounded).items():
        assert not getattr(getattr(linear.weight, "quant_state", None), "packing_format_for_cpu", False)
        plain.get_submodule(name).weight.data.copy_(held(linear))
    gradients = []
    for model in (plain, rounded):
        entering = model.get_input_embeddings()(torch.arange(1000, 1050).reshape(2, 25)).detach().requires_grad_()
        model.train()
        model(inputs_embeds=entering).logits[..., :50].square().mean().backward()
        gradients.append(entering.grad)
    assert (gradients[1] - gradients[0]).norm() < 1e-3 * gradients[0].norm()


@pytest.mark.parametrize("quantization", ["int8", "nf4"])
def test_an_adapter_learns_beside_rounded_weights_and_is_switched_off_again(folder, quantization):
    import torch
    from peft import LoraConfig, get_peft_model

    base = load(folder, quantization)
    before = logits(base)
    model = get_peft_model(base, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    ids = torch.arange(1000, 1040).reshape(2, 20)
    optimizer = torch.optim.SGD((weights for weights in model.parameters() if weights.requires_grad), lr=1.0)
    model.train()
    for _ in range(3):
        model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
    model.eval()
    assert (logits(model) - before).abs().max() > 1e-3
    with model.disable_adapter():
        assert torch.allclose(logits(model), before, atol=1e-5)


def test_eight_bits_say_nothing_at_every_product(folder, caplog, capsys):
    logits(load(folder, "int8"))
    assert "MatMul8bitLt" not in caplog.text + capsys.readouterr().err
