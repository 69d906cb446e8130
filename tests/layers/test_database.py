"""The database: who reaches it, what keeps it, who may sign in, and what recovery needs of it later."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from troposphere import Ref, Select, Split, Sub
from troposphere.rds import (
    AuthFormat,
    DBCluster,
    DBClusterParameterGroup,
    DBInstance,
    DBProxy,
    DBProxyTargetGroup,
    DBSubnetGroup,
)

from blueprint.environment import Environment, load_environment
from blueprint.environment.database_checks import OURS
from blueprint.gate import GateInput, check
from blueprint.layers import _database_parameters as parameters
from blueprint.layers import database, layers_for, network, security
from blueprint.layers.shared import names
from blueprint.render import Rendered, render
from blueprint.schemas import create_only
from blueprint.stacks.places import Place
from blueprint.stacks.stack import Stack
from tests.conftest import RECOVERY, ROOT, Template, load_shipped

LAYERS = {"security": security.stacks, "network": network.stacks, "database": database.stacks}
MYSQL: dict[str, Any] = {
    "engine": "rds-mysql",
    "version": "8.4.11",
    "instance_class": "db.m8g.large",
    "proxy": {"enabled": True},
}
PROXY = {"proxy": {"enabled": True}}
PAUSING = {"serverless": {"min_acu": 0}, "readers": 0}
RESTORED = {"restore_from": {"snapshot": "before-the-move"}}
EARLIER = {"restore_from": {"source": "acme-old", "time": "2026-11-23T04:05:06Z"}}

VARIANTS: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "pausing": {**PAUSING, "deletion_protection": False},
    "all of Aurora": {
        **PROXY,
        "readers": 2,
        "reader_scaling": {"maximum": 5},
        "insights": "advanced",
        "serverless": {"min_acu": 2, "max_acu": 256},
        "parameters": {"cluster": {"binlog_format": "ROW"}, "instance": {"max_connections": 2000}},
    },
    "provisioned": {
        "instance_class": "db.r8g.large",
        "version": "8.4.mysql_aurora.8.4.8",
        "storage": {"type": "io-optimized"},
    },
    "from a snapshot": RESTORED,
    "from another account's": {
        "restore_from": {"snapshot": "arn:aws:rds:eu-west-1:999988887777:cluster-snapshot:before"}
    },
    "from a moment": EARLIER,
    "MySQL": {**MYSQL, "readers": 2, "insights": "advanced"},
    "MySQL alone": {**MYSQL, **RESTORED, "readers": 0, "deletion_protection": False},
}


@pytest.fixture
def rendered_database(environments: Callable[..., Any]) -> Callable[..., Rendered]:
    def make(settings: dict[str, Any] | None = None, **over: Any) -> Rendered:
        folder = environments(prod={"database": settings or {}, **over})
        return render(load_environment(folder, "prod"), LAYERS)

    return make


@pytest.fixture
def template(rendered_database: Callable[..., Rendered]) -> Callable[..., Template]:
    """The database's template: ``template({"readers": 2}, **RECOVERY)``."""

    def make(settings: dict[str, Any] | None = None, **over: Any) -> Template:
        body = rendered_database(settings, **over).bodies["database"]
        return Template("database", json.loads(body), body)

    return make


def only(template: Template, kind: str) -> dict[str, Any]:
    [resource] = template.of_type(f"AWS::{kind}").values()
    return dict(resource["Properties"])


def server(template: Template) -> dict[str, Any]:
    """The cluster, or the instance that is not a member nor a copy."""
    clusters = template.of_type("AWS::RDS::DBCluster")
    return template.properties("Cluster" if clusters else "Instance")


def copies(template: Template) -> dict[str, dict[str, Any]]:
    return {
        name: r["Properties"]
        for name, r in template.of_type("AWS::RDS::DBInstance").items()
        if name.startswith("Reader")
    }


def needs(template: Template, name: str) -> set[str]:
    """Everything that a resource waits for, however far away."""
    seen: set[str] = set()
    todo = [name]
    while todo:
        for other in {*_named(template.resources[todo.pop()])} & template.resources.keys() - seen:
            seen.add(other)
            todo.append(other)
    return seen


def _named(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _named(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "DependsOn":
                yield from [value] if isinstance(value, str) else value
            elif key == "Ref":
                yield value
            elif key == "Fn::GetAtt":
                yield value[0]
            elif key == "Fn::Sub":
                yield from re.findall(r"\$\{(\w+)[.}]", value if isinstance(value, str) else value[0])
                yield from _named(value[1:] if isinstance(value, list) else [])
            else:
                yield from _named(value)


# -- the database itself -------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", VARIANTS)
def test_it_is_encrypted_private_kept_and_asks_for_tls(template, variant: str) -> None:
    made = template(VARIANTS[variant])
    properties = server(made)
    assert "DatabaseKeyArn" in json.dumps(properties["KmsKeyId"])
    if "source" not in VARIANTS[variant].get("restore_from", {}):
        assert properties["StorageEncrypted"] is True
    assert properties["DeletionProtection"] is VARIANTS[variant].get("deletion_protection", True)
    assert properties["CopyTagsToSnapshot"] is True
    assert properties["BackupRetentionPeriod"] == {"Ref": "BackupRetentionDays"}
    assert "ManageMasterUserPassword" not in properties
    assert "AvailabilityZones" not in properties
    assert "EngineMode" not in properties
    for instance in made.of_type("AWS::RDS::DBInstance").values():
        assert instance["Properties"]["PubliclyAccessible"] is False
        assert instance["Properties"]["AutoMinorVersionUpgrade"] is False
    groups = {
        **made.of_type("AWS::RDS::DBClusterParameterGroup"),
        **made.of_type("AWS::RDS::DBParameterGroup"),
    }
    settings = {k: v for g in groups.values() for k, v in g["Properties"]["Parameters"].items()}
    assert settings["require_secure_transport"] == ("1" if "MySQL" in variant else "ON")
    assert settings["tls_version"] == "TLSv1.2,TLSv1.3"
    assert settings["log_output"] == "FILE"


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_last_snapshot_is_kept_and_copies_are_not(template, variant: str) -> None:
    """Copies are not protected from deletion either: the file could not ask for fewer any more."""
    made = template(VARIANTS[variant])
    name = "Cluster" if "Cluster" in made.resources else "Instance"
    for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
        assert made.resources[name][policy] == "Snapshot"
        assert all(made.resources[copy][policy] == "Delete" for copy in copies(made))
    assert not [copy for copy, properties in copies(made).items() if properties.get("DeletionProtection")]


@pytest.mark.parametrize(("readers", "tiers"), [(0, [0]), (1, [0, 1]), (3, [0, 1, 2, 2])])
def test_the_first_reader_follows_the_writer_and_others_grow_alone(template, readers, tiers) -> None:
    made = template({"readers": readers})
    instances = made.of_type("AWS::RDS::DBInstance")
    assert list(instances) == ["Writer", *(f"Reader{n}" for n in range(1, readers + 1))]
    assert [i["Properties"]["PromotionTier"] for i in instances.values()] == tiers
    assert all(made.resources[name]["DependsOn"] == "Writer" for name in list(instances)[1:])


def test_one_more_reader_changes_nothing_that_is_there(template) -> None:
    before, after = template({"readers": 1}), template({"readers": 2})
    assert {k: v for k, v in after.resources.items() if k in before.resources} == before.resources


@pytest.mark.parametrize(("insights", "days"), [("standard", 7), ("advanced", 465)])
@pytest.mark.parametrize("engine", [{}, MYSQL])
def test_database_insights_has_the_retention_that_its_mode_demands(template, insights, days, engine) -> None:
    properties = server(template({**engine, "insights": insights}))
    assert properties["DatabaseInsightsMode"] == insights
    assert properties["PerformanceInsightsRetentionPeriod"] == days
    assert properties["PerformanceInsightsEnabled" if not engine else "EnablePerformanceInsights"] is True


def test_members_leave_performance_insights_to_the_cluster(template) -> None:
    for instance in template().of_type("AWS::RDS::DBInstance").values():
        assert not [name for name in instance["Properties"] if "PerformanceInsights" in name]


@pytest.mark.parametrize(("engine", "logs"), [({}, 4), (MYSQL, 3)])
def test_logs_go_to_groups_of_ours_that_are_there_first(template, engine, logs) -> None:
    made = template({**engine, "readers": 1, "log_retention_days": 30})
    names = {n: g["Properties"] for n, g in made.of_type("AWS::Logs::LogGroup").items()}
    for owner in ("Cluster",) if not engine else ("Instance", "Reader1"):
        properties = made.properties(owner)
        identifier = properties["DBClusterIdentifier" if not engine else "DBInstanceIdentifier"]
        kind = "cluster" if not engine else "instance"
        exports = properties["EnableCloudwatchLogsExports"]
        assert len(exports) == logs
        wanted = {f"/aws/rds/{kind}/{identifier}/{export}" for export in exports}
        found = {p["LogGroupName"]: n for n, p in names.items() if "LogGroupName" in p}
        assert wanted <= found.keys()
        assert {found[name] for name in wanted} <= set(made.resources[owner]["DependsOn"])
    assert made.data["Parameters"]["LogRetentionDays"]["Default"] == 30
    assert all("LogsKeyArn" in json.dumps(p["KmsKeyId"]) for p in names.values())


def test_a_file_s_parameters_come_over_ours(template) -> None:
    made = template({"parameters": {"cluster": {"binlog_format": "ROW"}, "instance": {"wait_timeout": 60}}})
    assert only(made, "RDS::DBClusterParameterGroup")["Parameters"]["binlog_format"] == "ROW"
    assert only(made, "RDS::DBParameterGroup")["Parameters"]["wait_timeout"] == "60"


def test_every_parameter_that_nobody_may_turn_is_set_by_us() -> None:
    every = {**parameters.AURORA_CLUSTER, **parameters.AURORA_INSTANCE, **parameters.MYSQL}
    assert OURS.keys() - every.keys() == {"server_audit_logs_upload"}  # the export does that


@pytest.mark.parametrize(
    ("version", "family"),
    [("8.0.mysql_aurora.3.10.5", "aurora-mysql8.0"), ("8.4.mysql_aurora.8.4.8", "aurora-mysql8.4")],
)
def test_a_new_major_version_gets_groups_of_its_own(template, version, family) -> None:
    made = template({"version": version})
    assert only(made, "RDS::DBClusterParameterGroup")["Family"] == family
    [name] = made.of_type("AWS::RDS::DBClusterParameterGroup")
    generation = family[-3:].replace(".", "")
    assert name == f"ClusterParameters{generation}"
    assert only(made, "RDS::DBParameterGroup")["Family"] == family
    # An upgrade to another major version demands the members' new group in the same call.
    assert server(made)["DBInstanceParameterGroupName"] == {"Ref": f"InstanceParameters{generation}"}
    assert made.properties("Writer")["DBParameterGroupName"] == {"Ref": f"InstanceParameters{generation}"}


# -- capacity ------------------------------------------------------------------------------------------


def test_capacity_is_the_operators_within_what_can_work(template) -> None:
    pausing, awake = template(PAUSING), template(PROXY)
    assert pausing.data["Parameters"]["MinCapacity"]["MinValue"] == 0
    assert awake.data["Parameters"]["MinCapacity"]["MinValue"] == 0.5
    capacity = server(pausing)["ServerlessV2ScalingConfiguration"]
    assert capacity["MinCapacity"] == {"Ref": "MinCapacity"}
    assert capacity["SecondsUntilAutoPause"]["Fn::If"] == ["Pauses", 300, {"Ref": "AWS::NoValue"}]
    assert "SecondsUntilAutoPause" not in server(awake)["ServerlessV2ScalingConfiguration"]


def test_a_fixed_size_has_no_capacity_to_turn(template) -> None:
    made = template({"instance_class": "db.r8g.large"})
    assert "ServerlessV2ScalingConfiguration" not in server(made)
    assert "MinCapacity" not in made.data["Parameters"]


def test_readers_are_added_only_when_all_fixed_ones_run(template) -> None:
    made = template({"readers": 2, "reader_scaling": {"maximum": 6, "cpu_percent": 70}})
    target = only(made, "ApplicationAutoScaling::ScalableTarget")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, {"Ref": "MaxReaders"})
    assert made.data["Parameters"]["MaxReaders"]["MinValue"] == 2
    assert {"Writer", "Reader1", "Reader2"} <= needs(made, "ReaderScaling")
    policy = only(made, "ApplicationAutoScaling::ScalingPolicy")["TargetTrackingScalingPolicyConfiguration"]
    assert policy["TargetValue"] == 70


def test_dev_pauses_and_has_neither_proxy_nor_reader() -> None:
    made = load_shipped("dev")["database"]
    assert made.data["Parameters"]["MinCapacity"]["Default"] == 0
    assert list(made.of_type("AWS::RDS::DBInstance")) == ["Writer"]
    assert not made.of_type("AWS::RDS::DBProxy")


# -- addresses -----------------------------------------------------------------------------------------


def value(template: Template, output: str) -> Any:
    return template.data["Outputs"][output]["Value"]


@pytest.mark.parametrize(
    ("settings", "writer", "reader"),
    [
        ({"readers": 1}, ["Cluster", "Endpoint.Address"], ["Cluster", "ReadEndpoint.Address"]),
        ({"readers": 0}, ["Cluster", "Endpoint.Address"], ["Cluster", "ReadEndpoint.Address"]),
        ({"readers": 1, **PROXY}, ["Proxy", "Endpoint"], ["ReaderProxy", "Endpoint"]),
        ({"readers": 0, **PROXY}, ["Proxy", "Endpoint"], ["Proxy", "Endpoint"]),
        ({"readers": 2, **MYSQL}, ["Proxy", "Endpoint"], ["Reader1", "Endpoint.Address"]),
        ({"readers": 0, **MYSQL}, ["Proxy", "Endpoint"], ["Proxy", "Endpoint"]),
    ],
)
def test_outputs_have_the_same_names_whatever_stands_behind_them(template, settings, writer, reader) -> None:
    made = template(settings)
    assert value(made, "WriterEndpoint") == {"Fn::GetAtt": writer}
    assert value(made, "ReaderEndpoint") == {"Fn::GetAtt": reader}
    assert (value(made, "Port"), value(made, "DatabaseName")) == ("3306", "application")
    assert value(made, "ApplicationSecretArn") == {"Ref": "ApplicationSecret"}
    arn = ["Instance", "DBInstanceArn"] if "engine" in settings else ["Cluster", "DBClusterArn"]
    assert value(made, "DatabaseArn") == {"Fn::GetAtt": arn}


def test_both_engines_export_the_same_names(template) -> None:
    aurora, mysql = (template({**engine, "readers": 1}).data["Outputs"].keys() for engine in ({}, MYSQL))
    assert aurora == mysql


# -- the proxy -----------------------------------------------------------------------------------------


def test_the_proxy_takes_tls_only_and_knows_only_the_application(template) -> None:
    made = template(PROXY)
    proxy = only(made, "RDS::DBProxy")
    assert proxy["RequireTLS"] is True
    assert [auth["SecretArn"] for auth in proxy["Auth"]] == [{"Ref": "ApplicationSecret"}]
    assert "MasterSecret" not in json.dumps(made.properties("ProxyRole"))


def test_roles_are_taken_on_by_their_service_alone(template) -> None:
    made = template(PROXY)
    trust = {
        name: made.properties(name)["AssumeRolePolicyDocument"]["Statement"]
        for name in ("ProxyRole", "MonitoringRole")
    }
    services = {name: [s["Principal"]["Service"] for s in found] for name, found in trust.items()}
    assert services == {
        "ProxyRole": ["rds.amazonaws.com"],
        "MonitoringRole": ["monitoring.rds.amazonaws.com"],
    }
    assert "aws:SourceAccount" in json.dumps(trust["MonitoringRole"])


def test_of_the_master_the_proxy_takes_tokens_only(template) -> None:
    auth = {a["SecretArn"]["Ref"]: a for a in only(template(MYSQL), "RDS::DBProxy")["Auth"]}
    assert auth["MasterSecret"]["IAMAuth"] == "REQUIRED"
    assert auth["ApplicationSecret"]["IAMAuth"] == "DISABLED"


@pytest.mark.parametrize("settings", [PROXY, MYSQL])
def test_the_proxy_waits_for_what_it_stands_before(template, settings) -> None:
    made = template({**settings, "readers": 1})
    target = made.properties("ProxyTarget")
    assert target["TargetGroupName"] == "default"
    expected = {"Writer", "Reader1", "ApplicationUser"} if settings is PROXY else {"Instance"}
    assert expected <= needs(made, "ProxyTarget")
    if settings is PROXY:
        assert "ProxyTarget" in needs(made, "ReaderProxy")


def test_one_more_zone_does_not_replace_the_proxy(template) -> None:
    before, after = (template(PROXY, network={"zones": zones}) for zones in (2, 3))
    assert before.resources["Proxy"] == after.resources["Proxy"]
    assert before.resources["ReaderProxy"] == after.resources["ReaderProxy"]
    assert len(after.properties("SubnetGroup")["SubnetIds"]) == 3


def test_only_the_application_reaches_the_proxy_and_only_the_proxy_and_it_the_database(rendered_database):
    data = json.loads(rendered_database({**MYSQL, "readers": 1}).bodies["network"])["Resources"]
    into: dict[str, set[str]] = {}
    for resource in data.values():
        if resource["Type"] == "AWS::EC2::SecurityGroupIngress":
            p = resource["Properties"]
            source = p.get("SourceSecurityGroupId", {}).get("Fn::GetAtt", ["internet"])[0]
            into.setdefault(p["GroupId"]["Fn::GetAtt"][0], set()).add(source)
    assert into["ProxySecurityGroup"] == {"ApplicationSecurityGroup", "DatabaseUserSecurityGroup"}
    assert into["DatabaseSecurityGroup"] == {"ApplicationSecurityGroup", "ProxySecurityGroup"}
    assert "DatabaseUserSecurityGroup" not in into


# -- users ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_password_stands_in_the_template(template, variant: str) -> None:
    made = template(VARIANTS[variant])
    for path in re.findall(r'"MasterUser(?:Password|name)": (\{[^}]*\}?)', made.body.decode()):
        assert "Fn::Sub" in path
    for name in ("MasterSecret", "ApplicationSecret"):
        secret = made.properties(name)
        assert "SecretString" not in secret
        generated = secret["GenerateSecretString"]
        assert (generated["PasswordLength"], generated["ExcludePunctuation"]) == (40, True)
        assert list(json.loads(generated["SecretStringTemplate"])) == ["username"]
        assert "CredentialsKeyArn" in json.dumps(secret["KmsKeyId"])


def test_passwords_are_read_by_the_stack_when_it_deploys(template) -> None:
    password = server(template())["MasterUserPassword"]["Fn::Sub"]
    assert password == [
        "{{resolve:secretsmanager:${Secret}:SecretString:password}}",
        {"Secret": {"Ref": "MasterSecret"}},
    ]


@pytest.mark.parametrize("variant", VARIANTS)
def test_both_passwords_rotate_once_the_users_are_there(template, variant: str) -> None:
    made = template({**VARIANTS[variant], "rotation_days": 14})
    assert made.data["Parameters"]["RotationDays"]["Default"] == 14
    for name, function in (("Master", "MasterUser"), ("Application", "DatabaseUser")):
        schedule = made.properties(f"{name}Rotation")
        assert schedule["RotationRules"] == {"AutomaticallyAfterDays": {"Ref": "RotationDays"}}
        assert schedule["RotateImmediatelyOnUpdate"] is False
        assert schedule["RotationLambdaARN"] == {"Fn::GetAtt": [function, "Arn"]}
        assert {"ApplicationUser", f"{name}RotationPermission"} <= needs(made, f"{name}Rotation")
        permission = made.properties(f"{name}RotationPermission")
        assert permission["Principal"] == "secretsmanager.amazonaws.com"
        assert permission["SourceArn"] == {"Ref": f"{name}Secret"}
        assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}


def allowed(template: Template, role: str) -> dict[str, set[str]]:
    """Action -> resources (as text) of a role."""
    found: dict[str, set[str]] = {}
    for policy in template.properties(role)["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            for action in statement["Action"]:
                found.setdefault(action, set()).update(json.dumps(r) for r in statement["Resource"])
    return found


def test_the_function_of_the_application_s_user_cannot_change_the_master(template) -> None:
    rights = allowed(template(), "DatabaseUserRole")
    assert rights["rds-data:ExecuteStatement"] == {json.dumps({"Fn::GetAtt": ["Cluster", "DBClusterArn"]})}
    assert rights["secretsmanager:PutSecretValue"] == {'{"Ref": "ApplicationSecret"}'}
    assert not [action for action in rights if action.startswith("rds:")]
    for action in ("secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"):
        assert '{"Ref": "MasterSecret"}' not in rights[action]


def test_the_function_of_the_master_says_no_sql_and_knows_no_other_secret(template) -> None:
    rights = allowed(template(), "MasterUserRole")
    assert not [action for action in rights if action.startswith("rds-data:")]
    assert "ApplicationSecret" not in json.dumps(template().properties("MasterUserRole"))
    assert rights["rds:ModifyDBCluster"] == {json.dumps({"Fn::GetAtt": ["Cluster", "DBClusterArn"]})}


def test_with_mysql_the_function_never_may_read_the_master_s_secret(template) -> None:
    made = template(MYSQL)
    assert "MasterSecret" not in json.dumps(made.properties("DatabaseUserRole"))
    [connects] = allowed(made, "DatabaseUserRole")["rds-db:connect"]
    assert "dbuser:${Proxy}/administrator" in connects
    assert made.properties("DatabaseUser")["VpcConfig"]["SecurityGroupIds"] == [
        {"Fn::ImportValue": "acme:prod:network:DatabaseUserSecurityGroupId"}
    ]
    assert "ProxyTarget" in needs(made, "ApplicationUser")


def test_users_are_made_when_the_writer_runs(template) -> None:
    assert "Writer" in needs(template({"readers": 1}), "ApplicationUser")
    assert "Instance" in needs(template(MYSQL), "ApplicationUser")


# -- restored ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [RESTORED, EARLIER, {**MYSQL, **RESTORED}])
def test_a_restored_database_is_given_our_master_password_before_users_are_made(template, settings) -> None:
    made = template(settings)
    assert not {"MasterUsername", "MasterUserPassword", "DatabaseName", "DBName"} & server(made).keys()
    assert "MasterPassword" in needs(made, "ApplicationUser")
    assert made.properties("MasterPassword")["Secret"] == {"Ref": "MasterSecret"}
    if "proxy" in settings:  # the stack waits until it can sign in
        assert "MasterPassword" in needs(made, "ProxyTarget")
    else:
        assert "Writer" in needs(made, "MasterPassword")


def test_only_a_restored_database_carries_the_code_that_adopts_it(template) -> None:
    texts = [json.dumps(template(s).properties("MasterUser")["Code"]) for s in ({}, RESTORED)]
    assert ["master-password" in text for text in texts] == [False, True]


@pytest.mark.parametrize("settings", [PROXY, MYSQL])
def test_behind_a_proxy_a_restoration_moves_no_address(template, settings) -> None:
    """What other stacks import cannot change; and who restores at night should have to touch one stack."""
    before, after = (template({**settings, **restored, "readers": 0}) for restored in ({}, RESTORED))
    assert (
        server(before)["DBClusterIdentifier" if settings is PROXY else "DBInstanceIdentifier"]
        != (server(after)["DBClusterIdentifier" if settings is PROXY else "DBInstanceIdentifier"])
    )
    for output in ("WriterEndpoint", "ReaderEndpoint", "Port", "DatabaseName", "ApplicationSecretArn"):
        assert value(before, output) == value(after, output)
    for name in ("Proxy", "ProxyTarget", "ApplicationSecret", "MasterSecret"):
        for key in create_only(before.resources[name]["Type"]):
            assert before.properties(name).get(key) == after.properties(name).get(key), f"{name}.{key}"


def test_a_restored_database_has_a_global_database_of_its_own(template) -> None:
    """It is made from one cluster and never from another; a new one needs another name."""
    before, after = (template(s, **RECOVERY).properties("GlobalCluster") for s in ({}, RESTORED))
    assert before["GlobalClusterIdentifier"] == "acme-prod-global"
    assert after["GlobalClusterIdentifier"].startswith("acme-prod-global-")
    assert len(after["GlobalClusterIdentifier"]) <= 63


def test_a_moment_is_restored_as_a_whole_copy(template) -> None:
    properties = server(template(EARLIER))
    assert properties["SourceDBClusterIdentifier"] == "acme-old"
    assert properties["RestoreToTime"] == "2026-11-23T04:05:06Z"
    latest = server(template({"restore_from": {"source": "acme-old", "time": "latest"}}))
    assert latest["UseLatestRestorableTime"] is True
    assert "RestoreToTime" not in latest


def test_what_it_is_restored_from_is_part_of_its_name(template) -> None:
    """Replaced under the same name, CloudFormation could make it only when the former is gone."""
    made = [template(s) for s in ({}, RESTORED, EARLIER, {"restore_from": {"snapshot": "another"}})]
    assert len({server(t)["DBClusterIdentifier"] for t in made}) == len(made)


def test_the_master_user_of_a_snapshot_is_named_in_the_secret(template) -> None:
    made = template({"restore_from": {"snapshot": "one", "master_username": "admin"}})
    secret = made.properties("MasterSecret")["GenerateSecretString"]["SecretStringTemplate"]
    assert json.loads(secret) == {"username": "admin"}


# -- recovery ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", sorted(VARIANTS.keys() - {"pausing"}))  # refused with a recovery region
def test_a_recovery_region_changes_nothing_that_cannot_be_changed(template, variant: str) -> None:
    before, after = template(VARIANTS[variant]), template(VARIANTS[variant], **RECOVERY)
    assert before.resources.keys() <= after.resources.keys()
    assert_nothing_is_replaced(before, after)
    changed = {k for k, v in server(after).items() if server(before)[k] != v}
    assert changed <= {"ServerlessV2ScalingConfiguration"}, "it can pause no more"


def test_the_global_database_is_made_from_the_cluster_and_named_for_who_joins(template) -> None:
    made = template(**RECOVERY)
    whole = made.properties("GlobalCluster")
    assert whole["SourceDBClusterIdentifier"] == {"Fn::GetAtt": ["Cluster", "DBClusterArn"]}
    assert whole["GlobalClusterIdentifier"] == "acme-prod-global"
    assert not {"Engine", "EngineVersion", "StorageEncrypted"} & whole.keys()
    assert "GlobalClusterIdentifier" not in server(made)
    assert not template().of_type("AWS::RDS::GlobalCluster")


def test_secrets_have_replicas_under_the_other_region_s_key(rendered_database, template) -> None:
    made = template(**RECOVERY)
    for name in ("MasterSecret", "ApplicationSecret"):
        [replica] = made.properties(name)["ReplicaRegions"]
        assert replica["Region"] == "eu-central-1"
        text, parts = replica["KmsKeyId"]["Fn::Sub"]
        assert text == "arn:${AWS::Partition}:kms:eu-central-1:${AWS::AccountId}:key/${KeyId}"
        assert parts["KeyId"]["Fn::Select"][0] == 1
    assert "ReplicaRegions" not in template().properties("MasterSecret")
    order = [
        (s.deployment.stack, s.deployment.target.region) for s in rendered_database(**RECOVERY).plan.steps
    ]
    assert order.index(("security", "eu-central-1")) < order.index(("database", "eu-west-1"))


def with_secondary(env: Environment) -> list[Stack]:
    """What a later part of the project adds: a cluster of the recovery region that joins by name, a proxy.

    Nothing here reads the primary while it deploys: names are computed, and ARNs bound by the manifest.
    """
    stack = Stack("database-replica", env, Place.FIRST_RECOVERY, purpose="The secondary cluster.")
    subnets = [stack.output_of("network", f"DataSubnet{n}Id") for n in range(1, env.network.zones + 1)]
    group = stack.add(DBSubnetGroup("SubnetGroup", DBSubnetGroupDescription="Data", SubnetIds=subnets))
    settings = stack.add(
        DBClusterParameterGroup(
            "Parameters",
            Description="Data",
            Family=parameters.family("aurora-mysql", env.database.version),
            Parameters=parameters.AURORA_CLUSTER,
        )
    )
    cluster = stack.add_stateful(
        DBCluster(
            "Cluster",
            GlobalClusterIdentifier=names.global_database(env),
            Engine="aurora-mysql",
            EngineVersion=env.database.version,
            StorageEncrypted=True,
            KmsKeyId=stack.output_of("security", "DatabaseKeyArn"),
            DBSubnetGroupName=Ref(group),
            DBClusterParameterGroupName=Ref(settings),
            VpcSecurityGroupIds=[stack.output_of("network", "DatabaseSecurityGroupId")],
            EnableHttpEndpoint=True,
        ),
        snapshot=True,
    )
    stack.add(
        DBInstance(
            "Reader", DBClusterIdentifier=Ref(cluster), Engine="aurora-mysql", DBInstanceClass="db.r8g.large"
        )
    )
    _add_proxy(stack, env, cluster, subnets[:2])
    return [stack]


def _add_proxy(stack: Stack, env: Environment, cluster: DBCluster, subnets: list[Any]) -> None:
    """It signs in with the replica of the application's secret, which has the name of its primary."""
    secret = stack.bound_parameter(
        "ApplicationSecretArn",
        stack="database",
        output="ApplicationSecretArn",
        group="Recovery",
        label="ARN of the application's secret",
        description="Of the primary; its replica has the same name.",
        pattern="arn:[a-z-]+:secretsmanager:.+",
    )
    here = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${Name}"
    replica = Sub(here, Name=Select(6, Split(":", Ref(secret))))
    proxy = stack.add(
        DBProxy(
            "Proxy",
            DBProxyName=names.database_proxy(env),
            EngineFamily="MYSQL",
            RequireTLS=True,
            Auth=[AuthFormat(AuthScheme="SECRETS", IAMAuth="DISABLED", SecretArn=replica)],
            RoleArn=Sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:role/later"),
            VpcSubnetIds=subnets,
            VpcSecurityGroupIds=[stack.output_of("network", "ProxySecurityGroupId")],
        )
    )
    stack.add(
        DBProxyTargetGroup(
            "ProxyTarget",
            DependsOn="Reader",
            DBProxyName=Ref(proxy),
            TargetGroupName="default",
            DBClusterIdentifiers=[Ref(cluster)],
        )
    )


def test_prod_takes_a_secondary_cluster_and_a_proxy_without_replacing_anything() -> None:
    """Of any layer. The secret's replica is found by its name, the global database by its own."""
    env = load_environment(ROOT / "environments", "prod")
    layers = layers_for(env)
    before, after = render(env, layers), render(env, {**layers, "database-replica": with_secondary})
    for name, body in before.bodies.items():
        old, new = (Template(name, json.loads(b)) for b in (body, after.bodies[name]))
        assert old.resources.keys() == new.resources.keys()
        assert_nothing_is_replaced(old, new)
    primary = Template("", json.loads(after.bodies["database"]))
    secondary = Template("", json.loads(after.bodies["database-replica"]))
    joined, whole = server(secondary), primary.properties("GlobalCluster")
    assert joined["GlobalClusterIdentifier"] == whole["GlobalClusterIdentifier"]
    assert joined["EngineVersion"] == server(primary)["EngineVersion"]
    assert joined["StorageEncrypted"] == server(primary)["StorageEncrypted"]
    for name in ("MasterSecret", "ApplicationSecret"):
        replicas = primary.properties(name)["ReplicaRegions"]
        assert [replica["Region"] for replica in replicas] == list(env.recovery_regions)
    assert b"Fn::GetStackOutput" not in after.bodies["database-replica"]
    inputs = [GateInput("database-replica", after.bodies["database-replica"], ("eu-central-1",), "replica")]
    findings = check(inputs, cache_dir=None, validators=("cloudformation-validate",), processes=1)
    assert [f.message for f in findings if f.fails and f.severity == "error"] == []


@pytest.mark.parametrize("variant", ["as it comes", "all of Aurora", "from a snapshot", "provisioned"])
def test_a_secondary_cluster_joins_whatever_the_database_is(rendered_database, variant: str) -> None:
    """A region asked for later: with it and what joins in it, still nothing of the primary is replaced."""
    first = Template("", json.loads(rendered_database(VARIANTS[variant]).bodies["database"]))
    env = rendered_database({**VARIANTS[variant], **PROXY}, **RECOVERY).subject
    later = render(env, {**LAYERS, "database-replica": with_secondary})
    primary = Template("", json.loads(later.bodies["database"]))
    assert_nothing_is_replaced(first, primary)
    joined = server(Template("", json.loads(later.bodies["database-replica"])))
    assert joined["GlobalClusterIdentifier"] == primary.properties("GlobalCluster")["GlobalClusterIdentifier"]


def assert_nothing_is_replaced(old: Template, new: Template) -> None:
    compared = 0
    for name in old.resources.keys() & new.resources.keys():
        kind = old.resources[name]["Type"]
        assert new.resources[name]["Type"] == kind
        if not kind.startswith("Custom::"):
            for key in {path.split(".")[0] for path in create_only(kind)}:
                assert old.properties(name).get(key) == new.properties(name).get(key), f"{name}.{key}"
                compared += 1
    assert compared or not any(create_only(r["Type"]) for r in old.resources.values())


# -- validators ----------------------------------------------------------------------------------------


def test_both_validators_have_nothing_to_say(rendered_database) -> None:
    inputs = []
    for number, (name, settings) in enumerate(VARIANTS.items()):
        over = RECOVERY if name == "all of Aurora" else {}
        body = rendered_database(settings, **over).bodies["database"]
        inputs.append(GateInput("database", body, ("eu-west-1",), f"{number} {name}"))
    assert [f for f in check(inputs, cache_dir=None, processes=1) if f.fails] == []
