"""Data that lies in S3, from its validation to the end of a run; and what Admit says to claims that skip it."""

import json

import msgspec
import pytest

from novaline.datasets.remote.places import object_key, version_digest
from novaline.datasets.validate import ModelFacts, Options
from novaline.findings import NovalineError
from novaline.recipes.catalogue import catalogue
from novaline.rehearsal.proof.statements import taken_away
from novaline.runs.deployed import inspection_place
from novaline.runs.inspection import Inspector
from tests.rehearsal.deployed import HELD_OUT, NOWHERE, TRAIN, Deployed

pytestmark = pytest.mark.xdist_group("deployed")

ADMIT = "WorkflowFunctionsAdmitRole"


def put(deployed: Deployed, key: str, rows=TRAIN) -> tuple[str, str]:
    """An object of the data bucket: URI and version."""
    bucket = deployed.resources.data_bucket
    version = deployed.clients.s3.put_object(Bucket=bucket, Key=key, Body=b"".join(rows))["VersionId"]
    return f"s3://{bucket}/{key}", version


def validate(deployed: Deployed, name: str, uri: str, *, rows_of="sft", model="nova-micro") -> dict:
    """What `novaline data validate URI --format … --model … --remote` does."""
    place = inspection_place(deployed.clients.cloudformation, deployed.environment)
    inspector = Inspector(states=deployed.clients.states, s3=deployed.clients.s3, place=place)
    options = msgspec.to_builtins(Options(format=rows_of, model=ModelFacts.of(catalogue().model(model))))
    return inspector.finish(inspector.start(name, sources=[uri], options=options), look_seconds=0.05)


def train_object(run):
    (found,) = (item for item in run.claim["objects"] if "train data" in item["what"])
    return found


def refused(deployed, run, claim=None):
    """What Admit says; nothing has been paid for."""
    ended = deployed.end(deployed.start(run, claim or deployed.upload(run)))
    assert (ended.status, ended.error) == ("FAILED", "ClaimRefused")
    assert ended.entered() == ["Admit", "Record failure", "Notify failure", "Failed"]
    assert ended.jobs == {}
    return ended.cause


def test_data_in_s3_is_validated_there_and_a_run_learns_from_that_version(deployed):
    uri, version = put(deployed, "stored/learnt.jsonl")
    with pytest.raises(NovalineError, match=f"there is no report on version {version}"):
        deployed.compiled("from-s3", train_uri=uri, deployment=NOWHERE)
    assert validate(deployed, "learnt", uri)["errors"] == 0
    run = deployed.compiled("from-s3", train_uri=uri, deployment=NOWHERE)
    put(deployed, "stored/learnt.jsonl", [b"written after the run was prepared\n"])
    ended = deployed.end(deployed.start(run))
    assert (ended.status, ended.output["status"]) == ("SUCCEEDED", "evaluated")
    assert ended.output["verdict"] == "better"
    item = train_object(run)
    assert item["source"] == {"uri": uri, "version_id": version}
    assert f"/data/{version_digest(uri, version)}/train.jsonl" in item["uri"]
    assert json.loads(run.files["datasets.json"])["train data of stage sft"]["validated"]["inspection"] == "learnt"


def test_data_with_errors_starts_no_run(deployed):
    uri, _ = put(deployed, "stored/broken.jsonl", [*TRAIN, b"no json\n"])
    assert validate(deployed, "broken", uri)["errors"] == 1
    with pytest.raises(NovalineError, match=r"it was validated with 1 error \(inspection broken\)"):
        deployed.compiled("broken", train_uri=uri)


def test_data_that_was_validated_for_another_model_starts_no_run(deployed):
    uri, _ = put(deployed, "stored/other-model.jsonl")
    validate(deployed, "other-model", uri, model="nova-pro")
    with pytest.raises(NovalineError, match="as sft rows for nova-micro"):
        deployed.compiled("other-model", train_uri=uri)


# ---- claims by hand


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"validated": None}, "there is no record of a validation"),
        ({"errors": 3}, "it was validated with 3 errors"),
        ({"rule_set": 0}, "it was validated by rule set 0"),
        ({"format": "dpo"}, "it was validated as dpo, and the job reads sft"),
        ({"model": "nova-pro"}, "it was validated for nova-pro, and the run customizes nova-micro"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "refused",
)
def test_admit_refuses_data_that_was_not_validated_for_its_job(deployed, changes, words):
    run = deployed.compiled("unvalidated")
    item, claim = train_object(run), deployed.upload(run)
    said = changes if "validated" in changes else {"validated": {**item["validated"], **changes}}
    cause = refused(deployed, run, deployed.restated(claim, {item["uri"]: said}))
    assert f"train data of stage sft ({item['uri']}): {words}" in cause


def test_admit_refuses_data_that_the_claim_does_not_name(deployed):
    run = deployed.compiled("unnamed")
    uri, _ = put(deployed, "data/unnamed/train.jsonl", [b"never looked at\n"])
    (stage,) = run.claim["stages"]
    text = json.dumps(stage).replace(train_object(run)["uri"], uri)
    claim = deployed.restated(deployed.upload(run), stages=[json.loads(text)])
    assert f"stage sft reads {uri}, which is none of the claim's objects" in refused(deployed, run, claim)


def test_admit_refuses_what_a_job_would_read_along_with_its_data(deployed):
    run = deployed.compiled("beside", train=TRAIN[100:], held_out=HELD_OUT)
    key = train_object(run)["uri"].partition("/data/")[2]
    put(deployed, f"data/{key}.old", [b"never looked at\n"])
    assert "other object(s) lie under names that begin with its name" in refused(deployed, run)


def test_admit_asks_the_inspection_and_not_the_claim_about_a_copy(deployed):
    uri, version = put(deployed, "stored/forged.jsonl", TRAIN[5:])
    validate(deployed, "forged", uri)
    run = deployed.compiled("forged", train_uri=uri, deployment=NOWHERE)
    key = object_key(uri, version, rows_of="sft", model="nova-micro")
    deployed.clients.s3.delete_object(Bucket=deployed.resources.artifact_bucket, Key=key)
    assert f"this environment has no report on version {version} of {uri}" in refused(deployed, run)


@pytest.mark.parametrize(("sid", "action"), [("ReadInspections", "s3:GetObject"), ("ListDatasets", "s3:ListBucket")])
def test_admit_needs_the_permissions_that_data_asks_for(deployed, sid, action):
    uri, _ = put(deployed, f"stored/{sid}.jsonl", TRAIN[7:])
    validate(deployed, sid, uri)
    run = deployed.compiled(sid.lower(), train_uri=uri, deployment=NOWHERE)
    with taken_away(deployed.client("iam"), [deployed.statement(ADMIT, sid)]):
        ended = deployed.end(deployed.start(run))
    assert ended.status == "FAILED"
    assert f"not authorized to perform: {action}" in ended.cause
