"""Names that somebody must foresee are composed in one place, and fit wherever they are used."""

from __future__ import annotations

import pytest

from blueprint.environment.regions import ZONES
from blueprint.layers.shared import names

LONGEST_REGION = max(ZONES, key=len)


def test_names_begin_with_project_and_environment(env):
    subject = env()
    assert names.bucket_prefix(subject, "uploads") == "acme-prod-uploads"
    assert names.key_alias(subject, "database") == "alias/acme-prod-database"


def test_the_trail_of_the_account_is_named_after_it(account):
    assert names.trail_name(account()) == "acme-account-trail"


def test_the_whole_name_of_a_bucket_is_known_for_any_region(env):
    assert names.bucket_name(env(), "uploads", "eu-central-1", "111122223333") == (
        "acme-prod-uploads-111122223333-eu-central-1-an"
    )


def test_the_longest_prefix_fits_into_a_bucket_name_in_every_region(env):
    subject = env()
    room = names.MOST_PREFIX_CHARACTERS - len(names.bucket_prefix(subject, ""))
    for region in ZONES:
        assert len(names.bucket_name(subject, "x" * room, region, "1" * 12)) <= 63
    assert len(names.bucket_name(subject, "x" * room, LONGEST_REGION, "1" * 12)) == 63


def test_a_prefix_that_would_not_fit_everywhere_is_refused(env):
    room = names.MOST_PREFIX_CHARACTERS - len(names.bucket_prefix(env(), ""))
    with pytest.raises(ValueError, match="longer than"):
        names.bucket_prefix(env(), "x" * (room + 1))
