"""The role with whose rights Elastic Beanstalk makes and changes the environment, where operators want it.

Without one it uses those of whoever deploys. See docs/decisions/0011-operations-role.md. Which actions it
calls says AWS in its policies AWSElasticBeanstalkRoleCore (version 3), and for load balancers that are shared
AdministratorAccess-AWSElasticBeanstalk (version 7).
"""

from __future__ import annotations

from awacs.aws import PolicyDocument, Statement, StringEquals, StringEqualsIfExists
from troposphere import AWSHelperFn, Join, Ref, Split, Sub
from troposphere.elasticloadbalancingv2 import Listener, LoadBalancer
from troposphere.iam import ManagedPolicy, PolicyType, Role

from blueprint.layers import _application_roles as roles
from blueprint.layers._application_roles import may
from blueprint.layers.shared import beanstalk_buckets
from blueprint.layers.shared.conditions import all_of
from blueprint.layers.shared.names import beanstalk_environment
from blueprint.layers.shared.suppress import suppress
from blueprint.stacks.stack import Stack

ON_BALANCER = "OperationsOnBalancer"
#: Services whose own roles an environment needs, and which a new account does not have yet.
_SERVICES = ("autoscaling", "elasticbeanstalk", "maintenance.elasticbeanstalk", "spot")
_LOOKED_AT = ("autoscaling", "cloudformation", "cloudwatch", "ec2", "elasticloadbalancing", "logs")


def add_role(stack: Stack, works: ManagedPolicy, balancer: LoadBalancer, parking: Listener) -> Role:
    """The role, and what it may do at our load balancer: park one rule, and nothing on other listeners.

    That is a policy of its own, because the load balancer takes minutes, and a role that were made after it
    would be seconds old, too young for IAM, when Beanstalk takes it.
    """
    beanstalk = StringEqualsIfExists(
        {"sts:ExternalId": "elasticbeanstalk", "aws:SourceAccount": Ref("AWS::AccountId")}
    )
    role = roles.add_role(
        stack,
        "OperationsRole",
        "Elastic Beanstalk: making and changing the environment",
        roles.trusts("elasticbeanstalk.amazonaws.com", beanstalk),
        {
            "Looks": [*(may(service, "Describe*") for service in _LOOKED_AT), _roles_and_profiles()],
            "BeginsAndEnds": _begins_and_ends(stack),
        },
        works,
        unbound="What has no resource only describes, but for DeletePolicy: CloudFormation names a policy of "
        "its stack without the group that IAM would compare.",
    )
    reason = (
        "It lists what Beanstalk calls, with the resources of each action: fewer statements would allow more."
    )
    suppress(role, "cfn_nag", "W76", reason)
    policy = stack.add(
        PolicyType(
            ON_BALANCER,
            Roles=[Ref(role)],
            PolicyName="LoadBalancer",
            PolicyDocument=PolicyDocument(
                Version="2012-10-17", Statement=_at_balancer(Ref(balancer), Ref(parking))
            ),
        )
    )
    suppress(policy, "cdk_nag", "AwsSolutions-IAM5", roles.WILDCARDS)
    suppress(policy, "guard", "IAM_NO_INLINE_POLICY_CHECK", roles.INLINE)
    return role


def _roles_and_profiles() -> Statement:
    return may("iam", "GetInstanceProfile GetRole ListInstanceProfiles ListRoles")


def _begins_and_ends(stack: Stack) -> list[Statement]:
    """Beside what it does at every change."""
    ec2 = "arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}"
    here = beanstalk_environment(stack.subject)
    services = [f"{name}.amazonaws.com" for name in _SERVICES]
    own = "arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/aws-service-role/{}/*"
    bucket = "CreateBucket GetBucket* PutBucketOwnershipControls PutBucketPublicAccessBlock"
    return [
        may(
            "elasticloadbalancing",
            "CreateTargetGroup DeleteTargetGroup ModifyTargetGroup ModifyTargetGroupAttributes RemoveTags",
            roles.TARGET_GROUPS,
        ),
        may("autoscaling", "DeleteTags", roles.GROUPS),
        # CloudFormation names a policy without its group, which is all that IAM compares.
        may("autoscaling", "DeletePolicy"),
        may("cloudwatch", "DeleteAlarms", roles.ALARMS),
        # Other tags than before.
        may(
            "ec2",
            "CreateTags DeleteTags",
            *(f"{ec2}:{kind}/*" for kind in ("instance", "launch-template", "volume")),
            Condition=all_of(StringEquals("aws:ResourceTag/elasticbeanstalk:environment-name", here)),
        ),
        # Its bucket of the region, which the first environment there makes; and what AWS hands out.
        may("s3", bucket, roles.BUCKET),
        may("s3", "GetObject", *beanstalk_buckets.objects(stack)),
        may(
            "iam",
            "CreateServiceLinkedRole",
            *(own.format(service) for service in services),
            Condition=all_of(StringEquals("iam:AWSServiceName", services)),
        ),
    ]


def _at_balancer(balancer: AWSHelperFn, parking: AWSHelperFn) -> list[Statement]:
    """Only the parked rule: whatever Beanstalk comes to think, it cannot touch what the internet reaches."""
    rules = Sub("${Rules}/*", Rules=Join(":listener-rule/", Split(":listener/", parking)))
    return [
        # It counts the environments in a tag, and attaches the groups that it is told.
        may("elasticloadbalancing", "AddTags RemoveTags SetSecurityGroups", balancer),
        may("elasticloadbalancing", "CreateRule", parking),
        may("elasticloadbalancing", "AddTags DeleteRule RemoveTags", rules),
    ]
