"""A plan marks every parameter that is a sample: what only a deployment, or the run itself, gives."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from stage_kinds import DEV, KINDS, write_kind

from novaline.customization.checks import check_file
from novaline.customization.compile import compile_run
from novaline.environments import load_environment
from novaline.requests.conformance import check_request
from novaline.requests.planned import notes, planned_requests
from novaline.requests.resources import Resources

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = Resources.placeholder(DEV)


@pytest.fixture(scope="module")
def planned():
    """Requests by state, planned offline and for a deployed environment."""
    environment = load_environment(ROOT / "environments" / "dev.yaml")
    checked = check_file(ROOT / "examples" / "support-intents" / "customization.yaml", environment=environment)
    samples = Resources.placeholder(environment)
    found = []
    for resources in (samples, replace(samples, deployed=True)):
        compiled = compile_run(checked, environment=environment, resources=resources, run="the-run", created="now")
        found.append({request.state: request for request in planned_requests(compiled.claim, resources)})
    return found


def claim_of(path):
    checked = check_file(path, environment=DEV)
    return compile_run(checked, environment=DEV, resources=SAMPLES, run="the-run", created="now").claim


def of_kind(folder, kind):
    return planned_requests(claim_of(write_kind(folder, kind)), SAMPLES)


def states(requests):
    return [request.state for request in requests]


def test_every_request_conforms_to_the_model_of_its_service(planned):
    for request in planned[0].values():
        assert check_request(request.service, request.action, request.parameters) == (), request.state


def test_an_offline_plan_marks_every_name_that_a_deployment_gives(planned):
    marked = planned[0]["Train"].at_run
    assert marked["RoleArn"] == "with the environment's training role"
    assert marked["OutputDataConfig.KmsKeyId"] == "with the environment's key"
    assert marked["OutputDataConfig.S3OutputPath"] == "with the environment's artifact bucket and the run's id"
    assert planned[0]["Import model"].at_run["roleArn"] == "with the environment's import role"


@pytest.mark.parametrize("kind", KINDS)
def test_no_sample_is_left_unmarked(tmp_path, kind):
    assert len(SAMPLES.samples) == 9
    for request in of_kind(tmp_path, kind):
        unmarked = {
            name: value
            for name, value in request.parameters.items()
            if not any(path.startswith(name) for path in request.at_run)
        }
        assert not any(sample in json.dumps(unmarked) for sample in SAMPLES.samples), request.state


def test_a_plan_for_a_deployed_environment_marks_only_what_the_run_gives(planned):
    assert set(planned[1]["Train"].at_run) == {"TrainingJobName"}
    assert set(planned[1]["Evaluate candidate"].at_run) == {"TrainingJobName", "HyperParameters.base_model_location"}


def test_each_request_says_for_which_stage_or_evaluation_it_is(tmp_path):
    jobs = [(request.state, request.job) for request in of_kind(tmp_path, "sft, then rft") if request.job]
    assert jobs == [
        ("Train", "first"),
        ("Train", "second"),
        ("Evaluate base", "holdout"),
        ("Evaluate base", "judged"),
        ("Evaluate candidate", "holdout"),
        ("Evaluate candidate", "judged"),
    ]


@pytest.mark.parametrize(
    ("kind", "path", "form"),
    [
        ("sft, then rft", "HyperParameters.base_model_location", "s3://customer-escrow-111111111111-smtj-"),
        ("bedrock sft, twice", "baseModelIdentifier", "arn:aws:bedrock:us-east-1:111111111111:custom-model/"),
        ("serverless sft, twice", "ModelPackageConfig.SourceModelPackageArn", "arn:aws:sagemaker:us-east-1:"),
    ],
)
def test_a_later_stage_shows_a_sample_of_what_the_earlier_one_leaves(tmp_path, kind, path, form):
    second = [request for request in of_kind(tmp_path, kind) if request.job == "second"][-1]
    value = second.parameters
    for name in path.split("."):
        value = value[name]
    assert value.startswith(form)
    assert "stage first" in second.at_run[path]


def test_what_bedrock_trained_is_deployed_without_an_import(tmp_path):
    requests = {request.state: request for request in of_kind(tmp_path, "bedrock sft")}
    assert "Import model" not in requests
    create = requests["Create deployment"]
    assert "/amazon.nova-micro-v1:0:128k/" in create.parameters["modelArn"]
    assert create.at_run["modelArn"] == "the custom model that stage first made"
    assert requests["Train"].parameters["clientRequestToken"] == requests["Train"].parameters["jobName"]


def test_a_checkpoint_of_hyperpod_is_imported_from_its_own_escrow(tmp_path):
    requests = of_kind(tmp_path, "hyperpod cpt")
    assert states(requests)[0] == "Import model"
    uri = requests[0].parameters["modelSourceConfig"]["s3DataSource"]["s3Uri"]
    assert uri.startswith("s3://customer-escrow-111111111111-hp-")


def test_a_distillation_has_nothing_to_import_or_deploy(tmp_path):
    assert set(states(of_kind(tmp_path, "distillation"))) == {"Train", "Evaluate base"}


def test_verify_asks_held_out_rows_as_many_as_there_are(tmp_path):
    path = write_kind(tmp_path, "sft")
    for rows, asked in ((300, 5), (3, 3)):
        kept = (tmp_path / "judged.jsonl").read_text().splitlines(keepends=True)[:rows]
        (tmp_path / "judged.jsonl").write_text("".join(kept))
        claim = claim_of(path)
        (verify,) = [request for request in planned_requests(claim, SAMPLES) if request.state == "Verify"]
        assert verify.at_run["messages"] == f"each of {asked} held-out rows"
        assert notes(claim) == ()


def test_a_gate_on_a_benchmark_leaves_verify_nothing_to_ask_and_says_so(tmp_path):
    path = write_kind(tmp_path, "sft")
    text = path.read_text().replace("{name: judged, task: gen_qa, data: judged.jsonl}", "{name: judged, task: math}")
    path.write_text(text)
    claim = claim_of(path)
    assert states(planned_requests(claim, SAMPLES))[-1] == "Update deployment"
    (note,) = notes(claim)
    assert note.startswith("Verify: ")
    assert "judged has no rows of yours" in note
    path.write_text(text.replace("{target: bedrock-on-demand, name: every-kind, keep: true}", "{target: none}"))
    assert notes(claim_of(path)) == ()
