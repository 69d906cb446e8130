"""Sets the password of the database's master user through the API of RDS: no SQL, no driver.

Environment: ``DATABASE`` is the ARN of an Aurora cluster or of a database instance.
"""

from __future__ import annotations

import os
import time
from typing import Any

import boto3

from blueprint.functions.rotation import Credentials

FIRST_LOOK_SECONDS = 10.0  # RDS goes on saying "available" for a moment
LOOK_SECONDS = 5.0
KEPT_SECONDS = 20.0  # of the function's time, for giving up in order

look_again = time.sleep


def set_password(new: Credentials, current: Credentials, context: Any) -> None:
    """RDS asks for no former password, so this also mends a secret that no longer fits."""
    database = os.environ["DATABASE"]
    rds = boto3.client("rds")
    change = {"MasterUserPassword": new["password"], "ApplyImmediately": True}
    if _is_cluster(database):
        rds.modify_db_cluster(DBClusterIdentifier=_name(database), **change)
    else:
        rds.modify_db_instance(DBInstanceIdentifier=_name(database), **change)


def wait_until_in_force(new: Credentials, current: Credentials, context: Any) -> None:
    """RDS changes the password while it serves, and says so by state and by what is pending."""
    database = os.environ["DATABASE"]
    look_again(FIRST_LOOK_SECONDS)
    while True:
        status, pending = _state(database)
        if status == "available" and "MasterUserPassword" not in pending:
            return
        if context.get_remaining_time_in_millis() / 1000 < KEPT_SECONDS:
            raise TimeoutError(f"the new master password is not in force yet: the database is {status}")
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
