"""The sample corpus and documents: schema, spans, duplicates and style."""

import importlib.util
import re
from collections import Counter

import pytest
from conftest import COURSE

from korqg.config import SAMPLE_CORPUS, SAMPLE_DOCUMENTS
from korqg.corpus import IMPOSSIBLE, normalized, read_korquad
from korqg.files import read_json
from korqg.metrics import is_single_question

SCRIPT = COURSE / "tests" / "benchmarks" / "sample_statistics.py"
statistics = importlib.util.module_from_spec(importlib.util.spec_from_file_location("sample_statistics", SCRIPT))
statistics.__spec__.loader.exec_module(statistics)
DATA = read_json(SAMPLE_CORPUS)
PARAGRAPHS = [(article["title"], paragraph) for article in DATA["data"] for paragraph in article["paragraphs"]]
ASKED = [(paragraph["context"], qa) for _, paragraph in PARAGRAPHS for qa in paragraph["qas"]]
QUESTIONS = [(context, qa) for context, qa in ASKED if not qa.get("is_impossible")]
ENCYCLOPEDIC = [article for article in DATA["data"] if article.get("kind", "encyclopedia") == "encyclopedia"]
SUBJECTS = ["nature", "science", "history", "geography", "food", "law", "sport", "arts", "computing", "everyday"]
# A question must stand on its own: nothing in it may point at a text that the asker has before them.
POINTING = (
    r"(^|\s)(이것|그것|저것|이곳|그곳|여기|거기|이때|그때|이는|이를|위 글|위의 글|윗글|본문(에|은|의|에서) "
    r"|이 글|다음 (글|중)"
    r"|해당 )"
)


def test_sample_corpus_is_large_enough():
    assert len(DATA["data"]) >= 200
    assert len(PARAGRAPHS) >= 900
    assert len(QUESTIONS) >= 2700
    assert all(len(paragraph["qas"]) >= 2 for _, paragraph in PARAGRAPHS)


def test_sample_corpus_covers_many_kinds_of_documents():
    counts = Counter(article["subject"] for article in DATA["data"] if "kind" not in article)
    assert set(counts) == set(SUBJECTS)
    kinds = Counter(article["kind"] for article in DATA["data"] if "kind" in article)
    assert {"notice", "rules", "manual", "recipe", "news", "minutes", "report", "dialogue", "textbook", "guide"} <= set(
        kinds
    )
    registers = Counter(article["register"] for article in DATA["data"] if "kind" in article)
    assert registers["합니다"] + registers["해요"] >= 0.4 * len(DATA["data"])
    assert len(ENCYCLOPEDIC) <= len(DATA["data"]) / 3


def test_sample_corpus_is_read_without_a_dropped_or_mended_record():
    corpus = read_korquad(SAMPLE_CORPUS)
    assert len(corpus.passages) == len(PARAGRAPHS)
    assert sum(len(passage.questions) for passage in corpus.passages) == len(QUESTIONS)
    assert {record["reason"] for record in corpus.dropped} == {IMPOSSIBLE}
    assert corpus.mended == 0


def test_every_answer_is_one_exact_span():
    for context, qa in QUESTIONS:
        (answer,) = qa["answers"]
        start, text = answer["answer_start"], answer["text"]
        assert context[start : start + len(text)] == text, qa["id"]
        assert len(text) < 2 or text not in qa["question"], f"{qa['id']}: the question tells its answer"


def test_questions_are_asked_as_people_ask():
    shares = Counter(
        "keyword" if not question.endswith("?") else "요" if re.search(r"[요죠]\?$", question) else "other"
        for question in (qa["question"] for _, qa in QUESTIONS)
    )
    plain = sum(bool(re.search(r"(가|[^니]까)\?$", qa["question"])) for _, qa in QUESTIONS)
    assert 0.25 <= shares["요"] / len(QUESTIONS) <= 0.4
    assert 0.05 <= shares["keyword"] / len(QUESTIONS) <= 0.15
    assert 0.3 <= plain / len(QUESTIONS) <= 0.5
    assert statistics.riddles([qa["question"] for _, qa in QUESTIONS]) < 0.2 * len(QUESTIONS)


def test_readme_shows_the_statistics():
    assert statistics.table() in (SAMPLE_CORPUS.parent / "README.md").read_text(encoding="utf-8")


def test_question_that_has_no_answer_says_so():
    impossible = [qa for _, qa in ASKED if qa.get("is_impossible")]
    assert len(impossible) >= 150
    assert all(qa["answers"] == [] for qa in impossible)


def test_paragraphs_have_the_length_of_chunks():
    for title, paragraph in PARAGRAPHS:
        assert 110 <= len(paragraph["context"]) <= 900, title
        assert paragraph["context"] == paragraph["context"].strip()


def test_questions_stand_on_their_own():
    form = [is_single_question(qa["question"]) for _, qa in QUESTIONS]
    assert 0.88 < sum(form) / len(form) < 0.97  # the others are keywords, as people type them
    for _, qa in ASKED:
        assert not re.search(POINTING, qa["question"]), f"{qa['id']}: {qa['question']}"


def test_nothing_stands_twice():
    for values in (
        [article["title"] for article in DATA["data"]],
        [normalized(paragraph["context"]) for _, paragraph in PARAGRAPHS],
        [normalized(qa["question"]) for _, qa in QUESTIONS],
        [qa["id"] for _, qa in ASKED],
    ):
        assert [value for value, count in Counter(values).items() if count > 1] == []


def test_titles_of_works_have_one_kind_of_marks():
    texts = [paragraph["context"] for _, paragraph in PARAGRAPHS] + [qa["question"] for _, qa in QUESTIONS]
    texts += [path.read_text(encoding="utf-8") for path in SAMPLE_DOCUMENTS.iterdir()]
    assert [text for text in texts if re.search("[《》〈〉]", text)] == []


@pytest.mark.parametrize("name", ["garden_guide.md", "tea_story.txt"])
def test_sample_documents_have_a_few_thousand_characters_of_korean(name):
    text = (SAMPLE_DOCUMENTS / name).read_text(encoding="utf-8")
    assert 2000 <= len(text) <= 6000
    assert len(re.findall(r"[가-힣]", text)) > 0.5 * len(text)


def test_sample_data_names_its_licence():
    assert "CC BY 4.0" in (SAMPLE_CORPUS.parent / "README.md").read_text(encoding="utf-8")
    assert "CC BY 4.0" in DATA["license"]
