"""Adapters and models saved, with what other programs need to ask them as they were trained."""

import json
import warnings
from pathlib import Path

from korqg.devices import is_main, wait_for_all
from korqg.errors import KorqgError
from korqg.files import read_json, whole_folder, write_json, write_text
from korqg.markup import fill_plain
from korqg.model.choose import BUILT_IN
from korqg.model.llama_cpp import save_for_converter
from korqg.prompts import INSTRUCTIONS, STOP_IDS, marked_sentence, question_and_passage

HUB_NAMES = {BUILT_IN: "google/gemma-3-270m"}  # What the hub calls a base that has a name of its own here
_HERE = Path(__file__).parent


def save_adapter(model, folder: Path, base_name: str, tokenizer=None, prompt_format: str = "turns") -> None:
    """Save a LoRA adapter as safetensors, under a temporary name first, with what asking it takes (save_for_chat).

    `base_name` goes into its configuration, as the hub calls it; without a `tokenizer` the weights go alone.

    peft would write the base model's local folder there, the modules in random order, and an empty model card.
    Of several processes one saves. Raises KorqgError when the disk is full.
    """
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
    token), the rows and the single-question rate are named. With it goes code that loads the adapter, asks and
    stops, and needs nothing of this course. Format: huggingface.co/docs/hub/model-cards.
    """
    sentence, question = "우리 도서관은 밤 열 시까지 문을 연다.", "우리 도서관은 언제까지 문을 여는가?"
    inputs = {
        INSTRUCTIONS["answer_aware"]: marked_sentence("도서관", "", sentence, (8, 13), question),
        INSTRUCTIONS["answer"]: question_and_passage(question, sentence),
    }
    text = fill_plain(
        _HERE / "model_card.md.jinja",
        base=HUB_NAMES.get(base_name, base_name),
        built_in=base_name == BUILT_IN,
        data_name=data_name,
        figures=figures,
        instruction=instruction,
        prompt_format=prompt_format,
        text=json.dumps(f"{instruction}\n\n{inputs.get(instruction, sentence)}", ensure_ascii=False),
    )
    write_text(folder / "README.md", text)


def chat_template(prompt_format: str) -> str:
    """The template, jinja2, with which a chat gives the prompts that were trained.

    "turns" is Gemma 3's own, for text: the base model's tokenizer may come without one. "hashes" are the home-made
    headings, for a message of an instruction, an empty line and the paragraph.
    """
    return (_HERE / f"chat_template_{prompt_format}.jinja").read_text(encoding="utf-8")


def save_for_chat(tokenizer, model, folder: Path, prompt_format: str) -> None:
    """Save the tokenizer with the template of the prompts that were trained, and where an answer ends.

    A message of the instruction, an empty line and the text then has the ids of encode_prompt.
    """
    kept = tokenizer.chat_template
    tokenizer.chat_template = chat_template(prompt_format)
    try:
        tokenizer.save_pretrained(folder)
        tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"), pretty=False)  # 14 MB in place of 33
    finally:
        tokenizer.chat_template = kept
    model.generation_config.eos_token_id = list(STOP_IDS)
    model.generation_config.save_pretrained(folder)


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
