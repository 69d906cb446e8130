"""The most that roles of the templates may do: what their own policies say, all together, and no more.

A boundary gives nothing; what a role may do is what both its policy and its boundary allow. So it may be
wider in what it names (a role's own policy is exact), but never in what it can lead to: no role of ours
changes roles, policies or an organization.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from blueprint.permissions import facts
from blueprint.permissions.grants import Statement, covers, role_arn, uncovered
from blueprint.permissions.names import Names
from blueprint.permissions.policies import MOST_CHARACTERS, characters
from blueprint.permissions.resources import Made, listed
from blueprint.problems import BlueprintError, Problem

#: Services that decide who may do what; of them, roles of ours look and pass, and nothing else.
_POWERS = ("account", "iam", "organizations", "sso", "sso-admin")
_HARMLESS = ("Get", "List", "PassRole", "CreateServiceLinkedRole")
#: Data of others in the account: reachable only by names of ours, and by those that a role's policy spells.
_NAMED = ("s3", "secretsmanager")
#: Keys are used through services, also by those that ask with the role's rights and tell nobody: EC2 for the
#: disks of an instance that Beanstalk starts, Cognito and Secrets Manager for what they store.
_USE_OF_KEYS = ("CreateGrant", "Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey*", "ReEncrypt*")
_VARIABLE = re.compile(r"\$\{(?!AWS::Partition|AWS::AccountId)[^}]+\}")
_LOOK = re.compile(r"Describe|List")
_MANY = 3  # actions that begin alike; from so many on, a wildcard says the same in less


def boundary(made: Made, names: Names) -> list[Statement]:
    """The statements. Raises BlueprintError for a role whose policy they could not or must not hold."""
    actions, through_services = _allowed(made)
    _refuse(made, actions)
    rest = [action for action in actions - through_services if not _apart(action)]
    found = [
        _allow(_shortened(rest), ["*"]),
        _allow([f"kms:{name}" for name in _USE_OF_KEYS], ["*"], {"Null": {"kms:ViaService": "false"}}),
        *_named(made, names, sorted(actions)),
    ]
    for action, target in (("PassRole", f"{names.own}/*"), ("CreateServiceLinkedRole", "aws-service-role/*")):
        if f"iam:{action}" in actions:
            found.append(_allow([f"iam:{action}"], [role_arn(target)]))
    found = [statement for statement in found if statement["Action"]]
    size = characters({"Version": "2012-10-17", "Statement": found})
    if size > MOST_CHARACTERS:
        raise BlueprintError(
            Problem(
                f"the boundary of roles has {size} characters, and IAM takes {MOST_CHARACTERS}",
                remedy="let roles do less, or write their actions with wildcards",
                code="REN032",
            )
        )
    return found


def _allowed(made: Made) -> tuple[set[str], set[str]]:
    """Every action that roles may call, and of these the uses of keys made through services alone."""
    direct, through = set[str](), set[str]()
    for statement in made.statements():
        if statement["Effect"] == "Allow":
            conditions = statement.get("Condition", {}).values()
            by_service = any("kms:ViaService" in tests for tests in conditions)
            (through if by_service else direct).update(listed(statement["Action"]))
    return direct | through, {action for action in through - direct if _uses_key(action)}


def _refuse(made: Made, actions: Iterable[str]) -> None:
    problems = [
        Problem(
            f"a role of the templates may call {action}, which the boundary of all roles refuses",
            remedy="leave it to whoever deploys",
            code="REN033",
        )
        for action in sorted(actions)
        if action.partition(":")[0] in _POWERS and not action.partition(":")[2].startswith(_HARMLESS)
    ]
    problems += [
        Problem(
            f"a role of the templates has AWS's policy {name}, whose actions are not known here",
            remedy="write in the role what it may do",
            code="REN034",
        )
        for name in made.attached()
    ]
    if problems:
        raise BlueprintError(problems)


def _apart(action: str) -> bool:
    """Whether another statement than that for everything has it."""
    if action in ("iam:PassRole", "iam:CreateServiceLinkedRole"):
        return True
    return action.partition(":")[0] in _NAMED and bool(facts.kinds(action))


def _uses_key(action: str) -> bool:
    return any(covers(f"kms:{use}", action) for use in _USE_OF_KEYS)


def _named(made: Made, names: Names, actions: Iterable[str]) -> Iterator[Statement]:
    for service in _NAMED:
        found = [action for action in actions if action.startswith(f"{service}:") and _apart(action)]
        if found:
            kinds = {kind for action in found for kind in facts.kinds(action) if names.known(kind)}
            own = [arn for kind in kinds for arn in names.arns(kind)]
            yield _allow(uncovered(found), uncovered([*own, *_spelt(made, service)]))


def _spelt(made: Made, service: str) -> Iterator[str]:
    """ARNs that policies of roles spell out, wide enough for every region and stack."""
    for statement in made.statements():
        if any(action.startswith(f"{service}:") for action in listed(statement["Action"])):
            for resource in listed(statement["Resource"]):
                text = _text(resource)
                wide = _VARIABLE.sub("*", text)
                if text.startswith("arn:") and not wide.rpartition(":")[2].startswith("*"):
                    yield wide  # one that begins with a variable is ours, and has its name already


def _text(resource: Any) -> str:
    if isinstance(resource, Mapping):
        resource = resource.get("Fn::Sub", "")
        resource = resource[0] if isinstance(resource, list) else resource
    return str(resource)


def _shortened(actions: Iterable[str]) -> list[str]:
    """Actions that only look, with one wildcard for many of a service."""
    groups: dict[str, list[str]] = {}
    for action in uncovered(actions):
        service, _, name = action.partition(":")
        look = _LOOK.match(name)
        groups.setdefault(f"{service}:{look[0]}*" if look else action, []).append(action)
    return sorted(
        name for wide, found in groups.items() for name in ([wide] if len(found) >= _MANY else found)
    )


def _allow(actions: list[str], resources: list[str], condition: Mapping[str, Any] | None = None) -> Statement:
    statement: Statement = {"Effect": "Allow", "Action": actions, "Resource": resources}
    if condition:
        statement["Condition"] = condition
    return statement
