"""Key policies let exactly those in that need the key, and nobody locks himself out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from awacs import kms
from awacs.aws import Statement
from troposphere import encode_to_dict

from blueprint.layers.shared import keys
from tests.layers.policy import ACCOUNT, OTHER_ACCOUNT, REGION, Request, verdict

ADMIN = f"arn:aws:iam::{ACCOUNT}:role/admin"
STRANGER = f"arn:aws:iam::{OTHER_ACCOUNT}:role/admin"
KEY = "arn:this-key"
VIA_RDS = {"kms:ViaService": f"rds.{REGION}.amazonaws.com", "kms:CallerAccount": ACCOUNT}


def policy(*statements: Statement) -> Any:
    return json.loads(json.dumps(encode_to_dict(keys.key_policy(*statements).JSONrepr())))


def says(document: Any, who: str, action: str) -> str:
    return asks(document, who, action, {})


def asks(document: Any, who: str, action: str, context: dict[str, Any]) -> str:
    return verdict(document, Request(who, f"kms:{action}", KEY, context))


# -- administration ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "action",
    ["PutKeyPolicy", "ScheduleKeyDeletion", "CancelKeyDeletion", "TagResource", "ReplicateKey", "EnableKey"],
)
def test_administrators_of_the_account_manage_the_key(action):
    assert says(policy(), ADMIN, action) == "allow"


@pytest.mark.parametrize("action", ["Decrypt", "Encrypt", "GenerateDataKey", "ReEncryptTo", "CreateGrant"])
def test_managing_a_key_is_not_using_it(action):
    assert says(policy(), ADMIN, action) == "nothing"


@pytest.mark.parametrize("action", ["PutKeyPolicy", "Decrypt", "DescribeKey"])
def test_other_accounts_have_nothing_to_do_with_it(action):
    everything = policy(keys.through_services("rds"), keys.grants_through_services("rds"), keys.log_groups())
    assert asks(everything, STRANGER, action, VIA_RDS) == "nothing"


def test_no_change_of_the_policy_can_lock_the_account_out():
    administers = policy()["Statement"][0]
    assert administers["Principal"] == {
        "AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
    }
    assert "kms:PutKeyPolicy" in administers["Action"]
    assert "Condition" not in administers


def test_only_whole_actions_and_two_families_are_named():
    stars = {action for action in [*keys._ADMINISTRATION, *keys.USE] if "*" in str(action.JSONrepr())}
    assert {action.JSONrepr() for action in stars} == {"kms:GenerateDataKey*", "kms:ReEncrypt*"}


# -- use through services ------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["Decrypt", "Encrypt", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom"])
def test_the_account_uses_a_key_through_the_services_of_its_domain(action):
    document = policy(keys.through_services("rds", "backup"))
    assert asks(document, ADMIN, action, VIA_RDS) == "allow"


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"kms:CallerAccount": ACCOUNT},
        {**VIA_RDS, "kms:ViaService": f"s3.{REGION}.amazonaws.com"},
        {**VIA_RDS, "kms:ViaService": "rds.us-east-2.amazonaws.com"},
        {**VIA_RDS, "kms:CallerAccount": OTHER_ACCOUNT},
    ],
    ids=["directly", "through no service", "another service", "another region", "another account"],
)
def test_it_does_not_use_the_key_any_other_way(context):
    document = policy(keys.through_services("rds", "backup"))
    assert asks(document, ADMIN, "Decrypt", context) == "nothing"


@pytest.mark.parametrize(
    ("context", "answer"),
    [
        ({**VIA_RDS, "kms:GrantIsForAWSResource": "true"}, "allow"),
        ({**VIA_RDS, "kms:GrantIsForAWSResource": "false"}, "nothing"),
        (VIA_RDS, "nothing"),
        ({"kms:GrantIsForAWSResource": "true"}, "nothing"),
    ],
)
def test_services_hold_grants_only_for_resources_of_theirs(context, answer):
    assert asks(policy(keys.grants_through_services("rds")), ADMIN, "CreateGrant", context) == answer


# -- use by services -----------------------------------------------------------------------------------

CONTEXT = "kms:EncryptionContext:aws:logs:arn"
LOGS = f"logs.{REGION}.amazonaws.com"


def test_log_groups_of_this_account_and_region_are_encrypted():
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/acme/prod"
    assert asks(policy(keys.log_groups()), LOGS, "GenerateDataKey", {CONTEXT: group}) == "allow"


@pytest.mark.parametrize(
    ("who", "group"),
    [
        (LOGS, f"arn:aws:logs:{REGION}:{OTHER_ACCOUNT}:log-group:/acme/prod"),
        (LOGS, f"arn:aws:logs:us-east-2:{ACCOUNT}:log-group:/acme/prod"),
        ("logs.amazonaws.com", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/acme/prod"),
    ],
    ids=["another account's", "another region's", "by the service's global name"],
)
def test_no_other_log_group_is(who, group):
    assert asks(policy(keys.log_groups()), who, "Decrypt", {CONTEXT: group}) == "nothing"


def cloudfront() -> Any:
    arn = "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/*"
    return policy(keys.service("CloudFront", "cloudfront.amazonaws.com", arn, [kms.Decrypt, kms.DescribeKey]))


def from_(account: str, distribution: str = "E1") -> dict[str, str]:
    arn = f"arn:aws:cloudfront::{account}:distribution/{distribution}"
    return {"aws:SourceAccount": account, "aws:SourceArn": arn}


def test_a_service_uses_the_key_for_our_resources():
    assert asks(cloudfront(), "cloudfront.amazonaws.com", "Decrypt", from_(ACCOUNT)) == "allow"


def test_a_service_does_not_use_the_key_for_others_as_a_confused_deputy():
    assert asks(cloudfront(), "cloudfront.amazonaws.com", "Decrypt", from_(OTHER_ACCOUNT)) == "nothing"
    assert asks(cloudfront(), "cloudfront.amazonaws.com", "Decrypt", {}) == "nothing"
    mixed = {**from_(ACCOUNT), "aws:SourceAccount": OTHER_ACCOUNT}
    assert asks(cloudfront(), "cloudfront.amazonaws.com", "Decrypt", mixed) == "nothing"


def test_a_service_does_no_more_than_it_was_given():
    assert asks(cloudfront(), "cloudfront.amazonaws.com", "Encrypt", from_(ACCOUNT)) == "nothing"


def test_another_service_is_not_let_in():
    assert asks(cloudfront(), "s3.amazonaws.com", "Decrypt", from_(ACCOUNT)) == "nothing"
