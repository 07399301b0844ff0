"""Drafts for the model to rewrite."""

import re

from korqg.ask.candidates import CandidateAnswer
from korqg.ask.editor import edit_question
from korqg.ask.rule import ask_by_rule

HELD = {"일시": "언제", "일자": "언제", "날짜": "언제", "장소": "어디에서"}
"""Lines at the head of minutes, by what they say of the meeting."""


def draft_of(candidate: CandidateAnswer, title: str) -> str:
    """The rule's question about a candidate, mended; "" where the rule has none.

    It does not say whose document it is: that is for the model, which sees title and opening beside it, to add. (Of
    models that were given drafts with a name made of the title the loss of a held-back question is no lower, and where
    the name was cut wrongly they kept it.)
    """
    if meeting := _about_meeting(candidate, title):
        return meeting
    asked = ask_by_rule(candidate, title)
    return edit_question(asked).text if asked else ""


def _about_meeting(candidate: CandidateAnswer, title: str) -> str:
    """When or where a meeting was held, of whose minutes the line is: no date is the cooperative's (조합의 일시)."""
    minutes = title.split(" > ")[0].strip()
    line = re.match(r"\W*([가-힣]+) ?[:：]", candidate.sentence)
    if not line or line[1] not in HELD or not minutes.endswith("회의록"):
        return ""
    return f"{minutes.removesuffix('록')}는 {HELD[line[1]]} 열렸는가?"
