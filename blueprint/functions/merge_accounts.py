"""Keeps one account for one person: who proves the same e-mail address by another way gets the same account.

Cognito calls this before it makes a profile (trigger PreSignUp). Linking an identity to an account means
letting it sign in there, so both sides must have proved that the address is theirs: the identity by a
provider that says so and can be believed, the account by having been confirmed with that address. Whatever
is less than that stays an account of its own, and grants nothing. The function never makes, confirms or
changes an account, and never reads what the caller's app sends along (validationData, clientMetadata).

The reasons are in docs/decisions/0010-accounts-of-one-person.md. Cognito waits five seconds and calls up to
three times, so everything here bears repetition.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

Profile = dict[str, Any]
Identity = tuple[str, str]  # provider and the subject there

#: What stands before "_" in the name of a new profile (in lower case: names of our pools know no case), and
#: what the service calls the provider.
PROVIDERS = {
    "google": "Google",
    "facebook": "Facebook",
    "loginwithamazon": "LoginWithAmazon",
    "signinwithapple": "SignInWithApple",
}
#: Providers that say whether an address is verified, with the form of their subjects. Facebook and Amazon do
#: not say it. The forms hold no capital letters, because the name of the profile has lost them.
TRUSTED = {"Google": r"[0-9]{1,64}", "SignInWithApple": r"[0-9]{6}\.[0-9a-f]{32}\.[0-9]{4}"}
#: Addresses that can be compared safely: ASCII only (letters of other scripts fold into it), and without what
#: means something in a filter. Whoever has another keeps separate accounts.
ADDRESS = r"[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+"
LONGEST_ADDRESS = 128  # characters that AdminGetUser takes as a name
RELAY = "@privaterelay.appleid.com"  # an address that Apple makes for one app: nobody has it elsewhere
# Two calls with a repetition each fit into Cognito's five seconds.
CONFIG = Config(connect_timeout=1, read_timeout=1.2, retries={"mode": "standard", "total_max_attempts": 2})
FAILURES = (ClientError, BotoCoreError)  # refused by the service, or not answered in time

_clients: dict[str, Any] = {}


class Refused(Exception):
    """Sign-up must not go on. The text is shown to the person: it tells nothing about accounts of others."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Return the event, so that sign-up goes on, or raise; its answer never confirms or verifies anything."""
    source = event["triggerSource"]
    attributes = event["request"]["userAttributes"]
    try:
        if source == "PreSignUp_ExternalProvider":
            _external(event["userPoolId"], event["userName"], attributes)
        elif source == "PreSignUp_SignUp":
            _own_password(event["userPoolId"], attributes)
    except FAILURES as error:  # its message may quote what was asked for
        print(f"could not look: {_code(error)}")
        raise Refused("We could not look for your account. Try again.") from None
    return event


def _external(pool: str, name: str, attributes: dict[str, str]) -> None:
    """Somebody's first sign-in through a provider: link it if his account is here already."""
    identity = identity_of(name)
    address = comparable(attributes.get("email", ""))
    if identity is None or not address or not verified(attributes):
        _of_its_own("the provider proves no address")
        return
    owner = _native(pool, address) or _federated(pool, address, besides=identity)
    if owner is None:
        _of_its_own("the address has none")
        return
    _link(pool, owner, identity)


def _of_its_own(why: str) -> None:
    """Let Cognito make an account, as it would for everybody, whoever may sign up with a password."""
    if os.environ.get("INVITED_ONLY"):
        raise Refused("Only invited people can sign in here.")
    print(f"an account of its own: {why}")


def _own_password(pool: str, attributes: dict[str, str]) -> None:
    """Somebody signs up with a password: not if the address has an account through a provider.

    Cognito itself sees to it that no two accounts with passwords have one address.
    """
    address = comparable(attributes.get("email", ""))
    if address and _federated(pool, address):
        raise Refused("An account with this address exists. Sign in the way you did before.")


# -- what can be believed ------------------------------------------------------------------------------------


def identity_of(name: str) -> Identity | None:
    """Provider and subject in the name of a federated profile, if the provider can be believed."""
    prefix, _, subject = name.partition("_")
    provider = PROVIDERS.get(prefix.lower(), "")
    if re.fullmatch(TRUSTED.get(provider, "(?!)"), subject):
        return provider, subject
    return None


def verified(attributes: dict[str, str]) -> bool:
    return str(attributes.get("email_verified", "")).lower() == "true"


def comparable(address: str) -> str:
    """The address in lower case, or nothing where comparing it would not be safe, or of no use."""
    plain = re.fullmatch(ADDRESS, address) is not None and len(address) <= LONGEST_ADDRESS
    return address.lower() if plain and not address.lower().endswith(RELAY) else ""


def _attributes(profile: Profile) -> dict[str, str]:
    return {a["Name"]: a["Value"] for a in profile.get("UserAttributes") or profile.get("Attributes") or ()}


def _has(profile: Profile, address: str) -> bool:
    """Whether the profile has proved that the address is its own."""
    attributes = _attributes(profile)
    return verified(attributes) and comparable(attributes.get("email", "")) == address


def _native(pool: str, address: str) -> Profile | None:
    """The account with a password that has proved the address.

    One that waits for its confirmation counts for nothing: anybody can start a sign-up with anybody's
    address, and a link would wake the password that he chose.
    """
    try:
        profile: Profile = cognito().admin_get_user(UserPoolId=pool, Username=address)
    except ClientError as error:
        if _code(error) == "UserNotFoundException":
            return None
        raise
    if profile["UserStatus"] in ("UNCONFIRMED", "EXTERNAL_PROVIDER") or not _has(profile, address):
        return None
    _may_sign_in(profile)
    if profile["UserStatus"] != "CONFIRMED":  # invited, or told to choose a new password
        raise Refused("Sign in with your e-mail address and password once, then this way.")
    if profile.get("UserMFASettingList"):  # a link would be a way in without it, for whoever has the mailbox
        raise Refused("This account has a second factor. Sign in with your password and that.")
    return profile


def _federated(pool: str, address: str, besides: Identity | None = None) -> Profile | None:
    """The oldest account through a provider that can be believed, with the address proved."""
    found = [
        profile
        for profile in _with_address(pool, address)
        if identity_of(profile["Username"]) not in (None, besides) and _has(profile, address)
    ]
    if not found:
        return None
    oldest = min(found, key=lambda profile: (profile["UserCreateDate"], profile["Username"]))
    _may_sign_in(oldest)
    return oldest


def _with_address(pool: str, address: str) -> Iterator[Profile]:
    pages = cognito().get_paginator("list_users").paginate(UserPoolId=pool, Filter=f'email = "{address}"')
    for page in pages:
        yield from page["Users"]


def _may_sign_in(profile: Profile) -> None:
    if not profile["Enabled"]:  # else whoever was shut out would come back through a provider
        raise Refused("This account is disabled.")


# -- linking -------------------------------------------------------------------------------------------------


def _link(pool: str, owner: Profile, identity: Identity) -> None:
    """Let the identity sign in to the account. Cognito then answers the first sign-in with an error."""
    if identity in _links(owner):
        return
    provider, subject = identity
    try:
        cognito().admin_link_provider_for_user(
            UserPoolId=pool,
            DestinationUser=_destination(owner),
            SourceUser={
                "ProviderName": provider,
                "ProviderAttributeName": "Cognito_Subject",
                "ProviderAttributeValue": subject,
            },
        )
    except FAILURES as error:
        # An earlier call may have linked it and been too slow to answer.
        if identity in _links(cognito().admin_get_user(UserPoolId=pool, Username=owner["Username"])):
            return
        print(f"not linked: {_code(error)}")
        if _code(error) == "LimitExceededException":
            raise Refused("This account has five other sign-ins already, and can have no more.") from None
        raise Refused("Your accounts could not be joined. Try again.") from None
    print(f"linked {provider} to {owner['Username']}")


def _destination(owner: Profile) -> dict[str, str]:
    provider, subject = identity_of(owner["Username"]) or ("Cognito", owner["Username"])
    return {"ProviderName": provider, "ProviderAttributeValue": subject}


def _links(profile: Profile) -> set[Identity]:
    """The identities that can sign in to the account."""
    linked = json.loads(_attributes(profile).get("identities", "[]"))
    return {(link["providerName"], str(link["userId"])) for link in linked}


def _code(error: ClientError | BotoCoreError) -> str:
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else type(error).__name__


def cognito() -> Any:
    """Made when first needed, since most sign-ups need none, and kept for the next call."""
    if "cognito-idp" not in _clients:
        _clients["cognito-idp"] = boto3.client("cognito-idp", config=CONFIG)
    return _clients["cognito-idp"]
