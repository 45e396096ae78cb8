"""The reward function as Lambda invokes it: scores, logs, metrics, time."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nova_reward.handler import deployed_scorer, handler
from novaline.rewards.contract import NotABatch
from novaline.rewards.kinds import KINDS
from novaline.rewards.settings import FILE_NAME, RewardSpec

EVENTS = Path(__file__).parent / "events"
ROOT = Path(__file__).parents[2]


def event(name):
    return json.loads((EVENTS / name).read_text(encoding="utf-8"))


@pytest.fixture
def deploy(tmp_path, monkeypatch):
    """Puts `reward.json`, and a file of one's own, where Lambda's code lies."""

    def deploy(function="classification", code="", **rest):
        spec = RewardSpec(name="intent", function=function, **rest)
        (tmp_path / FILE_NAME).write_text(spec.to_json(), encoding="utf-8")
        (tmp_path / "tone.py").write_text(code, encoding="utf-8")
        deployed_scorer.cache_clear()

    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(tmp_path))
    yield deploy
    deployed_scorer.cache_clear()


class Context:
    """What Lambda's runtime says of an invocation that is cut off after `seconds`."""

    def __init__(self, seconds):
        self.until = time.monotonic() + seconds

    def get_remaining_time_in_millis(self):
        return int((self.until - time.monotonic()) * 1000)


def rewards(answers):
    return {answer["id"]: answer["aggregate_reward_score"] for answer in answers}


@pytest.mark.parametrize("name", ["training_job.json", "bedrock.json"])
def test_both_shapes_of_the_event_get_the_same_scores(deploy, name):
    deploy()
    assert rewards(handler(event(name), Context(60))) == {"row-1#0": 1.0, "row-1#1": 0.0, "row-2#0": 1.0}


def test_a_poisoned_sample_costs_only_itself(deploy):
    deploy(fallback=-1.0)
    good = event("training_job.json")
    answers = handler([good[0], {"id": "poison"}, good[2]], None)
    assert [answer["aggregate_reward_score"] for answer in answers] == [1.0, -1.0, 1.0]


@pytest.mark.parametrize("wrong", [{}, "text", None, {"samples": []}])
def test_an_event_that_is_no_array_is_an_error(deploy, wrong):
    deploy()
    with pytest.raises(NotABatch):
        handler(wrong, None)


def test_the_log_tells_of_lost_samples_and_of_the_batch_without_a_word_of_the_prompt(deploy, capsys):
    deploy()
    handler([*event("training_job.json"), {"id": "poison", "messages": [{"role": "user", "content": "secret"}]}], None)
    lost, metrics = map(json.loads, capsys.readouterr().out.splitlines())
    assert (lost["id"], lost["reason"]) == ("poison", "no message is the model's")
    assert "secret" not in str(lost)
    (directive,) = metrics["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Novaline/Rewards"
    assert directive["Dimensions"] == [["Reward"]]
    assert {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]} == {
        "Samples": "Count",
        "Unscorable": "Count",
        "Latency": "Milliseconds",
        "Score": "None",
    }
    assert (metrics["Reward"], metrics["Samples"], metrics["Unscorable"]) == ("intent", 4, 1)
    assert metrics["Score"] == [1.0, 0.0, 1.0], "the fallback is no score"
    assert metrics["Latency"] > 0


def test_a_metric_has_at_most_a_hundred_values_a_line(deploy, capsys):
    deploy()
    handler([event("training_job.json")[0]] * 250, None)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [len(line["Score"]) for line in lines] == [100, 100, 50]
    assert [line.get("Samples") for line in lines] == [250, None, None]


def test_a_batch_without_a_score_has_no_values_for_it(deploy, capsys):
    deploy()
    assert handler([], None) == []
    line = json.loads(capsys.readouterr().out)
    assert "Score" not in line
    assert {metric["Name"] for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]} == {
        "Samples", "Unscorable", "Latency",
    }  # fmt: skip


def test_a_function_of_ones_own_scores(deploy):
    deploy(
        "tone.py:score",
        "def score(rollout, *, word):\n    return rollout.answer.count(word)\n",
        options={"word": "card"},
    )
    assert handler(event("training_job.json")[:1], None)[0]["aggregate_reward_score"] == 2.0


def test_a_sample_that_does_not_end_costs_the_batch_a_part_of_its_time(deploy):
    code = "import time\ndef score(rollout):\n    time.sleep(30 if 'lost' in rollout.answer else 0)\n    return 1.0\n"
    deploy("tone.py:score", code, fallback=0.5)
    good, bad, _ = event("training_job.json")
    answers = handler([good, bad, good], Context(0.5))
    assert [answer["aggregate_reward_score"] for answer in answers] == [1.0, 0.5, 1.0]


def test_a_function_that_was_not_declared_rightly_says_so(deploy):
    deploy("tone.py:score", "def skore(rollout):\n    return 1.0\n")
    with pytest.raises(ValueError, match="skore"):
        handler([], None)


RULES = [kind for kind in KINDS.values() if not kind.calls_model]
LOADED = """
import sys
sys.path[:0] = [{root!r}, {function!r}]
import nova_reward.handler
{imports}
print(*sorted({{name.partition(".")[0] for name in sys.modules}}))
"""


def test_rule_rewards_import_the_standard_library_and_nothing_else():
    imports = "\n".join(f"import novaline.rewards.library.{kind.module}" for kind in RULES)
    code = LOADED.format(root=str(ROOT), function=str(ROOT / "lambda" / "reward"), imports=imports)
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    others = set(done.stdout.split()) - set(sys.stdlib_module_names) - {"__main__"}
    assert others == {"novaline", "nova_reward"}
