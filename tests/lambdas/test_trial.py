"""A reward function is tried on real rows before a job is paid for, and refused when nothing can be learned."""

import base64
import io
import json
import math
from dataclasses import dataclass, field

import pytest
from botocore.exceptions import ReadTimeoutError
from memory_stores import MemoryS3

from nova_trial.handler import attempt
from nova_trial.rollouts import SHAPES, NoRows, read_rows, rollouts, samples
from nova_trial.verdict import RewardTrialFailed

ARN = "arn:aws:lambda:us-east-1:111111111111:function:novaline-dev-SageMaker-intent"
LABELS = ("lost_card", "refund", "opening_hours")


def row(number, reference=None, **fields):
    own = {} if reference is None else {"reference_answer": reference}
    messages = [{"role": "system", "content": "Name the intent."}, {"role": "user", "content": f"question {number}"}]
    return {"id": f"r{number}", "messages": messages, **own, **fields}


ROWS = [row(number, LABELS[number % 3]) for number in range(6)]


def answer_of(sample):
    content = sample["messages"][-1]["content"]
    return content if isinstance(content, str) else content[0]["text"]


def scored(batch, judge=lambda sample: float(answer_of(sample) == sample["reference_answer"])):
    return [{"id": sample["id"], "aggregate_reward_score": judge(sample), "metrics_list": []} for sample in batch]


def unscorable(batch):
    metrics = [{"name": "unscorable", "value": 1.0, "type": "Metric"}]
    return [{"id": sample["id"], "aggregate_reward_score": 0.0, "metrics_list": metrics} for sample in batch]


@dataclass
class Functions:
    """A reward function behind Lambda's API."""

    reward: object
    log: str = ""
    batches: list = field(default_factory=list)

    def invoke(self, *, FunctionName, Payload, LogType):  # noqa: N803 - boto3's own names
        assert (FunctionName, LogType) == (ARN, "Tail")
        self.batches.append(json.loads(Payload))
        answer = {"LogResult": base64.b64encode(self.log.encode()).decode()}
        try:
            said = json.dumps(self.reward(self.batches[-1]))
        except ReadTimeoutError:
            raise
        except Exception as problem:
            answer["FunctionError"] = "Unhandled"
            said = json.dumps({"errorType": type(problem).__name__, "errorMessage": str(problem)})
        return answer | {"Payload": io.BytesIO(said.encode())}


def run_trial(reward, rows=ROWS, log=""):
    s3, functions = MemoryS3(), Functions(reward, log)
    content = b"".join(json.dumps(one).encode() + b"\n" for one in rows)
    s3.put_object(Bucket="artifacts", Key="runs/r/trial/rft.jsonl", Body=content)
    event = {"run": "r", "stage": "rft", "reward_arn": ARN}
    return attempt(event, artifact_bucket="artifacts", s3=s3, functions=functions), functions, s3


def refusal(reward, rows=ROWS, log=""):
    with pytest.raises(RewardTrialFailed) as refused:
        run_trial(reward, rows, log)
    assert "novaline-dev-SageMaker-intent" in str(refused.value)
    return str(refused.value)


# ---- what passes


def test_a_reward_that_tells_right_from_wrong_passes_and_the_run_keeps_what_it_gave():
    found, _, s3 = run_trial(scored)
    assert found["mean_scores"] == {"reference": 1.0, "wrong": 0.0, "empty": 0.0}
    assert (found["samples"], found["unscorable"], found["undecided"]) == (18, 0, False)
    record = json.loads(s3.objects["artifacts", "runs/r/trial/rft.json"][0])
    assert record == {**found, "stage": "rft"}


def test_both_shapes_that_trainers_use_are_tried():
    _, functions, _ = run_trial(scored)
    parts, text = functions.batches
    assert parts[0]["messages"][-1] == {"role": "nova_assistant", "content": [{"type": "text", "text": "lost_card"}]}
    assert parts[0]["messages"][1]["content"] == [{"type": "text", "text": "question 0"}]
    assert text[0]["messages"][-1] == {"role": "assistant", "content": "lost_card"}
    assert [sample["id"] for sample in parts] == [sample["id"] for sample in text]


def test_rows_go_to_the_function_with_their_own_fields_and_a_new_id():
    rows = [row(0, "lost_card", difficulty="hard"), row(1, "refund")]
    _, functions, _ = run_trial(scored, rows)
    sample = functions.batches[0][0]
    assert (sample["difficulty"], sample["reference_answer"]) == ("hard", "lost_card")
    assert len({one["id"] for one in functions.batches[0]}) == len(functions.batches[0])


def test_a_reward_that_prefers_wrong_answers_is_not_refused_for_a_person_may_want_that():
    found, *_ = run_trial(lambda batch: scored(batch, lambda one: float(answer_of(one) != one["reference_answer"])))
    assert found["mean_scores"]["reference"] < found["mean_scores"]["wrong"]


def test_one_odd_row_that_cannot_be_scored_is_told_and_stops_nothing():
    def one_odd(batch):
        return [
            unscorable([one])[0] if one["messages"][1] == batch[0]["messages"][1] else scored([one])[0] for one in batch
        ]

    found, *_ = run_trial(one_odd)
    assert found["unscorable"] == 3


# ---- what is refused


def test_a_reward_that_raises_is_refused_with_what_it_said():
    def broken(_):
        raise KeyError("label")

    assert "failed: KeyError: 'label'" in refusal(broken)


def test_a_reward_that_falls_back_for_every_reference_is_refused_with_the_reasons_of_its_log():
    line = json.dumps({"message": "unscorable", "id": "1", "reason": "KeyError", "where": "tone.py:7"})
    log = f"START\n{line}\n{line}"
    text = refusal(unscorable, log=log)
    assert "could score none of 6 real answers" in text
    assert text.endswith("and gave its fallback: KeyError (tone.py:7)")


def test_without_references_a_reward_that_scores_no_words_at_all_is_refused():
    assert "whatever the answer says" in refusal(unscorable, [row(0), row(1)])


@pytest.mark.parametrize("score", [0.0, 1.0, 0.3])
def test_one_and_the_same_score_for_everything_is_refused(score):
    text = refusal(lambda batch: scored(batch, lambda _: score))
    assert f"gives {score:g} to every one of 18 answers" in text


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda answers: answers[:-1], "17 answers for 18 samples"),
        (lambda answers: [*answers[:-1], answers[0]], "more often than it was asked"),
        (lambda answers: list(reversed(answers)), "another order"),
        (lambda answers: [{**answers[0], "aggregate_reward_score": True}, *answers[1:]], "expected a number"),
        (lambda answers: [{**answers[0], "aggregate_reward_score": "0.5"}, *answers[1:]], "expected a number"),
        (
            lambda answers: [{**answers[0], "aggregate_reward_score": math.nan}, *answers[1:]],
            "expected a finite number",
        ),
        (lambda answers: {"statusCode": 200, "body": answers}, "expected an array"),
        (lambda answers: [{**answer, "id": 1} for answer in answers], "and 16 more"),
        (lambda answers: None, "expected an array"),
    ],
)
def test_an_answer_that_breaks_the_contract_is_refused(spoil, words):
    text = refusal(lambda batch: spoil(scored(batch)))
    assert "breaks the contract" in text
    assert words in text


def test_a_reward_that_serves_one_shape_only_is_refused():
    def parts_only(batch):
        return scored(batch, lambda sample: float(sample["messages"][-1]["content"][0]["text"] == "lost_card"))

    assert "failed: TypeError" in refusal(parts_only)


def test_a_reward_that_does_not_answer_in_time_is_refused():
    def slow(_):
        raise ReadTimeoutError(endpoint_url="lambda")

    assert "did not answer to 18 samples within 130 seconds" in refusal(slow)


# ---- what is asked


def test_every_row_gets_its_reference_a_wrong_and_an_empty_answer():
    asked = rollouts(ROWS)
    assert [one.kind for one in asked[:3]] == ["reference", "wrong", "empty"]
    assert [one.answer for one in asked[:3]] == ["lost_card", "refund", ""]
    assert all(one.answer != one.row["reference_answer"] for one in asked if one.kind == "wrong")


def test_of_an_object_nobody_knows_how_a_model_says_it_so_nothing_is_sure():
    rows = [row(0, {"solution": "x = 4", "steps": ["2x = 8"]}), row(1, {"solution": "x = 5", "steps": []})]
    said = [one.answer for one in rollouts(rows) if one.kind == "reference"]
    assert "x = 4" in said
    assert json.dumps(rows[0]["reference_answer"]) in said
    found, *_ = run_trial(lambda batch: scored(batch, lambda _: 0.0), rows)
    assert found["undecided"] is True


def test_rows_without_references_are_tried_by_other_answers():
    asked = rollouts([row(0), row(1)])
    assert {one.kind for one in asked} == {"wrong", "empty"}
    found, *_ = run_trial(lambda batch: scored(batch, lambda one: float(len(answer_of(one)))), [row(0), row(1)])
    assert found["mean_scores"]["wrong"] > found["mean_scores"]["empty"]


def test_a_reference_under_metadata_counts_as_one():
    rows = [row(0, metadata={"reference_answer": "lost_card"}), row(1, metadata={"reference_answer": "refund"})]
    assert [one.answer for one in rollouts(rows) if one.kind == "reference"] == ["lost_card", "refund"]


def test_samples_leave_the_rows_as_they_were():
    before = json.dumps(ROWS)
    for shape in SHAPES:
        samples(rollouts(ROWS), shape=shape)
    assert json.dumps(ROWS) == before


def test_a_run_without_rows_says_so():
    with pytest.raises(NoRows):
        read_rows(b"\n")
