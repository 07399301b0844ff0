"""Parameters: types, values and names are checked before anything is done."""

import os
import subprocess
import sys

import pytest
from conftest import COURSE

from korqg import CompareConfig, DataConfig, KorqgError, TrainConfig
from korqg.config import SAMPLE_CHUNKS

DATA = dict(
    data_name="sample",
    source="sample",
    source_path="",
    columns="",
    archives="dev",
    long_answers="drop",
    own_path="",
    overlap_tokens=0,
    max_chunks=0,
    candidates_per_chunk=12,
    task="question",
    question_style="plain",
    questions_per_passage="first",
    max_train_rows=0,
    max_passage_tokens=384,
    validation_fraction=0.1,
    test_fraction=0.1,
    max_dropped_fraction=0.05,
    tokenizer_name="gemma-3-270m",
    seed=42,
    outputs_dir="",
)
TRAIN = dict(
    run_name="sample",
    data_name="sample",
    max_train_rows=0,
    max_validation_rows=0,
    model_name="auto",
    prompt_format="turns",
    loss_on="answer",
    precision="auto",
    quantization="none",
    lora_rank=16,
    lora_alpha=32,
    lora_dropout=0.0,
    target_modules="all-linear",
    learning_rate=3e-4,
    num_epochs=1.0,
    max_steps=-1,
    keep="best",
    batch_size=4,
    gradient_accumulation_steps=2,
    max_batch_tokens=0,
    max_length=640,
    max_new_tokens=64,
    generation_batch_size=16,
    asked_articles="test",
    torch_compile="auto",
    activation_checkpointing="auto",
    resume="auto",
    export="adapter",
    wandb_mode="offline",
    wandb_project="test",
    seed=42,
    outputs_dir="",
)
COMPARE = dict(
    compare_name="sample",
    run_names=[],
    output_pairs=[],
    recommend_run="",
    ask_about="",
    questions_per_chunk=3,
    question_style="plain",
    examples=3,
    bootstrap_samples=2000,
    seed=42,
    outputs_dir="",
)


@pytest.mark.parametrize(
    ("kind", "values", "changed", "said"),
    [
        (DataConfig, DATA, {"data_name": 2024}, "passed as text with -r: papermill ... -r data_name 2024"),
        (DataConfig, DATA, {"max_train_rows": "100"}, "max_train_rows must be of type int, but is '100'"),
        (DataConfig, DATA, {"max_train_rows": True}, "max_train_rows must be of type int"),
        (
            TrainConfig,
            TRAIN,
            {"torch_compile": False},
            'In YAML write "on" or "off" in quotes',
        ),
        (
            DataConfig,
            DATA,
            {"source": "squad"},
            "use one of: sample, korquad1, korquad2, klue_mrc, own, or several",
        ),
        (DataConfig, DATA, {"source": "own"}, "needs source_path"),
        (DataConfig, DATA, {"source_path": "data.json"}, 'source="sample" reads the built-in corpus'),
        (DataConfig, DATA, {"task": "summary"}, "use one of: question, answer_aware, answer"),
        (DataConfig, DATA, {"overlap_tokens": 300}, "overlap_tokens=300 is out of range; use 0 to 192"),
        (DataConfig, DATA, {"data_name": "../elsewhere"}, "cannot name a folder"),
        (DataConfig, DATA, {"data_name": ""}, "cannot name a folder"),
        (DataConfig, DATA, {"test_fraction": 0.9}, "test_fraction=0.9 is out of range; use 0.01 to 0.5"),
        (DataConfig, DATA, {"seed": -1}, "seed=-1 is out of range"),
        (TrainConfig, TRAIN, {"learning_rate": "1e-4"}, "write 1.0e-4"),
        (TrainConfig, TRAIN, {"learning_rate": float("nan")}, "learning_rate=nan is out of range"),
        (TrainConfig, TRAIN, {"wandb_mode": "false"}, "use one of: offline, online, disabled"),
        (TrainConfig, TRAIN, {"max_steps": 0}, "max_steps=0 would train nothing"),
        (TrainConfig, TRAIN, {"prompt_format": "alpaca"}, "use one of: turns, hashes"),
        (TrainConfig, TRAIN, {"loss_on": "prompt"}, "use one of: answer, everything"),
        (TrainConfig, TRAIN, {"keep": "first"}, "use one of: best, last"),
        (TrainConfig, TRAIN, {"model_name": " "}, "model_name is empty"),
        (CompareConfig, COMPARE, {"run_names": "sample"}, "-y 'run_names: [sample]'"),
        (CompareConfig, COMPARE, {"run_names": [1]}, "must be a list of names"),
    ],
)
def test_wrong_parameter_stops_with_the_remedy(kind, values, changed, said):
    with pytest.raises(KorqgError) as caught:
        kind(**values | changed)
    assert said in str(caught.value)


def test_whole_number_is_taken_for_a_float():
    assert TrainConfig(**TRAIN | {"num_epochs": 2}).num_epochs == 2.0


def test_hangul_is_a_good_name():
    assert DataConfig(**DATA | {"data_name": "내-문서_1"}).folder.name == "내-문서_1"


def test_missing_parameter_is_named():
    with pytest.raises(KorqgError, match="No value for seed: run the parameters cell first"):
        DataConfig.from_notebook({name: value for name, value in DATA.items() if name != "seed"})


def test_parameter_that_the_notebook_does_not_declare_is_an_error():
    injected = "# Parameters\nlerning_rate = 1.0e-4\nbatch_size = 2\n"
    with pytest.raises(KorqgError, match="no parameter 'lerning_rate'; did you mean learning_rate"):
        TrainConfig.from_notebook({**TRAIN, "In": ["", "batch_size: int = 4", injected]})


def test_outputs_default_to_the_courses_own_folder(tmp_path):
    assert DataConfig(**DATA).folder == COURSE / "outputs" / "data" / "sample"
    assert DataConfig(**DATA | {"outputs_dir": str(tmp_path)}).folder == tmp_path / "data" / "sample"


@pytest.mark.parametrize(
    ("own_path", "max_chunks", "most"), [("", 0, SAMPLE_CHUNKS), ("", 40, 40), ("memo.md", 0, 0), ("memo.md", 5, 5)]
)
def test_all_chunks_are_asked_about_but_for_the_samples(own_path, max_chunks, most):
    assert DataConfig(**DATA | {"own_path": own_path, "max_chunks": max_chunks}).most_chunks == most


def test_import_takes_no_third_party_package_and_less_than_300_ms():
    code = (
        "import sys, time; started = time.perf_counter(); import korqg; seconds = time.perf_counter() - started\n"
        "heavy = {'torch', 'transformers', 'pandas', 'numpy', 'matplotlib', 'wandb'} & set(sys.modules)\n"
        "print(seconds, *heavy)"
    )
    times = []
    for _ in range(3):
        shown = subprocess.run(
            [sys.executable, "-c", code], cwd=COURSE / "notebooks", capture_output=True, text=True, check=True
        ).stdout.split()
        assert shown[1:] == []
        times.append(float(shown[0]))
    assert min(times) < 0.3


def test_drive_that_is_not_mounted_is_told_before_anything_is_written_beside_it(tmp_path):
    with pytest.raises(KorqgError, match=r'no Drive is mounted at /content/drive.*drive\.mount\("/content/drive"\)'):
        DataConfig(**{**DATA, "outputs_dir": "/content/drive/MyDrive/korqg"})
    assert DataConfig(**{**DATA, "outputs_dir": str(tmp_path)}).outputs == tmp_path.resolve()


def test_mounted_drive_is_taken():
    from pathlib import Path

    from korqg.config import _require_mounted

    _require_mounted(Path("/korqg"), drive=Path("/"))  # which is mounted everywhere


@pytest.mark.parametrize("seed", [42, 7])
def test_what_cells_have_made_is_taken_away_when_the_parameters_are_checked_again(seed):
    cells = [
        "url = ''",
        "config = korqg.TrainConfig.from_notebook(globals())",
        "seed = 7",
        "rows, encoded = [1], [2]\nwith open(x) as file:\n    pass\ndef show(): hidden = 3",
        "%matplotlib inline\nodd = 1",
    ]
    made = {"rows": [1], "encoded": [2], "file": 0, "show": 0, "url": "", "odd": 1, "another": 1}
    variables = {**TRAIN, **made, "seed": seed, "In": cells}
    assert TrainConfig.from_notebook(variables).seed == seed
    assert set(variables) == {*TRAIN, "show", "url", "odd", "another", "In"}
    first = {**TRAIN, **made, "In": cells[:1]}
    TrainConfig.from_notebook(first)
    assert made.items() <= first.items()


def test_outputs_are_shown_where_they_really_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert DataConfig(**DATA).shown(DataConfig(**DATA).folder) == "outputs/data/sample"
    config = DataConfig(**DATA | {"outputs_dir": "mine/../results"})
    assert config.shown(config.folder) == str(tmp_path / "results" / "data" / "sample")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("C:\\Users\\me\\korqg", "is a path of Windows"),
        ("D:/korqg", "is a path of Windows"),
        ("results\\mine", "is a path of Windows"),
        ("MyDrive/korqg", "a place on a Drive.*/content/drive/MyDrive/korqg"),
        ("drive/MyDrive/korqg", "a place on a Drive"),
        ("content/drive/My Drive", "a place on a Drive"),
        ("./MyDrive", "a place on a Drive"),
        ("gs://bucket/korqg", "is an address"),
        ("file:///home/me/korqg", "is an address"),
        ("/Volumes/no such disk/korqg", "is a path of macOS"),
        ("/mnt/q/Users/me", "is a path of macOS or WSL"),
        ("~nobody-here/korqg", "no such user"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="these are paths of its own")
def test_outputs_dir_of_another_system_is_refused(given, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KorqgError, match=said):
        DataConfig(**DATA | {"outputs_dir": given})
    assert list(tmp_path.iterdir()) == []


def test_parameter_that_was_changed_after_it_was_checked_stops_before_anything_is_written():
    config = TrainConfig.from_notebook({**TRAIN, "num_epochs": 1})
    config.require_current({**TRAIN, "num_epochs": 1, "something_else": 3})
    with pytest.raises(KorqgError, match=r"run_name was 'sample' when .* is 'mine' now: run the notebook from its par"):
        config.require_current({**TRAIN, "run_name": "mine"})


def test_parameter_that_no_cell_shows_has_a_default_and_is_set_by_a_line_or_by_papermill(capsys):
    shown = {name: value for name, value in TRAIN.items() if name not in TrainConfig.defaults()}
    assert TrainConfig.from_notebook(dict(shown)).as_dict() == {**shown, **TrainConfig.defaults()}
    assert capsys.readouterr().out == ""
    variables = {**shown, "keep": "last", "In": ["", "run_name: str = 'x'", "# Parameters\nkeep = 'last'\n"]}
    config = TrainConfig.from_notebook(variables)
    assert config.keep == "last"
    assert capsys.readouterr().out == "Set beside the parameters shown: keep='last'\n"
    with pytest.raises(KorqgError, match="keep was 'last' when"):
        config.require_current(shown)
    with pytest.raises(KorqgError, match="keep='first' is not known; use one of: best, last"):
        TrainConfig.from_notebook({**shown, "keep": "first"})


def test_typo_in_a_line_of_the_parameters_cell_is_an_error_and_a_name_of_ones_own_is_not():
    cell = "run_name: str = 'x'\ndata_name: str = 'x'\nmax_train_rows: int = 1\n{} = 0.1\n"
    with pytest.raises(KorqgError, match=r"no parameter 'lora_dropuot'; did you mean lora_dropout.*비슷한 이름"):
        TrainConfig.from_notebook({**TRAIN, "In": ["", cell.format("lora_dropuot")]})
    TrainConfig.from_notebook({**TRAIN, "In": ["", cell.format("my_folder")]})


def test_typo_in_a_script_made_of_the_notebook_is_an_error_too(tmp_path):
    """As torchrun starts it: there is no history of cells."""
    script = tmp_path / "02_train_lora.py"
    script.write_text(
        "# In[1]:\n\nrun_name: str = 'a'\n\n# In[ ]:\n\n\n# Parameters\nlerning_rate = 1\n\n# In[2]:\n\nx = 1\n"
    )
    with pytest.raises(KorqgError, match="no parameter 'lerning_rate'; did you mean learning_rate"):
        TrainConfig.from_notebook({**TRAIN, "__file__": str(script)})


def test_every_error_about_a_parameter_is_in_korean_too():
    import ast
    import inspect

    from korqg import config

    raised = [node for node in ast.walk(ast.parse(inspect.getsource(config))) if isinstance(node, ast.Call)]
    errors = [node for node in raised if getattr(node.func, "id", "") == "KorqgError"]
    assert len(errors) > 15
    for node in errors:
        assert len(node.args) == 2, ast.unparse(node)
        assert any("가" <= letter <= "힣" for letter in ast.unparse(node.args[1]))


def test_without_a_run_of_ones_own_the_kept_example_is_compared(tmp_path, capsys):
    config = CompareConfig(**COMPARE | {"outputs_dir": str(tmp_path)})
    folder, names = config.runs_to_compare()
    assert (folder / names[0] / "manifest.json").is_file()
    assert "강좌에 들어 있는 예시" in capsys.readouterr().out
    assert CompareConfig(**COMPARE | {"outputs_dir": str(tmp_path), "run_names": ["mine"]}).runs_to_compare() == (
        tmp_path / "runs",
        ["mine"],
    )
    (tmp_path / "runs" / "cut").mkdir(parents=True)
    (tmp_path / "runs" / "cut" / "run.json").touch()
    assert config.runs_to_compare() == (tmp_path / "runs", [])


def test_in_colab_it_is_said_what_a_drive_would_keep(monkeypatch, capsys):
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab")
    DataConfig.from_notebook(DATA | DataConfig.defaults())
    assert "on a Drive (see Setup) it would be kept" in capsys.readouterr().out
