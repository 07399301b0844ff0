"""The sample's office documents, made from the texts below: leave rules (.docx), a notice (.hwpx), a manual (.pdf).

    python tests/benchmarks/sample_documents.py

run with notebooks/ on PYTHONPATH. The same texts give the same bytes: no time is noted, and nothing is compressed, as
that differs between builds of zlib. The manual embeds the signs that it needs of NanumGothic, which comes with the
package koreanize-matplotlib.
"""

import io
import zipfile
from collections.abc import Iterator
from itertools import groupby
from xml.sax.saxutils import escape

from korqg.compare.plots import font_files
from korqg.config import SAMPLE_DOCUMENTS
from korqg.errors import KorqgError

LEAVE_RULES = """
# 볕뉘기계 휴가 규정
## 제1장 총칙
제1조(목적) 이 규정은 주식회사 볕뉘기계(이하 '회사'라 한다)의 직원이 쓸 수 있는 휴가의 종류와 일수, 신청 절차를 정하는 것을 목적으로 한다.
제2조(적용 범위) 이 규정은 고용 형태와 관계없이 모든 직원에게 적용한다. 다만 1주 동안의 소정 근로 시간이 15시간 미만인 직원에게는 제2장을 적용하지 아니한다.
제3조(휴가의 종류) 휴가는 다음 각 호와 같이 나눈다.
1. 연차 휴가: 근속 기간에 따라 주는 유급 휴가
2. 경조 휴가: 직원이나 그 가족에게 혼인, 사망, 이사 등의 일이 있을 때 주는 유급 휴가
3. 병가: 업무와 관계없는 부상이나 질병을 치료할 때 주는 휴가
4. 재충전 휴가: 오래 근속한 직원에게 연차 휴가와 별도로 주는 유급 휴가
## 제2장 연차 휴가
제4조(일수) ① 1년 동안 소정 근로일의 80% 이상을 출근한 직원에게는 15일의 연차 휴가를 준다. ② 근속 기간이 1년 미만인 직원에게는 1개월을 개근할 때마다 1일의 연차 휴가를 준다. ③ 3년 이상 근속한 직원에게는 최초 1년을 초과하는 근속 연수 2년마다 1일을 더하여 주되, 모두 합하여 25일을 넘지 아니한다.
제5조(사용 단위) ① 연차 휴가는 하루, 반일 또는 2시간 단위로 쓸 수 있다. ② 반일 휴가는 4시간으로 계산하며, 오전 반일 휴가를 쓴 직원은 오후 2시까지 출근하고 오후 반일 휴가를 쓴 직원은 오후 1시에 퇴근한다. ③ 2시간 단위의 휴가는 한 달에 네 번까지 쓸 수 있다. ④ 반일 휴가를 쓴 날에는 점심시간 1시간을 근무 시간에 넣지 아니한다.
제6조(신청) ① 연차 휴가를 쓰려는 직원은 쓰려는 날의 3영업일 전까지 전자 결재로 부서장에게 신청한다. 5일 이상 잇달아 쓰려는 경우에는 2주 전까지 신청한다. ② 갑작스러운 사정으로 미리 신청하지 못한 직원은 그날 근무 시작 30분 전까지 부서장에게 전화로 알리고, 출근한 날 바로 신청서를 낸다.
제7조(시기 변경) ① 부서장은 신청한 날에 휴가를 주는 것이 사업 운영에 막대한 지장을 주는 경우에만 휴가 시기를 바꾸도록 요청할 수 있다. ② 이때 부서장은 신청을 받은 다음 영업일까지 그 사유와 쓸 수 있는 날짜를 둘 이상 서면으로 알려야 한다.
제8조(이월과 보상) ① 직원이 희망하면 쓰지 않고 남은 연차 휴가를 5일까지 다음 해로 넘길 수 있다. ② 넘긴 휴가는 6개월 안에 써야 한다. ③ 넘기지 않은 휴가는 통상 임금으로 계산한 수당으로 보상하며, 다음 해 첫 급여일에 지급한다.
## 제3장 경조 휴가
제9조(일수) 경조 휴가의 일수와 신청할 때 낼 서류는 다음 표와 같다.
| 사유 | 대상 | 일수 | 낼 서류 |
| 혼인 | 본인 | 5일 | 청첩장 또는 혼인 관계 증명서 |
| 혼인 | 자녀 | 2일 | 청첩장 |
| 혼인 | 본인과 배우자의 형제자매 | 1일 | 청첩장 |
| 사망 | 배우자, 자녀, 본인과 배우자의 부모 | 5일 | 사망 진단서 |
| 사망 | 본인과 배우자의 조부모 | 3일 | 부고 |
| 사망 | 본인과 배우자의 형제자매 | 3일 | 부고 |
| 이사 | 본인 | 1일 | 전입을 확인할 수 있는 서류 |
제10조(사용 기한) ① 경조 휴가는 사유가 생긴 날을 포함하여 30일 안에 쓴다. 다만 본인의 혼인에 따른 휴가는 혼인한 날부터 90일 안에 쓸 수 있다. ② 휴가 기간에 든 토요일과 공휴일은 일수에 넣지 아니한다. ③ 이사에 따른 휴가는 한 해에 한 번만 쓸 수 있다.
제11조(출산 관련 휴가) 출산 전후 휴가와 배우자 출산 휴가, 난임 치료 휴가는 관계 법령에서 정한 바에 따른다.
## 제4장 병가와 재충전 휴가
제12조(병가) ① 병가는 한 해에 30일까지 쓸 수 있다. ② 처음 10일 동안은 임금 전액을 지급하고, 그 뒤에는 임금의 70%를 지급한다. ③ 잇달아 3일을 넘게 쉬려는 직원은 의사의 진단서를 내야 하며, 3일까지는 진료 확인서로 갈음할 수 있다. ④ 한 해에 30일을 모두 쓰고도 치료가 더 필요한 직원은 1년 안의 범위에서 휴직을 신청할 수 있다.
제13조(재충전 휴가) ① 5년을 근속할 때마다 5일의 재충전 휴가를 준다. 근속 10년과 20년이 되는 해에는 10일을 준다. ② 재충전 휴가는 받은 날부터 1년 안에 한꺼번에 쓴다. ③ 재충전 휴가를 쓰는 직원에게는 휴가비 50만 원을 지급한다.
## 제5장 휴가 중의 업무
제14조(업무 인계) 3일 이상 휴가를 쓰는 직원은 업무를 대신할 사람을 정하여 진행 중인 일의 목록과 연락처를 넘겨준다.
제15조(연락 제한) ① 부서장과 동료는 휴가 중인 직원에게 업무에 관한 연락을 하지 아니한다. ② 설비 사고처럼 급한 일로 직원이 휴가 중에 2시간 이상 일한 경우에는 그 시간의 두 배를 휴가로 돌려준다.
제16조(휴가의 전환) 연차 휴가를 쓰는 동안 병원에 입원하거나 가족이 사망한 직원은 해당 기간을 병가나 경조 휴가로 바꾸어 달라고 신청할 수 있다. 신청은 출근한 날부터 7일 안에 한다.
## 부칙
이 규정은 2027년 1월 1일부터 시행한다. 시행 전에 받은 재충전 휴가는 종전 규정에 따라 쓴다.
"""  # noqa: E501

NOTICE = """
# 2027년 빗물 저금통 설치 지원 사업 참여자 모집 공고
너른벌시 공고 제2027-41호
빗물을 모아 텃밭과 화단, 청소에 쓰는 시민에게 빗물 저금통 설치비를 지원하고자 다음과 같이 공고합니다.
2027년 2월 22일
너른벌시장
## 1. 사업 개요
○ 목적: 수돗물 절약 및 집중 호우 시 하수도 부담 완화
○ 사업 기간: 2027년 4월 ~ 9월
○ 사업비: 7,520만 원(시비 100%)
○ 지원 물량: 빗물 저금통 120개
## 2. 지원 대상
○ 너른벌시에 있는 지붕 면적 1,000㎡ 미만의 건축물 소유자
- 세입자는 소유자의 동의서를 내면 신청 가능
- 공동 주택은 관리 사무소 또는 입주자 대표 회의 명의로 신청
○ 지원 제외
- 최근 5년 안에 같은 사업의 지원을 받은 건축물
- 법령에 따라 빗물 이용 시설을 의무로 설치해야 하는 건축물
- 철거 또는 재건축이 예정된 건축물
## 3. 지원 내용
○ 설치비의 80%를 시에서 지원하고 20%는 신청자가 부담
○ 건축물 한 동에 한 개를 원칙으로 하되, 학교와 사회 복지 시설은 두 개까지 지원
<표 1> 용량별 지원 금액
| 용량 | 설치비 | 시 지원금 | 본인 부담금 | 모집 물량 |
| 200리터 | 50만 원 | 40만 원 | 10만 원 | 60개 |
| 500리터 | 90만 원 | 72만 원 | 18만 원 | 40개 |
| 1,000리터 | 140만 원 | 112만 원 | 28만 원 | 20개 |
○ 표의 설치비를 넘는 금액은 신청자가 전액 부담
○ 기초 생활 수급 가구와 다자녀 가구(자녀 2명 이상)는 본인 부담금 면제
## 4. 신청 방법
○ 신청 기간: 2027년 3월 2일(화) 09:00 ~ 3월 19일(금) 18:00
○ 신청 방법: 시 누리집의 '참여 신청' 또는 시청 본관 3층 물순환과 방문
- 우편 신청은 3월 19일 소인분까지 접수
○ 제출 서류
- 신청서 1부
- 설치 장소 사진 2장(지붕 홈통과 설치할 자리가 보이는 것)
- 건축물대장 1부
- 개인 정보 수집 및 이용 동의서 1부
## 5. 선정 기준
○ 서류 심사와 현장 확인을 거쳐 총점이 높은 순서로 선정
<표 2> 배점
| 항목 | 배점 | 평가 내용 |
| 활용 계획 | 40점 | 모은 물의 쓰임새, 한 달 예상 사용량 |
| 설치 여건 | 30점 | 홈통과의 거리, 바닥의 단단함 |
| 교육 효과 | 20점 | 이웃이나 학생에게 보여 줄 수 있는지 여부 |
| 관리 능력 | 10점 | 청소와 겨울철 물 빼기를 맡을 사람 |
○ 동점일 때에는 교육 효과, 설치 여건 순으로 점수가 높은 신청자를 우선 선정
○ 총점 60점 미만은 물량이 남더라도 선정하지 않음
## 6. 추진 일정
○ 현장 확인: 2027년 3월 24일(수) ~ 4월 2일(금)
○ 선정 결과 발표: 2027년 4월 9일(금) 시 누리집에 공개, 신청자에게 문자로 통지
○ 설치 완료: 2027년 8월 31일(화)까지
○ 지원금 지급: 설치 확인 후 20일 이내 신청자 계좌로 입금
## 7. 유의 사항
○ 선정 통지를 받기 전에 설치한 시설은 지원하지 않음
○ 설치 업체는 시에 등록된 업체 가운데 신청자가 선택
○ 설치일부터 5년 동안 유지하여야 하며, 무단으로 철거하면 남은 기간에 비례하여 지원금 환수
○ 모은 빗물은 마시거나 음식을 만드는 데 쓸 수 없음
○ 매년 11월 말까지 통을 비우고 밸브를 열어 동파 예방
○ 문의: 너른벌시 물순환과 물재이용팀(시청 본관 3층)
"""

MANUAL = """
# 또바기 식품 건조기 FD-8 사용 설명서
또바기 식품 건조기 FD-8을 구입해 주셔서 고맙습니다. 이 제품은 따뜻한 바람으로 과일과 채소, 버섯, 고기를 말리는 가정용 건조기입니다. 처음 사용하기 전에 이 설명서를 끝까지 읽고, 읽은 뒤에는 언제든지 볼 수 있는 곳에 보관해 주십시오.
## 1. 안전하게 사용하려면
- 전원 플러그는 220V 벽면 콘센트에 단독으로 꽂습니다. 연장선에 다른 제품과 함께 꽂으면 전선이 뜨거워져 불이 날 수 있습니다.
- 제품 뒷면은 벽에서 15cm 이상 떼어 놓고, 윗면의 배기구 위에는 아무것도 올려 두지 않습니다.
- 물기가 뚝뚝 떨어지는 재료는 물기를 뺀 다음 넣습니다. 물이 아래쪽 열선으로 흘러들면 고장이 날 수 있습니다.
- 작동이 끝난 뒤에도 20분 동안은 선반과 안쪽 벽이 뜨거우므로 맨손으로 만지지 않습니다.
- 한 번에 24시간을 넘겨 사용하지 않으며, 24시간을 사용했다면 2시간 이상 쉬게 합니다.
- 알코올이 든 재료나 기름에 튀긴 음식은 넣지 않습니다.
## 2. 제품의 구성과 규격
상자 안에는 본체와 선반 8장, 과일즙을 받는 받침판 1장, 작은 재료가 빠지지 않게 까는 그물망 4장이 들어 있습니다. 선반은 스테인리스이고, 그물망은 실리콘입니다. 그물망이 더 필요하면 서비스 센터에서 2장 한 묶음을 9,000원에 살 수 있습니다.
| 항목 | 내용 |
| 정격 전압 | 220V, 60Hz |
| 소비 전력 | 480W |
| 온도 범위 | 35~70℃(5℃ 단위) |
| 시간 설정 | 30분~24시간(30분 단위) |
| 선반 크기 | 가로 33cm, 세로 30cm |
| 무게 | 6.2kg |
| 전원선 길이 | 1.4m |
## 3. 처음 사용하기 전에
선반과 받침판, 그물망을 부드러운 수세미와 주방 세제로 씻어 말립니다. 그런 다음 아무것도 넣지 않고 60℃에서 30분 동안 작동합니다. 이때 새 제품의 냄새가 조금 날 수 있으니 창문을 열어 두십시오. 냄새는 두세 번 사용하면 사라집니다.
## 4. 사용 방법
1) 재료를 같은 두께로 썰어 선반에 겹치지 않게 놓습니다. 재료 사이는 손가락 하나 너비만큼 띄웁니다.
2) 받침판을 맨 아래에 끼우고 선반을 아래 칸부터 차례로 넣은 다음 문을 닫습니다. 문이 열려 있으면 작동하지 않습니다.
3) 전원 단추를 누르고 온도 단추와 시간 단추로 원하는 값을 맞춥니다.
4) 시작 단추를 누릅니다. 작동 중에 값을 바꾸려면 단추를 2초 동안 눌러 화면이 깜박일 때 조절합니다.
5) 정한 시간의 절반이 지나면 위쪽 선반과 아래쪽 선반의 자리를 서로 바꿉니다. 아래쪽이 바람을 먼저 받아 더 빨리 마르기 때문입니다.
6) 시간이 다 되면 알림음이 다섯 번 울리고, 열선이 꺼진 채 송풍기만 10분 동안 더 돌아갑니다.
## 5. 재료별 온도와 시간
다음 표는 실내 온도 20℃, 습도 50%에서 선반을 모두 채웠을 때를 기준으로 합니다. 재료의 두께와 물기, 계절에 따라 시간이 달라질 수 있으므로 정한 시간의 한 시간 전부터 상태를 살펴보십시오.
| 재료 | 손질 | 온도 | 시간 |
| 사과 | 5mm 두께로 썰기 | 55℃ | 8~10시간 |
| 단감 | 껍질을 벗겨 8등분 | 55℃ | 14~18시간 |
| 고구마 | 쪄서 1cm 두께로 썰기 | 60℃ | 8~10시간 |
| 무 | 손가락 굵기로 썰기 | 55℃ | 9~12시간 |
| 표고버섯 | 기둥을 떼고 4등분 | 50℃ | 6~8시간 |
| 홍고추 | 반으로 갈라 씨 빼기 | 60℃ | 10~12시간 |
| 허브 잎 | 씻어 물기 닦기 | 35℃ | 4~6시간 |
| 소고기 육포 | 익혀서 5mm 두께로 썰기 | 70℃ | 5~7시간 |
사과는 썬 뒤 소금물에 2분쯤 담갔다가 말리면 색이 덜 변합니다. 육포용 고기는 식중독을 막기 위해 먼저 속까지 완전히 익힌 다음 말리십시오. 생선은 냄새가 배므로 다른 재료와 함께 말리지 않습니다.
## 6. 다 말랐는지 확인하고 보관하기
재료를 꺼내 10분쯤 식힌 뒤에 만져 봅니다. 과일은 휘었을 때 끊어지지 않고 구부러지면서 손에 즙이 묻지 않으면 다 마른 것입니다. 채소와 버섯은 부러질 만큼 바삭해야 합니다. 따뜻할 때 봉지에 담으면 김이 서려 곰팡이가 생길 수 있으므로 완전히 식혀서 담습니다. 말린 과일과 채소는 습기가 들지 않는 통에 담아 서늘한 곳에 두고 두 달 안에 먹으며, 육포는 냉장실에서 2주까지 보관할 수 있습니다.
## 7. 청소와 손질
청소하기 전에는 반드시 전원 플러그를 뽑고 제품을 식힙니다. 선반과 받침판은 사용할 때마다 씻고, 눌어붙은 즙은 미지근한 물에 30분쯤 불려서 닦습니다. 선반은 식기세척기에 넣을 수 있지만 그물망은 넣을 수 없습니다. 본체는 물에 담그지 말고 물기를 꼭 짠 행주로 닦습니다. 뒷면의 공기 거름망은 4주마다 빼내어 먼지를 털고, 물로 씻었다면 그늘에서 말려 다시 끼웁니다.
## 8. 고장 신고를 하기 전에
| 증상 | 확인할 점 |
| 전원이 들어오지 않음 | 플러그가 끝까지 꽂혀 있는지, 문이 닫혀 있는지 |
| 바람이 약함 | 공기 거름망에 먼지가 끼지 않았는지 |
| 고르게 마르지 않음 | 재료가 겹치지 않았는지, 선반 자리를 바꾸었는지 |
| 화면에 E1이 나옴 | 실내 온도가 5℃보다 낮지 않은지 |
| 화면에 E2가 나옴 | 배기구가 막히지 않았는지 |
확인한 뒤에도 증상이 그대로이면 플러그를 뽑고 구입한 곳이나 서비스 센터에 알려 주십시오. E2가 나오면 제품이 저절로 멈추며, 30분이 지나 식은 다음에 다시 켤 수 있습니다.
## 9. 제품 보증
보증 기간은 구입한 날부터 1년이며, 송풍기의 모터는 3년입니다. 구입한 날을 확인할 수 없으면 제조한 날에서 3개월이 지난 날부터 셉니다. 떨어뜨려 깨졌거나 물에 담가 고장 난 경우, 업소에서 영업용으로 쓴 경우에는 보증 기간 안이라도 수리비를 받습니다. 수리에 필요한 부품은 제품을 단종한 뒤 6년 동안 보유합니다.
"""  # noqa: E501

Block = tuple[str, str | list[list[str]]]
"""A kind (title, heading, number, mark, text, table) and its text, or its rows."""


def blocks(text: str) -> list[Block]:
    """A text's lines as blocks; the rows of a table are one."""
    found: list[Block] = []
    for is_row, lines in groupby(text.strip().splitlines(), key=lambda line: line.startswith("|")):
        if is_row:
            found.append(("table", [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]))
            continue
        for line in lines:
            first, _, rest = line.partition(" ")
            kind = {"#": "title", "##": "heading", "-": "mark"}.get(first, "text")
            kind = "number" if first.rstrip(".").isdecimal() and first.endswith(".") else kind
            found.append((kind, rest if kind != "text" else line))
    return found


def package(members: dict[str, str]) -> bytes:
    """A zip archive without compression and without times."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.create_system = 0  # the same on every system
            archive.writestr(info, content)
    return file.getvalue()


# .docx

OFFICE = "http://schemas.openxmlformats.org"
XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
WORD_STYLES = {
    "title": ("Title", "Title", '<w:jc w:val="center"/><w:spacing w:after="240"/>', 36),
    "heading": ("Heading1", "heading 1", '<w:keepNext/><w:spacing w:before="320" w:after="120"/>', 26),
    "number": ("ListNumber", "List Number", "", 21),
}
"""Id, name, settings and size of the styles, by kind of block."""


def docx(text: str) -> bytes:
    """A Word document with styles, a numbered list and tables."""
    word = f'xmlns:w="{OFFICE}/wordprocessingml/2006/main"'
    found = blocks(text)
    body = "".join(
        _word_table(inside) if kind == "table" else _word(kind, inside, leads=behind == "table")
        for (kind, inside), (behind, _) in zip(found, [*found[1:], ("", "")], strict=True)
    )
    fonts = '<w:rFonts w:ascii="Malgun Gothic" w:hAnsi="Malgun Gothic" w:eastAsia="맑은 고딕"/>'
    styles = (
        f'<w:docDefaults><w:rPrDefault><w:rPr>{fonts}<w:sz w:val="21"/></w:rPr></w:rPrDefault><w:pPrDefault><w:pPr>'
        '<w:spacing w:before="60" w:after="60" w:line="288" w:lineRule="auto"/></w:pPr></w:pPrDefault></w:docDefaults>'
        '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style>'
    )
    for kind, (key, name, settings, size) in WORD_STYLES.items():
        settings += '<w:outlineLvl w:val="0"/>' if kind == "heading" else ""
        settings += '<w:numPr><w:numId w:val="1"/></w:numPr>' if kind == "number" else ""
        bold = "<w:b/>" if kind != "number" else ""
        styles += (
            f'<w:style w:type="paragraph" w:styleId="{key}"><w:name w:val="{name}"/><w:basedOn w:val="Normal"/>'
            f'<w:pPr>{settings}</w:pPr><w:rPr>{bold}<w:sz w:val="{size}"/></w:rPr></w:style>'
        )
    numbering = (
        '<w:abstractNum w:abstractNumId="0"><w:multiLevelType w:val="singleLevel"/><w:lvl w:ilvl="0"><w:start '
        'w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/><w:pPr><w:ind w:left="560" w:hanging="360"/>'
        '</w:pPr></w:lvl></w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
    )
    page = '<w:sectPr><w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1440" w:right="1304" w:bottom="1304" '
    page += 'w:left="1304" w:header="720" w:footer="720" w:gutter="0"/></w:sectPr>'
    kinds = "application/vnd.openxmlformats-officedocument.wordprocessingml"
    parts = {"document": "document.main", "styles": "styles", "numbering": "numbering"}
    types = "".join(
        f'<Override PartName="/word/{name}.xml" ContentType="{kinds}.{kind}+xml"/>' for name, kind in parts.items()
    )

    def relations(*targets: tuple[str, str]) -> str:
        kind = f"{OFFICE}/officeDocument/2006/relationships"
        lines = (
            f'<Relationship Id="rId{number}" Type="{kind}/{name}" Target="{target}"/>'
            for number, (name, target) in enumerate(targets, start=1)
        )
        return f'{XML}<Relationships xmlns="{OFFICE}/package/2006/relationships">{"".join(lines)}</Relationships>'

    return package(
        {
            "[Content_Types].xml": f'{XML}<Types xmlns="{OFFICE}/package/2006/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
            f'ContentType="application/xml"/>{types}</Types>',
            "_rels/.rels": relations(("officeDocument", "word/document.xml")),
            "word/_rels/document.xml.rels": relations(("styles", "styles.xml"), ("numbering", "numbering.xml")),
            "word/document.xml": f"{XML}<w:document {word}><w:body>{body}{page}</w:body></w:document>",
            "word/styles.xml": f"{XML}<w:styles {word}>{styles}</w:styles>",
            "word/numbering.xml": f"{XML}<w:numbering {word}>{numbering}</w:numbering>",
        }
    )


def _word(kind: str, text: str, run: str = "", leads: bool = False) -> str:
    """A paragraph; one that leads to a table stays on its page."""
    style = f'<w:pStyle w:val="{WORD_STYLES[kind][0]}"/>' if kind in WORD_STYLES else ""
    style += "<w:keepNext/>" if leads else ""
    return f"<w:p><w:pPr>{style}</w:pPr><w:r><w:rPr>{run}</w:rPr><w:t>{escape(text)}</w:t></w:r></w:p>"


def _word_table(rows: list[list[str]]) -> str:
    edges = ("top", "left", "bottom", "right", "insideH", "insideV")
    borders = "".join(f'<w:{edge} w:val="single" w:sz="4" w:color="808080"/>' for edge in edges)
    widths = _shares(rows, 9298)
    lines = []
    for number, row in enumerate(rows):
        cells = (
            f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/></w:tcPr>'
            f"{_word('text', cell, '' if number else '<w:b/>')}</w:tc>"
            for width, cell in zip(widths, row, strict=True)
        )
        lines.append(f"<w:tr>{'' if number else '<w:trPr><w:tblHeader/></w:trPr>'}{''.join(cells)}</w:tr>")
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    return (
        f'<w:tbl><w:tblPr><w:tblW w:w="{sum(widths)}" w:type="dxa"/><w:tblBorders>{borders}</w:tblBorders></w:tblPr>'
        f"<w:tblGrid>{grid}</w:tblGrid>{''.join(lines)}</w:tbl>"
    )


def _shares(rows: list[list[str]], width: int) -> list[int]:
    """Widths of a table's columns after their longest cells."""
    longest = [max(map(len, column)) + 3 for column in zip(*rows, strict=True)]
    return [width * length // sum(longest) for length in longest]


# .hwpx

HWPML = "http://www.hancom.co.kr/hwpml"
HANCOM = f"{HWPML}/2011"
SPACES = " ".join(
    f'xmlns:{short}="{address}"'
    for short, address in (
        ("ha", f"{HANCOM}/app"),
        ("hp", f"{HANCOM}/paragraph"),
        ("hp10", f"{HWPML}/2016/paragraph"),
        ("hs", f"{HANCOM}/section"),
        ("hc", f"{HANCOM}/core"),
        ("hh", f"{HANCOM}/head"),
        ("hhs", f"{HANCOM}/history"),
        ("hm", f"{HANCOM}/master-page"),
        ("hpf", "http://www.hancom.co.kr/schema/2011/hpf"),
        ("dc", "http://purl.org/dc/elements/1.1/"),
        ("opf", "http://www.idpf.org/2007/opf/"),
        ("ooxmlchart", f"{HWPML}/2016/ooxmlchart"),
        ("hwpunitchar", f"{HWPML}/2016/HwpUnitChar"),
        ("epub", "http://www.idpf.org/2007/ops"),
        ("config", "urn:oasis:names:tc:opendocument:xmlns:config:1.0"),
    )
)
"""Hangul refuses parts that do not name all of these."""
LANGUAGES = ("hangul", "latin", "hanja", "japanese", "other", "symbol", "user")
LETTERS = {"text": (1050, ""), "title": (1700, "<hh:bold/>"), "heading": (1300, "<hh:bold/>"), "cell": (1000, "")}
"""Height in hundredths of a point, and weight; a kind's place is its id."""
SHAPES = {
    "text": ("LEFT", 0, 0, 200),
    "title": ("CENTER", 0, 0, 1200),
    "heading": ("LEFT", 0, 900, 400),
    "cell": ("CENTER", 0, 0, 0),
    "item": ("LEFT", 1500, 0, 200),
    "mark": ("LEFT", 2900, 0, 200),
}
"""How paragraphs are aligned, their left margin, and the space before and behind them."""
STYLES = {"text": ("바탕글", "Normal"), "title": ("제목", "Title"), "heading": ("개요 1", "Outline 1")}
PAGE_WIDTH = 42520


def hwpx(text: str) -> bytes:
    """A Hangul document with outline styles and tables."""
    paragraphs = []
    for kind, inside in blocks(text):
        if kind == "table":
            paragraphs.append(_hangul("text", _hangul_table(inside)))
        else:
            shape = {"mark": "mark", "text": "item" if inside.startswith("○") else "text"}.get(kind, kind)
            words = f"- {inside}" if kind == "mark" else inside
            paragraphs.append(_hangul(shape, f"<hp:t>{escape(words)}</hp:t>"))
    first = paragraphs[0].replace("<hp:run ", f'<hp:run charPrIDRef="0">{_hangul_page()}</hp:run><hp:run ', 1)
    section = f"{XML}<hs:sec {SPACES}>{first}{''.join(paragraphs[1:])}</hs:sec>"
    files = {"header": "Contents/header.xml", "section0": "Contents/section0.xml"}
    files |= {"settings": "settings.xml", "version": "version.xml"}
    items = "".join(
        f'<opf:item id="{name}" href="{path}" media-type="application/xml"/>' for name, path in files.items()
    )
    title = escape(blocks(text)[0][1])
    return package(
        {
            "mimetype": "application/hwp+zip",
            "version.xml": f'{XML}<hv:HCFVersion xmlns:hv="{HANCOM}/version" tagetApplication="WORDPROCESSOR" '
            'major="5" minor="1" micro="0" buildNumber="1" os="1" xmlVersion="1.4" application="Hancom Office Hangul" '
            'appVersion="11, 0, 0, 0"/>',
            "META-INF/container.xml": f'{XML}<ocf:container xmlns:ocf="urn:oasis:names:tc:opendocument:xmlns:'
            'container"><ocf:rootfiles><ocf:rootfile full-path="Contents/content.hpf" '
            'media-type="application/hwpml-package+xml"/><ocf:rootfile full-path="Preview/PrvText.txt" '
            'media-type="text/plain"/></ocf:rootfiles></ocf:container>',
            "META-INF/manifest.xml": f'{XML}<odf:manifest xmlns:odf="urn:oasis:names:tc:opendocument:xmlns:'
            'manifest:1.0"/>',
            "Contents/content.hpf": f'{XML}<opf:package xmlns:opf="http://www.idpf.org/2007/opf/" version="" '
            f'unique-identifier="" id=""><opf:metadata><opf:title>{title}</opf:title><opf:language>ko</opf:language>'
            f"</opf:metadata><opf:manifest>{items}</opf:manifest><opf:spine>"
            '<opf:itemref idref="header" linear="yes"/><opf:itemref idref="section0" linear="yes"/></opf:spine>'
            "</opf:package>",
            "Contents/header.xml": _hangul_header(),
            "Contents/section0.xml": section,
            "Preview/PrvText.txt": title,
            "settings.xml": f'{XML}<ha:HWPApplicationSetting {SPACES}><ha:CaretPosition listIDRef="0" paraIDRef="0" '
            'pos="0"/></ha:HWPApplicationSetting>',
        }
    )


def _hangul(kind: str, inside: str) -> str:
    shape, letters = list(SHAPES).index(kind), list(LETTERS).index(kind) if kind in LETTERS else 0
    style = list(STYLES).index(kind) if kind in STYLES else 0
    return (
        f'<hp:p id="0" paraPrIDRef="{shape}" styleIDRef="{style}" pageBreak="0" columnBreak="0" merged="0">'
        f'<hp:run charPrIDRef="{letters}">{inside}</hp:run></hp:p>'
    )


def _hangul_table(rows: list[list[str]]) -> str:
    widths, height = _shares(rows, PAGE_WIDTH), 1800
    lines = []
    for number, row in enumerate(rows):
        cells = (
            f'<hp:tc name="" header="{int(number == 0)}" hasMargin="0" protect="0" editable="0" dirty="0" '
            f'borderFillIDRef="{2 if number else 3}"><hp:subList id="" textDirection="HORIZONTAL" lineWrap="BREAK" '
            'vertAlign="CENTER" linkListIDRef="0" linkListNextIDRef="0" textWidth="0" textHeight="0" '
            f'hasTextRef="0" hasNumRef="0">{_hangul("cell", f"<hp:t>{escape(cell)}</hp:t>")}</hp:subList>'
            f'<hp:cellAddr colAddr="{place}" rowAddr="{number}"/><hp:cellSpan colSpan="1" rowSpan="1"/>'
            f'<hp:cellSz width="{widths[place]}" height="{height}"/>'
            '<hp:cellMargin left="510" right="510" top="141" bottom="141"/></hp:tc>'
            for place, cell in enumerate(row)
        )
        lines.append(f"<hp:tr>{''.join(cells)}</hp:tr>")
    return (
        '<hp:tbl id="1" zOrder="0" numberingType="TABLE" textWrap="TOP_AND_BOTTOM" textFlow="BOTH_SIDES" lock="0" '
        f'dropcapstyle="None" pageBreak="CELL" repeatHeader="1" rowCnt="{len(rows)}" colCnt="{len(widths)}" '
        f'cellSpacing="0" borderFillIDRef="2" noAdjust="0"><hp:sz width="{sum(widths)}" widthRelTo="ABSOLUTE" '
        f'height="{height * len(rows)}" heightRelTo="ABSOLUTE" protect="0"/><hp:pos treatAsChar="1" '
        'affectLSpacing="0" flowWithText="1" allowOverlap="0" holdAnchorAndSO="0" vertRelTo="PARA" horzRelTo="PARA" '
        'vertAlign="TOP" horzAlign="LEFT" vertOffset="0" horzOffset="0"/><hp:outMargin left="0" right="0" top="283" '
        'bottom="283"/><hp:inMargin left="510" right="510" top="141" bottom="141"/>'
        f"{''.join(lines)}</hp:tbl>"
    )


def _hangul_page() -> str:
    """The page's size and margins, what Hangul wants to know of notes, lines and borders, and the one column."""
    note = (
        '<hp:autoNumFormat type="DIGIT" userChar="" prefixChar="" suffixChar=")" supscript="0"/><hp:noteLine '
        'length="-1" type="SOLID" width="0.12 mm" color="#000000"/><hp:noteSpacing betweenNotes="283" belowLine="567" '
        'aboveLine="850"/><hp:numbering type="CONTINUOUS" newNum="1"/>'
    )
    borders = "".join(
        f'<hp:pageBorderFill type="{pages}" borderFillIDRef="1" textBorder="PAPER" headerInside="0" footerInside="0" '
        'fillArea="PAPER"><hp:offset left="1417" right="1417" top="1417" bottom="1417"/></hp:pageBorderFill>'
        for pages in ("BOTH", "EVEN", "ODD")
    )
    return (
        '<hp:secPr id="" textDirection="HORIZONTAL" spaceColumns="1134" tabStop="8000" tabStopVal="4000" '
        'tabStopUnit="HWPUNIT" outlineShapeIDRef="0" memoShapeIDRef="0" textVerticalWidthHead="0" masterPageCnt="0">'
        '<hp:grid lineGrid="0" charGrid="0" wonggojiFormat="0"/><hp:startNum pageStartsOn="BOTH" page="0" pic="0" '
        'tbl="0" equation="0"/><hp:visibility hideFirstHeader="0" hideFirstFooter="0" hideFirstMasterPage="0" '
        'border="SHOW_ALL" fill="SHOW_ALL" hideFirstPageNum="0" hideFirstEmptyLine="0" showLineNumber="0"/>'
        '<hp:lineNumberShape restartType="0" countBy="0" distance="0" startNumber="0"/><hp:pagePr landscape="WIDELY" '
        'width="59528" height="84186" gutterType="LEFT_ONLY"><hp:margin header="4252" footer="4252" gutter="0" '
        'left="8504" right="8504" top="5668" bottom="4252"/></hp:pagePr>'
        f'<hp:footNotePr>{note}<hp:placement place="EACH_COLUMN" beneathText="0"/></hp:footNotePr>'
        f'<hp:endNotePr>{note}<hp:placement place="END_OF_DOCUMENT" beneathText="0"/></hp:endNotePr>{borders}'
        '</hp:secPr><hp:ctrl><hp:colPr id="" type="NEWSPAPER" layout="LEFT" colCount="1" sameSz="1" sameGap="0"/>'
        "</hp:ctrl>"
    )


def _hangul_header() -> str:
    """Fonts, lines and fillings, letters, shapes of paragraphs, styles."""

    def listed(name: str, items: list[str]) -> str:
        return f'<hh:{name} itemCnt="{len(items)}">{"".join(items)}</hh:{name}>'

    def each(name: str, value: int) -> str:
        values = " ".join(f'{language}="{value}"' for language in LANGUAGES)
        return f"<hh:{name} {values}/>"

    def border(key: int, line: str, filling: str = "") -> str:
        edges = "".join(
            f'<hh:{edge}Border type="{line}" width="0.12 mm" color="#000000"/>'
            for edge in ("left", "right", "top", "bottom")
        )
        return (
            f'<hh:borderFill id="{key}" threeD="0" shadow="0" centerLine="NONE" breakCellSeparateLine="0"><hh:slash '
            'type="NONE" Crooked="0" isCounter="0"/><hh:backSlash type="NONE" Crooked="0" isCounter="0"/>'
            f"{edges}{filling}</hh:borderFill>"
        )

    def shape(key: int, side: str, left: int, before: int, behind: int) -> str:
        edges = (("intent", 0), ("left", left), ("right", 0), ("prev", before), ("next", behind))
        margins = "".join(f'<hc:{edge} value="{value}" unit="HWPUNIT"/>' for edge, value in edges)
        sizes = f'<hh:margin>{margins}</hh:margin><hh:lineSpacing type="PERCENT" value="160" unit="HWPUNIT"/>'
        return (
            f'<hh:paraPr id="{key}" tabPrIDRef="0" condense="0" fontLineHeight="0" snapToGrid="1" '
            f'suppressLineNumbers="0" checked="0" textDir="LTR"><hh:align horizontal="{side}" vertical="BASELINE"/>'
            '<hh:heading type="NONE" idRef="0" level="0"/><hh:breakSetting breakLatinWord="KEEP_WORD" '
            'breakNonLatinWord="BREAK_WORD" widowOrphan="0" keepWithNext="0" keepLines="0" pageBreakBefore="0" '
            'lineWrap="BREAK"/><hh:autoSpacing eAsianEng="0" eAsianNum="0"/><hp:switch><hp:case '
            f'hp:required-namespace="{HWPML}/2016/HwpUnitChar">{sizes}</hp:case><hp:default>{sizes}</hp:default>'
            '</hp:switch><hh:border borderFillIDRef="1" offsetLeft="0" offsetRight="0" offsetTop="0" offsetBottom="0" '
            'connect="0" ignoreMargin="0"/></hh:paraPr>'
        )

    grey = '<hc:fillBrush><hc:winBrush faceColor="#E6E6E6" hatchColor="#000000" alpha="0"/></hc:fillBrush>'
    fonts = [
        f'<hh:fontface lang="{language.upper()}" fontCnt="1"><hh:font id="0" face="함초롬바탕" type="TTF" '
        'isEmbedded="0"/></hh:fontface>'
        for language in LANGUAGES
    ]
    letters = [
        f'<hh:charPr id="{number}" height="{height}" textColor="#000000" shadeColor="none" useFontSpace="0" '
        f'useKerning="0" symMark="NONE" borderFillIDRef="1">{each("fontRef", 0)}{each("ratio", 100)}'
        f"{each('spacing', 0)}{each('relSz', 100)}{each('offset', 0)}{weight}</hh:charPr>"
        for number, (height, weight) in enumerate(LETTERS.values())
    ]
    shapes = [shape(number, *settings) for number, settings in enumerate(SHAPES.values())]
    styles = [
        f'<hh:style id="{number}" type="PARA" name="{name}" engName="{english}" '
        f'paraPrIDRef="{list(SHAPES).index(kind)}" charPrIDRef="{list(LETTERS).index(kind)}" '
        f'nextStyleIDRef="0" langID="1042" lockForm="0"/>'
        for number, (kind, (name, english)) in enumerate(STYLES.items())
    ]
    lists = (
        listed("fontfaces", fonts)
        + listed("borderFills", [border(1, "NONE"), border(2, "SOLID"), border(3, "SOLID", grey)])
        + listed("charProperties", letters)
        + listed("tabProperties", ['<hh:tabPr id="0" autoTabLeft="0" autoTabRight="0"/>'])
        + listed("paraProperties", shapes)
        + listed("styles", styles)
    )
    return (
        f'{XML}<hh:head {SPACES} version="1.4" secCnt="1"><hh:beginNum page="1" footnote="1" endnote="1" pic="1" '
        f'tbl="1" equation="1"/><hh:refList>{lists}</hh:refList><hh:compatibleDocument targetProgram="HWP201X">'
        '<hh:layoutCompatibility/></hh:compatibleDocument><hh:docOption><hh:linkinfo path="" pageInherit="0" '
        'footnoteInherit="0"/></hh:docOption><hh:trackchageConfig flags="56"/></hh:head>'
    )


# .pdf

PAGE = 595, 842
LEFT, TOP, BOTTOM = 64, 770, 70
SIZES = {"title": 18, "heading": 13, "text": 10.5, "mark": 10.5, "number": 10.5}


class Pages:
    """Lines of text on pages, and what the pages draw."""

    def __init__(self, font, running_head: str):
        self.advances, self.names = font["hmtx"], font.getBestCmap()
        self.places = {name: number for number, name in enumerate(font.getGlyphOrder())}
        self.units, self.head = font["head"].unitsPerEm, running_head
        self.drawn: list[list[str]] = []
        self.height = 0.0

    def width(self, text: str, size: float) -> float:
        return sum(self.advances[self.names[ord(sign)]][0] for sign in text) * size / self.units

    def draw(self, x: float, y: float, size: float, text: str, bold: bool = False) -> None:
        glyphs = "".join(f"{self.places[self.names[ord(sign)]]:04x}" for sign in text)
        weight = f"2 Tr {size / 40:.2f} w" if bold else "0 Tr"
        self.drawn[-1].append(f"BT {weight} /F1 {size} Tf {x:.1f} {y:.1f} Td <{glyphs}> Tj ET")

    def rule(self, y: float) -> None:
        self.drawn[-1].append(f"0.5 w {LEFT} {y:.1f} m {PAGE[0] - LEFT} {y:.1f} l S")

    def need(self, height: float) -> None:
        """Begin a page where the present one has no room left."""
        if self.drawn and self.height - height >= BOTTOM:
            return
        self.drawn.append([])
        self.height = TOP
        number = f"- {len(self.drawn)} -"
        self.draw(LEFT, 805, 8.5, self.head)
        self.draw((PAGE[0] - self.width(number, 8.5)) / 2, 36, 8.5, number)

    def lines(self, text: str, size: float, width: float) -> Iterator[str]:
        """A text's lines, broken between words."""
        line = ""
        for word in text.split():
            longer = f"{line} {word}".strip()
            if line and self.width(longer, size) > width:
                yield line
                longer = word
            line = longer
        yield line

    def block(self, kind: str, text: str) -> None:
        size = SIZES[kind]
        if kind in ("title", "heading"):
            self.need(5 * size)
            self.height -= size
        indent = 14 if kind == "mark" else 0
        for number, line in enumerate(self.lines(text, size, PAGE[0] - 2 * LEFT - indent)):
            self.need(1.6 * size)
            self.height -= 1.6 * size
            if indent and number == 0:
                self.draw(LEFT, self.height, size, "•")
            self.draw(LEFT + indent, self.height, size, line, kind in ("title", "heading"))
        self.height -= 6

    def table(self, rows: list[list[str]]) -> None:
        widths = _shares(rows, PAGE[0] - 2 * LEFT)
        self.need(20 * len(rows) + 12)
        self.rule(self.height - 4)
        for number, row in enumerate(rows):
            self.height -= 20
            for place, cell in enumerate(row):
                self.draw(LEFT + 6 + sum(widths[:place]), self.height, 10, cell, number == 0)
            self.rule(self.height - 6)
        self.height -= 16


def pdf(text: str) -> bytes:
    """A PDF with running heads, page numbers and its own font.

    Raises KorqgError when the font is not on this machine.
    """
    from fontTools import subset

    source = next((path for path in font_files() if path.name == "NanumGothic.ttf"), None)
    if source is None:
        raise KorqgError("NanumGothic is not on this machine: install the package koreanize-matplotlib.")
    options = subset.Options(hinting=False, layout_features=[], notdef_outline=True, recalc_timestamp=False)
    font = subset.load_font(str(source), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=f"{text}-•0123456789")
    subsetter.subset(font)
    data = io.BytesIO()
    font.save(data)
    content = blocks(text)
    pages = Pages(font, content[0][1])
    for kind, inside in content:
        if kind == "table":
            pages.table(inside)
        else:
            pages.block(kind, inside)
    return _pdf_file(font, data.getvalue(), pages)


def _pdf_file(font, data: bytes, pages: Pages) -> bytes:
    scale = 1000 / pages.units
    widths = " ".join(f"{font['hmtx'][name][0] * scale:.0f}" for name in font.getGlyphOrder())
    signs = sorted((pages.places[name], sign) for sign, name in pages.names.items())
    lines = [f"<{glyph:04x}> <{chr(sign).encode('utf-16-be').hex()}>" for glyph, sign in signs]
    tens = [lines[start : start + 100] for start in range(0, len(lines), 100)]
    mapped = "".join(f"{len(ten)} beginbfchar\n{chr(10).join(ten)}\nendbfchar\n" for ten in tens)
    unicode_map = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n/CIDSystemInfo << /Registry (Adobe) /Ordering "
        "(UCS) /Supplement 0 >> def\n/CMapName /Adobe-Identity-UCS def /CMapType 2 def\n1 begincodespacerange\n"
        f"<0000> <ffff>\nendcodespacerange\n{mapped}endcmap\nCMapName currentdict /CMap defineresource pop end end"
    )
    box = " ".join(f"{font['head'].__dict__[edge] * scale:.0f}" for edge in ("xMin", "yMin", "xMax", "yMax"))
    name = "/AAAAAA+NanumGothic"

    def stream(content: bytes, more: str = "") -> bytes:
        return b"<< /Length %d %s>>\nstream\n%s\nendstream" % (len(content), more.encode(), content)

    kids = " ".join(f"{8 + 2 * number} 0 R" for number in range(len(pages.drawn)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R /Lang (ko-KR) >>",
        f"<< /Type /Pages /Count {len(pages.drawn)} /Kids [{kids}] >>",
        f"<< /Type /Font /Subtype /Type0 /BaseFont {name} /Encoding /Identity-H /DescendantFonts [4 0 R] "
        "/ToUnicode 7 0 R >>",
        f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont {name} /CIDSystemInfo << /Registry (Adobe) /Ordering "
        f"(Identity) /Supplement 0 >> /FontDescriptor 5 0 R /CIDToGIDMap /Identity /W [0 [{widths}]] >>",
        f"<< /Type /FontDescriptor /FontName {name} /Flags 4 /FontBBox [{box}] /ItalicAngle 0 /Ascent "
        f"{font['hhea'].ascent * scale:.0f} /Descent {font['hhea'].descent * scale:.0f} /CapHeight 700 /StemV 80 "
        "/FontFile2 6 0 R >>",
        stream(data, f"/Length1 {len(data)} "),
        stream(unicode_map.encode()),
    ]
    for number, drawn in enumerate(pages.drawn):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {PAGE[0]} {PAGE[1]}] /Resources << /Font << /F1 3 0 R >> >> "
            f"/Contents {9 + 2 * number} 0 R >>"
        )
        objects.append(stream("\n".join(drawn).encode()))
    file, places = io.BytesIO(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), []
    file.seek(0, io.SEEK_END)
    for number, content in enumerate(objects, start=1):
        places.append(file.tell())
        file.write(b"%d 0 obj\n%s\nendobj\n" % (number, content.encode() if isinstance(content, str) else content))
    start = file.tell()
    file.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    file.write(b"".join(b"%010d 00000 n \n" % place for place in places))
    file.write(b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start))
    return file.getvalue()


def make() -> dict[str, bytes]:
    """The documents' bytes by the names of their files."""
    return {
        "leave_rules.docx": docx(LEAVE_RULES),
        "rainwater_notice.hwpx": hwpx(NOTICE),
        "food_dryer_manual.pdf": pdf(MANUAL),
    }


if __name__ == "__main__":
    for file_name, content in make().items():
        (SAMPLE_DOCUMENTS / file_name).write_bytes(content)
        print(f"{len(content):>8,} bytes  {file_name}")
