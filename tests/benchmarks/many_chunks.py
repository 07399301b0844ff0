"""Kill -9 at random moments of a job that asks about many chunks: is every chunk asked, once, with the same outputs?

    python tests/benchmarks/many_chunks.py [--chunks 10000] [--kills 4] [--seed 0]

with notebooks/ on PYTHONPATH. Chunks: one to three sentences of the built-in sample, drawn at random. The run is a
Gemma 3 of two layers with random weights and a random adapter. One job is left alone; another one is killed again and
again, up to two seconds after a number of answers is there that is drawn anew for each kill, and then left to end.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
sys.path[:0] = [str(NOTEBOOKS), str(NOTEBOOKS.parent / "tests")]


def make_chunks(count: int, draw: random.Random) -> list[str]:
    from korqg.config import SAMPLE_CORPUS

    articles = json.loads(SAMPLE_CORPUS.read_text(encoding="utf-8"))["data"]
    paragraphs = [paragraph["context"] for article in articles for paragraph in article["paragraphs"]]
    sentences = [f"{sentence.strip(' .')}." for paragraph in paragraphs for sentence in paragraph.split(". ")]
    return [" ".join(draw.choices(sentences, k=draw.randint(1, 3))) for _ in range(count)]


def start(outputs: Path) -> subprocess.Popen:
    given = ["--run-name", "tiny", "--data-name", "chunks", "--outputs", str(outputs)]
    return subprocess.Popen(
        [sys.executable, "-m", "korqg.ask", *given],
        env={**os.environ, "PYTHONPATH": str(NOTEBOOKS)},
        stdout=subprocess.DEVNULL,
    )


def line_count(file: Path) -> int:
    return file.read_bytes().count(b"\n") if file.is_file() else 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    from conftest import save_finished_run, save_tiny_model

    from korqg.files import read_json, read_jsonl, sha256_of
    from korqg.models import choose_model, load_tokenizer

    draw = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        outputs = Path(folder) / "outputs"
        model = save_tiny_model(Path(folder) / "model", load_tokenizer(choose_model("gemma-3-270m")))
        texts = make_chunks(options.chunks, draw)
        save_finished_run(outputs, model, texts)
        asked = outputs / "asked" / "tiny_chunks"
        began = time.monotonic()
        assert start(outputs).wait() == 0
        seconds = time.monotonic() - began
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e9
        print(f"Undisturbed: {seconds:.0f} s, {options.chunks / seconds:.0f} chunks/s, peak {peak:.2f} GB", flush=True)
        whole = asked.rename(asked.with_name("whole"))
        share = options.chunks // (options.kills + 1)
        for number in range(options.kills):
            wanted = number * share + draw.randint(1, share)
            process = start(outputs)
            while line_count(asked / "answers.jsonl") < wanted and process.poll() is None:
                time.sleep(0.05)
            time.sleep(draw.uniform(0, 2))
            assert process.poll() is None, "the job ended before it could be killed"
            process.kill()
            process.wait()
            there = line_count(asked / "answers.jsonl")
            print(f"Kill {number + 1}: {there} answers there", flush=True)
        began = time.monotonic()
        assert start(outputs).wait() == 0
        print(f"Gone on to the end: {time.monotonic() - began:.0f} s", flush=True)
        found = read_json(asked / "after_outputs.json")
        once = sorted(entry["id"] for entry in read_jsonl(asked / "answers.jsonl")) == sorted(
            f"chunk-{number}" for number in range(options.chunks)
        )
        in_order = [row["input"] for row in found] == texts
        same = sha256_of(asked / "after_outputs.json") == sha256_of(whole / "after_outputs.json")
        distinct = len({row["model_output"] for row in found})
        print(f"Each once: {once}; in order: {in_order}; the undisturbed outputs: {same} ({distinct} different ones)")
        sys.exit(not (once and in_order and same))


if __name__ == "__main__":
    main()
