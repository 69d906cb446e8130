"""VPC endpoints: AWS services reached without leaving the network.

S3 and DynamoDB always, by gateway endpoints, which are free. Others by interface endpoints, which cost, where
the environment asks for them; without a NAT all that a private Beanstalk instance needs.

An endpoint policy grants nothing: whoever calls needs his own permission too. It bounds what can be done
through the endpoint: ours let identities of this account do what instances do, and keep data out of buckets
and tables of other accounts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from awacs.aws import Action, Allow, Condition, PolicyDocument, Principal, Statement, StringEquals
from troposphere import AWSHelperFn, GetAtt, Join, Ref, Split, Sub, Tags
from troposphere.ec2 import VPC, RouteTable, VPCEndpoint

from blueprint.environment import Environment
from blueprint.environment.database_model import RDS
from blueprint.environment.regions import WITHOUT_SERVICE
from blueprint.layers import _network_groups as groups
from blueprint.layers.shared import beanstalk_buckets
from blueprint.layers.shared.conditions import all_of
from blueprint.stacks.places import Place
from blueprint.stacks.stack import Stack

ANYONE = Principal("*")  # endpoint policies must name a principal; conditions say which account's

#: What a private Beanstalk instance calls (Beanstalk Developer Guide, "Using Elastic Beanstalk with VPC
#: endpoints"; Systems Manager User Guide, "Improve the security of EC2 instances by using VPC endpoints").
NEEDED_WITHOUT_NAT = (
    "autoscaling",
    "cloudformation",
    "ec2",
    "ec2messages",
    "elasticbeanstalk",
    "elasticbeanstalk-health",
    "kms",
    "logs",
    "monitoring",
    "secretsmanager",
    "sqs",
    "ssm",
    "ssmmessages",
    "sts",
    "xray",
)
#: Endpoints without a policy of ours. CloudFormation's helper scripts sign with the instance's identity
#: document, not as an identity of the account; whether Beanstalk's health service takes one is nowhere said.
WITHOUT_POLICY = frozenset({"cloudformation", "elasticbeanstalk-health"})

#: What instances do at each service: IAM actions, without the prefix where it is the endpoint's name.
ACTIONS: Mapping[str, tuple[str, ...]] = {
    "autoscaling": (
        "CompleteLifecycleAction", "Describe*", "RecordLifecycleActionHeartbeat", "SetInstanceHealth",
    ),
    "ec2": ("Describe*",),
    "ec2messages": (
        "AcknowledgeMessage", "DeleteMessage", "FailMessage", "GetEndpoint", "GetMessages", "SendReply",
    ),
    "elasticbeanstalk": ("Describe*", "List*", "PutInstanceStatistics"),
    "elasticloadbalancing": ("Describe*",),
    "events": ("PutEvents",),
    "kms": ("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey*", "ReEncrypt*"),
    "lambda": ("InvokeFunction",),
    "logs": (
        "CreateLogGroup", "CreateLogStream", "DescribeLogGroups", "DescribeLogStreams", "PutLogEvents",
        "PutRetentionPolicy",
    ),
    "monitoring": (
        "cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics", "cloudwatch:ListMetrics",
        "cloudwatch:PutMetricData",
    ),
    "secretsmanager": ("BatchGetSecretValue", "DescribeSecret", "GetSecretValue", "ListSecrets"),
    "sns": (
        "CreatePlatformEndpoint", "GetEndpointAttributes", "Publish", "SetEndpointAttributes", "Subscribe",
    ),
    "sqs": (
        "ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "GetQueueUrl", "ReceiveMessage",
        "SendMessage",
    ),
    "ssm": (
        "DescribeAssociation", "DescribeDocument", "GetDeployablePatchSnapshotForInstance", "GetDocument",
        "GetManifest", "GetParameter", "GetParameters", "GetParametersByPath", "ListAssociations",
        "ListInstanceAssociations", "PutComplianceItems", "PutConfigurePackageResult", "PutInventory",
        "UpdateAssociationStatus", "UpdateInstanceAssociationStatus", "UpdateInstanceInformation",
    ),
    "ssmmessages": ("CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel"),
    "sts": ("AssumeRole", "GetCallerIdentity", "TagSession"),
    "xray": (
        "GetSamplingRules", "GetSamplingStatisticSummaries", "GetSamplingTargets", "PutTelemetryRecords",
        "PutTraceSegments",
    ),
}  # fmt: skip

_OBJECTS = (
    "AbortMultipartUpload", "DeleteObject", "DeleteObjectTagging", "DeleteObjectVersion", "GetBucketLocation",
    "GetObject", "GetObjectAcl", "GetObjectAttributes", "GetObjectTagging", "GetObjectVersion", "ListBucket",
    "ListBucketMultipartUploads", "ListBucketVersions", "ListMultipartUploadParts", "PutObject",
    "PutObjectAcl", "PutObjectTagging", "RestoreObject",
)  # fmt: skip
_ITEMS = (
    "BatchGetItem", "BatchWriteItem", "ConditionCheckItem", "DeleteItem", "DescribeTable",
    "DescribeTimeToLive", "GetItem", "PartiQLDelete", "PartiQLInsert", "PartiQLSelect", "PartiQLUpdate",
    "PutItem", "Query", "Scan", "UpdateItem",
)  # fmt: skip
#: Buckets of AWS that instances read besides Beanstalk's: Amazon Linux 2023's packages, what the agent of
#: Systems Manager updates itself from. Each with the full name: anybody may own a bucket that begins alike.
_READ_BUCKETS = (
    "al2023-repos-${AWS::Region}-de612dc2",
    "amazon-ssm-${AWS::Region}",
    "amazon-ssm-packages-${AWS::Region}",
    "aws-ssm-${AWS::Region}",
    "aws-ssm-document-attachments-${AWS::Region}",
    "patch-baseline-snapshot-${AWS::Region}",
    "${AWS::Region}-birdwatcher-prod",
)
#: Where an instance tells CloudFormation that it is ready, by an address that CloudFormation signed.
_SIGNAL_BUCKET = "cloudformation-waitcondition-${AWS::Region}"
#: Where a function in the network answers it for a custom resource; the region stands there without hyphens.
_ANSWERS = "arn:${AWS::Partition}:s3:::cloudformation-custom-resource-response-${Region}/*"
#: What the function that makes the users of rds-mysql does to their secret, besides reading it.
_ROTATION = ("GetRandomPassword", "PutSecretValue", "UpdateSecretVersionStage")


def services(env: Environment) -> list[str]:
    """The services with an interface endpoint, sorted."""
    wanted: set[str] = set(env.network.interface_endpoints)
    if env.network.nat == "none":
        wanted.update(NEEDED_WITHOUT_NAT)
        # One template serves all regions, so what one of them lacks is left out in all.
        wanted -= {name for name, lacking in WITHOUT_SERVICE.items() if lacking.intersection(env.regions)}
    return sorted(wanted)


def add_gateways(stack: Stack, env: Environment, vpc: VPC, tables: Sequence[RouteTable]) -> None:
    """The free endpoints, for the route ``tables``."""
    _gateway(stack, vpc, "S3Endpoint", "s3", tables, _s3_policy(stack, env))
    _gateway(stack, vpc, "DynamoDbEndpoint", "dynamodb", tables, _dynamodb_policy())


def interface_stack(env: Environment) -> Stack:
    """The endpoints that cost, in a stack of their own: they come and go, the network stays."""
    stack = Stack(
        "network-endpoints",
        env,
        Place.PRIMARY,
        Place.RECOVERY,
        purpose="Interface endpoints: AWS services inside the VPC.",
    )
    vpc_id = stack.output_of("network", "VpcId")
    callers = ["Application", *(["DatabaseUser"] if _has_function(env) else [])]
    allowed = {name: stack.output_of("network", f"{name}SecurityGroupId") for name in callers}
    group = groups.add_endpoints(stack, vpc_id, allowed)
    zones = range(1, env.network.zones + 1)
    subnets = [stack.output_of("network", f"ApplicationSubnet{zone}Id") for zone in zones]
    for service in services(env):
        asked = service in env.network.interface_endpoints
        endpoint = VPCEndpoint(
            f"{service.title().replace('-', '')}Endpoint",
            VpcEndpointType="Interface",
            VpcId=vpc_id,
            ServiceName=_name(service),
            PrivateDnsEnabled=True,  # so that nobody need know that there is an endpoint
            SubnetIds=subnets,
            SecurityGroupIds=[GetAtt(group, "GroupId")],
            Tags=_tags(stack, service),
        )
        if service not in WITHOUT_POLICY:
            endpoint.PolicyDocument = _interface_policy(env, service)
        stack.add(endpoint, "network.interface_endpoints" if asked else "network.nat")
    text = "Security group of the endpoints, for whoever else must reach them, or wait for them"
    stack.output("EndpointsSecurityGroupId", GetAtt(group, "GroupId"), text)
    return stack


def _has_function(env: Environment) -> bool:
    """Whether a function works in the network: the one that makes the users of rds-mysql."""
    return env.database.engine == RDS


def _gateway(
    stack: Stack,
    vpc: VPC,
    title: str,
    service: str,
    tables: Sequence[RouteTable],
    policy: PolicyDocument,
) -> None:
    stack.add(
        VPCEndpoint(
            title,
            VpcEndpointType="Gateway",
            VpcId=Ref(vpc),
            ServiceName=_name(service),
            RouteTableIds=[Ref(table) for table in tables],
            PolicyDocument=policy,
            Tags=_tags(stack, service),
        )
    )


def _tags(stack: Stack, service: str) -> Tags:
    return Tags(Name=f"{stack.subject.project}-{stack.subject.name}-{service}")


def _name(service: str) -> AWSHelperFn:
    return Sub(f"com.amazonaws.${{AWS::Region}}.{service}")


def _policy(*statements: Statement) -> PolicyDocument:
    return PolicyDocument(Version="2012-10-17", Statement=list(statements))


def _s3_policy(stack: Stack, env: Environment) -> PolicyDocument:
    statements = [
        Statement(
            Sid="BucketsOfThisAccount",
            Effect=Allow,
            Principal=ANYONE,
            Action=[Action("s3", name) for name in _OBJECTS],
            Resource=[Sub("arn:${AWS::Partition}:s3:::*")],
            Condition=all_of(StringEquals("aws:ResourceAccount", Ref("AWS::AccountId"))),
        ),
        Statement(
            Sid="BucketsOfAwsThatInstancesRead",
            Effect=Allow,
            Principal=ANYONE,  # packages are fetched without signing in
            Action=[Action("s3", "GetObject")],
            Resource=[*(_objects(bucket) for bucket in _READ_BUCKETS), *beanstalk_buckets.objects(stack)],
        ),
        Statement(
            Sid="SignalsToCloudFormation",
            Effect=Allow,
            Principal=ANYONE,  # signed by CloudFormation, not by us
            Action=[Action("s3", "GetObject"), Action("s3", "PutObject")],
            Resource=[_objects(_SIGNAL_BUCKET)],
        ),
    ]
    if _has_function(env):
        region = Join("", Split("-", Ref("AWS::Region")))
        statements.append(
            Statement(
                Sid="AnswersToCloudFormation",
                Effect=Allow,
                Principal=ANYONE,  # signed by CloudFormation, not by us
                Action=[Action("s3", "PutObject")],
                Resource=[Sub(_ANSWERS, Region=region)],
            )
        )
    return _policy(*statements)


def _objects(bucket: str) -> AWSHelperFn:
    return Sub(f"arn:${{AWS::Partition}}:s3:::{bucket}/*")


def _dynamodb_policy() -> PolicyDocument:
    return _policy(
        Statement(
            Sid="TablesOfThisAccount",
            Effect=Allow,
            Principal=ANYONE,
            Action=[Action("dynamodb", name) for name in _ITEMS],
            Resource=[Sub("arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/*")],
            Condition=_own_identities(),
        )
    )


def _interface_policy(env: Environment, service: str) -> PolicyDocument:
    rotation = _ROTATION if service == "secretsmanager" and _has_function(env) else ()
    names = sorted((*ACTIONS[service], *rotation))
    actions = [name.split(":") if ":" in name else [service, name] for name in names]
    return _policy(
        Statement(
            Sid="IdentitiesOfThisAccount",
            Effect=Allow,
            Principal=ANYONE,
            Action=[Action(prefix, name) for prefix, name in actions],
            Resource=["*"],  # a bound, not a grant: which resources is up to the caller's own permissions
            Condition=_own_identities(),
        )
    )


def _own_identities() -> Condition:
    return all_of(StringEquals("aws:PrincipalAccount", Ref("AWS::AccountId")))
