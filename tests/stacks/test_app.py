"""The app: what it prints when a file is wrong, that its templates are its commit's, that every rule is kept."""

import filecmp
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import aws_cdk as cdk
import constructs
import pytest
from cdk_nag import AwsSolutionsChecks
from synthesized import ROOT, STACKS, context, synthesize_app

from nova_constructs import statements
from stacks.stage import attach_rule_packs, build_app, synthesize


def run_app(root: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "app.py"],
        cwd=root,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def copy_of_the_app(tmp_path):
    for name in ("app.py", "cdk.json"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "environments", tmp_path / "environments")
    return tmp_path


def test_every_rule_pack_accepts_every_environment(tmp_path):
    synthesize_app(tmp_path, **{"rule-packs": True})
    assert violations(tmp_path) == set()


def violations(folder: Path) -> set[str]:
    """The ids of the rules that the last synthesis into `folder` violated."""
    report = json.loads((folder / "validation-report.json").read_text(encoding="utf-8"))
    return {violation["ruleName"] for plugin in report["pluginReports"] for violation in plugin["violations"]}


def test_a_violated_rule_fails_the_synthesis(tmp_path):
    app = build_app([], context=context(), outdir=tmp_path)
    attach_rule_packs(app)
    stack = cdk.Stack(app, "Careless")
    cdk.aws_s3.Bucket(stack, "Bucket")
    assert synthesize(app) is False
    assert "AwsSolutions-S1" in violations(tmp_path)


def test_rule_packs_are_asked_for_by_a_flag_of_the_command_line(tmp_path):
    app = build_app([], context={**context(), "rule-packs": "true"}, outdir=tmp_path)
    cdk.aws_s3.Bucket(cdk.Stack(app, "Careless"), "Bucket")
    assert synthesize(app) is False


def test_a_reason_for_an_open_resource_silences_that_resource_only(tmp_path):
    app = cdk.App(outdir=str(tmp_path))
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    stack = cdk.Stack(app, "Test")
    role = cdk.aws_iam.Role(stack, "Role", assumed_by=cdk.aws_iam.ServicePrincipal("lambda.amazonaws.com"))
    statements.grant(
        role,
        statements.allow("Reasoned", ["s3:GetObject"], ["arn:aws:s3:::a/*"], open_because="because"),
        statements.allow("Bare", ["s3:GetObject"], ["arn:aws:s3:::b/*"]),
    )
    assert synthesize(app) is False
    assert violations(tmp_path) == {"AwsSolutions-IAM5[Resource::arn:aws:s3:::b/*]"}


def test_the_program_and_the_tests_synthesize_the_same_templates(assembly, tmp_path):
    done = run_app(ROOT, CDK_OUTDIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.glob("assembly-*/*.template.json"))
    assert len(made) == len(STACKS) * len(assembly.environments)
    same, different, missing = filecmp.cmpfiles(tmp_path, assembly.folder, [str(path) for path in made], shallow=False)
    assert (different, missing) == ([], [])
    assert len(same) == len(made)
    assert {path.name for path in tmp_path.glob("asset.*")} == {path.name for path in assembly.folder.glob("asset.*")}


def test_a_wrong_environment_file_is_explained_without_a_traceback(copy_of_the_app):
    dev = copy_of_the_app / "environments" / "dev.yaml"
    text = dev.read_text(encoding="utf-8")
    dev.write_text(text.replace('"111111111111"', "111111111111") + "colour: red\n", encoding="utf-8")
    done = run_app(copy_of_the_app, CDK_OUTDIR=str(copy_of_the_app / "out"))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "environments/dev.yaml:4:10: account is 111111111111, not twelve digits in quotes" in done.stderr
    assert 'write account: "111111111111"' in done.stderr
    assert "unknown key 'colour'" in done.stderr
    assert not (copy_of_the_app / "out").exists()


def test_the_app_is_short_enough_to_be_read_at_a_glance():
    assert len((ROOT / "app.py").read_text(encoding="utf-8").splitlines()) < 40


def test_the_folder_named_constructs_does_not_shadow_the_package():
    assert not Path(constructs.__file__).is_relative_to(ROOT / "constructs")
    assert "site-packages" in Path(constructs.__file__).parts


@pytest.mark.parametrize(
    "root", ["constructs", "lambda", *(f"lambda/{path.name}" for path in (ROOT / "lambda").iterdir())]
)
def test_source_roots_hold_packages_and_are_none(root):
    assert not (ROOT / root / "__init__.py").exists()


def test_every_source_root_holds_uniquely_named_packages():
    packages = [path.parent.name for path in (ROOT / "constructs").glob("*/__init__.py")]
    packages += [path.parent.name for path in (ROOT / "lambda").glob("*/*/__init__.py")]
    assert len(packages) > 2
    assert len(set(packages)) == len(packages)
    assert all(package.startswith("nova_") for package in packages)


def test_the_flags_are_those_that_the_cdk_recommends_but_for_the_decided_ones():
    decided = {
        "@aws-cdk/core:defaultCrossStackReferences",  # exports: nothing that is still used can be deleted
        "@aws-cdk/core:enableAdditionalMetadataCollection",  # no analytics
        "@aws-cdk/core:target-partitions",  # Nova is customized in the standard partition only
        "cli-telemetry",
    }
    flags = context()
    assert decided <= set(flags)
    off = {key for key, value in flags.items() if value is False} - decided
    assert off == {
        "@aws-cdk/aws-lambda:createNewPoliciesWithAddToRolePolicy",
        "@aws-cdk/aws-s3:keepNotificationInImportedBucket",
        "@aws-cdk/custom-resources:logApiResponseDataPropertyTrueDefault",
        "@aws-cdk/customresources:installLatestAwsSdkDefault",
    }
