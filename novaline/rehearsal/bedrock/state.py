"""What Bedrock keeps of an account: custom models and deployments, found by ARN or name."""

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

from novaline.rehearsal.aws_call import AwsError, Call, Cloud

if TYPE_CHECKING:
    from novaline.rehearsal.learner.stand_in import TrainedStandIn

Status = Literal["Creating", "Active", "Failed"]
UpdateStatus = Literal["Updating", "UpdateCompleted", "UpdateFailed"]
PRINCIPAL = "bedrock.amazonaws.com"


@dataclass(slots=True, kw_only=True)
class CustomModel:
    """A model imported by CreateCustomModel. Changes under the account's lock."""

    arn: str
    name: str
    created: datetime
    key_arn: str | None
    tags: dict[str, str]
    token: str | None
    status: Status = "Creating"
    failure: str | None = None
    stand_in: "TrainedStandIn | None" = None  # once Active

    @property
    def base(self) -> str | None:
        """The id of the base model ("amazon.nova-micro-v1"), known once the checkpoint has been read."""
        return self.stand_in.model_type.partition(":")[0] if self.stand_in else None


@dataclass(slots=True, kw_only=True)
class Deployment:
    """A custom model deployment. Changes under the account's lock."""

    arn: str
    name: str
    model_arn: str
    created: datetime
    updated: datetime
    description: str | None
    tags: dict[str, str]
    token: str | None
    status: Status = "Creating"
    failure: str | None = None
    update: tuple[str, UpdateStatus] | None = None  # (model ARN, how far the last update is)


@dataclass(slots=True, weakref_slot=True)
class Account:
    """Everything, with the one lock that guards it."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    models: dict[str, CustomModel] = field(default_factory=dict)
    deployments: dict[str, Deployment] = field(default_factory=dict)

    def find_model(self, identifier: str) -> CustomModel | None:
        """By ARN or by name."""
        with self.lock:
            named = (model for model in self.models.values() if model.name == identifier)
            return self.models.get(identifier) or next(named, None)

    def find_deployment(self, identifier: str) -> Deployment | None:
        """By ARN or by name."""
        with self.lock:
            named = (deployment for deployment in self.deployments.values() if deployment.name == identifier)
            return self.deployments.get(identifier) or next(named, None)

    def model(self, identifier: str) -> CustomModel:
        """By ARN or by name. Raises AwsError ResourceNotFoundException."""
        return self.find_model(identifier) or _not_found("custom model", identifier)

    def deployment(self, identifier: str) -> Deployment:
        """By ARN or by name. Raises AwsError ResourceNotFoundException."""
        return self.find_deployment(identifier) or _not_found("custom model deployment", identifier)

    def ready_model(self, identifier: str) -> CustomModel:
        """A model that can be deployed. Raises AwsError."""
        model = self.model(identifier)
        if model.status != "Active":
            raise AwsError("ValidationException", f"The custom model {model.arn} is {model.status}, expected Active.")
        return model


_accounts: "WeakKeyDictionary[Cloud, Account]" = WeakKeyDictionary()
_accounts_lock = threading.Lock()


def account_of(cloud: Cloud) -> Account:
    """The one account of a cloud: the control plane writes it, the runtime reads it."""
    with _accounts_lock:
        return _accounts.setdefault(cloud, Account())


def new_arn(call: Call, kind: str) -> str:
    """`arn:aws:bedrock:…:<kind>/<12 of a-z, 0-9>`, as the patterns of the API want it."""
    return f"arn:aws:bedrock:{call.region}:{call.account}:{kind}/{uuid.uuid4().hex[:12]}"


def as_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as Bedrock's API writes them."""
    return [{"key": key, "value": value} for key, value in sorted(tags.items())]


def from_tags(tags: Any) -> dict[str, str]:  # noqa: ANN401 - the list of tags of a request
    """The reverse."""
    return {tag["key"]: tag["value"] for tag in tags or ()}


def tag_context(tags: Mapping[str, str]) -> dict[str, str]:
    """aws:RequestTag/<key> for each tag."""
    return {f"aws:RequestTag/{key}": value for key, value in tags.items()}


def _not_found(what: str, identifier: str) -> Any:  # noqa: ANN401 - never returns
    raise AwsError("ResourceNotFoundException", f"There is no {what} {identifier}.", 404)
