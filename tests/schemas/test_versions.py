"""Versions of engines: read from the tables of the locked cfn-lint, and what becomes of an unknown engine."""

from __future__ import annotations

import pytest

from blueprint.environment.database_checks import OLDEST_AURORA_3
from blueprint.environment.database_model import Database
from blueprint.schemas import engine_versions


@pytest.mark.parametrize(
    ("engine", "known", "withdrawn", "unknown"),
    [
        (
            "aurora-mysql",
            {"8.0.mysql_aurora.3.10.5", "8.4.mysql_aurora.8.4.8", "8.0.mysql_aurora.3.11.0"},
            {"8.0.mysql_aurora.3.11.0", "8.0.mysql_aurora.3.05.0.1"},
            {"8.4.mysql_aurora.5.1.0", "8.4.mysql_aurora.8.0.0", "8.4.11"},
        ),
        ("mysql", {"8.4.11", "8.0.46", "8.4.3"}, {"8.4.3", "8.4.4"}, {"8.4.0", "8.0.mysql_aurora.3.10.5"}),
    ],
)
def test_the_tables_know_what_rds_has_and_what_it_makes_no_more(
    engine: str, known: set[str], withdrawn: set[str], unknown: set[str]
) -> None:
    versions = engine_versions(engine)
    assert known <= versions.known
    assert withdrawn <= versions.withdrawn <= versions.known
    assert not unknown & versions.known
    assert not {"8.4.mysql_aurora.8.4.8", "8.4.11"} & versions.withdrawn


def test_the_default_can_be_made() -> None:
    versions = engine_versions("aurora-mysql")
    assert Database().version in versions.known - versions.withdrawn
    assert OLDEST_AURORA_3 == [8, 0, 3, 8]


def test_an_engine_that_the_tables_do_not_know_has_no_versions() -> None:
    versions = engine_versions("mariadb-of-tomorrow")
    assert (versions.known, versions.withdrawn) == (frozenset(), frozenset())
