"""A stack as a layer writes it: parameters, resources and outputs, and what it needs of other stacks.

A layer makes a :class:`Stack`, adds to it from top to bottom, and returns it. The stack remembers which
outputs it asked for; order, waves and manifest derive from that (see ``linking.py``).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from troposphere import (
    And,
    AWSHelperFn,
    AWSObject,
    Condition,
    Equals,
    Export,
    FindInMap,
    If,
    Join,
    Not,
    Or,
    Output,
    Parameter,
    Ref,
    Tags,
)

from blueprint.environment.options import option
from blueprint.problems import BlueprintError, Problem
from blueprint.stacks.places import Place, Subject, Target, targets
from blueprint.stacks.records import Binding, Group, Others, SecondPass, Secret, StackOutput, Trace
from blueprint.stacks.stateful import STATEFUL

REGION_MAP = "Region"  # the one mapping: what differs between the regions of a template
IS_PRIMARY = "IsPrimary"
IS_RECOVERY = "IsRecovery"
IS_ACTIVE = "IsActive"
BY_ORIGIN = "by-origin"
UNBOUND = "none"  # of a bound parameter where there is nothing to bind: in the primary region

Resource = TypeVar("Resource", bound=AWSObject)


class Stack:
    """One CloudFormation template in the making.

    ``name`` is unique in its environment whatever the region; ``places`` says where it is deployed;
    ``purpose`` is one sentence for the person who reads the template's Description.
    """

    def __init__(self, name: str, subject: Subject, *places: Place, purpose: str) -> None:
        self.name = name
        self.subject = subject
        self.places = places
        self.purpose = purpose
        self.layer = ""  # set by the renderer, which knows the module
        self.groups: dict[str, Group] = {}
        self.labels: dict[str, str] = {}
        self.parameters: dict[str, Parameter] = {}
        self.settings: dict[str, str] = {}  # key of the environment file by parameter
        self.rules: dict[str, dict[str, Any]] = {}
        self.mapping: dict[str, dict[str, Any]] = {}
        self.conditions: dict[str, AWSHelperFn] = {}
        self.resources: dict[str, AWSObject] = {}
        self.outputs: dict[str, Output] = {}
        self.exports: dict[str, str] = {}  # name of the export by output
        self.references: list[StackOutput] = []
        self.bindings: list[Binding] = []
        self.passes: list[SecondPass] = []
        self.secrets: list[Secret] = []
        self.waits: list[str] = []
        self.alarms: list[str] = []  # outputs with the ARN of an alarm
        self.completion: Callable[[Others], None] | None = None
        self.traces: dict[str, Trace] = {}
        self.targets: dict[Target, Place] = {}
        for place in places:
            for target in targets(subject, place):
                self.targets.setdefault(target, place)  # places may coincide; the first named wins

    # -- names ---------------------------------------------------------------------------------------

    @property
    def stack_name(self) -> str:
        return f"{self.subject.project}-{self.subject.name}-{self.name}"

    def export_name(self, output: str) -> str:
        return f"{self.subject.project}:{self.subject.name}:{self.name}:{output}"

    # -- regions -------------------------------------------------------------------------------------

    @property
    def regions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(target.region for target in self.targets))

    @property
    def recovery_regions(self) -> tuple[str, ...]:
        return tuple(target.region for target, place in self.targets.items() if place.is_recovery)

    def by_region(self, key: str, values: Mapping[str, Any]) -> Any:
        """``values[region]`` as a literal where all regions agree, else a lookup by ``AWS::Region``."""
        wanted = [values[region] for region in self.regions]
        if all(value == wanted[0] for value in wanted):
            return wanted[0]
        for region in self.regions:
            there = self.mapping.setdefault(region, {})
            if there.setdefault(key, values[region]) != values[region]:
                raise ValueError(f"two different values by region are called {key}")
        return FindInMap(REGION_MAP, Ref("AWS::Region"), key)

    @property
    def spans_recovery(self) -> bool:
        """Whether one template serves primary and recovery alike, so that origin is a condition."""
        return bool(self.recovery_regions) and len(self.regions) > len(self.recovery_regions)

    def is_primary(self) -> str:
        """The name of the condition that holds where this template's origin is the primary region."""
        origins = {
            target.region: "recovery" if place.is_recovery else "primary"
            for target, place in self.targets.items()
        }
        self.conditions[IS_PRIMARY] = Equals(self.by_region("Origin", origins), "primary")
        return IS_PRIMARY

    def is_recovery(self) -> str:
        """The name of the condition that holds where this template's origin is a recovery region."""
        # By way of the other condition, so that validators see that one of the two always holds.
        self.conditions[IS_RECOVERY] = Not(Condition(self.is_primary()))
        return IS_RECOVERY

    # -- parameters ----------------------------------------------------------------------------------

    def parameter(
        self,
        name: str,
        default: str | float | None,
        *,
        group: str,
        label: str,
        description: str,
        constraint: str,
        kind: str = "String",
        allowed: Sequence[str | int] = (),
        pattern: str = "",
        minimum: float | None = None,
        maximum: float | None = None,
    ) -> Parameter:
        """What an operator may turn in the console without rendering again."""
        options: dict[str, Any] = {
            "Default": default,
            "AllowedValues": list(allowed) or None,
            "AllowedPattern": pattern or None,
            "MinValue": minimum,
            "MaxValue": maximum,
        }
        parameter = Parameter(
            name,
            Type=kind,
            Description=description,
            ConstraintDescription=constraint,
            **{key: value for key, value in options.items() if value is not None},
        )
        self._unique(self.parameters, name)
        self.parameters[name] = parameter
        self.groups.setdefault(group, Group(group)).parameters.append(name)
        self.labels[name] = label
        return parameter

    def option(self, name: str, path: str, *, group: str, label: str) -> Parameter:
        """A parameter for the number at ``path`` in the environment file, with its meaning and limits."""
        found = option(self.subject, path)
        self.settings[name] = path
        return self.parameter(
            name,
            found.value,
            kind="Number",
            group=group,
            label=label,
            description=found.description,
            constraint=found.constraint,
            allowed=found.allowed,
            minimum=found.minimum,
            maximum=found.maximum,
        )

    def bound_parameter(
        self, name: str, *, stack: str, output: str, group: str, label: str, description: str, pattern: str
    ) -> Parameter:
        """A value of the primary that recovery keeps with its own stack, so that it survives the primary.

        It is ``none`` where the template runs in the primary region; a rule demands it everywhere else.
        Raises ValueError for a stack without a recovery region, where there is nothing to bind.
        """
        if not self.recovery_regions:
            raise ValueError(f"stack {self.name} has no recovery region to bind {name} in")
        self.bindings.append(Binding(name, stack, output))
        parameter = self.parameter(
            name,
            UNBOUND,
            group=group,
            label=label,
            description=description,
            constraint=f"Output {output} of stack {stack} in the primary region; '{UNBOUND}' there.",
            pattern=f"{UNBOUND}|{pattern}",
        )
        self.rules[f"{name}InRecovery"] = {
            "RuleCondition": {"Fn::Contains": [list(self.recovery_regions), {"Ref": "AWS::Region"}]},
            "Assertions": [
                {
                    "Assert": {"Fn::Not": [{"Fn::Equals": [{"Ref": name}, UNBOUND]}]},
                    "AssertDescription": f"{name}: take the output {output} of {stack} in the primary region",
                }
            ],
        }
        return parameter

    def from_primary(
        self, name: str, *, stack: str, output: str, group: str, label: str, description: str, pattern: str
    ) -> AWSHelperFn:
        """An output of a stack of the primary, in every region of this one.

        In the primary region it is an import; in recovery regions the bound parameter ``name``, so that
        nothing of the primary is read when it is lost.
        """
        value = self.output_of(stack, output)
        if not self.spans_recovery:
            return value
        value.primary_only = True
        bound = self.bound_parameter(
            name,
            stack=stack,
            output=output,
            group=group,
            label=label,
            description=description,
            pattern=pattern,
        )
        return If(self.is_primary(), value, Ref(bound))

    def is_active(self) -> str:
        """The name of the condition that holds where this stack is on duty: it serves users now.

        Duty is an operator's parameter that only failover and failback change. By origin the primary is
        active and recovery stands by; what may never change with it is what decides identity.
        """
        if IS_ACTIVE not in self.conditions:
            duty = self.parameter(
                "Duty",
                BY_ORIGIN,
                allowed=(BY_ORIGIN, "active", "standby"),
                group="Recovery",
                label="Duty",
                description="Whether this stack serves users now. By origin, the primary does and recovery "
                "stands by. Only a failover or failback changes it.",
                constraint=f"One of {BY_ORIGIN}, active, standby.",
            )
            named = Equals(Ref(duty), "active")
            if self.recovery_regions and not self.spans_recovery:
                self.conditions[IS_ACTIVE] = named
            else:
                born = [Condition(self.is_primary())] if self.spans_recovery else []
                self.conditions[IS_ACTIVE] = (
                    Or(named, And(Equals(Ref(duty), BY_ORIGIN), *born))
                    if born
                    else (Not(Equals(Ref(duty), "standby")))
                )
        return IS_ACTIVE

    def second_pass(self, parameter: Parameter, value: str, *, after: Sequence[str], why: str) -> None:
        """Have ``parameter`` set to ``value`` in a wave of its own, once ``after`` are complete."""
        self.passes.append(SecondPass(parameter.title, value, tuple(after), why))

    def require_secret(self, name: str, description: str) -> None:
        """List a secret that a person must fill in. Its value never passes through here."""
        self.secrets.append(Secret(name, description))

    def rolls_back_others(self, output: str) -> None:
        """Have the alarm whose ARN is in ``output`` undo deployments of other stacks while it rings.

        CloudFormation takes five such alarms for a stack, in its region, and none of the stack itself.
        """
        self.alarms.append(output)

    def wait_for(self, stack: str) -> None:
        """Come after every deployment of ``stack``, those in other regions too, without reading an output.

        For what a service looks up in another region by itself: a replica's key, a replication's target.
        """
        self.waits.append(stack)

    def made_from_others(self, complete: Callable[[Others], None]) -> None:
        """Have ``complete`` add what follows from the templates of all other stacks, once these are known."""
        self.completion = complete

    # -- resources and outputs -----------------------------------------------------------------------

    def add(self, resource: Resource, setting: str = "") -> Resource:
        """Add a resource; ``setting`` is the dotted YAML key that asked for it, if one did."""
        self._unique(self.resources, resource.title)
        self.resources[resource.title] = resource
        self.traces[resource.title] = Trace(_caller(), setting)
        self._tag(resource)
        return resource

    def add_stateful(self, resource: Resource, setting: str = "", *, snapshot: bool = False) -> Resource:
        """Add a resource that holds data: it outlives its stack, and what replaces it.

        ``RetainExceptOnCreate`` because a first creation that fails has nothing to keep, and a kept
        resource with a fixed name would block the next attempt. With ``snapshot`` its data outlive it in a
        last snapshot instead, where the type can make one and a kept resource would go on costing.
        """
        if resource.resource_type not in STATEFUL:
            raise TypeError(f"{resource.resource_type} is not in STATEFUL")
        resource.DeletionPolicy = "Snapshot" if snapshot else "RetainExceptOnCreate"
        resource.UpdateReplacePolicy = "Snapshot" if snapshot else "Retain"
        return self.add(resource, setting)

    def _tag(self, resource: AWSObject) -> None:
        kind = resource.props.get("Tags", (None,))[0]
        if kind is None:
            return
        tags = {**self.subject.all_tags, "stack": self.name}
        own = resource.properties.get("Tags")
        if kind is dict:
            resource.properties["Tags"] = {**tags, **(own or {})}
        else:
            resource.properties["Tags"] = Tags(**tags) + (own or Tags())

    def output_of(self, stack: str, output: str) -> StackOutput:
        """Another stack's output, by name; asking for it is what makes the dependency."""
        reference = StackOutput(stack, output)
        self.references.append(reference)
        return reference

    def output(self, name: str, value: Any, description: str) -> None:
        """Export ``value`` as ``<project>:<environment>:<stack>:<name>``."""
        export = self.export_name(name)
        self._output(name, value, description, export, export)

    def output_by_origin(self, name: str, primary: Any, recovery: Any, description: str) -> None:
        """Export ``primary`` or ``recovery``, whichever exists where the template runs, under one name.

        Two conditional outputs rather than one with Fn::If: a validator takes the branches of an output for
        dangling references. The second name is joined, so that no check of the text sees it twice.
        """
        export = self.export_name(name)
        joined = Join(":", export.split(":"))
        self._output(name, primary, description, export, export, Condition=self.is_primary())
        self._output(f"{name}InRecovery", recovery, description, export, joined, Condition=self.is_recovery())

    def _output(
        self, name: str, value: Any, description: str, export_name: str, export: Any, **options: str
    ) -> None:
        self._unique(self.outputs, name)
        self.exports[name] = export_name
        self.outputs[name] = Output(
            name, Value=value, Description=description, Export=Export(export), **options
        )

    def _unique(self, existing: Mapping[str, Any], name: str) -> None:
        if name in existing:
            raise BlueprintError(
                Problem(f"stack {self.name} has two of {name}", remedy="give one another name", code="REN001")
            )


def _caller() -> str:
    """``layer:function`` of the layer that is adding a resource (its shared helpers do not count)."""
    frame = sys._getframe(2)
    while frame.f_back:
        module = frame.f_globals.get("__name__", "")
        if module.startswith("blueprint.layers.") and ".shared" not in module:
            return f"{module.removeprefix('blueprint.layers.')}:{frame.f_code.co_name}"
        frame = frame.f_back
    return ""
