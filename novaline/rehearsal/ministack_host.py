"""The one module that touches MiniStack's internals.

MiniStack is a fast-moving project and none of what is used here is promised by it: the version is pinned exactly, each
internal is named once, in `TOUCH_POINTS`, and a test holds this list against the installed package, so that an upgrade
fails there and not in the middle of a rehearsal. What the rest of the room gets are plain functions and values.

MiniStack reads its settings from the environment when it is imported: `server.py` sets them first, and only then
imports this module.
"""

import inspect
import json
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from types import ModuleType
from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator, responses, router
from ministack.services import dynamodb as dynamodb_service
from ministack.services import eventbridge, iam, kms, lambda_svc, s3, scheduler, sns, stepfunctions, sts
from ministack.services.cloudformation import provisioners

from novaline.findings import NovalineError
from novaline.rehearsal.clients import Credentials
from novaline.rehearsal.door import Application
from novaline.rehearsal.wire import HttpRequest, HttpResponse

VERSION = "1.5.33"

# (module, attribute, parameters it must take; None where it is no function)
TOUCH_POINTS: tuple[tuple[ModuleType, str, tuple[str, ...] | None], ...] = (
    (app, "app", ("scope", "receive", "send")),
    (app, "_dispatch_service_request", ("method", "path", "headers", "body", "query_params", "request_id")),
    (app, "SERVICE_HANDLERS", None),
    (app, "_get_module", ("name",)),
    (app, "AUTH", None),
    (router, "extract_access_key_id", ("headers", "query_params")),
    (responses, "get_account_id", ()),
    (responses, "get_region", ()),
    (
        iam_evaluator,
        "enforce",
        ("access_key_id", "iam_action", "service", "region", "resource_arn", "service_context"),
    ),
    (iam_evaluator, "evaluate_resource_policy", ("doc", "ctx", "service", "named_only", "direct_only")),
    (iam_evaluator, "EvalContext", None),
    (iam_evaluator, "AuthError", None),
    (iam_evaluator, "resolve_caller_identity", ("access_key_id",)),
    (iam_actions, "identity_denial_message", ("action", "principal_arn", "resource", "explicit_deny")),
    (iam_actions, "_resource_policy_denial", ("service", "action", "principal_arn", "resource_arn")),
    (iam, "_roles", None),
    (sts, "register_session", ("access_key", "session")),
    (kms, "_resolve_key", ("key_id_or_arn",)),
    (s3, "_buckets", None),
    (s3, "_object_versions", None),
    (s3, "_bucket_tags", None),
    (s3, "_multipart_uploads", None),
    (s3, "_bucket_encryption", None),
    (s3, "_put_bucket_encryption", ("name", "body")),
    (s3, "_bucket_default_sse_headers", ("bucket_name",)),
    (s3, "_stored_sse_headers", ("obj",)),
    (s3, "_get_object", ("bucket_name", "key", "headers", "query_params")),
    (s3, "_parse_range", ("range_header", "total")),
    (sns, "_topics", None),
    (dynamodb_service, "_tables", None),
    (stepfunctions, "_state_machines", None),
    (stepfunctions, "_executions", None),
    (stepfunctions, "_task_tokens", None),
    (stepfunctions, "_ExecutionError", None),
    (stepfunctions, "_add_event", ("execution", "event_type", "details")),
    (stepfunctions, "_run_execution", ("exec_arn",)),
    (stepfunctions, "_fail_execution", ("execution", "error", "cause")),
    (stepfunctions, "_emit_execution_status_event", ("execution",)),
    (stepfunctions, "_execute_pass", ("state_def", "raw_input", "ctx")),
    (stepfunctions, "_execute_task", ("state_def", "raw_input", "execution", "ctx")),
    (stepfunctions, "_execute_choice", ("state_def", "raw_input", "ctx")),
    (stepfunctions, "_execute_wait", ("state_def", "raw_input", "ctx")),
    (stepfunctions, "_execute_parallel", ("state_def", "raw_input", "execution", "ctx")),
    (stepfunctions, "_execute_map", ("state_def", "raw_input", "execution", "ctx")),
    (stepfunctions, "_run_parallel_branches", ("state_def", "raw_input", "execution", "ctx")),
    (
        stepfunctions,
        "_run_distributed_map",
        ("state_def", "raw_input", "effective", "iterator", "execution", "ctx"),
    ),
    (stepfunctions, "_map_runs", None),
    (stepfunctions, "_parse_reader_items", ("text", "config")),
    (stepfunctions, "_run_sub_machine", ("states", "start_at", "input_data", "execution", "ctx")),
    (stepfunctions, "_invoke_resource", ("resource", "input_data")),
    (stepfunctions, "_invoke_resource_with_timeout", ("resource", "input_data", "timeout")),
    (stepfunctions, "_invoke_with_callback", ("resource", "input_data", "token", "state_def")),
    (stepfunctions, "_scaled_sleep", ("seconds",)),
    (stepfunctions, "_SFN_WAIT_SCALE", None),
    (stepfunctions, "_state_query_language", ("state_def", "ctx")),
    (stepfunctions, "_apply_input_path", ("state_def", "data", "ctx")),
    (stepfunctions, "_apply_output_path", ("state_def", "data", "ctx")),
    (stepfunctions, "_apply_jsonata_arguments", ("state_def", "raw_input", "ctx")),
    (stepfunctions, "_apply_jsonata_output", ("state_def", "raw_input", "ctx", "result", "error_output", "default")),
    (stepfunctions, "_apply_jsonata_template", ("value", "raw_input", "ctx", "result", "error_output")),
    (stepfunctions, "_apply_state_assign", ("state_def", "raw_input", "ctx", "result", "error_output")),
    (stepfunctions, "_jsonata_state_field", ("state_def", "field", "expected", "raw_input", "ctx")),
    (stepfunctions, "_fail_state_error", ("state_def", "raw_input", "ctx")),
    (stepfunctions, "_next_or_end", ("state_def",)),
    (lambda_svc, "_resolve_layer_zip", ("attachment",)),
    (lambda_svc, "_execute_function_warm", ("func", "event", "request_id")),
    (lambda_svc, "_get_func_record_for_ref", ("function_ref",)),
    (eventbridge, "_invoke_target", ("target", "event", "rule", "view")),
    (scheduler, "_schedules", None),
    (scheduler, "_schedule_last_fired", None),
    (scheduler, "_tick_schedules", ()),
    (provisioners, "_RESOURCE_HANDLERS", None),
)

logger = logging.getLogger("novaline.rehearsal")

RequestHandler = Callable[[HttpRequest, str], Awaitable[HttpResponse | None]]
Answer = tuple[int, dict[str, str], bytes]
Proceed = Callable[[], Awaitable[Answer]]
Around = Callable[[HttpRequest, str, Proceed], Awaitable[Answer]]


def broken_touch_points() -> tuple[str, ...]:
    """What of `TOUCH_POINTS` the installed MiniStack does not have, or has with other parameters."""
    broken = []
    for module, name, expected in TOUCH_POINTS:
        place = f"{module.__name__}.{name}"
        if not hasattr(module, name):
            broken.append(f"{place} is gone")
        elif expected is not None and (found := tuple(inspect.signature(getattr(module, name)).parameters)) != expected:
            broken.append(f"{place}{found} was {expected}")
    return tuple(broken)


# ---- requests ----------------------------------------------------------------------------------------------------


def application() -> Application:
    """MiniStack as an ASGI application."""
    served: Application = app.app
    return served


def _around_dispatch(around: Around) -> None:
    """Let `around` see each service request first, with what lets it go on to MiniStack's own services."""
    original = app._dispatch_service_request

    async def dispatch(  # noqa: PLR0917 - MiniStack's own signature
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, list[str]],
        request_id: str,
    ) -> Answer:
        async def proceed() -> Answer:
            answered: Answer = await original(method, path, headers, body, query_params, request_id)
            return answered

        request = HttpRequest(method=method, path=path, headers=headers, query=query_params, body=body)
        return await around(request, request_id, proceed)

    app._dispatch_service_request = dispatch


def put_in_front(handler: RequestHandler) -> None:
    """Let `handler` see each service request first; what it answers with None goes on to MiniStack's own services."""

    async def answer(request: HttpRequest, request_id: str, proceed: Proceed) -> Answer:
        response = await handler(request, request_id)
        return await proceed() if response is None else (response.status, response.headers, response.body)

    _around_dispatch(answer)


def add_condition_keys(keys_of: Callable[[HttpRequest], Mapping[str, str]]) -> None:
    """Let IAM see further condition keys of each request, beside those that MiniStack finds itself."""
    enforce = iam_evaluator.enforce
    of_this_request: ContextVar[Mapping[str, str]] = ContextVar("condition_keys")

    async def answer(request: HttpRequest, _: str, proceed: Proceed) -> Answer:
        before = of_this_request.set(keys_of(request))
        try:
            return await proceed()
        finally:
            of_this_request.reset(before)

    @wraps(enforce)
    def enforce_with_keys(*arguments: Any, service_context: Mapping[str, Any] | None = None, **named: Any) -> Any:  # noqa: ANN401 - MiniStack's own signature
        return enforce(*arguments, service_context={**of_this_request.get({}), **(service_context or {})}, **named)

    _around_dispatch(answer)
    iam_evaluator.enforce = enforce_with_keys


def guard_service(service: str, guard: Callable[[HttpRequest], HttpResponse | HttpRequest]) -> None:
    """Let `guard` answer requests to one of MiniStack's services, after IAM has allowed them, or pass them on."""
    original = app.SERVICE_HANDLERS[service]

    async def guarded(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, list[str]]
    ) -> Answer:
        request = HttpRequest(method=method, path=path, headers=headers, query=query_params, body=body)
        found = guard(request)
        if isinstance(found, HttpResponse):
            return found.status, found.headers, found.body
        answered: Answer = await original(method, path, dict(found.headers), body, query_params)
        return answered

    app.SERVICE_HANDLERS[service] = guarded


def access_key_of(request: HttpRequest) -> str:
    """The access key that signed the request; empty if none did."""
    return str(router.extract_access_key_id(request.headers, request.query))


# ---- identity ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Denial:
    """Why IAM refuses: an authentication failure or a missing permission, in AWS's words."""

    code: str
    message: str


def account() -> str:
    """The account of the current request."""
    return str(responses.get_account_id())


def region() -> str:
    """The region of the current request."""
    return str(responses.get_region())


def principal_of(access_key: str) -> str:
    """The ARN behind an access key; empty for an unknown one."""
    identity = iam_evaluator.resolve_caller_identity(access_key)
    return str(identity["userArn"]) if identity else ""


def refusal(access_key: str, action: str, resource: str, context: Mapping[str, Any] | None = None) -> Denial | None:
    """What IAM has against `action` on `resource` by the holder of `access_key`; None if it is allowed."""
    service = action.partition(":")[0]
    result = iam_evaluator.enforce(
        access_key, action, service, region(), resource_arn=resource, service_context=dict(context or {})
    )
    if result is None:
        return None
    if isinstance(result, iam_evaluator.AuthError):
        return Denial(result.code, result.message)
    explicit = result.decision == "Deny"
    if explicit and result.resource_policy_arn:
        message = iam_actions._resource_policy_denial(service, action, result.principal_arn, resource)
    else:
        message = iam_actions.identity_denial_message(action, result.principal_arn, resource, explicit)
    return Denial("AccessDeniedException", message)


def role_exists(role_arn: str) -> bool:
    """Whether the account has that role."""
    role = iam._roles.get(role_arn.rsplit("/", 1)[-1])
    return role is not None and role.get("Arn") == role_arn


def role_trusts(role_arn: str, service_principal: str, context: Mapping[str, str]) -> bool:
    """Whether the role's trust policy lets that service assume it, given the condition context that it sends."""
    if not role_exists(role_arn):
        return False
    document = iam._roles.get(role_arn.rsplit("/", 1)[-1])["AssumeRolePolicyDocument"]
    document = json.loads(document) if isinstance(document, str) else document
    statements = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
    # MiniStack's own trust evaluation lets any Service principal match the root; as a resource policy on the role
    # itself, the same document is held to the named service.
    policy = {"Statement": [{**statement, "Resource": "*"} for statement in statements]}
    asked = iam_evaluator.EvalContext(
        principal_arn=service_principal,
        principal_type="Service",
        principal_account="",
        action="sts:AssumeRole",
        resource_arn=role_arn,
        region=region(),
        service_context={key.lower(): value for key, value in context.items()},
    )
    decision: str = iam_evaluator.evaluate_resource_policy(policy, asked, service=service_principal).decision
    return decision == "Allow"


def open_session(role_arn: str, name: str, *, hours: float = 12) -> Credentials:
    """Temporary credentials of a role, without asking its trust policy."""
    role = iam._roles.get(role_arn.rsplit("/", 1)[-1]) or {}
    owner = role_arn.split(":")[4]
    credentials = Credentials(
        access_key_id="ASIA" + secrets.token_hex(8).upper(),
        secret_access_key=secrets.token_urlsafe(30),
        session_token=secrets.token_urlsafe(60),
    )
    session = {
        "Arn": f"arn:aws:sts::{owner}:assumed-role/{role_arn.rsplit('/', 1)[-1]}/{name}",
        "UserId": f"{role.get('RoleId', 'AROA')}:{name}",
        "SecretAccessKey": credentials.secret_access_key,
        "SessionToken": credentials.session_token,
        "Expiration": time.time() + hours * 3600,
        "AccountId": owner,
        "PrincipalType": "AssumedRole",
    }
    sts.register_session(credentials.access_key_id, session)
    return credentials


# ---- encryption --------------------------------------------------------------------------------------------------


def key_arn(key: str) -> str | None:
    """The ARN of the key that an id, ARN, alias or alias ARN names; None if there is none."""
    record = kms._resolve_key(key)
    return str(record["Arn"]) if record else None


def default_encryption(bucket: str) -> tuple[Mapping[str, str], bool]:
    """The SSE headers that the bucket's default encryption stands for, and whether it uses a bucket key."""
    configured = str(s3._bucket_encryption.get(bucket) or "")
    return s3._bucket_default_sse_headers(bucket), "<BucketKeyEnabled>true" in configured.replace(" ", "")


def object_encryption(bucket: str, key: str, version: str | None) -> Mapping[str, str]:
    """The SSE headers stored with an object; empty if there is no such object."""
    if version:
        versions = s3._object_versions.get((bucket, key), [])
        found = next((entry for entry in versions if entry.get("version_id") == version), None)
    else:
        found = (s3._buckets.get(bucket) or {}).get("objects", {}).get(key)
    return s3._stored_sse_headers(found) if found else {}


def bucket_is_empty(bucket: str) -> bool:
    """Whether the bucket holds no object, no earlier version and no delete marker."""
    objects = (s3._buckets.get(bucket) or {}).get("objects", {})
    return not objects and not any(owner == bucket and kept for (owner, _), kept in s3._object_versions.items())


def set_default_encryption(bucket: str, document: str) -> None:
    """Give the bucket a default encryption, as PutBucketEncryption takes it. Raises ValueError if it is refused."""
    status, _, body = s3._put_bucket_encryption(bucket, document.encode())
    if status != HTTPStatus.OK:
        raise ValueError(body.decode())


def blocks_customer_keys(bucket: str) -> bool:
    """Whether the bucket refuses objects under keys that the caller provides (SSE-C)."""
    return "<EncryptionType>SSE-C</EncryptionType>" in str(s3._bucket_encryption.get(bucket) or "")


def set_bucket_tags(bucket: str, tags: Mapping[str, str]) -> None:
    """Replace the bucket's tags."""
    if tags:
        s3._bucket_tags[bucket] = dict(tags)
    else:
        s3._bucket_tags.pop(bucket, None)


def cut_ranges_of_versions() -> None:
    """Let GetObject of a named version keep to the Range that is asked for; MiniStack answers with all of it."""
    original = s3._get_object

    def get_object(bucket_name: str, key: str, headers: dict[str, str], query_params: Any = None) -> Answer:  # noqa: ANN401 - MiniStack's own signature
        status, found, body = original(bucket_name, key, headers, query_params)
        wanted = headers.get("range", "")
        if status != HTTPStatus.OK or not wanted or not (query_params or {}).get("versionId"):
            return status, found, body
        cut = s3._parse_range(wanted, len(body))
        if cut is None:
            headers = {"Content-Type": "application/xml", "Content-Range": f"bytes */{len(body)}"}
            return 416, headers, b"<Error><Code>InvalidRange</Code></Error>"
        part = body[cut[0] : cut[1] + 1]
        kept = {name: value for name, value in found.items() if not name.lower().startswith("x-amz-checksum-")}
        lengths = {"Content-Length": str(len(part)), "Content-Range": f"bytes {cut[0]}-{cut[1]}/{len(body)}"}
        return 206, {**kept, **lengths}, part

    s3._get_object = get_object


def upload_encryption(upload_id: str) -> Mapping[str, str]:
    """The SSE headers of a multipart upload in progress; empty if there is none."""
    upload = s3._multipart_uploads.get(upload_id)
    return s3._stored_sse_headers(upload) if upload else {}


def topic_key(topic_arn: str) -> str:
    """The KMS key of an SNS topic, as it was configured; empty for none."""
    topic = sns._topics.get(topic_arn) or {}
    return str((topic.get("attributes") or {}).get("KmsMasterKeyId", ""))


def set_topic_key(topic_arn: str, key: str) -> None:
    """Put an SNS topic under a KMS key; an empty one takes it away."""
    attributes = sns._topics[topic_arn]["attributes"]
    if key:
        attributes["KmsMasterKeyId"] = key
    else:
        attributes.pop("KmsMasterKeyId", None)


def table_key(table: str) -> str:
    """The customer's KMS key of a DynamoDB table, as it was configured; empty for none."""
    record = dynamodb_service._tables.get(table.rsplit("/", 1)[-1]) or {}
    return str((record.get("SSEDescription") or {}).get("KMSMasterKeyArn", ""))


def set_table_key(table: str, key: str) -> None:
    """Put a DynamoDB table under a customer's key."""
    description = {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": key_arn(key) or key}
    dynamodb_service._tables[table]["SSEDescription"] = description


def execution_key(execution_arn: str) -> tuple[str, str]:
    """The customer's KMS key of an execution, empty for none, and its state machine."""
    record = stepfunctions._executions.get(execution_arn) or {}
    return str((record.get("encryptionConfiguration") or {}).get("kmsKeyId") or ""), str(
        record.get("stateMachineArn", "")
    )


# ---- events ------------------------------------------------------------------------------------------------------


def guard_deliveries(refusal_of: Callable[[Mapping[str, Any], Mapping[str, Any]], str | None]) -> None:
    """Let events reach a target only if `refusal_of(target, rule or schedule)` is None; what it says goes to the log.

    So it is on AWS, where an undelivered event shows in a metric alone.
    """
    deliver = eventbridge._invoke_target

    def guarded(target: Mapping[str, Any], event: Any, rule: Mapping[str, Any], view: Any = None) -> None:  # noqa: ANN401 - MiniStack's own signature
        problem = refusal_of(target, rule)
        if problem is None:
            deliver(target, event, rule, view)
        else:
            logger.warning("event not delivered to %s: %s", target.get("Arn"), problem)

    eventbridge._invoke_target = guarded


def function_allows(function_arn: str, service_principal: str, context: Mapping[str, str]) -> bool:
    """Whether the function's own policy lets that service invoke it, given the condition context that it sends."""
    record, _, _ = lambda_svc._get_func_record_for_ref(function_arn)
    if record is None:
        return False
    asked = iam_evaluator.EvalContext(
        principal_arn=service_principal,
        principal_type="Service",
        principal_account="",
        action="lambda:InvokeFunction",
        resource_arn=function_arn,
        region=region(),
        service_context={key.lower(): value for key, value in context.items()},
    )
    decision = iam_evaluator.evaluate_resource_policy(record["policy"], asked, service=service_principal).decision
    return bool(decision == "Allow")


def fire_schedules() -> None:
    """Let every schedule come due now."""
    for key in list(scheduler._schedules._data):
        scheduler._schedule_last_fired[key] = 0
    scheduler._tick_schedules()


# ---- functions, state machines and stacks ------------------------------------------------------------------------


def amend_function_errors(amend: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Let `amend` see what each invocation of a function made: its `body`, its `log`, and whether it is an `error`."""
    original = lambda_svc._execute_function_warm

    def execute(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
        return amend(original(func, event, request_id))

    lambda_svc._execute_function_warm = execute


def replace_layers(of_this_computer: Callable[[bytes], bytes | None]) -> None:
    """Let functions run without their layers, which hold libraries for another processor and another Python.

    `of_this_computer` gives the same libraries for this one, and raises NovalineError when nobody installed them; None
    leaves a layer out: what it brings comes from this computer's environment, which has it for its own.
    """
    resolve = lambda_svc._resolve_layer_zip

    def replaced(attachment: str | dict[str, Any]) -> bytes | None:
        deployed = resolve(attachment)
        try:
            return None if deployed is None else of_this_computer(deployed)
        except NovalineError as problem:
            raise RuntimeError("; ".join(f"{one.message}: {one.hint}" for one in problem.findings)) from problem

    lambda_svc._resolve_layer_zip = replaced


def state_machine_engine() -> ModuleType:
    """MiniStack's interpreter of the Amazon States Language, for `state_machines.install`."""
    engine: ModuleType = stepfunctions
    return engine


def resource_types() -> dict[str, dict[str, Any]]:
    """CloudFormation's resource types: handlers (create, update, delete) by type name."""
    handlers: dict[str, dict[str, Any]] = provisioners._RESOURCE_HANDLERS
    return handlers
