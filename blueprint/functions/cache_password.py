"""Rotates the password of the cache's user, who has two: the new one, and the former until the next rotation.

Environment: ``USER_ID`` is the user's id.
"""

from __future__ import annotations

import os
import time
from typing import Any

import boto3

from blueprint.functions.rotation import Credentials, rotation

LOOK_SECONDS = 5.0
KEPT_SECONDS = 20.0  # of the function's time, for giving up in order

look_again = time.sleep


def set_passwords(new: Credentials, current: Credentials, context: Any) -> None:
    """Both by name, so that it may be said again whatever a former attempt has left."""
    both = list(dict.fromkeys((new["password"], current["password"])))
    boto3.client("elasticache").modify_user(
        UserId=os.environ["USER_ID"], AuthenticationMode={"Type": "password", "Passwords": both}
    )


def wait_until_in_force(new: Credentials, current: Credentials, context: Any) -> None:
    while True:
        look_again(LOOK_SECONDS)
        [user] = boto3.client("elasticache").describe_users(UserId=os.environ["USER_ID"])["Users"]
        if user["Status"] == "active":
            break
        if context.get_remaining_time_in_millis() / 1000 < KEPT_SECONDS:
            raise TimeoutError(f"the cache's new password is not in force yet: its user is {user['Status']}")
    if user["Authentication"]["PasswordCount"] < len({new["password"], current["password"]}):
        raise ValueError("the cache's user has not both passwords")


handler = rotation(apply=set_passwords, prove=wait_until_in_force)
