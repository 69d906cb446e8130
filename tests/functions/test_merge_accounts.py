"""Accounts of one person: who is let into which account, by whatever way somebody tries.

Every provider, claim, address and state of an account together: test_merge_accounts_together.py.
"""

from __future__ import annotations

import copy
import re
import socket
from time import monotonic
from typing import Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError

from blueprint.layers.shared.functions import inline_code
from tests.functions.user_pool import (
    AMAZON,
    APPLE,
    FACEBOOK,
    GOOGLE,
    LINKABLE,
    NOT_LINKABLE,
    SUB,
    VICTIM,
    error,
    event,
)

TIMEOUT = ReadTimeoutError(endpoint_url=f"https://cognito-idp.eu-west-1.amazonaws.com/?{VICTIM}")


@pytest.fixture
def sign_in(merging):
    """A first sign-in through a provider; returns what Cognito gets back."""

    def run(name: str = GOOGLE, email: str | None = VICTIM, verified: Any = "true", **over: Any) -> Any:
        attributes = {"cognito:email_alias": "", "cognito:phone_number_alias": "", "name": "V. Ictim"}
        attributes |= {} if email is None else {"email": email}
        attributes |= {} if verified is None else {"email_verified": verified}
        return merging["handler"](event("PreSignUp_ExternalProvider", name, attributes, **over), None)

    return run


@pytest.fixture
def sign_up(merging):
    def run(email: str = VICTIM, **over: Any) -> Any:
        return merging["handler"](event("PreSignUp_SignUp", SUB, {"email": email}, **over), None)

    return run


def refused(merging: dict[str, Any], words: str) -> Any:
    return pytest.raises(merging["Refused"], match=words)


# -- one person, two ways to sign in ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        (GOOGLE, "Google_105329048230948230948"),
        (APPLE, "SignInWithApple_001234.0123456789abcdef0123456789abcdef.0123"),
    ],
)
def test_who_signed_up_with_a_password_gets_the_same_account_through_a_provider(
    cognito, sign_in, name, identity
):
    cognito.add(SUB)
    assert sign_in(name)["userName"] == name
    assert cognito.links == [(identity, SUB)]


def test_the_longest_address_that_cognito_can_look_for_is_looked_for(cognito, sign_in):
    longest = f"{'a' * 60}@{'b' * 60}.{'c' * 6}"
    assert len(longest) == 128
    cognito.add(SUB, longest)
    sign_in(email=longest)
    assert [destination for _, destination in cognito.links] == [SUB]


def test_case_does_not_make_another_person(cognito, sign_in):
    cognito.add(SUB, "Victim@Example.com")
    sign_in(email="VICTIM@example.COM")
    assert [destination for _, destination in cognito.links] == [SUB]


def test_names_are_understood_in_both_spellings(cognito, sign_in):
    cognito.add(SUB)
    sign_in(GOOGLE.replace("google", "Google"))
    assert cognito.links == [("Google_105329048230948230948", SUB)]


def test_who_came_through_google_gets_the_same_account_through_apple(cognito, sign_in):
    cognito.add_federated(GOOGLE)
    sign_in(APPLE)
    assert [destination for _, destination in cognito.links] == [GOOGLE]


def test_of_two_accounts_made_at_once_the_older_counts_always(cognito, sign_in):
    cognito.add_federated(APPLE)
    cognito.add_federated("google_2")
    sign_in("google_3")
    assert [destination for _, destination in cognito.links] == [APPLE]


def test_the_account_with_a_password_comes_before_one_of_a_provider(cognito, sign_in):
    cognito.add_federated(APPLE)
    cognito.add(SUB)
    sign_in(GOOGLE)
    assert [destination for _, destination in cognito.links] == [SUB]


@pytest.mark.parametrize("name", [GOOGLE, APPLE, FACEBOOK, AMAZON])
def test_a_new_person_gets_a_new_account_and_nothing_is_linked(cognito, sign_in, name):
    before = event("PreSignUp_ExternalProvider", name, {})["response"]
    assert sign_in(name)["response"] == before
    assert cognito.links == []


def test_who_has_an_account_through_google_is_not_given_a_second_one_with_a_password(
    cognito, merging, sign_up
):
    cognito.add_federated(GOOGLE)
    with refused(merging, "the way you did before") as caught:
        sign_up()
    assert "Google" not in str(caught.value)


def test_a_person_nobody_knows_can_sign_up_and_must_still_confirm(cognito, sign_up):
    assert sign_up()["response"] == {
        "autoConfirmUser": False,
        "autoVerifyEmail": False,
        "autoVerifyPhone": False,
    }
    assert cognito.links == []


def test_administrators_make_what_they_want(cognito, merging):
    cognito.add_federated(GOOGLE)
    given = event("PreSignUp_AdminCreateUser", SUB, {"email": VICTIM, "email_verified": "true"})
    assert merging["handler"](copy.deepcopy(given), None) == given
    assert cognito.calls == []


# -- attackers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NOT_LINKABLE)
@pytest.mark.parametrize("verified", ["true", "false", None])
def test_a_provider_that_verifies_nothing_opens_no_account_whatever_it_says(cognito, sign_in, name, verified):
    cognito.add(SUB)
    sign_in(name, verified=verified)
    assert cognito.calls == []


@pytest.mark.parametrize("name", LINKABLE)
@pytest.mark.parametrize("verified", ["false", None, "", "1", "yes", "truee", "true\n"])
def test_an_address_that_the_provider_did_not_verify_opens_no_account(cognito, sign_in, name, verified):
    cognito.add(SUB)
    sign_in(name, verified=verified)
    assert cognito.calls == []


def test_a_sign_up_that_an_attacker_began_with_the_victims_address_is_never_woken(cognito, sign_in):
    # Its password is the attacker's. It is unconfirmed; even if it said that its address is verified.
    for verified in ("false", "true"):
        cognito.add(SUB, status="UNCONFIRMED", attributes={"email_verified": verified})
        sign_in(GOOGLE)
    assert cognito.links == []


def test_an_attacker_who_only_asks_for_the_victims_address_gets_nothing(cognito, sign_in):
    cognito.add(SUB, attributes={"email_verified": "false"})
    sign_in(GOOGLE)
    assert cognito.links == []


def test_an_account_that_is_found_by_another_address_than_the_one_it_proved_is_not_linked(cognito, sign_in):
    # The attacker's own account, which waits for the code that was sent to the victim.
    cognito.add(SUB, "attacker@example.com", alias=VICTIM)
    sign_in(GOOGLE)
    assert cognito.links == []


@pytest.mark.parametrize("name", NOT_LINKABLE)
def test_the_victim_is_not_lured_into_an_attackers_account_of_another_provider(cognito, sign_in, name):
    # Verified once for the attacker's own address, then renamed at the provider: the flag may be left over.
    cognito.add_federated(name)
    sign_in(GOOGLE)
    assert cognito.links == []


@pytest.mark.parametrize("name", NOT_LINKABLE)
def test_an_unproved_address_at_a_provider_does_not_keep_its_owner_from_signing_up(cognito, sign_up, name):
    cognito.add_federated(name)
    cognito.add_federated("google_7", attributes={"email_verified": "false"})
    assert sign_up()


@pytest.mark.parametrize(
    "address",
    [
        'x" or email ^= "v@example.com',
        f'{VICTIM}" ',
        "vic\\tim@example.com",
        f"{VICTIM}\n",
        f" {VICTIM}",
        f"{VICTIM}, other@example.com",
        "\u212ate@example.com",  # the Kelvin sign, which becomes k in lower case
        "v\u0131ctim@example.com",  # a dotless i
        "victim@ex\u0430mple.com",  # a Cyrillic a
        "victim@example.com\u0000",
        "victim@localhost",
        "@example.com",
        "",
        f"{'a' * 65}@example.com",
        f"{'a' * 60}@{'b' * 60}.{'c' * 7}",  # 129 characters: one more than a name of Cognito's has
        "victim@example.com\uff20",
        "victim\uff20example.com",  # a wide @
        "victim@example\u3002com",  # an ideographic full stop
    ],
)
def test_an_address_that_cannot_be_compared_safely_is_not_compared(cognito, sign_in, sign_up, address):
    cognito.add(SUB, "kte@example.com")
    sign_in(email=address)
    sign_up(email=address)
    assert cognito.calls == []


def test_somebody_without_an_address_gets_an_account_of_his_own(cognito, sign_in):
    sign_in(email=None)
    assert cognito.calls == []


def test_an_address_that_apple_made_is_nobody_elses(cognito, sign_in):
    relay = "abc123@privaterelay.appleid.com"
    cognito.add(SUB, relay)
    sign_in(APPLE, email=relay)
    assert cognito.calls == []


@pytest.mark.parametrize(
    "name",
    [
        "google_12x",
        "google_",
        "google",
        "evil_123",
        "signinwithapple_123",
        "cognito_123",
        f"x{GOOGLE}",
        "google_1_2",
        "google_１２",  # digits of another script  # noqa: RUF001
        "google_1\n",
    ],
)
def test_a_name_of_another_form_is_never_linked(cognito, sign_in, name):
    cognito.add(SUB)
    sign_in(name)
    assert cognito.calls == []


def test_what_the_callers_app_sends_along_changes_nothing(cognito, sign_in, sign_up):
    cognito.add(SUB, status="UNCONFIRMED")
    lies = {"email_verified": "true", "autoConfirm": "true", "link": SUB}
    for run in (sign_in, sign_up):
        answer = run(validationData=lies, clientMetadata=lies)
        assert set(answer["response"].values()) == {False}
    sign_in(FACEBOOK, validationData=lies, clientMetadata=lies)
    assert cognito.links == []


@pytest.mark.parametrize("name", [SUB, GOOGLE])
def test_who_was_shut_out_does_not_come_back_through_a_provider(cognito, merging, sign_in, name):
    status = "CONFIRMED" if name == SUB else "EXTERNAL_PROVIDER"
    cognito.add(name, status=status, Enabled=False)
    with refused(merging, "disabled"):
        sign_in(APPLE)
    assert cognito.links == []


def test_a_link_is_no_way_round_a_second_factor(cognito, merging, sign_in):
    # Whoever has the mailbox can make a Google account for it, and would need no more than that.
    cognito.add(SUB, UserMFASettingList=["SOFTWARE_TOKEN_MFA"], PreferredMfaSetting="SOFTWARE_TOKEN_MFA")
    with refused(merging, "second factor"):
        sign_in(GOOGLE)
    assert cognito.links == []


def test_who_was_not_invited_gets_no_account_through_a_provider_either(
    cognito, merging, sign_in, monkeypatch
):
    # Cognito makes profiles for whoever comes through a provider, also where nobody may sign up.
    monkeypatch.setenv("INVITED_ONLY", "true")
    for name, verified in ((GOOGLE, "true"), (APPLE, "false"), (FACEBOOK, "true"), (AMAZON, None)):
        with refused(merging, "Only invited people"):
            sign_in(name, verified=verified)
    cognito.add(SUB)
    sign_in(GOOGLE)
    assert [destination for _, destination in cognito.links] == [SUB]


@pytest.mark.parametrize(
    "status", ["FORCE_CHANGE_PASSWORD", "RESET_REQUIRED", "COMPROMISED", "ARCHIVED", "UNKNOWN"]
)
def test_an_account_that_waits_for_a_password_is_neither_linked_nor_doubled(
    cognito, merging, sign_in, status
):
    cognito.add(SUB, status=status)
    with refused(merging, "password once"):
        sign_in(GOOGLE)
    assert cognito.links == []


def test_nothing_is_shown_or_logged_that_tells_an_address(cognito, merging, sign_in, sign_up, capsys):
    cognito.add(SUB)
    sign_in(GOOGLE)
    cognito.fail["admin_link_provider_for_user"] = [error("InternalErrorException")]
    with refused(merging, "Try again") as caught:
        sign_in(APPLE)
    cognito.users.clear()
    cognito.add_federated(GOOGLE)
    with refused(merging, "before") as other:
        sign_up()
    said = capsys.readouterr().out + str(caught.value) + str(other.value)
    assert "example.com" not in said
    assert "linked Google" in said


# -- when the service is slow, full or down ---------------------------------------------------------------


@pytest.mark.parametrize("destination", [SUB, APPLE])
def test_cognitos_second_call_finds_the_link_of_the_first(cognito, sign_in, destination):
    cognito.add(destination, status="CONFIRMED" if destination == SUB else "EXTERNAL_PROVIDER")
    for _ in range(3):
        sign_in(GOOGLE)
    assert len(cognito.links) == 1
    assert cognito.calls.count("admin_link_provider_for_user") == 1


def test_a_profile_that_an_earlier_call_led_to_is_not_linked_to_itself(cognito, sign_in):
    cognito.add_federated(GOOGLE)
    sign_in(GOOGLE)
    assert "admin_link_provider_for_user" not in cognito.calls


@pytest.mark.parametrize("fault", [error("InternalErrorException"), TIMEOUT])
def test_a_link_whose_answer_was_lost_counts(cognito, sign_in, monkeypatch, fault):
    cognito.add(SUB)
    link = cognito.admin_link_provider_for_user

    def lost(**request: Any) -> None:
        link(**request)
        raise fault

    monkeypatch.setattr(cognito, "admin_link_provider_for_user", lost)
    assert sign_in(GOOGLE)
    assert len(cognito.links) == 1


def test_the_sixth_link_is_refused_in_words(cognito, merging, sign_in):
    cognito.add(SUB)
    for number in range(5):
        cognito.link(SUB, "Google", str(number))
    with refused(merging, "five other sign-ins"):
        sign_in(GOOGLE)
    assert len(cognito.links) == 5


@pytest.mark.parametrize("call", ["admin_get_user", "list_users", "admin_link_provider_for_user"])
@pytest.mark.parametrize(
    "fault", [error("TooManyRequestsException"), error("AccessDeniedException"), TIMEOUT]
)
def test_a_call_that_fails_stops_the_sign_in_instead_of_making_a_second_account(
    cognito, merging, sign_in, call, fault
):
    cognito.add(SUB) if call != "list_users" else cognito.add_federated(APPLE)
    cognito.fail[call] = [fault]
    with refused(merging, "Try again") as caught:
        sign_in(GOOGLE)
    assert VICTIM not in str(caught.value)
    assert cognito.links == []
    assert sign_in(GOOGLE)
    assert len(cognito.links) == 1


def test_every_page_of_profiles_is_read(cognito, merging, sign_up):
    for number in range(4):
        cognito.add_federated(f"facebook_{number}")
    cognito.add_federated(GOOGLE)
    with refused(merging, "before"):
        sign_up()


def test_a_service_that_does_not_answer_is_told_before_cognito_gives_up(load, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "nobody's")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        merging = load("merge_accounts")
        attributes = {"email": VICTIM, "email_verified": "true"}
        began = monotonic()
        with refused(merging, "Try again"):
            merging["handler"](event("PreSignUp_ExternalProvider", GOOGLE, attributes), None)
        assert monotonic() - began < 5


def test_two_calls_and_their_repetition_fit_into_five_seconds(merging):
    config = merging["CONFIG"]
    attempt = config.read_timeout
    assert config.retries == {"mode": "standard", "total_max_attempts": 2}
    assert 2 * 2 * attempt < 5


def test_the_function_looks_and_links_and_does_nothing_else():
    code = inline_code("merge_accounts")
    operations = boto3.session.Session().client("cognito-idp", "eu-west-1").meta.method_to_api_mapping
    used = {name for name in operations if re.search(rf"\b{name}\b", code)}
    assert used == {"admin_get_user", "admin_link_provider_for_user", "list_users"}
    for name in ("autoConfirmUser", "autoVerifyEmail", '"response"'):
        assert name not in code.replace('error.response["Error"]', "")
