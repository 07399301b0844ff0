"""Where training rows come from."""

import json

import pytest
from conftest import COURSE
from test_config import DATA

from korqg import DataConfig, KorqgError
from korqg.data.chosen_source import files_below, find_files_to_read, read_corpus


def _read(**changed):
    config = DataConfig(**DATA | changed)
    paths = find_files_to_read(config)
    return read_corpus(config, paths, len), files_below(paths)


@pytest.fixture
def published(korquad, tmp_path, monkeypatch):
    """KorQuAD 1.0 and 2.1 as if they had been downloaded: made for the test, one paragraph in both."""
    shared = korquad["data"][0]["paragraphs"][0]
    shared["context"] += (
        " 산에는 사철 많은 사람이 오르내리며, 꼭대기에는 늘 바람이 세고 봄에는 철쭉이 골짜기마다 붉게 핀다."
    )
    monkeypatch.setattr("korqg.data.chosen_source.fetch", lambda file, folder: tmp_path / file.name)
    (tmp_path / "KorQuAD_v1.0_dev.json").write_text(json.dumps(korquad), encoding="utf-8")
    pages = []
    for number, name in enumerate(("설악산", "지리산")):
        text = shared["context"] if number else f"{name}은 산이다. 높고 험하다."
        context = f"<html><body><h1>{name}</h1><p>{text}</p></body></html>"
        answer = {"text": text[:3], "answer_start": context.index(text)}
        answer |= {"html_answer_start": answer["answer_start"], "html_answer_text": answer["text"]}
        qas = [{"id": f"{name}-1", "question": f"{name}은 무엇인가?", "answer": answer}]
        pages.append({"title": name, "url": "", "context": context, "raw_html": context, "qas": qas})
    (tmp_path / "page.json").write_text(json.dumps({"data": pages}), encoding="utf-8")
    import zipfile

    for part in ("dev_00", "dev_01"):
        with zipfile.ZipFile(tmp_path / f"KorQuAD_2.1_{part}.zip", "w") as archive:
            kept = pages if part == "dev_00" else [{**pages[0], "title": "북한산"}]
            kept = [{**page, "qas": [{**q, "id": f"{part}-{q['id']}"} for q in page["qas"]]} for page in kept]
            archive.writestr("korquad2.1_dev_00.json", json.dumps({"data": kept}))
    return tmp_path


SAMPLE_FILES = ["sample_korquad.json", "edited_questions.json"]


def test_sample_is_the_built_in_corpus():
    corpus, files = _read()
    assert len(corpus.passages) >= 150
    assert [file.name for file in files] == SAMPLE_FILES


def test_published_files_are_read_when_no_path_is_given(published):
    corpus, files = _read(source="korquad1")
    assert [file.name for file in files] == ["KorQuAD_v1.0_dev.json"]
    assert len(corpus.passages) == 6
    corpus, files = _read(source="korquad2", archives="dev_00")
    assert [file.name for file in files] == ["KorQuAD_2.1_dev_00.zip"]
    assert {passage.title for passage in corpus.passages} == {"설악산", "지리산"}


def test_sources_are_mixed_and_a_shared_paragraph_stays_on_one_side(published):
    from korqg.data.near_copies import join_articles

    corpus, files = _read(source="korquad1+korquad2")
    assert len(files) == 3
    assert {"한라산", "지리산"} <= {passage.title for passage in corpus.passages}
    groups = join_articles(corpus.passages).group_of
    assert groups["한라산"] == groups["지리산"]


def test_rows_of_ones_own_become_passages(tmp_path):
    rows = [{"passage": f"{n}번 집은 붉은 벽돌집이다.", "question": f"{n}번 집은 어떤 집인가?"} for n in range(4)]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    corpus, files = _read(source="own", source_path=str(tmp_path))
    assert len(corpus.passages) == 4
    assert [file.name for file in files] == ["rows.jsonl"]


def test_rows_of_ones_own_join_the_sample(tmp_path):
    """The path is that of one's own rows; the other sources are read from their own places."""
    own = COURSE / "notebooks" / "sample_data" / "own_questions.csv"
    alone, _ = _read(source="own", source_path=str(own))
    sample, _ = _read(source="sample")
    both, files = _read(source="sample+own", source_path=str(own))
    assert len(alone.passages) == 10 and sum(len(passage.questions) for passage in alone.passages) == 20
    assert all(question.answer_start >= 0 for passage in alone.passages for question in passage.questions)
    assert both.passages == sample.passages + alone.passages
    assert [file.name for file in files] == [*SAMPLE_FILES, "own_questions.csv"]
    with pytest.raises(KorqgError, match=r"several sources .* must be empty, unless"):
        _read(source="korquad2+korquad1", source_path=str(own))


def test_documents_alone_say_where_they_belong(tmp_path):
    (tmp_path / "memo.txt").write_text("글이다.", encoding="utf-8")
    with pytest.raises(KorqgError, match=r"no rows with questions to learn from.*set own_path"):
        _read(source="own", source_path=str(tmp_path))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("korquad3", "is not known; use one of: sample, korquad1, korquad2, klue_mrc, own, or several joined by"),
        ("sample+own", "needs source_path"),
        ("korquad1+korquad1", "names a source twice"),
    ],
)
def test_wrong_sources_are_named(source, said):
    with pytest.raises(KorqgError, match=said):
        _read(source=source)


def test_path_that_does_not_exist_is_an_error(tmp_path):
    with pytest.raises(KorqgError, match="does not exist: set source_path"):
        _read(source="korquad1", source_path=str(tmp_path / "nowhere.json"))


def test_no_id_and_no_question_is_there_twice_across_sources(tmp_path):
    sample, _ = _read(source="sample")
    first, asked = sample.passages[0], sample.passages[0].questions[0]
    rows = [
        {"title": first.title, "passage": first.text, "question": asked.text, "answer": asked.answer}
        | {"answer_start": asked.answer_start, "id": "새 것"},
        {"passage": "키는 곡식의 쭉정이를 날린다.", "question": "키는 무엇을 날리는가?", "id": asked.id},
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    both, _ = _read(source="sample+own", source_path=str(tmp_path))
    ids = [question.id for passage in both.passages for question in passage.questions]
    assert len(ids) == len(set(ids)) == sum(len(passage.questions) for passage in sample.passages) + 1
    assert f"{asked.id}-2" in ids
    assert "the same question as an earlier one" in {record["reason"] for record in both.dropped}


def test_questions_without_an_answer_leave_before_the_split_where_the_task_needs_one(tmp_path):
    rows = [
        {"passage": f"{n}번 방앗간은 물레로 돈다.", "question": f"{n}번 방앗간은?", "answer": "물레"} for n in range(4)
    ]
    rows[1]["answer"] = ""
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    corpus, _ = _read(source="own", source_path=str(path), task="answer")
    assert (len(corpus.passages), len(corpus.dropped)) == (3, 1)
    assert len(_read(source="own", source_path=str(path), task="question")[0].passages) == 4
    path.write_text(json.dumps([{**row, "answer": None} for row in rows]), encoding="utf-8")
    with pytest.raises(KorqgError, match=r'None of 4 questions has an answer.*Set task="question"'):
        _read(source="own", source_path=str(path), task="answer")


def test_files_that_are_passed_over_are_named_on_the_screen(tmp_path, capsys):
    rows = [{"passage": "맷돌은 두 짝의 돌로 콩을 간다.", "question": "맷돌은 무엇을 가는가?"}]
    (tmp_path / "rows.json").write_text(json.dumps(rows), encoding="utf-8")
    (tmp_path / "표.hwp").write_bytes(b"x")
    corpus, _ = _read(source="own", source_path=str(tmp_path))
    assert "passed over: 표.hwp" in capsys.readouterr().out
    assert [record["file"] for record in corpus.dropped] == ["표.hwp"]


def test_count_of_texts_that_were_cleaned_is_on_the_screen(tmp_path, capsys):
    rows = [{"passage": "맷돌은\u00a0두 짝의 돌로 콩을 간다.", "question": "맷돌은 무엇을 가는가?"}]
    (tmp_path / "rows.json").write_text(json.dumps(rows), encoding="utf-8")
    corpus, _ = _read(source="own", source_path=str(tmp_path))
    assert corpus.cleaned == 1 and "cleaned: 1 texts" in capsys.readouterr().out


def test_sample_joins_a_file_of_another_source(korquad, tmp_path):
    path = tmp_path / "corpus.json"
    path.write_text(json.dumps(korquad), encoding="utf-8")
    corpus, files = _read(source="korquad1+sample", source_path=str(path))
    assert [file.name for file in files] == ["corpus.json", *SAMPLE_FILES]
    assert corpus.passages[0].title == "한라산"


@pytest.mark.parametrize(("archives", "count"), [("dev", 2), ("train", 4), ("all", 6)])
def test_klue_mrc_is_read_from_its_archive_by_part(korquad, tmp_path, monkeypatch, archives, count):
    import io
    import tarfile

    with tarfile.open(tmp_path / "klue-mrc-v1.tar.gz", "w:gz") as archive:
        for part, articles in (("dev", korquad["data"][:1]), ("train", korquad["data"][1:])):
            data = json.dumps({"data": articles}).encode()
            member = tarfile.TarInfo(f"klue-mrc-v1/klue-mrc-v1_{part}.json")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    monkeypatch.setattr("korqg.data.chosen_source.fetch", lambda file, folder: tmp_path / file.name)
    corpus, files = _read(source="klue_mrc", archives=archives)
    assert (len(corpus.passages), [file.name for file in files]) == (count, ["klue-mrc-v1.tar.gz"])
    with pytest.raises(KorqgError, match="KLUE-MRC has no part 'dev_00'"):
        _read(source="klue_mrc", archives="dev_00")


def test_columns_are_for_rows_of_ones_own(tmp_path):
    (tmp_path / "rows.csv").write_text("bodytext,ask\n체는 가루를 친다.,체는 무엇을 치는가?\n", encoding="utf-8")
    corpus, _ = _read(source="own", source_path=str(tmp_path), columns="passage=bodytext,question=ask")
    assert corpus.passages[0].text == "체는 가루를 친다."
    with pytest.raises(KorqgError, match="is for rows of your own"):
        _read(source="sample", columns="passage=body,question=ask")
