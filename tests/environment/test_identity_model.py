"""What a file may say of its users: names of secrets, addresses to return to, senders, limits."""

from __future__ import annotations

import re
import string
from typing import Any, get_args

import boto3
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from blueprint.environment.identity_checks import MOST_CALLBACKS
from blueprint.environment.identity_model import LONGEST_CALLBACK, Callback, Email, Identity, SecretName
from blueprint.environment.messages import limits
from blueprint.schemas import property_schema

SECRET, CALLBACK = TypeAdapter(SecretName), TypeAdapter(Callback)


def code(kind: TypeAdapter[Any], text: str) -> str:
    """The code with which a value is refused; empty when it is taken."""
    try:
        assert kind.validate_python(text) == text
    except ValidationError as error:
        return error.errors()[0]["type"]
    return ""


# -- secrets -----------------------------------------------------------------------------------------------

ALLOWED = string.ascii_letters + string.digits + "/_+=.@-"  # Secrets Manager, CreateSecret


@given(st.text(ALLOWED + ":}{ ä\n", max_size=40))
@example("")
@example("a" * 255)
@example("a" * 256)
@example("acme/-a1B2c3")
@example("-a1B2c3")
@example("acme/prod/google/")
@example("acme.google.")
@example("g")
def test_a_name_is_one_that_a_dynamic_reference_can_hold_and_no_partial_arn_can_be_mistaken_for(
    text: str,
) -> None:
    looks_like_arn = text[-7:-6] == "-" and text[-6:].isascii() and text[-6:].isalnum()
    fits = not text or (
        set(text) <= set(ALLOWED) and text[0].isalnum() and text[-1] not in "./" and len(text) <= 255
    )
    assert (code(SECRET, text) == "") == (fits and not looks_like_arn)
    assert code(SECRET, text) in ("", "ENV110")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("acme-facebook", ""),
        ("acme-google", "ENV110"),  # six letters after a hyphen, like what ends an ARN
        ("acme-a1b2c3d", ""),
        ("acme-a1B2c3", "ENV110"),
        ("arn:aws:secretsmanager:eu-west-1:111122223333:secret:acme", "ENV110"),
    ],
)
def test_names_and_arns_of_secrets_are_told_apart(text: str, wanted: str) -> None:
    assert code(SECRET, text) == wanted


# -- addresses ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "https://shop.example.com/signed-in",
        "http://localhost/",
        "http://localhost:8080/signed-in",
        "http://localhost",
        "http://localhost:3000",
        "http://127.0.0.1:65535/",
        "http://[::1]:1/signed-in",
        "https://shop.example.com",
        "https://shop.example.com:8443/signed-in",
        "https://localhost:3000/",
        f"https://{'a' * 63}.example/",
        "com.example.shop://signed-in",
        "com.example.shop://",
        "myapp://example",
        "shop+dev://signed-in/~me",
        "datastore://x",  # begins like data, and is another word
        "https://shop.example.com/" + "a" * (1024 - 25),
    ],
)
def test_an_address_that_a_sign_in_can_return_to_is_taken(text: str) -> None:
    assert code(CALLBACK, text) == ""
    assert re.search(Identity.model_json_schema()["properties"]["mobile_callbacks"]["items"]["pattern"], text)


@pytest.mark.parametrize(
    "text",
    [
        "http://shop.example.com/signed-in",  # the code could be read on its way
        "javascript://signed-in/",
        "vbscript://x/",
        "file:///etc/passwd",
        "https://shop.example.com/#here",  # Cognito takes no fragment
        "https://me@shop.example.com/",
        "https://*.example.com/",
        "HTTPS://shop.example.com/",
        "com.example.shop:signed-in",
        "http://localhost:123456/",
        "http://localhost:65536",
        "http://localhost:99999/x",
        "http://localhost:0/",
        "http://localhost:/",
        "http://localhost.evil.com/x",
        "http://localhosted/x",
        "http://localhost@evil.com/x",
        "http://127.0.0.1.evil.com/",
        "http://127.0.0.2/",
        "https:///x",
        "https://-/x",
        "https://-shop.example.com/",
        "https://shop-.example.com/",
        "https://shop..example.com/",
        "https://.example.com/",
        "https://shop/",
        "https://shop.example.com:65536/",
        "https://shop.example.com:99999",
        f"https://{'a' * 64}.example/",
        "https://shop.example.com/" + "a" * (1025 - 25),
        "https://sh\u043ep.example.com/",  # a Cyrillic o
        "https://shop.example.com/?next=/",
        "https://shop.example.com\\@evil.com/",
        "http://",
        "https://",
        "about://blank",
        "blob://x",
        "data://text",
        "ftp://shop.example.com/",
        "intent://signed-in",
        "mailto://x",
        "tel://123",
        "view-source://x",
        "ws://x",
        "wss://x",
        "https://shop.example.com/\n",
        "",
    ],
)
def test_an_address_that_is_none_or_not_safe_is_refused(text: str) -> None:
    assert code(CALLBACK, text) == "ENV111"


def test_callbacks_are_no_longer_and_no_more_than_cognito_takes() -> None:
    cognito = boto3.session.Session().client("cognito-idp", "eu-west-1").meta.service_model
    assert cognito.shape_for("RedirectUrlType").metadata["max"] == LONGEST_CALLBACK
    for urls in ("CallbackURLsListType", "LogoutURLsListType"):  # the app is called back at both
        assert cognito.shape_for(urls).metadata["max"] == MOST_CALLBACKS


# -- senders -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "good", "bad", "wanted"),
    [
        ("from_address", "no-reply@shop.example.com", "shop.example.com", "ENV034"),
        ("ses_region", "us-east-1", "us-east-9", "ENV032"),
        ("ses_region", "eu-west-1", "cn-north-1", "ENV032"),
    ],
)
def test_a_sender_may_be_left_out_and_must_be_right_if_given(
    key: str, good: str, bad: str, wanted: str
) -> None:
    assert getattr(Email.model_validate({key: ""}), key) == ""
    assert getattr(Email.model_validate({key: good}), key) == good
    with pytest.raises(ValidationError) as caught:
        Email.model_validate({key: bad})
    assert [error["type"] for error in caught.value.errors()] == [wanted]


# -- limits ------------------------------------------------------------------------------------------------


def test_passwords_are_as_long_as_cognito_can_demand() -> None:
    low, high = limits(Identity.model_fields["password_length"])
    cognito = property_schema("AWS::Cognito::UserPool", "Policies.PasswordPolicy.MinimumLength")
    assert cognito["minimum"] <= low
    assert high <= cognito["maximum"]


def test_sessions_are_no_longer_than_a_refresh_token_can_live() -> None:
    _, high = limits(Identity.model_fields["session_days"])
    lives = property_schema("AWS::Cognito::UserPoolClient", "RefreshTokenValidity")["maximum"]
    assert high * 86_400 <= lives  # in the smallest unit, seconds


def test_tiers_are_cognitos_but_the_one_without_passkeys() -> None:
    tiers = {tier.upper() for tier in get_args(Identity.model_fields["tier"].annotation)}
    assert {"LITE", *tiers} == set(property_schema("AWS::Cognito::UserPool", "UserPoolTier")["enum"])
    assert "LITE" not in tiers


@pytest.mark.parametrize("key", ["password_length", "session_days"])
def test_one_beyond_a_limit_is_refused(key: str) -> None:
    low, high = limits(Identity.model_fields[key])
    for value in (low, high):
        assert getattr(Identity.model_validate({key: value}), key) == value
    for value in (low - 1, high + 1):
        with pytest.raises(ValidationError):
            Identity.model_validate({key: value})
