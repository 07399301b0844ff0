"""Runs and other pairs of files side by side: groups, what is broken, examples by rule, recommended questions."""

import json
import math
from pathlib import Path

import pytest

from korqg.ask.recommend import choose_run, faults_of
from korqg.compare.examples import cards_of, chosen_examples, verdict
from korqg.compare.finished_runs import read_comparison
from korqg.compare.plots import save_figure, to_both_sides, use_korean_font
from korqg.errors import KorqgError
from korqg.files import write_json, write_jsonl
from korqg.output_folders import finish_stage, start_stage

THINGS = ("측우기", "거북선", "훈민정음", "가야금", "은행나무", "반딧불이")
LOG = [
    {"step": 0, "epoch": 0.0, "eval_loss": 3.5},
    {"step": 1, "epoch": 0.5, "loss": 2.5},
    {"step": 2, "epoch": 1.0, "eval_loss": 2.0},
]


def _output(thing: str, text: str, split: str = "test") -> dict:
    return {
        "id": f"{split}-{thing}",
        "title": thing,
        "input": f"{thing}에 관한 글이다. {thing}은 오래전부터 우리 곁에 있었다.",
        "expected_output": f"{thing}은 언제부터 우리 곁에 있었는가?" if split == "test" else "",
        "references": [f"{thing}은 언제부터 우리 곁에 있었는가?"] if split == "test" else [],
        "model_output": text,
        "stopped": True,
        "split": split,
    }


def _write_run(outputs: Path, name: str, things=THINGS, own=(), log=LOG, after=None, **changed) -> Path:
    """A finished run: statements before, questions after, about the things and the chunks of `own`."""
    folder = outputs / "runs" / name
    start_stage(folder)
    rows = [_output(thing, f"{thing}에 관한 글이다.") for thing in things]
    asked = [_output(thing, f"{thing}은 무엇인가?") for thing in things]
    asked += [_output(thing, question, "own") for thing, question in own]
    write_json(folder / "init_outputs.json", rows)
    write_json(folder / "after_outputs.json", asked if after is None else after)
    (folder / "train_log.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in log), encoding="utf-8")
    files = [folder / file for file in ("init_outputs.json", "after_outputs.json", "train_log.jsonl")]
    figures = {
        "model": "made up",
        "train_rows": 10,
        "validation_rows": 2,
        "steps": 2,
        "eval_loss_before": 3.5,
        "eval_loss_after": 2.0,
        **changed,
    }
    finish_stage(folder, {"data_name": "things"}, [], files, figures)
    return folder


def _write_pair(folder: Path, before: list, after: list) -> list[str]:
    paths = [folder / "init_outputs.json", folder / "after_outputs.json"]
    for path, entries in zip(paths, (before, after), strict=True):
        write_json(path, entries)
    return ["첫 시도", *map(str, paths)]


def _three_keys(thing: str, text: str) -> dict:
    return {key: value for key, value in _output(thing, text).items() if key in ("input", "expected_output")} | {
        "model_output": text
    }


def test_any_number_of_runs_on_the_same_paragraphs_is_one_group(tmp_path):
    for name in ("다", "가", "나"):
        _write_run(tmp_path, name)
    comparison = read_comparison(tmp_path / "runs", [], [])
    (group,) = comparison.groups
    assert [run.name for run in group.runs] == ["가", "나", "다"]
    assert comparison.remarks == []
    assert [run.name for run in read_comparison(tmp_path / "runs", ["나", "가", "나"], []).runs] == ["나", "가"]
    assert len(cards_of(group)) == len(THINGS)
    assert list(cards_of(group)[0]) == ["가", "나", "다"]


def test_runs_on_other_paragraphs_are_set_apart_by_name(tmp_path):
    _write_run(tmp_path, "one", THINGS[:3])
    _write_run(tmp_path, "other", THINGS[3:])
    _write_run(tmp_path, "third", THINGS[3:])
    groups = read_comparison(tmp_path / "runs", [], []).groups
    assert [[run.name for run in group.runs] for group in groups] == [["other", "third"], ["one"]]
    assert [group.name for group in groups] == ["things (other)", "things (one)"]
    named = read_comparison(tmp_path / "runs", ["one", "other"], [])
    assert named.groups[0].runs[0].name == "one"  # the first that was named stands in front
    assert "Set apart, because they were asked about other paragraphs: one" in named.remarks[0]


def test_rows_that_one_run_lacks_are_left_out_of_all_and_named(tmp_path):
    _write_run(tmp_path, "all")
    _write_run(tmp_path, "fewer", THINGS[:4])
    comparison = read_comparison(tmp_path / "runs", [], [])
    (group,) = comparison.groups
    assert [len(run.before) for run in group.runs] == [4, 4]
    assert "all: 2 of its 6 test paragraphs were not put to the other runs" in comparison.remarks[0]


def test_runs_that_overlap_in_a_chain_keep_paragraphs_in_common(tmp_path):
    for name, things in (("a", THINGS), ("b", THINGS[:3]), ("c", THINGS[3:])):
        _write_run(tmp_path, name, things)
    groups = read_comparison(tmp_path / "runs", [], []).groups
    assert [[run.name for run in group.runs] for group in groups] == [["a", "b"], ["c"]]


def test_pair_of_files_with_the_first_attempts_keys_is_compared_too(tmp_path):
    _write_run(tmp_path, "run")
    pair = _write_pair(
        tmp_path, [_three_keys("해금", "해금")], [_three_keys("해금", "해금은 언제부터 우리 곁에 있었는가?")]
    )
    comparison = read_comparison(tmp_path / "runs", [], [pair])
    assert [[run.name for run in group.runs] for group in comparison.groups] == [["run"], ["첫 시도"]]
    (output,) = comparison.groups[1].runs[0].after
    assert output["references"] == ["해금은 언제부터 우리 곁에 있었는가?"]
    assert output["stopped"] is None
    assert comparison.groups[1].runs[0].train == {}
    same = _write_pair(tmp_path, *[[_three_keys(thing, text) for thing in THINGS] for text in ("전", "후")])
    (group,) = read_comparison(tmp_path / "runs", ["run"], [same]).groups
    assert [run.name for run in group.runs] == ["run", "첫 시도"]


def test_published_outputs_of_the_first_attempt_can_be_compared(shared_data):
    files = [str(shared_data / "first_attempt" / f"{stage}_outputs.json") for stage in ("init", "after")]
    comparison = read_comparison(Path("nowhere"), [], [["first attempt", *files]])
    assert len(comparison.runs[0].before) == 14
    assert not comparison.remarks


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ([_three_keys("해금", "")], [_three_keys("해금", "답")], "1 of 1 outputs are empty and score 0 (1)"),
        (
            [_three_keys("해금", "답"), _three_keys("단소", "답")],
            [_three_keys("해금", "답")],
            "1 rows stand in init_outputs.json alone and are left out (2)",
        ),
        (
            [_three_keys("해금", "답"), _three_keys("해금", "답")],
            [_three_keys("해금", "답")],
            "1 of 2 entries repeat a paragraph, of which the first output counts (2)",
        ),
        (
            [_three_keys("해금", "질문 " * 350_000)],
            [_three_keys("해금", "답")],
            "1 of 1 outputs are very long, of which the first 10,000 characters are scored (1 with 1,050,000 char",
        ),
        (
            [_three_keys("해금", "답"), {"input": "글"}, ["no object"], {**_three_keys("단소", ""), "model_output": 3}],
            [_three_keys("해금", "답")],
            "3 of 4 entries of the wrong shape are left out (entry 1 has no text expected_output, ",
        ),
    ],
)
def test_what_is_wrong_with_some_rows_is_named_and_the_rest_compared(tmp_path, before, after, said):
    comparison = read_comparison(tmp_path, [], [_write_pair(tmp_path, before, after)])
    assert said in " ".join(comparison.remarks)
    assert len(comparison.runs[0].after) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"input": "글"}', "첫 시도: after_outputs.json must hold a list of outputs"),
        ("[1, 2", "첫 시도: after_outputs.json is not JSON: "),
        ("[]", "첫 시도: init_outputs.json and after_outputs.json share no test row"),
        (None, "첫 시도: after_outputs.json does not exist."),
    ],
)
def test_files_of_the_wrong_shape_are_named_and_the_rest_compared(tmp_path, text, said):
    _write_run(tmp_path, "run")
    pair = _write_pair(tmp_path, [_three_keys("해금", "답")], [])
    Path(pair[2]).unlink() if text is None else Path(pair[2]).write_text(text, encoding="utf-8")
    comparison = read_comparison(tmp_path / "runs", [], [pair])
    assert [run.name for run in comparison.runs] == ["run"]
    assert said in " ".join(comparison.remarks)
    assert str(tmp_path) not in " ".join(comparison.remarks)  # remarks go into pages that are passed on
    with pytest.raises(KorqgError, match=said.split(": ")[1]):
        read_comparison(tmp_path / "no runs", [], [pair])


def test_run_that_was_cut_off_is_named_and_the_rest_compared(tmp_path):
    _write_run(tmp_path, "whole")
    cut = _write_run(tmp_path, "cut")
    (cut / "manifest.json").unlink()
    write_json(cut / "run.json", {})
    for names in ([], ["whole", "cut"]):
        comparison = read_comparison(tmp_path / "runs", names, [])
        assert [run.name for run in comparison.runs] == ["whole"]
        assert "not finished" in comparison.remarks[0]
        assert 'run 02_train_lora.ipynb with run_name="cut"' in comparison.remarks[0]
    with pytest.raises(KorqgError, match=rf"in {tmp_path}/runs:\n.*runs/cut is not finished: run 02_train_lora"):
        read_comparison(tmp_path / "runs", ["cut"], [])
    with pytest.raises(KorqgError, match="holds no finished run: run 02_train_lora"):
        read_comparison(tmp_path / "nothing", [], [])


def test_run_whose_files_were_changed_is_named(tmp_path):
    _write_run(tmp_path, "whole")
    write_json(_write_run(tmp_path, "changed") / "after_outputs.json", [])
    comparison = read_comparison(tmp_path / "runs", [], [])
    assert [run.name for run in comparison.runs] == ["whole"]
    assert "after_outputs.json was changed after it was written" in comparison.remarks[0]


def test_run_without_its_log_is_compared_without_losses(tmp_path):
    (_write_run(tmp_path, "whole") / "train_log.jsonl").unlink()
    comparison = read_comparison(tmp_path / "runs", ["whole"], [])
    (run,) = comparison.runs
    assert run.log == [] and all(path.is_file() for path in run.files) and len(run.files) == 2
    assert comparison.remarks == ["whole: train_log.jsonl does not exist. Its losses are left out."]


def test_losses_that_are_not_finite_or_not_readable_are_named_and_left_out(tmp_path):
    _write_run(tmp_path, "finite")
    _write_run(tmp_path, "broken", log=[*LOG, {"step": 3, "loss": math.nan}, {"step": 4, "loss": math.inf}])
    _write_run(tmp_path, "unread", log=["no object"])
    comparison = read_comparison(tmp_path / "runs", [], [])
    logs = {run.name: run.log for run in comparison.runs}
    assert logs["broken"] == logs["finite"] == LOG
    assert logs["unread"] == []
    assert "broken: 2 of 5 losses in train_log.jsonl are not finite (the first at step 3)" in comparison.remarks[0]
    assert "unread: train_log.jsonl, line 1 is not a JSON object. Its losses are left out." in comparison.remarks[1]


def test_tokens_seen_follow_from_epochs_where_the_run_noted_a_rows_tokens(tmp_path):
    _write_run(tmp_path, "noted", tokens_per_row=260.0)
    _write_run(tmp_path, "silent")
    noted, silent = read_comparison(tmp_path / "runs", [], []).runs
    assert [noted.tokens_at(entry) for entry in LOG] == [0, 1300, 2600]
    assert silent.tokens_at(LOG[1]) is None


def test_answers_come_from_the_data_when_they_are_still_the_same(tmp_path):
    data = tmp_path / "data" / "things"
    write_jsonl(data / "test.jsonl", [{**_output("해금", ""), "answer": "오래전"}])
    folder = _write_run(tmp_path, "run", ("해금",))
    files = [folder / file for file in ("init_outputs.json", "after_outputs.json", "train_log.jsonl")]
    figures = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["figures"]
    finish_stage(folder, {"data_name": "things"}, [data / "test.jsonl"], files, figures)

    def read():
        (run,) = read_comparison(tmp_path / "runs", [], []).runs
        return run.after[0]["answers"]

    assert read() == ["오래전"]
    write_jsonl(data / "test.jsonl", [{**_output("해금", ""), "answer": "다른 답"}])
    assert read() == []


def test_own_documents_are_read_from_the_outputs_after_training_alone(tmp_path):
    folder = _write_run(tmp_path, "run", own=OWN)
    write_jsonl(folder / "chunks.jsonl", CHUNKS)
    (run,) = read_comparison(tmp_path / "runs", [], []).runs
    assert [output["id"] for output in run.own] == ["own-해금", "own-장구"]
    assert len(run.before) == len(run.after) == len(THINGS)
    assert run.chunks == CHUNKS


def test_better_and_worse_are_a_matter_of_form_first_and_of_likeness_then():
    statement, question, near = (
        _output("해금", text) for text in ("해금이다.", "해금은 무엇인가?", "해금은 언제 우리 곁에 있었는가?")
    )
    assert verdict(statement, question) == "better"
    assert verdict(question, statement) == "worse"
    assert verdict(question, near) == "better"
    assert verdict(near, question) == "worse"
    assert verdict(near, near) == "same"
    copied = _output("해금", "해금은 언제부터 우리 곁에 있었는가")  # like the reference, and no question
    assert verdict(statement, copied) == "same"


def test_examples_are_chosen_by_rule(tmp_path):
    after = [_output(thing, f"{thing}은 무엇인가?") for thing in THINGS]
    after[1]["model_output"] = after[1]["expected_output"]
    after[4]["model_output"] = "질문이 아니다."
    _write_run(tmp_path, "run", after=after)
    (run,) = read_comparison(tmp_path / "runs", [], []).runs
    chosen = chosen_examples(run, 2, seed=1)
    assert chosen["best"][0] == 1
    assert chosen["worst"][0] == 4
    assert chosen == chosen_examples(run, 2, seed=1)
    assert {len(places) for places in chosen_examples(run, 99, seed=1).values()} == {len(THINGS)}
    for output in run.after:
        output |= {"answer": "오래전", "kind": "time"}
    run.after[0]["model_output"] = "이 측우기는 언제부터 우리 곁에 있었는가?"
    run.after[1]["model_output"] = run.after[1]["references"][0]
    run.after[2] |= {"model_output": run.after[2]["references"][0], "likelihood": 0.5}
    run.after[3] |= {"model_output": run.after[3]["references"][0], "likelihood": 0.9}
    order = chosen_examples(run, len(THINGS), seed=1)["best"]
    assert order[:3] == [1, 3, 2] and 0 in order[3:]  # it points at a text that the asker cannot see
    run.after[1] |= {"read_answer": "활", "confidence": 0.9}  # another answer came back
    assert chosen_examples(run, len(THINGS), seed=1)["best"][-2:] == [1, 4]


OWN = [("해금", "해금은 줄이 몇 개인가?"), ("장구", "장구")]
CHUNKS = [{"id": "own-1", "title": "악기", "text": "해금은 줄이 두 개이다.", "place": {}}]


def test_questions_that_fail_a_check_are_found_by_check(tmp_path):
    texts = dict(
        zip(
            THINGS,
            (
                "측우기에 관한 글이다. 측우기은 오래전부터 우리 곁에 있었는가?",  # two sentences
                "거북선은 언제부터 우리 곁에 있었는가?",
                "오래전 훈민정음은 언제부터 있었는가?",  # its answer is in it
                "가야금은 누구인가?",
                "은행나무",  # no question: no matter here
                "이 반딧불이는 언제부터 우리 곁에 있었는가?",  # points at something
            ),
            strict=True,
        )
    )
    after = [{**_output(thing, text), "answer": "오래전", "kind": "time"} for thing, text in texts.items()]
    _write_run(tmp_path, "run", after=after)
    (run,) = read_comparison(tmp_path / "runs", [], []).runs
    found = {name: [one["title"] for one in failed] for name, failed in faults_of(run.after, 0.8).items() if failed}
    assert "훈민정음" in found["keeps_its_answer"]
    assert "측우기" in found["one_sentence"]
    assert "가야금" in found["asks_right"]
    assert found["stands_alone"] == ["반딧불이"]
    assert not any("거북선" in titles for titles in found.values())


def test_best_run_recommends_unless_one_is_named(tmp_path):
    for name in ("one", "two"):
        write_jsonl(_write_run(tmp_path, name, own=OWN) / "chunks.jsonl", CHUNKS)
    runs = read_comparison(tmp_path / "runs", [], []).runs
    figures = {
        name: {"after": {"comes_back_rate": 0.9, "rouge_l": likeness}}
        for name, likeness in (("one", 0.3), ("two", 0.4))
    }
    assert choose_run(runs, figures, "").name == "two"
    assert choose_run(runs, figures, "one").name == "one"
    with pytest.raises(KorqgError, match="recommend_run='three' is not among the runs that are compared: one, two"):
        choose_run(runs, figures, "three")
    assert choose_run([], {}, "") is None


def test_pictures_are_saved_as_png_and_svg_with_hangul_as_shapes(tmp_path):
    import warnings

    import matplotlib.pyplot as plt

    use_korean_font()
    figure, axes = plt.subplots()
    axes.set(title="학습 전과 후 · 뷁")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a glyph that is missing is a warning
        paths = save_figure(figure, tmp_path, "rates")
    plt.close(figure)
    assert [path.name for path in paths] == ["rates.png", "rates.svg"]
    svg = paths[1].read_text(encoding="utf-8")
    assert "<text" not in svg
    assert "NanumGothic" in svg  # the names of the shapes


def test_bars_are_lengths_to_both_sides_and_nothing_without_an_interval():
    below, above = to_both_sides([50.0, 100.0, 10.0], [40.0, None, 20.0], [70.0, None, 30.0])
    assert (below, above) == ([10.0, 0.0, 0.0], [20.0, 0.0, 20.0])


def test_font_in_the_page_holds_the_texts_letters_and_little_more():
    import base64
    import io

    from fontTools.ttLib import TTFont

    from korqg.compare.plots import embedded_font

    data = base64.b64decode(embedded_font("훈민정음은 누가?"))
    letters = TTFont(io.BytesIO(data)).getBestCmap()
    assert {ord(letter) for letter in "훈민정음은누가?"} <= set(letters)
    assert ord("뷁") not in letters
    assert len(data) < 20_000


@pytest.mark.parametrize("judged", [False, True])
def test_font_in_the_page_holds_what_its_scripts_and_styles_write(judged):
    import base64
    import io
    import re

    from fontTools.ttLib import TTFont

    from korqg.compare.page import side_by_side_page

    empty = {"reference": {}, "runs": {}, "between": {}, "reference_kinds": {}}
    item = {"number": "1", "passage": "p", "question": "q", "answer": "", "makers": ["rule"]}
    page = side_by_side_page(empty, {}, "about", [], {}, {}, judged=[item] if judged else [])
    font = re.search(r"data:font/woff;base64,([^)]+)\)", page)[1]
    letters = {letter for letter in page if "가" <= letter <= "힣"}
    assert letters and letters <= {*map(chr, TTFont(io.BytesIO(base64.b64decode(font))).getBestCmap())}
