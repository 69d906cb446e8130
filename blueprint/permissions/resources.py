"""What templates hold, as far as permissions depend on it: types, properties, roles, secrets, names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from blueprint.stacks.stack import Stack

_RESOLVE = re.compile(r"\{\{resolve:secretsmanager:([^:}]+)")
_ROLE = "AWS::IAM::Role"
_WITH_STATEMENTS = ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::RolePolicy")


class Resource(NamedTuple):
    """One resource of a template."""

    stack: str
    logical_id: str
    type: str
    properties: Mapping[str, Any]


class Made:
    """Everything that a set of templates makes."""

    def __init__(self, stacks: Iterable[Stack], templates: Mapping[str, Any], text: str) -> None:
        """``templates`` are those of the stacks, by name, and ``text`` all of them as JSON."""
        listed = [stack for stack in stacks if stack.name in templates]
        self.resources = [
            Resource(stack.name, name, resource["Type"], resource.get("Properties", {}))
            for stack in listed
            for name, resource in templates[stack.name]["Resources"].items()
        ]
        #: Services of what stack sets make in recovery regions, and CloudFormation.
        self.in_stack_sets = _services(stack for stack in listed if stack.recovery_regions)
        #: Secrets that a person fills in.
        self.wanted_secrets = [secret.name for stack in listed for secret in stack.secrets]
        #: Secrets whose value CloudFormation reads, with the rights of whoever deploys.
        self.resolved_secrets = sorted(set(_RESOLVE.findall(text)))
        self._by_type: dict[str, list[Resource]] = {}
        for resource in self.resources:
            self._by_type.setdefault(resource.type, []).append(resource)

    @property
    def recovers(self) -> bool:
        return bool(self.in_stack_sets)

    @property
    def types(self) -> list[str]:
        return sorted(self._by_type)

    def of_type(self, resource_type: str) -> list[Resource]:
        return self._by_type.get(resource_type, [])

    def mentions(self, resource_type: str, *words: str) -> bool:
        """Whether a resource of the type has one of the words for a key or a value, at any depth.

        Without any, whether there is one.
        """
        found = self.of_type(resource_type)
        return bool(found) if not words else any(_has(one.properties, words) for one in found)

    def values(self, resource_type: str, name: str) -> Iterator[str]:
        """The literal values of a property."""
        for resource in self.of_type(resource_type):
            value = resource.properties.get(name)
            if isinstance(value, str):
                yield value

    @property
    def log_groups(self) -> list[str]:
        return list(self.values("AWS::Logs::LogGroup", "LogGroupName"))

    @property
    def unnamed_secrets(self) -> list[str]:
        secrets = self.of_type("AWS::SecretsManager::Secret")
        return [secret.logical_id for secret in secrets if "Name" not in secret.properties]

    @property
    def snapshots(self) -> list[str]:
        """Snapshots that databases are restored from, by name."""
        cluster = self.values("AWS::RDS::DBCluster", "SnapshotIdentifier")
        instance = self.values("AWS::RDS::DBInstance", "DBSnapshotIdentifier")
        return [name.rpartition("snapshot:")[2] for name in (*cluster, *instance)]

    # -- roles ---------------------------------------------------------------------------------------------

    @property
    def roles(self) -> list[Resource]:
        return self.of_type(_ROLE)

    def statements(self) -> Iterator[dict[str, Any]]:
        """Every statement that says what a role may do."""
        for resource in self.resources:
            if resource.type == _ROLE:
                for policy in resource.properties.get("Policies", ()):
                    yield from policy["PolicyDocument"]["Statement"]
            elif resource.type in _WITH_STATEMENTS:
                yield from resource.properties["PolicyDocument"]["Statement"]

    def attached(self) -> Iterator[str]:
        """AWS's own policies that are attached to roles, by name."""
        for role in self.roles:
            for arn in role.properties.get("ManagedPolicyArns", ()):
                text = " ".join(_texts(arn))
                if ":aws:policy/" in text:
                    yield text.rpartition("/")[2]


def trusted(role: Resource) -> list[str]:
    """The services that may take on a role."""
    found: dict[str, None] = {}
    for statement in role.properties["AssumeRolePolicyDocument"]["Statement"]:
        principal = statement["Principal"]
        if isinstance(principal, dict):
            for kind in ("Service", "Federated"):
                found.update(
                    dict.fromkeys(name for name in listed(principal.get(kind, ())) if isinstance(name, str))
                )
    return list(found)


def listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _services(stacks: Iterable[Stack]) -> frozenset[str]:
    """The middle of type names (AWS::RDS::DBCluster), which is what IAM calls most services as well."""
    types = [str(resource.resource_type) for stack in stacks for resource in stack.resources.values()]
    return frozenset(kind.split("::")[1].lower() for kind in types) | ({"cloudformation"} if types else set())


def _has(value: Any, words: Sequence[str]) -> bool:
    if isinstance(value, dict):
        return any(word in value for word in words) or any(_has(item, words) for item in value.values())
    if isinstance(value, list):
        return any(_has(item, words) for item in value)
    return value in words


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
