"""The table of options: what Beanstalk's guide says of names, ranges and words, and nothing else passes.

That the layer uses no option outside the table is tested in ``tests/layers/test_application.py``.
"""

from __future__ import annotations

import pytest
from troposphere import If, Join, Ref

from blueprint.layers.shared.beanstalk_options import LOG_DAYS, kind_of, option, takes
from blueprint.schemas import property_schema

ASG, TRIGGER, COMMAND = "aws:autoscaling:asg", "aws:autoscaling:trigger", "aws:elasticbeanstalk:command"
LAUNCH, ACTION = "aws:autoscaling:launchconfiguration", "aws:autoscaling:scheduledaction"
PROCESS, KINDS = "aws:elasticbeanstalk:environment:process:default", "aws:ec2:instances"

#: "General options for all environments": the least and the most.
RANGES = [
    (ASG, "Cooldown", 0, 10000),
    (ASG, "MinSize", 1, 10000),
    (ASG, "MaxSize", 1, 10000),
    (LAUNCH, "RootVolumeSize", 10, 16384),
    (ACTION, "MinSize", 0, 10000),
    (ACTION, "MaxSize", 0, 10000),
    (ACTION, "DesiredCapacity", 0, 10000),
    (TRIGGER, "BreachDuration", 1, 600),
    (TRIGGER, "EvaluationPeriods", 1, 600),
    (TRIGGER, "Period", 1, 600),
    (TRIGGER, "LowerThreshold", 0, 20000000),
    (TRIGGER, "UpperThreshold", 0, 20000000),
    (KINDS, "SpotFleetOnDemandAboveBasePercentage", 0, 100),
    (COMMAND, "BatchSize", 1, 100),
    (COMMAND, "Timeout", 1, 3600),
    (PROCESS, "DeregistrationDelay", 0, 3600),
    (PROCESS, "HealthCheckInterval", 5, 300),
    (PROCESS, "HealthCheckTimeout", 1, 60),
    (PROCESS, "HealthyThresholdCount", 2, 10),
    (PROCESS, "UnhealthyThresholdCount", 2, 10),
    (PROCESS, "Port", 1, 65535),
]


@pytest.mark.parametrize(("namespace", "name", "least", "most"), RANGES)
def test_numbers_have_the_range_of_the_guide(namespace: str, name: str, least: int, most: int) -> None:
    tried = (least - 1, least, most, most + 1)
    assert [number for number in tried if takes(namespace, name, str(number))] == [least, most]
    assert not any(
        takes(namespace, name, text) for text in ("", f"{least}.0", f" {least}", f"{least}\n", "true")
    )
    arabic = str(least).translate({ord(digit): ord(digit) - ord("0") + 0x660 for digit in "0123456789"})
    assert not takes(namespace, name, arabic)


@pytest.mark.parametrize(
    ("namespace", "name", "text"),
    [
        (PROCESS, "MatcherHTTPCode", "2\u06600"),
        ("aws:elasticbeanstalk:container:php:phpini", "memory_limit", "\u0665\u0661M"),
        ("aws:elasticbeanstalk:managedactions", "PreferredStartTime", "Sun:0\u0663:00"),
        ("aws:elbv2:listener:\u0664\u0664", "Rules", "default"),
    ],
)
def test_digits_of_other_scripts_are_no_digits(namespace: str, name: str, text: str) -> None:
    assert kind_of(namespace.replace("\u0664\u0664", "44"), name)
    assert not takes(namespace, name, text)


@pytest.mark.parametrize(
    ("namespace", "name", "good", "bad"),
    [
        (TRIGGER, "Statistic", ["Minimum", "Maximum", "Sum", "Average"], ["average", "p99", ""]),
        (TRIGGER, "MeasureName", ["CPUUtilization", "NetworkIn"], ["CPU", "HealthyHostCount"]),
        (COMMAND, "DeploymentPolicy", ["AllAtOnce", "Rolling", "Immutable"], ["immutable", "BlueGreen"]),
        (LAUNCH, "MonitoringInterval", ["1 minute", "5 minute"], ["1", "60", "5 minutes"]),
        (LAUNCH, "DisableIMDSv1", ["true", "false"], ["True", "1", "yes"]),
        (PROCESS, "Protocol", ["HTTP", "HTTPS"], ["http", "TCP"]),  # TCP: network load balancers only
        (PROCESS, "MatcherHTTPCode", ["200", "200,301", "200-299"], ["600", "20", "200,", "ok"]),
        (PROCESS, "HealthCheckPath", ["/", "/health?deep=1"], ["health", "", "/a b"]),
        (
            KINDS,
            "InstanceTypes",
            ["t4g.small", "t4g.small,m7g.large"],
            ["t4g.small, m7g.large", "small", ",".join(["t4g.small"] * 11)],
        ),
        (
            "aws:ec2:vpc",
            "Subnets",
            ["subnet-0a1b", "subnet-0a,subnet-1b"],
            ["subnet-0a,", "vpc-0a", "subnet-0A"],
        ),
        (ACTION, "Recurrence", ["0 7 * * MON-FRI"], ["0 7 * *", "0  7 * * *"]),
        (
            "aws:elasticbeanstalk:managedactions",
            "PreferredStartTime",
            ["Tue:09:00"],
            ["Tue:9:00", "Tue:24:00"],
        ),
        ("aws:elasticbeanstalk:managedactions:platformupdate", "UpdateLevel", ["minor", "patch"], ["major"]),
        ("aws:elasticbeanstalk:healthreporting:system", "SystemType", ["basic", "enhanced"], ["Enhanced"]),
        ("aws:elasticbeanstalk:container:php:phpini", "memory_limit", ["256M"], ["256", "1G"]),
        ("aws:elbv2:listener:8443", "Rules", ["parked", "one,two"], ["one, two", ""]),
    ],
)
def test_words_and_texts_are_those_of_the_guide_as_a_whole(
    namespace: str, name: str, good: list[str], bad: list[str]
) -> None:
    assert [text for text in good if not takes(namespace, name, text)] == []
    assert [text for text in [*bad, f"{good[0]}\n"] if takes(namespace, name, text)] == []


@pytest.mark.parametrize(
    "namespace", ["aws:elasticbeanstalk:cloudwatch:logs", "aws:elasticbeanstalk:cloudwatch:logs:health"]
)
def test_logs_are_kept_for_days_that_both_services_know(namespace: str) -> None:
    offered = property_schema("AWS::Logs::LogGroup", "RetentionInDays")["enum"]
    taken = [days for days in offered if takes(namespace, "RetentionInDays", str(days))]
    assert taken == list(LOG_DAYS)
    assert set(offered) - set(taken) == {1096, 2192, 2557, 2922, 3288}


@pytest.mark.parametrize(
    ("namespace", "name", "known"),
    [
        (f"{PROCESS[:-7]}tls", "Port", True),
        (f"{PROCESS[:-7]}", "Port", False),
        ("aws:elbv2:listener:8443", "Rules", True),
        ("aws:elbv2:listener:default", "Rules", False),
        (f"x{ASG}", "MinSize", False),
        (f"{ASG}:more", "MinSize", False),
        (ASG, "MinSizes", False),
        (ASG, "minsize", False),
        ("aws:elasticbeanstalk:application:environment", "DATABASE_HOST", True),
        ("aws:elasticbeanstalk:application:environment", "DATABASE-HOST", False),
        ("aws:elasticbeanstalk:application:environment", "1ST", False),
    ],
)
def test_names_count_as_a_whole(namespace: str, name: str, known: bool) -> None:
    assert (kind_of(namespace, name) is not None) == known
    if not known:
        with pytest.raises(ValueError, match="in the table"):
            option(namespace, name, Ref("Anything"))


@pytest.mark.parametrize(
    "value", [Ref("MinInstances"), If("IsActive", Ref("MinInstances"), "1"), Join(",", ["a"])]
)
def test_a_reference_passes_as_it_is_because_only_the_service_knows_it(value: object) -> None:
    assert option(ASG, "MinSize", value).Value is value


@pytest.mark.parametrize("value", [True, 0, 10001, -1, "1.5"])
def test_a_literal_that_the_service_would_refuse_is_refused_at_the_desk(value: str | int) -> None:
    with pytest.raises(ValueError, match=f"{ASG} MinSize does not take"):
        option(ASG, "MinSize", value)


def test_only_a_scheduled_action_s_setting_names_its_resource() -> None:
    assert option(ACTION, "MinSize", 0, "Night").to_dict() == {
        "Namespace": ACTION,
        "OptionName": "MinSize",
        "ResourceName": "Night",
        "Value": "0",
    }
    assert "ResourceName" not in option(ASG, "MinSize", 1).to_dict()
