"""Questions for many chunks: every one once, in order, whatever cut the job off."""

import json
import sys
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace

import pytest
from conftest import save_finished_run

from korqg import ask as ask_module
from korqg.ask import ask_all, ask_from_terminal, ask_run
from korqg.errors import KorqgError
from korqg.files import read_json
from korqg.generation import generate_tokens
from korqg.prompts import encode_prompt

ROWS = [{"id": f"{number}", "input": "마을에는 다리가 있다. " * (1 + number * 7 % 10)} for number in range(50)]


class Interrupted(Exception):
    pass


def _asker(asked: list, stop_after: int = 10**9):
    def ask(part):
        if len(asked) >= stop_after:
            raise Interrupted
        asked.extend(row["id"] for row in part)
        return [{"model_output": f"{row['id']}번은 무엇인가?", "stopped": True} for row in part]

    return ask


def test_every_row_is_asked_once_and_answers_come_in_the_rows_order(tmp_path):
    asked, said = [], []
    answers = ask_all(_asker(asked), ROWS, tmp_path / "answers.jsonl", 8, said.append)
    assert [answer["model_output"] for answer in answers] == [f"{row['id']}번은 무엇인가?" for row in ROWS]
    assert sorted(asked) == sorted(row["id"] for row in ROWS)
    lengths = {row["id"]: len(row["input"]) for row in ROWS}
    assert [lengths[one] for one in asked] == sorted(lengths.values(), reverse=True)
    assert said[-1].startswith("50 of 50 questions")


@pytest.mark.parametrize("torn", [0, 1, 30])
def test_job_that_was_cut_off_repeats_none_and_loses_none(tmp_path, torn):
    file = tmp_path / "answers.jsonl"
    first, second = [], []
    with pytest.raises(Interrupted):
        ask_all(_asker(first, stop_after=20), ROWS, file, 8)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) - torn])  # killed in the middle of a line
    answers = ask_all(_asker(second), ROWS, file, 8)
    assert [answer["model_output"] for answer in answers] == [f"{row['id']}번은 무엇인가?" for row in ROWS]
    again = set(first) & set(second)
    assert again == (set(first[-1:]) if torn else set())
    assert set(first) | set(second) == {row["id"] for row in ROWS}
    kept = [json.loads(line)["id"] for line in file.read_text(encoding="utf-8").splitlines()]
    assert sorted(kept) == sorted(row["id"] for row in ROWS)


def test_nothing_is_asked_when_all_is_there(tmp_path):
    answers = ask_all(_asker([]), ROWS, tmp_path / "answers.jsonl", 8)
    asked = []
    assert ask_all(_asker(asked), ROWS, tmp_path / "answers.jsonl", 8) == answers
    assert asked == []


def test_same_id_twice_and_answers_of_other_rows_are_refused(tmp_path):
    with pytest.raises(KorqgError, match="Two rows have the id '3'"):
        ask_all(_asker([]), [*ROWS, ROWS[3]], tmp_path / "answers.jsonl", 8)
    ask_all(_asker([]), ROWS, tmp_path / "answers.jsonl", 8)
    with pytest.raises(KorqgError, match="has answers to other rows"):
        ask_all(_asker([]), ROWS[:10], tmp_path / "answers.jsonl", 8)


TEXTS = [
    "다리가 있다.",
    "마을에는 <end_of_turn>다리가 있고, 봄에 잔치가 열린다.",
    "강가의 시장은 오백 년 전에 생겼다. " * 40,
    "섬에는 등대가 둘 있다. 하나는 지금도 밤마다 불을 켠다.",
    "산 위의 절은 겨울에 문을 닫는다. 길이 얼기 때문이다. 봄이 오면 다시 연다.",
]


@pytest.fixture
def outputs(tmp_path, tiny_model_folder):
    """An outputs folder with a finished run of the tiny model, and five chunks of documents."""
    save_finished_run(tmp_path / "outputs", tiny_model_folder, TEXTS)
    return tmp_path / "outputs"


@pytest.fixture
def vllm(monkeypatch):
    """A module in vLLM's place, with the signatures of vLLM 0.33: it does what it is told with the real libraries.

    Its `seen` has the arguments of LLM, of each SamplingParams and LoRARequest, and all prompts; with `stop_after` it
    fails after so many of them.
    """
    seen = SimpleNamespace(engine=None, params=[], lora=[], prompts=[], stop_after=10**9)

    class LLM:
        def __init__(self, model, *, dtype="auto", **options):
            from korqg.models import choose_model, load_model
            from korqg.precision import choose_precision

            seen.engine = {"model": model, "dtype": dtype, **options}
            self.model = load_model(choose_model(model), choose_precision("float32", "none"))

        def generate(self, prompts, sampling_params=None, *, use_tqdm=True, lora_request=None):
            from peft import PeftModel

            if len(seen.prompts) >= seen.stop_after:
                raise Interrupted
            if not hasattr(self.model, "peft_config"):
                self.model = PeftModel.from_pretrained(self.model, lora_request.lora_path)
            ids = [prompt["prompt_token_ids"] for prompt in prompts]
            seen.prompts += ids
            made = generate_tokens(self.model, ids, sampling_params.max_tokens, 1)
            return [SimpleNamespace(outputs=[SimpleNamespace(token_ids=tuple(tokens))]) for tokens in made]

    @dataclass
    class SamplingParams:
        temperature: float = 1.0
        max_tokens: int = 16
        stop_token_ids: list | None = None

        def __post_init__(self):
            seen.params.append(self)

    @dataclass
    class LoRARequest:
        lora_name: str
        lora_int_id: int
        lora_path: str

        def __post_init__(self):
            seen.lora.append(self)

    module, request = ModuleType("vllm"), ModuleType("vllm.lora.request")
    module.LLM, module.SamplingParams, request.LoRARequest = LLM, SamplingParams, LoRARequest
    for name, one in (("vllm", module), ("vllm.lora", ModuleType("vllm.lora")), ("vllm.lora.request", request)):
        monkeypatch.setitem(sys.modules, name, one)
    return seen


@pytest.mark.torch
def test_vllm_is_given_the_same_prompts_stops_and_adapter_and_its_answers_are_put_in_order(
    outputs, vllm, tokenizer, tiny_model_folder
):
    file = ask_run(outputs, "tiny", "chunks", 2, "vllm")
    found = read_json(file)
    assert vllm.engine == {
        "model": str(tiny_model_folder),
        "dtype": "bfloat16",
        "max_model_len": 128 + 12,
        "enable_lora": True,
        "max_lora_rank": 16,
    }
    (params,), (lora,) = vllm.params, vllm.lora
    assert (params.temperature, params.max_tokens, sorted(params.stop_token_ids)) == (0, 12, [1, 106])
    assert (lora.lora_int_id, lora.lora_path) == (1, str(outputs / "runs" / "tiny" / "adapter"))
    rows = sorted(found, key=lambda row: -len(row["input"]))
    instruction = json.loads((outputs / "data" / "chunks" / "own.jsonl").read_text("utf-8").splitlines()[0])
    encoded = [encode_prompt(tokenizer, instruction["instruction"], row["input"], 128)[0] for row in rows]
    assert vllm.prompts == encoded and all(prompt.count(106) == 1 for prompt in vllm.prompts)
    assert [row["input"] for row in found] == TEXTS
    assert len({row["model_output"] for row in found}) > 1, "all outputs are alike, so their order was not looked at"
    file.parent.rename(outputs / "asked" / "by vllm")
    assert found == read_json(ask_run(outputs, "tiny", "chunks", 2))
    assert [row["cut_tokens"] > 0 for row in found if "cut_tokens" in row] == [True]


@pytest.mark.torch
def test_vllm_job_that_was_cut_off_goes_on_and_not_with_another_engine(outputs, vllm, monkeypatch):
    monkeypatch.setattr(ask_module, "VLLM_AT_A_TIME", 2)
    vllm.stop_after = 2
    with pytest.raises(Interrupted):
        ask_run(outputs, "tiny", "chunks", 2, "vllm")
    with pytest.raises(KorqgError, match="or by another engine"):
        ask_run(outputs, "tiny", "chunks", 2)
    vllm.stop_after = 10**9
    assert len(read_json(ask_run(outputs, "tiny", "chunks", 2, "vllm"))) == 5
    assert len(vllm.prompts) == len({tuple(prompt) for prompt in vllm.prompts}) == 5


@pytest.mark.torch
def test_without_vllm_one_sentence_says_how_to_get_it(outputs, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "vllm", None)
    given = ["--run-name", "tiny", "--data-name", "chunks", "--outputs", str(outputs)]
    assert ask_from_terminal([*given, "--engine", "vllm"]) == 1
    said = capsys.readouterr().err
    assert "pip install vllm" in said and "GPU" in said and len(said.strip().splitlines()) == 1
    assert ask_from_terminal(given) == 0, "what did not begin does not stand in the way"


@pytest.mark.torch
def test_vllm_that_does_not_start_and_runs_that_it_does_not_take_are_named(outputs, vllm, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("No device\nmore")

    monkeypatch.setattr(sys.modules["vllm"], "LLM", fail)
    with pytest.raises(KorqgError, match=r"vLLM does not start \(No device\): it needs a free GPU"):
        ask_run(outputs, "tiny", "chunks", 2, "vllm")
    for wrong in ({"lora_rank": 513}, {"quantization": "nf4"}):
        parameters = {"lora_rank": 12, "quantization": "none", **wrong}
        with pytest.raises(KorqgError, match="use --engine transformers"):
            ask_module.vllm_asker(outputs, parameters)
    with pytest.raises(SystemExit):
        ask_from_terminal(["--run-name", "tiny", "--data-name", "chunks", "--engine", "vllm", "--gpus", "2"])


@pytest.mark.parametrize(("option", "value"), [("--batch-size", "0"), ("--batch-size", "-3"), ("--gpus", "0")])
def test_numbers_that_cannot_be_are_refused(capsys, option, value):
    with pytest.raises(SystemExit):
        ask_from_terminal(["--run-name", "tiny", "--data-name", "chunks", option, value])
    assert f"{option} must be 1 or more" in capsys.readouterr().err


def test_names_that_lead_out_of_the_outputs_are_refused(capsys, tmp_path):
    given = ["--run-name", "../elsewhere", "--data-name", "chunks", "--outputs", str(tmp_path)]
    assert ask_from_terminal(given) == 1
    assert "run_name='../elsewhere' cannot name a folder" in capsys.readouterr().err


def test_an_interrupted_job_says_that_it_goes_on(capsys, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(ask_module, "ask_run", interrupted)
    assert ask_from_terminal(["--run-name", "tiny", "--data-name", "chunks", "--outputs", str(tmp_path)]) == 130
    assert "goes on with the chunks that have no answer yet" in capsys.readouterr().err
