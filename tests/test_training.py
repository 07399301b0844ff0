"""The collator's loss, generation in batches, and the callbacks."""

import json
import math

import pytest
from conftest import load_exact

from korqg.errors import KorqgError
from korqg.model.generate import Continuation, Generator, left_padded
from korqg.prompts import INSTRUCTIONS, encode_row
from korqg.train import speed
from korqg.train.collate import AnswerOnlyCollator, collator_for, split_batch
from korqg.train.speed import (
    KEPT,
    _agrees_with_mask,
    _window_kernel,
    can_compile,
    compiled_layers,
    short_walks,
    windowed_attention,
)

INSTRUCTION = INSTRUCTIONS["question"]
pytestmark = pytest.mark.torch

ROWS = [
    {"id": "1", "instruction": INSTRUCTION, "input": "낙동강은 영남을 흐른다.", "output": "낙동강은 어디를 흐르는가?"},
    {
        "id": "2",
        "instruction": INSTRUCTION,
        "input": "한라산은 제주도 한가운데에 있는 산이며, 꼭대기에 백록담이라는 호수가 있다.",
        "output": "한라산 꼭대기에 있는 호수의 이름은 무엇인가?",
    },
    {"id": "3", "instruction": INSTRUCTION, "input": "울릉도는 동해에 있다.", "output": "울릉도는 어느 바다에 있는가?"},
]


def _arguments(folder, **more):
    """Training arguments for few steps on a CPU, in silence."""
    from transformers import TrainingArguments

    quiet = {"report_to": "none", "disable_tqdm": True, "save_strategy": "no", "use_cpu": True}
    needed = {"remove_unused_columns": False, "prediction_loss_only": True}
    return TrainingArguments(str(folder), **{**quiet, **needed, **more})


@pytest.fixture(scope="module")
def encoded(tokenizer):
    rows = [encode_row(tokenizer, row, 256) for row in ROWS]
    return [{"input_ids": row.input_ids, "labels": row.labels} for row in rows]


def _loss_and_gradients(model, *batches) -> tuple[float, dict]:
    """The mean loss over the target tokens of all batches together, and its gradients."""
    model.zero_grad()
    targets = sum(int((batch["labels"][:, 1:] != -100).sum()) for batch in batches)
    loss = 0.0
    for batch in batches:
        output = model(**batch, num_items_in_batch=targets)
        output.loss.backward()
        loss += output.loss.item()
    gradients = {name: weights.grad.clone() for name, weights in model.named_parameters() if weights.requires_grad}
    model.zero_grad()
    return loss, gradients


def _plain(batch: dict) -> dict:
    """The same rows with an attention mask, and logits at every position."""
    plain = {"input_ids": batch["input_ids"], "labels": batch["labels"]}
    return {**plain, "attention_mask": (batch["input_ids"] != 0).long()}


def _assert_the_same(one: tuple[float, dict], other: tuple[float, dict]) -> None:
    import torch

    assert one[0] == pytest.approx(other[0], rel=1e-5)
    assert max(gradient.abs().max() for gradient in other[1].values()) > 1e-4
    for name, gradient in one[1].items():
        torch.testing.assert_close(gradient, other[1][name], rtol=1e-4, atol=1e-6, msg=name)


def test_collator_gives_the_loss_and_gradients_of_logits_everywhere(tiny_model, encoded):
    batch = AnswerOnlyCollator()(encoded)
    learnt = sum(label != -100 for row in encoded for label in row["labels"])
    assert tiny_model(**batch).logits.shape[-2] == learnt < batch["input_ids"].numel()
    assert (batch["input_ids"][:, -1] == 0).any(), "a batch without padding would prove little"
    _assert_the_same(_loss_and_gradients(tiny_model, batch), _loss_and_gradients(tiny_model, _plain(batch)))


def test_rows_longer_than_the_sliding_window_give_the_same_without_a_mask(tiny_model, tokenizer):
    rows = [{**ROWS[0], "input": ROWS[1]["input"] * times} for times in (2, 9)]
    encoded = [encode_row(tokenizer, row, 512) for row in rows]
    batch = AnswerOnlyCollator()([{"input_ids": row.input_ids, "labels": row.labels} for row in encoded])
    assert batch["input_ids"].shape[1] > tiny_model.config.sliding_window
    _assert_the_same(_loss_and_gradients(tiny_model, batch), _loss_and_gradients(tiny_model, _plain(batch)))


def _windowed(query, key, value, window, scaling):
    """What a kernel with a window computes, by its definition: each token's softmax over the last `window` tokens."""
    import torch

    key, value = (tensor.repeat_interleave(query.shape[1] // tensor.shape[1], dim=1) for tensor in (key, value))
    places = torch.arange(query.shape[2])
    back = places[:, None] - places
    scores = (query @ key.transpose(2, 3)) * scaling
    scores = scores.masked_fill((back < 0) | (back >= window), float("-inf"))
    return (scores.softmax(-1) @ value).transpose(1, 2)


@pytest.fixture
def long_rows(tiny_model, tokenizer):
    """One row that is longer than the tiny model's sliding window of 64 tokens, and one that is not."""
    rows = [encode_row(tokenizer, {**ROWS[0], "input": ROWS[1]["input"] * times}, 512) for times in (1, 5)]
    rows = [{"input_ids": row.input_ids, "labels": row.labels} for row in rows]
    assert len(rows[0]["input_ids"]) < len(rows[1]["input_ids"]) > 2 * tiny_model.config.sliding_window
    return rows


@pytest.mark.parametrize("compiled", [False, True])
def test_a_kernel_that_knows_the_window_takes_the_place_of_the_mask(
    tiny_model_folder, encoded, long_rows, monkeypatch, compiled
):
    model = load_exact(tiny_model_folder)
    calls = []

    def kernel(query, key, value, window, scaling):
        calls.append(window)
        return _windowed(query, key, value, window, scaling)

    short = AnswerOnlyCollator()([row for row in encoded if len(row["input_ids"]) <= 64])
    long = AnswerOnlyCollator()(long_rows)
    model.config.use_cache = False
    plain = [_loss_and_gradients(model, _plain(batch)) for batch in (short, long)]
    monkeypatch.setattr(speed, "_window_kernel", lambda model: kernel)
    with speed.compiled_layers(model, active=compiled, backend="aot_eager"):
        with speed.windowed_attention(model):
            assert model.config._attn_implementation == "korqg_windowed"
            _assert_the_same(_loss_and_gradients(model, short), plain[0])
            assert not calls
            _assert_the_same(_loss_and_gradients(model, long), plain[1])
            sliding = model.config.layer_types.count("sliding_attention")
            assert calls and set(calls) == {64} and (compiled or len(calls) == sliding)
            calls.clear()
            _assert_the_same(_loss_and_gradients(model, _plain(long)), plain[1])
            assert not calls, "an attention mask is not the kernel's"
        assert model.config._attn_implementation == "sdpa"
        _assert_the_same(_loss_and_gradients(model, long), plain[1])
        assert not calls


def test_a_trainer_uses_the_kernel_that_knows_the_window_while_it_trains(
    tiny_model_folder, long_rows, tmp_path, monkeypatch
):
    from korqg.train.trainer import CourseTrainer

    calls, losses = [], []

    def kernel(*inputs):
        calls.append(inputs[3])
        return _windowed(*inputs)

    for found in (None, kernel):
        monkeypatch.setattr(speed, "_window_kernel", lambda model, found=found: found)
        model = load_exact(tiny_model_folder)
        steps = {"max_steps": 2, "per_device_train_batch_size": 2, "learning_rate": 1e-3}
        arguments = _arguments(tmp_path, logging_steps=1, eval_strategy="epoch", **steps)
        trainer = CourseTrainer(
            model=model,
            args=arguments,
            data_collator=AnswerOnlyCollator(),
            train_dataset=long_rows,
            eval_dataset=long_rows,
        )
        trainer.train()
        assert bool(calls) == bool(found)
        losses.append([entry.get("loss", entry.get("eval_loss")) for entry in trainer.state.log_history[:-1]])
        assert model.config._attn_implementation == "sdpa"
    assert len(losses[0]) == 4 and losses[1] == pytest.approx(losses[0], rel=1e-4)


@pytest.mark.parametrize(("wrong_by", "fits"), [(0, True), (1, False), (-1, False), (512, False)])
def test_a_kernel_whose_window_is_off_by_one_is_not_used(wrong_by, fits):
    from types import SimpleNamespace

    import torch

    config = SimpleNamespace(num_attention_heads=4, num_key_value_heads=1, head_dim=256, sliding_window=512)
    model = SimpleNamespace(config=config, device=torch.device("cpu"))

    def kernel(query, key, value, window, scaling):
        return _windowed(query, key, value, window + wrong_by, scaling)

    assert _agrees_with_mask(kernel, model, 512) == fits


@pytest.mark.parametrize("error", [RuntimeError, NotImplementedError, ValueError, AttributeError])
def test_a_kernel_that_fails_is_not_used(error):
    from types import SimpleNamespace

    import torch

    config = SimpleNamespace(num_attention_heads=2, num_key_value_heads=1, head_dim=16)

    def kernel(*inputs):
        raise error("no kernel for this device")

    assert not _agrees_with_mask(kernel, SimpleNamespace(config=config, device=torch.device("cpu")), 16)


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
@pytest.mark.parametrize("torch_s", ["2.9", "2.10", "2.11", "2.13"])
def test_torch_s_kernel_is_asked_for_the_window(torch_s, dtype, monkeypatch):
    import sys
    from itertools import pairwise
    from types import ModuleType, SimpleNamespace

    import torch

    def attend(query, key, value, ends, ends_of_keys, longest, longest_key, scale, window_size):
        """FlashAttention's words: tokens x heads x head_dim, rows that end at `ends`, a window without the token."""
        assert {tensor.dtype for tensor in (query, key, value)} == {torch.bfloat16} and ends.dtype == torch.int32
        assert ends is ends_of_keys and longest == longest_key == (ends[1:] - ends[:-1]).max()
        left, right = window_size
        assert right == 0
        rows = []
        for start, end in pairwise(ends.tolist()):
            row = (tensor[None, start:end].transpose(1, 2).float() for tensor in (query, key, value))
            rows.append(_windowed(*row, left + 1, scale)[0])
        return torch.cat(rows).to(torch.bfloat16)

    def without_window(query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, is_causal=False):
        raise AssertionError("it knows no windows")

    def with_window(query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, *, scale=None, window_size=(-1, -1)):
        return attend(query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, scale, window_size)

    def with_fewer_keys(
        query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, *, scale=None, window_size=(-1, -1), enable_gqa=False
    ):
        assert enable_gqa or query.shape[1] == key.shape[1]
        return attend(query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, scale, window_size)

    module = ModuleType("torch.nn.attention.varlen")
    module.varlen_attn = {"2.10": without_window, "2.11": with_window, "2.13": with_fewer_keys}.get(torch_s)
    monkeypatch.setitem(sys.modules, module.__name__, module if module.varlen_attn else None)
    monkeypatch.setattr(speed, "_agrees_with_mask", lambda kernel, model, window: True)
    config = SimpleNamespace(sliding_window=24, attention_dropout=0.0)
    gpu = SimpleNamespace(type="cuda")
    kernel = speed._window_kernel(SimpleNamespace(config=config, device=gpu, dtype=torch.bfloat16))
    if torch_s in ("2.9", "2.10"):
        assert kernel is None
        return
    torch.manual_seed(0)
    query, key, value = (
        torch.randn(3, heads, 40, 8).to(torch.bfloat16).to(getattr(torch, dtype)) for heads in (4, 1, 1)
    )
    found = kernel(query, key, value, 24, 0.35)
    exact = _windowed(query.float(), key.float(), value.float(), 24, 0.35)
    assert found.dtype == query.dtype and found.shape == (3, 40, 4, 8)
    torch.testing.assert_close(found.float(), exact, rtol=0.01, atol=0.01)
    assert not torch.allclose(found.float(), _windowed(query.float(), key.float(), value.float(), 23, 0.35), atol=0.05)
    for unlike in ({"dtype": torch.float32}, {"device": SimpleNamespace(type="cpu")}):
        model = SimpleNamespace(**({"config": config, "device": gpu, "dtype": torch.bfloat16} | unlike))
        assert speed._window_kernel(model) is None
    config.attention_dropout = 0.1
    assert speed._window_kernel(SimpleNamespace(config=config, device=gpu, dtype=torch.bfloat16)) is None


@pytest.mark.parametrize("compiled", [False, True])
def test_the_gpu_s_kernel_for_windows_is_as_exact_as_a_mask(compiled):
    import torch
    from transformers import AutoModelForCausalLM, Gemma3TextConfig

    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    config = Gemma3TextConfig(
        vocab_size=512,
        hidden_size=256,
        intermediate_size=512,
        num_hidden_layers=6,
        num_attention_heads=4,
        num_key_value_heads=1,
        head_dim=256,
        sliding_window=512,
        attn_implementation="sdpa",
    )
    torch.manual_seed(0)
    exact = AutoModelForCausalLM.from_config(config).cuda()
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).cuda()
    model.load_state_dict(exact.state_dict())
    exact.load_state_dict(model.state_dict())  # the same rounded weights
    if _window_kernel(model) is None:
        has_one = torch.cuda.get_device_capability() in ((8, 0), (9, 0)) and torch.__version__ >= "2.11"
        assert not has_one, "an A100, H100 or H200 and this torch have a kernel with windows"
        pytest.skip("torch has no kernel with a window for this device")
    if compiled and not can_compile():
        pytest.skip("nothing to compile with")
    ids = torch.randint(3, 512, (3, 900), device="cuda")
    batch = {"input_ids": ids, "labels": ids, "use_cache": False}

    def distance(one, other) -> float:
        pairs = [(gradient.float(), other[1][name]) for name, gradient in one[1].items()]
        return (
            sum((a - b).norm() ** 2 for a, b in pairs).item() ** 0.5
            / sum(b.norm() ** 2 for _, b in pairs).item() ** 0.5
        )

    reference = _loss_and_gradients(exact, batch)
    masked = _loss_and_gradients(model, batch)
    with compiled_layers(model, active=compiled), windowed_attention(model):
        assert model.config._attn_implementation == "korqg_windowed"
        windowed = _loss_and_gradients(model, batch)
    off, off_masked = distance(windowed, reference), distance(masked, reference)
    print(f"loss {reference[0]:.5f} {masked[0]:.5f} {windowed[0]:.5f}, gradients off by {off_masked:.4f}, {off:.4f}")
    assert windowed[0] == pytest.approx(reference[0], rel=2e-3)
    assert off < 1.3 * off_masked


@pytest.mark.parametrize(("max_tokens", "sizes"), [(0, [3]), (10_000, [3]), (200, [1, 2]), (1, [1, 1, 1])])
def test_pieces_of_a_batch_add_up_to_its_loss_and_gradients(tiny_model, encoded, max_tokens, sizes):
    batch = AnswerOnlyCollator()(encoded)
    assert 200 // batch["input_ids"].shape[1] == 2
    pieces = split_batch(batch, max_tokens)
    assert [len(piece["input_ids"]) for piece in pieces] == sizes
    _assert_the_same(_loss_and_gradients(tiny_model, *pieces), _loss_and_gradients(tiny_model, _plain(batch)))


def test_a_piece_of_rows_that_only_fill_up_adds_nothing(tiny_model, encoded):
    fillers = [{"input_ids": [2, 2], "labels": [-100, -100]}] * 3
    batch = AnswerOnlyCollator()([*fillers, *encoded])
    pieces = split_batch(batch, max(len(row["input_ids"]) for row in encoded) * 3 + 24)
    assert len(pieces) > 1 and pieces[-1]["input_ids"].shape == (3, 8)
    _assert_the_same(
        _loss_and_gradients(tiny_model, *pieces), _loss_and_gradients(tiny_model, AnswerOnlyCollator()(encoded))
    )


def test_pieces_keep_every_row_whole_and_as_little_padding_as_few_pieces_can():
    import itertools
    import random

    draw, cut = random.Random(0), 0
    for _ in range(30):
        lengths = sorted((draw.randint(2, 60) for _ in range(draw.randint(2, 7))), reverse=True)
        rows = [
            {"input_ids": [draw.randint(0, 9) for _ in range(length - 1)] + [106], "labels": [7] * length}
            for length in lengths
        ]
        limit = draw.randint(20, 200)
        pieces = split_batch(AnswerOnlyCollator()(draw.sample(rows, len(rows))), limit)
        if len(pieces) == 1:
            continue
        cut += 1
        lines = [line for piece in pieces for line in zip(piece["input_ids"], piece["labels"], strict=True)]
        found = []
        for (ids, labels), length in zip(lines, lengths, strict=True):
            assert (ids[length:] == 0).all()
            found.append(str((ids[:length].tolist(), labels[:length].tolist())))
        assert sorted(found) == sorted(str((row["input_ids"], row["labels"])) for row in rows)
        sizes = [piece["input_ids"].numel() for piece in pieces]
        assert all(size <= limit or len(piece["input_ids"]) == 1 for size, piece in zip(sizes, pieces, strict=True))
        widths = [-(-length // 8) * 8 for length in lengths]
        for count in range(1, len(pieces) + 1):
            totals = []
            for inner in itertools.combinations(range(1, len(rows)), count - 1):
                tokens = [
                    (widths[start] * (end - start), end - start)
                    for start, end in itertools.pairwise([0, *inner, len(rows)])
                ]
                if all(size <= limit or lines == 1 for size, lines in tokens):
                    totals.append(sum(size for size, _ in tokens))
            assert not totals if count < len(pieces) else sum(sizes) == min(totals)
    assert cut > 10


def test_compiled_layers_give_the_same_and_leave_no_trace(tiny_model_folder, encoded):
    from peft import LoraConfig, get_peft_model

    base = load_exact(tiny_model_folder)
    model = get_peft_model(base, LoraConfig(r=2, target_modules="all-linear", init_lora_weights=False))
    model.config.use_cache = False
    batch = AnswerOnlyCollator()(encoded)
    layers = base.model.layers
    with compiled_layers(model, backend="aot_eager"):
        assert all("forward" in vars(layer) for layer in layers)
        compiled = _loss_and_gradients(model, batch)
    assert not any("forward" in vars(layer) for layer in layers)
    _assert_the_same(compiled, _loss_and_gradients(model, _plain(batch)))
    with compiled_layers(model, active=False):
        assert not any("forward" in vars(layer) for layer in layers)


def _checkpointing_model(folder):
    """A tiny model with adapters that is set to checkpoint its activations, and a list of the layers that did."""
    from peft import LoraConfig, get_peft_model

    base = load_exact(folder)
    model = get_peft_model(base, LoraConfig(r=2, target_modules="all-linear", init_lora_weights=False))
    model.config.use_cache = False
    model.train()
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    called = []
    for layer in base.model.layers:
        original = layer._gradient_checkpointing_func

        def noted(*arguments, original=original):
            called.append(1)
            return original(*arguments)

        layer._gradient_checkpointing_func = noted
    return model, base.model.layers, called


def _kept_bytes(model, batch) -> int:
    """Bytes of the activations that the layers keep for the backward pass."""
    import torch

    weights = {part.untyped_storage().data_ptr() for part in [*model.parameters(), *model.buffers()]}
    kept = {}

    def note(tensor):
        if tensor.untyped_storage().data_ptr() not in weights:
            kept[tensor.data_ptr()] = tensor.numel() * tensor.element_size()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        model.get_base_model().model(batch["input_ids"])  # no logits
    return sum(kept.values())


def test_compiled_layers_keep_less_where_the_model_checkpoints(tiny_model_folder, encoded):
    import torch

    model, layers, called = _checkpointing_model(tiny_model_folder)
    batch = AnswerOnlyCollator()(encoded)
    budget = torch._functorch.config.activation_memory_budget
    results, kept = [], []
    for checkpointing in (True, False):
        for layer in layers:
            layer.gradient_checkpointing = checkpointing
        with compiled_layers(model, backend="aot_eager_decomp_partition"):
            results.append(_loss_and_gradients(model, batch))
            kept.append(_kept_bytes(model, batch))
    assert not called  # the compiler does it
    assert torch._functorch.config.activation_memory_budget == budget
    results.append(_loss_and_gradients(model, _plain(batch)))
    for loss, gradients in results[:2]:
        assert loss == pytest.approx(results[2][0], rel=1e-5)
        for name, gradient in gradients.items():
            assert (gradient - results[2][1][name]).norm() < 1e-4 * gradient.norm(), name
    assert kept[0] < 0.7 * kept[1]


@pytest.mark.parametrize("reason", ["quantized", "dropout"])
def test_compiled_layers_are_checkpointed_whole_where_the_compiler_would_err(tiny_model_folder, encoded, reason):
    import torch

    model, layers, called = _checkpointing_model(tiny_model_folder)
    for layer in layers:
        if reason == "quantized":  # as the weights of 4 bits are stored; not used in computing
            packed = torch.nn.Parameter(torch.zeros(1, dtype=torch.uint8), requires_grad=False)
            layer.register_parameter("packed", packed)
        else:
            layer.mlp.down_proj.lora_dropout["default"] = torch.nn.Dropout(0.3)
    batch = AnswerOnlyCollator()(encoded)
    counters = torch._dynamo.utils.counters["stats"]
    with compiled_layers(model, backend="aot_eager"):
        assert torch._functorch.config.activation_memory_budget > KEPT
        for layer in layers:
            layer.gradient_checkpointing = False
        torch.manual_seed(0)
        kept = _loss_and_gradients(model, batch)
        graphs = counters["unique_graphs"]
        assert not called
        for layer in layers:
            layer.gradient_checkpointing = True
        torch.manual_seed(0)
        twice = _loss_and_gradients(model, batch)
        assert counters["unique_graphs"] == graphs
    assert len(called) == len(layers)
    _assert_the_same(twice, kept)


def test_a_loaded_model_does_without_attention_that_plans_for_each_shape(tiny_model_folder):
    import torch

    torch.backends.cuda.enable_cudnn_sdp(True)
    load_exact(tiny_model_folder)
    assert not torch.backends.cuda.cudnn_sdp_enabled()
    assert torch.backends.cuda.flash_sdp_enabled()
    assert torch.backends.cuda.mem_efficient_sdp_enabled()


def test_short_walks_touch_what_learns_and_leave_no_trace(tiny_model_folder, encoded):
    from peft import LoraConfig, get_peft_model

    base = load_exact(tiny_model_folder)
    model = get_peft_model(base, LoraConfig(r=2, target_modules="all-linear"))
    everything = len(list(model.parameters()))
    with short_walks(model):
        learning = list(model.parameters())
        assert 0 < len(learning) < everything
        model.eval()
        assert not any(module.training for module in model.modules())
        model.train()
        assert all(module.training for module in model.modules())
        model(**AnswerOnlyCollator()(encoded)).loss.backward()
        assert all(weights.grad is not None for weights in learning)
        model.zero_grad()
        assert all(weights.grad is None for weights in learning)
    assert len(list(model.parameters())) == everything
    assert not {"train", "zero_grad", "parameters"} & set(vars(model))


def test_trainer_weighs_accumulated_batches_by_their_tokens(tiny_model_folder, encoded, tmp_path):
    """One step of three rows must move the weights alike: in one batch, accumulated row by row, or in pieces."""
    import torch

    from korqg.train.trainer import CourseTrainer

    after = []
    for batch_size, accumulation, max_batch_tokens in ((3, 1, 0), (1, 3, 0), (3, 1, 1)):
        model = load_exact(tiny_model_folder)
        arguments = _arguments(
            tmp_path,
            per_device_train_batch_size=batch_size,
            gradient_accumulation_steps=accumulation,
            max_steps=1,
            learning_rate=0.1,
            optim="sgd",
            max_grad_norm=0.0,
        )
        CourseTrainer(
            model=model,
            args=arguments,
            train_dataset=encoded,
            data_collator=AnswerOnlyCollator(),
            max_batch_tokens=max_batch_tokens,
        ).train()
        after.append({name: weights.detach().clone() for name, weights in model.named_parameters()})
    start = load_exact(tiny_model_folder)
    moved = max((weights - after[0][name]).abs().max().item() for name, weights in start.named_parameters())
    assert moved > 1e-4
    for name, weights in after[0].items():
        torch.testing.assert_close(weights, after[1][name], rtol=1e-4, atol=1e-6, msg=name)
        torch.testing.assert_close(weights, after[2][name], rtol=1e-4, atol=1e-6, msg=name)


def test_generation_in_a_batch_gives_what_one_by_one_gives(tiny_model, tokenizer):
    together = Generator(tiny_model, tokenizer, 256, max_new_tokens=12, batch_size=3).generate(ROWS)
    alone = [Generator(tiny_model, tokenizer, 256, max_new_tokens=12).generate([row])[0] for row in ROWS]
    assert together == alone
    assert [answer["model_output"] for answer in together if answer["model_output"]]


def test_likelihood_of_a_text_is_that_of_its_tokens_after_the_prompt(tiny_model, tokenizer):
    import math

    import torch

    from korqg.prompts import END_OF_TURN_ID, encode_prompt

    texts = ["무엇인가?", "한빛도서관은 언제 문을 여는가?", "왜?"]
    together = Generator(tiny_model, tokenizer, 256, batch_size=3).likelihoods(ROWS[:3], texts)
    for row, text, likelihood in zip(ROWS[:3], texts, together, strict=True):
        prompt, _ = encode_prompt(tokenizer, row["instruction"], row["input"], 256)
        said = [*tokenizer.encode(text, add_special_tokens=False), END_OF_TURN_ID]
        with torch.inference_mode():
            logits = tiny_model(input_ids=torch.tensor([prompt + said])).logits[0, len(prompt) - 1 : -1]
        mean = logits.float().log_softmax(-1)[range(len(said)), said].mean().item()
        assert likelihood == pytest.approx(math.exp(mean), rel=1e-3)


def test_input_that_was_cut_is_said_to_be(tiny_model, tokenizer):
    long = {**ROWS[0], "input": ROWS[0]["input"] * 40}
    whole, cut = Generator(tiny_model, tokenizer, 128, max_new_tokens=2).generate([ROWS[0], long])
    assert "cut_tokens" not in whole
    assert cut["cut_tokens"] == len(tokenizer.encode(long["input"], add_special_tokens=False)) - 128 + _frame(tokenizer)


def _frame(tokenizer) -> int:
    """Tokens of a prompt beside its passage."""
    from korqg.prompts import encode_prompt

    prompt, _ = encode_prompt(tokenizer, ROWS[0]["instruction"], ROWS[0]["input"], 512)
    return len(prompt) - len(tokenizer.encode(ROWS[0]["input"], add_special_tokens=False))


def test_generation_ends_at_the_stop_token_and_says_so(tiny_model, tokenizer, monkeypatch):
    question = tokenizer.encode("무엇인가?", add_special_tokens=False)

    def greedy(model, prompts, max_new_tokens):
        endings = ([*question, 106], [*question, 1], [*question, *question[:1], *question[:1]])
        return [Continuation(list(ending), -0.5) for ending in endings[: len(prompts)]]

    monkeypatch.setattr("korqg.model.generate._greedy_batch", greedy)
    answers = Generator(tiny_model, tokenizer, 256, max_new_tokens=8, batch_size=3).generate(ROWS)
    # Rows of like length share a batch, the longest first: the answers come back in the rows' own order.
    assert answers[1] == {"model_output": "무엇인가?", "stopped": True, "likelihood": 0.6065}
    assert sorted(answer["stopped"] for answer in answers) == [False, True, True]


def test_greedy_answers_are_those_of_the_library_with_the_probability_of_their_tokens(tiny_model, tokenizer):
    import torch

    from korqg.prompts import PAD_ID, STOP_IDS, encode_prompt

    prompts = [encode_prompt(tokenizer, row["instruction"], row["input"], 256)[0] for row in ROWS]
    generator = Generator(tiny_model, tokenizer, 256, max_new_tokens=12, batch_size=3)
    for prompt, made in zip(prompts, generator.continuations(prompts), strict=True):
        ids = torch.tensor([prompt])
        options = {"do_sample": False, "eos_token_id": list(STOP_IDS), "pad_token_id": PAD_ID, "max_new_tokens": 12}
        theirs = tiny_model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), **options)
        assert made.ids == theirs[0, len(prompt) :].tolist()
        with torch.no_grad():
            logits = tiny_model(input_ids=theirs).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
        mean = logits.gather(1, theirs[0, len(prompt) :, None]).mean().item()
        assert made.log_probability == pytest.approx(mean, abs=1e-4)


@pytest.mark.parametrize("longest", [3, 32, 33, 65])
def test_prompts_of_a_batch_end_together_and_never_at_a_width_that_a_gpu_gets_wrong(longest):
    ids, mask = left_padded([[7] * longest, [8, 9]])
    assert ids.shape == mask.shape and longest <= ids.shape[1] <= longest + 1 and ids.shape[1] % 32 != 1
    assert mask.sum(1).tolist() == [longest, 2] and ids[1, -2:].tolist() == [8, 9] and ids[0, -longest:].eq(7).all()


def test_attention_of_a_gpu_agrees_with_plain_arithmetic_at_the_widths_of_batches():
    import torch

    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device: its attention kernels are asked")
    for longest in range(30, 70):
        width = left_padded([[7] * longest])[0].shape[1]
        query = torch.randn(3, 4, width, 256, device="cuda", dtype=torch.bfloat16)
        key, value = (torch.randn(3, 1, width, 256, device="cuda", dtype=torch.bfloat16) for _ in range(2))
        key, value = (one.expand(3, 4, width, 256) for one in (key, value))
        seen = torch.ones(width, width, dtype=torch.bool, device="cuda").tril().expand(3, 1, width, width)
        made = torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=seen.contiguous())
        scores = (query.float() @ key.float().mT / 16).masked_fill(~seen, float("-inf"))
        assert torch.allclose(made.float(), scores.softmax(-1) @ value.float(), atol=0.05)


def test_log_file_begins_with_the_history_of_the_checkpoint_and_nothing_else(tmp_path):
    from transformers import TrainerControl, TrainerState

    from korqg.train.trainer import LogFile

    path = tmp_path / "train_log.jsonl"
    path.write_text('{"of": "an earlier run"}\n')
    log, state = LogFile(path), TrainerState()
    state.log_history.append({"loss": 3.5, "step": 1})
    log.on_train_begin(None, state, TrainerControl())
    for entry in ({"loss": 3.0, "step": 2}, {"eval_loss": 2.0, "step": 2}):
        state.log_history.append(entry)
        log.on_log(None, state, TrainerControl())
    assert [json.loads(line) for line in path.read_text().splitlines()] == state.log_history


def test_order_of_rows_depends_on_seed_and_epoch_alone():
    import torch

    from korqg.train.trainer import EpochLengthSampler

    def order(seed: int, epoch: int) -> list[int]:
        torch.manual_seed(epoch)  # whatever else has been drawn must not matter
        sampler = EpochLengthSampler(lengths, 4, seed)
        sampler.set_epoch(epoch)
        return list(sampler)

    lengths = [10 + 7 * number % 90 for number in range(60)]
    assert sorted(order(1, 0)) == list(range(60))
    assert order(1, 2) == order(1, 2)
    assert order(1, 0) != order(1, 1) != order(2, 1)


def test_groups_are_of_like_length_the_longest_first_and_the_others_in_random_order():
    from korqg.train.trainer import EpochLengthSampler

    lengths = [10 + number for number in range(402)]
    ordered = [lengths[row] for row in EpochLengthSampler(lengths, 4, 0)]
    groups = [ordered[place : place + 4] for place in range(0, 400, 4)]
    assert max(groups[0]) == max(lengths)
    assert sorted(max(group) - min(group) for group in groups)[50] < 40
    means = [sum(group) for group in groups]
    assert means != sorted(means, reverse=True)
    assert sorted(ordered) == lengths


def test_processes_share_the_rows_of_a_step_so_that_none_has_all_the_long_ones():
    import random

    from korqg.train.trainer import EpochLengthSampler

    draw = random.Random(0)
    lengths = [draw.randint(20, 1000) for _ in range(1000)]
    for processes, accumulated in ((2, 1), (4, 3)):
        batch = 48 // processes // accumulated
        step = batch * processes * accumulated
        filled = -(-len(lengths) // (batch * processes)) * batch * processes
        alone = list(EpochLengthSampler(lengths, step, 0, filled))
        shared = list(EpochLengthSampler(lengths, step, 0, filled, batch, processes))
        at_once = batch * processes
        for start in range(0, filled - at_once, at_once):
            assert set(alone[start : start + at_once]) == set(shared[start : start + at_once])
            batches = [shared[place : place + batch] for place in range(start, start + at_once, batch)]
            tokens = [sum(lengths[row] for row in rows) for rows in batches]
            longest = [max(lengths[row] for row in rows) for rows in batches]
            in_order = sorted((lengths[row] for row in shared[start : start + at_once]), reverse=True)
            assert sorted(longest, reverse=True) == in_order[:processes]  # each has one of the longest
            assert max(tokens) - min(tokens) <= in_order[0] - in_order[-1]


@pytest.mark.parametrize(
    ("batch_size", "accumulation", "expected"), [(8, 1, (4, 2)), (4, 2, (2, 4)), (5, 2, (2, 5)), (2, 3, (1, 6))]
)
def test_halved_batch_sees_as_many_rows_a_step(batch_size, accumulation, expected):
    from korqg.train.trainer import halve_batch

    assert halve_batch(batch_size, accumulation) == expected


def test_training_goes_on_with_smaller_batches_when_memory_runs_out(tiny_model_folder, encoded, tmp_path, capsys):
    import torch

    from korqg.train.trainer import CourseTrainer, train_within_memory

    class OnlyOneRow(AnswerOnlyCollator):
        """Stands in for a device whose memory holds a single row."""

        def __call__(self, rows):
            if len(rows) > 1:
                raise torch.OutOfMemoryError("no memory left")
            return super().__call__(rows)

    def train(collator, batch_size, accumulation):
        model = load_exact(tiny_model_folder)

        def make_trainer(batch_size, accumulation, checkpoint):
            arguments = _arguments(
                tmp_path,
                per_device_train_batch_size=batch_size,
                gradient_accumulation_steps=accumulation,
                max_steps=2,
                learning_rate=0.1,
                optim="sgd",
            )
            return CourseTrainer(model=model, args=arguments, train_dataset=encoded, data_collator=collator)

        train_within_memory(make_trainer, batch_size, accumulation, None)
        return {name: weights.detach().clone() for name, weights in model.named_parameters()}

    shrunk = train(OnlyOneRow(), 4, 1)
    assert "Out of memory at step 0: going on with batches of 1, 4 of them a step" in capsys.readouterr().out
    for name, weights in train(AnswerOnlyCollator(), 1, 4).items():
        torch.testing.assert_close(shrunk[name], weights, rtol=1e-5, atol=1e-7, msg=name)


def test_prompts_that_do_not_fit_together_are_halved_and_it_is_said(tiny_model):
    import torch

    asked, said = [], []

    def of_batch(prompts):
        asked.append(len(prompts))
        if len(prompts) > 2:
            raise torch.OutOfMemoryError("no memory left")
        return [sum(prompt) for prompt in prompts]

    prompts = [[1], [2, 3], [4, 5, 6], [7], [8, 9]]
    generator = Generator(tiny_model, None, 256, batch_size=5, progress=said.append)
    assert generator.in_batches(prompts, of_batch, "max_length") == [1, 5, 15, 7, 17]
    assert asked == [5, 2, 2, 1]
    assert said[0] == "Out of memory: going on with 2 prompts at a time."
    assert said[1].startswith("2 of 5 asked, 0 s, about 0 s left") and said[-1] == "5 of 5 asked, 0 s"


def test_time_left_counts_the_evaluations_and_what_follows(monkeypatch, capsys):
    from types import SimpleNamespace

    from korqg.train import trainer

    clock = [0.0]
    monkeypatch.setattr(trainer.time, "monotonic", lambda: clock[0])
    args = SimpleNamespace(per_device_train_batch_size=2, gradient_accumulation_steps=2, world_size=1)
    told = trainer.PrintProgress(seconds_after=30)

    def at(step, seconds, **logs):
        clock[0] = seconds
        told.on_log(args, SimpleNamespace(global_step=step, max_steps=10, eval_steps=4), None, logs=logs)

    at(0, 100, eval_loss=4.0, eval_runtime=5.0)
    told.on_step_begin(args, SimpleNamespace(global_step=0), None)
    at(2, 102, loss=3.0)  # a second a step: 8 more, evaluations at 4, 8 and 10
    at(4, 109, eval_loss=2.0, eval_runtime=5.0)
    at(6, 111, loss=2.0)
    said = capsys.readouterr().out.splitlines()
    assert said[-3] == "step     2 of 10        8 rows   loss 3.000   2 s, about 53 s left"
    assert said[-1].endswith("11 s, about 44 s left")  # 4 steps, two evaluations, 30 s


def test_the_gpu_s_peak_memory_is_said_after_training_and_kept(tmp_path, monkeypatch, capsys):
    from korqg import output_folders
    from korqg.train import trainer

    folder = tmp_path / "outputs" / "runs" / "one"
    folder.mkdir(parents=True)
    for peak in (0.0, 7.25):  # 0 without a GPU
        monkeypatch.setattr(output_folders, "peak_device_memory_gb", lambda peak=peak: peak)
        monkeypatch.setattr(trainer, "peak_device_memory_gb", lambda peak=peak: peak)
        trainer.PrintProgress().on_train_end(None, None, None)
        assert ("GPU memory: torch held 7.2 GB at most" in capsys.readouterr().out) == bool(peak)
        assert output_folders.finish_stage(folder, {}, [], [], {}).get("peak_device_memory_gb", 0.0) == peak


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_loss_that_is_not_finite_stops_with_the_remedy(value):
    from types import SimpleNamespace

    from korqg.train.trainer import StopOnNonFiniteLoss

    state = SimpleNamespace(global_step=7)
    with pytest.raises(KorqgError, match=r'at step 7: .*precision="auto"'):
        StopOnNonFiniteLoss().on_log(SimpleNamespace(fp16=False), state, None, logs={"loss": value})
    StopOnNonFiniteLoss().on_log(SimpleNamespace(fp16=True), state, None, logs={"loss": 1.0, "grad_norm": value})


def test_first_attempts_collator_pads_to_the_width_and_learns_the_padding(tokenizer):
    rows = [encode_row(tokenizer, row, 256, "hashes", "everything") for row in ROWS]
    given = [{"input_ids": row.input_ids, "labels": row.labels} for row in rows]
    batch = collator_for("everything", 256)(given)
    assert set(batch) == {"input_ids", "attention_mask", "labels"}
    for line, row in enumerate(rows):
        length = len(row.input_ids)
        assert batch["input_ids"][line].tolist() == row.input_ids + [1] * (256 - length)
        assert batch["labels"][line].tolist() == batch["input_ids"][line].tolist()
        assert batch["attention_mask"][line].tolist() == [1] * length + [0] * (256 - length)


def test_pieces_of_the_first_attempts_batch_add_up_to_its_loss_and_gradients(tiny_model, tokenizer):
    rows = [encode_row(tokenizer, row, 96, "hashes", "everything") for row in ROWS]
    batch = collator_for("everything", 96)([{"input_ids": row.input_ids, "labels": row.labels} for row in rows])
    pieces = split_batch(batch, 200)
    assert [len(piece["input_ids"]) for piece in pieces] == [2, 1]
    assert all("attention_mask" in piece for piece in pieces)
    _assert_the_same(_loss_and_gradients(tiny_model, *pieces), _loss_and_gradients(tiny_model, batch))


def test_evaluation_looks_at_the_answer_whatever_the_training_does(tiny_model, tokenizer, tmp_path):
    from korqg.train.trainer import CourseTrainer

    sets = {}
    for loss_on in ("everything", "answer"):
        rows = [encode_row(tokenizer, row, 128, "hashes", loss_on) for row in ROWS]
        sets[loss_on] = [{"input_ids": row.input_ids, "labels": row.labels} for row in rows]
    trainer = CourseTrainer(
        model=tiny_model,
        args=_arguments(tmp_path),
        data_collator=collator_for("everything", 128),
        eval_data_collator=AnswerOnlyCollator(),
        train_dataset=sets["everything"],
        eval_dataset=sets["answer"],
    )
    assert next(iter(trainer.get_eval_dataloader()))["shift_labels"].numel() == sum(
        label != -100 for row in sets["answer"] for label in row["labels"]
    )
    assert next(iter(trainer.get_train_dataloader()))["labels"].shape[1] == 128
    # What DistributedDataParallel is told when there are several processes.
    assert trainer.accelerator.ddp_handler.find_unused_parameters is False
    assert trainer.accelerator.ddp_handler.broadcast_buffers is False


def test_trainer_takes_one_gpu_of_several(tiny_model, tmp_path):
    from korqg.train.trainer import CourseTrainer

    for in_sight, used in ((2, 1), (1, 1), (0, 0)):
        args = _arguments(tmp_path)
        args._n_gpu = in_sight
        assert CourseTrainer(model=tiny_model, args=args, data_collator=AnswerOnlyCollator()).args.n_gpu == used


def _trainer(model, rows, folder, **more):
    """A Trainer of few steps that evaluates, and saves, at each second one."""
    from korqg.train.trainer import CourseTrainer, WholeCheckpoints

    often = {"eval_strategy": "steps", "eval_steps": 0.5, "save_strategy": "steps", "save_steps": 0.5}
    learning = {"per_device_train_batch_size": 1, "learning_rate": 1e-3, "metric_for_best_model": "eval_loss"}
    arguments = _arguments(folder, **often, **learning, **more)
    rows = {"train_dataset": rows, "eval_dataset": rows, "data_collator": AnswerOnlyCollator()}
    return CourseTrainer(model=model, args=arguments, callbacks=[WholeCheckpoints()], **rows)


@pytest.fixture
def small_model(tiny_model_folder):
    """The tiny model with a fresh adapter."""
    from peft import LoraConfig, get_peft_model

    model = load_exact(tiny_model_folder)
    return get_peft_model(model, LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM"))


def test_loss_of_the_kept_weights_is_evaluated_and_no_entry_of_the_log(small_model, encoded, tmp_path):
    trainer = _trainer(small_model, encoded, tmp_path, max_steps=2, load_best_model_at_end=True)
    trainer.train()
    logged = list(trainer.state.log_history)
    assert trainer.loss_of_weights() == trainer.state.best_metric
    assert trainer.state.log_history == logged


@pytest.mark.parametrize("steps", [2, 3])
def test_resume_from_the_last_step_takes_none_beyond_it_and_gives_no_alarm(
    small_model, encoded, tmp_path, caplog, steps
):
    import torch

    _trainer(small_model, encoded, tmp_path, max_steps=steps).train()
    weights = {name: value.clone() for name, value in small_model.state_dict().items()}
    trainer = _trainer(small_model, encoded, tmp_path, max_steps=steps)
    trainer.train(resume_from_checkpoint=str(tmp_path / f"checkpoint-{steps}"))
    assert trainer.state.global_step == steps
    for name, value in small_model.state_dict().items():
        torch.testing.assert_close(value, weights[name], rtol=0, atol=0, msg=name)
    assert not [record for record in caplog.records if record.name.startswith("transformers.trainer")]


@pytest.mark.parametrize(("step", "last", "logged"), [(12, 80, 12), (80, 80, 79), (81, 80, 81), (0, 0, 0)])
def test_training_that_did_not_reach_its_last_step_is_not_finished(tmp_path, step, last, logged):
    from types import SimpleNamespace

    from korqg.files import write_jsonl
    from korqg.train.trainer import require_trained

    log = tmp_path / "train_log.jsonl"
    trainer = SimpleNamespace(state=SimpleNamespace(global_step=step, max_steps=last))
    write_jsonl(log, [{"step": 1, "loss": 2.0}, {"step": logged, "loss": 1.0}])
    with pytest.raises(KorqgError, match=rf"stands at step {step} of {last}.*nothing is saved"):
        require_trained(trainer, log)
    trainer.state.global_step = trainer.state.max_steps = 80
    write_jsonl(log, [{"step": 80, "loss": 1.0}])
    require_trained(trainer, log)


def test_weights_that_are_others_than_the_best_are_refused():
    from types import SimpleNamespace

    from korqg.train.trainer import require_kept

    state = SimpleNamespace(best_metric=3.5)
    require_kept(state, 3.5, "best")
    require_kept(state, 3.9, "last")
    for loss in (3.9, 3.48):
        with pytest.raises(KorqgError, match="the checkpoint was changed"):
            require_kept(state, loss, "best")
