"""The model's weights on their device."""

import logging
import os
import sys

from korqg.devices import join_processes, process_count
from korqg.errors import KorqgError
from korqg.model.choose import BUILT_IN, ModelChoice, quiet_and_offline
from korqg.model.precision import Precision


def load_model(choice: ModelChoice, precision: Precision, quantization: str = "none"):
    """The model on its device, in evaluation mode, with Gemma's stop tokens set.

    `quantization` rounds the frozen weights of the linear layers, of which bitsandbytes then computes: "int8" to 8 bits
    a weight (Dettmers et al., LLM.int8(), arXiv 2208.07339), "nf4" to 4 (QLoRA, arXiv 2305.14314).

    For the whole process, attention is computed by kernels that take any shape as it comes (attention_without_plans).
    Raises KorqgError when weights are missing, of another shape than the configuration says, or not finite.
    """
    quiet_and_offline(choice)
    import torch
    from transformers import AutoModelForCausalLM

    attention_without_plans()
    dtype = getattr(torch, precision.weights)
    options = {}
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and process_count() > 1:
        device = f"cuda:{torch.cuda.current_device()}"  # its own, see join_processes
    if quantization != "none":
        options["quantization_config"] = _quantized(quantization, precision)
    try:
        model, report = AutoModelForCausalLM.from_pretrained(
            choice.source,
            dtype=dtype,
            device_map={"": device},
            attn_implementation="sdpa",
            output_loading_info=True,
            **options,
        )
    except torch.OutOfMemoryError:
        raise _too_large(choice, quantization) from None
    except (OSError, RuntimeError, ValueError) as error:
        first_line = str(error).strip().splitlines()[0]
        raise KorqgError(f"{choice.name} cannot be loaded: {first_line}") from None
    if report["missing_keys"]:
        raise KorqgError(
            f"{choice.name} lacks {len(report['missing_keys'])} of its weights, for example "
            f"{sorted(report['missing_keys'])[0]}: download or save the model again."
        )
    for name, weights in model.named_parameters():
        if weights.is_floating_point() and not torch.isfinite(weights).all():
            raise KorqgError(f"{choice.name} has weights that are not finite ({name}): download it again.")
    model.generation_config.eos_token_id = [1, 106]
    model.generation_config.pad_token_id = 0
    model.eval()
    if quantization == "nf4":
        _keep_differentiable(model)
    return model


def _quantized(quantization: str, precision: Precision):
    """transformers' configuration of bitsandbytes for "int8" or "nf4"."""
    import torch
    from transformers import BitsAndBytesConfig

    if quantization == "int8":
        # It warns at every product that inputs become float16: those of Gemma's linear layers are far below its limit.
        logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype={"no": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[precision.autocast],
    )


def _keep_differentiable(model) -> None:
    """Keep bitsandbytes from packing 4-bit weights anew the first time that a layer is used without gradients.

    On a CPU with AVX-512 for bfloat16 it does, for speed, and from then on no gradient passes through the layer, so
    that training after a first generation would silently learn from wrong gradients (bitsandbytes 0.50).
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def _too_large(choice: ModelChoice, quantization: str) -> KorqgError:
    smaller = 'quantization="int8", or ' if quantization == "none" else ""
    return KorqgError(
        f"{choice.name} does not fit into this GPU's free memory. End other programs that use the GPU (nvidia-smi "
        f'lists them), or choose {smaller}model_name="{BUILT_IN}", which is a quarter as large.'
    )


def check_target_modules(model, targets: str | list[str]) -> None:
    """Raise KorqgError for a name in `targets` that no linear layer of the model has ("all-linear" is one)."""
    if targets == "all-linear":
        return
    linear = [name for name, module in model.named_modules() if hasattr(module, "in_features") and name != "lm_head"]
    names = sorted({name.rpartition(".")[2] for name in linear})
    unknown = [target for target in targets if target not in names]
    if unknown or not targets:
        raise KorqgError(
            f"target_modules: the model has no linear layer {', '.join(unknown)}; it has {', '.join(names)}, or use "
            "all-linear.",
            "모델에 그런 이름의 층이 없습니다.",
        )


def device_name() -> str:
    """The CUDA device's name, else the word CPU with its threads."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, {torch.get_num_threads()} threads"


def use_one_gpu() -> None:
    """Show one GPU to torch, before it is imported: the Trainer makes `nn.DataParallel` out of several.

    The first of those that CUDA_VISIBLE_DEVICES names. Of several processes (torchrun) each is given a GPU of its own,
    and connected with the others; raises KorqgError when there are too few.

    On Linux torch is asked for memory segments that grow, where nothing else is set: batches of ever new sizes leave
    holes between segments of fixed size, which have to be given back and taken anew in the middle of training.
    """
    if process_count() == 1:
        os.environ["CUDA_VISIBLE_DEVICES"] = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
    if sys.platform == "linux" and "PYTORCH_ALLOC_CONF" not in os.environ:
        os.environ.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")
    join_processes()


def attention_without_plans() -> None:
    """From now on, let torch choose among the attention kernels that take any shape as it comes.

    On an H100 and its like torch prefers cuDNN's, which makes a plan for each new number and length of rows: for pieces
    of all sizes, and for token after token, more than half of the time (tests/benchmarks/README.md).
    """
    import torch

    torch.backends.cuda.enable_cudnn_sdp(False)
