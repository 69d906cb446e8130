"""The environment of Elastic Beanstalk: its options, and the log groups that it writes to.

Beanstalk shares the load balancer that it is given (``LoadBalancerIsShared``): it makes a target group and a
rule, and never touches what is ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from troposphere import AWSHelperFn, Equals, GetAtt, If, Join, Not, NoValue, Ref
from troposphere.elasticbeanstalk import Application, OptionSetting
from troposphere.elasticbeanstalk import Environment as BeanstalkEnvironment
from troposphere.iam import InstanceProfile, Role
from troposphere.logs import LogGroup

from blueprint.environment import Environment
from blueprint.layers._application_rules import PARKING
from blueprint.layers.shared.beanstalk_options import option
from blueprint.layers.shared.names import beanstalk_environment
from blueprint.stacks.stack import Stack

#: Every file that the PHP platform streams, whichever proxy runs ("Using Elastic Beanstalk with CloudWatch
#: Logs"). A group that were missing here Beanstalk would make itself, without our key.
LOG_FILES = (
    "/environment-health.log",
    "/var/log/eb-engine.log",
    "/var/log/eb-hooks.log",
    "/var/log/httpd/access_log",
    "/var/log/httpd/error_log",
    "/var/log/nginx/access.log",
    "/var/log/nginx/error.log",
)
#: Metric -> CloudWatch's name and unit.
_METRICS = {
    "cpu": ("CPUUtilization", "Percent"),
    "network-in": ("NetworkIn", "Bytes"),
    "network-out": ("NetworkOut", "Bytes"),
}
_POLICIES = {
    "immutable": "Immutable",
    "rolling-with-additional-batch": "RollingWithAdditionalBatch",
    "rolling": "Rolling",
    "all-at-once": "AllAtOnce",
}
HAS_TLS, USES_TLS = "InstancesMayUseTls", "InstancesUseTls"
_STANDBY_INSTANCES = "1"  # Beanstalk's least; more would be paid for and serve nobody
_DRAIN_SECONDS = 30
_COMMAND_SECONDS = 1800
_GROUP = "Instances"


@dataclass(frozen=True)
class Made:
    """What stands before the environment, and what it takes."""

    application: Application
    profile: InstanceProfile
    service_role: Role
    platform_arn: AWSHelperFn
    balancer_arn: AWSHelperFn
    properties: Mapping[str, Any]  # environment properties: what PHP reads with getenv()


def add_log_groups(stack: Stack, env: Environment, key_arn: AWSHelperFn) -> list[LogGroup]:
    """The groups of the instances' logs, before Beanstalk would make them without key and retention."""
    name = beanstalk_environment(env)
    groups = []
    for path in LOG_FILES:
        words = "".join(word.title() for word in re.split(r"\W|_", path))
        group = LogGroup(
            words.removeprefix("VarLog").removesuffix("Log") + "Logs",
            LogGroupName=f"/aws/elasticbeanstalk/{name}{path}",
            RetentionInDays=env.application.log_retention_days,
            KmsKeyId=key_arn,
        )
        groups.append(stack.add_stateful(group, "application.log_retention_days"))
    return groups


def add_environment(
    stack: Stack, env: Environment, made: Made, waits_for: Sequence[str]
) -> BeanstalkEnvironment:
    """The environment. ``waits_for`` is what must be there before Beanstalk does anything."""
    stack.conditions[HAS_TLS] = Not(Equals(Ref(stack.parameters["InstanceTls"]), "off"))
    stack.conditions[USES_TLS] = Equals(Ref(stack.parameters["InstanceTls"]), "on")
    environment = BeanstalkEnvironment(
        "Environment",
        ApplicationName=Ref(made.application),
        EnvironmentName=beanstalk_environment(env),
        Description=f"{env.project} {env.name}",
        PlatformArn=made.platform_arn,
        OptionSettings=[
            *_placement(stack, env, made),
            *_instances(stack, env, made),
            *_scaling(stack, env),
            *_processes(stack),
            *_releases(stack, env, made),
            *_logs(env),
            *_php(stack, made),
        ],
    )
    environment.DependsOn = list(waits_for)
    return stack.add(environment, "application")


def add_parameters(stack: Stack, env: Environment) -> None:
    """What operators turn, in the order of the console."""
    _instance_parameters(stack, env)
    _scaling_parameters(stack, env)
    _release_parameters(stack, env)


# -- parameters --------------------------------------------------------------------------------------------


def _instance_parameters(stack: Stack, env: Environment) -> None:
    arm = env.application.architecture == "arm64"
    kind = r"([a-z]+[0-9]+g[a-z0-9-]*|a1)\.[a-z0-9-]+" if arm else r"[a-z][a-z0-9-]*\.[a-z0-9-]+"
    words = "Graviton (ARM) instance types" if arm else "Instance types for x86"
    stack.parameter(
        "InstanceTypes",
        ",".join(env.application.instance_types),
        group=_GROUP,
        label="Instance types",
        description="Instance types in order of preference. Without spot only the first is used.",
        constraint=f"{words}, separated by commas, without blanks.",
        pattern=f"{kind}(,{kind}){{0,9}}",
    )
    for name, default, label, text in (
        ("MinInstances", env.application.scaling.min_instances, "Fewest instances", "At least so many run."),
        ("MaxInstances", env.application.scaling.max_instances, "Most instances", "At most so many run."),
    ):
        stack.parameter(
            name,
            default,
            kind="Number",
            minimum=1,
            maximum=1000,
            group=_GROUP,
            label=label,
            description=text,
            constraint="A number from 1 to 1000.",
        )


def _scaling_parameters(stack: Stack, env: Environment) -> None:
    scaling = env.application.scaling
    _, unit = _METRICS[scaling.metric]
    most = 100 if unit == "Percent" else 20000000
    for name, default, label, text in (
        ("ScaleOutAbove", scaling.out_above, "Add instances above", "Two instances more"),
        ("ScaleInBelow", scaling.in_below, "Remove instances below", "One instance fewer"),
    ):
        stack.parameter(
            name,
            default,
            kind="Number",
            minimum=0,
            maximum=most,
            group=_GROUP,
            label=f"{label} ({unit.lower()})",
            description=f"{text} when the average over instances and three minutes passes this.",
            constraint=f"A number from 0 to {most}.",
        )


def _release_parameters(stack: Stack, env: Environment) -> None:
    group = "Platform and releases"
    stack.parameter(
        "PlatformVersion",
        "latest",
        group=group,
        label="Platform version",
        description="'latest': the newest version of the PHP branch, never an older one than is running. Or "
        "the full ARN of a version, to stay with it.",
        constraint="latest, or arn:aws:elasticbeanstalk:<region>::platform/<branch>/<version>.",
        pattern=r"latest|arn:[a-z-]+:elasticbeanstalk:[a-z0-9-]+:[0-9]*:platform/[^/]+/[0-9.]+",
    )
    stack.parameter(
        "Recheck",
        "1",
        group=group,
        label="Look again",
        description="Any other text than before looks up the platform and checks every rule of the load "
        "balancer again. Today's date does.",
        constraint="1 to 32 letters, digits, hyphens, dots or colons.",
        pattern="[A-Za-z0-9.:-]{1,32}",
    )
    stack.parameter(
        "DeploymentPolicy",
        _POLICIES[env.application.deployment],
        allowed=list(_POLICIES.values()),
        group=group,
        label="How releases are deployed",
        description="Immutable starts new instances next to the old ones and goes back by itself.",
        constraint="One of the values offered.",
    )
    stack.parameter(
        "HealthCheckPath",
        env.application.health_check_path,
        group=group,
        label="Path of the health check",
        description="The load balancer asks every instance for it; it must answer 200 without a login. / is "
        "what Beanstalk's sample application answers.",
        constraint="A path that begins with a slash.",
        pattern=r"/[^\s]*",
    )
    stack.parameter(
        "DocumentRoot",
        env.application.document_root,
        group=group,
        label="Folder that is served",
        description="Folder of a release whose files are served, for instance /public. / is the sample "
        "application's.",
        constraint="A path that begins with a slash.",
        pattern=r"/[A-Za-z0-9_./-]*",
    )
    stack.parameter(
        "InstanceTls",
        "off",
        allowed=("off", "prepared", "on"),
        group=group,
        label="TLS between load balancer and instances",
        description="Needs a release that carries our bundle folder. 'prepared' adds a target group for port "
        "443 and leaves requests on port 80; 'on' sends them to 443. Go one step at a time, both ways.",
        constraint="off, prepared or on.",
    )


# -- options -----------------------------------------------------------------------------------------------


def _listed(references: Sequence[AWSHelperFn]) -> AWSHelperFn:
    return Join(",", list(references))


def _placement(stack: Stack, env: Environment, made: Made) -> list[OptionSetting]:
    vpc, balancer = "aws:ec2:vpc", "aws:elbv2:loadbalancer"
    kind = "aws:elasticbeanstalk:environment"
    numbers = range(1, env.network.zones + 1)
    return [
        option(vpc, "VPCId", stack.output_of("network", "VpcId")),
        option(
            vpc, "Subnets", _listed([stack.output_of("network", f"ApplicationSubnet{n}Id") for n in numbers])
        ),
        option(
            vpc, "ELBSubnets", _listed([stack.output_of("network", f"PublicSubnet{n}Id") for n in numbers])
        ),
        option(vpc, "ELBScheme", "public"),
        option(vpc, "AssociatePublicIpAddress", False),
        option(kind, "EnvironmentType", "LoadBalanced"),
        option(kind, "LoadBalancerType", "application"),
        option(kind, "LoadBalancerIsShared", True),
        option(kind, "ServiceRole", GetAtt(made.service_role, "Arn")),
        option(balancer, "SharedLoadBalancer", made.balancer_arn),
        # Named, because Beanstalk would otherwise attach a group of its own to our load balancer.
        option(balancer, "SecurityGroups", stack.output_of("network", "LoadBalancerSecurityGroupId")),
        # Named, because Beanstalk would otherwise put its rule on port 80.
        option(f"aws:elbv2:listener:{PARKING}", "Rules", "default"),
    ]


def _instances(stack: Stack, env: Environment, made: Made) -> list[OptionSetting]:
    launch, kinds = "aws:autoscaling:launchconfiguration", "aws:ec2:instances"
    application = env.application
    settings = [
        option(launch, "IamInstanceProfile", Ref(made.profile)),
        option(launch, "SecurityGroups", stack.output_of("network", "ApplicationSecurityGroupId")),
        option(launch, "DisableDefaultEC2SecurityGroup", True),
        option(launch, "DisableIMDSv1", True),
        option(launch, "RootVolumeType", "gp3"),
        option(launch, "RootVolumeSize", application.disk_gb),
        option(launch, "MonitoringInterval", "1 minute"),
        option(launch, "LaunchTemplateTagPropagationEnabled", True),
        option(kinds, "InstanceTypes", Ref(stack.parameters["InstanceTypes"])),
        option(kinds, "SupportedArchitectures", application.architecture),
        option(kinds, "EnableSpot", application.spot),
    ]
    if application.spot:
        settings += [
            option(kinds, "SpotFleetOnDemandBase", application.on_demand_base),
            option(kinds, "SpotFleetOnDemandAboveBasePercentage", 0),
            option("aws:autoscaling:asg", "EnableCapacityRebalancing", True),
        ]
    return settings


def _scaling(stack: Stack, env: Environment) -> list[OptionSetting]:
    group, trigger = "aws:autoscaling:asg", "aws:autoscaling:trigger"
    least: Any = Ref(stack.parameters["MinInstances"])
    if env.recovery:
        least = If(stack.is_active(), least, _STANDBY_INSTANCES)
    metric, unit = _METRICS[env.application.scaling.metric]
    return [
        option(group, "MinSize", least),
        option(group, "MaxSize", Ref(stack.parameters["MaxInstances"])),
        option(group, "Cooldown", 180),
        option(trigger, "MeasureName", metric),
        option(trigger, "Statistic", "Average"),
        option(trigger, "Unit", unit),
        option(trigger, "Period", 1),
        option(trigger, "EvaluationPeriods", 3),
        option(trigger, "BreachDuration", 3),
        option(trigger, "UpperThreshold", Ref(stack.parameters["ScaleOutAbove"])),
        option(trigger, "UpperBreachScaleIncrement", 2),
        option(trigger, "LowerThreshold", Ref(stack.parameters["ScaleInBelow"])),
        option(trigger, "LowerBreachScaleIncrement", -1),
        *_schedules(stack, env),
    ]


def _schedules(stack: Stack, env: Environment) -> list[OptionSetting]:
    action = "aws:autoscaling:scheduledaction"
    suspended: Any = If(stack.is_active(), "false", "true") if env.recovery else "false"
    return [
        option(action, name, value, schedule.name)
        for schedule in env.application.scaling.schedules
        for name, value in (
            ("Recurrence", schedule.at),
            ("MinSize", schedule.min_instances),
            ("MaxSize", schedule.max_instances),
            ("Suspend", suspended),
        )
    ]


def _processes(stack: Stack) -> list[Any]:
    """Two processes rather than one that changes: Beanstalk cannot change the port of a target group."""
    secure = [If(HAS_TLS, setting, NoValue) for setting in _process(stack, "tls", 443, "HTTPS")]
    return [*_process(stack, "default", 80, "HTTP"), *secure]


def _process(stack: Stack, name: str, port: int, protocol: str) -> list[OptionSetting]:
    namespace = f"aws:elasticbeanstalk:environment:process:{name}"
    values: dict[str, Any] = {
        "Port": port,
        "Protocol": protocol,
        "HealthCheckPath": Ref(stack.parameters["HealthCheckPath"]),
        "MatcherHTTPCode": "200",
        "HealthCheckInterval": 15,
        "HealthCheckTimeout": 5,
        "HealthyThresholdCount": 3,
        "UnhealthyThresholdCount": 3,
        "DeregistrationDelay": _DRAIN_SECONDS,
        "StickinessEnabled": False,
    }
    return [option(namespace, key, value) for key, value in values.items()]


def _releases(stack: Stack, env: Environment, made: Made) -> list[OptionSetting]:
    command, rolling = "aws:elasticbeanstalk:command", "aws:autoscaling:updatepolicy:rollingupdate"
    actions, health = "aws:elasticbeanstalk:managedactions", "aws:elasticbeanstalk:healthreporting:system"
    immutable = env.application.deployment == "immutable"
    return [
        option(command, "DeploymentPolicy", Ref(stack.parameters["DeploymentPolicy"])),
        option(command, "BatchSizeType", "Percentage"),
        option(command, "BatchSize", 30),
        option(command, "Timeout", _COMMAND_SECONDS),
        option(rolling, "RollingUpdateEnabled", True),
        option(rolling, "RollingUpdateType", "Immutable" if immutable else "Health"),
        option(health, "SystemType", "enhanced"),
        option(health, "EnhancedHealthAuthEnabled", True),
        option(actions, "ManagedActionsEnabled", True),
        option(actions, "PreferredStartTime", env.application.update_window),
        option(actions, "ServiceRoleForManagedUpdates", GetAtt(made.service_role, "Arn")),
        option(f"{actions}:platformupdate", "UpdateLevel", "minor"),
        option(f"{actions}:platformupdate", "InstanceRefreshEnabled", True),
    ]


def _logs(env: Environment) -> list[OptionSetting]:
    logs, days = "aws:elasticbeanstalk:cloudwatch:logs", env.application.log_retention_days
    return [
        option(logs, "StreamLogs", True),
        option(logs, "DeleteOnTerminate", False),
        option(logs, "RetentionInDays", days),
        option(f"{logs}:health", "HealthStreamingEnabled", True),
        option(f"{logs}:health", "DeleteOnTerminate", False),
        option(f"{logs}:health", "RetentionInDays", days),
    ]


def _php(stack: Stack, made: Made) -> list[OptionSetting]:
    php, own = "aws:elasticbeanstalk:container:php:phpini", "aws:elasticbeanstalk:application:environment"
    return [
        option("aws:elasticbeanstalk:environment:proxy", "ProxyServer", "nginx"),
        option(php, "document_root", Ref(stack.parameters["DocumentRoot"])),
        option(php, "display_errors", "Off"),
        *(option(own, name, value) for name, value in made.properties.items()),
    ]
