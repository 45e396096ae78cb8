"""CloudFormation resource types whose behaviour in MiniStack differs from AWS where it matters to a stack.

A type that MiniStack does not know keeps rejecting the template: nothing is waved through here.
"""

from collections.abc import Callable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from novaline.rehearsal import ministack_host as host

Handlers = dict[str, dict[str, Any]]
Properties = Mapping[str, Any]
Settle = Callable[[str, Properties], None]


def install(types: Handlers) -> None:
    """Amend the emulator's resource types. To be called once."""
    bucket = types["AWS::S3::Bucket"]
    bucket["delete"] = refuse_full_buckets(bucket["delete"], host.bucket_is_empty)
    settle_after(bucket, _settle_bucket)
    settle_after(types["AWS::DynamoDB::Table"], _settle_table)
    settle_after(types["AWS::SNS::Topic"], _settle_topic)


def refuse_full_buckets(
    delete: Callable[[str, Properties], None], is_empty: Callable[[str], bool]
) -> Callable[[str, Properties], None]:
    """A deletion that fails, as CloudFormation's does, while objects or versions of objects are left in the bucket."""

    def delete_if_empty(physical_id: str, properties: Properties) -> None:
        if not is_empty(physical_id):
            message = "The bucket you tried to delete is not empty. You must delete all versions in the bucket."
            raise ValueError(f"{message} ({physical_id})")
        delete(physical_id, properties)

    return delete_if_empty


def settle_after(handlers: dict[str, Any], settle: Settle) -> None:
    """Let `settle(physical id, properties)` follow each creation and update by these handlers."""
    create, update = handlers["create"], handlers["update"]

    def create_and_settle(logical_id: str, properties: Properties, stack: str) -> tuple[str, Properties]:
        physical_id, attributes = create(logical_id, properties, stack)
        settle(physical_id, properties)
        return physical_id, attributes

    def update_and_settle(*given: Any, **named: Any) -> tuple[str, Properties]:  # noqa: ANN401 - passed on as they came
        physical_id, attributes = update(*given, **named)
        settle(physical_id, given[2])  # (physical id, old properties, new properties, stack)
        return physical_id, attributes

    handlers["create"] = create_and_settle
    handlers["update"] = update_and_settle


def _settle_bucket(name: str, properties: Properties) -> None:
    """Default encryption and tags, which MiniStack leaves out of buckets that a stack makes."""
    rules = (properties.get("BucketEncryption") or {}).get("ServerSideEncryptionConfiguration")
    if rules:
        host.set_default_encryption(name, encryption_document(rules))
    host.set_bucket_tags(name, {tag["Key"]: tag["Value"] for tag in properties.get("Tags") or []})


def encryption_document(rules: list[Mapping[str, Any]]) -> str:
    """The template's encryption rules as the XML that PutBucketEncryption takes."""
    written = ""
    for rule in rules:
        default = rule.get("ServerSideEncryptionByDefault") or {}
        inner = f"<SSEAlgorithm>{escape(str(default.get('SSEAlgorithm', 'AES256')))}</SSEAlgorithm>"
        if default.get("KMSMasterKeyID"):
            inner += f"<KMSMasterKeyID>{escape(str(default['KMSMasterKeyID']))}</KMSMasterKeyID>"
        written += f"<Rule><ApplyServerSideEncryptionByDefault>{inner}</ApplyServerSideEncryptionByDefault>"
        enabled = str(rule.get("BucketKeyEnabled", False)).lower()
        written += f"<BucketKeyEnabled>{enabled}</BucketKeyEnabled>"
        blocked = (rule.get("BlockedEncryptionTypes") or {}).get("EncryptionType") or []
        if blocked:
            kinds = "".join(f"<EncryptionType>{escape(str(kind))}</EncryptionType>" for kind in blocked)
            written += f"<BlockedEncryptionTypes>{kinds}</BlockedEncryptionTypes>"
        written += "</Rule>"
    space = "http://s3.amazonaws.com/doc/2006-03-01/"
    return f'<ServerSideEncryptionConfiguration xmlns="{space}">{written}</ServerSideEncryptionConfiguration>'


def _settle_table(name: str, properties: Properties) -> None:
    """Encryption under a customer's key, which MiniStack leaves out of tables that a stack makes."""
    specification = properties.get("SSESpecification") or {}
    key = specification.get("KMSMasterKeyId")
    if str(specification.get("SSEEnabled", "")).lower() == "true" and key:
        host.set_table_key(name, str(key))


def _settle_topic(arn: str, properties: Properties) -> None:
    """The topic's KMS key, which MiniStack leaves out of topics that a stack makes."""
    host.set_topic_key(arn, str(properties.get("KmsMasterKeyId") or ""))
