"""Names in policies are those that the templates can make, and no more."""

from __future__ import annotations

from functools import cache

import pytest

from blueprint.permissions import facts, names
from blueprint.permissions.facts import Kind
from blueprint.permissions.names import BEANSTALK, artifacts, secret
from blueprint.permissions.needs import needs
from blueprint.permissions.resources import Made
from blueprint.stacks import deployment
from tests.conftest import SHIPPED, Rendering, load_shipped

AT = "${AWS::Partition}"
ACCOUNT = "${AWS::AccountId}"
FUNCTION = {"F": {"Type": "AWS::Lambda::Function", "Properties": {}}}


@cache
def shipped(name: str) -> Rendering:
    return load_shipped(name)


def test_what_is_ours_begins_with_project_and_environment(makes):
    assert makes(FUNCTION).arns(Kind("lambda", "function")) == [
        f"arn:{AT}:lambda:*:{ACCOUNT}:function:acme-prod-*"
    ]


def test_instances_of_stack_sets_begin_with_the_set_in_as_many_letters_as_cloudformation_leaves(makes):
    found = makes(FUNCTION, recovery=True).arns(Kind("lambda", "function"))
    assert found[1].endswith(":function:StackSet-acme-prod-*")
    short = makes(FUNCTION, recovery=True)
    long = names.Names(short.subject.model_copy(update={"project": "twelve-chars"}), short.made)
    begins = long.arns(Kind("lambda", "function"))[1].rpartition("function:")[2].rstrip("*")
    assert "StackSet-twelve-chars-prod-x".startswith(begins)
    assert len(begins) == names.KEPT_CHARACTERS


def test_a_service_that_no_stack_set_makes_anything_of_has_no_such_names(makes):
    assert len(makes(FUNCTION, recovery=True).arns(Kind("rds", "db"))) == 1
    assert len(makes(FUNCTION, recovery=True).arns(Kind("cloudformation", "stack"))) == 2
    assert len(makes(FUNCTION).arns(Kind("cloudformation", "stack"))) == 1


def test_a_bucket_is_in_the_accounts_own_namespace(makes):
    assert makes({}).arns(Kind("s3", "object")) == [f"arn:{AT}:s3:::acme-prod-*-{ACCOUNT}-*-an/*"]


def test_log_groups_go_as_far_as_the_part_that_names_the_environment(makes):
    found = makes(
        {
            name: {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": path}}
            for name, path in {
                "A": "/aws/rds/cluster/acme-prod-database/error",
                "B": "/aws/rds/cluster/acme-prod-database/audit",
                "C": "/somewhere/else",
                "D": "/aws/elasticbeanstalk/acme-prod/var/log/x",
            }.items()
        }
    ).arns(Kind("logs", "log-group"))
    begin = f"arn:{AT}:logs:*:{ACCOUNT}:log-group:"
    assert found == [
        f"{begin}acme-prod-*",
        f"{begin}/aws/elasticbeanstalk/acme-prod/*",  # not acme-prod-b's
        f"{begin}/aws/rds/cluster/acme-prod-database*",
        f"{begin}/somewhere/else*",
    ]


def test_what_templates_spell_is_a_name_too(makes):
    made = makes(
        {
            "CacheSecret": {"Type": "AWS::SecretsManager::Secret", "Properties": {}},
            "Cluster": {"Type": "AWS::RDS::DBCluster", "Properties": {"SnapshotIdentifier": "before"}},
            "Target": {"Type": "AWS::ApplicationAutoScaling::ScalableTarget", "Properties": {}},
        }
    )
    assert made.arns(Kind("secretsmanager", "Secret"))[1].endswith(":secret:CacheSecret-*")
    assert made.arns(Kind("rds", "cluster-snapshot"))[1].endswith(":before")
    assert made.arns(Kind("cloudwatch", "alarm"))[1].endswith(":alarm:TargetTracking-*")
    assert len(makes({}).arns(Kind("cloudwatch", "alarm"))) == 1


def test_a_scope_has_names_of_its_own_and_may_have_none(makes):
    made = makes({})
    assert made.arns(Kind("cloudformation", "stack"), BEANSTALK)[0].endswith(":stack/awseb-e-*/*")
    assert made.arns(Kind("cloudformation", "stackset"), BEANSTALK) == []
    assert made.arns(Kind("cloudformation", "stack"))[0].endswith(":stack/acme-prod-*/*")


def test_the_part_of_the_artifacts_that_is_ours_and_no_others(makes):
    made = makes({})
    bucket = f"arn:{AT}:s3:::acme-account-artifacts-{ACCOUNT}-*-an"
    assert made.arns(Kind("s3", "object"), artifacts(made.subject)) == [
        f"{bucket}/prod/*",
        f"{bucket}/templates/prod/*",
        f"{bucket}/locks/prod.json",
    ]


def test_a_secret_of_a_name_goes_on_with_six_characters(makes):
    found = makes({}).arns(Kind("secretsmanager", "Secret"), secret("acme/google"))
    assert found == [f"arn:{AT}:secretsmanager:*:{ACCOUNT}:secret:acme/google-??????"]


def test_a_name_that_the_service_makes_up_tells_nobody_whose_it_is(makes):
    made = makes({})
    assert made.made_up(Kind("kms", "key"))
    assert made.made_up(Kind("ec2", "vpc"))
    assert not made.made_up(Kind("kms", "alias"))
    assert not made.made_up(Kind("elasticloadbalancing", "targetgroup"), BEANSTALK)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_kind_that_an_action_must_name_is_in_the_table(name):
    """Else its resources would be any of the account's, without anybody having said why."""
    rendered = shipped(name).rendered
    others = {n: t.data for n, t in shipped(name).templates.items() if n != deployment.STACK}
    made = Made(rendered.plan.stacks.values(), others, "")
    known = names.Names(rendered.subject, made)
    missing = {
        str(kind)
        for need in needs(rendered.subject, made)
        for kind in facts.required(need.action)
        if not known.known(kind, need.scope)
    }
    assert missing == set()


def test_every_kind_of_the_table_is_one_of_iams():
    for text in names._NAMES:
        service, _, kind = text.partition(":")
        assert kind in facts._file()["services"][service]["kinds"], text
