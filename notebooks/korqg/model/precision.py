"""In which precision a device computes Gemma 3, and how near its activations come to float16's limit."""

from dataclasses import dataclass

from korqg.errors import KorqgError

FLOAT16_LIMIT = 65_504  # The largest finite float16


@dataclass(frozen=True)
class Precision:
    """How weights are held and what the arithmetic runs in; `autocast` is "no", "fp16" or "bf16"."""

    weights: str
    autocast: str
    reason: str


def choose_precision(precision: str, quantization: str) -> Precision:
    """Weights and arithmetic for this machine's device.

    bfloat16 from CUDA compute capability 8; on older CUDA devices float32 weights with fp16 autocast
    (Gemma 3's activations pass fp16's largest number, 65,504, so fp16 weights give NaN); float32 on a CPU.
    Quantized layers (int8, nf4) compute in the autocast's type, or beside it; all else is held as this says.
    Raises KorqgError for a precision that the device cannot do.
    """
    import torch

    cuda = torch.cuda.is_available()
    capability = torch.cuda.get_device_capability() if cuda else (0, 0)
    if quantization != "none":
        try:
            import bitsandbytes  # noqa: F401
        except ImportError:
            raise KorqgError(f'quantization="{quantization}" needs bitsandbytes: pip install bitsandbytes') from None
    if precision == "auto":
        if not cuda:
            return Precision("float32", "no", "a CPU computes float32 right and fast enough for the small model")
        device = f"{torch.cuda.get_device_name()}, compute capability {capability[0]}.{capability[1]}"
        if capability >= (8, 0):
            return Precision("bfloat16", "bf16", f"{device}: bfloat16 is in hardware and has float32's range")
        return Precision(
            "float32", "fp16", f"{device}: no bfloat16 in hardware; float32 weights with fp16 autocast keep the range"
        )
    if precision == "fp16" and not cuda:
        raise KorqgError(
            'precision="fp16" needs a CUDA device; use auto or float32 on a CPU.', "이 컴퓨터에는 CUDA 장치가 없습니다."
        )
    if precision == "bf16" and cuda and capability < (8, 0):
        raise KorqgError(
            f'precision="bf16" needs compute capability 8 or higher, and this device has {capability[0]}.'
            f"{capability[1]} (it would only be emulated); use auto.",
            "이 GPU는 bf16을 계산하지 못합니다. auto로 두세요.",
        )
    weights, autocast = {"float32": ("float32", "no"), "bf16": ("bfloat16", "bf16"), "fp16": ("float32", "fp16")}[
        precision
    ]
    return Precision(weights, autocast, "asked for")


@dataclass(frozen=True)
class Activations:
    """The largest absolute values of a forward pass, and where they stood.

    `residual` is the stream that runs through all layers, `linear` what goes into and comes out of the linear
    layers, which is all that float16 autocast holds in float16.
    """

    residual: float
    residual_place: str
    linear: float
    linear_place: str

    @property
    def verdict(self) -> str:
        """A sentence for the reader: what of it float16 can hold."""
        if self.residual < FLOAT16_LIMIT and self.linear < FLOAT16_LIMIT:
            return "all of it would fit into float16 on these rows"
        if self.linear < FLOAT16_LIMIT:
            return "too much for float16 weights, while float16 autocast, which keeps the stream in float32, is safe"
        return "too much even for float16 autocast: use bf16 or float32"


def largest_activations(model, batch: dict) -> Activations:
    """Run `batch` through the model once, without gradients, and note the largest activations.

    `batch` holds the tensors of `AnswerOnlyCollator`. Run it in float32 or bfloat16: float16 would already be
    infinite where the answer is interesting.
    """
    import torch
    from torch.nn.modules.module import register_module_forward_hook

    places = {}
    for name, module in model.named_modules():
        shown = name.removeprefix("base_model.model.").removeprefix("model.")
        if type(module).__name__.endswith("DecoderLayer"):
            places[module] = ("residual", shown)
        elif hasattr(module, "in_features") and "lora_" not in name and "lm_head" not in name:
            places[module] = ("linear", shown)
    found = {"residual": (0.0, ""), "linear": (0.0, "")}

    def note(module, inputs, output):
        kind, place = places.get(module, ("", ""))
        for tensor in (*inputs, *(output if isinstance(output, tuple) else (output,))) if kind else ():
            if torch.is_tensor(tensor) and tensor.is_floating_point():
                value = tensor.detach().abs().max().float().item()
                if not value <= found[kind][0]:  # NaN too
                    found[kind] = (value, place)

    hook = register_module_forward_hook(note)
    try:
        with torch.no_grad():
            model(**batch)
    finally:
        hook.remove()
    return Activations(*found["residual"], *found["linear"])
