"""The sample corpus and documents: schema, spans, duplicates and style."""

import re
from collections import Counter

import pytest

from korqg.config import SAMPLE_CORPUS, SAMPLE_DOCUMENTS
from korqg.corpus import normalized, read_korquad
from korqg.files import read_json
from korqg.metrics import is_single_question

DATA = read_json(SAMPLE_CORPUS)
PARAGRAPHS = [(article["title"], paragraph) for article in DATA["data"] for paragraph in article["paragraphs"]]
QUESTIONS = [(paragraph["context"], qa) for _, paragraph in PARAGRAPHS for qa in paragraph["qas"]]
SUBJECTS = ["nature", "science", "history", "geography", "food", "law", "sport", "arts", "computing", "everyday"]
# A question must stand on its own: nothing in it may point at a text that the asker has before them.
POINTING = (
    r"(^|\s)(이것|그것|저것|이곳|그곳|여기|거기|이때|그때|이는|이를|위 글|위의 글|윗글|본문|이 글|다음 (글|중)|해당 )"
)


def test_sample_corpus_is_large_enough():
    assert len(DATA["data"]) >= 50
    assert len(PARAGRAPHS) >= 150
    assert len(QUESTIONS) >= 350
    assert all(len(paragraph["qas"]) >= 2 for _, paragraph in PARAGRAPHS)


def test_sample_corpus_covers_every_subject():
    counts = Counter(article["subject"] for article in DATA["data"])
    assert set(counts) == set(SUBJECTS)
    assert min(counts.values()) >= 4


def test_sample_corpus_is_read_without_a_dropped_or_mended_record():
    corpus = read_korquad(SAMPLE_CORPUS)
    assert len(corpus.passages) == len(PARAGRAPHS)
    assert sum(len(passage.questions) for passage in corpus.passages) == len(QUESTIONS)
    assert (corpus.dropped, corpus.mended) == ([], 0)


def test_every_answer_is_one_exact_span():
    for context, qa in QUESTIONS:
        (answer,) = qa["answers"]
        start, text = answer["answer_start"], answer["text"]
        assert context[start : start + len(text)] == text, qa["id"]
        assert context.count(text) == 1, f"{qa['id']}: {text!r} stands in its paragraph more than once"
        assert text not in qa["question"], f"{qa['id']}: the question tells its answer"


def test_paragraphs_have_the_length_of_an_encyclopedias():
    for title, paragraph in PARAGRAPHS:
        assert 120 <= len(paragraph["context"]) <= 350, title
        assert paragraph["context"] == paragraph["context"].strip()
        assert "\n" not in paragraph["context"]
        assert re.search(r"다\.$|다\.\)$", paragraph["context"]), title


def test_questions_stand_on_their_own():
    for _, qa in QUESTIONS:
        assert is_single_question(qa["question"]), qa["id"]
        assert not re.search(POINTING, qa["question"]), f"{qa['id']}: {qa['question']}"


def test_nothing_stands_twice():
    for values in (
        [article["title"] for article in DATA["data"]],
        [normalized(paragraph["context"]) for _, paragraph in PARAGRAPHS],
        [normalized(qa["question"]) for _, qa in QUESTIONS],
        [qa["id"] for _, qa in QUESTIONS],
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
