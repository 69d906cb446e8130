"""The bucket that templates go through: private like every other, known by name, and tidied by age."""

from __future__ import annotations

import pytest

from blueprint.stacks import deployment
from tests.conftest import RECOVERY


@pytest.fixture
def template(rendered_account):
    return lambda **over: rendered_account(RECOVERY, **over)["artifacts"]


def test_it_has_the_name_that_the_manifest_gives(rendered_account):
    made = rendered_account(RECOVERY)
    prefix = made["artifacts"].properties("ArtifactsBucket")["BucketNamePrefix"]
    assert prefix == made.manifest["deployment"]["artifacts"]
    assert prefix == deployment.artifacts_prefix(made.rendered.subject)


def test_there_is_one_in_every_region_that_an_environment_uses(rendered_account):
    made = rendered_account(RECOVERY)
    regions = {step["region"] for step in made.manifest["steps"] if step["stack"] == "artifacts"}
    assert regions == {"eu-west-1", "eu-central-1"}


def rules(template, bucket: str) -> dict:
    return {rule["Id"]: rule for rule in template.properties(bucket)["LifecycleConfiguration"]["Rules"]}


def test_templates_go_after_three_months_and_nothing_else_does(template):
    found = rules(template(), "ArtifactsBucket")
    assert found["Templates"]["ExpirationInDays"] == 90
    assert found["Templates"]["Prefix"] == "templates/"
    assert "ExpirationInDays" not in found["Housekeeping"]


def test_its_access_is_logged_in_a_bucket_that_the_audits_does_not_collide_with(rendered_account):
    made = rendered_account(RECOVERY)
    names = [made[stack].properties("AccessBucket")["BucketNamePrefix"] for stack in ("artifacts", "audit")]
    assert len(set(names)) == 2
    logging = made["artifacts"].properties("ArtifactsBucket")["LoggingConfiguration"]
    assert logging["DestinationBucketName"] == {"Ref": "AccessBucket"}
    assert rules(made["artifacts"], "AccessBucket")["AccessLogs"]["ExpirationInDays"] == 365


def test_it_is_encrypted_with_a_key_of_its_own_that_only_s3_is_asked_to_use(template):
    made = template()
    (rule,) = made.properties("ArtifactsBucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"] == {"Fn::GetAtt": ["ArtifactsKey", "Arn"]}
    (use,) = (
        statement
        for statement in made.properties("ArtifactsKey")["KeyPolicy"]["Statement"]
        if "kms:Decrypt" in statement["Action"]
    )
    hosts = use["Condition"]["StringEquals"]["kms:ViaService"]
    assert hosts == [{"Fn::Sub": "s3.${AWS::Region}.amazonaws.com"}]
