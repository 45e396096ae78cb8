import json
from dataclasses import dataclass, field

import pytest
from memory_stores import MemoryS3

from nova_verify.handler import verify
from nova_verify.questions import VerificationFailed, pick


@dataclass
class Model:
    """Answers every question with a fixed function of it, and remembers what it was asked."""

    answer: object
    asked: list = field(default_factory=list)

    def converse(self, **request):
        self.asked.append(request)
        text = self.answer(request["messages"][0]["content"][0]["text"])
        return {"output": {"message": {"role": "assistant", "content": [{"text": text}]}}}


def run_verify(answer, *, rows: int = 20, ask: int = 5) -> tuple[dict, Model, MemoryS3]:
    s3, model = MemoryS3(), Model(answer)
    data = [{"query": f"q{n}", "response": f"gold{n}", "system": "Be brief."} for n in range(rows)]
    samples = [
        {"row": n, "prompt": f"user: q{n}", "reference": f"gold{n}", "candidate": f"answer to q{n}"}
        for n in range(rows)
    ]
    samples.reverse()
    s3.put_object(Bucket="data", Key="data/d/gen_qa.jsonl", Body="\n".join(map(json.dumps, data)).encode())
    s3.put_object(Bucket="artifacts", Key="runs/r/samples.jsonl", Body="\n".join(map(json.dumps, samples)).encode())
    event = {"run": "r", "deployment_arn": "arn:d", "data_uri": "s3://data/data/d/gen_qa.jsonl", "rows": ask}
    return verify(event, artifact_bucket="artifacts", s3=s3, runtime=model), model, s3


def test_held_out_rows_spread_over_the_data_are_asked_with_their_system_prompt():
    verification, model, s3 = run_verify(lambda query: f"Answer to {query}.")
    assert [request["messages"][0]["content"][0]["text"] for request in model.asked] == ["q0", "q4", "q8", "q12", "q16"]
    assert model.asked[0]["system"] == [{"text": "Be brief."}]
    assert model.asked[0]["modelId"] == "arn:d"
    assert verification["agreement"] == 1.0
    assert verification["transcript"][1] == {
        "query": "q4",
        "expected": "gold4",
        "evaluated": "answer to q4",
        "answer": "Answer to q4.",
    }
    assert json.loads(s3.objects["artifacts", "runs/r/verification.json"][0]) == verification


def test_fewer_rows_than_asked_for_are_all_asked():
    verification, _, _ = run_verify(lambda query: f"answer to {query}", rows=3)
    assert verification["rows"] == 3


def test_another_model_behind_the_deployment_is_noticed():
    with pytest.raises(VerificationFailed, match=r"only 0 of 5 answers .* is another model behind the deployment"):
        run_verify(lambda query: "I am the base model.")


def test_single_deviations_are_tolerated():
    verification, _, _ = run_verify(lambda query: "something else" if query == "q0" else f"answer to {query}")
    assert verification["agreement"] == 0.8


def test_an_empty_answer_fails_the_verification():
    with pytest.raises(VerificationFailed, match="with nothing"):
        run_verify(lambda query: " ")


def test_a_row_that_was_not_evaluated_is_named():
    with pytest.raises(VerificationFailed, match="none of which asks 'never evaluated'"):
        pick([b'{"query": "never evaluated", "response": "x"}'], [b'{"prompt": "q", "reference": "x"}'], rows=1)
