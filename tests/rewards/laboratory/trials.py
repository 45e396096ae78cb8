"""Rows, rewards and examinations that tests of the laboratory share."""

from novaline.rewards.laboratory.examine import examine
from novaline.rewards.laboratory.judgement import judge
from novaline.rewards.laboratory.rows import Rows, row_of
from novaline.rewards.laboratory.subject import LocalSubject, Reply
from novaline.rewards.scoring import Scorer
from novaline.rewards.settings import as_reward

LABELS = ("card_arrival", "duplicate_charge", "close_account", "login_trouble")


def label_rows(count=12, labels=LABELS, **more):
    return [
        {
            "id": f"row-{number}",
            "messages": [{"role": "user", "content": f"customer message number {number}"}],
            "reference_answer": labels[number % len(labels)],
            **more,
        }
        for number in range(count)
    ]


def rows_of(documents):
    taken = [row_of(document, line) for line, document in enumerate(documents, start=1)]
    return Rows(file="rows.jsonl", taken=tuple(taken), in_all=len(taken))


def examined(function, documents=None, **more):
    """The examination of a function of one's own."""
    scorer = Scorer(name="own", reward=as_reward(function))
    return examine(LocalSubject(scorer=scorer), rows_of(label_rows() if documents is None else documents), **more)


def codes(examination, **more):
    return {(finding.code, finding.severity) for finding in judge(examination, **more)}


class Foreign:
    """A function that Novaline did not make: whatever `answer` makes of the event."""

    name, where, calls_model = "foreign", "a test", False

    def __init__(self, answer):
        self.answer = answer

    def score(self, event):
        return Reply(answers=self.answer(event), seconds=0.001)


def foreign(answer):
    return examine(Foreign(answer), rows_of(label_rows()))


def exact(rollout):
    return float(rollout.answer.strip() == rollout.reference)
