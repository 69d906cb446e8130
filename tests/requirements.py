"""What deploying an environment takes, worked out beside the code under test: calls with real ARNs.

Actions are those of the handlers in the resource schemas (read from them, not from our copy), of the table
of additions, and those that the deploy command calls. Names are those that CloudFormation would make, in
ordinary stacks and in stack-set instances, or ids as the services make them up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from blueprint.permissions import additions, facts
from blueprint.schemas import schema
from blueprint.stacks import deployment
from tests.conftest import Rendering

UUID = "1b7ac6f0-0d5c-4f1e-9d3a-7e2f8a9b0c1d"
RANDOM = "rhv1zfo76L1z"
#: Names in schemas that are no IAM actions (any more): seen in AWS's own handlers, known to no policy.
NO_ACTIONS = frozenset(
    {
        "lambda:AssociateRuntimeAlias",
        "s3:DeleteBucketAnalyticsConfiguration",
        "s3:DeleteBucketCors",
        "s3:DeleteBucketEncryption",
        "s3:DeleteBucketLifecycle",
        "s3:DeleteBucketMetricsConfiguration",
        "s3:DeleteBucketReplication",
        "s3:PutBucketReplication",
        "s3:PutObjectLockConfiguration",
        "s3:REST.PUT.OBJECT",
        "s3:UpdateBucketMetadataAnnotationTableConfiguration",
        "s3files:ListMountTargets",
        "vpc-lattice:DescribeServiceNetworkVpcEndpointAssociation",
    }
)


@dataclass(frozen=True)
class Call:
    """One call that must be allowed."""

    action: str
    resource: str
    why: str
    context: dict[str, Any] = field(default_factory=dict, hash=False, compare=False)

    @property
    def account(self) -> str:
        """Where the role is that makes the call."""
        return str(self.context["aws:PrincipalAccount"])


@dataclass(frozen=True)
class Place:
    """Where a stack is made, under which name."""

    account: str
    region: str
    stack_name: str


def places(rendering: Rendering, stack: str) -> list[Place]:
    """A stack-set instance's name is the set's with something in front and behind."""
    found = {}
    for step in rendering.manifest["steps"]:
        if step["stack"] == stack:
            is_set = step["kind"] == "stack-set-instance"
            name = f"StackSet-{step['stack_name']}-{UUID}" if is_set else step["stack_name"]
            found[step["account"], step["region"]] = Place(step["account"], step["region"], name)
    return list(found.values())


def generated(place: Place, logical_id: str, most: int) -> str:
    """How CloudFormation names a thing that has no name: 25 and 24 characters stay of what is too long."""
    whole = f"{place.stack_name}-{logical_id}-{RANDOM}"
    if len(whole) <= most:
        return whole
    return f"{place.stack_name[:25]}-{logical_id[:24]}-{RANDOM}"


# -- ARNs --------------------------------------------------------------------------------------------------


def arns(
    rendering: Rendering, place: Place, logical_id: str, resource: dict[str, Any], kind: str
) -> list[str]:
    """Resources of a kind that a call for this resource may be about. Empty: none of ours is of that kind."""
    properties = resource.get("Properties", {})
    subject = rendering.rendered.subject
    own = f"{subject.project}-{subject.name}"
    at = f"{place.region}:{place.account}"
    name = generated(place, logical_id, 255)
    lower = name.lower()
    text = {key: value for key, value in properties.items() if isinstance(value, str)}
    bucket = f"{text.get('BucketNamePrefix', own + '-uploads')}-{place.account}-{place.region}-an"
    if resource["Type"].startswith("AWS::ElasticBeanstalk::"):
        bucket = f"elasticbeanstalk-{place.region}-{place.account}"
    group = text.get("LogGroupName", name)
    secret = (
        text.get("Name", f"{logical_id}-{RANDOM}") if resource["Type"].endswith("::Secret") else f"{own}-x"
    )
    application = generated(place, "Application", 100)
    cluster = text.get("GlobalClusterIdentifier", lower)
    balancer = "acme--LoadB"
    table = {
        "acm:certificate": f"acm:{at}:certificate/{UUID}",
        "application-autoscaling:ScalableTarget": f"application-autoscaling:{at}:scalable-target/0ec5abc",
        "cloudfront:distribution": "cloudfront::999988887777:distribution/E1ABC",
        "cloudtrail:trail": f"cloudtrail:{at}:trail/{text.get('TrailName')}",
        "cloudwatch:alarm": f"cloudwatch:{at}:alarm:TargetTracking-cluster:x-AlarmHigh-{UUID}",
        "cognito-identity:identitypool": f"cognito-identity:{at}:identitypool/{place.region}:{UUID}",
        "cognito-idp:userpool": f"cognito-idp:{at}:userpool/{place.region}_AbCdEfGhI",
        "elasticache:cluster": f"elasticache:{at}:cluster:acx1k2y3-001",
        "elasticache:parametergroup": f"elasticache:{at}:parametergroup:{lower}",
        "elasticache:replicationgroup": f"elasticache:{at}:replicationgroup:acx1k2y3",
        "elasticache:snapshot": f"elasticache:{at}:snapshot:{lower}",
        "elasticache:subnetgroup": f"elasticache:{at}:subnetgroup:{lower}",
        "elasticache:user": f"elasticache:{at}:user:{own}-cache",
        "elasticache:usergroup": f"elasticache:{at}:usergroup:{own}-cache",
        "elasticbeanstalk:application": f"elasticbeanstalk:{at}:application/{application}",
        "elasticbeanstalk:applicationversion": f"elasticbeanstalk:{at}:applicationversion/{application}/v1",
        "elasticbeanstalk:configurationtemplate": f"elasticbeanstalk:{at}:configurationtemplate/"
        f"{application}/t",
        "elasticbeanstalk:environment": f"elasticbeanstalk:{at}:environment/{application}/{own}",
        "elasticloadbalancing:loadbalancer/app/": f"elasticloadbalancing:{at}:loadbalancer/app/{balancer}/1",
        "elasticloadbalancing:listener/app": f"elasticloadbalancing:{at}:listener/app/{balancer}/1/2",
        "elasticloadbalancing:listener-rule/app": f"elasticloadbalancing:{at}:listener-rule/app/{balancer}/1",
        "iam:instance-profile": f"iam::{place.account}:instance-profile/{generated(place, logical_id, 128)}",
        "iam:policy": f"iam::{place.account}:policy/{own}/{generated(place, logical_id, 128)}",
        "iam:role": f"iam::{place.account}:role/{own}/{generated(place, logical_id, 64)}",
        "kms:alias": f"kms:{at}:{text.get('AliasName', 'alias/' + own + '-x')}",
        "kms:key": f"kms:{at}:key/mrk-1234abcd",
        "lambda:function": f"lambda:{at}:function:{generated(place, logical_id, 64)}",
        "lambda:function alias": f"lambda:{at}:function:{generated(place, logical_id, 64)}:live",
        "lambda:function version": f"lambda:{at}:function:{generated(place, logical_id, 64)}:3",
        "logs:log-group": f"logs:{at}:log-group:{group}",
        "logs:log-stream": f"logs:{at}:log-group:{group}:log-stream:x",
        "rds:auto-backup": f"rds:{at}:auto-backup:ab-abc",
        "rds:cluster": f"rds:{at}:cluster:{text.get('DBClusterIdentifier', lower)}",
        "rds:cluster-auto-backup": f"rds:{at}:cluster-auto-backup:cab-abc",
        "rds:cluster-pg": f"rds:{at}:cluster-pg:{lower}",
        "rds:cluster-snapshot": f"rds:{at}:cluster-snapshot:{lower}",
        "rds:db": f"rds:{at}:db:{text.get('DBInstanceIdentifier', lower)}",
        "rds:global-cluster": f"rds::{place.account}:global-cluster:{cluster}",
        "rds:og": f"rds:{at}:og:default:aurora-mysql-8-0",
        "rds:pg": f"rds:{at}:pg:{lower}",
        "rds:proxy": f"rds:{at}:db-proxy:prx-0123",
        "rds:proxy-endpoint": f"rds:{at}:db-proxy-endpoint:prx-endpoint-0123",
        "rds:snapshot": f"rds:{at}:snapshot:{lower}",
        "rds:subgrp": f"rds:{at}:subgrp:{lower}",
        "rds:target-group": f"rds:{at}:target-group:prx-tg-0123",
        "route53:change": "route53:::change/C1",
        "route53:healthcheck": "route53:::healthcheck/1",
        "route53:hostedzone": "route53:::hostedzone/Z1",
        "route53:queryloggingconfig": "route53:::queryloggingconfig/1",
        "s3:bucket": f"s3:::{bucket}",
        "s3:object": f"s3:::{bucket}/a/b",
        "secretsmanager:Secret": f"secretsmanager:{at}:secret:{secret}-AbCdEf",
    }
    if kind in table:
        return [f"arn:aws:{table[kind]}"]
    return [f"arn:aws:ec2:{at}:{kind.partition(':')[2]}/id-0123"] if kind.startswith("ec2:") else []


#: What Elastic Beanstalk makes with its caller's rights.
_BEANSTALK = {
    "autoscaling:autoScalingGroup": "autoscaling:{at}:autoScalingGroup:{uuid}:autoScalingGroupName/awseb-e-x",
    "cloudformation:stack": "cloudformation:{at}:stack/awseb-e-abc-stack/{uuid}",
    "cloudwatch:alarm": "cloudwatch:{at}:alarm:awseb-e-abc-stack-x",
    "ec2:image": "ec2:{region}::image/ami-1",
    "ec2:snapshot": "ec2:{region}::snapshot/snap-1",
    "elasticloadbalancing:targetgroup": "elasticloadbalancing:{at}:targetgroup/awseb-AWSEB-1/2",
}


def beanstalk_arns(place: Place, kind: str) -> list[str]:
    if kind not in _BEANSTALK:
        return []
    at = f"{place.region}:{place.account}"
    return [f"arn:aws:{_BEANSTALK[kind].format(at=at, region=place.region, uuid=UUID)}"]


# -- calls -------------------------------------------------------------------------------------------------


def context(rendering: Rendering, place: Place) -> dict[str, Any]:
    """What IAM knows of a call that does no more than it should."""
    subject = rendering.rendered.subject
    domain = getattr(subject, "domain", "example.com")
    return {
        "aws:PrincipalAccount": place.account,
        "aws:RequestedRegion": place.region,
        "aws:ResourceTag/project": subject.project,
        "aws:ResourceTag/environment": subject.name,
        "aws:ResourceTag/elasticbeanstalk:environment-name": f"{subject.project}-{subject.name}",
        "ec2:LaunchTemplate": f"arn:aws:ec2:{place.region}:{place.account}:launch-template/lt-1",
        "iam:PermissionsBoundary": f"arn:aws:iam::{place.account}:policy/{deployment.boundary(subject)}",
        "kms:ViaService": f"rds.{place.region}.amazonaws.com",
        "kms:GrantIsForAWSResource": "true",
        "route53:ChangeResourceRecordSetsNormalizedRecordNames": [domain, f"_x.api.{domain}"],
    }


def calls(rendering: Rendering) -> Iterator[Call]:
    yield from resource_calls(rendering)
    yield from passing(rendering)
    yield from linking(rendering)
    yield from command_calls(rendering)


def resource_calls(rendering: Rendering) -> Iterator[Call]:
    for template in rendering:
        if template.name != deployment.STACK:
            for logical_id, resource in template.resources.items():
                for place in places(rendering, template.name):
                    yield from _of_resource(rendering, place, logical_id, resource)


def _of_resource(
    rendering: Rendering, place: Place, logical_id: str, resource: dict[str, Any]
) -> Iterator[Call]:
    kind_of = resource["Type"]
    if kind_of.startswith("Custom::"):
        function = generated(place, resource["Properties"]["ServiceToken"]["Fn::GetAtt"][0], 64)
        arn = f"arn:aws:lambda:{place.region}:{place.account}:function:{function}"
        yield Call("lambda:InvokeFunction", arn, logical_id, context(rendering, place))
        return
    handlers = schema(kind_of).get("handlers", {}).values()
    texts = {text for handler in handlers for text in handler.get("permissions", ())} - NO_ACTIONS
    added = {text for row in additions.ADDITIONS if row.resource_type == kind_of for text in row.actions}
    for text in sorted(texts | added):
        spelt = text if "*" in text else facts.action(text)
        assert spelt, f"{kind_of} has {text}, which is no action: if IAM knows it, refresh the facts"
        if left_out(rendering, kind_of, spelt) or spelt in ("iam:PassRole", "iam:CreateServiceLinkedRole"):
            continue
        for action in concrete(spelt):
            for arn in _resources(rendering, place, logical_id, resource, action):
                known = context(rendering, place)
                if ":snapshot:" in arn:  # it is about to be made, and has no tags yet
                    known = {key: value for key, value in known.items() if "ResourceTag" not in key}
                yield Call(action, arn, f"{logical_id} ({kind_of})", known)
    if kind_of == "AWS::ElasticBeanstalk::Environment":
        for name in ("env-resources", "platform-assets", "samples"):
            arn = f"arn:aws:s3:::elasticbeanstalk-{name}-{place.region}/x"
            yield Call("s3:GetObject", arn, logical_id, context(rendering, place))


def concrete(action: str) -> list[str]:
    """An action with a wildcard stands for several: two of them are enough to see it go."""
    if "*" not in action:
        return [action]
    service, _, name = action.partition(":")
    known = facts._service(service)
    assert known is not None
    return [f"{service}:{other}" for other in sorted(known.actions) if fnmatchcase(other, name)][:2]


def _resources(
    rendering: Rendering, place: Place, logical_id: str, resource: dict[str, Any], action: str
) -> list[str]:
    kinds = [str(kind) for kind in facts.kinds(action)]
    if not kinds:
        return ["*"]
    of_beanstalk = resource["Type"].startswith("AWS::ElasticBeanstalk::")
    found = []
    for kind in kinds[:1] if kinds[0].startswith("ec2:") and not of_beanstalk else kinds:
        # What Beanstalk names is not ours, but for what we name for it.
        its = beanstalk_arns(place, kind) if of_beanstalk else []
        found += its or arns(rendering, place, logical_id, resource, kind)
    return found


def left_out(rendering: Rendering, resource_type: str, action: str) -> bool:
    """Refused on purpose, or of a property that no resource has: looked for in the templates' text."""
    if action in additions.REFUSED or re.search(r"iam:\w*(User|Group)\w*Polic", action):
        return True
    for what in (action, action.partition(":")[0]):
        keys = additions.ONLY_WITH.get((resource_type, what))
        if keys:
            text = "".join(
                str(resource.get("Properties"))
                for template in rendering
                for resource in template.of_type(resource_type).values()
            )
            return not any(f"'{key}'" in text for key in keys)
    return False


def passing(rendering: Rendering) -> Iterator[Call]:
    for template in rendering:
        for logical_id, role in template.of_type("AWS::IAM::Role").items():
            if template.name == deployment.STACK:
                continue
            for place in places(rendering, template.name):
                (arn,) = arns(rendering, place, logical_id, role, "iam:role")
                for service in services(role):
                    more = {"iam:PassedToService": service}
                    yield Call("iam:PassRole", arn, logical_id, {**context(rendering, place), **more})


def services(role: dict[str, Any]) -> set[str]:
    return {
        name
        for statement in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        for kind in ("Service", "Federated")
        for name in (
            [statement["Principal"][kind]]
            if isinstance(statement["Principal"].get(kind), str)
            else statement["Principal"].get(kind, [])
        )
    }


#: Resource type -> services whose own roles come with the first of it, from AWS's guides.
LINKED = {
    "AWS::EC2::FlowLog": ["delivery.logs"],
    "AWS::EC2::NatGateway": ["ec2-nat-gateway"],
    "AWS::ElastiCache::ReplicationGroup": ["elasticache"],
    "AWS::ElasticBeanstalk::Environment": [
        "autoscaling",
        "elasticbeanstalk",
        "maintenance.elasticbeanstalk",
        "managedupdates.elasticbeanstalk",
        "spot",
    ],
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ["elasticloadbalancing"],
    "AWS::KMS::ReplicaKey": ["mrk.kms"],
    "AWS::RDS::DBInstance": ["rds"],
    "AWS::ApplicationAutoScaling::ScalableTarget": ["rds.application-autoscaling"],
}


def linking(rendering: Rendering) -> Iterator[Call]:
    for template in rendering:
        for kind, names in LINKED.items():
            if template.of_type(kind):
                place = places(rendering, template.name)[0]
                for name in names:
                    service = f"{name}.amazonaws.com"
                    arn = f"arn:aws:iam::{place.account}:role/aws-service-role/{service}/AWSServiceRoleForX"
                    more = {"iam:AWSServiceName": service}
                    yield Call(
                        "iam:CreateServiceLinkedRole", arn, kind, {**context(rendering, place), **more}
                    )


_STACK_CALLS = """CancelUpdateStack ContinueUpdateRollback CreateChangeSet CreateStack DeleteChangeSet
DeleteStack DescribeChangeSet DescribeChangeSetHooks DescribeEvents DescribeStackEvents DescribeStackResource
DescribeStackResourceDrifts DescribeStackResources DescribeStacks DetectStackDrift DetectStackResourceDrift
ExecuteChangeSet GetStackPolicy GetTemplate GetTemplateSummary ListChangeSets ListHookResults
ListStackResources RollbackStack SetStackPolicy TagResource UntagResource UpdateStack
UpdateTerminationProtection"""
_TARGETED = ("CreateStackInstances", "DeleteStackInstances", "UpdateStackInstances", "UpdateStackSet")
_SET_CALLS = """CreateStackInstances DeleteStackInstances DeleteStackSet DescribeStackInstance
DescribeStackSet DescribeStackSetOperation DetectStackSetDrift ListStackInstanceResourceDrifts
ListStackInstances ListStackSetOperationResults ListStackSetOperations StopStackSetOperation
UpdateStackInstances UpdateStackSet"""
_ANYWHERE = """cloudformation:DescribeStackDriftDetectionStatus cloudformation:GetHookResult
cloudformation:GetResource cloudformation:ListExports cloudformation:ListImports cloudformation:ListStacks
cloudformation:ValidateTemplate ec2:DescribeSecurityGroupRules ec2:DescribeSecurityGroups
elasticloadbalancing:DescribeListeners elasticloadbalancing:DescribeLoadBalancers
elasticloadbalancing:DescribeRules elasticloadbalancing:DescribeTargetGroups sts:GetCallerIdentity"""


def command_calls(rendering: Rendering) -> Iterator[Call]:
    """What ``deploy`` and its fellow commands call themselves."""
    subject = rendering.rendered.subject
    recovers = any(step["kind"] == "stack-set-instance" for step in rendering.manifest["steps"])
    for template in rendering:
        if template.name == deployment.STACK:
            continue
        for place in places(rendering, template.name):
            known = context(rendering, place)
            at = f"{place.region}:{place.account}"
            stack = f"arn:aws:cloudformation:{at}:stack/{place.stack_name}/{UUID}"
            yield from (
                Call(f"cloudformation:{name}", stack, "deploy", known) for name in _STACK_CALLS.split()
            )
            change_set = f"arn:aws:cloudformation:{at}:changeSet/x/{UUID}"
            yield Call("cloudformation:DescribeEvents", change_set, "deploy", known)
            yield from (Call(name, "*", "deploy", known) for name in _ANYWHERE.split())
            alarm = f"arn:aws:cloudwatch:{at}:alarm:{subject.project}-{subject.name}-high"
            yield Call("cloudwatch:DescribeAlarms", alarm, "rollback triggers", known)
            yield from _artifact_calls(subject, place, known)
            if recovers:
                own = f"{subject.project}-{subject.name}-{template.name}"
                a_set = f"arn:aws:cloudformation:{at}:stackset/{own}:{UUID}"
                yield from (
                    Call(f"cloudformation:{name}", a_set, "deploy", known) for name in _SET_CALLS.split()
                )
                for name in ("GetTemplateSummary", "TagResource", "UntagResource"):
                    yield Call(f"cloudformation:{name}", a_set, "deploy", known)
                target = a_set.replace(":stackset/", ":stackset-target/")
                type_ = f"arn:aws:cloudformation:{place.region}::type/resource/AWS-S3-Bucket"
                for name in _TARGETED:
                    yield Call(f"cloudformation:{name}", target, "deploy", known)
                    yield Call(f"cloudformation:{name}", type_, "deploy", known)
                for name in ("CreateStackSet", "ListStackSets"):
                    yield Call(f"cloudformation:{name}", "*", "deploy", known)
                yield _passes_administration(subject, place, known)
    for secret in rendering.manifest["secrets"]:
        place = places(rendering, secret["stack"])[0]
        arn = f"arn:aws:secretsmanager:{place.region}:{place.account}:secret:{secret['name']}-AbCdEf"
        for action in ("DescribeSecret", "GetSecretValue"):
            yield Call(f"secretsmanager:{action}", arn, "a person's secret", context(rendering, place))


def _artifact_calls(subject: Any, place: Place, known: dict[str, Any]) -> Iterator[Call]:
    bucket = f"arn:aws:s3:::{subject.project}-account-artifacts-{place.account}-{place.region}-an"
    for key in (
        f"templates/{subject.name}/0abc.json",
        f"locks/{subject.name}.json",
        f"{subject.name}/app.zip",
    ):
        for name in ("AbortMultipartUpload", "DeleteObject", "GetObject", "GetObjectVersion", "PutObject"):
            yield Call(f"s3:{name}", f"{bucket}/{key}", "artifacts", known)
    for name in ("GetBucketLocation", "ListBucket"):
        yield Call(f"s3:{name}", bucket, "artifacts", known)
    own = f"arn:aws:s3:::{subject.project}-{subject.name}-x-{place.account}-{place.region}-an"
    yield Call("s3:ListBucketVersions", own, "destroy", known)
    key = f"arn:aws:kms:{place.region}:{place.account}:key/1"
    through = {**known, "kms:ViaService": f"s3.{place.region}.amazonaws.com"}
    yield from (Call(f"kms:{name}", key, "artifacts", through) for name in ("Decrypt", "GenerateDataKey"))


def _passes_administration(subject: Any, place: Place, known: dict[str, Any]) -> Call:
    arn = f"arn:aws:iam::{place.account}:role/{deployment.stack_sets_role(subject)}"
    return Call(
        "iam:PassRole", arn, "stack sets", {**known, "iam:PassedToService": "cloudformation.amazonaws.com"}
    )
