import json
from types import SimpleNamespace

import pytest
from fake_aws import refusal

from novaline.findings import NovalineError
from novaline.rehearsal.question import Question, ask, held_out_question


def dataset(tmp_path, rows: int):
    path = tmp_path / "gen_qa.jsonl"
    lines = [json.dumps({"query": f"q{n}", "response": f"r{n}", "system": "Be brief."}) for n in range(rows)]
    path.write_text("\n".join(lines) + "\n\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(("rows", "after", "query"), [(9, 5, "q5"), (5, 5, "q4"), (1, 5, "q0")])
def test_the_question_is_one_that_the_run_did_not_ask_where_there_is_one(tmp_path, rows, after, query):
    assert held_out_question(dataset(tmp_path, rows), after=after).query == query


def test_a_dataset_without_rows_has_no_question(tmp_path):
    with pytest.raises(NovalineError, match="no rows"):
        held_out_question(dataset(tmp_path, 0), after=5)


def converse(answer):
    asked = []

    def call(**request):
        asked.append(request)
        if isinstance(answer, Exception):
            raise answer
        return {"output": {"message": {"role": "assistant", "content": answer}}}

    return SimpleNamespace(converse=call), asked


def test_the_deployment_is_asked_with_the_rows_own_system_prompt():
    runtime, asked = converse([{"text": "book_"}, {"text": "flight"}])
    answer = ask(runtime, "arn:deployment", Question(query="q", expected="r", system="Be brief."))
    assert answer.as_json() == {"query": "q", "expected": "r", "answer": "book_flight"}
    assert asked[0]["modelId"] == "arn:deployment"
    assert asked[0]["system"] == [{"text": "Be brief."}]


@pytest.mark.parametrize("answer", [[], [{"toolUse": {}}], refusal("ResourceNotFoundException", "not active")])
def test_a_deployment_that_does_not_answer_is_a_failure_in_words(answer):
    with pytest.raises(NovalineError):
        ask(converse(answer)[0], "arn:deployment", Question(query="q", expected="r"))
