"""The correction of what rounding to 4 bits costs: the best of its rank, kept, and there for all that follows."""

import json
import shutil
import sys

import pytest
from conftest import tiny_shape
from test_config import TRAIN

import korqg.model.nf4_correction
from korqg.errors import KorqgError
from korqg.model.choose import ModelChoice, choose_model
from korqg.model.load import load_model
from korqg.model.precision import choose_precision

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
    all_rows = korqg.model.nf4_correction.sample_rows
    monkeypatch.setattr(korqg.model.nf4_correction, "sample_rows", lambda choice: all_rows(choice)[:12])


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
    down, up = korqg.model.nf4_correction.low_rank_correction(lost, moments, rank)
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


def test_moments_are_those_of_each_row_by_itself(folder):
    import torch

    from korqg.model.nf4_correction import _batches, _inputs_of_layers, _second_moments

    model, rows = load(folder), [list(range(1000, 1000 + length)) for length in (30, 7, 19)]
    place, name = 1, "mlp.down_proj"
    entered = []
    with torch.no_grad():
        handle = (
            model.model.layers[place]
            .get_submodule(name)
            .register_forward_pre_hook(lambda _, inputs: entered.append(inputs[0].reshape(-1, 192)))
        )
        for row in rows:
            model(input_ids=torch.tensor([row]))
        handle.remove()
        expected = torch.cat(entered).T @ torch.cat(entered) / 56
        batches = _batches(rows, "cpu")
        assert [batch.shape for batch in batches] == [(3, 30)]
        streams, options = _inputs_of_layers(model, batches)
        streams = [model.model.layers[0](stream, **some) for stream, some in zip(streams, options[0], strict=True)]
        streams = [stream[0] if isinstance(stream, tuple) else stream for stream in streams]
        found = _second_moments(model.model.layers[place], name, streams, options[place], batches)
    assert torch.allclose(found, expected, rtol=1e-3, atol=1e-5 * expected.abs().max().item())
    assert not any(module._forward_pre_hooks for module in model.modules())


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
    assert distances[1] < 0.65 * distances[0]
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
        without.setattr(korqg.model.nf4_correction, "compute_corrections", None)
        assert torch.equal(logits(load(folder, 8)), first)
    assert "from the cache" in capsys.readouterr().out
    kept[0].write_bytes(kept[0].read_bytes()[:1000])
    leftover = cache / f".{kept[0].name}.tmp-1"
    leftover.write_text("of a process that was killed")
    assert torch.equal(logits(load(folder, 8)), first)
    assert "only this once" in capsys.readouterr().out
    assert not leftover.exists()


@needs_bitsandbytes
def test_where_nothing_can_be_kept_it_is_computed_all_the_same(folder, cache, capsys):
    cache.write_text("a file where the folder should be")
    assert any("correction" in name for name, _ in load(folder, 8).named_buffers())
    out = capsys.readouterr().out
    assert "cannot be kept in" in out
    assert "KORQG_CACHE" in out


@needs_bitsandbytes
def test_other_weights_are_not_taken_for_the_originals(folder, cache, tmp_path, capsys):
    import torch
    from safetensors.torch import load_file, save_file

    model = load(folder, 0)
    uncorrected = logits(model)
    choice = choose_model(str(folder))

    def tried(change) -> str:
        other = tmp_path / change.__name__
        shutil.copytree(folder, other, ignore=shutil.ignore_patterns("model*.safetensors*"))
        weights = {}
        for file in folder.glob("*.safetensors"):
            weights |= load_file(file)
        save_file(change(weights), other / "model.safetensors", metadata={"format": "pt"})
        korqg.model.nf4_correction.correct_rounding(model, type(choice)(choice.name, str(other), ""), 8)
        return capsys.readouterr().out

    def trained_on(weights):
        return {name: value + 0.05 * torch.randn_like(value) for name, value in weights.items()}

    def in_4_bits(weights):
        return {name: value.flatten().to(torch.uint8) for name, value in weights.items()}

    def without_layers(weights):
        return {name: value for name, value in weights.items() if "layers" not in name}

    for change in (trained_on, in_4_bits, without_layers):
        assert "is not corrected" in tried(change)
    assert torch.equal(logits(model), uncorrected)

    def without_its_head(weights):
        return {name.removeprefix("model."): value for name, value in weights.items()}

    assert "Corrected by matrices of rank 8" in tried(without_its_head)
    assert not torch.equal(logits(model), uncorrected)


@pytest.mark.parametrize("sharded", [False, True])
def test_a_hub_model_s_files_are_found_where_the_hub_keeps_them(sharded, tmp_path, monkeypatch):
    import huggingface_hub

    names = ["model-1-of-2.safetensors", "model-2-of-2.safetensors"] if sharded else ["model.safetensors"]
    snapshot = tmp_path / "models--some--gemma" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    for name in [*names, "another.safetensors"]:
        (snapshot / name).write_text("")
    if sharded:
        index = {"weight_map": {"a": names[1], "b": names[0], "c": names[1]}}
        (snapshot / "model.safetensors.index.json").write_text(json.dumps(index))
    refs = tmp_path / "models--some--gemma" / "refs"
    refs.mkdir()
    (refs / "main").write_text("abc")
    look_up = huggingface_hub.try_to_load_from_cache
    monkeypatch.setattr(
        huggingface_hub, "try_to_load_from_cache", lambda name, file: look_up(name, file, cache_dir=tmp_path)
    )
    choice = ModelChoice("some/gemma", "some/gemma", "")
    assert korqg.model.nf4_correction._weight_files(choice) == [snapshot / name for name in names]
    for name in names:
        (snapshot / name).unlink()
    assert korqg.model.nf4_correction._weight_files(choice) == []


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
@pytest.mark.parametrize("what", ["not finite", "no memory"])
def test_what_stops_the_correction_is_said_with_the_remedy(folder, cache, monkeypatch, what):
    import torch

    def moments(*arguments):
        if what == "no memory":
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return torch.full((64, 64), torch.nan)

    monkeypatch.setattr(korqg.model.nf4_correction, "_second_moments", moments)
    remedy = "too narrow for the model.*float32" if what == "not finite" else "End other programs.*or choose model_name"
    with pytest.raises(KorqgError, match=remedy):
        load(folder, 8)
    assert not list(cache.glob("*.safetensors"))


def test_a_run_names_the_correction_that_it_was_trained_with(monkeypatch):
    import korqg.config
    from korqg.config import TrainConfig

    kept = TrainConfig(**TRAIN).result_parameters
    corrected = TrainConfig(**TRAIN | {"quantization": "nf4"}).result_parameters
    assert kept["quantization"] == "none"
    assert "rank 192" in corrected["quantization"]
    monkeypatch.setattr(korqg.config, "CORRECTION_RANK", 64)
    assert TrainConfig(**TRAIN | {"quantization": "nf4"}).result_parameters != corrected


@needs_bitsandbytes
def test_gradients_pass_through_4_bit_layers_after_they_were_used_without(folder):
    import torch
    from bitsandbytes.functional import dequantize_4bit

    rounded, plain = load(folder, 0), load(folder)
    logits(rounded)  # as outputs are made before training
    layers = [module for module in rounded.modules() if hasattr(getattr(module, "weight", None), "quant_state")]
    assert len(layers) == 14
    assert not any(module.support_avx512bf16_for_cpu for module in layers)
    assert not any(getattr(module.weight.quant_state, "packing_format_for_cpu", False) for module in layers)
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
