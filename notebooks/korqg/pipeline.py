"""`make run` and `make try`: the three notebooks in order through papermill, each also as HTML.

    python -m korqg.pipeline [--recipe FILE] [-p NAME VALUE ...] [--name NAME] [--outputs FOLDER] [--parameters]

run with notebooks/ on PYTHONPATH. The parameters are those of recipes/all_three/sample.yaml, whatever stands in the
notebooks' cells; over them come the recipe's and those given. It prints each section as it begins, the lines of asking
and training as they come, then where to look and the figures; an error in a notebook is printed as its message alone,
with the executed notebook's place. --parameters lists the parameters that no cell shows.
"""

import argparse
import ast
import contextlib
import difflib
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

from korqg.config import CONFIGS, COURSE_FOLDER, TrainConfig, outputs_folder
from korqg.devices import is_main
from korqg.errors import KorqgError, command
from korqg.files import cannot_write, read_json, write_json, write_text
from korqg.output_folders import NOTEBOOKS, PARAMETERS, require_finished
from korqg.packages import require_packages

NOTEBOOKS_FOLDER = COURSE_FOLDER / "notebooks"
RECIPES = NOTEBOOKS_FOLDER / "recipes" / "all_three"
PROGRESS = re.compile(r"step +\d|[\d,]+ of [\d,]+ asked|Going on from ")  # Lines of a notebook that tell how far it is


def own_parameters(stage: str) -> dict:
    """The parameters of the stage's notebook: its cell's with the values that stand in it, the others' defaults."""
    import papermill

    declared = papermill.inspect_notebook(NOTEBOOKS_FOLDER / NOTEBOOKS[stage])
    return CONFIGS[stage].defaults() | {name: ast.literal_eval(entry["default"]) for name, entry in declared.items()}


def read_recipe(path: Path) -> dict:
    """A parameter file. Raises KorqgError for one that cannot be read or holds no parameters."""
    import yaml

    try:
        recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise KorqgError(f"The recipe {path} cannot be read: {str(error).splitlines()[0]}") from None
    if not isinstance(recipe, dict):
        raise KorqgError(f"{path} is no recipe: it must have a line `name: value` for each parameter.")
    return recipe


def usual_parameters(stage: str) -> dict:
    """The parameters of the stage's notebook as the course means them, whatever somebody's cell says today."""
    return CONFIGS[stage].defaults() | read_recipe(RECIPES / "sample.yaml")[Path(NOTEBOOKS[stage]).stem]


def read_value(text: str, own: Any = None) -> Any:
    """A parameter's value as papermill's -p reads it: True, False, None, a number, or else the text itself.

    Where the notebook's `own` value is a text it stays one: a run may be named 2024.
    """
    if isinstance(own, str):
        return text
    if text in ("True", "False", "None"):
        return {"True": True, "False": False, "None": None}[text]
    for number in (int, float):
        with contextlib.suppress(ValueError):
            return number(text)
    return text


class _Told:
    """What a notebook prints, for the terminal: the lines of PROGRESS alone, as they come."""

    def __init__(self):
        self._rest = ""

    def write(self, text: str) -> None:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in filter(PROGRESS.match, lines):
            print(f"    {line}", flush=True)

    def flush(self) -> None:
        """Each line was flushed as it was printed."""


def run_notebook(stage: str, name: str, outputs: Path, parameters: dict) -> Path:
    """Execute the stage's notebook ("data", "runs" or "compare") into its output folder, and return its HTML.

    `parameters` are those that differ from the usual ones; name and outputs folder are added.
    Raises KorqgError with the failing cell's message when it fails, and when it ended without its manifest.
    """
    import papermill
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    folder = outputs / stage / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error, "`python -m korqg.pipeline --outputs FOLDER`") from None
    executed, finished = folder / NOTEBOOKS[stage], folder / "manifest.json"
    earlier = finished.read_bytes() if finished.is_file() else b""
    source = NOTEBOOKS_FOLDER / NOTEBOOKS[stage]
    # A parameter that is the notebook's own anyway is not passed: no folder of this machine in a shared notebook.
    given = {**usual_parameters(stage), **parameters, PARAMETERS[stage]: name}
    given["outputs_dir"] = "" if outputs == COURSE_FOLDER / "outputs" else str(outputs)
    own = own_parameters(stage)
    given = {key: value for key, value in given.items() if key not in own or own[key] != value}
    started = time.monotonic()
    print(f"{NOTEBOOKS[stage]} ...", flush=True)
    try:
        with _quiet_kernel():
            papermill.execute_notebook(
                source,
                executed,
                parameters=given,
                kernel_name="python3",
                cwd=NOTEBOOKS_FOLDER,
                progress_bar=False,
                log_output=False,
                stdout_file=_Told(),
                on_cell_start=_tell_section,
            )
    except PapermillExecutionError as error:
        raise KorqgError(f"{NOTEBOOKS[stage]} stopped. {error.ename}: {error.evalue}\nSee {executed}") from None
    except NoSuchKernel:
        raise KorqgError(
            f"{NOTEBOOKS[stage]} cannot be run: Jupyter has no Python kernel here. Install one with: "
            f'"{sys.executable}" -m pip install ipykernel'
        ) from None
    except DeadKernelError:
        raise KorqgError(
            f"{NOTEBOOKS[stage]} stopped: its kernel died, most likely because memory ran out. Close other programs, "
            f"or run it with a smaller batch_size.\nSee {executed}"
        ) from None
    except OSError as error:
        raise cannot_write(executed, error) from None
    finally:
        with contextlib.suppress(KorqgError):  # cut off by a full disk: the error on its way says so
            _leave_out_machine_paths(executed)
    if not finished.is_file() or finished.read_bytes() == earlier:
        raise KorqgError(f"{NOTEBOOKS[stage]} ended without its manifest.json: see {executed}")
    page = write_html(executed)
    manifest = read_json(finished)
    on_device = manifest.get("peak_device_memory_gb")
    device = f", on the GPU {on_device:.1f} GB" if on_device else ""
    print(
        f"  {time.monotonic() - started:.0f} s, of which the notebook {manifest['seconds']:.0f} s; "
        f"its peak memory {manifest['peak_memory_gb']:.1f} GB{device} -> {shown(page)}",
        flush=True,
    )
    return page


def _tell_section(cell, cell_index: int) -> None:
    """Print a section's heading when it is reached (nbclient calls it before each cell)."""
    if cell.cell_type == "markdown" and (heading := re.match(r"## (\d.*)", cell.source)):
        print(f"  {heading[1]}", flush=True)


@contextlib.contextmanager
def _quiet_kernel():
    """Keep from the terminal what the kernel's process says there: that it speaks TCP, or that it was interrupted.

    What a cell prints, to stderr too, goes to the notebook; a failing cell's error comes back as an exception.
    """
    kept = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def write_html(executed: Path) -> Path:
    """The executed notebook as one HTML file beside it, which loads nothing from the network.

    Formulas are not set (the course has none, and a $ in a paragraph is a dollar), Korean words are not torn at a
    line's end, and links to the other notebooks lead to their pages of the same name.
    """
    import nbconvert

    exporter = nbconvert.HTMLExporter(embed_images=True, mathjax_url="", require_js_url="", jquery_url="")
    body, _ = exporter.from_filename(str(executed))
    body = re.sub(r'<script src="">\s*</script>', "", body)
    body = body.replace("</head>", "<style>body { word-break: keep-all; overflow-wrap: break-word; }</style></head>", 1)
    body = re.sub(r'<p><a href="https://colab\.[^"]*"><img [^>]*></a></p>', "", body)  # the badge, for the notebook
    for stage, notebook in NOTEBOOKS.items():
        link = f"../../{stage}/{executed.parent.name}/{Path(notebook).with_suffix('.html')}"
        body = body.replace(f'href="{notebook}"', f'href="{link}"')
    page = executed.with_suffix(".html")
    write_text(page, body)
    return page


def _leave_out_machine_paths(executed: Path) -> None:
    """Papermill notes where the files lay; in a notebook to be shared their names are enough."""
    if not executed.is_file():
        return
    notebook = read_json(executed)
    noted = notebook["metadata"].get("papermill", {})
    for key in ("input_path", "output_path"):
        if noted.get(key):
            noted[key] = Path(noted[key]).name
    write_json(executed, notebook)


def finished_data(config: TrainConfig) -> dict:
    """The manifest of the data that `config` reads; the sample's, where nobody has made them yet, are made now.

    So notebook 2 can be opened alone, as in Colab. Raises KorqgError when notebook 1 fails, and as require_finished.
    """
    if config.data_name == "sample" and not (config.data_folder / "manifest.json").is_file() and is_main():
        print("No data yet: notebook 1 makes them first, about a minute. · 먼저 1번 노트북으로 데이터를 만듭니다.")
        run_notebook("data", config.data_name, config.outputs, {})
    return require_finished(config.data_folder)


def print_figures(metrics_file: Path) -> None:
    """The figures of before and after, one line each."""
    metrics = read_json(metrics_file)
    print(f"\n{'':28}{'n':>4}{'single question':>18}{'stopped':>10}{'ROUGE-L':>10}{'chrF':>8}")
    for run, stages in metrics["runs"].items():
        for stage in ("before", "after"):
            f = stages[stage]
            rates = f"{100 * f['single_question_rate']:16.1f} %{100 * f['stop_rate']:8.1f} %"
            print(f"{run + ', ' + stage:28}{f['n']:>4}{rates}{100 * f['rouge_l']:10.1f}{100 * f['chrf']:8.1f}")
        train = stages["train"]
        print(
            f"{run}: validation loss {train['eval_loss_before']:.2f} before, {train['eval_loss_after']:.2f} after "
            f"(n = {train['validation_rows']} rows)"
        )


def shown(path: Path) -> str:
    """A path as the user would type it from here."""
    path, here = path.resolve(), Path.cwd().resolve()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


@command
def main(arguments: list[str] | None = None) -> int:
    """Run the three notebooks; the exit code is 0 only when all three finished."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--outputs", default=str(COURSE_FOLDER / "outputs"), help="where results go")
    parser.add_argument("--name", default="sample", help="name of the data, the run and the comparison")
    parser.add_argument("--recipe", type=Path, help="a file of notebooks/recipes/all_three")
    parser.add_argument("-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help="a parameter")
    parser.add_argument("--parameters", action="store_true", help="list the parameters that no cell shows")
    options = parser.parse_args(arguments)
    if options.parameters:
        for stage, config in CONFIGS.items():
            print(f"{NOTEBOOKS[stage]}\n{config.listing() or 'all of them stand in its cell · 모두 노트북에 있음'}\n")
        return 0
    name, started = options.name, time.monotonic()
    try:
        outputs = outputs_folder(options.outputs)
        require_packages()
        recipe = read_recipe(options.recipe) if options.recipe else {}
        given = _by_stage(recipe, options.p)
        run_notebook("data", name, outputs, given["data"])
        run_notebook("runs", name, outputs, {**given["runs"], "data_name": name})
        page = run_notebook("compare", name, outputs, {"run_names": [name], **given["compare"]})
    except KeyboardInterrupt:
        print(
            "\nInterrupted. What was finished before is kept. Run the same command again: a training that was cut off "
            "goes on from its newest checkpoint, if it has saved one.",
            file=sys.stderr,
        )
        return 130
    print_figures(page.parent / "metrics.json")
    peak = max(read_json(outputs / stage / name / "manifest.json")["peak_memory_gb"] for stage in NOTEBOOKS)
    print(f"\nAll three: {(time.monotonic() - started) / 60:.1f} minutes, a notebook's peak memory {peak:.1f} GB.")
    print(f"Look at {shown(page.parent / 'side_by_side.html')} and {shown(page)} · 이 두 파일을 열어 보세요.")
    if recipe.get("says"):
        print(f"\n{recipe['says']}")
    return 0


def _by_stage(recipe: dict, given: list[tuple[str, str]]) -> dict[str, dict]:
    """Each notebook's parameters out of a recipe, and over them those given, to every notebook that has the name.

    Raises KorqgError for a section or a name that there is not.
    """
    stems = {stage: Path(notebook).stem for stage, notebook in NOTEBOOKS.items()}
    if unknown := recipe.keys() - {"says", *stems.values()}:
        raise KorqgError(f"The recipe has {min(unknown)!r}; its sections are: {', '.join(stems.values())}.")
    usual = {stage: usual_parameters(stage) for stage in stems}
    for name, _ in given:
        if not any(name in of for of in usual.values()):
            near = difflib.get_close_matches(name, [one for of in usual.values() for one in of], 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise KorqgError(
                f"No notebook has a parameter {name!r}.{hint} make parameters lists those that are not shown.",
                "그런 매개변수가 없습니다.",
            )
    return {
        stage: (recipe.get(stem) or {})
        | {name: read_value(text, usual[stage][name]) for name, text in given if name in usual[stage]}
        for stage, stem in stems.items()
    }


if __name__ == "__main__":
    sys.exit(main())
