"""A load balancer made from a template: what does it answer to that request?

It knows the conditions and actions that our rules use, and puts in the rules of others where it is told to.
The same model answers Describe calls, so that the checking function is run on exactly what is evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from functools import cache
from typing import Any

from tests.layers.application_stubs import VALUES

ACCOUNT, REGION = "111122223333", "eu-west-1"
BALANCER = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/app/acme/0123456789abcdef"
GROUP = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/awseb-AWSEB-ABC/0123456789abcdef"
TLS_GROUP = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/awseb-tls-ABC/0123456789abcdef"
POOL_ARN = f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{VALUES['UserPoolId']}"
CNAME = f"acme-prod.eba-abcdefgh.{REGION}.elasticbeanstalk.com"
CLIENTS = [VALUES[f"{name}ClientId"] for name in ("Mobile", "Web", "Machine")]
GOOD_TOKEN = {"iss": VALUES["Issuer"], "client_id": CLIENTS[0], "token_use": "access"}

NO_VALUE = "AWS::NoValue"
_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::Partition": "aws",
    NO_VALUE: NO_VALUE,
}
LISTENERS = {
    f"{name}Listener": BALANCER.replace("loadbalancer", "listener") + f"/{name.lower()}"
    for name in ("Https", "Http", "Parking")
}
_NAMES = {arn: name for name, arn in LISTENERS.items()}
_KNOWN = {
    ("LoadBalancer", "Ref"): BALANCER,
    **{(name, "Ref"): arn for name, arn in LISTENERS.items()},
    ("Environment", "Ref"): "acme-prod",
    ("Platform", "PlatformArn"): "arn:aws:elasticbeanstalk:eu-west-1::platform/PHP/1.0.0",
}


def resolved(value: Any, template: Mapping[str, Any]) -> Any:
    """``value`` as CloudFormation hands it to the service, in the primary region with all defaults."""
    if isinstance(value, list):
        made = [resolved(item, template) for item in value]
        return [item for item in made if item != NO_VALUE]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(name, argument)] = value.items()
        if name == "Ref":
            default = template.get("Parameters", {}).get(argument, {}).get("Default")
            return (
                _PSEUDO.get(argument)
                or (str(default) if default is not None else "")
                or _KNOWN.get((argument, "Ref"), argument)
            )
        if name == "Fn::GetAtt":
            return _KNOWN.get(tuple(argument), ".".join(argument))
        if name == "Fn::ImportValue":
            output = argument.rsplit(":", 1)[1]
            return VALUES.get(output, output)
        if name == "Fn::If":
            return resolved(argument[1 if _holds(argument[0], template) else 2], template)
        if name == "Fn::Sub":
            text, names = (argument, {}) if isinstance(argument, str) else argument
            known = {**_PSEUDO, **{key: str(resolved(item, template)) for key, item in names.items()}}
            return re.sub(r"\$\{([\w:]+)\}", lambda found: known.get(found[1], found[1]), text)
        if name == "Fn::Join":
            return argument[0].join(resolved(argument[1], template))
        if name == "Fn::Split":
            return resolved(argument[1], template).split(argument[0])
        if name == "Fn::FindInMap":
            mapping, *keys = (resolved(key, template) for key in argument)
            return template["Mappings"][mapping][keys[0]][keys[1]]
    made_of = {key: resolved(item, template) for key, item in value.items()}
    return {key: item for key, item in made_of.items() if item != NO_VALUE}


def _holds(name: str, template: Mapping[str, Any]) -> bool:
    return _true(template["Conditions"][name], template)


def _true(condition: Any, template: Mapping[str, Any]) -> bool:
    [(name, argument)] = condition.items()
    if name == "Condition":
        return _holds(argument, template)
    if name == "Fn::Equals":
        one, other = (str(resolved(side, template)) for side in argument)
        return one == other
    parts = [_true(part, template) for part in argument]
    return {"Fn::Not": not parts[0], "Fn::And": all(parts), "Fn::Or": any(parts)}[name]


@dataclass(frozen=True)
class Request:
    """``token`` is the claims of a valid, unexpired token; ``session`` a session with the load balancer."""

    path: str  # as it stands in the request, without the query
    host: str = "api.shop.example.com"
    port: int = 443
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    token: tuple[tuple[str, str], ...] = ()
    session: bool = False


def bearer(
    path: str, /, *, host: str = "api.shop.example.com", method: str = "GET", **claims: str
) -> Request:
    """A request with a token: a good one, but for ``claims``."""
    token = {**GOOD_TOKEN, **claims}
    header = (("authorization", "Bearer eyJ"),)
    return Request(path, host=host, method=method, headers=header, token=tuple(token.items()))


@cache
def _pattern(text: str, ignore_case: bool) -> re.Pattern[str]:
    plain = "".join(c if c in "*?" else re.escape(c) if c in "[]" else c for c in text)
    return re.compile(translate(plain), re.IGNORECASE if ignore_case else 0)


def _matches(test: Mapping[str, Any], request: Request) -> bool:
    field_name = test["Field"]
    if field_name == "host-header":
        return any(_pattern(v, True).match(request.host) for v in test["HostHeaderConfig"]["Values"])
    if field_name == "path-pattern":
        config = test["PathPatternConfig"]
        return any(_pattern(v, False).match(request.path) for v in config.get("Values", [])) or any(
            re.search(v, request.path) for v in config.get("RegexValues", [])
        )
    assert field_name == "http-header", field_name
    config = test["HttpHeaderConfig"]
    return any(
        name.lower() == config["HttpHeaderName"].lower() and _pattern(v, True).match(value)
        for name, value in request.headers
        for v in config["Values"]
    )


@dataclass
class Listener:
    port: int
    protocol: str
    default: list[dict[str, Any]]
    rules: list[dict[str, Any]] = field(default_factory=list)

    def in_order(self) -> list[dict[str, Any]]:
        return sorted(self.rules, key=lambda rule: rule["Priority"])

    def answer(self, request: Request) -> str:
        for rule in self.in_order():
            if all(_matches(test, request) for test in rule["Conditions"]):
                return _done(rule["Actions"], request)
        return _done(self.default, request)


def _done(actions: list[dict[str, Any]], request: Request) -> str:
    passed = ""
    for action in sorted(actions, key=lambda a: a.get("Order", 1)):
        kind = action["Type"]
        if kind == "jwt-validation":
            if not _valid(action["JwtValidationConfig"], dict(request.token)):
                return "401"
            passed = " with token"
        elif kind == "authenticate-cognito":
            if not request.session:
                return "302"
            passed = " with session"
        elif kind == "fixed-response":
            return str(action["FixedResponseConfig"]["StatusCode"])
        elif kind == "redirect":
            assert action["RedirectConfig"]["Protocol"] == "HTTPS"
            return "301"
        else:
            assert kind == "forward", kind
            return "forward" + passed
    raise AssertionError("a rule ends in a response, a redirect or a forward")


def _valid(config: Mapping[str, Any], claims: Mapping[str, str]) -> bool:
    if claims.get("iss") != config["Issuer"]:
        return False
    return all(claims.get(c["Name"]) in c["Values"] for c in config.get("AdditionalClaims", []))


@dataclass
class Balancer:
    """Listeners by logical id, the ports that security groups let in, and the load balancer's attributes."""

    open_ports: frozenset[int] = frozenset({80, 443})
    listeners: dict[str, Listener] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)

    def make(self, name: str, template: Mapping[str, Any]) -> None:
        """What creating or changing this resource of the template changes here."""
        resource = template["Resources"][name]
        if not resource["Type"].startswith("AWS::ElasticLoadBalancingV2::"):
            return
        properties = resolved(resource.get("Properties", {}), template)
        if resource["Type"] == "AWS::ElasticLoadBalancingV2::LoadBalancer":
            self.attributes = {item["Key"]: item["Value"] for item in properties["LoadBalancerAttributes"]}
        if resource["Type"] == "AWS::ElasticLoadBalancingV2::Listener":
            actions = properties["DefaultActions"]
            rules = self.listeners[name].rules if name in self.listeners else []
            self.listeners[name] = Listener(int(properties["Port"]), properties["Protocol"], actions, rules)
        if resource["Type"] == "AWS::ElasticLoadBalancingV2::ListenerRule":
            rules = self.listeners[_NAMES[properties["ListenerArn"]]].rules
            others = [rule for rule in rules if rule.get("LogicalId") != name]
            priorities = [rule["Priority"] for rule in others]
            assert properties["Priority"] not in priorities, "ELB refuses a number that is taken"
            rules[:] = [*others, {**properties, "LogicalId": name}]

    def unmake(self, name: str) -> None:
        """What deleting the resource of this logical id changes here."""
        self.listeners.pop(name, None)
        for listener in self.listeners.values():
            listener.rules[:] = [rule for rule in listener.rules if rule.get("LogicalId") != name]

    def answer(self, request: Request) -> str:
        for listener in self.listeners.values():
            if listener.port == request.port and request.port in self.open_ports:
                return listener.answer(request)
        return "no connection"

    def delivered(self, request: Request) -> dict[str, str]:
        """The headers of an outsider that an instance gets to see, as PHP names them."""
        drops = self.attributes["routing.http.drop_invalid_header_fields.enabled"] == "true"
        return {
            "HTTP_" + name.upper().replace("-", "_"): value
            for name, value in request.headers
            if not drops or re.fullmatch(r"[-A-Za-z0-9]+", name)
        }


def whole(template: Mapping[str, Any]) -> Balancer:
    """The load balancer when everything is there."""
    balancer = Balancer()
    for kind in ("LoadBalancer", "Listener", "ListenerRule"):
        for name, resource in template["Resources"].items():
            if resource["Type"] == f"AWS::ElasticLoadBalancingV2::{kind}":
                balancer.make(name, template)
    return balancer


def dependencies(template: Mapping[str, Any]) -> dict[str, set[str]]:
    """For every resource, those that CloudFormation makes before."""
    resources = template["Resources"]

    def named(value: Any) -> Iterator[str]:
        if isinstance(value, list):
            for item in value:
                yield from named(item)
        elif isinstance(value, dict):
            if set(value) == {"Ref"}:
                yield value["Ref"]
            elif set(value) == {"Fn::GetAtt"}:
                yield value["Fn::GetAtt"][0]
            elif "Fn::Sub" in value:
                text = value["Fn::Sub"] if isinstance(value["Fn::Sub"], str) else value["Fn::Sub"][0]
                yield from re.findall(r"\$\{(\w+)", text)
            for item in value.values():
                yield from named(item)

    return {
        name: {
            other
            for other in (*named(resource.get("Properties", {})), *_listed(resource.get("DependsOn", [])))
            if other in resources
        }
        for name, resource in resources.items()
    }


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


# -- the services' side ------------------------------------------------------------------------------------


def forwarding(conditions: list[dict[str, Any]], priority: int, group: str = GROUP) -> dict[str, Any]:
    """A rule as Beanstalk makes it: it forwards, and asks nobody."""
    return {
        "Priority": priority,
        "Conditions": conditions,
        "Actions": [{"Type": "forward", "TargetGroupArn": group}],
    }


def host_is(*hosts: str) -> dict[str, Any]:
    return {"Field": "host-header", "HostHeaderConfig": {"Values": list(hosts)}}


def path_is(*paths: str) -> dict[str, Any]:
    return {"Field": "path-pattern", "PathPatternConfig": {"Values": list(paths)}}


#: What Beanstalk puts on a listener: the CNAME is what its guide says; the others are for good measure.
BEANSTALK_CONDITIONS = (
    [host_is(CNAME)],
    [host_is(CNAME), path_is("/*")],
    [host_is("*")],
    [path_is("/*")],
)


class Pages:
    """A paginator over one list, two items to a page."""

    def __init__(self, key: str, items: list[Any]) -> None:
        self.key = key
        self.items = items

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        for at in range(0, max(len(self.items), 1), 2):
            yield {self.key: self.items[at : at + 2]}


@dataclass
class Services:
    """Load balancing, EC2, CloudFormation and Elastic Beanstalk, as far as the function reads them."""

    balancer: Balancer
    platforms: list[str] = field(default_factory=list)
    running: str = ""
    environments: list[dict[str, Any]] = field(
        default_factory=lambda: [{"EnvironmentId": "e-abcdefghij", "Status": "Ready"}]
    )
    groups: list[dict[str, Any]] = field(
        default_factory=lambda: [{"TargetGroupArn": GROUP, "Protocol": "HTTP"}]
    )
    security_group_rules: list[dict[str, Any]] | None = None
    load_balancers: list[str] = field(default_factory=list)  # that Beanstalk made, though it was given one
    calls: list[str] = field(default_factory=list)

    def client(self, name: str, config: Any) -> Services:
        assert config.retries["total_max_attempts"] > 5
        self.calls.append(name)
        return self

    def describe_environments(self, EnvironmentNames: list[str], IncludeDeleted: bool) -> dict[str, Any]:
        assert EnvironmentNames == ["acme-prod"]
        assert not IncludeDeleted
        return {"Environments": [{**e, "PlatformArn": self.running} for e in self.environments]}

    def list_platform_versions(self, Filters: list[Any], NextToken: str = "0") -> dict[str, Any]:
        self.calls.append("list_platform_versions")
        branch = next(f["Values"][0] for f in Filters if f["Type"] == "PlatformBranchName")
        assert {"Type": "PlatformStatus", "Operator": "=", "Values": ["Ready"]} in Filters
        found = [arn for arn in self.platforms if arn.split("/")[1] == branch]
        at = int(NextToken)
        page: dict[str, Any] = {"PlatformSummaryList": [{"PlatformArn": a} for a in found[at : at + 2]]}
        return {**page, "NextToken": str(at + 2)} if at + 2 < len(found) else page

    def describe_target_groups(self, TargetGroupArns: list[str]) -> dict[str, Any]:
        return {"TargetGroups": [g for g in self.groups if g["TargetGroupArn"] in TargetGroupArns]}

    def describe_load_balancers(self, LoadBalancerArns: list[str]) -> dict[str, Any]:
        assert LoadBalancerArns == [BALANCER]
        return {"LoadBalancers": [{"SecurityGroups": ["sg-1"]}]}

    def get_paginator(self, name: str) -> Any:
        return _Paginator(self, name)

    def pages(self, name: str, **what: Any) -> Pages:
        if name == "list_stack_resources":
            assert what == {"StackName": "awseb-e-abcdefghij-stack"}
            return Pages("StackResourceSummaries", self._stack_resources())
        if name == "describe_listeners":
            return Pages(
                "Listeners",
                [
                    {"ListenerArn": LISTENERS[name], "Port": listener.port, "Protocol": listener.protocol}
                    for name, listener in self.balancer.listeners.items()
                ],
            )
        if name == "describe_rules":
            listener = self.balancer.listeners[_NAMES[what["ListenerArn"]]]
            rules = [{**r, "Priority": str(r["Priority"]), "IsDefault": False} for r in listener.rules]
            default = {
                "Priority": "default",
                "IsDefault": True,
                "Conditions": [],
                "Actions": listener.default,
            }
            return Pages("Rules", [default, *rules])
        assert name == "describe_security_group_rules"
        assert what["Filters"] == [{"Name": "group-id", "Values": ["sg-1"]}]
        return Pages("SecurityGroupRules", self._group_rules())

    def _stack_resources(self) -> list[dict[str, Any]]:
        kinds = [("AWS::ElasticLoadBalancingV2::TargetGroup", g["TargetGroupArn"]) for g in self.groups]
        kinds += [("AWS::AutoScaling::AutoScalingGroup", "awseb-e-abcdefghij-stack-AWSEBAutoScalingGroup-1")]
        kinds += [("AWS::ElasticLoadBalancingV2::LoadBalancer", arn) for arn in self.load_balancers]
        made = [
            {"ResourceType": t, "PhysicalResourceId": i, "ResourceStatus": "CREATE_COMPLETE"}
            for t, i in kinds
        ]
        gone = [{**one, "PhysicalResourceId": "gone", "ResourceStatus": "DELETE_COMPLETE"} for one in made]
        return [*made, *gone]

    def _group_rules(self) -> list[dict[str, Any]]:
        if self.security_group_rules is not None:
            return self.security_group_rules
        inward = [
            {"IsEgress": False, "IpProtocol": "tcp", "FromPort": port, "ToPort": port}
            for port in sorted(self.balancer.open_ports)
        ]
        return [*inward, {"IsEgress": True, "IpProtocol": "-1", "FromPort": -1, "ToPort": -1}]


@dataclass
class _Paginator:
    services: Services
    name: str

    def paginate(self, **what: Any) -> Iterator[dict[str, Any]]:
        return self.services.pages(self.name, **what).paginate()
