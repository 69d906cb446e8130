"""Functions of custom resources: code inline, a role that can do its work and no more, a log of their own."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from awacs import ec2
from awacs.aws import Allow, Statement
from troposphere import Ref, Sub

from blueprint.layers.shared.functions import LOG_DAYS, add_custom_resource, add_function, inline_code
from tests.small import stack_of

MODULES = ["close_default_security_group", "ebs_encryption"]


@pytest.fixture
def made(env) -> dict[str, dict[str, Any]]:
    """The resources of a stack with one function and one resource that it makes."""
    stack = stack_of(env(), "data")
    function = add_function(
        stack,
        "Closer",
        MODULES[0],
        purpose="Closes it",
        statements=[Statement(Effect=Allow, Action=[ec2.DescribeVpcs], Resource=["*"])],
        timeout_seconds=60,
        log_key_arn=Ref("AWS::NoValue"),
    )
    add_custom_resource(
        stack,
        "Closed",
        "Custom::Closed",
        function,
        {"VpcId": Sub("${AWS::StackName}")},
        depends_on=[stack.resources["Bucket"]],
        setting="network",
    )
    assert stack.traces["Closed"].setting == "network"
    return {name: resource.to_dict() for name, resource in stack.resources.items()}


def statements(made: dict[str, Any]) -> list[dict[str, Any]]:
    (policy,) = made["CloserRole"]["Properties"]["Policies"]
    return (
        policy["PolicyDocument"].to_dict()["Statement"]
        if not isinstance(policy, dict)
        else policy["PolicyDocument"]["Statement"]
    )


def test_the_code_is_in_the_template_and_whole(made):
    properties = made["Closer"]["Properties"]
    assert properties["Code"] == {"ZipFile": inline_code(MODULES[0])}
    assert properties["Handler"] == "index.handler"


def test_the_role_writes_its_own_log_and_does_its_work_and_nothing_else(made):
    log, work = statements(made)
    assert log["Resource"] == [{"Fn::GetAtt": ["CloserLogs", "Arn"]}]
    assert set(log["Action"]) == {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert work["Action"] == ["ec2:DescribeVpcs"]
    assert "ManagedPolicyArns" not in made["CloserRole"]["Properties"]


def test_only_lambda_assumes_the_role(made):
    trust = made["CloserRole"]["Properties"]["AssumeRolePolicyDocument"]
    assert [(s["Principal"], s["Action"]) for s in trust["Statement"]] == [
        ({"Service": "lambda.amazonaws.com"}, ["sts:AssumeRole"])
    ]


def test_the_log_exists_before_the_function_and_forgets_in_time(made):
    assert made["Closer"]["Properties"]["LoggingConfig"] == {"LogGroup": {"Ref": "CloserLogs"}}
    assert made["CloserLogs"]["Properties"]["RetentionInDays"] == LOG_DAYS
    assert made["CloserLogs"]["DeletionPolicy"] == "RetainExceptOnCreate"


def test_a_stack_waits_for_three_attempts_and_not_for_an_hour(made):
    assert made["Closed"]["Properties"]["ServiceTimeout"] == 3 * 60 + 180


def test_the_resource_is_made_by_the_function_after_what_it_depends_on(made):
    assert made["Closed"]["Type"] == "Custom::Closed"
    assert made["Closed"]["Properties"]["ServiceToken"] == {"Fn::GetAtt": ["Closer", "Arn"]}
    assert made["Closed"]["DependsOn"] == ["Bucket"]


def test_the_resource_has_the_properties_that_were_named_and_waits_an_hour_at_most(env):
    stack = stack_of(env(), "data")
    function = add_function(
        stack, "Closer", MODULES[0], purpose="x", statements=[], timeout_seconds=900, log_key_arn=None
    )
    resource = add_custom_resource(stack, "Closed", "Custom::Closed", function, {"VpcId": "x"})
    assert resource.VpcId == "x"
    assert set(resource.props) == {"ServiceToken", "ServiceTimeout", "VpcId"}
    assert resource.ServiceTimeout <= 3600  # CloudFormation takes no more, however long a function may run


@pytest.mark.parametrize("module", MODULES)
def test_inline_code_is_one_python_file_with_a_handler_and_nothing_of_ours_to_import(module):
    tree = ast.parse(inline_code(module))
    assigned = {target.id for node in tree.body if isinstance(node, ast.Assign) for target in node.targets}
    assert "handler" in assigned | {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert "blueprint" not in imported
    first = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    assert len(first) <= 1


@pytest.mark.parametrize("module", MODULES)
def test_inline_code_is_within_what_lambda_takes(module):
    assert len(inline_code(module).encode()) < 4 * 1024 * 1024
