"""Where a stack lives: the four places, and the accounts and regions that they stand for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from blueprint.environment import Account, Environment

#: What a layer is given: one environment, or the description of every account.
Subject = Environment | Account


class Place(Enum):
    """A place of the design. The values are those of the manifest."""

    PRIMARY = "primary"
    RECOVERY = "recovery"  # every recovery region
    FIRST_RECOVERY = "first-recovery"  # the one that takes over; holds what can exist only once
    US_EAST_1 = "us-east-1"  # what CloudFront and custom sign-in domains need there
    ACCOUNT_HOME = "account-home"  # once per account
    ACCOUNT_REGIONS = "account-regions"  # once per account and region

    @property
    def is_recovery(self) -> bool:
        return self in (Place.RECOVERY, Place.FIRST_RECOVERY)

    @property
    def is_account(self) -> bool:
        return self in (Place.ACCOUNT_HOME, Place.ACCOUNT_REGIONS)


@dataclass(frozen=True, order=True)
class Target:
    """One account and region that a stack is deployed to."""

    account: str
    region: str


def targets(subject: Subject, place: Place) -> tuple[Target, ...]:
    """The accounts and regions that ``place`` stands for, in the order of the environment file."""
    if isinstance(subject, Account) != place.is_account:
        kind = "the account" if isinstance(subject, Account) else "an environment"
        raise ValueError(f"{kind} has no place {place.value}")
    if isinstance(subject, Account):
        return tuple(
            Target(account, region)
            for account, regions in subject.rollout.items()
            for region in ([subject.home_region] if place is Place.ACCOUNT_HOME else regions)
        )
    regions: dict[Place, Iterable[str]] = {
        Place.PRIMARY: (subject.region,),
        Place.RECOVERY: subject.recovery_regions,
        Place.FIRST_RECOVERY: subject.recovery_regions[:1],
        Place.US_EAST_1: ("us-east-1",),
    }
    return tuple(Target(subject.account, region) for region in regions[place])
