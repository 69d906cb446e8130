"""Names that a deployment must know before anything is there."""

from __future__ import annotations

from blueprint.stacks import deployment


def test_roles_are_of_one_environment_and_the_bucket_is_of_the_account(env):
    subject = env()
    assert deployment.deployment_role(subject) == "acme-prod-deployment"
    assert deployment.stack_sets_role(subject) == "acme-prod-stack-sets"
    assert deployment.boundary(subject) == "acme-prod-boundary"
    assert deployment.artifacts_prefix(subject) == "acme-account-artifacts"


def test_with_the_longest_project_a_bucket_and_a_role_still_fit(env):
    subject = env(project="twelve-chars")
    assert len(deployment.artifacts_prefix(subject)) <= 32, "63 less -<account>-<region>-an"
    assert len(deployment.stack_sets_role(subject)) <= 64
