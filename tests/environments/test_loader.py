"""What the loader says about environment files that are wrong."""

from pathlib import Path

import pytest

from novaline.environments import load_environment, load_environments
from novaline.findings import NovalineError, UsageProblem

GOOD = """\
name: dev
account: "111111111111"
region: us-east-1
retain: false
termination_protection: false
log_retention_days: 30
noncurrent_days: 30
budget_usd_per_run: 2500
"""


def write(folder: Path, text: str, name: str = "dev") -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def findings_of(path: Path):
    with pytest.raises(NovalineError) as caught:
        load_environment(path)
    return caught.value.findings


def test_a_good_file_is_read_with_its_defaults(tmp_path):
    environment = load_environment(write(tmp_path, GOOD))
    assert environment.account == "111111111111"
    assert environment.budget_usd_per_run == 2500.0
    assert environment.notifications == ()
    assert environment.rewards == {}
    assert environment.processors == {}
    assert environment.owns_training_logs is True


def test_an_environment_cannot_be_changed_after_it_was_read(tmp_path):
    environment = load_environment(write(tmp_path, GOOD))
    with pytest.raises(ValueError, match="frozen"):
        environment.retain = True


def test_an_unknown_key_is_refused_with_the_nearest_known_one(tmp_path):
    (finding,) = findings_of(write(tmp_path, GOOD + "retian: true\n"))
    assert (finding.code, finding.line, finding.column) == ("unknown-key", 9, 1)
    assert finding.hint == "did you mean 'retain'?"


def test_an_unknown_key_of_a_reward_is_compared_with_the_keys_of_rewards(tmp_path):
    text = GOOD + "rewards:\n  intents:\n    function: classification\n    timeout_second: 5\n"
    (finding,) = findings_of(write(tmp_path, text))
    assert (finding.line, finding.hint) == (12, "did you mean 'timeout_seconds'?")


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("123456789012", 'an account id is text, and may begin with a zero: write account: "123456789012"'),
        ("012345678901", None),  # YAML 1.2 keeps the zero: this is text already, and right
        ('"1234"', 'write it like account: "111111111111"'),
        ("true", 'write it like account: "111111111111"'),
    ],
)
def test_an_account_is_twelve_digits_of_text(tmp_path, written, hint):
    path = write(tmp_path, GOOD.replace('"111111111111"', written))
    if hint is None:
        assert load_environment(path).account == written
        return
    (finding,) = findings_of(path)
    assert (finding.code, finding.line, finding.hint) == ("account-id", 2, hint)


def test_a_missing_key_says_what_belongs_there(tmp_path):
    (finding,) = findings_of(write(tmp_path, GOOD.replace("region: us-east-1\n", "")))
    assert finding.message == "the key 'region' is missing"
    assert finding.hint == "The AWS region."


@pytest.mark.parametrize(
    ("line", "wrong", "about"),
    [
        ("region: us-east-1", "region: eu-west-1", "'us-east-1', 'us-west-2' or 'ap-northeast-1'"),
        ("retain: false", "retain: off", "must be true or false"),
        ("log_retention_days: 30", "log_retention_days: 31", "must be 1, 3, 5"),
        ("noncurrent_days: 30", "noncurrent_days: 0", "greater than or equal to 1"),
        ("budget_usd_per_run: 2500", "budget_usd_per_run: 0", "greater than 0"),
        ("budget_usd_per_run: 2500", "budget_usd_per_run: .inf", "finite"),
        ("budget_usd_per_run: 2500", "budget_usd_per_run: '2500'", "must be a number"),
    ],
)
def test_a_wrong_value_is_refused_at_its_line(tmp_path, line, wrong, about):
    (finding,) = findings_of(write(tmp_path, GOOD.replace(line, wrong)))
    assert finding.code == "wrong-value"
    assert about in finding.message
    assert finding.excerpt == wrong


@pytest.mark.parametrize(
    ("addition", "about"),
    [
        ("notifications: [somebody]\n", "notifications.0 is 'somebody'"),
        ("rewards: {Intent: {function: classification}}\n", "the name is 'Intent'"),
        ("rewards: {intents: {function: magic}}\n", "the library has no reward 'magic'"),
        ("images: {'nova-fine-tune-repo:SM-TJ-SFT-latest': sha256:12}\n", "64 lower-case hexadecimal digits"),
        (f"images: {{nova-fine-tune-repo: 'sha256:{0:064}'}}\n", "repository:tag"),
        ("tags: {'aws:owner': me}\n", "begins with 'aws:'"),
        ("tags: {owner: 5}\n", "tags.owner is 5"),
    ],
)
def test_wrong_parts_of_lists_and_mappings_are_named(tmp_path, addition, about):
    (finding,) = findings_of(write(tmp_path, GOOD + addition))
    assert about in finding.message


def test_a_reward_name_that_makes_the_function_name_too_long_is_refused(tmp_path):
    name = "a" * 16
    reward = "b" * 30
    text = GOOD.replace("name: dev", f"name: {name}") + f"rewards: {{{reward}: {{function: classification}}}}\n"
    (finding,) = findings_of(write(tmp_path, text, name))
    assert "has 30 characters, 28 fit here" in finding.message


def test_every_mistake_of_a_file_is_reported_at_once_in_the_order_of_the_lines(tmp_path):
    text = GOOD.replace('"111111111111"', "111111111111").replace("30", "31", 1) + "colour: red\n"
    findings = findings_of(write(tmp_path, text))
    assert [(finding.code, finding.line) for finding in findings] == [
        ("account-id", 2),
        ("wrong-value", 6),
        ("unknown-key", 9),
    ]


def test_a_name_that_is_not_the_file_name_is_refused(tmp_path):
    (finding,) = findings_of(write(tmp_path, GOOD, "development"))
    assert (finding.code, finding.line) == ("name-mismatch", 1)


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just text\n"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path, text):
    (finding,) = findings_of(write(tmp_path, text))
    assert finding.code == "not-a-mapping"


def test_broken_yaml_is_refused_with_its_place(tmp_path):
    (finding,) = findings_of(write(tmp_path, "name: [dev\n"))
    assert finding.code == "yaml-syntax"
    assert finding.line is not None


def test_a_missing_file_is_a_usage_problem(tmp_path):
    with pytest.raises(UsageProblem, match="there is no file"):
        load_environment(tmp_path / "nowhere.yaml")


def test_a_folder_without_files_is_a_usage_problem(tmp_path):
    with pytest.raises(UsageProblem, match="no environment file"):
        load_environments(tmp_path)


def test_the_mistakes_of_all_files_are_reported_together(tmp_path):
    write(tmp_path, GOOD + "colour: red\n", "dev")
    write(tmp_path, GOOD.replace("dev", "staging").replace("30", "31", 1), "staging")
    with pytest.raises(NovalineError) as caught:
        load_environments(tmp_path)
    assert [Path(finding.file).name for finding in caught.value.findings] == ["dev.yaml", "staging.yaml"]


def test_environments_come_sorted_by_name(tmp_path):
    for name in ("zeta", "alpha"):
        write(tmp_path, GOOD.replace("dev", name), name)
    assert [environment.name for environment in load_environments(tmp_path)] == ["alpha", "zeta"]
