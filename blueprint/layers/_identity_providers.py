"""Social providers: what each needs, and which of its claims become attributes.

Credentials stay in Secrets Manager. CloudFormation reads a secret again only when the template or a
parameter changes, so each provider has a parameter with the version to read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from troposphere import AWSHelperFn, Ref, Sub
from troposphere.cognito import UserPool, UserPoolIdentityProvider

from blueprint.environment import Environment
from blueprint.stacks.stack import Stack


@dataclass(frozen=True)
class Provider:
    """A provider as Cognito names it. ``mapping`` is attribute of ours -> claim of theirs.

    ``email_verified`` stands in it where the provider has such a claim; only those can be merged.
    """

    key: str  # of identity.social
    kind: str
    scopes: str
    mapping: Mapping[str, str]
    credentials: tuple[str, ...] = ("client_id", "client_secret")
    details: Mapping[str, str] = field(default_factory=dict)


#: Values from CreateIdentityProvider of the Cognito API and its guide's table of attributes by provider.
PROVIDERS = (
    Provider(
        "google",
        "Google",
        "email profile openid",
        {
            "email": "email",
            "email_verified": "email_verified",
            "name": "name",
            "given_name": "given_name",
            "family_name": "family_name",
            "picture": "picture",
        },
    ),
    Provider(
        "facebook",
        "Facebook",
        "public_profile,email",
        {"email": "email", "name": "name", "given_name": "first_name", "family_name": "last_name"},
        details={"api_version": "${FacebookApiVersion}"},
    ),
    Provider(
        "apple",
        "SignInWithApple",
        "email name",
        {
            "email": "email",
            "email_verified": "email_verified",
            "given_name": "firstName",
            "family_name": "lastName",
        },
        credentials=("client_id", "team_id", "key_id", "private_key"),
    ),
    Provider("amazon", "LoginWithAmazon", "profile", {"email": "email", "name": "name"}),
)


def wanted(env: Environment) -> list[tuple[Provider, str]]:
    """Providers whose secret is named, with its name."""
    named = ((provider, getattr(env.identity.social, provider.key)) for provider in PROVIDERS)
    return [(provider, secret) for provider, secret in named if secret]


def can_be_merged(env: Environment) -> bool:
    """Whether a provider is wanted that says which addresses are verified."""
    return any("email_verified" in provider.mapping for provider, _ in wanted(env))


def add(stack: Stack, env: Environment, pool: UserPool) -> list[UserPoolIdentityProvider]:
    return [_add(stack, pool, provider, secret) for provider, secret in wanted(env)]


def _add(stack: Stack, pool: UserPool, provider: Provider, secret: str) -> UserPoolIdentityProvider:
    stack.require_secret(
        secret,
        f"Credentials of {provider.kind} for the user pool: a JSON object with "
        f"{', '.join(provider.credentials)}. In the region of stack {stack.stack_name}.",
    )
    if provider.key == "facebook":
        _api_version(stack)
    version = _version(stack, provider)
    return stack.add(
        UserPoolIdentityProvider(
            f"{provider.kind}Provider",
            UserPoolId=Ref(pool),
            ProviderName=provider.kind,
            ProviderType=provider.kind,
            ProviderDetails={
                **{name: _from_secret(secret, name, version) for name in provider.credentials},
                "authorize_scopes": provider.scopes,
                **{name: Sub(value) for name, value in provider.details.items()},
            },
            AttributeMapping={**provider.mapping, "username": _SUBJECTS[provider.kind]},
        ),
        setting=f"identity.social.{provider.key}",
    )


_SUBJECTS = {"Google": "sub", "Facebook": "id", "SignInWithApple": "sub", "LoginWithAmazon": "user_id"}


def _from_secret(secret: str, name: str, version: str) -> AWSHelperFn:
    """A dynamic reference to one value of the secret; without a version it reads the current one."""
    return Sub(f"{{{{resolve:secretsmanager:{secret}:SecretString:{name}::${{{version}}}}}}}")


def _version(stack: Stack, provider: Provider) -> str:
    name = f"{provider.kind}Version"
    stack.parameter(
        name,
        "",
        pattern="([A-Za-z0-9-]{32,64})?",
        group="Social providers",
        label=f"Version of {provider.kind}'s secret",
        description="Version id of the secret to read. After changing the secret, put its new version id "
        "here: without a changed value CloudFormation does not read it again. Empty reads the current one.",
        constraint="A version id of Secrets Manager, or nothing.",
    )
    return name


def _api_version(stack: Stack) -> None:
    stack.parameter(
        "FacebookApiVersion",
        "v24.0",
        pattern=r"v[0-9]{1,3}\.[0-9]",
        group="Social providers",
        label="Version of Facebook's API",
        description="Version of the Graph API to call. Facebook retires one about two years after it came.",
        constraint="A version such as v24.0.",
    )
