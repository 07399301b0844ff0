"""Questions for many chunks: every one once, in order, whatever cut the job off."""

import json
import os
import subprocess
import sys

import pytest
from conftest import COURSE, save_finished_run

from korqg.ask.__main__ import CHUNKS_A_PROCESS, ask_all, ask_documents, chunks_and_rows, main_ask
from korqg.errors import KorqgError
from korqg.files import read_json, write_json

ROWS = [{"id": f"{number}", "input": "마을에는 다리가 있다. " * (1 + number * 7 % 10)} for number in range(50)]


class Interrupted(Exception):
    pass


def _asker(asked: list, stop_after: int = 10**9):
    def ask(part):
        if len(asked) >= stop_after:
            raise Interrupted
        asked.extend(row["id"] for row in part)
        return [{"model_output": f"{row['id']}번은 무엇인가?", "stopped": True} for row in part]

    return ask


def test_every_row_is_asked_once_and_answers_come_in_the_rows_order(tmp_path):
    asked, said = [], []
    answers = ask_all(_asker(asked), ROWS, tmp_path / "answers.jsonl", 8, said.append)
    assert [answer["model_output"] for answer in answers] == [f"{row['id']}번은 무엇인가?" for row in ROWS]
    assert sorted(asked) == sorted(row["id"] for row in ROWS)
    lengths = {row["id"]: len(row["input"]) for row in ROWS}
    assert [lengths[one] for one in asked] == sorted(lengths.values(), reverse=True)
    assert said[-1].startswith("50 of 50 questions")


@pytest.mark.parametrize("torn", [0, 1, 30])
def test_job_that_was_cut_off_repeats_none_and_loses_none(tmp_path, torn):
    file = tmp_path / "answers.jsonl"
    first, second = [], []
    with pytest.raises(Interrupted):
        ask_all(_asker(first, stop_after=20), ROWS, file, 8)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) - torn])  # killed in the middle of a line
    answers = ask_all(_asker(second), ROWS, file, 8)
    assert [answer["model_output"] for answer in answers] == [f"{row['id']}번은 무엇인가?" for row in ROWS]
    again = set(first) & set(second)
    assert again == (set(first[-1:]) if torn else set())
    assert set(first) | set(second) == {row["id"] for row in ROWS}
    kept = [json.loads(line)["id"] for line in file.read_text(encoding="utf-8").splitlines()]
    assert sorted(kept) == sorted(row["id"] for row in ROWS)


def test_nothing_is_asked_when_all_is_there(tmp_path):
    answers = ask_all(_asker([]), ROWS, tmp_path / "answers.jsonl", 8)
    asked = []
    assert ask_all(_asker(asked), ROWS, tmp_path / "answers.jsonl", 8) == answers
    assert asked == []


def test_same_id_twice_and_answers_of_other_rows_are_refused(tmp_path):
    with pytest.raises(KorqgError, match="Two rows have the id '3'"):
        ask_all(_asker([]), [*ROWS, ROWS[3]], tmp_path / "answers.jsonl", 8)
    ask_all(_asker([]), ROWS, tmp_path / "answers.jsonl", 8)
    with pytest.raises(KorqgError, match="has answers to other rows"):
        ask_all(_asker([]), ROWS[:10], tmp_path / "answers.jsonl", 8)


DOCUMENT = """# 한빛도서관 이용 안내

## 여는 시간

한빛도서관은 평일에는 오전 9시부터 오후 8시까지 문을 엽니다. 월요일에는 쉽니다.

## 표

구분 | 평일
여는 시각 | 09:00

## 빌리기

책은 한 사람이 다섯 권까지 14일 동안 빌릴 수 있습니다.
"""


@pytest.fixture
def outputs(tmp_path, tiny_model_folder):
    """An outputs folder with a finished run of the tiny model, whose adapter is random."""
    save_finished_run(tmp_path / "outputs", tiny_model_folder)
    return tmp_path / "outputs"


@pytest.fixture
def document(tmp_path):
    path = tmp_path / "도서관 안내.md"
    path.write_text(DOCUMENT, encoding="utf-8")
    return path


@pytest.mark.torch
def test_documents_are_asked_about_and_every_chunk_is_accounted_for(outputs, document):
    folder = ask_documents(outputs, "tiny", document, batch_size=4)
    assert folder == outputs / "asked" / "도서관_안내"
    questions, left_out = (read_json(folder / f"{name}.json") for name in ("recommended_questions", "left_out"))
    asked = [json.loads(line) for line in (folder / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {"model_output", "likelihood", "read_answer", "confidence"} <= set(asked[0])
    places = {one["place"]["section"] for one in questions} | {one["place"]["section"] for one in left_out}
    assert {place.split(" > ")[-1] for place in places} == {"여는 시간", "표", "빌리기"}
    table = next(one for one in left_out if "여는 시각" in one["chunk"])
    assert "no words that a question could be drafted about" in table["reason"]
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert "추천 질문" in page
    assert "여는 시각" in page


@pytest.mark.torch
def test_job_of_another_text_or_adapter_is_not_gone_on_with(outputs, document):
    folder = ask_documents(outputs, "tiny", document, batch_size=4)
    before = (folder / "answers.jsonl").read_bytes()
    ask_documents(outputs, "tiny", document, batch_size=4)  # all is there: nothing is asked again
    assert (folder / "answers.jsonl").read_bytes() == before
    document.write_text(DOCUMENT.replace("다섯 권", "열 권"), encoding="utf-8")
    ask_documents(outputs, "tiny", document, batch_size=4)  # what was finished gives way
    assert (folder / "answers.jsonl").read_bytes() != before
    (folder / "recommended_questions.json").unlink()  # as if it had been cut off
    document.write_text(DOCUMENT, encoding="utf-8")
    with pytest.raises(KorqgError, match="was begun with another adapter or other text"):
        ask_documents(outputs, "tiny", document, batch_size=4)


@pytest.mark.torch
def test_what_cannot_be_asked_is_told_with_its_remedy(outputs, document, tmp_path, capsys):
    assert main_ask([str(tmp_path / "없는 파일.md"), "--run-name", "tiny", "--outputs", str(outputs)]) == 1
    assert "없는 파일.md does not exist" in capsys.readouterr().err
    assert main_ask([str(document), "--run-name", "nobody", "--outputs", str(outputs)]) == 1
    assert "run 02_train_lora.ipynb" in capsys.readouterr().err
    manifest = outputs / "runs" / "tiny" / "manifest.json"
    write_json(manifest, {**read_json(manifest), "figures": {"tasks": ["question"]}})
    assert main_ask([str(document), "--run-name", "tiny", "--outputs", str(outputs)]) == 1
    assert 'task="answer_aware+answer"' in capsys.readouterr().err


@pytest.mark.torch
def test_document_without_a_sentence_ends_in_a_list_of_reasons(outputs, tmp_path):
    path = tmp_path / "표.txt"
    path.write_text("구분 | 평일\n여는 시각 | 09:00\n", encoding="utf-8")
    folder = ask_documents(outputs, "tiny", path)
    assert read_json(folder / "recommended_questions.json") == []
    assert len(read_json(folder / "left_out.json")) == 1


@pytest.fixture
def long_document(tmp_path):
    """A document of so many chunks that `make ask` divides them among processes, where there are cores."""
    path = tmp_path / "마을.md"
    of_a_village = "## {0}번 마을\n\n{0}번 마을에는 다리가 {0}개 있고, 마을의 주민은 모두 {0}명이다.\n"
    sections = [of_a_village.format(number) for number in range(1, 2 * CHUNKS_A_PROCESS + 10)]
    path.write_text("# 마을 이야기\n\n" + "\n".join(sections), encoding="utf-8")
    return path


def python(*arguments):
    environment = {**os.environ, "PYTHONPATH": str(COURSE / "notebooks")}
    return subprocess.run([sys.executable, *map(str, arguments)], env=environment, capture_output=True, text=True)


@pytest.mark.torch
def test_program_asks_about_many_chunks_in_their_order(outputs, long_document):
    ended = python("-m", "korqg.ask", long_document, "--outputs", outputs, "--run-name", "tiny", "--candidates", 1)
    assert ended.returncode == 0, ended.stderr
    asked = read_json(outputs / "asked" / "마을" / "job.json")["chunks"]
    parameters = read_json(outputs / "runs" / "tiny" / "manifest.json")["parameters"]
    assert asked == [row["input"] for row in chunks_and_rows(long_document, 1, parameters)[1]]
    assert len(asked) > 2 * CHUNKS_A_PROCESS


@pytest.mark.torch
def test_script_that_asks_is_run_once(outputs, long_document, tmp_path):
    """torchrun starts notebook 2 as a script without a guard: a process of its own would run all of it again."""
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\nfrom korqg.ask.__main__ import chunks_and_rows\n"
        f"from korqg.files import read_json\nprint('begins')\n"
        f"run = read_json(Path({str(outputs / 'runs' / 'tiny' / 'manifest.json')!r}))\n"
        f"print(len(chunks_and_rows(Path({str(long_document)!r}), 1, run['parameters'])[0]))\n",
        encoding="utf-8",
    )
    ended = python(script)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("begins") == 1
