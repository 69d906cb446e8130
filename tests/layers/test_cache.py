"""The cache: encrypted, behind a password that rotates, and one for each region."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from blueprint.environment import load_environment
from blueprint.gate import GateInput, check
from blueprint.layers import cache, network, security
from blueprint.render import Rendered, render
from tests.conftest import RECOVERY, Template, load_shipped

LAYERS = {"security": security.stacks, "network": network.stacks, "cache": cache.stacks}
VARIANTS: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "alone": {"replicas": 0, "snapshot_days": 0, "node_type": "cache.t4g.micro"},
    "large": {"replicas": 5, "snapshot_days": 35, "node_type": "cache.r7g.xlarge", "version": "7.2"},
}


@pytest.fixture
def rendered_cache(environments: Callable[..., Any]) -> Callable[..., Rendered]:
    def make(settings: dict[str, Any] | None = None, **over: Any) -> Rendered:
        folder = environments(prod={"cache": {"enabled": True, **(settings or {})}, **over})
        return render(load_environment(folder, "prod"), LAYERS)

    return make


@pytest.fixture
def template(rendered_cache: Callable[..., Rendered]) -> Callable[..., Template]:
    def make(settings: dict[str, Any] | None = None, **over: Any) -> Template:
        body = rendered_cache(settings, **over).bodies["cache"]
        return Template("cache", json.loads(body), body)

    return make


def test_there_is_none_unless_it_is_asked_for(rendered_cache) -> None:
    made = rendered_cache({"enabled": False})
    assert "cache" not in made.bodies
    assert b"CacheSecurityGroup" not in made.bodies["network"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_it_is_encrypted_everywhere_and_asks_for_a_password(template, variant: str) -> None:
    group = template(VARIANTS[variant]).properties("Cache")
    assert group["Engine"] == "valkey"
    assert group["AtRestEncryptionEnabled"] is group["TransitEncryptionEnabled"] is True
    assert group["TransitEncryptionMode"] == "required"
    assert "DatabaseKeyArn" in json.dumps(group["KmsKeyId"])


@pytest.mark.parametrize("variant", VARIANTS)
def test_only_a_user_with_the_password_of_the_secret_gets_in(template, variant: str) -> None:
    made = template(VARIANTS[variant])
    assert made.properties("Cache")["UserGroupIds"] == [{"Ref": "Users"}]
    assert "AuthToken" not in made.properties("Cache"), "the two exclude one another"
    assert made.properties("Users")["UserIds"] == [{"Ref": "User"}]
    user = made.properties("User")
    assert (user["UserName"], user["UserId"]) == ("default", "acme-prod-cache")
    assert "NoPasswordRequired" not in user
    assert user["AuthenticationMode"]["Type"] == "password"
    [password] = user["AuthenticationMode"]["Passwords"]
    assert password["Fn::Sub"] == [
        "{{resolve:secretsmanager:${Secret}:SecretString:password}}",
        {"Secret": {"Ref": "CacheSecret"}},
    ]
    engines = {made.properties(name)["Engine"] for name in ("Cache", "User", "Users")}
    assert engines == {"valkey"}


@pytest.mark.parametrize(("replicas", "more"), [(0, False), (1, True), (5, True)])
def test_it_survives_a_zone_where_it_has_copies(template, replicas: int, more: bool) -> None:
    made = template({"replicas": replicas})
    group = made.properties("Cache")
    assert group["NumCacheClusters"] == replicas + 1
    assert group["AutomaticFailoverEnabled"] is group["MultiAZEnabled"] is more
    assert ("CacheReaderEndpoint" in made.data["Outputs"]) is more
    assert {"CacheEndpoint", "CachePort", "CacheSecretArn"} <= made.data["Outputs"].keys()


@pytest.mark.parametrize(("days", "policy"), [(0, "RetainExceptOnCreate"), (1, "Snapshot")])
def test_a_last_snapshot_is_made_where_snapshots_are(template, days: int, policy: str) -> None:
    assert template({"snapshot_days": days}).resources["Cache"]["DeletionPolicy"] == policy


def test_the_password_rotates_by_a_function_that_touches_this_user_only(template) -> None:
    made = template({"rotation_days": 7})
    schedule = made.properties("CacheRotation")
    assert schedule["RotationRules"] == {"AutomaticallyAfterDays": {"Ref": "RotationDays"}}
    assert made.data["Parameters"]["RotationDays"]["Default"] == 7
    assert {"User", "CacheRotationPermission"} == set(made.resources["CacheRotation"]["DependsOn"])
    [policy] = made.properties("CachePasswordRole")["Policies"]
    resources = {
        action: json.dumps(statement["Resource"])
        for statement in policy["PolicyDocument"]["Statement"]
        for action in statement["Action"]
    }
    user = '[{"Fn::GetAtt": ["User", "Arn"]}]'
    touched = {action: where for action, where in resources.items() if action.startswith("elasticache:")}
    assert touched == {"elasticache:DescribeUsers": user, "elasticache:ModifyUser": user}
    variables = made.properties("CachePassword")["Environment"]["Variables"]
    assert variables == {"USER_ID": {"Ref": "User"}}
    assert resources["secretsmanager:PutSecretValue"] == '[{"Ref": "CacheSecret"}]'


def test_each_region_has_its_own(rendered_cache) -> None:
    made = rendered_cache(**RECOVERY)
    assert made.plan.stacks["cache"].regions == ("eu-west-1", "eu-central-1")
    assert b"ReplicaRegions" not in made.bodies["cache"]


def test_only_the_application_reaches_it(rendered_cache) -> None:
    data = json.loads(rendered_cache().bodies["network"])["Resources"]
    sources = [
        (r["Properties"]["SourceSecurityGroupId"]["Fn::GetAtt"][0], r["Properties"]["FromPort"])
        for r in data.values()
        if r["Type"] == "AWS::EC2::SecurityGroupIngress"
        and r["Properties"]["GroupId"]["Fn::GetAtt"][0] == "CacheSecurityGroup"
    ]
    assert sources == [("ApplicationSecurityGroup", 6379)]


@pytest.mark.parametrize(("version", "family"), [("7.2", "valkey7"), ("8.0", "valkey8"), ("8.1", "valkey8")])
def test_parameters_belong_to_the_version(template, version: str, family: str) -> None:
    made = template({"version": version})
    [(name, group)] = made.of_type("AWS::ElastiCache::ParameterGroup").items()
    assert group["Properties"]["CacheParameterGroupFamily"] == family
    assert name == f"Parameters{version[0]}"


def test_prod_has_one_and_dev_has_none() -> None:
    assert "cache" in load_shipped("prod").templates
    assert "cache" not in load_shipped("dev").templates


def test_both_validators_have_nothing_to_say(rendered_cache) -> None:
    inputs = [
        GateInput("cache", rendered_cache(settings).bodies["cache"], ("eu-west-1",), f"cache {name}")
        for name, settings in VARIANTS.items()
    ]
    assert [f for f in check(inputs, cache_dir=None, processes=1) if f.fails] == []
