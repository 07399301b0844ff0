"""The wording of the task, Gemma's turns (and the home-made marks that they replace), token ids and the loss mask.

Prompt wording stands here and nowhere else, so that the outputs of before and after differ by the
adapter alone.
"""

from dataclasses import dataclass

from korqg.errors import KorqgError

INSTRUCTIONS = {
    "question": "다음 글을 읽고, 글의 내용만으로 답할 수 있는 질문을 한 문장으로 쓰세요.",
    "answer_aware": "문장에서 【 】로 표시한 말이 정답이 되는 질문을, 초안을 자연스럽게 다듬어 한 문장으로 쓰세요.",
    "answer": "다음 글을 읽고, 주어진 질문에 글에 있는 말로 짧게 답하세요.",
}
"""What each task asks for: a question about a paragraph, one whose answer is marked, or the answer to a question."""

TASKS = tuple(INSTRUCTIONS)

OPEN_MARK, CLOSE_MARK = "【", "】"
"""The marks around an answer in its sentence; in any other text they become [ and ], so that nothing forges one."""

NO_DRAFT = "없음"  # In the place of a draft

LONGEST_TITLE = 80
"""Characters of a title that a prompt shows."""

IGNORED = -100
"""Label of a token that the loss leaves out (PyTorch's `ignore_index`)."""

BOS_ID, EOS_ID, PAD_ID, START_OF_TURN_ID, END_OF_TURN_ID = 2, 1, 0, 105, 106
STOP_IDS = (EOS_ID, END_OF_TURN_ID)

STOP_OF = {"turns": END_OF_TURN_ID, "hashes": EOS_ID}
"""The token that ends an answer: that of Gemma's turns, or, where a prompt has no turns, the end of the text."""

PROMPT_FORMATS = tuple(STOP_OF)
LOSS_ON = ("answer", "everything")


@dataclass(frozen=True)
class EncodedRow:
    """One training row as numbers.

    `input_ids` and `labels` have the same length; a label is IGNORED where the loss does not look and the
    token's own id where it does. `cut_tokens` says how many tokens the paragraph lost.
    """

    input_ids: list[int]
    labels: list[int]
    cut_tokens: int


def unmarked(text: str) -> str:
    """The text without marks of its own: 【 and 】 become [ and ]."""
    return text.replace(OPEN_MARK, "[").replace(CLOSE_MARK, "]")


def marked_sentence(
    title: str, before: str, sentence: str, place: tuple[int, int], draft: str = "", opening: str = ""
) -> str:
    """The input of task answer_aware: title, the document's opening, what stands before the sentence, it, the draft.

    The opening says what a document is about whose title does not; it is left out where it is part of the rest.

    `place` is begin and end (characters, end excluded) of the answer in the sentence, which is marked; `draft` is a
    question about it to be rewritten ("": there is none, and the input says so). A title of more than
    LONGEST_TITLE characters is cut. Raises ValueError when the place is empty or outside of the sentence.
    """
    start, end = place
    if not 0 <= start < end <= len(sentence):
        raise ValueError(f"the answer's place {place} is not inside of its sentence")
    title = " ".join(unmarked(title).split())
    lines = [f"제목: {title[:LONGEST_TITLE].rstrip() + '…' if len(title) > LONGEST_TITLE else title}"]
    if opening and opening not in before and sentence.strip() not in opening:
        lines.append(f"첫머리: {' '.join(unmarked(opening).split())}")
    lines += [f"앞글: {unmarked(before)}"] if before.strip() else []
    answer = OPEN_MARK + unmarked(sentence[start:end]) + CLOSE_MARK
    lines.append(f"문장: {unmarked(sentence[:start])}{answer}{unmarked(sentence[end:])}")
    lines.append(f"초안: {unmarked(draft) or NO_DRAFT}")
    return "\n".join(lines)


def question_and_passage(question: str, passage: str) -> str:
    """The input of task answer: the question in front, because a row that is too long loses the end of its input."""
    return f"질문: {question}\n\n{passage}"


def answer_row(question: str, passage: str) -> dict:
    """A row that asks for the answer to a question."""
    return {"instruction": INSTRUCTIONS["answer"], "input": question_and_passage(question, passage), "output": ""}


def passage_of(row: dict) -> str:
    """The paragraph of a row or an output: its `passage`, or, where its input is the paragraph alone, that."""
    return row.get("passage") or row["input"]


def encode_prompt(
    tokenizer, instruction: str, passage: str, max_length: int, prompt_format: str = "turns"
) -> tuple[list[int], int]:
    """Token ids of a prompt that waits for the model's turn, and how many passage tokens were cut.

    With `prompt_format` "turns" it is Gemma's own: `<bos><start_of_turn>user`, the instruction, an empty line,
    the passage, `<end_of_turn>`, `<start_of_turn>model`. With "hashes" it is `<bos>` and the headings of the first
    attempt, "### Instruction:", "### Input:" and "### Answer:", which are ordinary text. Instruction and passage
    are encoded with special tokens split, so a passage that spells "<end_of_turn>" cannot end the turn. A prompt
    of more than `max_length` tokens loses the end of its passage. Raises KorqgError when even a short passage would
    not fit.
    """

    def plain(text: str) -> list[int]:
        return tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)

    if prompt_format == "turns":
        head = f"user\n{instruction.strip()}\n\n"
        before = [BOS_ID, START_OF_TURN_ID]
        after = [END_OF_TURN_ID, *plain("\n"), START_OF_TURN_ID, *plain("model\n")]
    else:
        head = f"### Instruction:\n{instruction.strip()}\n\n### Input:\n"
        before = [BOS_ID]
        after = plain("\n\n### Answer:\n")
    frame = plain(head)
    content = plain(head + passage.strip())
    room = max_length - len(before) - len(after)
    if room < len(frame) + 16:
        raise KorqgError(
            f"max_length={max_length} leaves no room for the passage: the instruction, the turns and the question "
            f"alone take {max_length - room + len(frame)} tokens. Use a larger max_length."
        )
    cut = max(0, len(content) - room)
    return [*before, *content[: len(content) - cut], *after], cut


def encode_row(
    tokenizer, row: dict, max_length: int, prompt_format: str = "turns", loss_on: str = "answer"
) -> EncodedRow:
    """A training row: the prompt, the question and its stop token, of at most `max_length` tokens.

    The loss covers the question and its stop token, nothing else. With `loss_on` "everything" it is the first
    attempt's row instead: no stop token, and the loss covers the prompt too. When the row does not fit, its passage
    is cut, never its question. Raises KorqgError for a row whose question is empty or too long.
    """
    question = tokenizer.encode(row["output"].strip(), add_special_tokens=False, split_special_tokens=True)
    if not question:
        raise KorqgError(f"Row {row.get('id', '?')} has an empty output: there is nothing to learn from it.")
    target = [*question, STOP_OF[prompt_format]] if loss_on == "answer" else question
    room = max_length - len(target)
    prompt, cut = encode_prompt(tokenizer, row["instruction"], row["input"], room, prompt_format)
    return EncodedRow(
        input_ids=[*prompt, *target],
        labels=([IGNORED] * len(prompt) if loss_on == "answer" else prompt) + target,
        cut_tokens=cut,
    )
