"""The parameters of the three notebooks: names, types and what is allowed.

The values stand in the notebooks' parameters cells, once; here stand the checks.
"""

import ast
import builtins
import dataclasses
import difflib
import gc
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from korqg.column_names import parse_columns
from korqg.devices import process_count, share_of_step
from korqg.errors import KorqgError
from korqg.prompts import LOSS_ON, PROMPT_FORMATS, TASKS

COURSE_FOLDER = Path(__file__).resolve().parents[2]
SAMPLE_CORPUS = COURSE_FOLDER / "notebooks" / "sample_data" / "sample_korquad.json"
SAMPLE_DOCUMENTS = COURSE_FOLDER / "notebooks" / "sample_data" / "documents"
SAMPLE_CHUNKS = 16
"""How many chunks of the sample's documents are asked about: more would take 2 CPU cores too long."""

COLAB_DRIVE = Path("/content/drive")

SOURCES = ("sample", "korquad1", "korquad2", "klue_mrc", "own")
LONG_ANSWERS = ("drop", "keep")
DOCUMENT_SUFFIXES = (".txt", ".md", ".docx", ".pdf", ".hwpx", ".hwp")
QUESTIONS_PER_PASSAGE = ("all", "first")
QUESTION_STYLES = ("plain", "polite", "as_written")
PRECISIONS = ("auto", "float32", "bf16", "fp16")
QUANTIZATIONS = ("none", "nf4")
CORRECTION_RANK = 192
"""Inner size of the two matrices that correct a layer rounded to 4 bits; measured by tests/benchmarks/precision.py."""

CORRECTION = 1
"""Raised when the computation in korqg.model.nf4_correction changes: older matrices are not taken for new ones then."""

KEEP = ("best", "last")
WANDB_MODES = ("offline", "online", "disabled")


class _Checked:
    """Reads a notebook's variables into a dataclass and stops on a missing, unknown or wrong one."""

    def __post_init__(self):
        for field in dataclasses.fields(self):
            object.__setattr__(self, field.name, _as_type(field.name, getattr(self, field.name), field.type))
        if self.outputs_dir:
            outputs_folder(self.outputs_dir)
        self.check()

    @classmethod
    def from_notebook(cls, variables: dict[str, Any]) -> Self:
        """The configuration out of a notebook's `globals()`.

        Raises KorqgError for a parameter that is absent, of the wrong type or value, or that papermill
        passed without the notebook declaring it (papermill itself only warns). What cells below made earlier, with
        other parameters or in another pass through the notebook, is taken out of `variables` and of memory: a cell
        that would go on with it finds its name missing, and says so.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        for name in _injected_names(variables.get("In", [])):
            if name not in names:
                near = difflib.get_close_matches(name, names, n=1)
                hint = f"did you mean {near[0]}?" if near else f"it has: {', '.join(names)}."
                raise KorqgError(f"This notebook has no parameter {name!r}; {hint}")
        missing = [name for name in names if name not in variables]
        if missing:
            raise KorqgError(f"No value for {', '.join(missing)}: run the parameters cell first.")
        checked = cls(**{name: variables[name] for name in names})
        for name in _made_below(variables.get("In", [])) - set(names):
            variables.pop(name, None)
        _free_memory()
        return checked

    def require_current(self, variables: dict[str, Any]) -> None:
        """Raise KorqgError when a parameter in a notebook's `globals()` is no longer the one that was checked."""
        require_unchanged(self.as_dict(), variables)

    def check(self) -> None:
        """Overridden by each configuration."""

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

    def _one_of(self, name: str, allowed: tuple[str, ...]) -> None:
        if getattr(self, name) not in allowed:
            raise KorqgError(f"{name}={getattr(self, name)!r} is not known; use one of: {', '.join(allowed)}.")

    def _between(self, name: str, low: float, high: float) -> None:
        if not low <= getattr(self, name) <= high:
            raise KorqgError(f"{name}={getattr(self, name)!r} is out of range; use {low:g} to {high:g}.")

    def _folder_name(self, *names: str) -> None:
        for name in names:
            require_folder_name(name, getattr(self, name))


@dataclass(frozen=True)
class DataConfig(_Checked):
    """The parameters of 01_make_data.ipynb."""

    data_name: str
    source: str
    source_path: str
    columns: str
    archives: str
    long_answers: str
    own_path: str
    overlap_tokens: int
    max_chunks: int
    candidates_per_chunk: int
    task: str
    question_style: str
    questions_per_passage: str
    max_train_rows: int
    max_passage_tokens: int
    validation_fraction: float
    test_fraction: float
    max_dropped_fraction: float
    tokenizer_name: str
    seed: int
    outputs_dir: str

    def check(self) -> None:
        self._folder_name("data_name")
        for name in self.sources:
            if name not in SOURCES:
                raise KorqgError(
                    f"source={self.source!r} is not known; use one of: {', '.join(SOURCES)}, or several joined by +."
                )
        if len(set(self.sources)) < len(self.sources):
            raise KorqgError(f"source={self.source!r} names a source twice.")
        published = [name for name in self.sources if name != "sample"]
        if len(published) > 1 and self.source_path and "own" not in self.sources:
            raise KorqgError(
                f"source={self.source!r}: several sources are read from where they are published, so source_path must "
                'be empty, unless "own" is one of them: then it is the path of your rows. (Beside "sample" alone it is '
                "the path of the other one.)"
            )
        parse_columns(self.columns)
        if self.columns and "own" not in self.sources:
            raise KorqgError(f"columns={self.columns!r} is for rows of your own, but source={self.source!r}.")
        self._one_of("questions_per_passage", QUESTIONS_PER_PASSAGE)
        self._one_of("question_style", QUESTION_STYLES)
        self._between("max_chunks", 0, 10**9)
        self._between("candidates_per_chunk", 1, 1000)
        self._between("max_train_rows", 0, 10**9)
        self._between("max_passage_tokens", 32, 100_000)
        self._between("validation_fraction", 0.01, 0.5)
        self._between("test_fraction", 0.01, 0.5)
        self._between("max_dropped_fraction", 0, 1)
        self._between("seed", 0, 2**31 - 1)
        self._one_of("long_answers", LONG_ANSWERS)
        for name in self.tasks:
            if name not in TASKS:
                raise KorqgError(f"task={self.task!r} is not known; use one of {', '.join(TASKS)}, or two joined by +.")
        if len(set(self.tasks)) < len(self.tasks):
            raise KorqgError(f"task={self.task!r} names a task twice.")
        self._between("overlap_tokens", 0, self.max_passage_tokens // 2)
        if "own" in self.sources and not self.source_path:
            raise KorqgError(
                f"source={self.source!r} needs source_path: a file with rows of yours (.jsonl, .csv, .xlsx and more, "
                "with the columns passage, question and perhaps answer, or instruction, input and output), or a folder "
                "of them."
            )
        if self.source == "sample" and self.source_path:
            raise KorqgError('source_path is set, but source="sample" reads the built-in corpus; set source too.')

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

        An empty `own_path` means those beside the rows of the user's own, if there are any, else the sample's.
        """
        if self.own_path == "none":
            return None
        if self.own_path:
            return Path(self.own_path).expanduser()
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


@dataclass(frozen=True)
class TrainConfig(_Checked):
    """The parameters of 02_train_lora.ipynb."""

    run_name: str
    data_name: str
    max_train_rows: int
    max_validation_rows: int
    model_name: str
    prompt_format: str
    loss_on: str
    precision: str
    quantization: str
    lora_rank: int
    lora_alpha: int
    lora_dropout: float
    target_modules: str
    learning_rate: float
    num_epochs: float
    max_steps: int
    keep: str
    batch_size: int
    gradient_accumulation_steps: int
    max_batch_tokens: int
    max_length: int
    max_new_tokens: int
    generation_batch_size: int
    asked_articles: str
    torch_compile: str
    activation_checkpointing: str
    resume: str
    export: str
    wandb_mode: str
    wandb_project: str
    seed: int
    outputs_dir: str

    def check(self) -> None:
        self._folder_name("run_name", "data_name", "wandb_project")
        self._one_of("prompt_format", PROMPT_FORMATS)
        self._one_of("loss_on", LOSS_ON)
        self._one_of("keep", KEEP)
        self._one_of("precision", PRECISIONS)
        self._one_of("quantization", QUANTIZATIONS)
        self._one_of("wandb_mode", WANDB_MODES)
        self._one_of("activation_checkpointing", ("auto", "on", "off"))
        self._one_of("torch_compile", ("auto", "on", "off"))
        self._one_of("asked_articles", ("test", "validation"))
        self._one_of("resume", ("auto", "never"))
        self._one_of("export", ("adapter", "merged"))
        self._between("max_train_rows", 0, 10**9)
        self._between("max_validation_rows", 0, 10**9)
        self._between("lora_rank", 1, 1024)
        self._between("lora_alpha", 1, 4096)
        self._between("lora_dropout", 0, 0.9)
        self._between("learning_rate", 1e-8, 1)
        self._between("num_epochs", 0.001, 1000)
        self._between("max_steps", -1, 10**9)
        self._between("batch_size", 1, 4096)
        self._between("gradient_accumulation_steps", 1, 4096)
        self._between("max_batch_tokens", 0, 10**9)
        self._between("max_length", 64, 32_768)
        self._between("max_new_tokens", 4, 1024)
        self._between("generation_batch_size", 1, 4096)
        self._between("seed", 0, 2**31 - 1)
        if self.max_steps == 0:
            raise KorqgError("max_steps=0 would train nothing; use -1 to let num_epochs decide.")
        for name in ("model_name", "target_modules"):
            if not getattr(self, name).strip():
                raise KorqgError(f"{name} is empty.")
        if self.export == "merged" and self.quantization == "nf4":
            raise KorqgError(
                'export="merged" is not possible with quantization="nf4": 4-bit weights would lose by merging. Save '
                "the adapter, load it on the unquantized model and merge there."
            )
        self.require_processes(process_count())

    def require_processes(self, count: int) -> None:
        """Raise KorqgError for what `count` processes cannot do together."""
        share_of_step(self.batch_size, self.gradient_accumulation_steps, count)

    @property
    def folder(self) -> Path:
        return self.outputs / "runs" / self.run_name

    @property
    def data_folder(self) -> Path:
        return self.outputs / "data" / self.data_name

    @property
    def result_parameters(self) -> dict[str, Any]:
        """The parameters that the result depends on: a run that was cut off can only go on with the same.

        A step's rows count, in whichever batches and pieces they go through the model.
        """
        free = {"run_name", "outputs_dir", "resume", "export", "generation_batch_size", "wandb_mode", "wandb_project"}
        free |= {"batch_size", "gradient_accumulation_steps", "max_batch_tokens"}
        kept = {name: value for name, value in self.as_dict().items() if name not in free}
        if self.quantization == "nf4":
            kept["quantization"] = f"nf4, corrected by matrices of rank {CORRECTION_RANK} (version {CORRECTION})"
        return {**kept, "rows_a_step": self.batch_size * self.gradient_accumulation_steps}

    @property
    def lora_targets(self) -> str | list[str]:
        """For peft: "all-linear", or the comma-separated module names as a list."""
        if self.target_modules == "all-linear":
            return "all-linear"
        return [name.strip() for name in self.target_modules.split(",") if name.strip()]


@dataclass(frozen=True)
class CompareConfig(_Checked):
    """The parameters of 03_compare_outputs.ipynb."""

    compare_name: str
    run_names: list
    output_pairs: list
    recommend_run: str
    questions_per_chunk: int
    question_style: str
    examples: int
    bootstrap_samples: int
    seed: int
    outputs_dir: str

    def check(self) -> None:
        self._folder_name("compare_name")
        self._between("questions_per_chunk", 1, 50)
        self._one_of("question_style", QUESTION_STYLES[:2])
        self._between("examples", 1, 1000)
        self._between("bootstrap_samples", 100, 100_000)
        self._between("seed", 0, 2**31 - 1)
        for name in self.run_names:
            if not isinstance(name, str):
                raise KorqgError(f"run_names must be a list of names, but holds {name!r}.")
        for pair in self.output_pairs:
            if not (isinstance(pair, list | tuple) and len(pair) == 3 and all(isinstance(part, str) for part in pair)):
                raise KorqgError(
                    f"output_pairs must hold [name, file before, file after], but holds {pair!r}. On papermill's "
                    "command line: -y 'output_pairs: [[first attempt, init_outputs.json, after_outputs.json]]'"
                )

    @property
    def folder(self) -> Path:
        return self.outputs / "compare" / self.compare_name

    @property
    def runs_folder(self) -> Path:
        return self.outputs / "runs"


def require_unchanged(parameters: dict[str, Any], variables: dict[str, Any]) -> None:
    """Raise KorqgError when a parameter's variable in a notebook has another value than the one that was used."""
    for name, used in parameters.items():
        if name in variables and variables[name] != used:
            raise KorqgError(
                f"{name} was {used!r} when the parameters were checked, and is {variables[name]!r} now: run the "
                "notebook from its parameters cell on, so that everything is made with the same ones."
            )


def require_folder_name(name: str, value: str) -> None:
    """Raise KorqgError when the parameter `name` has a value that cannot name a folder of outputs."""
    if not re.fullmatch(r"[\w가-힣][\w가-힣.-]{0,99}", value):
        raise KorqgError(
            f"{name}={value!r} cannot name a folder; use letters, digits, '.', '_' and '-' "
            "(1 to 100 of them, no dot or dash in front)."
        )


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
    raise KorqgError(f"{name} must be of type {wanted.__name__}, but is {value!r} ({type(value).__name__}).{hint}")


def outputs_folder(given: str) -> Path:
    """The folder that outputs_dir or --outputs names. Raises KorqgError for a place that this machine does not have."""
    _require_of_this_system(given)
    try:
        folder = Path(given).expanduser().resolve()
    except RuntimeError:
        raise KorqgError(f"outputs_dir={given!r}: this machine has no such user.") from None
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
            "name here. Give a path of this machine, such as /home/name/korqg."
        )
    if re.match(r"(?:content/)?(?:drive/)?(?:My ?Drive|내 드라이브)(?:/|$)", outputs_dir.removeprefix("./")):
        raise KorqgError(
            f"outputs_dir={outputs_dir!r} is a place on a Drive, told from nowhere: after mounting the Drive in Colab "
            f'give the whole path, such as "{COLAB_DRIVE}/MyDrive/korqg".'
        )


def _require_mounted(folder: Path, drive: Path = COLAB_DRIVE) -> None:
    """Without the Drive, its folder would be made on a Colab machine's own disk, and be gone with it."""
    if folder.is_relative_to(drive) and not drive.is_mount():
        raise KorqgError(
            f"outputs_dir is on your Drive, but no Drive is mounted at {drive}. In a cell of its own: "
            f'from google.colab import drive; drive.mount("{drive}")'
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


def _made_below(history: list[str]) -> set[str]:
    """Names that cells have assigned since the parameters were first checked in this kernel."""
    first = next((place for place, source in enumerate(history) if ".from_notebook(globals())" in source), len(history))
    return set().union(*(assigned_names(source) for source in history[first:]))


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


def _injected_names(history: list[str]) -> list[str]:
    """Names that papermill assigned, from the cell that it inserts (its first line is "# Parameters")."""
    cells = [source for source in history if source.lstrip().startswith("# Parameters\n")]
    if not cells:
        return []
    assignments = (node for node in ast.parse(cells[-1]).body if isinstance(node, ast.Assign))
    return [target.id for node in assignments for target in node.targets if isinstance(target, ast.Name)]
