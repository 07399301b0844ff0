"""What makes training faster without changing what it computes: fused kernels and compiled layers."""

import contextlib
import functools
import importlib.util
import shutil
from collections.abc import Iterator

ROWS_WORTH_COMPILING = 10_000
"""Compiling takes a minute or two; below so many rows (times epochs) it does not earn that back."""

KEPT, RECOMPUTED = 0.7, 0.2
"""Shares of what a layer's backward pass needs that compiled layers may keep in memory for it.

Of gemma-3-1b's layer in bfloat16, with adapters of rank 16 on all linear layers (torch 2.11, counted on a CPU): all of
it is 61 KB a token; 0.7 keeps 36 KB and computes twice what takes no matrix product but attention's; 0.2 keeps 9 KB and
computes 59 % of the forward pass's products twice. Checkpointing whole layers keeps 2 KB and computes all twice.
"""


def can_compile() -> bool:
    """Whether torch.compile can make kernels here: a CUDA device that Triton knows, Triton, and a C compiler."""
    import torch

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
    import torch

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


def attention_without_plans() -> None:
    """From now on, let torch choose among the attention kernels that take any shape as it comes.

    On an H100 and its like torch prefers cuDNN's, which makes a plan for each new number and length of rows. Training
    on pieces of all sizes and generating token by token are new shapes again and again: of one profiled step in four
    pieces on an H200 the host spent 1.05 of 1.8 s on plans, and the device waited.
    """
    import torch

    torch.backends.cuda.enable_cudnn_sdp(False)


@contextlib.contextmanager
def compiled_layers(model, active: bool = True, backend: str = "inductor") -> Iterator[None]:
    """Compile the model's decoder layers while inside, for batches of any size and length.

    The layers are alike, so they share their compiled code: this takes the time of two or three layers in place
    of the whole model's. Compiling happens at the first batches. Outside, the layers run as they were written:
    generation with its growing cache would compile again and again. Does nothing unless `active`.

    Where the model is set to checkpoint its activations when its layers are compiled, they keep little of them for
    the backward pass, and what is cheapest to compute is computed again: the compiler chooses, within a share of the
    memory (torch's `activation_memory_budget`; KEPT and RECOMPUTED). That computes less twice than checkpointing whole
    layers, for somewhat more memory. Whole layers are checkpointed where the compiler would err: with quantized
    weights, which it might keep unpacked, and with dropout, which it would draw anew.

    Whatever was compiled before in this process is forgotten, for it might keep another share.
    """
    if not active:
        yield
        return
    import torch
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
    import torch

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

    The Trainer calls each of them once a step, and each walks through all modules, more than two thousand for
    gemma-3-1b with adapters: half of what the host does in a step, while a fast device waits for it. Inside,
    parameters() gives those that learn, zero_grad() clears those, and train() does nothing where the mode is that
    already. named_parameters() and the modules' own methods are as ever.
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
