import re
import time

import pytest

from novaline.rehearsal.aws_call import AwsError
from novaline.rehearsal.bedrock import Bedrock, BedrockRuntime
from novaline.rehearsal.bedrock.custom_models import KEY_ACTIONS
from novaline.rehearsal.faults import Fault
from novaline.rehearsal.learner.base import GENERIC_ANSWER
from novaline.rehearsal.sagemaker import SageMaker
from novaline.requests.conformance import service_model
from tests.rehearsal.fake_cloud import ACCOUNT, KEY, REGION, FakeCloud, role
from tests.rehearsal.jobs import CALLER, SYSTEM, call, checkpoint_of, intents, run_job, sft_request

IMPORTER = role("Import")


@pytest.fixture
def cloud():
    return FakeCloud()


@pytest.fixture
def checkpoint(cloud):
    run_job(SageMaker(cloud, warm_up=False), sft_request(cloud))
    return checkpoint_of(cloud, "sft-1")


@pytest.fixture
def bedrock(cloud):
    return Bedrock(cloud)


@pytest.fixture
def runtime(cloud):
    return BedrockRuntime(cloud)


def do(bedrock, operation, **parameters):
    return bedrock.handle(call(operation, "bedrock", **parameters))


def model_request(checkpoint, name="intents", **more):
    return {
        "modelName": name,
        "modelSourceConfig": {"s3DataSource": {"s3Uri": checkpoint + "/"}},
        "roleArn": IMPORTER,
        **more,
    }


def settled(show, *, still="Creating"):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        shown = show()
        if still not in (
            shown.get("modelStatus"),
            shown.get("status"),
            shown.get("updateDetails", {}).get("updateStatus"),
        ):
            return shown
        time.sleep(0.005)
    raise AssertionError(shown)


def import_model(bedrock, checkpoint, name="intents", **more):
    arn = do(bedrock, "CreateCustomModel", **model_request(checkpoint, name, **more))["modelArn"]
    return settled(lambda: do(bedrock, "GetCustomModel", modelIdentifier=arn))


def deploy(bedrock, model_arn, name="intents", **more):
    request = {"modelDeploymentName": name, "modelArn": model_arn, **more}
    arn = do(bedrock, "CreateCustomModelDeployment", **request)["customModelDeploymentArn"]
    return settled(lambda: do(bedrock, "GetCustomModelDeployment", customModelDeploymentIdentifier=arn))


def converse(runtime, model, text, *, system=SYSTEM, **more):
    request = {"modelId": model, "messages": [{"role": "user", "content": [{"text": text}]}], **more}
    if system:
        request["system"] = [{"text": system}]
    return runtime.handle(call("Converse", "bedrock-runtime", **request))


def text_of(answer):
    return answer["output"]["message"]["content"][0]["text"]


def conforms(service, operation, response):
    shape = service_model(service).operation_model(operation).output_shape
    return set(shape.required_members) <= set(response) <= set(shape.members)


def test_a_checkpoint_becomes_an_active_model_and_a_deployment_that_answers_as_it_learned(
    cloud, bedrock, runtime, checkpoint
):
    model = import_model(bedrock, checkpoint)
    assert model["modelStatus"] == "Active", model.get("failureMessage")
    assert conforms("bedrock", "GetCustomModel", model)
    assert re.fullmatch(rf"arn:aws:bedrock:{REGION}:{ACCOUNT}:custom-model/imported/[a-z0-9]{{12}}", model["modelArn"])
    deployment = deploy(bedrock, model["modelArn"], description="for tests")
    assert deployment["status"] == "Active"
    assert conforms("bedrock", "GetCustomModelDeployment", deployment)
    arn = deployment["customModelDeploymentArn"]
    answers = [(text_of(converse(runtime, arn, query)), label) for query, label in intents(40, seed=9)]
    assert sum(answer == label for answer, label in answers) >= 38


def test_base_models_and_profiles_are_answered_by_the_untrained_stand_in(cloud, runtime):
    for model in ("amazon.nova-micro-v1:0", "us.amazon.nova-2-lite-v1:0"):
        assert text_of(converse(runtime, model, "what about the opening hours")) == "opening_hours"
        assert text_of(converse(runtime, model, "hello", system=None)) == GENERIC_ANSWER
    assert "stand-in" in GENERIC_ANSWER
    asked = {resource for who, action, resource in cloud.used if action == "bedrock:InvokeModel"}
    assert "arn:aws:bedrock:us-west-2::foundation-model/amazon.nova-2-lite-v1:0" in asked


def test_converse_counts_tokens_and_says_why_it_ended(runtime):
    answer = converse(runtime, "amazon.nova-micro-v1:0", "hello there", system=None)
    assert answer["stopReason"] == "end_turn"
    assert answer["usage"]["inputTokens"] == 2
    assert answer["usage"]["totalTokens"] == 2 + answer["usage"]["outputTokens"]
    assert answer["metrics"]["latencyMs"] >= 1
    assert conforms("bedrock-runtime", "Converse", answer)
    short = converse(runtime, "amazon.nova-micro-v1:0", "hello", system=None, inferenceConfig={"maxTokens": 3})
    assert (text_of(short), short["stopReason"]) == ("Thank you for", "max_tokens")
    stopped = converse(runtime, "amazon.nova-micro-v1:0", "hi", system=None, inferenceConfig={"stopSequences": ["for"]})
    assert (text_of(stopped), stopped["stopReason"]) == ("Thank you ", "stop_sequence")


BAD_CALLS = {
    "unknown deployment": (
        f"arn:aws:bedrock:{REGION}:{ACCOUNT}:custom-model-deployment/abcdefghijkl",
        "ResourceNotFound",
    ),
    "customization id": ("amazon.nova-micro-v1:0:128k", "ValidationException"),
    "an unknown maker's model": ("nobody.model-v2", "ValidationException"),
    "a profile of elsewhere": ("eu.amazon.nova-pro-v1:0", "ValidationException"),
    "a model of Amazon's that is no Nova": ("amazon.titan-text-lite-v1", "ValidationException"),
    "custom model without deployment": (
        f"arn:aws:bedrock:{REGION}:{ACCOUNT}:custom-model/amazon.nova/abcdefghijkl",
        "ValidationException",
    ),
}


@pytest.mark.parametrize(("model", "code"), BAD_CALLS.values(), ids=BAD_CALLS)
def test_converse_refuses(runtime, model, code):
    with pytest.raises(AwsError) as refusal:
        converse(runtime, model, "hello")
    assert refusal.value.code.startswith(code)


def test_converse_wants_the_user_to_begin_and_to_end(runtime):
    said = [{"role": "user", "content": [{"text": "a"}]}, {"role": "assistant", "content": [{"text": "b"}]}]
    for messages, told in ((said[1:], "must begin"), (said, "last turn")):
        with pytest.raises(AwsError, match=told):
            runtime.handle(call("Converse", "bedrock-runtime", modelId="amazon.nova-micro-v1:0", messages=messages))


@pytest.mark.parametrize("action", ["s3:ListBucket", "s3:GetObject"])
def test_an_import_role_that_lacks_a_permission_fails_the_import_and_is_named(cloud, bedrock, checkpoint, action):
    cloud.denied.add((IMPORTER, action))
    model = import_model(bedrock, checkpoint)
    assert model["modelStatus"] == "Failed"
    assert IMPORTER in model["failureMessage"]
    assert action in model["failureMessage"]
    with pytest.raises(AwsError, match="is Failed, expected Active"):
        deploy(bedrock, model["modelArn"])


def test_a_role_that_does_not_trust_bedrock_is_refused_at_once(cloud, bedrock, checkpoint):
    cloud.distrusted.add((IMPORTER, "bedrock.amazonaws.com"))
    with pytest.raises(AwsError, match=r"Could not assume role .*Import"):
        import_model(bedrock, checkpoint)


@pytest.mark.parametrize("action", ["iam:PassRole", "bedrock:TagResource", *KEY_ACTIONS])
def test_the_caller_of_create_custom_model_needs(cloud, bedrock, checkpoint, action):
    cloud.denied.add((CALLER, action))
    with pytest.raises(AwsError, match=action):
        import_model(bedrock, checkpoint, modelKmsKeyArn=KEY, modelTags=[{"key": "run", "value": "r1"}])
    assert do(bedrock, "ListCustomModels") == {"modelSummaries": []}


def test_who_invokes_a_model_under_a_key_needs_to_decrypt(cloud, bedrock, runtime, checkpoint):
    arn = deploy(bedrock, import_model(bedrock, checkpoint, modelKmsKeyArn=KEY)["modelArn"])["customModelDeploymentArn"]
    assert text_of(converse(runtime, arn, "I lost my card")) == "lost_card"
    cloud.denied.add((CALLER, "kms:Decrypt"))
    with pytest.raises(AwsError, match="kms:Decrypt"):
        converse(runtime, arn, "I lost my card")


def test_a_checkpoint_outside_escrow_or_missing_is_no_model(bedrock, checkpoint):
    with pytest.raises(AwsError, match="Amazon's"):
        import_model(bedrock, "s3://artifacts/copy")
    model = import_model(bedrock, checkpoint + "9")
    assert model["modelStatus"] == "Failed"
    assert "there is no checkpoint" in model["failureMessage"]


def test_names_are_unique_and_a_token_makes_a_call_again_the_same_call(bedrock, checkpoint):
    first = import_model(bedrock, checkpoint, clientRequestToken="run-1")["modelArn"]
    again = do(bedrock, "CreateCustomModel", **model_request(checkpoint, clientRequestToken="run-1"))
    assert again["modelArn"] == first
    with pytest.raises(AwsError) as refusal:
        import_model(bedrock, checkpoint, clientRequestToken="run-2")
    assert refusal.value.code == "ConflictException"
    arn = deploy(bedrock, first, clientRequestToken="run-1")["customModelDeploymentArn"]
    assert deploy(bedrock, first, clientRequestToken="run-1")["customModelDeploymentArn"] == arn
    with pytest.raises(AwsError) as refusal:
        deploy(bedrock, first)
    assert refusal.value.code == "ConflictException"


def test_an_update_exchanges_the_model_behind_the_same_arn(bedrock, checkpoint):
    old, new = (import_model(bedrock, checkpoint, name)["modelArn"] for name in ("old", "new"))
    arn = deploy(bedrock, old)["customModelDeploymentArn"]
    updated = do(bedrock, "UpdateCustomModelDeployment", customModelDeploymentIdentifier="intents", modelArn=new)
    assert updated == {"customModelDeploymentArn": arn}
    meanwhile = do(bedrock, "GetCustomModelDeployment", customModelDeploymentIdentifier=arn)
    assert (meanwhile["status"], meanwhile["modelArn"]) == ("Active", old)
    assert meanwhile["updateDetails"] == {"modelArn": new, "updateStatus": "Updating"}
    with pytest.raises(AwsError, match="being updated"):
        do(bedrock, "UpdateCustomModelDeployment", customModelDeploymentIdentifier=arn, modelArn=old)
    shown = settled(
        lambda: do(bedrock, "GetCustomModelDeployment", customModelDeploymentIdentifier=arn), still="Updating"
    )
    assert (shown["modelArn"], shown["updateDetails"]["updateStatus"]) == (new, "UpdateCompleted")


def test_a_deployed_model_cannot_be_deleted_before_its_deployment(bedrock, runtime, checkpoint):
    model = import_model(bedrock, checkpoint)["modelArn"]
    arn = deploy(bedrock, model)["customModelDeploymentArn"]
    with pytest.raises(AwsError) as refusal:
        do(bedrock, "DeleteCustomModel", modelIdentifier=model)
    assert refusal.value.code == "ConflictException"
    do(bedrock, "DeleteCustomModelDeployment", customModelDeploymentIdentifier=arn)
    do(bedrock, "DeleteCustomModel", modelIdentifier="intents")
    for operation, names in (
        ("GetCustomModel", {"modelIdentifier": model}),
        ("GetCustomModelDeployment", {"customModelDeploymentIdentifier": arn}),
    ):
        with pytest.raises(AwsError) as refusal:
            do(bedrock, operation, **names)
        assert refusal.value.code == "ResourceNotFoundException"
    with pytest.raises(AwsError, match="no custom model deployment"):
        converse(runtime, arn, "hello")


def test_lists_filter_and_come_in_pages(bedrock, checkpoint):
    models = [import_model(bedrock, checkpoint, name)["modelArn"] for name in ("cards-1", "cards-2", "loans")]
    for name, model in zip(("cards-1", "cards-2", "loans"), models, strict=True):
        deploy(bedrock, model, name)
    cards = do(bedrock, "ListCustomModels", nameContains="cards")["modelSummaries"]
    assert [entry["modelName"] for entry in cards] == ["cards-2", "cards-1"]
    assert cards[0]["baseModelArn"].endswith("::foundation-model/amazon.nova-micro-v1:0")
    first = do(bedrock, "ListCustomModelDeployments", maxResults=2, sortOrder="Ascending", statusEquals="Active")
    assert [e["customModelDeploymentName"] for e in first["modelDeploymentSummaries"]] == ["cards-1", "cards-2"]
    rest = do(bedrock, "ListCustomModelDeployments", maxResults=2, sortOrder="Ascending", nextToken=first["nextToken"])
    assert [e["customModelDeploymentName"] for e in rest["modelDeploymentSummaries"]] == ["loans"]
    of_one = do(bedrock, "ListCustomModelDeployments", modelArnEquals=models[0])["modelDeploymentSummaries"]
    assert [entry["modelArn"] for entry in of_one] == [models[0]]


def test_tags_are_kept_for_models_and_deployments(bedrock, checkpoint):
    model = import_model(bedrock, checkpoint, modelTags=[{"key": "run", "value": "r1"}])["modelArn"]
    arn = deploy(bedrock, model, tags=[{"key": "run", "value": "r1"}])["customModelDeploymentArn"]
    for tagged in (model, arn):
        do(bedrock, "TagResource", resourceARN=tagged, tags=[{"key": "more", "value": "yes"}])
        do(bedrock, "UntagResource", resourceARN=tagged, tagKeys=["run"])
        assert do(bedrock, "ListTagsForResource", resourceARN=tagged) == {"tags": [{"key": "more", "value": "yes"}]}


def test_faults_refuse_or_fail_what_they_are_meant_for(cloud, bedrock, checkpoint):
    def add(operation, kind, **more):
        cloud.faults.add(Fault(service="bedrock", operation=operation, kind=kind, **more))

    add("CreateCustomModel", "error", code="ThrottlingException")
    with pytest.raises(AwsError) as refusal:
        import_model(bedrock, checkpoint)
    assert refusal.value.code == "ThrottlingException"
    add("CreateCustomModel", "fail", message="broken weights")
    assert import_model(bedrock, checkpoint, "broken")["failureMessage"] == "broken weights"
    add("CreateCustomModelDeployment", "fail")
    model = import_model(bedrock, checkpoint)["modelArn"]
    assert deploy(bedrock, model, "failing")["status"] == "Failed"
    arn = deploy(bedrock, model)["customModelDeploymentArn"]
    add("UpdateCustomModelDeployment", "fail")
    do(bedrock, "UpdateCustomModelDeployment", customModelDeploymentIdentifier=arn, modelArn=model)
    shown = settled(
        lambda: do(bedrock, "GetCustomModelDeployment", customModelDeploymentIdentifier=arn), still="Updating"
    )
    assert shown["updateDetails"]["updateStatus"] == "UpdateFailed"


def test_a_slow_deployment_is_not_ready_to_answer(cloud, bedrock, runtime, checkpoint):
    cloud.faults.add(Fault(service="bedrock", operation="CreateCustomModelDeployment", kind="slow"))
    model = import_model(bedrock, checkpoint)["modelArn"]
    request = {"modelDeploymentName": "slow", "modelArn": model}
    arn = do(bedrock, "CreateCustomModelDeployment", **request)["customModelDeploymentArn"]
    with pytest.raises(AwsError) as refusal:
        converse(runtime, arn, "hello")
    assert refusal.value.code == "ModelNotReadyException"


def test_iam_asks_for_what_the_service_authorization_reference_says(bedrock, runtime, checkpoint):
    model = import_model(bedrock, checkpoint)["modelArn"]
    arn = deploy(bedrock, model)["customModelDeploymentArn"]
    prefix = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:"
    asked = {
        ("CreateCustomModel", "*"): model_request(checkpoint),
        ("ListCustomModels", "*"): {},
        ("ListCustomModelDeployments", "*"): {},
        ("GetCustomModel", model): {"modelIdentifier": "intents"},
        ("DeleteCustomModel", f"{prefix}custom-model/nobody"): {"modelIdentifier": "nobody"},
        ("CreateCustomModelDeployment", model): {"modelDeploymentName": "x", "modelArn": model},
        ("GetCustomModelDeployment", arn): {"customModelDeploymentIdentifier": "intents"},
        ("UpdateCustomModelDeployment", arn): {"customModelDeploymentIdentifier": arn, "modelArn": model},
        ("DeleteCustomModelDeployment", arn): {"customModelDeploymentIdentifier": arn},
        ("TagResource", arn): {"resourceARN": arn, "tags": []},
    }
    for (operation, resource), parameters in asked.items():
        assert bedrock.iam(call(operation, "bedrock", **parameters))[:2] == (f"bedrock:{operation}", resource)
    invoked = {
        arn: arn,
        "amazon.nova-micro-v1:0": f"arn:aws:bedrock:{REGION}::foundation-model/amazon.nova-micro-v1:0",
        "us.amazon.nova-micro-v1:0": f"{prefix}inference-profile/us.amazon.nova-micro-v1:0",
    }
    for identifier, resource in invoked.items():
        found = runtime.iam(call("Converse", "bedrock-runtime", modelId=identifier))
        assert found[:2] == ("bedrock:InvokeModel", resource)


def test_an_update_needs_the_permission_on_the_new_model_too(cloud, bedrock, checkpoint):
    model = import_model(bedrock, checkpoint)["modelArn"]
    arn = deploy(bedrock, model)["customModelDeploymentArn"]
    cloud.denied.add((CALLER, "bedrock:UpdateCustomModelDeployment"))
    with pytest.raises(AwsError, match=model):
        do(bedrock, "UpdateCustomModelDeployment", customModelDeploymentIdentifier=arn, modelArn=model)


@pytest.mark.parametrize("change", [{"modelName": "has.dot"}, {"roleArn": "no-arn"}, {"surprise": 1}])
def test_a_request_that_the_api_refuses_makes_nothing(bedrock, checkpoint, change):
    with pytest.raises(AwsError) as refusal:
        do(bedrock, "CreateCustomModel", **(model_request(checkpoint) | change))
    assert refusal.value.code == "ValidationException"
