"""The Bedrock control plane of a rehearsal: custom models, their deployments, tags on both.

IAM actions and resources follow AWS's service authorization reference (as bundled with cfn-lint 1.58): `*` for
CreateCustomModel, ListCustomModels and ListCustomModelDeployments; the model for GetCustomModel, DeleteCustomModel and
CreateCustomModelDeployment; the deployment for Get- and DeleteCustomModelDeployment; model and deployment for
UpdateCustomModelDeployment (the host asks for the deployment, the operation for the model); the tagged ARN for tags.
Creating with tags also needs bedrock:TagResource.
"""

from collections.abc import Mapping
from typing import Any

from novaline.rehearsal.aws_call import AwsError, Call, Cloud
from novaline.rehearsal.bedrock.custom_models import CustomModels
from novaline.rehearsal.bedrock.deployments import Deployments
from novaline.rehearsal.bedrock.state import account_of, as_tags, from_tags, tag_context
from novaline.requests.conformance import check_request


class Bedrock:
    """Custom models and deployments of one account and region. Safe between threads."""

    OPERATIONS = (
        "CreateCustomModel",
        "GetCustomModel",
        "ListCustomModels",
        "DeleteCustomModel",
        "CreateCustomModelDeployment",
        "GetCustomModelDeployment",
        "ListCustomModelDeployments",
        "UpdateCustomModelDeployment",
        "DeleteCustomModelDeployment",
        "ListTagsForResource",
        "TagResource",
        "UntagResource",
    )

    def __init__(self, cloud: Cloud) -> None:
        self._account = account_of(cloud)
        models, deployments = CustomModels(cloud, self._account), Deployments(cloud, self._account)
        self._handlers = {
            "CreateCustomModel": models.create,
            "GetCustomModel": models.get,
            "ListCustomModels": models.list,
            "DeleteCustomModel": models.delete,
            "CreateCustomModelDeployment": deployments.create,
            "GetCustomModelDeployment": deployments.get,
            "ListCustomModelDeployments": deployments.list,
            "UpdateCustomModelDeployment": deployments.update,
            "DeleteCustomModelDeployment": deployments.delete,
            "ListTagsForResource": lambda call: {"tags": as_tags(self._tags(call))},
            "TagResource": self._tag,
            "UntagResource": self._untag,
        }

    def iam(self, call: Call) -> tuple[str, str, Mapping[str, str]]:
        """See `aws_call.Service`."""
        asked = call.parameters
        prefix = f"arn:aws:bedrock:{call.region}:{call.account}:"
        context = tag_context(from_tags(asked.get("modelTags") or asked.get("tags")))
        match call.operation:
            case "CreateCustomModel" | "ListCustomModels" | "ListCustomModelDeployments":
                resource = "*"
            case "GetCustomModel" | "DeleteCustomModel":
                identifier = asked["modelIdentifier"]
                model = self._account.find_model(identifier)
                resource = model.arn if model else _as_arn(identifier, f"{prefix}custom-model/")
            case "CreateCustomModelDeployment":
                resource = asked["modelArn"]
            case "ListTagsForResource" | "TagResource" | "UntagResource":
                resource = asked["resourceARN"]
            case _:
                identifier = asked["customModelDeploymentIdentifier"]
                deployment = self._account.find_deployment(identifier)
                resource = deployment.arn if deployment else _as_arn(identifier, f"{prefix}custom-model-deployment/")
        return f"bedrock:{call.operation}", resource, context

    def handle(self, call: Call) -> dict[str, Any]:
        """See `aws_call.Service`."""
        problems = check_request("bedrock", call.operation, call.parameters)
        if problems:
            raise AwsError("ValidationException", f"{len(problems)} validation errors: {'; '.join(problems)}")
        return self._handlers[call.operation](call)

    def _tags(self, call: Call) -> dict[str, str]:
        arn = call.parameters["resourceARN"]
        tagged = self._account.models.get(arn) or self._account.deployments.get(arn)
        if tagged is None:
            raise AwsError("ResourceNotFoundException", f"There is no resource {arn}.", 404)
        return tagged.tags

    def _tag(self, call: Call) -> dict[str, Any]:
        with self._account.lock:
            self._tags(call).update(from_tags(call.parameters["tags"]))
        return {}

    def _untag(self, call: Call) -> dict[str, Any]:
        with self._account.lock:
            tags = self._tags(call)
            for key in call.parameters["tagKeys"]:
                tags.pop(key, None)
        return {}


def _as_arn(identifier: str, prefix: str) -> str:
    """An identifier that nothing has, as the ARN that IAM is asked about."""
    return identifier if identifier.startswith("arn:") else prefix + identifier
