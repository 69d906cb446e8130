"""Of a database that was restored: gives its master user the password in our secret, and rotates it then.

A snapshot brings a password of its own. CloudFormation could name another for the cluster, but sets it before
there is an instance, and it has got lost there (cloudformation-coverage-roadmap, issue 1500). So it is set
here, by a custom resource, when the writer runs. Environment: see ``master_password``.
"""

from __future__ import annotations

from typing import Any

import boto3

from blueprint.functions.custom_resource import Failure, Request, custom_resource
from blueprint.functions.master_password import set_password, wait_until_in_force
from blueprint.functions.rotation import CURRENT, rotation, version

rotate = rotation(apply=set_password, prove=wait_until_in_force)


def handler(event: dict[str, Any], context: Any) -> None:
    """Secrets Manager's steps, or a custom resource that sets the current password of ``Secret``."""
    if "Step" in event:
        rotate(event, context)
        return

    def adopt(request: Request) -> None:
        request.physical_id = "master-password"
        current = version(boto3.client("secretsmanager"), request.properties["Secret"], CURRENT)
        set_password(current, current, context)
        try:
            wait_until_in_force(current, current, context)
        except TimeoutError as late:
            raise Failure(str(late)) from None

    custom_resource(create=adopt, update=adopt, delete=lambda request: None)(event, context)
