"""Resources that hold data: which types they are, and what must not change under them.

A type stands here when its deletion or replacement loses something that a new deployment cannot make
again. Each needs a DeletionPolicy and an UpdateReplacePolicy, and an entry in the ledger.
"""

from __future__ import annotations

#: Type -> the properties that decide which physical resource it is. They are create-only in the resource
#: schema, or (MultiRegion of a key) refused by the service after creation.
STATEFUL: dict[str, tuple[str, ...]] = {
    "AWS::KMS::Key": ("MultiRegion", "KeySpec", "KeyUsage", "Origin"),
    "AWS::KMS::ReplicaKey": ("PrimaryKeyArn",),
    "AWS::Logs::LogGroup": ("LogGroupName",),
    "AWS::S3::Bucket": ("BucketName", "BucketNamePrefix", "BucketNamespace", "ObjectLockEnabled"),
}
