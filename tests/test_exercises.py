"""The exercises at the end of each notebook: their form, and that their answers are still true of the sample."""

import json
import random
import re

import nbformat
import pytest
from conftest import COURSE

from korqg.output_folders import NOTEBOOKS

TEXT = {
    stage: next(
        cell.source
        for cell in nbformat.read(COURSE / "notebooks" / name, as_version=4).cells
        if cell.source.startswith("## Exercises")
    )
    for stage, name in NOTEBOOKS.items()
}


def _answer(stage: str, number: int) -> str:
    (exercise,) = re.findall(rf"(?ms)^\*\*{number}\. .*?(?=^\*\*{number + 1}\. |\Z)", TEXT[stage])
    return exercise.partition("<summary>Answer")[2]


@pytest.mark.parametrize("stage", NOTEBOOKS)
def test_each_notebook_has_three_exercises_with_a_hint_and_a_folded_answer(stage):
    assert re.findall(r"(?m)^\*\*(\d)\. ", TEXT[stage]) == ["1", "2", "3"]
    parts = re.findall(r"(?m)^<details><summary>(.+)</summary>$|^(</details>)$", TEXT[stage])
    assert [one or other for one, other in parts] == ["Hint · 힌트", "</details>", "Answer · 답", "</details>"] * 3
    for number in (1, 2, 3):
        assert len(_answer(stage, number).split()) > 15


@pytest.mark.parametrize("stage", NOTEBOOKS)
def test_hints_and_answers_are_folded_in_html_too(stage):
    """nbconvert, and nbviewer by it, close an HTML element at the first blank line: what follows would stand open."""
    from bs4 import BeautifulSoup
    from nbconvert.filters.markdown import markdown2html

    folded = BeautifulSoup(markdown2html(TEXT[stage]), "html.parser").find_all("details")
    assert len(folded) == 6
    for one in folded:
        one.summary.extract()
        assert len(one.get_text().split()) > 3
        assert "`" not in one.get_text()  # Markdown is not read inside


@pytest.fixture(scope="module")
def sample_rows():
    """The sample's rows as notebook 1 makes them with its own parameters."""
    from korqg.config import SAMPLE_CORPUS
    from korqg.data.corpus import read_korquad
    from korqg.data.instruction_rows import divide_passages, make_rows, split_by_article
    from korqg.data.near_copies import join_articles

    # No paragraph of the sample is longer than max_passage_tokens, in tokens; so they stay whole, and a length will do.
    passages, _ = divide_passages(read_korquad(SAMPLE_CORPUS).passages, 10**6, len)
    split, _ = split_by_article(passages, join_articles(passages), 0.1, 0.1, 42)
    return make_rows(split, "all", 0, 42)[0]


def test_answer_about_the_leaking_split_is_true(sample_rows):
    rows = [row for name in ("train", "validation", "test") for row in sample_rows[name]]
    assert f"the sample's {len(rows):,} questions" in TEXT["data"]
    random.Random(42).shuffle(rows)
    test, train = rows[:50], rows[50:]
    seen = {key: sum(row[key] in {other[key] for other in train} for row in test) for key in ("input", "title")}
    assert f"Of 50 test rows {seen['input']} have their paragraph on the training side" in _answer("data", 1)
    assert seen["title"] == 50 and "all 50 their article" in _answer("data", 1)


def test_answer_about_the_question_that_fits_every_paragraph_is_true():
    from korqg.compare.scores import score_outputs, summarize

    example = COURSE / "outputs" / "example"
    before = json.loads((example / "runs" / "sample" / "init_outputs.json").read_text(encoding="utf-8"))
    people = json.loads((example / "compare" / "sample" / "metrics.json").read_text(encoding="utf-8"))["reference"]
    question = re.search(r'it asks "(.+?)"', TEXT["compare"])[1]
    asked = [{**one, "model_output": question, "stopped": True} for one in before if one.get("references")]
    found = summarize(score_outputs(asked), 100, 0)
    answer = _answer("compare", 2)
    assert f"single question {100 * found['single_question_rate']:.0f} %" in answer
    assert f"ROUGE-L {100 * found['rouge_l']:.1f}, no more than" in answer
    assert found["rouge_l"] <= people["random_question"]["rouge_l"]
    assert f"where human questions reach {100 * people['human']['rouge_l']:.1f} among" in answer
    assert f"<code>distinct_rate</code> ({100 * found['distinct_rate']:.1f} %)" in answer


@pytest.mark.torch
def test_answer_about_shorter_chunks_is_true(tokenizer):
    from korqg.config import SAMPLE_DOCUMENTS
    from korqg.data.documents.chunks import chunk_documents

    def count_tokens(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False))

    counts = [
        len(chunk_documents(SAMPLE_DOCUMENTS, longest, count_tokens, overlap).chunks)
        for longest, overlap in ((384, 0), (150, 0), (150, 60))
    ]
    assert "{} chunks become {}, and {} with the overlap".format(*counts) in _answer("data", 2)


@pytest.mark.torch
def test_answer_about_the_adapters_size_is_true(tokenizer):
    from korqg.files import read_json
    from korqg.model.choose import built_in_folder

    shape = read_json(built_in_folder() / "config.json")
    width, head, units = shape["hidden_size"], shape["head_dim"], shape["intermediate_size"]
    queries, keys = head * shape["num_attention_heads"], head * shape["num_key_value_heads"]
    attention = 2 * (width + queries) + 2 * (width + keys)
    layers = 16 * shape["num_hidden_layers"]
    answer = _answer("runs", 1)
    assert f"= {layers * (attention + 3 * (width + units)):,}." in answer
    assert f"it would be {layers * attention:,}," in answer
