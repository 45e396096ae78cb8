"""Rewards and processors in an environment file: what is taken, and what is refused where."""

import sys
from pathlib import Path

import pytest

from novaline.environments import load_environment
from novaline.environments.deployable import deployed_processor, deployed_reward, own_sources
from novaline.findings import NovalineError
from novaline.rewards import Rollout
from novaline.rewards.processing.settings import ProcessorSpec
from novaline.rewards.settings import RewardSpec, load

BASE = """\
name: dev
account: "111111111111"
region: us-east-1
retain: false
termination_protection: false
log_retention_days: 30
noncurrent_days: 30
budget_usd_per_run: 2500
"""
OWN = """\
from novaline.rewards import Rollout

def score(rollout: Rollout, *, least: int = 1) -> float:
    return float(len(rollout.answer) >= least)
"""
PINS = f"jinja2==3.1.6 --hash=sha256:{'a' * 64}\n"
FIRST = len(BASE.splitlines()) + 1


@pytest.fixture
def project(tmp_path) -> Path:
    for place, text in {"rewards/tone.py": OWN, "rewards/requirements.txt": PINS}.items():
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def write(project: Path, addition: str) -> Path:
    path = project / "environments" / "dev.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(BASE + addition, encoding="utf-8")
    return path


def findings_of(project: Path, addition: str):
    path = write(project, addition)
    with pytest.raises(NovalineError) as caught:
        load_environment(path)
    return caught.value.findings


def test_a_reward_of_the_library_has_its_options_and_defaults(project):
    text = "rewards:\n  intent: {function: classification, options: {labels: [A, B]}, fallback: -1}\n"
    intent = load_environment(write(project, text)).rewards["intent"]
    assert (intent.timeout_seconds, intent.memory_mb, intent.concurrency) == (60, 512, None)
    assert intent.spec("intent") == RewardSpec(
        name="intent", function="classification", options={"labels": ["A", "B"]}, fallback=-1.0
    )


def test_a_function_of_ones_own_is_seen_from_the_folder_that_holds_environments(project, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])  # loading puts the file's folder there
    text = "rewards:\n  tone: {function: 'rewards/tone.py:score', options: {least: 3}, log_prompts: true}\n"
    environment = load_environment(write(project, text))
    assert environment.root == project
    spec = environment.rewards["tone"].spec("tone")
    assert load(spec, root=environment.root).reward(Rollout(answer="four")).reward == 1.0
    assert spec.log_prompts


def test_what_is_deployed_is_the_declaration_and_the_file_as_a_module_of_the_asset(project):
    text = "rewards:\n  tone: {function: 'rewards/tone.py:score', options: {least: 3}}\n"
    found = deployed_reward(load_environment(write(project, text)), "tone")
    assert set(found.files) == {"tone.py", "reward.json"}
    assert RewardSpec.from_json(found.files["reward.json"]).function == "tone:score"
    assert (found.pins, found.models) == (None, {})


def test_a_processor_is_made_of_the_same_rewards(project):
    text = """\
processors:
  quality:
    metrics:
      same: {function: exact-match}
      tone: {function: "rewards/tone.py:score", fallback: 0.5}
    prompt: "Question: {prompt}"
    requirements: rewards/requirements.txt
    log_retention_days: 7
"""
    environment = load_environment(write(project, text))
    found = deployed_processor(environment, "quality")
    assert set(found.files) == {"tone.py", "processor.json"}
    spec = ProcessorSpec.from_json(found.files["processor.json"])
    assert spec.kind == "custom_metrics"
    assert [(metric.name, metric.function, metric.fallback) for metric in spec.metrics] == [
        ("same", "exact-match", 0.0),
        ("tone", "tone:score", 0.5),
    ]
    assert found.pins is not None
    assert environment.processors["quality"].log_retention_days == 7


def test_a_judge_may_ask_exactly_its_model(project):
    options = "{model: 'us.amazon.nova-pro-v1:0', rubric: helpful}"
    judged = f"helpful: {{function: judge, options: {options}}}"
    nested = f"both: {{function: weighted, options: {{parts: {{h: {{function: judge, options: {options}}}}}}}}}"
    environment = load_environment(write(project, f"rewards:\n  {judged}\n  {nested}\n"))
    for name in ("helpful", "both"):
        profile = "arn:aws:bedrock:us-east-1:111111111111:inference-profile/us.amazon.nova-pro-v1:0"
        assert deployed_reward(environment, name).models == {
            profile: tuple(
                f"arn:aws:bedrock:{region}::foundation-model/amazon.nova-pro-v1:0"
                for region in ("us-east-1", "us-east-2", "us-west-2")
            )
        }


def test_a_model_that_cannot_be_asked_from_the_environments_region_is_refused(project):
    text = BASE.replace("us-east-1", "ap-northeast-1")
    path = write(project, "rewards:\n  r: {function: judge, options: {model: 'us.amazon.nova-pro-v1:0', rubric: x}}\n")
    path.write_text(path.read_text(encoding="utf-8").replace(BASE, text), encoding="utf-8")
    with pytest.raises(NovalineError, match="cannot be asked from ap-northeast-1") as caught:
        load_environment(path)
    assert caught.value.findings[0].code == "unknown-model"


def test_the_old_key_is_refused_with_what_to_write_now(project):
    (finding,) = findings_of(project, "rewards:\n  intent:\n    scoring: classification\n")
    assert (finding.code, finding.line, finding.column) == ("replaced-key", FIRST + 2, 5)
    assert finding.hint == "write `function: classification`"


@pytest.mark.parametrize(
    ("reward", "about", "hint"),
    [
        ("{function: clasification}", "the library has no reward 'clasification'", "did you mean 'classification'?"),
        ("{function: nonsense}", "the library has no reward 'nonsense'", "rewards/tone.py:score"),
        ("{function: classification, options: {label: [A]}}", "rewards.r.options.label is no option", "labels"),
        ("{function: classification, options: {labels: A}}", "rewards.r.options.labels is 'A', expected a list", None),
        ("{function: classification, options: {labels: [A, 5]}}", "rewards.r.options.labels[1] is 5", None),
        ("{function: length}", "rewards.r.options.most is missing", "a whole number"),
        ("{function: judge, options: {model: 'us.amazon.nova-pro-v1:0'}}", "options.rubric is missing", None),
        ("{function: judge, options: {model: 'no model', rubric: x}}", "is no model", None),
        ("{function: 'rewards/tune.py:score'}", "there is no file rewards/tune.py", "did you mean rewards/tone.py?"),
        ("{function: 'rewards/tone:score'}", "is no file and function", "rewards/tone.py:score"),
        ("{function: 'rewards/tone.py:score', options: {leest: 3}}", "takes no option 'leest'", "did you mean least?"),
        ("{function: classification, requirements: rewards/requirements.txt}", "have no meaning here", "remove it"),
        ("{function: 'rewards/tone.py:score', requirements: pins.txt}", "there is no file pins.txt", "looked for"),
        ("{function: 'rewards/tone.py:score', requirements: ../pins.txt}", "lies outside the folder", None),
        ("{function: classification, concurrency: 0}", "greater than or equal to 1", "reserved"),
        ("{function: classification, fallback: .nan}", "finite number", "cannot be scored"),
        ("{function: classification, log_retention_days: 31}", "it must be 1, 3, 5", "as the environment says"),
        ("{function: 5}", "rewards.r.function is 5: it must be text", None),
        ("{function: classification, options: [1]}", "rewards.r.options is [1]: it must be a mapping", None),
        ("5", "rewards.r is 5", None),
    ],
)
def test_a_wrong_reward_is_refused_at_its_line(project, reward, about, hint):
    (finding,) = findings_of(project, f"rewards:\n  r: {reward}\n")
    assert about in finding.message
    assert finding.line == FIRST + 1
    assert finding.column is not None
    assert hint is None or hint in finding.hint


def test_a_wrong_option_is_found_where_it_is_written(project):
    text = "rewards:\n  r:\n    function: classification\n    options:\n      labels:\n        - A\n        - 5\n"
    (finding,) = findings_of(project, text)
    assert (finding.line, finding.column, finding.excerpt) == (FIRST + 6, 11, "        - 5")


@pytest.mark.parametrize(
    ("processor", "about"),
    [
        ("{metrics: {}}", "processors.p.metrics is {}"),
        ("{metrics: {Exact: {function: exact-match}}}", "the name is 'Exact'"),
        ("{metrics: {same: {function: exact-matches}}}", "the library has no reward 'exact-matches'"),
        ("{metrics: {same: {function: exact-match, option: {}}}}", "unknown key 'option'"),
        ("{kind: rtf, metrics: {same: {function: exact-match}}}", "it must be 'custom_metrics' or 'rft'"),
        ("{metrics: {exact_match: {function: exact-match}}}", "gen_qa computes a metric of that name itself"),
        ("{metrics: {same: {function: exact-match}}, prompt: no place}", "processors.p.prompt holds {prompt} 0 times"),
        ("{metrics: {same: {function: exact-match}}, timeout: 5}", "unknown key 'timeout'"),
        ("{kind: rft, metrics: {a: {function: exact-match}, b: {function: token-f1}}}", "aggregate is missing"),
    ],
)
def test_a_wrong_processor_is_refused_at_its_line(project, processor, about):
    (finding,) = findings_of(project, f"processors:\n  p: {processor}\n")
    assert about in finding.message
    assert finding.line == FIRST + 1


def test_a_mistake_in_the_function_is_found_in_its_own_file(project):
    (project / "rewards" / "tone.py").write_text(OWN.replace("-> float", "-> str"), encoding="utf-8")
    (finding,) = findings_of(project, "rewards:\n  tone: {function: 'rewards/tone.py:score'}\n")
    assert (finding.file, finding.line, finding.column) == (str(project / "rewards" / "tone.py"), 3, 51)


def test_an_import_needs_requirements_and_these_need_pins(project):
    (project / "rewards" / "tone.py").write_text("import jinja2\n" + OWN, encoding="utf-8")
    (finding,) = findings_of(project, "rewards:\n  tone: {function: 'rewards/tone.py:score'}\n")
    assert (finding.code, finding.line) == ("own-import", 1)
    text = "rewards:\n  tone: {function: 'rewards/tone.py:score', requirements: rewards/requirements.txt}\n"
    assert deployed_reward(load_environment(write(project, text)), "tone").pins is not None
    (project / "rewards" / "requirements.txt").write_text("jinja2==3.1.6\n", encoding="utf-8")
    (finding,) = findings_of(project, text)
    assert "without a digest" in finding.message


def test_mistakes_of_keys_options_and_files_are_reported_together_in_the_order_of_the_lines(project):
    text = """\
rewards:
  a: {function: classification, options: {label: [A]}}
  b: {function: classification, timeout_second: 5}
  c: {function: "rewards/none.py:score"}
colour: red
"""
    findings = findings_of(project, text)
    assert [(finding.code, finding.line - FIRST) for finding in findings] == [
        ("wrong-option", 1),
        ("unknown-key", 2),
        ("own-function", 3),
        ("unknown-key", 4),
    ]


def test_a_reward_named_like_a_processors_function_is_refused(project):
    (finding,) = findings_of(project, "rewards:\n  quality-processor: {function: exact-match}\n")
    assert "ends in -processor" in finding.message


def test_two_functions_of_a_processor_cannot_bring_different_files_of_one_name(project):
    (project / "other").mkdir()
    (project / "other" / "tone.py").write_text(OWN + "# another\n", encoding="utf-8")
    text = "processors:\n  p:\n    metrics:\n"
    text += "      a: {function: 'rewards/tone.py:score'}\n      b: {function: 'other/tone.py:score'}\n"
    (finding,) = findings_of(project, text)
    assert "different files named tone.py" in finding.message


def test_a_change_of_an_own_file_or_of_its_pins_changes_what_the_template_depends_on(project):
    text = "rewards:\n  tone: {function: 'rewards/tone.py:score', requirements: rewards/requirements.txt}\n"
    environment = load_environment(write(project, text))
    seen = {tuple(own_sources(environment))}
    (project / "rewards" / "tone.py").write_text(OWN + "# more\n", encoding="utf-8")
    seen.add(tuple(own_sources(environment)))
    (project / "rewards" / "requirements.txt").write_text(PINS.replace("3.1.6", "3.1.7"), encoding="utf-8")
    seen.add(tuple(own_sources(environment)))
    assert len(seen) == 3
