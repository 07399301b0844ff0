"""The sample corpus and documents: schema, spans, duplicates and style."""

import re
from collections import Counter

import pytest
import sample_documents
import sample_statistics as statistics

from korqg.config import SAMPLE_CORPUS, SAMPLE_DOCUMENTS, SAMPLE_EDITS
from korqg.data.corpus import IMPOSSIBLE, normalized, read_korquad
from korqg.data.documents.chunks import read_document
from korqg.data.near_copies import near_duplicates
from korqg.files import read_json
from korqg.question import copied_share, is_copied, is_single_question

DATA = read_json(SAMPLE_CORPUS)
PARAGRAPHS = [(article["title"], paragraph) for article in DATA["data"] for paragraph in article["paragraphs"]]
ASKED = [(paragraph["context"], qa) for _, paragraph in PARAGRAPHS for qa in paragraph["qas"]]
EDITS = read_json(SAMPLE_EDITS)
EDITED = [(context, qa) for context, qa in ASKED if qa.get("edited_draft")]
QUESTIONS = [(context, qa) for context, qa in ASKED if not (qa.get("is_impossible") or qa.get("edited_draft"))]
ENCYCLOPEDIC = [article for article in DATA["data"] if article.get("kind", "encyclopedia") == "encyclopedia"]
SUBJECTS = ["nature", "science", "history", "geography", "food", "law", "sport", "arts", "computing", "everyday"]
LONG, MANUAL = "village_radio.md", "food_dryer_manual.pdf"
DOCUMENTS = {"garden_guide.md", "tea_story.txt", "leave_rules.docx", "rainwater_notice.hwpx", MANUAL, LONG}
# A question must stand on its own: nothing in it may point at a text that the asker has before them.
POINTING = (
    r"(^|\s)(이것|그것|저것|이곳|그곳|여기|거기|이때|그때|이는|이를|위 글|위의 글|윗글|본문(에|은|의|에서) "
    r"|이 글|다음 (글|중)"
    r"|해당 )"
)


def longest_copy(question: str, context: str) -> float:
    """Characters, white space aside, of the longest stretch of a question that stands in its paragraph."""
    return copied_share(question, context) * len("".join(question.split()))


def test_sample_corpus_is_large_enough():
    assert len(DATA["data"]) >= 200
    assert len(PARAGRAPHS) >= 900
    assert len(QUESTIONS) >= 2700
    assert all(len(paragraph["qas"]) >= 2 for _, paragraph in PARAGRAPHS)


def test_sample_corpus_covers_many_kinds_of_documents():
    counts = Counter(article["subject"] for article in DATA["data"] if "kind" not in article)
    assert set(counts) == set(SUBJECTS)
    kinds = Counter(article["kind"] for article in DATA["data"] if "kind" in article)
    assert {
        "notice",
        "rules",
        "manual",
        "recipe",
        "news",
        "minutes",
        "report",
        "dialogue",
        "textbook",
        "guide",
        "faq",
        "email",
    } <= set(kinds)
    registers = Counter(article["register"] for article in DATA["data"] if "kind" in article)
    assert registers["합니다"] + registers["해요"] >= 0.4 * len(DATA["data"])
    assert len(ENCYCLOPEDIC) <= len(DATA["data"]) / 3


def test_sample_corpus_is_read_without_a_dropped_or_mended_record():
    corpus = read_korquad(SAMPLE_CORPUS)
    assert len(corpus.passages) == len(PARAGRAPHS)
    assert sum(len(passage.questions) for passage in corpus.passages) == len(QUESTIONS) + len(EDITED)
    assert {record["reason"] for record in corpus.dropped} == {IMPOSSIBLE}
    assert corpus.mended == 0


def test_every_answer_is_one_exact_span():
    for context, qa in QUESTIONS + EDITED:
        (answer,) = qa["answers"]
        start, text = answer["answer_start"], answer["text"]
        assert context[start : start + len(text)] == text, qa["id"]
        assert len(text) < 2 or text not in qa["question"], f"{qa['id']}: the question tells its answer"


def test_questions_are_asked_as_people_ask():
    shares = Counter(
        "keyword" if not question.endswith("?") else "요" if re.search(r"[요죠]\?$", question) else "other"
        for question in (qa["question"] for _, qa in QUESTIONS)
    )
    plain = sum(bool(re.search(r"(가|[^니]까)\?$", qa["question"])) for _, qa in QUESTIONS)
    assert 0.25 <= shares["요"] / len(QUESTIONS) <= 0.4
    assert 0.1 <= shares["keyword"] / len(QUESTIONS) <= 0.15
    assert 0.25 <= plain / len(QUESTIONS) <= 0.35
    nouns = sum(bool(re.search(r"(은|는|란)\?$", qa["question"])) for _, qa in QUESTIONS)
    assert 0.1 <= nouns / len(QUESTIONS) <= 0.2
    assert statistics.riddles([qa["question"] for _, qa in QUESTIONS]) < 0.2 * len(QUESTIONS)


def test_questions_ask_for_many_things_and_not_only_for_names():
    kinds = Counter(qa["kind"] for _, qa in QUESTIONS)
    assert set(kinds) == {
        "fact", "procedure", "condition", "definition", "comparison", "consequence", "why", "name"
    }  # fmt: skip
    assert kinds["name"] < 0.2 * len(QUESTIONS) and kinds["fact"] < 0.65 * len(QUESTIONS)
    assert sum(qa.get("sentences") == 2 for _, qa in QUESTIONS) >= 0.15 * len(QUESTIONS)


def test_edited_drafts_are_questions_in_the_plain_style():
    assert len(EDITED) >= 1500
    for _, qa in EDITED:
        assert is_single_question(qa["question"]) and qa["question"].endswith("가?"), qa["id"]


def test_edited_questions_of_documents_are_read_whole_and_answered_by_a_span():
    corpus = read_korquad(SAMPLE_EDITS)
    asked = [(passage.text, question) for passage in corpus.passages for question in passage.questions]
    assert (corpus.dropped, corpus.mended) == ([], 0)
    assert len(asked) == sum(len(chunk["qas"]) for article in EDITS["data"] for chunk in article["paragraphs"])
    for text, question in asked:
        assert question.edited_draft, question.id
        assert text[question.answer_start :].startswith(question.answer), question.id
    assert len(asked) >= 6000
    for _, question in asked:
        assert is_single_question(question.text) and question.text.endswith("?"), question.id
        assert len(question.answer) < 2 or question.answer not in question.text, question.id
        assert not re.search(POINTING, question.text), f"{question.id}: {question.text}"


def test_edited_questions_are_about_no_text_of_the_corpus():
    chunks = [chunk["context"] for article in EDITS["data"] for chunk in article["paragraphs"]]
    others = [paragraph["context"] for _, paragraph in PARAGRAPHS]
    assert not [pair for pair in near_duplicates(chunks + others) if (pair[0] < len(chunks)) != (pair[1] < len(chunks))]


def test_no_paragraph_is_nearly_another():
    assert near_duplicates([paragraph["context"] for _, paragraph in PARAGRAPHS]) == []


def test_answers_end_as_answers_do():
    torn = re.compile("(므로|며|면서|지만|는데|니까|[가-힣]고자)$")
    assert [qa["id"] for _, qa in QUESTIONS if torn.search(qa["answers"][0]["text"])] == []


def test_questions_copy_little_of_their_paragraph():
    edited = [
        (chunk["context"], qa) for article in EDITS["data"] for chunk in article["paragraphs"] for qa in chunk["qas"]
    ]
    for asked, share in ((QUESTIONS, 0.01), (EDITED + edited, 0.3)):
        assert sum(longest_copy(qa["question"], context) > 12 for context, qa in asked) <= share * len(asked)
        assert not [qa["id"] for context, qa in asked if is_copied(qa["question"], context)][len(asked) // 100 :]


def test_readme_shows_the_statistics():
    assert statistics.table() in (SAMPLE_CORPUS.parent / "README.md").read_text(encoding="utf-8")


def test_question_that_has_no_answer_says_so():
    impossible = [qa for _, qa in ASKED if qa.get("is_impossible")]
    assert len(impossible) >= len(PARAGRAPHS) / 5
    assert all(qa["answers"] == [] for qa in impossible)


def test_paragraphs_have_the_length_of_chunks():
    for title, paragraph in PARAGRAPHS:
        assert 110 <= len(paragraph["context"]) <= 900, title
        assert paragraph["context"] == paragraph["context"].strip()


def test_questions_stand_on_their_own():
    form = [is_single_question(qa["question"]) for _, qa in QUESTIONS]
    assert sum(form) / len(form) >= 0.97
    for _, qa in ASKED:
        assert not re.search(POINTING, qa["question"]), f"{qa['id']}: {qa['question']}"


def test_nothing_stands_twice():
    for values in (
        [article["title"] for article in DATA["data"]],
        [normalized(paragraph["context"]) for _, paragraph in PARAGRAPHS],
        [normalized(qa["question"]) for _, qa in QUESTIONS + EDITED],
        [qa["id"] for _, qa in ASKED],
    ):
        assert [value for value, count in Counter(values).items() if count > 1] == []


def test_titles_of_works_have_one_kind_of_marks():
    texts = [paragraph["context"] for _, paragraph in PARAGRAPHS] + [qa["question"] for _, qa in QUESTIONS]
    texts += [_text(path.name) for path in SAMPLE_DOCUMENTS.iterdir()]
    assert [text for text in texts if re.search("[《》〈〉]", text)] == []


def _text(name: str) -> str:
    """A sample document's text, as it is read, headings included."""
    _, sections = read_document(SAMPLE_DOCUMENTS / name)
    return "\n".join(line for section in sections for line in (section.heading, *section.paragraphs) if line)


def test_sample_documents_are_six_of_five_formats():
    assert {path.name for path in SAMPLE_DOCUMENTS.iterdir()} == DOCUMENTS
    assert {path.suffix for path in SAMPLE_DOCUMENTS.iterdir()} == {".md", ".txt", ".docx", ".hwpx", ".pdf"}


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_sample_documents_have_a_few_thousand_characters_of_korean(name):
    text = _text(name)
    assert 1000 <= len(text) <= (9000 if name == LONG else 4000)
    assert len(re.findall(r"[가-힣]", text)) > 0.5 * len(text)
    assert (SAMPLE_DOCUMENTS / name).stat().st_size < 150_000


def test_long_document_is_long():
    assert len(_text(LONG)) >= 6000


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_sample_documents_share_no_five_words_in_a_row_with_the_corpus(name):
    words = _text(name).split()
    edits = [chunk for article in EDITS["data"] for chunk in article["paragraphs"]]
    # Of the further documents six: every set of rules begins with "제1장 총칙 제1조(목적) 이 규정은".
    for count, paragraphs in ((5, [paragraph for _, paragraph in PARAGRAPHS]), (6, edits)):
        runs = {" ".join(words[start : start + count]) for start in range(len(words) - count + 1)}
        corpus = " ".join(" ".join(paragraph["context"].split()) for paragraph in paragraphs)
        assert [run for run in sorted(runs) if run in corpus] == []


def test_office_documents_are_what_their_script_makes():
    made = sample_documents.make()
    assert sample_documents.make() == made
    for name in ("leave_rules.docx", "rainwater_notice.hwpx"):
        assert (SAMPLE_DOCUMENTS / name).read_bytes() == made[name], f"{name}: run the script again"


def test_manual_says_what_its_script_says(tmp_path):
    # Its bytes depend on the version of fonttools too, which cuts the font.
    (tmp_path / MANUAL).write_bytes(sample_documents.make()[MANUAL])
    assert read_document(tmp_path / MANUAL) == read_document(SAMPLE_DOCUMENTS / MANUAL)


def test_office_documents_are_read_with_headings_lists_and_tables():
    _, rules = read_document(SAMPLE_DOCUMENTS / "leave_rules.docx")
    assert [section.heading for section in rules if section.paragraphs][:2] == ["제1장 총칙", "제2장 연차 휴가"]
    assert "4. 재충전 휴가: 오래 근속한 직원에게 연차 휴가와 별도로 주는 유급 휴가" in rules[1].paragraphs
    _, notice = read_document(SAMPLE_DOCUMENTS / "rainwater_notice.hwpx")
    assert [section.heading for section in notice][3] == "3. 지원 내용"
    heads = {
        name: {block.head for section in read_document(SAMPLE_DOCUMENTS / name)[1] for block in section.blocks} - {""}
        for name in DOCUMENTS
    }
    assert heads["leave_rules.docx"] == {"사유 | 대상 | 일수 | 낼 서류"}
    assert "용량 | 설치비 | 시 지원금 | 본인 부담금 | 모집 물량" in heads["rainwater_notice.hwpx"]
    assert heads[MANUAL] == {"재료 | 손질 | 온도 | 시간"}


def test_pages_of_the_manual_leave_no_head_and_no_number():
    _, (section,) = read_document(SAMPLE_DOCUMENTS / MANUAL)
    assert max(section.pages) == 3
    assert section.paragraphs.count("또바기 식품 건조기 FD-8 사용 설명서") == 1
    assert [text for text in section.paragraphs if re.fullmatch(r"- \d+ -", text)] == []


def test_sample_data_names_its_licence():
    assert "CC BY 4.0" in (SAMPLE_CORPUS.parent / "README.md").read_text(encoding="utf-8")
    assert "CC BY 4.0" in DATA["license"]
