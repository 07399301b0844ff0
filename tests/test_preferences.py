"""Preference tuning: which questions become a pair, and that the better one becomes likelier and nothing else moves."""

import pytest
from conftest import COURSE
from test_chain import corpus  # noqa: F401

from korqg.errors import KorqgError
from korqg.files import write_jsonl
from korqg.prompts import INSTRUCTIONS, task_texts
from korqg.ranking import Candidate

PASSAGE = "훈민정음은 세종이 1443년에 만들었다. 해례본은 1446년에 집현전 학자들이 썼다."
ROW = {"title": "훈민정음", "instruction": INSTRUCTIONS["question"], "input": PASSAGE, "output": "?"}


def _candidate(question: str, confidence: float | None, failed: str = "", **known) -> Candidate:
    known = {"answer": "", "stopped": True, "read_answer": "세종", **known}
    return Candidate(question, log_probability=-1.0, confidence=confidence, failed=failed, **known)


def test_only_articles_that_the_reader_has_not_learnt_are_asked_about(tmp_path):
    from korqg.preferences import unseen_prompts

    write_jsonl(tmp_path / "data" / "answers" / "train.jsonl", [{"title": "한라산"}])
    reader = {"name": "reader", "parameters": {"data_name": "answers"}}
    rows = [{"title": title, "input": text} for title, text in (("한라산", "가"), ("낙동강", "나"), ("낙동강", "나"))]
    assert unseen_prompts(rows, tmp_path, reader, 10, seed=1) == [rows[1]]
    many = [{"title": "낙동강", "input": str(number)} for number in range(50)]
    chosen = unseen_prompts(many, tmp_path, reader, 5, seed=1)
    assert len(chosen) == 5 and chosen == unseen_prompts(many, tmp_path, reader, 5, seed=1)
    assert chosen != unseen_prompts(many, tmp_path, reader, 5, seed=2)
    with pytest.raises(KorqgError, match='train_articles="first_half"'):
        unseen_prompts(rows[:1], tmp_path, reader, 10, seed=1)


def test_pair_is_the_best_that_passed_and_the_worst_that_stopped(tokenizer):
    from korqg.preferences import preference_pairs

    best = _candidate("훈민정음은 누가 만들었는가?", 0.9)
    middle = _candidate("훈민정음은 언제 만들어졌는가?", 0.5)
    worst = _candidate("세종이 만든 것을 만든 임금은?", None, "keeps_its_answer")
    endless = _candidate("누가 누가 누가", None, "single_question", stopped=False)
    (pair,) = preference_pairs(tokenizer, [ROW], [[middle, endless, worst, best]], 0.6, 256)
    assert (pair.chosen, pair.rejected) == (best.question, worst.question)
    end = tokenizer.convert_tokens_to_ids("<end_of_turn>")
    assert tokenizer.decode(pair.chosen_ids[:-1]) == best.question and pair.chosen_ids[-1] == end
    assert tokenizer.decode(pair.rejected_ids[:-1]) == worst.question and pair.rejected_ids[-1] == end
    assert PASSAGE in tokenizer.decode(pair.prompt_ids)


def test_no_pair_where_the_reader_is_unsure_or_nothing_differs(tokenizer):
    from korqg.preferences import preference_pairs

    unsure = [_candidate("누가 만들었는가?", 0.5), _candidate("언제 만들었는가?", 0.0)]
    alike = [_candidate("누가 만들었는가?", 0.9), _candidate("누가 지었는가?", 0.8)]
    failed = [_candidate("누가?", 0.9, "different"), _candidate("언제?", None, "single_question")]
    assert preference_pairs(tokenizer, [ROW] * 4, [unsure, alike, failed, []], 0.6, 256) == []


def test_pair_of_answer_first_has_the_form_that_is_to_be_written(tokenizer):
    from korqg.preferences import preference_pairs

    row = {**ROW, "instruction": INSTRUCTIONS["answer_first"]}
    good = Candidate("훈민정음은 누가 만들었는가?", "세종", True, -1.0, read_answer="세종", confidence=0.9)
    bad = Candidate("훈민정음은 누가 만들었는가?", "태종", True, -1.0, failed="answer_found")
    (pair,) = preference_pairs(tokenizer, [row], [[bad, good]], 0.6, 256)
    assert pair.chosen == task_texts("answer_first", PASSAGE, good.question, "세종")[2]
    assert "태종" in pair.rejected


@pytest.mark.torch
def test_better_question_becomes_likelier_and_the_other_adapters_stay(
    tiny_model_folder, tokenizer, tmp_path, monkeypatch
):
    import math

    import torch
    from peft import LoraConfig, get_peft_model

    from korqg import preferences
    from korqg.models import choose_model, load_model
    from korqg.precision import choose_precision
    from korqg.preferences import learn_preferences, preference_pairs
    from korqg.reading import token_confidences

    monkeypatch.setattr(preferences, "PAIRS_OF_A_STEP", 4)
    monkeypatch.setattr(preferences, "LEARNING_RATE", 1e-3)
    precision = choose_precision("float32", "none")
    base = load_model(choose_model(str(tiny_model_folder)), precision)
    torch.manual_seed(0)
    lora = {"r": 4, "target_modules": "all-linear", "task_type": "CAUSAL_LM"}
    model = get_peft_model(base, LoraConfig(**lora, init_lora_weights=False))
    model.add_adapter("saved", LoraConfig(**lora, init_lora_weights=False))
    saved = {name: weights.clone() for name, weights in model.named_parameters() if ".saved." in name}
    frozen = {name: weights.clone() for name, weights in model.named_parameters() if "lora_" not in name}
    some = [_candidate("훈민정음은 누가 만들었는가?", 0.9), _candidate("세종이 만든 임금은?", None, "keeps_its_answer")]
    short = {**ROW, "input": "세종이 만들었다."}
    pairs = preference_pairs(tokenizer, [short], [some], 0.6, 128) * 16

    def gap() -> float:
        prompts, answers = [pairs[0].prompt_ids] * 2, [pairs[0].chosen_ids, pairs[0].rejected_ids]
        good, bad = token_confidences(model, prompts, answers, 2)
        return math.log(good) * len(answers[0]) - math.log(bad) * len(answers[1])

    before = gap()
    log = learn_preferences(model, tokenizer, pairs, tmp_path, precision, 4, False, 1, [])
    assert log[0]["loss"] == pytest.approx(math.log(2), abs=1e-4)  # the model of before is its own reference
    assert log[-1]["loss"] < log[0]["loss"] and log[-1]["rewards/margins"] > 0
    assert gap() > before
    now = dict(model.named_parameters())
    assert all(torch.equal(weights, now[name]) for name, weights in {**saved, **frozen}.items())
    assert not any(".ref." in name for name in now) and list(model.peft_config) == ["default", "saved"]
    assert "forward" not in vars(model.get_base_model())


@pytest.mark.chain
def test_notebook_tunes_on_pairs_and_the_comparison_shows_a_third_way(corpus, tiny_model_folder, tmp_path, monkeypatch):  # noqa: F811
    from korqg.files import read_json
    from korqg.pipeline import run_notebook

    # A reader of random weights tells nothing apart, so the kernel is given two candidates of which it is sure.
    startup = tmp_path / "ipython" / "profile_default" / "startup" / "00.py"
    startup.parent.mkdir(parents=True)
    startup.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(COURSE / 'notebooks')!r})\n"
        "from korqg import preferences\n"
        "from korqg.ranking import Candidate\n"
        "plain = preferences.preference_pairs\n"
        "sure = (('누구인가?', 0.9), ('무엇?', 0.1))\n"
        "some = [Candidate(text, '', True, -1.0, confidence=share) for text, share in sure]\n"
        "def told_apart(tokenizer, rows, candidates, threshold, *sizes):\n"
        "    return plain(tokenizer, rows, [some] * len(rows), 0.5, *sizes)\n"
        "preferences.preference_pairs = told_apart\n"
    )
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    outputs = tmp_path / "outputs"
    data = {"source": "korquad1", "source_path": str(corpus), "own_path": "none", "test_fraction": 0.25}
    run_notebook("data", "questions", outputs, data)
    run_notebook("data", "answers", outputs, {**data, "task": "answer", "train_articles": "first_half"})
    small = dict(model_name=str(tiny_model_folder), max_steps=2, batch_size=2, gradient_accumulation_steps=1)
    small |= dict(max_new_tokens=6, max_length=256, lora_rank=2, wandb_mode="disabled", candidates=1)
    small |= dict(questions_per_chunk=1)
    run_notebook("runs", "reader", outputs, {**small, "data_name": "answers"})
    asks = {**small, "data_name": "questions", "reader_run": "reader", "preference_rows": 2}
    run_notebook("runs", "asks", outputs, asks)
    folder = outputs / "runs" / "asks"
    manifest = read_json(folder / "manifest.json")
    assert manifest["figures"]["preferences"]["pairs"] == 2
    assert (folder / "preferred" / "adapter_model.safetensors").is_file()
    asked = [output["id"] for output in read_json(folder / "after_outputs.json")]
    assert [output["id"] for output in read_json(folder / "preferred_outputs.json")] == asked
    assert [answer["id"] for answer in read_json(folder / "reader_answers.json")["preferred"]] == asked
    run_notebook("compare", "both", outputs, {"run_names": ["asks"], "bootstrap_samples": 100})
