"""Statistics of the built-in corpus, as the table that notebooks/sample_data/README.md shows.

    python tests/benchmarks/sample_statistics.py

run with notebooks/ on PYTHONPATH.
"""

import re
from collections import Counter

from korqg.config import SAMPLE_CORPUS, SAMPLE_EDITS
from korqg.files import read_json
from korqg.question import copied_share, is_copied

ENDINGS = {
    "-ㄴ가, -는가, -까": r"(가|[^니]까)\?$",
    "요": r"(요|죠)\?$",
    "-습니까, -ㅂ니까": r"니까\?$",
    "a noun (…은?)": r"(은|는|란|이란)\?$",
    "keywords": r"[^?]$",
}
RIDDLE = re.compile(r"무엇이라고|무엇이라 |[은는] 무엇인가(요)?\?$|[은는] 무엇일까(요)?\?$|누구인가(요)?\?$")
"""Endings of questions that describe a thing and ask for its name."""


def riddles(questions: list[str]) -> int:
    """How many questions describe a thing and ask for its name."""
    return sum(bool(RIDDLE.search(question)) for question in questions)


def statistics() -> dict[str, str]:
    """What is counted, by name: numbers as text, shares in percent."""
    articles = read_json(SAMPLE_CORPUS)["data"]
    paragraphs = [(article, paragraph) for article in articles for paragraph in article["paragraphs"]]
    every = [(paragraph["context"], qa) for _, paragraph in paragraphs for qa in paragraph["qas"] if qa["answers"]]
    asked = [(context, qa) for context, qa in every if not qa.get("edited_draft")]
    impossible = sum(not qa["answers"] for _, paragraph in paragraphs for qa in paragraph["qas"])
    edits = read_json(SAMPLE_EDITS)["data"]
    chunks = [paragraph for article in edits for paragraph in article["paragraphs"]]
    edited_documents = len({article["title"].split(" > ")[0] for article in edits})
    kinds = Counter(article.get("kind", "encyclopedia") for article, _ in paragraphs)
    registers = Counter(article.get("register", "다") for article, _ in paragraphs)
    lengths = sorted(len(paragraph["context"]) for _, paragraph in paragraphs)
    endings = Counter()
    for _, qa in asked:
        endings[next((name for name, end in ENDINGS.items() if re.search(end, qa["question"])), "others")] += 1
    asks, of_two = Counter(qa["kind"] for _, qa in asked), sum(qa.get("sentences") == 2 for _, qa in asked)
    long_copies = sum(
        copied_share(qa["question"], context) * len("".join(qa["question"].split())) > 12 for context, qa in asked
    )

    def shares(counts: Counter, total: int) -> str:
        return ", ".join(f"{name} {100 * count / total:.0f} %" for name, count in counts.most_common())

    copied = sum(is_copied(qa["question"], context) for context, qa in asked)
    named = riddles([qa["question"] for _, qa in asked])
    return {
        "documents": f"{len(articles):,}",
        "paragraphs": f"{len(paragraphs):,}",
        "questions": f"{len(asked):,}",
        "questions without an answer": f"{impossible:,}",
        "edited drafts of the rule": f"{len(every) - len(asked):,}",
        "documents (of a newsletter, articles) and chunks of `edited_questions.json`": (
            f"{edited_documents}, {len(chunks):,}"
        ),
        "questions there": f"{sum(len(chunk['qas']) for chunk in chunks):,}",
        "characters of a paragraph (least, median, most)": f"{lengths[0]}, {lengths[len(lengths) // 2]}, {lengths[-1]}",
        "paragraphs by kind": shares(kinds, len(paragraphs)),
        "paragraphs by register": shares(registers, len(paragraphs)),
        "questions by ending": shares(endings, len(asked)),
        "questions by what they ask for (a reader's labels)": shares(asks, len(asked)),
        "questions that need two sentences, or a row and its head (the same)": f"{100 * of_two / len(asked):.0f} %",
        "questions that ask for a name (무엇인가, 누구인가)": f"{100 * named / len(asked):.0f} %",
        "questions with more than 12 characters in a row from the paragraph": f"{100 * long_copies / len(asked):.0f} %",
        "questions that are a copied sentence": f"{copied:,}",
    }


def table() -> str:
    """The statistics as a Markdown table."""
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in statistics().items())])


if __name__ == "__main__":
    print(table())
