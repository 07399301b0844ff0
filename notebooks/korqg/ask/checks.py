"""What a question must pass before it is recommended: one table for everything, each check with its reason."""

import re
from collections.abc import Iterable

from korqg.ask.candidates import NUMBER, TIME
from korqg.ask.editor import QUESTION_WORDS
from korqg.ask.rule import PEOPLE, is_person
from korqg.ask.subject import is_torn_name, subject_of
from korqg.question import ask_the_same, character_f1, gives_answer_away, is_copied, is_single_question
from korqg.sentences import kiwi, split_sentences

AGREED = 0.8  # Character F1 (KorQuAD's, 0 to 1) from which the answer that came back counts as the marked one
LEAST_SUPPORT = 0.75  # Share of a question's content words that stand in the chunk or its title, at least
LONGEST_SHOWN = (
    50  # Characters of a question that anybody reads to its end: of longer ones readers show a third as many
)
FEWEST_CONTENT_WORDS = 3  # Words that say what a question is about, at least
# The checks in their order, each with what is said of a question that fails it.
CHECKS = {
    "single_question": "it is not one Korean question · 한국어 질문 하나가 아님",
    "stopped": "the model did not stop by itself · 모델이 스스로 끝내지 못함",
    "one_sentence": "it holds a second sentence · 다른 문장이 더 있음",
    "short": "it is longer than a reader's patience · 끝까지 읽기에는 너무 긺",
    "asks_for_words": "it asks yes or no, and its answer is words · 예나 아니요를 묻는데 정답은 그런 말이 아님",
    "asks_right": "its question word does not go with its answer · 의문사가 정답과 맞지 않음",
    "in_its_place": "its question word stands where Korean has a topic (무엇은) · 의문사가 주제어 자리에 있음",
    "no_heading": "it takes a heading or the title for a thing in the text · 제목을 글에 나오는 사물처럼 씀",
    "stands_alone": "it points at something outside of it (this, that) · 질문 밖에 있는 것을 가리킴",
    "says_enough": "it says too little to be understood without the text · 글이 없으면 무엇을 묻는지 알 수 없음",
    "own_words": "it is a sentence of the text with a question mark · 글의 문장에 물음표만 붙임",
    "keeps_its_answer": "it gives its own answer away · 정답을 스스로 말해 버림",
    "supported": "it speaks of things that the text does not name · 글에 나오지 않는 것을 말함",
    "agreed": "read in the whole paragraph, it has another answer · 문단 전체를 읽으면 다른 답이 나옴",
    "confident": "the answer that came back is not certain enough · 되돌아온 답이 확실하지 않음",
    "likely": "the model is not sure enough of its words · 모델이 자기 말에 확신이 없음",
    "near_draft": "the model cannot read yet, and strays from the rule's question · 규칙의 질문에서 멀어짐",
    "different": "another question about this chunk asks the same · 이 조각의 다른 질문과 같은 것을 물음",
}
READ_BACK = ("agreed", "confident")  # Those that are made only of a question that the model has answered itself
# Those that are made only of the model's own questions; the second where it is not asked to answer them.
OF_THE_MODEL = ("likely", "near_draft")
POINTING = re.compile(
    r"(^|\s)(이|그|저|이런|그런|이러한|그러한|해당|위|아래|본|동|이것|그것|이곳|그곳|이들|그들|그녀|이때|그때|전자|후자"
    r"|그만큼|이만큼|이처럼|그처럼|같은 (기록|책|글|해|날|달|시기|기간|방법|경우)|앞의|앞서 말한)"
    r"(?=\s|[은는이가을를의에와과도](\s|$))"
)
# A bare count that the question is about: eleven of what?
COUNT_AS_TOPIC = re.compile(r"(^|의 )(\d+|한|두|세|네|다섯) ?(채|곳|명|개|가지|대|권|점|건|팀|동|마리|그루)(은|는) ")
NOT_POINTING = re.compile(r"(^|\s)(이|그) (외|밖|중|때문)(?=\s|에|의|으)")
NOUN_ENDING = re.compile(r"([가-힣A-Za-z0-9)’'」』》](은|는|란|이란)|날짜|이름|시기|이유|방법|기간|장소|개수|비율)\?$")
MISPLACED = re.compile(
    r"(무엇|누구|어디|언제|얼마)(은|는)(?![가-힣])|무엇(과|이나) |어느 어디|몇 몇|무엇[이가을를]? .*무엇"
)
PERSON = re.compile(r"(누구|누가|누굴)")
WHEN = re.compile(
    r"(언제|며칠|몇 ?(년|월|일|시|분|주|개월|세기|살|세)|무슨 요일|날짜|기한|기간|시기|시간|시각|연도|때는|어느 해"
    r"|얼마나|얼마 동안)"
)
HOW_MANY = re.compile(
    r"(몇|얼마|며칠|언제|비율|금액|수는|개수|인원|크기|길이|높이|너비|무게|온도|거리|기간|나이|횟수|기록|가격|요금|비용|한도|정원|간격"
    r"|어느 정도|면적|속도|용량|규모|주기|시간|번호|무엇|어떤)"
)


def failed_checks(asked: dict, threshold: float, headings: Iterable[str] = ()) -> list[str]:
    """The names of CHECKS that a question fails, in their order.

    `different` is for whoever sees its neighbours, OF_THE_MODEL for whoever knows the writer (korqg.ask.recommend).

    `asked` holds `question`, `answer`, `kind` (of the candidate), `chunk`, `title`, `stopped`, and where the question
    was read back `read_answer` and `confidence` (0 to 1), which is held to `threshold`.
    """
    question, answer, chunk = asked["question"], asked["answer"], asked["chunk"]
    if not is_single_question(question):
        return ["single_question"]  # the others are about questions
    headings = [asked["title"], *headings]
    passed = {
        "stopped": asked.get("stopped", True) is not False,
        "one_sentence": _is_one_sentence(question),
        "short": len(question) <= LONGEST_SHOWN,
        "asks_for_words": bool(QUESTION_WORDS.search(question) or NOUN_ENDING.search(question)),
        "asks_right": not QUESTION_WORDS.search(question) or asks_right(question, answer, asked.get("kind", "")),
        "in_its_place": not MISPLACED.search(question),
        "no_heading": not takes_heading(question, headings, chunk) and not is_torn_name(question, headings[0], chunk),
        "stands_alone": not POINTING.search(NOT_POINTING.sub(" ", question)) and not COUNT_AS_TOPIC.search(question),
        "says_enough": len(_content(question)) + _is_named(question, asked["title"]) >= FEWEST_CONTENT_WORDS,
        "own_words": not is_copied(question, chunk),
        "keeps_its_answer": not gives_answer_away(question, answer),
        "supported": support(question, " ".join([chunk, *headings])) >= LEAST_SUPPORT,
    }
    if asked.get("read_answer") is not None:
        passed["agreed"] = agreement(asked["read_answer"], answer) >= AGREED
        passed["confident"] = asked["confidence"] >= threshold
    return [name for name in CHECKS if passed.get(name) is False]


def _is_one_sentence(question: str) -> bool:
    """Whether no part of the question but the last ends as a sentence does (Kiwi also splits within one)."""
    parts = split_sentences(question)
    return not any(kiwi().tokenize(part)[-1].tag in ("EF", "SF") for part in parts[:-1])


def agreement(read_answer: str, answer: str) -> float:
    """How much the answer that came back is the marked one: KorQuAD's character F1, 0 to 1."""
    return character_f1(read_answer, [answer])


def asks_right(question: str, answer: str, kind: str) -> bool:
    """Whether the question word goes with the kind of answer: 몇 with a number, no 누구 or 왜; no 무엇 for people."""
    digits = bool(re.search(r"\d", answer))
    if kind in (NUMBER, TIME):
        if PERSON.search(question) or re.search(r"어디|(^|\s)왜\s|이유", question):
            return False
        return bool(HOW_MANY.search(question) or WHEN.search(question) or NOUN_ENDING.search(question))
    if re.search(r"무엇[이을은](?![가-힣])", question) and (PEOPLE.search(answer) or is_person(answer)):
        return False
    if (
        re.search(r"(몇|며칠)", question)
        and not digits
        and not re.search(r"[한두세네]|다섯|여섯|일곱|여덟|아홉|열|스무|반|보름|하루|이틀|사흘|나흘|절반|모두", answer)
    ):
        return False
    if re.search(r"언제", question) and not digits:
        return bool(
            re.search(
                r"때|날|뒤|후|전|봄|여름|가을|겨울|아침|저녁|밤|낮|새벽|요일|주말|평일|휴일|초|말|순|무렵|시대|시기|직후|직전|즉시|중|동안|철|해|달|주|시$|부터|까지|마다|년|절",
                answer,
            )
        )
    return True


def takes_heading(question: str, headings: Iterable[str], chunk: str) -> bool:
    """Whether a heading or title of several words stands in the question whole, though the text never says it so.

    A title that is a name as it stands (두루목 홍예교) may: in the middle of an article it is 다리 alone.
    """
    body = "\n".join(line for line in chunk.split("\n") if line.strip() not in {one.strip() for one in headings})
    squeezed = re.sub(r"\s", "", question)
    for heading in headings:
        for part in heading.split(" > "):
            part = part.strip()
            words = [token for token in kiwi().tokenize(part) if token.tag[0] in "NVXMS" and token.tag not in ("SF",)]
            named = words and re.search(rf"(^|\s)이 {re.escape(words[-1].form)}", body)  # the text says "this rule"
            named = named or subject_of(part) == part
            if len(words) >= 2 and len(part) >= 6 and " " in part and not named:
                flat = re.sub(r"\s", "", part)
                if flat in squeezed and flat not in re.sub(r"\s", "", body):
                    return True
    return False


CONTENT = ("NNG", "NNP", "SN", "VV", "VA", "SL", "NR", "XR", "SH")
ASKING_WORDS = frozenset(
    (
        "하 되 있 없 이름 때 것 사람 나라 곳 이유 날짜 시기 인물 년 월 일 이 수 명 개 무엇 정도 방법 경우 "
        "얼마 어떻 가능 위하 대하 따르 받 주 알 쓰 말 뜻 종류 기간 시간 장소 시각 기준 몇 필요 며칠 시 회 "
        "번 원 위 등 내 까지 부르 어디 언제 누구 "
    ).split()
)


def _content(question: str) -> list[str]:
    """The words of a question that say what it is about: nouns, names, numbers and stems, without those that ask."""
    return [
        token.form
        for token in kiwi().tokenize(question)
        if token.tag.split("-")[0] in CONTENT and token.form not in ASKING_WORDS
    ]


def _is_named(question: str, title: str) -> bool:
    """Whether the question names what its document is about: a word of the title stands in it."""
    return any(len(word) > 1 and word in question for word in re.split(r"[\s>'‘’\"]+", title))


def support(question: str, text: str) -> float:
    """The share of a question's content words (Kiwi's nouns, numbers, stems) that stand in the text; 1 without any."""
    forms = _content(question)
    if not forms:
        return 1.0
    known = {token.form for token in kiwi().tokenize(text)}
    return sum(form in known or (len(form) > 1 and form in text) for form in forms) / len(forms)


def same_thing(one: dict, other: dict) -> bool:
    """Whether two questions about a chunk ask for the same thing."""
    return ask_the_same(one["question"], other["question"], one["answer"], other["answer"])
