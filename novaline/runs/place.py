"""A deployed environment, found: what a command asks first that looks at runs."""

from __future__ import annotations

from dataclasses import dataclass

from novaline.environments import Environment
from novaline.requests.resources import Resources
from novaline.runs.clients import Clients, account_clients
from novaline.runs.deployed import require_account, resources_of
from novaline.runs.launch import environment_named


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An environment with the clients for its account and region, and what its stacks export."""

    environment: Environment
    clients: Clients
    resources: Resources


def deployed_place(env: str) -> Place:
    """The environment of that name, with the credentials of the shell.

    Raises UsageProblem for an unknown name, NovalineError when the credentials are another account's or the environment
    is not deployed.
    """
    environment = environment_named(env)
    clients = account_clients(environment.region)
    require_account(clients.sts, environment)
    return Place(environment=environment, clients=clients, resources=resources_of(clients.cloudformation, environment))
