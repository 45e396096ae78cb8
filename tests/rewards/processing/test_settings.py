"""A processor as it is declared."""

import json

import pytest

from novaline.rewards.processing.settings import ProcessorSpec, deployed_processor
from novaline.rewards.settings import RewardSpec, WrongSpec

EXACT = RewardSpec(name="exact", function="exact-match", fallback=0.5)
F1 = RewardSpec(name="f1", function="token-f1")


def spec(**changes):
    return ProcessorSpec(**{"name": "quality", "kind": "custom_metrics", "metrics": (EXACT, F1), **changes})


@pytest.mark.parametrize(
    "declared",
    [spec(), spec(kind="rft", aggregate="f1"), spec(system="", prompt="Q: {prompt}"), spec(kind="rft", metrics=(F1,))],
)
def test_what_is_declared_is_what_is_deployed(declared, tmp_path, monkeypatch):
    assert declared.problems() == []
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(tmp_path))
    (tmp_path / "processor.json").write_text(declared.to_json(), encoding="utf-8")
    assert deployed_processor() == declared


def test_preprocessing_is_asked_for_when_it_would_change_something():
    assert not spec().preprocesses
    assert spec(system="").preprocesses
    assert spec(prompt="{prompt}!").preprocesses


def test_the_reward_of_a_batch_is_the_only_metric_or_the_one_named():
    assert spec(metrics=(F1,)).reward_metric == "f1"
    assert spec(aggregate="exact").reward_metric == "exact"
    assert spec().reward_metric is None


def named(name):
    return (RewardSpec(name=name, function="exact-match"),)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "rtf"}, "kind: is 'rtf', expected custom_metrics or rft"),
        ({"metrics": ()}, "metrics: there are none"),
        ({"metrics": (EXACT, EXACT)}, "metrics.exact: is declared more than once"),
        ({"metrics": named("Exact-Match")}, "metrics.Exact-Match: a metric's name has lower-case letters"),
        ({"metrics": named("exact_match")}, "metrics.exact_match: gen_qa computes a metric of that name itself"),
        ({"metrics": named("a_unscorable")}, "metrics.a_unscorable: _unscorable ends the names"),
        ({"metrics": named("x" * 49)}, "at most 48"),
        ({"aggregate": "accuracy"}, "aggregate: is 'accuracy', expected one of exact, f1"),
        ({"kind": "rft"}, "aggregate: is missing: which of exact, f1"),
        ({"prompt": "no place"}, "prompt: holds {prompt} 0 times, expected once"),
        ({"prompt": "{prompt}{prompt}"}, "prompt: holds {prompt} 2 times"),
    ],
)
def test_what_is_wrong_is_said_where_it_is(changes, words):
    (problem,) = spec(**changes).problems()
    assert words in problem
    with pytest.raises(WrongSpec, match=r"processor\.json: ") as refusal:
        ProcessorSpec.from_json(spec(**changes).to_json())
    assert words in str(refusal.value)


def changed(**members):
    return json.dumps({**json.loads(spec().to_json()), **members})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "holds list, expected an object"),
        ("{}", "metrics is NoneType, expected an array"),
        (changed(name=None), "name: is missing"),
        (changed(name=5), "name is int, expected text"),
        (changed(kind=None), "kind: is None"),
        (changed(metrics={"exact": {}}), "metrics is dict, expected an array"),
        (changed(metrics=[5]), "holds an object, not int"),
        (changed(postprocess=True), "unknown names: postprocess"),
    ],
)
def test_a_file_that_is_none_is_refused_in_words(text, words):
    with pytest.raises(WrongSpec, match=words):
        ProcessorSpec.from_json(text)
