"""What an environment file may say of its users: how they sign in, and how well they are protected."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from blueprint.environment import formats
from blueprint.environment.formats import refuse
from blueprint.environment.regions import ZONES
from blueprint.environment.section import Section, Whole, YesNo

#: Characters of Secrets Manager for names, less "." and "/" at the ends and what no dynamic reference holds.
_NAME = r"[A-Za-z0-9]([A-Za-z0-9/_+=@.-]{0,253}[A-Za-z0-9_+=@-])?"
_ARN_SUFFIX = re.compile(r"-[A-Za-z0-9]{6}")
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_PATH = r"[A-Za-z0-9/_.~-]*"
#: Schemes that a browser, or the telephone itself, answers: no app can have them for its own.
_OF_BROWSERS = (
    r"(about|blob|chrome|content|data|file|filesystem|ftp|https?|intent|javascript|mailto|sms|tel|vbscript"
    r"|view-source|wss?):"
)
#: https, or a scheme of the app's own. Plain http only on the developer's machine: codes would be readable.
CALLBACK = (
    rf"(https://(localhost|({_LABEL}\.)+{_LABEL})|http://(localhost|127\.0\.0\.1|\[::1\]))"
    rf"(:[1-9][0-9]{{0,4}})?(/{_PATH})?|(?!{_OF_BROWSERS})[a-z][a-z0-9+.-]*://{_PATH}"
)
LONGEST_CALLBACK = 1024  # characters (Cognito, RedirectUrlType)
HIGHEST_PORT = 65535


def _mail(text: str) -> str:
    return formats.mail(text) if text else text


def _region(text: str) -> str:
    return formats.region(text) if text else text


def _secret_name(text: str) -> str:
    if text and not re.fullmatch(_NAME, text):
        refuse("ENV110", "is not the name of a secret in Secrets Manager", "for instance acme/prod/google")
    if _ARN_SUFFIX.fullmatch(text[-7:]):
        refuse(
            "ENV110",
            "ends like the random part of a secret's ARN, which Secrets Manager would look for",
            "give the secret a name with another end, for instance acme/prod/google",
        )
    return text


def _callback(text: str) -> str:
    if len(text) > LONGEST_CALLBACK:
        refuse("ENV111", f"is longer than the {LONGEST_CALLBACK} that Cognito takes", "shorten it")
    port = re.match(r"https?://[^/]*:([0-9]+)(/|$)", text)
    if not re.fullmatch(CALLBACK, text) or (port and int(port[1]) > HIGHEST_PORT):
        refuse(
            "ENV111",
            "is not an address that a sign-in can return to",
            "use https://, the app's own scheme (com.example.shop://signed-in), or http://localhost",
        )
    return text


OptionalMail = Annotated[str, AfterValidator(_mail)]
OptionalRegion = Annotated[str, AfterValidator(_region), Field(json_schema_extra={"enum": ["", *ZONES]})]
SecretName = Annotated[
    str,
    AfterValidator(_secret_name),
    Field(
        json_schema_extra={
            "pattern": f"^({_NAME})?$",
            "patternErrorMessage": "name of a secret, not its ARN",
        }
    ),
]
Callback = Annotated[
    str,
    AfterValidator(_callback),
    Field(json_schema_extra={"pattern": f"^({CALLBACK})$", "maxLength": LONGEST_CALLBACK}),
]


class Social(Section):
    """Sign-in with accounts from elsewhere: each is off until the secret with its credentials is named."""

    google: SecretName = Field(
        default="",
        examples=["acme/prod/google"],
        description="Secret with client_id and client_secret of Google.",
    )
    facebook: SecretName = Field(
        default="",
        examples=["acme/prod/facebook"],
        description="Secret with client_id and client_secret of Facebook. Facebook does not say whether an "
        "address is verified, so its accounts are never merged.",
    )
    apple: SecretName = Field(
        default="",
        examples=["acme/prod/apple"],
        description="Secret with client_id (services id), team_id, key_id and private_key of Apple.",
    )
    amazon: SecretName = Field(
        default="",
        examples=["acme/prod/amazon"],
        description="Secret with client_id and client_secret of Login with Amazon. Amazon does not say "
        "whether an address is verified, so its accounts are never merged.",
    )


class Email(Section):
    """Who sends confirmation and recovery codes."""

    from_address: OptionalMail = Field(
        default="",
        examples=["no-reply@shop.example.com"],
        description="Sender of codes, through SES: its domain must be a verified identity there, out of the "
        "sandbox. Without it Cognito sends them, about 50 a day: enough to try, not to go live.",
    )
    ses_region: OptionalRegion = Field(
        default="",
        examples=["eu-west-1"],
        description="Region of the SES identity, where it is not the environment's.",
    )


class Identity(Section):
    """Users: how they sign up and in, and what protects their accounts."""

    tier: Literal["essentials", "plus"] = Field(
        default="essentials",
        description="Feature plan of the user pool. plus adds threat protection and is charged for every "
        "active user. lite is not offered: it has no passkeys, no managed login and no replica.",
    )
    replication: Literal["by-recovery", "prepared", "never"] = Field(
        default="by-recovery",
        description="Whether the pool can get a replica in another region: with a recovery region; prepared "
        "before there is one; or never. Decided when the pool is made: a later change ends every session.",
    )
    deletion_protection: YesNo = Field(
        default=True, description="Whether Cognito refuses to delete the pool with all its users."
    )
    self_sign_up: YesNo = Field(
        default=True,
        description="Whether people may sign themselves up, or administrators only invite them; who was "
        "invited can then come through Google or Apple as well.",
    )
    mfa: Literal["off", "optional", "required"] = Field(
        default="optional",
        description="A second factor (an authenticator app, or a passkey that verifies its user) for those "
        "who sign in with a password. Social providers ask for their own, and none is linked to an account "
        "that has one.",
    )
    passkeys: YesNo = Field(default=True, description="Whether people may sign in with passkeys.")
    password_length: Whole = Field(
        default=12, ge=8, le=99, description="Shortest password, in characters, 8 to 99."
    )
    threat_protection: Literal["off", "audit", "enforced"] = Field(
        default="off",
        description="Detection of leaked passwords and unusual sign-ins: only recorded, or acted upon. "
        "Needs tier plus.",
    )
    session_days: Whole = Field(
        default=30,
        ge=1,
        le=3650,
        description="Days after which the mobile app asks to sign in again, 1 to 3650.",
    )
    mobile_callbacks: tuple[Callback, ...] = Field(
        default=(),
        examples=[["com.example.shop://signed-in"]],
        description="Addresses that the app is called back at, 100 at most. Without any, "
        "https://<domain>/signed-in, to be claimed as a universal link (iOS) or app link (Android); a scheme "
        "of the app's own can be claimed by another app on the telephone, too.",
    )
    social: Social = Field(default=Social())
    email: Email = Field(default=Email())
