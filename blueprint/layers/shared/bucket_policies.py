"""Statements of bucket policies: what every bucket refuses, and what services may deliver.

A statement that refuses holds for everybody, administrators and the deployment role included, so it refuses
no more than ways of asking: without TLS, or with another key. What AWS services deliver goes by rules of
their own and is exempt from the latter.
"""

from __future__ import annotations

from collections.abc import Sequence

from awacs import s3
from awacs.aws import (
    Action,
    Allow,
    ArnLike,
    Bool,
    ConditionElement,
    Deny,
    Null,
    NumericLessThan,
    Principal,
    Statement,
    StringEquals,
    StringNotEquals,
)
from troposphere import AWSHelperFn, GetAtt, Ref, Sub
from troposphere.s3 import Bucket

from blueprint.layers.shared.conditions import all_of

EVERYBODY = Principal("*")
LEAST_TLS = "1.2"
# Scoped by the bucket's ARN. A list of actions would let through what S3 learns next.
_ANY_S3_ACTION = [Action("s3", "*")]
_ALGORITHM = "s3:x-amz-server-side-encryption"
_KEY = "s3:x-amz-server-side-encryption-aws-kms-key-id"
_NO_SERVICE = Bool("aws:PrincipalIsAWSService", False)


def objects(bucket: Bucket, below: str = "") -> AWSHelperFn:
    """The ARN of the bucket's objects, or of those below a prefix such as ``elb/``."""
    return Sub(f"${{{bucket.title}.Arn}}/{below}*")


def objects_of_account(bucket: Bucket, below: str) -> AWSHelperFn:
    """The ARN of the objects below ``below`` and this account's number, as services deliver them."""
    return Sub(f"${{{bucket.title}.Arn}}/{below}${{AWS::AccountId}}/*")


def tls_only(bucket: Bucket) -> list[Statement]:
    """Nothing without TLS, and nothing with TLS older than 1.2."""
    return [
        _refused(sid, _ANY_S3_ACTION, [GetAtt(bucket, "Arn"), objects(bucket)], condition)
        for sid, condition in (
            ("RefuseWithoutTls", Bool("aws:SecureTransport", False)),
            ("RefuseOldTls", NumericLessThan("s3:TlsVersion", LEAST_TLS)),
        )
    ]


def own_key_only(bucket: Bucket, key_arn: AWSHelperFn) -> list[Statement]:
    """An upload says nothing of encryption (then the bucket's default holds) or names exactly our key.

    Three ways round it: another algorithm, another key, and SSE-KMS without a key, which means the AWS
    managed one. The conditions read headers, and absent ones must not match: hence the ``Null`` tests.
    """
    return [
        _refused(sid, [s3.PutObject], [objects(bucket)], *conditions, _NO_SERVICE)
        for sid, conditions in (
            ("RefuseOtherAlgorithm", (Null(_ALGORITHM, False), StringNotEquals(_ALGORITHM, "aws:kms"))),
            ("RefuseOtherKey", (Null(_KEY, False), StringNotEquals(_KEY, key_arn))),
            ("RefuseManagedKey", (Null(_KEY, True), StringEquals(_ALGORITHM, "aws:kms"))),
        )
    ]


def services_write(bucket: Bucket) -> list[Statement]:
    """Only AWS services add objects, and nobody deletes one: lifecycle rules, which need no right, do."""
    return [
        _refused("RefuseWritingByPeople", [s3.PutObject], [objects(bucket)], _NO_SERVICE),
        _refused("RefuseDeletion", [s3.DeleteObject, s3.DeleteObjectVersion], [objects(bucket)]),
    ]


def delivery(
    sid: str,
    service: str,
    actions: Sequence[Action],
    resource: AWSHelperFn,
    *conditions: ConditionElement,
) -> Statement:
    """An AWS service may do ``actions``, for sources that ``conditions`` name."""
    return Statement(
        Sid=sid,
        Effect=Allow,
        Principal=Principal("Service", service),
        Action=list(actions),
        Resource=[resource],
        Condition=all_of(*conditions),
    )


def from_this_account() -> StringEquals:
    return StringEquals("aws:SourceAccount", Ref("AWS::AccountId"))


def from_sources(arn: str) -> ArnLike:
    """``arn`` may hold wildcards and the pseudo parameters of ``Sub``."""
    return ArnLike("aws:SourceArn", Sub(arn))


def _refused(
    sid: str, actions: Sequence[Action], resources: Sequence[AWSHelperFn], *conditions: ConditionElement
) -> Statement:
    options = {"Condition": all_of(*conditions)} if conditions else {}
    return Statement(
        Sid=sid,
        Effect=Deny,
        Principal=EVERYBODY,
        Action=list(actions),
        Resource=list(resources),
        **options,
    )
