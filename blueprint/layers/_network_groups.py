"""Security groups of the network: who may talk to whom.

Rules are resources of their own, so that groups may name one another without a cycle. A group without an
outward rule would be given one that allows everything; each has one that allows nothing instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from awacs import ec2
from awacs.aws import Allow, Statement
from troposphere import AWSHelperFn, GetAtt, Ref, Sub
from troposphere.ec2 import (
    VPC,
    SecurityGroup,
    SecurityGroupEgress,
    SecurityGroupIngress,
    SecurityGroupRule,
)

from blueprint.environment import Environment
from blueprint.environment.database_model import RDS
from blueprint.layers.shared.functions import add_custom_resource, add_function
from blueprint.stacks.stack import Stack

HTTP, HTTPS, MYSQL, VALKEY = 80, 443, 3306, 6379
#: What Beanstalk's proxy listens on: 80 as it comes, 443 once a source bundle brings a certificate.
INSTANCE_PORTS = {"Http": HTTP, "Https": HTTPS}

# GroupDescription is create-only: a changed text would replace the group. So they are short and final.
_DESCRIPTIONS = {
    "LoadBalancer": "Load balancers: reached from the internet",
    "Application": "Instances of the application: reached from load balancers only",
    "Database": "Databases: reached from the application only",
}
#: Those of parts that an environment may do without.
_OPTIONAL = {
    "Proxy": "Database proxy: reached from the application only",
    "DatabaseUser": "The function that makes database users: reached from nowhere",
    "Cache": "Caches: reached from the application only",
}
_ENDPOINTS = "Interface endpoints of AWS services: reached from the application only"


def add(stack: Stack, env: Environment, vpc: VPC) -> dict[str, SecurityGroup]:
    """The groups by name, with their rules."""
    groups = {name: _group(stack, Ref(vpc), name, text) for name, text in _DESCRIPTIONS.items()}
    _from_internet(stack, env, groups["LoadBalancer"])
    for name, port in INSTANCE_PORTS.items():
        _between(stack, groups, "LoadBalancer", "Application", name, port)
    _between(stack, groups, "Application", "Database", "Mysql", MYSQL)
    _to_internet(stack, env, groups)
    _optional(stack, env, vpc, groups)
    return groups


def _optional(stack: Stack, env: Environment, vpc: VPC, groups: dict[str, SecurityGroup]) -> None:
    if env.database.proxy.enabled:
        groups["Proxy"] = _group(stack, Ref(vpc), "Proxy", _OPTIONAL["Proxy"])
        _between(stack, groups, "Application", "Proxy", "Mysql", MYSQL)
        _between(stack, groups, "Proxy", "Database", "Mysql", MYSQL)
    if env.database.engine == RDS:  # its users are made through the proxy, by a function in the network
        groups["DatabaseUser"] = _group(stack, Ref(vpc), "DatabaseUser", _OPTIONAL["DatabaseUser"])
        _between(stack, groups, "DatabaseUser", "Proxy", "Mysql", MYSQL)
        text = "HTTPS to Secrets Manager and CloudFormation"
        _egress(stack, "DatabaseUserHttpsOut", groups["DatabaseUser"], HTTPS, text, CidrIp="0.0.0.0/0")
    if env.cache.enabled:
        groups["Cache"] = _group(stack, Ref(vpc), "Cache", _OPTIONAL["Cache"])
        _between(stack, groups, "Application", "Cache", "Valkey", VALKEY)


def add_endpoints(stack: Stack, vpc_id: AWSHelperFn, callers: Mapping[str, AWSHelperFn]) -> SecurityGroup:
    """The group of interface endpoints; ``callers`` are the ids of groups by name.

    The callers' own way to them is that to anywhere.
    """
    group = _group(stack, vpc_id, "Endpoints", _ENDPOINTS)
    for caller, group_id in callers.items():
        title, text = f"EndpointsHttpsFrom{caller}", f"HTTPS from {caller}"
        _ingress(stack, title, group, HTTPS, text, SourceSecurityGroupId=group_id)
    return group


def _group(stack: Stack, vpc_id: AWSHelperFn, name: str, text: str) -> SecurityGroup:
    return stack.add(
        SecurityGroup(
            f"{name}SecurityGroup",
            VpcId=vpc_id,
            GroupDescription=text,
            SecurityGroupEgress=[
                SecurityGroupRule(
                    IpProtocol="-1", CidrIp="127.0.0.1/32", Description="Nothing but what rules allow"
                )
            ],
        )
    )


def _from_internet(stack: Stack, env: Environment, group: SecurityGroup) -> None:
    for suffix, source in _anywhere(env):
        _ingress(stack, f"LoadBalancerHttps{suffix}", group, HTTPS, "HTTPS from anywhere", **source)
        text = "HTTP from anywhere, to be redirected to HTTPS"
        _ingress(stack, f"LoadBalancerHttp{suffix}", group, HTTP, text, **source)


def _to_internet(stack: Stack, env: Environment, groups: dict[str, SecurityGroup]) -> None:
    # To Cognito, to fetch signing keys and to sign people in: load balancers do so by IPv4 only.
    text = "HTTPS to where people sign in"
    _egress(stack, "LoadBalancerHttpsOut", groups["LoadBalancer"], HTTPS, text, CidrIp="0.0.0.0/0")
    # To AWS, package repositories and whatever the application works with: addresses that nobody can list.
    for suffix, destination in _anywhere(env):
        title = f"ApplicationHttpsOut{suffix}"
        _egress(stack, title, groups["Application"], HTTPS, "HTTPS to anywhere", **destination)


def _anywhere(env: Environment) -> Iterator[tuple[str, dict[str, str]]]:
    """Title suffix and property of the internet, IPv6 included where the network has it."""
    yield "", {"CidrIp": "0.0.0.0/0"}
    if env.network.dual_stack:
        yield "V6", {"CidrIpv6": "::/0"}


def _between(
    stack: Stack, groups: dict[str, SecurityGroup], caller: str, called: str, protocol: str, port: int
) -> None:
    """Let ``caller`` call ``called``: a rule at either side."""
    _ingress(
        stack,
        f"{called}{protocol}From{caller}",
        groups[called],
        port,
        f"{protocol} from {caller}",
        SourceSecurityGroupId=GetAtt(groups[caller], "GroupId"),
    )
    _egress(
        stack,
        f"{caller}{protocol}To{called}",
        groups[caller],
        port,
        f"{protocol} to {called}",
        DestinationSecurityGroupId=GetAtt(groups[called], "GroupId"),
    )


def _ingress(stack: Stack, title: str, group: SecurityGroup, port: int, text: str, **source: Any) -> None:
    stack.add(SecurityGroupIngress(title, Description=text, **_tcp(group, port), **source))


def _egress(stack: Stack, title: str, group: SecurityGroup, port: int, text: str, **to: Any) -> None:
    stack.add(SecurityGroupEgress(title, Description=text, **_tcp(group, port), **to))


def _tcp(group: SecurityGroup, port: int) -> dict[str, Any]:
    return {"GroupId": GetAtt(group, "GroupId"), "IpProtocol": "tcp", "FromPort": port, "ToPort": port}


def close_default(stack: Stack, vpc: VPC, logs_key: AWSHelperFn) -> None:
    """Take every rule off the group that EC2 makes with the VPC and gives to whatever names no group."""
    group = GetAtt(vpc, "DefaultSecurityGroup")
    arn = "arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:security-group/${Group}"
    function = add_function(
        stack,
        "CloseDefaultSecurityGroup",
        "close_default_security_group",
        purpose="Takes every rule off the default security group of the VPC",
        timeout_seconds=90,
        log_key_arn=logs_key,
        statements=[
            Statement(
                Effect=Allow,
                Action=[ec2.DescribeSecurityGroupRules],
                Resource=["*"],  # EC2's Describe actions know no resources
            ),
            Statement(
                Effect=Allow,
                Action=[ec2.RevokeSecurityGroupEgress, ec2.RevokeSecurityGroupIngress],
                Resource=[Sub(arn, Group=group)],
            ),
        ],
    )
    add_custom_resource(
        stack, "ClosedDefaultSecurityGroup", "Custom::ClosedSecurityGroup", function, {"GroupId": group}
    )
