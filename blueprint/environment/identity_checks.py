"""Rules about users that need more than one field."""

from __future__ import annotations

from collections.abc import Iterator

from blueprint.environment.finding import Check, Finding, repeated
from blueprint.environment.model import Environment

LONGEST_SIGN_IN_DOMAIN = 63  # characters of a user pool's domain
MOST_CALLBACKS = 100  # of an app client (Cognito, CallbackURLsListType)


def _threats_need_plus(env: Environment) -> Iterator[Finding]:
    if env.identity.threat_protection != "off" and env.identity.tier != "plus":
        yield Finding(
            "identity.threat_protection",
            f"Cognito refuses threat protection with tier {env.identity.tier}",
            "set identity.tier: plus (charged for every active user), or threat_protection: off",
            ("identity.tier",),
        )


def _prepared_pools_have_a_domain(env: Environment) -> Iterator[Finding]:
    if env.identity.replication == "prepared" and not env.sign_in_domain:
        yield Finding(
            "identity.replication",
            "a pool that is to be replicated needs a sign-in domain of its own, because one of Cognito's "
            "cannot move to another region",
            "set edge.custom_sign_in: true as well",
            ("edge.custom_sign_in",),
        )


def _sign_in_domain_fits(env: Environment) -> Iterator[Finding]:
    if len(env.sign_in_domain) > LONGEST_SIGN_IN_DOMAIN:
        yield Finding(
            "domain",
            f"{env.sign_in_domain} has {len(env.sign_in_domain)} characters, and Cognito takes "
            f"{LONGEST_SIGN_IN_DOMAIN}",
            "use a shorter domain, or (without a recovery region) edge.custom_sign_in: false",
            ("edge.custom_sign_in",),
        )


def _senders_are_complete(env: Environment) -> Iterator[Finding]:
    if env.identity.email.ses_region and not env.identity.email.from_address:
        yield Finding(
            "identity.email.ses_region",
            "a region of SES is given, and no address to send from",
            "add identity.email.from_address, or remove it",
            ("identity.email.from_address",),
        )


def _callbacks_fit(env: Environment) -> Iterator[Finding]:
    callbacks = env.identity.mobile_callbacks
    yield from repeated("identity.mobile_callbacks", callbacks)
    if len(callbacks) > MOST_CALLBACKS:
        yield Finding(
            f"identity.mobile_callbacks[{MOST_CALLBACKS}]",
            f"{len(callbacks)} addresses are more than the {MOST_CALLBACKS} that Cognito takes",
            "remove some",
        )


def _invited_people_can_come(env: Environment) -> Iterator[Finding]:
    """Who is invited is known by his address; these providers do not say whether one is verified."""
    for name in ("facebook", "amazon"):
        if getattr(env.identity.social, name) and not env.identity.self_sign_up:
            yield Finding(
                f"identity.social.{name}",
                "nobody could sign in with it: only invited people may, and it does not say whether "
                "an address is verified",
                "remove it, or set identity.self_sign_up: true",
                ("identity.self_sign_up",),
            )


IDENTITY_CHECKS: tuple[Check[Environment], ...] = (
    Check("ENV112", "Threat protection has tier plus.", _threats_need_plus),
    Check(
        "ENV113",
        "A pool prepared for a replica has a sign-in domain of its own.",
        _prepared_pools_have_a_domain,
    ),
    Check("ENV114", "The sign-in domain has at most 63 characters.", _sign_in_domain_fits),
    Check("ENV115", "A region of SES comes with an address to send from.", _senders_are_complete),
    Check("ENV116", "Callbacks are listed once, and at most 100.", _callbacks_fit),
    Check("ENV117", "A provider can tell who was invited.", _invited_people_can_come),
)
