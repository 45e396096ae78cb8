"""CreateCustomModel and its relatives: a checkpoint in escrow becomes a model of the account.

The import role is assumed as bedrock.amazonaws.com and reads the checkpoint under its own IAM (s3:ListBucket,
s3:GetObject); a refusal ends in status Failed. With a customer key, the caller needs kms:DescribeKey,
kms:GenerateDataKey, kms:Decrypt and kms:CreateGrant on it through Bedrock (kms:ViaService): Bedrock makes the grant "on
your behalf" (Bedrock user guide, "Encryption of imported custom models"). The API reference says in addition that the
service role must have permissions to use the key, and names none: the same four are asked of it.
"""

import threading
from typing import Any

from botocore.exceptions import ClientError

from novaline.rehearsal import escrow
from novaline.rehearsal.aws_call import AwsError, Call, Cloud
from novaline.rehearsal.bedrock.state import (
    PRINCIPAL,
    Account,
    CustomModel,
    Status,
    from_tags,
    new_arn,
    tag_context,
)
from novaline.rehearsal.escrow import CheckpointCache
from novaline.rehearsal.faults import Fault
from novaline.rehearsal.paging import newest_first, page

KEY_ACTIONS = ("kms:DescribeKey", "kms:GenerateDataKey", "kms:Decrypt", "kms:CreateGrant")
IMPORT_SECONDS = 60.0  # of the fast clock
_LONGEST_MESSAGE = 2_048


class CustomModels:
    """The operations on custom models."""

    def __init__(self, cloud: Cloud, account: Account) -> None:
        self._cloud = cloud
        self._account = account
        self._checkpoints = CheckpointCache()

    def create(self, call: Call) -> dict[str, Any]:
        """CreateCustomModel."""
        asked = call.parameters
        name, role_arn = asked["modelName"], asked.get("roleArn")
        uri = asked.get("modelSourceConfig", {}).get("s3DataSource", {}).get("s3Uri")
        if not uri or not role_arn:
            raise AwsError("ValidationException", "The rehearsal needs modelSourceConfig.s3DataSource and a roleArn.")
        if not escrow.is_escrow(uri):
            message = f"modelSourceConfig must name a bucket of Amazon's that holds trained Nova models; found {uri}"
            raise AwsError("ValidationException", message)
        arn, tags = new_arn(call, "custom-model/imported"), from_tags(asked.get("modelTags"))
        self._check_caller(call, arn, tags)
        self._assume(role_arn)
        fault = self._cloud.take_fault("bedrock", "CreateCustomModel", name)
        if fault is not None and fault.kind == "error":
            raise AwsError(fault.code or "InternalServerException", fault.message or "A fault of the rehearsal.")
        token = asked.get("clientRequestToken")
        with self._account.lock:
            for known in self._account.models.values():
                if token is not None and known.token == token:
                    return {"modelArn": known.arn}
                if known.name == name:
                    raise AwsError("ConflictException", f"A custom model with the name {name} exists: {known.arn}", 400)
            model = CustomModel(
                arn=arn,
                name=name,
                created=self._cloud.now(),
                key_arn=asked.get("modelKmsKeyArn"),
                tags=tags,
                token=token,
            )
            self._account.models[arn] = model
        run = threading.Thread(
            target=self._import, args=(model, uri, role_arn, fault), name=f"import-{name}", daemon=True
        )
        run.start()
        return {"modelArn": arn}

    def get(self, call: Call) -> dict[str, Any]:
        """GetCustomModel."""
        with self._account.lock:
            model = self._account.model(call.parameters["modelIdentifier"])
            shown: dict[str, Any] = {
                "modelArn": model.arn,
                "modelName": model.name,
                "creationTime": model.created,
                "customizationType": "IMPORTED",
                "modelStatus": model.status,
            }
            optional = {
                "baseModelArn": self._base_arn(model),
                "modelKmsKeyArn": model.key_arn,
                "failureMessage": model.failure,
            }
            return shown | {name: value for name, value in optional.items() if value is not None}

    def list(self, call: Call) -> dict[str, Any]:
        """ListCustomModels. A model's base is unknown, and left out, until its checkpoint has been read."""
        asked = call.parameters
        with self._account.lock:
            found = [self._summary(model, call) for model in self._account.models.values()]
        kept = [
            entry
            for entry in newest_first(found, "creationTime", ascending=asked.get("sortOrder") == "Ascending")
            if asked.get("nameContains", "") in entry["modelName"]
            and asked.get("modelStatus", entry["modelStatus"]) == entry["modelStatus"]
            and asked.get("creationTimeAfter", entry["creationTime"]) <= entry["creationTime"]
            and asked.get("creationTimeBefore", entry["creationTime"]) >= entry["creationTime"]
            and asked.get("baseModelArnEquals", entry.get("baseModelArn")) == entry.get("baseModelArn")
            and asked.get("foundationModelArnEquals", entry.get("baseModelArn")) == entry.get("baseModelArn")
        ]
        shown, token = page(kept, asked.get("nextToken"), asked.get("maxResults", 100))
        return {"modelSummaries": shown} | ({"nextToken": token} if token else {})

    def delete(self, call: Call) -> dict[str, Any]:
        """DeleteCustomModel; refused while a deployment uses the model."""
        with self._account.lock:
            model = self._account.model(call.parameters["modelIdentifier"])
            for deployment in self._account.deployments.values():
                if model.arn in (deployment.model_arn, deployment.update[0] if deployment.update else None):
                    raise AwsError("ConflictException", f"{model.arn} is deployed as {deployment.arn}.", 400)
            del self._account.models[model.arn]
        return {}

    def _check_caller(self, call: Call, arn: str, tags: dict[str, str]) -> None:
        asked, require = call.parameters, self._cloud.require
        require(call, "iam:PassRole", asked["roleArn"], {"iam:PassedToService": PRINCIPAL})
        if tags:
            require(call, "bedrock:TagResource", arn, tag_context(tags))
        key = asked.get("modelKmsKeyArn")
        if key is not None:
            for action, context in _key_uses(call.region):
                require(call, action, key, context)

    def _assume(self, role_arn: str) -> Any:  # noqa: ANN401 - a boto3 client
        """S3 under the import role. AWS documents no aws:SourceArn for CreateCustomModel, so none is presented."""
        try:
            return self._cloud.client("s3", role_arn=role_arn, service_principal=PRINCIPAL)
        except AwsError as refusal:
            message = f"Could not assume role {role_arn} as {PRINCIPAL}: {refusal.message}"
            raise AwsError("ValidationException", message) from refusal

    def _import(self, model: CustomModel, uri: str, role_arn: str, fault: Fault | None) -> None:
        self._cloud.sleep(IMPORT_SECONDS)
        if fault is not None and fault.kind == "slow":
            return  # it stays Creating
        if fault is not None and fault.kind in ("fail", "deny-key"):
            usual = {"fail": "the import failed", "deny-key": f"kms:CreateGrant on {model.key_arn} was denied"}
            self._settle(model, "Failed", fault.message or f"{usual[fault.kind]} (a fault of the rehearsal)")
            return
        try:
            if model.key_arn:
                for action, context in _key_uses(model.arn.split(":")[3]):
                    self._cloud.require_of_role(role_arn, action, model.key_arn, context)
            stand_in = self._checkpoints.load(self._assume(role_arn), uri)
        except ClientError as error:
            found = error.response.get("Error", {})
            self._settle(model, "Failed", f"{found.get('Code')}: reading {uri}: {found.get('Message')}")
        except (AwsError, ValueError) as problem:
            self._settle(model, "Failed", str(problem))
        else:
            with self._account.lock:
                model.stand_in = stand_in
                model.status = "Active"

    def _settle(self, model: CustomModel, status: Status, message: str) -> None:
        with self._account.lock:
            model.status = status
            model.failure = message[:_LONGEST_MESSAGE]

    def _base_arn(self, model: CustomModel) -> str | None:
        return f"arn:aws:bedrock:{self._cloud.region}::foundation-model/{model.base}:0" if model.base else None

    def _summary(self, model: CustomModel, call: Call) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "modelArn": model.arn,
            "modelName": model.name,
            "creationTime": model.created,
            "customizationType": "IMPORTED",
            "ownerAccountId": call.account,
            "modelStatus": model.status,
        }
        return shown | ({"baseModelArn": self._base_arn(model), "baseModelName": model.base} if model.base else {})


def _key_uses(region: str) -> list[tuple[str, dict[str, str]]]:
    """Each action on a customer's key with the condition keys that come with it; Bedrock itself makes the grant."""
    through_bedrock = {"kms:ViaService": f"bedrock.{region}.amazonaws.com"}
    granting = {**through_bedrock, "kms:GrantIsForAWSResource": "true"}
    return [(action, granting if action == "kms:CreateGrant" else through_bedrock) for action in KEY_ACTIONS]
