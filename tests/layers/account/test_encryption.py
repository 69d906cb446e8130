"""Encryption of new disks: whose key, who may use it, in which order, and with which rights."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from blueprint.environment import load_account
from blueprint.layers import layers_for
from blueprint.render import Rendered, render
from blueprint.schemas import create_only
from tests.conftest import RECOVERY, Template
from tests.layers.policy import ACCOUNT, OTHER_ACCOUNT, REGION, Request, verdict

SOMEBODY = f"arn:aws:iam::{ACCOUNT}:role/somebody"
AUTO_SCALING = (
    f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
)
OURS = {"kms:CallerAccount": ACCOUNT}
THROUGH_EC2 = {**OURS, "kms:ViaService": f"ec2.{REGION}.amazonaws.com"}
BY_AUTO_SCALING = {**OURS, "aws:PrincipalArn": AUTO_SCALING}
FOR_AWS = {"kms:GrantIsForAWSResource": "true"}
USES = (
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:DescribeKey",
)
KEYS = [
    f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/11111111-1111-1111-1111-111111111111",
    f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/22222222-2222-2222-2222-222222222222",
]
OTHERS_KEYS = [key.replace(ACCOUNT, OTHER_ACCOUNT) for key in KEYS]
EXISTING = {"ebs_encryption": {"mode": "existing", "key_arns": KEYS}}


@pytest.fixture
def two_accounts(environments) -> Callable[[list[str]], Rendered]:
    """The account's templates for prod with a recovery region, and dev in an account of its own."""

    def make(keys: list[str]) -> Rendered:
        own = {"ebs_encryption": {"mode": "existing", "key_arns": keys}}
        subject = load_account(environments(prod=RECOVERY, dev={"account": OTHER_ACCOUNT}, account=own))
        return render(subject, layers_for(subject))

    return make


@pytest.fixture
def policy(encryption_template) -> Any:
    return encryption_template().properties("DiskKey")["KeyPolicy"]


# -- modes --------------------------------------------------------------------------------------------------


def test_off_leaves_the_account_as_it_is(account_rendered):
    assert "encryption" not in account_rendered(ebs_encryption={"mode": "off"}).bodies


def test_create_sets_a_key_of_ours(encryption_template):
    template = encryption_template()
    assert template.properties("DiskEncryption")["KeyArn"] == {"Fn::GetAtt": ["DiskKey", "Arn"]}
    assert template.data["Outputs"]["DiskKeyArn"]["Value"] == {"Fn::GetAtt": ["DiskKey", "Arn"]}


def test_existing_makes_no_key_and_sets_the_one_given_for_the_account_and_region(encryption_template):
    template = encryption_template(environment=RECOVERY, **EXISTING)
    assert not template.of_type("AWS::KMS::Key")
    assert not template.of_type("AWS::KMS::Alias")
    looked_up = template.properties("DiskEncryption")["KeyArn"]
    assert looked_up == {"Fn::FindInMap": ["Region", {"Ref": "AWS::Region"}, {"Ref": "AWS::AccountId"}]}
    mapping = template.data["Mappings"]["Region"]
    assert [mapping[region][ACCOUNT] for region in ("eu-west-1", "eu-central-1")] == KEYS


def test_one_template_holds_the_keys_of_every_account(two_accounts):
    mapping = json.loads(two_accounts(KEYS + OTHERS_KEYS[:1]).bodies["encryption"])["Mappings"]["Region"]
    assert mapping["eu-west-1"] == {ACCOUNT: KEYS[0], OTHER_ACCOUNT: OTHERS_KEYS[0]}
    assert mapping["eu-central-1"] == {ACCOUNT: KEYS[1]}


def test_the_order_of_the_keys_changes_nothing(two_accounts):
    keys = KEYS + OTHERS_KEYS[:1]
    assert two_accounts(keys).files == two_accounts(keys[::-1]).files


def test_whoever_uploads_a_template_with_a_given_key_reads_what_its_policy_must_allow(encryption_template):
    warning = "The key's policy must let the role AWSServiceRoleForAutoScaling use it"
    assert warning in encryption_template(environment=RECOVERY, **EXISTING).data["Description"]
    assert warning not in encryption_template().data["Description"]  # ours does


def test_every_region_of_the_account_is_served(account_rendered):
    targets = {
        step.deployment.target.region for step in account_rendered(RECOVERY).plan.steps_of("encryption")
    }
    assert targets == {"eu-west-1", "eu-central-1"}


def test_the_key_is_rotated_and_outlives_its_stack(encryption_template):
    key = encryption_template().resources["DiskKey"]
    assert key["Properties"]["EnableKeyRotation"] is True
    assert (key["DeletionPolicy"], key["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


# -- the custom resources -----------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, EXISTING])
def test_what_was_before_is_remembered_before_anything_is_set(encryption_template, options):
    template = encryption_template(environment=RECOVERY, **options)
    assert template.resources["DiskEncryptionBefore"]["Type"] == "Custom::EbsEncryptionBefore"
    assert "KeyArn" not in template.properties(
        "DiskEncryptionBefore"
    )  # by which the function tells them apart
    assert template.properties("DiskEncryption")["Before"] == {"Ref": "DiskEncryptionBefore"}


def test_the_memory_has_nothing_that_an_option_could_change(encryption_template):
    for options in ({}, EXISTING, {"tags": {"a": "b"}}):
        properties = encryption_template(environment=RECOVERY, **options).properties("DiskEncryptionBefore")
        assert set(properties) == {"ServiceToken", "ServiceTimeout"}


def statements_of_role(template: Template) -> list[dict[str, Any]]:
    (policy,) = template.properties("DiskEncryptionFunctionRole")["Policies"]
    return list(policy["PolicyDocument"]["Statement"])


@pytest.mark.parametrize("options", [{}, EXISTING])
def test_the_function_may_do_its_six_calls_look_at_keys_and_write_its_log(encryption_template, options):
    template = encryption_template(environment=RECOVERY, **options)
    allowed = {action for statement in statements_of_role(template) for action in statement["Action"]}
    assert allowed == {
        "ec2:GetEbsEncryptionByDefault",
        "ec2:EnableEbsEncryptionByDefault",
        "ec2:DisableEbsEncryptionByDefault",
        "ec2:GetEbsDefaultKmsKeyId",
        "ec2:ModifyEbsDefaultKmsKeyId",
        "ec2:ResetEbsDefaultKmsKeyId",
        "kms:DescribeKey",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    }


def test_only_calls_that_know_no_resources_are_for_all_resources(encryption_template):
    for statement in statements_of_role(encryption_template()):
        if statement["Resource"] == ["*"]:
            assert all(action.startswith("ec2:") for action in statement["Action"])


def test_the_log_of_the_function_is_encrypted_with_the_stacks_key_where_it_has_one(encryption_template):
    (log,) = encryption_template().of_type("AWS::Logs::LogGroup").values()
    assert log["Properties"]["KmsKeyId"] == {"Fn::GetAtt": ["DiskKey", "Arn"]}
    (log,) = encryption_template(environment=RECOVERY, **EXISTING).of_type("AWS::Logs::LogGroup").values()
    assert "KmsKeyId" not in log["Properties"]


# -- the key's policy ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", USES)
def test_everybody_of_the_account_uses_the_key_through_ec2_and_not_else(policy, action):
    assert verdict(policy, Request(SOMEBODY, action, "key", THROUGH_EC2)) == "allow"
    if action != "kms:DescribeKey":  # which administrators may do anyhow
        assert verdict(policy, Request(SOMEBODY, action, "key", OURS)) == "nothing"
        through_s3 = {**OURS, "kms:ViaService": f"s3.{REGION}.amazonaws.com"}
        assert verdict(policy, Request(SOMEBODY, action, "key", through_s3)) == "nothing"


@pytest.mark.parametrize("action", USES)
def test_auto_scaling_uses_the_key_by_itself(policy, action):
    """Without this, instances of a group are terminated as soon as they are pending."""
    assert verdict(policy, Request(AUTO_SCALING, action, "key", BY_AUTO_SCALING)) == "allow"


@pytest.mark.parametrize("context", [THROUGH_EC2, BY_AUTO_SCALING])
def test_grants_are_for_aws_resources_only(policy, context):
    grant = "kms:CreateGrant"
    assert verdict(policy, Request(AUTO_SCALING, grant, "key", {**context, **FOR_AWS})) == "allow"
    assert verdict(policy, Request(AUTO_SCALING, grant, "key", context)) == "nothing"
    not_for_aws = {**context, "kms:GrantIsForAWSResource": "false"}
    assert verdict(policy, Request(AUTO_SCALING, grant, "key", not_for_aws)) == "nothing"


@pytest.mark.parametrize("action", [*USES, "kms:CreateGrant", "kms:PutKeyPolicy"])
def test_other_accounts_do_nothing_with_the_key(policy, action):
    stranger = f"arn:aws:iam::{OTHER_ACCOUNT}:role/stranger"
    foreign = {"kms:CallerAccount": OTHER_ACCOUNT, "kms:ViaService": f"ec2.{REGION}.amazonaws.com", **FOR_AWS}
    assert verdict(policy, Request(stranger, action, "key", foreign)) == "nothing"
    role = AUTO_SCALING.replace(ACCOUNT, OTHER_ACCOUNT)
    assert verdict(policy, Request(role, action, "key", {**foreign, "aws:PrincipalArn": role})) == "nothing"


def test_the_policy_names_no_role_that_a_new_account_lacks(policy):
    """KMS refuses a policy with a principal that does not exist."""
    names = [str(statement["Principal"]) for statement in policy["Statement"]]
    assert not any("role/" in name for name in names)


def test_every_statement_for_everybody_is_for_this_account(policy):
    open_to_all = [s for s in policy["Statement"] if s["Principal"] == {"AWS": "*"}]
    assert len(open_to_all) == 4
    for statement in open_to_all:
        assert statement["Condition"]["StringEquals"]["kms:CallerAccount"] == {"Ref": "AWS::AccountId"}


def test_the_account_can_always_mend_the_keys_policy(policy):
    assert verdict(policy, Request(SOMEBODY, "kms:PutKeyPolicy", "key")) == "allow"


def test_the_log_of_the_function_may_use_the_key(policy):
    context = {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:any"}
    request = Request(f"logs.{REGION}.amazonaws.com", "kms:GenerateDataKey", "key", context)
    assert verdict(policy, request) == "allow"


# -- names and validators -----------------------------------------------------------------------------------

OPTIONS: list[dict[str, Any]] = [
    {},
    {"environment": RECOVERY},
    {"trail": {"retention_days": 400}},
    {"tags": {"cost-center": "1234"}, "owner": "other@example.com"},
]


def test_no_option_changes_what_the_alias_is_while_its_name_stays(encryption_template):
    (path,) = create_only("AWS::KMS::Alias")
    aliases = {encryption_template(**options).properties("DiskKeyAlias")[path] for options in OPTIONS}
    assert aliases == {"alias/acme-account-disks"}


def test_the_validators_find_nothing_under_any_options(account_rendered, complaints):
    rendered = [account_rendered(**options) for options in OPTIONS]
    rendered.append(account_rendered(RECOVERY, **EXISTING))
    rendered.append(account_rendered(ebs_encryption={"mode": "existing", "key_arns": KEYS[:1]}))
    assert complaints(*rendered, validators=("cloudformation-validate",)) == []
    assert complaints(rendered[0], rendered[-2], validators=("cfn-lint",)) == []


def test_the_validators_find_nothing_in_a_template_with_the_keys_of_several_accounts(
    two_accounts, complaints
):
    validators = ("cloudformation-validate", "cfn-lint")
    assert complaints(two_accounts(KEYS + OTHERS_KEYS[:1]), validators=validators) == []
