"""What rounding the frozen weights to 4 bits has cost, made good by a product of two narrow matrices beside each layer.

A layer's weights W [outputs, inputs] become Q, values of NF4 (Dettmers et al., QLoRA, arXiv 2305.14314), and what is
lost is W - Q. The best correction of rank r is not that of the smallest |W - Q - BA|, with which LoftQ begins, but that
of the smallest error in the layer's output, and that depends on the layer's inputs x: with H = E[x xT] = L LT it is the
truncated singular value decomposition of (W - Q) L, times the inverse of L (Zhang et al., QERA, arXiv 2410.06040).
"""

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from korqg.config import CORRECTION, CORRECTION_RANK, SAMPLE_CORPUS
from korqg.errors import KorqgError
from korqg.files import read_json, sha256_of
from korqg.prompts import INSTRUCTIONS, PAD_ID, encode_row

DAMPING = 0.01
"""Share of H's mean diagonal that is added to it: directions that the sample hardly shows are not forgotten."""

LONGEST_ROW = 640
BATCH_TOKENS = 8192
FARTHEST_ROUNDING = 0.3
"""Of the weights' norm: NF4 loses about 0.09 of it; more than this, and these are not the weights that were rounded."""

TOGETHER = (
    ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    ("self_attn.o_proj",),
    ("mlp.gate_proj", "mlp.up_proj"),
    ("mlp.down_proj",),
)
"""Linear layers of a decoder layer in the order in which they compute; those of one line have the same inputs."""


def correct_rounding(model, choice, rank: int = CORRECTION_RANK) -> None:
    """Add to each 4-bit linear layer of a loaded Gemma 3 the correction of its rounding, once and for all.

    From then on the layer gives x QT + (x AT) BT, with A [r, inputs] and B [outputs, r] in the type that the 4-bit
    layers compute in; both stay as they are in training. They are computed layer by layer from the original weights
    (of `choice`, a ModelChoice) on the built-in sample, each layer's inputs being those that the corrected layers
    before it give. Of the sample (all its articles, those that a comparison may hold back too) nothing is learnt but
    how large the inputs are and how they go together. The matrices are kept in the cache folder of korqg, which
    processes that share it compute once.

    Where the original weights are not to be had, as for a model that was saved in 4 bits, a line says so and the layers
    stay as they are. Raises KorqgError when weights, or what enters a layer, are not finite.
    """
    from korqg.files import cache_folder

    started = time.monotonic()
    files = _weight_files(choice)
    if not hasattr(model.model, "layers") or not _are_the_originals(model, files):
        print("What rounding to 4 bits has cost is not corrected: the weights from before it are not at hand.")
        return
    sources = "".join(sha256_of(file) for file in [*files, SAMPLE_CORPUS])
    identity = hashlib.sha256(sources.encode()).hexdigest()[:12]
    dtype = str(model.model.layers[0].mlp.down_proj.compute_dtype).removeprefix("torch.")
    kept = cache_folder() / f"nf4-correction-{identity}-r{rank}-{dtype}-v{CORRECTION}.safetensors"
    with _alone(kept):
        if (matrices := _read(kept)) is not None:
            _install(model, matrices)
            print(f"What rounding to 4 bits has cost is corrected by matrices of rank {rank}, from the cache")
            return
        print(
            "Correcting what rounding to 4 bits has cost, only this once for these weights (seconds on a GPU, minutes "
            "on a CPU) ...",
            flush=True,
        )
        with _original_weights(files) as original:
            matrices = compute_corrections(model, original, sample_rows(choice), rank)
        _write(matrices, kept)
    print(f"Corrected by matrices of rank {rank}, in {time.monotonic() - started:.0f} s")


def keep_differentiable(model) -> None:
    """Keep bitsandbytes from packing 4-bit weights anew the first time that a layer is used without gradients.

    On a CPU with AVX-512 for bfloat16 it does, for speed, and from then on no gradient passes through the layer, so
    that training after a first generation would silently learn from wrong gradients (bitsandbytes 0.50).
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def sample_rows(choice) -> list[list[int]]:
    """Token ids of the built-in sample, one row an article: the instruction, all paragraphs, a question for each."""
    from korqg.model.choose import load_tokenizer

    tokenizer = load_tokenizer(choice)
    rows = []
    for article in read_json(SAMPLE_CORPUS)["data"]:
        passages = "\n\n".join(paragraph["context"] for paragraph in article["paragraphs"])
        questions = " ".join(paragraph["qas"][0]["question"] for paragraph in article["paragraphs"])
        row = {"instruction": INSTRUCTIONS["question"], "input": passages, "output": questions}
        rows.append(encode_row(tokenizer, row, LONGEST_ROW).input_ids)
    return rows


def compute_corrections(model, original: Callable, rows: list[list[int]], rank: int) -> dict:
    """Compute the corrections of all 4-bit linear layers and install each as soon as it is known.

    `original(name)` gives the weights [outputs, inputs] before rounding, `rows` are token ids. Returns the matrices by
    their place, such as "model.layers.0.mlp.up_proj.down" [r, inputs] and ".up" [outputs, r]; r is `rank`, or less
    where a layer is narrower. Raises KorqgError for weights that are not finite.
    """
    import torch

    matrices = {}
    device = model.device
    devices = [device] if device.type == "cuda" else []
    with torch.no_grad(), torch.random.fork_rng(devices=devices):
        torch.manual_seed(0)  # svd_lowrank begins at random
        batches = _batches(rows, device)
        streams, options = _inputs_of_layers(model, batches)
        for place, layer in enumerate(model.model.layers):
            for names in TOGETHER:
                moments = _second_moments(layer, names[0], streams, options[place], batches)
                if not torch.isfinite(moments).all():
                    raise KorqgError(
                        f"What enters {names[0]} of layer {place} is not finite: this precision is too narrow for the "
                        'model. Use precision="float32", or "bf16" where the GPU has it.'
                    )
                for name in names:
                    linear, full_name = layer.get_submodule(name), f"model.layers.{place}.{name}"
                    weights = original(f"{full_name}.weight")
                    if weights is None:
                        raise KorqgError(f"The model's files lack {full_name}.weight: download or save it again.")
                    weights = weights.to(device, torch.float32)
                    if not torch.isfinite(weights).all():
                        raise KorqgError(f"The model has weights that are not finite ({full_name}): download it again.")
                    down, up = low_rank_correction(weights - _rounded(linear), moments, rank)
                    _add_correction(linear, down.to(linear.compute_dtype), up.to(linear.compute_dtype))
                    matrices |= {f"{full_name}.down": linear.correction_down, f"{full_name}.up": linear.correction_up}
            streams = [_first(layer(stream, **some)) for stream, some in zip(streams, options[place], strict=True)]
    return matrices


def low_rank_correction(lost, moments, rank: int):
    """The matrices (A [r, inputs], B [outputs, r]) that make E|(lost - B A) x|^2 smallest.

    `lost` [outputs, inputs] is W - Q, `moments` [inputs, inputs] is E[x xT]. Both results have the same norm, so that
    neither is too small for float16.
    """
    import torch

    damped = moments.to(torch.float64, copy=True)
    damped.diagonal().add_(DAMPING * damped.diagonal().mean())
    factor = torch.linalg.cholesky(damped)
    kept = min(rank, *lost.shape)
    left, values, right = torch.svd_lowrank((lost.double() @ factor).float(), q=min(kept + 16, *lost.shape), niter=6)
    roots = values[:kept].double().sqrt()
    up = left[:, :kept].double() * roots
    down = torch.linalg.solve_triangular(factor.T, right[:, :kept].double() * roots, upper=True).T
    balance = (up.norm() / down.norm().clamp(min=1e-30)).sqrt()
    return (down * balance).float(), (up / balance.clamp(min=1e-30)).float()


class _SeenEnough(Exception):
    """Ends a forward pass early."""


def _batches(rows: list[list[int]], device) -> list:
    """Rows of like length, padded at their ends, as tensors [rows, tokens] of at most BATCH_TOKENS each."""
    import torch

    ordered, batches = sorted(rows, key=len, reverse=True), []
    while ordered:
        width = len(ordered[0])
        some = ordered[: max(1, BATCH_TOKENS // width)]
        ordered = ordered[len(some) :]
        padded = [row + [PAD_ID] * (width - len(row)) for row in some]
        batches.append(torch.tensor(padded, device=device))
    return batches


def _inputs_of_layers(model, batches: list) -> tuple[list, list[list[dict]]]:
    """What enters the first layer for each batch, and, for each layer and batch, the other arguments of its call."""
    layers = model.model.layers
    streams, options = [], [[] for _ in layers]

    def watch(place: int):
        def hook(_, inputs, arguments):
            arguments = dict(arguments)
            stream = inputs[0] if inputs else arguments["hidden_states"]
            arguments.pop("hidden_states", None)
            if place == 0:
                streams.append(stream)
            options[place].append(arguments)

        return hook

    handles = [layer.register_forward_pre_hook(watch(place), with_kwargs=True) for place, layer in enumerate(layers)]
    try:
        for batch in batches:
            model.model(input_ids=batch, use_cache=False)  # no mask: padding stands last and sees, but is not seen
    finally:
        for handle in handles:
            handle.remove()
    return streams, options


def _second_moments(layer, name: str, streams: list, options: list[dict], batches: list):
    """E[x xT] of what enters the linear layer `name`, over the tokens that are no padding: [inputs, inputs]."""
    import torch

    found = {"sum": 0, "tokens": 0}
    kept = None

    def hook(_, inputs):
        entering = inputs[0][kept].float()
        found["sum"] = found["sum"] + entering.T @ entering
        found["tokens"] += len(entering)
        raise _SeenEnough  # what comes after in the layer is not wanted

    handle = layer.get_submodule(name).register_forward_pre_hook(hook)
    try:
        for stream, some, batch in zip(streams, options, batches, strict=True):
            kept = batch != PAD_ID
            with suppress(_SeenEnough):
                layer(stream, **some)
    finally:
        handle.remove()
    return torch.as_tensor(found["sum"] / found["tokens"])


def _rounded(linear):
    """The weights of a bitsandbytes layer as it holds them in 4 bits: [outputs, inputs], float32."""
    from bitsandbytes.functional import dequantize_4bit

    return dequantize_4bit(linear.weight.data, linear.weight.quant_state).float()


def _add_correction(linear, down, up) -> None:
    linear.register_buffer("correction_down", down.contiguous(), persistent=False)
    linear.register_buffer("correction_up", up.contiguous(), persistent=False)
    linear.register_forward_hook(_with_correction)


def _with_correction(linear, inputs, output):
    import torch
    from torch.nn.functional import linear as times

    narrow = times(inputs[0].to(linear.correction_down.dtype), linear.correction_down)
    correction = times(narrow, linear.correction_up)
    if torch.is_grad_enabled():
        return output + correction  # of the wider type of the two, which is that of the output
    return output.add_(correction)  # without a third tensor of that size: the longest prompts decide what fits


def _install(model, matrices: dict) -> None:
    for place, layer in enumerate(model.model.layers):
        for name in (name for names in TOGETHER for name in names):
            linear, full_name = layer.get_submodule(name), f"model.layers.{place}.{name}"
            pair = (matrices[f"{full_name}.{part}"].to(model.device) for part in ("down", "up"))
            _add_correction(linear, *pair)


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Hold the lock beside `file`; where its folder cannot be written there is nothing to share, and no lock."""
    from filelock import FileLock

    lock = FileLock(file.with_suffix(".lock"))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError:
        yield
        return
    try:
        yield
    finally:
        lock.release()


def _read(file: Path) -> dict | None:
    """What _write wrote, or None where there is no such file, or a broken one."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(file)
    except (OSError, SafetensorError):
        return None


def _write(matrices: dict, file: Path) -> None:
    """Keep the matrices for the next time, under a temporary name first; say so when the disk does not take them."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    temporary = file.with_name(f".{file.name}.tmp-{os.getpid()}")
    try:
        for leftover in file.parent.glob(f".{file.name}.tmp-*"):  # of a process that was killed: others wait
            leftover.unlink(missing_ok=True)
        save_file(matrices, temporary)
        temporary.replace(file)
    except (OSError, SafetensorError) as error:
        print(
            f"The correction cannot be kept in {file.parent} ({error}) and will be computed again the next time; "
            "KORQG_CACHE names another folder."
        )
    finally:
        with suppress(OSError):
            temporary.unlink()


def _weight_files(choice) -> list[Path]:
    """The files that the model was loaded from, of its folder or of the hub's cache; empty where there are none."""
    from huggingface_hub import try_to_load_from_cache

    def find(name: str) -> Path | None:
        if Path(choice.source).is_dir():
            file = Path(choice.source) / name
            return file if file.is_file() else None
        file = try_to_load_from_cache(choice.source, name)
        return Path(file) if isinstance(file, str) else None

    if whole := find("model.safetensors"):
        return [whole]
    index = find("model.safetensors.index.json")
    files = [find(name) for name in sorted(set(read_json(index)["weight_map"].values()))] if index else []
    return files if all(files) else []


def _are_the_originals(model, files: list[Path]) -> bool:
    """Whether `files` hold, for the first and the last layer, what rounded to 4 bits gives the weights there."""
    import torch

    for place in (0, len(model.model.layers) - 1):
        name = TOGETHER[0][0]
        linear = model.model.layers[place].get_submodule(name)
        with _original_weights(files) as original:
            weights = original(f"model.layers.{place}.{name}.weight")
        if (
            weights is None
            or not weights.is_floating_point()
            or weights.shape
            != (
                linear.out_features,
                linear.in_features,
            )
        ):
            return False
        weights = weights.to(model.device, torch.float32)
        lost = (weights - _rounded(linear)).norm() / weights.norm()
        if lost > FARTHEST_ROUNDING:
            return False
    return True


@contextmanager
def _original_weights(files: list[Path]) -> Iterator[Callable]:
    """A function from a weight's name to its tensor on the host, or None, read from `files` when it is asked for."""
    from safetensors import safe_open

    with ExitStack() as stack:
        opened = [stack.enter_context(safe_open(file, framework="pt")) for file in files]
        where = {name: file for file in opened for name in file.keys()}  # noqa: SIM118 (no dict)

        def original(name: str):
            for one in (name, name.removeprefix("model.")):  # a folder of the model without its head has no prefix
                if one in where:
                    return where[one].get_tensor(one)
            return None

        yield original


def _first(output):
    return output[0] if isinstance(output, tuple) else output
