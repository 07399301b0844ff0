"""Kill -9 at random moments of notebook 02 on a CPU: does every run that goes on end with the undisturbed adapter?

    python tests/benchmarks/kills.py [--kills 10] [--seed 0] [--model gemma-3-270m] [--steps 24]

Data: 32 rows of the built-in sample. Without --model a Gemma 3 of two layers with random weights. A run is killed
with its kernel at a moment drawn evenly from the undisturbed run's seconds, then started again until it ends; the
adapter's SHA-256 and the outputs before and after must be the undisturbed run's.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from record import COURSE, arguments, write_record

NOTEBOOKS = COURSE / "notebooks"
CODE = (
    "import json, sys; from pathlib import Path; from korqg.pipeline import run_notebook\n"
    "run_notebook(sys.argv[1], sys.argv[2], Path(sys.argv[3]), json.loads(sys.argv[4]))"
)
COMPARED = ("adapter/adapter_model.safetensors", "init_outputs.json", "after_outputs.json")


def start(stage: str, name: str, outputs: Path, parameters: dict) -> psutil.Popen:
    command = [sys.executable, "-c", CODE, stage, name, str(outputs), json.dumps(parameters)]
    return psutil.Popen(command, cwd=NOTEBOOKS, stdout=subprocess.DEVNULL)


def kill(process: psutil.Popen) -> None:
    for one in [*process.children(recursive=True), process]:
        one.kill()
    process.wait()


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="")
    parser.add_argument("--steps", type=int, default=24)
    options = parser.parse_args()
    from conftest import save_tiny_model

    from korqg.files import sha256_of
    from korqg.model.choose import choose_model, load_tokenizer

    draw = random.Random(options.seed)
    os.environ["WANDB_MODE"] = "offline"
    with tempfile.TemporaryDirectory() as folder:
        outputs = Path(folder) / "outputs"
        tokenizer = load_tokenizer(choose_model("gemma-3-270m"))
        model = options.model or str(save_tiny_model(Path(folder) / "model", tokenizer))
        data = {"max_train_rows": 32, "max_passage_tokens": 120, "own_path": "none"}
        assert start("data", "few", outputs, data).wait() == 0
        parameters = {
            "data_name": "few",
            "model_name": model,
            "max_steps": options.steps,
            "batch_size": 2,
            "gradient_accumulation_steps": 2,
            "max_new_tokens": 12,
        }
        began = time.monotonic()
        assert start("runs", "whole", outputs, parameters).wait() == 0
        seconds = time.monotonic() - began
        expected = {name: sha256_of(outputs / "runs" / "whole" / name) for name in COMPARED}
        print(f"Undisturbed: {seconds:.0f} s", flush=True)
        equal = behind = 0
        for number in range(options.kills):
            shutil.rmtree(outputs / "runs" / "cut", ignore_errors=True)
            moment = draw.uniform(0, seconds)
            process = start("runs", "cut", outputs, parameters)
            try:
                process.wait(timeout=moment)
                state = "had ended"
            except (subprocess.TimeoutExpired, psutil.TimeoutExpired):
                kill(process)
                checkpoints = sorted(path.name for path in (outputs / "runs" / "cut" / "checkpoints").glob("*"))
                state = f"had {', '.join(checkpoints) or 'no checkpoint'}"
                behind += bool(checkpoints)
                assert start("runs", "cut", outputs, parameters).wait() == 0
            found = {name: sha256_of(outputs / "runs" / "cut" / name) for name in COMPARED}
            equal += found == expected
            verdict = "the same" if found == expected else "DIFFERENT"
            print(f"{number + 1}: killed after {moment:.1f} s, {state}: {verdict}", flush=True)
    row = {"steps": options.steps, "seed": options.seed, "undisturbed_s": round(seconds), "kills": options.kills}
    row |= {"with a checkpoint behind them": behind, "ended with the undisturbed run's adapter and outputs": equal}
    settings = {"model": options.model or "a Gemma 3 of two layers with random weights", "rows": 32}
    write_record(__file__, options, [row], n=1, settings=settings)
    if equal != options.kills:
        sys.exit("A run did not end as the undisturbed one.")


if __name__ == "__main__":
    main()
