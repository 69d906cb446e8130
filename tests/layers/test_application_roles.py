"""What the application's roles may do: each what it needs, and nothing that opens a way past sign-in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest
import yaml

from blueprint.environment import load_environment
from tests.conftest import LEAST, RECOVERY, merged
from tests.layers import application_stubs
from tests.layers.elb import ACCOUNT, BALANCER, GROUP, LISTENERS, REGION, resolved
from tests.layers.policy import holds

Make = Callable[..., dict[str, Any]]
CACHE = {"cache": {"enabled": True}}


@pytest.fixture
def template(tmp_path) -> Make:
    def make(**over: Any) -> dict[str, Any]:
        (tmp_path / "prod.yaml").write_text(yaml.safe_dump(merged(LEAST, over)))
        return application_stubs.template(load_environment(tmp_path, "prod"))

    return make


def documents(template: dict[str, Any], role: str) -> Iterator[dict[str, Any]]:
    """The policies of a role: inside it, shared with another, or added to it."""
    resources = template["Resources"]
    properties = resources[role]["Properties"]
    shared = [reference["Ref"] for reference in properties.get("ManagedPolicyArns", [])]
    added = [n for n, r in resources.items() if {"Ref": role} in r.get("Properties", {}).get("Roles", [])]
    yield from (policy["PolicyDocument"] for policy in properties["Policies"])
    for name in (*shared, *added):
        if "PolicyDocument" in resources[name]["Properties"]:  # the profile of instances has a role too
            yield resources[name]["Properties"]["PolicyDocument"]


def statements(template: dict[str, Any], *roles: str) -> Iterator[dict[str, Any]]:
    for role in roles:
        for document in documents(template, role):
            yield from resolved(document["Statement"], template)


def allows(template: dict[str, Any], role: str, action: str, resource: str, **context: str) -> bool:
    return any(
        any(fnmatchcase(action, pattern) for pattern in statement["Action"])
        and any(fnmatchcase(resource, pattern) for pattern in statement["Resource"])
        and all(
            holds(operator, key, wanted, context)
            for operator, tests in statement.get("Condition", {}).items()
            for key, wanted in tests.items()
        )
        for statement in statements(template, role)
    )


BEANSTALK_S = ("ServiceRole", "OperationsRole")
ROLES = ("InstanceRole", *BEANSTALK_S, "VersionLifecycleRole", "BeanstalkFunctionRole")
#: Actions that know no resource, or whose resource is the condition beside them.
UNBOUND = re.compile(
    r"(autoscaling|cloudformation|cloudwatch|ec2|elasticbeanstalk|elasticloadbalancing|logs):"
    r"(Describe|List)[\w*]+"
    r"|ec2:GetConsoleOutput|elasticbeanstalk:ValidateConfigurationSettings"
    r"|ssm:UpdateInstanceInformation|ssmmessages:(Create|Open)(Control|Data)Channel"
    r"|iam:(GetInstanceProfile|GetRole|ListInstanceProfiles|ListRoles)"
    r"|autoscaling:DeletePolicy"  # CloudFormation names no group with it
)


def test_only_looking_is_a_wildcard_and_what_has_no_resource_only_looks(template):
    for statement in statements(template(**CACHE), *ROLES):
        changes = [a for a in statement["Action"] if not re.search(r":(Describe|Get)", a)]
        assert not [action for action in changes if "*" in action]
        if statement["Resource"] == ["*"] and "Condition" not in statement:
            assert all(UNBOUND.fullmatch(action) for action in statement["Action"]), statement["Action"]


def test_nobody_but_cloudformation_can_change_what_the_internet_reaches(template):
    """Listeners, their rules, and the load balancer: with any of Beanstalk's roles, at any time."""
    made = template()
    names = ("CreateRule", "DeleteRule", "ModifyRule", "SetRulePriorities", "CreateListener")
    more = ("ModifyListener", "DeleteListener", "CreateLoadBalancer", "DeleteLoadBalancer")
    attributes = ("ModifyLoadBalancerAttributes", "SetSubnets", "SetIpAddressType", "SetWebACL")
    for role in ROLES:
        for name in (*names, *more, *attributes):
            for listener in ("HttpsListener", "HttpListener"):
                arn = LISTENERS[listener]
                rule = arn.replace(":listener/", ":listener-rule/") + "/0123456789abcdef"
                for resource in (arn, rule, BALANCER, BALANCER.replace("acme", "awseb-AWSEB-XYZ")):
                    assert not allows(made, role, f"elasticloadbalancing:{name}", resource), (role, name)


def test_beanstalk_may_park_its_rule_where_nobody_comes_and_take_it_away(template):
    made, parking = template(), LISTENERS["ParkingListener"]
    rule = parking.replace(":listener/", ":listener-rule/") + "/0123456789abcdef"
    assert allows(made, "OperationsRole", "elasticloadbalancing:CreateRule", parking)
    assert allows(made, "OperationsRole", "elasticloadbalancing:DeleteRule", rule)
    for name in ("ModifyRule", "SetRulePriorities"):  # the guard stays what it is, and in front
        assert not allows(made, "OperationsRole", f"elasticloadbalancing:{name}", rule)
    for role in ("ServiceRole", "InstanceRole"):
        assert not allows(made, role, "elasticloadbalancing:CreateRule", parking)


AWSEB = "awseb-e-abcdefghij-stack"
STACK = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{AWSEB}/0123"
ASG = (
    f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:autoScalingGroup:0123:autoScalingGroupName/{AWSEB}-AWSEBGroup-1"
)
LAUNCH = f"arn:aws:ec2:{REGION}:{ACCOUNT}:launch-template/lt-0123"
INSTANCE = f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-0123"
BUCKET = f"arn:aws:s3:::elasticbeanstalk-{REGION}-{ACCOUNT}"
ALARM = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{AWSEB}-AWSEBCloudwatchAlarmHigh-1"
LOG = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/elasticbeanstalk/acme-prod/environment-health.log"
OF_BEANSTALK = {"ec2:ResourceTag/aws:cloudformation:stack-id": STACK}
TEMPLATE = {"ec2:LaunchTemplate": LAUNCH}
PASSED = {"iam:PassedToService": "ec2.amazonaws.com"}

#: What AWS's policies for these roles allow (see the modules) and our kind of environment uses.
EVERY_CHANGE: list[tuple[str, str, dict[str, str]]] = [
    *((f"cloudformation:{name}", STACK, {}) for name in (
        "CreateStack", "UpdateStack", "DeleteStack", "CancelUpdateStack", "ContinueUpdateRollback",
        "TagResource", "UntagResource", "GetTemplate", "ListStackResources", "DescribeStackResources",
    )),
    *((f"autoscaling:{name}", ASG, {}) for name in (
        "CreateAutoScalingGroup", "UpdateAutoScalingGroup", "DeleteAutoScalingGroup", "AttachInstances",
        "DetachInstances", "AttachLoadBalancerTargetGroups", "PutScalingPolicy", "DeletePolicy",
        "PutScheduledUpdateGroupAction", "DeleteScheduledAction", "PutNotificationConfiguration",
        "ResumeProcesses", "SuspendProcesses", "SetDesiredCapacity", "CreateOrUpdateTags",
        "TerminateInstanceInAutoScalingGroup",
    )),
    *((f"ec2:{name}", LAUNCH, {}) for name in (
        "CreateLaunchTemplate", "CreateLaunchTemplateVersion", "DeleteLaunchTemplate",
        "DeleteLaunchTemplateVersions",
    )),
    ("ec2:RunInstances", INSTANCE, TEMPLATE),
    ("ec2:CreateTags", INSTANCE, {"ec2:CreateAction": "RunInstances"}),
    ("ec2:CreateTags", LAUNCH, {"ec2:CreateAction": "CreateLaunchTemplate"}),
    ("ec2:TerminateInstances", INSTANCE, OF_BEANSTALK),
    ("elasticloadbalancing:RegisterTargets", GROUP, {}),
    ("elasticloadbalancing:DeregisterTargets", GROUP, {}),
    ("elasticloadbalancing:AddTags", GROUP, {}),
    ("cloudwatch:PutMetricAlarm", ALARM, {}),
    ("logs:CreateLogGroup", LOG, {}),
    ("logs:PutRetentionPolicy", LOG, {}),
    *((f"s3:{name}", BUCKET, {}) for name in (
        "GetBucketLocation", "GetBucketPolicy", "ListBucket", "PutBucketPolicy",
    )),
    *((f"s3:{name}", f"{BUCKET}/resources/environments/e-1/x.zip", {}) for name in (
        "GetObject", "GetObjectAcl", "GetObjectVersion", "GetObjectVersionAcl", "PutObject", "PutObjectAcl",
        "PutObjectVersionAcl", "DeleteObject",
    )),
    ("iam:PassRole", "InstanceRole.Arn", PASSED),
]  # fmt: skip


@pytest.mark.parametrize("role", BEANSTALK_S)
def test_beanstalk_may_do_in_other_services_what_a_change_of_the_environment_needs(template, role):
    made = template()
    refused = [(a, r) for a, r, context in EVERY_CHANGE if not allows(made, role, a, r, **context)]
    assert refused == []


ELSEWHERE = [
    ("cloudformation:DeleteStack", STACK.replace(AWSEB, "acme-prod-database"), {}),
    ("autoscaling:DeleteAutoScalingGroup", ASG.replace(AWSEB, "another"), {}),
    ("ec2:RunInstances", INSTANCE, {}),
    ("ec2:CreateTags", INSTANCE, {}),
    ("ec2:TerminateInstances", INSTANCE, {"ec2:ResourceTag/aws:cloudformation:stack-id": "another"}),
    ("elasticloadbalancing:RegisterTargets", GROUP.replace("awseb-AWSEB", "another"), {}),
    ("s3:GetObject", "arn:aws:s3:::acme-prod-uploads/x", {}),
    ("s3:GetObject", f"arn:aws:s3:::elasticbeanstalk-{REGION}-999988887777/x", {}),
    ("logs:CreateLogGroup", LOG.replace("acme-prod", "another"), {}),
    ("iam:PassRole", "InstanceRole.Arn", {"iam:PassedToService": "lambda.amazonaws.com"}),
    ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/Administrator", PASSED),
    ("iam:CreateServiceLinkedRole", f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/ecs.amazonaws.com/X",
     {"iam:AWSServiceName": "ecs.amazonaws.com"}),
]  # fmt: skip


@pytest.mark.parametrize("role", BEANSTALK_S)
def test_what_is_not_beanstalk_s_is_out_of_its_reach(template, role):
    made = template()
    assert [(a, r) for a, r, context in ELSEWHERE if allows(made, role, a, r, **context)] == []


def test_the_service_role_writes_the_log_of_the_environment_s_health(template):
    """Beanstalk streams it with this role, and says nothing when it cannot."""
    stream = f"{LOG}:log-stream:2026-11-23#1"
    for name in ("CreateLogStream", "DescribeLogStreams", "PutLogEvents"):
        assert allows(template(), "ServiceRole", f"logs:{name}", stream)


OURS = {"aws:ResourceTag/elasticbeanstalk:environment-name": "acme-prod"}
BEGIN_AND_END: list[tuple[str, str, dict[str, str]]] = [
    *((f"elasticloadbalancing:{name}", GROUP, {}) for name in (
        "CreateTargetGroup", "ModifyTargetGroup", "ModifyTargetGroupAttributes", "DeleteTargetGroup",
    )),
    ("elasticloadbalancing:AddTags", BALANCER, {}),
    ("elasticloadbalancing:RemoveTags", BALANCER, {}),
    ("elasticloadbalancing:SetSecurityGroups", BALANCER, {}),
    ("autoscaling:DeletePolicy", "*", {}),
    ("cloudwatch:DeleteAlarms", ALARM, {}),
    ("ec2:CreateTags", INSTANCE, OURS),
    ("ec2:DescribeInstanceTypeOfferings", "*", {}),
    ("iam:GetInstanceProfile", "*", {}),
    ("s3:CreateBucket", BUCKET, {}),
    ("s3:GetObject", f"arn:aws:s3:::elasticbeanstalk-env-resources-{REGION}/template.json", {}),
    ("s3:GetObject", f"arn:aws:s3:::elasticbeanstalk-samples-{REGION}/php.zip", {}),
    *(("iam:CreateServiceLinkedRole", f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{name}/AWSServiceRole",
       {"iam:AWSServiceName": name}) for name in (
        "autoscaling.amazonaws.com", "elasticbeanstalk.amazonaws.com", "spot.amazonaws.com",
    )),
]  # fmt: skip


def test_with_the_operations_role_a_first_environment_begins_and_ends(template):
    made = template()
    refused = [
        (a, r) for a, r, context in BEGIN_AND_END if not allows(made, "OperationsRole", a, r, **context)
    ]
    assert refused == []


def test_the_operations_role_is_there_minutes_before_the_environment(template):
    """IAM becomes consistent by and by: what the role waits for is nothing that takes minutes."""
    assert "LoadBalancer" not in json.dumps(
        template()["Resources"]["OperationsRole"]["Properties"]["Policies"]
    )


def test_instances_read_their_own_secrets_only_and_never_the_master_s(template):
    reads = [
        s
        for s in statements(template(**CACHE), "InstanceRole")
        if "secretsmanager:GetSecretValue" in s["Action"]
    ]
    assert [s["Resource"] for s in reads] == [
        [application_stubs.VALUES["ApplicationSecretArn"], application_stubs.VALUES["CacheSecretArn"]]
    ]


def test_instances_use_keys_through_the_services_alone(template):
    for statement in statements(template(), "InstanceRole"):
        if any(action.startswith("kms:") for action in statement["Action"]):
            [via] = [statement["Condition"]["StringEquals"]["kms:ViaService"]]
            assert via in ("secretsmanager.eu-west-1.amazonaws.com", "s3.eu-west-1.amazonaws.com")


def test_only_the_instances_role_can_be_passed_and_only_to_ec2(template):
    for role in ROLES:
        passes = [s for s in statements(template(), role) if "iam:PassRole" in s["Action"]]
        assert len(passes) == (role in BEANSTALK_S)
        for statement in passes:
            assert statement["Resource"] == ["InstanceRole.Arn"]
            assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}


def test_what_names_things_names_those_of_this_account_and_region(template):
    for statement in statements(template(), *ROLES):
        for arn in statement["Resource"]:
            if arn.startswith("arn:aws:") and not arn.startswith(
                ("arn:aws:s3:::", "arn:aws:secretsmanager:", "arn:aws:iam::")
            ):
                assert f":{REGION}:{ACCOUNT}:" in arn, arn
            if arn.startswith("arn:aws:iam::"):
                assert f":{ACCOUNT}:" in arn, arn
            if "elasticbeanstalk-" in arn and statement["Action"] != ["s3:GetObject"]:
                assert f"elasticbeanstalk-{REGION}-{ACCOUNT}" in arn, "AWS's own are read only"


def test_policies_fit(template):
    made = template(**merged(CACHE, RECOVERY))
    for role in ROLES:
        inline = made["Resources"][role]["Properties"]["Policies"]
        assert sum(len(compact(policy["PolicyDocument"])) for policy in inline) < 10240, role
    assert len(compact(made["Resources"]["BeanstalkWorks"]["Properties"]["PolicyDocument"])) < 6144


def compact(document: dict[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"))


def test_elastic_beanstalk_assumes_its_roles_for_this_service_alone(template):
    made = template()
    for role in ("ServiceRole", "VersionLifecycleRole", "OperationsRole"):
        [trust] = resolved(made["Resources"][role]["Properties"], made)["AssumeRolePolicyDocument"][
            "Statement"
        ]
        assert trust["Principal"] == {"Service": "elasticbeanstalk.amazonaws.com"}
        if role == "OperationsRole":  # for which no page of AWS's says what Beanstalk sends
            wanted = {"aws:SourceAccount": ACCOUNT, "sts:ExternalId": "elasticbeanstalk"}
            assert trust["Condition"] == {"StringEqualsIfExists": wanted}
        else:
            assert trust["Condition"] == {"StringEquals": {"sts:ExternalId": "elasticbeanstalk"}}
