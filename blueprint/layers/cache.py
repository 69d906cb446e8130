"""The cache: Valkey in front of the database, encrypted, behind a password. Promises R2, R6, R11. Optional.

Each region has a cache of its own: what it holds can be computed again, and one that followed another
region's would be no faster than the database that does.

Who signs in is a user of ElastiCache's, not the older token of a cache: a user's two passwords are named at
each change, and CloudFormation cannot go from the one to the other without replacing the cache.
"""

from __future__ import annotations

import json

from awacs import elasticache
from awacs.aws import Allow, Statement
from troposphere import AWSHelperFn, GetAtt, Parameter, Ref, Sub
from troposphere.elasticache import (
    AuthenticationMode,
    CloudWatchLogsDestinationDetails,
    DestinationDetails,
    LogDeliveryConfigurationRequest,
    ParameterGroup,
    ReplicationGroup,
    SubnetGroup,
    User,
    UserGroup,
)
from troposphere.logs import LogGroup
from troposphere.secretsmanager import GenerateSecretString, Secret

from blueprint.environment import Environment
from blueprint.layers.shared import names
from blueprint.layers.shared.functions import add_function
from blueprint.layers.shared.rotation import rotate, rotates
from blueprint.layers.shared.suppress import suppress
from blueprint.stacks.places import Place
from blueprint.stacks.stack import Stack

ENGINE = "valkey"
PORT = 6379
#: Whoever signs in without a name. All commands, less those that ElastiCache gives nobody.
USER, MAY = "default", "on ~* &* +@all"
PASSWORD_CHARACTERS = 40  # ElastiCache takes 16 to 128; as many as the rotation's
LOGS = ("engine-log", "slow-log")


def stacks(env: Environment) -> list[Stack]:
    if not env.cache.enabled:
        return []
    stack = Stack(
        "cache",
        env,
        Place.PRIMARY,
        Place.FIRST_RECOVERY,
        purpose="A Valkey cache in front of the database.",
    )
    key = stack.output_of("security", "CredentialsKeyArn")
    logs_key = stack.output_of("security", "LogsKeyArn")
    secret = _secret(stack, key)
    user = _user(stack, env, Ref(secret))
    group = _replication_group(stack, env, user, logs_key)
    _rotation(stack, env, user, Ref(secret), key, logs_key)
    stack.output("CacheEndpoint", GetAtt(group, "PrimaryEndPoint.Address"), "Host for reading and writing")
    if env.cache.replicas:
        stack.output("CacheReaderEndpoint", GetAtt(group, "ReaderEndPoint.Address"), "Host for reading")
    stack.output("CachePort", str(PORT), "Port of both")
    stack.output("CacheSecretArn", Ref(secret), "Secret with the cache's password")
    return [stack]


def _secret(stack: Stack, key: AWSHelperFn) -> Secret:
    return stack.add_stateful(
        Secret(
            "CacheSecret",
            Description="Password of the cache",
            KmsKeyId=key,
            GenerateSecretString=GenerateSecretString(
                SecretStringTemplate=json.dumps({"username": USER}),
                GenerateStringKey="password",
                PasswordLength=PASSWORD_CHARACTERS,
                ExcludePunctuation=True,
            ),
        ),
        setting="cache.enabled",
    )


def _user(stack: Stack, env: Environment, secret: AWSHelperFn) -> User:
    """The one user of the cache. CloudFormation reads the password when it deploys; it stands nowhere."""
    password = Sub("{{resolve:secretsmanager:${Secret}:SecretString:password}}", Secret=secret)
    return stack.add(
        User(
            "User",
            UserId=names.cache(env),
            UserName=USER,
            Engine=ENGINE,
            AccessString=MAY,
            AuthenticationMode=AuthenticationMode(Type="password", Passwords=[password]),
        ),
        setting="cache.enabled",
    )


def _replication_group(stack: Stack, env: Environment, user: User, logs_key: AWSHelperFn) -> ReplicationGroup:
    cache = env.cache
    users = stack.add(
        UserGroup("Users", UserGroupId=names.cache(env), Engine=ENGINE, UserIds=[Ref(user)]),
        setting="cache.enabled",
    )
    group = ReplicationGroup(
        "Cache",
        ReplicationGroupDescription=f"{env.project} {env.name}: cache in front of the database",
        Engine=ENGINE,
        EngineVersion=cache.version,
        AutoMinorVersionUpgrade=True,
        CacheNodeType=Ref(_node_type(stack, env)),
        NumCacheClusters=1 + cache.replicas,
        AutomaticFailoverEnabled=cache.replicas > 0,
        MultiAZEnabled=cache.replicas > 0,
        Port=PORT,
        CacheSubnetGroupName=Ref(_subnets(stack, env)),
        SecurityGroupIds=[stack.output_of("network", "CacheSecurityGroupId")],
        CacheParameterGroupName=Ref(_parameters(stack, env)),
        AtRestEncryptionEnabled=True,
        KmsKeyId=stack.output_of("security", "DatabaseKeyArn"),
        TransitEncryptionEnabled=True,
        TransitEncryptionMode="required",
        UserGroupIds=[Ref(users)],
        SnapshotRetentionLimit=cache.snapshot_days,
        SnapshotWindow=cache.snapshot_window,
        PreferredMaintenanceWindow=cache.maintenance_window,
        LogDeliveryConfigurations=_logs(stack, logs_key),
    )
    _explain(group, env)
    return stack.add_stateful(group, setting="cache", snapshot=cache.snapshot_days > 0)


def _node_type(stack: Stack, env: Environment) -> Parameter:
    return stack.parameter(
        "NodeType",
        env.cache.node_type,
        pattern=r"cache\.[a-z][a-z0-9]*\.[a-z0-9]+",
        group="Capacity",
        label="Class of nodes",
        description="Size of each node. A change moves the data to new nodes, without an interruption "
        "where there are replicas.",
        constraint="A class of ElastiCache nodes, such as cache.t4g.small.",
    )


def _subnets(stack: Stack, env: Environment) -> SubnetGroup:
    subnets = [stack.output_of("network", f"DataSubnet{n}Id") for n in range(1, env.network.zones + 1)]
    return stack.add(
        SubnetGroup("SubnetGroup", Description="The data subnets of all zones", SubnetIds=subnets)
    )


def _parameters(stack: Stack, env: Environment) -> ParameterGroup:
    """Whatever is used least goes when memory is full, whether or not it was given a time to live."""
    major = env.cache.version.split(".")[0]
    return stack.add(
        ParameterGroup(
            f"Parameters{major}",  # another major version has a group of its own beside the one in use
            CacheParameterGroupFamily=f"{ENGINE}{major}",
            Description="Settings of the cache",
            Properties={"maxmemory-policy": "allkeys-lru"},
        ),
        setting="cache.version",
    )


def _logs(stack: Stack, logs_key: AWSHelperFn) -> list[LogDeliveryConfigurationRequest]:
    group = stack.add_stateful(
        LogGroup("CacheLogs", RetentionInDays=90, KmsKeyId=logs_key), setting="cache.enabled"
    )
    where = DestinationDetails(CloudWatchLogsDetails=CloudWatchLogsDestinationDetails(LogGroup=Ref(group)))
    return [
        LogDeliveryConfigurationRequest(
            LogType=log, LogFormat="json", DestinationType="cloudwatch-logs", DestinationDetails=where
        )
        for log in LOGS
    ]


def _rotation(
    stack: Stack,
    env: Environment,
    user: User,
    secret: AWSHelperFn,
    key: AWSHelperFn,
    logs_key: AWSHelperFn,
) -> None:
    days = stack.parameter(
        "RotationDays",
        env.cache.rotation_days,
        kind="Number",
        minimum=1,
        maximum=90,
        group="Password",
        label="Days between new passwords",
        description="How often the cache's password is changed, in days. The former one stays valid until "
        "the next change.",
        constraint="A number of days from 1 to 90.",
    )
    function = add_function(
        stack,
        "CachePassword",
        "cache_password",
        purpose="Rotates the password of the cache",
        timeout_seconds=600,
        log_key_arn=logs_key,
        environment={"USER_ID": Ref(user)},
        statements=[
            *rotates(secret, [key]),
            Statement(
                Effect=Allow,
                Action=[elasticache.DescribeUsers, elasticache.ModifyUser],
                Resource=[GetAtt(user, "Arn")],
            ),
        ],
    )
    rotate(stack, "Cache", secret, function, Ref(days), after=user, setting="cache.rotation_days")


def _explain(group: ReplicationGroup, env: Environment) -> None:
    port = (
        "Only the application's security group reaches the port, and it takes TLS and a password; another "
        "number would hide nothing from who is inside."
    )
    suppress(group, "cdk_nag", "AwsSolutions-AEC5", port)
    user = (
        "Who connects signs in as a user of the group that UserGroupIds names, which ElastiCache recommends "
        "over the token that this rule looks for; the two exclude one another."
    )
    suppress(group, "cdk_nag", "AwsSolutions-AEC6", user)
    if env.cache.snapshot_days < 15:
        suppress(
            group,
            "guard",
            "ELASTICACHE_REDIS_CLUSTER_AUTOMATIC_BACKUP_CHECK",
            "The cache holds copies of what the database has: a snapshot spares it a cold start, and an old "
            "one would only fill it with what is no longer true.",
        )
    if not env.cache.replicas:
        alone = (
            "The environment's file asks for a cache of one node: when it fails the application reads the "
            "database until a new one is filled."
        )
        suppress(group, "cdk_nag", "AwsSolutions-AEC4", alone)
        suppress(group, "guard", "ELASTICACHE_REPL_GRP_AUTO_FAILOVER_ENABLED", alone)
