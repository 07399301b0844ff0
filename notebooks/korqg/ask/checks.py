"""What a question must pass before it is recommended: one table for everything, each check with its reason."""

import itertools
import re
from collections.abc import Iterable

from korqg.ask.candidates import NUMBER, TIME
from korqg.ask.editor import QUESTION_WORDS
from korqg.ask.rule import PEOPLE, is_person
from korqg.ask.subject import LONGEST_SHOWN, is_name, source_of
from korqg.question import ask_the_same, character_f1, gives_answer_away, is_copied, is_single_question
from korqg.sentences import kiwi, split_sentences

# Characters behind the marked words, at most, of an answer that counts as them; of one that begins a period, at least
GOES_ON, SHORTEST_BEGINNING = 10, 6
AGREED = 0.8  # Character F1 (KorQuAD's, 0 to 1) from which the answer that came back counts as the marked one
LEAST_SUPPORT = 0.75  # Share of a question's content words that stand in chunk, opening or title, at least
# Characters of a question of a model that can read, at most: of those of more than LONGEST_SHOWN readers show as many
# as of its shorter ones (43 to 48 % as they are, n 23).
LONGEST_OF_A_READER = 60
FEWEST_CONTENT_WORDS = 3  # Words that say what a question is about, at least
# The checks in their order, each with what is said of a question that fails it.
CHECKS = {
    "single_question": "it is not one Korean question · 한국어 질문 하나가 아님",
    "stopped": "the model did not stop by itself · 모델이 스스로 끝내지 못함",
    "one_sentence": "it holds a second sentence · 다른 문장이 더 있음",
    "short": "it is longer than a reader's patience · 끝까지 읽기에는 너무 긺",
    "asks_for_words": "it asks yes or no, and its answer is words · 예, 아니요로 답할 질문인데 정답은 그런 말이 아님",
    "asks_right": "its question word does not go with its answer · 의문사가 정답과 맞지 않음",
    "in_its_place": "its question word stands where Korean would not put it (무엇은) · 의문사가 놓인 자리가 어색함",
    "no_heading": "it takes a heading or the title for a thing in the text · 제목을 글에 나오는 사물처럼 씀",
    "stands_alone": "it points at something outside of it (this, that) · 질문 밖에 있는 것을 가리킴",
    "says_enough": "it says too little to be understood without the text · 글이 없으면 무엇을 묻는지 알 수 없음",
    "own_words": "it is a sentence of the text with a question mark · 글의 문장에 물음표만 붙임",
    "keeps_its_answer": "it gives its own answer away · 정답을 스스로 말해 버림",
    "supported": "it speaks of things that the text does not name · 글에 나오지 않는 것을 말함",
    "agreed": "read in the whole paragraph, it has another answer · 문단 전체를 읽으면 다른 답이 나옴",
    "confident": "the answer that came back is not certain enough · 되돌아온 답이 확실하지 않음",
    "likely": "readers would show few such questions of this model · 이 모델의 이런 질문은 보여 줄 만한 것이 드묾",
    "different": "another question about this chunk asks the same · 이 조각의 다른 질문과 같은 것을 물음",
}
READ_BACK = ("agreed", "confident")  # Those that are made only of a question that the model has answered itself
OF_THE_MODEL = ("likely",)  # Those that are made only of the model's own questions
POINTING = re.compile(
    r"(^|\s)((이|그|저|이런|그런|이러한|그러한|해당|이번|앞서 말한)(?=\s)"
    r"|(본|동)(?= (기기|제품|서비스|수칙|규[정칙약]|지침|약관|계약|공고|안내|사업|조례|회))"
    r"|(이는|이를|이것|그것|이곳|그곳|이들|그들|그녀|이때|그때|그중|전자|후자|이날|그날|저희|나머지|이렇게|그렇게"
    r"|우리(?=[는가도의를]| (단지|아파트|회사|학교|모임|마을|동네|조합|가게|기관))"
    r"|이럴|그럴|이보다|그보다|그동안|그만큼|이만큼|이처럼|그처럼|같은 (기록|책|글|해|날|달|시기|기간|방법|경우))"
    r"(?=\s|[은는이가을를의에와과도](\s|$)))|^(위|아래|앞)(의|에|에서)? "
    r"|(^|(?<![와과])\s)그(의|가|는|를)(?=\s)"
    r"|(^|\s)((앞|뒤|위|아래)의 (경우|방법|내용|표|그림)(?=[은는이가을를의에와과도]))"
)
# Words in POINTING that may point at a clause before them
BACKWARD = re.compile(r"그|이때|이날|나머지|같은|이렇게|이만큼")
# An attribute of nothing named: the period, the limit of what?
BARE_ATTRIBUTE = re.compile(r"(^|의 )(기간|기한|한도|비용|금액|시간|대상|방법|내용|결과)(은|는) ")
# A bare count that the question is about: eleven of what?
COUNT_AS_TOPIC = re.compile(r"(^|의 )(\d+|한|두|세|네|다섯) ?(채|곳|명|개|가지|대|권|점|건|팀|동|마리|그루)(은|는) ")
NOT_POINTING = re.compile(r"(^|\s)(이|그) (외|밖|중|때문)(?=\s|에|의|으)")
NOUN_ENDING = re.compile(r"([가-힣A-Za-z0-9)’'」』》](은|는|란|이란)|날짜|이름|시기|이유|방법|기간|장소|개수|비율)\?$")
MISPLACED = re.compile(
    r"(무엇|누구|어디|언제|얼마)(은|는)(?![가-힣])|무엇(과|이나) |어느 어디|몇 몇|무엇[이가을를]? .*무엇"
    r"|(무엇|누구|어디)(에게|에서|에|으로|로|과|와)?(도|만|처럼|보다|마다)(?![가-힣])|무엇까지만?(?![가-힣])"
    r"|(무엇|누구|어디)에서는(?![가-힣])|무엇이(기도| 아닌가)|몇 [가-힣]+도 .*(않|없|못)|[-−]몇"
    r"|언제(에|이면)|(언제|며칠) ((오전|오후|낮|밤) ?)?\d{1,2}( ?시(?!간)|:\d)|며칠 (오전|오후)"
    r"|몇 (시간|달|개월|년|주) 반(에서|부터|까지|이|쯤)?(?![가-힣])"
    r"|무엇도[가-힣]|무엇(?![이을를으에과와의인보부까만도처마일입]|라고|하고)[가-힣]"
)
QUOTATION = re.compile(r"“[^”]*”|‘[^’]*’|「[^」]*」|『[^』]*』|\"[^\"]*\"|'[^']*'")
PERSON = re.compile(r"(누구|누가|누굴)")
WHEN = re.compile(
    r"(언제|며칠|몇 ?(년|월|일|시|분|주|개월|세기|살|세)|무슨 요일|날짜|기한|기간|시기|시간|시각|연도|때는|어느 해"
    r"|얼마나|얼마 동안)"
)
HOW_MANY = re.compile(
    r"(몇|얼마|며칠|언제|비율|금액|수는|개수|인원|크기|길이|높이|너비|무게|온도|거리|기간|나이|횟수|기록|가격|요금|비용|한도|정원|간격"
    r"|어느 정도|면적|속도|용량|규모|주기|시간|번호|무엇|어떤)"
)

COUNT = re.compile(r"[\d,.~]+ ?(분|명|개|원|%|대|건)")  # How many, or for how long: no answer to 언제


def failed_checks(asked: dict, threshold: float, headings: Iterable[str] = ()) -> list[str]:
    """The names of CHECKS that a question fails, in their order.

    `different` is for whoever sees its neighbours, OF_THE_MODEL for whoever knows the writer (korqg.ask.recommend).

    `asked` holds `question`, `answer`, `kind` (of the candidate), `chunk`, `title`, `stopped`, the document's `opening`
    where it has one, and where the question was read back `read_answer` and `confidence` (0 to 1), which is held to
    `threshold`; `written_by` is "rule" of the rule's.
    """
    question, answer, chunk = asked["question"], asked["answer"], asked["chunk"]
    if not is_single_question(question):
        return ["single_question"]  # the others are about questions
    headings = [asked["title"], *headings]
    said = question.removeprefix(source_of(asked["title"]))  # what it asks, without the paper that it quotes
    passed = {
        "stopped": asked.get("stopped", True) is not False,
        "one_sentence": _is_one_sentence(question),
        "short": len(said) <= _longest_shown(asked.get("written_by"), threshold),
        "asks_for_words": _asks_for_words(question),
        "asks_right": not QUESTION_WORDS.search(question) or asks_right(question, answer, asked.get("kind", "")),
        "in_its_place": not (MISPLACED.search(question) or _lacks_particle(question) or _asks_in_modifier(question)),
        "no_heading": not takes_heading(said, headings, chunk),
        "stands_alone": not _points_outside(said) and not COUNT_AS_TOPIC.search(question),
        "says_enough": len(_content(said)) + is_named(said, asked["title"]) >= FEWEST_CONTENT_WORDS
        and not _lacks_argument(said)
        and not BARE_ATTRIBUTE.search(said),
        "own_words": not is_copied(said, chunk),
        "keeps_its_answer": not gives_answer_away(question, answer) and not _lists_what_it_counts(question, answer),
        "supported": support(question, " ".join([chunk, asked.get("opening", ""), *headings])) >= LEAST_SUPPORT,
    }
    if asked.get("read_answer") is not None:
        passed["agreed"] = agreement(asked["read_answer"], answer) >= AGREED
        passed["confident"] = asked["confidence"] >= threshold
    return [name for name in CHECKS if passed.get(name) is False]


def _longest_shown(written_by: str | None, threshold: float) -> int:
    """Characters of a question at most, by who wrote it; a `threshold` above 1 is of a model that cannot read."""
    return LONGEST_OF_A_READER if threshold <= 1 and written_by != "rule" else LONGEST_SHOWN


def _asks_for_words(question: str) -> bool:
    """Whether it asks with a question word, outside of what it quotes, or ends in the noun that it asks for."""
    return bool(QUESTION_WORDS.search(QUOTATION.sub("", question)) or NOUN_ENDING.search(question))


def _points_outside(question: str) -> bool:
    """Whether it points at something that it does not hold itself: not at a clause of its own (불린 뒤 … 그 차례는)."""
    question = NOT_POINTING.sub(" ", question)
    for one in POINTING.finditer(question):
        before = kiwi().tokenize(question[: one.start()]) if BACKWARD.match(one[0].strip()) else []
        if not any(token.tag in ("EC", "ETM") for token in before):
            return True
    return False


def _lacks_particle(question: str) -> bool:
    """Whether 무엇 stands bare in front of a verb or an adverb (무엇 허물어야)."""
    bare = re.search(r"무엇 (?=[가-힣])", question)
    return bool(bare) and kiwi().tokenize(question[bare.end() :])[0].tag[:2] in ("VV", "VA", "MA", "MM", "SN")


def _asks_in_modifier(question: str) -> bool:
    """Whether it asks within a clause that modifies a noun (몇 년에 만든 요령은 폐지하는가), which Korean avoids."""
    word = QUESTION_WORDS.search(question)
    if not word:
        return False
    tokens = [token for token in kiwi().tokenize(question) if token.start >= word.end()]
    for token, behind in itertools.pairwise(tokens):
        if token.tag == "EF" or (token.tag == "EC" and not behind.tag.startswith("VX")):
            return False
        if token.tag == "ETM" and behind.form not in AS_ONE_VERB:
            return behind.tag in ("NNG", "NNP", "SL", "SSO", "SN") and behind.form not in AFTER_A_CLAUSE
    return False


AFTER_A_CLAUSE = frozenset("뒤 후 다음 때 동안 채 경우 전 중 만큼 대로 데 지 예정 계획 정도 이상 이후 일".split())
AS_ONE_VERB = frozenset("수 것 줄".split())
"""Nouns behind a modifying clause that say when or how, and those that are one with the verb behind (알 수 없는)."""

CONDITIONS = frozenset("면 으면 니 으니 므로 으므로 라도 더라도 ᆯ수록 거나".split())
"""Connective endings of clauses whose subject and object are not those of the clause behind."""


def _lacks_argument(question: str) -> bool:
    """Whether its last clause has neither topic, subject nor object (작업이 끝나면 몇 년간 보관하는가: what?).

    What something is (해설을 포함해 몇 분인가) wants a topic or a subject.
    """
    tokens = kiwi().tokenize(question)
    wanted = ("JKS",) if any(token.tag == "VCP" for token in tokens[-3:]) else ("JKS", "JKO")
    begin = max((one.end for one in tokens if one.tag == "EC" and one.form in CONDITIONS), default=0)
    for before, token in itertools.pairwise(tokens):
        topic = token.tag == "JX" and token.form in ("은", "는") and before.tag != "JKB" and before.form not in YEARS
        bare = token.tag == "JX" and token.form in ("만", "도", "부터") and before.tag in ("NNG", "NNP", "XSN")
        if topic or (token.start >= begin and (bare or token.tag in wanted)):
            return False
    return bool(QUESTION_WORDS.search(question))


YEARS = frozenset("올해 내년 작년 지난해 이듬해 첫해".split())
"""Nouns that say when, as topics too (올해는 언제부터 시행하는가: what?)."""


def _lists_what_it_counts(question: str, answer: str) -> bool:
    """Whether as many things as the answer counts stand in it, joined by dots (위·가운데·아래 몇 높이: 세 높이)."""
    listed = re.search(r"[가-힣]+(·[가-힣]+)+", question)
    count = re.match(r"(두|세|네|다섯|[2-5])(?![\d.,])", answer)
    return bool(listed and count) and len(listed[0].split("·")) == COUNTS[count[0]]


COUNTS = {"두": 2, "세": 3, "네": 4, "다섯": 5, **{str(number): number for number in range(2, 6)}}


def _is_one_sentence(question: str) -> bool:
    """Whether no part of the question but the last ends as a sentence does (Kiwi also splits within one)."""
    parts = split_sentences(question)
    return not any(kiwi().tokenize(part)[-1].tag in ("EF", "SF") for part in parts[:-1])


NUMBERS = re.compile(r"\d[\d,]*")


def agreement(read_answer: str, answer: str) -> float:
    """How much the answer that came back is the marked one: KorQuAD's character F1, 0 to 1.

    1 where the reader went on past it (주인이 14일 안 for 주인), gave the beginning of a period for all of it, or where
    one of the two holds the other and no more than as much again (6개월 for 6개월 동안): of such questions that are
    likely readers show 55 % of 87 as they are and find 89 % answered; of the 723 that came back exactly, 63 and 86 %.
    0 where each has a number that the other has not (15일 for 5일).
    """
    said, marked = ({number.replace(",", "") for number in NUMBERS.findall(text)} for text in (read_answer, answer))
    if not (said <= marked or marked <= said):
        return 0.0
    behind = read_answer[len(answer) :] if read_answer.startswith(answer) else ""
    went_on = len(behind) <= GOES_ON and re.match("에|이|의|가|을|를|은|는|로|으로|와|과|도", behind)
    left = answer[len(read_answer) :] if answer.startswith(read_answer) else ""
    began = len(read_answer) >= SHORTEST_BEGINNING and re.match(r"[\s(~부]", left)
    short, long = sorted((read_answer.replace(" ", ""), answer.replace(" ", "")), key=len)
    holds = bool(short) and short in long and 2 * len(short) >= len(long)
    return 1.0 if went_on or began or holds else character_f1(read_answer, [answer])


def asks_right(question: str, answer: str, kind: str) -> bool:
    """Whether the question word goes with the kind of answer: 몇 with a number, no 누구 or 왜; no 무엇 for people."""
    digits = bool(re.search(r"\d", answer))
    if kind in (NUMBER, TIME):
        if PERSON.search(question) or re.search(r"어디|(^|\s)왜\s|이유", question):
            return False
        if "언제" in question and COUNT.fullmatch(answer):
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
                r"때|날|뒤|후|전|봄|여름|가을|겨울|아침|저녁|밤|낮|새벽|요일|주말|평일|[휴당]일|[가-힣]{2}일$|초|말|순|무렵|시대|시기|직후|직전|즉시|중|동안|철|해|달|주|시$|부터|까지|마다|년|절",
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
            named = named or is_name(part)
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


def is_named(question: str, title: str) -> bool:
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
