"""Option settings of Elastic Beanstalk: the names and values that it takes, as far as we use them.

CloudFormation's schema knows nothing of them, so no validator finds a misspelt one: the service does, when
the environment is created. As of 2026-11-23. Sources, in "AWS Elastic Beanstalk Developer Guide": "General
options for all environments", "Platform specific options" (PHP), "Configuring a shared Application Load
Balancer", "Tag propagation to launch templates", "Amazon EC2 security groups" (namespace options).

A row that is missing here is not wrong for Beanstalk; it has not been looked up yet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from troposphere import AWSHelperFn
from troposphere.elasticbeanstalk import OptionSetting

#: Days that the log namespaces take: not all that CloudWatch Logs takes (1096, for instance, is missing).
LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653)


@dataclass(frozen=True)
class Number:
    """A whole number written as text, from ``least`` to ``most``."""

    least: int
    most: int

    def takes(self, value: str) -> bool:
        return bool(re.fullmatch(r"-?[0-9]+", value)) and self.least <= int(value) <= self.most


@dataclass(frozen=True)
class Word:
    """One of some words."""

    words: tuple[str, ...]

    def takes(self, value: str) -> bool:
        return value in self.words


@dataclass(frozen=True)
class Text:
    """Text that matches a regular expression as a whole."""

    pattern: str = r".+"

    def takes(self, value: str) -> bool:
        return bool(re.fullmatch(self.pattern, value))


Kind = Number | Word | Text

_YES_NO = Word(("true", "false"))
_DAYS = Word(tuple(str(days) for days in LOG_DAYS))
_ANY = Text()
_ID_LIST = r"{0}-[0-9a-f]+(,{0}-[0-9a-f]+)*"
_PROCESS: dict[str, Kind] = {
    "DeregistrationDelay": Number(0, 3600),
    "HealthCheckInterval": Number(5, 300),
    "HealthCheckPath": Text(r"/\S*"),
    "HealthCheckTimeout": Number(1, 60),
    "HealthyThresholdCount": Number(2, 10),
    "MatcherHTTPCode": Text(r"[2-4][0-9]{2}([,-][2-4][0-9]{2})*"),
    "Port": Number(1, 65535),
    "Protocol": Word(("HTTP", "HTTPS")),  # TCP is for network load balancers
    "StickinessEnabled": _YES_NO,
    "UnhealthyThresholdCount": Number(2, 10),
}

#: Namespace (a pattern where it holds a name of ours) -> option -> values.
OPTIONS: dict[str, dict[str, Kind]] = {
    "aws:autoscaling:asg": {
        "Cooldown": Number(0, 10000),
        "EnableCapacityRebalancing": _YES_NO,
        "MaxSize": Number(1, 10000),
        "MinSize": Number(1, 10000),  # zero is not a valid size; only scheduled actions may go there
    },
    "aws:autoscaling:launchconfiguration": {
        "DisableDefaultEC2SecurityGroup": _YES_NO,
        "DisableIMDSv1": _YES_NO,
        "IamInstanceProfile": _ANY,
        "LaunchTemplateTagPropagationEnabled": _YES_NO,
        "MonitoringInterval": Word(("1 minute", "5 minute")),
        "RootVolumeSize": Number(10, 16384),  # GB
        "RootVolumeType": Word(("standard", "gp2", "gp3", "io1")),
        "SecurityGroups": Text(_ID_LIST.format("sg")),
    },
    "aws:autoscaling:scheduledaction": {
        "DesiredCapacity": Number(0, 10000),
        "MaxSize": Number(0, 10000),
        "MinSize": Number(0, 10000),
        "Recurrence": Text(r"\S+( \S+){4}"),
        "Suspend": _YES_NO,
    },
    "aws:autoscaling:trigger": {
        "BreachDuration": Number(1, 600),  # minutes: Period * EvaluationPeriods
        "EvaluationPeriods": Number(1, 600),
        "LowerBreachScaleIncrement": Number(-10000, 0),
        "LowerThreshold": Number(0, 20000000),
        # HealthyHostCount, UnhealthyHostCount and TargetResponseTime need a dedicated load balancer.
        "MeasureName": Word(
            ("CPUUtilization", "NetworkIn", "NetworkOut", "DiskReadOps", "DiskWriteOps", "RequestCount")
        ),
        "Period": Number(1, 600),  # minutes
        "Statistic": Word(("Minimum", "Maximum", "Sum", "Average")),
        "Unit": Word(
            ("Seconds", "Percent", "Bytes", "Bits", "Count", "Bytes/Second", "Bits/Second", "Count/Second")
        ),
        "UpperBreachScaleIncrement": Number(0, 10000),
        "UpperThreshold": Number(0, 20000000),
    },
    "aws:autoscaling:updatepolicy:rollingupdate": {
        "RollingUpdateEnabled": _YES_NO,
        "RollingUpdateType": Word(("Time", "Health", "Immutable")),
    },
    "aws:ec2:instances": {
        "EnableSpot": _YES_NO,
        "InstanceTypes": Text(r"[a-z0-9-]+\.[a-z0-9-]+(,[a-z0-9-]+\.[a-z0-9-]+){0,9}"),
        "SpotFleetOnDemandAboveBasePercentage": Number(0, 100),
        "SpotFleetOnDemandBase": Number(0, 10000),
        "SupportedArchitectures": Word(("arm64", "x86_64")),
    },
    "aws:ec2:vpc": {
        "AssociatePublicIpAddress": _YES_NO,
        "ELBScheme": Word(("public", "internal")),
        "ELBSubnets": Text(_ID_LIST.format("subnet")),
        "Subnets": Text(_ID_LIST.format("subnet")),
        "VPCId": Text(r"vpc-[0-9a-f]+"),
    },
    # Name and value together: at most 4,096 bytes for all of them.
    "aws:elasticbeanstalk:application:environment": {"[A-Za-z_][A-Za-z0-9_]*": _ANY},
    "aws:elasticbeanstalk:cloudwatch:logs": {
        "DeleteOnTerminate": _YES_NO,
        "RetentionInDays": _DAYS,
        "StreamLogs": _YES_NO,
    },
    "aws:elasticbeanstalk:cloudwatch:logs:health": {
        "DeleteOnTerminate": _YES_NO,
        "HealthStreamingEnabled": _YES_NO,
        "RetentionInDays": _DAYS,
    },
    "aws:elasticbeanstalk:command": {
        "BatchSize": Number(1, 100),
        "BatchSizeType": Word(("Percentage", "Fixed")),
        "DeploymentPolicy": Word(
            ("AllAtOnce", "Rolling", "RollingWithAdditionalBatch", "Immutable", "TrafficSplitting")
        ),
        "IgnoreHealthCheck": _YES_NO,
        "Timeout": Number(1, 3600),  # seconds
    },
    "aws:elasticbeanstalk:container:php:phpini": {
        "allow_url_fopen": Word(("On", "Off")),
        "display_errors": Word(("On", "Off")),
        "document_root": Text(r"/\S*"),
        "memory_limit": Text(r"[0-9]+M"),
    },
    "aws:elasticbeanstalk:environment": {
        "EnvironmentType": Word(("SingleInstance", "LoadBalanced")),
        "LoadBalancerIsShared": _YES_NO,
        "LoadBalancerType": Word(("classic", "application", "network")),
        "ServiceRole": _ANY,
    },
    r"aws:elasticbeanstalk:environment:process:[a-z]+": _PROCESS,
    "aws:elasticbeanstalk:environment:proxy": {"ProxyServer": Word(("nginx", "apache"))},
    "aws:elasticbeanstalk:healthreporting:system": {
        "EnhancedHealthAuthEnabled": _YES_NO,
        "HealthCheckSuccessThreshold": Word(("Ok", "Warning", "Degraded", "Severe")),
        "SystemType": Word(("basic", "enhanced")),
    },
    "aws:elasticbeanstalk:managedactions": {
        "ManagedActionsEnabled": _YES_NO,
        "PreferredStartTime": Text(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun):([01][0-9]|2[0-3]):[0-5][0-9]"),  # UTC
        "ServiceRoleForManagedUpdates": _ANY,
    },
    "aws:elasticbeanstalk:managedactions:platformupdate": {
        "InstanceRefreshEnabled": _YES_NO,
        "UpdateLevel": Word(("patch", "minor")),
    },
    # Of a listener of a shared load balancer nothing else can be said, and only at creation.
    r"aws:elbv2:listener:[0-9]+": {"Rules": Text(r"[A-Za-z0-9]+(,[A-Za-z0-9]+)*")},
    # Of a shared load balancer nothing else can be said. ManagedSecurityGroup would make a second one.
    "aws:elbv2:loadbalancer": {
        "SecurityGroups": Text(_ID_LIST.format("sg")),
        "SharedLoadBalancer": Text(r"arn:[a-z-]+:elasticloadbalancing:.+"),
    },
}


def kind_of(namespace: str, name: str) -> Kind | None:
    """The values that an option takes, or nothing where the table has no such option."""
    for known, options in OPTIONS.items():
        if re.fullmatch(known, namespace):
            return next((kind for option, kind in options.items() if re.fullmatch(option, name)), None)
    return None


def takes(namespace: str, name: str, value: str) -> bool:
    """Whether Beanstalk takes ``value`` for that option, as far as the table knows."""
    kind = kind_of(namespace, name)
    return kind is not None and kind.takes(value)


def option(
    namespace: str, name: str, value: str | bool | int | AWSHelperFn, resource: str = ""
) -> OptionSetting:
    """An option setting that the table knows; a literal value is checked, a reference passes.

    ``resource`` names the scheduled action that a setting belongs to.
    """
    if kind_of(namespace, name) is None:
        raise ValueError(f"no option {name} of {namespace} in the table")
    if isinstance(value, bool):
        value = str(value).lower()
    if isinstance(value, int):
        value = str(value)
    if isinstance(value, str) and not takes(namespace, name, value):
        raise ValueError(f"{namespace} {name} does not take {value!r}")
    more = {"ResourceName": resource} if resource else {}
    return OptionSetting(Namespace=namespace, OptionName=name, Value=value, **more)
