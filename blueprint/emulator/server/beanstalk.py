"""Elastic Beanstalk as far as our templates meet it: target groups, a listener rule, and three questions.

ministack has nothing of it. An environment made here runs no instance. It does with a shared load balancer
what Beanstalk's guide says: a target group for every process, and the ``default`` rule behind the last one of
the listener that the options name (port 80 where they name none). It touches no rule after that.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from blueprint.emulator.server.ministack import alb, app, cloudformation, core, provisioners

BRANCHES = ("PHP 8.3", "PHP 8.4", "PHP 8.5")
VERSIONS = ("4.7.5", "4.9.0", "4.10.1")
_NAMESPACE = "http://elasticbeanstalk.amazonaws.com/docs/2010-12-01/"
_GROUP, _RULE = (f"AWS::ElasticLoadBalancingV2::{name}" for name in ("TargetGroup", "ListenerRule"))

Made = tuple[str, dict[str, Any]]


@dataclass
class Environment:
    """What stands for an environment."""

    id: str
    name: str
    application: str
    platform: str
    groups: dict[str, str] = field(default_factory=dict)  # process -> ARN of its target group
    rules: list[str] = field(default_factory=list)

    @property
    def cname(self) -> str:
        return f"{self.name}.eba-{self.id[2:]}.{core.get_region()}.elasticbeanstalk.com"


_environments: dict[tuple[str, str, str], Environment] = {}  # by account, region and name


def install(handlers: dict[str, dict[str, Any]]) -> None:
    """Add the type to CloudFormation, and the questions to the API."""
    maker = _Maker(handlers)
    handlers["AWS::ElasticBeanstalk::Environment"] = {
        "create": maker.create,
        "update": maker.update,
        "delete": maker.delete,
    }
    app.SERVICE_HANDLERS["elasticbeanstalk"] = _answer
    # ministack forgets how a rule authenticates, which our check asks.
    provisioners._elbv2_listener_actions = _remembering(provisioners._elbv2_listener_actions)
    alb._action_xml = _telling(alb._action_xml)
    actions = cloudformation._ACTION_HANDLERS
    actions["ListStackResources"] = _listing(actions["ListStackResources"])


class _Maker:
    """The handlers of the type; ``handlers`` are everybody's, of which two are used here."""

    def __init__(self, handlers: dict[str, dict[str, Any]]) -> None:
        self._handlers = handlers

    def create(self, logical_id: str, props: dict[str, Any], stack: str) -> Made:
        name = props.get("EnvironmentName") or f"{stack}-{logical_id}"[:40]
        if _key(name) in _environments:
            raise ValueError(f"Environment {name} already exists.")
        digest = hashlib.sha256("|".join(_key(name)).encode()).hexdigest()
        made = Environment(f"e-{digest[:10]}", name, props["ApplicationName"], _platform(props))
        options = _options(props)
        self._add_groups(made, options, stack)
        self._add_rule(made, options, stack)
        _environments[_key(name)] = made
        return name, {"EndpointURL": made.cname}

    def update(self, physical_id: str, old: Any, new: dict[str, Any], stack: str, *_: Any) -> Made:
        made = _environments[_key(physical_id)]
        made.platform = _platform(new)
        options = _options(new)
        self._add_groups(made, options, stack)
        for process in set(made.groups) - set(_processes(options)):
            self._remove_group(made, process)
        return physical_id, {"EndpointURL": made.cname}

    def delete(self, physical_id: str, props: dict[str, Any]) -> None:
        made = _environments.get(_key(physical_id))
        if made:
            for rule in made.rules:
                self._handlers[_RULE]["delete"](rule, {})
            for process in list(made.groups):
                self._remove_group(made, process)
            del _environments[_key(physical_id)]

    def _add_groups(self, made: Environment, options: dict[tuple[str, str], str], stack: str) -> None:
        for process, (port, protocol) in _processes(options).items():
            if process not in made.groups:
                props = {
                    "Name": f"awseb-{process}-{made.id[2:]}",
                    "Port": port,
                    "Protocol": protocol,
                    "VpcId": options.get(("aws:ec2:vpc", "VPCId"), ""),
                }
                made.groups[process], _ = self._handlers[_GROUP]["create"](process, props, stack)

    def _remove_group(self, made: Environment, process: str) -> None:
        group = made.groups[process]
        if any(group in str(rule["Actions"]) for rule in alb._rules.values()):
            raise ValueError(f"Target group '{group}' is currently in use by a listener or a rule")
        self._handlers[_GROUP]["delete"](group, {})
        del made.groups[process]

    def _add_rule(self, made: Environment, options: dict[tuple[str, str], str], stack: str) -> None:
        balancer = options.get(("aws:elbv2:loadbalancer", "SharedLoadBalancer"))
        named = [name for name in options if re.fullmatch(r"aws:elbv2:listener:\d+", name[0])]
        ports = [int(namespace.rsplit(":", 1)[1]) for namespace, _ in named] or [80]
        for arn, listener in list(alb._listeners.items()):
            if listener["LoadBalancerArn"] == balancer and int(listener["Port"]) in ports:
                taken = [int(r["Priority"]) for r in alb._rules.values() if _numbered(r, arn)]
                props = {
                    "ListenerArn": arn,
                    "Priority": max([0, *taken]) + 1,
                    "Conditions": [{"Field": "host-header", "Values": [made.cname]}],
                    "Actions": [{"Type": "forward", "TargetGroupArn": made.groups["default"]}],
                }
                rule, _ = self._handlers[_RULE]["create"]("Rule", props, stack)
                made.rules.append(rule)


def _numbered(rule: dict[str, Any], listener: str) -> bool:
    return bool(rule["ListenerArn"] == listener and str(rule["Priority"]).isdigit())


def _key(name: str) -> tuple[str, str, str]:
    return core.get_account_id(), core.get_region(), name


def _options(props: dict[str, Any]) -> dict[tuple[str, str], str]:
    settings = props.get("OptionSettings", [])
    return {(s["Namespace"], s["OptionName"]): str(s["Value"]) for s in settings if not s.get("ResourceName")}


def _processes(options: dict[tuple[str, str], str]) -> dict[str, tuple[int, str]]:
    """Port and protocol of every process; there is always one called default."""
    names = {
        ns.rsplit(":", 1)[1]
        for ns, _ in options
        if ns.startswith("aws:elasticbeanstalk:environment:process:")
    }
    found = {}
    for name in sorted(names | {"default"}):
        namespace = f"aws:elasticbeanstalk:environment:process:{name}"
        port = int(options.get((namespace, "Port"), "80"))
        found[name] = (port, options.get((namespace, "Protocol"), "HTTP"))
    return found


# -- how rules authenticate --------------------------------------------------------------------------------

_CONFIGS = ("AuthenticateCognitoConfig", "JwtValidationConfig")


def _remembering(original: Any) -> Any:
    def records(props: dict[str, Any], balancer: Any, prop: str = "DefaultActions") -> Any:
        made = original(props, balancer, prop)
        for record, action in zip(made, props.get(prop) or [], strict=True):
            record.update({name: action[name] for name in _CONFIGS if name in action})
        return made

    return records


def _telling(original: Any) -> Any:
    def xml(action: dict[str, Any]) -> str:
        more = "".join(f"<{name}>{_xml(action[name])}</{name}>" for name in _CONFIGS if name in action)
        return str(original(action)).removesuffix("</member>") + more + "</member>"

    return xml


def _xml(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(f"<{name}>{_xml(item)}</{name}>" for name, item in value.items())
    if isinstance(value, list):
        return "".join(f"<member>{_xml(item)}</member>" for item in value)
    return escape(str(value))


# -- platforms ---------------------------------------------------------------------------------------------


def _platforms() -> list[tuple[str, str]]:
    """Branch and ARN of what can be run here."""
    head = f"arn:aws:elasticbeanstalk:{core.get_region()}::platform"
    branches = [f"{branch} running on 64bit Amazon Linux 2023" for branch in BRANCHES]
    return [(branch, f"{head}/{branch}/{version}") for branch in branches for version in VERSIONS]


def _platform(props: dict[str, Any]) -> str:
    arn = str(props.get("PlatformArn", ""))
    if arn not in [known for _, known in _platforms()]:
        raise ValueError(f"No Platform named '{arn}' found.")
    return arn


# -- the API -----------------------------------------------------------------------------------------------


async def _answer(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
    asked = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    name = asked.get("Action", "")
    find = {"DescribeEnvironments": _describe, "ListPlatformVersions": _list}.get(name)
    if not find:
        error = f"<Error><Type>Sender</Type><Code>InvalidAction</Code><Message>{name}</Message></Error>"
        return 400, {"Content-Type": "text/xml"}, f"<ErrorResponse>{error}</ErrorResponse>".encode()
    result = find(asked)
    xml = f'<{name}Response xmlns="{_NAMESPACE}"><{name}Result>{result}</{name}Result></{name}Response>'
    return 200, {"Content-Type": "text/xml"}, xml.encode()


def _describe(asked: dict[str, str]) -> str:
    made = _environments.get(_key(asked.get("EnvironmentNames.member.1", "")))
    if not made:
        return "<Environments/>"
    return (
        f"<Environments><member><EnvironmentName>{made.name}</EnvironmentName>"
        f"<EnvironmentId>{made.id}</EnvironmentId><ApplicationName>{made.application}</ApplicationName>"
        f"<PlatformArn>{made.platform}</PlatformArn><Status>Ready</Status></member></Environments>"
    )


def _list(asked: dict[str, str]) -> str:
    wanted = {
        asked[f"Filters.member.{n}.Type"]: asked[f"Filters.member.{n}.Values.member.1"]
        for n in range(1, 10)
        if f"Filters.member.{n}.Type" in asked
    }
    found = [arn for branch, arn in _platforms() if wanted.get("PlatformBranchName") in (None, branch)]
    members = "".join(f"<member><PlatformArn>{arn}</PlatformArn></member>" for arn in found)
    return f"<PlatformSummaryList>{members}</PlatformSummaryList>"


def _listing(original: Any) -> Any:
    """The stack that Beanstalk keeps for an environment."""

    def answer(params: dict[str, Any]) -> Any:
        name = params.get("StackName", "")
        name = name[0] if isinstance(name, list) else name
        here = (core.get_account_id(), core.get_region())
        for (*place, _), made in _environments.items():
            if tuple(place) == here and name == f"awseb-{made.id}-stack":
                return _stack_resources(made)
        return original(params)

    return answer


def _stack_resources(made: Environment) -> Any:
    group = ("AWS::AutoScaling::AutoScalingGroup", f"awseb-{made.id}-stack-AWSEBAutoScalingGroup-1")
    resources = [group, *((_GROUP, arn) for arn in made.groups.values())]
    members = "".join(
        f"<member><LogicalResourceId>R{number}</LogicalResourceId><PhysicalResourceId>{physical_id}"
        f"</PhysicalResourceId><ResourceType>{kind}</ResourceType><ResourceStatus>CREATE_COMPLETE"
        "</ResourceStatus><LastUpdatedTimestamp>2026-01-01T00:00:00Z</LastUpdatedTimestamp></member>"
        for number, (kind, physical_id) in enumerate(resources)
    )
    xml = (
        '<ListStackResourcesResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">'
        f"<ListStackResourcesResult><StackResourceSummaries>{members}</StackResourceSummaries>"
        "</ListStackResourcesResult></ListStackResourcesResponse>"
    )
    return 200, {"Content-Type": "text/xml"}, xml.encode()
