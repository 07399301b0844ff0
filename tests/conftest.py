"""What several tests use: small corpora, the built-in model's tokenizer, a tiny Gemma 3, KorQuAD where it is there."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("MPLBACKEND", "agg")
os.environ["WANDB_MODE"] = "offline"

COURSE = Path(__file__).resolve().parents[1]
SHARED_DATA = COURSE.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with KorQuAD 1.0 dev and the first attempt's outputs, which are not part of the project."""
    if not (SHARED_DATA / "KorQuAD_v1.0_dev.json").is_file():
        pytest.skip("KorQuAD 1.0 dev is not beside the course: its licence allows no copy here")
    return SHARED_DATA


@pytest.fixture
def korquad() -> dict:
    """Three articles in KorQuAD 1.0's schema, two paragraphs each, one question a paragraph."""
    places = {"한라산": "제주도", "낙동강": "영남", "울릉도": "동해"}
    articles = []
    for name, place in places.items():
        paragraphs = []
        for number, kind in enumerate(("위치", "지형")):
            text = f"{name}의 {kind}를 말하면, 가장 먼저 {place} 이야기가 나온다. 그 밖의 것은 지도에서 볼 수 있다."
            answer = {"text": place, "answer_start": text.index(place)}
            question = {
                "id": f"{name}-{number}",
                "question": f"{name}의 {kind}에서 먼저 나오는 곳은 어디인가?",
                "answers": [answer],
            }
            paragraphs.append({"context": text, "qas": [question]})
        articles.append({"title": name, "paragraphs": paragraphs})
    return {"version": "test", "data": articles}


@pytest.fixture(scope="session")
def tokenizer():
    """The tokenizer of the built-in model."""
    from korqg.model.choose import choose_model, load_tokenizer

    return load_tokenizer(choose_model("gemma-3-270m"))


def tiny_shape():
    """The configuration of a Gemma 3 of two layers, with Gemma's own vocabulary."""
    from transformers import Gemma3TextConfig

    return Gemma3TextConfig(
        vocab_size=262_144,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        sliding_window=64,
        layer_types=["sliding_attention", "full_attention"],
    )


def save_tiny_model(folder: Path, tokenizer) -> Path:
    """A model of that shape with random weights, and Gemma's tokenizer, as a folder."""
    import torch
    from transformers import Gemma3ForCausalLM

    torch.manual_seed(0)
    Gemma3ForCausalLM(tiny_shape()).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def load_exact(folder: Path):
    """The model of a folder, loaded as the notebooks load theirs, in float32."""
    from korqg.model.choose import choose_model
    from korqg.model.load import load_model
    from korqg.model.precision import choose_precision

    return load_model(choose_model(str(folder)), choose_precision("float32", "none"))


def save_finished_run(outputs: Path, model_folder: Path) -> None:
    """outputs/runs/tiny, a finished run whose adapter is random."""
    import torch
    from peft import LoraConfig, get_peft_model

    from korqg.model.save import save_adapter
    from korqg.output_folders import finish_stage

    run = outputs / "runs" / "tiny"
    model = load_exact(model_folder)
    torch.manual_seed(1)
    model = get_peft_model(
        model, LoraConfig(r=12, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
    )
    save_adapter(model, run / "adapter", model_folder.name)
    parameters = {
        "model_name": str(model_folder),
        "precision": "float32",
        "quantization": "none",
        "lora_rank": 12,
        "max_length": 256,
        "max_new_tokens": 12,
        "prompt_format": "turns",
    }
    finish_stage(run, parameters, [], list((run / "adapter").iterdir()), {})


@pytest.fixture(scope="session")
def tiny_model_folder(tokenizer, tmp_path_factory) -> Path:
    """save_tiny_model's folder."""
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny-gemma", tokenizer)


@pytest.fixture(scope="session")
def tiny_model(tiny_model_folder):
    """That model, loaded as the notebooks load theirs."""
    return load_exact(tiny_model_folder)


FLAGS = [
    "--no-sandbox",  # the tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser():
    """Chromium as it is installed, without a window; its event loop must be gone before notebooks are run."""
    from korqg.research.kept_example import find_browser

    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: see the Makefile")
    found = find_browser()
    if found is None:
        pytest.skip("no Chromium here: on Debian apt-get install chromium, elsewhere name it in KORQG_CHROMIUM")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=found, args=FLAGS)
        yield chromium
        chromium.close()
