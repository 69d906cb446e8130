"""Places become accounts and regions; nothing else decides where a stack goes."""

from __future__ import annotations

import pytest

from blueprint.stacks.places import Place, Target, targets
from tests.conftest import RECOVERY

TWO = [{"region": "eu-central-1", "cidr": "10.1.0.0/16"}, {"region": "us-west-2", "cidr": "10.2.0.0/16"}]
NUMBER = "111122223333"


def test_the_primary_is_the_environments_own_region(env):
    assert targets(env(**RECOVERY), Place.PRIMARY) == (Target(NUMBER, "eu-west-1"),)


def test_recovery_is_every_recovery_region_in_the_order_of_the_file(env):
    assert [t.region for t in targets(env(recovery=TWO), Place.RECOVERY)] == ["eu-central-1", "us-west-2"]


def test_only_the_first_recovery_region_takes_over(env):
    assert [t.region for t in targets(env(recovery=TWO), Place.FIRST_RECOVERY)] == ["eu-central-1"]


def test_without_recovery_there_is_no_target_for_it(env):
    assert targets(env(), Place.RECOVERY) == targets(env(), Place.FIRST_RECOVERY) == ()


def test_us_east_1_is_a_place_wherever_the_primary_is(env):
    assert targets(env(), Place.US_EAST_1) == (Target(NUMBER, "us-east-1"),)


def test_what_exists_once_per_account_lives_in_its_home_region_only(account):
    assert targets(account(), Place.ACCOUNT_HOME) == (
        Target("111122223333", "eu-west-1"),
        Target("444455556666", "eu-west-1"),
    )


def test_what_exists_once_per_region_lives_in_every_region_that_an_environment_uses(account):
    assert set(targets(account(), Place.ACCOUNT_REGIONS)) == {
        Target("111122223333", "eu-west-1"),
        Target("111122223333", "eu-central-1"),
        Target("444455556666", "eu-west-1"),
        Target("444455556666", "us-west-2"),
    }


def test_environments_and_the_account_have_places_of_their_own(env, account):
    with pytest.raises(ValueError, match="no place account-home"):
        targets(env(), Place.ACCOUNT_HOME)
    with pytest.raises(ValueError, match="the account has no place primary"):
        targets(account(), Place.PRIMARY)


def test_every_place_knows_whether_it_is_recovery():
    assert [place for place in Place if place.is_recovery] == [Place.RECOVERY, Place.FIRST_RECOVERY]
