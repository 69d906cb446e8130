"""What happens to every resource, real or stood in, before and after it is made.

Before: a failure somebody ordered, and the check against the schema. After: attributes that the type has
according to its schema and that ministack does not give.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from blueprint.emulator.server import checks
from blueprint.emulator.server.ministack import core, kms, provisioners, replace, s3
from blueprint.emulator.server.schemas import FALLBACK_REGION, Schemas
from blueprint.emulator.server.standins import CreateOnly, Handlers, Made, StandIns

# Types whose documented attributes include properties that a template sets.
READS_ITS_PROPERTIES = {"AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::SecurityGroup"}


class Provisioning:
    """Wraps ministack's two ways of making a resource: create and update."""

    def __init__(self, schemas: Schemas, stand_ins: StandIns, failures: Path) -> None:
        self._schemas = schemas
        self._stand_ins = stand_ins
        self._failures = failures

    def install(self) -> None:
        replace("_provision_resource", self._create(provisioners._provision_resource))
        replace("_update_resource", self._update(provisioners._update_resource))

    def _create(self, original: Callable[..., Made]) -> Callable[..., Made]:
        def create(resource_type: str, logical_id: str, props: dict[str, Any], stack: str) -> Made:
            self._before(resource_type, logical_id, props)
            physical_id, attributes = original(resource_type, logical_id, props, stack)
            return physical_id, self._readable(resource_type, logical_id, props, stack, attributes)

        return create

    def _update(self, original: Callable[..., Made]) -> Callable[..., Made]:
        def update(
            resource_type: str,
            physical_id: str,
            old: dict[str, Any],
            new: dict[str, Any],
            stack: str,
            logical_id: str = "",
            attributes: dict[str, Any] | None = None,
        ) -> Made:
            if old != new:
                self._before(resource_type, logical_id, new)
            made = original(resource_type, physical_id, old, new, stack, logical_id, attributes)
            return made[0], self._readable(resource_type, logical_id, new, stack, made[1])

        return update

    def _before(self, resource_type: str, logical_id: str, props: dict[str, Any]) -> None:
        ordered = json.loads(self._failures.read_text()) if self._failures.exists() else {}
        reason = ordered.get(logical_id) or ordered.get(resource_type)
        if reason:
            raise ValueError(reason)
        schema = self._schemas.of(resource_type, core.get_region())
        found = checks.problems(schema, props) if schema and _checkable(resource_type) else []
        if found:
            raise ValueError(
                f"Properties validation failed for resource {logical_id} with message: [{'; '.join(found)}]"
            )

    def _readable(
        self, resource_type: str, logical_id: str, props: dict[str, Any], stack: str, given: dict[str, Any]
    ) -> dict[str, Any]:
        if not resource_type.startswith("AWS::") or not _checkable(resource_type):
            return given
        own = props if resource_type in READS_ITS_PROPERTIES else {}
        return {**own, **self._stand_ins.attributes(resource_type, logical_id, props, stack), **given}


def _checkable(resource_type: str) -> bool:
    """Custom resources have properties of their own."""
    return not resource_type.startswith("AWS::CloudFormation::")


def complete_real_types(handlers: Handlers, replacing: dict[str, Any], schemas: Schemas) -> None:
    """Make the types that ministack has behave like the service where it matters to our templates."""
    for resource_type in handlers:
        replacing.setdefault(resource_type, CreateOnly(schemas, resource_type))
    _shape_tags(schemas)
    handlers["AWS::KMS::ReplicaKey"] = {
        "create": _replica_create,
        "update": _replica_update,
        "delete": handlers["AWS::KMS::Key"]["delete"],
    }
    bucket = handlers["AWS::S3::Bucket"]
    handlers["AWS::S3::Bucket"] = {
        **bucket,
        "create": _bucket_create(bucket["create"]),
        "delete": _bucket_delete(bucket["delete"]),
    }


def _shape_tags(schemas: Schemas) -> None:
    """Have the tags that CloudFormation adds in the shape that the schema of each type asks for."""
    shapes = provisioners._STACK_TAG_PROPERTY
    for resource_type, (name, _) in list(shapes.items()):
        kind = ((schemas.of(resource_type, FALLBACK_REGION) or {}).get("properties", {}).get(name, {})).get(
            "type"
        )
        if kind in ("array", "object"):
            shapes[resource_type] = (name, "list" if kind == "array" else "map")


def _bucket_create(original: Callable[..., Made]) -> Callable[..., Made]:
    """A prefix in the account-regional namespace gives ``<prefix>-<account>-<region>-an``."""

    def create(logical_id: str, props: dict[str, Any], stack: str) -> Made:
        prefix = props.get("BucketNamePrefix")
        if prefix and props.get("BucketNamespace") == "account-regional":
            name = f"{prefix}-{core.get_account_id()}-{core.get_region()}-an"
            if len(name) > 63:
                raise ValueError(f"bucket name {name} is longer than 63 characters")
            props = {**props, "BucketName": name}
        return original(logical_id, props, stack)

    return create


def _bucket_delete(original: Callable[..., None]) -> Callable[..., None]:
    """The service refuses to delete a bucket that holds anything."""

    def delete(physical_id: str, props: dict[str, Any]) -> None:
        if (s3._buckets.get(physical_id) or {}).get("objects"):
            raise ValueError(f"The bucket you tried to delete is not empty: {physical_id}")
        original(physical_id, props)

    return delete


def _replica_create(logical_id: str, props: dict[str, Any], stack: str) -> Made:
    """A replica key, made by ministack's own ReplicateKey in the primary key's region."""
    arn = props["PrimaryKeyArn"]
    _, _, _, primary_region, account, resource = arn.split(":", 5)
    here = core.get_region()
    request = {
        "KeyId": resource.removeprefix("key/"),
        "ReplicaRegion": here,
        "Policy": json.dumps(props["KeyPolicy"]),
        "Description": props.get("Description", ""),
        "Tags": [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in props.get("Tags", [])],
    }
    with core.request_scope(account, primary_region):
        status, _, body = kms._replicate_key(request)
    if status != 200:
        raise ValueError(json.loads(body).get("message", body))
    made = json.loads(body)["ReplicaKeyMetadata"]
    return made["KeyId"], {"KeyId": made["KeyId"], "Arn": made["Arn"]}


def _replica_update(physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str) -> Made:
    key = kms._resolve_key(physical_id)
    key["Policy"] = json.dumps(new["KeyPolicy"])
    key["Description"] = new.get("Description", "")
    return physical_id, {"KeyId": key["KeyId"], "Arn": key["Arn"]}
