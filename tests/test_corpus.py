"""KorQuAD 1.0 files: what is read, what is mended, what is left out, and what stops."""

import json
import unicodedata
import zipfile

import pytest

from korqg.data.corpus import IMPOSSIBLE, make_passage_id, normalized, read_korquad
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
        (lambda qa: qa.update(answers=None), "wrong shape"),
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
        KorqgError, match=r"1 of 6 questions are broken.*corpus.json, data\[0\] \(한라산\).*max_dropped_fraction"
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


def test_decomposed_text_is_composed_and_its_places_move(korquad, write):
    def decomposed(text: str) -> str:
        return unicodedata.normalize("NFD", text)

    for paragraph in (paragraph for article in korquad["data"] for paragraph in article["paragraphs"]):
        answer = decomposed(paragraph["qas"][0]["answers"][0]["text"])
        paragraph["context"] = decomposed(paragraph["context"])
        place = {"text": answer, "answer_start": paragraph["context"].index(answer)}
        paragraph["qas"][0] |= {"question": decomposed(paragraph["qas"][0]["question"]), "answers": [place]}
    for text in (json.dumps(korquad), json.dumps(korquad, ensure_ascii=False)):
        corpus = read_korquad(write(text))
        assert (len(corpus.passages), corpus.dropped, corpus.mended) == (6, [], 0)
        for passage in corpus.passages:
            (question,) = passage.questions
            assert passage.text.startswith(question.answer, question.answer_start)
            assert unicodedata.is_normalized("NFC", passage.text + question.text + question.answer)


def test_questions_lose_double_blanks_line_breaks_and_invisible_signs(korquad, write):
    _first_question(korquad)["question"] = "한라산의  위치에서\n먼저\u200b 나오는\u00a0곳은?"
    assert read_korquad(write(korquad)).passages[0].questions[0].text == "한라산의 위치에서 먼저 나오는 곳은?"


@pytest.mark.parametrize(
    "change",
    [
        lambda qa: qa.update(question=None),
        lambda qa: qa.update(question=["무엇인가?"]),
        lambda qa: qa.update(question=float("nan")),
        lambda qa: qa.update(question="어디\ud83d인가?"),
        lambda qa: qa.update(id="\ud83d"),
        lambda qa: qa.update(answers=None),
        lambda qa: qa.update(answers=[None]),
        lambda qa: qa["answers"][0].update(text=None),
        lambda qa: qa["answers"][0].update(answer_start=float("nan")),
    ],
)
def test_record_of_another_type_costs_itself_alone(korquad, write, change):
    change(_first_question(korquad))
    corpus = read_korquad(write(json.dumps(korquad)), max_dropped_fraction=0.5)
    assert (len(corpus.passages), len(corpus.dropped)) == (5, 1)
    json.dumps(corpus.dropped, ensure_ascii=False).encode()


def test_names_of_klue_mrc_and_ai_hub_are_read_and_the_first_answer_that_fits(korquad, write):
    for number, article in enumerate(korquad["data"]):
        article["doc_title"] = article.pop("title")
        for paragraph in article["paragraphs"]:
            qa = paragraph["qas"][0]
            qa["guid" if number else "question_id"] = qa.pop("id")
            wrong = {"text": "백두산", "answer_start": 0}
            qa["answers"] = [wrong, *qa["answers"]] if number else qa["answers"][0]
            qa["is_impossible"] = False
    corpus = read_korquad(write(korquad))
    assert [passage.questions[0].answer for passage in corpus.passages] == ["제주도"] * 2 + ["영남"] * 2 + ["동해"] * 2
    assert {passage.questions[0].id for passage in corpus.passages} >= {"한라산-0", "울릉도-1"}


def test_klue_mrcs_own_records_are_read(shared_data):
    corpus = read_korquad(shared_data / "klue_mrc_pages")
    assert {passage.title[:3] for passage in corpus.passages} >= {"BMW"}
    assert all(question.answer_start >= 0 for passage in corpus.passages for question in passage.questions)


def test_unanswerable_question_is_recorded_and_not_broken(korquad, write):
    asked = {"id": "x", "question": "한라산의 주인은 누구인가?", "is_impossible": True, "answers": []}
    unmarked = {"id": "y", "question": "한라산의 값은 얼마인가?", "answers": []}
    korquad["data"][0]["paragraphs"][0]["qas"] += [asked, unmarked]
    corpus = read_korquad(write(korquad), max_dropped_fraction=0)
    assert [record["reason"] for record in corpus.dropped] == [IMPOSSIBLE] * 2


def test_place_written_as_text_is_read(korquad, write):
    answer = _first_question(korquad)["answers"][0]
    answer["answer_start"] = str(answer["answer_start"])
    assert read_korquad(write(korquad)).dropped == []


def test_same_question_under_another_title_is_there_once(korquad, write):
    again = {**korquad["data"][0], "title": "다른 제목"}
    korquad["data"].append(again)
    corpus = read_korquad(write(korquad))
    assert sum(len(passage.questions) for passage in corpus.passages) == 6
    assert {record["reason"] for record in corpus.dropped} == {"the same question as an earlier one"}


def test_file_of_a_folder_that_cannot_be_read_is_passed_over_and_named(korquad, write):
    folder = write(korquad).parent
    (folder / "other.json").write_text("[1]", encoding="utf-8")
    (folder / "torn.json").write_text("{", encoding="utf-8")
    corpus = read_korquad(folder)
    assert [(record["file"], record["id"]) for record in corpus.dropped] == [
        ("other.json", "whole file"),
        ("torn.json", "whole file"),
    ]
    assert sum(len(passage.questions) for passage in corpus.passages) == 6


def test_article_without_a_title_gets_one_of_its_own(korquad, write):
    del korquad["data"][0]["title"]
    korquad["data"][1]["title"] = " "
    titles = [passage.title for passage in read_korquad(write(korquad)).passages]
    assert titles[0] == titles[1] and titles[2] == titles[3] and len(set(titles)) == 3
    assert titles[0].startswith("한라산의 위치를 말하면")


@pytest.mark.parametrize(
    "change",
    [
        lambda article: article.update(title=["제목"]),
        lambda article: article.update(paragraphs={"0": article["paragraphs"][0]}),
        lambda article: article["paragraphs"][0].update(context=" "),
        lambda article: article["paragraphs"][0].update(context="산\ufffd은 높다."),
        lambda article: article["paragraphs"][0].update(qas={"0": article["paragraphs"][0]["qas"]}),
    ],
)
def test_article_that_cannot_be_read_counts_with_all_of_its_questions(korquad, write, change):
    qa = _first_question(korquad)
    korquad["data"][0]["paragraphs"] = [
        {**korquad["data"][0]["paragraphs"][0], "qas": [{**qa, "id": str(number)} for number in range(20)]}
    ]
    change(korquad["data"][0])
    with pytest.raises(KorqgError, match=r"20 of 24 questions are broken.*max_dropped_fraction=0.5 .*: 20 questions"):
        read_korquad(write(korquad), max_dropped_fraction=0.5)


def test_file_that_is_there_twice_gives_each_question_once(korquad, write):
    write(korquad, "corpus (1).json")
    corpus = read_korquad(write(korquad).parent)
    ids = [question.id for passage in corpus.passages for question in passage.questions]
    assert len(ids) == len(set(ids)) == 6
    assert {record["reason"] for record in corpus.dropped} == {"the same question as an earlier one"}


def test_id_of_two_questions_gets_a_number(korquad, write):
    korquad["data"][1]["paragraphs"][0]["qas"][0]["id"] = "한라산-0"
    korquad["data"][1]["paragraphs"][1]["qas"][0]["id"] = "한라산-0-answer"
    ids = [passage.questions[0].id for passage in read_korquad(write(korquad)).passages]
    assert ids[2:4] == ["한라산-0-2", "한라산-0-answer-2"]


def test_hidden_files_are_passed_over_and_others_named(korquad, write):
    path = write(korquad)
    (path.parent / "._corpus.json").write_bytes(b"\0\5\x16\7\xff")
    (path.parent / "more.csv").write_text("a,b", encoding="utf-8")
    corpus = read_korquad(path.parent)
    assert len(corpus.passages) == 6
    assert [record["file"] for record in corpus.dropped] == ["._corpus.json", "more.csv"]


def test_pages_of_korquad_2_say_which_source_they_are(write):
    with pytest.raises(KorqgError, match='set source="korquad2"'):
        read_korquad(write({"data": [{"title": "다리", "context": "", "raw_html": "<p>", "qas": []}]}))


def test_same_question_at_a_paragraph_with_other_blanks_is_there_once(korquad, write):
    again = json.loads(json.dumps(korquad["data"][0]))
    paragraph = again["paragraphs"][0]
    answer = paragraph["qas"][0]["answers"][0]
    paragraph["context"] = " \n".join(paragraph["context"].split(" "))
    answer["text"] = " \n".join(answer["text"].split(" "))
    answer["answer_start"] = paragraph["context"].index(answer["text"])
    korquad["data"].append({**again, "paragraphs": [paragraph]})
    corpus = read_korquad(write(korquad))
    assert sum(len(passage.questions) for passage in corpus.passages) == 6


def test_packed_files_are_read_as_they_are(korquad, tmp_path):
    path = tmp_path / "corpus.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("k/corpus.json", json.dumps(korquad))
        archive.writestr("__MACOSX/k/._corpus.json", b"\0\xff")
        archive.writestr("k/readme.txt", "안내")
    corpus = read_korquad(path)
    assert len(corpus.passages) == 6
    assert [(record["file"], record["id"]) for record in corpus.dropped] == [("readme.txt", "whole file")]


@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
def test_byte_that_cannot_be_read_costs_its_paragraph(korquad, tmp_path, encoding):
    data = json.dumps(korquad, ensure_ascii=False).encode(encoding)
    word = "지도에서".encode(encoding)
    (tmp_path / "corpus.json").write_bytes(data.replace(word, word[:-1], 1))
    corpus = read_korquad(tmp_path, max_dropped_fraction=0.5)
    assert len(corpus.passages) == 5
    assert "U+FFFD" in corpus.dropped[0]["reason"]
