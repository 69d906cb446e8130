"""Asks Elastic Beanstalk what CloudFormation cannot, and fails the stack when a way past sign-in is open.

Two custom resources share this code, and both only read. One (``Branch`` among its properties) finds the
platform version to run. The other finds the environment's target group, and looks at every rule of the load
balancer: who may reach instances without a session or a token does so by a path that is meant to be public.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.config import Config

from blueprint.functions.custom_resource import Failure, Request, custom_resource

LATEST = "latest"
MOST_LISTED = 5  # of what is wrong; an answer is short
# Questions cost nothing and may be throttled while a whole environment is deployed: a minute of patience.
PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 8})
#: What Beanstalk must not have made: it is to use the load balancer that it is given.
LOAD_BALANCERS = ("AWS::ElasticLoadBalancing::LoadBalancer", "AWS::ElasticLoadBalancingV2::LoadBalancer")


def made(request: Request) -> dict[str, Any]:
    return platform(request) if "Branch" in request.properties else target_group(request)


def unmade(request: Request) -> None:
    """Nothing was made."""


def _client(service: str) -> Any:
    return boto3.client(service, config=PATIENT)


# -- platform ----------------------------------------------------------------------------------------------


def platform(request: Request) -> dict[str, Any]:
    """The wanted version, or the newest of its branch: never one older than what is running.

    Where nobody asked for another (the update is about something else), it is the one that runs, so that no
    change of a size brings a new platform with it, and none takes back what a managed update has brought.
    """
    request.physical_id = "platform"
    wanted, branch = request.properties["Version"], request.properties["Branch"]
    if wanted != LATEST:
        return _found(_of_this_region(wanted), request)
    beanstalk = _client("elasticbeanstalk")
    running = _running(beanstalk, request.properties["EnvironmentName"])
    candidates = [running] if running and _branch(running) == branch else []
    if not (candidates and _asked_before(request)):
        candidates += [arn for arn in _listed(beanstalk, branch) if _branch(arn) == branch]
    if not candidates:
        raise Failure(f"this region has no platform '{branch}'; another version of PHP may have replaced it")
    return _found(max(candidates, key=_version), request)


def _found(arn: str, request: Request) -> dict[str, Any]:
    """``Asked`` goes to the other resource, which looks again whenever this one was asked something new."""
    asked = json.dumps(request.properties, sort_keys=True).encode()
    return {"PlatformArn": arn, "Asked": hashlib.sha256(asked).hexdigest()[:16]}


def _of_this_region(arn: str) -> str:
    """One value serves every region: they have the same versions, and each ARNs of its own."""
    parts = arn.split(":")
    return ":".join([*parts[:3], os.environ["AWS_REGION"], *parts[4:]])


def _asked_before(request: Request) -> bool:
    asked = ("Branch", "Version", "Recheck")
    before = request.old_properties if request.kind == "Update" else {}
    return all(before.get(name) == request.properties.get(name) for name in asked)


def _running(beanstalk: Any, environment: str) -> str:
    """The platform of the running environment, which managed updates may have moved; nothing before it is."""
    found = beanstalk.describe_environments(EnvironmentNames=[environment], IncludeDeleted=False)
    live = [e for e in found["Environments"] if e["Status"] != "Terminated"]
    return str(live[0].get("PlatformArn", "")) if live else ""


def _listed(beanstalk: Any, branch: str) -> Iterator[str]:
    filters = [
        {"Type": "PlatformBranchName", "Operator": "=", "Values": [branch]},
        {"Type": "PlatformStatus", "Operator": "=", "Values": ["Ready"]},
    ]
    token: dict[str, str] = {}
    while True:
        page = beanstalk.list_platform_versions(Filters=filters, **token)
        for summary in page["PlatformSummaryList"]:
            yield summary["PlatformArn"]
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}


def _branch(arn: str) -> str:
    """``arn:aws:elasticbeanstalk:eu-west-1::platform/<branch>/<version>``"""
    return arn.split("/")[1] if arn.count("/") == 2 else ""


def _version(arn: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in arn.rsplit("/", 1)[1].split("."))


# -- target group and rules --------------------------------------------------------------------------------


def target_group(request: Request) -> dict[str, Any]:
    """What Beanstalk made and told nobody; a failure where a rule, whoever made it, is a way past ours."""
    wanted = request.properties
    environment = _environment(wanted["EnvironmentName"])
    made = _resources(f"awseb-{environment}-stack")
    balancers = [name for kind in LOAD_BALANCERS for name in made.get(kind, [])]
    if balancers:
        raise Failure(f"Elastic Beanstalk made a load balancer of its own, which asks nobody: {balancers[0]}")
    elb = _client("elbv2")
    arns, groups = made.get("AWS::ElasticLoadBalancingV2::TargetGroup", []), []
    if arns:
        groups = elb.describe_target_groups(TargetGroupArns=arns)["TargetGroups"]
    found, others = (
        [group["TargetGroupArn"] for group in groups if (group["Protocol"] == wanted["Protocol"]) == fits]
        for fits in (True, False)
    )
    if len(found) != 1:
        raise Failure(f"{len(found)} target groups with {wanted['Protocol']}, and there must be one")
    wrong = list(_ways_past(elb, Meant(request)))
    if wrong:
        raise Failure("instances can be reached without signing in: " + "; ".join(wrong[:MOST_LISTED]))
    request.physical_id = found[0]
    return {
        "TargetGroupArn": found[0],
        "SpareTargetGroupArn": others[0] if others else found[0],  # for the way to TLS and back
        "TargetGroupFullName": found[0].split(":")[-1],
        "AutoScalingGroupName": made["AWS::AutoScaling::AutoScalingGroup"][0],
    }


def _environment(name: str) -> str:
    """The id of the environment."""
    found = _client("elasticbeanstalk").describe_environments(EnvironmentNames=[name], IncludeDeleted=False)[
        "Environments"
    ]
    live = [str(e["EnvironmentId"]) for e in found if e["Status"] not in ("Terminated", "Terminating")]
    if not live:
        raise Failure(f"there is no environment {name}")
    return live[0]


def _resources(stack: str) -> dict[str, list[str]]:
    """The physical ids of Beanstalk's own stack, by type."""
    ids: dict[str, list[str]] = {}
    pages = _client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    for page in pages:
        for resource in page["StackResourceSummaries"]:
            if resource["ResourceStatus"] != "DELETE_COMPLETE":
                ids.setdefault(resource["ResourceType"], []).append(resource.get("PhysicalResourceId", ""))
    return ids


class Meant:
    """What the template means to be open, and whom it takes for signed in.

    Rules follow after this resource, and those that go are deleted at the very end: so on an update both what
    was meant before and what is meant now may stand there.
    """

    def __init__(self, request: Request) -> None:
        self.load_balancer: str = request.properties["LoadBalancerArn"]
        self.parking_port: str = request.properties["ParkingPort"]
        states = (request.properties, request.old_properties if request.kind == "Update" else {})
        self._values = {
            key: {value for state in states for value in state.get(key, [])}
            for key in ("Hosts", "PublicPaths", "Issuers", "Keys", "Clients", "UserPools", "WebClients")
        }

    def is_public(self, rule: dict[str, Any]) -> bool:
        """Only our hosts, and only paths that are meant to be public, which nothing turns into others."""
        tests = {test["Field"]: test for test in rule["Conditions"]}
        hosts = _values(tests.get("host-header"), "HostHeaderConfig")
        paths = _values(tests.get("path-pattern"), "PathPatternConfig")
        ours = hosts <= self._values["Hosts"] and paths <= self._values["PublicPaths"]
        return bool(hosts and paths) and ours and not rule.get("Transforms")

    def is_signed_in(self, rule: dict[str, Any]) -> bool:
        """Whether the first thing that the rule does is to demand a session or a token of ours."""
        first = min(rule["Actions"], key=lambda action: int(action.get("Order", 1)))
        if first["Type"] == "authenticate-cognito":
            config = first.get("AuthenticateCognitoConfig", {})
            return (
                config.get("OnUnauthenticatedRequest", "authenticate") != "allow"
                and config.get("UserPoolArn") in self._values["UserPools"]
                and config.get("UserPoolClientId") in self._values["WebClients"]
            )
        if first["Type"] == "jwt-validation":
            config = first.get("JwtValidationConfig", {})
            claims = {claim["Name"]: set(claim["Values"]) for claim in config.get("AdditionalClaims", [])}
            clients = claims.get("client_id", set())
            return (
                config.get("Issuer") in self._values["Issuers"]
                and config.get("JwksEndpoint") in self._values["Keys"]
                and claims.get("token_use") == {"access"}
                and bool(clients)
                and clients <= self._values["Clients"]
            )
        return False


def _values(test: dict[str, Any] | None, config: str) -> set[str]:
    """The values of a condition; none if it has expressions, which cannot be compared."""
    settings = (test or {}).get(config) or {}
    plain = set(settings.get("Values") or (test or {}).get("Values") or [])
    return set() if settings.get("RegexValues") else plain


def _ways_past(elb: Any, meant: Meant) -> Iterator[str]:
    """Rules that can be reached and forward whoever comes. Only the parking port may be closed to all."""
    pages = elb.get_paginator("describe_listeners").paginate(LoadBalancerArn=meant.load_balancer)
    for listener in (listener for page in pages for listener in page["Listeners"]):
        port, safe = listener["Port"], listener["Protocol"] == "HTTPS"
        if str(port) != meant.parking_port or _is_open(elb, meant.load_balancer, port):
            for rule in _reached(elb, listener["ListenerArn"]):
                allowed = safe and (meant.is_signed_in(rule) or meant.is_public(rule))
                if _forwards(rule) and not allowed:
                    yield f"rule {rule['Priority']} of port {port} forwards to {_where(rule)}"


def _reached(elb: Any, listener: str) -> Iterator[dict[str, Any]]:
    """The rules of a listener in their order, down to the one that no request gets past."""
    pages = elb.get_paginator("describe_rules").paginate(ListenerArn=listener)
    rules = [rule for page in pages for rule in page["Rules"]]
    for rule in sorted(rules, key=lambda r: 10**6 if r["IsDefault"] else int(r["Priority"])):
        yield rule
        if _catches_all(rule):
            return


def _catches_all(rule: dict[str, Any]) -> bool:
    """Whether every path of every host meets the rule and ends there, or goes through its sign-in."""
    tests = rule["Conditions"]
    return (
        len(tests) == 1
        and tests[0]["Field"] == "path-pattern"
        and bool({"*", "/*"} & _values(tests[0], "PathPatternConfig"))
    )


def _forwards(rule: dict[str, Any]) -> bool:
    return any(action["Type"] == "forward" for action in rule["Actions"])


def _where(rule: dict[str, Any]) -> str:
    """The names of the target groups of a rule."""
    arns = [
        arn
        for action in rule["Actions"]
        for arn in (
            action.get("TargetGroupArn"),
            *(group["TargetGroupArn"] for group in action.get("ForwardConfig", {}).get("TargetGroups", [])),
        )
        if arn
    ]
    return ", ".join(sorted({arn.split("/")[-2] for arn in arns}))


def _is_open(elb: Any, load_balancer: str, port: int) -> bool:
    """Whether a security group of the load balancer lets anybody in at the port."""
    [described] = elb.describe_load_balancers(LoadBalancerArns=[load_balancer])["LoadBalancers"]
    pages = (
        _client("ec2")
        .get_paginator("describe_security_group_rules")
        .paginate(Filters=[{"Name": "group-id", "Values": described["SecurityGroups"]}])
    )
    return any(
        rule["IpProtocol"] == "-1"
        or (rule["IpProtocol"] in ("tcp", "6") and rule["FromPort"] <= port <= rule["ToPort"])
        for page in pages
        for rule in page["SecurityGroupRules"]
        if not rule["IsEgress"]
    )


handler = custom_resource(create=made, update=made, delete=unmade)
