"""Questions from headings: the words of the heading, whose they are, and where nothing can be asked."""

import pytest

from korqg.ask.headings import ask_by_headings, question_of
from korqg.ask.recommend import OF_A_HEADING, recommend
from korqg.ask.subject import subject_of

BODY = "3월 2일부터 3월 20일까지 누리집에서 신청하며, 한 사람에 5,000원을 냅니다. 늦으면 받을 수 없습니다."


@pytest.mark.parametrize(
    ("heading", "title", "question"),
    [
        ("신청 방법", "솔내시 빗물통 지원 사업 공고", "솔내시 빗물통 지원 사업의 신청 방법은 무엇인가?"),
        ("지원 대상", "솔내시 빗물통 설치 지원 공고", "솔내시 빗물통 설치 지원 대상은 누구인가?"),
        ("수강료와 준비물", "새들배움터 목공반 수강생 모집", "새들배움터 목공반의 수강료는 얼마인가?"),
        ("3. 운영 시간", "한빛도서관 이용 안내", "한빛도서관의 운영 시간은 어떻게 되는가?"),
        ("하는 일", "한빛도서관 낭독 봉사자 모집", "한빛도서관 낭독 봉사자가 하는 일은 무엇인가?"),
        ("결석했을 때", "새들배움터 목공반 안내", "새들배움터 목공반에서는 결석했을 때 어떻게 해야 하는가?"),
        ("누가 빌릴 수 있나요", "한빛도서관 이용 안내", "한빛도서관에서는 누가 빌릴 수 있는가?"),
        ("책은 몇 권까지 빌리나요?", "한빛도서관 자주 묻는 질문", "한빛도서관의 책은 몇 권까지 빌리는가?"),
        ("언제, 어디서 열리나요", "제3회 솔내 책잔치 안내", "제3회 솔내 책잔치는 언제 어디에서 열리는가?"),
        ("와이파이 비밀번호는 무엇인가요?", "한빛도서관 자주 묻는 질문", "한빛도서관의 와이파이 비밀번호는 무엇인가?"),
        ("차이점", "차", "차의 차이점은 무엇인가?"),
        ("모양에 따른 구분", "이끼", "이끼는 모양에 따라 어떻게 나누는가?"),
        ("건널 때 지킬 것", "솔여섬에 걸어 들어오시는 분들께", "솔여섬에서 건널 때 지킬 것은 무엇인가?"),
        ("먹을 곳, 쉴 곳", "솔여섬을 찾는 여러분께", "솔여섬에서 먹을 곳과 쉴 곳은 어디인가?"),
        ("우리가 하는 일", "물은 밤에도 흐른다: 정수반 신입 안내서", "정수반에서 하는 일은 무엇인가?"),
        (
            "추진 일정",
            "늘솔군 저수지 수문 교체 공사에 따른 물빼기 및 출입 통제 공고",
            "늘솔군 저수지 수문 교체 공사의 추진 일정은 어떻게 되는가?",
        ),
        ("며칠이나 걸리나요?", "괘종시계 수리 우편 접수 안내", "괘종시계 수리는 며칠이나 걸리는가?"),
        ("자명종도 되나요?", "괘종시계 수리 우편 접수 안내", "괘종시계 수리에서 자명종은 되는가?"),
        ("1. 구성품 확인", "늘솔 냉장고 N-1 사용 설명서", "늘솔 냉장고 N-1의 구성품은 무엇인가?"),
        ("Q1. 요금은 얼마인가요?", "문 앞에만 두세요! 서슬이음 자주 묻는 질문", "서슬이음의 요금은 얼마인가?"),
        ("만드는 법", "탱글탱글 메밀묵, 1 대 5만 기억하세요", "탱글탱글 메밀묵은 어떻게 만드는가?"),
        ("보관과 먹는 법", "탱글탱글 메밀묵, 1 대 5만 기억하세요", ""),
        ("다 됐는지 확인하는 법", "메밀묵", "메밀묵이 다 됐는지 확인하는 법은 무엇인가?"),
        ("무엇이 바뀌나요", "제목: [전 직원] 5월 3일부터 온실 출입 방식이 바뀝니다", ""),
        ("유기의 종류", "방짜유기", "방짜유기의 종류는 무엇인가?"),
        ("두드릴 수 있는 까닭", "방짜유기", ""),
        ("피와 의약품 검사", "갯가재", ""),
        ("1. 왜 위험한가", "도금조 취급 안전 수칙", ""),
        ("올리는 순서", "카누 수레 ‘갯굴렁 45’", ""),
        ("결정 사항", "수장고 곰팡이 대응 협의회 결과", "수장고 곰팡이 대응 협의회에서는 무엇을 결정했는가?"),
        ("담당과 기한", "수장고 곰팡이 대응 협의회 결과", ""),
        ("배선", "늘솔 냉장고 N-1 사용 설명서", "늘솔 냉장고 N-1은 어떻게 배선하는가?"),
        ("5℃ 보관 방법", "늘솔 냉장고 N-1 사용 설명서", "늘솔 냉장고 N-1의 5℃ 보관 방법은 무엇인가?"),
        ("🎒 준비물", "🏔️ 늘솔 산악회 메모", "늘솔 산악회의 준비물은 무엇인가?"),
        ("어떤 수업인가요", "새들배움터 목공반 안내", "새들배움터 목공반은 어떤 수업인가?"),
        ("바늘 끼우기", "누빔이 N-3 재봉틀 사용 설명서", "누빔이 N-3 재봉틀의 바늘은 어떻게 끼우는가?"),
        ("설치하기", "누빔이 N-3 재봉틀 사용 설명서", "누빔이 N-3 재봉틀은 어떻게 설치하는가?"),
        ("염도 재기", "짠맛이 S-1 염도계 사용 설명서", "짠맛이 S-1 염도계로 염도를 어떻게 재는가?"),
        ("청소와 보관", "누빔이 N-3 재봉틀 사용 설명서", "누빔이 N-3 재봉틀은 어떻게 청소하는가?"),
        ("정원", "새들배움터 목공반 안내", "새들배움터 목공반의 정원은 몇 명인가?"),
        ("주의할 점", "누빔이 N-3 재봉틀 사용 설명서", "누빔이 N-3 재봉틀을 쓸 때 주의할 점은 무엇인가?"),
        (
            "연결하고 켜는 순서",
            "누빔이 N-3 재봉틀 사용 설명서",
            "누빔이 N-3 재봉틀을 연결하고 켜는 순서는 어떻게 되는가?",
        ),
        ("중학생은 이용할 수 있나요?", "한빛도서관 자주 묻는 질문", "한빛도서관에서 중학생은 이용할 수 있는가?"),
        ("재료 준비하기", "오이소박이 담그기", "오이소박이의 재료는 어떻게 준비하는가?"),
        ("오늘날의 쓰임", "맷돌", "오늘날 맷돌의 쓰임은 무엇인가?"),
        ("설치 장소", "솔내시 단속 카메라 설치 행정예고", "솔내시 단속 카메라 설치 장소는 어디인가?"),
        ("처음 쓰기 전에", "누빔이 N-3 재봉틀 사용 설명서", "누빔이 N-3 재봉틀을 처음 쓰기 전에 무엇을 해야 하는가?"),
        ("긴급 휴가", "교대 근무자 휴가 규정", "교대 근무자 휴가 규정은 긴급 휴가를 어떻게 정하고 있는가?"),
        ("제1조(목적)", "교대 근무자 휴가 규정", "교대 근무자 휴가 규정의 목적은 무엇인가?"),
        ("사고가 났을 때", "지게차 안전 수칙", "지게차 안전 수칙에 따르면 사고가 났을 때 어떻게 해야 하는가?"),
        ("규칙을 어겼을 때", "지게차 안전 수칙", "지게차 안전 수칙에 따르면 규칙을 어겼을 때 어떻게 되는가?"),
        (
            "안건 1: 월 회비 인상",
            "솔내 산악회 임시총회 회의록",
            "솔내 산악회 임시총회에서는 월 회비 인상에 대해 무엇을 정했는가?",
        ),
        ("준비물", "변기 물이 계속 흐를 때 고치는 법", "변기 물이 계속 흐를 때 필요한 준비물은 무엇인가?"),
        ("고무마개 바꾸기", "변기 물이 계속 흐를 때 고치는 법", "변기 물이 계속 흐를 때 고무마개는 어떻게 바꾸는가?"),
        ("운영 시간과 쉬는 날", "솔내공원 눈썰매장 이용 안내", "솔내공원 눈썰매장의 운영 시간은 어떻게 되는가?"),
        ("다음 회의", "솔내 산악회 임시총회 회의록", "솔내 산악회 임시총회에서는 다음 회의를 언제 열기로 했는가?"),
        ("생기는 원리", "무지개", "무지개가 생기는 원리는 무엇인가?"),
        ("어원", "무지개", "무지개의 어원은 무엇인가?"),
        ("발명", "성냥", "성냥은 어떻게 발명되었는가?"),
        ("쇠퇴", "얼음 무역", "얼음 무역은 어떻게 쇠퇴했는가?"),
        ("3. 소를 볶아요", "애호박 만두, 더 시원하게", "애호박 만두의 소는 어떻게 볶는가?"),
        (
            "날짜를 바꾸고 싶어요.",
            "돌상 대여 ‘첫돌’ 자주 묻는 질문",
            "돌상 대여 ‘첫돌’에서는 날짜를 바꾸려면 어떻게 해야 하는가?",
        ),
        ("망가지면요?", "돌상 대여 ‘첫돌’ 자주 묻는 질문", "돌상 대여 ‘첫돌’에서는 망가지면 어떻게 되는가?"),
        ("벽지가 젖지 않을까요?", "청소 ‘서늘손’ 자주 묻는 질문", "청소 ‘서늘손’을 이용하면 벽지가 젖지 않는가?"),
        (
            "전원이 켜지지 않아요",
            "누빔이 N-3 재봉틀 사용 설명서",
            "누빔이 N-3 재봉틀은 전원이 켜지지 않으면 어떻게 해야 하는가?",
        ),
        ("씻기와 보관", "늘솔 두유 제조기 N-1 사용 설명서", "늘솔 두유 제조기 N-1은 어떻게 씻는가?"),
        (
            "매트 지급",
            "솔내시 매트 설치비 지원 사업 공고",
            "솔내시 매트 설치비 지원 사업의 매트 지급은 어떻게 이루어지는가?",
        ),
        ("준비물", "흔들어 익히기 — 어른 글씨 6주 (2026년 여름 학기)", "어른 글씨 6주 강좌의 준비물은 무엇인가?"),
        ("풀베기", "솔내 동호회 회칙", "솔내 동호회 회칙은 풀베기를 어떻게 정하고 있는가?"),
        ("평가", "달빛 소나타", "달빛 소나타의 평가는 어떠한가?"),
        ("연구의 역사", "무지개", "무지개 연구의 역사는 어떠한가?"),
        ("준비물", "세탁조 청소하는 법", "세탁조를 청소할 때 필요한 준비물은 무엇인가?"),
        (
            "낡은 실리콘 걷어 내기",
            "욕실 실리콘 새로 쏘는 법",
            "욕실 실리콘을 새로 쏠 때 낡은 실리콘은 어떻게 걷어 내는가?",
        ),
        ("오래 쓰는 방법", "손으로 짠 왕골 방석 ‘앉은결’", "왕골 방석 ‘앉은결’을 오래 쓰는 방법은 무엇인가?"),
        ("렌즈는 어떻게 고르나요?", "안경 맞출 때 자주 묻는 질문", "안경 맞출 때 렌즈는 어떻게 고르는가?"),
        ("Q. 요금은 얼마인가요?", "타이어 보관 ‘바퀴집’ 자주 묻는 질문", "타이어 보관 ‘바퀴집’의 요금은 얼마인가?"),
        ("문 여는 때와 요금", "한빛식물원 이용 안내", "한빛식물원은 언제 문을 여는가?"),
        ("쉬는 날", "한빛식물원 이용 안내", "한빛식물원은 언제 쉬는가?"),
        ("찾아오는 길", "꽃을 안고 오세요: 한빛식물원 이용 안내", "한빛식물원에는 어떻게 가는가?"),
        ("문의", "새들배움터 목공반 안내", "새들배움터 목공반에 대해서는 어디에 문의하는가?"),
        ("배우고 나면", "귀로 찾는 새 — 새소리 첫걸음", "새소리 첫걸음 강좌를 마치고 나면 무엇을 할 수 있는가?"),
        (
            "안전을 위한 주의 사항",
            "누빔이 N-3 재봉틀 사용 설명서",
            "누빔이 N-3 재봉틀을 안전하게 쓰려면 무엇을 지켜야 하는가?",
        ),
        (
            "다 박혔는지 확인하기",
            "누빔이 N-3 재봉틀 사용 설명서",
            "누빔이 N-3 재봉틀에서 다 박혔는지는 어떻게 확인하는가?",
        ),
        ("오기 전에: 예약", "한빛식물원 이용 안내", "한빛식물원의 예약은 어떻게 하는가?"),
        ("챙길 것, 두고 올 것", "한빛식물원 이용 안내", "한빛식물원에 갈 때 챙길 것은 무엇인가?"),
        (
            "고장이라고 생각될 때",
            "누빔이 N-3 재봉틀 사용 설명서",
            "누빔이 N-3 재봉틀이 고장 난 것 같으면 무엇을 확인해야 하는가?",
        ),
        ("제재", "교대 근무자 휴가 규정", "교대 근무자 휴가 규정을 어기면 어떻게 되는가?"),
        ("나사가 헛돌 때", "처진 문, 혼자서 맞추기", "처진 문은 나사가 헛돌 때 어떻게 해야 하는가?"),
        ("재료", "집에서 만드는 딸기잼: 설탕만 있으면 돼요", "집에서 딸기잼을 만들 때 필요한 재료는 무엇인가?"),
        ("다루지 않는 것", "하모니카 첫걸음", "하모니카 첫걸음 강좌에서 다루지 않는 것은 무엇인가?"),
        ("준비물", "물이 천천히 내려갈 때, 이렇게", "물이 천천히 내려갈 때 필요한 준비물은 무엇인가?"),
        ("작업 순서", "어묵 공정 작업 표준서", "어묵 공정 작업 표준서에 따르면 작업 순서는 어떻게 되는가?"),
        ("두유 만들기", "콩이 S-1 두유 제조기 사용 설명서", "콩이 S-1 두유 제조기로 두유를 어떻게 만드는가?"),
        ("만드는 순서", "집에서 만드는 딸기잼", "딸기잼을 만드는 순서는 어떻게 되는가?"),
    ],
)
def test_heading_is_asked_by_its_form_and_its_document(heading, title, question):
    assert question_of(heading, title, BODY + " 올리기로 결정함. 정원은 12명.") == question


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("회의 개요", "솔내 산악회 임시총회 회의록"),
        ("지난 회의 결과 점검", "솔내 산악회 임시총회 회의록"),
        ("총칙", "교대 근무자 휴가 규정"),
        ("남은 과제는 예산", "옛 얼음 공장, 헐지 않고 옮긴다"),  # a headline
        ("신청 방법", "나울군에 18년 만에 공중목욕탕 문 열어"),  # a headline as the title
        ("비슷한 현상", "무지개"),
        ("도정하기", "햇낟 H-3 도정기 사용 설명서"),  # done with the device, not to it
        ("말리고 테이프 붙이기", "욕실 실리콘 새로 쏘는 법"),  # two things
        ("이렇게 씻어요", "에어컨 세척 서비스 ‘말끔바람’"),
        ("설치", "이동식 사다리 안전 수칙"),  # of what?
        ("점", "무지개"),
        ("계정 함께 쓰기", "전자책 이용 약관"),
        ("한눈에 보기", "새들배움터 목공반 안내"),
        ("코스 알아보기", "한빛식물원 이용 안내"),
        ("하지 못하는 사람", "교대 근무자 휴가 규정"),
        ("경과 조치", "교대 근무자 휴가 규정"),
        ("언제 도착하나요?", "돌상 대여 ‘첫돌’ 자주 묻는 질문"),  # what?
        ("정이 들었는데 계속 키울 수 있나요?", "암탉 대여 ‘꼬꼬’ 자주 묻는 질문"),  # whose case?
        ("더 부드럽게 드시려면", "늘솔 두유 제조기 N-1 사용 설명서"),
        ("설치", "솔내시 매트 설치비 지원 사업 공고"),
        ("끝난 뒤에", "애니메이션 주말 공방"),
        ("자주 틀리는 곳", "애호박 만두, 더 시원하게"),
        ("고객님의 개인정보를 지킵니다", "돌상 대여 ‘첫돌’ 자주 묻는 질문"),
        ("경과조치", "교대 근무자 휴가 규정"),
        ("길이 고르기", "구둣주걱 ‘선채로’"),
        ("당기지 말고 되돌리기", "지퍼가 벌어질 때, 이렇게"),
        ("어떻게 새는지 보기", "물이 천천히 내려갈 때, 이렇게"),
        ("제가 직접 재야 하나요?", "한빛도서관 자주 묻는 질문"),  # whoever searches is not the one who asks there
        ("걸리는 시간", "누빔이 N-3 재봉틀 사용 설명서"),  # for what?
    ],
)
def test_heading_that_says_too_little_asks_nothing(heading, title):
    assert question_of(heading, title, BODY + " 올리기로 결정함.") == ""


def test_point_of_an_agenda_that_was_not_decided_was_talked_about():
    title, heading = "솔내 산악회 임시총회 회의록", "안건 2: 산행 날짜"
    said = "솔내 산악회 임시총회에서는 산행 날짜에 대해 무엇을"
    assert question_of(heading, title, BODY) == f"{said} 논의했는가?"
    assert question_of(heading, title, "다음 달 첫 토요일로 하기로 함.") == f"{said} 정했는가?"


def test_price_and_date_are_asked_for_where_the_section_has_one():
    title = "새들배움터 목공반 안내"
    assert question_of("수강료", title, "수강료는 학기마다 다르므로 개강 전에 따로 알립니다.").endswith(
        "어떻게 되는가?"
    )
    assert question_of("개강일", title, "개강일은 인원이 모이면 정합니다.") == ""


def test_thing_is_defined_where_its_article_says_what_it_is():
    text = "무지개\n무지개는 물방울에 햇빛이 굴절되어 나타나는 빛의 띠이다. 비가 갠 뒤에 자주 보인다."
    chunk = {"title": "무지개", "text": text, "place": {}}
    (found,) = ask_by_headings(chunk)
    begin, end = found["answer_place"]
    assert found["question"] == "무지개란 무엇인가?" and text[begin:end] == found["answer"]
    assert ask_by_headings({**chunk, "text": text.replace("빛의 띠이다", "빛의 띠를 가리킨다")})
    assert not ask_by_headings({**chunk, "text": text.replace("띠이다", "띠로 보인다")})  # how it looks, not what it is
    assert not ask_by_headings({**chunk, "text": "무지개\n비가 갠 뒤에 하늘을 보면 빛의 띠가 있을 때가 많이 있습니다."})
    assert question_of("쌍무지개", "무지개", "이것을 쌍무지개라고 한다.") == "쌍무지개란 무엇인가?"


def test_headings_within_a_text_are_found_with_what_stands_under_each():
    title = "교대 근무자 휴가 규정"
    text = f"제2장 휴가\n제3조(긴급 휴가) {BODY}\n제4조(경조 휴가) {BODY}"
    found = ask_by_headings({"title": f"{title} > 제2장 휴가", "text": text, "place": {}})
    assert [one["heading"] for one in found] == ["긴급 휴가", "경조 휴가"]
    assert all(one["answer"] == BODY for one in found)
    text = f"1. 사용 방법\n{BODY}\n1. 뚜껑을 연다.\n2. 물을 붓는다.\n2. 안전하게 쓰려면\n{BODY}"
    found = ask_by_headings({"title": "누빔이 N-3 재봉틀 사용 설명서", "text": text, "place": {}})
    assert [one["heading"] for one in found] == ["사용 방법", "안전하게 쓰려면"]
    text = "이용\n몇 권까지 빌리나요? 다섯 권까지 빌릴 수 있어요.\n언제 쉬나요? 월요일과 공휴일에 쉽니다."
    faq = {"title": "한빛도서관 자주 묻는 질문 > 이용", "text": text, "place": {}}
    assert [one["answer"] for one in ask_by_headings(faq)] == [
        "다섯 권까지 빌릴 수 있어요.",
        "월요일과 공휴일에 쉽니다.",
    ]
    assert not ask_by_headings({**faq, "title": "한빛도서관 이야기 > 이용"})  # where a line may ask for effect
    asked = {**faq, "title": "한빛도서관 이야기 > 이용", "text": "이용\nQ. 언제 쉬나요?\nA. 월요일과 공휴일에 쉽니다."}
    assert [one["answer"] for one in ask_by_headings(asked)] == ["월요일과 공휴일에 쉽니다."]


def test_headings_in_brackets_and_on_lines_of_their_own_are_found():
    title = "누빔이 N-3 재봉틀 사용 설명서"
    found = ask_by_headings({"title": title, "text": f"[사용 방법]\n{BODY}\n[구성품]\n{BODY}", "place": {}})
    assert [(one["heading"], one["answer"]) for one in found] == [("사용 방법", BODY), ("구성품", BODY)]
    rules = {"title": "교대 근무자 휴가 규정", "text": f"제3조(긴급 휴가)\n{BODY}", "place": {}}
    assert [one["answer"] for one in ask_by_headings(rules)] == [BODY]
    minutes = f"가. 제1호 안건: 월 회비 인상\n{BODY} 올리기로 결정함."
    (found,) = ask_by_headings({"title": "솔내 산악회 임시총회 회의록", "text": minutes, "place": {}})
    assert found["question"] == "솔내 산악회 임시총회에서는 월 회비 인상에 대해 무엇을 정했는가?"


def test_notice_with_a_number_is_about_what_stands_below_it():
    chunk = {"title": "솔내시 공고 제2026-12호 > 빗물통 지원 사업 참여자 모집 > 신청 방법", "place": {}}
    (found,) = ask_by_headings({**chunk, "text": f"신청 방법\n{BODY}"})
    assert found["question"] == "빗물통 지원 사업의 신청 방법은 무엇인가?"


def test_long_name_of_a_meeting_is_cut_to_the_name_that_it_has():
    title = "수동 타자기 애호가 협회 ‘자판소리’ 2026년 제1차 정기 이사회 회의록"
    assert question_of("안건 1: 회비 인상", title, "올리기로 결정함.").startswith("‘자판소리’ 이사회에서는 회비 인상에")


def test_heading_of_a_section_is_asked_once_in_its_first_chunk():
    chunk = {"id": "1", "title": "한빛도서관 이용 안내 > 운영 시간", "text": f"운영 시간\n{BODY}", "place": {}}
    again = {**chunk, "id": "2", "place": {"part": 2}}
    assert ask_by_headings(chunk) and not ask_by_headings(again)


def test_recommended_question_of_a_heading_stands_before_what_is_less_sure():
    chunk = {"id": "1", "title": "한빛도서관 이용 안내 > 운영 시간", "text": f"운영 시간\n{BODY}", "place": {}}
    sentence, answer = BODY.split(". ")[0] + ".", "5,000원"
    start = chunk["text"].index(answer)
    own = {"chunk_id": "1", "title": chunk["title"], "place": {}, "passage": chunk["text"], "sentence": sentence}
    own |= {"answer": answer, "answer_place": [start, start + len(answer)], "kind": "number", "stopped": True}
    own |= {"model_output": "한빛도서관은 한 사람에 얼마를 내는가?", "read_answer": answer, "confidence": 0.99}
    for likelihood, writers in ((0.97, ["model", "heading"]), (0.9, ["heading", "model"]), (0.87, ["heading"])):
        found, _ = recommend([{**own, "likelihood": likelihood}], [chunk])
        assert [one["written_by"] for one in found] == writers
    (heading,) = recommend([], [chunk], style="polite")[0]
    assert heading["question"] == "한빛도서관의 운영 시간은 어떻게 되나요?"
    assert heading["likelihood"] is None and heading["confidence"] is None and 0 < OF_A_HEADING < 1
    begin, end = heading["answer_place"]
    assert chunk["text"][begin:end] == heading["answer"] == BODY
    pointing = {**chunk, "title": "한빛도서관 이용 안내 > 이 책을 빌리려면", "text": f"이 책을 빌리려면\n{BODY}"}
    assert not recommend([], [pointing])[0]


def test_subject_of_a_title():
    assert subject_of("소란스러운 하루").name == "소란스러운 하루" and not subject_of("군, 다리 놓는다")
    assert subject_of("2026년 상반기 두레물산 노트북 교체 공지").name == "두레물산 노트북 교체"
    assert subject_of("처음 가꾸는 텃밭").name == "텃밭"
    assert subject_of("2024년 하계 올림픽").name == "2024년 하계 올림픽"
    assert subject_of("찢어진 방충망 집에서 고치는 법").when == "찢어진 방충망을 집에서 고칠 때"
    assert subject_of("목이 편한 메밀 베개, 뭉근달").name == "뭉근달"
    assert subject_of("안경 맞춤 자주 묻는 질문").name == "안경 맞춤"
    assert subject_of("바른손 벽시계 W-5 설치 및 유지보수 설명서").name == "바른손 벽시계 W-5"
    assert subject_of("바른손 벽시계 W-5 설치·사용 설명서").name == "바른손 벽시계 W-5"
    assert subject_of("헌 책 다시 쓰기 – 가죽 표지 수선 순서").when == "가죽 표지를 수선할 때"
    assert subject_of("장구 가죽 교체 우편 접수 안내").name == "장구 가죽 교체"
    assert subject_of("한빛도서관 이용 안내").name == "한빛도서관"
    purpose = "이 회는 증기기관차를 만들고 안전하게 운전하며 그 기술을 다음 세대에 전하는 것을 목적으로 한다."
    assert question_of("명칭과 목적", "솔기적회 회칙", purpose) == "솔기적회의 목적은 무엇인가?"
    assert subject_of("도장 작업장 출입자 준수 사항").paper == "도장 작업장 출입자 준수 사항"
    assert not subject_of("2026년 봄 학기 자리 배치와 발표회 준비 안내").is_course
    assert subject_of("2026년 봄 학기 새들배움터 소목 안내").is_course
    assert subject_of("솔내시 공고 제2026-12호: 2026년 빗물통 설치 지원").name == "빗물통 설치 지원"
    assert subject_of("밤새 뒤척이지 않고, 삼베 이불 ‘여름결’").name == "삼베 이불 ‘여름결’"
    assert subject_of("이마에 얹으면 잊습니다, 머리등 ‘밤이랑 58’").name == "머리등 ‘밤이랑 58’"
    assert subject_of("길을 잃으러 오는 공원, 두레숲 이용 안내").name == "두레숲"
    assert subject_of("고요수면의원 하룻밤 검사, 자주 묻는 질문").name == "고요수면의원 하룻밤 검사"
    assert subject_of("열두 장이면 1초 — 애니메이션 주말 공방").name == "애니메이션 주말 공방"
    assert subject_of("한 철만 빌려 보세요 — 암탉 대여 ‘꼬꼬’").name == "암탉 대여 ‘꼬꼬’"
    assert subject_of("여름 점심의 애호박 만두, 더 시원하게").name == "애호박 만두"
    for headline in (
        "마을회관에서 쌀 한 포대, 이웃과 나눠요",
        "골목 빵집, 다시 문을 연다",
        "의자 120개, 세어 보니 117개",
    ):
        assert not subject_of(headline).name
    assert subject_of("문이 삐걱거릴 때, 대패부터 들지 마세요").name == "문이 삐걱거릴 때"
