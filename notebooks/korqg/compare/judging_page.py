"""A section of the side-by-side page in which a person judges questions without knowing who wrote them."""

import base64
import hashlib
import json
import random
import unicodedata
from pathlib import Path

from korqg.markup import escape

VERDICTS = {
    1: "Show as it is · 그대로 보여 준다",
    2: "Show after an edit of three words at most · 조금 고치면 보여 준다 (낱말 세 개까지)",
    3: "Do not show · 보여 주지 않는다",
}
TITLE = "Judge without knowing · 누가 썼는지 모르고 판정하기"
_HERE = Path(__file__).parent


def script() -> str:
    """The section's one script, for a <script> behind the section: the page's policy must allow its sha256."""
    return (_HERE / "judge.js").read_text(encoding="utf-8")


def judge_section(items: list[dict], seed: int) -> str:
    """The section's HTML, with its style; "" without items.

    An item is {"number": "0", "passage": …, "question": …, "answer": … or "", "makers": [names]}. Equal questions
    about a paragraph with the same answer are judged once, for all their numbers and makers.
    """
    if not items:
        return ""
    questions, makers = _merged(items), list(dict.fromkeys(maker for item in items for maker in item["makers"]))
    random.Random(seed).shuffle(questions)
    made = [makers, [[makers.index(maker) for maker in question.pop("makers")] for question in questions]]
    # The makers stand in base64 so that nobody reads them by accident in the page's source while judging. This is no
    # secret: whoever wants to know decodes it.
    hidden = base64.b64encode(json.dumps(made).encode()).decode()
    text = json.dumps(questions, ensure_ascii=False).replace("<", "\\u003c").replace("$", "\\u0024")
    key = "korqg-judge-" + hashlib.sha256(json.dumps([questions, made]).encode()).hexdigest()[:16]
    buttons = "".join(
        f'<button type="button" data-verdict="{verdict}" aria-keyshortcuts="{verdict}" aria-pressed="false">'
        f"<kbd>{verdict}</kbd> <span>{escape(words)}</span></button>"
        for verdict, words in VERDICTS.items()
    )
    shares = ("Maker · 만든 쪽", "n", f"{VERDICTS[1]} (%)", "As it is or after a small edit · 조금 고친 것까지 (%)")
    judged = ("No. · 번호", "Question · 질문", "Maker · 만든 쪽", "Verdict · 판정")
    return f"""<section id="judge" aria-labelledby="judge-title">
<style>{(_HERE / "judge.css").read_text(encoding="utf-8")}</style>
<h2 id="judge-title">{TITLE}</h2>
<p>One question at a time stands under its paragraph, and who wrote it is told only at the end. Judge with the keys 1, 2
and 3; Backspace or ← goes back. Nothing is sent anywhere. · 문단과 질문이 하나씩 나오고, 누가 쓴 질문인지는 판정을 마친
뒤에 알려 줍니다. 숫자 키 1, 2, 3으로 판정하고 Backspace나 ←로 되돌아갑니다. 판정은 어디에도 전송되지 않습니다.</p>
<p data-part="needed">This needs JavaScript. · 이 기능을 쓰려면 자바스크립트를 켜야 합니다.</p>
<p><button type="button" data-part="start" hidden><span>Start · 시작하기</span>
<span hidden>Continue · 이어서 하기</span><span hidden>Look again · 다시 보기</span>
<span data-part="so-far"></span></button></p>
<dialog data-part="dialog" aria-label="{TITLE}">
<div class="judge-bar"><button type="button" data-part="back" aria-keyshortcuts="Backspace ArrowLeft">←
Back · 뒤로</button><span data-part="progress"></span>
<button type="button" data-part="stop">See the results · 결과 보기</button></div>
<div data-part="question" tabindex="-1" role="group" aria-label="Question · 질문" aria-live="polite" aria-atomic="true">
<p data-part="place" class="judge-unseen"></p>
<div data-part="card"><p data-part="passage"></p><p data-part="asked"></p>
<p>Answer · 정답: <bdi data-part="answer"></bdi></p></div>
<p data-part="last" hidden>Every question is judged. Until you see the results, you can still go back. ·
질문을 모두 판정했습니다. 결과를 보기 전까지는 되돌아가 고칠 수 있습니다.</p></div>
<div data-part="verdicts" class="judge-verdicts">{buttons}</div>
</dialog>
<div data-part="results" hidden><h3 tabindex="-1" data-part="results-title">Results · 결과
(<span data-part="judged"></span>)</h3>
{_table("shares", "Shares for each maker · 만든 쪽마다의 비율", shares)}
<p><button type="button" data-part="save">Save ratings.json · 판정을 파일로 저장</button>
<button type="button" data-part="erase" data-ask="Erase all marks? · 판정을 모두 지울까요?">Erase and start over ·
지우고 처음부터</button></p>
{_table("list", "Questions, makers and verdicts · 질문, 만든 쪽, 판정", judged)}</div>
<p data-part="unkept" hidden>This browser does not keep the marks: save the file before you close the page. ·
이 브라우저에는 판정이 남지 않습니다. 페이지를 닫기 전에 파일로 저장하세요.</p>
<script type="application/json" data-part="data" data-key="{key}" data-made="{hidden}">{text}</script>
</section>"""


def _merged(items: list[dict]) -> list[dict]:
    """Equal questions as one, with all numbers and makers; blanks and the way Hangul is composed make no difference."""
    found: dict[tuple, dict] = {}
    numbers: dict[str, tuple] = {}
    for item in items:
        texts = (unicodedata.normalize("NFC", item[name]) for name in ("question", "answer"))
        same = (item["passage"], *(" ".join(text.split()) for text in texts))
        if numbers.setdefault(item["number"], same) != same:
            raise ValueError(f"two questions have the number {item['number']}: give each its own")
        shown = {name: item[name] for name in ("passage", "question", "answer")}
        question = found.setdefault(same, {"numbers": [], **shown, "makers": []})
        question["numbers"] = list(dict.fromkeys([*question["numbers"], item["number"]]))
        question["makers"] = list(dict.fromkeys([*question["makers"], *item["makers"]]))
    return list(found.values())


def _table(part: str, label: str, columns: tuple[str, ...]) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{label}"><table><thead><tr>{head}</tr></thead>'
        f'<tbody data-part="{part}"></tbody></table></div>'
    )
