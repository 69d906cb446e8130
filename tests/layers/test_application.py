"""The application: what its instances get, what roles may do, and options that Beanstalk would take."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, get_args

import pytest
import yaml

from blueprint.environment import load_environment
from blueprint.environment.application_model import BeanstalkLogDays, architecture
from blueprint.environment.checks import MOST_PATHS
from blueprint.environment.model import LogDays
from blueprint.gate import GateInput, check
from blueprint.layers import application
from blueprint.layers._application_environment import LOG_FILES
from blueprint.layers._application_rules import (
    MOST_VALUES,
    MOST_VALUES_OF_RULE,
    MOST_WILDCARDS_OF_RULE,
    PARKING,
    TLS_POLICY,
)
from blueprint.layers.shared import beanstalk_options
from blueprint.render import Rendered
from tests.conftest import LEAST, RECOVERY, merged
from tests.layers import application_stubs
from tests.layers.elb import GROUP, TLS_GROUP, resolved

Make = Callable[..., dict[str, Any]]
EVERYTHING = {
    "network": {"zones": 2, "dual_stack": True},
    "cache": {"enabled": True},
    "application": {
        "instance_types": ["t3.small", "m7i.large"],
        "spot": True,
        "on_demand_base": 1,
        "deployment": "rolling",
        "public_paths": ["/health", "/open/*", "/a", "/b", "/c/*", "/d/*/e"],
        "api_paths": ["/api/*", "/v1/*", "/v2/*", "/v3/*/x/*"],
        "browser_paths": ["/admin/*"],
        "scaling": {
            "metric": "network-out",
            "out_above": 6000000,
            "in_below": 2000000,
            "schedules": [
                {"name": "Morning", "at": "0 7 * * MON-FRI", "min_instances": 4, "max_instances": 8},
                {"name": "Night", "at": "0 22 * * *", "min_instances": 1, "max_instances": 2},
            ],
        },
    },
}


@pytest.fixture
def rendered_application(tmp_path) -> Callable[..., Rendered]:
    def make(**over: Any) -> Rendered:
        (tmp_path / "prod.yaml").write_text(yaml.safe_dump(merged(LEAST, over)))
        return application_stubs.rendered(load_environment(tmp_path, "prod"))

    return make


@pytest.fixture
def template(rendered_application) -> Make:
    return lambda **over: json.loads(rendered_application(**over).bodies["application"])


def options(template: dict[str, Any], **parameters: str) -> dict[tuple[str, str, str], str]:
    """Namespace, option and resource name -> value, in the primary region with those parameters."""
    given = {name: {**p, "Default": parameters.get(name, p.get("Default"))}
             for name, p in template["Parameters"].items()}  # fmt: skip
    found: dict[tuple[str, str, str], str] = {}
    settings = template["Resources"]["Environment"]["Properties"]["OptionSettings"]
    for setting in resolved(settings, {**template, "Parameters": given}):
        key = (setting["Namespace"], setting["OptionName"], setting.get("ResourceName", ""))
        assert key not in found, "an option is set once"
        found[key] = setting["Value"]
    return found


def option(template: dict[str, Any], namespace: str, name: str, **parameters: str) -> str:
    return options(template, **parameters)[namespace, name, ""]


# -- options -----------------------------------------------------------------------------------------------

#: What another stack hands over stands here as a word; the service hands over ids like these.
LIKE = {
    "VpcId": "vpc-0123456789abcdef0",
    "LoadBalancerSecurityGroupId": "sg-0123456789abcdef0",
    "ApplicationSecurityGroupId": "sg-0123456789abcdef1",
    **{
        f"{kind}Subnet{n}Id": f"subnet-0123456789abcde{n}{n}"
        for kind, n in product(("Public", "Application"), range(1, 5))
    },
}


def as_handed_over(value: str) -> str:
    for word, like in LIKE.items():
        value = re.sub(rf"\b{word}\b", like, value)
    return value


@pytest.mark.parametrize("tls", ["off", "added", "watched", "on"])
@pytest.mark.parametrize("over", [{}, RECOVERY, EVERYTHING], ids=["least", "recovery", "everything"])
def test_every_option_and_value_is_in_the_table_of_what_beanstalk_takes(template, over, tls):
    found = options(template(**over), InstanceTls=tls)
    assert len(found) > 70
    for (namespace, name, _), value in found.items():
        assert isinstance(value, str), f"{namespace} {name}: Beanstalk takes text only"
        assert beanstalk_options.takes(namespace, name, as_handed_over(value)), (namespace, name, value)


def test_the_table_refuses_what_it_does_not_know():
    for bad in (
        ("aws:autoscaling:asg", "MinSize", "0"),
        ("aws:autoscaling:asg", "Minsize", "1"),
        ("aws:autoscaling:autoscalinggroup", "HealthCheckType", "ELB"),
        ("aws:elbv2:loadbalancer", "ManagedSecurityGroup", "sg-1"),
        ("aws:elbv2:listener:8081", "DefaultProcess", "default"),
        ("aws:autoscaling:trigger", "MeasureName", "TargetResponseTime"),
        ("aws:elasticbeanstalk:cloudwatch:logs", "RetentionInDays", "1096"),
        ("aws:ec2:vpc", "Subnets", "subnet-1, subnet-2"),
        ("aws:elasticbeanstalk:managedactions", "PreferredStartTime", "Sunday:03:00"),
    ):
        assert not beanstalk_options.takes(*bad), bad
        with pytest.raises(ValueError, match=r"in the table|does not take"):
            beanstalk_options.option(*bad)


def test_switches_and_numbers_become_text():
    made = [
        beanstalk_options.option("aws:elasticbeanstalk:environment", "LoadBalancerIsShared", True),
        beanstalk_options.option("aws:autoscaling:asg", "MaxSize", 4),
    ]
    assert [setting.Value for setting in made] == ["true", "4"]


def test_retentions_of_logs_are_those_that_both_services_take():
    assert set(get_args(BeanstalkLogDays)) == set(beanstalk_options.LOG_DAYS) & set(get_args(LogDays))


def test_the_load_balancer_is_shared_and_beanstalk_parks_its_rule(template):
    made = template()
    kind, balancer = "aws:elasticbeanstalk:environment", "aws:elbv2:loadbalancer"
    assert option(made, kind, "LoadBalancerIsShared") == "true"
    assert option(made, kind, "LoadBalancerType") == "application"
    assert option(made, balancer, "SecurityGroups") == "LoadBalancerSecurityGroupId"
    listeners = {key for key in options(made) if key[0].startswith("aws:elbv2:listener")}
    assert listeners == {(f"aws:elbv2:listener:{PARKING}", "Rules", "")}
    assert {name for ns, name, _ in options(made) if ns == balancer} == {
        "SharedLoadBalancer",
        "SecurityGroups",
    }


def test_the_platform_is_an_arn_and_nothing_else_names_one(template):
    environment = template()["Resources"]["Environment"]["Properties"]
    assert environment["PlatformArn"] == {"Fn::GetAtt": ["Platform", "PlatformArn"]}
    assert not {"SolutionStackName", "TemplateName", "CNAMEPrefix"} & set(environment)


def test_the_platform_follows_the_version_of_php(template):
    made = template(application={"php": 8.5})
    assert made["Resources"]["Platform"]["Properties"]["Branch"].startswith("PHP 8.5 running on 64bit Amazon")
    pattern = made["Parameters"]["PlatformVersion"]["AllowedPattern"]
    arn = "arn:aws:elasticbeanstalk:eu-west-1::platform/PHP 8.5 running on 64bit Amazon Linux 2023/4.10.1"
    assert re.fullmatch(pattern, arn)
    assert re.fullmatch(pattern, "latest")
    assert not re.fullmatch(pattern, "4.10.1")


def test_instances_have_no_ssh_no_public_address_and_the_second_metadata_service_only(template):
    made = template()
    launch = "aws:autoscaling:launchconfiguration"
    assert option(made, launch, "DisableIMDSv1") == "true"
    assert option(made, launch, "RootVolumeType") == "gp3"
    assert option(made, launch, "DisableDefaultEC2SecurityGroup") == "true"
    assert option(made, launch, "SecurityGroups") == "ApplicationSecurityGroupId"
    assert option(made, "aws:ec2:vpc", "AssociatePublicIpAddress") == "false"
    assert option(made, "aws:ec2:vpc", "Subnets") == ",".join(f"ApplicationSubnet{n}Id" for n in (1, 2, 3))
    assert option(made, "aws:ec2:vpc", "ELBSubnets") == ",".join(f"PublicSubnet{n}Id" for n in (1, 2, 3))
    assert not [name for _, name, _ in options(made) if name in ("EC2KeyName", "SSHSourceRestriction")]


def test_breaches_last_as_long_as_their_periods(template):
    trigger = "aws:autoscaling:trigger"
    made = options(template())
    period, count, breach = (
        int(made[trigger, name, ""]) for name in ("Period", "EvaluationPeriods", "BreachDuration")
    )
    assert period * count == breach


@pytest.mark.parametrize(
    ("metric", "name", "unit"),
    [
        ("cpu", "CPUUtilization", "Percent"),
        ("network-in", "NetworkIn", "Bytes"),
        ("network-out", "NetworkOut", "Bytes"),
    ],
)
def test_the_metric_brings_its_unit(template, metric, name, unit):
    made = template(application={"scaling": {"metric": metric}})
    assert option(made, "aws:autoscaling:trigger", "MeasureName") == name
    assert option(made, "aws:autoscaling:trigger", "Unit") == unit


def test_schedules_are_told_apart_by_their_names(template):
    made = options(template(**EVERYTHING))
    action = "aws:autoscaling:scheduledaction"
    assert made[action, "Recurrence", "Morning"] == "0 7 * * MON-FRI"
    assert made[action, "MinSize", "Morning"] == "4"
    assert made[action, "MaxSize", "Night"] == "2"
    assert made[action, "Suspend", "Night"] == "false"


def test_standing_by_costs_one_instance_and_rests_schedules(template):
    made = template(**merged(EVERYTHING, RECOVERY))
    settings = made["Resources"]["Environment"]["Properties"]["OptionSettings"]
    [least] = [s["Value"] for s in settings if s.get("OptionName") == "MinSize" and "ResourceName" not in s]
    assert least == {"Fn::If": ["IsActive", {"Ref": "MinInstances"}, "1"]}
    suspended = [s["Value"] for s in settings if s.get("OptionName") == "Suspend"]
    assert suspended == [{"Fn::If": ["IsActive", "false", "true"]}] * 2


def test_spot_instances_keep_their_base_on_demand(template):
    kinds = "aws:ec2:instances"
    made = template(**EVERYTHING)
    assert option(made, kinds, "EnableSpot") == "true"
    assert option(made, kinds, "SpotFleetOnDemandBase") == "1"
    assert option(made, kinds, "SupportedArchitectures") == "x86_64"
    assert option(template(), kinds, "EnableSpot") == "false"
    assert option(template(), kinds, "SupportedArchitectures") == "arm64"


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        *((name, "arm64") for name in ("t4g.small", "m7g.medium", "c7gn.large", "r8gd.2xlarge", "a1.large")),
        *(
            (name, "arm64")
            for name in ("x2gd.medium", "c8g.metal-24xl", "i4g.large", "im4gn.large", "g5g.xlarge")
        ),
        *((name, "x86_64") for name in ("t3.small", "m7i.large", "m7i-flex.large", "c6a.large", "g5.xlarge")),
        *((name, "x86_64") for name in ("g4dn.xlarge", "u-6tb1.metal", "trn1.2xlarge", "mac2.metal")),
    ],
)
def test_the_architecture_of_an_instance_type(kind, wanted):
    assert architecture(kind) == wanted


def test_the_console_takes_types_of_the_environment_s_architecture_only(template):
    arm = template()["Parameters"]["InstanceTypes"]
    assert re.fullmatch(arm["AllowedPattern"], arm["Default"])
    assert re.fullmatch(arm["AllowedPattern"], "c8gn.large,m8g.medium")
    assert not re.fullmatch(arm["AllowedPattern"], "t4g.small,t3.small")
    assert not re.fullmatch(arm["AllowedPattern"], "t4g.small, m8g.medium")


def test_two_processes_so_that_no_target_group_ever_changes(template):
    made = template()
    process = "aws:elasticbeanstalk:environment:process"
    off, on = (options(made, InstanceTls=value) for value in ("off", "on"))
    assert {ns for ns, _, _ in off if ns.startswith(process)} == {f"{process}:default"}
    assert off.items() <= on.items(), "switching it on changes no option that was there"
    assert on[f"{process}:default", "Port", ""] == "80"
    assert (on[f"{process}:tls", "Port", ""], on[f"{process}:tls", "Protocol", ""]) == ("443", "HTTPS")


@pytest.mark.parametrize(
    ("step", "protocol", "weights"),
    [
        ("off", "HTTP", {GROUP: 1}),
        ("added", "HTTP", {GROUP: 1}),
        ("watched", "HTTP", {GROUP: 1, TLS_GROUP: 0}),
        ("on", "HTTPS", {TLS_GROUP: 1, GROUP: 0}),
    ],
)
def test_before_requests_go_to_another_group_its_health_is_watched(template, step, protocol, weights):
    """A load balancer checks only groups that a rule knows. The other way round for the way back."""
    made = template()
    resources = made["Resources"]
    given = {**made, "Parameters": {**made["Parameters"], "InstanceTls": {"Default": step}}}
    assert resolved(resources["TargetGroup"]["Properties"]["Protocol"], given) == protocol
    groups = {"TargetGroupArn": GROUP, "SpareTargetGroupArn": TLS_GROUP}
    if protocol == "HTTPS":
        groups = {"TargetGroupArn": TLS_GROUP, "SpareTargetGroupArn": GROUP}
    forward = resolved(resources["SignInCallback1"]["Properties"]["Actions"][-1], given)
    found = {
        groups[group["TargetGroupArn"].removeprefix("TargetGroup.")]: group["Weight"]
        for group in forward["ForwardConfig"]["TargetGroups"]
    }
    assert found == weights


def test_health_and_updates(template):
    made = template()
    assert option(made, "aws:elasticbeanstalk:healthreporting:system", "SystemType") == "enhanced"
    actions = "aws:elasticbeanstalk:managedactions"
    assert option(made, actions, "ManagedActionsEnabled") == "true"
    # With its path, which a bare name would not tell.
    assert option(made, actions, "ServiceRoleForManagedUpdates") == "ServiceRole.Arn"
    assert option(made, "aws:elasticbeanstalk:environment", "ServiceRole") == "ServiceRole.Arn"
    assert option(made, f"{actions}:platformupdate", "UpdateLevel") == "minor"
    assert option(made, f"{actions}:platformupdate", "InstanceRefreshEnabled") == "true"


def test_a_pinned_platform_stays_and_one_that_follows_is_updated(template):
    made, arn = template(), "arn:aws:elasticbeanstalk:eu-west-1::platform/PHP 8.4/4.7.5"
    actions = "aws:elasticbeanstalk:managedactions"
    for version, wanted in (("latest", "true"), (arn, "false")):
        assert option(made, actions, "ManagedActionsEnabled", PlatformVersion=version) == wanted
        refresh = option(made, f"{actions}:platformupdate", "InstanceRefreshEnabled", PlatformVersion=version)
        assert refresh == wanted, "Beanstalk refuses it without managed updates"


def test_releases_and_changes_are_immutable_together_or_not_at_all(template):
    """Beanstalk refuses the one without the other, also when an operator changes the parameter."""
    made, rolling = template(), "aws:autoscaling:updatepolicy:rollingupdate"
    for policy in made["Parameters"]["DeploymentPolicy"]["AllowedValues"]:
        kind = option(made, rolling, "RollingUpdateType", DeploymentPolicy=policy)
        assert (kind == "Immutable") == (policy == "Immutable")


@pytest.mark.parametrize("over", [{}, merged(EVERYTHING, RECOVERY)], ids=["least", "everything"])
def test_the_platform_is_looked_up_before_every_change_of_the_environment(template, over):
    """Else an update would send the version that the stack knew, which a managed update has left behind."""
    made = template(**over)
    changes = made["Resources"]["Platform"]["Properties"]["Changes"]
    assert all({"Ref": parameter} in changes for parameter in made["Parameters"])
    text = json.dumps(changes)
    for setting in made["Resources"]["Environment"]["Properties"]["OptionSettings"]:
        if setting.get("Namespace") == "aws:elasticbeanstalk:application:environment":
            assert isinstance(setting["Value"], str) or json.dumps(setting["Value"]) in text
    # A rule of the load balancer may have changed as well by then.
    assert made["Resources"]["TargetGroup"]["Properties"]["Asked"] == {"Fn::GetAtt": ["Platform", "Asked"]}


@pytest.mark.parametrize(
    "other",
    [{"disk_gb": 20}, {"spot": True}, {"update_window": "Mon:04:00"}, {"scaling": {"metric": "network-in"}}],
)
def test_another_option_of_the_file_has_it_looked_up_too(template, other):
    def digest(**over: Any) -> str:
        return str(template(**over)["Resources"]["Platform"]["Properties"]["Changes"][0])

    assert digest() == digest() != digest(application=other)
    assert digest(application={"session_hours": 8}) == digest(), "which is no option of the environment"


def test_beanstalk_uses_the_callers_rights_until_an_operator_says_otherwise(template):
    made = template()
    environment = made["Resources"]["Environment"]
    assert made["Parameters"]["OperationsBy"]["Default"] == "caller"
    for value, wanted in (("caller", None), ("role", "OperationsRole.Arn")):
        given = {**made["Parameters"], "OperationsBy": {"Default": value}}
        properties = resolved(environment["Properties"], {**made, "Parameters": given})
        assert properties.get("OperationsRole") == wanted
    assert "OperationsOnBalancer" in environment["DependsOn"]


def test_deployments_split_no_traffic_because_our_rules_forward_to_one_group(template):
    assert "TrafficSplitting" not in template()["Parameters"]["DeploymentPolicy"]["AllowedValues"]


# -- what the application gets -----------------------------------------------------------------------------


def test_endpoints_and_secret_arns_reach_php_and_no_secret_does(template):
    own = "aws:elasticbeanstalk:application:environment"
    made = {name: value for (ns, name, _), value in options(template(**EVERYTHING)).items() if ns == own}
    values = application_stubs.VALUES
    assert made["DATABASE_WRITER_HOST"] == values["WriterEndpoint"]
    assert made["DATABASE_READER_HOST"] == values["ReaderEndpoint"]
    assert made["DATABASE_SECRET_ARN"] == values["ApplicationSecretArn"]
    assert made["CACHE_HOST"] == values["CacheEndpoint"]
    assert made["CACHE_SECRET_ARN"] == values["CacheSecretArn"]
    assert made["TOKEN_ISSUER"] == values["Issuer"]
    assert set(made) == {
        *application.DATABASE,
        *application.CACHE,
        *("DATABASE_CA_FILE", "LOAD_BALANCER_ARN", "TOKEN_ISSUER", "UPLOADS_BUCKET"),
    }
    assert sum(len(name) + len(value) + 2 for name, value in made.items()) < 4096
    assert "{{resolve:" not in json.dumps(template(**EVERYTHING))


def test_without_a_cache_nothing_of_one_is_asked(template):
    assert "Cache" not in json.dumps(template())


def test_recovery_reads_nothing_of_the_primary_and_uses_the_secret_s_replica(rendered_application):
    rendered = rendered_application(**RECOVERY)
    made = json.loads(rendered.bodies["application"])
    assert "Fn::GetStackOutput" not in json.dumps(made)
    for name in ("UserPoolId", "Issuer", "WebClientId", "DatabaseWriterEndpoint", "DatabaseLogin"):
        assert any(parameter.startswith(name) for parameter in made["Parameters"]), name
    [secret] = [
        s["Value"]
        for s in made["Resources"]["Environment"]["Properties"]["OptionSettings"]
        if s.get("OptionName") == "DATABASE_SECRET_ARN"
    ]
    text, names = secret["Fn::Sub"]
    assert ":secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:" in text
    assert names["Name"]["Fn::Select"][0] in (6, "6")


def test_an_option_of_recovery_changes_no_create_only_property(template):
    before, after = template(), template(**RECOVERY)
    for name in ("EnvironmentName", "ApplicationName"):
        assert (
            before["Resources"]["Environment"]["Properties"][name]
            == (after["Resources"]["Environment"]["Properties"][name])
        )
    assert set(before["Resources"]) == set(after["Resources"])


# -- load balancer -----------------------------------------------------------------------------------------


def attributes(template: dict[str, Any]) -> dict[str, str]:
    listed = resolved(template["Resources"]["LoadBalancer"]["Properties"]["LoadBalancerAttributes"], template)
    return {item["Key"]: item["Value"] for item in listed}


def documented(shape: str) -> set[str]:
    """The attribute keys that the service's own model names."""
    from botocore.loaders import Loader

    model = Loader().load_service_model("elbv2", "service-2")
    return set(
        re.findall(r"<code>([a-z0-9_.]+)</code>", model["shapes"][shape]["members"]["Key"]["documentation"])
    )


def test_attributes_are_those_that_the_service_knows(template):
    made = template()
    assert set(attributes(made)) <= documented("LoadBalancerAttribute")
    for resource in made["Resources"].values():
        if resource["Type"] == "AWS::ElasticLoadBalancingV2::Listener":
            listed = resource["Properties"].get("ListenerAttributes", [])
            assert {item["Key"] for item in listed} <= documented("ListenerAttribute")


def test_the_load_balancer_is_hardened_logged_and_protected(template):
    made = attributes(template())
    assert made["routing.http.drop_invalid_header_fields.enabled"] == "true"
    assert made["routing.http.desync_mitigation_mode"] == "strictest"
    assert made["waf.fail_open.enabled"] == "false"
    assert made["deletion_protection.enabled"] == "true"
    for kind in ("access_logs", "connection_logs", "health_check_logs"):
        assert made[f"{kind}.s3.enabled"] == "true"
        assert made[f"{kind}.s3.bucket"] == "AccessBucketName"
        assert made[f"{kind}.s3.prefix"] == "elb"


def test_it_lies_in_public_subnets_and_the_certificate_s_region(template):
    balancer = resolved(template()["Resources"]["LoadBalancer"]["Properties"], {})
    assert balancer["Scheme"] == "internet-facing"
    assert balancer["Subnets"] == ["PublicSubnet1Id", "PublicSubnet2Id", "PublicSubnet3Id"]
    assert balancer["SecurityGroups"] == ["LoadBalancerSecurityGroupId"]


def test_tls_is_the_recommended_policy_and_browsers_are_told_to_stay_with_it(template):
    listener = template()["Resources"]["HttpsListener"]["Properties"]
    assert listener["SslPolicy"] == TLS_POLICY == "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
    headers = {item["Key"]: item["Value"] for item in listener["ListenerAttributes"]}
    seconds = re.search(
        r"max-age=(\d+)", headers["routing.http.response.strict_transport_security.header_value"]
    )
    assert seconds
    assert int(seconds[1]) >= 31536000
    assert headers["routing.http.response.server.enabled"] == "false"


def test_no_security_group_opens_the_parking_port(rendered_application):
    network = json.loads(rendered_application(**EVERYTHING).bodies["network"])
    opened = [
        (rule["FromPort"], rule["ToPort"])
        for rule in (
            r["Properties"] for r in network["Resources"].values() if "SecurityGroupIngress" in r["Type"]
        )
        if rule["GroupId"]["Fn::GetAtt"][0] == "LoadBalancerSecurityGroup"
    ]
    assert opened
    assert not any(first <= PARKING <= last for first, last in opened)


def listener_rules(template: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::ElasticLoadBalancingV2::ListenerRule":
            yield name, resource["Properties"]


#: As many paths as a file may hold, each with so many wildcards that it needs a rule of its own.
MANY_PATHS = {
    "application": {
        kind: [f"/{kind[0]}{n}/*/*/*" for n in range(count)]
        for kind, count in (("public_paths", 30), ("api_paths", 40), ("browser_paths", MOST_PATHS - 70))
    }
}


@pytest.mark.parametrize("over", [{}, EVERYTHING, MANY_PATHS], ids=["least", "everything", "many paths"])
def test_rules_keep_within_the_quotas_of_a_rule(template, over):
    numbers: dict[str, list[int]] = {}
    for name, rule in listener_rules(template(**over)):
        values = [
            value
            for test in rule["Conditions"]
            for config in test.values()
            if isinstance(config, dict)
            for value in (*config.get("Values", []), *config.get("RegexValues", []))
        ]
        each = [len(v) for t in rule["Conditions"] for c in t.values() if isinstance(c, dict) for v in
                (c.get("Values"), c.get("RegexValues")) if v]  # fmt: skip
        assert max(each) <= MOST_VALUES, name
        assert len(values) <= MOST_VALUES_OF_RULE, name
        plain = [
            v
            for t in rule["Conditions"]
            for c in t.values()
            if isinstance(c, dict)
            for v in c.get("Values", [])
        ]
        assert sum(map("".join(plain).count, "*?")) <= MOST_WILDCARDS_OF_RULE, name
        assert all(len(value) <= 128 for value in values)
        numbers.setdefault(rule["ListenerArn"]["Ref"], []).append(rule["Priority"])
    for taken in numbers.values():
        assert len(set(taken)) == len(taken)
        assert all(1 <= number <= 50000 for number in taken)
    assert sum(map(len, numbers.values())) < 100, "of a load balancer by default, one is Beanstalk's"


def test_every_listed_path_has_a_rule(template):
    paths = {v for _, rule in listener_rules(template(**EVERYTHING)) for t in rule["Conditions"]
             if t["Field"] == "path-pattern" for v in t["PathPatternConfig"].get("Values", [])}  # fmt: skip
    wanted = EVERYTHING["application"]
    assert paths == {*wanted["public_paths"], *wanted["api_paths"], *wanted["browser_paths"],
                     "/*", "/oauth2/idpresponse"}  # fmt: skip


def test_without_browser_paths_nobody_is_sent_to_sign_in(template):
    made = template(application={"browser_paths": []})
    assert not [name for name in made["Resources"] if name.startswith("BrowserPaths")]


# -- logs and releases -------------------------------------------------------------------------------------


def test_log_groups_are_ours_before_beanstalk_would_make_them(template):
    made = template(application={"log_retention_days": 30})
    groups = {
        n: r["Properties"] for n, r in made["Resources"].items() if "LogGroupName" in str(r.get("Properties"))
    }
    names = {properties["LogGroupName"] for properties in groups.values()}
    assert names == {f"/aws/elasticbeanstalk/acme-prod{path}" for path in LOG_FILES}
    assert len({*groups}) == len(LOG_FILES)
    for properties in groups.values():
        assert properties["RetentionInDays"] == 30
        assert properties["KmsKeyId"] == {"Fn::ImportValue": "acme:prod:security:LogsKeyArn"}
    assert set(groups) <= set(made["Resources"]["Environment"]["DependsOn"])
    assert option(made, "aws:elasticbeanstalk:cloudwatch:logs", "RetentionInDays") == "30"
    assert option(made, "aws:elasticbeanstalk:cloudwatch:logs:health", "HealthStreamingEnabled") == "true"


def test_old_releases_go_with_their_bundles(template):
    rule = template()["Resources"]["Application"]["Properties"]["ResourceLifecycleConfig"]
    assert rule["VersionLifecycleConfig"]["MaxCountRule"] == {
        "DeleteSourceFromS3": True,
        "Enabled": True,
        "MaxCount": 50,
    }


def test_the_longest_and_the_shortest_names_fit_an_environment(template):
    for project in ("ab", "twelve-chars"):
        name = template(project=project)["Resources"]["Environment"]["Properties"]["EnvironmentName"]
        assert 4 <= len(name) <= 40


# -- as a whole --------------------------------------------------------------------------------------------


def test_outputs_are_those_that_other_layers_read(template):
    assert {"LoadBalancerArn", "LoadBalancerDnsName", "LoadBalancerZoneId", "EnvironmentName"} <= set(
        template()["Outputs"]
    )


@pytest.mark.parametrize("over", [{}, RECOVERY, EVERYTHING], ids=["least", "recovery", "everything"])
def test_both_validators_have_nothing_to_say(rendered_application, over):
    rendered = rendered_application(**over)
    regions = rendered.plan.stacks["application"].regions
    found = check(
        [GateInput("application", rendered.bodies["application"], regions, "application")],
        cache_dir=None,
        validators=("cloudformation-validate", "cfn-lint"),
        processes=1,
    )
    assert [finding for finding in found if finding.fails] == []
