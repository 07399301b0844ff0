"""Preference tuning: of two questions about a paragraph, the one that a reader can answer is to become the likelier.

Direct preference optimization (DPO, Rafailov et al. 2023, https://arxiv.org/abs/2305.18290) by TRL's DPOTrainer, on
pairs of the model's own samples: one that passed every check and that a reader answers, and one that did not pass, or
that the reader is much less sure of.
"""

import logging
import random
import warnings
from dataclasses import dataclass
from pathlib import Path

from korqg.errors import KorqgError
from korqg.files import read_jsonl
from korqg.precision import Precision
from korqg.prompts import IGNORED, INSTRUCTIONS, encode_row, task_texts
from korqg.ranking import Candidate

TOLD_APART = 0.3
"""The scores of a pair (0 to 1, of a question that failed a check 0) differ by so much at least."""

BETA = 0.1
"""How dearly leaving the model of before is paid for: DPO's usual value."""

LEARNING_RATE = 1.0e-4
"""Half of what the adapter learnt with. Of 2e-5, 1e-4 and 3e-4, tried on KorQuAD's validation articles with some 80
pairs, the first hardly moved the model and the last took the loss up and down."""

PAIRS_OF_A_STEP = 16


@dataclass(frozen=True)
class PreferencePair:
    """Two questions about one prompt: the texts, and the token ids of all three, each question with its stop token."""

    title: str
    chosen: str
    rejected: str
    prompt_ids: list[int]
    chosen_ids: list[int]
    rejected_ids: list[int]


def unseen_prompts(rows: list[dict], outputs: Path, reader: dict, count: int, seed: int) -> list[dict]:
    """At most `count` rows with different inputs, drawn with `seed`, of articles that the reader did not learn from.

    `reader` is its manifest. It would know the answers of its own articles by heart, and be sure of the worst question.
    Raises KorqgError when all rows are of its articles.
    """
    learnt = read_jsonl(outputs / "data" / reader["parameters"]["data_name"] / "train.jsonl")
    titles = {row["title"] for row in learnt}
    inputs: dict[str, dict] = {}
    for row in rows:
        if row["title"] not in titles:
            inputs.setdefault(row["input"], row)
    if not inputs:
        raise KorqgError(
            f"The reader {reader['name']} learnt from every article of these training rows, so it cannot tell their "
            'questions apart: make its data with train_articles="first_half" (notebook 1).'
        )
    found = list(inputs.values())
    return random.Random(seed).sample(found, min(count, len(found)))


def preference_pairs(
    tokenizer,
    rows: list[dict],
    candidates: list[list[Candidate]],
    threshold: float,
    max_length: int,
    prompt_format: str = "turns",
) -> list[PreferencePair]:
    """At most one pair a row, of its candidates (see `ranking.ask_reader`); none where they are too much alike.

    The better one passed every check and has a score of at least `threshold`, the reader's; the worse one is the
    worst that stopped by itself.
    """
    pairs = []
    for row, some in zip(rows, candidates, strict=True):
        ranked = sorted((one for one in some if one.stopped and one.question.strip()), key=_value)
        if not ranked or ranked[-1].failed or _value(ranked[-1]) < threshold:
            continue
        if _value(ranked[-1]) - _value(ranked[0]) < TOLD_APART:
            continue
        texts = [_as_output(row, one) for one in (ranked[-1], ranked[0])]
        encoded = [encode_row(tokenizer, {**row, "output": text}, max_length, prompt_format) for text in texts]
        prompts = [[token for token, label in _tokens(one) if label == IGNORED] for one in encoded]
        if prompts[0] != prompts[1]:  # a paragraph so long that it was cut in two places
            continue
        answers = [[token for token, label in _tokens(one) if label != IGNORED] for one in encoded]
        pairs.append(PreferencePair(row["title"], *texts, prompts[0], *answers))
    return pairs


def _value(candidate: Candidate) -> float:
    return 0.0 if candidate.failed else candidate.score


def _as_output(row: dict, candidate: Candidate) -> str:
    """What the model would have to write for this candidate, in the form of the row's task."""
    if row["instruction"] == INSTRUCTIONS["answer_first"] and candidate.answer:
        return task_texts("answer_first", row["input"], candidate.question, candidate.answer)[2]
    return candidate.question


def _tokens(encoded) -> zip:
    return zip(encoded.input_ids, encoded.labels, strict=True)


def learn_preferences(
    model,
    tokenizer,
    pairs: list[PreferencePair],
    folder: Path,
    precision: Precision,
    batch_size: int,
    activation_checkpointing: bool,
    seed: int,
    callbacks: list,
) -> list[dict]:
    """Train the adapter "default" of `model` on the pairs, once each; what it was before is the reference.

    Returns the Trainer's log: `loss` (nats a pair; ln 2 = 0.693 where nothing is preferred), `rewards/accuracies` (the
    share of pairs in which the better question has gained on the worse one, compared with the model of before) and
    `rewards/margins` (by how many nats, times BETA). When the device's memory runs out, the batch is halved.
    """
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl import DPOConfig

    from korqg.training import keep_to_one_gpu, train_within_memory

    logging.getLogger("trl").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message=".*gradient_checkpointing", category=FutureWarning)  # TRL's own word
    model.set_adapter("default")
    ids = [{name: getattr(pair, name) for name in ("prompt_ids", "chosen_ids", "rejected_ids")} for pair in pairs]
    base = model.get_base_model()
    own_forward = base.__dict__.get("forward")  # TRL puts another in its place

    def make_trainer(batch_size: int, gradient_accumulation_steps: int, checkpoint):
        if "ref" in model.peft_config:
            model.delete_adapter("ref")
        arguments = DPOConfig(
            output_dir=str(folder / "preferences"),
            num_train_epochs=1,
            learning_rate=LEARNING_RATE,
            lr_scheduler_type="cosine",
            warmup_steps=0.1,
            beta=BETA,
            max_length=None,  # the rows have their length already
            per_device_train_batch_size=batch_size,
            gradient_accumulation_steps=gradient_accumulation_steps,
            gradient_checkpointing=activation_checkpointing,
            bf16=precision.autocast == "bf16",
            fp16=precision.autocast == "fp16",
            logging_steps=0.1,
            logging_first_step=True,
            logging_nan_inf_filter=False,
            save_strategy="no",
            disable_tqdm=True,
            dataloader_pin_memory=model.device.type == "cuda",
            report_to="none",
            seed=seed,
        )
        keep_to_one_gpu(arguments)
        trainer = _trainer_class()(
            model=model,
            args=arguments,
            train_dataset=Dataset.from_list(ids),
            processing_class=tokenizer,
            callbacks=callbacks,
        )
        trainer.remove_callback(PrinterCallback)
        return trainer

    batch = min(batch_size, PAIRS_OF_A_STEP)
    while PAIRS_OF_A_STEP % batch:
        batch -= 1
    try:
        trainer = train_within_memory(make_trainer, batch, PAIRS_OF_A_STEP // batch, None)
        trainer.accelerator.unwrap_model(model, keep_fp32_wrapper=False)
    finally:
        base.__dict__.pop("forward", None)
        if own_forward is not None:
            base.forward = own_forward
        if "ref" in model.peft_config:
            model.delete_adapter("ref")
    return [entry for entry in trainer.state.log_history if "loss" in entry]


def _trainer_class():
    from trl import DPOTrainer

    class PairTrainer(DPOTrainer):
        """TRL's, on pairs that are token ids already: a paragraph's "<end_of_turn>" stays plain text that way."""

        def _prepare_dataset(self, dataset, processing_class, args, dataset_name):
            return dataset

    return PairTrainer
