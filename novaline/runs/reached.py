"""An environment in its account, reached when somebody needs it: a mistake in a file is told without AWS."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from novaline.runs.clients import Clients, account_clients
from novaline.runs.deployed import require_account, resources_of
from novaline.runs.stored_data import EnvironmentData

if TYPE_CHECKING:
    from novaline.customization.stored_data import FoundData
    from novaline.environments import Environment
    from novaline.requests.resources import Resources


class ReachedEnvironment:
    """The clients, the caller and the resources of an environment, each asked for once. It knows about data in S3.

    Everything raises NovalineError: no credentials, those of another account, an environment that is not deployed.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    @cached_property
    def clients(self) -> Clients:
        """Clients with the credentials of the shell."""
        return account_clients(self._environment.region)

    @cached_property
    def caller(self) -> str:
        """The ARN of whose credentials these are; they are the account's."""
        return require_account(self.clients.sts, self._environment)

    @cached_property
    def resources(self) -> Resources:
        """What the environment's stacks export."""
        assert self.caller
        return resources_of(self.clients.cloudformation, self._environment)

    @cached_property
    def _data(self) -> EnvironmentData:
        return EnvironmentData(self.clients.s3, self.resources)

    def find(self, uri: str, *, rows_of: str, model: str) -> FoundData:
        """The newest version of an object in the data bucket, as the environment's inspection found it."""
        return self._data.find(uri, rows_of=rows_of, model=model)
