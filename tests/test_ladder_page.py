"""The ladder's page: figures by hand, pictures redrawn, and prose that says what the results say."""

import json
import re

import pytest

from korqg.errors import KorqgError
from korqg.files import read_json, write_json
from korqg.research.ladder import LONGEST_QUOTE, RECIPES, read_recipes, without_quotes
from korqg.research.ladder_page import (
    EXAMPLE,
    MARKED,
    PICTURES,
    condense,
    curve_of_rows,
    estimate,
    in_points,
    make_page,
    page,
    read_ladder,
    sweep_rows,
    table_rows,
)


def result(rung: str, seed: int, singles: list[bool], rows: int = 98, loss: float = 1.5, **parameters) -> dict:
    return {
        "rung": rung,
        "seed": seed,
        "train_rows": rows,
        "steps": 4,
        "eval_loss_after": loss,
        "device": "CPU, 2 threads",
        "parameters": {"learning_rate": 1e-4, "lora_rank": 16, "lora_alpha": 32, "batch_size": 2, "num_epochs": 3.0}
        | {"lora_dropout": 0.0}
        | parameters,
        "losses": [{"step": 1, "loss": 3.0}, {"step": 2, "eval_loss": 2.0}, {"step": 4, "loss": 1.0}],
        "questions": [
            {
                "id": f"q{place}",
                "model_output": "누가 만들었는가?" if single else "1. 하나\n2. `둘`",
                "stopped": True,
                "single_question": single,
                "rouge_l": 0.5,
                "copy_rate": 0.25,
            }
            for place, single in enumerate(singles)
        ],
    }


@pytest.fixture
def ladder() -> dict:
    human = {name: 0.9 for name in ("single_question_rate", "rouge_l", "copy_rate")} | {"stop_rate": None}
    human |= {f"{name}_{end}": 0.9 for name in human for end in ("low", "high")}
    return {
        "model": "gemma-3-270m",
        "reference": {"human": human},
        "failed": [{"rung": "4_all_linear", "seed": 42, "error": "it ended with exit code 1"}],
        "results": [
            result("7_rows_all", 42, [True, True, True], 1000, 1.2),
            result("1_first_attempt", 42, [False, False, True]),
            result("1_first_attempt", 43, [False, False, False]),
            result("5_learning_rate", 42, [True, True, False], 100, 1.4),
        ],
    }


def test_estimate_is_the_mean_over_seeds_and_paragraphs_with_an_interval(ladder):
    rows = [row for row in ladder["results"] if row["rung"] == "1_first_attempt"]
    known = estimate(rows, "single_question_rate")
    assert known["mean"] == pytest.approx(100 / 6)
    assert known["seeds"] == pytest.approx([100 / 3, 0.0])
    assert known["low"] == 0 and 30 < known["high"] <= 100
    assert in_points(estimate(rows, "rouge_l")) == "50.0 (50.0 to 50.0)"


def test_table_follows_the_story_and_ends_with_people(ladder):
    rows = table_rows(condense(ladder))
    assert [row["rung"].split(" ·")[0] for row in rows] == [
        "1. the first attempt",
        "5. + validation chooses",
        "7. + all rows",
        "a human question against the others",
        "4. + all linear layers",
    ]
    assert rows[4]["rung"].endswith("seed 42: failed") and rows[4].keys() == rows[0].keys()
    assert rows[0]["seeds"] == "2" and rows[2]["rows"] == "1,000" and rows[2]["validation loss"] == "1.20"
    assert rows[3]["ROUGE-L"] == "90.0 (90.0 to 90.0)" and rows[3]["stopped (%)"] == ""


def test_curve_is_a_line_through_the_points(ladder):
    """1.4 nats at 100 rows and 1.2 at 1,000: 0.2 for ten times the rows, 1.2 - 0.2 x log10(60) at 60,000."""
    curve = curve_of_rows(condense(ladder))
    assert curve["slope"] == pytest.approx(-0.2)
    assert curve["at_60000"] == pytest.approx(0.844, abs=1e-3)
    ladder["results"] = ladder["results"][:1]
    assert curve_of_rows(condense(ladder)) is None


def test_same_paragraph_is_one_that_the_changes_repaired(ladder):
    chosen = condense(ladder)["same_paragraph"]
    assert chosen["id"] == "q0"
    assert [one["single_question"] for one in chosen["questions"].values()] == [False, True, True]


def test_page_and_pictures_come_from_the_results_alone(ladder, tmp_path, monkeypatch):
    write_json(tmp_path / "ladder.json", ladder)
    variants = [
        result("few_rows", 42, [True], loss=1.6),
        result("few_rows-x", 42, [True], loss=1.5, learning_rate=0.01),
    ]
    write_json(tmp_path / "few_rows.json", {"results": variants, "failed": []})
    assert make_page([str(tmp_path)]) == 0
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "From 16.7 (" in text and "to 100.0 (100.0 to 100.0) % on the last" in text
    assert "`1. 하나⏎2. '둘'`" in text
    assert "4_all_linear, seed 42: it ended with exit code 1" in text
    assert re.search(r"\| learning_rate \|.*\n.*\n\| 0.01 \| 1.500 ", text)
    for name in PICTURES:
        assert f"]({name}.png)" in text
        assert (tmp_path / f"{name}.png").stat().st_size > 5_000
    # What is kept holds the figures alone, and gives the same page and pictures.
    kept = tmp_path / "kept"
    monkeypatch.setattr("korqg.research.ladder_page.EXAMPLE", kept)
    assert make_page([str(tmp_path), "--keep"]) == 0
    assert "questions" not in read_json(kept / "ladder.json")["rungs"]["7_rows_all"]
    assert "results" not in read_json(kept / "few_rows.json")
    made = {path.name: path.read_bytes() for path in kept.iterdir()}
    assert all((tmp_path / name).read_bytes() == made[name] for name in made if not name.endswith(".json"))
    assert make_page([str(kept)]) == 0
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == made


def test_sweep_shows_what_varies_and_the_choice_first():
    """Near the best rate the loss decides, near the lowest loss the rate: neither alone."""

    def variant(name: str, right: int, loss: float, **parameters) -> dict:
        return result(name, 42, [True] * right + [False] * (100 - right), loss=loss, **parameters)

    variants = [
        variant("best rate, higher loss", 100, 1.45, batch_size=1),
        variant("lowest loss", 96, 1.352, batch_size=8),
        variant("chosen", 98, 1.361, batch_size=2),
        variant("as good, higher loss", 98, 1.362, batch_size=4),
        variant("low rate, lower loss", 94, 1.30, batch_size=16),
        variant("loss too high", 99, 1.363, batch_size=32),
    ]
    rows = sweep_rows(condense({"results": variants}))
    assert list(rows[0])[:2] == ["batch_size", "validation loss"]
    assert [row["batch_size"] for row in rows] == ["2", "4", "8", "1", "32", "16"]


def test_folder_without_results_is_told_in_a_sentence(tmp_path, capsys):
    assert make_page([str(tmp_path)]) == 1
    assert "run `make ladder` first" in capsys.readouterr().err
    for wrong in ([], {"results": [{"rung": "1"}]}, {"results": []}):
        (tmp_path / "ladder.json").write_text(json.dumps(wrong))
        with pytest.raises(KorqgError, match=r"ladder\.json (does not hold|holds no finished)"):
            read_ladder(tmp_path / "ladder.json")


def test_long_quotes_of_the_paragraph_are_left_out():
    passage = "훈민정음은 세종대왕이 백성을 가르치려고 만든 글자이며 천사백사십육년에 반포되었다."
    asked = "훈민정음은 누가 만들었는가?"
    assert without_quotes(asked, passage) == asked
    blanks = f" {passage[:12]}\n{passage[12:]}  누가?"
    letters = len("".join(passage.split()))
    assert without_quotes(blanks, passage) == f" [{letters} characters of the paragraph]  누가?"
    assert without_quotes(f"답: {passage} 끝?", passage) == f"답: [{letters} characters of the paragraph] 끝?"


@pytest.mark.skipif(not (EXAMPLE / "ladder.json").is_file(), reason="no results of the ladder are kept yet")
def test_kept_page_and_readme_say_what_the_kept_results_say():
    ladder = read_ladder(EXAMPLE / "ladder.json")
    sweeps = {path.stem: read_ladder(path) for path in sorted(EXAMPLE.glob("*_rows.json"), reverse=True)}
    marked = read_json(EXAMPLE / MARKED)
    assert (EXAMPLE / "README.md").read_text(encoding="utf-8") == page(ladder, sweeps, marked)
    assert "More rows of marked answers" not in page(ladder, sweeps)
    recipes = read_recipes(RECIPES)
    for name, rung in ladder["rungs"].items():
        assert {key: rung["parameters"][key] for key in recipes[name]} == recipes[name], name

    def said(rung: str, name: str) -> str:
        return f"{ladder['rungs'][rung][name]['mean']:.1f}"

    for name in recipes:
        rates = f"{said(name, 'single_question_rate')} % single questions, ROUGE-L {said(name, 'rouge_l')} "
        assert rates in (RECIPES / f"{name}.yaml").read_text(encoding="utf-8"), name
    rate = {name[0]: float(said(name, "single_question_rate")) for name in recipes if name[0] in "1578"}
    human = ladder["reference"]["human"]
    figures = {
        f"{rate['1']:.0f}",
        f"{rate['5']:.0f}",
        f"{float(said('beside_first_attempt_all_rows', 'single_question_rate')):.0f}",
        said("beside_attention_only", "single_question_rate"),
        f"{rate['8']}",
        f"{rate['7']}",
        *(said(name, "stop_rate") for name in ("7_rows_all", "8_swept")),
        *(said(name, "rouge_l") for name in ("8_swept", "beside_rate_alone")),
        said("8_swept", "copy_rate"),
        said("beside_rate_alone", "single_question_rate"),
        *(f"{100 * human[name]:.1f}" for name in ("rouge_l", "copy_rate")),
        f"{ladder['paragraphs']}",
        f"{len(sweeps['all_rows']['rungs'])}",
    }
    for name in ("README.md", "README.ko.md"):
        (told,) = [
            text
            for text in (EXAMPLE.parent / name).read_text(encoding="utf-8").split("\n## ")
            if "(ladder/rates.png)" in text
        ]
        found = re.findall(r"(?<![\d.,-])\d+(?:\.\d+)?(?![\d.,]*\d)", told)
        assert figures <= set(found), figures - set(found)
        assert {one for one in found if "." in one} - figures <= {"1.0"}, name  # KorQuAD 1.0
    assert ladder["model_name"] == "gemma-3-270m"


def test_kept_outputs_quote_no_more_of_the_corpus_than_they_may(shared_data):
    articles = read_json(shared_data / "KorQuAD_v1.0_dev.json")["data"]
    texts = ["".join(paragraph["context"].split()) for article in articles for paragraph in article["paragraphs"]]
    length = LONGEST_QUOTE + 1
    known = {text[start : start + length] for text in texts for start in range(len(text) - length + 1)}
    for file in sorted(set(EXAMPLE.glob("*.json")) - {EXAMPLE / MARKED}):
        for rung, question in read_json(file)["same_paragraph"]["questions"].items():
            output = "".join(question["model_output"].split())
            pieces = {output[start : start + length] for start in range(len(output) - length + 1)}
            assert not pieces & known, (file.name, rung)
