"""The environment of Elastic Beanstalk: its options, and the log groups that it writes to.

Beanstalk shares the load balancer that it is given (``LoadBalancerIsShared``): it makes a target group and a
rule, and never touches what is ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from troposphere import AWSHelperFn, GetAtt, If, Join, NoValue, Ref
from troposphere.elasticbeanstalk import Application, OptionSetting
from troposphere.elasticbeanstalk import Environment as BeanstalkEnvironment
from troposphere.iam import InstanceProfile, Role
from troposphere.logs import LogGroup

from blueprint.environment import Environment
from blueprint.layers._application_parameters import BY_ROLE, FOLLOWS, HAS_TLS, IMMUTABLE, METRICS
from blueprint.layers._application_rules import PARKING
from blueprint.layers.shared.beanstalk_options import option
from blueprint.layers.shared.names import beanstalk_environment
from blueprint.layers.shared.suppress import suppress
from blueprint.stacks.records import StackOutput
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
_STANDBY_INSTANCES = "1"  # Beanstalk's least; more would be paid for and serve nobody
_DRAIN_SECONDS = 30
_COMMAND_SECONDS = 1800


@dataclass(frozen=True)
class Made:
    """What stands before the environment, and what it takes."""

    application: Application
    profile: InstanceProfile
    service_role: Role
    operations_role: Role
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


def settings(stack: Stack, env: Environment, made: Made) -> list[Any]:
    """Every option of the environment."""
    return [
        *_placement(stack, env, made),
        *_instances(stack, env, made),
        *_scaling(stack, env),
        *_processes(stack),
        *_releases(stack, env, made),
        *_logs(env),
        *_php(stack, made),
    ]


def changes(stack: Stack, made: Made, options: Sequence[Any]) -> list[Any]:
    """Something that differs after every change of ``options``, by another template, parameter or import.

    The look-up of the platform takes it, so that it is asked before each update of the environment.
    """
    text = json.dumps(options, default=_data).encode()
    values = [*(Ref(parameter) for parameter in stack.parameters.values()), *made.properties.values()]
    return [sha256(text).hexdigest()[:16], *values]


def _data(thing: Any) -> Any:
    if isinstance(thing, StackOutput):
        return [thing.stack, thing.output]
    return thing.data if isinstance(thing, AWSHelperFn) else thing.properties


def add_environment(
    stack: Stack,
    env: Environment,
    made: Made,
    options: Sequence[Any],
    platform_arn: AWSHelperFn,
    waits_for: Sequence[str],
) -> BeanstalkEnvironment:
    """The environment. ``waits_for`` is what must be there before Beanstalk does anything."""
    environment = BeanstalkEnvironment(
        "Environment",
        ApplicationName=Ref(made.application),
        EnvironmentName=beanstalk_environment(env),
        Description=f"{env.project} {env.name}",
        OperationsRole=If(BY_ROLE, GetAtt(made.operations_role, "Arn"), NoValue),
        PlatformArn=platform_arn,
        OptionSettings=list(options),
    )
    environment.DependsOn = list(waits_for)
    suppress(
        environment,
        "cdk_nag",
        "AwsSolutions-EB3",
        "Managed updates are on while the platform follows its branch, as it does by default; who pins a "
        "version switches them off with it. The check does not look behind the condition.",
    )
    return stack.add(environment, "application")


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
    metric, unit = METRICS[env.application.scaling.metric]
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
    # A pinned platform stays: managed updates would leave it a week later.
    follows = If(FOLLOWS, "true", "false")
    return [
        option(command, "DeploymentPolicy", Ref(stack.parameters["DeploymentPolicy"])),
        option(command, "BatchSizeType", "Percentage"),
        option(command, "BatchSize", 30),
        option(command, "Timeout", _COMMAND_SECONDS),
        option(rolling, "RollingUpdateEnabled", True),
        # Beanstalk takes "Immutable" for both or for none.
        option(rolling, "RollingUpdateType", If(IMMUTABLE, "Immutable", "Health")),
        option(health, "SystemType", "enhanced"),
        option(health, "EnhancedHealthAuthEnabled", True),
        option(actions, "ManagedActionsEnabled", follows),
        option(actions, "PreferredStartTime", env.application.update_window),
        option(actions, "ServiceRoleForManagedUpdates", GetAtt(made.service_role, "Arn")),
        option(f"{actions}:platformupdate", "UpdateLevel", "minor"),
        option(f"{actions}:platformupdate", "InstanceRefreshEnabled", follows),
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
