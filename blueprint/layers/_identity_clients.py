"""Clients: the mobile app, the web behind the load balancer, and machines; none has more than it needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from troposphere import GetAtt, Parameter, Ref
from troposphere.cognito import (
    ManagedLoginBranding,
    RefreshTokenRotation,
    ResourceServerScopeType,
    TokenValidityUnits,
    UserPool,
    UserPoolClient,
    UserPoolIdentityProvider,
    UserPoolResourceServer,
)

from blueprint.environment import Environment
from blueprint.stacks.stack import Stack

TOKEN_MINUTES = 60
WEB_SESSION_DAYS = 1  # the load balancer's own session is shorter still
SIGN_IN_MINUTES = 3  # for one sign-in, the least: a stolen half-done one is soon worthless
RETRY_SECONDS = 60  # for which a replaced refresh token still works: answers get lost on mobile networks
#: Where the load balancer has itself called back; it compares in lower case.
CALLBACK = "/oauth2/idpresponse"
SCOPES = {"read": "Read what machines may read", "write": "Write what machines may write"}
_PROFILE = ["openid", "email", "profile"]
# With it users look after their account: change the address, delete the account (which app stores demand).
_OWN_ACCOUNT = "aws.cognito.signin.user.admin"


def add(
    stack: Stack, env: Environment, pool: UserPool, social: Sequence[UserPoolIdentityProvider]
) -> list[UserPoolClient]:
    """The clients, in the order mobile, web, machine."""
    with_pages = {
        "SupportedIdentityProviders": ["COGNITO", *(provider.ProviderName for provider in social)],
        **({"DependsOn": [provider.title for provider in social]} if social else {}),
        "AllowedOAuthFlows": ["code"],
    }
    mobile = _client(
        stack,
        pool,
        "MobileClient",
        "mobile",
        "identity.mobile_callbacks",
        GenerateSecret=False,  # an app cannot keep one; PKCE takes its place
        AllowedOAuthScopes=[*_PROFILE, _OWN_ACCOUNT],
        CallbackURLs=list(env.identity.mobile_callbacks) or [f"https://{env.domain}/signed-in"],
        LogoutURLs=list(env.identity.mobile_callbacks) or [f"https://{env.domain}/signed-out"],
        RefreshTokenValidity=Ref(_session_days(stack, env)),
        RefreshTokenRotation=RefreshTokenRotation(Feature="ENABLED", RetryGracePeriodSeconds=RETRY_SECONDS),
        ExplicitAuthFlows=["ALLOW_USER_AUTH"],  # rotation excludes ALLOW_REFRESH_TOKEN_AUTH
        **with_pages,
    )
    web = _client(
        stack,
        pool,
        "WebClient",
        "web",
        "domain",
        GenerateSecret=True,  # the load balancer needs one and reads it itself
        AllowedOAuthScopes=_PROFILE,
        CallbackURLs=[f"https://{host}{CALLBACK}" for host in (env.api_domain, env.domain)],
        LogoutURLs=[f"https://{host}/" for host in (env.api_domain, env.domain)],
        RefreshTokenValidity=WEB_SESSION_DAYS,
        ExplicitAuthFlows=["ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        **with_pages,
    )
    machine = _machine(stack, env, pool)
    for client in (mobile, web):  # machines see no pages
        stack.add(
            ManagedLoginBranding(
                f"{client.title}Pages",
                UserPoolId=Ref(pool),
                ClientId=GetAtt(client, "ClientId"),
                UseCognitoProvidedValues=True,
            )
        )
    return [mobile, web, machine]


def _machine(stack: Stack, env: Environment, pool: UserPool) -> UserPoolClient:
    server = stack.add(
        UserPoolResourceServer(
            "Api",
            UserPoolId=Ref(pool),
            Identifier=f"https://{env.api_domain}",
            Name="api",
            Scopes=[ResourceServerScopeType(ScopeName=n, ScopeDescription=d) for n, d in SCOPES.items()],
        ),
        setting="domain",
    )
    return _client(
        stack,
        pool,
        "MachineClient",
        "machine",
        "",
        GenerateSecret=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=[f"{server.Identifier}/{scope}" for scope in SCOPES],
        ExplicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH"],  # an empty list would mean Cognito's defaults
        RefreshTokenValidity=WEB_SESSION_DAYS,
        DependsOn=server.title,
    )


def _client(stack: Stack, pool: UserPool, title: str, name: str, setting: str, **own: Any) -> UserPoolClient:
    return stack.add(
        UserPoolClient(
            title,
            ClientName=name,
            UserPoolId=Ref(pool),
            AllowedOAuthFlowsUserPoolClient=True,
            AccessTokenValidity=TOKEN_MINUTES,
            IdTokenValidity=TOKEN_MINUTES,
            TokenValidityUnits=TokenValidityUnits(
                AccessToken="minutes", IdToken="minutes", RefreshToken="days"
            ),
            AuthSessionValidity=SIGN_IN_MINUTES,
            EnableTokenRevocation=True,
            PreventUserExistenceErrors="ENABLED",
            **own,
        ),
        setting,
    )


def _session_days(stack: Stack, env: Environment) -> Parameter:
    return stack.parameter(
        "MobileSessionDays",
        env.identity.session_days,
        kind="Number",
        minimum=1,
        maximum=3650,
        group="Sessions",
        label="Days until the app asks to sign in again",
        description="How long the mobile app stays signed in, in days since it signed in.",
        constraint="A number of days from 1 to 3650.",
    )
