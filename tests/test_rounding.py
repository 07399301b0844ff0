"""The correction of what rounding to 4 bits costs: the best of its rank, kept, and there for all that follows."""

import shutil
import sys

import pytest
from conftest import tiny_shape

import korqg.rounding
from korqg.errors import KorqgError
from korqg.models import choose_model, load_model
from korqg.precision import choose_precision

pytestmark = pytest.mark.torch

needs_bitsandbytes = pytest.mark.skipif(sys.platform == "darwin", reason="bitsandbytes is not installed on macOS")


@pytest.fixture(scope="module")
def shape():
    """A Gemma 3 whose layers are wide enough for blocks of 64 weights."""
    shape = tiny_shape()
    shape.hidden_size, shape.intermediate_size, shape.head_dim = 64, 192, 32
    return shape


@pytest.fixture(scope="module")
def folder(tmp_path_factory, shape, tokenizer):
    """A model of that shape, in more than one file, whose tokens differ much in size, as in a trained one."""
    import torch
    from transformers import Gemma3ForCausalLM

    torch.manual_seed(0)
    model = Gemma3ForCausalLM(shape)
    with torch.no_grad():
        for layer in model.model.layers:
            for norm in (layer.input_layernorm, layer.pre_feedforward_layernorm):
                norm.weight.copy_(20 * torch.rand(64) ** 4)
    folder = tmp_path_factory.mktemp("model")
    model.save_pretrained(folder, max_shard_size="40MB")
    tokenizer.save_pretrained(folder)
    assert len(list(folder.glob("*.safetensors"))) > 1
    return folder


@pytest.fixture(autouse=True)
def a_dozen_articles(monkeypatch):
    """Fewer rows than the sample has: these layers have few inputs."""
    all_rows = korqg.rounding.sample_rows
    monkeypatch.setattr(korqg.rounding, "sample_rows", lambda choice: all_rows(choice)[:12])


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KORQG_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def load(folder, rank: int | None = None):
    how = choose_precision("float32", "none" if rank is None else "nf4")
    return load_model(choose_model(str(folder)), how, *(() if rank is None else ("nf4", rank)))


def logits(model):
    import torch

    ids = torch.arange(1000, 1200).reshape(4, 50)
    with torch.no_grad():
        return model(input_ids=ids).logits


@pytest.mark.parametrize("rank", [1, 8, 24])
def test_no_correction_of_its_rank_leaves_a_smaller_error(rank):
    import torch

    torch.manual_seed(0)
    entering = torch.randn(5000, 40, dtype=torch.float64) * torch.logspace(-1, 1, 40, dtype=torch.float64)
    moments = entering.T @ entering / 5000
    lost = torch.randn(24, 40, dtype=torch.float64)
    down, up = korqg.rounding.low_rank_correction(lost, moments, rank)
    assert down.shape == (rank, 40) and up.shape == (24, rank)

    def error(correction) -> float:
        return ((entering @ (lost - correction).T) ** 2).sum(dim=1).mean().item()

    left, values, right = torch.linalg.svd(lost, full_matrices=False)
    nearest_weights = left[:, :rank] * values[:rank] @ right[:rank]
    values = torch.linalg.svdvals(lost @ torch.linalg.cholesky(moments))
    best = (values[rank:] ** 2).sum().item()
    found = error((up @ down).double())
    assert best * (1 - 1e-6) <= found + 1e-6
    assert found < 1.01 * best + 1e-6  # the damping, which the bound does not know, costs little
    if rank < 24:
        assert found < 0.8 * error(nearest_weights)
    assert down.norm().item() == pytest.approx(up.norm().item(), rel=1e-4)


@needs_bitsandbytes
def test_a_corrected_model_is_nearer_to_the_true_one(folder, cache, capsys):
    exact = logits(load(folder))
    distances = []
    for rank in (0, 8, 64):
        model = load(folder, rank)
        distances.append((logits(model) - exact).norm().item() / exact.norm().item())
        corrected = [name for name, _ in model.named_buffers() if "correction" in name]
        assert len(corrected) == (2 * 7 * 2 if rank else 0)
        assert not [name for name, _ in model.named_parameters() if "correction" in name]  # nothing that could learn
    print(distances)
    assert distances[1] < 0.8 * distances[0]
    assert distances[2] < 0.1 * distances[0]  # as wide as the layers: nothing is lost
    assert "Corrected by matrices of rank 8" in capsys.readouterr().out


@needs_bitsandbytes
def test_the_correction_is_computed_once_and_the_same_when_read_again(folder, cache, capsys, monkeypatch):
    import torch

    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    first = logits(load(folder, 8))
    assert torch.equal(torch.rand(3), expected)  # the run's own random numbers are untouched
    kept = list(cache.glob("*.safetensors"))
    assert len(kept) == 1
    with monkeypatch.context() as without:
        without.setattr(korqg.rounding, "compute_corrections", None)
        assert torch.equal(logits(load(folder, 8)), first)
    assert "from the cache" in capsys.readouterr().out
    kept[0].write_bytes(kept[0].read_bytes()[:1000])
    assert torch.equal(logits(load(folder, 8)), first)
    assert "only this once" in capsys.readouterr().out


@needs_bitsandbytes
def test_where_nothing_can_be_kept_it_is_computed_all_the_same(folder, cache, capsys):
    cache.write_text("a file where the folder should be")
    assert any("correction" in name for name, _ in load(folder, 8).named_buffers())
    out = capsys.readouterr().out
    assert "cannot be kept for the next time" in out
    assert "KORQG_CACHE" in out


@needs_bitsandbytes
def test_weights_that_are_not_finite_are_named(folder, cache, tmp_path):
    import torch
    from safetensors.torch import load_file, save_file

    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    name = "model.layers.1.mlp.up_proj.weight"
    for file in broken.glob("*.safetensors"):
        weights = load_file(file)
        if name in weights:
            weights[name][3, 5] = torch.nan
            save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(KorqgError, match=r"not finite \(model\.layers\.1\.mlp\.up_proj\)"):
        load(broken, 8)
    assert not list(cache.glob("*.safetensors"))


@needs_bitsandbytes
def test_gradients_pass_through_4_bit_layers_after_they_were_used_without(folder):
    import torch
    from bitsandbytes.functional import dequantize_4bit

    rounded, plain = load(folder, 0), load(folder)
    logits(rounded)  # as outputs are made before training
    for name, linear in rounded.named_modules():
        if hasattr(getattr(linear, "weight", None), "quant_state"):
            weights = dequantize_4bit(linear.weight.data, linear.weight.quant_state)
            plain.get_submodule(name).weight.data.copy_(weights)
    gradients = []
    for model in (plain, rounded):
        entering = model.get_input_embeddings()(torch.arange(1000, 1050).reshape(2, 25)).detach().requires_grad_()
        model.train()
        model(inputs_embeds=entering).logits[..., :50].square().mean().backward()
        gradients.append(entering.grad)
    assert (gradients[1] - gradients[0]).norm() < 1e-3 * gradients[0].norm()


@needs_bitsandbytes
def test_an_adapter_learns_beside_the_correction_and_goes_without_it(folder, cache):
    import torch
    from peft import LoraConfig, get_peft_model

    base = load(folder, 8)
    before = logits(base)
    kept = {name: buffer.clone() for name, buffer in base.named_buffers() if "correction" in name}
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
    now = dict(base.named_buffers())
    for name, buffer in kept.items():
        found = next(value for one, value in now.items() if one.replace(".base_layer.", ".").endswith(name))
        assert torch.equal(found, buffer)
