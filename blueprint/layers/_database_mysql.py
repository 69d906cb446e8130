"""RDS for MySQL: an instance with a standby in another zone, and read replicas.

An instance rather than a Multi-AZ cluster of three, because that one cannot have a replica in another region.
"""

from __future__ import annotations

from typing import Any

from troposphere import AWSHelperFn, GetAtt, Ref
from troposphere.rds import DBInstance, DBParameterGroup

from blueprint.environment import Environment
from blueprint.layers import _database_parameters as parameters
from blueprint.layers import _database_server as shared
from blueprint.layers._database_aurora import resolved
from blueprint.layers._database_server import Server, Settings
from blueprint.layers.shared import names
from blueprint.layers.shared.suppress import suppress
from blueprint.stacks.stack import Stack

ENGINE = "mysql"


def add(stack: Stack, env: Environment, settings: Settings, master: AWSHelperFn) -> Server:
    """The instance with its replicas; ``master`` is the ARN of the master user's secret."""
    generation = "".join(env.database.version.split(".")[:2])
    group = stack.add(
        DBParameterGroup(
            f"InstanceParameters{generation}",
            Description="Settings of instances",
            Family=parameters.family(ENGINE, env.database.version),
            Parameters={**parameters.MYSQL, **env.database.parameters.instance},
        ),
        setting="database.parameters.instance",
    )
    retention = shared.log_retention(stack, env)
    common = _common(env, settings, group, shared.monitoring_role(stack))
    name = names.database(env)
    writer = _writer(stack, env, settings, master, name, common, retention)
    replicas = [
        _replica(stack, env, settings, writer, f"{name}-reader-{number}", number, common, retention)
        for number in range(1, env.database.readers + 1)
    ]
    for number, replica in enumerate(replicas[1:], start=2):
        stack.output(f"ReaderEndpoint{number}", _address(replica), "Host for reading: a further replica")
    return Server(
        arn=GetAtt(writer, "DBInstanceArn"),
        writer=_address(writer),
        reader=_address(replicas[0] if replicas else writer),
        has_readers=bool(replicas),
        targets={"DBInstanceIdentifiers": [Ref(writer)]},
    )


def _address(instance: DBInstance) -> AWSHelperFn:
    return GetAtt(instance, "Endpoint.Address")


def _common(
    env: Environment, settings: Settings, group: DBParameterGroup, role: AWSHelperFn
) -> dict[str, Any]:
    """What the instance and its replicas have in common."""
    db = env.database
    return {
        "DBInstanceClass": db.instance_class,
        "Engine": ENGINE,
        "AutoMinorVersionUpgrade": False,
        "StorageType": "gp3",
        "MaxAllocatedStorage": db.storage.max_size_gb,
        "Port": str(shared.PORT),
        "PubliclyAccessible": False,
        "VPCSecurityGroups": [settings.security_group],
        "DBParameterGroupName": Ref(group),
        "EnableIAMDatabaseAuthentication": True,
        "EnableCloudwatchLogsExports": [log for log in shared.LOGS if log != "audit"],
        "CopyTagsToSnapshot": True,
        "PreferredMaintenanceWindow": settings.maintenance_window,
        "MonitoringInterval": db.monitoring_seconds,
        "MonitoringRoleArn": role,
        "EnablePerformanceInsights": True,
        "PerformanceInsightsKMSKeyId": settings.key_arn,
        "PerformanceInsightsRetentionPeriod": shared.INSIGHTS_DAYS[db.insights],
        "DatabaseInsightsMode": db.insights,
    }


def _writer(
    stack: Stack,
    env: Environment,
    settings: Settings,
    master: AWSHelperFn,
    name: str,
    common: dict[str, Any],
    retention: Any,
) -> DBInstance:
    restored = env.database.restore_from.snapshot
    groups = shared.log_groups(stack, settings, "instance", name, retention)
    origin: dict[str, Any] = (
        {"DBSnapshotIdentifier": restored}
        if restored
        else {
            "MasterUsername": resolved(master, "username"),
            "MasterUserPassword": resolved(master, "password"),
            "DBName": shared.SCHEMA,
        }
    )
    instance = DBInstance(
        "Instance",
        DBInstanceIdentifier=name,
        DependsOn=[group.title for group in groups],
        EngineVersion=env.database.version,
        EngineLifecycleSupport="open-source-rds-extended-support-disabled",  # rather upgrade than pay for age
        MultiAZ=True,
        StorageEncrypted=True,
        KmsKeyId=settings.key_arn,
        AllocatedStorage=str(env.database.storage.size_gb),
        DBSubnetGroupName=settings.subnet_group,
        BackupRetentionPeriod=settings.backup_days,
        PreferredBackupWindow=settings.backup_window,
        DeleteAutomatedBackups=False,
        DeletionProtection=env.database.deletion_protection,
        **origin,
        **common,
    )
    _explain(instance, env)
    return stack.add_stateful(instance, setting="database", snapshot=True)


def _replica(
    stack: Stack,
    env: Environment,
    settings: Settings,
    writer: DBInstance,
    name: str,
    number: int,
    common: dict[str, Any],
    retention: Any,
) -> DBInstance:
    """A copy that answers reading queries. Version, key, size and subnets are those of its source.

    It is not protected from deletion: the environment's file could not ask for fewer readers any more.
    """
    groups = shared.log_groups(stack, settings, "instance", name, retention, owner=f"Reader{number}")
    replica = DBInstance(
        f"Reader{number}",
        **shared.REPLACEABLE,
        DBInstanceIdentifier=name,
        DependsOn=[group.title for group in groups],
        SourceDBInstanceIdentifier=Ref(writer),
        **common,
    ).no_validation()  # troposphere reckons with a size, which a replica must not name
    _explain_replica(replica)
    return stack.add(replica, setting="database.readers")


def _explain(instance: DBInstance, env: Environment) -> None:
    shared.pinned(instance)
    shared.usual_port(instance)
    if "DBSnapshotIdentifier" in instance.properties and ":" in env.database.restore_from.snapshot:
        shared.snapshot_of_an_account(instance)
    if not env.database.deletion_protection:
        shared.unprotected(instance, "CKV_AWS_293")


def _explain_replica(replica: DBInstance) -> None:
    shared.pinned(replica)
    shared.usual_port(replica)
    reason = (
        "A read replica holds nothing of its own and comes and goes with database.readers: protected, it "
        "would outlive the wish for it. Its source is protected."
    )
    suppress(replica, "checkov", "CKV_AWS_293", reason)
    suppress(replica, "cdk_nag", "AwsSolutions-RDS10", reason)
    suppress(replica, "guard", "RDS_INSTANCE_DELETION_PROTECTION_ENABLED", reason)
    suppress(replica, "cfn_nag", "F80", reason)
    reason = (
        "A read replica takes its key from its source, and is made anew from it when it is lost: the source "
        "is encrypted with our key, backed up and doubled in another zone."
    )
    for rule in ("CKV_AWS_16", "CKV_AWS_133", "CKV_AWS_157"):
        suppress(replica, "checkov", rule, reason)
    for rule in ("DB_INSTANCE_BACKUP_ENABLED", "RDS_MULTI_AZ_SUPPORT", "RDS_STORAGE_ENCRYPTED"):
        suppress(replica, "guard", rule, reason)
    for rule in ("F26", "F27"):
        suppress(replica, "cfn_nag", rule, reason)
    for rule in ("AwsSolutions-RDS2", "AwsSolutions-RDS3", "AwsSolutions-RDS13"):
        suppress(replica, "cdk_nag", rule, reason)
