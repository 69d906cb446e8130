"""From needs to statements: every action on what is ours, under the conditions that it knows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from blueprint.permissions import additions, facts
from blueprint.permissions.facts import Kind
from blueprint.permissions.names import Names
from blueprint.permissions.needs import Need
from blueprint.permissions.resources import Made, trusted
from blueprint.stacks import deployment
from blueprint.stacks.places import Subject

Condition = Mapping[str, Mapping[str, Any]]
Statement = dict[str, Any]

#: Words that begin the name of an action which destroys, or makes useless.
DESTROYS = ("Delete", "Disable", "Release", "Schedule", "Terminate")
#: Actions on roles for which IAM knows the boundary of the role that they change.
_BOUNDED = frozenset(
    f"iam:{name}"
    for name in (
        "AttachRolePolicy",
        "CreateRole",
        "DeleteRolePolicy",
        "DetachRolePolicy",
        "PutRolePermissionsBoundary",
        "PutRolePolicy",
    )
)
#: What takes tags away needs no tag; launch templates and the parked rule are Beanstalk's, which tags them in
#: its own way; interfaces are made by the service that asks for them.
_UNTAGGED = frozenset(
    {
        "ec2:DeleteLaunchTemplate",
        "ec2:DeleteLaunchTemplateVersions",
        "ec2:DeleteNetworkInterface",
        "ec2:DeleteTags",
        "elasticloadbalancing:DeleteRule",
    }
)
_CRYPTOGRAPHY = ("Decrypt", "Encrypt", "GenerateDataKey", "ReEncrypt")
#: Conditions that an action has wherever it stands.
_ALWAYS: dict[str, Condition] = {
    # Only what a service asks for, to keep using a key while nobody calls it (a running database).
    "kms:CreateGrant": {"Bool": {"kms:GrantIsForAWSResource": "true"}},
    "ec2:RunInstances": {
        "ArnLike": {"ec2:LaunchTemplate": "arn:${AWS::Partition}:ec2:*:${AWS::AccountId}:launch-template/*"}
    },
}
_THROUGH_A_SERVICE: Condition = {"Null": {"kms:ViaService": "false"}}


class Grant(NamedTuple):
    """One action on one resource (for ``Fn::Sub``) under a condition (as JSON)."""

    action: str
    resource: str
    condition: str = ""


class Granter:
    """Turns needs into grants, for one subject."""

    def __init__(self, subject: Subject, made: Made, names: Names) -> None:
        self.subject = subject
        self.made = made
        self.names = names

    def grants(self, needs: Iterable[Need]) -> set[Grant]:
        once = {(need.action, need.scope): need for need in needs}
        found = {grant for need in once.values() for grant in self._grants(need)}
        return {*found, *self._passing(), *self._linking()}

    def _grants(self, need: Need) -> Iterator[Grant]:
        if need.action in ("iam:PassRole", "iam:CreateServiceLinkedRole"):
            return  # for what they are needed, the roles themselves say
        kinds = facts.kinds(need.action)
        if not kinds:
            yield Grant(need.action, "*", _text(self._condition(need, None)))  # it knows no resource
        for kind in self._possible(need, kinds):
            condition = _text(self._condition(need, kind))
            for arn in self.names.arns(kind, need.scope):
                yield Grant(need.action, arn, condition)

    def _possible(self, need: Need, kinds: Sequence[Kind]) -> list[Kind]:
        """What templates make, of all that an action may be about (AddTags: 80 kinds in EC2 alone)."""
        if kinds[:1] and kinds[0].service == "ec2":
            # One stands for all, as their ARN is one; beside those that Beanstalk names otherwise.
            apart = [kind for kind in kinds if str(kind) in need.scope.names]
            return [*(kind for kind in kinds if kind not in apart)][:1] + apart
        known = {kind for kind in kinds if self.names.known(kind, need.scope)} | facts.required(need.action)
        return [kind for kind in kinds if kind in known] or list(kinds)

    def _condition(self, need: Need, kind: Kind | None) -> Condition:
        action = need.action
        service, _, name = action.partition(":")
        if action in _BOUNDED:
            return {"StringEquals": {"iam:PermissionsBoundary": boundary_arn(self.subject)}}
        if action in _ALWAYS:
            return _ALWAYS[action]
        if service == "kms" and name.startswith(_CRYPTOGRAPHY):
            return _THROUGH_A_SERVICE
        if action == "route53:ChangeResourceRecordSets":
            return self._own_records()
        if action == "ec2:TerminateInstances":
            # Beanstalk's instances; nothing else of ours is one.
            return {"StringEquals": {"aws:ResourceTag/elasticbeanstalk:environment-name": self.names.own}}
        if kind and name.startswith(DESTROYS) and action not in _UNTAGGED:
            return self._own_tags() if kind.tagged and self.names.made_up(kind, need.scope) else {}
        return {}

    def _own_tags(self) -> Condition:
        """What has no name of ours is destroyed only where our tags are on it."""
        tags = {"project": self.subject.project, "environment": self.subject.name}
        return {"StringEquals": {f"aws:ResourceTag/{key}": value for key, value in tags.items()}}

    def _own_records(self) -> Condition:
        domain = getattr(self.subject, "domain", "")
        key = "route53:ChangeResourceRecordSetsNormalizedRecordNames"
        return {"ForAllValues:StringLike": {key: [domain, f"*.{domain}"]}} if domain else {}

    def _passing(self) -> Iterator[Grant]:
        """Each role to the services that it trusts, and to no other."""
        for role in self.made.roles:
            if services := trusted(role):
                # CloudFormation leaves at least 24 characters of a logical id when it shortens a name.
                arn = role_arn(f"{self.names.own}/*-{role.logical_id[:24]}*")
                yield passing(arn, services)

    def _linking(self) -> Iterator[Grant]:
        if services := additions.linked_services(self.made):
            condition = _only("iam:AWSServiceName", services)
            yield Grant("iam:CreateServiceLinkedRole", role_arn("aws-service-role/*"), condition)


def role_arn(name: str) -> str:
    return f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/{name}"


def passing(arn: str, services: list[str]) -> Grant:
    """A role may be handed to these services."""
    return Grant("iam:PassRole", arn, _only("iam:PassedToService", services))


def boundary_arn(subject: Subject) -> str:
    return f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:policy/{deployment.boundary(subject)}"


def _text(condition: Condition) -> str:
    return json.dumps(condition) if condition else ""


def _only(key: str, values: list[str]) -> str:
    return _text({"StringEquals": {key: sorted(values) if len(values) > 1 else values[0]}})


def statements(grants: Iterable[Grant]) -> list[Statement]:
    """Grants with the same actions, resources and conditions together, by service."""
    merged: dict[tuple[str, str], set[str]] = {}  # resources by action and condition
    for grant in _without_covered(set(grants)):
        merged.setdefault((grant.action, grant.condition), set()).add(grant.resource)
    groups: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for (action, condition), resources in merged.items():
        groups.setdefault((tuple(uncovered(resources)), condition), []).append(action)
    found = [(uncovered(actions), resources, condition) for (resources, condition), actions in groups.items()]
    return [_statement(*parts) for parts in sorted(found)]


def _without_covered(grants: set[Grant]) -> Iterator[Grant]:
    """Without those that an action with a wildcard gives already, on the same resource or on all."""
    wide = [grant for grant in grants if "*" in grant.action and not grant.condition]
    for grant in grants:
        if not any(
            other.resource in ("*", grant.resource) and covers(other.action, grant.action)
            for other in wide
            if other.action != grant.action
        ):
            yield grant


def uncovered(texts: Iterable[str]) -> list[str]:
    """Sorted, without those that another one's wildcards stand for already."""
    found = sorted(set(texts))
    wide = [text for text in found if "*" in text]
    return [text for text in found if not any(other != text and covers(other, text) for other in wide)]


def covers(wide: str, text: str) -> bool:
    """Whether what ``*`` in the one stands for makes it the other."""
    first, *more = wide.split("*")
    if not text.startswith(first):
        return False
    if not more:
        return text == first
    *middle, last = more
    at = len(first)
    for part in middle:
        at = text.find(part, at) + len(part)
        if at < len(part):
            return False
    return text.endswith(last) and len(text) - len(last) >= at


def _statement(actions: list[str], resources: tuple[str, ...], condition: str) -> Statement:
    statement: Statement = {"Effect": "Allow", "Action": actions, "Resource": list(resources)}
    if condition:
        statement["Condition"] = json.loads(condition)
    return statement
