"""How long one's own text takes: documents to chunks with the real tokenizer, and rows to passages.

The text is the sample corpus's, its paragraphs in seeded order and each numbered, so that none is read twice.

    python tests/benchmarks/own_text.py --characters 1000000 --rows 100000
"""

import argparse
import random
import tempfile
import time
from functools import partial
from pathlib import Path

import pandas
from record import arguments, write_record

from korqg.config import SAMPLE_CORPUS
from korqg.data.corpus import read_korquad
from korqg.data.documents.chunks import chunk_documents
from korqg.data.own_rows import read_rows
from korqg.model.choose import choose_model, load_tokenizer
from korqg.sentences import split_sentences


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--characters", type=int, default=1_000_000, help="of the document (0: no document)")
    parser.add_argument("--rows", type=int, default=100_000, help="of each table (0: no table)")
    parser.add_argument("--max-tokens", type=int, default=300)
    parser.add_argument("--overlap-tokens", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    passages = read_korquad(SAMPLE_CORPUS).passages
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        if options.characters:
            figures.append(time_document(Path(folder), passages, options))
        if options.rows:
            figures += time_rows(Path(folder), passages, options)
    settings = {"tokens of a chunk, at most": options.max_tokens, "tokens of overlap": options.overlap_tokens}
    write_record(__file__, options, figures, n=options.repeats, settings=settings)


def measured(what: str, read, file: Path, repeats: int) -> dict:
    """A row of the table: megabytes of the file, and seconds of each call of `read`."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        read()
        seconds.append(round(time.perf_counter() - start, 2))
    return {"what": what, "mb": round(file.stat().st_size / 1e6, 2), "seconds": seconds}


def time_document(folder: Path, passages: list, options: argparse.Namespace) -> dict:
    """Seconds, megabytes and chunks of a .txt document."""
    order, paragraphs, size = random.Random(0), [], 0
    while size < options.characters:
        paragraphs.append(f"{len(paragraphs) + 1}번 글이다. {order.choice(passages).text}")
        size += len(paragraphs[-1]) + 2
    text = "\n\n".join(paragraphs)
    path = folder / "document.txt"
    path.write_text(text, encoding="utf-8")
    tokenizer = load_tokenizer(choose_model("gemma-3-270m"))

    def count_tokens(text: str) -> int:
        return len(tokenizer(text, add_special_tokens=False)["input_ids"])

    split_sentences("준비 운동이다.")  # Kiwi is loaded before the clock starts
    read = partial(chunk_documents, path, options.max_tokens, count_tokens, options.overlap_tokens)
    return measured(f"{len(text):,} characters of Korean prose, in chunks", read, path, options.repeats)


def time_rows(folder: Path, passages: list, options: argparse.Namespace) -> list[dict]:
    """Seconds for the same rows as .jsonl, .json and .csv, four questions to a passage."""
    rows = []
    for number in range(options.rows):
        passage = passages[number // 4 % len(passages)]
        question = passage.questions[number % len(passage.questions)]
        text = f"{number // 4 + 1}번 글이다. {passage.text}"
        rows.append({"passage": text, "question": f"{number}. {question.text}", "answer": question.answer})
    table = pandas.DataFrame(rows)
    table.to_json(folder / "rows.jsonl", orient="records", lines=True, force_ascii=False)
    table.to_json(folder / "rows.json", orient="records", force_ascii=False)
    table.to_csv(folder / "rows.csv", index=False)
    files = [folder / f"rows.{end}" for end in ("jsonl", "json", "csv")]
    what = f"{len(rows):,} rows, "
    return [measured(what + file.suffix, partial(read_rows, file), file, options.repeats) for file in files]


if __name__ == "__main__":
    main()
