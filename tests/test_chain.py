"""The three notebooks through papermill: with a tiny model, with bad input, and with the real one."""

import json
import re
import shutil
import subprocess
import sys
import time

import nbformat
import psutil
import pytest
from conftest import COURSE
from nbclient import NotebookClient

from korqg.errors import KorqgError
from korqg.files import read_json, read_jsonl, sha256_of
from korqg.model.export import main_export
from korqg.output_folders import NOTEBOOKS, require_finished
from korqg.pipeline import run_notebook

NASTY = '<script>alert("x")</script> & 😀 <end_of_turn> <start_of_turn>model $x$ 값'
SMALL = dict(max_steps=4, batch_size=2, gradient_accumulation_steps=1, lora_rank=4, max_new_tokens=12)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Eight articles in KorQuAD 1.0's schema; one paragraph holds what a page or a prompt could trip over."""
    articles = []
    for number in range(8):
        text = (
            f"{number}번 마을의 시장은 김하늘이다. 그 마을에는 다리가 {number + 2}개 있고, 해마다 봄에 잔치가 열린다."
        )
        text = text.replace("김하늘", f"{number}대 촌장")
        if number in (2, 5):
            text += f" 안내판에는 {NASTY} 라고 적혀 있다."
        answers = (f"{number}대 촌장", "봄")
        questions = (f"{number}번 마을의 어른은 누구인가?", f"{number}번 마을의 잔치는 어느 철에 열리는가?")
        qas = [
            {
                "id": f"{number}-{order}",
                "question": question,
                "answers": [{"text": answer, "answer_start": text.index(answer)}],
            }
            for order, (question, answer) in enumerate(zip(questions, answers, strict=True))
        ]
        articles.append({"title": f"{number}번 마을 & <b>터</b>", "paragraphs": [{"context": text, "qas": qas}]})
    path = tmp_path_factory.mktemp("corpus") / "마을 이야기.json"
    path.write_text(json.dumps({"data": articles}, ensure_ascii=False), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def chain(corpus, tiny_model_folder, tmp_path_factory):
    """Data, two runs and their comparison, in a folder with a space and Hangul in its name."""
    outputs = tmp_path_factory.mktemp("결과 폴더") / "outputs"
    own = corpus.with_name("메모.txt")
    sentence = f"마을 잔치는 느티나무 아래에서 해마다 봄에 열리고, {NASTY} 라고 적힌 안내판이 거기에 선다."
    own.write_text(f"잔치 안내\n\n{sentence}", encoding="utf-8")
    data = {"source": "korquad1", "source_path": str(corpus), "own_path": str(own), "test_fraction": 0.25}
    run_notebook("data", "villages", outputs, data)
    model = {"data_name": "villages", "model_name": str(tiny_model_folder), **SMALL}
    run_notebook("runs", "one", outputs, model)
    run_notebook("runs", "two", outputs, {**model, "target_modules": "q_proj,v_proj", "wandb_mode": "disabled"})
    pair = ["첫 시도"]
    for stage in ("init", "after"):
        other = [{"input": f"낯선 글이다. {NASTY}", "expected_output": "이 글은 무엇인가?", "model_output": stage}]
        pair.append(str(corpus.with_name(f"{stage}.json")))
        corpus.with_name(f"{stage}.json").write_text(json.dumps(other), encoding="utf-8")
    compared = {"run_names": ["one", "two"], "output_pairs": [pair], "bootstrap_samples": 100, "ask_about": str(own)}
    run_notebook("compare", "both", outputs, compared)
    return outputs


@pytest.mark.chain
def test_every_stage_is_finished_with_its_files(chain):
    data, one = chain / "data" / "villages", chain / "runs" / "one"
    for folder in (data, one, chain / "runs" / "two", chain / "compare" / "both"):
        require_finished(folder)
    for name in ("train", "validation", "test", "own"):
        assert read_jsonl(data / f"{name}.jsonl")
    assert {tuple(row) for row in read_json(data / "corpus.json")} == {("instruction", "input", "output")}
    assert (one / "adapter" / "adapter_model.safetensors").is_file()
    card = (one / "adapter" / "README.md").read_text(encoding="utf-8")
    assert read_jsonl(data / "train.jsonl")[0]["instruction"] in card
    assert list(one.glob("wandb/offline-run-*"))
    assert not (chain / "runs" / "two" / "wandb").exists()
    pictures = [f"{name}.{kind}" for name in ("loss", "rates") for kind in ("png", "svg")]
    for name in (
        "metrics.json",
        "metrics.csv",
        "side_by_side.html",
        "recommended_questions.json",
        "left_out.json",
        *pictures,
    ):
        assert (chain / "compare" / "both" / name).stat().st_size > 0


@pytest.mark.chain
def test_outputs_have_the_first_attempts_keys_and_the_same_rows(chain):
    for run in ("one", "two"):
        before, after = (read_json(chain / "runs" / run / f"{stage}_outputs.json") for stage in ("init", "after"))
        tested = [output for output in after if output["split"] == "test"]
        assert [(output["id"], output["input"]) for output in before] == [(o["id"], o["input"]) for o in tested]
        known = {"id", "title", "input", "passage", "answer", "answer_place", "expected_output", "references", "split"}
        said = {"model_output", "stopped", "likelihood"}
        assert all(set(output) == known | said for output in before)
        for output in after:
            assert known | said | {"read_answer", "confidence"} <= set(output)
            begin, end = output["answer_place"]
            assert output["passage"][begin:end] == output["answer"]
        assert {output["split"] for output in after} == {"test", "own"}


@pytest.mark.chain
def test_two_runs_from_the_same_weights_begin_alike_and_end_differently(chain):
    before = [read_json(chain / "runs" / run / "init_outputs.json") for run in ("one", "two")]
    assert before[0] == before[1]
    losses = [read_json(chain / "runs" / run / "manifest.json")["figures"]["eval_loss_after"] for run in ("one", "two")]
    assert losses[0] != losses[1]


@pytest.mark.chain
def test_log_holds_training_and_evaluation_loss(chain):
    log = read_jsonl(chain / "runs" / "one" / "train_log.jsonl")
    assert [entry["step"] for entry in log if "loss" in entry] == [1, 2, 3, 4]
    assert next(entry["step"] for entry in log if "eval_loss" in entry) == 0
    assert all({"step", "epoch", "learning_rate"} <= set(entry) for entry in log if "loss" in entry)
    manifest = read_json(chain / "runs" / "one" / "manifest.json")
    evaluations = [entry["eval_loss"] for entry in log if "eval_loss" in entry]
    assert manifest["figures"]["eval_loss_before"] == evaluations[0]
    assert manifest["figures"]["eval_loss_after"] == min(evaluations)


@pytest.mark.chain
def test_comparison_has_both_runs_and_the_reference_texts(chain):
    metrics = read_json(chain / "compare" / "both" / "metrics.json")
    assert set(metrics) == {"data", "runs", "between", "reference", "reference_kinds", "apart"}
    assert list(metrics["runs"]) == ["one", "two"]
    assert list(metrics["between"]) == ["two minus one"]
    assert set(metrics["reference"]) == {"human", "rule", "first_sentence", "random_question"}
    assert metrics["reference"]["human"]["n"] == 4
    for stages in metrics["runs"].values():
        assert set(stages) == {"before", "after", "change", "train"}
        for stage in ("before", "after"):
            assert stages[stage]["n"] == 4
            for name in ("single_question_rate", "stop_rate", "copy_rate", "rouge_l", "chrf"):
                assert 0 <= stages[stage][f"{name}_low"] <= stages[stage][name] <= stages[stage][f"{name}_high"] <= 1


@pytest.mark.chain
def test_files_of_another_attempt_are_compared_apart(chain):
    apart = read_json(chain / "compare" / "both" / "metrics.json")["apart"]["첫 시도"]
    assert apart["runs"]["첫 시도"]["after"]["n"] == 1
    assert apart["runs"]["첫 시도"]["after"]["stop_rate"] is None
    manifest = read_json(chain / "compare" / "both" / "manifest.json")
    assert manifest["parameters"]["output_pairs"] == [["첫 시도", "init.json", "after.json"]]
    assert "Set apart" in manifest["figures"]["remarks"][-1]


@pytest.mark.chain
def test_recommended_questions_are_a_list_with_their_place(chain):
    recommended = read_json(chain / "compare" / "both" / "recommended_questions.json")
    for entry in recommended:  # of a model with random weights, most likely none
        assert {"chunk", "title", "place", "sentence", "question", "answer", "answer_place", "written_by"} <= set(entry)
        assert entry["likelihood"] is None or 0 <= entry["likelihood"] <= 1
    left_out = read_json(chain / "compare" / "both" / "left_out.json")
    (chunk,) = read_jsonl(chain / "data" / "villages" / "chunks.jsonl")
    assert len({entry["chunk"] for entry in recommended}) + len(left_out) == 1  # each chunk has questions or a reason
    own = read_jsonl(chain / "data" / "villages" / "own.jsonl")
    assert {row["chunk_id"] for row in own} == {chunk["id"]}
    assert chunk["place"] == {"file": "메모.txt", "section": "잔치 안내", "paragraphs": [1, 1]}


@pytest.mark.chain
def test_third_notebook_asks_about_a_further_file_with_a_finished_run(chain):
    asked = chain / "asked" / "메모"
    chunks = {
        entry["chunk"] for name in ("recommended_questions", "left_out") for entry in read_json(asked / f"{name}.json")
    }
    assert len(chunks) == 1 and (asked / "page.html").is_file()


@pytest.mark.chain
def test_wandb_holds_the_losses_and_no_prompt(chain):
    (file,) = (chain / "runs" / "one").glob("wandb/offline-run-*/run-*.wandb")
    recorded = file.read_bytes()
    assert b"train/loss" in recorded
    assert b"eval/loss" in recorded
    for private in (str(chain), str(COURSE), "마을", "한 문장으로"):
        assert private.encode() not in recorded
        assert json.dumps(private)[1:-1].encode() not in recorded


@pytest.mark.chain
def test_pages_show_markup_as_text_and_load_nothing(chain):
    pages = [chain / "compare" / "both" / "side_by_side.html", chain / "compare" / "both" / "03_compare_outputs.html"]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "&lt;script&gt;alert" in text
        assert '<script>alert("x")' not in text
        assert page.stem != "side_by_side" or text.count("<script>") == 2
        assert "&lt;end_of_turn&gt;" in text
        assert not re.search(r'(src|href)="(https?:)?//', text)


@pytest.mark.chain
def test_executed_notebooks_and_manifests_name_no_folder_but_the_given_ones(chain):
    for path in [*chain.glob("*/*/manifest.json"), *chain.glob("compare/*/*.html")]:
        text = path.read_text(encoding="utf-8")
        assert str(COURSE) not in text, path.name


@pytest.mark.chain
@pytest.mark.parametrize(
    ("stage", "parameters", "said"),
    [
        ("data", {"sorce": "sample"}, r"no parameter 'sorce'; did you mean source\?"),
        ("data", {"source": "squad"}, r"source='squad' is not known"),
        ("data", {"max_train_rows": "many"}, r"max_train_rows must be of type int"),
        (
            "runs",
            {"data_name": "nowhere"},
            r'nowhere does not exist: run 01_make_data.ipynb with data_name="nowhere"',
        ),
        ("compare", {"run_names": ["nowhere"]}, r"runs/nowhere does not exist: run 02_train_lora.ipynb"),
    ],
)
def test_bad_input_stops_with_one_short_error_and_leaves_earlier_results(chain, stage, parameters, said):
    name = {"data": "villages", "runs": "one", "compare": "both"}[stage]
    kept = (chain / stage / name / "manifest.json").read_bytes()
    with pytest.raises(KorqgError, match=said) as caught:
        run_notebook(stage, name, chain, parameters)
    assert len(str(caught.value).splitlines()) <= 3
    assert (chain / stage / name / "manifest.json").read_bytes() == kept
    require_finished(chain / stage / name)


@pytest.mark.chain
def test_model_folder_without_weights_is_refused_and_leaves_the_earlier_run(chain, tiny_model_folder, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(tiny_model_folder, folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(KorqgError, match="holds no weights"):
        run_notebook("runs", "one", chain, {"data_name": "villages", "model_name": str(folder), **SMALL})
    require_finished(chain / "runs" / "one")


def _run_cells(
    stage: str, parameters: dict, times: int = 1, leave_out: tuple = (), in_front: dict | None = None
) -> dict[str, list[str]]:
    """Execute a notebook's code cells in order, each `times` times; the errors' words by the cell's id.

    As someone at a keyboard would: an error does not keep the cells below from being run. `in_front` maps a cell's id
    to code that is put in front of it.
    """
    notebook = nbformat.read(COURSE / "notebooks" / NOTEBOOKS[stage], as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.id not in leave_out]
    given = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
    for cell in cells:
        cell.source = (in_front or {}).get(cell.id, "") + cell.source
    cells.insert(1, nbformat.v4.new_code_cell(f"# Parameters\n{given}", id="given"))
    notebook.cells = [nbformat.from_dict({**cell, "id": f"{cell.id}.{n}"}) for cell in cells for n in range(times)]
    folder = {"metadata": {"path": str(COURSE / "notebooks")}}
    NotebookClient(notebook, timeout=300, allow_errors=True, kernel_name="python3", resources=folder).execute()
    errors = {}
    for cell in notebook.cells:
        for output in cell.outputs:
            if output.output_type == "error":
                assert len(output.traceback) == 1, "\n".join(output.traceback)  # a sentence, not a traceback
                errors.setdefault(cell.id.partition(".")[0], []).append(output.evalue)
    return errors


def _cell(stage: str, words: str) -> str:
    """The id of the first code cell that holds these words."""
    cells = nbformat.read(COURSE / "notebooks" / NOTEBOOKS[stage], as_version=4).cells
    return next(cell.id for cell in cells if cell.cell_type == "code" and words in cell.source)


@pytest.mark.chain
def test_each_cell_run_twice_gives_the_same_results(chain, corpus, tiny_model_folder):
    data = {"source": "korquad1", "source_path": str(corpus), "own_path": str(corpus.with_name("메모.txt"))}
    given = {**data, "data_name": "twice", "test_fraction": 0.25, "outputs_dir": str(chain)}
    assert _run_cells("data", given, times=2) == {}
    model = {"data_name": "twice", "model_name": str(tiny_model_folder), **SMALL, "outputs_dir": str(chain)}
    errors = _run_cells("runs", {**model, "run_name": "twice"}, times=2)
    adapter, training = _cell("runs", "add_adapter("), _cell("runs", "begin_training(")
    assert set(errors) == {adapter, training}  # a second adapter, a second training: refused, and nothing lost
    assert "carries an adapter already: restart the kernel" in errors[adapter][0]
    assert "has been trained already: restart the kernel" in errors[training][0]
    given = {"compare_name": "twice", "run_names": ["twice"], "bootstrap_samples": 100, "outputs_dir": str(chain)}
    assert _run_cells("compare", given, times=2) == {}
    for stage in NOTEBOOKS:
        require_finished(chain / stage / "twice")
    for file in ("data/{}/train.jsonl", "data/{}/own.jsonl", "runs/{}/after_outputs.json"):
        once = file.format("villages" if file.startswith("data") else "one")
        assert sha256_of(chain / file.format("twice")) == sha256_of(chain / once), file
    weights = [sha256_of(chain / "runs" / run / "adapter" / "adapter_model.safetensors") for run in ("twice", "one")]
    assert weights[0] == weights[1]
    for stage in NOTEBOOKS:
        shutil.rmtree(chain / stage / "twice")


@pytest.mark.chain
def test_cells_without_those_above_them_say_so_and_leave_what_is_finished(chain, tiny_model_folder):
    """A kernel restarted midway: setup and configuration run again, then straight on from the middle."""
    given = {"data_name": "villages", "model_name": str(tiny_model_folder), **SMALL, "outputs_dir": str(chain)}
    kept = sha256_of(chain / "runs" / "one" / "manifest.json")
    above = ("base_model = load_model", "watching = list(", "encoded = {}", "lora = LoraConfig(")
    left_out = tuple(_cell("runs", words) for words in above)
    errors = _run_cells("runs", {**given, "run_name": "one"}, leave_out=left_out)
    below = (
        "begin_training(",
        "after_own = ask(",
        "save_adapter(",
        "finish_run(",
    )
    assert {_cell("runs", words) for words in below} <= set(errors)
    assert all("a cell above has not been run yet" in words for said in errors.values() for words in said)
    given = {"compare_name": "both", "outputs_dir": str(chain)}
    compared = sha256_of(chain / "compare" / "both" / "manifest.json")
    assert set(_run_cells("compare", given, leave_out=(_cell("compare", "read_comparison("),))) >= {
        _cell("compare", words)
        for words in ("metrics = compare_groups(", "choose_run(", "draw_rates(every_group", "finish_stage(\n")
    }
    assert sha256_of(chain / "runs" / "one" / "manifest.json") == kept
    assert sha256_of(chain / "compare" / "both" / "manifest.json") == compared
    require_finished(chain / "runs" / "one")
    require_finished(chain / "compare" / "both")


STOP = """
def on_log(self, args, state, control, logs=None, **kwargs):
    if state.global_step == 2:
        raise KeyboardInterrupt
PrintProgress.on_log = on_log
"""


@pytest.mark.chain
@pytest.mark.parametrize("finished", [False, True])
def test_training_that_is_stopped_leaves_nothing_to_the_cells_below_and_a_finished_run_stays(
    chain, tiny_model_folder, finished
):
    given = {"data_name": "villages", "model_name": str(tiny_model_folder), **SMALL, "outputs_dir": str(chain)}
    folder = chain / "runs" / "stopped"
    if finished:
        shutil.copytree(chain / "runs" / "one", folder)
        kept = {path: sha256_of(path) for path in folder.rglob("*") if path.is_file()}
    training = _cell("runs", "begin_training(")
    errors = _run_cells("runs", {**given, "run_name": "stopped", "learning_rate": 5.0e-3}, in_front={training: STOP})
    assert "Interrupted. What was finished before is kept" in errors[training][0]
    below = ("after_own = ask(", "choose_threshold(", "save_adapter(", "finish_run(run_folder")
    assert {_cell("runs", words) for words in below} <= set(errors)
    if finished:
        assert {path: sha256_of(path) for path in kept} == kept
        require_finished(folder)
    made = folder / ".new" if finished else folder
    assert not [path.name for path in made.iterdir() if path.name in ("adapter", "after_outputs.json", "manifest.json")]
    shutil.rmtree(folder)


@pytest.mark.chain
def test_finished_run_is_exported_without_training(chain, capsys):
    manifest = sha256_of(chain / "runs" / "two" / "manifest.json")
    assert main_export(["two", "--gguf", "--outputs", str(chain)]) == 0
    merged = chain / "runs" / "two" / "merged"
    merged.with_name("merged.gguf").unlink()
    assert {"model.safetensors", "tokenizer.json", "tokenizer.model"} <= {path.name for path in merged.iterdir()}
    assert sha256_of(chain / "runs" / "two" / "manifest.json") == manifest
    require_finished(chain / "runs" / "two")
    assert main_export(["three", "--outputs", str(chain)]) == 1
    assert "runs/three does not exist" in capsys.readouterr().err
    shutil.rmtree(merged)


@pytest.mark.chain
def test_third_and_second_notebook_opened_first_name_the_one_before(tmp_path):
    given = {"outputs_dir": str(tmp_path), "run_names": ["mine"]}
    (said, *_) = _run_cells("compare", given)[_cell("compare", "read_comparison(")]
    assert "runs/mine does not exist: run 02_train_lora.ipynb" in said and "먼저 실행할 노트북" in said
    with pytest.raises(KorqgError, match=r'data/mine does not exist: run 01_make_data.ipynb with data_name="mine"'):
        run_notebook("runs", "sample", tmp_path, {"data_name": "mine"})
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".ipynb"]


@pytest.mark.chain
def test_third_notebook_alone_compares_the_kept_example(tmp_path):
    run_notebook("compare", "alone", tmp_path, {"bootstrap_samples": 100})
    manifest = require_finished(tmp_path / "compare" / "alone")
    assert [read["path"].split("/")[-1] for read in manifest["read"]][:2] == ["init_outputs.json", "after_outputs.json"]
    assert "강좌에 들어 있는 예시" in (tmp_path / "compare" / "alone" / NOTEBOOKS["compare"]).read_text(
        encoding="utf-8"
    )


@pytest.mark.chain
def test_second_notebook_alone_makes_the_samples_data_first(tmp_path, tiny_model_folder):
    given = {"data_name": "sample", "model_name": str(tiny_model_folder), **SMALL, "max_train_rows": 8}
    given |= {"keep": "last"}  # on four rows a tiny model's first step, which has learnt nothing, may be the best
    run_notebook("runs", "alone", tmp_path, given | {"max_validation_rows": 4, "max_new_tokens": 4})
    require_finished(tmp_path / "runs" / "alone")
    assert require_finished(tmp_path / "data" / "sample")["figures"]["rows"]["train"] > 1000


def _run_and_kill(outputs, parameters: dict, when) -> None:
    """Start notebook 02 in a process of its own, and kill it with its kernel as soon as `when()` holds."""
    code = (
        "import json, sys; from pathlib import Path; from korqg.pipeline import run_notebook\n"
        "run_notebook('runs', 'cut', Path(sys.argv[1]), json.loads(sys.argv[2]))"
    )
    command = [sys.executable, "-c", code, str(outputs), json.dumps(parameters)]
    process = psutil.Popen(command, cwd=COURSE / "notebooks", stdout=subprocess.DEVNULL)
    while process.poll() is None and not when():
        time.sleep(0.02)
    assert process.poll() is None, "the run ended before it could be killed"
    for one in [*process.children(recursive=True), process]:
        one.kill()
    process.wait()


@pytest.mark.chain
def test_killed_run_is_not_finished_and_goes_on_to_the_same_adapter(chain, tiny_model_folder, tmp_path):
    longer = {"data_name": "villages", "model_name": str(tiny_model_folder), **SMALL, "max_steps": 12}
    longer["learning_rate"] = 3.0e-4
    run_notebook("runs", "whole", chain, longer)
    folder = chain / "runs" / "cut"
    _run_and_kill(chain, longer, lambda: any(folder.glob("checkpoints/*/complete.json")))
    with pytest.raises(KorqgError, match=r"runs/cut is not finished: run 02_train_lora.ipynb"):
        run_notebook("compare", "cut", chain, {"run_names": ["cut"]})

    with pytest.raises(KorqgError, match=r"can go on only as it began, but learning_rate was 0.0003 and is 0.001"):
        run_notebook("runs", "cut", chain, {**longer, "learning_rate": 1.0e-3})
    run_notebook("runs", "cut", chain, longer)
    assert "Going on from checkpoint-" in (folder / "02_train_lora.ipynb").read_text(encoding="utf-8")
    assert b"Going on from checkpoint-" not in (chain / "runs" / "whole" / "02_train_lora.ipynb").read_bytes()
    for name in ("adapter/adapter_model.safetensors", "after_outputs.json", "init_outputs.json"):
        assert sha256_of(folder / name) == sha256_of(chain / "runs" / "whole" / name), name
    logs = [read_jsonl(chain / "runs" / run / "train_log.jsonl") for run in ("cut", "whole")]
    losses = [[(e["step"], e.get("loss"), e.get("eval_loss")) for e in log if "train_runtime" not in e] for log in logs]
    assert losses[0] == losses[1]
    for name in ("cut", "whole"):
        shutil.rmtree(chain / "runs" / name)


@pytest.mark.chain
def test_layer_that_the_model_does_not_have_is_named_before_anything_is_replaced(chain, tiny_model_folder):
    model = {"data_name": "villages", "model_name": str(tiny_model_folder), **SMALL}
    with pytest.raises(KorqgError, match=r"target_modules: the model has no linear layer query_proj; it has .*q_proj"):
        run_notebook("runs", "one", chain, {**model, "target_modules": "query_proj"})
    require_finished(chain / "runs" / "one")


@pytest.mark.real
def test_real_model_learns_from_a_few_rows(tmp_path):
    little = {"max_train_rows": 16, "own_path": "none", "test_fraction": 0.01, "validation_fraction": 0.02}
    run_notebook("data", "few", tmp_path, little)
    few = {
        "data_name": "few",
        "model_name": "gemma-3-270m",
        "max_steps": 4,
        "max_new_tokens": 16,
        "max_validation_rows": 24,
    }
    run_notebook("runs", "few", tmp_path, few)
    run_notebook("compare", "few", tmp_path, {"bootstrap_samples": 100})
    figures = read_json(tmp_path / "runs" / "few" / "manifest.json")["figures"]
    assert figures["train_rows"] == 16
    # An untrained Gemma 3 270M is at 3.5 to 5 nats on such questions; random weights would be at 12.5.
    assert 2.5 < figures["eval_loss_before"] < 6
    assert figures["eval_loss_after"] < figures["eval_loss_before"] - 0.3
