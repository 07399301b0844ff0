"""KorQuAD 1.0 files: what is read, what is mended, what is left out, and what stops."""

import json

import pytest

from korqg.corpus import make_passage_id, normalized, read_korquad
from korqg.errors import KorqgError


@pytest.fixture
def write(tmp_path):
    def write_corpus(value, name="corpus.json"):
        path = tmp_path / name
        path.write_text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), encoding="utf-8")
        return path

    return write_corpus


def _first_question(korquad) -> dict:
    return korquad["data"][0]["paragraphs"][0]["qas"][0]


def test_corpus_gives_passages_with_exact_answer_spans(korquad, write):
    corpus = read_korquad(write(korquad))
    assert [passage.title for passage in corpus.passages] == ["한라산"] * 2 + ["낙동강"] * 2 + ["울릉도"] * 2
    for passage in corpus.passages:
        (question,) = passage.questions
        assert passage.text[question.answer_start :].startswith(question.answer)
    assert (corpus.dropped, corpus.mended) == ([], 0)


def test_white_space_around_a_paragraph_moves_the_spans_with_it(korquad, write):
    paragraph = korquad["data"][0]["paragraphs"][0]
    paragraph["context"] = "\n " + paragraph["context"] + " "
    paragraph["qas"][0]["answers"][0]["answer_start"] += 2
    passage = read_korquad(write(korquad)).passages[0]
    assert passage.text[passage.questions[0].answer_start :].startswith("제주도")


def test_answer_a_character_off_is_mended(korquad, write):
    _first_question(korquad)["answers"][0]["answer_start"] += 1
    corpus = read_korquad(write(korquad))
    assert (len(corpus.passages), corpus.mended) == (6, 1)
    assert corpus.passages[0].text[corpus.passages[0].questions[0].answer_start :].startswith("제주도")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda qa: qa.pop("question"), "the key 'question' is missing"),
        (lambda qa: qa.update(question="  "), "an empty question"),
        (lambda qa: qa.update(answers=[]), "wrong shape"),
        (lambda qa: qa.update(answers=[{"text": "없는 말", "answer_start": 0}]), "does not stand at character 0"),
        (lambda qa: qa.update(answers=[{"text": "", "answer_start": 0}]), "without text or place"),
    ],
)
def test_broken_record_is_left_out_and_named(korquad, write, change, reason):
    change(_first_question(korquad))
    corpus = read_korquad(write(korquad), max_dropped_fraction=0.5)
    assert len(corpus.passages) == 5
    (record,) = corpus.dropped
    assert record["file"] == "corpus.json"
    assert record["id"] == "data[0] (한라산), paragraphs[0], qas[0], id 한라산-0"
    assert reason in record["reason"]


def test_too_many_broken_records_stop_with_the_first_of_them(korquad, write):
    _first_question(korquad)["question"] = ""
    with pytest.raises(
        KorqgError, match=r"1 of 6 records are broken.*corpus.json, data\[0\] \(한라산\).*max_dropped_fraction"
    ):
        read_korquad(write(korquad), max_dropped_fraction=0.05)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is not JSON: .* at line 1, column 1"),
        ('{"data": [', "is not JSON"),
        ("[]", "schema"),
        ('{"data": {}}', "schema"),
        ('{"data": []}', "no question that can be used"),
        ('{"data": [{"title": "제목", "paragraphs": []}]}', "no question that can be used"),
        ('{"data": [3]}', r"data\[0\]: an article without a list"),
        ('{"data": [{"title": [3], "paragraphs": []}]}', r"data\[0\]: an article without a title"),
        ('{"data": [{"title": "제목", "paragraphs": [3]}]}', r"paragraphs\[0\]: a paragraph without text"),
        ('{"data": [{"title": "제목", "paragraphs": [{"context": "글"}]}]}', "without a list under .qas."),
    ],
)
def test_empty_or_malformed_corpus_is_an_error_that_names_the_file(write, content, said):
    with pytest.raises(KorqgError, match=said) as caught:
        read_korquad(write(content))
    assert "corpus.json" in str(caught.value)


def test_missing_file_and_empty_folder_say_what_to_set(tmp_path):
    with pytest.raises(KorqgError, match=r"does not exist: set source_path"):
        read_korquad(tmp_path / "nowhere.json")
    with pytest.raises(KorqgError, match=r"holds no .json file: set source_path"):
        read_korquad(tmp_path)


def test_folder_is_read_as_one_corpus(korquad, write):
    for number, article in enumerate(korquad["data"]):
        path = write({"data": [article]}, f"part{number}.json")
    assert len(read_korquad(path.parent).passages) == 6


def test_passage_id_ignores_white_space_and_nothing_else():
    assert make_passage_id("가 나\n다") == make_passage_id("가나다")
    assert make_passage_id("가나다") != make_passage_id("가나라")
    assert normalized("‘가 나’ (A-1)!") == "가나a1"


def test_korquad_dev_is_read_whole(shared_data):
    corpus = read_korquad(shared_data / "KorQuAD_v1.0_dev.json")
    assert sum(len(passage.questions) for passage in corpus.passages) == 5774
    assert len({passage.title for passage in corpus.passages}) == 140
    assert corpus.dropped == []
