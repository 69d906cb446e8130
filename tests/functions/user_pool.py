"""A user pool with the service's rules as far as merging accounts meets them, and the events that it sends.

Events have the form of recorded ones: names in lower case as in pools that know no case, text for booleans,
and empty aliases.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import ClientError

POOL = "eu-west-1_AbCdEfGhI"
VICTIM = "victim@example.com"
SUB = "62a5f4d4-9031-70f4-1b8e-4f0f3a9f0001"
GOOGLE = "google_105329048230948230948"
APPLE = "signinwithapple_001234.0123456789abcdef0123456789abcdef.0123"
FACEBOOK = "facebook_10158912345678901"
AMAZON = "loginwithamazon_amzn1.account.ahd7kj3m2hxq5"
EPOCH = datetime(2026, 1, 1, tzinfo=timezone.utc)
LINKABLE = [GOOGLE, APPLE]
NOT_LINKABLE = [FACEBOOK, AMAZON]


def error(code: str, operation: str = "AdminLinkProviderForUser") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": f"about {VICTIM}"}}, operation)


@dataclass
class Cognito:
    """A pool whose names are addresses in any case. ``fail`` holds errors for the next calls, by name."""

    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)  # source, destination
    fail: dict[str, list[Exception]] = field(default_factory=dict)
    meet: dict[str, threading.Barrier] = field(
        default_factory=dict
    )  # where calls at once wait for each other
    lock: threading.Lock = field(default_factory=threading.Lock)
    page: int = 1

    def add(self, name: str, email: str = VICTIM, *, status: str = "CONFIRMED", **over: Any) -> str:
        attributes = {"sub": name, "email": email, "email_verified": "true", **over.pop("attributes", {})}
        self.users[name] = {
            "Username": name,
            "UserStatus": status,
            "Enabled": True,
            "UserCreateDate": EPOCH + timedelta(days=len(self.users)),
            "attributes": attributes,
            **over,
        }
        return name

    def add_federated(self, name: str, email: str = VICTIM, **over: Any) -> str:
        return self.add(name, email, status="EXTERNAL_PROVIDER", **over)

    def _called(self, name: str, **request: Any) -> None:
        self.calls.append(name)
        assert request.pop("UserPoolId") == POOL
        assert [fault for key, text in request.items() for fault in misfits(name, key, text)] == []
        if name in self.meet:
            self.meet[name].wait(timeout=5)
        if self.fail.get(name):
            raise self.fail[name].pop(0)

    def _shown(self, user: dict[str, Any], attributes: str) -> dict[str, Any]:
        pairs = [{"Name": k, "Value": v} for k, v in user["attributes"].items()]
        return {**{k: v for k, v in user.items() if k != "attributes"}, attributes: pairs}

    def admin_get_user(self, UserPoolId: str, Username: str) -> dict[str, Any]:
        self._called("admin_get_user", UserPoolId=UserPoolId, Username=Username)
        for user in self.users.values():
            native = user["UserStatus"] != "EXTERNAL_PROVIDER"
            same = Username.lower() in (user["attributes"]["email"].lower(), user.get("alias", "").lower())
            if user["Username"] == Username or (native and same):
                return self._shown(user, "UserAttributes")
        raise error("UserNotFoundException", "AdminGetUser")

    def get_paginator(self, name: str) -> Any:
        assert name == "list_users"
        cognito = self

        class Paginator:
            def paginate(self, UserPoolId: str, Filter: str) -> Iterator[dict[str, Any]]:
                cognito._called("list_users", UserPoolId=UserPoolId, Filter=Filter)
                users = [
                    u for u in cognito.users.values() if Filter == f'email = "{u["attributes"]["email"]}"'
                ]
                for start in range(0, len(users), cognito.page):
                    shown = [cognito._shown(u, "Attributes") for u in users[start : start + cognito.page]]
                    yield {"Users": shown}

        return Paginator()

    def admin_link_provider_for_user(
        self, UserPoolId: str, DestinationUser: dict[str, str], SourceUser: dict[str, str]
    ) -> None:
        self._called("admin_link_provider_for_user", UserPoolId=UserPoolId)
        assert SourceUser["ProviderAttributeName"] == "Cognito_Subject"
        source = (SourceUser["ProviderName"], SourceUser["ProviderAttributeValue"])
        provider, value = DestinationUser["ProviderName"], DestinationUser["ProviderAttributeValue"]
        name = value if provider == "Cognito" else f"{provider.lower()}_{value}"
        self.link(name, *source)

    def link(self, name: str, provider: str, subject: str) -> None:
        attributes = self.users[name]["attributes"]
        with self.lock:
            linked = json.loads(attributes.get("identities", "[]"))
            if [provider, subject] in [[link["providerName"], link["userId"]] for link in linked]:
                raise error("InvalidParameterException")  # "Merge is not currently supported ..."
            if len(linked) == 5:
                raise error("LimitExceededException")
            linked.append({"userId": subject, "providerName": provider, "providerType": provider})
            attributes["identities"] = json.dumps(linked)
            self.links.append((f"{provider}_{subject}", name))


@cache
def _model() -> Any:
    return boto3.session.Session().client("cognito-idp", "eu-west-1").meta


def misfits(method: str, parameter: str, text: str) -> list[str]:
    """What the service would refuse in a parameter: its length, for instance."""
    operation = _model().method_to_api_mapping[method]
    shape = _model().service_model.operation_model(operation).input_shape.members[parameter]
    wrong = len(text) > shape.metadata.get("max", len(text)) or len(text) < shape.metadata.get("min", 0)
    return [f"{operation} {parameter}: {len(text)} characters"] if wrong else []


def event(source: str, name: str, attributes: dict[str, str], **request: Any) -> dict[str, Any]:
    return {
        "version": "1",
        "region": "eu-west-1",
        "userPoolId": POOL,
        "userName": name,
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "1example23456789"},
        "triggerSource": source,
        "request": {"userAttributes": attributes, "validationData": {}, **request},
        "response": {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False},
    }
