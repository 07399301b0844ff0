"""Candidate answers, the rule, the copy editor, the checks, what is recommended: in Korean sentences."""

from types import SimpleNamespace

import pytest

from korqg.ask.candidates import candidate_at, choose_candidates, find_candidates
from korqg.ask.checks import CHECKS, agreement, asks_right, failed_checks, takes_heading
from korqg.ask.drafts import draft_of
from korqg.ask.editor import edit_question
from korqg.ask.particles import fit_behind, fitted
from korqg.ask.recommend import LIKELY, LIKELY_UNREAD, SURE_UNREAD, asks_how_much, chance_shown, judged, recommend
from korqg.ask.round_trip import RoundTrip, choose_threshold, trusted_threshold
from korqg.ask.rule import ask_by_rule, ask_roughly, plainness
from korqg.ask.subject import name_in, with_name, with_whole_name
from korqg.prompts import marked_sentence
from korqg.sentences import opening_of


def _found(chunk: str) -> set[str]:
    return {one.text for one in find_candidates(chunk)}


@pytest.mark.parametrize(
    ("sentence", "wanted", "unwanted"),
    [
        ("신청은 3월 2일부터 3월 20일까지 받는다.", {"3월 2일부터 3월 20일까지"}, {"3월 2일", "3월"}),
        ("두둑의 높이는 10~20cm로 한다.", {"10~20cm", "두둑"}, {"20cm", "10"}),
        ("1789년에 정조가 무덤을 화산으로 옮겼다.", {"1789년", "정조", "화산"}, {"년", "정조가"}),
        ("육우가 『다경』이라는 책을 지었다.", {"육우", "다경"}, {"『다경』"}),
        ("배추와 무는 11월에 거둔다.", {"배추와 무", "11월"}, {"배추", "무"}),
        ("직원은 출근한 뒤에 신청한다.", {"직원"}, {"출근", "신청"}),
        ("열매채소는 하루 여섯 시간 이상 햇빛이 들어야 한다.", {"여섯 시간 이상"}, {"열"}),
    ],
)
def test_candidates_are_whole_words_that_a_question_could_ask_for(sentence, wanted, unwanted):
    found = _found(sentence)
    assert wanted <= found
    assert not unwanted & found


def test_candidate_knows_its_place_its_sentence_and_what_stands_before():
    chunk = "도서관 안내\n한빛도서관은 오전 9시에 연다. 월요일에는 쉰다."
    assert not any(one.start < 7 for one in find_candidates(chunk, "도서관 안내"))
    (monday,) = (one for one in find_candidates(chunk, "도서관 안내") if one.text == "월요일")
    assert chunk[monday.start : monday.end] == "월요일"
    assert monday.sentence == "월요일에는 쉰다."
    assert monday.before == "도서관 안내 한빛도서관은 오전 9시에 연다."
    start, end = monday.place_in_sentence
    assert monday.sentence[start:end] == "월요일"
    assert candidate_at(chunk, monday.start, monday.end).sentence == monday.sentence
    assert candidate_at(chunk, 10, len(chunk)) is None  # no one sentence holds it


def test_chosen_candidates_come_from_the_sentences_in_turn():
    chunk = "가야금은 줄이 12개이고 길이가 160cm이며 무게가 3kg이다. 해금은 줄이 2개이다. 장구는 가죽이 2장이다."
    chosen = choose_candidates(find_candidates(chunk), 3)
    assert len({one.sentence_start for one in chosen}) == 3
    assert len(choose_candidates(find_candidates(chunk), 100)) == len(find_candidates(chunk))


def test_value_of_a_line_is_a_candidate_whole():
    assert "3월 2일(화) 09:00 ~ 3월 19일(금)" in _found("○ 신청 기간: 3월 2일(화) 09:00 ~ 3월 19일(금)")
    assert "7,520만 원" in _found("- 사업비: 7,520만 원(시비 100%)")
    assert "문을 닫는다" not in _found("쉬는 날: 문을 닫는다.")


def test_row_of_a_table_and_an_empty_chunk_hold_no_candidate():
    assert find_candidates("토 | 09:00~13:00 | 없음") == []
    assert find_candidates("") == []


def test_number_of_a_model_is_not_torn_in_two():
    found = find_candidates("바람결 BG-160을 사면 거름망 두 장과 보증서를 드립니다. 무게는 12~14kg입니다.")
    assert not [one.text for one in found if one.text in ("바람결 BG", "BG", "160")]
    assert "12~14kg" in [one.text for one in found]


def test_one_of_a_kind_is_no_number():
    found = [one.text for one in find_candidates("작은 땅에서 한 해의 흐름을 배우고 유명한 화가가 한 번 다녀갔다.", "")]
    assert not {"한 해", "해의 흐름", "한 번"} & set(found)
    assert "화가" in found


@pytest.mark.parametrize(
    ("sentence", "unwanted"),
    [
        ("신청은 3월 20일(금요일)까지 받고 3월 21일 토요일에 뽑는다.", {"금요일", "토요일"}),
        ("모임은 5월 첫째 주부터 연다.", {"5월", "첫째 주"}),
        ("학생들은 5월 한 달 동안 마을을 찾았다.", {"한 달 동안"}),
        ("마른 곡물은 위쪽부터 조금씩 허문다.", {"조금씩"}),
        ("사용료는 1년에 3만 6천 원이다.", {"1년"}),
        ("영상은 ‘동네 하늘’, ‘달의 한 달’, ‘철새와 별’ 가운데 고른다.", {"동네 하늘", "달의 한 달", "철새와 별"}),
        ("정전 때 다섯 마리가 울타리를 나갔다.", {"정전 때 다섯 마리"}),
    ],
)
def test_what_is_torn_from_its_neighbours_is_no_candidate(sentence, unwanted):
    assert not unwanted & _found(sentence)


def test_what_is_counted_is_not_torn_from_its_number():
    found = [one.text for one in find_candidates("1년 안의 범위에서 쉬고, 40℃ 이하의 물로 씻는다.")]
    assert not [text for text in found if text.startswith(("안의", "이하의"))]


def test_quotation_that_opens_a_sentence_is_not_torn_from_its_particle():
    assert "『삼국사기』에는" in next(
        one.sentence
        for one in find_candidates("그는 왔다. 『삼국사기』에는 828년이라고 적혀 있다.")
        if one.text == "828년"
    )


@pytest.mark.parametrize(
    ("sentence", "answer", "question"),
    [
        ("책은 14일 동안 빌릴 수 있습니다.", "14일 동안", "책은 며칠 동안 빌릴 수 있는가?"),
        ("이용료는 3,000원입니다.", "3,000원", "이용료는 얼마인가?"),
        ("두둑의 높이는 10~20cm로 합니다.", "10~20cm", "두둑의 높이는 몇 cm로 하는가?"),
        ("고추는 5월 상순에 심는다.", "5월 상순", "고추는 언제 심는가?"),
        ("관리사무소는 정문 옆 건물에 있다.", "정문 옆 건물", None),
        ("한빛도서관은 새봄시에 있다.", "새봄시", "한빛도서관은 어디에 있는가?"),
        ("신청서는 담당자에게 낸다.", "담당자", "신청서는 누구에게 내는가?"),
        ("고추 탄저병은 장마철에 빗물을 타고 번진다.", "고추 탄저병", "장마철에 빗물을 타고 번지는 것은 무엇인가?"),
        ("또한 필터는 6개월마다 바꾼다.", "필터", ""),  # too little is said of it
        ("이는 12월에 끝난다.", "12월", ""),
        ("신청 기한: 3월 2일", "3월 2일", "신청 기한은 언제인가?"),
        ("○ 접수 기간: 3월 2일(화) 09:00 ~ 3월 19일(금)", "3월 2일(화) 09:00 ~ 3월 19일(금)", "접수 기간은 언제인가?"),
        ("- 사업비: 7,520만 원(시비 100%)", "7,520만 원", "사업비는 얼마인가?"),
        ("장소: 복지회관 2층 소회의실", "복지회관 2층 소회의실", "장소는 어디인가?"),
    ],
)
def test_rule_asks_in_place_with_the_right_word(sentence, answer, question):
    start = sentence.index(answer)
    asked = ask_by_rule(candidate_at(sentence, start, start + len(answer)))
    if question is None:  # what matters is that it asks for a place
        assert "어디" in asked
    else:
        assert asked == question


@pytest.mark.parametrize(
    ("sentence", "answer", "question"),
    [
        # An amount by its name; honorifics and requests as a reader would say them.
        (
            "기한을 넘겨 반납하시면 연체료 500원이 부과됩니다.",
            "500원",
            "기한을 넘겨 반납하면 부과되는 연체료는 얼마인가?",
        ),
        ("증명서를 올려 주시면 이틀 안에 확인해 드립니다.", "이틀 안", "증명서를 올려 주면 언제까지 확인해 주는가?"),
        ("자세한 내용은 교무실에 문의하여 주시기 바랍니다.", "교무실", "자세한 내용은 어디에 문의하여야 하는가?"),
        # One item, one clause, and not who said it.
        ("전시실은 1층이고, 강당은 3층입니다.", "3층", "강당은 몇 층인가?"),
        ("시는 다리 공사를 11월 20일에 마쳤다고 밝혔다.", "11월 20일", "시는 다리 공사를 언제 마쳤는가?"),
        ("시민의 71%가 버스가 필요하다고 답했다.", "71%", "시민의 몇 %가 버스가 필요하다고 답했는가?"),
        ("행사 총괄은 부회장 염하람이 맡는다.", "부회장 염하람", "행사 총괄은 누가 맡는가?"),
        ("환불은 신청서를 내신 분의 계좌로 해 드립니다.", "신청서를 내신 분의 계좌", "환불은 어느 계좌로 해 주는가?"),
        # Nothing that would compare two amounts or stand on half a phrase.
        ("공사비는 예산 420만 원보다 35만 원 적은 385만 원이 들었다.", "385만 원", ""),
        ("늦서리가 끝나는 5월 상순에 심는다.", "5월 상순", ""),
        ("공기 흡입구가 막히면 제습 능력이 떨어지고 소음이 커진다.", "공기 흡입구", ""),
        (
            "남부 지방에서는 봄 작업을 앞당기고 가을 작업을 조금 늦추면 된다.",
            "가을 작업",
            "남부 지방에서는 봄 작업을 앞당기고 무엇을 조금 늦추면 되는가?",
        ),
        ("학명은 Camellia sinensis이다.", "Camellia", ""),
        # Offices, places, people and kinds by their own word.
        ("예약은 과학놀이센터가 맡는다.", "과학놀이센터", "예약은 어디에서 맡는가?"),
        ("접칼은 범재육묘장에서 빌려줍니다.", "범재육묘장", "접칼은 어디에서 빌려주는가?"),
        ("귀마개는 입구 선반에 있습니다.", "입구 선반", "귀마개는 어디에 있는가?"),
        ("열쇠는 내부 작업자가 지닌다.", "내부 작업자", "열쇠는 누가 지니는가?"),
        ("잔디 관리인은 봄마다 잔디 씨를 뿌린다.", "잔디 씨", "잔디 관리인은 봄마다 무엇을 뿌리는가?"),
        ("개미귀신은 명주잠자리과에 속하는 곤충이다.", "명주잠자리과", "개미귀신은 어느 과에 속하는 곤충인가?"),
        # The topic of a clause is not the subject of one that modifies it, and what is wished must be done.
        (
            "두께가 8mm보다 얇은 숫돌은 부러질 수 있으니 받침 나무에 붙여 사용하십시오.",
            "받침 나무",
            "두께가 8mm보다 얇은 숫돌은 무엇에 붙여 사용해야 하는가?",
        ),
        ("문의는 담당 주무관에게 하시기 바랍니다.", "담당 주무관", "문의는 누구에게 해야 하는가?"),
        # What another does to a thing is no cleft of the thing.
        (
            "엔진이 달린 배와 어업 허가를 받은 배는 군청 수산팀이 처리합니다.",
            "군청 수산팀",
            "엔진이 달린 배와 어업 허가를 받은 배는 어디에서 처리하는가?",
        ),
    ],
)
def test_rule_says_it_as_a_reader_would(sentence, answer, question):
    start = sentence.index(answer)
    assert ask_by_rule(candidate_at(sentence, start, start + len(answer))) == question


def test_norms_are_asked_as_what_must_not_be_done():
    sentence = "작업자는 젖은 장갑을 쓰지 않는다."
    candidate = candidate_at(sentence, 5, 10)
    assert ask_by_rule(candidate, "창고 안전 수칙") == "작업자는 무엇을 쓰지 말아야 하는가?"
    assert ask_by_rule(candidate, "창고의 역사") == "작업자는 무엇을 쓰지 않는가?"


def test_minutes_tell_what_was_and_not_what_is_to_come():
    for told, question in (
        ("총회는 예산을 5월 14일에 승인함", "총회는 예산을 언제 승인했는가?"),
        ("사무장은 견적서를 5월 14일까지 받음", "사무장은 견적서를 언제까지 받는가?"),
    ):
        start = told.index("5월 14일")
        assert ask_by_rule(candidate_at(told, start, start + 6), "운영위원회 회의록") == question


def test_rule_names_the_document_that_calls_itself_this_one():
    sentence = "이 규정은 2026년 3월 1일부터 시행한다."
    candidate = candidate_at(sentence, 6, 17)
    assert ask_by_rule(candidate, "한빛회 회원 규정 > 부칙") == "한빛회 회원 규정은 언제부터 시행하는가?"
    assert ask_by_rule(candidate, "한빛회 안내") == ""


def test_plainer_questions_of_the_rule_come_first():
    plain = plainness("한빛도서관의 연체료는 하루에 얼마인가?")
    in_place = plainness("한빛도서관에서는 무엇을 먼저 신청하고 나서 책을 빌릴 수 있는가?")
    assert 0 < in_place < plain <= 1
    assert plainness("무엇을 한두 마디 넣어 보는가?") < plain


def test_numbers_are_whole_and_parts_of_names_are_no_candidates():
    def found(text):
        return [one.text for one in find_candidates(text)]

    assert "3만 8천여 톤" in found("굴 껍데기 3만 8천여 톤이 나왔다.")
    assert "오전 9시부터 밤 10시까지" in found("매표소는 오전 9시부터 밤 10시까지 연다.")
    term = found("접수 기간은 7월 1일(수)부터 8월 31일(월) 오후 6시까지이다.")
    assert "10월 1일부터 이듬해 9월 30일까지" in found("연도는 10월 1일부터 이듬해 9월 30일까지로 한다.")
    assert "7월 1일(수)부터 8월 31일(월) 오후 6시까지" in term and "오후 6시" not in term
    assert found("제12조에 따라 30일권을 산 사람은 3일 안에 낸다.") == ["3일"]
    assert not {"24시간", "1년"} & set(found("매점은 24시간 열고 1년 내내 쉬지 않는다."))
    assert found("Q. 강당은 언제 여나요?") == []
    assert "장소" not in found("- 장소: 본관 2층 회의실") and "본관 2층 회의실" in found("- 장소: 본관 2층 회의실")
    assert found("지난해보다 열두 곳이 늘었다.")[-1] == "열두 곳"
    assert found("건초는 한 주에 180kg을 두 손으로 나른다.") == ["건초", "180kg"]
    assert "두 배" in found("값은 지난해의 두 배가 되었다.")
    assert not {"6월 말"} & set(found("윤초는 6월 말일이나 12월 말일에 넣는다."))
    assert not {"1 도면", "이용 시"} & set(found("이용 시각은 정오까지이며 도면은 50분의 1 도면으로 옮긴다."))


def test_rule_asks_about_the_clause_that_matters():
    sentence = "수원 화성은 1796년에 완성되었으며, 1997년에 세계유산으로 등재되었다."
    start = sentence.index("1796년")
    assert ask_by_rule(candidate_at(sentence, start, start + 5)) == "수원 화성은 몇 년에 완성됐는가?"
    start = sentence.index("1997년")
    assert ask_by_rule(candidate_at(sentence, start, start + 5)) == "수원 화성은 몇 년에 세계유산으로 등재됐는가?"


@pytest.mark.parametrize(
    ("question", "style", "edited"),
    [
        ("누구가 만든가?", "", "누가 만드는가?"),
        ("회의는 몇일 동안 열리는가?", "", "회의는 며칠 동안 열리는가?"),
        ("소금물를 몇 분 끓이는가?", "", "소금물을 몇 분 끓이는가?"),
        ("한라산은 어디에 있다?", "", "한라산은 어디에 있는가?"),
        ("한라산은 얼마나 높는가?", "", "한라산은 얼마나 높은가?"),
        ("그는 왔다. 왜 왔는가?", "", "왜 왔는가?"),
        ("책은 어디에서 빌리나요?", "plain", "책은 어디에서 빌리는가?"),
        ("책은 어디에서 빌리는가?", "polite", "책은 어디에서 빌리나요?"),
        ("이용료는 얼마인가?", "polite", "이용료는 얼마인가요?"),
        ("언제 지어졌습니까?", "plain", "언제 지어졌는가?"),
        ("훈민정음 반포 연도는?", "polite", "훈민정음 반포 연도는?"),
        ("왜 그럴까요?", "plain", "왜 그럴까요?"),
        ("혈압약은 언제 드시는가?", "", "혈압약은 언제 먹는가?"),
        ("물은 언제 마시는가?", "", "물은 언제 마시는가?"),
        ("4) 단추를 몇 초 동안 누르는가?", "", "단추를 몇 초 동안 누르는가?"),
        ("1.5리터는 몇 컵인가?", "", "1.5리터는 몇 컵인가?"),
        # One clause; the one that asks. Another in front of it stays, and one that shares its subject.
        ("표본실은 몇 시에 열고 오후 5시에 닫는가?", "", "표본실은 몇 시에 여는가?"),
        ("임기는 몇 년으로 하고 한 차례 연임할 수 있는가?", "", "임기는 몇 년으로 하는가?"),
        ("찻잎은 몇 g을 넣고 5분 동안 우려야 하는가?", "", "찻잎은 몇 g을 넣어야 하는가?"),
        ("표본실은 몇 시에 열고 오후 5시에 닫나요?", "", "표본실은 몇 시에 여나요?"),
        ("찻잎은 몇 g을 넣고 5분 동안 우려야 하나요?", "", "찻잎은 몇 g을 넣어야 하나요?"),
        ("누가 문을 열고 방에 들어가는가?", "", "누가 문을 열고 방에 들어가는가?"),
        ("회의는 언제 열렸고 누가 참석했는가?", "", "회의는 언제 열렸고 누가 참석했는가?"),
        ("인쇄소는 검사를 통과한 뒤 며칠 안에 보내는가?", "", "인쇄소는 검사를 통과한 뒤 며칠 안에 보내는가?"),
        # Nobody's guest, and nobody spoken of as one.
        ("참관하고 싶으신 분은 몇 층으로 가시면 되는가?", "", "참관하고 싶은 사람은 몇 층으로 가면 되는가?"),
        ("수칙을 어긴 분께는 몇 차례 경고하는가?", "", "수칙을 어긴 사람에게는 몇 차례 경고하는가?"),
        ("5분은 몇 초인가?", "", "5분은 몇 초인가?"),
        # What stands in front of a noun, of a verb, of what must not be.
        ("표본실에서 보증금은 얼마인가?", "", "표본실의 보증금은 얼마인가?"),
        ("도서관의 빌린 책은 며칠 안에 돌려줘야 하는가?", "", "도서관에서 빌린 책은 며칠 안에 돌려줘야 하는가?"),
        ("우리 집의 큰 방은 몇 개인가?", "", "우리 집의 큰 방은 몇 개인가?"),
        ("무엇을 억지로 당기지 않아야 하는가?", "", "무엇을 억지로 당기지 말아야 하는가?"),
        ("충전은 몇 대를 넘기지 않는가?", "", "충전은 몇 대를 넘기지 않아야 하는가?"),
        ("10월로 미뤘는 것은 무엇인가?", "", "10월로 미룬 것은 무엇인가?"),
        ("불편하다는 의견도 몇 건 들어왔는가?", "", "불편하다는 의견은 몇 건 들어왔는가?"),
        ("묘목은 누구에게만 주는가?", "", "묘목은 누구에게 주는가?"),
    ],
)
def test_copy_editor_mends_what_is_certain_and_leaves_the_rest(question, style, edited):
    made = edit_question(question, style)
    assert made.text == edited
    assert bool(made.edits) == (edited != question)
    assert edit_question(edited, style).text == edited  # once is enough


def test_unknown_style_is_refused():
    with pytest.raises(ValueError, match="use one of: plain, polite"):
        edit_question("왜?", "rude")


def test_particles_follow_the_final_consonant():
    assert [fitted(word, "은") for word in ("무엇", "누구", "3", "12개", "『다경』")] == ["은", "는", "은", "는", "은"]
    assert (fitted("서울", "으로"), fitted("부산", "로"), fitted("어디", "으로")) == ("로", "으로", "로")
    assert fit_behind("무엇", "를 심는다") == "을 심는다"
    assert fit_behind("무엇", "에서 산다") == "에서 산다"


CHUNK = "여는 시간 안내\n한빛도서관은 오전 9시에 문을 연다. 월요일과 공휴일에는 쉰다. 책은 사서가 찾아 준다."
GOOD = {"question": "한빛도서관은 몇 시에 문을 여는가?", "answer": "오전 9시", "kind": "time", "chunk": CHUNK}
GOOD |= {"title": "한빛도서관", "stopped": True, "read_answer": "오전 9시", "confidence": 0.9}


@pytest.mark.parametrize(
    ("change", "failed"),
    [
        ({}, []),
        ({"question": "한빛도서관은 문을 연다"}, ["single_question"]),
        ({"stopped": False}, ["stopped"]),
        ({"question": "한빛도서관은 오전에 문을 여는가?"}, ["asks_for_words"]),
        ({"question": "한빛도서관은 누가 문을 여는가?"}, ["asks_right"]),
        ({"question": "한빛도서관의 무엇은 몇 시에 문을 여는가?"}, ["in_its_place"]),
        ({"question": "문은 몇 시에 여는가?"}, ["says_enough"]),
        ({"question": "여는 시간 안내는 몇 시에 문을 여는가?"}, ["no_heading"]),
        ({"question": "이 도서관은 몇 시에 문을 여는가?"}, ["stands_alone"]),
        ({"question": "한빛도서관의 두 곳은 몇 시에 문을 여는가?"}, ["stands_alone"]),
        ({"question": "한빛도서관은 오전 9시부터 몇 시까지 문을 여는가?"}, ["keeps_its_answer"]),
        ({"question": "한빛미술관은 몇 시에 그림을 거는가?"}, ["supported"]),
        ({"question": "한빛도서관은 몇 시에 찾아 주는 책을 여는가?"}, ["in_its_place"]),
        ({"question": "한빛도서관의 책은 공휴일에 무엇이 아닌가?", "kind": "phrase"}, ["in_its_place"]),
        ({"question": "한빛도서관에서 책은 무엇도 찾아 주는가?", "kind": "phrase"}, ["in_its_place"]),
        ({"question": "한빛도서관에서는 책과 공휴일이면 몇 시에 여는가?"}, ["says_enough"]),
        ({"question": "한빛도서관에서 월요일과 공휴일에 올해는 몇 시에 여는가?"}, ["says_enough"]),
        ({"question": "한빛도서관에서 책은 몇 시도 열지 않는가?"}, ["in_its_place"]),
        ({"question": "한빛도서관은 오전 -몇 시에 문을 여는가?"}, ["in_its_place"]),
        ({"question": "한빛도서관은 언제에만 책을 찾아 주는가?", "kind": "time"}, ["in_its_place"]),
        ({"question": "한빛도서관은 무엇 첫 시간에 책을 찾아 주는가?", "kind": "phrase"}, ["in_its_place"]),
        ({"question": "그중은 한빛도서관에서 몇 시에 문을 여는가?"}, ["stands_alone"]),
        ({"question": "한빛도서관의 시간은 월요일에 문을 몇 시에 여는가?"}, ["says_enough"]),
        ({"question": "한빛도서관은 “사서가 몇 시에 온다”고 말하는가?"}, ["asks_for_words", "supported"]),
        ({"read_answer": "월요일"}, ["agreed"]),
        ({"confidence": 0.3}, ["confident"]),
    ],
)
def test_each_check_fails_for_its_own_fault(change, failed):
    assert failed_checks({**GOOD, **change}, 0.8, ["여는 시간 안내"]) == failed


def test_a_length_of_time_is_no_answer_to_when():
    assert not asks_right("제3차 회의는 언제 열렸는가?", "40분", "time")
    assert asks_right("제3차 회의는 언제 열렸는가?", "6월 12일 오후 7시 40분", "time")


def _asked(question: str, answer: str, sentence: str, confidence: float, **more) -> dict:
    start = CHUNK.index(answer)
    row = {
        "chunk_id": "1",
        "title": "한빛도서관",
        "place": {},
        "passage": CHUNK,
        "sentence": sentence,
        "answer": answer,
    }
    said = {"model_output": question, "stopped": True, "likelihood": 0.95, "read_answer": answer, "kind": "time"}
    return {**row, **said, "answer_place": [start, start + len(answer)], "confidence": confidence, **more}


CHUNKS = [
    {"id": "1", "title": "한빛도서관", "text": CHUNK, "place": {}},
    {"id": "2", "title": "빈 글", "text": "표", "place": {}},
]
OPENS, CLOSED, BOOKS = CHUNK.split("\n")[1].split(". ")


def test_recommended_are_the_surest_about_different_things_with_their_writer():
    asked = [
        _asked("한빛도서관은 몇 시에 문을 여는가?", "오전 9시", OPENS, 0.9),
        _asked("한빛도서관이 문을 여는 시각은 몇 시인가?", "오전 9시", OPENS, 0.95),  # the same thing
        _asked("한빛도서관은 언제 쉬나요?", "월요일과 공휴일", CLOSED, 0.9, likelihood=0.93),
        _asked("책은 누가 찾아 주는가?", "사서", BOOKS, 0.2, kind="noun"),  # not sure enough
    ]
    recommended, left_out = recommend(asked, CHUNKS, threshold=0.8)
    assert [one["answer"] for one in recommended] == ["오전 9시", "월요일과 공휴일"]
    assert [one["written_by"] for one in recommended] == ["model", "edited"]
    assert recommended[1]["question"] == "한빛도서관은 언제 쉬는가?"
    assert recommended[1]["edits"] == ["ending"]
    begin, end = recommended[0]["answer_place"]
    assert CHUNK[begin:end] == "오전 9시"
    assert [one["reason"] for one in left_out] == ["it is too short to ask about · 묻기에는 너무 짧음"]
    assert recommend(asked, CHUNKS, 1, 0.8)[0] == recommended[:1]


SAID = (
    ("한빛도서관은 몇 시에 문을 여는가?", 0.95),
    ("이 도서관은 몇 시에 문을 여는가?", 0.95),  # which one?
    ("한빛도서관이 문을 여는 시각은 몇 시인가?", 0.7),  # the model is not sure of its words
)


def test_only_what_could_be_shown_is_read_back():
    asked = _asked(SAID[0][0], "오전 9시", OPENS, 0.9)
    row = {name: asked[name] for name in ("chunk_id", "title", "place", "passage", "answer", "answer_place", "kind")}
    read = []

    def reader(pairs):
        read.extend(question for question, _ in pairs if question)
        return [{"read_answer": "오전 9시" if question else "", "confidence": 0.9} for question, _ in pairs]

    round_trip = RoundTrip(SimpleNamespace(likelihoods=lambda rows, texts: [0.7] * len(texts)))
    round_trip.read = reader
    outputs = [{"model_output": one, "stopped": True, "likelihood": sure} for one, sure in SAID]
    found = round_trip([row] * 3, outputs, for_readers=True)
    assert read == ["한빛도서관은 몇 시에 문을 여는가?"]
    assert [one["read_answer"] for one in found] == ["오전 9시", "", ""]
    assert [one["rule_likelihood"] for one in found] == [0.7] * 3
    assert "rule_likelihood" not in round_trip([row], outputs[:1])[0]


def test_of_two_as_likely_the_one_whose_answer_came_back_surer_is_taken():
    one, other = (
        _asked(question, answer, sentence, 0.9) for question, (answer, sentence) in zip(ASKED, PLACES, strict=True)
    )
    for pair in ((one, {**other, "confidence": 0.99}), ({**one, "confidence": 0.99}, other)):
        (found,), _ = recommend(list(pair), CHUNKS[:1], 1, 0.8)
        assert found["confidence"] == 0.99
        assert 0 < found["chance"] < 1


ASKED = ("한빛도서관은 몇 시에 문을 여는가?", "한빛도서관은 언제 쉬는가?")
PLACES = (("오전 9시", OPENS), ("월요일과 공휴일", CLOSED))


def test_likely_question_of_the_model_comes_before_the_rule_s_and_an_unlikely_one_never():
    enough = next(one / 1000 for one in range(800, 1000) if chance_shown(one / 1000) >= LIKELY)
    row = _asked(ASKED[0], "오전 9시", OPENS, 0.99, likelihood=enough)
    by_rule = {"rule_question": "한빛도서관은 언제 쉬는가?", "rule_likelihood": 0.8}
    ruled = _asked("무엇?", "월요일과 공휴일", CLOSED, 0.99, **by_rule)
    for likelihood, writers in ((enough, ["model"]), (enough - 0.01, ["rule"])):
        found, _ = recommend([{**row, "likelihood": likelihood}, ruled], CHUNKS[:1], 1, 0.8)
        assert [one["written_by"] for one in found] == writers
    assert not recommend([{**row, "likelihood": enough - 0.01}], CHUNKS[:1], 1, 0.8)[0]


def test_check_that_does_not_count_is_not_said_to_be_passed():
    heading = {"id": "1", "title": "표 받기와 환불", "text": CHUNK, "place": {}}
    row = _asked("표 받기와 환불은 몇 시에 여는가?", "오전 9시", OPENS, 0.99, title=heading["title"])
    (found,), _ = recommend([row], [heading], 1, 0.8)
    assert "no_heading" not in found["checks"] and "confident" in found["checks"]


def test_likeliest_question_of_the_rule_stands_in():
    nine = {"rule_question": "한빛도서관은 몇 시에 문을 여는가?", "rule_likelihood": 0.6}
    closed = {"rule_question": "한빛도서관은 언제 쉬는가?", "rule_likelihood": 0.8}
    asked = [_asked("무엇?", "오전 9시", OPENS, 0.9, **nine), _asked("무엇?", "월요일과 공휴일", CLOSED, 0.9, **closed)]
    asked = [{**one, "likelihood": 0.5} for one in asked]  # the model is not sure of its own
    for limit in (0.8, 1.01):
        assert [one["answer"] for one in recommend(asked, CHUNKS[:1], threshold=limit)[0]] == ["월요일과 공휴일"]


def test_rule_would_rather_not_count_what_nobody_asks_about():
    doors = {"rule_question": "한빛도서관은 문 몇 개를 여는가?", "rule_likelihood": 0.9}
    nine = {"rule_question": "한빛도서관은 몇 시에 문을 여는가?", "rule_likelihood": 0.6}
    asked = [{**_asked("무엇?", "오전 9시", OPENS, 0.5, **doors), "answer": "두 개"}]
    asked += [_asked("무엇?", "오전 9시", OPENS, 0.5, **nine)]
    assert [one["answer"] for one in recommend(asked, CHUNKS[:1])[0]] == ["오전 9시"]


def test_model_that_cannot_read_is_trusted_where_it_is_likely():
    draft = {"rule_question": "한빛도서관은 몇 시에 문을 여는가?", "rule_likelihood": 0.6}
    one = _asked("한빛도서관은 아침 몇 시에 문을 여는가?", "오전 9시", OPENS, 0.1, **draft) | {"read_answer": "월요일"}
    for likelihood, writer in ((SURE_UNREAD, "model"), (LIKELY_UNREAD - 0.01, "rule")):
        found, _ = recommend([{**one, "likelihood": likelihood}], CHUNKS[:1], threshold=1.01)
        assert [question["written_by"] for question in found] == [writer]
        assert "agreed" not in found[0]["checks"]
        assert ("likely" in found[0]["checks"]) == (writer == "model")
        assert found[0]["likelihood"] == (likelihood if writer == "model" else 0.6)
        assert found[0]["chance"] is None  # it is that of a model that reads
    unsure = {**one, "likelihood": 0.5, "rule_question": "", "read_answer": None, "confidence": None}
    _, left_out = recommend([unsure], CHUNKS[:1], threshold=1.01)  # it fails nothing else
    english, korean = CHECKS["likely"].split(" · ")
    assert f"most often, {english} · " in left_out[0]["reason"]
    assert left_out[0]["reason"].endswith(korean)


def test_model_that_cannot_read_is_shown_where_it_asks_how_much_or_when():
    when = _asked("한빛도서관은 몇 시에 문을 여는가?", "오전 9시", OPENS, 0.9)
    what = _asked("한빛도서관은 무슨 요일과 공휴일에 쉬는가?", "월요일과 공휴일", CLOSED, 0.9)
    both = [{**when, "likelihood": 0.9}, {**what, "likelihood": 0.95}]
    shown = {limit: [one["answer"] for one in recommend(both, CHUNKS[:1], 3, limit)[0]] for limit in (0.8, 1.01)}
    assert shown == {0.8: ["월요일과 공휴일", "오전 9시"], 1.01: ["오전 9시"]}
    assert asks_how_much("한빛도서관의 연체료는 얼마인가?")
    assert not asks_how_much("한빛도서관은 연체료는 하루에 얼마인가?")


def test_question_of_the_rule_asks_how_much_or_when_if_it_can():
    when = {"rule_question": "한빛도서관은 몇 시에 문을 여는가?", "rule_likelihood": 0.6}
    what = {"rule_question": "한빛도서관은 무슨 요일과 공휴일에 쉬는가?", "rule_likelihood": 0.8}
    asked = [_asked("무엇?", "오전 9시", OPENS, 0.9, **when), _asked("무엇?", "월요일과 공휴일", CLOSED, 0.9, **what)]
    asked = [{**one, "likelihood": 0.5} for one in asked]
    assert [one["answer"] for one in recommend(asked, CHUNKS[:1])[0]] == ["오전 9시"]


@pytest.mark.parametrize(
    ("read", "marked", "shown"),
    [
        ("오전 9시에 문", "오전 9시", "오전 9시"),  # what goes on with a particle is the sentence
        ("오전 9시", "9시", "오전 9시"),
        ("오전 9시 30분", "오전 9시", "오전 9시"),  # it does not stand there
    ],
)
def test_answer_that_came_back_is_shown_where_it_names_more(read, marked, shown):
    row = _asked(ASKED[0], marked, OPENS, 0.99) | {"read_answer": read}
    (found,), _ = recommend([row], CHUNKS[:1], 1, 0.5)
    begin, end = found["answer_place"]
    assert found["answer"] == shown == CHUNK[begin:end]


def test_likelier_questions_have_the_larger_chance_and_none_is_certain():
    chances = [chance_shown(one / 100) for one in range(0, 101, 5)]
    assert chances == sorted(chances)
    assert 0 < chances[0] < 0.05 and 0.9 < chances[-1] < 1


def test_reading_models_own_question_may_hold_a_heading_that_the_rule_may_not():
    question = "표 받기와 환불은 어디에서 하는가?"
    chunk = "표는 여는 날 아침 8시부터 나루터 안내소에서 받습니다."
    place = {"answer": "나루터 안내소", "read_answer": "나루터 안내소", "passage": chunk, "kind": "noun"}
    row = _asked(question, "오전 9시", chunk, 0.95, title="표 받기와 환불") | place
    assert judged(row, 0.8, "plain", [])["failed"] == []
    assert "no_heading" in judged({**row, "written_by": "rule"}, 0.8, "plain", [])["failed"]
    assert "no_heading" in judged(row, 1.01, "plain", [])["failed"]  # a model that cannot read is held to it


@pytest.mark.parametrize(
    ("question", "points_outside"),
    [
        ("이름이 불린 뒤 40초 안에 던지지 않으면 그 차례는 몇 점으로 하는가?", False),
        ("다친 사람이 생기면 그날 안에 누구에게 알리는가?", False),
        ("지붕 위 눈이 50cm를 넘으면 누가 작업을 살피는가?", False),
        ("그 차례는 몇 점으로 하는가?", True),
        ("눈이 오면 이 규정은 언제부터 시행하는가?", True),
        ("위의 표에서 가장 큰 값은 얼마인가?", True),
        ("본 기기의 최고 회전 속도는 얼마인가?", True),
    ],
)
def test_question_may_point_at_a_clause_of_its_own(question, points_outside):
    asked = _asked(question, "오전 9시", OPENS, 1) | {"question": question, "chunk": CHUNK}
    assert ("stands_alone" in failed_checks(asked, 0)) == points_outside


def test_question_may_speak_of_what_the_documents_opening_names():
    question = "햇무리 대여소의 보증금은 얼마인가?"
    asked = _asked(question, "오전 9시", OPENS, 1) | {"question": question, "chunk": "보증금은 5만 원이다."}
    assert "supported" in failed_checks(asked, 0)
    assert "supported" not in failed_checks({**asked, "opening": "햇무리 대여소는 수레를 빌려줍니다."}, 0)


def test_question_word_that_stands_in_the_middle_of_a_time_is_out_of_place():
    for question in ("햇살관은 언제 2층을 여는가?", "약은 몇 시간 반복해서 바르는가?"):
        asked = _asked(question, "오전 9시", OPENS, 1) | {"question": question, "chunk": CHUNK}
        assert "in_its_place" not in failed_checks(asked, 0)
    for question in ("햇살관은 언제 08:30에 여는가?", "햇살관은 몇 시간 반에서 두 시간이 걸리는가?"):
        assert "in_its_place" in failed_checks(
            _asked(question, "오전 9시", OPENS, 1) | {"question": question, "chunk": CHUNK}, 0
        )


def test_rule_stands_in_where_no_question_of_the_model_passes():
    rule = {
        "rule_question": "한빛도서관은 몇 시에 문을 여는가?",
    }
    asked = [_asked("무엇이 무엇인가?", "오전 9시", OPENS, 0.9, **rule)]
    recommended, _ = recommend(asked, CHUNKS[:1], threshold=0.8)
    assert [(one["written_by"], one["question"]) for one in recommended] == [("rule", rule["rule_question"])]
    _, left_out = recommend([{**asked[0], "rule_question": ""}], CHUNKS[:1], threshold=0.8)
    assert left_out[0]["reason"].startswith("of 1 questions none passed; most often, ")


def test_threshold_is_the_lowest_confidence_that_leaves_nine_in_ten_right():
    read = [{"read_answer": "봄", "confidence": 0.5 + number / 100} for number in range(40)]
    answers = ["봄" if number >= 20 else "가을" for number in range(40)]
    found = choose_threshold(read, answers)
    assert 0.65 < found["threshold"] < 0.72
    assert found["right_above"] >= 0.9
    assert choose_threshold(read[:5], answers[:5])["threshold"] == 0.8  # too few to say


def test_reader_that_is_seldom_right_vouches_for_nothing():
    assert trusted_threshold({"threshold": 0.7, "questions": 300, "right_above": 0.93}) == 0.7
    assert trusted_threshold({"threshold": 0.8, "questions": 300, "right_above": 0.34}) > 1
    for right in (0.7, 0.93):  # a better reader need not be surer than a worse one
        assert trusted_threshold({"threshold": 0.95, "questions": 300, "right_above": right}) == 0.8
    assert trusted_threshold({"threshold": 0.8, "questions": 300, "right_above": None}) > 1  # it was never sure
    assert trusted_threshold({"threshold": 0.8, "questions": 5, "right_above": 0.2}) == 0.8  # too few to say


def test_answer_that_goes_on_past_the_marked_one_is_the_marked_one():
    for read, answer in (
        ("주인이 14일 안", "주인"),
        ("2026년 7월 13일", "2026년 7월 13일(월)~8월 14일(금)"),
        ("6개월", "6개월 동안"),
        ("관리사무소 2층", "관리사무소"),
    ):
        assert agreement(read, answer) == 1.0
    for read in ("주인공의 그림", "주인이 배를 찾아가지 않으면 읍이 옮긴다"):
        assert agreement(read, "주인") < 0.8
    assert agreement("배당", "올해 배당률") < 0.8
    assert agreement("15일", "5일") == agreement("오전 9시", "오전 10시") == 0.0
    assert agreement("1000mL", "1,000mL") >= 0.8


def test_run_that_noted_nothing_is_trusted_as_usual():
    assert trusted_threshold({}) == 0.8


def test_nothing_in_a_text_can_forge_a_mark():
    made = marked_sentence("제목 【가짜】", "앞 【문장】", "글에 【표시】가 있고 답은 봄이다.", (15, 16))
    assert made.count("【") == made.count("】") == 1
    assert "초안: [무엇]은?" in marked_sentence("제목", "", "답은 봄이다.", (3, 4), "【무엇】은?")
    assert "【봄】" in made
    assert made.endswith("초안: 없음")
    long = marked_sentence("가" * 300, "", "답은 봄이다.", (3, 4))
    assert len(long.split("\n")[0]) < 100
    with pytest.raises(ValueError, match="not inside of its sentence"):
        marked_sentence("글", "", "답은 봄이다.", (3, 30))


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("한빛도서관 이용 안내", "한빛도서관"),
        ("공공 자전거 ‘구르미’ 자주 묻는 질문 > 요금", "구르미"),
        ("누리온 제습기 NR-160 사용 설명서", "누리온 제습기 NR-160"),
        ("나루결 P4 탁상용 책 압착기", "나루결 P4 탁상용 책 압착기"),
        ("[한빛] 뭉게짐 보관 서비스 이용 약관", "뭉게짐 보관 서비스"),
        ("2026년도 안내", ""),
        ("food_dryer_manual", ""),
        ("수영장 이용 안내", ""),  # nobody's name
        ("겨우살이", ""),
        ("투아타라", ""),  # an article about a thing
        ("문 닫은 소금 창고, 기록관으로 다시 열다", ""),
        ("하늬들군 2026년 농가 빗물 저장시설 설치 지원사업 신청 공고", ""),  # long
        ("잿들마을 운영위원회 제7차 회의록", "잿들마을 운영위원회"),
        ("들샘합창단 가을 신입 단원 모집", ""),  # whom it is for
        ("버들고을에 18년 만에 목욕탕 문 열어", ""),  # a headline
        ("들샘쉼터 야영장 예약과 이용 안내", ""),
        ("도자기 체험 자주 묻는 질문", "도자기 체험"),
    ],
)
def test_name_is_what_stands_before_the_kind_of_paper(title, name):
    assert name_in(title) == name


def test_rule_s_question_has_its_source_in_front_where_it_does_not_say_what_it_is_about():
    title = "한빛도서관 이용 안내"
    for paper in (title, "한빛도서관 자주 묻는 질문", "조리장 안전 지침", "봄, 자주 묻는 질문"):
        assert with_name("손은 몇 초 씻는가?", paper) == f"{paper}에 따르면 손은 몇 초 씻는가?"
    for name in ("겨우살이", "동네 빵집, 다시 문을 열다", "한빛도서관의 봄"):
        assert with_name("몇 g인가?", name) == f"‘{name}’에 따르면 몇 g인가?"
    for question, about in (
        ("한빛도서관은 몇 시에 여는가?", title),
        ("조리장에서 손은 몇 초 씻는가?", "조리장 안전 지침"),
        ("언제 여는가?", "이용 안내"),  # whose?
        ("몇 g인가?", "memo 1"),
        ("언제 여는가?", f"{'아주 긴 제목은 ' * 9}누구도 읽지 않는다"),
        (f"{'다섯 식구가 ' * 11}몇 권을 빌리는가?", title),
    ):
        assert with_name(question, about) == question
    assert (
        with_name("무게는 몇 g인가?", "금세 잊습니다, 머리등 ‘밤이랑 58’") == "머리등 ‘밤이랑 58’에서 무게는 몇 g인가?"
    )
    assert with_name("언제 여는가?", "꽃을 안고 오세요: 한빛식물원 이용 안내").startswith(
        "한빛식물원 이용 안내에 따르면"
    )
    assert with_name("며칠인가?", "[사내] 연차_휴가_규정 > 제2장") == "연차 휴가 규정에 따르면 며칠인가?"
    assert with_name("몇 번 닦는가?", "무쇠 팬 길들이기") == "무쇠 팬을 길들일 때 몇 번 닦는가?"
    sentence = "자료실은 오전 9시에 문을 엽니다."
    asked = _asked("무엇인가?", "오전 9시", sentence, 0.2) | {"title": title, "passage": sentence}
    asked |= {"rule_question": draft_of(candidate_at(sentence, 5, 10), title), "rule_likelihood": 0.9}
    assert asked["rule_question"] == "자료실은 몇 시에 문을 여는가?"
    chunk = {"id": asked["chunk_id"], "title": title, "text": sentence, "place": {}}
    (shown,), _ = recommend([asked], [chunk])
    assert (shown["written_by"], shown["question"]) == ("rule", f"{title}에 따르면 자료실은 몇 시에 문을 여는가?")


@pytest.mark.parametrize(
    ("question", "points"),
    [
        ("1823년 솔여 등대에서 그의 무엇이 처음으로 불을 밝혔는가?", True),
        ("책등을 고칠 때 뒤의 경우는 몇 번부터 다시 해야 하는가?", True),
        ("연주회에서는 며칠부터 우리도 442로 맞추는가?", True),
        ("우리나라에서는 언제 첫 등대가 켜졌는가?", False),
        ("문현서와 그의 제자는 언제 솔여에 왔는가?", False),
        ("솔여 등대 뒤의 나사는 몇 mm인가?", False),
    ],
)
def test_question_that_points_at_what_it_does_not_name_fails(question, points):
    asked = {"question": question, "answer": "5번", "chunk": question, "title": "솔여 등대"}
    assert ("stands_alone" in failed_checks(asked, 0.8)) == points


@pytest.mark.parametrize(
    ("title", "sentence", "answer", "question"),
    [
        ("", "셔틀버스는 저녁 7시에 문화원 앞을 떠난다.", "문화원 앞", "셔틀버스는 저녁 7시에 어디를 떠나는가?"),
        ("", "도색 작업은 4월 첫 주로 미룬다.", "4월", ""),
        ("", "보금자리 상자 30개도 다리에 설치한다.", "30개", ""),
        ("", "종목은 유년부, 일반부, 가족부로 나눈다.", "유년부", ""),
        ("", "바깥줄은 안줄보다 반음 높게 맞춘다.", "반음", ""),
        ("", "솔여 등대는 2019년 솔여군 등록문화유산이 되었다.", "2019년", ""),
        ("", "솔여 등대는 2019년에 다시 불을 켰다.", "2019년", "솔여 등대는 몇 년에 다시 불을 켰는가?"),
        ("", "2.2 보증금은 신청한 날부터 5일 안에 돌려준다.", "5일", "보증금은 신청한 날부터 며칠 안에 돌려주는가?"),
        ("", "운전자가 기계와 벽 사이에 끼는 사고가 많다.", "기계와 벽 사이", "운전자가 어디에 끼는 사고가 많은가?"),
        (
            "",
            "배에는 승객 24명과 손수레 한 대를 실을 수 있다.",
            "한 대",
            "배에는 승객 24명과 손수레 몇 대를 실을 수 있는가?",
        ),
        (
            "",
            "옷과 옷 사이는 손가락 세 개가 들어갈 만큼 띄운다.",
            "세 개",
            "옷과 옷 사이는 손가락 몇 개가 들어갈 만큼 띄우는가?",
        ),
        ("", "앞줄에는 전구 세 개, 뒷줄에는 두 개를 단다.", "두 개", ""),
        ("", "자리가 열 개여서 더 받지 않는다.", "열 개", ""),
        ("솔여 등대지기회 회의록", "총무가 6월 말까지 연락하기로 함.", "6월 말", "총무가 언제까지 연락하기로 했는가?"),
    ],
)
def test_rule_asks_where_one_leaves_what_was_agreed_and_for_nothing_torn(title, sentence, answer, question):
    begin = sentence.index(answer)
    assert ask_by_rule(candidate_at(sentence, begin, begin + len(answer)), title) == question


def test_name_of_a_device_is_whole():
    title = "고운소리 GT-33 벨트 구동 턴테이블 사용 설명서"
    whole = "고운소리 GT-33 벨트 구동 턴테이블"
    assert with_whole_name("고운소리 GT-33 벨트의 무게는 얼마인가?", title) == f"{whole}의 무게는 얼마인가?"
    assert with_whole_name("고운소리 GT-33 벨트는 몇 kg인가?", title) == f"{whole}은 몇 kg인가?"
    for kept in ("고운소리 GT-33의 무게는 얼마인가?", f"{whole}의 무게는 얼마인가?", "벨트의 길이는 얼마인가?"):
        assert with_whole_name(kept, title) == kept
    assert with_whole_name("한빛 시립의 자리는 몇 개인가?", "한빛 시립 도서관 안내") == "한빛 시립의 자리는 몇 개인가?"
    torn = "눈치움 제설기 공동의 회비는 얼마인가?"
    assert with_whole_name(torn, "눈치움 제설기 공동이용회 규약") == "눈치움 제설기 공동이용회의 회비는 얼마인가?"
    twice = "한빛구의 시립도서관의 자리는 몇 개인가?"
    assert with_whole_name(twice, "한빛구 시립도서관 안내") == "한빛구 시립도서관의 자리는 몇 개인가?"
    one = {
        "title": title,
        "passage": "무게는 5.4kg이다.",
        "sentence": "무게는 5.4kg이다.",
        "answer": "5.4kg",
        "kind": "number",
    }
    one |= {"answer_place": [4, 9], "read_answer": "5.4kg", "confidence": 0.99, "stopped": True, "likelihood": 0.95}
    found = judged({**one, "model_output": "고운소리 GT-33 벨트의 무게는 얼마인가?"}, 0.8, "plain", [])
    assert (found["question"], found["edits"], found["written_by"]) == (
        f"{whole}의 무게는 얼마인가?",
        ["name"],
        "edited",
    )


def test_less_sure_question_of_a_model_that_cannot_read_waits_for_one_of_the_rule_that_quotes():
    def written_by(title, likelihood, question="한빛도서관은 몇 시에 문을 여는가?"):
        own = _asked(question, "오전 9시", OPENS, 0.0, likelihood=likelihood, title=title)
        rule = {"rule_question": "사서는 몇 시에 문을 여는가?", "rule_likelihood": 0.8}
        chunk = {**CHUNKS[0], "title": title}
        (shown,), _ = recommend([{**own, **rule}], [chunk], threshold=1.01)
        return shown["written_by"]

    quoted, bare = "한빛도서관 이용 규칙", f"한빛도서관{' 다시' * 20} 오세요"
    assert [written_by(quoted, sure) for sure in (0.9, 0.85)] == ["model", "rule"]
    assert written_by(bare, 0.85) == "model"  # that of the rule does not say where
    assert written_by(bare, 0.9, "사서는 오전 몇 시에 문을 여는가?") == "rule"  # nor does the model's own


def test_rule_may_quote_the_paper_that_it_asks_about_though_it_is_a_heading():
    title, sentence = "조리장 식품 안전 지침", "냉장고는 찬 공기가 돌도록 용량의 70%까지만 채웁니다."
    start = sentence.index("70%")
    rule = draft_of(candidate_at(sentence, start, start + 3), title)
    asked = _asked("무엇인가?", "오전 9시", CHUNK, 0.2) | {"title": title, "sentence": sentence, "passage": sentence}
    asked |= {"answer": "70%", "answer_place": [start, start + 3], "rule_question": rule, "rule_likelihood": 0.9}
    chunk = {"id": asked["chunk_id"], "title": title, "text": sentence, "place": {}}
    (shown,), _ = recommend([asked], [chunk])
    assert shown["question"].startswith("조리장 식품 안전 지침에 따르면 냉장고는 ") and "no_heading" in shown["checks"]
    assert "no_heading" in failed_checks({**asked, "question": f"{title}은 언제 고쳤는가?", "chunk": sentence}, 0.8)


def test_opening_is_the_first_sentences_and_stands_in_the_input_once():
    text = (
        "관람 안내\n솔빛박물관은 옹기를 모은 곳입니다. 월요일에는 쉽니다. " + "표는 누리집에서 예매할 수 있습니다. " * 9
    )
    opening = opening_of(text)
    assert opening.startswith("솔빛박물관은 옹기를 모은 곳입니다. 월요일에는 쉽니다. 표는") and len(opening) <= 200
    assert opening_of("표 | 값\n가 | 1") == "표 | 값 가 | 1"
    sentence, place = "어른은 3천 원입니다.", (4, 8)
    made = marked_sentence("요금", "", sentence, place, opening=opening)
    assert made.split("\n")[:2] == ["제목: 요금", f"첫머리: {opening}"]
    for again in (marked_sentence("요금", opening, sentence, place, opening=opening),
                  marked_sentence("요금", "", opening.split(". ")[0], (0, 5), opening=opening)):  # fmt: skip
        assert "첫머리" not in again


def test_head_of_minutes_asks_about_the_meeting():
    title = "물빛마을 양봉조합 3월 정기 회의록 > 회의 개요"
    text = "일시: 2025년 3월 6일(목) 오후 7시\n장소: 마을회관 2층\n기록: 총무"
    when, where = ((text.index(answer), text.index(answer) + len(answer)) for answer in ("2025년 3월 6일", "마을회관"))
    assert draft_of(candidate_at(text, *when), title) == "물빛마을 양봉조합 3월 정기 회의는 언제 열렸는가?"
    assert draft_of(candidate_at(text, *where), title) == "물빛마을 양봉조합 3월 정기 회의는 어디에서 열렸는가?"
    assert "회의는" not in draft_of(candidate_at(text, *where), "물빛마을 꽃놀이 안내")


def test_long_questions_are_a_reading_models_alone():
    question = "한빛도서관은 공휴일을 뺀 평일과 토요일에 아침마다 몇 시부터 이용자를 맞으려고 문을 여는가?"
    asked = {**_asked(question, "오전 9시", OPENS, 0.99), "question": question, "chunk": CHUNK}
    assert 50 < len(question) <= 60
    assert "short" not in failed_checks(asked, 0.8)
    assert "short" in failed_checks(asked, 1.01) and "short" in failed_checks({**asked, "written_by": "rule"}, 0.8)


def test_what_stands_before_is_whole_sentences_and_one_at_least():
    sentences = [f"{number}번 방은 {'아주 ' * 12}넓다." for number in range(1, 8)]
    chunk = " ".join([*sentences, "마지막 방은 3월에 연다."])
    (march,) = (one for one in find_candidates(chunk) if one.text == "3월")
    assert march.before == " ".join(sentences[3:]) and len(march.before) <= 220 < len(" ".join(sentences[2:]))
    long = f"첫 방은 {'아주 ' * 100}넓다. 둘째 방은 3월에 연다."
    assert candidate_at(long, long.index("3월"), long.index("3월") + 2).before.startswith("첫 방은 아주")


def test_draft_for_what_the_rule_has_no_question_about_is_the_whole_sentence():
    text = "② 다만 보증 기간은 본체가 1년이고, 배터리만 6개월입니다."
    candidate = candidate_at(text, text.index("6개월"), text.index("6개월") + 3)
    assert ask_roughly(candidate) == "보증 기간은 본체가 1년이고, 배터리만 몇 개월인가?"
    row = "장소: 마을회관 2층"
    assert ask_roughly(candidate_at(row, row.index("2층"), len(row))) == "장소: 마을회관 몇 층?"
    bare = "마을회관 2층"  # the answer is the whole line: the word alone still says what is asked for
    assert ask_roughly(candidate_at(bare, 0, len(bare))) == "무엇?"
    long = "가람은 " + "강가를 따라 걷고, " * 12 + "14일 동안 쉬었다."
    assert ask_roughly(candidate_at(long, long.index("14일"), long.index("14일") + 3)) == ""


def test_heading_that_ends_in_a_noun_is_no_sentence_to_ask_about():
    heading = "본관 보수 공사에 따른 임시 휴관 및 서비스 이전 안내"
    assert ask_by_rule(candidate_at(heading, 0, 8), "도서관 공고") == ""


def test_request_becomes_what_must_be_done():
    for sentence, answer, asked in (
        ("신청은 7일 안에 해 주세요.", "7일", "신청은 며칠 안에 해야 하는가?"),
        ("전원 버튼을 3초 동안 누르십시오.", "3초 동안", "전원 버튼을 몇 초 동안 눌러야 하는가?"),
    ):
        start = sentence.index(answer)
        assert ask_by_rule(candidate_at(sentence, start, start + len(answer))) == asked


def test_an_article_s_name_may_stand_in_a_question_about_its_middle_a_heading_may_not():
    chunk = "물가름돌\n교각의 위쪽에는 뱃머리처럼 뾰족한 물가름돌을 붙였다. 물가름돌의 길이는 2.7m이다."
    headings = ["두루목 홍예교", "무너짐과 고쳐 쌓기"]
    assert not takes_heading("두루목 홍예교의 물가름돌은 길이가 몇 m인가?", ["", *headings], chunk)  # one has no title
    assert takes_heading("두루목 홍예교의 무너짐과 고쳐 쌓기는 길이가 몇 m인가?", headings, chunk)


@pytest.mark.parametrize("answer", ["학교 급식실 조리원", "노상묵 회장", "가온마을 한종수 이사"])
def test_people_are_not_asked_for_by_what(answer):
    assert not asks_right("보존회는 무엇이 물을 주기로 했는가?", answer, "phrase")
    assert asks_right("보존회는 누가 물을 주기로 했는가?", answer, "phrase")
    assert asks_right("마을에서는 물을 주는 이를 무엇이라고 부르는가?", answer, "phrase")


@pytest.mark.parametrize(
    "answer",
    ["도자기 공장", "주소나 사업장", "관리비 통장", "무상 수리 기간", "내일의 날씨", "한빛의원", "도로 공사장"],
)
def test_things_are_asked_for_by_what(answer):
    assert asks_right("보존회는 무엇을 두기로 했는가?", answer, "phrase")


def test_making_a_name_is_no_falling():
    sentence = "파일 이름은 방송 날짜와 프로그램 이름을 이어서 '논두렁통신'처럼 지어요."
    start = sentence.index("논두렁통신")
    assert "짓는가?" in ask_by_rule(candidate_at(sentence, start, start + 5), "")


def test_a_fraction_is_not_torn():
    found = find_candidates("회칙은 회원 3분의 2가 찬성하면 고칠 수 있다.")
    assert "3분" not in {one.text for one in found}
