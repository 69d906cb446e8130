"""The two users of the database, their secrets, and the functions that make and rotate them.

docs/decisions/0008-database-users.md says why it is done this way.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from awacs import rds, rds_data, rds_db, secretsmanager
from awacs.aws import Allow, Statement
from troposphere import AWSHelperFn, AWSObject, Ref, Select, Split, Sub
from troposphere.awslambda import Function, VPCConfig
from troposphere.secretsmanager import (
    GenerateSecretString,
    ReplicaRegion,
    Secret,
)

from blueprint.environment import Environment
from blueprint.layers._database_server import APPLICATION_USER, SCHEMA, Server
from blueprint.layers.shared import names
from blueprint.layers.shared.functions import add_custom_resource, add_function
from blueprint.layers.shared.rotation import rotate, rotates
from blueprint.stacks.stack import Stack

if TYPE_CHECKING:
    from blueprint.layers._database_proxy import Proxy

PASSWORD_CHARACTERS = 40  # RDS takes 41 of a master user; letters and digits alone give 238 bits


@dataclass(frozen=True)
class Secrets:
    """ARNs of the secrets, and of their key in every region that has a replica, this one first."""

    master: AWSHelperFn
    application: AWSHelperFn
    key_arn: AWSHelperFn
    key_arns: list[AWSHelperFn] = field(default_factory=list)


def add_secrets(stack: Stack, env: Environment) -> Secrets:
    key = stack.output_of("security", "CredentialsKeyArn")
    replicas = {region: _key_in(region, key) for region in env.recovery_regions}
    master = env.database.restore_from.master_username
    texts = {
        "Master": (master, "Master user of the database: rotated, and used by no application"),
        "Application": (APPLICATION_USER, "The application's user of the database"),
    }
    made = {
        title: stack.add_stateful(
            Secret(
                f"{title}Secret",
                Name=names.secret(env, f"database-{title.lower()}"),
                Description=text,
                KmsKeyId=key,
                GenerateSecretString=GenerateSecretString(
                    SecretStringTemplate=json.dumps({"username": user}),
                    GenerateStringKey="password",
                    PasswordLength=PASSWORD_CHARACTERS,
                    ExcludePunctuation=True,
                ),
                **_replicated(replicas),
            ),
            setting="recovery" if replicas else "database",
        )
        for title, (user, text) in texts.items()
    }
    return Secrets(Ref(made["Master"]), Ref(made["Application"]), key, [key, *replicas.values()])


def _replicated(keys_by_region: dict[str, AWSHelperFn]) -> dict[str, Any]:
    replicas = [ReplicaRegion(Region=region, KmsKeyId=key) for region, key in keys_by_region.items()]
    return {"ReplicaRegions": replicas} if replicas else {}


def _key_in(region: str, key: AWSHelperFn) -> AWSHelperFn:
    """The replica of a multi-region key: the same id in another region."""
    return Sub(
        f"arn:${{AWS::Partition}}:kms:{region}:${{AWS::AccountId}}:key/${{KeyId}}",
        KeyId=Select(1, Split("/", key)),
    )


@dataclass(frozen=True)
class Master:
    """The master user: the function that rotates its password, and what must be done before it counts."""

    function: Function
    ready: Sequence[AWSObject]


def add_master(stack: Stack, env: Environment, server: Server, secrets: Secrets) -> Master:
    """The master user's function. A restored database brings a password of its own and is given ours."""
    restored = bool(env.database.restore_from.snapshot or env.database.restore_from.source)
    function = _master_function(stack, server, secrets, restored=restored)
    writer = server.members[:1]
    if not restored:
        return Master(function, writer)
    adopted = add_custom_resource(
        stack,
        "MasterPassword",
        "Custom::MasterPassword",
        function,
        {"Secret": secrets.master, "Database": server.arn},
        depends_on=writer,
        setting="database.restore_from",
    )
    return Master(function, [*writer, adopted])


def add_users(
    stack: Stack, env: Environment, server: Server, secrets: Secrets, master: Master, *, proxy: Proxy | None
) -> AWSObject:
    """The application's user, made through ``proxy`` where there is no API, and both rotations."""
    days = stack.parameter(
        "RotationDays",
        env.database.rotation_days,
        kind="Number",
        minimum=1,
        maximum=90,
        group="Users",
        label="Days between new passwords",
        description="How often the passwords of both users are changed, in days.",
        constraint="A number of days from 1 to 90.",
    )
    user = _user_function(stack, env, server, secrets, proxy)
    made = add_custom_resource(
        stack,
        "ApplicationUser",
        "Custom::DatabaseUser",
        user,
        {"Secret": secrets.application, "Database": server.arn},  # another database has to have its user too
        depends_on=[*master.ready, *([proxy.target] if proxy else [])],
    )
    for name, secret, function in (
        ("Master", secrets.master, master.function),
        ("Application", secrets.application, user),
    ):
        rotate(
            stack,
            name,
            secret,
            function,
            Ref(days),
            after=made,
            setting="database.rotation_days",
        )
    return made


# -- functions ---------------------------------------------------------------------------------------------


def _master_function(stack: Stack, server: Server, secrets: Secrets, *, restored: bool) -> Function:
    return add_function(
        stack,
        "MasterUser",
        "database_restored" if restored else "database_master",
        purpose="Rotates the password of the database's master user",
        timeout_seconds=300,
        log_key_arn=stack.output_of("security", "LogsKeyArn"),
        environment={"DATABASE": server.arn},
        statements=[
            *rotates(secrets.master, secrets.key_arns),
            Statement(
                Effect=Allow,
                Action=[
                    rds.DescribeDBClusters,
                    rds.DescribeDBInstances,
                    rds.ModifyDBCluster,
                    rds.ModifyDBInstance,
                ],
                Resource=[server.arn],
            ),
        ],
    )


def _user_function(
    stack: Stack,
    env: Environment,
    server: Server,
    secrets: Secrets,
    proxy: Proxy | None,
) -> Function:
    master = env.database.restore_from.master_username
    environment: dict[str, Any] = {"USERNAME": APPLICATION_USER, "SCHEMA": SCHEMA}
    if proxy:
        module, statements = "database_user_mysql", [_connects(proxy, master)]
        environment |= {"PROXY": proxy.writer, "MASTER": master}
        network = {"network": _application_network(stack, env)}
    else:
        module, statements = "database_user_aurora", _says_sql(server, secrets)
        environment |= {"CLUSTER": server.arn, "MASTER_SECRET": secrets.master}
        network = {}
    return add_function(
        stack,
        "DatabaseUser",
        module,
        purpose="Makes the application's database user and rotates its password",
        timeout_seconds=180,
        log_key_arn=stack.output_of("security", "LogsKeyArn"),
        environment=environment,
        statements=[*rotates(secrets.application, secrets.key_arns), *statements],
        **network,
    )


def _application_network(stack: Stack, env: Environment) -> VPCConfig:
    """Beside the application, whose way out leads to Secrets Manager and to CloudFormation."""
    return VPCConfig(
        SubnetIds=[
            stack.output_of("network", f"ApplicationSubnet{n}Id") for n in range(1, env.network.zones + 1)
        ],
        SecurityGroupIds=[stack.output_of("network", "DatabaseUserSecurityGroupId")],
    )


def _says_sql(server: Server, secrets: Secrets) -> list[Statement]:
    """The Data API reads the master's secret with its caller's rights; the function itself never does."""
    return [
        Statement(Effect=Allow, Action=[rds_data.ExecuteStatement], Resource=[server.arn]),
        Statement(
            Effect=Allow,
            Action=[secretsmanager.DescribeSecret, secretsmanager.GetSecretValue],
            Resource=[secrets.master],
        ),
    ]


def _connects(proxy: Proxy, master: str) -> Statement:
    return Statement(
        Effect=Allow,
        Action=[rds_db.connect],
        Resource=[
            Sub(
                "arn:${AWS::Partition}:rds-db:${AWS::Region}:${AWS::AccountId}:dbuser:${Proxy}/" + master,
                Proxy=proxy.resource_id,
            )
        ],
    )
