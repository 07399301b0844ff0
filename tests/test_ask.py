"""Questions for many chunks: every one once, in order, whatever cut the job off."""

import json

import pytest

from korqg.ask import ask_all
from korqg.errors import KorqgError

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
