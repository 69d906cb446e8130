"""Every provider with every claim, address and state of an account: who is linked, refused, or on his own.

The expected verdict is made here from the decision (docs/decisions/0010), in other words than the function's.
Below: people who come at the same moment.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest

from tests.functions.user_pool import SUB, VICTIM, Cognito, event

OTHER_GOOGLE = "google_200000000000000000001"
OTHER_APPLE = "signinwithapple_000999.ffffffffffffffffffffffffffffffff.1200"

#: First sign-ins as the four providers' events have them: name, and what their mapping sends.
EVENTS: dict[str, tuple[str, dict[str, str]]] = {
    "google": (
        "google_105329048230948230948",
        {"name": "V. Ictim", "given_name": "V.", "family_name": "Ictim", "picture": "https://lh3.example/a"},
    ),
    "apple": ("signinwithapple_001234.0123456789abcdef0123456789abcdef.0123", {"given_name": "V."}),
    "facebook": ("facebook_10158912345678901", {"name": "V. Ictim", "given_name": "V."}),
    "amazon": ("loginwithamazon_amzn1.account.ahd7kj3m2hxq5", {"name": "V. Ictim"}),
}
ALIASES = {"cognito:email_alias": "", "cognito:phone_number_alias": ""}
CLAIMS = ["true", "false", None]
#: Addresses beside the victim's own: whether they are the same for us.
ADDRESSES: dict[str | None, bool] = {
    VICTIM: True,
    VICTIM.upper(): True,
    "Victim@Example.com": True,
    "victim+shop@example.com": False,
    "vic.tim@example.com": False,
    "victim@example.com.evil.example": False,
    "victim@examp1e.com": False,
    "v\u0131ctim@example.com": False,  # a dotless i, which is I in upper case
    "vi\u0441tim@example.com": False,  # a Cyrillic c
    "victim@\u212aexample.com": False,
    "victim@xn--xample-9ua.com": False,
    " victim@example.com": False,
    'x" or email ^= "victim@example.com': False,
    "": False,
    None: False,
}
OWN, REFUSED = "own", "refused"


def natively(**over: Any) -> Callable[[Cognito], object]:
    return lambda pool: pool.add(SUB, **over)


def through(name: str, claim: str = "true", **over: Any) -> Callable[[Cognito], object]:
    return lambda pool: pool.add_federated(name, attributes={"email_verified": claim}, **over)


#: What is there already with the victim's address, and what that means for whoever proves it.
STATES: dict[str, tuple[list[Callable[[Cognito], object]], str]] = {
    "nobody": ([], OWN),
    "a password": ([natively()], SUB),
    "a password, address not proved": ([natively(attributes={"email_verified": "false"})], OWN),
    "a sign-up begun": ([natively(status="UNCONFIRMED", attributes={"email_verified": "false"})], OWN),
    "a sign-up begun, and marked": ([natively(status="UNCONFIRMED")], OWN),
    "invited": ([natively(status="FORCE_CHANGE_PASSWORD")], REFUSED),
    "told to reset": ([natively(status="RESET_REQUIRED")], REFUSED),
    "a second factor": ([natively(UserMFASettingList=["SOFTWARE_TOKEN_MFA"])], REFUSED),
    "shut out": ([natively(Enabled=False)], REFUSED),
    "google": ([through(OTHER_GOOGLE)], OTHER_GOOGLE),
    "apple": ([through(OTHER_APPLE)], OTHER_APPLE),
    "google, not proved": ([through(OTHER_GOOGLE, "false")], OWN),
    "google, shut out": ([through(OTHER_GOOGLE, Enabled=False)], REFUSED),
    "facebook, marked": ([through("facebook_1")], OWN),
    "amazon, marked": ([through("loginwithamazon_amzn1.account.a")], OWN),
    "a provider of yours": ([through("mycompany_1")], OWN),
    "facebook, then google": ([through("facebook_1"), through(OTHER_GOOGLE)], OTHER_GOOGLE),
    "apple, then google": ([through(OTHER_APPLE), through(OTHER_GOOGLE)], OTHER_APPLE),
    "google, and a password": ([through(OTHER_GOOGLE), natively()], SUB),
    "google, and a sign-up begun": ([through(OTHER_GOOGLE), natively(status="UNCONFIRMED")], OTHER_GOOGLE),
}


def verdict(run: Callable[[], Any], refused: type[Exception], pool: Cognito) -> str:
    """What became of a sign-in: refused, on its own, or the account that it was linked to."""
    before = list(pool.links)
    try:
        run()
    except refused:
        assert pool.links == before
        return REFUSED
    new = pool.links[len(before) :]
    return new[0][1] if new else OWN


def cases(invited_only: bool) -> Iterator[tuple[tuple[Any, ...], str]]:
    for provider, claim, (address, same), (state, (_, outcome)) in product(
        EVENTS, CLAIMS, ADDRESSES.items(), STATES.items()
    ):
        proved = provider in ("google", "apple") and claim == "true" and same
        wanted = outcome if proved else OWN
        yield (provider, claim, address, state), REFUSED if invited_only and wanted == OWN else wanted


@pytest.mark.parametrize("invited_only", [False, True])
def test_who_is_let_into_which_account(monkeypatch, load, invited_only):
    if invited_only:
        monkeypatch.setenv("INVITED_ONLY", "true")
    merging, wrong, seen = load("merge_accounts"), [], set()
    for (provider, claim, address, state), wanted in cases(invited_only):
        pool = Cognito()
        for make in STATES[state][0]:
            make(pool)
        merging["_clients"]["cognito-idp"] = pool
        name, sent = EVENTS[provider]
        attributes = {**ALIASES, **sent}
        attributes |= {} if claim is None else {"email_verified": claim}
        attributes |= {} if address is None else {"email": address}
        given = event("PreSignUp_ExternalProvider", name, attributes)
        got = verdict(lambda e=given: merging["handler"](e, None), merging["Refused"], pool)
        seen.add(got)
        if got != wanted:
            wrong.append((provider, claim, address, state, got, wanted))
    assert wrong == []
    outcomes = {SUB, OTHER_GOOGLE, OTHER_APPLE, REFUSED}
    assert seen == (outcomes if invited_only else outcomes | {OWN})


def test_who_may_sign_up_with_a_password(load):
    """Only where the address has an account that proved it; and Cognito knows those with a password."""
    merging, wrong = load("merge_accounts"), []
    for (address, same), (state, (makers, _)) in product(ADDRESSES.items(), STATES.items()):
        pool = Cognito()
        for make in makers:
            make(pool)
        merging["_clients"]["cognito-idp"] = pool
        attributes = {} if address is None else {"email": address, "email_verified": "true"}
        given = event("PreSignUp_SignUp", SUB, attributes)
        got = verdict(lambda e=given: merging["handler"](e, None), merging["Refused"], pool)
        federated = ("google", "apple") if "not proved" not in state else ()
        taken = same and any(word in state for word in federated)
        if got != (REFUSED if taken else OWN):
            wrong.append((address, state, got))
    assert wrong == []


# -- at the same moment ------------------------------------------------------------------------------------


@pytest.fixture
def at_once(cognito, merging):
    """Run first sign-ins that meet at a call, so that none knows of the others; errors by name."""

    def run(call: str, *names: str) -> dict[str, Exception]:
        cognito.meet[call] = threading.Barrier(len(names))
        failed: dict[str, Exception] = {}

        def sign_in(name: str) -> None:
            attributes = {**ALIASES, "email": VICTIM, "email_verified": "true"}
            try:
                merging["handler"](event("PreSignUp_ExternalProvider", name, attributes), None)
            except Exception as error:
                failed[name] = error

        threads = [threading.Thread(target=sign_in, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        del cognito.meet[call]
        return failed

    return run


GOOGLE, APPLE = EVENTS["google"][0], EVENTS["apple"][0]


def test_two_providers_at_once_are_both_linked_to_the_account_with_a_password(cognito, at_once):
    cognito.add(SUB)
    assert at_once("admin_get_user", GOOGLE, APPLE) == {}
    assert {destination for _, destination in cognito.links} == {SUB}
    assert len(cognito.links) == 2


def test_one_sign_in_that_cognito_sends_twice_at_once_is_linked_once(cognito, at_once):
    cognito.add(SUB)
    assert at_once("admin_link_provider_for_user", GOOGLE, GOOGLE) == {}
    assert [destination for _, destination in cognito.links] == [SUB]


def test_the_sixth_of_two_links_at_once_is_refused_and_the_fifth_is_not(cognito, at_once):
    cognito.add(SUB)
    for number in range(4):
        cognito.link(SUB, "Google", str(number))
    failed = at_once("admin_link_provider_for_user", GOOGLE, APPLE)
    assert [str(error)[:23] for error in failed.values()] == ["This account has five o"]
    assert len(cognito.links) == 5


def test_newcomers_at_once_get_an_account_each_and_later_ones_join_the_elder(cognito, at_once, merging):
    """The cost that the decision names: nobody can be linked to what is not there yet."""
    assert at_once("list_users", GOOGLE, APPLE) == {}
    assert cognito.links == []
    cognito.add_federated(GOOGLE)
    cognito.add_federated(APPLE)
    assert at_once("list_users", OTHER_GOOGLE) == {}
    assert [destination for _, destination in cognito.links] == [GOOGLE]
