"""What permissions depend on, found in templates."""

from __future__ import annotations

from blueprint.permissions.resources import trusted

ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Statement": [
                {"Principal": {"Service": ["lambda.amazonaws.com", "ec2.amazonaws.com"]}},
                {"Principal": {"Federated": "cognito-identity.amazonaws.com"}},
                {"Principal": {"AWS": "arn:aws:iam::111122223333:root"}},
                {"Principal": "*"},
                {"Principal": {"Service": {"Fn::Sub": "logs.${AWS::Region}.amazonaws.com"}}},
            ]
        },
        "Policies": [{"PolicyDocument": {"Statement": [{"Sid": "Inline"}]}}],
        "ManagedPolicyArns": [
            {"Ref": "Own"},
            {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/service-role/Given"},
        ],
    },
}
OWN = {
    "Type": "AWS::IAM::ManagedPolicy",
    "Properties": {"PolicyDocument": {"Statement": [{"Sid": "Managed"}]}},
}


def test_the_statements_of_roles_are_those_inside_and_those_of_policies_beside(makes):
    made = makes({"Role": ROLE, "Own": OWN}).made
    assert [statement["Sid"] for statement in made.statements()] == ["Inline", "Managed"]


def test_a_role_trusts_services_and_identity_pools_by_name(makes):
    (role,) = makes({"Role": ROLE}).made.roles
    assert trusted(role) == ["lambda.amazonaws.com", "ec2.amazonaws.com", "cognito-identity.amazonaws.com"]


def test_policies_of_aws_are_told_from_our_own(makes):
    assert list(makes({"Role": ROLE}).made.attached()) == ["Given"]


def test_words_are_found_at_any_depth_as_keys_or_values(makes):
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"A": [{"Deep": {"Key": 1}}, "value"]}}
    made = makes({"Bucket": bucket}).made
    assert made.mentions("AWS::S3::Bucket")
    assert made.mentions("AWS::S3::Bucket", "nothing", "Key")
    assert made.mentions("AWS::S3::Bucket", "value")
    assert not made.mentions("AWS::S3::Bucket", "nothing")
    assert not made.mentions("AWS::SQS::Queue")


def test_names_that_the_templates_spell_are_found(makes):
    made = makes(
        {
            "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/aws/x"}},
            "Other": {"Type": "AWS::Logs::LogGroup"},
            "Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": {}},
            "Named": {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "acme-prod-x"}},
            "Cluster": {
                "Type": "AWS::RDS::DBCluster",
                "Properties": {"SnapshotIdentifier": "arn:aws:rds:eu-west-1:1:cluster-snapshot:rds:old"},
            },
            "Db": {"Type": "AWS::RDS::DBInstance", "Properties": {"DBSnapshotIdentifier": "before"}},
            "Use": {
                "Type": "AWS::X::Y",
                "Properties": {"P": "{{resolve:secretsmanager:acme/google:SecretString:id}}"},
            },
        },
        secrets=("acme/google",),
    ).made
    assert made.log_groups == ["/aws/x"]
    assert made.unnamed_secrets == ["Secret"]
    assert made.snapshots == ["rds:old", "before"]
    assert made.resolved_secrets == ["acme/google"]
    assert made.wanted_secrets == ["acme/google"]


def test_what_stack_sets_make_is_known_by_service(makes):
    function = {"F": {"Type": "AWS::Lambda::Function"}}
    assert makes(function).made.in_stack_sets == frozenset()
    assert not makes(function).made.recovers
    assert makes(function, recovery=True).made.in_stack_sets == {"lambda", "cloudformation"}
    assert makes(function, recovery=True).made.recovers
