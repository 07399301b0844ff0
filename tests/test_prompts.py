"""Gemma's turns as token ids, and what the loss looks at."""

import hashlib
import json

import pytest

from korqg.errors import KorqgError
from korqg.prompts import BOS_ID, END_OF_TURN_ID, EOS_ID, IGNORED, INSTRUCTIONS, encode_prompt, encode_row

INSTRUCTION = INSTRUCTIONS["question"]
pytestmark = pytest.mark.torch

ROW = {
    "id": "1",
    "instruction": INSTRUCTION,
    "input": "세종은 1443년에 훈민정음을 만들었다.",
    "output": "훈민정음은 언제 만들어졌는가?",
}
PROMPT = f"<bos><start_of_turn>user\n{INSTRUCTION}\n\n{ROW['input']}<end_of_turn>\n<start_of_turn>model\n"


def test_tokenizer_reads_gemmas_turns(tokenizer):
    ids = tokenizer.encode("<start_of_turn>user\n안녕<end_of_turn>\n", add_special_tokens=False)
    assert ids[:3] == [105, 2364, 107]
    assert ids[-2:] == [106, 107]


def test_prompt_is_gemmas_own(tokenizer):
    ids, cut = encode_prompt(tokenizer, INSTRUCTION, ROW["input"], 512)
    assert tokenizer.decode(ids) == PROMPT
    assert ids == tokenizer.encode(PROMPT, add_special_tokens=False)
    assert cut == 0


def test_loss_covers_the_question_and_its_stop_token(tokenizer):
    encoded = encode_row(tokenizer, ROW, 512)
    learnt = [label for label in encoded.labels if label != IGNORED]
    assert tokenizer.decode(learnt) == ROW["output"] + "<end_of_turn>"
    assert encoded.labels[-len(learnt) :] == encoded.input_ids[-len(learnt) :]
    assert set(encoded.labels[: -len(learnt)]) == {IGNORED}
    assert tokenizer.decode(encoded.input_ids) == PROMPT + ROW["output"] + "<end_of_turn>"


@pytest.mark.parametrize("nasty", ["<end_of_turn>", "<start_of_turn>model\n", "<eos>", "<bos>", "<pad>"])
def test_text_in_a_paragraph_cannot_open_or_end_a_turn(tokenizer, nasty):
    row = {**ROW, "input": f"앞말 {nasty} 뒷말이다.", "output": f"무엇이 {nasty} 있는가?"}
    plain = encode_row(tokenizer, {**row, "input": "앞말 뒷말이다.", "output": "무엇이 있는가?"}, 512)
    encoded = encode_row(tokenizer, row, 512)
    for special in (0, 1, 2, 105, 106):
        assert encoded.input_ids.count(special) == plain.input_ids.count(special), special
    assert nasty in tokenizer.decode(encoded.input_ids)


def test_paragraph_is_cut_and_the_question_never(tokenizer):
    long = {**ROW, "input": "아주 긴 글이 이어지고 또 이어진다. " * 100}
    encoded = encode_row(tokenizer, long, 128)
    assert len(encoded.input_ids) == 128
    assert encoded.cut_tokens > 0
    assert tokenizer.decode([label for label in encoded.labels if label != IGNORED]) == ROW["output"] + "<end_of_turn>"
    assert tokenizer.decode(encoded.input_ids).count("<end_of_turn>\n<start_of_turn>model\n") == 1


def test_training_prompt_and_generation_prompt_are_the_same(tokenizer):
    encoded = encode_row(tokenizer, ROW, 512)
    ids, _ = encode_prompt(tokenizer, ROW["instruction"], ROW["input"], 512)
    assert encoded.input_ids[: len(ids)] == ids
    assert encoded.labels[len(ids)] != IGNORED


def test_row_that_cannot_be_learnt_is_an_error(tokenizer):
    with pytest.raises(KorqgError, match="Row 1 has an empty output"):
        encode_row(tokenizer, {**ROW, "output": " "}, 512)
    with pytest.raises(KorqgError, match="leaves no room for the passage"):
        encode_row(tokenizer, {**ROW, "output": "왜 그런가? " * 40}, 128)


def test_stop_token_is_the_one_that_gemma_ends_turns_with(tokenizer):
    assert tokenizer.convert_tokens_to_ids("<end_of_turn>") == END_OF_TURN_ID


HASHES = f"<bos>### Instruction:\n{INSTRUCTION}\n\n### Input:\n{ROW['input']}\n\n### Answer:\n"


def test_home_made_headings_are_text_and_end_with_the_end_of_the_text(tokenizer):
    encoded = encode_row(tokenizer, ROW, 512, "hashes")
    assert tokenizer.decode(encoded.input_ids) == HASHES + ROW["output"] + "<eos>"
    learnt = [label for label in encoded.labels if label != IGNORED]
    assert learnt[-1] == EOS_ID
    assert tokenizer.decode(learnt) == ROW["output"] + "<eos>"
    prompt, _ = encode_prompt(tokenizer, INSTRUCTION, ROW["input"], 512, "hashes")
    assert encoded.input_ids[: len(prompt)] == prompt
    assert tokenizer.decode(prompt) == HASHES


@pytest.mark.parametrize("prompt_format", ["turns", "hashes"])
def test_loss_on_everything_learns_the_prompt_and_no_stop_token(tokenizer, prompt_format):
    encoded = encode_row(tokenizer, ROW, 512, prompt_format, "everything")
    assert encoded.labels == encoded.input_ids
    assert encoded.input_ids[0] == BOS_ID
    assert tokenizer.decode(encoded.input_ids).endswith(ROW["output"])
    assert encode_row(tokenizer, ROW, 512, prompt_format).input_ids[:-1] == encoded.input_ids


def test_long_paragraph_is_cut_before_the_headings(tokenizer):
    long = {**ROW, "input": "아주 긴 글이 이어지고 또 이어진다. " * 100}
    encoded = encode_row(tokenizer, long, 128, "hashes", "everything")
    assert len(encoded.input_ids) == 128
    assert tokenizer.decode(encoded.input_ids).endswith("\n\n### Answer:\n" + ROW["output"])


def test_rows_are_encoded_to_the_same_ids_as_ever(tokenizer):
    """Recorded before there was a second prompt: what earlier runs learnt is what later ones learn."""
    row = {**ROW, "input": ROW["input"] * 3}
    encoded = [encode_row(tokenizer, row, length) for length in (512, 72)]
    assert encoded[1].cut_tokens > 0
    text = json.dumps([[row.input_ids, row.labels, row.cut_tokens] for row in encoded])
    assert (
        hashlib.sha256(text.encode()).hexdigest() == "937ac8cb6def7503db592272cd4c5f78ac3fde161a64b6dc43a2921a3114dcfe"
    )
