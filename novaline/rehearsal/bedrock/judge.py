"""The stand-in for a model that judges: it reads the question that `novaline.rewards.judging` asks, as a judge would.

Its verdict is how many words the answer shares with the reference, or with the task where there is none: always the
same for the same texts, and nothing like a model's judgement. It obeys nothing that stands in the data.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass

_FIRST = re.compile(r"BEGIN TASK (?P<mark>[0-9a-f]{32})\n")
_NONCE = re.compile(r'"nonce": "(?P<nonce>[0-9a-f]{32})"')
_SCALE = re.compile(r"<number from (?P<lowest>\S+) to (?P<highest>\S+)>")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class JudgeQuestion:
    """What a judge is asked for: a grade on a scale, for an answer beside what it should hold."""

    answer: str
    beside: str
    beside_name: str
    nonce: str
    lowest: float
    highest: float


def judge_question(text: str) -> JudgeQuestion | None:
    """The question in a prompt; None for a prompt of another kind."""
    first = _FIRST.match(text)
    if first is None:
        return None
    mark = first["mark"]
    fenced = re.compile(rf"^BEGIN (TASK|REFERENCE|ANSWER) {mark}\n(.*?)\nEND \1 {mark}$", re.DOTALL | re.MULTILINE)
    data = dict(fenced.findall(text))
    asked = text.rpartition(f"END ANSWER {mark}")[2]
    nonce, scale = _NONCE.search(asked), _SCALE.search(asked)
    if "ANSWER" not in data or nonce is None or scale is None:
        return None
    name = "REFERENCE" if "REFERENCE" in data else "TASK"
    return JudgeQuestion(
        answer=data["ANSWER"],
        beside=data[name],
        beside_name=name.lower(),
        nonce=nonce["nonce"],
        lowest=float(scale["lowest"]),
        highest=float(scale["highest"]),
    )


def stand_in_verdict(question: JudgeQuestion) -> str:
    """The verdict, in the form that was asked for."""
    share = _shared(question.answer, question.beside)
    score = question.lowest + share * (question.highest - question.lowest)
    reason = f"stand-in of the rehearsal: {share:.0%} of the words are shared with the {question.beside_name}"
    return json.dumps({"nonce": question.nonce, "reason": reason, "score": round(score, 4)})


def _shared(one: str, other: str) -> float:
    """F1 of the words of two texts, 0 to 1."""
    counts = [Counter(_WORD.findall(text.casefold())) for text in (one, other)]
    common = (counts[0] & counts[1]).total()
    return 2 * common / (counts[0].total() + counts[1].total()) if common else 0.0
