"""How the resources of a subject are named, for each kind that IAM knows: the ARNs that a policy may hold.

A name is ours (``acme-prod-...``), or CloudFormation makes it from the name of the stack, or the service
makes it up. CloudFormation shortens what is too long, but leaves at least the first 25 characters of the
stack's name (``StackSet-account-assessme-DelegatedAdminsRead591DC-rhv1zfo76L1z``: a Lambda function's 64,
as seen in public logs). Roles need no such care: they lie below a path of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from blueprint.permissions.facts import Kind
from blueprint.permissions.resources import Made
from blueprint.stacks import deployment
from blueprint.stacks.places import Subject

KEPT_CHARACTERS = 25  # of a stack's name, in a name that CloudFormation had to shorten

_OURS = ("{own}-*", "{set}*")
_LOWER = ("{own}-*", "{lower_set}*")  # where a service knows no capital letters
_MADE_UP = ("*",)  # the service names it by an id which nobody foresees
_NONE: tuple[str, ...] = ()  # none of ours is of that kind
_BUCKET = "{own}-*-${{AWS::AccountId}}-*-an"  # the account's own namespace: nobody else's can be meant

#: Kind -> what stands for its variable in the ARN; "|" separates several. One that begins with arn: is whole.
#: A kind that is missing here is taken for one of the service's own naming where an action demands it.
_NAMES: dict[str, tuple[str, ...]] = {
    "acm:certificate": _MADE_UP,
    "application-autoscaling:ScalableTarget": _MADE_UP,
    "cloudformation:changeset": _MADE_UP,
    "cloudformation:stack": ("{own}-*", "StackSet-{own}-*"),
    "cloudformation:stackset": ("{own}-*",),
    "cloudformation:stackset-target": ("{own}-*",),
    # The reference has them in the account, the guide to stack sets (and CloudFormation) in AWS's.
    "cloudformation:type": ("arn:${{AWS::Partition}}:cloudformation:*::type/resource/*",),
    "cloudfront:distribution": ("arn:${{AWS::Partition}}:cloudfront::*:distribution/*",),  # Cognito's own
    "cloudtrail:trail": ("{own}-*",),
    "cloudwatch:alarm": ("{own}-*",),
    "cognito-identity:identitypool": _MADE_UP,
    "cognito-idp:userpool": _MADE_UP,
    "elasticache:cluster": _MADE_UP,  # CloudFormation leaves two letters of our name
    "elasticache:parametergroup": _LOWER,
    "elasticache:replicationgroup": _MADE_UP,
    "elasticache:securitygroup": _NONE,
    "elasticache:snapshot": _LOWER,
    "elasticache:subnetgroup": _LOWER,
    "elasticache:user": ("{own}-*",),
    "elasticache:usergroup": ("{own}-*",),
    "elasticbeanstalk:application": _OURS,
    "elasticbeanstalk:applicationversion": _OURS,
    "elasticbeanstalk:configurationtemplate": _OURS,
    "elasticbeanstalk:environment": _OURS,
    "elasticloadbalancing:listener-rule/app": ("app/*",),
    "elasticloadbalancing:listener-rule/net": _NONE,
    "elasticloadbalancing:listener/app": ("app/*",),
    "elasticloadbalancing:listener/gwy": _NONE,
    "elasticloadbalancing:listener/net": _NONE,
    "elasticloadbalancing:loadbalancer/app/": ("app/*",),  # CloudFormation leaves five letters of our name
    "iam:instance-profile": _OURS,
    "iam:policy": ("{own}/*",),
    "iam:role": ("{own}/*",),
    "iam:group": _NONE,
    "iam:user": _NONE,
    "kms:alias": ("{own}-*",),
    "kms:key": _MADE_UP,
    "lambda:function": _OURS,
    "lambda:function alias": _OURS,
    "lambda:function version": _OURS,
    "logs:log-group": _OURS,
    "logs:log-stream": _OURS,
    "rds:auto-backup": ("ab-*",),
    "rds:cluster": _LOWER,
    "rds:cluster-auto-backup": ("cab-*",),
    "rds:cluster-pg": _LOWER,
    "rds:cluster-snapshot": _LOWER,
    "rds:db": _LOWER,
    "rds:global-cluster": _LOWER,
    "rds:og": ("default*",),  # RDS gives one to whatever has none
    "rds:pg": _LOWER,
    "rds:proxy": ("prx-*",),
    "rds:proxy-endpoint": ("prx-*",),
    "rds:secgrp": _NONE,
    "rds:snapshot": _LOWER,
    "rds:subgrp": _LOWER,
    "rds:target-group": ("prx-*",),
    "route53:change": _MADE_UP,
    "route53:healthcheck": _MADE_UP,
    "route53:hostedzone": _MADE_UP,
    "route53:queryloggingconfig": _MADE_UP,
    "s3:bucket": (_BUCKET,),
    "s3:object": (_BUCKET,),
    "secretsmanager:Secret": ("{own}-*",),
}
#: An action implies its kinds, so that where a name tells enough, one ARN does for all kinds of a service: a
#: policy may have 6,144 characters. "ec2" names nothing itself.
_SHAPES = {
    "ec2": "arn:${AWS::Partition}:ec2:*:${AWS::AccountId}:*/",
    "elasticache": "arn:${AWS::Partition}:elasticache:*:${AWS::AccountId}:*:",
    "elasticbeanstalk": "arn:${AWS::Partition}:elasticbeanstalk:*:${AWS::AccountId}:*/",
    "elasticloadbalancing": "arn:${AWS::Partition}:elasticloadbalancing:*:${AWS::AccountId}:*/",
    "rds": "arn:${AWS::Partition}:rds:*:${AWS::AccountId}:*:",
}
#: Names that say of what kind something is, and not whose.
_TELL_NOTHING = frozenset({"*", "app/*", "ab-*", "cab-*", "prx-*"})


class Scope:
    """Names that go before those above: of what others make for us, or of one place of ours."""

    def __init__(self, names: Mapping[str, tuple[str, ...]]) -> None:
        self.names = names


EVERYTHING = Scope({})

_EB_BUCKET = ("elasticbeanstalk-*-${{AWS::AccountId}}",)
#: What Elastic Beanstalk makes for an environment: it names things after the id of one, which it makes up.
BEANSTALK = Scope(
    {
        "autoscaling:autoScalingGroup": ("*|awseb-e-*",),
        "cloudformation:changeset": (),
        "cloudformation:stack": ("awseb-e-*",),
        "cloudformation:stackset": (),
        "cloudwatch:alarm": ("awseb-e-*",),
        "ec2:image": ("arn:${{AWS::Partition}}:ec2:*::image/*",),  # AWS's
        "ec2:snapshot": ("arn:${{AWS::Partition}}:ec2:*::snapshot/*",),  # of those images
        "elasticloadbalancing:targetgroup": ("awseb-*",),
        "s3:bucket": _EB_BUCKET,
        "s3:object": _EB_BUCKET,
    }
)
#: Buckets of AWS's that its customers read: anybody may own one that begins alike, so reading is all.
BEANSTALK_GIVES = Scope(
    {
        "s3:object": (
            "elasticbeanstalk-env-resources-*",
            "elasticbeanstalk-platform-assets-*",
            "elasticbeanstalk-samples-*",
        )
    }
)


#: Of actions that are about stacks and about stack sets: the one, and the other.
STACKS = Scope({"cloudformation:changeset": (), "cloudformation:stackset": ()})
STACK_SETS = Scope({"cloudformation:changeset": (), "cloudformation:stack": ()})


def artifacts(subject: Subject) -> Scope:
    """The bucket that templates and releases go through, and this subject's part of it."""
    bucket = f"{deployment.artifacts_prefix(subject)}-${{{{AWS::AccountId}}}}-*-an"
    name = subject.name
    keys = (f"{name}/*", f"templates/{name}/*", f"locks/{name}.json")
    return Scope({"s3:bucket": (bucket,), "s3:object": tuple(f"{bucket}|{key}" for key in keys)})


def secret(name: str) -> Scope:
    """A secret by its name: its ARN goes on with six characters that Secrets Manager makes up."""
    return Scope({"secretsmanager:Secret": (f"{name}-??????",)})


class Names:
    """The names of what ``made`` holds, for one subject."""

    def __init__(self, subject: Subject, made: Made) -> None:
        self.subject = subject
        self.made = made
        self._made: dict[tuple[Kind, Scope], list[str]] = {}
        self.own = f"{subject.project}-{subject.name}"
        self._words = {
            "own": self.own,
            "set": f"StackSet-{self.own}-"[:KEPT_CHARACTERS],
            "lower_set": f"stackset-{self.own}-"[:KEPT_CHARACTERS],
        }

    def arns(self, kind: Kind, scope: Scope = EVERYTHING) -> list[str]:
        """ARNs for ``Fn::Sub``."""
        if (kind, scope) not in self._made:
            rows = scope.names.get(str(kind))
            if rows is None:
                rows = (*_NAMES.get(str(kind), _MADE_UP), *self._found(kind))
            arns = (self._arn(kind, row) for row in rows if self._possible(kind, row))
            self._made[kind, scope] = list(dict.fromkeys(arns))
        return self._made[kind, scope]

    def known(self, kind: Kind, scope: Scope = EVERYTHING) -> bool:
        """Whether templates can make one: an action's optional kinds matter only then."""
        return kind.service == "ec2" or str(kind) in _NAMES or str(kind) in scope.names

    def made_up(self, kind: Kind, scope: Scope = EVERYTHING) -> bool:
        """Whether no name tells whose it is."""
        return str(kind) not in scope.names and _TELL_NOTHING.issuperset(_NAMES.get(str(kind), _MADE_UP))

    def _possible(self, kind: Kind, row: str) -> bool:
        """Names of stack-set instances are there where stack sets make something of the service."""
        of_sets = "{set}" in row or "{lower_set}" in row or "StackSet-" in row
        return not of_sets or kind.service in self.made.in_stack_sets

    def _arn(self, kind: Kind, row: str) -> str:
        text = row.format(**self._words)
        if text.startswith("arn:"):
            return text
        shape = _SHAPES.get(kind.service)
        return f"{shape}{text}" if shape else kind.arn(*text.split("|"))

    def _found(self, kind: Kind) -> Iterable[str]:
        """Names that the templates spell and that do not begin like ours."""
        if str(kind) == "cloudwatch:alarm" and self.made.mentions(
            "AWS::ApplicationAutoScaling::ScalableTarget"
        ):
            return ("TargetTracking-*",)  # scaling policies name theirs like this
        if str(kind) == "logs:log-group":
            return _log_groups(self.own, self.made.log_groups)
        if str(kind) == "secretsmanager:Secret":
            # One without a name is called after its logical id alone.
            return (*(f"{name}-*" for name in self.made.unnamed_secrets),)
        if str(kind) in ("rds:snapshot", "rds:cluster-snapshot"):
            return self.made.snapshots
        return ()


def _log_groups(own: str, found: Iterable[str]) -> list[str]:
    """Up to the part of the path that names this environment: ``/aws/rds/cluster/acme-prod-database*``."""
    prefixes = {name: re.match(rf".*?/{re.escape(own)}(/|[^/]*)", name) for name in found}
    return sorted({f"{match[0] if match else name}*" for name, match in prefixes.items()})
