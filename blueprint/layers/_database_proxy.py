"""RDS Proxy: shares connections, and keeps the application's open while another instance takes over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from awacs import kms, secretsmanager
from awacs.aws import Allow, PolicyDocument, Statement, StringEquals
from troposphere import AWSHelperFn, AWSObject, GetAtt, Ref, Select, Split, Sub
from troposphere.iam import Policy, Role
from troposphere.rds import (
    AuthFormat,
    ConnectionPoolConfigurationInfoFormat,
    DBProxy,
    DBProxyEndpoint,
    DBProxyTargetGroup,
)

from blueprint.environment import Environment
from blueprint.environment.database_model import RDS
from blueprint.layers._database_server import Server, assumed_by, explain_role
from blueprint.layers._database_users import Secrets
from blueprint.layers.shared import names
from blueprint.layers.shared.conditions import all_of
from blueprint.stacks.stack import Stack

#: The first two, however many there are: the subnets of a proxy can never change, and its name is taken.
ZONES = 2


@dataclass(frozen=True)
class Proxy:
    """A proxy as functions and outputs see it."""

    writer: AWSHelperFn
    reader: AWSHelperFn
    resource_id: AWSHelperFn  # prx-..., by which IAM names those who may connect
    target: AWSObject


def add(
    stack: Stack, env: Environment, server: Server, secrets: Secrets, *, after: Sequence[AWSObject]
) -> Proxy:
    """The proxy before ``server``, once all of ``after`` is done.

    Signing in takes TLS and the application's secret. With rds-mysql the function that makes users comes
    through here too, as the master user: for that one the proxy takes IAM tokens only, and alone reads the
    password.
    """
    auth = [_auth(secrets.application, by_iam=False)]
    if env.database.engine == RDS:
        auth.insert(0, _auth(secrets.master, by_iam=True))
    name = names.database_proxy(env)
    proxy = stack.add(
        DBProxy(
            "Proxy",
            DBProxyName=name,
            EngineFamily="MYSQL",
            RequireTLS=True,
            IdleClientTimeout=env.database.proxy.idle_seconds,
            Auth=auth,
            RoleArn=GetAtt(_role(stack, env, secrets), "Arn"),
            VpcSubnetIds=[stack.output_of("network", f"DataSubnet{n}Id") for n in range(1, ZONES + 1)],
            VpcSecurityGroupIds=[stack.output_of("network", "ProxySecurityGroupId")],
        ),
        setting="database.proxy.enabled",
    )
    target = _target(stack, env, server, proxy, [*server.members, *after])
    reader = GetAtt(proxy, "Endpoint")  # answers for readers where there are none
    if server.has_readers:
        reader = server.reader if env.database.engine == RDS else _reader(stack, name, target, proxy)
    return Proxy(
        writer=GetAtt(proxy, "Endpoint"),
        reader=reader,
        resource_id=Select(6, Split(":", GetAtt(proxy, "DBProxyArn"))),
        target=target,
    )


def _reader(stack: Stack, name: str, target: DBProxyTargetGroup, proxy: DBProxy) -> AWSHelperFn:
    """Aurora's readers have an endpoint of the proxy; replicas of rds-mysql are reached directly."""
    endpoint = stack.add(
        DBProxyEndpoint(
            "ReaderProxy",
            DependsOn=target.title,
            DBProxyEndpointName=f"{name}-reader",
            DBProxyName=Ref(proxy),
            TargetRole="READ_ONLY",
            VpcSubnetIds=proxy.VpcSubnetIds,
            VpcSecurityGroupIds=proxy.VpcSecurityGroupIds,
        ),
        setting="database.readers",
    )
    return GetAtt(endpoint, "Endpoint")


def _auth(secret: AWSHelperFn, *, by_iam: bool) -> AuthFormat:
    if by_iam:
        return AuthFormat(AuthScheme="SECRETS", SecretArn=secret, IAMAuth="REQUIRED")
    return AuthFormat(
        AuthScheme="SECRETS",
        SecretArn=secret,
        IAMAuth="DISABLED",
        ClientPasswordAuthType="MYSQL_CACHING_SHA2_PASSWORD",
    )


def _target(
    stack: Stack, env: Environment, server: Server, proxy: DBProxy, before: Sequence[AWSObject]
) -> DBProxyTargetGroup:
    wish = env.database.proxy
    filters = {"SessionPinningFilters": ["EXCLUDE_VARIABLE_SETS"]} if wish.share_after_set else {}
    # Without instances there is no target, and the stack waits until the proxy can sign in.
    waits = {"DependsOn": sorted({resource.title for resource in before})} if before else {}
    return stack.add(
        DBProxyTargetGroup(
            "ProxyTarget",
            **waits,
            DBProxyName=Ref(proxy),
            TargetGroupName="default",
            ConnectionPoolConfigurationInfo=ConnectionPoolConfigurationInfoFormat(
                MaxConnectionsPercent=wish.max_connections_percent,
                MaxIdleConnectionsPercent=wish.max_idle_percent,
                ConnectionBorrowTimeout=wish.borrow_seconds,
                **filters,
            ),
            **server.targets,
        ),
        setting="database.proxy",
    )


def _role(stack: Stack, env: Environment, secrets: Secrets) -> Role:
    read = [secrets.application, *([secrets.master] if env.database.engine == RDS else [])]
    role = stack.add(
        Role(
            "ProxyRole",
            Description="RDS Proxy reads the credentials that it signs in with",
            # No guide says that RDS Proxy names its source; a condition on it could lock the proxy out.
            AssumeRolePolicyDocument=assumed_by("rds.amazonaws.com", names_its_source=False),
            Policies=[
                Policy(
                    PolicyName="Read",
                    PolicyDocument=PolicyDocument(
                        Version="2012-10-17",
                        Statement=[
                            Statement(Effect=Allow, Action=[secretsmanager.GetSecretValue], Resource=read),
                            Statement(
                                Effect=Allow,
                                Action=[kms.Decrypt],
                                Resource=[secrets.key_arn],
                                Condition=all_of(
                                    StringEquals(
                                        "kms:ViaService", Sub("secretsmanager.${AWS::Region}.amazonaws.com")
                                    )
                                ),
                            ),
                        ],
                    ),
                )
            ],
        )
    )
    explain_role(role)
    return role
