"""Roles of the application: what its instances, Elastic Beanstalk itself and its clean-up may do.

AWS has managed policies for all three, and each reaches every environment of the account: others' bundles and
logs, and all of ``elasticbeanstalk:*``. These name this environment wherever its parts have names. What
Beanstalk makes is called ``awseb-e-<id>...``, and the id is not known before. Which actions it calls says AWS
in those policies: AWSElasticBeanstalkWebTier (version 7), AWSElasticBeanstalkEnhancedHealth (4) and
AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy (8, of January 2026). What is left out serves environments
of other kinds.
"""

from __future__ import annotations

from collections.abc import Sequence

from awacs.aws import (
    Action,
    Allow,
    ArnLike,
    Condition,
    ConditionElement,
    PolicyDocument,
    Principal,
    Statement,
    StringEquals,
    StringLike,
)
from awacs.sts import AssumeRole
from troposphere import AWSHelperFn, GetAtt, Ref, Sub
from troposphere.iam import InstanceProfile, ManagedPolicy, Policy, Role

from blueprint.layers.shared import beanstalk_buckets
from blueprint.layers.shared.conditions import all_of
from blueprint.layers.shared.names import beanstalk_environment
from blueprint.layers.shared.suppress import suppress
from blueprint.stacks.stack import Stack

_HERE = "${AWS::Region}:${AWS::AccountId}"
_ANY = ["*"]  # for actions that know no resources; what they may do stands beside them
# Beanstalk's, for ``Sub``: its bucket of the region, and what it makes for environments.
BUCKET = "arn:${AWS::Partition}:s3:::elasticbeanstalk-${AWS::Region}-${AWS::AccountId}"
BEANSTALK_STACKS = f"arn:${{AWS::Partition}}:cloudformation:{_HERE}:stack/awseb-e-*"
TARGET_GROUPS = f"arn:${{AWS::Partition}}:elasticloadbalancing:{_HERE}:targetgroup/awseb-*"
GROUPS = f"arn:${{AWS::Partition}}:autoscaling:{_HERE}:autoScalingGroup:*:autoScalingGroupName/awseb-e-*"
ALARMS = f"arn:${{AWS::Partition}}:cloudwatch:{_HERE}:alarm:awseb-e-*"
DESCRIBE_ONLY = "What has no resource only describes, or answers a session: these actions know none."
INLINE = "The policy belongs to this one role and goes with it; nobody else could use it."
_FROM_TEMPLATE = (
    "RunInstances alone has no resource, for what it makes has no name yet: it is allowed only from a launch "
    "template of this account, and the only role that can be passed with it is the instances' own."
)
WILDCARDS = (
    "Wildcards stand for parts that Elastic Beanstalk names after an id which exists only later, or for "
    "actions that know no resources."
)


def may(service: str, names: str, *resources: str | AWSHelperFn, **options: object) -> Statement:
    """Allow the actions ``names`` (separated by blanks) of a service; without resources they know none."""
    listed = [Sub(r) if isinstance(r, str) and "${" in r else r for r in resources] or _ANY
    return Statement(
        Effect=Allow, Action=[Action(service, name) for name in names.split()], Resource=listed, **options
    )


def through(service: str) -> Condition:
    """Only as part of what ``service`` does in this region."""
    return all_of(StringEquals("kms:ViaService", Sub(f"{service}.${{AWS::Region}}.amazonaws.com")))


def environment_arn(stack: Stack) -> str:
    """For ``Sub``. The application's name is made by CloudFormation, the environment's by us."""
    name = beanstalk_environment(stack.subject)
    return f"arn:${{AWS::Partition}}:elasticbeanstalk:{_HERE}:environment/*/{name}"


def log_group_arns(stack: Stack) -> str:
    """For ``Sub``: the log groups of the environment, and their streams."""
    name = beanstalk_environment(stack.subject)
    return f"arn:${{AWS::Partition}}:logs:{_HERE}:log-group:/aws/elasticbeanstalk/{name}/*"


# -- instances ---------------------------------------------------------------------------------------------


def add_instance_profile(stack: Stack, statements: Sequence[Statement]) -> tuple[InstanceProfile, Role]:
    """``statements`` is what the application itself needs: its secrets and its users' files."""
    role = add_role(
        stack,
        "InstanceRole",
        "Instances of the application",
        trusts("ec2.amazonaws.com"),
        {
            "Beanstalk": _beanstalk_on_instances(stack),
            "SessionManager": _sessions(),
            "Application": statements,
        },
    )
    profile = stack.add(InstanceProfile("InstanceProfile", Roles=[Ref(role)]))
    return profile, role


def _beanstalk_on_instances(stack: Stack) -> list[Statement]:
    application = f"arn:${{AWS::Partition}}:elasticbeanstalk:{_HERE}:application/${{Application}}"
    return [
        # Beanstalk copies a release to where the environment's instances fetch it, below an id of its own.
        may("s3", "GetObject GetObjectVersion", f"{BUCKET}/resources/environments/*"),
        may("s3", "PutObject", f"{BUCKET}/resources/environments/logs/*"),
        may("s3", "GetObject", *beanstalk_buckets.objects(stack)),
        may("elasticbeanstalk", "PutInstanceStatistics", application, environment_arn(stack)),
        may("logs", "CreateLogStream PutLogEvents DescribeLogStreams", log_group_arns(stack)),
        may("logs", "DescribeLogGroups"),
    ]


def _sessions() -> list[Statement]:
    """What Session Manager and the agent need, instead of SSH (Systems Manager User Guide)."""
    channels = "CreateControlChannel CreateDataChannel OpenControlChannel OpenDataChannel"
    return [may("ssm", "UpdateInstanceInformation"), may("ssmmessages", channels)]


# -- Elastic Beanstalk -------------------------------------------------------------------------------------


def add_service_role(stack: Stack, works: ManagedPolicy) -> Role:
    """For health and managed updates. It can change neither listeners nor rules of the load balancer."""
    return add_role(
        stack,
        "ServiceRole",
        "Elastic Beanstalk: health and managed updates",
        trusts("elasticbeanstalk.amazonaws.com", StringEquals("sts:ExternalId", "elasticbeanstalk")),
        {
            "Health": [_looks(), _tells_health(stack)],
            "ManagedUpdates": [_updates_environment(stack)],
        },
        works,
    )


def _looks() -> Statement:
    names = {
        "autoscaling": "DescribeAccountLimits DescribeAutoScalingGroups DescribeAutoScalingInstances "
        "DescribeLaunchConfigurations DescribeLoadBalancers DescribeNotificationConfigurations "
        "DescribePolicies DescribeScalingActivities DescribeScheduledActions",
        "cloudwatch": "DescribeAlarms",
        "ec2": "DescribeAccountAttributes DescribeAddresses DescribeAvailabilityZones DescribeImages "
        "DescribeInstanceAttribute DescribeInstances DescribeInstanceStatus DescribeInstanceTypes "
        "DescribeLaunchTemplates DescribeLaunchTemplateVersions DescribeSecurityGroups DescribeSnapshots "
        "DescribeSpotInstanceRequests DescribeSubnets DescribeVpcs GetConsoleOutput",
        "elasticbeanstalk": "DescribeApplications DescribeApplicationVersions "
        "DescribeConfigurationOptions DescribeConfigurationSettings DescribeEnvironmentHealth "
        "DescribeEnvironmentManagedActions DescribeEnvironmentResources DescribeEnvironments DescribeEvents "
        "DescribeInstancesHealth DescribePlatformVersion ListAvailableSolutionStacks ListPlatformVersions "
        "ListTagsForResource ValidateConfigurationSettings",
        "elasticloadbalancing": "DescribeListeners DescribeLoadBalancers DescribeRules DescribeTags "
        "DescribeTargetGroupAttributes DescribeTargetGroups DescribeTargetHealth",
        "logs": "DescribeLogGroups",
    }
    actions = [Action(service, name) for service, text in names.items() for name in text.split()]
    return Statement(Effect=Allow, Action=actions, Resource=_ANY)


def _tells_health(stack: Stack) -> Statement:
    """Beanstalk writes the log of the environment's health itself; instances write the others."""
    return may("logs", "CreateLogStream DescribeLogStreams PutLogEvents", log_group_arns(stack))


def _updates_environment(stack: Stack) -> Statement:
    version = f"arn:${{AWS::Partition}}:elasticbeanstalk:{_HERE}:applicationversion/${{Application}}/*"
    return may(
        "elasticbeanstalk",
        "AbortEnvironmentUpdate ApplyEnvironmentManagedAction RestartAppServer UpdateEnvironment",
        environment_arn(stack),
        version,
    )


def add_works(stack: Stack, instance_role: Role) -> ManagedPolicy:
    """What Beanstalk does in other services whenever it changes an environment, for both of its roles."""
    policy = stack.add(
        ManagedPolicy(
            "BeanstalkWorks",
            Description=f"{stack.subject.project} {stack.subject.name}: changing the environment's parts",
            PolicyDocument=PolicyDocument(
                Version="2012-10-17",
                Statement=[*_keeps_stacks(stack), *_replaces_instances(instance_role)],
            ),
        )
    )
    suppress(policy, "cfn_nag", "W13", _FROM_TEMPLATE)
    suppress(policy, "checkov", "CKV_AWS_111", _FROM_TEMPLATE)
    suppress(policy, "cdk_nag", "AwsSolutions-IAM5", WILDCARDS)
    return policy


def _keeps_stacks(stack: Stack) -> list[Statement]:
    objects = "GetObject GetObjectAcl GetObjectVersion GetObjectVersionAcl PutObject PutObjectAcl"
    return [
        # The stack of the environment, and the second one that immutable updates make and delete.
        may(
            "cloudformation",
            "CancelUpdateStack ContinueUpdateRollback CreateStack DeleteStack DescribeStackEvents "
            "DescribeStackResource DescribeStackResources DescribeStacks GetTemplate ListStackResources "
            "SignalResource TagResource UntagResource UpdateStack",
            BEANSTALK_STACKS,
        ),
        may("s3", "GetBucketLocation GetBucketPolicy ListBucket PutBucketPolicy", BUCKET),
        may("s3", f"DeleteObject {objects} PutObjectVersionAcl", f"{BUCKET}/*"),
        # The groups are ours and there already; Beanstalk asks for them all the same.
        may("logs", "CreateLogGroup PutRetentionPolicy", log_group_arns(stack)),
        may(
            "elasticloadbalancing",
            "AddTags DeregisterTargets RegisterTargets",
            TARGET_GROUPS,
        ),
        may("cloudwatch", "PutMetricAlarm", ALARMS),
    ]


def _replaces_instances(instance_role: Role) -> list[Statement]:
    ec2 = f"arn:${{AWS::Partition}}:ec2:{_HERE}"
    template = f"{ec2}:launch-template/*"
    return [
        may(
            "autoscaling",
            "AttachInstances AttachLoadBalancerTargetGroups CreateAutoScalingGroup CreateOrUpdateTags "
            "DeleteAutoScalingGroup DeletePolicy DeleteScheduledAction DetachInstances "
            "DetachLoadBalancerTargetGroups PutNotificationConfiguration PutScalingPolicy "
            "PutScheduledUpdateGroupAction ResumeProcesses SetDesiredCapacity SuspendProcesses "
            "TerminateInstanceInAutoScalingGroup UpdateAutoScalingGroup",
            GROUPS,
        ),
        may(
            "ec2",
            "CreateLaunchTemplate CreateLaunchTemplateVersion DeleteLaunchTemplate "
            "DeleteLaunchTemplateVersions",
            template,
        ),
        # Started from a launch template only; what the template names is checked with the same action.
        may("ec2", "RunInstances", Condition=all_of(ArnLike("ec2:LaunchTemplate", Sub(template)))),
        may(
            "ec2",
            "CreateTags",
            f"{ec2}:*/*",
            Condition=all_of(StringEquals("ec2:CreateAction", ["CreateLaunchTemplate", "RunInstances"])),
        ),
        may(
            "ec2",
            "TerminateInstances",
            f"{ec2}:instance/*",
            Condition=all_of(
                StringLike("ec2:ResourceTag/aws:cloudformation:stack-id", Sub(BEANSTALK_STACKS))
            ),
        ),
        may(
            "iam",
            "PassRole",
            GetAtt(instance_role, "Arn"),
            Condition=all_of(StringEquals("iam:PassedToService", "ec2.amazonaws.com")),
        ),
    ]


def add_lifecycle_role(stack: Stack) -> Role:
    """Deletes releases beyond those that are kept, and their bundles."""
    # The application needs this role, so its name is not known here; bundles lie anywhere in the bucket.
    return add_role(
        stack,
        "VersionLifecycleRole",
        "Deletes old releases of the application",
        trusts("elasticbeanstalk.amazonaws.com", StringEquals("sts:ExternalId", "elasticbeanstalk")),
        {
            "OldReleases": [
                may(
                    "elasticbeanstalk",
                    "DeleteApplicationVersion DescribeApplicationVersions DescribeEnvironments",
                    f"arn:${{AWS::Partition}}:elasticbeanstalk:{_HERE}:applicationversion/{_application(stack)}/*",
                    f"arn:${{AWS::Partition}}:elasticbeanstalk:{_HERE}:application/{_application(stack)}",
                    f"arn:${{AWS::Partition}}:elasticbeanstalk:{_HERE}:environment/{_application(stack)}/*",
                ),
                may("s3", "GetObject DeleteObject", f"{BUCKET}/*"),
                may("s3", "ListBucket GetBucketLocation", BUCKET),
            ]
        },
    )


def _application(stack: Stack) -> str:
    """How CloudFormation names the application: after its stack."""
    return f"{stack.stack_name}-*"


# -- parts -------------------------------------------------------------------------------------------------


def add_role(
    stack: Stack,
    name: str,
    what: str,
    trust: PolicyDocument,
    policies: dict[str, Sequence[Statement]],
    *managed: ManagedPolicy,
    unbound: str = DESCRIBE_ONLY,
) -> Role:
    """A role with inline policies by name, and with those that it shares.

    ``unbound`` says why some of its actions have no resource.
    """
    role = stack.add(
        Role(
            name,
            Description=f"{stack.subject.project} {stack.subject.name}: {what}",
            AssumeRolePolicyDocument=trust,
            Policies=[
                Policy(
                    PolicyName=title,
                    PolicyDocument=PolicyDocument(Version="2012-10-17", Statement=list(statements)),
                )
                for title, statements in policies.items()
            ],
            **{"ManagedPolicyArns": [Ref(policy) for policy in managed]} if managed else {},
        )
    )
    if any(statement.Resource == _ANY for listed in policies.values() for statement in listed):
        suppress(role, "cfn_nag", "W11", unbound)
        suppress(role, "checkov", "CKV_AWS_111", unbound)
    suppress(role, "cdk_nag", "AwsSolutions-IAM5", WILDCARDS)
    suppress(role, "guard", "IAM_NO_INLINE_POLICY_CHECK", INLINE)
    return role


def trusts(service: str, *conditions: ConditionElement) -> PolicyDocument:
    """Who may take a role: a service, under conditions."""
    options = {"Condition": all_of(*conditions)} if conditions else {}
    return PolicyDocument(
        Version="2012-10-17",
        Statement=[
            Statement(Effect=Allow, Principal=Principal("Service", service), Action=[AssumeRole], **options)
        ],
    )
