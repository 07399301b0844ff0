"""The measurement of the ways, small: two readers that share no article, runs that ask, and results without texts."""

import pytest
import yaml
from conftest import COURSE
from test_chain import corpus  # noqa: F401

from korqg.files import read_json, read_jsonl
from korqg.measure_ways import measure_ways, ways_table


@pytest.mark.chain
def test_ways_are_measured_once_and_the_results_hold_no_text(corpus, tiny_model_folder, tmp_path, capsys):  # noqa: F811
    small = dict(model_name=str(tiny_model_folder), max_steps=2, batch_size=2, gradient_accumulation_steps=1)
    small |= dict(max_new_tokens=6, max_length=256, lora_rank=2, wandb_mode="disabled")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(small))
    outputs = tmp_path / "outputs"
    command = ["--outputs", str(outputs), "--source-path", str(corpus), "--seeds", "7", "--only", "question"]
    command += ["--recipe", str(recipe), "--reader-recipe", str(recipe), "--candidates", "2", "--preference-rows", "2"]
    assert measure_ways(command) == 0
    assert "finished before" not in capsys.readouterr().out

    titles = [
        {row["title"] for row in read_jsonl(outputs / "data" / f"ways-{role}" / "train.jsonl")}
        for role in ("ranker", "judge")
    ]
    assert titles[0] and titles[1] and not titles[0] & titles[1]
    path = outputs / "ways" / "ways.json"
    (result,) = read_json(path)["results"]
    assert (result["kind"], result["seed"], list(result["ways"])) == ("question", 7, ["greedy", "best_of"])
    assert result["ways"]["best_of"]["ranked_by"] == "ways-ranker"
    assert result["judge"]["name"] == "ways-judge"
    assert result["preferences"] == {"paragraphs": 2, "pairs": 0}  # random readers tell nothing apart
    assert result["ways"]["greedy"]["n"] == result["ways"]["best_of"]["n"] == 1
    text = path.read_text(encoding="utf-8")
    for private in (str(tmp_path), str(COURSE), "마을", "촌장"):
        assert private not in text

    manifest = outputs / "runs" / "ways-question-seed7" / "manifest.json"
    before = manifest.read_bytes(), path.read_bytes()
    assert measure_ways(command) == 0
    assert (manifest.read_bytes(), path.read_bytes()) == before
    said = capsys.readouterr().out
    assert said.count("finished before") == 6
    assert "question, best_of" in said and "human, by the judge" in said


def test_table_gives_means_over_the_seeds_and_the_share_of_the_human_rate():
    def result(seed: int, rate: float) -> dict:
        figures = {"n": 180, "single_question_rate": 1.0, "answerable_rate": rate, "gives_answer_away_rate": 0.01}
        figures |= {"rouge_l": 0.45, "seconds_per_question": 0.01}
        judge = {"human": {"n": 500, "answerable_rate": 0.5, "gives_answer_away_rate": 0.004}}
        return {"kind": "question", "seed": seed, "ways": {"greedy": figures}, "judge": judge}

    lines = ways_table([result(1, 0.3), result(2, 0.5)]).splitlines()
    assert "40.0 (30.0 to 50.0)" in lines[1]
    assert "80.0 (60.0 to 100.0)" in lines[1]
    assert lines[2].startswith("human, by the judge")
