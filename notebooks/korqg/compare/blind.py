"""Blind reading: people judge questions without knowing who wrote them, and their marks become figures.

    python -m korqg.compare.blind sheet FOLDER --asked MADE [--asked MADE ...]   makes sheet.txt, sheet.json, key.json
    python -m korqg.compare.blind read FOLDER RATINGS [RATINGS]                  shares by maker, kappa of two readers

run with notebooks/ on PYTHONPATH. The sheet holds no hint of the makers; key.json does, so keep it from the readers.
"""

import argparse
import random
import sys
from pathlib import Path
from textwrap import shorten

from korqg.compare.page import percent
from korqg.compare.scores import Scored, summarize
from korqg.errors import KorqgError, command
from korqg.files import read_json, write_json, write_text
from korqg.notebook import prepare_notebook
from korqg.prompts import passage_of
from korqg.question import unified

# The five marks of a question, 0 or 1 each (null: not judged), in the order in which a reader writes them.
MARKS = ("korean", "answered", "right_answer", "shown", "shown_edited")


LONGEST_ANSWER = 80  # Characters of an answer on a sheet, at most


def make_sheet(questions: list[dict], seed: int) -> tuple[list[dict], dict[str, list[str]]]:
    """The items of a sheet in seeded shuffled order, and the key: number to makers.

    `questions` have `maker`, `passage`, `question` and `answer` ("" or None: none is named). An item has `number`,
    `passage`, `question` and `answer`, and nothing that tells its maker; equal questions about one passage (blanks and
    the way Hangul is composed make no difference) stand once, with all their makers in the key. Items of one passage
    stand together, so that it is read once. Of an answer that is a whole section its beginning is shown.
    """
    together: dict[tuple, set[str]] = {}
    for one in questions:
        answer = shorten(one.get("answer") or "", LONGEST_ANSWER, placeholder=" …")
        together.setdefault((one["passage"], unified(one["question"]), answer), set()).add(one["maker"])
    draw = random.Random(seed)
    passages = sorted({passage for passage, _, _ in together})
    draw.shuffle(passages)
    order = sorted(together)
    draw.shuffle(order)
    order.sort(key=lambda item: passages.index(item[0]))
    items = [
        {"number": str(number), "passage": passage, "question": question, "answer": answer}
        for number, (passage, question, answer) in enumerate(order)
    ]
    return items, {str(number): sorted(together[item]) for number, item in enumerate(order)}


def sheet_text(items: list[dict]) -> str:
    """The sheet for a person: the instruction, then each paragraph with its numbered questions."""
    lines, passage = [Path(__file__).with_name("sheet.txt").read_text(encoding="utf-8")], None
    for item in items:
        if item["passage"] != passage:
            passage = item["passage"]
            lines += ["", "=" * 60, passage, "-" * 60]
        lines.append(f"{item['number']}. {item['question']}  [정답: {item['answer'] or '-'}]")
    return "\n".join(lines) + "\n"


def check_ratings(ratings, items: list[dict], name: str = "ratings") -> dict[str, list]:
    """A reader's ratings by number. Raises KorqgError that names the number which is missing or of a wrong shape."""
    if isinstance(ratings, dict) and isinstance(ratings.get("ratings"), dict):
        ratings = ratings["ratings"]
    if not isinstance(ratings, dict):
        raise KorqgError(f'{name} must hold one JSON object: {{"0": [a, b, c, k, e], ...}}.')
    known = {item["number"] for item in items}
    for number, marks in ratings.items():
        if number not in known:
            raise KorqgError(f"{name}: number {number} is not on the sheet: ratings of another sheet?")
        if not isinstance(marks, list) or len(marks) != len(MARKS) or any(one not in (0, 1, None) for one in marks):
            raise KorqgError(f"{name}: number {number} must have five marks of 0, 1 or null, but has {marks!r}.")
    if not ratings:
        raise KorqgError(f"{name} holds no ratings.")
    return ratings


def shares(items: list[dict], key: dict[str, list[str]], ratings: dict[str, list], samples: int, seed: int) -> dict:
    """By maker the shares of its marked questions, with 95 % intervals over passages (bootstrap, Efron 1979).

    Each maker has `n` (questions), `passages`, `passages_with_shown` (a question that would be shown as it is), and
    each mark of MARKS with `_low` and `_high`; fractions of 1, None where nothing was marked.
    """
    found: dict[str, list[Scored]] = {}
    shown: dict[str, set[str]] = {}
    for item in items:
        if item["number"] not in ratings:
            continue
        marks = dict(zip(MARKS, ratings[item["number"]], strict=True))
        counts = {name: (0, 0) if mark is None else (float(mark), 1) for name, mark in marks.items()}
        for maker in key[item["number"]]:
            found.setdefault(maker, []).append(Scored(item["passage"], counts))
            if marks["shown"]:
                shown.setdefault(maker, set()).add(item["passage"])
    return {
        maker: summarize(scored, samples, seed) | {"passages_with_shown": len(shown.get(maker, ()))}
        for maker, scored in sorted(found.items())
    }


def kappa(one: dict[str, list], other: dict[str, list], mark: str) -> float | None:
    """Cohen's kappa (1960) of two readers' marks of that name; None where they share none, or always say the same."""
    place = MARKS.index(mark)
    both = ((one[number][place], other[number][place]) for number in one if number in other)
    pairs = [pair for pair in both if None not in pair]
    if not pairs:
        return None
    agree = sum(a == b for a, b in pairs) / len(pairs)
    yes = [sum(pair[side] for pair in pairs) / len(pairs) for side in (0, 1)]
    chance = yes[0] * yes[1] + (1 - yes[0]) * (1 - yes[1])
    return None if chance == 1 else (agree - chance) / (1 - chance)


def questions_of_runs(folders: list[Path]) -> list[dict]:
    """Makers' questions out of finished comparisons or asked documents: each recommended question, by who wrote it.

    `folders` hold recommended_questions.json. Raises KorqgError where one does not.
    """
    found = []
    for folder in folders:
        path = folder / "recommended_questions.json"
        if not path.is_file():
            raise KorqgError(f"{folder} holds no recommended_questions.json: run notebook 3, or make ask, first.")
        for one in read_json(path):
            by = (
                one["written_by"] if one["written_by"] in ("rule", "heading") else f"{folder.name}, {one['written_by']}"
            )
            found.append(
                {"maker": by, "passage": one["chunk"], "question": one["question"], "answer": one["answer"] or ""}
            )
    return found


def human_questions(outputs: list[dict], count: int, seed: int) -> list[dict]:
    """People's questions about test paragraphs, drawn at random, as a maker of their own."""
    pairs = [(output, question) for output in outputs for question in output["references"]]
    drawn = random.Random(seed).sample(pairs, min(count, len(pairs)))
    return [
        {"maker": "people", "passage": passage_of(output), "question": question, "answer": output.get("answer", "")}
        for output, question in drawn
    ]


def write_sheet(folder: Path, questions: list[dict], seed: int) -> Path:
    """sheet.txt for a person, sheet.json for a program, key.json for whoever reads the ratings; returns sheet.txt."""
    items, key = make_sheet(questions, seed)
    if not items:
        raise KorqgError("There is no question to judge.")
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "sheet.txt", sheet_text(items))
    write_json(folder / "sheet.json", items)
    write_json(folder / "key.json", key)
    return folder / "sheet.txt"


def read_ratings(folder: Path, files: list[Path], samples: int = 2000, seed: int = 42) -> dict:
    """The shares of each reader's file, and the kappa of the first two: {"readers": {name: shares}, "kappa": {...}}."""
    items, key = read_json(folder / "sheet.json"), read_json(folder / "key.json")
    ratings = {file.stem: check_ratings(read_json(file), items, file.name) for file in files}
    found = {name: shares(items, key, marks, samples, seed) for name, marks in ratings.items()}
    two = list(ratings.values())[:2]
    return {"readers": found, "kappa": {mark: kappa(*two, mark) for mark in MARKS} if len(two) == 2 else {}}


def rating_rows(found: dict) -> list[dict[str, str]]:
    """What `read_ratings` gives as table rows, a line for each reader and maker."""
    labels = {"korean": "Korean right (%)", "answered": "text answers it (%)", "right_answer": "named answer right (%)"}
    labels |= {"shown": "shown as it is (%)", "shown_edited": "after a small edit (%)"}
    rows = []
    for reader, makers in found["readers"].items():
        for maker, summary in makers.items():
            row = {"reader": reader, "maker": maker, "n": str(summary["n"]), "paragraphs": str(summary["passages"])}
            for mark, label in labels.items():
                row[label] = percent(summary[mark], summary[f"{mark}_low"], summary[f"{mark}_high"], digits=0)
            rows.append(row)
    return rows


@command
def main_blind(arguments: list[str] | None = None) -> None:
    """What `python -m korqg.compare.blind` does; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    sheet = commands.add_parser("sheet", help="make a shuffled sheet of recommended questions")
    sheet.add_argument("folder", type=Path, help="where sheet.txt, sheet.json and key.json go")
    sheet.add_argument(
        "--asked",
        type=Path,
        action="append",
        default=[],
        required=True,
        help="a folder with recommended_questions.json (outputs/compare/NAME or outputs/asked/NAME)",
    )
    sheet.add_argument(
        "--people", type=Path, help="after_outputs.json of a run, whose reference questions are mixed in"
    )
    sheet.add_argument("--people-count", type=int, default=20)
    sheet.add_argument("--seed", type=int, default=42)
    read = commands.add_parser("read", help="read one or two readers' ratings back")
    read.add_argument("folder", type=Path)
    read.add_argument("ratings", type=Path, nargs="+")
    options = parser.parse_args(arguments)
    prepare_notebook()
    if options.command == "sheet":
        questions = questions_of_runs(options.asked)
        if options.people:
            tests = [one for one in read_json(options.people) if one.get("split") != "own"]
            questions += human_questions(tests, options.people_count, options.seed)
        print(f"Read and rate {write_sheet(options.folder, questions, options.seed)}; keep key.json from the reader")
    else:
        found = read_ratings(options.folder, options.ratings)
        for row in rating_rows(found):
            print("  ".join(f"{name}: {value}" for name, value in row.items()))
        print("kappa:", {mark: value if value is None else round(value, 2) for mark, value in found["kappa"].items()})


if __name__ == "__main__":
    sys.exit(main_blind())
