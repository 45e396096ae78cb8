"""Custom model deployments: one stable ARN behind which the model can be exchanged."""

import threading
from collections.abc import Callable
from typing import Any

from novaline.rehearsal.aws_call import AwsError, Call, Cloud
from novaline.rehearsal.bedrock.state import Account, Deployment, from_tags, new_arn, tag_context
from novaline.rehearsal.faults import Fault
from novaline.rehearsal.paging import newest_first, page

DEPLOY_SECONDS = 60.0  # of the fast clock


class Deployments:
    """The operations on deployments."""

    def __init__(self, cloud: Cloud, account: Account) -> None:
        self._cloud = cloud
        self._account = account

    def create(self, call: Call) -> dict[str, Any]:
        """CreateCustomModelDeployment. A name in use is a ConflictException, which AWS does not list for it."""
        asked = call.parameters
        name, token = asked["modelDeploymentName"], asked.get("clientRequestToken")
        arn, tags = new_arn(call, "custom-model-deployment"), from_tags(asked.get("tags"))
        if tags:
            self._cloud.require(call, "bedrock:TagResource", arn, tag_context(tags))
        fault = self._fault(call, name)
        with self._account.lock:
            model = self._account.ready_model(asked["modelArn"])
            for known in self._account.deployments.values():
                if token is not None and known.token == token:
                    return {"customModelDeploymentArn": known.arn}
                if known.name == name:
                    raise AwsError("ConflictException", f"A deployment with the name {name} exists: {known.arn}", 400)
            now = self._cloud.now()
            deployment = Deployment(
                arn=arn,
                name=name,
                model_arn=model.arn,
                created=now,
                updated=now,
                description=asked.get("description"),
                tags=tags,
                token=token,
            )
            self._account.deployments[arn] = deployment
        self._later(lambda: self._created(deployment, fault))
        return {"customModelDeploymentArn": arn}

    def update(self, call: Call) -> dict[str, Any]:
        """UpdateCustomModelDeployment: the old model answers until the new one is in place."""
        asked = call.parameters
        deployment = self._account.deployment(asked["customModelDeploymentIdentifier"])
        self._cloud.require(call, "bedrock:UpdateCustomModelDeployment", asked["modelArn"])
        fault = self._fault(call, deployment.name)
        with self._account.lock:
            model = self._account.ready_model(asked["modelArn"])
            if deployment.status != "Active" or (deployment.update and deployment.update[1] == "Updating"):
                busy = "being updated" if deployment.status == "Active" else deployment.status
                raise AwsError("ValidationException", f"The deployment {deployment.arn} is {busy}, expected Active.")
            deployment.update = (model.arn, "Updating")
            deployment.updated = self._cloud.now()
        self._later(lambda: self._updated(deployment, model.arn, fault))
        return {"customModelDeploymentArn": deployment.arn}

    def get(self, call: Call) -> dict[str, Any]:
        """GetCustomModelDeployment."""
        with self._account.lock:
            found = self._account.deployment(call.parameters["customModelDeploymentIdentifier"])
            shown: dict[str, Any] = {
                "customModelDeploymentArn": found.arn,
                "modelDeploymentName": found.name,
                "modelArn": found.model_arn,
                "createdAt": found.created,
                "lastUpdatedAt": found.updated,
                "status": found.status,
            }
            optional: dict[str, Any] = {"description": found.description, "failureMessage": found.failure}
            if found.update:
                optional["updateDetails"] = {"modelArn": found.update[0], "updateStatus": found.update[1]}
            return shown | {name: value for name, value in optional.items() if value is not None}

    def list(self, call: Call) -> dict[str, Any]:
        """ListCustomModelDeployments."""
        asked = call.parameters
        with self._account.lock:
            found = [_summary(deployment) for deployment in self._account.deployments.values()]
        kept = [
            entry
            for entry in newest_first(found, "createdAt", ascending=asked.get("sortOrder") == "Ascending")
            if asked.get("nameContains", "") in entry["customModelDeploymentName"]
            and asked.get("statusEquals", entry["status"]) == entry["status"]
            and asked.get("modelArnEquals", entry["modelArn"]) == entry["modelArn"]
            and asked.get("createdAfter", entry["createdAt"]) <= entry["createdAt"]
            and asked.get("createdBefore", entry["createdAt"]) >= entry["createdAt"]
        ]
        shown, token = page(kept, asked.get("nextToken"), asked.get("maxResults", 100))
        return {"modelDeploymentSummaries": shown} | ({"nextToken": token} if token else {})

    def delete(self, call: Call) -> dict[str, Any]:
        """DeleteCustomModelDeployment; gone at once, as the API has no status for what is being deleted."""
        with self._account.lock:
            deployment = self._account.deployment(call.parameters["customModelDeploymentIdentifier"])
            del self._account.deployments[deployment.arn]
        return {}

    def _fault(self, call: Call, name: str) -> Fault | None:
        fault = self._cloud.take_fault("bedrock", call.operation, name)
        if fault is not None and fault.kind == "error":
            raise AwsError(fault.code or "InternalServerException", fault.message or "A fault of the rehearsal.")
        return fault

    def _later(self, do: Callable[[], None]) -> None:
        def wait_and_do() -> None:
            self._cloud.sleep(DEPLOY_SECONDS)
            with self._account.lock:
                do()

        threading.Thread(target=wait_and_do, name="deployment", daemon=True).start()

    def _created(self, deployment: Deployment, fault: Fault | None) -> None:
        if fault is None:
            deployment.status = "Active"
        elif fault.kind != "slow":
            deployment.status = "Failed"
            deployment.failure = fault.message or "the deployment failed (a fault of the rehearsal)"
        deployment.updated = self._cloud.now()

    def _updated(self, deployment: Deployment, model_arn: str, fault: Fault | None) -> None:
        if fault is None:
            deployment.model_arn = model_arn
            deployment.update = (model_arn, "UpdateCompleted")
        elif fault.kind != "slow":
            deployment.update = (model_arn, "UpdateFailed")
            deployment.failure = fault.message or "the update failed (a fault of the rehearsal)"
        deployment.updated = self._cloud.now()


def _summary(deployment: Deployment) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "customModelDeploymentArn": deployment.arn,
        "customModelDeploymentName": deployment.name,
        "modelArn": deployment.model_arn,
        "createdAt": deployment.created,
        "status": deployment.status,
        "lastUpdatedAt": deployment.updated,
    }
    return shown | ({"failureMessage": deployment.failure} if deployment.failure else {})
