"""Names that a deployment must know before anything is deployed, each composed in one place."""

from __future__ import annotations

from blueprint.stacks.places import Subject

#: The stack with the role that deploys; everything else of an environment, or of the account, comes after it.
STACK = "deployment"


def artifacts_prefix(subject: Subject) -> str:
    """Prefix of the buckets, one per account and region, that long templates and bundles go through.

    S3 appends ``-<account>-<region>-an``. They belong to the account: environments share them.
    """
    return f"{subject.project}-account-artifacts"


def deployment_role(subject: Subject) -> str:
    """The role that has exactly the permissions of a deployment; stack sets deploy with it as well."""
    return f"{subject.project}-{subject.name}-deployment"


def stack_sets_role(subject: Subject) -> str:
    """The role that stack sets take on to reach the deployment role."""
    return f"{subject.project}-{subject.name}-stack-sets"


def boundary(subject: Subject) -> str:
    """The permissions boundary of every role that a deployment makes."""
    return f"{subject.project}-{subject.name}-boundary"


def path(subject: Subject) -> str:
    """Where the roles of an environment are, in IAM's tree: before their name, which CloudFormation makes."""
    return f"/{subject.project}-{subject.name}/"
