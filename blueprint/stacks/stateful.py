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
    # Of a user pool none is create-only in its schema: Cognito refuses to change them, or, for the issuer
    # and the kind of key, changes them and ends every session.
    "AWS::Cognito::UserPool": (
        "AliasAttributes",
        "IssuerConfiguration",
        "KeyConfiguration",
        "Schema",
        "UsernameAttributes",
        "UsernameConfiguration",
    ),
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

#: Why a property must stay, where that is not simply that another value means another resource.
REASONS: dict[tuple[str, str], str] = {
    ("AWS::Cognito::UserPool", "AliasAttributes"): "Cognito refuses to change how people may sign in",
    ("AWS::Cognito::UserPool", "IssuerConfiguration"): (
        "tokens name their issuer, so every session ends and everything that checks tokens must follow; "
        "identity.replication: never keeps the original issuer, prepared the updated one"
    ),
    ("AWS::Cognito::UserPool", "KeyConfiguration"): (
        "the kind of key goes with the issuer, and only a pool with both can be replicated"
    ),
    ("AWS::Cognito::UserPool", "Schema"): (
        "Cognito refuses to change or remove an attribute; custom ones can be added at the end, for ever"
    ),
    ("AWS::Cognito::UserPool", "UsernameAttributes"): "Cognito refuses to change how people may sign in",
    ("AWS::Cognito::UserPool", "UsernameConfiguration"): "Cognito refuses to change how names compare",
}

#: A database instance with one of these holds nothing of its own: the cluster's volume, or a copy.
_COPIES = ("DBClusterIdentifier", "SourceDBInstanceIdentifier")


def holds_data(resource_type: str, properties: Mapping[str, Any]) -> bool:
    """Whether a resource must outlive its stack. Members of a cluster and read replicas are replaceable."""
    copy = resource_type == "AWS::RDS::DBInstance" and any(name in properties for name in _COPIES)
    return resource_type in STATEFUL and not copy
