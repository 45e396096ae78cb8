"""The processor's Lambda: `processor.json` beside the code, and the time that the invocation has left."""

import json
from types import SimpleNamespace

import pytest

from nova_processor.handler import handler, ready_processor
from novaline.rewards.processing.settings import ProcessorSpec
from novaline.rewards.settings import RewardSpec, WrongSpec

EVENT = {"process_type": "postprocess", "data": {"prompt": "2+2?", "inference_output": "4", "gold": "4"}}
SPEC = ProcessorSpec(name="quality", kind="custom_metrics", metrics=(RewardSpec(name="exact", function="exact-match"),))
CONTEXT = SimpleNamespace(get_remaining_time_in_millis=lambda: 3_000)


@pytest.fixture
def asset(tmp_path, monkeypatch):
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(tmp_path))
    ready_processor.cache_clear()
    yield tmp_path
    ready_processor.cache_clear()


def test_the_function_answers_with_what_lies_beside_it(asset, capsys):
    (asset / "processor.json").write_text(SPEC.to_json(), encoding="utf-8")
    answer = handler(EVENT, CONTEXT)
    assert answer == {
        "statusCode": 200,
        "body": [{"metric": "exact", "value": 1.0}, {"metric": "exact_unscorable", "value": 0.0}],
    }
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["Reward"] for line in lines] == ["quality.exact"]


def test_an_event_that_is_none_is_answered_too(asset):
    (asset / "processor.json").write_text(SPEC.to_json(), encoding="utf-8")
    assert handler(None, None)["statusCode"] == 400


def test_own_metrics_are_read_from_the_asset(asset, monkeypatch):
    (asset / "own_metrics.py").write_text("def shout(rollout):\n    return float(rollout.answer.isupper())\n")
    monkeypatch.syspath_prepend(str(asset))
    own = ProcessorSpec(
        name="own", kind="custom_metrics", metrics=(RewardSpec(name="shout", function="own_metrics:shout"),)
    )
    (asset / "processor.json").write_text(own.to_json(), encoding="utf-8")
    event = {**EVENT, "data": {**EVENT["data"], "inference_output": "FOUR"}}
    assert handler(event, CONTEXT)["body"][0] == {"metric": "shout", "value": 1.0}


def test_a_function_whose_declaration_is_wrong_says_so(asset):
    (asset / "processor.json").write_text("{}", encoding="utf-8")
    with pytest.raises(WrongSpec, match=r"processor\.json"):
        handler(EVENT, CONTEXT)
