"""What a model says to rows of the data, under the names that notebook 3 reads."""

import time

from korqg.model.generate import Generator
from korqg.prompts import INSTRUCTIONS
from korqg.question import is_single_question

KEPT = ("id", "title", "input", "passage", "answer", "answer_place", "references", "split")
KEPT_OF_OWN = ("chunk_id", "place", "kind", "sentence", "opening")


class Asker:
    """Asks a model about rows, greedily: the same settings for every model, before training and after.

    `config` is notebook 2's (TrainConfig). `seconds_a_question` is what the first rows took, with the model that was
    asked first.
    """

    def __init__(self, tokenizer, config):
        self.tokenizer, self.config, self.seconds_a_question = tokenizer, config, 0.0

    def generator(self, model) -> Generator:
        """The model with these settings."""
        config, size = self.config, self.config.generation_batch_size
        lengths = (config.max_length, config.max_new_tokens)
        return Generator(model, self.tokenizer, *lengths, size, config.prompt_format, print)

    def __call__(self, model, rows: list[dict]) -> list[dict]:
        """An output for each row: KEPT and KEPT_OF_OWN as far as it has them, and what Generator.generate gives."""
        began = time.monotonic()
        answers = self.generator(model).generate(rows)
        self.seconds_a_question = self.seconds_a_question or (time.monotonic() - began) / max(1, len(rows))
        return [
            {name: row[name] for name in (*KEPT, *KEPT_OF_OWN) if name in row}
            | {"expected_output": row["output"]}
            | answer
            for row, answer in zip(rows, answers, strict=True)
        ]


def asked_figures(rows: dict[str, list[dict]], after: list[dict]) -> dict:
    """What a run was taught and asked, for its manifest: tasks, rows, test paragraphs, and the share of questions.

    `rows` are those of train and validation, `after` the outputs about the test articles.
    """
    taught = {row["instruction"] for row in rows["validation"]}
    return {
        "tasks": [task for task, words in INSTRUCTIONS.items() if words in taught],
        "train_rows": len(rows["train"]),
        "validation_rows": len(rows["validation"]),
        "test_passages": len({output.get("passage", output["input"]) for output in after}),
        "test_outputs": len(after),
        "single_question_rate_after": sum(is_single_question(one["model_output"]) for one in after) / len(after),
    }
