"""Resources that hold data: which types they are, and what must not change under them.

A type stands here when its deletion or replacement loses something that a new deployment cannot make
again. Each needs a DeletionPolicy and an UpdateReplacePolicy, and an entry in the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Type -> the properties that decide which physical resource it is. They are create-only in the resource
#: schema, or (MultiRegion of a key) refused by the service after creation. Of those that replace a database
#: only sometimes (MultiAZ, GlobalClusterIdentifier), none: they must be able to change in place.
STATEFUL: dict[str, tuple[str, ...]] = {
    "AWS::ElastiCache::ReplicationGroup": (
        "AtRestEncryptionEnabled",
        "CacheSubnetGroupName",
        "DataTieringEnabled",
        "GlobalReplicationGroupId",
        "KmsKeyId",
        "NetworkType",
        "Port",
        "PreferredCacheClusterAZs",
        "ReplicationGroupId",
        "SnapshotArns",
        "SnapshotName",
    ),
    "AWS::KMS::Key": ("MultiRegion", "KeySpec", "KeyUsage", "Origin"),
    "AWS::KMS::ReplicaKey": ("PrimaryKeyArn",),
    "AWS::Logs::LogGroup": ("LogGroupName",),
    "AWS::RDS::DBCluster": (
        "ClusterScalabilityType",
        "DBClusterIdentifier",
        "DBSubnetGroupName",
        "DBSystemId",
        "DatabaseName",
        "Engine",
        "EngineMode",
        "KmsKeyId",
        "PubliclyAccessible",
        "RestoreToTime",
        "RestoreType",
        "SnapshotIdentifier",
        "SourceDBClusterIdentifier",
        "SourceDbClusterResourceId",
        "SourceRegion",
        "StorageEncrypted",
        "UseLatestRestorableTime",
    ),
    "AWS::RDS::DBInstance": (
        "BackupTarget",
        "CharacterSetName",
        "CustomIAMInstanceProfile",
        "DBClusterIdentifier",
        "DBInstanceIdentifier",
        "DBName",
        "DBSnapshotIdentifier",
        "DBSubnetGroupName",
        "DBSystemId",
        "Engine",
        "KmsKeyId",
        "MasterUsername",
        "NcharCharacterSetName",
        "RestoreTime",
        "SourceDBInstanceAutomatedBackupsArn",
        "SourceDbiResourceId",
        "SourceRegion",
        "StorageEncrypted",
        "Timezone",
        "UseLatestRestorableTime",
    ),
    "AWS::RDS::GlobalCluster": (
        "Engine",
        "GlobalClusterIdentifier",
        "SourceDBClusterIdentifier",
        "StorageEncrypted",
    ),
    # Another zone has other name servers, and the domain above points to this one's.
    "AWS::Route53::HostedZone": ("DelegationSetId", "Name"),
    "AWS::S3::Bucket": ("BucketName", "BucketNamePrefix", "BucketNamespace", "ObjectLockEnabled"),
    "AWS::SecretsManager::Secret": ("Name",),
}

#: A database instance with one of these holds nothing of its own: the cluster's volume, or a copy.
_COPIES = ("DBClusterIdentifier", "SourceDBInstanceIdentifier")


def holds_data(resource_type: str, properties: Mapping[str, Any]) -> bool:
    """Whether a resource must outlive its stack. Members of a cluster and read replicas are replaceable."""
    copy = resource_type == "AWS::RDS::DBInstance" and any(name in properties for name in _COPIES)
    return resource_type in STATEFUL and not copy
