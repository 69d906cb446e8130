from __future__ import annotations

from typing import Any

import boto3
import pytest

from .conftest import Context

GROUP = "sg-0123456789abcdef0"


class Ec2:
    """Behaves like EC2 for the rules of one group, five to a page."""

    def __init__(self, inward: int, outward: int) -> None:
        self.rules = [(f"sgr-{n}", n >= inward) for n in range(inward + outward)]
        self.calls: list[int] = []

    def get_paginator(self, name: str) -> Ec2:
        assert name == "describe_security_group_rules"
        return self

    def paginate(self, Filters: list[dict[str, Any]]) -> list[dict[str, Any]]:
        assert Filters == [{"Name": "group-id", "Values": [GROUP]}]
        found = [{"SecurityGroupRuleId": rule, "IsEgress": egress} for rule, egress in self.rules]
        return [{"SecurityGroupRules": found[at : at + 5]} for at in range(0, len(found), 5)]

    def revoke_security_group_ingress(self, **what: Any) -> None:
        self._revoke(False, **what)

    def revoke_security_group_egress(self, **what: Any) -> None:
        self._revoke(True, **what)

    def _revoke(self, egress: bool, GroupId: str, SecurityGroupRuleIds: list[str]) -> None:
        assert GroupId == GROUP
        assert SecurityGroupRuleIds, "EC2 refuses an empty list"
        assert {(rule, egress) for rule in SecurityGroupRuleIds} <= set(self.rules)
        self.calls.append(len(SecurityGroupRuleIds))
        self.rules = [rule for rule in self.rules if rule[0] not in SecurityGroupRuleIds]


@pytest.fixture
def run(load, cloudformation, monkeypatch):
    def call(ec2: Ec2, kind: str, **over: Any) -> dict[str, Any]:
        monkeypatch.setattr(boto3, "client", lambda service: {"ec2": ec2}[service])
        event = cloudformation.event(kind, ResourceProperties={"GroupId": GROUP}, **over)
        load("close_default_security_group")["handler"](event, Context())
        answer: dict[str, Any] = cloudformation.answers[-1]
        return answer

    return call


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_every_rule_is_taken_off_however_many_pages_they_fill(run, kind):
    ec2 = Ec2(inward=7, outward=6)
    answer = run(ec2, kind)
    assert answer["Status"] == "SUCCESS"
    assert answer["PhysicalResourceId"] == GROUP
    assert ec2.rules == []


def test_more_rules_than_one_call_takes_are_taken_off_in_portions(run):
    ec2 = Ec2(inward=230, outward=1)
    assert run(ec2, "Create")["Data"] == {"Revoked": 231}
    assert ec2.rules == []
    assert max(ec2.calls) <= 100


def test_a_closed_group_is_left_alone(run):
    ec2 = Ec2(0, 0)
    assert run(ec2, "Create")["Status"] == "SUCCESS"
    assert ec2.calls == []


def test_deleting_leaves_the_group_as_it_is(run):
    ec2 = Ec2(2, 2)
    assert run(ec2, "Delete", PhysicalResourceId=GROUP)["Status"] == "SUCCESS"
    assert len(ec2.rules) == 4
