"""What does not go together for users, each beside a neighbour that does."""

from __future__ import annotations

from typing import Any

import pytest

from blueprint.environment.checks import CHECKS
from blueprint.environment.finding import Finding
from blueprint.environment.identity_checks import IDENTITY_CHECKS
from blueprint.environment.messages import all_keys
from blueprint.environment.model import Environment
from tests.conftest import LEAST, RECOVERY, merged

SIGN_IN = {"edge": {"custom_sign_in": True}}


def domain(length: int) -> dict[str, str]:
    return {"domain": f"{'a' * 40}.{'b' * (length - 49)}.example"}


def identity(**values: Any) -> dict[str, Any]:
    return {"identity": values}


BROKEN: list[
    tuple[str, str, dict[str, Any], dict[str, Any]]
] = [  # code, field, what breaks it, what does not
    *(
        (
            "ENV112",
            "identity.threat_protection",
            identity(threat_protection=kind),
            identity(threat_protection=kind, tier="plus"),
        )
        for kind in ("audit", "enforced")
    ),
    (
        "ENV113",
        "identity.replication",
        identity(replication="prepared"),
        {**identity(replication="prepared"), **SIGN_IN},
    ),
    (
        "ENV113",
        "identity.replication",
        identity(replication="prepared"),
        {**identity(replication="prepared"), **RECOVERY},
    ),
    ("ENV113", "identity.replication", identity(replication="prepared"), identity(replication="by-recovery")),
    ("ENV114", "domain", {**domain(59), **SIGN_IN}, {**domain(58), **SIGN_IN}),
    ("ENV114", "domain", {**domain(59), **RECOVERY}, {**domain(58), **RECOVERY}),
    ("ENV114", "domain", {**domain(59), **SIGN_IN}, domain(59)),
    (
        "ENV115",
        "identity.email.ses_region",
        identity(email={"ses_region": "us-east-1"}),
        identity(email={"ses_region": "us-east-1", "from_address": "a@shop.example.com"}),
    ),
    (
        "ENV115",
        "identity.email.ses_region",
        identity(email={"ses_region": "us-east-1"}),
        identity(email={"from_address": "a@shop.example.com"}),
    ),
    (
        "ENV116",
        "identity.mobile_callbacks[2]",
        identity(mobile_callbacks=["a://x", "b://x", "a://x"]),
        identity(mobile_callbacks=["a://x", "b://x", "a://y"]),
    ),
    (
        "ENV116",
        "identity.mobile_callbacks[100]",
        identity(mobile_callbacks=[f"a://{number}" for number in range(101)]),
        identity(mobile_callbacks=[f"a://{number}" for number in range(100)]),
    ),
    *(
        (
            "ENV117",
            f"identity.social.{name}",
            identity(self_sign_up=False, social={name: "acme/x", "google": "acme/g", "apple": "acme/a"}),
            identity(self_sign_up=False, social={"google": "acme/g", "apple": "acme/a"}),
        )
        for name in ("facebook", "amazon")
    ),
]


def findings(over: dict[str, Any]) -> dict[str, list[Finding]]:
    env = Environment.model_validate(merged(LEAST, over))
    found = {check.code: list(check.find(env)) for check in CHECKS}
    return {code: listed for code, listed in found.items() if listed}


@pytest.mark.parametrize(("code", "field", "wrong", "right"), BROKEN)
def test_what_does_not_go_together_is_blamed_and_its_neighbour_is_not(
    code: str, field: str, wrong: dict[str, Any], right: dict[str, Any]
) -> None:
    found = findings(wrong)
    assert {key: [f.field for f in listed] for key, listed in found.items()} == {code: [field]}
    [finding] = found[code]
    assert {finding.field.split("[")[0], *finding.reads} <= set(all_keys(Environment))
    assert findings(right) == {}


def test_every_rule_about_users_is_shown_broken() -> None:
    assert {check.code for check in IDENTITY_CHECKS} == {code for code, *_ in BROKEN}


def test_a_sign_in_domain_that_is_too_long_is_told_with_its_length() -> None:
    [finding] = findings({**domain(59), **SIGN_IN})["ENV114"]
    assert "has 64 characters" in finding.why
