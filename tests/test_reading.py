"""A reader's answers, how sure it is, and where its threshold lies."""

import math

import pytest

from korqg.errors import KorqgError
from korqg.files import write_json, write_jsonl
from korqg.prompts import INSTRUCTIONS, encode_prompt, task_texts


def _row(number: int, task: str = "answer") -> dict:
    passage, question = f"{number}번 마을의 어른은 {number}대 촌장이다.", f"{number}번 마을의 어른은 누구인가?"
    instruction, text, output = task_texts(task, passage, question, f"{number}대 촌장")
    return {"id": str(number), "title": f"마을 {number}", "instruction": instruction, "input": text, "output": output}


def test_human_questions_come_with_their_passage_and_every_gold_answer_once():
    from korqg.reading import human_questions

    other = {**_row(1), "id": "1b", "output": "촌장"}
    entries = human_questions([_row(0), _row(1), other, other], seed=0)
    assert sorted((entry["id"], entry["references"]) for entry in entries) == [
        ("0", ["0대 촌장"]),
        ("1", ["1대 촌장", "촌장"]),
    ]
    assert {entry["passage"] for entry in entries} == {
        "0번 마을의 어른은 0대 촌장이다.",
        "1번 마을의 어른은 1대 촌장이다.",
    }


def test_mismatched_questions_meet_a_passage_of_another_article():
    from korqg.reading import mismatched_questions

    for entry in mismatched_questions([_row(number) for number in range(5)], seed=0):
        assert entry["question"][0] != entry["passage"][0]
    assert mismatched_questions([_row(0)], seed=0) == []


@pytest.mark.parametrize("share", [0.0, 0.09, 0.5, 1.0])
def test_threshold_lets_no_more_than_the_share_pass_and_as_many_as_it_may(share):
    from korqg.reading import threshold_for

    confidences = [number / 100 for number in range(100)]
    threshold = threshold_for(confidences, share)
    assert sum(value >= threshold for value in confidences) == round(100 * share)
    assert threshold_for([], share) == 0.0


@pytest.mark.torch
@pytest.mark.parametrize("tokens_at_a_time", [8192, 130])
def test_confidence_is_the_geometric_mean_of_the_tokens_probabilities(
    tiny_model, tokenizer, monkeypatch, tokens_at_a_time
):
    import torch

    from korqg import reading

    pieces = []

    def split(batch, _):
        pieces.extend(parts := split_batch(batch, tokens_at_a_time))
        return parts

    split_batch = reading.split_batch
    monkeypatch.setattr(reading, "split_batch", split)
    texts = ("짧은 글.", "조금 더 긴 글이다." * 3, "또 하나의 글이다.")
    prompts = [encode_prompt(tokenizer, INSTRUCTIONS["answer"], text, 128)[0] for text in texts]
    continuations = [[5000, 106], [6000, 7000, 8000, 106], [9000, 5500, 106]]
    found = reading.token_confidences(tiny_model, prompts, continuations, batch_size=3)
    assert len(pieces) == (1 if tokens_at_a_time == 8192 else 2)
    for prompt, ids, confidence in zip(prompts, continuations, found, strict=True):
        with torch.no_grad():
            odds = tiny_model(torch.tensor([prompt + ids])).logits[0].double().log_softmax(-1)
        logs = [odds[len(prompt) + place - 1, token].item() for place, token in enumerate(ids)]
        assert confidence == pytest.approx(math.exp(sum(logs) / len(logs)), rel=1e-4)


@pytest.mark.torch
def test_reader_answers_each_stage_and_its_own_tries(tiny_model, tokenizer, tmp_path):
    from korqg.reader import read_reader_answers
    from korqg.reading import read_for_run

    write_jsonl(tmp_path / "validation.jsonl", [_row(number) for number in range(4)])
    write_jsonl(tmp_path / "test.jsonl", [_row(number) for number in range(4, 7)])
    outputs = [
        {"id": str(number), "input": f"{number}번 마을에는 다리가 있다.", "model_output": "무엇이 있는가?"}
        for number in (8, 9)
    ]
    manifest = {"name": "reader", "figures": {"model": "tiny"}, "parameters": {"data_name": "answers"}}
    stages = {"before": outputs, "after": outputs[::-1]}
    read = read_for_run(tiny_model, tokenizer, manifest, tmp_path, stages, 128, 4, seed=0)
    write_json(tmp_path / "reader_answers.json", read)
    answers = read_reader_answers(tmp_path / "reader_answers.json")
    assert [list(answers.before), list(answers.after)] == [["8", "9"], ["9", "8"]]
    assert answers.before["8"]["answer"] == answers.after["8"]["answer"]
    assert answers.before["8"]["confidence"] == pytest.approx(answers.after["8"]["confidence"], rel=1e-4)
    assert len(answers.human) == len(answers.mismatched) == 3
    assert answers.threshold_rule == {"split": "validation", "mismatched": 4, "passed": 0.0}


def _reader(outputs, task: str = "answer") -> None:
    from korqg.stages import finish_stage

    data, run = outputs / "data" / "answers", outputs / "runs" / "reader"
    write_jsonl(data / "train.jsonl", [_row(number, task) for number in range(3)])
    finish_stage(data, {}, [], [data / "train.jsonl"], {})
    run.mkdir(parents=True)
    finish_stage(run, {"data_name": "answers"}, [], [], {"model": "gemma-3-270m"})


def test_reader_that_may_not_judge_is_refused(tmp_path):
    from korqg.reading import require_reader

    with pytest.raises(KorqgError, match=r'runs/reader does not exist: run 02_train_lora.ipynb with run_name="reader"'):
        require_reader(tmp_path, "reader", "gemma-3-270m", [])
    _reader(tmp_path)
    asked = [{"input": "3번 마을의 어른은 3대 촌장이다.", "split": "test"}]
    assert require_reader(tmp_path, "reader", "gemma-3-270m", asked)["name"] == "reader"
    with pytest.raises(KorqgError, match="was trained on gemma-3-270m, but this run uses google/gemma-3-1b-it"):
        require_reader(tmp_path, "reader", "google/gemma-3-1b-it", asked)
    learnt = [{"input": "2번 마을의 어른은 2대 촌장이다.", "split": "test"}]
    with pytest.raises(KorqgError, match="was trained on 1 of the test paragraphs"):
        require_reader(tmp_path, "reader", "gemma-3-270m", learnt)


def test_reader_may_not_choose_among_rows_of_articles_that_it_knows(tmp_path):
    from korqg.reading import require_unseen

    write_jsonl(tmp_path / "data" / "answers" / "train.jsonl", [_row(number) for number in range(3)])
    figures = {"reader": {"threshold": 0.4}}
    manifest = {"name": "reader", "parameters": {"data_name": "answers"}, "figures": figures}
    assert require_unseen(tmp_path, manifest, [_row(3, "question"), _row(4, "question")]) == 0.4
    with pytest.raises(KorqgError, match="learnt from 1 of the articles whose rows it is to choose from"):
        require_unseen(tmp_path, manifest, [_row(2, "question"), _row(4, "question")])
    with pytest.raises(KorqgError, match="these rows are answers"):
        require_unseen(tmp_path, manifest, [_row(3)])
    with pytest.raises(KorqgError, match="noted no threshold"):
        require_unseen(tmp_path, {**manifest, "figures": {}}, [_row(3, "question")])


@pytest.mark.torch
@pytest.mark.parametrize("task", ["question", "answer_aware"])
def test_rows_that_the_reader_answers_are_kept_and_the_model_is_as_before(
    tiny_model_folder, tokenizer, tmp_path, monkeypatch, task
):
    import torch
    from peft import LoraConfig, get_peft_model

    import korqg.reading as reading
    from korqg.methods import require_untouched
    from korqg.models import choose_model, load_model
    from korqg.precision import choose_precision

    def base():
        return load_model(choose_model(str(tiny_model_folder)), choose_precision("float32", "none"))

    trained = get_peft_model(base(), LoraConfig(r=2, target_modules="all-linear", init_lora_weights=False))
    trained.save_pretrained(tmp_path / "adapter")
    model, ids = base(), torch.tensor([[2, 5000, 6000]])
    with torch.no_grad():
        before, with_adapter = model(ids).logits, trained(ids).logits
    asked = []

    def answer_questions(reader, tokenizer, pairs, *options):
        with torch.no_grad():
            torch.testing.assert_close(reader(ids).logits, with_adapter)
        asked.extend(pairs)
        said = (("0대 촌장", 0.9), ("1대 촌장", 0.3), ("없는 말", 0.9), ("3대 촌장", 0.5))
        return [{"answer": answer, "confidence": confidence} for answer, confidence in said]

    monkeypatch.setattr(reading, "answer_questions", answer_questions)
    rows = [_row(number, task) for number in range(4)]
    kept = reading.answerable_rows(model, tokenizer, rows, tmp_path / "adapter", 0.5, 128, 4)
    assert [row["id"] for row in kept] == ["0", "3"]
    assert asked[2] == ("2번 마을의 어른은 누구인가?", "2번 마을의 어른은 2대 촌장이다.")
    require_untouched(model)
    with torch.no_grad():
        assert torch.equal(model(ids).logits, before)


def test_run_on_another_task_is_no_reader(tmp_path):
    from korqg.reading import require_reader

    _reader(tmp_path, task="question")
    with pytest.raises(KorqgError, match=r'did not learn to answer: make data with task="answer"'):
        require_reader(tmp_path, "reader", "gemma-3-270m", [])
