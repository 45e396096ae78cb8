"""Who may judge, and what the permission to ask names."""

import pytest

from novaline.rewards.judging.models import UnknownModel, judge_models, model_arns

ACCOUNT = "111111111111"
HERE = {"region": "us-east-1", "account": ACCOUNT}
NOVA = "arn:aws:bedrock:%s::foundation-model/amazon.nova-pro-v1:0"
PROFILE = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:inference-profile/us.amazon.nova-pro-v1:0"
ROUTED = (PROFILE, NOVA % "us-east-1", NOVA % "us-east-2", NOVA % "us-west-2")


@pytest.mark.parametrize(
    ("model", "arns"),
    {
        "amazon.nova-pro-v1:0": (NOVA % "us-east-1",),
        NOVA % "us-east-1": (NOVA % "us-east-1",),
        "us.amazon.nova-pro-v1:0": ROUTED,
        PROFILE: ROUTED,
        "anthropic.claude-3-haiku-20240307-v1:0": (
            "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0",
        ),
    }.items(),
)
def test_a_model_needs_itself_and_a_profile_its_model_in_each_region_too(model, arns):
    assert model_arns(model, **HERE) == arns


@pytest.mark.parametrize(
    ("model", "words"),
    {
        "": "is no model",
        "nova-pro": "is no model",
        "*": "is no model",
        "amazon.*": "is no model",
        "eu.amazon.nova-pro-v1:0": "area eu",
        "global.amazon.nova-2-lite-v1:0": "area global",
        f"arn:aws:bedrock:us-east-1:{ACCOUNT}:application-inference-profile/abcd1234": "application-inference-profile",
        f"arn:aws:bedrock:us-east-1:{ACCOUNT}:custom-model-deployment/abcdefghijkl": "custom-model-deployment",
        PROFILE.replace("us-east-1", "us-west-2"): "is not of",
        PROFILE.replace(ACCOUNT, "2" * 12): "is not of",
        NOVA % "us-west-2": "is not of",
    }.items(),
)
def test_what_cannot_judge_is_refused_in_words(model, words):
    with pytest.raises(UnknownModel, match=words):
        model_arns(model, **HERE)


def test_the_judges_of_a_composition_are_found_in_any_depth_and_rules_ask_none():
    judge = {"function": "judge", "options": {"model": "us.amazon.nova-pro-v1:0", "rubric": "r"}, "weight": 1}
    inner = {"function": "weighted", "options": {"rewards": {"tone": judge, "label": {"function": "exact-match"}}}}
    assert judge_models("weighted", {"rewards": {"inner": inner, "again": judge}}) == ("us.amazon.nova-pro-v1:0",)
    assert judge_models("judge", judge["options"]) == ("us.amazon.nova-pro-v1:0",)
    assert judge_models("classification", {"labels": ["judge"]}) == ()
