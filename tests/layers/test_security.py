"""Security promises a key for each domain of data, wherever the data is, used by its services only."""

from __future__ import annotations

from typing import Any

import pytest

from blueprint.layers.security import DOMAINS
from tests.conftest import RECOVERY, Template
from tests.layers.policy import ACCOUNT, REGION, Request, verdict

NAMES = [domain.name for domain in DOMAINS]
WITH_REPLICA = [domain.name for domain in DOMAINS if domain.multi_region]
TWO = [{"region": "eu-central-1", "cidr": "10.1.0.0/16"}, {"region": "us-west-2", "cidr": "10.2.0.0/16"}]
ADMIN = f"arn:aws:iam::{ACCOUNT}:role/admin"


@pytest.fixture
def template(rendered):
    """The template of the security layer: ``template(security={...}, **RECOVERY)``."""
    return lambda **over: rendered(**over)["security"]


# -- keys ----------------------------------------------------------------------------------------------


def test_every_domain_of_data_has_a_key_of_its_own(template):
    assert set(template().of_type("AWS::KMS::Key")) == {f"{name}Key" for name in NAMES}
    assert {"Database", "Storage", "Credentials", "Identity", "Logs"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_keys_rotate_at_the_pace_of_the_environment_file(template, name):
    made = template(security={"rotation_days": 180, "deletion_window_days": 14})
    key = made.properties(f"{name}Key")
    assert key["EnableKeyRotation"] is True
    assert key["RotationPeriodInDays"] == {"Ref": "RotationDays"}
    assert key["PendingWindowInDays"] == {"Ref": "DeletionWindowDays"}
    assert made.data["Parameters"]["RotationDays"]["Default"] == 180
    assert made.data["Parameters"]["DeletionWindowDays"]["Default"] == 14


def test_an_operator_can_turn_only_what_kms_takes(template):
    parameters = template().data["Parameters"]
    assert (parameters["RotationDays"]["MinValue"], parameters["RotationDays"]["MaxValue"]) == (90, 2560)
    window = parameters["DeletionWindowDays"]
    assert (window["MinValue"], window["MaxValue"]) == (7, 30)


@pytest.mark.parametrize("over", [{}, RECOVERY], ids=["alone", "with recovery"])
def test_keys_that_recovery_needs_are_multi_region_from_the_first_day(template, over):
    made = template(**over)
    for domain in DOMAINS:
        assert made.properties(f"{domain.name}Key")["MultiRegion"] is domain.multi_region
    assert set(NAMES) - set(WITH_REPLICA) == {"Logs"}


def test_an_environment_that_gains_a_recovery_region_keeps_its_keys(template):
    alone, with_recovery = template(), template(**RECOVERY)
    for name in NAMES:
        assert alone.properties(f"{name}Key") == with_recovery.properties(f"{name}Key")


@pytest.mark.parametrize("name", NAMES)
def test_keys_outlive_their_stack(template, name):
    resource = template().resources[f"{name}Key"]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


# -- replicas ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WITH_REPLICA)
def test_a_recovery_region_has_a_replica_and_the_primary_the_key(template, name):
    made = template(**RECOVERY)
    assert made.resources[f"{name}Key"]["Condition"] == "IsPrimary"
    assert made.resources[f"{name}ReplicaKey"]["Condition"] == "IsRecovery"


def test_logs_have_a_key_of_their_own_in_each_region(template):
    made = template(**RECOVERY)
    assert "Condition" not in made.resources["LogsKey"]
    assert "LogsReplicaKey" not in made.resources


@pytest.mark.parametrize("name", WITH_REPLICA)
def test_a_replica_knows_its_primary_key_by_a_parameter_and_asks_no_other_region(template, name):
    made = template(**RECOVERY)
    assert made.properties(f"{name}ReplicaKey")["PrimaryKeyArn"] == {"Ref": f"{name}KeyArn"}
    pattern = made.data["Parameters"][f"{name}KeyArn"]["AllowedPattern"]
    assert pattern.startswith("none|arn:")
    assert "mrk-" in pattern  # a single-region key cannot be replicated


@pytest.mark.parametrize("name", WITH_REPLICA)
def test_a_replica_is_used_by_the_same_policy_as_its_key(template, name):
    made = template(**RECOVERY)
    policies = [made.properties(f"{name}{kind}")["KeyPolicy"] for kind in ("Key", "ReplicaKey")]
    assert policies[0] == policies[1]


def test_every_recovery_region_gets_the_arns_from_the_primary(rendered):
    manifest = rendered(recovery=TWO).manifest
    steps = {s["region"]: s["parameters"] for s in manifest["steps"] if s["stack"] == "security"}
    assert steps["eu-west-1"] == {}
    for region in ("eu-central-1", "us-west-2"):
        assert set(steps[region]) == {f"{name}KeyArn" for name in WITH_REPLICA}
        assert all(value["from"]["region"] == "eu-west-1" for value in steps[region].values())


def test_without_recovery_nothing_is_asked_of_anybody(template):
    made = template()
    assert set(made.data["Parameters"]) == {"RotationDays", "DeletionWindowDays"}
    assert "Conditions" not in made.data
    assert not made.of_type("AWS::KMS::ReplicaKey")


# -- names and outputs ---------------------------------------------------------------------------------


@pytest.mark.parametrize("over", [{}, RECOVERY], ids=["alone", "with recovery"])
@pytest.mark.parametrize("name", NAMES)
def test_people_find_each_key_by_its_alias_in_every_region(template, over, name):
    alias = template(**over).properties(f"{name}KeyAlias")
    assert alias["AliasName"] == f"alias/acme-prod-{name.lower()}"
    replicated = over and name in WITH_REPLICA
    key = {"Ref": f"{name}Key"}
    assert alias["TargetKeyId"] == (
        {"Fn::If": ["IsPrimary", key, {"Ref": f"{name}ReplicaKey"}]} if replicated else key
    )


def export_of(output: dict[str, Any]) -> str:
    name = output["Export"]["Name"]
    return name if isinstance(name, str) else name["Fn::Join"][0].join(name["Fn::Join"][1])


@pytest.mark.parametrize("over", [{}, RECOVERY], ids=["alone", "with recovery"])
@pytest.mark.parametrize("name", NAMES)
def test_every_key_has_one_export_in_each_region(template, over, name):
    outputs = template(**over).data["Outputs"]
    mine = {key: o for key, o in outputs.items() if export_of(o) == f"acme:prod:security:{name}KeyArn"}
    if over and name in WITH_REPLICA:
        assert {output["Condition"] for output in mine.values()} == {"IsPrimary", "IsRecovery"}
    else:
        assert [("Condition" in output) for output in mine.values()] == [False]


# -- who uses what -------------------------------------------------------------------------------------

#: Domain -> the services through which the account uses its key.
THROUGH = {
    "Database": {"rds", "elasticache", "backup"},
    "Storage": {"s3"},
    "Credentials": {"secretsmanager", "ssm"},
    "Identity": {"cognito-idp"},
    "Logs": {"s3", "logs"},
}
SERVICES = sorted(
    {service for services in THROUGH.values() for service in services} | {"sqs", "lambda", "ebs"}
)


#: What Cognito says of every use of its key.
POOL = f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/p_1"
OF_A_POOL = {"kms:EncryptionContext:aws:cognito-idp:userpool-arn": POOL}


def decrypts(made: Template, name: str, who: str, context: dict[str, str]) -> bool:
    policy = made.properties(f"{name}Key")["KeyPolicy"]
    return verdict(policy, Request(who, "kms:Decrypt", "arn:key", context)) == "allow"


@pytest.mark.parametrize("name", NAMES)
def test_a_key_is_used_through_the_services_of_its_domain_and_no_others(template, name):
    made = template()
    let_in = {
        service
        for service in SERVICES
        if decrypts(
            made,
            name,
            ADMIN,
            {
                "kms:ViaService": f"{service}.{REGION}.amazonaws.com",
                "kms:CallerAccount": ACCOUNT,
                **OF_A_POOL,
            },
        )
    }
    assert let_in == THROUGH[name]


@pytest.mark.parametrize("name", NAMES)
def test_nobody_decrypts_by_hand(template, name):
    assert not decrypts(template(), name, ADMIN, {"kms:CallerAccount": ACCOUNT})


def source(arn: str) -> dict[str, str]:
    return {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": arn}


@pytest.mark.parametrize(
    ("name", "service", "arn"),
    [
        ("Storage", "cloudfront.amazonaws.com", f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1"),
        ("Identity", "cognito-idp.amazonaws.com", POOL),
        ("Identity", "identitystore.amazonaws.com", POOL),
        ("Logs", "delivery.logs.amazonaws.com", f"arn:aws:logs:{REGION}:{ACCOUNT}:delivery-source:x"),
    ],
)
def test_services_that_act_by_themselves_use_one_key_for_our_resources(template, name, service, arn):
    made = template()
    context = {**source(arn), **OF_A_POOL}
    assert [domain for domain in NAMES if decrypts(made, domain, service, context)] == [name]
    elsewhere = source(arn.replace(ACCOUNT, "999988887777"))
    assert not decrypts(made, name, service, {**elsewhere, **OF_A_POOL})


def test_the_key_of_user_pools_is_for_user_pools_of_this_account_and_nothing_else(template):
    made = template()
    through = {"kms:ViaService": f"cognito-idp.{REGION}.amazonaws.com"}
    here = {"kms:CallerAccount": ACCOUNT}
    assert decrypts(made, "Identity", ADMIN, {**through, **here, **OF_A_POOL})
    assert not decrypts(made, "Identity", ADMIN, {**through, **here})
    assert not decrypts(made, "Identity", ADMIN, {**here, **OF_A_POOL})
    assert not decrypts(
        made, "Identity", ADMIN, {**through, "kms:CallerAccount": "999988887777", **OF_A_POOL}
    )


def test_log_groups_are_encrypted_with_the_key_for_logs_alone(template):
    made = template()
    context = {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/acme"}
    who = f"logs.{REGION}.amazonaws.com"
    assert [name for name in NAMES if decrypts(made, name, who, context)] == ["Logs"]


@pytest.mark.parametrize("name", ["Database"])
def test_services_that_go_on_while_nobody_calls_hold_grants(template, name):
    policy = template().properties(f"{name}Key")["KeyPolicy"]
    service = sorted(THROUGH[name])[0]
    context = {
        "kms:ViaService": f"{service}.{REGION}.amazonaws.com",
        "kms:CallerAccount": ACCOUNT,
        "kms:GrantIsForAWSResource": "true",
    }
    assert verdict(policy, Request(ADMIN, "kms:CreateGrant", "arn:key", context)) == "allow"


@pytest.mark.parametrize("name", ["Storage", "Credentials", "Identity", "Logs"])
def test_other_keys_give_no_grants(template, name):
    statements = template().properties(f"{name}Key")["KeyPolicy"]["Statement"]
    assert not [s for s in statements if "kms:CreateGrant" in s["Action"]]
