"""Let a reader answer questions: a run of notebook 2 on `task="answer"`, its adapter on the same base model.

What comes out is the content of reader_answers.json, whose format stands in `korqg.reader`.
"""

import math
import random
from collections.abc import Callable
from pathlib import Path

from korqg.batches import AnswerOnlyCollator, split_batch
from korqg.errors import KorqgError
from korqg.files import read_jsonl
from korqg.generation import generate_tokens, read_answer
from korqg.prompts import (
    IGNORED,
    INSTRUCTIONS,
    STOP_IDS,
    encode_prompt,
    given_and_passage,
    task_texts,
)
from korqg.reader import is_answerable, stands_in
from korqg.stages import require_finished

QUESTIONS_OF_A_KIND = 500
"""So many human and so many mismatched questions the reader is tried on, at most."""

MISMATCHED_MAY_PASS = 0.09
"""Share of the mismatched validation questions that reach the threshold, at most."""


def require_reader(outputs: Path, name: str, model: str, asked: list[dict]) -> dict:
    """The manifest of the finished run `name`, checked to be a reader that may judge the questions about `asked`.

    `asked` are the rows whose questions it will answer, with `split`. Raises KorqgError when the run is not
    finished, has another base model than `model`, learnt another task than to answer, or was trained on a paragraph
    of the test articles.
    """
    manifest = require_finished(outputs / "runs" / name)
    if manifest["figures"]["model"] != model:
        raise KorqgError(
            f"The reader {name} was trained on {manifest['figures']['model']}, but this run uses {model}: its adapter "
            "does not fit. Train a reader on the same model."
        )
    if manifest["parameters"].get("training_method", "lora") != "lora":
        raise KorqgError(f'The reader {name} has no adapter: train it with training_method="lora".')
    if manifest["parameters"].get("prompt_format", "turns") != "turns":
        raise KorqgError(f'The reader {name} learnt another prompt: train it with prompt_format="turns".')
    data_name = manifest["parameters"]["data_name"]
    require_finished(outputs / "data" / data_name)
    rows = read_jsonl(outputs / "data" / data_name / "train.jsonl")
    if rows[0]["instruction"] != INSTRUCTIONS["answer"]:
        raise KorqgError(
            f'reader_run="{name}" did not learn to answer: make data with task="answer" in notebook 1, train a run of '
            "notebook 2 on it, and name that run."
        )
    learnt = {given_and_passage(row["input"])[2] for row in rows}
    shared = sum(given_and_passage(row["input"])[2] in learnt for row in asked if row["split"] != "own")
    if shared:
        raise KorqgError(
            f"The reader {name} was trained on {shared} of the test paragraphs that it is to judge: make its data from "
            "the same source with the same seed and fractions, so that the articles are split alike."
        )
    return manifest


def require_unseen(outputs: Path, manifest: dict, rows: list[dict]) -> float:
    """The threshold of a reader (its manifest) that is to choose among training rows of articles that it has not seen.

    Raises KorqgError when it learnt from one of these articles, since it would know the answers by heart, when the rows
    are a reader's own, and when its run noted no threshold.
    """
    learnt = read_jsonl(outputs / "data" / manifest["parameters"]["data_name"] / "train.jsonl")
    shared = {row["title"] for row in learnt} & {row["title"] for row in rows}
    if shared:
        raise KorqgError(
            f"The reader {manifest['name']} learnt from {len(shared)} of the articles whose rows it is to choose from: "
            'make its data with train_articles="first_half" and those of this run with "second_half".'
        )
    if rows[0]["instruction"] == INSTRUCTIONS["answer"]:
        raise KorqgError("filter_run chooses among questions, and these rows are answers: leave it empty.")
    if "reader" not in manifest["figures"]:
        raise KorqgError(f"The reader {manifest['name']} noted no threshold: run it again with this version.")
    return manifest["figures"]["reader"]["threshold"]


def answerable_rows(
    base_model,
    tokenizer,
    rows: list[dict],
    adapter: Path,
    threshold: float,
    max_length: int,
    batch_size: int,
    progress: Callable[[str], None] | None = None,
) -> list[dict]:
    """The rows whose question a reader answers from the passage with at least `threshold`, in their order.

    `adapter` is the reader's; it is put on `base_model` for this alone, which is as before afterwards.
    """
    from peft import PeftModel

    pairs = [(row["output"], given_and_passage(row["input"])[2]) for row in rows]
    reader = PeftModel.from_pretrained(base_model, str(adapter))
    try:
        answers = answer_questions(reader, tokenizer, pairs, max_length, batch_size, progress)
    finally:
        reader.unload()
    return [
        row
        for row, (question, passage), answer in zip(rows, pairs, answers, strict=True)
        if is_answerable(question, passage, answer, threshold)
    ]


def read_for_run(
    model,
    tokenizer,
    manifest: dict,
    data_folder: Path,
    stages: dict[str, list[dict]],
    max_length: int,
    batch_size: int,
    seed: int,
    progress: Callable[[str], None] | None = None,
) -> dict:
    """What reader_answers.json holds: the reader's answers to `stages` ("before" and "after", outputs by stage).

    `model` has the reader's adapter active; `manifest` and `data_folder` are the reader's own (see `try_reader`).
    """
    asked = {
        stage: [(output["model_output"], given_and_passage(output["input"])[2]) for output in outputs]
        for stage, outputs in stages.items()
    }
    pairs = [pair for some in asked.values() for pair in some]
    answers = iter(answer_questions(model, tokenizer, pairs, max_length, batch_size, progress))
    read = {stage: [{"id": output["id"], **next(answers)} for output in outputs] for stage, outputs in stages.items()}
    return {
        "reader": {
            "run_name": manifest["name"],
            "model": manifest["figures"]["model"],
            "data_name": manifest["parameters"]["data_name"],
        },
        **try_reader(model, tokenizer, data_folder, max_length, batch_size, seed, progress),
        **read,
    }


def try_reader(
    model,
    tokenizer,
    data_folder: Path,
    max_length: int,
    batch_size: int,
    seed: int,
    progress: Callable[[str], None] | None = None,
) -> dict:
    """How good a reader is: `threshold`, `threshold_rule`, `human` and `mismatched`, as in reader_answers.json.

    `model` has the reader's adapter active, `data_folder` is the reader's own. Its ceiling and floor come from its test
    articles, the threshold from its validation articles.
    """
    rows = {name: read_jsonl(data_folder / f"{name}.jsonl") for name in ("validation", "test")}
    tries = {"human": human_questions(rows["test"], seed), "mismatched": mismatched_questions(rows["test"], seed)}
    strangers = mismatched_questions(rows["validation"], seed)
    pairs = [(entry["question"], entry["passage"]) for some in (*tries.values(), strangers) for entry in some]
    answers = iter(answer_questions(model, tokenizer, pairs, max_length, batch_size, progress))
    read = {kind: [entry | next(answers) for entry in entries] for kind, entries in tries.items()}
    sure = [
        entry["confidence"] if stands_in(entry["answer"], passage["passage"]) else 0.0
        for passage in strangers
        for entry in [next(answers)]
    ]
    threshold = threshold_for(sure, MISMATCHED_MAY_PASS)
    return {
        "threshold": threshold,
        "threshold_rule": {
            "split": "validation",
            "mismatched": len(sure),
            "passed": sum(value >= threshold for value in sure) / len(sure) if sure else 0.0,
        },
        **read,
    }


def human_questions(rows: list[dict], seed: int) -> list[dict]:
    """Human questions with their passages and gold answers, each question of a passage once; drawn with `seed`."""
    found: dict[tuple[str, str], dict] = {}
    for row in rows:
        _, question, passage = given_and_passage(row["input"])
        entry = {"id": row["id"], "title": row["title"], "passage": passage, "question": question, "references": []}
        entry = found.setdefault((question, passage), entry)
        if row["output"] not in entry["references"]:
            entry["references"].append(row["output"])
    entries = list(found.values())
    return random.Random(seed).sample(entries, min(len(entries), QUESTIONS_OF_A_KIND))


def mismatched_questions(rows: list[dict], seed: int) -> list[dict]:
    """Human questions put to a passage of another article, drawn with `seed`; none where there is one article."""
    draw = random.Random(seed)
    mismatched = []
    for entry in human_questions(rows, seed):
        elsewhere = [row for row in rows if row["title"] != entry["title"]]
        if elsewhere:
            passage = given_and_passage(draw.choice(elsewhere)["input"])[2]
            mismatched.append({name: entry[name] for name in ("id", "title", "question")} | {"passage": passage})
    return mismatched


def threshold_for(confidences: list[float], share: float) -> float:
    """The lowest threshold that at most `share` of the confidences reach (0 to 1; 1 where nothing else will do)."""
    ranked = sorted(confidences, reverse=True)
    allowed = int(share * len(ranked))
    if allowed >= len(ranked):
        return 0.0
    return min(1.0, math.nextafter(ranked[allowed], 2.0))


def answer_questions(
    model,
    tokenizer,
    pairs: list[tuple[str, str]],
    max_length: int,
    batch_size: int = 16,
    progress: Callable[[str], None] | None = None,
    max_new_tokens: int = 32,
) -> list[dict]:
    """The reader's greedy answer to each (question, passage), as {"answer", "confidence"}, in the pairs' order.

    `confidence` is the geometric mean of the probabilities of the answer's tokens, the stop token included, 0 to 1.
    """
    texts = [task_texts("answer", passage, question, "") for question, passage in pairs]
    prompts = [encode_prompt(tokenizer, instruction, text, max_length)[0] for instruction, text, _ in texts]
    continuations = [_up_to_stop(ids) for ids in generate_tokens(model, prompts, max_new_tokens, batch_size, progress)]
    confidences = token_confidences(model, prompts, continuations, batch_size)
    return [
        {"answer": read_answer(tokenizer, ids)["model_output"], "confidence": confidence}
        for ids, confidence in zip(continuations, confidences, strict=True)
    ]


def token_confidences(model, prompts: list[list[int]], continuations: list[list[int]], batch_size: int) -> list[float]:
    """The geometric mean of the probabilities that the model gives a continuation's tokens after its prompt."""
    import torch

    rows = [
        {"input_ids": prompt + ids, "labels": [IGNORED] * len(prompt) + ids}
        for prompt, ids in zip(prompts, continuations, strict=True)
    ]
    order = sorted(range(len(rows)), key=lambda index: len(rows[index]["input_ids"]), reverse=True)
    confidences = [0.0] * len(rows)
    was_training = model.training
    model.eval()
    for start in range(0, len(order), batch_size):
        places = order[start : start + batch_size]
        batch = AnswerOnlyCollator()([rows[place] for place in places])
        found: list[float] = []
        # The logits of 262,144 words are what takes the memory. Pieces are sorted by length as `order` is already.
        for piece in split_batch(batch, 8192):
            targets = piece["shift_labels"].to(model.device)
            with torch.inference_mode():
                logits = model(
                    input_ids=piece["input_ids"].to(model.device),
                    logits_to_keep=piece["logits_to_keep"].to(model.device),
                    use_cache=False,
                ).logits
            logits = logits.reshape(-1, logits.shape[-1]).float()
            chosen = logits.gather(1, targets[:, None])[:, 0] - logits.logsumexp(dim=1)
            lengths = piece["logits_to_keep"].sum(dim=1).tolist()
            found += [part.mean().exp().item() for part in chosen.cpu().split(lengths)]
        for place, confidence in zip(places, found, strict=True):
            confidences[place] = min(confidence, 1.0)
    model.train(was_training)
    return confidences


def _up_to_stop(ids: list[int]) -> list[int]:
    """The ids up to and with the first stop token; padding behind it is left out."""
    stop = next((place for place, token in enumerate(ids) if token in STOP_IDS), len(ids) - 1)
    return ids[: stop + 1]
