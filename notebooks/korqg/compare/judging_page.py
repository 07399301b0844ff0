"""A section of the side-by-side page in which a person judges questions without knowing who wrote them."""

import base64
import hashlib
import json
import random
from pathlib import Path

from markupsafe import Markup

from korqg.markup import templates

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

    Items are those of blind.make_sheet, each with its `makers`: a list of names.
    """
    if not items:
        return ""
    makers = list(dict.fromkeys(maker for item in items for maker in item["makers"]))
    items = random.Random(seed).sample(items, len(items))
    questions = [{name: item[name] for name in ("number", "passage", "question", "answer")} for item in items]
    made = [makers, [[makers.index(maker) for maker in item["makers"]] for item in items]]
    # The makers stand in base64 so that nobody reads them by accident in the page's source while judging. This is no
    # secret: whoever wants to know decodes it.
    hidden = base64.b64encode(json.dumps(made).encode()).decode()
    text = json.dumps(questions, ensure_ascii=False).replace("<", "\\u003c").replace("$", "\\u0024")
    key = "korqg-judge-" + hashlib.sha256(json.dumps([questions, made]).encode()).hexdigest()[:16]
    template = templates(_HERE).get_template("judge.html.jinja")
    return template.render(
        css=Markup((_HERE / "judge.css").read_text(encoding="utf-8")),
        title=TITLE,
        verdicts=VERDICTS,
        key=key,
        hidden=hidden,
        questions=Markup(text),
    )
