"""Rotates the password of the cache through the API of ElastiCache, which keeps the former one beside it.

Environment: ``CACHE`` is the id of the replication group.
"""

from __future__ import annotations

import os
import time
from typing import Any

import boto3

from blueprint.functions.rotation import Credentials, rotation

FIRST_LOOK_SECONDS, LOOK_SECONDS = 10.0, 5.0
KEPT_SECONDS = 20.0  # of the function's time, for giving up in order

look_again = time.sleep


def set_password(credentials: Credentials, context: Any) -> None:
    """The new password and the one in use count from now on; the one before that does not any more."""
    boto3.client("elasticache").modify_replication_group(
        ReplicationGroupId=os.environ["CACHE"],
        AuthToken=credentials["password"],
        AuthTokenUpdateStrategy="ROTATE",
        ApplyImmediately=True,
    )


def wait_until_in_force(credentials: Credentials, context: Any) -> None:
    look_again(FIRST_LOOK_SECONDS)
    while True:
        status, pending = _state()
        if status == "available" and "AuthTokenStatus" not in pending:
            return
        if context.get_remaining_time_in_millis() / 1000 < KEPT_SECONDS:
            raise TimeoutError(f"the cache's new password is not in force yet: the cache is {status}")
        look_again(LOOK_SECONDS)


def _state() -> tuple[str, dict[str, Any]]:
    found = boto3.client("elasticache").describe_replication_groups(ReplicationGroupId=os.environ["CACHE"])
    [cache] = found["ReplicationGroups"]
    return cache["Status"], cache.get("PendingModifiedValues", {})


handler = rotation(apply=set_password, prove=wait_until_in_force)
