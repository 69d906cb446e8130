"""Aurora MySQL: a cluster with a writer and readers, readers that come and go, the global cluster.

Never set here: AvailabilityZones (RDS fills them up to three, and the next update would replace the cluster),
and Performance Insights on instances (the cluster's setting counts, and the two would disagree for ever).
"""

from __future__ import annotations

from typing import Any

from troposphere import AWSHelperFn, Equals, GetAtt, If, Join, NoValue, Ref, Sub
from troposphere.applicationautoscaling import (
    PredefinedMetricSpecification,
    ScalableTarget,
    ScalingPolicy,
    TargetTrackingScalingPolicyConfiguration,
)
from troposphere.rds import (
    DBCluster,
    DBClusterParameterGroup,
    DBInstance,
    DBParameterGroup,
    GlobalCluster,
    ServerlessV2ScalingConfiguration,
)

from blueprint.environment import Environment
from blueprint.environment.database_model import SERVERLESS
from blueprint.layers import _database_parameters as parameters
from blueprint.layers import _database_server as shared
from blueprint.layers._database_server import Server, Settings
from blueprint.layers.shared import names
from blueprint.layers.shared.suppress import suppress
from blueprint.stacks.stack import Stack

ENGINE = "aurora-mysql"
#: Of the first reader: it follows the writer's capacity and takes over first. Others grow by themselves.
FOLLOWS, ALONE = 1, 2


def add(stack: Stack, env: Environment, settings: Settings, master: AWSHelperFn) -> Server:
    """The cluster with its instances; ``master`` is the ARN of the master user's secret."""
    group = _instance_parameters(stack, env)
    cluster = _cluster(stack, env, settings, master, group)
    members = _instances(stack, env, settings, cluster, group)
    if env.database.reader_scaling.maximum:
        _scale_readers(stack, env, cluster, members)
    if env.recovery:
        _global(stack, env, cluster)
    return Server(
        arn=GetAtt(cluster, "DBClusterArn"),
        writer=GetAtt(cluster, "Endpoint.Address"),
        reader=GetAtt(cluster, "ReadEndpoint.Address"),
        has_readers=env.database.readers > 0,
        targets={"DBClusterIdentifiers": [Ref(cluster)]},
        members=members,
    )


def _cluster(
    stack: Stack, env: Environment, settings: Settings, master: AWSHelperFn, group: DBParameterGroup
) -> DBCluster:
    db = env.database
    name = names.database(env)
    groups = shared.log_groups(stack, settings, "cluster", name, shared.log_retention(stack, env))
    cluster = DBCluster(
        "Cluster",
        DBClusterIdentifier=name,
        DependsOn=[group.title for group in groups],
        Engine=ENGINE,
        EngineVersion=db.version,
        EngineLifecycleSupport="open-source-rds-extended-support-disabled",  # rather upgrade than pay for age
        AutoMinorVersionUpgrade=False,
        **_origin(env, master),
        Port=shared.PORT,
        DBSubnetGroupName=settings.subnet_group,
        VpcSecurityGroupIds=[settings.security_group],
        KmsKeyId=settings.key_arn,
        StorageType="aurora-iopt1" if db.storage.type == "io-optimized" else "aurora",
        DBClusterParameterGroupName=Ref(_cluster_parameters(stack, env)),
        DBInstanceParameterGroupName=Ref(group),  # RDS reads it in an upgrade to another major version
        EnableHttpEndpoint=True,  # the Data API, by which users are made
        EnableIAMDatabaseAuthentication=True,
        EnableCloudwatchLogsExports=list(shared.LOGS),
        BackupRetentionPeriod=settings.backup_days,
        PreferredBackupWindow=settings.backup_window,
        PreferredMaintenanceWindow=settings.maintenance_window,
        CopyTagsToSnapshot=True,
        DeletionProtection=db.deletion_protection,
        PerformanceInsightsEnabled=True,
        PerformanceInsightsKmsKeyId=settings.key_arn,
        PerformanceInsightsRetentionPeriod=shared.INSIGHTS_DAYS[db.insights],
        DatabaseInsightsMode=db.insights,
    )
    if db.instance_class == SERVERLESS:
        cluster.ServerlessV2ScalingConfiguration = _capacity(stack, env)
    _explain(cluster, env)
    return stack.add_stateful(cluster, setting="database", snapshot=True)


def _origin(env: Environment, master: AWSHelperFn) -> dict[str, Any]:
    """An empty database, or what it is restored from. A restored one brings its users and schemas."""
    restore = env.database.restore_from
    if restore.snapshot:
        return {"SnapshotIdentifier": restore.snapshot, "StorageEncrypted": True}
    if restore.source:
        # With a key RDS refuses a source that is not encrypted; whether to encrypt is not asked.
        latest = restore.time == "latest"
        moment = {"UseLatestRestorableTime": True} if latest else {"RestoreToTime": restore.time}
        return {"SourceDBClusterIdentifier": restore.source, "RestoreType": "full-copy", **moment}
    return {
        "MasterUsername": resolved(master, "username"),
        "MasterUserPassword": resolved(master, "password"),
        "DatabaseName": shared.SCHEMA,
        "StorageEncrypted": True,
    }


def resolved(secret: AWSHelperFn, key: str) -> AWSHelperFn:
    """CloudFormation reads the value when it deploys; no template, parameter or event ever holds it."""
    return Sub(f"{{{{resolve:secretsmanager:${{Secret}}:SecretString:{key}}}}}", Secret=secret)


def _capacity(stack: Stack, env: Environment) -> ServerlessV2ScalingConfiguration:
    wish = env.database.serverless
    may_pause = not (env.recovery or env.database.proxy.enabled or env.database.reader_scaling.maximum)
    least = stack.parameter(
        "MinCapacity",
        wish.min_acu,
        kind="Number",
        minimum=0 if may_pause else 0.5,
        maximum=256,
        group="Capacity",
        label="Least capacity (ACU)",
        description="What an instance always has, in ACU (about 2 GiB of memory each), in steps of 0.5."
        + (" 0 lets it pause when idle." if may_pause else ""),
        constraint=f"A number from {'0' if may_pause else '0.5'} to 256, not above the most.",
    )
    most = stack.parameter(
        "MaxCapacity",
        wish.max_acu,
        kind="Number",
        minimum=1,
        maximum=256,
        group="Capacity",
        label="Most capacity (ACU)",
        description="What an instance may grow to, in ACU, in steps of 0.5. It bounds the bill.",
        constraint="A number from 1 to 256, not below the least.",
    )
    pause: dict[str, Any] = {}
    if may_pause:
        stack.conditions["Pauses"] = Equals(Ref(least), "0")
        pause["SecondsUntilAutoPause"] = If("Pauses", wish.pause_after_seconds, NoValue)
    # By reference, because troposphere still refuses a literal 0 and more than 128.
    return ServerlessV2ScalingConfiguration(MinCapacity=Ref(least), MaxCapacity=Ref(most), **pause)


def _cluster_parameters(stack: Stack, env: Environment) -> DBClusterParameterGroup:
    return stack.add(
        DBClusterParameterGroup(
            f"ClusterParameters{_generation(env)}",
            Description="Settings of the cluster",
            Family=parameters.family(ENGINE, env.database.version),
            Parameters={**parameters.AURORA_CLUSTER, **env.database.parameters.cluster},
        ),
        setting="database.parameters.cluster",
    )


def _generation(env: Environment) -> str:
    """A new major version has groups of its own beside the old ones: a group in use cannot be replaced."""
    return "".join(env.database.version.split(".")[:2])


# -- instances ---------------------------------------------------------------------------------------------


def _instance_parameters(stack: Stack, env: Environment) -> DBParameterGroup:
    return stack.add(
        DBParameterGroup(
            f"InstanceParameters{_generation(env)}",
            Description="Settings of instances",
            Family=parameters.family(ENGINE, env.database.version),
            Parameters={**parameters.AURORA_INSTANCE, **env.database.parameters.instance},
        ),
        setting="database.parameters.instance",
    )


def _instances(
    stack: Stack, env: Environment, settings: Settings, cluster: DBCluster, group: DBParameterGroup
) -> list[DBInstance]:
    role = shared.monitoring_role(stack)
    titles = ["Writer", *(f"Reader{number}" for number in range(1, env.database.readers + 1))]
    members: list[DBInstance] = []
    for position, title in enumerate(titles):
        instance = DBInstance(
            title,
            **shared.REPLACEABLE,
            DBClusterIdentifier=Ref(cluster),
            Engine=ENGINE,
            DBInstanceClass=env.database.instance_class,
            DBParameterGroupName=Ref(group),
            PromotionTier=min(position, ALONE),
            PubliclyAccessible=False,
            AutoMinorVersionUpgrade=False,
            PreferredMaintenanceWindow=settings.maintenance_window,
            MonitoringInterval=env.database.monitoring_seconds,
            MonitoringRoleArn=role,
        )
        if members:  # the first instance of a cluster becomes its writer
            instance.DependsOn = members[0].title
        _explain_member(instance)
        members.append(stack.add(instance, setting="database.readers" if position else "database"))
    return members


def _scale_readers(stack: Stack, env: Environment, cluster: DBCluster, members: list[DBInstance]) -> None:
    """Readers besides the fixed ones. They are copies of the writer's class and not part of the stack."""
    wish = env.database.reader_scaling
    most = stack.parameter(
        "MaxReaders",
        wish.maximum,
        kind="Number",
        minimum=env.database.readers,
        maximum=15,
        group="Capacity",
        label="Most readers",
        description=f"How many readers there may be, the {env.database.readers} fixed ones included.",
        constraint=f"A number from {env.database.readers} to 15.",
    )
    target = stack.add(
        ScalableTarget(
            "ReaderScaling",
            DependsOn=[member.title for member in members],
            ServiceNamespace="rds",
            ScalableDimension="rds:cluster:ReadReplicaCount",
            ResourceId=Join(":", ["cluster", Ref(cluster)]),
            MinCapacity=env.database.readers,
            MaxCapacity=Ref(most),
        ),
        setting="database.reader_scaling.maximum",
    )
    stack.add(
        ScalingPolicy(
            "ReaderScalingByCpu",
            PolicyName="average-cpu-of-readers",
            PolicyType="TargetTrackingScaling",
            ScalingTargetId=Ref(target),
            TargetTrackingScalingPolicyConfiguration=TargetTrackingScalingPolicyConfiguration(
                PredefinedMetricSpecification=PredefinedMetricSpecification(
                    PredefinedMetricType="RDSReaderAverageCPUUtilization"
                ),
                TargetValue=wish.cpu_percent,
                ScaleInCooldown=600,  # seconds; a new reader takes minutes and fills its cache first
                ScaleOutCooldown=300,
            ),
        ),
        setting="database.reader_scaling.cpu_percent",
    )


def _global(stack: Stack, env: Environment, cluster: DBCluster) -> None:
    """Made from the cluster, whose own properties never mention it: so nothing changes by adding one.

    By ARN, because by name CloudFormation sees drift. Engine and encryption are the cluster's.
    """
    whole = stack.add_stateful(
        GlobalCluster(
            "GlobalCluster",
            GlobalClusterIdentifier=names.global_database(env),
            SourceDBClusterIdentifier=GetAtt(cluster, "DBClusterArn"),
            DeletionProtection=env.database.deletion_protection,
        ),
        setting="recovery",
    )
    stack.output("GlobalClusterId", Ref(whole), "The global database that clusters of other regions join")


# -- reasons for checkers ----------------------------------------------------------------------------------


def _explain(cluster: DBCluster, env: Environment) -> None:
    shared.usual_port(cluster)
    shared.pinned(cluster)
    backtrack = (
        "Backtracking rewinds the whole cluster and cannot be combined with a global database, which the "
        "environment may become any day; point-in-time recovery brings back any second instead."
    )
    suppress(cluster, "cdk_nag", "AwsSolutions-RDS14", backtrack)
    suppress(cluster, "checkov", "CKV_AWS_326", backtrack)
    if env.database.restore_from.source:
        reason = (
            "Restored to a point in time the cluster takes encryption from its source, and RDS ignores what "
            "is said here; it refuses a source without encryption because a key of ours is named."
        )
        suppress(cluster, "checkov", "CKV_AWS_96", reason)
        suppress(cluster, "guard", "RDS_CLUSTER_STORAGE_ENCRYPTED", reason)
        suppress(cluster, "cdk_nag", "AwsSolutions-RDS2", reason)
        suppress(cluster, "cfn_nag", "F26", reason)
    if ":" in env.database.restore_from.snapshot:
        shared.snapshot_of_an_account(cluster)
    if not env.database.deletion_protection:
        shared.unprotected(cluster, "CKV_AWS_139")


def _explain_member(instance: DBInstance) -> None:
    """Rules for database instances that the cluster keeps for its members."""
    reason = (
        "A member of an Aurora cluster takes this from the cluster, where it is set; RDS refuses or ignores "
        "it on the instance."
    )
    shared.pinned(instance)
    shared.usual_port(instance)
    for rule in ("CKV_AWS_16", "CKV_AWS_129", "CKV_AWS_133", "CKV_AWS_157", "CKV_AWS_161", "CKV_AWS_293"):
        suppress(instance, "checkov", rule, reason)
    suppress(instance, "checkov", "CKV_AWS_353", reason)
    for rule in (
        *("DB_INSTANCE_BACKUP_ENABLED", "RDS_INSTANCE_DELETION_PROTECTION_ENABLED"),
        *("RDS_INSTANCE_LOGGING_ENABLED", "RDS_MULTI_AZ_SUPPORT", "RDS_STORAGE_ENCRYPTED"),
    ):
        suppress(instance, "guard", rule, reason)
    for rule in ("F26", "F27"):
        suppress(instance, "cfn_nag", rule, reason)
    for rule in ("AwsSolutions-RDS2", "AwsSolutions-RDS3", "AwsSolutions-RDS10", "AwsSolutions-RDS13"):
        suppress(instance, "cdk_nag", rule, reason)
