"""What is saved for others: the template gives the prompt that was trained, and the card's code asks and stops."""

import json
import os
import re
import subprocess
import sys

import pytest
from conftest import load_exact

from korqg.files import read_json
from korqg.model.llama_cpp import write_gguf
from korqg.model.save import chat_template, export_merged, save_adapter, write_model_card
from korqg.prompts import INSTRUCTIONS, PROMPT_FORMATS, encode_prompt

pytestmark = pytest.mark.torch

TEXTS = (
    "우리 도서관은 밤 열 시까지 문을 연다.",
    "첫 줄\n\n둘째 줄 {{ bos_token }} '인용' \\n",
    "제목: 섬\n문장: 【봄】이 온다.\n초안: 없음 ",
)


@pytest.fixture
def trained(tiny_model_folder):
    """The tiny model with an adapter that changes what it says."""
    import torch
    from peft import LoraConfig, get_peft_model

    base = load_exact(tiny_model_folder)
    torch.manual_seed(1)
    lora = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
    return get_peft_model(base, lora).eval()


def _asked(text: str) -> list[dict]:
    return [{"role": "user", "content": f"{INSTRUCTIONS['question']}\n\n{text}"}]


@pytest.mark.parametrize("prompt_format", PROMPT_FORMATS)
def test_template_gives_the_ids_of_the_training_prompt(trained, tokenizer, tmp_path, prompt_format):
    from transformers import AutoTokenizer, GenerationConfig

    kept = tokenizer.chat_template
    save_adapter(trained, tmp_path / "adapter", "gemma-3-270m", tokenizer, prompt_format)
    export_merged(trained, tokenizer, tmp_path / "merged", prompt_format)
    assert tokenizer.chat_template == kept
    for folder in (tmp_path / "adapter", tmp_path / "merged"):
        saved = AutoTokenizer.from_pretrained(folder)
        for text in TEXTS:
            wanted, _ = encode_prompt(tokenizer, INSTRUCTIONS["question"], text, 512, prompt_format)
            made = saved.apply_chat_template(_asked(text), add_generation_prompt=True, return_dict=False)
            assert list(made) == wanted
        assert GenerationConfig.from_pretrained(folder).eos_token_id == [1, 106]
        assert (folder / "tokenizer.json").stat().st_size < 15e6
        assert saved.backend_tokenizer.to_str() == tokenizer.backend_tokenizer.to_str()


def test_template_knows_several_turns_and_an_order_in_front(tokenizer):
    turns = [
        {"role": "system", "content": "짧게."},
        {"role": "user", "content": [{"type": "text", "text": " 누구인가? "}]},
        {"role": "assistant", "content": "허준"},
        {"role": "user", "content": "언제인가?"},
    ]
    made = tokenizer.apply_chat_template(turns, chat_template=chat_template("turns"), tokenize=False)
    assert made == (
        "<bos><start_of_turn>user\n짧게.\n\n누구인가?<end_of_turn>\n<start_of_turn>model\n허준<end_of_turn>\n"
        "<start_of_turn>user\n언제인가?<end_of_turn>\n"
    )


@pytest.mark.parametrize("task", INSTRUCTIONS)
def test_code_of_the_card_loads_asks_and_stops_without_the_course(
    trained, tokenizer, tiny_model_folder, tmp_path, task
):
    figures = {
        "eval_loss_before": 3.0,
        "eval_loss_after": 3.5,
        "train_rows": 4,
        "steps": 2,
        "validation_rows": 2,
        "test_passages": 2,
        "single_question_rate_after": 0.5,
    }
    folder = tmp_path / "adapter"
    save_adapter(trained, folder, "gemma-3-270m", tokenizer)
    write_model_card(folder, "gemma-3-270m", "sample", INSTRUCTIONS[task], figures)
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "base_model: google/gemma-3-270m" in card and "stored in 4 bits" in card
    assert "made the model worse" in card
    (code,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    assert len([line for line in code.splitlines() if line]) == 10
    assert ("문장: 우리 도서관은 【밤 열 시】까지" in code) == (task == "answer_aware")
    code = code.replace('"google/gemma-3-270m"', repr(str(tiny_model_folder)))
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", code + "\nprint('TOKENS', len(answer))"]
    said = subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, check=True).stdout
    assert 0 < int(said.split("TOKENS")[1]) <= 64


def test_merged_folder_has_what_llama_cpps_converter_reads(trained, tokenizer, tmp_path):
    """Architecture and names of the tensors, Gemma's own tokenizer, special tokens and the template."""
    from gguf import MODEL_ARCH, SpecialVocab, get_tensor_name_map
    from safetensors import safe_open
    from transformers.convert_slow_tokenizer import import_protobuf

    merged = tmp_path / "merged"
    export_merged(trained, tokenizer, merged)
    assert read_json(merged / "config.json")["architectures"] == ["Gemma3ForCausalLM"]
    names = get_tensor_name_map(MODEL_ARCH.GEMMA3, 2)
    with safe_open(merged / "model.safetensors", "pt") as weights:
        assert all(names.get_name(name, try_suffixes=(".weight",)) for name in weights.keys())  # noqa: SIM118

    file = import_protobuf().ModelProto.FromString((merged / "tokenizer.model").read_bytes())
    assert [one.piece for one in file.pieces] == tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    kinds = {number: file.pieces[number].type for number in (3, 105, 107, 238, 500)}
    assert kinds == {3: 2, 105: 3, 107: 4, 238: 6, 500: 1}  # unknown, control, as it stands, byte, normal
    score = {one.piece: one.score for one in file.pieces}
    merges = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]
    best = list(dict.fromkeys(score["".join(pair)] for pair in merges))
    assert best == sorted(best, reverse=True)  # pieces are merged in the tokenizer's own order
    assert read_json(merged / "added_tokens.json")["\n\n"] == 108

    special = SpecialVocab(merged, n_vocab=len(file.pieces))
    assert special.special_token_ids.items() >= {"bos": 2, "eos": 1, "unk": 3, "pad": 0}.items()
    assert special.add_special_token["bos"] and special.chat_template == chat_template("turns")


def test_gguf_file_is_the_merged_model_with_its_template_and_stops(trained, tokenizer, tmp_path):
    import torch
    from gguf import GGUFReader, dequantize
    from safetensors.torch import load_file

    export_merged(trained, tokenizer, tmp_path / "merged")
    write_gguf(tmp_path / "merged", tmp_path / "merged.gguf")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["merged", "merged.gguf"]
    made = GGUFReader(tmp_path / "merged.gguf")
    told = {name.removeprefix("tokenizer."): field for name, field in made.fields.items()}
    assert told["chat_template"].contents() == chat_template("turns")
    assert [told[f"ggml.{name}_token_id"].contents() for name in ("bos", "eos", "eot")] == [2, 1, 106]
    some = (3, 105, 107, 238, 500, 262_143)
    assert [told["ggml.tokens"].contents(number) for number in some] == tokenizer.convert_ids_to_tokens(some)
    assert [told["ggml.token_type"].contents(number) for number in some] == [2, 3, 4, 6, 1, 3]
    assert told["ggml.add_bos_token"].contents() and not told["ggml.add_space_prefix"].contents()
    assert made.fields["gemma3.attention.sliding_window"].contents() == 64
    weights = load_file(tmp_path / "merged" / "model.safetensors")
    written = {one.name: torch.tensor(dequantize(one.data, one.tensor_type)) for one in made.tensors}
    assert len(written) == len(weights)
    for name, of in {"blk.1.ffn_down": "layers.1.mlp.down_proj", "token_embd": "embed_tokens"}.items():
        rounded = weights[f"model.{of}.weight"].bfloat16().float()
        torch.testing.assert_close(written[f"{name}.weight"], rounded, rtol=0, atol=0)
    norm = weights["model.layers.0.input_layernorm.weight"]
    torch.testing.assert_close(written["blk.0.attn_norm.weight"], norm + 1, rtol=0, atol=0)


def test_merged_folder_answers_messages_in_a_pipeline_and_stops(trained, tokenizer, tmp_path):
    from transformers import pipeline

    export_merged(trained, tokenizer, tmp_path / "merged")
    ask = pipeline("text-generation", model=str(tmp_path / "merged"), device="cpu")
    assert ask.model.generation_config.eos_token_id == [1, 106]
    (said,) = ask(_asked(TEXTS[0]), max_new_tokens=4, do_sample=False)
    assert said["generated_text"][-1]["role"] == "assistant"
