"""What each statement of a bucket policy refuses and lets in, taken by itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from awacs import s3
from awacs.aws import Bool, PolicyDocument, Statement
from troposphere import Ref, encode_to_dict
from troposphere.s3 import Bucket

from blueprint.layers.shared import bucket_policies as policies
from tests.layers.policy import ACCOUNT, OTHER_ACCOUNT, REGION, Request, arn_of, verdict

BUCKET = Bucket("Files")
ARN = arn_of("Files")
OBJECT = f"{ARN}/a/b"
ADMIN = f"arn:aws:iam::{ACCOUNT}:role/admin"
SERVICE = "delivery.logs.amazonaws.com"
ALGORITHM, KEY = policies._ALGORITHM, policies._KEY


def policy(*statements: Statement) -> Any:
    document = PolicyDocument(Version="2012-10-17", Statement=list(statements))
    return json.loads(json.dumps(encode_to_dict(document)))


def asks(document: Any, who: str, action: str, resource: str = OBJECT, **context: str) -> str:
    names = {"tls": "aws:SecureTransport", "version": "s3:TlsVersion", "algorithm": ALGORITHM, "key": KEY}
    keys = {names[name]: value for name, value in context.items()}
    return verdict(document, Request(who, f"s3:{action}", resource, keys))


@pytest.mark.parametrize("who", [ADMIN, SERVICE], ids=["a person", "a service"])
@pytest.mark.parametrize(
    ("action", "resource"), [("ListBucket", ARN), ("GetObject", OBJECT), ("New", OBJECT)]
)
@pytest.mark.parametrize(
    ("context", "answer"),
    [
        ({"tls": "false"}, "deny"),
        ({"version": "1.1"}, "deny"),
        ({"version": "1.2"}, "nothing"),
        ({}, "nothing"),
    ],
    ids=["without TLS", "TLS 1.1", "TLS 1.2", "TLS 1.3"],
)
def test_everything_is_asked_over_tls_by_everybody(who, action, resource, context, answer):
    assert asks(policy(*policies.tls_only(BUCKET)), who, action, resource, **context) == answer


def test_another_bucket_is_none_of_its_business():
    document = policy(*policies.tls_only(BUCKET))
    assert asks(document, ADMIN, "GetObject", f"{ARN}2/a", tls="false") == "nothing"


@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        ({}, "nothing"),
        ({"algorithm": "aws:kms", "key": arn_of("Key")}, "nothing"),
        ({"algorithm": "aws:kms", "key": arn_of("Other")}, "deny"),
        ({"key": arn_of("Other")}, "deny"),
        ({"algorithm": "aws:kms"}, "deny"),
        ({"algorithm": "AES256"}, "deny"),
        ({"algorithm": "aws:kms:dsse", "key": arn_of("Key")}, "deny"),
    ],
    ids=["none", "our key", "another key", "another key alone", "AWS's key", "S3's key", "another algorithm"],
)
def test_an_upload_names_our_key_or_none(headers, answer):
    document = policy(*policies.own_key_only(BUCKET, Ref(arn_of("Key"))))
    assert asks(document, ADMIN, "PutObject", **headers) == answer
    assert asks(document, ADMIN, "GetObject", **headers) == "nothing"
    assert asks(document, SERVICE, "PutObject", **headers) == "nothing"  # services go by rules of their own


def test_only_services_write_and_nobody_deletes():
    document = policy(*policies.services_write(BUCKET))
    assert asks(document, ADMIN, "PutObject") == "deny"
    assert asks(document, SERVICE, "PutObject") == "nothing"
    for who in (ADMIN, SERVICE):
        assert asks(document, who, "DeleteObject") == "deny"
        assert asks(document, who, "DeleteObjectVersion") == "deny"
        assert asks(document, who, "GetObject") == "nothing"


# -- deliveries ----------------------------------------------------------------------------------------


@pytest.fixture
def delivered() -> Any:
    return policy(
        policies.delivery(
            "Logs",
            SERVICE,
            [s3.PutObject],
            policies.objects_of_account(BUCKET, "elb/"),
            policies.from_this_account(),
            policies.from_sources("arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:*"),
        )
    )


def delivers(document: Any, account: str = ACCOUNT, source: str = ACCOUNT, **over: str) -> str:
    context = {
        "aws:SourceAccount": account,
        "aws:SourceArn": f"arn:aws:logs:{REGION}:{source}:x",
    }
    request = {"who": SERVICE, "action": "s3:PutObject", "resource": f"{ARN}/elb/{ACCOUNT}/x", **over}
    return verdict(document, Request(**request, context=context))


def test_a_service_delivers_for_our_sources(delivered):
    assert delivers(delivered) == "allow"


def test_it_does_not_deliver_for_others_as_a_confused_deputy(delivered):
    assert delivers(delivered, account=OTHER_ACCOUNT) == "nothing"
    assert delivers(delivered, source=OTHER_ACCOUNT) == "nothing"


@pytest.mark.parametrize(
    "over",
    [
        {"who": "s3.amazonaws.com"},
        {"who": ADMIN},
        {"action": "s3:GetObject"},
        {"resource": f"{ARN}/s3/{ACCOUNT}/x"},
        {"resource": f"{ARN}/elb/{OTHER_ACCOUNT}/x"},
    ],
    ids=["another service", "a person", "another action", "another prefix", "another account's prefix"],
)
def test_it_lets_in_nobody_and_nothing_else(delivered, over):
    assert delivers(delivered, **over) == "nothing"


def test_every_condition_of_a_delivery_stays():
    """awacs would keep the last of two with one operator."""
    statement = policies.delivery(
        "Logs", SERVICE, [s3.PutObject], policies.objects(BUCKET), Bool("a", True), Bool("b", False)
    )
    (made,) = policy(statement)["Statement"]
    assert made["Condition"] == {"Bool": {"a": True, "b": False}}
