"""The account's own deployment role; what it may do is judged with the environments' (test_deployment.py)."""

from __future__ import annotations

from tests.conftest import RECOVERY
from tests.iam import Judge, deployment_policies

ACCOUNT = "111122223333"


def test_it_has_the_account_s_names_and_no_role_for_stack_sets(rendered_account):
    template = rendered_account(RECOVERY)["deployment"]
    assert template.properties("DeploymentRole")["RoleName"] == "acme-account-deployment"
    assert template.properties("Boundary")["ManagedPolicyName"] == "acme-account-boundary"
    assert "StackSetsRole" not in template.resources


def test_it_works_in_every_region_that_an_environment_uses_and_in_no_other(rendered_account):
    judge = Judge(deployment_policies(rendered_account(RECOVERY), ACCOUNT))
    stack = f"arn:aws:cloudformation:eu-west-1:{ACCOUNT}:stack/acme-account-encryption/1"
    for region, may in (
        ("eu-west-1", True),
        ("eu-central-1", True),
        ("us-east-1", True),
        ("us-west-2", False),
    ):
        context = {"aws:RequestedRegion": region}
        assert judge.allows("cloudformation:UpdateStack", stack, context) == may, region


def test_it_reaches_no_environment(rendered_account):
    judge = Judge(deployment_policies(rendered_account(), ACCOUNT))
    context = {"aws:RequestedRegion": "eu-west-1"}
    for name in ("acme-prod-network", "acme-account-deployment"):
        stack = f"arn:aws:cloudformation:eu-west-1:{ACCOUNT}:stack/{name}/1"
        assert not judge.allows("cloudformation:UpdateStack", stack, context), name


def test_it_may_change_the_audit_which_no_environment_may(rendered_account):
    judge = Judge(deployment_policies(rendered_account(), ACCOUNT))
    trail = f"arn:aws:cloudtrail:eu-west-1:{ACCOUNT}:trail/acme-account-trail"
    assert judge.allows("cloudtrail:UpdateTrail", trail, {"aws:RequestedRegion": "eu-west-1"})
