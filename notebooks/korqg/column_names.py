"""What the columns of people's tables are called, in Korean and in English."""

import functools
from collections.abc import Collection, Iterable, Mapping

from korqg.cleaned_text import tidy_line
from korqg.errors import KorqgError

# For each field the names of columns that are taken for it, those that fit best in front.
NAMES = {
    "passage": "passage context paragraph text content contents body document article "
    "지문 본문 문서 문단 단락 내용 원문 글 텍스트 기사",
    "question": "question query q 질문 문제 질의 물음 문의",
    "answer": "answer answers answer_text a expected_answer gold_answer correct_answer reference_answer ground_truth "
    "answer1 answer_1 정답 정답/답안 정답1 정답_1 모범답안 모범답 답변 답 응답 대답 해답 답안 답1 답안1 정답문 응답문",
    "answer_start": "answer_start answer_begin 정답위치 정답시작 정답시작위치",
    "title": "title doc_title 제목 문서제목 문서명 표제 표제어",
    "id": "id guid question_id qa_id qid 아이디",
    "instruction": "instruction 지시문 지시",
    "input": "input 입력",
    "output": "output 출력",
    "is_impossible": "is_impossible",
}
# The fields that a row needs, one set or the other; the rest may stand beside them.
SHAPES = (("passage", "question"), ("instruction", "input", "output"))
# The fields of a list of questions and answers (FAQ), in which the answer is the passage.
QUESTION_AND_ANSWER = ("question", "answer")
CHAT = ("messages", "conversations", "conversation")  # Columns that hold a talk's turns
WANTED = (
    "passage and question (also answer, title and id, if there are any; or 지문, 질문, 정답, 제목), or instruction, "
    "input and output"
)


def plain_name(name: object) -> str:
    """A column's name as names are compared: lower case, no invisible signs, no blanks around it."""
    return tidy_line(str(name)).lower() if name is not None else ""


def parse_columns(given: str) -> dict[str, str]:
    """The parameter `columns`, such as "passage=body,question=q", as {field: column}. Raises KorqgError for others."""
    found: dict[str, str] = {}
    for pair in (pair for pair in given.split(",") if pair.strip()):
        field, equals, column = (plain_name(part) for part in pair.partition("="))
        if not equals or not column or field not in NAMES or field in found:
            raise KorqgError(
                f'columns={given!r} cannot be read: name each field once with its column, as in "passage=body,'
                f'question=q". The fields are {", ".join(NAMES)}.',
                "항목=열 이름을 쉼표로 이어 적으세요.",
            )
        found[field] = column
    return found


def find_fields(columns: Iterable[str], given: Mapping[str, str]) -> dict[str, str]:
    """Which of the columns (plain names) holds which field: those that are given, else those that are named like it."""
    return _find_fields(tuple(columns), tuple(given.items()))


@functools.lru_cache(maxsize=1000)
def _find_fields(columns: tuple[str, ...], given: tuple[tuple[str, str], ...]) -> dict[str, str]:
    found = {field: column for field, column in given if column in columns}
    asked = {field for field, _ in given}
    for field, names in ((field, text.split()) for field, text in NAMES.items() if field not in asked):
        exact = [name for name in names if name in columns]
        alike = [column for column in columns if _bare(column) in names]
        free = (column for column in (*exact, *alike) if column not in found.values())
        if column := next(free, None):
            found[field] = column
    return found


def _bare(column: str) -> str:
    """A name without blanks, line marks, what stands in brackets, and a word for text: "질문 내용 (필수)" is 질문."""
    bare = column.partition("(")[0].replace(" ", "").strip("*_-:")
    words = next((word for word in ("내용", "문구", "텍스트", "text") if bare.endswith(word) and bare != word), "")
    return bare.removesuffix(words).rstrip("_-")


def has_shape(columns: Collection[str], given: Mapping[str, str]) -> bool:
    """Whether rows with these columns can be read."""
    fields = find_fields(columns, given)
    shapes = (*SHAPES, QUESTION_AND_ANSWER)
    return any(set(shape) <= set(fields) for shape in shapes) or any(name in columns for name in CHAT)


def wrong_columns(name: str, columns: Iterable[str]) -> str:
    """The error for a table without the columns that are wanted: what it has, and how to read it all the same."""
    columns = [column.encode("utf-8", "replace").decode() for column in columns if column]
    shown = ", ".join(sorted(columns)[:20]) or "no names"
    example = sorted(columns)[0] if columns else "body"
    return (
        f"{name} has the columns {shown}; wanted are {WANTED}. Rename them in the file, or say which is which with "
        f'columns, as in columns="passage={example},question=...".'
    )
