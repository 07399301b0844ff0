"""Rows: their keys, the split by article, sizes, and what is cut."""

from dataclasses import replace

import pytest

from korqg.config import SAMPLE_CORPUS
from korqg.data.corpus import Passage, Question, make_passage_id, read_korquad
from korqg.data.documents.chunks import Chunk, chunk_documents
from korqg.data.instruction_rows import (
    SPLITS,
    divide_passages,
    drafts_first,
    instruction_for_documents,
    make_own_rows,
    make_row,
    make_rows,
    rows_by_prompt,
    shared_between_splits,
    split_by_article,
)
from korqg.data.near_copies import LARGEST_GROUP, join_articles
from korqg.errors import KorqgError
from korqg.prompts import INSTRUCTIONS


def _passage(title: str, text: str, questions: int = 2) -> Passage:
    asked = tuple(
        Question(f"{title}-{text[:4]}-{n}", f"{text[:6]}의 {n}번은 무엇인가?", text[0], 0) for n in range(questions)
    )
    return Passage(make_passage_id(text), title, text, asked)


def _split(passages: list[Passage], validation_fraction: float, test_fraction: float, seed: int) -> dict:
    split, dropped = split_by_article(passages, join_articles(passages), validation_fraction, test_fraction, seed)
    assert dropped == []
    return split


PASSAGES = [_passage(f"기사{a}", f"{a}번 기사의 {p}번 문단이다.") for a in range(20) for p in range(3)]


def test_row_has_the_keys_that_the_other_notebooks_read():
    row = make_row(PASSAGES[0], PASSAGES[0].questions[0])
    assert list(row) == ["id", "title", "passage_id", "instruction", "input", "output", "answer"]
    assert row["input"] == PASSAGES[0].text
    assert row["output"].endswith("?")


def test_split_keeps_articles_whole_and_has_the_asked_size():
    split = _split(PASSAGES, 0.1, 0.1, seed=42)
    titles = {name: {passage.title for passage in split[name]} for name in SPLITS}
    assert {name: len(titles[name]) for name in SPLITS} == {"train": 16, "validation": 2, "test": 2}
    assert len(set.union(*titles.values())) == 20
    assert sum(len(split[name]) for name in SPLITS) == len(PASSAGES)


def test_articles_of_edited_drafts_are_for_training_and_move_no_other():
    edited = [
        Passage(make_passage_id(text), title, text, (Question(title, "무엇인가?", text[0], 0, edited_draft=True),))
        for title, text in ((f"문서{n}", f"{n}번 문서의 조각이다.") for n in range(30))
    ]
    split, alone = _split(PASSAGES + edited, 0.1, 0.1, seed=42), _split(PASSAGES, 0.1, 0.1, seed=42)
    assert (split["validation"], split["test"]) == (alone["validation"], alone["test"])
    assert split["train"] == alone["train"] + edited


def test_edited_drafts_come_first_and_are_answered_too():
    text = "새숲역은 2월 3일에 문을 열었다. 역무원은 아홉 명이다."
    asked = (
        Question("edited", "새숲역은 언제 문을 열었는가?", "2월 3일", text.index("2월 3일"), edited_draft=True),
        Question("person", "없음", "역무원", text.index("역무원")),
    )
    station = Passage(make_passage_id(text), "새숲역", text, asked)
    split = {"train": [station, *PASSAGES[6:]], "validation": PASSAGES[:3], "test": PASSAGES[3:6]}
    rows, left_out = make_rows(split, "all", 0, 42, ("answer_aware", "answer"), "plain")
    train = {row["id"]: row for row in rows["train"]}
    assert next(iter(train)) == "edited" and "edited-answer" in train
    assert {one["id"] for one in left_out if one["file"] == "새숲역"} == {"person"}  # that is no question


def test_words_that_the_rule_has_no_question_about_are_asked_for_last_and_roughly():
    text = "보증 기간은 구입일부터 1년이고, 압축기만 3년입니다. 호스는 안지름 14mm짜리를 배수구에 끼우십시오."
    chunk = Chunk("1", "솔바온 제습기 SBD-160 사용 설명서", text)
    ruled, both = make_own_rows(chunk, 8), make_own_rows(chunk, 8, rough=True)
    assert ruled and all(row["rule_question"] for row in ruled)
    assert both[: len(ruled)] == ruled and len(ruled) < len(both) <= 8
    for row in both[len(ruled) :]:
        assert row["rule_question"] == "" and row["kind"] != "noun"
        draft = row["input"].rsplit("초안: ", 1)[1]
        assert "솔바온" not in draft and draft.endswith("?")  # the model adds the name
    assert make_own_rows(chunk, len(ruled), rough=True) == ruled


def test_split_depends_on_the_seed_and_on_nothing_else():
    first = _split(PASSAGES, 0.1, 0.1, seed=42)
    assert _split(PASSAGES, 0.1, 0.1, seed=42) == first
    assert any(_split(PASSAGES, 0.1, 0.1, seed=seed) != first for seed in (1, 2, 3))


LONG = (
    "나루터의 사공은 새벽마다 강물의 높이를 재어 벽에 적었다. 그의 딸은 그 숫자를 공책에 옮겼고, 쉰 해가 지난 뒤 "
    "공책은 강의 물길을 다시 그리는 데 쓰였다. 지금 그 공책은 군청의 자료실에 있으며 누구나 볼 수 있다."
)
NOTHING_SHARED = {"titles": set(), "passages": set(), "copies": set()}


@pytest.mark.parametrize(
    ("text", "copy"),
    [
        ("두 기사에 함께 있는 문단이다.", "두  기사에  함께  있는  문단이다."),
        (LONG, LONG.replace("쉰 해", "50년") + " 덧붙인 문장이 하나 있다."),
    ],
    ids=["equal", "near"],
)
def test_articles_that_share_a_paragraph_stay_together(text, copy):
    apart = 0
    for seed in range(20):
        passages = [*PASSAGES, _passage("기사0", text), _passage("기사19", copy)]
        rows, _ = make_rows(_split(passages, 0.2, 0.2, seed), "all", 0, seed)
        assert shared_between_splits(rows) == NOTHING_SHARED
        side = {p.title: name for name, found in _split(PASSAGES, 0.2, 0.2, seed).items() for p in found}
        apart += side["기사0"] != side["기사19"]
    assert apart > 0  # without the shared paragraph they do not always stay together


def test_paragraph_of_too_many_articles_stays_on_one_side_and_its_copies_are_dropped():
    copies = [_passage(f"기사{n}", LONG + "가" * n) for n in range(LARGEST_GROUP + 2)]
    passages = [*PASSAGES, *copies]
    for seed in range(10):
        split, dropped = split_by_article(passages, join_articles(passages), 0.2, 0.2, seed)
        assert {name: len({p.title for p in split[name]}) for name in SPLITS} == {
            "train": 12,
            "validation": 4,
            "test": 4,
        }
        assert shared_between_splits(make_rows(split, "all", 0, seed)[0]) == NOTHING_SHARED
        kept = [name for name in SPLITS for passage in split[name] if passage in copies]
        sides = {p.title: name for name in SPLITS for p in split[name]}
        assert set(kept) == {max((sides[copy.title] for copy in copies), key=SPLITS.index)}
        assert len(kept) + len(dropped) == len(copies)
        assert all(record["id"] in {passage.id for passage in copies} for record in dropped)
        assert f"stands on the {kept[0]} side" in dropped[0]["reason"]


def test_corpus_of_one_repeated_paragraph_leaves_nothing_to_train_on():
    passages = [_passage(f"기사{number}", LONG) for number in range(20)]
    with pytest.raises(KorqgError, match="Nothing is left for train"):
        split_by_article(passages, join_articles(passages), 0.1, 0.1, 42)


def test_shared_paragraph_on_two_sides_is_found():
    one, two = _passage("가", "같은 문단이다."), _passage("나", "같은 문단이다!")
    rows = make_rows({"train": [one], "validation": [], "test": [two]}, "all", 0, 0)[0]
    assert shared_between_splits(rows) == {"titles": set(), "passages": {"같은문단이다"}, "copies": {(two.id, one.id)}}


def test_near_copy_on_two_sides_is_found():
    one, two = _passage("가", LONG), _passage("나", LONG.replace("새벽마다", "아침마다"))
    rows = make_rows({"train": [one, _passage("다", "다른 문단이다.")], "validation": [two], "test": []}, "all", 0, 0)[
        0
    ]
    assert shared_between_splits(rows) == {"titles": set(), "passages": set(), "copies": {(one.id, two.id)}}
    rows["train"] += rows.pop("validation")
    assert shared_between_splits(rows | {"validation": []}) == NOTHING_SHARED


def test_too_few_articles_are_an_error():
    with pytest.raises(KorqgError, match="2 articles are too few"):
        _split(PASSAGES[:6], 0.1, 0.1, seed=42)


def test_first_takes_one_question_a_training_paragraph_and_all_in_the_test():
    split = _split(PASSAGES, 0.1, 0.1, seed=42)
    first, every = make_rows(split, "first", 0, 42)[0], make_rows(split, "all", 0, 42)[0]
    assert len(first["train"]) == 48
    assert len(every["train"]) == 96
    assert first["test"] == every["test"]
    assert len(first["test"]) == 12


def test_smaller_training_set_is_a_part_of_the_larger():
    split = _split(PASSAGES, 0.1, 0.1, seed=42)
    small, large = make_rows(split, "all", 10, 42)[0], make_rows(split, "all", 50, 42)[0]
    assert small["train"] == large["train"][:10]
    assert (small["validation"], small["test"]) == (large["validation"], large["test"])


def test_rows_by_prompt_gathers_all_references():
    rows = make_rows({"train": [], "validation": [], "test": PASSAGES[:2]}, "all", 0, 0)[0]["test"]
    entries = rows_by_prompt(rows)
    assert [len(entry["references"]) for entry in entries] == [2, 2]
    assert entries[0]["references"] == [question.text for question in PASSAGES[0].questions]


def test_long_paragraph_is_divided_between_sentences_and_keeps_its_questions():
    text = "첫 문장은 서울에서 시작한다. 둘째 문장은 부산에서 이어진다. 셋째 문장은 제주에서 끝난다."
    places = ("서울", "부산", "제주")
    asked = [Question(place, f"{place}는 어디인가?", place, text.index(place)) for place in places]
    across = Question("둘", "어디에서 어디로 이어지는가?", "부산에서 이어진다. 셋째", text.index("부산"))
    kept, dropped = divide_passages([Passage("id", "여행", text, (*asked, across))], 40, len)
    assert [passage.text for passage in kept] == [
        "첫 문장은 서울에서 시작한다. 둘째 문장은 부산에서 이어진다.",
        "셋째 문장은 제주에서 끝난다.",
    ]
    assert [[question.id for question in passage.questions] for passage in kept] == [["서울", "부산"], ["제주"]]
    for passage in kept:
        for question in passage.questions:
            assert passage.text.startswith(question.answer, question.answer_start)
    assert [record["id"] for record in dropped] == ["둘"]


def test_sentence_that_alone_is_too_long_costs_its_questions():
    text = "짧은 글이다. 아주 길고 길고 길고 길고 길고 길고 길고 길고 긴 문장에 섬이 있다. 끝이다."
    asked = (Question("가", "무엇인가?", "짧은 글", 0), Question("나", "무엇이 있는가?", "섬", text.index("섬")))
    kept, dropped = divide_passages([Passage("id", "글", text, asked)], 20, len)
    assert [passage.text for passage in kept] == ["짧은 글이다."]
    assert [record["id"] for record in dropped] == ["나"]


def test_own_rows_are_never_training_rows(korquad):
    from korqg.data.instruction_rows import make_own_row

    row = make_own_row(Chunk("memo-0001", "메모", "메모의 글이다."), "질문을 쓰세요.")
    assert (row["output"], row["answer"]) == ("", "")
    assert rows_by_prompt([row])[0]["references"] == []


WELL = (
    "우물가의 두레박은 버드나무로 만들었다. 여름에는 참외를 두레박에 담아 우물에 내려 두었다. "
    "겨울이면 우물 둘레에 짚을 감아 얼지 않게 하였다."
)


def test_question_without_a_place_goes_with_the_part_it_is_about():
    asked = (
        Question("가", "여름에 참외를 차게 두려고 어디에 담았는가?", "", -1),
        Question("나", "겨울에 우물이 얼지 않도록 무엇을 감았는가?", "볏짚을 둘러 감는 일", -1),
        Question("다", "두레박은 무엇으로 만들었는가?", "버드나무", WELL.index("버드나무")),
    )
    kept, dropped = divide_passages([Passage("id", "우물", WELL, asked)], 35, len)
    assert dropped == []
    assert {question.id: passage.text for passage in kept for question in passage.questions} == {
        "다": "우물가의 두레박은 버드나무로 만들었다.",
        "가": "여름에는 참외를 두레박에 담아 우물에 내려 두었다.",
        "나": "겨울이면 우물 둘레에 짚을 감아 얼지 않게 하였다.",
    }


def test_giant_sentence_gives_words_to_a_question_without_an_answer():
    text = WELL.replace(".", ",")
    asked = (Question("가", "무엇을 감았는가?", "", -1),)
    kept, dropped = divide_passages([Passage("id", "우물", text, asked)], 40, len)
    assert dropped == []
    assert len(kept[0].text) <= 40 and kept[0].text in text


def test_corpus_that_loses_most_of_its_questions_to_the_limit_stops_and_names_it():
    text = WELL.replace(".", ",")
    asked = (Question("가", "무엇을 감았는가?", "짚", text.index("짚")),)
    with pytest.raises(KorqgError, match=r"1 of 1 questions would be lost: .*max_passage_tokens=40 tokens"):
        divide_passages([Passage("id", "우물", text, asked)], 40, len)


def test_questions_that_a_task_cannot_use_are_recorded_once():
    asked = (Question("나-1", "구멍은 어디에 있는가?", "", -1),)
    unanswered = Passage("id", "나", "시루는 바닥에 구멍이 있다.", asked)
    split = {"train": [_passage("가", "가마솥은 무쇠로 만든다."), unanswered], "validation": [], "test": []}
    rows, left_out = make_rows(split, "all", 0, 0, ("answer", "answer_aware"))
    assert [record["id"] for record in left_out if "no answer" in record["reason"]] == ["나-1"]
    assert all(row["title"] == "가" for row in rows["train"])


def test_documents_are_asked_with_the_one_instruction_of_the_rows_or_the_courses():
    one = {"instruction": "글을 읽고 질문을 쓰세요."}
    assert instruction_for_documents([one, one]) == one["instruction"]
    other = {"instruction": "둘째 단락을 두고 물어보세요."}
    assert instruction_for_documents([one, other]) == INSTRUCTIONS["question"]
    assert instruction_for_documents([other]) == INSTRUCTIONS["question"]


WORKS = (
    "씨뿌리기 모내기 김매기 물대기 거름내기 이삭줍기 가을걷이 타작하기 볏단쌓기 새끼꼬기 "
    "가마니짜기 지붕잇기 논둑고치기 도랑치기 허수아비세우기 보리밟기 콩심기 고추따기 배추심기 무뽑기 "
    "김장담그기 메주쑤기 장담그기 누에치기 길쌈하기 삼삼기 멍석짜기 지게깎기 낫갈기 우물치기"
)
PEOPLE = "할아버지들 큰아버지들 어머니들 작은댁들 이장님들 이웃들 머슴들 품앗이꾼들 사위들 며느리들"
STEPS = [
    f"{work}를 앞두고 {who}은 {work}에 드는 연장을 손본다."
    for work, who in zip(WORKS.split(), PEOPLE.split() * 3, strict=True)
]


@pytest.mark.parametrize(("width", "step"), [(5, 4), (5, 3), (4, 1), (6, 2)])
def test_chunks_that_overlap_share_no_sentence_between_sides(width, step):
    chunks = [" ".join(STEPS[start : start + width]) for start in range(0, len(STEPS) - width, step)]
    passages = [_passage(f"조각 {number}", chunk, 1) for number, chunk in enumerate(chunks)]
    for seed in range(5):
        split, dropped = split_by_article(passages, join_articles(passages), 0.1, 0.1, seed)
        assert all(split.values())
        learnt = " ".join(passage.text for passage in split["train"])
        assert not any(said in learnt for passage in split["test"] for said in STEPS if said in passage.text)
        assert all("of a sentence of it, stands on the" in record["reason"] for record in dropped)


def test_edited_drafts_come_first_with_an_answering_row_behind_every_ninth():
    edit = {"rule_question": "표는 어디에서 받는가?", "output": "축제의 표는 어디에서 받는가?"}
    rows = [{"id": f"q{number}", "instruction": INSTRUCTIONS["answer_aware"], **edit} for number in range(40)]
    rows += [{"id": f"a{number}", "instruction": INSTRUCTIONS["answer"]} for number in range(3)]
    ordered = drafts_first(rows, {f"q{number}": number > 21 for number in range(20, 40)})  # two are of an article
    rows[20]["output"] = "누리집에서 표를 신청한 사람은 축제 날 누구를 찾아가야 하는가?"  # a large edit
    behind = [row["id"] for row in drafts_first(rows, {f"q{number}": number > 21 for number in range(20, 40)})]
    assert behind.index("q20") > behind.index("q39")
    assert [row["id"] for row in ordered[:10]] == "q20 q22 q21 q23 q24 q25 q26 q27 q28 a0".split()
    assert sorted(row["id"] for row in ordered) == sorted(row["id"] for row in rows)
    assert drafts_first(rows, {}) == rows


def test_few_rows_of_the_sample_are_edited_drafts():
    passages = read_korquad(SAMPLE_CORPUS).passages[:40]
    split = {"train": passages[:20], "validation": passages[20:30], "test": passages[30:]}
    rows, _ = make_rows(split, "all", 30, 42, ("answer_aware", "answer"), "plain")
    drafts = {question.id for passage in passages for question in passage.questions if question.edited_draft}
    asking = [row for row in rows["train"] if row["instruction"] == INSTRUCTIONS["answer_aware"]]
    assert len(asking) == 27 and {row["id"] for row in asking} <= drafts


def test_drafts_of_articles_and_of_documents_take_turns():
    passages = read_korquad(SAMPLE_CORPUS).passages[:40]
    alone = [
        replace(p, questions=tuple(q for q in p.questions if q.edited_draft), title=f"{p.id}") for p in passages[:10]
    ]
    split = {"train": [*alone, *passages[10:20]], "validation": passages[20:30], "test": passages[30:]}
    rows, _ = make_rows(split, "all", 8, 42, ("answer_aware", "answer"), "plain")
    of_documents = [row["title"] in {p.title for p in alone} for row in rows["train"]]
    assert of_documents == [False, True] * 4


def test_own_questions_are_learnt_before_the_samples_drafts():
    passages = read_korquad(SAMPLE_CORPUS).passages[:40]
    mine = replace(passages[5], questions=tuple(replace(one, own=True) for one in passages[5].questions))
    split = {"train": [*passages[:5], mine, *passages[6:20]], "validation": passages[20:30], "test": passages[30:]}
    rows, _ = make_rows(split, "all", 30, 42, ("answer_aware", "answer"), "plain")
    from_mine = [row["passage_id"] == mine.id for row in rows["train"]]
    assert any(from_mine) and from_mine == sorted(from_mine, reverse=True)


@pytest.mark.parametrize(
    ("title", "file", "asked"),
    [
        ("food_dryer_manual > 안전", "food_dryer_manual.pdf", "안전"),
        ("food_dryer_manual", "manuals/food_dryer_manual.pdf", ""),
        ("DNA", "biology.md", "DNA"),
        ("사용 설명서 > 안전", "사용 설명서.pdf", "사용 설명서 > 안전"),
    ],
)
def test_asker_sees_no_name_of_a_file(title, file, asked):
    chunk = Chunk("1", title, "허가서 사본은 저장탑 출입문에 붙인다.", file=file)
    first = make_own_rows(chunk, 1)[0]["input"].split("\n")[0]
    assert first.rstrip() == f"제목: {asked}".rstrip()


def test_drafts_leave_the_name_to_the_model():
    text = "허가서 사본은 저장탑 출입문에 붙인다."
    rows = make_own_rows(Chunk("silo-0001", "곡물 저장탑 안전 수칙", text), 100)
    assert "허가서 사본은 어디에 붙이는가?" in {row["rule_question"] for row in rows}


def test_asker_sees_each_heading_once(tmp_path):
    document = tmp_path / "guide.md"
    document.write_text(
        "# 텃밭 길잡이\n\n## 흙 만들기\n\n### 밑거름\n\n밑거름은 심기 14일 전에 넣는다.\n", encoding="utf-8"
    )
    chunk = chunk_documents(document, 384, len, 0).chunks[-1]
    (row,) = make_own_rows(chunk, 100)  # of all its words those that the rule has a question about
    assert row["input"].splitlines()[0] == "제목: 텃밭 길잡이 > 흙 만들기 > 밑거름"
    assert row["input"].endswith(f"초안: {row['rule_question']}") and row["rule_question"].endswith("?")
