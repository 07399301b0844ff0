"""What other programs need to ask a saved model as it was trained: a chat template, where to stop, a card with code."""

import json
from pathlib import Path

from korqg.prompts import INSTRUCTIONS, STOP_IDS, marked_sentence, question_and_passage

HUB_NAMES = {"gemma-3-270m": "google/gemma-3-270m"}
"""What the hub calls a base that has a name of its own here."""

GEMMAS_TURNS = """\
{{ bos_token }}
{%- set system = messages[0]['role'] == 'system' -%}
{%- set start = messages[0]['content'] + '\\n\\n' if system else '' -%}
{%- for message in (messages[1:] if system else messages) -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
    {%- endif -%}
    {{ '<start_of_turn>' + ('model' if message['role'] == 'assistant' else message['role']) + '\\n' }}
    {{- start if loop.first else '' }}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- else -%}
        {%- for part in message['content'] if part['type'] == 'text' -%}{{ part['text'] | trim }}{%- endfor -%}
    {%- endif -%}
    {{ '<end_of_turn>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<start_of_turn>model\\n' }}{%- endif -%}
"""
"""Gemma 3's own template, for text: the base model's tokenizer may come without one."""

HEADINGS = """\
{{ bos_token }}
{%- for message in messages -%}
    {%- if message['role'] == 'assistant' -%}
        {{ message['content'] | trim + eos_token }}
    {%- else -%}
        {%- set parts = (message['content'] | trim).split('\\n\\n', 1) -%}
        {{ '### Instruction:\\n' + parts[0] + '\\n\\n### Input:\\n' + parts[-1] }}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '\\n\\n### Answer:\\n' }}{%- endif -%}
"""
"""The home-made headings, for a message of an instruction, an empty line and the paragraph."""

TEMPLATES = {"turns": GEMMAS_TURNS, "hashes": HEADINGS}

EXAMPLE = """\
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

tokenizer = AutoTokenizer.from_pretrained(".")  # the folder of this card
model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained("{base}"), ".")
text = {text}
asked = [{{"role": "user", "content": text}}]
ids = tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_tensors="pt", return_dict=True)
stops = GenerationConfig.from_pretrained(".", max_new_tokens=64, do_sample=False)
answer = model.generate(**ids, generation_config=stops)[0, ids["input_ids"].shape[1] :]
print(tokenizer.decode(answer, skip_special_tokens=True))
"""
"""Code for the card, which needs nothing of this course."""


def save_for_chat(tokenizer, model, folder: Path, prompt_format: str) -> None:
    """Save the tokenizer with the template of the prompts that were trained, and where an answer ends.

    A message of the instruction, an empty line and the text then has the ids of encode_prompt.
    """
    kept = tokenizer.chat_template
    tokenizer.chat_template = TEMPLATES[prompt_format]
    try:
        tokenizer.save_pretrained(folder)
        tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"), pretty=False)  # 14 MB in place of 33
    finally:
        tokenizer.chat_template = kept
    model.generation_config.eos_token_id = list(STOP_IDS)
    model.generation_config.save_pretrained(folder)


def example_code(base_name: str, instruction: str) -> str:
    """Ten lines of transformers and peft that load the adapter, ask and stop, with an input of the kind it learnt."""
    sentence, question = "우리 도서관은 밤 열 시까지 문을 연다.", "우리 도서관은 언제까지 문을 여는가?"
    inputs = {
        INSTRUCTIONS["answer_aware"]: marked_sentence("도서관", "", sentence, (8, 13), question),
        INSTRUCTIONS["answer"]: question_and_passage(question, sentence),
    }
    text = json.dumps(f"{instruction}\n\n{inputs.get(instruction, sentence)}", ensure_ascii=False)
    return EXAMPLE.format(base=HUB_NAMES.get(base_name, base_name), text=text)
