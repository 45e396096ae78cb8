"""Puts the emulator together: MiniStack, Novaline's services in front of it, its guards, and the door."""

import importlib
from pathlib import Path
from typing import Any

from novaline.rehearsal import (
    cloudformation_types,
    event_targets,
    function_errors,
    kms_checks,
    ministack_host,
    state_machines,
)
from novaline.rehearsal.aws_call import Cloud, Service
from novaline.rehearsal.clients import ClientFactory
from novaline.rehearsal.cloud import HostCloud
from novaline.rehearsal.condition_keys import condition_keys
from novaline.rehearsal.door import Application, Door
from novaline.rehearsal.faults import FaultStore, fault_from_json
from novaline.rehearsal.service_desk import ServiceDesk
from novaline.reward_libraries import archive_of_this_computer

# botocore's name of a service -> where its class is
SERVICES = {
    "sagemaker": ("novaline.rehearsal.sagemaker", "SageMaker"),
    "bedrock": ("novaline.rehearsal.bedrock", "Bedrock"),
    "bedrock-runtime": ("novaline.rehearsal.bedrock", "BedrockRuntime"),
}


def assemble(
    *, account: str, region: str, endpoint: str, ca_bundle: Path, wait_scale: float, control_token: str
) -> Application:
    """The application to serve. To be called once in a process, which it changes for good."""
    faults = FaultStore()
    clients = ClientFactory(endpoint=endpoint, ca_bundle=ca_bundle, region=region)
    cloud = HostCloud(account=account, region=region, clients=clients, faults=faults, clock_scale=wait_scale)
    ministack_host.put_in_front(ServiceDesk(cloud, make_services(cloud)))
    ministack_host.add_condition_keys(condition_keys)
    kms_checks.install(cloud)
    event_targets.install(cloud)
    ministack_host.amend_function_errors(function_errors.name_exception)
    ministack_host.replace_layers(archive_of_this_computer)
    ministack_host.cut_ranges_of_versions()
    cloudformation_types.install(ministack_host.resource_types())
    state_machines.install(ministack_host.state_machine_engine(), cloud)
    return Door(ministack_host.application(), control=Controls(cloud, faults), token=control_token)


def make_services(cloud: Cloud) -> dict[str, Service]:
    """The services that Novaline adds, each made with the cloud around it."""
    return {name: getattr(importlib.import_module(module), cls)(cloud) for name, (module, cls) in SERVICES.items()}


class Controls:
    """What the emulator's owner may ask for beside AWS: faults, sessions of any role, and schedules that come due."""

    def __init__(self, cloud: HostCloud, faults: FaultStore) -> None:
        self._cloud = cloud
        self._faults = faults

    def __call__(self, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Do one command. Raises ValueError, TypeError or KeyError for what is none."""
        match command:
            case "faults":
                self._faults.add(fault_from_json(arguments))
                return {}
            case "faults/clear":
                self._faults.clear()
                return {}
            case "faults/waiting":
                return {"waiting": len(self._faults.waiting())}
            case "assume":
                return self._assume(**arguments)
            case "schedules/fire":
                ministack_host.fire_schedules()
                return {}
        raise ValueError(f"no such command: {command}")

    def _assume(
        self, *, role_arn: str, session_name: str, as_service: str | None = None, source_arn: str | None = None
    ) -> dict[str, Any]:
        if not ministack_host.role_exists(role_arn):
            raise ValueError(f"there is no role {role_arn}")
        context = {"aws:SourceAccount": self._cloud.account} | ({"aws:SourceArn": source_arn} if source_arn else {})
        if as_service is not None and not ministack_host.role_trusts(role_arn, as_service, context):
            raise ValueError(f"{role_arn} does not trust {as_service}")
        opened = ministack_host.open_session(role_arn, session_name)
        return {
            "access_key_id": opened.access_key_id,
            "secret_access_key": opened.secret_access_key,
            "session_token": opened.session_token,
        }
