"""Stacks that stand for those the application reads from, and templates rendered with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from troposphere.ssm import Parameter

from blueprint.environment import Environment
from blueprint.layers import application, network, security, storage
from blueprint.render import Rendered, render
from blueprint.stacks.places import Place
from blueprint.stacks.stack import Stack

OUTPUTS = {
    "edge": ("CertificateArn",),
    "database": ("WriterEndpoint", "ReaderEndpoint", "Port", "DatabaseName", "ApplicationSecretArn"),
    "cache": ("CacheEndpoint", "CachePort", "CacheSecretArn"),
    "identity": (
        *("UserPoolId", "Issuer", "JwksUri", "MobileClientId", "WebClientId", "MachineClientId"),
        "SignInDomain",
    ),
}
#: Values as the services make them, so that patterns and rules of parameters hold.
VALUES = {
    "CertificateArn": "arn:aws:acm:eu-west-1:111122223333:certificate/12345678-1234-1234-1234-123456789012",
    "WriterEndpoint": "acme.cluster-abc.eu-west-1.rds.amazonaws.com",
    "ReaderEndpoint": "acme.cluster-ro-abc.eu-west-1.rds.amazonaws.com",
    "Port": "3306",
    "DatabaseName": "acme",
    "ApplicationSecretArn": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:acme/prod/app-AbCdEf",
    "CacheEndpoint": "acme.cache.amazonaws.com",
    "CachePort": "6379",
    "CacheSecretArn": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:acme/prod/cache-AbCdEf",
    "UserPoolId": "eu-west-1_AbCdEfGhI",
    "Issuer": "https://issuer.example.com/eu-west-1_AbCdEfGhI",
    "JwksUri": "https://issuer.example.com/eu-west-1_AbCdEfGhI/.well-known/jwks.json",
    "MobileClientId": "mobile1client",
    "WebClientId": "web1client",
    "MachineClientId": "machine1client",
    "SignInDomain": "auth.shop.example.com",
}


def _stub(name: str, *places: Place) -> Callable[[Environment], list[Stack]]:
    def stacks(env: Environment) -> list[Stack]:
        stack = Stack(name, env, *places, purpose="Stands for a stack of another layer.")
        stack.add(Parameter("Nothing", Type="String", Value="A template needs a resource"))
        for output in OUTPUTS[name]:
            stack.output(output, VALUES[output], "A value")
        return [stack]

    return stacks


LAYERS = {
    "security": security.stacks,
    "network": network.stacks,
    "storage": storage.stacks,
    "edge": _stub("edge", Place.PRIMARY, Place.FIRST_RECOVERY),
    "database": _stub("database", Place.PRIMARY),
    "cache": _stub("cache", Place.PRIMARY, Place.FIRST_RECOVERY),
    "identity": _stub("identity", Place.PRIMARY),
    "application": application.stacks,
}


def rendered(env: Environment) -> Rendered:
    return render(env, LAYERS)


def template(env: Environment) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(rendered(env).bodies["application"])
    return data
