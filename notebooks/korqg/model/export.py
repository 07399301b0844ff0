"""A finished run as a model of its own, without training it again: `make export RUN=sample`.

    python -m korqg.model.export [RUN] [--gguf]

run with notebooks/ on PYTHONPATH. The model with the adapter merged in goes to outputs/runs/<run>/merged, and as one
file for llama.cpp to outputs/runs/<run>/merged.gguf.
"""

import argparse
import sys
from pathlib import Path

from korqg.config import COURSE_FOLDER, outputs_folder, require_folder_name
from korqg.errors import command
from korqg.model.choose import choose_model, load_tokenizer
from korqg.model.llama_cpp import write_gguf
from korqg.model.load import load_model
from korqg.model.precision import choose_precision
from korqg.model.save import export_merged
from korqg.notebook import prepare_notebook
from korqg.output_folders import hold, let_go, require_finished


def load_run(run: Path, parameters: dict):
    """A finished run's model with its adapter, and the tokenizer; `parameters` are its manifest's."""
    from peft import PeftModel

    choice = choose_model(parameters["model_name"])
    precision = choose_precision(parameters["precision"], parameters["quantization"])
    model = load_model(choice, precision, parameters["quantization"])
    return PeftModel.from_pretrained(model, str(run / "adapter")).eval(), load_tokenizer(choice)


def export_run(outputs: Path, name: str, gguf: bool = False) -> Path:
    """Merge a finished run's adapter into its model; the folder, or the file with `gguf`.

    Raises KorqgError when that cannot be done.
    """
    require_folder_name("run_name", name)
    run = outputs / "runs" / name
    parameters = require_finished(run)["parameters"]
    hold(run)
    model, tokenizer = load_run(run, parameters)
    export_merged(model, tokenizer, run / "merged", parameters["prompt_format"])
    made = run / "merged"
    if gguf:
        made = run / "merged.gguf"
        write_gguf(run / "merged", made)
    let_go(run)
    return made


@command
def main_export(arguments: list[str] | None = None) -> None:
    """What `python -m korqg.model.export` does; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", nargs="?", default="sample", help="a finished run, outputs/runs/<run>")
    parser.add_argument("--gguf", action="store_true", help="make one file for llama.cpp of it, too")
    parser.add_argument("--outputs", default=str(COURSE_FOLDER / "outputs"), help="the outputs folder")
    options = parser.parse_args(arguments)
    prepare_notebook()
    print(f"Saved {export_run(outputs_folder(options.outputs), options.run, options.gguf)}")


if __name__ == "__main__":
    sys.exit(main_export())
