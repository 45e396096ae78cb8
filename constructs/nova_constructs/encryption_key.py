"""The key of one environment: what may use it, and for what, is in its policy and nowhere else."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from nova_constructs.statements import allow

_ADMINISTRATION = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListKeyRotations",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RetireGrant",
    "kms:RevokeGrant",
    "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
)
_DATA_KEYS = ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo")
_SERVICES = ("bedrock", "dynamodb", "s3", "sagemaker", "sns")


class EncryptionKey(Construct):
    """One symmetric key with yearly rotation and an alias, for everything that the environment stores.

    IAM of the account administers it. It encrypts and decrypts only through the services that store Novaline's data,
    for Step Functions only with the encryption context of a state machine of this account and region, and for
    CloudWatch Logs only with that of a log group: nobody, an administrator included, decrypts with it directly. A role
    needs its own permission besides. Source: each service's page on encryption at rest, KMS's on `kms:ViaService`.
    """

    def __init__(self, scope: Construct, construct_id: str, *, alias: str, removal_policy: RemovalPolicy) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        self.key = kms.Key(
            self,
            "Key",
            description=f"Encrypts what {alias} stores: data, artifacts, ledger, notifications, logs, executions",
            enable_key_rotation=True,
            pending_window=Duration.days(7),
            removal_policy=removal_policy,
            policy=iam.PolicyDocument(statements=key_policy(account=stack.account, region=stack.region)),
        )
        name = kms.Alias(self, "Alias", alias_name=f"alias/{alias}", target_key=self.key)
        name.apply_removal_policy(RemovalPolicy.DESTROY)  # a retained alias would keep the environment from coming back


def key_policy(*, account: str, region: str) -> list[iam.PolicyStatement]:
    """The statements of the key policy. `Resource: *` in a key policy means this key."""
    owner = iam.AccountPrincipal(account)
    executions = f"arn:aws:states:{region}:{account}:stateMachine:*"
    log_deliveries = f"arn:aws:logs:{region}:{account}:*"  # the context's value ends in a literal asterisk
    services = [f"{service}.{region}.amazonaws.com" for service in _SERVICES]
    return [
        _statement("AdministerThroughIam", owner, _ADMINISTRATION),
        _statement("UseThroughStores", owner, _DATA_KEYS, {"StringEquals": {"kms:ViaService": services}}),
        _statement("GrantToStores", owner, ("kms:CreateGrant",), {"Bool": {"kms:GrantIsForAWSResource": "true"}}),
        # Not by kms:ViaService, which Step Functions does not set when it acts under an execution role.
        _statement(
            "EncryptExecutions",
            owner,
            ("kms:Decrypt", "kms:GenerateDataKey"),
            {"ArnLike": {"kms:EncryptionContext:aws:states:stateMachineArn": executions}},
        ),
        _statement(
            "EncryptExecutionLogs",
            owner,
            ("kms:GenerateDataKey",),
            {"StringEquals": {"kms:EncryptionContext:SourceArn": log_deliveries}},
        ),
        _statement(
            "DeliverExecutionLogs",
            iam.ServicePrincipal("delivery.logs.amazonaws.com"),
            ("kms:Decrypt",),
            {"StringEquals": {"kms:EncryptionContext:SourceArn": log_deliveries}},
        ),
        _statement(
            "EncryptLogGroups",
            iam.ServicePrincipal(f"logs.{region}.amazonaws.com"),
            (*_DATA_KEYS, "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext"),
            {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{region}:{account}:log-group:*"}},
        ),
    ]


def _statement(
    sid: str,
    principal: iam.IPrincipal,
    actions: tuple[str, ...],
    conditions: dict[str, dict[str, object]] | None = None,
) -> iam.PolicyStatement:
    statement = allow(sid, actions, ["*"], conditions=conditions)
    statement.add_principals(principal)
    return statement
