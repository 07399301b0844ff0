"""How long one's own text takes: documents to chunks with the real tokenizer, and rows to passages.

The text is the sample corpus's, its paragraphs in seeded order and each numbered, so that none is read twice.
Run it from the course's folder; pytest does not collect it:

    PYTHONPATH=notebooks python tests/benchmarks/own_text.py --characters 1000000 --rows 100000
"""

import argparse
import csv
import json
import random
import sys
import tempfile
import time
from pathlib import Path

from korqg.config import SAMPLE_CORPUS
from korqg.data.corpus import read_korquad
from korqg.data.documents.chunks import chunk_documents
from korqg.data.own_rows import read_rows
from korqg.model.choose import choose_model, load_tokenizer
from korqg.sentences import split_sentences


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--characters", type=int, default=1_000_000, help="of the document (0: no document)")
    parser.add_argument("--rows", type=int, default=100_000, help="of each table (0: no table)")
    parser.add_argument("--max-tokens", type=int, default=300)
    parser.add_argument("--overlap-tokens", type=int, default=0)
    parser.add_argument("--one-paragraph", action="store_true", help="the whole document as a single paragraph")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    passages = read_korquad(SAMPLE_CORPUS).passages
    with tempfile.TemporaryDirectory() as folder:
        if arguments.characters:
            time_document(Path(folder), passages, arguments)
        if arguments.rows:
            time_rows(Path(folder), passages, arguments)


def time_document(folder: Path, passages: list, arguments: argparse.Namespace) -> None:
    """Print seconds, megabytes and chunks of a .txt document."""
    order, paragraphs, size = random.Random(arguments.seed), [], 0
    while size < arguments.characters:
        paragraphs.append(f"{len(paragraphs) + 1}번 글이다. {order.choice(passages).text}")
        size += len(paragraphs[-1]) + 2
    text = (" " if arguments.one_paragraph else "\n\n").join(paragraphs)
    path = folder / "document.txt"
    path.write_text(text, encoding="utf-8")
    tokenizer = load_tokenizer(choose_model("gemma-3-270m"))

    def count_tokens(text: str) -> int:
        return len(tokenizer(text, add_special_tokens=False)["input_ids"])

    split_sentences("준비 운동이다.")  # Kiwi is loaded before the clock starts
    print(f"{len(text):,} characters, {len(text.encode()) / 1e6:.2f} MB of UTF-8")
    for _ in range(arguments.repeats):
        start = time.perf_counter()
        chunks = chunk_documents(path, arguments.max_tokens, count_tokens, arguments.overlap_tokens).chunks
        seconds = time.perf_counter() - start
        sizes = [count_tokens(chunk.text) for chunk in chunks]
        print(
            f"  {seconds:6.1f} s  {len(chunks):,} chunks of {min(sizes)} to {max(sizes)} tokens, "
            f"{sum(sizes) / len(sizes):.0f} on average"
        )
        if max(sizes) > arguments.max_tokens:
            sys.exit("a chunk is too long")


def time_rows(folder: Path, passages: list, arguments: argparse.Namespace) -> None:
    """Print seconds for the same rows as .jsonl, .json and .csv, four questions to a passage."""
    rows = []
    for number in range(arguments.rows):
        passage = passages[number // 4 % len(passages)]
        question = passage.questions[number % len(passage.questions)]
        text = f"{number // 4 + 1}번 글이다. {passage.text}"
        rows.append({"passage": text, "question": f"{number}. {question.text}", "answer": question.answer})
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (folder / "rows.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (folder / "rows.json").write_text(f"[{', '.join(lines)}]", encoding="utf-8")
    with open(folder / "rows.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    for name in ("rows.jsonl", "rows.json", "rows.csv"):
        for _ in range(arguments.repeats):
            start = time.perf_counter()
            corpus = read_rows(folder / name)
            seconds = time.perf_counter() - start
            size = (folder / name).stat().st_size / 1e6
            print(f"  {seconds:6.1f} s  {name}: {len(rows):,} rows, {size:.0f} MB, {len(corpus.passages):,} passages")


if __name__ == "__main__":
    main()
