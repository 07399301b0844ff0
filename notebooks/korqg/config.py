"""The parameters of the three notebooks: names, types and what is allowed.

Those that a notebook's cell shows have their value and their help there; the others have both here, and are set by a
line in that cell, by a recipe, or by papermill's -p. `make parameters` lists them.
"""

import ast
import builtins
import dataclasses
import difflib
import gc
import os
import re
import sys
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Any, Self

from korqg.column_names import parse_columns
from korqg.devices import share_of_step
from korqg.errors import KorqgError
from korqg.prompts import LOSS_ON, PROMPT_FORMATS, TASKS

COURSE_FOLDER = Path(__file__).resolve().parents[2]
SAMPLE_CORPUS = COURSE_FOLDER / "notebooks" / "sample_data" / "sample_korquad.json"
SAMPLE_EDITS = SAMPLE_CORPUS.with_name("edited_questions.json")
SAMPLE_DOCUMENTS = COURSE_FOLDER / "notebooks" / "sample_data" / "documents"
SAMPLE_CHUNKS = 16  # How many chunks of the sample's documents are asked about: more would take 2 CPU cores too long
COLAB_DRIVE = Path("/content/drive")

EXAMPLE_RUNS = COURSE_FOLDER / "outputs" / "example" / "runs"

SOURCES = ("sample", "korquad1", "korquad2", "klue_mrc", "own")
LONG_ANSWERS = ("drop", "keep")
DOCUMENT_SUFFIXES = (".txt", ".md", ".docx", ".pdf", ".hwpx", ".hwp")
ROWS, SEEDS, SWITCH = (0, 10**9), (0, 2**31 - 1), ("auto", "on", "off")
FOLDER_NAME = "the name of a folder · 폴더에 붙일 수 있는 이름"
TYPES = {str: "문자열", int: "정수", float: "소수", bool: "True 또는 False", list: "목록"}
KOREAN = {  # The Korean help of the parameters that no cell shows, behind the English
    "columns": "내 데이터의 어느 열이 무엇인지, 열 이름으로 알 수 없을 때만 적음(방법은 오류 메시지에 나옴)",
    "archives": "내려받을 KorQuAD 또는 KLUE-MRC 파일",
    "long_answers": "정답이 문단이나 목록, 표 전체인 KorQuAD 2.x 질문을 뺄지(drop) 쓸지(keep)",
    "overlap_tokens": "다음 조각에서 되풀이할 최대 토큰 수(문장 단위)",
    "max_chunks": "질문을 만들 조각의 최대 개수(문서마다 고르게 뽑음), 0이면 내 문서는 전부, 예시 문서는 16개",
    "candidates_per_chunk": "내 문서의 조각마다 물어볼 말의 최대 개수, 정답이 될 만한 말부터 고름",
    "questions_per_passage": "학습용 문단마다 배울 질문(all: 모두, first: 첫 질문만)",
    "max_dropped_fraction": "잘못된 데이터의 비율이 이보다 크면 멈춤",
    "tokenizer_name": "어느 모델의 토크나이저로 토큰을 셀지, Gemma 3는 모두 같음",
    "max_validation_rows": "검증에 쓸 행의 최대 개수(늘 같은 행), 0이면 전부",
    "lora_dropout": "학습할 때 어댑터의 입력 가운데 무작위로 뺄 비율",
    "max_steps": "학습할 스텝 수, -1이면 num_epochs만큼",
    "keep": "남길 가중치(best: 검증 손실이 가장 낮은 것, last: 마지막 것)",
    "max_batch_tokens": "한 번에 메모리에 올릴 최대 토큰 수(패딩 포함), 넘으면 나눔, 0이면 제한 없음",
    "max_new_tokens": "생성할 질문의 최대 토큰 수",
    "generation_batch_size": "한 번에 생성할 질문의 수",
    "asked_articles": "어느 글의 문단으로 질문을 만들지, 설정을 고르는 동안에는 validation(검증용)",
    "torch_compile": "auto: 학습에 쓸 행이 반복을 포함해 1만 개 이상이고 GPU가 지원하면 켬",
    "activation_checkpointing": "auto: 모델의 매개변수가 5억 개를 넘고 GPU 메모리가 40GB 미만이면 켬",
    "export": "merged: 어댑터를 합친 모델도 저장",
    "wandb_project": "실행을 기록할 wandb 프로젝트의 이름",
}


def _parameter(allowed: Any = None, default: Any = MISSING, help: str = "") -> Any:
    """A parameter: the names or the range allowed; of one that no cell shows also its default and help."""
    return dataclasses.field(default=default, metadata={"allowed": allowed, "help": help})


class _Checked:
    """Reads a notebook's variables into a dataclass and stops on a missing, unknown or wrong one."""

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = _as_type(field.name, getattr(self, field.name), field.type)
            object.__setattr__(self, field.name, value)
            _require_allowed(field.name, value, field.metadata["allowed"])
        if self.outputs_dir:
            outputs_folder(self.outputs_dir)
        self.check()

    @classmethod
    def from_notebook(cls, variables: dict[str, Any]) -> Self:
        """The configuration out of a notebook's `globals()`; a parameter that no cell has set has its default.

        Raises KorqgError for a parameter that is absent, of the wrong type or value, or unknown: in the cell that
        papermill inserts (papermill itself only warns) any name, in the notebook's own cell one that is nearly a
        parameter's. What cells below made earlier, with other parameters or in another pass through the notebook, is
        taken out of `variables` and of memory: a cell that would go on with it finds its name missing, and says so.
        """
        names = {field.name: field.default for field in dataclasses.fields(cls)}
        for name in _unknown_names(_cells(variables), list(names)):
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]}?" if near else f"it has: {', '.join(names)}."
            similar = f" 비슷한 이름: {near[0]}" if near else ""
            raise KorqgError(
                f"This notebook has no parameter {name!r}; {hint}", f"이 노트북에 없는 매개변수입니다.{similar}"
            )
        missing = [name for name in names if name not in variables and names[name] is MISSING]
        if missing:
            raise KorqgError(
                f"No value for {', '.join(missing)}: run the parameters cell first.", "매개변수 셀을 먼저 실행하세요."
            )
        checked = cls(**{name: variables[name] for name in names if name in variables})
        set_too = {name: value for name, value in checked.as_dict().items() if names[name] not in (MISSING, value)}
        if set_too:
            print("Set beside the parameters shown:", ", ".join(f"{name}={value!r}" for name, value in set_too.items()))
        if "COLAB_RELEASE_TAG" in os.environ and not checked.outputs.is_relative_to(COLAB_DRIVE):
            print(
                "This Colab machine forgets what the notebook writes; on a Drive (see Setup) it would be kept. · "
                "코랩은 결과를 지웁니다. 남기려면 드라이브를 연결하세요."
            )
        for name in _made_below(variables.get("In", [])) - set(names):
            variables.pop(name, None)
        _free_memory()
        return checked

    def require_current(self, variables: dict[str, Any]) -> None:
        """Raise KorqgError when a parameter in a notebook's `globals()` is no longer the one that was checked."""
        require_unchanged(self.as_dict(), {**self.defaults(), **variables})

    def check(self) -> None:
        """Overridden by each configuration: what its parameters must be together."""

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """The parameters that the notebook's cell does not show, with their values."""
        return {field.name: field.default for field in dataclasses.fields(cls) if field.default is not MISSING}

    @classmethod
    def listing(cls) -> str:
        """Those parameters a line each: name, type, default, what is allowed, and what it is for."""
        fields = [field for field in dataclasses.fields(cls) if field.default is not MISSING]
        return "\n".join(
            f"{field.name}: {field.type.__name__} = {field.default!r}  # {field.metadata['help']}"
            f" · {KOREAN[field.name]}" + (f" [{_in_words(allowed)}]" if (allowed := field.metadata["allowed"]) else "")
            for field in fields
        )

    @property
    def outputs(self) -> Path:
        """The folder that holds data/, runs/ and compare/."""
        return outputs_folder(self.outputs_dir) if self.outputs_dir else COURSE_FOLDER / "outputs"

    def shown(self, folder: Path) -> str:
        """A folder of outputs for the reader: where it really is, as outputs_dir resolves, else below the course's."""
        return str(folder) if self.outputs_dir else folder.relative_to(COURSE_FOLDER).as_posix()

    def as_dict(self) -> dict[str, Any]:
        """Every parameter as used, ready for JSON."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, kw_only=True)
class DataConfig(_Checked):
    """The parameters of 01_make_data.ipynb."""

    data_name: str = _parameter(FOLDER_NAME)
    source: str = _parameter()
    source_path: str = _parameter()
    own_path: str = _parameter()
    task: str = _parameter()
    question_style: str = _parameter(("plain", "polite", "as_written"))
    max_train_rows: int = _parameter(ROWS)
    max_passage_tokens: int = _parameter((32, 100_000))
    validation_fraction: float = _parameter((0.01, 0.5))
    test_fraction: float = _parameter((0.01, 0.5))
    seed: int = _parameter(SEEDS)
    outputs_dir: str = _parameter()

    columns: str = _parameter(
        None, "", "Which column of your rows holds what, where the names do not tell; the error shows how"
    )
    archives: str = _parameter(
        None, "dev", "What to download of KorQuAD or KLUE-MRC: dev, train, all, or archives such as train_00,dev_01"
    )
    long_answers: str = _parameter(
        LONG_ANSWERS, "drop", "KorQuAD 2.x questions whose answer is a whole paragraph, list or table"
    )
    overlap_tokens: int = _parameter(None, 0, "Tokens of a chunk that the next one repeats, in whole sentences")
    max_chunks: int = _parameter(
        ROWS, 0, "Chunks asked about at most, a fair share of each document; 0: all of yours, 16 of the sample's"
    )
    candidates_per_chunk: int = _parameter(
        (1, 1000), 8, "Words of a chunk of your document that are asked about at most, the most promising"
    )
    questions_per_passage: str = _parameter(("all", "first"), "all", "Questions of a training paragraph to learn from")
    max_dropped_fraction: float = _parameter((0, 1), 0.05, "Stop when more than this share of the records is broken")
    tokenizer_name: str = _parameter(
        None, "gemma-3-270m", "Whose tokens are counted; every Gemma 3 has the same tokenizer"
    )

    def check(self) -> None:
        _require_names("source", self.source, SOURCES)
        published = [name for name in self.sources if name != "sample"]
        if len(published) > 1 and self.source_path and "own" not in self.sources:
            raise KorqgError(
                f"source={self.source!r}: several sources are read from where they are published, so source_path must "
                'be empty, unless "own" is one of them: then it is the path of your rows. (Beside "sample" alone it is '
                "the path of the other one.)",
                "공개 데이터를 여러 개 쓸 때는 source_path를 비워 두세요.",
            )
        parse_columns(self.columns)
        if self.columns and "own" not in self.sources:
            raise KorqgError(
                f"columns={self.columns!r} is for rows of your own, but source={self.source!r}.",
                "columns는 source에 own이 있을 때만 씁니다.",
            )
        _require_names("task", self.task, tuple(TASKS))
        _require_allowed("overlap_tokens", self.overlap_tokens, (0, self.max_passage_tokens // 2))
        if "own" in self.sources and not self.source_path:
            raise KorqgError(
                f"source={self.source!r} needs source_path: a file with rows of yours (.jsonl, .csv, .xlsx and more, "
                "with the columns passage, question and perhaps answer, or instruction, input and output), or a folder "
                "of them.",
                "내 질문 데이터의 파일이나 폴더를 source_path에 적으세요.",
            )
        if self.source == "sample" and self.source_path:
            raise KorqgError(
                'source_path is set, but source="sample" reads the built-in corpus; set source too.',
                "source_path를 쓰려면 source도 바꾸세요.",
            )

    @property
    def folder(self) -> Path:
        return self.outputs / "data" / self.data_name

    @property
    def sources(self) -> list[str]:
        """The names in `source`, which may join several by "+"."""
        return [name.strip() for name in self.source.split("+")]

    @property
    def tasks(self) -> list[str]:
        """The names in `task`, which may join several by "+"."""
        return [name.strip() for name in self.task.split("+")]

    @property
    def documents_path(self) -> Path | None:
        """Where the user's own documents are; None for "none".

        An empty `own_path` means those beside the rows of the user's own, if there are any, else the sample's. Raises
        KorqgError for one that does not exist.
        """
        if self.own_path == "none":
            return None
        if self.own_path:
            path = Path(self.own_path).expanduser()
            if not path.exists():
                raise KorqgError(
                    f'{path} does not exist: set own_path to your documents, or to "none".',
                    "own_path에 적은 문서가 없습니다. 경로를 확인하거나 none으로 바꾸세요.",
                )
            return path
        beside = Path(self.source_path).expanduser()
        if "own" in self.sources and beside.is_dir():
            suffixes = {file.suffix.lower() for file in beside.rglob("*")}
            if suffixes & set(DOCUMENT_SUFFIXES):
                return beside
        return SAMPLE_DOCUMENTS

    @property
    def most_chunks(self) -> int:
        """How many chunks of the documents are asked about at most; 0 for all."""
        of_sample = not self.own_path and self.documents_path == SAMPLE_DOCUMENTS
        return self.max_chunks or (SAMPLE_CHUNKS if of_sample else 0)


@dataclass(frozen=True, kw_only=True)
class TrainConfig(_Checked):
    """The parameters of 02_train_lora.ipynb."""

    run_name: str = _parameter(FOLDER_NAME)
    data_name: str = _parameter(FOLDER_NAME)
    max_train_rows: int = _parameter(ROWS)
    model_name: str = _parameter()
    prompt_format: str = _parameter(PROMPT_FORMATS)
    loss_on: str = _parameter(LOSS_ON)
    precision: str = _parameter(("auto", "float32", "bf16", "fp16"))
    quantization: str = _parameter(("none", "int8", "nf4"))
    lora_rank: int = _parameter((1, 1024))
    lora_alpha: int = _parameter((1, 4096))
    target_modules: str = _parameter()
    learning_rate: float = _parameter((1e-8, 1))
    num_epochs: float = _parameter((0.001, 1000))
    batch_size: int = _parameter((1, 4096))
    gradient_accumulation_steps: int = _parameter((1, 4096))
    max_length: int = _parameter((64, 32_768))
    resume: str = _parameter(("auto", "never"))
    wandb_mode: str = _parameter(("offline", "online", "disabled"))
    seed: int = _parameter(SEEDS)
    outputs_dir: str = _parameter()

    max_validation_rows: int = _parameter(
        ROWS, 60, "At most so many rows watch the training, always the same ones; 0 takes all"
    )
    lora_dropout: float = _parameter((0, 0.9), 0.0, "Share of the adapter's inputs left out at random while training")
    max_steps: int = _parameter((-1, 10**9), -1, "Stop after so many steps; -1 lets num_epochs decide")
    keep: str = _parameter(
        ("best", "last"),
        "best",
        "best (the weights with the lowest validation loss) or last (whatever the training ends with)",
    )
    max_batch_tokens: int = _parameter(
        ROWS, 0, "Tokens, with padding, in memory at a time; more go in pieces; 0 is no limit"
    )
    max_new_tokens: int = _parameter((4, 1024), 64, "Tokens of a generated question at most")
    generation_batch_size: int = _parameter((1, 4096), 16, "Questions generated at a time")
    asked_articles: str = _parameter(
        ("test", "validation"), "test", "Whose paragraphs are asked about: validation while you choose settings"
    )
    torch_compile: str = _parameter(SWITCH, "auto", "auto: on for 10,000 or more rows seen, on a GPU that can")
    activation_checkpointing: str = _parameter(
        SWITCH, "auto", "auto: on for over 0.5 billion parameters on a GPU under 40 GB"
    )
    export: str = _parameter(("adapter", "merged"), "adapter", "merged saves a stand-alone model too")
    wandb_project: str = _parameter(FOLDER_NAME, "korean-question-generation", "Where wandb files the run")

    def check(self) -> None:
        if self.max_steps == 0:
            raise KorqgError(
                "max_steps=0 would train nothing; use -1 to let num_epochs decide.",
                "0이면 학습을 하지 않습니다. -1로 두면 num_epochs만큼 학습합니다.",
            )
        for name in ("model_name", "target_modules"):
            if not getattr(self, name).strip():
                raise KorqgError(f"{name} is empty.", "값이 비어 있습니다.")
        if self.export == "merged" and self.quantization != "none":
            raise KorqgError(
                f'export="merged" is not possible with quantization="{self.quantization}": rounded weights would lose '
                "by merging. Save the adapter, load it on the unquantized model and merge there.",
                "양자화한 모델에는 어댑터를 합칠 수 없습니다. 어댑터만 저장하세요.",
            )
        share_of_step(self.batch_size, self.gradient_accumulation_steps)

    @property
    def folder(self) -> Path:
        return self.outputs / "runs" / self.run_name

    @property
    def data_folder(self) -> Path:
        return self.outputs / "data" / self.data_name

    def run_settings(self, model: str, data_manifest: dict) -> dict[str, Any]:
        """What the result depends on, and an unfinished run must have again: parameters, model, the data's checksums.

        A step's rows count, in whichever batches and pieces they go through the model.
        """
        free = {"run_name", "outputs_dir", "resume", "export", "generation_batch_size", "wandb_mode", "wandb_project"}
        free |= {"batch_size", "gradient_accumulation_steps", "max_batch_tokens"}
        kept = {name: value for name, value in self.as_dict().items() if name not in free}
        kept["rows_a_step"] = self.batch_size * self.gradient_accumulation_steps
        written = {file["path"]: file["sha256"][:12] for file in data_manifest["written"]}
        return {**kept, "model": model, **{path: sha for path, sha in written.items() if path.endswith(".jsonl")}}

    @property
    def lora_targets(self) -> str | list[str]:
        """For peft: "all-linear", or the comma-separated module names as a list."""
        if self.target_modules == "all-linear":
            return "all-linear"
        return [name.strip() for name in self.target_modules.split(",") if name.strip()]


@dataclass(frozen=True, kw_only=True)
class CompareConfig(_Checked):
    """The parameters of 03_compare_outputs.ipynb."""

    compare_name: str = _parameter(FOLDER_NAME)
    run_names: list = _parameter()  # noqa: RUF009 (a field like the others)
    output_pairs: list = _parameter()  # noqa: RUF009
    recommend_run: str = _parameter()
    ask_about: str = _parameter()
    questions_per_chunk: int = _parameter((1, 50))
    question_style: str = _parameter(("plain", "polite"))
    examples: int = _parameter((1, 1000))
    bootstrap_samples: int = _parameter((100, 100_000))
    seed: int = _parameter(SEEDS)
    outputs_dir: str = _parameter()

    def check(self) -> None:
        for name in self.run_names:
            if not isinstance(name, str):
                raise KorqgError(
                    f"run_names must be a list of names, but holds {name!r}.", "실행 이름의 목록이어야 합니다."
                )
        for pair in self.output_pairs:
            if not (isinstance(pair, list | tuple) and len(pair) == 3 and all(isinstance(part, str) for part in pair)):
                raise KorqgError(
                    f"output_pairs must hold [name, file before, file after], but holds {pair!r}. On papermill's "
                    "command line: -y 'output_pairs: [[first attempt, init_outputs.json, after_outputs.json]]'",
                    "[이름, 학습 전 파일, 학습 후 파일]의 목록이어야 합니다.",
                )

    @property
    def folder(self) -> Path:
        return self.outputs / "compare" / self.compare_name

    @property
    def runs_folder(self) -> Path:
        return self.outputs / "runs"

    def runs_to_compare(self) -> tuple[Path, list[str]]:
        """Where the runs are, and their names ([]: every finished one); where there is none, the kept example."""
        wanted = self.run_names or self.output_pairs or any(self.runs_folder.glob("*/run.json"))
        if wanted or any(self.runs_folder.glob("*/manifest.json")) or not (EXAMPLE_RUNS / "sample").is_dir():
            return self.runs_folder, self.run_names
        print(
            f"No run in {self.shown(self.runs_folder)} yet (notebook 2 makes one): this compares the example that "
            "comes with the course. · 아직 학습한 실행이 없어서 강좌에 들어 있는 예시를 비교합니다."
        )
        return EXAMPLE_RUNS, ["sample"]


CONFIGS = {"data": DataConfig, "runs": TrainConfig, "compare": CompareConfig}  # The parameters of each stage's notebook


def require_unchanged(parameters: dict[str, Any], variables: dict[str, Any]) -> None:
    """Raise KorqgError when a parameter's variable in a notebook has another value than the one that was used."""
    for name, used in parameters.items():
        if name in variables and variables[name] != used:
            raise KorqgError(
                f"{name} was {used!r} when the parameters were checked, and is {variables[name]!r} now: run the "
                "notebook from its parameters cell on, so that everything is made with the same ones.",
                "확인한 뒤에 값이 바뀌었습니다. 매개변수 셀부터 다시 실행하세요.",
            )


def require_folder_name(name: str, value: str) -> None:
    """Raise KorqgError when the parameter `name` has a value that cannot name a folder of outputs."""
    if not re.fullmatch(r"[\w가-힣][\w가-힣.-]{0,99}", value):
        raise KorqgError(
            f"{name}={value!r} cannot name a folder; use letters, digits, '.', '_' and '-' "
            "(1 to 100 of them, no dot or dash in front).",
            "폴더 이름으로 쓸 수 없습니다. 글자, 숫자, '.', '_', '-'만 쓰고 글자나 숫자로 시작하세요.",
        )


def _in_words(allowed: Any) -> str:
    if isinstance(allowed, str):
        return allowed
    return ", ".join(allowed) if isinstance(allowed[0], str) else f"{allowed[0]:g} to {allowed[1]:g}"


def _require_allowed(name: str, value: Any, allowed: Any) -> None:
    """Raise KorqgError for a value that is none of the names, outside of the range, or no folder's name."""
    if allowed is FOLDER_NAME:
        require_folder_name(name, value)
    elif allowed and isinstance(allowed[0], str):
        if value not in allowed:
            said = f"{name}={value!r} is not known; use one of: {', '.join(allowed)}."
            raise KorqgError(said, "이 가운데 하나를 고르세요.")
    elif allowed and not allowed[0] <= value <= allowed[1]:
        said = f"{name}={value!r} is out of range; use {_in_words(allowed)}."
        raise KorqgError(said, "허용된 범위를 벗어난 값입니다.")


def _require_names(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raise KorqgError where `value` is not one of the names, or several joined by +."""
    chosen = [one.strip() for one in value.split("+")]
    if not set(chosen) <= set(allowed):
        raise KorqgError(
            f"{name}={value!r} is not known; use one of: {', '.join(allowed)}, or several joined by +.",
            "이 가운데 하나를 쓰거나 여러 개를 +로 이으세요.",
        )
    if len(set(chosen)) < len(chosen):
        raise KorqgError(f"{name}={value!r} names a {name} twice.", "같은 이름이 두 번 들어 있습니다.")


def _as_type(name: str, value: Any, wanted: type) -> Any:
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, wanted) and not (wanted is int and isinstance(value, bool)):
        return value
    hint = ""
    if wanted is float and isinstance(value, str) and re.fullmatch(r"\d+e[-+]?\d+", value.strip()):
        hint = " In YAML write 1.0e-4: without the point it is a text."
    if wanted is str and isinstance(value, int | float) and not isinstance(value, bool):
        hint = f" A name of digits is passed as text with -r: papermill ... -r {name} {value}"
    if wanted is str and isinstance(value, bool):
        hint = ' In YAML write "on" or "off" in quotes: without them they mean true and false.'
    if wanted is list:
        hint = " On papermill's command line a list is given with -y, for example: -y 'run_names: [sample]'"
    raise KorqgError(
        f"{name} must be of type {wanted.__name__}, but is {value!r} ({type(value).__name__}).{hint}",
        f"값의 형식이 다릅니다. 필요한 형식: {TYPES[wanted]}.",
    )


def outputs_folder(given: str) -> Path:
    """The folder that outputs_dir or --outputs names. Raises KorqgError for a place that this machine does not have."""
    _require_of_this_system(given)
    try:
        folder = Path(given).expanduser().resolve()
    except RuntimeError:
        raise KorqgError(f"outputs_dir={given!r}: this machine has no such user.", "그런 사용자가 없습니다.") from None
    _require_mounted(folder)
    return folder


def _require_of_this_system(outputs_dir: str) -> None:
    """Raise KorqgError for a path of another system and for the Drive's own: they would make a folder down here."""
    elsewhere = ""
    if re.match(r"[A-Za-z][\w+.-]+:", outputs_dir):
        elsewhere = "an address, and no path"
    elif os.name != "nt" and ("\\" in outputs_dir or re.match(r"[A-Za-z]:", outputs_dir)):
        elsewhere = "a path of Windows"
    elif (top := re.match(r"/(?:Users|Volumes|mnt/[a-z])(?=/.)", outputs_dir)) and not Path(top[0]).is_dir():
        elsewhere = "a path of macOS or WSL"
    if elsewhere:
        raise KorqgError(
            f"outputs_dir={outputs_dir!r} is {elsewhere}, and this is another system: it would become a folder of that "
            "name here. Give a path of this machine, such as /home/name/korqg.",
            "다른 운영 체제의 경로이거나 인터넷 주소입니다. 이 컴퓨터의 경로를 적으세요.",
        )
    if re.match(r"(?:content/)?(?:drive/)?(?:My ?Drive|내 드라이브)(?:/|$)", outputs_dir.removeprefix("./")):
        raise KorqgError(
            f"outputs_dir={outputs_dir!r} is a place on a Drive, told from nowhere: after mounting the Drive in Colab "
            f'give the whole path, such as "{COLAB_DRIVE}/MyDrive/korqg".',
            "드라이브를 연결한 뒤 전체 경로를 적으세요.",
        )


def _require_mounted(folder: Path, drive: Path = COLAB_DRIVE) -> None:
    """Without the Drive, its folder would be made on a Colab machine's own disk, and be gone with it."""
    if folder.is_relative_to(drive) and not drive.is_mount():
        raise KorqgError(
            f"outputs_dir is on your Drive, but no Drive is mounted at {drive}. In a cell of its own: "
            f'from google.colab import drive; drive.mount("{drive}")',
            "먼저 새 셀에서 드라이브를 연결하세요.",
        )


def assigned_names(source: str, until: int = sys.maxsize) -> set[str]:
    """The names that a cell assigns to, inside of its functions apart; none where it is not Python alone.

    Of its statements those count that end above line `until` (from 1), and a block that this line is within: where an
    assignment itself fails, its name keeps what it had.
    """
    try:
        statements = ast.parse(source).body
    except SyntaxError:
        return set()
    waiting = [one for one in statements if one.end_lineno < until or (hasattr(one, "body") and one.lineno <= until)]
    found = set()
    scopes = (ast.FunctionDef, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        if not isinstance(node, scopes):
            waiting += ast.iter_child_nodes(node)
    return found


def _cells(variables: dict[str, Any]) -> list[str]:
    """The cells run so far in a notebook's kernel; all cells of a script that nbconvert has made of a notebook."""
    script = variables.get("__file__")
    if "In" in variables or not script:
        return variables.get("In", [])
    return re.split(r"(?m)^# In\[.*\]:$", Path(script).read_text(encoding="utf-8"))


def _unknown_names(cells: list[str], known: list[str]) -> list[str]:
    """Names of no parameter: all that papermill assigned (its cell begins with "# Parameters"), and those in the
    notebook's own parameters cell that are nearly a parameter's; a name of the user's own may stand there too.
    """
    injected = [source for source in cells if source.lstrip().startswith("# Parameters\n")][-1:]
    own = [source for source in cells if source not in injected and assigned_names(source) >= set(known[:3])][-1:]
    passed, named = (set().union(*map(assigned_names, some)) - set(known) for some in (injected, own))
    return sorted(passed) + [name for name in sorted(named) if difflib.get_close_matches(name, known, 1, 0.75)]


def _made_below(cells: list[str]) -> set[str]:
    """Names that cells have assigned since the parameters were first checked in this kernel."""
    first = next((place for place, source in enumerate(cells) if ".from_notebook(globals())" in source), len(cells))
    return set().union(*(assigned_names(source) for source in cells[first:]))


def _free_memory() -> None:
    """Give back what has lost its name: a Trainer and its model refer to one another, and two models may not fit.

    The traceback that IPython keeps of the last error holds what the functions were working on: a stopped training's
    model, for one.
    """
    shell = getattr(builtins, "get_ipython", lambda: None)()
    if hasattr(shell, "InteractiveTB"):
        shell.InteractiveTB.tb = None
    for kept in ("last_exc", "last_value", "last_traceback"):
        vars(sys).pop(kept, None)
    if "torch" in sys.modules:
        gc.collect()
        torch = sys.modules["torch"]
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
