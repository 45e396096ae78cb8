"""What a judge's role may ask, as the stacks grant it: all that Converse needs, and nothing without each part."""

import os

import pytest
from botocore.exceptions import ClientError

from novaline.rewards.judging.models import model_arns
from novaline.toolchain import node_path
from tests.rehearsal.account import ACCOUNT

os.environ.setdefault("JSII_NODE", str(node_path()))

from nova_constructs.scoring_function import asking

PROFILE = "us.amazon.nova-pro-v1:0"
MODEL = "amazon.nova-pro-v1:0"
OTHERS = ("us.amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0")


def granted(model: str) -> list[dict]:
    first, *behind = model_arns(model, region="us-east-1", account=ACCOUNT)
    return [statement.to_statement_json() for statement in asking({first: behind})]


def ask(aws, statements: list[dict], model: str) -> str:
    client = aws.as_role("bedrock-runtime", *statements)
    answer = client.converse(modelId=model, messages=[{"role": "user", "content": [{"text": "Hello?"}]}])
    return answer["output"]["message"]["content"][0]["text"]


@pytest.mark.parametrize("model", [PROFILE, MODEL])
def test_a_judge_may_ask_the_model_that_it_names(aws, model):
    assert ask(aws, granted(model), model)


@pytest.mark.parametrize("model", OTHERS)
def test_it_may_ask_no_other(aws, model):
    with pytest.raises(ClientError, match="not authorized to perform: bedrock:InvokeModel"):
        ask(aws, granted(PROFILE), model)


def test_behind_a_profile_the_model_cannot_be_asked_by_itself(aws):
    with pytest.raises(ClientError, match="not authorized to perform: bedrock:InvokeModel"):
        ask(aws, granted(PROFILE), MODEL)


@pytest.mark.parametrize("missing", ["AskJudge", "AskJudgeThroughProfile"])
def test_without_either_statement_the_profile_cannot_be_asked(aws, missing):
    left = [statement for statement in granted(PROFILE) if statement["Sid"] != missing]
    assert len(left) == 1
    with pytest.raises(ClientError, match="not authorized to perform: bedrock:InvokeModel"):
        ask(aws, left, PROFILE)
