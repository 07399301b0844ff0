"""What makes training faster without changing what it computes: fused kernels and compiled layers."""

import contextlib
import functools
import importlib.util
import shutil
from collections.abc import Iterator

import torch

from korqg.config import TrainConfig

# Compiling takes three quarters of a minute (an H200) or more; below so many rows (times epochs) it does not pay.
ROWS_WORTH_COMPILING = 10_000
# Shares of what a layer's backward pass needs that compiled layers may keep in memory for it. 0.7 computes twice only
# attention and what takes no matrix product, 0.2 also 59 % of those products; of gemma-3-1b's 61 KB a token and layer
# they keep 36 and 9 (see tests/benchmarks/README.md). Checkpointing whole layers keeps 2.
KEPT, RECOMPUTED = 0.7, 0.2


def can_compile() -> bool:
    """Whether torch.compile can make kernels here: a CUDA device that Triton knows, Triton, and a C compiler."""
    return (
        torch.cuda.is_available()
        and torch.cuda.get_device_capability() >= (7, 0)
        and importlib.util.find_spec("triton") is not None
        and any(shutil.which(name) for name in ("cc", "gcc", "clang"))
    )


def fused_kernels() -> dict:
    """Training arguments that switch Liger's kernels on where they are installed and a CUDA device is there.

    RMSNorm and GeGLU. Its loss stays off, because the logits are already few (see batches), and its rotary positions,
    because they are wrong for a batch of prompts of unlike length, one new token at a time (liger_kernel 0.8.5: the
    loss is right and the generated text is not), and they stay in the model after training.
    Not together with compiled layers: the compiler fuses the same operations, and more of them.
    """
    if not torch.cuda.is_available() or importlib.util.find_spec("liger_kernel") is None:
        return {}
    parts = {
        "rope": False,
        "rms_norm": True,
        "geglu": True,
        "cross_entropy": False,
        "fused_linear_cross_entropy": False,
    }
    return {"use_liger_kernel": True, "liger_kernel_config": parts}


@contextlib.contextmanager
def windowed_attention(model) -> Iterator[None]:
    """While inside, layers with a sliding window leave out what it hides, for rows longer than it and without padding.

    Most of Gemma 3's layers look back 512 tokens. For longer rows transformers says so by a mask, with which torch
    takes a slow kernel; FlashAttention knows windows by itself (torch's `varlen_attn`, from torch 2.11) and skips what
    lies outside. Batches with an attention mask, shorter rows and layers without a window are computed as before. Does
    nothing where the kernel is missing or does not agree with torch's others; on a GPU it prints which.
    """
    kernel, window = _window_kernel(model), getattr(model.config, "sliding_window", None)
    if window and model.device.type == "cuda":
        how = "FlashAttention" if kernel else "a mask: this GPU, torch or precision has no FlashAttention with windows"
        print(f"Sliding windows of {window} tokens by {how}", flush=True)
    if kernel is None:
        yield
        return
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    from transformers.masking_utils import sdpa_mask

    def attention(module, query, key, value, attention_mask, scaling=None, sliding_window=None, **kwargs):
        if attention_mask is None and sliding_window and query.shape[2] > sliding_window:
            return kernel(query, key, value, sliding_window, scaling), None
        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **kwargs)

    def mask(*args, q_length, kv_length, attention_mask=None, allow_is_causal_skip=True, **kwargs):
        if attention_mask is None and allow_is_causal_skip and q_length == kv_length:
            return None  # `attention` is told of the window
        lengths = {"q_length": q_length, "kv_length": kv_length}
        skip = {"attention_mask": attention_mask, "allow_is_causal_skip": allow_is_causal_skip}
        return sdpa_mask(*args, **lengths, **skip, **kwargs)

    before = model.config._attn_implementation
    AttentionInterface.register("korqg_windowed", attention)
    AttentionMaskInterface.register("korqg_windowed", mask)
    model.set_attn_implementation("korqg_windowed")
    try:
        yield
    finally:
        model.set_attn_implementation(before)


def _window_kernel(model):
    """FlashAttention with a window, or None where this model and device cannot use it or it errs.

    A function of query, key and value (rows x heads x tokens x head_dim), window (tokens, the current one included)
    and scaling, that returns rows x tokens x heads x head_dim. It is for bfloat16 on devices with FlashAttention
    kernels for the head's size, backward pass included; which those are is tried out.
    """
    import inspect

    window = getattr(model.config, "sliding_window", None)
    fits = model.device.type == "cuda" and model.dtype == torch.bfloat16 and window
    if not fits or model.config.attention_dropout:
        return None
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return None
    known = inspect.signature(varlen_attn).parameters
    if "window_size" not in known:
        return None
    fewer_keys = {"enable_gqa": True} if "enable_gqa" in known else {}

    def kernel(query, key, value, window, scaling):
        rows, _, tokens, _ = query.shape
        ends = torch.arange(rows + 1, dtype=torch.int32, device=query.device) * tokens
        flat = [tensor.transpose(1, 2).flatten(0, 1).to(torch.bfloat16) for tensor in (query, key, value)]
        sight = {"window_size": (window - 1, 0), "scale": scaling, **fewer_keys}
        return varlen_attn(*flat, ends, ends, tokens, tokens, **sight).unflatten(0, (rows, tokens)).to(query.dtype)

    return kernel if _agrees_with_mask(kernel, model, window) else None


def _agrees_with_mask(kernel, model, window: int) -> bool:
    """Whether the kernel gives what torch's attention gives with a mask, gradients included, on random bfloat16.

    Only the tokens are compared that look back on more than the window holds: there a window of one token more or less
    is some 4 % off, bfloat16 0.3 %.
    """
    config, tokens = model.config, window + 72
    draw = torch.Generator(model.device).manual_seed(0)
    shapes = [(2, heads, tokens, config.head_dim) for heads in (config.num_attention_heads, config.num_key_value_heads)]
    query, key, value, upstream = (
        torch.randn(shape, generator=draw, device=model.device, dtype=torch.bfloat16)
        for shape in (shapes[0], shapes[1], shapes[1], shapes[0])
    )
    places = torch.arange(tokens, device=model.device)
    back = places[:, None] - places
    in_sight = (back >= 0) & (back < window)
    repeats = config.num_attention_heads // config.num_key_value_heads

    def masked(query, key, value, window, scaling):
        key, value = (tensor.repeat_interleave(repeats, dim=1) for tensor in (key, value))
        attend = torch.nn.functional.scaled_dot_product_attention
        return attend(query, key, value, attn_mask=in_sight, scale=scaling).transpose(1, 2)

    def results(attend, dtype):
        inputs = [tensor.to(dtype).requires_grad_() for tensor in (query, key, value)]
        output = attend(*inputs, window, config.head_dim**-0.5)[:, window:]
        return [output, *torch.autograd.grad(output, inputs, upstream.transpose(1, 2)[:, window:].to(dtype))]

    with torch.enable_grad():
        exact = results(masked, torch.float32)
        try:
            found = results(kernel, torch.bfloat16)
        except torch.OutOfMemoryError:
            raise
        except Exception:  # torch says in many ways that it has no kernel for this device or size of head
            return False
    norm = torch.linalg.vector_norm
    return all(bool(norm(a - b) < 0.02 * norm(a)) for a, b in zip(exact, (b.float() for b in found), strict=True))


def choose_speed(model, config: TrainConfig, rows: int) -> tuple[bool, bool]:
    """Whether activations are computed twice, and whether layers are compiled, for `rows` training rows; prints both.

    "auto" computes twice on a GPU under 40 GB for more than half a billion parameters, and compiles for
    ROWS_WORTH_COMPILING rows or more where that can be done.
    """
    small = torch.cuda.is_available() and torch.cuda.get_device_properties(0).total_memory < 40e9
    tight = small and model.num_parameters() > 5e8
    recompute = {"auto": tight, "on": True, "off": False}[config.activation_checkpointing]
    rows_to_see = config.num_epochs * rows
    if config.max_steps > 0:
        rows_to_see = config.max_steps * config.batch_size * config.gradient_accumulation_steps
    worth_it = can_compile() and rows_to_see >= ROWS_WORTH_COMPILING
    compiled = {"auto": worth_it, "on": True, "off": False}[config.torch_compile]
    print("Activations are", "computed twice, to save memory" if recompute else "kept: there is memory enough")
    print("Layers are", "compiled" if compiled else "not compiled", f"for {rows_to_see:,.0f} rows")
    return recompute, compiled


@contextlib.contextmanager
def fast_layers(learner, compiled: bool, autocast: str) -> Iterator[None]:
    """While inside: compiled layers where asked for, and inputs left in autocast's type.

    peft would turn each layer's input into the adapter's float32, and autocast at once back.
    """
    from peft.helpers import disable_input_dtype_casting

    with compiled_layers(learner, compiled), disable_input_dtype_casting(learner, active=autocast != "no"):
        yield


@contextlib.contextmanager
def compiled_layers(model, active: bool = True, backend: str = "inductor") -> Iterator[None]:
    """Compile the model's decoder layers while inside, for batches of any size and length.

    The layers are alike, so they share their compiled code. Compiling happens at the first batches. Outside, the
    layers run as they were written: generation with its growing cache would compile again and again. Whatever was
    compiled before in this process is forgotten. Does nothing unless `active`.

    Where the model is set to checkpoint its activations, the compiler chooses what to compute again, within a share of
    the memory (torch's `activation_memory_budget`; KEPT and RECOMPUTED). Whole layers are checkpointed where it would
    err: with quantized weights, which it might keep unpacked, and with dropout, which it would draw anew.
    """
    if not active:
        yield
        return
    import torch._dynamo
    import torch._functorch.config

    torch._dynamo.reset()
    layers = [module for module in model.modules() if type(module).__name__.endswith("DecoderLayer")]
    budget = torch._functorch.config.activation_memory_budget
    # Training and evaluation, two types of attention, each with and without a mask: more than the usual 8.
    # A layer is a piece small enough for DistributedDataParallel to send while the next one computes. Floats are
    # LoRA's scaling, the same in all layers: a constant, not an input of each call.
    with torch._dynamo.config.patch(cache_size_limit=64, optimize_ddp=False, specialize_float=True):
        for layer in layers:
            plain = getattr(type(layer).forward, "__wrapped__", None)  # without the checkpointing that wraps it
            compiled = torch.compile(plain.__get__(layer) if plain else layer.forward, backend=backend, dynamic=True)
            quantized = any(not weights.is_floating_point() for weights in layer.parameters())
            random = any(isinstance(module, torch.nn.Dropout) and module.p > 0 for module in layer.modules())
            kind = _checkpointed if quantized or random else _recomputed
            layer.forward = functools.partial(kind, layer, compiled) if plain else compiled
        model.enable_input_require_grads()  # or the first layer, whose input needs no gradient, is compiled apart
        try:
            yield
        finally:
            torch._functorch.config.activation_memory_budget = budget
            model.disable_input_require_grads()
            for layer in layers:
                del layer.forward  # the instance's; the class's own comes to light again


def _recomputed(layer, compiled, *args, **kwargs):
    """The compiled layer; if it is not compiled yet, the compiler is told what it may keep."""
    torch._functorch.config.activation_memory_budget = RECOMPUTED if layer.gradient_checkpointing else KEPT
    return compiled(*args, **kwargs)


def _checkpointed(layer, compiled, *args, **kwargs):
    """The compiled layer, with its activations computed twice where the model is set to do so.

    Checkpointing stands around the compiled code and not in it, so the same code serves both settings.
    """
    if layer.gradient_checkpointing and layer.training:
        return layer._gradient_checkpointing_func(functools.partial(compiled, **kwargs), *args)
    return compiled(*args, **kwargs)


@contextlib.contextmanager
def short_walks(model) -> Iterator[None]:
    """While inside, let the model's train(), zero_grad() and parameters() pass over what stands still.

    The Trainer calls each of them once a step, and each walks through all modules, two thousand and more, while a fast
    device waits. Inside, parameters() gives those that learn, zero_grad() clears those, and train() does nothing where
    the mode is that already. named_parameters() and the modules' own methods are as ever.
    """
    learning = [weights for weights in model.parameters() if weights.requires_grad]

    def train(mode: bool = True):
        return model if model.training == mode else type(model).train(model, mode)

    def zero_grad(set_to_none: bool = True) -> None:
        for weights in learning:
            if set_to_none:
                weights.grad = None
            elif weights.grad is not None:
                weights.grad.detach_().zero_()

    model.train, model.zero_grad = train, zero_grad
    model.parameters = lambda recurse=True: iter(learning)
    try:
        yield
    finally:
        del model.train, model.zero_grad, model.parameters
