"""Ask about documents with a run that is finished: `make ask DOCUMENTS=path RUN=sample`.

    python -m korqg.ask DOCUMENTS [--run-name RUN] [--name NAME] [--batch-size N]

run with notebooks/ on PYTHONPATH. DOCUMENTS is one file or a folder. The questions go to
outputs/asked/<name>/recommended_questions.json, those without to left_out.json, and both to page.html. Each answer is
written as it comes, so that a job that was cut off goes on with what is left; several processes share the work.
"""

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from korqg.ask.recommend import QUESTIONS_PER_CHUNK, recommend
from korqg.ask.round_trip import RoundTrip, trusted_threshold
from korqg.config import COURSE_FOLDER, outputs_folder, require_folder_name
from korqg.devices import from_main, is_main, join_processes, process_count, wait_for_all
from korqg.errors import KorqgError, tell
from korqg.files import cannot_write, read_json, read_jsonl, sha256_of, write_json, write_text
from korqg.notebook import prepare_notebook
from korqg.output_folders import finished_folders, require_finished

# Questions generated at a time. Of 256 an H200 answers 70 a second, of 1,024 224 (tests/benchmarks/README.md).
ON_A_CPU, ON_A_GPU = 16, 1024
BATCHES_A_PART = 4  # Whose answers are written together on a GPU, so that the few that are read back fill batches too
# Chunks, at least, that a further process is worth: it loads Kiwi first, and a chunk takes 0.05 s.
CHUNKS_A_PROCESS = 60
CANDIDATES_PER_CHUNK = 8
CHUNK_TOKENS = 384
KEPT_RUN = "sample-gpu"  # The adapter in outputs/example/runs, trained on a GPU on all rows of the sample
Ask = Callable[[list[dict]], list[dict]]  # What the model says about rows, in their order


def ask_all(
    ask: Ask, rows: list[dict], file: Path, at_a_time: int, progress: Callable[[str], None] | None = None
) -> list[dict]:
    """An answer for each row, in the rows' order; those that `file` has already are not asked again.

    `ask` is called on every process. Rows go to it in parts of `at_a_time`, the longest first; each part's answers
    are appended to `file`, JSON Lines with the row's id, before the next part begins. A line that was cut off while it
    was written is dropped, and its row asked again.
    Raises KorqgError for two rows with one id, for an answer to a row that is not there, and when the disk is full.
    """
    ids = [row["id"] for row in rows]
    if len(set(ids)) < len(ids):
        twice = next(one for place, one in enumerate(ids) if one in ids[:place])
        raise KorqgError(f"Two rows have the id {twice!r}: answers are kept by id, so each needs one of its own.")
    answers = from_main(lambda: _answers_in(file))
    strangers = answers.keys() - set(ids)
    if strangers:
        raise KorqgError(
            f"{file} has answers to other rows ({min(strangers)!r} and more): move it away, or give back the rows."
        )
    waiting = sorted((row for row in rows if row["id"] not in answers), key=lambda row: -len(row["input"]))
    if progress and answers:
        progress(f"{len(answers)} of {len(rows)} questions are there already")
    started, before = time.monotonic(), len(answers)
    for place in range(0, len(waiting), at_a_time):
        part = waiting[place : place + at_a_time]
        new = {row["id"]: answer for row, answer in zip(part, ask(part), strict=True)}
        _append(file, new)
        answers |= new
        seconds = time.monotonic() - started
        left = seconds / (len(answers) - before) * (len(rows) - len(answers))
        if progress:
            progress(f"{len(answers)} of {len(rows)} questions, {seconds:.0f} s, about {left:.0f} s left")
    return [answers[one] for one in ids]


def _answers_in(file: Path) -> dict[str, dict]:
    """The answers by id, after a line that was cut off has been taken out of the file."""
    if not file.is_file():
        return {}
    with open(file, "r+b") as opened:
        data = opened.read()
        opened.truncate(data.rfind(b"\n") + 1)
    answers: dict[str, dict] = {}
    for entry in read_jsonl(file):
        answers[entry.pop("id")] = entry
    return answers


def _append(file: Path, answers: dict[str, dict]) -> None:
    if not is_main():
        return
    lines = [json.dumps({"id": one, **answer}, ensure_ascii=False) + "\n" for one, answer in answers.items()]
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(file, "a", encoding="utf-8", newline="\n") as opened:
            opened.write("".join(lines))
            opened.flush()
            os.fsync(opened.fileno())
    except OSError as error:
        raise cannot_write(file, error) from None


def asker_of(run: Path, parameters: dict, batch_size: int, reads: bool = True, over: Callable = map) -> Ask:
    """The run's model with its adapter: for rows of own.jsonl the questions, with the answers that come back.

    `reads` is False for a model whose answers are not to be trusted: it is not asked for them. `over` as for
    `chunks_and_rows`.
    """
    from korqg.model.export import load_run
    from korqg.model.generate import Generator

    lengths = (parameters["max_length"], parameters["max_new_tokens"])
    generator = Generator(*load_run(run, parameters), *lengths, batch_size, parameters["prompt_format"])
    come_back = RoundTrip(generator, over)
    return lambda rows: come_back(rows, generator.generate(rows), for_readers=True, reads=reads)


class Cores:
    """Applies a function to many things: by itself, or on all cores where there are enough of them.

    The other processes are the program's alone: a script that imports this module would be run again by each.
    """

    def __init__(self):
        self._pool = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def __call__(self, function: Callable, things: Iterable) -> list:
        """What `function` gives for each of the things, in their order."""
        things = list(things)
        cores = min((os.cpu_count() or 1) // process_count(), len(things) // CHUNKS_A_PROCESS)
        if __name__ != "__main__" or cores < 2:
            return [function(one) for one in things]
        self._pool = self._pool or ProcessPoolExecutor(cores, get_context("spawn"))
        return list(self._pool.map(function, things, chunksize=8))


def chunks_and_rows(
    documents: Path, count: int, parameters: dict, over: Callable = map, rough: bool = True
) -> tuple[list[dict], list[dict], list[dict]]:
    """The documents' chunks, a row for each candidate answer, and the files that were passed over.

    `over` applies a function to many things, as `map` does and `Cores` on several cores; `rough` as for make_own_rows.
    """
    from korqg.data.documents.chunks import chunk_documents
    from korqg.data.instruction_rows import make_own_rows, place_of_chunk
    from korqg.model.choose import choose_model, load_tokenizer

    tokenizer = load_tokenizer(choose_model(parameters["model_name"]))
    room = min(CHUNK_TOKENS, parameters["max_length"] - 120)  # the question and the turns stand beside a chunk
    found = chunk_documents(documents, room, lambda text: len(tokenizer.encode(text, add_special_tokens=False)))
    chunks = [
        {"id": chunk.id, "title": chunk.title, "text": chunk.text, "place": place_of_chunk(chunk)}
        for chunk in found.chunks
    ]
    rows = list(over(partial(make_own_rows, count=count, rough=rough), found.chunks))
    return chunks, [row for some in rows for row in some], found.skipped


def find_run(outputs: Path, name: str) -> Path:
    """The folder of a finished run of that name, in outputs/runs or among the kept ones in outputs/example/runs.

    Raises KorqgError when neither is finished with an adapter, or when it has not learnt to ask and to answer.
    """
    require_folder_name("run_name", name)
    if name == "sample" and not (outputs / "runs" / name / "manifest.json").is_file():
        name = KEPT_RUN  # before anybody has trained, the kept adapter asks
    places = (outputs / "runs" / name, outputs / "example" / "runs" / name)
    run = next((one for one in places if (one / "adapter" / "adapter_model.safetensors").is_file()), places[0])
    if not any(one.is_dir() for one in places):
        there = {one.name for place in places for one in finished_folders(place.parent)}
        raise KorqgError(
            f"There is no run {name!r} (finished: {', '.join(sorted(there)) or 'none'}). Name one of these, or run "
            "02_train_lora.ipynb with this run_name; make run trains one named sample.",
            "그런 이름의 실행이 없습니다. make run이 sample을 만듭니다.",
        )
    tasks = require_finished(run)["figures"].get("tasks")
    if not (run / "adapter").is_dir():
        raise KorqgError(f"runs/{name} has no adapter: run 02_train_lora.ipynb with run_name={name!r} first.")
    if tasks is not None and not {"answer_aware", "answer"} <= set(tasks):
        raise KorqgError(
            f"runs/{name} has learnt {' and '.join(tasks)} alone: asking about documents takes a run on "
            'task="answer_aware+answer" (notebook 1\'s default).'
        )
    return run


def ask_documents(
    outputs: Path,
    run_name: str,
    documents: Path,
    name: str = "",
    batch_size: int = 0,
    candidates: int = CANDIDATES_PER_CHUNK,
    questions_per_chunk: int = QUESTIONS_PER_CHUNK,
    style: str = "plain",
    over: Callable = map,
) -> Path:
    """Ask a finished run about documents; the folder outputs/asked/<name> with the questions and the page.

    Without a name it is the documents' own; `over` as for `chunks_and_rows`. Raises KorqgError for a run that is not
    finished or has learnt something else, for documents that cannot be read, and for a job of this name that was begun
    with another adapter or text.
    """
    if not documents.exists():
        raise KorqgError(
            f"{documents} does not exist: name a document or a folder of them.", "그런 파일이나 폴더가 없습니다."
        )
    name = name or re.sub(r"[^\w가-힣.-]+", "_", documents.stem).strip("._-") or "documents"
    require_folder_name("name", name)
    run = find_run(outputs, run_name)
    manifest = require_finished(run)
    threshold = trusted_threshold(manifest["figures"].get("round_trip", {}))
    chunks, rows, skipped = chunks_and_rows(documents, candidates, manifest["parameters"], over, threshold <= 1)
    folder = outputs / "asked" / name
    made_of = {
        "adapter": sha256_of(run / "adapter" / "adapter_model.safetensors"),
        "chunks": [row["input"] for row in rows],
    }

    def begin() -> None:
        if not (folder / "answers.jsonl").is_file():
            write_json(folder / "job.json", made_of)
        elif read_json(folder / "job.json") != made_of:
            if not (folder / "recommended_questions.json").is_file():
                raise KorqgError(
                    f"{folder} was begun with another adapter or other text, so its answers cannot be used: move it "
                    "away, or give this one another name (NAME=...).",
                    "다른 어댑터나 다른 글로 시작한 작업입니다. 그 폴더를 옮기거나 NAME=...으로 이름을 바꾸세요.",
                )
            print(f"{folder.name} was asked about before, with another adapter or other text: it is asked anew.")
            for earlier in ("answers.jsonl", "recommended_questions.json", "page.html"):
                (folder / earlier).unlink(missing_ok=True)
            write_json(folder / "job.json", made_of)

    from_main(begin)
    kept = " (the kept adapter: no run of that name has been trained here)" if run.name != run_name else ""
    print(f"runs/{run.name} asks{kept}")
    print(f"{len(chunks)} chunks, {len(rows)} candidate answers; {len(skipped)} files passed over")
    answers = []
    if rows:
        import torch

        on_gpu = torch.cuda.is_available()
        if not on_gpu:
            print("The first answers take about a minute. · 첫 답이 나오기까지 1분쯤 걸립니다.", flush=True)
        batch_size = batch_size or (ON_A_GPU if on_gpu else ON_A_CPU)
        ask = asker_of(run, manifest["parameters"], batch_size, threshold <= 1, over)
        at_a_time = batch_size * (BATCHES_A_PART if on_gpu else 1) * process_count()
        answers = ask_all(ask, rows, folder / "answers.jsonl", at_a_time, print)
    asked = [{**row, **answer} for row, answer in zip(rows, answers, strict=True)]
    recommended, left_out = recommend(asked, chunks, questions_per_chunk, threshold, style, over)
    if is_main():
        write_json(folder / "recommended_questions.json", recommended)
        write_json(
            folder / "left_out.json", left_out + [{"file": one["file"], "reason": one["reason"]} for one in skipped]
        )
        from korqg.compare.page import questions_page

        write_text(folder / "page.html", questions_page(recommended, left_out, name))
    wait_for_all()
    print(f"{len(recommended)} questions for {len(chunks) - len(left_out)} of {len(chunks)} chunks")
    return folder


def main_ask(arguments: list[str] | None = None) -> int:
    """Ask, on as many processes as torchrun has started; the exit code is 0 only when every chunk was asked about."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("documents", type=Path, help="a .txt, .md, .docx, .pdf, .hwpx or .hwp file, or a folder")
    parser.add_argument("--run-name", default=KEPT_RUN, help="a finished run; without one the adapter that is kept")
    parser.add_argument("--name", default="", help="names the folder outputs/asked/<name>")
    parser.add_argument(
        "--batch-size", type=int, help=f"questions generated at a time by each: {ON_A_CPU}, on a GPU {ON_A_GPU}"
    )
    parser.add_argument("--candidates", type=int, default=CANDIDATES_PER_CHUNK, help="asked about in a chunk, at most")
    parser.add_argument("--questions", type=int, default=QUESTIONS_PER_CHUNK, help="recommended for a chunk, at most")
    parser.add_argument("--style", choices=("plain", "polite"), default="plain", help="-는가 or -나요")
    parser.add_argument("--outputs", default=str(COURSE_FOLDER / "outputs"), help="the outputs folder")
    options = parser.parse_args(arguments)
    for name in ("batch_size", "candidates", "questions"):
        if getattr(options, name) is not None and getattr(options, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be 1 or more.")
    try:
        outputs = outputs_folder(options.outputs)
    except KorqgError as error:
        return tell(error)
    prepare_notebook()
    try:
        join_processes()
        with Cores() as over:
            folder = ask_documents(
                outputs,
                options.run_name,
                options.documents.expanduser(),
                options.name,
                options.batch_size or 0,
                options.candidates,
                options.questions,
                options.style,
                over,
            )
        print(f"Open {folder / 'page.html'}")
    except Exception as error:
        if process_count() > 1:
            raise
        return tell(error)
    except KeyboardInterrupt:
        if process_count() > 1:
            raise
        print("\nInterrupted. The same command goes on with what has no answer yet.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main_ask())
