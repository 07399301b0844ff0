"""Adapters and models saved."""

import warnings
from pathlib import Path

from korqg.devices import is_main, wait_for_all
from korqg.errors import KorqgError
from korqg.files import whole_folder, write_json, write_text
from korqg.model.chat_files import HUB_NAMES, example_code, save_for_chat
from korqg.model.choose import BUILT_IN
from korqg.model.llama_cpp import save_for_converter


def save_adapter(model, folder: Path, base_name: str, tokenizer=None, prompt_format: str = "turns") -> None:
    """Save a LoRA adapter as safetensors, under a temporary name first, with what asking it takes (see
    korqg.model.chat_files).

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

`make export RUN=<the run> ARGS=--gguf` in the course merges the adapter into the model (folder `merged`) and makes one
GGUF file of it, `merged.gguf`, for llama.cpp, Ollama and others. In llama.cpp's folder the first command makes it out
of `merged` as well, and the second asks:

```bash
python convert_hf_to_gguf.py path/to/merged --outtype bf16 --outfile merged.gguf
llama-cli -m merged.gguf --jinja --single-turn --temp 0 -p "the instruction\\n\\nthe text"
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
    if getattr(base, "is_loaded_in_4bit", False) or getattr(base, "is_loaded_in_8bit", False):
        raise KorqgError(
            'export="merged" is not possible with quantized weights, which would lose by merging. The adapter '
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
        save_for_converter(tokenizer, temporary)
    wait_for_all()
