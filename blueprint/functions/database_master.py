"""Gives the database's master user the password in its secret, through the API of RDS: no SQL, no driver.

RDS can manage that password itself, but not for a global database. Two events come here. Secrets Manager
rotates the secret; and CloudFormation has the password set once where the database was restored, because a
snapshot brings its own.

Environment: ``DATABASE`` is the ARN of an Aurora cluster or of a database instance.
"""

from __future__ import annotations

import os
import time
from typing import Any

import boto3

from blueprint.functions.custom_resource import Failure, Request, custom_resource
from blueprint.functions.rotation import CURRENT, Credentials, rotation, version

FIRST_LOOK_SECONDS = 10.0  # RDS goes on saying "available" for a moment
LOOK_SECONDS = 5.0
KEPT_SECONDS = 20.0  # of the function's time, for giving up in order

look_again = time.sleep


def set_password(credentials: Credentials, context: Any) -> None:
    database = os.environ["DATABASE"]
    rds = boto3.client("rds")
    new = {"MasterUserPassword": credentials["password"], "ApplyImmediately": True}
    if _is_cluster(database):
        rds.modify_db_cluster(DBClusterIdentifier=_name(database), **new)
    else:
        rds.modify_db_instance(DBInstanceIdentifier=_name(database), **new)


def wait_until_in_force(credentials: Credentials, context: Any) -> None:
    """RDS changes the password while it serves, and says so by state and by what is pending."""
    database = os.environ["DATABASE"]
    look_again(FIRST_LOOK_SECONDS)
    while True:
        status, pending = _state(database)
        if status == "available" and "MasterUserPassword" not in pending:
            return
        if context.get_remaining_time_in_millis() / 1000 < KEPT_SECONDS:
            raise Failure(f"the new master password is not in force yet: the database is {status}")
        look_again(LOOK_SECONDS)


def _state(database: str) -> tuple[str, dict[str, Any]]:
    rds = boto3.client("rds")
    if _is_cluster(database):
        [found] = rds.describe_db_clusters(DBClusterIdentifier=_name(database))["DBClusters"]
        return found["Status"], found.get("PendingModifiedValues", {})
    [found] = rds.describe_db_instances(DBInstanceIdentifier=_name(database))["DBInstances"]
    return found["DBInstanceStatus"], found.get("PendingModifiedValues", {})


def _is_cluster(arn: str) -> bool:
    return arn.split(":")[5] == "cluster"


def _name(arn: str) -> str:
    return arn.split(":")[6]


_rotate = rotation(apply=set_password, prove=wait_until_in_force)


def handler(event: dict[str, Any], context: Any) -> None:
    """Secrets Manager's steps, or a custom resource that sets the current password of ``Secret``."""
    if "Step" in event:
        _rotate(event, context)
        return

    def adopt(request: Request) -> None:
        request.physical_id = "master-password"
        current = version(boto3.client("secretsmanager"), request.properties["Secret"], CURRENT)
        set_password(current, context)
        wait_until_in_force(current, context)

    custom_resource(create=adopt, update=adopt, delete=lambda request: None)(event, context)
